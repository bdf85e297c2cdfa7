//! The newest values of the zones that other processes step, for the screens of this one.
//!
//! A console reads the input of those zones and screens it as their owners do, from their newest
//! snapshots on. It keeps no windows: what a chart needs is asked of the owner.

use crate::app::App;
use crate::clock;
use crate::pump::{PumpError, seen};
use crate::zone::Ear;
use journal::{JournalError, Kind, Offset, Partition, Topic};
use model::{Input, Time, Zone};
use std::sync::Arc;
use std::time::Duration;

/// Bytes of input taken of one zone at a time.
const TURN_BYTES: usize = 256 << 10;
/// Between two looks where nothing is new.
const PAUSE: Duration = Duration::from_millis(100);

/// One zone, heard from `next` on.
struct Heard {
    ear: Ear,
    next: Offset,
}

/// Listens until the app stops.
pub(crate) fn run(app: &Arc<App>) -> Result<(), PumpError> {
    let zones = app.installation.city.zones.len();
    let mut heard: Vec<Option<Heard>> = (0..zones).map(|_| None).collect();
    while !app.stopping() {
        let mut is_quiet = true;
        for (zone, heard) in (0u16..).map(Zone).zip(&mut heard) {
            if app.zones.is_here(zone) {
                // Its owner shows it, and it begins anew where it left off.
                *heard = None;
                continue;
            }
            let known = match heard {
                Some(known) => known,
                None => {
                    let (ear, next) = seen(app, zone)?;
                    heard.insert(Heard { ear, next })
                }
            };
            if known.turn(app, zone)? {
                is_quiet = false;
            }
        }
        if is_quiet {
            clock::rest(PAUSE);
        }
    }
    Ok(())
}

impl Heard {
    /// Hears what is there, up to a turn's worth; false where there was nothing.
    fn turn(&mut self, app: &App, zone: Zone) -> Result<bool, PumpError> {
        let input = Topic::new(Kind::Input, app.mode);
        let records = app
            .journal
            .read(input, Partition(zone.0), self.next, TURN_BYTES);
        let records = match records {
            Ok(records) => records,
            // The owner's snapshots made it needless before it was heard here.
            Err(JournalError::Trimmed { first, .. }) => {
                self.next = first;
                return Ok(true);
            }
            Err(error) => return Err(error.into()),
        };
        for record in &records {
            self.next = record.offset.plus(1);
            let at = Time::from_millis(record.time_ms);
            // What cannot be read is its owner's to say.
            match Input::decode(record.kind, record.payload()) {
                Ok(Input::Edition(edition)) => {
                    let installation = app.registry.installation(&edition)?;
                    self.ear.adopt(&installation.city, zone);
                }
                Ok(Input::Observations(rows)) => self.ear.hear(at, &rows),
                Ok(_) | Err(_) => continue,
            }
            app.view.observed(self.ear.heard().rows());
            app.view.found(self.ear.heard().findings());
            app.view.time(at);
        }
        Ok(!records.is_empty())
    }
}
