//! A machine of the exercise's world: whom it tells, what it keeps, how it ends.

use super::*;
use crate::installation::{Earlier, Installation};
use crate::small_city as city;
use dispatch::ladder::Place;
use model::{AreaCode, Channel, DrillEnd, Hazard, Reach, Span, Tier, Zone};
use rules::Policy;
use std::collections::BTreeSet;
use std::sync::Arc;

const TOWN: &str = "440106014000";
const BEGIN: Time = Time::from_minute(28_234_320);

fn installation() -> Arc<Installation> {
    let folder = tempfile::tempdir().unwrap();
    city::write_city(folder.path());
    let directory = folder.path().join("city");
    let rows = "id,name,role,area,phone,site,email,language,deputy,level
P1,涵洞主,site_owner,440106014000,+8613900000010,C1,,zh,,1
P2,镇长,township_head,440106014000,+8613900000011,,,zh,,1
P3,副镇长,township_head,440106014000,+8613900000014,,,zh,,1
";
    std::fs::write(directory.join("contacts.csv"), rows).unwrap();
    Arc::new(Installation::load(&directory, None, &Earlier::default()).unwrap())
}

fn drill(people: &[&str]) -> Drill {
    Drill {
        exercise: "e1".into(),
        name: "汛前演练".into(),
        hazard: Hazard::from_code("11A02").unwrap(),
        areas: BTreeMap::from([(AreaCode::parse(TOWN).unwrap(), Tier::Red)]),
        people: people.iter().map(|id| (*id).to_owned()).collect(),
        devices: Vec::new(),
        until: BEGIN + Span::from_minutes(10),
        person: "chen".into(),
    }
}

struct Played {
    machine: Machine,
    installation: Arc<Installation>,
}

impl Played {
    fn new(mode: Mode) -> Self {
        let installation = installation();
        let machine = Machine::new(&installation, Zone(0), mode, Policy::Live);
        Self {
            machine,
            installation,
        }
    }

    fn step(&mut self, minute: i64, input: &Input) -> Outputs {
        let mut out = Outputs::default();
        let at = self.machine.reach_time(BEGIN + Span::from_minutes(minute));
        self.machine.step(at, input, &mut out);
        out
    }

    fn order(&mut self, minute: i64, order: Order) -> Outputs {
        self.step(minute, &Input::Order(Box::new(order)))
    }

    fn begin(&mut self, people: &[&str]) -> Outputs {
        self.order(0, Order::Drill(Box::new(drill(people))))
    }

    /// A restart between two records.
    fn restored(self, mode: Mode) -> Self {
        let state = self.machine.snapshot();
        let mut machine = Machine::new(&self.installation, Zone(0), mode, Policy::Live);
        machine.restore(&state).unwrap();
        Self { machine, ..self }
    }
}

fn why(out: &Outputs) -> String {
    out.refused
        .as_ref()
        .map(|r| r.why.clone())
        .unwrap_or_default()
}

fn approve(warning: &Warning) -> Order {
    Order::Approve {
        warning: warning.id,
        revision: warning.revision,
        seen: warning.seen_hash(),
        person: "wang".into(),
        as_it_stands: String::new(),
    }
}

#[test]
fn it_tells_its_white_list_each_text_marked_and_keeps_the_rest() {
    let mut played = Played::new(Mode::Exercise);
    let out = played.begin(&["P2"]);
    assert_eq!(why(&out), "");
    let [warning] = out.warnings.as_slice() else {
        panic!("{} warnings", out.warnings.len());
    };
    assert_eq!(
        (warning.mode, warning.event),
        (Mode::Exercise, Event::Proposed)
    );
    // A draft that somebody opened tells nobody before it is signed, and those who sign are not on the
    // list.
    assert!(out.intents.is_empty());

    let proposed = warning.clone();
    let out = played.order(1, approve(&proposed));
    assert_eq!(why(&out), "");
    assert!(!out.intents.is_empty());
    for intent in &out.intents {
        assert_eq!(intent.audience.among, Some(vec!["P2".to_owned()]));
        let of = (intent.mode, intent.audience.reach);
        assert_eq!(of, (Mode::Exercise, Reach::Responsible));
        for words in &intent.words {
            let said = words.text.trim_end();
            let marks = ["【演练】", "EXERCISE"];
            assert!(marks.iter().any(|mark| said.ends_with(mark)), "{said}");
        }
    }
    let called: Vec<&Place> = out.calls.iter().map(|(_, place, _)| place).collect();
    assert_eq!(called, [&Place::Area(AreaCode::parse(TOWN).unwrap())]);
    // What the signature lets out in earnest is counted, and stays here.
    let kept: BTreeSet<Channel> = out
        .withheld
        .iter()
        .filter(|of| of.reach == Reach::Public)
        .map(|of| of.channel)
        .collect();
    for channel in [Channel::Sms, Channel::Cap, Channel::Webhook] {
        assert!(kept.contains(&channel), "{kept:?}");
    }
}

/// Nobody on the list answers there: nobody is waited for.
#[test]
fn a_place_without_anybody_of_the_list_is_not_called() {
    let mut played = Played::new(Mode::Exercise);
    let drafted = played.begin(&["left-last-year"]).warnings[0].clone();
    let out = played.order(1, approve(&drafted));
    assert_eq!((why(&out), out.calls.len()), (String::new(), 0));
}

