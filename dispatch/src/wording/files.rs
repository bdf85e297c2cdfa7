//! The template files as they are written: phrases by hazard, frames by channel.

use super::Purpose;
use model::{Hazard, Language, Tier};
use serde::Deserialize;
use std::collections::BTreeMap;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Phrases {
    pub(super) hazard: Hazard,
    pub(super) white: Option<BTreeMap<Language, Phrase>>,
    pub(super) blue: BTreeMap<Language, Phrase>,
    pub(super) yellow: BTreeMap<Language, Phrase>,
    pub(super) orange: BTreeMap<Language, Phrase>,
    pub(super) red: BTreeMap<Language, Phrase>,
    pub(super) after: BTreeMap<Language, After>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Phrase {
    pub(super) effect: String,
    pub(super) action: String,
    pub(super) duty: String,
    pub(super) sign: String,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct After {
    pub(super) fall: String,
    pub(super) ended: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Frame {
    #[serde(default)]
    pub(super) subject: String,
    pub(super) text: String,
    #[serde(default)]
    pub(super) instruction: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Frames {
    #[serde(default)]
    pub(super) limits: BTreeMap<Language, usize>,
    /// Of mails: the line that says where the link to answer is.
    #[serde(default)]
    pub(super) link: BTreeMap<Language, String>,
    #[serde(default)]
    pub(super) alert: BTreeMap<Language, Frame>,
    #[serde(default)]
    pub(super) rise: BTreeMap<Language, Frame>,
    #[serde(default)]
    pub(super) fall: BTreeMap<Language, Frame>,
    #[serde(default)]
    pub(super) ended: BTreeMap<Language, Frame>,
    #[serde(default)]
    pub(super) cancelled: BTreeMap<Language, Frame>,
    #[serde(default)]
    pub(super) reminder: BTreeMap<Language, Frame>,
    #[serde(default)]
    pub(super) stand_down: BTreeMap<Language, Frame>,
    #[serde(default)]
    pub(super) request: BTreeMap<Language, Frame>,
    #[serde(default)]
    pub(super) request_over: BTreeMap<Language, Frame>,
    #[serde(default)]
    pub(super) site_alarm: BTreeMap<Language, Frame>,
    #[serde(default)]
    pub(super) device_fault: BTreeMap<Language, Frame>,
    #[serde(default)]
    pub(super) relay: BTreeMap<Language, Frame>,
    #[serde(default)]
    pub(super) signature: BTreeMap<Language, Frame>,
}

impl Phrases {
    /// The phrases of a tier; white speaks like blue where a hazard has none.
    pub(super) fn of(&self, tier: Tier, language: Language) -> Option<&Phrase> {
        match tier {
            Tier::White => self.white.as_ref().unwrap_or(&self.blue),
            Tier::None | Tier::Blue => &self.blue,
            Tier::Yellow => &self.yellow,
            Tier::Orange => &self.orange,
            Tier::Red => &self.red,
        }
        .get(&language)
    }
}

impl Phrase {
    pub(super) fn has_gap(&self) -> bool {
        [&self.effect, &self.action, &self.duty, &self.sign]
            .iter()
            .any(|words| words.trim().is_empty())
    }
}

impl Frame {
    pub(super) fn slots(&self) -> [&str; 3] {
        [&self.subject, &self.text, &self.instruction]
    }
}

impl Frames {
    pub(super) fn of(&self, purpose: Purpose) -> Option<&BTreeMap<Language, Frame>> {
        Some(match purpose {
            Purpose::Alert => &self.alert,
            Purpose::Rise => &self.rise,
            Purpose::Fall => &self.fall,
            Purpose::Ended => &self.ended,
            Purpose::Cancelled => &self.cancelled,
            Purpose::Reminder => &self.reminder,
            Purpose::StandDown => &self.stand_down,
            Purpose::Request => &self.request,
            Purpose::RequestOver => &self.request_over,
            Purpose::SiteAlarm => &self.site_alarm,
            Purpose::DeviceFault => &self.device_fault,
            Purpose::Relay => &self.relay,
            Purpose::Signature => &self.signature,
            Purpose::Withdraw => return None,
        })
    }
}
