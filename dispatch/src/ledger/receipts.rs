//! Receipt ids in sorted runs that are merged as they grow.

/// Ids kept unsorted before they are sealed into a run.
const TAIL_MAX: usize = 4096;

/// One receipt id and whose message had it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Receipt {
    pub(crate) id: u64,
    /// The intent's number in the ledger.
    pub(crate) intent: u32,
    pub(crate) recipient: u32,
}

/// Receipt id → intent and recipient. A message centre numbers upwards, so runs are nearly in
/// order already.
#[derive(Clone, Debug, Default)]
pub(crate) struct Receipts {
    runs: Vec<Vec<Receipt>>,
    tail: Vec<Receipt>,
}

impl Receipts {
    pub(super) fn push(&mut self, receipt: u64, intent: u32, recipient: u32) {
        if receipt == 0 {
            return;
        }
        self.tail.push(Receipt {
            id: receipt,
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
        let in_tail = in_tail.filter(move |row| row.id == receipt);
        let in_runs = self.runs.iter().rev().flat_map(move |run| {
            let from = run.partition_point(|row| row.id < receipt);
            let same = run.get(from..).unwrap_or_default();
            let to = same.partition_point(|row| row.id == receipt);
            same.get(..to).unwrap_or_default().iter().rev()
        });
        in_tail
            .chain(in_runs)
            .map(|row| (row.intent, row.recipient))
    }

    /// The id of a message, the greatest of those in its last run; looks through all ids, for links
    /// that have few.
    pub(super) fn newest_of(&self, intent: u32, recipient: u32) -> Option<u64> {
        let is_it = |row: &&Receipt| row.intent == intent && row.recipient == recipient;
        let in_runs = self.runs.iter().rev();
        let mut in_runs = in_runs.filter_map(|run| run.iter().rfind(is_it));
        let in_tail = self.tail.iter().rfind(is_it);
        in_tail.or_else(|| in_runs.next()).map(|row| row.id)
    }

    /// Those of a snapshot.
    pub(crate) fn of(mut rows: Vec<Receipt>) -> Self {
        // They were written in order, and stay so however their intents are numbered now.
        rows.sort();
        rows.dedup();
        Self {
            runs: vec![rows],
            tail: Vec::new(),
        }
    }

    /// The next ones behind `after` in ascending order, at least one if there is any: up to `max`
    /// of each run.
    pub(crate) fn after(&self, after: Option<Receipt>, max: usize) -> Vec<Receipt> {
        let is_later = |row: &Receipt| after.is_none_or(|after| *row > after);
        let mut tail: Vec<Receipt> = self.tail.iter().copied().filter(is_later).collect();
        tail.sort_unstable();
        let later = |run: &'_ [Receipt]| run.partition_point(|row| !is_later(row));
        let runs = self.runs.iter().map(|run| run.get(later(run)..));
        let parts: Vec<&[Receipt]> = runs.flatten().chain([&*tail]).collect();
        // As far as every run has been looked through.
        let full = parts.iter().filter_map(|run| run.get(max.checked_sub(1)?));
        let bound = full.min().copied();
        let mut found = Vec::new();
        for run in parts {
            let to = bound.map_or(run.len(), |bound| run.partition_point(|row| *row <= bound));
            found.extend_from_slice(run.get(..to).unwrap_or_default());
        }
        // The stable sort finds the runs and merges them.
        found.sort();
        found.dedup();
        found
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
