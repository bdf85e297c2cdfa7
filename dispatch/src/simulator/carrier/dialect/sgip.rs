//! SGIP 1.2, the centre's side: what it has to say goes out on a connection of its own.

use super::{Account, Admission, Asked, Dialect, Login, Receipt, Refusal, Submitted};
use crate::gateway::sms::sgip::pdu::{Bind, Body, PHONE_WIDTH, Report, command, frame};
use crate::gateway::sms::{Frame, FrameError, MessageState, Sequence};
use crate::simulator::carrier::CarrierConfig;

/// Number of the centre's node.
const NODE: u32 = 300_000;

/// See the file's head.
pub(super) struct Sgip {
    account: Account,
}

impl Sgip {
    pub(super) fn new(config: &CarrierConfig) -> Self {
        Self {
            account: Account::of(config),
        }
    }
}

impl Dialect for Sgip {
    fn frame<'a>(&self, bytes: &'a [u8]) -> Result<Option<Frame<'a>>, FrameError> {
        frame(bytes)
    }

    fn read<'a>(&mut self, frame: &Frame<'a>) -> Option<Asked<'a>> {
        Some(match Body::decode(frame).ok()? {
            Body::Bind(bind) => Asked::Login(Login {
                known: bind.login_type == 1 && self.account.knows(bind.name, bind.password),
                sends: true,
                receives: false,
            }),
            Body::Submit(submit) => {
                let (part, octets) = submit.user_data();
                Asked::Submit(Submitted {
                    phones: submit.destinations,
                    width: PHONE_WIDTH,
                    source: submit.source,
                    part,
                    coding: submit.coding,
                    octets,
                    validity: submit.expires,
                    wants_receipt: submit.report == 1,
                })
            }
            Body::Unbind => Asked::Logout,
            Body::Resp(command::REPORT, _) => Asked::Taken,
            Body::UnbindResp | Body::Resp(..) => Asked::Nothing,
            Body::Deliver(_) | Body::Report(_) => return None,
        })
    }

    fn admit(&mut self, frame: &Frame<'_>, admission: Admission, out: &mut Vec<u8>) {
        let result = match admission {
            Admission::Welcome => 0,
            Admission::Already => 2,
            Admission::WrongAccount => 1,
        };
        Body::Resp(command::BIND, result).encode(frame.sequence, out);
    }

    fn answer(&mut self, to: Sequence, outcome: Result<u64, Refusal>, out: &mut Vec<u8>) {
        let result = match outcome {
            Ok(_) => 0,
            Err(Refusal::Throttled) => 11,
            Err(Refusal::Destination) => 6,
            Err(Refusal::NotLoggedIn) => 1,
        };
        Body::Resp(command::SUBMIT, result).encode(to, out);
    }

    fn agree(&mut self, frame: &Frame<'_>, out: &mut Vec<u8>) {
        Body::UnbindResp.encode(frame.sequence, out);
    }

    fn refuse(&mut self, frame: &Frame<'_>, out: &mut Vec<u8>) {
        if frame.command == command::SUBMIT {
            Body::Resp(command::SUBMIT, 5).encode(frame.sequence, out);
        }
    }

    fn report(&mut self, number: u32, receipt: &Receipt<'_>, out: &mut Vec<u8>) {
        let failed = receipt.state != MessageState::Delivered;
        let report = Report {
            submit: receipt.submitted,
            phone: receipt.phone,
            state: if failed { 2 } else { 0 },
            error: if failed { 27 } else { 0 },
            ..Report::default()
        };
        Body::Report(report).encode(own(number), out);
    }
}

fn own(number: u32) -> Sequence {
    Sequence {
        node: NODE,
        stamp: 907_130_400,
        number,
    }
}

/// The centre's login at the other side.
pub(in crate::simulator::carrier) fn bind(config: &CarrierConfig) -> Vec<u8> {
    let mut out = Vec::new();
    let bind = Bind {
        login_type: 2,
        name: config.system_id.as_bytes(),
        password: config.password.as_bytes(),
        ..Bind::default()
    };
    Body::Bind(bind).encode(own(0), &mut out);
    out
}

/// What the other side said to the centre's login; `None` where it said something else.
pub(in crate::simulator::carrier) fn is_welcome(frame: &Frame<'_>) -> Option<bool> {
    match Body::decode(frame) {
        Ok(Body::Resp(command::BIND, result)) => Some(result == 0),
        Ok(_) | Err(_) => None,
    }
}

/// Whether the other side took a report.
pub(in crate::simulator::carrier) fn is_report_taken(frame: &Frame<'_>) -> bool {
    matches!(Body::decode(frame), Ok(Body::Resp(command::REPORT, 0)))
}
