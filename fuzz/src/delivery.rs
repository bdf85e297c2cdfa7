//! What delivery reads: wording, the carrier's PDUs and receipts, what devices say.

use dispatch::gateway::adapter::{Meaning, Shapes, shipped};
use dispatch::gateway::device::{Command, State};
use dispatch::gateway::smpp::pdu::{Body, Pdu, frame};
use dispatch::gateway::smpp::read_receipt;
use dispatch::gateway::web_push::Subscription;
use dispatch::wording::Wording;
use model::Time;
use std::sync::LazyLock;

/// Templates and phrases as one file of the directory; the first line names it.
pub(crate) fn wording(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let Some((name, text)) = text.split_once('\n') else {
        return;
    };
    if let Err(faults) = Wording::load(&[(name, text)]) {
        assert!(!faults.is_empty(), "refused without a word");
        for fault in faults {
            assert!(!fault.to_string().is_empty());
        }
    }
}

/// A stream of PDUs: what decodes is written back and reads the same.
pub(crate) fn smpp(mut bytes: &[u8]) {
    while let Ok(Some((header, body))) = frame(bytes) {
        let length = usize::try_from(header.length).unwrap_or(usize::MAX);
        match Pdu::decode(header, body) {
            Ok(pdu) => {
                texts(&pdu.body);
                let mut written = Vec::new();
                pdu.encode(&mut written);
                let Ok(Some((header, body))) = frame(&written) else {
                    panic!("{pdu:?} was written as no frame");
                };
                assert_eq!(Pdu::decode(header, body), Ok(pdu));
            }
            Err(error) => assert!(!error.to_string().is_empty()),
        }
        bytes = bytes.get(length..).unwrap_or_default();
    }
}

fn texts(body: &Body<'_>) {
    let (Body::SubmitSm(message) | Body::DeliverSm(message)) = body else {
        return;
    };
    drop(message.text());
    let mut scratch = Vec::new();
    if let Err(error) = read_receipt(message, &mut scratch) {
        assert!(!error.to_string().is_empty());
    }
}

/// The text of a delivery receipt, the first byte being its data coding.
pub(crate) fn receipt(bytes: &[u8]) {
    let Some((data_coding, text)) = bytes.split_first() else {
        return;
    };
    let message = dispatch::gateway::smpp::message::ShortMessage {
        data_coding: *data_coding,
        esm_class: 0x04,
        short_message: text,
        ..Default::default()
    };
    texts(&Body::DeliverSm(message));
}

/// A device's report and a command to one: only who knows the secret is believed.
pub(crate) fn device(bytes: &[u8]) {
    let secret = b"little secret";
    if let Err(error) = State::read(bytes, "barrier-1", secret) {
        assert!(!error.to_string().is_empty());
    }
    match Command::read(
        bytes,
        "barrier-1",
        secret,
        Time::from_seconds(1_700_000_000),
    ) {
        Ok(command) => {
            let again = command.to_bytes(secret);
            let now = Time::from_seconds(1_700_000_000);
            assert!(Command::read(&again, "barrier-1", secret, now).is_ok());
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

static SHIPPED: LazyLock<Shapes> = LazyLock::new(|| {
    let shapes = shipped();
    shapes.unwrap_or_else(|faults| panic!("shipped shapes: {faults:?}"))
});

/// What a push service answers, its status in the first two bytes: every shape finds a meaning, and
/// what is kept of it is short and has no control characters.
pub(crate) fn answer(bytes: &[u8]) {
    let Some((head, body)) = bytes.split_at_checked(2) else {
        return;
    };
    let status = head.iter().fold(0, |n, b| (n << 8) | u16::from(*b)) % 600;
    for name in SHIPPED.names() {
        let Some(shape) = SHIPPED.get(name) else {
            continue;
        };
        let read = shape.answers.read(status, body);
        assert!(read.said.chars().count() < 500, "{}", read.said);
        assert!(!read.said.chars().any(char::is_control), "{:?}", read.said);
        if read.means == Meaning::Retired {
            assert!(read.reference.is_none_or(|text| text.len() <= 200));
        }
    }
}

/// A shape of an operator's: each fault says where it is and what is wrong.
pub(crate) fn shape(bytes: &[u8]) {
    if bytes.len() > 1 << 14 {
        return;
    }
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    if let Err(faults) = Shapes::default().add("x.toml", text) {
        assert!(!faults.is_empty(), "refused without a word");
        for fault in faults {
            assert!(!fault.field.is_empty() && !fault.what.is_empty(), "{fault}");
        }
    }
}

/// A browser's subscription: what is read is written the same, and its words show nothing of it.
pub(crate) fn subscription(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    match Subscription::parse(text) {
        Ok(read) => assert_eq!(Subscription::parse(&read.to_line()), Ok(read)),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}
