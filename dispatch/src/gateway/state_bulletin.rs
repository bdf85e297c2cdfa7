//! State bulletins of other authorities to [`Signal`]s: each is the complete list of what its source
//! has in force, so that what is not in the next one has ended.
//!
//! Such sources never say "ended". A bulletin is JSON with a time and, by level, the areas that stand at
//! it; how deep those are grouped does not matter. Each becomes one message under one identifier, a
//! signal a tier, which takes the place of the bulletin before; a bulletin that lists nothing lifts it.
//! A day without a bulletin ends nothing.

mod json;
pub mod poll;

use json::Node;
use model::signal::{SignalKind, SignalText, StateOf};
use model::{AreaCode, Hazard, Language, Mode, Offset, Signal, Tier, Time};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Bytes of one bulletin at most.
pub const BYTES_MAX: usize = 1 << 20;
/// Areas of one bulletin at most.
pub const AREAS_MAX: usize = 20_000;
/// Characters in the name of an area at most.
pub const NAME_CHARS_MAX: usize = 128;

/// How a source writes its bulletins, and what it means by them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// Its name here.
    pub name: String,
    /// Whose bulletins they are: an authority's 14-digit id where its signals may be passed on.
    pub sender: String,
    /// Its name for people.
    pub sender_name: String,
    /// What it warns of.
    pub hazard: Hazard,
    /// The same in its own words.
    pub event: String,
    /// Key of the time: RFC 3339, or a date, which is the day's beginning.
    pub time: String,
    /// Key of the levels.
    pub levels: String,
    /// Tier of each of its levels.
    pub tiers: BTreeMap<String, Tier>,
}

/// What one bulletin says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bulletin {
    /// Of when it is.
    pub time: Time,
    /// What stands, by the source's own name of each area. One that is listed at two levels stands at
    /// the higher.
    pub areas: BTreeMap<String, Tier>,
    /// Areas that are listed at more than one level.
    pub at_two: usize,
}

/// The newest bulletin of a source.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Newest {
    /// Of when it is.
    pub time: Time,
    /// Counts bulletins of one time, from 0.
    pub revision: u32,
    /// Under which its signals stand.
    pub identifier: String,
    /// What stands.
    pub areas: BTreeMap<String, Tier>,
}

/// What a bulletin changed for one area.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Change {
    /// The area, by the source's name.
    pub area: String,
    /// What stood there; none where nothing did.
    pub from: Tier,
    /// What stands there; none where it has ended.
    pub to: Tier,
}

/// Which way a change goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Way {
    /// Nothing stood there.
    New,
    /// To a higher tier.
    Up,
    /// To a lower one.
    Down,
    /// It is no longer listed.
    Ended,
}

/// What to do with a bulletin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// It is the newest one again.
    Same,
    /// There is a newer one.
    Older {
        /// Of when that is.
        newest: Time,
    },
    /// It takes the place of what stood.
    Follows {
        /// Highest first; one that lifts where the bulletin lists nothing.
        signals: Vec<Signal>,
        /// By area.
        changes: Vec<Change>,
    },
}

/// Why a bulletin is not taken. It ends nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// Too long.
    #[error("longer than {BYTES_MAX} bytes")]
    TooLong,
    /// Not JSON, or not one object.
    #[error("not a JSON object: {0}")]
    Json(String),
    /// A key is not there, or twice.
    #[error("key {key:?} stands there {count} times: each bulletin has it once; see [[bulletin]]")]
    Key {
        /// As configured.
        key: String,
        /// How often it was found.
        count: usize,
    },
    /// The time cannot be read.
    #[error("{key} is {value:?}: a time such as 2023-09-07T13:04:00+08:00, or a date, is needed")]
    Time {
        /// The key.
        key: String,
        /// What it holds, shortened.
        value: String,
    },
    /// A level that the configuration does not know has areas.
    #[error("level {0:?} has areas and no tier: add it to [bulletin.tiers]")]
    Level(String),
    /// What stands under the levels is neither a group nor an area.
    #[error("in {key}: {what} stands where areas should: texts in lists, grouped or not")]
    Areas {
        /// The key.
        key: String,
        /// What stands there.
        what: &'static str,
    },
    /// The name of an area is empty or too long.
    #[error("area {0:?} has no name, or one of more than {NAME_CHARS_MAX} characters")]
    Name(String),
    /// Too many areas.
    #[error("more than {AREAS_MAX} areas")]
    TooMany,
}

