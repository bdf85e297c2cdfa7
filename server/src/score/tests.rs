//! Steps, ways and people of a story that is written down, and the words that a district files.

use super::story::{Planned, Story};
use super::text::Head;
use super::*;
use crate::installation::{Earlier, Installation};
use crate::small_city as city;
use dispatch::ladder::{Call, Place, Rung, Said};
use dispatch::wording::Purpose;
use model::release::Ask;
use model::{AreaCode, Hazard, Language, Mode, Named, Span, Tier, Warning};
use std::path::Path;

const TOWN: &str = "440106014000";
/// 2026-06-01T09:00:00+08:00
const NINE: Time = Time::from_seconds(1_780_275_600);

fn at(seconds: i64) -> Time {
    NINE + Span::from_seconds(seconds)
}

fn installation() -> Installation {
    let folder = tempfile::tempdir().unwrap();
    city::write_city(folder.path());
    let directory = folder.path().join("city");
    let rows = "id,name,role,area,phone,site,email,language,deputy,level
P2,镇长,township_head,440106014000,+8613900000011,,,zh,,1
P3,副镇长,township_head,440106014000,+8613900000014,,,zh,,1
P4,区值班室,district_duty,440106000000,+8613900000015,,,zh,,1
P5,没有被通知的人,district_duty,440106000000,+8613900000016,,,zh,,1
";
    std::fs::write(directory.join("contacts.csv"), rows).unwrap();
    Installation::load(&directory, None, &Earlier::default()).unwrap()
}

fn said(contact: &str, answer: Answer, seconds: i64) -> Said {
    Said {
        contact: contact.into(),
        answer,
        note: String::new(),
        channel: Some(Channel::Sms),
        noted_by: String::new(),
        said: at(seconds),
    }
}

/// A draft at nine, signed after 80 s; three people told by name, one of them twice, and two of the
/// public; one call answered after five minutes by one who had said less before.
fn story(installation: &Installation) -> Story {
    let zone = AreaCode::parse("440106000000").unwrap();
    let town = AreaCode::parse(TOWN).unwrap();
    let hazard = Hazard::Waterlogging;
    let drafted = Warning {
        id: WarningId::derive(zone, Mode::Exercise, hazard, zone, NINE),
        revision: 1,
        event: Event::Proposed,
        mode: Mode::Exercise,
        hazard,
        name: Named::default(),
        zone,
        authority: String::new(),
        time: NINE,
        first_rise: NINE,
        areas: BTreeMap::new(),
        sites: BTreeMap::new(),
        rule: String::new(),
        evidence: Vec::new(),
        past: false,
        unconfirmed: false,
        expires: NINE,
        signed_by: Vec::new(),
        text: BTreeMap::new(),
        relay: None,
    };
    let signed = Warning {
        revision: 2,
        event: Event::Issued,
        ..drafted.clone()
    };
    let number = |id: &str| installation.directory.contact(id).unwrap().recipient.0;
    let intent = |place: &str, reach, channel| {
        let id = IntentId::derive(drafted.id, 1, "sms", Purpose::Reminder, reach, place);
        (id, Planned { channel, reach })
    };
    let named = intent("named", Reach::Responsible, Channel::Sms);
    let again = intent("again", Reach::Responsible, Channel::Email);
    let public = intent("public", Reach::Public, Channel::Sms);
    let states = |seconds, id, state, recipients: &[u32]| {
        let entry = Entry::States {
            intent: id,
            state,
            variant: None,
            recipients: recipients.to_vec(),
            receipts: Vec::new(),
        };
        (at(seconds), entry)
    };
    let (p2, p3, p4) = (number("P2"), number("P3"), number("P4"));
    let unknown = IntentId::from_bytes([7; 16]);
    let place = Place::Area(town);
    let call = Call {
        warning: drafted.id,
        place: place.clone(),
        tier: Tier::Red,
        since: at(12),
        rungs: vec![Rung {
            after: Span::ZERO,
            ask: Ask::Primary,
            roles: Vec::new(),
            channels: vec![Channel::Sms],
            phone: false,
        }],
        asked: vec![(0, at(12))],
        repeat: Span::ZERO,
        next: None,
        answered: Some(said("P3", Answer::AtPost, 312)),
        needed: 2,
        answers: Vec::new(),
        recall: None,
        turns_before: 0,
        unlit: Vec::new(),
    };
    Story {
        from: NINE,
        until: at(1800),
        warnings: vec![(NINE, drafted.clone()), (at(80), signed)],
        calls: BTreeMap::from([((drafted.id, place), call)]),
        answers: BTreeMap::from([
            ("P2".to_owned(), said("P2", Answer::Received, 65)),
            ("P3".to_owned(), said("P3", Answer::AtPost, 312)),
        ]),
        intents: BTreeMap::from([named, again, public]),
        progress: vec![
            states(12, named.0, State::Accepted, &[p2, p3]),
            states(15, named.0, State::Delivered, &[p2]),
            states(40, named.0, State::Delivered, &[p3]),
            states(16, unknown, State::Accepted, &[p4]),
            states(90, public.0, State::Accepted, &[1_000_001, 1_000_002]),
            states(95, public.0, State::Failed, &[1_000_003]),
            // By mail: taken and there in one word.
            states(130, again.0, State::Delivered, &[p4]),
        ],
        withheld: BTreeMap::from([("sms", 1), ("cap", 2)]),
        is_cut: false,
    }
}

