//! Responses, tasks, transfers and consequences as the API shows them.

use crate::api::services::{filed_item, process_item, slot_item};
use crate::app::App;
use crate::view::Responded;
use model::response::{
    Board, Damage, DamageKind, Entry, Grade, Incident, Level, Plan, Post, Remaining, Response,
    Standing, Task, TaskState, Transfer, What,
};
use model::{AreaCode, City, Named, Time};
use rules::response::following;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// What stands in the place of an area's name in a plan.
const AREA: &str = "{area}";

/// What items are worded with.
pub(super) struct Desk<'a> {
    city: &'a City,
    now: Time,
    text: Box<dyn Fn(Time) -> String + 'a>,
}

impl<'a> Desk<'a> {
    pub(super) fn of(app: &'a App) -> Self {
        Self {
            city: &app.installation.city,
            now: app.clock.now(),
            text: Box::new(|time| app.view.text(time)),
        }
    }

    fn time(&self, time: Option<Time>) -> Value {
        time.map_or(Value::Null, |time| (self.text)(time).into())
    }

    fn area_name(&self, code: AreaCode) -> Named {
        let no = self.city.area_no(code);
        let area = no.and_then(|no| self.city.area(no));
        area.map(|area| area.name.clone()).unwrap_or_default()
    }

    /// What everybody may know of a response in force.
    pub(super) fn public_response(&self, response: &Response) -> Value {
        let plan = self.city.plans.plan(&response.plan);
        let area = self.area_name(response.area);
        let named = |name: &Named| Named {
            zh: name.zh.replace(AREA, &area.zh),
            en: name.en.replace(AREA, &area.en),
        };
        json!({
            "plan": response.plan,
            "name": plan.map(|plan| named(&plan.name)),
            "family": response.family,
            "family_name": Named {
                zh: response.family.zh().to_owned(),
                en: response.family.en().to_owned(),
            },
            "area": response.area,
            "area_name": area,
            "authority": plan.map(|plan| named(&plan.authority)),
            "state": state(response),
            "level": response.level,
            "level_name": response.level.map(Level::zh),
            "started": self.time(response.started),
            "changed": self.time(response.changed),
            "ended": self.time(response.ended),
        })
    }

    /// A response with its reasons, its tasks and who signs what is proposed.
    pub(super) fn response(&self, response: &Response, board: &Board) -> Value {
        let plan = self.city.plans.plan(&response.plan);
        let tasks = board.tasks.values();
        let tasks = tasks.filter(|t| t.plan == response.plan && t.area == response.area);
        let mut item = self.line(response);
        item["ends"] = json!(response.level.and_then(|level| {
            let grade = plan?.grade(level)?;
            Some(self.city.plans.post_name(grade.ends(), response.area))
        }));
        item["tasks"] = tasks.map(|task| self.task(task)).collect();
        item
    }

    /// The same without its tasks.
    fn line(&self, response: &Response) -> Value {
        let plan = self.city.plans.plan(&response.plan);
        let mut item = self.public_response(response);
        item["by"] = json!(response.by);
        item["reason"] = json!(response.reason);
        item["basis"] = json!(response.basis);
        item["declined"] = json!(response.declined.as_ref().map(|declined| json!({
            "level": declined.level,
            "by": declined.by,
            "at": self.time(declined.at),
            "reason": declined.reason,
        })));
        item["below"] = json!(response.below);
        item["proposal"] = self.proposal(response, plan);
        item
    }

