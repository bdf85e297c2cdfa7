//! The codecs of CMPP, SGIP and SMGP against published packets, against themselves and against
//! arbitrary bytes.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::wildcard_enum_match_arm,
    reason = "a test fails by panicking"
)]

#[path = "peers/skipped.rs"]
mod skipped;

use dispatch::gateway::sms::alphabet::Alphabet;
use dispatch::gateway::sms::{
    Frame, FrameError, LinkConfig, Prepared, Protocol, Sender, Sequence, Style, Validity, cmpp,
    sgip, smgp,
};
use model::Time;
use proptest::prelude::*;
use skipped::skipped;

/// The published packets, or `None` with a loud line where they are not at hand.
fn vectors() -> Option<Vec<(String, Vec<u8>)>> {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../shared/data/protocol/sms_vectors.tsv"
    );
    let Ok(text) = std::fs::read_to_string(path) else {
        skipped("../shared/data/protocol/sms_vectors.tsv is not here");
        return None;
    };
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let read = lines.map(|line| {
        let fields: Vec<&str> = line.split('\t').collect();
        let name = format!("{} {}", fields[0], fields[1]);
        (name, hex::decode(fields[2]).unwrap())
    });
    Some(read.collect())
}

fn of<'a>(vectors: &'a [(String, Vec<u8>)], name: &str) -> &'a [u8] {
    let found = vectors.iter().find(|(it, _)| it == name);
    &found.unwrap_or_else(|| panic!("no vector {name}")).1
}

fn cmpp_body(version: cmpp::pdu::Version, bytes: &[u8]) -> (Frame<'_>, cmpp::pdu::Body<'_>) {
    let frame = cmpp::pdu::frame(bytes).unwrap().unwrap();
    assert_eq!(frame.length, bytes.len());
    let body = cmpp::pdu::Body::decode(version, &frame).unwrap();
    (frame, body)
}

#[test]
fn published_packets_of_cmpp_come_back_byte_for_byte() {
    use cmpp::pdu::Version::{V2, V3};
    let Some(vectors) = vectors() else { return };
    let cases = [
        (V2, "CMPP2.1 CONNECT"),
        (V2, "CMPP2 CONNECT_RESP"),
        (V3, "CMPP3 CONNECT_RESP"),
        (V2, "CMPP2 SUBMIT"),
        (V3, "CMPP3 SUBMIT"),
        (V2, "CMPP2 SUBMIT_RESP"),
        (V3, "CMPP3 SUBMIT_RESP"),
        (V2, "CMPP2 DELIVER MO"),
        (V3, "CMPP3 DELIVER MO"),
        (V2, "CMPP ACTIVE_TEST"),
        (V2, "CMPP ACTIVE_TEST_RESP"),
        (V3, "CMPP TERMINATE"),
    ];
    for (version, name) in cases {
        let bytes = of(&vectors, name);
        let (frame, body) = cmpp_body(version, bytes);
        let mut again = Vec::new();
        body.encode(version, frame.sequence.number, &mut again);
        assert_eq!(hex::encode(&again), hex::encode(bytes), "{name}");
    }
}

#[test]
fn published_packets_of_cmpp_say_what_their_makers_say() {
    use cmpp::pdu::{Body, Version};
    let Some(vectors) = vectors() else { return };
    let (frame, body) = cmpp_body(Version::V2, of(&vectors, "CMPP2.1 CONNECT"));
    let Body::Connect(connect) = body else {
        panic!("{body:?}")
    };
    assert_eq!(frame.sequence.number, 0x17);
    assert_eq!(
        (connect.source, connect.version, connect.timestamp),
        (&b"900001"[..], 0x21, 1_021_080_510)
    );
    for (version, name) in [(Version::V2, "CMPP2 SUBMIT"), (Version::V3, "CMPP3 SUBMIT")] {
        let (_, body) = cmpp_body(version, of(&vectors, name));
        let Body::Submit(submit) = body else {
            panic!("{body:?}")
        };
        let phones: Vec<&[u8]> = submit.phones(version).collect();
        assert_eq!(phones, [b"13500002696"]);
        assert_eq!(
            (submit.service, submit.format, submit.registered_delivery),
            (&b"test"[..], 8, 1)
        );
        assert_eq!(submit.valid_until, b"151105131555101+");
        let mut text = Vec::new();
        Alphabet::Ucs2.encode("测试gocmpp submit", &mut text);
        assert_eq!(submit.content, text);
    }
    let (_, body) = cmpp_body(Version::V3, of(&vectors, "CMPP3 SUBMIT_RESP"));
    assert_eq!(body, Body::SubmitResp(0xb2b9_da80_0001_0000, 0));
    for (version, name) in [
        (Version::V2, "CMPP2 DELIVER MO"),
        (Version::V3, "CMPP3 DELIVER MO"),
    ] {
        let (_, body) = cmpp_body(version, of(&vectors, name));
        let Body::Deliver(deliver) = body else {
            panic!("{body:?}")
        };
        assert_eq!(deliver.source, b"13412340000");
        assert_eq!(deliver.text(), "This is a test MO.");
    }
    let octets = of(&vectors, "CMPP2 RECEIPT body");
    let report = cmpp::read_report(octets).unwrap();
    assert_eq!(
        (report.id, report.stat, report.phone),
        (0xb4c5_5300_0001_0000, &b"DELIVRD"[..], &b"13412340000"[..])
    );
    assert_eq!(
        (report.submitted, report.done, report.smsc_sequence),
        (&b"1511120955"[..], &b"1511120957"[..], 0x1234_5678)
    );
    let mut again = Vec::new();
    report.encode(21, &mut again);
    assert_eq!(again, octets);
}

