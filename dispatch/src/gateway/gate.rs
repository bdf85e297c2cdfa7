//! The way to one far side: so many at once, so many waiting, and none while it is ill.

use super::breaker::{Breaker, Circuit};
use super::notice::Unsent;
use model::{SendError, Span, Time};
use std::future::Future;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use tokio::sync::Semaphore;

/// Tokens that a service may call retired in a row: of more the account, not the phones, is at fault,
/// and nobody else's token is given up for it.
const RETIRED_MAX: usize = 20;

/// How a far side is treated.
#[derive(Clone, Copy, Debug)]
pub struct GateConfig {
    /// Calls at the same time.
    pub in_flight_max: usize,
    /// Calls that may wait for their turn; more are turned away at once.
    pub waiting_max: usize,
    /// Failures in a row after which it is left alone.
    pub failures_max: u32,
    /// How long it is left alone.
    pub pause: Span,
}

/// One far side.
#[derive(Debug)]
pub(crate) struct Gate {
    name: String,
    config: GateConfig,
    turns: Semaphore,
    waiting: AtomicUsize,
    breaker: Mutex<Breaker>,
    /// Tokens called retired since the far side last took something.
    retired: AtomicUsize,
}

impl Gate {
    /// The way to `name`, which has not been called.
    pub(crate) fn new(name: &str, config: GateConfig) -> Self {
        Self {
            name: name.to_owned(),
            turns: Semaphore::new(config.in_flight_max.max(1)),
            waiting: AtomicUsize::new(0),
            breaker: Mutex::new(Breaker::new(config.failures_max, config.pause)),
            retired: AtomicUsize::new(0),
            config,
        }
    }

    /// Makes a call in its turn.
    ///
    /// # Errors
    /// Those of the call; transient where the queue is full or the far side is left alone.
    pub(crate) async fn through<T>(
        &self,
        at: Time,
        call: impl Future<Output = Result<T, Unsent>>,
    ) -> Result<T, Unsent> {
        let name = &self.name;
        let place = Place::take(&self.waiting, self.config.waiting_max)
            .ok_or_else(|| Unsent::transient(format!("{name}: its queue is full")))?;
        let turn = self.turns.acquire().await;
        drop(place);
        let _turn = turn.map_err(|_| Unsent::transient(format!("{name}: shutting down")))?;
        if !self.with_breaker(|breaker| breaker.admits(at)) {
            return Err(Unsent::transient(format!(
                "{name}: left alone after {} failures in a row",
                self.config.failures_max
            )));
        }
        let result = self.believed(call.await);
        self.with_breaker(|breaker| match &result {
            // A refusal is an answer: the far side is well.
            Ok(_)
            | Err(
                Unsent::Retired(_) | Unsent::Throttled(_) | Unsent::Send(SendError::Permanent(_)),
            ) => breaker.succeeded(),
            Err(Unsent::Send(SendError::Transient(_) | SendError::Uncertain(_))) => {
                breaker.failed(at);
            }
        });
        result
    }

    /// Doubts a service that calls one token after the other retired: a wrong project, environment
    /// or key of ours looks the same.
    fn believed<T>(&self, result: Result<T, Unsent>) -> Result<T, Unsent> {
        match result {
            Ok(taken) => {
                self.retired.store(0, Ordering::Relaxed);
                Ok(taken)
            }
            Err(Unsent::Retired(why)) => {
                if self.retired.fetch_add(1, Ordering::Relaxed) < RETIRED_MAX {
                    return Err(Unsent::Retired(why));
                }
                Err(Unsent::transient(format!(
                    "{}: {RETIRED_MAX} tokens in a row are called retired, is the account the right \
                     one? {why}",
                    self.name
                )))
            }
            Err(error @ (Unsent::Throttled(_) | Unsent::Send(_))) => Err(error),
        }
    }

    /// Calls waiting for their turn.
    pub(crate) fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }

    /// Whether the far side is being left alone.
    pub(crate) fn circuit(&self) -> Circuit {
        self.with_breaker(|breaker| breaker.circuit())
    }

    fn with_breaker<T>(&self, act: impl FnOnce(&mut Breaker) -> T) -> T {
        act(&mut self.breaker.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// A place in the queue, given back also where the caller stops waiting.
struct Place<'a>(&'a AtomicUsize);

impl<'a> Place<'a> {
    fn take(waiting: &'a AtomicUsize, max: usize) -> Option<Self> {
        let place = Self(waiting);
        (waiting.fetch_add(1, Ordering::Relaxed) < max).then_some(place)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gate() -> Gate {
        let config = GateConfig {
            in_flight_max: 1,
            waiting_max: 1,
            failures_max: 1_000,
            pause: Span::from_seconds(1),
        };
        Gate::new("fcm", config)
    }

    #[tokio::test]
    async fn a_service_that_calls_everybody_retired_is_doubted() {
        let (gate, at) = (gate(), Time::from_seconds(0));
        let gone = async || {
            gate.through(at, async { Err::<(), _>(Unsent::Retired("410".into())) })
                .await
        };
        for _ in 0..RETIRED_MAX {
            assert!(matches!(gone().await, Err(Unsent::Retired(_))));
        }
        let doubted = gone().await.unwrap_err();
        assert!(
            matches!(&doubted, Unsent::Send(SendError::Transient(_))),
            "{doubted}"
        );
        gate.through(at, async { Ok(()) }).await.unwrap();
        assert!(
            matches!(gone().await, Err(Unsent::Retired(_))),
            "one that took a message is believed"
        );
    }
}
