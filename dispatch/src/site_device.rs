//! Signs, sirens and barriers at sites: commanded, confirmed by their own state, or their owner
//! is told.
//!
//! Nothing here opens anything. A barrier closes on a rise and stays closed until a person
//! orders otherwise; a device that does not confirm is tried again a few times and then handed
//! to a person, because "commanded" is not "closed" (domain §4.2).

use model::{Span, Tier, Time, WarningId};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// How long a device has to show its own state.
const CONFIRM_WITHIN: Span = Span::from_seconds(5);

/// Tries before a person is called.
const TRIES_MAX: u8 = 3;

/// How long a command is worth obeying.
const VALID: Span = Span::from_minutes(2);

/// What a device does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Shows a text.
    Show,
    /// Sounds.
    Sound,
    /// Closes the way.
    Close,
    /// Opens the way or falls silent; by a person's order alone.
    Release,
}

/// What happened.
#[derive(Clone, Debug)]
pub enum Event<'a> {
    /// A site rose to a tier.
    Risen {
        /// By which warning.
        warning: WarningId,
        /// Which revision.
        revision: u32,
        /// Which site.
        site: &'a str,
        /// Its devices.
        devices: &'a [String],
        /// The tier reached.
        tier: Tier,
    },
    /// A person ordered one device.
    Ordered {
        /// Which site.
        site: &'a str,
        /// Which device.
        device: &'a str,
        /// What.
        action: Action,
        /// Who.
        person: &'a str,
    },
    /// A device reported its own state (limit switch, lamp current).
    State {
        /// Which device.
        device: &'a str,
        /// What it is doing.
        action: Action,
    },
    /// Time passed.
    Tick,
}

/// What to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Send a command.
    Command(Command),
    /// The device showed that it did.
    Confirmed {
        /// Which device.
        device: String,
        /// What.
        action: Action,
    },
    /// It did not: tell its owner and the duty officer.
    Unconfirmed {
        /// At which site.
        site: String,
        /// Which device.
        device: String,
        /// What it should have done.
        action: Action,
    },
}

/// One command, the same id on each try: a device obeys it once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Command {
    /// Identity, 32 hexadecimal digits.
    pub id: String,
    /// At which site.
    pub site: String,
    /// Which device.
    pub device: String,
    /// What.
    pub action: Action,
    /// The tier that asks for it; decides the text shown.
    pub tier: Tier,
    /// Obeyed only before this.
    pub not_after: Time,
    /// Who ordered it; empty for a measurement.
    pub person: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Pending {
    command: Command,
    tries: u8,
    due: Time,
}

/// All devices of a zone.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Devices {
    pending: BTreeMap<String, Pending>,
    /// What each device last showed.
    states: BTreeMap<String, Action>,
    /// Devices that never confirmed, until they do.
    failed: BTreeMap<String, Action>,
}

impl Devices {
    /// Takes one event in at record time `at`.
    pub fn step(&mut self, at: Time, event: Event<'_>, out: &mut Vec<Effect>) {
        match event {
            Event::Risen {
                warning,
                revision,
                site,
                devices,
                tier,
            } => {
                for device in devices {
                    let Some(action) = action_of(device, tier) else {
                        continue;
                    };
                    let cause = format!("{warning}\n{revision}");
                    self.command(at, &cause, site, device, action, tier, "", out);
                }
            }
            Event::Ordered {
                site,
                device,
                action,
                person,
            } => {
                let cause = format!("{person}\n{}", at.millis());
                self.command(at, &cause, site, device, action, Tier::None, person, out);
            }
            Event::State { device, action } => self.state(device, action, out),
            Event::Tick => {}
        }
        self.overdue(at, out);
    }

    /// Devices a person must look after.
    pub fn failed(&self) -> impl Iterator<Item = (&str, Action)> {
        self.failed
            .iter()
            .map(|(device, action)| (device.as_str(), *action))
    }

    /// What a device last showed of itself.
    pub fn shown(&self, device: &str) -> Option<Action> {
        self.states.get(device).copied()
    }

    /// When the next confirmation is overdue.
    pub fn due(&self) -> Option<Time> {
        self.pending.values().map(|pending| pending.due).min()
    }

    #[expect(clippy::too_many_arguments, reason = "each is a field of the command")]
    fn command(
        &mut self,
        at: Time,
        cause: &str,
        site: &str,
        device: &str,
        action: Action,
        tier: Tier,
        person: &str,
        out: &mut Vec<Effect>,
    ) {
        let text = format!("sanfang/command/1\n{cause}\n{site}\n{device}\n{action:?}\n{tier}");
        let digest = Sha256::digest(text.as_bytes());
        let command = Command {
            id: digest.iter().take(16).map(|b| format!("{b:02x}")).collect(),
            site: site.to_owned(),
            device: device.to_owned(),
            action,
            tier,
            not_after: at + VALID,
            person: person.to_owned(),
        };
        out.push(Effect::Command(command.clone()));
        self.pending.insert(
            device.to_owned(),
            Pending {
                command,
                tries: 1,
                due: at + CONFIRM_WITHIN,
            },
        );
    }

