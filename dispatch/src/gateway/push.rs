//! Server-sent events for subscribed apps: one ring of events that every client reads at its own pace.
//!
//! A client costs a cursor, its areas and a waker, because the buffer is shared: the ring is the
//! bound. Who falls further behind than the ring is dropped and counted, comes back with
//! `Last-Event-ID`, and is told to load the present state where that is too old. The transport
//! (HTTP) belongs to the server.

use super::{Proof, Receipt};
use bytes::Bytes;
use model::{AreaCode, Language, Time};
use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use tokio::sync::watch;

/// A comment that keeps a quiet connection open through proxies.
pub const KEEP_ALIVE: &[u8] = b":\n\n";
/// Told to a client whose last event is not in the ring: load the present state, then go on.
pub const RESET: &[u8] = b"event: reset\ndata: {}\n\n";

/// What is pushed.
#[derive(Clone, Debug)]
pub struct PushMessage<'a> {
    /// What it is known by: a message that is still held is not put before anybody twice.
    pub key: &'a str,
    /// When it was made: ids rise from there, so that they go on rising after a restart.
    pub at: Time,
    /// SSE `event`: `warning`, `ended`, …
    pub event: &'a str,
    /// Push token of the one app it is for; `None` for everybody who subscribed to its areas.
    pub to: Option<&'a str>,
    /// Areas it concerns. None means nobody.
    pub areas: &'a [AreaCode],
    /// JSON by language; a client in another language gets the first.
    pub words: &'a [(Language, String)],
}

/// What a client asks for.
#[derive(Clone, Debug)]
pub struct Subscription {
    /// Areas it lives in or watches; an event for a larger or a smaller area around them counts.
    pub areas: Vec<AreaCode>,
    /// Language.
    pub language: Language,
    /// Push token of a responsible person's app: what is meant for that person alone.
    pub token: Option<String>,
    /// `Last-Event-ID`, as sent by a client that was here before.
    pub last: Option<u64>,
}

/// Why a client is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SubscribeError {
    /// At the bound.
    #[error("{0} clients are connected, the most allowed: try again later")]
    Full(usize),
    /// More areas than anybody watches.
    #[error("{0} areas are more than the {AREAS_MAX} allowed")]
    Areas(usize),
}

/// Areas of one subscription at most.
pub const AREAS_MAX: usize = 64;

/// What comes next for a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// Bytes to write.
    Frame(Bytes),
    /// It fell behind the ring: close the connection, it will come back.
    Dropped,
    /// The hub is gone: close the connection.
    Closed,
}

/// The events and who is there.
#[derive(Debug)]
pub struct Hub {
    ring: RwLock<Ring>,
    newest: watch::Sender<u64>,
    clients: AtomicUsize,
    clients_max: usize,
    dropped: AtomicU64,
}

#[derive(Debug)]
struct Ring {
    events: VecDeque<Held>,
    events_max: usize,
    /// Number of the first event held; numbers count events, not journal positions.
    first: u64,
}

#[derive(Debug)]
struct Held {
    id: u64,
    key: Box<str>,
    to: Option<Box<str>>,
    areas: Box<[AreaCode]>,
    frames: Box<[(Language, Bytes)]>,
}

/// One client.
#[derive(Debug)]
pub struct Subscriber {
    hub: Arc<Hub>,
    newest: watch::Receiver<u64>,
    areas: Box<[AreaCode]>,
    token: Option<Box<str>>,
    language: Language,
    /// Number of the next event to look at.
    next: u64,
    reset: bool,
}

impl Hub {
    /// A hub that holds the last `events_max` events for at most `clients_max` clients.
    pub fn new(events_max: usize, clients_max: usize) -> Arc<Self> {
        Arc::new(Self {
            ring: RwLock::new(Ring {
                events: VecDeque::new(),
                events_max: events_max.max(1),
                first: 0,
            }),
            newest: watch::Sender::new(0),
            clients: AtomicUsize::new(0),
            clients_max,
            dropped: AtomicU64::new(0),
        })
    }

