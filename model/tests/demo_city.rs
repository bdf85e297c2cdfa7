//! The demo city in `testdata/city` is sound: no fault, no notice of reading.

use model::{AreaLevel, City, Hazard, Severity, Tier};
use std::path::Path;

fn demo() -> Option<City> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata/city");
    if !directory.join("areas.geojson").exists() {
        println!("SKIPPED: testdata/city is not generated; run `node testdata/generate.mjs`");
        return None;
    }
    let file = |name: &str| std::fs::read(directory.join(name)).ok();
    let read = City::read(file, &[]);
    let faults: Vec<String> = read
        .iter()
        .flat_map(|c| &c.notices)
        .chain(read.as_ref().err().into_iter().flatten())
        .map(ToString::to_string)
        .collect();
    assert_eq!(faults, Vec::<String>::new());
    read.ok()
}

#[test]
fn it_is_as_large_as_promised_and_each_place_lies_where_it_says() {
    let Some(city) = demo() else { return };
    assert_eq!(city.areas_of(AreaLevel::District).count(), 11);
    assert!(city.areas_of(AreaLevel::Township).count() >= 170);
    assert_eq!(city.zones.len(), 12);
    assert!(city.stations.len() >= 2600 && city.sites.len() >= 600);
    assert_eq!(city.hash(), demo().unwrap().hash());
}

#[test]
fn rain_is_asked_for_and_standing_water_is_ours() {
    let Some(city) = demo() else { return };
    for district in city.areas_of(AreaLevel::District) {
        let act = |hazard| city.ruling(hazard, district, Tier::Red).map(|r| r.act);
        assert_eq!(act(Hazard::Rainstorm), Some(model::Act::Request));
        assert_eq!(act(Hazard::Waterlogging), Some(model::Act::Issue));
        assert_eq!(act(Hazard::Landslide), Some(model::Act::Issue));
    }
    let check = city.check();
    assert!(check.iter().all(|f| f.severity == Severity::Notice));
    assert_eq!(
        check.iter().map(ToString::to_string).collect::<Vec<_>>(),
        Vec::<String>::new()
    );
}
