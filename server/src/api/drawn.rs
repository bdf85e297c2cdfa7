//! A drawn place before anything is signed: how many of the public live there.

use super::{Problem, known};
use crate::app::App;
use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderMap;
use dispatch::directory::{ResolveError, Shape};
use dispatch::gateway::area::BODY_MAX as JOB_BYTES_MAX;
use dispatch::intent::Audience;
use model::{AreaCode, Channel, Reach};
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;

/// A shape of as many vertices as there may be fits.
pub(crate) const BODY_MAX: usize = JOB_BYTES_MAX;

/// What is asked.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Place {
    /// A GeoJSON geometry, with `distance_m` for a circle or a strip along a line.
    geometry: Shape,
    /// Only there; the whole city where the field is left out.
    areas: Option<Vec<AreaCode>>,
    /// Classes of the public; all where there is none.
    #[serde(default)]
    classes: Vec<String>,
}

/// `POST /v1/preview`: heads of the public in a drawn place by township, channel and language.
pub(crate) async fn preview(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<Value>, Problem> {
    known(&app, &headers)?;
    let place: Place = serde_json::from_slice(&body)
        .map_err(|error| Problem::bad_request(format!("not a place: {error}")))?;
    let city = &app.installation.city;
    let areas = place.areas.clone().unwrap_or_else(|| vec![city.code]);
    if areas.is_empty() {
        let words = "areas: there is none; leave the field out for the whole city";
        return Err(Problem::bad_request(words));
    }
    if let Some(code) = areas.iter().find(|code| city.area_no(**code).is_none()) {
        return Err(Problem::bad_request(format!("areas: there is no {code}")));
    }
    let counting = Arc::clone(&app);
    let work = tokio::task::spawn_blocking(move || counted(&counting, place, areas));
    let counted = work
        .await
        .map_err(|_| Problem::unavailable("the preview was interrupted; ask again"))?;
    let unresolved = |error: ResolveError| Problem::unavailable(error.to_string());
    counted.map(Json).map_err(unresolved)
}

fn counted(app: &App, place: Place, areas: Vec<AreaCode>) -> Result<Value, ResolveError> {
    let installation = &app.installation;
    let (city, directory) = (&installation.city, app.directory());
    let (hash, vertices) = (place.geometry.hash(), place.geometry.vertices());
    let audience = Audience {
        areas,
        shape: Some(place.geometry),
        roles: place.classes,
        ..Audience::of(Reach::Public, directory.version())
    };
    let channels = [Channel::Sms, Channel::Email, Channel::Push];
    let preview = directory.preview(city, &audience, &channels)?;
    let mut targets = directory.targets(city, &audience, Channel::Sms)?;
    let (mut some, mut telephones, mut more) = (Vec::new(), 0, true);
    while more {
        some.clear();
        more = targets.next(&mut some);
        telephones += some.len();
    }
    let heads = preview.heads.iter().map(|head| {
        json!({
            "area": city.area(head.area).map(|area| area.code),
            "channel": head.channel,
            "language": head.language,
            "people": head.people,
        })
    });
    Ok(json!({
        "shape": hash,
        "vertices": vertices,
        "people": preview.people,
        "missed": preview.missed,
        "shared": preview.shared,
        "telephones": telephones,
        "heads": heads.collect::<Vec<_>>(),
    }))
}
