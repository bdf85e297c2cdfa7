//! Acts of people: on warnings by their bulletin, on subjects here.

use super::Engine;
use super::mute::Silencing;
use crate::bulletin::Amendment;
use crate::effect::{Effect, Reason, Refusal};
use crate::rulebook::Rulebook;
use model::pending::Reviewed;
use model::{Hazard, Named, Order, Span, Tier, Time};

/// A zone that runs has a record each whole minute: what is longer between two is time without a
/// running server, save for the pauses of a loaded machine.
const TICK: Span = Span::from_minutes(1);
const GAP: Span = Span::from_minutes(2);

impl Engine {
    pub(super) fn follow(&mut self, order: &Order, out: &mut Vec<Effect>) -> Result<(), Refusal> {
        match order {
            Order::Approve {
                warning,
                revision,
                seen,
                person,
                ..
            } => self.with_desk(out, |shelf, desk| {
                let bulletin = shelf.holding(*warning)?;
                bulletin.approve(*warning, *revision, seen, person, desk)
            }),
            Order::Reject {
                warning,
                revision,
                person,
                ..
            } => self.with_desk(out, |shelf, desk| {
                let bulletin = shelf.holding(*warning)?;
                bulletin.reject(*warning, *revision, person, desk)
            }),
            Order::Amend {
                warning,
                revision,
                areas,
                text,
                onset,
                person,
                ..
            } => self.with_desk(out, |shelf, desk| {
                let amendment = Amendment {
                    areas,
                    text,
                    onset: onset.as_ref(),
                    person,
                };
                let bulletin = shelf.holding(*warning)?;
                bulletin.amend(*warning, *revision, &amendment, desk)
            }),
            Order::Cancel {
                warning,
                areas,
                person,
                ..
            } => self.with_desk(out, |shelf, desk| {
                let bulletin = shelf.holding(*warning)?;
                bulletin.cancel(*warning, areas, person, desk)
            }),
            Order::Issue {
                hazard,
                areas,
                text,
                onset,
                person,
                ..
            } => {
                let name = name_of(*hazard, &self.rulebook);
                self.with_desk(out, |shelf, desk| {
                    shelf.hold(std::iter::once(*hazard));
                    let amendment = Amendment {
                        areas,
                        text,
                        onset: onset.as_ref(),
                        person,
                    };
                    match shelf.own.get_mut(hazard) {
                        Some(bulletin) => bulletin.issue(name, &amendment, desk),
                        None => Ok(()),
                    }
                })
            }
            Order::Review {
                warning,
                revision,
                sound,
                note,
                person,
            } => self.with_desk(out, |shelf, desk| {
                let reviewed = Reviewed {
                    person: person.clone(),
                    at: desk.at,
                    sound: *sound,
                    note: note.clone(),
                };
                let bulletin = shelf.holding(*warning)?;
                bulletin.review(*warning, *revision, reviewed)
            }),
            Order::Relay { signal, .. } => {
                let rulebook = std::sync::Arc::clone(&self.rulebook);
                let name = |hazard| name_of(hazard, &rulebook);
                self.with_desk(out, |shelf, desk| shelf.relay(signal, name, desk))
            }
            Order::Confirm { rule, subject, .. } => self.confirm(rule, subject, out),
            Order::Stand { rule, subject, .. } => self.end_silent(rule, subject, out),
            Order::Mute {
                rule,
                areas,
                until,
                person,
                reason,
            } => {
                let order = Silencing {
                    rule,
                    areas,
                    until: *until,
                    person,
                    reason,
                };
                self.mute(&order, out)
            }
            Order::Unmute {
                rule,
                areas,
                person,
                ..
            } => self.unmute(rule, areas, person, out),
            // Answers are the ladder's; responses are decided beside the engine. What an exercise
            // opens and takes back comes as orders of its own.
            Order::Answer { .. }
            | Order::AnswerFor { .. }
            | Order::Respond { .. }
            | Order::Decline { .. }
            | Order::Damage { .. }
            | Order::Task { .. }
            | Order::Transfer { .. }
            | Order::Return { .. }
            | Order::Close { .. }
            | Order::Audit(_)
            | Order::Service(_)
            | Order::TakeOver { .. }
            | Order::Drill(_)
            | Order::DrillOver { .. } => Ok(()),
        }
    }

