//! The far sides in play: what the demo, load tests and drills talk to instead of carriers, mail relays
//! and devices.

pub mod carrier;
pub mod devices;
pub mod loudspeaker;
pub mod mailbox;
pub mod wired;
