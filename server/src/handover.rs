//! Shift hand-over (交接班): what stands, who has not answered, what was promised; and who takes it over.

use crate::app::App;
use dispatch::ladder::{Call, Place};
use dispatch::wording::Roles;
use model::order::Answer;
use model::response::TaskState;
use model::warning::Event;
use model::{
    AreaCode, City, Language, Named, Offset, Pending, TakenOver, Tier, Time, Warning, Working,
};
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Points of each kind that are listed; of more the count is said.
const LISTED_MAX: usize = 200;

/// What a point is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    /// A warning is in force.
    InForce,
    /// A proposal waits for its signatures.
    ToSign,
    /// What one person released waits for another's look.
    ToReview,
    /// A place was called and nobody answered.
    Silent,
    /// Somebody said what they do, or needs help.
    Promised,
    /// A task or a transfer is due.
    Due,
}

/// One point of the list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Point {
    pub(crate) kind: Kind,
    /// What tells it from every other: it stays while the point does.
    pub(crate) key: String,
    /// Which warning, where it is about one.
    pub(crate) warning: Option<String>,
    pub(crate) tier: Tier,
    /// Since when, or by when what is due.
    #[serde(skip)]
    pub(crate) time: Time,
    /// In words.
    pub(crate) zh: String,
    pub(crate) en: String,
}

/// A post and its relief.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct OnDuty {
    pub(crate) post: String,
    pub(crate) people: Vec<String>,
    #[serde(skip)]
    pub(crate) until: Time,
    pub(crate) next: Vec<String>,
}

/// The whole list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Handover {
    pub(crate) at: Time,
    pub(crate) shifts: Vec<OnDuty>,
    pub(crate) points: Vec<Point>,
    /// Points that are not listed.
    pub(crate) more: usize,
    pub(crate) last: Option<TakenOver>,
}

/// What it is made of.
pub(crate) struct Standing<'a> {
    pub(crate) city: &'a City,
    pub(crate) roles: &'a Roles,
    pub(crate) at: Time,
    pub(crate) warnings: Vec<(Arc<Warning>, Option<Pending>)>,
    pub(crate) calls: Vec<Call>,
    pub(crate) tasks: Vec<model::response::Task>,
    pub(crate) transfers: Vec<model::response::Transfer>,
    pub(crate) last: Option<TakenOver>,
}

impl App {
    /// The list now.
    pub(crate) fn handover(&self) -> Handover {
        let view = &self.view;
        let warnings = view.standing().into_iter();
        let (tasks, transfers) = view.responded(|responded| {
            let board = &responded.board;
            let tasks: Vec<_> = board.tasks.values().cloned().collect();
            let transfers: Vec<_> = board.transfers.values().cloned().collect();
            (tasks, transfers)
        });
        let standing = Standing {
            city: &self.installation.city,
            roles: self.installation.wording.roles(),
            at: view.now(),
            warnings: warnings
                .map(|w| (Arc::clone(&w), view.waits_for(w.id)))
                .collect(),
            calls: view.calls_where(|_| true),
            tasks,
            transfers,
            last: view.takeovers().pop(),
        };
        Handover::of(&standing)
    }
}

impl Handover {
    /// The list of what stands.
    pub(crate) fn of(standing: &Standing<'_>) -> Self {
        let Standing { city, at, .. } = standing;
        let mut points = Vec::new();
        for (warning, pending) in &standing.warnings {
            points.extend(of_warning(standing, warning, pending.as_ref()));
        }
        for call in &standing.calls {
            points.extend(of_call(standing, call));
        }
        for task in &standing.tasks {
            let is_open = matches!(task.state, TaskState::Open | TaskState::Late);
            points.extend(is_open.then(|| of_task(standing, task)));
        }
        for transfer in &standing.transfers {
            let is_open = transfer.returned.is_none() && transfer.moved < transfer.planned;
            points.extend(is_open.then(|| of_transfer(standing, transfer)));
        }
        points.sort_by(|a, b| {
            let key = |of: &Point| (of.kind, std::cmp::Reverse(of.tier), of.time, of.key.clone());
            key(a).cmp(&key(b))
        });
        let mut more = 0;
        let mut of_kind = (None, 0);
        points.retain(|point| {
            if of_kind.0 != Some(point.kind) {
                of_kind = (Some(point.kind), 0);
            }
            of_kind.1 += 1;
            more += usize::from(of_kind.1 > LISTED_MAX);
            of_kind.1 <= LISTED_MAX
        });
        let shifts = city.policy.roster.shifts(*at, city.offset_at(*at));
        let own = |ids: BTreeSet<&str>| ids.into_iter().map(str::to_owned).collect();
        let shifts = shifts.into_iter().map(|shift| OnDuty {
            post: shift.post.to_owned(),
            people: own(shift.people),
            until: shift.until,
            next: own(shift.next),
        });
        Self {
            at: *at,
            shifts: shifts.collect(),
            points,
            more,
            last: standing.last.clone(),
        }
    }

