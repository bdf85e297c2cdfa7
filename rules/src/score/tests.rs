//! Scores by the textbook, and against a model that asks every minute of every township.

use super::*;
use crate::Rulebook;
use proptest::prelude::*;

const HOUR: i64 = 60;
/// Two townships in one district, two in another; the last has no gauge.
const TOWNSHIPS: [&str; 4] = [
    "440101001000",
    "440101002000",
    "440102001000",
    "440102002000",
];
const DISTRICTS: [&str; 2] = ["440101000000", "440102000000"];
const HAZARD: Hazard = Hazard::Rainstorm;

fn city() -> City {
    let area = |code: &str, level: &str, parent: &str, people: u64| {
        format!(
            r#"{{"type":"Feature","properties":{{"code":"{code}","name":"{code}","level":"{level}","parent":{parent},"population":{people}}},"geometry":{{"type":"Polygon","coordinates":[[[113.0,23.0],[113.1,23.0],[113.1,23.1],[113.0,23.1],[113.0,23.0]]]}}}}"#
        )
    };
    let mut areas = vec![area("440100000000", "city", "null", 1111)];
    areas.extend(DISTRICTS.map(|code| area(code, "district", "\"440100000000\"", 0)));
    areas.extend(
        TOWNSHIPS
            .iter()
            .zip([1, 10, 100, 1000])
            .map(|(code, people)| {
                let parent = format!("\"{}000000\"", &code[..6]);
                area(code, "township", &parent, people)
            }),
    );
    let areas = format!(
        r#"{{"type":"FeatureCollection","features":[{}]}}"#,
        areas.join(",")
    );
    let mut stations = "id,name,kind,lon,lat,area,parameters\n".to_owned();
    for code in &TOWNSHIPS[..3] {
        stations += &format!("G{code},G,rain_gauge,113.05,23.05,{code},rainfall\n");
    }
    let settings = "schema = 1\nname = { zh = \"试\", en = \"Trial\" }\ncode = \"440100000000\"\n\
        time_zone = \"Asia/Shanghai\"\n[[authority]]\nid = \"44010036000000\"\n\
        name = { zh = \"试\", en = \"Trial\" }\nsignature = { zh = \"试\", en = \"Trial\" }\nown = true\n";
    let file = |name: &str| match name {
        "city.toml" => Some(settings.as_bytes().to_vec()),
        "areas.geojson" => Some(areas.clone().into_bytes()),
        "stations.csv" => Some(stations.clone().into_bytes()),
        "sites.csv" => Some(b"id,name,kind,lon,lat,area\n".to_vec()),
        _ => None,
    };
    City::read(file, &[]).unwrap()
}

fn rulebook() -> Rulebook {
    let text = "schema = 1\nversion = \"1\"\n[[rule]]\nid = \"rain\"\nhazard = \"11B03\"\n\
        name = { zh = \"雨\" }\narea = { level = \"township\" }\nred = 'rainfall.sum(\"1h\") >= 9'\n\
        source = { document = \"d\", confidence = \"sure\" }\n";
    Rulebook::read(&[("r.toml".to_owned(), text.into())]).unwrap()
}

fn code(text: &str) -> AreaCode {
    AreaCode::parse(text).unwrap()
}

/// A minute of a day in the city, whose clock is eight hours ahead.
fn local(minute: i64) -> Time {
    Time::from_minute(minute - 8 * HOUR)
}

fn issued(steps: &[(i64, &str, Tier)]) -> Issued {
    let mut issued = Issued::default();
    for (minute, area, tier) in steps {
        issued.step(local(*minute), HAZARD, code(area), *tier);
    }
    issued
}

fn event(area: &str, tier: Tier, from: i64, until: i64) -> Happening {
    Happening {
        id: format!("{area} {from}"),
        hazard: HAZARD,
        area: code(area),
        tier,
        start: local(from),
        end: local(until),
    }
}

fn of(hits: usize, false_alarms: usize, misses: usize, correct_negatives: usize) -> Score {
    Score {
        hits: vec![(String::new(), Span::ZERO); hits],
        misses: vec![String::new(); misses],
        false_alarms,
        correct_negatives,
    }
}

/// Finley's tornadoes of 1884, as every textbook of verification has them.
#[test]
fn textbook_figures() {
    let score = of(28, 72, 23, 2680);
    let near = |found: Option<f64>, wanted: f64| (found.unwrap() - wanted).abs() < 5e-4;
    assert!(near(score.pod(), 0.549));
    assert!(near(score.far(), 0.720));
    assert!(near(score.csi(), 0.228));
    assert!(near(score.hss(), 0.355));
    let nothing = of(0, 0, 0, 10);
    let figures = [nothing.pod(), nothing.far(), nothing.csi(), nothing.hss()];
    assert_eq!(figures, [None; 4]);
}

