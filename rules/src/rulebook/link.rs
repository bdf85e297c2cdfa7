//! Rules that ask for each other's situations: who is meant, and that nobody waits for himself.

use super::keys::Keys;
use super::{Rule, mention, order};
use crate::condition::Asked;
use model::fault::{Faults, perhaps, quoted};
use std::collections::BTreeMap;

/// Ids named as known in one fault.
const NAMES_MAX: usize = 20;

/// Where each id is written first, rules that are left out for a fault among them.
pub(super) type Ids<'t> = BTreeMap<String, Keys<'t>>;

/// Which rule may have been meant, and some that there are.
pub(crate) fn known_ids<'i>(id: &str, ids: impl Iterator<Item = &'i str> + Clone) -> String {
    let near = perhaps(id, ids.clone());
    let some: Vec<&str> = ids.clone().take(NAMES_MAX).collect();
    let dots = if ids.clone().nth(NAMES_MAX).is_some() {
        ", …"
    } else {
        ""
    };
    format!("{near}known: {}{dots}", some.join(", "))
}

/// Resolves situations to rule numbers; what a rule with a fault finds is no fault of who asks for it.
pub(super) fn link(rules: &mut [Rule], places: &[Keys<'_>], ids: &Ids<'_>, faults: &mut Faults) {
    // Of two with one id, which is a fault of its own, the first is meant.
    let numbered = rules.iter().enumerate().rev();
    let numbers: BTreeMap<String, usize> = numbered.map(|(n, rule)| (rule.id.clone(), n)).collect();
    for (rule, keys) in rules.iter_mut().zip(places) {
        for asked in &mut rule.asked {
            let Asked::Situation { id, rule } = asked else {
                continue;
            };
            if let Some(number) = numbers.get(id) {
                *rule = *number;
            } else if !ids.contains_key(id) {
                let (field, spot) = mention::place(keys, |text| mention::situation(text, id));
                let what = format!("situation({}) names no rule", quoted(id));
                let remedy = known_ids(id, ids.keys().map(String::as_str));
                faults.error(keys.at(spot), &field, what, remedy);
            }
        }
    }
}

/// The order in which rules are evaluated; each circle of rules is a fault.
pub(super) fn ordered(rules: &[Rule], places: &[Keys<'_>], faults: &mut Faults) -> Vec<usize> {
    let (order, circles) = order::order(rules);
    for circle in circles {
        let mut members = circle.iter().filter_map(|number| {
            let (rule, keys) = (rules.get(*number)?, places.get(*number)?);
            Some((rule.id.as_str(), *keys))
        });
        let Some((first, keys)) = members.next() else {
            continue;
        };
        let others: Vec<_> = members.collect();
        let next = others.first().map_or(first, |(id, _)| id);
        let (field, spot) = mention::place(&keys, |text| mention::situation(text, next));
        let mut circle = first.to_owned();
        for (id, keys) in &others {
            circle = format!("{circle} → {id} ({}:{})", keys.file, keys.line());
        }
        faults.error(
            keys.at(spot),
            &field,
            format!("rules wait for each other: {circle} → {first}"),
            "take one situation() out of the circle",
        );
    }
    order
}
