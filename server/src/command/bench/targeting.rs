//! Who is meant, at the scale of a city: the directory built from each kind of roll and from its
//! sealed version, what it holds in memory, and how soon a drawn place is resolved.
//!
//! Nothing is served: this process makes the people, reads them and asks. The highest memory of
//! each step is its own, since the system's mark is set back before it.

mod crowd;

use super::report::{Line, load_average, progress};
use super::served::{Scratch, cpu_s, memory_bytes};
use super::{Failure, sms};
use crate::clock::monotonic;
use crate::installation::{self, SUBSCRIBERS};
use crowd::{Crowd, Dice};
use dispatch::directory::{Directory, Loaded, SealKey, Shape};
use dispatch::intent::Audience;
use model::release::Reach;
use model::{Channel, City};
use std::fs::File;
use std::io;
use std::path::Path;

/// What is measured with.
pub(super) struct Load<'a> {
    /// City whose areas are peopled.
    pub(super) city: &'a Path,
    /// How many people.
    pub(super) people: u64,
    /// Where the places drawn, their heads and their times are written for others to compare;
    /// beside them `subscribers.csv`.
    pub(super) export: Option<&'a Path>,
}

/// Each question is asked so often; the middle one counts.
const TIMES: usize = 9;
/// Heads that the polygons are drawn for.
const HEADS: [u64; 3] = [1_000, 100_000, 2_000_000];
/// Corners of each of them.
const CORNERS: [usize; 3] = [60, 300, 500];
/// A river's vertices, and how far from it people are meant, metres.
const RIVER: usize = 2_000;
const RIVER_M: f64 = 300.0;

pub(super) fn measure(load: &Load<'_>, scratch: &Scratch) -> Result<Vec<Line>, Failure> {
    let folder = scratch.folder("targeting").map_err(failed)?;
    let city = installation::city(load.city).map_err(faulty)?;
    let crowd = Crowd::new(&city);
    let mut lines = Vec::new();
    let key = SealKey::new("bench", [1; 32]);
    let sealed = folder.join("version.sfdir");
    for (name, asked, goal) in [(SUBSCRIBERS[1], 15.0, 5.0), (SUBSCRIBERS[0], 60.0, 60.0)] {
        let town = folder.join(name.replace('.', "-"));
        copied(load.city, &town)?;
        let path = town.join(name);
        progress(&format!(
            "targeting: writing {} people as {name}",
            load.people
        ));
        if name == SUBSCRIBERS[1] {
            crowd.parquet(load.people, &path)?;
        } else {
            crowd.csv(load.people, &path)?;
        }
        let step = Step::begin();
        let loaded = installation::tables(&town, &city, None, &mut |_| {}).map_err(faulty)?;
        lines.push(step.line(&format!("built from {name}"), load.people, asked, goal));
        lines.push(peak(&format!("highest, from {name}"), load.people));
        let Loaded {
            directory, numbers, ..
        } = loaded;
        let held = directory.len() as u64;
        if held != load.people + counted_before(&city, load.city)? {
            return Err(Failure::Failed(format!("{held} recipients were read")));
        }
        if name == SUBSCRIBERS[1] {
            let mut out = File::create(&sealed).map_err(failed)?;
            let wrong = |error: dispatch::directory::SealError| Failure::Failed(error.to_string());
            directory.seal(&numbers, &key, &mut out).map_err(wrong)?;
        }
        if load.export.is_none() || name == SUBSCRIBERS[1] {
            std::fs::remove_file(&path).map_err(failed)?;
        } else if let Some(export) = load.export {
            std::fs::create_dir_all(export).map_err(failed)?;
            std::fs::copy(&path, export.join(name)).map_err(failed)?;
        }
    }
    let before = memory_bytes(std::process::id(), "VmRSS:");
    let step = Step::begin();
    let from = File::open(&sealed).map_err(failed)?;
    let opened = Directory::open(&city, &key, from);
    let directory = opened.map_err(|error| Failure::Failed(error.to_string()))?;
    let directory = directory.directory;
    lines.push(step.line("opened from its version file", load.people, 3.0, 2.0));
    lines.push(peak("highest, from the version file", load.people));
    let now = memory_bytes(std::process::id(), "VmRSS:");
    lines.push(Line {
        name: "resident".into(),
        figure: now.saturating_sub(before) as f64 / load.people as f64,
        unit: "bytes a person",
        less_is_better: true,
        asked: Some(30.0),
        goal: Some(18.0),
        load_average: load_average(),
        note: format!("{} MB in the whole process", now >> 20),
        ..Line::default()
    });
    lines.extend(questions(load, &city, &directory)?);
    Ok(lines)
}

