//! Observations to warnings: windows, conditions, situations, areas, bulletins.
//!
//! Pure and deterministic: no I/O, no clock, no randomness. Time comes with each record
//! (semantics §1); the same input gives the same effects, byte for byte.

mod area;
mod bulletin;
pub mod condition;
mod effect;
mod engine;
pub mod forecast;
pub mod indicator;
mod reader;
mod replaced;
pub mod response;
pub mod rulebook;
pub mod score;
pub mod service;
mod situation;
mod subject;
pub mod suite;
pub mod window;

/// Name of this engine in the journal. It changes whenever the same input may give other effects,
/// so that a record says where the one before stopped computing (semantics §33).
pub const ENGINE: &str = "4";

pub use bulletin::Policy;
pub use effect::{Change, Effect, Reason, Refusal, SILENCE, ServiceRefusal};
pub use engine::{
    Compared, Counts, Engine, Figures, Finding, Outlook, Part, SNAPSHOT_FORMAT, SnapshotError,
    TierOutlook, Windowed,
};
pub use response::Responses;
pub use rulebook::{Rule, Rulebook};
pub use service::Services;
