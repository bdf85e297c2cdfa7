//! Errors of the API as RFC 9457 problem details.

use crate::acted::OfZone;
use crate::installation::{Faulty, is_error};
use crate::people::Denied;
use axum::http::{HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use dispatch::plan::Remarks;
use journal::JournalError;
use model::fault::Fault;
use serde::Serialize;

/// A problem: what went wrong and what to do.
#[derive(Debug, Serialize)]
pub(crate) struct Problem {
    #[serde(rename = "type")]
    kind: &'static str,
    title: &'static str,
    status: u16,
    detail: String,
    /// Of an act over zones: what became of it in each.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    zones: Vec<OfZone>,
    /// Of files that cannot be used: each fault.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    faults: Vec<Said>,
    /// Of words that were objected to: what, by language.
    #[serde(skip_serializing_if = "Option::is_none")]
    findings: Option<Box<Remarks>>,
}

/// A fault of a file.
#[derive(Debug, Serialize)]
struct Said {
    file: String,
    line: Option<u32>,
    /// From 1, where the fault is about some words of the line.
    column: Option<usize>,
    field: String,
    what: String,
    remedy: String,
    /// The line, and carets under the words.
    excerpt: Option<String>,
}

impl From<&Fault> for Said {
    fn from(fault: &Fault) -> Self {
        Self {
            file: fault.file.clone(),
            line: fault.line,
            column: fault.excerpt.as_ref().map(|excerpt| excerpt.before + 1),
            field: fault.field.clone(),
            what: fault.what.clone(),
            remedy: fault.remedy.clone(),
            excerpt: fault.excerpt.as_ref().map(ToString::to_string),
        }
    }
}

/// Bytes of the framework's own words that are kept.
const WORDS_MAX: usize = 4096;
/// What a problem's body is.
const CONTENT_TYPE: &str = "application/problem+json";

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.detail)
    }
}

impl Problem {
    /// 400: the request cannot be read.
    pub(crate) fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(
            StatusCode::BAD_REQUEST,
            "about:blank",
            "Bad request",
            detail,
        )
    }

    /// 401 or 403.
    pub(crate) fn denied(denied: &Denied) -> Self {
        match denied {
            Denied::Unknown => Self::new(
                StatusCode::UNAUTHORIZED,
                "about:blank",
                "Not signed in",
                denied.to_string(),
            ),
            Denied::Scope { .. } => Self::forbidden(denied.to_string()),
        }
    }

    /// 403: the act is somebody else's.
    pub(crate) fn forbidden(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "about:blank", "Not allowed", detail)
    }

    /// 401: nobody known signed the call.
    pub(crate) fn unsigned(detail: impl Into<String>) -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "about:blank",
            "Not signed",
            detail,
        )
    }

    /// 422: it can be read and must not be done.
    pub(crate) fn refused(detail: impl Into<String>) -> Self {
        Self::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "about:blank",
            "Refused",
            detail,
        )
    }

    /// 422: words that should not be signed by mistake.
    pub(crate) fn objected(findings: Remarks) -> Self {
        let said = findings.iter().flat_map(|(language, findings)| {
            let tag = language.tag();
            findings.iter().map(move |it| format!("{tag}: {it}"))
        });
        let said: Vec<String> = said.collect();
        let detail = format!(
            "its words: {}; word it otherwise, or send \"as_it_stands\": true with a reason",
            said.join("; ")
        );
        Self {
            findings: Some(Box::new(findings)),
            ..Self::refused(detail)
        }
    }

    /// 404.
    pub(crate) fn not_found(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "about:blank", "Not found", detail)
    }

    /// 408: the request took too long to come.
    pub(crate) fn timeout(detail: impl Into<String>) -> Self {
        Self::new(
            StatusCode::REQUEST_TIMEOUT,
            "about:blank",
            "Too slow",
            detail,
        )
    }

    /// 409: what was seen is not what is.
    pub(crate) fn conflict(detail: impl Into<String>) -> Self {
        Self::new(
            StatusCode::CONFLICT,
            "about:blank",
            "Changed since you saw it",
            detail,
        )
    }

    /// 409: the same request is being answered.
    pub(crate) fn under_way(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, "about:blank", "Under way", detail)
    }

    /// 415: a body in a form that is not read here.
    pub(crate) fn unsupported(detail: impl Into<String>) -> Self {
        Self::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "about:blank",
            "Form not supported",
            detail,
        )
    }

    /// 413.
    pub(crate) fn too_large(detail: impl Into<String>) -> Self {
        Self::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "about:blank",
            "Body too large",
            detail,
        )
    }

    /// 422: files that can be read and not used, with every fault.
    pub(crate) fn faulty(faulty: &Faulty) -> Self {
        let errors = faulty.0.iter().filter(|fault| is_error(fault));
        let problem = Self::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "about:blank",
            "Cannot be used",
            faulty.to_string(),
        );
        Self {
            faults: errors.map(Said::from).collect(),
            ..problem
        }
    }

    /// 503: not now; try again.
    pub(crate) fn unavailable(detail: impl Into<String>) -> Self {
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "about:blank",
            "Not available",
            detail,
        )
    }

    /// The same of an act over zones.
    pub(crate) fn of_zones(self, zones: Vec<OfZone>) -> Self {
        Self { zones, ..self }
    }

    fn new(
        status: StatusCode,
        kind: &'static str,
        title: &'static str,
        detail: impl Into<String>,
    ) -> Self {
        Self {
            kind,
            title,
            status: status.as_u16(),
            detail: detail.into(),
            zones: Vec::new(),
            faults: Vec::new(),
            findings: None,
        }
    }
}

