//! The demo city's directory is sound, and every subscriber is found once from above and from below.

use super::*;
use model::AreaLevel;
use std::path::Path;

#[test]
fn the_demo_city_can_be_told() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata/city");
    let bytes = |name: &str| std::fs::read(directory.join(name)).ok();
    let (Some(contacts), Some(subscribers)) = (bytes("contacts.csv"), bytes("subscribers.csv"))
    else {
        println!("SKIPPED the_demo_city_can_be_told: run `node testdata/generate.mjs`");
        return;
    };
    let city = City::read(bytes, &[]).unwrap();
    let loaded = Directory::read(&city, &contacts[..], &subscribers[..], None).unwrap();
    assert_eq!(texts(&loaded.faults), Vec::<String>::new());
    let directory = loaded.directory;
    let reached = |codes: Vec<AreaCode>| {
        let mut audience = Audience::of(Reach::Public, directory.version());
        audience.areas = codes;
        directory
            .preview(&city, &audience, &Channel::ALL)
            .unwrap()
            .people
    };
    let lines = subscribers.iter().filter(|b| **b == b'\n').count() as u64;
    assert_eq!(reached(vec![city.code]), lines - 1);
    let codes = |level| {
        city.areas_of(level)
            .map(|no| city.area(no).unwrap().code)
            .collect::<Vec<_>>()
    };
    for level in [AreaLevel::District, AreaLevel::Township] {
        let apart: u64 = codes(level)
            .into_iter()
            .map(|code| reached(vec![code]))
            .sum();
        assert_eq!((apart, reached(codes(level))), (lines - 1, lines - 1));
    }
    for township in codes(AreaLevel::Township) {
        for ask in [Ask::Primary, Ask::Deputy, Ask::District, Ask::City] {
            let mut audience = Audience::of(Reach::Responsible, directory.version());
            audience.areas = vec![township];
            audience.ask = Some(ask);
            let mut rows = Vec::new();
            directory
                .resolve(&city, &audience, Channel::Sms, (1, 0), 99, &mut rows)
                .unwrap();
            assert!(!rows.is_empty(), "{township} {ask:?}");
        }
    }
}
