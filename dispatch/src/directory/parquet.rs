//! `subscribers.parquet`: the same columns as `subscribers.csv`, read some thousand rows at a time.
//! A thread unpacks the next ones and looks up where people live while these are numbered and put in.
//!
//! Texts are BYTE_ARRAY; `lon` and `lat` may be DOUBLE or FLOAT, `phone` and `id` INT64. Compressed
//! with Snappy or zstd, or not at all. Other columns are passed over.

use super::columns::People;
use super::joining::subscriber_key;
use super::subscribers::{Given, Home, Homes, Number, OPTIONAL, Position, REQUIRED, Taking};
use model::fault::Place;
use parquet::basic::Type;
use parquet::column::reader::{ColumnReader, ColumnReaderImpl, get_column_reader};
use parquet::data_type::{ByteArray, ByteArrayType, DataType, DoubleType, FloatType, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::reader::{ChunkReader, FileReader, RowGroupReader, SerializedFileReader};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

pub(super) const FILE: &str = "subscribers.parquet";

/// Rows read at once.
const BATCH: usize = 4_096;

/// Batches unpacked ahead.
const AHEAD: usize = 4;

/// A file that was opened.
pub struct Opened(Box<dyn FileReader>);

/// Why a file is no roll.
#[derive(Debug, thiserror::Error)]
enum Unusable {
    #[error("{0}")]
    File(#[from] ParquetError),
    #[error("column {0}: it is missing")]
    Missing(&'static str),
    #[error("column {0}: it holds lists or records")]
    Nested(&'static str),
    #[error("column {name}: {found} where {wanted} is read")]
    Type {
        name: &'static str,
        found: Type,
        wanted: &'static str,
    },
    #[error("column {0}: it has fewer rows than the file says")]
    Short(&'static str),
}

impl Opened {
    /// Opens a file by what stands at its end.
    ///
    /// # Errors
    /// It is no Parquet file.
    pub fn new(file: impl ChunkReader + 'static) -> Result<Self, String> {
        let reader = SerializedFileReader::new(file).map_err(|error| error.to_string())?;
        Ok(Self(Box::new(reader)))
    }

    /// How many rows it says it has.
    pub(super) fn rows(&self) -> usize {
        let groups = self.0.metadata().row_groups().iter();
        // A row takes a byte at least: what a damaged file says is not believed further.
        let of = |rows: i64, bytes: i64| rows.min(bytes).max(0) as u64;
        let rows: u64 = groups
            .map(|group| of(group.num_rows(), group.total_byte_size()))
            .fold(0, u64::saturating_add);
        usize::try_from(rows.min(ROWS_HINT_MAX)).unwrap_or(0)
    }
}

/// Rows for which room is made beforehand, at most: a directory's numbers end there.
const ROWS_HINT_MAX: u64 = 1 << 26;

/// Reads the file; rows with an error are reported and left out. A file that breaks off is refused
/// as a whole: who stands behind the break would be missing without a word.
pub(super) fn read(
    file: &Opened,
    mut taking: Taking<'_>,
    watch: &mut dyn FnMut(u64),
) -> Option<People> {
    taking.reserve(file.rows());
    match groups(file, &mut taking, watch) {
        Ok(()) => Some(taking.finish()),
        Err(error) => {
            let remedy = "write the file again, with the columns that docs/recipients.md names";
            let place = Place::file(FILE);
            taking.faults.error(place, "", error.to_string(), remedy);
            None
        }
    }
}

fn groups(
    file: &Opened,
    taking: &mut Taking<'_>,
    watch: &mut dyn FnMut(u64),
) -> Result<(), Unusable> {
    let (sender, batches) = sync_channel(AHEAD);
    let mut homes = taking.lend();
    let (homes, taken) = std::thread::scope(|scope| {
        let unpacking = scope.spawn(move || {
            if let Err(error) = unpack(file, &mut homes, &sender) {
                // Nobody listens where no more rows are taken.
                let _ = sender.send(Err(error));
            }
            homes
        });
        let taken = take(batches, taking, watch);
        (unpacking.join(), taken)
    });
    match homes {
        Ok(homes) => taking.give_back(homes),
        Err(panicked) => std::panic::resume_unwind(panicked),
    }
    taken
}

fn take(
    batches: Receiver<Result<Batch, Unusable>>,
    taking: &mut Taking<'_>,
    watch: &mut dyn FnMut(u64),
) -> Result<(), Unusable> {
    let mut line = 0;
    for batch in batches {
        let mut batch = batch?;
        for key in std::mem::take(&mut batch.keys) {
            line += 1;
            if !taking.take(Place::line(FILE, line), key, &batch.next(), watch) {
                return Ok(());
            }
        }
    }
    Ok(())
}

/// Gives the file's rows, batch by batch, for as long as somebody takes them.
fn unpack(
    file: &Opened,
    homes: &mut Homes<'_>,
    to: &SyncSender<Result<Batch, Unusable>>,
) -> Result<(), Unusable> {
    for group in 0..file.0.num_row_groups() {
        let group = file.0.get_row_group(group)?;
        let mut columns = Columns::open(&*group)?;
        let mut left = usize::try_from(group.metadata().num_rows()).unwrap_or(0);
        while left > 0 {
            let some = left.min(BATCH);
            if to.send(Ok(columns.batch(some, homes)?)).is_err() {
                return Ok(());
            }
            left -= some;
        }
    }
    Ok(())
}

/// What each column of a roll is held in.
struct Of<T> {
    id: T,
    lon: T,
    lat: T,
    phone: T,
    language: T,
    audience: T,
    email: Option<T>,
    push: Option<T>,
    area: Option<T>,
}

/// The columns of a row group.
struct Columns(Of<Column>);

/// One of them.
struct Column {
    name: &'static str,
    reader: Reader,
    is_optional: bool,
}

enum Reader {
    Text(ColumnReaderImpl<ByteArrayType>),
    Whole(ColumnReaderImpl<Int64Type>),
    Double(ColumnReaderImpl<DoubleType>),
    Float(ColumnReaderImpl<FloatType>),
}

/// Some rows.
struct Batch {
    cells: Of<Cells>,
    /// Hashes of their ids.
    keys: Vec<u64>,
    /// Where they live, the last row first.
    homes: Vec<Option<Home>>,
    /// An id that is a number, in digits.
    digits: String,
}

/// Some rows of a column, and the one that is next.
struct Cells {
    values: Values,
    /// 1 where a row has a value; empty where each has.
    present: Vec<i16>,
    is_optional: bool,
    row: usize,
    value: usize,
}

enum Values {
    Text(Vec<ByteArray>),
    Whole(Vec<i64>),
    Double(Vec<f64>),
    Float(Vec<f32>),
}

/// What a row has in a column.
enum Cell<'a> {
    Nothing,
    Text(&'a ByteArray),
    Whole(i64),
    Number(f64),
}

impl Columns {
    fn open(group: &dyn RowGroupReader) -> Result<Self, Unusable> {
        let text = "text";
        let degrees = "a number or text";
        let digits = "text or INT64";
        let [id, lon, lat, phone, language, audience] = REQUIRED;
        let [email, push, area] = OPTIONAL;
        let needed = |name, types: &[Type], wanted| {
            let found = Column::open(group, name, types, wanted)?;
            found.ok_or(Unusable::Missing(name))
        };
        let texts = [Type::BYTE_ARRAY];
        let numbers = [Type::BYTE_ARRAY, Type::DOUBLE, Type::FLOAT];
        let whole = [Type::BYTE_ARRAY, Type::INT64];
        Ok(Self(Of {
            id: needed(id, &whole, digits)?,
            lon: needed(lon, &numbers, degrees)?,
            lat: needed(lat, &numbers, degrees)?,
            phone: needed(phone, &whole, digits)?,
            language: needed(language, &texts, text)?,
            audience: needed(audience, &texts, text)?,
            email: Column::open(group, email, &texts, text)?,
            push: Column::open(group, push, &texts, text)?,
            area: Column::open(group, area, &texts, text)?,
        }))
    }

    /// The next rows of each.
    fn batch(&mut self, rows: usize, homes: &mut Homes<'_>) -> Result<Batch, Unusable> {
        let of = &mut self.0;
        let optional = |column: &mut Option<Column>| {
            let column = column.as_mut();
            column.map(|column| column.cells(rows)).transpose()
        };
        let (email, push, area) = (
            optional(&mut of.email)?,
            optional(&mut of.push)?,
            optional(&mut of.area)?,
        );
        let cells = Of {
            id: of.id.cells(rows)?,
            lon: of.lon.cells(rows)?,
            lat: of.lat.cells(rows)?,
            phone: of.phone.cells(rows)?,
            language: of.language.cells(rows)?,
            audience: of.audience.cells(rows)?,
            email,
            push,
            area,
        };
        let mut batch = Batch {
            cells,
            keys: Vec::with_capacity(rows),
            homes: Vec::with_capacity(rows),
            digits: String::new(),
        };
        for _ in 0..rows {
            let key = subscriber_key(id_of(&mut batch.cells.id, &mut batch.digits));
            batch.keys.push(key);
        }
        let of = &mut batch.cells;
        of.id.begin_again();
        for _ in 0..rows {
            let degrees = (of.lon.next().number(), of.lat.next().number());
            let home = match degrees {
                (Some(lon), Some(lat)) => homes.of(lon, lat),
                // Those that stand there as text are looked up with the rest of it.
                (None, _) | (_, None) => None,
            };
            batch.homes.push(home);
        }
        batch.homes.reverse();
        of.lon.begin_again();
        of.lat.begin_again();
        Ok(batch)
    }
}

impl Batch {
    /// The next row.
    fn next(&mut self) -> Given<'_> {
        let of = &mut self.cells;
        let position = match (of.lon.next(), of.lat.next()) {
            (Cell::Text(lon), Cell::Text(lat)) => Position::Text(text_of(lon), text_of(lat)),
            (Cell::Text(lon), Cell::Nothing) => Position::Text(text_of(lon), ""),
            (Cell::Nothing, Cell::Text(lat)) => Position::Text("", text_of(lat)),
            (lon, lat) => Position::Degrees(lon.number(), lat.number()),
        };
        let phone = match of.phone.next() {
            Cell::Text(text) => Number::Text(text_of(text)),
            // Below nought is no number.
            Cell::Whole(digits) => Number::Digits(u64::try_from(digits).unwrap_or(1)),
            Cell::Nothing | Cell::Number(_) => Number::Digits(0),
        };
        Given {
            id: id_of(&mut of.id, &mut self.digits),
            position,
            phone,
            language: of.language.next().text(),
            audience: of.audience.next().text(),
            email: optional(&mut of.email),
            push: optional(&mut of.push),
            area: optional(&mut of.area),
            home: self.homes.pop().flatten(),
        }
    }
}

/// The next id; a number in digits.
fn id_of<'a>(ids: &'a mut Cells, digits: &'a mut String) -> &'a str {
    match ids.next() {
        Cell::Text(text) => text_of(text),
        Cell::Whole(number) => {
            digits.clear();
            digits.push_str(itoa::Buffer::new().format(number));
            digits
        }
        Cell::Nothing | Cell::Number(_) => "",
    }
}

/// The text of a column that may be missing.
fn optional(column: &mut Option<Cells>) -> &str {
    column.as_mut().map_or("", |column| column.next().text())
}

impl Column {
    fn open(
        group: &dyn RowGroupReader,
        name: &'static str,
        types: &[Type],
        wanted: &'static str,
    ) -> Result<Option<Self>, Unusable> {
        let schema = group.metadata().schema_descr();
        let is_named = |at: &usize| {
            let parts = schema.column(*at);
            parts.path().parts().first().map(String::as_str) == Some(name)
        };
        let Some(at) = (0..schema.num_columns()).find(is_named) else {
            return Ok(None);
        };
        let column = schema.column(at);
        if column.path().parts().len() > 1 || column.max_rep_level() > 0 {
            return Err(Unusable::Nested(name));
        }
        let found = column.physical_type();
        let other = Unusable::Type {
            name,
            found,
            wanted,
        };
        if !types.contains(&found) {
            return Err(other);
        }
        let reader = match get_column_reader(column.clone(), group.get_column_page_reader(at)?) {
            ColumnReader::ByteArrayColumnReader(reader) => Reader::Text(reader),
            ColumnReader::Int64ColumnReader(reader) => Reader::Whole(reader),
            ColumnReader::DoubleColumnReader(reader) => Reader::Double(reader),
            ColumnReader::FloatColumnReader(reader) => Reader::Float(reader),
            ColumnReader::BoolColumnReader(_)
            | ColumnReader::Int32ColumnReader(_)
            | ColumnReader::Int96ColumnReader(_)
            | ColumnReader::FixedLenByteArrayColumnReader(_) => return Err(other),
        };
        Ok(Some(Self {
            name,
            reader,
            is_optional: column.max_def_level() > 0,
        }))
    }

    /// The next rows of it.
    fn cells(&mut self, rows: usize) -> Result<Cells, Unusable> {
        let mut present = Vec::new();
        let known = self.is_optional.then_some(&mut present);
        let (values, read) = match &mut self.reader {
            Reader::Text(some) => {
                let (values, read) = some_of(some, rows, known)?;
                (Values::Text(values), read)
            }
            Reader::Whole(some) => {
                let (values, read) = some_of(some, rows, known)?;
                (Values::Whole(values), read)
            }
            Reader::Double(some) => {
                let (values, read) = some_of(some, rows, known)?;
                (Values::Double(values), read)
            }
            Reader::Float(some) => {
                let (values, read) = some_of(some, rows, known)?;
                (Values::Float(values), read)
            }
        };
        if read < rows {
            return Err(Unusable::Short(self.name));
        }
        Ok(Cells {
            values,
            present,
            is_optional: self.is_optional,
            row: 0,
            value: 0,
        })
    }
}

/// Values of the next rows, and how many rows there were.
fn some_of<T: DataType>(
    reader: &mut ColumnReaderImpl<T>,
    rows: usize,
    present: Option<&mut Vec<i16>>,
) -> Result<(Vec<T::T>, usize), ParquetError> {
    let mut values = Vec::with_capacity(rows);
    let (records, ..) = reader.read_records(rows, present, None, &mut values)?;
    Ok((values, records))
}

impl Cells {
    const fn begin_again(&mut self) {
        (self.row, self.value) = (0, 0);
    }

    fn next(&mut self) -> Cell<'_> {
        let present = !self.is_optional || self.present.get(self.row) == Some(&1);
        self.row += 1;
        if !present {
            return Cell::Nothing;
        }
        let at = self.value;
        self.value += 1;
        let found = match &self.values {
            Values::Text(some) => some.get(at).map(Cell::Text),
            Values::Whole(some) => some.get(at).map(|value| Cell::Whole(*value)),
            Values::Double(some) => some.get(at).map(|value| Cell::Number(*value)),
            Values::Float(some) => some.get(at).map(|value| Cell::Number(f64::from(*value))),
        };
        found.unwrap_or(Cell::Nothing)
    }
}

impl<'a> Cell<'a> {
    fn text(&self) -> &'a str {
        match self {
            Cell::Text(text) => text_of(text),
            Cell::Nothing | Cell::Whole(_) | Cell::Number(_) => "",
        }
    }

    fn number(&self) -> Option<f64> {
        match self {
            Cell::Number(number) => Some(*number),
            Cell::Nothing | Cell::Text(_) | Cell::Whole(_) => None,
        }
    }
}

/// What is not UTF-8 is no text, as if nothing stood there.
fn text_of(bytes: &ByteArray) -> &str {
    bytes.as_utf8().map_or("", str::trim)
}
