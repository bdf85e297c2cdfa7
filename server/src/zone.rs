//! One zone's machine: screen, engine, planner and ladder in a row (steps 4 to 8 of ten).
//!
//! Pure: no I/O and no clock. The pump feeds it records and commits what it says.

mod answering;
mod duty;
mod exercise;
mod gathered;
mod heard;
mod said;
mod serving;
mod strobe;

pub(crate) use heard::Heard;

use crate::installation::Installation;
use crate::outcome::Refused;
use dispatch::ladder::{self, Call, Calls, Place};
use dispatch::plan::{Asking, Desk, Planner, asking};
use dispatch::{exercise::Withheld, intent::Intent};
use ingest::quality::Screen;
use model::pending::Signing;
use model::record::Edition;
use model::response::{Entry, Revised};
use model::warning::Event;
use model::{
    Drill, Forecast, Input, Mode, Muted, Observation, Order, Parameter, Pending, Signal, Silence,
    Span, StationNo, TakenOver, Tier, Time, Warning, WarningId, Zone,
};
use rules::response::{self, Responses};
use rules::service::{self, Services};
use rules::{Change, Effect, Engine, Figures, Policy, Windowed};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;
use strobe::Lit;

/// What a step gave, to be committed in one write.
#[derive(Default)]
pub(crate) struct Outputs {
    /// Changes of tier at subjects.
    pub(crate) changes: Vec<Change>,
    /// Revisions of warnings.
    pub(crate) warnings: Vec<Warning>,
    /// What warnings wait for from people, where that changed.
    pub(crate) pending: Vec<Pending>,
    /// Rules that were silenced, or speak again.
    pub(crate) muted: Vec<Muted>,
    /// What to say to whom.
    pub(crate) intents: Vec<Intent>,
    /// Lines of the call board that changed; `None` where one went.
    pub(crate) calls: Vec<(WarningId, Place, Option<Call>)>,
    /// Official signals of others that came in.
    pub(crate) signals: Vec<Signal>,
    /// Forecasts that came in.
    pub(crate) forecasts: Vec<Forecast>,
    /// What became of responses, where this is the city's zone.
    pub(crate) entries: Vec<Entry>,
    /// What the city's zone is to hear of this one's warnings.
    pub(crate) revised: Vec<Revised>,
    /// Which sensors fell silent or report again.
    pub(crate) silences: Vec<Silence>,
    /// What an exercise kept to itself.
    pub(crate) withheld: Vec<Withheld>,
    /// Who took a shift over, where this is the city's zone.
    pub(crate) taken_over: Vec<TakenOver>,
    /// Why an order was not followed.
    pub(crate) refused: Option<Refused>,
}

impl Outputs {
    /// True where there is nothing to commit.
    pub(crate) fn is_empty(&self) -> bool {
        self.changes.is_empty()
            && self.warnings.is_empty()
            && self.pending.is_empty()
            && self.muted.is_empty()
            && self.intents.is_empty()
            && self.calls.is_empty()
            && self.signals.is_empty()
            && self.forecasts.is_empty()
            && self.entries.is_empty()
            && self.revised.is_empty()
            && self.silences.is_empty()
            && self.withheld.is_empty()
            && self.taken_over.is_empty()
    }

    /// True where somebody is told something by it, or waits for it: all but changes of tier at
    /// subjects, which screens show.
    pub(crate) fn is_urgent(&self) -> bool {
        let is_said =
            self.warnings.is_empty() && self.pending.is_empty() && self.entries.is_empty();
        let is_told = self.intents.is_empty() && self.calls.is_empty() && self.signals.is_empty();
        !(is_said && is_told) || self.silences.iter().any(Silence::is_alarm)
    }

    /// Forgets everything, keeping the memory.
    pub(crate) fn clear(&mut self) {
        self.changes.clear();
        self.warnings.clear();
        self.pending.clear();
        self.muted.clear();
        self.intents.clear();
        self.calls.clear();
        self.signals.clear();
        self.forecasts.clear();
        self.entries.clear();
        self.revised.clear();
        self.silences.clear();
        self.withheld.clear();
        self.taken_over.clear();
        self.refused = None;
    }
}

