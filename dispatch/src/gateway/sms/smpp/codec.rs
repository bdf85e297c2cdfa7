//! SMPP 3.4 as the session engine speaks it.

use super::command::{BindMode, Command};
use super::message::{Address, ESM_UDHI, ShortMessage};
use super::pdu::{self, Bind, Body, HEADER_BYTES, Pdu, submitted_id};
use super::receipt;
use super::status::Status;
use crate::gateway::sms::codec::{
    Ack, Answer, Codec, Content, Digest, Frame, FrameError, Halves, Heard, Layout, Login, PartText,
    Reported, Role, Sequence, phone,
};
use crate::gateway::sms::config::Style;
use crate::gateway::sms::identifier::{MessageKey, Spelling, candidates};
use crate::gateway::sms::results::ResultCode;
use crate::gateway::sms::wire::DecodeError;

/// SMPP 3.4
const INTERFACE_VERSION: u8 = 0x34;

/// See the file's head.
#[derive(Debug)]
pub(in crate::gateway::sms) struct Smpp;

impl Codec for Smpp {
    fn layout(&self) -> Layout {
        Layout {
            long_sequence: false,
            number_at: 12,
            phone_width: 0,
            national: false,
            has_heart_beat: true,
            control: 0x7FFF_FFFF,
        }
    }

    fn frame<'a>(&self, bytes: &'a [u8]) -> Result<Option<Frame<'a>>, FrameError> {
        pdu::frame(bytes)
    }

    fn read<'a>(&self, frame: &Frame<'a>, spelling: Spelling) -> Result<Heard<'a>, DecodeError> {
        let result = ResultCode::from(Status(frame.status));
        if frame.command == Command::SubmitSmResp.id() {
            let id = submitted_id(frame.body).unwrap_or_default();
            return Ok(Heard::Submitted(result, MessageKey::of(id)));
        }
        let ack = Ack {
            sequence: frame.sequence,
            command: frame.command,
            id: [0; 10],
        };
        Ok(match Pdu::decode(frame)?.body {
            Body::BindResp(..) => Heard::LoggedIn(result, None),
            Body::GenericNack => Heard::NotUnderstood(result),
            Body::DeliverSm(message) => Heard::Delivered(ack, content(&message, spelling)),
            Body::EnquireLink => Heard::Asked(ack),
            Body::EnquireLinkResp => Heard::There,
            Body::Unbind => Heard::Leaving(ack),
            Body::UnbindResp => Heard::Left,
            Body::DeliverSmResp => Heard::Noted,
            Body::Bind(..) | Body::SubmitSm(_) | Body::SubmitSmResp(_) => {
                return Err(DecodeError::UnknownCommand(frame.command));
            }
        })
    }

    fn login(&self, login: &Login<'_>, out: &mut Vec<u8>) -> Digest {
        let mode = match login.role {
            Role::Both | Role::Inbound => BindMode::Transceiver,
            Role::Send => BindMode::Transmitter,
            Role::Receive => BindMode::Receiver,
        };
        let bind = Bind {
            system_id: login.account.as_bytes(),
            password: login.password.as_bytes(),
            system_type: login.system_type.as_bytes(),
            interface_version: INTERFACE_VERSION,
            ..Bind::default()
        };
        put(Status::OK, login.sequence, Body::Bind(mode, bind), out);
        Digest::default()
    }

    fn heart_beat(&self, sequence: Sequence, out: &mut Vec<u8>) {
        put(Status::OK, sequence, Body::EnquireLink, out);
    }

    fn logout(&self, sequence: Sequence, out: &mut Vec<u8>) {
        put(Status::OK, sequence, Body::Unbind, out);
    }

    fn answer(&self, ack: &Ack, answer: Answer, out: &mut Vec<u8>) {
        let body = match Command::from_id(ack.command) {
            Some(Command::EnquireLink) => Body::EnquireLinkResp,
            Some(Command::Unbind) => Body::UnbindResp,
            Some(_) | None => Body::DeliverSmResp,
        };
        let status = match answer {
            Answer::Taken => Status::OK,
            Answer::Full => Status::QUEUE_FULL,
            // The centre never logs in at us.
            Answer::NotLoggedIn
            | Answer::LoggedInAlready
            | Answer::TooMany
            | Answer::WrongDirection => Status::INVALID_BIND_STATE,
        };
        put(status, ack.sequence, body, out);
    }

    /// Only requests are answered: an answer to an answer would be answered in turn.
    fn refuse(&self, frame: &Frame<'_>, error: &DecodeError, out: &mut Vec<u8>) {
        if frame.command & 0x8000_0000 != 0 {
            return;
        }
        let status = match error {
            DecodeError::UnknownCommand(_) => Status::INVALID_COMMAND,
            DecodeError::Truncated(_) | DecodeError::TooLong { .. } | DecodeError::Trailing(_) => {
                Status::INVALID_LENGTH
            }
        };
        put(status, frame.sequence, Body::GenericNack, out);
    }

    fn out_of_step(&self, out: &mut Vec<u8>) {
        let sequence = Sequence::default();
        put(Status::INVALID_LENGTH, sequence, Body::GenericNack, out);
    }

    fn submit(&self, part: &PartText<'_>, style: &Style) -> Halves {
        let sender = &style.sender;
        let message = ShortMessage {
            service_type: sender.service.as_bytes(),
            source: Address {
                ton: sender.source_ton,
                npi: sender.source_npi,
                digits: sender.source.as_bytes(),
            },
            destination: Address {
                ton: sender.destination_ton,
                npi: sender.destination_npi,
                digits: &[],
            },
            esm_class: if part.part.is_some() { ESM_UDHI } else { 0 },
            validity: part.validity.as_bytes(),
            registered_delivery: if part.receipt {
                sender.receipts.registered_delivery()
            } else {
                0
            },
            data_coding: part.coding,
            short_message: part.octets,
            ..ShortMessage::default()
        };
        let mut head = vec![0; HEADER_BYTES];
        if let Some(id) = head.get_mut(4..).and_then(<[u8]>::first_chunk_mut) {
            *id = Command::SubmitSm.id().to_be_bytes();
        }
        message.encode_to_destination(&mut head);
        let mut tail = vec![0];
        message.encode_from_esm_class(&mut tail);
        Halves { head, tail }
    }
}

fn put(status: Status, sequence: Sequence, body: Body<'_>, out: &mut Vec<u8>) {
    Pdu {
        status,
        sequence: sequence.number,
        body,
    }
    .encode(out);
}

fn content(message: &ShortMessage<'_>, spelling: Spelling) -> Content {
    let phone = phone(message.source.digits);
    if !message.is_receipt() {
        let text = message.text();
        return Content::Message { phone, text };
    }
    let mut scratch = Vec::new();
    match receipt::read(message, &mut scratch) {
        Ok(read) => Content::Receipt(Reported {
            ids: candidates(read.id, spelling),
            phone,
            state: read.state,
            reason: read.reason,
        }),
        Err(error) => Content::Unread(error, message.text()),
    }
}
