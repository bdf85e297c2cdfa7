//! The recipients' directory as it stands now: the version of the start, and beside it who
//! subscribed, moved or left since, in this process or another one.
//!
//! A change is on disk, then in force here, then answered. It is in force for every page of an
//! audience that is resolved from then on, and for every preview and count.

use crate::app::App;
use crate::registry::{Registry, RegistryError};
use crate::reload::Refusal;
use dispatch::directory::{Change, Directory, Joining, Resident, Unchanged};
use dispatch::intent::RecipientNo;
use journal::{Batch, JournalError, Kind, Offset, Partition, Priority, Topic};
use model::fault::Fault;
use model::{AreaCode, City, Input, Move, Zone};
use parking_lot::{Mutex, RwLock};
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::sync::watch;

/// People of one request.
pub(crate) const AT_ONCE_MAX: usize = 1_000;

/// The directory of a process.
pub(crate) struct Living {
    now: RwLock<Arc<Directory>>,
    /// The registry's end, and how far it was followed.
    followed: Mutex<(watch::Receiver<Offset>, Offset)>,
}

/// Somebody who was taken.
pub(crate) struct Taken {
    /// Their place in the request, from 1.
    pub(crate) line: u32,
    /// Number.
    pub(crate) recipient: RecipientNo,
    /// Where they are told of.
    pub(crate) resident: Resident,
    /// They were not there before.
    pub(crate) is_new: bool,
}

