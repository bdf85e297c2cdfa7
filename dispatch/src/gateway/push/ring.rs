//! The events that are held: what a client that comes is told first, and from where it goes on.

use super::PushMessage;
use bytes::Bytes;
use model::{AreaCode, Language, Time, WarningId};
use std::collections::{BTreeSet, VecDeque};

/// How much higher than the time of a message its id may be, milliseconds: messages of one moment
/// are numbered on. Ids that were given before a restart are known to this much.
const NUMBERED_ON: u64 = 60_000;

#[derive(Debug)]
pub(super) struct Ring {
    pub(super) events: VecDeque<Held>,
    pub(super) events_max: usize,
    /// Number of the first event held; numbers count events, not journal positions.
    pub(super) first: u64,
    /// Number behind the last event that was told before a restart: its id may have been another.
    pub(super) again: u64,
}

#[derive(Debug)]
pub(super) struct Held {
    pub(super) id: u64,
    pub(super) key: Box<str>,
    warning: WarningId,
    is_end: bool,
    not_after: Time,
    to: Option<Box<str>>,
    areas: Box<[AreaCode]>,
    sites: Box<[Box<str>]>,
    frames: Box<[(Language, Bytes)]>,
}

/// A place that a message speaks of, as far as it concerns a client.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Spot<'a> {
    Area(AreaCode),
    Site(&'a str),
}

/// Whom events are looked through for.
#[derive(Clone, Copy)]
pub(super) struct Client<'a> {
    pub(super) areas: &'a [Watched],
    pub(super) token: Option<&'a str>,
    pub(super) language: Language,
}

/// A place that a client watches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Watched {
    /// It and everything in it.
    In(AreaCode),
    /// What names it, and nothing that names a place in it: the nearest that messages name round one
    /// that they never do.
    At(AreaCode),
}

impl Client<'_> {
    fn hears(&self, area: AreaCode) -> bool {
        self.areas.iter().any(|watched| match watched {
            Watched::In(place) => is_within(area, *place),
            Watched::At(place) => area == *place,
        })
    }
}

/// Where a client begins.
pub(super) struct Begin {
    /// Number of the next event to look at.
    pub(super) next: u64,
    /// True where it missed what can no longer be told.
    pub(super) reset: bool,
    /// What it is told before all that, the first last.
    pub(super) before: Vec<Bytes>,
}

impl Ring {
    pub(super) fn push(&mut self, id: u64, message: &PushMessage<'_>) {
        if self.events.len() == self.events_max {
            self.events.pop_front();
            self.first += 1;
        }
        self.events.push_back(Held::new(id, message));
    }

    /// Who was never here, or has been away for too long, is told what is in force; anybody else
    /// what came since.
    pub(super) fn begin(&self, last: Option<u64>, now: Time, client: Client<'_>) -> Begin {
        let end = self.first + self.events.len() as u64;
        let afresh = |reset| Begin {
            next: end,
            reset,
            before: self.in_force(now, client),
        };
        let Some(last) = last else {
            return afresh(false);
        };
        let known = self.events.partition_point(|event| event.id <= last) as u64;
        // Nothing older held: what lay between is not known to have been seen.
        if known == 0 {
            return afresh(true);
        }
        let mut next = self.first + known;
        if next <= self.again {
            // Rather twice than not at all.
            let surely = |event: &Held| event.id.saturating_add(NUMBERED_ON) <= last;
            next = self.first + self.events.partition_point(surely) as u64;
        }
        Begin {
            next,
            reset: false,
            before: Vec::new(),
        }
    }

    /// The newest message of each warning to each place of the client, newest first: none where
    /// that was its end, or is past its time.
    fn in_force(&self, now: Time, client: Client<'_>) -> Vec<Bytes> {
        let mut said = BTreeSet::new();
        let mut frames = Vec::new();
        for event in self.events.iter().rev() {
            let spots = event.spots(client);
            let mut is_newest = false;
            for spot in spots {
                is_newest |= said.insert((event.warning, event.to.is_some(), spot));
            }
            if is_newest && !event.is_end && now < event.not_after {
                frames.extend(event.frame(client));
            }
        }
        frames
    }
}

impl Held {
    fn new(id: u64, message: &PushMessage<'_>) -> Self {
        Self {
            id,
            key: message.key.into(),
            warning: message.warning,
            is_end: message.is_end,
            not_after: message.not_after,
            to: message.to.map(Into::into),
            areas: message.areas.into(),
            sites: message.sites.iter().map(|site| (**site).into()).collect(),
            frames: frames(id, message),
        }
    }

    pub(super) fn frame(&self, client: Client<'_>) -> Option<Bytes> {
        let concerned = match &self.to {
            Some(to) => client.token == Some(to),
            None => self.areas.iter().any(|area| client.hears(*area)),
        };
        if !concerned {
            return None;
        }
        let own = self
            .frames
            .iter()
            .find(|(language, _)| *language == client.language);
        let near = self
            .frames
            .iter()
            .find(|(language, _)| language.working() == client.language.working());
        own.or(near)
            .or(self.frames.first())
            .map(|(_, frame)| frame.clone())
    }

    /// What is spoken of among what is watched.
    fn spots(&self, client: Client<'_>) -> Vec<Spot<'_>> {
        if let Some(to) = &self.to {
            if client.token != Some(to) {
                return Vec::new();
            }
            let areas = self.areas.iter().map(|area| Spot::Area(*area));
            let sites = self.sites.iter().map(|site| Spot::Site(site));
            return areas.chain(sites).collect();
        }
        let spoken = self.areas.iter().filter(|area| client.hears(**area));
        spoken.map(|area| Spot::Area(*area)).collect()
    }
}

/// True where `area` is `place` or lies within it, by the levels of GB/T 2260: 4, 6, 9, 12 digits. What
/// is said to the public names each place that it is for: of a district's message its township hears
/// only where it is named too, since something else may be true there.
pub fn is_within(area: AreaCode, place: AreaCode) -> bool {
    let unit = unit(place);
    unit >= self::unit(area) && area.number() / unit == place.number() / unit
}

/// The places round a code by the same levels, the nearest first, itself among them.
pub fn around(code: AreaCode) -> impl Iterator<Item = AreaCode> {
    let units = [1, 1_000, 1_000_000, 100_000_000].into_iter();
    let round = units.map(move |unit| code.number() / unit * unit);
    round.filter_map(|number| AreaCode::parse(&format!("{number:012}")).ok())
}

fn unit(code: AreaCode) -> u64 {
    [100_000_000, 1_000_000, 1_000]
        .into_iter()
        .find(|unit| code.number().is_multiple_of(*unit))
        .unwrap_or(1)
}

/// SSE (HTML Living Standard §9.2): each line of the data has its own `data:`.
fn frames(id: u64, message: &PushMessage<'_>) -> Box<[(Language, Bytes)]> {
    let event: String = message.event.chars().filter(|c| !c.is_control()).collect();
    let frame = |words: &String| {
        let mut text = format!("id: {id}\nevent: {event}\n");
        for line in words.split(['\n', '\r']) {
            text.push_str("data: ");
            text.push_str(line);
            text.push('\n');
        }
        text.push('\n');
        Bytes::from(text)
    };
    message
        .words
        .iter()
        .map(|(language, words)| (*language, frame(words)))
        .collect()
}
