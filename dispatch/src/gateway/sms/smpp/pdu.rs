//! One PDU: finds it in a stream of bytes, decodes it strictly, encodes it.

use super::command::{BindMode, Command};
use super::message::ShortMessage;
use super::status::Status;
use crate::gateway::sms::codec::{Cut, Frame, FrameError, Sequence, cut, put_length, word};
use crate::gateway::sms::wire::{DecodeError, Reader, Tlvs, put_c_octet};

/// Octets of the header (§3.2.1).
pub const HEADER_BYTES: usize = 16;

/// The first whole PDU at the start of `bytes`; `None` while it is incomplete.
pub fn frame(bytes: &[u8]) -> Result<Option<Frame<'_>>, FrameError> {
    let Some(Cut { length, head, body }) = cut(bytes, HEADER_BYTES)? else {
        return Ok(None);
    };
    let field = |at| word(head, at).unwrap_or_default();
    Ok(Some(Frame {
        length,
        command: field(4),
        status: field(8),
        sequence: Sequence::number(field(12)),
        body,
    }))
}

/// A decoded PDU; texts borrow from the bytes read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pdu<'a> {
    /// command_status.
    pub status: Status,
    /// sequence_number; an answer repeats that of its request.
    pub sequence: u32,
    /// Operation and fields.
    pub body: Body<'a>,
}

/// The operations with their fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Body<'a> {
    /// bind_receiver, bind_transmitter, bind_transceiver.
    Bind(BindMode, Bind<'a>),
    /// Their answers; system_id of the message centre.
    BindResp(BindMode, &'a [u8], Tlvs<'a>),
    /// submit_sm
    SubmitSm(ShortMessage<'a>),
    /// submit_sm_resp with message_id, empty when the submit was refused.
    SubmitSmResp(&'a [u8]),
    /// deliver_sm
    DeliverSm(ShortMessage<'a>),
    /// deliver_sm_resp
    DeliverSmResp,
    /// enquire_link
    EnquireLink,
    /// enquire_link_resp
    EnquireLinkResp,
    /// unbind
    Unbind,
    /// unbind_resp
    UnbindResp,
    /// generic_nack
    GenericNack,
}

/// The fields of a bind request (§4.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bind<'a> {
    /// Account, at most 15 octets.
    pub system_id: &'a [u8],
    /// At most 8 octets.
    pub password: &'a [u8],
    /// At most 12 octets.
    pub system_type: &'a [u8],
    /// 0x34 for SMPP 3.4.
    pub interface_version: u8,
    /// Type of number of the addresses served.
    pub ton: u8,
    /// Numbering plan of the addresses served.
    pub npi: u8,
    /// Addresses served, at most 40 octets.
    pub address_range: &'a [u8],
}

impl<'a> Pdu<'a> {
    /// Decodes the body that [`frame`] found.
    pub fn decode(frame: &Frame<'a>) -> Result<Self, DecodeError> {
        let command =
            Command::from_id(frame.command).ok_or(DecodeError::UnknownCommand(frame.command))?;
        let mut reader = Reader::new(frame.body);
        let body = Body::decode(command, &mut reader)?;
        reader.finish()?;
        Ok(Self {
            status: Status(frame.status),
            sequence: frame.sequence.number,
            body,
        })
    }

    /// Appends the PDU to `out`. Over-long fields are the caller's to avoid: what goes out is
    /// checked when the configuration is read and when a text is prepared.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let start = out.len();
        out.extend_from_slice(&[0; 4]);
        out.extend_from_slice(&self.body.command().id().to_be_bytes());
        out.extend_from_slice(&self.status.0.to_be_bytes());
        out.extend_from_slice(&self.sequence.to_be_bytes());
        self.body.encode(out);
        put_length(start, out);
    }
}

impl<'a> Body<'a> {
    /// The operation of these fields.
    pub const fn command(&self) -> Command {
        match self {
            Self::Bind(mode, _) => mode.request(),
            Self::BindResp(mode, _, _) => mode.response(),
            Self::SubmitSm(_) => Command::SubmitSm,
            Self::SubmitSmResp(_) => Command::SubmitSmResp,
            Self::DeliverSm(_) => Command::DeliverSm,
            Self::DeliverSmResp => Command::DeliverSmResp,
            Self::EnquireLink => Command::EnquireLink,
            Self::EnquireLinkResp => Command::EnquireLinkResp,
            Self::Unbind => Command::Unbind,
            Self::UnbindResp => Command::UnbindResp,
            Self::GenericNack => Command::GenericNack,
        }
    }

    fn decode(command: Command, reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        Ok(match command {
            Command::BindReceiver => Self::Bind(BindMode::Receiver, Bind::decode(reader)?),
            Command::BindTransmitter => Self::Bind(BindMode::Transmitter, Bind::decode(reader)?),
            Command::BindTransceiver => Self::Bind(BindMode::Transceiver, Bind::decode(reader)?),
            Command::BindReceiverResp => bind_resp(BindMode::Receiver, reader)?,
            Command::BindTransmitterResp => bind_resp(BindMode::Transmitter, reader)?,
            Command::BindTransceiverResp => bind_resp(BindMode::Transceiver, reader)?,
            Command::SubmitSm => Self::SubmitSm(ShortMessage::decode(reader)?),
            Command::SubmitSmResp => Self::SubmitSmResp(message_id(reader)?),
            Command::DeliverSm => Self::DeliverSm(ShortMessage::decode(reader)?),
            Command::DeliverSmResp => {
                message_id(reader)?;
                Self::DeliverSmResp
            }
            Command::EnquireLink => Self::EnquireLink,
            Command::EnquireLinkResp => Self::EnquireLinkResp,
            Command::Unbind => Self::Unbind,
            Command::UnbindResp => Self::UnbindResp,
            Command::GenericNack => Self::GenericNack,
        })
    }

    fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Bind(_, bind) => bind.encode(out),
            Self::BindResp(_, system_id, tlvs) => {
                put_c_octet(system_id, out);
                out.extend_from_slice(tlvs.as_bytes());
            }
            Self::SubmitSm(message) | Self::DeliverSm(message) => message.encode(out),
            Self::SubmitSmResp(message_id) => put_c_octet(message_id, out),
            Self::DeliverSmResp => out.push(0),
            Self::EnquireLink
            | Self::EnquireLinkResp
            | Self::Unbind
            | Self::UnbindResp
            | Self::GenericNack => {}
        }
    }
}

