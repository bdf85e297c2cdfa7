//! Falls and all-clears on their way, so that a new warning of the same hazard and place takes them
//! back: yesterday's all-clear must not arrive while today's warning stands.
//!
//! Within one warning the queues do that by themselves; this remembers across warnings.

use super::Plan;
use super::told::Way;
use crate::intent::{Audience, Intent, IntentId};
use crate::wording::Purpose;
use model::{AreaCode, Channel, Hazard, Reach, Time, WarningId};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeSet, VecDeque};

/// Most that are remembered; each is gone when its message may no longer leave, within a day.
const EASED_MAX: usize = 1000;

/// What eased, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Eased(VecDeque<Easing>);

/// One fall or all-clear to the public.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Easing {
    warning: WarningId,
    revision: u32,
    hazard: Hazard,
    link: String,
    channel: Channel,
    areas: BTreeSet<AreaCode>,
    until: Time,
}

impl Eased {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Plan<'_> {
    /// Remembers the fall that was just planned. A cancellation is not one: who was told wrongly
    /// hears that, whatever came after.
    pub(super) fn note_eased(&mut self) {
        let at = self.at;
        self.eased.0.retain(|easing| easing.until > at);
        let Some(intent) = self.out.last() else {
            return;
        };
        if intent.purpose == Purpose::Cancelled {
            return;
        }
        if self.eased.0.len() >= EASED_MAX {
            self.eased.0.pop_front();
        }
        self.eased.0.push_back(Easing {
            warning: intent.warning,
            revision: intent.revision,
            hazard: self.warning.hazard,
            link: intent.link.clone(),
            channel: intent.channel,
            areas: intent.audience.areas.iter().copied().collect(),
            until: intent.not_after,
        });
    }

    /// Takes what eased by other warnings of the hazard in `areas` out of the queues.
    pub(super) fn take_back_eased(&mut self, way: Way, areas: &BTreeSet<AreaCode>) {
        let (at, warning) = (self.at, self.warning);
        for easing in &mut self.eased.0 {
            let is_other = easing.warning != warning.id
                && easing.hazard == warning.hazard
                && easing.channel == way.channel
                && easing.until > at;
            let both: Vec<AreaCode> = easing.areas.intersection(areas).copied().collect();
            if !is_other || both.is_empty() {
                continue;
            }
            easing.areas.retain(|code| !areas.contains(code));
            let revision = easing.revision.saturating_add(1);
            let by = format!("for {} {} {:?}", warning.id, warning.revision, both.first());
            let mut audience = Audience::of(Reach::Public, self.desk.directory);
            audience.areas = both;
            self.out.push(Intent {
                id: IntentId::derive(
                    easing.warning,
                    revision,
                    &easing.link,
                    Purpose::Withdraw,
                    Reach::Public,
                    &by,
                ),
                warning: easing.warning,
                revision,
                purpose: Purpose::Withdraw,
                link: easing.link.clone(),
                channel: easing.channel,
                mode: warning.mode,
                audience,
                only_told: false,
                only_new: false,
                again: false,
                by_area: false,
                words: Vec::new(),
                spare: Vec::new(),
                instead_of: None,
                tried: Vec::new(),
                moved_from: Vec::new(),
                tier: warning.tier(),
                onset: warning.time,
                exposure: 2,
                not_before: None,
                not_after: easing.until,
                created: at,
            });
        }
        self.eased.0.retain(|easing| !easing.areas.is_empty());
    }
}
