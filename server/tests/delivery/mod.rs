//! The last hop through `sanfang serve`, with programs that others wrote at the far end: who was not
//! reached is reached otherwise, who must act is asked until somebody answers, and every channel of
//! a configuration carries what it is there for.

mod absent;
mod answers;
mod calls;
mod channels;
mod devices;
mod fall_back;
mod inbox;
mod intake;
mod links;
mod peers;
mod relayed;
mod sessions;
#[path = "../../../dispatch/tests/peers/sipp.rs"]
mod sipp;
mod street;
mod words;
