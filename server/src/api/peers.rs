//! Questions of other processes of the deployment to the owner of a zone. No part of the public API.

use crate::app::App;
use crate::peers::Reading;
use crate::questions::Unanswered;
use crate::watch::{News, Question};
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::routing::{get, post};
use axum::{Json, Router};
use dispatch::plan::Planner;
use model::{Parameter, Span, StationNo, WarningId, Zone};
use serde::Deserialize;
use std::sync::Arc;

/// Their routes.
pub(super) fn routes() -> Router<Arc<App>> {
    let readings = get(readings);
    let told = get(told);
    let newest = post(newest);
    Router::new()
        .route("/peers/newest", newest)
        .route("/peers/zones/{zone}/readings", readings)
        .route("/peers/zones/{zone}/told/{warning}", told)
}

/// Why another process gets no answer.
pub(super) struct Refused(StatusCode);

impl axum::response::IntoResponse for Refused {
    fn into_response(self) -> axum::response::Response {
        self.0.into_response()
    }
}

impl From<Unanswered> for Refused {
    fn from(why: Unanswered) -> Self {
        Self(match why {
            Unanswered::Full => StatusCode::TOO_MANY_REQUESTS,
            Unanswered::Late | Unanswered::Stranger => StatusCode::SERVICE_UNAVAILABLE,
            // It was here, or it is not here yet.
            Unanswered::Elsewhere => StatusCode::MISDIRECTED_REQUEST,
        })
    }
}

/// Refuses whoever does not belong to the deployment.
fn one_of_us(app: &App, headers: &HeaderMap) -> Result<(), Refused> {
    let given = headers.get(header::AUTHORIZATION);
    let given = given.and_then(|value| value.to_str().ok());
    let is_one = app.peers.as_ref().is_some_and(|peers| peers.is_one(given));
    if is_one {
        return Ok(());
    }
    app.metrics.refused.with_label_values(&["denied"]).inc();
    Err(Refused(StatusCode::NOT_FOUND))
}

/// Which series.
#[derive(Deserialize)]
struct Wanted {
    station: u32,
    parameter: String,
    minutes: i64,
}

async fn readings(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    Path(zone): Path<u16>,
    Query(wanted): Query<Wanted>,
) -> Result<Json<Vec<Reading>>, Refused> {
    one_of_us(&app, &headers)?;
    let bad = Refused(StatusCode::BAD_REQUEST);
    let parameter = Parameter::from_name(&wanted.parameter).ok_or(bad)?;
    let desk = app.zones.desk(Zone(zone))?;
    let (station, length) = (
        StationNo(wanted.station),
        Span::from_minutes(wanted.minutes),
    );
    let readings = desk.series(station, parameter, length).await?;
    Ok(Json(readings.into_iter().map(Reading::from).collect()))
}

async fn newest(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    Json(question): Json<Question>,
) -> Result<Json<News>, Refused> {
    one_of_us(&app, &headers)?;
    // It looks at every station of the city.
    let news = tokio::task::spawn_blocking(move || app.news(&question)).await;
    Ok(Json(news.unwrap_or(Err(Unanswered::Late))?))
}

async fn told(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    Path((zone, warning)): Path<(u16, String)>,
) -> Result<Json<Planner>, Refused> {
    one_of_us(&app, &headers)?;
    let id = WarningId::parse(&warning).ok_or(Refused(StatusCode::BAD_REQUEST))?;
    Ok(Json(app.zones.desk(Zone(zone))?.told(id).await?))
}
