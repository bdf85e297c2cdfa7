//! The engine over a little city.

mod allocations;
mod arrival;
mod cascades;
mod corrections;
mod enrolled;
mod expected;
mod limits;
mod little;
mod mutes;
mod orders;
mod outlook;
mod partitions;
mod relays;
mod rest;
mod signalled;
mod signing;
mod silence;
mod silence_around;
mod silence_paced;
mod silence_with;
mod snapshots;
mod storms;
mod waiting;