/// The machine of one zone.
pub(crate) struct Machine {
    installation: Arc<Installation>,
    zone: Zone,
    mode: Mode,
    /// The latest record time so far.
    now: Time,
    screen: Screen,
    engine: Engine,
    planner: Planner,
    calls: Calls,
    /// Newest revision of each warning that is not over: what the ladder words its rungs by.
    standing: BTreeMap<WarningId, Warning>,
    /// Since when each proposal waits and the turn that was last called out.
    called: BTreeMap<WarningId, (Time, u8)>,
    /// Responses of the city and its districts, where this is the city's zone.
    responses: Option<Responses>,
    /// Products by lead time, beside them.
    services: Option<Services>,
    /// The exercise that is played here, in its own world, and whether it is being ended.
    drill: Option<Drill>,
    is_ending: bool,
    /// Signatures that are waited for, and until when shifts were looked at.
    waits: BTreeMap<WarningId, Signing>,
    shifts_at: Time,
    /// Strobes that flash for a warning.
    lit: Vec<Lit>,
    heard: Heard,
    effects: Vec<Effect>,
    asked: Vec<ladder::Effect>,
}

/// A machine at rest.
#[derive(Serialize, Deserialize)]
struct Frozen {
    format: u32,
    now: Time,
    planner: Planner,
    calls: Calls,
    standing: Vec<Warning>,
    called: BTreeMap<WarningId, (Time, u8)>,
    responses: Option<response::State>,
    #[serde(default)]
    services: Option<service::State>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    drill: Option<Drill>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    is_ending: bool,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    waits: BTreeMap<WarningId, Signing>,
    #[serde(default)]
    shifts_at: Time,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    lit: Vec<Lit>,
}

const FORMAT: u32 = 4;

