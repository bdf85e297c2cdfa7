//! What our clients say in the log: what an operator can act on, and nothing of the ends of partitions.

use super::options::KafkaOptions;
use rdkafka::ClientContext;
use rdkafka::config::FromClientConfigAndContext;
use rdkafka::consumer::{BaseConsumer, ConsumerContext};
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};

/// The words of a client.
pub(crate) struct Words;

/// A consumer whose words are ours.
pub(crate) type Reader = BaseConsumer<Words>;

impl ClientContext for Words {
    fn error(&self, error: KafkaError, reason: &str) {
        say(&error, reason);
    }
}

impl ConsumerContext for Words {}

/// Says what went wrong with connections, logins and brokers. An end that is reached is none of it.
pub(crate) fn say(error: &KafkaError, reason: &str) {
    if error.rdkafka_error_code() != Some(RDKafkaErrorCode::PartitionEOF) {
        tracing::warn!(%error, reason, "Kafka");
    }
}

/// A consumer that is given its partitions by hand.
pub(crate) fn reader(options: &KafkaOptions, group: &str) -> KafkaResult<Reader> {
    BaseConsumer::from_config_and_context(&options.consumer(group), Words)
}
