//! Area jobs against the counts of the far side, by the number that both sides know: what was asked
//! for, what the far side says became of it, and where the two do not meet.

use super::past::{AuditError, Past, Walked};
use super::{BEFORE, Named};
use crate::app::App;
use crate::courier::{ACT, AreaAct, Did, INTENT, JOB, JobItem, PROGRESS};
use dispatch::gateway::area::Counts;
use dispatch::intent::{Intent, IntentId};
use dispatch::ledger::{Entry, Progress, State};
use journal::{Kind, Partition};
use model::{AreaCode, Channel, Tier, Time, WarningId};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Jobs of one answer.
const JOBS_MAX: usize = 2_000;
/// Acts kept of one job.
const ACTS_MAX: usize = 100;

/// Every job of a warning.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Jobs {
    pub(crate) jobs: Vec<JobRow>,
    /// Jobs, and acts on them, that were found and not kept.
    pub(crate) left_out: u64,
    /// Records that cannot be read.
    pub(crate) unreadable: u64,
}

/// One job, both sides of it.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct JobRow {
    /// The number on both sides.
    pub(crate) job: IntentId,
    pub(crate) link: String,
    pub(crate) warning: WarningId,
    pub(crate) revision: u32,
    pub(crate) purpose: String,
    pub(crate) tier: Tier,
    pub(crate) areas: Vec<AreaCode>,
    pub(crate) ours: Ours,
    /// Nothing where the far side never said a word of it.
    pub(crate) theirs: Option<Theirs>,
    pub(crate) difference: Option<Difference>,
}

/// What our own journal says.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Ours {
    /// When it was planned, and when it was let go.
    pub(crate) planned: String,
    pub(crate) released: Option<String>,
    /// What the link knows of it: `accepted` is released, `delivered` over.
    pub(crate) state: State,
    /// What people did with it.
    pub(crate) acts: Vec<ActItem>,
}

/// An act of a person on a job.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ActItem {
    pub(crate) at: String,
    pub(crate) act: Did,
    pub(crate) by: String,
    pub(crate) reason: String,
}

/// The far side's last word.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Theirs {
    /// Its phase, or why the job is not there.
    pub(crate) state: String,
    /// Heads by the reading that was let go.
    pub(crate) heads: u64,
    pub(crate) counts: Counts,
    /// The districts together.
    pub(crate) districts: Counts,
    /// First answers, all five minutes together.
    pub(crate) answered: u64,
    pub(crate) started: Option<String>,
    pub(crate) finished: Option<String>,
}

/// Where the two sides, or the far side's own figures, do not meet. Zero is what agrees.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Difference {
    /// Heads of the reading less numbers counted: those that stand twice in the far side's list, and at
    /// a fall or an end those that were told nothing before. Less than zero is a fault.
    pub(crate) heads: i64,
    /// Districts less the whole.
    pub(crate) districts: i64,
    /// First answers by five minutes less numbers with an answer; a receipt for what had none is in the
    /// second alone.
    pub(crate) answered: i64,
    /// Numbers said to wait though the job is over.
    pub(crate) waiting: i64,
    /// True where nothing contradicts itself.
    pub(crate) agrees: bool,
}

impl Difference {
    pub(super) fn of(theirs: &Theirs, is_over: bool) -> Self {
        let less = |one: u64, other: u64| {
            let wide = i128::from(one) - i128::from(other);
            i64::try_from(wide).unwrap_or(if wide < 0 { i64::MIN } else { i64::MAX })
        };
        let counts = &theirs.counts;
        let has_districts = theirs.districts != Counts::default();
        let with_answer = counts
            .accepted
            .saturating_add(counts.delivered)
            .saturating_add(counts.failed);
        let mut difference = Self {
            heads: less(theirs.heads, counts.total()),
            districts: if has_districts {
                less(theirs.districts.total(), counts.total())
            } else {
                0
            },
            answered: less(theirs.answered, with_answer),
            waiting: if is_over { less(counts.waiting, 0) } else { 0 },
            agrees: true,
        };
        let same_districts = !has_districts || theirs.districts == *counts;
        difference.agrees = same_districts
            && difference.heads >= 0
            && difference.waiting == 0
            && difference.answered <= 0;
        difference
    }
}

/// What a walk found of one job.
struct Kept {
    intent: Box<Intent>,
    at: Time,
    released: Option<Time>,
    state: State,
    acts: Vec<(Time, AreaAct)>,
    item: Option<JobItem>,
}

