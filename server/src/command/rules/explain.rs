//! `sanfang rules explain`: why this tier, here, then; from recorded observations, or from the
//! journal of a server, running or not.

use super::outlook;
use super::story::{Reading, Story, text};
use crate::command::recorded::{News, Told};
use crate::command::{Failure, print, recorded};
use crate::installation::{self, Faulty};
use crate::pump::kind;
use clap::Args;
use ingest::quality::Screen;
use ingest::register::Registrar;
use ingest::transport::file::Pieces;
use journal::{DiskJournal, Journal, Kind, Partition, Topic};
use model::{
    AreaCode, AreaNo, City, Input, Mode, Observation, Parameter, Span, StationNo, Time, Zone,
};
use rules::window::Window;
use rules::{Change, Effect, Engine, Outlook, Policy, Rule, Rulebook};
use std::collections::{BTreeSet, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What to explain.
#[derive(Args)]
pub(crate) struct Arguments {
    /// City directory
    #[arg(long, value_name = "DIR")]
    city: PathBuf,
    /// Rulebook directory instead of the city's own
    #[arg(long, value_name = "DIR")]
    rules: Option<PathBuf>,
    /// Station or site id, or the code of an area
    #[arg(long, value_name = "ID")]
    subject: String,
    /// Only this rule
    #[arg(long, value_name = "ID")]
    rule: Option<String>,
    /// Only what held at this time, 2023-09-07T21:00:00+08:00
    #[arg(long, value_name = "TIME", value_parser = time)]
    at: Option<Time>,
    /// Print one JSON object for each change of tier instead of words
    #[arg(long)]
    json: bool,
    /// Journal directory of a server, running or not, instead of files
    #[arg(
        long,
        value_name = "DIR",
        conflicts_with_all = ["files", "forecasts", "official_signals"],
        required_unless_present_any = ["files", "forecasts", "official_signals"]
    )]
    journal: Option<PathBuf>,
    #[command(flatten)]
    told: Told,
    /// Observation files, NDJSON or arrays; `-` is standard input
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
}

/// Bytes of a journal read in one turn.
const TURN_BYTES: usize = 4 << 20;
/// How far back a window of calendar days is shown.
const DAY: Span = Span::from_minutes(24 * 60);

fn time(words: &str) -> Result<Time, String> {
    let read = Time::parse(words).map(|(time, _)| time);
    read.map_err(|error| error.to_string())
}

/// Where the subject is and what is asked of it.
struct Search {
    city: Arc<City>,
    rulebook: Arc<Rulebook>,
    subject: String,
    rule: Option<String>,
    at: Option<Time>,
    zone: Zone,
    stations: Vec<StationNo>,
    /// The subject; of an area its stations and sites, too.
    subjects: BTreeSet<String>,
}

/// The zone of the subject, stepped through what is recorded.
struct Machine<'a> {
    search: &'a Search,
    engine: Engine,
    screen: Screen,
    now: Option<Time>,
    found: Vec<Found>,
    /// How the subject stood when the time asked for had come.
    outlooks: Option<Vec<Outlook>>,
}

/// All there is to tell.
struct Explained {
    found: Vec<Found>,
    outlooks: Vec<Outlook>,
}

/// A change with the readings behind it.
struct Found {
    change: Change,
    readings: Vec<Reading>,
}

/// Prints each change of tier at the subject, or the one that was in force at a time.
pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let bad = |faulty: Faulty| Failure::BadInput(faulty.to_string());
    let city = Arc::new(installation::city(&arguments.city).map_err(bad)?);
    let rules = arguments
        .rules
        .clone()
        .unwrap_or_else(|| arguments.city.join("rules"));
    let rulebook = Arc::new(installation::rulebook(&rules).map_err(bad)?);
    let search = Search::new(city, rulebook, arguments)?;
    let Explained {
        mut found,
        outlooks,
    } = match &arguments.journal {
        Some(directory) => search.journal(directory)?,
        None => search.files(arguments)?,
    };
    let same = |a: &Change, b: &Change| (&a.rule, &a.subject) == (&b.rule, &b.subject);
    if let Some(at) = arguments.at {
        // The last change of each rule up to then is what held.
        let mut held: Vec<Found> = Vec::new();
        for one in found.into_iter().filter(|one| one.change.time <= at) {
            held.retain(|before| !same(&before.change, &one.change));
            held.push(one);
        }
        found = held;
    }
    let mut lines = Vec::new();
    for (place, Found { change, readings }) in found.iter().enumerate() {
        let rule = search.rulebook.rule(&change.rule).map(|(_, rule)| rule);
        let later = found.iter().skip(place + 1);
        let is_last = !later
            .map(|one| &one.change)
            .any(|other| same(other, change));
        let stands = |outlook: &&Outlook| {
            is_last && (&outlook.rule, &outlook.subject) == (&change.rule, &change.subject)
        };
        let story = Story::new(change, rule, &search.city, readings.clone());
        let outlook = outlooks.iter().find(stands);
        lines.extend(match arguments.json {
            true => vec![outlook::story_with(&story, outlook, &search.city)],
            false => story.words(),
        });
        if let (false, Some(outlook)) = (arguments.json, outlook) {
            lines.extend(outlook::words(outlook, &search.city));
        }
    }
    for outlook in &outlooks {
        let told = |one: &Found| {
            (&outlook.rule, &outlook.subject) == (&one.change.rule, &one.change.subject)
        };
        if found.iter().any(told) {
            continue;
        }
        lines.extend(match arguments.json {
            true => vec![outlook::alone(outlook, &search.city)],
            false => outlook::words(outlook, &search.city),
        });
    }
    print::lines(&lines)?;
    if found.is_empty() {
        let when = arguments.at.map_or_else(String::new, |at| {
            format!(" up to {}", text(&search.city, at))
        });
        eprintln!("{}: no change of tier{when}", search.subject);
    }
    Ok(())
}

