//! Acts of people: on warnings by their bulletin, on subjects here.

use super::Engine;
use crate::bulletin::Amendment;
use crate::effect::{Effect, Reason, Refusal};
use model::{Hazard, Named, Order, Tier, WarningId};

impl Engine {
    pub(super) fn follow(&mut self, order: &Order, out: &mut Vec<Effect>) -> Result<(), Refusal> {
        match order {
            Order::Approve {
                warning,
                revision,
                seen,
                person,
            } => {
                let hazard = self.hazard_of(*warning)?;
                self.with_desk(out, |bulletins, desk| match bulletins.get_mut(&hazard) {
                    Some(b) => b.approve(*warning, *revision, seen, person, desk),
                    None => Err(Refusal::UnknownWarning { warning: *warning }),
                })
            }
            Order::Reject {
                warning,
                revision,
                person,
                ..
            } => {
                let hazard = self.hazard_of(*warning)?;
                self.with_desk(out, |bulletins, desk| match bulletins.get_mut(&hazard) {
                    Some(b) => b.reject(*warning, *revision, person, desk),
                    None => Err(Refusal::UnknownWarning { warning: *warning }),
                })
            }
            Order::Amend {
                warning,
                revision,
                areas,
                text,
                person,
                ..
            } => {
                let hazard = self.hazard_of(*warning)?;
                let amendment = Amendment {
                    areas,
                    text,
                    person,
                };
                self.with_desk(out, |bulletins, desk| match bulletins.get_mut(&hazard) {
                    Some(b) => b.amend(*warning, *revision, &amendment, desk),
                    None => Err(Refusal::UnknownWarning { warning: *warning }),
                })
            }
            Order::Cancel {
                warning,
                areas,
                person,
                ..
            } => {
                let hazard = self.hazard_of(*warning)?;
                self.with_desk(out, |bulletins, desk| match bulletins.get_mut(&hazard) {
                    Some(b) => b.cancel(*warning, areas, person, desk),
                    None => Err(Refusal::UnknownWarning { warning: *warning }),
                })
            }
            Order::Issue {
                hazard,
                areas,
                text,
                person,
                ..
            } => {
                let amendment = Amendment {
                    areas,
                    text,
                    person,
                };
                let name = self.name_of(*hazard);
                let hazard = *hazard;
                self.with_desk(out, |bulletins, desk| {
                    let fresh = || crate::bulletin::Bulletin::new(hazard);
                    bulletins
                        .entry(hazard)
                        .or_insert_with(fresh)
                        .issue(name, &amendment, desk)
                })
            }
            Order::Confirm { rule, subject, .. } => self.confirm(rule, subject, out),
            Order::Stand { rule, subject, .. } => self.end_silent(rule, subject, out),
            Order::Answer { .. } => Ok(()),
        }
    }

    fn hazard_of(&self, warning: WarningId) -> Result<Hazard, Refusal> {
        let known = self
            .bulletins
            .values()
            .find(|bulletin| bulletin.knows(warning));
        known
            .map(crate::bulletin::Bulletin::hazard)
            .ok_or(Refusal::UnknownWarning { warning })
    }

    fn name_of(&self, hazard: Hazard) -> Named {
        let rule = self
            .rulebook
            .rules
            .iter()
            .find(|rule| rule.hazard == hazard);
        rule.map_or_else(
            || Named {
                zh: hazard.zh().to_owned(),
                en: hazard.en().to_owned(),
            },
            |rule| rule.name.clone(),
        )
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
        let waits = found.filter(|(found, _)| found.standing.confirmed < found.standing.timely);
        let Some(held) = waits.and_then(|(found, _)| found.state.as_mut()) else {
            return Err(Refusal::NotUnconfirmed {
                subject: subject.to_owned(),
            });
        };
        held.sure = Tier::Red;
        self.stand(rule_no, subject_no, Reason::Raised, Reason::Lowered, None);
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
        let record = self.at.millis();
        let state = self.rules.get_mut(rule_no);
        let found = state.and_then(|state| state.awaken(subject_no as usize));
        let silent = found.filter(|(found, _)| {
            let silence = record.saturating_sub(found.newest);
            found.standing.reached > Tier::None && silence > found.holds.gap_ms
        });
        let Some(held) = silent.and_then(|(found, _)| found.state.as_mut()) else {
            return Err(Refusal::NotSilent {
                subject: subject.to_owned(),
            });
        };
        held.reached.clear();
        held.ahead.clear();
        self.stand(
            rule_no,
            subject_no,
            Reason::Stood,
            Reason::Stood,
            Some(record),
        );
        self.settle(out);
        Ok(())
    }
}
