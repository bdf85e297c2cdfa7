//! The observation contract in any framing: records or errors, and lines in order.
#![no_main]

use ingest::protocol::Framing;
use ingest::protocol::json::Readings;

libfuzzer_sys::fuzz_target!(|body: &[u8]| {
    let mut line = 0;
    for one in Readings::new(body, Framing::Detect) {
        let next = match &one {
            Ok(reading) => reading.line,
            Err(error) => error.line,
        };
        assert!(next >= line, "line {next} after {line}");
        line = next;
    }
    for one in Readings::new(body, Framing::Lines { first: 1 }) {
        if let (Ok(reading), Ok(value)) = (
            &one,
            one.as_ref()
                .map(|r| serde_json::from_slice::<serde_json::Value>(r.raw)),
        ) && let Ok(value) = value
        {
            assert_eq!(
                value.get("station").and_then(|s| s.as_str()),
                Some(reading.station.as_ref())
            );
        }
    }
});
