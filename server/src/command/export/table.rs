//! Rows into CSV or Parquet, in groups, so that memory does not grow with the table.

use super::parquet;
use crate::command::{Failure, print::read_on};
use clap::ValueEnum;
use model::{Offset, Time};
use std::io::{self, Write};
use std::path::Path;

/// Rows of one Parquet row group.
const GROUP_ROWS: usize = 65_536;

/// How a table is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// RFC 4180, UTF-8, a header line; times with the city's offset
    Csv,
    /// Apache Parquet, zstd; times as UTC milliseconds
    Parquet,
}

impl Format {
    /// The format a file's ending asks for.
    pub(super) fn of(path: &Path) -> Option<Self> {
        match path.extension()?.to_str()? {
            "csv" => Some(Self::Csv),
            "parquet" => Some(Self::Parquet),
            _ => None,
        }
    }
}

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::command) enum Kind {
    /// UTF-8.
    Text,
    /// Whole numbers.
    Integer,
    /// Decimal text in CSV, a double in Parquet.
    Decimal,
    /// An instant.
    Time,
}

/// A column.
pub(in crate::command) type Column = (&'static str, Kind);

/// One value; `None` where there is none.
#[derive(Clone, Debug)]
pub(in crate::command) enum Cell {
    /// For a text column.
    Text(String),
    /// For an integer column.
    Integer(i64),
    /// For a decimal column.
    Decimal(String),
    /// For a time column.
    Time(Time),
    /// Nothing.
    Empty,
}

/// A table being written.
pub(super) struct Table {
    offset: Offset,
    rows: u64,
    /// False once nobody reads any more.
    has_reader: bool,
    writer: Writer,
}

enum Writer {
    Csv(Box<csv::Writer<Box<dyn Write>>>),
    Parquet {
        file: parquet::File<Box<dyn Write>>,
        group: Vec<Vec<Cell>>,
    },
}

impl Table {
    /// Begins a table with its header.
    pub(super) fn open(
        format: Format,
        columns: &'static [Column],
        offset: Offset,
        out: Box<dyn Write>,
    ) -> Result<Self, Failure> {
        let writer = match format {
            Format::Csv => Writer::Csv(Box::new(csv::Writer::from_writer(out))),
            Format::Parquet => Writer::Parquet {
                file: parquet::File::open(out, columns).map_err(|e| failed(&e))?,
                group: Vec::new(),
            },
        };
        let mut table = Self {
            offset,
            rows: 0,
            has_reader: true,
            writer,
        };
        if let Writer::Csv(writer) = &mut table.writer {
            let names = columns.iter().map(|(name, _)| name);
            table.has_reader = csv_read_on(writer.write_record(names))?;
        }
        Ok(table)
    }

    /// Adds a row, a cell for each column. False where nobody reads any more.
    pub(super) fn row(&mut self, cells: Vec<Cell>) -> Result<bool, Failure> {
        if !self.has_reader {
            return Ok(false);
        }
        self.rows += 1;
        match &mut self.writer {
            Writer::Csv(writer) => {
                let offset = self.offset;
                let texts = cells.into_iter().map(|cell| text(cell, offset));
                self.has_reader = csv_read_on(writer.write_record(texts))?;
            }
            Writer::Parquet { file, group } => {
                group.push(cells);
                if group.len() >= GROUP_ROWS {
                    self.has_reader = read_on(file.group(group))?;
                    group.clear();
                }
            }
        }
        Ok(self.has_reader)
    }

    /// Ends the table; how many rows it has.
    pub(super) fn finish(self) -> Result<u64, Failure> {
        match self.writer {
            Writer::Csv(mut writer) => {
                read_on(writer.flush())?;
            }
            Writer::Parquet { mut file, group } => {
                if !group.is_empty() {
                    read_on(file.group(&group))?;
                }
                read_on(file.close())?;
            }
        }
        Ok(self.rows)
    }
}

fn text(cell: Cell, offset: Offset) -> String {
    match cell {
        Cell::Text(text) | Cell::Decimal(text) => text,
        Cell::Integer(number) => number.to_string(),
        Cell::Time(time) => time.display(offset),
        Cell::Empty => String::new(),
    }
}

fn csv_read_on(written: Result<(), csv::Error>) -> Result<bool, Failure> {
    match written.map_err(csv::Error::into_kind) {
        Ok(()) => Ok(true),
        Err(csv::ErrorKind::Io(error)) => read_on(Err(error)),
        Err(other) => Err(Failure::Failed(format!("CSV: {other:?}"))),
    }
}

fn failed(error: &io::Error) -> Failure {
    Failure::Failed(format!("output: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLUMNS: &[Column] = &[
        ("name", Kind::Text),
        ("count", Kind::Integer),
        ("depth", Kind::Decimal),
        ("time", Kind::Time),
    ];

    fn rows() -> Vec<Vec<Cell>> {
        let whole = vec![
            Cell::Text("雨,\"1\"".into()),
            Cell::Integer(-3),
            Cell::Decimal("0.27".into()),
            Cell::Time(Time::from_seconds(1_700_000_000)),
        ];
        vec![
            whole,
            vec![Cell::Empty, Cell::Empty, Cell::Empty, Cell::Empty],
        ]
    }

    fn written(format: Format, path: &Path) {
        let out = Box::new(std::fs::File::create(path).unwrap());
        let mut table = Table::open(format, COLUMNS, Offset(480), out).unwrap();
        for row in rows() {
            assert!(table.row(row).unwrap());
        }
        assert_eq!(table.finish().unwrap(), 2);
    }

    #[test]
    fn csv_quotes_and_keeps_the_offset() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("t.csv");
        written(Format::Csv, &path);
        let text = std::fs::read_to_string(path).unwrap();
        let wanted =
            "name,count,depth,time\n\"雨,\"\"1\"\"\",-3,0.27,2023-11-15T06:13:20+08:00\n,,,\n";
        assert_eq!(text, wanted);
    }

    /// The bytes as an independent reader (pyarrow) read them when this was written.
    #[test]
    fn parquet_is_what_others_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("t.parquet");
        written(Format::Parquet, &path);
        let bytes = std::fs::read(path).unwrap();
        assert_eq!(hex::encode(bytes), include_str!("golden.hex").trim());
    }
}
