//! The zones of a replay, each stepped through its part of some ten thousand lines before the next
//! one's turn.
//!
//! Zones know nothing of each other: their order matters only for what is printed, which is put
//! back in the order of the lines. What a zone remembers is read and written from end to end
//! while it is in the caches, not here and there for every line of the file.

use super::News;
use ingest::quality::Screen;
use model::{City, Mode, Observation, StationNo, Time, Zone};
use rules::{Effect, Engine, Policy, Rulebook};
use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

/// Lines and minutes that wait for their zones, at most: several minutes of thousands of stations, so
/// that what a zone remembers of each is in the caches for all of them but the first.
const WAITING_MAX: u32 = 1 << 16;

/// Every zone of a city, and what waits for them.
pub(crate) struct Zones {
    routes: Routes,
    zones: Vec<One>,
    minutes: Vec<Minute>,
    /// What waits for its time, by when it is heard of.
    news: VecDeque<News>,
    /// Record time: the newest observation time so far.
    now: Time,
    /// Lines so far behind it that what they raise is past.
    late: u64,
    /// Lines and minutes since the last step.
    moment: u32,
    found: Vec<Found>,
    order: Order,
}

struct One {
    engine: Engine,
    screen: Screen,
    waiting: Vec<Waiting>,
}

/// A line that a zone is to step.
struct Waiting {
    moment: u32,
    /// Which of the station's zones this is.
    place: u16,
    /// False where the station says nothing that counts there: time passes.
    hears: bool,
    now: Time,
    observation: Observation,
}

/// What came to every zone before a line: a whole minute that passed, or news.
struct Minute {
    moment: u32,
    time: Time,
    news: Vec<(BTreeSet<Zone>, News)>,
}

/// What a line or minute caused.
struct Found {
    moment: u32,
    place: u16,
    effect: Effect,
}

impl Zones {
    pub(crate) fn new(city: &Arc<City>, rulebook: &Arc<Rulebook>) -> Self {
        let numbers = (0..city.zones.len()).map(|number| Zone(number as u16));
        let one = |zone| One {
            engine: Engine::new(
                Arc::clone(city),
                zone,
                Mode::Actual,
                Arc::clone(rulebook),
                Policy::Replay,
            ),
            screen: Screen::new(city, zone),
            waiting: Vec::new(),
        };
        let zones: Vec<One> = numbers.map(one).collect();
        Self {
            routes: Routes::new(city, &zones),
            zones,
            minutes: Vec::new(),
            news: VecDeque::new(),
            now: Time::from_millis(i64::MIN),
            late: 0,
            moment: 0,
            found: Vec::new(),
            order: Order {
                city: Arc::clone(city),
                rulebook: Arc::clone(rulebook),
            },
        }
    }

    /// Takes the next line: the minutes that passed before it first, then what it says.
    #[inline]
    pub(crate) fn observe(&mut self, observation: &Observation, tell: &mut impl FnMut(&Effect)) {
        if self
            .news
            .front()
            .is_some_and(|next| next.time() <= observation.time)
        {
            self.hear(observation.time, tell);
        }
        if observation.time > self.now {
            self.pass(observation.time, tell);
            self.now = observation.time;
        } else if self.now.since(observation.time) > self.order.city.policy.lateness.past_after {
            self.late += 1;
        }
        for (place, route) in (0u16..).zip(self.routes.of(observation.station)) {
            if let Some(zone) = self.zones.get_mut(usize::from(route.zone.0)) {
                zone.waiting.push(Waiting {
                    moment: self.moment,
                    place,
                    hears: route.hears,
                    now: self.now,
                    observation: *observation,
                });
            }
        }
        self.advance(tell);
    }

    /// Takes what is heard of beside lines, in the order of its time.
    pub(crate) fn expect(&mut self, news: Vec<News>) {
        self.news = news.into();
    }

    /// What was heard after the last line, and the time until then.
    pub(crate) fn finish(&mut self, tell: &mut impl FnMut(&Effect)) {
        self.hear(Time::from_millis(i64::MAX), tell);
        self.step(tell);
    }

    /// Hands the zones what was heard of by `until`, each in its time.
    fn hear(&mut self, until: Time, tell: &mut impl FnMut(&Effect)) {
        while let Some(time) = self.news.front().map(News::time) {
            if time > until {
                break;
            }
            let count = self
                .news
                .iter()
                .take_while(|next| next.time() == time)
                .count();
            let at_once: Vec<News> = self.news.drain(..count).collect();
            self.pass(time, tell);
            self.now = self.now.max(time);
            let city = &self.order.city;
            let to_zones = at_once.into_iter();
            let news = to_zones.map(|one| (one.zones(city), one)).collect();
            self.minutes.push(Minute {
                moment: self.moment,
                time: self.now,
                news,
            });
            self.advance(tell);
        }
    }

    /// Lines that came so late that what they raise is past (semantics §5).
    pub(in crate::command) const fn late(&self) -> u64 {
        self.late
    }

    /// A tick for each whole minute up to `time`.
    fn pass(&mut self, time: Time, tell: &mut impl FnMut(&Effect)) {
        if self.now.millis() == i64::MIN {
            return;
        }
        for minute in self.now.minute() + 1..=time.minute() {
            self.minutes.push(Minute {
                moment: self.moment,
                time: Time::from_minute(minute),
                news: Vec::new(),
            });
            self.advance(tell);
        }
    }

