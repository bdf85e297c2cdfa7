//! Warnings: the queue, the preview before signing, and the acts of people.

use super::responses::remains;
use super::{Problem, known, permit, reader};
use crate::acted::Acted;
use crate::app::App;
use crate::people::Scope;
use crate::view::WarningItem;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use dispatch::plan::Remarks;
use dispatch::wording::Wording;
use model::order::Onset;
use model::warning::Event;
use model::{AreaCode, Hazard, Language, Mode, Order, Span, Tier, Time, WarningId};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use std::sync::Arc;

/// How long ago a stated onset may be, and how far ahead.
const STATED_BACK_MAX: Span = Span::from_minutes(24 * 60);
const STATED_AHEAD_MAX: Span = Span::from_minutes(10 * 24 * 60);

/// `GET /v1/warnings`: all of them for people of the installation, what is in force for everybody.
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
) -> Result<Json<Vec<WarningItem>>, Problem> {
    Ok(Json(match reader(&app, &headers)? {
        Some(_) => app.view.warnings(),
        None => app.view.public_warnings(),
    }))
}

/// `GET /v1/warnings/{id}`: likewise.
pub(crate) async fn one(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Result<Json<WarningItem>, Problem> {
    let item = app.view.warning_item(warning_id(&id)?);
    let item = match reader(&app, &headers)? {
        Some(_) => item,
        None => item.as_ref().and_then(WarningItem::public),
    };
    item.map(Json).ok_or_else(|| unknown(&id))
}

/// `GET /v1/warnings/{id}/preview`: who would be told what; `everybody` where the zone is too busy to
/// say who was told already, so that all are counted.
pub(crate) async fn preview(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Result<Json<serde_json::Value>, Problem> {
    known(&app, &headers)?;
    let warning = app
        .view
        .original(warning_id(&id)?)
        .ok_or_else(|| unknown(&id))?;
    let told = app.told(&warning).await?;
    let (counting, of) = (Arc::clone(&app), warning.clone());
    let work = tokio::task::spawn_blocking(move || counting.preview(told.as_ref(), &of));
    let (mut preview, jobs) = work
        .await
        .map_err(|_| Problem::unavailable("the preview was interrupted; ask again"))?;
    preview["jobs"] = app.read_jobs(&warning, jobs).await.into();
    Ok(Json(preview))
}

/// What a person does to a warning: the body of a request that becomes an order.
pub(crate) trait Act: DeserializeOwned + Send + 'static {
    /// What the person must be allowed.
    const SCOPE: Scope;

    /// The order, after what can be checked without the zone.
    fn order(self, app: &App, warning: WarningId, person: String) -> Result<Order, Problem>;
}

/// `POST /v1/warnings/{id}/{reject,amend,review}`: 204 once the zone has followed it, 409
/// where what was seen is not what stands.
pub(crate) async fn act<A: Act>(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    Path(id): Path<String>,
    Json(body): Json<A>,
) -> Result<StatusCode, Problem> {
    let person = permit(&app, &headers, A::SCOPE)?.id.clone();
    let warning = warning_id(&id)?;
    let order = body.order(&app, warning, person)?;
    app.order(app.zone_of(warning)?, order).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `POST /v1/warnings/{id}/approve`: as [`act`]; 422 where no account at a carrier passes its short
/// message, or where its words are objected to, and the signer did not say that it shall go out so.
pub(crate) async fn approve(
    state: State<Arc<App>>,
    headers: HeaderMap,
    path: Path<String>,
    Json(body): Json<Approval>,
) -> Result<StatusCode, Problem> {
    permit(&state.0, &headers, Approval::SCOPE)?;
    let warning = warning_id(&path.0)?;
    let known = state.0.view.original(warning);
    let findings = known.map_or_else(Remarks::new, |known| state.0.objections(&known));
    let mut body = body;
    body.objected = state.0.worded(findings, body.as_it_stands)?;
    if body.objected && body.reason.trim().is_empty() {
        return Err(Problem::bad_request(
            "reason: say why it goes out as it stands",
        ));
    }
    if !body.without_sms {
        state.0.sendable(warning).await?;
    }
    act(state, headers, path, Json(body)).await
}

/// What was seen and is signed.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Approval {
    revision: u32,
    seen: String,
    #[serde(default)]
    without_sms: bool,
    /// Signed although its words are objected to, for that reason.
    #[serde(default)]
    as_it_stands: bool,
    #[serde(default)]
    reason: String,
    /// Whether they are.
    #[serde(skip)]
    objected: bool,
    /// The world the signer saw it in; nothing where the address says it.
    #[serde(default)]
    mode: Option<Mode>,
}

impl Act for Approval {
    const SCOPE: Scope = Scope::Approve;

    fn order(self, app: &App, warning: WarningId, person: String) -> Result<Order, Problem> {
        // Between a draft and its signature nothing changes worlds.
        if let Some(seen) = self.mode.filter(|seen| *seen != app.mode) {
            return Err(Problem::conflict(format!(
                "it was seen as {}, this is the world of {}: nothing is signed across them",
                seen.name(),
                app.mode.name()
            )));
        }
        Ok(Order::Approve {
            warning,
            revision: self.revision,
            seen: self.seen,
            person,
            as_it_stands: if self.objected {
                self.reason
            } else {
                String::new()
            },
        })
    }
}

/// A rejection.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Rejection {
    revision: u32,
    reason: String,
}

