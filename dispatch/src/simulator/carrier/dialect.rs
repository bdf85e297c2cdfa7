//! What the simulated centre speaks: each protocol's requests and answers in words that all share.

mod cmpp;
mod sgip;
mod smgp;
mod smpp;

pub(super) use sgip::{bind, is_report_taken, is_welcome};

use super::CarrierConfig;
use crate::gateway::sms::udh::Part;
use crate::gateway::sms::{Frame, FrameError, MessageState, Protocol, Sequence};

/// Why a submit is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// Slower.
    Throttled,
    /// No such destination.
    Destination,
    /// Not logged in for it.
    NotLoggedIn,
}

/// What becomes of a login.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Admission {
    Welcome,
    Already,
    WrongAccount,
}

/// What a login asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Login {
    /// The account is the one that the centre knows.
    pub(super) known: bool,
    pub(super) sends: bool,
    pub(super) receives: bool,
}

/// One message, to one phone or to several.
#[derive(Clone, Copy, Debug)]
pub(super) struct Submitted<'a> {
    /// Fields of `width` octets each.
    pub(super) phones: &'a [u8],
    pub(super) width: usize,
    pub(super) source: &'a [u8],
    pub(super) part: Option<Part>,
    pub(super) coding: u8,
    /// The text without its user data header.
    pub(super) octets: &'a [u8],
    pub(super) validity: &'a [u8],
    pub(super) wants_receipt: bool,
}

impl<'a> Submitted<'a> {
    /// Digits of each phone.
    pub(super) fn phones(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        let fields = self.phones.chunks(self.width.max(1));
        fields.map(|field| field.split(|b| *b == 0).next().unwrap_or_default())
    }

    /// Shown at once and not stored: message class 0.
    pub(super) const fn is_flash(&self) -> bool {
        matches!(self.coding, 0x10 | 0x18)
    }
}

/// A receipt to be brought.
#[derive(Clone, Copy, Debug)]
pub(super) struct Receipt<'a> {
    pub(super) nth: u64,
    /// As the centre is told to spell it.
    pub(super) id: &'a str,
    /// Of the submit.
    pub(super) submitted: Sequence,
    pub(super) phone: &'a [u8],
    pub(super) source: &'a [u8],
    pub(super) state: MessageState,
    /// `YYMMDDhhmm`.
    pub(super) date: &'a str,
}

/// What the other side asks.
#[derive(Clone, Copy, Debug)]
pub(super) enum Asked<'a> {
    Login(Login),
    Submit(Submitted<'a>),
    HeartBeat,
    Logout,
    /// A receipt is taken.
    Taken,
    /// An answer that nothing follows from.
    Nothing,
}

/// One protocol, the centre's side.
pub(super) trait Dialect: Send {
    /// The first whole packet; `None` while it is incomplete.
    fn frame<'a>(&self, bytes: &'a [u8]) -> Result<Option<Frame<'a>>, FrameError>;

    /// What a packet asks; `None` where it is not understood.
    fn read<'a>(&mut self, frame: &Frame<'a>) -> Option<Asked<'a>>;

    /// Answers a login.
    fn admit(&mut self, frame: &Frame<'_>, admission: Admission, out: &mut Vec<u8>);

    /// Answers a submit, with the identifier of the nth.
    fn answer(&mut self, to: Sequence, outcome: Result<u64, Refusal>, out: &mut Vec<u8>);

    /// Answers a heart-beat or a logout.
    fn agree(&mut self, frame: &Frame<'_>, out: &mut Vec<u8>);

    /// Says that a packet was not understood, where there is a word for it.
    fn refuse(&mut self, frame: &Frame<'_>, out: &mut Vec<u8>);

    /// Writes a receipt.
    fn report(&mut self, number: u32, receipt: &Receipt<'_>, out: &mut Vec<u8>);
}

/// The centre's side of a protocol.
pub(super) fn of(config: &CarrierConfig) -> Box<dyn Dialect> {
    use crate::gateway::sms::cmpp::pdu::Version;
    match config.protocol {
        Protocol::Smpp => Box::new(smpp::Smpp::new(config)),
        Protocol::Cmpp2 => Box::new(cmpp::Cmpp::new(config, Version::V2)),
        Protocol::Cmpp3 => Box::new(cmpp::Cmpp::new(config, Version::V3)),
        Protocol::Sgip => Box::new(sgip::Sgip::new(config)),
        Protocol::Smgp => Box::new(smgp::Smgp::new(config)),
    }
}

/// The only account that is let in; any where it is empty.
#[derive(Clone, Debug)]
struct Account {
    name: Vec<u8>,
    password: Vec<u8>,
}

impl Account {
    fn of(config: &CarrierConfig) -> Self {
        Self {
            name: config.system_id.clone().into_bytes(),
            password: config.password.clone().into_bytes(),
        }
    }

    fn knows(&self, name: &[u8], password: &[u8]) -> bool {
        self.name.is_empty() || (self.name == name && self.password == password)
    }

    fn knows_digest(&self, name: &[u8], zeros: usize, stamp: u32, digest: &[u8; 16]) -> bool {
        use crate::gateway::sms::digest::of_client;
        self.name.is_empty()
            || (self.name == name && of_client(name, zeros, &self.password, stamp) == *digest)
    }
}
