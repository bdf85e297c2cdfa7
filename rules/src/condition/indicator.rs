//! Calls of indicators: `rainfall.effective("14d@08:00", 0.84)`.

use super::linear::too_large;
use super::parse::{ConditionError, place};
use super::ratio::Ratio;
use super::reading::{window_of, written};
use super::unit::Unit;
use crate::indicator::effective::Decay;
use crate::indicator::exceedance::Curve;
use crate::indicator::inverse_velocity::Estimate;
use crate::indicator::spell::Spell;
use crate::indicator::tangent::FIRST_DAYS;
use crate::indicator::{Bound, Indicator};
use crate::window::Window;
use cel::IdedExpr;
use cel::common::ast::{Expr, LiteralValue, operators};
use model::fault::perhaps;
use model::{Parameter, Quanta};

/// Name of each indicator with a call of it.
pub(super) const INDICATORS: [(&str, &str); 11] = [
    ("effective", "rainfall.effective(\"14d@08:00\", 0.84)"),
    ("exceedance", "rainfall.exceedance(\"caine\")"),
    ("dry_days", "rainfall.dry_days(\"90d@08:00\", 5)"),
    (
        "days_at_least",
        "temperature.days_at_least(\"10d@20:00\", 35)",
    ),
    ("days_at_most", "temperature.days_at_most(\"10d@20:00\", 5)"),
    (
        "tangent_angle",
        "displacement.tangent_angle(\"24h\", site.v0)",
    ),
    ("failure_in", "displacement.failure_in(\"72h\")"),
    ("failure_earliest", "displacement.failure_earliest(\"72h\")"),
    ("return_period", "rainfall.return_period(\"1h\")"),
    ("spi", "rainfall.spi(\"30d@08:00\")"),
    ("hours_to", "water_level.hours_to(\"1h\", site.warning)"),
];

/// A bound given as plain number is kept in billionths.
const BILLION: i64 = 1_000_000_000;

/// What is known where an indicator is called.
pub(super) struct Call<'a> {
    pub(super) name: &'a str,
    pub(super) parameter: Parameter,
    pub(super) arguments: &'a [IdedExpr],
    pub(super) source: &'a str,
    /// Names of the site thresholds of the rule.
    pub(super) sites: &'a mut Vec<String>,
}

/// An indicator, its window, and its arguments as written; `None` where no indicator has that name.
type Found = Option<Result<(Indicator, Option<Window>, String), ConditionError>>;

