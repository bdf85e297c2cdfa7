//! A rulebook's dry run: it and the one in force, both stepped over what the zones' windows hold of
//! the last 72 hours and what was heard then, and what would have been warned otherwise.
//!
//! Readings are asked of each zone's owner a few at a time, as screens ask; forecasts, signals of
//! other authorities and silences of rules are read from the journal. Both rulebooks go through them
//! on a thread of its own that works half of the time, with proposals issued at once.

mod heard;
mod past;

use crate::app::App;
use crate::clock::{monotonic_micros, rest};
use crate::questions::Unanswered;
use crate::registry::Candidate;
use futures_util::StreamExt;
use heard::Heard;
use model::{
    AreaCode, City, Hazard, Observation, Parameter, Quality, Span, StationNo, Tier, Time, Zone,
};
use parking_lot::Mutex;
use past::{Known, Past, Walk};
use rules::score::{Difference, Issued, Shift, differences};
use rules::{Rulebook, Windowed};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

/// How far back.
const LENGTH: Span = Span::from_minutes(72 * 60);
/// Readings of one zone in memory, 24 bytes each: where there may be more it goes back less far.
const READINGS_MAX: usize = 4_000_000;
/// Questions to a zone at once; screens have as many beside them.
const ASKED_MAX: usize = 16;
/// Tries of a question to a zone that is busy, and the wait between two.
const TRIES: u32 = 20;
const BUSY: Duration = Duration::from_millis(250);
/// Tries to keep what was found, and the wait between two.
const KEEP_TRIES: u32 = 30;
const KEEP_WAIT: Duration = Duration::from_secs(10);
/// Work between two rests, which are as long.
const STINT_US: u64 = 10_000;
/// Readings between two looks at the clock and at whether it is cancelled.
const STRIDE: usize = 256;
/// Differences kept word for word; all are counted.
const DIFFERENCES_MAX: usize = 200;

/// How far a dry run came, and what it found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Trial {
    pub(crate) state: State,
    /// Times of the oldest and the newest reading.
    pub(crate) from: Option<Time>,
    pub(crate) to: Option<Time>,
    /// Readings that both rulebooks went through.
    pub(crate) readings: u64,
    /// Forecasts, signals and silences that zones heard meanwhile: each by the number of its zones.
    #[serde(default)]
    pub(crate) heard: Counted,
    /// Why it failed, where it did.
    #[serde(default)]
    pub(crate) reason: Option<String>,
    /// The process that runs it, where there can be several.
    #[serde(default)]
    pub(crate) node: Option<String>,
    /// What the rulebook reads and nothing holds, by name: of that nothing is compared.
    pub(crate) unheld: Vec<String>,
    /// Zones whose owner did not answer.
    pub(crate) unheard: Vec<AreaCode>,
    /// Areas warned otherwise, at most [`DIFFERENCES_MAX`].
    pub(crate) differences: Vec<Differs>,
    /// How many there are, by tier and kind.
    pub(crate) counts: BTreeMap<Tier, BTreeMap<Shift, u64>>,
    /// Residents of areas that a tier rises in, each person once, by the rulebook in force and by this.
    pub(crate) people: [u64; 2],
    /// Of them, those for whom one rises at night.
    #[serde(default)]
    pub(crate) people_night: [u64; 2],
    /// The same with each rise counted anew.
    pub(crate) rings: [u64; 2],
    /// Of these, those at night.
    #[serde(default)]
    pub(crate) rings_night: [u64; 2],
}

/// What was heard beside readings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Counted {
    /// Forecasts.
    pub(crate) forecasts: u64,
    /// Signals of other authorities.
    pub(crate) signals: u64,
    /// Rules silenced by a person, and silences lifted.
    pub(crate) silences: u64,
}

/// How a dry run stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum State {
    /// It goes on.
    #[default]
    Running,
    /// It came to no end, for its reason: it has to be put forward again.
    Failed,
    /// It came to its end.
    Done,
    /// Somebody ended it.
    Cancelled,
}

impl Trial {
    /// One that came to no end.
    pub(crate) fn failed(reason: String) -> Self {
        Self {
            state: State::Failed,
            reason: Some(reason),
            ..Self::default()
        }
    }
}

