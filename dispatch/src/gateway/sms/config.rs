//! One carrier account: where its links lead, how it logs in, its limits, how its messages look.

use super::account::Account;
use super::identifier::Spelling;
use super::kinds::{Kinds, Sorter};
use super::share::{FailOver, Share};
use model::Span;
use serde::{Deserialize, Deserializer};
use std::fmt;
use std::path::PathBuf;

/// What a carrier's gateway speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    /// SMPP 3.4.
    #[default]
    Smpp,
    /// CMPP 2.0 (China Mobile).
    Cmpp2,
    /// CMPP 3.0 (China Mobile).
    Cmpp3,
    /// SGIP 1.2 (China Unicom).
    Sgip,
    /// SMGP 3.0 (China Telecom).
    Smgp,
}

impl Protocol {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Smpp, Self::Cmpp2, Self::Cmpp3, Self::Sgip, Self::Smgp];

    /// The word in a configuration.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Smpp => "smpp",
            Self::Cmpp2 => "cmpp2",
            Self::Cmpp3 => "cmpp3",
            Self::Sgip => "sgip",
            Self::Smgp => "smgp",
        }
    }

    /// The protocol of that word.
    pub fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.name() == name)
    }

    const fn defaults(self) -> Defaults {
        let seconds = Span::from_seconds;
        match self {
            Self::Smpp => Defaults {
                window: 100,
                check_after: seconds(30),
                response_timeout: seconds(10),
                checks: 1,
                widths: Widths {
                    account: 15,
                    password: 8,
                    source: 20,
                    service: 5,
                },
            },
            Self::Cmpp2 | Self::Cmpp3 => Defaults {
                window: 16,
                check_after: seconds(180),
                response_timeout: seconds(60),
                checks: 3,
                widths: Widths {
                    account: 6,
                    password: 64,
                    source: 20,
                    service: 10,
                },
            },
            Self::Sgip => Defaults {
                window: 1,
                check_after: seconds(30),
                response_timeout: seconds(60),
                checks: 1,
                widths: Widths {
                    account: 16,
                    password: 16,
                    source: 20,
                    service: 10,
                },
            },
            Self::Smgp => Defaults {
                window: 16,
                check_after: seconds(180),
                response_timeout: seconds(60),
                checks: 3,
                widths: Widths {
                    account: 8,
                    password: 64,
                    source: 20,
                    service: 10,
                },
            },
        }
    }
}

/// What holds where the configuration says nothing.
struct Defaults {
    window: usize,
    check_after: Span,
    response_timeout: Span,
    checks: u8,
    widths: Widths,
}

/// Characters that the wire has room for.
struct Widths {
    account: usize,
    password: usize,
    source: usize,
    service: usize,
}

/// One carrier account.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LinkConfig {
    /// What the carrier speaks; given beside the section, not in it.
    #[serde(skip)]
    pub protocol: Protocol,
    /// Which phones are this account's; all of them where there is no other account.
    #[serde(skip)]
    pub share: Option<Share>,
    /// Who tells them while this account cannot.
    #[serde(skip)]
    pub fail_over: FailOver,
    /// What was agreed about the account; given beside the section.
    #[serde(skip)]
    pub agreed: Account,
    /// What telephones are: to some no short message goes.
    #[serde(skip)]
    pub kinds: Kinds,
    /// Whether it carries telephones of other countries.
    #[serde(skip)]
    pub abroad: bool,
    /// `host:port` of each gateway of the account. Its sessions serve together; where one gateway
    /// is away, the others carry all.
    #[serde(alias = "address", deserialize_with = "one_or_more")]
    pub addresses: Vec<String>,
    /// Account: system_id, Source_Addr (SP_Id), Login Name, ClientID.
    #[serde(alias = "system_id")]
    pub account: String,
    /// Its password or shared secret.
    pub password: Secret,
    /// File that holds the password alone, in place of [`LinkConfig::password`].
    pub password_file: Option<PathBuf>,
    /// SMPP: at most 12 ASCII characters; mostly empty.
    pub system_type: String,
    /// SGIP: number of our node, 3 + area code + enterprise code: 3020012345.
    pub node: u32,
    /// SGIP: where the gateway brings receipts and replies, `0.0.0.0:8801`.
    pub listen: Option<std::net::SocketAddr>,
    /// Whether the gateway must prove that it knows the shared secret (CMPP, SMGP).
    pub gateway_proof: Proof,
    /// Sessions that send to each address, 1 to 64; the carrier's contract says how many.
    pub sessions: usize,
    /// Sessions to each address that only receive. Zero binds the others for both directions.
    /// SGIP: connections that the gateway may open to us at once; zero takes 8.
    pub receivers: usize,
    /// Unanswered submits in one session, 1 to 65,536.
    pub window: Option<usize>,
    /// Messages a second in one session, as the contract has it; 0 for no limit of a session.
    pub session_pace_per_s: u32,
    /// How its messages look.
    pub sender: Sender,
    /// How receipts spell identifiers.
    pub receipt_ids: Spelling,
    /// Identifiers kept to match receipts; the oldest goes first (48 octets each).
    pub receipts_max: usize,
    /// Without an answer for so long, the outcome of a submit is unknown.
    pub response_timeout: Option<Span>,
    /// Silence after which the gateway is asked whether it is there. SGIP has no such question:
    /// there the session ends after it and logs in anew.
    pub enquire_after: Option<Span>,
    /// Questions without an answer, [`LinkConfig::response_timeout`] each, after which it is not.
    pub enquiries: Option<u8>,
    /// Longest wait for a connection and for the answer to a login.
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
    /// SMPP: type of number of the source (§5.2.5).
    pub source_ton: u8,
    /// SMPP: numbering plan of the source (§5.2.6).
    pub source_npi: u8,
    /// SMPP: type of number of the phones: 1 international.
    pub destination_ton: u8,
    /// SMPP: numbering plan of the phones: 1 E.164.
    pub destination_npi: u8,
    /// service_type, Service_Id, ServiceType, ServiceID.
    #[serde(alias = "service_type")]
    pub service: String,
    /// SGIP: enterprise code, at most 5 characters.
    pub corp_id: String,
    /// Which receipts are asked for.
    pub receipts: Receipts,
    /// UCS-2 even where the default alphabet would do: for centres whose data_coding 0 is not GSM
    /// 03.38. CMPP, SGIP and SMGP write UCS-2 always: their 0 is ASCII to some gateways and GSM
    /// 03.38 to others.
    pub always_ucs2: bool,
    /// Shown at once as well (message class 0): a second message beside the stored one, never in
    /// its place, since what is shown at once is gone with the next touch.
    pub flash: bool,
}