/// Contacts and devices that the city has besides.
fn counted_before(city: &City, folder: &Path) -> Result<u64, Failure> {
    let contacts = File::open(folder.join("contacts.csv")).map_err(failed)?;
    let nobody = &b"id,lon,lat,phone,language,audience\n"[..];
    let read = Directory::read(city, contacts, nobody, None);
    let read = read.map_err(|_| Failure::BadInput("contacts.csv cannot be read".into()))?;
    Ok(read.directory.len() as u64)
}

/// The city's files but its people.
fn copied(city: &Path, town: &Path) -> Result<(), Failure> {
    sms::copy(city, town).map_err(failed)?;
    for name in SUBSCRIBERS {
        let path = town.join(name);
        if path.exists() {
            std::fs::remove_file(path).map_err(failed)?;
        }
    }
    Ok(())
}

/// Polygons for some numbers of heads, a river, everybody.
fn questions(load: &Load<'_>, city: &City, directory: &Directory) -> Result<Vec<Line>, Failure> {
    let mut lines = Vec::new();
    let mut written = Vec::new();
    let asked = [None, Some(2.0), Some(20.0)];
    for ((heads, corners), asked) in HEADS.into_iter().zip(CORNERS).zip(asked) {
        if heads >= load.people {
            continue;
        }
        let shape = drawn_for(city, directory, heads, corners)?;
        let name = format!("polygon for {heads} heads");
        let line = ask(city, directory, &shape, &name, asked)?;
        written.push((shape, line.clone()));
        lines.push(line);
    }
    let river = river(city)?;
    let line = ask(city, directory, &river, "within 300 m of a river", None)?;
    written.push((river, line.clone()));
    lines.push(line);
    let all = circle(middle(city), 9.0, 500)?;
    lines.push(ask(city, directory, &all, "everybody", Some(500.0))?);
    if let Some(export) = load.export {
        let rows: Vec<_> = written
            .iter()
            .map(|(shape, line)| {
                serde_json::json!({
                    "name": line.name, "geometry": shape, "heads": line.count, "ms": line.figure,
                })
            })
            .collect();
        let text = serde_json::Value::from(rows).to_string();
        std::fs::write(export.join("places.json"), text).map_err(failed)?;
    }
    Ok(lines)
}

/// Asks for the telephones of those of one class in a place, each once; the middle of the times.
fn ask(
    city: &City,
    directory: &Directory,
    shape: &Shape,
    name: &str,
    asked: Option<f64>,
) -> Result<Line, Failure> {
    let audience = meant(city, directory, shape);
    let mut numbers: Vec<u32> = Vec::with_capacity(directory.len());
    let (mut times, mut first) = (Vec::new(), Vec::new());
    let cpu = cpu_s("self");
    for _ in 0..TIMES {
        numbers.clear();
        let began = monotonic();
        let targets = directory.targets(city, &audience, Channel::Sms);
        let mut targets = targets.map_err(|error| Failure::Failed(error.to_string()))?;
        let mut more = targets.next(&mut numbers);
        first.push(millis_since(began));
        while more {
            more = targets.next(&mut numbers);
        }
        times.push(millis_since(began));
    }
    let middle = |times: &mut Vec<f64>| {
        times.sort_by(f64::total_cmp);
        times.get(times.len() / 2).copied().unwrap_or_default()
    };
    let (figure, first) = (middle(&mut times), middle(&mut first));
    Ok(Line {
        name: name.to_owned(),
        figure,
        unit: "ms",
        asked,
        less_is_better: true,
        cpu_s: (cpu_s("self") - cpu) / TIMES as f64,
        count: numbers.len() as u64,
        load_average: load_average(),
        note: format!(
            "{} telephones, {} vertices, the first after {first:.3} ms; middle of {TIMES}, slowest {:.3} ms",
            numbers.len(),
            shape.vertices(),
            times.last().copied().unwrap_or_default(),
        ),
        ..Line::default()
    })
}

fn meant(city: &City, directory: &Directory, shape: &Shape) -> Audience {
    Audience {
        areas: vec![city.code],
        roles: vec!["public".to_owned()],
        shape: Some(shape.clone()),
        ..Audience::of(Reach::Public, directory.version())
    }
}

