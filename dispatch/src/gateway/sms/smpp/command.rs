//! The SMPP 3.4 operations a short-message link uses, by command_id (§5.1.2.1).

/// A command_id that this link reads or writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Command {
    /// Something could not be understood at all (§4.3).
    GenericNack = 0x8000_0000,
    /// Bind for receiving only (§4.1.3).
    BindReceiver = 0x0000_0001,
    /// Answer to [`Command::BindReceiver`].
    BindReceiverResp = 0x8000_0001,
    /// Bind for sending only (§4.1.1).
    BindTransmitter = 0x0000_0002,
    /// Answer to [`Command::BindTransmitter`].
    BindTransmitterResp = 0x8000_0002,
    /// One message from us to a phone (§4.4.1).
    SubmitSm = 0x0000_0004,
    /// Answer with the message centre's identifier (§4.4.2).
    SubmitSmResp = 0x8000_0004,
    /// A receipt or a message from a phone to us (§4.6.1).
    DeliverSm = 0x0000_0005,
    /// Our answer to [`Command::DeliverSm`].
    DeliverSmResp = 0x8000_0005,
    /// The wish to end the session (§4.2.1).
    Unbind = 0x0000_0006,
    /// Answer to [`Command::Unbind`].
    UnbindResp = 0x8000_0006,
    /// Bind for both directions (§4.1.5).
    BindTransceiver = 0x0000_0009,
    /// Answer to [`Command::BindTransceiver`].
    BindTransceiverResp = 0x8000_0009,
    /// Are you there (§4.11.1).
    EnquireLink = 0x0000_0015,
    /// Answer to [`Command::EnquireLink`].
    EnquireLinkResp = 0x8000_0015,
}

impl Command {
    /// Every operation known here.
    pub const ALL: [Self; 15] = [
        Self::GenericNack,
        Self::BindReceiver,
        Self::BindReceiverResp,
        Self::BindTransmitter,
        Self::BindTransmitterResp,
        Self::SubmitSm,
        Self::SubmitSmResp,
        Self::DeliverSm,
        Self::DeliverSmResp,
        Self::Unbind,
        Self::UnbindResp,
        Self::BindTransceiver,
        Self::BindTransceiverResp,
        Self::EnquireLink,
        Self::EnquireLinkResp,
    ];

    /// The number on the wire.
    pub const fn id(self) -> u32 {
        self as u32
    }

    /// The operation of that number, `None` for one that this link does not speak.
    pub fn from_id(id: u32) -> Option<Self> {
        Self::ALL.into_iter().find(|command| command.id() == id)
    }
}

/// Which directions a session is bound for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BindMode {
    /// Receipts and replies only.
    Receiver,
    /// Messages out only.
    Transmitter,
    /// Both.
    Transceiver,
}

impl BindMode {
    /// The request that binds so.
    pub const fn request(self) -> Command {
        match self {
            Self::Receiver => Command::BindReceiver,
            Self::Transmitter => Command::BindTransmitter,
            Self::Transceiver => Command::BindTransceiver,
        }
    }

    /// The answer to [`BindMode::request`].
    pub const fn response(self) -> Command {
        match self {
            Self::Receiver => Command::BindReceiverResp,
            Self::Transmitter => Command::BindTransmitterResp,
            Self::Transceiver => Command::BindTransceiverResp,
        }
    }

    /// May `submit_sm` be sent on it.
    pub const fn sends(self) -> bool {
        matches!(self, Self::Transmitter | Self::Transceiver)
    }

    /// May `deliver_sm` come on it.
    pub const fn receives(self) -> bool {
        matches!(self, Self::Receiver | Self::Transceiver)
    }
}
