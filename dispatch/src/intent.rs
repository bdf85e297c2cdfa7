//! What is to be said to whom by which link: a query with words, never a list of people.

mod recipients;
mod stand_ins;

pub use recipients::Recipients;
pub use stand_ins::StandIns;

use crate::directory::Shape;
use crate::gateway::notice;
use crate::wording::{Message, Purpose};
use model::release::{Ask, Reach};
use model::{AreaCode, Channel, Language, Mode, Tier, Time, WarningId};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest, Sha256};
use std::fmt;

/// A recipient's number: given once per id and never reused (semantics §35).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RecipientNo(pub u32);

/// Identity of an intent: derived, so that a replay names the same one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IntentId([u8; 16]);

/// Identity of one message to one recipient: an intent's, so that two things said to one person
/// never share one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeliveryId([u8; 16]);

/// Whom an intent is for. Areas stand with everything below them unless they stand alone; a list
/// that is empty selects nobody, never everybody.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Audience {
    /// Devices, responsible persons or the public.
    pub reach: Reach,
    /// Areas told.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub areas: Vec<AreaCode>,
    /// True where the areas are listed one by one down to the smallest, each without what is below
    /// it: of a district somebody else may be told something else in one of its townships.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub alone: bool,
    /// Of the public in those areas only who lives inside: all of a city's stand under its own code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shape: Option<Shape>,
    /// Sites told, by id: their responsible persons or their devices.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sites: Vec<String>,
    /// Strobes that are switched, by id: each is some person's and no site's.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub strobes: Vec<String>,
    /// Which of the responsible persons.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ask: Option<Ask>,
    /// Roles of those responsible, classes of the public; empty means all there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<String>,
    /// Of those selected only these contacts, by id; empty means all of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub contacts: Vec<String>,
    /// Of those selected only these: another account had them, and could not tell them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub only: Option<Recipients>,
    /// The white list of an exercise, or those who came on duty: of those selected only these contacts or
    /// devices, by id; a list that is empty leaves nobody. Mostly nothing in earnest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub among: Option<Vec<String>>,
    /// Of those selected only these: who came into the areas after they were told.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub came: Vec<RecipientNo>,
    /// Beside those selected also these, wherever they are now: who left the areas after they were
    /// told. As many as came since, never all of an area.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub also: Vec<RecipientNo>,
    /// Contacts who are off duty, by id: of those selected all but these.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub off_duty: Vec<String>,
    /// The authority a request goes to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authority: Option<String>,
    /// Content hash of the directory version meant.
    pub directory: String,
}

/// One thing to say by one link.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Intent {
    /// Identity.
    pub id: IntentId,
    /// Which warning.
    pub warning: WarningId,
    /// Which revision.
    pub revision: u32,
    /// Why it is said.
    pub purpose: Purpose,
    /// The queue it waits in: channel and account, `sms` or `sms/carrier-a`.
    pub link: String,
    /// Channel.
    pub channel: Channel,
    /// World.
    pub mode: Mode,
    /// To whom.
    pub audience: Audience,
    /// True where only those who got an earlier message of this warning are told.
    pub only_told: bool,
    /// True where only those are told who got no earlier message of this warning at this tier or
    /// a higher one.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub only_new: bool,
    /// True where call-and-answer asks again: it takes nothing out of the queues.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub again: bool,
    /// True where an area job stands behind it: whom it reaches is known by counts alone, and
    /// nobody is told twice for an outcome that is not known.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub by_area: bool,
    /// Words by language; `variant_no` names one.
    pub words: Vec<Message>,
    /// Words for the channels still to try, in their order, should this one not reach a person.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub spare: Vec<Message>,
    /// The intent that did not reach the person and that this one stands in for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instead_of: Option<IntentId>,
    /// Links of the accounts that handed it on, the one that the phones are of first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tried: Vec<String>,
    /// Links of the accounts whose carriers said that the phones are not theirs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub moved_from: Vec<String>,
    /// Tier that decides the order.
    pub tier: Tier,
    /// Onset that decides the order within a tier.
    pub onset: Time,
    /// Exposure: 0 at the site, 1 responsible for the area, 2 everybody there.
    pub exposure: u8,
    /// Nothing leaves before this (quiet hours).
    pub not_before: Option<Time>,
    /// Nothing leaves at or after this; mapped to the protocol's validity period.
    pub not_after: Time,
    /// Record time of planning.
    pub created: Time,
}

impl IntentId {
    /// The identity of that saying: `place` tells apart what shares purpose and tier.
    pub fn derive(
        warning: WarningId,
        revision: u32,
        link: &str,
        purpose: Purpose,
        reach: Reach,
        place: &str,
    ) -> Self {
        let text = format!(
            "sanfang/intent/1\n{warning}\n{revision}\n{link}\n{}\n{reach:?}\n{place}",
            purpose.name()
        );
        Self(digest(&text))
    }

