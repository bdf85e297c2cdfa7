//! Storms over a little city: signals, warnings, orders, snapshots.

mod little;

use little::{NO_SITES, NORTH, SOUTH, at, city, engine, gauges, lines, reading, rule, rulebook};
use model::{AreaCode, Order, Parameter, Quality, Tier, Warning};
use proptest::prelude::*;
use rules::{Effect, Engine, Policy, Rulebook};
use std::collections::BTreeMap;
use std::sync::Arc;

const RAIN: &str = "blue = 'rainfall.sum(\"10m\") >= 5'\nred = 'rainfall.sum(\"10m\") >= 20'\n\
    lower = { after = \"2m\" }";

fn rain_rule() -> String {
    rule("rain", "11B03", RAIN)
}

fn rain(engine: &mut Engine, station: u32, minute: i64, mm: i32, out: &mut Vec<Effect>) {
    engine.observe(
        at(minute),
        &reading(station, Parameter::Rainfall, minute, mm * 100),
        out,
    );
}

fn warning(effects: &[Effect]) -> &Warning {
    let found = effects.iter().rev().find_map(|effect| match effect {
        Effect::Warning(warning) => Some(warning),
        _ => None,
    });
    found.unwrap()
}

#[test]
fn rises_at_once_and_gathers_falls_to_the_next_minute() {
    let (city, rules) = (city(&gauges(2), NO_SITES), rulebook(&rain_rule()));
    let mut engine = engine(&city, &rules, Policy::Replay);
    let mut out = Vec::new();
    rain(&mut engine, 0, 0, 5, &mut out);
    rain(&mut engine, 1, 0, 6, &mut out);
    assert_eq!(
        lines(&out),
        [
            "0 rain G1 none>blue".into(),
            format!("0 r1 proposed {SOUTH}=blue"),
            format!("0 r2 issued {SOUTH}=blue"),
            "0 rain G2 none>blue".into(),
        ],
        "an addition at the same tier waits"
    );
    out.clear();
    rain(&mut engine, 0, 1, 15, &mut out);
    assert_eq!(
        lines(&out),
        [
            format!("1 r3 updated {SOUTH}=blue {NORTH}=blue"),
            "1 rain G1 blue>red".into(),
            format!("1 r4 updated {SOUTH}=red {NORTH}=blue"),
        ]
    );
    out.clear();
    for minute in 2..=13 {
        rain(&mut engine, 0, minute, 0, &mut out);
        rain(&mut engine, 1, minute, 0, &mut out);
    }
    engine.tick(at(14), &mut out);
    assert_eq!(
        lines(&out),
        [
            "12 rain G1 red>blue".into(),
            "12 rain G2 blue>none".into(),
            format!("13 r5 updated {SOUTH}=blue {NORTH}=none"),
            "13 rain G1 blue>none".into(),
            format!("14 r6 ended {SOUTH}=none"),
        ]
    );
}

#[test]
fn a_correction_withdraws_and_a_duplicate_changes_nothing() {
    let (city, rules) = (city(&gauges(1), NO_SITES), rulebook(&rain_rule()));
    let mut engine = engine(&city, &rules, Policy::Replay);
    let mut out = Vec::new();
    rain(&mut engine, 0, 0, 30, &mut out);
    rain(&mut engine, 0, 1, 0, &mut out);
    out.clear();
    rain(&mut engine, 0, 1, 0, &mut out);
    assert_eq!(engine.counts().duplicate, 1);
    let corrected = reading(0, Parameter::Rainfall, 0, 60);
    engine.observe(at(1), &corrected, &mut out);
    assert_eq!(lines(&out)[0], "1 rain G1 red>none");
    let Effect::Signal(change) = &out[0] else {
        panic!()
    };
    assert_eq!(change.reason, rules::Reason::Withdrawn);
    assert_eq!(
        change.values,
        [("rainfall.sum(\"10m\")".to_owned(), Some("0.6".to_owned()))]
    );
}

