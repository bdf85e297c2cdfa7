//! A recorded storm through all shipped rules at once, from a file of lines to a score: `sanfang
//! replay --score` as a process of its own, and what each stage takes of it.

use super::Failure;
use super::http::seconds_since;
use super::replay::{self, Run};
use super::report::{Line, load_average, progress};
use super::served::{Scratch, cpu_s};
use crate::clock::monotonic;
use crate::command::recorded;
use crate::installation;
use ingest::register::Registrar;
use ingest::transport::file::Pieces;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

/// CPU seconds asked for 3.6 million lines.
const ASKED_S: f64 = 5.0;
/// CPU-ns asked of each, decoding included.
const ASKED_NS: f64 = 1300.0;
/// Times each is run; the least CPU time counts.
const RUNS: usize = 3;

/// A rule that nothing reaches: what is left is decoding, screening and one window.
const ONE_RULE: &str = "schema = 1\nversion = \"one\"\n[[rule]]\nid = \"one\"\nhazard = \"11B03\"\n\
    name = { zh = \"一\", en = \"One\" }\nsource = { document = \"bench\", confidence = \"design-default\" }\n\
    red = 'rainfall.sum(\"1h\") >= 1900'\n";

/// What is measured with.
pub(super) struct Load<'a> {
    /// City of many gauges.
    pub(super) city: &'a Path,
    /// Six hours of them.
    pub(super) storm: &'a Path,
    /// Rulebooks by folder, all in force together with the city's own.
    pub(super) rulebooks: &'a Path,
}

/// Replays the storm and says what that took.
pub(super) fn measure(load: &Load<'_>, scratch: &Scratch) -> Result<Vec<Line>, Failure> {
    let failed = |error: io::Error| Failure::Failed(error.to_string());
    let folder = |name| scratch.folder(name).map_err(failed);
    let (all, one, scored) = (folder("all-rules")?, folder("one-rule")?, folder("scored")?);
    let rules = gather(load, &all).map_err(failed)?;
    fs::write(one.join("one.toml"), ONE_RULE).map_err(failed)?;
    let events = scored.join("events.csv");
    fs::write(&events, happenings(load.city)?).map_err(failed)?;
    progress("hindcast: decoding and registrar");
    let (count, decoding) = decode(load)?;
    let replay = |rules: &Path, words: &str| best(load, rules, &events, words).map_err(failed);
    let one = replay(&one, "one rule")?;
    let all = replay(&all, &format!("{rules} rules"))?;
    let each = |cpu_s: f64| (cpu_s * 1e9 / count.max(1) as f64).round();
    let (to_one, to_all) = (one.cpu_s - decoding, all.cpu_s - one.cpu_s);
    let line = |name: &str, cpu_s: f64, figure: f64, unit: &'static str| Line {
        name: format!("hindcast, {name}"),
        figure,
        unit,
        less_is_better: true,
        cpu_s,
        count,
        load_average: load_average(),
        ..Line::default()
    };
    let ns = "CPU ns an observation";
    Ok(vec![
        line("decoding and registrar", decoding, each(decoding), ns),
        line("screen and one window", to_one, each(to_one), ns),
        line("windows and rules", to_all, each(to_all), ns),
        Line {
            asked: Some(ASKED_NS),
            ..line("all of it", all.cpu_s, each(all.cpu_s), ns)
        },
        Line {
            asked: Some(ASKED_S),
            wall_s: all.wall_s,
            note: format!("{count} lines, {rules} rules, {} line scored", all.changes),
            ..line("file to score", all.cpu_s, all.cpu_s, "CPU s")
        },
    ])
}

