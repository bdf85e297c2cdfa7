//! The machine against a recount from all signals in force, by prefixes of codes; its entries and its
//! state at rest against itself.

use super::{CITY, Desk, WHOLE, cancel, code, signal};
use model::response::{Board, Level};
use model::signal::SignalKind;
use model::{AreaCode, Hazard, Order, Signal, Tier};
use proptest::prelude::*;
use rules::Responses;
use std::sync::Arc;

#[derive(Clone, Debug)]
enum Step {
    /// A signal; with a number it takes the place of an earlier one.
    Signal(Hazard, Tier, Vec<usize>, Option<usize>),
    Cancel(usize),
    Dyke(bool),
    /// A person sets the city's level, whatever is proposed.
    Respond(Option<Level>),
    /// A person sends away what is proposed.
    Decline,
    /// The process ends and begins again.
    Restart,
}

/// The city, two districts of the centre and three others, with two townships.
const PLACES: [&str; 8] = [
    WHOLE,
    "440104000000",
    "440106000000",
    "440112000000",
    "440113000000",
    "440118000000",
    "440112015000",
    "440118004000",
];

fn step() -> impl Strategy<Value = Step> {
    let hazard = prop_oneof![4 => Just(Hazard::Rainstorm), 1 => Just(Hazard::Typhoon)];
    let tier = prop::sample::select(vec![Tier::Blue, Tier::Yellow, Tier::Orange, Tier::Red]);
    let places = prop::collection::vec(prop_oneof![1 => Just(0), 9 => 1usize..PLACES.len()], 0..5);
    let level = prop::option::of(prop::sample::select(Level::ALL.to_vec()));
    prop_oneof![
        6 => (hazard, tier, places, prop::option::of(0usize..20))
            .prop_map(|(h, t, p, of)| Step::Signal(h, t, p, of)),
        4 => (0usize..20).prop_map(Step::Cancel),
        1 => any::<bool>().prop_map(Step::Dyke),
        2 => level.prop_map(Step::Respond),
        1 => Just(Step::Decline),
        1 => Just(Step::Restart),
    ]
}

/// What stands, counted anew each time.
#[derive(Default)]
struct Naive {
    signals: Vec<Signal>,
    dyke: bool,
    level: Option<Level>,
    /// What was implied when a person decided otherwise.
    settled: Option<Option<Level>>,
}

impl Naive {
    fn tier(&self, district: &AreaCode) -> Tier {
        let prefix = &district.to_string()[..6];
        let rain = self
            .signals
            .iter()
            .filter(|s| s.hazard == Some(Hazard::Rainstorm));
        let touching = rain.filter(|s| {
            let mut areas = s.areas.iter().map(ToString::to_string);
            areas.any(|area| area == WHOLE || area.starts_with(prefix))
        });
        touching.map(|s| s.tier).max().unwrap_or_default()
    }

    /// The demo city's table, written out.
    fn implied(&self) -> Option<Level> {
        let tiers: Vec<_> = super::districts()
            .into_iter()
            .map(|d| (d, self.tier(&d)))
            .collect();
        let at = |tier: Tier| tiers.iter().filter(|(_, found)| *found >= tier).count();
        let centre = ["440103", "440104", "440105", "440106"];
        let red_centre = tiers.iter().any(|(district, tier)| {
            *tier == Tier::Red && centre.contains(&&district.to_string()[..6])
        });
        if at(Tier::Red) >= 4 || self.dyke {
            Some(Level::I)
        } else if at(Tier::Orange) >= 6 || red_centre || at(Tier::Red) >= 2 {
            Some(Level::II)
        } else if at(Tier::Yellow) >= 9 || at(Tier::Orange) >= 2 {
            Some(Level::III)
        } else if at(Tier::Yellow) >= 6 {
            Some(Level::IV)
        } else {
            (at(Tier::Yellow) >= 1).then_some(Level::Attention)
        }
    }

    fn proposed(&mut self) -> Option<Option<Level>> {
        let implied = self.implied();
        self.settled = self.settled.filter(|settled| *settled == implied);
        (implied != self.level && self.settled.is_none()).then_some(implied)
    }
}

fn take(step: &Step, number: usize, desk: &mut Desk, naive: &mut Naive) {
    let areas = |places: &[usize]| -> Vec<AreaCode> {
        places.iter().map(|place| code(PLACES[*place])).collect()
    };
    match step {
        Step::Signal(hazard, tier, places, replaces) => {
            let mut signal = signal(&number.to_string(), *hazard, *tier, &areas(places));
            if let Some(of) = replaces {
                signal.kind = SignalKind::Update;
                signal.references = vec![of.to_string()];
                naive.signals.retain(|s| s.identifier != of.to_string());
            }
            desk.hear(&signal);
            naive.signals.push(signal);
        }
        Step::Cancel(of) => {
            let of = of.to_string();
            desk.hear(&cancel(&format!("c{number}"), &of, &[]));
            naive.signals.retain(|s| s.identifier != of);
        }
        Step::Dyke(holds) => {
            let order = Order::Damage {
                kind: "dyke".into(),
                area: code("440118004000"),
                holds: *holds,
                person: "chief".into(),
                note: "巡查".into(),
            };
            desk.order(&order).unwrap();
            naive.dyke = *holds;
        }
        Step::Respond(level) => {
            let implied = naive.implied();
            let followed = desk.respond(("waterlogging", WHOLE), (naive.level, *level), "chief");
            assert_eq!(followed.is_ok(), *level != naive.level);
            if followed.is_ok() {
                naive.level = *level;
                naive.settled = (implied != *level).then_some(implied);
            }
        }
        Step::Decline => {
            let proposed = naive.proposed();
            let order = Order::Decline {
                plan: "waterlogging".into(),
                area: code(WHOLE),
                level: proposed.flatten(),
                person: "chief".into(),
                reason: "会商".into(),
            };
            assert_eq!(desk.order(&order).is_ok(), proposed.is_some());
            if proposed.is_some() {
                naive.settled = proposed;
            }
        }
        Step::Restart => {
            let json = serde_json::to_vec(desk.machine.state()).unwrap();
            let state = serde_json::from_slice(&json).unwrap();
            let again = Responses::restore(Arc::clone(&CITY), state);
            assert_eq!(again.state(), desk.machine.state());
            desk.machine = again;
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn the_machine_proposes_what_a_recount_says(steps in prop::collection::vec(step(), 1..25)) {
        let mut desk = Desk::new(&CITY);
        let mut naive = Naive::default();
        for (number, step) in steps.iter().enumerate() {
            // A number is heard once: what replaces a later one replaces nothing yet.
            let is_later = matches!(
                step,
                Step::Signal(_, _, _, Some(of)) | Step::Cancel(of) if *of >= number
            );
            if is_later {
                continue;
            }
            take(step, number, &mut desk, &mut naive);
            let found = desk.proposed("waterlogging", WHOLE);
            prop_assert_eq!(found, naive.proposed(), "after {:?}", step);
            let stands = desk.response("waterlogging", WHOLE).and_then(|r| r.level);
            prop_assert_eq!(stands, naive.level);
        }
        // What was said is all there is.
        let mut board = Board::default();
        for entry in &desk.said {
            board.apply(entry);
        }
        prop_assert_eq!(&board, desk.machine.board());
        let numbers: Vec<u64> = desk.said.iter().map(|entry| entry.number).collect();
        let wanted: Vec<u64> = (1..=numbers.len() as u64).collect();
        prop_assert_eq!(numbers, wanted);
    }
}
