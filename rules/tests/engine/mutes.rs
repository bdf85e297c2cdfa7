//! Rules that a person silenced: computed and shown, told to nobody, told at once afterwards.

use crate::little::{
    NO_SITES, NORTH, RAIN, SOUTH, at, city, city_with, code, engine, gauges, lines, rain,
    rain_rule, reading, rule, rulebook, warning,
};
use model::{City, Order, Parameter, Tier};
use proptest::prelude::*;
use rules::{Effect, Engine, Policy, Rulebook};
use std::collections::BTreeMap;
use std::sync::Arc;

fn mute(areas: &[&str], until: i64) -> Order {
    Order::Mute {
        rule: "rain".into(),
        areas: areas.iter().map(|text| code(text)).collect(),
        until: at(until),
        person: "duty".into(),
        reason: "a tree hangs over the gauge".into(),
    }
}

fn unmute(areas: &[&str]) -> Order {
    Order::Unmute {
        rule: "rain".into(),
        areas: areas.iter().map(|text| code(text)).collect(),
        person: "duty".into(),
        reason: String::new(),
    }
}

fn warnings(effects: &[Effect]) -> Vec<String> {
    let lines = lines(effects).into_iter();
    lines
        .filter(|line| line.contains(" r"))
        .filter(|line| line.contains('=') || line.contains("ended"))
        .collect()
}

#[test]
fn a_silent_rule_is_computed_and_nobody_is_told_until_it_is_over() {
    let (city, rules) = (city(&gauges(1), NO_SITES), rulebook(&rain_rule()));
    let mut engine = engine(&city, &rules, Policy::Live);
    let mut out = Vec::new();
    engine.order(at(0), &mute(&[], 30), &mut out);
    rain(&mut engine, 0, 1, 20, &mut out);
    assert_eq!(lines(&out), ["silent rain until 30", "1 rain G1 none>red"]);
    let found = engine.findings();
    assert_eq!(found.len(), 1);
    assert!(found[0].muted && found[0].tier == Tier::Red);
    out.clear();
    for minute in 2..30 {
        rain(&mut engine, 0, minute, 3, &mut out);
    }
    assert_eq!(lines(&out), Vec::<String>::new());
    engine.tick(at(30), &mut out);
    assert_eq!(
        lines(&out),
        [
            "speaks rain until 30".to_owned(),
            format!("30 r1 proposed {SOUTH}=red")
        ]
    );
    assert_eq!(warning(&out).reached(), Tier::Red);
    assert!(!engine.findings()[0].muted);
    assert!(engine.mutes().is_empty());
}

#[test]
fn an_area_that_is_named_twice_is_silenced_once() {
    let (city, rules) = (city(&gauges(2), NO_SITES), rulebook(&rain_rule()));
    let mut engine = engine(&city, &rules, Policy::Live);
    let mut out = Vec::new();
    engine.order(at(0), &mute(&[SOUTH, NORTH, SOUTH, SOUTH], 60), &mut out);
    assert_eq!(lines(&out), vec!["silent rain until 60"; 2]);
    assert_eq!(engine.mutes().len(), 2);
}

#[test]
fn a_person_lifts_it_and_what_stands_is_proposed_at_once() {
    let (city, rules) = (city(&gauges(2), NO_SITES), rulebook(&rain_rule()));
    let mut engine = engine(&city, &rules, Policy::Live);
    let mut out = Vec::new();
    engine.order(at(0), &mute(&[SOUTH, NORTH], 60), &mut out);
    rain(&mut engine, 0, 1, 20, &mut out);
    rain(&mut engine, 1, 1, 5, &mut out);
    out.clear();
    engine.order(at(2), &unmute(&[NORTH]), &mut out);
    assert_eq!(
        lines(&out),
        [
            "speaks rain until 60".to_owned(),
            format!("2 r1 proposed {NORTH}=blue")
        ]
    );
    out.clear();
    engine.order(at(2), &unmute(&[NORTH]), &mut out);
    assert!(
        lines(&out)[0].starts_with("refused rule \"rain\" is not silenced"),
        "{:?}",
        lines(&out)
    );
    out.clear();
    engine.order(at(3), &unmute(&[]), &mut out);
    assert_eq!(
        lines(&out)[1],
        format!("3 r2 proposed {SOUTH}=red {NORTH}=blue")
    );
}

