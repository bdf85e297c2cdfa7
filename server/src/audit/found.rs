//! What was found, as it is answered: a person, their messages in the order in which they were planned,
//! each with its words, its steps, and what the person answered.

use super::{Gathered, Planned, Question, Step, Walked};
use crate::app::App;
use dispatch::directory::Recipient;
use dispatch::intent::{DeliveryId, Intent, IntentId, RecipientNo};
use dispatch::ladder::{Place, Said};
use dispatch::ledger::State;
use dispatch::wording::language_variant;
use model::order::Answer;
use model::{AreaCode, Channel, Language, Tier, Time, WarningId};
use serde::{Deserialize, Serialize};

/// The whole answer.
#[derive(Debug)]
pub(crate) struct Found {
    /// In the order in which they were asked for.
    pub(crate) people: Vec<PersonItem>,
    /// What was read for it.
    pub(crate) read: Summary,
}

/// What an answer rests on.
#[derive(Debug, Serialize)]
pub(crate) struct Summary {
    /// Record times between which it was looked for; without `from`, since the oldest record kept.
    pub(crate) from: Option<String>,
    pub(crate) to: Option<String>,
    /// Records and bytes read.
    #[serde(flatten)]
    pub(crate) walked: Walked,
    /// Steps, deliveries and answers that were found and not kept, for want of room.
    pub(crate) left_out: u64,
    /// Records that cannot be read.
    pub(crate) unreadable: u64,
}

/// One person of the list.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct PersonItem {
    /// Which of the list, from 0.
    pub(crate) asked: usize,
    /// Recipient number; none where nobody has that id or telephone.
    pub(crate) number: Option<u32>,
    /// `contact`, `device`, `subscriber`, `left` (taken out of the directory since), `unknown`.
    pub(crate) kind: String,
    /// A contact's or device's id.
    pub(crate) id: Option<String>,
    /// The township, or the smallest area known.
    pub(crate) area: Option<AreaCode>,
    /// The most that is known to have reached them.
    pub(crate) reached: Reached,
    pub(crate) messages: Vec<MessageItem>,
    pub(crate) answers: Vec<AnswerItem>,
}

/// How far a person was reached, the least first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Reached {
    /// Nothing was meant for them.
    NotMeant,
    /// Something was meant for them and nothing left.
    NothingSent,
    /// Refused for good, or given up.
    Failed,
    /// It may have gone out; nobody knows.
    Perhaps,
    /// The far side took it.
    Accepted,
    /// It arrived.
    Delivered,
    /// They answered.
    Answered,
}

/// One message meant for a person.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct MessageItem {
    /// The key by which the far side knows it.
    pub(crate) delivery: String,
    /// The delivery that it is part of; the job's number of an area job.
    pub(crate) intent: IntentId,
    /// The one that did not reach them and that this one stands in for.
    pub(crate) instead_of: Option<IntentId>,
    pub(crate) warning: WarningId,
    pub(crate) revision: u32,
    pub(crate) purpose: String,
    pub(crate) tier: Tier,
    pub(crate) channel: Channel,
    pub(crate) link: String,
    pub(crate) planned: String,
    pub(crate) not_after: String,
    /// Where it stands: the last step, or what became of the rest of the delivery where it never left.
    pub(crate) state: State,
    /// What was learned of it, in order.
    pub(crate) steps: Vec<StepItem>,
    pub(crate) words: Option<WordsItem>,
}

/// A step.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct StepItem {
    pub(crate) at: String,
    pub(crate) state: State,
    /// The far side's id of the message, as a number.
    pub(crate) receipt: Option<String>,
}

/// The words of a message.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct WordsItem {
    pub(crate) language: Language,
    pub(crate) subject: String,
    pub(crate) text: String,
    pub(crate) instruction: String,
    /// True where the ledger says so; false where it is taken from the language that the directory has
    /// now.
    pub(crate) recorded: bool,
}

/// An answer.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct AnswerItem {
    pub(crate) warning: WarningId,
    pub(crate) place: Place,
    pub(crate) answer: Answer,
    pub(crate) note: String,
    /// Nothing where an officer noted it.
    pub(crate) channel: Option<Channel>,
    pub(crate) noted_by: String,
    pub(crate) said: String,
}

impl App {
    /// Puts what was gathered into the order of the question.
    pub(super) fn found(
        &self,
        question: &Question,
        gathered: Gathered,
        from: Option<Time>,
        walked: Walked,
    ) -> Found {
        let people = question.people.iter();
        let people = people.map(|person| match person.number {
            Some(number) => self.person(person.asked, number, question, &gathered),
            None => PersonItem {
                asked: person.asked,
                number: None,
                kind: "unknown".to_owned(),
                id: None,
                area: None,
                reached: Reached::NotMeant,
                messages: Vec::new(),
                answers: Vec::new(),
            },
        });
        Found {
            people: people.collect(),
            read: Summary {
                from: from.map(|at| self.view.text(at)),
                to: question.to.map(|at| self.view.text(at)),
                walked,
                left_out: gathered.left_out,
                unreadable: gathered.unreadable,
            },
        }
    }

