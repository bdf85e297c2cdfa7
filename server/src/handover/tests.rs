//! A list that is written down, the words on file, and when it is another one.

use super::*;
use crate::installation::{Earlier, Installation};
use crate::small_city;
use dispatch::ladder::{Rung, Said};
use model::pending::{Review, Signing};
use model::release::{Ask, AtEnd};
use model::response::{Task, Transfer};
use model::{Channel, Hazard, Mode, Named, Span, WarningId};
use std::collections::BTreeMap;
use std::path::Path;

const TOWN: &str = "440106014000";
const SHIFTS: &str = r#"
[[duty]]
post = "district_duty"
people = ["P4"]
hours = { from = 8, to = 20 }
[[duty]]
post = "district_duty"
people = ["P5"]
hours = { from = 20, to = 8 }
[[flow]]"#;

fn at(text: &str) -> Time {
    Time::parse(&format!("2026-06-01T{text}:00+08:00"))
        .unwrap()
        .0
}

fn installation() -> Installation {
    let folder = tempfile::tempdir().unwrap();
    small_city::write_city(folder.path());
    let directory = folder.path().join("city");
    let settings = directory.join("city.toml");
    let text = std::fs::read_to_string(&settings).unwrap();
    std::fs::write(&settings, text.replacen("[[flow]]", SHIFTS, 1)).unwrap();
    Installation::load(&directory, None, &Earlier::default()).unwrap()
}

fn warning(event: Event, hazard: Hazard, zh: &str, en: &str) -> Warning {
    let zone = AreaCode::parse("440106000000").unwrap();
    let town = AreaCode::parse(TOWN).unwrap();
    let area = model::warning::AreaTier {
        tier: Tier::Orange,
        reached: Tier::Orange,
        onset: at("18:10"),
    };
    Warning {
        id: WarningId::derive(zone, Mode::Actual, hazard, zone, at("18:10")),
        revision: 2,
        event,
        mode: Mode::Actual,
        hazard,
        name: Named {
            zh: zh.into(),
            en: en.into(),
        },
        zone,
        authority: String::new(),
        time: at("18:12"),
        first_rise: at("18:10"),
        areas: BTreeMap::from([(town, area)]),
        sites: BTreeMap::new(),
        rule: String::new(),
        evidence: Vec::new(),
        past: false,
        unconfirmed: false,
        expires: at("23:00"),
        signed_by: Vec::new(),
        text: BTreeMap::new(),
        relay: None,
    }
}

fn said(contact: &str, answer: Answer, note: &str) -> Said {
    Said {
        contact: contact.into(),
        answer,
        note: note.into(),
        channel: None,
        noted_by: "chen".into(),
        said: at("18:31"),
    }
}

fn call(warning: &Warning, place: Place, answers: Vec<Said>, needed: u8) -> Call {
    let is_answered = answers.len() >= usize::from(needed);
    Call {
        warning: warning.id,
        place,
        tier: Tier::Orange,
        since: at("18:12"),
        rungs: vec![Rung {
            after: Span::ZERO,
            ask: Ask::Primary,
            roles: Vec::new(),
            channels: vec![Channel::Sms],
            phone: false,
        }],
        asked: vec![(0, at("18:12")), (0, at("18:27"))],
        repeat: Span::from_minutes(15),
        next: None,
        answered: answers.last().filter(|_| is_answered).cloned(),
        needed,
        answers,
        recall: None,
        turns_before: 0,
        unlit: Vec::new(),
    }
}

