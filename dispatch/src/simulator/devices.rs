//! Site devices in play: they listen, verify, act and report as real ones should, or fail on purpose.

use crate::gateway::device::{Action, Command, Position, Refusal, State};
use model::Time;
use mqtt5::{ConnectOptions, MqttClient, QoS, SubscribeOptions};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::mpsc;

/// Commands that wait for the fleet; a full queue is a dead device.
const QUEUE_MAX: usize = 4096;
/// Commands a device remembers as done.
const DONE_MAX: usize = 64;
/// Warnings a strobe flashes for at the same time.
const FLASHES_MAX: usize = 64;

/// What is wrong with a device.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fault {
    /// Nothing.
    #[default]
    None,
    /// Hears and says nothing.
    Dead,
    /// The barrier starts and never reaches its switch; the device says so.
    Stuck,
    /// The barrier starts and never reaches its switch; the device says nothing more.
    StuckSilently,
    /// Reports with a wrong signature.
    WrongSignature,
}

/// One device, pure: bytes in, reports out.
#[derive(Clone, Debug)]
pub struct Device {
    id: String,
    secret: Vec<u8>,
    fault: Fault,
    counter: u64,
    sequence: u64,
    position: Position,
    shows: String,
    sounds: String,
    /// Warnings that its lamp flashes for, each until a time.
    flashes: BTreeMap<String, Time>,
    done: Vec<String>,
    acted: u64,
}

impl Device {
    /// An open barrier with a dark board, a silent siren and a dark lamp.
    pub fn new(id: &str, secret: &[u8], fault: Fault) -> Self {
        Self {
            id: id.to_owned(),
            secret: secret.to_owned(),
            fault,
            counter: 0,
            sequence: 0,
            position: Position::Open,
            shows: String::new(),
            sounds: String::new(),
            flashes: BTreeMap::new(),
            done: Vec::new(),
            acted: 0,
        }
    }

    /// Takes a command at `now` and says what it reports, in order. A command known by its id is
    /// reported again and not done again; a used counter under a new id is a replay.
    pub fn step(&mut self, bytes: &[u8], now: Time) -> Vec<Vec<u8>> {
        if self.fault == Fault::Dead {
            return Vec::new();
        }
        self.flashes.retain(|_, until| now < *until);
        let command = match Command::read(bytes, &self.id, &self.secret, now) {
            Ok(command) => command,
            // Whoever sent this has not shown that it may have an answer.
            Err(Refusal::Form(_) | Refusal::NotMine(_) | Refusal::Signature) => return Vec::new(),
            Err(refusal @ (Refusal::TooLate | Refusal::Replay(_) | Refusal::OpensItself)) => {
                let id = claimed_id(bytes);
                return vec![self.report(&id, &refusal.to_string())];
            }
        };
        if self.done.iter().any(|id| id == command.id()) {
            return vec![self.report(command.id(), "")];
        }
        if command.counter() <= self.counter {
            let refusal = Refusal::Replay(command.counter());
            return vec![self.report(command.id(), &refusal.to_string())];
        }
        self.counter = command.counter();
        self.act(&command)
    }

    /// Where its barrier is.
    pub const fn position(&self) -> Position {
        self.position
    }

    /// What its board shows.
    pub fn shows(&self) -> &str {
        &self.shows
    }

    /// Whether its lamp flashes at `now`: nobody has to tell it that its time is over.
    pub fn is_lit(&self, now: Time) -> bool {
        self.flashes.values().any(|until| now < *until)
    }

    /// How often it moved, showed, sounded or was switched.
    pub const fn acted(&self) -> u64 {
        self.acted
    }

