//! What a city and a rulebook make of who sees what: series, towns, and hazards in towns.

use super::super::NONE;
use super::super::laid::Laid;
use super::super::subjects::{Place, RuleState, Subject};
use super::super::windows::Windows;
use crate::rulebook::Rulebook;
use model::{AreaLevel, AreaNo, Cadence, City, Hazard, Parameter, Station, StationNo, When, Zone};
use std::collections::{BTreeMap, BTreeSet};

/// A zone as a listener has it.
pub(in super::super) struct Listening {
    /// By number, as the windows count them.
    pub(super) series: Vec<Listened>,
    /// The smallest areas told of, townships where there are any.
    pub(super) towns: Vec<Town>,
    /// Hazards in towns that some series sees.
    pub(super) sights: Vec<Sight>,
    /// True where some kind of station is allowed less while rain falls.
    pub(super) asks_for_rain: bool,
    classes: Vec<(StationNo, Parameter)>,
    /// By series: the towns it tells of.
    reaches: Vec<Vec<u16>>,
    /// By series: the sights it belongs to.
    starts: Vec<u32>,
    seen_in: Vec<u32>,
}

/// One series.
pub(super) struct Listened {
    pub(super) station: StationNo,
    pub(super) parameter: Parameter,
    /// Stations of a kind that are registered to report as often are allowed the same.
    pub(super) class: u32,
    /// Who registers no interval shows it by its readings.
    pub(super) is_learnt: bool,
    /// The town it stands in.
    pub(super) town: Option<u16>,
}

/// A town of the zone.
pub(super) struct Town {
    pub(super) area: AreaNo,
    pub(super) stations: Vec<Lying>,
}

/// A station in a town, with its series.
pub(super) struct Lying {
    pub(super) no: StationNo,
    pub(super) series: Vec<u32>,
}

/// A hazard in a town, and the series that see it there.
pub(super) struct Sight {
    pub(super) hazard: Hazard,
    pub(super) town: u16,
    pub(super) series: Box<[u32]>,
}

/// Silence allowed to a class, milliseconds.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Allowed {
    pub(super) dry: i64,
    pub(super) in_rain: i64,
    /// So many intervals that its readings show.
    pub(super) intervals: u8,
}

impl Sight {
    pub(super) fn count(&self) -> u32 {
        u32::try_from(self.series.len()).unwrap_or(u32::MAX)
    }
}

impl Listening {
    pub(in super::super) fn new(
        city: &City,
        zone: Zone,
        rulebook: &Rulebook,
        windows: &Windows,
        rules: &[RuleState],
    ) -> Self {
        let mut towns = towns(city, zone);
        let mut classes: BTreeMap<(&str, u32, Parameter), u32> = BTreeMap::new();
        let mut first_of = Vec::new();
        let (mut series, mut reaches) = (Vec::new(), Vec::new());
        for (number, no, parameter) in windows.each() {
            let Some(station) = city.station(no) else {
                continue;
            };
            let key = (station.kind.as_str(), station.interval_s, parameter);
            let class = *classes.entry(key).or_insert_with(|| {
                first_of.push((no, parameter));
                u32::try_from(first_of.len() - 1).unwrap_or(NONE)
            });
            let own = towns
                .iter()
                .position(|t| stands_in(city, station, t.area, 0.0));
            let km = city.policy.sees_km(&station.kind, parameter);
            let sees = |town: &Town| stands_in(city, station, town.area, km);
            let reach: Vec<u16> = (0u16..)
                .zip(&towns)
                .filter(|(_, town)| sees(town))
                .map(|(at, _)| at)
                .collect();
            if let Some(town) = own.and_then(|own| towns.get_mut(own)) {
                match town.stations.iter_mut().find(|lying| lying.no == no) {
                    Some(lying) => lying.series.push(number),
                    None => town.stations.push(Lying {
                        no,
                        series: vec![number],
                    }),
                }
            }
            series.push(Listened {
                station: no,
                parameter,
                class,
                is_learnt: station.interval().is_none(),
                town: own.and_then(|own| u16::try_from(own).ok()),
            });
            reaches.push(reach);
        }
        let sights = sights(city, rulebook, rules, &towns, &reaches);
        let mut pairs: Vec<(u32, u32)> = (0u32..)
            .zip(&sights)
            .flat_map(|(at, sight)| sight.series.iter().map(move |number| (*number, at)))
            .collect();
        pairs.sort_unstable();
        let mut starts = vec![0u32; series.len() + 1];
        for (at, start) in starts.iter_mut().enumerate() {
            let before = pairs.partition_point(|(number, _)| (*number as usize) < at);
            *start = u32::try_from(before).unwrap_or(NONE);
        }
        let asks_for_rain = first_of.iter().any(|(no, parameter)| {
            let allowed = city.station(*no).map(|station| {
                let at = |is_raining| {
                    let when = When {
                        day: None,
                        is_raining,
                    };
                    city.policy.stale_after(&station.kind, *parameter, when)
                };
                at(true) < at(false)
            });
            allowed == Some(true)
        });
        Self {
            series,
            towns,
            sights,
            asks_for_rain,
            classes: first_of,
            reaches,
            starts,
            seen_in: pairs.into_iter().map(|(_, at)| at).collect(),
        }
    }

