//! Subjects at rest are not evaluated; everything is told as if they were.

use crate::little::{NO_SITES, at, city, engine, gauges, lines, reading, rule, rulebook};
use model::{Order, Parameter, Quality};
use proptest::prelude::*;
use rules::{Effect, Engine, Policy};

/// Rules that hang on sums alone; with `also`, on a largest value too, which no rain reaches: then
/// nothing can be told from sums, and every reading is evaluated.
fn rules(also: &str) -> String {
    let plain = format!(
        "propose_at = 0.9\nblue = 'rainfall.sum(\"15m\") >= 6{also}'\norange = 'rainfall.sum(\"5m\") >= 8{also}'\n\
         continuing = 'rainfall.sum(\"3m\") >= 1{also}'\nlower = {{ after = \"4m\", below = 0.8, when = 'rainfall.sum(\"10m\") < 2' }}"
    );
    let held = format!(
        "blue = 'rainfall.sum(\"4h\") >= 20{also}'\nraise = {{ after = \"3m\" }}\nlower = {{ after = \"6m\" }}\n\
         area = {{ level = \"township\", quorum = \"2 of 3\" }}"
    );
    rule("plain", "11B03", &plain) + &rule("held", "11A02", &held)
}

#[derive(Clone, Debug)]
struct Event {
    station: u32,
    step: i64,
    back: i64,
    mm: i32,
    suspect: bool,
    order: u8,
}

fn storm() -> impl Strategy<Value = Vec<Event>> {
    let event = (
        0u32..6,
        prop_oneof![8 => Just(0i64), 3 => Just(1), 1 => 2i64..40],
        prop_oneof![9 => Just(0i64), 1 => 1i64..20],
        prop_oneof![3 => Just(0i32), 2 => 1i32..8],
        prop::bool::weighted(0.15),
        prop_oneof![20 => Just(0u8), 1 => 1u8..3],
    );
    let event = event.prop_map(|(station, step, back, mm, suspect, order)| Event {
        station,
        step,
        back,
        mm,
        suspect,
        order,
    });
    prop::collection::vec(event, 1..400)
}

/// One gauge that reports each minute but for gaps, in bouts of rain and of none: tiers come, and
/// fall by their own time.
fn bouts() -> impl Strategy<Value = Vec<Event>> {
    let bout = (
        1usize..25,
        prop_oneof![3 => Just(0i32), 2 => 1i32..4, 1 => 4i32..9],
        prop_oneof![6 => Just(1i64), 1 => 2i64..30, 1 => 50i64..100],
        prop::bool::weighted(0.1),
    );
    let events = |(minutes, mm, step, suspect): (usize, i32, i64, bool)| {
        let event = move |at| Event {
            station: 0,
            step: if at == 0 { step } else { 1 },
            back: 0,
            mm,
            suspect: suspect && at == 0,
            order: 0,
        };
        (0..minutes).map(event)
    };
    prop::collection::vec(bout, 1..25)
        .prop_map(move |bouts| bouts.into_iter().flat_map(events).collect())
}

fn tell(engine: &mut Engine, events: &[Event]) -> Vec<String> {
    let (mut now, mut out) = (0, Vec::new());
    for event in events {
        now += event.step;
        let mut o = reading(
            event.station,
            Parameter::Rainfall,
            now - event.back,
            event.mm * 100,
        );
        if event.suspect {
            o.quality = Quality::Suspect;
        }
        engine.observe(at(now), &o, &mut out);
        let subject = format!("G{}", event.station + 1);
        let (rule, person) = ("plain".to_owned(), "duty".to_owned());
        let order = match event.order {
            1 => Order::Confirm {
                rule,
                subject,
                person,
            },
            2 => Order::Stand {
                rule,
                subject,
                person,
                reason: String::new(),
            },
            _ => continue,
        };
        engine.order(at(now), &order, &mut out);
    }
    // What subjects stand for, sure or not, whether it was told or not.
    let standing = engine.findings();
    let standing = standing.iter().map(|f| {
        let sure = if f.unconfirmed { "unsure" } else { "sure" };
        format!("{} {} {} {} {sure}", f.rule, f.subject, f.tier, f.newest)
    });
    let standing: Vec<String> = standing.collect();
    engine.tick(at(now + 300), &mut out);
    let sure = out.iter().filter_map(|effect| match effect {
        Effect::Warning(warning) => Some(format!("unconfirmed {}", warning.unconfirmed)),
        Effect::Signal(change) => Some(format!("unconfirmed {}", change.unconfirmed)),
        Effect::Pending(_) | Effect::Refused { .. } => None,
    });
    lines(&out)
        .into_iter()
        .chain(sure)
        .chain(standing)
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn rest_changes_nothing_that_is_told(events in prop_oneof![storm(), bouts()]) {
        let city = city(&gauges(6), NO_SITES);
        let sums = rulebook(&rules(""));
        let more = rulebook(&rules(" || rainfall.max(\"1m\") >= 1900"));
        let one = tell(&mut engine(&city, &sums, Policy::Replay), &events);
        let two = tell(&mut engine(&city, &more, Policy::Replay), &events);
        prop_assert_eq!(one, two);
    }
}

/// A fall waits for as long as nobody watched (semantics §4), also where its sums stand still.
#[test]
fn a_gap_counts_for_no_fall() {
    let city = city(&gauges(1), NO_SITES);
    let event = |step, mm| Event {
        station: 0,
        step,
        back: 0,
        mm,
        suspect: false,
        order: 0,
    };
    let lasting = |also: &str| {
        let slow =
            format!("blue = 'rainfall.sum(\"4h\") >= 20{also}'\nlower = {{ after = \"30m\" }}");
        rulebook(&rule("slow", "11B03", &slow))
    };
    let rain = (0..5).map(|_| event(1, 5));
    let dry = (0..245).map(|_| event(1, 0));
    let gap = [event(20, 0)];
    let after = (0..60).map(|_| event(1, 0));
    let events: Vec<Event> = rain.chain(dry).chain(gap).chain(after).collect();
    let told = |also| tell(&mut engine(&city, &lasting(also), Policy::Replay), &events);
    let one = told("");
    assert_eq!(one, told(" || rainfall.max(\"1m\") >= 1900"));
    assert!(one.iter().any(|line| line.contains("blue>none")), "{one:?}");
}

/// What takes the time of a rule changes nothing, and its evaluations are counted once each.
#[test]
fn a_sample_changes_nothing() {
    let city = city(&gauges(2), NO_SITES);
    let book = rulebook(&rules(""));
    let mut engine = engine(&city, &book, Policy::Live);
    let mut out = Vec::new();
    for minute in 0..20 {
        let reading = reading(0, Parameter::Rainfall, minute, 300);
        engine.observe(at(minute), &reading, &mut out);
    }
    let state = |engine: &Engine| {
        let mut bytes = Vec::new();
        engine.snapshot(&mut bytes);
        bytes
    };
    let before = state(&engine);
    let (done, found) = engine.sample(0, 1, 8);
    // One of two gauges has readings; its blue and orange hold, and hold where it is relaxed.
    assert_eq!(done, 1);
    assert!(found >= 2, "{found}");
    assert_eq!(engine.sample(9, 0, 8), (0, 0), "no such rule");
    assert_eq!(before, state(&engine));
    let figures = engine.take_figures();
    assert_eq!(figures[0].rule, "plain");
    assert!((1..=20).contains(&figures[0].evaluations), "{figures:?}");
    assert_eq!(figures[0].newest, Some(at(19)));
    assert_eq!(engine.take_figures()[0].evaluations, 0);
}
