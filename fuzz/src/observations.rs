//! Observations: the contract's JSON, other names by a mapping, whole requests, compressed bodies.

use bytes::BytesMut;
use ingest::protocol::json::Readings;
use ingest::protocol::{Found, Framing, Protocol, decode};
use ingest::register::{Batch, FUTURE_MAX, Registrar};
use ingest::transport::body::{self, Body, Encoding};
use ingest::transport::file::Pieces;
use ingest::transport::mqtt::Version;
use ingest::transport::mqtt::packet::{Incoming, PACKET_BYTES_MAX, Reader};
use model::{Forecast, Input, Time};

/// The most a body may grow to.
const BODY_MAX: usize = 1 << 20;

/// Readings or errors with their lines in order; what is read says what the JSON says, and a file
/// read in pieces says the same.
pub(crate) fn ndjson(bytes: &[u8]) {
    let mut line = 0;
    for one in Readings::new(bytes, Framing::Detect) {
        let next = match &one {
            Ok(reading) => reading.line,
            Err(error) => {
                assert!(!error.to_string().is_empty());
                error.line
            }
        };
        assert!(next >= line, "line {next} after {line}");
        line = next;
    }
    for one in Readings::new(bytes, Framing::Lines { first: 1 }) {
        if let Ok(reading) = one
            && let Ok(value) = serde_json::from_slice::<serde_json::Value>(reading.raw)
        {
            let station = value.get("station").and_then(|s| s.as_str());
            assert_eq!(station, Some(reading.station.as_ref()));
        }
    }
    let mut pieces = Pieces::new(bytes);
    let mut in_pieces = Vec::new();
    while let Ok(Some(piece)) = pieces.next_piece() {
        in_pieces.extend(told(piece.bytes, piece.framing));
    }
    let start = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let framing = match start.trim_ascii_start().first() {
        Some(b'[') => Framing::Detect,
        _ => Framing::Lines { first: 1 },
    };
    assert_eq!(in_pieces, told(bytes, framing));
}

/// Each record's line with its station, or what is wrong with it.
fn told(bytes: &[u8], framing: Framing) -> Vec<(u64, String)> {
    let mut told = Vec::new();
    decode(&Protocol::Json, "", bytes, framing, &mut |one: Found<
        '_,
    >| {
        told.push(match one {
            Ok(reading) => (reading.line, reading.station.into_owned()),
            Err(error) => (error.line, error.to_string()),
        });
    });
    told
}

/// Payloads under other names: the first line is the mapping, the second the topic, the rest the payload.
pub(crate) fn fields(bytes: &[u8]) {
    let mut parts = bytes.splitn(3, |byte| *byte == b'\n');
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
    decode(
        &protocol,
        topic,
        payload,
        Framing::Detect,
        &mut |one: Found<'_>| {
            if let Err(error) = one {
                assert!(!error.to_string().is_empty());
            }
        },
    );
}

/// Whole requests: every record is accepted, doubled or rejected with a reason.
pub(crate) fn registrar(bytes: &[u8]) {
    let mut registrar = Registrar::new(super::city::city(), FUTURE_MAX);
    let mut batch = Batch::default();
    let arrival = Time::from_seconds(1_700_000_000);
    registrar.read(
        &Protocol::Json,
        "",
        bytes,
        Framing::Detect,
        arrival,
        &mut batch,
    );
    let mut records = 0;
    decode(
        &Protocol::Json,
        "",
        bytes,
        Framing::Detect,
        &mut |_: Found<'_>| records += 1,
    );
    let known = batch.accepted() + batch.duplicates() + batch.rejected();
    assert_eq!(records, known, "a record was lost");
    let rows: usize = batch.zones().map(|(_, rows)| rows.len()).sum();
    assert!(rows as u64 >= batch.accepted());
    for rejection in batch.rejections() {
        assert!(!rejection.to_string().is_empty());
    }
}

/// Compressed bodies, the first byte choosing the coding: bounded, and the same in pieces.
pub(crate) fn body(bytes: &[u8]) {
    let Some((choice, packed)) = bytes.split_first() else {
        return;
    };
    let coding = ["identity", "gzip", "zstd"][usize::from(choice % 3)];
    let whole = body::decode(Some(coding), packed, BODY_MAX);
    if let Ok(whole) = &whole {
        assert!(whole.len() <= BODY_MAX);
    }
    let pieces = Encoding::from_header(Some(coding))
        .and_then(|encoding| Body::new(encoding, BODY_MAX))
        .and_then(|mut body| {
            for piece in packed.chunks(7) {
                body.push(piece)?;
            }
            body.finish()
        });
    match (whole, pieces) {
        (Ok(whole), Ok(pieces)) => assert_eq!(*whole, *pieces),
        (Err(whole), Err(pieces)) => {
            assert!(!whole.to_string().is_empty() && !pieces.to_string().is_empty());
        }
        (whole, pieces) => panic!("whole {:?}, in pieces {:?}", whole.is_ok(), pieces.is_ok()),
    }
}

/// A broker's stream, the first byte choosing the version: the same packets however it is cut, and
/// nothing held that is longer than a packet may be.
pub(crate) fn mqtt(bytes: &[u8]) {
    let Some((choice, stream)) = bytes.split_first() else {
        return;
    };
    let version = [Version::V311, Version::V5][usize::from(choice % 2)];
    let read = |piece: usize| {
        let (mut reader, mut buffer, mut said) =
            (Reader::new(version), BytesMut::new(), Vec::new());
        for piece in stream.chunks(piece) {
            buffer.extend_from_slice(piece);
            loop {
                match reader.next(&mut buffer) {
                    Ok(Some(incoming)) => said.push(Ok(incoming)),
                    Ok(None) => break,
                    Err(error) => {
                        said.push(Err(error));
                        return said;
                    }
                }
            }
        }
        said
    };
    let whole = read(stream.len().max(1));
    assert_eq!(whole, read(1), "cut into single bytes");
    for one in whole {
        match one {
            Ok(Incoming::Publish { payload, .. }) => assert!(payload.len() <= PACKET_BYTES_MAX),
            Ok(_) => {}
            Err(error) => assert!(!error.to_string().is_empty()),
        }
    }
}

/// What is taken has steps or points in order, none within another, and survives storage; what is not is
/// told with words.
pub(crate) fn forecast(bytes: &[u8]) {
    let city = crate::city::city();
    let read = ingest::forecast::read("fuzz", bytes, city);
    for fault in &read.faults {
        assert!(!fault.what.is_empty() && !fault.remedy.is_empty());
    }
    for forecast in &read.forecasts {
        match forecast {
            Forecast::Series(series) => {
                assert!(series.steps.iter().all(|step| step.from < step.to));
                let mut pairs = series.steps.windows(2);
                assert!(pairs.all(|pair| pair[0].to <= pair[1].from));
            }
            Forecast::Track(track) => {
                let mut pairs = track.points.windows(2);
                assert!(pairs.all(|pair| pair[0].time < pair[1].time));
            }
        }
        assert!(!forecast.zones(city).is_empty());
    }
    let input = Input::Forecasts(read.forecasts);
    assert_eq!(Input::decode(input.kind(), &input.encode()), Ok(input));
}
