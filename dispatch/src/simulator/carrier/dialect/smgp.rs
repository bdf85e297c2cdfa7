//! SMGP 3.0, the centre's side.

use super::{Account, Admission, Asked, Dialect, Login, Receipt, Refusal, Submitted};
use crate::gateway::sms::smgp::pdu::{Body, Deliver, PHONE_WIDTH, Version, command, frame};
use crate::gateway::sms::{Frame, FrameError, Sequence, digest};
use crate::simulator::carrier::CarrierConfig;

const DIGEST_ZEROS: usize = 7;
const VERSION: Version = Version::V3;

/// See the file's head.
pub(super) struct Smgp {
    account: Account,
    /// What the login came with: the answer proves that the centre knows the secret.
    digest: [u8; 16],
}

impl Smgp {
    pub(super) fn new(config: &CarrierConfig) -> Self {
        Self {
            account: Account::of(config),
            digest: [0; 16],
        }
    }
}

impl Dialect for Smgp {
    fn frame<'a>(&self, bytes: &'a [u8]) -> Result<Option<Frame<'a>>, FrameError> {
        frame(bytes)
    }

    fn read<'a>(&mut self, frame: &Frame<'a>) -> Option<Asked<'a>> {
        Some(match Body::decode(VERSION, frame).ok()? {
            Body::Login(login) => {
                self.digest = login.authenticator;
                let (name, stamp) = (login.client, login.timestamp);
                let digest = &login.authenticator;
                Asked::Login(Login {
                    known: self.account.knows_digest(name, DIGEST_ZEROS, stamp, digest),
                    sends: login.mode != 1,
                    receives: login.mode != 0,
                })
            }
            Body::Submit(submit) => {
                let (part, octets) = submit.user_data();
                Asked::Submit(Submitted {
                    phones: submit.destinations,
                    width: PHONE_WIDTH,
                    source: submit.source,
                    part,
                    coding: submit.format,
                    octets,
                    validity: submit.valid_until,
                    wants_receipt: submit.report == 1,
                })
            }
            Body::ActiveTest => Asked::HeartBeat,
            Body::Exit => Asked::Logout,
            Body::DeliverResp(..) => Asked::Taken,
            Body::ActiveTestResp | Body::ExitResp => Asked::Nothing,
            Body::LoginResp(..) | Body::SubmitResp(..) | Body::Deliver(_) => return None,
        })
    }

    fn admit(&mut self, frame: &Frame<'_>, admission: Admission, out: &mut Vec<u8>) {
        let status: u32 = match admission {
            Admission::Welcome => 0,
            Admission::Already => 2,
            Admission::WrongAccount => 21,
        };
        let secret = &self.account.password;
        let proof = digest::of_server(&status.to_be_bytes(), &self.digest, secret);
        put(&Body::LoginResp(status, proof, 0x30), frame.sequence, out);
    }

    fn answer(&mut self, to: Sequence, outcome: Result<u64, Refusal>, out: &mut Vec<u8>) {
        let (id, status) = match outcome {
            Ok(nth) => (id(nth), 0),
            Err(Refusal::Throttled) => ([0; 10], 1),
            Err(Refusal::Destination) => ([0; 10], 47),
            Err(Refusal::NotLoggedIn) => ([0; 10], 11),
        };
        put(&Body::SubmitResp(id, status), to, out);
    }

    fn agree(&mut self, frame: &Frame<'_>, out: &mut Vec<u8>) {
        let body = if frame.command == command::EXIT {
            Body::ExitResp
        } else {
            Body::ActiveTestResp
        };
        put(&body, frame.sequence, out);
    }

    fn refuse(&mut self, frame: &Frame<'_>, out: &mut Vec<u8>) {
        if frame.command == command::SUBMIT {
            put(&Body::SubmitResp([0; 10], 10), frame.sequence, out);
        }
    }

    /// The identifier is ten raw octets; a centre that is told to spell it otherwise writes its digits.
    fn report(&mut self, number: u32, receipt: &Receipt<'_>, out: &mut Vec<u8>) {
        let Receipt { nth, date, .. } = receipt;
        let mut content = b"id:".to_vec();
        let spelled = format!("{nth:010X}") != receipt.id;
        if spelled {
            content.extend_from_slice(nth.to_string().as_bytes());
        } else {
            content.extend_from_slice(&id(*nth));
        }
        let stat = receipt.state.word();
        let rest = format!(
            " sub:001 dlvrd:001 Submit date:{date} done date:{date} stat:{stat} err:000 text:"
        );
        content.extend_from_slice(rest.as_bytes());
        let deliver = Deliver {
            id: id(*nth),
            is_report: 1,
            received: b"20230907130400",
            source: receipt.phone,
            destination: receipt.source,
            content: &content,
            ..Deliver::default()
        };
        put(&Body::Deliver(deliver), Sequence::number(number), out);
    }
}

fn put(body: &Body<'_>, to: Sequence, out: &mut Vec<u8>) {
    body.encode(VERSION, to.number, out);
}

/// Decimal digits, two in an octet.
fn id(nth: u64) -> [u8; 10] {
    let mut id = [0; 10];
    let mut rest = nth;
    for octet in id.iter_mut().rev() {
        let pair = u8::try_from(rest % 100).unwrap_or_default();
        *octet = ((pair / 10) << 4) | (pair % 10);
        rest /= 100;
    }
    id
}