impl App {
    /// The area jobs and release forms of a warning, from the journal; of those under way the counts
    /// that the board has now.
    ///
    /// # Errors
    /// The journal cannot be read, or nobody waits for the answer any more.
    pub(crate) fn audit_jobs(
        &self,
        warning: WarningId,
        tell: &mut dyn FnMut(Walked) -> bool,
    ) -> Result<Jobs, AuditError> {
        let known = self.view.original(warning);
        let from = known.map(|warning| warning.first_rise - BEFORE);
        let mut past = Past::new(&*self.journal, self.mode, (from, None), tell);
        let mut jobs: BTreeMap<IntentId, Kept> = BTreeMap::new();
        let (mut left_out, mut unreadable) = (0, 0);
        let of_jobs = |link: &&String| link.split('/').next() == Some(Channel::Area.name());
        let numbers = self.links.iter().zip(0_u16..);
        let numbers: Vec<u16> = numbers
            .filter(|(link, _)| of_jobs(link))
            .map(|(_, number)| number)
            .collect();
        for link in numbers.iter().copied().map(Partition) {
            past.each(Kind::Deliveries, link, |record| {
                let at = Time::from_millis(record.time_ms);
                match record.kind {
                    INTENT => match serde_json::from_slice::<Named>(record.payload()) {
                        Ok(named) if named.warning != warning => {}
                        Ok(_) if jobs.len() >= JOBS_MAX => left_out += 1,
                        Ok(named) => match serde_json::from_slice(record.payload()) {
                            Ok(intent) => {
                                jobs.entry(named.id)
                                    .or_insert_with(|| Kept::new(intent, at));
                            }
                            Err(_) => unreadable += 1,
                        },
                        Err(_) => unreadable += 1,
                    },
                    ACT => match serde_json::from_slice::<AreaAct>(record.payload()) {
                        Ok(act) => match jobs.get_mut(&act.job) {
                            Some(kept) if kept.acts.len() < ACTS_MAX => kept.acts.push((at, act)),
                            Some(_) => left_out += 1,
                            None => {}
                        },
                        Err(_) => unreadable += 1,
                    },
                    _ => {}
                }
            })?;
            past.each(Kind::Receipts, link, |record| {
                let at = Time::from_millis(record.time_ms);
                match record.kind {
                    JOB => match JobItem::last(record.payload()) {
                        Ok((job, item)) => {
                            if let Some(kept) = jobs.get_mut(&job) {
                                kept.item = Some(item);
                            }
                        }
                        Err(_) => unreadable += 1,
                    },
                    PROGRESS => match Progress::decode(record.payload()) {
                        Ok(progress) => {
                            for entry in &progress.entries {
                                if let Some(kept) = jobs.get_mut(&entry.intent()) {
                                    kept.learned(at, entry);
                                }
                            }
                        }
                        Err(_) => unreadable += 1,
                    },
                    _ => {}
                }
            })?;
        }
        let on_board = self.view.deliveries();
        for row in on_board {
            let kept = IntentId::parse(&row.intent).and_then(|id| jobs.get_mut(&id));
            if let (Some(kept), Some(item)) = (kept, row.job) {
                kept.item.get_or_insert(item);
            }
        }
        let mut kept: Vec<Kept> = jobs.into_values().collect();
        kept.sort_by_key(|kept| (kept.at, kept.intent.id));
        Ok(Jobs {
            jobs: kept.into_iter().map(|kept| self.job_row(kept)).collect(),
            left_out,
            unreadable,
        })
    }

    fn job_row(&self, kept: Kept) -> JobRow {
        let text = |at: Time| self.view.text(at);
        let theirs = kept.item.as_ref().map(|item| {
            let mut districts = Counts::default();
            item.by_district.values().for_each(|of| districts += *of);
            let slots = item.five_minutes.iter();
            Theirs {
                state: item.state.clone(),
                heads: item.heads,
                counts: item.counts,
                districts,
                answered: slots.fold(0, |all: u64, slot| {
                    all.saturating_add(slot.accepted)
                        .saturating_add(slot.failed)
                }),
                started: item.started.map(text),
                finished: item.finished.map(text),
            }
        });
        let is_over = kept
            .item
            .as_ref()
            .is_some_and(|item| item.finished.is_some());
        let difference = theirs
            .as_ref()
            .map(|theirs| Difference::of(theirs, is_over));
        let intent = kept.intent;
        JobRow {
            job: intent.id,
            link: intent.link,
            warning: intent.warning,
            revision: intent.revision,
            purpose: intent.purpose.name().to_owned(),
            tier: intent.tier,
            areas: intent.audience.areas,
            ours: Ours {
                planned: text(kept.at),
                released: kept.released.map(text),
                state: kept.state,
                acts: kept
                    .acts
                    .into_iter()
                    .map(|(at, act)| ActItem {
                        at: text(at),
                        act: act.act,
                        by: act.by,
                        reason: act.reason,
                    })
                    .collect(),
            },
            theirs,
            difference,
        }
    }
}

impl Kept {
    fn new(intent: Box<Intent>, at: Time) -> Self {
        Self {
            intent,
            at,
            released: None,
            state: State::Unsent,
            acts: Vec::new(),
            item: None,
        }
    }

    fn learned(&mut self, at: Time, entry: &Entry) {
        let state = match entry {
            Entry::States { state, .. } => *state,
            // Of a job that never left, what closed it says why.
            Entry::Closed { state, .. } if self.state.is_open() && *state != State::Complete => {
                *state
            }
            Entry::Closed { .. } | Entry::Retired { .. } | Entry::Spent { .. } => return,
        };
        if state == State::Accepted {
            self.released.get_or_insert(at);
        }
        self.state = self.state.then(state);
    }
}