#[test]
fn silence_keeps_the_tier_until_a_person_ends_it() {
    let (city, rules) = (city(&gauges(1), NO_SITES), rulebook(&rain_rule()));
    let mut engine = engine(&city, &rules, Policy::Replay);
    let mut out = Vec::new();
    rain(&mut engine, 0, 0, 30, &mut out);
    out.clear();
    let stand = |engine: &mut Engine, minute, out: &mut Vec<Effect>| {
        let order = Order::Stand {
            rule: "rain".into(),
            subject: "G1".into(),
            person: "p".into(),
            reason: "dead".into(),
        };
        engine.order(at(minute), &order, out);
    };
    stand(&mut engine, 5, &mut out);
    assert!(
        lines(&out)[0].starts_with("refused G1 still reports"),
        "{:?}",
        lines(&out)
    );
    out.clear();
    engine.tick(at(100), &mut out);
    assert_eq!(lines(&out), Vec::<String>::new());
    stand(&mut engine, 100, &mut out);
    assert_eq!(lines(&out), ["100 rain G1 red>none"]);
}

#[test]
fn a_suspect_rise_is_unconfirmed_until_a_sound_value_or_a_person() {
    let (city, rules) = (city(&gauges(1), NO_SITES), rulebook(&rain_rule()));
    for by_person in [true, false] {
        let mut engine = engine(&city, &rules, Policy::Live);
        let mut out = Vec::new();
        let mut suspect = reading(0, Parameter::Rainfall, 0, 3000);
        suspect.quality = Quality::Suspect;
        engine.observe(at(0), &suspect, &mut out);
        let first = warning(&out);
        assert!(first.unconfirmed);
        assert_eq!(
            first
                .areas
                .values()
                .map(|a| (a.tier, a.reached))
                .collect::<Vec<_>>(),
            [(Tier::Red, Tier::None)]
        );
        if by_person {
            let order = Order::Confirm {
                rule: "rain".into(),
                subject: "G1".into(),
                person: "p".into(),
            };
            engine.order(at(1), &order, &mut out);
        } else {
            rain(&mut engine, 0, 1, 25, &mut out);
        }
        let second = warning(&out);
        assert!(!second.unconfirmed);
        assert_eq!(second.reached(), Tier::Red);
    }
}

#[test]
fn a_rise_seen_too_late_is_past_and_leaves_the_area_alone() {
    let (city, rules) = (city(&gauges(1), NO_SITES), rulebook(&rain_rule()));
    let mut engine = engine(&city, &rules, Policy::Replay);
    let mut out = Vec::new();
    engine.observe(at(30), &reading(0, Parameter::Rainfall, 0, 3000), &mut out);
    let [Effect::Signal(change)] = out.as_slice() else {
        panic!("{:?}", lines(&out))
    };
    assert!(change.past);
    out.clear();
    engine.observe(at(30), &reading(0, Parameter::Rainfall, 5, 0), &mut out);
    assert_eq!(lines(&out), Vec::<String>::new());
    engine.observe(at(31), &reading(0, Parameter::Rainfall, 20, 3000), &mut out);
    assert_eq!(
        lines(&out),
        [
            format!("20 r1 proposed {SOUTH}=red"),
            format!("20 r2 issued {SOUTH}=red")
        ]
    );
}

fn approve(warning: &Warning, person: &str) -> Order {
    Order::Approve {
        warning: warning.id,
        revision: warning.revision,
        seen: warning.seen_hash(),
        person: person.into(),
    }
}

#[test]
fn two_people_sign_what_they_saw() {
    let (city, rules) = (city(&gauges(2), NO_SITES), rulebook(&rain_rule()));
    let mut engine = engine(&city, &rules, Policy::Live);
    let mut out = Vec::new();
    rain(&mut engine, 0, 0, 5, &mut out);
    let proposed = warning(&out).clone();
    out.clear();
    engine.order(at(1), &approve(&proposed, "a"), &mut out);
    engine.order(at(1), &approve(&proposed, "a"), &mut out);
    engine.order(at(1), &approve(&proposed, "b"), &mut out);
    assert_eq!(
        lines(&out),
        [
            "signed a 1/2".to_owned(),
            "refused a has signed already: another person must sign".to_owned(),
            format!("1 r2 issued {SOUTH}=blue"),
        ]
    );
    assert_eq!(warning(&out).signed_by, ["a", "b"]);
    out.clear();
    rain(&mut engine, 0, 2, 20, &mut out);
    assert_eq!(lines(&out)[1], format!("2 r3 proposed {SOUTH}=red"));
    engine.order(at(2), &approve(&proposed, "a"), &mut out);
    assert!(
        lines(&out)[2].starts_with("refused revision 1 was seen, revision 3"),
        "{:?}",
        lines(&out)
    );
}

