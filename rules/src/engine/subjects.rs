//! The subjects of each rule in a zone, their areas, and which series wakes which of them.

use super::NONE;
use super::calm::{Calm, Gate};
use super::samples::Ring;
use super::windows::Windows;
use crate::area::{AreaCount, Standing};
use crate::condition::{Aggregate, Asked, Ratio};
use crate::indicator::thiessen;
use crate::rulebook::{Rule, Rulebook, SubjectKind};
use crate::situation::{Holds, Situation};
use crate::window::Gauge;
use model::climate::Level;
use model::{Area, AreaNo, City, SiteNo, Span, StationNo, Tier, When, Zone};
use serde::{Deserialize, Serialize};

/// Stations whose levels those of the next one are compared with, so that equal gauges are made once.
const LEVELS_COMPARED: usize = 16;
/// Shortest silence that counts as a gap, in intervals of the station.
const GAP_INTERVALS: i64 = 3;

/// What a subject is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Station(StationNo),
    Site(SiteNo),
    Area(AreaNo),
}

/// One subject of one rule.
pub(super) struct Subject {
    pub(super) place: Place,
    /// Series of the rule's parameters at its station, in the rule's order.
    pub(super) series: Box<[u32]>,
    /// Series of an area's stations, by the rule's parameters.
    pub(super) members: Box<[Box<[u32]>]>,
    /// Thiessen weights of those stations, where a call asks for the mean over the area.
    pub(super) weights: Box<[Box<[u32]>]>,
    /// Counted areas it belongs to: its own and those it neighbours.
    pub(super) areas: Box<[u32]>,
    /// For each tier the rule asks for, the counted area that holds it of that rule; none of a signal.
    pub(super) upper: Box<[u32]>,
    /// Thresholds the rule reads, in billionths of a unit.
    pub(super) thresholds: Box<[Option<i64>]>,
    /// True where its signals are printed by this zone.
    pub(super) own: bool,
    pub(super) holds: Holds,
    /// Newest observation time, milliseconds.
    pub(super) newest: i64,
    pub(super) standing: Standing,
    pub(super) state: Option<Box<State>>,
}

/// What a subject that was ever near a tier remembers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct State {
    pub(super) reached: Situation,
    /// The same for proposals; unused where the rule has none.
    pub(super) ahead: Situation,
    /// Highest tier that held without suspect values when last evaluated.
    pub(super) sure: Tier,
    /// Highest tier, found and put forward, that held by what the situations asked for were found
    /// in time; red where all of them were.
    pub(super) prompt: [Tier; 2],
    /// The tier that readings alone put forward, without what silence adds.
    pub(super) put: Tier,
    /// When the tier was reached.
    pub(super) onset: i64,
    /// When what is put forward comes, where it is only expected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) arrives: Option<i64>,
    /// Values behind it.
    pub(super) values: Vec<(String, Option<String>)>,
    /// Observation time of those values.
    pub(super) evaluated: i64,
    /// What its silence adds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) lost: Option<Lost>,
    /// Observation time of the last reading when a person ended its tier: until there is a newer
    /// one its silence is no evidence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) stood: Option<i64>,
    /// The newest samples, where the rule asks for them.
    #[serde(default, skip_serializing_if = "Ring::is_empty")]
    pub(super) samples: Ring,
}

/// A subject that fell silent in a way that its rule takes for evidence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Lost {
    /// The tier above the one it had.
    pub(super) tier: Tier,
    pub(super) why: Why,
    /// A person confirmed it.
    pub(super) is_confirmed: bool,
}

/// Why silence counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Why {
    /// Its last readings said what the rule asks for.
    Rising,
    /// Several went together where the hazard is.
    Together,
    /// It went with the stations around it, of any kind, where the hazard is or is near.
    Cluster,
}

impl Why {
    /// As evidence shows it.
    pub(super) const fn text(self) -> &'static str {
        match self {
            Self::Rising => "lost on a rising limb",
            Self::Together => "lost with its neighbours",
            Self::Cluster => "lost with the stations around it",
        }
    }
}

/// What is known of a subject without looking at it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Watch {
    /// Its gauge at the last evaluation.
    pub(super) gauge: u64,
    /// Which of the rule's gauges by station is its own.
    pub(super) station_gauge: u32,
    /// The same without suspect readings, where it still asks whether it holds without them.
    pub(super) sure: Option<u64>,
    /// Newest observation time up to which evaluations would have changed nothing.
    pub(super) rested_until: i64,
    /// True where an evaluation at the same gauge changes nothing before `due`.
    pub(super) rests: bool,
    /// When a fall completes that goes on meanwhile; never, where none does or its time is over.
    pub(super) due: i64,
    /// Longest step between readings over which such a fall goes on.
    pub(super) step_max: i64,
    /// True where anything is set or waiting.
    pub(super) is_active: bool,
}