    /// Names the list: another one as soon as a point comes, goes or is answered.
    pub(crate) fn seen(&self) -> String {
        let mut digest = Sha256::new();
        for point in &self.points {
            digest.update(format!("{:?}\n{}\n", point.kind, point.key));
        }
        digest.update(self.more.to_le_bytes());
        let mut seen = hex::encode(digest.finalize());
        seen.truncate(16);
        seen
    }

    /// It in words, to be read aloud or filed.
    pub(crate) fn text(&self, roles: &Roles, offset: Offset, language: Language) -> String {
        let zh = language.working() == Working::Zh;
        let clock = |at: Time| {
            let text = at.display(offset);
            text.get(..16).unwrap_or_default().replace('T', " ")
        };
        let mut lines = vec![match zh {
            true => format!("交接班清单 {}", clock(self.at)),
            false => format!("Shift hand-over {}", clock(self.at)),
        }];
        for shift in &self.shifts {
            let post = roles.name(&shift.post, language);
            let (people, next) = (shift.people.join("、"), shift.next.join("、"));
            let until = clock(shift.until);
            lines.push(match zh {
                true => format!("{post}:{people},至 {until};接班 {next}"),
                false => format!(
                    "{post}: {} until {until}; then {}",
                    shift.people.join(", "),
                    shift.next.join(", ")
                ),
            });
        }
        let mut kind = None;
        for point in &self.points {
            if kind != Some(point.kind) {
                kind = Some(point.kind);
                lines.push(String::new());
                lines.push(title(point.kind, zh).to_owned());
            }
            lines.push(format!("- {}", if zh { &point.zh } else { &point.en }));
        }
        if self.points.is_empty() {
            let nothing = if zh {
                "没有需要移交的事项。"
            } else {
                "Nothing stands."
            };
            lines.push(nothing.to_owned());
        }
        if self.more > 0 {
            lines.push(match zh {
                true => format!("另有 {} 项未列。", self.more),
                false => format!("And {} more.", self.more),
            });
        }
        if let Some(last) = &self.last {
            let (person, at) = (&last.person, clock(last.at));
            lines.push(String::new());
            lines.push(match zh {
                true => format!("上次接班:{person} {at}。{}", last.note),
                false => format!("Taken over last by {person} at {at}. {}", last.note),
            });
        }
        let lines = lines.iter().map(|line| line.trim_end());
        lines.collect::<Vec<_>>().join("\n") + "\n"
    }
}

const fn title(kind: Kind, zh: bool) -> &'static str {
    match (kind, zh) {
        (Kind::InForce, true) => "生效中",
        (Kind::InForce, false) => "In force",
        (Kind::ToSign, true) => "待签发",
        (Kind::ToSign, false) => "To be signed",
        (Kind::ToReview, true) => "待复核",
        (Kind::ToReview, false) => "To be reviewed",
        (Kind::Silent, true) => "已叫应、未应答",
        (Kind::Silent, false) => "Called, no answer",
        (Kind::Promised, true) => "对方已承诺或求援",
        (Kind::Promised, false) => "Promised, or in need of help",
        (Kind::Due, true) => "限时事项",
        (Kind::Due, false) => "Due",
    }
}

fn of_warning(standing: &Standing<'_>, warning: &Warning, pending: Option<&Pending>) -> Vec<Point> {
    let tier = warning.tier();
    let areas = warning.areas.len();
    let zone = area_name(standing.city, warning.zone);
    let zh = format!("{}{}{},{areas}个地区", zone.0, warning.name.zh, tier.zh());
    let en = format!(
        "{} {} in {}, {areas} areas",
        warning.name.en,
        tier.name(),
        zone.1
    );
    let clock = |at: Time| clock(standing.city, at);
    let point = |kind, key: String, time, more: (String, String)| Point {
        kind,
        key: format!("{}/{key}", warning.id),
        warning: Some(warning.id.to_string()),
        tier,
        time,
        zh: format!("{zh}{}", more.0),
        en: format!("{en}{}", more.1),
    };
    let mut points = Vec::new();
    if warning.event == Event::Proposed {
        let signing = pending.and_then(|pending| pending.signing.as_ref());
        let since = signing.map_or(warning.time, |signing| signing.since);
        let signed = signing.map_or(0, |signing| signing.signed_by.len());
        let at = clock(since);
        let more = (
            format!(",{at} 提出,已签{signed}"),
            format!(", put forward {at}, signed by {signed}"),
        );
        let key = format!("{}/{signed}", warning.revision);
        points.push(point(Kind::ToSign, key, since, more));
    } else {
        let at = clock(warning.first_rise);
        let more = (format!(",{at} 起"), format!(", since {at}"));
        points.push(point(
            Kind::InForce,
            tier.name().to_owned(),
            warning.first_rise,
            more,
        ));
    }
    let review = pending.and_then(|pending| pending.review.as_ref());
    if let Some(review) = review.filter(|review| review.reviewed.is_none()) {
        let at = clock(review.until);
        let more = (format!(",{at} 前复核"), format!(", to be reviewed by {at}"));
        points.push(point(Kind::ToReview, "review".into(), review.until, more));
    }
    points
}

