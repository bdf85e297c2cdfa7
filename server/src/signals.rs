//! Official signals of other authorities on their way into the zones.

use crate::api::Problem;
use crate::app::App;
use dispatch::gateway::cap::poll::{EntryError, Found, Poller};
use dispatch::gateway::cap::{self, Cover, ReadError, SignatureFault};
use journal::{Batch, JournalError, Kind, Partition, Priority, Topic};
use model::{AreaCode, City, Input, Mode, Signal, Zone};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Why a signal was not taken.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotTaken {
    /// It is of another world, and stays so.
    #[error("status: this process serves {}, the alert is {}", .serves.name(), .alert.name())]
    OtherMode {
        /// What this process serves.
        serves: Mode,
        /// What the alert says.
        alert: Mode,
    },
    /// The journal does not accept at present: it is to come again.
    #[error("not stored, send it again: {0}")]
    Journal(#[from] JournalError),
}

impl From<NotTaken> for Problem {
    fn from(why: NotTaken) -> Self {
        match why {
            NotTaken::OtherMode { .. } => Self::bad_request(why.to_string()),
            NotTaken::Journal(_) => Self::unavailable(why.to_string()),
        }
    }
}

/// The areas of a city that an alert covers.
pub(crate) fn covered(city: &City, cover: Cover<'_>) -> Vec<AreaCode> {
    match cover {
        Cover::Code(code) => city.area_no(code).map(|_| code).into_iter().collect(),
        Cover::Shape(polygon) => city
            .gazetteer()
            .areas_touching(&geo::MultiPolygon::new(vec![polygon.clone()]))
            // A tangled polygon covers nothing: its codes still count.
            .unwrap_or_default()
            .into_iter()
            .filter_map(|no| city.area(no))
            .map(|area| area.code)
            .collect(),
    }
}

/// The zones that hear a signal.
pub(crate) fn zones_of(city: &City, signal: &Signal) -> BTreeSet<Zone> {
    // What refers to an earlier message goes wherever that one may stand.
    let mut zones = if signal.references.is_empty() {
        touched(city, &signal.areas)
    } else {
        touched(city, &[])
    };
    // The city's responses count the signals of all districts.
    zones.insert(city.city_zone());
    zones
}

fn touched(city: &City, areas: &[AreaCode]) -> BTreeSet<Zone> {
    let found = areas.iter().filter_map(|code| city.area_no(*code));
    let zones: BTreeSet<Zone> = found.map(|area| city.zone_of(area)).collect();
    if zones.is_empty() || areas.contains(&city.code) {
        return (0..city.zones.len())
            .map(|zone| Zone(zone as u16))
            .collect();
    }
    zones
}

impl App {
    /// Reads one CAP alert of another authority.
    pub(crate) fn read_signals(&self, bytes: &[u8]) -> Result<Vec<Signal>, ReadError> {
        cap::read(bytes, &|cover| self.covered(cover))
    }

    /// The areas of ours that an alert covers.
    pub(crate) fn covered(&self, cover: Cover<'_>) -> Vec<AreaCode> {
        covered(&self.installation.city, cover)
    }

    /// The zones that areas of a signal touch: every zone for the whole city, or for none at all.
    pub(crate) fn zones_of(&self, areas: &[AreaCode]) -> BTreeSet<Zone> {
        touched(&self.installation.city, areas)
    }

    /// Puts a signal into the zones it touches; false where it was taken before. It counts as taken
    /// once it is on disk, and not before.
    pub(crate) async fn signal(&self, signal: &Signal) -> Result<bool, NotTaken> {
        if signal.mode != self.mode {
            return Err(NotTaken::OtherMode {
                serves: self.mode,
                alert: signal.mode,
            });
        }
        let _storing = self.storing_signal.lock().await;
        self.keep_signal(signal).await
    }

    /// The same, while nobody else stores one.
    pub(crate) async fn keep_signal(&self, signal: &Signal) -> Result<bool, NotTaken> {
        if self.view.signal_is_known(signal) {
            return Ok(false);
        }
        self.store_signal(signal).await?;
        self.view.signal_taken(signal);
        Ok(true)
    }

    async fn store_signal(&self, signal: &Signal) -> Result<(), JournalError> {
        let zones = zones_of(&self.installation.city, signal);
        let mut batch = Batch::new(self.clock.now().millis(), Priority::Vital);
        let input = Topic::new(Kind::Input, self.mode);
        let entry = Input::Signal(Box::new(signal.clone()));
        let bytes = entry.encode();
        for zone in zones {
            batch.append(input, Partition(zone.0), entry.kind(), &[], &bytes);
        }
        self.journal.submit(batch)?.await?;
        Ok(())
    }
}

/// Signals of a feed into the journal, until the app stops. What could not be stored comes again in
/// the next round.
pub(crate) async fn follow(app: Arc<App>, mut poller: Poller) {
    let mut ticks = tokio::time::interval(poller.every());
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    while !app.stopping() {
        ticks.tick().await;
        let areas = |cover: Cover<'_>| app.covered(cover);
        let round = match poller.poll(&areas).await {
            Ok(round) => round,
            Err(error) => {
                tracing::warn!(%error, "feed not read");
                continue;
            }
        };
        for fault in &round.faults {
            app.metrics
                .alerts_refused
                .with_label_values(&[reason(fault)])
                .inc();
            tracing::warn!(%fault, "entry of a feed passed over");
        }
        for found in round.found {
            if store(&app, &found).await {
                poller.stored(found);
            }
        }
    }
}

/// Why an entry of a feed was passed over, in a word.
const fn reason(fault: &EntryError) -> &'static str {
    match fault {
        EntryError::Nothing(_) | EntryError::Link(_) => "no_alert",
        EntryError::Http { .. } | EntryError::Status { .. } => "not_fetched",
        EntryError::Signature { error, .. } => match error {
            SignatureFault::Unsigned => "unsigned",
            SignatureFault::Form(_)
            | SignatureFault::Changed
            | SignatureFault::Stranger
            | SignatureFault::Xml(_) => "not_believed",
        },
        EntryError::TooLarge(_) | EntryError::Alert { .. } => "unreadable",
    }
}

/// True where nothing of an entry needs to come again.
async fn store(app: &App, found: &Found) -> bool {
    for signal in &found.signals {
        let identifier = &signal.identifier;
        match app.signal(signal).await {
            Ok(_) => {}
            Err(why @ NotTaken::OtherMode { .. }) => {
                tracing::warn!(identifier, %why, "signal passed over");
            }
            Err(why @ NotTaken::Journal(_)) => {
                tracing::warn!(identifier, %why, "signal comes again");
                return false;
            }
        }
    }
    true
}
