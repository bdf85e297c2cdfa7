//! Signals of other authorities as files, at every command of the workbench: a gale that a typhoon's
//! signal mutes.

use super::small::{root, write_city};
use super::{json_lines, sanfang, told};
use std::fs;

const TOWN: &str = "440106014000";

/// The typhoon's signal, as its authority sends it.
const RAISED: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2">
  <identifier>44010041600000_20230907115000_1</identifier>
  <sender>met@city.cn</sender>
  <sent>2023-09-07T11:50:00+08:00</sent>
  <status>Actual</status>
  <msgType>Alert</msgType>
  <scope>Public</scope>
  <info>
    <language>zh-CN</language>
    <category>Met</category>
    <event>台风</event>
    <urgency>Expected</urgency>
    <severity>Minor</severity>
    <certainty>Likely</certainty>
    <eventCode><valueName>profile:CAP-CN:EVENT:01</valueName><value>11B01</value></eventCode>
    <headline>台风蓝色预警</headline>
    <area>
      <areaDesc>示例区</areaDesc>
      <geocode><valueName>profile:CAP-CN:AREA:01</valueName><value>440106000000</value></geocode>
    </area>
  </info>
</alert>
"#;

/// Its end, as GET /v1/signals would list it.
const LIFTED: &str = r#"{"identifier":"2","sent":"2023-09-07T13:00:00+08:00","kind":"cancel","references":["44010041600000_20230907115000_1"]}"#;

/// A street with a mast, two hours of a wind of force 7 at it, and a rulebook of gales alone.
struct Mast {
    folder: tempfile::TempDir,
}

impl Mast {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        write_city(folder.path());
        let mast = Self { folder };
        let stations = format!(
            "id,name,kind,lon,lat,area,parameters\nM1,Mast 1,weather,113.1,23.1,{TOWN},wind_speed;wind_gust\n"
        );
        mast.write("city/stations.csv", &stations);
        mast.write(
            "city/sites.csv",
            "id,name,kind,lon,lat,area,station,actuator,plan,owner,blue,yellow,orange,red,close\n",
        );
        mast.write(
            "city/contacts.csv",
            "id,name,role,area,phone,site,email,language,deputy,level\n",
        );
        let gale = root().join("testdata/rulebooks/national-2007/gale.toml");
        let gale = fs::read_to_string(gale).unwrap();
        let deaf = gale.replace(r#" && signal("11B01") == none"#, "");
        assert_ne!(gale, deaf);
        for (name, text) in [("rules", gale), ("deaf", deaf)] {
            fs::create_dir(mast.folder.path().join(name)).unwrap();
            mast.write(&format!("{name}/gale.toml"), &text);
        }
        let row = |minute: u32| {
            let time = format!(
                "2023-09-07T{:02}:{:02}:00+08:00",
                12 + minute / 60,
                minute % 60
            );
            format!(
                "{{\"station\":\"M1\",\"parameter\":\"wind_speed\",\"time\":\"{time}\",\"value\":15.0}}\n"
            )
        };
        mast.write("rows.ndjson", &(0..120).map(row).collect::<String>());
        mast.write("typhoon.xml", RAISED);
        mast.write("lifted.ndjson", LIFTED);
        mast
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.folder.path().join(name), text).unwrap();
    }

    /// Runs a command over the wind, with files of signals.
    fn run(&self, command: &[&str], signals: &[&str]) -> (i32, String, String) {
        let mut all: Vec<String> = command.iter().map(ToString::to_string).collect();
        all.extend(["--city".to_owned(), self.path("city")]);
        for name in signals {
            all.extend(["--official-signals".to_owned(), self.path(name)]);
        }
        all.push(self.path("rows.ndjson"));
        let all: Vec<&str> = all.iter().map(String::as_str).collect();
        told(&sanfang(&all))
    }
}

/// Holds `found` against a golden file.
fn golden(name: &str, found: &str) {
    let path = root().join("testdata/golden/rules").join(name);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(&path, found).unwrap();
    }
    let kept = fs::read_to_string(&path).unwrap_or_default();
    let differs = kept.lines().zip(found.lines()).find(|(a, b)| a != b);
    assert!(
        kept == found,
        "{name} changed; read it, then run with UPDATE_GOLDEN=1: {differs:?}\n{found}"
    );
}

