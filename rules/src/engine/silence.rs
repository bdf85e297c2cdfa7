//! Silence: which series of a zone are heard, what nobody sees any more, and what silence says.
//!
//! Looked at once a whole minute of record time, by the first record that reaches it and before what
//! the record brings: readings themselves cost nothing here. How old a series is goes by its newest
//! observation time; time in which nothing ran is nobody's silence.

mod beat;
mod cluster;
mod layout;
mod lost;

pub(crate) use layout::unseen;

use super::Engine;
use super::windows::Windows;
use crate::effect::Effect;
use beat::Beats;
pub(super) use layout::Listening;
use layout::{Allowed, Sight};
use model::silence::{Blind, Cluster, NAMED_MAX, Silence as Said};
use model::{AreaCode, AreaNo, City, Hazard, Observation, Parameter, StationNo, Tier, Time, When};
use serde::{Deserialize, Serialize};

const MINUTE_MS: i64 = 60_000;
/// A zone that runs has a record each whole minute: beyond this nothing ran.
const GAP_MS: i64 = 2 * MINUTE_MS;

/// Since when nobody sees, and the tier in force then; nothing where somebody does.
type Unseen = Option<(Time, Tier)>;

/// Who is heard, and since when not.
pub(super) struct Silence {
    laid: Listening,
    /// When to look next, milliseconds.
    pub(super) next: i64,
    /// Nothing was listened to before; [`None`] until the first look.
    floor: Option<i64>,
    /// By series.
    silent: Vec<bool>,
    beats: Beats,
    /// Series heard, by sight.
    live: Vec<u32>,
    /// By sight: since when it is blind, and in what storm.
    blind: Vec<Unseen>,
    /// By town: stations lost together.
    clusters: Vec<Option<Cluster>>,
    /// By town: the newest reading of some rain, milliseconds.
    rained: Vec<i64>,
    /// By class, what it is allowed; room that is used again.
    allowed: Vec<Allowed>,
}

/// The same at rest, by names that outlive a registry.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Frozen {
    floor: Option<i64>,
    silent: Vec<(StationNo, u8)>,
    blind: Vec<(Hazard, AreaCode, Time, Tier)>,
    clusters: Vec<Cluster>,
    rained: Vec<(AreaCode, Time)>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    beats: Vec<beat::Kept>,
}

impl Silence {
    /// Listening to all that the rules of a zone read, from the first record on.
    pub(super) fn new(laid: Listening) -> Self {
        let sights = laid.sights.len();
        Self {
            next: i64::MIN,
            floor: None,
            silent: vec![false; laid.series.len()],
            beats: Beats::new(laid.series.len()),
            live: laid.sights.iter().map(Sight::count).collect(),
            blind: vec![None; sights],
            clusters: vec![None; laid.towns.len()],
            rained: vec![i64::MIN; laid.towns.len()],
            allowed: Vec::new(),
            laid,
        }
    }

    pub(super) fn is_silent(&self, series: u32) -> bool {
        self.silent.get(series as usize) == Some(&true)
    }

    /// True where anything is silent.
    fn hears_too_little(&self) -> bool {
        self.silent.contains(&true)
    }

    /// Notes which series fell silent and which report again at a whole minute.
    fn look(&mut self, now: i64, floor: i64, day: When, city: &City, windows: &Windows) -> Heard {
        let mut room = std::mem::take(&mut self.allowed);
        let dry_since = now.saturating_sub(city.policy.silence.rain_for.millis());
        self.laid.allowed(city, day, &mut room);
        let mut heard = Heard::default();
        for (number, (listened, silent)) in
            (0u32..).zip(self.laid.series.iter().zip(&mut self.silent))
        {
            let newest = windows
                .get(number)
                .map_or(i64::MIN, |view| view.newest_ms());
            if listened.is_learnt {
                self.beats.follow(number as usize, newest);
            }
            let allowed = room.get(listened.class as usize);
            let allowed = allowed.copied().unwrap_or_default();
            let is_wet = |town: u16| {
                let rained = self.rained.get(usize::from(town));
                rained.is_some_and(|rained| *rained > dry_since)
            };
            let by_kind = match listened.town.is_some_and(is_wet) {
                true => allowed.in_rain,
                false => allowed.dry,
            };
            let beats = &self.beats;
            let is_late = |since: i64| {
                let age = now.saturating_sub(since);
                age > by_kind && age > beats.patience(listened, number, allowed.intervals)
            };
            if *silent && !is_late(newest) {
                *silent = false;
                heard.back.push(number);
            } else if !*silent && is_late(newest.max(floor)) {
                *silent = true;
                heard.fell.push(number);
            }
        }
        self.allowed = room;
        for number in &heard.fell {
            for sight in self.laid.sights_of(*number) {
                if let Some(live) = self.live.get_mut(*sight as usize) {
                    *live = live.saturating_sub(1);
                }
            }
        }
        for number in &heard.back {
            for sight in self.laid.sights_of(*number) {
                if let Some(live) = self.live.get_mut(*sight as usize) {
                    *live += 1;
                }
            }
        }
        heard
    }