#[test]
fn leads_are_told_by_quartiles() {
    let minutes = |minutes: &[i64]| {
        let hits = minutes
            .iter()
            .map(|m| (String::new(), Span::from_minutes(*m)));
        let score = Score {
            hits: hits.collect(),
            ..Score::default()
        };
        score.quartiles().map(|all| all.map(Span::minutes))
    };
    assert_eq!(minutes(&[]), None);
    assert_eq!(minutes(&[7]), Some([7; 5]));
    let eight = [80, 10, 20, 30, 40, 50, 60, -5];
    assert_eq!(minutes(&eight), Some([-5, 20, 40, 60, 80]));
}

/// One red event after a false yellow and a rise from yellow to orange that serves it.
#[test]
fn tiers_add_up_or_are_crossed() {
    let (city, rulebook) = (city(), rulebook());
    let district = DISTRICTS[0];
    let issued = issued(&[
        (0, district, Tier::Yellow),
        (HOUR, district, Tier::None),
        (100 * HOUR, district, Tier::Yellow),
        (101 * HOUR, district, Tier::Orange),
        (110 * HOUR, district, Tier::None),
    ]);
    let events = [event(TOWNSHIPS[0], Tier::Red, 102 * HOUR, 104 * HOUR)];
    let ground = Ground::new(&city, &rulebook, None);
    let counts = |tiers| {
        let pick = Pick {
            hazard: Some(HAZARD),
            tiers,
        };
        let score = issued.score(&ground, &events, pick);
        let leads: Vec<i64> = score.leads().into_iter().map(Span::minutes).collect();
        (leads, score.misses.len(), score.false_alarms)
    };
    assert_eq!(counts(Tiers::All), (vec![], 1, 1), "red was never said");
    assert_eq!(counts(Tiers::Of(Tier::Yellow)), (vec![], 0, 1));
    assert_eq!(counts(Tiers::Of(Tier::Orange)), (vec![], 0, 0));
    assert_eq!(counts(Tiers::Of(Tier::Red)), (vec![], 1, 0));
    assert_eq!(counts(Tiers::From(Tier::Yellow)), (vec![120], 0, 1));
    assert_eq!(counts(Tiers::From(Tier::Orange)), (vec![60], 0, 0));
    assert_eq!(counts(Tiers::From(Tier::Red)), (vec![], 1, 0));
    let fog = Pick {
        hazard: Some(Hazard::Fog),
        tiers: Tiers::All,
    };
    assert_eq!(issued.score(&ground, &events, fog), Score::default());
}

#[test]
fn who_is_told_twice_is_one_person_and_two_rings() {
    let city = city();
    let told = issued(&[
        (20 * HOUR, TOWNSHIPS[0], Tier::Yellow),
        (23 * HOUR, TOWNSHIPS[0], Tier::Orange),
        (23 * HOUR, TOWNSHIPS[1], Tier::Yellow),
        (29 * HOUR + 59, TOWNSHIPS[2], Tier::Red),
        (30 * HOUR, TOWNSHIPS[3], Tier::Red),
        (31 * HOUR, TOWNSHIPS[3], Tier::Yellow),
        // A fall tells nobody anew; the whole city at once is told once.
        (32 * HOUR, "440100000000", Tier::Red),
        (32 * HOUR, TOWNSHIPS[3], Tier::Red),
    ]);
    let heads = |area| city.area(area).map_or(0, |area| area.population);
    let woken = told.woken(&city, Some(HAZARD), heads);
    let wanted = Woken {
        people: 1111,
        people_night: 1 + 10 + 100,
        rings: 1 + 11 + 100 + 1000 + 1111,
        rings_night: 11 + 100,
    };
    assert_eq!(woken, wanted);
    assert_eq!(
        told.woken(&city, Some(Hazard::Fog), heads),
        Woken::default()
    );
}

/// Two days, in steps of a quarter of an hour.
const DAYS: i64 = 2 * 24 * HOUR;

fn place() -> impl Strategy<Value = &'static str> {
    prop_oneof![
        4 => prop::sample::select(&TOWNSHIPS[..]),
        1 => prop::sample::select(&DISTRICTS[..]),
    ]
}

fn tier() -> impl Strategy<Value = Tier> {
    prop::sample::select(&[Tier::None, Tier::Yellow, Tier::Orange, Tier::Red][..])
}

fn minute() -> impl Strategy<Value = i64> {
    (0..DAYS / 15).prop_map(|quarter| quarter * 15)
}

