//! A disk that is full for a while: what is sent is refused or waits, nothing is lost and nothing
//! ends.

use super::*;
use crate::courier::Single;
use crate::people::{Person, Scope, token_hash};
use crate::signals::follow;
use dispatch::gateway::cap::poll::{PollConfig, Poller};
use dispatch::gateway::http::{self, ClientConfig};
use journal::disk::{Blocks, Medium, RealMedium};
use journal::{Batch, DiskJournal, JournalError, Priority, Ticket};
use model::{Order, Zone};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A real folder of which the free space can be taken away.
struct Narrow {
    real: RealMedium,
    is_full: Arc<AtomicBool>,
}

impl Medium for Narrow {
    fn create(&self, name: &str) -> io::Result<Arc<dyn Blocks>> {
        if self.is_full.load(Ordering::Acquire) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.real.create(name)
    }
    fn open(&self, name: &str) -> io::Result<Arc<dyn Blocks>> {
        self.real.open(name)
    }
    fn list(&self) -> io::Result<Vec<String>> {
        self.real.list()
    }
    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.real.rename(from, to)
    }
    fn remove(&self, name: &str) -> io::Result<()> {
        self.real.remove(name)
    }
    fn sync_names(&self) -> io::Result<()> {
        self.real.sync_names()
    }
    fn free_bytes(&self) -> io::Result<u64> {
        if self.is_full.load(Ordering::Acquire) {
            return Ok(0);
        }
        self.real.free_bytes()
    }
}

/// A service on a disk whose space its test can take away.
pub(crate) struct Cramped {
    pub(crate) running: Running,
    is_full: Arc<AtomicBool>,
    /// What fills the rest of the segments.
    filler: Vec<Ticket>,
}

/// The token of somebody who may post signals and observations.
const TOKEN: &str = "weather";

impl Cramped {
    pub(crate) async fn serve(folder: &Path, links: Links) -> Self {
        let is_full = Arc::new(AtomicBool::new(false));
        let real = RealMedium::open(&folder.join("journal")).unwrap();
        let medium = Narrow {
            real,
            is_full: Arc::clone(&is_full),
        };
        let options = journal::Options {
            segment_bytes: 1 << 20,
            reserve_bytes: 1 << 20,
            ..journal::Options::default()
        };
        let folders = Folders {
            city: &folder.join("city"),
            directory: &folder.join("directory"),
            key_file: &folder.join("directory.key"),
            is_roll: false,
        };
        let disk = || {
            let disk = DiskJournal::open_on(Box::new(medium), options)?;
            Ok(Held::Disk(Arc::new(disk)))
        };
        let (opened, installation) = open_with(folders, Mode::Actual, 0, disk).unwrap();
        let person = Person {
            id: TOKEN.into(),
            name: TOKEN.into(),
            scopes: vec![Scope::Signal, Scope::Observe],
            token_sha256: token_hash(TOKEN),
        };
        let options = Options {
            installation,
            clock: Clock::stepped(Time::from_minute(NOON)),
            mode: Mode::Actual,
            policy: Policy::Live,
            people: People::new(vec![person]),
            links,
            listen: ([127, 0, 0, 1], 0).into(),
            http: HttpSection::default(),
            open_intake: true,
            subscriptions: None,
            public_url: String::new(),
            answer_url: None,
            cap_signer: None,
            snapshots: NEVER,
            series: KeptSeries::default(),
            bulletins: Vec::new(),
            base_stations: crate::gaps::StationsFile::default(),
            roles: Roles::ALL,
            seat: None,
            relay: None,
            exercises: None,
        };
        Self {
            running: start(opened, options).await.unwrap(),
            is_full,
            filler: Vec::new(),
        }
    }

    pub(crate) fn app(&self) -> &Arc<App> {
        &self.running.app
    }