/// One rule in a zone.
pub(super) struct RuleState {
    pub(super) subjects: Vec<Subject>,
    /// What the hot path knows of each subject.
    pub(super) watches: Vec<Watch>,
    /// Gauges by station, where the rule has none that holds for all.
    pub(super) gauges: Vec<Gauge>,
    pub(super) areas: Vec<AreaCount>,
    /// Rules that ask for this one's situation.
    pub(super) dependents: Vec<usize>,
    /// Evaluations since somebody last asked.
    pub(super) evaluations: u64,
}

/// A subject that a series wakes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Feed {
    pub(super) rule: u16,
    pub(super) subject: u32,
}

/// Subjects by the series that wake them.
pub(super) struct Feeds {
    starts: Vec<u32>,
    feeds: Vec<Feed>,
    /// Until when each of them need not be evaluated.
    pub(super) calms: Vec<Calm>,
    /// The same for each series.
    pub(super) gates: Vec<Gate>,
}

impl Feeds {
    /// True where a reading of the series wakes anybody.
    pub(super) fn has(&self, series: u32) -> bool {
        !self.of(series).is_empty()
    }

    #[inline]
    pub(super) fn of(&self, series: u32) -> std::ops::Range<usize> {
        let start = self.starts.get(series as usize).copied().unwrap_or(0);
        let end = self
            .starts
            .get(series as usize + 1)
            .copied()
            .unwrap_or(start);
        start as usize..end as usize
    }

    #[inline]
    pub(super) fn get(&self, at: usize) -> Option<Feed> {
        self.feeds.get(at).copied()
    }

    /// The feed by which a series wakes a subject.
    pub(super) fn find(&self, series: u32, rule: u16, subject: u32) -> Option<usize> {
        let range = self.of(series);
        let wanted = Feed { rule, subject };
        let found = self.feeds.get(range.clone())?.binary_search(&wanted);
        Some(range.start + found.ok()?)
    }

    pub(super) fn new(rules: &[RuleState], series: usize) -> Self {
        let mut pairs: Vec<(u32, Feed)> = Vec::new();
        for (number, rule) in (0u16..).zip(rules) {
            // A border gauge that no area here counts is another zone's to speak of.
            let spoken = |subject: &&Subject| subject.own || !subject.areas.is_empty();
            let numbered = (0u32..).zip(&rule.subjects);
            for (at, subject) in numbered.filter(|(_, subject)| spoken(subject)) {
                let feed = Feed {
                    rule: number,
                    subject: at,
                };
                let fed = subject
                    .series
                    .iter()
                    .chain(subject.members.iter().flatten());
                pairs.extend(fed.filter(|s| **s != NONE).map(|s| (*s, feed)));
            }
        }
        pairs.sort_unstable();
        pairs.dedup();
        let mut starts = vec![0u32; series + 1];
        for (number, _) in &pairs {
            if let Some(start) = starts.get_mut(*number as usize + 1) {
                *start += 1;
            }
        }
        let mut total = 0;
        for start in &mut starts {
            total += *start;
            *start = total;
        }
        Self {
            starts,
            calms: vec![Calm::NONE; pairs.len()],
            gates: vec![Gate::AFRESH; series],
            feeds: pairs.into_iter().map(|(_, feed)| feed).collect(),
        }
    }
}

impl Watch {
    /// Nothing known.
    const AFRESH: Self = Self {
        gauge: 0,
        station_gauge: NONE,
        sure: None,
        rested_until: i64::MIN,
        rests: false,
        due: i64::MAX,
        step_max: i64::MAX,
        is_active: false,
    };
}

impl Watch {
    /// The gauge of a subject: its rule's, or that of its station.
    #[inline]
    pub(super) fn gauge_of<'g>(&self, rule: &'g Rule, gauges: &'g [Gauge]) -> Option<&'g Gauge> {
        let own = || gauges.get(self.station_gauge as usize);
        rule.gauge.as_ref().or_else(own)
    }
}

impl RuleState {
    /// Newest observation time of a subject, those that changed nothing included.
    pub(super) fn newest(&self, subject: usize) -> i64 {
        let known = self.subjects.get(subject).map_or(i64::MIN, |s| s.newest);
        let watch = self.watches.get(subject);
        known.max(watch.map_or(i64::MIN, |watch| watch.rested_until))
    }

