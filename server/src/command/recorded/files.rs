//! Files of observations in the order of the arguments, and what of them could not be read.

use super::each;
use super::{News, Told};
use crate::command::Failure;
use clap::Args;
use ingest::register::{Registrar, Rejection};
use ingest::transport::file::Pieces;
use model::{City, Observation, Span, Time};
use std::fs::File;
use std::io::{self, IsTerminal, Read};
use std::path::{Path, PathBuf};

/// Which files, and how they are read.
#[derive(Args)]
pub(crate) struct Files {
    /// Sort all observations by time first (holds them in memory)
    #[arg(long)]
    sort: bool,
    /// Stop with exit 2 at the first line that cannot be read
    #[arg(long)]
    strict: bool,
    #[command(flatten)]
    told: Told,
    /// Observation files, NDJSON or arrays; `-` is standard input
    #[arg(
        required_unless_present_any = ["forecasts", "official_signals"],
        value_name = "FILE"
    )]
    files: Vec<PathBuf>,
}

/// What was read.
#[derive(Default)]
pub(crate) struct Summary {
    lines: u64,
    rejected: u64,
    first_rejections: Vec<String>,
    /// Times of the first and the last observation.
    pub(crate) span: Option<(Time, Time)>,
}

/// Rejections said in words; all of them are counted.
const REJECTIONS_SAID: usize = 10;

/// Opens a file or, for `-`, standard input.
pub(crate) fn open(path: &Path) -> Result<Box<dyn Read>, Failure> {
    if path == Path::new("-") {
        return Ok(Box::new(io::stdin().lock()));
    }
    File::open(path)
        .map(|file| Box::new(file) as Box<dyn Read>)
        .map_err(|error| Failure::BadInput(format!("{}: {error}", path.display())))
}

impl Files {
    /// What was heard beside observations, in its order.
    pub(crate) fn news(&self, city: &City) -> Result<Vec<News>, Failure> {
        self.told.read(city, self.strict)
    }

    /// Hands each observation to `take`.
    pub(crate) fn read(
        &self,
        city: &City,
        mut take: impl FnMut(&Observation),
    ) -> Result<Summary, Failure> {
        let mut registrar = Registrar::new(city, Span::ZERO);
        let mut summary = Summary::default();
        if !self.sort {
            for path in &self.files {
                self.file(path, &mut registrar, &mut summary, &mut take)?;
            }
            return Ok(summary);
        }
        let mut all = Vec::new();
        for path in &self.files {
            let mut keep = |observation: &Observation| all.push(*observation);
            self.file(path, &mut registrar, &mut summary, &mut keep)?;
        }
        all.sort_by_key(|observation| observation.time);
        all.iter().for_each(take);
        Ok(summary)
    }

    fn file(
        &self,
        path: &Path,
        registrar: &mut Registrar,
        summary: &mut Summary,
        take: &mut impl FnMut(&Observation),
    ) -> Result<(), Failure> {
        let mut pieces = Pieces::new(open(path)?);
        let say_progress = io::stderr().is_terminal();
        let mut said = 0;
        loop {
            let piece = pieces
                .next_piece()
                .map_err(|error| Failure::BadInput(format!("{}: {error}", path.display())))?;
            let Some(piece) = piece else { break };
            each(piece, registrar, |found| {
                if self.strict && summary.rejected > 0 {
                    return;
                }
                summary.lines += 1;
                match found {
                    Ok(observation) => {
                        summary.note(observation.time);
                        take(&observation);
                    }
                    Err(rejection) => summary.reject(path, &rejection),
                }
            });
            if let (true, Some(words)) = (self.strict, summary.first_rejections.first()) {
                return Err(Failure::BadInput(words.clone()));
            }
            let megabytes = pieces.bytes_read() >> 26;
            if say_progress && megabytes > said {
                said = megabytes;
                eprint!("\r{}: {} MB", path.display(), pieces.bytes_read() >> 20);
            }
        }
        if said > 0 {
            eprintln!();
        }
        Ok(())
    }
}

impl Summary {
    #[inline]
    fn note(&mut self, time: Time) {
        self.span = Some(match self.span {
            Some((first, last)) => (first.min(time), last.max(time)),
            None => (time, time),
        });
    }

    fn reject(&mut self, path: &Path, rejection: &Rejection) {
        self.rejected += 1;
        if self.first_rejections.len() < REJECTIONS_SAID {
            let words = format!("{}: {rejection}", path.display());
            self.first_rejections.push(words);
        }
    }

    /// Says on standard error how much was read and what was refused.
    pub(crate) fn say(&self) {
        for words in &self.first_rejections {
            eprintln!("{words}");
        }
        let more = self.rejected - self.first_rejections.len() as u64;
        if more > 0 {
            eprintln!("… and {more} more");
        }
        eprintln!(
            "{} observations read, {} refused",
            self.lines, self.rejected
        );
    }
}
