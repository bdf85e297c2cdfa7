//! Warnings: the queue, the preview before signing, and the acts of people.

use super::{Problem, permit};
use crate::app::App;
use crate::people::Scope;
use crate::view::WarningItem;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use model::{AreaCode, Hazard, Order, Tier, WarningId};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::Arc;

/// `GET /v1/warnings`.
pub(crate) async fn list(State(app): State<Arc<App>>) -> Json<Vec<WarningItem>> {
    Json(app.view.warnings())
}

/// `GET /v1/warnings/{id}`.
pub(crate) async fn one(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
) -> Result<Json<WarningItem>, Problem> {
    let item = app.view.warning_item(warning_id(&id)?);
    item.map(Json).ok_or_else(|| unknown(&id))
}

/// `GET /v1/warnings/{id}/preview`: who would be told what.
pub(crate) async fn preview(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
) -> Result<Json<serde_json::Value>, Problem> {
    let warning = app
        .view
        .original(warning_id(&id)?)
        .ok_or_else(|| unknown(&id))?;
    let told = app.told(&warning).await;
    let work = tokio::task::spawn_blocking(move || app.preview(&told, &warning));
    work.await
        .map(Json)
        .map_err(|_| Problem::unavailable("the preview was interrupted; ask again"))
}

/// What was seen and is signed.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Approval {
    revision: u32,
    seen: String,
}

/// `POST /v1/warnings/{id}/approve`.
pub(crate) async fn approve(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    Path(id): Path<String>,
    Json(body): Json<Approval>,
) -> Result<StatusCode, Problem> {
    let person = permit(&app, &headers, Scope::Approve)?.id.clone();
    let warning = warning_id(&id)?;
    let order = Order::Approve {
        warning,
        revision: body.revision,
        seen: body.seen,
        person,
    };
    act(&app, warning, order).await
}

/// A rejection.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Rejection {
    revision: u32,
    reason: String,
}

/// `POST /v1/warnings/{id}/reject`.
pub(crate) async fn reject(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    Path(id): Path<String>,
    Json(body): Json<Rejection>,
) -> Result<StatusCode, Problem> {
    let person = permit(&app, &headers, Scope::Approve)?.id.clone();
    let warning = warning_id(&id)?;
    let order = Order::Reject {
        warning,
        revision: body.revision,
        person,
        reason: reason(body.reason)?,
    };
    act(&app, warning, order).await
}

/// An amendment.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Amendment {
    revision: u32,
    #[serde(default)]
    areas: BTreeMap<AreaCode, Tier>,
    #[serde(default)]
    text: BTreeMap<String, String>,
    reason: String,
}

/// `POST /v1/warnings/{id}/amend`.
pub(crate) async fn amend(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    Path(id): Path<String>,
    Json(body): Json<Amendment>,
) -> Result<StatusCode, Problem> {
    let person = permit(&app, &headers, Scope::Approve)?.id.clone();
    let warning = warning_id(&id)?;
    known_areas(&app, body.areas.keys())?;
    let order = Order::Amend {
        warning,
        revision: body.revision,
        areas: body.areas,
        text: body.text,
        person,
        reason: reason(body.reason)?,
    };
    act(&app, warning, order).await
}

/// A cancellation: wholly, or in some areas.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Cancellation {
    #[serde(default)]
    areas: Vec<AreaCode>,
    reason: String,
}

/// `POST /v1/warnings/{id}/cancel`.
pub(crate) async fn cancel(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    Path(id): Path<String>,
    Json(body): Json<Cancellation>,
) -> Result<StatusCode, Problem> {
    let person = permit(&app, &headers, Scope::Issue)?.id.clone();
    let warning = warning_id(&id)?;
    known_areas(&app, body.areas.iter())?;
    let order = Order::Cancel {
        warning,
        areas: body.areas,
        person,
        reason: reason(body.reason)?,
    };
    act(&app, warning, order).await
}

/// A warning opened by hand.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Opening {
    hazard: Hazard,
    areas: BTreeMap<AreaCode, Tier>,
    #[serde(default)]
    text: BTreeMap<String, String>,
    reason: String,
}

/// `POST /v1/warnings`: one act; areas in several zones go to each zone's input.
pub(crate) async fn issue(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    Json(body): Json<Opening>,
) -> Result<StatusCode, Problem> {
    let person = permit(&app, &headers, Scope::Issue)?.id.clone();
    // A missing or empty area never means everybody.
    if body.areas.is_empty() {
        return Err(Problem::bad_request(
            "areas: name at least one area with its tier; an empty set warns nobody",
        ));
    }
    known_areas(&app, body.areas.keys())?;
    let reason = reason(body.reason)?;
    let orders = app.by_zone(&body.areas).into_iter().map(|(zone, areas)| {
        let order = Order::Issue {
            hazard: body.hazard,
            areas,
            text: body.text.clone(),
            person: person.clone(),
            reason: reason.clone(),
        };
        (zone, order)
    });
    app.orders(orders.collect()).await?;
    Ok(StatusCode::ACCEPTED)
}

/// A subject's tier is confirmed or ended.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct OfSubject {
    rule: String,
    subject: String,
    #[serde(default)]
    reason: String,
}

/// `POST /v1/orders/confirm`: a rise that rests on suspect values is real.
pub(crate) async fn confirm(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    Json(body): Json<OfSubject>,
) -> Result<StatusCode, Problem> {
    let person = permit(&app, &headers, Scope::Approve)?.id.clone();
    let zone = app.zone_of_subject(&body.subject)?;
    let order = Order::Confirm {
        rule: body.rule,
        subject: body.subject,
        person,
    };
    app.order(zone, order).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `POST /v1/orders/stand`: ends the tier of a subject whose data fell silent.
pub(crate) async fn stand(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    Json(body): Json<OfSubject>,
) -> Result<StatusCode, Problem> {
    let person = permit(&app, &headers, Scope::Approve)?.id.clone();
    let zone = app.zone_of_subject(&body.subject)?;
    let order = Order::Stand {
        rule: body.rule,
        subject: body.subject,
        person,
        reason: reason(body.reason)?,
    };
    app.order(zone, order).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn act(app: &App, warning: WarningId, order: Order) -> Result<StatusCode, Problem> {
    let zone = app.zone_of(warning)?;
    app.order(zone, order).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn warning_id(text: &str) -> Result<WarningId, Problem> {
    WarningId::parse(text).ok_or_else(|| {
        Problem::bad_request(format!("{text:?} is not a warning: 24 hexadecimal digits"))
    })
}

fn unknown(id: &str) -> Problem {
    Problem::not_found(format!("no warning {id}; see /v1/warnings"))
}

fn reason(text: String) -> Result<String, Problem> {
    if text.trim().is_empty() {
        return Err(Problem::bad_request("reason: say why in a few words"));
    }
    Ok(text)
}

fn known_areas<'a>(
    app: &App,
    mut areas: impl Iterator<Item = &'a AreaCode>,
) -> Result<(), Problem> {
    match areas.find(|code| app.installation.city.area_no(**code).is_none()) {
        None => Ok(()),
        Some(code) => Err(Problem::bad_request(format!(
            "areas: {code} is not an area of this city; see /v1/areas"
        ))),
    }
}
