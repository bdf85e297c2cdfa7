//! The evening product: as it is drafted now, as that of a day before was filed, and its filing.

use super::super::{Problem, known, permit};
use super::item::{evening_item, past_item};
use super::{ID_MAX, TEXT_MAX, short};
use crate::app::App;
use crate::evening::{self, Draft};
use crate::people::Scope;
use axum::Json;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use model::service::{Evening, EveningState, ServiceAct};
use model::{Language, Named, Order};
use rules::service::Night;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;

/// How the evening product is wanted.
#[derive(Deserialize)]
pub(crate) struct Form {
    #[serde(default)]
    day: Option<String>,
    #[serde(default)]
    format: Option<String>,
    #[serde(default)]
    lang: Option<String>,
}

/// `GET /v1/evening`: what tonight is, what must be finished before dark and who can be reached, as
/// JSON or, with `format=text`, as it would be printed; once filed, as it was filed. With `day`, that
/// of a day before.
pub(crate) async fn evening(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    Query(form): Query<Form>,
) -> Result<Response, Problem> {
    known(&app, &headers)?;
    let language = match form.lang.as_deref() {
        None | Some("zh") => Language::Zh,
        Some("en") => Language::En,
        Some(_) => return Err(Problem::bad_request("lang: write zh or en")),
    };
    let is_text = match form.format.as_deref() {
        None | Some("json") => false,
        Some("text") => true,
        Some(_) => return Err(Problem::bad_request("format: write json or text")),
    };
    let draft = draft(&app)?;
    let running = draft.tonight.night.day.as_str();
    let text = |time| app.view.text(time);
    let kept = app.view.responded(|r| r.board.evenings.clone());
    if let Some(day) = form.day.as_deref().filter(|day| *day != running) {
        let past = kept.get(day).ok_or_else(|| unknown(day, running, &kept))?;
        return match (is_text, past.by.is_empty()) {
            (true, false) => Ok(printed(past.text.get(language))),
            (true, true) => Err(Problem::not_found(format!(
                "nothing was filed on {day}: it was {}",
                state_words(past.state)
            ))),
            (false, _) => {
                let (city, times) = times(&app)?;
                let night = Night::after(city, times, past.due);
                Ok(Json(past_item(&night, past, &kept, &text)).into_response())
            }
        };
    }
    if is_text {
        let filed = draft.filed.as_ref().filter(|filed| !filed.by.is_empty());
        let words = filed.map(|filed| filed.text.clone());
        let words = words.unwrap_or_else(|| drafted(&app, &draft));
        return Ok(printed(words.get(language)));
    }
    let installation = &app.installation;
    let worded = (&*installation.city, installation.wording.roles());
    Ok(Json(evening_item(&draft, worded, &kept, &text)).into_response())
}

fn printed(words: &str) -> Response {
    let kind = [(header::CONTENT_TYPE, "text/plain; charset=utf-8")];
    (StatusCode::OK, kind, words.to_owned()).into_response()
}

fn unknown(day: &str, running: &str, kept: &BTreeMap<String, Evening>) -> Problem {
    let mut known: Vec<&str> = kept.keys().map(String::as_str).collect();
    if !known.contains(&running) {
        known.push(running);
    }
    Problem::not_found(format!(
        "day: no evening product of {day:?} is kept; write one of {}",
        known.join(", ")
    ))
}

const fn state_words(state: EveningState) -> &'static str {
    match state {
        EveningState::Drafted => "drafted",
        EveningState::Missed => "missed",
        EveningState::NotAsked => "not asked for, the risk was gone before it was due",
        EveningState::Filed | EveningState::Late => "filed",
    }
}

/// The city and the times of its evenings.
fn times(app: &App) -> Result<(&model::City, &model::service::EveningTimes), Problem> {
    let city = &app.installation.city;
    let times = city.services.evening.as_ref().ok_or_else(none)?;
    Ok((city, times))
}

fn none() -> Problem {
    Problem::not_found(
        "this city has no evening product: add [evening] to services.toml of the city directory",
    )
}

fn draft(app: &App) -> Result<Draft, Problem> {
    evening::draft(app, app.clock.now()).ok_or_else(none)
}

fn drafted(app: &App, draft: &Draft) -> Named {
    let installation = &app.installation;
    let worded = (&*installation.city, installation.wording.roles());
    let offset = installation.city.offset_at(app.clock.now());
    Named {
        zh: draft.text(worded, offset, Language::Zh),
        en: draft.text(worded, offset, Language::En),
    }
}

/// The evening product, filed by a person: with these words, or as it is drafted.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Filing {
    day: String,
    #[serde(default)]
    text: Option<Named>,
}

/// `POST /v1/evening`: 200 once it is filed, 409 where it was, or where none is open for that day.
pub(crate) async fn file_evening(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    Json(body): Json<Filing>,
) -> Result<Json<Value>, Problem> {
    let person = permit(&app, &headers, Scope::Answer)?.id.clone();
    let draft = draft(&app)?;
    let running = &draft.tonight.night.day;
    let day = short(body.day, "day", ID_MAX)?;
    let text = match body.text {
        Some(text) if text.zh.trim().is_empty() => {
            return Err(Problem::bad_request("text: write it in Chinese at least"));
        }
        Some(text) => text,
        None if day != *running => {
            return Err(Problem::bad_request(format!(
                "text: say what went out on {day}: only the evening of {running} is drafted now"
            )));
        }
        None => drafted(&app, &draft),
    };
    let text = Named {
        zh: short(text.zh, "text.zh", TEXT_MAX)?,
        en: short(text.en, "text.en", TEXT_MAX)?,
    };
    let order = Order::Service(ServiceAct::Evening {
        day: day.clone(),
        person,
        text,
    });
    app.order(app.installation.city.city_zone(), order).await?;
    Ok(Json(json!({ "day": day })))
}
