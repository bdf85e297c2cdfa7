//! Where nobody sees what: by hazard, the areas whose sensors are all silent and those without any.

use super::{Problem, known};
use crate::app::App;
use crate::installation::geometry;
use axum::Json;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use model::{AreaCode, AreaNo, Hazard, Language, Tier};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

const GEOJSON: &str = "application/geo+json";

/// What is asked for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wanted {
    format: Option<String>,
    hazard: Option<String>,
}

/// `GET /v1/blindness?hazard=…&format=geojson`: for people of the installation.
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    Query(wanted): Query<Wanted>,
) -> Result<Response, Problem> {
    known(&app, &headers)?;
    let accepts = headers.get(header::ACCEPT).and_then(|v| v.to_str().ok());
    let is_map = match wanted.format.as_deref() {
        Some("geojson") => true,
        Some("json") => false,
        Some(other) => {
            let detail = format!("format {other:?} is not known: json or geojson");
            return Err(Problem::bad_request(detail));
        }
        None => accepts.is_some_and(|accepts| accepts.contains(GEOJSON)),
    };
    let hazard = wanted.hazard.as_deref().map(|code| {
        Hazard::from_code(code).ok_or_else(|| {
            Problem::bad_request(format!("hazard {code:?} is no event code such as 11B03"))
        })
    });
    let hazard = hazard.transpose()?;
    let of = Arc::clone(&app);
    let found = tokio::task::spawn_blocking(move || {
        let rulebook = of.reload.rulebook();
        let unseen = of.unseen.of(&rulebook, &of.installation.city);
        let read = rulebook.rules.iter().filter(|r| !r.parameters().is_empty());
        let hazards: BTreeSet<Hazard> = read.map(|rule| rule.hazard).collect();
        let asked = |of: &Hazard| hazard.is_none_or(|hazard| hazard == *of);
        let hazards = hazards.into_iter().filter(asked);
        let each = hazards.map(|hazard| (hazard, blind(&of, hazard, unseen.get(&hazard))));
        each.collect::<BTreeMap<_, _>>()
    });
    let found = found
        .await
        .map_err(|e| Problem::unavailable(e.to_string()))?;
    if is_map {
        let features = map(&app, &found);
        let body = json!({ "type": "FeatureCollection", "features": features });
        return Ok(([(header::CONTENT_TYPE, GEOJSON)], body.to_string()).into_response());
    }
    let hazards = found.into_iter().map(|(hazard, areas)| {
        json!({
            "hazard": hazard.code(),
            "name": { "zh": hazard.zh(), "en": hazard.en() },
            "areas": areas,
        })
    });
    let (clusters, silent) = app.view.silences(|zones| {
        let clusters = zones.values().flat_map(|zone| zone.clusters());
        let clusters: Vec<Value> = clusters.map(|c| app.cluster_item(c)).collect();
        let silent: usize = zones.values().map(|zone| zone.silent().count()).sum();
        (clusters, silent)
    });
    let body = json!({
        "time": app.view.text(app.view.now()),
        "hazards": hazards.collect::<Vec<_>>(),
        "clusters": clusters,
        "silent_series": silent,
    });
    Ok(Json(body).into_response())
}

/// The areas that nobody sees a hazard in, those in which it is in force first.
fn blind(app: &App, hazard: Hazard, unseen: Option<&BTreeSet<AreaNo>>) -> Vec<Value> {
    let city = &app.installation.city;
    let mut blind = app.view.silences(|zones| {
        let all = zones.values().flat_map(|zone| zone.blind());
        let of_hazard = all.filter(|blind| blind.hazard == hazard);
        of_hazard.cloned().collect::<Vec<_>>()
    });
    blind.sort_by_key(|blind| (std::cmp::Reverse(blind.storm), blind.area));
    let silent = blind.iter().map(|blind| app.blind_item(blind));
    let never = unseen.into_iter().flatten().filter_map(|no| city.area(*no));
    let never = never.map(|area| {
        json!({
            "hazard": hazard.code(),
            "area": area.code,
            "name": area.name.zh,
            "name_en": area.name.get(Language::En),
            "why": "unseen",
            "since": null,
            "in_force": Tier::None,
            "alarm": false,
            "count": 0,
            "stations": [],
            "text": {
                "zh": format!("{}：未登记能监测{}的站点", area.name.zh, hazard.zh()),
                "en": format!("{}: no registered station sees {}", area.name.get(Language::En), hazard.en()),
            },
        })
    });
    silent.chain(never).collect()
}

/// Each area of each hazard as a feature.
fn map(app: &App, found: &BTreeMap<Hazard, Vec<Value>>) -> Vec<Value> {
    let city = &app.installation.city;
    let features = found.values().flatten().filter_map(|item| {
        let code = item.get("area")?.as_str()?;
        let no = city.area_no(AreaCode::parse(code).ok()?)?;
        Some(json!({
            "type": "Feature",
            "properties": item,
            "geometry": geometry(city.area(no)?),
        }))
    });
    features.collect()
}
