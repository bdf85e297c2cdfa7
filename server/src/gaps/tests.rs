//! Gaps over the demo city, against the words on file and a look at every site by itself.

use super::*;
use dispatch::directory::Directory;
use model::order::Answer;
use model::warning::AreaTier;
use model::{Language, Mode, Named, StationNo};
use std::path::{Path, PathBuf};

const TOWN: &str = "440106014000";
const OTHER: &str = "440106015000";
const VILLAGE: &str = "440106014201";

fn testdata() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata")
}

fn code(text: &str) -> AreaCode {
    AreaCode::parse(text).unwrap()
}

fn at(text: &str) -> Time {
    Time::parse(&format!("2026-05-08T{text}:00+08:00"))
        .unwrap()
        .0
}

fn city() -> City {
    let folder = testdata().join("city");
    City::read(|name: &str| std::fs::read(folder.join(name)).ok(), &[]).unwrap()
}

fn directory(city: &City) -> Directory {
    let contacts = std::fs::read(testdata().join("city/contacts.csv")).unwrap();
    let subscribers = "id,lon,lat,phone,language,audience\n";
    let loaded = Directory::read(city, contacts.as_slice(), subscribers.as_bytes(), None);
    loaded.unwrap().directory
}

fn warning(areas: &[(&str, Tier)]) -> Arc<Warning> {
    let zone = code("440106000000");
    let city = code("440100000000");
    let tier = |(area, tier): &(&str, Tier)| {
        let tier = AreaTier {
            tier: *tier,
            reached: *tier,
            onset: at("21:00"),
        };
        (code(area), tier)
    };
    Arc::new(Warning {
        id: WarningId::derive(city, Mode::Actual, Hazard::Rainstorm, zone, at("21:00")),
        revision: 2,
        event: Event::Issued,
        mode: Mode::Actual,
        hazard: Hazard::Rainstorm,
        name: Named::default(),
        zone,
        authority: "44010036000000".into(),
        time: at("21:00"),
        first_rise: at("21:00"),
        areas: areas.iter().map(tier).collect(),
        sites: BTreeMap::new(),
        rule: "rainstorm".into(),
        evidence: Vec::new(),
        past: false,
        unconfirmed: false,
        expires: at("23:00"),
        signed_by: Vec::new(),
        text: BTreeMap::new(),
        relay: None,
    })
}

fn call(warning: &Warning, place: Place, tier: Tier, answered: Option<(&str, Time)>) -> Call {
    Call {
        warning: warning.id,
        place,
        tier,
        since: at("21:01"),
        rungs: Vec::new(),
        repeat: Span::ZERO,
        asked: vec![(0, at("21:01")), (1, at("21:06"))],
        next: None,
        answered: answered.map(|(by, said)| Said {
            contact: by.to_owned(),
            answer: Answer::Moved,
            note: "全部转移".into(),
            channel: None,
            noted_by: "chen".into(),
            said,
        }),
        needed: 1,
        answers: Vec::new(),
        recall: None,
        turns_before: 0,
        unlit: Vec::new(),
    }
}

/// Gaps of one scene.
fn gaps(
    city: &City,
    contacts: &[Contact],
    warning: &Arc<Warning>,
    calls: &[Call],
    clusters: &[Cluster],
    stations: &str,
) -> Found {
    find(&Scene {
        city,
        warnings: std::slice::from_ref(warning),
        contacts,
        calls,
        clusters,
        base_stations: &BaseStations::parse(stations, city),
        now: at("21:40"),
    })
}

#[test]
fn the_words_are_those_on_file_and_somebodys_word_closes_a_gap() {
    let city = city();
    let directory = directory(&city);
    let contacts = directory.contacts();
    let warning = warning(&[(TOWN, Tier::Red), (OTHER, Tier::Orange)]);
    let lost = Cluster {
        area: code(OTHER),
        since: at("21:20"),
        stations: vec![StationNo(1), StationNo(2)],
    };
    let stations = format!(
        "area,total,out,time\n{TOWN},40,31,2026-05-08T21:30:00+08:00\n\
         {TOWN},10,x,2026-05-08T21:30:00+08:00\n{OTHER},40,1,2026-05-08T21:30:00+08:00\n\
         440106016000,9,9,2026-05-08T19:30:00+08:00\n"
    );
    assert_eq!(BaseStations::parse(&stations, &city).faults, 1);
    let silent = [
        call(&warning, Place::Area(code(TOWN)), Tier::Red, None),
        call(&warning, Place::Area(code(OTHER)), Tier::Orange, None),
    ];
    let clusters = std::slice::from_ref(&lost);
    let found = gaps(&city, contacts, &warning, &silent, clusters, &stations);
    for (language, name) in [(Language::Zh, "zh.txt"), (Language::En, "en.txt")] {
        let lines = found.gaps.iter().map(|gap| gap.text(&city, language));
        let said = lines.collect::<Vec<_>>().join("\n") + "\n";
        let file = testdata().join("golden/gaps").join(name);
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            std::fs::write(&file, &said).unwrap();
        }
        let kept = std::fs::read_to_string(&file).unwrap_or_default();
        assert_eq!(kept, said, "read them, then run with UPDATE_GOLDEN=1");
    }
    assert_eq!(found.count(What::NoAnswer), 2);
    assert_eq!(found.count(What::NoChannel), 2);

    // Each vulnerable site there is one gap, by a look at every site.
    let warned = [TOWN, OTHER].map(|town| city.area_no(code(town)).unwrap());
    let there = city.sites.iter().filter(|site| {
        let inside = warned.iter().any(|town| city.is_within(site.area, *town));
        inside && VULNERABLE.contains(&site.kind.as_str())
    });
    let there: BTreeSet<&str> = there.map(|site| site.id.as_str()).collect();
    let found_sites: Vec<&str> = found
        .gaps
        .iter()
        .filter_map(|g| g.site.as_deref())
        .collect();
    assert!(!there.is_empty());
    assert_eq!(found_sites.iter().copied().collect::<BTreeSet<_>>(), there);
    assert_eq!(found_sites.len(), there.len(), "each once");

    // Words before the stations were lost say nothing of what works since.
    let site = found_sites[0].to_owned();
    let early = Some(("杨主任", at("21:10")));
    let late = Some(("杨主任", at("21:35")));
    let spoken = [
        call(&warning, Place::Area(code(TOWN)), Tier::Red, late),
        call(&warning, Place::Area(code(OTHER)), Tier::Orange, early),
        call(&warning, Place::Site(site.clone()), Tier::Red, late),
    ];
    let found = gaps(&city, contacts, &warning, &spoken, clusters, &stations);
    assert_eq!(found.count(What::NoAnswer), 0);
    let no_channel = found.gaps.iter().filter(|gap| gap.what == What::NoChannel);
    let areas: Vec<AreaCode> = no_channel.map(|gap| gap.area).collect();
    assert_eq!(areas, [code(OTHER)]);
    assert!(
        found
            .gaps
            .iter()
            .all(|gap| gap.site.as_deref() != Some(&site))
    );
    assert_eq!(found.spoken.len(), 3);

    // A word about orange is none about red.
    let lower = [call(&warning, Place::Area(code(TOWN)), Tier::Orange, late)];
    let found = gaps(&city, contacts, &warning, &lower, &[], "");
    assert!(
        found
            .gaps
            .iter()
            .any(|gap| gap.what == What::NoAnswer && gap.area == code(TOWN))
    );
}