#[test]
fn who_is_not_on_the_list_answers_nothing() {
    let mut played = Played::new(Mode::Exercise);
    let drafted = played.begin(&["P2"]).warnings[0].clone();
    played.order(0, approve(&drafted));
    let warning = drafted.id;
    let answer = |contact: &str| Order::Answer {
        warning,
        contact: contact.into(),
        answer: model::order::Answer::Received,
        note: String::new(),
        channel: Some(Channel::Sms),
        noted_by: String::new(),
        said: BEGIN,
    };
    assert!(played.order(1, answer("P3")).calls.is_empty());
    let out = played.order(1, answer("P2"));
    assert!(out.calls[0].2.as_ref().unwrap().answered.is_some());
}

#[test]
fn it_ends_by_its_time_over_a_restart_and_whoever_was_told_hears_of_it() {
    let mut played = Played::new(Mode::Exercise);
    let drafted = played.begin(&["P2"]).warnings[0].clone();
    played.order(1, approve(&drafted));
    let quiet = played.step(9, &Input::Tick);
    assert!(quiet.warnings.is_empty());
    let mut played = played.restored(Mode::Exercise);
    let out = played.step(10, &Input::Tick);
    assert_eq!(out.warnings.len(), 1);
    assert_eq!(out.warnings[0].event, Event::Cancelled);
    let told: Vec<_> = out
        .intents
        .iter()
        .map(|i| (i.purpose.name(), i.audience.among.clone()))
        .collect();
    assert!(!told.is_empty());
    for (purpose, among) in told {
        assert_eq!(
            (purpose, among),
            ("stand_down", Some(vec!["P2".to_owned()]))
        );
    }
    // Nothing of it is left: the zone plays another one.
    let again = Drill {
        exercise: "e2".into(),
        until: BEGIN + Span::from_minutes(30),
        ..drill(&["P3"])
    };
    let out = played.order(11, Order::Drill(Box::new(again)));
    assert_eq!(why(&out), "");
    assert_eq!(out.warnings.len(), 1);
}

#[test]
fn one_at_a_time_and_only_by_its_plan() {
    let mut played = Played::new(Mode::Exercise);
    played.begin(&["P2"]);
    let other = Drill {
        exercise: "e2".into(),
        ..drill(&["P2"])
    };
    assert!(why(&played.order(1, Order::Drill(Box::new(other)))).contains("e1"));
    // The same order again is the same exercise: a process died before it knew.
    let out = played.begin(&["P2"]);
    assert_eq!((why(&out), out.warnings.len()), (String::new(), 0));
    let end = |exercise: &str| Order::DrillOver {
        exercise: exercise.into(),
        end: DrillEnd::Interrupted,
        person: "chen".into(),
    };
    assert!(why(&played.order(1, end("e2"))).contains("not played"));
    let issue = |reason: &str| Order::Issue {
        hazard: Hazard::from_code("11A02").unwrap(),
        areas: BTreeMap::from([(AreaCode::parse(TOWN).unwrap(), Tier::Red)]),
        onset: None,
        text: BTreeMap::new(),
        person: "chen".into(),
        reason: reason.into(),
        as_it_stands: false,
    };
    assert!(why(&played.order(1, issue("by hand"))).contains("world of exercises"));
    let out = played.order(2, end("e1"));
    assert_eq!(
        (why(&out), out.warnings[0].event),
        (String::new(), Event::Cancelled)
    );
    let late = Drill {
        until: BEGIN,
        ..drill(&["P2"])
    };
    assert!(why(&played.order(3, Order::Drill(Box::new(late)))).contains("not later"));
}

/// Between draft and signature nothing changes worlds: the real one follows no order of an exercise,
/// knows no warning of it, and what was seen there is not what is signed here.
#[test]
fn an_exercise_is_no_draft_of_a_real_warning() {
    let mut played = Played::new(Mode::Exercise);
    let drafted = played.begin(&["P2"]).warnings[0].clone();
    let mut real = Played::new(Mode::Actual);
    let out = real.begin(&["P2"]);
    assert!(why(&out).contains("own world"), "{}", why(&out));
    assert!(out.warnings.is_empty() && out.intents.is_empty() && out.calls.is_empty());
    let out = real.order(1, approve(&drafted));
    assert!(why(&out).contains("no warning"), "{}", why(&out));

    // The same draft in earnest has another id and another hash.
    let issue = Order::Issue {
        hazard: drafted.hazard,
        areas: drafted
            .areas
            .iter()
            .map(|(code, of)| (*code, of.tier))
            .collect(),
        onset: None,
        text: BTreeMap::new(),
        person: "chen".into(),
        reason: "seen".into(),
        as_it_stands: false,
    };
    let out = real.order(1, issue);
    let in_earnest = out.warnings[0].clone();
    assert_ne!(in_earnest.id, drafted.id);
    let out = real.order(
        2,
        Order::Approve {
            warning: in_earnest.id,
            revision: in_earnest.revision,
            seen: drafted.seen_hash(),
            person: "wang".into(),
            as_it_stands: String::new(),
        },
    );
    assert!(why(&out).contains("look again"), "{}", why(&out));
    let out = real.order(2, approve(&in_earnest));
    assert_eq!(why(&out), "");
    assert_eq!(out.warnings[0].event, Event::Issued);
}
