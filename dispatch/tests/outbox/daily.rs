//! The messages of a day: never more than agreed, counted over restarts, and the public waits for the
//! next day while named people are told otherwise at once.

use super::*;

const DAY_S: i64 = 86_400;
/// So many seconds after [`at`] zero a day of UTC begins.
const MIDNIGHT: i64 = DAY_S - 1_700_000_000 % DAY_S;
const PEOPLE: u32 = 10;

fn limits() -> Limits {
    Limits {
        daily_max: 4,
        ..Limits::default()
    }
}

struct Link {
    outbox: Outbox,
    progress: Vec<Progress>,
    /// Told otherwise so far.
    fallen: usize,
}

impl Link {
    fn new(outbox: Outbox) -> Self {
        Self {
            outbox,
            progress: Vec::new(),
            fallen: 0,
        }
    }

    /// Takes an intent in, gives it its people, and lets the far side answer `outcome` to whatever
    /// leaves until nothing does; gives how many messages left.
    fn say(&mut self, second: i64, intent: Option<&Intent>, outcome: Outcome) -> usize {
        let mut out = Effects::default();
        self.outbox.step(at(second), Event::Up, &mut out);
        if let Some(intent) = intent {
            self.outbox
                .step(at(second), Event::Planned(intent), &mut out);
        }
        let mut left = 0;
        for _ in 0..20 {
            for wanted in std::mem::take(&mut out.resolve) {
                let row = |n: u32| Row {
                    recipient: RecipientNo(n),
                    variant: 0,
                    shared: false,
                    address: u64::from(n),
                };
                let rows: Vec<Row> = (0..PEOPLE).map(row).collect();
                let event = Event::Rows {
                    intent: wanted.intent,
                    pass: wanted.pass,
                    epoch: wanted.epoch,
                    cursor: 1,
                    rows: if wanted.pass == 0 { &rows } else { &[] },
                    end: true,
                };
                self.outbox.step(at(second), event, &mut out);
            }
            let sent = std::mem::take(&mut out.sending);
            out.sends.clear();
            left += sent.len();
            let answer = |sending: &dispatch::outbox::Sending| Answer {
                token: sending.token,
                outcome,
            };
            let answers: Vec<Answer> = sent.iter().map(answer).collect();
            self.outbox
                .step(at(second), Event::Answers(&answers), &mut out);
            let seq = out.progress.last().map_or(0, |progress| progress.seq);
            self.progress.append(&mut out.progress);
            self.outbox.step(at(second), Event::Durable(seq), &mut out);
        }
        let fallen = |note: &&Note| matches!(note, Note::FallBack { .. });
        self.fallen += out.notes.iter().filter(fallen).count();
        left
    }

    /// The same link after a crash at that second.
    fn again(&self, intents: &[Intent], second: i64, by_snapshot: bool) -> Self {
        let mut at_rest = AtRest::default();
        let mut stored = self.progress.clone();
        if by_snapshot {
            let (mut bytes, mut walk) = (Vec::new(), self.outbox.walk());
            while self.outbox.part(&mut walk, 64, &mut bytes) {}
            at_rest = AtRest::read(&bytes).unwrap();
            stored.clear();
        }
        let stored: Vec<Progress> = stored
            .iter()
            .map(|record| Progress::decode(&record.encode()).unwrap())
            .collect();
        let mut out = Effects::default();
        let outbox = Outbox::recover(
            "sms",
            limits(),
            at_rest,
            intents.iter(),
            stored.iter(),
            at(second),
            &mut out,
        );
        Self::new(outbox)
    }
}

const TAKEN: Outcome = Outcome::Accepted { receipt: 0 };

#[test]
fn the_public_waits_for_the_next_day_over_restarts() {
    let intents = [to_all(1, Purpose::Alert, Tier::Red, 0, 9 * DAY_S)];
    let mut link = Link::new(Outbox::new("sms", limits()));
    assert_eq!(link.say(1, Some(&intents[0]), TAKEN), 4);
    assert_eq!(link.say(2, None, TAKEN), 0);
    for by_snapshot in [false, true] {
        let mut again = link.again(&intents, 3, by_snapshot);
        assert_eq!(again.outbox.ledger().spent().parts, 4, "{by_snapshot}");
        assert_eq!(again.say(3, None, TAKEN), 0, "the day has no room left");
        assert_eq!(again.say(MIDNIGHT + 1, None, TAKEN), 4, "the next day");
        assert_eq!(
            again.say(MIDNIGHT - 1, None, TAKEN),
            0,
            "put back over midnight"
        );
        assert_eq!(again.say(MIDNIGHT + DAY_S + 1, None, TAKEN), 2, "the rest");
        let counts = again.outbox.ledger().counts(intents[0].id);
        assert_eq!(counts.of(State::Accepted), u64::from(PEOPLE));
        assert_eq!(again.fallen, 0);
    }
}

#[test]
fn named_people_are_told_otherwise_at_once() {
    let mut intent = to_all(1, Purpose::Reminder, Tier::Red, 0, 9000);
    intent.audience.reach = Reach::Responsible;
    let mut link = Link::new(Outbox::new("sms", limits()));
    assert_eq!(link.say(1, Some(&intent), TAKEN), 4);
    assert_eq!(link.fallen, 6);
    assert_eq!(link.outbox.stats().capped, 6);
    let counts = link.outbox.ledger().counts(intent.id);
    assert_eq!(
        (counts.of(State::Accepted), counts.of(State::Failed)),
        (4, 6)
    );
}

/// What the far side sent back was not taken, and costs nothing.
#[test]
fn a_refusal_does_not_count() {
    let intents = [to_all(1, Purpose::Alert, Tier::Red, 0, 9000)];
    let mut link = Link::new(Outbox::new("sms", limits()));
    assert_eq!(link.say(1, Some(&intents[0]), Outcome::Permanent), 10);
    assert_eq!(link.outbox.ledger().spent().parts, 0);
}
