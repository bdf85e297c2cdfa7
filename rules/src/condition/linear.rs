//! Linear forms: what a comparison's side is before it becomes an integer test.

use super::ratio::Ratio;
use super::unit::{Quantity, UNITLESS, Unit};
use super::{ConditionError, Relaxation};
use crate::condition::program::{Atom, Test};
use crate::indicator::Measure;
use model::Parameter;

/// Site thresholds are held in billionths of the parameter's unit.
pub(crate) const SITE_SCALE: i64 = 1_000_000_000;

/// What a side of a comparison measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dimension {
    /// The parameter itself.
    Of(Parameter),
    /// The parameter an hour.
    Rate(Parameter),
    /// A number of readings.
    Count,
    /// Milliseconds.
    Age,
    /// What an indicator is in, where that is no parameter's unit.
    Index(Measure),
}

/// `Σ calls + Σ site thresholds + constant + lengths`, not yet in quanta.
#[derive(Clone, Debug)]
pub(super) struct Linear {
    pub(super) calls: Vec<(u16, Ratio)>,
    pub(super) sites: Vec<(u16, Ratio)>,
    pub(super) constant: Ratio,
    /// Part of the constant given in a unit (`mm(50)`), in the first one of its quantity.
    pub(super) measured: Option<(Quantity, Ratio)>,
    pub(super) dimension: Option<Dimension>,
}

impl Linear {
    pub(super) const fn number(constant: Ratio) -> Self {
        Self {
            calls: Vec::new(),
            sites: Vec::new(),
            constant,
            measured: None,
            dimension: None,
        }
    }

    pub(super) fn has_calls(&self) -> bool {
        !self.calls.is_empty()
    }

    /// The plain number this is, if it is one.
    pub(super) fn plain(&self) -> Option<Ratio> {
        let plain = self.calls.is_empty()
            && self.sites.is_empty()
            && self.measured.is_none()
            && self.dimension.is_none();
        plain.then_some(self.constant)
    }

    pub(super) fn add(mut self, other: Self) -> Result<Self, ConditionError> {
        self.dimension = unite(self.dimension, other.dimension)?;
        for (call, factor) in other.calls {
            merge(&mut self.calls, call, factor)?;
        }
        for (site, factor) in other.sites {
            merge(&mut self.sites, site, factor)?;
        }
        self.constant = self.constant.add(other.constant).ok_or_else(too_large)?;
        self.measured = match (self.measured, other.measured) {
            (Some((one, a)), Some((another, b))) if one == another => {
                Some((one, a.add(b).ok_or_else(too_large)?))
            }
            (Some((one, _)), Some((another, _))) => {
                return Err(ConditionError::new(
                    format!(
                        "{} cannot be put together with {}",
                        one.name(),
                        another.name()
                    ),
                    "compare and add like with like",
                ));
            }
            (one, None) | (None, one) => one,
        };
        Ok(self)
    }

    pub(super) fn times(mut self, factor: Ratio) -> Result<Self, ConditionError> {
        for (_, held) in self.calls.iter_mut().chain(self.sites.iter_mut()) {
            *held = held.times(factor).ok_or_else(too_large)?;
        }
        self.constant = self.constant.times(factor).ok_or_else(too_large)?;
        if let Some((_, measured)) = &mut self.measured {
            *measured = measured.times(factor).ok_or_else(too_large)?;
        }
        Ok(self)
    }
}

/// Turns `left test right` into an integer test, its bound loosened as asked.
pub(super) fn atom(
    left: Linear,
    test: Test,
    right: Linear,
    relaxation: Relaxation,
) -> Result<Atom, ConditionError> {
    let (left, test, right) = if left.has_calls() {
        (left, test, right)
    } else {
        (right, test.mirrored(), left)
    };
    if !left.has_calls() {
        return Err(ConditionError::new(
            "a comparison needs a measured value on one side",
            "compare a call such as rainfall.sum(\"6h\") with a number or site.<threshold>",
        ));
    }
    let dimension = unite(left.dimension, right.dimension)?.unwrap_or(Dimension::Count);
    let bound_only = !right.has_calls();
    let left = in_units(left, dimension)?;
    let mut right = in_units(right, dimension)?;
    if bound_only {
        right = relax(right, test, relaxation, dimension)?;
    }
    let whole = left.add(right.times(Ratio::whole(-1))?)?;
    to_atom(&whole, test, dimension)
}

