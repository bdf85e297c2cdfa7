//! Which devices are still heard: each says something of itself within its heart-beat, asked or not.

use model::{Span, Time};
use std::collections::{BTreeMap, BTreeSet};

/// When each device was last heard.
#[derive(Clone, Debug)]
pub struct Posts {
    heartbeat: Span,
    last: BTreeMap<String, Option<Time>>,
    lost: BTreeSet<String>,
}

/// What a look found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Look {
    /// Devices that fell silent since the last look.
    pub lost: Vec<String>,
    /// Devices that are heard again.
    pub back: Vec<String>,
    /// Devices that are silent, in all.
    pub silent: usize,
}

impl Posts {
    /// Devices of which nothing is known; each is waited for one heart-beat from the first look on.
    pub fn new(ids: impl Iterator<Item = String>, heartbeat: Span) -> Self {
        Self {
            heartbeat,
            last: ids.map(|id| (id, None)).collect(),
            lost: BTreeSet::new(),
        }
    }

    /// Looks at `at`: `heard` are those that said something since the last look.
    pub fn look(&mut self, heard: &BTreeSet<String>, at: Time) -> Look {
        let mut look = Look::default();
        for (id, last) in &mut self.last {
            if heard.contains(id) {
                *last = Some(at);
            }
            let since = *last.get_or_insert(at);
            let is_silent = at >= since + self.heartbeat;
            if is_silent && self.lost.insert(id.clone()) {
                look.lost.push(id.clone());
            } else if !is_silent && self.lost.remove(id) {
                look.back.push(id.clone());
            }
        }
        look.silent = self.lost.len();
        look
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_says_nothing_for_a_heartbeat_is_lost_and_told_once() {
        let ids = ["led-1", "led-2"].map(str::to_owned);
        let mut posts = Posts::new(ids.into_iter(), Span::from_seconds(60));
        let mut look = |heard: &[&str], second: i64| {
            let heard = heard.iter().map(|id| (*id).to_owned()).collect();
            posts.look(&heard, Time::from_seconds(second))
        };
        assert_eq!(look(&[], 0), Look::default(), "each is waited for");
        assert_eq!(look(&["led-1"], 30), Look::default());
        let found = look(&["led-1"], 60);
        assert_eq!((found.lost, found.silent), (vec!["led-2".to_owned()], 1));
        assert_eq!(look(&["led-1"], 90).lost, Vec::<String>::new());
        let found = look(&["led-2"], 120);
        assert_eq!((found.back, found.silent), (vec!["led-2".to_owned()], 0));
        assert_eq!(look(&["stranger"], 150).lost, ["led-1"]);
    }
}