/// A part behind its length, and what follows it.
pub(crate) fn part(bytes: &[u8]) -> Result<(&[u8], &[u8]), String> {
    let (length, rest) = bytes.split_first_chunk::<8>().ok_or("it ends early")?;
    let length = usize::try_from(u64::from_le_bytes(*length)).map_err(|e| e.to_string())?;
    Ok(rest.split_at_checked(length).ok_or("it is cut short")?)
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
        let rulebook = Arc::clone(&installation.rulebook);
        Self {
            zone,
            mode,
            now: Time::default(),
            screen: Screen::new(city, zone),
            heard: Heard::new(city, zone),
            engine: Engine::new(Arc::clone(city), zone, mode, rulebook, policy),
            planner: Planner::default(),
            calls: Calls::default(),
            standing: BTreeMap::new(),
            called: BTreeMap::new(),
            responses: (zone == city.city_zone()).then(|| Responses::new(Arc::clone(city))),
            services: (zone == city.city_zone()).then(|| Services::new(Arc::clone(city))),
            drill: None,
            is_ending: false,
            waits: BTreeMap::new(),
            shifts_at: Time::default(),
            lit: Vec::new(),
            effects: Vec::new(),
            asked: Vec::new(),
            installation: Arc::clone(installation),
        }
    }

    /// When a record that says `at` is stepped: record time never falls, whoever wrote the record and
    /// wherever its reader began. Of two writers whose clocks differ, the log has what both said.
    pub(crate) fn reach_time(&mut self, at: Time) -> Time {
        self.now = self.now.max(at);
        self.now
    }

    /// Steps one record of the zone's input, at a time from [`Machine::reach_time`].
    pub(crate) fn step(&mut self, at: Time, input: &Input, out: &mut Outputs) {
        self.heard.clear();
        let from = self.serve_time(at, out);
        self.end_in_time(at);
        match input {
            Input::Observations(rows) => rows.iter().for_each(|row| self.observe(at, row)),
            Input::Order(order) if self.exercised(at, order, out) => {}
            Input::Order(order) => {
                self.engine.step(at, input, &mut self.effects);
                self.answered(at, order);
                self.answered_for(at, order);
                self.decided(at, order, out);
                self.took_over(at, order, out);
            }
            Input::Device(report) => {
                self.engine.step(at, input, &mut self.effects);
                self.reported(at, report, out);
            }
            Input::Signal(signal) => {
                self.engine.step(at, input, &mut self.effects);
                if let Some(responses) = &mut self.responses {
                    responses.signal(at, signal, &mut out.entries);
                }
                out.signals.push((**signal).clone());
            }
            Input::Revised(revised) => {
                self.engine.step(at, input, &mut self.effects);
                if let Some(responses) = &mut self.responses {
                    responses.revised(at, revised, &mut out.entries);
                }
            }
            Input::Forecasts(forecasts) => {
                self.engine.step(at, input, &mut self.effects);
                out.forecasts.clone_from(forecasts);
            }
            Input::Moved(moves) => {
                self.engine.step(at, input, &mut self.effects);
                self.planner.moved(at, moves);
            }
            // What an edition names is for [`Machine::adopt`].
            Input::Tick | Input::Edition(_) => {
                self.engine.step(at, input, &mut self.effects);
            }
        }
        self.follow(at, out);
        self.serve(at, input, from, out);
    }

    /// Goes on with another edition: readings, tiers, calls and what people were told stay.
    pub(crate) fn adopt(&mut self, at: Time, installation: &Arc<Installation>, out: &mut Outputs) {
        let (before, edition) = (&self.installation.edition, &installation.edition);
        let is_same = before.city == edition.city && before.rulebook == edition.rulebook;
        let from = out.entries.len();
        if !is_same {
            let city = &installation.city;
            self.screen = self.screen.with_registry(city, self.zone);
            self.heard = Heard::new(city, self.zone);
            self.engine.adopt(
                at,
                Arc::clone(city),
                Arc::clone(&installation.rulebook),
                &mut self.effects,
            );
            if let Some(responses) = &mut self.responses {
                responses.adopt(at, Arc::clone(city), &mut out.entries);
                if let Some(services) = &mut self.services {
                    services.adopt(at, Arc::clone(city), responses, &mut out.entries);
                }
            }
        }
        self.installation = Arc::clone(installation);
        self.follow(at, out);
        self.serve(at, &Input::Tick, from, out);
    }

    /// The versions it steps with.
    pub(crate) fn edition(&self) -> &Edition {
        &self.installation.edition
    }

    /// What the engine said becomes intents and calls.
    fn follow(&mut self, at: Time, out: &mut Outputs) {
        self.plan(at, out);
        self.gather(at, out);
        self.calls.step(at, ladder::Event::Tick, &mut self.asked);
        // A light goes by what calls ask, and by who is on duty.
        if !self.asked.is_empty() || self.shifts_at.minute() != at.minute() {
            self.light(at, out);
        }
        self.ask(at, out);
        self.relieve(at, out);
        self.admit(out);
    }

    /// Recent readings of a series.
    pub(crate) fn series(
        &self,
        station: StationNo,
        parameter: Parameter,
        length: Span,
    ) -> Vec<Windowed> {
        self.engine.readings(station, parameter, length)
    }

    /// What the screen made of the observations of the last record.
    pub(crate) const fn heard(&self) -> &Heard {
        &self.heard
    }

    /// What people were told so far about a warning: what a preview starts from.
    pub(crate) fn told(&self, warning: WarningId) -> Planner {
        self.planner.about(warning)
    }

    /// Hands out minute rows that came to rest, as [`Engine::seal`].
    pub(crate) fn seal(&mut self, keep: &mut dyn FnMut(Time, &[u8])) -> bool {
        self.engine.seal(keep)
    }

    /// Takes a sealed record back, after [`Machine::restore`].
    pub(crate) fn unseal(&mut self, record: &[u8]) -> Result<(), String> {
        self.engine.unseal(record).map_err(|e| e.to_string())
    }

    /// Series that hold readings, and the bytes their windows take.
    pub(crate) fn windows(&self) -> (usize, usize) {
        (self.engine.series_in_use(), self.engine.window_bytes())
    }

    /// Takes the figures of every rule, as [`Engine::take_figures`].
    pub(crate) fn take_figures(&mut self) -> Vec<Figures> {
        self.engine.take_figures()
    }

    /// Evaluates a rule for nothing but its cost, as [`Engine::sample`].
    pub(crate) fn sample(&self, rule: usize, from: usize, most: usize) -> (usize, u64) {
        self.engine.sample(rule, from, most)
    }

    /// How far back the longest window and what may lag behind it reach.
    pub(crate) fn reach(&self) -> Span {
        self.installation.rulebook.reach()
    }

    /// All state but sealed rows: what people were told and asked, the screen, the engine, each of
    /// the first two behind its length.
    pub(crate) fn snapshot(&self) -> Vec<u8> {
        let frozen = Frozen {
            format: FORMAT,
            now: self.now,
            planner: self.planner.clone(),
            calls: self.calls.clone(),
            standing: self.standing.values().cloned().collect(),
            called: self.called.clone(),
            responses: self.responses.as_ref().map(|r| r.state().clone()),
            services: self.services.as_ref().map(|s| s.state().clone()),
            drill: self.drill.clone(),
            is_ending: self.is_ending,
            waits: self.waits.clone(),
            shifts_at: self.shifts_at,
            lit: self.lit.clone(),
        };
        let mut bytes = Vec::new();
        for part in [
            serde_json::to_vec(&frozen).unwrap_or_default(),
            self.screen.encode(),
        ] {
            bytes.extend_from_slice(&(part.len() as u64).to_le_bytes());
            bytes.extend_from_slice(&part);
        }
        self.engine.snapshot(&mut bytes);
        bytes
    }

    /// Takes a state back.
    pub(crate) fn restore(&mut self, bytes: &[u8]) -> Result<(), String> {
        let (head, rest) = part(bytes)?;
        let frozen: Frozen = serde_json::from_slice(head).map_err(|e| e.to_string())?;
        if frozen.format != FORMAT {
            return Err(format!("format {}, not {FORMAT}", frozen.format));
        }
        let (screen, engine) = part(rest)?;
        let city = &self.installation.city;
        self.screen = Screen::decode(city, self.zone, screen).map_err(|e| e.to_string())?;
        self.engine.restore(engine).map_err(|e| e.to_string())?;
        self.now = frozen.now;
        self.planner = frozen.planner;
        self.calls = frozen.calls;
        self.standing = frozen.standing.into_iter().map(|w| (w.id, w)).collect();
        self.called = frozen.called;
        (self.drill, self.is_ending) = (frozen.drill, frozen.is_ending);
        (self.waits, self.shifts_at) = (frozen.waits, frozen.shifts_at);
        self.lit = frozen.lit;
        let city = &self.installation.city;
        let stood = |state| Responses::restore(Arc::clone(city), state);
        self.responses = frozen.responses.map(stood);
        let known = frozen.services.unwrap_or_default();
        let served = || Services::restore(Arc::clone(city), known);
        self.services = self.responses.is_some().then(served);
        Ok(())
    }

    fn observe(&mut self, at: Time, row: &Observation) {
        if !self.engine.hears(row.station) {
            self.heard.received(row);
            return self.engine.tick(at, &mut self.effects);
        }
        let screened = self.screen.step(at, row);
        self.heard.screened(&screened);
        if screened.is_repeat() {
            return self.engine.tick(at, &mut self.effects);
        }
        self.engine
            .observe(at, &screened.observation, &mut self.effects);
        if let Some(rainfall) = &screened.rainfall {
            self.engine.observe(at, rainfall, &mut self.effects);
        }
    }

    /// Warnings to intents, and to calls that must be answered.
    fn plan(&mut self, at: Time, out: &mut Outputs) {
        let installation = Arc::clone(&self.installation);
        let desk = installation.desk();
        for effect in std::mem::take(&mut self.effects) {
            match effect {
                Effect::Signal(change) => out.changes.push(*change),
                Effect::Silence(silence) => out.silences.push(*silence),
                Effect::Warning(warning) => {
                    self.withhold(at, &warning, &desk, out);
                    self.planner.step(at, &warning, &desk, &mut out.intents);
                    self.call(at, &warning, &desk);
                    self.keep(&warning);
                    self.revised(at, &warning, out);
                    out.warnings.push(*warning);
                }
                Effect::Pending(pending) => {
                    self.call_signers(at, &pending, &desk, &mut out.intents);
                    out.pending.push(*pending);
                }
                Effect::Muted(muted) => out.muted.push(*muted),
                Effect::Refused { why, .. } => out.refused = Some(Refused::from(&why)),
            }
        }
    }

    /// Responses are decided in the city's zone: it hears of every warning of ours.
    fn revised(&mut self, at: Time, warning: &Warning, out: &mut Outputs) {
        let Some(revised) = response::revised(
            &self.installation.city,
            &self.installation.rulebook,
            warning,
        ) else {
            return;
        };
        match &mut self.responses {
            Some(responses) => responses.revised(at, &revised, &mut out.entries),
            None => out.revised.push(revised),
        }
    }

    /// An act on a response, a task, a transfer, damage or an incident, on a process or a product.
    fn decided(&mut self, at: Time, order: &Order, out: &mut Outputs) {
        let Some(responses) = &mut self.responses else {
            return;
        };
        let decided = match (order, &mut self.services) {
            (Order::Service(act), Some(services)) => services
                .order(at, act, responses, &mut out.entries)
                .map_err(rules::Refusal::from),
            (order, _) => responses.order(at, order, &mut out.entries),
        };
        if let Err(why) = decided {
            out.refused = Some(Refused::from(&why));
        }
    }

    fn keep(&mut self, warning: &Warning) {
        match warning.event {
            Event::Ended | Event::Cancelled => {
                self.standing.remove(&warning.id);
            }
            Event::Proposed | Event::Issued | Event::Updated => {
                self.standing.insert(warning.id, warning.clone());
            }
        }
    }

    /// Each warned township and site must be answered for, and each township of a warned district.
    fn call(&mut self, at: Time, warning: &Warning, desk: &Desk<'_>) {
        let waits = warning.unconfirmed && warning.event == Event::Proposed;
        if warning.past || waits || warning.mode == Mode::Test {
            return;
        }
        let offset = desk.city.offset_at(at);
        let installation = Arc::clone(&self.installation);
        let listed = self.white_list();
        let mut warned = |place: Place, tier: Tier, onset: Option<Time>| {
            if !answering::has_anybody(&installation, &place, listed.as_ref()) {
                return;
            }
            let ladder = desk.city.policy.ladder_at(tier, at, offset);
            let quota = ladder.and_then(|ladder| ladder.quota);
            let event = ladder::Event::Warned {
                warning: warning.id,
                needed: quota.map_or(1, |q| {
                    q.of(answering::asked(&installation, &place, listed.as_ref()))
                }),
                place,
                tier,
                ladder,
                onset,
            };
            self.calls.step(at, event, &mut self.asked);
        };
        for (code, tier) in answering::areas(&self.installation, warning) {
            let onset = answering::onset(&installation, warning, code);
            warned(Place::Area(code), tier, onset);
        }
        for (id, site) in &warning.sites {
            warned(Place::Site(id.clone()), site.tier, Some(site.onset));
        }
        if matches!(warning.event, Event::Ended | Event::Cancelled) {
            let over = ladder::Event::Over(warning.id);
            self.calls.step(at, over, &mut self.asked);
        }
    }

    /// Rungs that are due become intents; lines that changed go to the board.
    fn ask(&mut self, at: Time, out: &mut Outputs) {
        if self.asked.is_empty() {
            return;
        }
        let installation = Arc::clone(&self.installation);
        let desk = installation.desk();
        for effect in self.asked.drain(..) {
            match effect {
                ladder::Effect::Tell {
                    warning,
                    place,
                    tier,
                    turn,
                    rung,
                } => {
                    if let Some(standing) = self.standing.get(&warning) {
                        let due = Asking {
                            place: &place,
                            tier,
                            turn,
                            rung: &rung,
                            unlit: None,
                        };
                        asking(at, standing, &due, &desk, &mut out.intents);
                    }
                    out.calls.push((warning, place, None));
                }
                ladder::Effect::Phone { warning, place, .. }
                | ladder::Effect::Help { warning, place, .. }
                | ladder::Effect::Board { warning, place } => {
                    out.calls.push((warning, place, None));
                }
            }
        }
        // One line each, as it stands after the step.
        out.calls.sort_by(|a, b| (a.0, &a.1).cmp(&(b.0, &b.1)));
        out.calls.dedup_by(|a, b| (a.0, &a.1) == (b.0, &b.1));
        for (warning, place, call) in &mut out.calls {
            *call = self.calls.call(*warning, place).cloned();
        }
    }
}