fn standing(installation: &Installation) -> Standing<'_> {
    let town = AreaCode::parse(TOWN).unwrap();
    let issued = warning(Event::Issued, Hazard::Rainstorm, "暴雨", "Rainstorm");
    let proposed = warning(
        Event::Proposed,
        Hazard::Waterlogging,
        "内涝",
        "Waterlogging",
    );
    let signing = Signing {
        since: at("19:40"),
        needed: 2,
        signed_by: vec!["chen".into()],
        turn: 0,
        asked: Vec::new(),
        until: None,
        ends: at("20:10"),
        at_end: AtEnd::Hold,
        overdue: false,
        rises: true,
    };
    let review = Review {
        revision: 2,
        signed_by: vec!["chen".into()],
        since: at("18:12"),
        until: at("22:12"),
        reviewed: None,
    };
    let pending = |warning: &Warning, signing, review| Pending {
        warning: warning.id,
        revision: 2,
        signing,
        review,
    };
    let waits = Some(pending(&proposed, Some(signing), None));
    let looked = Some(pending(&issued, None, Some(review)));
    let calls = vec![
        call(
            &issued,
            Place::Area(town),
            vec![said("P2", Answer::Received, "")],
            2,
        ),
        call(
            &issued,
            Place::Site("C1".into()),
            vec![said("P1", Answer::NeedsHelp, "缺水泵")],
            1,
        ),
    ];
    Standing {
        city: &installation.city,
        roles: installation.wording.roles(),
        at: at("19:58"),
        warnings: vec![(Arc::new(issued), looked), (Arc::new(proposed), waits)],
        calls,
        tasks: vec![Task {
            id: "T1".into(),
            plan: "flood".into(),
            area: town,
            place: town,
            site: None,
            text: Named {
                zh: "封闭涵洞".into(),
                en: "Close the culvert".into(),
            },
            owner: "district_duty".into(),
            opened: at("18:20"),
            due: at("20:30"),
            state: TaskState::Late,
            by: "chen".into(),
            at: at("19:00"),
            note: String::new(),
        }],
        transfers: vec![Transfer {
            area: town,
            planned: 60,
            moved: 48,
            sheltered: 40,
            due: at("21:00"),
            by: "chen".into(),
            at: at("19:20"),
            note: String::new(),
            returned: None,
        }],
        last: Some(TakenOver {
            at: at("08:02"),
            person: "chen".into(),
            seen: "0".into(),
            points: 2,
            note: "设备正常".into(),
        }),
    }
}

#[test]
fn the_words_are_on_file() {
    let installation = installation();
    let list = Handover::of(&standing(&installation));
    assert_eq!((list.points.len(), list.more), (7, 0));
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata/golden/handover");
    for language in [Language::Zh, Language::En] {
        let said = list.text(installation.wording.roles(), Offset(480), language);
        assert!(!said.contains("1390000"), "no number");
        let file = golden.join(format!("{}.txt", language.tag()));
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            std::fs::create_dir_all(&golden).unwrap();
            std::fs::write(&file, &said).unwrap();
        }
        let kept = std::fs::read_to_string(&file).unwrap_or_default();
        assert_eq!(kept, said, "read them, then run with UPDATE_GOLDEN=1");
    }
}

/// What was seen is what stands, whatever the hour; an answer, a signature, a point more is another list.
#[test]
fn it_is_another_list_once_a_point_changes() {
    let installation = installation();
    let seen = |change: &dyn Fn(&mut Standing<'_>)| {
        let mut standing = standing(&installation);
        change(&mut standing);
        Handover::of(&standing).seen()
    };
    let same = seen(&|_| {});
    assert_eq!(seen(&|of| of.at = at("20:10")), same);
    let changes: [&dyn Fn(&mut Standing<'_>); 5] = [
        &|of| of.calls[0].answers.push(said("P3", Answer::Received, "")),
        &|of| of.calls[1].answers[0].answer = Answer::Moved,
        &|of| of.warnings.truncate(1),
        &|of| of.tasks[0].state = TaskState::Done,
        &|of| of.transfers[0].moved = 60,
    ];
    for change in changes {
        assert_ne!(seen(change), same);
    }
}

#[test]
fn a_long_list_says_how_much_is_not_on_it() {
    let installation = installation();
    let mut standing = standing(&installation);
    let task = standing.tasks[0].clone();
    let many = (0..300).map(|n| Task {
        id: format!("T{n:03}"),
        ..task.clone()
    });
    standing.tasks = many.collect();
    let list = Handover::of(&standing);
    let due = list.points.iter().filter(|of| of.kind == Kind::Due).count();
    assert_eq!((due, list.more), (LISTED_MAX, 101));
}
