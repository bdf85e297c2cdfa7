//! The journal of a process by what it lies on.

use journal::{DiskJournal, Journal, KafkaJournal};
use std::sync::Arc;

/// A journal by what it lies on, for what only that one has.
#[derive(Clone)]
pub(crate) enum Held {
    /// One machine's.
    Disk(Arc<DiskJournal>),
    /// That of many.
    Kafka(Arc<KafkaJournal>),
}

impl Held {
    /// What all have.
    pub(crate) fn shared(&self) -> Arc<dyn Journal> {
        match self {
            Self::Disk(disk) => Arc::<DiskJournal>::clone(disk),
            Self::Kafka(kafka) => Arc::<KafkaJournal>::clone(kafka),
        }
    }

    /// The disk it lies on, where it is this machine's.
    pub(crate) fn disk(&self) -> Option<&Arc<DiskJournal>> {
        match self {
            Self::Disk(disk) => Some(disk),
            Self::Kafka(_) => None,
        }
    }

    /// The cluster it lies on, where it is that of many.
    pub(crate) fn kafka(&self) -> Option<&Arc<KafkaJournal>> {
        match self {
            Self::Kafka(kafka) => Some(kafka),
            Self::Disk(_) => None,
        }
    }
}
