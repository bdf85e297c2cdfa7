//! Other authorities' signals: CAP documents and Atom feeds, as they are posted and polled.

use dispatch::gateway::cap::{feed, read};
use model::AreaCode;

fn nowhere() -> Option<AreaCode> {
    AreaCode::parse("440101000000").ok()
}

/// What is taken has an identifier and a sender; what is refused says why.
pub(crate) fn cap(bytes: &[u8]) {
    match read(bytes, &|_| nowhere().into_iter().collect()) {
        Ok(signals) => {
            for signal in signals {
                assert!(!signal.identifier.is_empty());
            }
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

pub(crate) fn feed(bytes: &[u8]) {
    if let Err(error) = feed::read(bytes) {
        assert!(!error.to_string().is_empty());
    }
}
