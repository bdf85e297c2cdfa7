//! The newest value of each station and parameter with the flag that the screen gave it, and what it
//! found in the latest ones.

use super::remarks::{Flag, Remarks};
use ingest::quality::{Cause, Finding};
use model::{Cadence, City, Observation, Parameter, Quality, StationNo, Time};
use parking_lot::{Mutex, RwLock};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};

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
    /// How often it was newer than before, as far as this process knows.
    pub(super) cadence: Cadence,
    /// The look that sees it first, as [`Newest::changes`] counts them.
    look: u64,
}

impl Last {
    /// Goes on from the value before it.
    fn follow(&mut self, before: &Self) {
        self.cadence = before.cadence;
        self.cadence.note(self.time.since(before.time));
    }
}

/// By station number.
pub(super) struct Newest {
    last: Vec<RwLock<BTreeMap<Parameter, Last>>>,
    findings: Mutex<VecDeque<(u64, Finding)>>,
    /// Of values in the windows, which know good ones and suspect ones.
    flags: Mutex<VecDeque<(u64, Flag)>>,
    /// Number of the next look. It is read with the lock of what is changed held: what a look passes
    /// before it is changed has a later look's number.
    look: AtomicU64,
}

/// What is new of some stations since an earlier look.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Changes {
    /// This look; the next one asks for what came after it.
    pub(crate) look: u64,
    /// Newest values.
    pub(crate) newest: Vec<Flag>,
    pub(crate) remarks: Remarks,
}

impl Newest {
    pub(super) fn new(city: &City) -> Self {
        Self {
            last: city.stations.iter().map(|_| RwLock::default()).collect(),
            findings: Mutex::default(),
            flags: Mutex::default(),
            look: AtomicU64::new(1),
        }
    }

    /// The look that sees first what is changed now, by whoever holds its lock.
    fn next_look(&self) -> u64 {
        self.look.load(Ordering::Relaxed)
    }

    /// Values as the screen gave them on.
    pub(super) fn observed(&self, observations: &[Observation]) {
        for observation in observations {
            let Some(place) = self.last.get(observation.station.0 as usize) else {
                continue;
            };
            if Flag::is_needed(observation.quality) {
                self.keep(&self.flags, [Flag::of(observation)]);
            }
            let mut parameters = place.write();
            let mut last = Last {
                time: observation.time,
                value: observation.value,
                quality: observation.quality,
                cause: None,
                cadence: Cadence::default(),
                look: self.next_look(),
            };
            let newest = parameters.entry(observation.parameter).or_insert(last);
            if last.time >= newest.time {
                // A lasting fault is found once and holds while the flag does.
                let is_doubted = !matches!(last.quality, Quality::Correct | Quality::Unchecked);
                if is_doubted && newest.quality == last.quality {
                    last.cause = newest.cause;
                }
                last.follow(newest);
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
                last.look = self.next_look();
            }
        }
        self.keep(&self.findings, findings.iter().copied());
    }

    /// What is new of each station since the look that `since` gives for it; everything since 0,
    /// nothing where there is none.
    pub(super) fn changes(&self, since: impl Fn(StationNo) -> Option<u64>) -> Changes {
        let mut changes = Changes {
            look: self.look.fetch_add(1, Ordering::Relaxed),
            ..Changes::default()
        };
        for (number, place) in (0u32..).zip(&self.last) {
            let station = StationNo(number);
            let Some(since) = since(station) else {
                continue;
            };
            let place = place.read();
            for (parameter, last) in place.iter().filter(|(_, last)| last.look > since) {
                changes.newest.push(Flag::new(station, *parameter, last));
                if let Some(cause) = last.cause {
                    changes.remarks.cause(station, *parameter, cause);
                }
            }
        }
        // What was added since this look began is the next one's, or would be given twice.
        let is_new = |station, look: u64| {
            look <= changes.look && since(station).is_some_and(|since| look > since)
        };
        let findings = self.findings.lock();
        for (look, finding) in &*findings {
            if is_new(finding.station, *look) {
                changes.remarks.finding(finding);
            }
        }
        drop(findings);
        let flags = self.flags.lock();
        let new = flags
            .iter()
            .filter(|(look, flag)| is_new(flag.station(), *look));
        changes.remarks.flags.extend(new.map(|(_, flag)| *flag));
        drop(flags);
        changes
    }

    /// Takes what [`Newest::changes`] gave, of a state at rest or of another process.
    pub(super) fn changed(
        &self,
        Changes {
            newest, remarks, ..
        }: &Changes,
    ) {
        let mut causes: BTreeMap<_, _> = remarks
            .causes()
            .map(|(station, parameter, cause)| ((station, parameter), cause))
            .collect();
        for row in newest.iter().filter_map(Flag::observation) {
            let Some(place) = self.last.get(row.station.0 as usize) else {
                continue;
            };
            let mut parameters = place.write();
            let mut last = Last {
                time: row.time,
                value: row.value,
                quality: row.quality,
                cause: causes.remove(&(row.station, row.parameter)),
                cadence: Cadence::default(),
                look: self.next_look(),
            };
            let newest = parameters.entry(row.parameter).or_insert(last);
            if last.time >= newest.time {
                last.follow(newest);
                *newest = last;
            }
        }
        self.keep(&self.findings, remarks.findings());
        self.keep(&self.flags, remarks.flags.iter().copied());
    }