/// When the gale first rises.
fn first(out: &str) -> Option<String> {
    let lines = json_lines(out);
    let rise = lines.iter().find(|line| line["to"] == "blue")?;
    Some(rise["time"].as_str().unwrap().to_owned())
}

#[test]
fn a_signal_mutes_a_gale_in_a_replay() {
    let mast = Mast::new();
    let rules = mast.path("rules");
    let replay = ["replay", "--signals", "--rules", &rules];
    let (code, out, err) = mast.run(&replay, &[]);
    assert_eq!(code, 0, "{err}");
    assert_eq!(
        first(&out).as_deref(),
        Some("2023-09-07T12:00:00+08:00"),
        "{out}"
    );
    let (code, out, err) = mast.run(&replay, &["typhoon.xml"]);
    assert_eq!((code, out.as_str()), (0, ""), "muted for good: {err}");
    let (code, out, err) = mast.run(&replay, &["typhoon.xml", "lifted.ndjson"]);
    assert_eq!(code, 0, "{err}");
    assert_eq!(
        first(&out).as_deref(),
        Some("2023-09-07T13:00:00+08:00"),
        "{out}"
    );
    golden("official.replay.ndjson", &out);
    // Scored as well: the gale began at noon, and is found an hour late.
    mast.write(
        "events.csv",
        &format!("id,hazard,area,tier,start,end\n1,11B06,{},blue,2023-09-07T12:30:00+08:00,2023-09-07T14:00:00+08:00\n", "440106000000"),
    );
    let events = mast.path("events.csv");
    let score = ["replay", "--score", &events, "--rules", &rules];
    let lead = |signals: &[&str]| {
        let (code, out, err) = mast.run(&score, signals);
        assert_eq!(code, 0, "{err}");
        json_lines(&out)[0]["lead_s"]["by_event"]["1"].clone()
    };
    assert_eq!(lead(&[]), 1800);
    assert_eq!(lead(&["typhoon.xml", "lifted.ndjson"]), -1800);
}

#[test]
fn two_rulebooks_differ_by_what_they_hear() {
    let mast = Mast::new();
    let (old, new) = (mast.path("deaf"), mast.path("rules"));
    let diff = ["rules", "diff", "--old", &old, "--new", &new];
    let (code, out, err) = mast.run(&diff, &["typhoon.xml", "lifted.ndjson"]);
    assert_eq!(code, 0, "{err}");
    golden("official.diff.txt", &out);
    assert!(out.contains("60 min later"), "{out}");
    let (code, out, err) = mast.run(&diff, &[]);
    assert!(
        code == 0 && out.contains("no area is warned otherwise"),
        "{out}{err}"
    );
}

#[test]
fn why_a_gale_was_not_found_is_explained() {
    let mast = Mast::new();
    let rules = mast.path("rules");
    let at = "2023-09-07T12:30:00+08:00";
    let explain = [
        "rules",
        "explain",
        "--rules",
        &rules,
        "--subject",
        "M1",
        "--at",
        at,
    ];
    let (code, out, err) = mast.run(&explain, &["typhoon.xml", "lifted.ndjson"]);
    assert_eq!(code, 0, "{err}");
    golden("official.explain.txt", &out);
    let all = [
        "rules",
        "explain",
        "--json",
        "--rules",
        &rules,
        "--subject",
        "M1",
    ];
    let (code, out, err) = mast.run(&all, &["typhoon.xml", "lifted.ndjson"]);
    assert_eq!(code, 0, "{err}");
    let rises = json_lines(&out);
    let rise = rises.iter().find(|line| line["to"] == "blue").unwrap();
    assert_eq!(rise["time"], "2023-09-07T13:00:00+08:00", "{out}");
}

#[test]
fn a_sweep_hears_signals() {
    let mast = Mast::new();
    mast.write(
        "events.csv",
        "id,hazard,area,tier,start,end\n1,11B06,440106000000,blue,2023-09-07T12:30:00+08:00,2023-09-07T12:50:00+08:00\n",
    );
    let (rules, events) = (mast.path("rules"), mast.path("events.csv"));
    let tune = [
        "rules",
        "tune",
        "--rules",
        &rules,
        "--rule",
        "gale",
        "--events",
        &events,
        "--sweep",
        "blue#1=10..12:2",
    ];
    let hits = |signals: &[&str]| {
        let (code, out, err) = mast.run(&tune, signals);
        assert_eq!(code, 0, "{err}");
        let mut lines = out.lines();
        let at = lines
            .next()
            .unwrap()
            .split(',')
            .position(|name| name == "hits");
        let hits = lines.map(|line| line.split(',').nth(at.unwrap()).unwrap().to_owned());
        hits.collect::<Vec<_>>()
    };
    assert!(hits(&[]).iter().all(|hits| hits == "1"), "{:?}", hits(&[]));
    let deaf = hits(&["typhoon.xml"]);
    assert!(deaf.iter().all(|hits| hits == "0"), "{deaf:?}");
}

