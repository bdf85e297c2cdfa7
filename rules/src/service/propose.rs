//! What proposes a process: official signals, our own findings, and what forecasts reach.

use super::{LIVE_MAX, Services, clock};
use crate::forecast::{circle_arrival, outline};
use crate::response::Responses;
use model::response::{Entry, Standing, What};
use model::service::{Basis, Ground, Ladder, Process, ProcessState, Sign, Slot};
use model::{
    AreaCode, AreaLevel, Forecast, ForecastPlace, ForecastSeries, Hazard, Parameter, Span, Tier,
    Time, Track,
};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Words kept of what speaks for a process.
const BASIS_MAX: usize = 8;

/// Forecasts of which the newest issue is kept; those of the oldest issues go first.
const ISSUES_MAX: usize = 4_000;

/// When each forecast was last issued: an older issue that comes later proposes nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Issues(Vec<Issue>);

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Issue {
    of: Subject,
    issued: Time,
}

/// What a forecast is of, and whose.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Subject {
    Series(String, Parameter, ForecastPlace),
    Track(String, String),
}

impl Subject {
    fn of(forecast: &Forecast) -> Self {
        match forecast {
            Forecast::Series(series) => {
                Self::Series(series.source.clone(), series.parameter, series.place)
            }
            Forecast::Track(track) => Self::Track(track.source.clone(), track.storm.clone()),
        }
    }
}

impl Issues {
    /// Takes an issue in; false where a newer one was heard.
    fn hear(&mut self, forecast: &Forecast) -> bool {
        let (of, issued) = (Subject::of(forecast), forecast.issued());
        // In the order of their subjects.
        match self.0.binary_search_by(|held| held.of.cmp(&of)) {
            Ok(place) => {
                let held = self.0.get_mut(place);
                held.is_none_or(|held| {
                    let is_newest = issued >= held.issued;
                    held.issued = issued.max(held.issued);
                    is_newest
                })
            }
            Err(place) => {
                self.0.insert(place, Issue { of, issued });
                if self.0.len() > ISSUES_MAX {
                    let numbered = self.0.iter().enumerate();
                    let oldest = numbered.min_by_key(|(_, held)| held.issued);
                    if let Some((oldest, _)) = oldest {
                        self.0.remove(oldest);
                    }
                }
                true
            }
        }
    }
}

/// Something that speaks for a process.
struct Evidence {
    hazard: Hazard,
    areas: BTreeSet<AreaCode>,
    basis: Basis,
}

impl Services {
    /// Standing warnings that are new or higher than when they were last looked at propose a
    /// process; gives the keys of all that changed.
    pub(super) fn weigh(
        &mut self,
        at: Time,
        said: &[Entry],
        responses: &mut Responses,
        out: &mut Vec<Entry>,
    ) -> BTreeSet<String> {
        let mut fresh = BTreeSet::new();
        // A signal that takes the place of one from the same sender says nothing new by itself.
        let mut replaced: BTreeMap<(Hazard, String), Tier> = BTreeMap::new();
        for entry in said {
            if let What::Over(standing) = &entry.what
                && let Some(tier) = self.state.weighed.remove(&standing.key)
            {
                let key = (standing.hazard, standing.sender.clone());
                let before = replaced.entry(key).or_default();
                *before = tier.max(*before);
            }
        }
        for entry in said {
            let What::Standing(standing) = &entry.what else {
                continue;
            };
            fresh.insert(standing.key.clone());
            let key = (standing.hazard, standing.sender.clone());
            let weighed = self.state.weighed.get(&standing.key).copied();
            let before = weighed.or_else(|| replaced.get(&key).copied());
            let tier = standing.tier();
            self.state.weighed.insert(standing.key.clone(), tier);
            if before.is_none_or(|before| tier > before)
                && let Some(ladder) = self.city.services.ladder(standing.hazard).cloned()
            {
                let evidence = self.evidence(standing, &ladder, tier);
                self.propose(at, &ladder, evidence, responses, out);
            }
        }
        fresh
    }

    fn evidence(&self, standing: &Standing, ladder: &Ladder, tier: Tier) -> Evidence {
        let (ground, onset) = match standing.onset {
            Some(onset) => (Ground::Signal, onset.max(standing.sent)),
            None if standing.official.is_empty() && standing.expected => {
                (Ground::Forecast, standing.sent + ladder.ahead)
            }
            None if standing.official.is_empty() => (Ground::Situation, standing.sent),
            None => (Ground::Warning, standing.sent),
        };
        let codes = standing.official.keys().chain(standing.found.keys());
        Evidence {
            hazard: standing.hazard,
            areas: codes.filter_map(|code| self.large(*code)).collect(),
            basis: Basis {
                ground,
                reference: standing.identifier.clone(),
                sender: standing.sender.clone(),
                tier,
                onset,
            },
        }
    }

