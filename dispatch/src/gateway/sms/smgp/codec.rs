//! SMGP as the session engine speaks it.

use super::pdu::{
    self, Body, Deliver, HEADER_BYTES, Login as LoginBody, PHONE_WIDTH, Submit, Version, command,
    tag,
};
use super::report::read_report;
use crate::gateway::sms::codec::{
    Ack, Answer, Codec, Content, Digest, Frame, FrameError, Halves, Heard, Layout, Login, PartText,
    Reported, Role, Sequence, phone,
};
use crate::gateway::sms::config::Style;
use crate::gateway::sms::digest;
use crate::gateway::sms::identifier::{Spelling, of_octets};
use crate::gateway::sms::results::{ResultCode, Table};
use crate::gateway::sms::wire::{DecodeError, put_tlv, tlvs};

const VERSION: Version = Version::V3;
/// ClientVersion.
const VERSION_OCTET: u8 = 0x30;
/// Zeros between ClientID and secret in AuthenticatorClient.
const DIGEST_ZEROS: usize = 7;
/// MsgType: from SP to phone.
const TO_PHONE: u8 = 6;
/// FeeType: free of charge.
const FREE: &[u8] = b"00";
const NO_FEE: &[u8] = b"000000";
/// Statuses that we answer with.
const BUSY: u32 = 1;
const MALFORMED: u32 = 10;

/// See the file's head.
#[derive(Debug)]
pub(in crate::gateway::sms) struct Smgp;

impl Codec for Smgp {
    fn layout(&self) -> Layout {
        Layout {
            long_sequence: false,
            number_at: 8,
            phone_width: PHONE_WIDTH,
            national: true,
            has_heart_beat: true,
            control: 0x7FFF_FFFF,
        }
    }

    fn frame<'a>(&self, bytes: &'a [u8]) -> Result<Option<Frame<'a>>, FrameError> {
        pdu::frame(bytes)
    }

    fn read<'a>(&self, frame: &Frame<'a>, _spelling: Spelling) -> Result<Heard<'a>, DecodeError> {
        let ack = |id| Ack {
            sequence: frame.sequence,
            command: frame.command,
            id,
        };
        let code = |status| ResultCode::new(Table::Smgp, status);
        Ok(match Body::decode(VERSION, frame)? {
            Body::SubmitResp(id, status) => {
                let key = (id != [0; 10]).then(|| of_octets(&id));
                Heard::Submitted(code(status), key)
            }
            Body::LoginResp(status, proof, _) => Heard::LoggedIn(code(status), Some(proof)),
            Body::Deliver(deliver) => Heard::Delivered(ack(deliver.id), content(&deliver)),
            Body::ActiveTest => Heard::Asked(ack([0; 10])),
            Body::ActiveTestResp => Heard::There,
            Body::Exit => Heard::Leaving(ack([0; 10])),
            Body::ExitResp => Heard::Left,
            Body::DeliverResp(..) => Heard::Noted,
            Body::Login(_) | Body::Submit(_) => {
                return Err(DecodeError::UnknownCommand(frame.command));
            }
        })
    }

    fn login(&self, login: &Login<'_>, out: &mut Vec<u8>) -> Digest {
        let account = login.account.as_bytes();
        let secret = login.password.as_bytes();
        let authenticator = digest::of_client(account, DIGEST_ZEROS, secret, login.stamp);
        let body = LoginBody {
            client: account,
            authenticator,
            mode: match login.role {
                Role::Send => 0,
                Role::Receive => 1,
                Role::Both | Role::Inbound => 2,
            },
            timestamp: login.stamp,
            version: VERSION_OCTET,
        };
        put(&Body::Login(body), login.sequence, out);
        authenticator
    }

    fn heart_beat(&self, sequence: Sequence, out: &mut Vec<u8>) {
        put(&Body::ActiveTest, sequence, out);
    }

    fn logout(&self, sequence: Sequence, out: &mut Vec<u8>) {
        put(&Body::Exit, sequence, out);
    }

    fn answer(&self, ack: &Ack, answer: Answer, out: &mut Vec<u8>) {
        let body = match ack.command {
            command::ACTIVE_TEST => Body::ActiveTestResp,
            command::EXIT => Body::ExitResp,
            _ => Body::DeliverResp(ack.id, if answer == Answer::Taken { 0 } else { BUSY }),
        };
        put(&body, ack.sequence, out);
    }

    /// Only a delivery has an answer that can say so.
    fn refuse(&self, frame: &Frame<'_>, _error: &DecodeError, out: &mut Vec<u8>) {
        if frame.command == command::DELIVER {
            let id = frame.body.first_chunk().copied().unwrap_or_default();
            put(&Body::DeliverResp(id, MALFORMED), frame.sequence, out);
        }
    }

    fn out_of_step(&self, _out: &mut Vec<u8>) {}

    fn submit(&self, part: &PartText<'_>, style: &Style) -> Halves {
        let mut options = Vec::new();
        if let Some((total, number)) = part.part {
            put_tlv(tag::TP_UDHI, &[1], &mut options);
            put_tlv(tag::PK_TOTAL, &[total], &mut options);
            put_tlv(tag::PK_NUMBER, &[number], &mut options);
        }
        put_tlv(tag::MSG_SRC, &msg_src(&style.account), &mut options);
        let submit = Submit {
            message_type: TO_PHONE,
            report: part.receipt.into(),
            service: style.sender.service.as_bytes(),
            fee_type: FREE,
            fee_code: NO_FEE,
            fixed_fee: NO_FEE,
            format: part.coding,
            valid_until: part.validity.as_bytes(),
            source: style.sender.source.as_bytes(),
            content: part.octets,
            tlvs: tlvs(&options),
            ..Submit::default()
        };
        let mut head = vec![0; HEADER_BYTES];
        if let Some(id) = head.get_mut(4..).and_then(<[u8]>::first_chunk_mut) {
            *id = command::SUBMIT.to_be_bytes();
        }
        submit.encode_to_destinations(VERSION, 1, &mut head);
        let mut tail = Vec::new();
        submit.encode_from_destinations(&mut tail);
        Halves { head, tail }
    }
}

fn put(body: &Body<'_>, sequence: Sequence, out: &mut Vec<u8>) {
    body.encode(VERSION, sequence.number, out);
}

/// MsgSrc: the SP's id in eight octets.
fn msg_src(account: &str) -> [u8; 8] {
    let mut octets = [0; 8];
    for (place, octet) in octets.iter_mut().zip(account.bytes()) {
        *place = octet;
    }
    octets
}

fn content(deliver: &Deliver<'_>) -> Content {
    let phone = phone(deliver.source);
    if deliver.is_report == 0 {
        let text = deliver.text();
        return Content::Message { phone, text };
    }
    match read_report(deliver.content) {
        Ok((id, state, reason)) => Content::Receipt(Reported {
            ids: [Some(id), None, None],
            phone,
            state,
            reason,
        }),
        Err(error) => Content::Unread(error, deliver.text()),
    }
}
