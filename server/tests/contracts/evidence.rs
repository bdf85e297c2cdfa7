//! Afterwards: why a tier was found, and what a journal holds as tables.

use super::served::Served;
use super::small::{Centre, eventually};
use super::{depth, json_lines, sanfang, told};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;

/// Explains the culvert from recorded lines.
fn explained(city: &str, more: &[&str], lines: &str) -> (i32, String, String) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("rows.ndjson");
    std::fs::write(&file, lines).unwrap();
    let file = file.display().to_string();
    let arguments = ["rules", "explain", "--city", city, "--subject", "C1", &file];
    told(&sanfang(&[&arguments[..], more].concat()))
}

#[test]
fn a_tier_is_explained_from_recorded_lines() {
    let folder = tempfile::tempdir().unwrap();
    super::small::write_city(folder.path());
    let city = folder.path().join("city").display().to_string();
    let row = |minute: u32, metres: &str| {
        format!(
            "{{\"station\":\"W1\",\"parameter\":\"water_depth\",\"time\":\"2023-09-07T18:{minute:02}:00+08:00\",\"value\":{metres}}}\n"
        )
    };
    let lines =
        row(0, "0.01") + "nonsense\n" + &row(11, "0.16") + &row(22, "0.18") + &row(33, "0.55");
    let (code, out, err) = explained(&city, &["--json"], &lines);
    assert_eq!(code, 0, "{err}");
    let stories = json_lines(&out);
    let tiers: Vec<_> = stories
        .iter()
        .map(|s| (s["from"].as_str(), s["to"].as_str()))
        .collect();
    assert_eq!(tiers[0], (Some("none"), Some("yellow")), "{out}");
    assert_eq!(tiers.last().unwrap().1, Some("red"), "{out}");
    let red = stories.last().unwrap();
    assert_eq!(red["thresholds"]["red"], "0.5", "{red}");
    assert!(
        red["conditions"]["red"]
            .as_str()
            .unwrap()
            .contains("site.red"),
        "{red}"
    );
    assert_eq!(red["time"], "2023-09-07T18:33:00+08:00");
    assert_ne!(red["version"], "");
    assert!(!red["values"].as_object().unwrap().is_empty());
    let rows = red["observations"].as_array().unwrap();
    assert_eq!(rows.last().unwrap()["value"], "0.55", "{red}");
    // Then: what held between two changes.
    let (_, out, _) = explained(
        &city,
        &["--json", "--at", "2023-09-07T18:22:30+08:00"],
        &lines,
    );
    let then = json_lines(&out);
    assert_eq!((then.len(), &then[0]["to"]), (1, &"yellow".into()), "{out}");
    let (code, out, err) = explained(&city, &["--at", "2023-09-07T17:00:00+08:00"], &lines);
    assert_eq!((code, out.as_str()), (0, ""));
    assert!(err.contains("no change of tier"), "{err}");
    // In words.
    let (_, out, _) = explained(&city, &[], &lines);
    for wanted in [
        "东风涵洞",
        "site.red = 0.5",
        "yellow → red",
        "W1  water_depth 0.55 m",
    ] {
        assert!(out.contains(wanted), "{wanted} is not in {out}");
    }
}

/// Exports a table as CSV: a map for each row.
fn exported(folder: &Path, what: &str) -> Vec<BTreeMap<String, String>> {
    let journal = folder.join("journal").display().to_string();
    let city = folder.join("city").display().to_string();
    let arguments = ["export", what, "--journal", &journal, "--city", &city];
    let (code, out, err) = told(&sanfang(&arguments));
    assert_eq!(code, 0, "{err}");
    let mut lines = out.lines();
    let header: Vec<_> = lines.next().unwrap().split(',').collect();
    let rows: Vec<BTreeMap<_, _>> = lines
        .map(|line| {
            // None of these tables has a comma within a cell here.
            let cells = line.split(',').map(str::to_owned);
            header
                .iter()
                .map(|name| (*name).to_owned())
                .zip(cells)
                .collect()
        })
        .collect();
    assert!(err.contains(&format!("{} rows", rows.len())), "{err}");
    rows
}

