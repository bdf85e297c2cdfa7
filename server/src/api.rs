//! The HTTP API: `/v1`, the CAP feed, the console, and what operators ask.

mod answer;
mod area_jobs;
mod audit;
mod blindness;
mod calls;
mod cap;
mod console;
mod dead_letters;
mod drawn;
mod exercises;
mod forecasts;
mod gaps;
mod handover;
mod observations;
mod operations;
mod peers;
mod places;
mod problem;
mod responses;
mod rulebooks;
mod rules;
mod score;
mod services;
mod signals;
mod stream;
mod subscribers;
mod subscriptions;
mod warnings;

#[cfg(test)]
pub(crate) use observations::series;
pub(crate) use problem::Problem;

use crate::app::App;
use crate::edge;
use crate::fetched::Desk;
use crate::people::{Person, Scope};
use crate::roles::Role;
use axum::Router;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, header};
use axum::middleware;
use axum::routing::{delete, get, post};
use std::sync::Arc;

/// Largest request body as it comes over the wire, bytes.
pub(crate) const BODY_MAX: usize = 16 << 20;

/// The routes of the process's roles.
pub(crate) fn router(app: Arc<App>) -> Router {
    let operations = Router::new()
        .route("/metrics", get(operations::metrics))
        .route("/healthz", get(operations::health))
        .route("/readyz", get(operations::ready))
        .method_not_allowed_fallback(problem::not_allowed);
    let roles = app.roles;
    let mut open = Router::new();
    if roles.has(Role::Intake) {
        open = open.merge(intake());
    }
    if roles.has(Role::Console) {
        open = open.merge(console());
    }
    if app.relay.is_some() {
        open = open.merge(crate::relay::routes());
    }
    let fetching = app.area_links.iter().filter_map(|(link, carrier)| {
        let name = link.strip_prefix("area/")?.to_owned();
        Some((name, Arc::clone(carrier.target.mailbox()?)))
    });
    let desk = Desk::of(fetching, app.clock.clone());
    if roles.has(Role::Console) || roles.has(Role::Dispatch) {
        open = open.merge(desk.routes().with_state(()));
        open = open.route("/v1/push", get(stream::push));
    }
    open = if roles.has(Role::Console) {
        open.fallback(console::file)
    } else {
        open.fallback(elsewhere)
    };
    let mut router = open
        .method_not_allowed_fallback(problem::not_allowed)
        .layer(DefaultBodyLimit::max(BODY_MAX))
        .layer(middleware::map_response(problem::told))
        .merge(operations)
        .merge(peers::routes());
    if roles.has(Role::Console) {
        // Pages for people: their refusals are pages too.
        let answers = Router::new()
            .route("/answer/{token}", get(answer::show).post(answer::take))
            .layer(DefaultBodyLimit::max(answer::BODY_MAX));
        router = router.merge(answers);
    }
    router
        .layer(middleware::from_fn_with_state(
            Arc::clone(&app),
            edge::attend,
        ))
        .with_state(app)
}

/// What comes in.
fn intake() -> Router<Arc<App>> {
    Router::new()
        .route("/v1/observations", post(observations::take))
        .route("/v1/signals", post(signals::take))
        .route("/v1/bulletins/{source}", post(signals::bulletin))
        .route("/v1/forecasts", post(forecasts::take))
}

