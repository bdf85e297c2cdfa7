//! The committed fuzz corpus and thousands of mutations of it, the same ones on every run, through
//! the same decoders as the fuzz targets: nothing panics and every record is accounted for.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod city;

use ingest::protocol::{Framing, Protocol, decode};
use ingest::register::{Batch, FUTURE_MAX, Registrar};
use ingest::transport::file::Pieces;
use model::{Parameter, Time};
use std::path::Path;

const MUTATIONS: u64 = 3_000;

/// A small generator with a fixed seed (SplitMix64): chance must not decide whether a test passes.
struct Chance(u64);

impl Chance {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % end.max(1) as u64) as usize
    }
}

/// Tokens that a decoder may stumble over.
const TOKENS: [&[u8]; 16] = [
    b"{",
    b"}",
    b"[",
    b"]",
    b"\"",
    b"\\",
    b",",
    b":",
    b"\n",
    b"\\u",
    b"\\ud83c",
    b"null",
    b"1e999",
    b"\xff",
    b"\xef\xbb\xbf",
    b"-",
];

fn mutated(seeds: &[Vec<u8>], chance: &mut Chance) -> Vec<u8> {
    let mut bytes = seeds[chance.below(seeds.len())].clone();
    for _ in 0..=chance.below(4) {
        let at = chance.below(bytes.len() + 1);
        match chance.below(5) {
            0 if at < bytes.len() => bytes[at] = chance.below(256) as u8,
            1 if at < bytes.len() => drop(bytes.remove(at)),
            2 => {
                let token = TOKENS[chance.below(TOKENS.len())];
                bytes.splice(at..at, token.iter().copied());
            }
            3 => bytes.truncate(at),
            _ => {
                let other = &seeds[chance.below(seeds.len())];
                let from = chance.below(other.len());
                bytes.truncate(at);
                bytes.extend_from_slice(&other[from..]);
            }
        }
    }
    bytes
}

fn each_input(corpus: &str, mut check: impl FnMut(&[u8])) {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../fuzz/corpus")
        .join(corpus);
    let mut files: Vec<_> = std::fs::read_dir(&directory)
        .unwrap_or_else(|error| panic!("{}: {error}", directory.display()))
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    let seeds: Vec<_> = files
        .iter()
        .map(|path| std::fs::read(path).unwrap())
        .collect();
    assert!(!seeds.is_empty());
    seeds.iter().for_each(|seed| check(seed));
    let mut chance = Chance(1);
    (0..MUTATIONS).for_each(|_| check(&mutated(&seeds, &mut chance)));
}

#[test]
fn ndjson() {
    let mut accepted = 0;
    each_input("ndjson", |body| {
        let mut line = 0;
        decode(&Protocol::Json, "", body, Framing::Detect, |one| {
            let next = match &one {
                Ok(reading) => reading.line,
                Err(error) => {
                    assert!(!error.to_string().is_empty());
                    error.line
                }
            };
            assert!(next >= line, "line {next} after {line}");
            line = next;
            accepted += u32::from(one.is_ok());
        });
    });
    assert!(
        accepted > 1_000,
        "mutations leave some records whole: {accepted}"
    );
}

#[test]
fn lines_from_a_file_say_what_lines_from_memory_say() {
    each_input("ndjson", |body| {
        let told = |bytes: &[u8], framing| {
            let mut told = Vec::new();
            decode(&Protocol::Json, "", bytes, framing, |one| {
                told.push(match one {
                    Ok(reading) => (reading.line, reading.station.into_owned()),
                    Err(error) => (error.line, error.to_string()),
                });
            });
            told
        };
        let mut pieces = Pieces::new(body);
        let mut found = Vec::new();
        while let Some(piece) = pieces.next_piece().unwrap() {
            found.extend(told(piece.bytes, piece.framing));
        }
        let start = body
            .strip_prefix(b"\xef\xbb\xbf")
            .unwrap_or(body)
            .trim_ascii_start();
        let framing = match start.first() {
            Some(b'[') => Framing::Detect,
            _ => Framing::Lines { first: 1 },
        };
        assert_eq!(found, told(body, framing));
    });
}

#[test]
fn registrar() {
    let all = Parameter::ALL.map(Parameter::name).join(";");
    let city = city::city([("G1", "west", all.as_str(), "440102000000")]);
    let mut registrar = Registrar::new(&city, FUTURE_MAX);
    let mut batch = Batch::default();
    let arrival = Time::from_seconds(1_700_000_000);
    each_input("registrar", |body| {
        registrar.read(
            &Protocol::Json,
            "",
            body,
            Framing::Detect,
            arrival,
            &mut batch,
        );
        let rows: usize = batch.zones().map(|(_, rows)| rows.len()).sum();
        assert_eq!(
            rows as u64,
            2 * batch.accepted(),
            "each observation is in both zones"
        );
        let mut records = 0;
        decode(&Protocol::Json, "", body, Framing::Detect, |_| records += 1);
        assert_eq!(
            records,
            batch.accepted() + batch.duplicates() + batch.rejected()
        );
    });
}

#[test]
fn fields() {
    let mut accepted = 0;
    each_input("fields", |input| {
        let mut parts = input.splitn(3, |byte| *byte == b'\n');
        let (Some(mapping), Some(topic), Some(payload)) =
            (parts.next(), parts.next(), parts.next())
        else {
            return;
        };
        let Ok(protocol) = serde_json::from_slice::<Protocol>(mapping) else {
            return;
        };
        let topic = String::from_utf8_lossy(topic);
        decode(&protocol, &topic, payload, Framing::Detect, |one| {
            accepted += u32::from(one.is_ok());
        });
    });
    assert!(
        accepted > 100,
        "mutations leave some payloads whole: {accepted}"
    );
}
