//! The gap finder: who in a warned area nobody has spoken for yet.
//!
//! Each warned area is laid over all vulnerable sites of the city, in a plan or not; over townships
//! where stations were lost together or base stations are out, so that no channel may work there; and
//! over townships that have not answered. Each stands until somebody answers for it: by their own
//! answer, or by an act that says who spoke for whom, and when.

mod stations;
mod text;

pub(crate) use stations::{BaseStations, StationsFile};

use crate::app::App;
use dispatch::directory::Contact;
use dispatch::ladder::{Call, Place, Said};
use model::silence::Cluster;
use model::warning::Event;
use model::{AreaCode, AreaLevel, AreaNo, City, Hazard, Span, Tier, Time, Warning, WarningId};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Kinds of `sites.csv` where people cannot help themselves, or water finds them first.
pub(crate) const VULNERABLE: [&str; 8] = [
    "school",
    "kindergarten",
    "nursing_home",
    "hospital",
    "basement",
    "construction",
    "underpass",
    "metro",
];
/// Gaps listed; all are counted.
pub(crate) const LISTED_MAX: usize = 2_000;
/// Share of the base stations of an area that must be out, percent.
const OUT_PERCENT: u64 = 50;
/// A township in which somebody is registered and nobody was called is one from this tier on.
const CALLED_FROM: Tier = Tier::Orange;
/// How old what is said of base stations may be.
const STATIONS_MAX: Span = Span::from_minutes(60);

/// What is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum What {
    /// No channel may work there.
    NoChannel,
    /// Those who were asked have not answered.
    NoAnswer,
    /// A vulnerable site of which nobody has said anything.
    Site,
}

/// Why it is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Why {
    /// It was called and is silent.
    Silent,
    /// Somebody is registered, and no rule called them.
    NotCalled,
    /// Nobody is registered who could be called.
    NobodyListed,
    /// It is in no plan.
    InNoPlan,
    /// Stations there were lost together: power or network may be down.
    StationsLost,
    /// Base stations there are out.
    BaseStationsOut,
}

/// One gap.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Gap {
    pub(crate) what: What,
    pub(crate) warning: WarningId,
    pub(crate) hazard: Hazard,
    pub(crate) tier: Tier,
    /// The township, a village of it without a channel, or the smallest area of a site.
    pub(crate) area: AreaCode,
    pub(crate) site: Option<String>,
    pub(crate) why: BTreeSet<Why>,
    /// Since when, as far as it is known.
    pub(crate) since: Time,
}

/// What somebody said for a place that would be one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Spoken {
    pub(crate) warning: WarningId,
    pub(crate) place: Place,
    pub(crate) said: Said,
}

/// All that is looked at.
pub(crate) struct Scene<'a> {
    pub(crate) city: &'a City,
    /// Newest revisions, whatever became of them.
    pub(crate) warnings: &'a [Arc<Warning>],
    pub(crate) contacts: &'a [Contact],
    pub(crate) calls: &'a [Call],
    /// Stations lost together, by area.
    pub(crate) clusters: &'a [Cluster],
    /// Base stations, as the operator's file says.
    pub(crate) base_stations: &'a BaseStations,
    pub(crate) now: Time,
}

/// Gaps, the worst first, and whom somebody spoke for.
pub(crate) struct Found {
    pub(crate) gaps: Vec<Gap>,
    pub(crate) spoken: Vec<Spoken>,
}

/// Looks for gaps.
pub(crate) fn find(scene: &Scene<'_>) -> Found {
    let answers: BTreeMap<(WarningId, &Place), &Call> = scene
        .calls
        .iter()
        .map(|call| ((call.warning, &call.place), call))
        .collect();
    let mut gaps = Vec::new();
    for warning in scene.warnings.iter().filter(|w| is_standing(w)) {
        let warned = scene.warned(warning);
        scene.sites(warning, &warned, &answers, &mut gaps);
        scene.townships(warning, &warned, &answers, &mut gaps);
    }
    gaps.sort_by(|a, b| {
        let key = |gap: &Gap| (std::cmp::Reverse(gap.tier), gap.what, gap.area, gap.warning);
        key(a).cmp(&key(b)).then_with(|| a.site.cmp(&b.site))
    });
    let listed: BTreeSet<&str> = scene.contacts.iter().map(|c| c.id.as_str()).collect();
    let spoken = scene.calls.iter().filter_map(|call| {
        let said = call.answered.as_ref();
        let said = said.filter(|said| !listed.contains(said.contact.as_str()))?;
        Some(Spoken {
            warning: call.warning,
            place: call.place.clone(),
            said: said.clone(),
        })
    });
    Found {
        gaps,
        spoken: spoken.collect(),
    }
}

