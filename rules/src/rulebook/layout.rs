//! Lays out the windows that a rulebook asks for, and what can be told from running sums alone.

use super::{Rule, SubjectKind, gauges};
use crate::condition::lull::{self, PARAMETERS_MAX};
use crate::indicator::{Bound, Indicator};
use crate::window::{Function, Plan, Window};
use model::{Parameter, Span};
use std::collections::BTreeMap;

/// A window whose days begin at another time than those of the same parameter elsewhere.
#[derive(Clone, Debug)]
pub(super) struct OtherDays {
    /// Number of the rule that asks for it.
    pub(super) rule: usize,
    /// The call as written.
    pub(super) call: String,
}

/// Lays out the windows of every parameter and gives calls their slots.
pub(super) fn plan(rules: &mut [Rule]) -> (BTreeMap<Parameter, Plan>, Vec<OtherDays>) {
    let mut plans: BTreeMap<Parameter, Plan> = BTreeMap::new();
    let mut others = Vec::new();
    for (number, rule) in rules.iter_mut().enumerate() {
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
                    rule: number,
                    call: call.text.clone(),
                });
            }
        }
        let limits = &rule.limits;
        // Each reading is a sample; running sums have in them what suspect readings add, which counts
        // for nothing where sound ones are asked for; and what is at rest out of season may rise by the
        // same sums in it.
        let looks_always = limits.samples.is_some() || limits.sound;
        let has_seasons = limits.has_seasons();
        rule.floors = floors(rule).filter(|_| !looks_always);
        rule.has_lulls = limits.samples.is_none() && has_lulls(rule);
        if !looks_always && !has_seasons {
            let plan = rule.parameters.first().and_then(|p| plans.get(p));
            gauges::lay(rule, plan);
        }
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