    /// Drops what was remarked of the stations on whom `is_own` fits, before all of it comes again.
    pub(super) fn unremarked(&self, is_own: impl Fn(StationNo) -> bool) {
        let mut findings = self.findings.lock();
        findings.retain(|(_, finding)| !is_own(finding.station));
        drop(findings);
        let mut flags = self.flags.lock();
        flags.retain(|(_, flag)| !is_own(flag.station()));
    }

    /// The latest flags of a series that are neither good nor suspect, with the values they are of.
    pub(super) fn flags(
        &self,
        station: StationNo,
        parameter: Parameter,
    ) -> BTreeMap<Time, (i32, u8)> {
        let kept = self.flags.lock();
        let flags = kept.iter().map(|(_, flag)| flag);
        let of_series = flags.filter(|flag| flag.is_of(station, parameter));
        of_series.map(|flag| (flag.time(), flag.value())).collect()
    }

    /// The latest findings in a series, by time.
    pub(super) fn findings(
        &self,
        station: StationNo,
        parameter: Parameter,
    ) -> BTreeMap<Time, &'static str> {
        let kept = self.findings.lock();
        let findings = kept.iter().map(|(_, found)| found);
        let of_series =
            findings.filter(|found| found.station == station && found.parameter == parameter);
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

    fn keep<T>(&self, kept: &Mutex<VecDeque<(u64, T)>>, more: impl IntoIterator<Item = T>) {
        let mut kept = kept.lock();
        let look = self.next_look();
        kept.extend(more.into_iter().map(|one| (look, one)));
        while kept.len() > REMARKS_MAX {
            kept.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::small_city;

    fn newest() -> Newest {
        let folder = tempfile::tempdir().unwrap();
        small_city::write_city(folder.path());
        let city = crate::installation::city(&folder.path().join("city")).unwrap();
        Newest::new(&city)
    }

    fn row(station: u32, minute: i64, quality: Quality) -> Observation {
        Observation {
            station: StationNo(station),
            parameter: Parameter::WaterDepth,
            time: Time::from_minute(minute),
            value: i32::try_from(minute).unwrap(),
            interval_s: 60,
            quality,
        }
    }

    /// Every station, since the same look.
    fn all(look: u64) -> impl Fn(StationNo) -> Option<u64> {
        move |_| Some(look)
    }

    #[test]
    fn a_look_gives_what_the_one_before_did_not() {
        let newest = newest();
        let flag = |station, minute, quality| Flag::of(&row(station, minute, quality));
        newest.observed(&[row(0, 1, Quality::Correct), row(1, 1, Quality::Corrected)]);
        let first = newest.changes(all(0));
        let one = flag(0, 1, Quality::Correct);
        let corrected = flag(1, 1, Quality::Corrected);
        assert_eq!(first.newest, [one, corrected]);
        assert_eq!(first.remarks.flags, [corrected]);
        assert_eq!(newest.changes(all(first.look)).newest, []);
        newest.observed(&[row(0, 2, Quality::Correct), row(1, 2, Quality::Corrected)]);
        let second = newest.changes(|station| (station.0 == 0).then_some(first.look));
        assert_eq!(second.newest, [flag(0, 2, Quality::Correct)]);
        assert_eq!(second.remarks, Remarks::default());

        // Another process shows the same, however often everything comes.
        let other = self::newest();
        for whole in [false, false, true, true] {
            if whole {
                other.unremarked(|_| true);
                other.changed(&newest.changes(all(0)));
            } else {
                other.changed(&first);
            }
        }
        let (here, there) = (newest.changes(all(0)), other.changes(all(0)));
        assert_eq!((here.newest, here.remarks), (there.newest, there.remarks));
    }

    #[test]
    fn nothing_is_lost_between_looks_while_values_come() {
        let (newest, other) = (newest(), newest());
        let turn = std::sync::Barrier::new(2);
        let mut look = 0;
        std::thread::scope(|scope| {
            scope.spawn(|| {
                for minute in 1..=5_000 {
                    turn.wait();
                    newest.observed(&[row((minute % 2) as u32, minute, Quality::Corrected)]);
                    turn.wait();
                }
            });
            for minute in 1..=5_000 {
                turn.wait();
                // One look beside the value, one after it.
                for is_after in [false, true] {
                    if is_after {
                        turn.wait();
                    }
                    let changes = newest.changes(all(look));
                    look = changes.look;
                    other.changed(&changes);
                }
                let shown = other.one(StationNo((minute % 2) as u32), Parameter::WaterDepth);
                assert_eq!(shown.unwrap().time, Time::from_minute(minute));
            }
        });
        let (here, there) = (newest.changes(all(0)), other.changes(all(0)));
        assert_eq!(here.newest, there.newest);
        assert_eq!(here.remarks, there.remarks, "each once");
    }

    #[test]
    fn a_cause_holds_while_the_flag_does() {
        let newest = newest();
        let (station, parameter) = (StationNo(0), Parameter::WaterDepth);
        let row = |minute: i64, quality| row(0, minute, quality);
        let cause = || newest.one(station, parameter).unwrap().cause;
        newest.observed(&[row(1, Quality::Correct), row(2, Quality::Suspect)]);
        newest.found(&[Finding {
            station,
            parameter,
            time: Time::from_minute(2),
            value: 2,
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
