//! Who is told what, over the life of warnings in the demo city.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use dispatch::intent::Intent;
use dispatch::ledger::State;
use dispatch::plan::{Desk, Planner};
use dispatch::preview::{Heads, preview};
use dispatch::wording::{Places, Purpose, Wording};
use model::warning::{AreaTier, Event, Evidence, SiteTier};
use model::{
    AreaCode, Channel, City, Hazard, Language, Mode, Named, QuietHours, Reach, Tier, Time, Warning,
    WarningId,
};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

struct Fixture {
    city: City,
    places: Places,
    wording: Wording,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata/city")
}

/// The demo city as it is, read once: its wording is tried out whole each time.
static DEMO: LazyLock<Fixture> = LazyLock::new(Fixture::new);

impl Fixture {
    fn new() -> Self {
        let city = City::read(|name| std::fs::read(root().join(name)).ok(), &[])
            .unwrap_or_else(|faults| panic!("{faults:?}"));
        let mut files = Vec::new();
        for entry in std::fs::read_dir(root().join("wording")).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            files.push((name, std::fs::read_to_string(path).unwrap()));
        }
        let files: Vec<(&str, &str)> = files
            .iter()
            .map(|(a, b)| (a.as_str(), b.as_str()))
            .collect();
        let wording = Wording::load(&files).unwrap();
        Self {
            places: Places::new(&city, wording.names()),
            city,
            wording,
        }
    }

    fn desk(&self) -> Desk<'_> {
        Desk {
            city: &self.city,
            places: &self.places,
            wording: &self.wording,
            directory: "v1",
        }
    }
}

fn code(text: &str) -> AreaCode {
    AreaCode::parse(text).unwrap()
}

const A: &str = "440106014000";
const B: &str = "440106002000";

/// Minutes after 14:00 on a day.
fn at(minutes: i64) -> Time {
    let noon = Time::parse("2023-09-07T14:00:00+08:00").unwrap().0;
    Time::from_millis(noon.millis() + minutes * 60_000)
}

fn warning(
    hazard: Hazard,
    revision: u32,
    event: Event,
    areas: &[(&str, Tier, Tier)],
    minute: i64,
) -> Warning {
    let zone = code("440106000000");
    let areas: BTreeMap<AreaCode, AreaTier> = areas
        .iter()
        .map(|(area, tier, reached)| {
            let tier = AreaTier {
                tier: *tier,
                reached: *reached,
                onset: at(minute),
            };
            (code(area), tier)
        })
        .collect();
    Warning {
        id: WarningId::derive(code("440100000000"), Mode::Actual, hazard, zone, at(0)),
        revision,
        event,
        mode: Mode::Actual,
        hazard,
        name: Named::default(),
        zone,
        authority: "44010036000000".into(),
        time: at(minute),
        first_rise: at(0),
        areas,
        sites: BTreeMap::new(),
        rule: "waterlogging".into(),
        evidence: Vec::new(),
        past: false,
        unconfirmed: false,
        expires: at(minute + 180),
        signed_by: vec!["lin".into(), "chen".into()],
        text: BTreeMap::new(),
        relay: None,
    }
}

fn step(planner: &mut Planner, fixture: &Fixture, minute: i64, warning: &Warning) -> Vec<Intent> {
    let mut out = Vec::new();
    planner.step(at(minute), warning, &fixture.desk(), &mut out);
    let ids: BTreeSet<_> = out.iter().map(|intent| intent.id).collect();
    assert_eq!(ids.len(), out.len(), "two intents of one identity");
    for intent in &out {
        assert!(!intent.audience.is_empty(), "an empty audience: {intent:?}");
        assert!(intent.not_after > intent.created);
        let text = serde_json::to_string(intent).unwrap();
        assert_eq!(&serde_json::from_str::<Intent>(&text).unwrap(), intent);
    }
    out
}

/// (reach, channel, purpose, tier, first area) of each intent on ways that ring.
fn rings(intents: &[Intent]) -> Vec<(Reach, Purpose, Tier, Vec<String>)> {
    intents
        .iter()
        .filter(|intent| intent.channel == Channel::Sms)
        .map(|intent| {
            (
                intent.audience.reach,
                intent.purpose,
                intent.tier,
                intent
                    .audience
                    .areas
                    .iter()
                    .map(ToString::to_string)
                    .collect(),
            )
        })
        .collect()
}