impl Call<'_> {
    /// Reads the call.
    pub(super) fn read(mut self) -> Found {
        let (name, _) = INDICATORS.iter().find(|(name, _)| *name == self.name)?;
        let read = match *name {
            "effective" => self.effective(),
            "exceedance" => self.exceedance(),
            "dry_days" => self.spell(Spell::Dry),
            "days_at_least" => self.spell(Spell::AtLeast),
            "days_at_most" => self.spell(Spell::AtMost),
            "tangent_angle" => self.tangent_angle(),
            "failure_in" => self.failure(Estimate::Mean),
            "failure_earliest" => self.failure(Estimate::Earliest),
            "return_period" => self.return_period(),
            "spi" => self.spi(),
            _ => self.approach(),
        };
        let texts = self
            .arguments
            .iter()
            .map(|argument| text(argument, self.source));
        let texts = texts.collect::<Option<Vec<_>>>().unwrap_or_default();
        Some(read.map(|(indicator, window)| (indicator, window, texts.join(", "))))
    }

    fn effective(&self) -> Result<(Indicator, Option<Window>), ConditionError> {
        let [window, share] = self.arguments else {
            return Err(self.wrong("a window of days and the share that is left after a day"));
        };
        self.of_rain()?;
        let millionths = number(share)
            .and_then(|share| share.times(Ratio::whole(1_000_000)))
            .filter(|share| share.of() == 1);
        let millionths = millionths.and_then(|share| u32::try_from(share.number()).ok());
        let millionths = millionths.filter(|share| (1..=1_000_000).contains(share));
        let decay = millionths.ok_or_else(|| {
            let what = "the share left after a day is not between 0.000001 and 1";
            ConditionError::new(what, "0.84 is the most cited, 0.8 to 0.85 are in use").of(share)
        });
        let indicator = Indicator::Effective(Decay(decay?));
        Ok((indicator, Some(self.days(window)?)))
    }

    fn exceedance(&self) -> Result<(Indicator, Option<Window>), ConditionError> {
        self.of_rain()?;
        let curve = match self.arguments {
            [argument] => {
                let name = string(argument).ok_or_else(|| self.wrong("the name of a curve"))?;
                Curve::by_name(name).ok_or_else(|| {
                    let known: Vec<&str> = Curve::names().collect();
                    let near = perhaps(name, known.iter().copied());
                    let remedy = format!(
                        "{near}known: {}; or give a, b and c of I = c + a·D^−b",
                        known.join(", ")
                    );
                    ConditionError::new(format!("no curve is called {name:?}"), remedy).of(argument)
                })
            }
            [a, b] | [a, b, _] => {
                let given = |argument| number(argument).map(as_double);
                let c = match self.arguments.get(2) {
                    Some(c) => given(c),
                    None => Some(0.0),
                };
                let curve = given(a).zip(given(b)).zip(c);
                let curve = curve.and_then(|((a, b), c)| Curve::new(a, b, c, 0.0..=f64::INFINITY));
                curve.ok_or_else(|| {
                    ConditionError::new(
                        "I = c + a·D^−b asks for no rain, or for more than falls, between 1 and 72 hours",
                        "write a in mm/h: rainfall.exceedance(14.82, 0.39)",
                    )
                })
            }
            _ => Err(self.wrong("the name of a curve, or its a, b and c")),
        };
        Ok((Indicator::Exceedance(curve?), None))
    }

    fn spell(
        &self,
        kind: impl Fn(Quanta) -> Spell,
    ) -> Result<(Indicator, Option<Window>), ConditionError> {
        let [window, bound] = self.arguments else {
            return Err(self.wrong("a window of days and a bound"));
        };
        let quanta = Ratio::whole(self.parameter.quanta_per_unit());
        let quanta = self.number_of(bound)?.times(quanta).ok_or_else(too_large)?;
        let bound = i32::try_from(quanta.ceil()).map_err(|_| too_large().of(bound))?;
        Ok((Indicator::Spell(kind(bound)), Some(self.days(window)?)))
    }

    fn tangent_angle(&mut self) -> Result<(Indicator, Option<Window>), ConditionError> {
        let [window, v0] = self.arguments else {
            return Err(self.wrong(
                "a window and the rate of even creep: site.v0, a number, or days to find it in",
            ));
        };
        let v0 = match string(v0) {
            // Days of a slope begin at midnight: nobody asks for another time.
            Some(_) => match self.days(v0)? {
                Window::Calendar { days, minute: 0 } if days > FIRST_DAYS as u16 => {
                    Bound::Found(days)
                }
                Window::Calendar { .. } | Window::Rolling(_) => {
                    return Err(ConditionError::new(
                        "even creep is found in more than eight days that begin at midnight",
                        "write \"60d@00:00\"",
                    )
                    .of(v0));
                }
            },
            None => self.bound(v0)?,
        };
        Ok((Indicator::TangentAngle(v0), Some(self.rolling(window)?)))
    }

    fn failure(&self, estimate: Estimate) -> Result<(Indicator, Option<Window>), ConditionError> {
        let [window] = self.arguments else {
            return Err(self.wrong("a window"));
        };
        Ok((Indicator::Failure(estimate), Some(self.rolling(window)?)))
    }

    fn return_period(&self) -> Result<(Indicator, Option<Window>), ConditionError> {
        let [window] = self.arguments else {
            return Err(self.wrong("a window"));
        };
        self.of_rain()?;
        Ok((Indicator::ReturnPeriod, Some(self.rolling(window)?)))
    }

    fn spi(&self) -> Result<(Indicator, Option<Window>), ConditionError> {
        let [window] = self.arguments else {
            return Err(self.wrong("a window of days"));
        };
        self.of_rain()?;
        Ok((Indicator::Spi, Some(self.days(window)?)))
    }

    fn approach(&mut self) -> Result<(Indicator, Option<Window>), ConditionError> {
        let [window, bound] = self.arguments else {
            return Err(self.wrong("a window and a bound"));
        };
        let bound = self.bound(bound)?;
        Ok((Indicator::Approach(bound), Some(self.rolling(window)?)))
    }

    /// `site.x` or a number.
    fn bound(&mut self, argument: &IdedExpr) -> Result<Bound, ConditionError> {
        if let Expr::Select(select) = &argument.expr
            && matches!(&select.operand.expr, Expr::Ident(root) if root == "site")
        {
            let name = &select.field;
            let at = place(self.sites, |held| held == name, || name.clone())?;
            return Ok(Bound::Site(at));
        }
        let billionths = self.number_of(argument)?.times(Ratio::whole(BILLION));
        let billionths = billionths.ok_or_else(too_large)?;
        let given = i64::try_from(billionths.floor()).map_err(|_| too_large().of(argument))?;
        Ok(Bound::Given(given))
    }

    /// A number, or one in a unit that is brought into the parameter's.
    fn number_of(&self, argument: &IdedExpr) -> Result<Ratio, ConditionError> {
        if let Some(plain) = number(argument) {
            return Ok(plain);
        }
        let (unit, inner) = in_unit(argument).ok_or_else(|| self.wrong("a number").of(argument))?;
        let own = Unit::of(self.parameter).filter(|own| own.quantity == unit.quantity);
        let own = own.ok_or_else(|| {
            ConditionError::new(
                format!(
                    "{} cannot be a bound of {}, which is in {}",
                    unit.quantity.name(),
                    self.parameter,
                    self.parameter.unit()
                ),
                format!("write a plain number in {}", self.parameter.unit()),
            )
            .of(argument)
        })?;
        let first = unit.in_first(inner).and_then(|first| own.in_this(first));
        first.ok_or_else(too_large)
    }

    fn days(&self, argument: &IdedExpr) -> Result<Window, ConditionError> {
        match self.window(argument)? {
            window @ Window::Calendar { .. } => Ok(window),
            Window::Rolling(_) => Err(ConditionError::new(
                format!("{} counts whole days", self.name),
                "say when a day begins: \"14d@08:00\"",
            )
            .of(argument)),
        }
    }

    fn rolling(&self, argument: &IdedExpr) -> Result<Window, ConditionError> {
        match self.window(argument)? {
            window @ Window::Rolling(_) => Ok(window),
            Window::Calendar { .. } => Err(ConditionError::new(
                format!("{} needs the time up to now", self.name),
                "write the window like \"24h\"",
            )
            .of(argument)),
        }
    }

    fn window(&self, argument: &IdedExpr) -> Result<Window, ConditionError> {
        let text = string(argument).ok_or_else(|| self.wrong("a window").of(argument))?;
        window_of(text).map_err(|error| error.of(argument))
    }

    fn of_rain(&self) -> Result<(), ConditionError> {
        if self.parameter == Parameter::Rainfall {
            return Ok(());
        }
        Err(ConditionError::new(
            format!("{} is of rain, not of {}", self.name, self.parameter),
            format!("write rainfall.{}(…)", self.name),
        ))
    }

    fn wrong(&self, needs: &str) -> ConditionError {
        let example = INDICATORS.iter().find(|(name, _)| *name == self.name);
        let example = example.map_or("", |(_, example)| example);
        ConditionError::new(
            format!("{}.{}() needs {needs}", self.parameter, self.name),
            format!("write it like {example}"),
        )
    }
}

