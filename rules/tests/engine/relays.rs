//! Signals of other authorities that are passed on: signed, followed, never reworded.

use crate::little::{
    NO_SITES, NORTH, SOUTH, at, city_with, engine, gauges, lines, pending, rain_rule, rulebook,
    warning,
};
use model::signal::{SignalKind, SignalText};
use model::warning::Event;
use model::{AreaCode, Hazard, Input, Language, Mode, Order, Signal, Tier, Warning};
use rules::{Effect, Engine, Policy};
use std::collections::BTreeMap;

const RELAY: &str = r#"
[[authority]]
id = "44010041600000"
name = { zh = "气象台", en = "Weather office" }
[[matrix]]
authority = "44010036000000"
hazards = ["11B03"]
areas = ["440100000000"]
tiers = ["blue", "yellow", "orange", "red"]
act = "relay"
counterpart = "44010041600000"
basis = { zh = "甲", en = "A" }
"#;

pub(crate) fn live() -> Engine {
    let city = city_with(RELAY, &gauges(1), NO_SITES);
    engine(&city, &rulebook(&rain_rule()), Policy::Live)
}

pub(crate) fn signal(number: u32, kind: SignalKind, tier: Tier, areas: &[&str]) -> Signal {
    let references = match kind {
        SignalKind::Alert => Vec::new(),
        SignalKind::Update | SignalKind::Cancel => {
            vec![format!("44010041600000_2023090718000{}", number - 1)]
        }
    };
    Signal {
        identifier: format!("44010041600000_2023090718000{number}"),
        sender: "office@weather.example".into(),
        sender_name: "气象台".into(),
        sent: at(0),
        mode: Mode::Actual,
        kind,
        references,
        hazard: Some(Hazard::Rainstorm),
        event: "暴雨".into(),
        tier,
        areas: areas
            .iter()
            .filter_map(|a| AreaCode::parse(a).ok())
            .collect(),
        area_desc: Vec::new(),
        onset: at(0),
        expires: Some(at(180)),
        texts: vec![SignalText {
            language: Language::Zh,
            headline: format!("暴雨{}预警", tier.zh()),
            description: "请注意防御".into(),
            instruction: String::new(),
        }],
        state: None,
    }
}

pub(crate) fn take(engine: &mut Engine, minute: i64, signal: Signal, out: &mut Vec<Effect>) {
    engine.step(at(minute), &Input::Signal(Box::new(signal)), out);
}

pub(crate) fn relay(engine: &mut Engine, minute: i64, number: u32, out: &mut Vec<Effect>) {
    let order = Order::Relay {
        signal: format!("44010041600000_2023090718000{number}"),
        person: "a".into(),
    };
    engine.order(at(minute), &order, out);
}

pub(crate) fn sign(engine: &mut Engine, minute: i64, out: &mut Vec<Effect>) {
    let seen: Warning = warning(out).clone();
    for person in ["a", "b"] {
        let order = Order::Approve {
            warning: seen.id,
            revision: seen.revision,
            seen: seen.seen_hash(),
            person: person.into(),
            as_it_stands: String::new(),
        };
        engine.order(at(minute), &order, out);
    }
}

#[test]
fn a_signal_is_passed_on_only_by_people_and_in_its_own_words() {
    let (mut engine, mut out) = (live(), Vec::new());
    take(
        &mut engine,
        0,
        signal(1, SignalKind::Alert, Tier::Orange, &[SOUTH]),
        &mut out,
    );
    assert_eq!(out, []);
    relay(&mut engine, 1, 1, &mut out);
    assert_eq!(lines(&out), [format!("1 r1 proposed {SOUTH}=orange")]);
    let proposed = warning(&out).clone();
    let relayed = proposed.relay.clone().unwrap();
    assert_eq!(
        (relayed.sender_name.as_str(), relayed.sent),
        ("气象台", at(0))
    );
    assert_eq!(relayed.texts_of(Tier::Orange)[0].headline, "暴雨橙色预警");
    assert_eq!(pending(&out).signing.as_ref().unwrap().needed, 2);
    relay(&mut engine, 1, 1, &mut out);
    assert!(
        lines(&out)[1].contains("is passed on already"),
        "{:?}",
        lines(&out)
    );
    let amend = Order::Amend {
        warning: proposed.id,
        revision: 1,
        areas: BTreeMap::new(),
        onset: None,
        text: BTreeMap::from([("zh".into(), "我们的话".into())]),
        person: "a".into(),
        reason: "no".into(),
        as_it_stands: false,
    };
    engine.order(at(1), &amend, &mut out);
    assert!(
        lines(&out)[2].contains("another authority's words"),
        "{:?}",
        lines(&out)
    );
    sign(&mut engine, 2, &mut out);
    let issued = warning(&out);
    assert_eq!((issued.event, issued.revision), (Event::Issued, 2));
    assert_eq!(issued.relay, proposed.relay);
}