#[test]
fn the_published_packet_of_sgip_comes_back_and_is_read() {
    use sgip::pdu::{Body, frame};
    let Some(vectors) = vectors() else { return };
    let bytes = of(&vectors, "SGIP1.2 SUBMIT");
    let found = frame(bytes).unwrap().unwrap();
    let sequence = Sequence {
        node: 0,
        stamp: 301_151_218,
        number: 1_857_753_309,
    };
    assert_eq!((found.length, found.sequence), (168, sequence));
    let body = Body::decode(&found).unwrap();
    let Body::Submit(submit) = body else {
        panic!("{body:?}")
    };
    let phones: Vec<&[u8]> = submit.phones().collect();
    assert_eq!(phones, [b"8618657118636"]);
    assert_eq!(
        (submit.source, submit.corp_id, submit.content),
        (&b"106559125028"[..], &b"61118"[..], &b"233a"[..])
    );
    assert_eq!(
        (
            submit.fee_type,
            submit.priority,
            submit.report,
            submit.coding
        ),
        (2, 9, 1, 0)
    );
    let mut again = Vec::new();
    body.encode(sequence, &mut again);
    assert_eq!(hex::encode(again), hex::encode(bytes));
}

#[test]
fn the_published_packet_of_smgp_comes_back_and_is_read() {
    use smgp::pdu::{Body, Version, frame};
    let Some(vectors) = vectors() else { return };
    let bytes = of(&vectors, "SMGP2 SUBMIT (no FixedFee)");
    let found = frame(bytes).unwrap().unwrap();
    let body = Body::decode(Version::V2, &found).unwrap();
    let Body::Submit(submit) = body else {
        panic!("{body:?}")
    };
    let phones: Vec<&[u8]> = submit.phones().collect();
    assert_eq!(phones, [b"13800138000"]);
    assert_eq!((submit.source, submit.content.len()), (&b"10086"[..], 36));
    let tags = [1, 2, 4, 5, 0x14, 7, 9, 0xA, 0xB, 0xC];
    assert!(tags.iter().all(|tag| submit.tlvs.get(*tag).is_some()));
    assert_eq!(submit.tlvs.get(0x12), Some(&b"ABC\0"[..]));
    let mut again = Vec::new();
    body.encode(Version::V2, found.sequence.number, &mut again);
    assert_eq!(hex::encode(again), hex::encode(bytes));
    // An edition later the same octets are another packet.
    assert!(Body::decode(Version::V3, &found).ok() != Some(body));
}

fn style(protocol: Protocol) -> Style {
    let config = LinkConfig {
        protocol,
        account: "900001".into(),
        sender: Sender {
            source: "10657512379".into(),
            service: "sanfang".into(),
            corp_id: "12345".into(),
            ..Sender::default()
        },
        ..LinkConfig::default()
    };
    if protocol == Protocol::Smpp || protocol != Protocol::Sgip {
        let sender = Sender {
            corp_id: String::new(),
            ..config.sender.clone()
        };
        return LinkConfig { sender, ..config }.style();
    }
    config.style()
}

/// Number, validity, phone, text and part of a prepared submit, read by its protocol's own codec.
type Read = (u32, Vec<u8>, Vec<u8>, Vec<u8>, Option<(u8, u8)>);

