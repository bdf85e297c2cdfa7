//! A town of two districts and four townships, its people drawn at random, and the plain definition
//! of who is meant.

mod demo;
mod drawn;
mod live;
mod rolls;
mod sorted;
mod strobes;

use super::*;
use crate::intent::Audience;
use crate::outbox::Row;
use model::release::{Ask, Reach};
use model::{AreaCode, Fault};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

const TOML: &str = r#"schema = 1
name = { zh = "小城", en = "Little" }
code = "440100000000"
time_zone = "Asia/Shanghai"
[[authority]]
id = "44010036000000"
name = { zh = "三防", en = "Office" }
signature = { zh = "三防", en = "Office" }
own = true
"#;

const SITES: &str = "id,name,kind,lon,lat,area,actuator\n\
    C1,涵洞,culvert,113.05,23.05,440101001000,siren-1;sign-1\n\
    C2,涵洞,culvert,113.15,23.15,440102002000,siren-2\n";

const CONTACTS: &str = "id,name,role,area,phone,site,email,language,deputy,level\n\
    P1,甲,city_duty,440100000000,+8613900000001,,,zh,,1\n\
    P2,乙,district_duty,440101000000,+8613900000002,,,zh,,1\n\
    P3,丙,township_head,440101001000,+8613900000003,,p3@x.example,zh,P4,1\n\
    P4,丁,township_head_deputy,440101001000,+8613900000004,,,en,,2\n\
    P5,戊,site_owner,440101001000,+8613900000005,C1,,zh,,1\n\
    P6,己,township_head,440102002000,,,p6@x.example,zh,,1\n\
    P7,庚,44010041600000,440100000000,+8613900000007,,,zh,,1\n";

const TOWNSHIPS: [&str; 4] = [
    "440101001000",
    "440101002000",
    "440102001000",
    "440102002000",
];

/// District k is the k-th column, its townships the two rows; one square is a tenth of a degree.
fn city_with(areas_kept: usize) -> City {
    let mut features = Vec::new();
    let mut add = |code: &str, level: &str, parent: &str, (x, y, w, h): (f64, f64, f64, f64)| {
        let corners = [(x, y), (x + w, y), (x + w, y + h), (x, y + h), (x, y)];
        let corners: Vec<String> = corners
            .iter()
            .map(|(x, y)| format!("[{x:.1},{y:.1}]"))
            .collect();
        features.push(format!(
            "{{\"type\":\"Feature\",\"properties\":{{\"code\":\"{code}\",\"name\":\"{code}\",\"level\":\"{level}\",\"parent\":\"{parent}\"}},\"geometry\":{{\"type\":\"Polygon\",\"coordinates\":[[{}]]}}}}",
            corners.join(",")
        ));
    };
    add("440100000000", "city", "", (113.0, 23.0, 0.2, 0.2));
    for (district, x) in [("440101", 113.0), ("440102", 113.1)] {
        add(
            &format!("{district}000000"),
            "district",
            "440100000000",
            (x, 23.0, 0.1, 0.2),
        );
        for (township, y) in [("001000", 23.0), ("002000", 23.1)] {
            add(
                &format!("{district}{township}"),
                "township",
                &format!("{district}000000"),
                (x, y, 0.1, 0.1),
            );
        }
    }
    features.truncate(areas_kept);
    let areas = format!(
        "{{\"type\":\"FeatureCollection\",\"features\":[{}]}}",
        features.join(",")
    );
    let stations = "id,name,kind,lon,lat,area,parameters\n";
    let sites = if areas_kept == 7 {
        SITES
    } else {
        "id,name,kind,lon,lat,area\n"
    };
    let files: BTreeMap<&str, &str> = [
        ("city.toml", TOML),
        ("areas.geojson", &areas),
        ("stations.csv", stations),
        ("sites.csv", sites),
    ]
    .into();
    City::read(|name| files.get(name).map(|t| t.as_bytes().to_vec()), &[]).unwrap()
}

