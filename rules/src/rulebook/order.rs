//! The order in which rules are evaluated: each after those whose situation it asks for.

use super::Rule;
use std::collections::BTreeSet;

/// Numbers of the rules in dependency order, and the circles of rules that keep others from having one
/// (semantics §16), each in the order in which they ask.
pub(super) fn order(rules: &[Rule]) -> (Vec<usize>, Vec<Vec<usize>>) {
    let count = rules.len();
    let asked = |number: usize| -> BTreeSet<usize> {
        let asked = rules.get(number).into_iter().flat_map(Rule::situations);
        asked.filter(|on| *on < count).collect()
    };
    let mut waits: Vec<usize> = (0..count).map(|number| asked(number).len()).collect();
    let mut hearing: Vec<Vec<usize>> = vec![Vec::new(); count];
    for number in 0..count {
        for on in asked(number) {
            if let Some(hearing) = hearing.get_mut(on) {
                hearing.push(number);
            }
        }
    }
    let numbered = waits.iter().enumerate();
    let free = numbered.filter(|(_, waits)| **waits == 0);
    let mut ready: BTreeSet<usize> = free.map(|(number, _)| number).collect();
    let (mut order, mut circles) = (Vec::with_capacity(count), Vec::new());
    let mut left: BTreeSet<usize> = (0..count).collect();
    while let Some(first) = left.first().copied() {
        // The first that waits for nobody, as they are written; a circle is taken as if it were done.
        let done = match ready.pop_first() {
            Some(next) => vec![next],
            None => {
                let circle = circle(first, &left, asked);
                circles.push(circle.clone());
                circle
            }
        };
        for number in &done {
            left.remove(number);
        }
        for next in done {
            order.push(next);
            for hears in hearing.get(next).into_iter().flatten() {
                if let Some(waits) = waits.get_mut(*hears) {
                    *waits = waits.saturating_sub(1);
                    if *waits == 0 && left.contains(hears) {
                        ready.insert(*hears);
                    }
                }
            }
        }
    }
    (order, circles)
}

/// A circle that is come to by asking on from a rule; each of those left asks for another.
fn circle(
    from: usize,
    left: &BTreeSet<usize>,
    asked: impl Fn(usize) -> BTreeSet<usize>,
) -> Vec<usize> {
    let mut path = vec![from];
    loop {
        let last = path.last().copied().unwrap_or(from);
        let Some(next) = asked(last).into_iter().find(|on| left.contains(on)) else {
            return path;
        };
        if let Some(at) = path.iter().position(|held| *held == next) {
            return path.split_off(at);
        }
        path.push(next);
    }
}
