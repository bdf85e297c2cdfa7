//! Requests that were answered: the same one again gets its answer again, also after a restart.
//!
//! What a request with an `Idempotency-Key` brought stands in the topic `requests`, in one write with
//! what it caused. The newest [`KEPT_MAX`] are remembered. One that is under way is not taken beside
//! itself.

use crate::intake::Taken;
use journal::{Assigned, Batch, Journal, JournalError, Kind, Offset, Partition, Ticket, Topic};
use model::Mode;
use parking_lot::Mutex;
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

/// Answers remembered.
const KEPT_MAX: usize = 4096;
/// Kind of the records: JSON of the answer, by the hash of key and body.
const ANSWER: u8 = 1;
/// Bytes read at once.
const READ_BYTES: usize = 1 << 20;
const PARTITION: Partition = Partition(0);

/// A key and the body under it. Two senders may count alike: only the same body under the same key
/// is the same request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct RequestId([u8; 32]);

impl RequestId {
    /// That of a request.
    pub(crate) fn new(key: &str, body: &[u8]) -> Self {
        let mut hash = Sha256::new();
        hash.update((key.len() as u64).to_be_bytes());
        hash.update(key);
        hash.update(body);
        Self(hash.finalize().into())
    }
}

/// Answers by request, and the requests in the order they came.
#[derive(Default)]
struct Kept {
    answers: BTreeMap<RequestId, Taken>,
    order: VecDeque<RequestId>,
    /// Requests whose answer is not on disk yet: each has a connection or a write of its own.
    under_way: BTreeSet<RequestId>,
}

impl Kept {
    fn note(&mut self, id: RequestId, taken: Taken) {
        if self.answers.insert(id, taken).is_none() {
            self.order.push_back(id);
        }
        while self.order.len() > KEPT_MAX
            && let Some(oldest) = self.order.pop_front()
        {
            self.answers.remove(&oldest);
        }
    }
}

/// The answers given so far.
pub(crate) struct Answered {
    topic: Topic,
    kept: Mutex<Kept>,
}

impl Answered {
    /// The newest answers that the journal holds.
    pub(crate) fn open(journal: &dyn Journal, mode: Mode) -> Result<Self, JournalError> {
        let topic = Topic::new(Kind::Requests, mode);
        let end = journal.end(topic, PARTITION)?;
        let newest = Offset(end.0.saturating_sub(KEPT_MAX as u64));
        let mut next = newest.max(journal.first(topic, PARTITION)?);
        let mut kept = Kept::default();
        while next < end {
            let records = match journal.read(topic, PARTITION, next, READ_BYTES) {
                Ok(records) => records,
                Err(JournalError::Trimmed { first, .. }) => {
                    next = first;
                    continue;
                }
                Err(error) => return Err(error),
            };
            let Some(last) = records.last() else { break };
            next = last.offset.plus(1);
            for record in &records {
                let id = <[u8; 32]>::try_from(record.key()).ok().map(RequestId);
                // What a later version writes is not for this one to answer with.
                let taken = serde_json::from_slice(record.payload()).ok();
                if let (Some(id), Some(taken)) = (id, taken) {
                    kept.note(id, taken);
                }
            }
        }
        Ok(Self {
            topic,
            kept: Mutex::new(kept),
        })
    }

    /// What is known of a request that comes in; one that is new is under way from here on.
    pub(crate) fn begin(self: &Arc<Self>, id: RequestId) -> Known {
        let mut kept = self.kept.lock();
        if let Some(taken) = kept.answers.get(&id) {
            return Known::Answered(taken.clone());
        }
        if !kept.under_way.insert(id) {
            return Known::UnderWay;
        }
        let answered = Arc::clone(self);
        Known::New(UnderWay { answered, id })
    }

    /// Adds an answer to the write of what it caused.
    fn append(&self, batch: &mut Batch, id: RequestId, taken: &Taken) {
        batch.append_with(self.topic, PARTITION, ANSWER, &id.0, |out| {
            // Writing our own plain types to memory cannot fail; an empty body is passed over.
            drop(serde_json::to_writer(out, taken));
        });
    }

