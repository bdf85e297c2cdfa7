//! How a subject stands is what its changes of tier say before and after.
#![expect(
    clippy::unwrap_used,
    reason = "a subject that is not there ends its test"
)]

use super::little::*;
use model::{Span, Tier};
use proptest::prelude::*;
use rules::{Effect, Outlook, Policy, TierOutlook};

const LINES: &str = "blue = 'rainfall.sum(\"10m\") >= 5'\nred = 'rainfall.sum(\"10m\") >= 20'\n\
    raise = { after = \"3m\" }\nlower = { after = \"4m\", when = 'rainfall.sum(\"2m\") < 1.0' }";

fn of(outlook: &Outlook, tier: Tier) -> &TierOutlook {
    outlook.tiers.iter().find(|held| held.tier == tier).unwrap()
}

#[test]
fn nothing_is_known_of_what_is_not_there() {
    let (city, rulebook) = (
        city(&gauges(1), NO_SITES),
        rulebook(&rule("rain", "11B03", LINES)),
    );
    let mut engine = engine(&city, &rulebook, Policy::Replay);
    assert!(engine.outlook("rain", "G1").is_none(), "nothing observed");
    rain(&mut engine, 0, 1, 1, &mut Vec::new());
    assert!(engine.outlook("rain", "G1").is_some());
    assert!(engine.outlook("rain", "G2").is_none());
    assert!(engine.outlook("snow", "G1").is_none());
}

#[test]
fn a_threshold_that_a_site_does_not_have_is_said() {
    let lines = "subject = \"site\"\nblue = 'water_depth.last() >= site.blue'\n\
        red = 'water_depth.last() * 2.0 - 0.1 > site.red'";
    let rulebook = rulebook(&rule("culvert", "11A02", lines));
    let stations = [format!("W1,depth_sensor,{SOUTH},water_depth,60")];
    let sites = format!(
        "id,name,kind,lon,lat,area,station,blue,red\nC1,甲,culvert,113.05,23.02,{SOUTH},W1,,0.5\n"
    );
    let city = city(&stations, &sites);
    let mut engine = engine(&city, &rulebook, Policy::Replay);
    let row = reading(0, model::Parameter::WaterDepth, 1, 2000);
    engine.observe(at(1), &row, &mut Vec::new());
    let outlook = engine.outlook("culvert", "C1").unwrap();
    let blue = &of(&outlook, Tier::Blue).rise.compared[0];
    assert_eq!((&blue.bound, blue.holds), (&None, Some(false)));
    // 2 · 0.2 − 0.1 > 0.5 is 0.2 > 0.3.
    let red = &of(&outlook, Tier::Red).rise.compared[0];
    let texts = [&red.value, &red.bound, &red.short].map(|text| text.as_deref());
    assert_eq!(
        (red.test, texts),
        (">", [Some("0.2"), Some("0.3"), Some("0.1")])
    );
}

proptest! {
    #[test]
    fn what_is_said_to_come_comes(
        values in prop::collection::vec(prop_oneof![3 => 0..2i32, 1 => 2..8i32], 1..80),
    ) {
        let (city, rulebook) = (city(&gauges(1), NO_SITES), rulebook(&rule("rain", "11B03", LINES)));
        let mut engine = engine(&city, &rulebook, Policy::Replay);
        let (mut tier, mut before): (Tier, Option<Outlook>) = (Tier::None, None);
        for (minute, value) in (1i64..).zip(&values) {
            let mut out = Vec::new();
            engine.tick(at(minute), &mut out);
            rain(&mut engine, 0, minute, *value, &mut out);
            for effect in &out {
                let Effect::Signal(change) = effect else { continue };
                prop_assert_eq!(change.from, tier);
                tier = change.to;
                let before = before.as_ref().unwrap();
                if change.to > change.from {
                    prop_assert_eq!(of(before, change.to).rises, Some(change.time));
                } else {
                    // One more minute and it had been gone for four.
                    let quiet = of(before, change.from).quiet;
                    prop_assert!(quiet >= Some(Span::from_minutes(3)), "{:?}", before);
                }
            }
            let outlook = engine.outlook("rain", "G1").unwrap();
            prop_assert_eq!(outlook.time, at(minute));
            prop_assert_eq!(outlook.tier, tier);
            let sum = |minutes: usize| values[..minute as usize].iter().rev().take(minutes).sum::<i32>();
            for (tier, bound) in [(Tier::Blue, 5), (Tier::Red, 20)] {
                let held = of(&outlook, tier);
                let compared = &held.rise.compared[0];
                let text = |number: i32| Some(number.to_string());
                prop_assert_eq!(&compared.value, &text(sum(10)));
                prop_assert_eq!(&compared.bound, &text(bound));
                prop_assert_eq!(held.rise.holds, Some(sum(10) >= bound));
                let short = (sum(10) < bound).then(|| (bound - sum(10)).to_string());
                prop_assert_eq!(&compared.short, &short);
                prop_assert_eq!(held.reached.is_some(), outlook.tier >= tier, "{:?}", outlook);
                // A lower tier's latch is set with the higher one's, and both before it is told.
                prop_assert_eq!(held.stay.is_some(), held.reached.is_some());
            }
            before = Some(outlook);
        }
    }
}
