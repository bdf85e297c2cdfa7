//! SMPP 3.4, the centre's side.

use super::{Account, Admission, Asked, Dialect, Login, Receipt, Refusal, Submitted};
use crate::gateway::sms::smpp::command::{BindMode, Command};
use crate::gateway::sms::smpp::message::{Address, ESM_RECEIPT, ShortMessage};
use crate::gateway::sms::smpp::pdu::{Body, Pdu, frame};
use crate::gateway::sms::smpp::{Status, tag};
use crate::gateway::sms::wire::{Tlvs, put_tlv, tlvs};
use crate::gateway::sms::{Frame, FrameError, MessageState, Sequence};
use crate::simulator::carrier::CarrierConfig;
use crate::simulator::carrier::script;

const SYSTEM_ID: &[u8] = b"sanfang-carrier";

/// See the file's head.
pub(super) struct Smpp {
    account: Account,
}

impl Smpp {
    pub(super) fn new(config: &CarrierConfig) -> Self {
        Self {
            account: Account::of(config),
        }
    }
}

impl Dialect for Smpp {
    fn frame<'a>(&self, bytes: &'a [u8]) -> Result<Option<Frame<'a>>, FrameError> {
        frame(bytes)
    }

    fn read<'a>(&mut self, frame: &Frame<'a>) -> Option<Asked<'a>> {
        Some(match Pdu::decode(frame).ok()?.body {
            Body::Bind(mode, bind) => Asked::Login(Login {
                known: self.account.knows(bind.system_id, bind.password),
                sends: mode.sends(),
                receives: mode.receives(),
            }),
            Body::SubmitSm(message) => {
                let (part, octets) = message.user_data();
                Asked::Submit(Submitted {
                    phones: message.destination.digits,
                    width: message.destination.digits.len(),
                    source: message.source.digits,
                    part,
                    coding: message.data_coding,
                    octets,
                    validity: message.validity,
                    wants_receipt: message.registered_delivery & 0x03 == 0x01,
                })
            }
            Body::EnquireLink => Asked::HeartBeat,
            Body::Unbind => Asked::Logout,
            Body::DeliverSmResp => Asked::Taken,
            Body::EnquireLinkResp | Body::UnbindResp | Body::GenericNack => Asked::Nothing,
            Body::BindResp(..) | Body::SubmitSmResp(_) | Body::DeliverSm(_) => return None,
        })
    }

    fn admit(&mut self, frame: &Frame<'_>, admission: Admission, out: &mut Vec<u8>) {
        let mode = match Command::from_id(frame.command) {
            Some(Command::BindReceiver) => BindMode::Receiver,
            Some(Command::BindTransmitter) => BindMode::Transmitter,
            Some(_) | None => BindMode::Transceiver,
        };
        let status = match admission {
            Admission::Welcome => Status::OK,
            Admission::Already => Status::ALREADY_BOUND,
            Admission::WrongAccount => Status::INVALID_PASSWORD,
        };
        let body = Body::BindResp(mode, SYSTEM_ID, Tlvs::default());
        put(status, frame.sequence, body, out);
    }

    fn answer(&mut self, to: Sequence, outcome: Result<u64, Refusal>, out: &mut Vec<u8>) {
        let status = match outcome {
            Ok(nth) => return accept(to, &script::id(nth), out),
            Err(Refusal::Throttled) => Status::THROTTLED,
            Err(Refusal::Destination) => Status::INVALID_DESTINATION,
            Err(Refusal::NotLoggedIn) => Status::INVALID_BIND_STATE,
        };
        put(status, to, Body::SubmitSmResp(&[]), out);
    }

    fn agree(&mut self, frame: &Frame<'_>, out: &mut Vec<u8>) {
        let body = if frame.command == Command::Unbind.id() {
            Body::UnbindResp
        } else {
            Body::EnquireLinkResp
        };
        put(Status::OK, frame.sequence, body, out);
    }

    fn refuse(&mut self, frame: &Frame<'_>, out: &mut Vec<u8>) {
        let body = Body::GenericNack;
        put(Status::INVALID_COMMAND, frame.sequence, body, out);
    }

    fn report(&mut self, number: u32, receipt: &Receipt<'_>, out: &mut Vec<u8>) {
        let Receipt { id, date, .. } = receipt;
        let delivered = receipt.state == MessageState::Delivered;
        let (stat, error, state) = if delivered {
            ("DELIVRD", "000", 2)
        } else {
            ("UNDELIV", "027", 5)
        };
        let delivered = u8::from(delivered);
        let text = format!(
            "id:{id} sub:001 dlvrd:00{delivered} submit date:{date} done date:{date} stat:{stat} err:{error} text:"
        );
        let mut options = Vec::new();
        // Half of the receipts carry the optional parameters as well, as carriers differ.
        if receipt.nth.is_multiple_of(2) {
            let id = format!("{id}\0");
            put_tlv(tag::RECEIPTED_MESSAGE_ID, id.as_bytes(), &mut options);
            put_tlv(tag::MESSAGE_STATE, &[state], &mut options);
        }
        let address = |digits, ton, npi| Address { ton, npi, digits };
        let message = ShortMessage {
            source: address(receipt.phone, 1, 1),
            destination: address(receipt.source, 0, 0),
            esm_class: ESM_RECEIPT,
            short_message: text.as_bytes(),
            tlvs: tlvs(&options),
            ..ShortMessage::default()
        };
        let sequence = Sequence::number(number);
        put(Status::OK, sequence, Body::DeliverSm(message), out);
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

/// submit_sm_resp with an identifier, the answer given most.
fn accept(to: Sequence, id: &[u8; 10], out: &mut Vec<u8>) {
    const LENGTH: u32 = 16 + 10 + 1;
    out.extend_from_slice(&LENGTH.to_be_bytes());
    out.extend_from_slice(&Command::SubmitSmResp.id().to_be_bytes());
    out.extend_from_slice(&[0; 4]);
    out.extend_from_slice(&to.number.to_be_bytes());
    out.extend_from_slice(id);
    out.push(0);
}