fn is_standing(warning: &Warning) -> bool {
    match warning.event {
        Event::Proposed | Event::Issued | Event::Updated => !warning.past,
        Event::Ended | Event::Cancelled => false,
    }
}

/// Calls by warning and place.
type Answers<'a> = BTreeMap<(WarningId, &'a Place), &'a Call>;
/// Warned townships with their tiers and onsets.
type Warned = BTreeMap<AreaNo, (Tier, Time)>;

impl Scene<'_> {
    /// The townships that a warning holds for, with the highest tier of the areas over each.
    fn warned(&self, warning: &Warning) -> Warned {
        let mut warned = Warned::new();
        let towns = self.city.areas.iter().zip(0_u16..);
        let towns = towns.filter(|(area, _)| area.level == AreaLevel::Township);
        for (_, no) in towns {
            let codes = self.city.codes_upward(AreaNo(no)).into_iter();
            let over = codes.filter_map(|code| warning.areas.get(&code));
            let highest = over
                // What is still to come lacks an answer since it was said.
                .map(|area| (area.tier.max(area.reached), area.onset.min(warning.time)))
                .max_by_key(|(tier, _)| *tier);
            if let Some((tier, onset)) = highest.filter(|(tier, _)| *tier != Tier::None) {
                warned.insert(AreaNo(no), (tier, onset));
            }
        }
        warned
    }

    fn township(&self, area: AreaNo) -> Option<AreaNo> {
        let mut upwards = std::iter::once(area).chain(self.city.ancestors(area));
        upwards.find(|no| {
            let area = self.city.area(*no);
            area.is_some_and(|area| area.level == AreaLevel::Township)
        })
    }

    /// Every vulnerable site there, in whatever plan or none.
    fn sites(
        &self,
        warning: &Warning,
        warned: &Warned,
        answers: &Answers<'_>,
        gaps: &mut Vec<Gap>,
    ) {
        let listed: BTreeSet<_> = self.contacts.iter().filter_map(|c| c.site).collect();
        let kinds = |kind: &str| VULNERABLE.contains(&kind);
        for (site, no) in self.city.sites.iter().zip(0_u32..) {
            let township = self.township(site.area).filter(|_| kinds(&site.kind));
            let Some(&(tier, onset)) = township.and_then(|town| warned.get(&town)) else {
                continue;
            };
            let place = Place::Site(site.id.clone());
            let call = answers.get(&(warning.id, &place));
            if call.is_some_and(|call| speaks(call, tier)) {
                continue;
            }
            let is_listed = listed.contains(&model::SiteNo(no));
            let reasons = [
                (Why::Silent, call.is_some() && is_listed),
                (Why::NotCalled, call.is_none() && is_listed),
                (Why::NobodyListed, !is_listed),
                (Why::InNoPlan, site.plan.is_empty()),
            ];
            gaps.push(Gap {
                what: What::Site,
                warning: warning.id,
                hazard: warning.hazard,
                tier,
                area: self.city.area(site.area).map_or(warning.zone, |a| a.code),
                site: Some(site.id.clone()),
                why: chosen(&reasons),
                since: call.map_or(onset, |call| call.since),
            });
        }
    }

    /// Townships that may hear nothing, and those that say nothing.
    fn townships(
        &self,
        warning: &Warning,
        warned: &Warned,
        answers: &Answers<'_>,
        gaps: &mut Vec<Gap>,
    ) {
        for (&no, &(tier, onset)) in warned {
            let Some(area) = self.city.area(no).map(|area| area.code) else {
                continue;
            };
            let place = Place::Area(area);
            let call = answers.get(&(warning.id, &place)).copied();
            let spoken = call.filter(|call| speaks(call, tier));
            let gap = |what, why, since| Gap {
                what,
                warning: warning.id,
                hazard: warning.hazard,
                tier,
                area,
                site: None,
                why,
                since,
            };
            for (dark, (lost, out)) in self.dark(no) {
                let since = [lost, out].into_iter().flatten().min();
                let own = Place::Area(dark);
                let own = answers.get(&(warning.id, &own)).copied();
                let own = own.filter(|call| speaks(call, tier));
                let said = [spoken, own].into_iter().flatten();
                let mut said = said.filter_map(|call| call.answered.as_ref());
                // Whoever answered after it went is reached somehow.
                let Some(since) = since.filter(|since| said.all(|said| said.said < *since)) else {
                    continue;
                };
                let reasons = [
                    (Why::StationsLost, lost.is_some()),
                    (Why::BaseStationsOut, out.is_some()),
                ];
                gaps.push(Gap {
                    area: dark,
                    ..gap(What::NoChannel, chosen(&reasons), since)
                });
            }
            let listed = self.contacts.iter().any(|contact| {
                let here = self.city.is_within(contact.area, no);
                contact.site.is_none() && contact.answers_for_places() && here
            });
            let silent = call.is_some_and(|call| call.climbed() > 1);
            let not_called = listed && call.is_none() && tier >= CALLED_FROM;
            if spoken.is_none() && (silent || not_called || !listed) {
                let reasons = [
                    (Why::Silent, silent),
                    (Why::NotCalled, not_called),
                    (Why::NobodyListed, !listed),
                ];
                let since = call.map_or(onset, |call| call.since);
                gaps.push(gap(What::NoAnswer, chosen(&reasons), since));
            }
        }
    }

    /// A township and the villages in it where no channel may work: since when stations there were
    /// lost together, and base stations out. What is out over a larger area is out in the township.
    fn dark(&self, township: AreaNo) -> BTreeMap<AreaCode, (Option<Time>, Option<Time>)> {
        let mut dark: BTreeMap<AreaCode, (Option<Time>, Option<Time>)> = BTreeMap::new();
        let within = |code: AreaCode| {
            let no = self.city.area_no(code);
            no.is_some_and(|no| self.city.is_within(no, township))
        };
        let lost = self
            .clusters
            .iter()
            .filter(|cluster| !cluster.stations.is_empty() && within(cluster.area));
        for cluster in lost {
            let first = &mut dark.entry(cluster.area).or_default().0;
            *first = Some(first.map_or(cluster.since, |known| known.min(cluster.since)));
        }
        let over = self.city.codes_upward(township);
        for (code, at) in self.base_stations.out(self.now) {
            let place = match over.first() {
                Some(own) if over.contains(&code) => *own,
                Some(_) | None if within(code) => code,
                Some(_) | None => continue,
            };
            let first = &mut dark.entry(place).or_default().1;
            *first = Some(first.map_or(at, |known| known.min(at)));
        }
        dark
    }
}

