//! From CEL's syntax tree to a program: the vocabulary, its types, and what is wrong with a text.

use super::asked::{Asked, asked_of};
use super::forecast;
use super::grammar;
use super::linear::{Dimension, Linear, atom, too_large};
use super::program::{Kleene, Op, Program, Test};
use super::ratio::Ratio;
use super::reach;
use super::reading::{not_aggregate, not_number, own_reading};
use super::unit::{UNITS, Unit};
use super::{CONDITION_BYTES_MAX, CONDITION_DEPTH_MAX, Relaxation};
use crate::forecast::Ask;
use crate::indicator::Measure;
use crate::window::{Function, Window};
use cel::IdedExpr;
use cel::common::ast::{CallExpr, Expr, LiteralValue, SourceInfo, operators};
use model::fault::perhaps;
use model::{Offset, Parameter, Span, Tier, Time};
use std::ops::Range;

/// How an area's stations are taken together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Aggregate {
    /// The largest of the stations' figures.
    Max,
    /// The smallest of them.
    Min,
    /// Their mean over the area, by Thiessen weights.
    Mean,
}

/// A figure a condition asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reading {
    /// Of which parameter; wind speed where a cyclone is asked about.
    pub parameter: Parameter,
    /// Which figure.
    pub function: Function,
    /// Over which window; `None` for `last` and `age`.
    pub window: Option<Window>,
    /// Over the stations of an area; `None` for the subject's own station.
    pub aggregate: Option<Aggregate>,
}

impl Reading {
    /// Where the minutes begin that it is found in at `time`; `None` where the newest is enough. Of days
    /// that are over their figures are known, whatever has become of their minutes.
    pub(crate) fn starts(&self, time: Time, offset: Offset) -> Option<Time> {
        if matches!(self.function, Function::Expected(_)) {
            return None;
        }
        let window = match self.window {
            Some(Window::Calendar { minute, .. }) if self.has_days() => {
                Some(Window::Calendar { days: 1, minute })
            }
            window => window,
        };
        let own = window.map(|window| window.start(time, offset));
        let mut beside = None;
        if let Function::Indicator(indicator) = self.function {
            beside = indicator.starts(time, offset);
        }
        own.into_iter().chain(beside).min()
    }

    fn has_days(&self) -> bool {
        matches!(self.function, Function::Indicator(_)) || self.is_of_days()
    }

    /// True where it is found in whole days rather than in minutes: more than one day of them, and
    /// nothing that hangs on when within a day a reading came.
    pub(crate) const fn is_of_days(&self) -> bool {
        let adds_up = matches!(
            self.function,
            Function::Sum | Function::Max | Function::Min | Function::Mean | Function::Count
        );
        adds_up && matches!(self.window, Some(Window::Calendar { days: 2.., .. }))
    }
}

/// A call as written, and what it asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// The words of the rule: `rainfall.sum("6h")`.
    pub text: String,
    /// What they ask for.
    pub reading: Reading,
}

/// What the conditions of one rule share: calls, thresholds and tiers asked for, in order of mention.
#[derive(Clone, Debug, Default)]
pub struct Scope {
    /// Calls.
    pub calls: Vec<Call>,
    /// Names of site thresholds.
    pub sites: Vec<String>,
    /// Whose tiers are asked for.
    pub asked: Vec<Asked>,
}

/// What is wrong with a condition and what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what} — {remedy}")]
pub struct ConditionError {
    /// What is wrong.
    pub what: String,
    /// What to do.
    pub remedy: String,
    /// Bytes of the text that it is about.
    pub at: Option<Range<usize>>,
    /// The part of the syntax tree that it is about.
    node: Option<u64>,
}

impl ConditionError {
    pub(super) fn new(what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            remedy: remedy.into(),
            at: None,
            node: None,
        }
    }

    /// The same about some bytes of the text.
    pub(super) fn at_bytes(self, at: Option<Range<usize>>) -> Self {
        Self { at, ..self }
    }

    /// The same about a part of the syntax tree, where it is not about a smaller one.
    pub(super) fn of(mut self, tree: &IdedExpr) -> Self {
        self.node.get_or_insert(tree.id);
        self
    }

    fn placed(mut self, source: &SourceInfo) -> Self {
        let range = self.node.and_then(|node| source.offset_for(node));
        let text = source.source.len();
        self.at = range.map(|(start, last)| {
            let start = (start as usize).min(text);
            let range = start..(last as usize + 1).clamp(start, text);
            name_before(&source.source, &range).unwrap_or(range)
        });
        self
    }
}