/// Why nobody was taken.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Untaken {
    /// Nobody of that id.
    #[error("no subscriber has that id")]
    Unknown,
    /// Nothing more stands beside the version.
    #[error(transparent)]
    Unchanged(#[from] Unchanged),
    /// Who adds to the registry, or its content.
    #[error(transparent)]
    Refused(#[from] Refusal),
}

impl From<RegistryError> for Untaken {
    fn from(error: RegistryError) -> Self {
        Self::Refused(error.into())
    }
}

impl Living {
    /// The directory of the start, which has all that the registry says up to `from`.
    pub(crate) fn new(
        directory: Arc<Directory>,
        end: watch::Receiver<Offset>,
        from: Offset,
    ) -> Self {
        Self {
            now: RwLock::new(directory),
            followed: Mutex::new((end, from)),
        }
    }

    /// Takes in what the registry says since the last look; true where that is news.
    fn follow(&self, registry: &Registry, city: &City) -> Result<Vec<u32>, RegistryError> {
        let mut followed = self.followed.lock();
        let end = *followed.0.borrow_and_update();
        if end <= followed.1 {
            return Ok(Vec::new());
        }
        let heard = registry.heard(followed.1)?;
        followed.1 = heard.next;
        let mut unread = heard.closed;
        unread.retain(|no| !heard.forgotten.contains(no));
        let mut changes = heard.changes;
        // Of whom nothing is to be known any more, not even who had the number.
        changes.extend(heard.forgotten.into_iter().map(|no| Change {
            recipient: RecipientNo(no),
            key: 0,
            resident: None,
        }));
        if changes.is_empty() {
            return Ok(unread);
        }
        let before = Arc::clone(&self.now.read());
        let next = before.changed(city, &changes).unwrap_or_else(|_| {
            // One that has no place here keeps no other out.
            let each = changes.iter();
            each.fold(Directory::clone(&before), |known, change| {
                match known.changed(city, std::slice::from_ref(change)) {
                    Ok(next) => next,
                    Err(error) => {
                        tracing::error!(recipient = change.recipient.0, %error, "not in force here");
                        unread.push(change.recipient.0);
                        known
                    }
                }
            })
        });
        *self.now.write() = Arc::new(next);
        Ok(unread)
    }
}

impl App {
    /// The recipients' directory as it stands now.
    pub(crate) fn directory(&self) -> Arc<Directory> {
        let city = &self.installation.city;
        match self.living.follow(&self.registry, city) {
            Ok(unread) => {
                for no in unread {
                    self.metrics
                        .subscribers
                        .with_label_values(&["unread"])
                        .inc();
                    tracing::warn!(
                        recipient = no,
                        "what the journal says of them opens under no key"
                    );
                }
            }
            Err(error) => tracing::error!(%error, "the directory is as it was before"),
        }
        Arc::clone(&self.living.now.read())
    }

    /// Takes people who subscribe, or changed something: each by itself, by their place in the
    /// request. What is wrong with the others is beside it.
    pub(crate) async fn subscribe(
        self: &Arc<Self>,
        people: Vec<(u32, u64, Resident)>,
    ) -> Result<Vec<Taken>, Untaken> {
        self.alone(move |app, handle| {
            let before = app.directory();
            let keys: Vec<u64> = people.iter().map(|(_, key, _)| *key).collect();
            let (known, mut next) = app.registry.numbers_of(&before, &keys)?;
            let mut moves = Vec::new();
            let mut given: BTreeMap<u64, RecipientNo> = BTreeMap::new();
            let mut taken = Vec::with_capacity(people.len());
            let mut changes = Vec::with_capacity(people.len());
            for ((line, key, resident), known) in people.into_iter().zip(known) {
                let known = known.or_else(|| given.get(&key).copied());
                let recipient = known.unwrap_or_else(|| {
                    next += 1;
                    RecipientNo(next - 1)
                });
                given.insert(key, recipient);
                let is_new = before.recipient(recipient).is_none();
                let (from, to) = (before.home_of(recipient), Some(resident.area));
                if from != to {
                    moves.push(Move {
                        recipient: recipient.0,
                        from,
                        to,
                    });
                }
                changes.push(Change {
                    recipient,
                    key,
                    resident: Some(resident.clone()),
                });
                taken.push(Taken {
                    line,
                    recipient,
                    resident,
                    is_new,
                });
            }
            app.put_changes(&before, &changes, &moves, handle)?;
            Ok(taken)
        })
        .await
    }

    /// Lets somebody leave.
    pub(crate) async fn unsubscribe(self: &Arc<Self>, id: &str) -> Result<RecipientNo, Untaken> {
        let key = Directory::key_of(id);
        self.alone(move |app, handle| {
            let before = app.directory();
            let (known, _) = app.registry.numbers_of(&before, &[key])?;
            let recipient = known.into_iter().flatten().next();
            let recipient = recipient.filter(|no| before.recipient(*no).is_some());
            let recipient = recipient.ok_or(Untaken::Unknown)?;
            let change = Change {
                recipient,
                key,
                resident: None,
            };
            app.put_changes(&before, &[change], &[], handle)?;
            Ok(recipient)
        })
        .await
    }

    /// Forgets somebody, also one who left: their number is all that stays, in ledgers.
    pub(crate) async fn forget(self: &Arc<Self>, id: &str) -> Result<RecipientNo, Untaken> {
        let key = Directory::key_of(id);
        self.alone(move |app, handle| {
            let before = app.directory();
            let (known, _) = app.registry.numbers_of(&before, &[key])?;
            let recipient = known.into_iter().flatten().next();
            let recipient = recipient.ok_or(Untaken::Unknown)?;
            let forgotten = app.registry.forget_one(recipient, app.clock.now());
            let at = handle.block_on(forgotten)?;
            app.registry.wait_for(at);
            app.directory();
            Ok(recipient)
        })
        .await
    }

    /// Keeps changes that have room, and has them in force.
    fn put_changes(
        &self,
        before: &Directory,
        changes: &[Change],
        moves: &[Move],
        handle: &tokio::runtime::Handle,
    ) -> Result<(), Untaken> {
        // Whoever has no room is not on disk either.
        before.changed(&self.installation.city, changes)?;
        let kept = self
            .registry
            .keep_changes(changes, self.clock.now(), |batch| {
                self.put_moves(moves, batch);
            });
        let at = handle.block_on(kept)?;
        self.registry.wait_for(at);
        self.directory();
        Ok(())
    }

    /// Tells the zones that a subscriber watches other areas than before: what stands there, they hear.
    pub(crate) async fn watches(
        &self,
        recipient: RecipientNo,
        before: &[AreaCode],
        now: &[AreaCode],
    ) -> Result<(), JournalError> {
        let step = |from, to| Move {
            recipient: recipient.0,
            from,
            to,
        };
        let left = before.iter().filter(|area| !now.contains(area));
        let came = now.iter().filter(|area| !before.contains(area));
        let moves: Vec<Move> = left
            .map(|area| step(Some(*area), None))
            .chain(came.map(|area| step(None, Some(*area))))
            .collect();
        if moves.is_empty() {
            return Ok(());
        }
        let mut batch = Batch::new(self.clock.now().millis(), Priority::Vital);
        self.put_moves(&moves, &mut batch);
        self.journal.submit_waiting(batch)?.await?;
        Ok(())
    }

    /// Adds moves to the input of every zone that warns of one of their areas.
    fn put_moves(&self, moves: &[Move], batch: &mut Batch) {
        let city = &self.installation.city;
        let input = Topic::new(Kind::Input, self.mode);
        for zone in (0..city.zones.len())
            .filter_map(|zone| u16::try_from(zone).ok())
            .map(Zone)
        {
            let is_of_city = zone == city.city_zone();
            let concerns = |code: &AreaCode| {
                let of = city.area_no(*code).map(|area| city.zone_of(area));
                // Whoever watches the whole city hears of every district.
                is_of_city || of == Some(zone) || of == Some(city.city_zone())
            };
            let own = moves.iter().filter_map(|step| {
                let own = Move {
                    from: step.from.filter(concerns),
                    to: step.to.filter(concerns),
                    ..*step
                };
                (own.from.is_some() || own.to.is_some()).then_some(own)
            });
            let own: Vec<Move> = own.collect();
            if !own.is_empty() {
                let entry = Input::Moved(own);
                batch.append(input, Partition(zone.0), entry.kind(), &[], &entry.encode());
            }
        }
    }

    /// Holds somebody of a request to what a row of the roll is held to.
    pub(crate) fn resident(
        &self,
        joining: &Joining<'_>,
        line: u32,
    ) -> Result<Resident, Vec<Fault>> {
        let directory = Arc::clone(&self.living.now.read());
        directory.resident(&self.installation.city, joining, line)
    }
}
