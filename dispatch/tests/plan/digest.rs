//! What is low and ours waits for the end of the period and is then one message; what is higher, or not
//! ours, or signed for the public, never waits.

use super::*;
use model::release::Flow;
use model::signal::SignalKind;
use model::telling::Digest;
use model::warning::Relayed;
use proptest::prelude::*;
use std::sync::LazyLock;

/// The demo city with a digest of blue, twice an hour.
static CITY: LazyLock<Fixture> = LazyLock::new(|| {
    let mut fixture = Fixture::new();
    fixture.city.policy.telling.quiet = QuietHours { from: 0, to: 0 };
    fixture.city.policy.telling.digest = Some(Digest {
        tier: Tier::Blue,
        every_minutes: 30,
    });
    fixture
});

fn at_areas(hazard: Hazard, revision: u32, tiers: [Tier; 2], minute: i64) -> Warning {
    let event = if revision == 1 {
        Event::Issued
    } else {
        Event::Updated
    };
    let areas = [(A, tiers[0], tiers[0]), (B, tiers[1], tiers[1])];
    warning(hazard, revision, event, &areas, minute)
}

fn acts(planner: &mut Planner, minute: i64, warning: &Warning) -> Vec<Intent> {
    super::step(planner, &CITY, minute, warning)
}

/// What is said at a minute by itself.
fn passes(planner: &mut Planner, minute: i64) -> Vec<Intent> {
    let mut out = Vec::new();
    planner.gathered(at(minute), &BTreeMap::new(), &CITY.desk(), &mut out);
    let ids: BTreeSet<_> = out.iter().map(|intent| intent.id).collect();
    assert_eq!(ids.len(), out.len(), "two intents of one identity");
    for intent in &out {
        let text = serde_json::to_string(intent).unwrap();
        assert_eq!(&serde_json::from_str::<Intent>(&text).unwrap(), intent);
    }
    out
}

/// What the responsible persons of a place read by short message: why, and the words.
fn heard(out: &[Intent], place: &str) -> Vec<(Purpose, String)> {
    let sms = out.iter().filter(|intent| {
        intent.channel == Channel::Sms
            && intent.audience.reach == Reach::Responsible
            && intent.audience.areas.contains(&code(place))
    });
    sms.map(|intent| (intent.purpose, intent.words[0].text.clone()))
        .collect()
}

#[test]
fn what_is_low_is_said_once_in_a_period_and_together() {
    let mut planner = Planner::default();
    let low = [Tier::Blue, Tier::None];
    let water = at_areas(Hazard::Waterlogging, 1, low, 1);
    let slope = at_areas(Hazard::Landslide, 1, low, 5);
    let first = acts(&mut planner, 1, &water);
    assert_eq!(heard(&first, A), []);
    // What a person released to the public leaves at once.
    assert!(first.iter().any(|i| i.audience.reach == Reach::Public));
    assert_eq!(heard(&acts(&mut planner, 5, &slope), A), []);
    for minute in 1..30 {
        assert_eq!(passes(&mut planner, minute), []);
    }
    // A snapshot goes on as if nothing had happened, and one without a digest is read.
    let text = serde_json::to_string(&planner).unwrap();
    let mut copy: Planner = serde_json::from_str(&text).unwrap();
    assert_eq!(copy, planner);
    let out = passes(&mut planner, 30);
    assert_eq!(passes(&mut copy, 30), out);
    assert!(!serde_json::to_string(&copy).unwrap().contains("held"));
    let said = heard(&out, A);
    assert_eq!(said.len(), 1, "{said:?}");
    assert_eq!(said[0].0, Purpose::Digest);
    for hazard in [Hazard::Waterlogging, Hazard::Landslide] {
        let name = format!("{}蓝色", hazard.zh());
        assert!(said[0].1.contains(&name), "{name}: {}", said[0].1);
    }
    // One for each channel, under the one that came first, and nothing of it is said again.
    let channels: Vec<Channel> = out.iter().map(|intent| intent.channel).collect();
    let once: BTreeSet<Channel> = channels.iter().copied().collect();
    assert_eq!(once.len(), channels.len());
    assert!(out.iter().all(|intent| intent.warning == water.id));
    assert_eq!(
        planner.last_told(
            slope.id,
            Reach::Responsible,
            Channel::Sms,
            &format!("area/{A}")
        ),
        Tier::Blue
    );
    let again = at_areas(Hazard::Waterlogging, 2, low, 40);
    assert_eq!(heard(&acts(&mut planner, 40, &again), A), []);
    assert_eq!(passes(&mut planner, 60), []);
}