/// Compiles `source`; calls, thresholds and tiers it mentions are added to `scope`.
pub fn compile(
    source: &str,
    relaxation: Relaxation,
    scope: &mut Scope,
) -> Result<Program, ConditionError> {
    compile_with_remarks(source, relaxation, scope).map(|(program, _)| program)
}

/// The same with what is to be said of comparisons that go one way whatever is measured.
pub(crate) fn compile_with_remarks(
    source: &str,
    relaxation: Relaxation,
    scope: &mut Scope,
) -> Result<(Program, Vec<ConditionError>), ConditionError> {
    let (tree, places) = parsed(source)?;
    let mut compiler = Compiler {
        source,
        scope,
        relaxation,
        ops: Vec::new(),
        remarks: Vec::new(),
    };
    let truth = compiler.truth(&tree, false);
    truth.map_err(|error| error.placed(&places))?;
    let remarks = compiler.remarks.into_iter();
    let remarks = remarks.map(|remark| remark.placed(&places)).collect();
    let program = Program {
        ops: compiler.ops.into(),
    };
    if program.fits() {
        Ok((program, remarks))
    } else {
        Err(ConditionError::new(
            "the condition is nested too deeply",
            "split it into rules joined by situation(\"id\")",
        ))
    }
}

/// The syntax tree of a condition, and where its parts stand.
pub(super) fn parsed(source: &str) -> Result<(IdedExpr, SourceInfo), ConditionError> {
    if source.len() > CONDITION_BYTES_MAX {
        return Err(ConditionError::new(
            format!("the condition is longer than {CONDITION_BYTES_MAX} bytes"),
            "split it into rules joined by situation(\"id\")",
        ));
    }
    if let Some(beyond) = grammar::beyond(source) {
        return Err(beyond);
    }
    let parsed = cel::parser::Parser::new()
        .max_recursion_depth(CONDITION_DEPTH_MAX)
        .parse_with_source_info(source);
    parsed.map_err(|errors| {
        let first = errors.errors.first();
        let message = first.map_or("no condition", |error| &error.msg);
        let place = first.and_then(|error| byte(source, error.pos));
        grammar::unreadable(source, message, place)
    })
}

struct Compiler<'a> {
    source: &'a str,
    scope: &'a mut Scope,
    relaxation: Relaxation,
    ops: Vec<Op>,
    remarks: Vec<ConditionError>,
}

