//! Devices without a broker between: the demo's signs, sirens and barriers, each on a wire of its own.

use super::devices::{Device, Fault};
use crate::gateway::device::{Command, Outcome, State};
use crate::gateway::{Proof, Receipt};
use model::{SendError, Time};
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// They know nobody else.
const SECRET: &[u8] = b"wired";

/// Devices by id, each with the number of its last command.
#[derive(Debug)]
pub struct Wired(Mutex<BTreeMap<String, (Device, u64)>>);

impl Wired {
    /// Devices of these ids that do as they are told.
    pub fn new<'a>(ids: impl Iterator<Item = &'a str>) -> Self {
        let device = |id: &str| (id.to_owned(), (Device::new(id, SECRET, Fault::None), 0));
        Self(Mutex::new(ids.map(device).collect()))
    }

    /// Gives a command at `at`; the device says at once what it did.
    ///
    /// # Errors
    /// Permanent where there is no such device or it refuses, uncertain where it does not confirm.
    pub fn send(&self, command: &Command, at: Time) -> Result<Receipt, SendError> {
        let mut devices = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let id = command.device();
        let (device, last) = devices
            .get_mut(id)
            .ok_or_else(|| SendError::Permanent(format!("no device {id} on the wire")))?;
        let command = command.numbered_after(*last);
        *last = command.counter();
        let reports = device.step(&command.to_bytes(SECRET), at).into_iter();
        let states = reports.filter_map(|bytes| State::read(&bytes, id, SECRET).ok());
        match states.map(|state| command.outcome(&state)).next_back() {
            Some(Outcome::Done) => Ok(Receipt {
                reference: command.id().to_owned(),
                proof: Proof::ActionReported,
            }),
            Some(Outcome::Failed(why)) => Err(SendError::Permanent(format!("{id}: {why}"))),
            Some(Outcome::Underway) | None => {
                Err(SendError::Uncertain(format!("{id} did not confirm")))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gateway::device::Action;
    use crate::gateway::device::command::Addressed;
    use model::Mode;

    fn close(id: &str, device: &str) -> Command {
        let to = Addressed {
            id: id.into(),
            device: device.into(),
            site: "C1".into(),
            counter: 1,
            not_after: Time::from_seconds(60),
            mode: Mode::Actual,
        };
        Command::new(to, Action::Close).unwrap()
    }

    #[test]
    fn a_command_is_done_and_confirmed_also_where_numbers_would_repeat() {
        let wired = Wired::new(["barrier-C1"].into_iter());
        let at = Time::from_seconds(0);
        for id in ["a", "b", "b"] {
            let done = wired.send(&close(id, "barrier-C1"), at).unwrap();
            assert_eq!(done.proof, Proof::ActionReported);
        }
        let late = wired.send(&close("c", "barrier-C1"), Time::from_seconds(61));
        assert!(matches!(late, Err(SendError::Permanent(_))), "{late:?}");
        let nowhere = wired.send(&close("d", "barrier-C2"), at);
        assert!(matches!(nowhere, Err(SendError::Permanent(_))));
    }
}