#[test]
fn a_rejected_tier_comes_back_only_higher_or_after_falling() {
    let (city, rules) = (city(&gauges(1), NO_SITES), rulebook(&rain_rule()));
    let mut engine = engine(&city, &rules, Policy::Live);
    let mut out = Vec::new();
    rain(&mut engine, 0, 0, 5, &mut out);
    let proposed = warning(&out).clone();
    let reject = Order::Reject {
        warning: proposed.id,
        revision: 1,
        person: "a".into(),
        reason: "no".into(),
    };
    out.clear();
    engine.order(at(1), &reject, &mut out);
    assert_eq!(lines(&out), [format!("1 r2 cancelled {SOUTH}=none")]);
    out.clear();
    rain(&mut engine, 0, 2, 5, &mut out);
    assert_eq!(lines(&out), Vec::<String>::new());
    rain(&mut engine, 0, 3, 10, &mut out);
    assert_eq!(
        lines(&out),
        [
            "3 rain G1 blue>red".to_owned(),
            format!("3 r1 proposed {SOUTH}=red")
        ]
    );
}

#[test]
fn amending_voids_signatures_and_cancelling_is_heard_at_once() {
    let (city, rules) = (city(&gauges(2), NO_SITES), rulebook(&rain_rule()));
    let mut engine = engine(&city, &rules, Policy::Live);
    let mut out = Vec::new();
    rain(&mut engine, 0, 0, 5, &mut out);
    let proposed = warning(&out).clone();
    engine.order(at(1), &approve(&proposed, "a"), &mut out);
    let north = AreaCode::parse(NORTH).unwrap();
    let south = AreaCode::parse(SOUTH).unwrap();
    let amend = Order::Amend {
        warning: proposed.id,
        revision: 1,
        areas: BTreeMap::from([(south, Tier::Orange), (north, Tier::Blue)]),
        text: BTreeMap::from([("zh".into(), "请勿外出".into())]),
        person: "a".into(),
        reason: "radar".into(),
    };
    out.clear();
    engine.order(at(1), &amend, &mut out);
    let amended = warning(&out).clone();
    assert_eq!(amended.areas[&south].reached, Tier::Blue);
    engine.order(at(2), &approve(&amended, "a"), &mut out);
    engine.order(at(2), &approve(&amended, "b"), &mut out);
    let cancel = |areas: Vec<AreaCode>| Order::Cancel {
        warning: proposed.id,
        areas,
        person: "c".into(),
        reason: "over".into(),
    };
    engine.order(at(3), &cancel(vec![north]), &mut out);
    engine.order(at(4), &cancel(Vec::new()), &mut out);
    engine.order(at(5), &cancel(Vec::new()), &mut out);
    assert_eq!(
        lines(&out),
        [
            format!("1 r2 proposed {SOUTH}=orange {NORTH}=blue"),
            "signed a 1/2".to_owned(),
            format!("2 r3 issued {SOUTH}=orange {NORTH}=blue"),
            format!("3 r4 updated {SOUTH}=orange {NORTH}=none"),
            format!("4 r5 cancelled {SOUTH}=none"),
            format!("refused warning {} is over: issue a new one", proposed.id),
        ]
    );
}

#[test]
fn a_warning_opened_by_hand_waits_for_signatures_too() {
    let (city, rules) = (city(&gauges(1), NO_SITES), rulebook(&rain_rule()));
    let mut engine = engine(&city, &rules, Policy::Live);
    let mut out = Vec::new();
    let issue = |areas: &[(&str, Tier)]| Order::Issue {
        hazard: model::Hazard::Typhoon,
        areas: areas
            .iter()
            .map(|(code, tier)| (AreaCode::parse(code).unwrap(), *tier))
            .collect(),
        text: BTreeMap::new(),
        person: "a".into(),
        reason: "forecast".into(),
    };
    engine.order(at(0), &issue(&[]), &mut out);
    engine.order(at(0), &issue(&[("440102000000", Tier::Red)]), &mut out);
    engine.order(at(0), &issue(&[(SOUTH, Tier::White)]), &mut out);
    engine.order(at(0), &issue(&[(SOUTH, Tier::Red)]), &mut out);
    let said = lines(&out);
    assert!(said[0].starts_with("refused no area"), "{said:?}");
    assert!(
        said[1].starts_with("refused 440102000000 is no area"),
        "{said:?}"
    );
    assert_eq!(said[2], format!("0 r1 proposed {SOUTH}=white"));
    assert!(said[3].contains("is open: amend it"), "{said:?}");
}

