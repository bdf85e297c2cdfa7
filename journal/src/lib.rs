//! The append-only event log: one trait, an implementation in memory and one on disk.
//!
//! The journal knows topics, partitions, offsets, record times and opaque bytes; what the bytes
//! mean is the business of those who write and read them.
//!
//! # What is promised
//! - A [`Batch`] is one atomic write over all topics: its records and the consumed position that
//!   caused them are there together or not at all. One that is [`Batch::apart`] may be there in part
//!   where it failed.
//! - A resolved [`Ticket`] means: on disk. Only what is durable can be read.
//! - Offsets of a partition grow: one past the last is where to read on, and a gap may lie there.
//!   Record time never falls within a partition.
//! - Batches of one submitter are stored in the order of submission, those that are apart among
//!   themselves.
//! - After [`JournalError::Poisoned`] nothing more is accepted: a failed sync says nothing about
//!   what the file holds, so the process must end and open the journal anew.
//!
//! # Reading on
//! A consumer starts at [`Journal::resume`], reads, steps its machine, and submits what the machine
//! said together with [`Batch::consumed`]. When a read gives nothing it waits in [`Journal::wait`].

pub mod disk;
pub mod kafka;
pub mod memory;

#[cfg(any(test, feature = "conformance"))]
pub mod conformance;

mod batch;
mod claim;
mod error;
mod partitions;
mod queue;
mod record;
mod ticket;
mod topic;

pub use batch::{Assigned, Batch, Priority};
pub use claim::{Claim, Claims, Release};
pub use disk::{DiskJournal, Options};
pub use error::JournalError;
pub use kafka::{
    Difference, KafkaJournal, KafkaOptions, KafkaStatistics, Layout, Login, Mechanism, Security,
    Tls,
};
pub use memory::MemoryJournal;
pub use record::Record;
pub use ticket::{Outcome, Promise, Ticket};
pub use topic::{Consumer, Kind, Mode, Offset, Partition, Retention, Retentions, Topic};

use std::time::Duration;
use tokio::sync::watch;

/// An event log. Shared between threads as `Arc<dyn Journal>`.
pub trait Journal: Send + Sync {
    /// Queues a batch without waiting. [`JournalError::Full`] when the queue is at its bound,
    /// [`JournalError::DiskFull`] here or by the ticket when the disk is.
    fn submit(&self, batch: Batch) -> Result<Ticket, JournalError>;

    /// Queues a batch, waiting for room in the queue; for threads that must not drop their output.
    /// Where the disk is full the ticket of a vital batch resolves once there is space.
    fn submit_waiting(&self, batch: Batch) -> Result<Ticket, JournalError>;

    /// Records from the first at or after `from`, at least one if there is any, up to `max_bytes`.
    ///
    /// [`JournalError::Trimmed`] when `from` is before [`Journal::first`].
    fn read(
        &self,
        topic: Topic,
        partition: Partition,
        from: Offset,
        max_bytes: usize,
    ) -> Result<Vec<Record>, JournalError>;

    /// The newest record of `key` in a compacted topic; `None` when absent or deleted.
    fn latest(
        &self,
        topic: Topic,
        partition: Partition,
        key: &[u8],
    ) -> Result<Option<Record>, JournalError>;

    /// Blocks until there is a record at `from` or later (true) or `timeout` has passed (false).
    fn wait(&self, topic: Topic, partition: Partition, from: Offset, timeout: Duration) -> bool;

    /// The partition's end, as it moves; for async readers.
    fn subscribe(&self, topic: Topic, partition: Partition) -> watch::Receiver<Offset>;

    /// Where `consumer` goes on: the last position stored by [`Batch::consumed`], else the first offset.
    fn resume(
        &self,
        consumer: Consumer,
        topic: Topic,
        partition: Partition,
    ) -> Result<Offset, JournalError>;

    /// The oldest offset that can be read.
    fn first(&self, topic: Topic, partition: Partition) -> Result<Offset, JournalError>;

    /// Behind the last record: the next one's offset, or less than it where there is a gap.
    fn end(&self, topic: Topic, partition: Partition) -> Result<Offset, JournalError>;

    /// Lets go of all records before `before`; durable once the ticket resolves.
    fn trim(
        &self,
        topic: Topic,
        partition: Partition,
        before: Offset,
    ) -> Result<Ticket, JournalError>;

    /// Asks for partitions to own. What is granted and revoked arrives for as long as the claims are held.
    ///
    /// On one machine everything asked for is granted at once. With Kafka this joins the consumer
    /// group of the topic: outputs for a partition are accepted only while it is granted.
    fn claims(&self, topic: Topic, partitions: &[Partition]) -> Result<Claims, JournalError>;
}
