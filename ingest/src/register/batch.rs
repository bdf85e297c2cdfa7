//! The outcome of one request: observations by zone, rejections, and what stood in it twice.

use super::{Registrar, Rejection};
use crate::protocol::{self, Found, Framing, Like, Protocol, Take};
use model::{Observation, Time, Zone};
use rustc_hash::FxHashMap;

/// The most rejections of one request that are kept with their reason; more are only counted.
pub const REJECTIONS_MAX: usize = 1_000;

/// What one request came to. Its buffers are used again by the next.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    zones: Vec<Vec<Observation>>,
    touched: Vec<Zone>,
    rejections: Vec<Rejection>,
    accepted: u64,
    duplicates: u64,
    rejected: u64,
}

/// What a request has shown of each series so far, to find what stands in it twice.
#[derive(Clone, Debug, Default)]
pub(super) struct Requests {
    number: u32,
    /// Newest observation of each series and the request it was in.
    newest: Vec<(u32, Option<Observation>)>,
    /// Every observation of the request, kept only once it goes back in time.
    all: Option<FxHashMap<(u32, u8, i64), Observation>>,
}

impl Batch {
    /// The zones that get something, each with its observations in order of arrival. A station
    /// in several zones is in each of them.
    pub fn zones(&self) -> impl Iterator<Item = (Zone, &[Observation])> {
        self.touched
            .iter()
            .filter_map(|zone| Some((*zone, self.zones.get(usize::from(zone.0))?.as_slice())))
    }

    /// Observations accepted, each counted once.
    pub const fn accepted(&self) -> u64 {
        self.accepted
    }

    /// Observations left out because an equal one stands in the same request (semantics §14).
    pub const fn duplicates(&self) -> u64 {
        self.duplicates
    }

    /// Records rejected.
    pub const fn rejected(&self) -> u64 {
        self.rejected
    }

    /// The first [`REJECTIONS_MAX`] rejections, in order.
    pub fn rejections(&self) -> &[Rejection] {
        &self.rejections
    }

    fn clear(&mut self) {
        for zone in self.touched.drain(..) {
            if let Some(rows) = self.zones.get_mut(usize::from(zone.0)) {
                rows.clear();
            }
        }
        self.rejections.clear();
        (self.accepted, self.duplicates, self.rejected) = (0, 0, 0);
    }

    fn accept(&mut self, observation: Observation, zones: &[Zone]) {
        self.accepted += 1;
        for zone in zones {
            if let Some(rows) = self.zones.get_mut(usize::from(zone.0)) {
                if rows.is_empty() {
                    self.touched.push(*zone);
                }
                rows.push(observation);
            }
        }
    }

    fn reject(&mut self, rejection: impl FnOnce() -> Rejection) {
        self.rejected += 1;
        if self.rejections.len() < REJECTIONS_MAX {
            self.rejections.push(rejection());
        }
    }
}

impl Registrar {
    /// Reads one request whole into `batch`, which is emptied first.
    ///
    /// `topic` is where it came in (an MQTT topic; empty elsewhere), `arrival` when.
    pub fn read(
        &mut self,
        protocol: &Protocol,
        topic: &str,
        bytes: &[u8],
        framing: Framing,
        arrival: Time,
        batch: &mut Batch,
    ) {
        batch.clear();
        batch.zones.resize_with(self.zone_count, Vec::new);
        self.requests.begin(self.series_count);
        let mut request = Request {
            registrar: self,
            arrival,
            batch,
        };
        protocol::decode(protocol, topic, bytes, framing, &mut request);
    }
}

/// A request that is being read.
struct Request<'r> {
    registrar: &'r mut Registrar,
    arrival: Time,
    batch: &'r mut Batch,
}

impl<'a> Take<'a> for Request<'_> {
    #[inline]
    fn found(&mut self, found: Found<'a>) {
        match found {
            Ok(reading) => {
                let registered = self.registrar.register(&reading, self.arrival);
                self.registered(registered);
            }
            Err(error) => self.batch.reject(|| error.into()),
        }
    }

    #[inline]
    fn like(&mut self, like: Like<'_, 'a>) {
        let registered = self.registrar.register_like(&like, self.arrival);
        self.registered(registered);
    }
}

impl Request<'_> {
    #[inline]
    fn registered(&mut self, registered: Result<Observation, Rejection>) {
        let (registrar, batch) = (&mut *self.registrar, &mut *self.batch);
        let observation = match registered {
            Ok(observation) => observation,
            Err(rejection) => return batch.reject(|| rejection),
        };
        let series = registrar.series(observation.station, observation.parameter);
        let is_duplicate =
            series.is_some_and(|at| registrar.requests.is_duplicate(at, &observation, batch));
        if is_duplicate {
            batch.duplicates += 1;
        } else {
            batch.accept(observation, registrar.zones(observation.station));
        }
    }
}

impl Requests {
    fn begin(&mut self, series_count: usize) {
        self.all = None;
        self.number = self.number.wrapping_add(1);
        if self.number == 0 {
            self.newest.clear();
            self.number = 1;
        }
        self.newest.resize(series_count, (0, None));
    }

    /// Whether the observation repeats what the request said last of its series and time. A
    /// correction and its reversal are both news.
    #[inline]
    fn is_duplicate(&mut self, series: usize, new: &Observation, batch: &Batch) -> bool {
        let Some((request, newest)) = self.newest.get_mut(series) else {
            return false;
        };
        let before = newest.filter(|_| *request == self.number);
        let is_behind = before.is_some_and(|before| before.time > new.time);
        if is_behind || self.all.is_some() {
            let all = self.all.get_or_insert_with(|| {
                let rows = batch.zones().flat_map(|(_, rows)| rows);
                rows.map(|row| (key(row), *row)).collect()
            });
            if all.insert(key(new), *new) == Some(*new) {
                return true;
            }
        } else if before == Some(*new) {
            return true;
        }
        if !is_behind {
            (*request, *newest) = (self.number, Some(*new));
        }
        false
    }
}

fn key(observation: &Observation) -> (u32, u8, i64) {
    let Observation {
        station,
        parameter,
        time,
        ..
    } = observation;
    (station.0, parameter.code(), time.millis())
}
