//! Acts of people on responses, tasks, transfers, damage and incidents.

use super::{Responses, declined, is_of, response};
use crate::effect::Refusal;
use model::response::{
    Damage, Entry, Incident, Level, Remaining, Response, Task, TaskRow, TaskState, Transfer, What,
};
use model::{AreaCode, Order, Time};

impl Responses {
    /// Follows an act; those that are no business of responses change nothing.
    ///
    /// # Errors
    /// Why it is not followed; then nothing changed.
    pub fn order(&mut self, at: Time, order: &Order, out: &mut Vec<Entry>) -> Result<(), Refusal> {
        match order {
            Order::Respond {
                plan,
                area,
                level,
                seen,
                person,
                reason,
            } => {
                let signed = Signed { at, person, reason };
                self.respond(plan, *area, (*seen, *level), &signed, out)?;
            }
            Order::Decline {
                plan,
                area,
                level,
                person,
                reason,
            } => {
                let signed = Signed { at, person, reason };
                self.decline((plan, *area), *level, &signed, out)?;
            }
            Order::Damage {
                kind,
                area,
                holds,
                person,
                note,
            } => {
                if !self.plans().damage.iter().any(|known| known.id == *kind) {
                    return Err(Refusal::UnknownDamage { kind: kind.clone() });
                }
                self.know(*area)?;
                let damage = Damage {
                    kind: kind.clone(),
                    area: *area,
                    holds: *holds,
                    by: person.clone(),
                    at,
                    note: note.clone(),
                };
                self.say(at, What::Damage(damage), out);
            }
            Order::Task {
                task,
                state,
                person,
                note,
            } => {
                let signed = Signed {
                    at,
                    person,
                    reason: note,
                };
                self.report(task, *state, &signed, out)?;
            }
            Order::Transfer {
                area,
                planned,
                moved,
                sheltered,
                due,
                person,
                note,
            } => {
                self.know(*area)?;
                if sheltered > moved {
                    return Err(Refusal::Miscounted {
                        sheltered: *sheltered,
                        moved: *moved,
                    });
                }
                let transfer = Transfer {
                    area: *area,
                    planned: *planned,
                    moved: *moved,
                    sheltered: *sheltered,
                    due: *due,
                    by: person.clone(),
                    at,
                    note: note.clone(),
                    returned: None,
                };
                self.say(at, What::Transfer(transfer), out);
            }
            Order::Return { area, person, .. } => {
                let post = self.plans().return_post.clone();
                self.permit(person, &post, *area)?;
                let open = self.state.board.transfers.get(area);
                let open = open.filter(|transfer| transfer.returned.is_none());
                let mut transfer = open.ok_or(Refusal::NoTransfer { area: *area })?.clone();
                (transfer.returned, transfer.by) = (Some(at), person.clone());
                self.say(at, What::Transfer(transfer), out);
            }
            Order::Close {
                area,
                person,
                reason,
            } => {
                let signed = Signed { at, person, reason };
                self.close(*area, &signed, out)?;
            }
            Order::Audit(audit) => {
                self.say(at, What::Audit(audit.clone()), out);
                return Ok(());
            }
            Order::Approve { .. }
            | Order::Reject { .. }
            | Order::Amend { .. }
            | Order::Cancel { .. }
            | Order::Issue { .. }
            | Order::Review { .. }
            | Order::Relay { .. }
            | Order::Confirm { .. }
            | Order::Stand { .. }
            | Order::Mute { .. }
            | Order::Unmute { .. }
            | Order::Answer { .. }
            | Order::AnswerFor { .. }
            // Beside the responses, see [`crate::Services`].
            | Order::Service(_)
            | Order::TakeOver { .. }
            | Order::Drill(_)
            | Order::DrillOver { .. } => return Ok(()),
        }
        self.propose(at, out);
        Ok(())
    }

