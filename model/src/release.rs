//! Release flows and call-and-answer ladders: who must sign, who is asked, by which clock.

use crate::authority::AuthorityId;
use crate::{Channel, Hazard, Named, QuietHours, Span, Tier};
use serde::{Deserialize, Serialize};

/// Who a release reaches: what decides how many must sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Reach {
    /// Signs, sirens and barriers at a site.
    Device,
    /// The centre's own responsible persons.
    Responsible,
    /// Everybody else.
    Public,
}

/// What happens at the end of the clock, when the signers and each deputy have had their time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AtEnd {
    /// Nothing goes out; everybody is asked again and again.
    #[default]
    Hold,
    /// The text signed beforehand by two people goes out, recorded as `by clock`.
    Presigned,
}

/// A text signed beforehand (semantics §27).
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Presigned {
    /// Two different people, by their ids in the configuration.
    pub signed_by: Vec<String>,
    /// The words.
    pub text: Named,
}

/// How a release comes about: authority × hazard × tier × reach × channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flow {
    /// Authorities it holds for; empty means all of ours.
    pub authorities: Vec<AuthorityId>,
    /// Hazards it holds for; empty means all.
    pub hazards: Vec<Hazard>,
    /// Tiers it holds for.
    pub tiers: Vec<Tier>,
    /// Who it reaches.
    pub reach: Reach,
    /// Channels it opens, in the order they are tried.
    pub channels: Vec<Channel>,
    /// Classes of `subscribers.csv` (`school`, `construction`) that a rise is told to, of the
    /// public; empty means everybody.
    pub classes: Vec<String>,
    /// True where these people asked for easy words.
    pub plain: bool,
    /// Signatures asked for: none, one or two different people.
    pub signatures: u8,
    /// True where a second person must review it afterwards (the emergency flow).
    pub review: bool,
    /// How long that second person has.
    pub review_within: Span,
    /// Legal basis.
    pub basis: Named,
    /// How long the signers have, and each deputy after them.
    pub clock: Span,
    /// Who is asked first; ids of people. Empty: those on duty, who see it on their screen.
    pub signers: Vec<String>,
    /// Who is called, one after the other, when the clock has run out; ids of people.
    pub deputies: Vec<String>,
    /// What the law of the place allows at the clock's end.
    pub at_end: AtEnd,
    /// The text for [`AtEnd::Presigned`].
    pub presigned: Option<Presigned>,
}

/// Whom a step of the ladder asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Ask {
    /// Those responsible for the warned township or site.
    Primary,
    /// Their deputies.
    Deputy,
    /// Those of the district above.
    District,
    /// Those of the city.
    City,
    /// Everybody asked so far who has not answered.
    Everyone,
}

/// One step of call-and-answer.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LadderStep {
    /// How long after the warning, if nobody has answered by then.
    pub after: Span,
    /// Whom it asks.
    pub ask: Ask,
    /// Roles of `contacts.csv` it asks; empty means every role there.
    #[serde(default)]
    pub roles: Vec<String>,
    /// Ways it asks, all at once.
    pub channels: Vec<Channel>,
    /// True where the duty officer gets the task to phone.
    #[serde(default)]
    pub phone: bool,
}

/// How many of those asked must answer: `3 of 5`. Where a place has more or fewer people, the same
/// share of them, rounded up, and at least one (semantics §19).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Quota {
    answers: u8,
    of: u8,
}

impl TryFrom<String> for Quota {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let numbers = text.split_once(" of ").and_then(|(answers, of)| {
            Some((answers.trim().parse().ok()?, of.trim().parse().ok()?))
        });
        let (answers, of) = numbers.unwrap_or((0, 0));
        if (1..=of).contains(&answers) {
            Ok(Self { answers, of })
        } else {
            Err(format!("{text:?} is no quota: write \"3 of 5\""))
        }
    }
}

impl Quota {
    /// How many answers a place needs where so many are asked.
    pub fn of(self, asked: usize) -> u8 {
        let asked = u32::try_from(asked).unwrap_or(u32::MAX);
        let share = asked.saturating_mul(u32::from(self.answers));
        let needed = share.div_ceil(u32::from(self.of));
        u8::try_from(needed.max(1)).unwrap_or(u8::MAX)
    }
}

