//! Follows what zones and links say, for the screens: after a start all of it, from then on what
//! other processes say. What this process steps itself is on its screens as it says it.
//!
//! Each zone's fold is kept as a snapshot by whoever steps the zone, so that a start reads that and
//! at most [`RECORDS_MAX`] records (with what comes within a round) after it, never all.

use crate::app::App;
use crate::registry::RegistryError;
use crate::remember::{RELEASED_MAX, Remembered, Revision, Said};
use crate::roles::Role;
use crate::snapshot::{Generations, Owner, Snapshot};
use crate::view::DeliveryItem;
use journal::{Journal, JournalError, Kind, Offset, Partition, Record, Ticket, Topic};
use model::record::Edition;
use model::warning::Event;
use model::{Mode, Time, Zone};
use parking_lot::Mutex;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

/// Most records read since the last snapshot before the next one is taken.
const RECORDS_MAX: u64 = 1_000;
/// Between two looks at what is new, where this process says all of it itself.
const ROUND: Duration = Duration::from_millis(200);
/// The same where others speak too: people wait for it.
const ROUND_OF_MANY: Duration = Duration::from_millis(25);
/// Bytes read at once.
const READ_BYTES: usize = 1 << 20;
/// Documents looked for in one round.
const DOCUMENTS_A_ROUND: usize = 64;

/// Why the screens are followed no longer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FollowError {
    /// The journal.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// What is in force.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// A round did not come to its end.
    #[error("a round was cut short: {0}")]
    CutShort(#[from] tokio::task::JoinError),
}

/// How far each zone and each link is followed.
pub(crate) struct Screens {
    mode: Mode,
    zones: Vec<Mutex<OfZone>>,
    /// Next row of each link's ledger.
    links: Vec<Mutex<Offset>>,
    /// Released elsewhere; their documents follow once they have their identifier.
    unwritten: Mutex<VecDeque<Revision>>,
}

struct OfZone {
    remembered: Remembered,
    next: Offset,
    generations: Generations,
    /// Records folded since the last snapshot.
    unsaved: u64,
    taken: Time,
    /// Whether its snapshots were ours to take at the last look.
    was_here: bool,
}

impl Screens {
    /// The newest snapshot of each zone, and all that came after it.
    pub(crate) fn open(
        journal: &dyn Journal,
        mode: Mode,
        zones: usize,
        links: usize,
        now: Time,
    ) -> Result<Self, JournalError> {
        let zones = (0..zones).map(|zone| OfZone::open(journal, mode, Zone(zone as u16), now));
        Ok(Self {
            mode,
            zones: zones
                .map(|zone| zone.map(Mutex::new))
                .collect::<Result<_, _>>()?,
            links: (0..links).map(|_| Mutex::default()).collect(),
            unwritten: Mutex::default(),
        })
    }

    /// Shows what was remembered, and writes the CAP documents again.
    pub(crate) fn show(&self, app: &App) {
        let mut released = Vec::new();
        for zone in &self.zones {
            let zone = zone.lock();
            zone.remembered.show(app);
            released.extend(zone.remembered.released().cloned());
        }
        released.sort_by_key(|r| (r.at, r.warning.zone, r.warning.revision));
        self.unwritten.lock().extend(released);
        self.write(app, usize::MAX);
        if app.kafka.is_none() {
            // What has no identifier yet gets it from the link that publishes, which is here.
            self.unwritten.lock().clear();
        }
    }

    /// Follows a zone up to its end.
    pub(crate) fn catch_up(&self, app: &App, zone: Zone) -> Result<(), JournalError> {
        let Some(of) = self.zones.get(usize::from(zone.0)) else {
            return Ok(());
        };
        let is_here = app.zones.is_here(zone);
        let topic = Topic::new(Kind::Warnings, self.mode);
        let mut of = of.lock();
        let mut next = of.next;
        let read = follow(
            &*app.journal,
            topic,
            Partition(zone.0),
            &mut next,
            |record| {
                let at = Time::from_millis(record.time_ms);
                let said = Said::read(record);
                if !is_here {
                    said.show(app, zone, at);
                    self.released(at, &said);
                }
                of.unsaved += 1;
                of.remembered.apply(at, said);
            },
        );
        of.next = next;
        read
    }

    /// Notes that another process released a warning, whose document will follow.
    fn released(&self, at: Time, said: &Said) {
        let Said::Warning(warning) = said else { return };
        if warning.event == Event::Proposed {
            return;
        }
        let warning = (**warning).clone();
        let mut unwritten = self.unwritten.lock();
        unwritten.push_back(Revision { at, warning });
        if unwritten.len() > RELEASED_MAX {
            unwritten.pop_front();
        }
    }

    /// Writes the documents of what other processes published, in their order, up to so many.
    pub(crate) fn write(&self, app: &App, most: usize) {
        let waiting = self.unwritten.lock().len().min(most);
        for _ in 0..waiting {
            let Some(Revision { at, warning }) = self.unwritten.lock().pop_front() else {
                return;
            };
            match app.cap.recall(&*app.journal, &warning) {
                Ok(true) => {}
                Ok(false) => self.unwritten.lock().push_back(Revision { at, warning }),
                Err(error) => tracing::warn!(warning = %warning.id, %error, "no CAP document"),
            }
        }
    }

    /// Follows everything until the app stops. Reading and writing a whole fold takes long: neither
    /// may hold up those who answer requests.
    pub(crate) async fn run(app: Arc<App>) -> Result<(), FollowError> {
        let is_one_of_many = app.kafka.is_some();
        let pause = if is_one_of_many { ROUND_OF_MANY } else { ROUND };
        while !app.stopping() {
            tokio::time::sleep(pause).await;
            let shared = Arc::clone(&app);
            let round = tokio::task::spawn_blocking(move || shared.screens.round(&shared));
            for stored in round.await?? {
                match stored.await {
                    // It went to another process meanwhile, which takes its snapshots.
                    Ok(_) | Err(JournalError::Fenced { .. }) => {}
                    Err(error) => return Err(error.into()),
                }
            }
        }
        Ok(())
    }

