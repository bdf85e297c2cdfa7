//! The forecaster's workbench from outside: two rulebooks compared, thresholds swept, scores told
//! apart, tiers that were not reached explained.

use super::small::{root, write_city};
use super::{json_lines, sanfang, told};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};

/// A city of one street and five showers over it, an hour each: millimetres a minute, and whether
/// something came of it.
const SHOWERS: [(&str, f64, bool); 5] = [
    ("2023-09-01T12", 0.6, false),
    ("2023-09-02T12", 0.8, false),
    ("2023-09-03T12", 1.0, true),
    ("2023-09-04T22", 1.4, true),
    ("2023-09-05T12", 0.9, true),
];

struct Bench {
    folder: tempfile::TempDir,
}

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        write_city(folder.path());
        let bench = Self { folder };
        let mut rows = String::new();
        let mut events = "id,hazard,area,tier,start,end\n".to_owned();
        for (hour, rate, came) in SHOWERS {
            let (day, at) = hour.split_once('T').unwrap();
            let at: u32 = at.parse().unwrap();
            for minute in 0..60 {
                rows += &format!(
                    "{{\"station\":\"G1\",\"parameter\":\"rainfall\",\"time\":\"{hour}:{minute:02}:00+08:00\",\"value\":{rate}}}\n"
                );
            }
            // Dry until the next: what rose falls again.
            for step in 1..=250 {
                let minute = at * 60 + 60 + step;
                let day_no: u32 = day[8..].parse::<u32>().unwrap() + minute / 1440;
                let (hour, minute) = (minute / 60 % 24, minute % 60);
                rows += &format!(
                    "{{\"station\":\"G1\",\"parameter\":\"rainfall\",\"time\":\"2023-09-{day_no:02}T{hour:02}:{minute:02}:00+08:00\",\"value\":0}}\n"
                );
            }
            if came {
                events += &format!(
                    "{day},11B03,440106014000,orange,{hour}:55:00+08:00,{day}T23:59:00+08:00\n"
                );
            }
        }
        bench.write("rows.ndjson", &rows);
        bench.write("events.csv", &events);
        bench
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        fs::write(&path, text).unwrap();
        path
    }

    /// The city's rulebook with one text in place of another.
    fn rules(&self, name: &str, from: &str, to: &str) -> String {
        let folder = self.folder.path().join(name);
        fs::create_dir_all(&folder).unwrap();
        for entry in fs::read_dir(self.folder.path().join("city/rules")).unwrap() {
            let path = entry.unwrap().path();
            let text = fs::read_to_string(&path).unwrap().replace(from, to);
            fs::write(folder.join(path.file_name().unwrap()), text).unwrap();
        }
        folder.display().to_string()
    }

    fn run(&self, command: &[&str], more: &[&str]) -> (i32, String, String) {
        let (city, rows) = (self.path("city"), self.path("rows.ndjson"));
        let all = [command, &["--city", &city], more, &[&rows]].concat();
        told(&sanfang(&all))
    }

    fn tune(&self, more: &[&str]) -> (i32, String, String) {
        let events = self.path("events.csv");
        let fixed = ["--rule", "rainstorm", "--events", &events];
        self.run(&["rules", "tune"], &[&fixed[..], more].concat())
    }
}

/// Holds `found` against a golden file.
fn golden(name: &str, found: &str) {
    let path = root().join("testdata/golden/rules").join(name);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, found).unwrap();
    }
    let kept = fs::read_to_string(&path).unwrap_or_default();
    let differs = kept.lines().zip(found.lines()).find(|(a, b)| a != b);
    assert!(
        kept == found,
        "{name} changed; read it, then run with UPDATE_GOLDEN=1: {differs:?}"
    );
}

