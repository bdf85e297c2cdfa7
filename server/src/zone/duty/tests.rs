//! Shifts: who is off duty is not asked, whoever comes goes on where the one before them stood.

use super::*;
use crate::installation::{Earlier, Installation};
use crate::small_city as city;
use dispatch::directory::ROWS_MAX;
use model::{AreaCode, Channel, Hazard, Input, Mode, Tier, Warning, Zone};
use rules::Policy;
use std::collections::BTreeMap;

const TOWN: &str = "440106014000";
/// 2023-09-07T19:45:00+08:00
const QUARTER_TO_EIGHT: Time = Time::from_minute(28_234_320 + 465);

const SHIFTS: &str = r#"
[[duty]]
post = "district_duty"
people = ["P4", "day-signer"]
hours = { from = 8, to = 20 }
[[duty]]
post = "district_duty"
people = ["P5", "night-signer"]
hours = { from = 20, to = 8 }
[[flow]]
audience = "public"
hazards = ["11A02"]
tiers = ["red"]
channels = ["sms"]
signatures = 2
signers = ["day-signer", "night-signer"]
clock = "60m"
basis = { zh = "甲", en = "A" }
[[flow]]"#;

fn installation() -> Arc<Installation> {
    let folder = tempfile::tempdir().unwrap();
    city::write_city(folder.path());
    let directory = folder.path().join("city");
    let rows = "id,name,role,area,phone,site,email,language,deputy,level
P2,镇长,township_head,440106014000,+8613900000011,,,zh,,1
P4,日班,district_duty,440106000000,+8613900000014,,,zh,,1
P5,夜班,district_duty,440106000000,+8613900000015,,,zh,,1
day-signer,日班签发,signer,440100000000,+8613900000016,,,zh,,1
night-signer,夜班签发,signer,440100000000,+8613900000017,,,zh,,1
";
    std::fs::write(directory.join("contacts.csv"), rows).unwrap();
    let settings = directory.join("city.toml");
    let text = std::fs::read_to_string(&settings).unwrap();
    std::fs::write(&settings, text.replacen("[[flow]]", SHIFTS, 1)).unwrap();
    Arc::new(Installation::load(&directory, None, &Earlier::default()).unwrap())
}

struct Desk {
    machine: Machine,
    installation: Arc<Installation>,
}

impl Desk {
    fn step(&mut self, minute: i64, input: &Input) -> Outputs {
        let mut out = Outputs::default();
        let at = QUARTER_TO_EIGHT + Span::from_minutes(minute);
        let at = self.machine.reach_time(at);
        self.machine.step(at, input, &mut out);
        out
    }

    fn order(&mut self, minute: i64, order: Order) -> Outputs {
        self.step(minute, &Input::Order(Box::new(order)))
    }

    /// Ids of those whom the intents of a purpose reach by short message.
    fn reached(&self, out: &Outputs, purpose: &str) -> Vec<String> {
        let (city, directory) = (&self.installation.city, &self.installation.directory);
        let mut rows = Vec::new();
        let by_sms = out.intents.iter().filter(|intent| {
            intent.channel == Channel::Sms
                && intent.purpose.name() == purpose
                && intent.audience.reach == Reach::Responsible
        });
        for intent in by_sms {
            for pass in [0, 1] {
                let page = (pass, 0);
                let audience = &intent.audience;
                let found =
                    directory.resolve(city, audience, Channel::Sms, page, ROWS_MAX, &mut rows);
                found.unwrap();
            }
        }
        let contacts = directory.contacts().iter();
        let is_told = |number| rows.iter().any(|row| row.recipient == number);
        let told = contacts.filter(|contact| is_told(contact.recipient));
        let mut told: Vec<String> = told.map(|contact| contact.id.clone()).collect();
        told.sort();
        told
    }
}

