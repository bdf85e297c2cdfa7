//! Which fault met which step, and how often.

use std::collections::{BTreeMap, BTreeSet};

/// Counts by fault and step.
#[derive(Clone, Debug, Default)]
pub(super) struct Table(BTreeMap<(&'static str, &'static str), u64>);

/// Steps that end in a commit.
pub(super) const COMMITS: [&str; 9] = [
    "observations",
    "act",
    "tick",
    "decision",
    "rows",
    "zone at rest",
    "progress",
    "stand-in",
    "link at rest",
];
/// Of them those that only an owner writes.
const OWNED: [&str; 7] = [
    "tick",
    "decision",
    "rows",
    "zone at rest",
    "progress",
    "stand-in",
    "link at rest",
];
/// What a place is doing when something befalls it.
const PLACES: [&str; 5] = [
    "zone at rest now",
    "zone committing",
    "link at rest now",
    "link committing",
    "link sending",
];
const GATEWAYS: [&str; 2] = ["sms", "email"];
const POSTS: [&str; 1] = ["post"];
const ACTS: [&str; 8] = [
    "approve", "reject", "amend", "cancel", "issue", "process", "mute", "unmute",
];

/// Every pair of which a search that is worth its name has met some.
pub(super) fn wanted() -> BTreeSet<(&'static str, &'static str)> {
    let mut wanted = BTreeSet::new();
    let mut all = |faults: &[&'static str], steps: &[&'static str]| {
        for fault in faults {
            wanted.extend(steps.iter().map(|step| (*fault, *step)));
        }
    };
    let at_commit = [
        "crash before it is stored",
        "crash after it is stored",
        "refused",
        "outcome unclear",
    ];
    all(&at_commit, &COMMITS);
    all(&["fenced"], &OWNED);
    all(&["full"], &["observations", "act"]);
    all(
        &["crash", "moved", "moved, old one goes on", "stopped"],
        &PLACES,
    );
    all(&["clock forward", "clock back"], &PLACES);
    all(
        &[
            "accepted",
            "transient",
            "permanent",
            "unknown, arrived",
            "unknown, lost",
            "answer lost with its owner",
            "late",
        ],
        &GATEWAYS,
    );
    all(
        &[
            "throttled",
            "link down",
            "receipt",
            "receipt twice",
            "receipt of failure",
            "receipt to the next owner",
            "no receipt",
        ],
        &["sms"],
    );
    all(&["repeated", "delayed", "dropped", "sent again"], &POSTS);
    all(&["fresh", "twice"], &ACTS);
    all(&["stale"], &["approve", "reject", "amend", "cancel"]);
    all(&["told after a silence"], &["expiry", "unmute"]);
    wanted
}

impl Table {
    pub(super) fn met(&mut self, fault: &'static str, step: &'static str) {
        *self.0.entry((fault, step)).or_default() += 1;
    }

    pub(super) fn add(&mut self, other: &Self) {
        for (key, count) in &other.0 {
            *self.0.entry(*key).or_default() += count;
        }
    }

    /// Pairs that were never met.
    pub(super) fn missing(&self) -> Vec<(&'static str, &'static str)> {
        let met = |pair: &(&'static str, &'static str)| self.0.contains_key(pair);
        wanted().into_iter().filter(|pair| !met(pair)).collect()
    }

    /// One line a fault: each step with its count.
    pub(super) fn text(&self) -> String {
        let mut lines: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for ((fault, step), count) in &self.0 {
            let line = lines.entry(fault).or_default();
            line.push(format!("{step} {count}"));
        }
        let line = |(fault, steps): (&str, Vec<String>)| format!("{fault}: {}\n", steps.join(", "));
        lines.into_iter().map(line).collect()
    }
}
