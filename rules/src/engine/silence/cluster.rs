//! Stations of a town that were lost together: the power or the network there went, or worse.

use super::super::{Engine, NONE};
use super::Silence;
use crate::engine::subjects::Subject;
use crate::engine::windows::Windows;
use model::silence::Cluster;
use model::{City, Parameter, Span, StationNo, Time};

/// The most of them that lie within a span of each other, the later ones of two alike.
pub(super) fn together<T: Copy + Ord>(all: &mut [(i64, T)], within: Span) -> &[(i64, T)] {
    all.sort_unstable();
    let (mut first, mut best) = (0, 0..0);
    for (at, (time, _)) in all.iter().enumerate() {
        let is_apart = |first: usize| {
            let began = all.get(first).map_or(*time, |(began, _)| *began);
            time.saturating_sub(began) > within.millis()
        };
        while is_apart(first) {
            first += 1;
        }
        if at + 1 - first >= best.len() {
            best = first..at + 1;
        }
    }
    all.get(best).unwrap_or_default()
}

impl Silence {
    /// Stations of a town whose last readings lie together.
    fn cluster(&self, town: usize, city: &City, windows: &Windows) -> Option<Cluster> {
        let town = self.laid.towns.get(town)?;
        let mut lost: Vec<(i64, StationNo)> = Vec::new();
        for station in &town.stations {
            if station.series.iter().all(|number| self.is_silent(*number)) {
                let newest = station
                    .series
                    .iter()
                    .filter_map(|number| windows.get(*number));
                let newest = newest.map(|view| view.newest_ms()).max();
                // Who was never heard was not lost.
                lost.extend(
                    newest
                        .filter(|newest| *newest > i64::MIN)
                        .map(|newest| (newest, station.no)),
                );
            }
        }
        let policy = city.policy.silence;
        let group = together(&mut lost, policy.within);
        let is_cluster = group.len() >= policy.stations as usize;
        let (last, _) = group.last().filter(|_| is_cluster)?;
        let mut stations: Vec<StationNo> = group.iter().map(|(_, no)| *no).collect();
        stations.sort_unstable();
        Some(Cluster {
            area: city.area(town.area)?.code,
            since: Time::from_millis(*last),
            stations,
        })
    }

    /// The interval at which a series reports, as far as anything says so.
    fn interval(&self, series: u32, city: &City) -> Span {
        let Some(of) = self.laid.series.get(series as usize) else {
            return Span::ZERO;
        };
        let registered = city
            .station(of.station)
            .and_then(|station| station.interval());
        let shown = || self.beats.cadence(series).usual();
        registered.or_else(shown).unwrap_or_else(|| {
            let usual = Parameter::usual_interval_s(of.parameter);
            Span::from_seconds(i64::from(usual))
        })
    }
}

impl Engine {
    /// Clusters that formed, grew, shrank or are over.
    pub(super) fn look_for_clusters(&mut self) -> Vec<Cluster> {
        let mut found = Vec::new();
        for town in 0..self.silence.clusters.len() {
            let now = self.silence.cluster(town, &self.city, &self.windows);
            let Some(held) = self.silence.clusters.get_mut(town) else {
                continue;
            };
            if now == *held {
                continue;
            }
            let over = held.as_ref().map(|held| Cluster {
                stations: Vec::new(),
                ..held.clone()
            });
            found.extend(now.clone().or(over));
            *held = now;
        }
        found
    }

    /// True where what is read at a lost subject went with the stations around it. One that reports
    /// more seldom than they do may have been heard an interval of its own before.
    pub(super) fn went_with_others(&self, subject: &Subject) -> bool {
        let read = || subject.series.iter().filter(|number| **number != NONE);
        let town = read()
            .filter_map(|number| self.silence.laid.series.get(*number as usize))
            .find_map(|of| of.town);
        let cluster = town.and_then(|town| self.silence.clusters.get(usize::from(town)));
        let Some((cluster, last)) = cluster.and_then(Option::as_ref).zip(self.last_of(subject))
        else {
            return false;
        };
        let intervals = read().map(|number| self.silence.interval(*number, &self.city));
        let interval = intervals.max().unwrap_or(Span::ZERO).millis();
        let (since, within) = (
            cluster.since.millis(),
            self.city.policy.silence.within.millis(),
        );
        let first = since.saturating_sub(within).saturating_sub(interval);
        (first..=since.saturating_add(within)).contains(&last)
    }
}
