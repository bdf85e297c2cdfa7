//! What people read: facts of a warning into words, per hazard × tier × language × channel ×
//! purpose, from the templates of a city's `wording/` directory.

mod answering;
mod files;
mod library;
mod lint;
pub mod measure;
pub mod places;
mod roles;
pub mod sms;

pub use library::{Wording, WordingFault, language_variant};
pub use lint::{Element, Finding, lint};
pub use places::Places;
pub use roles::Roles;

use model::warning::Relayed;
use model::{Channel, Hazard, Language, Mode, Named, Tier, Time};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Why somebody is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// First word of a warning at this place.
    Alert,
    /// A higher tier than told before.
    Rise,
    /// A lower tier than told before, still warned.
    Fall,
    /// All clear.
    Ended,
    /// Taken back by a person.
    Cancelled,
    /// To a responsible person: what is happening, by when to do what, "reply 1".
    Reminder,
    /// To a responsible person: it eases; nothing reopens without a check.
    StandDown,
    /// To the authority that may issue what this installation may not.
    Request,
    /// To that authority: what was asked of it is not asked any more.
    RequestOver,
    /// Onto a display or siren at a site.
    SiteAlarm,
    /// To the people of a site: a device there did not confirm that it acted.
    DeviceFault,
    /// Another authority's signal in its own words, with its name and time.
    Relay,
    /// To those who sign: a proposal waits for them, by when.
    Signature,
    /// Nothing is said: what is still unsent for these areas is taken out of the queues.
    Withdraw,
}

impl Purpose {
    /// Every purpose that has words.
    pub const WORDED: [Self; 13] = [
        Self::Alert,
        Self::Rise,
        Self::Fall,
        Self::Ended,
        Self::Cancelled,
        Self::Reminder,
        Self::StandDown,
        Self::Request,
        Self::RequestOver,
        Self::SiteAlarm,
        Self::DeviceFault,
        Self::Relay,
        Self::Signature,
    ];

    /// The name used in templates, intents and the API.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Alert => "alert",
            Self::Rise => "rise",
            Self::Fall => "fall",
            Self::Ended => "ended",
            Self::Cancelled => "cancelled",
            Self::Reminder => "reminder",
            Self::StandDown => "stand_down",
            Self::Request => "request",
            Self::RequestOver => "request_over",
            Self::SiteAlarm => "site_alarm",
            Self::DeviceFault => "device_fault",
            Self::Relay => "relay",
            Self::Signature => "signature",
            Self::Withdraw => "withdraw",
        }
    }

    /// True where a person's words stand for the template's. They say what to do under a tier: a
    /// fall, an all-clear or a cancellation takes that back and never repeats it.
    pub const fn takes_words(self) -> bool {
        match self {
            Self::Alert | Self::Rise => true,
            Self::Fall
            | Self::Ended
            | Self::Cancelled
            | Self::Reminder
            | Self::StandDown
            | Self::Request
            | Self::RequestOver
            | Self::SiteAlarm
            | Self::DeviceFault
            | Self::Relay
            | Self::Signature
            | Self::Withdraw => false,
        }
    }

    /// True where it takes back or lowers what was said, which is worth sending longer.
    pub const fn is_easing(self) -> bool {
        match self {
            Self::Fall | Self::Ended | Self::Cancelled | Self::StandDown | Self::RequestOver => {
                true
            }
            Self::Alert
            | Self::Rise
            | Self::Reminder
            | Self::Request
            | Self::SiteAlarm
            | Self::DeviceFault
            | Self::Relay
            | Self::Signature
            | Self::Withdraw => false,
        }
    }

    /// True where the text is ours and goes to anybody; the eight elements are asked of these.
    pub const fn is_public(self) -> bool {
        match self {
            Self::Alert | Self::Rise | Self::Fall | Self::Ended | Self::Cancelled => true,
            Self::Reminder
            | Self::StandDown
            | Self::Request
            | Self::RequestOver
            | Self::SiteAlarm
            | Self::DeviceFault
            | Self::Relay
            | Self::Signature
            | Self::Withdraw => false,
        }
    }
}

/// The authority a text speaks for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Issuer {
    /// 14-character authority code.
    pub id: String,
    /// Full name.
    pub name: Named,
    /// Registered SMS signature, without brackets.
    pub signature: Named,
    /// Where to check that a message is true: a hotline or an address.
    pub verify: Named,
}

/// Everything a text speaks of.
#[derive(Clone, Debug)]
pub struct Facts<'a> {
    /// Why it is said.
    pub purpose: Purpose,
    /// World; anything but actual is marked first and last.
    pub mode: Mode,
    /// Hazard.
    pub hazard: Hazard,
    /// Its name as the rule gives it; the hazard's own where empty.
    pub hazard_name: &'a Named,
    /// Tier in force after this message.
    pub tier: Tier,
    /// Tier told before; none at first.
    pub from: Tier,
    /// Who speaks.
    pub issuer: &'a Issuer,
    /// False where the coloured signal belongs to another authority.
    pub own: bool,
    /// Issue time.
    pub issued: Time,
    /// When it begins (or eases, or ends) at the place.
    pub start: Time,
    /// Latest time for a responsible person to have acted.
    pub deadline: Time,
    /// Offset of the city for display.
    pub offset: model::Offset,
    /// Area list or site name.
    pub place: &'a Named,
    /// What was measured; may be empty.
    pub measure: &'a Named,
    /// Words a person put in place of the template's, by language tag; used where a text calls
    /// to act ([`Purpose::takes_words`]).
    pub text: &'a BTreeMap<String, String>,
    /// The signal that is passed on.
    pub relay: Option<&'a Relayed>,
}

/// One finished text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// Language.
    pub language: Language,
    /// Channel it was made for.
    pub channel: Channel,
    /// Body; for CAP the `description`.
    pub text: String,
    /// Subject, notice title or CAP `headline`; empty for short messages.
    pub subject: String,
    /// CAP `instruction`; empty elsewhere.
    pub instruction: String,
    /// Number of the wording within its intent: ledgers name a text by it.
    pub variant_no: u8,
}

/// `7日21:40` or `21:40 on 7 Sep`: what a person reads at a glance, local time.
pub fn clock(time: Time, offset: model::Offset, language: Language) -> String {
    const MONTHS: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let text = time.display(offset);
    // A time outside four-digit years is printed whole rather than cut wrongly.
    let (Some(month), Some(day), Some(hm)) = (text.get(5..7), text.get(8..10), text.get(11..16))
    else {
        return text;
    };
    let day = day.trim_start_matches('0');
    match language {
        Language::Zh => format!("{day}日{hm}"),
        Language::En => {
            let month = month
                .parse::<usize>()
                .ok()
                .and_then(|m| MONTHS.get(m.checked_sub(1)?))
                .unwrap_or(&"");
            format!("{hm} on {day} {month}")
        }
    }
}

/// Like [`clock`], but only hours and minutes on the day of `now`.
pub fn clock_near(time: Time, now: Time, offset: model::Offset, language: Language) -> String {
    let (text, today) = (time.display(offset), now.display(offset));
    match (text.get(..10), today.get(..10), text.get(11..16)) {
        (Some(day), Some(this), Some(hm)) if day == this => hm.to_owned(),
        _ => clock(time, offset, language),
    }
}

/// The colour as a text says it.
pub fn tier_word(tier: Tier, language: Language) -> String {
    match language {
        Language::Zh => tier.zh().to_owned(),
        Language::En => tier.name().to_uppercase(),
    }
}
