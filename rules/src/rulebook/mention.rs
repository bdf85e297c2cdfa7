//! Where in the conditions of a rule something is written.

use super::keys::{Keys, Spot};
use model::Tier;
use model::fault::Faults;
use std::ops::Range;

/// The key and the place of the first words that `find` finds in a condition of the rule; the rule
/// itself where it finds none.
pub(super) fn place(
    keys: &Keys<'_>,
    find: impl Fn(&str) -> Option<Range<usize>>,
) -> (String, Spot) {
    // What is wrong with the tables was said when they were read.
    let unsaid = &mut Faults::default();
    let own = Tier::WARNING.map(|tier| (Some(*keys), tier.name()));
    let within = [("lower", "when"), ("lost", "when"), ("lost", "near")];
    let within = within.map(|(table, key)| (keys.table(table, unsaid), key));
    let all = own.into_iter().chain([(Some(*keys), "continuing")]);
    for (table, key) in all.chain(within) {
        let Some((table, (text, whole))) = table.and_then(|t| Some((t, t.text(key, unsaid)?)))
        else {
            continue;
        };
        if let Some(bytes) = find(&text) {
            let spot = table.part(key, &bytes).unwrap_or(whole);
            return (table.field(key), spot);
        }
    }
    ("rule".into(), keys.spot)
}

/// The id in `situation("id")`, with its quotes.
pub(super) fn situation(text: &str, id: &str) -> Option<Range<usize>> {
    const NAME: &str = "situation";
    let mut calls = text.match_indices(NAME);
    calls.find_map(|(at, _)| {
        let after = text.get(at + NAME.len()..)?.trim_start();
        let argument = after.strip_prefix('(')?.trim_start();
        let quote = argument.chars().next()?;
        let word = argument.get(1..)?.strip_prefix(id)?;
        let start = text.len() - argument.len();
        let end = start + id.len() + 2;
        (matches!(quote, '"' | '\'') && word.starts_with(quote)).then_some(start..end)
    })
}

/// A call as it is written.
pub(super) fn call(text: &str, call: &str) -> Option<Range<usize>> {
    text.find(call).map(|at| at..at + call.len())
}
