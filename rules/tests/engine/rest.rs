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
         continuing = 'rainfall.sum(\"3m\") >= 1{also}'\nlower = {{ after = \"4m\", below = 0.8, when = 'rainfall.sum(\"3m\") < 1' }}"
    );
    let held = format!(
        "blue = 'rainfall.sum(\"30m\") >= 10{also}'\nraise = {{ after = \"3m\" }}\nlower = {{ after = \"6m\" }}\n\
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
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn rest_changes_nothing_that_is_told(events in storm()) {
        let city = city(&gauges(6), NO_SITES);
        let sums = rulebook(&rules(""));
        let more = rulebook(&rules(" || rainfall.max(\"1m\") >= 1900"));
        let one = tell(&mut engine(&city, &sums, Policy::Replay), &events);
        let two = tell(&mut engine(&city, &more, Policy::Replay), &events);
        prop_assert_eq!(one, two);
    }
}
