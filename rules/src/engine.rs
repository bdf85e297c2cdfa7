//! One zone's machine: records in, effects out, the same for the same records.
//!
//! An observation goes into its window; the rules it feeds are evaluated at the subjects it
//! wakes; tiers that change move their areas, areas move the warnings. Everything that waits
//! for time (holds, gathered changes, renewals) is done by the first record that passes it.

mod arrival;
mod calm;
mod cost;
mod evaluate;
mod laid;
mod look_ahead;
mod mute;
mod order;
mod outlook;
mod samples;
mod settle;
mod signals;
mod silence;
mod snapshot;
mod subjects;
mod texts;
mod verdict;
mod windows;

pub use cost::Figures;
pub(crate) use laid::enrolled;
pub use outlook::{Compared, Outlook, Part, TierOutlook};
pub(crate) use silence::unseen;
pub use snapshot::{SNAPSHOT_FORMAT, SnapshotError};

use crate::area::Standing;
use crate::bulletin::{Policy, Shelf};
use crate::effect::{Change, Effect, Reason};
use crate::forecast::Forecasts;
use crate::rulebook::Rulebook;
use crate::window::{Placed, Value};
use laid::Laid;
use model::{
    City, Input, Mode, Observation, Order, Parameter, Quanta, Span, StationNo, Tier, Time, Zone,
};
use mute::Mutes;
use signals::InForce;
use std::sync::Arc;
use subjects::{Feeds, RuleState};
use windows::Windows;

/// No series, no area.
const NONE: u32 = u32::MAX;

/// The machine of one zone in one mode.
pub struct Engine {
    city: Arc<City>,
    zone: Zone,
    mode: Mode,
    policy: Policy,
    rulebook: Arc<Rulebook>,
    at: Time,
    /// Stations whose observations count here, by number.
    hears: Vec<bool>,
    windows: Windows,
    feeds: Feeds,
    rules: Vec<RuleState>,
    bulletins: Shelf,
    mutes: Mutes,
    /// When the next silence of a rule ends, milliseconds.
    next_unmute: i64,
    forecasts: Forecasts,
    in_force: InForce,
    silence: silence::Silence,
    /// When rules that look ahead are looked at again, milliseconds.
    next_look: i64,
    /// Earliest deadline of a waiting rise, milliseconds.
    next_deadline: i64,
    /// Earliest time at which a bulletin has something to do.
    next_due: Time,
    counts: Counts,
    scratch: Scratch,
}

/// What became of observations.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Placed as the newest of their series.
    pub new: u64,
    /// Placed among older ones.
    pub late: u64,
    /// Replaced another value.
    pub corrected: u64,
    /// Equal to what was there.
    pub duplicate: u64,
    /// Flagged wrong or missing.
    pub unusable: u64,
    /// Older than the longest window.
    pub too_old: u64,
    /// Of a station or parameter that no rule reads here.
    pub unread: u64,
}

/// A subject as the engine stands, for the screens.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// Rule id.
    pub rule: String,
    /// Station, site or area id.
    pub subject: String,
    /// Tier found.
    pub tier: Tier,
    /// Tier put forward; higher where the measurement is close to the next.
    pub put: Tier,
    /// Since when the tier holds.
    pub since: Time,
    /// Newest observation time: its age shows how far to trust the tier.
    pub newest: Time,
    /// Calls as written with their values at the last change.
    pub values: Vec<(String, Option<String>)>,
    /// True where the rise was evaluated too late to be sent.
    pub past: bool,
    /// True where it rests on suspect values only.
    pub unconfirmed: bool,
    /// True where a person silenced its rule.
    pub muted: bool,
}

/// A reading as the windows hold it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Windowed {
    /// Observation time.
    pub time: Time,
    /// In quanta.
    pub value: Quanta,
    /// True where what rests on it alone stays unconfirmed.
    pub is_suspect: bool,
}

/// Room used again and again, so that an observation allocates nothing.
#[derive(Default)]
struct Scratch {
    values: Vec<Value>,
    asked: Asked,
    changes: Vec<Moved>,
    cascade: Vec<(usize, u32, i64)>,
    areas: Vec<(usize, u32, i64)>,
    sites: Vec<(usize, u32, i64)>,
}

/// Tiers of the situations that a rule asks for, in the rule's order: as they stand, and as far
/// as they were found in time and rest on sound values.
#[derive(Default)]
struct Asked {
    reached: Vec<Tier>,
    timely: Vec<Tier>,
    confirmed: Vec<Tier>,
}

