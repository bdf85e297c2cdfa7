//! Lays out the windows that a rulebook asks for, and what can be told from running sums alone.

use super::{Rule, SubjectKind};
use crate::condition::lull::{self, PARAMETERS_MAX};
use crate::condition::{Program, Ratio, Turn};
use crate::indicator::{Bound, Indicator, PER_UNIT};
use crate::window::{Function, Gauge, Plan, Window};
use model::{Parameter, Span};
use std::collections::BTreeMap;

/// A window whose days begin at another time than those of the same parameter elsewhere.
#[derive(Clone, Debug)]
pub(super) struct OtherDays {
    /// The rule that asks for it.
    pub(super) rule: String,
    /// The call as written.
    pub(super) call: String,
}

/// Lays out the windows of every parameter and gives calls their slots.
pub(super) fn plan(rules: &mut [Rule]) -> (BTreeMap<Parameter, Plan>, Vec<OtherDays>) {
    let mut plans: BTreeMap<Parameter, Plan> = BTreeMap::new();
    let mut others = Vec::new();
    for rule in rules {
        // A slot ends at its own series' newest reading: that is the subject's newest time
        // only where the rule reads a single parameter.
        let single = rule.parameters.len() == 1;
        for (call, slot) in rule.calls.iter().zip(&mut rule.slots) {
            *slot = None;
            if matches!(call.reading.function, Function::Expected(_)) {
                continue;
            }
            let plan = plans.entry(call.reading.parameter).or_default();
            let fits = match (call.reading.function, call.reading.window) {
                (Function::Indicator(indicator), window) => ask(plan, indicator, window),
                (Function::Sum | Function::Mean | Function::Count, Some(Window::Rolling(span)))
                    if call.reading.aggregate.is_none() =>
                {
                    let kept = plan.add_slot(span);
                    *slot = u16::try_from(kept).ok().filter(|_| single);
                    true
                }
                (_, Some(Window::Calendar { days, minute })) if call.reading.is_of_days() => {
                    plan.add_days(days, minute)
                }
                (Function::Max | Function::Min, Some(Window::Rolling(span))) => {
                    plan.add_extremes(span);
                    true
                }
                (Function::Delta, Some(Window::Rolling(span))) => {
                    plan.add_ends(span);
                    true
                }
                (Function::Rate, Some(Window::Rolling(span)))
                    if call.reading.aggregate.is_none() =>
                {
                    plan.add_rate(span);
                    true
                }
                (_, Some(window)) => {
                    plan.add_scan(window.longest());
                    true
                }
                (_, None) => true,
            };
            if !fits {
                others.push(OtherDays {
                    rule: rule.id.clone(),
                    call: call.text.clone(),
                });
            }
        }
        rule.floors = floors(rule);
        rule.has_lulls = has_lulls(rule);
        let plan = rule.parameters.first().and_then(|p| plans.get(p));
        let falling = gauge(rule, plan, rule.lower_when.as_ref());
        rule.gauges_falls = falling.is_some();
        rule.gauge = falling.or_else(|| gauge(rule, plan, None));
        rule.day_edges = day_edges(rule);
    }
    (plans, others)
}

/// Adds what an indicator is computed from; false where its days begin at another time.
fn ask(plan: &mut Plan, indicator: Indicator, window: Option<Window>) -> bool {
    match (indicator, window) {
        (Indicator::Exceedance(curve), _) => {
            for (duration, _) in curve.amounts() {
                plan.add_slot(duration);
            }
            true
        }
        (Indicator::ReturnPeriod, Some(Window::Rolling(span))) => {
            plan.add_slot(span);
            true
        }
        (
            Indicator::Effective(_) | Indicator::Spell(_) | Indicator::Spi,
            Some(Window::Calendar { days, minute }),
        ) => plan.add_days(days, minute),
        (Indicator::TangentAngle(Bound::Found(days)), Some(window)) => {
            plan.add_scan(window.longest());
            plan.add_days(days, 0)
        }
        (Indicator::Approach(_), Some(Window::Rolling(span))) => {
            plan.add_rate(span);
            true
        }
        (
            Indicator::TangentAngle(_)
            | Indicator::Failure(_)
            | Indicator::Approach(_)
            | Indicator::Effective(_)
            | Indicator::Spell(_)
            | Indicator::ReturnPeriod
            | Indicator::Spi,
            window,
        ) => {
            plan.add_scan(window.map_or(Span::ZERO, Window::longest));
            true
        }
    }
}

