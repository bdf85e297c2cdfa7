//! `sanfang replay`: recorded observations through the rules, as fast as the machine can.
//!
//! The same decoder, registrar, screen and engine as `serve`, without journal and clock: record
//! time is the greatest observation time so far, with a tick each whole minute (semantics §6).

mod print;
mod score;

use super::Failure;
use super::print::read_on;
use super::recorded::{Files, Zones};
use crate::installation;
use clap::Args;
use print::Printer;
use rules::Effect;
use std::path::PathBuf;
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
    /// Print hits, misses, false alarms, POD, FAR, CSI, Heidke's skill score and lead times against
    /// these events (CSV: id,hazard,area,tier,start,end), in all, by hazard and by tier
    ///
    /// A hit is the first issue of the event's tier or higher in its area or one that holds it, within
    /// six hours before its start and its end; the lead is start less issue. An issue near no event of
    /// its hazard is a false alarm. Correct negatives, which Heidke's score needs, are counted in cells
    /// of one area and six hours of the day (0-6, 6-12, 12-18, 18-24), from the first observation to
    /// the last: of the areas that a rule of the hazard can warn, those cells into which neither an
    /// event nor a warning of it reaches. By tier: events of that tier, issues that raised an area to
    /// it, and cells without either of that tier or higher. JSON on standard output, a table on
    /// standard error.
    #[arg(long, value_name = "EVENTS.csv")]
    score: Option<PathBuf>,
    #[command(flatten)]
    files: Files,
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
    let score = arguments.score.as_deref();
    let mut score = score.map(score::Score::open).transpose()?;
    let mut printer = if arguments.signals {
        Printer::signals(&city)
    } else if score.is_some() {
        Printer::silent(&city)
    } else {
        Printer::warnings(&city)
    };
    let mut zones = Zones::new(&city, &rulebook);
    zones.expect(arguments.files.news(&city)?);
    let mut tell = |effect: &Effect| {
        // A closed pipe is noticed when the buffer is flushed at the end.
        drop(printer.effect(effect));
        if let (Some(score), Effect::Warning(warning)) = (&mut score, effect) {
            score.warning(warning);
        }
    };
    let read = arguments
        .files
        .read(&city, |observation| zones.observe(observation, &mut tell));
    zones.finish(&mut tell);
    let summary = read?;
    read_on(printer.flush())?;
    if let Some(score) = &score {
        score.print(&city, &rulebook, summary.span)?;
    }
    summary.say();
    if zones.late() > 0 {
        eprintln!(
            "{} of them came late, behind others by more than lateness.past_after: what they raise is past \
             and not told; --sort takes all by time",
            zones.late()
        );
    }
    Ok(())
}
