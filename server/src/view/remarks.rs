//! What quality control remarked in the latest values, as a zone's snapshot keeps it: what it found,
//! which cause stands at a newest value, and flags that the windows do not hold.

use super::newest::Last;
use ingest::quality::{Cause, Finding};
use model::{Observation, Parameter, Quality, Quanta, StationNo, Time};
use rules::Windowed;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A flag and the value it is of: station, parameter, milliseconds, quanta, code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Flag(u32, Parameter, i64, i32, u8);

/// The remarks in some stations' values. What names a cause that this version does not know is
/// passed over.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Remarks {
    /// Station, parameter, milliseconds, quanta, cause; oldest first.
    findings: Vec<(u32, Parameter, i64, i32, String)>,
    /// Station, parameter, cause of its newest value.
    causes: Vec<(u32, Parameter, String)>,
    pub(super) flags: Vec<Flag>,
}

/// What quality control said of the latest values of a series.
pub(crate) struct Screened {
    /// Time and flag of the newest.
    pub(super) newest: Option<(Time, u8)>,
    /// Flags that are neither good nor suspect, each with the value it is of.
    pub(super) flags: BTreeMap<Time, (Quanta, u8)>,
    pub(super) findings: BTreeMap<Time, &'static str>,
}

impl Screened {
    /// The flag of a reading in the windows.
    pub(crate) fn quality(&self, reading: &Windowed) -> u8 {
        let newest = self.newest.filter(|(time, _)| *time == reading.time);
        let own = self.flags.get(&reading.time);
        let own = own.filter(|(value, _)| *value == reading.value);
        let held = if reading.is_suspect {
            Quality::Suspect
        } else {
            Quality::Correct
        };
        let newest = newest.map(|(_, code)| code);
        newest.or(own.map(|(_, code)| *code)).unwrap_or(held.code())
    }

    /// What was found in it.
    pub(crate) fn finding(&self, reading: &Windowed) -> Option<&'static str> {
        self.findings.get(&reading.time).copied()
    }
}

impl Flag {
    /// Whether a flag is to be kept: the windows know good values from suspect ones.
    pub(super) const fn is_needed(quality: Quality) -> bool {
        let is_held = matches!(
            quality,
            Quality::Correct | Quality::Unchecked | Quality::Suspect
        );
        quality.is_usable() && !is_held
    }

    pub(crate) const fn of(seen: &Observation) -> Self {
        let (station, time) = (seen.station.0, seen.time.millis());
        Self(
            station,
            seen.parameter,
            time,
            seen.value,
            seen.quality.code(),
        )
    }

    pub(super) const fn new(station: StationNo, parameter: Parameter, last: &Last) -> Self {
        let (time, code) = (last.time.millis(), last.quality.code());
        Self(station.0, parameter, time, last.value, code)
    }

    /// What it is of; `None` where its flag is none.
    pub(crate) fn observation(&self) -> Option<Observation> {
        Some(Observation {
            station: self.station(),
            parameter: self.1,
            time: self.time(),
            value: self.3,
            interval_s: 0,
            quality: Quality::from_code(self.4)?,
        })
    }

    pub(super) const fn station(&self) -> StationNo {
        StationNo(self.0)
    }

    pub(super) fn is_of(&self, station: StationNo, parameter: Parameter) -> bool {
        self.0 == station.0 && self.1 == parameter
    }

    pub(super) const fn time(&self) -> Time {
        Time::from_millis(self.2)
    }

    /// The value and the code of its flag.
    pub(super) const fn value(&self) -> (i32, u8) {
        (self.3, self.4)
    }
}

impl Remarks {
    pub(super) fn finding(&mut self, found: &Finding) {
        let (station, time) = (found.station.0, found.time.millis());
        let cause = found.cause.name().to_owned();
        self.findings
            .push((station, found.parameter, time, found.value, cause));
    }

    pub(super) fn cause(&mut self, station: StationNo, parameter: Parameter, cause: Cause) {
        self.causes
            .push((station.0, parameter, cause.name().to_owned()));
    }

    pub(super) fn findings(&self) -> impl Iterator<Item = Finding> {
        let findings = self.findings.iter();
        findings.filter_map(|(station, parameter, time, value, cause)| {
            Some(Finding {
                station: StationNo(*station),
                parameter: *parameter,
                time: Time::from_millis(*time),
                value: *value,
                cause: Cause::from_name(cause)?,
            })
        })
    }

    pub(super) fn causes(&self) -> impl Iterator<Item = (StationNo, Parameter, Cause)> {
        let causes = self.causes.iter();
        causes.filter_map(|(station, parameter, cause)| {
            Some((StationNo(*station), *parameter, Cause::from_name(cause)?))
        })
    }
}
