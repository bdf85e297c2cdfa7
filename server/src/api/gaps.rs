//! Whom nobody has spoken for, the act that speaks for them, and how fast places answer.

use super::{Problem, known, permit};
use crate::app::App;
use crate::people::Scope;
use crate::replies::NOTE_MAX;
use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use model::order::{Answer, PlaceFor};
use model::{AreaCode, Language, Order, Time, WarningId};
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;

/// Longest name of who answered, characters.
const BY_MAX: usize = 60;

/// `GET /v1/gaps`, for people of the installation; who spoke is for those who may read names.
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
) -> Result<Json<Value>, Problem> {
    let person = known(&app, &headers)?;
    let names = person.scopes.contains(&Scope::Read);
    let of = Arc::clone(&app);
    // It looks at every site: not for who answers requests.
    let found = tokio::task::spawn_blocking(move || {
        let mut found = of.gaps();
        if !names {
            for spoken in &mut found.spoken {
                spoken.said.contact.clear();
                spoken.said.note.clear();
            }
        }
        found.item(&of)
    });
    let found = found.await;
    found
        .map(Json)
        .map_err(|error| Problem::unavailable(error.to_string()))
}

/// Somebody's word for a place: "the head of the village said at 03:04 that all are out".
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Spoken {
    warning: String,
    area: Option<String>,
    site: Option<String>,
    /// Who said it.
    by: String,
    answer: Answer,
    #[serde(default)]
    note: String,
    said: Option<String>,
}

/// `POST /v1/gaps/answer`.
pub(crate) async fn answer(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    Json(spoken): Json<Spoken>,
) -> Result<StatusCode, Problem> {
    let person = permit(&app, &headers, Scope::Answer)?;
    let warning = WarningId::parse(&spoken.warning)
        .ok_or_else(|| Problem::bad_request("warning: 24 hexadecimal digits"))?;
    let city = &app.installation.city;
    let place = match (spoken.area, spoken.site) {
        (Some(area), None) => {
            let code = AreaCode::parse(&area).ok();
            let code = code.filter(|code| city.area_no(*code).is_some());
            PlaceFor::Area(code.ok_or_else(|| Problem::not_found(format!("no area {area}")))?)
        }
        (None, Some(site)) if city.site_no(&site).is_some() => PlaceFor::Site(site),
        (None, Some(site)) => return Err(Problem::not_found(format!("no site {site}"))),
        (Some(_), Some(_)) | (None, None) => {
            return Err(Problem::bad_request("give area or site, one of them"));
        }
    };
    let by = spoken.by.trim();
    if by.is_empty() || by.chars().count() > BY_MAX {
        let why = format!("by: who said it, 1 to {BY_MAX} characters");
        return Err(Problem::bad_request(why));
    }
    let said = match &spoken.said {
        None => app.clock.now(),
        Some(text) => {
            let read = Time::parse(text);
            read.map_err(|e| Problem::bad_request(format!("said: {e}")))?
                .0
        }
    };
    let standing = app.view.standing();
    if !standing.iter().any(|known| known.id == warning) {
        return Err(Problem::not_found(format!(
            "no warning {warning} is in force or proposed; see /v1/warnings"
        )));
    }
    let order = Order::AnswerFor {
        warning,
        place,
        by: by.to_owned(),
        answer: spoken.answer,
        note: spoken.note.trim().chars().take(NOTE_MAX).collect(),
        person: person.id.clone(),
        said,
    };
    app.order(app.zone_of(warning)?, order).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `GET /v1/answering`: how fast places answer, by township, for people of the installation.
pub(crate) async fn answering(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
) -> Result<Json<Value>, Problem> {
    known(&app, &headers)?;
    let answering = app.answering();
    let city = &app.installation.city;
    let now = app.view.now();
    let at = (now, city.offset_at(now));
    let townships = answering.townships.iter().map(|(code, figures)| {
        let area = city.area_no(*code).and_then(|no| city.area(no));
        json!({
            "area": code,
            "name": area.map(|area| area.name.zh.as_str()),
            "name_en": area.map(|area| area.name.get(Language::En)),
            "figures": figures,
        })
    });
    Ok(Json(json!({
        "time": app.view.text(now),
        "city": answering.city,
        "townships": townships.collect::<Vec<_>>(),
        "text": {
            "zh": answering.text(city, at, Language::Zh),
            "en": answering.text(city, at, Language::En),
        },
    })))
}