fn relax(
    bound: Linear,
    test: Test,
    relaxation: Relaxation,
    dimension: Dimension,
) -> Result<Linear, ConditionError> {
    let parameter = match dimension {
        Dimension::Of(parameter) | Dimension::Rate(parameter) => Some(parameter),
        Dimension::Index(_) => None,
        Dimension::Count | Dimension::Age => return Ok(bound),
    };
    let upward = match test {
        Test::AtLeast | Test::Above => true,
        Test::AtMost | Test::Below => false,
        Test::Equal | Test::Differs => return Ok(bound),
    };
    match relaxation {
        Relaxation::None => Ok(bound),
        Relaxation::Ratio(_) if parameter.is_some_and(|p| !p.is_ratio_scale()) => {
            let named = parameter.map_or("", Parameter::name);
            Err(ConditionError::new(
                format!("a ratio of a {named} threshold means nothing: its zero is arbitrary"),
                "use lower = { by = … } or propose = { by = … } in the parameter's unit",
            ))
        }
        Relaxation::Ratio(_) if dimension == Dimension::Index(Measure::Deviations) => {
            Err(ConditionError::new(
                "a ratio of deviations means nothing: their zero is arbitrary",
                "use lower = { by = 0.5 }",
            ))
        }
        Relaxation::Ratio(ratio) if upward => bound.times(ratio),
        Relaxation::Ratio(ratio) => bound.times(Ratio::ONE.over(ratio).ok_or_else(too_large)?),
        Relaxation::By(amount) => {
            if matches!(dimension, Dimension::Rate(_)) {
                return Ok(bound);
            }
            let step = if upward { amount.negated() } else { amount };
            bound.add(Linear::number(step))
        }
    }
}

/// Brings what is given in a unit into the parameter's.
fn in_units(mut side: Linear, dimension: Dimension) -> Result<Linear, ConditionError> {
    let Some((quantity, measured)) = side.measured.take() else {
        return Ok(side);
    };
    if dimension == Dimension::Index(Measure::Kilometres) && quantity == Quantity::Length {
        let kilometres = measured.over(Ratio::whole(1000)).ok_or_else(too_large)?;
        side.constant = side.constant.add(kilometres).ok_or_else(too_large)?;
        return Ok(side);
    }
    if dimension == Dimension::Index(Measure::Degrees) && quantity == Quantity::Angle {
        side.constant = side.constant.add(measured).ok_or_else(too_large)?;
        return Ok(side);
    }
    let (Dimension::Of(parameter) | Dimension::Rate(parameter)) = dimension else {
        return Err(ConditionError::new(
            format!(
                "{} cannot be compared with {}",
                quantity.name(),
                name(dimension)
            ),
            "write a plain number, or an age in quotes",
        ));
    };
    let own = Unit::of(parameter).filter(|own| own.quantity == quantity);
    let own = own.ok_or_else(|| {
        let unit = parameter.unit();
        if unit == UNITLESS {
            return ConditionError::new(
                format!(
                    "{} cannot be compared with {parameter}, which has no unit",
                    quantity.name()
                ),
                "write a plain number",
            );
        }
        let function = Unit::of(parameter).map_or(unit, |own| own.name);
        ConditionError::new(
            format!(
                "{} cannot be compared with {parameter}, which is in {unit}",
                quantity.name()
            ),
            format!("write {function}(…) or a plain number in {unit}"),
        )
    })?;
    let measured = own.in_this(measured).ok_or_else(too_large)?;
    side.constant = side.constant.add(measured).ok_or_else(too_large)?;
    Ok(side)
}