    /// Takes all space away.
    pub(crate) async fn fill(&mut self) {
        self.is_full.store(true, Ordering::Release);
        let app = Arc::clone(self.app());
        let letters = Topic::actual(Kind::DeadLetters);
        while !app.out_of_space() {
            let mut batch = Batch::new(0, Priority::Vital);
            batch.append(letters, Partition(7), 1, b"", &[7; 40_000]);
            self.filler.push(app.journal.submit_waiting(batch).unwrap());
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    /// Gives it back, and waits until what waited is on disk.
    pub(crate) async fn free(&mut self) {
        self.is_full.store(false, Ordering::Release);
        for ticket in self.filler.drain(..) {
            ticket.await.unwrap();
        }
        let app = Arc::clone(self.app());
        eventually("the disk has space again", &app, || !app.out_of_space()).await;
    }

    /// Status, the header `Retry-After` and body of a request.
    pub(crate) async fn ask(&self, path: &str, body: Option<&str>) -> (u16, String, String) {
        let url = format!("http://{}{path}", self.running.address);
        let client = http::client(&ClientConfig::default()).unwrap();
        let request = match body {
            Some(body) => client.post(url).bearer_auth(TOKEN).body(body.to_owned()),
            None => client.get(url).bearer_auth(TOKEN),
        };
        let answer = request.send().await.unwrap();
        let retry = answer.headers().get("retry-after");
        let retry = retry.map_or("", |value| value.to_str().unwrap()).to_owned();
        (
            answer.status().as_u16(),
            retry,
            answer.text().await.unwrap(),
        )
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_stops_acknowledging_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    city::write_city(folder.path());
    let links = vec![("push".into(), LinkKind::Single(Single::Push))];
    let mut service = Cramped::serve(folder.path(), links).await;
    let app = Arc::clone(service.app());
    report(&app, 1, &[("W1", "water_depth", "0.6")]).await;
    let warning = app.view.warnings().remove(0);
    service.fill().await;

    // Observations and orders are refused, with words; what is known is still shown.
    let line = r#"{"station":"W1","parameter":"water_depth","time":"2023-09-07T12:02:00+08:00","value":0.7}"#;
    let (status, retry, words) = service.ask("/v1/observations", Some(line)).await;
    assert_eq!((status, retry.as_str()), (503, "1"), "{words}");
    assert!(words.contains("free some space"), "{words}");
    let approve = || Order::Approve {
        warning: model::WarningId::parse(&warning.id).unwrap(),
        revision: warning.revision,
        seen: warning.seen.clone(),
        person: "chen".into(),
        as_it_stands: String::new(),
    };
    assert!(app.order(Zone(0), approve()).await.is_err());
    assert_eq!(service.ask("/readyz", None).await.0, 503);
    let (_, _, metrics) = service.ask("/metrics", None).await;
    assert!(
        metrics.contains(r#"sanfang_journal{figure="out_of_space"} 1"#),
        "{metrics}"
    );
    let (status, _, shown) = service.ask("/v1/warnings", None).await;
    assert!(status == 200 && shown.contains(&warning.id), "{shown}");
    // A minute passes: the zones' ticks wait like everything that must not be dropped.
    app.clock.advance_to(Time::from_minute(NOON + 3));
    tokio::time::sleep(Duration::from_millis(400)).await;
    assert_eq!(app.fault(), None);
    assert_eq!(service.ask("/healthz", None).await.0, 200);

    service.free().await;
    assert_eq!(service.ask("/readyz", None).await.0, 200);
    assert!(app.order(Zone(0), approve()).await.is_ok());
    report(&app, 4, &[("W1", "water_depth", "0.6")]).await;
    service.running.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_is_told_to_end_does_not_wait_for_space() {
    let folder = tempfile::tempdir().unwrap();
    city::write_city(folder.path());
    let mut service = Cramped::serve(folder.path(), Vec::new()).await;
    service.fill().await;
    let app = Arc::clone(service.app());
    app.clock.advance_to(Time::from_minute(NOON + 3));
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(app.fault(), None);
    let ended = tokio::time::timeout(Duration::from_secs(20), service.running.stop()).await;
    // A little may still have found room in the last segment.
    if let Err(why) = ended.unwrap() {
        assert!(why.contains("free some space"), "{why}");
    }
    let refused = service.filler.pop().unwrap().await;
    assert!(matches!(refused, Err(JournalError::DiskFull { .. })));
}

/// An alert of another authority.
fn alert(identifier: &str) -> String {
    format!(
        "<alert xmlns='urn:oasis:names:tc:emergency:cap:1.2'><identifier>{identifier}</identifier>\
         <sender>met@gz.cn</sender><sent>2023-09-07T12:00:00+08:00</sent><status>Actual</status>\
         <msgType>Alert</msgType><scope>Public</scope><info><language>zh-CN</language>\
         <event>暴雨</event><severity>Severe</severity></info></alert>"
    )
}

/// The document that a feed of one entry is about.
async fn feed(axum::extract::Path(name): axum::extract::Path<String>) -> String {
    if name != "feed" {
        return alert("polled");
    }
    "<feed xmlns='http://www.w3.org/2005/Atom'><title>t</title><entry><id>polled</id>\
     <updated>2023-09-07T12:00:00+08:00</updated><link href='/alert'/></entry></feed>"
        .into()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signal_counts_as_taken_once_it_is_stored() {
    let folder = tempfile::tempdir().unwrap();
    city::write_city(folder.path());
    let mut service = Cramped::serve(folder.path(), Vec::new()).await;
    let app = Arc::clone(service.app());
    report(&app, 1, &[("W1", "water_depth", "0.01")]).await;
    service.fill().await;

    for _ in 0..2 {
        let (status, retry, words) = service.ask("/v1/signals", Some(&alert("posted"))).await;
        assert_eq!((status, retry.as_str()), (503, "1"), "{words}");
        assert!(words.contains("send it again"), "{words}");
    }
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = axum::Router::new().route("/{name}", axum::routing::get(feed));
    tokio::spawn(axum::serve(listener, router).into_future());
    let config = PollConfig {
        feed: format!("http://{address}/feed").parse().unwrap(),
        hosts: Vec::new(),
        every: Duration::from_millis(20),
        signers: None,
    };
    let client = http::client(&ClientConfig::default()).unwrap();
    tokio::spawn(follow(Arc::clone(&app), Poller::new(client, config)));
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(app.view.signals().is_empty());

    service.free().await;
    eventually("the polled signal is in force", &app, || {
        let signals = app.view.signals();
        signals.iter().any(|signal| signal.identifier == "polled")
    })
    .await;
    for duplicate in [false, true] {
        let (status, _, words) = service.ask("/v1/signals", Some(&alert("posted"))).await;
        assert_eq!(status, 202, "{words}");
        assert!(
            words.contains(&format!(r#""duplicate":{duplicate}"#)),
            "{words}"
        );
    }
    service.running.stop().await.unwrap();
}
