//! What a link is given and what it gives back, in batches.

use super::codec::FrameError;
use super::identifier::MessageKey;
use super::prepared::Prepared;
use super::receipt::{MessageState, ReasonCode, ReceiptError};
use super::results::ResultCode;
use super::wire::DecodeError;
use model::SendError;
use std::sync::Arc;

/// One message to one phone.
#[derive(Clone, Copy, Debug)]
pub struct Submit<'a> {
    /// Comes back in the answer and in the receipt.
    pub token: u64,
    /// E.164 digits as a number, country code first: 8613800000001.
    pub phone: u64,
    /// The text, encoded once for all who get it.
    pub text: &'a Prepared,
}

/// What became of a submit; one for each message, all its parts together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The token of the submit.
    pub token: u64,
    /// Outcome.
    pub outcome: Outcome,
    /// True where [`Outcome::Uncertain`] was told before and this is the answer after all.
    pub late: bool,
}

/// The outcome of a submit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The centre has all parts. The identifier is that of the first part, if the centre gave one.
    Accepted {
        /// Identifier of the first part.
        id: Option<MessageKey>,
    },
    /// Not sent: slower.
    Throttled {
        /// The far side's answer.
        status: ResultCode,
        /// Advised pause in milliseconds, doubling while the centre goes on throttling.
        pause_ms: u32,
    },
    /// Not sent; it may go through another time.
    Transient(ResultCode),
    /// Not sent, and never will be as it stands.
    Permanent(ResultCode),
    /// Answered in a way that leaves open whether the far side has it.
    Doubtful(ResultCode),
    /// It had not left when the session ended.
    Unsent,
    /// It left and no answer came in time: it may or may not reach the phone.
    Silent,
    /// It left and the session ended before an answer.
    Cut,
}

impl Outcome {
    /// The failure for the outbox to act on; `None` where the message was accepted.
    pub fn error(self) -> Option<SendError> {
        match self {
            Self::Accepted { .. } => None,
            Self::Throttled { status, pause_ms } => Some(SendError::Transient(format!(
                "{status}, wait {pause_ms} ms"
            ))),
            Self::Transient(status) => Some(SendError::Transient(status.to_string())),
            Self::Permanent(status) => Some(SendError::Permanent(status.to_string())),
            Self::Doubtful(status) => Some(SendError::Uncertain(status.to_string())),
            Self::Unsent => Some(SendError::Transient("the session ended first".to_owned())),
            Self::Silent => Some(SendError::Uncertain("no answer in time".to_owned())),
            Self::Cut => Some(SendError::Uncertain(
                "the session ended before the answer".to_owned(),
            )),
        }
    }

    /// How much an outcome of one part says about the whole message: a refused part settles it,
    /// then an unsent one, then an unknown one; accepted only where all are.
    const fn weight(self) -> u8 {
        match self {
            Self::Permanent(_) => 4,
            Self::Throttled { .. } => 3,
            Self::Transient(_) | Self::Unsent => 2,
            Self::Silent | Self::Cut | Self::Doubtful(_) => 1,
            Self::Accepted { .. } => 0,
        }
    }

    /// The outcome of two parts together; the earlier part's identifier is kept.
    pub(super) const fn and(self, other: Self) -> Self {
        if other.weight() > self.weight() {
            other
        } else {
            self
        }
    }
}

/// A delivery receipt, matched to its message where it could be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeliveryReceipt {
    /// The submit's token; `None` where the identifier is not (or no longer) known to the link.
    pub token: Option<u64>,
    /// What the identifier may mean, likeliest first: to look it up in the ledger.
    pub ids: [Option<MessageKey>; 3],
    /// The phone it is about, 0 where the receipt does not say.
    pub phone: u64,
    /// What became of the message; for one in parts, delivered when all parts are, failed with the first that is.
    pub state: MessageState,
    /// Why, in the carrier's words.
    pub reason: ReasonCode,
}

/// A message from a phone to us, such as an acknowledgement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// Who wrote, 0 where it is not a number.
    pub phone: u64,
    /// What.
    pub text: String,
}

/// A session of the link came up or went down.
#[derive(Debug)]
pub struct Change {
    /// Number of the session within the link, from 0; those that the gateway opened follow ours.
    pub session: usize,
    /// The gateway's address.
    pub address: Arc<str>,
    /// Up, or why it went down.
    pub state: SessionState,
}