    /// The sights that a series belongs to.
    pub(super) fn sights_of(&self, series: u32) -> &[u32] {
        let at = |place: usize| self.starts.get(place).map_or(0, |start| *start as usize);
        let range = at(series as usize)..at(series as usize + 1);
        self.seen_in.get(range).unwrap_or_default()
    }

    /// The towns that a series tells of.
    pub(super) fn towns_of(&self, series: u32) -> &[u16] {
        let reach = self.reaches.get(series as usize);
        reach.map(Vec::as_slice).unwrap_or_default()
    }

    /// What each class is allowed that day, whatever its readings show.
    pub(super) fn allowed(&self, city: &City, day: When, found: &mut Vec<Allowed>) {
        let unknown = Cadence::default();
        let of = |(no, parameter): &(StationNo, Parameter)| {
            let allowed = city.station(*no).map(|station| {
                let at = |when| {
                    let policy = &city.policy;
                    let allowed = policy.silent_after(station, *parameter, when, &unknown);
                    allowed.millis()
                };
                Allowed {
                    dry: at(day),
                    in_rain: at(When {
                        is_raining: true,
                        ..day
                    }),
                    intervals: city.policy.intervals(&station.kind, *parameter),
                }
            });
            allowed.unwrap_or_default()
        };
        found.clear();
        found.extend(self.classes.iter().map(of));
    }
}

/// The townships of a zone, else what it stands for.
fn towns(city: &City, zone: Zone) -> Vec<Town> {
    let town = |area: AreaNo| Town {
        area,
        stations: Vec::new(),
    };
    let all = city.areas_of(AreaLevel::Township);
    let own: Vec<Town> = all
        .filter(|no| city.zone_of(*no) == zone)
        .map(town)
        .collect();
    let has_any = city.areas_of(AreaLevel::Township).next().is_some();
    match has_any {
        true => own,
        false => {
            let whole = city.zones.get(usize::from(zone.0)).copied();
            whole.map(town).into_iter().collect()
        }
    }
}

/// Whether a station tells of an area: it is registered there, or stands no further off.
fn stands_in(city: &City, station: &Station, area: AreaNo, km: f64) -> bool {
    let is_near = || city.gazetteer().is_near(area, station.lon, station.lat, km);
    city.is_within(station.area, area) || is_near()
}

fn sights(
    city: &City,
    rulebook: &Rulebook,
    rules: &[RuleState],
    towns: &[Town],
    reaches: &[Vec<u16>],
) -> Vec<Sight> {
    let mut seen: Vec<(Hazard, u16, u32)> = Vec::new();
    for (rule, state) in rulebook.rules.iter().zip(rules) {
        for subject in &state.subjects {
            let at_site = town_of_site(city, subject, towns);
            let read = subject
                .series
                .iter()
                .chain(subject.members.iter().flatten());
            for number in read.filter(|number| **number != NONE) {
                let reach = reaches.get(*number as usize).into_iter().flatten();
                let all = reach.copied().chain(at_site);
                seen.extend(all.map(|town| (rule.hazard, town, *number)));
            }
        }
        // A rule of a whole area names each series once an area: more would only be sorted out.
        seen.sort_unstable();
        seen.dedup();
    }
    let mut sights: Vec<(Hazard, u16, Vec<u32>)> = Vec::new();
    for (hazard, town, number) in seen {
        match sights.last_mut() {
            Some((of, at, series)) if (*of, *at) == (hazard, town) => series.push(number),
            Some(_) | None => sights.push((hazard, town, vec![number])),
        }
    }
    let sights = sights.into_iter();
    sights
        .map(|(hazard, town, series)| Sight {
            hazard,
            town,
            series: series.into(),
        })
        .collect()
}

/// The town of a site, which its station may stand outside of.
fn town_of_site(city: &City, subject: &Subject, towns: &[Town]) -> Option<u16> {
    let Place::Site(no) = subject.place else {
        return None;
    };
    let area = city.site(no)?.area;
    let at = towns
        .iter()
        .position(|town| city.is_within(area, town.area))?;
    u16::try_from(at).ok()
}

/// The townships in which no registered station sees a hazard that the rulebook reads something
/// for, all zones together.
pub(crate) fn unseen(city: &City, rulebook: &Rulebook) -> BTreeMap<Hazard, BTreeSet<AreaNo>> {
    let reading = rulebook.rules.iter().filter(|r| !r.parameters.is_empty());
    let hazards: BTreeSet<Hazard> = reading.map(|rule| rule.hazard).collect();
    let mut found: BTreeMap<Hazard, BTreeSet<AreaNo>> = BTreeMap::new();
    for (zone, _) in (0u16..).map(Zone).zip(&city.zones) {
        let laid = Laid::new(city, zone, rulebook);
        let listening = Listening::new(city, zone, rulebook, &laid.windows, &laid.rules);
        for hazard in &hazards {
            for (at, town) in (0u16..).zip(&listening.towns) {
                let mut sights = listening.sights.iter();
                if !sights.any(|sight| sight.hazard == *hazard && sight.town == at) {
                    found.entry(*hazard).or_default().insert(town.area);
                }
            }
        }
    }
    found
}
