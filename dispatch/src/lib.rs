//! Warnings to messages to receipts: who is told what, in which words, by which way, in which
//! order, and what became of it.
//!
//! The middle is pure: [`plan`] turns revisions of a warning into [`intent`]s, the [`outbox`]
//! decides what leaves when, the [`ledger`] knows what became of it, the [`ladder`] asks until
//! somebody answers, and devices report what they did. Only [`gateway`] and [`simulator`] do
//! I/O.

pub mod directory;
pub mod exercise;
pub mod gateway;
pub mod intent;
pub mod ladder;
pub mod ledger;
pub mod outbox;
pub mod plan;
pub mod preview;
pub mod simulator;
pub mod wording;
