//! A council's table of flow thresholds: not in rising order, low flows among floods, `NA`.

use crate::ladder::Ladder;
use crate::place::{Gauge, Place};
use crate::{millis, recorded, replay, rung, sanfang};
use model::{Offset, Time};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;

const MINUTE: i64 = 60_000;
const COLUMNS: [&str; 4] = ["annual", "y5", "y20", "record"];
const TIERS: [&str; 5] = ["none", "blue", "yellow", "orange", "red"];

/// Which column a label of the table belongs in; none for low flows and what is not one of these.
fn column(label: &str) -> Option<usize> {
    let label = label.to_ascii_lowercase();
    let is = |word: &str| label.starts_with(word);
    let floods = [
        is("annual"),
        is("5 year") || is("5 ari"),
        is("20 year") || is("20 ari"),
        is("highest"),
    ];
    let low = ["l/s", "malf", "take", "cease", "(7day)"];
    floods
        .iter()
        .position(|found| *found)
        .filter(|_| !low.iter().any(|word| label.contains(word)))
}

/// Levels by site as the table writes them; a site that stands there twice keeps what was found first.
fn table() -> Option<BTreeMap<String, [String; 4]>> {
    let data = recorded("thresholds")?;
    let mut sites: BTreeMap<String, [String; 4]> = BTreeMap::new();
    for entry in fs::read_dir(&data).unwrap() {
        let mut table = csv::Reader::from_path(entry.unwrap().path()).unwrap();
        let headers = table.headers().unwrap().clone();
        let at = |name: String| headers.iter().position(|header| header == name).unwrap();
        for row in table.records() {
            let row = row.unwrap();
            let own = sites
                .entry(row[0].to_owned())
                .or_insert_with(|| std::array::from_fn(|_| "NA".to_owned()));
            for number in 1..=6 {
                let (limit, label) = (
                    &row[at(format!("t{number}limit"))],
                    &row[at(format!("t{number}label"))],
                );
                if let Some(column) = column(label).filter(|column| own[*column] == "NA") {
                    limit.clone_into(&mut own[column]);
                }
            }
        }
    }
    Some(sites)
}

/// Thousandths, as flows are held.
fn thousandths(text: &str) -> Option<i64> {
    text.parse::<f64>()
        .ok()
        .map(|flow| (flow * 1000.0).round() as i64)
}

fn rule() -> String {
    let mut rule = "schema = 1\nversion = \"tdc\"\n[[rule]]\nid = \"flow\"\nhazard = \"11A01\"\nname = { zh = \"洪水\", en = \"Flood\" }\nsubject = \"site\"\n\
        source = { document = \"the council's table\", confidence = \"likely\" }\nraise = { after = \"10m\" }\nlower = { after = \"1h\" }\n".to_owned();
    for (tier, column) in TIERS[1..].iter().zip(COLUMNS) {
        writeln!(rule, "{tier} = 'flow.last() >= site.{column}'").unwrap();
    }
    rule
}

/// Each river is made to rise past all its floods and to fall again: the table is real, the flows are not.
#[test]
fn a_table_in_no_order_with_holes_in_it_warns_by_what_it_has() {
    let Some(sites) = table() else { return };
    let known = |levels: &[String; 4]| {
        levels
            .iter()
            .filter_map(|text| thousandths(text))
            .collect::<Vec<_>>()
    };
    let ids: Vec<String> = (0..sites.len())
        .map(|number| format!("F{number}"))
        .collect();
    let place = Place {
        kind: "river",
        parameter: "flow",
        interval_s: 900,
        columns: &COLUMNS,
        gauges: (0..)
            .zip(ids.iter().zip(sites.values()))
            .map(|(number, (id, levels))| Gauge {
                id: id.clone(),
                lon: 172.0 + f64::from(number) / 100.0,
                lat: -41.0,
                levels: levels.to_vec(),
            })
            .collect(),
    };
    let folder = tempfile::tempdir().unwrap();
    let city = place.write(folder.path());
    fs::create_dir(city.join("rules")).unwrap();
    fs::write(city.join("rules/flow.toml"), rule()).unwrap();
    let city = city.display().to_string();
    let start = Time::parse("2022-08-16T00:00:00Z").unwrap().0.millis();
    let mut waves: BTreeMap<&str, Vec<(i64, i64)>> = BTreeMap::new();
    let mut lines = Vec::new();
    for (id, levels) in ids.iter().zip(sites.values()) {
        let top = known(levels).into_iter().max().unwrap_or(100_000) * 6 / 5;
        for step in 0..200_i64 {
            let flow = top * (100 - (step - 100).abs()) / 100;
            let time = start + step * 15 * MINUTE;
            waves.entry(id).or_default().push((time, flow));
            lines.push((time, id, flow));
        }
    }
    lines.sort_unstable();
    let mut text = String::new();
    for (time, id, flow) in &lines {
        let (time, flow) = (
            Time::from_millis(*time).display(Offset(0)),
            *flow as f64 / 1000.0,
        );
        writeln!(
            text,
            r#"{{"station":"{id}","parameter":"flow","time":"{time}","value":{flow}}}"#
        )
        .unwrap();
    }
    let file = folder.path().join("flow.ndjson");
    fs::write(&file, text).unwrap();
    let (signals, _) = replay(&["--city", &city, "--signals", &file.display().to_string()]);
    let mut ours: BTreeMap<&str, Vec<(i64, usize, usize)>> = BTreeMap::new();
    for line in &signals {
        let change = (
            millis(line),
            rung(&TIERS, &line["from"]),
            rung(&TIERS, &line["to"]),
        );
        ours.entry(line["subject"].as_str().unwrap())
            .or_default()
            .push(change);
    }
    let (mut unordered, mut holes) = (0, 0);
    for (id, levels) in ids.iter().zip(sites.values()) {
        let ladder = Ladder {
            // A level that is not there is never reached.
            levels: levels
                .iter()
                .map(|text| thousandths(text).unwrap_or(i64::MAX))
                .collect(),
            hold: 10 * MINUTE,
            quiet: 60 * MINUTE,
            below: 0,
            gap: 60 * MINUTE,
        };
        let found = ours.remove(id.as_str()).unwrap_or_default();
        assert_eq!(
            found,
            ladder
                .climb(&waves[id.as_str()], lines.last().unwrap().0)
                .changes,
            "{id} {levels:?}"
        );
        assert_eq!(found.is_empty(), known(levels).is_empty());
        unordered += usize::from(!known(levels).is_sorted());
        holes += usize::from((1..4).contains(&known(levels).len()));
    }
    println!(
        "{} sites, {unordered} with a ladder that does not rise, {holes} with holes in it; {} changes of tier",
        ids.len(),
        signals.len()
    );
    assert!(unordered > 0 && holes > 0);
    // In columns that are thresholds and nothing else, NA is a fault with its line.
    let sites = folder.path().join("city/sites.csv");
    let wrong = fs::read_to_string(&sites)
        .unwrap()
        .replace(",annual,", ",blue,");
    fs::write(&sites, wrong).unwrap();
    let check = sanfang(&["check", "--city", &city]);
    let words = String::from_utf8(check.stdout).unwrap();
    assert!(
        !check.status.success() && words.contains("\"NA\" is not a decimal number"),
        "{words}"
    );
}
