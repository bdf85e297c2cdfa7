//! What a test does where a program that it talks to is missing.

#[path = "skipped.rs"]
mod skipped;

pub(crate) use skipped::skipped;

/// Says so loudly on a desk; a failure in continuous integration.
pub(crate) fn missing(what: &str) {
    skipped(what);
    assert!(
        std::env::var_os("CI").is_none(),
        "not skipped in CI: {what}"
    );
}
