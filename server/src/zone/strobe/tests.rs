//! Strobes beside calls: lit once, dark with the answer or the end, and nobody's answer themselves.

use super::*;
use crate::installation::{Earlier, Installation};
use crate::small_city as city;
use dispatch::intent::Intent;
use model::order::Answer;
use model::{AreaCode, Channel, Drill, Hazard, Input, Mode, Order, Reach, Span, Warning, Zone};
use rules::Policy;

const TOWN: &str = "440106014000";
/// 2023-09-07T12:00:00+08:00
const NOON: Time = Time::from_minute(28_234_320);

/// P2 and P5 cannot hear: P2 is asked first and helped by P3, P5 is asked by a later step.
const PEOPLE: &str = "id,name,role,area,phone,site,email,language,deputy,level,hearing,strobe
P1,涵洞主,site_owner,440106014000,+8613900000010,C1,,zh,,1,no,strobe-P1
P2,镇长,township_head,440106014000,+8613900000011,,,zh,P3,1,no,strobe-P2
P3,副镇长,township_head,440106014000,+8613900000014,,,zh,,1,,
P4,镇干部,township_head,440106014000,+8613900000015,,,zh,,1,,
P5,区值班,district_duty,440106000000,+8613900000016,,,zh,,1,no,strobe-P5
";

/// P2 by day, another head by night.
const SHIFTS: &str = r#"
[[duty]]
post = "township_head"
people = ["P2"]
hours = { from = 8, to = 20 }
[[duty]]
post = "township_head"
people = ["P4"]
hours = { from = 20, to = 8 }
[[flow]]"#;

struct Zoned {
    machine: Machine,
    installation: Arc<Installation>,
}

impl Zoned {
    fn new(mode: Mode, policy: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        city::write_city(folder.path());
        let directory = folder.path().join("city");
        std::fs::write(directory.join("contacts.csv"), PEOPLE).unwrap();
        let settings = directory.join("city.toml");
        let text = std::fs::read_to_string(&settings).unwrap();
        std::fs::write(&settings, text.replacen("[[flow]]", policy, 1)).unwrap();
        let installation = Installation::load(&directory, None, &Earlier::default()).unwrap();
        let installation = Arc::new(installation);
        Self {
            machine: Machine::new(&installation, Zone(0), mode, Policy::Live),
            installation,
        }
    }

    fn step(&mut self, minute: i64, input: &Input) -> Outputs {
        let mut out = Outputs::default();
        let at = self.machine.reach_time(NOON + Span::from_minutes(minute));
        self.machine.step(at, input, &mut out);
        assert!(out.refused.is_none(), "{:?}", out.refused);
        out
    }

    fn order(&mut self, minute: i64, order: Order) -> Outputs {
        self.step(minute, &Input::Order(Box::new(order)))
    }

    /// Minutes pass; what was said to strobes in them.
    fn pass(&mut self, minutes: std::ops::Range<i64>) -> Vec<(i64, String)> {
        let mut said = Vec::new();
        for minute in minutes {
            let out = self.step(minute, &Input::Tick);
            said.extend(switched(&out).into_iter().map(|what| (minute, what)));
        }
        said
    }

    /// A warning of the township at noon, signed.
    fn warned(mode: Mode, policy: &str, tier: Tier) -> (Self, Warning, Outputs) {
        let mut zoned = Self::new(mode, policy);
        let issue = Order::Issue {
            hazard: Hazard::from_code("11A02").unwrap(),
            areas: areas(tier),
            onset: None,
            text: BTreeMap::new(),
            person: "chen".into(),
            reason: "seen".into(),
            as_it_stands: false,
        };
        let drafted = zoned.order(0, issue).warnings[0].clone();
        let (warning, out) = zoned.signed(&drafted);
        (zoned, warning, out)
    }

    fn signed(&mut self, drafted: &Warning) -> (Warning, Outputs) {
        let approve = Order::Approve {
            warning: drafted.id,
            revision: drafted.revision,
            seen: drafted.seen_hash(),
            person: "wang".into(),
            as_it_stands: String::new(),
        };
        let out = self.order(0, approve);
        (out.warnings[0].clone(), out)
    }

    fn restored(self, mode: Mode) -> Self {
        let state = self.machine.snapshot();
        let mut machine = Machine::new(&self.installation, Zone(0), mode, Policy::Live);
        machine.restore(&state).unwrap();
        Self { machine, ..self }
    }

    /// The line of the township.
    fn call(&self, warning: &Warning) -> &Call {
        let [call] = self.machine.calls.board() else {
            panic!("{:?}", self.machine.calls.board());
        };
        assert_eq!(call.warning, warning.id);
        call
    }
}

fn areas(tier: Tier) -> BTreeMap<AreaCode, Tier> {
    BTreeMap::from([(AreaCode::parse(TOWN).unwrap(), tier)])
}

fn answer(warning: &Warning, contact: &str, channel: Channel) -> Order {
    Order::Answer {
        warning: warning.id,
        contact: contact.into(),
        answer: Answer::Received,
        note: String::new(),
        channel: Some(channel),
        noted_by: String::new(),
        said: NOON,
    }
}

