//! The far sides in play: what the demo, load tests and drills talk to instead of carriers and devices.

pub mod carrier;
pub mod devices;