fn city() -> City {
    city_with(7)
}

fn load(subscribers: &str, earlier: Option<&Loaded>) -> Loaded {
    let text = format!("id,lon,lat,phone,language,audience,email,push\n{subscribers}");
    let earlier = earlier.map(|loaded| Earlier {
        directory: &loaded.directory,
        numbers: &loaded.numbers,
    });
    Directory::read(&city(), CONTACTS.as_bytes(), text.as_bytes(), earlier).unwrap()
}

fn texts(faults: &[Fault]) -> Vec<String> {
    faults.iter().map(ToString::to_string).collect()
}

fn audience(directory: &Directory, reach: Reach, areas: &[&str]) -> Audience {
    let mut audience = Audience::of(reach, directory.version());
    audience.areas = areas.iter().map(|c| AreaCode::parse(c).unwrap()).collect();
    audience
}

fn all(directory: &Directory, audience: &Audience, channel: Channel, chunk: usize) -> Vec<Row> {
    let (city, mut rows) = (city(), Vec::new());
    for pass in [0, 1] {
        let mut cursor = 0;
        loop {
            let before = rows.len();
            let page = directory
                .resolve(&city, audience, channel, (pass, cursor), chunk, &mut rows)
                .unwrap();
            assert!(rows.len() - before <= chunk && page.cursor >= cursor);
            cursor = page.cursor;
            if page.end {
                break;
            }
        }
    }
    rows
}

/// Ids of the contacts an audience asks by SMS or, without a phone, by e-mail.
fn asked(directory: &Directory, audience: &Audience) -> BTreeSet<String> {
    [Channel::Sms, Channel::Email]
        .into_iter()
        .flat_map(|channel| all(directory, audience, channel, 2))
        .filter_map(|row| match directory.recipient(row.recipient)? {
            Recipient::Contact(contact) => Some(contact.id.clone()),
            Recipient::Device(_) | Recipient::Subscriber(_) => None,
        })
        .collect()
}

#[test]
fn somebody_is_found_by_id_and_telephone_and_among_those_meant() {
    let rows = "S1,113.01,23.01,+8613900000003,zh,public,,\n\
        S2,113.11,23.11,+8613900000009,en,public,,\n\
        S3,113.12,23.12,,zh,public,s3@x.example,\n";
    let loaded = load(rows, None);
    let directory = &loaded.directory;
    let of = |id: &str| loaded.numbers.subscriber(id).unwrap();
    let head = directory.number_of("P3").unwrap();
    assert_eq!(directory.who_has(8_613_900_000_003), [head, of("S1")]);
    assert_eq!(directory.who_has(8_613_900_000_777), []);
    assert!(directory.number_of("siren-1").is_some());
    assert_eq!(
        (directory.number_of("S1"), loaded.numbers.subscriber("P3")),
        (None, None)
    );

    // By a look at every row that the audience gives.
    let city = city();
    for area in TOWNSHIPS.iter().chain(&["440101000000", "440100000000"]) {
        for reach in [Reach::Public, Reach::Responsible, Reach::Device] {
            for channel in [Channel::Sms, Channel::Email, Channel::Device] {
                let mut audience = Audience::of(reach, directory.version());
                audience.areas = vec![AreaCode::parse(area).unwrap()];
                let mut rows: Vec<Row> = Vec::new();
                for pass in 0..2 {
                    let at = (pass, 0);
                    let page = directory.resolve(&city, &audience, channel, at, 100, &mut rows);
                    assert!(page.unwrap().end);
                }
                let all: BTreeSet<RecipientNo> = rows.iter().map(|row| row.recipient).collect();
                let numbers = (0..directory.len() as u32 + 2).map(RecipientNo);
                for no in numbers {
                    let meant = directory.is_meant(&city, &audience, channel, no).unwrap();
                    assert_eq!(
                        meant,
                        all.contains(&no),
                        "{area} {reach:?} {channel:?} {no:?}"
                    );
                }
            }
        }
    }
}

