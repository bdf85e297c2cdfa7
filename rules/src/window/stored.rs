//! A block as bytes, for snapshots: cells as they stand in memory, so that storing and reading
//! back is copying.
//!
//! Layout, little-endian: columns u32, rows u32 (0 where no minute has come), newest minute i64;
//! then each series: newest i64, newest standing i64, its value i32, base i32, interval u32,
//! cover u32 ms, seat u8 (0 none, 1 shared, 2 own), where own its newest minute i64 and its cells
//! u16 by minute; slots (sum i64, count i32, covered i32); lines (times, squares, products i64); extremes
//! of stretches (largest and smallest cell u16); count of sparse readings u32 and each
//! as time i64, value i32, interval u32, suspect u8; count of days u32 and each as number i32, sum i64,
//! count u32, covered u32 s, largest i32, smallest i32; then the newest sealed minute i64 and the
//! cells u16 of each shared row after it, by minute and column. Sealed rows are records of their
//! own (`sealed.rs`).

use super::block::Block;
use super::days::Day;
use super::line::Line;
use super::matrix::Matrix;
use super::peaks::Peak;
use super::row::Row;
use super::series::{Seat, Series, Slot};
use super::sparse::{Kept, Sparse};
use super::{Entry, MINUTE_MS, Plan};
use crate::reader::{Reader, put_u16s};
use model::Parameter;

impl Block {
    /// Appends all of it.
    pub(crate) fn encode(&self, bytes: &mut Vec<u8>) {
        bytes.extend_from_slice(&(self.series.len() as u32).to_le_bytes());
        bytes.extend_from_slice(&(self.matrix.rows() as u32).to_le_bytes());
        bytes.extend_from_slice(&self.matrix.newest().to_le_bytes());
        let width = self.plan.lengths.len();
        for (column, series) in self.series.iter().enumerate() {
            encode_series(series, bytes);
            let slots = self.slots.get(column * width..(column + 1) * width);
            for slot in slots.unwrap_or_default() {
                bytes.extend_from_slice(&slot.sum.to_le_bytes());
                bytes.extend_from_slice(&slot.count.to_le_bytes());
                bytes.extend_from_slice(&slot.covered_s.to_le_bytes());
            }
            self.encode_lines(column, bytes);
            encode_sparse(series, bytes);
            let days = self.plan.days_kept();
            let days = self.days.get(column * days..(column + 1) * days);
            encode_days(days.unwrap_or_default(), bytes);
        }
        bytes.extend_from_slice(&self.matrix.sealed().to_le_bytes());
        for minute in self.matrix.first_open()..=self.matrix.newest() {
            put_u16s(bytes, self.matrix.row(minute));
        }
    }

    /// Reads what [`Block::encode`] wrote for the same plan; `None` where the bytes are not that.
    pub(crate) fn decode(
        plan: &Plan,
        parameter: Parameter,
        bytes: &mut Reader<'_>,
    ) -> Option<Self> {
        let mut block = Self::new(plan.clone(), parameter);
        let columns = bytes.u32()? as usize;
        let rows = bytes.u32()? as usize;
        let newest = bytes.i64()?;
        if rows != 0 && rows != plan.shared_minutes() || out_of_time(newest) {
            return None;
        }
        for _ in 0..columns {
            let mut series = decode_series(plan, bytes)?;
            for _ in 0..plan.lengths.len() {
                block.slots.push(Slot {
                    sum: bytes.i64()?,
                    count: bytes.i32()?,
                    covered_s: bytes.i32()?,
                });
            }
            block.decode_lines(bytes)?;
            series.sparse = decode_sparse(plan, series.newest, bytes)?;
            decode_days(plan, &mut block.days, bytes)?;
            if series.seat == Seat::Column {
                if rows == 0 || series.newest_minute < newest.checked_sub(super::SHARED_LAG)? {
                    return None;
                }
                block.laggard = block.laggard.min(series.newest_minute);
            }
            block.series.push(series);
        }
        let sealed = bytes.i64()?;
        if rows != 0 {
            // Memory is asked for only where the bytes for the open rows are there.
            let open = newest.checked_sub(sealed).unwrap_or(i64::MAX);
            let open = open.clamp(0, rows as i64) as usize;
            if bytes.rest.len() < open.checked_mul(columns.checked_mul(2)?)? {
                return None;
            }
            block.matrix = Matrix::new(rows, columns, newest);
            block.matrix.set_sealed(sealed);
            for minute in block.matrix.first_open()..=newest {
                bytes.u16s_into(block.matrix.row_mut(minute))?;
            }
        }
        Some(block)
    }

    fn encode_lines(&self, column: usize, bytes: &mut Vec<u8>) {
        let width = self.plan.lines.len();
        let lines = self.lines.get(column * width..(column + 1) * width);
        for line in lines.unwrap_or_default() {
            for sum in [line.times, line.squares, line.products] {
                bytes.extend_from_slice(&sum.to_le_bytes());
            }
        }
        let width = self.plan.peaks_kept();
        let peaks = self.peaks.get(column * width..(column + 1) * width);
        for peak in peaks.unwrap_or_default() {
            put_u16s(bytes, &[peak.max, peak.min]);
        }
    }

    fn decode_lines(&mut self, bytes: &mut Reader<'_>) -> Option<()> {
        for _ in 0..self.plan.lines.len() {
            self.lines.push(Line {
                times: bytes.i64()?,
                squares: bytes.i64()?,
                products: bytes.i64()?,
            });
        }
        for _ in 0..self.plan.peaks_kept() {
            self.peaks.push(Peak {
                max: bytes.u16()?,
                min: bytes.u16()?,
            });
        }
        Some(())
    }
}

