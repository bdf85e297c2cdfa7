//! What the screen remembers of a series, and where: dense places by station and parameter.

use model::{City, Members, Observation, Parameter, Quanta, StationNo, Zone};

/// A value at a time; the default lies before every time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Point {
    pub(super) time: i64,
    pub(super) value: Quanta,
}

/// The memory of one series.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Series {
    /// Newest reading.
    pub(super) newest: Point,
    /// Newest reading that changed at a credible rate; of a counter, the reading from which
    /// `newest` is counted.
    pub(super) good: Point,
    /// The reading since which nothing changed; of a counter, the one before it seemed to begin
    /// again.
    pub(super) still: Point,
    /// Readings since then.
    pub(super) still_count: u16,
    /// Whether it has been told that it is stuck.
    pub(super) is_told: bool,
}

/// Where each registered series of a zone has its memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Registry {
    members: Members,
    /// By place of the member.
    seats: Vec<Seat>,
    series_count: u32,
    rain_count: u32,
    offset_minutes: i64,
}

/// Where one station's series stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Seat {
    parameters: u32,
    series: u32,
    rain: u32,
}

const RAIN: u32 = bit(Parameter::Rainfall) | bit(Parameter::RainfallTotal);

impl Default for Point {
    fn default() -> Self {
        Self {
            time: i64::MIN,
            value: 0,
        }
    }
}

impl Point {
    pub(super) const fn of(observation: &Observation) -> Self {
        Self {
            time: observation.time.millis(),
            value: observation.value,
        }
    }

    pub(super) const fn is_known(self) -> bool {
        self.time != i64::MIN
    }

    /// Milliseconds from this point to a later one; very many where this one is not known.
    pub(super) const fn until(self, later: Self) -> i64 {
        later.time.saturating_sub(self.time)
    }

    /// Begun minutes from this point to a later one, at least one.
    pub(super) const fn minutes_until(self, later: Self) -> i64 {
        let minutes = self.until(later).saturating_add(59_999) / 60_000;
        if minutes < 1 { 1 } else { minutes }
    }
}

impl Seat {
    /// The place of a series.
    #[inline]
    pub(super) const fn series(self, parameter: Parameter) -> Option<usize> {
        let own = bit(parameter);
        if self.parameters & own == 0 {
            return None;
        }
        let before = (self.parameters & (own - 1)).count_ones();
        Some((self.series + before) as usize)
    }

    /// The place of the station's last hour of rain.
    #[inline]
    pub(super) const fn rain(self) -> Option<usize> {
        if self.parameters & RAIN == 0 {
            return None;
        }
        Some(self.rain as usize)
    }
}

impl Registry {
    pub(super) fn new(city: &City, zone: Zone) -> Self {
        let mut registry = Self {
            members: city.members(zone),
            seats: Vec::new(),
            series_count: 0,
            rain_count: 0,
            offset_minutes: i64::from(city.offset.0),
        };
        for (_, station) in city.stations_in(zone) {
            let parameters = station.parameters.iter();
            let parameters = parameters.fold(0, |set, one| set | bit(*one));
            registry.seats.push(Seat {
                parameters,
                series: registry.series_count,
                rain: registry.rain_count,
            });
            registry.series_count += parameters.count_ones();
            registry.rain_count += u32::from(parameters & RAIN != 0);
        }
        registry
    }

    pub(super) const fn series_count(&self) -> usize {
        self.series_count as usize
    }

    pub(super) const fn rain_count(&self) -> usize {
        self.rain_count as usize
    }

    /// Offset of the city's day from UTC.
    pub(super) const fn offset_minutes(&self) -> i64 {
        self.offset_minutes
    }

    /// What there is of a station.
    #[inline]
    pub(super) fn seat(&self, station: StationNo) -> Option<Seat> {
        self.seats.get(self.members.place(station)?).copied()
    }

    /// Every series with its place, in order.
    pub(super) fn all(&self) -> impl Iterator<Item = (StationNo, Parameter, usize)> {
        self.members
            .all()
            .zip(&self.seats)
            .flat_map(|(number, seat)| {
                let reported = Parameter::ALL
                    .into_iter()
                    .filter(|p| seat.parameters & bit(*p) != 0);
                let places = seat.series as usize..;
                reported
                    .zip(places)
                    .map(move |(parameter, at)| (number, parameter, at))
            })
    }

    /// Every station that measures rain with the place of its last hour, in order.
    pub(super) fn all_rain(&self) -> impl Iterator<Item = (StationNo, usize)> {
        self.members
            .all()
            .zip(&self.seats)
            .filter_map(|(number, seat)| Some((number, seat.rain()?)))
    }
}

const fn bit(parameter: Parameter) -> u32 {
    1 << parameter.code()
}
