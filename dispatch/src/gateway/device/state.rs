//! What a device reports of itself: signed, with the command it answers to.

use crate::gateway::mac::{sign_parts, verify_parts};
use serde::{Deserialize, Serialize};

/// Where a barrier is, by its limit switches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Position {
    /// At the upper switch.
    Open,
    /// Between the switches.
    Moving,
    /// At the lower switch.
    Closed,
}

/// A report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    /// Device.
    pub device: String,
    /// Id of the command it answers to; empty where it reports by itself.
    pub command: String,
    /// Rises with each report.
    pub sequence: u64,
    /// Barrier, where it has one.
    pub position: Option<Position>,
    /// Text shown, where it has a board.
    pub shows: Option<String>,
    /// Clip played, where it has a siren.
    pub sounds: Option<String>,
    /// Warnings that it flashes for, by id, where it is a strobe; dark where there are none.
    pub flashes: Option<Vec<String>>,
    /// What is wrong with it or with the command; empty where nothing is.
    pub fault: String,
}

/// What a report says about a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Not yet, or about something else.
    Underway,
    /// The device's own sensor says so.
    Done,
    /// The device says that it will not or cannot.
    Failed(String),
}

/// Why a report is not believed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StateError {
    /// Not a report.
    #[error("not a state: {0}")]
    Form(String),
    /// Speaks for another device.
    #[error("speaks for {0}")]
    NotItself(String),
    /// Not signed with the device's secret.
    #[error("wrong signature")]
    Signature,
}

#[derive(Serialize, Deserialize)]
struct Wire {
    device: String,
    #[serde(default)]
    command: String,
    sequence: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    position: Option<Position>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    shows: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sounds: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    flashes: Option<Vec<String>>,
    #[serde(default)]
    fault: String,
    mac: String,
}

impl State {
    /// Signed JSON, as published.
    pub fn to_bytes(&self, secret: &[u8]) -> Vec<u8> {
        let wire = Wire {
            device: self.device.clone(),
            command: self.command.clone(),
            sequence: self.sequence,
            position: self.position,
            shows: self.shows.clone(),
            sounds: self.sounds.clone(),
            flashes: self.flashes.clone(),
            fault: self.fault.clone(),
            mac: self.with_parts(|parts| sign_parts(secret, parts)),
        };
        // Plain types written to memory cannot fail.
        serde_json::to_vec(&wire).unwrap_or_default()
    }

    /// Believes a report of `device`.
    ///
    /// # Errors
    /// See [`StateError`].
    pub fn read(bytes: &[u8], device: &str, secret: &[u8]) -> Result<Self, StateError> {
        let wire: Wire =
            serde_json::from_slice(bytes).map_err(|error| StateError::Form(error.to_string()))?;
        if wire.device != device {
            return Err(StateError::NotItself(wire.device));
        }
        let state = Self {
            device: wire.device,
            command: wire.command,
            sequence: wire.sequence,
            position: wire.position,
            shows: wire.shows,
            sounds: wire.sounds,
            flashes: wire.flashes,
            fault: wire.fault,
        };
        if state.with_parts(|parts| verify_parts(secret, parts, &wire.mac)) {
            Ok(state)
        } else {
            Err(StateError::Signature)
        }
    }

    /// Whether it flashes for a warning; nothing where it is no strobe.
    pub fn flashes_for(&self, warning: &str) -> Option<bool> {
        let flashes = self.flashes.as_ref()?;
        Some(flashes.iter().any(|known| known == warning))
    }

    fn with_parts<T>(&self, act: impl FnOnce(&[&str]) -> T) -> T {
        let position = match self.position {
            None => "",
            Some(Position::Open) => "open",
            Some(Position::Moving) => "moving",
            Some(Position::Closed) => "closed",
        };
        // A device without a board differs from one that shows nothing.
        let part = |text: &Option<String>| text.as_ref().map_or(String::new(), |t| format!("={t}"));
        let (sequence, shows) = (self.sequence.to_string(), part(&self.shows));
        let (sounds, flashes) = (part(&self.sounds), self.flashes.as_ref());
        let mut parts: Vec<&str> = vec![
            "sanfang/device/state/1",
            &self.device,
            &self.command,
            &sequence,
            position,
            &shows,
            &sounds,
            &self.fault,
        ];
        // A strobe's report alone is longer: how many, and each.
        let count = flashes.map(|all| all.len().to_string());
        parts.extend(count.as_deref());
        parts.extend(flashes.into_iter().flatten().map(String::as_str));
        act(&parts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn state() -> State {
        State {
            device: "gate-7".into(),
            command: "c1".into(),
            sequence: 3,
            position: Some(Position::Closed),
            shows: Some(String::new()),
            sounds: None,
            flashes: None,
            fault: String::new(),
        }
    }

    #[test]
    fn a_forged_report_is_not_believed() {
        let bytes = state().to_bytes(b"k");
        assert_eq!(State::read(&bytes, "gate-7", b"k"), Ok(state()));
        assert_eq!(
            State::read(&bytes, "gate-7", b"x"),
            Err(StateError::Signature)
        );
        let other = State::read(&bytes, "gate-8", b"k");
        assert_eq!(other, Err(StateError::NotItself("gate-7".into())));
        let text = String::from_utf8(bytes).unwrap();
        for (from, with) in [("closed", "open"), ("\"shows\":\"\",", ""), ("c1", "c2")] {
            let changed = text.replace(from, with);
            assert_ne!(changed, text, "{from}");
            let read = State::read(changed.as_bytes(), "gate-7", b"k");
            assert_eq!(read, Err(StateError::Signature), "{from}");
        }
    }

    #[test]
    fn what_a_strobe_flashes_for_is_signed_and_nobody_elses_report_changes() {
        let lit = |flashes: &[&str]| State {
            flashes: Some(flashes.iter().map(|w| (*w).to_owned()).collect()),
            ..state()
        };
        // As it was before there were strobes.
        let plain = String::from_utf8(state().to_bytes(b"k")).unwrap();
        assert!(!plain.contains("flashes"), "{plain}");
        for flashes in [&[][..], &["w1"], &["w1", "w2"]] {
            let bytes = lit(flashes).to_bytes(b"k");
            assert_eq!(State::read(&bytes, "gate-7", b"k"), Ok(lit(flashes)));
        }
        let text = String::from_utf8(lit(&["w1", "w2"]).to_bytes(b"k")).unwrap();
        for with in [r#"["w1"]"#, r#"["w1,w2"]"#, r#"["w2","w1"]"#, "[]", "null"] {
            let changed = text.replace(r#"["w1","w2"]"#, with);
            assert_ne!(changed, text, "{with}");
            let read = State::read(changed.as_bytes(), "gate-7", b"k");
            assert_eq!(read, Err(StateError::Signature), "{with}");
        }
    }

    proptest! {
        #[test]
        fn never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = State::read(&bytes, "d", b"k");
        }
    }
}