    fn act(&mut self, command: &Command) -> Vec<Vec<u8>> {
        let mut reports = Vec::new();
        self.acted += 1;
        let end = match command.action() {
            Action::Show { text } => {
                self.shows.clone_from(text);
                None
            }
            Action::Sound { clip } => {
                self.sounds.clone_from(clip);
                None
            }
            Action::Flash { warning } => {
                if self.flashes.len() < FLASHES_MAX || self.flashes.contains_key(warning) {
                    self.flashes.insert(warning.clone(), command.not_after());
                }
                None
            }
            Action::Dark { warning } => {
                self.flashes.remove(warning);
                None
            }
            Action::Close => Some(Position::Closed),
            Action::OpenBy { .. } => Some(Position::Open),
        };
        if let Some(end) = end {
            self.position = Position::Moving;
            reports.push(self.report(command.id(), ""));
            match self.fault {
                Fault::Stuck => {
                    reports.push(self.report(command.id(), "the limit switch was not reached"));
                    return reports;
                }
                Fault::StuckSilently => return reports,
                Fault::None | Fault::Dead | Fault::WrongSignature => self.position = end,
            }
        }
        if self.done.len() == DONE_MAX {
            self.done.remove(0);
        }
        self.done.push(command.id().to_owned());
        reports.push(self.report(command.id(), ""));
        reports
    }

    fn report(&mut self, command: &str, fault: &str) -> Vec<u8> {
        self.sequence += 1;
        let state = State {
            device: self.id.clone(),
            command: command.to_owned(),
            sequence: self.sequence,
            position: Some(self.position),
            shows: Some(self.shows.clone()),
            sounds: Some(self.sounds.clone()),
            flashes: Some(self.flashes.keys().cloned().collect()),
            fault: fault.to_owned(),
        };
        match self.fault {
            Fault::WrongSignature => state.to_bytes(b"somebody else's secret"),
            Fault::None | Fault::Dead | Fault::Stuck | Fault::StuckSilently => {
                state.to_bytes(&self.secret)
            }
        }
    }
}

/// Many devices on one connection.
pub struct Fleet {
    client: MqttClient,
    devices: Arc<Mutex<BTreeMap<String, Device>>>,
    work: tokio::task::JoinHandle<()>,
}

/// How the fleet behaves.
#[derive(Clone, Debug)]
pub struct FleetConfig {
    /// `mqtt://127.0.0.1:1883`.
    pub broker: String,
    /// MQTT client id.
    pub client: String,
    /// Time a device takes between hearing and reporting.
    pub delay: Duration,
}

impl Fleet {
    /// Connects the devices and lets them listen. `clock` is theirs.
    ///
    /// # Errors
    /// The broker cannot be reached or refuses.
    pub async fn connect(
        config: &FleetConfig,
        devices: Vec<Device>,
        clock: fn() -> Time,
    ) -> Result<Self, mqtt5::MqttError> {
        let options = ConnectOptions::new(config.client.clone()).with_automatic_reconnect(true);
        let client = MqttClient::with_options(options);
        client.connect(&config.broker).await?;
        let (hear, mut heard) = mpsc::channel::<(String, Vec<u8>)>(QUEUE_MAX);
        let devices: BTreeMap<String, Device> =
            devices.into_iter().map(|d| (d.id.clone(), d)).collect();
        for id in devices.keys() {
            let (id, hear) = (id.clone(), hear.clone());
            let topic = format!("devices/{id}/command");
            let options = SubscribeOptions {
                qos: QoS::AtLeastOnce,
                ..SubscribeOptions::default()
            };
            client
                .subscribe_with_options(topic, options, move |message| {
                    let _ = hear.try_send((id.clone(), message.payload));
                })
                .await?;
        }
        let devices = Arc::new(Mutex::new(devices));
        let (working, speaking, delay) = (Arc::clone(&devices), client.clone(), config.delay);
        let work = tokio::spawn(async move {
            while let Some((id, bytes)) = heard.recv().await {
                tokio::time::sleep(delay).await;
                let reports = {
                    let mut devices = working.lock().unwrap_or_else(PoisonError::into_inner);
                    devices
                        .get_mut(&id)
                        .map(|device| device.step(&bytes, clock()))
                };
                for report in reports.unwrap_or_default() {
                    let topic = format!("devices/{id}/state");
                    if let Err(error) = speaking.publish_qos1(topic, report).await {
                        tracing::warn!(device = id, %error, "a report was not taken");
                    }
                }
            }
        });
        Ok(Self {
            client,
            devices,
            work,
        })
    }

    /// A device as it is.
    pub fn device(&self, id: &str) -> Option<Device> {
        let devices = self.devices.lock().unwrap_or_else(PoisonError::into_inner);
        devices.get(id).cloned()
    }

    /// Disconnects.
    pub async fn close(self) {
        self.work.abort();
        // The broker may be gone already; there is nobody to tell.
        let _ = self.client.disconnect().await;
    }
}

