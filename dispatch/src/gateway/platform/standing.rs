//! How a form stands with the platform's people, read from its answer. Pure: bytes of others come in
//! here.

use crate::gateway::adapter::answers::first;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// Channels that are read of one answer.
const CHANNELS_MAX: usize = 64;
/// Characters of a text that are kept.
const TEXT_MAX: usize = 300;

/// How far a form is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stage {
    /// There, and looked at by nobody yet.
    Submitted,
    /// Looked at, and not released yet.
    Checked,
    /// On its way over the platform's channels.
    Released,
    /// Every channel is done.
    Finished,
    /// Turned away.
    Rejected,
    /// Taken back by us.
    Withdrawn,
}

/// What one channel made of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChannelCounts {
    /// Recipients it was meant for, in the channel's own unit: phones, screens, stations.
    pub planned: u64,
    /// Those that took it.
    pub sent: u64,
    /// Those that did not.
    pub failed: u64,
}

/// One answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// How far it is.
    pub stage: Stage,
    /// Why it was rejected, in the platform's words.
    pub reason: String,
    /// The platform's own number of the form.
    pub receipt: String,
    /// By channel, in the platform's words for them.
    pub channels: BTreeMap<String, ChannelCounts>,
}

/// Where an answer holds what.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StandingShape {
    /// JSON pointer to how far it is.
    stage: String,
    /// What the platform's words for that mean.
    stages: BTreeMap<String, Stage>,
    /// JSON pointer to the reason of a rejection.
    reason: Option<String>,
    /// JSON pointer to the platform's number.
    receipt: Option<String>,
    channels: Option<ChannelsShape>,
}

/// Where statistics stand.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ChannelsShape {
    /// JSON pointer to the list; the others point within each of it.
    list: String,
    name: String,
    planned: String,
    sent: String,
    failed: String,
}

impl Stage {
    /// The word in documents.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Submitted => "submitted",
            Self::Checked => "checked",
            Self::Released => "released",
            Self::Finished => "finished",
            Self::Rejected => "rejected",
            Self::Withdrawn => "withdrawn",
        }
    }

    /// True where it goes no further.
    pub const fn is_over(self) -> bool {
        match self {
            Self::Submitted | Self::Checked | Self::Released => false,
            Self::Finished | Self::Rejected | Self::Withdrawn => true,
        }
    }
}

impl StandingShape {
    /// Reads an answer that was taken for a good one.
    ///
    /// # Errors
    /// It does not say how far the form is, or in a word that the shape does not have.
    pub fn read(&self, body: &[u8]) -> Result<Standing, String> {
        let body: Value = serde_json::from_slice(body)
            .map_err(|error| format!("its answer is no JSON: {error}"))?;
        let word = text(&body, Some(&self.stage));
        let stage = self.stages.get(&word).copied().ok_or_else(|| {
            format!(
                "its answer says {:?} at {}, which the shape's stages do not have",
                word, self.stage
            )
        })?;
        Ok(Standing {
            stage,
            reason: text(&body, self.reason.as_ref()),
            receipt: text(&body, self.receipt.as_ref()),
            channels: self.channels.as_ref().map_or_else(BTreeMap::new, |shape| {
                let list = body.pointer(&shape.list).and_then(Value::as_array);
                let list = list.into_iter().flatten().take(CHANNELS_MAX);
                list.map(|channel| shape.read(channel)).collect()
            }),
        })
    }

    /// What cannot be.
    pub(super) fn faults(&self) -> Vec<String> {
        let channels = self.channels.iter();
        let of = |c: &ChannelsShape| {
            [&c.list, &c.name, &c.planned, &c.sent, &c.failed].map(Clone::clone)
        };
        let pointers = channels.flat_map(of);
        let optional = [&self.reason, &self.receipt].into_iter().flatten().cloned();
        let pointers = std::iter::once(self.stage.clone())
            .chain(optional)
            .chain(pointers);
        let mut faults: Vec<String> = pointers
            .filter(|pointer| !pointer.starts_with('/'))
            .map(|pointer| format!("{pointer:?} is no JSON pointer: /data/status"))
            .collect();
        for needed in [Stage::Submitted, Stage::Released, Stage::Rejected] {
            if !self.stages.values().any(|stage| *stage == needed) {
                faults.push(format!("no word of the platform means {}", needed.name()));
            }
        }
        faults
    }
}

impl ChannelsShape {
    fn read(&self, channel: &Value) -> (String, ChannelCounts) {
        let number = |pointer: &String| text(channel, Some(pointer)).parse().unwrap_or(0);
        let counts = ChannelCounts {
            planned: number(&self.planned),
            sent: number(&self.sent),
            failed: number(&self.failed),
        };
        (text(channel, Some(&self.name)), counts)
    }
}

/// A text or number without control characters, cut; empty where there is none.
fn text(body: &Value, pointer: Option<&String>) -> String {
    let found = pointer.and_then(|pointer| first(std::slice::from_ref(pointer), body));
    let found = found.unwrap_or_default();
    let shown = found.chars().filter(|c| !c.is_control());
    shown.take(TEXT_MAX).collect()
}
