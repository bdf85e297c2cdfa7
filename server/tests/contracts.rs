//! The contracts of the design's §5, as somebody outside would check them: the command line and
//! the HTTP API of the built binary, nothing else.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test stops at what it does not expect"
)]

#[path = "contracts/access.rs"]
mod access;
#[path = "contracts/accounts.rs"]
mod accounts;
#[path = "contracts/acts.rs"]
mod acts;
#[path = "contracts/api.rs"]
mod api;
#[path = "contracts/blindness.rs"]
mod blindness;
#[path = "contracts/bulletins.rs"]
mod bulletins;
#[path = "contracts/check.rs"]
mod check;
#[path = "contracts/edge.rs"]
mod edge;
#[path = "contracts/evidence.rs"]
mod evidence;
#[path = "contracts/exercises.rs"]
mod exercises;
#[path = "contracts/forecasts.rs"]
mod forecasts;
#[path = "contracts/gaps.rs"]
mod gaps;
#[path = "contracts/handover.rs"]
mod handover;
#[path = "contracts/manners.rs"]
mod manners;
#[path = "contracts/mutes.rs"]
mod mutes;
#[path = "contracts/official.rs"]
mod official;
#[path = "contracts/poll.rs"]
mod poll;
#[path = "contracts/refusals.rs"]
mod refusals;
#[path = "contracts/reload.rs"]
mod reload;
#[path = "contracts/replay.rs"]
mod replay;
#[path = "contracts/responses.rs"]
mod responses;
#[path = "small/rulebook.rs"]
mod rulebook;
#[path = "contracts/served.rs"]
mod served;
#[path = "contracts/services.rs"]
mod services;
#[path = "contracts/simulators.rs"]
mod simulators;
#[expect(
    dead_code,
    reason = "these tests need less of the served city than others"
)]
mod small;
#[path = "contracts/subjects.rs"]
mod subjects;
#[path = "contracts/subscribers.rs"]
mod subscribers;
#[path = "contracts/worded.rs"]
mod worded;
#[path = "contracts/workbench.rs"]
mod workbench;
#[path = "contracts/zones.rs"]
mod zones;

use serde_json::Value;
use std::process::{Command, Output};

/// Runs the binary in the repository's root.
fn sanfang(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_sanfang"))
        .args(arguments)
        .env("SANFANG_LOG", "warn")
        .current_dir(small::root())
        .output()
        .unwrap()
}

/// Its exit code, standard output and standard error.
fn told(output: &Output) -> (i32, String, String) {
    (
        output.status.code().unwrap(),
        String::from_utf8(output.stdout.clone()).unwrap(),
        String::from_utf8(output.stderr.clone()).unwrap(),
    )
}

/// Each line of a text as JSON.
fn json_lines(text: &str) -> Vec<Value> {
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// The whole minute so long ago, with the offset of the street's city.
fn minutes_ago(minutes: i64) -> String {
    #[expect(
        clippy::disallowed_methods,
        reason = "the service runs by the wall clock"
    )]
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap()
        .as_secs();
    let whole = i64::try_from(now).unwrap() / 60 - minutes;
    model::Time::from_minute(whole).display(model::Offset(480))
}

/// A water depth at the street's culvert, so many minutes ago.
fn depth(minutes: i64, metres: &str) -> String {
    format!(
        r#"{{"station":"W1","parameter":"water_depth","time":"{}","value":{metres},"unit":"m"}}"#,
        minutes_ago(minutes)
    )
}
