//! A call on a parameter: which figure of which parameter over which window.

use super::indicator::{self, INDICATORS};
use super::parse::{ConditionError, Reading};
use crate::window::{DAYS_MAX, Function, WINDOW_MAX, Window};
use cel::common::ast::{CallExpr, Expr, LiteralValue};
use model::fault::perhaps;
use model::{Parameter, Span};

/// What is asked of a parameter.
const FUNCTIONS: [&str; 9] = [
    "last", "sum", "max", "min", "mean", "delta", "rate", "count", "age",
];

/// The figure that a call asks for, and the call as written.
pub(super) fn own_reading(
    call: &CallExpr,
    source: &str,
    sites: &mut Vec<String>,
) -> Result<(Reading, String), ConditionError> {
    let (parameter, root) = parameter_of(call, source)?;
    let name = call.func_name.as_str();
    let indicator = indicator::Call {
        name,
        parameter,
        arguments: &call.args,
        source,
        sites,
    };
    if let Some(read) = indicator.read() {
        let (indicator, window, arguments) = read?;
        let reading = Reading {
            parameter,
            function: Function::Indicator(indicator),
            window,
            aggregate: None,
        };
        return Ok((reading, format!("{root}.{name}({arguments})")));
    }
    let function = match name {
        "last" => Function::Last,
        "sum" => Function::Sum,
        "max" => Function::Max,
        "min" => Function::Min,
        "mean" => Function::Mean,
        "delta" => Function::Delta,
        "rate" => Function::Rate,
        "count" => Function::Count,
        "age" => Function::Age,
        _ => {
            let known = FUNCTIONS
                .into_iter()
                .chain(INDICATORS.map(|(name, _)| name));
            let near = perhaps(name, known);
            let indicators = INDICATORS.map(|(name, _)| name).join(", .");
            return Err(ConditionError::new(
                format!("{root}.{name}() is not known"),
                format!(
                    "{near}use .last(), .sum(w), .max(w), .min(w), .mean(w), .delta(w), .rate(w), .count(w), .age(), or an indicator: .{indicators}"
                ),
            ));
        }
    };
    let instant = matches!(function, Function::Last | Function::Age);
    let (window, text) = match call.args.as_slice() {
        [] if instant => (None, format!("{root}.{name}()")),
        [argument] if !instant => {
            let Expr::Literal(LiteralValue::String(text)) = &argument.expr else {
                return Err(no_window(&root, name).of(argument));
            };
            let written = format!("{root}.{name}({})", written(text.inner(), source));
            let window = window_of(text.inner()).map_err(|error| error.of(argument));
            (Some(window?), written)
        }
        _ if instant => {
            return Err(ConditionError::new(
                format!("{root}.{name}() takes no window"),
                format!("write {root}.{name}()"),
            ));
        }
        _ => return Err(no_window(&root, name)),
    };
    let reading = Reading {
        parameter,
        function,
        window,
        aggregate: None,
    };
    Ok((reading, text))
}

/// The parameter a call is made on: its name, or `site.station("depth")`.
fn parameter_of(call: &CallExpr, source: &str) -> Result<(Parameter, String), ConditionError> {
    let target = call.target.as_ref();
    match target.map(|target| &target.expr) {
        Some(Expr::Ident(name)) => match Parameter::from_name(name) {
            Some(parameter) => Ok((parameter, name.clone())),
            None if name == "area" => Err(not_aggregate()),
            None => {
                let known = Parameter::ALL.map(Parameter::name);
                let near = perhaps(name, known);
                let error = ConditionError::new(
                    format!("{name:?} is not a parameter"),
                    format!("{near}known: {}", known.join(", ")),
                );
                Err(target.iter().fold(error, |error, target| error.of(target)))
            }
        },
        Some(Expr::Call(station)) => {
            let on_site = matches!(
                station.target.as_ref().map(|t| &t.expr),
                Some(Expr::Ident(root)) if root == "site"
            );
            match station.args.as_slice() {
                [argument] if on_site && station.func_name == "station" => {
                    let Expr::Literal(LiteralValue::String(word)) = &argument.expr else {
                        return Err(not_station());
                    };
                    let quote = if source.contains(&format!("station('{}'", word.inner())) {
                        '\''
                    } else {
                        '"'
                    };
                    let root = format!("site.station({quote}{}{quote})", word.inner());
                    Ok((parameter_of_word(word.inner())?, root))
                }
                _ => Err(not_station()),
            }
        }
        Some(_) | None => Err(not_number()),
    }
}

