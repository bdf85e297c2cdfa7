//! Bytes to observations: transports bring frames, protocols read them, the registrar checks what
//! one frame shows, the screen checks what needs memory.
//!
//! Only [`transport`] does I/O. Nothing here reads a clock: arrival and record times are given.

pub mod dead_letter;
pub mod forecast;
pub mod protocol;
pub mod quality;
pub mod register;
pub mod transport;