/// True where a lull can come of any figure that the rule asks for, or of one that a subject lacks.
fn has_lulls(rule: &Rule) -> bool {
    let is_told = rule.subject != SubjectKind::Area && rule.parameters.len() <= PARAMETERS_MAX;
    let mut calls = rule.calls.iter();
    is_told && (rule.parameters.len() > 1 || calls.any(lull::comes_of))
}

/// Slots and bounds below all of which no tier of the rule can rise or be proposed.
fn floors(rule: &Rule) -> Option<Box<[(u16, i64)]>> {
    let mut lowest: BTreeMap<u16, i64> = BTreeMap::new();
    let programs = rule
        .tiers
        .iter()
        .flat_map(|t| [Some(&t.raise), t.propose.as_ref()]);
    for program in programs.flatten() {
        for (call, bound) in program.floors()? {
            let slot = (*rule.slots.get(usize::from(call))?)?;
            let sums = rule.calls.get(usize::from(call))?.reading.function == Function::Sum;
            if !sums {
                return None;
            }
            let held = lowest.entry(slot).or_insert(bound);
            *held = bound.min(*held);
        }
    }
    // An empty window sums to zero and is unknown: the floor must lie above it.
    lowest
        .values()
        .all(|bound| *bound > 0)
        .then(|| lowest.into_iter().collect())
}

/// How the truth of all tiers, and of `also`, hangs on running sums; `None` where it hangs on
/// anything else but rain that fell on days, which stands still while none falls.
fn gauge(rule: &Rule, plan: Option<&Plan>, also: Option<&Program>) -> Option<Gauge> {
    let mut turns: BTreeMap<u16, Vec<i64>> = BTreeMap::new();
    for (call, turn) in all_turns(rule, also)? {
        let reading = rule.calls.get(usize::from(call))?.reading;
        match reading.function {
            Function::Sum => {
                let slot = (*rule.slots.get(usize::from(call))?)?;
                turns.entry(slot).or_default().push(turn.whole(Ratio::ONE)?);
            }
            // The largest of some ratios reaches a bound where one of them does.
            Function::Indicator(Indicator::Exceedance(curve)) => {
                for (duration, amount) in curve.amounts() {
                    let slot = u16::try_from(plan?.slot(duration)?).ok()?;
                    let per = Ratio::new(i128::from(amount), i128::from(PER_UNIT))?;
                    turns.entry(slot).or_default().push(turn.whole(per)?);
                }
            }
            Function::Indicator(Indicator::Effective(_)) => {}
            Function::Last
            | Function::Max
            | Function::Min
            | Function::Mean
            | Function::Delta
            | Function::Rate
            | Function::Count
            | Function::Age
            | Function::Indicator(_)
            | Function::Expected(_) => return None,
        }
    }
    Gauge::new(turns)
}

/// Where effective rainfalls turn the truth of any condition of the rule, by call.
fn day_edges(rule: &Rule) -> Vec<(u16, Ratio)> {
    let is_of_days = |call: u16| {
        let call = rule.calls.get(usize::from(call));
        let function = call.map(|call| call.reading.function);
        matches!(function, Some(Function::Indicator(Indicator::Effective(_))))
    };
    let turns = all_turns(rule, rule.lower_when.as_ref()).unwrap_or_default();
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
