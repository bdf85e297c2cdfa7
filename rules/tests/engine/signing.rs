//! What people sign is what goes out: additions that were gathered meanwhile, renewals beside a
//! proposal, parts taken back, and findings that fall after a person sent a tier away.

use crate::little::{
    NO_SITES, NORTH, RAIN, SOUTH, at, city, city_with, code, engine, gauges, lines, pending, rain,
    rain_rule, rule, rulebook, warning,
};
use model::warning::Event;
use model::{Order, Span, Tier, Time, Warning};
use rules::{Effect, Engine, Policy, Refusal};
use std::collections::BTreeMap;

fn live() -> Engine {
    let city = city(&gauges(2), NO_SITES);
    engine(&city, &rulebook(&rain_rule()), Policy::Live)
}

/// Twenty seconds after a whole minute: before what was gathered goes out.
fn amid(minute: i64) -> Time {
    at(minute) + Span::from_seconds(20)
}

fn sign(engine: &mut Engine, at: Time, seen: &Warning, people: &[&str], out: &mut Vec<Effect>) {
    for person in people {
        let order = Order::Approve {
            warning: seen.id,
            revision: seen.revision,
            seen: seen.seen_hash(),
            person: (*person).into(),
            as_it_stands: String::new(),
        };
        engine.order(at, &order, out);
    }
}

fn reject(warning: &Warning) -> Order {
    Order::Reject {
        warning: warning.id,
        revision: warning.revision,
        person: "c".into(),
        reason: "no".into(),
    }
}

fn amend(warning: &Warning, areas: &[(&str, Tier)]) -> Order {
    Order::Amend {
        warning: warning.id,
        revision: warning.revision,
        areas: areas.iter().map(|(area, t)| (code(area), *t)).collect(),
        onset: None,
        text: BTreeMap::new(),
        person: "c".into(),
        reason: "radar".into(),
        as_it_stands: false,
    }
}

fn cancel(warning: &Warning, areas: &[&str]) -> Order {
    Order::Cancel {
        warning: warning.id,
        areas: areas.iter().map(|area| code(area)).collect(),
        person: "c".into(),
        reason: "over".into(),
    }
}

fn refusal(effects: &[Effect]) -> Option<&Refusal> {
    effects.iter().rev().find_map(|effect| match effect {
        Effect::Refused { why, .. } => Some(why),
        Effect::Signal(_)
        | Effect::Warning(_)
        | Effect::Pending(_)
        | Effect::Silence(_)
        | Effect::Muted(_) => None,
    })
}

/// Revisions alone.
fn revisions(effects: &[Effect]) -> Vec<String> {
    let all = effects.iter();
    all.filter(|effect| matches!(effect, Effect::Warning(_)))
        .flat_map(|effect| lines(std::slice::from_ref(effect)))
        .collect()
}

/// One proposed in the south, and the north gathered behind it.
fn one_and_one_gathered(engine: &mut Engine, out: &mut Vec<Effect>) -> Warning {
    rain(engine, 0, 0, 5, out);
    let shown = warning(out).clone();
    out.clear();
    rain(engine, 1, 0, 5, out);
    assert_eq!(revisions(out), Vec::<String>::new());
    shown
}

#[test]
fn a_signature_releases_no_area_that_nobody_saw() {
    let (mut engine, mut out) = (live(), Vec::new());
    let shown = one_and_one_gathered(&mut engine, &mut out);
    sign(&mut engine, amid(0), &shown, &["a", "b"], &mut out);
    engine.tick(at(1), &mut out);
    assert_eq!(
        revisions(&out),
        [
            format!("0 r2 issued {SOUTH}=blue"),
            format!("1 r3 proposed {SOUTH}=blue {NORTH}=blue"),
        ]
    );
    assert_eq!(pending(&out).signing.as_ref().unwrap().signed_by.len(), 0);
    let more = warning(&out).clone();
    sign(&mut engine, amid(1), &more, &["a", "b"], &mut out);
    assert_eq!(warning(&out).event, Event::Updated);
    assert_eq!(warning(&out).areas[&code(NORTH)].tier, Tier::Blue);
}

