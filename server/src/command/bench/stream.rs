//! Observations as gauges send them: each a minute, in order, some in heavy rain.

use crate::command::Failure;
use crate::installation;
use model::{City, Offset, Parameter, Time};
use std::path::Path;

/// Minutes of one turn of the weather.
const TURN_MINUTES: usize = 720;

/// A city's rain gauges.
pub(super) struct Gauges {
    heads: Vec<Vec<u8>>,
    offset: Offset,
}

/// Some of the gauges, minute after minute.
pub(super) struct Stream<'a> {
    gauges: &'a Gauges,
    /// First of its gauges, and one past the last.
    from: usize,
    until: usize,
    next: usize,
    minute: i64,
    began: i64,
    time: String,
}

impl Gauges {
    /// The gauges of the city in `directory`.
    pub(super) fn load(directory: &Path) -> Result<Self, Failure> {
        let city = installation::city(directory).map_err(|faults| {
            Failure::BadInput(format!("{faults}\n`make bench` makes what it needs"))
        })?;
        Ok(Self::of(&city, |_| true))
    }

    /// The gauges of a city whose number in it `wanted` lets pass.
    pub(super) fn of(city: &City, wanted: impl Fn(usize) -> bool) -> Self {
        let rain = city
            .stations
            .iter()
            .enumerate()
            .filter(|(number, station)| {
                station.parameters.contains(&Parameter::Rainfall) && wanted(*number)
            });
        let heads = rain.map(|(_, station)| {
            format!(
                r#"{{"station":"{}","parameter":"rainfall","time":""#,
                station.id
            )
            .into_bytes()
        });
        Self {
            heads: heads.collect(),
            offset: city.offset,
        }
    }

    /// How many.
    pub(super) fn len(&self) -> usize {
        self.heads.len()
    }

    /// Part `part` of `parts` of the gauges, from the minute of `start` on.
    pub(super) fn stream(&self, part: usize, parts: usize, start: Time) -> Stream<'_> {
        let from = self.heads.len() * part / parts;
        let mut stream = Stream {
            gauges: self,
            from,
            until: self.heads.len() * (part + 1) / parts,
            next: from,
            minute: start.minute(),
            began: start.minute(),
            time: String::new(),
        };
        stream.time = stream.text();
        stream
    }
}

impl Stream<'_> {
    /// Observations of one minute.
    pub(super) const fn len(&self) -> usize {
        self.until - self.from
    }

    /// Appends the next `count` observations, one a line.
    pub(super) fn write(&mut self, count: usize, body: &mut Vec<u8>) {
        for _ in 0..count {
            let Some(head) = self.gauges.heads.get(self.next) else {
                return;
            };
            body.extend_from_slice(head);
            body.extend_from_slice(self.time.as_bytes());
            body.extend_from_slice(b"\",\"value\":");
            body.extend_from_slice(&tenths(rain(
                self.next,
                (self.minute - self.began).unsigned_abs() as usize,
            )));
            body.extend_from_slice(b"}\n");
            self.next += 1;
            if self.next == self.until {
                self.next = self.from;
                self.minute += 1;
                self.time = self.text();
            }
        }
    }

    /// The minute that comes next.
    pub(super) fn now(&self) -> Time {
        Time::from_minute(self.minute)
    }

    fn text(&self) -> String {
        Time::from_minute(self.minute).display(self.gauges.offset)
    }
}

/// Tenths of a millimetre in a minute: an hour of rain in twelve, heavy at one gauge in four, some
/// drizzle between.
fn rain(gauge: usize, minute: usize) -> u8 {
    let phase = (minute + gauge * 37) % TURN_MINUTES;
    let heavy = if gauge.is_multiple_of(4) { 9 } else { 0 };
    match phase {
        0..60 => 4 + heavy + ((minute + gauge) % 5) as u8,
        60..120 if phase.is_multiple_of(9) => 1,
        _ => 0,
    }
}

/// `d.d`.
fn tenths(value: u8) -> [u8; 3] {
    [b'0' + value / 10 % 10, b'.', b'0' + value % 10]
}
