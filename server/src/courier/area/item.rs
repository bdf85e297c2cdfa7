//! An area job as screens show it, and what people do with it.

use super::Told;
use crate::view::{DeliveryItem, View};
use dispatch::gateway::area::{Act, Counts, Reading, Report, Slot};
use dispatch::gateway::platform::{ChannelCounts, Stage, Standing};
use dispatch::intent::IntentId;
use model::{AreaCode, Channel, SendError, Time};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How a job stands: its reading, what is objected to, its counts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct JobItem {
    /// `held`, `refused` or `unreachable`, or the far side's word for its phase or stage.
    pub(crate) state: String,
    /// Why it is held, or what went wrong.
    pub(crate) objections: Vec<String>,
    /// Heads of the last reading.
    pub(crate) heads: u64,
    /// Heads of each area as it was understood.
    pub(crate) areas: BTreeMap<AreaCode, u64>,
    /// What the heads are counted from.
    pub(crate) list: String,
    /// Seconds to the last phone by the last reading.
    pub(crate) last_phone_s: u64,
    /// All of it.
    pub(crate) counts: Counts,
    /// By district.
    pub(crate) by_district: BTreeMap<AreaCode, Counts>,
    /// In order of time.
    pub(crate) five_minutes: Vec<Slot>,
    /// A platform's own number of the form.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) receipt: String,
    /// What a platform's channels made of it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) channels: BTreeMap<String, ChannelCounts>,
    /// When the first message left, and when the job was over.
    pub(crate) started: Option<Time>,
    pub(crate) finished: Option<Time>,
}

/// How a job stood when that changed; it lies beside the link's progress.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct JobStep {
    /// Which job.
    pub(crate) job: IntentId,
    /// How it stood.
    pub(crate) item: JobItem,
}

/// What a person did with a job; it lies in the link's queue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct AreaAct {
    /// Which job.
    pub(crate) job: IntentId,
    /// What.
    pub(crate) act: Did,
    /// Who.
    pub(crate) by: String,
    /// Why.
    pub(crate) reason: String,
}

/// What can be done with a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Did {
    /// Let go although its reading is not as meant.
    Release,
    /// Nothing more leaves until it is resumed.
    Pause,
    /// Goes on.
    Resume,
    /// What is unsent never leaves.
    Kill,
}

impl Did {
    /// The word in documents.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Release => "release",
            Self::Pause => Act::Pause.name(),
            Self::Resume => Act::Resume.name(),
            Self::Kill => Act::Kill.name(),
        }
    }

    /// What the target is told; nothing where the link releases it.
    pub(super) const fn of_target(self) -> Option<Act> {
        match self {
            Self::Release => None,
            Self::Pause => Some(Act::Pause),
            Self::Resume => Some(Act::Resume),
            Self::Kill => Some(Act::Kill),
        }
    }
}

/// States in which nothing of a job leaves until somebody does something.
pub(super) const WAITING: [&str; 4] = ["held", "refused", "rejected", "unreachable"];

impl JobItem {
    pub(super) fn held(reading: &Reading, objections: Vec<String>) -> Self {
        let mut item = Self {
            state: "held".to_owned(),
            objections,
            ..Self::default()
        };
        item.read(reading);
        item
    }

    /// Read back as it was meant, and about to be let go.
    pub(super) fn read_back(reading: &Reading) -> Self {
        let mut item = Self {
            state: "read".to_owned(),
            ..Self::default()
        };
        item.read(reading);
        item
    }

    /// True where it is not as it was but for counts that grow.
    pub(super) fn moved_from(&self, before: &Self) -> bool {
        self.state != before.state
            || self.objections != before.objections
            || self.started.is_some() != before.started.is_some()
            || self.finished != before.finished
    }

    pub(super) fn failed(error: &SendError) -> Self {
        let state = match error {
            SendError::Permanent(_) => "refused",
            SendError::Transient(_) | SendError::Uncertain(_) => "unreachable",
        };
        Self {
            state: state.to_owned(),
            objections: vec![error.to_string()],
            ..Self::default()
        }
    }

    /// The last counts of a job, out of the record that holds them: which job, and how it stood.
    ///
    /// # Errors
    /// The record cannot be read.
    pub(crate) fn last(payload: &[u8]) -> Result<(IntentId, Self), serde_json::Error> {
        let told: Told = serde_json::from_slice(payload)?;
        let mut item = Self::default();
        item.told(&told);
        Ok((told.job(), item))
    }

    fn read(&mut self, reading: &Reading) {
        self.heads = reading.heads;
        let areas = reading.areas.iter();
        self.areas = areas.map(|area| (area.code, area.heads)).collect();
        self.list = reading.list.kind.name().to_owned();
        self.last_phone_s = reading.last_phone_s;
    }

    pub(super) fn told(&mut self, told: &Told) {
        match told {
            Told::Counts(report) => self.reported(report),
            Told::Form(_, standing) => self.stood(standing),
        }
    }

    /// How a form stands with a platform's people. What its channels count are phones, screens and
    /// stations: they stand by themselves.
    pub(super) fn stood(&mut self, standing: &Standing) {
        standing.stage.name().clone_into(&mut self.state);
        let reason = &standing.reason;
        self.objections = match standing.stage {
            Stage::Rejected if reason.is_empty() => vec!["rejected without a reason".to_owned()],
            Stage::Rejected => vec![reason.clone()],
            Stage::Submitted
            | Stage::Checked
            | Stage::Released
            | Stage::Finished
            | Stage::Withdrawn => Vec::new(),
        };
        self.receipt.clone_from(&standing.receipt);
        self.channels.clone_from(&standing.channels);
    }

    pub(super) fn reported(&mut self, report: &Report) {
        self.read(&report.reading);
        self.state = report.phase.name().to_owned();
        self.objections = report.discords().iter().map(ToString::to_string).collect();
        self.counts = report.counts;
        self.by_district.clone_from(&report.by_district);
        self.five_minutes.clone_from(&report.five_minutes);
        self.started = report.started;
        self.finished = report.finished;
    }

    /// The row of a delivery with the far side's counts in the place of ours, which know one job
    /// and no heads.
    pub(in crate::courier) fn on(&self, row: DeliveryItem, view: &View) -> DeliveryItem {
        // A form is one document: what became of it is ours to say, its channels count for themselves.
        if row.channel == Channel::Cap.name() {
            return DeliveryItem {
                job: Some(self.clone()),
                ..row
            };
        }
        let counts = &self.counts;
        let text = |at: Option<Time>| at.map(|at| view.text(at));
        DeliveryItem {
            planned: self.heads.max(counts.total()),
            sent: counts.sent(),
            accepted: counts.accepted.saturating_add(counts.delivered),
            delivered: counts.delivered,
            failed: counts.failed,
            unknown: counts.unknown,
            expired: counts.expired,
            withdrawn: counts.withdrawn,
            started: text(self.started).or(row.started),
            finished: text(self.finished),
            job: Some(self.clone()),
            ..row
        }
    }
}
