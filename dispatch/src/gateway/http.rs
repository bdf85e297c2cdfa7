//! The one HTTP client of webhooks and feeds: no redirects, bounded times, the ring provider.

use model::SendError;
use std::time::Duration;

/// Why no client can be made.
#[derive(Debug, thiserror::Error)]
#[error("the HTTP client cannot be set up: {0}")]
pub struct ClientError(#[from] reqwest::Error);

/// How a client behaves.
#[derive(Clone, Debug)]
pub struct ClientConfig {
    /// To connect, name resolution included.
    pub connect_timeout: Duration,
    /// From the first byte out to the last byte in.
    pub answer_timeout: Duration,
    /// HTTP/2 from the first byte, also without TLS: for far sides that speak nothing else.
    pub http2_only: bool,
    /// Certificates (PEM) trusted beside the system's.
    pub trusted_pem: Vec<Vec<u8>>,
}

impl Default for ClientConfig {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(3),
            answer_timeout: Duration::from_secs(10),
            http2_only: false,
            trusted_pem: Vec::new(),
        }
    }
}

/// Makes a client. Redirects are never followed: a far side could point us at a host inside our
/// own network. Proxies of the environment are not used.
///
/// # Errors
/// A certificate cannot be read or TLS cannot be set up.
pub fn client(config: &ClientConfig) -> Result<reqwest::Client, ClientError> {
    // Fails only where a provider is installed already, which then serves.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut trusted = Vec::new();
    for pem in &config.trusted_pem {
        trusted.extend(reqwest::Certificate::from_pem_bundle(pem)?);
    }
    let mut builder = reqwest::Client::builder()
        .tls_backend_rustls()
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .user_agent(concat!("sanfang/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(config.connect_timeout)
        .timeout(config.answer_timeout)
        .pool_max_idle_per_host(4)
        .tls_certs_merge(trusted);
    if config.http2_only {
        builder = builder.http2_prior_knowledge();
    }
    Ok(builder.build()?)
}

/// Reads a body of at most `max` bytes; `None` where it is longer.
///
/// # Errors
/// The connection broke.
pub async fn body_within(
    mut response: reqwest::Response,
    max: usize,
) -> Result<Option<Vec<u8>>, reqwest::Error> {
    if response
        .content_length()
        .is_some_and(|length| length > max as u64)
    {
        return Ok(None);
    }
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        if body.len() + chunk.len() > max {
            return Ok(None);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Some(body))
}

/// How a call without an answer failed: what was not connected did not go out, of the rest nobody
/// knows.
pub(crate) fn unanswered(name: &str, error: &reqwest::Error) -> SendError {
    let timeout = error.is_timeout();
    if error.is_connect() || error.is_builder() {
        return SendError::Transient(format!("{name}: no connection"));
    }
    let what = if timeout {
        "no answer in time"
    } else {
        "connection lost"
    };
    SendError::Uncertain(format!("{name}: {what} after the call was written"))
}
