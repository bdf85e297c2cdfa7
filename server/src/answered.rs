//! Requests that were answered: the same one again gets its answer again, also after a restart.
//!
//! What a request with an `Idempotency-Key` brought stands in the topic `requests`, written once what
//! it caused is durable: on Kafka the two share no write, and an answer must not be there alone. Where
//! the process dies between them the request comes again, is taken once more, and what it brings is
//! recognized by station, parameter and time. The newest [`KEPT_MAX`] are remembered. One that is
//! under way is not taken beside itself.

use crate::intake::Taken;
use journal::{Batch, Journal, JournalError, Kind, Offset, Partition, Priority, Topic};
use model::{Mode, Time};
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

    /// The write of an answer.
    fn batch(&self, at: Time, id: RequestId, taken: &Taken) -> Batch {
        let mut batch = Batch::new(at.millis(), Priority::Bulk).apart();
        batch.append_with(self.topic, PARTITION, ANSWER, &id.0, |out| {
            // Writing our own plain types to memory cannot fail; an empty body is passed over.
            drop(serde_json::to_writer(out, taken));
        });
        batch
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
    /// Stores and remembers the answer once what the request `caused` is durable, also where whoever
    /// asked has gone meanwhile: they will ask again.
    pub(crate) async fn kept(
        self,
        journal: Arc<dyn Journal>,
        at: Time,
        caused: impl Future<Output = Result<(), JournalError>> + Send + 'static,
        taken: Taken,
    ) -> Result<(), JournalError> {
        let kept = tokio::spawn(async move {
            caused.await?;
            let batch = self.answered.batch(at, self.id, &taken);
            let stored = match journal.submit(batch) {
                Ok(ticket) => ticket.await.map(drop),
                Err(error) => Err(error),
            };
            match stored {
                Ok(()) => self.answered.note(self.id, taken),
                // What it answers for is durable, and that is what its sender is told.
                Err(error) => {
                    tracing::warn!(%error, "an answer is not stored: its request is taken again if it comes again")
                }
            }
            Ok(())
        });
        // A task that is gone ended with the process.
        kept.await.unwrap_or(Err(JournalError::Closed))
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
    use journal::MemoryJournal;
    use std::pin::Pin;
    use tokio::sync::oneshot;

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
            let batch = answered.batch(Time::from_millis(5), id(number), &taken(number));
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
        let at = Time::from_millis(5);
        let kept = again.kept(
            Arc::new(MemoryJournal::new()),
            at,
            async { Ok(()) },
            taken(7),
        );
        kept.await.unwrap();
        assert!(matches!(answered.begin(id(1)), Known::Answered(taken) if taken.accepted == 7));
        assert!(answered.kept.lock().under_way.is_empty());
    }

    fn fresh(answered: &Arc<Answered>) -> UnderWay {
        let Known::New(under_way) = answered.begin(id(1)) else {
            panic!("it is not over");
        };
        under_way
    }

    /// Neither what failed is answered for, nor anything before it is durable.
    #[tokio::test]
    async fn an_answer_is_stored_behind_what_it_answers_for() {
        let journal = Arc::new(MemoryJournal::new());
        let topic = Topic::new(Kind::Requests, Mode::Actual);
        let answered = Arc::new(Answered::open(&*journal, Mode::Actual).unwrap());
        type Caused = Pin<Box<dyn Future<Output = Result<(), JournalError>> + Send>>;
        let kept = |caused: Caused| {
            let at = Time::from_millis(5);
            fresh(&answered).kept(
                Arc::clone(&journal) as Arc<dyn Journal>,
                at,
                caused,
                taken(7),
            )
        };
        let stored = || journal.end(topic, PARTITION).unwrap();
        kept(Box::pin(async { Err(JournalError::Closed) }))
            .await
            .unwrap_err();
        assert_eq!(stored(), Offset(0), "its cause failed");
        let (durable, caused) = oneshot::channel::<()>();
        let waiting = kept(Box::pin(async {
            caused.await.map_err(|_| JournalError::Closed)
        }));
        let waiting = tokio::spawn(waiting);
        tokio::task::yield_now().await;
        assert_eq!(stored(), Offset(0), "its cause is under way");
        assert!(matches!(answered.begin(id(1)), Known::UnderWay));
        durable.send(()).unwrap();
        waiting.await.unwrap().unwrap();
        assert_eq!(stored(), Offset(1));
        assert!(matches!(answered.begin(id(1)), Known::Answered(_)));
    }

    /// Observations that are durable are acknowledged, whatever became of the answer.
    #[tokio::test]
    async fn an_answer_that_is_not_stored_is_given_all_the_same_and_not_remembered() {
        let folder = tempfile::tempdir().unwrap();
        let options = journal::Options {
            reserve_bytes: u64::MAX,
            ..journal::Options::default()
        };
        let full = Arc::new(journal::DiskJournal::open(folder.path(), options).unwrap());
        let answered = Arc::new(Answered::open(&*full, Mode::Actual).unwrap());
        let at = Time::from_millis(5);
        let kept = fresh(&answered).kept(full, at, async { Ok(()) }, taken(7));
        kept.await.unwrap();
        assert!(matches!(answered.begin(id(1)), Known::New(_)));
    }

    #[test]
    fn only_the_same_body_under_the_same_key_is_the_same() {
        let first = RequestId::new("a", b"bc");
        assert_eq!(first, RequestId::new("a", b"bc"));
        assert_ne!(first, RequestId::new("ab", b"c"));
        assert_ne!(first, RequestId::new("a", b"bd"));
    }
}
