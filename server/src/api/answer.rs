//! The page behind the link of a mail: what is asked, and a button for each answer. Mail scanners
//! open links, so that opening it answers nothing.

mod page;

use crate::app::App;
use crate::replies::Reply;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use dispatch::directory::{Contact, Recipient};
use dispatch::gateway::answer_link::{AnswerLink, AnswerLinkError};
use dispatch::ladder::Call;
use model::Channel;
use model::order::Answer;
use page::{Asked, Page, Plain};
use std::sync::Arc;

/// Largest body of an answer, bytes: `answer=needs_help`.
pub(crate) const BODY_MAX: usize = 256;
/// Answers as the buttons send them.
const ANSWERS: [(Answer, &str); 4] = [
    (Answer::Received, "received"),
    (Answer::AtPost, "at_post"),
    (Answer::Moved, "moved"),
    (Answer::NeedsHelp, "needs_help"),
];

/// `GET /answer/{token}`: shows what is asked.
pub(crate) async fn show(State(app): State<Arc<App>>, Path(token): Path<String>) -> Response {
    match asked(&app, &token) {
        Ok((_, asked)) => Page::asking(&asked, None).response(StatusCode::OK),
        Err(plain) => plain.response(),
    }
}

/// `POST /answer/{token}`: notes the answer.
pub(crate) async fn take(
    State(app): State<Arc<App>>,
    Path(token): Path<String>,
    body: Bytes,
) -> Response {
    match noted(&app, &token, &body).await {
        Ok(page) => page.response(StatusCode::OK),
        Err(plain) => plain.response(),
    }
}

async fn noted(app: &App, token: &str, body: &[u8]) -> Result<Page, Plain> {
    let (link, asked) = asked(app, token)?;
    let named = body.strip_prefix(b"answer=");
    let found = ANSWERS
        .iter()
        .find(|(_, name)| named == Some(name.as_bytes()));
    let (answer, _) = found.ok_or(Plain::NoAnswer)?;
    let refused = |why| app.metrics.refused.with_label_values(&[why]).inc();
    if !app.answer_links.may_answer(link.recipient, app.clock.now()) {
        refused("answers");
        return Err(Plain::TooMany);
    }
    let is_them = |contact: &&Contact| is_same(contact, asked.contact);
    let reply = Reply {
        answer: *answer,
        note: "",
        channel: Channel::Email,
        warning: Some(link.warning),
    };
    let orders = app.answers(is_them, &reply);
    if let Err(error) = app.note(orders).await {
        tracing::warn!(%error, "an answer by link was not stored");
        return Err(Plain::NotStored);
    }
    Ok(Page::asking(&asked, Some(*answer)))
}

/// What a link asks of whom.
fn asked<'a>(app: &'a App, token: &str) -> Result<(AnswerLink, Asked<'a>), Plain> {
    let link = app.answer_links.read(token, app.clock.now());
    let link = link.map_err(|error| {
        let refused = &app.metrics.refused;
        refused.with_label_values(&["answer_link"]).inc();
        match error {
            AnswerLinkError::Unknown => Plain::Unknown,
            AnswerLinkError::Expired => Plain::Expired,
        }
    })?;
    let installation = &*app.installation;
    let contact = match installation.directory.recipient(link.recipient) {
        Some(Recipient::Contact(contact)) => contact,
        Some(Recipient::Device(_) | Recipient::Subscriber(_)) | None => return Err(Plain::Over),
    };
    let rows = installation.directory.contacts().iter();
    let rows: Vec<&Contact> = rows.filter(|row| is_same(row, contact)).collect();
    let is_theirs = |call: &Call| {
        let mut rows = rows.iter();
        call.warning == link.warning && rows.any(|row| installation.answers_for(row, call))
    };
    let calls = app.view.calls_where(is_theirs);
    if calls.is_empty() {
        return Err(Plain::Over);
    }
    let asked = Asked {
        installation,
        contact,
        hazard: app.view.original(link.warning).map(|w| w.hazard),
        calls,
    };
    Ok((link, asked))
}

/// One person may stand in several rows: the mail went to all of them.
fn is_same(row: &Contact, contact: &Contact) -> bool {
    row.recipient == contact.recipient || (!row.email.is_empty() && row.email == contact.email)
}