impl Compiler<'_> {
    /// Compiles a boolean expression; a negation is pushed down to the comparisons.
    fn truth(&mut self, tree: &IdedExpr, negated: bool) -> Result<(), ConditionError> {
        let before = self.ops.len();
        let truth = self.truth_of(tree, negated);
        truth.map_err(|error| error.of(tree))?;
        if let Some(op) = self.ops.get(before).filter(|_| is_comparison(tree)) {
            let remark = reach::remark(op, &self.scope.calls);
            self.remarks.extend(remark.map(|remark| remark.of(tree)));
        }
        Ok(())
    }

    fn truth_of(&mut self, tree: &IdedExpr, negated: bool) -> Result<(), ConditionError> {
        match &tree.expr {
            Expr::Literal(LiteralValue::Boolean(truth)) => {
                let truth = *truth.inner() != negated;
                self.ops.push(Op::Constant(Kleene::of(truth)));
                Ok(())
            }
            Expr::Call(call) => self.truth_of_call(call, negated),
            Expr::Unspecified
            | Expr::Comprehension(_)
            | Expr::Ident(_)
            | Expr::List(_)
            | Expr::Literal(_)
            | Expr::Map(_)
            | Expr::Select(_)
            | Expr::Struct(_) => Err(not_boolean()),
        }
    }

    fn truth_of_call(&mut self, call: &CallExpr, negated: bool) -> Result<(), ConditionError> {
        match (call.func_name.as_str(), call.args.as_slice()) {
            (operators::LOGICAL_NOT, [inner]) => self.truth(inner, !negated),
            (name @ (operators::LOGICAL_AND | operators::LOGICAL_OR), [left, right]) => {
                self.truth(left, negated)?;
                self.truth(right, negated)?;
                let and = (name == operators::LOGICAL_AND) != negated;
                self.ops.push(if and { Op::And } else { Op::Or });
                Ok(())
            }
            (name, [left, right]) => match test_of(name) {
                Some(test) if negated => self.comparison(left, test.negated(), right),
                Some(test) => self.comparison(left, test, right),
                None => Err(not_boolean()),
            },
            (_, _) => Err(not_boolean()),
        }
    }

    fn comparison(
        &mut self,
        left: &IdedExpr,
        test: Test,
        right: &IdedExpr,
    ) -> Result<(), ConditionError> {
        if is_comparison(left) || is_comparison(right) {
            return Err(ConditionError::new(
                "two comparisons are written as one",
                "join them with &&: rainfall.sum(\"1h\") >= 10 && rainfall.sum(\"1h\") <= 30",
            ));
        }
        match (asked_of(left), asked_of(right)) {
            (Some(asked), None) => return self.tier(asked?, test, right),
            (None, Some(asked)) => return self.tier(asked?, test.mirrored(), left),
            (Some(_), Some(_)) => {
                return Err(ConditionError::new(
                    "two tiers are compared with each other",
                    "compare each with a tier: situation(\"id\") >= orange",
                ));
            }
            (None, None) => {}
        }
        let (left, right) = (self.number(left)?, self.number(right)?);
        let atom = atom(left, test, right, self.relaxation)?;
        let is_whole = |function: Function| {
            let fractional = matches!(
                function,
                Function::Mean | Function::Rate | Function::Indicator(_) | Function::Expected(_)
            );
            !fractional
        };
        let whole = atom.calls.iter().all(|(call, _)| {
            let call = self.scope.calls.get(usize::from(*call));
            call.is_some_and(|call| {
                is_whole(call.reading.function) && call.reading.aggregate != Some(Aggregate::Mean)
            })
        });
        let op = atom.simple().filter(|_| whole);
        self.ops.push(op.unwrap_or(Op::Linear(atom)));
        Ok(())
    }

    fn tier(&mut self, asked: Asked, test: Test, tier: &IdedExpr) -> Result<(), ConditionError> {
        let Expr::Ident(name) = &tier.expr else {
            return Err(unknown_tier("that").of(tier));
        };
        let known = Tier::from_name(name).ok_or_else(|| unknown_tier(name).of(tier));
        let tier = known?;
        let index = place(
            &mut self.scope.asked,
            |held| *held == asked,
            || asked.clone(),
        )?;
        self.ops.push(Op::Tier { index, test, tier });
        Ok(())
    }

    fn number(&mut self, tree: &IdedExpr) -> Result<Linear, ConditionError> {
        self.number_of(tree).map_err(|error| error.of(tree))
    }

    fn number_of(&mut self, tree: &IdedExpr) -> Result<Linear, ConditionError> {
        match &tree.expr {
            Expr::Literal(literal) => number_of_literal(literal),
            Expr::Select(select) if !select.test => match &select.operand.expr {
                Expr::Ident(root) if root == "site" => {
                    let field = &select.field;
                    let index = place(
                        &mut self.scope.sites,
                        |held| held == field,
                        || field.clone(),
                    )?;
                    Ok(Linear {
                        sites: vec![(index, Ratio::ONE)],
                        ..Linear::number(Ratio::ZERO)
                    })
                }
                Expr::Ident(root) => Err(ConditionError::new(
                    format!("{root}.{} is not known", select.field),
                    format!("call a function of a parameter, such as {root}.last()"),
                )),
                Expr::Unspecified
                | Expr::Call(_)
                | Expr::Comprehension(_)
                | Expr::List(_)
                | Expr::Literal(_)
                | Expr::Map(_)
                | Expr::Select(_)
                | Expr::Struct(_) => Err(not_number()),
            },
            Expr::Call(call) => self.number_of_call(call),
            Expr::Ident(name) => Err(match Parameter::from_name(name) {
                Some(_) => ConditionError::new(
                    format!("{name} alone is not a number"),
                    format!("say which: {name}.last(), {name}.sum(\"1h\"), …"),
                ),
                None => {
                    let near = perhaps(name, Parameter::ALL.map(Parameter::name));
                    ConditionError::new(
                        format!("{name:?} is not known"),
                        format!("{near}use a parameter, site.<threshold> or a number"),
                    )
                }
            }),
            Expr::Unspecified
            | Expr::Comprehension(_)
            | Expr::List(_)
            | Expr::Map(_)
            | Expr::Select(_)
            | Expr::Struct(_) => Err(not_number()),
        }
    }

    fn number_of_call(&mut self, call: &CallExpr) -> Result<Linear, ConditionError> {
        match (call.func_name.as_str(), &call.target, call.args.as_slice()) {
            (operators::NEGATE, None, [inner]) => self.number(inner)?.times(Ratio::whole(-1)),
            (operators::ADD, None, [left, right]) => self.number(left)?.add(self.number(right)?),
            (operators::SUBSTRACT, None, [left, right]) => {
                let right = self.number(right)?.times(Ratio::whole(-1))?;
                self.number(left)?.add(right)
            }
            (operators::MULTIPLY, None, [left, right]) => {
                let (left, right) = (self.number(left)?, self.number(right)?);
                match (left.plain(), right.plain()) {
                    (_, Some(factor)) => left.times(factor),
                    (Some(factor), None) => right.times(factor),
                    (None, None) => Err(ConditionError::new(
                        "two measured values are multiplied",
                        "multiply by a plain number only",
                    )),
                }
            }
            (operators::DIVIDE, None, [left, right]) => {
                let divisor = self.number(right)?.plain().filter(|d| !d.is_zero());
                let divisor = divisor.ok_or_else(|| {
                    ConditionError::new(
                        "the divisor is not a plain number above or below zero",
                        "divide by a plain number only",
                    )
                })?;
                self.number(left)?
                    .times(Ratio::ONE.over(divisor).ok_or_else(too_large)?)
            }
            ("duration", None, [inner]) => self.number(inner),
            ("forecast", None, _) => self.expected(call),
            ("situation" | "signal", None, _) => Err(ConditionError::new(
                format!("{}() is a tier, not a number", call.func_name),
                "compare it with a tier: situation(\"id\") >= orange, signal(\"11B01\") >= blue",
            )),
            (_, Some(root), _) if forecast::is_asked(root) => self.expected(call),
            (_, Some(_), _) => self.reading(call),
            (name, None, [inner]) if Unit::named(name).is_some() => self.measured(name, inner),
            // Joints and questions have names that nobody writes.
            (name, None, _) if !name.starts_with(|c: char| c.is_ascii_alphabetic()) => {
                Err(not_number())
            }
            (name, None, _) => {
                let units = UNITS.map(|unit| unit.name);
                let others = ["situation", "signal", "duration", "forecast"];
                let known = units.into_iter().chain(others);
                Err(ConditionError::new(
                    format!("{name}() is not known or has the wrong number of arguments"),
                    format!(
                        "{}use PARAM.last(), .sum(w), .max(w), .min(w), .mean(w), .delta(w), .rate(w), .count(w), .age(), situation(\"id\"), signal(\"11B01\"), or a unit: {}",
                        perhaps(name, known),
                        units.join("(), ") + "()"
                    ),
                ))
            }
        }
    }

    /// A number in a unit: `mm(50)`.
    fn measured(&mut self, name: &str, inner: &IdedExpr) -> Result<Linear, ConditionError> {
        let number = self.number(inner)?.plain().ok_or_else(|| {
            ConditionError::new(
                format!("{name}() needs a plain number"),
                format!("write {name}(15)"),
            )
        })?;
        let unit = Unit::named(name).ok_or_else(not_number)?;
        let measured = unit.in_first(number).ok_or_else(too_large)?;
        Ok(Linear {
            measured: Some((unit.quantity, measured)),
            ..Linear::number(Ratio::ZERO)
        })
    }

    fn expected(&mut self, call: &CallExpr) -> Result<Linear, ConditionError> {
        let (reading, text) = forecast::reading(call, self.source)?;
        self.call(reading, text)
    }

    fn reading(&mut self, call: &CallExpr) -> Result<Linear, ConditionError> {
        let (reading, text) = match aggregate_of(call) {
            Some((aggregate, inner)) => {
                let Expr::Call(inner) = &inner.expr else {
                    return Err(not_aggregate());
                };
                let (reading, text) = own_reading(inner, self.source, &mut self.scope.sites)?;
                let text = format!("area.{}({text})", call.func_name);
                (
                    Reading {
                        aggregate: Some(aggregate),
                        ..reading
                    },
                    text,
                )
            }
            None => own_reading(call, self.source, &mut self.scope.sites)?,
        };
        self.call(reading, text)
    }

    fn call(&mut self, reading: Reading, text: String) -> Result<Linear, ConditionError> {
        let dimension = match reading.function {
            Function::Count => Dimension::Count,
            Function::Age => Dimension::Age,
            Function::Rate => Dimension::Rate(reading.parameter),
            Function::Last
            | Function::Sum
            | Function::Max
            | Function::Min
            | Function::Mean
            | Function::Delta => Dimension::Of(reading.parameter),
            Function::Indicator(indicator) => match indicator.measure() {
                Measure::Own => Dimension::Of(reading.parameter),
                Measure::Days => Dimension::Count,
                measure @ (Measure::Times
                | Measure::Degrees
                | Measure::Hours
                | Measure::Kilometres
                | Measure::Years
                | Measure::Deviations) => Dimension::Index(measure),
            },
            Function::Expected(Ask::CircleIn(_)) => Dimension::Index(Measure::Hours),
            Function::Expected(Ask::Distance | Ask::Closest) => {
                Dimension::Index(Measure::Kilometres)
            }
            Function::Expected(Ask::Sum | Ask::Max | Ask::Min) => Dimension::Of(reading.parameter),
        };
        let call = Call { text, reading };
        let index = place(&mut self.scope.calls, |held| *held == call, || call.clone())?;
        Ok(Linear {
            calls: vec![(index, Ratio::ONE)],
            dimension: Some(dimension),
            ..Linear::number(Ratio::ZERO)
        })
    }
}

