//! Minute rows that came to rest, as records (semantics §31): each row is written once, not with
//! every snapshot, so that a snapshot stays small however long the windows are.
//!
//! A record, little-endian: format u8, kind u8, parameter u8, zero u8, columns u32, then by kind:
//! - *columns* (1): station u32, base i32 and interval u32 (seconds) of each; what the cells of
//!   later rows mean. A value is its cell added to the base.
//! - *rows* (2): first minute since 1970 i64, then cells u16 by minute and column; 65535 is missing.
//! - *changes* (3): minute i64, column u32 and cell u16 of each cell that changed in an older row.

use super::block::Block;
use super::matrix::NOT_SEALED;
use super::{MINUTE_MS, SLACK_MINUTES};
use crate::reader::{Reader, put_u16s};
use model::{Parameter, StationNo, Time};

/// Format of sealed records written by this version.
pub(crate) const FORMAT: u8 = 1;

const COLUMNS: u8 = 1;
const ROWS: u8 = 2;
const CHANGES: u8 = 3;

/// A row is sealed once so many newer ones have come: nearly all corrections are in by then.
const AFTER: i64 = SLACK_MINUTES;
/// Bytes of cells in one record at most, unless a single row has more.
const RECORD_BYTES: usize = 1 << 20;
const MINUTES_PER_DAY: i64 = 24 * 60;

/// Takes one record and the newest time it speaks of.
pub(crate) type Keep<'a> = &'a mut dyn FnMut(Time, &[u8]);

impl Block {
    /// Forgets what was sealed: the next sealing begins with the oldest row.
    pub(crate) const fn unseal_all(&mut self) {
        self.matrix.set_sealed(NOT_SEALED);
    }

    /// True where nothing is sealed though there are rows.
    pub(crate) const fn is_open(&self) -> bool {
        !self.matrix.is_empty() && self.matrix.sealed() == NOT_SEALED
    }

    /// Hands out what came to rest since the last call. `stations` are those of the columns.
    pub(crate) fn seal(&mut self, stations: &[StationNo], keep: Keep<'_>) {
        if self.matrix.is_empty() {
            return;
        }
        let (sealed, until) = (self.matrix.sealed(), self.matrix.newest() - AFTER);
        let changed = self.matrix.take_changed();
        let mut bytes = Vec::new();
        if let Some((newest, _)) = changed.iter().max() {
            self.head(CHANGES, &mut bytes);
            for (minute, column) in &changed {
                bytes.extend_from_slice(&minute.to_le_bytes());
                bytes.extend_from_slice(&column.to_le_bytes());
                let cell = self.matrix.get(*minute, *column as usize);
                bytes.extend_from_slice(&cell.to_le_bytes());
            }
            keep(Time::from_millis(newest * MINUTE_MS), &bytes);
        }
        if until <= sealed {
            return;
        }
        let is_new_day = until.div_euclid(MINUTES_PER_DAY) != sealed.div_euclid(MINUTES_PER_DAY);
        if is_new_day || !self.is_described {
            self.is_described = true;
            self.describe(stations, &mut bytes);
            keep(Time::from_millis(until * MINUTE_MS), &bytes);
        }
        let at_once = (RECORD_BYTES / (self.width().max(1) * 2)).max(1) as i64;
        let mut from = self.matrix.first_open();
        while from <= until {
            let last = until.min(from + at_once - 1);
            self.head(ROWS, &mut bytes);
            bytes.extend_from_slice(&from.to_le_bytes());
            for minute in from..=last {
                put_u16s(&mut bytes, self.matrix.row(minute));
            }
            keep(Time::from_millis(last * MINUTE_MS), &bytes);
            from = last + 1;
        }
        self.seal_until(until);
    }

    fn head(&self, kind: u8, bytes: &mut Vec<u8>) {
        bytes.clear();
        bytes.extend_from_slice(&[FORMAT, kind, self.parameter().code(), 0]);
        bytes.extend_from_slice(&(self.width() as u32).to_le_bytes());
    }

    fn describe(&self, stations: &[StationNo], bytes: &mut Vec<u8>) {
        self.head(COLUMNS, bytes);
        for (series, station) in self.series.iter().zip(stations) {
            bytes.extend_from_slice(&station.0.to_le_bytes());
            bytes.extend_from_slice(&series.base.to_le_bytes());
            bytes.extend_from_slice(&series.interval_s.to_le_bytes());
        }
    }

    /// Takes back what [`Block::seal`] handed out: records in their order, into a block that was
    /// decoded from the snapshot they belong to. `None` where they are damaged or of other columns.
    pub(crate) fn unseal(&mut self, stations: &[StationNo], record: &Sealed<'_>) -> Option<()> {
        if record.columns != self.width() {
            return None;
        }
        let mut bytes = Reader { rest: record.body };
        match record.kind {
            COLUMNS => {
                for station in stations {
                    let same = bytes.u32()? == station.0;
                    bytes.take(8).filter(|_| same)?;
                }
            }
            ROWS => {
                let mut minute = bytes.i64()?;
                let sealed = self.matrix.sealed();
                while !bytes.rest.is_empty() {
                    let row = bytes.take(record.columns.checked_mul(2)?)?;
                    if minute <= sealed && !self.matrix.row(minute).is_empty() {
                        Reader { rest: row }.u16s_into(self.matrix.row_mut(minute))?;
                    }
                    minute = minute.checked_add(1)?;
                }
            }
            CHANGES => {
                while !bytes.rest.is_empty() {
                    let (minute, column) = (bytes.i64()?, bytes.u32()? as usize);
                    let cell = bytes.u16()?;
                    if minute <= self.matrix.sealed()
                        && let Some(place) = self.matrix.row_mut(minute).get_mut(column)
                    {
                        *place = cell;
                    }
                }
            }
            _ => return None,
        }
        bytes.rest.is_empty().then_some(())
    }
}

/// A record taken apart.
pub(crate) struct Sealed<'a> {
    kind: u8,
    pub(crate) parameter: Parameter,
    columns: usize,
    body: &'a [u8],
}

impl<'a> Sealed<'a> {
    /// `None` where it is no such record.
    pub(crate) fn read(record: &'a [u8]) -> Option<Self> {
        let mut bytes = Reader { rest: record };
        if bytes.u8()? != FORMAT {
            return None;
        }
        let kind = bytes.u8()?;
        let parameter = Parameter::from_code(bytes.u8()?)?;
        bytes.u8()?;
        Some(Self {
            kind,
            parameter,
            columns: bytes.u32()? as usize,
            body: bytes.rest,
        })
    }
}
