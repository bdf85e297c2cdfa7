//! A condition of a rule: CEL text, type-checked at load and compiled to a flat program.
//!
//! Text is parsed by the `cel` crate and by nothing else. The vocabulary is design §4's; what
//! is outside of it is an error at load. Comparisons become integer tests in quanta whose
//! bounds are scaled exactly once, logic is Kleene's (semantics §15), and nothing is looked up
//! by name or allocated when a condition is evaluated.

mod asked;
mod compared;
mod forecast;
mod grammar;
mod implied;
mod indicator;
mod linear;
mod literal;
pub(crate) mod lull;
mod parse;
mod program;
mod ratio;
mod reach;
mod reading;
mod unit;

pub use asked::Asked;
pub(crate) use compared::{Compared, What};
pub(crate) use implied::Quarrel;
pub(crate) use linear::SITE_SCALE;
pub use literal::{Literal, literals};
pub(crate) use parse::compile_with_remarks;
pub use parse::{Aggregate, Call, ConditionError, Reading, Scope, compile};
pub(crate) use program::Turn;
pub use program::{Kleene, Program, Situated};
pub use ratio::Ratio;

/// How a bound is loosened (semantics §18).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relaxation {
    /// As written.
    None,
    /// Times the ratio for `>` and `>=`, divided by it for `<` and `<=`.
    Ratio(Ratio),
    /// Less the amount, in the parameter's unit, for `>` and `>=`; plus it for `<` and `<=`.
    By(Ratio),
}

/// Longest text of a condition, in bytes.
pub const CONDITION_BYTES_MAX: usize = 2000;
/// Deepest nesting of a condition.
pub const CONDITION_DEPTH_MAX: u16 = 32;
