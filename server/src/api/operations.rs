//! What operators and their monitoring ask.

use super::{Problem, known};
use crate::app::App;
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
        None => (StatusCode::OK, format!("ok\n{}", space(&app))),
        Some(fault) => (StatusCode::SERVICE_UNAVAILABLE, format!("{fault}\n")),
    }
}

/// `GET /readyz`: every zone has caught up and steps live input, and what is sent can be stored.
pub(crate) async fn ready(State(app): State<Arc<App>>) -> impl IntoResponse {
    let text = match app.recovering() {
        0 if app.out_of_space() => "the disk is full: free some space\n".to_owned(),
        0 => return (StatusCode::OK, format!("ready\n{}", space(&app))),
        waiting => format!("recovering: {waiting} zones are not caught up\n"),
    };
    (StatusCode::SERVICE_UNAVAILABLE, text)
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
