//! What became of a job: counts by state, district and five minutes, never a person.

use super::Reading;
use super::wire_time;
use crate::intent::IntentId;
use model::{AreaCode, Time};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::ops::AddAssign;

/// How far a job is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// Read, and waiting to be released.
    Read,
    /// Messages leave.
    Running,
    /// None leaves until it is resumed.
    Paused,
    /// Everything that was to leave has left, and the time for receipts is over.
    Done,
    /// Ended by the sender; what was unsent never leaves.
    Killed,
    /// Its time was over before everything had left.
    Expired,
}

/// Numbers by what became of each; every number of the job is in exactly one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Not sent yet.
    pub waiting: u64,
    /// Taken by the carrier's centre, no receipt yet.
    pub accepted: u64,
    /// On the phone.
    pub delivered: u64,
    /// Refused for good.
    pub failed: u64,
    /// Perhaps sent: no answer came.
    pub unknown: u64,
    /// Too late.
    pub expired: u64,
    /// Taken back before it left.
    pub withdrawn: u64,
}

/// Numbers whose first answer came within five minutes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Slot {
    /// Start of the five minutes.
    #[serde(with = "wire_time")]
    pub from: Time,
    /// Taken by the carrier's centre.
    pub accepted: u64,
    /// Refused.
    pub failed: u64,
}

/// The whole of what the far side says about a job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// Number of the job.
    pub job: IntentId,
    /// How far it is.
    pub phase: Phase,
    /// How it was understood when it was last read.
    pub reading: Reading,
    /// All of it.
    pub counts: Counts,
    /// By district, 12-digit code.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub by_district: BTreeMap<AreaCode, Counts>,
    /// In order of time; only those in which anything was answered.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub five_minutes: Vec<Slot>,
    /// When the first message left.
    #[serde(
        with = "wire_time::option",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub started: Option<Time>,
    /// When the last one was answered, of a job that is over.
    #[serde(
        with = "wire_time::option",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub finished: Option<Time>,
}

/// Counts of one report that cannot all be true.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Discord {
    /// The districts are not the whole.
    #[error("districts add up to {districts}, the job to {job}")]
    Districts {
        /// All districts together.
        districts: u64,
        /// The job.
        job: u64,
    },
    /// A job that is over has messages waiting.
    #[error("it is over and {0} are said to wait")]
    Waiting(u64),
    /// More numbers than the reading had heads.
    #[error("it counts {counted} numbers, its reading {heads}")]
    Heads {
        /// Sum of the counts.
        counted: u64,
        /// The reading's.
        heads: u64,
    },
}

impl Phase {
    /// The word in documents.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Done => "done",
            Self::Killed => "killed",
            Self::Expired => "expired",
        }
    }

    /// True where nothing changes any more.
    pub const fn is_over(self) -> bool {
        match self {
            Self::Read | Self::Running | Self::Paused => false,
            Self::Done | Self::Killed | Self::Expired => true,
        }
    }
}

impl Counts {
    /// All numbers of the job.
    pub const fn total(&self) -> u64 {
        self.waiting
            .saturating_add(self.sent())
            .saturating_add(self.expired)
            .saturating_add(self.withdrawn)
    }

    /// Those that left, or may have.
    pub const fn sent(&self) -> u64 {
        self.accepted
            .saturating_add(self.delivered)
            .saturating_add(self.failed)
            .saturating_add(self.unknown)
    }
}

impl AddAssign for Counts {
    /// What another side says may be of any size.
    fn add_assign(&mut self, other: Self) {
        let sum = |mine: &mut u64, theirs: u64| *mine = mine.saturating_add(theirs);
        sum(&mut self.waiting, other.waiting);
        sum(&mut self.accepted, other.accepted);
        sum(&mut self.delivered, other.delivered);
        sum(&mut self.failed, other.failed);
        sum(&mut self.unknown, other.unknown);
        sum(&mut self.expired, other.expired);
        sum(&mut self.withdrawn, other.withdrawn);
    }
}

impl Report {
    /// True where nothing in it changes any more: of a job that was ended, receipts of what had
    /// left may still come.
    pub const fn is_settled(&self) -> bool {
        match self.phase {
            Phase::Done | Phase::Expired => true,
            Phase::Killed => self.counts.waiting == 0 && self.counts.accepted == 0,
            Phase::Read | Phase::Running | Phase::Paused => false,
        }
    }

    /// Everything in it that contradicts itself. Of a job that was ended just now some may be on
    /// their way for a moment.
    pub fn discords(&self) -> Vec<Discord> {
        let mut discords = Vec::new();
        let job = self.counts.total();
        if !self.by_district.is_empty() {
            let mut all = Counts::default();
            self.by_district.values().for_each(|counts| all += *counts);
            if all != self.counts {
                let districts = all.total();
                discords.push(Discord::Districts { districts, job });
            }
        }
        if self.phase == Phase::Done && self.counts.waiting > 0 {
            discords.push(Discord::Waiting(self.counts.waiting));
        }
        if job > self.reading.heads {
            discords.push(Discord::Heads {
                counted: job,
                heads: self.reading.heads,
            });
        }
        discords
    }
}
