//! Shift hand-over: the list, and who takes it over.

use super::score::As;
use super::{Problem, known, permit};
use crate::app::App;
use crate::people::Scope;
use crate::replies::NOTE_MAX;
use axum::Json;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use model::{Language, Order};
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;

/// `GET /v1/handover`: JSON, or with `format=text` and `lang` the words.
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    Query(wanted): Query<As>,
) -> Result<Response, Problem> {
    known(&app, &headers)?;
    let list = app.handover();
    let roles = app.installation.wording.roles();
    let offset = app.installation.city.offset_at(list.at);
    let words = |language| list.text(roles, offset, language);
    if wanted.is_text() {
        let kind = [(header::CONTENT_TYPE, "text/plain; charset=utf-8")];
        return Ok((kind, words(wanted.language())).into_response());
    }
    let text = |at| app.view.text(at);
    let shifts = list.shifts.iter().map(|shift| {
        let mut item = serde_json::to_value(shift).unwrap_or_default();
        item["until"] = json!(text(shift.until));
        item
    });
    let points = list.points.iter().map(|point| {
        let mut item = serde_json::to_value(point).unwrap_or_default();
        item["time"] = json!(text(point.time));
        item
    });
    let last = list.last.as_ref().map(|last| {
        let at = text(last.at);
        json!({ "at": at, "person": last.person, "points": last.points, "note": last.note })
    });
    let body: Value = json!({
        "time": text(list.at),
        "seen": list.seen(),
        "shifts": shifts.collect::<Vec<_>>(),
        "points": points.collect::<Vec<_>>(),
        "more": list.more,
        "last": last,
        "text": { "zh": words(Language::Zh), "en": words(Language::En) },
    });
    Ok(Json(body).into_response())
}

/// What is taken over.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Taken {
    seen: String,
    #[serde(default)]
    note: String,
}

/// `POST /v1/handover`: 409 where the list is another one meanwhile.
pub(crate) async fn take(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    Json(body): Json<Taken>,
) -> Result<StatusCode, Problem> {
    let person = permit(&app, &headers, Scope::Answer)?.id.clone();
    let list = app.handover();
    if list.seen() != body.seen {
        return Err(Problem::conflict(
            "the list has other points than you saw: look again at /v1/handover",
        ));
    }
    let order = Order::TakeOver {
        person,
        seen: body.seen,
        points: u32::try_from(list.points.len() + list.more).unwrap_or(u32::MAX),
        note: body.note.trim().chars().take(NOTE_MAX).collect(),
    };
    app.order(app.installation.city.city_zone(), order).await?;
    Ok(StatusCode::NO_CONTENT)
}
