//! Any partitioning gives the same warnings (semantics §7): zones dealt to processes as it comes, each
//! process in a thread of its own, going through its zones in any order, zones handed on in the middle
//! by a snapshot or by rows at rest and a small one, against each zone alone and undisturbed.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a fixture that cannot be built ends its test"
)]

use crate::little::{rule, rulebook};
use model::{
    AreaCode, City, Forecast, ForecastPlace, ForecastSeries, Input, Mode, Observation, Order,
    Parameter, Quality, StationNo, Step, Time, Zone,
};
use proptest::prelude::*;
use rules::{Effect, Engine, Policy, Reason, Rulebook};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

const DISTRICTS: usize = 3;
const MINUTES: i64 = 180;

const SETTINGS: &str = r#"schema = 1
name = { zh = "小城", en = "Little" }
code = "440100000000"
time_zone = "Asia/Shanghai"
zone_level = "district"
border_km = 3.0
[staleness]
other = "5m"
[sight]
other = 3
[[authority]]
id = "44010036000000"
name = { zh = "三防", en = "Office" }
signature = { zh = "三防", en = "Office" }
own = true
"#;

/// A parameter, and the quanta between which it wanders.
type Range = (Parameter, i32, i32);

/// Kinds of stations with what they measure.
const KINDS: [(&str, &[Range]); 6] = [
    ("rain_gauge", &[(Parameter::Rainfall, 0, 300)]),
    ("depth_sensor", &[(Parameter::WaterDepth, 0, 6000)]),
    ("slope", &[(Parameter::Displacement, 0, 9000)]),
    (
        "weather",
        &[
            (Parameter::Temperature, -20, 400),
            (Parameter::WindSpeed, 0, 350),
            (Parameter::WindGust, 0, 450),
            (Parameter::Visibility, 20, 5000),
        ],
    ),
    ("river", &[(Parameter::WaterLevel, 10_000, 90_000)]),
    ("reservoir", &[(Parameter::WaterLevel, 10_000, 90_000)]),
];

/// SplitMix64: a seed is one input and one partitioning.
#[derive(Clone)]
struct Chance(u64);

impl Chance {
    fn below(&mut self, n: i64) -> i64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % n.max(1) as u64) as i64
    }

    fn one_in(&mut self, n: i64) -> bool {
        self.below(n) == 0
    }
}

fn district(number: usize) -> String {
    format!("44010{}000000", number + 1)
}

fn township(number: usize, place: usize) -> String {
    format!("44010{}00{}000", number + 1, place + 1)
}