fn claimed_id(bytes: &[u8]) -> String {
    let value: Option<serde_json::Value> = serde_json::from_slice(bytes).ok();
    let id = value.as_ref().and_then(|v| v.get("id")?.as_str());
    id.unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gateway::device::Outcome;
    use crate::gateway::device::command::Addressed;
    use model::Mode;

    const SECRET: &[u8] = b"k";

    fn close(id: &str, counter: u64) -> Command {
        let to = Addressed {
            id: id.into(),
            device: "gate-7".into(),
            site: "tunnel-7".into(),
            counter,
            not_after: Time::from_seconds(1000),
            mode: Mode::Actual,
        };
        Command::new(to, Action::Close).unwrap()
    }

    fn outcomes(device: &mut Device, command: &Command, at: i64) -> Vec<Outcome> {
        device
            .step(&command.to_bytes(SECRET), Time::from_seconds(at))
            .iter()
            .filter_map(|bytes| State::read(bytes, "gate-7", SECRET).ok())
            .map(|state| command.outcome(&state))
            .collect()
    }

    #[test]
    fn acts_once_and_reports_again() {
        let mut device = Device::new("gate-7", SECRET, Fault::None);
        let first = outcomes(&mut device, &close("c1", 1), 1);
        assert_eq!(first, [Outcome::Underway, Outcome::Done]);
        assert_eq!(outcomes(&mut device, &close("c1", 1), 2), [Outcome::Done]);
        assert_eq!((device.acted(), device.position()), (1, Position::Closed));
        let replay = outcomes(&mut device, &close("c2", 1), 3);
        assert_eq!(
            replay,
            [Outcome::Failed("counter 1 was used before".into())]
        );
        let late = outcomes(&mut device, &close("c3", 2), 1001);
        assert_eq!(late, [Outcome::Failed("past its not-after".into())]);
        assert_eq!(device.acted(), 1);
    }

    #[test]
    fn a_strobe_flashes_for_each_warning_until_its_time_or_the_word() {
        let mut device = Device::new("gate-7", SECRET, Fault::None);
        let switch = |device: &mut Device, id: &str, counter, not_after, action| {
            let to = Addressed {
                id: id.into(),
                device: "gate-7".into(),
                site: String::new(),
                counter,
                not_after: Time::from_seconds(not_after),
                mode: Mode::Actual,
            };
            let command = Command::new(to, action).unwrap();
            assert_eq!(outcomes(device, &command, 10), [Outcome::Done], "{id}");
        };
        let (w1, w2) = ("w1".to_owned(), "w2".to_owned());
        let flash = |warning: &String| Action::Flash {
            warning: warning.clone(),
        };
        switch(&mut device, "c1", 1, 100, flash(&w1));
        switch(&mut device, "c2", 2, 200, flash(&w2));
        let lit = |device: &Device, second| device.is_lit(Time::from_seconds(second));
        assert_eq!(
            [10, 99, 100, 199, 200].map(|second| lit(&device, second)),
            [true, true, true, true, false]
        );
        switch(&mut device, "c3", 3, 200, Action::Dark { warning: w2 });
        assert_eq!(
            [10, 99, 100].map(|second| lit(&device, second)),
            [true, true, false]
        );
        switch(&mut device, "c4", 4, 100, Action::Dark { warning: w1 });
        assert!(!lit(&device, 10));
        // What is dark already confirms that it is.
        let gone = "w9".to_owned();
        switch(&mut device, "c5", 5, 100, Action::Dark { warning: gone });
    }

    #[test]
    fn faults_show() {
        let mut dead = Device::new("gate-7", SECRET, Fault::Dead);
        assert!(outcomes(&mut dead, &close("c", 1), 1).is_empty());
        let mut stuck = Device::new("gate-7", SECRET, Fault::Stuck);
        let told = outcomes(&mut stuck, &close("c", 1), 1);
        assert!(matches!(told.last(), Some(Outcome::Failed(_))), "{told:?}");
        assert_ne!(stuck.position(), Position::Closed);
        let mut forged = Device::new("gate-7", SECRET, Fault::WrongSignature);
        assert!(outcomes(&mut forged, &close("c", 1), 1).is_empty());
    }
}