    /// The silence allowed to a series that day without rain, milliseconds.
    fn allowed_dry(&self, number: u32) -> i64 {
        let of = self.laid.series.get(number as usize);
        let allowed = of.and_then(|of| Some((of, self.allowed.get(of.class as usize)?)));
        allowed.map_or(0, |(of, allowed)| {
            let learnt = self.beats.patience(of, number, allowed.intervals);
            allowed.dry.max(learnt)
        })
    }

    /// Takes note of rain, where some kind of station is allowed less while it falls.
    #[inline]
    pub(super) fn rains(&mut self, series: u32, reading: &Observation) {
        if !self.laid.asks_for_rain
            || reading.value <= 0
            || reading.parameter != Parameter::Rainfall
            || !reading.quality.is_usable()
        {
            return;
        }
        for town in self.laid.towns_of(series) {
            if let Some(rained) = self.rained.get_mut(usize::from(*town)) {
                *rained = (*rained).max(reading.time.millis());
            }
        }
    }

    /// What is kept at rest.
    pub(super) fn frozen(&self, city: &City) -> Frozen {
        let numbered = self.laid.series.iter().zip(&self.silent);
        let silent = numbered.filter(|(_, silent)| **silent);
        let sights = self.laid.sights.iter().zip(&self.blind);
        let blind = sights.filter_map(|(sight, blind)| {
            let (since, storm) = (*blind)?;
            Some((sight.hazard, self.code_of(sight, city)?, since, storm))
        });
        Frozen {
            floor: self.floor,
            silent: silent
                .map(|(of, _)| (of.station, of.parameter.code()))
                .collect(),
            blind: blind.collect(),
            clusters: self.clusters.iter().flatten().cloned().collect(),
            rained: self
                .laid
                .towns
                .iter()
                .zip(&self.rained)
                .filter(|(_, rained)| **rained > i64::MIN)
                .filter_map(|(town, rained)| {
                    let area = city.area(town.area)?;
                    Some((area.code, Time::from_millis(*rained)))
                })
                .collect(),
            beats: self.beats.frozen(&self.laid),
        }
    }

    /// Takes back what was kept at rest, as far as it is still listened to. The next look is at the
    /// next whole minute after `at`.
    pub(super) fn thaw(&mut self, at: Time, city: &City, frozen: &Frozen) {
        let mut fell: Vec<u32> = Vec::new();
        let silent: std::collections::BTreeSet<_> = frozen.silent.iter().copied().collect();
        for (number, (of, is_silent)) in (0u32..).zip(self.laid.series.iter().zip(&mut self.silent))
        {
            *is_silent = silent.contains(&(of.station, of.parameter.code()));
            if *is_silent {
                fell.push(number);
            }
        }
        for sight in fell.iter().flat_map(|number| self.laid.sights_of(*number)) {
            if let Some(live) = self.live.get_mut(*sight as usize) {
                *live = live.saturating_sub(1);
            }
        }
        for (at, sight) in self.laid.sights.iter().enumerate() {
            let code = self.code_of(sight, city);
            let mut held = frozen.blind.iter();
            let held =
                held.find(|(hazard, area, ..)| *hazard == sight.hazard && Some(*area) == code);
            if let (Some((.., since, storm)), Some(blind)) = (held, self.blind.get_mut(at)) {
                *blind = Some((*since, *storm));
            }
        }
        for (town, cluster) in self.laid.towns.iter().zip(&mut self.clusters) {
            let code = city.area(town.area).map(|area| area.code);
            let mut held = frozen.clusters.iter();
            *cluster = held.find(|held| Some(held.area) == code).cloned();
        }
        for (town, rained) in self.laid.towns.iter().zip(&mut self.rained) {
            let code = city.area(town.area).map(|area| area.code);
            let mut held = frozen.rained.iter();
            let held = held.find(|(area, _)| Some(*area) == code);
            *rained = held.map_or(i64::MIN, |(_, time)| time.millis());
        }
        self.beats.thaw(&self.laid, &frozen.beats);
        self.floor = frozen.floor;
        self.next = match self.floor {
            Some(_) => Time::from_minute(at.minute() + 1).millis(),
            None => i64::MIN,
        };
    }

