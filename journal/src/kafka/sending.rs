//! The records of a batch on their way to a producer, one after another.

use super::ends::Ends;
use super::wire;
use crate::batch::RUN_HEADER;
use crate::record::Run;
use crate::{Assigned, Batch, Record};
use bytes::Bytes;
use rdkafka::producer::BaseRecord;
use rdkafka::util::IntoOpaque;

/// Where a record goes.
pub(crate) struct Target<'a> {
    /// Number of its run in the batch.
    pub(crate) index: usize,
    run: &'a Assigned,
    /// The topic's name in the cluster.
    name: &'a str,
}

/// Gives each run its record time: never before what stands in its partition.
pub(crate) fn stamp(batch: &mut Batch, ends: &Ends) {
    for run in &mut batch.runs {
        run.time_ms = ends.time((run.topic, run.partition), batch.at_ms);
    }
}

/// Gives `hand` the records of a stamped batch until one is refused. The batch keeps its bytes.
pub(crate) fn each<E>(
    batch: &mut Batch,
    prefix: &str,
    mut hand: impl FnMut(&Target<'_>, &Record) -> Result<(), E>,
) -> Result<(), E> {
    let stored = Bytes::from(std::mem::take(&mut batch.bytes));
    let ends = batch.starts.iter().skip(1).copied().chain([stored.len()]);
    let mut runs = batch.runs.iter().zip(&batch.starts).zip(ends).enumerate();
    let sent = runs.try_for_each(|(index, ((run, start), end))| {
        let target = Target {
            index,
            run,
            name: &wire::name(prefix, run.topic),
        };
        let records = Run {
            first: 0,
            count: run.count,
            time_ms: run.time_ms,
            bytes: stored.slice((start + RUN_HEADER).min(end)..end),
        };
        records
            .records()
            .try_for_each(|record| hand(&target, &record))
    });
    // Nobody else holds a slice of it any more: this gives the bytes back.
    batch.bytes = stored
        .try_into_mut()
        .map_or_else(|shared| shared.to_vec(), Vec::from);
    sent
}

impl Target<'_> {
    /// The message that holds `record`; its delivery is reported with `opaque`.
    pub(crate) fn message<'a, O: IntoOpaque>(
        &'a self,
        record: &'a Record,
        opaque: O,
    ) -> BaseRecord<'a, [u8], [u8], O> {
        let mut message = BaseRecord::with_opaque_to(self.name, opaque)
            .partition(i32::from(self.run.partition.0))
            .headers(wire::headers(record.kind, record.time_ms))
            .timestamp(record.time_ms.max(0));
        if !record.key().is_empty() {
            message = message.key(record.key());
        }
        if !wire::is_tombstone(self.run.topic, record.payload()) {
            message = message.payload(record.payload());
        }
        message
    }
}
