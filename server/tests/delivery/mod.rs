//! The last hop through `sanfang serve`, with programs that others wrote at the far end: who was not
//! reached is reached otherwise, who must act is asked until somebody answers, and every channel of
//! a configuration carries what it is there for.

mod absent;
mod answers;
mod audited;
mod broadcast;
mod calls;
mod carrier;
mod cell;
mod channels;
mod course;
mod devices;
mod fail_over;
mod fall_back;
mod fetched;
mod http;
mod inbox;
mod intake;
mod links;
mod moved;
mod peers;
mod platform;
mod relayed;
mod sessions;
mod signed;
#[path = "../../../dispatch/tests/peers/sipp.rs"]
mod sipp;
mod street;
mod strobes;
mod untold;
mod words;
