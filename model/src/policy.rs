//! The policies of an installation, as `city.toml` has them.

use crate::authority::{AuthorityId, Matrix};
use crate::release::{Approval, Flow, Ladder, Lateness, Reach};
use crate::{
    Cadence, Channel, Hazard, Muting, Offset, Parameter, QuietHours, Roster, Span, Staleness,
    Station, Telling, Tier, Time, When,
};
use serde::Deserialize;
use std::collections::BTreeMap;

/// Silence after which a station counts as stale where neither its kind nor `other` is listed.
pub const STALE_AFTER: Span = Span::from_minutes(60);

/// The same for rain gauges and depth sensors of roads and culverts, which report each minute.
pub const STALE_AFTER_MINUTES: Span = Span::from_minutes(10);

/// The same for depth sensors while rain falls: what floods within minutes is not left unseen for ten.
pub const STALE_AFTER_IN_RAIN: Span = Span::from_minutes(2);

/// The same for what is published once a day.
pub const STALE_AFTER_DAILY: Span = Span::from_minutes(26 * 60);

/// Who may issue, how it is released, who is asked, what is late.
#[derive(Clone, Debug, Default)]
pub struct Policy {
    /// Authority × hazard × area × tier → act.
    pub matrix: Matrix,
    /// Release flows, in file order: the first that matches holds.
    pub flows: Vec<Flow>,
    /// Call-and-answer.
    pub ladders: Vec<Ladder>,
    /// Who is on duty when.
    pub roster: Roster,
    /// Clock and deputies where a flow has none of its own.
    pub approval: Approval,
    /// How people are told.
    pub telling: Telling,
    /// What is late or early.
    pub lateness: Lateness,
    /// How long a rule may be silenced.
    pub muting: Muting,
    /// Silence that makes a station stale, by kind; `other` for kinds not listed.
    pub staleness: BTreeMap<String, Staleness>,
    /// How far around it a kind of station sees, kilometres; `other` for kinds not listed.
    pub sight: BTreeMap<String, f64>,
    /// When many silent stations mean something together.
    pub silence: Together,
}

/// Stations of one area that fell silent together (a design default of ours).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Together {
    /// So many of a township are a finding.
    pub stations: u32,
    /// Their last readings lie no further apart.
    pub within: Span,
    /// Rain counts as falling so long after the last reading of some.
    pub rain_for: Span,
}

impl Default for Together {
    fn default() -> Self {
        Self {
            stations: 5,
            within: Span::from_minutes(10),
            rain_for: Span::from_minutes(30),
        }
    }
}

impl Policy {
    /// How that release comes about; [`Flow::by_default`] where no flow speaks of it.
    pub fn flow(&self, authority: &AuthorityId, hazard: Hazard, tier: Tier, reach: Reach) -> Flow {
        self.flows
            .iter()
            .find(|flow| flow.holds_for(authority, hazard, tier, reach))
            .cloned()
            .unwrap_or_else(|| Flow::by_default(reach, &self.approval))
    }

    /// The flow that opens `channel`: the first that holds, or a later one that lists the channel
    /// where the first does not and that asks for no more signatures; what is released is released
    /// once. `None` where none opens it.
    pub fn flow_by(
        &self,
        channel: Channel,
        authority: &AuthorityId,
        hazard: Hazard,
        tier: Tier,
        reach: Reach,
    ) -> Option<Flow> {
        let first = self.flow(authority, hazard, tier, reach);
        if first.channels.contains(&channel) {
            return Some(first);
        }
        let mut others = self.flows.iter().filter(|flow| {
            flow.holds_for(authority, hazard, tier, reach) && flow.channels.contains(&channel)
        });
        others
            .find(|flow| flow.signatures <= first.signatures)
            .cloned()
    }

    /// The ladder of that tier, if any.
    pub fn ladder(&self, tier: Tier) -> Option<&Ladder> {
        self.ladders.iter().find(|l| l.tiers.contains(&tier))
    }