    fn respond(
        &mut self,
        plan_id: &str,
        area: AreaCode,
        (seen, level): (Option<Level>, Option<Level>),
        signed: &Signed<'_>,
        out: &mut Vec<Entry>,
    ) -> Result<(), Refusal> {
        let before = self.state.board.response(plan_id, area).cloned();
        let current = before.as_ref().and_then(|before| before.level);
        let post = self.post_for((plan_id, area), level, current)?;
        self.permit(signed.person, &post, area)?;
        if seen != current {
            return Err(Refusal::OtherLevel { seen, current });
        }
        if level == current {
            return Err(Refusal::SameLevel { level });
        }
        let plan = self.plans().plan(plan_id);
        let Some(mut now) = before.or_else(|| plan.map(|plan| response(plan, area))) else {
            return Err(unknown(plan_id, area));
        };
        let implied = match (&now.proposal, &now.declined) {
            (Some(proposal), _) => proposal.level,
            (None, Some(declined)) => declined.level,
            (None, None) => current,
        };
        if level.is_some() && current.is_none() {
            (now.started, now.ended) = (Some(signed.at), None);
        }
        if level.is_none() {
            now.ended = Some(signed.at);
        }
        now.level = level;
        now.changed = Some(signed.at);
        now.by = signed.person.to_owned();
        now.reason = signed.reason.to_owned();
        now.basis = now.proposal.take().map_or(Vec::new(), |was| was.reasons);
        now.declined = declined(implied, level, signed);
        self.say(signed.at, What::Response(now.clone()), out);
        match level {
            Some(level) => {
                self.open_incident(area, signed.at, out);
                self.open_tasks(&now, level, signed.at, out);
            }
            None => self.drop_tasks(plan_id, area, signed.at, out),
        }
        Ok(())
    }

    fn decline(
        &mut self,
        (plan, area): (&str, AreaCode),
        level: Option<Level>,
        signed: &Signed<'_>,
        out: &mut Vec<Entry>,
    ) -> Result<(), Refusal> {
        let before = self.state.board.response(plan, area).cloned();
        let current = before.as_ref().and_then(|before| before.level);
        let post = self.post_for((plan, area), level, current)?;
        self.permit(signed.person, &post, area)?;
        let proposed = before.filter(|before| {
            let proposal = before.proposal.as_ref();
            proposal.is_some_and(|proposal| proposal.level == level)
        });
        let Some(mut now) = proposed else {
            return Err(Refusal::NotProposed { level });
        };
        now.declined = declined(level, current, signed);
        now.proposal = None;
        self.say(signed.at, What::Response(now), out);
        Ok(())
    }

    /// The post that signs `level`, or the end of what stands. What stands by a plan that is gone
    /// is ended by who closes incidents.
    fn post_for(
        &self,
        (plan_id, area): (&str, AreaCode),
        level: Option<Level>,
        current: Option<Level>,
    ) -> Result<String, Refusal> {
        let plan = self.plans().plan(plan_id);
        let plan = plan.filter(|plan| is_of(&self.city, plan, area));
        match (plan, level) {
            (Some(plan), Some(level)) => {
                let grade = plan.grade(level).ok_or_else(|| Refusal::UnknownLevel {
                    plan: plan_id.to_owned(),
                    level,
                })?;
                Ok(grade.post.clone())
            }
            (Some(plan), None) => {
                let grade = current.and_then(|current| plan.grade(current));
                let close = || self.plans().close_post.clone();
                Ok(grade.map_or_else(close, |grade| grade.ends().to_owned()))
            }
            (None, None) if current.is_some() => Ok(self.plans().close_post.clone()),
            (None, _) => Err(unknown(plan_id, area)),
        }
    }

    fn permit(&self, person: &str, post: &str, area: AreaCode) -> Result<(), Refusal> {
        if self.plans().holds(person, post, area) {
            return Ok(());
        }
        let name = self.plans().post_name(post, area);
        Err(Refusal::LacksPost {
            person: person.to_owned(),
            post: format!("{} ({})", name.zh, name.en),
        })
    }

    fn know(&self, area: AreaCode) -> Result<(), Refusal> {
        let known = self.city.area_no(area);
        known.map(drop).ok_or(Refusal::UnknownArea { area })
    }

    fn open_incident(&mut self, area: AreaCode, at: Time, out: &mut Vec<Entry>) {
        let before = self.state.board.incidents.get(&area);
        if before.is_some_and(|incident| incident.closed.is_none()) {
            return;
        }
        let incident = Incident {
            area,
            opened: at,
            closed: None,
            by: String::new(),
            reason: String::new(),
        };
        self.say(at, What::Incident(incident), out);
    }

