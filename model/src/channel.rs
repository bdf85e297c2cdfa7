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
}

impl Channel {
    /// Every channel.
    pub const ALL: [Self; 6] = [
        Self::Sms,
        Self::Cap,
        Self::Push,
        Self::Email,
        Self::Webhook,
        Self::Device,
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
