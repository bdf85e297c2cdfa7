//! The other processes of a deployment over Kafka: which one serves a zone or a link, and questions
//! to it.
//!
//! Who takes a partition over writes its name and address into the topic `registry`, under the
//! partition's own transactions. Questions go over HTTP, with a secret that all derive from the
//! deployment's key: what is answered are readings and recipient numbers, never a name or a number
//! of a telephone.

use crate::app::App;
use crate::questions::Unanswered;
use dispatch::gateway::http::{self, ClientConfig};
use dispatch::plan::Planner;
use journal::{Batch, JournalError, Kind, Partition, Priority, Topic};
use model::{Parameter, Span, StationNo, Time, WarningId, Zone};
use rules::Windowed;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::time::Duration;

/// What the secret between processes is derived for.
pub(crate) const PURPOSE: &str = "sanfang between processes";
/// Kind of the records in `registry`.
const OWNER: u8 = 8;
/// Longest wait for another process's answer.
const ANSWER_MAX: Duration = Duration::from_secs(3);
/// After so long a stream ends and is asked for again.
const STREAM_MAX: Duration = Duration::from_secs(24 * 60 * 60);
/// Largest answer: three days of minutes are a few hundred KiB.
const ANSWER_BYTES: usize = 16 << 20;

/// Where a process is asked, as `registry` has it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Seat {
    /// Name of the process.
    pub(crate) node: String,
    /// Where its API listens, `http://10.0.0.7:8080`.
    pub(crate) address: String,
}

/// A reading, as it goes between processes.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Reading(i64, i32, bool);

impl From<Windowed> for Reading {
    fn from(windowed: Windowed) -> Self {
        Self(windowed.time.millis(), windowed.value, windowed.is_suspect)
    }
}

impl From<Reading> for Windowed {
    fn from(Reading(ms, value, is_suspect): Reading) -> Self {
        Self {
            time: Time::from_millis(ms),
            value,
            is_suspect,
        }
    }
}

/// How this process presents itself, and how it asks others.
pub(crate) struct Peers {
    own: Seat,
    /// When this process began, in milliseconds: what it counted ends with it.
    run: i64,
    secret: String,
    client: reqwest::Client,
}

impl Peers {
    /// This process is `node`, asked at `address`, and began at `now`; `secret` is the deployment's.
    ///
    /// # Errors
    /// An HTTP client that cannot be made.
    pub(crate) fn new(
        node: &str,
        address: String,
        now: Time,
        secret: [u8; 32],
    ) -> Result<Self, String> {
        let config = ClientConfig::default();
        let client = http::client(&config).map_err(|error| error.to_string())?;
        Ok(Self {
            own: Seat {
                node: node.to_owned(),
                address,
            },
            run: now.millis(),
            secret: hex::encode(secret),
            client,
        })
    }

    /// Name of this process.
    pub(crate) fn node(&self) -> &str {
        &self.own.node
    }

    /// Which run of this process it is.
    pub(crate) const fn run(&self) -> i64 {
        self.run
    }

    /// Whether a request comes from a process of this deployment.
    pub(crate) fn is_one(&self, authorization: Option<&str>) -> bool {
        let given = authorization.and_then(|value| value.strip_prefix("Bearer "));
        // How long two hashes are compared tells nothing of what was hashed.
        given.is_some_and(|given| Sha256::digest(given) == Sha256::digest(&self.secret))
    }

    /// A request to another process; `path` begins with a slash.
    fn get(&self, seat: &Seat, path: &str) -> reqwest::RequestBuilder {
        let url = format!("{}{path}", seat.address);
        self.client.get(url).bearer_auth(&self.secret)
    }

    /// The same with a body to come.
    pub(crate) fn post(&self, seat: &Seat, path: &str) -> reqwest::RequestBuilder {
        let url = format!("{}{path}", seat.address);
        self.client.post(url).bearer_auth(&self.secret)
    }

    /// A request whose answer goes on, as far as a day.
    pub(crate) fn stream(&self, seat: &Seat, path: &str) -> reqwest::RequestBuilder {
        self.get(seat, path).timeout(STREAM_MAX)
    }

    /// What another process answers. Why it does not is said to whoever looks into it: an owner that
    /// has just gone is no fault, and whoever asked says what comes of it.
    pub(crate) async fn ask<T: DeserializeOwned>(
        &self,
        seat: &Seat,
        request: reqwest::RequestBuilder,
    ) -> Result<T, Unanswered> {
        let answered = async {
            let answer = request.send().await?;
            answer.error_for_status()?.bytes().await
        };
        let answered = tokio::time::timeout(ANSWER_MAX, answered).await;
        let bytes = match answered {
            Ok(Ok(bytes)) if bytes.len() <= ANSWER_BYTES => bytes,
            Ok(Ok(_)) | Err(_) => return Err(Unanswered::Late),
            Ok(Err(error)) if error.status() == Some(reqwest::StatusCode::TOO_MANY_REQUESTS) => {
                return Err(Unanswered::Full);
            }
            Ok(Err(error)) if error.status() == Some(reqwest::StatusCode::NOT_FOUND) => {
                return Err(Unanswered::Stranger);
            }
            Ok(Err(error)) => {
                tracing::debug!(node = seat.node, %error, "not answered");
                return Err(Unanswered::Late);
            }
        };
        serde_json::from_slice(&bytes).map_err(|error| {
            tracing::warn!(node = seat.node, %error, "answered otherwise than this version does");
            Unanswered::Late
        })
    }
}

