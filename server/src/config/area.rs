//! Area jobs: where a centre sends them, and whom a relay takes them from.

use super::secret_text;
use crate::relay::Centre;
use dispatch::gateway::area::{Band, ListKind, TargetConfig};
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
    url: String,
    /// File that holds the shared secret alone.
    pub(super) secret_file: PathBuf,
    /// Heads for each thousand inhabitants, at least and at most: outside of it a job is held.
    #[serde(default)]
    heads_per_thousand: Option<[u32; 2]>,
    /// Heads of any one job at most.
    #[serde(default)]
    heads_max: Option<u64>,
    /// Lists that it may count from: `resident`, `present`, `subscribed`; empty means any.
    #[serde(default)]
    lists: Vec<ListKind>,
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
}

impl AreaSection {
    /// The name of its link.
    pub(super) fn link_name(&self) -> String {
        format!("area/{}", self.name)
    }

    /// What is wrong in itself.
    pub(super) fn fault(&self) -> Option<(&'static str, String, &'static str)> {
        let url = reqwest::Url::parse(&self.url);
        if !url.is_ok_and(|url| url.scheme().starts_with("http")) {
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
        let url = self.url.parse();
        Ok(TargetConfig {
            name: self.name.clone(),
            url: url.map_err(|error| format!("area {}: url: {error}", self.name))?,
            secret: secret_text(&self.secret_file)?.into_bytes(),
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
        }
    }
}

impl CentreSection {
    /// What the relay knows it by; reads the secret.
    pub(crate) fn centre(&self) -> Result<Centre, String> {
        Ok(Centre {
            name: self.name.clone(),
            secret: secret_text(&self.secret_file)?.into_bytes(),
            authorities: self.authorities.iter().copied().collect::<BTreeSet<_>>(),
        })
    }
}
