//! The templates of a shape: strict minijinja without any escaping but what is asked for, and the few
//! functions that signatures need.

use super::shape::{RequestShape, ShapeFault};
use crate::gateway::jwt::SigningKey;
use crate::gateway::mac::keyed;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::Mac;
use md5::Md5;
use minijinja::value::ValueKind;
use minijinja::{Environment, Error, ErrorKind, UndefinedBehavior, Value};
use sha2::{Digest, Sha256};
use std::fmt::Write;

/// What a sample puts where a key would sign.
const SAMPLE_TOKEN: &str = "sample.signed.token";

/// A request, rendered.
#[derive(Debug)]
pub(in crate::gateway) struct Rendered {
    pub(in crate::gateway) url: String,
    pub(in crate::gateway) headers: Vec<(String, String)>,
    pub(in crate::gateway) body: Option<(&'static str, String)>,
}

/// All templates of one shape.
#[derive(Debug)]
pub(in crate::gateway) struct Templates {
    environment: Environment<'static>,
}

/// Name of the template of a token made here.
const MADE: &str = "token.made";

impl Templates {
    /// Compiles the templates of every request, each by the key it stands under, and of a token
    /// made here; `sample` signs nothing.
    pub(in crate::gateway) fn new(
        file: &str,
        requests: &[(&'static str, &RequestShape)],
        made: Option<&str>,
        sample: bool,
    ) -> Result<Self, Vec<ShapeFault>> {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
        environment.add_filter("json", json);
        environment.add_filter("urlencode", |text: String| urlencode(&text));
        environment.add_function("hmac_sha256", |key: String, text: String| {
            let mut mac = keyed(key.as_bytes());
            mac.update(text.as_bytes());
            STANDARD.encode(mac.finalize().into_bytes())
        });
        environment.add_function("sha256", |text: String| hex::encode(Sha256::digest(text)));
        environment.add_function("md5", |text: String| hex::encode(Md5::digest(text)));
        environment.add_function("field", move |document: String, pointer: String| {
            let found = super::answers::text_at(document.as_bytes(), &pointer);
            match found {
                Some(text) => Ok(text),
                None if sample => Ok(format!("sample{}", pointer.replace('/', "-"))),
                None => Err(failed(format!("the document has no {pointer}"))),
            }
        });
        environment.add_function("jwt", move |pem: String, key_id: Value, claims: Value| {
            if sample {
                return Ok(SAMPLE_TOKEN.to_owned());
            }
            let key = SigningKey::from_pem(&pem).map_err(|error| failed(error.to_string()))?;
            let claims = plain(&claims).ok_or_else(|| failed("claims are a map".into()))?;
            let signed = key.token(key_id.as_str(), &claims);
            signed.map_err(|error| failed(error.to_string()))
        });
        let mut this = Self { environment };
        let mut faults = Vec::new();
        for (field, request) in requests {
            for (name, source) in sources(field, request) {
                this.add(file, name, source, &mut faults);
            }
        }
        if let Some(made) = made {
            this.add(file, MADE.to_owned(), made, &mut faults);
        }
        if faults.is_empty() {
            Ok(this)
        } else {
            Err(faults)
        }
    }

    fn add(&mut self, file: &str, name: String, source: &str, faults: &mut Vec<ShapeFault>) {
        let added = self
            .environment
            .add_template_owned(name.clone(), source.to_owned());
        if let Err(error) = added {
            faults.push(ShapeFault {
                file: file.to_owned(),
                field: name,
                what: words(&error),
            });
        }
    }

    /// A request in the words of `context`. An error names the template, never a value.
    pub(in crate::gateway) fn request(
        &self,
        field: &'static str,
        request: &RequestShape,
        context: &Value,
    ) -> Result<Rendered, String> {
        let url = self.render(&format!("{field}.url"), context)?;
        let names = request.headers.keys();
        let headers = names.map(|name| {
            let text = self.render(&format!("{field}.headers.{name}"), context)?;
            Ok((name.clone(), text))
        });
        let headers = headers.collect::<Result<Vec<_>, String>>()?;
        let body = match (&request.json, &request.form) {
            (Some(_), _) => {
                let name = format!("{field}.json");
                let text = self.render(&name, context)?;
                let value: serde_json::Value = serde_json::from_str(&text)
                    .map_err(|error| format!("{name}: it makes no JSON: {error}"))?;
                Some(("application/json; charset=utf-8", value.to_string()))
            }
            (None, Some(form)) => {
                let mut text = String::new();
                for key in form.keys() {
                    let value = self.render(&format!("{field}.form.{key}"), context)?;
                    if value.is_empty() {
                        continue;
                    }
                    let and = if text.is_empty() { "" } else { "&" };
                    // Writing to a string cannot fail.
                    let _ = write!(text, "{and}{}={}", urlencode(key), urlencode(&value));
                }
                Some(("application/x-www-form-urlencoded", text))
            }
            (None, None) => None,
        };
        Ok(Rendered { url, headers, body })
    }

    /// The token that is made here.
    pub(super) fn made(&self, context: &Value) -> Result<String, String> {
        self.render(MADE, context)
    }

    fn render(&self, name: &str, context: &Value) -> Result<String, String> {
        let template = self.environment.get_template(name);
        let text = template.and_then(|template| template.render(context));
        let text = text.map_err(|error| format!("{name}: {}", words(&error)))?;
        Ok(text.trim().to_owned())
    }
}

fn sources<'a>(field: &str, request: &'a RequestShape) -> Vec<(String, &'a str)> {
    let mut sources = vec![(format!("{field}.url"), request.url.as_str())];
    for (name, text) in &request.headers {
        sources.push((format!("{field}.headers.{name}"), text));
    }
    if let Some(text) = &request.json {
        sources.push((format!("{field}.json"), text));
    }
    for (name, text) in request.form.iter().flatten() {
        sources.push((format!("{field}.form.{name}"), text));
    }
    sources
}

/// Kind, place and detail; the values that were rendered stand in none of them.
fn words(error: &Error) -> String {
    let line = error.line().map(|line| format!(" in line {line}"));
    let detail = error.detail().map(|detail| format!(": {detail}"));
    format!(
        "{}{}{}",
        error.kind(),
        line.unwrap_or_default(),
        detail.unwrap_or_default()
    )
}

fn failed(why: String) -> Error {
    Error::new(ErrorKind::InvalidOperation, why)
}

/// A text or number as JSON.
fn json(value: Value) -> Result<String, Error> {
    let value = plain(&value).ok_or_else(|| failed("nothing that JSON has".into()))?;
    Ok(value.to_string())
}

fn plain(value: &Value) -> Option<serde_json::Value> {
    use serde_json::Value as Json;
    if let Some(text) = value.as_str() {
        return Some(Json::String(text.to_owned()));
    }
    let kind = value.kind();
    if kind == ValueKind::Bool {
        Some(Json::Bool(value.is_true()))
    } else if kind == ValueKind::Number {
        Some(Json::Number(i64::try_from(value.clone()).ok()?.into()))
    } else if kind == ValueKind::Map {
        let mut map = serde_json::Map::new();
        for key in value.try_iter().ok()? {
            let inner = value.get_item(&key).ok()?;
            map.insert(key.as_str()?.to_owned(), plain(&inner)?);
        }
        Some(Json::Object(map))
    } else if kind == ValueKind::Seq {
        let all = value.try_iter().ok()?;
        Some(Json::Array(
            all.map(|inner| plain(&inner)).collect::<Option<_>>()?,
        ))
    } else {
        None
    }
}

/// Percent-encoding of everything but the unreserved characters (RFC 3986).
fn urlencode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                out.push(char::from(byte));
            }
            // Writing to a string cannot fail.
            _ => drop(write!(out, "%{byte:02X}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_escaped_for_where_they_stand() {
        assert_eq!(urlencode("a b/暴&=~"), "a%20b%2F%E6%9A%B4%26%3D~");
        assert_eq!(
            json(Value::from("say \"红\"\n")).unwrap(),
            r#""say \"红\"\n""#
        );
        assert_eq!(json(Value::from(7)).unwrap(), "7");
    }
}