#[test]
fn additions_that_trickle_in_keep_nobody_from_releasing_what_is_signed() {
    let (mut engine, mut out) = (live(), Vec::new());
    let first = one_and_one_gathered(&mut engine, &mut out);
    sign(&mut engine, amid(0), &first, &["a"], &mut out);
    engine.tick(at(1), &mut out);
    let second = warning(&out).clone();
    assert_eq!(second.signed_by, Vec::<String>::new());
    out.clear();
    sign(&mut engine, amid(1), &second, &["b"], &mut out);
    // Both have signed the south; the north waits for a second signature.
    assert_eq!(revisions(&out).len(), 2, "{:?}", lines(&out));
    assert!(revisions(&out)[0].contains("r3 issued"));
    let issued = out.iter().find_map(|effect| match effect {
        Effect::Warning(warning) => Some(warning),
        Effect::Signal(_)
        | Effect::Pending(_)
        | Effect::Refused { .. }
        | Effect::Silence(_)
        | Effect::Muted(_) => None,
    });
    let issued = issued.unwrap();
    assert_eq!(issued.signed_by, ["a", "b"]);
    assert_eq!(issued.areas[&code(SOUTH)].tier, Tier::Blue);
    // Whoever was told of it by what was measured is told no end: it is reached as before.
    let north = issued.areas[&code(NORTH)];
    assert_eq!((north.tier, north.reached), (Tier::None, Tier::Blue));
    let third = warning(&out).clone();
    assert_eq!((third.event, third.revision), (Event::Proposed, 4));
    assert_eq!(third.signed_by, ["b"]);
    sign(&mut engine, amid(2), &third, &["b"], &mut out);
    assert!(matches!(refusal(&out), Some(Refusal::SignedAlready { .. })));
    sign(&mut engine, amid(2), &third, &["a"], &mut out);
    let whole = warning(&out);
    assert_eq!((whole.event, whole.tier()), (Event::Updated, Tier::Blue));
    assert_eq!(whole.areas[&code(NORTH)].tier, Tier::Blue);
    assert_eq!(pending(&out).signing, None);
}

#[test]
fn a_tier_that_rises_voids_what_was_signed() {
    let (mut engine, mut out) = (live(), Vec::new());
    let first = one_and_one_gathered(&mut engine, &mut out);
    sign(&mut engine, amid(0), &first, &["a"], &mut out);
    engine.tick(at(1), &mut out);
    rain(&mut engine, 0, 2, 20, &mut out);
    out.clear();
    sign(&mut engine, amid(2), &first, &["b"], &mut out);
    assert!(matches!(refusal(&out), Some(Refusal::Stale { .. })));
    assert_eq!(revisions(&out), Vec::<String>::new());
}

#[test]
fn an_act_on_what_was_shown_leaves_what_was_gathered() {
    let acts: [fn(&Warning) -> Order; 2] = [reject, |shown| cancel(shown, &[])];
    for act in acts {
        let (mut engine, mut out) = (live(), Vec::new());
        let shown = one_and_one_gathered(&mut engine, &mut out);
        engine.order(amid(0), &act(&shown), &mut out);
        assert_eq!(
            revisions(&out),
            [
                format!("0 r2 cancelled {SOUTH}=none"),
                format!("0 r3 proposed {NORTH}=blue"),
            ]
        );
        // What was sent away stays away, and the rest can be signed.
        let left = warning(&out).clone();
        sign(&mut engine, at(1), &left, &["a", "b"], &mut out);
        assert_eq!(warning(&out).event, Event::Issued);
        assert_eq!(warning(&out).areas.len(), 1);
    }

    let (mut engine, mut out) = (live(), Vec::new());
    let shown = one_and_one_gathered(&mut engine, &mut out);
    engine.order(amid(0), &amend(&shown, &[(SOUTH, Tier::Red)]), &mut out);
    assert_eq!(warning(&out).areas.len(), 1);
    let amended = warning(&out).clone();
    sign(&mut engine, amid(0), &amended, &["a", "b"], &mut out);
    assert_eq!(warning(&out).areas.len(), 1);
    engine.tick(at(1), &mut out);
    assert_eq!(warning(&out).event, Event::Proposed);
    let areas = warning(&out).areas.values().map(|area| area.tier);
    assert_eq!(areas.collect::<Vec<_>>(), [Tier::Red, Tier::Blue]);
}

#[test]
fn the_clock_releases_what_was_shown() {
    let presigned = r#"
[[flow]]
audience = "public"
tiers = ["blue", "yellow", "orange", "red"]
channels = ["sms"]
signatures = 2
clock = "10m"
at_end = "presigned"
presigned = { signed_by = ["x", "y"], text = { zh = "大雨,请勿外出", en = "Heavy rain, stay in" } }
basis = { zh = "甲", en = "A" }
"#;
    let city = city_with(presigned, &gauges(2), NO_SITES);
    let mut engine = engine(&city, &rulebook(&rain_rule()), Policy::Live);
    let mut out = Vec::new();
    rain(&mut engine, 0, 0, 5, &mut out);
    (1..=9).for_each(|minute| engine.tick(at(minute), &mut out));
    rain(&mut engine, 1, 9, 5, &mut out);
    out.clear();
    engine.tick(at(10), &mut out);
    assert_eq!(revisions(&out).len(), 2, "{:?}", lines(&out));
    assert_eq!(revisions(&out)[0], format!("10 r2 issued {SOUTH}=blue"));
    assert_eq!(warning(&out).event, Event::Proposed);
}