fn city() -> Arc<City> {
    let mut shapes = Vec::new();
    let mut shape = |code: &str, level: &str, parent: &str, west: f64, east: f64| {
        shapes.push(format!(
            r#"{{"type":"Feature","properties":{{"code":"{code}","name":"{code}","level":"{level}","parent":{parent}}},"geometry":{{"type":"Polygon","coordinates":[[[{west},23.0],[{east},23.0],[{east},23.1],[{west},23.1],[{west},23.0]]]}}}}"#
        ));
    };
    let whole = 113.0 + DISTRICTS as f64 * 0.1;
    shape("440100000000", "city", "null", 113.0, whole);
    let mut stations = String::from("id,kind,area,parameters,interval,name,lon,lat\n");
    let levels = "blue,yellow,orange,red,close,v0,alert,minor,major,warning,guarantee,record,flood_limit,design,check,crest";
    let mut sites = format!("id,name,kind,lon,lat,area,station,{levels}\n");
    for number in 0..DISTRICTS {
        let west = 113.0 + number as f64 * 0.1;
        let parent = "\"440100000000\"";
        shape(&district(number), "district", parent, west, west + 0.1);
        for place in 0..2 {
            let from = west + place as f64 * 0.05;
            let parent = format!("\"{}\"", district(number));
            let code = township(number, place);
            shape(&code, "township", &parent, from, from + 0.05);
            for (at, (kind, measured)) in KINDS.iter().enumerate() {
                let id = format!("S{number}{place}{at}");
                let names: Vec<&str> = measured.iter().map(|(p, ..)| p.name()).collect();
                // Some lie near the next district, whose zone hears them, too.
                let lon = from + 0.004 + 0.008 * at as f64;
                stations.push_str(&format!(
                    "{id},{kind},{code},{},60,甲,{lon:.3},23.05\n",
                    names.join(";")
                ));
                let kinds: &[&str] = match *kind {
                    "depth_sensor" => &["culvert", "waterlogging"],
                    "slope" => &["slope"],
                    "river" => &["river"],
                    "reservoir" => &["reservoir"],
                    _ => &[],
                };
                for site in kinds {
                    let levels = match *kind {
                        "depth_sensor" => "0.05,0.15,0.27,0.4,0.2,,,,,,,,,,,",
                        "slope" => "5,10,20,40,,2,,,,,,,,,,",
                        _ => "3,4,6,8,,,3,5,7,3,6,8,4,6,7,9",
                    };
                    sites.push_str(&format!(
                        "{id}-{site},甲,{site},{lon:.3},23.05,{code},{id},{levels}\n"
                    ));
                }
            }
        }
    }
    let areas = format!(
        r#"{{"type":"FeatureCollection","features":[{}]}}"#,
        shapes.join(",")
    );
    let file = |name: &str| {
        let text = match name {
            "city.toml" => SETTINGS,
            "areas.geojson" => &areas,
            "stations.csv" => &stations,
            "sites.csv" => &sites,
            _ => return None,
        };
        Some(text.as_bytes().to_vec())
    };
    Arc::new(City::read(file, &[]).unwrap())
}

/// The shipped rulebooks, each with rules beside it that ask for what few of them do.
fn books() -> Vec<Arc<Rulebook>> {
    let testdata = Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata");
    let named = std::fs::read_dir(testdata.join("rulebooks")).unwrap();
    let mut folders: Vec<PathBuf> = named.map(|entry| entry.unwrap().path()).collect();
    folders.sort();
    folders.push(testdata.join("city/rules"));
    folders.iter().map(|folder| book(folder)).collect()
}

const BESIDE: [(&str, &str, &str); 6] = [
    (
        "x_samples",
        "11B03",
        "blue = 'rainfall.sum(\"10m\") >= 5'\nred = 'rainfall.sum(\"10m\") >= 15'\nsamples = \"2 of 3\"\nlower = { after = \"3m\" }",
    ),
    (
        "x_season",
        "11A02",
        "blue = 'water_depth.last() >= cm(10)'\norange = 'water_depth.last() >= cm(30)'\nseason = { blue = [\"09-08..10-15\"] }\nraise = { after = \"2m\" }\nqc_min = \"sound\"",
    ),
    (
        "x_lost",
        "11A02",
        "blue = 'water_depth.last() >= cm(15)'\nred = 'water_depth.last() >= cm(45)'\nlost = { when = 'water_depth.last() >= cm(10)', several = 2, within = \"15m\" }",
    ),
    (
        "x_cascade",
        "11B03",
        "subject = \"area\"\nyellow = 'situation(\"x_samples\") >= blue && situation(\"x_lost\") >= blue'\nlower = { after = \"5m\" }",
    ),
    (
        "x_mixed",
        "11B03",
        "blue = 'rainfall.sum(\"30m\") + forecast(rainfall, \"1h\") >= 10'\nlower = { after = \"4m\" }",
    ),
    (
        "x_expected",
        "11B03",
        "subject = \"area\"\nblue = 'forecast(rainfall, \"2h\") >= 15'\nraise = { after = \"7m\" }\nlower = { after = \"13m\" }",
    ),
];