    /// A subject with all that was only noted beside it; it no longer counts as at rest.
    pub(super) fn awaken(
        &mut self,
        subject: usize,
    ) -> Option<(&mut Subject, &mut Watch, &[Gauge])> {
        let newest = self.newest(subject);
        let watch = self.watches.get_mut(subject)?;
        let found = self.subjects.get_mut(subject)?;
        watch.rests = false;
        found.newest = newest;
        if let Some(held) = &mut found.state {
            held.rested_until(watch.rested_until);
        }
        Some((found, watch, &self.gauges))
    }

    /// Gives each subject the gauge of its station; those of one climate share theirs.
    fn lay_gauges(&mut self, city: &City, rulebook: &Rulebook, rule: &Rule) {
        let mut known: Vec<(Vec<&[Level]>, u32)> = Vec::new();
        for (subject, watch) in self.subjects.iter().zip(&mut self.watches) {
            let station = match subject.place {
                Place::Station(no) => Some(no),
                Place::Site(no) => city.site(no).and_then(|site| site.station),
                Place::Area(_) => None,
            };
            let Some(station) = station else {
                continue;
            };
            let levels = rule.levels_at(&city.climate, station);
            // Neighbours in the register mostly have the same: no need to look through all.
            let mut near = known.iter().rev().take(LEVELS_COMPARED);
            let same = near.find(|(held, _)| *held == levels);
            watch.station_gauge = match same {
                Some((_, at)) => *at,
                None => {
                    let next = u32::try_from(self.gauges.len()).unwrap_or(NONE);
                    let gauge = rulebook.gauge_at(rule, &city.climate, station);
                    let at = if gauge.is_some() { next } else { NONE };
                    self.gauges.extend(gauge);
                    known.push((levels, at));
                    at
                }
            };
        }
    }
}

impl Subject {
    /// Station, site or area id.
    pub(super) fn id(&self, city: &City) -> String {
        match self.place {
            Place::Station(no) => city.station(no).map_or_else(String::new, |s| s.id.clone()),
            Place::Site(no) => city.site(no).map_or_else(String::new, |s| s.id.clone()),
            Place::Area(no) => city
                .area(no)
                .map_or_else(String::new, |a| a.code.to_string()),
        }
    }

    /// Area it stands in.
    pub(super) fn area(&self, city: &City) -> Option<AreaNo> {
        match self.place {
            Place::Station(no) => city.station(no).map(|station| station.area),
            Place::Site(no) => city.site(no).map(|site| site.area),
            Place::Area(no) => Some(no),
        }
    }
}

/// The rules of a zone, everything at rest.
pub(super) fn rules(
    city: &City,
    zone: Zone,
    rulebook: &Rulebook,
    windows: &Windows,
) -> Vec<RuleState> {
    let mut states: Vec<RuleState> = rulebook
        .rules
        .iter()
        .map(|rule| rule_state(city, zone, rule, windows))
        .collect();
    for (rule, state) in rulebook.rules.iter().zip(&mut states) {
        if rule.gauges_by_station {
            state.lay_gauges(city, rulebook, rule);
        }
    }
    for (number, rule) in rulebook.rules.iter().enumerate() {
        for on in rule.situations() {
            if let Some(state) = states.get_mut(on)
                && !state.dependents.contains(&number)
            {
                state.dependents.push(number);
            }
        }
    }
    for (number, rule) in rulebook.rules.iter().enumerate() {
        let upper = |subject: &Subject| -> Box<[u32]> {
            let area = subject.area(city);
            let of = |asked: &Asked| {
                let Asked::Situation { rule: on, .. } = asked else {
                    return None;
                };
                let (rule, state) = rulebook.rules.get(*on).zip(states.get(*on))?;
                let area = rule.area_of(city, area?)?;
                place_of(&state.areas, area)
            };
            rule.asked
                .iter()
                .map(|asked| of(asked).unwrap_or(NONE))
                .collect()
        };
        let found: Vec<Box<[u32]>> = states
            .get(number)
            .map(|state| state.subjects.iter().map(upper).collect())
            .unwrap_or_default();
        if let Some(state) = states.get_mut(number) {
            for (subject, upper) in state.subjects.iter_mut().zip(found) {
                subject.upper = upper;
            }
        }
    }
    states
}

