//! How often the public of each area was rung up lately: what a signer weighs. It decides nothing.

use super::Plan;
use crate::wording::Purpose;
use model::{AreaCode, Channel, Reach, Span, Time};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// How far back it looks.
const LATELY: Span = Span::from_minutes(24 * 60);
/// Kept of one area; a number so high says enough.
const RINGS_MAX: usize = 50;

/// When each area was rung up, oldest first. A revision rings once, by however many channels.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Attention(BTreeMap<AreaCode, VecDeque<Time>>);

impl Attention {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Rings of each area in the 24 hours before `at`.
    pub(super) fn lately(&self, at: Time) -> BTreeMap<AreaCode, u32> {
        let counted = self.0.iter().map(|(area, rings)| {
            let lately = rings.iter().filter(|ring| **ring + LATELY > at).count();
            (*area, u32::try_from(lately).unwrap_or(u32::MAX))
        });
        counted.filter(|(_, rings)| *rings > 0).collect()
    }

    fn note(&mut self, at: Time, areas: &BTreeSet<AreaCode>) {
        self.0.retain(|_, rings| {
            rings.retain(|ring| *ring + LATELY > at);
            !rings.is_empty()
        });
        for area in areas {
            let rings = self.0.entry(*area).or_default();
            if rings.len() >= RINGS_MAX {
                rings.pop_front();
            }
            rings.push_back(at);
        }
    }
}

impl Plan<'_> {
    /// Remembers whom the intents from `first` on ring up now. What waits for the morning rings then
    /// and is left out: it says that something is over.
    pub(super) fn note_rings(&mut self, first: usize) {
        let planned = self.out.iter().skip(first);
        let ringing = planned.filter(|intent| {
            intent.audience.reach == Reach::Public
                && rings(intent.channel)
                && intent.purpose != Purpose::Withdraw
                && intent.not_before.is_none()
        });
        let areas = ringing.flat_map(|intent| intent.audience.areas.iter().copied());
        let areas: BTreeSet<AreaCode> = areas.collect();
        if !areas.is_empty() {
            self.attention.note(self.at, &areas);
        }
    }
}

/// Whether a phone rings by it.
const fn rings(channel: Channel) -> bool {
    match channel {
        Channel::Sms | Channel::Push | Channel::Area | Channel::Cell | Channel::Voice => true,
        Channel::Cap | Channel::Email | Channel::Webhook | Channel::Device | Channel::Broadcast => {
            false
        }
    }
}
