//! Why the journal refused or failed.

use crate::{Offset, Partition, Topic};
use std::io;
use std::sync::Arc;

/// Why the journal refused or failed. Cloned to everybody whose batch shared the fate.
#[derive(Clone, Debug, thiserror::Error)]
pub enum JournalError {
    /// The queue is at its bound; try again later or slow the sender down.
    #[error("journal queue is full: {batches} batches, {bytes} bytes are waiting for the disk")]
    Full {
        /// Batches waiting.
        batches: usize,
        /// Bytes waiting.
        bytes: usize,
    },
    /// The batch fits in no frame; split it.
    #[error("batch or record of {bytes} bytes is over the limit of {limit}: split it")]
    TooLarge {
        /// Size of the batch, or of the key or payload that broke the format's limit.
        bytes: usize,
        /// The most that is accepted.
        limit: usize,
    },
    /// A record of a compacted topic has no key.
    #[error("a record for the compacted topic {topic} has no key")]
    KeyMissing {
        /// The topic.
        topic: Topic,
    },
    /// What an owner writes is there together or not at all.
    #[error(
        "a batch of the owner of {topic} partition {partition} is apart: leave out `apart`, its records belong together"
    )]
    OwnedApart {
        /// The topic.
        topic: Topic,
        /// The partition.
        partition: Partition,
    },
    /// Too little space on the disk for a batch of this priority; free some.
    #[error("disk nearly full: {free} bytes free, {needed} kept in reserve: free some space")]
    DiskFull {
        /// Bytes free.
        free: u64,
        /// Bytes that must stay free for this priority.
        needed: u64,
    },
    /// Those records are gone; begin at `first`.
    #[error("{topic} partition {partition} begins at offset {first}: {from} is gone")]
    Trimmed {
        /// The topic.
        topic: Topic,
        /// The partition.
        partition: Partition,
        /// What was asked for.
        from: Offset,
        /// The oldest that is there.
        first: Offset,
    },
    /// Writing or syncing failed; this process must end.
    #[error("journal stopped after a failed {action} of {file}: end the process and open it anew")]
    Poisoned {
        /// What failed.
        action: &'static str,
        /// The file.
        file: String,
        /// The operating system's answer.
        #[source]
        source: Arc<io::Error>,
    },
    /// A file could not be read or made.
    #[error("cannot {action} {file}")]
    File {
        /// What failed.
        action: &'static str,
        /// The file.
        file: String,
        /// The operating system's answer.
        #[source]
        source: Arc<io::Error>,
    },
    /// Another process holds the directory.
    #[error("{directory} is in use by another process")]
    InUse {
        /// The directory.
        directory: String,
    },
    /// Stored bytes are damaged where they had been synced before: restore from a copy.
    #[error("{file} is damaged at byte {at}: {why}; restore the file from a copy")]
    Corrupt {
        /// The file.
        file: String,
        /// Where.
        at: u64,
        /// What is wrong.
        why: String,
    },
    /// Written by a newer version.
    #[error("{file} has format {found}, newer than {known}: upgrade this node")]
    Newer {
        /// The file.
        file: String,
        /// Its version.
        found: u32,
        /// The newest known here.
        known: u32,
    },
    /// The brokers cannot be reached, or refuse.
    #[error("Kafka: cannot {action}: {why}")]
    Brokers {
        /// What was tried.
        action: &'static str,
        /// What the client library or a broker says, and what to do.
        why: String,
    },
    /// Not all records of a batch that is apart were acknowledged; some may be there.
    #[error(
        "Kafka: {topic} partition {partition} did not acknowledge a record: {why}; send it again"
    )]
    Unacknowledged {
        /// The topic.
        topic: Topic,
        /// The partition.
        partition: Partition,
        /// What the client library or a broker says.
        why: String,
    },
    /// A topic is not there, or not as it must be.
    #[error(
        "Kafka topic {topic}: {why}; `sanfang topics create` makes it, `sanfang topics check` compares"
    )]
    TopicWrong {
        /// Its name in the cluster.
        topic: String,
        /// What is wrong.
        why: String,
    },
    /// Another node owns the partition: nothing of this one is accepted for it any more.
    #[error("{topic} partition {partition} belongs to another node now: its state here is dropped")]
    Fenced {
        /// The topic.
        topic: Topic,
        /// The partition.
        partition: Partition,
    },
    /// A stored topic code that this version does not know.
    #[error("topic code {code} is unknown: upgrade this node")]
    UnknownTopic {
        /// The code.
        code: u8,
    },
    /// The journal was closed.
    #[error("journal is closed")]
    Closed,
}

impl JournalError {
    pub(crate) fn file(action: &'static str, file: &str, source: io::Error) -> Self {
        Self::File {
            action,
            file: file.to_owned(),
            source: Arc::new(source),
        }
    }

    /// A file whose state is unknown after a failure ends the journal as a failed sync does.
    pub(crate) fn poisoning(self) -> Self {
        if let Self::File {
            action,
            file,
            source,
        } = self
        {
            return Self::Poisoned {
                action,
                file,
                source,
            };
        }
        self
    }

    pub(crate) fn brokers(action: &'static str, why: impl ToString) -> Self {
        Self::Brokers {
            action,
            why: why.to_string(),
        }
    }

    pub(crate) fn corrupt(file: &str, at: u64, why: impl Into<String>) -> Self {
        Self::Corrupt {
            file: file.to_owned(),
            at,
            why: why.into(),
        }
    }
}
