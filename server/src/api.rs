//! The HTTP API: `/v1`, the CAP feed, the console, and what operators ask.

mod calls;
mod cap;
mod console;
mod observations;
mod operations;
mod places;
mod problem;
mod signals;
mod stream;
mod warnings;

pub(crate) use problem::Problem;

use crate::app::App;
use crate::people::{Person, Scope};
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::{HeaderMap, header};
use axum::routing::{get, post};
use std::sync::Arc;

/// Largest request body as it comes over the wire, bytes.
pub(crate) const BODY_MAX: usize = 16 << 20;

/// All routes.
pub(crate) fn router(app: Arc<App>) -> Router {
    Router::new()
        .route(
            "/v1/observations",
            post(observations::take).get(observations::series),
        )
        .route("/v1/state", get(places::state))
        .route("/v1/areas", get(places::areas))
        .route("/v1/stations", get(places::stations))
        .route("/v1/sites", get(places::sites))
        .route("/v1/situations", get(places::situations))
        .route("/v1/warnings", get(warnings::list).post(warnings::issue))
        .route("/v1/warnings/{id}", get(warnings::one))
        .route("/v1/warnings/{id}/preview", get(warnings::preview))
        .route("/v1/warnings/{id}/approve", post(warnings::approve))
        .route("/v1/warnings/{id}/reject", post(warnings::reject))
        .route("/v1/warnings/{id}/amend", post(warnings::amend))
        .route("/v1/warnings/{id}/cancel", post(warnings::cancel))
        .route("/v1/orders/confirm", post(warnings::confirm))
        .route("/v1/orders/stand", post(warnings::stand))
        .route("/v1/deliveries", get(calls::deliveries))
        .route("/v1/calls", get(calls::list))
        .route("/v1/calls/answer", post(calls::answer))
        .route("/v1/calls/tap", post(calls::tap))
        .route("/v1/signals", get(signals::list).post(signals::take))
        .route("/v1/me", get(operations::me))
        .route("/v1/stream", get(stream::follow))
        .route("/v1/push", get(stream::push))
        .route("/cap/feed.atom", get(cap::feed))
        .route("/cap/{file}", get(cap::document))
        .route("/metrics", get(operations::metrics))
        .route("/healthz", get(operations::health))
        .route("/readyz", get(operations::ready))
        .route("/openapi.json", get(operations::openapi))
        .fallback(console::file)
        .layer(DefaultBodyLimit::max(BODY_MAX))
        .with_state(app)
}

/// The person of the request, if they hold `scope`.
fn permit<'a>(app: &'a App, headers: &HeaderMap, scope: Scope) -> Result<&'a Person, Problem> {
    let value = headers
        .get(header::AUTHORIZATION)
        .and_then(|v| v.to_str().ok());
    app.people.permit(value, scope).map_err(|denied| {
        app.metrics.refused.with_label_values(&["denied"]).inc();
        Problem::denied(&denied)
    })
}
