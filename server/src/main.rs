//! The binary `sanfang`.
fn main() {}
