//! Addresses that their service will never take again: one try each, whoever comes after, and the
//! person hears otherwise.

use super::*;
use dispatch::ledger::mark_of;
use dispatch::outbox::Note;

struct Link {
    outbox: Outbox,
    progress: Vec<Progress>,
    now: i64,
}

impl Link {
    /// Plans an intent for one person at `address`; gives what was put on the wire and who is told
    /// otherwise.
    fn say(&mut self, intent: &Intent, address: u64, answer: Outcome) -> (usize, usize) {
        let mut out = Effects::default();
        let now = at(self.now);
        let step = |outbox: &mut Outbox, event: Event<'_>, out: &mut Effects| {
            outbox.step(now, event, out);
        };
        step(&mut self.outbox, Event::Up, &mut out);
        step(&mut self.outbox, Event::Planned(intent), &mut out);
        let row = Row {
            recipient: RecipientNo(7),
            variant: 0,
            shared: true,
            address,
        };
        for pass in 0..2 {
            let event = Event::Rows {
                intent: intent.id,
                pass,
                epoch: 0,
                cursor: 1,
                rows: if pass == 1 { &[row] } else { &[] },
                end: true,
            };
            step(&mut self.outbox, event, &mut out);
        }
        for _ in 0..3 {
            let seq = out.progress.last().map_or(0, |progress| progress.seq);
            step(&mut self.outbox, Event::Durable(seq), &mut out);
        }
        let sent: Vec<Token> = out.sending.iter().map(|sending| sending.token).collect();
        let answers = sent.iter().map(|token| Answer {
            token: *token,
            outcome: answer,
        });
        let answers: Vec<Answer> = answers.collect();
        step(&mut self.outbox, Event::Answers(&answers), &mut out);
        self.progress.append(&mut out.progress);
        let fallen = |note: &&Note| matches!(note, Note::FallBack { .. });
        (sent.len(), out.notes.iter().filter(fallen).count())
    }

    /// The same link after a restart: from a snapshot of this moment, or from all progress.
    fn again(&self, intents: &[Intent], by_snapshot: bool) -> Self {
        let mut at_rest = AtRest::default();
        let mut progress = self.progress.clone();
        if by_snapshot {
            let (mut bytes, mut walk) = (Vec::new(), self.outbox.walk());
            while self.outbox.part(&mut walk, 64, &mut bytes) {}
            at_rest = AtRest::read(&bytes).unwrap();
            progress.clear();
        }
        let stored: Vec<Progress> = progress
            .iter()
            .map(|record| Progress::decode(&record.encode()).unwrap())
            .collect();
        let mut out = Effects::default();
        let outbox = Outbox::recover(
            "sms",
            Limits::default(),
            at_rest,
            intents.iter(),
            stored.iter(),
            at(2),
            &mut out,
        );
        Self {
            outbox,
            progress,
            now: 2,
        }
    }
}

fn nth(number: i64) -> Intent {
    intent(warning(number), 1, Purpose::Alert, Tier::Red, &[0], 0, 9000)
}

#[test]
fn a_retired_address_is_tried_once_and_another_one_is_tried() {
    let intents = [1, 2, 3, 4].map(nth);
    let [first, second, third, fourth] = &intents;
    let mut link = Link {
        outbox: Outbox::new("sms", Limits::default()),
        progress: Vec::new(),
        now: 1,
    };
    assert_eq!(link.say(first, 11, Outcome::Retired), (1, 1));
    let told = |link: &Link| -> Vec<(u32, u64)> {
        let retired = link.outbox.ledger().retired();
        retired
            .map(|(no, retired)| (no.0, retired.address))
            .collect()
    };
    assert_eq!(told(&link), [(7, mark_of(11))]);
    assert_eq!(
        link.say(second, 11, Outcome::Retired),
        (0, 1),
        "told otherwise at once"
    );
    assert_eq!(link.outbox.ledger().counts(second.id).of(State::Failed), 1);
    for by_snapshot in [false, true] {
        let mut again = link.again(&intents[..2], by_snapshot);
        assert_eq!(told(&again), [(7, mark_of(11))], "{by_snapshot}");
        assert_eq!(again.say(third, 11, Outcome::Retired), (0, 1));
        let taken = Outcome::Accepted { receipt: 0 };
        assert_eq!(again.say(fourth, 12, taken), (1, 0), "a new address");
    }
}

/// A number that moved to another carrier may move back.
#[test]
fn what_is_retired_for_a_time_is_tried_again_after_it() {
    const DAY: i64 = 86_400;
    let limits = Limits {
        retired_for: Span::from_seconds(90 * DAY),
        ..Limits::default()
    };
    let mut link = Link {
        outbox: Outbox::new("sms", limits),
        progress: Vec::new(),
        now: 1,
    };
    let of_day = |number: i64, day: i64| {
        let created = day * DAY;
        intent(
            warning(number),
            1,
            Purpose::Alert,
            Tier::Red,
            &[0],
            created,
            9000,
        )
    };
    let taken = Outcome::Accepted { receipt: 0 };
    assert_eq!(link.say(&of_day(1, 0), 11, Outcome::Retired), (1, 1));
    for (number, day, sent) in [(2, 1, 0), (3, 89, 0), (4, 91, 1), (5, 92, 1)] {
        link.now = day * DAY + 1;
        let said = link.say(&of_day(number, day), 11, taken);
        assert_eq!(said, (sent, 1 - sent), "day {day}");
    }
}
