//! Warnings to messages to receipts: who is told what, in which words, by which way, in which
//! order, and what became of it.
//!
//! The middle is pure: [`plan`] turns revisions of a warning into [`intent`]s, the [`outbox`] decides
//! what leaves when, the ladder asks until somebody answers, devices are commanded and watched.
//! Only [`gateway`] and [`simulator`] do I/O.

pub mod gateway;
pub mod intent;
pub mod ledger;
pub mod outbox;
pub mod plan;
pub mod simulator;
pub mod wording;
