//! Water that rises on while its tier stands rings again by the city's step, and a centimetre rings nobody.

use super::*;
use proptest::prelude::*;
use std::sync::LazyLock;

/// The demo city, told again of each further 10 cm.
static CITY: LazyLock<Fixture> = LazyLock::new(|| {
    let mut fixture = Fixture::new();
    fixture.city.policy.telling.depth_step_cm = Some(10);
    fixture
});

/// A culvert of the demo city, and the township that it lies in.
fn culvert() -> (String, AreaCode) {
    let site = CITY.city.sites.iter().find(|site| site.kind == "culvert");
    let site = site.unwrap();
    (site.id.clone(), CITY.city.area(site.area).unwrap().code)
}

/// A proposal that names the culvert at a tier, with the depth behind it in metres.
fn flooded(revision: u32, tier: Tier, depth: &str, minute: i64) -> Warning {
    let (id, area) = culvert();
    let mut water = warning(Hazard::Waterlogging, revision, Event::Proposed, &[], minute);
    let there = SiteTier {
        tier,
        onset: at(minute),
        area,
    };
    water.sites.insert(id.clone(), there);
    water.evidence.push(Evidence {
        rule: "waterlogging".into(),
        version: "1".into(),
        subject: id,
        tier,
        time: at(minute),
        values: BTreeMap::from([("water_depth.last()".to_owned(), depth.to_owned())]),
        unconfirmed: false,
    });
    water
}

/// What its people read by short message at a minute at which the water stands so deep, in centimetres.
fn heard(planner: &mut Planner, minute: i64, cm: i64, standing: &Warning) -> Vec<String> {
    let (id, _) = culvert();
    let standing = BTreeMap::from([(standing.id, standing.clone())]);
    let depth = |site: &str| (site == id).then_some(cm * 100);
    let mut out = Vec::new();
    planner.deeper(at(minute), &standing, depth, &CITY.desk(), &mut out);
    let ids: BTreeSet<_> = out.iter().map(|intent| intent.id).collect();
    assert_eq!(ids.len(), out.len(), "two intents of one identity");
    let sms = out.iter().filter(|intent| intent.channel == Channel::Sms);
    sms.map(|intent| {
        assert_eq!(intent.audience.reach, Reach::Responsible);
        assert_eq!(intent.audience.sites, std::slice::from_ref(&id));
        assert_eq!(intent.purpose, Purpose::Reminder);
        intent.words[0].text.clone()
    })
    .collect()
}

#[test]
fn each_step_rings_once_and_names_the_depth() {
    let mut planner = Planner::default();
    let water = flooded(1, Tier::Orange, "0.30", 0);
    let first = super::step(&mut planner, &CITY, 0, &water);
    let known: BTreeSet<_> = first.iter().map(|intent| intent.id).collect();
    assert!(!first.is_empty());
    for (minute, cm) in [(1, 30), (2, 31), (3, 39)] {
        assert_eq!(heard(&mut planner, minute, cm, &water), [""; 0]);
    }
    let said = heard(&mut planner, 4, 42, &water);
    assert_eq!(said.len(), 1);
    assert!(said[0].contains("积水0.42米"), "{said:?}");
    // It falls and comes back, and is looked at once a minute.
    for (minute, cm) in [(4, 90), (5, 30), (6, 42), (7, 51)] {
        assert_eq!(heard(&mut planner, minute, cm, &water), [""; 0], "{minute}");
    }
    let text = serde_json::to_string(&planner).unwrap();
    let mut copy: Planner = serde_json::from_str(&text).unwrap();
    assert_eq!(copy, planner);
    let said = heard(&mut planner, 8, 52, &water);
    assert_eq!(said, heard(&mut copy, 8, 52, &water));
    assert_eq!(said.len(), 1);
    // A higher tier is a word of its own, and begins anew from the depth that it named.
    let higher = flooded(2, Tier::Red, "0.55", 9);
    let out = super::step(&mut planner, &CITY, 9, &higher);
    assert!(out.iter().all(|intent| !known.contains(&intent.id)));
    assert_eq!(heard(&mut planner, 10, 64, &higher), [""; 0]);
    assert_eq!(heard(&mut planner, 11, 65, &higher).len(), 1);
}

#[test]
fn nobody_hears_of_it_who_was_told_nothing_or_where_the_city_wants_no_step() {
    let mut planner = Planner::default();
    let water = flooded(1, Tier::Orange, "0.30", 0);
    assert_eq!(heard(&mut planner, 1, 90, &water), [""; 0]);
    let plain = Fixture::new();
    let mut planner = Planner::default();
    super::step(&mut planner, &plain, 0, &water);
    let before = serde_json::to_string(&planner).unwrap();
    let standing = BTreeMap::from([(water.id, water)]);
    let mut out = Vec::new();
    planner.deeper(at(1), &standing, |_| Some(9_999), &plain.desk(), &mut out);
    assert_eq!(out, []);
    assert_eq!(serde_json::to_string(&planner).unwrap(), before);
    assert!(!before.contains("depth") && !before.contains("looked"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    /// Against the deepest that was said: it rings where the water is ten centimetres above that.
    #[test]
    fn what_was_said_is_never_more_than_a_step_behind(
        depths in proptest::collection::vec(20i64..120, 1..30),
    ) {
        let mut planner = Planner::default();
        let water = flooded(1, Tier::Orange, "0.30", 0);
        super::step(&mut planner, &CITY, 0, &water);
        let mut said = 30;
        for (minute, cm) in (1..).zip(depths) {
            let rings = cm >= said + 10;
            let heard = heard(&mut planner, minute, cm, &water);
            prop_assert_eq!(heard.len(), usize::from(rings), "{} after {}", cm, said);
            if rings {
                // As people say it: 1.1, not 1.10.
                let metres = format!("{}.{:02}", cm / 100, cm % 100);
                let metres = metres.trim_end_matches('0').trim_end_matches('.');
                let named = format!("积水{metres}米");
                prop_assert!(heard[0].contains(&named), "{named}: {}", heard[0]);
                said = cm;
            }
        }
    }
}
