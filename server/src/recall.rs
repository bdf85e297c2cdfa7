//! What a cancellation takes back and what is beyond recall: by link, by area job, and what was published.

use crate::app::App;
use crate::courier::JobItem;
use crate::view::DeliveryItem;
use dispatch::gateway::area::Counts as JobCounts;
use model::{Channel, WarningId};
use serde::Serialize;
use std::collections::BTreeMap;
use std::time::Duration;

/// How long the answer to a cancellation waits for the links to have followed it.
const WAIT: Duration = Duration::from_secs(2);
/// Between two looks at them.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Messages by what became of them. Who is told by two channels counts at both.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Messages {
    /// Unsent, and never to be sent.
    withdrawn: u64,
    /// Handed over and not answered: nobody can say that it is not read.
    on_the_wire: u64,
    /// Taken by the far side, those delivered among them.
    accepted: u64,
    delivered: u64,
    failed: u64,
    /// Perhaps taken.
    unknown: u64,
    expired: u64,
}

/// Those of one link.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct OfLink {
    link: String,
    channel: String,
    #[serde(flatten)]
    messages: Messages,
}

/// An area job as its far side told it last: it counts its own numbers, and hears of the end after us.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct OfJob {
    link: String,
    job: String,
    state: String,
    counts: JobCounts,
}

/// A document, a broadcast or a post to a group: whoever read it has read it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Published {
    link: String,
    channel: String,
    revision: u32,
    /// Whether the far side said that it has it; else it may.
    confirmed: bool,
}

/// The whole.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Recall {
    /// True where every link of ours has followed: what is withdrawn then is all of it. False where the
    /// warning stands in other areas, whose messages go on, or where a link had not followed yet.
    settled: bool,
    links: Vec<OfLink>,
    sum: Messages,
    jobs: Vec<OfJob>,
    published: Vec<Published>,
}

impl App {
    /// What became of a warning's messages up to a revision, once its links have followed a
    /// cancellation of all of it, or after some time.
    pub(crate) async fn recalled(&self, warning: WarningId, revision: u32, whole: bool) -> Recall {
        let look = || Recall::of(&self.view.deliveries(), &warning.to_string(), revision);
        let waited = tokio::time::timeout(WAIT, async {
            loop {
                let recall = look();
                if recall.settled || !whole {
                    return recall;
                }
                tokio::time::sleep(LOOK_EVERY).await;
            }
        });
        let recall = waited.await.unwrap_or_else(|_| look());
        Recall {
            settled: recall.settled && whole,
            ..recall
        }
    }
}

impl Recall {
    fn of(rows: &[DeliveryItem], warning: &str, revision: u32) -> Self {
        let theirs = |row: &&DeliveryItem| row.warning == warning && row.revision <= revision;
        let rows: Vec<&DeliveryItem> = rows.iter().filter(theirs).collect();
        let mut recall = Self {
            settled: rows
                .iter()
                .all(|row| row.job.is_some() || row.finished.is_some()),
            ..Self::default()
        };
        let mut links: BTreeMap<(&str, &str), Messages> = BTreeMap::new();
        for row in rows {
            if let Some(job) = row
                .job
                .as_ref()
                .filter(|_| row.channel == Channel::Area.name())
            {
                recall.jobs.push(OfJob::of(row, job));
            } else if is_document(&row.channel) {
                recall.published.extend(Published::of(row));
            } else {
                let of_link = links.entry((&row.link, &row.channel)).or_default();
                of_link.add(Messages::of(row));
                recall.sum.add(Messages::of(row));
            }
        }
        let links = links.into_iter();
        recall.links = links
            .map(|((link, channel), messages)| OfLink {
                link: link.to_owned(),
                channel: channel.to_owned(),
                messages,
            })
            .collect();
        recall
    }
}

