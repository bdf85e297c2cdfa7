//! Shifts in one zone: who is off duty is not asked, and whoever comes on duty goes on where the one
//! before them stood.

use super::{Machine, Outputs};
use dispatch::intent::Intent;
use dispatch::plan::{Asking, Desk, asking, signing};
use model::pending::Signing;
use model::{Order, Pending, Reach, Span, TakenOver, Time};
use std::collections::BTreeSet;
use std::sync::Arc;

/// A look at shifts goes back no further: after a longer outage everybody is asked by the next step.
const BACK_MAX: Span = Span::from_minutes(12 * 60);
/// Steps of a ladder that have numbers of their own within a minute.
const STEPS: u32 = 16;

impl Machine {
    /// Leaves out who is off duty, and hands open calls and unsigned proposals to whoever came on duty
    /// since the last record.
    pub(super) fn relieve(&mut self, at: Time, out: &mut Outputs) {
        let installation = Arc::clone(&self.installation);
        let city = &installation.city;
        let roster = &city.policy.roster;
        let before = std::mem::replace(&mut self.shifts_at, at);
        if roster.is_empty() {
            return;
        }
        let off = roster.off_duty(at, city.offset_at(at));
        for intent in &mut out.intents {
            leave_out(intent, &off);
        }
        let came = if before.minute() == at.minute() || before + BACK_MAX < at {
            Vec::new()
        } else {
            let earlier = (before, city.offset_at(before));
            roster.relief(earlier, (at, city.offset_at(at)))
        };
        if came.is_empty() {
            return;
        }
        let mut intents = Vec::new();
        self.hand_over_calls(at, &mut intents);
        for intent in &mut intents {
            intent.audience.among = Some(came.clone());
        }
        self.hand_over_proposals(at, &came, &mut intents);
        out.intents.append(&mut intents);
    }

    /// Each turn of an approval clock is called out once.
    pub(super) fn call_signers(
        &mut self,
        at: Time,
        pending: &Pending,
        desk: &Desk<'_>,
        intents: &mut Vec<Intent>,
    ) {
        let Some(waits) = &pending.signing else {
            self.called.remove(&pending.warning);
            self.waits.remove(&pending.warning);
            return;
        };
        self.waits.insert(pending.warning, waits.clone());
        let turn = (waits.since, waits.turn);
        if self.called.insert(pending.warning, turn) == Some(turn) {
            return;
        }
        if let Some(warning) = self.standing.get(&pending.warning) {
            signing(at, warning, waits, desk, intents);
        }
    }

    /// Noted in the city's zone: it is one desk.
    pub(super) fn took_over(&self, at: Time, order: &Order, out: &mut Outputs) {
        let Order::TakeOver {
            person,
            seen,
            points,
            note,
        } = order
        else {
            return;
        };
        if self.responses.is_some() {
            out.taken_over.push(TakenOver {
                at,
                person: person.clone(),
                seen: seen.clone(),
                points: *points,
                note: note.clone(),
            });
        }
    }

    /// Each step that was asked, once more for whoever came: the ladder itself goes on where it is, and
    /// nobody who was asked before is asked again.
    fn hand_over_calls(&self, at: Time, intents: &mut Vec<Intent>) {
        let installation = Arc::clone(&self.installation);
        let desk = installation.desk();
        let minute = u32::try_from(at.minute()).unwrap_or(0);
        for call in self.calls.unanswered() {
            let Some(standing) = self.standing.get(&call.warning) else {
                continue;
            };
            let asked: BTreeSet<u8> = call.asked.iter().map(|(step, _)| *step).collect();
            for step in asked {
                let Some(rung) = call.rungs.get(usize::from(step)) else {
                    continue;
                };
                let due = Asking {
                    place: &call.place,
                    tier: call.tier,
                    // Behind every turn that a ladder has.
                    turn: minute.saturating_mul(STEPS).saturating_add(u32::from(step)),
                    rung,
                    unlit: None,
                };
                asking(at, standing, &due, &desk, intents);
            }
        }
    }

    /// A proposal that waits is called out to those of its signers who came.
    fn hand_over_proposals(&self, at: Time, came: &[String], intents: &mut Vec<Intent>) {
        let installation = Arc::clone(&self.installation);
        let desk = installation.desk();
        let hour = at.minute().div_euclid(60).rem_euclid(24);
        for (id, waits) in &self.waits {
            let asked = waits.asked.iter().filter(|id| came.contains(id));
            let asked: Vec<String> = asked.cloned().collect();
            let Some(standing) = self.standing.get(id).filter(|_| !asked.is_empty()) else {
                continue;
            };
            let again = Signing {
                asked,
                // Turns of the clock are few: these are told apart from them, and by the hour.
                turn: u8::try_from(128 + hour).unwrap_or(u8::MAX),
                ..waits.clone()
            };
            signing(at, standing, &again, &desk, intents);
        }
    }
}

/// An end is told to whoever was asked before, off duty or not; a proposal whose signers are all off duty
/// is called out to all of them.
fn leave_out(intent: &mut Intent, off: &[String]) {
    if intent.audience.reach != Reach::Responsible || intent.purpose.is_easing() {
        return;
    }
    let named = &mut intent.audience.contacts;
    if named.is_empty() {
        intent.audience.off_duty = off.to_vec();
        return;
    }
    let on: Vec<String> = named
        .iter()
        .filter(|id| !off.contains(id))
        .cloned()
        .collect();
    if !on.is_empty() {
        *named = on;
    }
}

#[cfg(test)]
mod tests;
