//! Apache Parquet, the little of it that a plain table needs: optional columns of text, integers,
//! doubles and instants, one page a column and row group, PLAIN values, zstd.
//!
//! Written from the format's own description (apache/parquet-format 2.x: `parquet.thrift`,
//! Encodings, and Thrift's compact protocol), so that what is exported stays the same byte for byte;
//! rolls of others are read by a crate (`dispatch::directory`).

use super::table::{Cell, Column, Kind};
use std::io::{self, Write};

/// Begins and ends every file.
const MAGIC: &[u8; 4] = b"PAR1";
/// zstd, as fast as makes a difference.
const ZSTD_LEVEL: i32 = 3;

// Codes of parquet.thrift.
const INT64: i64 = 2;
const DOUBLE: i64 = 5;
const BYTE_ARRAY: i64 = 6;
const UTF8: i64 = 0;
const TIMESTAMP_MILLIS: i64 = 9;
const OPTIONAL: i64 = 1;
const DATA_PAGE: i64 = 0;
const PLAIN: i64 = 0;
const RLE: i64 = 3;
const ZSTD: i64 = 6;

/// A file being written.
pub(in crate::command) struct File<W> {
    out: W,
    at: u64,
    columns: &'static [Column],
    groups: Vec<Group>,
}

struct Group {
    rows: usize,
    chunks: Vec<Chunk>,
}

struct Chunk {
    at: u64,
    plain_bytes: u64,
    stored_bytes: u64,
}

impl<W: Write> File<W> {
    /// Begins the file.
    pub(in crate::command) fn open(out: W, columns: &'static [Column]) -> io::Result<Self> {
        let mut file = Self {
            out,
            at: 0,
            columns,
            groups: Vec::new(),
        };
        file.put(MAGIC)?;
        Ok(file)
    }

    /// Writes rows, a cell for each column, as one row group.
    pub(in crate::command) fn group(&mut self, rows: &[Vec<Cell>]) -> io::Result<()> {
        let mut chunks = Vec::with_capacity(self.columns.len());
        for place in 0..self.columns.len() {
            let page = page(rows.iter().map(|row| row.get(place)));
            let stored = zstd::bulk::compress(&page, ZSTD_LEVEL)?;
            let mut header = Thrift::default();
            header.number(1, DATA_PAGE);
            header.number(2, page.len() as i64);
            header.number(3, stored.len() as i64);
            header.within(5, |data| {
                data.number(1, rows.len() as i64);
                data.number(2, PLAIN);
                data.number(3, RLE);
                data.number(4, RLE);
            });
            let header = header.end();
            chunks.push(Chunk {
                at: self.at,
                plain_bytes: (header.len() + page.len()) as u64,
                stored_bytes: (header.len() + stored.len()) as u64,
            });
            self.put(&header)?;
            self.put(&stored)?;
        }
        self.groups.push(Group {
            rows: rows.len(),
            chunks,
        });
        Ok(())
    }

    /// Writes the footer.
    pub(in crate::command) fn close(mut self) -> io::Result<()> {
        let footer = self.footer();
        let length = u32::try_from(footer.len())
            .map_err(|_| io::Error::new(io::ErrorKind::FileTooLarge, "too many row groups"))?;
        self.put(&footer)?;
        self.put(&length.to_le_bytes())?;
        self.put(MAGIC)?;
        self.out.flush()
    }

    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.at += bytes.len() as u64;
        self.out.write_all(bytes)
    }

    fn footer(&self) -> Vec<u8> {
        let rows: usize = self.groups.iter().map(|group| group.rows).sum();
        let mut file = Thrift::default();
        file.number(1, 1);
        file.structs(2, self.columns.len() + 1, |at, element| {
            let Some((name, kind)) = at.checked_sub(1).and_then(|at| self.columns.get(at)) else {
                element.text(4, "sanfang");
                element.number(5, self.columns.len() as i64);
                return;
            };
            element.number(1, physical(*kind));
            element.number(3, OPTIONAL);
            element.text(4, name);
            match kind {
                Kind::Text => element.number(6, UTF8),
                Kind::Time => element.number(6, TIMESTAMP_MILLIS),
                Kind::Integer | Kind::Decimal => {}
            }
        });
        file.long(3, rows as i64);
        file.structs(4, self.groups.len(), |at, group| {
            let Some(Group { rows, chunks }) = self.groups.get(at) else {
                return;
            };
            group.structs(1, chunks.len(), |place, chunk| {
                let (Some(found), Some((name, kind))) =
                    (chunks.get(place), self.columns.get(place))
                else {
                    return;
                };
                chunk.long(2, found.at as i64);
                chunk.within(3, |meta| {
                    meta.number(1, physical(*kind));
                    meta.numbers(2, &[PLAIN, RLE]);
                    meta.texts(3, &[*name]);
                    meta.number(4, ZSTD);
                    meta.long(5, *rows as i64);
                    meta.long(6, found.plain_bytes as i64);
                    meta.long(7, found.stored_bytes as i64);
                    meta.long(9, found.at as i64);
                });
            });
            let bytes: u64 = chunks.iter().map(|chunk| chunk.plain_bytes).sum();
            group.long(2, bytes as i64);
            group.long(3, *rows as i64);
        });
        file.text(6, concat!("sanfang ", env!("CARGO_PKG_VERSION")));
        file.end()
    }
}