#[test]
fn the_ladder_asks_whom_it_says() {
    let directory = load("", None).directory;
    let ask = |areas: &[&str], sites: &[&str], ask: Option<Ask>, roles: &[&str]| {
        let mut audience = audience(&directory, Reach::Responsible, areas);
        audience.sites = sites.iter().map(|s| (*s).to_owned()).collect();
        audience.roles = roles.iter().map(|s| (*s).to_owned()).collect();
        audience.ask = ask;
        asked(&directory, &audience)
            .into_iter()
            .collect::<Vec<_>>()
            .join(" ")
    };
    let here: &[&str] = &["440101001000"];
    assert_eq!(ask(here, &[], Some(Ask::Primary), &[]), "P3");
    assert_eq!(ask(here, &["C1"], Some(Ask::Primary), &[]), "P3 P5");
    assert_eq!(
        ask(here, &["C1"], Some(Ask::Primary), &["site_owner"]),
        "P5"
    );
    assert_eq!(ask(here, &[], Some(Ask::Deputy), &[]), "P4");
    assert_eq!(ask(here, &[], Some(Ask::District), &[]), "P2");
    assert_eq!(ask(&[], &["C1"], Some(Ask::District), &[]), "P2");
    assert_eq!(ask(here, &[], Some(Ask::City), &["city_duty"]), "P1");
    assert_eq!(ask(here, &[], Some(Ask::Everyone), &[]), "P1 P2 P3 P4");
    assert_eq!(ask(&["440101000000"], &[], None, &[]), "P2 P3 P4");
    assert_eq!(ask(&["440102000000"], &[], Some(Ask::Primary), &[]), "P6");
    assert_eq!(ask(&[], &[], Some(Ask::City), &[]), "");
    assert_eq!(ask(&["440199000000"], &[], None, &[]), "");
    let head = directory.contact("P3").unwrap();
    assert_eq!(directory.deputy_of(head).unwrap().id, "P4");
}

#[test]
fn single_contacts_an_authority_and_devices() {
    let directory = load("", None).directory;
    let mut one = audience(&directory, Reach::Responsible, &[]);
    one.contacts = vec!["P6".to_owned()];
    assert_eq!(asked(&directory, &one), BTreeSet::from(["P6".to_owned()]));
    let mut office = audience(&directory, Reach::Responsible, &[]);
    office.authority = Some("44010041600000".to_owned());
    assert_eq!(
        asked(&directory, &office),
        BTreeSet::from(["P7".to_owned()])
    );
    let devices = |areas: &[&str], sites: &[&str]| {
        let mut audience = audience(&directory, Reach::Device, areas);
        audience.sites = sites.iter().map(|s| (*s).to_owned()).collect();
        all(&directory, &audience, Channel::Device, 9).len()
    };
    assert_eq!(
        (
            devices(&[], &["C1"]),
            devices(&["440102000000"], &[]),
            devices(&[], &[])
        ),
        (2, 1, 0)
    );
}

