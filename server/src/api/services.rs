//! Weather processes with what is due before them, their products, and the evening product.

mod item;

use super::responses::Act;
use super::warnings::reason;
use super::{Problem, known, permit};
use crate::app::App;
use crate::evening::{self, Draft};
use crate::people::Scope;
use axum::Json;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use item::evening_item;
pub(super) use item::{filed_item, process_item, slot_item};
use model::service::ServiceAct;
use model::{AreaCode, Hazard, Language, Named, Order, Time};
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;

/// Longest text of a product, bytes.
const TEXT_MAX: usize = 64 << 10;
/// Longest number or address of a product, bytes, and the longest reason.
const REFERENCE_MAX: usize = 2_000;
/// Longest id of a process, a slot or a day, bytes.
const ID_MAX: usize = 200;

/// `GET /v1/services`: the ladders of the city, and processes with their slots and clocks, the newest
/// first.
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
) -> Result<Json<Value>, Problem> {
    known(&app, &headers)?;
    let services = &app.installation.city.services;
    let ladders = services.ladders.iter().map(|ladder| {
        let mut all = services.services.iter();
        let service = all.find(|service| service.id == ladder.service);
        json!({
            "id": ladder.id,
            "name": ladder.name,
            "service": ladder.service,
            "service_name": service.map(|service| &service.name),
            "hazards": ladder.hazards,
            "source": ladder.source,
        })
    });
    let ladders: Vec<Value> = ladders.collect();
    let (city, now) = (&app.installation.city, app.clock.now());
    let text = |time| app.view.text(time);
    let processes = app.view.responded(|responded| {
        let mut all: Vec<_> = responded.board.processes.values().collect();
        all.sort_by_key(|process| (process.known, &process.id));
        let newest = all.into_iter().rev();
        let items = newest.map(|process| process_item(process, city, Some(now), &text));
        items.collect::<Vec<Value>>()
    });
    Ok(Json(json!({ "ladders": ladders, "processes": processes })))
}

/// What becomes of a process.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Doing {
    Open,
    Move,
    End,
}

/// A process is opened, moved or ended.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Change {
    act: Doing,
    #[serde(default)]
    process: Option<String>,
    #[serde(default)]
    hazard: Option<Hazard>,
    #[serde(default)]
    areas: Vec<AreaCode>,
    #[serde(default)]
    onset: Option<String>,
    #[serde(default)]
    end: Option<String>,
    reason: String,
}

impl Change {
    fn which(process: Option<String>) -> Result<String, Problem> {
        process.ok_or_else(|| Problem::bad_request("process: say which; see /v1/services"))
    }
}

impl Act for Change {
    const SCOPE: Scope = Scope::Respond;

    fn order(self, app: &App, person: String) -> Result<Order, Problem> {
        let onset = time(self.onset.as_deref(), "onset")?;
        let end = time(self.end.as_deref(), "end")?;
        for code in &self.areas {
            if app.installation.city.area_no(*code).is_none() {
                return Err(Problem::bad_request(format!(
                    "areas: {code} is not an area of this city; see /v1/areas"
                )));
            }
        }
        let reason = short(reason(self.reason)?, "reason", REFERENCE_MAX)?;
        let process = self.process.map(|id| short(id, "process", ID_MAX));
        let process = process.transpose()?;
        Ok(Order::Service(match self.act {
            Doing::Open => ServiceAct::Open {
                process,
                hazard: self.hazard,
                areas: self.areas,
                onset,
                end,
                person,
                reason,
            },
            Doing::Move => ServiceAct::Move {
                process: Self::which(process)?,
                areas: self.areas,
                onset,
                end,
                person,
                reason,
            },
            Doing::End => ServiceAct::End {
                process: Self::which(process)?,
                person,
                reason,
            },
        }))
    }
}

fn time(text: Option<&str>, field: &str) -> Result<Option<Time>, Problem> {
    let time = text.map(Time::parse).transpose();
    let time = time.map_err(|error| Problem::bad_request(format!("{field}: {error}")))?;
    Ok(time.map(|(time, _)| time))
}

/// A product that went out.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Filed {
    process: String,
    slot: String,
    #[serde(default)]
    round: Option<u32>,
    #[serde(default)]
    text: String,
    #[serde(default)]
    reference: String,
}

impl Act for Filed {
    const SCOPE: Scope = Scope::Answer;

    fn order(self, _: &App, person: String) -> Result<Order, Problem> {
        if self.text.trim().is_empty() && self.reference.trim().is_empty() {
            let what = "text: say what went out, or where it is found as `reference`";
            return Err(Problem::bad_request(what));
        }
        Ok(Order::Service(ServiceAct::Product {
            process: short(self.process, "process", ID_MAX)?,
            slot: short(self.slot, "slot", ID_MAX)?,
            round: self.round,
            person,
            text: short(self.text, "text", TEXT_MAX)?,
            reference: short(self.reference, "reference", REFERENCE_MAX)?,
        }))
    }
}

fn short(text: String, field: &str, most: usize) -> Result<String, Problem> {
    if text.len() > most {
        return Err(Problem::bad_request(format!(
            "{field}: it has {} bytes; {most} at most: shorten it",
            text.len()
        )));
    }
    Ok(text)
}

/// How the evening product is wanted.
#[derive(Deserialize)]
pub(crate) struct Form {
    #[serde(default)]
    format: Option<String>,
    #[serde(default)]
    lang: Option<String>,
}

/// `GET /v1/evening`: what tonight is, what must be finished before dark and who can be reached, as
/// JSON or, with `format=text`, as it would be printed; once filed, as it was filed.
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
    let draft = draft(&app)?;
    let offset = app.installation.city.offset_at(app.clock.now());
    match form.format.as_deref() {
        None | Some("json") => {
            let text = |time| app.view.text(time);
            Ok(Json(evening_item(&draft, &app.installation.city, &text)).into_response())
        }
        Some("text") => {
            let filed = draft.filed.as_ref().filter(|filed| !filed.by.is_empty());
            let filed = filed.map(|filed| filed.text.clone());
            let words = filed.unwrap_or_else(|| Named {
                zh: draft.text(&app.installation.city, offset, Language::Zh),
                en: draft.text(&app.installation.city, offset, Language::En),
            });
            let kind = [(header::CONTENT_TYPE, "text/plain; charset=utf-8")];
            Ok((StatusCode::OK, kind, words.get(language).to_owned()).into_response())
        }
        Some(_) => Err(Problem::bad_request("format: write json or text")),
    }
}

fn draft(app: &App) -> Result<Draft, Problem> {
    let draft = evening::draft(app, app.clock.now());
    let remedy =
        "this city has no evening product: add [evening] to services.toml of the city directory";
    draft.ok_or_else(|| Problem::not_found(remedy))
}

/// The evening product, filed by a person: with these words, or as it is drafted.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Evening {
    day: String,
    #[serde(default)]
    text: Option<Named>,
}

/// `POST /v1/evening`: 200 once it is filed, 409 where it was, or where none is open for that day.
pub(crate) async fn file_evening(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    Json(body): Json<Evening>,
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
        None => {
            let city = &app.installation.city;
            let offset = city.offset_at(app.clock.now());
            Named {
                zh: draft.text(city, offset, Language::Zh),
                en: draft.text(city, offset, Language::En),
            }
        }
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