/// True where an answer stands for what holds now: one to a lower tier does not.
fn speaks(call: &Call, tier: Tier) -> bool {
    call.answered.is_some() && call.tier >= tier
}

fn chosen(reasons: &[(Why, bool)]) -> BTreeSet<Why> {
    let holds = reasons.iter().filter(|(_, holds)| *holds);
    holds.map(|(why, _)| *why).collect()
}

impl App {
    /// Brings the gauges of gaps up to the moment.
    pub(crate) fn gauge_gaps(&self) {
        let found = self.gaps();
        for (what, name) in [
            (What::Site, "site"),
            (What::NoChannel, "no_channel"),
            (What::NoAnswer, "no_answer"),
        ] {
            let count = i64::try_from(found.count(what)).unwrap_or(i64::MAX);
            self.metrics.gaps.with_label_values(&[name]).set(count);
        }
        let faults = self.base_stations.read(&self.installation.city).faults;
        let faults = i64::try_from(faults).unwrap_or(i64::MAX);
        self.metrics.base_station_faults.set(faults);
    }

    /// The gaps now.
    pub(crate) fn gaps(&self) -> Found {
        let calls = self.view.calls_where(|_| true);
        let clusters: Vec<Cluster> = self.view.silences(|zones| {
            let all = zones.values().flat_map(|zone| zone.clusters());
            all.cloned().collect()
        });
        find(&Scene {
            city: &self.installation.city,
            warnings: &self.view.standing(),
            contacts: self.installation.directory.contacts(),
            calls: &calls,
            clusters: &clusters,
            base_stations: &self.base_stations.read(&self.installation.city),
            now: self.view.now(),
        })
    }
}

#[cfg(test)]
mod tests;
