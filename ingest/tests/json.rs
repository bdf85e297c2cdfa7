//! The hand-written JSON reader against `serde_json`, and batches with bad records in them.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use ingest::protocol::json::Readings;
use ingest::protocol::{DecodeError, Field, Framing, Reading, What};
use model::{Quality, Time};
use proptest::prelude::*;
use serde::{Deserialize, Deserializer};

/// The contract as `serde_json` reads it.
#[derive(Debug, Deserialize)]
struct Typed {
    station: String,
    parameter: String,
    time: String,
    #[serde(deserialize_with = "present")]
    value: Option<f64>,
    #[serde(default)]
    unit: Option<String>,
    #[serde(default)]
    quality: Option<u8>,
    #[serde(default)]
    interval: Option<u32>,
}

/// A field that may be null and must not be left out.
fn present<'de, D: Deserializer<'de>>(from: D) -> Result<Option<f64>, D::Error> {
    Option::deserialize(from)
}

fn oracle(line: &[u8]) -> Option<Typed> {
    let typed: Typed = serde_json::from_slice(line).ok()?;
    Time::parse(&typed.time).ok()?;
    (typed.quality.unwrap_or(0) <= 9).then_some(typed)
}

fn same(ours: &Reading<'_>, theirs: &Typed) -> bool {
    let (time, offset) = Time::parse(&theirs.time).unwrap();
    ours.station == theirs.station
        && ours.parameter == theirs.parameter
        && (ours.time, ours.offset) == (time, offset)
        && same_number(ours.value.as_deref(), theirs.value)
        && ours.unit.as_deref() == theirs.unit.as_deref()
        && ours.quality.map(Quality::code) == theirs.quality
        && ours.interval_s == theirs.interval
}

/// Equal but for the last bit, which `serde_json` does not keep.
fn same_number(ours: Option<&str>, theirs: Option<f64>) -> bool {
    match (ours.map(|text| text.parse::<f64>().unwrap()), theirs) {
        (Some(ours), Some(theirs)) => (ours - theirs).abs() <= ours.abs() * 1e-15,
        (ours, theirs) => ours == theirs,
    }
}

fn read(body: &[u8]) -> Vec<Result<Reading<'_>, DecodeError<'_>>> {
    Readings::new(body, Framing::Detect).collect()
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "G[0-9]{5}",
        1 => "\\PC{0,12}",
        1 => Just("\u{1}\"\\\n\u{1F30A}涵洞".to_owned()),
    ]
    .prop_map(|plain| serde_json::to_string(&plain).unwrap())
}

fn number() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "(-)?(0|[1-9][0-9]{0,5})(\\.[0-9]{1,4})?([eE][+-]?[0-9]{1,2})?",
        1 => "[-+0-9.eE]{0,8}",
        1 => Just("1e999".to_owned()),
    ]
}

fn any_value() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        text(),
        number(),
        Just("null".to_owned()),
        Just("true".to_owned()),
        Just("\"\\ud83c\\udf0a\"".to_owned()),
        Just("\"\\ud83c\"".to_owned()),
        Just("nul".to_owned()),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..3)
                .prop_map(|v| format!("[{}]", v.join(","))),
            proptest::collection::vec((text(), inner), 0..3).prop_map(|v| {
                let pairs: Vec<_> = v.into_iter().map(|(k, v)| format!("{k}: {v}")).collect();
                format!("{{{}}}", pairs.join(" ,"))
            }),
        ]
    })
}

fn time() -> impl Strategy<Value = String> {
    (0i64..4_000_000_000, -720i16..=840).prop_map(|(seconds, offset)| {
        let text = Time::from_seconds(seconds).display(model::Offset(offset));
        format!("\"{text}\"")
    })
}

/// Mostly what the field wants, sometimes anything.
fn field(name: &'static str, good: BoxedStrategy<String>) -> BoxedStrategy<(String, String)> {
    prop_oneof![30 => good, 1 => any_value()]
        .prop_map(move |value| (format!("\"{name}\""), value))
        .boxed()
}

