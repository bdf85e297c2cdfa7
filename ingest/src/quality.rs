//! Quality control that needs memory: each observation of a zone against what its series and its
//! station said before (semantics §2, §12–14; WMO-No. 8, QX/T 118).
//!
//! The screen only ever worsens a flag and never drops a value: what is suspect stays in the
//! windows and says so, and what a person should look at comes with a [`Finding`]. Its memory is
//! one fixed record a series, so that it is bounded and the same bytes everywhere.

pub mod limits;

mod counter;
mod internal;
mod rain;
mod series;
mod snapshot;
mod step;
mod still;

pub use snapshot::SnapshotError;

use model::{City, Observation, Parameter, Quality, Quanta, Span, StationNo, Time, Zone};
use rain::Rain;
use series::{Point, Registry, Seat, Series};
use std::cmp::Ordering;

/// The screen of one zone.
#[derive(Clone, Debug, PartialEq)]
pub struct Screen {
    registry: Registry,
    series: Vec<Series>,
    rain: Rain,
    late_after: Span,
}

/// An observation after screening.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Screened {
    /// The observation with its flag.
    pub observation: Observation,
    /// The rainfall that a counter (`rainfall_total`) showed since its last reading; its interval
    /// is the time between the two.
    pub rainfall: Option<Observation>,
    /// How it came in.
    pub arrival: Arrival,
    /// What a person should look at. A lasting fault is told once.
    pub finding: Option<Finding>,
}

impl Screened {
    /// An observation of which nothing is known yet but how it came.
    #[inline]
    const fn of(observation: &Observation, arrival: Arrival) -> Self {
        Self {
            observation: *observation,
            rainfall: None,
            arrival,
            finding: None,
        }
    }

    /// True where nothing new was said: the value was judged when it came first, and what it was
    /// found to be stands. A source that now doubts the value, and a person who stands by it, do
    /// say something new.
    #[inline]
    pub const fn is_repeat(&self) -> bool {
        matches!(self.arrival, Arrival::Duplicate)
            && !matches!(
                self.observation.quality,
                Quality::Suspect | Quality::Corrected
            )
    }
}

/// How an observation came in, seen from the newest of its series and from record time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Arrival {
    /// Newer than all before it.
    InTime,
    /// Older than the newest of its series, or behind record time by more than the city's
    /// `lateness.past_after` (semantics §5).
    Late,
    /// The same value for the newest time again.
    Duplicate,
    /// Another value for the newest time.
    Correction,
}

/// Something that a person should look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Where.
    pub station: StationNo,
    /// Of what.
    pub parameter: Parameter,
    /// When.
    pub time: Time,
    /// The value that showed it, in quanta.
    pub value: Quanta,
    /// What it is.
    pub cause: Cause,
}

/// What a check found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Cause {
    /// It changed faster than the parameter usually does.
    SuddenStep,
    /// It changed faster than the parameter can.
    ImpossibleStep,
    /// It has not changed for too long.
    Stuck,
    /// The gust is below the mean wind of the same time.
    GustBelowMean,
    /// It rains while the air is dry.
    RainInDryAir,
    /// More rain than has been recorded: used, and shown to a person.
    HighRain,
    /// The counter began again outside the day's turn: rain before that may be lost.
    CounterReset,
    /// The counter ran over its end.
    CounterWrapped,
    /// The counter fell without beginning again, or leapt: no rainfall can be told from it.
    CounterBroken,
}

impl Cause {
    /// Every cause.
    pub const ALL: [Self; 9] = [
        Self::SuddenStep,
        Self::ImpossibleStep,
        Self::Stuck,
        Self::GustBelowMean,
        Self::RainInDryAir,
        Self::HighRain,
        Self::CounterReset,
        Self::CounterWrapped,
        Self::CounterBroken,
    ];

    /// The cause of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|cause| cause.name() == name)
    }

    /// Its name for programs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::SuddenStep => "sudden_step",
            Self::ImpossibleStep => "impossible_step",
            Self::Stuck => "stuck",
            Self::GustBelowMean => "gust_below_mean",
            Self::RainInDryAir => "rain_in_dry_air",
            Self::HighRain => "high_rain",
            Self::CounterReset => "counter_reset",
            Self::CounterWrapped => "counter_wrapped",
            Self::CounterBroken => "counter_broken",
        }
    }
}

/// What a check says of an observation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Verdict {
    quality: Quality,
    cause: Cause,
    /// False where the same fault was told before.
    is_news: bool,
}

impl Screen {
    /// An empty screen for the stations that a zone sees.
    pub fn new(city: &City, zone: Zone) -> Self {
        let registry = Registry::new(city, zone);
        Self {
            series: vec![Series::default(); registry.series_count()],
            rain: Rain::new(registry.rain_count()),
            registry,
            late_after: city.policy.lateness.past_after,
        }
    }

