//! Loop 1: bytes in, observations in the journal, then the acknowledgement.

use crate::answered::{Answered, Known, RequestId, UnderWay};
use crate::clock::{Clock, monotonic_micros};
use crate::latency::{Latency, observe};
use crate::metrics::{Metrics, stage};
use axum::body::Bytes;
use ingest::dead_letter::DeadLetter;
use ingest::protocol::{Framing, Protocol};
use ingest::register::{Batch, Registrar};
use ingest::transport::body::{self, BodyError};
use journal::{Assigned, Journal, JournalError, Kind, Partition, Priority, Topic};
use model::record::encode_observations;
use model::{Mode, Observation, Zone};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Largest body once decompressed, bytes.
const PLAIN_MAX: usize = 64 << 20;
/// Most observations in one record: 512 KiB of rows (semantics §28).
const ROWS_MAX: usize = (512 << 10) / Observation::STORED_BYTES - 1;
/// Idle registrars kept for the next request.
const IDLE_MAX: usize = 16;
/// Kind of records in the topic of dead letters: JSON of [`DeadLetter`].
pub(crate) const LETTER: u8 = 1;

/// What became of one request.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Taken {
    /// Observations that are durable.
    pub(crate) accepted: u64,
    /// Observations that stood twice in the request.
    pub(crate) duplicate: u64,
    /// Records refused.
    pub(crate) rejected: u64,
    /// The first refusals with their reason.
    pub(crate) reasons: Vec<Refusal>,
}

/// One refused record.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Refusal {
    line: u64,
    field: Option<Cow<'static, str>>,
    reason: Cow<'static, str>,
    station: String,
    written: String,
    remedy: String,
}

/// Refusals listed in one answer; all of them are counted.
const REFUSALS_MAX: usize = 100;

/// Why a request was not taken at all.
#[derive(Debug, thiserror::Error)]
pub(crate) enum IntakeError {
    /// Larger than allowed once decompressed.
    #[error("the body is larger than {0} bytes once decompressed; send it in parts")]
    TooLarge(usize),
    /// The body cannot be decompressed.
    #[error("the body cannot be read: {0}")]
    Body(BodyError),
    /// The same request came a moment before.
    #[error(
        "the same body under the same Idempotency-Key is under way: send it again for its answer"
    )]
    UnderWay,
    /// The journal does not accept at present.
    #[error("not stored, send it again: {0}")]
    Journal(#[from] JournalError),
}

/// The way in for observations, shared by all transports.
pub(crate) struct Intake {
    journal: Arc<dyn Journal>,
    clock: Clock,
    metrics: Metrics,
    latency: Arc<Latency>,
    mode: Mode,
    pattern: Registrar,
    idle: Mutex<Vec<(Registrar, Batch)>>,
    answered: Arc<Answered>,
}

impl Intake {
    /// An intake that writes to `journal` what `registrar` lets through.
    pub(crate) fn new(
        journal: Arc<dyn Journal>,
        clock: Clock,
        metrics: Metrics,
        latency: Arc<Latency>,
        mode: Mode,
        registrar: Registrar,
        answered: Answered,
    ) -> Self {
        Self {
            journal,
            clock,
            metrics,
            latency,
            mode,
            pattern: registrar,
            idle: Mutex::default(),
            answered: Arc::new(answered),
        }
    }

    /// Takes a request body of the observation contract, plain or compressed; one with a `key` that
    /// comes again gets its answer again, or is refused while that is not there yet.
    pub(crate) async fn take(
        &self,
        transport: &'static str,
        encoding: Option<&str>,
        key: Option<&str>,
        bytes: Bytes,
    ) -> Result<Taken, IntakeError> {
        let known = key.map(|key| self.answered.begin(RequestId::new(key, &bytes)));
        let under_way = match known {
            Some(Known::Answered(earlier)) => return Ok(earlier),
            Some(Known::UnderWay) => return Err(IntakeError::UnderWay),
            Some(Known::New(under_way)) => Some(under_way),
            None => None,
        };
        let plain = body::decode(encoding, &bytes, PLAIN_MAX).map_err(|error| match error {
            BodyError::TooLarge { .. } => IntakeError::TooLarge(PLAIN_MAX),
            BodyError::Unsupported(_) | BodyError::Corrupt(_) => IntakeError::Body(error),
        })?;
        let protocol = &Protocol::Json;
        self.stored(transport, protocol, "", &plain, under_way)
            .await
    }

    /// Takes one frame in any protocol; resolves once it is durable.
    pub(crate) async fn frame(
        &self,
        transport: &'static str,
        protocol: &Protocol,
        topic: &str,
        bytes: &[u8],
    ) -> Result<Taken, IntakeError> {
        self.stored(transport, protocol, topic, bytes, None).await
    }