    fn person(
        &self,
        asked: usize,
        number: RecipientNo,
        question: &Question,
        gathered: &Gathered,
    ) -> PersonItem {
        let directory = &self.installation.directory;
        let recipient = directory.recipient(number);
        let (kind, id) = match recipient {
            Some(Recipient::Contact(contact)) => ("contact", Some(contact.id.clone())),
            Some(Recipient::Device(device)) => ("device", Some(device.id.clone())),
            Some(Recipient::Subscriber(_)) => ("subscriber", None),
            None => ("left", None),
        };
        // The one row of a publication has a number that is somebody's.
        let planned = gathered.planned.values();
        let personal = planned.filter(|planned| !planned.intent.is_publication());
        let mut planned: Vec<&Planned> = personal.collect();
        planned.sort_by_key(|planned| (planned.at, planned.intent.id));
        let messages: Vec<MessageItem> = planned
            .into_iter()
            .filter_map(|planned| {
                let steps = gathered.steps.get(&(planned.intent.id, number.0));
                let steps = steps.map(Vec::as_slice).unwrap_or_default();
                if steps.is_empty() && !self.is_meant(&planned.intent, question, number) {
                    return None;
                }
                Some(self.message(planned, number, recipient, (steps, gathered)))
            })
            .collect();
        let said = id.as_ref().and_then(|id| gathered.answers.get(id));
        let answers = said.into_iter().flatten();
        let answers: Vec<AnswerItem> = answers.map(|answer| self.answer(answer)).collect();
        let furthest = messages.iter().map(|message| reached(message.state)).max();
        let furthest = furthest.unwrap_or(Reached::NotMeant);
        let area = directory.area_of(&self.installation.city, number);
        let area = area.and_then(|no| self.installation.city.area(no));
        PersonItem {
            asked,
            number: Some(number.0),
            kind: kind.to_owned(),
            id,
            area: area.map(|area| area.code),
            reached: if answers.is_empty() {
                furthest
            } else {
                Reached::Answered
            },
            messages,
            answers,
        }
    }

    /// Whether a delivery of the warning asked about was for somebody, by the directory in force, though
    /// nothing was learned of them.
    fn is_meant(&self, intent: &Intent, question: &Question, number: RecipientNo) -> bool {
        let installation = &self.installation;
        if question.warning.is_none() || intent.words.is_empty() {
            return false;
        }
        // A fall or an end is for who was told before, a first message at a lower tier for who was not.
        if intent.only_told || intent.only_new {
            return false;
        }
        let directory = &installation.directory;
        let audience = intent.audience.in_version(directory.version());
        let meant = directory.is_meant(&installation.city, &audience, intent.channel, number);
        meant.unwrap_or(false) && self.is_only_link(intent)
    }

    /// Of several accounts each has the phones that are its own, of several push services its tokens:
    /// who is in no receipt of such a link may be another's.
    fn is_only_link(&self, intent: &Intent) -> bool {
        let name = intent.channel.name();
        let links = self.links.iter();
        let of_channel = links.filter(|link| link.split('/').next() == Some(name));
        of_channel.count() == 1
    }

    fn message(
        &self,
        planned: &Planned,
        number: RecipientNo,
        recipient: Option<Recipient<'_>>,
        (steps, gathered): (&[Step], &Gathered),
    ) -> MessageItem {
        let intent = &planned.intent;
        let learned = steps
            .iter()
            .fold(State::Unsent, |known, step| known.then(step.state));
        let closed = gathered.closed.get(&intent.id).map(|(_, state)| *state);
        let state = match (learned.is_open(), closed) {
            (true, Some(closed)) => closed,
            (true, None) | (false, _) => learned,
        };
        let recorded = steps.iter().rev().find_map(|step| step.variant);
        let now = recipient.map(|recipient| language_variant(recipient.language()));
        let words = recorded
            .or(now)
            .and_then(|variant| intent.words_for(variant));
        MessageItem {
            delivery: DeliveryId::derive(intent.id, number).to_string(),
            intent: intent.id,
            instead_of: intent.instead_of,
            warning: intent.warning,
            revision: intent.revision,
            purpose: intent.purpose.name().to_owned(),
            tier: intent.tier,
            channel: intent.channel,
            link: intent.link.clone(),
            planned: self.view.text(planned.at),
            not_after: self.view.text(intent.not_after),
            state,
            steps: steps
                .iter()
                .map(|step| StepItem {
                    at: self.view.text(step.at),
                    state: step.state,
                    receipt: (step.receipt != 0).then(|| step.receipt.to_string()),
                })
                .collect(),
            words: words.map(|words| WordsItem {
                language: words.language,
                subject: words.subject.clone(),
                text: words.text.clone(),
                instruction: words.instruction.clone(),
                recorded: recorded.is_some(),
            }),
        }
    }

    fn answer(&self, (warning, place, said): &(WarningId, Place, Said)) -> AnswerItem {
        AnswerItem {
            warning: *warning,
            place: place.clone(),
            answer: said.answer,
            note: said.note.clone(),
            channel: said.channel,
            noted_by: said.noted_by.clone(),
            said: self.view.text(said.said),
        }
    }
}

/// How far a message in that state reached.
const fn reached(state: State) -> Reached {
    match state {
        State::Acknowledged => Reached::Answered,
        State::Delivered => Reached::Delivered,
        // The same address got the same text by another row.
        State::Accepted | State::Duplicate => Reached::Accepted,
        State::Unknown => Reached::Perhaps,
        State::Failed => Reached::Failed,
        State::Unsent
        | State::Claimed
        | State::Expired
        | State::Withdrawn
        | State::Complete
        | State::Handed => Reached::NothingSent,
    }
}
