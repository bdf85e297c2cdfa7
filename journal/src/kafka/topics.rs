//! The topics of a deployment: what they must be, making them, and comparing.

use super::options::{KafkaOptions, RECORD_BYTES_MAX};
use super::waiting::pause;
use super::{CALL, wire};
use crate::{JournalError, Kind, Mode, Retention, Retentions, Topic};
use rdkafka::admin::{
    AdminClient, AdminOptions, NewPartitions, NewTopic, ResourceSpecifier, TopicReplication,
};
use rdkafka::client::DefaultClientContext;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rustc_hash::FxHashMap;
use std::future::Future;
use std::time::Duration;

/// How often a missing topic is looked for.
const LOOKS_MAX: usize = 8;
/// Between two looks.
const BETWEEN_LOOKS: Duration = Duration::from_millis(500);

/// How many partitions and copies the topics have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Partitions of topics by zone.
    pub zones: u16,
    /// Partitions of topics by link.
    pub links: u16,
    /// Copies of each partition.
    pub replication: u16,
    /// Copies that must have a record before it counts as written.
    pub min_insync_replicas: u16,
    /// How long records live.
    pub retentions: Retentions,
}

/// One thing in which a topic is not what it must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Its name in the cluster.
    pub topic: String,
    /// The setting, or `partitions`, `replication`, `topic`.
    pub what: String,
    /// What the cluster has; empty where the topic is missing.
    pub found: String,
    /// What it must be.
    pub wanted: String,
}

impl Layout {
    /// Partitions of the topics of a kind.
    pub fn partitions(&self, kind: Kind) -> u16 {
        match kind {
            Kind::Input | Kind::Warnings | Kind::Series => self.zones,
            Kind::Deliveries | Kind::Receipts | Kind::Ledger => self.links,
            // One for each zone, each link and the screens.
            Kind::Snapshots => self.zones.max(self.links),
            Kind::DeadLetters | Kind::Registry | Kind::Requests => 1,
        }
        .max(1)
    }

    /// Settings of the topics of a kind, by Kafka's names.
    fn settings(&self, kind: Kind) -> Vec<(&'static str, String)> {
        let mut settings = vec![
            ("min.insync.replicas", self.min_insync_replicas.to_string()),
            ("compression.type", "producer".to_owned()),
            (
                "max.message.bytes",
                (RECORD_BYTES_MAX + (1 << 20)).to_string(),
            ),
            ("message.timestamp.type", "CreateTime".to_owned()),
        ];
        let mut delete = |ms: String, bytes: String| {
            settings.push(("cleanup.policy", "delete".to_owned()));
            settings.push(("retention.ms", ms));
            settings.push(("retention.bytes", bytes));
        };
        let endless = || "-1".to_owned();
        match self.retentions.of(kind) {
            Retention::Trimmed | Retention::Kept => delete(endless(), endless()),
            Retention::Age { ms } => delete(ms.to_string(), endless()),
            Retention::Bytes { bytes } => delete(endless(), bytes.to_string()),
            Retention::Compacted => {
                settings.push(("cleanup.policy", "compact".to_owned()));
                // Who takes a partition over reads all of it: it is kept small.
                settings.push(("segment.bytes", (64 << 20).to_string()));
                settings.push(("min.cleanable.dirty.ratio", "0.2".to_owned()));
            }
        }
        settings
    }
}

/// A client that administers, after the brokers answered.
pub(crate) fn admin(
    options: &KafkaOptions,
) -> Result<AdminClient<DefaultClientContext>, JournalError> {
    let failed = |error: KafkaError| {
        let why = format!(
            "{error}; are {} the right addresses, do they run, and is the login theirs?",
            options.brokers
        );
        JournalError::brokers("reach the brokers", why)
    };
    let admin: AdminClient<DefaultClientContext> = options.client().create().map_err(failed)?;
    admin.inner().fetch_metadata(None, CALL).map_err(failed)?;
    Ok(admin)
}