impl From<Denied> for Problem {
    fn from(denied: Denied) -> Self {
        Self::denied(&denied)
    }
}

impl From<JournalError> for Problem {
    /// What no later try can store is the sender's to change; everything else may pass.
    fn from(error: JournalError) -> Self {
        match error {
            JournalError::TooLarge { bytes, limit } => Self::too_large(format!(
                "it takes {bytes} bytes in the journal, {limit} is the most: send it in parts, or shorten it"
            )),
            JournalError::Full { .. }
            | JournalError::KeyMissing { .. }
            | JournalError::DiskFull { .. }
            | JournalError::Trimmed { .. }
            | JournalError::Poisoned { .. }
            | JournalError::File { .. }
            | JournalError::InUse { .. }
            | JournalError::Corrupt { .. }
            | JournalError::Newer { .. }
            | JournalError::UnknownTopic { .. }
            | JournalError::Brokers { .. }
            | JournalError::TopicWrong { .. }
            | JournalError::Fenced { .. }
            | JournalError::OwnedApart { .. }
            | JournalError::Unacknowledged { .. }
            | JournalError::Closed => {
                Self::unavailable(format!("not stored, send it again: {error}"))
            }
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = serde_json::to_string(&self).unwrap_or_default();
        let mut response = (status, [(header::CONTENT_TYPE, CONTENT_TYPE)], body).into_response();
        let more = match status {
            StatusCode::SERVICE_UNAVAILABLE => Some((header::RETRY_AFTER, "1")),
            StatusCode::UNAUTHORIZED => Some((header::WWW_AUTHENTICATE, "Bearer")),
            _ => None,
        };
        if let Some((name, value)) = more {
            let headers = response.headers_mut();
            headers.insert(name, HeaderValue::from_static(value));
        }
        response
    }
}

/// The answer to a path that is known and a method that is not.
pub(crate) async fn not_allowed(method: Method, uri: Uri) -> Problem {
    Problem::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "about:blank",
        "Method not allowed",
        format!("{method} is not for {}; see /openapi.json", uri.path()),
    )
}

/// Puts refusals that the framework worded (bodies, paths and queries that cannot be read) into
/// the form of every other error.
pub(crate) async fn told(response: Response) -> Response {
    let status = response.status();
    let is_error = status.is_client_error() || status.is_server_error();
    let kind = response.headers().get(header::CONTENT_TYPE);
    if !is_error || kind.is_some_and(|kind| kind == CONTENT_TYPE) {
        return response;
    }
    let words = axum::body::to_bytes(response.into_body(), WORDS_MAX).await;
    let words = words.unwrap_or_default();
    let title = status.canonical_reason().unwrap_or("Refused");
    let detail = String::from_utf8_lossy(&words).trim().to_owned();
    let detail = match status {
        StatusCode::PAYLOAD_TOO_LARGE => format!("{detail}; send it in parts"),
        StatusCode::UNSUPPORTED_MEDIA_TYPE => format!("{detail}; see /openapi.json"),
        _ => detail,
    };
    Problem::new(status, "about:blank", title, detail).into_response()
}
