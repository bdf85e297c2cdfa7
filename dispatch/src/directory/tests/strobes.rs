//! Who cannot hear: whom a call is for, who helps, and the light that is theirs.

use super::*;
use crate::directory::Owner;

const DEAF: &str = "id,name,role,area,phone,site,email,language,deputy,level,hearing,strobe\n\
    P1,甲,township_head,440101001000,+8613900000001,,,zh,P2,1,no,strobe-1\n\
    P2,乙,township_head,440101001000,+8613900000002,,,zh,,1,,\n\
    P3,丙,site_owner,440101001000,+8613900000003,C1,,zh,,1,no,strobe-3\n\
    P4,丁,district_duty,440101000000,+8613900000004,,,zh,P5,1,no,strobe-4\n\
    P5,戊,district_duty,440101000000,+8613900000005,,,zh,,1,yes,\n";

fn of(contacts: &str, earlier: Option<&Loaded>) -> Loaded {
    let earlier = earlier.map(|loaded| Earlier {
        directory: &loaded.directory,
        numbers: &loaded.numbers,
    });
    let roll = "id,lon,lat,phone,language,audience\n\
        U1,113.05,23.05,+8613911111111,zh,public\n";
    Directory::read(&city(), contacts.as_bytes(), roll.as_bytes(), earlier).unwrap()
}

fn strobes(directory: &Directory) -> Vec<(String, String)> {
    let all = directory.strobes();
    all.map(|(device, contact)| (device.id.clone(), contact.id.clone()))
        .collect()
}

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    let owned = |(a, b): &(&str, &str)| ((*a).to_owned(), (*b).to_owned());
    pairs.iter().map(owned).collect()
}

#[test]
fn who_cannot_hear_is_never_called_and_has_a_helper_beside_them() {
    let directory = of(DEAF, None).directory;
    let by_voice = |id: &str| {
        let number = directory.number_of(id).unwrap();
        directory.recipient(number).unwrap().has(Channel::Voice)
    };
    assert_eq!(["P1", "P2", "P3"].map(by_voice), [false, true, false]);
    let mut first = audience(&directory, Reach::Responsible, &["440101001000"]);
    first.ask = Some(Ask::Primary);
    let both = BTreeSet::from(["P1".to_owned(), "P2".to_owned()]);
    assert_eq!(asked(&directory, &first), both);
    let wrong = DEAF.replace(",1,yes,", ",1,maybe,");
    let found = texts(&of(&wrong, None).faults);
    assert!(
        found[0].starts_with("contacts.csv:6: field hearing: neither yes nor no"),
        "{found:#?}"
    );
}

#[test]
fn a_strobe_is_its_persons_and_goes_on_with_no_site() {
    let loaded = of(DEAF, None);
    let directory = &loaded.directory;
    assert!(loaded.faults.iter().all(|fault| fault.field == "area"));
    let theirs = pairs(&[("strobe-1", "P1"), ("strobe-3", "P3"), ("strobe-4", "P4")]);
    assert_eq!(strobes(directory), theirs);
    // Whatever is said to the devices of a place, the light of whoever stands there stays as it is.
    let devices = |audience: &Audience| {
        let rows = all(directory, audience, Channel::Device, 9).into_iter();
        let ids = rows.filter_map(|row| match directory.recipient(row.recipient)? {
            Recipient::Device(device) => Some((device.id.clone(), row.shared)),
            Recipient::Contact(_) | Recipient::Subscriber(_) => None,
        });
        ids.collect::<BTreeMap<String, bool>>()
    };
    let mut signs = audience(directory, Reach::Device, &["440100000000"]);
    signs.sites = vec!["C1".to_owned()];
    let all_of_sites = ["sign-1", "siren-1", "siren-2"].map(|id| (id.to_owned(), true));
    assert_eq!(devices(&signs), BTreeMap::from(all_of_sites));
    let mut one = audience(directory, Reach::Device, &[]);
    assert!(one.is_empty());
    one.strobes = vec![
        "strobe-3".to_owned(),
        "sign-1".to_owned(),
        "nobody".to_owned(),
    ];
    assert!(!one.is_empty());
    // The same word again is no repetition: it was dark in between.
    assert_eq!(
        devices(&one),
        BTreeMap::from([("strobe-3".to_owned(), false)])
    );
    one.among = Some(vec!["sign-1".to_owned()]);
    assert!(devices(&one).is_empty(), "it is not on the white list");

    let (city, three) = (city(), directory.number_of("strobe-3").unwrap());
    let area = directory.area_of(&city, three).unwrap();
    assert_eq!(city.area(area).unwrap().code.to_string(), "440101001000");
    let Some(Recipient::Device(device)) = directory.recipient(three) else {
        panic!("it has a number of its own");
    };
    let site = directory.place_of(&city, device).unwrap().1;
    assert_eq!(city.site(site.unwrap()).unwrap().id, "C1");
}

