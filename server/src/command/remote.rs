//! A server asked from a terminal: where it is, who asks, and what its refusals mean.

use super::Failure;
use clap::Args;
use dispatch::gateway::http::{self, ClientConfig};
use reqwest::{Client, Method, Response, StatusCode, Url};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Where the server is and who asks.
#[derive(Args)]
pub(crate) struct Remote {
    /// Address of the server; SANFANG_SERVER in the environment, else http://127.0.0.1:8080
    #[arg(long, value_name = "URL")]
    server: Option<String>,
    /// File that holds your token alone; SANFANG_TOKEN in the environment holds the token itself
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
}

/// Where the server is where nothing is said.
const SERVER: &str = "http://127.0.0.1:8080";
/// Longest wait for an answer: an order waits for its zone.
const ANSWER: Duration = Duration::from_secs(30);

/// A connection to the API.
pub(crate) struct Api {
    client: Client,
    server: Url,
    token: Option<String>,
}

impl Remote {
    /// Makes ready to ask.
    pub(crate) fn open(&self) -> Result<Api, Failure> {
        self.open_within(ANSWER)
    }

    /// The same where an answer may take so long.
    pub(crate) fn open_within(&self, answer: Duration) -> Result<Api, Failure> {
        let named = self.server.clone();
        let server = named.or_else(|| std::env::var("SANFANG_SERVER").ok());
        let server = server.as_deref().unwrap_or(SERVER);
        let url = Url::parse(server)
            .ok()
            .filter(|url| matches!(url.scheme(), "http" | "https"));
        let server = url.ok_or_else(|| {
            Failure::BadInput(format!("--server {server:?} is no address: write {SERVER}"))
        })?;
        let token = match &self.token_file {
            Some(path) => Some(token(path)?),
            None => std::env::var("SANFANG_TOKEN").ok(),
        };
        let config = ClientConfig {
            answer_timeout: answer,
            ..ClientConfig::default()
        };
        let client = http::client(&config).map_err(|error| Failure::Failed(error.to_string()))?;
        Ok(Api {
            client,
            server,
            token: token.map(|token| token.trim().to_owned()),
        })
    }
}

fn token(path: &Path) -> Result<String, Failure> {
    std::fs::read_to_string(path)
        .map_err(|error| Failure::BadInput(format!("{}: {error}", path.display())))
}

/// Runs what a command asks of a server.
pub(crate) fn block_on<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::Failed(error.to_string()))?
        .block_on(work)
}

impl Api {
    /// `GET path` as JSON.
    pub(crate) async fn get(&self, path: &str) -> Result<Value, Failure> {
        let response = self.ask(Method::GET, path, None).await?;
        let unread = |error: reqwest::Error| Failure::Failed(format!("{path}: {error}"));
        response.json().await.map_err(unread)
    }

    /// `POST path` with a JSON body; gives the answer's, null where it has none.
    pub(crate) async fn post(&self, path: &str, body: &Value) -> Result<Value, Failure> {
        let body = ("application/json", body.to_string().into_bytes());
        let response = self.ask(Method::POST, path, Some(body)).await?;
        let text = response.text().await;
        let text = text.map_err(|error| Failure::Failed(format!("{path}: {error}")))?;
        Ok(serde_json::from_str(&text).unwrap_or_default())
    }

    /// One request; an error answer is a failure in its words.
    pub(crate) async fn ask(
        &self,
        method: Method,
        path: &str,
        body: Option<(&str, Vec<u8>)>,
    ) -> Result<Response, Refused> {
        let url = self.server.join(path);
        let url = url.map_err(|error| Failure::BadInput(format!("{path}: {error}")))?;
        let mut request = self.client.request(method, url);
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        if let Some((kind, bytes)) = body {
            request = request
                .header(reqwest::header::CONTENT_TYPE, kind)
                .body(bytes);
        }
        let response = request.send().await.map_err(|error| {
            let remedy = "is it running? name it with --server";
            let words = format!("{} does not answer: {error}; {remedy}", self.server);
            Refused {
                is_transient: true,
                failure: Failure::Failed(words),
            }
        })?;
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        let problem: Value = response.json().await.unwrap_or_default();
        let said = problem.get("detail").and_then(Value::as_str);
        let words = said.map_or_else(|| status.to_string(), str::to_owned);
        Err(Refused {
            is_transient: status == StatusCode::SERVICE_UNAVAILABLE,
            failure: refusal(status, words),
        })
    }
}

/// Why a request was not followed.
pub(crate) struct Refused {
    /// True where the same request may succeed later.
    pub(crate) is_transient: bool,
    /// In words.
    pub(crate) failure: Failure,
}

impl From<Failure> for Refused {
    fn from(failure: Failure) -> Self {
        Self {
            is_transient: false,
            failure,
        }
    }
}

impl From<Refused> for Failure {
    fn from(refused: Refused) -> Self {
        refused.failure
    }
}

/// What was asked is wrong, or it cannot be done now.
fn refusal(status: StatusCode, words: String) -> Failure {
    match status {
        StatusCode::BAD_REQUEST
        | StatusCode::NOT_FOUND
        | StatusCode::PAYLOAD_TOO_LARGE
        | StatusCode::UNSUPPORTED_MEDIA_TYPE
        | StatusCode::UNPROCESSABLE_ENTITY => Failure::BadInput(words),
        StatusCode::UNAUTHORIZED => Failure::Failed(format!(
            "{words} (here: SANFANG_TOKEN in the environment, or --token-file)"
        )),
        _ => Failure::Failed(words),
    }
}
