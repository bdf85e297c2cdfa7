//! What answers mean: done, again, elsewhere, or not known.

use super::effects::{Answer, Effects, Outcome, Token};
use super::track::Retry;
use super::{Flight, Outbox};
use crate::gateway::sms::Day;
use crate::ledger::{Entry, Spent, State, mark_of};
use model::{Span, Time};

impl Outbox {
    pub(super) fn answers(&mut self, at: Time, answers: &[Answer], out: &mut Effects) {
        for answer in answers {
            let Some(flight) = self.flight.remove(&answer.token) else {
                self.late(at, *answer, out);
                continue;
            };
            let parts = usize::from(flight.parts);
            self.flight_parts = self.flight_parts.saturating_sub(parts);
            self.let_go(flight.row.address);
            let no = answer.token.no();
            if let Some(track) = self.tracks.get_mut(&no) {
                track.in_flight = track.in_flight.saturating_sub(1);
            }
            self.charge(at, no, parts, answer.outcome);
            let learned = self.found.rows.len();
            self.settle(at, no, &flight, answer.outcome, out);
            // What stays undecided is not waiting for the disk: it is sent again anyhow.
            self.found.answers += usize::from(self.found.rows.len() > learned);
            self.complete(no, out);
            self.answered_before(no, out);
        }
    }

    /// What the far side took, or may have taken, counts against the day; what it sent back does not.
    fn charge(&mut self, at: Time, no: u32, parts: usize, outcome: Outcome) {
        let counts = match outcome {
            Outcome::Accepted { .. }
            | Outcome::Delivered
            | Outcome::Acknowledged
            | Outcome::Uncertain => true,
            Outcome::Throttled
            | Outcome::Transient
            | Outcome::GaveWay
            | Outcome::Permanent
            | Outcome::Retired
            | Outcome::Elsewhere => false,
        };
        if !counts || self.limits.daily_max == 0 {
            return;
        }
        if let Some(track) = self.tracks.get(&no) {
            self.spent_by = Some(track.intent.id);
        }
        let day = self.day(at);
        let before = self.spent_on(day);
        self.ledger.spend(Spent {
            day,
            parts: before.saturating_add(parts as u64),
        });
    }

    /// The calendar day of a time. A clock put back over midnight does not begin the day again; one
    /// that was days ahead is forgotten.
    fn day(&self, at: Time) -> i64 {
        let day = Day::of(at, self.limits.day_begins).0;
        let before = self.ledger.spent().day;
        if before == day + 1 { before } else { day }
    }

    fn spent_on(&self, day: i64) -> u64 {
        let spent = self.ledger.spent();
        if spent.day == day { spent.parts } else { 0 }
    }

    /// Parts that may still leave on this day, what is in flight counted as taken.
    pub(super) fn daily_room(&self, at: Time) -> usize {
        if self.limits.daily_max == 0 {
            return usize::MAX;
        }
        let spent = self.spent_on(self.day(at)) + self.flight_parts as u64;
        let left = self.limits.daily_max.saturating_sub(spent);
        usize::try_from(left).unwrap_or(usize::MAX)
    }

    /// The link broke: nobody knows what became of what was on the wire.
    pub(super) fn down(&mut self, at: Time, out: &mut Effects) {
        self.up = false;
        let all: Vec<Token> = self.flight.keys().copied().collect();
        self.uncertain(at, all, out);
    }

    /// A gateway that forgets to answer does not hold its window for ever.
    pub(super) fn silent(&mut self, at: Time, out: &mut Effects) {
        let answer_max = self.limits.answer_max;
        // Where the clock was put back, the silence begins anew.
        for flight in self.flight.values_mut() {
            flight.sent = flight.sent.min(at);
        }
        let late = |flight: &Flight| at.since(flight.sent) > answer_max;
        let all = self.flight.iter().filter(|(_, flight)| late(flight));
        let all: Vec<Token> = all.map(|(token, _)| *token).collect();
        self.uncertain(at, all, out);
    }

    fn uncertain(&mut self, at: Time, mut tokens: Vec<Token>, out: &mut Effects) {
        // The table has no order of its own; effects do.
        tokens.sort_unstable();
        let answers: Vec<Answer> = tokens
            .into_iter()
            .map(|token| Answer {
                token,
                outcome: Outcome::Uncertain,
            })
            .collect();
        self.answers(at, &answers, out);
    }