#[test]
fn faults_name_the_line_and_no_person() {
    let loaded = load(
        "U1,113.05,23.05,+8613911111111,zh,public,,\n\
         U2,113.05,23.05,13922222222,zh,public,,\n\
         U3,113.05,23.05,,zh,public,,\n\
         U4,119.05,23.05,+8613944444444,zh,public,,\n\
         U1,113.05,23.05,+8613955555555,zh,public,,\n\
         U6,113.05,23.05,+8613966666666,xx,public,,\n\
         U7,113.05,23.05,,zh,public,nowhere,\n\
         U8,113.05,23.05,+8613988888888,zh,,,\n",
        None,
    );
    assert_eq!(loaded.directory.people.len(), 1);
    let found = texts(&loaded.faults);
    for wanted in [
        "subscribers.csv:3: field phone: not an E.164 number",
        "subscribers.csv:4: field phone: there is no way to reach this person",
        "subscribers.csv:5: field lon: the place lies more than 1 km outside the city",
        "subscribers.csv:6: field id: it stands there twice",
        "subscribers.csv:7: field language: \"xx\" is not known",
        "subscribers.csv:8: field email: not an address",
        "subscribers.csv:9: field audience: it is empty",
        "contacts.csv: field area: nobody answers for 440101002000",
    ] {
        assert!(
            found.iter().any(|f| f.starts_with(wanted)),
            "{wanted} in {found:#?}"
        );
    }
    let all = found.concat();
    assert!(
        ["2222222", "4444444", "119.05", "nowhere"]
            .iter()
            .all(|secret| !all.contains(secret))
    );
    let bad = CONTACTS
        .replace("P4,1\n", "P9,1\n")
        .replace("C1", "C9")
        .replace("440102002000", "440109002000");
    let loaded = Directory::read(
        &city(),
        bad.as_bytes(),
        "id,lon,lat,phone,language,audience\n".as_bytes(),
        None,
    )
    .unwrap();
    let found = texts(&loaded.faults);
    for wanted in [
        "contacts.csv:4: field deputy: no other contact \"P9\"",
        "contacts.csv:6: field site: no site \"C9\"",
        "contacts.csv:7: field area: no area \"440109002000\"",
    ] {
        assert!(
            found.iter().any(|f| f.starts_with(wanted)),
            "{wanted} in {found:#?}"
        );
    }
    assert!(Directory::read(&city(), "".as_bytes(), "".as_bytes(), None).is_err());
}

#[test]
fn numbers_stay_and_the_gone_are_gone() {
    let row = |id: &str, phone: u32| format!("{id},113.05,23.05,+861395{phone:07},zh,public,,\n");
    let first = load(&(row("U1", 1) + &row("U2", 2)), None);
    let loaded = load(&(row("U3", 3) + &row("U2", 2)), Some(&first));
    let (first, second) = (first.directory, &loaded.directory);
    let number = |directory: &Directory, phone: u64| {
        (0..99)
            .map(RecipientNo)
            .find(|no| directory.recipient(*no).and_then(|r| r.phone()) == Some(phone))
    };
    let phone = |n: u64| 8_613_950_000_000 + n;
    assert_eq!(number(&first, phone(1)), Some(RecipientNo(10)));
    assert_eq!(number(second, phone(2)), number(&first, phone(2)));
    assert_eq!(
        second.contact("P1").unwrap().recipient,
        first.contact("P1").unwrap().recipient
    );
    assert!(second.recipient(RecipientNo(10)).is_none());
    assert_eq!(number(second, phone(3)), Some(RecipientNo(12)));
    assert_ne!(first.version(), second.version());
    let third = load(
        &(row("U3", 3) + &row("U1", 1) + &row("U2", 2)),
        Some(&loaded),
    )
    .directory;
    assert_eq!(number(&third, phone(1)), Some(RecipientNo(10)));
}

#[test]
fn nothing_personal_is_printed() {
    let directory = load(
        "U1,113.05,23.05,+8613911111111,zh,public,a@b.example,tok\n",
        None,
    )
    .directory;
    let contact = directory.contact("P3").unwrap();
    let text = format!(
        "{directory:?} {contact:?} {:?} {:?}",
        directory.recipient(RecipientNo(10)),
        SealKey::new("k", [7; 32])
    );
    for secret in [
        "1111111",
        "丙",
        "13900000003",
        "x.example",
        "b.example",
        "tok",
        "7, 7",
    ] {
        assert!(!text.contains(secret), "{secret} in {text}");
    }
    assert!(text.contains("+86139****1111"), "{text}");
}

#[test]
fn an_audience_of_another_version_is_refused() {
    let directory = load("", None).directory;
    let mut other = audience(&directory, Reach::Public, &["440100000000"]);
    other.directory = "00".to_owned();
    let found = directory.resolve(&city(), &other, Channel::Sms, (0, 0), 9, &mut Vec::new());
    assert!(matches!(found, Err(ResolveError::Version { .. })));
}

