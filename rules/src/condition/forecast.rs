//! Calls of what is expected: `forecast(rainfall, "6h")`, `typhoon.hours_to(7)`.

use super::parse::{ConditionError, Reading};
use super::reading::{window_of, written};
use crate::forecast::Ask;
use crate::window::{Function, Window};
use cel::IdedExpr;
use cel::common::ast::{CallExpr, Expr, LiteralValue};
use model::fault::perhaps;
use model::{Parameter, WindForce};

/// True where a call is made on what is expected rather than on a parameter.
pub(super) fn is_asked(root: &IdedExpr) -> bool {
    matches!(&root.expr, Expr::Ident(name) if name == "forecast" || name == "typhoon")
}

/// What a call asks for, and the call as written.
pub(super) fn reading(call: &CallExpr, source: &str) -> Result<(Reading, String), ConditionError> {
    let root = call.target.as_ref().map(|target| &target.expr);
    let is_cyclone = matches!(root, Some(Expr::Ident(name)) if name == "typhoon");
    if is_cyclone {
        return of_cyclone(call, source);
    }
    let name = match root {
        Some(_) => call.func_name.as_str(),
        None => "",
    };
    let [parameter, window] = call.args.as_slice() else {
        return Err(wrong());
    };
    let Expr::Ident(word) = &parameter.expr else {
        return Err(wrong().of(parameter));
    };
    let parameter = Parameter::from_name(word).ok_or_else(|| {
        let near = perhaps(word, Parameter::ALL.map(Parameter::name));
        let known = Parameter::ALL.map(Parameter::name).join(", ");
        let what = format!("{word:?} is not a parameter");
        ConditionError::new(what, format!("{near}known: {known}")).of(parameter)
    })?;
    let ask = match name {
        "" => Ask::natural(parameter),
        "sum" => Ask::Sum,
        "max" => Ask::Max,
        "min" => Ask::Min,
        other => {
            let near = perhaps(other, ["sum", "max", "min"]);
            return Err(ConditionError::new(
                format!("forecast.{other}() is not known"),
                format!("{near}use forecast(PARAM, w), forecast.sum, forecast.max or forecast.min"),
            ));
        }
    };
    let (window, text) = rolling(window, source)?;
    let dot = if name.is_empty() { "" } else { "." };
    let reading = Reading {
        parameter,
        function: Function::Expected(ask),
        window: Some(window),
        aggregate: None,
    };
    Ok((reading, format!("forecast{dot}{name}({word}, {text})")))
}

fn of_cyclone(call: &CallExpr, source: &str) -> Result<(Reading, String), ConditionError> {
    let name = call.func_name.as_str();
    let (ask, window, text) = match (name, call.args.as_slice()) {
        ("hours_to", [force]) => {
            let mut number = None;
            if let Expr::Literal(LiteralValue::Int(written)) = &force.expr {
                number = Some(*written.inner());
            }
            let known = number.and_then(WindForce::from_beaufort).ok_or_else(|| {
                let what = "there is no wind circle of that force";
                ConditionError::new(what, "ask for 7, 10 or 12: typhoon.hours_to(7)").of(force)
            });
            let force = known?;
            (Ask::CircleIn(force), None, force.beaufort().to_string())
        }
        ("distance", []) => (Ask::Distance, None, String::new()),
        ("closest", [window]) => {
            let (window, text) = rolling(window, source)?;
            (Ask::Closest, Some(window), text)
        }
        (_, _) => {
            let near = perhaps(name, ["hours_to", "distance", "closest"]);
            return Err(ConditionError::new(
                format!("typhoon.{name}() is not known or has the wrong number of arguments"),
                format!(
                    "{near}use typhoon.hours_to(7), typhoon.distance() or typhoon.closest(\"24h\")"
                ),
            ));
        }
    };
    let reading = Reading {
        parameter: Parameter::WindSpeed,
        function: Function::Expected(ask),
        window,
        aggregate: None,
    };
    Ok((reading, format!("typhoon.{name}({text})")))
}

fn rolling(argument: &IdedExpr, source: &str) -> Result<(Window, String), ConditionError> {
    let Expr::Literal(LiteralValue::String(text)) = &argument.expr else {
        return Err(wrong().of(argument));
    };
    match window_of(text.inner()).map_err(|error| error.of(argument))? {
        window @ Window::Rolling(_) => Ok((window, written(text.inner(), source))),
        Window::Calendar { .. } => Err(ConditionError::new(
            "what is expected begins now, not with a day",
            "write the window like \"6h\"",
        )
        .of(argument)),
    }
}

fn wrong() -> ConditionError {
    ConditionError::new(
        "forecast() needs a parameter and how far to look ahead",
        "write it like forecast(rainfall, \"6h\")",
    )
}
