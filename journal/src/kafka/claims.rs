//! Which partitions this process owns: membership of a consumer group that fetches nothing.

use super::client;
use super::options::KafkaOptions;
use super::tail::Tail;
use super::writers::Writers;
use super::{owners, wire};
use crate::{Claim, JournalError, Partition, Release, Topic};
use rdkafka::ClientContext;
use rdkafka::TopicPartitionList;
use rdkafka::config::FromClientConfigAndContext;
use rdkafka::consumer::{BaseConsumer, Consumer as _, ConsumerContext, Rebalance};
use rdkafka::error::KafkaError;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

/// Between two looks at whether the membership is given up.
const TURN: Duration = Duration::from_millis(100);
/// Longest wait for who had a partition to finish with it, where it goes to another node in peace.
const FINISH: Duration = Duration::from_secs(10);

/// A member of the group that owns the partitions of one topic. Leaves it when dropped, so that
/// others need not wait for a session to time out.
#[derive(Debug)]
pub(crate) struct Membership {
    left: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

struct Member {
    topic: Topic,
    asked: Vec<Partition>,
    writers: Arc<Writers>,
    tail: Arc<Tail>,
    changes: SyncSender<Claim>,
}

impl Membership {
    /// Joins the group of `topic`'s owners for those of `asked` that it is given.
    pub(crate) fn join(
        options: &KafkaOptions,
        writers: Arc<Writers>,
        tail: Arc<Tail>,
        topic: Topic,
        asked: &[Partition],
    ) -> Result<(Receiver<Claim>, Self), JournalError> {
        // Room for every partition to come and go once before anybody looks.
        let (sender, changes) = sync_channel(asked.len().max(1) * 2);
        let member = Member {
            topic,
            asked: asked.to_vec(),
            writers,
            tail,
            changes: sender,
        };
        let group = owners(&options.prefix, topic);
        let failed = |error| JournalError::brokers("join the owners", error);
        let config = options.member(&group);
        let consumer = BaseConsumer::from_config_and_context(&config, member).map_err(failed)?;
        let name = wire::name(&options.prefix, topic);
        consumer.subscribe(&[name.as_str()]).map_err(failed)?;
        let left = Arc::new(AtomicBool::new(false));
        let leaving = Arc::clone(&left);
        let thread = std::thread::Builder::new()
            .name("kafka-claims".to_owned())
            .spawn(move || {
                while !leaving.load(Ordering::Acquire) {
                    if let Some(Err(error)) = consumer.poll(TURN) {
                        client::say(&error, "in the group of owners");
                    }
                }
            })
            .map_err(|source| JournalError::file("start", "a thread", source))?;
        let membership = Self {
            left,
            thread: Some(thread),
        };
        Ok((changes, membership))
    }
}

impl Drop for Membership {
    fn drop(&mut self) {
        self.left.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

impl Member {
    fn partitions(&self, list: &TopicPartitionList) -> Vec<Partition> {
        let given = list.elements();
        let given = given.iter().filter_map(|element| {
            let partition = u16::try_from(element.partition()).ok()?;
            Some(Partition(partition))
        });
        given.filter(|p| self.asked.contains(p)).collect()
    }

    fn give_up(&self, partitions: &[Partition]) {
        for partition in partitions {
            self.writers.revoke(self.topic, *partition);
            // What is found by its key is read by everybody, owner or not.
            if !wire::is_compacted(self.topic.kind) {
                self.tail.forget((self.topic, *partition));
            }
        }
    }

    fn say(&self, claim: Claim) {
        // Where nobody looks any more the membership is about to end.
        let _ = self.changes.send(claim);
    }
}

impl ClientContext for Member {
    fn error(&self, error: KafkaError, reason: &str) {
        client::say(&error, reason);
    }
}

impl ConsumerContext for Member {
    /// Before the next owner can begin, who has the partitions here finishes with them; from then
    /// on nothing of ours is accepted any more.
    fn pre_rebalance(&self, consumer: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        let Rebalance::Revoke(list) = rebalance else {
            return;
        };
        let partitions = self.partitions(list);
        if consumer.assignment_lost() {
            self.give_up(&partitions);
            for partition in partitions {
                self.say(Claim::Revoked(self.topic, partition, Release::late()));
            }
            return;
        }
        let (release, finished) = Release::awaited();
        for partition in &partitions {
            self.say(Claim::Revoked(self.topic, *partition, release.clone()));
        }
        drop(release);
        // Nothing is ever sent: it is over once nobody holds the other end.
        let _ = finished.recv_timeout(FINISH);
        self.give_up(&partitions);
    }

    /// What the owner before left open is ended before the partition is called ours.
    fn post_rebalance(&self, consumer: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        if let Rebalance::Assign(list) = rebalance {
            // Members read by the tail, not here.
            if let Err(error) = consumer.pause(list) {
                tracing::warn!(%error, "partitions of the group are not paused");
            }
            let partitions = self.partitions(list);
            self.writers
                .grant_all(self.topic, &partitions, |partition, granted| {
                    if let Err(error) = granted {
                        // Whoever serves it hears the same at its first write, and can end for it.
                        tracing::error!(%error, topic = %self.topic, partition = partition.0, "not taken over");
                    }
                    self.say(Claim::Granted(self.topic, partition));
                });
        }
    }
}
