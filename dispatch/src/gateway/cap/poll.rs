//! Polls an Atom feed of another authority and hands each alert over until it is stored.

use super::feed::{self, Entry, FEED_BYTES_MAX, FeedError};
use super::read::{ALERT_BYTES_MAX, Cover, ReadError, read, read_element};
use super::signature::{SignatureFault, Signers};
use crate::gateway::http::body_within;
use futures_util::StreamExt;
use model::{AreaCode, Signal};
use reqwest::header::{ETAG, IF_MODIFIED_SINCE, IF_NONE_MATCH, LAST_MODIFIED};
use reqwest::{StatusCode, Url};
use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

/// Alerts fetched at the same time.
pub const FETCHES_MAX: usize = 4;
/// Alerts fetched in one round; the rest come in the next.
pub const PER_ROUND_MAX: usize = 200;
/// Entries remembered as stored.
pub const SEEN_MAX: usize = 10_000;

/// A feed to follow.
#[derive(Clone, Debug)]
pub struct PollConfig {
    /// Address of the feed.
    pub feed: Url,
    /// Hosts beside the feed's own that its links may point to.
    pub hosts: Vec<String>,
    /// Wait between two rounds.
    pub every: Duration,
    /// Whose signature each alert must have; nothing where they need none.
    pub signers: Option<Signers>,
}

/// Why a round gave nothing.
#[derive(Debug, thiserror::Error)]
pub enum PollError {
    /// No answer, or a broken one.
    #[error("{feed}: {error}")]
    Http {
        /// The feed.
        feed: Url,
        /// What happened.
        error: reqwest::Error,
    },
    /// Answered, but not with the feed.
    #[error("{feed}: status {status}; redirects are not followed, configure the final address")]
    Status {
        /// The feed.
        feed: Url,
        /// What it said.
        status: StatusCode,
    },
    /// Longer than allowed.
    #[error("{feed}: longer than {FEED_BYTES_MAX} bytes")]
    TooLarge {
        /// The feed.
        feed: Url,
    },
    /// Not a feed.
    #[error("{feed}: {error}")]
    Feed {
        /// The feed.
        feed: Url,
        /// What is wrong.
        error: FeedError,
    },
}

/// Why one entry gave nothing; the others are not held up.
#[derive(Debug, thiserror::Error)]
pub enum EntryError {
    /// Neither a link nor an alert.
    #[error("entry {0:?} has neither a link nor an alert")]
    Nothing(String),
    /// The link cannot be followed.
    #[error("link {0:?} is no http address, or its host is not among those configured")]
    Link(String),
    /// No answer, or a broken one; tried again in the next round.
    #[error("{link}: {error}")]
    Http {
        /// The link.
        link: Url,
        /// What happened.
        error: reqwest::Error,
    },
    /// Answered, but not with the alert; tried again in the next round.
    #[error("{link}: status {status}")]
    Status {
        /// The link.
        link: Url,
        /// What it said.
        status: StatusCode,
    },
    /// Longer than allowed.
    #[error("{0}: longer than {ALERT_BYTES_MAX} bytes")]
    TooLarge(Url),
    /// Not signed by whom it must be: not asked for again.
    #[error("{id}: {error}")]
    Signature {
        /// Entry id or link.
        id: String,
        /// What is wrong.
        error: SignatureFault,
    },
    /// Not an alert we take.
    #[error("{id}: {error}")]
    Alert {
        /// Entry id or link.
        id: String,
        /// What is wrong.
        error: ReadError,
    },
}

/// What one entry gave.
#[derive(Debug)]
pub struct Found {
    /// Its signals.
    pub signals: Vec<Signal>,
    key: String,
}

/// What one round gave.
#[derive(Debug, Default)]
pub struct Round {
    /// New entries, in the order of the feed from its end: oldest first. Each comes again in the
    /// next round unless [`Poller::stored`] is told of it.
    pub found: Vec<Found>,
    /// Entries that gave nothing, with the reason.
    pub faults: Vec<EntryError>,
    /// True where the far side said that nothing changed.
    pub unchanged: bool,
}

