//! Payloads under other names, read by a mapping.

use ingest::protocol::fields::{Column, Fields, TimeFormat};
use ingest::protocol::{Field, Found, Framing, Protocol, Reading, Take, What, decode};
use model::Time;
use proptest::prelude::*;

#[derive(Default)]
struct All<'a>(Vec<Reading<'a>>);

impl<'a> Take<'a> for All<'a> {
    fn found(&mut self, found: Found<'a>) {
        self.0.extend(found.ok());
    }
}

fn read(fields: Fields, topic: &str, payload: &str) -> Vec<Result<String, (Option<Field>, What)>> {
    let protocol = Protocol::Fields(Box::new(fields));
    let mut found = Vec::new();
    decode(
        &protocol,
        topic,
        payload.as_bytes(),
        Framing::Detect,
        &mut |one: Found<'_>| {
            found.push(match one {
                Ok(r) => Ok(format!(
                    "{} {} {} {} {}",
                    r.station,
                    r.parameter,
                    r.time,
                    r.value.as_deref().unwrap_or("null"),
                    r.unit.as_deref().unwrap_or("-")
                )),
                Err(error) => Err((error.field, error.what)),
            });
        },
    );
    found
}

fn device() -> Fields {
    let column = |parameter: &str, unit: Option<&str>| Column {
        parameter: parameter.into(),
        unit: unit.map(Into::into),
    };
    Fields {
        station_from_topic: Some(1),
        time: "ts".into(),
        time_format: TimeFormat::Seconds,
        values: [
            ("temp".into(), column("temperature", None)),
            ("/water/lvl".into(), column("water_depth", Some("cm"))),
        ]
        .into(),
        ..Fields::default()
    }
}

#[test]
fn one_object_holds_several_values() {
    let payload = r#"{"ts":1694063040,"temp":31.5,"water":{"lvl":"15.5"},"rssi":-70}"#;
    assert_eq!(
        read(device(), "vendor/W17/up", payload),
        [
            Ok("W17 water_depth 2023-09-07T05:04:00Z 15.5 cm".to_owned()),
            Ok("W17 temperature 2023-09-07T05:04:00Z 31.5 -".to_owned()),
        ]
    );
    let array = format!("[{payload},7]");
    assert_eq!(read(device(), "vendor/W17/up", &array).len(), 3);
    assert_eq!(
        read(device(), "vendor/W17/up", r#"{"ts":1,"other":2}"#),
        [Err((Some(Field::Value), What::Missing))]
    );
    assert_eq!(
        read(device(), "vendor", payload),
        [Err((Some(Field::Station), What::Missing))]
    );
}

#[test]
fn names_are_translated_and_lines_read_one_by_one() {
    let fields = Fields {
        station: "devId".into(),
        parameter: "type".into(),
        parameter_names: [("RF".to_owned(), "rainfall".to_owned())].into(),
        ..Fields::default()
    };
    let line =
        r#"{"devId":17,"type":"RF","time":"2023-09-07T13:04:00+08:00","value":0.60,"unit":"mm"}"#;
    assert_eq!(
        read(fields, "", &format!("{line}\nnonsense\n{line}\r\n\n")),
        [
            Ok("17 rainfall 2023-09-07T05:04:00Z 0.6 mm".to_owned()),
            Err((None, What::NotJson)),
            Ok("17 rainfall 2023-09-07T05:04:00Z 0.6 mm".to_owned()),
        ]
    );
}

#[test]
fn without_a_mapping_it_reads_the_contract() {
    let line =
        r#"{"station":"G1","parameter":"rainfall","time":"2023-09-07T13:04:00+08:00","value":0.6}"#;
    let (mut plain, mut mapped) = (All::default(), All::default());
    let body = line.as_bytes();
    decode(&Protocol::Json, "", body, Framing::Detect, &mut plain);
    let protocol = Protocol::Fields(Box::default());
    decode(&protocol, "", body, Framing::Detect, &mut mapped);
    assert_eq!(plain.0[0].time, Time::from_seconds(1_694_063_040));
    mapped.0[0].offset = plain.0[0].offset;
    assert_eq!(plain.0, mapped.0);
}

#[test]
fn the_configuration_reads_as_written() {
    let written = r#"{"fields":{"station_from_topic":1,"time":"ts","time_format":"seconds",
        "values":{"temp":{"parameter":"temperature"},"/water/lvl":{"parameter":"water_depth","unit":"cm"}}}}"#;
    assert_eq!(
        serde_json::from_str::<Protocol>(written).unwrap(),
        Protocol::Fields(Box::new(device()))
    );
    assert_eq!(
        serde_json::from_str::<Protocol>("\"json\"").unwrap(),
        Protocol::Json
    );
    assert!(serde_json::from_str::<Protocol>(r#"{"fields":{"stationn":"a"}}"#).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn never_panics(payload in "[\\[\\]{}\",:a-z0-9. \n]{0,80}", topic in "[a-z/]{0,12}") {
        let _ = read(device(), &topic, &payload);
    }
}
