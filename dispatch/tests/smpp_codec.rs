//! The SMPP codec against published PDUs, against itself and against arbitrary bytes.

#![expect(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "a test fails by panicking"
)]

#[path = "peers/skipped.rs"]
mod skipped;

use dispatch::gateway::sms::smpp::command::BindMode;
use dispatch::gateway::sms::smpp::message::{Address, ShortMessage};
use dispatch::gateway::sms::smpp::pdu::{Bind, Body, Pdu, frame};
use dispatch::gateway::sms::smpp::{Status, read_receipt, tag};
use dispatch::gateway::sms::udh::Part;
use dispatch::gateway::sms::wire::{DecodeError, put_tlv, tlvs};
use dispatch::gateway::sms::{FrameError, MessageKey, MessageState, Spelling, candidates};
use proptest::prelude::*;
use skipped::skipped;

struct Vector {
    group: String,
    bytes: Vec<u8>,
    sequence: u32,
}

/// The published PDUs, or `None` with a loud line where they are not at hand.
fn vectors() -> Option<Vec<Vector>> {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../shared/data/protocol/smpp_pdus.ndjson"
    );
    let Ok(text) = std::fs::read_to_string(path) else {
        skipped("../shared/data/protocol/smpp_pdus.ndjson is not here");
        return None;
    };
    let lines = text.lines().map(|line| {
        let value: serde_json::Value = serde_json::from_str(line).unwrap();
        Vector {
            group: value["group"].as_str().unwrap().to_owned(),
            bytes: hex::decode(value["hex"].as_str().unwrap()).unwrap(),
            sequence: u32::try_from(value["seq"].as_u64().unwrap()).unwrap(),
        }
    });
    Some(lines.collect())
}

fn decode(bytes: &[u8]) -> Result<Pdu<'_>, DecodeError> {
    Pdu::decode(&frame(bytes).unwrap().unwrap())
}

#[test]
fn published_pdus_come_back_byte_for_byte() {
    let Some(vectors) = vectors() else { return };
    let mut seen = 0;
    for vector in vectors.iter().filter(|v| v.group != "FRAGMENTED_REPORTS") {
        let pdu = decode(&vector.bytes).unwrap();
        assert_eq!(pdu.sequence, vector.sequence);
        let mut again = Vec::new();
        pdu.encode(&mut again);
        assert_eq!(again, vector.bytes);
        seen += 1;
    }
    assert_eq!(seen, 18);
}

#[test]
fn a_published_long_message_is_put_together() {
    let Some(vectors) = vectors() else { return };
    let mut text = String::new();
    let parts = vectors.iter().filter(|v| v.group == "FRAGMENTED_SM");
    for (number, vector) in (1..).zip(parts) {
        let Body::DeliverSm(message) = decode(&vector.bytes).unwrap().body else {
            panic!("not a deliver_sm");
        };
        let part = Part {
            reference: 0x35,
            total: 6,
            number,
        };
        assert_eq!(message.user_data().0, Some(part));
        assert_eq!(message.destination.digits, b"+385999999999");
        text.push_str(&message.text());
    }
    assert!(text.starts_with("jako jako jako"), "{text}");
    assert!(text.contains("poruka čćšđž"), "{text}");
    assert!(!text.contains('\u{FFFD}'), "{text}");
}

/// The six reports announce three octets fewer than they hold: refused as they stand, matched
/// to the six answers once the length is put right.
#[test]
fn published_reports_lie_about_their_length_and_match_their_answers() {
    let Some(vectors) = vectors() else { return };
    let answers: Vec<MessageKey> = vectors
        .iter()
        .filter(|v| v.group == "FRAGMENTED_SM_RESP")
        .map(|v| match decode(&v.bytes).unwrap().body {
            Body::SubmitSmResp(id) => MessageKey::of(id).unwrap(),
            other => panic!("{other:?}"),
        })
        .collect();
    let reports = vectors.iter().filter(|v| v.group == "FRAGMENTED_REPORTS");
    for (report, answer) in reports.zip(&answers) {
        assert_eq!(
            decode(&report.bytes),
            Err(DecodeError::Truncated("short_message"))
        );
        let mut mended = report.bytes.clone();
        let length = u32::try_from(mended.len()).unwrap();
        mended[..4].copy_from_slice(&length.to_be_bytes());
        let Body::DeliverSm(message) = decode(&mended).unwrap().body else {
            panic!("not a deliver_sm");
        };
        assert!(message.is_receipt());
        let mut scratch = Vec::new();
        let read = read_receipt(&message, &mut scratch).unwrap();
        assert_eq!(read.state, MessageState::Delivered);
        assert_eq!(candidates(read.id, Spelling::Same)[0], Some(*answer));
    }
    assert_eq!(answers.len(), 6);
}

#[test]
fn lengths_out_of_step_end_the_stream() {
    for length in [0, 15, 65_537, u32::MAX] {
        let mut bytes = u32::to_be_bytes(length).to_vec();
        bytes.resize(32, 0);
        assert_eq!(frame(&bytes), Err(FrameError::Length { length, least: 16 }));
    }
    assert_eq!(frame(&[0, 0, 0]), Ok(None));
    assert_eq!(frame(&[0, 0, 0, 16, 0]), Ok(None));
}

