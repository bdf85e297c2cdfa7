//! A warning: one act with a tier and an onset per area, in numbered revisions.

use crate::signal::{SignalKind, SignalText};
use crate::{AreaCode, AuthorityId, Hazard, Mode, Named, Signal, Tier, Time};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest, Sha256};
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::fmt;

/// Identity of a warning over all its revisions: derived, never drawn (semantics §22).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WarningId([u8; 12]);

/// What happened to a warning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Event {
    /// Put before a person; only channels that need no signature may tell of it.
    Proposed,
    /// Released for the first time. CAP `Alert`.
    Issued,
    /// Tiers, areas or text changed. CAP `Update`.
    Updated,
    /// Every area is clear. CAP `Cancel` with the all-clear.
    Ended,
    /// Taken back by a person. CAP `Cancel`.
    Cancelled,
}

impl Event {
    /// The contract's name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Proposed => "proposed",
            Self::Issued => "issued",
            Self::Updated => "updated",
            Self::Ended => "ended",
            Self::Cancelled => "cancelled",
        }
    }
}

/// What holds in one area.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AreaTier {
    /// The tier put forward or in force.
    pub tier: Tier,
    /// The tier the rules have found reached; lower than `tier` where a person or `propose_at`
    /// went ahead of the measurement. What needs no signature goes by this one.
    pub reached: Tier,
    /// When the tier began here.
    pub onset: Time,
}

/// What holds at one site: decides its devices and its responsible persons.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SiteTier {
    /// The smallest area that holds it.
    pub area: AreaCode,
    /// The tier reached.
    pub tier: Tier,
    /// When it was reached.
    pub onset: Time,
}

/// Why a tier was reached: a rule, its version, the values and the observation behind them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// Rule id.
    pub rule: String,
    /// Version of the rulebook.
    pub version: String,
    /// Station, site or area id the rule was evaluated at.
    pub subject: String,
    /// The subject's tier.
    pub tier: Tier,
    /// Newest observation time of the subject.
    pub time: Time,
    /// Each call as written in the rule, with its value in the parameter's unit.
    pub values: BTreeMap<String, String>,
    /// True where the tier rests on suspect values only (semantics §13).
    pub unconfirmed: bool,
}

/// The signal of another authority that a warning passes on: its words, name and time unchanged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Relayed {
    /// CAP identifier of the message passed on.
    pub identifier: String,
    /// Whose signal it is.
    pub authority: AuthorityId,
    /// CAP `senderName`, as sent.
    pub sender_name: String,
    /// CAP `sent`.
    pub sent: Time,
    /// Alert, Update or Cancel.
    pub kind: SignalKind,
    /// Its words by tier, verbatim.
    pub texts: BTreeMap<Tier, Vec<SignalText>>,
}

/// One revision of a warning.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Warning {
    /// Identity.
    pub id: WarningId,
    /// Counts from 1.
    pub revision: u32,
    /// What happened.
    pub event: Event,
    /// World it belongs to.
    pub mode: Mode,
    /// Hazard.
    pub hazard: Hazard,
    /// Hazard's name as the rule gives it.
    pub name: Named,
    /// Zone it was made in, by its area code.
    pub zone: AreaCode,
    /// Authority under whose code it goes out.
    pub authority: String,
    /// Observation time of the change.
    pub time: Time,
    /// Observation time of the first rise: part of the identity.
    pub first_rise: Time,
    /// Areas with a tier, and those that had one in the revision before (then [`Tier::None`]).
    pub areas: BTreeMap<AreaCode, AreaTier>,
    /// Sites with a tier, by site id; sites that fell to none stand once with [`Tier::None`].
    pub sites: BTreeMap<String, SiteTier>,
    /// Rule that caused this revision, `person` for an act, `by clock` for a text signed
    /// beforehand that went out unsigned at the clock's end, `signal` for another's message.
    pub rule: String,
    /// Why, at most a few of the strongest subjects per area.
    pub evidence: Vec<Evidence>,
    /// True where evaluation ran too far behind record time: shown, never sent (semantics §5).
    pub past: bool,
    /// True where the rise rests on suspect values only: proposed, never automatic.
    pub unconfirmed: bool,
    /// CAP `expires`, renewed by an Update while in force.
    pub expires: Time,
    /// Persons who acted on this revision, in order (`id`).
    pub signed_by: Vec<String>,
    /// Words a person put in place of the template's, by language tag.
    pub text: BTreeMap<String, String>,
    /// The signal it passes on; [`None`] for a warning of our own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub relay: Option<Relayed>,
}

/// The area of the highest tier, the lowest code of several, with its tier.
pub fn foremost(areas: impl Iterator<Item = (AreaCode, Tier)>) -> Option<(AreaCode, Tier)> {
    areas.max_by_key(|(code, tier)| (*tier, Reverse(*code)))
}

impl WarningId {
    /// The identity of the warning of `hazard` in `zone` that first rose at `first_rise`.
    pub fn derive(
        city: AreaCode,
        mode: Mode,
        hazard: Hazard,
        zone: AreaCode,
        first_rise: Time,
    ) -> Self {
        let text = format!(
            "sanfang/warning/1\n{city}\n{}\n{}\n{zone}\n{first_rise}",
            mode.name(),
            hazard.code()
        );
        Self::of_text(&text)
    }

