//! Readings to observations: what one frame shows is checked here (semantics §14): registration,
//! unit, format, range, a time in the future.
//!
//! Unknown stations and every other rejection are kept with their reason, never dropped in
//! silence; see [`crate::dead_letter`].

pub mod batch;
mod decimal;
pub mod rejection;
pub mod units;

pub use batch::Batch;
pub use rejection::{Reason, Rejection};

use crate::protocol::{Field, Like, Reading, Short, What};
use crate::quality::limits;
use decimal::{Decimal, Ratio, TENS};
use model::parameter::ValueError;
use model::{City, Observation, Parameter, Quality, Quanta, Span, StationNo, Time, Zone};
use rustc_hash::FxHashMap;

/// Seconds that a rainfall amount covers where neither the record nor the registry says
/// (semantics §2): the minute of automatic stations.
pub const RAINFALL_INTERVAL_S: u32 = 60;

/// The registry as intake asks it: station texts to numbers, numbers to what they report.
#[derive(Clone, Debug)]
pub struct Registrar {
    ids: Ids,
    stations: Vec<Registered>,
    zones: Vec<Zone>,
    zone_count: usize,
    series_count: usize,
    future_max: Span,
    last_parameter: Parameter,
    usual: Option<Usual>,
    requests: batch::Requests,
}

/// Station texts to numbers.
#[derive(Clone, Debug, Default)]
struct Ids {
    short: FxHashMap<u128, u32>,
    long: FxHashMap<Box<str>, u32>,
    /// The packed id of each station, and the station that was named after it the last time:
    /// stations mostly report in the same order.
    follows: Vec<(u128, u32)>,
    last: u32,
}

/// What the last reading said, but for its station and value: lines like it say it again.
#[derive(Clone, Copy, Debug)]
struct Usual {
    parameter: Parameter,
    time: Time,
    quality: Quality,
    ratio: Ratio,
    interval_s: Option<u32>,
    range: (Quanta, Quanta),
    /// Decimals of a quantum, where the digits of a value are its quanta.
    plain_decimals: Option<u8>,
}

#[derive(Clone, Copy, Debug)]
struct Registered {
    parameters: u32,
    series: u32,
    zones_from: u32,
    zones: u16,
    interval_s: u32,
}

/// How far ahead of its arrival an observation may be stamped unless configured otherwise.
pub const FUTURE_MAX: Span = Span::from_minutes(5);

/// Decimal text in a unit of the parameter, or in its own, as quanta; `None` where it is none.
pub(crate) fn quanta(parameter: Parameter, text: &str, unit: Option<&str>) -> Option<Quanta> {
    let ratio = match unit {
        Some(unit) => units::ratio(parameter, unit).ok()?,
        None => Ratio::ONE,
    };
    let decimal = Decimal::parse(text.as_bytes()).ok()?;
    decimal.quanta(ratio, parameter.decimals()).ok()
}

impl Registrar {
    /// Takes the stations of a city; `future_max` is how far ahead of its arrival a time may be
    /// ([`FUTURE_MAX`]).
    pub fn new(city: &City, future_max: Span) -> Self {
        let mut registrar = Self {
            ids: Ids::default(),
            stations: Vec::with_capacity(city.stations.len()),
            zones: Vec::new(),
            zone_count: city.zones.len(),
            series_count: 0,
            future_max,
            last_parameter: Parameter::Rainfall,
            usual: None,
            requests: batch::Requests::default(),
        };
        for (number, station) in (0u32..).zip(&city.stations) {
            registrar.ids.add(&station.id, number, station.retired);
            let parameters = station
                .parameters
                .iter()
                .fold(0, |set, one| set | bit(*one));
            registrar.stations.push(Registered {
                parameters,
                series: registrar.series_count as u32,
                zones_from: registrar.zones.len() as u32,
                zones: station.zones.len() as u16,
                interval_s: station.interval_s,
            });
            registrar.zones.extend_from_slice(&station.zones);
            registrar.series_count += parameters.count_ones() as usize;
        }
        registrar
    }

