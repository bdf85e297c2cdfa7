//! The conditions of a rule, tier by tier.

use super::super::keys::Keys;
use super::super::{CALLS_MAX, SITUATIONS_MAX, SubjectKind, TierRule};
use crate::condition::{Call, Program, Relaxation, Scope, compile};
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
        let relaxed = condition(keys, tier.name(), lowering, scope, faults);
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
            keys.at(keys.line),
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
        let line = keys.get(easier).map_or(keys.line, |(_, line)| line);
        let written = keys.text(easier, faults).unwrap_or_default().0;
        let place = keys.excerpt(easier, &(0..written.len()));
        let (line, excerpt) = place.map_or((line, None), |(line, e)| (line, Some(e)));
        let words = (
            format!("{easier} holds wherever {lower} does, so that {lower} is never shown"),
            format!("make {easier} harder to reach than {lower}, or leave {lower} out"),
        );
        faults.error_in(keys.at(line), easier, words, excerpt);
    }
}

/// One condition; a fault says what is wrong with it.
pub(in super::super) fn condition(
    keys: &Keys<'_>,
    key: &str,
    relaxation: Relaxation,
    scope: &mut Scope,
    faults: &mut Faults,
) -> Option<Program> {
    let (text, line) = keys.text(key, faults)?;
    match compile(&text, relaxation, scope) {
        Ok(program) => Some(program),
        Err(error) => {
            let place = error.at.and_then(|bytes| keys.excerpt(key, &bytes));
            let (line, excerpt) = place.map_or((line, None), |(line, e)| (line, Some(e)));
            let words = (error.what, error.remedy);
            faults.error_in(keys.at(line), key, words, excerpt);
            None
        }
    }
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
    let at = keys.at(keys.line);
    for call in &scope.calls {
        let is_expected = matches!(call.reading.function, Function::Expected(_));
        if !is_expected && call.reading.aggregate.is_some() != (subject == SubjectKind::Area) {
            faults.error(
                at,
                "subject",
                format!("{} does not fit the subject", call.text),
                "area.max(…) goes with subject = \"area\", and only it",
            );
        }
    }
    if subject == SubjectKind::Area && !scope.sites.is_empty() {
        faults.error(
            at,
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