    /// The identity of the relay in `zone` of the signal that began with `identifier`.
    pub fn of_signal(city: AreaCode, mode: Mode, zone: AreaCode, identifier: &str) -> Self {
        let mode = mode.name();
        Self::of_text(&format!(
            "sanfang/relay/1\n{city}\n{mode}\n{zone}\n{identifier}"
        ))
    }

    fn of_text(text: &str) -> Self {
        let digest = Sha256::digest(text.as_bytes());
        let mut id = [0; 12];
        id.iter_mut().zip(digest).for_each(|(to, from)| *to = from);
        Self(id)
    }

    /// Reads 24 hexadecimal digits.
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() != 24 || !text.is_ascii() {
            return None;
        }
        let mut id = [0; 12];
        for (at, byte) in id.iter_mut().enumerate() {
            *byte = u8::from_str_radix(text.get(at * 2..at * 2 + 2)?, 16).ok()?;
        }
        Some(Self(id))
    }

    /// The raw bytes.
    pub const fn bytes(&self) -> &[u8; 12] {
        &self.0
    }
}

impl Warning {
    /// The highest tier in any area.
    pub fn tier(&self) -> Tier {
        self.areas
            .values()
            .map(|a| a.tier)
            .max()
            .unwrap_or_default()
    }

    /// The highest tier reached in any area.
    pub fn reached(&self) -> Tier {
        self.areas
            .values()
            .map(|a| a.reached)
            .max()
            .unwrap_or_default()
    }

    /// The area of the highest tier: whose authority and flow the whole goes by.
    pub fn foremost(&self) -> Option<AreaCode> {
        let tiers = self.areas.iter().map(|(code, area)| (*code, area.tier));
        foremost(tiers).map(|(code, _)| code)
    }

    /// Hash of what a signer sees: identity, revision, areas with tiers, and words
    /// (semantics §27). 16 hexadecimal digits.
    pub fn seen_hash(&self) -> String {
        let mut hash = Sha256::new();
        hash.update(self.id.bytes());
        hash.update(self.revision.to_le_bytes());
        for (code, area) in &self.areas {
            hash.update(code.number().to_le_bytes());
            hash.update([area.tier.index() as u8]);
        }
        for (tag, words) in &self.text {
            hash.update(tag.as_bytes());
            hash.update([0]);
            hash.update(words.as_bytes());
            hash.update([0]);
        }
        if let Some(relay) = &self.relay {
            relay.hash(&mut hash);
        }
        let digest = hash.finalize();
        digest.iter().take(8).map(|b| format!("{b:02x}")).collect()
    }
}

impl Relayed {
    /// What `signal` says, as a message of `authority`.
    pub fn new(signal: &Signal, authority: AuthorityId) -> Self {
        Self {
            identifier: signal.identifier.clone(),
            authority,
            sender_name: signal.sender_name.clone(),
            sent: signal.sent,
            kind: signal.kind,
            texts: BTreeMap::from([(signal.tier, signal.texts.clone())]),
        }
    }

    /// The words that go with a tier, those of the highest tier where it has none of its own.
    pub fn texts_of(&self, tier: Tier) -> &[SignalText] {
        let own = self.texts.get(&tier);
        let other = || self.texts.values().next_back();
        own.or_else(other).map_or(&[], Vec::as_slice)
    }

    fn hash(&self, hash: &mut Sha256) {
        for words in [&self.identifier, &self.sender_name] {
            hash.update(words.as_bytes());
            hash.update([0]);
        }
        for (tier, texts) in &self.texts {
            hash.update([tier.index() as u8]);
            for text in texts {
                for words in [&text.headline, &text.description, &text.instruction] {
                    hash.update(words.as_bytes());
                    hash.update([0]);
                }
            }
        }
    }
}

impl fmt::Display for WarningId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for WarningId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WarningId({self})")
    }
}

impl Serialize for WarningId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for WarningId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| {
            serde::de::Error::custom(format!("{text:?} is not 24 hexadecimal digits"))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identity_depends_on_each_part() {
        let city = AreaCode::parse("440100000000").unwrap();
        let zone = AreaCode::parse("440106000000").unwrap();
        let time = Time::parse("2023-09-07T13:04:00+08:00").unwrap().0;
        let id = WarningId::derive(city, Mode::Actual, Hazard::Rainstorm, zone, time);
        assert_eq!(WarningId::parse(&id.to_string()), Some(id));
        let others = [
            WarningId::derive(zone, Mode::Actual, Hazard::Rainstorm, zone, time),
            WarningId::derive(city, Mode::Test, Hazard::Rainstorm, zone, time),
            WarningId::derive(city, Mode::Actual, Hazard::Typhoon, zone, time),
            WarningId::derive(city, Mode::Actual, Hazard::Rainstorm, city, time),
        ];
        assert!(others.iter().all(|other| *other != id));
        assert_eq!(WarningId::parse("xyz"), None);
    }

    #[test]
    fn the_foremost_area_is_the_first_of_the_highest_tier() {
        let [a, b, c] = ["440101001000", "440101002000", "440101003000"]
            .map(|code| AreaCode::parse(code).unwrap());
        let areas = [(c, Tier::Red), (a, Tier::Blue), (b, Tier::Red)];
        assert_eq!(foremost(areas.into_iter()), Some((b, Tier::Red)));
        assert_eq!(foremost(std::iter::empty()), None);
    }
}