/// Why a subject is evaluated.
struct Cause {
    /// Time of the reading that was replaced.
    corrected: Option<i64>,
    /// Time of the situation that changed.
    heard: Option<i64>,
    /// Time of the reading that is behind it.
    read: Option<i64>,
    /// What a rise is put down to.
    rise: Reason,
}

impl Cause {
    /// A reading of its own.
    const READING: Self = Self {
        corrected: None,
        heard: None,
        read: None,
        rise: Reason::Raised,
    };

    /// True where another rulebook or city came in force.
    fn is_adoption(&self) -> bool {
        self.rise == Reason::Adopted
    }
}

impl Asked {
    fn clear(&mut self) {
        self.reached.clear();
        self.timely.clear();
        self.confirmed.clear();
    }

    fn push(&mut self, standing: Standing) {
        self.reached.push(standing.reached);
        self.timely.push(standing.timely);
        self.confirmed.push(standing.confirmed);
    }
}

/// A change of tier waiting to be told in its order.
struct Moved {
    rule: usize,
    subject: u32,
    change: Box<Change>,
}

impl Engine {
    /// A machine at rest.
    pub fn new(
        city: Arc<City>,
        zone: Zone,
        mode: Mode,
        rulebook: Arc<Rulebook>,
        policy: Policy,
    ) -> Self {
        let laid = Laid::new(&city, zone, &rulebook);
        let hazards = rulebook.rules.iter().map(|rule| rule.hazard);
        let silence = silence::Silence::new(silence::Listening::new(
            &city,
            zone,
            &rulebook,
            &laid.windows,
            &laid.rules,
        ));
        Self {
            silence,
            bulletins: Shelf::of(hazards),
            mutes: Mutes::default(),
            next_unmute: i64::MAX,
            forecasts: Forecasts::default(),
            in_force: InForce::default(),
            next_look: i64::MAX,
            city,
            zone,
            mode,
            policy,
            rulebook,
            at: Time::from_millis(i64::MIN),
            hears: laid.hears,
            windows: laid.windows,
            feeds: laid.feeds,
            rules: laid.rules,
            next_deadline: i64::MAX,
            next_due: Time::from_millis(i64::MAX),
            counts: Counts::default(),
            scratch: Scratch::default(),
        }
    }

    /// Steps one input at record time `at`. What an `Edition` names is given by
    /// [`Engine::adopt`]; answers change nothing here.
    pub fn step(&mut self, at: Time, input: &Input, out: &mut Vec<Effect>) {
        match input {
            Input::Observations(rows) => rows.iter().for_each(|row| self.observe(at, row, out)),
            Input::Order(order) => self.order(at, order, out),
            Input::Signal(signal) => self.signal(at, signal, out),
            Input::Forecasts(forecasts) => self.expect(at, forecasts, out),
            Input::Tick
            | Input::Edition(_)
            | Input::Device(_)
            | Input::Revised(_)
            | Input::Moved(_) => {
                self.tick(at, out);
            }
        }
    }

    /// True where observations of the station count here: it is of this zone, or a rule of this
    /// zone counts it for one of its areas. A border gauge that nothing here counts is stepped by
    /// its own zone alone, and has no history here should another rulebook begin to count it.
    #[inline]
    pub fn hears(&self, station: StationNo) -> bool {
        self.hears.get(station.0 as usize) == Some(&true)
    }

    /// Steps one screened observation.
    #[inline]
    pub fn observe(&mut self, at: Time, observation: &Observation, out: &mut Vec<Effect>) {
        if at > self.at {
            self.tick(at, out);
        }
        let Some(series) = self
            .windows
            .find(observation.station, observation.parameter)
        else {
            self.counts.unread += 1;
            return;
        };
        let corrected = match self.windows.place(series, observation) {
            Placed::New => {
                self.counts.new += 1;
                None
            }
            Placed::Late => {
                self.counts.late += 1;
                None
            }
            Placed::Corrected => {
                self.counts.corrected += 1;
                Some(observation.time.millis())
            }
            Placed::Duplicate => {
                self.counts.duplicate += 1;
                return;
            }
            Placed::Unusable => {
                self.counts.unusable += 1;
                return;
            }
            Placed::TooOld => {
                self.counts.too_old += 1;
                return;
            }
        };
        self.silence.rains(series, observation);
        self.wake(series, observation, corrected);
        if self.has_changes() {
            self.settle(out);
        }
    }

