//! What of a rule can be told from running sums alone: the sums at which the truth of any of its
//! conditions turns.

use super::{Rule, Rulebook, SubjectKind};
use crate::condition::{Program, Ratio, Reading, Turn};
use crate::indicator::exceedance::Curve;
use crate::indicator::{Indicator, PER_UNIT, return_period};
use crate::window::{Function, Gauge, Plan, Turning, Window};
use model::climate::{Climate, Level};
use model::{Parameter, Span, StationNo};
use std::collections::BTreeMap;

/// Return levels of a window at a station.
type Levels<'a> = &'a dyn Fn(Parameter, Span) -> &'a [Level];

/// Lays out the gauge of a rule and where its days turn.
pub(super) fn lay(rule: &mut Rule, plan: Option<&Plan>) {
    let falling = gauge(rule, plan, rule.lower_when.as_ref(), None);
    rule.gauge = falling.clone().or_else(|| gauge(rule, plan, None, None));
    let of_station = |function| matches!(function, Function::Indicator(Indicator::ReturnPeriod));
    let mut calls = rule.calls.iter();
    rule.gauges_by_station =
        rule.gauge.is_none() && calls.any(|call| of_station(call.reading.function));
    rule.gauges_falls = falling.is_some() || rule.gauges_by_station;
    rule.day_edges = day_edges(rule);
}

impl Rulebook {
    /// The gauge of a rule at a station, where it hangs on what is usual there.
    pub(crate) fn gauge_at(
        &self,
        rule: &Rule,
        climate: &Climate,
        station: StationNo,
    ) -> Option<Gauge> {
        let plan = rule.parameters.first().and_then(|p| self.plans.get(p));
        let levels = |parameter, span| climate.levels(parameter, span, station);
        gauge(rule, plan, rule.lower_when.as_ref(), Some(&levels))
    }
}

impl Rule {
    /// What its gauge at a station hangs on.
    pub(crate) fn levels_at<'c>(
        &self,
        climate: &'c Climate,
        station: StationNo,
    ) -> Vec<&'c [Level]> {
        let asked = |reading: &Reading| match (reading.function, reading.window) {
            (Function::Indicator(Indicator::ReturnPeriod), Some(Window::Rolling(span))) => {
                Some(climate.levels(reading.parameter, span, station))
            }
            (_, _) => None,
        };
        let calls = self.calls.iter();
        calls.filter_map(|call| asked(&call.reading)).collect()
    }
}

/// How the truth of all tiers, and of `also`, hangs on running sums; `None` where it hangs on
/// anything else but rain that fell on days, which stands still while none falls, and what is expected,
/// as long as nothing is.
fn gauge(
    rule: &Rule,
    plan: Option<&Plan>,
    also: Option<&Program>,
    levels: Option<Levels<'_>>,
) -> Option<Gauge> {
    let mut sums: BTreeMap<u16, Turning> = BTreeMap::new();
    let mut curves: BTreeMap<Curve, Turning> = BTreeMap::new();
    let slot = |window: Span| u16::try_from(plan?.slot(window)?).ok();
    for (call, turn) in all_turns(rule, also)? {
        let reading = rule.calls.get(usize::from(call))?.reading;
        let (slot, bound) = match (reading.function, reading.window) {
            (Function::Sum, _) => {
                let slot = (*rule.slots.get(usize::from(call))?)?;
                (slot, turn.whole(Ratio::ONE)?)
            }
            // The largest of some ratios reaches a bound where one of them does.
            (Function::Indicator(Indicator::Exceedance(curve)), _) => {
                let amounts = || curve.amounts();
                let slots = amounts().map(|(duration, _)| slot(duration));
                let bounds = amounts().map(|(_, amount)| {
                    let per = Ratio::new(i128::from(amount), i128::from(PER_UNIT))?;
                    turn.whole(per)
                });
                let of_curve = curves.entry(curve).or_default();
                of_curve.slots = slots.collect::<Option<_>>()?;
                of_curve.turns.push(bounds.collect::<Option<_>>()?);
                continue;
            }
            (Function::Indicator(Indicator::ReturnPeriod), Some(Window::Rolling(span))) => {
                let levels = levels?(reading.parameter, span);
                let bound = return_period::turn(levels, turn.whole(Ratio::ONE)?);
                (slot(span)?, bound)
            }
            // As long as nobody says what is expected, that stays unknown.
            (Function::Indicator(Indicator::Effective(_)) | Function::Expected(_), _) => continue,
            (
                Function::Last
                | Function::Max
                | Function::Min
                | Function::Mean
                | Function::Delta
                | Function::Rate
                | Function::Count
                | Function::Age
                | Function::Indicator(_),
                _,
            ) => return None,
        };
        let of_sum = sums.entry(slot).or_default();
        of_sum.slots = vec![slot];
        of_sum.turns.push(vec![bound]);
    }
    Gauge::new(sums.into_values().chain(curves.into_values()))
}

/// Where effective rainfalls turn the truth of any condition of the rule, by call.
fn day_edges(rule: &Rule) -> Vec<(u16, Ratio)> {
    let is_of_days = |call: u16| {
        let call = rule.calls.get(usize::from(call));
        let function = call.map(|call| call.reading.function);
        matches!(function, Some(Function::Indicator(Indicator::Effective(_))))
    };
    let turns = all_turns(rule, rule.lower_when.as_ref()).or_else(|| all_turns(rule, None));
    let turns = turns.unwrap_or_default();
    let edges = turns.into_iter().filter(|(call, _)| is_of_days(*call));
    edges.map(|(call, turn)| (call, turn.edge())).collect()
}

/// Where the truth of all tiers, and of `also`, turns; `None` where it hangs on more than one call of
/// one parameter each.
fn all_turns(rule: &Rule, also: Option<&Program>) -> Option<Vec<(u16, Turn)>> {
    if rule.subject == SubjectKind::Area || rule.parameters.len() != 1 {
        return None;
    }
    let tiers = rule
        .tiers
        .iter()
        .flat_map(|t| [Some(&t.raise), Some(&t.relaxed), t.propose.as_ref()]);
    let programs = tiers.chain([rule.continuing.as_ref(), also]).flatten();
    let turns: Option<Vec<_>> = programs.map(Program::turns).collect();
    Some(turns?.into_iter().flatten().collect())
}
