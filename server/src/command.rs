//! The commands, one file each, and how they fail.

pub(crate) mod audit;
pub(crate) mod bench;
pub(crate) mod check;
pub(crate) mod demo;
pub(crate) mod drill;
pub(crate) mod export;
pub(crate) mod print;
pub(crate) mod recorded;
pub(crate) mod relay;
pub(crate) mod remote;
pub(crate) mod replay;
pub(crate) mod rules;
mod scored;
pub(crate) mod serve;
pub(crate) mod simulate;
pub(crate) mod topics;
pub(crate) mod warn;

use crate::process::StartError;
use crate::registry::RegistryError;
use std::process::ExitCode;

/// How a command ended other than well.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Exit 1: it could not be done.
    Failed(String),
    /// Exit 2: what was given is wrong.
    BadInput(String),
}

impl Failure {
    /// 1 or 2.
    pub(crate) fn code(&self) -> ExitCode {
        match self {
            Self::Failed(_) => ExitCode::from(1),
            Self::BadInput(_) => ExitCode::from(2),
        }
    }

    /// Says it on standard error.
    pub(crate) fn print(&self) {
        let (Self::Failed(words) | Self::BadInput(words)) = self;
        eprintln!("{words}");
    }
}

/// How fast the storm passes.
#[derive(Clone, Copy)]
pub(crate) enum Speed {
    /// So many times the clock on the wall.
    Times(u32),
    /// As fast as the machine can.
    Max,
}

impl std::str::FromStr for Speed {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        if text == "max" {
            return Ok(Self::Max);
        }
        match text.parse() {
            Ok(times) if times > 0 => Ok(Self::Times(times)),
            Ok(_) | Err(_) => Err("a whole number of times, or max".into()),
        }
    }
}

impl From<StartError> for Failure {
    fn from(error: StartError) -> Self {
        let words = error.to_string();
        match error {
            StartError::Faulty(_)
            | StartError::City(_)
            | StartError::Registry(
                RegistryError::Zones { .. } | RegistryError::Links { .. } | RegistryError::Vault(_),
            ) => Self::BadInput(words),
            StartError::Journal(_)
            | StartError::Listen { .. }
            | StartError::Thread(_)
            | StartError::Registry(
                RegistryError::Journal(_)
                | RegistryError::Missing(_)
                | RegistryError::Unreadable(..),
            ) => Self::Failed(words),
        }
    }
}