#[test]
fn the_lights_of_an_audience_are_those_of_whom_it_asks() {
    let (directory, city) = (of(DEAF, None).directory, city());
    let lit = |edit: &dyn Fn(&mut Audience)| {
        let mut whom = audience(&directory, Reach::Responsible, &["440101001000"]);
        whom.ask = Some(Ask::Primary);
        edit(&mut whom);
        let asked = directory.strobes_asked(&city, &whom).into_iter();
        let ids = asked.map(|(device, _)| device.id.as_str());
        ids.collect::<Vec<&str>>().join(" ")
    };
    assert_eq!(lit(&|_| ()), "strobe-1");
    assert_eq!(
        lit(&|whom| whom.sites = vec!["C1".into()]),
        "strobe-1 strobe-3"
    );
    assert_eq!(lit(&|whom| whom.ask = Some(Ask::Deputy)), "");
    assert_eq!(lit(&|whom| whom.ask = Some(Ask::District)), "strobe-4");
    assert_eq!(
        lit(&|whom| whom.ask = Some(Ask::Everyone)),
        "strobe-1 strobe-4"
    );
    assert_eq!(lit(&|whom| whom.off_duty = vec!["P1".into()]), "");
    assert_eq!(lit(&|whom| whom.roles = vec!["district_duty".into()]), "");
}

#[test]
fn a_strobe_that_is_nobodys_or_somebody_elses_is_a_fault_and_the_rest_goes_on() {
    let wrong = DEAF
        .replace(",1,yes,\n", ",1,yes,strobe-5\n")
        .replace("no,strobe-3", "no,sign-1")
        .replace("no,strobe-4", "no,strobe-1");
    let more = wrong.clone()
        + "P6,己,city_duty,440100000000,+8613900000006,,,zh,,1,no,a/b\n\
           P7,庚,city_duty,440100000000,+8613900000007,,,zh,,1,no,strobe-7\n";
    let loaded = of(&more, None);
    let found = texts(&loaded.faults);
    for wanted in [
        "contacts.csv:4: field strobe: it is an actuator of site C1",
        "contacts.csv:5: field strobe: line 2 has it, too",
        "contacts.csv:6: field strobe: a strobe is for who cannot hear",
        "contacts.csv:7: field strobe: no device is called \"a/b\"",
    ] {
        let here = found.iter().filter(|fault| fault.starts_with(wanted));
        assert_eq!(here.count(), 1, "{wanted} in {found:#?}");
    }
    let left = pairs(&[("strobe-1", "P1"), ("strobe-7", "P7")]);
    assert_eq!(strobes(&loaded.directory), left);
    assert_eq!(loaded.directory.contacts().len(), 7);
}

