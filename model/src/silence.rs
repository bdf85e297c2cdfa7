//! Which sensors of a zone fell silent, what their silence hides, and what it says.

use crate::{AreaCode, Hazard, Parameter, StationNo, Tier, Time};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Silent stations named behind one area that nobody sees; all are counted.
pub const NAMED_MAX: usize = 20;

/// What one whole minute changed in a zone: one record, however many stations it is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Silence {
    /// The minute.
    pub at: Time,
    /// Code of the zone.
    pub zone: AreaCode,
    /// Series that fell silent, by station and parameter.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fell: Vec<(StationNo, u8)>,
    /// Series that report again, or are listened to no longer.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub back: Vec<(StationNo, u8)>,
    /// Areas that became blind or see again, or whose storm came or went.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub blind: Vec<Blind>,
    /// Stations lost together, or heard again.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub clusters: Vec<Cluster>,
}

/// An area in which no live sensor sees a hazard.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Blind {
    /// What nobody sees there.
    pub hazard: Hazard,
    /// Where.
    pub area: AreaCode,
    /// Since when; `None` where a sensor sees again.
    pub since: Option<Time>,
    /// The highest tier of the hazard in force there or in the same district: above none it is an
    /// alarm.
    pub storm: Tier,
    /// How many stations would see it.
    pub count: u32,
    /// The first [`NAMED_MAX`] of them.
    pub stations: Vec<StationNo>,
}

/// Stations of one area whose last readings came within minutes of each other: the power or the
/// network there went, or worse.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cluster {
    /// Where.
    pub area: AreaCode,
    /// When the last of them was heard.
    pub since: Time,
    /// Which; none where it is over.
    pub stations: Vec<StationNo>,
}

/// What holds now: every [`Silence`] of some zones, folded.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Silences {
    silent: BTreeSet<(StationNo, u8)>,
    blind: Vec<Blind>,
    clusters: BTreeMap<AreaCode, Cluster>,
}

impl Silence {
    /// Nothing changed.
    pub const fn new(at: Time, zone: AreaCode) -> Self {
        Self {
            at,
            zone,
            fell: Vec::new(),
            back: Vec::new(),
            blind: Vec::new(),
            clusters: Vec::new(),
        }
    }

    /// True where nothing changed.
    pub const fn is_empty(&self) -> bool {
        self.fell.is_empty()
            && self.back.is_empty()
            && self.blind.is_empty()
            && self.clusters.is_empty()
    }

    /// True where somebody should look at once: an area went blind in a storm, or many stations
    /// went together.
    pub fn is_alarm(&self) -> bool {
        self.blind.iter().any(Blind::is_alarm)
            || self.clusters.iter().any(|c| !c.stations.is_empty())
    }
}

impl Blind {
    /// True where nobody sees a hazard that is there.
    pub fn is_alarm(&self) -> bool {
        self.since.is_some() && self.storm > Tier::None
    }
}

impl Silences {
    /// Takes a change in.
    pub fn apply(&mut self, change: &Silence) {
        self.silent.extend(change.fell.iter().copied());
        for back in &change.back {
            self.silent.remove(back);
        }
        for blind in &change.blind {
            let of = |held: &Blind| (held.hazard, held.area) == (blind.hazard, blind.area);
            self.blind.retain(|held| !of(held));
            if blind.since.is_some() {
                self.blind.push(blind.clone());
            }
        }
        for cluster in &change.clusters {
            if cluster.stations.is_empty() {
                self.clusters.remove(&cluster.area);
            } else {
                self.clusters.insert(cluster.area, cluster.clone());
            }
        }
    }

    /// Adds what another zone said.
    pub fn join(&mut self, other: &Self) {
        self.silent.extend(other.silent.iter().copied());
        self.blind.extend(other.blind.iter().cloned());
        let clusters = other.clusters.iter();
        self.clusters
            .extend(clusters.map(|(area, cluster)| (*area, cluster.clone())));
    }

    /// True where that series is silent.
    pub fn is_silent(&self, station: StationNo, parameter: Parameter) -> bool {
        self.silent.contains(&(station, parameter.code()))
    }

    /// Every silent series.
    pub fn silent(&self) -> impl Iterator<Item = (StationNo, Parameter)> + '_ {
        let known = |(no, code): &(StationNo, u8)| Some((*no, Parameter::from_code(*code)?));
        self.silent.iter().filter_map(known)
    }

    /// Areas that nobody sees.
    pub fn blind(&self) -> &[Blind] {
        &self.blind
    }

    /// Stations lost together.
    pub fn clusters(&self) -> impl Iterator<Item = &Cluster> {
        self.clusters.values()
    }
}
