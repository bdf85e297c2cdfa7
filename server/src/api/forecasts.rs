//! Forecasts of others in.

use super::{Problem, permit};
use crate::app::App;
use crate::people::Scope;
use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use journal::{Batch, Kind, Partition, Priority, Topic};
use model::{Fault, Forecast, Input, Zone};
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Faults told of one request.
const FAULTS_MAX: usize = 100;

/// What became of a request.
#[derive(Serialize)]
pub(crate) struct Taken {
    accepted: usize,
    rejected: Vec<Rejected>,
}

#[derive(Serialize)]
struct Rejected {
    line: Option<u32>,
    field: String,
    reason: String,
    remedy: String,
}

/// `POST /v1/forecasts`: JSON, GeoJSON or CSV of series by area and station and of tracks. 202 once the
/// journal has them; what cannot be read is told and holds up nothing else.
pub(crate) async fn take(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<(StatusCode, Json<Taken>), Problem> {
    permit(&app, &headers, Scope::Signal)?;
    let city = &app.installation.city;
    let read = ingest::forecast::read("forecasts", &body, city);
    let latest = app.clock.now() + city.policy.lateness.past_after;
    let (taken, ahead): (Vec<Forecast>, Vec<Forecast>) = read
        .forecasts
        .into_iter()
        .partition(|forecast| forecast.issued() <= latest);
    let mut rejected: Vec<Rejected> = read.faults.iter().take(FAULTS_MAX).map(rejected).collect();
    if !ahead.is_empty() {
        rejected.push(Rejected {
            line: None,
            field: "issued".into(),
            reason: format!(
                "{} are issued in the future: those until then would look old",
                ahead.len()
            ),
            remedy: "mend the clock or the time zone of the sender".into(),
        });
    }
    let accepted = taken.len();
    let mut by_zone: BTreeMap<Zone, Vec<Forecast>> = BTreeMap::new();
    for forecast in taken {
        for zone in forecast.zones(city) {
            by_zone.entry(zone).or_default().push(forecast.clone());
        }
    }
    if !by_zone.is_empty() {
        let mut batch = Batch::new(app.clock.now().millis(), Priority::Vital);
        let input = Topic::new(Kind::Input, app.mode);
        for (zone, forecasts) in by_zone {
            for some in forecasts.chunks(PER_RECORD) {
                let entry = Input::Forecasts(some.to_vec());
                batch.append(input, Partition(zone.0), entry.kind(), &[], &entry.encode());
            }
        }
        app.journal.submit(batch)?.await?;
    } else if !rejected.is_empty() {
        let first = rejected.first().map_or("", |fault| &fault.reason);
        return Err(Problem::bad_request(format!(
            "nothing could be read: {first}"
        )));
    }
    Ok((StatusCode::ACCEPTED, Json(Taken { accepted, rejected })))
}

/// Forecasts in one record: a thousand steps of each stay within its size.
const PER_RECORD: usize = 8;

fn rejected(fault: &Fault) -> Rejected {
    Rejected {
        line: fault.line,
        field: fault.field.clone(),
        reason: fault.what.clone(),
        remedy: fault.remedy.clone(),
    }
}