/// A record with its keys in any order, some left out, some twice, unknown ones between.
fn record() -> impl Strategy<Value = String> {
    let fields = (
        field("station", text().boxed()),
        field("parameter", text().boxed()),
        field("time", time().boxed()),
        field(
            "value",
            prop_oneof![5 => number(), 1 => Just("null".to_owned())].boxed(),
        ),
        field("unit", text().boxed()),
        field("quality", (0u8..12).prop_map(|q| q.to_string()).boxed()),
        field(
            "interval",
            (0u64..5_000_000_000).prop_map(|s| s.to_string()).boxed(),
        ),
        field("sender", any_value().boxed()),
    );
    fields
        .prop_map(|(a, b, c, d, e, f, g, h)| vec![a, b, c, d, e, f, g, h])
        .prop_shuffle()
        .prop_flat_map(|fields| {
            let length = fields.len();
            (
                Just(fields),
                0usize..40,
                0usize..200,
                proptest::collection::vec("[ \t\r]{0,2}", length),
            )
        })
        .prop_map(|(mut fields, leave_out, twice, spaces)| {
            if leave_out < fields.len() {
                fields.remove(leave_out);
            }
            if twice < fields.len() {
                fields.push(fields[twice].clone());
            }
            let written: Vec<_> = fields
                .iter()
                .zip(spaces.iter().cycle())
                .map(|((key, value), space)| format!("{space}{key}{space}:{space}{value}{space}"))
                .collect();
            format!("{{{}}}", written.join(","))
        })
}

