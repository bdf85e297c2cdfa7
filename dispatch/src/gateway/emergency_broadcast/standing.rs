//! Which messages stand with a platform, and what has to be sent so that others do.
//!
//! Pure. A platform takes a message back as a whole. Where a part of it hears something else, the rest is
//! put anew under a number of its own, and then the old one is taken back.

use super::document::Message;
use crate::intent::IntentId;
use model::{Time, WarningId};

/// Messages that one intent may become as parts of it go elsewhere; of more the last one stays whole.
pub(super) const PARTS: u16 = 5;
/// Messages held; of more the one that ends first gives way.
const MESSAGES_MAX: usize = 256;

/// What is said of one warning in some areas from now on.
#[derive(Clone, Debug)]
pub(super) struct Notice {
    /// The intent behind it.
    pub(super) intent: IntentId,
    /// The warning.
    pub(super) warning: WarningId,
    /// The message without its identity; one without text takes away what was said, and that is all.
    pub(super) message: Message,
    /// The number that it got on its day.
    pub(super) number: u16,
}

/// One message that stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Standing {
    pub(super) intent: IntentId,
    warning: WarningId,
    pub(super) message: Message,
    number: u16,
    part: u16,
}

/// What is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// A message.
    Put(Message),
    /// One is taken back.
    Cancel(Message),
}

/// All messages that stand.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Table(pub(super) Vec<Standing>);

impl Table {
    /// What stands after `notice` at `at`, and the steps there: what is new comes first. `name` gives a
    /// message the identity of a number.
    pub(super) fn with(
        &self,
        notice: &Notice,
        name: impl Fn(&Message, u16) -> String,
        at: Time,
    ) -> (Self, Vec<Step>) {
        let mut next = Vec::new();
        let (mut puts, mut cancels) = (Vec::new(), Vec::new());
        let mut follows = String::new();
        for standing in self.0.iter().filter(|standing| at < standing.message.until) {
            let is_other = |area: &model::AreaCode| !notice.message.areas.contains(area);
            let rest = standing.message.areas.iter().copied().filter(is_other);
            let rest: Vec<_> = rest.collect();
            let is_same = standing.warning == notice.warning && standing.intent != notice.intent;
            let untouched = rest.len() == standing.message.areas.len();
            let is_last = standing.part + 1 == PARTS && !rest.is_empty();
            if !is_same || untouched || is_last {
                next.push(standing.clone());
                continue;
            }
            follows.clone_from(&standing.message.id);
            cancels.push(Step::Cancel(standing.message.clone()));
            if rest.is_empty() {
                continue;
            }
            let mut part = standing.clone();
            part.part += 1;
            part.message.areas = rest;
            part.message.follows.clone_from(&standing.message.id);
            part.message.id = name(&part.message, part.number * PARTS + part.part);
            puts.push(Step::Put(part.message.clone()));
            next.push(part);
        }
        let is_said = !notice.message.text.is_empty() && at < notice.message.until;
        let is_there = next.iter().any(|standing| standing.intent == notice.intent);
        if is_said && !is_there {
            let mut message = notice.message.clone();
            message.id = name(&message, notice.number * PARTS);
            message.follows = follows;
            puts.insert(0, Step::Put(message.clone()));
            next.push(Standing {
                intent: notice.intent,
                warning: notice.warning,
                message,
                number: notice.number,
                part: 0,
            });
        }
        while next.len() > MESSAGES_MAX {
            let ends = next.iter().enumerate();
            let Some((first, _)) = ends.min_by_key(|(_, standing)| standing.message.until) else {
                break;
            };
            next.remove(first);
        }
        puts.extend(cancels);
        (Self(next), puts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::{AreaCode, Language, Tier};

    fn notice(intent: u8, areas: &[u32], text: &str) -> Notice {
        let area = |no: &u32| AreaCode::parse(&format!("44010600{no:04}")).unwrap();
        Notice {
            intent: IntentId::from_bytes([intent; 16]),
            warning: WarningId::parse(&format!("{:024x}", 1)).unwrap(),
            message: Message {
                id: String::new(),
                follows: String::new(),
                sender: (String::new(), String::new()),
                event: "11B03".into(),
                tier: Tier::Red,
                from: Time::from_seconds(0),
                until: Time::from_seconds(1_000),
                language: Language::Zh,
                title: String::new(),
                text: text.into(),
                areas: areas.iter().map(area).collect(),
            },
            number: u16::from(intent),
        }
    }

    fn step(table: &Table, notice: &Notice) -> (Table, Vec<(&'static str, String, usize)>) {
        let (next, steps) = table.with(
            notice,
            |_, number| number.to_string(),
            Time::from_seconds(1),
        );
        let said = steps.into_iter().map(|step| match step {
            Step::Put(it) => (
                "put",
                format!("{} after {}", it.id, it.follows),
                it.areas.len(),
            ),
            Step::Cancel(it) => ("cancel", it.id, it.areas.len()),
        });
        (next, said.collect())
    }

    #[test]
    fn a_part_goes_elsewhere_and_the_rest_goes_on() {
        let (table, steps) = step(&Table::default(), &notice(1, &[1, 2, 3], "rain"));
        assert_eq!(steps, [("put", "5 after ".into(), 3)]);
        let (table, steps) = step(&table, &notice(2, &[2], "flood"));
        let wanted = [
            ("put", "10 after 5".into(), 1),
            ("put", "6 after 5".into(), 2),
            ("cancel", "5".into(), 3),
        ];
        assert_eq!(steps, wanted);
        let (again, steps) = step(&table, &notice(2, &[2], "flood"));
        assert_eq!((again, steps.len()), (table.clone(), 0), "said once");
        let (table, steps) = step(&table, &notice(3, &[1, 2, 3], ""));
        assert!(table.0.is_empty());
        assert_eq!(
            steps,
            [("cancel", "6".into(), 2), ("cancel", "10".into(), 1)]
        );
    }
}
