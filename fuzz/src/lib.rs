//! Fuzz targets: every parser of bytes from outside, each as a function that panics on what must not be.
//!
//! Not panicking is the least of it: what is refused says why, what is accepted is accounted for,
//! what is written back reads the same, and nothing grows without bound.

#![expect(clippy::panic, reason = "panicking is how a target fails")]

mod broadcast;
mod city;
mod configuration;
mod delivery;
mod jobs;
mod observations;
mod rulebook;
mod signals;
mod storage;
mod voice;

/// Takes any bytes; panics where the code under test breaks a promise.
pub type Target = fn(&[u8]);

/// Every target by name: `corpus/NAME` holds its inputs.
pub const TARGETS: &[(&str, Target)] = &[
    ("ndjson", observations::ndjson),
    ("fields", observations::fields),
    ("registrar", observations::registrar),
    ("body", observations::body),
    ("mqtt", observations::mqtt),
    ("forecast", observations::forecast),
    ("settings", city::settings),
    ("configuration", configuration::configuration),
    ("areas", city::areas),
    ("stations", city::stations),
    ("sites", city::sites),
    ("contacts", city::contacts),
    ("subscribers", city::subscribers),
    ("roll", city::roll),
    ("drawn", city::drawn),
    ("condition", rulebook::condition),
    ("rulebook", rulebook::rulebook),
    ("suite", rulebook::suite),
    ("events", rulebook::events),
    ("cap", signals::cap),
    ("feed", signals::feed),
    ("bulletin", signals::bulletin),
    ("official", signals::official),
    ("wording", delivery::wording),
    ("smpp", delivery::smpp),
    ("cmpp", delivery::cmpp),
    ("sgip", delivery::sgip),
    ("smgp", delivery::smgp),
    ("receipt", delivery::receipt),
    ("device", delivery::device),
    ("answer", delivery::answer),
    ("shape", delivery::shape),
    ("subscription", delivery::subscription),
    ("job", jobs::job),
    ("report", jobs::report),
    ("standing", jobs::standing),
    ("sip", voice::sip),
    ("sound", voice::sound),
    ("journal", storage::journal),
    ("input", storage::input),
    ("cells", broadcast::cells),
    ("package", broadcast::package),
    ("signature", broadcast::signature),
    ("loudspeaker", broadcast::loudspeaker),
    ("progress", storage::progress),
    ("outbox", storage::outbox),
];