impl Search {
    fn new(
        city: Arc<City>,
        rulebook: Arc<Rulebook>,
        arguments: &Arguments,
    ) -> Result<Self, Failure> {
        let subject = arguments.subject.as_str();
        if let Some(rule) = &arguments.rule
            && rulebook.rule(rule).is_none()
        {
            let known: Vec<_> = rulebook.rules.iter().map(|rule| rule.id.as_str()).collect();
            let known = known.join(", ");
            return Err(Failure::BadInput(format!(
                "no rule {rule}; there are {known}"
            )));
        }
        let site = city.site_no(subject).and_then(|no| city.site(no));
        let station = city.station_no(subject);
        let code = AreaCode::parse(subject).ok();
        let area = code.and_then(|code| city.area_no(code));
        let (home, stations) = match (site, station, area) {
            (Some(site), ..) => (site.area, site.station.into_iter().collect()),
            (None, Some(no), _) => {
                let home = city.station(no).map(|station| station.area);
                (home.unwrap_or(model::AreaNo(0)), vec![no])
            }
            (None, None, Some(area)) => {
                let stations = (0u32..).zip(&city.stations);
                let inside = stations.filter(|(_, s)| !s.retired && city.is_within(s.area, area));
                (area, inside.map(|(no, _)| StationNo(no)).collect())
            }
            (None, None, None) => {
                return Err(Failure::BadInput(format!(
                    "no station, site or area {subject}: see stations.csv, sites.csv, areas.geojson"
                )));
            }
        };
        Ok(Self {
            zone: city.zone_of(home),
            subjects: subjects_of(
                &city,
                subject,
                area.filter(|_| site.is_none() && station.is_none()),
            ),
            subject: subject.to_owned(),
            rule: arguments.rule.clone(),
            at: arguments.at,
            city,
            rulebook,
            stations,
        })
    }

    /// Steps the files through the machine of the subject's zone.
    fn files(&self, arguments: &Arguments) -> Result<Explained, Failure> {
        let mut registrar = Registrar::new(&self.city, Span::ZERO);
        let mut machine = Machine::new(self);
        let news = arguments.told.read(&self.city, false)?;
        let here = |news: &News| news.zones(&self.city).contains(&self.zone);
        let mut news: VecDeque<News> = news.into_iter().filter(here).collect();
        for path in &arguments.files {
            let unreadable = |why: String| Failure::BadInput(format!("{}: {why}", path.display()));
            let mut pieces = Pieces::new(recorded::open(path)?);
            while let Some(piece) = pieces.next_piece().map_err(|e| unreadable(e.to_string()))? {
                recorded::each(piece, &mut registrar, |line| {
                    if let Ok(row) = line {
                        while let Some(next) = news.pop_front_if(|next| next.time() <= row.time) {
                            machine.hear(&next);
                        }
                        let now = machine.now.map_or(row.time, |now| now.max(row.time));
                        machine.observe(now, &row);
                    }
                });
            }
        }
        news.iter().for_each(|next| machine.hear(next));
        Ok(machine.finish())
    }

