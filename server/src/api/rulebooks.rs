//! Rulebooks: put forward, looked at, signed.

use super::{Problem, known, permit};
use crate::app::App;
use crate::people::Scope;
use crate::registry::{Candidate, RegistryError, SIGNATURES};
use crate::rehearsal::{Counted, State, Trial};
use crate::reload::{Proposal, Refusal};
use ::rules::score::Shift;
use axum::Json;
use axum::extract::{Path, State as Shared};
use axum::http::{HeaderMap, StatusCode};
use model::{AreaCode, Hazard, Tier, Time};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Largest body: the files, and what JSON adds to them.
pub(crate) const BODY_MAX: usize = 2 * crate::candidate::BYTES_MAX;
/// Longest note, bytes.
const NOTE_MAX: usize = 1_000;

/// Files to be the next rulebook, or the hash of one that is kept.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Putting {
    files: Option<BTreeMap<String, String>>,
    hash: Option<String>,
    #[serde(default)]
    note: String,
}

/// A signature.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Approval {
    seen: String,
}

/// How a rulebook stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Standing {
    /// It decides.
    InForce,
    /// It waits for signatures.
    Candidate,
    /// Another one is in force than it was compared with: it would have to be put forward again.
    Outdated,
    /// It was in force and can be put forward again.
    Former,
}

/// A rulebook as it is shown.
#[derive(Debug, Serialize)]
pub(crate) struct RulebookItem {
    hash: String,
    version: String,
    state: Standing,
    /// What a signature carries.
    #[serde(skip_serializing_if = "Option::is_none")]
    seen: Option<String>,
    by: Option<String>,
    at: Option<String>,
    note: String,
    against: Option<String>,
    tests: usize,
    notices: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    trial: Option<TrialItem>,
    signed: Vec<SignatureItem>,
    /// Signatures that are missing.
    missing: usize,
    ended: Option<String>,
}

/// A signature as it is shown.
#[derive(Debug, Serialize)]
struct SignatureItem {
    person: String,
    at: String,
}

/// A dry run as it is shown.
#[derive(Debug, Serialize)]
struct TrialItem {
    state: State,
    /// Parts of a thousand, while this process runs it.
    #[serde(skip_serializing_if = "Option::is_none")]
    progress: Option<u64>,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    from: Option<String>,
    to: Option<String>,
    readings: u64,
    heard: Counted,
    unheld: Vec<String>,
    unheard: Vec<AreaCode>,
    counts: BTreeMap<&'static str, BTreeMap<Shift, u64>>,
    people: Compared,
    people_night: Compared,
    rings: Compared,
    rings_night: Compared,
    differences: Vec<DiffersItem>,
}

/// A count by both rulebooks.
#[derive(Debug, Serialize)]
struct Compared {
    old: u64,
    new: u64,
    more: i64,
}

impl From<[u64; 2]> for Compared {
    fn from([old, new]: [u64; 2]) -> Self {
        let more = i64::try_from(i128::from(new) - i128::from(old)).unwrap_or(i64::MAX);
        Self { old, new, more }
    }
}

/// An area that is warned otherwise, as it is shown.
#[derive(Debug, Serialize)]
struct DiffersItem {
    hazard: Hazard,
    area: AreaCode,
    tier: Tier,
    kind: Shift,
    old: Option<String>,
    new: Option<String>,
    /// Minutes, negative where the new one is earlier; absent where only one has it.
    later_min: Option<i64>,
}

/// `POST /v1/rulebooks`: 201 with the rulebook once it is kept, 422 with every fault.
pub(crate) async fn put(
    Shared(app): Shared<Arc<App>>,
    headers: HeaderMap,
    Json(body): Json<Putting>,
) -> Result<(StatusCode, Json<RulebookItem>), Problem> {
    let person = permit(&app, &headers, Scope::Approve)?.id.clone();
    let proposal = match (body.files, body.hash) {
        (Some(files), None) => Proposal::Files(files),
        (None, Some(hash)) => Proposal::Kept(hash),
        (Some(_), Some(_)) | (None, None) => {
            return Err(Problem::bad_request(
                "send either files, by name, or hash, of a rulebook that is kept",
            ));
        }
    };
    if body.note.len() > NOTE_MAX {
        return Err(Problem::bad_request(format!(
            "note: {NOTE_MAX} bytes are the most"
        )));
    }
    let hash = app.put_forward(proposal, &person, body.note).await?;
    let item = one_of(&app, hash).await?;
    Ok((StatusCode::CREATED, Json(item)))
}

/// `GET /v1/rulebooks`: newest first.
pub(crate) async fn list(
    Shared(app): Shared<Arc<App>>,
    headers: HeaderMap,
) -> Result<Json<Vec<RulebookItem>>, Problem> {
    known(&app, &headers)?;
    Ok(Json(all(&app).await?))
}

/// `GET /v1/rulebooks/{hash}`.
pub(crate) async fn one(
    Shared(app): Shared<Arc<App>>,
    headers: HeaderMap,
    Path(hash): Path<String>,
) -> Result<Json<RulebookItem>, Problem> {
    known(&app, &headers)?;
    one_of(&app, hash).await.map(Json)
}

