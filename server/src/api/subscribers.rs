//! Subscribers of the directory, one by one: who comes, moves, changes an address, or leaves.

use super::{Problem, permit};
use crate::app::App;
use crate::installation::Faulty;
use crate::living::{AT_ONCE_MAX, Untaken};
use crate::people::Scope;
use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use dispatch::directory::{Joining, Unchanged};
use model::fault::Fault;
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;

/// Largest body: as many people as there may be, with push tokens.
pub(crate) const BODY_MAX: usize = 4 << 20;

/// Somebody who subscribes, or is to stand otherwise from now on.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Somebody {
    id: String,
    lon: Option<f64>,
    lat: Option<f64>,
    #[serde(default)]
    area: String,
    #[serde(default)]
    phone: String,
    #[serde(default)]
    language: String,
    #[serde(default = "everybody")]
    audience: Vec<String>,
    #[serde(default)]
    email: String,
    #[serde(default)]
    push: String,
}

/// One, or some.
#[derive(Deserialize)]
#[serde(untagged)]
enum Body {
    One(Box<Somebody>),
    Some(Vec<Somebody>),
}

fn everybody() -> Vec<String> {
    vec!["public".to_owned()]
}

/// `POST /v1/subscribers`: each is in force once this answers. Who cannot be taken keeps nobody else
/// out; 422 where nobody is.
pub(crate) async fn put(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Problem> {
    let person = permit(&app, &headers, Scope::Subscribe)?.id.clone();
    // The words of a fault in a body are not said: they quote it.
    let read: Result<Body, _> = serde_json::from_slice(&body);
    let people = match read {
        Ok(Body::One(one)) => vec![*one],
        Ok(Body::Some(some)) => some,
        Err(error) => {
            return Err(Problem::bad_request(format!(
                "not a subscriber, nor a list of them, at line {} column {}; see /openapi.json",
                error.line(),
                error.column()
            )));
        }
    };
    if people.is_empty() || people.len() > AT_ONCE_MAX {
        let words = format!("1 to {AT_ONCE_MAX} subscribers at once");
        return Err(Problem::bad_request(words));
    }
    let looking = Arc::clone(&app);
    let looked = tokio::task::spawn_blocking(move || sorted_out(&looking, &people));
    let (people, faults) = looked
        .await
        .map_err(|_| Problem::unavailable("the request was interrupted; send it again"))?;
    let count = |outcome: &str, people: usize| {
        let metric = app.metrics.subscribers.with_label_values(&[outcome]);
        metric.inc_by(people as u64);
    };
    let refused = faults.len();
    count("refused", refused);
    if people.is_empty() {
        let all = faults.into_iter().flat_map(|(_, faults)| faults);
        return Err(Problem::faulty(&Faulty(all.collect())));
    }
    let taken = app.subscribe(people).await?;
    let came = taken.iter().filter(|taken| taken.is_new).count();
    count("came", came);
    count("moved", taken.len() - came);
    tracing::info!(
        by = person,
        came,
        moved = taken.len() - came,
        refused,
        "subscribers"
    );
    let taken = taken.iter().map(|taken| {
        json!({
            "line": taken.line,
            "recipient": taken.recipient,
            "area": taken.resident.area,
            "new": taken.is_new,
        })
    });
    let faults = faults.iter().map(|(line, faults)| {
        json!({ "line": line, "faults": faults.iter().map(said).collect::<Vec<_>>() })
    });
    let body = json!({
        "taken": taken.collect::<Vec<_>>(),
        "refused": faults.collect::<Vec<_>>(),
    });
    Ok(Json(body).into_response())
}

type Sound = (u32, u64, dispatch::directory::Resident);

/// Those who can be taken, with the hashes of their ids, and what is wrong with the others.
fn sorted_out(app: &App, people: &[Somebody]) -> (Vec<Sound>, Vec<(u32, Vec<Fault>)>) {
    let (mut sound, mut faulty) = (Vec::new(), Vec::new());
    for (somebody, line) in people.iter().zip(1..) {
        let audience = somebody.audience.join(";");
        let joining = Joining {
            id: &somebody.id,
            position: (somebody.lon, somebody.lat),
            area: &somebody.area,
            phone: &somebody.phone,
            language: &somebody.language,
            audience: &audience,
            email: &somebody.email,
            push: &somebody.push,
        };
        match app.resident(&joining, line) {
            Ok(resident) => sound.push((line, joining.key(), resident)),
            Err(faults) => faulty.push((line, faults)),
        }
    }
    (sound, faulty)
}

fn said(fault: &Fault) -> Value {
    json!({ "field": fault.field, "what": fault.what, "remedy": fault.remedy })
}

/// How somebody goes.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Going {
    #[serde(default)]
    forget: bool,
}

/// `DELETE /v1/subscribers/{id}`: they are told nothing more. With `?forget=true` nothing of them is
/// anywhere once this answers, also of one who left before.
pub(crate) async fn leave(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    Path(id): Path<String>,
    Query(going): Query<Going>,
) -> Result<StatusCode, Problem> {
    let person = permit(&app, &headers, Scope::Subscribe)?.id.clone();
    let (recipient, how) = if going.forget {
        (app.forget(&id).await?, "forgotten")
    } else {
        (app.unsubscribe(&id).await?, "left")
    };
    app.metrics.subscribers.with_label_values(&[how]).inc();
    tracing::info!(
        by = person,
        recipient = recipient.0,
        how,
        "a subscriber goes"
    );
    Ok(StatusCode::NO_CONTENT)
}

impl From<Untaken> for Problem {
    fn from(untaken: Untaken) -> Self {
        let words = untaken.to_string();
        match untaken {
            Untaken::Unknown => Self::not_found(words),
            Untaken::Unchanged(Unchanged::Full) => Self::unavailable(words),
            Untaken::Unchanged(
                Unchanged::Classes | Unchanged::Area(_) | Unchanged::Stranger(_),
            ) => Self::refused(words),
            Untaken::Refused(refusal) => refusal.into(),
        }
    }
}