#[test]
fn validity_is_renewed_without_a_change() {
    let (city, rules) = (city(&gauges(1), NO_SITES), rulebook(&rain_rule()));
    let mut engine = engine(&city, &rules, Policy::Replay);
    let mut out = Vec::new();
    rain(&mut engine, 0, 0, 30, &mut out);
    let issued = warning(&out).clone();
    out.clear();
    for minute in 1..=144 {
        engine.tick(at(minute), &mut out);
    }
    assert_eq!(lines(&out), [format!("144 r3 updated {SOUTH}=red")]);
    assert_eq!(warning(&out).areas, issued.areas);
    assert_eq!(issued.expires, at(180));
    assert_eq!(warning(&out).expires, at(324));
}

#[test]
fn one_rule_may_ask_for_the_situation_of_another() {
    let landslide = rule(
        "slide",
        "11D01",
        "subject = \"area\"\nred = 'situation(\"rain\") >= red'",
    );
    let (city, rules) = (
        city(&gauges(1), NO_SITES),
        rulebook(&(landslide + &rain_rule())),
    );
    let mut engine = engine(&city, &rules, Policy::Replay);
    let mut out = Vec::new();
    rain(&mut engine, 0, 0, 30, &mut out);
    assert_eq!(
        lines(&out)[..2],
        [
            format!("0 slide {SOUTH} none>red"),
            "0 rain G1 none>red".to_owned()
        ]
    );
}

#[test]
fn an_area_may_be_the_subject() {
    let most = rule(
        "most",
        "11B03",
        "subject = \"area\"\nred = 'area.max(rainfall.sum(\"10m\")) >= 20'\nlower = { after = \"1m\" }",
    );
    let (city, rules) = (city(&gauges(4), NO_SITES), rulebook(&most));
    let mut engine = engine(&city, &rules, Policy::Replay);
    let mut out = Vec::new();
    rain(&mut engine, 0, 0, 5, &mut out);
    rain(&mut engine, 2, 0, 20, &mut out);
    assert_eq!(lines(&out)[0], format!("0 most {SOUTH} none>red"));
}

#[test]
fn a_site_goes_by_its_own_thresholds() {
    let sites = "id,name,kind,lon,lat,area,station,blue,red\n\
        C1,甲,culvert,113.05,23.02,440101001000,W1,0.05,0.5\n\
        C2,乙,culvert,113.05,23.02,440101001000,W1,0.2,\n";
    let culvert = rule(
        "culvert",
        "11A02",
        "subject = \"site\"\nblue = 'water_depth.last() >= site.blue'\nred = 'water_depth.last() >= site.red'",
    );
    let (city, rules) = (
        city(
            &["W1,depth_sensor,440101001000,water_depth,60".into()],
            sites,
        ),
        rulebook(&culvert),
    );
    let mut engine = engine(&city, &rules, Policy::Live);
    let mut out = Vec::new();
    engine.observe(at(0), &reading(0, Parameter::WaterDepth, 0, 6000), &mut out);
    assert_eq!(
        lines(&out)[..2],
        [
            "0 culvert C1 none>red".to_owned(),
            "0 culvert C2 none>blue".to_owned()
        ]
    );
    let tiers: Vec<_> = warning(&out)
        .sites
        .iter()
        .map(|(id, site)| (id.as_str(), site.tier))
        .collect();
    assert_eq!(tiers, [("C1", Tier::Red), ("C2", Tier::Blue)]);
    out.clear();
    engine.observe(at(1), &reading(0, Parameter::WaterDepth, 1, 0), &mut out);
    engine.tick(at(2), &mut out);
    let ended = warning(&out);
    assert_eq!(
        ended.event,
        model::warning::Event::Ended,
        "nothing was ever in force"
    );
    assert!(ended.sites.values().all(|site| site.tier == Tier::None) && ended.sites.len() == 2);
}

#[test]
fn another_rulebook_keeps_readings_and_tiers() {
    let (city, rules) = (city(&gauges(2), NO_SITES), rulebook(&rain_rule()));
    let mut engine = engine(&city, &rules, Policy::Replay);
    let mut out = Vec::new();
    rain(&mut engine, 0, 0, 18, &mut out);
    rain(&mut engine, 1, 0, 3, &mut out);
    out.clear();
    let lower = rulebook(&rule(
        "rain",
        "11B03",
        "blue = 'rainfall.sum(\"20m\") >= 2'\nred = 'rainfall.sum(\"20m\") >= 15'",
    ));
    engine.adopt(at(1), Arc::clone(&city), lower, &mut out);
    assert_eq!(
        lines(&out),
        [
            "0 rain G1 blue>red".to_owned(),
            "0 rain G2 none>blue".to_owned(),
            format!("1 r3 updated {SOUTH}=red {NORTH}=blue"),
        ]
    );
    out.clear();
    let gone = rulebook(&rule("other", "11B06", "red = 'wind_speed.last() >= 20'"));
    engine.adopt(at(2), city, gone, &mut out);
    engine.tick(at(3), &mut out);
    assert_eq!(
        lines(&out),
        [
            "2 rain G1 red>none".to_owned(),
            "2 rain G2 blue>none".to_owned(),
            format!("3 r4 ended {SOUTH}=none {NORTH}=none"),
        ]
    );
}

