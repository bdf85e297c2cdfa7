//! `sanfang replay` from outside: order, times, values, scores, bad lines, ways to give input.

use super::small::{root, write_city};
use super::{json_lines, told};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// A city of one street with a gauge and a culvert, and files of lines.
struct Street {
    folder: tempfile::TempDir,
}

impl Street {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        write_city(folder.path());
        Self { folder }
    }

    fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    fn replay(&self, arguments: &[&str], files: &[&Path]) -> (i32, String, String) {
        told(&self.command(arguments, files).output().unwrap())
    }

    fn piped(&self, arguments: &[&str], input: &str) -> Output {
        let mut child = self
            .command(arguments, &[Path::new("-")])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child
            .stdin
            .take()
            .unwrap()
            .write_all(input.as_bytes())
            .unwrap();
        child.wait_with_output().unwrap()
    }

    fn command(&self, arguments: &[&str], files: &[&Path]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sanfang"));
        command
            .args(["replay", "--city"])
            .arg(self.folder.path().join("city"))
            .args(arguments)
            .args(files)
            .env("SANFANG_LOG", "warn")
            .current_dir(root());
        command
    }
}

fn depth(minute: u32, metres: &str) -> String {
    format!(
        "{{\"station\":\"W1\",\"parameter\":\"water_depth\",\"time\":\"2023-09-07T10:{minute:02}:30Z\",\"value\":{metres}}}\n"
    )
}

fn rain(minute: u32, millimetres: &str) -> String {
    format!(
        "{{\"station\":\"G1\",\"parameter\":\"rainfall\",\"time\":\"2023-09-07T18:{minute:02}:00+08:00\",\"value\":{millimetres}}}\n"
    )
}

/// A flood in the culvert, with a dry minute before; too slow for the rule's rate of rise.
fn flood() -> String {
    depth(0, "0.01") + &depth(11, "0.16") + &depth(22, "0.30") + &depth(33, "0.55")
}

#[test]
fn signals_have_the_shape_and_the_order_of_the_contract() {
    let street = Street::new();
    let file = street.file("flood.ndjson", &flood());
    let (code, out, err) = street.replay(&["--signals"], &[&file]);
    assert_eq!(code, 0, "{err}");
    for line in out.lines() {
        let keys = [
            "\"time\"",
            "\"rule\"",
            "\"subject\"",
            "\"from\"",
            "\"to\"",
            "\"values\"",
        ];
        let places: Vec<_> = keys.iter().map(|key| line.find(key).unwrap()).collect();
        assert!(places.is_sorted(), "{line}");
    }
    let lines = json_lines(&out);
    let found: Vec<_> = lines
        .iter()
        .map(|l| [&l["time"], &l["subject"], &l["from"], &l["to"]].map(|v| v.as_str().unwrap()))
        .collect();
    let wanted = [
        ["2023-09-07T18:11:30+08:00", "C1", "none", "yellow"],
        ["2023-09-07T18:22:30+08:00", "C1", "yellow", "orange"],
        ["2023-09-07T18:33:30+08:00", "C1", "orange", "red"],
    ];
    assert_eq!(found, wanted, "in the city's offset, whole seconds: {out}");
    // The calls as written in the rule, with numbers.
    for line in &lines {
        let values = line["values"].as_object().unwrap();
        let depth = values
            .iter()
            .find(|(call, _)| call.starts_with("water_depth."));
        assert!(
            depth.is_some_and(|(call, value)| call.ends_with(')') && value.is_number()),
            "{line}"
        );
    }
}

#[test]
fn warnings_have_the_shape_of_the_contract() {
    let street = Street::new();
    let file = street.file("flood.ndjson", &flood());
    let (code, out, err) = street.replay(&[], &[&file]);
    assert_eq!(code, 0, "{err}");
    let lines = json_lines(&out);
    assert!(!lines.is_empty());
    for line in &lines {
        let object = line.as_object().unwrap();
        let mut keys: Vec<_> = object.keys().map(String::as_str).collect();
        keys.sort_unstable();
        let wanted = [
            "areas", "event", "hazard", "rule", "tier", "time", "warning",
        ];
        assert_eq!(keys, wanted);
        let events = ["proposed", "issued", "updated", "ended", "cancelled"];
        assert!(events.contains(&line["event"].as_str().unwrap()), "{line}");
        assert!(line["time"].as_str().unwrap().ends_with("+08:00"), "{line}");
    }
    let last = lines.last().unwrap();
    assert_eq!(last["tier"], "red");
    assert_eq!(last["areas"]["440106014000"], "red");
}

#[test]
fn bad_lines_are_counted_and_strict_stops_at_the_first() {
    let street = Street::new();
    let text = format!(
        "{}nonsense\n{{\"station\":\"W1\"}}\n\n{}",
        depth(0, "0.01"),
        depth(1, "0.30")
    );
    let file = street.file("rows.ndjson", &text);
    let (code, out, err) = street.replay(&["--signals"], &[&file]);
    assert_eq!((code, out.lines().count()), (0, 1), "{err}");
    assert!(err.contains("2 refused"), "{err}");
    let (code, _, err) = street.replay(&["--signals", "--strict"], &[&file]);
    assert_eq!(code, 2, "{err}");
    assert!(
        err.contains("rows.ndjson") && err.contains("line 2"),
        "{err}"
    );
}

