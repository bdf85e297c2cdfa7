//! One zone's machine: screen, engine, planner and ladder in a row (steps 4 to 8 of ten).
//!
//! Pure: no I/O and no clock. The pump feeds it records and commits what it says.

use crate::installation::Installation;
use dispatch::ladder::{Board, Ladder};
use dispatch::intent::Intent;
use dispatch::plan::{Desk, Planner};
use ingest::quality::{Finding, Screen};
use model::{Input, Mode, Observation, Parameter, Quanta, Span, StationNo, Time, Warning, Zone};
use rules::{Change, Effect, Engine, Policy};
use std::sync::Arc;

/// What a step gave, to be committed in one write.
#[derive(Default)]
pub(crate) struct Outputs {
    /// Changes of tier at subjects.
    pub(crate) changes: Vec<Change>,
    /// Revisions of warnings.
    pub(crate) warnings: Vec<Warning>,
    /// What to say to whom.
    pub(crate) intents: Vec<Intent>,
    /// Rows of the call board that changed.
    pub(crate) calls: Vec<Board>,
    /// What a person should look at in the data.
    pub(crate) findings: Vec<Finding>,
    /// Why an order was not followed.
    pub(crate) refused: Option<String>,
}

impl Outputs {
    /// True where there is nothing to commit.
    pub(crate) fn is_empty(&self) -> bool {
        self.changes.is_empty()
            && self.warnings.is_empty()
            && self.intents.is_empty()
            && self.calls.is_empty()
    }

    /// Forgets everything, keeping the memory.
    pub(crate) fn clear(&mut self) {
        self.changes.clear();
        self.warnings.clear();
        self.intents.clear();
        self.calls.clear();
        self.findings.clear();
        self.refused = None;
    }
}

/// The machine of one zone.
pub(crate) struct Machine {
    installation: Arc<Installation>,
    screen: Screen,
    engine: Engine,
    planner: Planner,
    ladder: Ladder,
    effects: Vec<Effect>,
}

impl Machine {
    /// A machine that has seen nothing.
    pub(crate) fn new(
        installation: &Arc<Installation>,
        zone: Zone,
        mode: Mode,
        policy: Policy,
    ) -> Self {
        let city = &installation.city;
        Self {
            screen: Screen::new(city, zone),
            engine: Engine::new(
                Arc::clone(city),
                zone,
                mode,
                Arc::clone(&installation.rulebook),
                policy,
            ),
            planner: Planner::default(),
            ladder: Ladder::default(),
            effects: Vec::new(),
            installation: Arc::clone(installation),
        }
    }

    /// Steps one record of the zone's input.
    pub(crate) fn step(&mut self, at: Time, input: &Input, out: &mut Outputs) {
        match input {
            Input::Observations(rows) => {
                for row in rows {
                    self.observe(at, row, out);
                }
            }
            Input::Tick
            | Input::Signal(_)
            | Input::Order(_)
            | Input::City(_)
            | Input::Rulebook(_)
            | Input::Engine(_) => self.engine.step(at, input, &mut self.effects),
        }
        self.plan(at, out);
        self.ask(at, input, out);
    }

    /// Recent readings of a series.
    pub(crate) fn series(
        &self,
        station: StationNo,
        parameter: Parameter,
        length: Span,
    ) -> Vec<(Time, Quanta)> {
        self.engine.readings(station, parameter, length)
    }

    fn observe(&mut self, at: Time, row: &Observation, out: &mut Outputs) {
        let screened = self.screen.step(at, row);
        self.engine.observe(at, &screened.observation, &mut self.effects);
        if let Some(rainfall) = &screened.rainfall {
            self.engine.observe(at, rainfall, &mut self.effects);
        }
        out.findings.extend(screened.finding);
    }

    /// Warnings to intents.
    fn plan(&mut self, at: Time, out: &mut Outputs) {
        let installation = &*self.installation;
        let desk = Desk {
            city: &installation.city,
            places: &installation.places,
            wording: &installation.wording,
            settings: &installation.settings,
            directory: installation.directory.version(),
        };
        for effect in self.effects.drain(..) {
            match effect {
                Effect::Signal(change) => out.changes.push(*change),
                Effect::Warning(warning) => {
                    self.planner.step(at, &warning, &desk, &mut out.intents);
                    out.warnings.push(*warning);
                }
                Effect::Signed(_) => {}
                Effect::Refused { why, .. } => out.refused = Some(why.to_string()),
            }
        }
    }
}
