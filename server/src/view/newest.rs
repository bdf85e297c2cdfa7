//! The newest value of each station and parameter with the flag that the screen gave it, and what it
//! found in the latest ones.

use super::remarks::{Flag, Remarks};
use ingest::quality::{Cause, Finding};
use model::{City, Observation, Parameter, Quality, StationNo, Time};
use parking_lot::{Mutex, RwLock};
use std::collections::{BTreeMap, VecDeque};

/// Findings kept, and flags that the windows do not hold; the oldest go first.
const REMARKS_MAX: usize = 2_000;

/// A newest value.
#[derive(Clone, Copy)]
pub(super) struct Last {
    pub(super) time: Time,
    pub(super) value: i32,
    pub(super) quality: Quality,
    /// Why it is suspect, or what else a person should look at.
    pub(super) cause: Option<Cause>,
}

/// By station number.
pub(super) struct Newest {
    last: Vec<RwLock<BTreeMap<Parameter, Last>>>,
    findings: Mutex<VecDeque<Finding>>,
    /// Of values in the windows, which know good ones and suspect ones.
    flags: Mutex<VecDeque<Flag>>,
}

impl Newest {
    pub(super) fn new(city: &City) -> Self {
        Self {
            last: city.stations.iter().map(|_| RwLock::default()).collect(),
            findings: Mutex::default(),
            flags: Mutex::default(),
        }
    }

    /// Values as the screen gave them on.
    pub(super) fn observed(&self, observations: &[Observation]) {
        for observation in observations {
            let Some(place) = self.last.get(observation.station.0 as usize) else {
                continue;
            };
            let mut last = Last {
                time: observation.time,
                value: observation.value,
                quality: observation.quality,
                cause: None,
            };
            if Flag::is_needed(observation.quality) {
                keep(&self.flags, [Flag::of(observation)]);
            }
            let mut parameters = place.write();
            let newest = parameters.entry(observation.parameter).or_insert(last);
            if last.time >= newest.time {
                // A lasting fault is found once and holds while the flag does.
                let is_doubted = !matches!(last.quality, Quality::Correct | Quality::Unchecked);
                if is_doubted && newest.quality == last.quality {
                    last.cause = newest.cause;
                }
                *newest = last;
            }
        }
    }

    /// What was found in values that [`Newest::observed`] took.
    pub(super) fn found(&self, findings: &[Finding]) {
        if findings.is_empty() {
            return;
        }
        for finding in findings {
            let place = self.last.get(finding.station.0 as usize);
            let mut parameters = place.map(|place| place.write());
            let last = parameters
                .as_mut()
                .and_then(|p| p.get_mut(&finding.parameter));
            if let Some(last) = last.filter(|last| last.time == finding.time) {
                last.cause = Some(finding.cause);
            }
        }
        keep(&self.findings, findings.iter().copied());
    }

    /// What [`Newest::remarked`] takes back of the stations on whom `is_own` fits.
    pub(super) fn remarks(&self, is_own: impl Fn(StationNo) -> bool) -> Remarks {
        let mut remarks = Remarks::default();
        let findings = self.findings.lock();
        for finding in findings.iter().filter(|found| is_own(found.station)) {
            remarks.finding(finding);
        }
        drop(findings);
        let flags = self.flags.lock();
        remarks
            .flags
            .extend(flags.iter().filter(|flag| is_own(flag.station())));
        drop(flags);
        for (number, place) in (0u32..).zip(&self.last) {
            let station = StationNo(number);
            for (parameter, last) in place.read().iter().filter(|_| is_own(station)) {
                if let Some(cause) = last.cause {
                    remarks.cause(station, *parameter, cause);
                }
            }
        }
        remarks
    }

    /// What was remarked before the last stop in values that [`Newest::observed`] took back.
    pub(super) fn remarked(&self, remarks: &Remarks) {
        keep(&self.findings, remarks.findings());
        keep(&self.flags, remarks.flags.iter().copied());
        for (station, parameter, cause) in remarks.causes() {
            let place = self.last.get(station.0 as usize);
            let mut parameters = place.map(|place| place.write());
            if let Some(last) = parameters.as_mut().and_then(|p| p.get_mut(&parameter)) {
                last.cause = Some(cause);
            }
        }
    }

    /// The latest flags of a series that are neither good nor suspect, with the values they are of.
    pub(super) fn flags(
        &self,
        station: StationNo,
        parameter: Parameter,
    ) -> BTreeMap<Time, (i32, u8)> {
        let kept = self.flags.lock();
        let of_series = kept.iter().filter(|flag| flag.is_of(station, parameter));
        of_series.map(|flag| (flag.time(), flag.value())).collect()
    }

    /// The latest findings in a series, by time.
    pub(super) fn findings(
        &self,
        station: StationNo,
        parameter: Parameter,
    ) -> BTreeMap<Time, &'static str> {
        let kept = self.findings.lock();
        let of_series = kept
            .iter()
            .filter(|found| found.station == station && found.parameter == parameter);
        of_series
            .map(|found| (found.time, found.cause.name()))
            .collect()
    }

    /// The newest value of each parameter of a station.
    pub(super) fn of(&self, station: StationNo) -> BTreeMap<Parameter, Last> {
        let place = self.last.get(station.0 as usize);
        place.map_or_else(BTreeMap::new, |place| place.read().clone())
    }

    /// The newest value of one parameter.
    pub(super) fn one(&self, station: StationNo, parameter: Parameter) -> Option<Last> {
        let place = self.last.get(station.0 as usize)?;
        place.read().get(&parameter).copied()
    }
}

fn keep<T>(kept: &Mutex<VecDeque<T>>, more: impl IntoIterator<Item = T>) {
    let mut kept = kept.lock();
    kept.extend(more);
    while kept.len() > REMARKS_MAX {
        kept.pop_front();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::small_city;

    #[test]
    fn a_cause_holds_while_the_flag_does() {
        let folder = tempfile::tempdir().unwrap();
        small_city::write_city(folder.path());
        let city = crate::installation::city(&folder.path().join("city")).unwrap();
        let newest = Newest::new(&city);
        let (station, parameter) = (StationNo(0), Parameter::WaterDepth);
        let row = |minute: i64, quality| Observation {
            station,
            parameter,
            time: Time::from_minute(minute),
            value: 5,
            interval_s: 60,
            quality,
        };
        let cause = || newest.one(station, parameter).unwrap().cause;
        newest.observed(&[row(1, Quality::Correct), row(2, Quality::Suspect)]);
        newest.found(&[Finding {
            station,
            parameter,
            time: Time::from_minute(2),
            value: 5,
            cause: Cause::Stuck,
        }]);
        assert_eq!(cause(), Some(Cause::Stuck));
        newest.observed(&[row(3, Quality::Suspect), row(1, Quality::Correct)]);
        assert_eq!(cause(), Some(Cause::Stuck), "told once, and still so");
        newest.observed(&[row(4, Quality::Correct)]);
        assert_eq!(cause(), None);
        let found = newest.findings(station, parameter);
        assert_eq!(
            found.into_iter().next(),
            Some((Time::from_minute(2), "stuck"))
        );
    }
}