    /// Lets time pass: holds complete, gathered changes go out, validity is renewed.
    #[inline]
    pub fn tick(&mut self, at: Time, out: &mut Vec<Effect>) {
        if self.policy == Policy::Live {
            self.leave_out_gap(at, out);
        }
        let before = self.at;
        self.at = self.at.max(at);
        if self.at.millis() >= self.silence.next {
            self.listen(before, out);
        }
        if self.at.millis() >= self.next_look {
            self.look_again(out);
        }
        if self.at.millis() > self.next_deadline {
            self.pass_deadlines(self.at.millis());
            self.settle(out);
        }
        if self.at.millis() >= self.next_unmute {
            self.pass_mutes(out);
        }
        if self.at >= self.next_due {
            self.pass_due(out);
        }
    }

    /// Puts another rulebook or city in force. Windows keep their readings, rules of the same id
    /// keep their tiers; what the new conditions imply is told as far as data is there.
    pub fn adopt(
        &mut self,
        at: Time,
        city: Arc<City>,
        rulebook: Arc<Rulebook>,
        out: &mut Vec<Effect>,
    ) {
        self.tick(at, out);
        self.rebuild(city, rulebook, out);
        self.hear_replaced();
        self.evaluate_all();
        self.settle(out);
        self.sweep(out);
    }

    /// The rulebook in force.
    pub fn rulebook(&self) -> &Arc<Rulebook> {
        &self.rulebook
    }

    /// The city in force.
    pub fn city(&self) -> &Arc<City> {
        &self.city
    }

    /// What became of observations since the machine was made or restored.
    pub const fn counts(&self) -> &Counts {
        &self.counts
    }

    /// Readings of a series within `length` of its newest, by time.
    pub fn readings(
        &self,
        station: StationNo,
        parameter: Parameter,
        length: Span,
    ) -> Vec<Windowed> {
        let number = self.windows.find(station, parameter);
        let Some(series) = number.and_then(|number| self.windows.get(number)) else {
            return Vec::new();
        };
        let from = series.newest().unwrap_or_default() - length;
        let entries = series.entries().map(|entry| Windowed {
            time: Time::from_millis(entry.time),
            value: entry.value,
            is_suspect: entry.suspect,
        });
        let mut readings: Vec<_> = entries.filter(|reading| reading.time > from).collect();
        readings.sort_unstable();
        readings
    }

    /// Subjects with a tier, found or put forward, by rule and subject.
    pub fn findings(&self) -> Vec<Finding> {
        let mut findings = Vec::new();
        for (rule, state) in self.rulebook.rules.iter().zip(&self.rules) {
            for (number, subject) in state.subjects.iter().enumerate() {
                let Standing {
                    reached,
                    put,
                    timely,
                    confirmed,
                    ..
                } = subject.standing;
                let Some(held) = subject.state.as_ref() else {
                    continue;
                };
                if reached.max(put) > Tier::None {
                    findings.push(Finding {
                        rule: rule.id.clone(),
                        subject: subject.id(&self.city),
                        tier: reached,
                        put: put.max(reached),
                        since: Time::from_millis(held.onset),
                        newest: Time::from_millis(state.newest(number)),
                        values: held.values.clone(),
                        past: timely < reached,
                        unconfirmed: confirmed < timely,
                        muted: subject
                            .area(&self.city)
                            .is_some_and(|area| self.mutes.is_silent(rule, &self.city, area)),
                    });
                }
            }
        }
        findings
    }

    /// Bytes held by the windows.
    pub fn window_bytes(&self) -> usize {
        self.windows.bytes()
    }

    /// Series that hold at least one reading.
    pub fn series_in_use(&self) -> usize {
        let used = self.windows.all();
        used.filter(|series| series.newest().is_some()).count()
    }
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine")
            .field("zone", &self.zone)
            .field("mode", &self.mode)
            .field("at", &self.at)
            .finish_non_exhaustive()
    }
}

/// Steps an order; see `engine/order.rs`.
impl Engine {
    /// Follows or refuses an act of a person.
    pub fn order(&mut self, at: Time, order: &Order, out: &mut Vec<Effect>) {
        self.tick(at, out);
        if let Err(why) = self.follow(order, out) {
            out.push(Effect::Refused {
                order: Box::new(order.clone()),
                why,
            });
        }
    }
}