fn string(argument: &IdedExpr) -> Option<&str> {
    if let Expr::Literal(LiteralValue::String(text)) = &argument.expr {
        return Some(text.inner());
    }
    None
}

/// The name and the one argument of a call that is made on nothing.
fn plain_call(argument: &IdedExpr) -> Option<(&str, &IdedExpr)> {
    let Expr::Call(call) = &argument.expr else {
        return None;
    };
    match (&call.target, call.args.as_slice()) {
        (None, [inner]) => Some((&call.func_name, inner)),
        (_, _) => None,
    }
}

/// A number as the rule has it, without its sign.
fn digits(argument: &IdedExpr) -> Option<String> {
    if let Expr::Literal(LiteralValue::Int(number)) = &argument.expr {
        return Some(format!("{}", number.inner()));
    }
    if let Expr::Literal(LiteralValue::Double(number)) = &argument.expr {
        return Some(format!("{}", number.inner()));
    }
    None
}

/// The number written, if it is one.
fn number(argument: &IdedExpr) -> Option<Ratio> {
    match plain_call(argument) {
        Some((operators::NEGATE, inner)) => number(inner)?.times(Ratio::whole(-1)),
        Some(_) => None,
        None => Ratio::parse(&digits(argument)?),
    }
}

/// `mm(50)`: the unit and the number in it.
fn in_unit(argument: &IdedExpr) -> Option<(Unit, Ratio)> {
    let (name, inner) = plain_call(argument)?;
    Some((Unit::named(name)?, number(inner)?))
}

fn as_double(ratio: Ratio) -> f64 {
    ratio.number() as f64 / ratio.of() as f64
}

/// An argument as the rule has it.
fn text(argument: &IdedExpr, source: &str) -> Option<String> {
    if let Some(text) = string(argument) {
        return Some(written(text, source));
    }
    if let Expr::Select(select) = &argument.expr {
        return Some(format!("site.{}", select.field));
    }
    match plain_call(argument) {
        Some((operators::NEGATE, inner)) => Some(format!("-{}", text(inner, source)?)),
        Some((name, inner)) => Some(format!("{name}({})", text(inner, source)?)),
        None => digits(argument),
    }
}
