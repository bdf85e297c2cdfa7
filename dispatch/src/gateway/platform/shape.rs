//! What a platform wants to be asked and how it answers, as versioned data: one TOML file a version
//! (`dispatch/platforms/`, `docs/release-platform.md`).

use super::form::{Form, FormArea};
use super::standing::StandingShape;
use crate::gateway::adapter::answers::Answers;
use crate::gateway::adapter::shape::{Parameter, RequestShape, ShapeFault, from_toml, is_name};
use crate::gateway::adapter::shipped::sample_account;
use crate::gateway::adapter::template::Templates;
use crate::gateway::adapter::{clock, map};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use minijinja::Value;
use minijinja::value::Serde;
use model::{Tier, Time};
use reqwest::Url;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Keys of the requests.
pub(super) const SUBMIT: &str = "submit";
pub(super) const STATUS: &str = "status";
pub(super) const WITHDRAW: &str = "withdraw";

/// Parts of a form that a platform may require.
const PARTS: [&str; 3] = ["maker", "checker", "signer"];

const FILES: [(&str, &str); 1] = [(
    "ews_2018.toml",
    include_str!("../../../platforms/ews_2018.toml"),
)];

/// One version of one platform's paper.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shape {
    /// Name in configuration: `ews_2018`.
    pub name: String,
    /// What it is, for people.
    pub title: String,
    /// The paper and its edition.
    pub version: String,
    /// True where the platform's own paper was at hand when this was written.
    pub verified: bool,
    /// Where it was read, and what was not.
    pub source: String,
    /// Parts of the form without which it is turned away: `maker`, `checker`, `signer`.
    #[serde(default)]
    pub requires: Vec<String>,
    /// What the configuration must give.
    #[serde(default)]
    pub parameters: BTreeMap<String, Parameter>,
    /// Puts a form.
    pub(super) submit: RequestShape,
    /// Asks how a form stands.
    pub(super) status: RequestShape,
    /// Takes a form back.
    pub(super) withdraw: RequestShape,
    /// What answers mean.
    pub(super) answers: Answers,
    /// How far a form is by an answer.
    pub standing: StandingShape,
}

/// Shapes by name.
#[derive(Clone, Debug, Default)]
pub struct Shapes(BTreeMap<String, Arc<Shape>>);

impl Shapes {
    /// The shape of that name.
    pub fn get(&self, name: &str) -> Option<&Arc<Shape>> {
        self.0.get(name)
    }

    /// Every name.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// Takes a file in, in the place of one of the same name.
    ///
    /// # Errors
    /// Every fault of it; templates are tried where everything else is sound.
    pub fn add(&mut self, file: &str, text: &str) -> Result<(), Vec<ShapeFault>> {
        let shape: Shape = from_toml(file, text)?;
        let fault = |field: &str, what: String| ShapeFault {
            file: file.to_owned(),
            field: field.to_owned(),
            what,
        };
        let mut faults = Vec::new();
        if !is_name(&shape.name) {
            let what = "write lower case letters, digits and _ alone".to_owned();
            faults.push(fault("name", what));
        }
        if shape.source.trim().is_empty() {
            let what = "say where it was read, or that it was written from memory".to_owned();
            faults.push(fault("source", what));
        }
        for part in &shape.requires {
            if !PARTS.contains(&part.as_str()) {
                let what = format!("{part:?} is no part of the form: {}", PARTS.join(", "));
                faults.push(fault("requires", what));
            }
        }
        let answers = shape.answers.faults();
        faults.extend(answers.map(|(field, what)| fault(field, what)));
        let standing = shape.standing.faults().into_iter();
        faults.extend(standing.map(|what| fault("standing", what)));
        if !faults.is_empty() {
            return Err(faults);
        }
        let templates = Templates::new(file, &shape.requests(), None, true)?;
        let tried = shape.try_out(&templates, &sample_account(&shape.parameters));
        tried.map_err(|said| vec![ShapeFault::of_template(file, &said)])?;
        self.0.insert(shape.name.clone(), Arc::new(shape));
        Ok(())
    }
}

/// What comes with this program.
///
/// # Errors
/// A shipped file is faulty, which a test rules out.
pub fn shipped() -> Result<Shapes, Vec<ShapeFault>> {
    let mut shapes = Shapes::default();
    for (file, text) in FILES {
        shapes.add(file, text)?;
    }
    Ok(shapes)
}

impl Shape {
    pub(super) fn requests(&self) -> Vec<(&'static str, &RequestShape)> {
        vec![
            (SUBMIT, &self.submit),
            (STATUS, &self.status),
            (WITHDRAW, &self.withdraw),
        ]
    }

    /// Renders every request of a sample form.
    pub(super) fn try_out(&self, templates: &Templates, account: &Value) -> Result<(), String> {
        let context = of_form(account, &sample(), Time::from_seconds(1_700_000_000));
        for (field, request) in self.requests() {
            let rendered = templates.request(field, request, &context)?;
            let is_web = Url::parse(&rendered.url)
                .is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
            if !is_web {
                return Err(format!("{field}.url: it makes no http or https address"));
            }
        }
        Ok(())
    }
}

/// Everything that the templates of a form know.
pub(super) fn of_form(account: &Value, form: &Form, at: Time) -> Value {
    let variables = [
        ("account", account.clone()),
        ("form", Value::from(Serde(form))),
        ("id", Value::from(form.id.clone())),
        ("document", Value::from(form.document.clone())),
        (
            "document_base64",
            Value::from(STANDARD.encode(&form.document)),
        ),
        (
            "document_sha256",
            Value::from(hex::encode(Sha256::digest(&form.document))),
        ),
    ];
    map(variables.into_iter().chain(clock(at)))
}

fn sample() -> Form {
    let text = |text: &str| text.to_owned();
    Form {
        id: text("0123456789abcdef0123456789abcdef"),
        identifier: text("44010041600000_20260508162000"),
        message_type: "Alert",
        sender: text("44010041600000"),
        sender_name: text("某市气象台"),
        hazard: text("11B03"),
        hazard_name: text("暴雨 \"heavy rain\""),
        tier: Tier::Red,
        areas: vec![FormArea {
            code: text("440106000000"),
            name: text("天河区"),
            tier: Tier::Red,
        }],
        channels: vec![text("sms")],
        headline: text("暴雨红色预警 \"Red\""),
        description: text("天河区…\n{{ \\ }}"),
        instruction: text("请立即撤离"),
        sent: text("2026-05-08T16:20:00+08:00"),
        effective: text("2026-05-08T16:20:00+08:00"),
        expires: text("2026-05-08T19:20:00+08:00"),
        maker: text("rain-3h"),
        checker: text("chen"),
        signer: text("wang"),
        document: text("<alert/>"),
    }
}

#[cfg(test)]
mod tests;
