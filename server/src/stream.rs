//! Live events to the consoles: bounded, and a reader that falls behind is told to load anew.

use serde::Serialize;
use std::sync::Arc;
use tokio::sync::broadcast;

/// Events a slow reader may fall behind before it must load everything anew.
const BACKLOG_MAX: usize = 4096;

/// One server-sent event.
#[derive(Clone, Debug)]
pub(crate) struct StreamEvent {
    /// `warning`, `situation`, `delivery`, `call`, `signal`, `timeline`, `time`.
    pub(crate) name: &'static str,
    /// JSON of one item, for the people of the installation.
    pub(crate) json: Arc<str>,
    /// What everybody may see of it.
    pub(crate) public: Option<Arc<str>>,
}

/// The fan-out.
#[derive(Clone)]
pub(crate) struct Stream(broadcast::Sender<StreamEvent>);

impl Stream {
    /// A stream without readers.
    pub(crate) fn new() -> Self {
        Self(broadcast::channel(BACKLOG_MAX).0)
    }

    /// Sends one item to the readers who are people of the installation; nobody listening is no
    /// error.
    pub(crate) fn send<T: Serialize>(&self, name: &'static str, item: &T) {
        self.send_each(name, item, None);
    }

    /// Sends one item to all readers.
    pub(crate) fn send_open<T: Serialize>(&self, name: &'static str, item: &T) {
        self.send_each(name, item, Some(item));
    }

    /// Sends one item to the people of the installation, and to everybody what they may see of it.
    pub(crate) fn send_each<T: Serialize>(&self, name: &'static str, item: &T, public: Option<&T>) {
        if self.0.receiver_count() == 0 {
            return;
        }
        let text = |item: &T| serde_json::to_string(item).ok().map(Arc::<str>::from);
        if let Some(json) = text(item) {
            let public = public.and_then(text);
            drop(self.0.send(StreamEvent { name, json, public }));
        }
    }

    /// A new reader.
    pub(crate) fn subscribe(&self) -> broadcast::Receiver<StreamEvent> {
        self.0.subscribe()
    }
}
