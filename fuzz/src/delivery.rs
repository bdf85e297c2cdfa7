//! What delivery reads: wording, the carrier's PDUs and receipts, what devices say.

use dispatch::gateway::device::{Command, State};
use dispatch::gateway::smpp::pdu::{Body, Pdu, frame};
use dispatch::gateway::smpp::read_receipt;
use dispatch::wording::Wording;
use model::Time;

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
