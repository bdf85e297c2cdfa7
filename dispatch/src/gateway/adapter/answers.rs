//! What a service's answer means, by its status and the codes in its body: rules as data, the first
//! that fits decides. Pure: bytes of others come in here.

use serde::Deserialize;
use serde_json::Value;

/// Characters of what a service says that are kept.
const SAID_MAX: usize = 200;

/// How to read answers.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answers {
    /// JSON pointers to the code, the first that is there counts; `*` stands for each of a list.
    #[serde(default)]
    pub code: Vec<String>,
    /// JSON pointer to words about it.
    #[serde(default)]
    pub words: Vec<String>,
    /// JSON pointer to the service's own name of the message.
    #[serde(default)]
    pub reference: Vec<String>,
    /// Header that names the message.
    pub reference_header: Option<String>,
    /// The rules.
    pub rule: Vec<Rule>,
}

/// One rule: all that it names must fit.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Statuses.
    #[serde(default)]
    pub http: Vec<u16>,
    /// Codes, as text.
    #[serde(default)]
    pub code: Vec<String>,
    /// A place in the body that must hold one of some texts.
    pub holds: Option<Holds>,
    /// What it means.
    pub means: Meaning,
}

/// A place in the body and what it must hold.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Holds {
    /// JSON pointer; `*` stands for each of a list.
    pub at: String,
    /// The text there is one of these.
    pub is: Vec<String>,
}

/// What an answer means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Meaning {
    /// Taken.
    Accepted,
    /// Too fast, or too many for now.
    Throttled,
    /// Not taken; trying again may help.
    Transient,
    /// Refused for good: this message, and no fault of the token.
    Permanent,
    /// The recipient's token will never work again.
    Retired,
    /// Our own right to send has run out: it is asked for anew, once.
    TokenStale,
    /// Our account, key or address is wrong: true for everybody, so it is tried again.
    LinkFault,
    /// Nobody knows whether it was taken.
    Uncertain,
}

/// An answer, read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// What it means.
    pub means: Meaning,
    /// The service's own name of the message.
    pub reference: Option<String>,
    /// Status, code and words, for people.
    pub said: String,
}

impl Answers {
    /// Reads an answer. A body that is no JSON has no code.
    pub fn read(&self, status: u16, body: &[u8]) -> Answer {
        let body: Value = serde_json::from_slice(body).unwrap_or(Value::Null);
        let code = first(&self.code, &body);
        let fits = |rule: &&Rule| {
            (rule.http.is_empty() || rule.http.contains(&status))
                && (rule.code.is_empty() || code.as_ref().is_some_and(|c| rule.code.contains(c)))
                && rule.holds.as_ref().is_none_or(|holds| {
                    texts(&body, &holds.at)
                        .iter()
                        .any(|text| holds.is.contains(text))
                })
        };
        let rule = self.rule.iter().find(fits);
        let mut said = status.to_string();
        for part in [code.as_ref(), first(&self.words, &body).as_ref()]
            .into_iter()
            .flatten()
        {
            said.push(' ');
            said.extend(part.chars().filter(|c| !c.is_control()).take(SAID_MAX));
        }
        Answer {
            means: rule.map_or_else(|| otherwise(status), |rule| rule.means),
            reference: first(&self.reference, &body)
                .filter(|text| !text.is_empty() && text.len() <= SAID_MAX),
            said,
        }
    }

    /// What cannot be: rules that name nothing, pointers that are none, success that is never met.
    pub(in crate::gateway) fn faults(&self) -> impl Iterator<Item = (&'static str, String)> {
        let pointers = self.code.iter().chain(&self.words).chain(&self.reference);
        let held = self.rule.iter().filter_map(|rule| rule.holds.as_ref());
        let pointers = pointers.chain(held.map(|holds| &holds.at));
        let no_pointer = pointers
            .filter(|pointer| !pointer.starts_with('/'))
            .map(|pointer| {
                (
                    "answers",
                    format!("{pointer:?} is no JSON pointer: /error/code"),
                )
            });
        let empty = self
            .rule
            .iter()
            .filter(|rule| rule.http.is_empty() && rule.code.is_empty() && rule.holds.is_none())
            .map(|_| {
                (
                    "answers.rule",
                    "it names neither http nor code nor holds".to_owned(),
                )
            });
        let codeless = self
            .rule
            .iter()
            .filter(|rule| !rule.code.is_empty() && self.code.is_empty())
            .map(|_| {
                (
                    "answers.code",
                    "a rule names codes: say where they stand".to_owned(),
                )
            });
        let taken = self.rule.iter().any(|rule| rule.means == Meaning::Accepted);
        let never = (!taken).then(|| ("answers.rule", "none means accepted".to_owned()));
        let faults: Vec<_> = no_pointer
            .chain(empty)
            .chain(codeless)
            .chain(never)
            .collect();
        faults.into_iter()
    }
}