/// An area that is warned otherwise.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Differs {
    pub(crate) hazard: Hazard,
    pub(crate) area: AreaCode,
    /// The tier reached; none is the all-clear.
    pub(crate) tier: Tier,
    pub(crate) kind: Shift,
    /// When, by the rulebook in force.
    pub(crate) old: Option<Time>,
    /// When, by this one.
    pub(crate) new: Option<Time>,
}

impl Differs {
    fn of(difference: &Difference) -> Self {
        Self {
            hazard: difference.hazard,
            area: difference.area,
            tier: difference.tier,
            kind: difference.shift(),
            old: difference.old,
            new: difference.new,
        }
    }
}

/// The dry run of this process, of which there is one at a time.
#[derive(Default)]
pub(crate) struct Rehearsal(Mutex<Option<Arc<Running>>>);

/// One that goes on.
pub(crate) struct Running {
    hash: String,
    /// Series and readings that are to be gone through, and how many were.
    total: AtomicU64,
    done: AtomicU64,
    cancelled: AtomicBool,
}

impl Running {
    fn is_over(&self, app: &App) -> bool {
        self.cancelled.load(Ordering::Relaxed) || app.stopping()
    }

    fn pass(&self, steps: u64) {
        self.done.fetch_add(steps, Ordering::Relaxed);
    }
}

impl Rehearsal {
    /// The hash of the rulebook that is under way.
    pub(crate) fn under_way(&self) -> Option<String> {
        self.0.lock().as_ref().map(|running| running.hash.clone())
    }

    /// Parts of a thousand of what it is to go through.
    pub(crate) fn progress(&self, hash: &str) -> Option<u64> {
        let running = self.0.lock();
        let running = running.as_ref().filter(|running| running.hash == hash)?;
        let done = running.done.load(Ordering::Relaxed);
        let total = running.total.load(Ordering::Relaxed).max(1);
        Some((done * 1000 / total).min(1000))
    }

    /// Ends it; false where it is not under way here.
    pub(crate) fn cancel(&self, hash: &str) -> bool {
        let running = self.0.lock();
        let running = running.as_ref().filter(|running| running.hash == hash);
        running.is_some_and(|running| {
            running.cancelled.store(true, Ordering::Relaxed);
            true
        })
    }

    fn begin(&self, hash: &str) -> Arc<Running> {
        let begun = Arc::new(Running {
            hash: hash.to_owned(),
            total: AtomicU64::new(1),
            done: AtomicU64::new(0),
            cancelled: AtomicBool::new(false),
        });
        if let Some(before) = self.0.lock().replace(Arc::clone(&begun)) {
            before.cancelled.store(true, Ordering::Relaxed);
        }
        begun
    }

    /// Whether that one was the last begun; then it is over.
    fn end(&self, ended: &Arc<Running>) -> bool {
        let mut running = self.0.lock();
        let is_last = running
            .as_ref()
            .is_some_and(|last| Arc::ptr_eq(last, ended));
        if is_last {
            *running = None;
        }
        is_last
    }
}

/// What both rulebooks said so far.
struct Course {
    city: Arc<City>,
    rulebooks: [Arc<Rulebook>; 2],
    issued: [Issued; 2],
}

impl App {
    /// A dry run that this process begins.
    pub(crate) fn begun(&self) -> Trial {
        Trial {
            node: self.peers.as_ref().map(|peers| peers.node().to_owned()),
            ..Trial::default()
        }
    }

    /// Begins the dry run of a rulebook that was put forward; what it finds is kept with it.
    pub(crate) fn rehearse(self: &Arc<Self>, candidate: &Candidate) {
        let running = self.reload.rehearsal.begin(&candidate.hash);
        let (app, candidate) = (Arc::clone(self), candidate.clone());
        tokio::spawn(async move {
            let found = app.rehearsed(&candidate, &running).await;
            if !app.reload.rehearsal.end(&running) || app.stopping() {
                return;
            }
            let trial = found.unwrap_or_else(|error| {
                tracing::error!(%error, "the dry run of a rulebook failed");
                Trial::failed(error.to_string())
            });
            // Another process may be adding to the registry, or the disk be full.
            for _ in 0..KEEP_TRIES {
                let Err(error) = app.keep_trial(candidate.clone(), trial.clone()).await else {
                    return;
                };
                tracing::warn!(%error, "what the dry run of a rulebook found is not kept yet");
                tokio::time::sleep(KEEP_WAIT).await;
            }
            let hash = candidate.hash;
            tracing::error!(
                hash,
                "the dry run of a rulebook is not kept: put it forward again"
            );
        });
    }