fn read(protocol: Protocol, bytes: &[u8]) -> Read {
    let part = |part: Option<dispatch::gateway::sms::udh::Part>| {
        part.map(|part| (part.total, part.number))
    };
    match protocol {
        Protocol::Cmpp2 | Protocol::Cmpp3 => {
            let version = match protocol {
                Protocol::Cmpp2 => cmpp::pdu::Version::V2,
                _ => cmpp::pdu::Version::V3,
            };
            let (frame, body) = cmpp_body(version, bytes);
            let mut again = Vec::new();
            body.encode(version, frame.sequence.number, &mut again);
            assert_eq!(again, bytes, "template and codec must agree");
            let cmpp::pdu::Body::Submit(submit) = body else {
                panic!("{body:?}")
            };
            let (which, text) = submit.user_data();
            if let Some(which) = which {
                assert_eq!((submit.total, submit.number), (which.total, which.number));
            }
            (
                frame.sequence.number,
                submit.valid_until.to_vec(),
                submit.phones(version).next().unwrap().to_vec(),
                text.to_vec(),
                part(which),
            )
        }
        Protocol::Sgip => {
            let frame = sgip::pdu::frame(bytes).unwrap().unwrap();
            let body = sgip::pdu::Body::decode(&frame).unwrap();
            let mut again = Vec::new();
            body.encode(frame.sequence, &mut again);
            assert_eq!(again, bytes, "template and codec must agree");
            let sgip::pdu::Body::Submit(submit) = body else {
                panic!("{body:?}")
            };
            let (which, text) = submit.user_data();
            (
                frame.sequence.number,
                submit.expires.to_vec(),
                submit.phones().next().unwrap().to_vec(),
                text.to_vec(),
                part(which),
            )
        }
        Protocol::Smgp => {
            let frame = smgp::pdu::frame(bytes).unwrap().unwrap();
            let body = smgp::pdu::Body::decode(smgp::pdu::Version::V3, &frame).unwrap();
            let mut again = Vec::new();
            body.encode(smgp::pdu::Version::V3, frame.sequence.number, &mut again);
            assert_eq!(again, bytes, "template and codec must agree");
            let smgp::pdu::Body::Submit(submit) = body else {
                panic!("{body:?}")
            };
            let (which, text) = submit.user_data();
            (
                frame.sequence.number,
                submit.valid_until.to_vec(),
                submit.phones().next().unwrap().to_vec(),
                text.to_vec(),
                part(which),
            )
        }
        Protocol::Smpp => panic!("smpp_codec.rs has it"),
    }
}

const NATIONAL: [Protocol; 4] = [
    Protocol::Cmpp2,
    Protocol::Cmpp3,
    Protocol::Sgip,
    Protocol::Smgp,
];

#[test]
fn a_prepared_text_is_read_as_it_was_written() {
    let text = "暴雨红色预警，立即转移到高处。".repeat(6);
    let (until, _) = Time::parse("2023-09-07T05:04:05Z").unwrap();
    for protocol in NATIONAL {
        let validity = Validity::Absolute(until);
        let prepared = Prepared::new(&text, &style(protocol), validity, 9).unwrap();
        assert_eq!(prepared.parts(), 2);
        let mut joined = Vec::new();
        for number in 0..2 {
            let sequence = Sequence {
                node: 3_020_012_345,
                stamp: 907_130_405,
                number: 70 + number,
            };
            let mut bytes = Vec::new();
            let place = usize::try_from(number).unwrap();
            prepared.write(place, sequence, 8_613_800_000_001, &mut bytes);
            let (sequence, valid_until, phone, octets, part) = read(protocol, &bytes);
            let wanted: &[u8] = match protocol {
                Protocol::Sgip => b"8613800000001",
                _ => b"13800000001",
            };
            assert_eq!(phone, wanted, "{protocol:?}");
            assert_eq!(valid_until, b"230907130405032+", "{protocol:?}");
            assert_eq!(sequence, 70 + number);
            assert_eq!(part, Some((2, u8::try_from(number + 1).unwrap())));
            joined.extend(octets);
        }
        let units: Vec<u16> = joined
            .chunks_exact(2)
            .map(|two| u16::from_be_bytes([two[0], two[1]]))
            .collect();
        assert_eq!(String::from_utf16(&units).unwrap(), text, "{protocol:?}");
    }
}