#[test]
fn a_running_servers_journal_is_explained_and_exported() {
    let Some(centre) = Centre::start() else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let served = Served::with_centre(folder.path(), centre.port);
    let first = depth(2, "0.02");
    let first_time = serde_json::from_str::<Value>(&first).unwrap()["time"].clone();
    assert_eq!(served.observe(&first), 202);
    assert_eq!(served.observe(&depth(1, "0.30")), 202);
    eventually("somebody is told", || !centre.taken().is_empty());
    eventually("the answer is in the ledger", || {
        let ledger = exported(folder.path(), "ledger");
        let answered = ["accepted", "delivered"];
        ledger
            .iter()
            .any(|row| answered.contains(&row["state"].as_str()))
    });

    let observations = exported(folder.path(), "observations");
    let found: Vec<_> = observations
        .iter()
        .map(|row| {
            (
                row["station"].as_str(),
                row["value"].as_str(),
                row["time"].clone(),
            )
        })
        .collect();
    assert!(
        found.contains(&("W1", "0.02", first_time.as_str().unwrap().to_owned())),
        "{found:?}"
    );
    let situations = exported(folder.path(), "situations");
    assert!(
        situations
            .iter()
            .any(|row| row["subject"] == "C1" && row["to"] == "orange"),
        "{situations:?}"
    );
    let warnings = exported(folder.path(), "warnings");
    assert!(
        warnings.iter().any(|row| row["area"] == "440106014000"),
        "{warnings:?}"
    );
    let zero = "0".to_owned();
    let deliveries = exported(folder.path(), "deliveries");
    assert!(
        deliveries.iter().any(|row| row["channel"] == "sms"
            && (&row["accepted"], &row["delivered"]) != (&zero, &zero)),
        "{deliveries:?}"
    );
    assert!(!exported(folder.path(), "receipts").is_empty());

    // The server did not notice, and nobody's number or name is in any table.
    assert_eq!(served.get("/healthz").0, 200);
    assert_eq!(served.observe(&depth(0, "0.31")), 202);
    for what in [
        "observations",
        "situations",
        "warnings",
        "deliveries",
        "receipts",
        "ledger",
        "dead-letters",
    ] {
        for row in exported(folder.path(), what) {
            let text = format!("{row:?}");
            assert!(
                !text.contains("139000000") && !text.contains("镇长"),
                "{what}: {text}"
            );
        }
    }

    let journal = folder.path().join("journal").display().to_string();
    let city = folder.path().join("city").display().to_string();
    let base = [
        "rules",
        "explain",
        "--city",
        &city,
        "--journal",
        &journal,
        "--json",
    ];
    let (code, out, err) = told(&sanfang(&[&base[..], &["--subject", "C1"]].concat()));
    assert_eq!(code, 0, "{err}");
    let story: &Value = &json_lines(&out)[0];
    assert_eq!(
        (&story["to"], &story["thresholds"]["orange"]),
        (&"orange".into(), &"0.27".into())
    );
    let rows = story["observations"].as_array().unwrap();
    assert!(rows.iter().any(|row| row["value"] == "0.3"), "{story}");

    // As Parquet: the magic at both ends; what is in it is held by the table's own tests.
    let out = folder.path().join("ledger.parquet");
    let path = out.display().to_string();
    let arguments = [
        "export",
        "ledger",
        "--journal",
        &journal,
        "--city",
        &city,
        "--out",
        &path,
    ];
    let (code, _, err) = told(&sanfang(&arguments));
    assert_eq!(code, 0, "{err}");
    let bytes = std::fs::read(out).unwrap();
    assert!(bytes.starts_with(b"PAR1") && bytes.ends_with(b"PAR1"));
}

#[test]
fn what_was_refused_is_listed_counted_and_exported() {
    let folder = tempfile::tempdir().unwrap();
    let served = Served::alone(folder.path());
    let unknown = |no: u32| depth(1, "0.02").replace("W1", &format!("X{no}"));
    let unknown: Vec<String> = (0..1_200).map(unknown).collect();
    for some in unknown.chunks(600) {
        assert_eq!(served.observe(&some.join("\n")), 202);
    }
    assert_eq!(served.observe(&depth(1, "9999")), 202);
    let list = |query: &str| {
        let chen = "Authorization: Bearer token-chen";
        served
            .ask(&format!("GET /v1/dead-letters{query}"), &[chen], b"")
            .json()
    };
    served
        .ask("GET /v1/dead-letters", &[], b"")
        .is_problem(401, "sign in");
    let newest = list("?limit=2");
    let letters = newest["letters"].as_array().unwrap();
    assert_eq!((letters.len(), &letters[0]["reason"]), (2, &"range".into()));
    assert_eq!(letters[1]["station"], "X1199", "{letters:?}");
    assert!(letters[0]["message"].as_str().unwrap().contains("9999"));
    assert!(letters[0]["raw"]["text"].as_str().unwrap().contains("W1"));
    let of_one = list("?station=X3&reason=unknown_station");
    let stations: Vec<&Value> = of_one["letters"].as_array().unwrap().iter().collect();
    assert_eq!((stations.len(), &of_one["next"]), (1, &Value::Null));
    // One page after the other gives each once.
    let (mut seen, mut page) = (std::collections::BTreeSet::new(), list("?limit=500"));
    loop {
        for letter in page["letters"].as_array().unwrap() {
            assert!(seen.insert(letter["offset"].as_u64().unwrap()));
        }
        let Some(before) = page["next"].as_u64() else {
            break;
        };
        page = list(&format!("?limit=500&before={before}"));
    }
    assert_eq!(seen.len(), 1_201);
    let metrics = served.get("/metrics").1;
    for line in [
        r#"sanfang_dead_letters_total{reason="unknown_station"} 1200"#,
        r#"sanfang_dead_letters_total{reason="range"} 1"#,
    ] {
        assert!(metrics.contains(line), "{line} not in\n{metrics}");
    }
    let journal = folder.path().join("journal").display().to_string();
    let city = folder.path().join("city").display().to_string();
    let arguments = [
        "export",
        "dead-letters",
        "--journal",
        &journal,
        "--city",
        &city,
    ];
    let (code, out, err) = told(&sanfang(&arguments));
    assert_eq!(code, 0, "{err}");
    assert!(out.starts_with("recorded,transport,reason,line,field,station,message,raw"));
    assert_eq!(out.matches("unknown_station").count(), 1_200, "{err}");
}
