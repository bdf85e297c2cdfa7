//! A zone's screen alone: what a process that steps no windows makes of its observations.

use super::{Heard, screen_at_rest};
use ingest::quality::Screen;
use model::{City, Observation, Time, Zone};

/// Hears the stations at home in one zone.
pub(crate) struct Ear {
    screen: Screen,
    heard: Heard,
}

impl Ear {
    /// One that has heard nothing.
    pub(crate) fn new(city: &City, zone: Zone) -> Self {
        Self {
            screen: Screen::new(city, zone),
            heard: Heard::new(city, zone),
        }
    }

    /// One that goes on where a machine at rest stood, as [`super::Machine::snapshot`] gives it.
    ///
    /// # Errors
    /// Why those bytes are none.
    pub(crate) fn at_rest(city: &City, zone: Zone, machine: &[u8]) -> Result<Self, String> {
        let screen = screen_at_rest(machine)?;
        let screen = Screen::decode(city, zone, screen).map_err(|error| error.to_string())?;
        Ok(Self {
            screen,
            heard: Heard::new(city, zone),
        })
    }

    /// Goes on with another edition of the city.
    pub(crate) fn adopt(&mut self, city: &City, zone: Zone) {
        self.screen = self.screen.with_registry(city, zone);
        self.heard = Heard::new(city, zone);
    }

    /// Screens the observations of one record.
    pub(crate) fn hear(&mut self, at: Time, rows: &[Observation]) {
        self.heard.clear();
        for row in rows {
            if self.heard.is_home(row.station) {
                let screened = self.screen.step(at, row);
                self.heard.screened(&screened);
            }
        }
    }

    /// What came of the last record.
    pub(crate) const fn heard(&self) -> &Heard {
        &self.heard
    }
}