#[test]
fn sorting_and_the_order_of_files() {
    let street = Street::new();
    let (first, second) = (depth(0, "0.01") + &depth(11, "0.16"), depth(22, "0.30"));
    let (a, b) = (
        street.file("a.ndjson", &first),
        street.file("b.ndjson", &second),
    );
    let in_order = street.replay(&["--signals"], &[&a, &b]).1;
    assert_eq!(in_order.lines().count(), 2);
    let swapped = street.replay(&["--signals"], &[&b, &a]).1;
    assert_ne!(
        swapped, in_order,
        "files are taken in the order of the arguments"
    );
    let sorted = street.replay(&["--signals", "--sort"], &[&b, &a]).1;
    assert_eq!(sorted, in_order);
}

#[test]
fn input_comes_from_pipes_arrays_and_empty_files() {
    let street = Street::new();
    let file = street.file("flood.ndjson", &flood());
    let wanted = street.replay(&["--signals"], &[&file]).1;
    assert_eq!(told(&street.piped(&["--signals"], &flood())).1, wanted);
    let array = format!("[{}]", flood().trim_end().replace('\n', ","));
    assert_eq!(told(&street.piped(&["--signals"], &array)).1, wanted);
    let windows = flood().replace('\n', "\r\n");
    assert_eq!(told(&street.piped(&["--signals"], &windows)).1, wanted);
    let cut = flood();
    assert_eq!(
        told(&street.piped(&["--signals"], cut.trim_end())).1,
        wanted
    );
    for empty in ["", "\n\n", "[]"] {
        let (code, out, err) = told(&street.piped(&["--signals"], empty));
        assert_eq!((code, out.as_str()), (0, ""), "{empty:?}: {err}");
    }
}

#[test]
fn scores_count_hits_misses_and_false_alarms() {
    let street = Street::new();
    let file = street.file("flood.ndjson", &flood());
    let events = "id,hazard,area,tier,start,end\n\
        hit,11A02,440106014000,orange,2023-09-07T19:00:00+08:00,2023-09-07T21:00:00+08:00\n\
        miss,11A02,440106014000,orange,2023-09-09T19:00:00+08:00,2023-09-09T21:00:00+08:00\n";
    let events = street.file("events.csv", events);
    let score = events.display().to_string();
    let (code, out, err) = street.replay(&["--score", &score], &[&file]);
    assert_eq!(code, 0, "{err}");
    let figures = &json_lines(&out)[0];
    assert_eq!(
        (&figures["hits"], &figures["misses"]),
        (&1.into(), &1.into()),
        "{out}"
    );
    assert_eq!(figures["pod"], 0.5, "{out}");
    // 19:00:00 − 18:22:30.
    assert_eq!(figures["lead_s"]["max"], 2250, "{out}");
    for (text, wanted) in [
        ("id,hazard\nx,11A02\n", "tier"),
        (
            "id,hazard,area,tier,start,end\nx,11A02,440106014000,orange,yesterday,today\n",
            "line 2",
        ),
    ] {
        let path = street.file("bad.csv", text).display().to_string();
        let (code, _, err) = street.replay(&["--score", &path], &[&file]);
        assert_eq!(code, 2, "{err}");
        assert!(err.contains("bad.csv"), "{wanted}: {err}");
    }
    let (code, _, _) = street.replay(&["--score", "nowhere.csv"], &[&file]);
    assert_eq!(code, 2);
}

#[test]
fn another_rulebook_takes_the_place_of_the_citys() {
    let street = Street::new();
    let heavy: String = (0..60).map(|minute| rain(minute, "0.9")).collect();
    let file = street.file("rain.ndjson", &heavy);
    let own = street.replay(&["--signals"], &[&file]).1;
    let national = ["--signals", "--rules", "testdata/rulebooks/national-2007"];
    let other = street.replay(&national, &[&file]).1;
    assert!(
        own.contains("rainstorm") && other.contains("rainstorm"),
        "{own}{other}"
    );
    assert_ne!(own, other, "54 mm in an hour is another tier in the two");
    let (code, _, err) = street.replay(&["--rules", "nowhere"], &[&file]);
    assert!(code == 2 && err.contains("nowhere"), "{err}");
}

/// Two villages below one gauge, each with what it can bear.
#[test]
fn each_village_is_warned_by_its_own_amounts() {
    let street = Street::new();
    let villages = "id,name,kind,lon,lat,area,station,prepare_30m,prepare_1h,move_30m,move_1h\n\
        V1,上村,village,113.1,23.1,440106014000,G1,24,36,36,52\n\
        V2,下村,village,113.1,23.1,440106014000,G1,40,,70,90\n";
    street.file("city/sites.csv", villages);
    let burst: String = (0..30).map(|minute| rain(minute, "2.0")).collect();
    let file = street.file("rain.ndjson", &burst);
    let rules = ["--signals", "--rules", "testdata/rulebooks/flash-flood"];
    let (code, out, err) = street.replay(&rules, &[&file]);
    assert_eq!(code, 0, "{err}");
    let lines = json_lines(&out);
    let found: Vec<_> = lines
        .iter()
        .map(|l| [&l["time"], &l["subject"], &l["to"]].map(|v| v.as_str().unwrap()))
        .collect();
    let wanted = [
        ["2023-09-07T18:11:00+08:00", "V1", "orange"],
        ["2023-09-07T18:17:00+08:00", "V1", "red"],
        ["2023-09-07T18:19:00+08:00", "V2", "orange"],
    ];
    assert_eq!(found, wanted, "{out}");
    // What is told of is their township.
    let (_, out, _) = street.replay(&rules[1..], &[&file]);
    let last = json_lines(&out).pop().unwrap();
    assert_eq!(last["hazard"], "11A51", "{out}");
    assert_eq!(last["areas"]["440106014000"], "red", "{out}");
}