#[test]
fn what_was_told_before_falls_as_its_data_do_and_rises_no_more() {
    let (city, rules) = (city(&gauges(1), NO_SITES), rulebook(&rain_rule()));
    let mut engine = engine(&city, &rules, Policy::Replay);
    let mut out = Vec::new();
    rain(&mut engine, 0, 0, 5, &mut out);
    assert_eq!(warnings(&out)[1..], [format!("0 r2 issued {SOUTH}=blue")]);
    out.clear();
    engine.order(at(1), &mute(&[], 100), &mut out);
    rain(&mut engine, 0, 2, 20, &mut out);
    assert_eq!(
        warnings(&out),
        Vec::<String>::new(),
        "neither raised nor ended"
    );
    for minute in 3..=20 {
        rain(&mut engine, 0, minute, 0, &mut out);
    }
    let told = warnings(&out);
    assert!(told.len() == 1 && told[0].contains("ended"), "{told:?}");
    out.clear();
    rain(&mut engine, 0, 21, 20, &mut out);
    assert_eq!(lines(&out), ["21 rain G1 none>red"]);
}

#[test]
fn another_rule_of_the_hazard_speaks_on() {
    let other = rule(
        "cloudburst",
        "11B03",
        "orange = 'rainfall.sum(\"3m\") >= 15'",
    );
    let rules = rulebook(&format!("{}{other}", rain_rule()));
    let city = city(&gauges(1), NO_SITES);
    let mut engine = engine(&city, &rules, Policy::Live);
    let mut out = Vec::new();
    engine.order(at(0), &mute(&[], 60), &mut out);
    rain(&mut engine, 0, 1, 20, &mut out);
    let warned = warning(&out);
    assert_eq!(warned.tier(), Tier::Orange);
    let of = &warned.evidence;
    assert!(
        of.iter().all(|evidence| evidence.rule == "cloudburst"),
        "{of:?}"
    );
}

#[test]
fn a_rule_that_asks_for_its_situation_hears_it() {
    let slope = rule(
        "slope",
        "11A02",
        "orange = 'situation(\"rain\") >= red && rainfall.sum(\"1m\") >= 1'",
    );
    let rules = rulebook(&format!("{}{slope}", rain_rule()));
    let city = city(&gauges(1), NO_SITES);
    let mut engine = engine(&city, &rules, Policy::Live);
    let mut out = Vec::new();
    engine.order(at(0), &mute(&[], 60), &mut out);
    rain(&mut engine, 0, 1, 20, &mut out);
    assert_eq!(warning(&out).hazard.code(), "11A02");
}

#[test]
fn a_silent_site_is_not_told_of() {
    let stations = vec![format!("D1,depth_sensor,{SOUTH},water_depth,60")];
    let sites = "id,name,kind,lon,lat,area,station\nC1,涵洞,culvert,113.05,23.02,440101001000,D1\n";
    let culvert = rule(
        "rain",
        "11B03",
        "subject = \"site\"\nred = 'water_depth.last() >= cm(50)'\nlower = { after = \"1m\" }",
    );
    let (city, rules) = (city(&stations, sites), rulebook(&culvert));
    let depth = |engine: &mut Engine, minute, mm: i32, out: &mut Vec<Effect>| {
        let reading = reading(0, Parameter::WaterDepth, minute, mm * 10);
        engine.observe(at(minute), &reading, out);
    };
    let mut engine = engine(&city, &rules, Policy::Live);
    let mut out = Vec::new();
    engine.order(at(0), &mute(&[SOUTH], 10), &mut out);
    depth(&mut engine, 1, 600, &mut out);
    assert_eq!(lines(&out)[1..], ["1 rain C1 none>red"]);
    out.clear();
    depth(&mut engine, 10, 600, &mut out);
    let sites: Vec<_> = warning(&out)
        .sites
        .iter()
        .map(|(id, site)| (id.as_str(), site.tier))
        .collect();
    assert_eq!(sites, [("C1", Tier::Red)]);
}

