//! Which sensors of a zone fell silent, what their silence hides, and what it says.

use crate::{AreaCode, Hazard, Parameter, StationNo, Tier, Time};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

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

/// What holds now: every [`Silence`] of one zone, folded.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Silences {
    /// By station: parameters, and when each was found silent.
    silent: BTreeMap<StationNo, Vec<(u8, Time)>>,
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
        for (station, parameter) in &change.fell {
            let held = self.silent.entry(*station).or_default();
            held.retain(|(of, _)| of != parameter);
            held.push((*parameter, change.at));
        }
        for (station, parameter) in &change.back {
            if let Some(held) = self.silent.get_mut(station) {
                held.retain(|(of, _)| of != parameter);
            }
        }
        self.silent.retain(|_, held| !held.is_empty());
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

    /// When that series was found silent, where it is.
    pub fn silent_since(&self, station: StationNo, parameter: Parameter) -> Option<Time> {
        let mut held = self.silent.get(&station)?.iter();
        let of = held.find(|(code, _)| *code == parameter.code());
        of.map(|(_, at)| *at)
    }

    /// Every silent series, and when it was found so.
    pub fn silent(&self) -> impl Iterator<Item = (StationNo, Parameter, Time)> + '_ {
        let each = self.silent.iter();
        each.flat_map(|(no, held)| {
            let known = |(code, at): &(u8, Time)| Some((*no, Parameter::from_code(*code)?, *at));
            held.iter().filter_map(known)
        })
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
