//! How an answer is asked for: one small page that needs no script, in the person's language; what
//! cannot be answered is said in both.

use super::ANSWERS;
use crate::installation::Installation;
use axum::http::{HeaderName, StatusCode, header};
use axum::response::{IntoResponse, Response};
use dispatch::directory::Contact;
use dispatch::ladder::{Call, Place};
use model::order::Answer;
use model::{Hazard, Language, Working};
use std::fmt::Write;

/// Nothing is loaded from anywhere, nobody frames it, and its address is told to nobody.
const HEADERS: [(HeaderName, &str); 6] = [
    (header::CONTENT_TYPE, "text/html; charset=utf-8"),
    (header::CACHE_CONTROL, "no-store"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; \
         frame-ancestors 'none'",
    ),
    (HeaderName::from_static("x-robots-tag"), "noindex"),
];

const STYLE: &str = "body{font:18px/1.5 system-ui,sans-serif;margin:0;background:#fff;color:#111}\
main{max-width:30em;margin:0 auto;padding:1em}h1{font-size:1.3em}\
button{display:block;width:100%;min-height:3em;margin:.6em 0;font:inherit;font-weight:600;\
border:2px solid #111;border-radius:.4em;background:#fff;color:#111}\
[role=status]{border-left:.4em solid #06603a;padding:.5em .8em;background:#e8f5ee}\
@media(prefers-color-scheme:dark){body,button{background:#111;color:#eee}button{border-color:#eee}\
[role=status]{background:#10331f}}";

/// What is asked of whom.
pub(super) struct Asked<'a> {
    pub(super) installation: &'a Installation,
    pub(super) contact: &'a Contact,
    pub(super) hazard: Option<Hazard>,
    /// Never empty.
    pub(super) calls: Vec<Call>,
}

/// A page that can be answered.
pub(super) struct Page(String);

/// Why a link cannot be answered.
#[derive(Clone, Copy, Debug)]
pub(super) enum Plain {
    Unknown,
    Expired,
    Over,
    NoAnswer,
    TooMany,
    NotStored,
}

impl Page {
    /// What is asked, with what was answered just now.
    pub(super) fn asking(asked: &Asked<'_>, given: Option<Answer>) -> Self {
        let language = asked.contact.language;
        let say = |zh, en| match language.working() {
            Working::Zh => zh,
            Working::En => en,
        };
        let title = say("回报", "Your answer");
        let mut body = format!("<h1>{title}</h1>");
        if let Some(answer) = given {
            let noted = say("已记录:", "Noted: ");
            let also = say("情况有变可再点。", "If things change, tap again.");
            let word = word(answer, language);
            // Writing into a string cannot fail.
            let _ = write!(
                body,
                "<p role=\"status\"><strong>{noted}{word}</strong> {also}</p>"
            );
        }
        body.push_str("<ul>");
        for call in &asked.calls {
            let _ = write!(body, "<li>{}</li>", escape(&line(asked, call, language)));
        }
        body.push_str("</ul><form method=\"post\">");
        for (answer, name) in ANSWERS {
            let word = word(answer, language);
            let _ = write!(
                body,
                "<button name=\"answer\" value=\"{name}\">{word}</button>"
            );
        }
        body.push_str("</form>");
        Self(page(say("zh", "en"), title, &body))
    }

    pub(super) fn response(self, status: StatusCode) -> Response {
        (status, HEADERS, self.0).into_response()
    }
}

impl Plain {
    pub(super) fn response(self) -> Response {
        let (status, zh, en) = match self {
            Self::Unknown => (
                StatusCode::NOT_FOUND,
                "链接无效或不完整。请从邮件中重新打开整个链接,或按邮件所示致电。",
                "This link is not valid or not whole. Open the whole link from the mail again, or phone as the mail says.",
            ),
            Self::Expired => (
                StatusCode::GONE,
                "链接已过期。请用最新一封邮件中的链接,或按邮件所示致电。",
                "This link is past its time. Use the one in the latest mail, or phone as the mail says.",
            ),
            Self::Over => (
                StatusCode::GONE,
                "已无需回报:该预警已结束,或不再由您回报。",
                "No answer is needed any more: the warning is over, or not yours to answer.",
            ),
            Self::NoAnswer => (
                StatusCode::BAD_REQUEST,
                "没有收到答复。请返回并点一个按钮。",
                "No answer came with it. Go back and tap one of the buttons.",
            ),
            Self::TooMany => (
                StatusCode::TOO_MANY_REQUESTS,
                "点得太频繁,这一次没有记录。请一分钟后再试,或致电。",
                "Too many answers: this one was not noted. Try again in a minute, or phone.",
            ),
            Self::NotStored => (
                StatusCode::SERVICE_UNAVAILABLE,
                "没有存下来,请再点一次;不行请致电。",
                "It could not be stored. Tap again; if that fails, phone.",
            ),
        };
        let body = format!("<h1>{zh}</h1><h1 lang=\"en\">{en}</h1>");
        Page(page("zh", "回报 · Your answer", &body)).response(status)
    }
}

fn page(language: &str, title: &str, body: &str) -> String {
    format!(
        "<!doctype html><html lang=\"{language}\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <title>{title}</title><style>{STYLE}</style></head><body><main>{body}</main></body></html>"
    )
}

/// The place, what happens there, and what was answered for it.
fn line(asked: &Asked<'_>, call: &Call, language: Language) -> String {
    let installation = asked.installation;
    let site = |id: &str| {
        let city = &installation.city;
        let site = city.site_no(id).and_then(|no| city.site(no));
        site.map_or_else(|| id.to_owned(), |site| site.name.get(language).to_owned())
    };
    let place = match &call.place {
        Place::Area(code) => installation.places.name(*code, language),
        Place::Site(id) => site(id),
        Place::Device { site: id, device } => format!("{} {device}", site(id)),
    };
    let hazard = asked.hazard.map_or("", |hazard| match language.working() {
        Working::Zh => hazard.zh(),
        Working::En => hazard.en(),
    });
    // No colour: it may be another authority's to give.
    let mut line = match language.working() {
        Working::Zh => format!("{place}:{hazard}"),
        Working::En => format!("{place}: {hazard}"),
    };
    if let Some(said) = &call.answered {
        let _ = write!(line, " · {}", word(said.answer, language));
    }
    line
}

const fn word(answer: Answer, language: Language) -> &'static str {
    match (language.working(), answer) {
        (Working::Zh, Answer::Received) => "收到",
        (Working::Zh, Answer::AtPost) => "已到岗",
        (Working::Zh, Answer::Moved) => "已转移",
        (Working::Zh, Answer::NeedsHelp) => "需要支援",
        (Working::En, Answer::Received) => "Received",
        (Working::En, Answer::AtPost) => "At post",
        (Working::En, Answer::Moved) => "People moved",
        (Working::En, Answer::NeedsHelp) => "Need help",
    }
}

fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            other => safe.push(other),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    #[test]
    fn names_are_text_and_nothing_else() {
        assert_eq!(
            super::escape("<b onclick='x'>\"A&B\"</b>"),
            "&lt;b onclick=&#39;x&#39;&gt;&quot;A&amp;B&quot;&lt;/b&gt;"
        );
    }
}