/// A parameter by its name or by the last word of it, where only one ends so.
fn parameter_of_word(word: &str) -> Result<Parameter, ConditionError> {
    if let Some(parameter) = Parameter::from_name(word) {
        return Ok(parameter);
    }
    let ends = |p: &Parameter| p.name().rsplit('_').next() == Some(word);
    let found: Vec<Parameter> = Parameter::ALL.into_iter().filter(ends).collect();
    match found.as_slice() {
        [one] => Ok(*one),
        [] => Err(ConditionError::new(
            format!("no parameter is called {word:?}"),
            "name what the site's station measures: site.station(\"water_depth\")",
        )),
        several => Err(ConditionError::new(
            format!(
                "{word:?} may be {}",
                several
                    .iter()
                    .map(|p| p.name())
                    .collect::<Vec<_>>()
                    .join(" or ")
            ),
            "write the whole name",
        )),
    }
}

/// A text in the quotes that the rule has it in.
pub(super) fn written(text: &str, source: &str) -> String {
    if source.contains(&format!("'{text}'")) {
        format!("'{text}'")
    } else {
        format!("\"{text}\"")
    }
}

/// `6h`, or `1d@08:00` for days that begin at that local time.
pub(super) fn window_of(text: &str) -> Result<Window, ConditionError> {
    let (length, start) = match text.split_once('@') {
        Some((length, start)) => (length, Some(start)),
        None => (text, None),
    };
    let span = Span::parse(length)
        .map_err(|error| ConditionError::new(error.to_string(), "write the window like \"6h\""))?;
    let longest = match start {
        Some(_) => Span::from_minutes(i64::from(DAYS_MAX) * 24 * 60),
        None => WINDOW_MAX,
    };
    if span <= Span::ZERO || span > longest {
        return Err(ConditionError::new(
            format!("a window of {span} is out of range"),
            format!("use more than nothing and at most {longest}"),
        ));
    }
    let Some(start) = start else {
        return Ok(Window::Rolling(span));
    };
    let minute = start.split_once(':').and_then(|(hour, minute)| {
        let hour: u16 = hour.parse().ok().filter(|h| *h < 24)?;
        let minute: u16 = minute.parse().ok().filter(|m| *m < 60)?;
        Some(hour * 60 + minute)
    });
    let days = u16::try_from(span.millis() / 86_400_000).unwrap_or(0);
    match minute {
        Some(minute) if span.millis() % 86_400_000 == 0 => Ok(Window::Calendar { days, minute }),
        Some(_) | None => Err(ConditionError::new(
            format!("{text:?} is not a calendar window"),
            "write whole days and a time of day: \"1d@08:00\"",
        )),
    }
}

pub(super) fn not_number() -> ConditionError {
    ConditionError::new(
        "a number is missing in a comparison",
        "compare a call such as rainfall.sum(\"6h\"), site.<threshold> or a number",
    )
}

pub(super) fn not_aggregate() -> ConditionError {
    ConditionError::new(
        "area takes max, min or mean of a parameter's figure",
        "write area.max(rainfall.sum(\"1h\"))",
    )
}

fn not_station() -> ConditionError {
    ConditionError::new(
        "a figure is asked of something that is neither a parameter nor the site's station",
        "write site.station(\"depth\").last()",
    )
}

fn no_window(root: &str, name: &str) -> ConditionError {
    ConditionError::new(
        format!("{root}.{name}() needs a window"),
        format!("write {root}.{name}(\"1h\")"),
    )
}
