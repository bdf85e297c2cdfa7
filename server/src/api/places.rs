//! Where: the city, its areas, stations and sites, and what holds at them.

use super::{Problem, known};
use crate::app::App;
use crate::view::SituationItem;
use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::IntoResponse;
use model::{StationNo, Tier};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;

/// `GET /v1/state`: what a console needs first.
pub(crate) async fn state(State(app): State<Arc<App>>) -> Json<Value> {
    let city = &app.installation.city;
    let zones: Vec<_> = city
        .zones
        .iter()
        .filter_map(|zone| city.areas.get(usize::from(zone.0)))
        .map(|area| json!({ "code": area.code, "name": area.name }))
        .collect();
    Json(json!({
        "city": {
            "code": city.code,
            "name": city.name,
            "bbox": app.installation.bbox,
        },
        "time": app.view.text(app.view.now()),
        "mode": app.mode.name(),
        "zones": zones,
        "roles": app.installation.wording.roles().all().collect::<BTreeMap<_, _>>(),
    }))
}

/// `GET /v1/areas`: GeoJSON, rendered once at start.
pub(crate) async fn areas(State(app): State<Arc<App>>) -> impl IntoResponse {
    (
        [(header::CONTENT_TYPE, "application/geo+json")],
        Arc::clone(&app.installation.areas_geojson).to_string(),
    )
}

/// `GET /v1/stations`: with the newest value of each parameter.
pub(crate) async fn stations(State(app): State<Arc<App>>) -> Json<Vec<Value>> {
    let city = &app.installation.city;
    let items = city.stations.iter().enumerate().map(|(number, station)| {
        json!({
            "id": station.id,
            "name": station.name.zh,
            "name_en": station.name.en,
            "kind": station.kind,
            "lon": station.lon,
            "lat": station.lat,
            "area": city.areas.get(usize::from(station.area.0)).map(|a| a.code),
            "parameters": station.parameters,
            "last": app.view.last(StationNo(number as u32)),
        })
    });
    Json(items.collect())
}

/// `GET /v1/sites`: with the tier that holds there; for people of the installation.
pub(crate) async fn sites(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
) -> Result<Json<Vec<Value>>, Problem> {
    known(&app, &headers)?;
    let city = &app.installation.city;
    let tiers = app.view.tiers();
    let items = city.sites.iter().map(|site| {
        let station = site.station.and_then(|no| city.stations.get(no.0 as usize));
        json!({
            "id": site.id,
            "name": site.name.zh,
            "name_en": site.name.en,
            "kind": site.kind,
            "lon": site.lon,
            "lat": site.lat,
            "area": city.areas.get(usize::from(site.area.0)).map(|a| a.code),
            "station": station.map(|s| &s.id),
            "tier": tiers.get(&site.id).copied().unwrap_or(Tier::None),
            "thresholds": site.thresholds,
        })
    });
    Ok(Json(items.collect()))
}

/// `GET /v1/situations`: our own findings, for people of the installation.
pub(crate) async fn situations(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
) -> Result<Json<Vec<SituationItem>>, Problem> {
    known(&app, &headers)?;
    let mut items = app.view.situations();
    for item in &mut items {
        item.stale = app.is_stale(&item.rule, &item.subject);
    }
    Ok(Json(items))
}
