//! What operators and their monitoring ask.

use super::{Problem, known};
use crate::app::App;
use crate::zones::Standing;
use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::IntoResponse;
use serde_json::json;
use std::sync::Arc;

/// `GET /metrics`: Prometheus text exposition.
pub(crate) async fn metrics(State(app): State<Arc<App>>) -> impl IntoResponse {
    app.gauge();
    (
        [(header::CONTENT_TYPE, "text/plain; version=0.0.4")],
        app.metrics.text(),
    )
}

/// `GET /healthz`: the process lives and its journal accepts.
pub(crate) async fn health(State(app): State<Arc<App>>) -> impl IntoResponse {
    match app.fault() {
        None => (
            StatusCode::OK,
            format!("ok\n{}{}", space(&app), untested(&app)),
        ),
        Some(fault) => (StatusCode::SERVICE_UNAVAILABLE, format!("{fault}\n")),
    }
}

/// Rules in force that no test case plays, on a line of their own.
fn untested(app: &App) -> String {
    match app.untested() {
        [] => String::new(),
        rules => format!("rules without a test case: {}\n", rules.join(", ")),
    }
}

/// `GET /readyz`: every zone that is stepped here has caught up and steps live input, and what is
/// sent can be stored.
pub(crate) async fn ready(State(app): State<Arc<App>>) -> impl IntoResponse {
    let unready = unready(&app);
    let status = if unready.is_empty() {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    let text = if unready.is_empty() {
        format!("ready\n{}", space(&app))
    } else {
        unready
    };
    (status, text)
}

/// What keeps the process from its work, a line each.
fn unready(app: &App) -> String {
    let mut lines = Vec::new();
    if app.out_of_space() {
        lines.push("the disk is full: free some space\n".to_owned());
    }
    if app.zones.is_joining() {
        lines.push("joining: no zones are given to this process yet\n".to_owned());
    }
    let recovering = app.zones.which(Standing::Recovering).len();
    if recovering > 0 {
        lines.push(format!(
            "recovering: {recovering} zones are not caught up\n"
        ));
    }
    for zone in app.zones.which(Standing::Stuck) {
        let code = app.zone_code(zone);
        lines.push(format!(
            "zone {code} is not stepped: a later version wrote to it; serve it with that version\n"
        ));
    }
    lines.concat()
}

/// A line where space is short: orders, warnings and deliveries go on, so that it is no reason to
/// take the process out of service.
fn space(app: &App) -> String {
    app.nearly_full().map_or_else(String::new, |free| {
        format!("disk nearly full: {free} bytes free; observations are refused: free some space\n")
    })
}

/// `GET /v1/me`: who the token belongs to.
pub(crate) async fn me(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
) -> Result<impl IntoResponse, Problem> {
    let person = known(&app, &headers)?;
    Ok(Json(json!({
        "id": person.id,
        "name": person.name,
        "scopes": person.scopes,
    })))
}

/// `GET /openapi.json`.
pub(crate) async fn openapi() -> impl IntoResponse {
    (
        [(header::CONTENT_TYPE, "application/json")],
        include_str!("openapi.json"),
    )
}