    fn close(
        &mut self,
        area: AreaCode,
        signed: &Signed<'_>,
        out: &mut Vec<Entry>,
    ) -> Result<(), Refusal> {
        let post = self.plans().close_post.clone();
        self.permit(signed.person, &post, area)?;
        let open = self.state.board.incidents.get(&area);
        let open = open.filter(|incident| incident.closed.is_none());
        let mut incident = open.ok_or(Refusal::NoIncident { area })?.clone();
        let mut remaining = self.state.board.remaining(&self.city, area);
        remaining.retain(|what| match what {
            Remaining::Response { area: of, .. } => *of == area,
            Remaining::Transfer { .. } => true,
            Remaining::Signal { .. } | Remaining::Task { .. } | Remaining::Incident { .. } => false,
        });
        if !remaining.is_empty() {
            return Err(Refusal::Remains { area, remaining });
        }
        incident.closed = Some(signed.at);
        incident.by = signed.person.to_owned();
        incident.reason = signed.reason.to_owned();
        self.say(signed.at, What::Incident(incident), out);
        Ok(())
    }

    /// Opens what the plans ask for up to `level`; what stands already is not asked for twice.
    fn open_tasks(&mut self, of: &Response, level: Level, at: Time, out: &mut Vec<Entry>) {
        let city = std::sync::Arc::clone(&self.city);
        let Some(area) = city.area_no(of.area) else {
            return;
        };
        let wanted = city.plans.tasks.iter().filter(|row| {
            let place = city.area_no(row.place);
            let is_here = place.is_some_and(|place| city.is_within(place, area));
            row.family == of.family && row.level <= level && is_here
        });
        for row in wanted {
            if !self.is_asked(row) {
                let task = Task {
                    id: row.id.clone(),
                    plan: of.plan.clone(),
                    area: of.area,
                    place: row.place,
                    site: row.site.clone(),
                    text: row.text.clone(),
                    owner: row.owner.clone(),
                    opened: at,
                    due: at + row.within,
                    state: TaskState::Open,
                    by: String::new(),
                    at,
                    note: String::new(),
                };
                self.say(at, What::Task(task), out);
            }
        }
    }

    /// Whether a row's task is open, or was done for a response that is still in force and that
    /// asked for it since it was started.
    fn is_asked(&self, row: &TaskRow) -> bool {
        let Some(task) = self.state.board.tasks.get(&row.id) else {
            return false;
        };
        match task.state {
            TaskState::Open | TaskState::Late => true,
            TaskState::Dropped => false,
            TaskState::Done => {
                let response = self.state.board.response(&task.plan, task.area);
                response.is_some_and(|response| {
                    let began = response.started.is_some_and(|began| began <= task.opened);
                    response.level.is_some() && began
                })
            }
        }
    }

    fn drop_tasks(&mut self, plan: &str, area: AreaCode, at: Time, out: &mut Vec<Entry>) {
        let tasks = self.state.board.tasks.values();
        let undone = tasks.filter(|task| {
            let is_open = matches!(task.state, TaskState::Open | TaskState::Late);
            task.plan == plan && task.area == area && is_open
        });
        let undone: Vec<Task> = undone.cloned().collect();
        for mut task in undone {
            (task.state, task.at) = (TaskState::Dropped, at);
            self.say(at, What::Task(task), out);
        }
    }

    fn report(
        &mut self,
        id: &str,
        state: TaskState,
        signed: &Signed<'_>,
        out: &mut Vec<Entry>,
    ) -> Result<(), Refusal> {
        match state {
            TaskState::Done | TaskState::Late => {}
            TaskState::Open | TaskState::Dropped => return Err(Refusal::NoReport),
        }
        let task = self.state.board.tasks.get(id);
        let open = task.filter(|task| matches!(task.state, TaskState::Open | TaskState::Late));
        let mut task = open.cloned().ok_or_else(|| Refusal::NoTask {
            task: id.to_owned(),
        })?;
        (task.state, task.at) = (state, signed.at);
        task.by = signed.person.to_owned();
        task.note = signed.reason.to_owned();
        self.say(signed.at, What::Task(task), out);
        Ok(())
    }
}

/// Who acts, when and why.
pub(super) struct Signed<'s> {
    pub(super) at: Time,
    pub(super) person: &'s str,
    pub(super) reason: &'s str,
}

fn unknown(plan: &str, area: AreaCode) -> Refusal {
    Refusal::UnknownPlan {
        plan: plan.to_owned(),
        area,
    }
}