/// What people see and do.
fn console() -> Router<Arc<App>> {
    Router::new()
        .route("/v1/observations", get(observations::series))
        .route("/v1/dead-letters", get(dead_letters::list))
        .route("/v1/state", get(places::state))
        .route("/v1/areas", get(places::areas))
        .route("/v1/stations", get(places::stations))
        .route("/v1/sites", get(places::sites))
        .route("/v1/situations", get(places::situations))
        .route("/v1/blindness", get(blindness::list))
        .route("/v1/warnings", get(warnings::list).post(warnings::issue))
        .route("/v1/warnings/{id}", get(warnings::one))
        .route("/v1/warnings/{id}/course", get(audit::course))
        .route("/v1/warnings/{id}/preview", get(warnings::preview))
        .route(
            "/v1/preview",
            post(drawn::preview).layer(DefaultBodyLimit::max(drawn::BODY_MAX)),
        )
        .route("/v1/warnings/{id}/approve", post(warnings::approve))
        .route(
            "/v1/warnings/{id}/reject",
            post(warnings::act::<warnings::Rejection>),
        )
        .route(
            "/v1/warnings/{id}/amend",
            post(warnings::act::<warnings::Amendment>),
        )
        .route("/v1/warnings/{id}/cancel", post(warnings::cancel))
        .route(
            "/v1/warnings/{id}/review",
            post(warnings::act::<warnings::Review>),
        )
        .route("/v1/orders/confirm", post(warnings::confirm))
        .route("/v1/orders/stand", post(warnings::stand))
        .route("/v1/rules", get(rules::list))
        .route("/v1/rules/{id}/mute", post(rules::mute))
        .route("/v1/rules/{id}/unmute", post(rules::unmute))
        .route(
            "/v1/rulebooks",
            get(rulebooks::list)
                .post(rulebooks::put)
                .layer(DefaultBodyLimit::max(rulebooks::BODY_MAX)),
        )
        .route("/v1/rulebooks/{hash}", get(rulebooks::one))
        .route("/v1/rulebooks/{hash}/cancel", post(rulebooks::cancel))
        .route("/v1/rulebooks/{hash}/approve", post(rulebooks::approve))
        .route(
            "/v1/responses",
            get(responses::list).post(responses::act::<responses::Respond>),
        )
        .route(
            "/v1/responses/decline",
            post(responses::act::<responses::Decline>),
        )
        .route(
            "/v1/responses/tasks",
            post(responses::act::<responses::Report>),
        )
        .route(
            "/v1/responses/transfers",
            post(responses::act::<responses::Transfer>),
        )
        .route(
            "/v1/responses/damage",
            post(responses::act::<responses::Damage>),
        )
        .route(
            "/v1/responses/return",
            post(responses::act::<responses::Return>),
        )
        .route(
            "/v1/responses/close",
            post(responses::act::<responses::Close>),
        )
        .route("/v1/plans", get(responses::plans))
        .route(
            "/v1/services",
            get(services::list).post(responses::act::<services::Change>),
        )
        .route(
            "/v1/services/products",
            post(responses::act::<services::Filed>),
        )
        .route(
            "/v1/evening",
            get(services::evening).post(services::file_evening),
        )
        .route("/v1/consequences", get(responses::consequences))
        .route("/v1/incidents", get(responses::incidents))
        .route("/v1/timeline", get(responses::timeline))
        .route("/v1/deliveries", get(calls::deliveries))
        .route("/v1/area-jobs", get(audit::jobs))
        .route("/v1/area-jobs/{job}", post(area_jobs::act))
        .route("/v1/audit", get(audit::asked))
        .route(
            "/v1/audit/recipient",
            post(audit::recipient).layer(DefaultBodyLimit::max(audit::BODY_MAX)),
        )
        .route("/v1/calls", get(calls::list))
        .route("/v1/calls/answer", post(calls::answer))
        .route("/v1/calls/tap", post(calls::tap))
        .route("/v1/answering", get(gaps::answering))
        .route("/v1/gaps", get(gaps::list))
        .route("/v1/gaps/answer", post(gaps::answer))
        .route("/v1/exercises", get(exercises::list).post(exercises::begin))
        .route("/v1/handover", get(handover::list).post(handover::take))
        .route("/v1/exercises/{id}/end", post(exercises::end))
        .route("/v1/exercises/{id}/score", get(score::of_exercise))
        .route("/v1/warnings/{id}/score", get(score::of_warning))
        .route("/v1/signals", get(signals::list))
        .route("/v1/bulletins", get(signals::sources))
        .route("/v1/signals/{identifier}/relay", post(signals::relay))
        .route("/v1/push/key", get(subscriptions::key))
        .route("/v1/push/retired", get(subscriptions::retired))
        .route(
            "/v1/push/subscriptions",
            post(subscriptions::leave)
                .delete(subscriptions::take_back)
                .layer(DefaultBodyLimit::max(subscriptions::BODY_MAX)),
        )
        .route(
            "/v1/subscribers",
            post(subscribers::put).layer(DefaultBodyLimit::max(subscribers::BODY_MAX)),
        )
        .route("/v1/subscribers/{id}", delete(subscribers::leave))
        .route("/v1/me", get(operations::me))
        .route("/v1/stream", get(stream::follow))
        .route("/cap/feed.atom", get(cap::feed))
        .route("/cap/{file}", get(cap::document))
        .route("/openapi.json", get(operations::openapi))
}