/// What a text needs to know of the account that sends it.
#[derive(Clone, Debug, Default)]
pub struct Style {
    /// What the carrier speaks.
    pub protocol: Protocol,
    /// The account.
    pub account: String,
    /// How its messages look.
    pub sender: Sender,
}

impl Style {
    /// Whether texts are UCS-2 also where the default alphabet would do.
    pub fn always_ucs2(&self) -> bool {
        self.sender.always_ucs2 || self.protocol != Protocol::Smpp
    }
}

/// Which receipts are asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Receipts {
    /// None at all.
    None,
    /// The last state, good or bad.
    #[default]
    Final,
    /// Notifications on the way as well (SMPP).
    Intermediate,
}

/// What becomes of a gateway that does not prove that it knows the shared secret.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Proof {
    /// It is not looked at.
    Ignore,
    /// It is said, and the session goes on: gateways in use get the digest wrong.
    #[default]
    Warn,
    /// The session ends.
    Require,
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
    /// The same gateway twice.
    #[error("address: {0} stands there twice; give it more sessions instead")]
    Twice(String),
    /// Something that only another protocol has.
    #[error("{field}: {protocol} has no such thing; leave it out")]
    Foreign {
        /// Key in the section.
        field: &'static str,
        /// The protocol of this account.
        protocol: &'static str,
    },
    /// Something without which the protocol does not work.
    #[error("{field}: {why}")]
    Missing {
        /// Key in the section.
        field: &'static str,
        /// What for.
        why: &'static str,
    },
}

impl Receipts {
    /// The octet of SMPP.
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
            service: String::new(),
            corp_id: String::new(),
            receipts: Receipts::default(),
            always_ucs2: false,
            flash: false,
        }
    }
}

impl Default for LinkConfig {
    fn default() -> Self {
        Self {
            protocol: Protocol::default(),
            share: None,
            fail_over: FailOver::default(),
            agreed: Account::default(),
            kinds: Kinds::default(),
            abroad: false,
            addresses: vec!["127.0.0.1:2775".to_owned()],
            account: String::new(),
            password: Secret::default(),
            password_file: None,
            system_type: String::new(),
            node: 0,
            listen: None,
            gateway_proof: Proof::default(),
            sessions: 1,
            receivers: 0,
            window: None,
            session_pace_per_s: 0,
            sender: Sender::default(),
            receipt_ids: Spelling::default(),
            receipts_max: 1 << 20,
            response_timeout: None,
            enquire_after: None,
            enquiries: None,
            connect_timeout: Span::from_seconds(5),
            reconnect_min: Span::from_millis(500),
            reconnect_max: Span::from_seconds(30),
            throttle_min: Span::from_millis(100),
            throttle_max: Span::from_seconds(5),
        }
    }
}

