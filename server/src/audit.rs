//! What an auditor asks: what was sent to a person, by which link, when, in which words, and what came
//! back. Read from the journal alone, so that what is long over can be asked about as well, for as long
//! as deliveries and receipts are kept.
//!
//! One question is answered at a time, between rests that are as long as the work. It reads what lies
//! between two times (those of the warning, where it is known) and holds no more than what it found, of
//! which there is a most. People are numbers here; who is behind one is the directory's to say.

mod course;
mod found;
mod jobs;
mod past;

pub(crate) use course::{Course, What as CourseEvent};
pub(crate) use found::{Found, PersonItem, Reached};
pub(crate) use jobs::{JobRow, Jobs};
pub(crate) use past::{AuditError, Walked};

use crate::app::App;
use crate::courier::{INTENT, PROGRESS};
use crate::pump::kind;
use dispatch::intent::{Intent, IntentId, RecipientNo};
use dispatch::ladder::{Call, Place, Said};
use dispatch::ledger::{Entry, Progress, State};
use journal::{Kind, Partition, Record};
use model::{Span, Time, WarningId};
use past::Past;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// People of one question.
pub(crate) const PEOPLE_MAX: usize = 1_000;
/// Steps of messages kept of one question.
const STEPS_MAX: usize = 200_000;
/// Bytes of deliveries kept of one question, as they are stored.
const INTENTS_BYTES_MAX: usize = 64 << 20;
/// Answers kept of one question.
const ANSWERS_MAX: usize = 20_000;
/// A warning's first reading may be so much older than what was said of it.
const BEFORE: Span = Span::from_minutes(60);

/// A question, its people resolved.
#[derive(Clone, Debug)]
pub(crate) struct Question {
    /// About which warning; without one about every warning.
    pub(crate) warning: Option<WarningId>,
    /// Record times between which to look.
    pub(crate) from: Option<Time>,
    /// See `from`.
    pub(crate) to: Option<Time>,
    /// Whom, as they were asked for.
    pub(crate) people: Vec<Person>,
}

/// Somebody who was asked for: by which place of the list, and whom that is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Person {
    /// Counts from 0.
    pub(crate) asked: usize,
    /// Nobody has that id or telephone where there is none.
    pub(crate) number: Option<RecipientNo>,
}

/// How a person is named. A telephone is in a body alone, never in an address or a log.
#[derive(Clone, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Who {
    /// Id of `contacts.csv` or `subscribers.csv`, or a device's.
    Id(String),
    /// E.164.
    Phone(String),
    /// Recipient number, as `export` has it.
    Number(u32),
}

/// One thing that was learned of a message to a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Step {
    /// Record time at which it was written.
    pub(crate) at: Time,
    /// What became of it.
    pub(crate) state: State,
    /// The far side's id, 0 for none.
    pub(crate) receipt: u64,
    /// In which wording, where that was known.
    pub(crate) variant: Option<u8>,
}

/// Something planned, and when it was committed.
#[derive(Clone, Debug)]
struct Planned {
    intent: Arc<Intent>,
    at: Time,
}

/// What a walk through the journal gathered.
#[derive(Default)]
struct Gathered {
    steps: BTreeMap<(IntentId, u32), Vec<Step>>,
    count: usize,
    closed: BTreeMap<IntentId, (Time, State)>,
    planned: BTreeMap<IntentId, Planned>,
    planned_bytes: usize,
    answers: BTreeMap<String, Vec<(WarningId, Place, Said)>>,
    answers_count: usize,
    /// Found and not kept, for want of room.
    left_out: u64,
    /// Records that cannot be read.
    unreadable: u64,
}

/// The two names that decide whether a delivery is read whole.
#[derive(Deserialize)]
struct Named {
    id: IntentId,
    warning: WarningId,
}

impl App {
    /// Who is meant. Subscribers' ids lie in the version file alone, which is opened where one is asked
    /// for: that takes seconds in a great city.
    ///
    /// # Errors
    /// Which of the list cannot be read, or why the version file does not open.
    pub(crate) fn audited(&self, asked: &[Who]) -> Result<Vec<Person>, Unnamed> {
        let directory = &self.installation.directory;
        let mut ids = None;
        let mut people = Vec::new();
        for (at, who) in asked.iter().enumerate() {
            let numbers = match who {
                Who::Number(number) => vec![RecipientNo(*number)],
                Who::Phone(text) => {
                    let phone = dispatch::directory::phone::parse(text);
                    directory.who_has(phone.ok_or(Unnamed::Phone(at))?)
                }
                Who::Id(id) => match directory.number_of(id) {
                    Some(number) => vec![number],
                    None => {
                        let numbers = match ids.take() {
                            Some(numbers) => numbers,
                            None => self.registry.numbers(&self.installation)?,
                        };
                        let known = numbers.subscriber(id);
                        ids = Some(numbers);
                        known.into_iter().collect()
                    }
                },
            };
            let person = |number| Person { asked: at, number };
            if numbers.is_empty() {
                people.push(person(None));
            }
            people.extend(numbers.into_iter().map(|number| person(Some(number))));
        }
        Ok(people)
    }

