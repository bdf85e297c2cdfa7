//! Lays out the windows that a rulebook asks for, and what can be told from running sums alone.

use super::{Rule, SubjectKind};
use crate::condition::Program;
use crate::window::{Function, Gauge, Plan, Window};
use model::Parameter;
use std::collections::BTreeMap;

/// Lays out the windows of every parameter and gives calls their slots.
pub(super) fn plan(rules: &mut [Rule]) -> BTreeMap<Parameter, Plan> {
    let mut plans: BTreeMap<Parameter, Plan> = BTreeMap::new();
    for rule in rules {
        // A slot ends at its own series' newest reading: that is the subject's newest time
        // only where the rule reads a single parameter.
        let single = rule.parameters.len() == 1;
        for (call, slot) in rule.calls.iter().zip(&mut rule.slots) {
            let plan = plans.entry(call.reading.parameter).or_default();
            let running = match call.reading.function {
                Function::Sum | Function::Mean | Function::Count => true,
                Function::Last
                | Function::Max
                | Function::Min
                | Function::Delta
                | Function::Rate
                | Function::Age => false,
            };
            *slot = match call.reading.window {
                Some(Window::Rolling(span))
                    if single && running && call.reading.aggregate.is_none() =>
                {
                    u16::try_from(plan.add_slot(span)).ok()
                }
                Some(window @ (Window::Rolling(_) | Window::Calendar { .. })) => {
                    plan.add_scan(window.longest());
                    None
                }
                None => None,
            };
        }
        rule.floors = floors(rule);
        let falling = gauge(rule, rule.lower_when.as_ref());
        rule.gauges_falls = falling.is_some();
        rule.gauge = falling.or_else(|| gauge(rule, None));
    }
    plans
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
/// anything else.
fn gauge(rule: &Rule, also: Option<&Program>) -> Option<Gauge> {
    if rule.subject == SubjectKind::Area || rule.parameters.len() != 1 {
        return None;
    }
    let mut turns: BTreeMap<u16, Vec<i64>> = BTreeMap::new();
    let tiers = rule
        .tiers
        .iter()
        .flat_map(|t| [Some(&t.raise), Some(&t.relaxed), t.propose.as_ref()]);
    for program in tiers.chain([rule.continuing.as_ref(), also]).flatten() {
        for (call, bound) in program.turns()? {
            let slot = (*rule.slots.get(usize::from(call))?)?;
            let reading = rule.calls.get(usize::from(call))?.reading;
            if reading.function != Function::Sum {
                return None;
            }
            turns.entry(slot).or_default().push(bound);
        }
    }
    Gauge::new(turns)
}