/// Rows of a table by column.
fn table(csv: &str) -> Vec<std::collections::BTreeMap<String, String>> {
    let mut lines = csv.lines();
    let head: Vec<&str> = lines.next().unwrap().split(',').collect();
    let row = |line: &str| {
        let cells = head.iter().zip(line.split(','));
        cells
            .map(|(name, cell)| ((*name).to_owned(), cell.to_owned()))
            .collect()
    };
    lines.map(row).collect()
}

#[test]
fn two_rulebooks_over_one_storm() {
    let bench = Bench::new();
    let later = bench.rules(
        "later",
        "orange  = 'rainfall.sum(\"3h\") >= 50.0'",
        "orange  = 'rainfall.sum(\"3h\") >= 65.0'",
    );
    let (code, out, err) = bench.run(&["rules", "diff"], &["--new", &later]);
    assert_eq!(code, 0, "{err}");
    golden("diff.txt", &out);
    let (code, out, err) = bench.run(&["rules", "diff"], &["--new", &later, "--json"]);
    assert_eq!(code, 0, "{err}");
    let lines = json_lines(&out);
    let (summary, found) = lines.split_last().unwrap();
    let rises = found.iter().filter(|line| line["tier"] != "none");
    let changes: Vec<_> = rises
        .map(|l| ["tier", "change", "old", "new"].map(|key| l[key].as_str().unwrap_or("null")))
        .collect();
    // Put forward at nine tenths: 45 mm and 58.5 mm, by showers of 0.8 (48 mm), 1.0, 1.4 and 0.9 mm
    // a minute.
    let day = |day: u32, time: &str| format!("2023-09-0{day}T{time}:00+08:00");
    let second = day(2, "12:56");
    let wanted = [
        ["orange", "lost", &second, "null"],
        ["orange", "later", &day(3, "12:44"), &day(3, "12:58")],
        ["orange", "later", &day(4, "22:32"), &day(4, "22:41")],
        ["orange", "lost", &day(5, "12:49"), "null"],
    ];
    assert_eq!(changes, wanted, "{out}");
    let summary = &summary["summary"];
    let edit = &summary["rules"][0];
    assert_eq!(edit["key"], "orange");
    assert_eq!(edit["new"], "rainfall.sum(\"3h\") >= 65.0");
    assert_eq!(summary["changes"]["11B03"]["orange"]["lost"], 2);
    // Two rises fewer over a thousand residents, and over two subscribers and two contacts.
    assert_eq!(summary["residents"]["rings"]["more"], -2000);
    assert_eq!(summary["residents"]["people"]["more"], 0);
    let night = &summary["residents"]["rings_night"];
    assert_eq!((&night["old"], &night["new"]), (&2000.into(), &2000.into()));
    assert_eq!(summary["named"]["rings"]["more"], -8);
    assert_eq!(summary["named"]["people"]["old"], 4);
    // The other way round what was lost is gained.
    let own = bench.path("city/rules");
    let back = ["--old", &later, "--new", &own, "--json"];
    let back = json_lines(&bench.run(&["rules", "diff"], &back).1);
    let gained = back.iter().filter(|line| line["change"] == "gained");
    assert_eq!(gained.count(), 2);
    // And the same is the same.
    let (code, out, _) = bench.run(&["rules", "diff"], &["--new", &own]);
    assert!(
        code == 0 && out.contains("no area is warned otherwise"),
        "{out}"
    );
    let (code, _, err) = bench.run(&["rules", "diff"], &["--new", "nowhere"]);
    assert!(code == 2 && err.contains("nowhere"), "{err}");
}