/// Partitions and copies of each topic there is.
fn found(
    admin: &AdminClient<DefaultClientContext>,
) -> Result<FxHashMap<String, (usize, usize)>, JournalError> {
    let metadata = admin.inner().fetch_metadata(None, CALL);
    let metadata = metadata.map_err(|error| JournalError::brokers("list the topics", error))?;
    let topics = metadata.topics().iter().map(|topic| {
        let partitions = topic.partitions();
        let copies = partitions.iter().map(|p| p.replicas().len()).min();
        (
            topic.name().to_owned(),
            (partitions.len(), copies.unwrap_or_default()),
        )
    });
    Ok(topics.collect())
}

/// Whether a zone is the partition of its number: a district more is another city.
const fn is_by_zone(kind: Kind) -> bool {
    matches!(kind, Kind::Input | Kind::Warnings | Kind::Series)
}

/// Refuses a cluster whose topics of `mode` are missing or have another number of partitions:
/// zones and links are numbered by it.
pub(crate) fn verify(
    admin: &AdminClient<DefaultClientContext>,
    prefix: &str,
    layout: &Layout,
    mode: Mode,
) -> Result<(), JournalError> {
    let mut looks = 1;
    loop {
        let found = found(admin)?;
        let wrong = Kind::ALL.into_iter().find_map(|kind| {
            let topic = wire::name(prefix, Topic::new(kind, mode));
            let wanted = usize::from(layout.partitions(kind));
            let why = match found.get(&topic) {
                None => "it does not exist".to_owned(),
                Some((partitions, _)) if *partitions == wanted => return None,
                // Others may know of more links already.
                Some((partitions, _)) if *partitions > wanted && !is_by_zone(kind) => return None,
                Some((partitions, _)) => format!("it has {partitions} partitions, not {wanted}"),
            };
            Some(JournalError::TopicWrong { topic, why })
        });
        match wrong {
            None => return Ok(()),
            Some(error) if looks == LOOKS_MAX => return Err(error),
            // A broker may not have heard yet of what was made a moment ago.
            Some(_) => pause(BETWEEN_LOOKS),
        }
        looks += 1;
    }
}

impl KafkaOptions {
    /// Makes the topics of `mode` that are missing; gives their names.
    ///
    /// # Errors
    /// Brokers that cannot be reached or refuse, as with fewer brokers than copies.
    pub fn create_topics(&self, layout: &Layout, mode: Mode) -> Result<Vec<String>, JournalError> {
        self.check()?;
        let admin = admin(self)?;
        let names: Vec<(Kind, String)> = Kind::ALL
            .into_iter()
            .map(|kind| (kind, wire::name(&self.prefix, Topic::new(kind, mode))))
            .collect();
        let settings: Vec<_> = names
            .iter()
            .map(|(kind, _)| layout.settings(*kind))
            .collect();
        let wanted = names.iter().zip(&settings).map(|((kind, name), settings)| {
            let copies = TopicReplication::Fixed(i32::from(layout.replication));
            let new = NewTopic::new(name, i32::from(layout.partitions(*kind)), copies);
            settings
                .iter()
                .fold(new, |new, (key, value)| new.set(key, value))
        });
        let wanted: Vec<NewTopic<'_>> = wanted.collect();
        let options = AdminOptions::new()
            .request_timeout(Some(CALL * 3))
            .operation_timeout(Some(CALL * 3));
        let made = block_on(admin.create_topics(&wanted, &options));
        let made = made.map_err(|error| JournalError::brokers("make topics", error))?;
        let mut new = Vec::new();
        for result in made {
            match result {
                Ok(name) => new.push(name),
                Err((_, RDKafkaErrorCode::TopicAlreadyExists)) => {}
                Err((topic, code)) => {
                    let why = format!("brokers do not make it: {code}");
                    return Err(JournalError::TopicWrong { topic, why });
                }
            }
        }
        Ok(new)
    }