/// Reads one bulletin; dates are of the offset.
///
/// # Errors
/// See [`ReadError`]; nothing of such a bulletin counts.
pub fn read(bytes: &[u8], source: &Source, offset: Offset) -> Result<Bulletin, ReadError> {
    if bytes.len() > BYTES_MAX {
        return Err(ReadError::TooLong);
    }
    // A byte order mark is no fault of what follows it.
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let node: Node =
        serde_json::from_slice(bytes).map_err(|error| ReadError::Json(error.to_string()))?;
    let Node::Object(keys) = node else {
        return Err(ReadError::Json(format!("it is {}", node.what())));
    };
    let time = time(only(&keys, &source.time)?, source, offset)?;
    let levels = match only(&keys, &source.levels)? {
        Node::Object(levels) => levels,
        other @ (Node::Text(_) | Node::List(_) | Node::Nothing | Node::Other(_)) => {
            return Err(ReadError::Areas {
                key: source.levels.clone(),
                what: other.what(),
            });
        }
    };
    let (mut areas, mut twice) = (BTreeMap::new(), BTreeSet::new());
    for (level, listed) in levels {
        let mut names = Vec::new();
        gather(listed, level, &mut names)?;
        if names.is_empty() {
            continue;
        }
        let tier = source.tiers.get(level).copied();
        let tier = tier.ok_or_else(|| ReadError::Level(clip(level)))?;
        for name in names {
            let held = areas.entry(name.clone()).or_insert(tier);
            if *held != tier {
                twice.insert(name);
            }
            *held = tier.max(*held);
        }
        if areas.len() > AREAS_MAX {
            return Err(ReadError::TooMany);
        }
    }
    Ok(Bulletin {
        time,
        areas,
        at_two: twice.len(),
    })
}

fn only<'n>(keys: &'n [(String, Node)], key: &str) -> Result<&'n Node, ReadError> {
    let mut found = keys.iter().filter(|(name, _)| name == key);
    match (found.next(), found.count()) {
        (Some((_, node)), 0) => Ok(node),
        (first, more) => Err(ReadError::Key {
            key: key.to_owned(),
            count: more + usize::from(first.is_some()),
        }),
    }
}

fn time(node: &Node, source: &Source, offset: Offset) -> Result<Time, ReadError> {
    let error = |value: &str| ReadError::Time {
        key: source.time.clone(),
        value: clip(value),
    };
    let Node::Text(text) = node else {
        return Err(error(node.what()));
    };
    let text = text.trim();
    if let Ok((time, _)) = Time::parse(text) {
        return Ok(time);
    }
    let (day, _) = Time::parse(&format!("{text}T00:00:00Z")).map_err(|_| error(text))?;
    Ok(Time::from_minute(day.minute() - i64::from(offset.0)))
}

/// Names of areas, however they are grouped.
fn gather(node: &Node, level: &str, names: &mut Vec<String>) -> Result<(), ReadError> {
    match node {
        Node::Text(name) => {
            let name = name.trim();
            if name.is_empty() || name.chars().count() > NAME_CHARS_MAX {
                return Err(ReadError::Name(clip(name)));
            }
            if names.len() >= AREAS_MAX {
                return Err(ReadError::TooMany);
            }
            names.push(name.to_owned());
            Ok(())
        }
        Node::List(inner) => inner.iter().try_for_each(|node| gather(node, level, names)),
        Node::Object(groups) => groups
            .iter()
            .try_for_each(|(_, node)| gather(node, level, names)),
        Node::Nothing => Ok(()),
        Node::Other(what) => Err(ReadError::Areas {
            key: clip(level),
            what,
        }),
    }
}

/// What a bulletin changes against what stood before, by area.
pub fn changes(before: &BTreeMap<String, Tier>, after: &BTreeMap<String, Tier>) -> Vec<Change> {
    let tier =
        |of: &BTreeMap<String, Tier>, area: &String| of.get(area).copied().unwrap_or_default();
    let areas: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let change = |area: &String| Change {
        area: area.clone(),
        from: tier(before, area),
        to: tier(after, area),
    };
    let changes = areas.into_iter().map(change);
    changes.filter(|change| change.from != change.to).collect()
}

impl Change {
    /// Which way it goes.
    pub fn way(&self) -> Way {
        match (self.from, self.to) {
            (Tier::None, _) => Way::New,
            (_, Tier::None) => Way::Ended,
            (from, to) if to > from => Way::Up,
            (_, _) => Way::Down,
        }
    }
}

