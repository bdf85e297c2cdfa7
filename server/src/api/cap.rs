//! Our CAP 1.2 alerts: an Atom feed and one file an alert.

use super::Problem;
use crate::app::App;
use axum::extract::{Path, State};
use axum::http::header;
use axum::response::IntoResponse;
use std::sync::Arc;

/// `GET /cap/feed.atom`.
pub(crate) async fn feed(State(app): State<Arc<App>>) -> impl IntoResponse {
    let feed = app.cap.feed(&app.public_url, app.view.now());
    ([(header::CONTENT_TYPE, "application/atom+xml")], feed)
}

/// `GET /cap/{identifier}.xml`.
pub(crate) async fn document(
    State(app): State<Arc<App>>,
    Path(file): Path<String>,
) -> Result<impl IntoResponse, Problem> {
    let identifier = file.strip_suffix(".xml").unwrap_or(&file);
    let xml = app.cap.document(identifier);
    xml.map(|xml| ([(header::CONTENT_TYPE, "application/cap+xml")], xml))
        .ok_or_else(|| Problem::not_found(format!("no alert {identifier}; see /cap/feed.atom")))
}
