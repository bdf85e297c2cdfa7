//! Tiers that a condition asks for: `situation("id")` of another rule, `signal("11B01")` of another authority.

use super::ConditionError;
use cel::IdedExpr;
use cel::common::ast::{Expr, LiteralValue};
use model::Hazard;
use model::fault::quoted;

/// Whose tier a condition asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asked {
    /// What another rule found.
    Situation {
        /// Its id.
        id: String,
        /// Its number, once the rulebook is read.
        rule: usize,
    },
    /// A signal of another authority, in force where the subject lies.
    Signal(Hazard),
}

impl std::fmt::Display for Asked {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Situation { id, .. } => write!(f, "situation({id:?})"),
            Self::Signal(hazard) => write!(f, "signal({:?})", hazard.code()),
        }
    }
}

/// The call, where it is one for a tier.
pub(super) fn asked_of(tree: &IdedExpr) -> Option<Result<Asked, ConditionError>> {
    let Expr::Call(call) = &tree.expr else {
        return None;
    };
    let is_signal = match call.func_name.as_str() {
        "situation" => false,
        "signal" => true,
        _ => return None,
    };
    if call.target.is_some() {
        return None;
    }
    let [argument] = call.args.as_slice() else {
        return Some(Err(no_name(is_signal).of(tree)));
    };
    let Expr::Literal(LiteralValue::String(name)) = &argument.expr else {
        return Some(Err(no_name(is_signal).of(tree)));
    };
    let name = name.inner();
    let asked = match is_signal {
        true => signal(name).map_err(|error| error.of(argument)),
        false => Ok(Asked::Situation {
            id: name.to_owned(),
            rule: usize::MAX,
        }),
    };
    Some(asked)
}

fn signal(code: &str) -> Result<Asked, ConditionError> {
    let hazard = Hazard::from_code(code).ok_or_else(|| {
        let what = format!("{} is no event code that we know", quoted(code));
        ConditionError::new(what, Hazard::near(code))
    })?;
    Ok(Asked::Signal(hazard))
}

fn no_name(is_signal: bool) -> ConditionError {
    let (what, remedy) = match is_signal {
        true => (
            "signal() needs the event code of a hazard",
            "write signal(\"11B01\")",
        ),
        false => (
            "situation() needs the id of a rule",
            "write situation(\"rainstorm\")",
        ),
    };
    ConditionError::new(what, remedy)
}