impl Act for Rejection {
    const SCOPE: Scope = Scope::Approve;

    fn order(self, _: &App, warning: WarningId, person: String) -> Result<Order, Problem> {
        Ok(Order::Reject {
            warning,
            revision: self.revision,
            person,
            reason: reason(self.reason)?,
        })
    }
}

/// An amendment.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Amendment {
    revision: u32,
    #[serde(default)]
    areas: BTreeMap<AreaCode, Tier>,
    #[serde(default)]
    text: BTreeMap<String, String>,
    #[serde(default)]
    onset: Option<Stated>,
    reason: String,
    #[serde(default)]
    as_it_stands: bool,
}

impl Act for Amendment {
    const SCOPE: Scope = Scope::Approve;

    fn order(self, app: &App, warning: WarningId, person: String) -> Result<Order, Problem> {
        known_areas(app, self.areas.keys())?;
        let text = own_words(app.mode, self.text)?;
        let known = app.view.original(warning);
        let findings = match known.filter(|known| !text.is_empty() && known.relay.is_none()) {
            // What was written before stands beside it.
            Some(known) => {
                let mut all = known.text.clone();
                all.extend(text.clone());
                app.objections_to(&all, known.areas.keys().chain(self.areas.keys()))
            }
            None => Remarks::new(),
        };
        let as_it_stands = app.worded(findings, self.as_it_stands)?;
        // Areas left out are those that stand: which, the zone knows.
        let warned = Some(&self.areas).filter(|areas| !areas.is_empty());
        let onset = onset(app, self.onset, warned)?;
        Ok(Order::Amend {
            warning,
            revision: self.revision,
            areas: self.areas,
            text,
            onset,
            person,
            reason: reason(self.reason)?,
            as_it_stands,
        })
    }
}

/// A cancellation: wholly, or in some areas.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Cancellation {
    #[serde(default)]
    areas: Vec<AreaCode>,
    reason: String,
}

