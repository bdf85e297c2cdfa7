//! Server-sent events for subscribed apps: one ring of events that every client reads at its own pace.
//!
//! A client costs a cursor, its areas and a waker, because the buffer is shared: the ring is the
//! bound. Who comes for the first time is told what is in force for them. Who falls further behind
//! than the ring is dropped and counted, comes back with `Last-Event-ID`, and where that is too old
//! is told to load the present state and what is in force. The transport (HTTP) belongs to the
//! server.

mod ring;

pub use ring::{Watched, around, is_within};

use super::{Proof, Receipt};
use bytes::Bytes;
use model::{AreaCode, Language, Time, WarningId};
use ring::{Client, Ring};
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
    /// What it is about: a later message takes its place where both speak.
    pub warning: WarningId,
    /// True where nothing is in force after it.
    pub is_end: bool,
    /// Nobody is told at or after this.
    pub not_after: Time,
    /// SSE `event`: `warning`, `ended`, …
    pub event: &'a str,
    /// Push token of the one app it is for; `None` for everybody who subscribed to its areas.
    pub to: Option<&'a str>,
    /// Areas it concerns. None means nobody.
    pub areas: &'a [AreaCode],
    /// Sites it concerns, by id: of those who answer for them.
    pub sites: &'a [String],
    /// JSON by language; a client in another language gets the working language nearest to it.
    pub words: &'a [(Language, String)],
}