fn of_call(standing: &Standing<'_>, call: &Call) -> Vec<Point> {
    let place = place_name(standing.city, &call.place);
    let place_key = serde_json::to_string(&call.place).unwrap_or_default();
    let point = |kind, key: String, time, zh: String, en: String| Point {
        kind,
        key: format!("{}/{place_key}/{key}", call.warning),
        warning: Some(call.warning.to_string()),
        tier: call.tier,
        time,
        zh: format!("{}:{zh}", place.0),
        en: format!("{}: {en}", place.1),
    };
    let clock = |at: Time| clock(standing.city, at);
    let mut points = Vec::new();
    if call.answered.is_none() {
        let (at, steps) = (clock(call.since), call.climbed());
        let (given, needed) = (call.answers.len(), call.needed);
        points.push(point(
            Kind::Silent,
            format!("silent/{given}"),
            call.since,
            format!("{at} 起叫应{steps}轮,应答{given}/{needed}"),
            format!("called since {at}, {steps} steps, {given} of {needed} answers"),
        ));
    }
    for said in &call.answers {
        if said.answer == Answer::Received && said.note.trim().is_empty() {
            continue;
        }
        let (at, by) = (clock(said.said), &said.contact);
        let note = said.note.trim();
        let words = answer_words(said.answer);
        points.push(point(
            Kind::Promised,
            format!("{by}/{}", words.1),
            said.said,
            format!("{by} {at} {} {note}", words.0),
            format!("{by} at {at}: {} {note}", words.1),
        ));
    }
    points
}

fn of_task(standing: &Standing<'_>, task: &model::response::Task) -> Point {
    let place = area_name(standing.city, task.place);
    let due = clock(standing.city, task.due);
    let owner = |language| standing.roles.name(&task.owner, language);
    Point {
        kind: Kind::Due,
        key: format!("task/{}", task.id),
        warning: None,
        tier: Tier::None,
        time: task.due,
        zh: format!(
            "{}:{},{},限 {due}",
            place.0,
            task.text.zh,
            owner(Language::Zh)
        ),
        en: format!(
            "{}: {}, {}, by {due}",
            place.1,
            task.text.en,
            owner(Language::En)
        ),
    }
}

fn of_transfer(standing: &Standing<'_>, transfer: &model::response::Transfer) -> Point {
    let place = area_name(standing.city, transfer.area);
    let due = clock(standing.city, transfer.due);
    let (moved, planned) = (transfer.moved, transfer.planned);
    Point {
        kind: Kind::Due,
        key: format!("transfer/{}", transfer.area),
        warning: None,
        tier: Tier::None,
        time: transfer.due,
        zh: format!("{}:转移 {moved}/{planned} 人,限 {due}", place.0),
        en: format!("{}: {moved} of {planned} people moved, by {due}", place.1),
    }
}

const fn answer_words(answer: Answer) -> (&'static str, &'static str) {
    match answer {
        Answer::Received => ("收到", "received"),
        Answer::AtPost => ("到岗", "at post"),
        Answer::Moved => ("已转移", "moved"),
        Answer::NeedsHelp => ("求援", "needs help"),
    }
}

fn clock(city: &City, at: Time) -> String {
    let text = at.display(city.offset_at(at));
    text.get(11..16).unwrap_or_default().to_owned()
}

fn area_name(city: &City, code: AreaCode) -> (String, String) {
    let area = city.area_no(code).and_then(|no| city.area(no));
    let name = area.map(|area| in_both(&area.name));
    name.unwrap_or_else(|| (code.to_string(), code.to_string()))
}

/// A name in both languages; in its own where it has no other.
fn in_both(name: &Named) -> (String, String) {
    let of = |language| name.get(language).to_owned();
    (of(Language::Zh), of(Language::En))
}

fn place_name(city: &City, place: &Place) -> (String, String) {
    let site = |id: &str| {
        let site = city.site_no(id).and_then(|no| city.site(no));
        let name = site.map(|site| in_both(&site.name));
        name.unwrap_or_else(|| (id.to_owned(), id.to_owned()))
    };
    match place {
        Place::Area(code) => area_name(city, *code),
        Place::Site(id) => site(id),
        Place::Device { site: id, device } => {
            let (zh, en) = site(id);
            (format!("{zh} {device}"), format!("{en} {device}"))
        }
    }
}

#[cfg(test)]
mod tests;
