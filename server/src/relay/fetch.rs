//! The carrier's side where it lets nobody in: it comes to the centre for calls, answers each as one
//! that was pushed, and posts the answer. A call is believed by the centre's signature on it, whoever
//! handed it over.

use super::routes;
use crate::app::App;
use axum::Router;
use axum::body::Body;
use axum::http::{Request, header};
use dispatch::gateway::area::{
    ANSWER_MAX, Answered, BODY_MAX, Call, WAIT_MAX, Wait, answer_key, next_key,
};
use dispatch::gateway::http::{self, ClientConfig, body_within};
use dispatch::gateway::webhook::{IDEMPOTENCY_HEADER, SIGNATURE_HEADER, sign};
use hyper::service::Service;
use hyper_util::service::TowerToHyperService;
use reqwest::{StatusCode, Url};
use std::sync::Arc;
use std::time::Duration;

/// Calls answered at once: a reading that takes long does not hold up a count.
pub(crate) const AT_ONCE: usize = 3;
/// Beside the wait itself, for the answer to come.
const GRACE: Duration = Duration::from_secs(10);
/// Between two tries where the centre does not answer.
const PAUSE: Duration = Duration::from_secs(2);
/// Tries to hand an answer over: then the centre asks again.
const TRIES: usize = 3;

/// Where a relay comes for calls, and as whom.
#[derive(Clone)]
pub(crate) struct From {
    /// Name in metrics and logs.
    pub(crate) name: String,
    /// What its calls are signed with, and ours to it.
    pub(crate) secret: Vec<u8>,
    /// What `carriers/…` is put behind, tried in turn.
    pub(crate) urls: Vec<Url>,
    /// Our name there.
    pub(crate) carrier: String,
}

/// Why nothing was fetched.
#[derive(Debug, thiserror::Error)]
enum FetchError {
    /// No connection, or it broke.
    #[error("it does not answer: {0}")]
    Away(reqwest::Error),
    /// It refused.
    #[error("it answers {0}: {1}")]
    Refused(StatusCode, String),
    /// Not what was asked for.
    #[error("its answer is no call: {0}")]
    Strange(String),
}

/// Comes for calls until the app stops. Of those that come at once one says whether the centre is there.
pub(crate) async fn follow(app: Arc<App>, centre: From, says: bool) {
    let config = ClientConfig {
        answer_timeout: WAIT_MAX + GRACE,
        ..ClientConfig::default()
    };
    let client = match http::client(&config) {
        Ok(client) => client,
        Err(error) => return app.fail(format!("centre {}: {error}", centre.name)),
    };
    let router = routes().with_state(Arc::clone(&app));
    let mut fetching = Fetching {
        app: Arc::clone(&app),
        centre,
        client,
        router,
        turn: 0,
        says,
        was_away: false,
    };
    tokio::select! {
        () = fetching.go() => {}
        () = app.stopped() => {}
    }
}

struct Fetching {
    app: Arc<App>,
    centre: From,
    client: reqwest::Client,
    router: Router,
    /// Which address is asked.
    turn: usize,
    says: bool,
    was_away: bool,
}