    fn state(&mut self, device: &str, action: Action, out: &mut Vec<Effect>) {
        self.states.insert(device.to_owned(), action);
        let wanted = self
            .pending
            .get(device)
            .map(|pending| pending.command.action);
        if wanted == Some(action) || self.failed.get(device) == Some(&action) {
            self.pending.remove(device);
            self.failed.remove(device);
            out.push(Effect::Confirmed {
                device: device.to_owned(),
                action,
            });
        }
    }

    fn overdue(&mut self, at: Time, out: &mut Vec<Effect>) {
        let mut given_up = Vec::new();
        for (device, pending) in &mut self.pending {
            if at < pending.due {
                continue;
            }
            if pending.tries < TRIES_MAX && at < pending.command.not_after {
                pending.tries += 1;
                pending.due = at + CONFIRM_WITHIN;
                out.push(Effect::Command(pending.command.clone()));
            } else {
                given_up.push(device.clone());
            }
        }
        for device in given_up {
            if let Some(Pending { command, .. }) = self.pending.remove(&device) {
                self.failed.insert(device.clone(), command.action);
                out.push(Effect::Unconfirmed {
                    site: command.site,
                    device,
                    action: command.action,
                });
            }
        }
    }
}

/// What a device does at a tier, by the kind its id begins with (`sign-C0003`): signs show from
/// blue, sirens sound from orange, barriers close at orange (the site's own `close` threshold
/// makes that tier).
pub fn action_of(device: &str, tier: Tier) -> Option<Action> {
    let kind = device.split('-').next().unwrap_or_default();
    match kind {
        "siren" if tier >= Tier::Orange => Some(Action::Sound),
        "barrier" if tier >= Tier::Orange => Some(Action::Close),
        "siren" | "barrier" => None,
        _ if tier >= Tier::Blue => Some(Action::Show),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::{AreaCode, Hazard, Mode};

    fn at(seconds: i64) -> Time {
        Time::from_seconds(1_700_000_000 + seconds)
    }

    fn rise(devices: &[String], tier: Tier) -> Event<'_> {
        let city = AreaCode::parse("440100000000").unwrap();
        Event::Risen {
            warning: WarningId::derive(city, Mode::Actual, Hazard::Waterlogging, city, at(0)),
            revision: 3,
            site: "C0003",
            devices,
            tier,
        }
    }

    fn actions(out: &[Effect]) -> Vec<Action> {
        out.iter()
            .filter_map(|effect| match effect {
                Effect::Command(command) => Some(command.action),
                Effect::Confirmed { .. } | Effect::Unconfirmed { .. } => None,
            })
            .collect()
    }

    #[test]
    fn a_dead_barrier_is_tried_three_times_then_a_person_knows() {
        let devices = ["barrier-C0003".to_owned(), "sign-C0003".to_owned()];
        let (mut machine, mut out) = (Devices::default(), Vec::new());
        machine.step(at(0), rise(&devices, Tier::Orange), &mut out);
        assert_eq!(actions(&out), [Action::Close, Action::Show]);
        let shown = Event::State {
            device: "sign-C0003",
            action: Action::Show,
        };
        machine.step(at(1), shown, &mut out);
        out.clear();
        for second in 2..30 {
            machine.step(at(second), Event::Tick, &mut out);
        }
        let ids: Vec<&str> = out
            .iter()
            .filter_map(|effect| match effect {
                Effect::Command(command) => Some(command.id.as_str()),
                Effect::Confirmed { .. } | Effect::Unconfirmed { .. } => None,
            })
            .collect();
        assert_eq!(ids.len(), 2);
        assert_eq!(ids.first(), ids.last());
        assert!(
            matches!(out.last(), Some(Effect::Unconfirmed { device, action: Action::Close, .. })
            if device == "barrier-C0003")
        );
        assert_eq!(machine.failed().count(), 1);
        let late = Event::State {
            device: "barrier-C0003",
            action: Action::Close,
        };
        machine.step(at(60), late, &mut out);
        assert_eq!(machine.failed().count(), 0);
    }

    #[test]
    fn only_a_person_releases() {
        let devices = ["barrier-C0003".to_owned(), "siren-C0003".to_owned()];
        for tier in Tier::ALL {
            let (mut machine, mut out) = (Devices::default(), Vec::new());
            machine.step(at(0), rise(&devices, tier), &mut out);
            assert!(!actions(&out).contains(&Action::Release), "{tier}");
        }
        let (mut machine, mut out) = (Devices::default(), Vec::new());
        let order = Event::Ordered {
            site: "C0003",
            device: "barrier-C0003",
            action: Action::Release,
            person: "lin",
        };
        machine.step(at(0), order, &mut out);
        assert_eq!(actions(&out), [Action::Release]);
        assert!(matches!(out.first(), Some(Effect::Command(command)) if command.person == "lin"));
    }
}