    async fn rehearsed(
        self: &Arc<Self>,
        candidate: &Candidate,
        running: &Arc<Running>,
    ) -> Result<Trial, crate::reload::Refusal> {
        let (app, hashes) = (
            Arc::clone(self),
            [candidate.against.clone(), candidate.hash.clone()],
        );
        let read = tokio::task::spawn_blocking(move || {
            let [old, new] = hashes.map(|hash| app.registry.rulebook_of(&hash).map(Arc::new));
            Ok::<_, crate::registry::RegistryError>([old?, new?])
        });
        let rulebooks = read.await??;
        let mut course = Course {
            city: Arc::clone(&self.installation.city),
            rulebooks,
            issued: Default::default(),
        };
        let mut trial = Trial::default();
        let mut known = Known::default();
        let now = self.clock.now();
        let series: Vec<_> = (0..course.city.zones.len())
            .map(|zone| course.series(Zone(zone as u16)))
            .collect();
        let asked: usize = series.iter().map(Vec::len).sum();
        running.total.store(asked as u64 * 2, Ordering::Relaxed);
        for (zone, series) in (0u16..).map(Zone).zip(series) {
            if running.is_over(self) {
                break;
            }
            let span = [now - length(series.len()), now];
            let Some(readings) = self.held(zone, &series, span, running).await else {
                trial.unheard.push(self.zone_code(zone));
                running.pass(series.len() as u64 * 2);
                continue;
            };
            let (app, running) = (Arc::clone(self), Arc::clone(running));
            let steps = series.len() as u64;
            let stepped = tokio::task::spawn_blocking(move || {
                let heard = Heard::read(&app, zone, span[0])?;
                let past = Past {
                    readings,
                    heard,
                    span,
                };
                let stepped = course.step(&app, zone, &past, &running);
                running.pass(steps);
                Ok::<_, journal::JournalError>((course, past, stepped))
            });
            let (back, past, stepped) = stepped.await??;
            course = back;
            known.note(&past, &mut trial);
            trial.readings += stepped;
        }
        trial.state = if running.is_over(self) {
            State::Cancelled
        } else {
            State::Done
        };
        trial.unheld = known.unheld(&course.rulebooks, now - LENGTH, |time| self.view.text(time));
        course.tell(&mut trial);
        Ok(trial)
    }

    /// What a zone's windows hold, by time; nothing where its owner does not answer.
    async fn held(
        self: &Arc<Self>,
        zone: Zone,
        series: &[(StationNo, Parameter)],
        [begin, now]: [Time; 2],
        running: &Running,
    ) -> Option<Vec<Observation>> {
        let length = now.since(begin);
        let asked = futures_util::stream::iter(series.iter().copied());
        let asked = asked.map(async |(station, parameter)| {
            if running.is_over(self) {
                return Some(Vec::new());
            }
            let found = self.asked(zone, station, parameter, length).await?;
            running.pass(1);
            let home = self.installation.city.station(station)?;
            let interval_s = match home.interval_s {
                0 => parameter.usual_interval_s(),
                interval => interval,
            };
            let observation = |reading: Windowed| Observation {
                station,
                parameter,
                time: reading.time,
                value: reading.value,
                interval_s,
                quality: if reading.is_suspect {
                    Quality::Suspect
                } else {
                    Quality::Correct
                },
            };
            Some(found.into_iter().map(observation).collect::<Vec<_>>())
        });
        let mut answers = asked.buffered(ASKED_MAX);
        let mut readings = Vec::new();
        while let Some(found) = answers.next().await {
            readings.extend(found?);
            readings.truncate(READINGS_MAX);
        }
        readings.sort_by_key(|reading| (reading.time, reading.station, reading.parameter));
        Some(readings)
    }

    async fn asked(
        self: &Arc<Self>,
        zone: Zone,
        station: StationNo,
        parameter: Parameter,
        length: Span,
    ) -> Option<Vec<Windowed>> {
        for _ in 0..TRIES {
            match self.readings(zone, station, parameter, length).await {
                Ok(found) => return Some(found),
                Err(Unanswered::Full | Unanswered::Late) => tokio::time::sleep(BUSY).await,
                Err(Unanswered::Elsewhere | Unanswered::Stranger) => return None,
            }
        }
        None
    }
}

