//! A shape over the rows: which of them lie inside, and which ones have to be looked at.

use super::cells::{Cell, Runs};
use super::order::Rank;
use super::shape::cover::Cover;
use std::ops::Range;

/// Rows side by side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Slice {
    pub(super) rows: Range<u32>,
    /// True where a border is near: each row is looked at.
    pub(super) near: bool,
}

/// The rows of some areas whose cells a shape touches, rising; `base` is added to each.
pub(super) fn slices(runs: &Runs, ranks: &[Range<Rank>], cover: &Cover, base: u32) -> Vec<Slice> {
    let mut slices = Vec::new();
    let Some((low, high)) = cover.bounds() else {
        return slices;
    };
    let homes = ranks.iter().flat_map(|ranks| runs.homes(ranks));
    for home in homes.filter(|home| home.meets(low, high)) {
        let mut rest = home.runs();
        let mut rows = cover.rows();
        while let Some(key) = runs.keys.get(rest.start).filter(|_| !rest.is_empty()) {
            // The next row that both have.
            let here = Cell::of_key(*key).y;
            let skipped = rows.partition_point(|(y, _)| *y < here);
            rows = rows.get(skipped..).unwrap_or_default();
            let Some(((y, spans), after)) = rows.split_first() else {
                break;
            };
            rest.start = runs.at_cell(&rest, Cell { y: *y, x: 0 });
            let end = runs.at_cell(&rest, Cell { y: y + 1, x: 0 });
            let mut row = rest.start..end;
            for span in cover.spans(spans) {
                if row.is_empty() {
                    break;
                }
                let from = runs.at_cell(
                    &row,
                    Cell {
                        y: *y,
                        x: span.from,
                    },
                );
                row.start = from;
                let to = runs.at_cell(
                    &row,
                    Cell {
                        y: *y,
                        x: span.to + 1,
                    },
                );
                row.start = to;
                add(&mut slices, runs, from..to, !span.whole, base);
            }
            rest.start = end;
            rows = after;
        }
    }
    slices
}

fn add(slices: &mut Vec<Slice>, runs: &Runs, among: Range<usize>, near: bool, base: u32) {
    if among.is_empty() {
        return;
    }
    let first = runs.rows(among.start).start;
    let end = runs.rows(among.end - 1).end;
    let rows = first + base..end + base;
    match slices.last_mut() {
        Some(last) if last.near == near && last.rows.end == rows.start => {
            last.rows.end = rows.end;
        }
        Some(_) | None => slices.push(Slice { rows, near }),
    }
}