/// `POST /v1/warnings/{id}/cancel`: 200 with what remains in the warning's zone: no end is another's; and
/// with what is beyond recall.
pub(crate) async fn cancel(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    Path(id): Path<String>,
    Json(body): Json<Cancellation>,
) -> Result<Json<serde_json::Value>, Problem> {
    let person = permit(&app, &headers, Scope::Issue)?.id.clone();
    let warning = warning_id(&id)?;
    known_areas(&app, body.areas.iter())?;
    let zone = app.zone_of(warning)?;
    let revision = app.view.original(warning).map_or(0, |seen| seen.revision);
    let order = Order::Cancel {
        warning,
        areas: body.areas,
        person,
        reason: reason(body.reason)?,
    };
    app.order(zone, order).await?;
    // The city's zone hears of it a moment later: what is over by this act does not remain.
    let now = app.view.original(warning);
    let is_over = now.is_none_or(|now| matches!(now.event, Event::Cancelled | Event::Ended));
    let over = is_over.then(|| warning.to_string());
    let remains = remains(&app, app.zone_code(zone), over.as_slice());
    let recall = app.recalled(warning, revision, is_over).await;
    Ok(Json(
        serde_json::json!({ "remains": remains, "recall": recall }),
    ))
}

/// A second person's look at what one released.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Review {
    revision: u32,
    sound: bool,
    note: String,
}

impl Act for Review {
    const SCOPE: Scope = Scope::Approve;

    fn order(self, _: &App, warning: WarningId, person: String) -> Result<Order, Problem> {
        if !self.sound && self.note.trim().is_empty() {
            return Err(Problem::bad_request(
                "note: say in a few words what was not right",
            ));
        }
        Ok(Order::Review {
            warning,
            revision: self.revision,
            sound: self.sound,
            note: self.note,
            person,
        })
    }
}

/// A warning opened by hand.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Opening {
    hazard: Hazard,
    areas: BTreeMap<AreaCode, Tier>,
    #[serde(default)]
    text: BTreeMap<String, String>,
    #[serde(default)]
    onset: Option<Stated>,
    reason: String,
    #[serde(default)]
    as_it_stands: bool,
}

/// `POST /v1/warnings`: one act; areas in several zones go to each zone's input, and the body says
/// what became of it in each.
pub(crate) async fn issue(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    Json(body): Json<Opening>,
) -> Result<Acted, Problem> {
    let person = permit(&app, &headers, Scope::Issue)?.id.clone();
    // A missing or empty area never means everybody.
    if body.areas.is_empty() {
        return Err(Problem::bad_request(
            "areas: name at least one area with its tier; an empty set warns nobody",
        ));
    }
    known_areas(&app, body.areas.keys())?;
    let reason = reason(body.reason)?;
    let text = own_words(app.mode, body.text)?;
    let findings = app.objections_to(&text, body.areas.keys());
    let as_it_stands = app.worded(findings, body.as_it_stands)?;
    let onset = onset(&app, body.onset, Some(&body.areas))?;
    let orders = app.by_zone(&body.areas).into_iter().map(|(zone, areas)| {
        let order = Order::Issue {
            hazard: body.hazard,
            onset: onset.as_ref().and_then(|onset| onset.within(&areas)),
            areas,
            text: text.clone(),
            person: person.clone(),
            reason: reason.clone(),
            as_it_stands,
        };
        (zone, order)
    });
    app.orders(orders.collect()).await
}

/// When it comes, as a forecaster writes it: one hour, or one by area.
#[derive(Deserialize)]
#[serde(untagged)]
enum Stated {
    Everywhere(String),
    ByArea(BTreeMap<AreaCode, String>),
}

