//! All series of a zone, found by station and parameter.

use crate::rulebook::Rulebook;
use crate::window::{Placed, Plan, Series};
use model::{City, Observation, Parameter, StationNo, Zone};

/// No series.
pub(super) const NONE: u32 = u32::MAX;

/// The series of a zone, one for each parameter that a rule reads at each station.
pub(super) struct Windows {
    /// Place of each parameter among those read, by its code.
    places: [u8; Parameter::ALL.len()],
    width: usize,
    by_station: Vec<u32>,
    pub(super) series: Vec<Series>,
    owners: Vec<(StationNo, u8)>,
    pub(super) plans: Vec<Plan>,
    parameters: Vec<Parameter>,
}

impl Windows {
    /// Empty series for every station whose observations the zone gets.
    pub(super) fn new(city: &City, zone: Zone, rulebook: &Rulebook) -> Self {
        let parameters: Vec<Parameter> = rulebook.parameters().collect();
        let mut places = [u8::MAX; Parameter::ALL.len()];
        for (place, parameter) in (0u8..).zip(&parameters) {
            if let Some(slot) = places.get_mut(usize::from(parameter.code())) {
                *slot = place;
            }
        }
        let width = parameters.len();
        let mut windows = Self {
            places,
            width,
            by_station: vec![NONE; city.stations.len() * width],
            series: Vec::new(),
            owners: Vec::new(),
            plans: rulebook.plans.values().cloned().collect(),
            parameters,
        };
        for (number, station) in (0u32..).zip(&city.stations) {
            if !station.retired && station.zones.contains(&zone) {
                for parameter in &station.parameters {
                    windows.add(StationNo(number), *parameter, station.interval_s);
                }
            }
        }
        windows
    }

    fn add(&mut self, station: StationNo, parameter: Parameter, interval_s: u32) {
        let Some(at) = self.at(station, parameter) else {
            return;
        };
        let place = at % self.width;
        let next = u32::try_from(self.series.len()).unwrap_or(NONE);
        if let (Some(entry), Some(plan)) = (self.by_station.get_mut(at), self.plans.get(place))
            && *entry == NONE
        {
            *entry = next;
            self.series.push(Series::new(plan, parameter, interval_s));
            self.owners
                .push((station, u8::try_from(place).unwrap_or(u8::MAX)));
        }
    }

    #[inline]
    fn at(&self, station: StationNo, parameter: Parameter) -> Option<usize> {
        let place = *self.places.get(usize::from(parameter.code()))?;
        (place != u8::MAX).then(|| station.0 as usize * self.width + usize::from(place))
    }

    /// The series of that parameter at that station.
    #[inline]
    pub(super) fn find(&self, station: StationNo, parameter: Parameter) -> Option<u32> {
        let number = *self.by_station.get(self.at(station, parameter)?)?;
        (number != NONE).then_some(number)
    }

    /// Puts an observation in its series.
    #[inline]
    pub(super) fn place(&mut self, number: u32, observation: &Observation) -> Placed {
        let place = self
            .places
            .get(usize::from(observation.parameter.code()))
            .copied();
        let plan = self.plans.get(usize::from(place.unwrap_or(u8::MAX)));
        match (self.series.get_mut(number as usize), plan) {
            (Some(series), Some(plan)) => series.place(plan, observation),
            (None, _) | (_, None) => Placed::Unusable,
        }
    }

    #[inline]
    pub(super) fn get(&self, number: u32) -> Option<&Series> {
        self.series.get(number as usize)
    }

    /// How long before the newest reading others are still kept.
    pub(super) fn kept_ms(&self, parameter: Parameter) -> i64 {
        let place = self.places.get(usize::from(parameter.code())).copied();
        let plan = self.plans.get(usize::from(place.unwrap_or(u8::MAX)));
        plan.map_or(0, Plan::kept_ms)
    }

    /// Station, parameter, plan and series, in station order.
    pub(super) fn all(&self) -> impl Iterator<Item = (StationNo, Parameter, &Plan, &Series)> {
        self.owners
            .iter()
            .zip(&self.series)
            .filter_map(|((station, place), series)| {
                let parameter = self.parameters.get(usize::from(*place))?;
                Some((
                    *station,
                    *parameter,
                    self.plans.get(usize::from(*place))?,
                    series,
                ))
            })
    }

    /// The series of that parameter at that station with its plan, to be filled.
    pub(super) fn get_mut(
        &mut self,
        station: StationNo,
        parameter: Parameter,
    ) -> Option<(&Plan, &mut Series)> {
        let number = self.find(station, parameter)?;
        let place = usize::from(*self.places.get(usize::from(parameter.code()))?);
        Some((
            self.plans.get(place)?,
            self.series.get_mut(number as usize)?,
        ))
    }
}
