//! One session, octet by octet and millisecond by millisecond.

use super::*;
use crate::gateway::sms::event::Answer;
use crate::gateway::sms::smpp::Status;
use crate::gateway::sms::smpp::command::BindMode;
use crate::gateway::sms::smpp::message::{Address, ShortMessage};
use crate::gateway::sms::smpp::pdu::{Bind, Body, Pdu, frame};
use crate::gateway::sms::{FrameError, Prepared, Style, Validity};
use proptest::prelude::*;

struct Bench {
    session: Session,
    turn: Turn,
    awaited: Awaited,
    config: Arc<LinkConfig>,
}

impl Bench {
    fn new(window: usize) -> Self {
        let config = Arc::new(LinkConfig {
            window: Some(window),
            ..LinkConfig::default()
        });
        Self {
            session: Session::new(0, Role::Both, Arc::clone(&config), "a:1".into()),
            turn: Turn::default(),
            awaited: Awaited::new(100),
            config,
        }
    }

    fn bound(window: usize) -> Self {
        let mut bench = Self::new(window);
        bench.session.start(0, 907_130_400);
        bench.sent();
        let body = Body::BindResp(BindMode::Transceiver, b"carrier", Default::default());
        bench.hear(Status::OK, CONTROL_SEQUENCE, body).unwrap();
        bench.turn.clear();
        bench
    }

    fn hear(&mut self, status: Status, sequence: u32, body: Body<'_>) -> Result<usize, Ending> {
        let mut bytes = Vec::new();
        Pdu {
            status,
            sequence,
            body,
        }
        .encode(&mut bytes);
        self.hear_bytes(&bytes, 0)
    }

    fn hear_bytes(&mut self, bytes: &[u8], now: u64) -> Result<usize, Ending> {
        let mut sink = Sink {
            turn: &mut self.turn,
            awaited: &mut self.awaited,
        };
        self.session.receive(bytes, now, &mut sink)
    }

    fn tick(&mut self, now: u64) -> Result<(), Ending> {
        let mut sink = Sink {
            turn: &mut self.turn,
            awaited: &mut self.awaited,
        };
        self.session.tick(now, 907_130_400, &mut sink)
    }

    fn cut(&mut self) {
        let mut sink = Sink {
            turn: &mut self.turn,
            awaited: &mut self.awaited,
        };
        self.session.cut(&mut sink);
    }

    /// Writes everything; gives command_id, command_status and sequence_number of each PDU.
    fn sent(&mut self) -> Vec<(u32, u32, u32)> {
        let bytes = self.session.outgoing.pending().to_vec();
        self.session.outgoing.advance(bytes.len(), 0);
        let mut rest = &bytes[..];
        let mut pdus = Vec::new();
        while let Some(frame) = frame(rest).unwrap() {
            pdus.push((frame.command, frame.status, frame.sequence.number));
            rest = &rest[frame.length..];
        }
        pdus
    }

    fn submit(&mut self, token: u64, text: &Prepared) -> bool {
        let phone = 8_613_800_000_000 + token;
        self.session.submit(&Submit { token, phone, text }, 0)
    }

    fn outcomes(&mut self) -> Vec<(u64, Outcome)> {
        let answers: Vec<Answer> = std::mem::take(&mut self.turn.answers);
        answers.iter().map(|a| (a.token, a.outcome)).collect()
    }
}

fn text(characters: usize) -> Prepared {
    let text = "雨".repeat(characters);
    Prepared::new(&text, &Style::default(), Validity::Default, 1).unwrap()
}

const CONTROL_SEQUENCE: u32 = 0x7FFF_FFFF;
const SUBMIT: u32 = 4;
const NACK: u32 = 0x8000_0000;

#[test]
fn a_long_message_keeps_to_a_window_of_one() {
    let mut bench = Bench::bound(1);
    assert!(bench.submit(1, &text(190)));
    assert!(!bench.submit(2, &text(1)), "parts of the first still wait");
    for sequence in 1..=3 {
        assert_eq!(bench.sent(), [(SUBMIT, 0, sequence)]);
        assert_eq!(bench.outcomes(), []);
        bench
            .hear(Status::OK, sequence, Body::SubmitSmResp(b"A"))
            .unwrap();
    }
    let id = MessageKey::of(b"A");
    assert_eq!(bench.outcomes(), [(1, Outcome::Accepted { id })]);
    assert!(bench.submit(2, &text(1)));
}