    /// An answer to what is not in flight: a delivery receipt, or a response after its time-out.
    fn late(&mut self, at: Time, answer: Answer, out: &mut Effects) {
        let (no, recipient) = (answer.token.no(), answer.token.recipient());
        if self.ledger.account_by(no).is_none() {
            self.stats.strays += 1;
            return;
        }
        match answer.outcome {
            Outcome::Accepted { receipt } => {
                self.cancel_retry(no, recipient.0);
                self.learn(no, recipient, State::Accepted, receipt);
            }
            Outcome::Delivered => {
                self.cancel_retry(no, recipient.0);
                self.learn(no, recipient, State::Delivered, 0);
            }
            Outcome::Acknowledged => {
                self.cancel_retry(no, recipient.0);
                self.learn(no, recipient, State::Acknowledged, 0);
            }
            // Only a message known to have been taken can be refused after the fact.
            Outcome::Permanent | Outcome::Retired => {
                let state = self.ledger.account_by(no).map(|a| a.states.get(recipient));
                if matches!(state, Some(State::Accepted | State::Unknown)) {
                    self.learn(no, recipient, State::Failed, 0);
                    let before = state == Some(State::Unknown) && self.resends(no);
                    if !before {
                        self.fall_back(at, no, recipient, out);
                    }
                }
            }
            Outcome::Throttled
            | Outcome::Transient
            | Outcome::GaveWay
            | Outcome::Uncertain
            | Outcome::Elsewhere => self.stats.strays += 1,
        }
    }

    fn cancel_retry(&mut self, no: u32, recipient: u32) {
        if let Some(track) = self.tracks.get_mut(&no) {
            for stream in &mut track.streams {
                let before = stream.retry.len();
                stream.retry.retain(|(_, who), _| *who != recipient);
                self.retries_total -= (before - stream.retry.len()).min(self.retries_total);
            }
        }
    }

    fn settle(&mut self, at: Time, no: u32, flight: &Flight, outcome: Outcome, out: &mut Effects) {
        let recipient = flight.row.recipient;
        // What was said to fall back once is not said again.
        let is_said = flight.perhaps || flight.attempt > self.limits.attempts_max;
        match outcome {
            Outcome::Accepted { .. }
            | Outcome::Delivered
            | Outcome::Acknowledged
            | Outcome::Permanent
            | Outcome::Retired => self.troubles = 0,
            Outcome::Transient => self.trouble(at),
            Outcome::Throttled | Outcome::GaveWay | Outcome::Uncertain | Outcome::Elsewhere => {}
        }
        match outcome {
            Outcome::Accepted { receipt } => {
                self.pace.accepted();
                self.learn_of(no, &flight.row, State::Accepted, receipt);
            }
            Outcome::Delivered => self.learn_of(no, &flight.row, State::Delivered, 0),
            Outcome::Acknowledged => self.learn_of(no, &flight.row, State::Acknowledged, 0),
            Outcome::Throttled => {
                self.stats.throttled += 1;
                self.pace.throttled(at);
                // Not the message's fault: the try does not count.
                let tried = flight.attempt.saturating_sub(1);
                self.again(at, no, flight, tried, false, out);
            }
            Outcome::Transient => self.again(at, no, flight, flight.attempt, false, out),
            Outcome::GaveWay => {
                let tried = flight.attempt.saturating_sub(1);
                self.again(at, no, flight, tried, false, out);
            }
            Outcome::Permanent | Outcome::Retired => {
                if outcome == Outcome::Retired {
                    self.retire(at, no, flight);
                }
                self.learn_of(no, &flight.row, State::Failed, 0);
                if !is_said {
                    self.fall_back(at, no, recipient, out);
                }
            }
            Outcome::Elsewhere => {
                self.pace.give_back(usize::from(flight.parts));
                self.not_passed_here(at, no, flight, out);
            }
            Outcome::Uncertain => {
                self.stats.uncertain += 1;
                if self.resends(no) {
                    if !is_said {
                        self.fall_back(at, no, recipient, out);
                    }
                    self.again(at, no, flight, flight.attempt, true, out);
                } else {
                    self.learn_of(no, &flight.row, State::Unknown, 0);
                }
            }
        }
    }

    /// The account does not pass a text that was handed out: another tells them, or none can.
    fn not_passed_here(&mut self, at: Time, no: u32, flight: &Flight, out: &mut Effects) {
        let recipient = flight.row.recipient;
        if flight.perhaps {
            // An earlier try may have gone out.
            self.learn_of(no, &flight.row, State::Unknown, 0);
        }
        match self.facts(no, false, at) {
            Some(facts) if facts.heir.is_some() => self.hand_over(&facts, recipient, false, out),
            Some(_) | None if flight.perhaps => {}
            Some(_) | None => {
                self.learn_of(no, &flight.row, State::Failed, 0);
                self.fall_back(at, no, recipient, out);
            }
        }
    }