#[test]
fn faults_name_the_field() {
    let mut bytes = Vec::new();
    let body = Body::Bind(
        BindMode::Transceiver,
        Bind {
            system_id: &[b'a'; 20],
            ..Bind::default()
        },
    );
    Pdu {
        status: Status::OK,
        sequence: 1,
        body,
    }
    .encode(&mut bytes);
    let error = decode(&bytes).unwrap_err();
    assert_eq!(
        error.to_string(),
        "system_id is longer than 16 octets with its NUL"
    );
    let mut unknown = 16_u32.to_be_bytes().to_vec();
    unknown.extend_from_slice(&[0, 0, 0, 0x03, 0, 0, 0, 0, 0, 0, 0, 1]);
    assert_eq!(decode(&unknown), Err(DecodeError::UnknownCommand(3)));
}

fn text(max: usize) -> impl Strategy<Value = Vec<u8>> {
    proptest::collection::vec(1_u8..=255, 0..=max)
}

prop_compose! {
    fn options()(
        entries in proptest::collection::vec((any::<u16>(), proptest::collection::vec(any::<u8>(), 0..40)), 0..4)
    ) -> Vec<u8> {
        let mut bytes = Vec::new();
        for (tag, value) in entries {
            put_tlv(tag, &value, &mut bytes);
        }
        bytes
    }
}

proptest! {
    #[test]
    fn messages_round_trip(
        addresses in (text(20), text(20), text(5)),
        times in (text(16), text(16)),
        octets in any::<[u8; 11]>(),
        short_message in proptest::collection::vec(any::<u8>(), 0..=254),
        options in options(),
        deliver: bool,
        sequence: u32,
        status: u32,
    ) {
        let message = ShortMessage {
            service_type: &addresses.2,
            source: Address { ton: octets[0], npi: octets[1], digits: &addresses.0 },
            destination: Address { ton: octets[2], npi: octets[3], digits: &addresses.1 },
            esm_class: octets[4],
            protocol_id: octets[5],
            priority: octets[6],
            schedule: &times.0,
            validity: &times.1,
            registered_delivery: octets[7],
            replace_if_present: octets[8],
            data_coding: octets[9],
            default_message: octets[10],
            short_message: &short_message,
            tlvs: tlvs(&options),
        };
        let body = if deliver { Body::DeliverSm(message) } else { Body::SubmitSm(message) };
        let pdu = Pdu { status: Status(status), sequence, body };
        let mut bytes = Vec::new();
        pdu.encode(&mut bytes);
        prop_assert_eq!(decode(&bytes), Ok(pdu));
        for cut in 0..bytes.len() {
            prop_assert_eq!(frame(&bytes[..cut]), Ok(None));
        }
    }

    #[test]
    fn binds_and_answers_round_trip(id in text(15), password in text(8), kind in text(12), range in text(40), options in options(), n in 0_u8..12, octets: [u8; 3]) {
        let bind = Bind {
            system_id: &id,
            password: &password,
            system_type: &kind,
            interface_version: octets[0],
            ton: octets[1],
            npi: octets[2],
            address_range: &range,
        };
        let body = match n {
            0 => Body::Bind(BindMode::Receiver, bind),
            1 => Body::Bind(BindMode::Transmitter, bind),
            2 => Body::Bind(BindMode::Transceiver, bind),
            3 => Body::BindResp(BindMode::Receiver, &id, tlvs(&options)),
            4 => Body::BindResp(BindMode::Transmitter, &id, tlvs(&options)),
            5 => Body::BindResp(BindMode::Transceiver, &id, tlvs(&options)),
            6 => Body::SubmitSmResp(&range),
            7 => Body::DeliverSmResp,
            8 => Body::EnquireLink,
            9 => Body::Unbind,
            10 => Body::UnbindResp,
            _ => Body::GenericNack,
        };
        let pdu = Pdu { status: Status::OK, sequence: 9, body };
        let mut bytes = Vec::new();
        pdu.encode(&mut bytes);
        prop_assert_eq!(decode(&bytes), Ok(pdu));
    }

    #[test]
    fn arbitrary_bytes_never_panic(
        command in prop_oneof![any::<u32>(), Just(4), Just(5), Just(0x8000_0004), Just(9), Just(0x8000_0009)],
        body in proptest::collection::vec(any::<u8>(), 0..400),
    ) {
        let mut bytes = (16 + u32::try_from(body.len()).unwrap()).to_be_bytes().to_vec();
        bytes.extend_from_slice(&command.to_be_bytes());
        bytes.extend_from_slice(&[0; 8]);
        bytes.extend_from_slice(&body);
        if let Ok(Pdu { body: Body::SubmitSm(message) | Body::DeliverSm(message), .. }) = decode(&bytes) {
            message.text();
            message.tlvs.get(tag::MESSAGE_PAYLOAD);
            let mut scratch = Vec::new();
            let _ = read_receipt(&message, &mut scratch);
        }
        let _ = frame(&body);
    }
}
