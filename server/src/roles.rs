//! What a process does of all that is to be done: any subset in any number of processes over Kafka.

use clap::ValueEnum;
use serde::Deserialize;
use std::fmt;

/// One part of the work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Role {
    /// Takes observations and the signals of others in, and stores them.
    Intake,
    /// Owns zones: steps their input and decides.
    Rules,
    /// Owns links: carries messages to the gateways.
    Dispatch,
    /// Shows everything, takes the acts of people, answers readers.
    Console,
}

impl Role {
    /// Every role, in the order in which an observation meets them.
    pub(crate) const ALL: [Self; 4] = [Self::Intake, Self::Rules, Self::Dispatch, Self::Console];

    /// The word on the command line and in the configuration.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Intake => "intake",
            Self::Rules => "rules",
            Self::Dispatch => "dispatch",
            Self::Console => "console",
        }
    }
}

/// The roles of one process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Roles(u8);

impl Roles {
    /// All of them: a process that needs no other.
    pub(crate) const ALL: Self = Self(0b1111);

    /// These, however often each is named.
    pub(crate) fn of(roles: &[Role]) -> Self {
        Self(roles.iter().fold(0, |all, role| all | 1 << *role as u8))
    }

    /// Whether that one is among them.
    pub(crate) const fn has(self, role: Role) -> bool {
        self.0 & (1 << role as u8) != 0
    }
}

impl fmt::Display for Roles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let own = Role::ALL.into_iter().filter(|role| self.has(*role));
        let names: Vec<_> = own.map(Role::name).collect();
        f.write_str(&names.join(","))
    }
}
