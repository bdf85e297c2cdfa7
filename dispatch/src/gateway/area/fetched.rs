//! Calls that the far side comes for: a carrier behind a firewall that lets nobody in asks for the next
//! call, answers it as it would one that was pushed, and posts the answer back.
//!
//! A call is the same one to the byte, with the same signature, whichever way it goes; every call may be
//! made again (docs/area-jobs.md). So a call that was taken and not answered within [`LEASE`] is given
//! out again, and a kill on either side repeats calls and never messages.

use super::BODY_MAX;
use crate::gateway::webhook::{self, SignatureError};
use model::{SendError, Span, Time};
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{Notify, oneshot};

/// Calls that wait or are being answered.
pub const CALLS_MAX: usize = 256;
/// Bytes of an answer to a call as it is handed over: a document, written once more as text.
pub const ANSWER_MAX: usize = 2 * BODY_MAX;
/// How long the far side has to answer one before it is given out again.
pub const LEASE: Span = Span::from_seconds(20);
/// A far side that did not come for so long is away: nobody waits for it.
const AWAY: Span = Span::from_seconds(60);
/// How far its clock may be from ours.
const SIGNED_WITHIN: Span = Span::from_minutes(5);
/// Longest wait of whoever comes for a call.
pub const WAIT_MAX: Duration = Duration::from_secs(25);
/// How long an answer is waited for: by then a call may have been given out twice.
const ANSWER: Duration = Duration::from_secs(50);

/// A call as it is given out.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Call {
    /// Number of the call, in this process and for this far side.
    pub call: u64,
    /// `PUT`, `POST` or `GET`.
    pub method: String,
    /// The path behind the far side's own base address: `jobs/…`.
    pub path: String,
    /// Header `Idempotency-Key`.
    pub key: String,
    /// Header `Sanfang-Signature`, by the centre, over key and body.
    pub signature: String,
    /// The body as text: JSON, or empty.
    pub body: String,
}

/// What the far side answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answered {
    /// Status of HTTP.
    pub status: u16,
    /// Body of the answer: JSON.
    pub body: String,
}

/// What whoever comes for a call says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wait {
    /// Seconds it waits for one, at most those of [`WAIT_MAX`].
    pub wait_s: u64,
}

/// What is signed by a carrier that comes for a call.
pub fn next_key(carrier: &str) -> String {
    format!("POST carriers {carrier} next")
}

/// What is signed by a carrier with its answer.
pub fn answer_key(carrier: &str, call: u64) -> String {
    format!("POST carriers {carrier} answers {call}")
}

/// A call that waits.
struct Waiting {
    call: Call,
    leased: Option<Time>,
    answer: Option<oneshot::Sender<Answered>>,
}

struct Queue {
    waiting: VecDeque<Waiting>,
    /// Number of the last call.
    last: u64,
    /// When the far side last came for a call.
    came: Option<Time>,
}

/// The calls of one far side.
pub struct Mailbox {
    secret: Vec<u8>,
    queue: Mutex<Queue>,
    arrived: Notify,
}

/// Takes a call out of the queue when nobody waits for its answer any more.
struct Held<'a> {
    mailbox: &'a Mailbox,
    call: u64,
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        let mut queue = self.mailbox.queue();
        queue
            .waiting
            .retain(|waiting| waiting.call.call != self.call);
    }
}

impl Mailbox {
    /// One that nobody has come to. Calls are numbered on from the time it is made, in ms: an answer to
    /// a call of an earlier process is an answer to none of this one.
    pub fn new(secret: &[u8], made: Time) -> Arc<Self> {
        Arc::new(Self {
            secret: secret.to_vec(),
            queue: Mutex::new(Queue {
                waiting: VecDeque::new(),
                last: u64::try_from(made.millis()).unwrap_or(0),
                came: None,
            }),
            arrived: Notify::new(),
        })
    }

    /// Believes who comes for calls, by the secret that both sides have.
    ///
    /// # Errors
    /// See [`SignatureError`].
    pub fn verify(
        &self,
        header: &str,
        key: &str,
        body: &[u8],
        now: Time,
    ) -> Result<(), SignatureError> {
        webhook::verify(&self.secret, header, key, body, now, SIGNED_WITHIN)
    }