/// State of one session.
#[derive(Debug)]
pub enum SessionState {
    /// Logged in: messages may be submitted.
    Up,
    /// Down, and tried again after a wait unless the link was closed or the far side had opened it.
    /// Said of each attempt that fails, also where the session was not up;
    /// [`super::Link::window`] says what is left.
    Down {
        /// Why.
        why: Ending,
        /// Milliseconds until the next attempt.
        retry_ms: u64,
    },
}

/// Why a session ended.
#[derive(Debug, thiserror::Error)]
pub enum Ending {
    /// No connection.
    #[error("no connection: {0}")]
    Connect(std::io::Error),
    /// No connection within `connect_timeout`.
    #[error("no connection in time")]
    ConnectSilent,
    /// The far side refused the account.
    #[error("login refused: {0}")]
    LoginRefused(ResultCode),
    /// The far side did not answer the login.
    #[error("no answer to the login")]
    LoginSilent,
    /// The far side does not prove that it knows the shared secret.
    #[error(
        "the gateway did not prove that it knows the shared secret; gateway_proof says \"require\""
    )]
    Unproven,
    /// Who connected to us is not the gateway, or comes too often.
    #[error("connection refused: {0}")]
    Refused(&'static str),
    /// The stream is out of step.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// The far side closed the connection.
    #[error("connection closed by the far side")]
    Closed,
    /// The connection broke.
    #[error("connection broken: {0}")]
    Broken(std::io::Error),
    /// Nobody answers the question whether anybody is there.
    #[error("no answer to the heart-beat")]
    EnquireSilent,
    /// The far side reads nothing.
    #[error("the far side has stopped reading")]
    Stalled,
    /// Ended by the far side or by us.
    #[error("logged out")]
    LoggedOut,
    /// At rest, and begun again at once to see whether the far side is there.
    #[error("idle; logging in again")]
    Renewed,
}

/// Something the far side sent that could not be used; the session goes on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WireFault {
    /// A PDU that does not decode.
    #[error("PDU refused: {0}")]
    Decode(#[from] DecodeError),
    /// A receipt without identifier or state.
    #[error("receipt not understood: {error}; it reads {text:?}")]
    Receipt {
        /// What is missing.
        error: ReceiptError,
        /// Its text.
        text: String,
    },
    /// The far side's proof is not what follows from the shared secret.
    #[error(
        "the gateway did not prove that it knows the shared secret: it may be another, or its digest is wrong"
    )]
    Unproven,
    /// Receipts cannot come in.
    #[error("cannot listen on {address} for the gateway's receipts: {why}")]
    Listen {
        /// The address.
        address: std::net::SocketAddr,
        /// Why.
        why: String,
    },
    /// What was to be shown at once was refused; the stored message goes its own way.
    #[error("the message that shows at once was refused: {0}")]
    Aside(ResultCode),
    /// An answer to nothing that is waited for.
    #[error("answer to sequence number {0}, which nothing waits for")]
    Stray(u32),
}

/// Everything that happened in one turn of a link; reuse it, the link clears it.
#[derive(Debug, Default)]
pub struct Turn {
    /// Outcomes of submits.
    pub answers: Vec<Answer>,
    /// Receipts.
    pub receipts: Vec<DeliveryReceipt>,
    /// Messages from phones.
    pub replies: Vec<Reply>,
    /// Sessions up and down.
    pub changes: Vec<Change>,
    /// What could not be used.
    pub faults: Vec<WireFault>,
    /// Sessions that had used up their pace take messages again.
    pub refilled: bool,
    /// Give this to [`super::Link::acknowledge`] once the receipts and replies are durable.
    pub mark: u64,
}

impl Turn {
    /// True where nothing happened.
    pub fn is_empty(&self) -> bool {
        self.answers.is_empty()
            && self.receipts.is_empty()
            && self.replies.is_empty()
            && self.changes.is_empty()
            && self.faults.is_empty()
            && !self.refilled
    }

    /// Forgets everything but the mark.
    pub fn clear(&mut self) {
        self.answers.clear();
        self.receipts.clear();
        self.replies.clear();
        self.changes.clear();
        self.faults.clear();
        self.refilled = false;
    }
}
