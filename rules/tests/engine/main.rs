//! The engine over a little city.

mod allocations;
mod little;
mod orders;
mod snapshots;
mod storms;
