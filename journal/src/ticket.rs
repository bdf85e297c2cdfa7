//! The promise that a submitted batch is on disk.

use crate::{Assigned, JournalError};
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::sync::oneshot::{self, error::TryRecvError};

/// What the journal answers once a batch is durable.
pub type Outcome = Result<Vec<Assigned>, JournalError>;

/// Resolves once the batch is durable, or never will be. Wait in a thread, or await.
///
/// Dropping it gives up the answer, not the write.
#[derive(Debug)]
#[must_use = "a batch is durable only once its ticket says so"]
pub struct Ticket(oneshot::Receiver<Outcome>);

/// The journal's end of a [`Ticket`], for implementations of [`crate::Journal`]. One that is dropped
/// answers [`JournalError::Closed`].
#[derive(Debug)]
#[must_use = "somebody waits for the ticket"]
pub struct Promise(oneshot::Sender<Outcome>);

impl Ticket {
    /// Both ends, for implementations of [`crate::Journal`].
    pub fn pair() -> (Promise, Self) {
        let (sender, receiver) = oneshot::channel();
        (Promise(sender), Self(receiver))
    }

    /// Blocks the thread until the batch is durable. Not for async tasks: await there.
    pub fn wait(self) -> Outcome {
        self.0.blocking_recv().unwrap_or(Err(JournalError::Closed))
    }

    /// The answer if it is there, without waiting; ask once more only after `None`.
    pub fn now(&mut self) -> Option<Outcome> {
        match self.0.try_recv() {
            Ok(outcome) => Some(outcome),
            Err(TryRecvError::Empty) => None,
            Err(TryRecvError::Closed) => Some(Err(JournalError::Closed)),
        }
    }
}

impl Future for Ticket {
    type Output = Outcome;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Outcome> {
        Pin::new(&mut self.0)
            .poll(context)
            .map(|answer| answer.unwrap_or(Err(JournalError::Closed)))
    }
}

impl Promise {
    /// Answers; a dropped ticket is no concern.
    pub fn keep(self, outcome: Outcome) {
        drop(self.0.send(outcome));
    }
}
