//! What must come before a condition that does not hold can hold: so much more rain, a reading as
//! high or as low as a bound, another day. Until then there is nothing to evaluate.
//!
//! Sums of rain, whatever their window, grow by no more than what has fallen since; the newest value
//! and extremes reach a bound with a reading that does. Where a figure can move by itself, as means,
//! rates and ages do when readings leave their window, there is no lull.

use super::program::{Atom, Op, Program, Situated, Test};
use super::{Call, Kleene, Ratio};
use crate::indicator::exceedance::DURATIONS_H;
use crate::indicator::spell::Spell;
use crate::indicator::{Indicator, exceedance, return_period};
use crate::window::{Function, Value};
use model::Parameter;
use model::climate::Level;

/// Most parameters of a rule whose lulls are told.
pub(crate) const PARAMETERS_MAX: usize = 4;
/// Most intermediate results of a condition whose lulls are told.
const DEPTH_MAX: usize = 16;

/// What a series of one parameter must bring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Lull {
    /// So many quanta of rain.
    pub(crate) rain: i64,
    /// A reading of at least this.
    pub(crate) reach: i64,
    /// A reading of at most this.
    pub(crate) sink: i64,
    /// Readings that stand for so many seconds.
    pub(crate) cover_s: i64,
    /// A reading after this, in milliseconds.
    pub(crate) until: i64,
    /// True where a reading of another day does, or a late one.
    pub(crate) days: bool,
}

/// What is known of a call's series beside its figure.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Beside<'a> {
    /// Return levels of its window.
    pub(crate) levels: &'a [Level],
    /// Seconds that readings must stand for until its days are covered; `None` where nothing is known
    /// of what is usual.
    pub(crate) uncovered_s: Option<i64>,
    /// Sums over the durations of its curve.
    pub(crate) sums: [i64; DURATIONS_H.len()],
}

impl Beside<'_> {
    /// Nothing known.
    pub(crate) const NOTHING: Self = Self {
        levels: &[],
        uncovered_s: None,
        sums: [0; DURATIONS_H.len()],
    };
}

/// What the series of each of a rule's parameters must bring, one of them.
pub(crate) type Lulls = [Lull; PARAMETERS_MAX];

/// A rule at a subject.
pub(crate) struct Asked<'a> {
    pub(crate) calls: &'a [Call],
    pub(crate) parameters: &'a [Parameter],
    pub(crate) at: Situated<'a>,
    /// Whether the subject has a series of each parameter.
    pub(crate) has: [bool; PARAMETERS_MAX],
    /// What is known beside the figure of a call.
    pub(crate) beside: &'a dyn Fn(&Call) -> Beside<'a>,
}

impl Lull {
    /// Nothing brings it about.
    pub(crate) const LASTING: Self = Self {
        rain: i64::MAX,
        reach: i64::MAX,
        sink: i64::MIN,
        cover_s: i64::MAX,
        until: i64::MAX,
        days: false,
    };
    /// Anything may.
    pub(crate) const NONE: Self = Self {
        rain: 0,
        ..Self::LASTING
    };

    /// Another day does.
    const OF_DAYS: Self = Self {
        days: true,
        ..Self::LASTING
    };

    pub(crate) const fn is_none(&self) -> bool {
        self.rain <= 0 || self.cover_s <= 0
    }

    /// Either of two things.
    pub(crate) fn or(self, other: Self) -> Self {
        Self {
            rain: self.rain.min(other.rain),
            reach: self.reach.min(other.reach),
            sink: self.sink.max(other.sink),
            cover_s: self.cover_s.min(other.cover_s),
            until: self.until.min(other.until),
            days: self.days || other.days,
        }
    }

    /// How long it can be expected to last: none, some time, for ever.
    fn rank(&self) -> u8 {
        match *self {
            Self::LASTING => 2,
            _ if self.is_none() => 0,
            _ => 1,
        }
    }
}

/// Lulls before either of two conditions.
pub(crate) fn either(one: Lulls, other: Lulls) -> Lulls {
    let mut both = one;
    for (lull, other) in both.iter_mut().zip(other) {
        *lull = lull.or(other);
    }
    both
}

/// Lulls before two conditions that do not hold and must both: those of the one that lasts longer.
pub(crate) fn longer(one: Lulls, other: Lulls) -> Lulls {
    let length = |lulls: &Lulls| {
        let rank = lulls.iter().map(Lull::rank).min();
        (rank, lulls.iter().map(|lull| lull.rain).min())
    };
    if length(&one) >= length(&other) {
        one
    } else {
        other
    }
}

