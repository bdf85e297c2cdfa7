//! The `[[link]]` section for SMPP: the account, its limits, how its messages look.

use super::identifier::Spelling;
use model::Span;
use serde::Deserialize;
use std::fmt;

/// One carrier account.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LinkConfig {
    /// `host:port` of the message centre.
    pub address: String,
    /// Account, at most 15 ASCII characters.
    pub system_id: String,
    /// At most 8 ASCII characters.
    pub password: Secret,
    /// At most 12 ASCII characters; mostly empty.
    pub system_type: String,
    /// Sessions that send, 1 to 64; the carrier's contract says how many.
    pub sessions: usize,
    /// Sessions that only receive. Zero binds the others as transceivers.
    pub receivers: usize,
    /// Unanswered submits in one session, 1 to 65,536.
    pub window: usize,
    /// How its messages look.
    pub sender: Sender,
    /// How receipts spell identifiers.
    pub receipt_ids: Spelling,
    /// Identifiers kept to match receipts; the oldest goes first (48 octets each).
    pub receipts_max: usize,
    /// Without an answer for so long, the outcome of a submit is unknown.
    pub response_timeout: Span,
    /// Silence after which the centre is asked whether it is there.
    pub enquire_after: Span,
    /// Longest wait for a connection and for the answer to a bind.
    pub connect_timeout: Span,
    /// First wait before connecting again; doubles up to [`LinkConfig::reconnect_max`].
    pub reconnect_min: Span,
    /// Longest wait before connecting again.
    pub reconnect_max: Span,
    /// First pause advised when throttled; doubles with each further throttled second, up to [`LinkConfig::throttle_max`].
    pub throttle_min: Span,
    /// Longest pause advised when throttled.
    pub throttle_max: Span,
}

/// What every message of an account carries.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Sender {
    /// The number or name people see, at most 20 characters.
    pub source: String,
    /// Type of number of the source (§5.2.5).
    pub source_ton: u8,
    /// Numbering plan of the source (§5.2.6).
    pub source_npi: u8,
    /// Type of number of the phones: 1 international.
    pub destination_ton: u8,
    /// Numbering plan of the phones: 1 E.164.
    pub destination_npi: u8,
    /// service_type, at most 5 characters.
    pub service_type: String,
    /// Which receipts are asked for.
    pub receipts: Receipts,
    /// UCS-2 even where the default alphabet would do: for centres whose data_coding 0 is not GSM 03.38.
    pub always_ucs2: bool,
    /// Message class 0: shown at once, not stored.
    pub flash: bool,
}

/// registered_delivery (§5.2.17).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Receipts {
    /// None at all.
    None,
    /// The last state, good or bad.
    #[default]
    Final,
    /// Notifications on the way as well.
    Intermediate,
}

/// A password that does not show itself.
#[derive(Clone, Default, Deserialize)]
#[serde(transparent)]
pub struct Secret(pub String);

/// What is wrong with a link's configuration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LinkFault {
    /// A text field that the wire cannot carry.
    #[error("{field}: at most {max} printable ASCII characters, and this has {length}")]
    Text {
        /// Key in the section.
        field: &'static str,
        /// Characters allowed.
        max: usize,
        /// Characters given.
        length: usize,
    },
    /// A number outside its range.
    #[error("{field}: {value} is outside {min} to {max}")]
    Range {
        /// Key in the section.
        field: &'static str,
        /// Value given; spans in milliseconds.
        value: i64,
        /// Least allowed.
        min: i64,
        /// Most allowed.
        max: i64,
    },
    /// No `host:port`.
    #[error("address: {0:?} is not host:port")]
    Address(String),
}