#[test]
fn an_order_that_makes_no_sense_is_refused() {
    let district = rule(
        "rain",
        "11B03",
        &format!("area = {{ level = \"district\" }}\n{RAIN}"),
    );
    let (city, rules) = (
        city_with("[muting]\nmax = \"2h\"\n", &gauges(1), NO_SITES),
        rulebook(&district),
    );
    let mut engine = engine(&city, &rules, Policy::Live);
    let unknown = Order::Mute {
        rule: "reign".into(),
        areas: Vec::new(),
        until: at(60),
        person: "p".into(),
        reason: "x".into(),
    };
    for (order, why) in [
        (unknown, "no rule \"reign\""),
        (mute(&["440199000000"], 60), "is no area of this zone"),
        (mute(&[SOUTH], 60), "warns larger areas"),
        (mute(&[], 0), "not later than now"),
        (mute(&[], 121), "for 2h at most"),
        (unmute(&[]), "is not silenced"),
    ] {
        let mut out = Vec::new();
        engine.order(at(0), &order, &mut out);
        let lines = lines(&out);
        assert!(
            lines.len() == 1 && lines[0].starts_with("refused") && lines[0].contains(why),
            "{lines:?}"
        );
    }
    let mut out = Vec::new();
    engine.order(at(0), &mute(&["440101000000"], 120), &mut out);
    assert_eq!(lines(&out), ["silent rain until 120"]);
}

#[test]
fn a_reload_keeps_the_silence_of_rules_that_are_still_there() {
    let both = format!("{}{}", rain_rule(), rule("other", "11A02", RAIN));
    let (city, rules) = (city(&gauges(1), NO_SITES), rulebook(&both));
    let mut engine = engine(&city, &rules, Policy::Live);
    let mut out = Vec::new();
    engine.order(at(0), &mute(&[], 60), &mut out);
    let other = Order::Mute {
        rule: "other".into(),
        areas: Vec::new(),
        until: at(50),
        person: "p".into(),
        reason: "x".into(),
    };
    engine.order(at(0), &other, &mut out);
    out.clear();
    let easier = rulebook(&rain_rule().replace(">= 20", ">= 10"));
    engine.adopt(at(1), Arc::clone(&city), Arc::clone(&easier), &mut out);
    assert_eq!(lines(&out), ["speaks other until 50"]);
    rain(&mut engine, 0, 2, 10, &mut out);
    assert_eq!(lines(&out)[1..], ["2 rain G1 none>red"]);
}

/// What happens in a minute.
#[derive(Clone, Debug)]
enum Happens {
    Rain(usize, i32),
    Mute(Vec<usize>, i64),
    Unmute(Vec<usize>),
    Rest,
}

const PLACES: [&str; 2] = [SOUTH, NORTH];

fn happens() -> impl Strategy<Value = Happens> {
    let some = || prop::sample::select(vec![vec![], vec![0], vec![1], vec![0, 1]]);
    prop_oneof![
        2 => (0..2usize, prop::sample::select(vec![0, 4, 6, 22])).prop_map(|(g, mm)| Happens::Rain(g, mm)),
        1 => (some(), 1..40i64).prop_map(|(areas, long)| Happens::Mute(areas, long)),
        1 => some().prop_map(Happens::Unmute),
        8 => Just(Happens::Rest),
    ]
}

/// What the areas count for, by a person's reading of the rules for silences.
#[derive(Default)]
struct Naive {
    until: BTreeMap<Option<usize>, i64>,
    held: [Option<Tier>; 2],
}

impl Naive {
    fn is_silent(&self, place: usize) -> bool {
        [None, Some(place)]
            .iter()
            .any(|key| self.until.contains_key(key))
    }

    fn counts(&mut self, tiers: [Tier; 2]) -> [Tier; 2] {
        for (place, tier) in tiers.into_iter().enumerate() {
            self.held[place] = self.held[place].map(|held| held.min(tier));
        }
        std::array::from_fn(|place| self.held[place].map_or(tiers[place], |held| held))
    }

    fn renew(&mut self, tiers: [Tier; 2]) {
        self.held = std::array::from_fn(|place| {
            let since = self.held[place].unwrap_or(tiers[place]);
            self.is_silent(place).then_some(since)
        });
    }
}

/// What happens, then a reading of each gauge, so that windows are covered and falls complete.
fn step(engine: &mut Engine, minute: i64, happens: &Happens, out: &mut Vec<Effect>) {
    let named = |places: &[usize]| places.iter().map(|p| PLACES[*p]).collect::<Vec<_>>();
    let mut fallen = [0; 2];
    match happens {
        Happens::Rain(gauge, mm) => fallen[*gauge] = *mm,
        Happens::Mute(places, long) => {
            engine.order(at(minute), &mute(&named(places), minute + long), out);
        }
        Happens::Unmute(places) => engine.order(at(minute), &unmute(&named(places)), out),
        Happens::Rest => {}
    }
    for (gauge, mm) in (0u32..).zip(fallen) {
        rain(engine, gauge, minute, mm, out);
    }
}