/// The address that others reach a listener under: its own, or where it listens on all, the one by
/// which this machine talks to `broker`.
pub(crate) fn address(listener: SocketAddr, broker: &str) -> String {
    let ip = listener.ip();
    let ip = if ip.is_unspecified() {
        towards(broker).unwrap_or(ip)
    } else {
        ip
    };
    format!("http://{}", SocketAddr::new(ip, listener.port()))
}

/// The local end of the way to an address; nothing is sent.
fn towards(broker: &str) -> Option<IpAddr> {
    let socket = UdpSocket::bind(("0.0.0.0", 0)).ok()?;
    socket.connect(broker).ok()?;
    Some(socket.local_addr().ok()?.ip())
}

fn key((topic, partition): (Topic, Partition)) -> String {
    format!("owner/{topic}/{partition}")
}

impl App {
    /// Says that this process serves a partition from now on, where others would ask.
    pub(crate) fn announce(&self, place: (Topic, Partition)) -> Result<(), JournalError> {
        let Some(peers) = &self.peers else {
            return Ok(());
        };
        let batch = Batch::new(self.clock.now().millis(), Priority::Vital);
        let mut batch = batch.owned_by(place.0, place.1);
        let registry = Topic::new(Kind::Registry, self.mode);
        let seat = serde_json::to_vec(&peers.own).unwrap_or_default();
        let key = key(place);
        batch.append(registry, Partition(0), OWNER, key.as_bytes(), &seat);
        // Nobody waits for it: until it is there the one before is asked, in vain.
        self.journal.submit_waiting(batch).map(drop)
    }

    /// Which other process serves a partition, as far as is known.
    pub(crate) async fn seat(
        self: &Arc<Self>,
        place: (Topic, Partition),
    ) -> Option<(Seat, &Peers)> {
        let peers = self.peers.as_ref()?;
        let app = Arc::clone(self);
        let found = tokio::task::spawn_blocking(move || {
            let registry = Topic::new(Kind::Registry, app.mode);
            app.journal
                .latest(registry, Partition(0), key(place).as_bytes())
        });
        let record = found.await.ok()?.ok()??;
        let seat: Seat = serde_json::from_slice(record.payload()).ok()?;
        (seat != peers.own).then_some((seat, peers))
    }

    /// Recent readings of a series, from whoever steps the zone.
    pub(crate) async fn readings(
        self: &Arc<Self>,
        zone: Zone,
        station: StationNo,
        parameter: Parameter,
        length: Span,
    ) -> Result<Vec<Windowed>, Unanswered> {
        match self.zones.desk(zone) {
            Ok(desk) => desk.series(station, parameter, length).await,
            Err(_) => {
                let minutes = length.millis() / 60_000;
                let name = parameter.name();
                let zone_no = zone.0;
                let path = format!(
                    "/peers/zones/{zone_no}/readings?station={}&parameter={name}&minutes={minutes}",
                    station.0
                );
                let readings: Vec<Reading> = self.ask_owner(zone, &path).await?;
                Ok(readings.into_iter().map(Windowed::from).collect())
            }
        }
    }

    /// What the people of `zone` were told about a warning, from whoever steps it.
    pub(crate) async fn told_in(
        self: &Arc<Self>,
        zone: Zone,
        id: WarningId,
    ) -> Result<Planner, Unanswered> {
        match self.zones.desk(zone) {
            Ok(desk) => desk.told(id).await,
            Err(_) => {
                let path = format!("/peers/zones/{}/told/{id}", zone.0);
                self.ask_owner(zone, &path).await
            }
        }
    }

    async fn ask_owner<T: DeserializeOwned>(
        self: &Arc<Self>,
        zone: Zone,
        path: &str,
    ) -> Result<T, Unanswered> {
        let place = (Topic::new(Kind::Input, self.mode), Partition(zone.0));
        let (seat, peers) = self.seat(place).await.ok_or(Unanswered::Elsewhere)?;
        let answer = peers.ask(&seat, peers.get(&seat, path)).await;
        if let Err(why) = &answer {
            tracing::warn!(node = seat.node, ?why, "a question is not answered");
        }
        answer
    }
}
