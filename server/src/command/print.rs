//! Data on standard output. Whoever reads it may stop early: a closed pipe is no failure.

use super::Failure;
use std::io::{self, BufWriter, Stdout, Write};

/// Standard output, buffered.
pub(crate) struct Output {
    out: BufWriter<Stdout>,
}

impl Output {
    /// Opens it.
    pub(crate) fn open() -> Self {
        Self {
            out: BufWriter::with_capacity(1 << 16, io::stdout()),
        }
    }

    /// Writes one line. False where nobody reads any more: the caller may stop.
    pub(crate) fn line(&mut self, text: &str) -> Result<bool, Failure> {
        let written = writeln!(self.out, "{text}");
        read_on(written)
    }

    /// Writes what is buffered.
    pub(crate) fn finish(mut self) -> Result<(), Failure> {
        read_on(self.out.flush()).map(|_| ())
    }
}

/// Writes all lines.
pub(crate) fn lines(lines: &[String]) -> Result<(), Failure> {
    let mut output = Output::open();
    for line in lines {
        if !output.line(line)? {
            break;
        }
    }
    output.finish()
}

/// True where what was written has a reader.
pub(crate) fn read_on(written: io::Result<()>) -> Result<bool, Failure> {
    match written {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(Failure::Failed(format!("standard output: {error}"))),
    }
}

/// A table for people: columns as wide as what stands in them, the first two to the left.
pub(crate) struct Table {
    rows: Vec<Vec<String>>,
}

/// Columns of words; the rest are figures and stand to the right.
const WORDS: usize = 2;

impl Table {
    /// A table with its head.
    pub(crate) fn new(head: &[&str]) -> Self {
        let head = head.iter().map(|&cell| cell.to_owned()).collect();
        Self { rows: vec![head] }
    }

    /// Adds a row.
    pub(crate) fn row(&mut self, cells: Vec<String>) {
        self.rows.push(cells);
    }

    /// The lines.
    pub(crate) fn lines(&self) -> Vec<String> {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let wide = |column: usize| {
            let cells = self.rows.iter().filter_map(|row| row.get(column));
            cells.map(|cell| width(cell)).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..columns).map(wide).collect();
        let line = |row: &Vec<String>| {
            let cells = row.iter().zip(&widths).enumerate();
            let cells = cells.map(|(column, (cell, wide))| {
                let room = " ".repeat(wide - width(cell));
                match column < WORDS {
                    true => format!("{cell}{room}"),
                    false => format!("{room}{cell}"),
                }
            });
            let line = cells.collect::<Vec<_>>().join("  ");
            line.trim_end().to_owned()
        };
        self.rows.iter().map(line).collect()
    }
}

/// Places that a text takes on a terminal: two for each Chinese character and its punctuation.
fn width(text: &str) -> usize {
    let places = |c: char| match c {
        '\u{1100}'..='\u{115f}'
        | '\u{2e80}'..='\u{a4cf}'
        | '\u{ac00}'..='\u{d7a3}'
        | '\u{f900}'..='\u{faff}'
        | '\u{fe30}'..='\u{fe6f}'
        | '\u{ff00}'..='\u{ff60}'
        | '\u{ffe0}'..='\u{ffe6}' => 2,
        _ => 1,
    };
    text.chars().map(places).sum()
}

#[cfg(test)]
mod tests {
    use super::Table;

    #[test]
    fn columns_stand_under_each_other() {
        let mut table = Table::new(&["where", "tier", "hits"]);
        table.row(vec!["暴雨".into(), "red".into(), "12".into()]);
        table.row(vec!["rain".into(), "orange".into(), "7".into()]);
        let lines = [
            "where  tier    hits",
            "暴雨   red       12",
            "rain   orange     7",
        ];
        assert_eq!(table.lines(), lines);
    }
}
