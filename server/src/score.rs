//! A score of times: how long each step of a warning took, from the draft to the last answer, who has
//! not answered and who answered otherwise than asked. By the same code of an exercise and of something
//! real, from what the journal keeps.

mod story;
mod text;

pub(crate) use story::Story;
pub(crate) use text::Head;

use crate::answering::{self, Answering};
use dispatch::directory::Directory;
use dispatch::intent::IntentId;
use dispatch::ledger::{Entry, State};
use model::order::Answer;
use model::warning::Event;
use model::{Channel, City, Reach, Time, WarningId};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// People listed one by one.
const PEOPLE_MAX: usize = 500;

/// What was asked, where one answer alone was right.
pub(crate) type Expected = Option<Answer>;

/// Seconds from the draft to each step; nothing for one that did not come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Steps {
    /// To the signature that let it out.
    pub(crate) signed_s: Option<i64>,
    /// To the first message that a far side took.
    pub(crate) first_message_s: Option<i64>,
    /// To the last one.
    pub(crate) last_handed_s: Option<i64>,
    /// To the last proof that one arrived.
    pub(crate) last_receipt_s: Option<i64>,
    /// To the first answer.
    pub(crate) first_answer_s: Option<i64>,
    /// To the last one.
    pub(crate) last_answer_s: Option<i64>,
}

/// What left by one channel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Way {
    /// Messages that a far side took.
    pub(crate) taken: u64,
    /// Of those, with a proof that they arrived.
    pub(crate) delivered: u64,
    pub(crate) failed: u64,
    pub(crate) unknown: u64,
    /// Seconds until half of the proofs had come, and the last.
    pub(crate) receipt_median_s: Option<i64>,
    pub(crate) receipt_max_s: Option<i64>,
}

/// One person of the named list, by id.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Person {
    pub(crate) contact: String,
    pub(crate) role: String,
    pub(crate) area: String,
    /// Seconds after the draft.
    pub(crate) told_s: Option<i64>,
    pub(crate) delivered_s: Option<i64>,
    pub(crate) answered_s: Option<i64>,
    pub(crate) answer: Option<Answer>,
    /// Whether that was what was asked.
    pub(crate) is_right: bool,
}

/// All of it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Score {
    /// When the draft was there; the beginning of the story where there was none.
    pub(crate) drafted: Time,
    pub(crate) until: Time,
    pub(crate) warnings: Vec<WarningId>,
    pub(crate) steps: Steps,
    pub(crate) ways: BTreeMap<&'static str, Way>,
    pub(crate) answering: Answering,
    /// Who was told by name, the slowest last; who did not answer behind them.
    pub(crate) people: Vec<Person>,
    /// More than are listed.
    pub(crate) more: usize,
    /// What was kept from the public, by channel.
    pub(crate) withheld: BTreeMap<&'static str, u64>,
    /// More was there than is read: counts are too small.
    pub(crate) is_cut: bool,
}

impl Score {
    /// The score of a story.
    pub(crate) fn of(
        city: &City,
        directory: &Directory,
        story: &Story,
        expected: Expected,
    ) -> Self {
        let drafted = story.warnings.iter().map(|(at, _)| *at).min();
        let drafted = drafted.unwrap_or(story.from);
        let after = |at: Time| at.since(drafted).millis().max(0) / 1000;
        let ids: BTreeSet<WarningId> = story.warnings.iter().map(|(_, w)| w.id).collect();
        let signed = story
            .warnings
            .iter()
            .filter(|(_, w)| w.event == Event::Issued);
        let mut counting = Counting::default();
        for (at, entry) in &story.progress {
            counting.take(story, *at, entry);
        }
        let answers = || story.answers.values();
        let people = people(city, directory, story, (&counting, expected), &after);
        let more = people.len().saturating_sub(PEOPLE_MAX);
        Self {
            drafted,
            until: story.until,
            warnings: ids.into_iter().collect(),
            steps: Steps {
                signed_s: signed.map(|(at, _)| after(*at)).min(),
                first_message_s: counting.first.map(after),
                last_handed_s: counting.last.map(after),
                last_receipt_s: counting.receipt.map(after),
                first_answer_s: answers().map(|said| after(said.said)).min(),
                last_answer_s: answers().map(|said| after(said.said)).max(),
            },
            ways: counting.ways(),
            answering: answering::count(city, story.calls.values(), story.until),
            people: people.into_iter().take(PEOPLE_MAX).collect(),
            more,
            withheld: story.withheld.clone(),
            is_cut: story.is_cut,
        }
    }

    /// Who was told and has not answered.
    pub(crate) fn silent(&self) -> impl Iterator<Item = &Person> {
        self.people.iter().filter(|person| person.answer.is_none())
    }

