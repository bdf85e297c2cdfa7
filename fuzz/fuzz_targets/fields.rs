//! Payloads under other names: the first line is the mapping, the second the topic, the rest the payload.
#![no_main]

use ingest::protocol::{Framing, Protocol, decode};

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let mut parts = input.splitn(3, |byte| *byte == b'\n');
    let (Some(mapping), Some(topic), Some(payload)) = (parts.next(), parts.next(), parts.next())
    else {
        return;
    };
    let (Ok(protocol), Ok(topic)) = (
        serde_json::from_slice::<Protocol>(mapping),
        std::str::from_utf8(topic),
    ) else {
        return;
    };
    decode(&protocol, topic, payload, Framing::Detect, |one| {
        if let Err(error) = one {
            assert!(!error.to_string().is_empty());
        }
    });
});
