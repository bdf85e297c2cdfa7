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
use parking_lot::{Mutex, MutexGuard};
use rustc_hash::FxHashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// After so long brokers abort a node's transaction that needed no owner: no successor ends what a
/// dead node left open, and it holds up who reads the zones it wrote to.
const NODE_TIMEOUT: Duration = Duration::from_secs(10);
/// Writers that are opened at once.
const OPENING_MAX: usize = 16;

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
    /// By partition: those that share one are opened one after the other.
    opening: [Mutex<()>; OPENING_MAX],
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
            opening: Default::default(),
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
                let _one = self.opening(owner);
                match self.known(owner)? {
                    Some(writer) => writer,
                    None => self.opened(owner)?,
                }
            }
        };
        writer.push(batch, patient)
    }

    /// Held while the writer of an owner is opened: two of one name would fence each other.
    fn opening(&self, owner: Owner) -> Option<MutexGuard<'_, ()>> {
        let place = owner.map_or(0, |(_, partition)| usize::from(partition.0));
        let opening = self.opening.get(place % OPENING_MAX);
        opening.map(Mutex::lock)
    }

    /// The partitions are ours, several at a time: each costs some calls to the brokers, and zones
    /// wait.
    pub(crate) fn grant_all(
        &self,
        topic: Topic,
        partitions: &[Partition],
        done: impl Fn(Partition, Result<(), JournalError>) + Sync,
    ) {
        let each = partitions.len().div_ceil(OPENING_MAX).max(1);
        std::thread::scope(|scope| {
            for some in partitions.chunks(each) {
                let done = &done;
                scope.spawn(move || {
                    for partition in some {
                        done(*partition, self.grant(topic, *partition));
                    }
                });
            }
        });
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
    fn grant(&self, topic: Topic, partition: Partition) -> Result<(), JournalError> {
        let owner = Some((topic, partition));
        let _one = self.opening(owner);
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
        }
    }

    /// Opens the writer of `owner`, in its turn.
    fn opened(&self, owner: Owner) -> Result<Arc<Writer>, JournalError> {
        let (transactional_id, fenced) = self.identity(owner);
        let timeout = match owner {
            Some(_) => self.options.transaction_timeout,
            None => self.options.transaction_timeout.min(NODE_TIMEOUT),
        };
        let writer = Arc::new(Writer::open(Setup {
            options: Arc::clone(&self.options),
            transactional_id,
            timeout,
            begins_anew: owner.is_none(),
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
                format!("{prefix}node-{}", self.options.node),
                JournalError::brokers(
                    "write",
                    format!(
                        "another process writes as node {:?} now: give each a name of its own",
                        self.options.node
                    ),
                ),
            ),
        }
    }
}
