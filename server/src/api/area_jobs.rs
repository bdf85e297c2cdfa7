//! What people do with area jobs: let a held one go, pause, resume and end one.

use super::{Problem, permit};
use crate::app::App;
use crate::courier::{ACT, AreaAct, Did};
use crate::people::Scope;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use dispatch::intent::IntentId;
use journal::{Batch, Kind, Partition, Priority, Topic};
use serde::Deserialize;
use std::sync::Arc;

/// Characters of a reason.
const REASON_MAX: usize = 500;

/// An act on a job.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct OnJob {
    /// The link, `area/cmcc`.
    link: String,
    act: Did,
    reason: String,
}

/// `POST /v1/area-jobs/{job}`: 202 once the journal has it; the link does it and the row shows it.
pub(crate) async fn act(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    Path(job): Path<String>,
    Json(on_job): Json<OnJob>,
) -> Result<StatusCode, Problem> {
    let person = permit(&app, &headers, Scope::Approve)?;
    let job = IntentId::parse(&job)
        .ok_or_else(|| Problem::bad_request("a job's number has 32 hexadecimal digits"))?;
    let reason = on_job.reason.trim();
    if reason.is_empty() || reason.chars().count() > REASON_MAX {
        return Err(Problem::bad_request(format!(
            "reason: write why, in at most {REASON_MAX} characters"
        )));
    }
    let known = app.view.deliveries();
    let row = known
        .iter()
        .find(|row| row.link == on_job.link && row.intent == job.to_string());
    if row.is_none() {
        let link = &on_job.link;
        return Err(Problem::not_found(format!("no job {job} on {link}")));
    }
    let number = app.links.iter().position(|link| *link == on_job.link);
    let number = number.and_then(|number| u16::try_from(number).ok());
    let number = number.ok_or_else(|| Problem::not_found("no such link any more"))?;
    let act = AreaAct {
        job,
        act: on_job.act,
        by: person.id.clone(),
        reason: reason.to_owned(),
    };
    let mut batch = Batch::new(app.clock.now().millis(), Priority::Vital);
    let deliveries = Topic::new(Kind::Deliveries, app.mode);
    let json = serde_json::to_vec(&act).unwrap_or_default();
    batch.append(deliveries, Partition(number), ACT, &[], &json);
    app.journal.submit_waiting(batch)?.await?;
    Ok(StatusCode::ACCEPTED)
}
