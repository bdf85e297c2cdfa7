//! The order in which rules are evaluated: each after those whose situation it asks for.

use super::Rule;

/// Numbers of the rules in dependency order, or the ids of a cycle (semantics §16).
pub(super) fn order(rules: &[Rule]) -> Result<Vec<usize>, Vec<String>> {
    let mut done = vec![false; rules.len()];
    let mut order = Vec::with_capacity(rules.len());
    while order.len() < rules.len() {
        let next = rules.iter().enumerate().position(|(number, rule)| {
            let waits = rule
                .situations()
                .any(|on| !done.get(on).copied().unwrap_or(true));
            !done.get(number).copied().unwrap_or(true) && !waits
        });
        let Some(next) = next else {
            return Err(rules
                .iter()
                .zip(&done)
                .filter(|(_, done)| !**done)
                .map(|(rule, _)| rule.id.clone())
                .collect());
        };
        if let Some(flag) = done.get_mut(next) {
            *flag = true;
        }
        order.push(next);
    }
    Ok(order)
}