fn books() -> Arc<Rulebook> {
    let held = rule(
        "held",
        "11A02",
        "propose_at = 0.9\nblue = 'rainfall.sum(\"15m\") >= 6'\norange = 'rainfall.sum(\"5m\") >= 8'\n\
        raise = { after = \"3m\" }\nlower = { after = \"4m\", below = 0.8, when = 'rainfall.max(\"3m\") < 1' }\narea = { level = \"township\", quorum = \"2 of 3\" }",
    );
    rulebook(&(rain_rule() + &held))
}

#[derive(Clone, Debug)]
struct Event {
    station: u32,
    step: i64,
    back: i64,
    mm: i32,
    suspect: bool,
}

fn storm() -> impl Strategy<Value = Vec<Event>> {
    let event = (
        0u32..6,
        prop_oneof![8 => Just(0i64), 3 => Just(1), 1 => 2i64..40],
        prop_oneof![9 => Just(0i64), 1 => 1i64..20],
        prop_oneof![3 => Just(0i32), 2 => 1i32..8],
        prop::bool::weighted(0.05),
    );
    prop::collection::vec(
        event.prop_map(|(station, step, back, mm, suspect)| Event {
            station,
            step,
            back,
            mm,
            suspect,
        }),
        1..300,
    )
}

fn feed(engine: &mut Engine, event: &Event, now: &mut i64, out: &mut Vec<Effect>) {
    *now += event.step;
    let mut o = reading(
        event.station,
        Parameter::Rainfall,
        *now - event.back,
        event.mm * 100,
    );
    if event.suspect {
        o.quality = Quality::Suspect;
    }
    engine.observe(at(*now), &o, out);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(120))]

    #[test]
    fn a_restored_machine_goes_on_as_if_it_had_never_stopped(events in storm(), cut in 0.0f64..1.0, live in any::<bool>()) {
        let (city, rules) = (city(&gauges(6), NO_SITES), books());
        let policy = if live { Policy::Live } else { Policy::Replay };
        let cut = (events.len() as f64 * cut) as usize;
        let mut whole = engine(&city, &rules, policy);
        let (mut now, mut out) = (0, Vec::new());
        for event in &events[..cut] {
            feed(&mut whole, event, &mut now, &mut out);
        }
        let mut bytes = Vec::new();
        whole.snapshot(&mut bytes);
        let mut restored = engine(&city, &rules, policy);
        restored.restore(&bytes).unwrap();
        let (mut one, mut two) = (Vec::new(), Vec::new());
        let (mut now_one, mut now_two) = (now, now);
        for event in &events[cut..] {
            feed(&mut whole, event, &mut now_one, &mut one);
            feed(&mut restored, event, &mut now_two, &mut two);
        }
        whole.tick(at(now_one + 300), &mut one);
        restored.tick(at(now_one + 300), &mut two);
        prop_assert_eq!(one, two);
        let (mut first, mut second) = (Vec::new(), Vec::new());
        whole.snapshot(&mut first);
        restored.snapshot(&mut second);
        prop_assert!(first == second);
    }

    #[test]
    fn damaged_snapshots_are_errors(events in storm(), at_byte in any::<prop::sample::Index>(), to in any::<u8>(), cut in any::<bool>()) {
        let (city, rules) = (city(&gauges(6), NO_SITES), books());
        let mut machine = engine(&city, &rules, Policy::Replay);
        let (mut now, mut out) = (0, Vec::new());
        for event in &events {
            feed(&mut machine, event, &mut now, &mut out);
        }
        let mut bytes = Vec::new();
        machine.snapshot(&mut bytes);
        let at_byte = at_byte.index(bytes.len());
        if cut {
            bytes.truncate(at_byte);
        } else {
            bytes[at_byte] = to;
        }
        let _ = engine(&city, &rules, Policy::Replay).restore(&bytes);
    }
}