    #[inline]
    fn advance(&mut self, tell: &mut impl FnMut(&Effect)) {
        self.moment += 1;
        if self.moment == WAITING_MAX {
            self.step(tell);
        }
    }

    /// Steps all that waits and hands out what it caused: by line, then by rule, then by subject,
    /// whichever zone it came from.
    pub(crate) fn step(&mut self, tell: &mut impl FnMut(&Effect)) {
        for (number, zone) in (0u16..).zip(&mut self.zones) {
            zone.step(number, &self.minutes, &mut self.found);
        }
        self.minutes.clear();
        self.moment = 0;
        let order = &self.order;
        self.found
            .sort_by_cached_key(|one| (one.moment, order.of(&one.effect), one.place));
        for found in self.found.drain(..) {
            tell(&found.effect);
        }
    }
}

impl One {
    fn step(&mut self, number: u16, minutes: &[Minute], found: &mut Vec<Found>) {
        let Self {
            engine,
            screen,
            waiting,
        } = self;
        let mut effects = Vec::new();
        let mut tell = |effects: &mut Vec<Effect>, moment, place| {
            found.extend(effects.drain(..).map(|effect| Found {
                moment,
                place,
                effect,
            }));
        };
        let mut minutes = minutes.iter().peekable();
        for line in waiting.drain(..) {
            while let Some(minute) = minutes.next_if(|minute| minute.moment < line.moment) {
                minute.step(Zone(number), engine, &mut effects);
                tell(&mut effects, minute.moment, number);
            }
            line.step(screen, engine, &mut effects);
            if !effects.is_empty() {
                tell(&mut effects, line.moment, line.place);
            }
        }
        for minute in minutes {
            minute.step(Zone(number), engine, &mut effects);
            tell(&mut effects, minute.moment, number);
        }
    }
}

impl Minute {
    fn step(&self, zone: Zone, engine: &mut Engine, effects: &mut Vec<Effect>) {
        let (mut forecasts, mut signals) = (Vec::new(), Vec::new());
        for (_, news) in self.news.iter().filter(|(zones, _)| zones.contains(&zone)) {
            match news {
                News::Forecast(forecast) => forecasts.push(forecast.clone()),
                News::Signal(signal) => signals.push(signal),
            }
        }
        if forecasts.is_empty() {
            engine.tick(self.time, effects);
        } else {
            engine.expect(self.time, &forecasts, effects);
        }
        for signal in signals {
            engine.signal(self.time, signal, effects);
        }
    }
}

impl Waiting {
    #[inline]
    fn step(&self, screen: &mut Screen, engine: &mut Engine, effects: &mut Vec<Effect>) {
        if !self.hears {
            return engine.tick(self.now, effects);
        }
        let screened = screen.step(self.now, &self.observation);
        if screened.is_repeat() {
            return engine.tick(self.now, effects);
        }
        engine.observe(self.now, &screened.observation, effects);
        if let Some(rainfall) = &screened.rainfall {
            engine.observe(self.now, rainfall, effects);
        }
    }
}

/// The zones that get each station's observations, by station.
struct Routes {
    starts: Vec<u32>,
    routes: Vec<Route>,
}

/// A zone, and whether what the station says counts there: where it does not, time passes.
struct Route {
    zone: Zone,
    hears: bool,
}

impl Routes {
    fn new(city: &City, ones: &[One]) -> Self {
        let (mut starts, mut routes) = (vec![0], Vec::new());
        for (number, station) in (0u32..).zip(&city.stations) {
            routes.extend(station.zones.iter().map(|zone| {
                let one = ones.get(usize::from(zone.0));
                Route {
                    zone: *zone,
                    hears: one.is_some_and(|one| one.engine.hears(StationNo(number))),
                }
            }));
            starts.push(u32::try_from(routes.len()).unwrap_or(u32::MAX));
        }
        Self { starts, routes }
    }

    fn of(&self, station: StationNo) -> &[Route] {
        let at = station.0 as usize;
        let range = self.starts.get(at).zip(self.starts.get(at + 1));
        range
            .and_then(|(from, to)| self.routes.get(*from as usize..*to as usize))
            .unwrap_or_default()
    }
}

/// The order of what one line caused (design §5).
struct Order {
    city: Arc<City>,
    rulebook: Arc<Rulebook>,
}

impl Order {
    fn of(&self, effect: &Effect) -> (usize, u32) {
        match effect {
            Effect::Signal(change) => (self.rule(&change.rule), self.subject(&change.subject)),
            Effect::Warning(warning) => (self.rule(&warning.rule), 0),
            Effect::Silence(_) | Effect::Muted(_) | Effect::Pending(_) | Effect::Refused { .. } => {
                (usize::MAX, 0)
            }
        }
    }

    fn rule(&self, id: &str) -> usize {
        self.rulebook
            .rule(id)
            .map_or(usize::MAX, |(number, _)| number)
    }

    fn subject(&self, id: &str) -> u32 {
        let site = self.city.site_no(id).map(|no| no.0);
        site.or_else(|| self.city.station_no(id).map(|no| no.0))
            .unwrap_or(u32::MAX)
    }
}
