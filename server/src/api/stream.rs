//! Server-sent events: the consoles' stream, and the subscribed apps' push.

use super::{Problem, reader};
use crate::app::App;
use crate::stream::StreamEvent;
use axum::body::Body;
use axum::extract::{Query, RawQuery, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use dispatch::gateway::push::{Next, Subscription, Watched, around};
use futures_util::{Stream, StreamExt};
use journal::{Kind, Partition, Topic};
use model::{AreaCode, Channel, Language};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::OwnedSemaphorePermit;
use tokio_stream::wrappers::BroadcastStream;

/// A place for one more stream; 503 where all are taken.
fn place(app: &App) -> Result<OwnedSemaphorePermit, Problem> {
    let place = app.edge.stream();
    if place.is_err() {
        app.metrics.refused.with_label_values(&["streams"]).inc();
    }
    place
}

/// `GET /v1/stream`: every change as it happens for people of the installation, what was issued for
/// everybody; `reset` when the reader fell behind.
pub(crate) async fn follow(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Problem> {
    let is_person = reader(&app, &headers)?.is_some();
    let place = place(&app)?;
    let metrics = app.metrics.clone();
    let events = BroadcastStream::new(app.view.stream().subscribe()).filter_map(move |item| {
        let _held = &place;
        let event = match item {
            Ok(StreamEvent { name, json, public }) => {
                let json = if is_person { Some(json) } else { public };
                json.map(|json| Event::default().event(name).data(&*json))
            }
            Err(_lagged) => {
                metrics.slow_streams.inc();
                Some(Event::default().event("reset").data("{}"))
            }
        };
        std::future::ready(event.map(Ok))
    });
    Ok(Sse::new(events).keep_alive(KeepAlive::new().interval(Duration::from_secs(15))))
}

/// What an app asks for.
#[derive(serde::Deserialize)]
pub(crate) struct Wanted {
    /// Division codes, joined by commas.
    #[serde(default)]
    areas: String,
    /// A place, where the app does not know its code.
    lon: Option<f64>,
    lat: Option<f64>,
    /// Push token of a responsible person's app.
    token: Option<String>,
    #[serde(default)]
    language: Language,
}

/// `GET /v1/push?areas=…` or `?lon=…&lat=…`: warnings for a place, resumed by `Last-Event-ID`; with
/// `token=…` also what is meant for one responsible person.
pub(crate) async fn push(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
    Query(wanted): Query<Wanted>,
) -> Result<Response, Problem> {
    if let Some(passed) = passed_on(&app, &headers, query.as_deref()).await? {
        return Ok(passed);
    }
    let city = &app.installation.city;
    let mut areas = Vec::new();
    for code in wanted.areas.split(',').filter(|code| !code.is_empty()) {
        let code =
            AreaCode::parse(code).map_err(|e| Problem::bad_request(format!("areas: {e}")))?;
        areas.push(Watched::In(code));
        // A place that the city does not have hears what names the nearest that it has.
        let mut known = around(code).filter(|code| city.area_no(*code).is_some());
        areas.extend(known.next().filter(|known| *known != code).map(Watched::At));
    }
    if let (Some(lon), Some(lat)) = (wanted.lon, wanted.lat) {
        let found = city
            .gazetteer()
            .locate(lon, lat)
            .and_then(|no| city.area(no));
        areas.extend(found.map(|area| Watched::In(area.code)));
    }
    // No place never means every place.
    if areas.is_empty() && wanted.token.is_none() {
        return Err(Problem::bad_request(
            "areas: name at least one area, lon and lat of a place in the city, or a push token",
        ));
    }
    let last = headers
        .get("last-event-id")
        .and_then(|v| v.to_str().ok()?.parse().ok());
    let subscription = Subscription {
        areas,
        token: wanted.token,
        language: wanted.language,
        last,
        now: app.clock.now(),
    };
    let place = place(&app)?;
    let subscriber = app
        .push
        .subscribe(subscription)
        .map_err(|error| Problem::unavailable(error.to_string()))?;
    let frames =
        futures_util::stream::unfold((subscriber, place), |(mut subscriber, place)| async move {
            match subscriber.next().await {
                Next::Frame(bytes) => Some((Ok::<_, Infallible>(bytes), (subscriber, place))),
                Next::Dropped | Next::Closed => None,
            }
        });
    Ok((EVENTS, Body::from_stream(frames)).into_response())
}

/// Headers of a stream of events.
const EVENTS: [(header::HeaderName, &str); 2] = [
    (header::CONTENT_TYPE, "text/event-stream"),
    (header::CACHE_CONTROL, "no-store"),
];

/// The stream of the process that serves the apps, where that is another one.
async fn passed_on(
    app: &Arc<App>,
    headers: &HeaderMap,
    query: Option<&str>,
) -> Result<Option<Response>, Problem> {
    let number = app
        .links
        .iter()
        .position(|name| name == Channel::Push.name());
    let number = number.and_then(|number| u16::try_from(number).ok());
    let Some(number) = number.filter(|number| !app.serves_link(usize::from(*number))) else {
        return Ok(None);
    };
    let link = (Topic::new(Kind::Deliveries, app.mode), Partition(number));
    let Some((seat, peers)) = app.seat(link).await else {
        return Ok(None);
    };
    // Who came from another process is passed on no further: between two owners nobody serves.
    let given = headers.get(header::AUTHORIZATION);
    if peers.is_one(given.and_then(|value| value.to_str().ok())) {
        return Err(Problem::unavailable(
            "the link of the apps has just moved; ask again",
        ));
    }
    let place = place(app)?;
    let path = format!("/v1/push?{}", query.unwrap_or_default());
    let mut request = peers.stream(&seat, &path);
    if let Some(last) = headers.get("last-event-id") {
        request = request.header("last-event-id", last);
    }
    let answer = request.send().await.map_err(|error| {
        tracing::warn!(node = seat.node, %error, "the apps' stream is not passed on");
        Problem::unavailable("the link of the apps is not reached; ask again")
    })?;
    if !answer.status().is_success() {
        let status = StatusCode::from_u16(answer.status().as_u16());
        let body = Body::from_stream(answer.bytes_stream());
        let kind = [(header::CONTENT_TYPE, "application/problem+json")];
        let status = status.unwrap_or(StatusCode::BAD_GATEWAY);
        return Ok(Some((status, kind, body).into_response()));
    }
    let frames = answer.bytes_stream().map(move |bytes| {
        let _held = &place;
        bytes
    });
    Ok(Some((EVENTS, Body::from_stream(frames)).into_response()))
}
