//! What each place was last told, by each way.

use model::{AreaCode, Channel, Reach, Tier, Time};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// A way to tell: whom and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Way {
    pub(super) reach: Reach,
    pub(super) channel: Channel,
}

/// From the tier a place knows of to the one it should know of; orders falls before rises, and
/// lower rises before higher ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Change {
    pub(super) from: Tier,
    pub(super) to: Tier,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Stored", into = "Stored")]
pub(super) struct Told {
    /// By `reach/channel/place`.
    said: BTreeMap<String, Said>,
    /// Who left an area that was told, by number, and the last such area.
    gone: BTreeMap<u32, AreaCode>,
}

/// The same at rest: what is said by itself where nobody is gone. Numbers stand in pairs, since a key of
/// JSON is read as a text here.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Stored {
    Left {
        said: BTreeMap<String, Said>,
        gone: Vec<(u32, AreaCode)>,
    },
    Said(BTreeMap<String, Said>),
}

impl From<Stored> for Told {
    fn from(stored: Stored) -> Self {
        match stored {
            Stored::Said(said) => Self {
                said,
                gone: BTreeMap::new(),
            },
            Stored::Left { said, gone } => Self {
                said,
                gone: gone.into_iter().collect(),
            },
        }
    }
}

impl From<Told> for Stored {
    fn from(told: Told) -> Self {
        if told.gone.is_empty() {
            Self::Said(told.said)
        } else {
            Self::Left {
                said: told.said,
                gone: told.gone.into_iter().collect(),
            }
        }
    }
}

/// What was told by one way at one place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Said {
    pub(super) tier: Tier,
    /// True where a person released it.
    pub(super) signed: bool,
    /// Until then the place has still only heard the tier beside it.
    pub(super) quiet: Option<(Time, Tier)>,
    /// What they were told to do beside the tier: a hash of a person's words, 0 for none.
    #[serde(default)]
    pub(super) orders: u64,
    /// At a site, the depth of water that they were told of, in quanta.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) depth: Option<i64>,
}

impl Change {
    pub(super) fn is_rise(self) -> bool {
        self.to > self.from
    }

    /// The tier stays and what to do has changed.
    pub(super) fn is_word(self) -> bool {
        self.to == self.from
    }
}

impl Ord for Change {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        let key = |c: &Self| (c.is_rise(), c.to, std::cmp::Reverse(c.from));
        key(self).cmp(&key(other))
    }
}

impl PartialOrd for Change {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

/// People remembered at most who left what one warning told; its end then reaches those who stayed.
pub(super) const GONE_MAX: usize = 10_000;

impl Told {
    /// Somebody left an area; remembered where the public there was told anything.
    pub(super) fn leave(&mut self, recipient: u32, area: AreaCode) {
        let place = format!("/area/{area}");
        let public = format!("{}/", reach_name(Reach::Public));
        let was_told = self
            .said
            .keys()
            .any(|key| key.starts_with(&public) && key.ends_with(&place));
        if was_told && (self.gone.len() < GONE_MAX || self.gone.contains_key(&recipient)) {
            self.gone.insert(recipient, area);
        }
    }

    /// Somebody is where they were told again.
    pub(super) fn come(&mut self, recipient: u32, area: AreaCode) {
        if self.gone.get(&recipient) == Some(&area) {
            self.gone.remove(&recipient);
        }
    }

    /// Who left one of some areas.
    pub(super) fn gone_from(&self, areas: &BTreeSet<AreaCode>) -> Vec<u32> {
        let gone = self.gone.iter();
        let gone = gone.filter(|(_, area)| areas.contains(area));
        gone.map(|(recipient, _)| *recipient).collect()
    }

    /// The tier told, quiet hours left aside.
    pub(super) fn tier(&self, way: Way, place: &str) -> Tier {
        self.said
            .get(&key(way, place))
            .map_or(Tier::None, |s| s.tier)
    }

    /// The tier people there have heard of at `at`.
    pub(super) fn heard(&self, way: Way, place: &str, at: Time) -> Tier {
        match self.said.get(&key(way, place)) {
            Some(Said {
                quiet: Some((until, before)),
                ..
            }) if at < *until => *before,
            Some(said) => said.tier,
            None => Tier::None,
        }
    }

