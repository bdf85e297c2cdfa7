//! Which zones and links this process serves: each granted one gets a thread, for as long as it is
//! not revoked.
//!
//! What a thread has on its way when its partition goes to another process in peace is finished
//! first; what it writes after that is refused by the journal, so that nothing is served twice.

use crate::app::App;
use crate::term::Term;
use journal::{Claim, Claims, JournalError, Partition, Release};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::sync::watch;

/// Between two looks at the threads.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// How long a partition may be ours by its group and refused by the journal: what takes longer is no
/// change of owners.
const DOUBT_LOOKS: u32 = 3_000;

/// How the service of a partition ended.
pub(crate) type Served = Result<(), Ended>;

/// Why a partition is served no more.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Ended {
    /// Another process writes for it now.
    #[error("{0}")]
    Fenced(String),
    /// Something failed.
    #[error("{0}")]
    Failed(String),
}

impl Ended {
    /// What an error of the journal comes to.
    pub(crate) fn by(error: &JournalError) -> Self {
        if matches!(error, JournalError::Fenced { .. }) {
            Self::Fenced(error.to_string())
        } else {
            Self::Failed(error.to_string())
        }
    }
}

/// Serves one partition until its term is over.
pub(crate) type Service = Box<dyn FnOnce(Term) -> Served + Send>;

struct Worker {
    revoke: watch::Sender<bool>,
    thread: Option<JoinHandle<Served>>,
    release: Option<Release>,
    doubted: u32,
}

/// Serves what `claims` grants until the app stops and the last thread has ended; `service` gives
/// what serves a partition, nothing for one that needs none. `what` names it: `zone`, `link`.
pub(crate) fn serve(
    app: &Arc<App>,
    what: &str,
    claims: &Claims,
    mut service: impl FnMut(Partition) -> Option<Service>,
) {
    let mut workers: BTreeMap<Partition, Worker> = BTreeMap::new();
    loop {
        let claim = claims.next(LOOK_EVERY);
        match claim {
            Some(Claim::Granted(_, partition)) if !app.stopping() => {
                if let Some(mut before) = workers.remove(&partition) {
                    before.finish();
                }
                if let Some(service) = service(partition) {
                    tracing::debug!(what, partition = partition.0, "granted");
                    match begin(app, what, partition, service) {
                        Ok(worker) => drop(workers.insert(partition, worker)),
                        Err(error) => app.fail(format!("cannot start a thread: {error}")),
                    }
                }
            }
            Some(Claim::Revoked(_, partition, release)) => {
                tracing::info!(what, partition = partition.0, "goes to another process");
                if let Some(worker) = workers.get_mut(&partition) {
                    worker.revoke.send_replace(true);
                    worker.release = Some(release);
                }
            }
            Some(Claim::Granted(..)) | None => {}
        }
        workers.retain(|partition, worker| worker.look(app, what, *partition));
        if app.stopping() && workers.is_empty() {
            return;
        }
    }
}

fn begin(
    app: &Arc<App>,
    what: &str,
    partition: Partition,
    service: Service,
) -> Result<Worker, std::io::Error> {
    let (revoke, revoked) = watch::channel(false);
    let term = Term::new(Arc::clone(app), revoked);
    let thread = std::thread::Builder::new()
        .name(format!("{what}-{partition}"))
        .spawn(move || service(term))?;
    Ok(Worker {
        revoke,
        thread: Some(thread),
        release: None,
        doubted: 0,
    })
}

impl Worker {
    /// Waits for a thread whose time is over: two of one partition would write beside each other.
    fn finish(&mut self) {
        self.revoke.send_replace(true);
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }

    /// Sees whether its thread has ended and why; false once nothing is left of it.
    fn look(&mut self, app: &App, what: &str, partition: Partition) -> bool {
        if let Some(thread) = self.thread.take_if(|thread| thread.is_finished()) {
            match thread.join() {
                Ok(Ok(())) => {}
                Ok(Err(Ended::Fenced(why))) => {
                    tracing::warn!(what, partition = partition.0, why, "served elsewhere now");
                }
                Ok(Err(Ended::Failed(why))) => app.fail(format!("{what} {partition}: {why}")),
                Err(_) => app.fail(format!("{what} {partition}: its thread ended by a fault")),
            }
        }
        if self.thread.is_some() {
            return true;
        }
        if self.release.take().is_some() || app.stopping() || *self.revoke.borrow() {
            return false;
        }
        // Fenced before the group said so: it will, unless somebody writes under our names.
        self.doubted += 1;
        if self.doubted == DOUBT_LOOKS {
            app.fail(format!(
                "{what} {partition}: another process writes for it and its group gives it to this \
                 one: is there a second deployment with this prefix?"
            ));
        }
        true
    }
}