impl Program {
    /// What must come before the condition can hold; `None` where it does, or holds too much.
    pub(crate) fn lulls(&self, asked: &Asked<'_>) -> Option<Lulls> {
        let mut stack = [None; DEPTH_MAX];
        let mut top = 0usize;
        for op in &self.ops {
            let result = match op {
                Op::AtLeast { call, bound } => asked.bounded(*call, Test::AtLeast, *bound),
                Op::AtMost { call, bound } => asked.bounded(*call, Test::AtMost, *bound),
                Op::Linear(atom) => asked.linear(atom),
                // These change by being told so, not by readings.
                Op::Tier { index, test, tier } => {
                    let holds = test.holds(asked.at.tier(*index).cmp(tier));
                    (!holds).then_some([Lull::LASTING; PARAMETERS_MAX])
                }
                Op::Constant(Kleene::True) => None,
                Op::Constant(Kleene::False | Kleene::Unknown) => {
                    Some([Lull::LASTING; PARAMETERS_MAX])
                }
                Op::And | Op::Or => {
                    top = top.checked_sub(2)?;
                    let (a, b) = (*stack.get(top)?, *stack.get(top + 1)?);
                    match (a, b) {
                        (Some(a), Some(b)) if matches!(op, Op::And) => Some(longer(a, b)),
                        (Some(a), Some(b)) => Some(either(a, b)),
                        (one, None) | (None, one) if matches!(op, Op::And) => one,
                        (_, None) | (None, _) => None,
                    }
                }
            };
            *stack.get_mut(top)? = result;
            top += 1;
        }
        *stack.first()?
    }
}

impl Asked<'_> {
    /// `call` compared with a whole number.
    fn bounded(&self, call: u16, test: Test, bound: i64) -> Option<Lulls> {
        self.single(call, test, Ratio::whole(bound))
    }

    fn linear(&self, atom: &Atom) -> Option<Lulls> {
        let none = Some([Lull::NONE; PARAMETERS_MAX]);
        if atom.evaluate(&self.at) == Kleene::True {
            return None;
        }
        let [(call, factor)] = &*atom.calls else {
            return Some(self.composed(atom));
        };
        let mut number = atom.constant;
        for (site, factor) in &atom.sites {
            let Some(Some(threshold)) = self.at.sites.get(usize::from(*site)) else {
                return Some([Lull::LASTING; PARAMETERS_MAX]);
            };
            let term = factor.checked_mul(i128::from(*threshold));
            match term.and_then(|term| number.checked_add(term)) {
                Some(sum) => number = sum,
                None => return none,
            }
        }
        let edge = number
            .checked_neg()
            .and_then(|number| Ratio::new(number, *factor));
        let test = if *factor < 0 {
            atom.test.mirrored()
        } else {
            atom.test
        };
        edge.map_or(none, |edge| self.single(*call, test, edge))
    }

    /// Precipitation indices, weighed and together, which are to fall: more rain makes none of them fall.
    fn composed(&self, atom: &Atom) -> Lulls {
        let mut lulls = [Lull::LASTING; PARAMETERS_MAX];
        for (call, factor) in &atom.calls {
            let test = if *factor < 0 {
                atom.test.mirrored()
            } else {
                atom.test
            };
            let written = self.calls.get(usize::from(*call));
            let dries = written.filter(|written| {
                let reading = written.reading;
                let is_rain = reading.parameter == Parameter::Rainfall;
                let is_index = reading.function == Function::Indicator(Indicator::Spi);
                is_rain && is_index && reading.aggregate.is_none() && test.is_downward()
            });
            let Some(own) = dries.and_then(|written| {
                let mut parameters = self.parameters.iter();
                let place = parameters.position(|p| *p == written.reading.parameter)?;
                let mut own = [Lull::OF_DAYS; PARAMETERS_MAX];
                *own.get_mut(place)? = self.drier(written, self.at.value(*call));
                Some(own)
            }) else {
                return [Lull::NONE; PARAMETERS_MAX];
            };
            lulls = either(lulls, own);
        }
        lulls
    }

    /// More rain makes it no drier; less does, when a day leaves.
    fn drier(&self, index: &Call, value: Option<&Value>) -> Lull {
        let uncovered_s = (self.beside)(index).uncovered_s;
        let awaited = uncovered_s.filter(|_| value.is_none());
        Lull {
            sink: -1,
            cover_s: awaited.unwrap_or(i64::MAX),
            ..Lull::OF_DAYS
        }
    }

    /// `call` compared with `edge`.
    fn single(&self, call: u16, test: Test, edge: Ratio) -> Option<Lulls> {
        let mut lulls = [Lull::LASTING; PARAMETERS_MAX];
        let written = self.calls.get(usize::from(call))?;
        let reading = written.reading;
        let place = self.parameters.iter().position(|p| *p == reading.parameter);
        let (Some(place), None) = (place, reading.aggregate) else {
            return Some([Lull::NONE; PARAMETERS_MAX]);
        };
        if self.has.get(place) != Some(&true) {
            return Some(lulls);
        }
        let value = self.at.value(call);
        if value.is_some_and(|value| holds(value, test, edge)) {
            return None;
        }
        if matches!(test, Test::Equal | Test::Differs) {
            return Some([Lull::NONE; PARAMETERS_MAX]);
        }
        let upward = !test.is_downward();
        let is_rain = reading.parameter == Parameter::Rainfall;
        let lull = match (reading.function, upward) {
            (Function::Last | Function::Max, true) => reaching(edge),
            (Function::Last | Function::Min, false) => sinking(edge),
            (Function::Sum, true) | (Function::Indicator(Indicator::Effective(_)), true)
                if is_rain =>
            {
                raining(edge, value)
            }
            (Function::Indicator(Indicator::Exceedance(curve)), true) if is_rain => Lull {
                rain: exceedance::left(&curve, (self.beside)(written).sums, edge),
                sink: -1,
                ..Lull::LASTING
            },
            (Function::Indicator(Indicator::ReturnPeriod), true) if is_rain => {
                let levels = (self.beside)(written).levels;
                let rain = return_period::left(levels, value, edge);
                Lull {
                    rain,
                    sink: -1,
                    ..Lull::LASTING
                }
            }
            (Function::Indicator(Indicator::Spi), false) if is_rain => self.drier(written, value),
            // Known with the first reading, be it of no such day.
            (Function::Indicator(Indicator::Spell(_)), true) if value.is_none() => Lull::NONE,
            (Function::Indicator(Indicator::Spell(spell)), true) => match spell {
                Spell::Dry(_) if is_rain => Lull {
                    sink: -1,
                    ..Lull::OF_DAYS
                },
                Spell::Dry(_) => Lull::NONE,
                Spell::AtLeast(bound) => Lull {
                    reach: i64::from(bound),
                    ..Lull::OF_DAYS
                },
                Spell::AtMost(bound) => Lull {
                    sink: i64::from(bound),
                    ..Lull::OF_DAYS
                },
            },
            (
                Function::Sum
                | Function::Max
                | Function::Min
                | Function::Mean
                | Function::Delta
                | Function::Rate
                | Function::Count
                | Function::Age
                | Function::Indicator(_)
                | Function::Expected(_),
                _,
            ) => Lull::NONE,
        };
        // Whichever reading moves the time moves the day.
        for other in &mut lulls {
            other.days = lull.days;
        }
        *lulls.get_mut(place)? = lull;
        Some(lulls)
    }
}