    /// Takes the time without a running server off the clocks of people (semantics §27).
    pub(super) fn leave_out_gap(&mut self, at: Time, out: &mut Vec<Effect>) {
        let gap = at.since(self.at);
        if self.at.millis() > i64::MIN && gap > GAP {
            let lost = Span::from_millis(gap.millis() - TICK.millis());
            self.bulletins.pause(lost);
            self.with_desk(out, |_, _| ());
        }
    }

    fn subject_of(&self, rule: &str, subject: &str) -> Result<(usize, u32), Refusal> {
        let Some((number, _)) = self.rulebook.rule(rule) else {
            return Err(Refusal::UnknownRule {
                rule: rule.to_owned(),
            });
        };
        let subjects = self
            .rules
            .get(number)
            .map(|state| state.subjects.as_slice());
        let found = subjects.and_then(|s| s.iter().position(|s| s.id(&self.city) == subject));
        match found.and_then(|at| u32::try_from(at).ok()) {
            Some(at) => Ok((number, at)),
            None => Err(Refusal::UnknownSubject {
                rule: rule.to_owned(),
                subject: subject.to_owned(),
            }),
        }
    }

    /// A person confirms a rise that rests on suspect values.
    fn confirm(&mut self, rule: &str, subject: &str, out: &mut Vec<Effect>) -> Result<(), Refusal> {
        let (rule_no, subject_no) = self.subject_of(rule, subject)?;
        let state = self.rules.get_mut(rule_no);
        let found = state.and_then(|state| state.awaken(subject_no as usize));
        let waits = found.filter(|(found, ..)| found.standing.confirmed < found.standing.timely);
        let Some(held) = waits.and_then(|(found, ..)| found.state.as_mut()) else {
            return Err(Refusal::NotUnconfirmed {
                subject: subject.to_owned(),
            });
        };
        held.sure = Tier::Red;
        if let Some(lost) = &mut held.lost {
            lost.is_confirmed = true;
        }
        let (rise, fall) = (Reason::Raised, Reason::Lowered);
        self.stand(rule_no, subject_no, rise, fall, None, None);
        self.settle(out);
        Ok(())
    }

    /// A person ends the tier of a subject whose data fell silent.
    fn end_silent(
        &mut self,
        rule: &str,
        subject: &str,
        out: &mut Vec<Effect>,
    ) -> Result<(), Refusal> {
        let (rule_no, subject_no) = self.subject_of(rule, subject)?;
        let spec = self.rulebook.rules.get(rule_no);
        let takes_silence = spec.is_some_and(|rule| rule.lost.is_some());
        let record = self.at.millis();
        let state = self.rules.get(rule_no);
        let found = state.and_then(|state| state.subjects.get(subject_no as usize));
        let last = found.and_then(|found| self.last_of(found));
        let state = self.rules.get_mut(rule_no);
        let found = state.and_then(|state| state.awaken(subject_no as usize));
        let silent = found.filter(|(found, ..)| {
            let silence = record.saturating_sub(found.newest);
            let is_lost = found.state.as_ref().is_some_and(|s| s.lost.is_some());
            found.standing.reached > Tier::None && (is_lost || silence > found.holds.gap_ms)
        });
        let Some(held) = silent.and_then(|(found, ..)| found.state.as_mut()) else {
            return Err(Refusal::NotSilent {
                subject: subject.to_owned(),
            });
        };
        held.reached.clear();
        held.ahead.clear();
        held.lost = None;
        held.stood = last.filter(|_| takes_silence);
        self.stand(
            rule_no,
            subject_no,
            Reason::Stood,
            Reason::Stood,
            None,
            Some(record),
        );
        self.settle(out);
        Ok(())
    }
}

/// The name of a hazard: as the first rule gives it, else its own.
fn name_of(hazard: Hazard, rulebook: &Rulebook) -> Named {
    let rule = rulebook.rules.iter().find(|rule| rule.hazard == hazard);
    rule.map_or_else(
        || Named {
            zh: hazard.zh().to_owned(),
            en: hazard.en().to_owned(),
        },
        |rule| rule.name.clone(),
    )
}