#[test]
fn a_threshold_is_swept() {
    let bench = Bench::new();
    let svg = bench.path("curve.svg");
    let (code, out, err) = bench.tune(&["--sweep", "orange=40..80:10", "--svg", &svg]);
    assert_eq!(code, 0, "{err}");
    golden("tune.csv", &out);
    let drawn = fs::read_to_string(&svg).unwrap();
    golden("tune.svg", &drawn);
    assert!(drawn.contains("命中率") && drawn.contains("POD"), "{drawn}");
    let rows = table(&out);
    let values: Vec<&str> = rows.iter().map(|row| row["orange"].as_str()).collect();
    assert_eq!(values, ["40", "50", "60", "70", "80"]);
    let current = rows.iter().filter(|row| row["current"] == "yes");
    assert_eq!(
        current.map(|row| &row["orange"]).collect::<Vec<_>>(),
        ["50"]
    );
    // By hand: showers of 36, 48, 60, 84 and 54 mm; something came of the last three. Orange is put
    // forward at nine tenths of the bound.
    let counts = |row: usize| ["hits", "misses", "false_alarms"].map(|key| rows[row][key].as_str());
    assert_eq!(counts(0), ["3", "0", "2"], "36 mm: 36 and 48 are false");
    assert_eq!(counts(1), ["3", "0", "1"], "45 mm: 48 is false");
    assert_eq!(counts(2), ["3", "0", "0"], "54 mm");
    assert_eq!(counts(3), ["1", "2", "0"], "63 mm: 84 alone");
    assert_eq!(rows[2]["csi"], "1");
    assert!(err.contains("highest CSI   orange = 60"), "{err}");
    // Orange would hold wherever yellow does: that value is named and the others are tried.
    let (code, out, err) = bench.tune(&["--sweep", "orange=30,60"]);
    let values: Vec<String> = table(&out)
        .iter()
        .map(|row| row["orange"].clone())
        .collect();
    assert_eq!((code, values), (0, vec!["50".into(), "60".into()]), "{err}");
    assert!(err.contains("not tried: orange = 30:"), "{err}");
    let (code, out, err) = bench.tune(&["--sweep", "orange=30"]);
    assert_eq!((code, out.as_str()), (2, ""), "{err}");
    // A value that stands and is not in the sweep is tried, too.
    let (_, out, _) = bench.tune(&["--sweep", "orange=40,60.5"]);
    let values: Vec<String> = table(&out)
        .iter()
        .map(|row| row["orange"].clone())
        .collect();
    assert_eq!(values, ["40", "50", "60.5"]);
}

/// What the sweep says of each pair of values is what a replay of that rulebook says.
#[test]
fn two_thresholds_are_swept_as_replays_would() {
    let bench = Bench::new();
    let sweeps = ["--sweep", "yellow#2=40,60", "--sweep", "lower.when=2,8"];
    let (code, out, err) = bench.tune(&sweeps);
    assert_eq!(code, 0, "{err}");
    let rows = table(&out);
    assert_eq!(rows.len(), 9, "each of three with each of three: {out}");
    let events = bench.path("events.csv");
    for row in rows {
        let yellow = bench.rules(
            "yellow",
            "rainfall.sum(\"2h\") >= 50.0",
            &format!("rainfall.sum(\"2h\") >= {}", row["yellow#2"]),
        );
        let path = Path::new(&yellow).join("rainstorm.toml");
        let text = fs::read_to_string(&path).unwrap();
        let when = format!("rainfall.sum(\"1h\") < {}", row["lower.when"]);
        fs::write(&path, text.replace("rainfall.sum(\"1h\") < 5.0", &when)).unwrap();
        let (code, out, err) = bench.run(&["replay"], &["--rules", &yellow, "--score", &events]);
        assert_eq!(code, 0, "{err}");
        let score = &json_lines(&out)[0]["by_hazard"]["11B03"];
        for key in [
            "hits",
            "misses",
            "false_alarms",
            "correct_negatives",
            "csi",
            "hss",
        ] {
            let found: f64 = row[key].parse().unwrap();
            assert_eq!(score[key].as_f64(), Some(found), "{key} of {row:?}");
        }
    }
}