/// `area.max(…)`, `area.min(…)` and `area.mean(…)`.
fn aggregate_of(call: &CallExpr) -> Option<(Aggregate, &IdedExpr)> {
    let Expr::Ident(root) = &call.target.as_ref()?.expr else {
        return None;
    };
    match (root.as_str(), call.func_name.as_str(), call.args.as_slice()) {
        ("area", "max", [inner]) => Some((Aggregate::Max, inner)),
        ("area", "min", [inner]) => Some((Aggregate::Min, inner)),
        ("area", "mean", [inner]) => Some((Aggregate::Mean, inner)),
        (_, _, _) => None,
    }
}

fn number_of_literal(literal: &LiteralValue) -> Result<Linear, ConditionError> {
    match literal {
        LiteralValue::Int(number) => Ok(Linear::number(Ratio::whole(*number.inner()))),
        LiteralValue::UInt(number) => Ratio::new(i128::from(*number.inner()), 1)
            .map(Linear::number)
            .ok_or_else(too_large),
        // The shortest decimal that reads back as the same number is what the rule says.
        LiteralValue::Double(number) => Ratio::parse(&format!("{}", number.inner()))
            .map(Linear::number)
            .ok_or_else(too_large),
        LiteralValue::String(text) => {
            let span = Span::parse(text.inner()).map_err(|error| {
                ConditionError::new(error.to_string(), "only an age is compared with a text")
            })?;
            Ok(Linear {
                dimension: Some(Dimension::Age),
                ..Linear::number(Ratio::whole(span.millis()))
            })
        }
        LiteralValue::Boolean(_) | LiteralValue::Bytes(_) | LiteralValue::Null => Err(not_number()),
    }
}

