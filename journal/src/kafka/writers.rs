//! The writers of this process: one for each partition it owns, one for what needs no owner, and one
//! for what needs no transaction.

use super::KafkaStatistics;
use super::apart::{self, Apart, Figures};
use super::asking::Asking;
use super::ends::Ends;
use super::history::History;
use super::options::KafkaOptions;
use super::wire;
use super::writer::{Counters, Setup, Writer};
use crate::{Batch, JournalError, Partition, Ticket, Topic};
use parking_lot::Mutex;
use rustc_hash::FxHashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// After so long brokers abort a transaction under a name that nobody else writes under: no successor
/// ends what a dead node left open, and it holds up who reads the zones it wrote to.
const ALONE_TIMEOUT: Duration = Duration::from_secs(10);

/// Whose records a batch holds.
pub(crate) type Owner = Option<(Topic, Partition)>;

/// All writers of a journal. Bounded by the number of partitions.
pub(crate) struct Writers {
    options: Arc<KafkaOptions>,
    ends: Arc<Ends>,
    asking: Arc<Asking>,
    history: Arc<History>,
    counters: Arc<Counters>,
    open: Mutex<FxHashMap<Owner, Place>>,
    apart: Mutex<Option<Arc<Apart>>>,
    /// One is opened at a time: two of one name would fence each other.
    opening: Mutex<()>,
}

/// What stands for an owner.
#[derive(Clone)]
enum Place {
    Open(Arc<Writer>),
    /// It went to another node; only a new grant opens it again.
    Revoked(JournalError),
}

impl Writers {
    pub(crate) fn new(
        options: Arc<KafkaOptions>,
        ends: Arc<Ends>,
        asking: Arc<Asking>,
        history: Arc<History>,
    ) -> Self {
        Self {
            options,
            ends,
            asking,
            history,
            counters: Arc::default(),
            open: Mutex::default(),
            apart: Mutex::default(),
            opening: Mutex::default(),
        }
    }

    /// Queues a batch with its owner's writer, or with the one that needs no transaction.
    pub(crate) fn push(&self, batch: Batch, patient: bool) -> Result<Ticket, JournalError> {
        if batch.is_apart() {
            return self.apart()?.push(batch, patient);
        }
        let owner = batch.owner();
        let writer = match self.known(owner)? {
            Some(writer) => writer,
            None => {
                let _one = self.opening.lock();
                match self.known(owner)? {
                    Some(writer) => writer,
                    None => self.opened(owner)?,
                }
            }
        };
        writer.push(batch, patient)
    }

    fn apart(&self) -> Result<Arc<Apart>, JournalError> {
        let mut open = self.apart.lock();
        if let Some(open) = &*open {
            return Ok(Arc::clone(open));
        }
        let opened = Arc::new(Apart::open(apart::Setup {
            options: Arc::clone(&self.options),
            ends: Arc::clone(&self.ends),
            asking: Arc::clone(&self.asking),
            history: Arc::clone(&self.history),
        })?);
        *open = Some(Arc::clone(&opened));
        Ok(opened)
    }

    fn known(&self, owner: Owner) -> Result<Option<Arc<Writer>>, JournalError> {
        match self.open.lock().get(&owner) {
            Some(Place::Open(writer)) => Ok(Some(Arc::clone(writer))),
            Some(Place::Revoked(why)) => Err(why.clone()),
            None => Ok(None),
        }
    }

    /// The partition is ours: whoever wrote for it before is fenced from here on.
    pub(crate) fn grant(&self, topic: Topic, partition: Partition) -> Result<(), JournalError> {
        let owner = Some((topic, partition));
        let _one = self.opening.lock();
        // Dropped outside the lock: a writer that ends waits for its thread.
        let old = self.open.lock().remove(&owner);
        drop(old);
        self.opened(owner).map(drop)
    }

    /// The partition is ours no more: what waits is refused.
    pub(crate) fn revoke(&self, topic: Topic, partition: Partition) {
        let why = JournalError::Fenced { topic, partition };
        let owner = Some((topic, partition));
        let old = self.open.lock().insert(owner, Place::Revoked(why.clone()));
        if let Some(Place::Open(writer)) = old {
            writer.end(why);
        }
    }

    /// Why a writer accepts nothing more though its partition was not revoked, if so.
    pub(crate) fn failure(&self) -> Option<JournalError> {
        let open = self.open.lock();
        open.values().find_map(|place| match place {
            Place::Open(writer) => writer
                .ended()
                .filter(|why| !matches!(why, JournalError::Fenced { .. })),
            Place::Revoked(_) => None,
        })
    }

    /// A moment's figures.
    pub(crate) fn figures(&self) -> KafkaStatistics {
        let (mut batches, mut bytes) = (0, 0);
        for place in self.open.lock().values() {
            if let Place::Open(writer) = place {
                let (b, n) = writer.depth();
                batches += b as u64;
                bytes += n as u64;
            }
        }
        let apart = self.apart.lock().as_ref().map(|apart| apart.figures());
        let apart: Figures = apart.unwrap_or_default();
        let counters = &self.counters;
        KafkaStatistics {
            queue_batches: batches + apart.batches as u64,
            queue_bytes: bytes + apart.bytes as u64,
            commits: counters.commits.load(Ordering::Relaxed),
            aborts: counters.aborts.load(Ordering::Relaxed),
            records: counters.records.load(Ordering::Relaxed) + apart.records,
            apart_records: apart.records,
            apart_refused: apart.refused,
            apart_oldest_ms: u64::try_from(apart.oldest.as_millis()).unwrap_or(u64::MAX),
            producers_replaced: apart.replaced,
        }
    }

    /// Opens the writer of `owner`, in its turn.
    fn opened(&self, owner: Owner) -> Result<Arc<Writer>, JournalError> {
        let (transactional_id, fenced) = self.identity(owner);
        let is_alone = owner.is_none() && self.options.writes_as_itself();
        let timeout = self.options.transaction_timeout;
        let timeout = if is_alone {
            timeout.min(ALONE_TIMEOUT)
        } else {
            timeout
        };
        let writer = Arc::new(Writer::open(Setup {
            options: Arc::clone(&self.options),
            transactional_id,
            timeout,
            begins_anew: is_alone,
            ends: Arc::clone(&self.ends),
            asking: Arc::clone(&self.asking),
            history: Arc::clone(&self.history),
            counters: Arc::clone(&self.counters),
            fenced,
        })?);
        let opened = Place::Open(Arc::clone(&writer));
        self.open.lock().insert(owner, opened);
        Ok(writer)
    }

    /// The name under which an owner writes: the same on every node, so that the next one fences it.
    fn identity(&self, owner: Owner) -> (String, JournalError) {
        let prefix = &self.options.prefix;
        match owner {
            Some((topic, partition)) => (
                format!("{}-{partition}", wire::name(prefix, topic)),
                JournalError::Fenced { topic, partition },
            ),
            None => (
                format!("{prefix}{}", self.options.writes_as),
                JournalError::brokers(
                    "write",
                    format!(
                        "another process writes as {:?} now: it took this one's place, or has the same node name",
                        self.options.writes_as
                    ),
                ),
            ),
        }
    }
}