#[test]
fn whoever_takes_a_part_back_has_not_signed_the_rest() {
    let (mut engine, mut out) = (live(), Vec::new());
    rain(&mut engine, 0, 0, 5, &mut out);
    rain(&mut engine, 1, 0, 5, &mut out);
    engine.tick(at(1), &mut out);
    let both = warning(&out).clone();
    sign(&mut engine, at(1), &both, &["a", "b"], &mut out);
    rain(&mut engine, 0, 2, 20, &mut out);
    let risen = warning(&out).clone();
    assert_eq!(risen.event, Event::Proposed);
    out.clear();
    engine.order(at(3), &cancel(&risen, &[NORTH]), &mut out);
    let rest = warning(&out).clone();
    assert_eq!(revisions(&out).len(), 2, "{:?}", lines(&out));
    assert_eq!((rest.event, rest.tier()), (Event::Proposed, Tier::Red));
    assert_eq!(rest.signed_by, Vec::<String>::new());
    assert_eq!(
        pending(&out).signing.as_ref().unwrap().signed_by,
        Vec::<String>::new()
    );
    // Neither what was seen before nor what is in force meanwhile is signed in its place.
    out.clear();
    sign(&mut engine, at(3), &risen, &["a"], &mut out);
    assert!(matches!(refusal(&out), Some(Refusal::Stale { .. })));
    out.clear();
    sign(&mut engine, at(4), &rest, &["a"], &mut out);
    assert_eq!(revisions(&out), Vec::<String>::new());
    sign(&mut engine, at(4), &rest, &["c"], &mut out);
    assert_eq!(warning(&out).event, Event::Updated);
    assert_eq!(warning(&out).signed_by, ["a", "c"]);
}

#[test]
fn a_part_taken_back_may_leave_nothing_to_sign() {
    let (mut engine, mut out) = (live(), Vec::new());
    let shown = one_and_one_gathered(&mut engine, &mut out);
    sign(&mut engine, amid(0), &shown, &["a", "b"], &mut out);
    engine.tick(at(1), &mut out);
    let more = warning(&out).clone();
    out.clear();
    engine.order(at(2), &cancel(&more, &[NORTH]), &mut out);
    assert_eq!(revisions(&out).len(), 1, "{:?}", lines(&out));
    assert_eq!(warning(&out).event, Event::Updated);
    assert_eq!(pending(&out).signing, None);
    engine.order(at(2), &cancel(&more, &[NORTH]), &mut out);
    assert!(matches!(refusal(&out), Some(Refusal::UnknownArea { .. })));
}

#[test]
fn what_is_in_force_is_not_taken_back_with_another_part() {
    let (mut engine, mut out) = (live(), Vec::new());
    rain(&mut engine, 0, 0, 5, &mut out);
    rain(&mut engine, 1, 0, 5, &mut out);
    engine.tick(at(1), &mut out);
    let both = warning(&out).clone();
    sign(&mut engine, at(1), &both, &["a", "b"], &mut out);
    for minute in 2..=30 {
        rain(&mut engine, 0, minute, 0, &mut out);
        rain(&mut engine, 1, minute, 0, &mut out);
    }
    let clear = warning(&out).clone();
    assert_eq!((clear.event, clear.tier()), (Event::Proposed, Tier::None));
    out.clear();
    engine.order(at(31), &cancel(&clear, &[NORTH]), &mut out);
    // The south stands until people sign its end.
    assert!(revisions(&out)[0].contains(&format!("{SOUTH}=blue")));
    assert_eq!(warning(&out).event, Event::Proposed);
    let left = warning(&out).clone();
    sign(&mut engine, at(32), &left, &["a", "b"], &mut out);
    assert_eq!(warning(&out).event, Event::Ended);
}

#[test]
fn a_refused_amendment_changes_nothing() {
    let (mut engine, mut out) = (live(), Vec::new());
    rain(&mut engine, 0, 0, 5, &mut out);
    let shown = warning(&out).clone();
    let nothing = amend(&shown, &[(SOUTH, Tier::None)]);
    engine.order(at(1), &nothing, &mut out);
    assert!(matches!(refusal(&out), Some(Refusal::NoArea)));
    sign(&mut engine, at(1), &shown, &["a", "b"], &mut out);
    assert_eq!(
        lines(&out).last().unwrap(),
        &format!("1 r2 issued {SOUTH}=blue")
    );
}

