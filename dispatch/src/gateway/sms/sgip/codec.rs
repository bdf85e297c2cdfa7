//! SGIP as the session engine speaks it.

use super::pdu::{self, Bind, Body, HEADER_BYTES, PHONE_WIDTH, Report, Submit, command, octets};
use crate::gateway::sms::codec::{
    Ack, Answer, Codec, Content, Digest, Entrance, Frame, FrameError, Halves, Heard, Layout, Login,
    PartText, Reported, Sequence, phone,
};
use crate::gateway::sms::config::Style;
use crate::gateway::sms::identifier::{Spelling, of_octets};
use crate::gateway::sms::receipt::{MessageState, ReasonCode};
use crate::gateway::sms::results::{ResultCode, Table};
use crate::gateway::sms::wire::DecodeError;

/// Login Type: from SP to gateway, from gateway to SP.
const OUTWARD: u8 = 1;
const INWARD: u8 = 2;
/// ChargeNumber: the SP pays.
const SP_PAYS: &[u8] = b"000000000000000000000";
/// FeeType: free of charge.
const FREE: u8 = 1;
const NO_FEE: &[u8] = b"0";
/// ReportFlag.
const REPORT: u8 = 1;
const NO_REPORT: u8 = 2;
/// Results that we answer with.
const ILLEGAL_LOGIN: u8 = 1;
const REPEATED_LOGIN: u8 = 2;
const TOO_MANY: u8 = 3;
const LOGIN_TYPE: u8 = 4;
const MALFORMED: u8 = 5;
const NODE_BUSY: u8 = 11;

/// See the file's head.
#[derive(Debug)]
pub(in crate::gateway::sms) struct Sgip;

impl Codec for Sgip {
    fn layout(&self) -> Layout {
        Layout {
            long_sequence: true,
            number_at: 16,
            phone_width: PHONE_WIDTH,
            national: false,
            has_heart_beat: false,
            control: 0x00FF_FFFF,
        }
    }

    fn frame<'a>(&self, bytes: &'a [u8]) -> Result<Option<Frame<'a>>, FrameError> {
        pdu::frame(bytes)
    }

    fn read<'a>(&self, frame: &Frame<'a>, _spelling: Spelling) -> Result<Heard<'a>, DecodeError> {
        let ack = Ack {
            sequence: frame.sequence,
            command: frame.command,
            id: [0; 10],
        };
        let code = |result: u8| ResultCode::new(Table::Sgip, result.into());
        Ok(match Body::decode(frame)? {
            Body::Resp(command::SUBMIT, result) => {
                let id = of_octets(&octets(frame.sequence));
                Heard::Submitted(code(result), Some(id))
            }
            Body::Resp(command::BIND, result) => Heard::LoggedIn(code(result), None),
            Body::Report(report) => Heard::Delivered(ack, receipt(&report)),
            Body::Deliver(deliver) => {
                let content = Content::Message {
                    phone: phone(deliver.source),
                    text: deliver.text(),
                };
                Heard::Delivered(ack, content)
            }
            Body::Bind(bind) => {
                let entrance = Entrance {
                    account: bind.name,
                    password: bind.password,
                    inbound: bind.login_type == INWARD,
                };
                Heard::Entered(ack, entrance)
            }
            Body::Unbind => Heard::Leaving(ack),
            Body::UnbindResp => Heard::Left,
            Body::Resp(_, _) => Heard::Noted,
            Body::Submit(_) => return Err(DecodeError::UnknownCommand(frame.command)),
        })
    }

    fn login(&self, login: &Login<'_>, out: &mut Vec<u8>) -> Digest {
        let bind = Bind {
            login_type: OUTWARD,
            name: login.account.as_bytes(),
            password: login.password.as_bytes(),
            ..Bind::default()
        };
        Body::Bind(bind).encode(login.sequence, out);
        Digest::default()
    }

    /// There is none: the session begins anew instead.
    fn heart_beat(&self, _sequence: Sequence, _out: &mut Vec<u8>) {}

    fn logout(&self, sequence: Sequence, out: &mut Vec<u8>) {
        Body::Unbind.encode(sequence, out);
    }

    fn answer(&self, ack: &Ack, answer: Answer, out: &mut Vec<u8>) {
        let result = match answer {
            Answer::Taken => 0,
            Answer::Full => NODE_BUSY,
            Answer::NotLoggedIn => ILLEGAL_LOGIN,
            Answer::LoggedInAlready => REPEATED_LOGIN,
            Answer::TooMany => TOO_MANY,
            Answer::WrongDirection => LOGIN_TYPE,
        };
        let body = if ack.command == command::UNBIND {
            Body::UnbindResp
        } else {
            Body::Resp(ack.command, result)
        };
        body.encode(ack.sequence, out);
    }

    /// Only what has an answer with a result can be told so.
    fn refuse(&self, frame: &Frame<'_>, _error: &DecodeError, out: &mut Vec<u8>) {
        let request = frame.command;
        if matches!(request, command::BIND..=command::REPORT) && request != command::UNBIND {
            Body::Resp(request, MALFORMED).encode(frame.sequence, out);
        }
    }

    fn out_of_step(&self, _out: &mut Vec<u8>) {}

    fn submit(&self, part: &PartText<'_>, style: &Style) -> Halves {
        let submit = Submit {
            source: style.sender.source.as_bytes(),
            charge: SP_PAYS,
            corp_id: style.sender.corp_id.as_bytes(),
            service: style.sender.service.as_bytes(),
            fee_type: FREE,
            fee_value: NO_FEE,
            given_value: NO_FEE,
            expires: part.validity.as_bytes(),
            report: if part.receipt { REPORT } else { NO_REPORT },
            udhi: part.part.is_some().into(),
            coding: part.coding,
            content: part.octets,
            ..Submit::default()
        };
        let mut head = vec![0; HEADER_BYTES];
        if let Some(id) = head.get_mut(4..).and_then(<[u8]>::first_chunk_mut) {
            *id = command::SUBMIT.to_be_bytes();
        }
        submit.encode_to_destinations(1, &mut head);
        let mut tail = Vec::new();
        submit.encode_from_destinations(&mut tail);
        Halves { head, tail }
    }
}

fn receipt(report: &Report<'_>) -> Content {
    let state = match report.state {
        0 => MessageState::Delivered,
        1 => MessageState::Enroute,
        2 => MessageState::Undeliverable,
        _ => MessageState::Unknown,
    };
    let reason = if report.error == 0 {
        ReasonCode::default()
    } else {
        ReasonCode::of(itoa::Buffer::new().format(report.error).as_bytes())
    };
    Content::Receipt(Reported {
        ids: [Some(of_octets(&octets(report.submit))), None, None],
        phone: phone(report.phone),
        state,
        reason,
    })
}
