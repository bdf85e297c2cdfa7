//! The screen's memory as bytes, for snapshots: rows in the order of the registry, little-endian.

use super::rain::{RainHour, SLOTS};
use super::series::{Point, Seat};
use super::{Screen, Series};
use model::{City, Parameter, StationNo, Zone};

const FORMAT: u8 = 1;
const SERIES: u8 = 1;
const RAIN: u8 = 2;

/// Why a snapshot cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SnapshotError {
    /// Written by a newer version.
    #[error("screen snapshot has format {0}, newer than {FORMAT}: upgrade this node")]
    Newer(u8),
    /// Cut off or altered.
    #[error("screen snapshot is damaged at byte {0}: take the older one")]
    Damaged(usize),
}

impl Screen {
    /// The memory as bytes; equal screens give equal bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = vec![FORMAT];
        for (station, parameter, at) in self.registry.all() {
            let Some(series) = self
                .series
                .get(at)
                .filter(|series| series.newest.is_known())
            else {
                continue;
            };
            bytes.push(SERIES);
            bytes.extend_from_slice(&station.0.to_le_bytes());
            bytes.push(parameter.code());
            for point in [series.newest, series.good, series.still] {
                bytes.extend_from_slice(&point.time.to_le_bytes());
                bytes.extend_from_slice(&point.value.to_le_bytes());
            }
            bytes.extend_from_slice(&series.still_count.to_le_bytes());
            bytes.push(u8::from(series.is_told));
        }
        for (station, at) in self.registry.all_rain() {
            let Some(hour) = self.rain.get(at) else {
                continue;
            };
            bytes.push(RAIN);
            bytes.extend_from_slice(&station.0.to_le_bytes());
            bytes.extend_from_slice(&hour.slot.to_le_bytes());
            for sum in hour.sums {
                bytes.extend_from_slice(&sum.to_le_bytes());
            }
            bytes.push(u8::from(hour.is_told));
        }
        bytes
    }

    /// Reads what [`Screen::encode`] wrote; rows of series that are not registered are passed over.
    pub fn decode(city: &City, zone: Zone, bytes: &[u8]) -> Result<Self, SnapshotError> {
        let mut screen = Self::new(city, zone);
        let mut rows = Rows { bytes, at: 0 };
        match rows.byte()? {
            FORMAT => {}
            newer if newer > FORMAT => return Err(SnapshotError::Newer(newer)),
            _ => return Err(SnapshotError::Damaged(0)),
        }
        while rows.at < bytes.len() {
            let from = rows.at;
            match rows.byte()? {
                SERIES => screen.restore_series(&mut rows, from)?,
                RAIN => screen.restore_rain(&mut rows)?,
                _ => return Err(SnapshotError::Damaged(from)),
            }
        }
        Ok(screen)
    }

    fn restore_series(&mut self, rows: &mut Rows<'_>, from: usize) -> Result<(), SnapshotError> {
        let station = StationNo(u32::from_le_bytes(rows.take()?));
        let parameter = Parameter::from_code(rows.byte()?).ok_or(SnapshotError::Damaged(from))?;
        let series = Series {
            newest: rows.point()?,
            good: rows.point()?,
            still: rows.point()?,
            still_count: u16::from_le_bytes(rows.take()?),
            is_told: rows.byte()? != 0,
        };
        let seat = self.registry.seat(station);
        let place = seat.and_then(|seat| seat.series(parameter));
        if let Some(place) = place.and_then(|at| self.series.get_mut(at)) {
            *place = series;
        }
        Ok(())
    }

    fn restore_rain(&mut self, rows: &mut Rows<'_>) -> Result<(), SnapshotError> {
        let station = StationNo(u32::from_le_bytes(rows.take()?));
        let slot = i64::from_le_bytes(rows.take()?);
        let mut sums = [0; SLOTS];
        for sum in &mut sums {
            *sum = i32::from_le_bytes(rows.take()?);
        }
        let hour = RainHour {
            slot,
            sums,
            is_told: rows.byte()? != 0,
        };
        if let Some(at) = self.registry.seat(station).and_then(Seat::rain) {
            self.rain.set(at, &hour);
        }
        Ok(())
    }
}

struct Rows<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Rows<'_> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], SnapshotError> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let found = rest
            .first_chunk::<N>()
            .ok_or(SnapshotError::Damaged(self.at))?;
        self.at += N;
        Ok(*found)
    }

    fn byte(&mut self) -> Result<u8, SnapshotError> {
        self.take().map(|[byte]| byte)
    }

    fn point(&mut self) -> Result<Point, SnapshotError> {
        let time = i64::from_le_bytes(self.take()?);
        Ok(Point {
            time,
            value: i32::from_le_bytes(self.take()?),
        })
    }
}
