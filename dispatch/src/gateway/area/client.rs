//! The calls to one target: put a job, release it, follow it, act on it.

use super::{Act, BODY_MAX, Call, Job, Mailbox, Reading, Report};
use crate::gateway::breaker::Circuit;
use crate::gateway::gate::{Gate, GateConfig};
use crate::gateway::http::{body_within, unanswered};
use crate::gateway::notice::Unsent;
use crate::gateway::webhook::{IDEMPOTENCY_HEADER, SIGNATURE_HEADER, sign};
use crate::intent::IntentId;
use model::{SendError, Time};
use reqwest::{Method, StatusCode, Url};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fmt;
use std::sync::Arc;

/// A target as configured.
#[derive(Clone)]
pub struct TargetConfig {
    /// Name in metrics, on the screen and in the link.
    pub name: String,
    /// How calls get there.
    pub way: Way,
    /// Shared secret of the signature.
    pub secret: Vec<u8>,
    /// How many calls at once, how many in the queue, and when it is left alone.
    pub gate: GateConfig,
}

/// How calls get to a target.
#[derive(Clone)]
pub enum Way {
    /// We call: what `jobs/…` is put behind.
    Pushed(Url),
    /// It comes for them.
    Fetched(Arc<Mailbox>),
}

/// One target: a release platform or a carrier.
#[derive(Debug)]
pub struct AreaTarget {
    config: TargetConfig,
    client: reqwest::Client,
    gate: Gate,
}

#[derive(Serialize)]
struct Release<'a> {
    reading: &'a str,
}

impl AreaTarget {
    /// A target that has not been called. `client` comes from [`crate::gateway::http::client`].
    pub fn new(config: TargetConfig, client: reqwest::Client) -> Self {
        Self {
            gate: Gate::new(&config.name, config.gate),
            client,
            config,
        }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.config.name
    }

    /// The calls that it comes for; nothing where it is called.
    pub const fn mailbox(&self) -> Option<&Arc<Mailbox>> {
        match &self.config.way {
            Way::Pushed(_) => None,
            Way::Fetched(mailbox) => Some(mailbox),
        }
    }

    /// Whether the target is being left alone.
    pub fn circuit(&self) -> Circuit {
        self.gate.circuit()
    }

    /// Puts a job, or asks again how one that is there is read. Nothing leaves by it.
    ///
    /// # Errors
    /// Transient where the target cannot answer now, Permanent where it refuses the job, Uncertain
    /// where no answer came: put it again.
    pub async fn put(&self, job: &Job, at: Time) -> Result<Reading, SendError> {
        job.check()
            .map_err(|error| SendError::Permanent(error.to_string()))?;
        self.call(Method::PUT, job.job, "", Some(job), at).await
    }

    /// How a job would be read that is not there and is not to be: for a signer's preview.
    ///
    /// # Errors
    /// As [`AreaTarget::put`].
    pub async fn preview(&self, job: &Job, at: Time) -> Result<Reading, SendError> {
        job.check()
            .map_err(|error| SendError::Permanent(error.to_string()))?;
        self.call(Method::POST, job.job, "preview", Some(job), at)
            .await
    }

    /// Lets a job go as it was read. A reading that no longer holds is a Transient failure: put the
    /// job again.
    ///
    /// # Errors
    /// As [`AreaTarget::put`].
    pub async fn release(
        &self,
        job: IntentId,
        reading: &Reading,
        at: Time,
    ) -> Result<Report, SendError> {
        let hash = reading.hash();
        let body = Release { reading: &hash };
        self.call(Method::POST, job, "release", Some(&body), at)
            .await
    }

    /// Pauses, resumes or ends a job.
    ///
    /// # Errors
    /// As [`AreaTarget::put`].
    pub async fn act(&self, job: IntentId, act: Act, at: Time) -> Result<Report, SendError> {
        self.call(Method::POST, job, act.name(), None::<&()>, at)
            .await
    }

    /// How far a job is.
    ///
    /// # Errors
    /// As [`AreaTarget::put`].
    pub async fn report(&self, job: IntentId, at: Time) -> Result<Report, SendError> {
        self.call(Method::GET, job, "", None::<&()>, at).await
    }

    async fn call<T: DeserializeOwned>(
        &self,
        method: Method,
        job: IntentId,
        act: &str,
        body: Option<&impl Serialize>,
        at: Time,
    ) -> Result<T, SendError> {
        let call = async { Ok(self.ask(method, job, act, body, at).await?) };
        let result = self.gate.through(at, call).await;
        result.map_err(|error| match error {
            Unsent::Send(error) => error,
            Unsent::Retired(why) | Unsent::Throttled(why) => SendError::Transient(why),
        })
    }

