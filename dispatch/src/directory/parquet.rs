//! `subscribers.parquet`: the same columns as `subscribers.csv`, read some thousand rows at a time.
//!
//! Texts are BYTE_ARRAY; `lon` and `lat` may be DOUBLE or FLOAT, `phone` and `id` INT64. Compressed
//! with Snappy or zstd, or not at all. Other columns are passed over.

use super::columns::People;
use super::subscribers::{Given, Number, OPTIONAL, Position, REQUIRED, Taking};
use model::fault::Place;
use parquet::basic::Type;
use parquet::column::reader::{ColumnReader, ColumnReaderImpl, get_column_reader};
use parquet::data_type::{ByteArray, ByteArrayType, DataType, DoubleType, FloatType, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::reader::{ChunkReader, FileReader, RowGroupReader, SerializedFileReader};

pub(super) const FILE: &str = "subscribers.parquet";

/// Rows read at once.
const BATCH: usize = 4_096;

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
    let mut row = 0;
    for group in 0..file.0.num_row_groups() {
        let group = file.0.get_row_group(group)?;
        let mut columns = Columns::open(&*group)?;
        let mut left = usize::try_from(group.metadata().num_rows()).unwrap_or(0);
        while left > 0 {
            let some = left.min(BATCH);
            columns.fill(some)?;
            for _ in 0..some {
                row += 1;
                let given = columns.next();
                if !taking.take(Place::line(FILE, row), &given, watch) {
                    return Ok(());
                }
            }
            left -= some;
        }
    }
    Ok(())
}

/// The columns of a row group.
struct Columns {
    id: Column,
    lon: Column,
    lat: Column,
    phone: Column,
    language: Column,
    audience: Column,
    email: Option<Column>,
    push: Option<Column>,
    area: Option<Column>,
    /// An id that is a number, in digits.
    digits: String,
}

/// One column: some rows of it, and the one that is next.
struct Column {
    name: &'static str,
    values: Values,
    /// 1 where a row has a value; empty where each has.
    present: Vec<i16>,
    is_optional: bool,
    row: usize,
    value: usize,
}

enum Values {
    Text(Part<ByteArrayType>),
    Whole(Part<Int64Type>),
    Double(Part<DoubleType>),
    Float(Part<FloatType>),
}

struct Part<T: DataType> {
    reader: ColumnReaderImpl<T>,
    values: Vec<T::T>,
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
        Ok(Self {
            id: needed(id, &whole, digits)?,
            lon: needed(lon, &numbers, degrees)?,
            lat: needed(lat, &numbers, degrees)?,
            phone: needed(phone, &whole, digits)?,
            language: needed(language, &texts, text)?,
            audience: needed(audience, &texts, text)?,
            email: Column::open(group, email, &texts, text)?,
            push: Column::open(group, push, &texts, text)?,
            area: Column::open(group, area, &texts, text)?,
            digits: String::new(),
        })
    }

    /// Reads so many rows of each.
    fn fill(&mut self, rows: usize) -> Result<(), Unusable> {
        let needed = [
            &mut self.id,
            &mut self.lon,
            &mut self.lat,
            &mut self.phone,
            &mut self.language,
            &mut self.audience,
        ];
        let optional = [&mut self.email, &mut self.push, &mut self.area];
        let all = needed.into_iter().chain(optional.into_iter().flatten());
        for column in all {
            column.fill(rows)?;
        }
        Ok(())
    }

    /// The next row.
    fn next(&mut self) -> Given<'_> {
        let id = match self.id.next() {
            Cell::Text(text) => text_of(text),
            Cell::Whole(number) => {
                self.digits.clear();
                let mut digits = itoa::Buffer::new();
                self.digits.push_str(digits.format(number));
                &self.digits
            }
            Cell::Nothing | Cell::Number(_) => "",
        };
        let position = match (self.lon.next(), self.lat.next()) {
            (Cell::Text(lon), Cell::Text(lat)) => Position::Text(text_of(lon), text_of(lat)),
            (Cell::Text(lon), Cell::Nothing) => Position::Text(text_of(lon), ""),
            (Cell::Nothing, Cell::Text(lat)) => Position::Text("", text_of(lat)),
            (lon, lat) => Position::Degrees(lon.number(), lat.number()),
        };
        let phone = match self.phone.next() {
            Cell::Text(text) => Number::Text(text_of(text)),
            // Below nought is no number.
            Cell::Whole(digits) => Number::Digits(u64::try_from(digits).unwrap_or(1)),
            Cell::Nothing | Cell::Number(_) => Number::Digits(0),
        };
        Given {
            id,
            position,
            phone,
            language: self.language.next().text(),
            audience: self.audience.next().text(),
            email: optional(&mut self.email),
            push: optional(&mut self.push),
            area: optional(&mut self.area),
        }
    }
}

/// The text of a column that may be missing.
fn optional(column: &mut Option<Column>) -> &str {
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
        let values = match get_column_reader(column.clone(), group.get_column_page_reader(at)?) {
            ColumnReader::ByteArrayColumnReader(reader) => Values::Text(Part::new(reader)),
            ColumnReader::Int64ColumnReader(reader) => Values::Whole(Part::new(reader)),
            ColumnReader::DoubleColumnReader(reader) => Values::Double(Part::new(reader)),
            ColumnReader::FloatColumnReader(reader) => Values::Float(Part::new(reader)),
            ColumnReader::BoolColumnReader(_)
            | ColumnReader::Int32ColumnReader(_)
            | ColumnReader::Int96ColumnReader(_)
            | ColumnReader::FixedLenByteArrayColumnReader(_) => return Err(other),
        };
        Ok(Some(Self {
            name,
            values,
            present: Vec::new(),
            is_optional: column.max_def_level() > 0,
            row: 0,
            value: 0,
        }))
    }

    fn fill(&mut self, rows: usize) -> Result<(), Unusable> {
        self.present.clear();
        (self.row, self.value) = (0, 0);
        let present = self.is_optional.then_some(&mut self.present);
        let read = match &mut self.values {
            Values::Text(some) => some.fill(rows, present)?,
            Values::Whole(some) => some.fill(rows, present)?,
            Values::Double(some) => some.fill(rows, present)?,
            Values::Float(some) => some.fill(rows, present)?,
        };
        if read < rows {
            return Err(Unusable::Short(self.name));
        }
        Ok(())
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
            Values::Text(some) => some.values.get(at).map(Cell::Text),
            Values::Whole(some) => some.values.get(at).map(|value| Cell::Whole(*value)),
            Values::Double(some) => some.values.get(at).map(|value| Cell::Number(*value)),
            Values::Float(some) => some
                .values
                .get(at)
                .map(|value| Cell::Number(f64::from(*value))),
        };
        found.unwrap_or(Cell::Nothing)
    }
}

impl<T: DataType> Part<T> {
    fn new(reader: ColumnReaderImpl<T>) -> Self {
        Self {
            reader,
            values: Vec::new(),
        }
    }

    fn fill(&mut self, rows: usize, present: Option<&mut Vec<i16>>) -> Result<usize, ParquetError> {
        self.values.clear();
        let (records, ..) = self
            .reader
            .read_records(rows, present, None, &mut self.values)?;
        Ok(records)
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
