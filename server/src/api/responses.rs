//! Emergency responses: what is proposed and in force, and the acts of people on them, on tasks,
//! transfers, damage and incidents.

mod item;

use super::warnings::reason;
use super::{Problem, known, permit, reader};
use crate::app::App;
use crate::people::Scope;
use axum::Json;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use item::Desk;
use model::response::{Entry, Level, TaskState};
use model::{AreaCode, Order, Time};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::sync::Arc;

/// `GET /v1/responses`: proposed, in force, over, and districts below the city, each with its reasons
/// and tasks, for people of the installation; for everybody what is in force.
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
) -> Result<Json<Vec<Value>>, Problem> {
    let is_known = reader(&app, &headers)?.is_some();
    let desk = Desk::of(&app);
    Ok(Json(app.view.responded(|responded| {
        let all = responded.board.all();
        let shown = all.filter(|response| is_known || response.level.is_some());
        let item = |response| {
            if is_known {
                desk.response(response, &responded.board)
            } else {
                desk.public_response(response)
            }
        };
        shown.map(item).collect()
    })))
}

/// `GET /v1/plans`: what may be started where, by which post, and who holds each.
pub(crate) async fn plans(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
) -> Result<Json<Value>, Problem> {
    known(&app, &headers)?;
    Ok(Json(Desk::of(&app).plans()))
}

/// `GET /v1/consequences`: what follows from official signals in force now, by which rule. Nothing is
/// sent of it.
pub(crate) async fn consequences(State(app): State<Arc<App>>) -> Json<Vec<Value>> {
    let desk = Desk::of(&app);
    Json(
        app.view
            .responded(|responded| desk.consequences(&responded.board)),
    )
}

/// `GET /v1/incidents`: by area, what was opened and closed, transfers, damage, and what remains.
pub(crate) async fn incidents(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
) -> Result<Json<Vec<Value>>, Problem> {
    known(&app, &headers)?;
    let desk = Desk::of(&app);
    Ok(Json(
        app.view.responded(|responded| desk.incidents(responded)),
    ))
}

/// From where on.
#[derive(Deserialize)]
pub(crate) struct Since {
    #[serde(default)]
    since: Option<String>,
}

/// `GET /v1/timeline?since=`: warnings in force, responses, tasks, transfers and damage in the order in
/// which they came about; after an entry's number, or from a time on.
pub(crate) async fn timeline(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    Query(since): Query<Since>,
) -> Result<Json<Vec<Value>>, Problem> {
    known(&app, &headers)?;
    let text = since.since.unwrap_or_default();
    let (number, time) = match (text.as_str(), text.parse::<u64>()) {
        ("", _) => (0, None),
        (_, Ok(number)) => (number, None),
        (text, Err(_)) => {
            let time = Time::parse(text).map_err(|error| {
                Problem::bad_request(format!("since: {error}, or the number of an entry"))
            })?;
            (0, Some(time.0))
        }
    };
    let is_later = |entry: &&Entry| entry.number > number && time.is_none_or(|t| entry.at >= t);
    let desk = Desk::of(&app);
    Ok(Json(app.view.responded(|responded| {
        let entries = responded.timeline().filter(is_later);
        entries.map(|entry| desk.entry(entry)).collect()
    })))
}

/// What a person does: the body of a request that becomes an order for the city's zone.
pub(crate) trait Act: DeserializeOwned + Send + 'static {
    /// What the person must be allowed; a post is asked for besides, by the plan.
    const SCOPE: Scope;

    /// The order, after what can be checked without the zone.
    fn order(self, app: &App, person: String) -> Result<Order, Problem>;

    /// The area whose other matters the answer tells of, after an end.
    fn ends(&self) -> Option<AreaCode> {
        None
    }
}

/// `POST /v1/responses…`: 200 once it is followed, after an end with what remains, 403 where the
/// post is another's, 409 where what was seen is not what stands.
pub(crate) async fn act<A: Act>(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    Json(body): Json<A>,
) -> Result<(StatusCode, Json<Value>), Problem> {
    let person = permit(&app, &headers, A::SCOPE)?.id.clone();
    let ends = body.ends();
    let order = body.order(&app, person)?;
    app.order(app.installation.city.city_zone(), order).await?;
    let remains = ends.map(|area| remains(&app, area, &[]));
    let body = remains.map_or_else(|| json!({}), |remains| json!({ "remains": remains }));
    Ok((StatusCode::OK, Json(body)))
}