#[test]
fn a_rise_above_takes_all_of_its_warning_out_and_leaves_the_others() {
    let mut planner = Planner::default();
    let (none, blue) = (Tier::None, Tier::Blue);
    acts(
        &mut planner,
        1,
        &at_areas(Hazard::Waterlogging, 1, [blue, blue], 1),
    );
    acts(
        &mut planner,
        2,
        &at_areas(Hazard::Landslide, 1, [none, blue], 2),
    );
    let risen = at_areas(Hazard::Waterlogging, 2, [Tier::Yellow, blue], 9);
    let out = acts(&mut planner, 9, &risen);
    for place in [A, B] {
        let said = heard(&out, place);
        assert_eq!(said.len(), 1, "{place}: {said:?}");
        assert_eq!(said[0].0, Purpose::Reminder);
    }
    let out = passes(&mut planner, 30);
    assert_eq!(heard(&out, A), []);
    let said = heard(&out, B);
    assert_eq!(said.len(), 1);
    assert!(
        !said[0].1.contains(Hazard::Waterlogging.zh()),
        "{}",
        said[0].1
    );
    // What falls from above does not wait.
    let fallen = at_areas(Hazard::Waterlogging, 3, [blue, blue], 40);
    let said = heard(&acts(&mut planner, 40, &fallen), A);
    assert_eq!(said.len(), 1);
    assert_eq!(said[0].0, Purpose::StandDown);
}

#[test]
fn what_came_to_nothing_is_not_said_and_what_ended_is() {
    let mut planner = Planner::default();
    let low = [Tier::Blue, Tier::None];
    acts(&mut planner, 1, &at_areas(Hazard::Waterlogging, 1, low, 1));
    let gone = at_areas(Hazard::Waterlogging, 2, [Tier::None; 2], 20);
    acts(&mut planner, 20, &gone);
    assert_eq!(passes(&mut planner, 30), []);

    acts(
        &mut planner,
        31,
        &at_areas(Hazard::Waterlogging, 3, low, 31),
    );
    assert_eq!(heard(&passes(&mut planner, 60), A).len(), 1);
    let mut end = at_areas(Hazard::Waterlogging, 4, [Tier::None; 2], 70);
    end.event = Event::Ended;
    assert_eq!(heard(&acts(&mut planner, 70, &end), A), []);
    let said = heard(&passes(&mut planner, 90), A);
    assert_eq!(said.len(), 1);
    let name = format!("{}蓝色解除", Hazard::Waterlogging.zh());
    assert!(said[0].1.contains(&name), "{}", said[0].1);
    assert_eq!(planner, {
        let text = serde_json::to_string(&planner).unwrap();
        serde_json::from_str::<Planner>(&text).unwrap()
    });
}

#[test]
fn what_a_person_takes_back_is_said_at_once() {
    let mut planner = Planner::default();
    let low = [Tier::Blue, Tier::None];
    acts(&mut planner, 1, &at_areas(Hazard::Waterlogging, 1, low, 1));
    assert_eq!(heard(&passes(&mut planner, 30), A).len(), 1);
    let mut back = at_areas(Hazard::Waterlogging, 2, [Tier::None; 2], 40);
    back.event = Event::Cancelled;
    let said = heard(&acts(&mut planner, 40, &back), A);
    assert_eq!(said.len(), 1);
    assert_eq!(said[0].0, Purpose::StandDown);
    assert_eq!(passes(&mut planner, 60), []);
}

