//! Low tiers of our own, to responsible persons: what waits for the end of the period, and the one
//! message for each place and channel that says all of it.
//!
//! What waits was not told yet: the next revision is held against what people there know, so that a rise
//! which came to nothing is never said, and one that goes higher is said at once as a first word.

use super::told::{Said, Way};
use super::{Desk, Plan, Planner, issuer_of, orders, site_name};
use crate::intent::{Audience, Intent, IntentId};
use crate::wording::{Facts, Issuer, Item, Message, Names, Purpose};
use model::release::Ask;
use model::telling::Digest;
use model::warning::Event;
use model::{Act, AreaCode, Channel, Mode, Named, Reach, Tier, Time, WarningId};
use serde::{Deserialize, Serialize};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

/// Things that wait at most; with more each is said by itself.
const HELD_MAX: usize = 10_000;

/// What waits, by `channel/place` and warning.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Held {
    places: BTreeMap<String, BTreeMap<WarningId, Waiting>>,
    /// When the first of them came.
    since: Time,
}

/// What is to be said of one warning at one place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Waiting {
    revision: u32,
    mode: Mode,
    /// Id of the authority that speaks.
    issuer: String,
    item: Item,
    /// Channels left should this one not reach a person.
    spare: Vec<Channel>,
    /// What the place then knows.
    said: Said,
}

impl Held {
    pub(super) fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// What waits of one warning alone.
    pub(super) fn about(&self, warning: WarningId) -> Self {
        let places = self.places.iter().filter_map(|(key, waiting)| {
            let one = waiting.get(&warning)?.clone();
            Some((key.clone(), BTreeMap::from([(warning, one)])))
        });
        Self {
            places: places.collect(),
            since: self.since,
        }
    }

    /// Places at which something of a warning waits.
    pub(super) fn places(&self, warning: WarningId, kind: &str) -> BTreeSet<String> {
        let waits = self.places.iter();
        let waits = waits.filter(|(_, waiting)| waiting.contains_key(&warning));
        let places = waits.filter_map(|(key, _)| key.split_once('/'));
        places
            .map(|(_, place)| place)
            .filter(|place| place.starts_with(kind))
            .map(ToOwned::to_owned)
            .collect()
    }

    /// What waited is said by itself, or came to nothing; true where something did.
    pub(super) fn take_out(&mut self, way: Way, place: &str, warning: WarningId) -> bool {
        let key = key(way.channel, place);
        let waiting = self.places.get_mut(&key);
        // The public hears by the same channels, and nothing of theirs waits.
        let Some(waiting) = waiting.filter(|_| way.reach == Reach::Responsible) else {
            return false;
        };
        let waited = waiting.remove(&warning).is_some();
        if waiting.is_empty() {
            self.places.remove(&key);
        }
        if self.is_empty() {
            *self = Self::default();
        }
        waited
    }

    /// At the end of a period, and at once where the city does not want it any more.
    fn is_due(&self, at: Time, digest: Option<Digest>) -> bool {
        !self.is_empty() && digest.is_none_or(|digest| digest.is_due(self.since, at))
    }

    fn is_full(&self) -> bool {
        self.places.values().map(BTreeMap::len).sum::<usize>() >= HELD_MAX
    }
}

impl Plan<'_> {
    /// Whether what changed for a place waits: low, ours, of a warning that is low everywhere, in our
    /// own words, and nothing that a person took back.
    pub(super) fn holds(&self, way: Way, from: Tier, to: Tier) -> bool {
        let Some(digest) = self.desk.city.policy.telling.digest else {
            return false;
        };
        let warning = self.warning;
        let areas = warning.areas.values();
        let areas = areas.map(|area| area.tier.max(area.reached));
        let sites = warning.sites.values().map(|site| site.tier);
        let highest = areas.chain(sites).max().unwrap_or_default();
        way.reach == Reach::Responsible
            && has_words(way.channel)
            && from != to
            && from.max(to).max(highest) <= digest.tier
            && warning.relay.is_none()
            && warning.event != Event::Cancelled
            && orders(warning) == 0
            && !self.held.is_full()
    }

    /// Remembers what is to be said there at the end of the period.
    pub(super) fn hold(&mut self, way: Way, place: &str, area: AreaCode, from: Tier, said: Said) {
        let warning = self.warning;
        let tier = from.max(said.tier);
        let ruling = self.ruling(warning.zone, tier);
        let own = ruling.is_some_and(|r| !matches!(r.act, Act::Request | Act::Relay));
        let issuer = self.issuer(ruling).id;
        let site = place.strip_prefix("site/");
        let site = site.and_then(|id| warning.sites.get(id)).map(|s| s.onset);
        let onset = site.or_else(|| warning.areas.get(&area).map(|area| area.onset));
        let rises = said.tier > from;
        let opened = |channel: &Channel| {
            let way = Way {
                channel: *channel,
                ..way
            };
            self.flow_by(way, tier).is_some()
        };
        let spare = [Channel::Sms, Channel::Push, Channel::Email];
        let waiting = Waiting {
            revision: warning.revision,
            mode: warning.mode,
            issuer,
            item: Item {
                hazard: warning.hazard,
                name: warning.name.clone(),
                from,
                to: said.tier,
                own,
                start: onset.filter(|_| rises).unwrap_or(warning.time),
            },
            spare: spare.into_iter().filter(|c| !opened(c)).collect(),
            said,
        };
        if self.held.is_empty() {
            self.held.since = self.at;
        }
        let places = &mut self.held.places;
        let there = places.entry(key(way.channel, place)).or_default();
        there.insert(warning.id, waiting);
    }
}

