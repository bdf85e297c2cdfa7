//! Call-and-answer, and what was delivered.

use super::{Problem, known, permit};
use crate::app::App;
use crate::people::Scope;
use crate::replies::Reply;
use crate::view::{CallItem, DeliveryItem};
use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use dispatch::directory::Contact;
use dispatch::gateway::notice::service_of;
use model::order::Answer;
use model::{Channel, Order, Time, WarningId};
use serde::Deserialize;
use std::sync::Arc;

/// `GET /v1/calls`: the board, for people of the installation; names are for those who may read them.
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
) -> Result<Json<Vec<CallItem>>, Problem> {
    let person = known(&app, &headers)?;
    let mut items = app.view.calls();
    if !person.scopes.contains(&Scope::Read) {
        items = items.into_iter().map(CallItem::nameless).collect();
    }
    Ok(Json(items))
}

/// `GET /v1/deliveries`: progress by warning, channel and link.
pub(crate) async fn deliveries(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
) -> Result<Json<Vec<DeliveryItem>>, Problem> {
    known(&app, &headers)?;
    Ok(Json(app.view.deliveries()))
}

/// An answer noted by the duty officer: "I phoned X at 03:04, he said Y".
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Noted {
    warning: String,
    contact: String,
    answer: Answer,
    #[serde(default)]
    note: String,
    said: Option<String>,
}

/// `POST /v1/calls/answer`.
pub(crate) async fn answer(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    Json(noted): Json<Noted>,
) -> Result<StatusCode, Problem> {
    let person = permit(&app, &headers, Scope::Answer)?;
    let warning = WarningId::parse(&noted.warning)
        .ok_or_else(|| Problem::bad_request("warning: 24 hexadecimal digits"))?;
    let said = match &noted.said {
        None => app.clock.now(),
        Some(text) => {
            Time::parse(text)
                .map_err(|e| Problem::bad_request(format!("said: {e}")))?
                .0
        }
    };
    let zone = app.zone_of(warning)?;
    let installation = &app.installation;
    let contact = installation.directory.contact(&noted.contact);
    let contact = contact.ok_or_else(|| {
        let id = &noted.contact;
        Problem::not_found(format!("no contact {id}; take the id from contacts.csv"))
    })?;
    let called = app
        .view
        .called(|call| installation.answers_for(contact, call));
    if !called.contains(&warning) {
        return Err(Problem::not_found(format!(
            "{} is not called by this warning; see /v1/calls for whose answer is awaited",
            contact.id
        )));
    }
    let order = Order::Answer {
        warning,
        contact: noted.contact,
        answer: noted.answer,
        note: noted.note,
        channel: None,
        noted_by: person.id.clone(),
        said,
    };
    app.order(zone, order).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What a responsible person says by a tap in their app.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Tapped {
    /// The app's push token: who it is.
    push: String,
    answer: Answer,
    #[serde(default)]
    note: String,
}

/// `POST /v1/calls/tap`: an answer to every call of theirs.
pub(crate) async fn tap(
    State(app): State<Arc<App>>,
    Json(tapped): Json<Tapped>,
) -> Result<StatusCode, Problem> {
    // Contacts without an app have an empty token.
    let is_them = |contact: &&Contact| {
        // An app knows its token without the name of the service that stands before it here.
        let own = service_of(&contact.push).map_or(contact.push.as_str(), |(_, token)| token);
        !tapped.push.is_empty() && (contact.push == tapped.push || own == tapped.push)
    };
    let reply = Reply {
        answer: tapped.answer,
        note: &tapped.note,
        channel: Channel::Push,
        warning: None,
    };
    let orders = app.answers(is_them, &reply);
    if orders.is_empty() {
        return Err(Problem::not_found(
            "no call waits for this app: it may be over, or the token is not registered",
        ));
    }
    app.note(orders).await?;
    Ok(StatusCode::NO_CONTENT)
}