const fn physical(kind: Kind) -> i64 {
    match kind {
        Kind::Text => BYTE_ARRAY,
        Kind::Integer | Kind::Time => INT64,
        Kind::Decimal => DOUBLE,
    }
}

/// A page: which cells hold something (runs of one bit), then those that do.
fn page<'a>(cells: impl Iterator<Item = Option<&'a Cell>>) -> Vec<u8> {
    let (mut levels, mut values) = (Vec::new(), Vec::new());
    let mut run: (bool, u64) = (false, 0);
    for cell in cells {
        let is_there = value(cell, &mut values);
        if is_there != run.0 && run.1 > 0 {
            end_run(run, &mut levels);
            run.1 = 0;
        }
        run = (is_there, run.1 + 1);
    }
    end_run(run, &mut levels);
    let mut page = Vec::with_capacity(4 + levels.len() + values.len());
    page.extend_from_slice(&(levels.len() as u32).to_le_bytes());
    page.extend_from_slice(&levels);
    page.extend_from_slice(&values);
    page
}

fn end_run((is_there, length): (bool, u64), levels: &mut Vec<u8>) {
    if length > 0 {
        varint(levels, length << 1);
        levels.push(u8::from(is_there));
    }
}

/// Appends a value; false where there is none.
fn value(cell: Option<&Cell>, values: &mut Vec<u8>) -> bool {
    match cell {
        Some(Cell::Text(text)) => {
            values.extend_from_slice(&(text.len() as u32).to_le_bytes());
            values.extend_from_slice(text.as_bytes());
        }
        Some(Cell::Integer(number)) => values.extend_from_slice(&number.to_le_bytes()),
        Some(Cell::Time(time)) => values.extend_from_slice(&time.millis().to_le_bytes()),
        Some(Cell::Decimal(text)) => match text.parse::<f64>() {
            Ok(number) => values.extend_from_slice(&number.to_le_bytes()),
            Err(_) => return false,
        },
        Some(Cell::Empty) | None => return false,
    }
    true
}

fn varint(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

// Types of the compact protocol.
const I32: u8 = 5;
const I64: u8 = 6;
const BINARY: u8 = 8;
const LIST: u8 = 9;
const STRUCT: u8 = 12;

/// One struct in Thrift's compact protocol; fields are given in rising order.
#[derive(Default)]
struct Thrift {
    bytes: Vec<u8>,
    last: u8,
}

impl Thrift {
    fn field(&mut self, id: u8, kind: u8) {
        self.bytes.push(((id - self.last) << 4) | kind);
        self.last = id;
    }

    fn zigzag(&mut self, number: i64) {
        varint(&mut self.bytes, ((number << 1) ^ (number >> 63)) as u64);
    }

    fn number(&mut self, id: u8, number: i64) {
        self.field(id, I32);
        self.zigzag(number);
    }

    fn long(&mut self, id: u8, number: i64) {
        self.field(id, I64);
        self.zigzag(number);
    }

    fn text(&mut self, id: u8, text: &str) {
        self.field(id, BINARY);
        self.binary(text);
    }

    fn binary(&mut self, text: &str) {
        varint(&mut self.bytes, text.len() as u64);
        self.bytes.extend_from_slice(text.as_bytes());
    }

    fn list(&mut self, id: u8, kind: u8, length: usize) {
        self.field(id, LIST);
        match u8::try_from(length) {
            Ok(length) if length < 15 => self.bytes.push((length << 4) | kind),
            Ok(_) | Err(_) => {
                self.bytes.push(0xF0 | kind);
                varint(&mut self.bytes, length as u64);
            }
        }
    }

    fn numbers(&mut self, id: u8, numbers: &[i64]) {
        self.list(id, I32, numbers.len());
        numbers.iter().for_each(|number| self.zigzag(*number));
    }

    fn texts(&mut self, id: u8, texts: &[&str]) {
        self.list(id, BINARY, texts.len());
        texts.iter().for_each(|text| self.binary(text));
    }

    fn within(&mut self, id: u8, fill: impl FnOnce(&mut Self)) {
        self.field(id, STRUCT);
        let mut inner = Self::default();
        fill(&mut inner);
        self.bytes.extend(inner.end());
    }

    fn structs(&mut self, id: u8, length: usize, mut fill: impl FnMut(usize, &mut Self)) {
        self.list(id, STRUCT, length);
        for at in 0..length {
            let mut inner = Self::default();
            fill(at, &mut inner);
            self.bytes.extend(inner.end());
        }
    }

    fn end(mut self) -> Vec<u8> {
        self.bytes.push(0);
        self.bytes
    }
}
