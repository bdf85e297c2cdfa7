//! What a service wants to be asked and how it answers, as data: one TOML file a service
//! (`dispatch/adapters/`, `docs/push.md`).
//!
//! A shape is read, its templates are compiled strictly, and a sample is rendered with every
//! parameter before it is taken: a name that does not exist, or a body that is no JSON, is a fault
//! at the start and never in a storm.

use super::answers::Answers;
use serde::Deserialize;
use std::collections::BTreeMap;

/// One service.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shape {
    /// Name in configuration and tokens: `huawei`.
    pub name: String,
    /// What it is, for people.
    pub title: String,
    /// True where the service's own text was at hand when this was written.
    pub verified: bool,
    /// Where it was read, and what was not.
    pub source: String,
    /// Whom it speaks to.
    pub to: Audience,
    /// The service speaks HTTP/2 alone.
    #[serde(default)]
    pub http2: bool,
    /// What the configuration must give.
    #[serde(default)]
    pub parameters: BTreeMap<String, Parameter>,
    /// How the right to send is had, where it is not in the request itself.
    pub token: Option<TokenShape>,
    /// The request of one message.
    pub request: RequestShape,
    /// What answers mean.
    pub answers: Answers,
    /// What the service allows.
    #[serde(default)]
    pub limits: Limits,
}

/// Whom a service speaks to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Audience {
    /// One app, by its token.
    App,
    /// A group, a board, an account: who reads there is not ours to know.
    Group,
}

/// One value that the configuration gives.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parameter {
    /// What it is and where it is found.
    pub what: String,
    /// True where it is never shown; given as a file.
    #[serde(default)]
    pub secret: bool,
    /// Used where the configuration says nothing.
    pub default: Option<String>,
    /// A value to try the templates with where the text must have a form.
    pub sample: Option<String>,
}

/// A request, its texts templates.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RequestShape {
    /// `POST` unless said otherwise.
    #[serde(default)]
    pub method: Method,
    /// Address.
    pub url: String,
    /// Headers.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// A JSON body.
    pub json: Option<String>,
    /// Fields of a form; those that come out empty are left out.
    pub form: Option<BTreeMap<String, String>>,
}

/// Methods that push services use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Method {
    /// Asks for a token, mostly.
    Get,
    /// Everything else.
    #[default]
    Post,
}

/// How the right to send is had.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenShape {
    /// Made here: a signed claim.
    pub made: Option<String>,
    /// Asked of the service.
    pub request: Option<RequestShape>,
    /// JSON pointer to it in the answer.
    #[serde(default)]
    pub value: String,
    /// JSON pointer to the seconds it is good for.
    pub expires: Option<String>,
    /// Seconds it is used for at most.
    pub lifetime_s: u32,
}

/// What a service allows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Messages a second.
    pub per_second: Option<u32>,
    /// Messages a day.
    pub per_day: Option<u32>,
    /// Where the service's day begins: hours that its clock is ahead of UTC.
    pub day_offset_h: i8,
    /// Bytes of a body.
    pub body_bytes_max: Option<usize>,
    /// Characters of a title, as Unicode counts them.
    pub title_max: Option<usize>,
    /// Characters of what stands below it.
    pub text_max: Option<usize>,
    /// Shortest validity, seconds: what is worth showing for less long is not sent.
    pub ttl_min_s: Option<u32>,
    /// Longest validity, seconds.
    pub ttl_max_s: Option<u32>,
}

/// What is wrong with a shape.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{file}: {field}: {what}")]
pub struct ShapeFault {
    /// The file.
    pub file: String,
    /// Key in it.
    pub field: String,
    /// What is wrong.
    pub what: String,
}

impl ShapeFault {
    /// What a template said, which begins with its key.
    pub(in crate::gateway) fn of_template(file: &str, said: &str) -> Self {
        let (field, what) = said.split_once(": ").unwrap_or(("request", said));
        Self {
            file: file.to_owned(),
            field: field.to_owned(),
            what: what.to_owned(),
        }
    }
}

/// Key of the request of a message.
pub(super) const MESSAGE: &str = "request";
/// Key of the request of a token.
pub(super) const TOKEN: &str = "token.request";

impl Shape {
    /// Its requests by the key each stands under.
    pub(super) fn requests(&self) -> Vec<(&'static str, &RequestShape)> {
        let token = self.token.as_ref();
        let token = token.and_then(|token| token.request.as_ref());
        let token = token.map(|request| (TOKEN, request));
        std::iter::once((MESSAGE, &self.request))
            .chain(token)
            .collect()
    }

    /// The template of a token made here.
    pub(super) fn made(&self) -> Option<&str> {
        self.token.as_ref()?.made.as_deref()
    }

    /// Reads a file.
    ///
    /// # Errors
    /// Every fault of it; templates are tried where everything else is sound.
    pub fn read(file: &str, text: &str) -> Result<Self, Vec<ShapeFault>> {
        let fault = |field: &str, what: String| ShapeFault {
            file: file.to_owned(),
            field: field.to_owned(),
            what,
        };
        let shape: Self = from_toml(file, text)?;
        let mut faults = Vec::new();
        if !is_name(&shape.name) {
            let what = "write lower case letters, digits and _ alone".to_owned();
            faults.push(fault("name", what));
        }
        if shape.source.trim().is_empty() {
            let what = "say where it was read, or that it was written from memory".to_owned();
            faults.push(fault("source", what));
        }
        for name in shape.parameters.keys().filter(|name| !is_name(name)) {
            faults.push(fault(
                "parameters",
                format!("{name:?} is no name for a template"),
            ));
        }
        if let Some(token) = &shape.token {
            match (&token.made, &token.request) {
                (Some(_), None) => {}
                (None, Some(_)) if token.value.starts_with('/') => {}
                (None, Some(_)) => {
                    let what = "write the JSON pointer to the token in the answer: /access_token";
                    faults.push(fault("token.value", what.into()));
                }
                (Some(_), Some(_)) | (None, None) => {
                    let what = "write one of made and request";
                    faults.push(fault("token", what.into()));
                }
            }
            if token.lifetime_s < 60 {
                faults.push(fault("token.lifetime_s", "write 60 or more".into()));
            }
        }
        for (field, request) in shape.requests() {
            if request.json.is_some() && request.form.is_some() {
                faults.push(fault(field, "it has json and form: take one out".into()));
            }
        }
        faults.extend(
            shape
                .answers
                .faults()
                .map(|(field, what)| fault(field, what)),
        );
        if faults.is_empty() {
            Ok(shape)
        } else {
            Err(faults)
        }
    }
}

/// A shape from its file; the fault names the line.
pub(in crate::gateway) fn from_toml<T: serde::de::DeserializeOwned>(
    file: &str,
    text: &str,
) -> Result<T, Vec<ShapeFault>> {
    toml::from_str(text).map_err(|error| {
        let before = error.span().and_then(|span| text.get(..span.start));
        let line = before.map_or(1, |before| before.matches('\n').count() + 1);
        vec![ShapeFault {
            file: file.to_owned(),
            field: format!("line {line}"),
            what: error.message().to_owned(),
        }]
    })
}

/// Whether templates can say it.
pub(in crate::gateway) fn is_name(name: &str) -> bool {
    let fits = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
    !name.is_empty() && name.bytes().all(fits)
}