#[test]
fn update_and_cancel_are_put_forward_in_their_turn() {
    let (mut engine, mut out) = (live(), Vec::new());
    take(
        &mut engine,
        0,
        signal(1, SignalKind::Alert, Tier::Orange, &[SOUTH]),
        &mut out,
    );
    relay(&mut engine, 1, 1, &mut out);
    sign(&mut engine, 2, &mut out);
    out.clear();
    let update = signal(2, SignalKind::Update, Tier::Red, &[SOUTH, NORTH]);
    take(&mut engine, 3, update, &mut out);
    engine.tick(at(4), &mut out);
    assert_eq!(
        lines(&out),
        [format!("4 r3 proposed {SOUTH}=red {NORTH}=red")]
    );
    sign(&mut engine, 4, &mut out);
    assert_eq!(warning(&out).event, Event::Updated);
    out.clear();
    take(
        &mut engine,
        5,
        signal(3, SignalKind::Cancel, Tier::Red, &[SOUTH, NORTH]),
        &mut out,
    );
    engine.tick(at(6), &mut out);
    assert_eq!(
        lines(&out),
        [format!("6 r5 proposed {SOUTH}=none {NORTH}=none")]
    );
    let signing = pending(&out).signing.clone().unwrap();
    assert!(!signing.rises);
    sign(&mut engine, 6, &mut out);
    assert_eq!(warning(&out).event, Event::Ended);
    assert_eq!(
        warning(&out).relay.as_ref().unwrap().kind,
        SignalKind::Cancel
    );
    // What its authority lifted cannot be passed on any more.
    out.clear();
    relay(&mut engine, 7, 2, &mut out);
    relay(&mut engine, 7, 3, &mut out);
    assert!(
        lines(&out).iter().all(|l| l.contains("is in force here")),
        "{:?}",
        lines(&out)
    );
}

#[test]
fn a_relay_never_signed_ends_with_its_signal() {
    let (mut engine, mut out) = (live(), Vec::new());
    take(
        &mut engine,
        0,
        signal(1, SignalKind::Alert, Tier::Orange, &[SOUTH]),
        &mut out,
    );
    relay(&mut engine, 1, 1, &mut out);
    out.clear();
    take(
        &mut engine,
        2,
        signal(2, SignalKind::Cancel, Tier::Orange, &[SOUTH]),
        &mut out,
    );
    engine.tick(at(3), &mut out);
    assert_eq!(lines(&out), [format!("3 r2 ended {SOUTH}=none")]);
    assert_eq!(pending(&out).signing, None);
}

#[test]
fn only_what_the_matrix_names_is_passed_on() {
    let (mut engine, mut out) = (live(), Vec::new());
    let mut strange = signal(1, SignalKind::Alert, Tier::Orange, &[SOUTH]);
    strange.hazard = Some(Hazard::Typhoon);
    take(&mut engine, 0, strange, &mut out);
    relay(&mut engine, 1, 1, &mut out);
    let mut unknown = signal(5, SignalKind::Alert, Tier::Orange, &[SOUTH]);
    unknown.identifier = "someone-else".into();
    unknown.sender_name = "Nobody".into();
    take(&mut engine, 2, unknown, &mut out);
    let order = Order::Relay {
        signal: "someone-else".into(),
        person: "a".into(),
    };
    engine.order(at(3), &order, &mut out);
    let said = lines(&out);
    assert_eq!(said.len(), 2);
    assert!(
        said.iter().all(|l| l.contains("may not be passed on")),
        "{said:?}"
    );
}