/// The demo city with a village in the middle of a township: a tenth of it.
fn city_with_a_village() -> City {
    let folder = testdata().join("city");
    let read = |name: &str| {
        let bytes = std::fs::read(folder.join(name)).ok()?;
        if name != "areas.geojson" {
            return Some(bytes);
        }
        let mut areas: serde_json::Value = serde_json::from_slice(&bytes).ok()?;
        let all = areas["features"].as_array_mut()?;
        let town = all.iter().find(|area| area["properties"]["code"] == TOWN)?;
        let mut village = town.clone();
        let properties = &mut village["properties"];
        properties["code"] = VILLAGE.into();
        properties["level"] = "community".into();
        properties["parent"] = TOWN.into();
        let ring = village["geometry"]["coordinates"][0].as_array_mut()?;
        for axis in 0..2 {
            let of = |place: &serde_json::Value| place[axis].as_f64();
            let sum: f64 = ring.iter().filter_map(of).sum();
            let middle = sum / ring.len() as f64;
            for place in ring.iter_mut() {
                place[axis] = (middle + (of(place)? - middle) / 10.0).into();
            }
        }
        all.push(village);
        serde_json::to_vec(&areas).ok()
    };
    City::read(read, &[]).unwrap()
}

/// A village that is cut off in a township that is not; a district whose base stations are out.
#[test]
fn what_is_out_is_named_where_it_is_out_down_to_the_village() {
    let city = city_with_a_village();
    let warning = warning(&[(TOWN, Tier::Red), (OTHER, Tier::Red)]);
    let village = code(VILLAGE);
    let dark = |stations: &str, calls: &[Call]| -> Vec<AreaCode> {
        let found = gaps(&city, &[], &warning, calls, &[], stations);
        let gaps = found.gaps.iter().filter(|gap| gap.what == What::NoChannel);
        gaps.map(|gap| gap.area).collect()
    };
    let out = format!("area,total,out,time\n{village},2,2,2026-05-08T21:30:00+08:00\n");
    assert_eq!(dark(&out, &[]), [village]);
    let answered = |place: AreaCode, when: &str| {
        let said = Some(("杨主任", at(when)));
        call(&warning, Place::Area(place), Tier::Red, said)
    };
    assert_eq!(dark(&out, &[answered(code(TOWN), "21:20")]), [village]);
    assert_eq!(dark(&out, &[answered(code(TOWN), "21:35")]), []);
    assert_eq!(dark(&out, &[answered(village, "21:35")]), []);
    let district = "area,total,out,time\n440106000000,900,700,2026-05-08T21:30:00+08:00\n";
    assert_eq!(dark(district, &[]), [code(TOWN), code(OTHER)]);
}

#[test]
fn a_township_that_no_rule_called_is_one_from_orange_on() {
    let city = city();
    let directory = directory(&city);
    for (tier, is_gap) in [(Tier::Yellow, false), (Tier::Orange, true)] {
        let warning = warning(&[(TOWN, tier)]);
        let found = gaps(&city, directory.contacts(), &warning, &[], &[], "");
        let mut gaps = found.gaps.iter().filter(|gap| gap.what == What::NoAnswer);
        let why = gaps.next().map(|gap| gap.why.clone());
        assert_eq!(
            why,
            is_gap.then(|| BTreeSet::from([Why::NotCalled])),
            "{tier}"
        );
    }
}

#[test]
fn what_is_over_has_no_gaps() {
    let city = city();
    let mut over = Arc::unwrap_or_clone(warning(&[(TOWN, Tier::Red)]));
    over.event = Event::Ended;
    let found = gaps(&city, &[], &Arc::new(over), &[], &[], "");
    assert_eq!(found.gaps, []);
    let low = warning(&[(TOWN, Tier::None)]);
    assert_eq!(gaps(&city, &[], &low, &[], &[], "").gaps, []);
}