#[test]
fn what_cannot_be_swept_is_named() {
    let bench = Bench::new();
    let none = bench.write("none.csv", "id,hazard,area,tier,start,end\n");
    let none = none.display().to_string();
    let events = bench.path("events.csv");
    let cases: [(&[&str], &str); 12] = [
        (&["--rule", "rain", "--sweep", "orange=1,2"], "known: "),
        (
            &["--rule", "rainstorm", "--sweep", "blue=1,2"],
            "it has: yellow",
        ),
        (
            &["--rule", "rainstorm", "--sweep", "yellow=1,2"],
            "yellow#2  50.0  in rainfall.sum(\"2h\") >= 50.0",
        ),
        (
            &["--rule", "rainstorm", "--sweep", "yellow#3=1,2"],
            "has no number 3",
        ),
        (&["--rule", "culvert", "--sweep", "red=1,2"], "sites.csv"),
        (
            &["--rule", "rainstorm", "--sweep", "orange=5..1:1"],
            "smaller number first",
        ),
        (
            &["--rule", "rainstorm", "--sweep", "orange=1..5"],
            "no step",
        ),
        (
            &["--rule", "rainstorm", "--sweep", "orange=110"],
            "refused at every other value:\norange = 110:",
        ),
        (
            &[
                "--rule",
                "rainstorm",
                "--sweep",
                "orange=50..99:1",
                "--sweep",
                "continuing=1,2",
            ],
            "more than the 100",
        ),
        (
            &[
                "--rule",
                "rainstorm",
                "--sweep",
                "orange=55",
                "--events",
                &none,
            ],
            "no event of 11B03",
        ),
        (
            &["--rule", "slope", "--sweep", "orange#1=9"],
            "no event of 11D01",
        ),
        (&["--rule", "rainstorm"], "--sweep"),
    ];
    for (arguments, wanted) in cases {
        let given = arguments.contains(&"--events");
        let events = ["--events", events.as_str()];
        let more: &[&str] = if given { &[] } else { &events };
        let (code, out, err) = bench.run(&["rules", "tune"], &[arguments, more].concat());
        assert_eq!((code, out.as_str()), (2, ""), "{arguments:?}: {err}");
        assert!(err.contains(wanted), "{arguments:?}: {err}");
    }
    let missing = ["--sweep", "orange=55", "--svg", "nowhere/curve.svg"];
    let (code, _, err) = bench.tune(&missing);
    assert!(code == 1 && err.contains("nowhere/curve.svg"), "{err}");
}

/// A miss that is the table's, or follows from what a hit is, says so.
#[test]
fn doubtful_misses_are_explained() {
    let bench = Bench::new();
    let rows = [
        "wide,11B03,440106000000,orange,2023-09-03T12:50:00+08:00,2023-09-03T14:00:00+08:00",
        "strange,11B03,330106000000,orange,2023-09-03T12:50:00+08:00,2023-09-03T14:00:00+08:00",
        "elsewhere,11D02,440106014000,orange,2023-09-03T12:50:00+08:00,2023-09-03T14:00:00+08:00",
        "early,11B03,440106014000,orange,2023-08-01T12:50:00+08:00,2023-08-01T14:00:00+08:00",
        "quiet,11B03,440106014000,red,2023-09-01T12:50:00+08:00,2023-09-01T14:00:00+08:00",
    ];
    let table = format!("id,hazard,area,tier,start,end\n{}\n", rows.join("\n"));
    bench.write("doubtful.csv", &table);
    let (code, _, err) = bench.run(&["replay"], &["--score", &bench.path("doubtful.csv")]);
    assert_eq!(code, 0, "{err}");
    let told = |id: &str| {
        err.lines()
            .find(|line| line.starts_with(&format!("notice: event {id} ")))
    };
    assert!(told("wide").unwrap().contains("smaller areas"), "{err}");
    assert!(
        told("strange").unwrap().contains("none of the city's"),
        "{err}"
    );
    assert!(
        told("elsewhere").unwrap().contains("no rule of its hazard"),
        "{err}"
    );
    assert!(
        told("early").unwrap().contains("nothing was observed then"),
        "{err}"
    );
    assert_eq!(told("quiet"), None, "that one was missed");
}