impl Source {
    /// What follows from a bulletin after the newest one. `areas` gives our areas by the source's name of
    /// one: none where it is not known here.
    pub fn follow(
        &self,
        newest: Option<&Newest>,
        bulletin: &Bulletin,
        offset: Offset,
        areas: &dyn Fn(&str) -> Vec<AreaCode>,
    ) -> Next {
        let revision = match newest {
            Some(newest) if bulletin.time < newest.time => {
                return Next::Older {
                    newest: newest.time,
                };
            }
            Some(newest) if bulletin.time == newest.time => {
                if bulletin.areas == newest.areas {
                    return Next::Same;
                }
                newest.revision.saturating_add(1)
            }
            Some(_) | None => 0,
        };
        let before = newest.map(|newest| &newest.areas);
        let none = BTreeMap::new();
        Next::Follows {
            changes: changes(before.unwrap_or(&none), &bulletin.areas),
            signals: self.signals(bulletin, revision, newest, offset, areas),
        }
    }

    fn signals(
        &self,
        bulletin: &Bulletin,
        revision: u32,
        newest: Option<&Newest>,
        offset: Offset,
        areas: &dyn Fn(&str) -> Vec<AreaCode>,
    ) -> Vec<Signal> {
        let digits = bulletin.time.display(offset);
        let digits: String = digits
            .chars()
            .filter(char::is_ascii_digit)
            .take(14)
            .collect();
        let lifts = Signal {
            identifier: format!("{}_{digits}_{}.{revision}", self.sender, self.name),
            sender: self.sender.clone(),
            sender_name: self.sender_name.clone(),
            sent: bulletin.time,
            mode: Mode::Actual,
            kind: SignalKind::Cancel,
            references: newest
                .map(|newest| newest.identifier.clone())
                .into_iter()
                .collect(),
            hazard: Some(self.hazard),
            event: self.event.clone(),
            tier: Tier::None,
            areas: Vec::new(),
            area_desc: Vec::new(),
            onset: bulletin.time,
            expires: None,
            texts: Vec::new(),
            state: Some(StateOf {
                source: self.name.clone(),
                revision,
            }),
        };
        let kind = match newest {
            Some(newest) if !newest.areas.is_empty() => SignalKind::Update,
            Some(_) | None => SignalKind::Alert,
        };
        let mut by_tier: BTreeMap<Tier, Vec<&String>> = BTreeMap::new();
        for (area, tier) in &bulletin.areas {
            by_tier.entry(*tier).or_default().push(area);
        }
        let signals: Vec<Signal> = by_tier
            .into_iter()
            .rev()
            .map(|(tier, names)| {
                let ours: BTreeSet<AreaCode> = names.iter().flat_map(|name| areas(name)).collect();
                Signal {
                    kind,
                    tier,
                    areas: ours.into_iter().collect(),
                    area_desc: names.into_iter().cloned().collect(),
                    texts: vec![self.words(tier)],
                    ..lifts.clone()
                }
            })
            .collect();
        if signals.is_empty() {
            vec![lifts]
        } else {
            signals
        }
    }

    /// The event and the level, in the source's own words: a bulletin has no others.
    fn words(&self, tier: Tier) -> SignalText {
        let levels = self.tiers.iter().filter(|(_, of)| **of == tier);
        let levels: Vec<&str> = levels.map(|(level, _)| level.as_str()).collect();
        let is_chinese = |c: char| ('\u{4e00}'..='\u{9fff}').contains(&c);
        SignalText {
            language: if self.event.chars().any(is_chinese) {
                Language::Zh
            } else {
                Language::En
            },
            headline: format!("{} ({})", self.event, levels.join(", ")),
            description: String::new(),
            instruction: String::new(),
        }
    }
}

impl Newest {
    /// Takes in one signal of the source's bulletins, in whatever order they come; false where it is of
    /// an older one.
    pub fn take(&mut self, signal: &Signal) -> bool {
        let revision = signal.state.as_ref().map_or(0, |state| state.revision);
        let of = (signal.sent, revision);
        let known = (self.time, self.revision);
        if self.identifier.is_empty() || of > known {
            *self = Self {
                time: signal.sent,
                revision,
                identifier: signal.identifier.clone(),
                areas: BTreeMap::new(),
            };
        } else if of < known {
            return false;
        }
        let areas = signal
            .area_desc
            .iter()
            .map(|area| (area.clone(), signal.tier));
        self.areas.extend(areas);
        true
    }

    /// Takes in what is known of it elsewhere.
    pub fn join(&mut self, other: &Self) {
        let (own, theirs) = ((self.time, self.revision), (other.time, other.revision));
        if theirs > own {
            self.clone_from(other);
        } else if theirs == own {
            let areas = other.areas.iter().map(|(area, tier)| (area.clone(), *tier));
            self.areas.extend(areas);
        }
    }
}

fn clip(text: &str) -> String {
    text.chars().take(80).collect()
}

#[cfg(test)]
mod tests;