    /// The ladder by which a call of that tier begins at that time.
    pub fn ladder_at(&self, tier: Tier, at: Time, offset: Offset) -> Option<&Ladder> {
        let holds = |hours: QuietHours| hours.until(at, offset).is_some();
        let mut of_tier = self.ladders.iter().filter(|l| l.tiers.contains(&tier));
        of_tier.find(|ladder| ladder.hours.is_none_or(holds))
    }

    /// How long a station of that kind may be silent about that parameter then: what screens, holds
    /// and the look for silence go by.
    pub fn stale_after(&self, kind: &str, parameter: Parameter, when: When) -> Span {
        self.staleness(kind, parameter).at(when)
    }

    /// The same for a station, which is given some intervals of its own: of the one it is registered
    /// with, else of the one that its readings show, and then no more than a day.
    pub fn silent_after(
        &self,
        station: &Station,
        parameter: Parameter,
        when: When,
        cadence: &Cadence,
    ) -> Span {
        let staleness = self.staleness(&station.kind, parameter);
        let own = match station.interval() {
            Some(registered) => staleness.of_interval(registered),
            None => staleness.of_cadence(cadence),
        };
        staleness.at(when).max(own)
    }

    /// So many intervals of its own a kind of station is given.
    pub fn intervals(&self, kind: &str, parameter: Parameter) -> u8 {
        self.staleness(kind, parameter).intervals
    }

    /// How far around it a station of that kind sees what it measures, kilometres. Rain and weather
    /// are alike for some way, what stands in a river or on a slope tells of that place alone.
    pub fn sees_km(&self, kind: &str, parameter: Parameter) -> f64 {
        let listed = self.sight.get(kind).or(self.sight.get("other"));
        let by_default = match parameter {
            Parameter::Rainfall | Parameter::RainfallTotal | Parameter::Snowfall => 5.0,
            Parameter::WindSpeed
            | Parameter::WindGust
            | Parameter::WindDirection
            | Parameter::Temperature
            | Parameter::Humidity
            | Parameter::Pressure
            | Parameter::Lightning
            | Parameter::Hail
            | Parameter::FireDanger => 15.0,
            Parameter::Visibility
            | Parameter::RoadTemperature
            | Parameter::WaterDepth
            | Parameter::WaterLevel
            | Parameter::Flow
            | Parameter::SoilMoisture
            | Parameter::Displacement
            | Parameter::Tilt
            | Parameter::Crack
            | Parameter::PorePressure
            | Parameter::GroundwaterLevel
            | Parameter::Storage => 0.0,
        };
        listed.copied().unwrap_or(by_default)
    }

    fn staleness(&self, kind: &str, parameter: Parameter) -> Staleness {
        let listed = self.staleness.get(kind);
        let other = self.staleness.get("other");
        let by_default = match parameter {
            Parameter::Rainfall | Parameter::RainfallTotal => Staleness::of(STALE_AFTER_MINUTES),
            Parameter::WaterDepth => Staleness {
                in_rain: Some(STALE_AFTER_IN_RAIN),
                intervals: 2,
                ..Staleness::of(STALE_AFTER_MINUTES)
            },
            Parameter::WaterLevel
            | Parameter::Flow
            | Parameter::WindSpeed
            | Parameter::WindGust
            | Parameter::WindDirection
            | Parameter::Temperature
            | Parameter::Humidity
            | Parameter::Pressure
            | Parameter::Visibility
            | Parameter::SoilMoisture
            | Parameter::Displacement
            | Parameter::Tilt
            | Parameter::Crack
            | Parameter::PorePressure
            | Parameter::GroundwaterLevel
            | Parameter::Snowfall
            | Parameter::Lightning
            | Parameter::Hail
            | Parameter::RoadTemperature => Staleness::of(STALE_AFTER),
            Parameter::FireDanger | Parameter::Storage => Staleness::of(STALE_AFTER_DAILY),
        };
        listed.or(other).cloned().unwrap_or(by_default)
    }
}
