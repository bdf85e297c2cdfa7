//! What becomes of a transaction after an error of the client library.

use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};

/// What to do after a failed call of a transactional producer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// The same call again.
    Again,
    /// Abort, then the whole transaction again.
    Abort,
    /// Another producer has taken this one's place.
    Fenced,
    /// This producer can go no further.
    Lost,
}

/// What a failed call asks for.
pub(crate) fn fate(error: &KafkaError) -> Fate {
    let is_fencing = |code: Option<Code>| {
        matches!(
            code,
            Some(
                Code::Fenced
                    | Code::ProducerFenced
                    | Code::InvalidProducerEpoch
                    | Code::FencedInstanceId
            )
        )
    };
    if is_fencing(error.rdkafka_error_code()) {
        return Fate::Fenced;
    }
    if let KafkaError::Transaction(inner) = error {
        return if is_fencing(Some(inner.code())) {
            Fate::Fenced
        } else if inner.is_retriable() {
            Fate::Again
        } else if inner.txn_requires_abort() {
            Fate::Abort
        } else {
            Fate::Lost
        };
    }
    match error.rdkafka_error_code() {
        Some(Code::Fatal) => Fate::Lost,
        _ => Fate::Abort,
    }
}