#[test]
fn words_that_a_person_signed_are_said_at_once_and_take_what_waited_with_them() {
    let mut planner = Planner::default();
    let low = [Tier::Blue, Tier::None];
    acts(&mut planner, 1, &at_areas(Hazard::Waterlogging, 1, low, 1));
    let mut amended = at_areas(Hazard::Waterlogging, 2, low, 9);
    amended.text = BTreeMap::from([("zh".into(), "请立即封闭3号涵洞。".into())]);
    let said = heard(&acts(&mut planner, 9, &amended), A);
    assert_eq!(said.len(), 1);
    assert!(said[0].1.contains("封闭3号涵洞"), "{}", said[0].1);
    assert_eq!(passes(&mut planner, 30), []);
}

/// Yellow goes by short message and blue does not: what fell before it was said is said by neither.
#[test]
fn a_tier_that_holds_no_more_is_not_said_where_the_lower_one_goes_another_way() {
    let mut fixture = Fixture::new();
    let policy = &mut fixture.city.policy;
    policy.telling.digest = Some(Digest {
        tier: Tier::Yellow,
        every_minutes: 30,
    });
    let responsible = |flow: &&mut Flow| flow.reach == Reach::Responsible;
    let mut quiet = Vec::new();
    for flow in policy.flows.iter_mut().filter(responsible) {
        if flow.tiers.contains(&Tier::Blue) {
            flow.tiers.retain(|tier| *tier != Tier::Blue);
            let mut blue = flow.clone();
            blue.tiers = vec![Tier::Blue];
            blue.channels.retain(|channel| *channel != Channel::Sms);
            quiet.push(blue);
        }
    }
    assert!(!quiet.is_empty());
    policy.flows.extend(quiet);
    let mut planner = Planner::default();
    let high = at_areas(Hazard::Waterlogging, 1, [Tier::Yellow, Tier::None], 1);
    let fallen = at_areas(Hazard::Waterlogging, 2, [Tier::Blue, Tier::None], 9);
    assert_eq!(heard(&super::step(&mut planner, &fixture, 1, &high), A), []);
    assert_eq!(
        heard(&super::step(&mut planner, &fixture, 9, &fallen), A),
        []
    );
    let mut out = Vec::new();
    planner.gathered(at(30), &BTreeMap::new(), &fixture.desk(), &mut out);
    assert_eq!(heard(&out, A), []);
}

/// A signal of others, a site that is higher than the digest, and the devices there.
#[test]
fn what_is_not_ours_or_not_low_never_waits() {
    for tier in [Tier::Blue, Tier::Orange, Tier::Red] {
        let mut planner = Planner::default();
        let mut signal = at_areas(Hazard::Rainstorm, 1, [tier, Tier::None], 1);
        signal.relay = Some(Relayed {
            identifier: "44010041600000_20230907140000".into(),
            authority: model::AuthorityId::parse("44010041600000").unwrap(),
            sender_name: "穗城气象台".into(),
            sent: at(0),
            kind: SignalKind::Alert,
            texts: BTreeMap::new(),
        });
        acts(&mut planner, 1, &signal);
        assert_eq!(passes(&mut planner, 30), [], "{tier}");
    }
    let site = CITY.city.sites.iter().find(|site| site.kind == "culvert");
    let site = site.unwrap();
    let township = CITY.city.area(site.area).unwrap().code;
    let mut planner = Planner::default();
    let mut water = warning(Hazard::Waterlogging, 1, Event::Proposed, &[], 1);
    let there = |tier| SiteTier {
        tier,
        onset: at(1),
        area: township,
    };
    water.sites.insert(site.id.clone(), there(Tier::Orange));
    let at_once = acts(&mut planner, 1, &water);
    assert!(
        at_once
            .iter()
            .any(|i| i.audience.reach == Reach::Responsible)
    );
    // A low one waits, and what switches there does not.
    let mut planner = Planner::default();
    water.sites.insert(site.id.clone(), there(Tier::Blue));
    let out = acts(&mut planner, 1, &water);
    assert!(out.iter().all(|i| i.audience.reach == Reach::Device));
    let out = passes(&mut planner, 30);
    assert!(!out.is_empty());
    assert!(
        out.iter()
            .all(|i| i.audience.sites == std::slice::from_ref(&site.id))
    );
}

