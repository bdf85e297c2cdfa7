//! Responses: the starts that were seen, a naive recount, who may sign, and what an end leaves.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test stops at what it does not expect"
)]

#[path = "responses/acts.rs"]
mod acts;
#[path = "responses/recount.rs"]
mod recount;
#[path = "responses/seen.rs"]
mod seen;

use model::response::{Entry, Level, Response};
use model::signal::SignalKind;
use model::{AreaCode, City, Hazard, Mode, Order, Signal, Tier, Time};
use rules::Responses;
use std::path::Path;
use std::sync::{Arc, LazyLock};

/// The demo city with its own plans.
static CITY: LazyLock<Arc<City>> = LazyLock::new(|| city("city/responses.toml"));

/// The demo city with the plans of a file.
fn city(responses: &str) -> Arc<City> {
    let testdata = Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata");
    let read = |name: &str| {
        let file = match name {
            "responses.toml" => testdata.join(responses),
            "plans.csv" if !responses.starts_with("city/") => return None,
            name => testdata.join("city").join(name),
        };
        std::fs::read(file).ok()
    };
    Arc::new(City::read(read, &[]).unwrap())
}

fn code(text: &str) -> AreaCode {
    AreaCode::parse(text).unwrap()
}

/// The eleven districts.
fn districts() -> Vec<AreaCode> {
    let all = CITY.areas_of(model::AreaLevel::District);
    all.map(|no| CITY.area(no).unwrap().code).collect()
}

fn signal(identifier: &str, hazard: Hazard, tier: Tier, areas: &[AreaCode]) -> Signal {
    Signal {
        identifier: identifier.into(),
        sender: "s".into(),
        sender_name: "穗城气象台".into(),
        sent: Time::from_minute(1),
        mode: Mode::Actual,
        kind: SignalKind::Alert,
        references: Vec::new(),
        hazard: Some(hazard),
        event: String::new(),
        tier,
        areas: areas.to_vec(),
        area_desc: Vec::new(),
        onset: Time::from_minute(1),
        expires: None,
        texts: Vec::new(),
        state: None,
    }
}

fn cancel(identifier: &str, of: &str, areas: &[AreaCode]) -> Signal {
    Signal {
        kind: SignalKind::Cancel,
        references: vec![of.to_owned()],
        ..signal(identifier, Hazard::Rainstorm, Tier::Yellow, areas)
    }
}

/// A machine and what it said.
struct Desk {
    machine: Responses,
    said: Vec<Entry>,
    minute: i64,
}

impl Desk {
    fn new(city: &Arc<City>) -> Self {
        Self {
            machine: Responses::new(Arc::clone(city)),
            said: Vec::new(),
            minute: 0,
        }
    }

    fn at(&mut self) -> Time {
        self.minute += 1;
        Time::from_minute(self.minute)
    }

    fn hear(&mut self, signal: &Signal) {
        let at = self.at();
        self.machine.signal(at, signal, &mut self.said);
    }

    fn order(&mut self, order: &Order) -> Result<(), String> {
        let at = self.at();
        let followed = self.machine.order(at, order, &mut self.said);
        followed.map_err(|refusal| refusal.to_string())
    }

    fn respond(
        &mut self,
        of: (&str, &str),
        (seen, level): (Option<Level>, Option<Level>),
        person: &str,
    ) -> Result<(), String> {
        self.order(&Order::Respond {
            plan: of.0.into(),
            area: code(of.1),
            level,
            seen,
            person: person.into(),
            reason: "会商".into(),
        })
    }

    fn response(&self, plan: &str, area: &str) -> Option<&Response> {
        self.machine.board().response(plan, code(area))
    }

    /// What is proposed.
    fn proposed(&self, plan: &str, area: &str) -> Option<Option<Level>> {
        let proposal = self.response(plan, area)?.proposal.as_ref();
        proposal.map(|proposal| proposal.level)
    }
}

const WHOLE: &str = "440100000000";
