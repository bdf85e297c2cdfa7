//! What an auditor asks: what a person was sent, who of a list was told, and how area jobs add up.

use super::{Problem, known, permit};
use crate::app::App;
use crate::audit::{AuditError, Course, Found, Jobs, PEOPLE_MAX, Question, Unnamed, Walked, Who};
use crate::people::Scope;
use axum::Json;
use axum::body::Body;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use model::order::Audit;
use model::{Order, Time, WarningId};
use serde::Deserialize;
use serde_json::{Value, json};
use std::convert::Infallible;
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, mpsc};

/// Largest body: a thousand people.
pub(super) const BODY_MAX: usize = 256 << 10;
/// Characters of a reason.
const REASON_MAX: usize = 500;
/// Lines that wait for whoever reads the answer.
const LINES_MAX: usize = 16;

/// A question about people.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Asked {
    people: Vec<Who>,
    #[serde(default)]
    warning: Option<String>,
    #[serde(default)]
    from: Option<String>,
    #[serde(default)]
    to: Option<String>,
    reason: String,
}

/// `POST /v1/audit/recipient`: what each of a list was sent, and what came back, as lines of JSON: how
/// far it is, each person, and what was read. The question is in the journal before anything is looked
/// for.
pub(crate) async fn recipient(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    Json(asked): Json<Asked>,
) -> Result<Response, Problem> {
    let person = permit(&app, &headers, Scope::Audit)?.id.clone();
    let reason = asked.reason.trim().to_owned();
    if reason.is_empty() || reason.chars().count() > REASON_MAX {
        return Err(Problem::bad_request(format!(
            "reason: write why, in at most {REASON_MAX} characters"
        )));
    }
    if asked.people.is_empty() || asked.people.len() > PEOPLE_MAX {
        return Err(Problem::bad_request(format!(
            "people: name one to {PEOPLE_MAX}, each by id, phone or number"
        )));
    }
    let warning = asked.warning.as_deref().map(parsed).transpose()?;
    let from = time("from", asked.from.as_deref())?;
    let to = time("to", asked.to.as_deref())?;
    let alone = alone(&app)?;
    let looking = Arc::clone(&app);
    let named = move || {
        looking
            .audited(&asked.people)
            .map(|found| (found, asked.people.len()))
    };
    let (people, count) = tokio::task::spawn_blocking(named)
        .await
        .map_err(|_| Problem::unavailable("the look was interrupted; ask again"))??;
    let numbers = people.iter().filter_map(|of| Some(of.number?.0));
    let audit = Audit {
        warning,
        people: numbers.collect(),
        asked: u32::try_from(count).unwrap_or(u32::MAX),
        person,
        reason,
    };
    let zone = app.installation.city.city_zone();
    app.order(zone, Order::Audit(audit)).await?;
    let question = Question {
        warning,
        from,
        to,
        people,
    };
    Ok(answer(app, alone, question))
}

/// Of which warning.
#[derive(Deserialize)]
pub(crate) struct OfWarning {
    warning: String,
}

/// `GET /v1/area-jobs?warning=…`: the jobs of a warning, ours and the far side's counts by the number
/// that both know.
pub(crate) async fn jobs(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    Query(of): Query<OfWarning>,
) -> Result<Json<Jobs>, Problem> {
    known(&app, &headers)?;
    let warning = parsed(&of.warning)?;
    let alone = alone(&app)?;
    let look = move || {
        let _alone = alone;
        app.audit_jobs(warning, &mut |_| true)
    };
    let found = tokio::task::spawn_blocking(look).await;
    let found = found.map_err(|_| Problem::unavailable("the look was interrupted; ask again"))?;
    found.map(Json).map_err(Problem::from)
}

/// `GET /v1/warnings/{id}/course`: a warning from its proposal to the last place that answered.
pub(crate) async fn course(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Result<Json<Course>, Problem> {
    known(&app, &headers)?;
    let warning = parsed(&id)?;
    let alone = alone(&app)?;
    let look = move || {
        let _alone = alone;
        app.course(warning, &mut |_| true)
    };
    let found = tokio::task::spawn_blocking(look).await;
    let found =
        found.map_err(|_| Problem::unavailable("the look was interrupted; ask again"))??;
    if found.events.is_empty() {
        return Err(Problem::not_found(format!(
            "the journal holds nothing of a warning {warning}"
        )));
    }
    Ok(Json(found))
}

/// `GET /v1/audit`: who asked about whom, when and why, newest first.
pub(crate) async fn asked(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
) -> Result<Json<Vec<Value>>, Problem> {
    permit(&app, &headers, Scope::Audit)?;
    let item = |(at, audit): (Time, &Audit)| {
        let mut item = json!(audit);
        item["at"] = json!(app.view.text(at));
        item
    };
    Ok(Json(app.view.responded(|responded| {
        responded.audits().map(item).collect()
    })))
}

fn parsed(warning: &str) -> Result<WarningId, Problem> {
    WarningId::parse(warning).ok_or_else(|| {
        Problem::bad_request("warning: 24 hexadecimal digits, as /v1/warnings has it")
    })
}

fn time(field: &str, text: Option<&str>) -> Result<Option<Time>, Problem> {
    let read = text.map(Time::parse).transpose();
    let read = read.map_err(|error| Problem::bad_request(format!("{field}: {error}")))?;
    Ok(read.map(|(at, _)| at))
}

/// One look at a time: it reads much.
fn alone(app: &App) -> Result<OwnedSemaphorePermit, Problem> {
    Arc::clone(&app.audits).try_acquire_owned().map_err(|_| {
        app.metrics.refused.with_label_values(&["audits"]).inc();
        Problem::unavailable("another look through the journal is under way; ask again")
    })
}

/// Lines of an answer as they come: how far it is, then what was found.
fn answer(app: Arc<App>, alone: OwnedSemaphorePermit, question: Question) -> Response {
    let (to, from) = mpsc::channel::<String>(LINES_MAX);
    tokio::task::spawn_blocking(move || {
        let _alone = alone;
        let mut tell = |walked: Walked| {
            let at = app.view.text(Time::from_millis(walked.at_ms));
            let line = json!({ "progress": { "read": walked, "at": at } });
            to.blocking_send(line.to_string()).is_ok()
        };
        let said = match app.audit(&question, &mut tell) {
            Ok(found) => said(&found),
            Err(AuditError::Unheard) => Vec::new(),
            Err(error) => vec![json!({ "failed": error.to_string() }).to_string()],
        };
        for line in said {
            if to.blocking_send(line).is_err() {
                // Whoever asked is gone.
                return;
            }
        }
    });
    let lines = futures_util::stream::unfold(from, |mut from| async move {
        let line = from.recv().await?;
        Some((Ok::<_, Infallible>(format!("{line}\n")), from))
    });
    let kind = [
        (header::CONTENT_TYPE, "application/x-ndjson"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    (kind, Body::from_stream(lines)).into_response()
}

fn said(found: &Found) -> Vec<String> {
    let people = found.people.iter();
    let people = people.map(|person| json!({ "person": person }).to_string());
    let done = json!({ "done": found.read }).to_string();
    people.chain([done]).collect()
}

impl From<AuditError> for Problem {
    fn from(error: AuditError) -> Self {
        Self::unavailable(error.to_string())
    }
}

impl From<Unnamed> for Problem {
    fn from(error: Unnamed) -> Self {
        match error {
            Unnamed::Phone(_) => Self::bad_request(error.to_string()),
            Unnamed::Ids(_) => Self::unavailable(error.to_string()),
        }
    }
}
