//! Web Push for residents: the key that browsers subscribe with, subscriptions left and taken back;
//! and for operators the push tokens that their services will never take again.

use super::{Problem, permit};
use crate::app::App;
use crate::edge::Client;
use crate::people::Scope;
use crate::subscriptions::{AREAS_MAX, Refused, Subscriptions};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use dispatch::directory::{Recipient, address_of};
use dispatch::gateway::web_push::Subscription;
use model::{AreaCode, Language};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Largest body: an address, two keys and some codes.
pub(crate) const BODY_MAX: usize = 8 << 10;

/// What a page needs to subscribe.
#[derive(Serialize)]
pub(crate) struct Key {
    /// base64url, for `applicationServerKey`.
    key: String,
    /// Languages that may be asked for.
    languages: Vec<&'static str>,
}

/// A subscription as the browser gives it, and what it is for.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Left {
    subscription: serde_json::Value,
    areas: Vec<AreaCode>,
    #[serde(default)]
    language: Language,
}

/// The address of one that is taken back.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TakenBack {
    endpoint: String,
}

/// A token that its service will never take again.
#[derive(Serialize)]
struct RetiredItem {
    link: String,
    /// Id of the responsible person; none of a resident.
    contact: Option<String>,
    name: Option<String>,
    /// Number that stands for the recipient in ledgers.
    recipient: u32,
    since: String,
    /// True where another token is known since.
    replaced: bool,
}

fn subscriptions(app: &App) -> Result<&Subscriptions, Problem> {
    app.subscriptions.as_ref().ok_or_else(|| {
        Problem::not_found("this installation has no Web Push: see [push.web] in docs/push.md")
    })
}

/// `GET /v1/push/key`.
pub(crate) async fn key(State(app): State<Arc<App>>) -> Result<Json<Key>, Problem> {
    let key = subscriptions(&app)?.public_key().to_owned();
    let languages = Language::ALL.into_iter().map(Language::tag).collect();
    Ok(Json(Key { key, languages }))
}

/// `POST /v1/push/subscriptions`: 201 once it is kept. Which areas those are is the browser's to
/// find out: no place is sent here.
pub(crate) async fn leave(
    State(app): State<Arc<App>>,
    client: Option<Extension<Client>>,
    Json(left): Json<Left>,
) -> Result<Response, Problem> {
    subscriptions(&app)?;
    let subscription = Subscription::parse(&left.subscription.to_string())
        .map_err(|error| Problem::bad_request(format!("subscription: {error}")))?;
    if left.areas.is_empty() || left.areas.len() > AREAS_MAX {
        return Err(Problem::bad_request(format!(
            "areas: name one to {AREAS_MAX} areas"
        )));
    }
    let city = &app.installation.city;
    if let Some(unknown) = left
        .areas
        .iter()
        .find(|code| city.area_no(**code).is_none())
    {
        return Err(Problem::bad_request(format!("areas: no area {unknown}")));
    }
    let asked = (
        client.and_then(|Extension(Client(address))| address),
        app.clock.now(),
    );
    let (kept, areas) = (Arc::clone(&app), left.areas.clone());
    let kept = tokio::task::spawn_blocking(move || {
        let all = subscriptions(&kept)?;
        all.put(&subscription, left.areas, left.language, asked)
            .map_err(|refused| refusal(&kept, &refused))
    });
    let kept = kept
        .await
        .map_err(|_| Problem::unavailable("the subscription was not kept; try again"))??;
    app.watches(kept.recipient, &kept.before, &areas).await?;
    Ok(StatusCode::CREATED.into_response())
}

fn refusal(app: &App, refused: &Refused) -> Problem {
    let why = match refused {
        Refused::Service => return Problem::bad_request(format!("subscription: {refused}")),
        Refused::Full(_) => "subscriptions",
        Refused::TooOften => "subscriptions_rate",
        Refused::Disk(error) => {
            tracing::error!(%error, "subscription not kept");
            return Problem::unavailable("the subscription was not kept; try again later");
        }
    };
    app.metrics.refused.with_label_values(&[why]).inc();
    Problem::unavailable(refused.to_string())
}

/// `DELETE /v1/push/subscriptions`: who knows the address may. 204 also where there is none.
pub(crate) async fn take_back(
    State(app): State<Arc<App>>,
    Json(taken): Json<TakenBack>,
) -> Result<StatusCode, Problem> {
    subscriptions(&app)?;
    let done = tokio::task::spawn_blocking(move || {
        subscriptions(&app).map(|all| all.take_back(&taken.endpoint))
    });
    done.await
        .map_err(|_| Problem::unavailable("the subscription was not deleted; try again"))??;
    Ok(StatusCode::NO_CONTENT)
}

/// `GET /v1/push/retired`: of the links that this process serves.
pub(crate) async fn retired(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    permit(&app, &headers, Scope::Read)?;
    let directory = app.directory();
    let retired = app.retired.lock().clone();
    let mut items = Vec::new();
    for (link, list) in retired {
        let name = app
            .links
            .get(usize::from(link.0))
            .cloned()
            .unwrap_or_default();
        for (recipient, retired) in list {
            let known = directory.recipient(recipient);
            let token = known.as_ref().and_then(|person| person.push());
            let contact = match &known {
                Some(Recipient::Contact(contact)) => Some(contact),
                Some(Recipient::Device(_) | Recipient::Subscriber(_)) | None => None,
            };
            items.push(RetiredItem {
                link: name.clone(),
                contact: contact.map(|contact| contact.id.clone()),
                name: contact.map(|contact| contact.name.clone()),
                recipient: recipient.0,
                since: app.view.text(retired.at),
                replaced: token.is_some_and(|token| !retired.is(address_of(token))),
            });
        }
    }
    Ok(Json(items).into_response())
}