#[test]
fn scores_are_told_by_hazard_and_tier() {
    let bench = Bench::new();
    let (code, out, err) = bench.run(&["replay"], &["--score", &bench.path("events.csv")]);
    assert_eq!(code, 0, "{err}");
    let score = &json_lines(&out)[0];
    let rain = &score["by_hazard"]["11B03"];
    let orange = &rain["by_tier"]["orange"];
    assert_eq!((&orange["hits"], &orange["misses"]), (&3.into(), &0.into()));
    // What is counted by tier adds up, and so do the hazards.
    let sum = |object: &Value, key: &str| -> u64 {
        let parts = object.as_object().unwrap().values();
        parts.map(|part| part[key].as_u64().unwrap()).sum()
    };
    for key in ["hits", "misses", "false_alarms"] {
        assert_eq!(
            sum(&rain["by_tier"], key),
            rain[key].as_u64().unwrap(),
            "{key}"
        );
        let all = score[key].as_u64().unwrap();
        assert_eq!(sum(&score["by_hazard"], key), all, "{key}");
    }
    // One township from the first noon to the last evening are 17 cells of six hours. Each of the
    // five showers is warned of in its own, the fourth until after midnight, and the event of the
    // third lasts until midnight.
    assert_eq!(rain["cells"], 17);
    assert_eq!(rain["correct_negatives"], 10, "{rain}");
    // Issued at 12:44, 22:32 and 12:49 for events from 55 minutes past.
    let lead = &score["lead_s"];
    let leads = ["min", "q1", "median", "q3", "max"].map(|key| lead[key].as_i64().unwrap());
    assert_eq!(leads, [360, 360, 660, 1380, 1380], "{lead}");
    assert_eq!(lead["by_event"]["2023-09-04"], 1380);
    assert!(err.contains("HSS") && err.contains("11B03 暴雨"), "{err}");
}

#[test]
fn a_tier_that_was_not_reached_is_explained() {
    let bench = Bench::new();
    let at = ["--subject", "G1", "--at", "2023-09-01T12:50:00+08:00"];
    let (code, out, err) = bench.run(&["rules", "explain"], &at);
    assert_eq!(code, 0, "{err}");
    for wanted in [
        "orange: not reached: rainfall.sum(\"3h\") >= 50.0",
        "rainfall.sum(\"3h\") = 30.6  >= 50  ✗ 19.4 away",
        "yellow: reached at 2023-09-01T12:49:00+08:00",
        "falls once this has been gone for 30m and lower.when holds",
    ] {
        assert!(out.contains(wanted), "{wanted} is not in\n{out}");
    }
    let story = [&at[..], &["--json"]].concat();
    let lines = json_lines(&bench.run(&["rules", "explain"], &story).1);
    let orange = &lines[0]["outlook"]["tiers"][1];
    assert_eq!(orange["tier"], "orange");
    assert_eq!(orange["rise"]["compared"][0]["short"], "19.4");
    // Before anything rose there is no change to tell, only how it stands.
    let early = [
        "--subject",
        "G1",
        "--at",
        "2023-09-01T12:10:00+08:00",
        "--json",
    ];
    let lines = json_lines(&bench.run(&["rules", "explain"], &early).1);
    assert_eq!((lines.len(), &lines[0]["reason"]), (1, &"unchanged".into()));
    // Of a township also what its stations changed.
    let area = ["--subject", "440106014000", "--json"];
    let lines = json_lines(&bench.run(&["rules", "explain"], &area).1);
    assert!(
        lines
            .iter()
            .any(|line| line["subject"] == "G1" && line["to"] == "orange")
    );
}

