//! Observations to warnings: windows, conditions, situations, areas, bulletins.
//!
//! Pure and deterministic: no I/O, no clock, no randomness. Time comes with each record
//! (semantics §1); the same input gives the same effects, byte for byte.

pub mod condition;
pub mod rulebook;
mod subject;
pub mod window;
