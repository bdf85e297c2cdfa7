//! The policies of an installation, as `city.toml` has them.

use crate::authority::{AuthorityId, Matrix};
use crate::release::{Approval, Flow, Ladder, Lateness, Reach};
use crate::{Channel, Hazard, Muting, Parameter, Span, Telling, Tier};
use std::collections::BTreeMap;

/// Silence after which a station counts as stale where neither its kind nor `other` is listed.
pub const STALE_AFTER: Span = Span::from_minutes(60);

/// The same for rain gauges and depth sensors of roads and culverts, which report each minute.
pub const STALE_AFTER_MINUTES: Span = Span::from_minutes(10);

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
    /// Clock and deputies where a flow has none of its own.
    pub approval: Approval,
    /// How people are told.
    pub telling: Telling,
    /// What is late or early.
    pub lateness: Lateness,
    /// How long a rule may be silenced.
    pub muting: Muting,
    /// Silence that makes a station stale, by kind; `other` for kinds not listed.
    pub staleness: BTreeMap<String, Span>,
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

    /// How long a station of that kind may be silent about that parameter.
    pub fn stale_after(&self, kind: &str, parameter: Parameter) -> Span {
        let listed = self.staleness.get(kind);
        let other = self.staleness.get("other");
        let by_default = match parameter {
            Parameter::Rainfall | Parameter::RainfallTotal | Parameter::WaterDepth => {
                STALE_AFTER_MINUTES
            }
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
            | Parameter::RoadTemperature => STALE_AFTER,
            Parameter::FireDanger | Parameter::Storage => STALE_AFTER_DAILY,
        };
        listed.or(other).copied().unwrap_or(by_default)
    }
}
