//! The conditions of a rule, tier by tier.

use super::super::keys::{Keys, Spot};
use super::super::{CALLS_MAX, SITUATIONS_MAX, SubjectKind, TierRule, mention};
use crate::condition::{
    Call, ConditionError, Program, Quarrel, Relaxation, Scope, compile_with_remarks,
};
use crate::window::Function;
use model::fault::Faults;
use model::{Parameter, Tier};
use std::collections::BTreeMap;

/// The conditions of a rule by tier, and as they are written.
pub(super) fn read_tiers(
    keys: &Keys<'_>,
    lowering: Relaxation,
    proposing: Relaxation,
    scope: &mut Scope,
    faults: &mut Faults,
) -> (Vec<TierRule>, BTreeMap<String, String>) {
    let mut tiers = Vec::new();
    let mut conditions = BTreeMap::new();
    for tier in Tier::WARNING {
        let Some((text, _)) = keys.text(tier.name(), faults) else {
            continue;
        };
        conditions.insert(tier.name().to_owned(), text);
        let Some(raise) = condition(keys, tier.name(), Relaxation::None, scope, faults) else {
            continue;
        };
        let relaxed = match lowering {
            Relaxation::None => None,
            Relaxation::Ratio(_) | Relaxation::By(_) => {
                condition(keys, tier.name(), lowering, scope, faults)
            }
        };
        let propose = match proposing {
            Relaxation::None => None,
            Relaxation::Ratio(_) | Relaxation::By(_) => {
                condition(keys, tier.name(), proposing, scope, faults)
            }
        };
        tiers.push(TierRule {
            tier,
            relaxed: relaxed.unwrap_or_else(|| raise.clone()),
            propose,
            raise,
        });
    }
    check_ladder(keys, &tiers, scope, faults);
    if conditions.is_empty() {
        faults.error(
            keys.at(keys.spot),
            "rule",
            "no tier has a condition",
            "add red = '…' or another tier",
        );
    }
    (tiers, conditions)
}

/// A tier that holds only where a higher one does is never shown; where the higher one has a season
/// of its own, it is shown out of that.
fn check_ladder(keys: &Keys<'_>, tiers: &[TierRule], scope: &Scope, faults: &mut Faults) {
    for (at, lower) in tiers.iter().enumerate() {
        let season = keys.get("season").and_then(|(season, _)| season.as_table());
        let has_season = |tier: &Tier| {
            let keys = season.into_iter().flat_map(|season| season.keys());
            keys.into_iter().any(|key| key.get_ref() == tier.name())
        };
        let mut higher = tiers.iter().skip(at + 1);
        let mut higher = higher.by_ref().filter(|higher| !has_season(&higher.tier));
        let Some(easier) = higher.find(|higher| lower.raise.implies(&higher.raise, &scope.calls))
        else {
            continue;
        };
        let (lower, easier) = (lower.tier.name(), easier.tier.name());
        faults.error(
            keys.at(whole(keys, easier)),
            easier,
            format!("{easier} holds wherever {lower} does, so that {lower} is never shown"),
            format!("make {easier} harder to reach than {lower}, or leave {lower} out"),
        );
    }
}

/// Where all of a condition stands, without its quotes.
fn whole(keys: &Keys<'_>, key: &str) -> Spot {
    let text = keys.get(key).and_then(|(value, _)| value.as_str());
    let part = text.and_then(|text| keys.part(key, &(0..text.len())));
    part.unwrap_or_else(|| keys.value(key))
}

/// One condition; a fault says what is wrong with it.
pub(in super::super) fn condition(
    keys: &Keys<'_>,
    key: &str,
    relaxation: Relaxation,
    scope: &mut Scope,
    faults: &mut Faults,
) -> Option<Program> {
    let (text, _) = keys.text(key, faults)?;
    let spot = |error: &ConditionError| {
        let part = error.at.as_ref().and_then(|bytes| keys.part(key, bytes));
        part.unwrap_or_else(|| whole(keys, key))
    };
    match compile_with_remarks(&text, relaxation, scope) {
        Ok((program, remarks)) => {
            // A loosened bound is not what somebody wrote.
            if relaxation == Relaxation::None {
                for remark in remarks {
                    let spot = spot(&remark);
                    faults.notice(keys.at(spot), &keys.field(key), remark.what, remark.remedy);
                }
                note_quarrel(keys, key, &program, scope, faults);
            }
            Some(program)
        }
        Err(error) => {
            let spot = spot(&error);
            faults.error(keys.at(spot), &keys.field(key), error.what, error.remedy);
            None
        }
    }
}

