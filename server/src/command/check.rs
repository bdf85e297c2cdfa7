//! `sanfang check`: every fault of a configuration, a city and a rulebook at once.

use super::{Failure, print};
use crate::accounts;
use crate::clock::Clock;
use crate::config::Config;
use crate::installation::{self, is_error};
use crate::links::Served;
use crate::people::{self, Person};
use clap::Args;
use dispatch::directory::Directory;
use dispatch::gateway::sms::{Account, Kinds};
use dispatch::wording::Places;
use model::City;
use model::fault::{Fault, Severity};
use rules::Rulebook;
use serde::Serialize;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What to check.
#[derive(Args)]
#[group(id = "what", required = true, multiple = true)]
pub(crate) struct Arguments {
    /// Configuration file; the city it names is checked too
    #[arg(long, value_name = "FILE", group = "what")]
    config: Option<PathBuf>,
    /// City directory, with its rules, wording, contacts and subscribers
    #[arg(long, value_name = "DIR", group = "what")]
    city: Option<PathBuf>,
    /// Rulebook directory: by itself, or instead of the city's own; a rule of it that no test case
    /// plays is a fault, since it could not be put forward
    #[arg(long, value_name = "DIR", group = "what")]
    rules: Option<PathBuf>,
    /// Print one JSON object a line instead of words
    #[arg(long)]
    json: bool,
}

/// One fault as a program reads it.
#[derive(Serialize)]
struct Line<'a> {
    severity: &'static str,
    file: &'a str,
    line: Option<u32>,
    /// Characters from the line's beginning, from 1, where the fault is about a part of it.
    column: Option<usize>,
    field: &'a str,
    what: &'a str,
    remedy: &'a str,
}

/// Prints faults on standard output, one after the other; notices too, but only faults fail.
pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let mut found = Found::default();
    let mut city = arguments.city.clone();
    let mut configured = None;
    if let Some(path) = &arguments.config {
        match Config::read(path) {
            Ok((config, notices)) => {
                found.faults.extend(notices);
                let folder = city.get_or_insert_with(|| config.city.clone());
                let rules = arguments.rules.clone();
                let rules = rules.unwrap_or_else(|| folder.join("rules"));
                if let Ok(rulebook) = installation::rulebook(&rules) {
                    let file = path.display().to_string();
                    let fault = config.retention.series_fault(&file, rulebook.reach());
                    found.faults.extend(fault);
                }
                configured = Some((path.as_path(), config));
            }
            Err(faulty) => found.faults.extend(faulty.0),
        }
    }
    match (&city, &arguments.rules) {
        (Some(city), rules) => {
            let city = found.city(city, rules.as_deref());
            if let (Some((city, directory)), Some((path, config))) = (city, configured) {
                found.signers(path, &city, &config.people);
                found.links(path, &city, directory.as_ref(), &config);
                found.accounts(path, &city, directory.as_ref(), &config);
            }
        }
        (None, Some(rules)) => found.rules(rules),
        (None, None) => {}
    }
    let errors = found.faults.iter().filter(|fault| is_error(fault)).count();
    let lines: Vec<String> = found
        .faults
        .iter()
        .map(|fault| text(fault, arguments.json))
        .collect();
    print::lines(&lines)?;
    if errors > 0 {
        let faults = if errors == 1 { "fault" } else { "faults" };
        return Err(Failure::BadInput(format!("{errors} {faults}")));
    }
    for summary in &found.summaries {
        eprintln!("{summary}: no faults");
    }
    Ok(())
}

fn text(fault: &Fault, json: bool) -> String {
    if !json {
        let mark = if is_error(fault) { "" } else { "notice: " };
        return format!("{mark}{fault}");
    }
    let line = Line {
        severity: if is_error(fault) { "error" } else { "notice" },
        file: &fault.file,
        line: fault.line,
        column: fault.excerpt.as_ref().map(|excerpt| excerpt.before + 1),
        field: &fault.field,
        what: &fault.what,
        remedy: &fault.remedy,
    };
    serde_json::to_string(&line).unwrap_or_default()
}

/// What came of the checks.
#[derive(Default)]
struct Found {
    faults: Vec<Fault>,
    summaries: Vec<String>,
}

impl Found {
    fn rules(&mut self, directory: &Path) {
        match installation::rulebook(directory) {
            Ok(rulebook) => {
                let rulebook = Arc::new(rulebook);
                self.faults
                    .extend(installation::worth_a_look(directory, &rulebook));
                self.tried(directory, &rulebook, Severity::Error);
                self.summaries.push(format!(
                    "{}: {} rules ({})",
                    directory.display(),
                    rulebook.rules.len(),
                    rulebook.version
                ));
            }
            Err(faulty) => self.faults.extend(faulty.0),
        }
    }

    /// The rulebook's own tests; rules that none of them plays are of that severity.
    fn tried(&mut self, directory: &Path, rulebook: &Arc<Rulebook>, severity: Severity) {
        let tried = installation::tried(directory, rulebook);
        let file = directory.display().to_string();
        let uncovered = installation::uncovered(&file, &tried.untested, severity);
        self.faults.extend(tried.faults);
        self.faults.extend(uncovered);
    }