    async fn ask<T: DeserializeOwned>(
        &self,
        method: Method,
        job: IntentId,
        act: &str,
        body: Option<&impl Serialize>,
        at: Time,
    ) -> Result<T, SendError> {
        let name = &self.config.name;
        let key = key(&method, job, act);
        let body = match body {
            None => Vec::new(),
            // Writing our own plain types to memory cannot fail.
            Some(body) => serde_json::to_vec(body).unwrap_or_default(),
        };
        let signature = sign(&self.config.secret, &key, &body, at);
        let (status, bytes) = match &self.config.way {
            Way::Pushed(url) => {
                let answer = self
                    .client
                    .request(method, address(url, job, act))
                    .header("Content-Type", "application/json")
                    .header(IDEMPOTENCY_HEADER, &key)
                    .header(SIGNATURE_HEADER, signature)
                    .body(body)
                    .send()
                    .await
                    .map_err(|error| unanswered(name, &error))?;
                (answer.status(), body_within(answer, BODY_MAX).await)
            }
            Way::Fetched(mailbox) => {
                let call = Call {
                    call: 0,
                    method: method.to_string(),
                    path: path(job, act),
                    key,
                    signature,
                    // Our own JSON is text.
                    body: String::from_utf8(body).unwrap_or_default(),
                };
                let answered = mailbox.call(name, call, at).await?;
                let status = StatusCode::from_u16(answered.status);
                let strange = format!("{name}: {} is no status", answered.status);
                let bytes = answered.body.into_bytes();
                let is_short = bytes.len() <= BODY_MAX;
                let status = status.map_err(|_| SendError::Permanent(strange))?;
                (status, Ok(is_short.then_some(bytes)))
            }
        };
        if !status.is_success() {
            let why = bytes.ok().flatten().map(|bytes| detail(&bytes));
            return Err(refusal(name, status, &why.unwrap_or_default()));
        }
        let bytes = bytes
            .map_err(|_| SendError::Uncertain(format!("{name}: its answer broke off")))?
            .ok_or_else(|| {
                SendError::Permanent(format!("{name}: its answer has more than {BODY_MAX} bytes"))
            })?;
        serde_json::from_slice(&bytes).map_err(|error| {
            SendError::Permanent(format!("{name}: its answer is not what was asked: {error}"))
        })
    }
}

/// What is signed beside the body, and what tells one call from another: method, job and act.
pub fn key(method: &Method, job: IntentId, act: &str) -> String {
    format!("{method} {job} {act}").trim_end().to_owned()
}

/// What stands behind the far side's base address.
pub fn path(job: IntentId, act: &str) -> String {
    format!("jobs/{job}/{act}").trim_end_matches('/').to_owned()
}

fn address(base: &Url, job: IntentId, act: &str) -> Url {
    let mut url = base.clone();
    if let Ok(mut path) = url.path_segments_mut() {
        path.pop_if_empty().extend(["jobs", &job.to_string()]);
        if !act.is_empty() {
            path.push(act);
        }
    }
    url
}

/// RFC 9457: what a person should know of a refusal.
fn detail(body: &[u8]) -> String {
    const SHOWN: usize = 200;
    let value: Option<serde_json::Value> = serde_json::from_slice(body).ok();
    let of = |key: &str| value.as_ref()?.get(key)?.as_str().map(str::to_owned);
    let words = of("detail").or_else(|| of("title")).unwrap_or_default();
    words.chars().take(SHOWN).collect()
}

fn refusal(name: &str, status: StatusCode, why: &str) -> SendError {
    let words = format!("{name}: {status} {why}").trim_end().to_owned();
    match status {
        // A proxy that gave up waiting does not know whether the target took it.
        StatusCode::GATEWAY_TIMEOUT => SendError::Uncertain(words),
        // The reading changed meanwhile: it is put again.
        StatusCode::CONFLICT
        | StatusCode::REQUEST_TIMEOUT
        | StatusCode::TOO_EARLY
        | StatusCode::TOO_MANY_REQUESTS => SendError::Transient(words),
        status if status.is_server_error() => SendError::Transient(words),
        _ => SendError::Permanent(words),
    }
}

impl fmt::Debug for TargetConfig {
    /// Without the secret, and without the address, which may hold one.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TargetConfig")
            .field("name", &self.name)
            .field(
                "host",
                &match &self.way {
                    Way::Pushed(url) => url.host_str(),
                    Way::Fetched(_) => None,
                },
            )
            .finish_non_exhaustive()
    }
}
