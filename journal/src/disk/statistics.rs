//! Counters for metrics.

use std::sync::atomic::{AtomicU64, Ordering};

/// Upper bounds of the sync latency buckets, microseconds; one more bucket holds what is slower.
pub const SYNC_BUCKETS_US: [u64; 14] = [
    50, 100, 200, 400, 800, 1_600, 3_200, 6_400, 12_800, 25_600, 51_200, 102_400, 400_000,
    1_600_000,
];

/// A moment's figures.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Statistics {
    /// Batches waiting for the disk.
    pub queue_batches: u64,
    /// Bytes waiting for the disk.
    pub queue_bytes: u64,
    /// Batches made durable since the start.
    pub batches: u64,
    /// Records made durable since the start.
    pub records: u64,
    /// Bytes written to the log since the start, without preparation and cleaning.
    pub written_bytes: u64,
    /// Syncs of the log since the start.
    pub syncs: u64,
    /// Time in those syncs, nanoseconds; 0 without a clock.
    pub sync_ns: u64,
    /// Syncs by latency: not cumulative, bounds in [`SYNC_BUCKETS_US`]; empty without a clock.
    pub sync_buckets: [u64; SYNC_BUCKETS_US.len() + 1],
    /// Segment files.
    pub segments: u64,
    /// Bytes of frames in them.
    pub segment_bytes: u64,
    /// Bytes copied forward by cleaning since the start.
    pub kept_bytes: u64,
    /// Bytes free on the disk when last measured.
    pub free_bytes: u64,
    /// Batches wait for space on the disk; nothing is acknowledged meanwhile.
    pub out_of_space: bool,
}

#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) batches: AtomicU64,
    pub(crate) records: AtomicU64,
    pub(crate) written_bytes: AtomicU64,
    pub(crate) syncs: AtomicU64,
    pub(crate) sync_ns: AtomicU64,
    pub(crate) sync_buckets: [AtomicU64; SYNC_BUCKETS_US.len() + 1],
    pub(crate) kept_bytes: AtomicU64,
    pub(crate) free_bytes: AtomicU64,
}

impl Counters {
    pub(crate) fn synced(&self, ns: Option<u64>) {
        add(&self.syncs, 1);
        let Some(ns) = ns else { return };
        add(&self.sync_ns, ns);
        let index = SYNC_BUCKETS_US.partition_point(|bound| bound * 1000 < ns);
        if let Some(bucket) = self.sync_buckets.get(index) {
            add(bucket, 1);
        }
    }

    pub(crate) fn read(&self) -> Statistics {
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let mut statistics = Statistics {
            batches: get(&self.batches),
            records: get(&self.records),
            written_bytes: get(&self.written_bytes),
            syncs: get(&self.syncs),
            sync_ns: get(&self.sync_ns),
            kept_bytes: get(&self.kept_bytes),
            free_bytes: get(&self.free_bytes),
            ..Statistics::default()
        };
        for (out, bucket) in statistics.sync_buckets.iter_mut().zip(&self.sync_buckets) {
            *out = get(bucket);
        }
        statistics
    }
}

pub(crate) fn add(counter: &AtomicU64, value: u64) {
    counter.fetch_add(value, Ordering::Relaxed);
}