    /// Puts an event before all it concerns. A key that is held already is a repeat and changes
    /// nothing.
    pub fn send(&self, message: &PushMessage<'_>) -> Receipt {
        let mut ring = self.ring.write().unwrap_or_else(PoisonError::into_inner);
        let held = ring.events.iter().find(|e| *e.key == *message.key);
        let known = held.map(|held| held.id);
        let made = u64::try_from(message.at.millis()).unwrap_or(0);
        let newest = ring.events.back().map_or(0, |event| event.id);
        let id = known.unwrap_or(made.max(newest + 1));
        if known.is_none() {
            if ring.events.len() == ring.events_max {
                ring.events.pop_front();
                ring.first += 1;
            }
            ring.events.push_back(Held {
                id,
                key: message.key.into(),
                to: message.to.map(Into::into),
                areas: message.areas.into(),
                frames: frames(id, message),
            });
        }
        let newest = ring.first + ring.events.len() as u64;
        drop(ring);
        self.newest.send_replace(newest);
        Receipt {
            reference: id.to_string(),
            proof: Proof::Accepted,
        }
    }

    /// Takes a client on.
    ///
    /// # Errors
    /// The hub is full, or the client asks for too much.
    pub fn subscribe(
        self: &Arc<Self>,
        subscription: Subscription,
    ) -> Result<Subscriber, SubscribeError> {
        if subscription.areas.len() > AREAS_MAX {
            return Err(SubscribeError::Areas(subscription.areas.len()));
        }
        let there = self.clients.fetch_add(1, Ordering::Relaxed);
        if there >= self.clients_max {
            self.clients.fetch_sub(1, Ordering::Relaxed);
            return Err(SubscribeError::Full(self.clients_max));
        }
        let newest = self.newest.subscribe();
        let ring = self.ring.read().unwrap_or_else(PoisonError::into_inner);
        let (next, reset) = ring.resume(subscription.last);
        drop(ring);
        Ok(Subscriber {
            hub: Arc::clone(self),
            newest,
            areas: subscription.areas.into(),
            token: subscription.token.map(Into::into),
            language: subscription.language,
            next,
            reset,
        })
    }

    /// Clients connected.
    pub fn clients(&self) -> usize {
        self.clients.load(Ordering::Relaxed)
    }

    /// Clients dropped since the start because they read too slowly.
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }
}

impl Ring {
    /// Where a client goes on, and whether it has missed what can no longer be told.
    fn resume(&self, last: Option<u64>) -> (u64, bool) {
        let end = self.first + self.events.len() as u64;
        let Some(last) = last else {
            return (end, false);
        };
        let known = self.events.partition_point(|e| e.id <= last) as u64;
        // Nothing older held: what lay between is not known to have been seen.
        let reset = known == 0;
        (if reset { end } else { self.first + known }, reset)
    }
}

impl Subscriber {
    /// Waits for the next bytes this client is to get. Safe to cancel.
    pub async fn next(&mut self) -> Next {
        if std::mem::take(&mut self.reset) {
            return Next::Frame(Bytes::from_static(RESET));
        }
        loop {
            self.newest.borrow_and_update();
            match self.look() {
                Some(next) => return next,
                None if self.newest.changed().await.is_err() => return Next::Closed,
                None => {}
            }
        }
    }

    fn look(&mut self) -> Option<Next> {
        let ring = self.hub.ring.read().unwrap_or_else(PoisonError::into_inner);
        let Some(skip) = self.next.checked_sub(ring.first) else {
            self.hub.dropped.fetch_add(1, Ordering::Relaxed);
            self.next = ring.first + ring.events.len() as u64;
            return Some(Next::Dropped);
        };
        let rest = ring
            .events
            .iter()
            .skip(usize::try_from(skip).unwrap_or(usize::MAX));
        for event in rest {
            self.next += 1;
            if let Some(frame) = event.frame(&self.areas, self.token.as_deref(), self.language) {
                return Some(Next::Frame(frame));
            }
        }
        None
    }
}