#[test]
fn what_is_in_force_is_renewed_in_time_and_the_proposal_beside_it_can_be_signed() {
    let renewed = format!("{RAIN}\nrenew = {{ blue = \"100m\", red = \"100m\" }}");
    let city = city(&gauges(2), NO_SITES);
    let book = rulebook(&rule("rain", "11B03", &renewed));
    let mut engine = engine(&city, &book, Policy::Live);
    let mut out = Vec::new();
    rain(&mut engine, 0, 0, 5, &mut out);
    let first = warning(&out).clone();
    sign(&mut engine, at(0), &first, &["a", "b"], &mut out);
    let issued = warning(&out).clone();
    assert_eq!(issued.expires, at(100));
    (1..=60).for_each(|minute| engine.tick(at(minute), &mut out));
    rain(&mut engine, 0, 60, 20, &mut out);
    let proposed = warning(&out).clone();
    assert_eq!(proposed.event, Event::Proposed);
    sign(&mut engine, at(61), &proposed, &["a"], &mut out);
    out.clear();
    (62..=80).for_each(|minute| engine.tick(at(minute), &mut out));
    assert_eq!(
        revisions(&out),
        [
            format!("80 r4 updated {SOUTH}=blue"),
            format!("80 r5 proposed {SOUTH}=red"),
        ]
    );
    // The renewal is of what two people released; the proposal has one signature and wants one.
    let renewal = out.iter().find_map(|effect| match effect {
        Effect::Warning(warning) => Some(warning),
        Effect::Signal(_)
        | Effect::Pending(_)
        | Effect::Refused { .. }
        | Effect::Silence(_)
        | Effect::Muted(_) => None,
    });
    assert_eq!(renewal.unwrap().signed_by, ["a", "b"]);
    let shown = warning(&out).clone();
    assert_eq!(
        (shown.rule.as_str(), &shown.signed_by[..]),
        ("renewal", &["a".to_owned()][..])
    );
    sign(&mut engine, at(81), &shown, &["c"], &mut out);
    let released = warning(&out);
    assert_eq!(
        (released.event, released.tier()),
        (Event::Updated, Tier::Red)
    );
    assert_eq!(released.signed_by, ["a", "c"]);
}

#[test]
fn what_falls_below_a_lowered_or_kept_tier_is_proposed_to_end() {
    let proposed = |engine: &mut Engine, out: &mut Vec<Effect>| {
        rain(engine, 0, 0, 20, out);
        warning(out).clone()
    };
    let ends = |engine: &mut Engine, out: &mut Vec<Effect>| {
        for minute in 3..=30 {
            rain(engine, 0, minute, 0, out);
        }
        let end = warning(out).clone();
        assert_eq!((end.event, end.tier()), (Event::Proposed, Tier::None));
        sign(engine, at(31), &end, &["a", "b"], out);
        assert_eq!(warning(out).event, Event::Ended);
    };
    // Lowered by a person.
    let (mut engine, mut out) = (live(), Vec::new());
    let red = proposed(&mut engine, &mut out);
    engine.order(at(1), &amend(&red, &[(SOUTH, Tier::Blue)]), &mut out);
    let blue = warning(&out).clone();
    sign(&mut engine, at(2), &blue, &["a", "b"], &mut out);
    assert_eq!(warning(&out).tier(), Tier::Blue);
    ends(&mut engine, &mut out);
    // Sent away while a lower one is in force.
    let (mut engine, mut out) = (live(), Vec::new());
    rain(&mut engine, 0, 0, 5, &mut out);
    let blue = warning(&out).clone();
    sign(&mut engine, at(0), &blue, &["a", "b"], &mut out);
    rain(&mut engine, 0, 1, 20, &mut out);
    let red = warning(&out).clone();
    engine.order(at(2), &reject(&red), &mut out);
    assert_eq!(warning(&out).tier(), Tier::Blue);
    ends(&mut engine, &mut out);
}

#[test]
fn of_several_foremost_areas_the_first_decides_whose_warning_it_is() {
    let two = r#"
[[authority]]
id = "44010041600000"
name = { zh = "北台", en = "North office" }
signature = { zh = "北台", en = "North office" }
own = true
[[matrix]]
authority = "44010036000000"
hazards = ["11B01"]
areas = ["440101001000"]
tiers = ["blue", "yellow", "orange", "red"]
act = "issue"
basis = { zh = "甲", en = "A" }
[[matrix]]
authority = "44010041600000"
hazards = ["11B01"]
areas = ["440101002000"]
tiers = ["blue", "yellow", "orange", "red"]
act = "issue"
basis = { zh = "甲", en = "A" }
"#;
    let city = city_with(two, &gauges(2), NO_SITES);
    let book = rulebook(&rule("wind", "11B01", RAIN));
    let mut engine = engine(&city, &book, Policy::Live);
    let mut out = Vec::new();
    rain(&mut engine, 0, 0, 5, &mut out);
    rain(&mut engine, 1, 0, 5, &mut out);
    engine.tick(at(1), &mut out);
    let both = warning(&out);
    assert_eq!(both.areas.len(), 2);
    assert_eq!(both.foremost(), Some(code(SOUTH)));
    assert_eq!(both.authority, "44010036000000");
}