impl Fetching {
    async fn go(&mut self) {
        loop {
            match self.fetch().await {
                Ok(call) => {
                    self.said(None);
                    if let Some(call) = call {
                        self.answer(&call).await;
                    }
                }
                Err(error) => {
                    self.said(Some(&error));
                    self.turn = self.turn.wrapping_add(1);
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    }

    /// Says once that the centre is away, and once that it is back.
    fn said(&mut self, error: Option<&FetchError>) {
        if !self.says {
            return;
        }
        let centre = &self.centre.name;
        match error {
            Some(error) if !self.was_away => {
                tracing::error!(centre, %error, "no calls can be fetched: trying again");
            }
            None if self.was_away => tracing::info!(centre, "calls are fetched again"),
            Some(_) | None => {}
        }
        self.was_away = error.is_some();
        let state = if error.is_some() { "away" } else { "here" };
        for name in ["away", "here"] {
            let fetching = &self.app.metrics.fetching;
            let gauge = fetching.with_label_values(&[centre, name]);
            gauge.set(i64::from(name == state));
        }
    }

    fn address(&self, path: &[&str]) -> Option<Url> {
        let urls = &self.centre.urls;
        let mut url = urls.get(self.turn % urls.len().max(1))?.clone();
        url.path_segments_mut()
            .ok()?
            .pop_if_empty()
            .extend(["carriers", &self.centre.carrier])
            .extend(path);
        Some(url)
    }

    async fn post(
        &self,
        path: &[&str],
        key: String,
        body: String,
    ) -> Result<(StatusCode, Vec<u8>), FetchError> {
        let url = self.address(path);
        let url = url.ok_or_else(|| FetchError::Strange("no address to ask".to_owned()))?;
        let now = self.app.clock.now();
        let signature = sign(&self.centre.secret, &key, body.as_bytes(), now);
        let request = self.client.post(url);
        let answer = request
            .header("Content-Type", "application/json")
            .header(IDEMPOTENCY_HEADER, key)
            .header(SIGNATURE_HEADER, signature)
            .body(body)
            .send()
            .await
            .map_err(FetchError::Away)?;
        let status = answer.status();
        let bytes = body_within(answer, ANSWER_MAX)
            .await
            .map_err(FetchError::Away)?;
        let bytes = bytes.ok_or_else(|| FetchError::Strange("it is too long".to_owned()))?;
        Ok((status, bytes))
    }

    async fn fetch(&self) -> Result<Option<Call>, FetchError> {
        let wait = Wait {
            wait_s: WAIT_MAX.as_secs(),
        };
        // Writing our own plain types to memory cannot fail.
        let body = serde_json::to_string(&wait).unwrap_or_default();
        let key = next_key(&self.centre.carrier);
        let (status, bytes) = self.post(&["next"], key, body).await?;
        match status {
            StatusCode::NO_CONTENT => Ok(None),
            status if status.is_success() => serde_json::from_slice(&bytes)
                .map(Some)
                .map_err(|error| FetchError::Strange(error.to_string())),
            status => {
                let words = String::from_utf8_lossy(&bytes).chars().take(200).collect();
                Err(FetchError::Refused(status, words))
            }
        }
    }

    /// Answers a call as one that came by the front door, signature and all.
    async fn answer(&self, call: &Call) {
        let answered = self.handle(call).await;
        let body = serde_json::to_string(&answered).unwrap_or_default();
        let number = call.call.to_string();
        for _ in 0..TRIES {
            let key = answer_key(&self.centre.carrier, call.call);
            match self.post(&["answers", &number], key, body.clone()).await {
                // Given out anew, or given up: nobody waits for this one.
                Ok((status, _)) if status.is_success() || status == StatusCode::NOT_FOUND => return,
                Ok(_) | Err(_) => tokio::time::sleep(PAUSE).await,
            }
        }
        tracing::warn!(
            centre = self.centre.name,
            key = call.key,
            "answer not handed over"
        );
    }

    async fn handle(&self, call: &Call) -> Answered {
        let request = Request::builder()
            .method(call.method.as_str())
            .uri(format!("/v1/{}", call.path))
            .header(header::CONTENT_TYPE, "application/json")
            .header(IDEMPOTENCY_HEADER, &call.key)
            .header(SIGNATURE_HEADER, &call.signature)
            .body(Body::from(call.body.clone()));
        let refused = |status: u16, words: &str| Answered {
            status,
            body: serde_json::json!({ "status": status, "detail": words }).to_string(),
        };
        let Ok(request) = request else {
            return refused(400, "the call has no form of HTTP");
        };
        let router = TowerToHyperService::new(self.router.clone());
        let Ok(answer) = router.call(request).await;
        let status = answer.status().as_u16();
        match axum::body::to_bytes(answer.into_body(), BODY_MAX).await {
            Ok(bytes) => Answered {
                status,
                body: String::from_utf8_lossy(&bytes).into_owned(),
            },
            Err(_) => refused(500, "the answer is too long"),
        }
    }
}
