//! A command to a device: signed, numbered, and worth nothing after its time.
//!
//! No rule and no clock can open anything: the only command that opens names the person whose
//! order it is, and the device refuses one without (design §6, domain §0.4).

use super::state::{Outcome, Position, State};
use crate::gateway::mac::{sign_parts, verify_parts};
use crate::wording::is_marked;
use model::{Mode, Time};
use serde::{Deserialize, Serialize};

/// What a device is told to do by the machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", tag = "do")]
pub enum Action {
    /// Shows a text; an empty one clears the board.
    Show {
        /// The text.
        text: String,
    },
    /// Plays a clip; an empty one is silence.
    Sound {
        /// Name of the clip.
        clip: String,
    },
    /// Flashes for a warning until the command's not-after, and then goes dark by itself.
    Flash {
        /// The warning, by id: a strobe may flash for several.
        warning: String,
    },
    /// Flashes no more for that warning; dark where it flashes for no other.
    Dark {
        /// The warning, by id.
        warning: String,
    },
    /// Closes the barrier.
    Close,
    /// Opens the barrier, by a person's order alone: made by [`Command::open_by`].
    #[serde(rename = "open")]
    OpenBy {
        /// Who gave the order.
        person: String,
    },
}

/// One command. Its id makes it idempotent, its counter makes a replay useless.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    id: String,
    device: String,
    site: String,
    counter: u64,
    not_after: Time,
    mode: Mode,
    action: Action,
}

/// What all commands have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Addressed {
    /// Names the command over all attempts.
    pub id: String,
    /// Device.
    pub device: String,
    /// Site it stands at.
    pub site: String,
    /// Rises with each command to a device; the least that this one may have.
    pub counter: u64,
    /// Worth nothing afterwards.
    pub not_after: Time,
    /// World.
    pub mode: Mode,
}

/// Why a command cannot be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CommandError {
    /// A machine may not open.
    #[error("nothing opens by itself: an order to open {0} names a person")]
    OpensItself(String),
    /// Exercises show marked texts and play drill clips only.
    #[error("{device} in an exercise: {why}")]
    Exercise {
        /// The device.
        device: String,
        /// What is wrong.
        why: &'static str,
    },
    /// A name that would break a topic or is empty.
    #[error("{0:?} is empty or holds `/`, `+` or `#`: no device is called so")]
    Name(String),
}

/// Why a device does not act.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Not a command.
    #[error("not a command: {0}")]
    Form(String),
    /// For another device.
    #[error("for {0}, not for this device")]
    NotMine(String),
    /// Not signed with this device's secret.
    #[error("wrong signature")]
    Signature,
    /// Past its time.
    #[error("past its not-after")]
    TooLate,
    /// A counter seen before under another id.
    #[error("counter {0} was used before")]
    Replay(u64),
    /// An order to open without a person.
    #[error("nothing opens by itself")]
    OpensItself,
}

/// As it travels.
#[derive(Serialize, Deserialize)]
struct Wire {
    id: String,
    device: String,
    site: String,
    counter: u64,
    /// Seconds since the Unix epoch: a device needs no calendar.
    not_after: i64,
    mode: Mode,
    action: Action,
    mac: String,
}

impl Command {
    /// A command of the machine.
    ///
    /// # Errors
    /// It would open something, or is not fit for an exercise.
    pub fn new(to: Addressed, action: Action) -> Result<Self, CommandError> {
        if matches!(action, Action::OpenBy { .. }) {
            return Err(CommandError::OpensItself(to.device));
        }
        Self::checked(to, action)
    }

    /// A person's order to open.
    ///
    /// # Errors
    /// The person is not named, or it is an exercise.
    pub fn open_by(to: Addressed, person: &str) -> Result<Self, CommandError> {
        if person.trim().is_empty() {
            return Err(CommandError::OpensItself(to.device));
        }
        let person = person.to_owned();
        Self::checked(to, Action::OpenBy { person })
    }

