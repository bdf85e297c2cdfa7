//! What a person changed rings once where the tier stays; what they did not change never does.

use super::*;
use proptest::prelude::*;
use std::sync::LazyLock;

/// The demo city, in which it is never night.
static CITY: LazyLock<Fixture> = LazyLock::new(|| {
    let mut fixture = Fixture::new();
    fixture.city.policy.telling.quiet = QuietHours { from: 0, to: 0 };
    fixture
});

#[derive(Clone, Debug)]
struct Step {
    tier: Tier,
    words: Option<&'static str>,
}

fn step_of() -> impl Strategy<Value = Step> {
    let tiers = [
        Tier::None,
        Tier::Blue,
        Tier::Yellow,
        Tier::Orange,
        Tier::Red,
    ];
    let words = [None, Some("14时前转移"), Some("16时前转移")];
    (
        proptest::sample::select(tiers.to_vec()),
        proptest::sample::select(words.to_vec()),
    )
        .prop_map(|(tier, words)| Step { tier, words })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]
    #[test]
    fn a_place_hears_what_changed_there(steps in proptest::collection::vec(step_of(), 1..8)) {
        let mut planner = Planner::default();
        let mut known = (Tier::None, None);
        for (revision, step) in (1..).zip(steps) {
            let event = if revision == 1 { Event::Issued } else { Event::Updated };
            let areas = [(A, step.tier, step.tier), (B, Tier::Blue, Tier::Blue)];
            let mut act = warning(Hazard::Waterlogging, revision, event, &areas, 0);
            act.text.extend(step.words.map(|words| ("zh".to_owned(), words.to_owned())));
            let out = super::step(&mut planner, &CITY, i64::from(revision), &act);
            let now = (step.tier, step.words.filter(|_| step.tier != Tier::None));
            for reach in [Reach::Public, Reach::Responsible] {
                let heard = out.iter().filter(|intent| {
                    let area = intent.audience.areas.contains(&code(A));
                    area && !intent.only_new && intent.channel == Channel::Sms && intent.audience.reach == reach
                });
                let heard: Vec<&Intent> = heard.collect();
                prop_assert_eq!(heard.len(), usize::from(now != known), "{:?} {:?}", known, now);
                if now != known && now.0 == known.0 {
                    prop_assert_eq!(heard[0].purpose, Purpose::Alert);
                    let says = now.1.is_none_or(|words| heard[0].words[0].text.contains(words));
                    prop_assert!(says, "{}", heard[0].words[0].text);
                }
            }
            known = now;
        }
    }
}

/// Words of ours do not make another authority's signal ring.
#[test]
fn a_request_is_not_put_into_our_words() {
    let mut planner = Planner::default();
    let areas = [(A, Tier::Red, Tier::Red)];
    let rain = warning(Hazard::Rainstorm, 1, Event::Issued, &areas, 0);
    super::step(&mut planner, &CITY, 1, &rain);
    let mut again = warning(Hazard::Rainstorm, 2, Event::Updated, &areas, 0);
    again.text.insert("zh".into(), "红色".into());
    assert_eq!(rings(&super::step(&mut planner, &CITY, 2, &again)), []);
}
