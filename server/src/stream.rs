//! Live events to the consoles: bounded, and a reader that falls behind is told to load anew.

use serde::Serialize;
use std::sync::Arc;
use tokio::sync::broadcast;

/// Events a slow reader may fall behind before it must load everything anew.
const BACKLOG_MAX: usize = 4096;

/// One server-sent event.
#[derive(Clone, Debug)]
pub(crate) struct StreamEvent {
    /// `warning`, `situation`, `delivery`, `call`, `signal`, `time`.
    pub(crate) name: &'static str,
    /// JSON of one item.
    pub(crate) json: Arc<str>,
}

/// The fan-out.
#[derive(Clone)]
pub(crate) struct Stream(broadcast::Sender<StreamEvent>);

impl Stream {
    /// A stream without readers.
    pub(crate) fn new() -> Self {
        Self(broadcast::channel(BACKLOG_MAX).0)
    }

    /// Sends one item to all present readers; nobody listening is no error.
    pub(crate) fn send<T: Serialize>(&self, name: &'static str, item: &T) {
        if self.0.receiver_count() == 0 {
            return;
        }
        if let Ok(json) = serde_json::to_string(item) {
            drop(self.0.send(StreamEvent {
                name,
                json: json.into(),
            }));
        }
    }

    /// A new reader.
    pub(crate) fn subscribe(&self) -> broadcast::Receiver<StreamEvent> {
        self.0.subscribe()
    }
}
