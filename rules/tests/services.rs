//! Weather processes: a naive recomputation of slot clocks, acts, proposals, the evening, and the
//! service files that ship.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test stops at what it does not expect"
)]

#[path = "services/acts.rs"]
mod acts;
#[path = "services/evening.rs"]
mod evening;
#[path = "services/proposed.rs"]
mod proposed;
#[path = "services/recomputed.rs"]
mod recomputed;

use model::response::{Board, Entry, What};
use model::service::{Process, ServiceAct, SlotState};
use model::signal::SignalKind;
use model::{AreaCode, City, Forecast, Hazard, Mode, Offset, Signal, Tier, Time};
use rules::{Responses, ServiceRefusal, Services};
use std::path::Path;
use std::sync::{Arc, LazyLock};

const WHOLE: &str = "440100000000";
const TIANHE: &str = "440106000000";
const PANYU: &str = "440113000000";

/// The demo city with its own file.
static CITY: LazyLock<Arc<City>> = LazyLock::new(|| {
    let file = testdata().join("city/services.toml");
    city(&std::fs::read_to_string(file).unwrap())
});

fn testdata() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata")
}

/// The demo city with the services of a text.
fn city(services: &str) -> Arc<City> {
    let read = |name: &str| {
        if name == "services.toml" {
            return Some(services.as_bytes().to_vec());
        }
        std::fs::read(testdata().join("city").join(name)).ok()
    };
    Arc::new(City::read(read, &[]).unwrap())
}

fn code(text: &str) -> AreaCode {
    AreaCode::parse(text).unwrap()
}

/// An instant of the city's clock.
fn at(text: &str) -> Time {
    Time::parse(&format!("{text}:00+08:00")).unwrap().0
}

fn clock(time: Time) -> String {
    time.display(Offset(480))[..16].to_owned()
}

/// Both machines of the city's zone as the zone steps them, and what they said.
struct Desk {
    city: Arc<City>,
    responses: Responses,
    services: Services,
    said: Vec<Entry>,
    /// The same entries, folded apart.
    folded: Board,
}

impl Desk {
    fn new(city: &Arc<City>) -> Self {
        Self {
            city: Arc::clone(city),
            responses: Responses::new(Arc::clone(city)),
            services: Services::new(Arc::clone(city)),
            said: Vec::new(),
            folded: Board::default(),
        }
    }

    fn step<T>(
        &mut self,
        at: Time,
        bring: impl FnOnce(&mut Services, &mut Responses, &mut Vec<Entry>) -> T,
    ) -> T {
        let before = self.said.len();
        let (services, responses) = (&mut self.services, &mut self.responses);
        services.tick(at, responses, &mut self.said);
        let from = self.said.len();
        let brought = bring(services, responses, &mut self.said);
        services.follow(at, from, responses, &mut self.said);
        for entry in &self.said[before..] {
            self.folded.apply(entry);
        }
        assert_eq!(&self.folded, self.responses.board());
        brought
    }

    fn tick(&mut self, at: Time) {
        self.step(at, |_, _, _| ());
    }

    fn hear(&mut self, at: Time, signal: &Signal) {
        self.step(at, |_, responses, out| responses.signal(at, signal, out));
    }

    fn expect(&mut self, at: Time, forecasts: &[Forecast]) {
        self.step(at, |services, responses, out| {
            services.forecasts(at, forecasts, responses, out);
        });
    }

    fn act(&mut self, at: Time, act: &ServiceAct) -> Result<(), ServiceRefusal> {
        self.step(at, |services, responses, out| {
            services.order(at, act, responses, out)
        })
    }

    fn open(&mut self, at: Time, onset: Time) -> String {
        let open = open(Hazard::Rainstorm, &[TIANHE], onset);
        self.act(at, &open).unwrap();
        self.live().last().unwrap().id.clone()
    }

    /// The process ends and begins again from what lies on disk.
    fn restart(&mut self) {
        let responses = serde_json::to_vec(self.responses.state()).unwrap();
        let services = serde_json::to_vec(self.services.state()).unwrap();
        let responses = serde_json::from_slice(&responses).unwrap();
        let services = serde_json::from_slice(&services).unwrap();
        self.responses = Responses::restore(Arc::clone(&self.city), responses);
        self.services = Services::restore(Arc::clone(&self.city), services);
    }

    fn board(&self) -> &Board {
        self.responses.board()
    }

    fn live(&self) -> Vec<&Process> {
        let all = self.board().processes.values();
        all.filter(|process| process.is_live()).collect()
    }

    fn process(&self, id: &str) -> &Process {
        &self.board().processes[id]
    }

    fn state(&self, process: &str, slot: &str) -> SlotState {
        self.process(process).slot(slot).unwrap().state
    }

    /// How often a slot's absence was called out.
    fn alarms(&self, process: &str, slot: &str) -> usize {
        let missed = self.said.iter().filter(|entry| {
            let What::Slot(of) = &entry.what else {
                return false;
            };
            let is_it = of.process == process && of.slot.stage.id == slot;
            is_it && of.slot.was_missed(entry.at)
        });
        missed.count()
    }
}

fn open(hazard: Hazard, areas: &[&str], onset: Time) -> ServiceAct {
    ServiceAct::Open {
        process: None,
        hazard: Some(hazard),
        areas: areas.iter().map(|area| code(area)).collect(),
        onset: Some(onset),
        end: None,
        person: "chen".into(),
        reason: "会商".into(),
    }
}

fn moved(process: &str, onset: Time) -> ServiceAct {
    ServiceAct::Move {
        process: process.into(),
        areas: Vec::new(),
        onset: Some(onset),
        end: None,
        person: "chen".into(),
        reason: "预报调整".into(),
    }
}

fn product(process: &str, slot: &str) -> ServiceAct {
    ServiceAct::Product {
        process: process.into(),
        slot: slot.into(),
        round: None,
        person: "wang".into(),
        text: "重要天气报告".into(),
        reference: "2026-17".into(),
    }
}

/// The same for an earlier round.
fn product_of(process: &str, slot: &str, round: u32) -> ServiceAct {
    let mut act = product(process, slot);
    if let ServiceAct::Product { round: of, .. } = &mut act {
        *of = Some(round);
    }
    act
}

fn signal(identifier: &str, tier: Tier, areas: &[&str], sent: Time) -> Signal {
    Signal {
        identifier: identifier.into(),
        sender: "met".into(),
        sender_name: "穗城气象台".into(),
        sent,
        mode: Mode::Actual,
        kind: SignalKind::Alert,
        references: Vec::new(),
        hazard: Some(Hazard::Rainstorm),
        event: String::new(),
        tier,
        areas: areas.iter().map(|area| code(area)).collect(),
        area_desc: Vec::new(),
        onset: sent,
        expires: None,
        texts: Vec::new(),
        state: None,
    }
}