#[test]
fn each_step_is_counted_from_the_draft() {
    let installation = installation();
    let told = story(&installation);
    let of = |expected| Score::of(&installation.city, &installation.directory, &told, expected);
    let score = of(Some(Answer::AtPost));
    assert_eq!(
        score.steps,
        Steps {
            signed_s: Some(80),
            first_message_s: Some(12),
            last_handed_s: Some(130),
            last_receipt_s: Some(130),
            first_answer_s: Some(65),
            last_answer_s: Some(312),
        }
    );
    let sms = score.ways["sms"];
    assert_eq!(
        (sms.taken, sms.delivered, sms.failed, sms.unknown),
        (4, 2, 1, 0)
    );
    assert_eq!(
        (sms.receipt_median_s, sms.receipt_max_s),
        (Some(3), Some(28))
    );
    let email = score.ways["email"];
    assert_eq!(
        (email.taken, email.delivered, email.receipt_median_s),
        (1, 1, None)
    );
    let people: Vec<_> = score
        .people
        .iter()
        .map(|of| {
            (
                of.contact.as_str(),
                of.told_s,
                of.delivered_s,
                of.answered_s,
                of.is_right,
            )
        })
        .collect();
    assert_eq!(
        people,
        [
            ("P2", Some(12), Some(15), Some(65), false),
            ("P3", Some(12), Some(40), Some(312), true),
            ("P4", Some(130), Some(130), None, false),
        ]
    );
    let ids = |people: Vec<&Person>| {
        people
            .into_iter()
            .map(|of| of.contact.clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(ids(score.silent().collect()), ["P4"]);
    assert_eq!(ids(score.wrong().collect()), ["P2"]);
    assert_eq!(
        of(None).wrong().count(),
        0,
        "where nothing was asked for no answer is wrong"
    );
    assert_eq!(score.answering.city.median_s, Some(300));
    assert_eq!(score.answering.city.within[0].answered, 1);

    // Nothing happened: nothing is claimed.
    let nothing = Story {
        from: NINE,
        until: at(60),
        ..Story::default()
    };
    let score = Score::of(&installation.city, &installation.directory, &nothing, None);
    assert_eq!(
        (score.steps, score.people.len(), score.ways.len()),
        (Steps::default(), 0, 0)
    );
}

#[test]
fn the_words_are_on_file() {
    let installation = installation();
    let told = story(&installation);
    let expected = Some(Answer::AtPost);
    let score = Score::of(&installation.city, &installation.directory, &told, expected);
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata/golden/exercises");
    let named = (&*installation.city, installation.wording.roles());
    for (language, name, end) in [
        (Language::Zh, "汛前叫应演练", "人工结束"),
        (
            Language::En,
            "Calling before the flood season",
            "ended by a person",
        ),
    ] {
        let mut said = String::new();
        for is_drill in [true, false] {
            let head = Head {
                name,
                is_drill,
                end,
            };
            said += &score.text(&head, named, model::Offset(480), language);
            said += "\n";
        }
        assert!(
            !said.contains("1390000") && !said.contains("镇长,"),
            "no number, no name"
        );
        let file = golden.join(format!("score.{}.txt", language.tag()));
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            std::fs::create_dir_all(&golden).unwrap();
            std::fs::write(&file, &said).unwrap();
        }
        let kept = std::fs::read_to_string(&file).unwrap_or_default();
        assert_eq!(kept, said, "read them, then run with UPDATE_GOLDEN=1");
    }
}