impl<'a> Bind<'a> {
    fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        Ok(Self {
            system_id: reader.c_octet("system_id", 16)?,
            password: reader.c_octet("password", 9)?,
            system_type: reader.c_octet("system_type", 13)?,
            interface_version: reader.u8("interface_version")?,
            ton: reader.u8("addr_ton")?,
            npi: reader.u8("addr_npi")?,
            address_range: reader.c_octet("address_range", 41)?,
        })
    }

    fn encode(&self, out: &mut Vec<u8>) {
        put_c_octet(self.system_id, out);
        put_c_octet(self.password, out);
        put_c_octet(self.system_type, out);
        out.extend_from_slice(&[self.interface_version, self.ton, self.npi]);
        put_c_octet(self.address_range, out);
    }
}

/// A refused bind may come without its body (§4.1.2 note).
fn bind_resp<'a>(mode: BindMode, reader: &mut Reader<'a>) -> Result<Body<'a>, DecodeError> {
    if reader.is_empty() {
        return Ok(Body::BindResp(mode, &[], Tlvs::default()));
    }
    let system_id = reader.c_octet("system_id", 16)?;
    let rest = reader.take(reader.rest().len(), "optional parameters")?;
    Ok(Body::BindResp(mode, system_id, Tlvs::decode(rest)?))
}

/// message_id of an answer: absent when refused, and optional parameters after it are let be.
fn message_id<'a>(reader: &mut Reader<'a>) -> Result<&'a [u8], DecodeError> {
    if reader.is_empty() {
        return Ok(&[]);
    }
    let id = reader.c_octet("message_id", 65)?;
    let rest = reader.take(reader.rest().len(), "optional parameters")?;
    Tlvs::decode(rest)?;
    Ok(id)
}

/// message_id of a submit_sm_resp body, without going through [`Pdu::decode`].
pub(super) fn submitted_id(body: &[u8]) -> Result<&[u8], DecodeError> {
    message_id(&mut Reader::new(body))
}
