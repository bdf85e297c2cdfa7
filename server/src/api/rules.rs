//! Rules in force, and their silences: a duty officer mutes one that cries wolf.

use super::warnings::{known_areas, reason};
use super::{Problem, known, permit};
use crate::acted::Acted;
use crate::app::App;
use crate::people::Scope;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use model::{AreaCode, AreaLevel, Order, Time, Zone};
use rules::Rule;
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;

/// `GET /v1/rules`: each rule in force, with where it is silenced, for people of the installation.
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
) -> Result<Json<Vec<Value>>, Problem> {
    known(&app, &headers)?;
    let rulebook = app.reload.rulebook();
    let mutes = app.view.mutes();
    let items = rulebook.rules.iter().map(|rule| {
        let of_rule = mutes.iter().filter(|(_, mute)| mute.rule == rule.id);
        let muted = of_rule.map(|(zone, mute)| {
            json!({
                "zone": zone,
                "area": mute.area,
                "since": app.view.text(mute.since),
                "until": app.view.text(mute.until),
                "person": mute.person,
                "reason": mute.reason,
            })
        });
        json!({
            "id": rule.id,
            "hazard": rule.hazard,
            "name": rule.name,
            "version": rule.version,
            "level": rule.level,
            // How sure each key is, under `rule` what has no source of its own.
            "sources": rule.sources,
            "tiers": rule.tiers.iter().map(|tier| tier.tier).collect::<Vec<_>>(),
            // These go on hearing its situation while it is silenced.
            "heard_by": rulebook.hearing(&rule.id),
            "muted": muted.collect::<Vec<_>>(),
        })
    });
    Ok(Json(items.collect()))
}

/// A silence.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Silencing {
    /// Districts and townships, or the city's own code for everywhere; an empty list is nowhere.
    areas: Vec<AreaCode>,
    until: String,
    reason: String,
}

/// `POST /v1/rules/{id}/mute`: what the rule finds is shown, and nobody is told, until the time given;
/// the body says what became of it in each zone.
pub(crate) async fn mute(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    Path(id): Path<String>,
    Json(body): Json<Silencing>,
) -> Result<Acted, Problem> {
    let person = permit(&app, &headers, Scope::Approve)?.id.clone();
    let rulebook = app.reload.rulebook();
    let (_, rule) = rulebook.rule(&id).ok_or_else(|| unknown(&id))?;
    let reason = reason(body.reason)?;
    let until = until(&app, &body.until)?;
    let areas = areas_of(&app, rule, body.areas)?;
    let orders = by_zone(&app, rule, &areas)
        .into_iter()
        .map(|(zone, areas)| {
            let order = Order::Mute {
                rule: id.clone(),
                areas,
                until,
                person: person.clone(),
                reason: reason.clone(),
            };
            (zone, order)
        });
    app.orders(orders.collect()).await
}

/// An end of a silence.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Lifting {
    /// As the silence names them; none means wherever the rule is silenced.
    #[serde(default)]
    areas: Vec<AreaCode>,
    #[serde(default)]
    reason: String,
}

/// `POST /v1/rules/{id}/unmute`: the rule speaks again, and what it finds now is told at once.
pub(crate) async fn unmute(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    Path(id): Path<String>,
    Json(body): Json<Lifting>,
) -> Result<Acted, Problem> {
    let person = permit(&app, &headers, Scope::Approve)?.id.clone();
    if app.reload.rulebook().rule(&id).is_none() {
        return Err(unknown(&id));
    }
    known_areas(&app, body.areas.iter())?;
    let city = &app.installation.city;
    let zones = app.view.muted_zones(&id, &body.areas);
    let orders = zones.into_iter().filter_map(|zone| {
        let zone = city.zone_of(city.area_no(zone)?);
        let here =
            |code: &AreaCode| city.area_no(*code).map(|area| city.zone_of(area)) == Some(zone);
        let order = Order::Unmute {
            rule: id.clone(),
            areas: body.areas.iter().copied().filter(here).collect(),
            person: person.clone(),
            reason: body.reason.clone(),
        };
        Some((zone, order))
    });
    let orders: Vec<_> = orders.collect();
    if orders.is_empty() {
        return Err(Problem::conflict(format!(
            "rule {id:?} is not silenced there; see /v1/rules"
        )));
    }
    app.orders(orders).await
}

fn unknown(id: &str) -> Problem {
    Problem::not_found(format!("no rule {id:?} is in force; see /v1/rules"))
}

/// A time to come, no later than the city allows.
fn until(app: &App, text: &str) -> Result<Time, Problem> {
    let (until, _) =
        Time::parse(text).map_err(|error| Problem::bad_request(format!("until: {error}")))?;
    let now = app.clock.now();
    let max = app.installation.city.policy.muting.max;
    if until <= now {
        let now = app.view.text(now);
        return Err(Problem::bad_request(format!(
            "until: it is {now} already; name a time to come"
        )));
    }
    if until.since(now) > max {
        let last = app.view.text(now + max);
        return Err(Problem::bad_request(format!(
            "until: a rule may be silenced for {max} at most, until {last}"
        )));
    }
    Ok(until)
}

/// Areas of the city that the rule warns, or that hold such; none of them stands for the whole city, which
/// a person has to name: a filter that matched nothing must not silence everything.
fn areas_of(app: &App, rule: &Rule, areas: Vec<AreaCode>) -> Result<Vec<AreaCode>, Problem> {
    known_areas(app, areas.iter())?;
    let city = &app.installation.city;
    if areas.is_empty() {
        return Err(Problem::bad_request(format!(
            "areas: there is none; name districts or townships, or {} for the whole city",
            city.code
        )));
    }
    if areas == [city.code] {
        return Ok(Vec::new());
    }
    for code in &areas {
        let level = city.area_no(*code).and_then(|area| city.area(area));
        let level = level.map_or(AreaLevel::City, |area| area.level);
        if !matches!(level, AreaLevel::District | AreaLevel::Township) {
            return Err(Problem::bad_request(format!(
                "areas: {code} is neither a district nor a township; name the city alone for everywhere"
            )));
        }
        if level > rule.level {
            return Err(Problem::bad_request(format!(
                "areas: rule {:?} warns larger areas than {code}; name one that it warns",
                rule.id
            )));
        }
    }
    Ok(areas)
}

/// The zones that a silence concerns, each with its own areas; none means all of the zone.
fn by_zone(app: &App, rule: &Rule, areas: &[AreaCode]) -> Vec<(Zone, Vec<AreaCode>)> {
    let city = &app.installation.city;
    let zone_of = |code: &AreaCode| city.area_no(*code).map(|area| city.zone_of(area));
    let zones = (0u16..).zip(&city.zones).map(|(number, _)| Zone(number));
    let part = |zone: Zone| {
        let here = areas.iter().filter(|code| zone_of(code) == Some(zone));
        let here: Vec<AreaCode> = here.copied().collect();
        let numbered = (0u16..).map(model::AreaNo).zip(&city.areas);
        let mut warned =
            numbered.filter(|(no, area)| area.level == rule.level && city.zone_of(*no) == zone);
        let concerns = !here.is_empty() || (areas.is_empty() && warned.next().is_some());
        concerns.then_some((zone, here))
    };
    zones.filter_map(part).collect()
}
