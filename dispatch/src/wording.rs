//! What people read: facts of a warning into words, per hazard × tier × language × channel ×
//! purpose, from the templates of a city's `wording/` directory.

mod answering;
pub mod cell;
mod consequence;
mod facts;
mod files;
mod items;
mod library;
mod lint;
pub mod measure;
mod names;
pub mod places;
mod roles;
mod settings;
pub mod sms;
mod spoken;
mod terms;
mod traditional;
mod trial;
mod variables;

pub use consequence::At;
pub use facts::{Facts, Issuer, Item, Message, language_variant};
pub use library::{Wording, WordingFault};
pub(crate) use lint::is_marked;
pub use lint::{Element, Finding};
pub use names::{NameBook, Names};
pub use places::Places;
pub use roles::Roles;
pub use terms::{clock, clock_near, tier_word};
pub use traditional::traditional;
pub use trial::Sample;

use variables::Known;

use model::Language;
use serde::{Deserialize, Serialize};

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
    /// To the strobe of somebody who cannot hear: it flashes while they are to answer.
    Strobe,
    /// To that strobe: it goes dark.
    StrobeOver,
    /// Another authority's signal in its own words, with its name and time.
    Relay,
    /// To those who sign: a proposal waits for them, by when.
    Signature,
    /// To a responsible person: what is low and ours at their place, all of it at once.
    Digest,
    /// Nothing is said: what is still unsent for these areas is taken out of the queues.
    Withdraw,
}

impl Purpose {
    /// Every purpose that has words.
    pub const WORDED: [Self; 14] = [
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
        Self::Digest,
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
            Self::Strobe => "strobe",
            Self::StrobeOver => "strobe_over",
            Self::Relay => "relay",
            Self::Signature => "signature",
            Self::Digest => "digest",
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
            | Self::Strobe
            | Self::StrobeOver
            | Self::Relay
            | Self::Signature
            | Self::Digest
            | Self::Withdraw => false,
        }
    }

    /// True where it takes back or lowers what was said, which is worth sending longer.
    pub const fn is_easing(self) -> bool {
        match self {
            Self::Fall
            | Self::Ended
            | Self::Cancelled
            | Self::StandDown
            | Self::RequestOver
            | Self::StrobeOver => true,
            Self::Alert
            | Self::Rise
            | Self::Reminder
            | Self::Request
            | Self::SiteAlarm
            | Self::DeviceFault
            | Self::Strobe
            | Self::Relay
            | Self::Signature
            | Self::Digest
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
            | Self::Strobe
            | Self::StrobeOver
            | Self::Relay
            | Self::Signature
            | Self::Digest
            | Self::Withdraw => false,
        }
    }
}

/// `zh, en, ja`: languages by their tags.
fn language_tags<'l>(languages: impl Iterator<Item = &'l Language>) -> String {
    let tags: Vec<&str> = languages.map(|language| language.tag()).collect();
    tags.join(", ")
}