    fn checked(to: Addressed, action: Action) -> Result<Self, CommandError> {
        for name in [&to.id, &to.device] {
            if name.is_empty() || name.contains(['/', '+', '#', '\0']) {
                return Err(CommandError::Name(name.clone()));
            }
        }
        if to.mode != Mode::Actual {
            exercise_fits(&action, to.mode).map_err(|why| CommandError::Exercise {
                device: to.device.clone(),
                why,
            })?;
        }
        Ok(Self {
            id: to.id,
            device: to.device,
            site: to.site,
            counter: to.counter,
            not_after: to.not_after,
            mode: to.mode,
            action,
        })
    }

    /// The same command with a counter above `last`.
    pub(crate) fn numbered_after(&self, last: u64) -> Self {
        Self {
            counter: self.counter.max(last.saturating_add(1)),
            ..self.clone()
        }
    }

    /// Id.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Device.
    pub fn device(&self) -> &str {
        &self.device
    }

    /// Site the device stands at.
    pub fn site(&self) -> &str {
        &self.site
    }

    /// Counter.
    pub const fn counter(&self) -> u64 {
        self.counter
    }

    /// Not-after.
    pub const fn not_after(&self) -> Time {
        self.not_after
    }

    /// Action.
    pub const fn action(&self) -> &Action {
        &self.action
    }

    /// Signed JSON, as published.
    pub fn to_bytes(&self, secret: &[u8]) -> Vec<u8> {
        let wire = Wire {
            id: self.id.clone(),
            device: self.device.clone(),
            site: self.site.clone(),
            counter: self.counter,
            not_after: self.not_after.seconds(),
            mode: self.mode,
            action: self.action.clone(),
            mac: self.sign(secret),
        };
        // Plain types written to memory cannot fail.
        serde_json::to_vec(&wire).unwrap_or_default()
    }

    /// For devices: believes a command addressed to `device` at `now`.
    ///
    /// # Errors
    /// See [`Refusal`]; the counter is the device's to remember.
    pub fn read(bytes: &[u8], device: &str, secret: &[u8], now: Time) -> Result<Self, Refusal> {
        let wire: Wire =
            serde_json::from_slice(bytes).map_err(|error| Refusal::Form(error.to_string()))?;
        if wire.device != device {
            return Err(Refusal::NotMine(wire.device));
        }
        let command = Self {
            id: wire.id,
            device: wire.device,
            site: wire.site,
            counter: wire.counter,
            not_after: Time::from_seconds(wire.not_after),
            mode: wire.mode,
            action: wire.action,
        };
        if !command.verify(secret, &wire.mac) {
            return Err(Refusal::Signature);
        }
        if now > command.not_after {
            return Err(Refusal::TooLate);
        }
        match &command.action {
            Action::OpenBy { person } if person.trim().is_empty() => Err(Refusal::OpensItself),
            Action::OpenBy { .. }
            | Action::Show { .. }
            | Action::Sound { .. }
            | Action::Flash { .. }
            | Action::Dark { .. }
            | Action::Close => Ok(command),
        }
    }

    /// What a report says about this command.
    pub fn outcome(&self, state: &State) -> Outcome {
        if state.command != self.id || state.device != self.device {
            return Outcome::Underway;
        }
        if !state.fault.is_empty() {
            return Outcome::Failed(state.fault.clone());
        }
        let wanted = match &self.action {
            Action::Close => state.position == Some(Position::Closed),
            Action::OpenBy { .. } => state.position == Some(Position::Open),
            Action::Show { text } => state.shows.as_deref() == Some(text.as_str()),
            Action::Sound { clip } => state.sounds.as_deref() == Some(clip.as_str()),
            Action::Flash { warning } => state.flashes_for(warning) == Some(true),
            Action::Dark { warning } => state.flashes_for(warning) == Some(false),
        };
        if wanted {
            Outcome::Done
        } else {
            Outcome::Underway
        }
    }

    fn sign(&self, secret: &[u8]) -> String {
        self.with_parts(|parts| sign_parts(secret, parts))
    }

    fn verify(&self, secret: &[u8], mac: &str) -> bool {
        self.with_parts(|parts| verify_parts(secret, parts, mac))
    }