    /// The changes that a server recorded, and the observations behind them.
    fn journal(&self, directory: &Path) -> Result<Explained, Failure> {
        if !directory.is_dir() {
            let directory = directory.display();
            return Err(Failure::BadInput(format!("{directory}: no such journal")));
        }
        let failed = |error: journal::JournalError| Failure::Failed(error.to_string());
        let journal = DiskJournal::view(directory).map_err(failed)?;
        let mut found = Vec::new();
        self.each(&journal, Kind::Warnings, |record| {
            if record.kind == kind::CHANGE
                && let Ok(change) = serde_json::from_slice::<Change>(record.payload())
                && self.is_wanted(&change)
            {
                found.push(Found {
                    change,
                    readings: Vec::new(),
                });
            }
        })
        .map_err(failed)?;
        let spans: Vec<Vec<(Parameter, Span)>> = found
            .iter()
            .map(|one| self.windows(&one.change.rule).collect())
            .collect();
        let mut machine = Machine::new(self);
        self.each(&journal, Kind::Input, |record| {
            let at = Time::from_millis(record.time_ms);
            let rows = match Input::decode(record.kind, record.payload()) {
                Ok(Input::Observations(rows)) => rows,
                Ok(input @ (Input::Forecasts(_) | Input::Signal(_))) => {
                    return machine.step(at, &input);
                }
                // Policy and people's acts move no tier at a subject.
                Ok(
                    Input::Tick
                    | Input::Order(_)
                    | Input::Edition(_)
                    | Input::Device(_)
                    | Input::Revised(_)
                    | Input::Moved(_),
                )
                | Err(_) => return,
            };
            for row in &rows {
                machine.observe(at, row);
                for (one, spans) in found.iter_mut().zip(&spans) {
                    if self.feeding(&one.change.subject).contains(&row.station) {
                        self.behind(row, spans, one);
                    }
                }
            }
        })
        .map_err(failed)?;
        for one in &mut found {
            one.readings.sort_by(|a, b| a.time.cmp(&b.time));
        }
        let outlooks = machine.finish().outlooks;
        Ok(Explained { found, outlooks })
    }

    /// Stations whose readings a subject rests on.
    fn feeding(&self, subject: &str) -> Vec<StationNo> {
        let site = self.city.site_no(subject).and_then(|no| self.city.site(no));
        match (site, self.city.station_no(subject)) {
            (Some(site), _) => site.station.into_iter().collect(),
            (None, Some(station)) => vec![station],
            (None, None) => self.stations.clone(),
        }
    }

    /// Adds an observation to a change in whose windows it stands.
    fn behind(&self, row: &Observation, spans: &[(Parameter, Span)], one: &mut Found) {
        let end = one.change.time;
        let inside = |(parameter, span): &&(Parameter, Span)| {
            *parameter == row.parameter && row.time > end - *span && row.time <= end
        };
        if spans.iter().any(|span| inside(&span)) {
            one.readings
                .push(self.reading(row.station, row.parameter, row.time, row.value));
        }
    }

    fn each(
        &self,
        journal: &DiskJournal,
        kind: Kind,
        mut hear: impl FnMut(&journal::Record),
    ) -> Result<(), journal::JournalError> {
        let (topic, partition) = (Topic::actual(kind), Partition(self.zone.0));
        let mut next = journal.first(topic, partition)?;
        loop {
            let records = journal.read(topic, partition, next, TURN_BYTES)?;
            let Some(last) = records.last() else {
                return Ok(());
            };
            next = last.offset.plus(1);
            records.iter().for_each(&mut hear);
        }
    }

    fn is_wanted(&self, change: &Change) -> bool {
        self.subjects.contains(&change.subject)
            && self.rule.as_ref().is_none_or(|rule| *rule == change.rule)
            && self.at.is_none_or(|at| change.time <= at)
    }

    /// Parameters a rule reads, each with its longest window.
    fn windows(&self, rule: &str) -> impl Iterator<Item = (Parameter, Span)> {
        let rule = self.rulebook.rule(rule).map(|(_, rule)| rule);
        let mut longest: Vec<(Parameter, Span)> = Vec::new();
        for call in rule
            .map(|rule: &Rule| rule.calls.as_slice())
            .unwrap_or_default()
        {
            let length = match call.reading.window {
                Some(Window::Rolling(span)) => span,
                Some(Window::Calendar { days, .. }) => {
                    Span::from_millis(DAY.millis() * i64::from(days))
                }
                None => Span::from_minutes(1),
            };
            let parameter = call.reading.parameter;
            match longest.iter_mut().find(|(held, _)| *held == parameter) {
                Some((_, held)) => *held = (*held).max(length),
                None => longest.push((parameter, length)),
            }
        }
        longest.into_iter()
    }

    fn reading(
        &self,
        station: StationNo,
        parameter: Parameter,
        time: Time,
        value: model::Quanta,
    ) -> Reading {
        let station = self.city.station(station);
        Reading {
            station: station.map(|s| s.id.clone()).unwrap_or_default(),
            parameter,
            time: text(&self.city, time),
            value: parameter.decimal(i64::from(value)),
        }
    }
}