#[test]
fn a_message_about_the_city_covers_the_zone_and_each_tier_its_own_areas() {
    let (mut engine, mut out) = (live(), Vec::new());
    take(
        &mut engine,
        0,
        signal(1, SignalKind::Alert, Tier::Red, &[NORTH]),
        &mut out,
    );
    take(
        &mut engine,
        0,
        signal(1, SignalKind::Alert, Tier::Yellow, &["440100000000"]),
        &mut out,
    );
    relay(&mut engine, 1, 1, &mut out);
    assert_eq!(
        lines(&out),
        [format!("1 r1 proposed 440101000000=yellow {NORTH}=red")]
    );
    let relayed = warning(&out).relay.clone().unwrap();
    assert_eq!(relayed.texts_of(Tier::Yellow)[0].headline, "暴雨黄色预警");
    // A snapshot keeps it.
    let mut bytes = Vec::new();
    engine.snapshot(&mut bytes);
    let mut restored = live();
    restored.restore(&bytes).unwrap();
    let (mut left, mut right) = (Vec::new(), Vec::new());
    let update = signal(2, SignalKind::Update, Tier::Blue, &[NORTH]);
    take(&mut engine, 2, update.clone(), &mut left);
    take(&mut restored, 2, update, &mut right);
    engine.tick(at(3), &mut left);
    restored.tick(at(3), &mut right);
    assert_eq!(left, right);
    assert!(!left.is_empty());
}

#[test]
fn the_tiers_of_one_update_are_one_revision() {
    let (mut engine, mut out) = (live(), Vec::new());
    let alert = signal(1, SignalKind::Alert, Tier::Orange, &[SOUTH]);
    take(&mut engine, 0, alert, &mut out);
    relay(&mut engine, 1, 1, &mut out);
    let proposed = warning(&out).clone();
    let orange = signal(2, SignalKind::Update, Tier::Orange, &[SOUTH]);
    let red = signal(2, SignalKind::Update, Tier::Red, &[NORTH]);
    take(&mut engine, 2, orange, &mut out);
    // Until then what was shown can be signed, and is what goes out.
    let signed = |person: &str| Order::Approve {
        warning: proposed.id,
        revision: proposed.revision,
        seen: proposed.seen_hash(),
        person: person.into(),
        as_it_stands: String::new(),
    };
    engine.order(at(2), &signed("a"), &mut out);
    take(&mut engine, 2, red, &mut out);
    engine.order(at(2), &signed("b"), &mut out);
    assert_eq!(warning(&out).relay, proposed.relay);
    // A message that follows in the same minute is followed too, though it names the second alone.
    let third = signal(3, SignalKind::Update, Tier::Red, &[SOUTH, NORTH]);
    let mut later = live();
    let mut bytes = Vec::new();
    engine.snapshot(&mut bytes);
    later.restore(&bytes).unwrap();
    let mut followed = Vec::new();
    take(&mut later, 2, third, &mut followed);
    later.tick(at(3), &mut followed);
    assert_eq!(
        lines(&followed),
        [format!("3 r3 proposed {SOUTH}=red {NORTH}=red")]
    );

    out.clear();
    engine.tick(at(3), &mut out);
    assert_eq!(
        lines(&out),
        [format!("3 r3 proposed {SOUTH}=orange {NORTH}=red")]
    );
    let texts = &warning(&out).relay.as_ref().unwrap().texts;
    assert_eq!(
        texts.keys().collect::<Vec<_>>(),
        [&Tier::Orange, &Tier::Red]
    );
    // Both tiers are lifted together as well.
    for tier in [Tier::Orange, Tier::Red] {
        let cancel = signal(3, SignalKind::Cancel, tier, &[SOUTH, NORTH]);
        take(&mut engine, 4, cancel, &mut out);
    }
    out.clear();
    engine.tick(at(5), &mut out);
    assert_eq!(
        lines(&out),
        [format!("5 r4 proposed {SOUTH}=none {NORTH}=none")]
    );
}

#[test]
fn a_replay_follows_a_message_without_signatures() {
    let city = city_with(RELAY, &gauges(1), NO_SITES);
    let mut engine = engine(&city, &rulebook(&rain_rule()), Policy::Replay);
    let mut out = Vec::new();
    let alert = signal(1, SignalKind::Alert, Tier::Orange, &[SOUTH]);
    take(&mut engine, 0, alert, &mut out);
    relay(&mut engine, 1, 1, &mut out);
    let update = signal(2, SignalKind::Update, Tier::Red, &[SOUTH]);
    take(&mut engine, 2, update, &mut out);
    let cancel = signal(3, SignalKind::Cancel, Tier::Red, &[SOUTH]);
    take(&mut engine, 4, cancel, &mut out);
    engine.tick(at(5), &mut out);
    assert_eq!(
        lines(&out),
        [
            format!("1 r1 proposed {SOUTH}=orange"),
            format!("1 r2 issued {SOUTH}=orange"),
            format!("3 r3 updated {SOUTH}=red"),
            format!("5 r4 ended {SOUTH}=none"),
        ]
    );
}
