//! Official signals of other authorities: CAP in, the list out.

use super::responses::remains;
use super::{Problem, permit};
use crate::acted::Acted;
use crate::app::App;
use crate::bulletins::{Followed, SourceItem};
use crate::people::Scope;
use crate::view::SignalItem;
use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use model::Signal;
use model::signal::SignalKind;
use std::sync::Arc;

/// `GET /v1/signals`: those in force. One of a state bulletin says whether that is stale.
pub(crate) async fn list(State(app): State<Arc<App>>) -> Json<Vec<SignalItem>> {
    let mut signals = app.view.signals();
    for signal in &mut signals {
        let source = signal.source.as_deref();
        signal.stale = source.is_some_and(|source| app.is_source_stale(source));
    }
    Json(signals)
}

/// `GET /v1/bulletins`: sources of state bulletins, and how old the newest of each is.
pub(crate) async fn sources(State(app): State<Arc<App>>) -> Json<Vec<SourceItem>> {
    Json(app.sources())
}

/// `POST /v1/bulletins/{source}`: the newest bulletin of a source, the whole of what it has in force.
/// 202 once the journal has it.
pub(crate) async fn bulletin(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    Path(source): Path<String>,
    body: Bytes,
) -> Result<(StatusCode, Json<Followed>), Problem> {
    permit(&app, &headers, Scope::Signal)?;
    let feed = app.feed_named(&source).ok_or_else(|| {
        Problem::not_found(format!(
            "no source {source}: configure it as a [[bulletin]]"
        ))
    })?;
    let followed = app.follow_bulletin(feed, &body).await?;
    Ok((StatusCode::ACCEPTED, Json(followed)))
}

/// `POST /v1/signals`: one CAP 1.0, 1.1 or 1.2 alert. 202 once the journal has it; a Cancel is
/// answered with what remains.
pub(crate) async fn take(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<(StatusCode, Json<serde_json::Value>), Problem> {
    permit(&app, &headers, Scope::Signal)?;
    let signals = app
        .read_signals(&body)
        .map_err(|error| Problem::bad_request(error.to_string()))?;
    let mut taken = Vec::new();
    for signal in signals {
        let fresh = app.signal(&signal).await?;
        let mut item = serde_json::json!({ "identifier": signal.identifier, "duplicate": !fresh });
        if signal.kind == SignalKind::Cancel {
            item["remains"] = left(&app, &signal);
        }
        taken.push(item);
    }
    Ok((StatusCode::ACCEPTED, Json(taken.into())))
}

/// What a lifted signal leaves as it is, by area: neither other signals nor responses nor transfers end
/// with it.
fn left(app: &App, signal: &Signal) -> serde_json::Value {
    let mut lifted = signal.references.clone();
    lifted.push(signal.identifier.clone());
    let areas = signal.areas.iter();
    let each = areas.map(|area| (area.to_string(), remains(app, *area, &lifted)));
    serde_json::Value::Object(each.collect())
}

/// `POST /v1/signals/{identifier}/relay`: puts the signal forward to be passed on verbatim; it goes
/// out once it is signed like any warning. The body says what became of it in each zone it touches.
pub(crate) async fn relay(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    Path(identifier): Path<String>,
) -> Result<Acted, Problem> {
    let person = permit(&app, &headers, Scope::Issue)?.id.clone();
    app.relay(&identifier, &person).await
}