fn cancel(warning: &Warning) -> Order {
    Order::Cancel {
        warning: warning.id,
        areas: Vec::new(),
        person: "chen".into(),
        reason: "over".into(),
    }
}

fn lights(out: &Outputs) -> Vec<&Intent> {
    out.intents.iter().filter(|i| i.switches()).collect()
}

/// `strobe P2`, `strobe_over P2`.
fn switched(out: &Outputs) -> Vec<String> {
    let said = lights(out).into_iter();
    said.map(|intent| {
        assert_eq!(intent.audience.reach, Reach::Device);
        assert_eq!(intent.channel, Channel::Device);
        let strobe = intent.audience.strobes[0].trim_start_matches("strobe-");
        format!("{} {strobe}", intent.purpose.name())
    })
    .collect()
}

fn not_confirmed(warning: &Warning, strobe: &str, contact: &str, confirmed: bool) -> Input {
    Input::Device(Box::new(DeviceReport {
        warning: warning.id,
        site: String::new(),
        device: strobe.into(),
        tier: Tier::Red,
        confirmed,
        contact: Some(contact.into()),
    }))
}

#[test]
fn it_is_lit_once_with_the_step_that_asks_and_dark_with_whoevers_answer() {
    let (zoned, warning, out) = Zoned::warned(Mode::Actual, "[[flow]]", Tier::Red);
    // With the first telling: P3 and P4 hear, P1 answers for the culvert alone.
    assert_eq!(switched(&out), ["strobe P2"]);
    let lit = lights(&out)[0];
    let telling = &zoned.installation.city.policy.telling;
    assert_eq!(lit.not_after, NOON + telling.valid(Tier::Red));
    assert_eq!((lit.tier, lit.warning), (Tier::Red, warning.id));
    assert!(zoned.call(&warning).answered.is_none());
    // Step after step asks P2 again, and the district's after seven minutes and a half.
    let mut zoned = zoned.restored(Mode::Actual);
    assert_eq!(zoned.pass(1..40), [(8, "strobe P5".to_owned())]);
    let out = zoned.order(41, answer(&warning, "P4", Channel::Sms));
    assert_eq!(switched(&out), ["strobe_over P2", "strobe_over P5"]);
    for dark in lights(&out) {
        assert_eq!(dark.tier, Tier::Red, "as urgent as the light was");
    }
    assert!(zoned.call(&warning).answered.is_some());
    assert_eq!(zoned.pass(42..200), []);
}

#[test]
fn a_key_pressed_on_a_call_is_no_answer_of_who_cannot_hear() {
    let (mut zoned, warning, _) = Zoned::warned(Mode::Actual, "[[flow]]", Tier::Red);
    let out = zoned.order(1, answer(&warning, "P2", Channel::Voice));
    assert_eq!((switched(&out), out.calls.len()), (Vec::new(), 0));
    assert!(zoned.call(&warning).answers.is_empty());
    let out = zoned.order(2, answer(&warning, "P2", Channel::Sms));
    assert_eq!(switched(&out), ["strobe_over P2"]);
    assert_eq!(zoned.call(&warning).answers[0].contact, "P2");
    // Who hears answers that way like any other.
    let (mut zoned, warning, _) = Zoned::warned(Mode::Actual, "[[flow]]", Tier::Red);
    let out = zoned.order(1, answer(&warning, "P4", Channel::Voice));
    assert_eq!(switched(&out), ["strobe_over P2"]);
}

#[test]
fn it_is_dark_at_the_end_of_the_warning() {
    let (mut zoned, warning, _) = Zoned::warned(Mode::Actual, "[[flow]]", Tier::Red);
    let out = zoned.order(3, cancel(&warning));
    assert_eq!(switched(&out), ["strobe_over P2"]);
    assert_eq!(zoned.pass(4..200), []);
}

#[test]
fn its_time_puts_it_out_by_itself_and_the_next_step_lights_it_anew() {
    let (mut zoned, warning, out) = Zoned::warned(Mode::Actual, "[[flow]]", Tier::Red);
    assert_eq!(switched(&out), ["strobe P2"]);
    let first = lights(&out)[0].clone();
    let said = zoned.pass(1..135);
    let of = |who: &str| -> Vec<i64> {
        let theirs = said.iter().filter(|(_, what)| what.ends_with(who));
        theirs.map(|(minute, _)| *minute).collect()
    };
    // Two hours are over at 120 and, for P5, at 128; the last step is repeated every quarter of an hour.
    assert_eq!(of("P2"), [121]);
    assert_eq!(of("P5")[0], 8);
    assert!(
        said.iter().all(|(_, what)| what.starts_with("strobe ")),
        "{said:?}"
    );
    // Between its end and the next step nothing has to put it out.
    let (mut other, warning_too, _) = Zoned::warned(Mode::Actual, "[[flow]]", Tier::Red);
    assert_eq!(other.pass(1..121), [(8, "strobe P5".to_owned())]);
    let out = other.order(120, answer(&warning_too, "P4", Channel::Sms));
    assert_eq!(switched(&out), ["strobe_over P5"]);
    assert_eq!(warning_too.id, warning.id);
    let out = zoned.order(140, answer(&warning, "P4", Channel::Sms));
    let dark = lights(&out);
    assert!(
        dark.iter()
            .all(|dark| dark.id != first.id && dark.not_after > NOON + Span::from_minutes(240))
    );
}