/// What stands in an area, but for signals of these identifiers.
pub(crate) fn remains(app: &App, area: AreaCode, lifted: &[String]) -> Value {
    let desk = Desk::of(app);
    app.view
        .responded(|responded| desk.remains(&responded.board, area, lifted))
}

/// A start, a change or an end.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Respond {
    plan: String,
    area: AreaCode,
    /// Nothing ends it.
    level: Option<Level>,
    seen: Option<Level>,
    reason: String,
}

impl Act for Respond {
    const SCOPE: Scope = Scope::Respond;

    fn order(self, _: &App, person: String) -> Result<Order, Problem> {
        Ok(Order::Respond {
            plan: self.plan,
            area: self.area,
            level: self.level,
            seen: self.seen,
            person,
            reason: reason(self.reason)?,
        })
    }

    fn ends(&self) -> Option<AreaCode> {
        self.level.is_none().then_some(self.area)
    }
}

/// A proposal sent away.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Decline {
    plan: String,
    area: AreaCode,
    level: Option<Level>,
    reason: String,
}

impl Act for Decline {
    const SCOPE: Scope = Scope::Respond;

    fn order(self, _: &App, person: String) -> Result<Order, Problem> {
        Ok(Order::Decline {
            plan: self.plan,
            area: self.area,
            level: self.level,
            person,
            reason: reason(self.reason)?,
        })
    }
}

/// Damage, or that it is over.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Damage {
    kind: String,
    area: AreaCode,
    holds: bool,
    note: String,
}

impl Act for Damage {
    const SCOPE: Scope = Scope::Answer;

    fn order(self, _: &App, person: String) -> Result<Order, Problem> {
        Ok(Order::Damage {
            kind: self.kind,
            area: self.area,
            holds: self.holds,
            person,
            note: reason(self.note)?,
        })
    }
}

/// A report on a task.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Report {
    task: String,
    state: TaskState,
    #[serde(default)]
    note: String,
}

impl Act for Report {
    const SCOPE: Scope = Scope::Answer;

    fn order(self, _: &App, person: String) -> Result<Order, Problem> {
        Ok(Order::Task {
            task: self.task,
            state: self.state,
            person,
            note: self.note,
        })
    }
}

/// Counts of a transfer.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Transfer {
    area: AreaCode,
    planned: u32,
    moved: u32,
    sheltered: u32,
    due: String,
    #[serde(default)]
    note: String,
}

impl Act for Transfer {
    const SCOPE: Scope = Scope::Answer;

    fn order(self, _: &App, person: String) -> Result<Order, Problem> {
        let due = Time::parse(&self.due);
        Ok(Order::Transfer {
            area: self.area,
            planned: self.planned,
            moved: self.moved,
            sheltered: self.sheltered,
            due: due
                .map_err(|error| Problem::bad_request(format!("due: {error}")))?
                .0,
            person,
            note: self.note,
        })
    }
}

/// Evacuees may return.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Return {
    area: AreaCode,
    reason: String,
}

impl Act for Return {
    const SCOPE: Scope = Scope::Respond;

    fn order(self, _: &App, person: String) -> Result<Order, Problem> {
        Ok(Order::Return {
            area: self.area,
            person,
            reason: reason(self.reason)?,
        })
    }

    fn ends(&self) -> Option<AreaCode> {
        Some(self.area)
    }
}

/// An incident is closed.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Close {
    area: AreaCode,
    reason: String,
}

impl Act for Close {
    const SCOPE: Scope = Scope::Respond;

    fn order(self, _: &App, person: String) -> Result<Order, Problem> {
        Ok(Order::Close {
            area: self.area,
            person,
            reason: reason(self.reason)?,
        })
    }

    fn ends(&self) -> Option<AreaCode> {
        Some(self.area)
    }
}
