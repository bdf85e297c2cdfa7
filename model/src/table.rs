//! CSV tables by column name: any order, more columns allowed, each fault with its line.

use crate::fault::{Faults, Place, quoted};
use std::io::Read;

/// Longest row taken, bytes: beyond it a quote is left open rather than a row that long.
pub const ROW_BYTES_MAX: usize = 64 * 1024;

/// A column's place in the rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Column(usize);

/// A table being read.
pub struct Table<'f, R> {
    file: &'f str,
    reader: csv::Reader<R>,
    names: Vec<String>,
    record: csv::ByteRecord,
    broken: bool,
}

/// One row, all of it UTF-8.
#[derive(Clone, Copy)]
pub struct Row<'t> {
    record: &'t csv::ByteRecord,
    line: u32,
}

impl<'f, R: Read> Table<'f, R> {
    /// Reads the header line. A table without one, or without a required column, is refused.
    pub fn open(file: &'f str, source: R, required: &[&str], faults: &mut Faults) -> Option<Self> {
        let mut reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            // The reader counts lines right for this one; a carriage return is trimmed as a blank.
            .terminator(csv::Terminator::Any(b'\n'))
            .buffer_capacity(64 * 1024)
            .from_reader(source);
        let mut record = csv::ByteRecord::new();
        let place = Place::line(file, 1);
        match reader.read_byte_record(&mut record) {
            Ok(true) => {}
            Ok(false) => {
                let remedy = format!("an empty table is the header line {}", required.join(","));
                faults.error(Place::file(file), "", "it is empty", remedy);
                return None;
            }
            Err(error) => {
                faults.error(place, "", error.to_string(), "write CSV in UTF-8");
                return None;
            }
        }
        let mut names: Vec<String> = Vec::with_capacity(record.len());
        let before = faults.errors();
        for name in &record {
            let Ok(name) = std::str::from_utf8(name) else {
                faults.error(place, "", "the header is not UTF-8", "save it as UTF-8");
                return None;
            };
            let name = name.trim();
            if !name.is_empty() && names.iter().any(|n| n == name) {
                faults.error(
                    place,
                    name,
                    "the column stands there twice",
                    "keep one of the two",
                );
            }
            names.push(name.to_owned());
        }
        for column in required {
            if !names.iter().any(|n| n == column) {
                let remedy = format!("the header needs {}", required.join(","));
                faults.error(place, column, "the column is missing", remedy);
            }
        }
        (faults.errors() == before).then_some(Self {
            file,
            reader,
            names,
            record,
            broken: false,
        })
    }

    /// The column of that name, if the table has it.
    pub fn column(&self, name: &str) -> Option<Column> {
        self.names.iter().position(|n| n == name).map(Column)
    }

    /// Every named column but those listed.
    pub fn columns_beside(&self, known: &[&str]) -> Vec<(Column, String)> {
        let others = self.names.iter().enumerate();
        others
            .filter(|(_, name)| !name.is_empty() && !known.contains(&name.as_str()))
            .map(|(at, name)| (Column(at), name.clone()))
            .collect()
    }

    /// The next good row; bad ones are reported and passed over.
    pub fn next_row(&mut self, faults: &mut Faults) -> Option<Row<'_>> {
        let line = loop {
            if self.broken {
                return None;
            }
            match self.reader.read_byte_record(&mut self.record) {
                Ok(true) => {}
                Ok(false) => return None,
                Err(error) => {
                    self.broken = true;
                    faults.error(
                        Place::file(self.file),
                        "",
                        error.to_string(),
                        "read the file again",
                    );
                    return None;
                }
            }
            let at = self.record.position().map_or(0, csv::Position::line);
            let line = u32::try_from(at).unwrap_or(u32::MAX);
            if !self.is_blank() && self.is_good(line, faults) {
                break line;
            }
        };
        Some(Row {
            record: &self.record,
            line,
        })
    }

    fn is_blank(&self) -> bool {
        self.record.len() == 1 && self.record.as_slice().trim_ascii().is_empty()
    }

    fn is_good(&self, line: u32, faults: &mut Faults) -> bool {
        let place = Place::line(self.file, line);
        if self.record.as_slice().len() > ROW_BYTES_MAX {
            faults.error(
                place,
                "",
                format!("the row is longer than {ROW_BYTES_MAX} bytes"),
                "look for a quote that is not closed",
            );
            return false;
        }
        if self.record.len() != self.names.len() {
            let (found, wanted) = (self.record.len(), self.names.len());
            faults.error(
                place,
                "",
                format!("{found} fields where the header has {wanted}"),
                "write every field, empty ones too; quote fields with commas",
            );
            return false;
        }
        if std::str::from_utf8(self.record.as_slice()).is_err() {
            faults.error(place, "", "the row is not UTF-8", "save the file as UTF-8");
            return false;
        }
        true
    }
}

impl<'t> Row<'t> {
    /// Line the row begins on, from 1.
    pub const fn line(self) -> u32 {
        self.line
    }

    /// The field without surrounding blanks; empty where there is none.
    pub fn get(self, column: Option<Column>) -> &'t str {
        column
            .and_then(|column| self.record.get(column.0))
            .and_then(|field| std::str::from_utf8(field).ok())
            .unwrap_or_default()
            .trim()
    }
}