impl LinkConfig {
    /// Which account tells each telephone, this one among them.
    pub fn sorter(&self) -> Sorter {
        Sorter {
            kinds: self.kinds.clone(),
            share: self.share.clone(),
            abroad: self.abroad,
        }
    }

    /// Unanswered submits in one session.
    pub fn window(&self) -> usize {
        self.window.unwrap_or(self.protocol.defaults().window)
    }

    /// Without an answer for so long, the outcome of a submit is unknown.
    pub fn response_timeout(&self) -> Span {
        let default = self.protocol.defaults().response_timeout;
        self.response_timeout.unwrap_or(default)
    }

    /// Silence after which the gateway is asked whether it is there.
    pub fn enquire_after(&self) -> Span {
        let default = self.protocol.defaults().check_after;
        self.enquire_after.unwrap_or(default)
    }

    /// Questions without an answer after which it is not.
    pub fn enquiries(&self) -> u8 {
        self.enquiries.unwrap_or(self.protocol.defaults().checks)
    }

    /// Connections that a gateway may open to us.
    pub fn inbound_max(&self) -> usize {
        match (self.listen, self.receivers) {
            (None, _) => 0,
            (Some(_), 0) => 8,
            (Some(_), receivers) => receivers,
        }
    }

    /// What a text needs to know of the account.
    pub fn style(&self) -> Style {
        Style {
            protocol: self.protocol,
            account: self.account.clone(),
            sender: self.sender.clone(),
        }
    }

    /// Every fault at once; none means that [`super::Link::new`] takes it.
    pub fn faults(&self) -> Vec<LinkFault> {
        let mut faults = self.address_faults();
        faults.extend(self.text_faults());
        faults.extend(self.range_faults());
        faults.extend(self.protocol_faults());
        faults
    }

    fn address_faults(&self) -> Vec<LinkFault> {
        let mut faults = Vec::new();
        if self.addresses.is_empty() {
            faults.push(LinkFault::Address(String::new()));
        }
        for (place, address) in self.addresses.iter().enumerate() {
            let port = address.rsplit_once(':').map(|(_, port)| port);
            if port.is_none_or(|port| port.parse::<u16>().is_err()) {
                faults.push(LinkFault::Address(address.clone()));
            } else if self.addresses.iter().take(place).any(|it| it == address) {
                faults.push(LinkFault::Twice(address.clone()));
            }
        }
        faults
    }

    fn text_faults(&self) -> impl Iterator<Item = LinkFault> {
        let widths = self.protocol.defaults().widths;
        let sender = &self.sender;
        let texts = [
            ("account", self.account.as_str(), widths.account),
            ("password", self.password.0.as_str(), widths.password),
            ("system_type", self.system_type.as_str(), 12),
            ("sender.source", sender.source.as_str(), widths.source),
            ("sender.service", sender.service.as_str(), widths.service),
            ("sender.corp_id", sender.corp_id.as_str(), 5),
        ];
        texts.into_iter().filter_map(|(field, text, max)| {
            let printable = text.bytes().all(|b| b == b' ' || b.is_ascii_graphic());
            let length = text.chars().count();
            (!printable || length > max).then_some(LinkFault::Text { field, max, length })
        })
    }

    fn range_faults(&self) -> impl Iterator<Item = LinkFault> {
        let count = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
        let day = 86_400_000;
        let (least_wait, least_pause) = (self.reconnect_min.millis(), self.throttle_min.millis());
        let ranges = [
            ("sessions", count(self.sessions), 1, 64),
            ("receivers", count(self.receivers), 0, 64),
            ("window", count(self.window()), 1, 65_536),
            ("receipts_max", count(self.receipts_max), 0, 1 << 26),
            (
                "response_timeout",
                self.response_timeout().millis(),
                100,
                day,
            ),
            ("enquire_after", self.enquire_after().millis(), 100, day),
            ("enquiries", i64::from(self.enquiries()), 1, 100),
            ("connect_timeout", self.connect_timeout.millis(), 100, day),
            ("reconnect_min", least_wait, 1, day),
            (
                "reconnect_max",
                self.reconnect_max.millis(),
                least_wait,
                day,
            ),
            ("throttle_min", least_pause, 1, day),
            ("throttle_max", self.throttle_max.millis(), least_pause, day),
        ];
        let lanes = self.addresses.len() * (self.sessions + self.receivers);
        let lanes = ("sessions of all addresses", count(lanes), 0, 128);
        ranges
            .into_iter()
            .chain([lanes])
            .filter_map(|(field, value, min, max)| {
                let within = (min..=max).contains(&value);
                (!within).then_some(LinkFault::Range {
                    field,
                    value,
                    min,
                    max,
                })
            })
    }

