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

#[test]
fn offices_and_those_who_sign_are_asked_by_name_alone() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata/city");
    let bytes = |name: &str| std::fs::read(directory.join(name)).ok();
    let city = City::read(bytes, &[]).unwrap();
    let contacts = bytes("contacts.csv").unwrap();
    let nobody = b"id,lon,lat,phone,language,audience\n";
    let directory = Directory::read(&city, &contacts[..], &nobody[..], None)
        .unwrap()
        .directory;
    let asked = |audience: &Audience, channel| {
        let mut rows = Vec::new();
        // Those who have no other channel, then those who have.
        for pass in 0..2 {
            directory
                .resolve(&city, audience, channel, (pass, 0), 5000, &mut rows)
                .unwrap();
        }
        rows.iter()
            .filter_map(|row| {
                let recipient = directory.recipient(row.recipient)?;
                recipient.email().map(str::to_owned)
            })
            .collect::<BTreeSet<_>>()
    };
    let mut office = Audience::of(Reach::Responsible, directory.version());
    office.authority = Some("44010041600000".to_owned());
    assert_eq!(
        asked(&office, Channel::Email),
        BTreeSet::from(["duty@weather.example".to_owned()])
    );
    let mut signer = Audience::of(Reach::Responsible, directory.version());
    signer.contacts = vec!["chief".to_owned()];
    assert_eq!(
        asked(&signer, Channel::Sms),
        BTreeSet::from(["chief@sanfang.example".to_owned()])
    );
    let mut all = Audience::of(Reach::Responsible, directory.version());
    all.areas = vec![city.code];
    all.ask = Some(Ask::Everyone);
    let everybody = asked(&all, Channel::Email);
    assert!(everybody.len() > 300);
    assert!(!everybody.contains("chief@sanfang.example"));
    assert!(!everybody.contains("duty@weather.example"));
}