    /// Adds the partitions that topics of `mode` lack; gives the names of those that grew. Nothing
    /// moves and nobody has to stop: zones and links are partitions by their number, whatever the
    /// count is.
    ///
    /// # Errors
    /// Brokers that cannot be reached or refuse; a topic that is missing.
    pub fn grow_topics(&self, layout: &Layout, mode: Mode) -> Result<Vec<String>, JournalError> {
        self.check()?;
        let admin = admin(self)?;
        let found = found(&admin)?;
        let mut names = Vec::new();
        for kind in Kind::ALL {
            let topic = wire::name(&self.prefix, Topic::new(kind, mode));
            let wanted = usize::from(layout.partitions(kind));
            match found.get(&topic) {
                Some((partitions, _)) if *partitions < wanted => names.push((topic, wanted)),
                Some(_) => {}
                None => {
                    let why = "it does not exist".to_owned();
                    return Err(JournalError::TopicWrong { topic, why });
                }
            }
        }
        let wanted = names
            .iter()
            .map(|(name, count)| NewPartitions::new(name, *count));
        let wanted: Vec<NewPartitions<'_>> = wanted.collect();
        if wanted.is_empty() {
            return Ok(Vec::new());
        }
        let options = AdminOptions::new()
            .request_timeout(Some(CALL * 3))
            .operation_timeout(Some(CALL * 3));
        let grown = block_on(admin.create_partitions(&wanted, &options));
        let grown = grown.map_err(|error| JournalError::brokers("add partitions", error))?;
        let grown = grown.into_iter().map(|result| {
            result.map_err(|(topic, code)| {
                let why = format!("brokers do not add partitions: {code}");
                JournalError::TopicWrong { topic, why }
            })
        });
        grown.collect()
    }

    /// Deletes all topics under the prefix, with all that is in them: for what is over, as the runs of
    /// benchmarks and tests are.
    ///
    /// # Errors
    /// Brokers that cannot be reached or refuse.
    pub fn delete_topics(&self) -> Result<(), JournalError> {
        self.check()?;
        let admin = admin(self)?;
        let found = found(&admin)?;
        let names: Vec<&str> = found
            .keys()
            .map(String::as_str)
            // Without a prefix that would be everything there is.
            .filter(|name| !self.prefix.is_empty() && name.starts_with(&self.prefix))
            .collect();
        let options = AdminOptions::new().operation_timeout(Some(CALL * 3));
        let deleted = block_on(admin.delete_topics(&names, &options));
        let deleted = deleted.map_err(|error| JournalError::brokers("delete topics", error))?;
        deleted.into_iter().try_for_each(|result| {
            result.map(drop).map_err(|(topic, code)| {
                let why = format!("brokers do not delete it: {code}");
                JournalError::TopicWrong { topic, why }
            })
        })
    }

    /// Every way in which the topics of `mode` are not what `layout` wants.
    ///
    /// # Errors
    /// Brokers that cannot be reached or refuse.
    pub fn compare_topics(
        &self,
        layout: &Layout,
        mode: Mode,
    ) -> Result<Vec<Difference>, JournalError> {
        self.check()?;
        let admin = admin(self)?;
        let found = found(&admin)?;
        let mut differences = Vec::new();
        for kind in Kind::ALL {
            let topic = wire::name(&self.prefix, Topic::new(kind, mode));
            let mut note = |what: &str, found: String, wanted: String| {
                if found != wanted {
                    differences.push(Difference {
                        topic: topic.clone(),
                        what: what.to_owned(),
                        found,
                        wanted,
                    });
                }
            };
            let Some((partitions, copies)) = found.get(&topic) else {
                note("topic", String::new(), "there".to_owned());
                continue;
            };
            let wanted = layout.partitions(kind).to_string();
            note("partitions", partitions.to_string(), wanted);
            let wanted = layout.replication.to_string();
            note("replication", copies.to_string(), wanted);
            let described = block_on(admin.describe_configs(
                &[ResourceSpecifier::Topic(&topic)],
                &AdminOptions::new().request_timeout(Some(CALL)),
            ));
            let failed = |error| JournalError::brokers("describe topics", error);
            let described = described.map_err(failed)?;
            for resource in described.into_iter().flatten() {
                for (key, wanted) in layout.settings(kind) {
                    let value = resource.get(key).and_then(|entry| entry.value.clone());
                    note(key, value.unwrap_or_default(), wanted);
                }
            }
        }
        Ok(differences)
    }
}

/// Waits for an answer of the admin client, whose own thread resolves it.
pub(crate) fn block_on<T>(answer: impl Future<Output = T>) -> T {
    futures_executor::block_on(answer)
}
