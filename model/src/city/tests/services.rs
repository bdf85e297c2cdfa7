//! Products by lead time: what is read, and what is wrong with them.

use super::{City, city};
use crate::service::{Grain, Lead, Sign};
use crate::{Hazard, Parameter, Span, Tier};

const SERVICES: &str = r#"schema = 1
[[service]]
id = "131631"
name = { zh = "模式", en = "Mode" }
source = { document = "a", confidence = "likely" }
[[ladder]]
id = "rain"
service = "131631"
name = { zh = "过程", en = "Process" }
hazards = ["11B03", "11A02"]
lasts = "1d"
closes = "12h"
expects = [{ parameter = "rainfall", over = "3h", at_least = 30.5 }, { circle = 7 }]
source = { document = "b", confidence = "sure" }
[[ladder.stage]]
id = "3d"
lead = "3d"
product = { zh = "预报", en = "Forecast" }
grain = "city"
audience = ["领导"]
ready = "12h"
grace = "6h"
clock = "17:00"
every = "7d"
source = { document = "c", confidence = "unsure" }
[[ladder.stage]]
id = "3h"
lead = "3h"
product = { zh = "预警", en = "Warning" }
grain = "district"
audience = ["公众"]
ready = "1h"
grace = "20m"
counts = ["signal", "warning"]
at_least = "yellow"
source = { document = "d", confidence = "sure" }
[[ladder.stage]]
id = "seen"
lead = "observed"
product = { zh = "实况", en = "Measured" }
grain = "site"
audience = ["责任人"]
source = { document = "e", confidence = "design-default" }
[evening]
from = "16:00"
due = "18:00"
until = "06:00"
dark = ["17:50", "18:15", "18:30", "18:40", "18:55", "19:10", "19:05", "18:45", "18:15", "17:50", "17:40", "17:40"]
source = { document = "f", confidence = "design-default" }
"#;

fn with(services: &str) -> Result<City, Vec<String>> {
    let read = city(&[("services.toml", services)], &[]);
    read.map_err(|faults| faults.iter().map(ToString::to_string).collect())
}

#[test]
fn ladders_and_the_evening_are_read() {
    let read = with(SERVICES).unwrap();
    let ladder = read.services.ladder(Hazard::Waterlogging).unwrap();
    assert_eq!((ladder.id.as_str(), ladder.stages.len()), ("rain", 3));
    assert_eq!(ladder.ahead, Span::from_minutes(180));
    let rain = Sign::Reaches {
        parameter: Parameter::Rainfall,
        over: Some(Span::from_minutes(180)),
        at_least: 3_050,
    };
    assert_eq!(ladder.expects[0], rain);
    let [first, second, last] = ladder.stages.as_slice() else {
        panic!("{:?}", ladder.stages);
    };
    assert_eq!(first.lead, Lead::Before(Span::from_minutes(3 * 24 * 60)));
    assert_eq!(first.at_least, Tier::White, "any");
    assert_eq!(
        (second.grain, second.at_least),
        (Grain::District, Tier::Yellow)
    );
    assert_eq!(last.lead, Lead::Observed);
    assert!(read.services.evening.is_some());
    assert!(read.services.ladder(Hazard::Typhoon).is_none());
    // It is part of what the city is.
    let other = with(&SERVICES.replace("20m", "25m")).unwrap();
    assert_ne!(read.hash(), other.hash());
    assert!(with("schema = 1\n").unwrap().services.evening.is_none());
}