    /// Who answered otherwise than asked.
    pub(crate) fn wrong(&self) -> impl Iterator<Item = &Person> {
        let answered = self.people.iter().filter(|person| person.answer.is_some());
        answered.filter(|person| !person.is_right)
    }
}

/// Progress, counted.
#[derive(Default)]
struct Counting {
    ways: BTreeMap<Channel, Way>,
    /// When each message was taken, and how long its proof took.
    taken: BTreeMap<(IntentId, u32), Time>,
    delays: BTreeMap<Channel, Vec<i64>>,
    /// When each person was first told, and first reached, by number.
    told: BTreeMap<u32, Time>,
    reached: BTreeMap<u32, Time>,
    first: Option<Time>,
    last: Option<Time>,
    receipt: Option<Time>,
}

/// Messages whose proofs are timed one by one; of more the counts alone are kept.
const TIMED_MAX: usize = 1_000_000;

impl Counting {
    fn take(&mut self, story: &Story, at: Time, entry: &Entry) {
        let Entry::States {
            intent,
            state,
            recipients,
            ..
        } = entry
        else {
            return;
        };
        let Some(of) = story.intents.get(intent) else {
            return;
        };
        let is_named = of.reach == Reach::Responsible;
        let way = self.ways.entry(of.channel).or_default();
        let count = recipients.len() as u64;
        match state {
            State::Accepted => {
                way.taken += count;
                self.first = Some(self.first.map_or(at, |first| first.min(at)));
                self.last = self.last.max(Some(at));
                for recipient in recipients {
                    if self.taken.len() < TIMED_MAX {
                        self.taken.insert((*intent, *recipient), at);
                    }
                    if is_named {
                        self.told.entry(*recipient).or_insert(at);
                    }
                }
            }
            State::Delivered | State::Acknowledged => {
                way.delivered += count;
                self.receipt = self.receipt.max(Some(at));
                for recipient in recipients {
                    match self.taken.get(&(*intent, *recipient)) {
                        Some(taken) => {
                            let delay = at.since(*taken).millis().max(0) / 1000;
                            self.delays.entry(of.channel).or_default().push(delay);
                        }
                        // It was taken and arrived in one word.
                        None => {
                            way.taken += 1;
                            self.first = Some(self.first.map_or(at, |first| first.min(at)));
                            self.last = self.last.max(Some(at));
                        }
                    }
                    if is_named {
                        self.told.entry(*recipient).or_insert(at);
                        self.reached.entry(*recipient).or_insert(at);
                    }
                }
            }
            State::Failed => way.failed += count,
            State::Unknown => way.unknown += count,
            State::Unsent
            | State::Claimed
            | State::Expired
            | State::Withdrawn
            | State::Duplicate
            | State::Complete
            | State::Handed => {}
        }
    }

    fn ways(&mut self) -> BTreeMap<&'static str, Way> {
        for (channel, delays) in &mut self.delays {
            delays.sort_unstable();
            let middle = delays.len().div_ceil(2).saturating_sub(1);
            if let Some(way) = self.ways.get_mut(channel) {
                way.receipt_median_s = delays.get(middle).copied();
                way.receipt_max_s = delays.last().copied();
            }
        }
        let ways = self.ways.iter();
        ways.map(|(channel, way)| (channel.name(), *way)).collect()
    }
}

/// The named list: who answered by when, then who did not.
fn people(
    city: &City,
    directory: &Directory,
    story: &Story,
    (counting, expected): (&Counting, Expected),
    after: &impl Fn(Time) -> i64,
) -> Vec<Person> {
    let told = counting.told.keys().copied();
    let answered = story.answers.keys();
    let answered = answered.filter_map(|id| Some(directory.contact(id)?.recipient.0));
    let all: BTreeSet<u32> = told.chain(answered).collect();
    let known = directory.contacts().iter();
    let mut people: Vec<Person> = known
        .filter(|contact| all.contains(&contact.recipient.0))
        .map(|contact| {
            let number = contact.recipient.0;
            let said = story.answers.get(&contact.id);
            let is_right = |answer| expected.is_none_or(|expected| expected == answer);
            let area = city.area(contact.area).map(|area| area.code.to_string());
            Person {
                contact: contact.id.clone(),
                role: contact.role.clone(),
                area: area.unwrap_or_default(),
                told_s: counting.told.get(&number).map(|at| after(*at)),
                delivered_s: counting.reached.get(&number).map(|at| after(*at)),
                answered_s: said.map(|said| after(said.said)),
                answer: said.map(|said| said.answer),
                is_right: said.is_some_and(|said| is_right(said.answer)),
            }
        })
        .collect();
    people.sort_by(|a, b| {
        let key = |of: &Person| (of.answered_s.is_none(), of.answered_s, of.contact.clone());
        key(a).cmp(&key(b))
    });
    people
}

#[cfg(test)]
mod tests;
