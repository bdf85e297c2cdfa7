//! Weather processes with what is due before them, their products, and the evening product.

mod evening;
mod item;

use super::responses::Act;
use super::warnings::reason;
use super::{Problem, known};
use crate::app::App;
use crate::people::Scope;
use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
pub(crate) use evening::{evening, file_evening};
pub(super) use item::{filed_item, process_item, slot_item};
use model::service::ServiceAct;
use model::{AreaCode, Hazard, Order, Time};
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