    /// What belongs to another protocol, and what this one cannot do without.
    fn protocol_faults(&self) -> Vec<LinkFault> {
        let protocol = self.protocol;
        let is = |those: &[Protocol]| those.contains(&protocol);
        let sgip = is(&[Protocol::Sgip]);
        let digests = is(&[Protocol::Cmpp2, Protocol::Cmpp3, Protocol::Smgp]);
        let foreign = [
            (
                "system_type",
                !self.system_type.is_empty(),
                is(&[Protocol::Smpp]),
            ),
            ("node", self.node != 0, sgip),
            ("listen", self.listen.is_some(), sgip),
            ("sender.corp_id", !self.sender.corp_id.is_empty(), sgip),
            (
                "gateway_proof",
                self.gateway_proof != Proof::default(),
                digests,
            ),
        ];
        let foreign = foreign
            .into_iter()
            .filter(|(_, given, theirs)| *given && !theirs);
        let mut faults: Vec<LinkFault> = foreign
            .map(|(field, _, _)| LinkFault::Foreign {
                field,
                protocol: protocol.name(),
            })
            .collect();
        let mut missing = |field, why| faults.push(LinkFault::Missing { field, why });
        if sgip && !(3_000_000_000..=3_999_999_999).contains(&self.node) {
            missing(
                "node",
                "write the number of our node, 3 + area code + enterprise code: 3020012345",
            );
        }
        if sgip && self.listen.is_none() && self.sender.receipts != Receipts::None {
            missing(
                "listen",
                "the gateway brings receipts to us: write where, 0.0.0.0:8801, or sender.receipts = \"none\"",
            );
        }
        if protocol != Protocol::Smpp && self.account.is_empty() {
            missing("account", "write the account that the carrier gave");
        }
        faults
    }
}

/// A text, or a list of them.
fn one_or_more<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Given {
        One(String),
        More(Vec<String>),
    }
    Ok(match Given::deserialize(deserializer)? {
        Given::One(address) => vec![address],
        Given::More(addresses) => addresses,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(protocol: Protocol, text: &str) -> Vec<String> {
        let mut config: LinkConfig = toml::from_str(text).unwrap();
        config.protocol = protocol;
        config.faults().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn every_fault_at_once_and_no_password_in_words() {
        let text = "address = \"carrier\"\nsystem_id = \"三防\"\npassword = \"far too long\"\nwindow = 0\n[sender]\nsource = \"106575\"\nreceipts = \"intermediate\"";
        assert_eq!(
            words(Protocol::Smpp, text),
            [
                "address: \"carrier\" is not host:port",
                "account: at most 15 printable ASCII characters, and this has 2",
                "password: at most 8 printable ASCII characters, and this has 12",
                "window: 0 is outside 1 to 65536",
            ]
        );
        let config: LinkConfig = toml::from_str(text).unwrap();
        assert!(!format!("{config:?}").contains("far too long"));
        assert_eq!(config.sender.receipts.registered_delivery(), 0x11);
        assert!(LinkConfig::default().faults().is_empty());
    }

    #[test]
    fn each_protocol_asks_for_its_own_and_refuses_what_is_anothers() {
        let text = "addresses = [\"a:7890\", \"a:7890\"]\naccount = \"900001\"\nnode = 3020012345\nlisten = \"0.0.0.0:8801\"";
        assert_eq!(
            words(Protocol::Cmpp2, text),
            [
                "address: a:7890 stands there twice; give it more sessions instead",
                "node: cmpp2 has no such thing; leave it out",
                "listen: cmpp2 has no such thing; leave it out",
            ]
        );
        let bare = "addresses = [\"a:8801\", \"b:8801\"]\ngateway_proof = \"require\"";
        assert_eq!(
            words(Protocol::Sgip, bare),
            [
                "gateway_proof: sgip has no such thing; leave it out",
                "node: write the number of our node, 3 + area code + enterprise code: 3020012345",
                "listen: the gateway brings receipts to us: write where, 0.0.0.0:8801, or sender.receipts = \"none\"",
                "account: write the account that the carrier gave",
            ]
        );
    }

    #[test]
    fn defaults_are_the_protocols_own() {
        let of = |protocol| LinkConfig {
            protocol,
            ..LinkConfig::default()
        };
        assert_eq!(of(Protocol::Smpp).window(), 100);
        assert_eq!(of(Protocol::Cmpp3).window(), 16);
        assert_eq!(of(Protocol::Sgip).window(), 1);
        assert_eq!(of(Protocol::Smgp).enquiries(), 3);
        assert_eq!(of(Protocol::Cmpp2).enquire_after(), Span::from_seconds(180));
        for protocol in Protocol::ALL {
            assert_eq!(Protocol::of(protocol.name()), Some(protocol));
        }
    }
}
