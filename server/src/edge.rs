//! The listener: as many connections and streams as were configured, and no patience without end.
//!
//! A connection that comes when all are taken, or all that one client address may have, is closed at
//! once. Streams have a lower limit of their
//! own, and where three quarters of the connections are taken only those that bring observations
//! are kept open after their answer: readers never shut the intake out.

mod addresses;
mod patience;

use crate::api::Problem;
use crate::app::App;
use crate::config::HttpSection;
use addresses::Addresses;
use axum::Router;
use axum::body::HttpBody;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use patience::{Unhurried, Unstalled};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::io;
use std::net::IpAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// For requests under way when the process stops.
const GRACE: Duration = Duration::from_secs(1);
/// Before the next try where the system has no connection to give.
const PAUSE: Duration = Duration::from_millis(100);
/// Descriptors for the journal, the links and the brokers.
const DESCRIPTORS: u64 = 512;

/// Whose connection a request came by, as its limit is counted; none where many stand behind it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Client(pub(crate) Option<IpAddr>);

/// What is open at the listener.
pub(crate) struct Edge {
    limits: HttpSection,
    connections: Arc<Semaphore>,
    addresses: Addresses,
    streams: Arc<Semaphore>,
}

impl Edge {
    /// Nothing open yet.
    pub(crate) fn new(limits: HttpSection) -> Self {
        Self {
            connections: Arc::new(Semaphore::new(limits.connections as usize)),
            addresses: Addresses::new(limits.connections_per_address, &limits.shared_addresses),
            streams: Arc::new(Semaphore::new(limits.streams as usize)),
            limits,
        }
    }

    /// A place for one more stream, as long as it is held.
    pub(crate) fn stream(&self) -> Result<OwnedSemaphorePermit, Problem> {
        let place = Arc::clone(&self.streams).try_acquire_owned();
        place.map_err(|_| {
            let open = self.limits.streams;
            Problem::unavailable(format!(
                "{open} streams are open, which is the most; ask again later"
            ))
        })
    }

    /// Connections and streams that are open.
    pub(crate) fn open(&self) -> [(&'static str, i64); 2] {
        let taken = |most: u32, left: &Semaphore| {
            i64::from(most).saturating_sub(left.available_permits() as i64)
        };
        [
            (
                "connections",
                taken(self.limits.connections, &self.connections),
            ),
            ("streams", taken(self.limits.streams, &self.streams)),
        ]
    }

    fn is_crowded(&self) -> bool {
        let left = self.connections.available_permits();
        left <= (self.limits.connections - self.limits.crowded()) as usize
    }
}

/// Asks the system for the descriptors that the limits need; gives fewer connections where there
/// are fewer, so that the journal never finds none.
pub(crate) fn with_descriptors(limits: HttpSection) -> HttpSection {
    let wanted = u64::from(limits.connections) + DESCRIPTORS;
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let is_short = current.is_some_and(|current| current < wanted);
    if is_short {
        let raised = maximum.map_or(wanted, |maximum| maximum.min(wanted));
        let raised = Rlimit {
            current: Some(raised),
            maximum,
        };
        // What was not given is seen below.
        let _ = setrlimit(Resource::Nofile, raised);
    }
    let descriptors = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    let wanted = limits.connections;
    let fewer = limits.within(descriptors, DESCRIPTORS);
    if fewer.connections < wanted {
        tracing::warn!(
            descriptors,
            connections = fewer.connections,
            wanted,
            "fewer connections than [http] says: raise the limit of open files (LimitNOFILE)"
        );
    }
    fewer
}

/// Serves until `stop`, then lets what is under way end, within bounds.
pub(crate) async fn serve(
    listener: TcpListener,
    router: Router,
    app: Arc<App>,
    stop: impl Future<Output = ()>,
) {
    let stopped = CancellationToken::new();
    let mut stop = pin!(stop);
    let mut open = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            Some(_) = open.join_next() => continue,
            () = &mut stop => break,
        };
        let (stream, client) = match accepted {
            Ok((stream, client)) => (stream, client.ip()),
            Err(error) if is_of_one_connection(&error) => continue,
            Err(error) => {
                tracing::warn!(%error, "no connection taken");
                tokio::time::sleep(PAUSE).await;
                continue;
            }
        };
        let refuse = |why| app.metrics.refused.with_label_values(&[why]).inc();
        let Some(taken) = app.edge.addresses.take(client) else {
            refuse("address");
            continue;
        };
        let Ok(place) = Arc::clone(&app.edge.connections).try_acquire_owned() else {
            refuse("connections");
            continue;
        };
        let (router, stopped) = (router.clone(), stopped.clone());
        let (head, stall) = (app.edge.limits.head(), app.edge.limits.stall());
        open.spawn(async move {
            let client = Client(taken.client());
            connection(stream, router, client, (head, stall), stopped).await;
            drop((place, taken));
        });
    }
    drop(listener);
    stopped.cancel();
    while open.join_next().await.is_some() {}
}

/// One connection, from its first request to its last; with the longest waits for the head of a
/// request and for a client to take what it is sent.
async fn connection(
    stream: TcpStream,
    router: Router,
    client: Client,
    (head, stall): (Duration, Duration),
    stopped: CancellationToken,
) {
    // Small answers must not wait for the acknowledgement of the one before.
    drop(stream.set_nodelay(true));
    let io = TokioIo::new(Unstalled::new(stream, stall));
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(head);
    let router = TowerToHyperService::new(router);
    let service = service_fn(move |mut request: hyper::Request<hyper::body::Incoming>| {
        request.extensions_mut().insert(client);
        router.call(request)
    });
    let mut served = pin!(builder.serve_connection(io, service));
    tokio::select! {
        // A client that went away in the middle is no fault of ours.
        ended = served.as_mut() => return drop(ended),
        () = stopped.cancelled() => {}
    }
    served.as_mut().graceful_shutdown();
    drop(tokio::time::timeout(GRACE, served).await);
}

/// Faults of the connection that was to be taken, not of the listener.
fn is_of_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionReset
    )
}

/// Bounds how long a body is waited for, and whom a connection is kept for.
pub(crate) async fn attend(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let is_intake = request.method() == Method::POST && request.uri().path() == "/v1/observations";
    let mut late = None;
    let request = if request.body().is_end_stream() {
        request
    } else {
        request.map(|body| {
            let (body, watch) = Unhurried::new(body, app.edge.limits.body());
            late = Some(watch);
            axum::body::Body::new(body)
        })
    };
    let mut response = next.run(request).await;
    let is_late = late.is_some_and(|late| late.is_over());
    if is_late {
        app.metrics.refused.with_label_values(&["slow_body"]).inc();
        let most = app.edge.limits.body().as_secs();
        response = Problem::timeout(format!(
            "the body did not come within {most} s; send less at once, or faster"
        ))
        .into_response();
    }
    if is_late || (!is_intake && app.edge.is_crowded()) {
        let headers = response.headers_mut();
        headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    response
}
