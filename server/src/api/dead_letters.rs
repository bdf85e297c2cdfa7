//! What was refused at the intake, for whoever looks after the gauges.

use super::{Problem, permit};
use crate::app::App;
use crate::people::Scope;
use axum::Json;
use axum::extract::{Query, State};
use axum::http::HeaderMap;
use ingest::dead_letter::DeadLetter;
use journal::{Journal, JournalError, Kind, Offset, Partition, Topic};
use model::Time;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Letters of one answer where nothing is said, and at most.
const LIMIT: usize = 100;
const LIMIT_MAX: usize = 1_000;
/// Letters looked through for one answer: of more, `next` says where to go on.
const SCANNED_MAX: u64 = 50_000;
/// Letters read at once, and their bytes.
const STRIDE: u64 = 1_000;
const READ_BYTES: usize = 1 << 20;

/// Which letters.
#[derive(Deserialize)]
pub(crate) struct Wanted {
    limit: Option<usize>,
    reason: Option<String>,
    station: Option<String>,
    /// Only those before this offset: `next` of the answer before.
    before: Option<u64>,
}

/// An answer.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Found {
    letters: Vec<Kept>,
    /// Where older ones begin; absent where there are none.
    next: Option<u64>,
}

/// A letter and where it lies.
#[derive(Debug, Serialize)]
struct Kept {
    offset: u64,
    recorded: String,
    #[serde(flatten)]
    letter: DeadLetter,
}

/// `GET /v1/dead-letters?limit=…&reason=…&station=…&before=…`: newest first.
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    Query(wanted): Query<Wanted>,
) -> Result<Json<Found>, Problem> {
    permit(&app, &headers, Scope::Read)?;
    let found = tokio::task::spawn_blocking(move || {
        let text = |at: Time| app.view.text(at);
        find(
            &*app.journal,
            Topic::new(Kind::DeadLetters, app.mode),
            &wanted,
            &text,
        )
    });
    let found = found.await.map_err(|error| error.to_string());
    let found = found.and_then(|found| found.map_err(|error| error.to_string()));
    found.map(Json).map_err(Problem::unavailable)
}

/// Reads backwards, a stride at a time.
fn find(
    journal: &dyn Journal,
    topic: Topic,
    wanted: &Wanted,
    text: &dyn Fn(Time) -> String,
) -> Result<Found, JournalError> {
    let partition = Partition(0);
    let limit = wanted.limit.unwrap_or(LIMIT).min(LIMIT_MAX);
    let first = journal.first(topic, partition)?.0;
    let mut end = journal.end(topic, partition)?.0;
    end = wanted.before.map_or(end, |before| before.min(end));
    let floor = first.max(end.saturating_sub(SCANNED_MAX));
    let mut found = Found::default();
    while end > floor && found.letters.len() < limit {
        let from = floor.max(end.saturating_sub(STRIDE));
        let mut stride = Vec::new();
        let mut next = from;
        while next < end {
            let records = journal.read(topic, partition, Offset(next), READ_BYTES)?;
            let Some(last) = records.last() else { break };
            next = last.offset.0 + 1;
            stride.extend(records.into_iter().filter(|record| record.offset.0 < end));
        }
        for record in stride.iter().rev() {
            if found.letters.len() == limit {
                break;
            }
            end = record.offset.0;
            let Ok(letter) = DeadLetter::from_json(record.payload()) else {
                continue;
            };
            if wanted.fits(&letter) {
                found.letters.push(Kept {
                    offset: record.offset.0,
                    recorded: text(Time::from_millis(record.time_ms)),
                    letter,
                });
            }
        }
        if found.letters.len() < limit {
            end = from;
        }
    }
    found.next = (end > first).then_some(end);
    Ok(found)
}

impl Wanted {
    fn fits(&self, letter: &DeadLetter) -> bool {
        let is_reason = self.reason.as_ref().is_none_or(|r| *r == letter.reason);
        let is_station = self.station.as_ref().is_none_or(|s| *s == letter.station);
        is_reason && is_station
    }
}
