//! Call-and-answer, and what was delivered.

use super::{Problem, permit};
use crate::app::App;
use crate::people::Scope;
use crate::view::{CallItem, DeliveryItem};
use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use model::order::Answer;
use model::{Order, Time, WarningId};
use serde::Deserialize;
use std::sync::Arc;

/// `GET /v1/calls`: the board; names are for people who may read them.
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
) -> Result<Json<Vec<CallItem>>, Problem> {
    let mut items = app.view.calls();
    if permit(&app, &headers, Scope::Read).is_err() {
        for item in &mut items {
            item.name.clear();
            item.phone_masked.clear();
        }
    }
    Ok(Json(items))
}

/// `GET /v1/deliveries`: progress by warning, channel and link.
pub(crate) async fn deliveries(State(app): State<Arc<App>>) -> Json<Vec<DeliveryItem>> {
    Json(app.view.deliveries())
}

/// An answer noted by the duty officer: "I phoned X at 03:04, he said Y".
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Noted {
    warning: String,
    contact: String,
    answer: Answer,
    #[serde(default)]
    note: String,
    said: Option<String>,
}

/// `POST /v1/calls/answer`.
pub(crate) async fn answer(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    Json(noted): Json<Noted>,
) -> Result<StatusCode, Problem> {
    let person = permit(&app, &headers, Scope::Answer)?;
    let warning = WarningId::parse(&noted.warning)
        .ok_or_else(|| Problem::bad_request("warning: 24 hexadecimal digits"))?;
    let said = match &noted.said {
        None => app.clock.now(),
        Some(text) => {
            Time::parse(text)
                .map_err(|e| Problem::bad_request(format!("said: {e}")))?
                .0
        }
    };
    let zone = app.zone_of(warning)?;
    let order = Order::Answer {
        warning,
        contact: noted.contact,
        answer: noted.answer,
        note: noted.note,
        noted_by: person.id.clone(),
        said,
    };
    app.order(zone, order).await?;
    Ok(StatusCode::NO_CONTENT)
}
