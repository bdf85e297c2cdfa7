//! Signals of other authorities, at the subjects of the rules that ask for them.

use super::Engine;
use crate::area::Standing;
use crate::bulletin::Shelf;
use crate::condition::Asked;
use crate::effect::Effect;
use crate::rulebook::{Rule, Rulebook};
use model::{AreaNo, City, Hazard, Signal, Tier, Time};
use std::collections::BTreeMap;

/// Tiers in force by area, of the hazards that a rule asks for.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct InForce(BTreeMap<Hazard, Box<[Tier]>>);

impl InForce {
    /// A signal stands in its areas and in all that lie within them.
    pub(super) fn of(rulebook: &Rulebook, shelf: &Shelf, city: &City) -> Self {
        let asked = rulebook.rules.iter().flat_map(|rule| &rule.asked);
        let hazards = asked.filter_map(|asked| match asked {
            Asked::Signal(hazard) => Some(*hazard),
            Asked::Situation { .. } => None,
        });
        let tiers = |hazard: Hazard| {
            let mut tiers = vec![Tier::None; city.areas.len()];
            for signal in shelf
                .signals()
                .filter(|signal| signal.hazard == Some(hazard))
            {
                let known = signal.areas.iter();
                let covers: Vec<AreaNo> = known.filter_map(|code| city.area_no(*code)).collect();
                for (place, tier) in (0..).map(AreaNo).zip(&mut tiers) {
                    if covers.iter().any(|area| city.is_within(place, *area)) {
                        *tier = signal.tier.max(*tier);
                    }
                }
            }
            (hazard, tiers.into())
        };
        Self(hazards.map(tiers).collect())
    }

    /// What stands where an area lies. What an authority says is neither late nor suspect.
    pub(super) fn at(&self, hazard: Hazard, area: AreaNo) -> Standing {
        let tiers = self.0.get(&hazard);
        let tier = tiers.and_then(|tiers| tiers.get(usize::from(area.0)));
        let tier = tier.copied().unwrap_or_default();
        Standing {
            reached: tier,
            put: tier,
            timely: tier,
            confirmed: tier,
            measured: tier,
        }
    }
}

impl Engine {
    /// A message of another authority came in. A signal ends when its authority says so, never by
    /// itself (design §3): there is nothing to wait for.
    pub fn signal(&mut self, at: Time, signal: &Signal, out: &mut Vec<Effect>) {
        self.tick(at, out);
        self.with_desk(out, |shelf, desk| shelf.take(signal, desk));
        let in_force = InForce::of(&self.rulebook, &self.bulletins, &self.city);
        if in_force != self.in_force {
            self.in_force = in_force;
            self.look_at(self.at.millis(), Rule::asks_for_signals);
            self.settle(out);
        }
    }
}