    /// People whom the city names to sign and the configuration does not know.
    fn signers(&mut self, path: &Path, city: &City, people: &[Person]) {
        let unknown = people::unknown_signers(&city.policy, &city.plans, people);
        self.faults.extend(unknown.into_iter().map(|id| Fault {
            file: path.display().to_string(),
            line: None,
            field: "person".into(),
            excerpt: None,
            what: format!("city.toml names {id} to sign and no [[person]] has that id"),
            remedy: "add one, or take it out of city.toml".into(),
            severity: Severity::Notice,
        }));
    }

    /// What the city says by channels that the configuration gives no link.
    fn links(&mut self, path: &Path, city: &City, directory: Option<&Directory>, config: &Config) {
        let served = Served {
            file: &path.display().to_string(),
            links: &config.link_names(),
        };
        self.faults.extend(served.notices(city, directory));
        let cells = config.cells.iter();
        self.faults
            .extend(cells.flat_map(|section| section.notices(city)));
    }

    /// Accounts at carriers: which are over, and which texts of the city they do not pass.
    fn accounts(
        &mut self,
        path: &Path,
        city: &City,
        directory: Option<&Directory>,
        config: &Config,
    ) {
        let file = path.display().to_string();
        let accounts: Vec<_> = config.sms.iter().map(|section| section.account()).collect();
        let now = Clock::wall().now();
        let ending = accounts::ending(&file, &accounts, now, city.offset_at(now));
        self.faults.extend(ending);
        if let Some(directory) = directory.filter(|_| !config.sms.is_empty()) {
            let (roll, kinds) = (
                config.city.display().to_string(),
                Kinds::of(&config.numbers),
            );
            self.faults
                .extend(accounts::unknown(&roll, directory, &kinds));
        }
        let restricts = accounts.iter().any(Account::restricts_texts);
        let wording = config.city.join("wording");
        if restricts && let Ok(wording) = installation::wording(&wording) {
            let places = Places::new(city, wording.names());
            let texts = wording.short_messages(city, &places);
            self.faults
                .extend(accounts::unpassed(&file, &accounts, &texts));
        }
    }

    /// The city, and its people where they can be read.
    fn city(
        &mut self,
        directory: &Path,
        rules: Option<&Path>,
    ) -> Option<(City, Option<Directory>)> {
        // What a city has is served; what is named besides is to be put forward.
        let severity = match rules {
            None => Severity::Notice,
            Some(_) => Severity::Error,
        };
        let rules = rules.map_or_else(|| directory.join("rules"), Path::to_owned);
        let city = installation::city(directory);
        let rulebook = installation::rulebook(&rules).map(Arc::new);
        let wording = directory.join("wording");
        let wording = wording.exists().then(|| installation::wording(&wording));
        let mut people = None;
        if let Ok(city) = &city {
            self.faults.extend(installation::notices(city, directory));
            let absent = self.absent(directory);
            let mut watch = |rows: u64| eprintln!("subscribers: {rows} rows read");
            let read = || installation::tables(directory, city, None, &mut watch);
            match (absent == 0).then(read) {
                Some(Ok(loaded)) => {
                    let all = &loaded.directory;
                    let empty = installation::empty_classes(city, all, directory);
                    self.faults.extend(loaded.faults);
                    self.faults.extend(empty);
                    people = Some(loaded.directory);
                }
                Some(Err(faulty)) => self.faults.extend(faulty.0),
                None => {}
            }
        }
        if let (Ok(city), Ok(rulebook)) = (&city, &rulebook) {
            let between = installation::between(rulebook, &rules, city, directory);
            self.faults.extend(between);
            self.faults.extend(installation::strays(&rules));
            self.tried(&rules, rulebook, severity);
            self.summaries.push(format!(
                "{}: {} areas, {} zones, {} stations, {} sites, {} rules ({})",
                directory.display(),
                city.areas.len(),
                city.zones.len(),
                city.stations.len(),
                city.sites.len(),
                rulebook.rules.len(),
                rulebook.version,
            ));
        }
        if let (Ok(city), Some(Ok(wording))) = (&city, &wording) {
            let unfit = installation::unfit_words(wording, city, directory);
            self.faults.extend(unfit);
        }
        let (city, unread) = match city {
            Ok(city) => (Some(city), None),
            Err(faulty) => (None, Some(faulty)),
        };
        let faulty = [unread, rulebook.err(), wording.and_then(Result::err)];
        for faulty in faulty.into_iter().flatten() {
            self.faults.extend(faulty.0);
        }
        city.map(|city| (city, people))
    }

    /// A city without people or wording can be replayed and not served. How many tables of people
    /// are not there.
    fn absent(&mut self, directory: &Path) -> usize {
        let is_there = |name: &str| directory.join(name).exists();
        let is_roll = |name: &str| installation::SUBSCRIBERS.contains(&name);
        let has_roll = installation::SUBSCRIBERS.iter().any(|name| is_there(name));
        let is_absent = |name: &&str| !(is_there(name) || (is_roll(name) && has_roll));
        let absent: Vec<_> = ["contacts.csv", "subscribers.csv", "wording"]
            .into_iter()
            .filter(is_absent)
            .collect();
        let notices = absent.iter().map(|name| Fault {
            file: directory.join(name).display().to_string(),
            line: None,
            field: String::new(),
            excerpt: None,
            what: "it is missing".into(),
            remedy: "replay does without; serve needs it (an empty table is a header line alone)"
                .into(),
            severity: Severity::Notice,
        });
        self.faults.extend(notices);
        absent.iter().filter(|name| name.ends_with(".csv")).count()
    }
}
