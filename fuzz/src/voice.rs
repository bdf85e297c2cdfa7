//! What a line of calls reads: messages of a gateway, sound files, packets of sound.

use dispatch::gateway::voice::digest::{Challenge, Login};
use dispatch::gateway::voice::message::{Message, address, frame, keep_alive, tag};
use dispatch::gateway::voice::rtp::{Keys, Packet};
use dispatch::gateway::voice::{g711, sdp, wav};

/// A message: what decodes is written back and reads the same, however a stream cuts it.
pub(crate) fn sip(bytes: &[u8]) {
    let bytes = bytes.get(keep_alive(bytes)..).unwrap_or_default();
    if let Ok(Some(length)) = frame(bytes) {
        assert!(length > 0 && length <= bytes.len(), "a frame of nothing");
    }
    match Message::decode(bytes) {
        Ok(message) => {
            let written = message.encode();
            assert_eq!(Message::decode(&written), Ok(message.clone()));
            assert_eq!(frame(&written), Ok(Some(written.len())));
            for (_, value) in &message.fields {
                let _ = (tag(value), address(value));
                if let Some(challenge) = Challenge::read(value) {
                    let login = Login {
                        user: "user",
                        password: "password",
                        method: "INVITE",
                        uri: "sip:a@b",
                        own: "own",
                    };
                    let answer = challenge.answer(&login);
                    assert!(!answer.contains("password"), "the password is shown");
                }
            }
            if let Some(media) = sdp::answer(&message.body) {
                assert!(media.to.port() != 0 && !media.to.ip().is_unspecified());
            }
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

/// A file of sound, and the same bytes as a packet.
pub(crate) fn sound(bytes: &[u8]) {
    match wav::read(bytes) {
        Ok(samples) => {
            let most = (wav::RATE * wav::SECONDS_MAX) as usize;
            assert!(samples.len() <= most, "longer than the longest");
            assert_eq!(wav::read(&wav::write(&samples, wav::RATE)), Ok(samples));
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
    if let Some(packet) = Packet::decode(bytes) {
        let _ = Keys::default().pressed(&packet);
        let mut written = Vec::new();
        packet.encode(&mut written);
        assert_eq!(Packet::decode(&written), Some(packet));
    }
    for byte in bytes.iter().take(16) {
        assert_eq!(g711::encode(g711::decode(*byte)), *byte);
    }
}
