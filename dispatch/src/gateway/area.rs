//! Area jobs: a release platform or a carrier is told areas, text and times, resolves the numbers
//! from its own data and answers with counts. Nobody is named on this wire.
//!
//! A job is put, read back by the far side (its *reading*: areas understood, heads, list, times),
//! checked, released, and followed until its last count. Every call names the job and may be
//! repeated: a far side that knows the job answers as before, so that an outcome that is unknown is
//! asked after and never doubled (semantics §36). `docs/area-jobs.md` describes the interface for
//! carriers that use software of their own.

mod check;
mod client;
mod fetched;
mod job;
mod reading;
mod report;
mod wire_time;

pub use check::{Band, Objection, check};
pub use client::{AreaTarget, TargetConfig, Way, key, path};
pub use fetched::{
    ANSWER_MAX, Answered, CALLS_MAX, Call, LEASE, Mailbox, WAIT_MAX, Wait, answer_key, next_key,
};
pub use job::{Act, BODY_MAX, Job, JobError, Text};
pub use reading::{AreaHeads, List, ListKind, Reading, Refused};
pub use report::{Counts, Discord, Phase, Report, Slot};
