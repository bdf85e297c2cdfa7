//! Which receipts may be answered to the centre: those whose commits are on disk.

use std::collections::VecDeque;

/// Marks of a link's turns, each behind the commits that hold what its receipts say.
#[derive(Debug, Default)]
pub(super) struct Marks {
    /// A mark and how many commits must be on disk for it.
    waiting: VecDeque<(u64, u64)>,
    newest: u64,
}

impl Marks {
    /// Receipts up to `mark` are in the first `written` commits.
    pub(super) fn written(&mut self, mark: u64, written: u64) {
        if mark > self.newest {
            self.newest = mark;
            self.waiting.push_back((mark, written));
        }
    }

    /// The newest mark that became durable with the first `commits` on disk.
    pub(super) fn durable(&mut self, commits: u64) -> Option<u64> {
        let mut mark = None;
        while let Some((done, _)) = self.waiting.pop_front_if(|(_, needs)| *needs <= commits) {
            mark = Some(done);
        }
        mark
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn receipts_are_answered_while_others_are_still_on_their_way_to_disk() {
        let mut marks = Marks::default();
        marks.written(3, 1);
        marks.written(3, 2);
        marks.written(7, 2);
        marks.written(9, 4);
        assert_eq!(marks.durable(0), None);
        assert_eq!(marks.durable(1), Some(3));
        assert_eq!(marks.durable(3), Some(7), "9 still waits");
        assert_eq!(marks.durable(3), None);
        assert_eq!(marks.durable(4), Some(9));
    }
}