/// WGS-84 longitude and latitude from two fields; faults are reported, the text is not shown
/// (it may be where a person lives).
pub fn position(place: Place<'_>, lon: &str, lat: &str, faults: &mut Faults) -> Option<(f64, f64)> {
    let degrees = |text: &str, name: &str, most: f64, faults: &mut Faults| {
        let value = text.parse::<f64>().ok().filter(|v| v.abs() <= most);
        if value.is_none() {
            faults.error(
                place,
                name,
                format!("not a number from -{most} to {most}"),
                "write WGS-84 degrees with a decimal point",
            );
        }
        value
    };
    let lon = degrees(lon, "lon", 180.0, faults);
    let lat = degrees(lat, "lat", 90.0, faults);
    Some((lon?, lat?))
}

/// A field that must not be empty.
pub fn required<'a>(
    place: Place<'_>,
    name: &str,
    text: &'a str,
    faults: &mut Faults,
) -> Option<&'a str> {
    if text.is_empty() {
        faults.error(place, name, "it is empty", "fill it in");
        return None;
    }
    Some(text)
}

/// The parts of a field joined by `;`, without blanks and empty ones.
pub fn parts(text: &str) -> impl Iterator<Item = &str> {
    text.split(';').map(str::trim).filter(|p| !p.is_empty())
}

/// Reports a field whose text is not one of the words allowed.
pub fn not_one_of(place: Place<'_>, name: &str, text: &str, allowed: &str, faults: &mut Faults) {
    faults.error(
        place,
        name,
        format!("{} is not known", quoted(text)),
        format!("write one of {allowed}"),
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(text: &str) -> (Vec<(u32, String, String)>, Vec<String>) {
        let mut faults = Faults::default();
        let mut rows = Vec::new();
        if let Some(mut table) = Table::open("t.csv", text.as_bytes(), &["a", "b"], &mut faults) {
            let (a, b) = (table.column("a"), table.column("b"));
            while let Some(row) = table.next_row(&mut faults) {
                rows.push((row.line(), row.get(a).to_owned(), row.get(b).to_owned()));
            }
        }
        let faults = faults.into_vec().iter().map(ToString::to_string).collect();
        (rows, faults)
    }

    #[test]
    fn order_bom_crlf_quotes_and_more_columns() {
        let (rows, faults) = read("\u{feff}b, x ,a\r\n 2 ,,\"1,\"\"q\"\"\nz\"\r\n4,,3\r\n\r\n");
        assert_eq!(faults, Vec::<String>::new());
        assert_eq!(
            rows,
            [
                (2, "1,\"q\"\nz".into(), "2".into()),
                (4, "3".into(), "4".into())
            ]
        );
    }

    #[test]
    fn faults_name_line_and_column() {
        assert_eq!(
            read("").1,
            ["t.csv: it is empty — an empty table is the header line a,b"]
        );
        assert_eq!(
            read("a,a\n").1,
            [
                "t.csv:1: field a: the column stands there twice — keep one of the two",
                "t.csv:1: field b: the column is missing — the header needs a,b"
            ]
        );
        let (rows, faults) = read("a,b\n1\n2,3\n4,5,6\n");
        assert_eq!(rows, [(3, "2".into(), "3".into())]);
        assert_eq!(faults.len(), 2);
        assert!(faults[0].starts_with("t.csv:2: 1 fields where the header has 2"));
        assert!(faults[1].starts_with("t.csv:4: 3 fields"));
    }

    #[test]
    fn one_bad_row_leaves_the_others() {
        let mut text = b"a,b\n".to_vec();
        text.extend_from_slice(b"\xff,1\n2,3\n");
        let mut faults = Faults::default();
        let mut table = Table::open("t.csv", &text[..], &["a"], &mut faults).unwrap();
        let row = table.next_row(&mut faults).unwrap();
        assert_eq!(row.line(), 3);
        assert_eq!(faults.errors(), 1);
    }

    proptest! {
        #[test]
        fn never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let mut faults = Faults::default();
            if let Some(mut table) = Table::open("t.csv", &bytes[..], &[], &mut faults) {
                while table.next_row(&mut faults).is_some() {}
            }
        }

        #[test]
        fn well_formed_rows_come_back(rows in proptest::collection::vec(("[a-z\",\n 0-9]{1,8}", "[a-z]{1,5}"), 1..20)) {
            let mut writer = csv::Writer::from_writer(Vec::new());
            writer.write_record(["a", "b"]).unwrap();
            for (a, b) in &rows {
                writer.write_record([a, b]).unwrap();
            }
            let text = String::from_utf8(writer.into_inner().unwrap()).unwrap();
            let (read, faults) = read(&text);
            prop_assert_eq!(faults, Vec::<String>::new());
            let read: Vec<_> = read.into_iter().map(|(_, a, b)| (a, b)).collect();
            let wanted: Vec<_> = rows.into_iter().map(|(a, b)| (a.trim().to_owned(), b)).collect();
            prop_assert_eq!(read, wanted);
        }
    }
}