#[test]
fn a_part_refused_is_the_message_refused() {
    let mut bench = Bench::bound(8);
    bench.submit(1, &text(190));
    bench.hear(Status::OK, 1, Body::SubmitSmResp(b"A")).unwrap();
    bench
        .hear(Status::INVALID_DESTINATION, 2, Body::SubmitSmResp(&[]))
        .unwrap();
    assert_eq!(bench.outcomes(), []);
    bench.hear(Status::THROTTLED, 3, Body::GenericNack).unwrap();
    let permanent = Outcome::Permanent(Status::INVALID_DESTINATION.into());
    assert_eq!(bench.outcomes(), [(1, permanent)]);
}

#[test]
fn nothing_goes_out_before_the_bind_is_answered() {
    let mut bench = Bench::new(8);
    assert!(!bench.submit(1, &text(1)));
    bench.session.start(0, 907_130_400);
    assert!(!bench.submit(1, &text(1)));
    let body = Body::BindResp(BindMode::Transceiver, b"", Default::default());
    let refused = bench.hear(Status::INVALID_PASSWORD, CONTROL_SEQUENCE, body);
    let wanted = ResultCode::from(Status::INVALID_PASSWORD);
    assert!(matches!(refused, Err(Ending::LoginRefused(code)) if code == wanted));
    let mut silent = Bench::new(8);
    silent.session.start(0, 907_130_400);
    silent.sent();
    assert!(silent.tick(4_999).is_ok());
    assert!(matches!(silent.tick(5_000), Err(Ending::LoginSilent)));
}

#[test]
fn what_was_written_is_uncertain_and_what_was_not_is_unsent() {
    let mut bench = Bench::bound(8);
    bench.submit(1, &text(1));
    bench.submit(2, &text(1));
    let octets = bench.session.outgoing.pending().len();
    bench.session.outgoing.advance(octets - 1, 0);
    bench.cut();
    assert_eq!(bench.outcomes(), [(1, Outcome::Cut), (2, Outcome::Unsent)]);
    assert!(bench.session.outgoing.pending().is_empty());
}

#[test]
fn requests_of_the_centre_are_answered() {
    let mut bench = Bench::bound(8);
    bench.hear(Status::OK, 77, Body::EnquireLink).unwrap();
    assert_eq!(bench.sent(), [(0x8000_0015, 0, 77)]);
    bench
        .hear(
            Status::OK,
            78,
            Body::Bind(BindMode::Receiver, Bind::default()),
        )
        .unwrap();
    assert_eq!(bench.sent(), [(NACK, 3, 78)]);
    let mut unknown = 16_u32.to_be_bytes().to_vec();
    unknown.extend_from_slice(&[0, 0, 0, 0x21, 0, 0, 0, 0, 0, 0, 0, 79]);
    bench.hear_bytes(&unknown, 0).unwrap();
    assert_eq!(bench.sent(), [(NACK, 3, 79)]);
    let ended = bench.hear(Status::OK, 80, Body::Unbind);
    assert!(matches!(ended, Err(Ending::LoggedOut)));
    assert_eq!(bench.sent(), [(0x8000_0006, 0, 80)]);
    assert_eq!(bench.turn.faults.len(), 2);
}

#[test]
fn a_stream_out_of_step_ends_with_a_word() {
    let mut bench = Bench::bound(8);
    let ended = bench.hear_bytes(b"HTTP/1.1 400 Bad Request\r\n\r\n", 0);
    assert!(matches!(
        ended,
        Err(Ending::Frame(FrameError::Length {
            length: 0x4854_5450,
            ..
        }))
    ));
    assert_eq!(bench.sent(), [(NACK, 2, 0)]);
}

#[test]
fn silence_is_asked_after_and_ends_the_session() {
    let mut bench = Bench::bound(8);
    bench.tick(29_999).unwrap();
    assert_eq!(bench.sent(), []);
    bench.tick(30_000).unwrap();
    assert_eq!(bench.sent(), [(0x15, 0, CONTROL_SEQUENCE)]);
    bench.tick(39_999).unwrap();
    assert!(matches!(bench.tick(40_000), Err(Ending::EnquireSilent)));
}