    /// The observation that a reading states, or why it is none. `arrival` is when it came in.
    pub fn register(
        &mut self,
        reading: &Reading<'_>,
        arrival: Time,
    ) -> Result<Observation, Rejection> {
        self.usual = None;
        let reject = |reason, field| Rejection::new(reading, reason, Some(field));
        let station = self
            .ids
            .number(reading.station.as_bytes())
            .ok_or_else(|| reject(Reason::UnknownStation, Field::Station))?;
        let parameter = self
            .parameter(&reading.parameter)
            .ok_or_else(|| reject(Reason::UnknownParameter, Field::Parameter))?;
        let registered = *self
            .registered(station, parameter)
            .ok_or_else(|| reject(Reason::NotReported, Field::Parameter))?;
        if reading.time.since(arrival) > self.future_max {
            return Err(reject(Reason::Future, Field::Time));
        }
        let interval_s = reading.interval_s;
        if interval_s.is_some_and(|seconds| seconds > limits::INTERVAL_S_MAX) {
            return Err(reject(Reason::Format(What::OutOfRange), Field::Interval));
        }
        let ratio = match reading.unit.as_deref() {
            None => Ratio::ONE,
            Some(unit) => units::ratio(parameter, unit)
                .map_err(|error| reject(Reason::Unit(parameter, error), Field::Unit))?,
        };
        let quality = reading.quality.unwrap_or_default();
        let usual = Usual {
            parameter,
            time: reading.time,
            quality,
            ratio,
            interval_s,
            range: parameter.range(),
            plain_decimals: (ratio == Ratio::ONE && quality != Quality::Missing)
                .then(|| parameter.decimals() as u8),
        };
        let Some(text) = reading.value.as_deref() else {
            let usual = Usual {
                quality: Quality::Missing,
                ..usual
            };
            return Ok(usual.observation(station, &registered, 0));
        };
        let value = usual
            .value(text.as_bytes())
            .map_err(|reason| reject(reason, Field::Value))?;
        self.usual = Some(usual);
        Ok(usual.observation(station, &registered, value))
    }

    /// The same of a line like the last reading that was registered with this `arrival`.
    #[inline]
    pub fn register_like(
        &mut self,
        like: &Like<'_, '_>,
        arrival: Time,
    ) -> Result<Observation, Rejection> {
        match self.at_a_glance(like) {
            Some(observation) => Ok(observation),
            None => self.register_unusual(like, arrival),
        }
    }

    #[inline]
    fn at_a_glance(&mut self, like: &Like<'_, '_>) -> Option<Observation> {
        let usual = self.usual.as_ref()?;
        let station = self.ids.number(like.station())?;
        let registered = self.stations.get(station as usize)?;
        let registered = registered.reports(usual.parameter)?;
        let value = match like.short().and_then(|short| usual.short(short)) {
            Some(value) => value,
            None => usual.value(like.value()).ok()?,
        };
        Some(usual.observation(station, registered, value))
    }

    /// One that says something wrong says nothing of those after it.
    #[inline(never)]
    fn register_unusual(
        &mut self,
        like: &Like<'_, '_>,
        arrival: Time,
    ) -> Result<Observation, Rejection> {
        let usual = self.usual;
        let found = self.register(&like.reading(), arrival);
        self.usual = self.usual.or(usual);
        found
    }

    #[inline]
    fn registered(&self, station: u32, parameter: Parameter) -> Option<&Registered> {
        self.stations.get(station as usize)?.reports(parameter)
    }

    /// Every zone that gets a copy of a station's observations.
    pub fn zones(&self, station: StationNo) -> &[Zone] {
        let zones = self
            .stations
            .get(station.0 as usize)
            .and_then(|registered| {
                let from = registered.zones_from as usize;
                self.zones.get(from..from + usize::from(registered.zones))
            });
        zones.unwrap_or_default()
    }

    #[inline]
    fn parameter(&mut self, name: &str) -> Option<Parameter> {
        if self.last_parameter.name() != name {
            self.last_parameter = Parameter::from_name(name)?;
        }
        Some(self.last_parameter)
    }

    /// The dense number of a series, where the station reports the parameter.
    fn series(&self, station: StationNo, parameter: Parameter) -> Option<usize> {
        let registered = self.stations.get(station.0 as usize)?;
        let below = registered.parameters & (bit(parameter) - 1);
        let series = registered.series + below.count_ones();
        (registered.parameters & bit(parameter) != 0).then_some(series as usize)
    }
}

impl Registered {
    #[inline]
    fn reports(&self, parameter: Parameter) -> Option<&Self> {
        (self.parameters & bit(parameter) != 0).then_some(self)
    }
}

impl Ids {
    /// Takes the next station.
    fn add(&mut self, id: &str, number: u32, is_retired: bool) {
        let packed = pack(id.as_bytes());
        let own = packed.filter(|_| !is_retired).unwrap_or(NOBODY);
        self.follows.push((own, number + 1));
        match packed {
            _ if is_retired => None,
            Some(packed) => self.short.insert(packed, number),
            None => self.long.insert(id.into(), number),
        };
    }

