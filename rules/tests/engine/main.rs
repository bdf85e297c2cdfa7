//! The engine over a little city.

mod allocations;
mod little;
mod orders;
mod rest;
mod snapshots;
mod storms;