/// True where one of the codes holds the other: district codes are their townships' beginning.
fn touch(a: &str, b: &str) -> bool {
    a == b || (a[..6] == b[..6] && (a.ends_with("000000") || b.ends_with("000000")))
}

/// Correct negatives by looking at every minute of every cell.
fn plain(
    steps: &[(i64, &str, Tier)],
    events: &[(&str, Tier, i64, i64)],
    span: (i64, i64),
    least: Tier,
) -> usize {
    let mut free = 0;
    for township in &TOWNSHIPS[..3] {
        for cell in span.0 / 360..=span.1 / 360 {
            let minutes = (cell * 360..(cell + 1) * 360).filter(|m| (span.0..=span.1).contains(m));
            let is_taken = |minute: i64| {
                let standing = TOWNSHIPS.iter().chain(&DISTRICTS).any(|area| {
                    let mut said = steps
                        .iter()
                        .filter(|(at, of, _)| of == area && *at <= minute);
                    let tier = said.next_back().map_or(Tier::None, |(_, _, tier)| *tier);
                    tier >= least && touch(area, township)
                });
                let happening = events.iter().any(|(area, tier, from, until)| {
                    *tier >= least && touch(area, township) && (*from..=*until).contains(&minute)
                });
                standing || happening
            };
            free += usize::from(!minutes.into_iter().any(is_taken));
        }
    }
    free
}

proptest! {
    #[test]
    fn correct_negatives_are_cells_that_nothing_reaches(
        mut steps in prop::collection::vec((minute(), place(), tier()), 0..8),
        events in prop::collection::vec((place(), tier(), minute(), 0..600i64), 0..4),
        ends in (minute(), minute()),
        least in prop::option::of(tier()),
    ) {
        let (city, rulebook) = (city(), rulebook());
        // Of what is said of an area within one minute the model hears the last word alone.
        steps.sort_by_key(|(minute, area, _)| (*minute, *area));
        steps.dedup_by_key(|(minute, area, _)| (*minute, *area));
        let events: Vec<_> = events
            .into_iter()
            .filter(|(_, tier, ..)| *tier > Tier::None)
            .map(|(area, tier, from, length)| (area, tier, from, from + length))
            .collect();
        let happenings: Vec<_> = events
            .iter()
            .map(|(area, tier, from, until)| event(area, *tier, *from, *until))
            .collect();
        let span = (ends.0.min(ends.1), ends.0.max(ends.1));
        let ground = Ground::new(&city, &rulebook, Some((local(span.0), local(span.1))));
        let least = least.filter(|tier| *tier > Tier::None);
        let pick = Pick {
            hazard: None,
            tiers: least.map_or(Tiers::All, Tiers::From),
        };
        let score = issued(&steps).score(&ground, &happenings, pick);
        let wanted = plain(&steps, &events, span, least.unwrap_or(Tier::White));
        prop_assert_eq!(score.correct_negatives, wanted);
        let periods = usize::try_from(span.1 / 360 - span.0 / 360 + 1).unwrap();
        prop_assert_eq!(ground.cells(HAZARD), 3 * periods);
    }
}

/// In force when it began, but issued earlier than a hit may be: by the book a miss and a false alarm, and
/// said to be one.
#[test]
fn a_warning_that_stood_too_long_is_told_apart_from_none() {
    let (city, rulebook) = (city(), rulebook());
    let ground = Ground::new(&city, &rulebook, Some((local(0), local(24 * HOUR))));
    let [here, ..] = TOWNSHIPS;
    let stood = issued(&[(HOUR, here, Tier::Red), (12 * HOUR, here, Tier::None)]);
    let doubts = |event: Happening| {
        let events = [event];
        let score = stood.score(&ground, &events, Pick::default());
        let doubts = stood.doubts(&ground, &events, &score);
        doubts
            .into_iter()
            .map(|(_, doubt)| doubt)
            .collect::<Vec<_>>()
    };
    let at = |hour: i64| event(here, Tier::Orange, hour * HOUR, hour * HOUR + 10);
    assert_eq!(doubts(at(6)), [], "a hit");
    assert_eq!(doubts(at(8)), [Doubt::Standing { since: local(HOUR) }]);
    assert_eq!(doubts(at(13)), [], "it had ended");
    let [district, _] = DISTRICTS;
    assert_eq!(doubts(event(district, Tier::Red, 480, 500)), [Doubt::Wider]);
    let [.., bare] = TOWNSHIPS;
    assert_eq!(doubts(event(bare, Tier::Red, 480, 500)), [Doubt::Elsewhere]);
    let late = event(here, Tier::Red, 30 * HOUR + 1, 31 * HOUR);
    assert_eq!(doubts(late), [Doubt::Outside]);
}
