//! The delivery board: a row for each intent and link, and which ways took what of each hazard and zone.

use super::item::{DeliveryItem, deliveries_key};
use dispatch::wording::Purpose;
use model::{Channel, Tier, Warning};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// Rows kept; the oldest goes first.
const ROWS_MAX: usize = 10_000;

/// Hazard code and zone code.
pub(crate) type Subject = (String, String);

/// What left by one way of all that was said of a hazard in a zone.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Way {
    pub(crate) channel: Channel,
    /// To another authority's office, not to people.
    pub(crate) is_request: bool,
    /// Highest tier with anybody to tell.
    pub(crate) planned: Tier,
    /// Highest tier of which somebody's far side took a message.
    pub(crate) accepted: Tier,
}

/// The rows.
#[derive(Default)]
pub(super) struct Deliveries {
    rows: BTreeMap<String, DeliveryItem>,
    /// Keys in the order in which they came.
    order: VecDeque<String>,
    ways: BTreeMap<Subject, BTreeMap<(Channel, bool), Way>>,
}

impl Deliveries {
    /// Takes a row in its newest state; `warning` is what it tells of.
    pub(super) fn insert(&mut self, item: DeliveryItem, warning: Option<&Warning>) {
        if let Some(warning) = warning {
            self.way(&item, warning);
        }
        let key = deliveries_key(&item);
        if self.rows.insert(key.clone(), item).is_none() {
            self.order.push_back(key);
        }
        while self.order.len() > ROWS_MAX {
            let oldest = self.order.pop_front();
            oldest.and_then(|key| self.rows.remove(&key));
        }
    }

    /// All rows, by link.
    pub(super) fn rows(&self) -> impl Iterator<Item = &DeliveryItem> {
        self.rows.values()
    }

    /// Intents of rises that ring phones at once and have reached nobody yet: of each warning those
    /// of its newest revision, since they take the place of earlier ones.
    pub(super) fn to_begin(&self) -> BTreeSet<String> {
        let rises = [Purpose::Alert, Purpose::Rise, Purpose::Reminder].map(Purpose::name);
        let rings = |row: &&DeliveryItem| {
            row.channel == Channel::Sms.name() && rises.contains(&row.purpose.as_str())
        };
        let mut newest: BTreeMap<&str, u32> = BTreeMap::new();
        for row in self.rows.values().filter(rings) {
            let revision = newest.entry(&row.warning).or_default();
            *revision = row.revision.max(*revision);
        }
        let nobody = |row: &&DeliveryItem| {
            let done = row.accepted + row.failed + row.unknown + row.expired + row.withdrawn;
            row.planned > 0 && done == 0 && row.finished.is_none()
        };
        let rows = self.rows.values().filter(rings).filter(nobody);
        rows.filter(|row| newest.get(&*row.warning) == Some(&row.revision))
            .map(|row| row.intent.clone())
            .collect()
    }

    /// The ways of a hazard in a zone.
    pub(super) fn ways(&self, subject: &Subject) -> Vec<Way> {
        let ways = self.ways.get(subject);
        ways.map_or_else(Vec::new, |ways| ways.values().copied().collect())
    }

    fn way(&mut self, item: &DeliveryItem, warning: &Warning) {
        let mut channels = Channel::ALL.into_iter();
        let Some(channel) = channels.find(|channel| channel.name() == item.channel) else {
            return;
        };
        let is_request = [Purpose::Request, Purpose::RequestOver]
            .iter()
            .any(|purpose| purpose.name() == item.purpose);
        let subject = (warning.hazard.code().to_owned(), warning.zone.to_string());
        let ways = self.ways.entry(subject).or_default();
        let way = ways.entry((channel, is_request)).or_insert(Way {
            channel,
            is_request,
            planned: Tier::None,
            accepted: Tier::None,
        });
        if item.planned > 0 {
            way.planned = way.planned.max(item.tier);
        }
        if item.accepted > 0 {
            way.accepted = way.accepted.max(item.tier);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(intent: usize) -> DeliveryItem {
        DeliveryItem {
            // Of a link that sorts before or after the others.
            link: if intent.is_multiple_of(2) {
                "cap"
            } else {
                "sms"
            }
            .into(),
            intent: format!("{intent:05}"),
            ..DeliveryItem::default()
        }
    }

    #[test]
    fn the_oldest_rows_go_whatever_their_link() {
        let mut board = Deliveries::default();
        for intent in 0..ROWS_MAX + 100 {
            board.insert(row(intent), None);
            board.insert(row(intent), None);
        }
        let mut left: Vec<&str> = board.rows().map(|row| row.intent.as_str()).collect();
        left.sort_unstable();
        assert_eq!((left.len(), left.first()), (ROWS_MAX, Some(&"00100")));
    }
}
