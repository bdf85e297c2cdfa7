//! An observation allocates nothing once its subject has been near a tier (semantics §42).

use crate::little::{NO_SITES, at, city, engine, gauges, reading, rule, rulebook};
use model::Parameter;
use rules::Policy;

#[test]
fn observations_allocate_nothing() {
    let rain = rule(
        "rain",
        "11B03",
        "propose_at = 0.9\nblue = 'rainfall.sum(\"30m\") >= 20'\nred = 'rainfall.sum(\"10m\") >= 30 || rainfall.rate(\"10m\") > 900.0'\n\
         continuing = 'rainfall.sum(\"15m\") >= 1'\nlower = { after = \"10m\", below = 0.8, when = 'rainfall.max(\"10m\") < 1' }",
    );
    let (city, rules) = (city(&gauges(4), NO_SITES), rulebook(&rain));
    let mut engine = engine(&city, &rules, Policy::Replay);
    let mut out = Vec::with_capacity(64);
    let mut told = 0;
    // Rain that keeps every gauge just above blue: latches are stepped with every value.
    let value = |station: u32, minute: i64| 80 + (station as i32 + minute as i32) % 3;
    for minute in 0..60 {
        for station in 0..4 {
            let o = reading(station, Parameter::Rainfall, minute, value(station, minute));
            engine.observe(at(minute), &o, &mut out);
        }
        told += out.len();
        out.clear();
    }
    assert!(told > 0, "the gauges must have risen");
    let figures = allocation_counter::measure(|| {
        for minute in 60..160 {
            for station in 0..4 {
                let o = reading(station, Parameter::Rainfall, minute, value(station, minute));
                engine.observe(at(minute), &o, &mut out);
                if minute > 63 {
                    let late = reading(
                        station,
                        Parameter::Rainfall,
                        minute - 3,
                        value(station, minute - 3) + 1,
                    );
                    engine.observe(at(minute), &late, &mut out);
                }
            }
        }
    });
    assert!(out.is_empty(), "{:?}", crate::little::lines(&out));
    assert_eq!(figures.count_total, 0);
}