impl Drop for Subscriber {
    fn drop(&mut self) {
        self.hub.clients.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Held {
    fn frame(
        &self,
        watched: &[AreaCode],
        token: Option<&str>,
        language: Language,
    ) -> Option<Bytes> {
        let is_there = |area: &AreaCode| watched.iter().any(|w| related(*area, *w));
        let concerned = match &self.to {
            Some(to) => token == Some(to),
            None => self.areas.iter().any(is_there),
        };
        if !concerned {
            return None;
        }
        let own = self.frames.iter().find(|(l, _)| *l == language);
        own.or(self.frames.first()).map(|(_, frame)| frame.clone())
    }
}

/// True where one is the other or lies within it, by the levels of GB/T 2260: 4, 6, 9, 12 digits.
pub fn related(a: AreaCode, b: AreaCode) -> bool {
    let unit = unit(a).max(unit(b));
    a.number() / unit == b.number() / unit
}

fn unit(code: AreaCode) -> u64 {
    [100_000_000, 1_000_000, 1_000]
        .into_iter()
        .find(|unit| code.number().is_multiple_of(*unit))
        .unwrap_or(1)
}

/// SSE (HTML Living Standard §9.2): each line of the data has its own `data:`.
fn frames(id: u64, message: &PushMessage<'_>) -> Box<[(Language, Bytes)]> {
    let event: String = message.event.chars().filter(|c| !c.is_control()).collect();
    let frame = |words: &String| {
        let mut text = format!("id: {id}\nevent: {event}\n");
        for line in words.split(['\n', '\r']) {
            text.push_str("data: ");
            text.push_str(line);
            text.push('\n');
        }
        text.push('\n');
        Bytes::from(text)
    };
    message
        .words
        .iter()
        .map(|(language, words)| (*language, frame(words)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;

    fn code(text: &str) -> AreaCode {
        AreaCode::parse(text).unwrap()
    }

    fn send(hub: &Hub, id: u64, area: &str) {
        hub.send(&PushMessage {
            key: &id.to_string(),
            at: Time::from_millis(i64::try_from(id).unwrap()),
            event: "warning",
            to: None,
            areas: &[code(area)],
            words: &[
                (Language::Zh, format!("中{id}")),
                (Language::En, format!("en{id}")),
            ],
        });
    }

    fn subscribe(hub: &Arc<Hub>, area: &str, last: Option<u64>) -> Subscriber {
        hub.subscribe(Subscription {
            areas: vec![code(area)],
            token: None,
            language: Language::Zh,
            last,
        })
        .unwrap()
    }

    fn now(client: &mut Subscriber) -> Option<String> {
        client.next().now_or_never().map(|next| match next {
            Next::Frame(bytes) => String::from_utf8(bytes.to_vec()).unwrap(),
            Next::Dropped => "dropped".into(),
            Next::Closed => "closed".into(),
        })
    }

    #[test]
    fn a_client_gets_what_concerns_its_place() {
        let hub = Hub::new(8, 8);
        let mut street = subscribe(&hub, "440106014000", None);
        let mut other = subscribe(&hub, "440103000000", None);
        send(&hub, 1, "440106000000");
        send(&hub, 2, "440106015000");
        send(&hub, 3, "440100000000");
        let first = now(&mut street).unwrap();
        assert_eq!(first, "id: 1\nevent: warning\ndata: 中1\n\n");
        assert!(now(&mut street).unwrap().contains("中3"));
        assert_eq!(now(&mut street), None);
        assert!(now(&mut other).unwrap().contains("中3"));
    }

    #[test]
    fn nobody_is_everybody() {
        let hub = Hub::new(8, 8);
        let mut client = subscribe(&hub, "440100000000", None);
        hub.send(&PushMessage {
            key: "1",
            at: Time::from_millis(1),
            event: "warning",
            to: None,
            areas: &[],
            words: &[(Language::Zh, "x".into())],
        });
        assert_eq!(now(&mut client), None);
    }

    #[test]
    fn a_slow_client_is_dropped_and_resumes() {
        let hub = Hub::new(4, 8);
        let mut slow = subscribe(&hub, "440100000000", None);
        for id in 1..=6 {
            send(&hub, id, "440100000000");
        }
        assert_eq!(now(&mut slow).unwrap(), "dropped");
        assert_eq!(hub.dropped(), 1);
        drop(slow);
        let mut back = subscribe(&hub, "440100000000", Some(4));
        assert!(now(&mut back).unwrap().contains("中5"));
        assert!(now(&mut back).unwrap().contains("中6"));
        assert_eq!(now(&mut back), None);
        let mut late = subscribe(&hub, "440100000000", Some(1));
        assert!(now(&mut late).unwrap().contains("event: reset"));
        assert_eq!(now(&mut late), None);
        assert_eq!(hub.clients(), 2);
    }

    #[test]
    fn a_repeat_rings_nobody_and_what_was_made_earlier_is_not_lost() {
        let hub = Hub::new(4, 8);
        let mut client = subscribe(&hub, "440100000000", None);
        send(&hub, 7, "440100000000");
        send(&hub, 7, "440100000000");
        send(&hub, 6, "440100000000");
        assert!(now(&mut client).unwrap().contains("中7"));
        let later = now(&mut client).unwrap();
        assert!(
            later.contains("中6") && later.starts_with("id: 8\n"),
            "{later}"
        );
        assert_eq!(now(&mut client), None);
    }

    #[test]
    fn what_is_meant_for_one_person_reaches_their_app_alone() {
        let hub = Hub::new(4, 8);
        let mut public = subscribe(&hub, "440106014000", None);
        let owner = |token: &str| Subscription {
            areas: Vec::new(),
            token: Some(token.into()),
            language: Language::Zh,
            last: None,
        };
        let mut mine = hub.subscribe(owner("app-1")).unwrap();
        let mut other = hub.subscribe(owner("app-2")).unwrap();
        hub.send(&PushMessage {
            key: "1",
            at: Time::from_millis(1),
            event: "reminder",
            to: Some("app-1"),
            areas: &[code("440106014000")],
            words: &[(Language::Zh, "到场".into())],
        });
        assert!(now(&mut mine).unwrap().contains("到场"));
        assert_eq!((now(&mut public), now(&mut other)), (None, None));
    }

    #[test]
    fn bounds_and_lines() {
        let hub = Hub::new(4, 1);
        let client = subscribe(&hub, "440100000000", None);
        let again = Subscription {
            areas: vec![],
            token: None,
            language: Language::En,
            last: None,
        };
        assert_eq!(
            hub.subscribe(again.clone()).unwrap_err(),
            SubscribeError::Full(1)
        );
        drop(client);
        let many = Subscription {
            areas: vec![code("440100000000"); AREAS_MAX + 1],
            ..again
        };
        assert_eq!(hub.subscribe(many).unwrap_err(), SubscribeError::Areas(65));
        let mut english = hub
            .subscribe(Subscription {
                areas: vec![code("440100000000")],
                token: None,
                language: Language::En,
                last: None,
            })
            .unwrap();
        hub.send(&PushMessage {
            key: "1",
            at: Time::from_millis(1),
            event: "a\nb",
            to: None,
            areas: &[code("440100000000")],
            words: &[(Language::En, "one\ntwo".into())],
        });
        assert_eq!(
            now(&mut english).unwrap(),
            "id: 1\nevent: ab\ndata: one\ndata: two\n\n"
        );
    }

    #[test]
    fn a_waiting_client_is_woken() {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        runtime.block_on(async {
            let hub = Hub::new(4, 8);
            let mut client = subscribe(&hub, "440100000000", None);
            let waiting = tokio::spawn(async move { client.next().await });
            tokio::task::yield_now().await;
            send(&hub, 1, "440100000000");
            assert!(matches!(waiting.await.unwrap(), Next::Frame(_)));
        });
    }

    #[test]
    fn a_client_is_small() {
        assert!(size_of::<Subscriber>() <= 80, "{}", size_of::<Subscriber>());
    }
}