#[test]
fn daily_rain_is_fitted_into_rows_of_the_climate_table() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("days.csv");
    let mut text = "station,date,value\n".to_owned();
    // Thirty years in which June has n + 1 mm on its first day and nothing else.
    for year in 0..30 {
        let mut day = jiff::civil::Date::new(1990 + year, 6, 1).unwrap();
        while day.month() == 6 {
            let mm = if day.day() == 1 { year + 1 } else { 0 };
            text.push_str(&format!("G1,{day},{mm}\n"));
            day = day.tomorrow().unwrap();
        }
    }
    std::fs::write(&file, text).unwrap();
    let output = sanfang(&["rules", "fit", "--days", "30", file.to_str().unwrap()]);
    assert!(output.status.success());
    let rows = String::from_utf8(output.stdout).unwrap();
    let rows: Vec<&str> = rows.lines().collect();
    assert_eq!(rows[0], "station,parameter,window,month,shape,scale,zero");
    // Only June has its thirty days; the mean of a gamma distribution is shape times scale.
    let [june] = &rows[1..] else {
        panic!("{rows:?}");
    };
    let cells: Vec<&str> = june.split(',').collect();
    assert_eq!(cells[..4], ["G1", "rainfall", "30d", "6"], "{june}");
    let [shape, scale, zero] = [4, 5, 6].map(|at| cells[at].parse::<f64>().unwrap());
    assert!((shape * scale - 15.5).abs() < 0.01 && zero == 0.0, "{june}");
    let wrong = folder.path().join("wrong.csv");
    std::fs::write(
        &wrong,
        "station,date,value\nG1,1998-13-01,1\nG1,1998-01-01,-1\n",
    )
    .unwrap();
    let output = sanfang(&["rules", "fit", wrong.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(2));
    let words = String::from_utf8(output.stderr).unwrap();
    assert!(words.contains(":2: ") && words.contains(":3: "), "{words}");
}

/// Every rulebook that comes along stands in the page about them, each rule with its hazard; each tier of
/// each rule is listed with a document and how sure it is.
#[test]
fn every_rulebook_is_listed_with_its_sources() {
    let page = fs::read_to_string(root().join("docs/rulebooks.md")).unwrap();
    let books = fs::read_dir(root().join("testdata/rulebooks")).unwrap();
    let named = books.map(|book| book.unwrap().file_name().into_string().unwrap());
    let mut folders: Vec<(String, String)> = named
        .map(|name| (format!("testdata/rulebooks/{name}"), name))
        .collect();
    folders.push(("testdata/city/rules".into(), "testdata/city/rules".into()));
    for (folder, name) in &folders {
        let row = page
            .lines()
            .find(|l| l.starts_with(&format!("| `{name}` |")));
        let row = row.unwrap_or_else(|| panic!("docs/rulebooks.md has no row for {name}"));
        let (code, out, err) = told(&sanfang(&["rules", "list", "--json", folder]));
        assert_eq!(code, 0, "{err}");
        let tiers = json_lines(&out);
        assert!(!tiers.is_empty(), "{folder}");
        for tier in tiers {
            for word in [format!("`{}`", text(&tier, "rule")), text(&tier, "hazard")] {
                assert!(
                    row.contains(&word),
                    "docs/rulebooks.md: {name} lacks {word}"
                );
            }
            assert!(!text(&tier, "document").is_empty(), "{tier}");
            assert!(!text(&tier, "condition").is_empty(), "{tier}");
        }
    }
    let (_, out, _) = told(&sanfang(&["rules", "list", "testdata/rulebooks/hong-kong"]));
    let lines: Vec<_> = out.lines().collect();
    assert_eq!(
        lines[1],
        "  rainstorm  11B03 暴雨 Rainstorm  each station, 30% of a city"
    );
    assert_eq!(lines[2], "    yellow  rainfall.sum(\"1h\") > mm(30)");
    assert!(
        lines[3].starts_with("            sure: Hong Kong Observatory"),
        "{out}"
    );
    assert!(
        out.ends_with("rules: 1; conditions: 3 sure, 0 likely, 0 unsure, 0 design-default\n"),
        "{out}"
    );
}

fn text(object: &Value, key: &str) -> String {
    object[key].as_str().unwrap().to_owned()
}