/// It speaks of other warnings: what is newer of the one it stands under does not take it away.
#[test]
fn a_digest_that_waits_in_a_queue_stays_there() {
    let mut planner = Planner::default();
    let low = [Tier::Blue, Tier::None];
    acts(&mut planner, 1, &at_areas(Hazard::Waterlogging, 1, low, 1));
    acts(&mut planner, 1, &at_areas(Hazard::Landslide, 1, low, 1));
    let digest = passes(&mut planner, 30);
    for hazard in [Hazard::Waterlogging, Hazard::Landslide] {
        let out = acts(&mut planner, 31, &at_areas(hazard, 2, [Tier::Red; 2], 31));
        for newer in &out {
            assert!(!digest.iter().any(|older| newer.supersedes(older)));
        }
    }
}

/// A city that does not want it any more says what waits at once.
#[test]
fn without_a_policy_nothing_waits() {
    let mut planner = Planner::default();
    let low = [Tier::Blue, Tier::None];
    acts(&mut planner, 1, &at_areas(Hazard::Waterlogging, 1, low, 1));
    let fixture = Fixture::new();
    assert_eq!(fixture.city.policy.telling.digest, None);
    let mut out = Vec::new();
    planner.gathered(at(2), &BTreeMap::new(), &fixture.desk(), &mut out);
    assert_eq!(heard(&out, A).len(), 1);
    let slope = at_areas(Hazard::Landslide, 1, low, 3);
    let out = super::step(&mut planner, &fixture, 3, &slope);
    assert_eq!(heard(&out, A).len(), 1);
}

const HAZARDS: [Hazard; 2] = [Hazard::Waterlogging, Hazard::Landslide];

/// A revision of one of two warnings, so many minutes after the one before.
#[derive(Clone, Debug)]
struct Step {
    after: i64,
    hazard: usize,
    tiers: [Tier; 2],
}

fn step_of() -> impl Strategy<Value = Step> {
    let tier = || proptest::sample::select(vec![Tier::None, Tier::Blue, Tier::Yellow]);
    (0i64..20, 0usize..2, [tier(), tier()]).prop_map(|(after, hazard, tiers)| Step {
        after,
        hazard,
        tiers,
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    /// Against a table of what each place knows of each hazard, and what it is still to be told.
    #[test]
    fn every_place_knows_in_the_end_what_holds_there(
        steps in proptest::collection::vec(step_of(), 1..14),
    ) {
        let places = [A, B];
        let mut planner = Planner::default();
        let mut known = [[Tier::None; 2]; 2];
        let mut waits = [[None; 2]; 2];
        let (mut revisions, mut minute) = ([0, 0], 1);
        for step in steps {
            for _ in 0..step.after {
                minute += 1;
                let out = passes(&mut planner, minute);
                for place in 0..2 {
                    let said = heard(&out, places[place]);
                    let due = waits[place].iter().any(Option::is_some) && minute % 30 == 0;
                    prop_assert_eq!(said.len(), usize::from(due), "minute {}", minute);
                    for hazard in 0..2 {
                        let named = due && said[0].1.contains(HAZARDS[hazard].zh());
                        prop_assert_eq!(named, due && waits[place][hazard].is_some());
                        if due && let Some(tier) = waits[place][hazard].take() {
                            known[place][hazard] = tier;
                        }
                    }
                }
            }
            let hazard = step.hazard;
            revisions[hazard] += 1;
            let act = at_areas(HAZARDS[hazard], revisions[hazard], step.tiers, minute);
            let out = acts(&mut planner, minute, &act);
            let is_low = step.tiers.iter().all(|tier| *tier <= Tier::Blue);
            for place in 0..2 {
                let (goal, before) = (step.tiers[place], known[place][hazard]);
                let is_new = goal != before;
                let is_held = is_new && is_low && before <= Tier::Blue;
                waits[place][hazard] = is_held.then_some(goal);
                let said = heard(&out, places[place]);
                prop_assert_eq!(said.len(), usize::from(is_new && !is_held), "{:?}", said);
                if !is_held {
                    known[place][hazard] = goal;
                }
            }
        }
    }
}
