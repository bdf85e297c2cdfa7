//! Areas in depth-first order: with rows sorted by it, an area of any level is one range.

use model::{AreaCode, AreaNo, City};
use std::ops::Range;

/// A place in the order.
pub(super) type Rank = u16;

/// Each area's rank and the ranks of everything in it.
#[derive(Clone)]
pub(super) struct Order {
    /// By [`AreaNo`]: the area's own rank and the end of what lies in it.
    spans: Vec<Range<Rank>>,
    /// By rank.
    areas: Vec<AreaNo>,
    /// By rank: what a stored version is checked against.
    codes: Vec<AreaCode>,
}

impl Order {
    pub(super) fn new(city: &City) -> Self {
        let mut order = Self {
            spans: vec![0..0; city.areas.len()],
            areas: Vec::with_capacity(city.areas.len()),
            codes: Vec::with_capacity(city.areas.len()),
        };
        let roots = (0u16..)
            .zip(&city.areas)
            .filter(|(_, a)| a.parent.is_none());
        for (no, _) in roots {
            order.visit(city, AreaNo(no));
        }
        order
    }

    /// The area and all that lies in it.
    pub(super) fn span(&self, area: AreaNo) -> Range<Rank> {
        self.spans.get(usize::from(area.0)).cloned().unwrap_or(0..0)
    }

    pub(super) fn rank(&self, area: AreaNo) -> Rank {
        self.span(area).start
    }

    pub(super) fn area(&self, rank: Rank) -> Option<AreaNo> {
        self.areas.get(usize::from(rank)).copied()
    }

    pub(super) fn codes(&self) -> &[AreaCode] {
        &self.codes
    }

    /// Ranges that cover exactly those areas, sorted, none overlapping; `alone` without what lies
    /// in them.
    pub(super) fn cover(
        &self,
        areas: impl Iterator<Item = AreaNo>,
        alone: bool,
    ) -> Vec<Range<Rank>> {
        let span = |area: AreaNo| {
            let span = self.span(area);
            let end = if alone {
                (span.start + 1).min(span.end)
            } else {
                span.end
            };
            span.start..end
        };
        let mut spans: Vec<Range<Rank>> = areas.map(span).filter(|s| !s.is_empty()).collect();
        spans.sort_by_key(|s| s.start);
        let mut cover: Vec<Range<Rank>> = Vec::with_capacity(spans.len());
        for span in spans {
            match cover.last_mut() {
                Some(last) if span.start <= last.end => last.end = last.end.max(span.end),
                Some(_) | None => cover.push(span),
            }
        }
        cover
    }

    /// Depth is at most the number of levels.
    fn visit(&mut self, city: &City, area: AreaNo) {
        let rank = Rank::try_from(self.areas.len()).unwrap_or(Rank::MAX);
        self.areas.push(area);
        self.codes.extend(city.area(area).map(|a| a.code));
        for child in city.children(area) {
            self.visit(city, *child);
        }
        let end = Rank::try_from(self.areas.len()).unwrap_or(Rank::MAX);
        if let Some(span) = self.spans.get_mut(usize::from(area.0)) {
            *span = rank..end;
        }
    }
}