    /// Remembers an answer that is on disk.
    fn note(&self, id: RequestId, taken: Taken) {
        self.kept.lock().note(id, taken);
    }
}

/// What is known of a request.
pub(crate) enum Known {
    /// It was answered so.
    Answered(Taken),
    /// The same one is being taken.
    UnderWay,
    /// Nothing: it is to be taken.
    New(UnderWay),
}

/// A request that is being taken; over once it is dropped.
pub(crate) struct UnderWay {
    answered: Arc<Answered>,
    id: RequestId,
}

impl UnderWay {
    /// Adds the answer to the write of what the request caused.
    pub(crate) fn append(&self, batch: &mut Batch, taken: &Taken) {
        self.answered.append(batch, self.id, taken);
    }

    /// Waits for that write and remembers the answer, also where whoever asked has gone meanwhile:
    /// they will ask again.
    pub(crate) async fn written(
        self,
        ticket: Ticket,
        taken: Taken,
    ) -> Result<Vec<Assigned>, JournalError> {
        let written = tokio::spawn(async move {
            let runs = ticket.await?;
            self.answered.note(self.id, taken);
            Ok(runs)
        });
        // A task that is gone ended with the process.
        written.await.unwrap_or(Err(JournalError::Closed))
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.answered.kept.lock().under_way.remove(&self.id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use journal::{MemoryJournal, Priority};

    fn taken(accepted: u64) -> Taken {
        Taken {
            accepted,
            ..Taken::default()
        }
    }

    fn id(number: u64) -> RequestId {
        RequestId::new(&number.to_string(), b"body")
    }

    #[test]
    fn the_newest_are_there_again_and_no_more() {
        let journal = MemoryJournal::new();
        let answered = Arc::new(Answered::open(&journal, Mode::Actual).unwrap());
        let all = KEPT_MAX as u64 + 10;
        for number in 0..all {
            let mut batch = Batch::new(5, Priority::Bulk);
            answered.append(&mut batch, id(number), &taken(number));
            journal.submit(batch).unwrap().wait().unwrap();
            answered.note(id(number), taken(number));
        }
        let again = Arc::new(Answered::open(&journal, Mode::Actual).unwrap());
        for answered in [&answered, &again] {
            let of = |number| match answered.begin(id(number)) {
                Known::Answered(taken) => Some(taken.accepted),
                Known::UnderWay | Known::New(_) => None,
            };
            assert_eq!(of(9), None, "the oldest went first");
            assert_eq!(of(10), Some(10));
            assert_eq!(of(all - 1), Some(all - 1));
            assert_eq!(answered.kept.lock().order.len(), KEPT_MAX);
        }
        let other = Arc::new(Answered::open(&journal, Mode::Test).unwrap());
        let known = other.begin(id(10));
        assert!(matches!(known, Known::New(_)), "modes share nothing");
    }

    #[tokio::test]
    async fn what_is_under_way_is_so_once_and_until_it_is_over() {
        let journal = MemoryJournal::new();
        let answered = Arc::new(Answered::open(&journal, Mode::Actual).unwrap());
        let first = answered.begin(id(1));
        assert!(matches!(answered.begin(id(1)), Known::UnderWay));
        assert!(matches!(answered.begin(id(2)), Known::New(_)));
        drop(first);
        let Known::New(again) = answered.begin(id(1)) else {
            panic!("the first one failed: it may come again");
        };
        let mut batch = Batch::new(5, Priority::Bulk);
        again.append(&mut batch, &taken(7));
        let ticket = journal.submit(batch).unwrap();
        again.written(ticket, taken(7)).await.unwrap();
        assert!(matches!(answered.begin(id(1)), Known::Answered(taken) if taken.accepted == 7));
        assert!(answered.kept.lock().under_way.is_empty());
    }

    #[test]
    fn only_the_same_body_under_the_same_key_is_the_same() {
        let first = RequestId::new("a", b"bc");
        assert_eq!(first, RequestId::new("a", b"bc"));
        assert_ne!(first, RequestId::new("ab", b"c"));
        assert_ne!(first, RequestId::new("a", b"bd"));
    }
}