    async fn stored(
        &self,
        transport: &'static str,
        protocol: &Protocol,
        topic: &str,
        bytes: &[u8],
        under_way: Option<UnderWay>,
    ) -> Result<Taken, IntakeError> {
        let accepted_at = monotonic_micros();
        let arrival = self.clock.now();
        let (mut registrar, mut batch) = self
            .idle
            .lock()
            .pop()
            .unwrap_or_else(|| (self.pattern.clone(), Batch::default()));
        registrar.read(protocol, topic, bytes, Framing::Detect, arrival, &mut batch);
        let taken = summary(&batch);
        let reasons = reasons(&batch);
        let stored = self.write(transport, arrival.millis(), &batch);
        {
            let mut idle = self.idle.lock();
            if idle.len() < IDLE_MAX {
                idle.push((registrar, batch));
            }
        }
        let durable = {
            let (metrics, latency) = (self.metrics.clone(), Arc::clone(&self.latency));
            move |runs: &[Assigned]| note_durable(&metrics, &latency, accepted_at, runs)
        };
        let refused = |error: JournalError| self.refused(transport, taken.accepted, error);
        let ticket = stored.map_err(refused)?;
        match under_way {
            Some(under_way) => {
                let journal = Arc::clone(&self.journal);
                let caused = async move {
                    if let Some(ticket) = ticket {
                        durable(&ticket.await?);
                    }
                    Ok(())
                };
                let kept = under_way.kept(journal, arrival, caused, taken.clone());
                kept.await.map_err(refused)?;
            }
            None => {
                if let Some(ticket) = ticket {
                    durable(&ticket.await.map_err(refused)?);
                }
            }
        }
        let counted = |outcome: &str, count: u64| {
            self.metrics
                .observations
                .with_label_values(&[transport, outcome])
                .inc_by(count);
        };
        counted("accepted", taken.accepted);
        counted("duplicate", taken.duplicate);
        counted("rejected", taken.rejected);
        for (reason, count) in reasons {
            let letters = &self.metrics.dead_letters;
            letters.with_label_values(&[reason]).inc_by(count);
        }
        Ok(taken)
    }

    /// Counts what the journal did not take; its sender is told to send it again.
    fn refused(&self, transport: &str, observations: u64, error: JournalError) -> JournalError {
        let labels = [transport, "refused"];
        let counter = self.metrics.observations.with_label_values(&labels);
        counter.inc_by(observations);
        let reason = if matches!(error, JournalError::DiskFull { .. }) {
            "disk_full"
        } else if matches!(error, JournalError::Full { .. }) {
            "queue_full"
        } else {
            "journal"
        };
        self.metrics.refused.with_label_values(&[reason]).inc();
        error
    }

    /// Keeps a dead letter for a message that was too long to be read; resolves once it is durable.
    pub(crate) async fn overlong(
        &self,
        transport: &'static str,
        topic: &str,
        bytes: usize,
        start: &[u8],
    ) -> Result<(), IntakeError> {
        let mut stored = journal::Batch::new(self.clock.now().millis(), Priority::Bulk).apart();
        let letters = Topic::new(Kind::DeadLetters, self.mode);
        let letter = DeadLetter::overlong(transport, topic, bytes, start);
        stored.append(letters, Partition(0), LETTER, &[], &letter.to_json());
        self.journal.submit(stored)?.await?;
        let rejected = [transport, "rejected"];
        self.metrics.observations.with_label_values(&rejected).inc();
        let reason = [letter.reason.as_str()];
        self.metrics.dead_letters.with_label_values(&reason).inc();
        Ok(())
    }

    fn write(
        &self,
        transport: &str,
        at_ms: i64,
        batch: &Batch,
    ) -> Result<Option<journal::Ticket>, JournalError> {
        // Whoever got no answer sends all of it again, and what was there is recognized by station,
        // parameter and time: the records need not be there together.
        let mut stored = journal::Batch::new(at_ms, Priority::Bulk).apart();
        let input = Topic::new(Kind::Input, self.mode);
        for (zone, rows) in batch.zones() {
            for rows in rows.chunks(ROWS_MAX) {
                stored.append_with(input, Partition(zone.0), 1, &[], |out| {
                    encode_observations(rows, out);
                });
            }
        }
        let letters = Topic::new(Kind::DeadLetters, self.mode);
        for rejection in batch.rejections() {
            let letter = DeadLetter::new(transport, rejection);
            stored.append(letters, Partition(0), LETTER, &[], &letter.to_json());
        }
        if stored.is_empty() {
            return Ok(None);
        }
        self.journal.submit(stored).map(Some)
    }
}

/// Notes that what came at `accepted_at` is durable.
fn note_durable(metrics: &Metrics, latency: &Latency, accepted_at: u64, runs: &[Assigned]) {
    observe(metrics, stage::DURABLE, accepted_at);
    for run in runs {
        if run.topic.kind == Kind::Input {
            latency.accepted(Zone(run.partition.0), run.first.0, accepted_at);
        }
    }
}

/// How many were refused for which reason.
fn reasons(batch: &Batch) -> BTreeMap<&'static str, u64> {
    let mut reasons = BTreeMap::new();
    for rejection in batch.rejections() {
        *reasons.entry(rejection.reason.word()).or_default() += 1;
    }
    reasons
}

fn summary(batch: &Batch) -> Taken {
    Taken {
        accepted: batch.accepted(),
        duplicate: batch.duplicates(),
        rejected: batch.rejected(),
        reasons: batch
            .rejections()
            .iter()
            .take(REFUSALS_MAX)
            .map(|rejection| Refusal {
                line: rejection.line,
                field: rejection.field.map(|f| f.name().into()),
                reason: rejection.reason.word().into(),
                station: rejection.station.clone(),
                written: rejection.written.clone(),
                remedy: rejection.remedy(),
            })
            .collect(),
    }
}