/// Call-and-answer (叫应) for some tiers: silence climbs (domain §6.3).
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ladder {
    /// Tiers it holds for.
    pub tiers: Vec<Tier>,
    /// Hours of the day in which a call by it begins; nothing means all of them. The first ladder of
    /// the file that fits is the one.
    #[serde(default)]
    pub hours: Option<QuietHours>,
    /// How many of those responsible must answer; one where nothing is said.
    #[serde(default)]
    pub quota: Option<Quota>,
    /// How long before it comes everybody who has not said that they act is asked anew.
    #[serde(default)]
    pub before_impact: Option<Span>,
    /// Steps by rising time; after the last one the board stays red until somebody answers.
    pub steps: Vec<LadderStep>,
    /// How often the last step is asked again while nobody has answered.
    #[serde(default = "repeat_by_default")]
    pub repeat: Span,
}

const fn repeat_by_default() -> Span {
    Span::from_minutes(15)
}

/// Who signs and by when, where a flow does not say otherwise.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Approval {
    /// How long the signers have.
    #[serde(default = "ten_minutes")]
    pub clock: Span,
    /// Who is asked first.
    #[serde(default)]
    pub signers: Vec<String>,
    /// Who is called next.
    #[serde(default)]
    pub deputies: Vec<String>,
    /// How long a second person has to look at what one released.
    #[serde(default = "a_day")]
    pub review_within: Span,
}

const fn ten_minutes() -> Span {
    Span::from_minutes(10)
}

const fn a_day() -> Span {
    Span::from_minutes(24 * 60)
}

impl Default for Approval {
    fn default() -> Self {
        Self {
            clock: ten_minutes(),
            signers: Vec::new(),
            deputies: Vec::new(),
            review_within: a_day(),
        }
    }
}

/// Which observations are too late to act on, and too early to believe.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lateness {
    /// A rise further behind record time is recorded as `past`: shown, never sent (semantics §5).
    pub past_after: Span,
    /// An observation further ahead of record time is refused.
    pub future: Span,
}

impl Default for Lateness {
    fn default() -> Self {
        Self {
            past_after: Span::from_minutes(15),
            future: Span::from_minutes(5),
        }
    }
}

impl Flow {
    /// What holds where no flow speaks: devices and responsible persons are told without a
    /// signature, the public needs two people (design §6.7).
    pub fn by_default(reach: Reach, approval: &Approval) -> Self {
        let (channels, signatures): (&[Channel], u8) = match reach {
            Reach::Device => (&[Channel::Device], 0),
            Reach::Responsible => (&[Channel::Sms, Channel::Push, Channel::Email], 0),
            Reach::Public => (&Channel::ALL, 2),
        };
        Self {
            authorities: Vec::new(),
            hazards: Vec::new(),
            tiers: Tier::WARNING.to_vec(),
            reach,
            channels: channels
                .iter()
                .copied()
                .filter(|c| reach != Reach::Public || *c != Channel::Device)
                .collect(),
            classes: Vec::new(),
            plain: false,
            signatures,
            review: false,
            review_within: approval.review_within,
            basis: Named::default(),
            clock: approval.clock,
            signers: approval.signers.clone(),
            deputies: approval.deputies.clone(),
            at_end: AtEnd::Hold,
            presigned: None,
        }
    }

    /// Whom the turn of that number asks: the signers, each deputy in order, and past the end of
    /// the clock everybody.
    pub fn asked(&self, turn: u8) -> Vec<String> {
        let turn = usize::from(turn);
        match turn.checked_sub(1).map(|number| self.deputies.get(number)) {
            None => self.signers.clone(),
            Some(Some(deputy)) => vec![deputy.clone()],
            Some(None) => self.signers.iter().chain(&self.deputies).cloned().collect(),
        }
    }

    /// Whether it speaks of that release.
    pub fn holds_for(
        &self,
        authority: &AuthorityId,
        hazard: Hazard,
        tier: Tier,
        reach: Reach,
    ) -> bool {
        self.reach == reach
            && self.tiers.contains(&tier)
            && (self.hazards.is_empty() || self.hazards.contains(&hazard))
            && (self.authorities.is_empty() || self.authorities.contains(authority))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quota_is_a_share_of_who_is_there() {
        let quota = |text: &str| Quota::try_from(text.to_owned());
        let three = quota("3 of 5").unwrap();
        let needed: Vec<u8> = [0, 1, 2, 4, 5, 10].map(|asked| three.of(asked)).to_vec();
        assert_eq!(needed, [1, 1, 2, 3, 3, 6]);
        for text in ["", "3", "0 of 5", "6 of 5", "3 of x", "-1 of 5"] {
            assert!(quota(text).is_err(), "{text}");
        }
    }
}
