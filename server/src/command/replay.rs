//! `sanfang replay`: recorded observations through the rules, as fast as the machine can.
//!
//! The same decoder, registrar, screen and engine as `serve`, without journal and clock: record
//! time is the greatest observation time so far, with a tick each whole minute (semantics §6).

mod print;
mod score;

use super::Failure;
use super::print::read_on;
use super::recorded;
use crate::installation;
use clap::Args;
use ingest::quality::Screen;
use ingest::register::{Registrar, Rejection};
use ingest::transport::file::Pieces;
use model::{City, Mode, Observation, StationNo, Time, Zone};
use print::Printer;
use rules::{Effect, Engine, Policy, Rulebook};
use std::fs::File;
use std::io::{self, IsTerminal, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

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
    let mut replay = Replay::new(&city, &rulebook, printer, score);
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
    routes: Routes,
    engines: Vec<Engine>,
    screens: Vec<Screen>,
    now: Time,
    effects: Vec<Effect>,
    order: Order,
    printer: Printer,
    score: Option<score::Score>,
    lines: u64,
    rejected: u64,
    first_rejections: Vec<String>,
}

/// Rejections said in words; all of them are counted.
const REJECTIONS_SAID: usize = 10;

impl Replay {
    fn new(
        city: &Arc<City>,
        rulebook: &Arc<Rulebook>,
        printer: Printer,
        score: Option<score::Score>,
    ) -> Self {
        let zones = (0..city.zones.len()).map(|number| Zone(number as u16));
        let engine = |zone| {
            Engine::new(
                Arc::clone(city),
                zone,
                Mode::Actual,
                Arc::clone(rulebook),
                Policy::Replay,
            )
        };
        let engines: Vec<Engine> = zones.clone().map(engine).collect();
        Self {
            routes: Routes::new(city, &engines),
            engines,
            screens: zones.map(|zone| Screen::new(city, zone)).collect(),
            now: Time::from_millis(i64::MIN),
            effects: Vec::new(),
            order: Order {
                city: Arc::clone(city),
                rulebook: Arc::clone(rulebook),
            },
            printer,
            score,
            lines: 0,
            rejected: 0,
            first_rejections: Vec::new(),
        }
    }

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
                    Ok(observation) => self.observe(&observation),
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
            self.observe(observation);
        }
        Ok(())
    }

    /// Steps one observation: the minutes that passed before it first, then the observation.
    fn observe(&mut self, observation: &Observation) {
        if observation.time > self.now {
            self.ticks(observation.time);
            self.now = observation.time;
        }
        for route in self.routes.of(observation.station) {
            let number = usize::from(route.zone.0);
            let (Some(screen), Some(engine)) =
                (self.screens.get_mut(number), self.engines.get_mut(number))
            else {
                continue;
            };
            if !route.hears {
                engine.tick(self.now, &mut self.effects);
                continue;
            }
            let screened = screen.step(self.now, observation);
            if screened.is_repeat() {
                engine.tick(self.now, &mut self.effects);
                continue;
            }
            engine.observe(self.now, &screened.observation, &mut self.effects);
            if let Some(rainfall) = &screened.rainfall {
                engine.observe(self.now, rainfall, &mut self.effects);
            }
        }
        if !self.effects.is_empty() {
            self.drain();
        }
    }

    /// A tick for each whole minute up to `time`; what each causes comes before the line.
    fn ticks(&mut self, time: Time) {
        if self.now.millis() == i64::MIN {
            return;
        }
        for minute in self.now.minute() + 1..=time.minute() {
            let at = Time::from_minute(minute);
            for engine in &mut self.engines {
                engine.tick(at, &mut self.effects);
            }
            self.drain();
        }
    }

    /// Prints what one line or minute caused: by rule, then by subject, whichever zone it came from.
    fn drain(&mut self) {
        if self.effects.len() > 1 {
            let order = &self.order;
            self.effects.sort_by_cached_key(|effect| order.of(effect));
        }
        for effect in self.effects.drain(..) {
            // A closed pipe is noticed when the buffer is flushed at the end.
            drop(self.printer.effect(&effect));
            if let (Some(score), Effect::Warning(warning)) = (&mut self.score, &effect) {
                score.warning(warning);
            }
        }
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
            Some(words) if strict => Err(Failure::BadInput(words.clone())),
            Some(_) | None => Ok(()),
        }
    }

    fn finish(mut self) -> Result<(), Failure> {
        read_on(self.printer.flush())?;
        if let Some(score) = self.score {
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
        Ok(())
    }
}

/// The zones that get each station's observations, by station.
struct Routes {
    starts: Vec<u32>,
    routes: Vec<Route>,
}

/// A zone, and whether what the station says counts there: where it does not, time passes.
struct Route {
    zone: Zone,
    hears: bool,
}

impl Routes {
    fn new(city: &City, engines: &[Engine]) -> Self {
        let (mut starts, mut routes) = (vec![0], Vec::new());
        for (number, station) in (0u32..).zip(&city.stations) {
            routes.extend(station.zones.iter().map(|zone| {
                let engine = engines.get(usize::from(zone.0));
                Route {
                    zone: *zone,
                    hears: engine.is_some_and(|engine| engine.hears(StationNo(number))),
                }
            }));
            starts.push(u32::try_from(routes.len()).unwrap_or(u32::MAX));
        }
        Self { starts, routes }
    }

    fn of(&self, station: StationNo) -> &[Route] {
        let at = station.0 as usize;
        let range = self.starts.get(at).zip(self.starts.get(at + 1));
        range
            .and_then(|(from, to)| self.routes.get(*from as usize..*to as usize))
            .unwrap_or_default()
    }
}

/// The order of what one line caused (design §5).
struct Order {
    city: Arc<City>,
    rulebook: Arc<Rulebook>,
}

impl Order {
    fn of(&self, effect: &Effect) -> (usize, u32) {
        match effect {
            Effect::Signal(change) => (self.rule(&change.rule), self.subject(&change.subject)),
            Effect::Warning(warning) => (self.rule(&warning.rule), 0),
            Effect::Pending(_) | Effect::Refused { .. } => (usize::MAX, 0),
        }
    }

    fn rule(&self, id: &str) -> usize {
        self.rulebook
            .rule(id)
            .map_or(usize::MAX, |(number, _)| number)
    }

    fn subject(&self, id: &str) -> u32 {
        let site = self.city.site_no(id).map(|no| no.0);
        site.or_else(|| self.city.station_no(id).map(|no| no.0))
            .unwrap_or(u32::MAX)
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
