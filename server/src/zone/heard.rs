//! What the screen made of one record's observations: for the screens and the counters, in memory that
//! is used again, so that a reading without a finding costs no allocation.

use ingest::quality::{Arrival, Finding, Screened};
use model::{City, Observation, StationNo, Zone};

/// The observations of one record that are this zone's to show.
#[derive(Debug, Default)]
pub(crate) struct Heard {
    /// By station number: whether this zone is its home. Others see copies.
    homes: Vec<bool>,
    rows: Vec<Observation>,
    findings: Vec<Finding>,
    arrivals: Arrivals,
}

/// How observations came in, where that was not in time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Arrivals {
    pub(crate) late: u64,
    pub(crate) duplicate: u64,
    pub(crate) correction: u64,
}

impl Heard {
    /// Nothing yet, of the stations that are at home in `zone`.
    pub(super) fn new(city: &City, zone: Zone) -> Self {
        let stations = city.stations.iter();
        Self {
            homes: stations.map(|s| s.zones.first() == Some(&zone)).collect(),
            ..Self::default()
        }
    }

    /// Observations with the flags that the screen gave them.
    pub(crate) fn rows(&self) -> &[Observation] {
        &self.rows
    }

    /// What a person should look at.
    pub(crate) fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// How many did not come in time.
    pub(crate) const fn arrivals(&self) -> Arrivals {
        self.arrivals
    }

    pub(super) fn clear(&mut self) {
        self.rows.clear();
        self.findings.clear();
        self.arrivals = Arrivals::default();
    }

    /// A reading that no rule counts: as it was received.
    pub(super) fn received(&mut self, row: &Observation) {
        if self.is_home(row.station) {
            self.rows.push(*row);
        }
    }

    /// A reading as the screen found it. Of one that came before, the first finding stands.
    #[inline]
    pub(super) fn screened(&mut self, screened: &Screened) {
        if !self.is_home(screened.observation.station) {
            return;
        }
        match screened.arrival {
            Arrival::InTime => {}
            Arrival::Late => self.arrivals.late += 1,
            Arrival::Duplicate => self.arrivals.duplicate += 1,
            Arrival::Correction => self.arrivals.correction += 1,
        }
        if !screened.is_repeat() {
            self.rows.push(screened.observation);
        }
        self.findings.extend(screened.finding);
    }

    /// Whether the zone is the station's home.
    pub(super) fn is_home(&self, station: StationNo) -> bool {
        self.homes.get(station.0 as usize) == Some(&true)
    }
}
