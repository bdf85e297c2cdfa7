//! The tracks of what was said earlier, found by person: what other accounts handed here names its
//! people, and there may be thousands of such.

use crate::intent::{Intent, RecipientNo};

/// Numbers of tracks.
#[derive(Debug, Default)]
pub(super) struct Earlier {
    /// Those that may be for anybody.
    whole: Vec<u32>,
    /// Those that name their people, by the first of them.
    some: Vec<Part>,
}

#[derive(Debug)]
struct Part {
    first: RecipientNo,
    last: RecipientNo,
    /// The highest `last` up to here.
    reach: RecipientNo,
    no: u32,
}

impl Earlier {
    /// These tracks.
    pub(super) fn of<'a>(tracks: impl Iterator<Item = (u32, &'a Intent)>) -> Self {
        let mut found = Self::default();
        for (no, intent) in tracks {
            let named = intent.audience.only.as_ref().map(|only| only.all());
            match (
                named,
                named.and_then(<[_]>::first),
                named.and_then(<[_]>::last),
            ) {
                (None, _, _) => found.whole.push(no),
                (Some(_), Some(first), Some(last)) => found.some.push(Part {
                    first: *first,
                    last: *last,
                    reach: *last,
                    no,
                }),
                (Some(_), _, _) => {}
            }
        }
        found
            .some
            .sort_unstable_by_key(|part| (part.first, part.no));
        let mut reach = RecipientNo(0);
        for part in &mut found.some {
            reach = reach.max(part.last);
            part.reach = reach;
        }
        found
    }

    /// All of them.
    pub(super) fn all(&self) -> impl Iterator<Item = u32> {
        let some = self.some.iter().map(|part| part.no);
        self.whole.iter().copied().chain(some)
    }

    /// Those that may be for that person.
    pub(super) fn of_person(&self, who: RecipientNo) -> impl Iterator<Item = u32> {
        let before = self.some.partition_point(|part| part.first <= who);
        let near = self.some.get(..before).unwrap_or_default().iter().rev();
        let near = near.take_while(move |part| part.reach >= who);
        let near = near
            .filter(move |part| part.last >= who)
            .map(|part| part.no);
        self.whole.iter().copied().chain(near)
    }
}