#[test]
fn its_number_stays_and_goes_with_its_person() {
    let first = of(DEAF, None);
    let number = |loaded: &Loaded, id| loaded.directory.number_of(id);
    // Somebody else has it now: it is the same light.
    let moved = DEAF
        .replace("no,strobe-1", "no,")
        .replace("P2,乙", "P0,零")
        .replace("zh,P2,1", "zh,,1")
        .replace(",zh,,1,,\n", ",zh,,1,no,strobe-1\n");
    let second = of(&moved, Some(&first));
    assert_eq!(strobes(&second.directory)[0].1, "P0");
    assert_eq!(number(&second, "strobe-1"), number(&first, "strobe-1"));
    let gone: String = DEAF
        .lines()
        .filter(|line| !line.starts_with("P3"))
        .map(|l| format!("{l}\n"))
        .collect();
    let third = of(&gone, Some(&first));
    assert_eq!(number(&third, "strobe-3"), None);
    assert!(third.directory.forgets(&first.directory));
    assert!(of(DEAF, Some(&third)).directory.number_of("strobe-3") == number(&first, "strobe-3"));
}

/// The bytes of a version, and the directory that is read from them.
fn stored(loaded: &Loaded) -> (u32, Directory) {
    struct Bytes(Vec<u8>);
    impl stored::Sink for Bytes {
        fn put(&mut self, bytes: &[u8]) {
            self.0.extend_from_slice(bytes);
        }
    }
    let mut bytes = Bytes(Vec::new());
    stored::write(&loaded.directory, &loaded.numbers, &mut bytes);
    let format = u32::from_le_bytes(bytes.0[..4].try_into().unwrap());
    let order = || order::Order::new(&city());
    let (read, numbers) = stored::read(&mut &bytes.0[..], order()).unwrap();
    assert_eq!(numbers.0, loaded.numbers.0);
    bytes.0[0] = 6;
    let unknown = stored::read(&mut &bytes.0[..], order()).unwrap_err();
    assert_eq!(unknown, stored::Unreadable::Format(6));
    (format, read)
}

#[test]
fn a_version_file_has_a_number_of_its_own_where_there_are_strobes_alone() {
    let loaded = of(DEAF, None);
    let bare = ["1", "3", "4"].iter().fold(DEAF.to_owned(), |text, no| {
        text.replace(&format!("strobe-{no}"), "")
    });
    let plain = of(&bare, None);
    // Without one it is written as it was before there were any.
    let (format, read) = stored(&load("", None));
    assert_eq!((format, read.strobes().count()), (2, 0));
    let (format, read) = stored(&plain);
    assert_eq!((format, read.strobes().count()), (2, 0));
    assert_eq!(read.contacts(), plain.directory.contacts());
    let (format, read) = stored(&loaded);
    assert_eq!((format, read.devices()), (4, loaded.directory.devices()));
    assert_eq!(read.contacts(), loaded.directory.contacts());

    // With those of whom no roll has the last word besides.
    let gone = Change {
        recipient: loaded.numbers.subscriber("U1").unwrap(),
        key: Directory::key_of("U1"),
        resident: None,
    };
    let directory = loaded.directory.changed(&city(), &[gone]).unwrap();
    let changed = Loaded {
        directory,
        ..loaded
    };
    let next = of(DEAF, Some(&changed));
    let (format, read) = stored(&next);
    assert_eq!((format, read.devices()), (5, next.directory.devices()));
    assert_eq!(read.standing, next.directory.standing);

    let folded = Directory::folded(
        &city(),
        Earlier {
            directory: &changed.directory,
            numbers: &changed.numbers,
        },
        &[],
    );
    assert_eq!(strobes(&folded.directory).len(), 3);
    let owner = folded.directory.devices().last().map(|device| device.owner);
    assert!(matches!(owner, Some(Owner::Contact(_))), "{owner:?}");

    let key = SealKey::new("2026", [7; 32]);
    let opened = Directory::open(&city(), &key, &sealed(&next, &key)[..]).unwrap();
    assert_eq!(opened.directory.version(), next.directory.version());
    assert_eq!(opened.directory.devices(), next.directory.devices());
}
