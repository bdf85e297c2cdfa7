//! `sanfang export`: what a journal holds as tables, for people with spreadsheets and notebooks.
//!
//! Recipients are numbers here, as they are in the journal: who is behind one is known to the
//! directory alone.

mod parquet;
mod rows;
mod table;

pub(super) use parquet::File as ParquetWriter;
pub(super) use table::{Cell, Column, Kind};

use super::Failure;
use clap::{Args, ValueEnum};
use journal::DiskJournal;
use std::fs::File;
use std::io::{self, Write};
use std::path::PathBuf;
use table::{Format, Table};

/// What to export, whence and whither.
#[derive(Args)]
pub(crate) struct Arguments {
    /// Which table
    #[arg(value_enum)]
    what: What,
    /// Journal directory of a server, running or not
    #[arg(long, value_name = "DIR")]
    journal: PathBuf,
    /// City directory: names stations, gives the offset of times
    #[arg(long, value_name = "DIR")]
    city: PathBuf,
    /// File to write; its ending, .csv or .parquet, says how. Standard output without it, as CSV
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// How to write, whatever the file's ending
    #[arg(long, value_enum)]
    format: Option<Format>,
}

/// The tables.
#[derive(Clone, Copy, ValueEnum)]
enum What {
    /// Every accepted observation that the journal still holds
    Observations,
    /// Each change of tier at a subject
    Situations,
    /// Each revision of a warning, a row for each of its areas
    Warnings,
    /// Each record refused at the intake, and why
    DeadLetters,
    /// Each planned delivery with what became of its recipients, as counts
    Deliveries,
    /// Each step a message took: accepted, delivered, failed…, by recipient number
    Receipts,
    /// Where each message stands at the end: one row for each recipient of each delivery
    Ledger,
}

/// Writes the table; says how many rows it has.
pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let city = crate::installation::city(&arguments.city)
        .map_err(|faulty| Failure::BadInput(faulty.to_string()))?;
    let format = match (arguments.format, &arguments.out) {
        (Some(format), _) => format,
        (None, None) => Format::Csv,
        (None, Some(path)) => Format::of(path).ok_or_else(|| {
            let remedy = "end the file in .csv or .parquet, or give --format";
            Failure::BadInput(format!("{}: {remedy}", path.display()))
        })?,
    };
    if !arguments.journal.is_dir() {
        let directory = arguments.journal.display();
        return Err(Failure::BadInput(format!("{directory}: no such journal")));
    }
    let journal = DiskJournal::view(&arguments.journal)
        .map_err(|error| Failure::Failed(error.to_string()))?;
    let out: Box<dyn Write> = match &arguments.out {
        None => Box::new(io::stdout()),
        Some(path) => {
            let file = File::create(path);
            let failed = |error| Failure::Failed(format!("{}: {error}", path.display()));
            Box::new(file.map_err(failed)?)
        }
    };
    let source = rows::Source {
        journal: &journal,
        city: &city,
    };
    let columns = rows::columns(arguments.what);
    let mut table = Table::open(format, columns, city.offset, out)?;
    source.write(arguments.what, &mut table)?;
    let written = table.finish()?;
    eprintln!("{written} rows");
    Ok(())
}
