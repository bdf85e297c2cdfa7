//! What answers mean: done, again, elsewhere, or not known.

use super::effects::{Answer, Effects, Outcome, Token};
use super::track::Retry;
use super::{Flight, Outbox};
use crate::ledger::State;
use model::{Span, Time};

impl Outbox {
    pub(super) fn answers(&mut self, at: Time, answers: &[Answer], out: &mut Effects) {
        for answer in answers {
            let Some(flight) = self.flight.remove(&answer.token) else {
                self.late(*answer);
                continue;
            };
            let no = answer.token.no();
            if let Some(track) = self.tracks.get_mut(&no) {
                track.in_flight = track.in_flight.saturating_sub(1);
            }
            let learned = self.found.rows.len();
            self.settle(at, no, &flight, answer.outcome, out);
            // What stays undecided is not waiting for the disk: it is sent again anyhow.
            self.found.answers += usize::from(self.found.rows.len() > learned);
            self.complete(no, out);
        }
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
    fn late(&mut self, answer: Answer) {
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
            Outcome::Permanent => {
                let state = self.ledger.account_by(no).map(|a| a.states.get(recipient));
                if matches!(state, Some(State::Accepted | State::Unknown)) {
                    self.learn(no, recipient, State::Failed, 0);
                }
            }
            Outcome::Throttled | Outcome::Transient | Outcome::Uncertain => self.stats.strays += 1,
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
        match outcome {
            Outcome::Accepted { receipt } => {
                self.pace.accepted();
                self.learn(no, recipient, State::Accepted, receipt);
            }
            Outcome::Delivered => self.learn(no, recipient, State::Delivered, 0),
            Outcome::Acknowledged => self.learn(no, recipient, State::Acknowledged, 0),
            Outcome::Throttled => {
                self.stats.throttled += 1;
                self.pace.throttled(at);
                // Not the message's fault: the try does not count.
                let tried = flight.attempt.saturating_sub(1);
                self.again(at, no, flight, tried, false, out);
            }
            Outcome::Transient => self.again(at, no, flight, flight.attempt, false, out),
            Outcome::Permanent => {
                self.learn(no, recipient, State::Failed, 0);
                self.fall_back(no, flight, out);
            }
            Outcome::Uncertain => {
                self.stats.uncertain += 1;
                let resend = self
                    .tracks
                    .get(&no)
                    .is_some_and(|track| track.intent.resend_when_unknown());
                if resend {
                    self.fall_back(no, flight, out);
                    self.again(at, no, flight, flight.attempt, true, out);
                } else {
                    self.learn(no, recipient, State::Unknown, 0);
                }
            }
        }
    }

    /// Another try after its wait, or the end of trying.
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
        let given_up = attempt >= self.limits.attempts_max;
        if track.closed || given_up {
            let state = match (perhaps, given_up) {
                (true, _) => State::Unknown,
                (false, true) => State::Failed,
                (false, false) => State::Withdrawn,
            };
            self.learn(no, recipient, state, 0);
            if given_up {
                self.fall_back(no, flight, out);
            }
            return;
        }
        let wait = if attempt == 0 {
            Span::ZERO
        } else {
            self.limits.backoff(attempt)
        };
        let retry = Retry {
            row: flight.row,
            attempt,
            perhaps,
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