fn book(folder: &Path) -> Arc<Rulebook> {
    let rules: String = BESIDE
        .iter()
        .map(|(id, hazard, lines)| rule(id, hazard, lines))
        .collect();
    let own = format!("schema = 1\nversion = \"beside\"\n{rules}");
    let mut files = vec![("zz-beside.toml".to_owned(), own.into_bytes())];
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|end| end == "toml") {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            files.push((name, std::fs::read(&path).unwrap()));
        }
    }
    files.sort();
    Arc::new(Rulebook::read(&files).unwrap_or_else(|faults| panic!("{folder:?}: {faults:?}")))
}

/// From half past ten in the evening, so that the season of a tier begins in the middle.
fn minute(number: i64) -> Time {
    Time::from_seconds(1_694_097_000 + number * 60)
}

/// One record of a zone's input.
type Record = (Time, Input);

/// What comes to each zone.
fn inputs(city: &City, rules: &[&str], chance: &mut Chance) -> Vec<Vec<Record>> {
    let zones = city.zones.len();
    let mut inputs: Vec<Vec<Record>> = vec![Vec::new(); zones];
    let mut values: Vec<(StationNo, Parameter, i32, [i32; 2])> = Vec::new();
    for (number, station) in (0u32..).zip(&city.stations) {
        let (_, measured) = KINDS
            .iter()
            .find(|(kind, _)| *kind == station.kind)
            .unwrap();
        for (parameter, low, high) in *measured {
            values.push((StationNo(number), *parameter, *low, [*low, *high]));
        }
    }
    let mut silent = vec![0i64; city.stations.len()];
    for now in 0..MINUTES {
        let mut rows: Vec<Vec<Observation>> = vec![Vec::new(); zones];
        for (station, parameter, value, [low, high]) in &mut values {
            let quiet = &mut silent[station.0 as usize];
            if *quiet > 0 {
                *quiet -= 1;
                continue;
            }
            if chance.one_in(400) {
                *quiet = 20 + chance.below(60);
            }
            let most = i64::from(*high - *low) / 12;
            *value += (chance.below(2 * most + 1) - most) as i32;
            *value = (*value).clamp(*low, *high);
            let back = if chance.one_in(15) {
                chance.below(9)
            } else {
                0
            };
            let observation = Observation {
                station: *station,
                parameter: *parameter,
                time: minute(now - back),
                value: *value,
                interval_s: 60,
                quality: match chance.below(20) {
                    0 => Quality::Suspect,
                    1 => Quality::Corrected,
                    _ => Quality::Correct,
                },
            };
            let heard = &city.stations[station.0 as usize].zones;
            for zone in heard {
                rows[usize::from(zone.0)].push(observation);
            }
        }
        for (zone, rows) in rows.into_iter().enumerate() {
            inputs[zone].push((minute(now), Input::Tick));
            if chance.one_in(25) {
                inputs[zone].push((minute(now), silence(city, zone, rules, now, chance)));
            }
            inputs[zone].push((minute(now), Input::Observations(rows)));
        }
        if chance.one_in(20) {
            let forecast = forecast(now, chance);
            for zone in forecast.zones(city) {
                let heard = Input::Forecasts(vec![forecast.clone()]);
                inputs[usize::from(zone.0)].push((minute(now), heard));
            }
        }
    }
    inputs
}

fn silence(city: &City, zone: usize, rules: &[&str], now: i64, chance: &mut Chance) -> Input {
    let rule = rules[chance.below(rules.len() as i64) as usize].to_owned();
    let areas = match chance.one_in(2) {
        true => Vec::new(),
        false => vec![city.zone_code(Zone(zone as u16))],
    };
    let (person, reason) = ("duty".to_owned(), "a tree".to_owned());
    let order = if chance.one_in(3) {
        Order::Unmute {
            rule,
            areas,
            person,
            reason,
        }
    } else {
        Order::Mute {
            rule,
            areas,
            until: minute(now + 3 + chance.below(40)),
            person,
            reason,
        }
    };
    Input::Order(Box::new(order))
}