/// What no rule speaks of, by HTTP's own meaning. A success with a code that nobody described is
/// not taken for one.
const fn otherwise(status: u16) -> Meaning {
    match status {
        401 | 403 | 407 => Meaning::LinkFault,
        408 | 425 => Meaning::Transient,
        429 => Meaning::Throttled,
        504 => Meaning::Uncertain,
        500..=599 => Meaning::Transient,
        _ => Meaning::Permanent,
    }
}

pub(in crate::gateway) fn first(pointers: &[String], body: &Value) -> Option<String> {
    pointers
        .iter()
        .find_map(|pointer| texts(body, pointer).into_iter().next())
}

/// Texts and numbers at a pointer.
fn texts(body: &Value, pointer: &str) -> Vec<String> {
    let mut found = vec![body];
    for name in pointer.split('/').skip(1) {
        found = found
            .into_iter()
            .flat_map(|value| match (name, value) {
                ("*", Value::Array(all)) => all.iter().collect::<Vec<_>>(),
                (name, Value::Array(all)) => name
                    .parse()
                    .ok()
                    .and_then(|at: usize| all.get(at))
                    .into_iter()
                    .collect(),
                (name, value) => value.get(name).into_iter().collect(),
            })
            .collect();
    }
    let text = |value: &Value| match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    };
    found.into_iter().filter_map(text).collect()
}

/// The text at a JSON pointer of bytes; for access tokens and the like.
pub(super) fn text_at(body: &[u8], pointer: &str) -> Option<String> {
    let body: Value = serde_json::from_slice(body).ok()?;
    texts(&body, pointer).into_iter().next()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn answers() -> Answers {
        toml::from_str(
            r#"
            code = ["/error/details/*/errorCode", "/error/status", "/code"]
            words = ["/error/message"]
            reference = ["/name"]
            [[rule]]
            http = [200]
            means = "accepted"
            [[rule]]
            code = ["INVALID"]
            holds = { at = "/error/details/*/violations/*/field", is = ["message.token"] }
            means = "retired"
            [[rule]]
            code = ["UNREGISTERED", "7"]
            means = "retired"
            "#,
        )
        .unwrap()
    }

    #[test]
    fn the_first_rule_that_fits_decides() {
        let answers = answers();
        let means = |status, body: &str| answers.read(status, body.as_bytes()).means;
        let taken = answers.read(200, br#"{"name":"projects/p/messages/1"}"#);
        assert_eq!(taken.means, Meaning::Accepted);
        assert_eq!(taken.reference.as_deref(), Some("projects/p/messages/1"));
        let gone = r#"{"error":{"message":"not\nfound","details":[{"a":1},{"errorCode":"UNREGISTERED"}]}}"#;
        let read = answers.read(404, gone.as_bytes());
        assert_eq!(
            (read.means, read.said.as_str()),
            (Meaning::Retired, "404 UNREGISTERED notfound")
        );
        let field = |field: &str| {
            format!(
                r#"{{"error":{{"status":"INVALID","details":[{{"violations":[{{"field":"{field}"}}]}}]}}}}"#
            )
        };
        assert_eq!(means(400, &field("message.token")), Meaning::Retired);
        assert_eq!(means(400, &field("message.data")), Meaning::Permanent);
        assert_eq!(means(400, r#"{"code":7}"#), Meaning::Retired);
        for (status, want) in [
            (201, Meaning::Permanent),
            (307, Meaning::Permanent),
            (401, Meaning::LinkFault),
            (408, Meaning::Transient),
            (429, Meaning::Throttled),
            (500, Meaning::Transient),
            (504, Meaning::Uncertain),
        ] {
            assert_eq!(means(status, "<html>"), want, "{status}");
        }
    }

    proptest! {
        #[test]
        fn any_body_has_a_meaning(status in 100u16..600, body in proptest::collection::vec(any::<u8>(), 0..300)) {
            let read = answers().read(status, &body);
            prop_assert!(read.said.chars().count() <= 2 * (SAID_MAX + 1) + 3);
        }
    }
}