impl Planner {
    /// Says at the end of each period what waited, one message for each place and channel.
    pub(super) fn digest(&mut self, at: Time, desk: &Desk<'_>, out: &mut Vec<Intent>) {
        if !self.held.is_due(at, desk.city.policy.telling.digest) {
            return;
        }
        for (key, waiting) in std::mem::take(&mut self.held).places {
            let Some((channel, place)) = way_of(&key) else {
                continue;
            };
            let way = Way {
                reach: Reach::Responsible,
                channel,
            };
            for (warning, one) in &waiting {
                // Of a warning that is over nothing more is to be remembered.
                if let Some(told) = self.told.get_mut(warning) {
                    told.set(way, place, one.said);
                }
            }
            out.extend(intent(at, channel, place, &waiting, desk));
        }
    }
}

/// The message of one place. It stands under the warning that is the most urgent there, and its words
/// name the others.
fn intent(
    at: Time,
    channel: Channel,
    place: &str,
    waiting: &BTreeMap<WarningId, Waiting>,
    desk: &Desk<'_>,
) -> Option<Intent> {
    let mut all: Vec<(&WarningId, &Waiting)> = waiting.iter().collect();
    all.sort_by_key(|(id, one)| {
        let item = &one.item;
        (Reverse(item.to), Reverse(item.from), item.start, **id)
    });
    let (warning, first) = all.first()?;
    let items: Vec<Item> = all.iter().map(|(_, one)| one.item.clone()).collect();
    let mut audience = Audience::of(Reach::Responsible, desk.directory);
    audience.ask = Some(Ask::Primary);
    let (name, brief) = match place.split_once('/')? {
        ("site", id) => {
            audience.sites = vec![id.to_owned()];
            let name = site_name(desk, id);
            (name.clone(), name)
        }
        (_, code) => {
            let code = AreaCode::parse(code).ok()?;
            audience.areas = vec![code];
            let brief = |language| desk.places.brief(&BTreeSet::from([code]), language);
            let name = Names::each(|language| desk.places.name(code, language));
            (name, Names::each(brief))
        }
    };
    let own = || desk.city.policy.matrix.own();
    let issuer = own().find(|authority| authority.id.to_string() == first.issuer);
    let issuer = issuer.or(own().next());
    let issuer = issuer.map_or_else(Issuer::default, issuer_of);
    let telling = &desk.city.policy.telling;
    let (nothing, unmeasured) = (BTreeMap::new(), Named::default());
    let facts = Facts {
        purpose: Purpose::Digest,
        mode: first.mode,
        hazard: first.item.hazard,
        hazard_name: &first.item.name,
        tier: first.item.to,
        from: first.item.from,
        issuer: &issuer,
        own: first.item.own,
        issued: at,
        start: first.item.start,
        deadline: at + telling.deadline(first.item.to),
        offset: desk.city.offset_at(at),
        place: &name,
        area: &brief,
        site: None,
        measure: &unmeasured,
        text: &nothing,
        relay: None,
        plain: false,
        items: &items,
    };
    let words = |channel: Channel| -> Vec<Message> {
        let languages = desk.wording.languages(Purpose::Digest).iter();
        languages
            .map(|language| desk.wording.message(channel, *language, &facts))
            .collect()
    };
    let valid = if first.item.to == Tier::None {
        telling.valid_fall
    } else {
        telling.valid(first.item.to)
    };
    let link = channel.name();
    let key = format!("{place} {}", at.millis());
    let reach = Reach::Responsible;
    Some(Intent {
        id: IntentId::derive(
            **warning,
            first.revision,
            link,
            Purpose::Digest,
            reach,
            &key,
        ),
        warning: **warning,
        revision: first.revision,
        purpose: Purpose::Digest,
        link: link.to_owned(),
        channel,
        mode: first.mode,
        exposure: u8::from(audience.sites.is_empty()),
        audience,
        only_told: false,
        only_new: false,
        again: false,
        by_area: false,
        words: words(channel),
        spare: first.spare.iter().copied().flat_map(words).collect(),
        instead_of: None,
        tried: Vec::new(),
        moved_from: Vec::new(),
        tier: first.item.to,
        onset: first.item.start,
        not_before: None,
        not_after: at + valid,
        created: at,
    })
}

/// Channels that say a digest to a person.
const fn has_words(channel: Channel) -> bool {
    match channel {
        Channel::Sms | Channel::Push | Channel::Email | Channel::Voice => true,
        Channel::Cap
        | Channel::Webhook
        | Channel::Device
        | Channel::Area
        | Channel::Cell
        | Channel::Broadcast => false,
    }
}

fn key(channel: Channel, place: &str) -> String {
    format!("{channel}/{place}")
}

fn way_of(key: &str) -> Option<(Channel, &str)> {
    let (channel, place) = key.split_once('/')?;
    let channel = Channel::ALL.into_iter().find(|c| c.name() == channel)?;
    Some((channel, place))
}