fn rule_state(city: &City, zone: Zone, rule: &Rule, windows: &Windows) -> RuleState {
    let numbered = (0u16..).zip(&city.areas);
    let mut areas: Vec<AreaCount> = numbered
        .map(|(no, area)| (AreaNo(no), area))
        .filter(|(no, area)| area.level == rule.level && city.zone_of(*no) == zone)
        .map(|(no, _)| AreaCount::new(no))
        .collect();
    let mut subjects = match rule.subject {
        SubjectKind::Station => stations(city, zone, rule, windows),
        SubjectKind::Site => sites(city, zone, rule, windows),
        SubjectKind::Area => area_subjects(city, zone, rule, windows, &areas),
    };
    subjects.sort_by_cached_key(|subject| subject.id(city));
    let mut belongs: Vec<Vec<u32>> = subjects
        .iter()
        .map(|subject| {
            let area = subject.area(city).and_then(|area| rule.area_of(city, area));
            area.and_then(|area| place_of(&areas, area))
                .into_iter()
                .collect()
        })
        .collect();
    if rule.neighbours > 0 {
        add_neighbours(city, rule, &areas, &subjects, &mut belongs);
    }
    for (subject, belongs) in subjects.iter_mut().zip(belongs) {
        for area in &belongs {
            if let Some(count) = areas.get_mut(*area as usize) {
                count.enrol();
            }
        }
        subject.areas = belongs.into();
    }
    RuleState {
        gauges: Vec::new(),
        watches: vec![Watch::AFRESH; subjects.len()],
        subjects,
        areas,
        dependents: Vec::new(),
        evaluations: 0,
    }
}

fn stations(city: &City, zone: Zone, rule: &Rule, windows: &Windows) -> Vec<Subject> {
    let here = city.stations_in(zone);
    here.filter(|(_, station)| rule.takes_station(station))
        .map(|(no, station)| {
            let site = city
                .sites
                .iter()
                .find(|site| !rule.thresholds.is_empty() && site.station == Some(no));
            Subject {
                series: series_at(rule, windows, no),
                thresholds: thresholds(rule, site.map(|site| &site.thresholds)),
                holds: holds(city, rule, &[no]),
                ..at_rest(Place::Station(no), station.zones.first() == Some(&zone))
            }
        })
        .collect()
}

fn sites(city: &City, zone: Zone, rule: &Rule, windows: &Windows) -> Vec<Subject> {
    let numbered = (0u32..).map(SiteNo).zip(&city.sites);
    let taken = numbered.filter_map(|(no, site)| {
        let station = site.station?;
        let here = city
            .station(station)
            .is_some_and(|s| !s.retired && s.zones.contains(&zone));
        (here && rule.takes_site(city, site)).then_some((no, site, station))
    });
    taken
        .map(|(no, site, station)| {
            // Where the site's own zone does not hear the station, the station's zone speaks.
            let home = city.zone_of(site.area);
            let zones = city
                .station(station)
                .map(|s| s.zones.as_slice())
                .unwrap_or_default();
            let speaks = if zones.contains(&home) {
                Some(&home)
            } else {
                zones.first()
            };
            Subject {
                series: series_at(rule, windows, station),
                thresholds: thresholds(rule, Some(&site.thresholds)),
                holds: holds(city, rule, &[station]),
                ..at_rest(Place::Site(no), speaks == Some(&zone))
            }
        })
        .collect()
}

fn area_subjects(
    city: &City,
    zone: Zone,
    rule: &Rule,
    windows: &Windows,
    areas: &[AreaCount],
) -> Vec<Subject> {
    let numbered: Vec<(StationNo, AreaNo)> = city
        .stations_in(zone)
        .filter(|(_, station)| rule.takes_station(station))
        .map(|(no, station)| (no, station.area))
        .collect();
    let subjects = areas.iter().map(|count| {
        let inside: Vec<StationNo> = numbered
            .iter()
            .filter(|(_, area)| city.is_within(*area, count.area))
            .map(|(no, _)| *no)
            .collect();
        let of = |parameter: &model::Parameter| -> Box<[u32]> {
            inside
                .iter()
                .filter_map(|no| windows.find(*no, *parameter))
                .collect()
        };
        let weights_of = |parameter: &model::Parameter| -> Box<[u32]> {
            let measure = |no: &&StationNo| windows.find(**no, *parameter).is_some();
            let stations = inside.iter().filter(measure);
            let places = stations.filter_map(|no| city.station(*no));
            let places: Vec<(f64, f64)> = places.map(|at| (at.lon, at.lat)).collect();
            let shape = city.area(count.area).map(|area| &area.shape);
            let weights = shape.map(|shape| thiessen::weights(shape, &places));
            weights.unwrap_or_default().into()
        };
        let weighs = rule
            .calls
            .iter()
            .any(|call| call.reading.aggregate == Some(Aggregate::Mean));
        let weights = rule.parameters.iter().filter(|_| weighs);
        Subject {
            weights: weights.map(weights_of).collect(),
            members: rule.parameters.iter().map(of).collect(),
            holds: holds(city, rule, &inside),
            ..at_rest(Place::Area(count.area), true)
        }
    });
    let empty = |s: &Subject| s.members.iter().all(|members| members.is_empty());
    subjects
        .filter(|s| rule.parameters.is_empty() || !empty(s))
        .collect()
}

