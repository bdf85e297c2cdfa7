//! Whole requests against a small registry: every record is accepted, doubled or rejected.
#![no_main]

use ingest::protocol::{Framing, Protocol};
use ingest::register::{Batch, FUTURE_MAX, Registrar};
use model::{City, Time};
use std::sync::LazyLock;

#[path = "../../ingest/tests/city/mod.rs"]
mod city;

static CITY: LazyLock<City> = LazyLock::new(|| {
    let all = model::Parameter::ALL.map(model::Parameter::name).join(";");
    city::city([("G1", "west", all.as_str(), "440102000000")])
});

libfuzzer_sys::fuzz_target!(|body: &[u8]| {
    let mut registrar = Registrar::new(&CITY, FUTURE_MAX);
    let mut batch = Batch::default();
    let arrival = Time::from_seconds(1_700_000_000);
    registrar.read(
        &Protocol::Json,
        "",
        body,
        Framing::Detect,
        arrival,
        &mut batch,
    );
    let rows: usize = batch.zones().map(|(_, rows)| rows.len()).sum();
    assert_eq!(rows as u64, 2 * batch.accepted());
    for rejection in batch.rejections() {
        assert!(!rejection.to_string().is_empty());
    }
});