    /// Follows what is new; gives the tickets of snapshots that were due.
    fn round(&self, app: &App) -> Result<Vec<Ticket>, FollowError> {
        // What zones say by another rulebook is shown by it.
        app.reload.follow(&app.registry)?;
        let mut stored = Vec::new();
        for (zone, of) in (0u16..).map(Zone).zip(&self.zones) {
            self.catch_up(app, zone)?;
            match of.lock().keep(app, self.mode, zone) {
                Ok(ticket) => stored.extend(ticket),
                Err(JournalError::Fenced { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        if app.kafka.is_some() && app.roles.has(Role::Console) {
            let ledger = Topic::new(Kind::Ledger, self.mode);
            for (link, next) in (0u16..).zip(&self.links) {
                if !app.serves_link(usize::from(link)) {
                    let mut next = next.lock();
                    follow(&*app.journal, ledger, Partition(link), &mut next, |row| {
                        show_row(app, row);
                    })?;
                }
            }
            self.write(app, DOCUMENTS_A_ROUND);
        }
        Ok(stored)
    }
}

impl App {
    /// Follows every zone up to its end, away from those who answer requests.
    pub(crate) async fn every_zone(self: &Arc<Self>) -> Result<(), JournalError> {
        let app = Arc::clone(self);
        let read = tokio::task::spawn_blocking(move || {
            let mut zones = (0..app.installation.city.zones.len()).map(|zone| Zone(zone as u16));
            zones.try_for_each(|zone| app.screens.catch_up(&app, zone))
        });
        read.await.unwrap_or(Err(JournalError::Closed))
    }

    /// The same, and writes every document that other processes published.
    pub(crate) async fn every_document(self: &Arc<Self>) -> Result<(), JournalError> {
        self.every_zone().await?;
        self.screens.write(self, usize::MAX);
        Ok(())
    }
}

/// Shows a row of a link's ledger; an intent that its link forgot stays on the board.
fn show_row(app: &App, record: &Record) {
    if record.payload().is_empty() {
        return;
    }
    match serde_json::from_slice::<DeliveryItem>(record.payload()) {
        Ok(item) => app.view.delivery(item),
        Err(error) => {
            tracing::error!(offset = record.offset.0, %error, "row of the ledger passed over");
        }
    }
}

impl OfZone {
    fn open(
        journal: &dyn Journal,
        mode: Mode,
        zone: Zone,
        now: Time,
    ) -> Result<Self, JournalError> {
        let topic = Topic::new(Kind::Warnings, mode);
        let mut of = Self {
            remembered: Remembered::default(),
            next: journal.first(topic, Partition(zone.0))?,
            generations: Generations::new(mode, Owner::Screens(zone)),
            unsaved: 0,
            taken: now,
            was_here: false,
        };
        while let Some(found) = of.generations.load(journal)? {
            match (serde_json::from_slice(&found.state), &*found.positions) {
                (Ok(remembered), [next, ..]) => {
                    of.remembered = remembered;
                    of.next = of.next.max(*next);
                    break;
                }
                (Ok(_), []) => {}
                (Err(error), _) => {
                    tracing::error!(zone = zone.0, %error, "screens' snapshot unusable");
                }
            }
        }
        let mut next = of.next;
        follow(journal, topic, Partition(zone.0), &mut next, |record| {
            of.unsaved += 1;
            let at = Time::from_millis(record.time_ms);
            of.remembered.apply(at, Said::read(record));
        })?;
        of.next = next;
        Ok(of)
    }

    /// Takes a snapshot where the zone is ours and one is due.
    fn keep(&mut self, app: &App, mode: Mode, zone: Zone) -> Result<Option<Ticket>, JournalError> {
        let is_here = app.zones.is_here(zone);
        if is_here && !std::mem::replace(&mut self.was_here, is_here) {
            // Another process may have taken some meanwhile.
            self.generations = Generations::new(mode, Owner::Screens(zone));
            drop(self.generations.load(&*app.journal)?);
        }
        self.was_here = is_here;
        let now = app.clock.now();
        let is_far = self.unsaved >= RECORDS_MAX.min(app.snapshots.inputs);
        let is_old = now >= self.taken + app.snapshots.every;
        if !is_here || self.unsaved == 0 || !(is_far || is_old) {
            return Ok(None);
        }
        let snapshot = Snapshot {
            positions: vec![self.next],
            edition: Edition::default(),
            state: serde_json::to_vec(&self.remembered).unwrap_or_default(),
        };
        let (stored, _) = self
            .generations
            .store(&*app.journal, now.millis(), &snapshot)?;
        (self.unsaved, self.taken) = (0, now);
        Ok(Some(stored))
    }
}

/// Reads a partition from `next` to its end.
fn follow(
    journal: &dyn Journal,
    topic: Topic,
    partition: Partition,
    next: &mut Offset,
    mut take: impl FnMut(&Record),
) -> Result<(), JournalError> {
    loop {
        let records = match journal.read(topic, partition, *next, READ_BYTES) {
            Ok(records) => records,
            // Retention was faster than we are: what is gone is not shown.
            Err(JournalError::Trimmed { first, .. }) => {
                *next = first;
                continue;
            }
            Err(error) => return Err(error),
        };
        if records.is_empty() {
            return Ok(());
        }
        for record in records {
            take(&record);
            *next = record.offset.plus(1);
        }
    }
}