#[expect(
    clippy::unwrap_used,
    reason = "a snapshot that cannot be read ends its test"
)]
fn restored(engine: &Engine, city: &Arc<City>, rules: &Arc<Rulebook>) -> Engine {
    let mut bytes = Vec::new();
    engine.snapshot(&mut bytes);
    let mut again = crate::little::engine(city, rules, Policy::Replay);
    again.restore(&bytes).unwrap();
    again
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]
    #[test]
    fn silences_are_what_a_naive_reading_says(course in prop::collection::vec(happens(), 1..120)) {
        let (city, rules) = (city(&gauges(2), NO_SITES), rulebook(&rain_rule()));
        let mut engine = engine(&city, &rules, Policy::Replay);
        let mut free = crate::little::engine(&city, &rules, Policy::Replay);
        let (mut naive, mut tiers, mut warned) = (Naive::default(), [Tier::None; 2], [Tier::None; 2]);
        for (minute, happens) in (0i64..).zip(&course) {
            let (mut out, mut of_free) = (Vec::new(), Vec::new());
            let mut again = restored(&engine, &city, &rules);
            let mut of_again = Vec::new();
            for (engine, out) in [(&mut engine, &mut out), (&mut again, &mut of_again)] {
                step(engine, minute, happens, out);
            }
            prop_assert_eq!(&out, &of_again, "after a restart");
            let of_all = match happens {
                Happens::Rain(..) | Happens::Rest => happens,
                Happens::Mute(..) | Happens::Unmute(_) => &Happens::Rest,
            };
            step(&mut free, minute, of_all, &mut of_free);
            let signals = |effects: &[Effect]| effects.iter().filter(|e| matches!(e, Effect::Signal(_))).cloned().collect::<Vec<_>>();
            prop_assert_eq!(signals(&out), signals(&of_free), "what is found is found");
            // What ran out by now spoke before this minute's reading.
            naive.until.retain(|_, until| *until > minute);
            naive.renew(tiers);
            for effect in &out {
                if let Effect::Signal(change) = effect {
                    tiers[usize::from(change.subject == "G2")] = change.to;
                }
            }
            let known = |places: &Vec<usize>| places.is_empty() || places.iter().any(|p| naive.until.contains_key(&Some(*p)));
            match happens {
                Happens::Mute(places, long) => {
                    let keys: Vec<Option<usize>> = if places.is_empty() { vec![None] } else { places.iter().copied().map(Some).collect() };
                    naive.until.extend(keys.into_iter().map(|key| (key, minute + long)));
                }
                Happens::Unmute(places) if known(places) => {
                    naive.until.retain(|key, _| !places.is_empty() && !key.is_some_and(|p| places.contains(&p)));
                }
                Happens::Unmute(_) | Happens::Rain(..) | Happens::Rest => {}
            }
            naive.renew(tiers);
            let counts = naive.counts(tiers);
            warned = last(&out).unwrap_or(warned);
            // Falls and additions wait for the next whole minute.
            let mut later = restored(&engine, &city, &rules);
            let mut gathered = Vec::new();
            later.tick(at(minute + 1), &mut gathered);
            let goes_on = naive.until.values().all(|until| *until > minute + 1);
            if goes_on && signals(&gathered).is_empty() {
                let told = last(&gathered).unwrap_or(warned);
                prop_assert_eq!(counts, told, "at {}", minute);
            }
        }
    }
}

/// What the last revision said of both areas.
fn last(effects: &[Effect]) -> Option<[Tier; 2]> {
    let mut revisions = effects.iter().rev();
    revisions.find_map(|effect| match effect {
        Effect::Warning(warning) => Some(PLACES.map(|place| {
            let area = warning.areas.get(&code(place));
            area.map_or(Tier::None, |area| area.tier)
        })),
        Effect::Signal(_)
        | Effect::Pending(_)
        | Effect::Muted(_)
        | Effect::Silence(_)
        | Effect::Refused { .. } => None,
    })
}