    /// The district of an area: processes are larger than what one gauge sees.
    fn large(&self, code: AreaCode) -> Option<AreaCode> {
        let no = self.city.area_no(code)?;
        let mut upward = std::iter::once(no).chain(self.city.ancestors(no));
        let level = |no| self.city.area(no).map(|area| area.level);
        let district = upward.find(|no| {
            matches!(
                level(*no),
                Some(AreaLevel::District | AreaLevel::City) | None
            )
        })?;
        self.city.area(district).map(|area| area.code)
    }

    /// Forecasts came in.
    pub fn forecasts(
        &mut self,
        at: Time,
        forecasts: &[Forecast],
        responses: &mut Responses,
        out: &mut Vec<Entry>,
    ) {
        let city = std::sync::Arc::clone(&self.city);
        for forecast in forecasts {
            self.state.issues.hear(forecast);
        }
        let forecasts = forecasts.iter();
        let forecasts: Vec<&Forecast> = forecasts
            .filter(|forecast| self.state.issues.hear(forecast))
            .collect();
        let mut is_any = false;
        for ladder in &city.services.ladders {
            let mut found: Option<Evidence> = None;
            for forecast in &forecasts {
                for sign in &ladder.expects {
                    let Some(evidence) = self.expected(at, ladder, forecast, *sign) else {
                        continue;
                    };
                    found = Some(match found.take() {
                        Some(before) => before.with(evidence),
                        None => evidence,
                    });
                }
            }
            if let Some(found) = found {
                self.propose(at, ladder, found, responses, out);
                is_any = true;
            }
        }
        if is_any {
            self.advance(at, &BTreeSet::new(), responses, out);
        }
    }

    fn expected(
        &self,
        at: Time,
        ladder: &Ladder,
        forecast: &Forecast,
        sign: Sign,
    ) -> Option<Evidence> {
        let hazard = *ladder.hazards.first()?;
        let (area, onset, source) = match (forecast, sign) {
            (Forecast::Series(series), Sign::Reaches { parameter, .. })
                if series.parameter == parameter =>
            {
                let code = match series.place {
                    ForecastPlace::Area(code) => Some(code),
                    ForecastPlace::Station(no) => {
                        let area = self.city.station(no).map(|station| station.area);
                        let area = area.and_then(|no| self.city.area(no));
                        area.map(|area| area.code)
                    }
                };
                (code?, reached(at, series, sign)?, &series.source)
            }
            (Forecast::Track(track), Sign::Circle(force)) => {
                let onset = self.arrival(at, track, force)?;
                (self.city.code, onset, &track.source)
            }
            (Forecast::Series(_) | Forecast::Track(_), Sign::Reaches { .. } | Sign::Circle(_)) => {
                return None;
            }
        };
        Some(Evidence {
            hazard,
            areas: self.large(area).into_iter().collect(),
            basis: Basis {
                ground: Ground::Forecast,
                reference: forecast.issued().to_string(),
                sender: source.clone(),
                tier: Tier::None,
                onset,
            },
        })
    }

    fn arrival(&self, at: Time, track: &Track, force: model::WindForce) -> Option<Time> {
        let no = self.city.area_no(self.city.code)?;
        let points = outline(self.city.area(no)?);
        circle_arrival(track, force, &points, at)
    }