fn forecast(now: i64, chance: &mut Chance) -> Forecast {
    let places = ["440100000000".to_owned(), district(0), township(1, 0)];
    let place = &places[chance.below(3) as usize];
    let step = |number: i64| Step {
        from: minute(now + number * 30),
        to: minute(now + number * 30 + 30),
        value: 100 * (number + 7 * now) as i32 % 1300,
    };
    Forecast::Series(ForecastSeries {
        issued: minute(now),
        source: "met office".into(),
        parameter: Parameter::Rainfall,
        place: ForecastPlace::Area(AreaCode::parse(place).unwrap()),
        steps: (0..6).map(step).collect(),
    })
}

fn new_engine(city: &Arc<City>, zone: usize, book: &Arc<Rulebook>) -> Engine {
    let (city, book) = (Arc::clone(city), Arc::clone(book));
    Engine::new(city, Zone(zone as u16), Mode::Actual, book, Policy::Live)
}

/// A zone on its way through its input.
struct Run {
    zone: usize,
    engine: Engine,
    next: usize,
    /// Rows at rest, as the journal keeps them.
    rows: Vec<Vec<u8>>,
    /// A fault planted: the next owner does not read them.
    forgets: bool,
    out: Vec<Effect>,
}

impl Run {
    /// Another process takes it over: with rows that were sealed, or with all in one.
    fn hand_on(&mut self, city: &Arc<City>, book: &Arc<Rulebook>, seals: bool) {
        if seals {
            let mut found = Vec::new();
            let is_whole = self.engine.seal(&mut |_, bytes| found.push(bytes.to_vec()));
            if is_whole {
                self.rows.clear();
            }
            self.rows.extend(found);
        }
        let mut bytes = Vec::new();
        self.engine.snapshot(&mut bytes);
        self.engine = new_engine(city, self.zone, book);
        self.engine.restore(&bytes).unwrap();
        for row in self.rows.iter().filter(|_| !self.forgets) {
            self.engine.unseal(row).unwrap();
        }
    }

    /// Steps a record, its rows at once or cut into several.
    fn step(&mut self, (at, input): &Record, chance: &mut Chance) {
        self.next += 1;
        let rows = match input {
            Input::Observations(rows) if chance.one_in(3) => rows.as_slice(),
            Input::Observations(_)
            | Input::Tick
            | Input::Signal(_)
            | Input::Order(_)
            | Input::Edition(_)
            | Input::Device(_)
            | Input::Forecasts(_)
            | Input::Revised(_)
            | Input::Moved(_) => return self.engine.step(*at, input, &mut self.out),
        };
        let (first, second) = rows.split_at(chance.below(rows.len() as i64) as usize);
        for part in [first, second] {
            let part = Input::Observations(part.to_vec());
            self.engine.step(*at, &part, &mut self.out);
        }
    }
}

/// Goes through the zones that were dealt to a process, until each has come to `until` of its input.
fn process(
    runs: &mut [Run],
    city: &Arc<City>,
    book: &Arc<Rulebook>,
    inputs: &[Vec<Record>],
    until: f64,
    mut chance: Chance,
) {
    let end = |run: &Run| (inputs[run.zone].len() as f64 * until) as usize;
    loop {
        let open: Vec<usize> = (0..runs.len())
            .filter(|at| runs[*at].next < end(&runs[*at]))
            .collect();
        if open.is_empty() {
            return;
        }
        let at = open[chance.below(open.len() as i64) as usize];
        let run = &mut runs[at];
        for _ in 0..=chance.below(30) {
            if run.next < end(run) {
                let record = &inputs[run.zone][run.next];
                run.step(record, &mut chance);
            }
        }
        if chance.one_in(8) {
            run.hand_on(city, book, chance.clone().one_in(2));
        }
    }
}

/// What a partitioning was about.
#[derive(Default)]
struct Seen {
    warnings: usize,
    mutes: usize,
    /// Rules that found something, those of which silence did.
    rules: BTreeSet<String>,
    lost: bool,
}