    fn with_parts<T>(&self, act: impl FnOnce(&[&str]) -> T) -> T {
        let (verb, argument) = match &self.action {
            Action::Show { text } => ("show", text.as_str()),
            Action::Sound { clip } => ("sound", clip.as_str()),
            Action::Flash { warning } => ("flash", warning.as_str()),
            Action::Dark { warning } => ("dark", warning.as_str()),
            Action::Close => ("close", ""),
            Action::OpenBy { person } => ("open", person.as_str()),
        };
        act(&[
            "sanfang/device/command/1",
            &self.id,
            &self.device,
            &self.site,
            &self.counter.to_string(),
            &self.not_after.seconds().to_string(),
            self.mode.name(),
            verb,
            argument,
        ])
    }
}

/// Design §6.3: devices play drill clips only, and what is shown says that it is a drill. A strobe says
/// nothing but "look at your phone", where the words are marked.
fn exercise_fits(action: &Action, mode: Mode) -> Result<(), &'static str> {
    match action {
        Action::Sound { clip } if clip.is_empty() || clip.starts_with("drill/") => Ok(()),
        Action::Sound { .. } => Err("only clips under drill/ are played"),
        Action::Show { text } if text.is_empty() || is_marked(text, mode) => Ok(()),
        Action::Show { .. } => Err("a text says first and last that it is an exercise"),
        Action::Flash { .. } | Action::Dark { .. } => Ok(()),
        Action::Close | Action::OpenBy { .. } => Err("a barrier does not move"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn to(device: &str, mode: Mode) -> Addressed {
        Addressed {
            id: "c1".into(),
            device: device.into(),
            site: "tunnel-7".into(),
            counter: 5,
            not_after: Time::from_seconds(1000),
            mode,
        }
    }

    fn close() -> Command {
        Command::new(to("gate-7", Mode::Actual), Action::Close).unwrap()
    }

    #[test]
    fn a_machine_opens_nothing() {
        let open = Action::OpenBy { person: "x".into() };
        let error = Command::new(to("gate-7", Mode::Actual), open).unwrap_err();
        assert_eq!(error, CommandError::OpensItself("gate-7".into()));
        assert!(Command::open_by(to("gate-7", Mode::Actual), " ").is_err());
        let order = Command::open_by(to("gate-7", Mode::Actual), "chen").unwrap();
        let bytes = order.to_bytes(b"k");
        let read = Command::read(&bytes, "gate-7", b"k", Time::from_seconds(1)).unwrap();
        assert_eq!(read, order);
    }

    #[test]
    fn a_device_believes_only_what_is_signed_fresh_and_its_own() {
        let bytes = close().to_bytes(b"k");
        let read = |device, secret: &[u8], at| {
            Command::read(&bytes, device, secret, Time::from_seconds(at))
        };
        assert_eq!(read("gate-7", b"k", 1000), Ok(close()));
        assert_eq!(read("gate-7", b"k", 1001), Err(Refusal::TooLate));
        assert_eq!(read("gate-7", b"x", 1), Err(Refusal::Signature));
        assert_eq!(
            read("gate-8", b"k", 1),
            Err(Refusal::NotMine("gate-7".into()))
        );
        let text = String::from_utf8(bytes.clone()).unwrap();
        for (from, with) in [
            ("\"counter\":5", "\"counter\":6"),
            ("\"not_after\":1000", "\"not_after\":9999"),
            ("tunnel-7", "tunnel-8"),
            ("actual", "test"),
            ("{\"do\":\"close\"}", "{\"do\":\"open\",\"person\":\"x\"}"),
        ] {
            let changed = text.replace(from, with);
            assert_ne!(changed, text, "{from}");
            let read = Command::read(changed.as_bytes(), "gate-7", b"k", Time::from_seconds(1));
            assert_eq!(read, Err(Refusal::Signature), "{from}");
        }
    }

    #[test]
    fn an_exercise_moves_and_sounds_nothing_real() {
        let make = |action| Command::new(to("d", Mode::Exercise), action).is_ok();
        assert!(!make(Action::Close));
        assert!(!make(Action::Sound {
            clip: "siren".into()
        }));
        assert!(make(Action::Sound {
            clip: "drill/siren".into()
        }));
        assert!(!make(Action::Show {
            text: "水深".into()
        }));
        assert!(make(Action::Show {
            text: "【演练】水深0.5米【演练】".into()
        }));
        assert!(!make(Action::Show {
            text: "【演练】水深0.5米".into()
        }));
        assert!(Command::open_by(to("d", Mode::Test), "chen").is_err());
    }

    #[test]
    fn names_cannot_leave_their_topic() {
        for name in ["", "a/b", "+", "#"] {
            assert!(
                Command::new(to(name, Mode::Actual), Action::Close).is_err(),
                "{name}"
            );
        }
    }

    #[test]
    fn done_is_what_the_limit_switch_says() {
        let mut state = State {
            device: "gate-7".into(),
            command: "c1".into(),
            sequence: 1,
            position: Some(Position::Moving),
            shows: None,
            sounds: None,
            flashes: None,
            fault: String::new(),
        };
        assert_eq!(close().outcome(&state), Outcome::Underway);
        state.position = Some(Position::Closed);
        assert_eq!(close().outcome(&state), Outcome::Done);
        state.fault = "limit switch".into();
        assert_eq!(
            close().outcome(&state),
            Outcome::Failed("limit switch".into())
        );
        state.command = "c2".into();
        assert_eq!(close().outcome(&state), Outcome::Underway);
    }

    fn switch(is_on: bool, warning: &str) -> Command {
        let warning = warning.to_owned();
        let action = match is_on {
            true => Action::Flash { warning },
            false => Action::Dark { warning },
        };
        Command::new(to("strobe-1", Mode::Actual), action).unwrap()
    }

    #[test]
    fn a_strobe_is_told_by_words_of_its_own_and_for_which_warning() {
        let bytes = switch(true, "w1").to_bytes(b"k");
        let text = String::from_utf8(bytes.clone()).unwrap();
        assert!(
            text.starts_with(
                r#"{"id":"c1","device":"strobe-1","site":"tunnel-7","counter":5,"not_after":1000,"mode":"actual","action":{"do":"flash","warning":"w1"},"mac":""#
            ),
            "{text}"
        );
        let read =
            |bytes: &[u8], at| Command::read(bytes, "strobe-1", b"k", Time::from_seconds(at));
        assert_eq!(read(&bytes, 1000), Ok(switch(true, "w1")));
        assert_eq!(read(&bytes, 1001), Err(Refusal::TooLate));
        for (from, with) in [("flash", "dark"), ("w1", "w2"), (":1000", ":9000")] {
            let changed = text.replace(from, with);
            assert_ne!(changed, text, "{from}");
            assert_eq!(
                read(changed.as_bytes(), 1),
                Err(Refusal::Signature),
                "{from}"
            );
        }
        let dark = String::from_utf8(switch(false, "w1").to_bytes(b"k")).unwrap();
        assert!(dark.contains(r#"{"do":"dark","warning":"w1"}"#), "{dark}");
    }

    #[test]
    fn lit_and_dark_are_what_the_strobe_says_of_that_warning() {
        let state = |flashes: Option<&[&str]>| State {
            device: "strobe-1".into(),
            command: "c1".into(),
            sequence: 1,
            position: None,
            shows: None,
            sounds: None,
            flashes: flashes.map(|all| all.iter().map(|w| (*w).to_owned()).collect()),
            fault: String::new(),
        };
        let of = |is_on, flashes: Option<&[&str]>| switch(is_on, "w1").outcome(&state(flashes));
        assert_eq!(of(true, Some(&["w2", "w1"])), Outcome::Done);
        assert_eq!(of(true, Some(&["w2"])), Outcome::Underway);
        assert_eq!(of(false, Some(&["w2"])), Outcome::Done);
        assert_eq!(of(false, Some(&["w1"])), Outcome::Underway);
        // Whoever has no lamp confirms neither.
        assert_eq!(of(true, None), Outcome::Underway);
        assert_eq!(of(false, None), Outcome::Underway);
    }

    proptest! {
        #[test]
        fn never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = Command::read(&bytes, "d", b"k", Time::from_seconds(0));
        }
    }
}
