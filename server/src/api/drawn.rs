//! A drawn place before anything is signed: how many of the public live there, and how many more are told
//! by channels that know whole areas alone.

use super::{Problem, known};
use crate::app::App;
use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderMap;
use dispatch::directory::{Preview, ResolveError, Shape};
use dispatch::gateway::area::BODY_MAX as JOB_BYTES_MAX;
use dispatch::intent::Audience;
use model::{AreaCode, Channel, Reach};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeSet;
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
    let areas = place.areas.clone();
    let areas = areas.unwrap_or_else(|| vec![city.code]);
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
    let chosen = place.areas.map(|areas| areas.into_iter().collect());
    let audience = Audience {
        areas,
        shape: Some(place.geometry),
        roles: place.classes,
        ..Audience::of(Reach::Public, directory.version())
    };
    let channels = [Channel::Sms, Channel::Email, Channel::Push];
    let sorter = app.accounts.sorter();
    let preview = directory.preview_by(city, &audience, &channels, sorter)?;
    let mut targets = directory.targets(city, &audience, Channel::Sms)?;
    let (mut some, mut telephones, mut more) = (Vec::new(), 0, true);
    while more {
        some.clear();
        more = targets.next(&mut some);
        telephones += some.len();
    }
    // What a carrier or a cell network is asked to tell: the areas that were named, or else the
    // townships in which somebody of the place lives.
    let told: BTreeSet<AreaCode> = chosen.unwrap_or_else(|| {
        let areas = preview.heads.iter();
        let areas = areas.filter_map(|head| city.area(head.area));
        areas.map(|area| area.code).collect()
    });
    let whole = Audience {
        areas: told.iter().copied().collect(),
        shape: None,
        ..audience
    };
    let whole = match told.is_empty() {
        true => Preview::default(),
        false => directory.preview_by(city, &whole, &[Channel::Sms], sorter)?,
    };
    let beyond = by_sms(&whole).saturating_sub(by_sms(&preview));
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
        "missed_by": preview.missed_by,
        "overshoot": { "areas": told, "heads": beyond },
        "shared": preview.shared,
        "telephones": telephones,
        "heads": heads.collect::<Vec<_>>(),
    }))
}

/// Telephones that short messages reach.
fn by_sms(preview: &Preview) -> u64 {
    let heads = preview.heads.iter();
    let heads = heads.filter(|head| head.channel == Channel::Sms);
    heads.map(|head| head.people).sum()
}