/// Differences that are meant: numbers beyond `f64`, which we keep as text.
fn is_meant(ours: &Reading<'_>) -> bool {
    ours.value
        .as_deref()
        .is_some_and(|v| v.parse::<f64>().is_ok_and(f64::is_infinite))
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 2_000,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn one_record_is_read_as_serde_json_reads_it(line in record()) {
        let ours = read(line.as_bytes());
        prop_assert_eq!(ours.len(), 1);
        match (&ours[0], oracle(line.as_bytes())) {
            (Ok(ours), Some(theirs)) => prop_assert!(same(ours, &theirs), "{ours:?} {theirs:?}"),
            (Ok(ours), None) => prop_assert!(is_meant(ours) || line.contains("1e999"), "accepted {line}"),
            (Err(error), Some(_)) => prop_assert!(false, "refused {line}: {error}"),
            (Err(_), None) => {}
        }
    }

    #[test]
    fn damage_is_refused_as_serde_json_refuses_it(line in record(), at in 0usize..400, byte in any::<u8>()) {
        let mut bytes = line.into_bytes();
        let at = at % bytes.len();
        bytes[at] = byte;
        prop_assume!(byte != b'\n' && !bytes.is_empty());
        let ours = read(&bytes);
        let accepted = matches!(ours.as_slice(), [Ok(_)]);
        let meant = ours.iter().any(|one| one.as_ref().is_ok_and(is_meant))
            || String::from_utf8_lossy(&bytes).contains("e999");
        // `serde_json` does not look whether what it passes over is UTF-8.
        let meant = meant || std::str::from_utf8(&bytes).is_err() && !accepted;
        prop_assert!(accepted == oracle(&bytes).is_some() || meant, "{}", String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn any_bytes_end_in_records_or_errors(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = read(&bytes);
    }

    #[test]
    fn json_like_bytes_end_in_records_or_errors(text in "[\\[\\]{}\",:\\\\a0 \n]{0,60}") {
        let found = read(text.as_bytes());
        prop_assert!(found.len() <= text.len() + 1);
    }

    #[test]
    fn a_bad_line_costs_that_line_alone(
        lines in proptest::collection::vec((any::<bool>(), "[^\n]{1,30}"), 1..20),
    ) {
        let good = r#"{"station":"G1","parameter":"rainfall","time":"2023-09-07T13:04:00Z","value":1}"#;
        let body: Vec<_> = lines.iter().map(|(ok, bad)| if *ok { good.to_owned() } else { format!("#{bad}") }).collect();
        let found = read(body.join("\n").as_bytes())
            .iter()
            .map(|one| match one { Ok(r) => (r.line, true), Err(e) => (e.line, false) })
            .collect::<Vec<_>>();
        let expected: Vec<_> = (1..).zip(lines.iter().map(|(ok, _)| *ok)).collect();
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn a_bad_element_costs_that_element_alone(kinds in proptest::collection::vec(0usize..6, 1..12)) {
        let good = r#"{"station":"G1","parameter":"rainfall","time":"2023-09-07T13:04:00Z","value":1}"#;
        let elements = [
            good.as_bytes(),
            b"17",
            b"{\"station\":\"G,]}\\\"\"}",
            b"{\"station\":nonsense, \"x\":[1,{}]}",
            b"{\"station\":\"\xff\"}",
            b"[[1],{\"a\":\"]\"}]",
        ];
        let body = kinds.iter().map(|kind| elements[*kind]).collect::<Vec<_>>().join(&b",\n"[..]);
        let body = [b"[", body.as_slice(), b"]"].concat();
        let found: Vec<_> = read(&body)
            .iter()
            .map(|one| match one { Ok(r) => (r.line, true), Err(e) => (e.line, false) })
            .collect();
        let expected: Vec<_> = (1..).zip(kinds.iter().map(|kind| *kind == 0)).collect();
        prop_assert_eq!(found, expected, "{}", String::from_utf8_lossy(&body));
    }

    #[test]
    fn an_array_and_lines_say_the_same(records in proptest::collection::vec(record(), 1..6)) {
        let flat: Vec<_> = records.iter().map(|r| r.replace(['\n', '\r'], " ")).collect();
        let (lines, array) = (flat.join("\n"), format!("[{}]", flat.join(",")));
        let plain = |body: &str| -> Option<Vec<_>> {
            read(body.as_bytes())
                .into_iter()
                .map(|one| one.ok().map(|r| (r.station.into_owned(), r.value.map(|v| v.into_owned()), r.time)))
                .collect()
        };
        if let Some(all) = plain(&lines) {
            prop_assert_eq!(plain(&array), Some(all));
        }
    }
}

const GOOD: &str =
    r#"{"station":"G1","parameter":"rainfall","time":"2023-09-07T13:04:00+08:00","value":0.6}"#;

#[test]
fn frames_of_all_shapes() {
    let pretty = "{\n \"station\": \"G1\",\n \"parameter\": \"rainfall\",\n \"time\": \"2023-09-07T13:04:00+08:00\",\n \"value\": 0.6\n}\n";
    for (body, lines) in [
        (GOOD.to_owned(), vec![1]),
        (format!("{GOOD}\n"), vec![1]),
        (
            format!("\u{feff}{GOOD}\r\n{GOOD}\r\n\r\n{GOOD}"),
            vec![1, 2, 4],
        ),
        (format!("[{GOOD},\n{GOOD}]\n"), vec![1, 2]),
        ("\u{feff} [ ]  ".to_owned(), vec![]),
        (pretty.to_owned(), vec![1]),
        (format!("\n\n{pretty}"), vec![3]),
        (format!("[\n{pretty},{pretty}]"), vec![2, 8]),
        (String::new(), vec![]),
        (" \n\n".to_owned(), vec![]),
    ] {
        let found: Vec<_> = read(body.as_bytes())
            .into_iter()
            .map(|one| one.unwrap_or_else(|error| panic!("{error} in {body}")).line)
            .collect();
        assert_eq!(found, lines, "{body}");
    }
}

#[test]
fn errors_name_line_field_and_remedy() {
    let deep = format!("{{\"a\":{}1{}}}", "[".repeat(1000), "]".repeat(1000));
    let long = format!("{{\"a\":\"{}\"}}", "x".repeat(70_000));
    for (line, field, what) in [
        ("{}", Some(Field::Time), What::Missing),
        (
            &GOOD.replace("0.6", "\"0.6\""),
            Some(Field::Value),
            What::WrongType,
        ),
        (
            &GOOD.replace("\"G1\"", "1"),
            Some(Field::Station),
            What::WrongType,
        ),
        (
            &GOOD.replace("13:04", "25:04"),
            Some(Field::Time),
            What::NotATime,
        ),
        (
            &GOOD.replace("0.6", "0.6,\"value\":1"),
            Some(Field::Value),
            What::Twice,
        ),
        (
            &GOOD.replace("0.6", "0.6,\"quality\":12"),
            Some(Field::Quality),
            What::OutOfRange,
        ),
        (
            &GOOD.replace("0.6", "0.6,\"interval\":-1"),
            Some(Field::Interval),
            What::OutOfRange,
        ),
        (&GOOD.replace("0.6}", "0.6"), None, What::NotJson),
        (&format!("{GOOD}{GOOD}"), None, What::Trailing),
        ("17", None, What::NotAnObject),
        (&deep, None, What::TooDeep),
        (&long, None, What::TooLong),
    ] {
        let body = format!("{GOOD}\n{line}\n{GOOD}\n");
        let found = read(body.as_bytes());
        assert_eq!(found.len(), 3, "{line}");
        assert!(found[0].is_ok() && found[2].is_ok());
        let error = found[1].as_ref().unwrap_err();
        assert_eq!(
            (error.line, error.field, error.what),
            (2, field, what),
            "{error}"
        );
        assert!(!error.remedy().is_empty());
    }
    let error = read(b"[{\"station\":\"G1\"").pop().unwrap().unwrap_err();
    assert_eq!(error.what, What::Unclosed);
    let error = read(br#"{"station":1}"#).pop().unwrap().unwrap_err();
    assert_eq!(
        error.to_string(),
        "line 1, field station: it has the wrong type; write it as a string"
    );
}

#[test]
fn reading_borrows_unless_escapes_force_it() {
    let body = GOOD.replace("G1", "\\u6db5\\ud83c\\udf0a");
    let reading = read(body.as_bytes()).pop().unwrap().unwrap();
    assert_eq!(reading.station, "涵🌊");
    assert!(matches!(
        reading.parameter,
        std::borrow::Cow::Borrowed("rainfall")
    ));
    assert_eq!(reading.raw, body.as_bytes());
}

/// Lines of one frame: the same letters around a station and a value that are written anyhow.
fn lines_alike() -> impl Strategy<Value = Vec<String>> {
    let frame = prop_oneof![
        4 => Just(("{\"station\":", ",\"parameter\":\"rainfall\",\"time\":\"2023-09-07T13:04:00+08:00\",\"value\":", "}")),
        1 => Just(("{ \"station\" : ", " ,\"x\":[1],\"parameter\":\"rainfall\",\"time\":\"2023-09-07T13:04:00Z\",\"value\": ", " , \"unit\":\"mm\",\"interval\":60}\r")),
        1 => Just(("{\"station\":", ",\"parameter\":\"rainfall\",\"quality\":1,\"value\":", ",\"time\":\"2023-09-07T13:04:00Z\"} ")),
        1 => Just(("{\"value\":1,\"station\":", ",\"parameter\":\"rainfall\",\"time\":\"2023-09-07T13:04:00Z\",\"unit\":", "}")),
    ];
    let station = prop_oneof![
        6 => text(),
        1 => "\"?[G\\\\\"\u{1}é0-9]{0,20}\"?",
    ];
    let value = prop_oneof![6 => number(), 1 => Just("null".to_owned()), 1 => text()];
    let line = (frame, station, value)
        .prop_map(|((a, b, c), station, value)| format!("{a}{station}{b}{value}{c}"));
    prop::collection::vec(prop_oneof![12 => line, 1 => Just(String::new())], 1..20)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn a_line_means_the_same_after_others_like_it(lines in lines_alike()) {
        let body = lines.join("\n");
        let framing = Framing::Lines { first: 1 };
        let together: Vec<_> = Readings::new(body.as_bytes(), framing).collect();
        let alone = (1..).zip(&lines).flat_map(|(first, line)| {
            Readings::new(line.as_bytes(), Framing::Lines { first })
        });
        prop_assert_eq!(together, alone.collect::<Vec<_>>());
    }
}