/// A ragged polygon around the middle of the city, as large as it takes for so many.
fn drawn_for(
    city: &City,
    directory: &Directory,
    heads: u64,
    corners: usize,
) -> Result<Shape, Failure> {
    let (mut least, mut most) = (0.0, 4.0);
    let mut shape = circle(middle(city), most, corners)?;
    for _ in 0..40 {
        let radius = (least + most) / 2.0;
        shape = circle(middle(city), radius, corners)?;
        let targets = directory.targets(city, &meant(city, directory, &shape), Channel::Sms);
        let mut targets = targets.map_err(|error| Failure::Failed(error.to_string()))?;
        let mut numbers = Vec::new();
        while targets.next(&mut numbers) {}
        let found = numbers.len() as u64;
        if found.abs_diff(heads) * 1_000 <= heads {
            break;
        }
        if found < heads {
            least = radius;
        } else {
            most = radius;
        }
    }
    Ok(shape)
}

fn middle(city: &City) -> (f64, f64) {
    let point = city
        .area_no(city.code)
        .and_then(|no| city.area(no))
        .and_then(|area| area.shape.iter().next())
        .map(|part| {
            let corners = part.exterior().coords();
            let count = part.exterior().coords().count().max(1) as f64;
            let sum = corners.fold((0.0, 0.0), |(x, y), at| (x + at.x, y + at.y));
            (sum.0 / count, sum.1 / count)
        });
    point.unwrap_or_default()
}

/// A ring whose radius wanders, degrees.
fn circle((lon, lat): (f64, f64), radius: f64, corners: usize) -> Result<Shape, Failure> {
    let mut dice = Dice(corners as u64);
    let mut ring: Vec<[f64; 2]> = (0..corners)
        .map(|corner| {
            let turn = std::f64::consts::TAU * corner as f64 / corners as f64;
            let radius = radius * (0.9 + 0.1 * dice.part());
            [lon + radius * turn.cos(), lat + radius * turn.sin()]
        })
        .collect();
    ring.extend(ring.first().copied());
    Shape::polygon(&[ring], None).map_err(|error| Failure::Failed(error.to_string()))
}

/// A line that winds through the city from west to east.
fn river(city: &City) -> Result<Shape, Failure> {
    let (lon, lat) = middle(city);
    let point = |no: usize| {
        let along = no as f64 / RIVER as f64 - 0.5;
        let bend = (along * 40.0).sin() * 0.03 + (along * 170.0).sin() * 0.008;
        [lon + along * 0.8, lat + bend]
    };
    let line: Vec<[f64; 2]> = (0..RIVER).map(point).collect();
    Shape::around(&[line], RIVER_M).map_err(|error| Failure::Failed(error.to_string()))
}

/// Time, processor and memory from here on.
struct Step {
    began: std::time::Instant,
    cpu: f64,
}

impl Step {
    fn begin() -> Self {
        // Sets the mark of the highest memory back (proc(5)); where that is not allowed it stays.
        drop(std::fs::write("/proc/self/clear_refs", "5"));
        Self {
            began: monotonic(),
            cpu: cpu_s("self"),
        }
    }

    fn line(&self, name: &str, count: u64, asked: f64, goal: f64) -> Line {
        let wall_s = millis_since(self.began) / 1000.0;
        Line {
            name: name.to_owned(),
            figure: wall_s,
            unit: "s",
            asked: Some(asked),
            goal: Some(goal),
            less_is_better: true,
            wall_s,
            cpu_s: cpu_s("self") - self.cpu,
            count,
            load_average: load_average(),
            ..Line::default()
        }
    }
}

fn peak(name: &str, people: u64) -> Line {
    let highest = memory_bytes(std::process::id(), "VmHWM:");
    Line {
        name: name.to_owned(),
        figure: highest as f64 / people as f64,
        unit: "bytes a person",
        asked: Some(90.0),
        less_is_better: true,
        load_average: load_average(),
        note: format!("{} MB in the whole process", highest >> 20),
        ..Line::default()
    }
}

fn millis_since(began: std::time::Instant) -> f64 {
    monotonic().duration_since(began).as_secs_f64() * 1000.0
}

fn failed(error: io::Error) -> Failure {
    Failure::Failed(error.to_string())
}

fn faulty(faults: installation::Faulty) -> Failure {
    Failure::BadInput(faults.to_string())
}