#[test]
fn lengths_out_of_step_end_the_stream() {
    type Cut = for<'a> fn(&'a [u8]) -> Result<Option<Frame<'a>>, FrameError>;
    let cuts: [(Cut, usize); 3] = [
        (cmpp::pdu::frame, 12),
        (sgip::pdu::frame, 20),
        (smgp::pdu::frame, 12),
    ];
    for (cut, least) in cuts {
        for length in [0, 11, 65_537, u32::MAX] {
            let mut bytes = u32::to_be_bytes(length).to_vec();
            bytes.resize(32, 0);
            assert_eq!(cut(&bytes), Err(FrameError::Length { length, least }));
        }
        assert_eq!(cut(&[0, 0, 0]), Ok(None));
        assert_eq!(cut(&[0, 0, 0, 200, 0]), Ok(None));
    }
}

/// Text of a field that is filled up: neither zeros inside nor blanks at its end.
fn text(max: usize) -> impl Strategy<Value = Vec<u8>> {
    proptest::collection::vec(0x21_u8..=0x7E, 0..=max)
}

proptest! {
    #[test]
    fn cmpp_round_trips(
        v3: bool,
        texts in (text(10), text(6), text(17), text(20), text(21)),
        octets in any::<[u8; 8]>(),
        id: u64,
        sequence: u32,
        phones in 0_usize..4,
        content in proptest::collection::vec(any::<u8>(), 0..=255),
    ) {
        use cmpp::pdu::{Body, Deliver, Submit, Version, frame};
        let version = if v3 { Version::V3 } else { Version::V2 };
        let destinations = vec![b'1'; phones * version.phone_width()];
        let [total, number, report, level, udhi, format, kind, fee] = octets;
        let submit = Submit {
            id,
            total,
            number,
            registered_delivery: report,
            level,
            service: &texts.0,
            fee_user_type: fee,
            fee_terminal: &texts.4,
            fee_terminal_type: if v3 { kind } else { 0 },
            protocol_id: kind,
            udhi,
            format,
            source: &texts.1,
            fee_type: b"01",
            fee_code: &texts.1,
            valid_until: &texts.2,
            at_time: &texts.2,
            source_number: &texts.4,
            destinations: &destinations,
            destination_type: if v3 { kind } else { 0 },
            content: &content,
            link: b"link",
        };
        let deliver = Deliver {
            id,
            destination: &texts.4,
            service: &texts.0,
            protocol_id: kind,
            udhi,
            format,
            source: &texts.3,
            source_type: if v3 { kind } else { 0 },
            registered_delivery: report,
            content: &content,
            link: b"",
        };
        for body in [Body::Submit(submit), Body::Deliver(deliver)] {
            let mut bytes = Vec::new();
            body.encode(version, sequence, &mut bytes);
            let found = frame(&bytes).unwrap().unwrap();
            prop_assert_eq!(found.sequence.number, sequence);
            prop_assert_eq!(Body::decode(version, &found), Ok(body));
            for cut in 0..bytes.len() {
                prop_assert_eq!(frame(&bytes[..cut]), Ok(None));
            }
        }
    }

    #[test]
    fn sgip_round_trips(
        texts in (text(5), text(6), text(16), text(10), text(21)),
        octets in any::<[u8; 8]>(),
        words in any::<[u32; 6]>(),
        phones in 0_usize..4,
        content in proptest::collection::vec(any::<u8>(), 0..=400),
    ) {
        use sgip::pdu::{Bind, Body, Deliver, Report, Submit, command, frame};
        let destinations = vec![b'8'; phones * sgip::pdu::PHONE_WIDTH];
        let [a, b, c, d, udhi, coding, state, error] = octets;
        let submit = Submit {
            source: &texts.4,
            charge: &texts.4,
            destinations: &destinations,
            corp_id: &texts.0,
            service: &texts.3,
            fee_type: a,
            fee_value: &texts.1,
            given_value: &texts.1,
            agent: b,
            more: c,
            priority: d,
            expires: &texts.2,
            schedule: &texts.2,
            report: a,
            protocol_id: b,
            udhi,
            coding,
            message_type: c,
            content: &content,
            reserve: b"",
        };
        let deliver = Deliver {
            source: &texts.4,
            destination: &texts.4,
            protocol_id: a,
            udhi,
            coding,
            content: &content,
            reserve: b"r",
        };
        let report = Report {
            submit: Sequence { node: words[3], stamp: words[4], number: words[5] },
            report_type: a,
            phone: &texts.4,
            state,
            error,
            reserve: b"",
        };
        let bind = Bind { login_type: a, name: &texts.2, password: &texts.2, reserve: b"" };
        let sequence = Sequence { node: words[0], stamp: words[1], number: words[2] };
        let bodies = [
            Body::Submit(submit),
            Body::Deliver(deliver),
            Body::Report(report),
            Body::Bind(bind),
            Body::Unbind,
            Body::UnbindResp,
            Body::Resp(command::SUBMIT, error),
        ];
        for body in bodies {
            let mut bytes = Vec::new();
            body.encode(sequence, &mut bytes);
            let found = frame(&bytes).unwrap().unwrap();
            prop_assert_eq!(found.sequence, sequence);
            prop_assert_eq!(Body::decode(&found), Ok(body));
        }
    }

    #[test]
    fn smgp_round_trips(
        v3: bool,
        texts in (text(8), text(6), text(17), text(10), text(21)),
        octets in any::<[u8; 6]>(),
        id: [u8; 10],
        sequence: u32,
        phones in 0_usize..4,
        content in proptest::collection::vec(any::<u8>(), 0..=255),
        value in proptest::collection::vec(any::<u8>(), 0..20),
    ) {
        use dispatch::gateway::sms::wire::{put_tlv, tlvs};
        use smgp::pdu::{Body, Deliver, Login, Submit, Version, frame};
        let version = if v3 { Version::V3 } else { Version::V2 };
        let destinations = vec![b'1'; phones * smgp::pdu::PHONE_WIDTH];
        let mut options = Vec::new();
        put_tlv(u16::from_be_bytes([octets[0], octets[1]]), &value, &mut options);
        let [a, b, c, format, mode, octet] = octets;
        let submit = Submit {
            message_type: a,
            report: b,
            priority: c,
            service: &texts.3,
            fee_type: b"00",
            fee_code: &texts.1,
            fixed_fee: if v3 { &texts.1 } else { b"" },
            format,
            valid_until: &texts.2,
            at_time: &texts.2,
            source: &texts.4,
            charge: &texts.4,
            destinations: &destinations,
            content: &content,
            reserve: b"",
            tlvs: tlvs(&options),
        };
        let deliver = Deliver {
            id,
            is_report: a,
            format,
            received: b"20230907130405",
            source: &texts.4,
            destination: &texts.4,
            content: &content,
            reserve: b"",
            tlvs: tlvs(&options),
        };
        let login = Login {
            client: &texts.0,
            authenticator: [c; 16],
            mode,
            timestamp: sequence,
            version: octet,
        };
        let bodies = [
            Body::Submit(submit),
            Body::Deliver(deliver),
            Body::Login(login),
            Body::LoginResp(sequence, [b; 16], octet),
            Body::SubmitResp(id, sequence),
            Body::DeliverResp(id, sequence),
            Body::ActiveTest,
            Body::ActiveTestResp,
            Body::Exit,
            Body::ExitResp,
        ];
        for body in bodies {
            let mut bytes = Vec::new();
            body.encode(version, sequence, &mut bytes);
            let found = frame(&bytes).unwrap().unwrap();
            prop_assert_eq!(Body::decode(version, &found), Ok(body));
        }
    }

    #[test]
    fn arbitrary_bytes_never_panic(
        command in prop_oneof![any::<u32>(), 1_u32..9, 0x8000_0001_u32..0x8000_0009],
        body in proptest::collection::vec(any::<u8>(), 0..400),
    ) {
        let length = 20 + u32::try_from(body.len()).unwrap();
        let mut bytes = length.to_be_bytes().to_vec();
        bytes.extend_from_slice(&command.to_be_bytes());
        bytes.extend_from_slice(&[0; 12]);
        bytes.extend_from_slice(&body);
        let frame = cmpp::pdu::frame(&bytes).unwrap().unwrap();
        for version in [cmpp::pdu::Version::V2, cmpp::pdu::Version::V3] {
            if let Ok(cmpp::pdu::Body::Deliver(deliver)) = cmpp::pdu::Body::decode(version, &frame) {
                deliver.text();
            }
        }
        if let Ok(smgp::pdu::Body::Deliver(deliver)) = smgp::pdu::Body::decode(smgp::pdu::Version::V3, &frame) {
            deliver.text();
        }
        let frame = sgip::pdu::frame(&bytes).unwrap().unwrap();
        if let Ok(sgip::pdu::Body::Deliver(deliver)) = sgip::pdu::Body::decode(&frame) {
            deliver.text();
        }
        let _ = (cmpp::pdu::frame(&body), sgip::pdu::frame(&body), smgp::pdu::frame(&body));
        let _ = (cmpp::read_report(&body), smgp::read_report(&body));
    }
}
