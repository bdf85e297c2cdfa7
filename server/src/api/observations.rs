//! Observations in, and the recent series of one station out.

use super::{Problem, permit};
use crate::app::App;
use crate::intake::{IntakeError, Taken};
use crate::people::Scope;
use axum::Json;
use axum::body::Bytes;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use ingest::transport::body::BodyError;
use model::{Parameter, Span};
use serde::Deserialize;
use std::sync::Arc;

/// `POST /v1/observations`: array or NDJSON, plain, gzip or zstd. 202 once the journal has it; what
/// comes again with its `Idempotency-Key` is not taken twice, also after a restart; 409 while the first
/// is under way.
pub(crate) async fn take(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Problem> {
    if !app.open_intake {
        permit(&app, &headers, Scope::Observe)?;
    }
    let text = |name: header::HeaderName| headers.get(name).and_then(|v| v.to_str().ok());
    let key = headers.get("idempotency-key").and_then(|v| v.to_str().ok());
    let taken: Taken = app
        .intake
        .take("http", text(header::CONTENT_ENCODING), key, body)
        .await
        .map_err(problem)?;
    Ok((StatusCode::ACCEPTED, Json(taken)).into_response())
}

fn problem(error: IntakeError) -> Problem {
    match error {
        IntakeError::TooLarge(_) => Problem::too_large(error.to_string()),
        IntakeError::Body(BodyError::Unsupported(_)) => Problem::unsupported(error.to_string()),
        IntakeError::Body(BodyError::TooLarge { .. }) => Problem::too_large(error.to_string()),
        IntakeError::Body(BodyError::Corrupt(_)) => Problem::bad_request(error.to_string()),
        IntakeError::UnderWay => Problem::under_way(error.to_string()),
        IntakeError::Journal(error) => error.into(),
    }
}

/// Which series.
#[derive(Deserialize)]
pub(crate) struct Wanted {
    station: String,
    parameter: String,
    #[serde(default = "three")]
    hours: u32,
}

fn three() -> u32 {
    3
}

/// Hours of a series that one request may ask for.
const HOURS_MAX: u32 = 72;

/// `GET /v1/observations?station=…&parameter=…&hours=…`.
pub(crate) async fn series(
    State(app): State<Arc<App>>,
    Query(wanted): Query<Wanted>,
) -> Result<Json<Vec<serde_json::Value>>, Problem> {
    let station = app
        .installation
        .city
        .station_no(&wanted.station)
        .ok_or_else(|| Problem::not_found(format!("no station {}", wanted.station)))?;
    let parameter = Parameter::from_name(&wanted.parameter).ok_or_else(|| {
        let known = Parameter::ALL.map(Parameter::name).join(" ");
        Problem::bad_request(format!("parameter: one of {known}"))
    })?;
    let hours = i64::from(wanted.hours.min(HOURS_MAX));
    let values = app
        .series(station, parameter, Span::from_minutes(hours * 60))
        .await?;
    let screened = app.view.screened(station, parameter);
    let items = values.into_iter().map(|reading| {
        let mut item = serde_json::json!({
            "time": app.view.text(reading.time),
            "value": parameter.decimal(i64::from(reading.value)),
            "quality": screened.quality(&reading),
        });
        if let Some(finding) = screened.finding(&reading) {
            item["finding"] = finding.into();
        }
        item
    });
    Ok(Json(items.collect()))
}