#[test]
fn one_that_does_not_confirm_is_shown_and_the_helper_is_asked_and_nothing_is_answered() {
    let (mut zoned, warning, _) = Zoned::warned(Mode::Actual, "[[flow]]", Tier::Red);
    let out = zoned.step(1, &not_confirmed(&warning, "strobe-P2", "P2", false));
    assert_eq!(out.calls.len(), 1);
    let shown = out.calls[0].2.as_ref().unwrap();
    assert_eq!(shown.unlit, ["strobe-P2"]);
    assert!(shown.answered.is_none() && shown.answers.is_empty());
    // By the channels of the step that asks, with which strobe it is, and nobody else.
    let asked: Vec<(&str, Channel, &[String])> = out
        .intents
        .iter()
        .map(|i| (i.purpose.name(), i.channel, &i.audience.contacts[..]))
        .collect();
    let helper = ["P3".to_owned()];
    assert_eq!(
        asked,
        [
            ("device_fault", Channel::Sms, &helper[..]),
            ("device_fault", Channel::Push, &helper[..])
        ]
    );
    assert!(out.intents.iter().all(|i| i.again));
    let text = &out.intents[0].words[0].text;
    assert!(
        text.contains("strobe-P2") && text.contains("未确认"),
        "{text}"
    );
    // Said again it is the same asking; it opens no call of its own.
    let again = zoned.step(2, &not_confirmed(&warning, "strobe-P2", "P2", false));
    assert_eq!(again.intents[0].id, out.intents[0].id);
    let late = zoned.step(2, &not_confirmed(&warning, "strobe-P2", "P2", true));
    assert!(late.intents.is_empty());
    let call = zoned.call(&warning);
    assert!(call.unlit.is_empty() && call.answered.is_none());
    // The helper's answer is the place's, as ever.
    let out = zoned.order(4, answer(&warning, "P3", Channel::Sms));
    assert_eq!(switched(&out), ["strobe_over P2"]);
    // What comes too late for a call says nothing any more.
    let out = zoned.step(5, &not_confirmed(&warning, "strobe-P2", "P2", false));
    assert!(out.intents.is_empty() && out.calls.is_empty());
    // Who has nobody to help is shown all the same.
    let (mut zoned, warning, _) = Zoned::warned(Mode::Actual, "[[flow]]", Tier::Red);
    zoned.pass(1..9);
    let out = zoned.step(9, &not_confirmed(&warning, "strobe-P5", "P5", false));
    assert!(out.intents.is_empty());
    assert_eq!(out.calls[0].2.as_ref().unwrap().unlit, ["strobe-P5"]);
}

#[test]
fn who_goes_off_duty_is_not_waited_for() {
    let (mut zoned, warning, _) = Zoned::warned(Mode::Actual, SHIFTS, Tier::Red);
    zoned.pass(1..410);
    let said = zoned.pass(410..481);
    assert!(
        said.contains(&(480, "strobe_over P2".to_owned())),
        "{said:?}"
    );
    let said = zoned.pass(481..700);
    assert!(said.iter().all(|(_, what)| what == "strobe P5"), "{said:?}");
    assert!(zoned.call(&warning).answered.is_none());
}

#[test]
fn an_exercise_lights_what_is_on_its_list_for_who_is_on_it() {
    let drill = |people: &[&str], devices: &[&str]| {
        let mut zoned = Zoned::new(Mode::Exercise, "[[flow]]");
        let owned = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect();
        let drill = Drill {
            exercise: "e1".into(),
            name: "汛前演练".into(),
            hazard: Hazard::from_code("11A02").unwrap(),
            areas: areas(Tier::Red),
            people: owned(people),
            devices: owned(devices),
            until: NOON + Span::from_minutes(10),
            person: "chen".into(),
        };
        let out = zoned.order(0, Order::Drill(Box::new(drill)));
        let (_, out) = zoned.signed(&out.warnings[0]);
        let mut said = switched(&out);
        for light in lights(&out) {
            assert_eq!(light.audience.among, Some(owned(devices)));
            assert_eq!(light.mode, Mode::Exercise);
        }
        let kept = out
            .withheld
            .iter()
            .filter(|of| of.reach == Reach::Device)
            .count();
        said.extend(zoned.pass(1..11).into_iter().map(|(_, what)| what));
        (said.join(", "), kept)
    };
    let dark = String::new;
    let both = "strobe P2, strobe_over P2".to_owned();
    assert_eq!(drill(&["P2", "P4"], &["strobe-P2"]), (both, 0));
    assert_eq!(drill(&["P2", "P4"], &["led-1"]), (dark(), 1));
    assert_eq!(drill(&["P4"], &["strobe-P2"]), (dark(), 0));
}
