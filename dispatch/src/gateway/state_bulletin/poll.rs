//! Asks an address for the newest bulletin; what it said before is not sent again.

use super::BYTES_MAX;
use crate::gateway::http::body_within;
use reqwest::header::{
    ETAG, HeaderMap, HeaderName, IF_MODIFIED_SINCE, IF_NONE_MATCH, LAST_MODIFIED,
};
use reqwest::{StatusCode, Url};

/// Why there is no bulletin.
#[derive(Debug, thiserror::Error)]
pub enum PollError {
    /// No answer, or a broken one.
    #[error("{url}: {error}")]
    Http {
        /// The address.
        url: Url,
        /// What happened.
        error: reqwest::Error,
    },
    /// Answered, but not with a bulletin.
    #[error("{url}: status {status}; redirects are not followed, configure the final address")]
    Status {
        /// The address.
        url: Url,
        /// What it said.
        status: StatusCode,
    },
    /// Longer than allowed.
    #[error("{0}: longer than {BYTES_MAX} bytes")]
    TooLong(Url),
}

/// Follows one address.
#[derive(Debug)]
pub struct Poller {
    client: reqwest::Client,
    url: Url,
    etag: Option<String>,
    modified: Option<String>,
}

impl Poller {
    /// A poller that has seen nothing.
    pub const fn new(client: reqwest::Client, url: Url) -> Self {
        Self {
            client,
            url,
            etag: None,
            modified: None,
        }
    }

    /// The bulletin that is to be asked for again, since it could not be stored.
    pub fn forget(&mut self) {
        (self.etag, self.modified) = (None, None);
    }

    /// One round; [`None`] where the far side says that nothing changed.
    ///
    /// # Errors
    /// See [`PollError`].
    pub async fn poll(&mut self) -> Result<Option<Vec<u8>>, PollError> {
        let http = |error| PollError::Http {
            url: self.url.clone(),
            error,
        };
        let mut request = self.client.get(self.url.clone());
        if let Some(etag) = &self.etag {
            request = request.header(IF_NONE_MATCH, etag);
        }
        if let Some(modified) = &self.modified {
            request = request.header(IF_MODIFIED_SINCE, modified);
        }
        let response = request.send().await.map_err(http)?;
        match response.status() {
            StatusCode::OK => {}
            StatusCode::NOT_MODIFIED => return Ok(None),
            status => {
                return Err(PollError::Status {
                    url: self.url.clone(),
                    status,
                });
            }
        }
        let seen = [
            text(response.headers(), ETAG),
            text(response.headers(), LAST_MODIFIED),
        ];
        let body = body_within(response, BYTES_MAX).await.map_err(http)?;
        let body = body.ok_or_else(|| PollError::TooLong(self.url.clone()))?;
        [self.etag, self.modified] = seen;
        Ok(Some(body))
    }
}

fn text(headers: &HeaderMap, name: HeaderName) -> Option<String> {
    headers.get(name)?.to_str().ok().map(str::to_owned)
}
