//! Acts of people: sign, send away, amend, take back, open, confirm, end.

use crate::little::{
    NO_SITES, NORTH, SOUTH, at, city, engine, gauges, lines, rain, rain_rule, reading, rulebook,
    warning,
};
use model::{AreaCode, Order, Parameter, Quality, Tier, Warning};
use rules::{Effect, Engine, Policy};
use std::collections::BTreeMap;

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

fn approve(warning: &Warning, person: &str) -> Order {
    Order::Approve {
        warning: warning.id,
        revision: warning.revision,
        seen: warning.seen_hash(),
        person: person.into(),
        as_it_stands: String::new(),
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
        onset: None,
        text: BTreeMap::from([("zh".into(), "请勿外出".into())]),
        person: "a".into(),
        reason: "radar".into(),
        as_it_stands: false,
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
        onset: None,
        text: BTreeMap::new(),
        person: "a".into(),
        reason: "forecast".into(),
        as_it_stands: false,
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
