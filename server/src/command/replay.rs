//! `sanfang replay`: recorded observations through the rules, as fast as the machine can.
//!
//! The same decoder, registrar, screen and engine as `serve`, without journal and clock: record
//! time is the greatest observation time so far, with a tick each whole minute (semantics §6).

mod print;
mod score;
mod zones;

use super::Failure;
use super::print::read_on;
use super::recorded;
use crate::installation;
use clap::Args;
use ingest::register::{Registrar, Rejection};
use ingest::transport::file::Pieces;
use print::Printer;
use rules::Effect;
use std::fs::File;
use std::io::{self, IsTerminal, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use zones::Zones;

/// What to replay.
#[derive(Args)]
pub(crate) struct Arguments {
    /// City directory
    #[arg(long, value_name = "DIR")]
    city: PathBuf,
    /// Rulebook directory instead of the city's own
    #[arg(long, value_name = "DIR")]
    rules: Option<PathBuf>,
    /// Print each change of tier at a subject instead of warnings
    #[arg(long, conflicts_with = "score")]
    signals: bool,
    /// Print hits, misses, false alarms and lead times against these events
    /// (CSV: id,hazard,area,tier,start,end)
    #[arg(long, value_name = "EVENTS.csv")]
    score: Option<PathBuf>,
    /// Sort all observations by time first (holds them in memory)
    #[arg(long)]
    sort: bool,
    /// Stop with exit 2 at the first line that cannot be read
    #[arg(long)]
    strict: bool,
    /// Observation files, NDJSON or arrays; `-` is standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
}

/// Runs the replay.
pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let bad = |error: installation::Faulty| Failure::BadInput(error.to_string());
    let city = Arc::new(installation::city(&arguments.city).map_err(bad)?);
    let rules = arguments
        .rules
        .clone()
        .unwrap_or_else(|| arguments.city.join("rules"));
    let rulebook = Arc::new(installation::rulebook(&rules).map_err(bad)?);
    let score = arguments
        .score
        .as_deref()
        .map(|path| score::Score::open(path, &city))
        .transpose()?;
    let printer = if arguments.signals {
        Printer::signals(&city)
    } else if score.is_some() {
        Printer::silent(&city)
    } else {
        Printer::warnings(&city)
    };
    let mut replay = Replay {
        zones: Zones::new(&city, &rulebook),
        output: Output { printer, score },
        lines: 0,
        rejected: 0,
        first_rejections: Vec::new(),
    };
    let mut registrar = Registrar::new(&city, model::Span::ZERO);
    if arguments.sort {
        replay.sorted(arguments, &mut registrar)?;
    } else {
        for path in &arguments.files {
            replay.file(path, arguments.strict, &mut registrar)?;
        }
    }
    replay.finish()
}

struct Replay {
    zones: Zones,
    output: Output,
    lines: u64,
    rejected: u64,
    first_rejections: Vec<String>,
}

/// Where it goes.
struct Output {
    printer: Printer,
    score: Option<score::Score>,
}

/// Rejections said in words; all of them are counted.
const REJECTIONS_SAID: usize = 10;

impl Replay {
    fn file(
        &mut self,
        path: &Path,
        strict: bool,
        registrar: &mut Registrar,
    ) -> Result<(), Failure> {
        let mut pieces = Pieces::new(open(path)?);
        let say_progress = io::stderr().is_terminal();
        let mut said = 0;
        loop {
            let piece = pieces
                .next_piece()
                .map_err(|error| Failure::BadInput(format!("{}: {error}", path.display())))?;
            let Some(piece) = piece else { break };
            recorded::each(piece, registrar, |found| {
                if strict && self.rejected > 0 {
                    return;
                }
                self.lines += 1;
                match found {
                    Ok(observation) => self.zones.observe(&observation, &mut self.output),
                    Err(rejection) => self.reject(path, &rejection),
                }
            });
            self.stop(strict)?;
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

impl Replay {
    /// Reads everything first, then steps it by observation time.
    fn sorted(&mut self, arguments: &Arguments, registrar: &mut Registrar) -> Result<(), Failure> {
        let mut all = Vec::new();
        for path in &arguments.files {
            let mut pieces = Pieces::new(open(path)?);
            let failed = |error| Failure::BadInput(format!("{}: {error}", path.display()));
            while let Some(piece) = pieces.next_piece().map_err(failed)? {
                recorded::each(piece, registrar, |found| {
                    self.lines += 1;
                    match found {
                        Ok(observation) => all.push(observation),
                        Err(rejection) => self.reject(path, &rejection),
                    }
                });
                self.stop(arguments.strict)?;
            }
        }
        all.sort_by_key(|observation| observation.time);
        for observation in &all {
            self.zones.observe(observation, &mut self.output);
        }
        Ok(())
    }

    fn reject(&mut self, path: &Path, rejection: &Rejection) {
        self.rejected += 1;
        if self.first_rejections.len() < REJECTIONS_SAID {
            let words = format!("{}: {rejection}", path.display());
            self.first_rejections.push(words);
        }
    }

    /// With `strict` the first rejection ends the replay.
    fn stop(&mut self, strict: bool) -> Result<(), Failure> {
        match self.first_rejections.first() {
            Some(words) if strict => {
                self.zones.step(&mut self.output);
                Err(Failure::BadInput(words.clone()))
            }
            Some(_) | None => Ok(()),
        }
    }

    fn finish(mut self) -> Result<(), Failure> {
        self.zones.step(&mut self.output);
        read_on(self.output.printer.flush())?;
        if let Some(score) = self.output.score {
            score.print()?;
        }
        for words in &self.first_rejections {
            eprintln!("{words}");
        }
        if self.rejected > self.first_rejections.len() as u64 {
            eprintln!(
                "… and {} more",
                self.rejected - self.first_rejections.len() as u64
            );
        }
        eprintln!(
            "{} observations read, {} refused",
            self.lines, self.rejected
        );
        if self.zones.late() > 0 {
            eprintln!(
                "{} of them came late, behind others by more than lateness.past_after: what they raise is past \
                 and not told; --sort takes all by time",
                self.zones.late()
            );
        }
        Ok(())
    }
}

impl Output {
    fn effect(&mut self, effect: &Effect) {
        // A closed pipe is noticed when the buffer is flushed at the end.
        drop(self.printer.effect(effect));
        if let (Some(score), Effect::Warning(warning)) = (&mut self.score, effect) {
            score.warning(warning);
        }
    }
}

fn open(path: &Path) -> Result<Box<dyn Read>, Failure> {
    if path == Path::new("-") {
        return Ok(Box::new(io::stdin().lock()));
    }
    File::open(path)
        .map(|file| Box::new(file) as Box<dyn Read>)
        .map_err(|error| Failure::BadInput(format!("{}: {error}", path.display())))
}