/// Decodes and registers every line, in this process.
fn decode(load: &Load<'_>) -> Result<(u64, f64), Failure> {
    let city = installation::city(load.city).map_err(|e| Failure::BadInput(e.to_string()))?;
    let failed = |error: &dyn std::fmt::Display| {
        let storm = load.storm.display();
        Failure::BadInput(format!(
            "{storm}: {error}; `make bench` makes what it needs"
        ))
    };
    let (mut count, mut least) = (0, f64::INFINITY);
    for _ in 0..RUNS {
        let began = cpu_s("self");
        let mut registrar = Registrar::new(&city, model::Span::ZERO);
        let mut pieces = Pieces::new(File::open(load.storm).map_err(|error| failed(&error))?);
        count = 0;
        while let Some(piece) = pieces.next_piece().map_err(|error| failed(&error))? {
            recorded::each(piece, &mut registrar, |found| {
                count += u64::from(std::hint::black_box(found).is_ok());
            });
        }
        least = least.min(cpu_s("self") - began);
    }
    Ok((count, least))
}

fn best(load: &Load<'_>, rules: &Path, events: &Path, words: &str) -> io::Result<Run> {
    let mut runs = Vec::new();
    for run in 1..=RUNS {
        progress(&format!("hindcast: {words}, run {run} of {RUNS}"));
        let began = monotonic();
        let arguments: [OsString; 8] = [
            "replay".into(),
            "--city".into(),
            load.city.into(),
            "--rules".into(),
            rules.into(),
            "--score".into(),
            events.into(),
            load.storm.into(),
        ];
        let mut run = replay::one(&arguments)?;
        run.wall_s = seconds_since(began);
        runs.push(run);
    }
    runs.sort_by(|a, b| a.cpu_s.total_cmp(&b.cpu_s));
    let none = || io::Error::other("it was not run");
    runs.into_iter().next().ok_or_else(none)
}

/// Copies the city's rules and those of every folder into one, each id after its folder's name: all
/// of them stand side by side, several for the same hazard. Says how many there are.
fn gather(load: &Load<'_>, into: &Path) -> io::Result<usize> {
    let mut folders = vec![("city".to_owned(), load.city.join("rules"))];
    for entry in fs::read_dir(load.rulebooks)? {
        let path = entry?.path();
        let name = path
            .file_name()
            .map(|name| name.to_string_lossy().into_owned());
        folders.extend(name.filter(|_| path.is_dir()).map(|name| (name, path)));
    }
    let mut rules = 0;
    for (prefix, folder) in folders {
        for path in files(&folder)? {
            let text = prefixed(&fs::read_to_string(&path)?, &prefix);
            rules += text
                .lines()
                .filter(|line| line.trim() == "[[rule]]")
                .count();
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            fs::write(into.join(format!("{prefix}-{name}")), text)?;
        }
    }
    Ok(rules)
}

fn files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        found.extend((path.extension() == Some("toml".as_ref())).then_some(path));
    }
    Ok(found)
}

/// The same rules with ids after `prefix`, where they are given and where they are asked for.
fn prefixed(text: &str, prefix: &str) -> String {
    let line = |line: &str| match line.split_once('=') {
        Some((key, _)) if key.trim() == "id" => line.replacen('"', &format!("\"{prefix}-"), 1),
        Some(_) | None => line.replace("situation(\"", &format!("situation(\"{prefix}-")),
    };
    let lines: Vec<String> = text.lines().map(line).collect();
    lines.join("\n") + "\n"
}

/// A rainstorm in each district, so that there is something to score: nobody recorded this storm.
fn happenings(city: &Path) -> Result<String, Failure> {
    let city = installation::city(city).map_err(|e| Failure::BadInput(e.to_string()))?;
    let mut table = String::from("id,hazard,area,tier,start,end\n");
    let districts = city
        .areas
        .iter()
        .filter(|area| area.level == model::AreaLevel::District);
    for (number, area) in districts.enumerate() {
        table.push_str(&format!(
            "{number},11B03,{},orange,2023-09-07T20:00:00+08:00,2023-09-08T00:00:00+08:00\n",
            area.code
        ));
    }
    Ok(table)
}