    /// A step of the timeline.
    pub(super) fn entry(&self, entry: &Entry) -> Value {
        let (kind, item) = match &entry.what {
            What::Standing(standing) => ("standing", self.standing(standing)),
            What::Over(standing) => ("over", self.standing(standing)),
            What::Response(response) => ("response", self.line(response)),
            What::Task(task) => ("task", self.task(task)),
            What::Transfer(transfer) => {
                let mut item = self.transfer(transfer);
                item["area"] = json!(transfer.area);
                ("transfer", item)
            }
            What::Damage(damage) => {
                let mut item = self.damage(damage);
                item["area"] = json!(damage.area);
                item["holds"] = json!(damage.holds);
                ("damage", item)
            }
            What::Incident(incident) => ("incident", self.incident(incident)),
            What::Process(process) => {
                let item = process_item(process, self.city, None, &self.text);
                ("process", item)
            }
            What::Slot(of) => {
                let mut item = slot_item(&of.slot, None, &self.text);
                item["process"] = json!(of.process);
                ("slot", item)
            }
            What::Evening(evening) => ("evening", filed_item(evening, &self.text)),
            What::Audit(audit) => ("audit", json!(audit)),
        };
        json!({
            "number": entry.number,
            "at": (self.text)(entry.at),
            "kind": kind,
            "item": item,
        })
    }

    fn standing(&self, standing: &Standing) -> Value {
        json!({
            "identifier": standing.identifier,
            "sender": standing.sender,
            "hazard": standing.hazard.code(),
            "sent": (self.text)(standing.sent),
            "official": standing.official,
            "found": standing.found,
        })
    }

    fn incident(&self, incident: &Incident) -> Value {
        json!({
            "area": incident.area,
            "area_name": self.area_name(incident.area),
            "opened": (self.text)(incident.opened),
            "closed": self.time(incident.closed),
            "by": incident.by,
            "reason": incident.reason,
        })
    }

    fn proposal(&self, response: &Response, plan: Option<&Plan>) -> Value {
        let Some(proposal) = &response.proposal else {
            return Value::Null;
        };
        let grade = |level: Option<Level>| plan?.grade(level?);
        let proposed = grade(proposal.level);
        let post = match proposed {
            Some(grade) => Some(grade.post.as_str()),
            None => grade(response.level).map(|grade| grade.ends()),
        };
        json!({
            "level": proposal.level,
            "level_name": proposal.level.map(Level::zh),
            "since": (self.text)(proposal.since),
            "clause": proposal.clause,
            "source": proposed.map(|grade| &grade.source),
            "post": post.map(|post| self.city.plans.post_name(post, response.area)),
            "reasons": proposal.reasons,
        })
    }

    fn task(&self, task: &Task) -> Value {
        let is_open = matches!(task.state, TaskState::Open | TaskState::Late);
        let reported = (!task.by.is_empty()).then_some(task.at);
        json!({
            "id": task.id,
            "place": task.place,
            "site": task.site,
            "text": task.text,
            "owner": task.owner,
            "opened": (self.text)(task.opened),
            "due": (self.text)(task.due),
            "state": task.state,
            "overdue": is_open && self.now > task.due,
            "in_time": (task.state == TaskState::Done).then_some(task.at <= task.due),
            "by": task.by,
            "reported": self.time(reported),
            "note": task.note,
        })
    }

    /// The plans, the posts that sign by them, and the damage they speak of.
    pub(super) fn plans(&self) -> Value {
        let plans = &self.city.plans;
        let level = |grade: &Grade| {
            json!({
                "level": grade.level,
                "level_name": grade.level.zh(),
                "post": grade.post,
                "ends": grade.ends(),
                "clause": grade.clause,
                "source": grade.source,
            })
        };
        let plan = |plan: &Plan| {
            json!({
                "id": plan.id,
                "name": plan.name,
                "family": plan.family,
                "at": plan.at,
                "areas": plan.areas,
                "levels": plan.grades.iter().map(level).collect::<Vec<_>>(),
            })
        };
        let post = |post: &Post| json!({ "id": post.id, "name": post.name, "area": post.area, "people": post.people });
        let damage = |kind: &DamageKind| json!({ "id": kind.id, "name": kind.name });
        json!({
            "plans": plans.plans.iter().map(plan).collect::<Vec<_>>(),
            "posts": plans.posts.iter().map(post).collect::<Vec<_>>(),
            "damage": plans.damage.iter().map(damage).collect::<Vec<_>>(),
            "return_post": plans.return_post,
            "close_post": plans.close_post,
        })
    }

