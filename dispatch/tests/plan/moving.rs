//! Who moves while a warning is in force: who comes into it is told once, with the minute; who left
//! is told nothing but its end.

use super::*;
use dispatch::intent::RecipientNo;
use model::Move;
use proptest::prelude::*;

fn came(recipient: u32, from: Option<&str>, to: Option<&str>) -> Move {
    Move {
        recipient,
        from: from.map(code),
        to: to.map(code),
    }
}

fn issued(areas: &[(&str, Tier, Tier)]) -> Warning {
    warning(Hazard::Waterlogging, 1, Event::Issued, areas, 0)
}

/// What the zone says at that minute of who came.
fn told(planner: &mut Planner, fixture: &Fixture, minute: i64, standing: &Warning) -> Vec<Intent> {
    let standing = BTreeMap::from([(standing.id, standing.clone())]);
    let mut out = Vec::new();
    planner.came(at(minute), &standing, &fixture.desk(), &mut out);
    let ids: BTreeSet<_> = out.iter().map(|intent| intent.id).collect();
    assert_eq!(ids.len(), out.len(), "two intents of one identity");
    // A replay from a state at rest says the same.
    let text = serde_json::to_string(planner).unwrap();
    assert_eq!(&serde_json::from_str::<Planner>(&text).unwrap(), planner);
    out
}

#[test]
fn who_comes_hears_what_stands_there_and_who_left_hears_the_end() {
    let fixture = Fixture::new();
    let mut planner = Planner::default();
    let alert = issued(&[(A, Tier::Red, Tier::Red)]);
    let first = step(&mut planner, &fixture, 0, &alert);
    let alert_sms = first
        .iter()
        .find(|i| i.audience.reach == Reach::Public && i.channel == Channel::Sms)
        .unwrap();
    planner.moved(at(5), &[came(7, Some(B), Some(A)), came(9, None, Some(B))]);
    assert_eq!(
        told(&mut planner, &fixture, 5, &alert),
        [],
        "gathered to the minute"
    );
    let out = told(&mut planner, &fixture, 6, &alert);
    let channels: BTreeSet<_> = out.iter().map(|intent| intent.channel).collect();
    assert!(channels.contains(&Channel::Sms), "{channels:?}");
    for intent in &out {
        assert_eq!(intent.audience.came, [RecipientNo(7)]);
        assert_eq!(intent.audience.areas, [code(A)]);
        assert!(intent.only_new && intent.audience.alone);
        assert_eq!((intent.purpose, intent.tier), (Purpose::Alert, Tier::Red));
        let is_sms = intent.channel == Channel::Sms;
        assert!(!is_sms || intent.audience.roles == alert_sms.audience.roles);
        assert!(!intent.supersedes(alert_sms), "the others still hear it");
    }
    assert_eq!(told(&mut planner, &fixture, 7, &alert), [], "once");
    planner.moved(at(8), &[came(8, Some(A), Some(B)), came(6, Some(A), None)]);
    assert_eq!(
        told(&mut planner, &fixture, 9, &alert),
        [],
        "leaving says nothing"
    );
    planner.moved(at(10), &[came(6, None, Some(A))]);
    told(&mut planner, &fixture, 11, &alert);
    let over = warning(
        Hazard::Waterlogging,
        2,
        Event::Ended,
        &[(A, Tier::None, Tier::None)],
        20,
    );
    let out = step(&mut planner, &fixture, 20, &over);
    let ends: Vec<_> = out
        .iter()
        .filter(|i| i.audience.reach == Reach::Public && i.only_told)
        .collect();
    assert!(!ends.is_empty());
    for end in ends {
        assert_eq!(end.audience.also, [RecipientNo(8)], "6 is there again");
    }
    planner.moved(at(21), &[came(5, None, Some(A))]);
    assert_eq!(
        told(&mut planner, &fixture, 22, &over),
        [],
        "nothing stands there"
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Against a list of where everybody is: told at a whole minute is who came since the one before
    /// and is there, where the public was told anything.
    #[test]
    fn told_is_who_came_and_is_there(
        moves in proptest::collection::vec((0u32..6, 0usize..3, 0i64..4), 0..30),
    ) {
        let fixture = &*DEMO;
        let mut planner = Planner::default();
        let alert = issued(&[(A, Tier::Red, Tier::Red), (B, Tier::Orange, Tier::Orange)]);
        step(&mut planner, fixture, 0, &alert);
        let places = [Some(A), Some(B), None];
        let mut lives: BTreeMap<u32, Option<&str>> = BTreeMap::new();
        let mut waiting: BTreeSet<u32> = BTreeSet::new();
        let (mut minute, mut since) = (1, 1);
        for (who, to, later) in moves {
            minute += later;
            let out = told(&mut planner, fixture, minute, &alert);
            let mut found: BTreeMap<&str, Vec<u32>> = BTreeMap::new();
            for intent in out.iter().filter(|intent| intent.channel == Channel::Sms) {
                let area = if intent.audience.areas == [code(A)] { A } else { B };
                found.insert(area, intent.audience.came.iter().map(|no| no.0).collect());
            }
            let mut expected: BTreeMap<&str, Vec<u32>> = BTreeMap::new();
            if minute > since {
                for who in std::mem::take(&mut waiting) {
                    if let Some(Some(area)) = lives.get(&who) {
                        expected.entry(*area).or_default().push(who);
                    }
                }
            }
            prop_assert_eq!(found, expected);
            let from = lives.get(&who).copied().flatten();
            let to = places[to];
            if from == to {
                continue;
            }
            planner.moved(at(minute), &[came(who, from, to)]);
            lives.insert(who, to);
            waiting.remove(&who);
            if to.is_some() {
                since = if waiting.is_empty() { minute } else { since };
                waiting.insert(who);
            }
        }
    }
}
