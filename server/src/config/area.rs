//! Area jobs: where a centre sends them, and whom a relay takes them from.

use super::secret_text;
use crate::clock::Clock;
use crate::relay::{Centre, fetch};
use dispatch::gateway::area::{Band, ListKind, Mailbox, TargetConfig, Way};
use dispatch::gateway::gate::GateConfig;
use model::{AuthorityId, Span};
use serde::Deserialize;
use std::collections::BTreeSet;
use std::path::PathBuf;

/// Heads for a thousand inhabitants that a job may reach, where nothing else is said: a carrier has
/// a share of the market, and some people have several cards.
const PER_THOUSAND: [u32; 2] = [50, 3_000];
/// Heads of any one job, where nothing else is said.
const HEADS_MAX: u64 = 50_000_000;

/// A release platform or a carrier that takes area jobs.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AreaSection {
    /// Name in metrics and on the screen.
    pub(crate) name: String,
    #[serde(default)]
    url: String,
    /// True where it lets nobody in and comes for its calls.
    #[serde(default)]
    fetched: bool,
    /// File that holds the shared secret alone.
    pub(super) secret_file: PathBuf,
    /// Heads for each thousand inhabitants, at least and at most: outside of it a job is held.
    #[serde(default)]
    heads_per_thousand: Option<[u32; 2]>,
    /// Heads of any one job at most.
    #[serde(default)]
    heads_max: Option<u64>,
    /// Lists that it may count from: `resident`, `usual`, `present`, `inbound`, `subscribed`; empty
    /// means any.
    #[serde(default)]
    lists: Vec<ListKind>,
    /// How many days old a list may be.
    #[serde(default)]
    list_age_max_days: Option<u16>,
}

/// Who sends area jobs to this relay.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CentreSection {
    /// Name in metrics and logs.
    pub(crate) name: String,
    /// File that holds the shared secret alone.
    pub(super) secret_file: PathBuf,
    /// The authorities in whose name it may speak.
    pub(super) authorities: Vec<AuthorityId>,
    /// Where this relay comes for the centre's calls, where the centre cannot call it: what `carriers/…`
    /// is put behind, tried in turn.
    #[serde(default)]
    fetch_from: Vec<String>,
    /// Our name there, as its `[[area]]` has it.
    #[serde(default)]
    carrier: String,
}

impl AreaSection {
    /// The name of its link.
    pub(super) fn link_name(&self) -> String {
        format!("area/{}", self.name)
    }

    /// What is wrong in itself.
    pub(super) fn fault(&self) -> Option<(&'static str, String, &'static str)> {
        if self.fetched && !self.url.is_empty() {
            let remedy = "leave url out, or fetched";
            return Some(("area.url", "one that fetches is not called".into(), remedy));
        }
        if !self.fetched && !is_http(&self.url) {
            let remedy = "write the address that jobs/ is put behind: https://relay.example.cn/v1/";
            return Some(("area.url", "it is not an address of HTTP".into(), remedy));
        }
        let [least, most] = self.heads_per_thousand.unwrap_or(PER_THOUSAND);
        if least >= most {
            let what = format!("{least} at least and {most} at most leave nothing between them");
            return Some(("area.heads_per_thousand", what, "write the lower one first"));
        }
        None
    }

    /// What the gateway takes; reads the secret.
    pub(crate) fn gateway(&self) -> Result<TargetConfig, String> {
        let secret = secret_text(&self.secret_file)?.into_bytes();
        let way = if self.fetched {
            Way::Fetched(Mailbox::new(&secret, Clock::wall().now()))
        } else {
            let url = self.url.parse();
            Way::Pushed(url.map_err(|error| format!("area {}: url: {error}", self.name))?)
        };
        Ok(TargetConfig {
            name: self.name.clone(),
            way,
            secret,
            gate: GateConfig {
                in_flight_max: 8,
                waiting_max: 2_000,
                failures_max: 5,
                pause: Span::from_seconds(10),
            },
        })
    }

    /// Within which the heads of its jobs must lie.
    pub(crate) fn band(&self) -> Band {
        let [least, most] = self.heads_per_thousand.unwrap_or(PER_THOUSAND);
        Band {
            per_thousand: (least, most),
            heads_max: self.heads_max.unwrap_or(HEADS_MAX),
            lists: self.lists.clone(),
            list_age_max: self
                .list_age_max_days
                .map(|days| Span::from_minutes(i64::from(days) * 24 * 60)),
        }
    }
}

fn is_http(url: &str) -> bool {
    let url = reqwest::Url::parse(url);
    url.is_ok_and(|url| url.scheme().starts_with("http"))
}

impl CentreSection {
    /// What is wrong in itself.
    pub(super) fn fault(&self) -> Option<(&'static str, String, &'static str)> {
        if let Some(url) = self.fetch_from.iter().find(|url| !is_http(url)) {
            let remedy =
                "write the address that carriers/ is put behind: https://warn.example.cn/v1/";
            let what = format!("{url:?} is not an address of HTTP");
            return Some(("centre.fetch_from", what, remedy));
        }
        if self.carrier.is_empty() != self.fetch_from.is_empty() {
            let remedy = "write both, the name as the centre's [[area]] has it, or neither";
            let what = "fetch_from and carrier go together".to_owned();
            return Some(("centre.carrier", what, remedy));
        }
        None
    }

    /// Where its calls are fetched; nothing where it calls. Reads the secret.
    pub(crate) fn fetching(&self) -> Result<Option<fetch::From>, String> {
        if self.fetch_from.is_empty() {
            return Ok(None);
        }
        let urls = self.fetch_from.iter().map(|url| url.parse());
        let urls: Result<Vec<reqwest::Url>, _> = urls.collect();
        let centre = self.centre()?;
        Ok(Some(fetch::From {
            name: centre.name,
            secret: centre.secret,
            urls: urls.map_err(|error| format!("centre {}: fetch_from: {error}", self.name))?,
            carrier: self.carrier.clone(),
        }))
    }

    /// What the relay knows it by; reads the secret.
    pub(crate) fn centre(&self) -> Result<Centre, String> {
        Ok(Centre {
            name: self.name.clone(),
            secret: secret_text(&self.secret_file)?.into_bytes(),
            authorities: self.authorities.iter().copied().collect::<BTreeSet<_>>(),
        })
    }
}