impl Receipts {
    /// The octet on the wire.
    pub const fn registered_delivery(self) -> u8 {
        match self {
            Self::None => 0x00,
            Self::Final => 0x01,
            Self::Intermediate => 0x11,
        }
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl Default for Sender {
    fn default() -> Self {
        Self {
            source: String::new(),
            source_ton: 0,
            source_npi: 0,
            destination_ton: 1,
            destination_npi: 1,
            service_type: String::new(),
            receipts: Receipts::default(),
            always_ucs2: false,
            flash: false,
        }
    }
}

impl Default for LinkConfig {
    fn default() -> Self {
        Self {
            address: "127.0.0.1:2775".to_owned(),
            system_id: String::new(),
            password: Secret::default(),
            system_type: String::new(),
            sessions: 1,
            receivers: 0,
            window: 100,
            sender: Sender::default(),
            receipt_ids: Spelling::default(),
            receipts_max: 1 << 20,
            response_timeout: Span::from_seconds(10),
            enquire_after: Span::from_seconds(30),
            connect_timeout: Span::from_seconds(5),
            reconnect_min: Span::from_millis(500),
            reconnect_max: Span::from_seconds(30),
            throttle_min: Span::from_millis(100),
            throttle_max: Span::from_seconds(5),
        }
    }
}

impl LinkConfig {
    /// Every fault at once; none means that [`super::Link::new`] takes it.
    pub fn faults(&self) -> Vec<LinkFault> {
        let mut faults = Vec::new();
        let port = self.address.rsplit_once(':').map(|(_, port)| port);
        if port.is_none_or(|port| port.parse::<u16>().is_err()) {
            faults.push(LinkFault::Address(self.address.clone()));
        }
        let texts = [
            ("system_id", self.system_id.as_str(), 15),
            ("password", self.password.0.as_str(), 8),
            ("system_type", self.system_type.as_str(), 12),
            ("sender.source", self.sender.source.as_str(), 20),
            ("sender.service_type", self.sender.service_type.as_str(), 5),
        ];
        faults.extend(texts.into_iter().filter_map(|(field, text, max)| {
            let printable = text.bytes().all(|b| b == b' ' || b.is_ascii_graphic());
            let length = text.chars().count();
            (!printable || length > max).then_some(LinkFault::Text { field, max, length })
        }));
        let count = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
        let day = 86_400_000;
        let ranges = [
            ("sessions", count(self.sessions), 1, 64),
            ("receivers", count(self.receivers), 0, 64),
            ("window", count(self.window), 1, 65_536),
            ("receipts_max", count(self.receipts_max), 0, 1 << 26),
            ("response_timeout", self.response_timeout.millis(), 100, day),
            ("enquire_after", self.enquire_after.millis(), 100, day),
            ("connect_timeout", self.connect_timeout.millis(), 100, day),
            ("reconnect_min", self.reconnect_min.millis(), 1, day),
            (
                "reconnect_max",
                self.reconnect_max.millis(),
                self.reconnect_min.millis(),
                day,
            ),
            ("throttle_min", self.throttle_min.millis(), 1, day),
            (
                "throttle_max",
                self.throttle_max.millis(),
                self.throttle_min.millis(),
                day,
            ),
        ];
        faults.extend(ranges.into_iter().filter_map(|(field, value, min, max)| {
            let within = (min..=max).contains(&value);
            (!within).then_some(LinkFault::Range {
                field,
                value,
                min,
                max,
            })
        }));
        faults
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_at_once_and_no_password_in_words() {
        let config: LinkConfig = toml::from_str(
            "address = \"carrier\"\nsystem_id = \"三防\"\npassword = \"far too long\"\nwindow = 0\n[sender]\nsource = \"106575\"\nreceipts = \"intermediate\"",
        )
        .unwrap();
        let words: Vec<String> = config.faults().iter().map(ToString::to_string).collect();
        assert_eq!(
            words,
            [
                "address: \"carrier\" is not host:port",
                "system_id: at most 15 printable ASCII characters, and this has 2",
                "password: at most 8 printable ASCII characters, and this has 12",
                "window: 0 is outside 1 to 65536",
            ]
        );
        assert!(!format!("{config:?}").contains("far too long"));
        assert_eq!(config.sender.receipts.registered_delivery(), 0x11);
        assert!(LinkConfig::default().faults().is_empty());
    }
}