/// True for `a >= b` and its like.
fn is_comparison(tree: &IdedExpr) -> bool {
    matches!(&tree.expr, Expr::Call(call) if test_of(&call.func_name).is_some())
}

fn test_of(name: &str) -> Option<Test> {
    match name {
        operators::GREATER_EQUALS => Some(Test::AtLeast),
        operators::GREATER => Some(Test::Above),
        operators::LESS_EQUALS => Some(Test::AtMost),
        operators::LESS => Some(Test::Below),
        operators::EQUALS => Some(Test::Equal),
        operators::NOT_EQUALS => Some(Test::Differs),
        _ => None,
    }
}

pub(super) fn place<T>(
    held: &mut Vec<T>,
    is: impl Fn(&T) -> bool,
    make: impl FnOnce() -> T,
) -> Result<u16, ConditionError> {
    let at = held.iter().position(is).unwrap_or_else(|| {
        held.push(make());
        held.len() - 1
    });
    u16::try_from(at).map_err(|_| too_large())
}

fn not_boolean() -> ConditionError {
    ConditionError::new(
        "it is not a condition that holds or does not",
        "compare values and join comparisons with && || and !",
    )
}

fn unknown_tier(name: &str) -> ConditionError {
    let near = perhaps(name, ["none", "white", "blue", "yellow", "orange", "red"]);
    ConditionError::new(
        format!("{name} is not a tier"),
        format!("{near}compare with none, white, blue, yellow, orange or red"),
    )
}

/// The name of what is called, where a call stands in the text as its parenthesis.
fn name_before(source: &str, call: &Range<usize>) -> Option<Range<usize>> {
    if !source.get(call.start..)?.starts_with('(') {
        return None;
    }
    let before = source.get(..call.start)?;
    let name = before.trim_end_matches(|c: char| c.is_ascii_alphanumeric() || c == '_');
    (name.len() < before.len()).then_some(name.len()..before.len())
}

/// The byte of a line and a column, each from 1, and the character there.
fn byte(source: &str, (line, column): (isize, isize)) -> Option<Range<usize>> {
    let (line, column) = (usize::try_from(line).ok()?, usize::try_from(column).ok()?);
    let before = source.split_inclusive('\n').take(line.checked_sub(1)?);
    let start = before.map(str::len).sum::<usize>() + column.checked_sub(1)?;
    let start = start.min(source.len());
    let length = source
        .get(start..)?
        .chars()
        .next()
        .map_or(0, char::len_utf8);
    Some(start..start + length)
}