    fn code_of(&self, sight: &Sight, city: &City) -> Option<AreaCode> {
        let town = self.laid.towns.get(usize::from(sight.town))?;
        city.area(town.area).map(|area| area.code)
    }

    fn named(&self, numbers: &[u32]) -> Vec<(StationNo, u8)> {
        let of = |number: &u32| self.laid.series.get(*number as usize);
        let found = numbers.iter().filter_map(of);
        found.map(|of| (of.station, of.parameter.code())).collect()
    }
}

/// Series whose silence began or ended, by number.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Heard {
    fell: Vec<u32>,
    back: Vec<u32>,
}

impl Engine {
    /// The look of a whole minute; `before` is the record time until now.
    pub(super) fn listen(&mut self, before: Time, out: &mut Vec<Effect>) {
        let record = self.at.millis();
        let now = record.div_euclid(MINUTE_MS) * MINUTE_MS;
        self.silence.next = now + MINUTE_MS;
        let nothing_ran = record.saturating_sub(before.millis()) > GAP_MS;
        let floor = match self.silence.floor {
            Some(floor) if !nothing_ran => floor,
            Some(_) | None => record,
        };
        self.silence.floor = Some(floor);
        let time = Time::from_millis(now);
        let day = When::on(time, self.city.offset_at(time));
        let heard = self
            .silence
            .look(now, floor, day, &self.city, &self.windows);
        self.tell_silence(time, &heard, out);
        self.lose(now, &heard);
        if self.has_changes() {
            self.settle(out);
        }
    }

    /// Says what changed, gathered.
    fn tell_silence(&mut self, at: Time, heard: &Heard, out: &mut Vec<Effect>) {
        let mut said = Said::new(at, self.city.zone_code(self.zone));
        said.fell = self.silence.named(&heard.fell);
        said.back = self.silence.named(&heard.back);
        said.blind = self.look_for_blind(at);
        if *heard != Heard::default() {
            said.clusters = self.look_for_clusters();
        }
        if !said.is_empty() {
            out.push(Effect::Silence(Box::new(said)));
        }
    }

    /// Areas that became blind or see again, and those whose storm came or went.
    fn look_for_blind(&mut self, at: Time) -> Vec<Blind> {
        let mut found = Vec::new();
        let mut storms: Vec<((Hazard, AreaNo), Tier)> = Vec::new();
        for number in 0..self.silence.laid.sights.len() {
            let Some((sight, live, held)) = self.sight(number) else {
                continue;
            };
            let (hazard, town) = (sight.hazard, sight.town);
            if live > 0 && held.is_none() {
                continue;
            }
            let now = (live == 0).then(|| {
                let district = self.district_of(town);
                let known = storms.iter().find(|(of, _)| *of == (hazard, district));
                let storm = known.map_or_else(|| self.storm(hazard, district), |(_, tier)| *tier);
                if known.is_none() {
                    storms.push(((hazard, district), storm));
                }
                (held.map_or(at, |(since, _)| since), storm)
            });
            if now == held {
                continue;
            }
            found.extend(self.blind(number, now));
            if let Some(blind) = self.silence.blind.get_mut(number) {
                *blind = now;
            }
        }
        found
    }

    fn sight(&self, number: usize) -> Option<(&Sight, u32, Unseen)> {
        let silence = &self.silence;
        let sight = silence.laid.sights.get(number)?;
        let live = silence.live.get(number)?;
        Some((sight, *live, *silence.blind.get(number)?))
    }

    fn blind(&self, number: usize, now: Unseen) -> Option<Blind> {
        let (sight, ..) = self.sight(number)?;
        let of = |number: &u32| self.silence.laid.series.get(*number as usize);
        let stations = sight.series.iter().filter_map(of);
        let mut stations: Vec<StationNo> = stations.map(|of| of.station).collect();
        stations.sort_unstable();
        stations.dedup();
        let count = u32::try_from(stations.len()).unwrap_or(u32::MAX);
        stations.truncate(if now.is_some() { NAMED_MAX } else { 0 });
        Some(Blind {
            hazard: sight.hazard,
            area: self.silence.code_of(sight, &self.city)?,
            since: now.map(|(since, _)| since),
            storm: now.map_or(Tier::None, |(_, storm)| storm),
            count,
            stations,
        })
    }