/// Follows one feed.
#[derive(Debug)]
pub struct Poller {
    client: reqwest::Client,
    config: PollConfig,
    etag: Option<String>,
    modified: Option<String>,
    seen: Seen,
    /// Entries handed over and not stored.
    open: usize,
}

impl Poller {
    /// A poller that has seen nothing; alerts the journal knows are dropped there by identifier.
    pub fn new(client: reqwest::Client, config: PollConfig) -> Self {
        Self {
            client,
            config,
            etag: None,
            modified: None,
            seen: Seen::default(),
            open: 0,
        }
    }

    /// How long to wait between two rounds.
    pub const fn every(&self) -> Duration {
        self.config.every
    }

    /// What this entry gave is on disk: it is not handed over again.
    pub fn stored(&mut self, found: Found) {
        self.open = self.open.saturating_sub(1);
        self.seen.add(found.key);
    }

    /// One round.
    ///
    /// # Errors
    /// The feed itself could not be read; single entries are in [`Round::faults`].
    pub async fn poll(
        &mut self,
        areas: &(dyn Fn(Cover<'_>) -> Vec<AreaCode> + Sync),
    ) -> Result<Round, PollError> {
        if std::mem::take(&mut self.open) > 0 {
            // A 304 would hide what could not be stored.
            (self.etag, self.modified) = (None, None);
        }
        let Some((bytes, etag, modified)) = self.fetch_feed().await? else {
            return Ok(Round {
                unchanged: true,
                ..Round::default()
            });
        };
        let feed = feed::read(&bytes).map_err(|error| PollError::Feed {
            feed: self.config.feed.clone(),
            error,
        })?;
        let mut fresh: Vec<(String, Entry)> = feed
            .entries
            .into_iter()
            .map(|entry| (key(&entry), entry))
            .filter(|(key, _)| !self.seen.has(key))
            .collect();
        fresh.reverse();
        let more = fresh.len() > PER_ROUND_MAX;
        fresh.truncate(PER_ROUND_MAX);
        let mut round = Round::default();
        let mut again = more;
        let mut fetches = Vec::with_capacity(fresh.len());
        for (_, entry) in &fresh {
            fetches.push(fetch_alert(self.client.clone(), self.wanted(entry)));
        }
        let results: Vec<_> = futures_util::stream::iter(fetches)
            .buffered(FETCHES_MAX)
            .collect()
            .await;
        for ((key, entry), result) in fresh.into_iter().zip(results) {
            let signers = self.config.signers.as_ref();
            match result.and_then(|bytes| signals(&entry, bytes.as_deref(), signers, areas)) {
                Ok(signals) => {
                    self.open += 1;
                    round.found.push(Found { signals, key });
                }
                Err(error) => {
                    // What may be cured by asking again is asked again, the rest is not.
                    match error {
                        EntryError::Http { .. } | EntryError::Status { .. } => again = true,
                        EntryError::Nothing(_)
                        | EntryError::Link(_)
                        | EntryError::TooLarge(_)
                        | EntryError::Signature { .. }
                        | EntryError::Alert { .. } => self.seen.add(key),
                    }
                    round.faults.push(error);
                }
            }
        }
        // A validator kept over an unfinished round would hide the rest behind a 304.
        (self.etag, self.modified) = if again {
            (None, None)
        } else {
            (etag, modified)
        };
        Ok(round)
    }

    async fn fetch_feed(
        &self,
    ) -> Result<Option<(Vec<u8>, Option<String>, Option<String>)>, PollError> {
        let http = |error| PollError::Http {
            feed: self.config.feed.clone(),
            error,
        };
        let mut request = self.client.get(self.config.feed.clone());
        if let Some(etag) = &self.etag {
            request = request.header(IF_NONE_MATCH, etag);
        }
        if let Some(modified) = &self.modified {
            request = request.header(IF_MODIFIED_SINCE, modified);
        }
        let response = request.send().await.map_err(http)?;
        match response.status() {
            StatusCode::OK => {}
            StatusCode::NOT_MODIFIED => return Ok(None),
            status => {
                return Err(PollError::Status {
                    feed: self.config.feed.clone(),
                    status,
                });
            }
        }
        let text = |name| {
            let value = response.headers().get(name)?;
            value.to_str().ok().map(str::to_owned)
        };
        let (etag, modified) = (text(ETAG), text(LAST_MODIFIED));
        let body = body_within(response, FEED_BYTES_MAX).await.map_err(http)?;
        let bytes = body.ok_or_else(|| PollError::TooLarge {
            feed: self.config.feed.clone(),
        })?;
        Ok(Some((bytes, etag, modified)))
    }

    /// Where the alert is to be fetched; `None` where the entry carries it.
    fn wanted(&self, entry: &Entry) -> Result<Option<Url>, EntryError> {
        if entry.alert.is_some() {
            return Ok(None);
        }
        let link = entry.link.as_deref();
        let link = link.ok_or_else(|| EntryError::Nothing(entry.id.clone()))?;
        self.allowed(link).map(Some)
    }

    /// Links lead to the feed's host and port or to hosts named in the configuration: a feed must
    /// not make us call addresses inside our own network.
    fn allowed(&self, link: &str) -> Result<Url, EntryError> {
        let refused = || EntryError::Link(link.chars().take(200).collect());
        let url = self.config.feed.join(link).map_err(|_| refused())?;
        let host = url.host_str().ok_or_else(refused)?;
        let own = self.config.feed.host_str() == Some(host)
            && self.config.feed.port_or_known_default() == url.port_or_known_default();
        let named = self.config.hosts.iter().any(|h| h == host);
        let http = matches!(url.scheme(), "http" | "https");
        if http && (own || named) {
            Ok(url)
        } else {
            Err(refused())
        }
    }
}

/// Owns what it uses, so that rounds can run in any task.
async fn fetch_alert(
    client: reqwest::Client,
    wanted: Result<Option<Url>, EntryError>,
) -> Result<Option<Vec<u8>>, EntryError> {
    let Some(link) = wanted? else {
        return Ok(None);
    };
    let http = |error| EntryError::Http {
        link: link.clone(),
        error,
    };
    let response = client.get(link.clone()).send().await.map_err(http)?;
    if response.status() != StatusCode::OK {
        return Err(EntryError::Status {
            status: response.status(),
            link,
        });
    }
    let body = body_within(response, ALERT_BYTES_MAX).await.map_err(http)?;
    body.map(Some).ok_or(EntryError::TooLarge(link))
}

fn signals(
    entry: &Entry,
    bytes: Option<&[u8]>,
    signers: Option<&Signers>,
    areas: &(dyn Fn(Cover<'_>) -> Vec<AreaCode> + Sync),
) -> Result<Vec<Signal>, EntryError> {
    let id = || entry.link.clone().unwrap_or_else(|| entry.id.clone());
    if let Some(signers) = signers {
        // A signature goes for an alert by itself: what a feed holds was put into another document.
        let verified = match bytes {
            Some(bytes) => signers.verify(bytes),
            None => Err(SignatureFault::Unsigned),
        };
        verified.map_err(|error| EntryError::Signature { id: id(), error })?;
    }
    let result = match (&entry.alert, bytes) {
        (Some(alert), _) => read_element(alert, areas),
        (None, Some(bytes)) => read(bytes, areas),
        (None, None) => return Err(EntryError::Nothing(entry.id.clone())),
    };
    result.map_err(|error| EntryError::Alert { id: id(), error })
}

/// What an entry is known by: an entry with a new `updated` is looked at again.
fn key(entry: &Entry) -> String {
    let name = if entry.id.is_empty() {
        entry.link.as_deref().unwrap_or(&entry.title)
    } else {
        &entry.id
    };
    let updated = entry.updated.map_or(0, model::Time::millis);
    format!("{name}\n{updated}")
}

#[derive(Debug, Default)]
struct Seen {
    keys: BTreeSet<String>,
    order: VecDeque<String>,
}

impl Seen {
    fn has(&self, key: &str) -> bool {
        self.keys.contains(key)
    }

    fn add(&mut self, key: String) {
        if self.keys.insert(key.clone()) {
            self.order.push_back(key);
        }
        while self.order.len() > SEEN_MAX {
            if let Some(oldest) = self.order.pop_front() {
                self.keys.remove(&oldest);
            }
        }
    }
}
