//! What waits for people: the clock of a proposal with its deputies, what happens at its end, and
//! the review of what one person released (semantics §27).

use crate::little::{
    NO_SITES, SOUTH, at, city_with, engine, gauges, lines, pending, rain, rain_rule, reading,
    rulebook, warning,
};
use model::release::AtEnd;
use model::{AreaCode, Order, Parameter, Quality, Tier, Warning};
use rules::{Effect, Engine, Policy, Refusal};
use std::collections::BTreeMap;

const HOLD: &str = r#"
[[flow]]
audience = "public"
tiers = ["blue", "yellow", "orange", "red"]
channels = ["sms"]
signatures = 2
clock = "10m"
signers = ["a", "b"]
deputies = ["d1", "d2"]
basis = { zh = "甲", en = "A" }
"#;

const PRESIGNED: &str = r#"
[[flow]]
audience = "public"
tiers = ["blue", "yellow", "orange", "red"]
channels = ["sms"]
signatures = 2
clock = "10m"
deputies = ["d1"]
at_end = "presigned"
presigned = { signed_by = ["x", "y"], text = { zh = "大雨,请勿外出", en = "Heavy rain, stay in" } }
basis = { zh = "甲", en = "A" }
"#;

const EMERGENCY: &str = r#"
[[flow]]
audience = "public"
tiers = ["red"]
channels = ["sms"]
signatures = 1
review = true
review_within = "2h"
basis = { zh = "甲", en = "A" }
"#;

fn live(flow: &str) -> Engine {
    let city = city_with(flow, &gauges(2), NO_SITES);
    engine(&city, &rulebook(&rain_rule()), Policy::Live)
}