    /// Where a process of that time is known already nothing is proposed; what is proposed grows by
    /// areas, and begins earlier where a forecast says so. Only a person lets it begin later.
    fn propose(
        &self,
        at: Time,
        ladder: &Ladder,
        evidence: Evidence,
        responses: &mut Responses,
        out: &mut Vec<Entry>,
    ) {
        let (onset, end) = (evidence.basis.onset, evidence.basis.onset + ladder.lasts);
        let live = responses.board().processes.values();
        let live = live.filter(|p| p.is_live() && p.ladder == ladder.id);
        let live = live.filter(|process| overlaps(process, onset, end));
        let live: Vec<Process> = live.cloned().collect();
        let known = |code: &&AreaCode| {
            let mut covered = live.iter().flat_map(|process| &process.areas);
            covered.any(|of| is_within(&self.city, **code, *of))
        };
        let (_, new): (Vec<AreaCode>, Vec<AreaCode>) =
            evidence.areas.iter().partition(|code| known(code));
        let proposed = live.iter().find(|p| p.state == ProcessState::Proposed);
        match proposed.cloned() {
            Some(process) => {
                let is_forecast = evidence.basis.ground == Ground::Forecast;
                let is_earlier = is_forecast && onset < process.onset;
                if new.is_empty() && !is_earlier {
                    return;
                }
                let mut process = process;
                process.areas.extend(&new);
                process.changed = at;
                process.basis.push(evidence.basis);
                let spare = process.basis.len().saturating_sub(BASIS_MAX);
                // The first stays: it is why the process is known.
                process.basis.drain(1..=spare);
                if is_earlier {
                    let end = process.end.max(end);
                    self.reclock(&mut process, onset, end, at);
                }
                responses.note(at, What::Process(Box::new(process)), out);
            }
            None if !new.is_empty() => {
                let count = responses.board().processes.values();
                if count.filter(|process| process.is_live()).count() >= LIVE_MAX {
                    return;
                }
                let areas = new.into_iter().collect();
                let mut process = self.process(
                    (ladder, evidence.hazard),
                    areas,
                    (onset, end),
                    at,
                    responses,
                );
                process.basis.push(evidence.basis);
                responses.note(at, What::Process(Box::new(process)), out);
            }
            None => {}
        }
    }

    /// A process that is known since now.
    pub(super) fn process(
        &self,
        (ladder, hazard): (&Ladder, Hazard),
        areas: BTreeSet<AreaCode>,
        (onset, end): (Time, Time),
        at: Time,
        responses: &Responses,
    ) -> Process {
        let slots = ladder.stages.iter();
        let slots = slots.map(|stage| clock::begin(&self.city, stage, (onset, end), at));
        Process {
            id: format!("{}-{}", ladder.id, responses.board().number + 1),
            ladder: ladder.id.clone(),
            service: ladder.service.clone(),
            name: ladder.name.clone(),
            hazard,
            hazards: ladder.hazards.clone(),
            areas,
            onset,
            end,
            closes: ladder.closes,
            state: ProcessState::Proposed,
            known: at,
            changed: at,
            by: String::new(),
            reason: String::new(),
            basis: Vec::new(),
            slots: slots.collect(),
        }
    }

    /// Gives a process other times; its slots follow where it begins at another time.
    pub(super) fn reclock(&self, process: &mut Process, onset: Time, end: Time, at: Time) {
        if onset != process.onset {
            let slots = process.slots.iter();
            let moved = slots.map(|slot| clock::moved(&self.city, slot, (onset, end), at));
            process.slots = moved.collect::<Vec<Slot>>();
        }
        (process.onset, process.end) = (onset, end);
    }
}

impl Evidence {
    /// Both together: the earlier of the two tells when.
    fn with(mut self, other: Self) -> Self {
        self.areas.extend(&other.areas);
        if other.basis.onset < self.basis.onset {
            self.basis = other.basis;
        }
        self
    }
}

/// True where a process would be under way within that time.
pub(super) fn overlaps(process: &Process, onset: Time, end: Time) -> bool {
    onset <= process.closing() && process.onset <= end
}

fn is_within(city: &model::City, inner: AreaCode, outer: AreaCode) -> bool {
    let numbers = city.area_no(inner).zip(city.area_no(outer));
    numbers.is_some_and(|(inner, outer)| city.is_within(inner, outer))
}

/// The first time at which what is forecast reaches the sign, from now on: where the sum does that
/// begins, or the value stands.
fn reached(at: Time, series: &ForecastSeries, sign: Sign) -> Option<Time> {
    let Sign::Reaches { over, at_least, .. } = sign else {
        return None;
    };
    let ahead = series.steps.iter().filter(|step| step.to > at);
    let mut begins = ahead.map(|step| step.from.max(at));
    match over {
        None => {
            let ahead = series.steps.iter().filter(|step| step.to > at);
            let mut high = ahead.filter(|step| step.value >= at_least);
            high.next().map(|step| step.from.max(at))
        }
        Some(over) => begins.find(|begins| sum(series, *begins, over) >= i128::from(at_least)),
    }
}

/// The sum over `(from, from + over]`, steps counted by the share of them that lies there.
fn sum(series: &ForecastSeries, from: Time, over: Span) -> i128 {
    let to = from + over;
    let shares = series.steps.iter().map(|step| {
        let within = step.to.min(to).since(step.from.max(from)).millis();
        let length = step.to.since(step.from).millis();
        if within <= 0 || length <= 0 {
            return 0;
        }
        i128::from(step.value) * i128::from(within) / i128::from(length)
    });
    shares.sum()
}