impl Seen {
    fn note(&mut self, out: &[Effect]) {
        for effect in out {
            match effect {
                Effect::Signal(change) => {
                    self.lost |= change.reason == Reason::Lost;
                    self.rules.insert(change.rule.clone());
                }
                Effect::Warning(_) => self.warnings += 1,
                Effect::Muted(_) => self.mutes += 1,
                Effect::Pending(_) | Effect::Silence(_) | Effect::Refused { .. } => {}
            }
        }
    }
}

/// Goes through one input in a partitioning; what differs from zones alone is an error.
fn partitioned(
    seed: u64,
    city: &Arc<City>,
    book: &Arc<Rulebook>,
    forgets: bool,
) -> Result<Seen, String> {
    let mut chance = Chance(seed);
    let rules: Vec<&str> = book.rules.iter().map(|rule| rule.id.as_str()).collect();
    let inputs = inputs(city, &rules, &mut chance);
    let mut runs: Vec<Run> = (0..inputs.len())
        .map(|zone| Run {
            zone,
            engine: new_engine(city, zone, book),
            next: 0,
            rows: Vec::new(),
            forgets,
            out: Vec::new(),
        })
        .collect();
    // Dealt anew three times: each process has a thread, and zones change hands with all they are.
    for until in [0.3f64, 0.7, 1.0] {
        let mut processes: Vec<Vec<Run>> = (0..=chance.below(3)).map(|_| Vec::new()).collect();
        for mut run in runs.drain(..) {
            run.hand_on(city, book, chance.one_in(2));
            let count = processes.len() as i64;
            processes[chance.below(count) as usize].push(run);
        }
        std::thread::scope(|scope| {
            for (number, runs) in (1u64..).zip(&mut processes) {
                let own = Chance(seed ^ (number << 40) ^ until.to_bits());
                let inputs = &inputs;
                scope.spawn(move || process(runs, city, book, inputs, until, own));
            }
        });
        runs = processes.into_iter().flatten().collect();
    }
    let mut seen = Seen::default();
    for run in &runs {
        let mut alone = new_engine(city, run.zone, book);
        let mut out = Vec::new();
        for (at, input) in &inputs[run.zone] {
            alone.step(*at, input, &mut out);
        }
        let most = out.len().max(run.out.len());
        if let Some(at) = (0..most).find(|at| out.get(*at) != run.out.get(*at)) {
            return Err(format!(
                "seed {seed}, zone {}: {:?} alone, {:?} partitioned",
                run.zone,
                out.get(at),
                run.out.get(at)
            ));
        }
        seen.note(&out);
    }
    Ok(seen)
}

#[test]
fn every_shipped_rulebook_warns_the_same_in_any_partitioning() {
    let city = city();
    for (seed, book) in (0..).zip(books()) {
        let seen = partitioned(seed, &city, &book, false).unwrap();
        assert!(seen.warnings > 0, "book {seed} warned of nothing");
    }
}

fn beside() -> Arc<Rulebook> {
    let rules = BESIDE
        .iter()
        .map(|(id, hazard, lines)| rule(id, hazard, lines));
    rulebook(&rules.collect::<String>())
}

#[test]
fn what_partitionings_are_about_happens_and_a_forgetful_owner_is_noticed() {
    let (city, book) = (city(), beside());
    let seen = partitioned(1, &city, &book, false).unwrap();
    let all: BTreeSet<String> = BESIDE.iter().map(|(id, ..)| (*id).to_owned()).collect();
    assert_eq!(seen.rules, all);
    assert!(seen.mutes > 5 && seen.lost);
    let noticed = (1..6).any(|seed| partitioned(seed, &city, &book, true).is_err());
    assert!(noticed);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    #[test]
    fn any_partitioning_gives_the_same_warnings(seed in any::<u64>()) {
        let same = partitioned(seed, &city(), &beside(), false);
        prop_assert!(same.is_ok(), "{:?}", same.err());
    }
}