/// Each fault comes with its line and what to do.
#[test]
fn what_is_wrong_is_said_with_its_line() {
    let cases = [
        (
            "schema = 1",
            "schema = 9",
            "services.toml:1: field schema: schema 9 is not known here",
        ),
        (
            "schema = 1\n",
            "",
            "services.toml: field schema: it is missing",
        ),
        (
            "schema = 1",
            "schema = 1\nladders = 1",
            "services.toml:2: field ladders: the key is not known",
        ),
        (
            "id = \"131631\"",
            "id = \"131 631\"",
            "services.toml:2: field service.id: \"131 631\" is no id",
        ),
        (
            "document = \"a\"",
            "document = \" \"",
            "services.toml:2: field service.source: it is empty",
        ),
        (
            "service = \"131631\"",
            "service = \"13163\"",
            "services.toml:6: field ladder.service: no service \"13163\" — did you mean 131631?",
        ),
        (
            "\"11B03\", \"11A02\"",
            "",
            "field ladder.hazards: it is empty",
        ),
        (
            "\"11B03\", \"11A02\"",
            "\"11B03\", \"11B03\"",
            "11B03 has a ladder already",
        ),
        (
            "\"11B03\", \"11A02\"",
            "\"11B99\"",
            "services.toml:10:11: field ladder: ",
        ),
        (
            "lasts = \"1d\"",
            "lasts = \"0m\"",
            "field ladder.lasts: 0m is no such time",
        ),
        (
            "lasts = \"1d\"",
            "lasts = \"1y\"",
            "services.toml:11:9: field ladder: ",
        ),
        ("lasts = \"1d\"\n", "", "missing field `lasts`"),
        (
            "circle = 7",
            "circle = 8",
            "services.toml:13: field ladder.expects.circle: no wind circle of force 8",
        ),
        (
            "circle = 7",
            "over = \"1h\"",
            "services.toml:13: field ladder.expects: neither a value nor a circle",
        ),
        ("30.5", "1e30", "field ladder.expects.at_least: "),
        (
            "lead = \"3d\"",
            "lead = \"3 days\"",
            "services.toml:15: field ladder.stage.lead: \"3 days\" is no lead — write 10d",
        ),
        (
            "lead = \"3d\"",
            "lead = \"1h\"",
            "services.toml:26: field ladder.stage.lead: 3h after 1h — write the longest lead first",
        ),
        ("lead = \"3d\"", "lead = \"91d\"", "at most 90d"),
        (
            "id = \"3h\"",
            "id = \"3d\"",
            "services.toml:26: field ladder.stage.id: \"3d\" stands there twice",
        ),
        (
            "ready = \"1h\"\n",
            "",
            "services.toml:26: field ladder.stage.ready: 0m is no such time",
        ),
        (
            "every = \"7d\"",
            "every = \"18h\"",
            "18h is no longer than ready and grace together",
        ),
        (
            "clock = \"17:00\"",
            "clock = \"5pm\"",
            "services.toml:23:9: field ladder: \"5pm\" is no time of day: write as 16:00",
        ),
        (
            "audience = [\"公众\"]",
            "audience = []",
            "services.toml:26: field ladder.stage.audience: it is empty",
        ),
        (
            "{ zh = \"预警\", en = \"Warning\" }",
            "{ zh = \"预警\", en = \"\" }",
            "name the product in Chinese and in English",
        ),
        (
            "at_least = \"yellow\"",
            "at_least = \"none\"",
            "none is no tier",
        ),
        (
            "counts = [\"signal\", \"warning\"]",
            "counts = [\"mail\"]",
            "services.toml:34:11: field ladder: unknown variant `mail`",
        ),
        (
            "grain = \"district\"",
            "grain = \"site\"",
            "none counts for sites",
        ),
        (
            "grain = \"district\"",
            "grain = \"street\"",
            "services.toml:30:9: field ladder: unknown variant `street`",
        ),
        (
            "lead = \"observed\"",
            "lead = \"observed\"\ngrace = \"1h\"",
            "services.toml:37: field ladder.stage: what is observed has no clock of its own",
        ),
        (
            "due = \"18:00\"",
            "due = \"16:00\"",
            "services.toml:44: field evening.due: it is due at 16:00",
        ),
        (
            "until = \"06:00\"",
            "until = \"20:00\"",
            "write a time of the next morning",
        ),
        (
            ", \"17:40\"]",
            "]",
            "field evening.dark: it has 11 times — write twelve, January first",
        ),
        ("until = \"06:00\"\n", "", "missing field `until`"),
    ];
    for (from, to, said) in cases {
        assert!(SERVICES.contains(from), "{from}");
        let faults = with(&SERVICES.replacen(from, to, 1)).unwrap_err();
        assert!(
            faults.iter().any(|fault| fault.contains(said)),
            "{to}: {faults:#?} has no {said:?}"
        );
    }
}

/// What is wrong in one place hides nothing that is wrong in another of the same ladder.
#[test]
fn every_fault_of_a_ladder_comes_at_once_with_the_nearest_name() {
    let wrong = SERVICES
        .replacen("grain = \"district\"", "grain = \"distric\"", 1)
        .replacen("at_least = \"yellow\"", "at_leest = \"yellow\"", 1)
        .replacen("clock = \"17:00\"", "clock = \"5pm\"", 1)
        .replacen("lasts = \"1d\"", "lasts = \"1 day\"", 1)
        .replacen("due = \"18:00\"", "due = \"six\"", 1)
        .replacen("until = \"06:00\"", "untill = \"06:00\"", 1);
    let faults = with(&wrong).unwrap_err();
    let wanted = [
        "services.toml:11:9: field ladder: ",
        "services.toml:23:9: field ladder: \"5pm\" is no time of day",
        "services.toml:30:9: field ladder: unknown variant `distric`",
        "services.toml:35:1: field ladder: unknown field `at_leest`",
        "services.toml:46:7: field evening: \"six\" is no time of day",
        "services.toml:47:1: field evening: unknown field `untill`",
    ];
    for wanted in wanted {
        let found = faults.iter().filter(|fault| fault.contains(wanted));
        assert_eq!(found.count(), 1, "{wanted}: {faults:#?}");
    }
    assert_eq!(faults.len(), wanted.len(), "{faults:#?}");
    for near in ["district", "at_least", "until"] {
        let meant = format!("did you mean {near}?");
        assert!(
            faults.iter().any(|fault| fault.contains(&meant)),
            "{near}: {faults:#?}"
        );
    }
}