/// `POST /v1/rulebooks/{hash}/approve`: 200 with the rulebook as it stands then, 409 where what was
/// seen is not what stands.
pub(crate) async fn approve(
    Shared(app): Shared<Arc<App>>,
    headers: HeaderMap,
    Path(hash): Path<String>,
    Json(body): Json<Approval>,
) -> Result<Json<RulebookItem>, Problem> {
    let person = permit(&app, &headers, Scope::Approve)?.id.clone();
    app.sign_rulebook(hash.clone(), body.seen, &person).await?;
    one_of(&app, hash).await.map(Json)
}

/// `POST /v1/rulebooks/{hash}/cancel`: ends the dry run, 409 where it is not under way in this process.
pub(crate) async fn cancel(
    Shared(app): Shared<Arc<App>>,
    headers: HeaderMap,
    Path(hash): Path<String>,
) -> Result<StatusCode, Problem> {
    permit(&app, &headers, Scope::Approve)?;
    if app.reload.rehearsal.cancel(&hash) {
        return Ok(StatusCode::NO_CONTENT);
    }
    Err(Problem::conflict(
        "no dry run of it is under way in this process",
    ))
}

async fn one_of(app: &Arc<App>, hash: String) -> Result<RulebookItem, Problem> {
    let found = all(app).await?.into_iter().find(|item| item.hash == hash);
    found.ok_or_else(|| Problem::not_found(format!("no rulebook {hash}; see /v1/rulebooks")))
}

/// What is kept and what is in force, newest first.
async fn all(app: &Arc<App>) -> Result<Vec<RulebookItem>, Problem> {
    let shared = Arc::clone(app);
    let read = tokio::task::spawn_blocking(move || {
        let present = shared.registry.present()?.map(|edition| edition.rulebook);
        let present = present.unwrap_or_default();
        let mut kept = shared.registry.rulebooks()?.all().to_vec();
        if !kept.iter().any(|known| known.hash == present) {
            // It came with the files of the city directory.
            let rulebook = shared.registry.rulebook_of(&present)?;
            kept.push(Candidate::of(&rulebook));
        }
        let items = kept
            .iter()
            .rev()
            .map(|known| item(&shared, known, &present));
        Ok::<_, RegistryError>(items.collect())
    });
    let read = read.await.map_err(Refusal::from)?;
    read.map_err(|error| Refusal::from(error).into())
}

fn item(app: &App, known: &Candidate, present: &str) -> RulebookItem {
    let state = if known.hash == present {
        Standing::InForce
    } else if known.against == present {
        Standing::Candidate
    } else if known.against.is_empty() {
        Standing::Former
    } else {
        Standing::Outdated
    };
    let signed: Vec<SignatureItem> = known
        .signed
        .iter()
        .map(|signature| SignatureItem {
            person: signature.person.clone(),
            at: app.view.text(signature.at),
        })
        .collect();
    let missing = match state {
        Standing::Candidate => SIGNATURES.saturating_sub(signed.len()),
        Standing::InForce | Standing::Outdated | Standing::Former => 0,
    };
    let trial = known.trial.as_ref().filter(|_| !known.against.is_empty());
    RulebookItem {
        trial: trial.map(|trial| tried(app, known, trial)),
        hash: known.hash.clone(),
        version: known.version.clone(),
        state,
        seen: (state == Standing::Candidate).then(|| known.seen()),
        by: known.by.clone(),
        at: known.at.map(|at| app.view.text(at)),
        note: known.note.clone(),
        against: (!known.against.is_empty()).then(|| known.against.clone()),
        tests: known.tests,
        notices: known.notices.clone(),
        signed,
        missing,
        ended: known.ended.map(|at| app.view.text(at)),
    }
}

fn tried(app: &App, known: &Candidate, trial: &Trial) -> TrialItem {
    let text = |time: Option<Time>| time.map(|time| app.view.text(time));
    let differences = trial.differences.iter().map(|differs| DiffersItem {
        hazard: differs.hazard,
        area: differs.area,
        tier: differs.tier,
        kind: differs.kind,
        old: text(differs.old),
        new: text(differs.new),
        later_min: differs
            .old
            .zip(differs.new)
            .map(|(old, new)| new.since(old).seconds() / 60),
    });
    let counts = trial.counts.iter();
    TrialItem {
        state: trial.state,
        progress: match trial.state {
            State::Running => app.reload.rehearsal.progress(&known.hash),
            State::Done | State::Failed | State::Cancelled => None,
        },
        reason: trial.reason.clone(),
        from: text(trial.from),
        to: text(trial.to),
        readings: trial.readings,
        heard: trial.heard,
        unheld: trial.unheld.clone(),
        unheard: trial.unheard.clone(),
        counts: counts.map(|(tier, of)| (tier.name(), of.clone())).collect(),
        people: trial.people.into(),
        people_night: trial.people_night.into(),
        rings: trial.rings.into(),
        rings_night: trial.rings_night.into(),
        differences: differences.collect(),
    }
}