#[test]
fn a_proposal_reaches_only_the_responsible_and_goes_by_what_was_reached() {
    let fixture = Fixture::new();
    let mut planner = Planner::default();
    let proposal = warning(
        Hazard::Waterlogging,
        1,
        Event::Proposed,
        &[
            (A, Tier::Orange, Tier::Yellow),
            (B, Tier::Yellow, Tier::None),
        ],
        0,
    );
    let out = step(&mut planner, &fixture, 1, &proposal);
    assert!(
        out.iter()
            .all(|intent| intent.audience.reach == Reach::Responsible)
    );
    assert_eq!(
        rings(&out),
        [(
            Reach::Responsible,
            Purpose::Reminder,
            Tier::Yellow,
            vec![A.to_owned()]
        )]
    );
    // Again the same: nobody is rung.
    assert!(
        step(
            &mut planner,
            &fixture,
            2,
            &Warning {
                revision: 2,
                ..proposal
            }
        )
        .is_empty()
    );
}

#[test]
fn each_place_hears_only_what_changed_there() {
    let fixture = Fixture::new();
    let mut planner = Planner::default();
    let issue = |revision, event, areas: &[(&str, Tier, Tier)], minute| {
        warning(Hazard::Waterlogging, revision, event, areas, minute)
    };
    let first = issue(1, Event::Issued, &[(A, Tier::Yellow, Tier::Yellow)], 0);
    let out = step(&mut planner, &fixture, 1, &first);
    assert!(rings(&out).contains(&(Reach::Public, Purpose::Alert, Tier::Yellow, vec![A.into()])));
    let sms = out
        .iter()
        .find(|i| i.channel == Channel::Sms && i.audience.reach == Reach::Public)
        .unwrap();
    assert!(
        sms.words[0].text.contains("内涝黄色预警"),
        "{}",
        sms.words[0].text
    );

    // B joins at the same tier: A is not rung.
    let second = issue(
        2,
        Event::Updated,
        &[
            (A, Tier::Yellow, Tier::Yellow),
            (B, Tier::Yellow, Tier::Yellow),
        ],
        5,
    );
    let out = step(&mut planner, &fixture, 6, &second);
    let public: Vec<_> = rings(&out)
        .into_iter()
        .filter(|r| r.0 == Reach::Public)
        .collect();
    assert_eq!(
        public,
        [(Reach::Public, Purpose::Alert, Tier::Yellow, vec![B.into()])]
    );

    // A renewal rings nobody, but its CAP document goes out.
    let third = Warning {
        revision: 3,
        ..second.clone()
    };
    let out = step(&mut planner, &fixture, 60, &third);
    assert_eq!(rings(&out), []);
    assert!(out.iter().any(|i| i.channel == Channel::Cap));
    assert!(
        out.iter()
            .all(|i| matches!(i.channel, Channel::Cap | Channel::Webhook))
    );

    // A rises while B falls.
    let fourth = issue(
        4,
        Event::Updated,
        &[(A, Tier::Red, Tier::Red), (B, Tier::Blue, Tier::Blue)],
        61,
    );
    let out = step(&mut planner, &fixture, 62, &fourth);
    let public: Vec<_> = rings(&out)
        .into_iter()
        .filter(|r| r.0 == Reach::Public)
        .collect();
    assert_eq!(
        public,
        [
            (Reach::Public, Purpose::Rise, Tier::Red, vec![A.into()]),
            (Reach::Public, Purpose::Fall, Tier::Blue, vec![B.into()]),
            // Who of B has not heard of any tier yet hears of the one that is left.
            (Reach::Public, Purpose::Alert, Tier::Blue, vec![B.into()]),
        ]
    );

    // The end goes to both, each in the words of the tier it knew.
    let end = issue(
        5,
        Event::Ended,
        &[(A, Tier::None, Tier::None), (B, Tier::None, Tier::None)],
        120,
    );
    let out = step(&mut planner, &fixture, 121, &end);
    let ended: Vec<_> = rings(&out)
        .into_iter()
        .filter(|r| r.1 == Purpose::Ended)
        .collect();
    assert_eq!(ended.len(), 2);
    assert!(
        out.iter()
            .filter(|i| i.purpose == Purpose::Ended && i.channel == Channel::Sms)
            .all(|i| i.only_told)
    );
    assert_eq!(
        planner.last_told(end.id, Reach::Public, Channel::Sms, &format!("area/{A}")),
        Tier::None
    );
}