fn at_rest(place: Place, own: bool) -> Subject {
    Subject {
        place,
        series: Box::default(),
        members: Box::default(),
        weights: Box::default(),
        areas: Box::default(),
        upper: Box::default(),
        thresholds: Box::default(),
        own,
        holds: Holds {
            raise_ms: 0,
            lower_ms: 0,
            gap_ms: 0,
        },
        newest: i64::MIN,
        standing: Standing::default(),
        state: None,
    }
}

fn series_at(rule: &Rule, windows: &Windows, station: StationNo) -> Box<[u32]> {
    let of = |parameter| windows.find(station, parameter).unwrap_or(NONE);
    rule.parameters
        .iter()
        .map(|parameter| of(*parameter))
        .collect()
}

fn thresholds(
    rule: &Rule,
    site: Option<&std::collections::BTreeMap<String, String>>,
) -> Box<[Option<i64>]> {
    let billionths = |name: &String| {
        let ratio = Ratio::parse(site?.get(name)?.trim())?;
        let scaled = ratio
            .number()
            .checked_mul(i128::from(crate::condition::SITE_SCALE))?;
        i64::try_from(scaled / ratio.of()).ok()
    };
    let found: Box<[Option<i64>]> = rule.thresholds.iter().map(billionths).collect();
    if crate::rulebook::are_unset(found.iter().flatten()) {
        return rule.thresholds.iter().map(|_| None).collect();
    }
    found
}

/// Holds of the rule; a gap is a step longer than the staleness of what the rule reads there and
/// than three intervals.
fn holds(city: &City, rule: &Rule, stations: &[StationNo]) -> Holds {
    let stations = stations.iter().filter_map(|no| city.station(*no));
    let gap = stations.flat_map(|station| {
        let read = station
            .parameters
            .iter()
            .filter(|p| rule.parameters.contains(p));
        read.map(|parameter| {
            let usual = When::default();
            let stale: Span = city.policy.stale_after(&station.kind, *parameter, usual);
            let interval = match station.interval_s {
                0 => parameter.usual_interval_s(),
                registered => registered,
            };
            stale
                .millis()
                .max(GAP_INTERVALS * i64::from(interval) * 1000)
        })
    });
    Holds {
        raise_ms: rule.raise_after.millis(),
        lower_ms: rule.lower_after.millis(),
        gap_ms: gap.max().unwrap_or(i64::MAX),
    }
}

fn place_of(areas: &[AreaCount], area: AreaNo) -> Option<u32> {
    let at = areas.iter().position(|count| count.area == area)?;
    u32::try_from(at).ok()
}

/// Adds the nearest subjects outside each area to it.
fn add_neighbours(
    city: &City,
    rule: &Rule,
    areas: &[AreaCount],
    subjects: &[Subject],
    belongs: &mut [Vec<u32>],
) {
    let point = |subject: &Subject| match subject.place {
        Place::Station(no) => city.station(no).map(|s| (s.lon, s.lat)),
        Place::Site(no) => city.site(no).map(|s| (s.lon, s.lat)),
        Place::Area(_) => None,
    };
    for (at, count) in (0u32..).zip(areas) {
        let Some(area) = city.area(count.area) else {
            continue;
        };
        let outside = subjects.iter().enumerate().filter(|(number, _)| {
            belongs
                .get(*number)
                .is_some_and(|held| held.first() != Some(&at))
        });
        let mut distances: Vec<(f64, usize)> = outside
            .filter_map(|(number, subject)| Some((distance(area, point(subject)?), number)))
            .collect();
        distances.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        for (_, number) in distances.into_iter().take(rule.neighbours) {
            if let Some(held) = belongs.get_mut(number) {
                held.push(at);
            }
        }
    }
}

/// Square of the distance from a place to the nearest corner of an area's border, in degrees of
/// latitude: only compared, never shown.
fn distance(area: &Area, (lon, lat): (f64, f64)) -> f64 {
    let narrowing = libm::cos(lat.to_radians());
    let corners = area
        .shape
        .0
        .iter()
        .flat_map(|part| part.exterior().0.iter());
    corners
        .map(|corner| ((corner.x - lon) * narrowing).powi(2) + (corner.y - lat).powi(2))
        .fold(f64::INFINITY, f64::min)
}
