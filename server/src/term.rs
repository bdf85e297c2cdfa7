//! For how long a loop serves a zone or a link: until the process ends, or another one is to take it.

use crate::app::App;
use std::sync::Arc;
use tokio::sync::watch;

/// The time in which one loop serves.
#[derive(Clone)]
pub(crate) struct Term {
    app: Arc<App>,
    revoked: watch::Receiver<bool>,
}

impl Term {
    /// One that lasts until `revoked` says true, or the app stops.
    pub(crate) const fn new(app: Arc<App>, revoked: watch::Receiver<bool>) -> Self {
        Self { app, revoked }
    }

    /// True once the loop should end.
    pub(crate) fn is_over(&self) -> bool {
        self.app.stopping() || *self.revoked.borrow()
    }

    /// Waits until the loop should end.
    pub(crate) async fn over(&self) {
        let mut revoked = self.revoked.clone();
        tokio::select! {
            () = self.app.stopped() => {}
            // A supervisor that is gone has ended the process.
            _ = revoked.wait_for(|revoked| *revoked) => {}
        }
    }
}