/// What other processes serve.
async fn elsewhere(State(app): State<Arc<App>>) -> Problem {
    Problem::not_found(format!(
        "this process has the roles {}: ask one that has the role intake for what comes in, console for the rest",
        app.roles
    ))
}

/// The person of the request, if they hold `scope`.
fn permit<'a>(app: &'a App, headers: &HeaderMap, scope: Scope) -> Result<&'a Person, Problem> {
    let value = headers
        .get(header::AUTHORIZATION)
        .and_then(|v| v.to_str().ok());
    app.people.permit(value, scope).map_err(|denied| {
        app.metrics.refused.with_label_values(&["denied"]).inc();
        Problem::denied(&denied)
    })
}

/// The person of the request, whatever they may do: what was not issued is for them alone.
fn known<'a>(app: &'a App, headers: &HeaderMap) -> Result<&'a Person, Problem> {
    let value = headers
        .get(header::AUTHORIZATION)
        .and_then(|v| v.to_str().ok());
    app.people.identify(value).map_err(|denied| {
        app.metrics.refused.with_label_values(&["denied"]).inc();
        Problem::denied(&denied)
    })
}

/// Where there is something for everybody: the person of the request, if it names one. A token that
/// nobody has is refused, so that a screen does not take the public part for all.
fn reader<'a>(app: &'a App, headers: &HeaderMap) -> Result<Option<&'a Person>, Problem> {
    if headers.contains_key(header::AUTHORIZATION) {
        return known(app, headers).map(Some);
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    /// Paths and methods of `openapi.json`.
    fn described() -> BTreeSet<(String, String)> {
        let text: serde_json::Value =
            serde_json::from_str(include_str!("api/openapi.json")).unwrap();
        let paths = text["paths"].as_object().unwrap();
        let each = paths.iter().flat_map(|(path, methods)| {
            let methods = methods.as_object().unwrap().keys();
            methods.map(|method| (path.clone(), method.clone()))
        });
        each.collect()
    }

    /// Paths and methods of [`super::router`], read from its text: the router itself tells nobody.
    fn routed() -> BTreeSet<(String, String)> {
        let text = include_str!("api.rs");
        let text = text.split("mod tests").next().unwrap();
        let mut found = BTreeSet::new();
        for route in text.split(".route(").skip(1) {
            let path = route.split('"').nth(1).unwrap();
            // A segment of a route holds one name; the description writes the ending out.
            let path = path.replace("/cap/{file}", "/cap/{identifier}.xml");
            let handlers = route.split("\n        .").next().unwrap();
            for method in ["get", "post", "put", "patch", "delete"] {
                if handlers.contains(&format!("{method}(")) {
                    found.insert((path.clone(), method.to_owned()));
                }
            }
        }
        found
    }

    #[test]
    fn the_description_names_what_is_served_and_nothing_else() {
        let (described, routed) = (described(), routed());
        assert!(routed.len() > 25, "the routes were not found: {routed:?}");
        let missing: Vec<_> = routed.difference(&described).collect();
        assert!(missing.is_empty(), "not in openapi.json: {missing:?}");
        let extra: Vec<_> = described.difference(&routed).collect();
        assert!(extra.is_empty(), "described and not served: {extra:?}");
    }
}