/// Times beyond this are none that anything measured: ten thousand years from the epoch.
const TIME_MAX: i64 = 10_000 * 366 * 86_400_000;

fn out_of_time(time: i64) -> bool {
    time.checked_abs().is_none_or(|time| time > TIME_MAX)
}

fn encode_series(series: &Series, bytes: &mut Vec<u8>) {
    bytes.extend_from_slice(&series.newest.to_le_bytes());
    bytes.extend_from_slice(&series.last_time.to_le_bytes());
    bytes.extend_from_slice(&series.last.to_le_bytes());
    bytes.extend_from_slice(&series.base.to_le_bytes());
    bytes.extend_from_slice(&series.interval_s.to_le_bytes());
    bytes.extend_from_slice(&series.cover_ms.to_le_bytes());
    bytes.push(match series.seat {
        Seat::None => 0,
        Seat::Column => 1,
        Seat::Own => 2,
    });
    if let Some(row) = &series.own {
        bytes.extend_from_slice(&row.newest().to_le_bytes());
        let (_, straight, wrapped) = row.runs(row.oldest(), row.newest());
        put_u16s(bytes, straight);
        put_u16s(bytes, wrapped);
    }
}

fn decode_series(plan: &Plan, bytes: &mut Reader<'_>) -> Option<Series> {
    let newest = bytes.i64()?;
    let mut series = Series::new(0);
    (series.newest, series.last_time) = (newest, bytes.i64()?);
    (series.last, series.base) = (bytes.i32()?, bytes.i32()?);
    (series.interval_s, series.cover_ms) = (bytes.u32()?, bytes.u32()?);
    let seat = bytes.u8()?;
    if series.last_time != i64::MIN && out_of_time(series.last_time) {
        return None;
    }
    if newest != i64::MIN {
        if out_of_time(newest) {
            return None;
        }
        series.newest_minute = newest.div_euclid(MINUTE_MS);
    }
    series.seat = match seat {
        0 => Seat::None,
        1 if newest != i64::MIN => Seat::Column,
        2 if newest != i64::MIN => {
            let last = bytes.i64()?;
            if out_of_time(last) {
                return None;
            }
            let cells = bytes.u16s(plan.row_minutes())?;
            series.own = Some(Box::new(Row::of(cells, last)));
            Seat::Own
        }
        _ => return None,
    };
    Some(series)
}

fn encode_days(days: &[Day], bytes: &mut Vec<u8>) {
    let known = days.iter().filter(|day| **day != Day::NEVER);
    bytes.extend_from_slice(&(known.clone().count() as u32).to_le_bytes());
    for day in known {
        bytes.extend_from_slice(&day.number.to_le_bytes());
        bytes.extend_from_slice(&day.sum.to_le_bytes());
        bytes.extend_from_slice(&day.count.to_le_bytes());
        bytes.extend_from_slice(&day.covered_s.to_le_bytes());
        bytes.extend_from_slice(&day.max.to_le_bytes());
        bytes.extend_from_slice(&day.min.to_le_bytes());
    }
}

/// Reads the days of one series and appends them to those of the others.
fn decode_days(plan: &Plan, days: &mut Vec<Day>, bytes: &mut Reader<'_>) -> Option<()> {
    let start = days.len();
    days.resize(start + plan.days_kept(), Day::NEVER);
    for _ in 0..bytes.u32()? {
        let read = Day {
            number: bytes.i32()?,
            sum: bytes.i64()?,
            count: bytes.u32()?,
            covered_s: bytes.u32()?,
            max: bytes.i32()?,
            min: bytes.i32()?,
        };
        let own = days.get_mut(start..)?;
        *plan.days?.open(own, read.number)? = read;
    }
    Some(())
}

fn encode_sparse(series: &Series, bytes: &mut Vec<u8>) {
    let readings = series.sparse.iter().flat_map(|sparse| sparse.all());
    let at = bytes.len();
    bytes.extend_from_slice(&[0; 4]);
    let mut count = 0u32;
    for entry in readings {
        bytes.extend_from_slice(&entry.time.to_le_bytes());
        bytes.extend_from_slice(&entry.value.to_le_bytes());
        bytes.extend_from_slice(&entry.interval_s.to_le_bytes());
        bytes.push(u8::from(entry.suspect));
        count += 1;
    }
    if let Some(place) = bytes.get_mut(at..at + 4) {
        place.copy_from_slice(&count.to_le_bytes());
    }
}

fn decode_sparse(plan: &Plan, newest: i64, bytes: &mut Reader<'_>) -> Option<Option<Box<Sparse>>> {
    let count = bytes.u32()?;
    if count == 0 {
        return Some(None);
    }
    let mut sparse = Sparse::new(newest.checked_sub(plan.kept_ms())?);
    for _ in 0..count {
        let entry = Entry {
            time: bytes.i64()?,
            value: bytes.i32()?,
            interval_s: bytes.u32()?,
            suspect: bytes.u8()? != 0,
        };
        if out_of_time(entry.time) {
            return None;
        }
        match sparse.insert(entry) {
            // What lies too far back is in no window any more.
            Kept::Yes | Kept::No => {}
            Kept::Instead(_) => return None,
        }
    }
    Some(Some(Box::new(sparse)))
}
