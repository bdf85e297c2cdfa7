//! The commands, one file each, and how they fail.

pub(crate) mod check;
pub(crate) mod demo;
pub(crate) mod replay;
pub(crate) mod rules;
pub(crate) mod serve;

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
