//! CMPP 2.0 and 3.0, the centre's side.

use super::{Account, Admission, Asked, Dialect, Login, Receipt, Refusal, Submitted};
use crate::gateway::sms::cmpp::Report;
use crate::gateway::sms::cmpp::pdu::{Body, Deliver, Version, command, frame};
use crate::gateway::sms::{Frame, FrameError, Sequence, digest};
use crate::simulator::carrier::CarrierConfig;

const DIGEST_ZEROS: usize = 9;

/// See the file's head.
pub(super) struct Cmpp {
    account: Account,
    version: Version,
    /// What the login came with: the answer proves that the centre knows the secret.
    digest: [u8; 16],
}

impl Cmpp {
    pub(super) fn new(config: &CarrierConfig, version: Version) -> Self {
        Self {
            account: Account::of(config),
            version,
            digest: [0; 16],
        }
    }

    fn put(&self, body: &Body<'_>, to: Sequence, out: &mut Vec<u8>) {
        body.encode(self.version, to.number, out);
    }
}

impl Dialect for Cmpp {
    fn frame<'a>(&self, bytes: &'a [u8]) -> Result<Option<Frame<'a>>, FrameError> {
        frame(bytes)
    }

    fn read<'a>(&mut self, frame: &Frame<'a>) -> Option<Asked<'a>> {
        Some(match Body::decode(self.version, frame).ok()? {
            Body::Connect(connect) => {
                self.digest = connect.authenticator;
                let (name, stamp) = (connect.source, connect.timestamp);
                let digest = &connect.authenticator;
                Asked::Login(Login {
                    known: self.account.knows_digest(name, DIGEST_ZEROS, stamp, digest),
                    sends: true,
                    receives: true,
                })
            }
            Body::Submit(submit) => {
                let (part, octets) = submit.user_data();
                Asked::Submit(Submitted {
                    phones: submit.destinations,
                    width: self.version.phone_width(),
                    source: submit.source_number,
                    part,
                    coding: submit.format,
                    octets,
                    validity: submit.valid_until,
                    wants_receipt: submit.registered_delivery == 1,
                })
            }
            Body::ActiveTest => Asked::HeartBeat,
            Body::Terminate => Asked::Logout,
            Body::DeliverResp(..) => Asked::Taken,
            Body::ActiveTestResp | Body::TerminateResp => Asked::Nothing,
            Body::ConnectResp(..) | Body::SubmitResp(..) | Body::Deliver(_) => return None,
        })
    }

    fn admit(&mut self, frame: &Frame<'_>, admission: Admission, out: &mut Vec<u8>) {
        let status: u32 = match admission {
            Admission::Welcome => 0,
            Admission::Already => 5,
            Admission::WrongAccount => 3,
        };
        let octets = status.to_be_bytes();
        let octets = match self.version {
            Version::V2 => octets.get(3..).unwrap_or_default(),
            Version::V3 => &octets[..],
        };
        let proof = digest::of_server(octets, &self.digest, &self.account.password);
        let body = Body::ConnectResp(status, proof, self.version.octet());
        self.put(&body, frame.sequence, out);
    }

    fn answer(&mut self, to: Sequence, outcome: Result<u64, Refusal>, out: &mut Vec<u8>) {
        let (id, result) = match outcome {
            Ok(nth) => (nth, 0),
            Err(Refusal::Throttled) => (0, 8),
            Err(Refusal::Destination) => (0, 13),
            Err(Refusal::NotLoggedIn) => (0, 2),
        };
        self.put(&Body::SubmitResp(id, result), to, out);
    }

    fn agree(&mut self, frame: &Frame<'_>, out: &mut Vec<u8>) {
        let body = if frame.command == command::TERMINATE {
            Body::TerminateResp
        } else {
            Body::ActiveTestResp
        };
        self.put(&body, frame.sequence, out);
    }

    fn refuse(&mut self, frame: &Frame<'_>, out: &mut Vec<u8>) {
        if frame.command == command::SUBMIT {
            self.put(&Body::SubmitResp(0, 1), frame.sequence, out);
        }
    }

    /// The identifier is eight octets; a centre that is told to spell it otherwise writes its report as
    /// gateways before an SMPP centre do.
    fn report(&mut self, number: u32, receipt: &Receipt<'_>, out: &mut Vec<u8>) {
        let stat = receipt.state.word();
        let mut content = Vec::new();
        let spelled = format!("{:010X}", receipt.nth) != receipt.id;
        if spelled {
            let Receipt { id, date, .. } = receipt;
            let text = format!("id:{id} submit date:{date} done date:{date} stat:{stat} err:000");
            content.extend_from_slice(text.as_bytes());
        } else {
            let report = Report {
                id: receipt.nth,
                stat: stat.as_bytes(),
                submitted: receipt.date.as_bytes(),
                done: receipt.date.as_bytes(),
                phone: receipt.phone,
                smsc_sequence: number,
            };
            report.encode(self.version.phone_width(), &mut content);
        }
        let deliver = Deliver {
            id: receipt.nth,
            destination: receipt.source,
            source: receipt.phone,
            registered_delivery: 1,
            content: &content,
            ..Deliver::default()
        };
        self.put(&Body::Deliver(deliver), Sequence::number(number), out);
    }
}
