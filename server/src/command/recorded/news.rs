//! What was heard beside observations: forecasts and official signals, each in its time.

use super::official;
use super::open;
use crate::command::Failure;
use crate::signals::zones_of;
use clap::Args;
use model::{City, Fault, Forecast, Signal, Time, Zone};
use std::collections::BTreeSet;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// Files of it.
#[derive(Args)]
pub(crate) struct Told {
    /// Forecasts by area or station and tracks of cyclones (JSON, GeoJSON or CSV), each heard of when
    /// it was issued; may be given more than once
    #[arg(long, value_name = "FILE")]
    pub(super) forecasts: Vec<PathBuf>,
    /// Signals of other authorities, each heard of when it was sent: a CAP alert as POST /v1/signals
    /// takes it, or JSON as GET /v1/signals lists them, an array or one a line; may be given more than
    /// once
    ///
    /// Of JSON these keys count: identifier, sent, kind (alert, update or cancel; alert unless given),
    /// references (identifiers that an update or a cancel replaces), hazard (11B01), tier and areas. A
    /// signal stands until another refers to it.
    #[arg(long, value_name = "FILE")]
    pub(super) official_signals: Vec<PathBuf>,
}

/// Something that was heard.
#[derive(Clone)]
pub(crate) enum News {
    /// A forecast.
    Forecast(Forecast),
    /// A signal of another authority.
    Signal(Box<Signal>),
}

impl News {
    /// When.
    pub(crate) fn time(&self) -> Time {
        match self {
            Self::Forecast(forecast) => forecast.issued(),
            Self::Signal(signal) => signal.sent,
        }
    }

    /// The zones that hear it.
    pub(crate) fn zones(&self, city: &City) -> BTreeSet<Zone> {
        match self {
            Self::Forecast(forecast) => forecast.zones(city),
            Self::Signal(signal) => zones_of(city, signal),
        }
    }
}

impl Told {
    /// All of it in the order of time; what cannot be read is said on standard error, or is the end
    /// where `strict`.
    pub(crate) fn read(&self, city: &City, strict: bool) -> Result<Vec<News>, Failure> {
        let mut news = Vec::new();
        for path in &self.forecasts {
            let bytes = bytes(path, ingest::forecast::BYTES_MAX)?;
            let read = ingest::forecast::read(&path.display().to_string(), &bytes, city);
            say(&read.faults, strict)?;
            news.extend(read.forecasts.into_iter().map(News::Forecast));
        }
        for path in &self.official_signals {
            let bytes = bytes(path, official::BYTES_MAX)?;
            let read = official::read(&path.display().to_string(), &bytes, city);
            say(&read.faults, strict)?;
            let signals = read.signals.into_iter();
            news.extend(signals.map(|signal| News::Signal(Box::new(signal))));
        }
        news.sort_by_key(News::time);
        Ok(news)
    }
}

/// A file, and one byte more than may be in it.
fn bytes(path: &Path, most: usize) -> Result<Vec<u8>, Failure> {
    let failed = |error: io::Error| Failure::BadInput(format!("{}: {error}", path.display()));
    let mut bytes = Vec::new();
    let mut file = open(path)?.take(most as u64 + 1);
    file.read_to_end(&mut bytes).map_err(failed)?;
    Ok(bytes)
}

fn say(faults: &[Fault], strict: bool) -> Result<(), Failure> {
    for fault in faults {
        if strict {
            return Err(Failure::BadInput(fault.to_string()));
        }
        eprintln!("{fault}");
    }
    Ok(())
}
