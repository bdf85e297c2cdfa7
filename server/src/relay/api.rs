//! The interface of `docs/area-jobs.md`: every call signed by a centre, every answer JSON, refusals
//! as problem details.

use super::{Centre, Relay, RelayError};
use crate::api::Problem;
use crate::app::App;
use axum::Json;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::routing::{get, post};
use dispatch::gateway::area::{Act, BODY_MAX, Job, JobError, Reading, Report, key};
use dispatch::gateway::webhook::{IDEMPOTENCY_HEADER, SIGNATURE_HEADER};
use dispatch::intent::IntentId;
use serde::Deserialize;
use std::sync::Arc;

/// What a centre may call.
pub(crate) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/v1/jobs/{job}", get(report).put(put))
        .route("/v1/jobs/{job}/preview", post(preview))
        .route("/v1/jobs/{job}/release", post(release))
        .route("/v1/jobs/{job}/{act}", post(act))
        .layer(DefaultBodyLimit::max(BODY_MAX))
}

#[derive(Deserialize)]
struct Release {
    /// Hash of the reading that is let go.
    reading: String,
}

async fn put(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    Path(id): Path<String>,
    body: Bytes,
) -> Result<(StatusCode, Json<Reading>), Problem> {
    let call = Call::of(&app, &headers, &Method::PUT, &id, "", &body)?;
    let job = call.job(&body)?;
    let reading = app.job_put(call.relay, call.centre, job)?;
    Ok((StatusCode::CREATED, Json(reading)))
}

async fn preview(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    Path(id): Path<String>,
    body: Bytes,
) -> Result<Json<Reading>, Problem> {
    let call = Call::of(&app, &headers, &Method::POST, &id, "preview", &body)?;
    let job = call.job(&body)?;
    Ok(Json(app.job_preview(call.relay, call.centre, &job)?))
}

async fn release(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    Path(id): Path<String>,
    body: Bytes,
) -> Result<(StatusCode, Json<Report>), Problem> {
    let call = Call::of(&app, &headers, &Method::POST, &id, "release", &body)?;
    let release: Release = serde_json::from_slice(&body)
        .map_err(|error| Problem::bad_request(format!("not a release: {error}")))?;
    let report = app
        .job_release(call.relay, call.centre, call.id, &release.reading)
        .await?;
    Ok((StatusCode::ACCEPTED, Json(report)))
}

async fn act(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    Path((id, word)): Path<(String, String)>,
    body: Bytes,
) -> Result<Json<Report>, Problem> {
    let acts = [Act::Pause, Act::Resume, Act::Kill];
    let act = acts.into_iter().find(|act| act.name() == word);
    let act = act.ok_or_else(|| {
        Problem::not_found(format!(
            "{word:?} cannot be done with a job: release, pause, resume, kill"
        ))
    })?;
    let call = Call::of(&app, &headers, &Method::POST, &id, act.name(), &body)?;
    Ok(Json(
        app.job_act(call.relay, call.centre, call.id, act).await?,
    ))
}

async fn report(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Result<Json<Report>, Problem> {
    let call = Call::of(&app, &headers, &Method::GET, &id, "", b"")?;
    Ok(Json(app.job_report(call.relay, call.centre, call.id)?))
}

/// A call that a centre signed.
struct Call<'a> {
    relay: &'a Relay,
    centre: &'a Centre,
    id: IntentId,
}

impl<'a> Call<'a> {
    fn of(
        app: &'a App,
        headers: &HeaderMap,
        method: &Method,
        id: &str,
        act: &str,
        body: &[u8],
    ) -> Result<Self, Problem> {
        let relay = app.relay.as_ref();
        let relay = relay.ok_or_else(|| Problem::not_found("this process relays nothing"))?;
        let id = IntentId::parse(id)
            .ok_or_else(|| Problem::bad_request("the number of a job has 32 hexadecimal digits"))?;
        let header = |name: &str| {
            let value = headers.get(name).and_then(|value| value.to_str().ok());
            value.unwrap_or_default()
        };
        let key = key(method, id, act);
        if header(IDEMPOTENCY_HEADER) != key {
            return Err(Problem::bad_request(format!(
                "{IDEMPOTENCY_HEADER} must be {key:?}: it is signed with the call"
            )));
        }
        let now = app.clock.now();
        let centre = relay.centre(header(SIGNATURE_HEADER), &key, body, now)?;
        Ok(Self { relay, centre, id })
    }

    fn job(&self, body: &[u8]) -> Result<Job, Problem> {
        let job = Job::read(body).map_err(RelayError::from)?;
        if job.job != self.id {
            return Err(Problem::bad_request(
                "the number in the address is not the job's",
            ));
        }
        Ok(job)
    }
}

impl From<RelayError> for Problem {
    fn from(error: RelayError) -> Self {
        let words = error.to_string();
        match error {
            RelayError::Unsigned(_) => Self::unsigned(words),
            RelayError::Sender { .. } => Self::forbidden(words),
            RelayError::Job(JobError::Form(_)) => Self::bad_request(words),
            RelayError::Job(_) | RelayError::Other(_) => Self::refused(words),
            RelayError::Unknown(_) => Self::not_found(words),
            RelayError::Changed(_) | RelayError::Over { .. } => Self::conflict(words),
            RelayError::Full => Self::unavailable(words),
            RelayError::Journal(error) => error.into(),
        }
    }
}
