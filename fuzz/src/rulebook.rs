//! Rulebooks, their conditions and tests, and the table that warnings are scored against.

use super::city::say;
use rules::condition::{Relaxation, Scope, compile};
use rules::{Rulebook, score, suite};
use std::sync::{Arc, LazyLock};

static SOUND: LazyLock<Arc<Rulebook>> = LazyLock::new(|| {
    let text = include_str!("../corpus/rulebook/waterlogging.toml");
    let files = [("rules.toml".to_owned(), text.as_bytes().to_vec())];
    Rulebook::read(&files)
        .map(Arc::new)
        .unwrap_or_else(|faults| panic!("the corpus' own rulebook: {faults:?}"))
});

/// A refused condition says what to do instead; a sound one compiles the same again.
pub(crate) fn condition(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let mut scope = Scope::default();
    match compile(text, Relaxation::None, &mut scope) {
        Ok(_) => {
            let mut again = Scope::default();
            assert!(compile(text, Relaxation::None, &mut again).is_ok());
            assert_eq!(scope.calls, again.calls);
        }
        Err(error) => assert!(!error.what.is_empty() && !error.remedy.is_empty()),
    }
}

pub(crate) fn rulebook(bytes: &[u8]) {
    match Rulebook::read(&[("fuzzed.toml".to_owned(), bytes.to_vec())]) {
        Ok(_) => {}
        Err(faults) => {
            assert!(!faults.is_empty(), "refused without a word");
            say(&faults);
        }
    }
}

/// A rulebook's own tests: a small file must not ask for days of work.
pub(crate) fn suite(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    match suite::run(&SOUND, "fuzzed.test.toml", text) {
        Ok(_) => {}
        Err(faults) => {
            assert!(!faults.is_empty(), "refused without a word");
            say(&faults);
        }
    }
}

pub(crate) fn events(bytes: &[u8]) {
    match score::read("events.csv", bytes) {
        Ok(happenings) => assert!(happenings.iter().all(|one| one.start <= one.end)),
        Err(faults) => {
            assert!(!faults.is_empty(), "refused without a word");
            say(&faults);
        }
    }
}
