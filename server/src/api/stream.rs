//! Server-sent events: the consoles' stream, and the subscribed apps' push.

use super::Problem;
use crate::app::App;
use crate::stream::StreamEvent;
use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::{Stream, StreamExt};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio_stream::wrappers::BroadcastStream;

/// `GET /v1/stream`: every change as it happens; `reset` when the reader fell behind.
pub(crate) async fn follow(
    State(app): State<Arc<App>>,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let metrics = app.metrics.clone();
    let events = BroadcastStream::new(app.view.stream().subscribe()).map(move |item| {
        Ok(match item {
            Ok(StreamEvent { name, json }) => Event::default().event(name).data(&*json),
            Err(_lagged) => {
                metrics.slow_streams.inc();
                Event::default().event("reset").data("{}")
            }
        })
    });
    Sse::new(events).keep_alive(KeepAlive::new().interval(Duration::from_secs(15)))
}
