//! Receipt ids in sorted runs that are merged as they grow.

use super::{Entry, State};
use crate::intent::IntentId;

/// Ids kept unsorted before they are sealed into a run.
const TAIL_MAX: usize = 4096;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Row {
    receipt: u64,
    intent: u32,
    recipient: u32,
}

/// Receipt id → intent and recipient. A message centre numbers upwards, so runs are nearly in
/// order already.
#[derive(Clone, Debug, Default)]
pub(super) struct Receipts {
    runs: Vec<Vec<Row>>,
    tail: Vec<Row>,
}

impl Receipts {
    pub(super) fn push(&mut self, receipt: u64, intent: u32, recipient: u32) {
        if receipt == 0 {
            return;
        }
        self.tail.push(Row {
            receipt,
            intent,
            recipient,
        });
        if self.tail.len() >= TAIL_MAX {
            let mut run = std::mem::take(&mut self.tail);
            run.sort_unstable();
            self.runs.push(run);
            self.merge();
        }
    }

    /// Intent and recipient of each message that had this id, what was told last before the rest.
    pub(super) fn newest_first(&self, receipt: u64) -> impl Iterator<Item = (u32, u32)> {
        let in_tail = self.tail.iter().rev();
        let in_tail = in_tail.filter(move |row| row.receipt == receipt);
        let in_runs = self.runs.iter().rev().flat_map(move |run| {
            let from = run.partition_point(|row| row.receipt < receipt);
            let same = run.get(from..).unwrap_or_default();
            let to = same.partition_point(|row| row.receipt == receipt);
            same.get(..to).unwrap_or_default().iter().rev()
        });
        in_tail
            .chain(in_runs)
            .map(|row| (row.intent, row.recipient))
    }

    pub(super) fn entry(&self, no: u32, intent: IntentId) -> Option<Entry> {
        let mut rows: Vec<&Row> = self
            .runs
            .iter()
            .flatten()
            .chain(&self.tail)
            .filter(|row| row.intent == no)
            .collect();
        rows.sort_unstable_by_key(|row| row.recipient);
        (!rows.is_empty()).then(|| Entry::States {
            intent,
            state: State::Accepted,
            recipients: rows.iter().map(|row| row.recipient).collect(),
            receipts: rows.iter().map(|row| row.receipt).collect(),
        })
    }

    pub(super) fn forget(&mut self, no: u32) {
        self.tail.retain(|row| row.intent != no);
        for run in &mut self.runs {
            run.retain(|row| row.intent != no);
        }
    }

    /// Keeps each run at least twice as long as the next: a lookup searches few of them.
    fn merge(&mut self) {
        while let [.., before, last] = self.runs.as_slice() {
            if before.len() >= 2 * last.len() {
                return;
            }
            let (Some(mut last), Some(mut before)) = (self.runs.pop(), self.runs.pop()) else {
                return;
            };
            before.append(&mut last);
            // The stable sort finds the two runs and merges them in linear time.
            before.sort();
            self.runs.push(before);
        }
    }
}