    /// No later message tries that address.
    fn retire(&mut self, at: Time, no: u32, flight: &Flight) {
        let Some(track) = self.tracks.get(&no) else {
            return;
        };
        let (recipient, address) = (flight.row.recipient.0, mark_of(flight.row.address));
        self.stats.retired += 1;
        self.found.retired.push(Entry::Retired {
            intent: track.intent.id,
            recipient,
            address,
            at,
        });
        self.ledger.retire(recipient, address, at);
    }

    fn resends(&self, no: u32) -> bool {
        let track = self.tracks.get(&no);
        track.is_some_and(|track| track.intent.resend_when_unknown())
    }

    /// The far side did not take a message, perhaps through no fault of the message.
    fn trouble(&mut self, at: Time) {
        self.troubles = self.troubles.saturating_add(1);
        if self.troubles >= self.limits.trouble() {
            self.pace.throttled(at);
        }
    }

    /// Another try after its wait, or the end of trying: a message is given up only where the far
    /// side takes others.
    fn again(
        &mut self,
        at: Time,
        no: u32,
        flight: &Flight,
        attempt: u8,
        perhaps: bool,
        out: &mut Effects,
    ) {
        let recipient = flight.row.recipient;
        let Some(track) = self.tracks.get_mut(&no) else {
            return;
        };
        let attempts_max = self.limits.attempts_max;
        let takes_others = self.troubles < usize::from(attempts_max);
        let given_up = attempt >= attempts_max && takes_others;
        if track.closed || given_up {
            let state = match (perhaps || flight.perhaps, given_up) {
                (true, _) => State::Unknown,
                (false, true) => State::Failed,
                (false, false) => State::Withdrawn,
            };
            self.learn_of(no, &flight.row, state, 0);
            // What may have gone out was said to fall back when that became known.
            if state == State::Failed && flight.attempt <= attempts_max {
                self.fall_back(at, no, recipient, out);
            }
            return;
        }
        // It goes on being tried, and until it is taken the person may be told otherwise.
        let is_late = attempt == attempts_max && flight.attempt == attempts_max;
        if is_late && !perhaps && !flight.perhaps {
            self.fall_back(at, no, recipient, out);
        }
        let Some(track) = self.tracks.get_mut(&no) else {
            return;
        };
        let wait = if attempt == 0 {
            Span::ZERO
        } else {
            self.limits.backoff(attempt)
        };
        let retry = Retry {
            row: flight.row,
            attempt,
            perhaps: perhaps || flight.perhaps,
        };
        let key = track.keys.get(usize::from(flight.pass)).copied();
        if let Some(stream) = track.streams.get_mut(usize::from(flight.pass)) {
            stream.push_retry(at + wait, recipient, retry);
            self.retries_total += 1;
        }
        if let Some(key) = key {
            self.order.insert(key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::effects::{Event, Note, Row};
    use super::super::{Limits, Outbox};
    use super::*;
    use crate::intent::{Audience, Intent, IntentId, RecipientNo};
    use crate::wording::{Message, Purpose};
    use model::{AreaCode, Channel, Hazard, Language, Mode, Reach, Tier, WarningId};

    fn at(seconds: i64) -> Time {
        Time::from_seconds(1_700_000_000 + seconds)
    }

    fn words(channel: Channel) -> Message {
        Message {
            language: Language::Zh,
            channel,
            text: channel.name().into(),
            subject: String::new(),
            instruction: String::new(),
            variant_no: 0,
        }
    }

    fn intent(tier: Tier) -> Intent {
        let area = AreaCode::parse("440106014000").unwrap();
        let warning = WarningId::derive(area, Mode::Actual, Hazard::Waterlogging, area, at(0));
        let reach = Reach::Responsible;
        let mut audience = Audience::of(reach, "v1");
        audience.areas = vec![area];
        Intent {
            id: IntentId::derive(warning, 1, "sms", Purpose::Reminder, reach, ""),
            warning,
            revision: 1,
            purpose: Purpose::Reminder,
            link: "sms".into(),
            channel: Channel::Sms,
            mode: Mode::Actual,
            audience,
            only_told: false,
            only_new: false,
            again: false,
            by_area: false,
            words: vec![words(Channel::Sms)],
            spare: vec![words(Channel::Push), words(Channel::Email)],
            instead_of: None,
            tried: Vec::new(),
            moved_from: Vec::new(),
            tier,
            onset: at(0),
            exposure: 1,
            not_before: None,
            not_after: at(3600),
            created: at(0),
        }
    }

    const ACCEPTED: Outcome = Outcome::Accepted { receipt: 5 };

    /// An outbox with one message on the wire, and what happens to it at these seconds.
    fn notes(tier: Tier, outcomes: &[(i64, Outcome)]) -> usize {
        let (mut outbox, mut out) = (Outbox::new("sms", Limits::default()), Effects::default());
        let intent = intent(tier);
        outbox.step(at(0), Event::Up, &mut out);
        outbox.step(at(0), Event::Planned(&intent), &mut out);
        let row = Row {
            recipient: RecipientNo(7),
            variant: 0,
            shared: true,
            address: 1,
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
            outbox.step(at(0), event, &mut out);
        }
        let mut fallen = 0;
        for (second, outcome) in outcomes {
            let seq = out.progress.last().map_or(0, |progress| progress.seq);
            outbox.step(at(*second), Event::Durable(seq), &mut out);
            outbox.step(at(*second), Event::Tick, &mut out);
            let token = outbox.token(intent.id, RecipientNo(7)).unwrap();
            let answer = Answer {
                token,
                outcome: *outcome,
            };
            outbox.step(at(*second), Event::Answers(&[answer]), &mut out);
        }
        for note in &out.notes {
            fallen += usize::from(matches!(note, Note::FallBack { .. }));
        }
        fallen
    }

    #[test]
    fn who_is_not_reached_is_said_once() {
        use Outcome::{Delivered, Permanent, Retired, Transient, Uncertain};
        type Case = (Tier, &'static [(i64, Outcome)], usize);
        let cases: [Case; 10] = [
            (Tier::Blue, &[(1, Permanent)], 1),
            (Tier::Red, &[(1, Permanent)], 1),
            (Tier::Red, &[(1, Retired)], 1),
            // Of unknown outcome: said at orange and red alone, and not again at each try.
            (
                Tier::Red,
                &[(1, Uncertain), (9, Uncertain), (40, Permanent)],
                1,
            ),
            (
                Tier::Red,
                &[(1, Uncertain), (9, Transient), (40, ACCEPTED)],
                1,
            ),
            (Tier::Blue, &[(1, Uncertain)], 0),
            // Taken, and then reported as not delivered.
            (Tier::Blue, &[(1, ACCEPTED), (60, Permanent)], 1),
            (
                Tier::Red,
                &[(1, ACCEPTED), (60, Delivered), (61, Permanent)],
                0,
            ),
            (Tier::Red, &[(1, ACCEPTED)], 0),
            // Too late to tell anybody.
            (Tier::Red, &[(1, ACCEPTED), (4000, Permanent)], 0),
        ];
        for (tier, outcomes, wanted) in cases {
            assert_eq!(notes(tier, outcomes), wanted, "{tier} {outcomes:?}");
        }
    }

    #[test]
    fn each_channel_left_is_tried_once_by_an_intent_of_derived_identity() {
        let first = intent(Tier::Red);
        let every = |channel: Channel| Some(channel.name().to_owned());
        let push = first.fall_back(at(9), "P1", every).unwrap();
        assert_eq!((push.channel, push.link.as_str()), (Channel::Push, "push"));
        assert_eq!(push.words, [words(Channel::Push)]);
        assert_eq!(push.audience.contacts, ["P1"]);
        assert_eq!(push.instead_of, Some(first.id));
        assert_eq!(first.fall_back(at(99), "P1", every).unwrap().id, push.id);
        assert_ne!(first.fall_back(at(9), "P2", every).unwrap().id, push.id);
        let mail = push.fall_back(at(20), "P1", every).unwrap();
        assert_eq!((mail.channel, mail.not_after), (Channel::Email, at(3600)));
        assert_eq!(mail.fall_back(at(30), "P1", every), None);
        // Who has no app goes on to their mail; who has neither hears nothing more.
        let mail_alone = |channel: Channel| (channel == Channel::Email).then(|| "email".to_owned());
        let skipped = first.fall_back(at(9), "P1", mail_alone).unwrap();
        assert_eq!((skipped.channel, skipped.spare.len()), (Channel::Email, 0));
        assert_eq!(first.fall_back(at(9), "P1", |_| None), None);
    }
}
