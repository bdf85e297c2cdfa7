//! Which way a message goes, and how sending can fail.

use serde::{Deserialize, Serialize};
use std::fmt;

/// A way to reach people or devices.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Channel {
    /// Short message by SMPP 3.4.
    Sms,
    /// CAP 1.2 document and Atom feed.
    Cap,
    /// Server-sent event to a subscribed app.
    Push,
    /// E-mail.
    Email,
    /// Signed HTTP call.
    Webhook,
    /// Sign, siren or barrier at a site, over MQTT.
    Device,
    /// A call that is read out and answered by key-press, through a SIP gateway.
    Voice,
    /// Area job: a release platform or a carrier is told areas, text and times, resolves the
    /// numbers from its own data and answers with counts.
    Area,
    /// Cell broadcast (3GPP TS 23.041) through a carrier's platform.
    Cell,
    /// What a broadcaster shows or reads out in an area: emergency broadcast, television crawl,
    /// loudspeakers, displays.
    Broadcast,
}

impl Channel {
    /// Every channel.
    pub const ALL: [Self; 10] = [
        Self::Sms,
        Self::Cap,
        Self::Push,
        Self::Email,
        Self::Webhook,
        Self::Device,
        Self::Voice,
        Self::Area,
        Self::Cell,
        Self::Broadcast,
    ];

    /// The name used in configuration, metrics and the API.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sms => "sms",
            Self::Cap => "cap",
            Self::Push => "push",
            Self::Email => "email",
            Self::Webhook => "webhook",
            Self::Device => "device",
            Self::Voice => "voice",
            Self::Area => "area",
            Self::Cell => "cell",
            Self::Broadcast => "broadcast",
        }
    }
}

impl Channel {
    /// True where what is said in an area goes to targets that know their own readers, each a link
    /// of its own: `webhook/<name>`, `area/<name>`.
    pub const fn has_targets(self) -> bool {
        match self {
            Self::Webhook | Self::Area | Self::Cell | Self::Broadcast => true,
            Self::Sms | Self::Cap | Self::Push | Self::Email | Self::Device | Self::Voice => false,
        }
    }

    /// True where a document tells of a whole revision with what stays as it was, so that the far
    /// side always holds the set in force.
    pub const fn is_document(self) -> bool {
        match self {
            Self::Cap | Self::Webhook | Self::Cell | Self::Broadcast => true,
            Self::Sms | Self::Push | Self::Email | Self::Device | Self::Voice | Self::Area => false,
        }
    }
}

impl fmt::Display for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// How a send failed; the tier decides what follows (semantics §36).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// It did not go out; trying again may help (throttled, connection refused).
    #[error("not sent, try again: {0}")]
    Transient(String),
    /// It did not go out and never will (no such number, message refused).
    #[error("refused for good: {0}")]
    Permanent(String),
    /// It may have gone out (no answer after the write).
    #[error("outcome unknown: {0}")]
    Uncertain(String),
}