#[test]
fn a_sealed_version_opens_with_its_key_alone() {
    let loaded = load(
        "U1,113.05,23.05,+8613911111111,en,public;school,a@b.example,tok\n",
        None,
    );
    let directory = &loaded.directory;
    let (key, city) = (SealKey::new("2026", [7; 32]), city());
    let file = sealed(&loaded, &key);
    assert_eq!(file, sealed(&loaded, &key));
    assert!(!file.windows(9).any(|w| w == b"b.example"));
    let opened = Directory::open(&city, &key, &file[..]).unwrap();
    assert_eq!(opened.numbers.0, loaded.numbers.0);
    let opened = opened.directory;
    assert_eq!(opened.version(), directory.version());
    assert_eq!(
        opened.recipient(RecipientNo(10)).unwrap().email(),
        Some("a@b.example")
    );
    assert_eq!(opened.contacts(), directory.contacts());
    let open = |key: &SealKey, file: &[u8]| Directory::open(&city, key, file).unwrap_err();
    assert_eq!(
        open(&SealKey::new("2026", [8; 32]), &file),
        SealError::Damaged
    );
    assert!(matches!(
        open(&SealKey::new("2027", [7; 32]), &file),
        SealError::Key { .. }
    ));
    assert_eq!(open(&key, b"id,name"), SealError::NotSealed);
    assert_eq!(
        Directory::open(&city_with(4), &key, &file[..]).unwrap_err(),
        SealError::OtherCity
    );
    let longer = [&file[..], b"x"].concat();
    assert!(Directory::open(&city, &key, &longer[..]).is_err());
    for cut in 0..file.len() {
        assert!(Directory::open(&city, &key, &file[..cut]).is_err(), "{cut}");
    }
}

fn sealed(loaded: &Loaded, key: &SealKey) -> Vec<u8> {
    let mut file = Vec::new();
    let written = loaded.directory.seal(&loaded.numbers, key, &mut file);
    written.unwrap();
    file
}

#[derive(Clone, Debug)]
struct Person {
    x: u32,
    y: u32,
    phone: u32,
    english: bool,
    school: bool,
    ways: u8,
}

fn person() -> impl Strategy<Value = Person> {
    (
        0u32..2000,
        0u32..2000,
        1u32..40,
        any::<bool>(),
        any::<bool>(),
        1u8..8,
    )
        .prop_map(|(x, y, phone, english, school, ways)| Person {
            x,
            y,
            phone,
            english,
            school,
            ways,
        })
}

fn table(people: &[Person]) -> String {
    people
        .iter()
        .enumerate()
        .map(|(no, p)| row(no, p))
        .collect()
}

