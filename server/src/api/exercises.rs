//! Exercises: what is planned and plays, the plan that begins one, its early end.

use super::warnings::known_areas;
use super::{Problem, known, permit};
use crate::app::App;
use crate::exercises::{Exercises, Kept, Plan};
use crate::people::Scope;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use dispatch::exercise::Gate;
use model::order::Answer;
use model::{AreaCode, Channel, Hazard, Span, Tier, Time};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;

/// `GET /v1/exercises`: white lists by their names, exercises with their times, and what the gates kept
/// back since the start, for people of the installation.
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
) -> Result<Json<Value>, Problem> {
    known(&app, &headers)?;
    let Some(exercises) = &app.exercises else {
        return Ok(Json(
            json!({ "groups": [], "exercises": [], "withheld": [] }),
        ));
    };
    let groups = exercises.groups().iter();
    let groups =
        groups.map(|of| json!({ "id": of.id, "name": of.name, "people": of.people.len() }));
    let items = exercises.all();
    let items = items.iter().rev().map(|kept| item(&app, kept));
    Ok(Json(json!({
        "groups": groups.collect::<Vec<_>>(),
        "exercises": items.collect::<Vec<_>>(),
        "withheld": withheld(&app, exercises),
    })))
}

/// What the gates kept back, in both worlds: in the real one a message of an exercise has no business.
fn withheld(app: &App, exercises: &Exercises) -> Vec<Value> {
    let worlds = [exercises.world.as_ref(), app];
    let mut rows = Vec::new();
    for world in worlds {
        for gate in [Gate::Plan, Gate::Gateway] {
            for channel in Channel::ALL {
                let labels = [gate.name(), channel.name()];
                let count = world.metrics.withheld.with_label_values(&labels).get();
                if count > 0 {
                    rows.push(json!({
                        "world": world.mode.name(),
                        "gate": gate.name(),
                        "channel": channel.name(),
                        "count": count,
                    }));
                }
            }
        }
    }
    rows
}

fn item(app: &App, kept: &Kept) -> Value {
    let text = |time: Time| app.view.text(time);
    json!({
        "id": kept.id,
        "name": kept.name,
        "state": kept.state(),
        "hazard": kept.hazard,
        "areas": kept.areas,
        "group": kept.group,
        "people": kept.people.len(),
        "starts": text(kept.starts),
        "ends": text(kept.ends),
        "person": kept.person,
        "begun": kept.begun.map(text),
        "over": kept.over.map(|(at, _)| text(at)),
        "why": kept.over.map(|(_, end)| end.name()),
        "failed": kept.failed,
        "expect": kept.expect,
    })
}

pub(super) fn exercises(app: &App) -> Result<&Exercises, Problem> {
    app.exercises.as_ref().ok_or_else(|| {
        Problem::conflict(
            "no exercises here: add [exercise] with its white lists to the configuration of the real \
             desk, and begin it there",
        )
    })
}

/// A plan.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Begin {
    name: String,
    hazard: Hazard,
    areas: BTreeMap<AreaCode, Tier>,
    group: String,
    /// Now where it is not given.
    starts: Option<String>,
    ends: Option<String>,
    /// In place of `ends`: so long after its start.
    minutes: Option<u32>,
    /// The answer asked for, where another one is wrong.
    expect: Option<Answer>,
}

/// `POST /v1/exercises`: 201 with the exercise once its plan is stored.
pub(crate) async fn begin(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    Json(body): Json<Begin>,
) -> Result<(StatusCode, Json<Value>), Problem> {
    let person = permit(&app, &headers, Scope::Issue)?.id.clone();
    let exercises = exercises(&app)?;
    known_areas(&app, body.areas.keys())?;
    let time = |field: &str, text: &Option<String>| {
        let read = text.as_deref().map(Time::parse).transpose();
        let read = read.map_err(|e| Problem::bad_request(format!("{field}: {e}")))?;
        Ok::<_, Problem>(read.map(|(time, _)| time))
    };
    let starts = time("starts", &body.starts)?;
    let starts = starts.unwrap_or_else(|| app.clock.now());
    let ends = match (time("ends", &body.ends)?, body.minutes) {
        (Some(ends), None) => ends,
        (None, Some(minutes)) => starts + Span::from_minutes(i64::from(minutes)),
        (Some(_), Some(_)) | (None, None) => {
            return Err(Problem::bad_request("give ends or minutes, one of them"));
        }
    };
    let plan = Plan {
        name: body.name.trim().to_owned(),
        hazard: body.hazard,
        areas: body.areas,
        group: body.group,
        starts,
        ends,
        expect: body.expect,
    };
    let kept = exercises.plan(&app, plan, &person).await?;
    Ok((StatusCode::CREATED, Json(item(&app, &kept))))
}

/// `POST /v1/exercises/{id}/end`: before its time; whoever was told hears of it.
pub(crate) async fn end(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    let person = permit(&app, &headers, Scope::Issue)?.id.clone();
    exercises(&app)?.end(&id, &person).await?;
    Ok(StatusCode::NO_CONTENT)
}