/// A red warning of the township, opened at a quarter to eight and, where it is to be, signed.
fn opened(is_signed: bool) -> (Desk, Warning) {
    let installation = installation();
    let mut desk = Desk {
        machine: Machine::new(&installation, Zone(0), Mode::Actual, Policy::Live),
        installation,
    };
    let issue = Order::Issue {
        hazard: Hazard::from_code("11A02").unwrap(),
        areas: BTreeMap::from([(AreaCode::parse(TOWN).unwrap(), Tier::Red)]),
        onset: None,
        text: BTreeMap::new(),
        person: "chen".into(),
        reason: "seen".into(),
        as_it_stands: false,
    };
    let out = desk.order(0, issue);
    let warning = out.warnings[0].clone();
    assert_eq!(desk.reached(&out, "signature"), ["day-signer"]);
    if is_signed {
        for person in ["chen", "wang"] {
            let approve = Order::Approve {
                warning: warning.id,
                revision: warning.revision,
                seen: warning.seen_hash(),
                person: person.into(),
                as_it_stands: String::new(),
            };
            let out = desk.order(0, approve);
            assert!(out.refused.is_none(), "{:?}", out.refused);
        }
    }
    (desk, warning)
}

#[test]
fn an_open_call_goes_on_with_who_came_and_begins_nowhere_anew() {
    let (mut desk, warning) = opened(true);
    let mut asked = Vec::new();
    for minute in 1..15 {
        let out = desk.step(minute, &Input::Tick);
        asked.extend(desk.reached(&out, "reminder"));
    }
    assert!(
        asked.contains(&"P4".to_owned()) && asked.contains(&"P2".to_owned()),
        "{asked:?}"
    );
    assert!(
        !asked.contains(&"P5".to_owned()),
        "who is off duty is not asked: {asked:?}"
    );

    // A restart in between loses no shift.
    let state = desk.machine.snapshot();
    let mut machine = Machine::new(&desk.installation, Zone(0), Mode::Actual, Policy::Live);
    machine.restore(&state).unwrap();
    desk.machine = machine;
    // At eight P5 comes: of the steps that were asked theirs alone are asked once more, of them alone.
    let out = desk.step(15, &Input::Tick);
    let handed: Vec<_> = out
        .intents
        .iter()
        .filter(|i| i.audience.among.is_some())
        .collect();
    assert!(!handed.is_empty());
    for intent in &handed {
        let came = Some(vec!["P5".to_owned(), "night-signer".to_owned()]);
        assert_eq!(intent.audience.among, came);
        assert!(intent.again);
    }
    assert_eq!(desk.reached(&out, "reminder"), ["P5"]);
    // Once.
    let out = desk.step(16, &Input::Tick);
    assert!(out.intents.iter().all(|i| i.audience.among.is_none()));

    let answer = Order::Answer {
        warning: warning.id,
        contact: "P5".into(),
        answer: model::order::Answer::AtPost,
        note: String::new(),
        channel: Some(Channel::Sms),
        noted_by: String::new(),
        said: QUARTER_TO_EIGHT,
    };
    let out = desk.order(17, answer);
    assert!(
        out.calls
            .iter()
            .all(|(_, _, call)| call.as_ref().unwrap().answered.is_some())
    );
    let out = desk.step(60, &Input::Tick);
    assert!(
        desk.reached(&out, "reminder").is_empty(),
        "it is answered for"
    );
    // The end is told to whoever was asked, off duty or not.
    let cancel = Order::Cancel {
        warning: warning.id,
        areas: Vec::new(),
        person: "chen".into(),
        reason: "over".into(),
    };
    let out = desk.order(61, cancel);
    assert!(
        out.intents
            .iter()
            .all(|intent| intent.audience.off_duty.is_empty())
    );
}

#[test]
fn a_proposal_that_waits_is_called_out_to_the_signers_who_came() {
    let (mut desk, _) = opened(false);
    let out = desk.step(14, &Input::Tick);
    assert!(desk.reached(&out, "signature").is_empty());
    let out = desk.step(15, &Input::Tick);
    assert_eq!(desk.reached(&out, "signature"), ["night-signer"]);
}

#[test]
fn who_takes_over_is_noted_once_in_the_zone_of_the_city() {
    let (mut desk, _) = opened(false);
    let take = Order::TakeOver {
        person: "wang".into(),
        seen: "a".into(),
        points: 3,
        note: "听取口头交接".into(),
    };
    assert!(desk.order(1, take.clone()).taken_over.is_empty());
    let zone = desk.installation.city.city_zone();
    desk.machine = Machine::new(&desk.installation, zone, Mode::Actual, Policy::Live);
    let out = desk.order(2, take);
    assert_eq!(
        (out.taken_over[0].person.as_str(), out.taken_over[0].points),
        ("wang", 3)
    );
}
