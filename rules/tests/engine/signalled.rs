//! Rules that ask for signals of other authorities.

use crate::little::{NO_SITES, NORTH, SOUTH, at, city, engine, gauges, reading, rule, rulebook};
use crate::relays::{signal, take};
use model::signal::SignalKind;
use model::{Parameter, Tier};
use rules::{Effect, Engine, Policy};

/// Whole city of the fixture.
const WHOLE: &str = "440100000000";
const AWARE: &str =
    "subject = \"area\"\nblue = 'signal(\"11B03\") >= orange'\nlower = { after = \"5m\" }";
const MUTED: &str =
    "subject = \"station\"\nblue = 'rainfall.sum(\"1h\") >= 10 && signal(\"11B03\") == none'";

fn of(lines: &str) -> Engine {
    let rules = rulebook(&rule("heard", "11A02", lines));
    engine(&city(&gauges(2), NO_SITES), &rules, Policy::Live)
}

fn tiers(out: &[Effect]) -> Vec<(String, Tier, i64)> {
    let changes = out.iter().filter_map(|effect| match effect {
        Effect::Signal(change) => Some(change),
        Effect::Warning(_)
        | Effect::Pending(_)
        | Effect::Muted(_)
        | Effect::Silence(_)
        | Effect::Refused { .. } => None,
    });
    let told = changes.map(|c| {
        (
            c.subject.clone(),
            c.to,
            c.time.since(at(0)).millis() / 60_000,
        )
    });
    told.collect()
}

#[test]
fn a_signal_counts_where_it_stands_and_until_it_is_lifted() {
    let (mut engine, mut out) = (of(AWARE), Vec::new());
    take(
        &mut engine,
        0,
        signal(1, SignalKind::Alert, Tier::Yellow, &[SOUTH]),
        &mut out,
    );
    assert_eq!(tiers(&out), []);
    take(
        &mut engine,
        1,
        signal(2, SignalKind::Update, Tier::Orange, &[SOUTH]),
        &mut out,
    );
    assert_eq!(tiers(&out), [(SOUTH.to_owned(), Tier::Blue, 1)]);
    out.clear();
    // The district and the city hold the townships.
    take(
        &mut engine,
        2,
        signal(3, SignalKind::Update, Tier::Red, &[WHOLE]),
        &mut out,
    );
    assert_eq!(tiers(&out), [(NORTH.to_owned(), Tier::Blue, 2)]);
    out.clear();
    // Days go by: nothing ends a signal but its authority.
    engine.tick(at(5000), &mut out);
    assert_eq!(tiers(&out), []);
    take(
        &mut engine,
        5001,
        signal(4, SignalKind::Cancel, Tier::Red, &[WHOLE]),
        &mut out,
    );
    engine.tick(at(5007), &mut out);
    let mut fallen = tiers(&out);
    fallen.sort();
    let of = |area: &str| (area.to_owned(), Tier::None, 5006);
    let mut expected = vec![of(NORTH), of(SOUTH)];
    expected.sort();
    assert_eq!(fallen, expected);
}

#[test]
fn a_signal_in_force_mutes_a_rule_and_its_end_lets_it_speak_at_once() {
    let (mut engine, mut out) = (of(MUTED), Vec::new());
    take(
        &mut engine,
        0,
        signal(1, SignalKind::Alert, Tier::Blue, &[SOUTH]),
        &mut out,
    );
    engine.observe(at(1), &reading(0, Parameter::Rainfall, 1, 2000), &mut out);
    assert_eq!(tiers(&out), []);
    let mut snapshot = Vec::new();
    engine.snapshot(&mut snapshot);
    let mut restored = of(MUTED);
    restored.restore(&snapshot).unwrap();
    for mut engine in [engine, restored] {
        let mut out = Vec::new();
        engine.observe(at(2), &reading(0, Parameter::Rainfall, 2, 100), &mut out);
        assert_eq!(tiers(&out), [], "muted after a restart, too");
        take(
            &mut engine,
            3,
            signal(2, SignalKind::Cancel, Tier::Blue, &[SOUTH]),
            &mut out,
        );
        assert_eq!(tiers(&out), [("G1".to_owned(), Tier::Blue, 3)]);
    }
}

#[test]
fn a_signal_that_comes_after_what_lifts_it_stays_lifted() {
    let (mut engine, mut out) = (of(AWARE), Vec::new());
    let cancel = signal(2, SignalKind::Cancel, Tier::Red, &[SOUTH]);
    take(&mut engine, 0, cancel, &mut out);
    let alert = signal(1, SignalKind::Alert, Tier::Red, &[SOUTH]);
    take(&mut engine, 1, alert, &mut out);
    assert_eq!(tiers(&out), []);
    let next = signal(3, SignalKind::Alert, Tier::Red, &[SOUTH]);
    take(&mut engine, 2, next, &mut out);
    assert_eq!(tiers(&out), [(SOUTH.to_owned(), Tier::Blue, 2)]);
}

#[test]
fn a_signal_that_names_itself_among_what_it_replaces_stands() {
    let (mut engine, mut out) = (of(AWARE), Vec::new());
    let mut alert = signal(1, SignalKind::Update, Tier::Red, &[SOUTH]);
    alert.references.push(alert.identifier.clone());
    take(&mut engine, 0, alert, &mut out);
    assert_eq!(tiers(&out), [(SOUTH.to_owned(), Tier::Blue, 0)]);
}

#[test]
fn a_rulebook_that_begins_to_ask_hears_what_is_in_force() {
    let (mut engine, mut out) = (
        of("subject = \"station\"\nblue = 'rainfall.sum(\"1h\") >= 10'"),
        Vec::new(),
    );
    take(
        &mut engine,
        0,
        signal(1, SignalKind::Alert, Tier::Red, &[NORTH]),
        &mut out,
    );
    assert_eq!(tiers(&out), []);
    let asks = rulebook(&rule("heard", "11A02", AWARE));
    let city = std::sync::Arc::clone(engine.city());
    engine.adopt(at(1), city, asks, &mut out);
    assert_eq!(tiers(&out), [(NORTH.to_owned(), Tier::Blue, 1)]);
}

#[test]
fn an_unknown_event_code_is_named_with_the_nearest() {
    let text = rule(
        "heard",
        "11A02",
        "subject = \"area\"\nblue = 'signal(\"11B0\") >= blue'",
    );
    let text = format!("schema = 1\nversion = \"v\"\n{text}");
    let files = [("a.toml".to_owned(), text.into_bytes())];
    let faults = rules::Rulebook::read(&files).unwrap_err();
    let all: Vec<String> = faults.iter().map(ToString::to_string).collect();
    let all = all.join("\n");
    assert!(
        all.contains("\"11B0\" is no event code that we know"),
        "{all}"
    );
    assert!(all.contains("did you mean 11B0"), "{all}");
}