fn to_atom(form: &Linear, test: Test, dimension: Dimension) -> Result<Atom, ConditionError> {
    let quanta = match dimension {
        Dimension::Of(parameter) | Dimension::Rate(parameter) => {
            Ratio::new(i128::from(parameter.quanta_per_unit()), 1).ok_or_else(too_large)?
        }
        Dimension::Index(measure) => Ratio::whole(measure.per_unit().unwrap_or(1)),
        Dimension::Count | Dimension::Age => Ratio::ONE,
    };
    let per_site = quanta
        .over(Ratio::whole(SITE_SCALE))
        .ok_or_else(too_large)?;
    let constant = form.constant.times(quanta).ok_or_else(too_large)?;
    let mut sites = form.sites.clone();
    for (_, factor) in &mut sites {
        *factor = factor.times(per_site).ok_or_else(too_large)?;
    }
    let mut common: i128 = constant.of();
    for (_, factor) in form.calls.iter().chain(&sites) {
        let divisor = super::ratio::gcd(common.unsigned_abs(), factor.of().unsigned_abs());
        common = common
            .checked_mul(factor.of() / divisor.cast_signed())
            .ok_or_else(too_large)?;
    }
    let whole = |ratio: Ratio| {
        ratio
            .number()
            .checked_mul(common / ratio.of())
            .filter(|n| n.unsigned_abs() < 1 << 90)
            .ok_or_else(too_large)
    };
    let scaled = |terms: &[(u16, Ratio)]| {
        terms
            .iter()
            .filter(|(_, factor)| !factor.is_zero())
            .map(|(index, factor)| whole(*factor).map(|n| (*index, n)))
            .collect::<Result<Box<[_]>, _>>()
    };
    Ok(Atom {
        calls: scaled(&form.calls)?,
        sites: scaled(&sites)?,
        constant: whole(constant)?,
        test,
    })
}

fn unite(
    left: Option<Dimension>,
    right: Option<Dimension>,
) -> Result<Option<Dimension>, ConditionError> {
    match (left, right) {
        (Some(a), Some(b)) if alike(a, b) => Ok(Some(a)),
        (Some(a), Some(b)) => Err(ConditionError::new(
            format!("{} cannot be put together with {}", name(a), name(b)),
            "compare and add like with like",
        )),
        // It would be taken for milliseconds, which nobody means.
        (Some(Dimension::Age), None) | (None, Some(Dimension::Age)) => Err(ConditionError::new(
            "an age stands beside a plain number or a site's threshold",
            "write a duration in quotes: rainfall.age() > \"10m\"",
        )),
        (one, None) | (None, one) => Ok(one),
    }
}

fn alike(a: Dimension, b: Dimension) -> bool {
    match (a, b) {
        (Dimension::Of(p), Dimension::Of(q)) | (Dimension::Rate(p), Dimension::Rate(q)) => {
            p.unit() == q.unit() && p.decimals() == q.decimals()
        }
        (Dimension::Count, Dimension::Count) | (Dimension::Age, Dimension::Age) => true,
        (Dimension::Index(a), Dimension::Index(b)) => a == b,
        (
            Dimension::Of(_)
            | Dimension::Rate(_)
            | Dimension::Count
            | Dimension::Age
            | Dimension::Index(_),
            _,
        ) => false,
    }
}

fn name(dimension: Dimension) -> String {
    match dimension {
        Dimension::Of(parameter) if parameter.unit() == UNITLESS => parameter.to_string(),
        Dimension::Of(parameter) => format!("{parameter} ({})", parameter.unit()),
        Dimension::Rate(parameter) if parameter.unit() == UNITLESS => {
            format!("a rate of {parameter} (1/h)")
        }
        Dimension::Rate(parameter) => format!("a rate of {parameter} ({}/h)", parameter.unit()),
        Dimension::Count => "a count".into(),
        Dimension::Age => "an age".into(),
        Dimension::Index(Measure::Own | Measure::Days | Measure::Times) => "a plain number".into(),
        Dimension::Index(Measure::Degrees) => "an angle".into(),
        Dimension::Index(Measure::Hours) => "a number of hours".into(),
        Dimension::Index(Measure::Kilometres) => "a number of kilometres".into(),
        Dimension::Index(Measure::Years) => "a number of years".into(),
        Dimension::Index(Measure::Deviations) => "a number of deviations".into(),
    }
}

fn merge(terms: &mut Vec<(u16, Ratio)>, index: u16, factor: Ratio) -> Result<(), ConditionError> {
    match terms.iter_mut().find(|(held, _)| *held == index) {
        Some((_, held)) => *held = held.add(factor).ok_or_else(too_large)?,
        None => terms.push((index, factor)),
    }
    Ok(())
}

pub(super) fn too_large() -> ConditionError {
    ConditionError::new(
        "a number in it is too large or too finely divided",
        "use at most 18 digits",
    )
}