    /// The raw bytes.
    pub const fn bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// From raw bytes.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// Reads 32 hexadecimal digits.
    pub fn parse(text: &str) -> Option<Self> {
        parse_hex(text).map(Self)
    }
}

impl DeliveryId {
    /// The identity of one message to one recipient: the idempotency key at the far side.
    pub fn derive(intent: IntentId, recipient: RecipientNo) -> Self {
        let text = format!("sanfang/delivery/2\n{intent}\n{}", recipient.0);
        Self(digest(&text))
    }
}

impl Audience {
    /// Nobody yet, of that reach.
    pub fn of(reach: Reach, directory: &str) -> Self {
        Self {
            reach,
            areas: Vec::new(),
            alone: false,
            shape: None,
            sites: Vec::new(),
            strobes: Vec::new(),
            ask: None,
            roles: Vec::new(),
            contacts: Vec::new(),
            only: None,
            among: None,
            came: Vec::new(),
            also: Vec::new(),
            off_duty: Vec::new(),
            authority: None,
            directory: directory.to_owned(),
        }
    }

    /// The same audience in another version of the directory. Numbers are never given twice, so
    /// what is known of each recipient still holds (semantics §35).
    pub fn in_version(&self, directory: &str) -> Self {
        Self {
            directory: directory.to_owned(),
            ..self.clone()
        }
    }

    /// True where it selects, in a place, whomever `other` would select there: the same, or of the
    /// public everybody instead of some classes.
    pub fn includes(&self, other: &Self) -> bool {
        let is_everybody = self.reach == Reach::Public && self.roles.is_empty();
        self.reach == other.reach
            && (self.shape == other.shape || self.shape.is_none())
            && self.ask == other.ask
            && (self.roles == other.roles || is_everybody)
            && (self.contacts == other.contacts || other.only.is_some() && self.contacts.is_empty())
            && (self.only == other.only || self.only.is_none())
            && self.among == other.among
            && (self.came == other.came || self.came.is_empty())
            && self.authority == other.authority
    }

    /// Whether the white list lets that contact or device be told, all of them where there is none, and
    /// their shift.
    pub fn admits(&self, id: &str) -> bool {
        let listed = |list: &Vec<String>| list.iter().any(|known| known == id);
        self.among.as_ref().is_none_or(listed) && !listed(&self.off_duty)
    }

    /// True where nobody is selected.
    pub fn is_empty(&self) -> bool {
        self.among.as_ref().is_some_and(Vec::is_empty) || self.selects_nobody()
    }

    fn selects_nobody(&self) -> bool {
        self.areas.is_empty()
            && self.sites.is_empty()
            && self.strobes.is_empty()
            && self.contacts.is_empty()
            && self.authority.is_none()
    }
}

impl Intent {
    /// The wording for a recipient of that language's number: their own, else that of the centre's
    /// own languages which they can use best, else the first. Responsible persons are written to
    /// in fewer languages than the public.
    pub fn words_for(&self, variant: u8) -> Option<&Message> {
        let own = self.words.iter().find(|m| m.variant_no == variant);
        let language = Language::ALL.get(usize::from(variant));
        let near = || {
            let working = language?.working();
            self.words.iter().find(|m| m.language.working() == working)
        };
        own.or_else(near).or_else(|| self.words.first())
    }

    /// The same thing said to one responsible person by the first channel left that `link_of`
    /// finds a way for (its link); `None` where none is left. Each channel is tried once: what
    /// falls back again has fewer left. The identity is derived, so that a fall back that is
    /// found twice, before and after a crash, is one intent.
    pub fn fall_back(
        &self,
        at: Time,
        contact: &str,
        link_of: impl Fn(Channel) -> Option<String>,
    ) -> Option<Self> {
        let mut left = self.spare.iter().map(|words| words.channel);
        let (channel, link) = left.find_map(|channel| Some((channel, link_of(channel)?)))?;
        let place = format!("{}/{contact}", self.id);
        let of_channel = |words: &&Message| words.channel == channel;
        let tried = self.spare.iter().rposition(|words| of_channel(&words))?;
        Some(Self {
            id: IntentId::derive(
                self.warning,
                self.revision,
                &link,
                self.purpose,
                self.audience.reach,
                &place,
            ),
            link,
            channel,
            audience: Audience {
                contacts: vec![contact.to_owned()],
                ..self.audience.clone()
            },
            words: self.spare.iter().filter(of_channel).cloned().collect(),
            spare: self.spare.iter().skip(tried + 1).cloned().collect(),
            instead_of: Some(self.id),
            created: at,
            ..self.clone()
        })
    }