    /// Lays a call down at `at` and waits for its answer. The number in `call` is given here.
    ///
    /// # Errors
    /// Transient where nobody came for calls lately, it was not taken, or too many wait; Uncertain where
    /// it was taken and not answered.
    pub async fn call(&self, name: &str, mut call: Call, at: Time) -> Result<Answered, SendError> {
        let (answer, answered) = oneshot::channel();
        let number = {
            let mut queue = self.queue();
            if queue.came.is_none_or(|came| at.since(came) > AWAY) {
                let why = format!("{name}: does not come for calls");
                return Err(SendError::Transient(why));
            }
            if queue.waiting.len() >= CALLS_MAX {
                let why = format!("{name}: {CALLS_MAX} calls wait to be fetched");
                return Err(SendError::Transient(why));
            }
            queue.last += 1;
            call.call = queue.last;
            queue.waiting.push_back(Waiting {
                call,
                leased: None,
                answer: Some(answer),
            });
            queue.last
        };
        let held = Held {
            mailbox: self,
            call: number,
        };
        self.arrived.notify_one();
        let Ok(Ok(answered)) = tokio::time::timeout(ANSWER, answered).await else {
            let was_taken = self.was_taken(number);
            drop(held);
            return Err(if was_taken {
                SendError::Uncertain(format!("{name}: fetched the call and did not answer it"))
            } else {
                SendError::Transient(format!("{name}: did not come for the call"))
            });
        };
        Ok(answered)
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        // Nothing panics while it is held.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn was_taken(&self, number: u64) -> bool {
        let queue = self.queue();
        let mut waiting = queue.waiting.iter();
        waiting.any(|waiting| waiting.call.call == number && waiting.leased.is_some())
    }

    /// The oldest call that nobody has, or had for too long, at `now`; it is theirs for [`LEASE`].
    pub fn take(&self, now: Time) -> Option<Call> {
        let mut queue = self.queue();
        queue.came = Some(now);
        let is_free = |waiting: &&mut Waiting| {
            let lease = waiting.leased;
            // A clock that was put back gives nothing out twice for long.
            waiting.answer.is_some() && lease.is_none_or(|at| now >= at + LEASE || now < at - LEASE)
        };
        let found = queue.waiting.iter_mut().find(is_free)?;
        found.leased = Some(now);
        Some(found.call.clone())
    }

    /// The same, waiting for one: `now` is asked for at each look.
    pub async fn next(&self, now: impl Fn() -> Time, wait: Duration) -> Option<Call> {
        let looking = async {
            loop {
                // Before the look: what arrives after it is not missed.
                let arrived = self.arrived.notified();
                if let Some(call) = self.take(now()) {
                    return call;
                }
                // A lease may run out while nothing arrives.
                drop(tokio::time::timeout(Duration::from_secs(1), arrived).await);
            }
        };
        tokio::time::timeout(wait.min(WAIT_MAX), looking).await.ok()
    }

    /// Takes an answer in; false where nobody waits for it.
    pub fn answer(&self, call: u64, answered: Answered) -> bool {
        let mut queue = self.queue();
        let mut waiting = queue.waiting.iter_mut();
        let found = waiting.find(|waiting| waiting.call.call == call);
        let answer = found.and_then(|waiting| waiting.answer.take());
        answer.is_some_and(|answer| answer.send(answered).is_ok())
    }

    /// Calls that wait or are being answered, and when the far side last came for one.
    pub fn depth(&self) -> (usize, Option<Time>) {
        let queue = self.queue();
        (queue.waiting.len(), queue.came)
    }
}

impl std::fmt::Debug for Mailbox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (waiting, came) = self.depth();
        f.debug_struct("Mailbox")
            .field("waiting", &waiting)
            .field("came", &came)
            .finish()
    }
}

impl std::fmt::Debug for Call {
    /// Without the words and without the signature.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Call")
            .field("call", &self.call)
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}