impl Messages {
    fn of(row: &DeliveryItem) -> Self {
        let told = row.accepted + row.failed + row.unknown + row.expired + row.on_the_wire;
        // What was never fetched is in no count of the link: it is whoever is left of all.
        let left = row.planned.saturating_sub(told);
        let is_over = row.finished.is_some();
        Self {
            withdrawn: if is_over { left } else { row.withdrawn },
            on_the_wire: row.on_the_wire,
            accepted: row.accepted,
            delivered: row.delivered,
            failed: row.failed,
            unknown: row.unknown,
            expired: row.expired,
        }
    }

    const fn add(&mut self, other: Self) {
        self.withdrawn = self.withdrawn.saturating_add(other.withdrawn);
        self.on_the_wire = self.on_the_wire.saturating_add(other.on_the_wire);
        self.accepted = self.accepted.saturating_add(other.accepted);
        self.delivered = self.delivered.saturating_add(other.delivered);
        self.failed = self.failed.saturating_add(other.failed);
        self.unknown = self.unknown.saturating_add(other.unknown);
        self.expired = self.expired.saturating_add(other.expired);
    }
}

impl OfJob {
    fn of(row: &DeliveryItem, job: &JobItem) -> Self {
        Self {
            link: row.link.clone(),
            job: row.intent.clone(),
            state: job.state.clone(),
            counts: job.counts,
        }
    }
}

impl Published {
    /// Nothing where it never left.
    fn of(row: &DeliveryItem) -> Option<Self> {
        let confirmed = row.accepted > 0;
        let may_be_there = confirmed || row.unknown > 0 || row.on_the_wire > 0;
        may_be_there.then(|| Self {
            link: row.link.clone(),
            channel: row.channel.clone(),
            revision: row.revision,
            confirmed,
        })
    }
}

fn is_document(channel: &str) -> bool {
    let mut all = Channel::ALL.iter();
    all.find(|it| it.name() == channel)
        .is_some_and(|it| it.is_document())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(link: &str, channel: Channel, revision: u32) -> DeliveryItem {
        DeliveryItem {
            warning: "w".into(),
            revision,
            link: link.into(),
            channel: channel.name().into(),
            planned: 100,
            finished: Some("2023-09-07T12:00:00+08:00".into()),
            ..DeliveryItem::default()
        }
    }

    #[test]
    fn what_never_left_is_withdrawn_and_the_rest_is_beyond_recall() {
        let sms = DeliveryItem {
            accepted: 30,
            delivered: 20,
            failed: 2,
            unknown: 1,
            on_the_wire: 7,
            withdrawn: 5,
            ..row("sms", Channel::Sms, 1)
        };
        let mail = row("email", Channel::Email, 2);
        let cap = DeliveryItem {
            planned: 1,
            accepted: 1,
            ..row("cap", Channel::Cap, 1)
        };
        let unsent = DeliveryItem {
            planned: 1,
            ..row("cell/a", Channel::Cell, 1)
        };
        let end = DeliveryItem {
            accepted: 100,
            ..row("sms", Channel::Sms, 3)
        };
        let rows = [sms, mail, cap, unsent, end];
        let recall = Recall::of(&rows, "w", 2);
        let expected = Messages {
            withdrawn: 160,
            on_the_wire: 7,
            accepted: 30,
            delivered: 20,
            failed: 2,
            unknown: 1,
            expired: 0,
        };
        assert_eq!(recall.sum, expected, "of the revisions before the end");
        assert_eq!(recall.links.len(), 2);
        let published: Vec<&str> = recall.published.iter().map(|it| it.link.as_str()).collect();
        assert_eq!((published, recall.settled), (vec!["cap"], true));
        assert_eq!(Recall::of(&rows, "other", 2).links, []);
    }

    #[test]
    fn what_goes_on_is_counted_as_its_link_knows_it() {
        let going = DeliveryItem {
            accepted: 30,
            withdrawn: 5,
            finished: None,
            ..row("sms", Channel::Sms, 1)
        };
        let recall = Recall::of(&[going], "w", 1);
        assert_eq!((recall.sum.withdrawn, recall.settled), (5, false));
    }
}