    /// Looks a question up. `tell` hears how far it is, and ends it by answering false.
    ///
    /// # Errors
    /// The journal cannot be read, or nobody waits for the answer any more.
    pub(crate) fn audit(
        &self,
        question: &Question,
        tell: &mut dyn FnMut(Walked) -> bool,
    ) -> Result<Found, AuditError> {
        let from = question.from.or_else(|| {
            let known = self.view.original(question.warning?)?;
            Some(known.first_rise - BEFORE)
        });
        let mut past = Past::new(&*self.journal, self.mode, (from, question.to), tell);
        let mut gathered = Gathered::default();
        let numbers = question.people.iter();
        let numbers: BTreeSet<u32> = numbers.filter_map(|p| Some(p.number?.0)).collect();
        let links = (0..self.links.len()).filter_map(|link| u16::try_from(link).ok());
        for link in links.clone().map(Partition) {
            past.each(Kind::Receipts, link, |record| {
                gathered.progress(record, &numbers);
            })?;
        }
        let touched: BTreeSet<IntentId> =
            gathered.steps.keys().map(|(intent, _)| *intent).collect();
        for link in links.map(Partition) {
            past.each(Kind::Deliveries, link, |record| {
                gathered.delivery(record, question.warning, &touched);
            })?;
        }
        let contacts = self.contacts_among(&numbers);
        if !contacts.is_empty() {
            let zone = question.warning.and_then(|id| self.zone_of(id).ok());
            let zones = match zone {
                Some(zone) => zone.0..zone.0.saturating_add(1),
                None => 0..u16::try_from(self.installation.city.zones.len()).unwrap_or(u16::MAX),
            };
            for zone in zones.map(Partition) {
                past.each(Kind::Warnings, zone, |record| {
                    gathered.answer(record, question.warning, &contacts);
                })?;
            }
        }
        let walked = past.walked();
        Ok(self.found(question, gathered, from, walked))
    }

    fn contacts_among(&self, numbers: &BTreeSet<u32>) -> BTreeSet<String> {
        let contacts = self.installation.directory.contacts().iter();
        let asked = contacts.filter(|contact| numbers.contains(&contact.recipient.0));
        asked.map(|contact| contact.id.clone()).collect()
    }
}

/// Why a person of a list cannot be looked for. Says which, never what was written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unnamed {
    /// No telephone number.
    #[error(
        "people[{0}].phone: no telephone number; write + and the digits with the country's code"
    )]
    Phone(usize),
    /// Ids of subscribers cannot be read.
    #[error("subscribers' ids: {0}")]
    Ids(#[from] crate::registry::RegistryError),
}

impl Gathered {
    /// Steps of the people asked about, and what the rest of each delivery became.
    fn progress(&mut self, record: &Record, numbers: &BTreeSet<u32>) {
        if record.kind != PROGRESS {
            return;
        }
        let at = Time::from_millis(record.time_ms);
        let Ok(progress) = Progress::decode(record.payload()) else {
            self.unreadable += 1;
            return;
        };
        for entry in progress.entries {
            match entry {
                Entry::States {
                    intent,
                    state,
                    recipients,
                    receipts,
                    variant,
                } => {
                    let mut step = |place: usize, number: u32| {
                        if self.count >= STEPS_MAX {
                            self.left_out += 1;
                            return;
                        }
                        self.count += 1;
                        self.steps.entry((intent, number)).or_default().push(Step {
                            at,
                            state,
                            receipt: receipts.get(place).copied().unwrap_or(0),
                            variant,
                        });
                    };
                    // Both rise: the shorter is looked up in the longer.
                    if recipients.len() < numbers.len() {
                        for (place, number) in recipients.iter().enumerate() {
                            if numbers.contains(number) {
                                step(place, *number);
                            }
                        }
                    } else {
                        for number in numbers {
                            if let Ok(place) = recipients.binary_search(number) {
                                step(place, *number);
                            }
                        }
                    }
                }
                Entry::Closed { intent, state } => {
                    self.closed.insert(intent, (at, state));
                }
                Entry::Retired { .. } | Entry::Spent { .. } => {}
            }
        }
    }

    /// Deliveries of the warning, or those that touched somebody asked about.
    fn delivery(
        &mut self,
        record: &Record,
        warning: Option<WarningId>,
        touched: &BTreeSet<IntentId>,
    ) {
        if record.kind != INTENT {
            return;
        }
        let Ok(named) = serde_json::from_slice::<Named>(record.payload()) else {
            self.unreadable += 1;
            return;
        };
        let is_meant = match warning {
            Some(warning) => named.warning == warning,
            None => touched.contains(&named.id),
        };
        if !is_meant || self.planned.contains_key(&named.id) {
            return;
        }
        let bytes = record.payload().len();
        if self.planned_bytes + bytes > INTENTS_BYTES_MAX {
            self.left_out += 1;
            return;
        }
        let Ok(intent) = serde_json::from_slice::<Intent>(record.payload()) else {
            self.unreadable += 1;
            return;
        };
        self.planned_bytes += bytes;
        let at = Time::from_millis(record.time_ms);
        let intent = Arc::new(intent);
        self.planned.insert(named.id, Planned { intent, at });
    }

    /// What contacts asked about answered: the latest word of each on every board line.
    fn answer(&mut self, record: &Record, warning: Option<WarningId>, contacts: &BTreeSet<String>) {
        if record.kind != kind::CALL {
            return;
        }
        let Ok(call) = serde_json::from_slice::<Call>(record.payload()) else {
            self.unreadable += 1;
            return;
        };
        if warning.is_some_and(|warning| warning != call.warning) {
            return;
        }
        let said = call.answers.iter().chain(&call.answered);
        for said in said.filter(|said| contacts.contains(&said.contact)) {
            let answer = (call.warning, call.place.clone(), said.clone());
            let of_contact = self.answers.entry(said.contact.clone()).or_default();
            // The line is written again whenever it changes.
            if of_contact.contains(&answer) {
                continue;
            }
            if self.answers_count >= ANSWERS_MAX {
                self.left_out += 1;
                continue;
            }
            self.answers_count += 1;
            of_contact.push(answer);
        }
    }
}

#[cfg(test)]
mod tests;