#[test]
fn what_we_may_not_issue_is_requested_once_and_never_coloured() {
    let fixture = Fixture::new();
    let mut planner = Planner::default();
    let rain = warning(
        Hazard::Rainstorm,
        1,
        Event::Issued,
        &[(A, Tier::Red, Tier::Red)],
        0,
    );
    let out = step(&mut planner, &fixture, 1, &rain);
    assert!(
        out.iter()
            .all(|intent| intent.audience.reach != Reach::Public)
    );
    let requests: Vec<&Intent> = out
        .iter()
        .filter(|i| i.purpose == Purpose::Request)
        .collect();
    assert_eq!(requests.len(), 2);
    assert!(
        requests
            .iter()
            .all(|i| i.audience.authority.as_deref() == Some("44010041600000"))
    );
    for message in out.iter().flat_map(|intent| &intent.words) {
        let all = format!("{}{}{}", message.subject, message.text, message.instruction);
        assert!(!all.contains("红色") && !all.contains("RED"), "{all}");
    }
    let again = Warning {
        revision: 2,
        ..rain.clone()
    };
    assert!(step(&mut planner, &fixture, 2, &again).is_empty());
    // What is taken back is said by the same ways, once, and may be asked again later.
    for event in [Event::Cancelled, Event::Ended, Event::Updated] {
        let mut planner = planner.clone();
        let over = Warning {
            revision: 3,
            event,
            ..warning(
                Hazard::Rainstorm,
                3,
                event,
                &[(A, Tier::None, Tier::None)],
                9,
            )
        };
        let to_office = |out: &[Intent]| -> Vec<(Purpose, Channel)> {
            let office = |i: &&Intent| i.audience.authority.as_deref() == Some("44010041600000");
            let out = out.iter().filter(office);
            out.map(|i| (i.purpose, i.channel)).collect()
        };
        let out = step(&mut planner, &fixture, 10, &over);
        let ways = [
            (Purpose::RequestOver, Channel::Email),
            (Purpose::RequestOver, Channel::Webhook),
        ];
        assert_eq!(to_office(&out), ways, "{event:?}");
        assert!(step(&mut planner, &fixture, 11, &over).is_empty());
        let anew = Warning {
            revision: 4,
            ..rain.clone()
        };
        assert_eq!(to_office(&step(&mut planner, &fixture, 12, &anew)).len(), 2);
    }
}

#[test]
fn sites_go_by_their_own_measurement_and_name_it() {
    let fixture = Fixture::new();
    let site = fixture
        .city
        .sites
        .iter()
        .find(|s| !s.actuators.is_empty())
        .unwrap();
    let area = fixture.city.area(site.area).unwrap().code;
    let mut planner = Planner::default();
    let mut proposal = warning(Hazard::Waterlogging, 1, Event::Proposed, &[], 0);
    let tier = SiteTier {
        area,
        tier: Tier::Red,
        onset: at(0),
    };
    proposal.sites.insert(site.id.clone(), tier);
    proposal.evidence.push(Evidence {
        rule: "waterlogging".into(),
        version: "1".into(),
        subject: site.id.clone(),
        tier: Tier::Red,
        time: at(0),
        values: BTreeMap::from([("water_depth.last()".into(), "0.52".into())]),
        unconfirmed: false,
    });
    let out = step(&mut planner, &fixture, 1, &proposal);
    let device = out.iter().find(|i| i.channel == Channel::Device).unwrap();
    assert_eq!(
        (device.purpose, device.audience.sites.as_slice()),
        (Purpose::SiteAlarm, [site.id.clone()].as_slice())
    );
    let person = out.iter().find(|i| i.channel == Channel::Sms).unwrap();
    let text = &person.words[0].text;
    assert!(
        text.contains(&site.name.zh) && text.contains("积水0.52米"),
        "{text}"
    );
    assert!(text.contains("回1") && text.contains("立即封闭"), "{text}");
    // Water falls while the warning is still a proposal: those asked are told, nothing opens.
    if let Some(site) = proposal.sites.get_mut(&site.id) {
        site.tier = Tier::None;
    }
    proposal.revision = 2;
    let out = step(&mut planner, &fixture, 30, &proposal);
    assert!(
        out.iter()
            .all(|i| i.purpose == Purpose::StandDown && i.channel != Channel::Device)
    );
    assert!(!out.is_empty());
}

#[test]
fn past_and_unconfirmed_are_never_automatic() {
    let fixture = Fixture::new();
    let mut planner = Planner::default();
    let rise = warning(
        Hazard::Waterlogging,
        1,
        Event::Proposed,
        &[(A, Tier::Red, Tier::Red)],
        0,
    );
    let past = Warning {
        past: true,
        ..rise.clone()
    };
    assert!(step(&mut planner, &fixture, 1, &past).is_empty());
    let suspect = Warning {
        unconfirmed: true,
        ..rise.clone()
    };
    assert!(step(&mut planner, &fixture, 1, &suspect).is_empty());
    let test = Warning {
        mode: Mode::Test,
        ..rise.clone()
    };
    assert!(step(&mut planner, &fixture, 1, &test).is_empty());
    let drill = Warning {
        mode: Mode::Exercise,
        event: Event::Issued,
        ..rise.clone()
    };
    let out = step(&mut planner, &fixture, 1, &drill);
    // Whom of these an exercise tells its white list decides; the public is in none.
    assert!(out.iter().all(|i| i.audience.reach != Reach::Public));
    let mut kept = Vec::new();
    drop(Planner::default().public(at(1), &drill, &fixture.desk(), &mut kept));
    assert!(kept.iter().any(|i| i.audience.reach == Reach::Public));
    assert!(
        out.iter()
            .flat_map(|i| &i.words)
            .all(|w| w.text.contains("演练") || w.text.contains("EXERCISE"))
    );
    // A person who signs a suspect rise has confirmed it.
    let mut planner = Planner::default();
    let signed = Warning {
        unconfirmed: true,
        event: Event::Issued,
        ..rise
    };
    assert!(!step(&mut planner, &fixture, 1, &signed).is_empty());
}

