//! Signals of other authorities in a file: a CAP alert, or JSON as `/v1/signals` lists them.

use crate::signals::covered;
use dispatch::gateway::cap;
use model::fault::{Faults, Place};
use model::signal::SignalKind;
use model::{AreaCode, City, Fault, Hazard, Mode, Signal, Tier, Time};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;

/// Bytes of one file at most.
pub(super) const BYTES_MAX: usize = 16 << 20;

/// What a file says.
pub(crate) struct Read {
    /// What could be read.
    pub(crate) signals: Vec<Signal>,
    /// What could not.
    pub(crate) faults: Vec<Fault>,
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
pub(crate) fn read(name: &str, bytes: &[u8], city: &City) -> Read {
    let mut reader = Reader {
        name,
        city,
        signals: Vec::new(),
        faults: Faults::default(),
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
    Read {
        signals: reader.signals,
        faults: reader.faults.into_vec(),
    }
}

struct Reader<'a> {
    name: &'a str,
    city: &'a City,
    signals: Vec<Signal>,
    faults: Faults,
}

impl Reader<'_> {
    fn fault(&mut self, line: Option<u32>, field: &str, what: String, remedy: &str) {
        let place = match line {
            Some(line) => Place::line(self.name, line),
            None => Place::file(self.name),
        };
        self.faults.error(place, field, what, remedy);
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
            self.signals.push(signal);
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
                Ok(signal) => self.signals.push(signal),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::small_city::write_city;
    use model::fault::FAULTS_MAX;
    use proptest::collection::vec;
    use proptest::prelude::*;
    use std::fs;
    use std::sync::LazyLock;

    static STREET: LazyLock<City> = LazyLock::new(|| {
        let folder = tempfile::tempdir().unwrap();
        write_city(folder.path());
        let file = |name: &str| fs::read(folder.path().join("city").join(name)).ok();
        City::read(file, &[]).unwrap()
    });

    const CAP: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2"><identifier>44010041600000_20230907115000</identifier><sender>met@city.cn</sender>
<sent>2023-09-07T11:50:00+08:00</sent><status>Actual</status><msgType>Update</msgType><scope>Public</scope>
<references>met@city.cn,44010041600000_20230907110000,2023-09-07T11:00:00+08:00</references>
<info><language>zh-CN</language><category>Met</category><event>台风</event><urgency>Expected</urgency><severity>Minor</severity>
<certainty>Likely</certainty><eventCode><valueName>profile:CAP-CN:EVENT:01</valueName><value>11B01</value></eventCode>
<area><areaDesc>示例区</areaDesc><polygon>23.0,113.0 23.0,113.2 23.2,113.2 23.2,113.0 23.0,113.0</polygon>
<geocode><valueName>profile:CAP-CN:AREA:01</valueName><value>440106000000</value></geocode></area></info></alert>"#;

    const ROWS: &str = r#"{"identifier":"1","sent":"2023-09-07T12:00:00+08:00","hazard":"11B01","tier":"orange","areas":["440106000000"],"sender_name":"气象台","headline":"台风橙色预警"}
{"identifier":"2","sent":"2023-09-07T13:00:00+08:00","kind":"cancel","references":["1"]}
"#;

    const ARRAY: &str = r#"[
  {"identifier":"1","sent":"2023-09-07T12:00:00+08:00","kind":"alert","hazard":null,"event":"大风","tier":"blue","areas":["440100000000"],"expires":null},
  {"identifier":"2","sent":"2023-09-07T13:00:00+08:00","kind":"update","references":["1"],"tier":"red","areas":["440106014000"]}
]"#;

    /// What is taken is a signal of this city; what is not says what is wrong and what to do.
    fn holds(bytes: &[u8]) {
        let read = read("signals", bytes, &STREET);
        for signal in &read.signals {
            assert_eq!(signal.mode, Mode::Actual);
            let is_ours = |area: &AreaCode| STREET.area_no(*area).is_some();
            assert!(signal.areas.iter().all(is_ours), "{signal:?}");
        }
        assert!(read.faults.len() <= FAULTS_MAX + 1);
        for fault in &read.faults {
            assert!(!fault.what.is_empty(), "{fault}");
            assert!(!fault.remedy.is_empty(), "{fault}");
        }
    }

    #[test]
    fn good_documents_are_read_whole() {
        for (text, count) in [(CAP, 1), (ROWS, 2), (ARRAY, 2)] {
            let read = read("signals", text.as_bytes(), &STREET);
            assert_eq!(read.faults, []);
            assert_eq!(read.signals.len(), count, "{text}");
        }
    }

    #[test]
    fn a_file_of_nonsense_is_refused_in_so_many_words() {
        let text = format!("{{}}\n{}", "x\n".repeat(FAULTS_MAX + 6));
        let read = read("signals", text.as_bytes(), &STREET);
        assert_eq!(read.faults.len(), FAULTS_MAX + 1);
        let last = read.faults.last().unwrap();
        assert_eq!(last.what, "7 more faults");
    }

    /// What stands in the place of a few bytes.
    fn change() -> impl Strategy<Value = Vec<u8>> {
        let tokens =
            "(null|-1|1e999|\\[|\\]|\\{|\\}|\"|,|:|<|>|/|&a;|none|cancel|Cancel|440199000000|\n)";
        prop_oneof![
            "[ -~]{0,2}".prop_map(String::into_bytes),
            tokens.prop_map(String::into_bytes),
            vec(any::<u8>(), 0..3),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]
        #[test]
        fn never_panics(bytes in vec(any::<u8>(), 0..300), opening in "(<|\\{|\\[|<alert|\\{\"identifier\":|\\[\\{)?") {
            holds(&bytes);
            holds(&[opening.as_bytes(), &bytes].concat());
        }

        /// Small changes: most of it is read, and what was changed is looked at.
        #[test]
        fn never_panics_on_what_was_good(
            text in prop_oneof![Just(CAP), Just(ROWS), Just(ARRAY)],
            changes in vec((any::<prop::sample::Index>(), 0usize..4, change()), 1..5),
        ) {
            let mut bytes = text.as_bytes().to_vec();
            for (at, length, put) in changes {
                let at = at.index(bytes.len() + 1);
                let end = (at + length).min(bytes.len());
                bytes.splice(at..end, put);
                holds(&bytes);
            }
        }
    }
}