/// What a forecaster states, where it can be meant: longer ago or further ahead is a slip of the date.
fn onset(
    app: &App,
    stated: Option<Stated>,
    warned: Option<&BTreeMap<AreaCode, Tier>>,
) -> Result<Option<Onset>, Problem> {
    let now = app.clock.now();
    let hour = |text: &str| {
        let parsed = Time::parse(text).map_err(|e| Problem::bad_request(format!("onset: {e}")));
        let (time, _) = parsed?;
        if time < now - STATED_BACK_MAX {
            return Err(Problem::bad_request(format!(
                "onset: {text} is more than a day ago; leave it out where the hazard is there"
            )));
        }
        if time > now + STATED_AHEAD_MAX {
            return Err(Problem::bad_request(format!(
                "onset: {text} is more than ten days ahead; nothing is warned of so early"
            )));
        }
        Ok(time)
    };
    let onset = match stated {
        None => return Ok(None),
        Some(Stated::Everywhere(text)) => Onset::Everywhere(hour(&text)?),
        Some(Stated::ByArea(times)) => {
            let is_warned = |code: &AreaCode| {
                warned.is_none_or(|areas| areas.get(code).is_some_and(|t| *t > Tier::None))
            };
            if let Some(code) = times.keys().find(|code| !is_warned(code)) {
                return Err(Problem::bad_request(format!(
                    "onset: {code} is not among the areas that are warned"
                )));
            }
            let times = times.iter().map(|(code, text)| Ok((*code, hour(text)?)));
            Onset::ByArea(times.collect::<Result<_, Problem>>()?)
        }
    };
    Ok(Some(onset))
}

/// A subject's tier is confirmed or ended.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct OfSubject {
    rule: String,
    subject: String,
    #[serde(default)]
    reason: String,
}

/// `POST /v1/orders/confirm`: a rise that rests on suspect values is real.
pub(crate) async fn confirm(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    Json(body): Json<OfSubject>,
) -> Result<StatusCode, Problem> {
    let person = permit(&app, &headers, Scope::Approve)?.id.clone();
    let zone = app.zone_of_subject(&body.subject)?;
    let order = Order::Confirm {
        rule: body.rule,
        subject: body.subject,
        person,
    };
    app.order(zone, order).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `POST /v1/orders/stand`: ends the tier of a subject whose data fell silent.
pub(crate) async fn stand(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    Json(body): Json<OfSubject>,
) -> Result<StatusCode, Problem> {
    let person = permit(&app, &headers, Scope::Approve)?.id.clone();
    let zone = app.zone_of_subject(&body.subject)?;
    let order = Order::Stand {
        rule: body.rule,
        subject: body.subject,
        person,
        reason: reason(body.reason)?,
    };
    app.order(zone, order).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn warning_id(text: &str) -> Result<WarningId, Problem> {
    WarningId::parse(text).ok_or_else(|| {
        Problem::bad_request(format!("{text:?} is not a warning: 24 hexadecimal digits"))
    })
}

fn unknown(id: &str) -> Problem {
    Problem::not_found(format!("no warning {id}; see /v1/warnings"))
}

/// A reason that says something.
/// What a person wrote, in languages that there are. Words that carry the mark of an exercise
/// never go out in earnest, whoever signs them.
fn own_words(
    mode: Mode,
    text: BTreeMap<String, String>,
) -> Result<BTreeMap<String, String>, Problem> {
    for (tag, words) in &text {
        if !Language::ALL.iter().any(|language| language.tag() == tag) {
            let known = Language::ALL.map(Language::tag).join(", ");
            return Err(Problem::bad_request(format!(
                "text: {tag:?} is none of the languages {known}"
            )));
        }
        if let Some(finding) = Wording::forbidden(words, mode) {
            return Err(Problem::bad_request(format!("text.{tag}: {finding}")));
        }
    }
    Ok(text)
}

pub(super) fn reason(text: String) -> Result<String, Problem> {
    if text.trim().is_empty() {
        return Err(Problem::bad_request("reason: say why in a few words"));
    }
    Ok(text)
}

pub(super) fn known_areas<'a>(
    app: &App,
    mut areas: impl Iterator<Item = &'a AreaCode>,
) -> Result<(), Problem> {
    match areas.find(|code| app.installation.city.area_no(**code).is_none()) {
        None => Ok(()),
        Some(code) => Err(Problem::bad_request(format!(
            "areas: {code} is not an area of this city; see /v1/areas"
        ))),
    }
}
