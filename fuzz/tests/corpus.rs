//! Every target over its corpus and over mutations of it, the same ones on every run: what `make fuzz`
//! searches at length, shortly. Inputs that once failed stay in the corpus.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test stops at what it does not expect"
)]

#[path = "../../dispatch/tests/peers/skipped.rs"]
mod skipped;

use skipped::skipped;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Mutations of each corpus; `SANFANG_SOAK` asks for a hundred times as many.
const MUTATIONS: usize = 400;
/// Longest input made, in bytes.
const BYTES_MAX: usize = 1 << 16;

/// Tokens that a parser may stumble over.
const TOKENS: [&[u8]; 24] = [
    b"{",
    b"}",
    b"[",
    b"]",
    b"\"",
    b"\\",
    b",",
    b":",
    b"\n",
    b"\r\n",
    b";",
    b"'",
    b"<",
    b"/>",
    b"&a;",
    b"\\ud83c",
    b"null",
    b"1e999",
    b"-0",
    b"99999999999999999999",
    b"\xff",
    b"\xef\xbb\xbf",
    b"\0",
    b"nan",
];

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

fn mutated(seeds: &[(PathBuf, Vec<u8>)], chance: &mut Chance) -> Vec<u8> {
    let mut bytes = seeds[chance.below(seeds.len())].1.clone();
    for _ in 0..=chance.below(4) {
        let at = chance.below(bytes.len() + 1);
        match chance.below(6) {
            0 if at < bytes.len() => bytes[at] = chance.below(256) as u8,
            1 if at < bytes.len() => drop(bytes.remove(at)),
            2 => {
                let token = TOKENS[chance.below(TOKENS.len())];
                bytes.splice(at..at, token.iter().copied());
            }
            3 => bytes.truncate(at),
            4 => {
                let to = (at + chance.below(64)).min(bytes.len());
                let piece = bytes[at..to].to_vec();
                bytes.splice(at..at, piece.iter().copied().cycle().take(piece.len() * 3));
            }
            _ => {
                let other = &seeds[chance.below(seeds.len())].1;
                let from = chance.below(other.len());
                bytes.truncate(at);
                bytes.extend_from_slice(&other[from..]);
            }
        }
    }
    bytes.truncate(BYTES_MAX);
    bytes
}

fn files(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_path_buf()];
    while let Some(folder) = open.pop() {
        let entries = std::fs::read_dir(&folder);
        for entry in entries.unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else {
                let bytes = std::fs::read(&path).unwrap();
                found.push((path, bytes));
            }
        }
    }
    found.sort();
    found
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_path_buf()
}

/// Says which input it was where a target panics.
fn run(target: fuzz::Target, name: &str, bytes: &[u8]) {
    let outcome = std::panic::catch_unwind(|| target(bytes));
    if let Err(cause) = outcome {
        let kept = std::env::temp_dir().join(format!("sanfang-fuzz-{name}"));
        std::fs::write(&kept, bytes).unwrap();
        eprintln!("target {name}: the input is kept as {}", kept.display());
        std::panic::resume_unwind(cause);
    }
}

#[test]
fn every_target_has_a_corpus_and_every_corpus_a_target() {
    let targets: BTreeSet<_> = fuzz::TARGETS.iter().map(|(name, _)| *name).collect();
    assert_eq!(targets.len(), fuzz::TARGETS.len(), "a name twice");
    let corpora: BTreeSet<_> = files(&root().join("corpus"))
        .into_iter()
        .map(|(path, _)| {
            let inner = path.strip_prefix(root().join("corpus")).unwrap();
            let folder = inner.components().next().unwrap();
            folder.as_os_str().to_str().unwrap().to_owned()
        })
        .collect();
    assert_eq!(
        corpora.iter().map(String::as_str).collect::<BTreeSet<_>>(),
        targets
    );
}

#[test]
fn corpora_and_mutations_of_them() {
    let soak = std::env::var_os("SANFANG_SOAK").is_some();
    let mutations = if soak { 100 * MUTATIONS } else { MUTATIONS };
    // A target a thread: the slow ones do not wait for each other.
    std::thread::scope(|scope| {
        for (name, target) in fuzz::TARGETS.iter().copied() {
            scope.spawn(move || {
                let seeds = files(&root().join("corpus").join(name));
                for (_, bytes) in &seeds {
                    run(target, name, bytes);
                }
                let mut chance = Chance(1);
                for _ in 0..mutations {
                    run(target, name, &mutated(&seeds, &mut chance));
                }
            });
        }
    });
}

/// Recorded files of others: none of them stops a parser that might be given it.
#[test]
fn recorded_files_of_others() {
    let samples = [
        ("geojson-suite", &["areas", "ndjson"][..]),
        ("cap", &["cap", "feed", "official"]),
        (
            "nws-text",
            &["ndjson", "registrar", "cap", "contacts", "events"],
        ),
        ("protocol", &["ndjson", "smpp", "cmpp", "sgip", "smgp"]),
        ("landslide-warnings", &["bulletin", "ndjson", "areas"]),
    ];
    for (folder, targets) in samples {
        let path = root().join("../../shared/data").join(folder);
        if !path.is_dir() {
            skipped(&format!("no recorded data at ../shared/data/{folder}"));
            continue;
        }
        for (name, target) in fuzz::TARGETS.iter().copied() {
            if targets.contains(&name) {
                for (_, bytes) in files(&path) {
                    run(target, name, &bytes);
                }
            }
        }
    }
}