impl Course {
    /// What a zone may hold that either rulebook reads.
    fn series(&self, zone: Zone) -> Vec<(StationNo, Parameter)> {
        let read: BTreeSet<Parameter> =
            self.rulebooks.iter().flat_map(|r| r.parameters()).collect();
        let stations = (0u32..).map(StationNo).zip(&self.city.stations);
        let here = stations.filter(|(_, station)| station.zones.contains(&zone));
        here.flat_map(|(number, station)| {
            let measures = &station.parameters;
            // A counter's rise is windowed as rainfall.
            let counts = measures.contains(&Parameter::RainfallTotal);
            let wanted = read.iter().copied().filter(move |parameter| {
                measures.contains(parameter) || (counts && *parameter == Parameter::Rainfall)
            });
            wanted.map(move |parameter| (number, parameter))
        })
        .collect()
    }

    /// Both rulebooks through a zone's readings and what it heard; how many readings these were.
    fn step(&mut self, app: &App, zone: Zone, past: &Past, running: &Running) -> u64 {
        let Some(start) = past.start() else {
            return 0;
        };
        let walk = |rulebook: &Arc<Rulebook>| Walk::new(&self.city, zone, rulebook, start);
        let mut walks = self.rulebooks.each_ref().map(walk);
        let mut stepped = 0;
        let mut began = monotonic_micros();
        for some in past.readings.chunks(STRIDE) {
            if running.is_over(app) {
                return stepped;
            }
            for (walk, issued) in walks.iter_mut().zip(&mut self.issued) {
                for reading in some {
                    walk.to(reading.time, &past.heard, issued);
                    walk.observe(reading, issued);
                }
            }
            stepped += some.len() as u64;
            if monotonic_micros().saturating_sub(began) >= STINT_US {
                // Warnings have the processors first.
                rest(Duration::from_micros(STINT_US));
                began = monotonic_micros();
            }
        }
        let [_, now] = past.span;
        for (walk, issued) in walks.iter_mut().zip(&mut self.issued) {
            walk.to(now, &past.heard, issued);
        }
        stepped
    }

    /// What came of both.
    fn tell(&self, trial: &mut Trial) {
        let [old, new] = &self.issued;
        for difference in differences(old, new) {
            let differs = Differs::of(&difference);
            let of_tier = trial.counts.entry(differs.tier).or_default();
            *of_tier.entry(differs.kind).or_default() += 1;
            if trial.differences.len() < DIFFERENCES_MAX {
                trial.differences.push(differs);
            }
        }
        let residents = |area| self.city.area(area).map_or(0, |area| area.population);
        let woken = self.issued.each_ref();
        let woken = woken.map(|issued| issued.woken(&self.city, None, residents));
        trial.people = woken.map(|woken| woken.people);
        trial.people_night = woken.map(|woken| woken.people_night);
        trial.rings = woken.map(|woken| woken.rings);
        trial.rings_night = woken.map(|woken| woken.rings_night);
    }
}

/// How far back a zone with so many series is gone through.
fn length(series: usize) -> Span {
    let each = READINGS_MAX / series.max(1);
    LENGTH.min(Span::from_minutes(i64::try_from(each).unwrap_or(i64::MAX)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_at_a_time_and_it_can_be_ended() {
        let rehearsal = Rehearsal::default();
        assert!(!rehearsal.cancel("a"));
        let first = rehearsal.begin("a");
        first.total.store(8, Ordering::Relaxed);
        first.pass(2);
        assert_eq!(rehearsal.progress("a"), Some(250));
        assert_eq!(rehearsal.progress("b"), None);
        // Put forward again, it begins anew, and what the first found is not kept.
        let second = rehearsal.begin("a");
        assert!(first.cancelled.load(Ordering::Relaxed));
        assert!(!rehearsal.end(&first));
        assert_eq!(rehearsal.under_way().as_deref(), Some("a"));
        assert!(!rehearsal.cancel("b"));
        assert!(rehearsal.cancel("a") && second.cancelled.load(Ordering::Relaxed));
        assert!(rehearsal.end(&second));
        assert_eq!(rehearsal.under_way(), None);
    }
}