    /// True where it ends what people were told: an all-clear, a cancellation, a stand-down.
    pub fn is_end(&self) -> bool {
        match self.purpose {
            Purpose::Ended | Purpose::Cancelled => true,
            Purpose::StandDown | Purpose::RequestOver | Purpose::Relay => self.tier == Tier::None,
            Purpose::Alert
            | Purpose::Rise
            | Purpose::Fall
            | Purpose::Reminder
            | Purpose::Request
            | Purpose::SiteAlarm
            | Purpose::DeviceFault
            | Purpose::Strobe
            | Purpose::StrobeOver
            | Purpose::Signature
            | Purpose::Digest
            | Purpose::Withdraw => false,
        }
    }

    /// True where it speaks for its places from now on, so that what `older` has unsent there is
    /// withdrawn. Asking again, standing in for a channel and reporting a device do not: they go
    /// to others than the first message did. The end of a warning speaks to all who were asked. A digest
    /// speaks of other warnings too, and is not taken away by what is newer of the one it stands under.
    /// Of a light the newest word counts, also of the same revision: one that could not be said at
    /// once must not come after it.
    pub fn supersedes(&self, older: &Self) -> bool {
        if self.switches() {
            return older.switches() && older.created <= self.created;
        }
        let by_plan = !self.again
            && self.instead_of.is_none()
            && !matches!(self.purpose, Purpose::Signature | Purpose::DeviceFault);
        let same_people = self.audience.includes(&older.audience)
            || (self.is_end() && self.audience.reach == older.audience.reach);
        let is_its_own = older.purpose != Purpose::Digest;
        by_plan && is_its_own && same_people && older.revision < self.revision
    }

    /// True where it switches a strobe on or off.
    pub const fn switches(&self) -> bool {
        matches!(self.purpose, Purpose::Strobe | Purpose::StrobeOver)
    }

    /// True where each recipient's state is known; an area job gives counts only.
    pub const fn is_named(&self) -> bool {
        match self.channel {
            Channel::Cap | Channel::Area | Channel::Cell | Channel::Broadcast => false,
            Channel::Sms
            | Channel::Push
            | Channel::Email
            | Channel::Webhook
            | Channel::Device
            | Channel::Voice => true,
        }
    }

    /// True where one document or job goes to a target that knows its own readers: a feed, a
    /// webhook, a carrier, the apps that subscribed to places, the topics of areas.
    pub fn is_publication(&self) -> bool {
        match self.channel {
            Channel::Cap
            | Channel::Webhook
            | Channel::Area
            | Channel::Cell
            | Channel::Broadcast => true,
            Channel::Push => {
                self.audience.reach == Reach::Public && notice::carried_by(&self.link).is_none()
            }
            Channel::Sms | Channel::Email | Channel::Device | Channel::Voice => false,
        }
    }

    /// True where the far side goes on saying it until it is taken away: it is remembered for as long
    /// as its warning stands.
    pub const fn is_on_air(&self) -> bool {
        matches!(self.channel, Channel::Cell | Channel::Broadcast)
    }

    /// Semantics §36: silence is worse than a duplicate for orange and red to named people. A CAP
    /// document is the same one however often it is published, an area job has a number by which the
    /// far side knows it, a cell broadcast one by which phones do, and whatever else is broadcast takes
    /// the place of itself: putting it again asks after it. So does switching a light once more.
    pub fn resend_when_unknown(&self) -> bool {
        let is_named = self.is_named() && !self.by_area;
        let is_the_same = matches!(
            self.channel,
            Channel::Cap | Channel::Area | Channel::Cell | Channel::Broadcast
        );
        is_the_same || self.switches() || (is_named && self.tier >= Tier::Orange)
    }
}

fn digest(text: &str) -> [u8; 16] {
    let mut id = [0; 16];
    let digest = Sha256::digest(text.as_bytes());
    id.iter_mut().zip(digest).for_each(|(to, from)| *to = from);
    id
}

fn parse_hex(text: &str) -> Option<[u8; 16]> {
    let mut id = [0; 16];
    hex::decode_to_slice(text, &mut id).ok()?;
    Some(id)
}

impl fmt::Display for IntentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for IntentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "IntentId({self})")
    }
}

impl fmt::Display for DeliveryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for DeliveryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DeliveryId({self})")
    }
}

impl Serialize for IntentId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for IntentId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| {
            serde::de::Error::custom(format!("{text:?} is not 32 hexadecimal digits"))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::Hazard;

    #[test]
    fn two_things_said_to_one_person_never_share_an_identity() {
        let area = AreaCode::parse("440106014000").unwrap();
        let at = Time::from_seconds(0);
        let warning = WarningId::derive(area, Mode::Actual, Hazard::Waterlogging, area, at);
        let of = |purpose, place: &str| {
            let reach = Reach::Responsible;
            let intent = IntentId::derive(warning, 1, "email", purpose, reach, place);
            DeliveryId::derive(intent, RecipientNo(7))
        };
        let alert = of(Purpose::Alert, "");
        assert_eq!(alert, of(Purpose::Alert, ""));
        assert_ne!(alert, of(Purpose::Reminder, ""));
        assert_ne!(of(Purpose::Reminder, "C1"), of(Purpose::Reminder, "C2"));
    }
}
