//! A machine restored goes on as if it had never stopped; damaged bytes are errors.

use crate::little::{NO_SITES, at, city, engine, gauges, rain_rule, reading, rule, rulebook};
use model::{Parameter, Quality};
use proptest::prelude::*;
use rules::{Effect, Engine, Policy, Rulebook};
use std::collections::BTreeSet;
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
    /// Minutes that follow the first one, each with a reading.
    run: i64,
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
            run: 0,
            mm,
            suspect,
        }),
        1..300,
    )
}

/// A storm whose readings lag, leap and are corrected further back than rows stay unsealed.
fn long_storm() -> impl Strategy<Value = Vec<Event>> {
    let event = (
        0u32..6,
        prop_oneof![6 => Just(1i64), 2 => 2i64..30, 2 => 40i64..88, 1 => 60i64..400],
        prop_oneof![6 => Just(0i64), 2 => 1i64..60, 3 => 31i64..88, 1 => 60i64..300],
        prop_oneof![3 => Just(0i64), 1 => 1i64..80],
        0i32..8,
        prop::bool::weighted(0.05),
    );
    prop::collection::vec(
        event.prop_map(|(station, step, back, run, mm, suspect)| Event {
            station,
            step,
            back,
            run,
            mm,
            suspect,
        }),
        20..400,
    )
}

/// Every cell and figure: with one gauge more nothing counts as sealed.
fn whole_state(mut engine: Engine, now: i64, rules: &Arc<Rulebook>) -> Vec<u8> {
    let mut bytes = Vec::new();
    let larger = city(&gauges(7), NO_SITES);
    engine.adopt(at(now), larger, Arc::clone(rules), &mut Vec::new());
    engine.snapshot(&mut bytes);
    bytes
}

fn feed(engine: &mut Engine, event: &Event, now: &mut i64, out: &mut Vec<Effect>) {
    *now += event.step;
    for minute in 0..=event.run.min(event.back) {
        let time = *now - event.back + minute;
        let mut o = reading(event.station, Parameter::Rainfall, time, event.mm * 100);
        if event.suspect {
            o.quality = Quality::Suspect;
        }
        engine.observe(at(*now), &o, out);
    }
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

    /// Rows that came to rest are handed out once; with the small snapshot they are the whole.
    #[test]
    fn sealed_rows_and_a_snapshot_are_the_whole_state(events in long_storm(), seals in prop::collection::vec(0.0f64..1.0, 1..60), cut in 0.5f64..1.0) {
        let (city, rules) = (city(&gauges(6), NO_SITES), rulebook(&rain_rule()));
        let cut = (events.len() as f64 * cut) as usize;
        let seals: BTreeSet<usize> = seals.iter().map(|part| (cut as f64 * part) as usize).collect();
        let mut plain = engine(&city, &rules, Policy::Live);
        let mut sealing = engine(&city, &rules, Policy::Live);
        let (mut now, mut also_now, mut out, mut also) = (0, 0, Vec::new(), Vec::new());
        let (mut records, mut bytes) = (Vec::new(), Vec::new());
        for (number, event) in events[..=cut.min(events.len() - 1)].iter().enumerate() {
            feed(&mut plain, event, &mut now, &mut out);
            feed(&mut sealing, event, &mut also_now, &mut also);
            if seals.contains(&number) || number == cut {
                let mut newer = Vec::new();
                if sealing.seal(&mut |_, record| newer.push(record.to_vec())) {
                    records.clear();
                }
                records.append(&mut newer);
                bytes.clear();
                sealing.snapshot(&mut bytes);
            }
        }
        let mut restored = engine(&city, &rules, Policy::Live);
        restored.restore(&bytes).unwrap();
        for record in &records {
            restored.unseal(record).unwrap();
        }
        for event in &events[(cut + 1).min(events.len())..] {
            feed(&mut plain, event, &mut now, &mut out);
            feed(&mut sealing, event, &mut also_now, &mut also);
            let mut after = also_now - event.step;
            feed(&mut restored, event, &mut after, &mut Vec::new());
        }
        prop_assert_eq!(out, also);
        let whole = whole_state(plain, now, &rules);
        prop_assert!(whole_state(sealing, now, &rules) == whole, "sealing changed the state");
        prop_assert!(whole_state(restored, now, &rules) == whole, "the records do not give the state back");
    }

    #[test]
    fn damaged_records_are_errors(events in long_storm(), at_byte in any::<prop::sample::Index>(), to in any::<u8>(), cut in any::<bool>()) {
        let (city, rules) = (city(&gauges(6), NO_SITES), rulebook(&rain_rule()));
        let mut machine = engine(&city, &rules, Policy::Replay);
        let (mut now, mut out) = (0, Vec::new());
        for event in &events {
            feed(&mut machine, event, &mut now, &mut out);
        }
        let mut records = Vec::new();
        machine.seal(&mut |_, record| records.push(record.to_vec()));
        let mut bytes = Vec::new();
        machine.snapshot(&mut bytes);
        let mut restored = engine(&city, &rules, Policy::Replay);
        restored.restore(&bytes).unwrap();
        for mut record in records {
            let at_byte = at_byte.index(record.len());
            if cut {
                record.truncate(at_byte);
                prop_assert!(at_byte > 8 || restored.unseal(&record).is_err());
            } else {
                record[at_byte] = to;
            }
            let _ = restored.unseal(&record);
        }
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