    fn district_of(&self, town: u16) -> AreaNo {
        let town = self.silence.laid.towns.get(usize::from(town));
        self.district_above(town.map_or(AreaNo(0), |town| town.area))
    }

    /// The district that holds an area, else the area itself.
    fn district_above(&self, area: AreaNo) -> AreaNo {
        let level = |no: &AreaNo| self.city.area(*no).map(|area| area.level);
        let mut above = std::iter::once(area).chain(self.city.ancestors(area));
        let district = above.find(|no| level(no) == Some(model::AreaLevel::District));
        district.unwrap_or(area)
    }

    /// The highest tier of a hazard in force in a district, in any part of it or above it: found by
    /// any rule, forecasts among them, issued by people, or signalled by another authority. Of what
    /// rules find, only what was read in time and is confirmed counts, where nobody muted them:
    /// silence must not be its own evidence.
    pub(super) fn storm(&self, hazard: Hazard, district: AreaNo) -> Tier {
        let city = &self.city;
        let is_there =
            |area: AreaNo| city.is_within(area, district) || city.is_within(district, area);
        let rules = self.rulebook.rules.iter().zip(&self.rules);
        let found = rules
            .filter(|(rule, _)| rule.hazard == hazard)
            .flat_map(|(rule, state)| {
                let speaks =
                    |area: AreaNo| is_there(area) && !self.mutes.is_silent(rule, city, area);
                // Asked each minute for every blind area: most areas are told apart by one number.
                let stirred = state.areas.iter().filter(|count| !count.is_calm());
                let areas = stirred.filter(move |count| speaks(count.area));
                areas.map(|count| {
                    let standing = count.standing(rule.quorum);
                    standing.measured.min(standing.confirmed)
                })
            });
        let is_coded = |code: AreaCode| city.area_no(code).is_some_and(is_there);
        let bulletins = self.bulletins.all().filter(|b| b.hazard() == hazard);
        let issued = bulletins.flat_map(|bulletin| bulletin.in_force());
        let issued = issued.filter(|(code, _)| is_coded(*code));
        let signals = self.bulletins.signals().filter(|signal| {
            let areas = &signal.areas;
            signal.hazard == Some(hazard) && areas.iter().any(|code| is_coded(*code))
        });
        found
            .chain(issued.map(|(_, tier)| tier))
            .chain(signals.map(|signal| signal.tier))
            .max()
            .unwrap_or_default()
    }

    /// Goes on listening under another city or rulebook, with a whole span of patience for all.
    pub(super) fn listen_anew(&mut self, before: &Frozen, out: &mut Vec<Effect>) {
        let laid = Listening::new(
            &self.city,
            self.zone,
            &self.rulebook,
            &self.windows,
            &self.rules,
        );
        self.silence = Silence::new(laid);
        self.silence.thaw(self.at, &self.city, before);
        if before.floor.is_none() {
            return;
        }
        self.silence.floor = Some(self.at.millis());
        let after = self.silence.frozen(&self.city);
        let mut said = Said::new(self.at, self.city.zone_code(self.zone));
        let kept: std::collections::BTreeSet<_> = after.silent.iter().collect();
        let gone = before.silent.iter().filter(|of| !kept.contains(of));
        said.back = gone.copied().collect();
        for (hazard, area, ..) in &before.blind {
            let mut still = after.blind.iter();
            if !still.any(|(of, at, ..)| (of, at) == (hazard, area)) {
                said.blind.push(Blind {
                    hazard: *hazard,
                    area: *area,
                    since: None,
                    storm: Tier::None,
                    count: 0,
                    stations: Vec::new(),
                });
            }
        }
        for cluster in &before.clusters {
            if !after.clusters.iter().any(|held| held.area == cluster.area) {
                said.clusters.push(Cluster {
                    stations: Vec::new(),
                    ..cluster.clone()
                });
            }
        }
        if !said.is_empty() {
            out.push(Effect::Silence(Box::new(said)));
        }
    }

    /// Every series that is silent now.
    pub fn silent(&self) -> Vec<(StationNo, Parameter)> {
        let numbered = self.silence.laid.series.iter().zip(&self.silence.silent);
        let silent = numbered.filter(|(_, silent)| **silent);
        silent.map(|(of, _)| (of.station, of.parameter)).collect()
    }
}