#[test]
fn what_cannot_be_read_is_said_with_file_and_line() {
    let mast = Mast::new();
    let lines = [
        LIFTED,
        r#"{"identifier":"3","sent":"soon"}"#,
        r#"{"identifier":"4","sent":"2023-09-07T13:00:00+08:00","hazard":"11X01","tier":"red","areas":["440100000000"]}"#,
        r#"{"identifier":"5","sent":"2023-09-07T13:00:00+08:00","hazard":"11B01","tier":"red","areas":["990100000000"]}"#,
        r#"{"identifier":"6","sent":"2023-09-07T13:00:00+08:00","hazard":"11B01","tier":"red"}"#,
        r#"{"identifier":"7","sent":"2023-09-07T13:00:00+08:00","hazard":"11B01","areas":["440100000000"]}"#,
        r#"{"identifier":"8","sent":"2023-09-07T13:00:00+08:00","colour":"red"}"#,
        "{broken",
    ];
    mast.write("wrong.ndjson", &lines.join("\n"));
    mast.write("wrong.xml", "<alert><identifier>1</identifier></alert>");
    mast.write("test.xml", &RAISED.replace("Actual", "Exercise"));
    mast.write("plain.txt", "typhoon");
    let rules = mast.path("rules");
    let replay = ["replay", "--signals", "--rules", &rules];
    let files = ["wrong.ndjson", "wrong.xml", "test.xml", "plain.txt"];
    let (code, out, err) = mast.run(&replay, &files);
    assert_eq!(code, 0, "the rest is replayed: {err}");
    assert!(first(&out).is_some(), "{out}");
    let said = |file: &str, words: &str| {
        let place = mast.path(file);
        let found = err
            .lines()
            .any(|line| line.starts_with(&place) && line.contains(words));
        assert!(found, "{file}: {words} is not in\n{err}");
    };
    for (line, words) in [
        (2, "field sent"),
        (3, "field hazard"),
        (4, "field areas"),
        (5, "440100000000 is the whole city"),
        (6, "field tier"),
        (7, "unknown field `colour`"),
        (8, "one JSON object a line"),
    ] {
        said("wrong.ndjson", &format!(":{line}: "));
        assert!(err.contains(words), "{words} is not in\n{err}");
    }
    said("wrong.xml", "field alert");
    said("test.xml", "field status");
    said("plain.txt", "neither XML nor JSON");
    let strict = [&replay[..], &["--strict"]].concat();
    let (code, _, err) = mast.run(&strict, &["wrong.ndjson"]);
    assert!(
        code == 2 && err.contains("wrong.ndjson:2: "),
        "{code} {err}"
    );
    let (code, _, err) = mast.run(&replay, &["nowhere.xml"]);
    assert!(code == 2 && err.contains("nowhere.xml"), "{code} {err}");
    // An array may be what GET /v1/signals answers.
    let listed = serde_json::json!([{ "identifier": "9", "sender_name": "met", "event": "台风", "hazard": "11B01",
        "tier": "blue", "areas": ["440100000000"], "sent": "2023-09-07T11:50:00+08:00", "headline": { "zh-CN": "台风" },
        "description": {}, "expires": null, "references": [], "kind": "alert", "area_desc": ["示例市"],
        "source": null, "stale": false }]);
    mast.write(
        "listed.json",
        &serde_json::to_string_pretty(&listed).unwrap(),
    );
    let (code, out, err) = mast.run(&replay, &["listed.json"]);
    assert_eq!((code, out.as_str()), (0, ""), "{err}");
    assert_eq!(err.lines().count(), 1, "{err}");
    let (_, help, _) = told(&sanfang(&["replay", "--help"]));
    assert!(
        help.contains("POST /v1/signals") && help.contains("--forecasts"),
        "{help}"
    );
}