#[test]
fn a_centre_that_stops_reading_is_left() {
    let mut bench = Bench::bound(8);
    bench.tick(1_000).unwrap();
    bench.submit(1, &text(1));
    bench.tick(10_999).unwrap();
    assert!(matches!(bench.tick(11_000), Err(Ending::Stalled)));
    bench.cut();
    assert_eq!(bench.outcomes(), [(1, Outcome::Unsent)]);
}

#[test]
fn pauses_double_only_when_throttled_again_after_keeping_one() {
    let mut bench = Bench::bound(8);
    let mut pauses = Vec::new();
    for at in [0, 1, 99, 100, 150, 300, 10_400] {
        pauses.push(bench.session.throttled(at));
    }
    assert_eq!(pauses, [100, 100, 100, 200, 200, 400, 100]);
}

#[test]
fn an_answer_to_nothing_and_a_receipt_without_identifier_are_kept_as_faults() {
    let mut bench = Bench::bound(8);
    bench.hear(Status::OK, 5, Body::SubmitSmResp(b"A")).unwrap();
    let receipt = ShortMessage {
        esm_class: 4,
        short_message: b"stat:DELIVRD",
        ..ShortMessage::default()
    };
    bench.hear(Status::OK, 6, Body::DeliverSm(receipt)).unwrap();
    let words: Vec<String> = bench.turn.faults.iter().map(ToString::to_string).collect();
    assert_eq!(words.len(), 2);
    assert!(words[0].contains("sequence number 5"), "{words:?}");
    assert!(words[1].contains("stat:DELIVRD"), "{words:?}");
    bench.session.acknowledge(bench.turn.mark);
    assert_eq!(bench.sent(), [(0x8000_0005, 0, 6)]);
}

#[test]
fn a_reply_from_a_phone_is_read() {
    let mut bench = Bench::bound(8);
    let mut octets = Vec::new();
    crate::gateway::sms::alphabet::Alphabet::Ucs2.encode("收到1", &mut octets);
    let reply = ShortMessage {
        source: Address {
            ton: 1,
            npi: 1,
            digits: b"+8613800000001",
        },
        data_coding: 8,
        short_message: &octets,
        ..ShortMessage::default()
    };
    bench.hear(Status::OK, 1, Body::DeliverSm(reply)).unwrap();
    let wanted = Reply {
        phone: 8_613_800_000_001,
        text: "收到1".to_owned(),
    };
    assert_eq!(bench.turn.replies, [wanted]);
    assert_eq!(bench.config.window(), 8);
}

proptest! {
    /// However the octets are cut up, the same comes out; and no octets make it panic.
    #[test]
    fn reads_are_cut_anywhere(octets in proptest::collection::vec(any::<u8>(), 0..200), cuts in proptest::collection::vec(1..40_usize, 1..20)) {
        let mut bytes = Vec::new();
        for sequence in 1..=5 {
            Pdu { status: Status::OK, sequence, body: Body::SubmitSmResp(b"1F") }.encode(&mut bytes);
        }
        bytes.extend_from_slice(&octets);
        let mut whole = Bench::bound(8);
        let mut pieces = Bench::bound(8);
        for bench in [&mut whole, &mut pieces] {
            for token in 1..=5 {
                bench.submit(token, &text(1));
            }
        }
        let ended = whole.hear_bytes(&bytes, 0).is_err();
        let (mut start, mut end, mut ended_too) = (0, 0, false);
        let mut cuts = cuts.iter().cycle();
        while end < bytes.len() && !ended_too {
            end = (end + cuts.next().unwrap()).min(bytes.len());
            match pieces.hear_bytes(&bytes[start..end], 0) {
                Ok(used) => start += used,
                Err(_) => ended_too = true,
            }
        }
        prop_assert_eq!(ended, ended_too);
        prop_assert_eq!(whole.turn.answers.len(), 5);
        prop_assert_eq!(&whole.turn.answers, &pieces.turn.answers);
        prop_assert_eq!(&whole.turn.faults, &pieces.turn.faults);
    }
}