    /// The number of the station with this id.
    #[inline]
    fn number(&mut self, id: &[u8]) -> Option<u32> {
        let Some(packed) = pack(id) else {
            let id = std::str::from_utf8(id).ok()?;
            return self.long.get(id).copied();
        };
        let (last, expected) = *self.follows.get(self.last as usize)?;
        if packed == last {
            return Some(self.last);
        }
        let is_expected = |(id, _): &(u128, u32)| *id == packed;
        if self.follows.get(expected as usize).is_some_and(is_expected) {
            self.last = expected;
            return Some(expected);
        }
        let found = *self.short.get(&packed)?;
        if let Some((_, next)) = self.follows.get_mut(self.last as usize) {
            *next = found;
        }
        self.last = found;
        Some(found)
    }
}

impl Usual {
    /// The value of a short plain number, in quanta; `None` where [`Usual::value`] is to say more.
    #[inline]
    fn short(&self, short: Short) -> Option<Quanta> {
        let shift = self.plain_decimals?.checked_sub(short.decimals)?;
        let value = i64::from(short.mantissa) * TENS.get(usize::from(shift))?;
        let (low, high) = self.range;
        let is_possible = (i64::from(low)..=i64::from(high)).contains(&value);
        is_possible.then_some(value as Quanta)
    }

    /// The value of this text, in quanta.
    #[inline]
    fn value(&self, text: &[u8]) -> Result<Quanta, Reason> {
        if self.quality == Quality::Missing {
            return Ok(0);
        }
        let value = Decimal::parse(text)
            .and_then(|decimal| decimal.quanta(self.ratio, self.parameter.decimals()))
            .map_err(|error| match error {
                ValueError::NotDecimal => Reason::NotANumber,
                ValueError::TooLarge => Reason::Range(self.parameter),
            })?;
        let (low, high) = self.range;
        if value < low || value > high {
            return Err(Reason::Range(self.parameter));
        }
        Ok(value)
    }

    #[inline]
    fn observation(&self, station: u32, registered: &Registered, value: Quanta) -> Observation {
        Observation {
            station: StationNo(station),
            parameter: self.parameter,
            time: self.time,
            value,
            interval_s: self
                .interval_s
                .unwrap_or(match (registered.interval_s, self.parameter) {
                    (0, Parameter::Rainfall) => RAINFALL_INTERVAL_S,
                    (seconds, _) => seconds,
                }),
            quality: self.quality,
        }
    }
}

/// The packed id of no station: longer than any that is packed.
const NOBODY: u128 = u128::MAX;

const fn bit(parameter: Parameter) -> u32 {
    1 << parameter.code()
}

/// Texts of at most 15 bytes as one number, so that looking one up touches one place in memory:
/// the bytes from the lowest up, the length in the highest.
#[inline]
fn pack(bytes: &[u8]) -> Option<u128> {
    let length = bytes.len();
    // The first and the last word overlap; what the first holds is shifted out of the last.
    let low = match (bytes.first_chunk::<8>(), bytes.first_chunk::<4>()) {
        (Some(eight), _) => u64::from_le_bytes(*eight),
        (None, Some(four)) => {
            let last = bytes
                .last_chunk::<4>()
                .map_or(0, |last| u32::from_le_bytes(*last));
            let rest = u64::from(last) >> (8 * (8 - length));
            u64::from(u32::from_le_bytes(*four)) | rest << 32
        }
        (None, None) => bytes
            .iter()
            .rev()
            .fold(0, |sum, byte| sum << 8 | u64::from(*byte)),
    };
    let high = match bytes.last_chunk::<8>() {
        Some(last) if (9..16).contains(&length) => u64::from_le_bytes(*last) >> (8 * (16 - length)),
        Some(_) if length > 8 => return None,
        Some(_) | None => 0,
    };
    Some(u128::from(low) | u128::from(high | (length as u64) << 56) << 64)
}

#[cfg(test)]
mod tests {
    use super::pack;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn packing_is_the_plain_bytes_and_the_length(text in "\\PC{0,20}") {
            let mut plain = [0; 16];
            let expected = (text.len() < 16).then(|| {
                plain[..text.len()].copy_from_slice(text.as_bytes());
                plain[15] = text.len() as u8;
                u128::from_le_bytes(plain)
            });
            prop_assert_eq!(pack(text.as_bytes()), expected);
        }
    }
}