/// Comparisons that contradict each other, or leave nothing out together.
fn note_quarrel(keys: &Keys<'_>, key: &str, program: &Program, scope: &Scope, faults: &mut Faults) {
    let (what, remedy) = match program.quarrel(&scope.calls) {
        None => return,
        Some(Quarrel::Whole(true)) => (
            "it always holds, whatever is measured",
            "compare a call such as rainfall.sum(\"6h\") with a number that not everything reaches",
        ),
        Some(Quarrel::Whole(false)) => (
            "it can never hold: no value meets all of it at once",
            "check the numbers and whether || is meant in place of &&",
        ),
        Some(Quarrel::Part(true)) => (
            "a part of it always holds, whatever is measured",
            "check the numbers and whether && is meant in place of ||",
        ),
        Some(Quarrel::Part(false)) => (
            "a part of it can never hold: no value meets all of it at once",
            "check the numbers and whether || is meant in place of &&",
        ),
    };
    faults.notice(keys.at(whole(keys, key)), &keys.field(key), what, remedy);
}

/// What the conditions of a rule ask for must fit its subject and each other.
pub(super) fn check_vocabulary(
    keys: &Keys<'_>,
    subject: SubjectKind,
    scope: &Scope,
    (lowering, proposing): (Relaxation, Relaxation),
    sound: bool,
    faults: &mut Faults,
) {
    let at = keys.at(keys.spot);
    for call in &scope.calls {
        let is_expected = matches!(call.reading.function, Function::Expected(_));
        if !is_expected && call.reading.aggregate.is_some() != (subject == SubjectKind::Area) {
            let (_, spot) = mention::place(keys, |text| mention::call(text, &call.text));
            faults.error(
                keys.at(spot),
                "subject",
                format!("{} does not fit the subject", call.text),
                "area.max(…) goes with subject = \"area\", and only it",
            );
        }
    }
    if subject == SubjectKind::Area && !scope.sites.is_empty() {
        let first = scope.sites.first().map(|name| format!("site.{name}"));
        let (_, spot) = mention::place(keys, |text| mention::call(text, first.as_deref()?));
        faults.error(
            keys.at(spot),
            "subject",
            "an area has no site.<threshold>",
            "write the number, or use subject = \"site\"",
        );
    }
    if scope.calls.len() > CALLS_MAX {
        faults.error(
            at,
            "rule",
            format!("more than {CALLS_MAX} different calls"),
            "split the rule",
        );
    }
    if scope.asked.len() > SITUATIONS_MAX {
        faults.error(
            at,
            "rule",
            format!("it asks for more than {SITUATIONS_MAX} tiers of rules and signals"),
            "join some in a rule of their own and ask for that",
        );
    }
    if sound && scope.calls.is_empty() && scope.asked.is_empty() {
        faults.error(
            at,
            "rule",
            "no condition reads a value",
            "compare a call such as rainfall.sum(\"6h\")",
        );
    }
    let by = matches!(lowering, Relaxation::By(_)) || matches!(proposing, Relaxation::By(_));
    let mut units: Vec<&str> = parameters_of(scope)
        .into_iter()
        .map(Parameter::unit)
        .collect();
    units.sort_unstable();
    units.dedup();
    if by && units.len() > 1 {
        faults.error(
            at,
            "by",
            format!("it stands for {} at once", units.join(" and ")),
            "use one unit in the rule, or a ratio",
        );
    }
}

/// Parameters whose observations the conditions read.
pub(super) fn parameters_of(scope: &Scope) -> Vec<Parameter> {
    let observed = |call: &&Call| !matches!(call.reading.function, Function::Expected(_));
    let calls = scope.calls.iter().filter(observed);
    let mut parameters: Vec<Parameter> = calls.map(|call| call.reading.parameter).collect();
    parameters.sort_unstable();
    parameters.dedup();
    parameters
}
