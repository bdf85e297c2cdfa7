//! A machine restored goes on as if it had never stopped; damaged bytes are errors.

use crate::little::{NO_SITES, at, city, engine, gauges, rain_rule, reading, rule, rulebook};
use model::{Parameter, Quality};
use proptest::prelude::*;
use rules::{Effect, Engine, Policy, Rulebook};
use std::sync::Arc;

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
