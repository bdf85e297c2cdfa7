//! A little city in strings for tests: two townships in one district, stations where asked.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a fixture that cannot be built ends its test"
)]

use model::{
    AreaCode, City, Mode, Observation, Parameter, Quality, StationNo, Time, Warning, Zone,
};
use rules::{Effect, Engine, Policy, Rulebook};
use std::sync::Arc;

pub(crate) const NORTH: &str = "440101002000";
pub(crate) const SOUTH: &str = "440101001000";

const SETTINGS: &str = r#"schema = 1
name = { zh = "小城", en = "Little" }
code = "440100000000"
time_zone = "Asia/Shanghai"
zone_level = "district"
[staleness]
other = "10m"
[[authority]]
id = "44010036000000"
name = { zh = "三防", en = "Office" }
signature = { zh = "三防", en = "Office" }
own = true
[[matrix]]
authority = "44010036000000"
hazards = ["11A02", "11B03"]
areas = ["440100000000"]
tiers = ["blue", "yellow", "orange", "red"]
act = "issue"
basis = { zh = "甲", en = "A" }
"#;

const AREAS: &str = r#"{"type":"FeatureCollection","features":[
{"type":"Feature","properties":{"code":"440100000000","name":"小城","level":"city","parent":null},"geometry":{"type":"Polygon","coordinates":[[[113.0,23.0],[113.1,23.0],[113.1,23.1],[113.0,23.1],[113.0,23.0]]]}},
{"type":"Feature","properties":{"code":"440101000000","name":"西区","level":"district","parent":"440100000000"},"geometry":{"type":"Polygon","coordinates":[[[113.0,23.0],[113.1,23.0],[113.1,23.1],[113.0,23.1],[113.0,23.0]]]}},
{"type":"Feature","properties":{"code":"440101001000","name":"南街","level":"township","parent":"440101000000"},"geometry":{"type":"Polygon","coordinates":[[[113.0,23.0],[113.1,23.0],[113.1,23.05],[113.0,23.05],[113.0,23.0]]]}},
{"type":"Feature","properties":{"code":"440101002000","name":"北街","level":"township","parent":"440101000000"},"geometry":{"type":"Polygon","coordinates":[[[113.0,23.05],[113.1,23.05],[113.1,23.1],[113.0,23.1],[113.0,23.05]]]}}
]}"#;

/// Stations as lines of `id,kind,area,parameters,interval`; sites as whole lines.
pub(crate) fn city(stations: &[String], sites: &str) -> Arc<City> {
    city_with("", stations, sites)
}

/// The same with more tables in `city.toml`.
pub(crate) fn city_with(settings: &str, stations: &[String], sites: &str) -> Arc<City> {
    city_of(settings, stations, sites, None)
}

/// A city that knows what is usual: levels of one and three hours of rain, distributions of days.
pub(crate) fn usual_city(stations: &[String], sites: &str) -> Arc<City> {
    let mut climate = String::from(
        "station,parameter,window,years,value,month,shape,scale,zero\n\
         *,rainfall,1h,2,20,,,,\n*,rainfall,1h,5,35,,,,\n*,rainfall,1h,10,50,,,,\n\
         *,rainfall,3h,2,25,,,,\n*,rainfall,3h,10,60,,,,\n",
    );
    for month in 1..=12 {
        for (days, shape) in [(2, 0.9), (5, 1.4)] {
            let scale = 5 * month;
            climate.push_str(&format!(
                "*,rainfall,{days}d,,,{month},{shape},{scale},0.1\n"
            ));
        }
    }
    city_of("", stations, sites, Some(&climate))
}

fn city_of(settings: &str, stations: &[String], sites: &str, climate: Option<&str>) -> Arc<City> {
    let settings = format!("{SETTINGS}{settings}");
    let mut table = String::from("id,kind,area,parameters,interval,name,lon,lat\n");
    for station in stations {
        let lat = if station.contains(NORTH) {
            "23.08"
        } else {
            "23.02"
        };
        table.push_str(&format!("{station},甲,113.05,{lat}\n"));
    }
    let file = |name: &str| match name {
        "city.toml" => Some(settings.clone().into_bytes()),
        "areas.geojson" => Some(AREAS.as_bytes().to_vec()),
        "stations.csv" => Some(table.clone().into_bytes()),
        "sites.csv" => Some(sites.as_bytes().to_vec()),
        "climate.csv" => climate.map(|climate| climate.as_bytes().to_vec()),
        _ => None,
    };
    Arc::new(City::read(file, &[]).unwrap())
}

pub(crate) const NO_SITES: &str = "id,name,kind,lon,lat,area,station\n";

