//! Rows that wait for their numbers, so that some thousand ids are looked up together.

use super::gather::{Fitted, Person};
use super::numbers::{Giving, NoNumber};
use crate::intent::RecipientNo;
use model::fault::Place;

/// Rows that wait at most.
const WAITING_MAX: usize = 4_096;

/// Rows in their order.
#[derive(Default)]
pub(super) struct Waiting {
    rows: Vec<Row>,
    /// Hashes of their ids.
    keys: Vec<u64>,
    given: Vec<Result<RecipientNo, NoNumber>>,
    /// Addresses and tokens of all, one after the other.
    texts: String,
}

/// One of them; its texts stand among those of all.
struct Row {
    place: Place<'static>,
    person: Person<'static>,
    fitted: Fitted,
    email: usize,
    push: usize,
}

/// A row and the number that it was given, or why there is none.
pub(super) struct Numbered<'a> {
    pub(super) place: Place<'static>,
    pub(super) person: Person<'a>,
    pub(super) fitted: Fitted,
    pub(super) given: Result<RecipientNo, NoNumber>,
}

impl Waiting {
    pub(super) fn push(
        &mut self,
        place: Place<'static>,
        key: u64,
        person: &Person<'_>,
        fitted: Fitted,
    ) {
        let Person { email, push, .. } = *person;
        self.texts.push_str(email);
        self.texts.push_str(push);
        self.keys.push(key);
        self.rows.push(Row {
            place,
            person: Person {
                email: "",
                push: "",
                ..*person
            },
            fitted,
            email: email.len(),
            push: push.len(),
        });
    }

    pub(super) const fn is_full(&self) -> bool {
        self.rows.len() >= WAITING_MAX
    }

    /// Gives all of them their numbers and lets them go.
    pub(super) fn settle(&mut self, giving: &mut Giving, mut each: impl FnMut(Numbered<'_>)) {
        giving.give_all(&self.keys, &mut self.given);
        let mut rest = self.texts.as_str();
        for (row, given) in self.rows.drain(..).zip(self.given.drain(..)) {
            let (email, behind) = rest.split_at_checked(row.email).unwrap_or_default();
            let (push, behind) = behind.split_at_checked(row.push).unwrap_or_default();
            rest = behind;
            each(Numbered {
                place: row.place,
                person: Person {
                    email,
                    push,
                    ..row.person
                },
                fitted: row.fitted,
                given,
            });
        }
        self.keys.clear();
        self.texts.clear();
    }
}
