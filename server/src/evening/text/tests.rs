//! The words of an evening of the demo city against those on file.

use crate::evening::{Draft, reach};
use dispatch::directory::Directory;
use dispatch::ladder::{Call, Place, Said};
use model::order::Answer;
use model::response::Revised;
use model::service::ServiceAct;
use model::signal::SignalKind;
use model::{
    AreaCode, City, Hazard, Language, Mode, Offset, Order, Signal, Span, Tier, Time, WarningId,
};
use rules::service::tonight;
use rules::{Responses, Services};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

fn testdata() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata")
}

fn code(text: &str) -> AreaCode {
    AreaCode::parse(text).unwrap()
}

fn at(text: &str) -> Time {
    Time::parse(&format!("{text}:00+08:00")).unwrap().0
}

const TOWN: &str = "440106014000";

fn draft() -> (City, Draft) {
    let folder = testdata().join("city");
    let read = |name: &str| std::fs::read(folder.join(name)).ok();
    let city = Arc::new(City::read(read, &[]).unwrap());
    let mut responses = Responses::new(Arc::clone(&city));
    let mut services = Services::new(Arc::clone(&city));
    let (now, mut out) = (at("2026-05-08T16:20"), Vec::new());
    // A signal over a district, a measured tier in one of its townships, a process for tonight.
    let signal = Signal {
        identifier: "44010041600000_20260508140000".into(),
        sender: "met".into(),
        sender_name: "穗城气象台".into(),
        sent: at("2026-05-08T14:00"),
        mode: Mode::Actual,
        kind: SignalKind::Alert,
        references: Vec::new(),
        hazard: Some(Hazard::Rainstorm),
        event: String::new(),
        tier: Tier::Yellow,
        areas: vec![code("440106000000")],
        area_desc: Vec::new(),
        onset: at("2026-05-08T14:00"),
        expires: None,
        texts: Vec::new(),
        state: None,
    };
    responses.signal(now, &signal, &mut out);
    let revised = |id: &str, area: &str, expected| Revised {
        warning: WarningId::parse(&id.repeat(24)).unwrap(),
        hazard: Hazard::Waterlogging,
        authority: "44010036000000".into(),
        time: at("2026-05-08T15:40"),
        issued: None,
        found: BTreeMap::from([(code(area), Tier::Orange)]),
        expected,
    };
    responses.revised(now, &revised("a", TOWN, false), &mut out);
    responses.revised(now, &revised("b", "440113000000", true), &mut out);
    let transfer = Order::Transfer {
        area: code(TOWN),
        planned: 120,
        moved: 80,
        sheltered: 60,
        due: at("2026-05-08T21:00"),
        person: "chief".into(),
        note: String::new(),
    };
    responses.order(now, &transfer, &mut out).unwrap();
    let open = ServiceAct::Open {
        process: None,
        hazard: Some(Hazard::ThunderGale),
        areas: vec![code("440103000000"), code("440113000000")],
        onset: Some(at("2026-05-08T22:00")),
        end: None,
        person: "chief".into(),
        reason: "会商".into(),
    };
    services
        .order(now, &open, &mut responses, &mut out)
        .unwrap();

    // In the township, one post has no telephone, and one of two places answered.
    let contacts = std::fs::read_to_string(folder.join("contacts.csv")).unwrap();
    let mut lines: Vec<String> = contacts.lines().map(str::to_owned).collect();
    lines.push(format!(
        "X1,某人,grid_officer,{TOWN},,,x@sanfang.example,zh,,2"
    ));
    let subscribers = "id,lon,lat,phone,language,audience\n";
    let loaded = Directory::read(
        &city,
        lines.join("\n").as_bytes(),
        subscribers.as_bytes(),
        None,
    );
    let directory = loaded.unwrap().directory;
    let in_town = city.area_no(code(TOWN)).unwrap();
    let head = directory.contacts().iter();
    let head = head.clone().find(|c| c.area == in_town && c.site.is_none());
    let site = city.sites.iter().find(|site| site.area == in_town);
    let call = |place: Place, answered: Option<&str>| Call {
        warning: WarningId::parse(&"a".repeat(24)).unwrap(),
        place,
        tier: Tier::Orange,
        since: at("2026-05-08T15:40"),
        rungs: Vec::new(),
        repeat: Span::ZERO,
        asked: Vec::new(),
        next: None,
        answered: answered.map(|contact| Said {
            contact: contact.to_owned(),
            answer: Answer::Received,
            note: String::new(),
            channel: None,
            noted_by: String::new(),
            said: at("2026-05-08T15:44"),
        }),
        needed: 1,
        answers: Vec::new(),
        recall: None,
        turns_before: 0,
        unlit: Vec::new(),
    };
    let calls = [
        call(Place::Area(code(TOWN)), Some(&head.unwrap().id)),
        call(Place::Site(site.unwrap().id.clone()), None),
    ];
    let tonight = tonight(&city, responses.board(), now).unwrap();
    let draft = Draft {
        reach: reach::of(&city, directory.contacts(), &calls, &tonight),
        tonight,
        filed: None,
    };
    drop((responses, services));
    (Arc::into_inner(city).unwrap(), draft)
}

#[test]
fn an_evening_says_what_is_on_file() {
    let (city, draft) = draft();
    let wording = crate::installation::wording(&testdata().join("city/wording")).unwrap();
    for (language, name) in [(Language::Zh, "zh.txt"), (Language::En, "en.txt")] {
        let said = draft.text((&city, wording.roles()), Offset(480), language);
        let file = testdata().join("golden/evening").join(name);
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            std::fs::write(&file, &said).unwrap();
        }
        let kept = std::fs::read_to_string(&file).unwrap_or_default();
        assert_eq!(kept, said, "read them, then run with UPDATE_GOLDEN=1");
        assert!(!said.contains("1390000"), "no telephone number");
    }
    let town = draft.reach.iter().find(|reach| reach.area == code(TOWN));
    let town = town.unwrap();
    assert_eq!((town.without_phone, town.called, town.answered), (1, 2, 1));
    assert_eq!(town.people, town.with_phone + 1);
    assert_eq!(town.posts.iter().filter(|post| post.answered).count(), 1);
}