#[test]
fn falls_wait_for_the_morning_and_a_new_rise_takes_them_back() {
    let fixture = Fixture::new();
    let mut planner = Planner::default();
    let night = 9 * 60;
    let issue = |revision, tier: Tier, minute| {
        warning(
            Hazard::Waterlogging,
            revision,
            Event::Updated,
            &[(A, tier, tier)],
            minute,
        )
    };
    step(
        &mut planner,
        &fixture,
        night,
        &issue(1, Tier::Orange, night),
    );
    let out = step(
        &mut planner,
        &fixture,
        night + 60,
        &issue(2, Tier::Yellow, night + 60),
    );
    let fall = out
        .iter()
        .find(|i| i.channel == Channel::Sms && i.audience.reach == Reach::Public)
        .unwrap();
    let morning = Time::parse("2023-09-08T07:00:00+08:00").unwrap().0;
    assert_eq!(
        (fall.purpose, fall.not_before),
        (Purpose::Fall, Some(morning))
    );
    let mail = out
        .iter()
        .find(|i| i.channel == Channel::Email && i.audience.reach == Reach::Public)
        .unwrap();
    assert_eq!(mail.not_before, None);
    // Orange again at two in the morning: by short message they never heard of yellow.
    let out = step(
        &mut planner,
        &fixture,
        night + 180,
        &issue(3, Tier::Orange, night + 180),
    );
    let public: Vec<_> = rings(&out)
        .into_iter()
        .filter(|r| r.0 == Reach::Public)
        .collect();
    assert_eq!(
        public.iter().map(|ring| ring.1).collect::<Vec<_>>(),
        [Purpose::Withdraw, Purpose::Alert],
        "who missed the first orange hears of this one"
    );
    // Red wakes them.
    let out = step(
        &mut planner,
        &fixture,
        night + 200,
        &issue(4, Tier::Red, night + 200),
    );
    let red = out
        .iter()
        .find(|i| i.channel == Channel::Sms && i.audience.reach == Reach::Public)
        .unwrap();
    assert_eq!((red.purpose, red.not_before), (Purpose::Rise, None));
    // A cancel does not wait.
    let cancel = Warning {
        event: Event::Cancelled,
        ..issue(5, Tier::None, night + 210)
    };
    let out = step(&mut planner, &fixture, night + 210, &cancel);
    let cancel = out
        .iter()
        .find(|i| i.channel == Channel::Sms && i.audience.reach == Reach::Public)
        .unwrap();
    assert_eq!(
        (cancel.purpose, cancel.not_before, cancel.tier),
        (Purpose::Cancelled, None, Tier::Red)
    );
}

#[test]
fn a_snapshot_goes_on_as_if_nothing_happened() {
    let fixture = Fixture::new();
    let mut planner = Planner::default();
    let first = warning(
        Hazard::Waterlogging,
        1,
        Event::Issued,
        &[(A, Tier::Yellow, Tier::Yellow)],
        0,
    );
    step(&mut planner, &fixture, 1, &first);
    let text = serde_json::to_string(&planner).unwrap();
    let mut copy: Planner = serde_json::from_str(&text).unwrap();
    assert_eq!(copy, planner);
    let second = warning(
        Hazard::Waterlogging,
        2,
        Event::Updated,
        &[(A, Tier::Red, Tier::Red)],
        5,
    );
    assert_eq!(
        step(&mut copy, &fixture, 6, &second),
        step(&mut planner, &fixture, 6, &second)
    );
}

#[path = "plan/arriving.rs"]
mod arriving;
#[path = "plan/classes.rs"]
mod classes;
#[path = "plan/deeper.rs"]
mod deeper;
#[path = "plan/digest.rs"]
mod digest;
#[path = "plan/eases.rs"]
mod eases;
#[path = "plan/moving.rs"]
mod moving;
#[path = "plan/nested.rs"]
mod nested;
#[path = "plan/orders.rs"]
mod orders;
#[path = "plan/shown.rs"]
mod shown;
