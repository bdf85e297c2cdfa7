//! Indicators: figures that a formula of the field makes of a series, one file each.
//!
//! A condition asks for them by name on a parameter, `rainfall.effective("14d@08:00", 0.84)`. All are
//! computed from the windows when asked, in integers or in the four operations of floating point that
//! every machine rounds alike, so that a replay finds the same.

pub mod approach;
pub mod effective;
pub mod exceedance;
pub mod inverse_velocity;
pub mod return_period;
pub mod spell;
pub mod spi;
pub mod tangent;
#[cfg(test)]
mod tests;
pub mod thiessen;

use crate::window::{Value, View, Window};
use model::{Climate, Offset, Parameter, StationNo, Time};

/// Thousandths: the quantum of figures that are in no parameter's unit.
pub const PER_UNIT: i64 = 1000;
/// What stands for never: further away than anything that is counted, in quanta.
pub const NEVER: i128 = 1_000_000_000_000_000;

/// Which indicator, with what it is told beside the window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Indicator {
    /// Effective antecedent rainfall.
    Effective(effective::Decay),
    /// How often over an intensity–duration curve.
    Exceedance(exceedance::Curve),
    /// Days in a row of one kind.
    Spell(spell::Spell),
    /// Improved tangent angle.
    TangentAngle(Bound),
    /// Time to failure by inverse velocity.
    Failure(inverse_velocity::Estimate),
    /// Time to a threshold at the present rate.
    Approach(Bound),
    /// Return period of a sum.
    ReturnPeriod,
    /// Standardized precipitation index.
    Spi,
}

/// A number that an indicator is told: written in the rule, or the site's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Bound {
    /// In billionths of a unit.
    Given(i64),
    /// The rule's site threshold of that number.
    Site(u16),
    /// To be found in so many days of the series itself.
    Found(u16),
}

/// What an indicator's figure is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    /// The parameter's own unit.
    Own,
    /// A whole count of days.
    Days,
    /// Times, without a unit.
    Times,
    /// Degrees of an angle.
    Degrees,
    /// Hours.
    Hours,
    /// Kilometres.
    Kilometres,
    /// Years.
    Years,
    /// Standard deviations of a normal variable.
    Deviations,
}

/// What an indicator is computed from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Source<'a> {
    pub(crate) series: &'a View<'a>,
    pub(crate) parameter: Parameter,
    pub(crate) window: Option<Window>,
    /// Whose readings they are.
    pub(crate) station: Option<StationNo>,
    /// What is usual there.
    pub(crate) climate: &'a Climate,
    /// Thresholds of the site, in billionths of a unit.
    pub(crate) sites: &'a [Option<i64>],
    /// Where windows end.
    pub(crate) time: Time,
    pub(crate) offset: Offset,
    /// False where suspect readings are left out.
    pub(crate) suspects: bool,
}

impl Indicator {
    /// What its figure is in.
    pub const fn measure(self) -> Measure {
        match self {
            Self::Effective(_) => Measure::Own,
            Self::Exceedance(_) => Measure::Times,
            Self::Spell(_) => Measure::Days,
            Self::TangentAngle(_) => Measure::Degrees,
            Self::Failure(_) | Self::Approach(_) => Measure::Hours,
            Self::ReturnPeriod => Measure::Years,
            Self::Spi => Measure::Deviations,
        }
    }

    /// Where the minutes begin that it looks at beside those of its window.
    pub(crate) fn starts(self, time: Time, offset: Offset) -> Option<Time> {
        match self {
            Self::Exceedance(curve) => curve.amounts().map(|(length, _)| time - length).min(),
            Self::TangentAngle(Bound::Found(_)) => {
                Some(Window::Calendar { days: 1, minute: 0 }.start(time, offset))
            }
            Self::TangentAngle(Bound::Given(_) | Bound::Site(_))
            | Self::Effective(_)
            | Self::Spell(_)
            | Self::Failure(_)
            | Self::Approach(_)
            | Self::ReturnPeriod
            | Self::Spi => None,
        }
    }

    /// Its figure.
    pub(crate) fn of(self, source: &Source<'_>) -> Value {
        match self {
            Self::Effective(decay) => effective::of(decay, source),
            Self::Exceedance(curve) => exceedance::of(&curve, source),
            Self::Spell(spell) => spell::of(spell, source),
            Self::TangentAngle(v0) => tangent::of(v0, source),
            Self::Failure(estimate) => inverse_velocity::of(estimate, source),
            Self::Approach(bound) => approach::of(bound, source),
            Self::ReturnPeriod => return_period::of(source),
            Self::Spi => spi::of(source),
        }
    }
}

impl Measure {
    /// Quanta in one unit; `None` for the parameter's own.
    pub const fn per_unit(self) -> Option<i64> {
        match self {
            Self::Own => None,
            Self::Days => Some(1),
            Self::Times
            | Self::Degrees
            | Self::Hours
            | Self::Kilometres
            | Self::Years
            | Self::Deviations => Some(PER_UNIT),
        }
    }
}

impl Source<'_> {
    /// A bound in quanta of the parameter times a billion: `None` where the site has none.
    fn bound(&self, bound: Bound) -> Option<i128> {
        let billionths = match bound {
            Bound::Given(number) => number,
            Bound::Site(at) => (*self.sites.get(usize::from(at))?)?,
            Bound::Found(_) => return None,
        };
        Some(i128::from(billionths) * i128::from(self.parameter.quanta_per_unit()))
    }
}

/// What never comes.
pub(crate) const fn never() -> Value {
    Value {
        number: NEVER,
        of: 1,
        covered: true,
    }
}