/// True where the call's figure may have a lull.
pub(crate) fn comes_of(call: &Call) -> bool {
    matches!(
        call.reading.function,
        Function::Last
            | Function::Sum
            | Function::Max
            | Function::Min
            | Function::Indicator(
                Indicator::Effective(_)
                    | Indicator::Exceedance(_)
                    | Indicator::Spell(_)
                    | Indicator::ReturnPeriod
                    | Indicator::Spi
            )
    )
}

fn holds(value: &Value, test: Test, edge: Ratio) -> bool {
    let left = value.number.checked_mul(edge.of());
    let right = edge.number().checked_mul(value.of);
    left.zip(right).is_some_and(|(l, r)| test.holds(l.cmp(&r)))
}

fn reaching(edge: Ratio) -> Lull {
    Lull {
        reach: i64::try_from(edge.ceil()).unwrap_or(i64::MIN),
        ..Lull::LASTING
    }
}

fn sinking(edge: Ratio) -> Lull {
    Lull {
        sink: i64::try_from(edge.floor()).unwrap_or(i64::MAX),
        ..Lull::LASTING
    }
}

/// What is left to an edge of a figure that grows by no more than falls. A negative reading would take
/// off what later leaves again.
pub(crate) fn raining(edge: Ratio, value: Option<&Value>) -> Lull {
    let (held, of) = value.map_or((0, 1), |value| (value.number, value.of));
    let left = || {
        let left = edge.number().checked_mul(of)?;
        let left = left.checked_sub(held.checked_mul(edge.of())?)?;
        let of = edge.of().checked_mul(of)?;
        i64::try_from(left.checked_add(of - 1)?.div_euclid(of)).ok()
    };
    Lull {
        rain: left().unwrap_or(0),
        sink: -1,
        ..Lull::LASTING
    }
}