/// A running server has a record each minute.
fn run(engine: &mut Engine, minutes: std::ops::RangeInclusive<i64>, out: &mut Vec<Effect>) {
    minutes.for_each(|minute| engine.tick(at(minute), out));
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

fn review(warning: &Warning, person: &str) -> Order {
    Order::Review {
        warning: warning.id,
        revision: warning.revision,
        sound: true,
        note: "right".into(),
        person: person.into(),
    }
}

fn refusals(effects: &[Effect]) -> Vec<&Refusal> {
    let refused = effects.iter().filter_map(|effect| match effect {
        Effect::Refused { why, .. } => Some(why),
        Effect::Signal(_)
        | Effect::Warning(_)
        | Effect::Pending(_)
        | Effect::Silence(_)
        | Effect::Muted(_) => None,
    });
    refused.collect()
}

/// Minute and who was asked, of each turn.
fn turns(effects: &[Effect]) -> Vec<(u8, Vec<String>)> {
    let mut turns: Vec<(u8, Vec<String>)> = Vec::new();
    for effect in effects {
        if let Effect::Pending(pending) = effect
            && let Some(signing) = &pending.signing
            && turns.last().is_none_or(|(turn, _)| *turn != signing.turn)
        {
            turns.push((signing.turn, signing.asked.clone()));
        }
    }
    turns
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[test]
fn deputies_are_asked_in_turn_and_nothing_goes_out_by_itself() {
    let (mut engine, mut out) = (live(HOLD), Vec::new());
    rain(&mut engine, 0, 0, 5, &mut out);
    let first = pending(&out).signing.clone().unwrap();
    assert_eq!((first.since, first.until), (at(0), Some(at(10))));
    assert_eq!((first.ends, first.overdue), (at(30), false));
    assert_eq!((first.at_end, first.rises), (AtEnd::Hold, true));
    run(&mut engine, 1..=29, &mut out);
    assert_eq!(
        turns(&out),
        [
            (0, names(&["a", "b"])),
            (1, names(&["d1"])),
            (2, names(&["d2"])),
        ]
    );
    assert!(!pending(&out).signing.as_ref().unwrap().overdue);
    engine.tick(at(30), &mut out);
    let last = pending(&out).signing.clone().unwrap();
    assert!(last.overdue);
    assert_eq!((last.ends, last.turn), (at(30), 3));
    assert_eq!(last.asked, names(&["a", "b", "d1", "d2"]));
    // Everybody is asked again, not for ever; what is proposed is still to be signed.
    out.clear();
    run(&mut engine, 31..=400, &mut out);
    assert_eq!(turns(&out).len(), 12);
    assert_eq!(pending(&out).signing.as_ref().unwrap().until, None);
    assert!(out.iter().all(|e| !matches!(e, Effect::Warning(_))));
}

#[test]
fn a_new_revision_gives_nobody_more_time_and_an_amendment_does() {
    let (mut engine, mut out) = (live(HOLD), Vec::new());
    rain(&mut engine, 0, 0, 5, &mut out);
    run(&mut engine, 1..=6, &mut out);
    rain(&mut engine, 0, 7, 20, &mut out);
    let signing = pending(&out).signing.clone().unwrap();
    assert_eq!((signing.since, signing.until), (at(0), Some(at(10))));
    let proposed = warning(&out).clone();
    let amend = Order::Amend {
        warning: proposed.id,
        revision: proposed.revision,
        areas: BTreeMap::new(),
        onset: None,
        text: BTreeMap::from([("zh".into(), "请勿外出".into())]),
        person: "a".into(),
        reason: "radar".into(),
        as_it_stands: false,
    };
    engine.order(at(8), &amend, &mut out);
    let signing = pending(&out).signing.clone().unwrap();
    assert_eq!((signing.since, signing.until), (at(8), Some(at(18))));
}

#[test]
fn a_signature_ends_the_clock_and_is_seen_before_it() {
    let (mut engine, mut out) = (live(HOLD), Vec::new());
    rain(&mut engine, 0, 0, 5, &mut out);
    let proposed = warning(&out).clone();
    engine.order(at(1), &approve(&proposed, "a"), &mut out);
    let signing = pending(&out).signing.clone().unwrap();
    assert_eq!((signing.signed_by, signing.needed), (names(&["a"]), 2));
    engine.order(at(2), &approve(&proposed, "d1"), &mut out);
    assert_eq!(pending(&out).signing, None);
    out.clear();
    run(&mut engine, 3..=60, &mut out);
    out.retain(|effect| !matches!(effect, Effect::Silence(_)));
    assert_eq!(out, []);
}

#[test]
fn time_without_a_server_does_not_count() {
    let (mut engine, mut out) = (live(HOLD), Vec::new());
    rain(&mut engine, 0, 0, 5, &mut out);
    run(&mut engine, 1..=4, &mut out);
    // Five hours later it runs again: one minute of them was its own.
    engine.tick(at(304), &mut out);
    let signing = pending(&out).signing.clone().unwrap();
    assert_eq!((signing.turn, signing.until), (0, Some(at(309))));
    run(&mut engine, 305..=308, &mut out);
    assert_eq!(turns(&out).len(), 1);
    engine.tick(at(309), &mut out);
    assert_eq!(turns(&out).len(), 2);
}

#[test]
fn a_presigned_text_goes_out_at_the_end_and_says_by_clock() {
    let (mut engine, mut out) = (live(PRESIGNED), Vec::new());
    rain(&mut engine, 0, 0, 5, &mut out);
    run(&mut engine, 1..=19, &mut out);
    assert_eq!(warning(&out).revision, 1);
    engine.tick(at(20), &mut out);
    let released = warning(&out).clone();
    assert_eq!(
        lines(&out).last().unwrap(),
        &format!("20 r2 issued {SOUTH}=blue")
    );
    assert_eq!(released.rule, "by clock");
    assert_eq!(released.signed_by, ["x", "y"]);
    assert_eq!(released.text["zh"], "大雨,请勿外出");
    // Somebody looks at it afterwards, and not one of the two.
    let open = pending(&out).clone();
    assert_eq!(open.signing, None);
    assert_eq!(open.review.unwrap().signed_by, names(&["x", "y"]));
    engine.order(at(21), &review(&released, "x"), &mut out);
    assert!(matches!(refusals(&out)[..], [Refusal::OwnReview { .. }]));
}

#[test]
fn neither_an_easing_nor_a_suspect_rise_goes_out_by_clock() {
    let (mut engine, mut out) = (live(PRESIGNED), Vec::new());
    let mut suspect = reading(0, Parameter::Rainfall, 0, 3000);
    suspect.quality = Quality::Suspect;
    engine.observe(at(0), &suspect, &mut out);
    assert_eq!(pending(&out).signing.as_ref().unwrap().at_end, AtEnd::Hold);
    run(&mut engine, 1..=200, &mut out);
    assert!(pending(&out).signing.as_ref().unwrap().overdue);
    assert_eq!(warning(&out).revision, 1);

    let (mut engine, mut out) = (live(PRESIGNED), Vec::new());
    rain(&mut engine, 0, 0, 25, &mut out);
    let proposed = warning(&out).clone();
    engine.order(at(0), &approve(&proposed, "a"), &mut out);
    engine.order(at(0), &approve(&proposed, "b"), &mut out);
    for minute in 1..=60 {
        rain(&mut engine, 0, minute, 0, &mut out);
    }
    let easing = pending(&out).signing.clone().unwrap();
    assert!(!easing.rises && easing.overdue, "{easing:?}");
    assert_eq!(warning(&out).event, model::warning::Event::Proposed);
}

#[test]
fn what_one_person_released_is_reviewed_by_another() {
    let (mut engine, mut out) = (live(EMERGENCY), Vec::new());
    rain(&mut engine, 0, 0, 25, &mut out);
    let proposed = warning(&out).clone();
    engine.order(at(1), &approve(&proposed, "a"), &mut out);
    let released = warning(&out).clone();
    assert_eq!(released.event, model::warning::Event::Issued);
    let open = pending(&out).review.clone().unwrap();
    assert_eq!((open.since, open.until), (at(1), at(121)));
    assert_eq!(open.revision, released.revision);
    out.clear();
    engine.order(at(2), &review(&released, "a"), &mut out);
    let stale = Warning {
        revision: 1,
        ..released.clone()
    };
    engine.order(at(2), &review(&stale, "b"), &mut out);
    assert!(matches!(
        refusals(&out)[..],
        [Refusal::OwnReview { .. }, Refusal::Stale { .. }]
    ));
    // It is asked for after the warning is over, too.
    let cancel = Order::Cancel {
        warning: released.id,
        areas: Vec::new(),
        person: "a".into(),
        reason: "over".into(),
    };
    engine.order(at(3), &cancel, &mut out);
    engine.order(at(4), &review(&released, "b"), &mut out);
    let reviewed = pending(&out).review.clone().unwrap().reviewed.unwrap();
    assert_eq!((reviewed.person.as_str(), reviewed.sound), ("b", true));
    out.clear();
    engine.order(at(5), &review(&released, "c"), &mut out);
    assert!(!refusals(&out).is_empty());
}

#[test]
fn a_red_elsewhere_lends_its_one_signature_to_nobody() {
    let (mut engine, mut out) = (live(EMERGENCY), Vec::new());
    rain(&mut engine, 0, 0, 25, &mut out);
    let red = warning(&out).clone();
    engine.order(at(1), &approve(&red, "a"), &mut out);
    assert_eq!(warning(&out).event, model::warning::Event::Issued);
    rain(&mut engine, 1, 2, 5, &mut out);
    engine.tick(at(3), &mut out);
    let more = warning(&out).clone();
    assert_eq!(
        (more.event, more.areas.len()),
        (model::warning::Event::Proposed, 2)
    );
    assert_eq!(pending(&out).signing.as_ref().unwrap().needed, 2);
    out.clear();
    engine.order(at(4), &approve(&more, "a"), &mut out);
    assert!(
        out.iter()
            .all(|effect| !matches!(effect, Effect::Warning(_)))
    );
    engine.order(at(4), &approve(&more, "b"), &mut out);
    assert_eq!(warning(&out).event, model::warning::Event::Updated);
}

#[test]
fn two_signatures_ask_for_no_review() {
    let (mut engine, mut out) = (live(HOLD), Vec::new());
    rain(&mut engine, 0, 0, 25, &mut out);
    let proposed = warning(&out).clone();
    for person in ["a", "b"] {
        engine.order(at(1), &approve(&proposed, person), &mut out);
    }
    assert_eq!(pending(&out).review, None);
}

#[test]
fn another_authoritys_hazard_is_requested_and_never_signed() {
    let request = r#"
[[authority]]
id = "44010041600000"
name = { zh = "气象台", en = "Weather office" }
[[matrix]]
authority = "44010036000000"
hazards = ["11B01"]
areas = ["440100000000"]
tiers = ["blue", "yellow", "orange", "red"]
act = "request"
counterpart = "44010041600000"
basis = { zh = "甲", en = "A" }
"#;
    let city = city_with(request, &gauges(1), NO_SITES);
    let rule = crate::little::rule("wind", "11B01", crate::little::RAIN);
    let mut engine = engine(&city, &rulebook(&rule), Policy::Live);
    let mut out = Vec::new();
    rain(&mut engine, 0, 0, 25, &mut out);
    let asked = warning(&out).clone();
    assert!(out.iter().all(|e| !matches!(e, Effect::Pending(_))));
    engine.order(at(1), &approve(&asked, "a"), &mut out);
    engine.order(at(1), &approve(&asked, "b"), &mut out);
    let refused = refusals(&out);
    assert_eq!(refused.len(), 2);
    assert!(refused[0].to_string().starts_with("Weather office alone"));
    assert_eq!(warning(&out).event, model::warning::Event::Proposed);
    // It can be taken back.
    let cancel = Order::Cancel {
        warning: asked.id,
        areas: Vec::new(),
        person: "a".into(),
        reason: "radar".into(),
    };
    engine.order(at(2), &cancel, &mut out);
    assert_eq!(warning(&out).event, model::warning::Event::Cancelled);
    assert_eq!(
        warning(&out).areas[&AreaCode::parse(SOUTH).unwrap()].tier,
        Tier::None
    );
}

#[test]
fn a_snapshot_keeps_clock_signatures_and_reviews() {
    let (mut engine, mut out) = (live(EMERGENCY), Vec::new());
    rain(&mut engine, 0, 0, 25, &mut out);
    let proposed = warning(&out).clone();
    engine.order(at(1), &approve(&proposed, "a"), &mut out);
    rain(&mut engine, 1, 2, 6, &mut out);
    let mut bytes = Vec::new();
    engine.snapshot(&mut bytes);
    let mut restored = live(EMERGENCY);
    restored.restore(&bytes).unwrap();
    let (mut left, mut right) = (Vec::new(), Vec::new());
    for minute in 3..=60 {
        engine.tick(at(minute), &mut left);
        restored.tick(at(minute), &mut right);
    }
    assert!(!left.is_empty());
    assert_eq!(left, right);
}