pub(crate) fn gauges(count: usize) -> Vec<String> {
    (1..=count)
        .map(|n| {
            let area = if n % 2 == 1 { SOUTH } else { NORTH };
            format!("G{n},rain_gauge,{area},rainfall,60")
        })
        .collect()
}

pub(crate) fn rulebook(rules: &str) -> Arc<Rulebook> {
    let text = format!("schema = 1\nversion = \"test\"\n{rules}");
    match Rulebook::read(&[("test.toml".into(), text.into_bytes())]) {
        Ok(rulebook) => Arc::new(rulebook),
        Err(faults) => panic!(
            "{}",
            faults
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
                .join("\n")
        ),
    }
}

/// A rule with the given lines beside id, hazard, name and source.
pub(crate) fn rule(id: &str, hazard: &str, lines: &str) -> String {
    format!(
        "[[rule]]\nid = \"{id}\"\nhazard = \"{hazard}\"\nname = {{ zh = \"试\", en = \"Trial\" }}\n\
         source = {{ document = \"test\", confidence = \"design-default\" }}\n{lines}\n"
    )
}

pub(crate) fn engine(city: &Arc<City>, rulebook: &Arc<Rulebook>, policy: Policy) -> Engine {
    Engine::new(
        Arc::clone(city),
        Zone(0),
        Mode::Actual,
        Arc::clone(rulebook),
        policy,
    )
}

pub(crate) fn code(text: &str) -> AreaCode {
    AreaCode::parse(text).unwrap()
}

/// Minutes after 2023-09-07T18:00+08:00.
pub(crate) fn at(minute: i64) -> Time {
    Time::from_seconds(1_694_080_800 + minute * 60)
}

pub(crate) fn reading(station: u32, parameter: Parameter, minute: i64, value: i32) -> Observation {
    Observation {
        station: StationNo(station),
        parameter,
        time: at(minute),
        value,
        interval_s: 60,
        quality: Quality::Correct,
    }
}

/// Each effect in one line.
pub(crate) fn lines(effects: &[Effect]) -> Vec<String> {
    let minute = |time: Time| time.since(at(0)).minutes();
    effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::Signal(c) => Some(format!(
                "{} {} {} {}>{}",
                minute(c.time),
                c.rule,
                c.subject,
                c.from,
                c.to
            )),
            Effect::Warning(w) => {
                let areas: Vec<String> = w
                    .areas
                    .iter()
                    .map(|(code, a)| format!("{code}={}", a.tier))
                    .collect();
                Some(format!(
                    "{} r{} {} {}",
                    minute(w.time),
                    w.revision,
                    w.event.name(),
                    areas.join(" ")
                ))
            }
            Effect::Pending(pending) => {
                let signing = pending.signing.as_ref()?;
                let (last, given) = (signing.signed_by.last()?, signing.signed_by.len());
                Some(format!("signed {last} {given}/{}", signing.needed))
            }
            Effect::Silence(_) => None,
            Effect::Muted(muted) => Some(format!(
                "{} {} until {}",
                if muted.over.is_some() {
                    "speaks"
                } else {
                    "silent"
                },
                muted.mute.rule,
                minute(muted.mute.until)
            )),
            Effect::Refused { why, .. } => Some(format!("refused {why}")),
        })
        .collect()
}

pub(crate) const RAIN: &str = "blue = 'rainfall.sum(\"10m\") >= 5'\nred = 'rainfall.sum(\"10m\") >= 20'\n\
    lower = { after = \"2m\" }";

pub(crate) fn rain_rule() -> String {
    rule("rain", "11B03", RAIN)
}

pub(crate) fn rain(engine: &mut Engine, station: u32, minute: i64, mm: i32, out: &mut Vec<Effect>) {
    engine.observe(
        at(minute),
        &reading(station, Parameter::Rainfall, minute, mm * 100),
        out,
    );
}

/// What people were last said to have to do.
pub(crate) fn pending(effects: &[Effect]) -> &model::Pending {
    let found = effects.iter().rev().find_map(|effect| match effect {
        Effect::Pending(pending) => Some(&**pending),
        Effect::Signal(_)
        | Effect::Warning(_)
        | Effect::Refused { .. }
        | Effect::Silence(_)
        | Effect::Muted(_) => None,
    });
    found.unwrap()
}

pub(crate) fn warning(effects: &[Effect]) -> &Warning {
    let found = effects.iter().rev().find_map(|effect| match effect {
        Effect::Warning(warning) => Some(warning),
        Effect::Signal(_)
        | Effect::Pending(_)
        | Effect::Refused { .. }
        | Effect::Silence(_)
        | Effect::Muted(_) => None,
    });
    found.unwrap()
}
