//! Signals of other authorities in a file: a CAP alert, or JSON as `/v1/signals` lists them.

use crate::signals::covered;
use dispatch::gateway::cap;
use model::fault::Severity;
use model::signal::SignalKind;
use model::{AreaCode, City, Fault, Hazard, Mode, Signal, Tier, Time};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;

/// Bytes of one file at most.
pub(super) const BYTES_MAX: usize = 16 << 20;

/// What a file says.
#[derive(Default)]
pub(super) struct Read {
    /// What could be read.
    pub(super) signals: Vec<Signal>,
    /// What could not.
    pub(super) faults: Vec<Fault>,
}

/// A signal as `/v1/signals` lists it; what is left out here has no bearing on rules.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    identifier: String,
    sent: String,
    #[serde(default = "alert")]
    kind: SignalKind,
    #[serde(default)]
    references: Vec<String>,
    #[serde(default)]
    hazard: Option<String>,
    #[serde(default)]
    tier: Tier,
    #[serde(default)]
    areas: Vec<String>,
    #[serde(default)]
    sender_name: String,
    #[serde(default)]
    event: String,
    #[serde(default, rename = "headline")]
    _headline: IgnoredAny,
    #[serde(default, rename = "description")]
    _description: IgnoredAny,
    #[serde(default, rename = "expires")]
    _expires: IgnoredAny,
    #[serde(default, rename = "area_desc")]
    _area_desc: IgnoredAny,
    #[serde(default, rename = "source")]
    _source: IgnoredAny,
    #[serde(default, rename = "stale")]
    _stale: IgnoredAny,
}

const fn alert() -> SignalKind {
    SignalKind::Alert
}

/// What is wrong with one signal: the key, what stands there, and what to write.
struct Wrong {
    field: &'static str,
    what: String,
    remedy: String,
}

/// Reads a file of signals; `name` is what faults call it.
pub(super) fn read(name: &str, bytes: &[u8], city: &City) -> Read {
    let mut reader = Reader {
        name,
        city,
        read: Read::default(),
    };
    let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    match text.trim_ascii_start().first() {
        Some(_) if bytes.len() > BYTES_MAX => {
            let what = format!("it has more than {BYTES_MAX} bytes");
            reader.fault(None, "", what, "give it in parts");
        }
        Some(b'<') => reader.cap(text),
        Some(b'{' | b'[') => reader.json(text),
        Some(_) | None => {
            let what = "it is neither XML nor JSON".to_owned();
            let remedy = "give a CAP alert, or JSON as GET /v1/signals lists signals";
            reader.fault(Some(1), "", what, remedy);
        }
    }
    reader.read
}

struct Reader<'a> {
    name: &'a str,
    city: &'a City,
    read: Read,
}

impl Reader<'_> {
    fn fault(&mut self, line: Option<u32>, field: &str, what: String, remedy: &str) {
        self.read.faults.push(Fault {
            file: self.name.to_owned(),
            line,
            field: field.to_owned(),
            excerpt: None,
            what,
            remedy: remedy.to_owned(),
            severity: Severity::Error,
        });
    }

    fn cap(&mut self, text: &[u8]) {
        match cap::read(text, &|cover| covered(self.city, cover)) {
            Ok(signals) => signals.into_iter().for_each(|signal| self.take(signal)),
            Err(error) => {
                let remedy = "give one CAP 1.0, 1.1 or 1.2 alert a file";
                self.fault(None, "alert", error.to_string(), remedy);
            }
        }
    }

    /// Another world's signals move nothing here.
    fn take(&mut self, signal: Signal) {
        if signal.mode == Mode::Actual {
            self.read.signals.push(signal);
        } else {
            let what = format!("{} is {}", signal.identifier, signal.mode.name());
            let remedy = "only what is Actual counts in a replay";
            self.fault(None, "status", what, remedy);
        }
    }

    /// One object or array over several lines, or one object a line.
    fn json(&mut self, text: &[u8]) {
        match serde_json::from_slice::<Value>(text) {
            Ok(Value::Array(all)) => {
                for (number, one) in (1u32..).zip(all) {
                    self.one(None, &format!("signal {number}"), one);
                }
            }
            Ok(one) => self.one(Some(1), "", one),
            Err(error) if text.trim_ascii_start().first() == Some(&b'[') => {
                let line = u32::try_from(error.line()).ok();
                self.fault(line, "", error.to_string(), "write a JSON array");
            }
            Err(_) => {
                for (line, text) in (1u32..).zip(text.split(|byte| *byte == b'\n')) {
                    if text.trim_ascii().is_empty() {
                        continue;
                    }
                    match serde_json::from_slice(text) {
                        Ok(one) => self.one(Some(line), "", one),
                        Err(error) => {
                            let remedy = "write one JSON object a line";
                            self.fault(Some(line), "", error.to_string(), remedy);
                        }
                    }
                }
            }
        }
    }

    fn one(&mut self, line: Option<u32>, place: &str, value: Value) {
        let at = |field: &str| {
            let parts = [place, field].into_iter().filter(|part| !part.is_empty());
            parts.collect::<Vec<_>>().join(" ")
        };
        match serde_json::from_value::<Written>(value) {
            Ok(written) => match signal(written, self.city) {
                Ok(signal) => self.read.signals.push(signal),
                Err(wrong) => self.fault(line, &at(wrong.field), wrong.what, &wrong.remedy),
            },
            Err(error) => {
                let remedy = "write it as GET /v1/signals lists it";
                self.fault(line, &at(""), error.to_string(), remedy);
            }
        }
    }
}

fn signal(written: Written, city: &City) -> Result<Signal, Wrong> {
    let (sent, _) = Time::parse(&written.sent).map_err(|error| Wrong {
        field: "sent",
        what: error.to_string(),
        remedy: "write 2023-09-07T21:00:00+08:00".into(),
    })?;
    let hazard = match &written.hazard {
        None => None,
        Some(code) => Some(Hazard::from_code(code).ok_or_else(|| Wrong {
            field: "hazard",
            what: format!("{code:?} is no event code that we know"),
            remedy: "write 11B01, 11B03, …".into(),
        })?),
    };
    let area = |code: &String| {
        let known = AreaCode::parse(code).ok();
        let known = known.filter(|code| city.area_no(*code).is_some());
        known.ok_or_else(|| Wrong {
            field: "areas",
            what: format!("{code:?} is no area of the city"),
            remedy: "see areas.geojson".into(),
        })
    };
    let areas: Vec<AreaCode> = written.areas.iter().map(area).collect::<Result<_, _>>()?;
    let stands = match written.kind {
        SignalKind::Alert | SignalKind::Update => true,
        SignalKind::Cancel => false,
    };
    if stands && areas.is_empty() {
        return Err(Wrong {
            field: "areas",
            what: "it names none".into(),
            remedy: format!("name them; {} is the whole city", city.code),
        });
    }
    if stands && written.tier == Tier::None {
        return Err(Wrong {
            field: "tier",
            what: "it has none".into(),
            remedy: "write white, blue, yellow, orange or red; a cancel lifts what it refers to"
                .into(),
        });
    }
    Ok(Signal {
        identifier: written.identifier,
        sender: written.sender_name.clone(),
        sender_name: written.sender_name,
        sent,
        mode: Mode::Actual,
        kind: written.kind,
        references: written.references,
        hazard,
        event: written.event,
        tier: written.tier,
        areas,
        area_desc: Vec::new(),
        onset: sent,
        expires: None,
        texts: Vec::new(),
        state: None,
    })
}