    /// The same memory under another registry: series that are registered in both go on.
    pub fn with_registry(&self, city: &City, zone: Zone) -> Self {
        let mut next = Self::new(city, zone);
        for (station, parameter, from) in self.registry.all() {
            let seat = next.registry.seat(station);
            let to = seat.and_then(|seat| seat.series(parameter));
            if let (Some(old), Some(new)) = (
                self.series.get(from),
                to.and_then(|at| next.series.get_mut(at)),
            ) {
                *new = *old;
            }
        }
        for (station, from) in self.registry.all_rain() {
            let to = next.registry.seat(station).and_then(Seat::rain);
            if let (Some(hour), Some(to)) = (self.rain.get(from), to) {
                next.rain.set(to, &hour);
            }
        }
        next
    }

    /// Screens one observation; `at` is the time of the record it stands in.
    #[inline]
    pub fn step(&mut self, at: Time, observation: &Observation) -> Screened {
        let newer = if at.since(observation.time) > self.late_after {
            Arrival::Late
        } else {
            Arrival::InTime
        };
        let seat = self.registry.seat(observation.station);
        let found = seat.and_then(|seat| {
            let index = seat.series(observation.parameter)?;
            Some((seat, index, self.series.get(index)?.newest))
        });
        let Some((seat, index, newest)) = found.filter(|_| observation.quality.is_usable()) else {
            return Screened::of(observation, newer);
        };
        let now = Point::of(observation);
        let arrival = match now.time.cmp(&newest.time) {
            Ordering::Greater => newer,
            Ordering::Less => Arrival::Late,
            Ordering::Equal if now.value == newest.value => {
                return Screened::of(observation, Arrival::Duplicate);
            }
            Ordering::Equal => Arrival::Correction,
        };
        if observation.parameter == Parameter::RainfallTotal {
            let mut screened = Screened::of(observation, arrival);
            self.difference(seat, index, &mut screened);
            return screened;
        }
        let verdict = self.judge(seat, index, newest, now, observation);
        let (quality, finding) = found_by(observation, verdict);
        Screened {
            observation: Observation {
                quality,
                ..*observation
            },
            rainfall: None,
            arrival,
            finding,
        }
    }

    /// The first check that objects, in the order of QX/T 118: internal, step, persistence.
    fn judge(
        &mut self,
        seat: Seat,
        index: usize,
        newest: Point,
        now: Point,
        seen: &Observation,
    ) -> Option<Verdict> {
        let parameter = seen.parameter;
        let internal = match parameter {
            Parameter::Rainfall => {
                let high = seat.rain();
                let high = high.and_then(|at| self.rain.judge(at, newest, now, seen.interval_s));
                high.or_else(|| self.rain_in_dry_air(seat, seen))
            }
            Parameter::WindGust | Parameter::WindSpeed => self.gust_below_mean(seat, seen),
            Parameter::RainfallTotal
            | Parameter::WaterLevel
            | Parameter::WaterDepth
            | Parameter::Flow
            | Parameter::WindDirection
            | Parameter::Temperature
            | Parameter::Humidity
            | Parameter::Pressure
            | Parameter::Visibility
            | Parameter::SoilMoisture
            | Parameter::Displacement
            | Parameter::Tilt
            | Parameter::Crack
            | Parameter::PorePressure
            | Parameter::GroundwaterLevel
            | Parameter::Snowfall
            | Parameter::Lightning
            | Parameter::Hail
            | Parameter::RoadTemperature
            | Parameter::FireDanger
            | Parameter::Storage => None,
        };
        let may_stand_still = self.may_stand_still(seat, seen);
        let memory = self.series.get_mut(index)?;
        if now.time < memory.newest.time {
            return internal;
        }
        let step = step::judge(parameter, memory, now);
        let still = still::judge(parameter, memory, now, may_stand_still);
        memory.newest = now;
        if step.is_none() {
            memory.good = now;
        }
        match step {
            Some(wrong) if wrong.quality == Quality::Wrong => step,
            _ => internal.or(step).or(still),
        }
    }
}

/// The flag that a verdict leaves an observation with, and what a person should look at.
#[inline]
fn found_by(seen: &Observation, verdict: Option<Verdict>) -> (Quality, Option<Finding>) {
    match (verdict, seen.quality) {
        // A person's correction outranks the machine.
        (_, Quality::Corrected) => (Quality::Corrected, None),
        (None, Quality::Unchecked) => (Quality::Correct, None),
        (None, as_sent) => (as_sent, None),
        (Some(verdict), _) => {
            let finding = verdict.is_news.then_some(Finding {
                station: seen.station,
                parameter: seen.parameter,
                time: seen.time,
                value: seen.value,
                cause: verdict.cause,
            });
            (verdict.quality, finding)
        }
    }
}