/// One person's line of the roll.
fn row(no: usize, p: &Person) -> String {
    let phone = if p.ways & 1 != 0 {
        format!("+861390{:07}", p.phone)
    } else {
        String::new()
    };
    let email = if p.ways & 2 != 0 {
        format!("u{no}@x.example")
    } else {
        String::new()
    };
    let push = if p.ways & 4 != 0 {
        format!("t{no}")
    } else {
        String::new()
    };
    let (x, y) = (
        113.0 + f64::from(p.x) / 10_000.0,
        23.0 + f64::from(p.y) / 10_000.0,
    );
    let language = if p.english { "en" } else { "zh" };
    let class = if p.school { "public;school" } else { "public" };
    format!("U{no},{x:.4},{y:.4},{phone},{language},{class},{email},{push}\n")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn agrees_with_the_definition(
        people in proptest::collection::vec(person(), 0..60),
        picked in proptest::collection::vec(0usize..7, 0..4),
        school in any::<bool>(),
        chunk in 1usize..20,
    ) {
        let loaded = load(&table(&people), None);
        let directory = &loaded.directory;
        let codes = ["440100000000", "440101000000", "440102000000", TOWNSHIPS[0], TOWNSHIPS[1], TOWNSHIPS[2], TOWNSHIPS[3]];
        let areas: Vec<&str> = picked.iter().map(|k| codes[*k]).collect();
        let mut wanted = audience(directory, Reach::Public, &areas);
        if school {
            wanted.roles = vec!["school".to_owned()];
        }
        // A place on the common border belongs to the lower code: the smaller x, then the smaller y.
        let township = |p: &Person| TOWNSHIPS[usize::from(p.x > 1000) * 2 + usize::from(p.y > 1000)];
        let meant = |p: &Person| {
            let inside = |area: &str| match area.split_at(6) {
                ("440100", _) => true,
                (district, "000000") => township(p).starts_with(district),
                _ => township(p) == area,
            };
            areas.iter().any(|a| inside(a)) && (!school || p.school)
        };
        for (channel, bit) in [(Channel::Sms, 1u8), (Channel::Email, 2), (Channel::Push, 4)] {
            let rows = all(directory, &wanted, channel, chunk);
            let mut found: Vec<u32> = rows.iter().map(|r| r.recipient.0 - 10).collect();
            let alone = rows.iter().map(|r| people[r.recipient.0 as usize - 10].ways == bit);
            prop_assert!(alone.is_sorted_by(|a, b| a >= b), "those without another channel come first");
            for row in &rows {
                let p = &people[row.recipient.0 as usize - 10];
                prop_assert_eq!(row.variant, u8::from(p.english));
                let twice = people.iter().filter(|q| q.ways & 1 != 0 && q.phone == p.phone).count() > 1;
                prop_assert!(channel != Channel::Sms || row.shared == twice);
            }
            found.sort_unstable();
            let expected: Vec<u32> = (0..).zip(&people).filter(|(_, p)| meant(p) && p.ways & bit != 0).map(|(no, _)| no).collect();
            prop_assert_eq!(found, expected);
        }
        let preview = directory.preview(&city(), &wanted, &[Channel::Sms, Channel::Email]).unwrap();
        prop_assert_eq!(preview.people, people.iter().filter(|p| meant(p) && p.ways & 3 != 0).count() as u64);
        for head in &preview.heads {
            let code = city().area(head.area).unwrap().code.to_string();
            let bit = if head.channel == Channel::Sms { 1 } else { 2 };
            let english = head.language == Language::En;
            let count = people.iter().filter(|p| meant(p) && p.ways & bit != 0 && p.english == english && township(p) == code).count();
            prop_assert_eq!(head.people, count as u64);
        }
        let sum: u64 = preview.heads.iter().map(|h| h.people).sum();
        let ways = people.iter().filter(|p| meant(p)).map(|p| u64::from((p.ways & 3).count_ones())).sum::<u64>();
        prop_assert_eq!(sum, ways);
        let key = SealKey::new("k", [3; 32]);
        let opened = Directory::open(&city(), &key, &sealed(&loaded, &key)[..]).unwrap().directory;
        prop_assert_eq!(all(&opened, &wanted, Channel::Sms, chunk), all(directory, &wanted, Channel::Sms, chunk));
    }

    #[test]
    fn any_bytes_are_faults(bytes in proptest::collection::vec(any::<u8>(), 0..300), which in any::<bool>()) {
        let good = CONTACTS.as_bytes();
        let (contacts, subscribers) = if which { (&bytes[..], good) } else { (good, &bytes[..]) };
        let _ = Directory::read(&city(), contacts, subscribers, None);
        let mut file = sealed(&load("", None), &SealKey::new("k", [3; 32]));
        let at = bytes.len() * 7 % file.len();
        file[at] ^= 1;
        prop_assert!(Directory::open(&city(), &SealKey::new("k", [3; 32]), &file[..]).is_err());
        let _ = stored::read(&mut &bytes[..], order::Order::new(&city()));
        let _ = ParquetFile::new(bytes::Bytes::from(bytes));
    }
}
