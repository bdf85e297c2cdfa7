//! CMPP as the session engine speaks it.

use super::pdu::{self, Body, Connect, HEADER_BYTES, Submit, Version, command};
use super::report;
use crate::gateway::sms::codec::{
    Ack, Answer, Codec, Content, Digest, Frame, FrameError, Halves, Heard, Layout, Login, PartText,
    Sequence, phone,
};
use crate::gateway::sms::config::Style;
use crate::gateway::sms::digest;
use crate::gateway::sms::identifier::{MessageKey, Spelling};
use crate::gateway::sms::results::{ResultCode, Table};
use crate::gateway::sms::wire::DecodeError;

/// Zeros between account and secret in AuthenticatorSource.
const DIGEST_ZEROS: usize = 9;
/// Fee_UserType: the SP pays.
const SP_PAYS: u8 = 2;
/// FeeType: free of charge.
const FREE: &[u8] = b"01";
const NO_FEE: &[u8] = b"000000";
/// Results that we answer with.
const MALFORMED: u32 = 1;
const FLOW_CONTROL: u32 = 8;

/// See the file's head.
#[derive(Debug)]
pub(in crate::gateway::sms) struct Cmpp {
    version: Version,
}

impl Cmpp {
    /// 2.0
    pub(in crate::gateway::sms) const V2: Self = Self {
        version: Version::V2,
    };
    /// 3.0
    pub(in crate::gateway::sms) const V3: Self = Self {
        version: Version::V3,
    };

    fn put(&self, body: &Body<'_>, sequence: Sequence, out: &mut Vec<u8>) {
        body.encode(self.version, sequence.number, out);
    }
}

impl Codec for Cmpp {
    fn layout(&self) -> Layout {
        Layout {
            long_sequence: false,
            number_at: 8,
            phone_width: self.version.phone_width(),
            national: true,
            has_heart_beat: true,
            control: 0x7FFF_FFFF,
        }
    }

    fn frame<'a>(&self, bytes: &'a [u8]) -> Result<Option<Frame<'a>>, FrameError> {
        pdu::frame(bytes)
    }

    fn read<'a>(&self, frame: &Frame<'a>, spelling: Spelling) -> Result<Heard<'a>, DecodeError> {
        let ack = |id: u64| Ack {
            sequence: frame.sequence,
            command: frame.command,
            id: id_octets(id),
        };
        Ok(match Body::decode(self.version, frame)? {
            Body::SubmitResp(id, result) => {
                let key = (id != 0).then_some(MessageKey(id));
                Heard::Submitted(ResultCode::new(Table::CmppSubmit, result), key)
            }
            Body::ConnectResp(status, proof, _) => {
                Heard::LoggedIn(ResultCode::new(Table::CmppLogin, status), Some(proof))
            }
            Body::Deliver(deliver) => {
                let content = if deliver.registered_delivery == 1 {
                    report::content(&deliver, spelling)
                } else {
                    Content::Message {
                        phone: phone(deliver.source),
                        text: deliver.text(),
                    }
                };
                Heard::Delivered(ack(deliver.id), content)
            }
            Body::ActiveTest => Heard::Asked(ack(0)),
            Body::ActiveTestResp => Heard::There,
            Body::Terminate => Heard::Leaving(ack(0)),
            Body::TerminateResp => Heard::Left,
            Body::DeliverResp(..) => Heard::Noted,
            Body::Connect(_) | Body::Submit(_) => {
                return Err(DecodeError::UnknownCommand(frame.command));
            }
        })
    }

    fn login(&self, login: &Login<'_>, out: &mut Vec<u8>) -> Digest {
        let account = login.account.as_bytes();
        let secret = login.password.as_bytes();
        let authenticator = digest::of_client(account, DIGEST_ZEROS, secret, login.stamp);
        let connect = Connect {
            source: account,
            authenticator,
            version: self.version.octet(),
            timestamp: login.stamp,
        };
        self.put(&Body::Connect(connect), login.sequence, out);
        authenticator
    }

    fn heart_beat(&self, sequence: Sequence, out: &mut Vec<u8>) {
        self.put(&Body::ActiveTest, sequence, out);
    }

    fn logout(&self, sequence: Sequence, out: &mut Vec<u8>) {
        self.put(&Body::Terminate, sequence, out);
    }

    fn answer(&self, ack: &Ack, answer: Answer, out: &mut Vec<u8>) {
        let body = match ack.command {
            command::ACTIVE_TEST => Body::ActiveTestResp,
            command::TERMINATE => Body::TerminateResp,
            _ => {
                let result = if answer == Answer::Taken {
                    0
                } else {
                    FLOW_CONTROL
                };
                Body::DeliverResp(id_of(&ack.id), result)
            }
        };
        self.put(&body, ack.sequence, out);
    }

    /// Only a delivery has an answer that can say so.
    fn refuse(&self, frame: &Frame<'_>, _error: &DecodeError, out: &mut Vec<u8>) {
        if frame.command == command::DELIVER {
            let id = frame.body.first_chunk().copied().unwrap_or_default();
            let body = Body::DeliverResp(u64::from_be_bytes(id), MALFORMED);
            self.put(&body, frame.sequence, out);
        }
    }

    fn out_of_step(&self, _out: &mut Vec<u8>) {}

    fn submit(&self, part: &PartText<'_>, style: &Style) -> Halves {
        let (total, number) = part.part.unwrap_or((1, 1));
        let submit = Submit {
            total,
            number,
            registered_delivery: part.receipt.into(),
            service: style.sender.service.as_bytes(),
            fee_user_type: SP_PAYS,
            udhi: part.part.is_some().into(),
            format: part.coding,
            source: style.account.as_bytes(),
            fee_type: FREE,
            fee_code: NO_FEE,
            valid_until: part.validity.as_bytes(),
            source_number: style.sender.source.as_bytes(),
            content: part.octets,
            ..Submit::default()
        };
        let mut head = vec![0; HEADER_BYTES];
        if let Some(id) = head.get_mut(4..).and_then(<[u8]>::first_chunk_mut) {
            *id = command::SUBMIT.to_be_bytes();
        }
        submit.encode_to_destinations(self.version, &mut head);
        // DestUsr_tl: one phone.
        head.push(1);
        let mut tail = Vec::new();
        submit.encode_from_destinations(self.version, &mut tail);
        Halves { head, tail }
    }
}

fn id_octets(id: u64) -> [u8; 10] {
    let mut octets = [0; 10];
    if let Some(place) = octets.first_chunk_mut() {
        *place = id.to_be_bytes();
    }
    octets
}

fn id_of(octets: &[u8; 10]) -> u64 {
    u64::from_be_bytes(octets.first_chunk().copied().unwrap_or_default())
}