    pub(super) fn is_signed(&self, way: Way, place: &str) -> bool {
        self.said
            .get(&key(way, place))
            .is_some_and(|said| said.signed)
    }

    /// True where a tier was told there with other orders than these.
    pub(super) fn has_other_orders(&self, way: Way, place: &str, orders: u64) -> bool {
        let said = self.said.get(&key(way, place));
        said.is_some_and(|said| said.tier != Tier::None && said.orders != orders)
    }

    /// Whether the water at a site is deeper by a step than what was told there at this tier; then it is
    /// told. The first depth that is known after a first word which named none is not.
    pub(super) fn deepen(
        &mut self,
        way: Way,
        place: &str,
        tier: Tier,
        (now, step): (i64, i64),
    ) -> bool {
        let said = self.said.get_mut(&key(way, place));
        let Some(said) = said.filter(|said| said.tier == tier) else {
            return false;
        };
        let is_deeper = said.depth.is_some_and(|before| now >= before + step);
        if is_deeper || said.depth.is_none() {
            said.depth = Some(now);
        }
        is_deeper
    }

    pub(super) fn set(&mut self, way: Way, place: &str, said: Said) {
        if said.tier == Tier::None && said.quiet.is_none() {
            self.said.remove(&key(way, place));
        } else {
            self.said.insert(key(way, place), said);
        }
    }

    /// A held fall that came to nothing: the tier is what people know. True where the held
    /// message must be taken out of the queues.
    pub(super) fn recall_quiet(&mut self, way: Way, place: &str, at: Time, goal: Tier) -> bool {
        match self.said.get_mut(&key(way, place)) {
            Some(said) => match said.quiet {
                Some((until, before)) if at < until && before == goal && said.tier != goal => {
                    said.tier = goal;
                    said.quiet = None;
                    true
                }
                Some(_) | None => false,
            },
            None => false,
        }
    }

    /// Remembers a request; true where it asks for more than before.
    pub(super) fn request(&mut self, place: &str, tier: Tier) -> bool {
        let said = self.said.entry(place.to_owned()).or_default();
        let more = tier > said.tier;
        said.tier = said.tier.max(tier);
        more
    }

    /// Forgets the requests for areas that are `over`, and gives them with the tier asked for.
    pub(super) fn take_requests(
        &mut self,
        over: impl Fn(&AreaCode) -> bool,
    ) -> BTreeMap<(String, Channel), BTreeMap<AreaCode, Tier>> {
        let mut gone: BTreeMap<(String, Channel), BTreeMap<AreaCode, Tier>> = BTreeMap::new();
        self.said.retain(|key, said| {
            let mut parts = key
                .strip_prefix("request/")
                .into_iter()
                .flat_map(|k| k.split('/'));
            let (Some(authority), Some(channel), Some(code)) =
                (parts.next(), parts.next(), parts.next())
            else {
                return true;
            };
            let channel = Channel::ALL.into_iter().find(|c| c.name() == channel);
            let (Some(channel), Ok(code)) = (channel, AreaCode::parse(code)) else {
                return true;
            };
            let is_over = over(&code);
            if is_over {
                let areas = gone.entry((authority.to_owned(), channel)).or_default();
                areas.insert(code, said.tier);
            }
            !is_over
        });
        gone
    }

    /// Places of a reach that were told anything, by any channel.
    pub(super) fn places(&self, reach: Reach, kind: &str) -> BTreeSet<String> {
        let reach = format!("{}/", reach_name(reach));
        self.said
            .keys()
            .filter_map(|key| key.strip_prefix(&reach)?.split_once('/'))
            .map(|(_, place)| place)
            .filter(|place| place.starts_with(kind))
            .map(ToOwned::to_owned)
            .collect()
    }

    /// The highest tier told by a way anywhere.
    pub(super) fn highest(&self, way: Way) -> Tier {
        let start = key(way, "");
        let said = self.said.range(start.clone()..);
        said.take_while(|(key, _)| key.starts_with(&start))
            .map(|(_, said)| said.tier)
            .max()
            .unwrap_or_default()
    }
}

fn key(way: Way, place: &str) -> String {
    format!("{}/{}/{place}", reach_name(way.reach), way.channel)
}

const fn reach_name(reach: Reach) -> &'static str {
    match reach {
        Reach::Device => "device",
        Reach::Responsible => "responsible",
        Reach::Public => "public",
    }
}