/// What a client asks for.
#[derive(Clone, Debug)]
pub struct Subscription {
    /// Areas it lives in or watches.
    pub areas: Vec<Watched>,
    /// Language.
    pub language: Language,
    /// Push token of a responsible person's app: what is meant for that person alone.
    pub token: Option<String>,
    /// `Last-Event-ID`, as sent by a client that was here before.
    pub last: Option<u64>,
    /// When it comes.
    pub now: Time,
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

/// One client.
#[derive(Debug)]
pub struct Subscriber {
    hub: Arc<Hub>,
    newest: watch::Receiver<u64>,
    areas: Box<[Watched]>,
    token: Option<Box<str>>,
    language: Language,
    /// Number of the next event to look at.
    next: u64,
    reset: bool,
    /// What it is still told before that, the first last.
    before: Vec<Bytes>,
}

impl Hub {
    /// A hub that holds the last `events_max` events for at most `clients_max` clients.
    pub fn new(events_max: usize, clients_max: usize) -> Arc<Self> {
        Arc::new(Self {
            ring: RwLock::new(Ring {
                events: VecDeque::new(),
                events_max: events_max.max(1),
                first: 0,
                again: 0,
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
            ring.push(id, message);
        }
        let newest = ring.first + ring.events.len() as u64;
        drop(ring);
        self.newest.send_replace(newest);
        Receipt {
            reference: id.to_string(),
            proof: Proof::Accepted,
        }
    }

    /// Puts an event back that was sent before a restart, before any other is sent: who comes back
    /// may be told of it twice.
    pub fn send_again(&self, message: &PushMessage<'_>) {
        self.send(message);
        let mut ring = self.ring.write().unwrap_or_else(PoisonError::into_inner);
        ring.again = ring.first + ring.events.len() as u64;
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
        let client = Client {
            areas: &subscription.areas,
            token: subscription.token.as_deref(),
            language: subscription.language,
        };
        let begin = ring.begin(subscription.last, subscription.now, client);
        drop(ring);
        Ok(Subscriber {
            hub: Arc::clone(self),
            newest,
            areas: subscription.areas.into(),
            token: subscription.token.map(Into::into),
            language: subscription.language,
            next: begin.next,
            reset: begin.reset,
            before: begin.before,
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

impl Subscriber {
    /// Waits for the next bytes this client is to get. Safe to cancel.
    pub async fn next(&mut self) -> Next {
        if std::mem::take(&mut self.reset) {
            return Next::Frame(Bytes::from_static(RESET));
        }
        if let Some(frame) = self.before.pop() {
            return Next::Frame(frame);
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
            let client = Client {
                areas: &self.areas,
                token: self.token.as_deref(),
                language: self.language,
            };
            if let Some(frame) = event.frame(client) {
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

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;

    fn code(text: &str) -> AreaCode {
        AreaCode::parse(text).unwrap()
    }

    fn about(number: u64) -> WarningId {
        WarningId::parse(&format!("{number:024x}")).unwrap()
    }

    fn send(hub: &Hub, id: u64, area: &str) {
        hub.send(&PushMessage {
            key: &id.to_string(),
            at: Time::from_millis(i64::try_from(id).unwrap()),
            warning: about(1),
            is_end: false,
            not_after: Time::from_millis(1_000),
            event: "warning",
            to: None,
            areas: &[code(area)],
            sites: &[],
            words: &[
                (Language::Zh, format!("中{id}")),
                (Language::En, format!("en{id}")),
            ],
        });
    }

    fn subscribe(hub: &Arc<Hub>, area: &str, last: Option<u64>) -> Subscriber {
        hub.subscribe(Subscription {
            areas: vec![Watched::In(code(area))],
            token: None,
            language: Language::Zh,
            last,
            now: Time::from_millis(0),
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
        let mut city = subscribe(&hub, "440100000000", None);
        send(&hub, 1, "440106014000");
        send(&hub, 2, "440106015000");
        // Of the district something is said that is not true in the street: the street is not named.
        send(&hub, 3, "440106000000");
        send(&hub, 4, "440103000000");
        let first = now(&mut street).unwrap();
        assert_eq!(first, "id: 1\nevent: warning\ndata: 中1\n\n");
        assert_eq!(now(&mut street), None);
        assert!(now(&mut other).unwrap().contains("中4"));
        assert_eq!(now(&mut other), None);
        let all: Vec<String> = std::iter::from_fn(|| now(&mut city)).collect();
        assert_eq!(
            all.len(),
            4,
            "whoever watches the city hears of each place in it"
        );
    }

    #[test]
    fn nobody_is_everybody() {
        let hub = Hub::new(8, 8);
        let mut client = subscribe(&hub, "440100000000", None);
        hub.send(&PushMessage {
            key: "1",
            at: Time::from_millis(1),
            warning: about(1),
            is_end: false,
            not_after: Time::from_millis(1_000),
            event: "warning",
            to: None,
            areas: &[],
            sites: &[],
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
        assert!(now(&mut late).unwrap().contains("中6"), "what is in force");
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
            now: Time::from_millis(0),
        };
        let mut mine = hub.subscribe(owner("app-1")).unwrap();
        let mut other = hub.subscribe(owner("app-2")).unwrap();
        hub.send(&PushMessage {
            key: "1",
            at: Time::from_millis(1),
            warning: about(1),
            is_end: false,
            not_after: Time::from_millis(1_000),
            event: "reminder",
            to: Some("app-1"),
            areas: &[code("440106014000")],
            sites: &[],
            words: &[(Language::Zh, "到场".into())],
        });
        assert!(now(&mut mine).unwrap().contains("到场"));
        assert_eq!((now(&mut public), now(&mut other)), (None, None));
    }

    /// What somebody hears who comes at a time, all of it.
    fn heard(
        hub: &Arc<Hub>,
        area: &str,
        token: Option<&str>,
        last: Option<u64>,
        at: i64,
    ) -> String {
        let subscription = Subscription {
            areas: vec![Watched::In(code(area))],
            token: token.map(str::to_owned),
            language: Language::En,
            last,
            now: Time::from_millis(at),
        };
        let mut client = hub.subscribe(subscription).unwrap();
        let frames: Vec<String> = std::iter::from_fn(|| now(&mut client)).collect();
        let data = frames.iter().flat_map(|frame| frame.lines());
        let data: Vec<&str> = data
            .filter_map(|line| line.strip_prefix("data: "))
            .collect();
        data.join(" ")
    }

    #[test]
    fn who_comes_for_the_first_time_is_told_what_is_in_force_for_them() {
        const STREET: &str = "440106014000";
        const DISTRICT: &str = "440106000000";
        let hub = Hub::new(64, 8);
        let say = |words: &str, number: u64, areas: &[&str], to: Option<&str>, is_end: bool| {
            let areas: Vec<AreaCode> = areas.iter().map(|area| code(area)).collect();
            hub.send(&PushMessage {
                key: words,
                at: Time::from_millis(1),
                warning: about(number),
                is_end,
                not_after: Time::from_millis(if words == "short" { 50 } else { 1_000 }),
                event: "warning",
                to,
                areas: &areas,
                sites: &[],
                words: &[(Language::En, words.into())],
            });
        };
        say("alert", 1, &[STREET, "440106015000"], None, false);
        say("rise", 1, &[STREET], None, false);
        say("short", 2, &[DISTRICT, STREET], None, false);
        say("mine", 1, &[STREET], Some("app"), false);
        say("over", 3, &[STREET], None, false);
        say("end", 3, &[STREET], None, true);
        assert_eq!(heard(&hub, STREET, None, None, 9), "rise short");
        assert_eq!(heard(&hub, STREET, None, None, 99), "rise", "past its time");
        assert_eq!(heard(&hub, "440106015000", None, None, 99), "alert");
        assert_eq!(heard(&hub, DISTRICT, None, None, 99), "alert rise");
        assert_eq!(heard(&hub, STREET, Some("app"), None, 99), "rise mine");
        assert_eq!(heard(&hub, STREET, Some("other"), None, 99), "rise");
        assert_eq!(heard(&hub, "440103000000", None, None, 9), "");
        // Who was here before hears what came since, an end above all.
        assert_eq!(heard(&hub, STREET, None, Some(5), 9), "end");
    }

    #[test]
    fn after_a_restart_nothing_is_missed_whatever_ids_were_given() {
        let hub = Hub::new(64, 8);
        let again = |id: u64| {
            hub.send_again(&PushMessage {
                key: &id.to_string(),
                at: Time::from_millis(i64::try_from(id).unwrap()),
                warning: about(1),
                is_end: false,
                not_after: Time::from_millis(i64::MAX),
                event: "warning",
                to: None,
                areas: &[code("440106000000")],
                sites: &[],
                words: &[(Language::En, format!("en{id}"))],
            });
        };
        again(100_000);
        again(200_000);
        again(200_001);
        let heard = |last| heard(&hub, "440106000000", None, Some(last), 1);
        // It may have been another that had this id before.
        assert_eq!(heard(200_000), "en200000 en200001");
        assert_eq!(heard(200_900), "en200000 en200001");
        send(&hub, 400_000, "440106000000");
        assert_eq!(heard(300_000), "en400000");
        assert_eq!(heard(400_000), "");
        assert_eq!(heard(200_000), "en200000 en200001 en400000");
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
            now: Time::from_millis(0),
        };
        assert_eq!(
            hub.subscribe(again.clone()).unwrap_err(),
            SubscribeError::Full(1)
        );
        drop(client);
        let many = Subscription {
            areas: vec![Watched::In(code("440100000000")); AREAS_MAX + 1],
            ..again
        };
        assert_eq!(hub.subscribe(many).unwrap_err(), SubscribeError::Areas(65));
        let mut english = hub
            .subscribe(Subscription {
                areas: vec![Watched::In(code("440100000000"))],
                token: None,
                language: Language::En,
                last: None,
                now: Time::from_millis(0),
            })
            .unwrap();
        hub.send(&PushMessage {
            key: "1",
            at: Time::from_millis(1),
            warning: about(1),
            is_end: false,
            not_after: Time::from_millis(1_000),
            event: "a\nb",
            to: None,
            areas: &[code("440100000000")],
            sites: &[],
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
        assert!(size_of::<Subscriber>() <= 96, "{}", size_of::<Subscriber>());
    }
}
