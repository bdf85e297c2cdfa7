//! Bulletins made up and recorded: what is read, what follows from it, what is refused.

#[path = "../../../tests/peers/skipped.rs"]
mod skipped;

use super::*;
use proptest::prelude::*;
use std::fs;
use std::path::Path;

const OFFSET: Offset = Offset(330);

fn source() -> Source {
    let tiers = [("1", Tier::Yellow), ("2", Tier::Orange), ("3", Tier::Red)];
    Source {
        name: "landslide".into(),
        sender: "44010041400000".into(),
        sender_name: "资源局".into(),
        hazard: Hazard::GeologicalRisk,
        event: "Landslide early warning".into(),
        time: "date_id".into(),
        levels: "level_to_district_to_dsds".into(),
        tiers: tiers.map(|(level, tier)| (level.to_owned(), tier)).into(),
    }
}

/// Names that are digits are ours as well.
fn ours(name: &str) -> Vec<AreaCode> {
    AreaCode::parse(name).into_iter().collect()
}

fn bulletin(day: &str, levels: &str) -> Bulletin {
    let text = format!(r#"{{"date_id":"{day}","level_to_district_to_dsds":{levels}}}"#);
    read(text.as_bytes(), &source(), OFFSET).unwrap()
}

/// Follows a bulletin the way a process does, and says what came of it.
fn step(newest: &mut Option<Newest>, bulletin: &Bulletin) -> Next {
    let next = source().follow(newest.as_ref(), bulletin, OFFSET, &ours);
    if let Next::Follows { signals, .. } = &next {
        for signal in signals {
            newest.get_or_insert_default().take(signal);
        }
    }
    next
}

fn followed(newest: &mut Option<Newest>, bulletin: &Bulletin) -> (Vec<Signal>, Vec<Change>) {
    match step(newest, bulletin) {
        Next::Follows { signals, changes } => (signals, changes),
        other @ (Next::Same | Next::Older { .. }) => panic!("{other:?}"),
    }
}

#[test]
fn one_message_a_bulletin_one_signal_a_tier_in_place_of_the_one_before() {
    let mut newest = None;
    let first = bulletin(
        "2023-11-01",
        r#"{"1":{"LK-81":["LK-8139","440106000000"]},"2":{},"3":{}}"#,
    );
    assert_eq!(
        first.time,
        Time::parse("2023-11-01T00:00:00+05:30").unwrap().0
    );
    let (signals, changes) = followed(&mut newest, &first);
    assert_eq!(
        changes.iter().map(Change::way).collect::<Vec<_>>(),
        [Way::New, Way::New]
    );
    let [alert] = &signals[..] else {
        panic!("{signals:?}")
    };
    assert_eq!(
        alert.identifier,
        "44010041400000_20231101000000_landslide.0"
    );
    assert_eq!((alert.kind, alert.tier), (SignalKind::Alert, Tier::Yellow));
    // What we do not know is kept by its name and holds up nothing that we do.
    assert_eq!(alert.area_desc, ["440106000000", "LK-8139"]);
    assert_eq!(alert.areas, ours("440106000000"));
    assert_eq!(alert.texts[0].headline, "Landslide early warning (1)");
    let second = bulletin("2023-11-02", r#"{"1":["LK-8139"],"3":["440106000000"]}"#);
    let (signals, changes) = followed(&mut newest, &second);
    let up = Change {
        area: "440106000000".into(),
        from: Tier::Yellow,
        to: Tier::Red,
    };
    assert_eq!((&changes[..], up.way()), (&[up.clone()][..], Way::Up));
    let found: Vec<_> = signals
        .iter()
        .map(|s| (s.kind, s.tier, s.references.clone()))
        .collect();
    let refers = vec![alert.identifier.clone()];
    assert_eq!(
        found,
        [
            (SignalKind::Update, Tier::Red, refers.clone()),
            (SignalKind::Update, Tier::Yellow, refers)
        ]
    );
    let (signals, changes) = followed(&mut newest, &bulletin("2023-11-03", "{}"));
    assert!(changes.iter().all(|change| change.way() == Way::Ended) && changes.len() == 2);
    assert_eq!((signals[0].kind, signals.len()), (SignalKind::Cancel, 1));
    let again = bulletin("2023-11-04", r#"{"2":["LK-8139"]}"#);
    assert_eq!(followed(&mut newest, &again).0[0].kind, SignalKind::Alert);
}

#[test]
fn twice_is_nothing_older_is_refused_and_another_of_the_same_time_is_a_correction() {
    let mut newest = None;
    let today = bulletin("2023-11-02", r#"{"2":["a","b"]}"#);
    followed(&mut newest, &today);
    assert_eq!(step(&mut newest, &today), Next::Same);
    let yesterday = bulletin("2023-11-01", r#"{"3":["a"]}"#);
    assert_eq!(
        step(&mut newest, &yesterday),
        Next::Older { newest: today.time }
    );
    let corrected = bulletin("2023-11-02", r#"{"2":["a"]}"#);
    let (signals, changes) = followed(&mut newest, &corrected);
    assert!(
        signals[0].identifier.ends_with(".1"),
        "{}",
        signals[0].identifier
    );
    assert_eq!((changes.len(), changes[0].way()), (1, Way::Ended));
    // And back: what came last is what holds.
    let (signals, _) = followed(&mut newest, &today);
    assert!(
        signals[0].identifier.ends_with(".2"),
        "{}",
        signals[0].identifier
    );
}

#[test]
fn an_area_at_two_levels_stands_at_the_higher_and_no_key_that_comes_twice_is_lost() {
    for levels in [
        r#"{"1":["a"],"2":["a","a"]}"#,
        r#"{"2":["a"],"1":["a"],"1":{"x":null}}"#,
    ] {
        let found = bulletin("2023-11-02", levels);
        assert_eq!(
            found.areas,
            BTreeMap::from([("a".to_owned(), Tier::Orange)])
        );
        assert_eq!(found.at_two, 1);
    }
    let found = bulletin(
        "2023-11-02",
        r#"{"1":{"x":["a"]},"1":{"x":["b"],"x":[8139]}}"#,
    );
    assert_eq!(found.areas.keys().collect::<Vec<_>>(), ["8139", "a", "b"]);
}

#[test]
fn what_cannot_be_meant_is_refused_whole_with_its_reason() {
    let name = "x".repeat(NAME_CHARS_MAX + 1);
    for (text, words) in [
        ("", "not a JSON object"),
        ("[]", "it is a list"),
        (
            r#"{"date_id":"2023-11-02"}"#,
            "level_to_district_to_dsds\" stands there 0 times",
        ),
        (
            r#"{"date_id":"2023-11-02","date_id":"2023-11-03","level_to_district_to_dsds":{}}"#,
            "stands there 2 times",
        ),
        (
            r#"{"date_id":"2023-13-02","level_to_district_to_dsds":{}}"#,
            "2023-13-02",
        ),
        (
            r#"{"date_id":null,"level_to_district_to_dsds":{}}"#,
            "date_id is \"null\"",
        ),
        (
            r#"{"date_id":"2023-11-02","level_to_district_to_dsds":null}"#,
            "null stands where areas should",
        ),
        (
            r#"{"date_id":"2023-11-02","level_to_district_to_dsds":{"4":["a"]}}"#,
            "level \"4\"",
        ),
        (
            r#"{"date_id":"2023-11-02","level_to_district_to_dsds":{"1":[true]}}"#,
            "true or false",
        ),
        (
            r#"{"date_id":"2023-11-02","level_to_district_to_dsds":{"1":[" "]}}"#,
            "has no name",
        ),
        (
            &format!(
                r#"{{"date_id":"2023-11-02","level_to_district_to_dsds":{{"1":["{name}"]}}}}"#
            ),
            "has no name",
        ),
        (
            r#"{"date_id":"2023-11-02","level_to_district_to_dsds":{"1":["a"]}"#,
            "not a JSON object",
        ),
    ] {
        let error = read(text.as_bytes(), &source(), OFFSET)
            .unwrap_err()
            .to_string();
        assert!(error.contains(words), "{words}: {error}");
    }
    assert_eq!(
        read(&vec![b' '; BYTES_MAX + 1], &source(), OFFSET),
        Err(ReadError::TooLong)
    );
    let deep = format!(
        r#"{{"date_id":"2023-11-02","level_to_district_to_dsds":{{"1":{}{}}}}}"#,
        "[".repeat(100_000),
        "]".repeat(100_000)
    );
    assert!(matches!(
        read(deep.as_bytes(), &source(), OFFSET),
        Err(ReadError::Json(_))
    ));
    // A level that nobody uses needs no tier.
    assert_eq!(
        bulletin("2023-11-02", r#"{"4":{"LK-81":[]}}"#).areas.len(),
        0
    );
}

/// Districts and areas that a naive reading finds at a level.
fn naive(text: &str) -> BTreeMap<String, String> {
    let value: serde_json::Value = serde_json::from_str(text).unwrap();
    let mut found: BTreeMap<String, String> = BTreeMap::new();
    for (level, districts) in value["level_to_district_to_dsds"].as_object().unwrap() {
        for areas in districts.as_object().unwrap().values() {
            for area in areas.as_array().unwrap() {
                let held = found.entry(area.as_str().unwrap().to_owned()).or_default();
                if level > held {
                    held.clone_from(level);
                }
            }
        }
    }
    found
}

/// All bulletins of two years in time order: new, up, down and ended as two sets compared say.
#[test]
fn recorded_landslide_bulletins_move_what_two_sets_compared_say() {
    let data =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/landslide-warnings/lk-dmc");
    let Ok(entries) = fs::read_dir(&data) else {
        skipped::skipped("no recorded data at ../shared/data/landslide-warnings/lk-dmc");
        return;
    };
    let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let mut before: BTreeMap<String, String> = BTreeMap::new();
    let mut newest = None;
    let mut counts = [0; 4];
    let mut at_two = 0;
    for path in &files {
        let text = fs::read_to_string(path).unwrap();
        let found = read(text.as_bytes(), &source(), OFFSET).unwrap();
        at_two += found.at_two;
        let after = naive(&text);
        let mut expected: Vec<(String, Way)> = Vec::new();
        for (area, level) in &after {
            match before.get(area) {
                None => expected.push((area.clone(), Way::New)),
                Some(was) if was < level => expected.push((area.clone(), Way::Up)),
                Some(was) if was > level => expected.push((area.clone(), Way::Down)),
                Some(_) => {}
            }
        }
        let gone = before.keys().filter(|area| !after.contains_key(*area));
        expected.extend(gone.map(|area| (area.clone(), Way::Ended)));
        expected.sort();
        let (signals, changes) = followed(&mut newest, &found);
        let ours: Vec<_> = changes
            .iter()
            .map(|change| (change.area.clone(), change.way()))
            .collect();
        assert_eq!(ours, expected, "{}", path.display());
        for (_, way) in &ours {
            counts[*way as usize] += 1;
        }
        let listed: usize = signals.iter().map(|signal| signal.area_desc.len()).sum();
        assert_eq!(listed, after.len());
        assert_eq!(step(&mut newest, &found), Next::Same);
        before = after;
    }
    println!(
        "{} bulletins: new, up, down, ended {counts:?}; {at_two} areas at two levels",
        files.len()
    );
    assert!(counts.iter().all(|count| *count > 0), "{counts:?}");
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        if let Err(error) = read(&bytes, &source(), OFFSET) {
            prop_assert!(!error.to_string().is_empty());
        }
    }

    /// However bulletins follow each other, what stands is the last, and the changes of each lead to it.
    #[test]
    fn changes_add_up_to_what_stands(days in proptest::collection::vec((0u8..30, proptest::collection::btree_map("[a-f]", 1u8..4, 0..6)), 1..20)) {
        let mut newest = None;
        let mut stands: BTreeMap<String, Tier> = BTreeMap::new();
        for (day, areas) in days {
            let tiers = [Tier::Yellow, Tier::Orange, Tier::Red];
            let areas: BTreeMap<String, Tier> = areas.into_iter().map(|(area, level)| (area, tiers[usize::from(level) - 1])).collect();
            let bulletin = Bulletin { time: Time::from_minute(i64::from(day) * 1440), areas, at_two: 0 };
            match step(&mut newest, &bulletin) {
                Next::Same => prop_assert_eq!(&bulletin.areas, &stands),
                Next::Older { newest } => prop_assert!(bulletin.time < newest),
                Next::Follows { changes, signals } => {
                    for change in &changes {
                        prop_assert_eq!(change.from, stands.get(&change.area).copied().unwrap_or_default());
                        match change.to {
                            Tier::None => drop(stands.remove(&change.area)),
                            to @ (Tier::White | Tier::Blue | Tier::Yellow | Tier::Orange | Tier::Red) => drop(stands.insert(change.area.clone(), to)),
                        }
                    }
                    prop_assert_eq!(&stands, &bulletin.areas);
                    prop_assert_eq!(signals.iter().any(|s| s.kind == SignalKind::Cancel), bulletin.areas.is_empty());
                }
            }
        }
        let newest = newest.unwrap();
        prop_assert_eq!(newest.areas, stands);
    }
}
