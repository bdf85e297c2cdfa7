//! What a carrier that lets nobody in comes for: the next call, and the place for its answer
//! (docs/area-jobs.md). Both are signed by the carrier with the secret of its `[[area]]`.

use crate::api::Problem;
use crate::clock::Clock;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use dispatch::gateway::area::{ANSWER_MAX, Answered, Mailbox, Wait, answer_key, next_key};
use dispatch::gateway::webhook::{IDEMPOTENCY_HEADER, SIGNATURE_HEADER};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;

/// Who waits for a call at once, of all carriers together.
const WAITING_MAX: usize = 64;

/// The calls of each carrier that fetches, by its name.
#[derive(Clone)]
pub(crate) struct Desk {
    carriers: Arc<BTreeMap<String, Arc<Mailbox>>>,
    places: Arc<Semaphore>,
    clock: Clock,
}

impl Desk {
    /// One for these; nothing is asked of it where there are none.
    pub(crate) fn of(carriers: impl Iterator<Item = (String, Arc<Mailbox>)>, clock: Clock) -> Self {
        Self {
            carriers: Arc::new(carriers.collect()),
            places: Arc::new(Semaphore::new(WAITING_MAX)),
            clock,
        }
    }

    /// What a carrier may call.
    pub(crate) fn routes(self) -> Router {
        Router::new()
            .route("/v1/carriers/{carrier}/next", post(next))
            .route("/v1/carriers/{carrier}/answers/{call}", post(answer))
            .layer(DefaultBodyLimit::max(ANSWER_MAX))
            .with_state(self)
    }

    /// The calls of the carrier that signed this.
    fn signed(
        &self,
        headers: &HeaderMap,
        carrier: &str,
        key: &str,
        body: &[u8],
    ) -> Result<&Arc<Mailbox>, Problem> {
        let header = |name: &str| {
            let value = headers.get(name).and_then(|value| value.to_str().ok());
            value.unwrap_or_default()
        };
        if header(IDEMPOTENCY_HEADER) != key {
            return Err(Problem::bad_request(format!(
                "{IDEMPOTENCY_HEADER} must be {key:?}: it is signed with the call"
            )));
        }
        // Who does not know the secret does not learn which carriers there are.
        let nobody = || Problem::unsigned("no carrier that fetches here signed this call");
        let mailbox = self.carriers.get(carrier).ok_or_else(nobody)?;
        mailbox
            .verify(header(SIGNATURE_HEADER), key, body, self.clock.now())
            .map_err(|_| nobody())?;
        Ok(mailbox)
    }
}

/// The next call, waited for: 204 where there is none in that time.
async fn next(
    State(desk): State<Desk>,
    headers: HeaderMap,
    Path(carrier): Path<String>,
    body: Bytes,
) -> Result<Response, Problem> {
    let mailbox = desk.signed(&headers, &carrier, &next_key(&carrier), &body)?;
    let wait: Wait = serde_json::from_slice(&body)
        .map_err(|error| Problem::bad_request(format!("wait_s: {error}")))?;
    let _place = desk.places.try_acquire().map_err(|_| {
        Problem::unavailable(format!("{WAITING_MAX} wait for calls, which is the most"))
    })?;
    let wait = Duration::from_secs(wait.wait_s);
    Ok(match mailbox.next(|| desk.clock.now(), wait).await {
        Some(call) => Json(call).into_response(),
        None => StatusCode::NO_CONTENT.into_response(),
    })
}

/// An answer: 204 where somebody waited for it, 404 where nobody does any more.
async fn answer(
    State(desk): State<Desk>,
    headers: HeaderMap,
    Path((carrier, call)): Path<(String, u64)>,
    body: Bytes,
) -> Result<StatusCode, Problem> {
    let mailbox = desk.signed(&headers, &carrier, &answer_key(&carrier, call), &body)?;
    let answered: Answered = serde_json::from_slice(&body)
        .map_err(|error| Problem::bad_request(format!("not an answer: {error}")))?;
    if mailbox.answer(call, answered) {
        return Ok(StatusCode::NO_CONTENT);
    }
    Err(Problem::not_found(
        "nobody waits for the answer to this call: it was answered before, or given up",
    ))
}