    /// What follows from signals in force.
    pub(super) fn consequences(&self, board: &Board) -> Vec<Value> {
        let following = following(self.city, board, self.now);
        let item = |f: &rules::response::Following<'_>| {
            json!({
                "id": f.consequence.id,
                "name": f.consequence.name,
                "text": f.consequence.text,
                "audience": f.consequence.audience,
                "hours": f.consequence.hours,
                "areas": f.areas,
                "source": f.consequence.source,
                "signal": f.signal.identifier,
                "sender": f.signal.sender,
                "hazard": f.signal.hazard.code(),
            })
        };
        following.iter().map(item).collect()
    }

    /// Areas with an incident, a transfer or damage.
    pub(super) fn incidents(&self, responded: &Responded) -> Vec<Value> {
        let board = &responded.board;
        let damaged = board.damage.values().flat_map(|of_kind| of_kind.keys());
        let areas = board.incidents.keys().chain(board.transfers.keys());
        let areas: BTreeSet<AreaCode> = areas.chain(damaged).copied().collect();
        let item = |area: AreaCode| {
            let incident = board.incidents.get(&area);
            let kinds = board.damage.values();
            let damage = kinds.filter_map(|of_kind| of_kind.get(&area));
            let opened = incident.map(|incident: &Incident| incident.opened);
            json!({
                "area": area,
                "area_name": self.area_name(area),
                "opened": self.time(opened),
                "closed": self.time(incident.and_then(|incident| incident.closed)),
                "by": incident.map(|incident| &incident.by),
                "reason": incident.map(|incident| &incident.reason),
                "lifted": self.time(responded.lifted(self.city, area)),
                "transfer": board.transfers.get(&area).map(|transfer| self.transfer(transfer)),
                "damage": damage.map(|damage| self.damage(damage)).collect::<Vec<_>>(),
                "remains": self.remains(board, area, &[]),
            })
        };
        areas.into_iter().map(item).collect()
    }

    fn transfer(&self, transfer: &Transfer) -> Value {
        let left = transfer.planned.saturating_sub(transfer.moved);
        let is_open = transfer.returned.is_none() && left > 0;
        json!({
            "planned": transfer.planned,
            "moved": transfer.moved,
            "left": left,
            "sheltered": transfer.sheltered,
            "due": (self.text)(transfer.due),
            "overdue": is_open && self.now > transfer.due,
            "by": transfer.by,
            "reported": (self.text)(transfer.at),
            "note": transfer.note,
            "returned": self.time(transfer.returned),
        })
    }

    fn damage(&self, damage: &Damage) -> Value {
        let known = self.city.plans.damage.iter();
        let name = known.into_iter().find(|kind| kind.id == damage.kind);
        json!({
            "kind": damage.kind,
            "name": name.map(|kind| &kind.name),
            "by": damage.by,
            "reported": (self.text)(damage.at),
            "note": damage.note,
        })
    }

    /// What an end leaves as it is.
    pub(super) fn remains(&self, board: &Board, area: AreaCode, lifted: &[String]) -> Value {
        let mut remaining = board.remaining(self.city, area);
        remaining.retain(|what| match what {
            Remaining::Signal { identifier, .. } => !lifted.contains(identifier),
            Remaining::Response { .. }
            | Remaining::Transfer { .. }
            | Remaining::Task { .. }
            | Remaining::Incident { .. } => true,
        });
        json!(remaining)
    }
}

fn state(response: &Response) -> &'static str {
    if response.level.is_some() {
        "in_force"
    } else if response.proposal.is_some() {
        "proposed"
    } else if response.below.is_some() {
        "below_city"
    } else if response.ended.is_some() {
        "ended"
    } else {
        "quiet"
    }
}