/// The subject itself; of an area what stands in it, too.
fn subjects_of(city: &City, subject: &str, area: Option<AreaNo>) -> BTreeSet<String> {
    let within = |at: AreaNo| area.is_some_and(|area| city.is_within(at, area));
    let stations = city.stations.iter().filter(|station| within(station.area));
    let sites = city.sites.iter().filter(|site| within(site.area));
    let ids = stations
        .map(|station| &station.id)
        .chain(sites.map(|site| &site.id));
    ids.cloned().chain([subject.to_owned()]).collect()
}

impl<'a> Machine<'a> {
    fn new(search: &'a Search) -> Self {
        Self {
            search,
            engine: Engine::new(
                Arc::clone(&search.city),
                search.zone,
                Mode::Actual,
                Arc::clone(&search.rulebook),
                Policy::Replay,
            ),
            screen: Screen::new(&search.city, search.zone),
            now: None,
            found: Vec::new(),
            outlooks: None,
        }
    }

    /// Steps what is heard beside observations, and the minutes before it.
    fn hear(&mut self, news: &News) {
        let input = match news {
            News::Forecast(forecast) => Input::Forecasts(vec![forecast.clone()]),
            News::Signal(signal) => Input::Signal(signal.clone()),
        };
        let now = self.now.map_or(news.time(), |now| now.max(news.time()));
        self.step(now, &input);
    }

    fn step(&mut self, now: Time, input: &Input) {
        let mut effects = Vec::new();
        self.pass(now, &mut effects);
        self.engine.step(now, input, &mut effects);
        self.keep(&mut effects);
    }

    /// Steps one observation, and the minutes before it.
    fn observe(&mut self, now: Time, row: &Observation) {
        let mut effects = Vec::new();
        self.pass(now, &mut effects);
        if !self.engine.hears(row.station) {
            return;
        }
        let screened = self.screen.step(now, row);
        if screened.is_repeat() {
            return;
        }
        self.engine
            .observe(now, &screened.observation, &mut effects);
        if let Some(rainfall) = &screened.rainfall {
            self.engine.observe(now, rainfall, &mut effects);
        }
        self.keep(&mut effects);
    }

    /// Each minute up to `now`.
    fn pass(&mut self, now: Time, effects: &mut Vec<Effect>) {
        if let Some(before) = self.now.filter(|before| now > *before) {
            for minute in before.minute() + 1..=now.minute() {
                self.look_before(Time::from_minute(minute));
                self.engine.tick(Time::from_minute(minute), effects);
                self.keep(effects);
            }
        }
        self.look_before(now);
        self.now = Some(now);
    }

    /// Keeps how the subject stands once what comes next is later than the time asked for.
    fn look_before(&mut self, next: Time) {
        if self.outlooks.is_none() && self.search.at.is_some_and(|at| next > at) {
            self.outlooks = Some(self.look());
        }
    }

    /// Each rule at the subject, and at those of an area's subjects that changed.
    fn look(&self) -> Vec<Outlook> {
        let search = self.search;
        let changed = self.found.iter().map(|one| &one.change.subject);
        let subjects: BTreeSet<&String> = changed.chain([&search.subject]).collect();
        let wanted = |id: &&String| search.rule.as_ref().is_none_or(|only| only == *id);
        let rules = search.rulebook.rules.iter().map(|rule| &rule.id);
        let rules: Vec<&String> = rules.filter(wanted).collect();
        let each = subjects.into_iter().flat_map(|subject| {
            let rules = rules.iter();
            rules.filter_map(|rule| self.engine.outlook(rule, subject))
        });
        each.collect()
    }

    fn finish(mut self) -> Explained {
        let outlooks = self.outlooks.take();
        Explained {
            outlooks: outlooks.unwrap_or_else(|| self.look()),
            found: self.found,
        }
    }

    /// Keeps the changes at the subject with the readings in the rule's windows as they are now.
    fn keep(&mut self, effects: &mut Vec<Effect>) {
        let search = self.search;
        for effect in effects.drain(..) {
            let Effect::Signal(change) = effect else {
                continue;
            };
            if !search.is_wanted(&change) {
                continue;
            }
            let mut readings = Vec::new();
            for (parameter, length) in search.windows(&change.rule) {
                for station in search.feeding(&change.subject) {
                    let rows = self.engine.readings(station, parameter, length);
                    let rows = rows.into_iter().filter(|row| row.time <= change.time);
                    readings.extend(
                        rows.map(|row| search.reading(station, parameter, row.time, row.value)),
                    );
                }
            }
            self.found.push(Found {
                change: *change,
                readings,
            });
        }
    }
}
