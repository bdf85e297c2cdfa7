//! The whole state as bytes, and back: what a machine needs to go on as if it had never stopped.
//!
//! Layout: `SFRE`, format u16, length of the JSON part u32, JSON (situations, bulletins), then
//! the series: station u32, parameter u8, newest i64, count u32, readings of 17 bytes each
//! (time i64, value i32, interval u32, suspect u8); little-endian. Running sums are made anew
//! from the readings.

use super::subjects::State;
use super::{Engine, Feeds, Standing, Windows, subjects};
use crate::bulletin::Bulletin;
use crate::effect::{Change, Effect, Reason};
use crate::rulebook::Rulebook;
use crate::window::Entry;
use model::{AreaCode, City, Mode, Parameter, StationNo, Tier, Time};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Format of snapshots written by this version.
pub const SNAPSHOT_FORMAT: u16 = 1;

const MAGIC: &[u8; 4] = b"SFRE";
const READING_BYTES: usize = 17;

/// Why bytes are not a snapshot of this machine.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SnapshotError {
    /// Not a snapshot, or cut short.
    #[error("the snapshot is damaged at {0}: replay the input instead")]
    Damaged(&'static str),
    /// Written by a newer version.
    #[error("the snapshot has format {0}, newer than {SNAPSHOT_FORMAT}: upgrade this node")]
    Newer(u16),
    /// Of another machine.
    #[error("the snapshot is of another {0}: replay the input instead")]
    Other(&'static str),
}

#[derive(Serialize, Deserialize)]
struct Frozen {
    city: AreaCode,
    zone: u16,
    mode: Mode,
    rulebook: String,
    at: Time,
    subjects: Vec<FrozenSubject>,
    bulletins: Vec<Bulletin>,
}

#[derive(Serialize, Deserialize)]
struct FrozenSubject {
    rule: String,
    subject: String,
    own: bool,
    newest: i64,
    standing: [Tier; 4],
    tiers: Vec<Tier>,
    state: State,
}

impl Engine {
    /// Appends the whole state.
    pub fn snapshot(&self, bytes: &mut Vec<u8>) {
        let frozen = Frozen {
            city: self.city.code,
            zone: self.zone.0,
            mode: self.mode,
            rulebook: self.rulebook.hash().to_owned(),
            at: self.at,
            subjects: self.frozen_subjects(),
            bulletins: self.bulletins.values().cloned().collect(),
        };
        // Our own plain types cannot fail to be written to memory; an empty part reads as damaged.
        let json = serde_json::to_vec(&frozen).unwrap_or_default();
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&SNAPSHOT_FORMAT.to_le_bytes());
        bytes.extend_from_slice(&u32::try_from(json.len()).unwrap_or(0).to_le_bytes());
        bytes.extend_from_slice(&json);
        for (station, parameter, plan, series) in self.windows.all() {
            let Some(newest) = series.newest() else {
                continue;
            };
            let oldest = newest.millis().saturating_sub(plan.kept_ms());
            let mut entries: Vec<Entry> = series.entries().filter(|e| e.time > oldest).collect();
            entries.sort_unstable_by_key(|entry| entry.time);
            bytes.extend_from_slice(&station.0.to_le_bytes());
            bytes.push(parameter.code());
            bytes.extend_from_slice(&newest.millis().to_le_bytes());
            let count = u32::try_from(entries.len()).unwrap_or(0);
            bytes.extend_from_slice(&count.to_le_bytes());
            for entry in entries {
                bytes.extend_from_slice(&entry.time.to_le_bytes());
                bytes.extend_from_slice(&entry.value.to_le_bytes());
                bytes.extend_from_slice(&entry.interval_s.to_le_bytes());
                bytes.push(u8::from(entry.suspect));
            }
        }
    }

    /// Takes the state of a snapshot; the machine must have been made for the same city, zone,
    /// mode and rulebook.
    ///
    /// # Errors
    /// The bytes are damaged, newer, or of another machine; the machine is then of no use.
    pub fn restore(&mut self, bytes: &[u8]) -> Result<(), SnapshotError> {
        let mut reader = Reader { rest: bytes };
        if reader.take(4) != Some(MAGIC) {
            return Err(SnapshotError::Damaged("its beginning"));
        }
        let format = reader.u16().ok_or(SnapshotError::Damaged("its format"))?;
        if format > SNAPSHOT_FORMAT {
            return Err(SnapshotError::Newer(format));
        }
        let length = reader.u32().ok_or(SnapshotError::Damaged("its length"))?;
        let json = reader
            .take(length as usize)
            .ok_or(SnapshotError::Damaged("its state"))?;
        let frozen: Frozen =
            serde_json::from_slice(json).map_err(|_| SnapshotError::Damaged("its state"))?;
        self.check(&frozen)?;
        while !reader.rest.is_empty() {
            self.restore_series(&mut reader)
                .ok_or(SnapshotError::Damaged("its windows"))?;
        }
        self.at = frozen.at;
        self.bulletins
            .extend(frozen.bulletins.into_iter().map(|b| (b.hazard(), b)));
        self.thaw(frozen.subjects);
        Ok(())
    }

    fn check(&self, frozen: &Frozen) -> Result<(), SnapshotError> {
        let pairs = [
            (frozen.city == self.city.code, "city"),
            (frozen.zone == self.zone.0, "zone"),
            (frozen.mode == self.mode, "mode"),
            (frozen.rulebook == self.rulebook.hash(), "rulebook"),
        ];
        match pairs.into_iter().find(|(same, _)| !same) {
            Some((_, what)) => Err(SnapshotError::Other(what)),
            None => Ok(()),
        }
    }

    fn restore_series(&mut self, reader: &mut Reader<'_>) -> Option<()> {
        let station = StationNo(reader.u32()?);
        let parameter = Parameter::from_code(*reader.take(1)?.first()?)?;
        let newest = reader.i64()?;
        let count = reader.u32()? as usize;
        let rows = reader.take(count.checked_mul(READING_BYTES)?)?;
        let entries = rows
            .as_chunks::<READING_BYTES>()
            .0
            .iter()
            .filter_map(|row| {
                let mut row = Reader { rest: row };
                Some(Entry {
                    time: row.i64()?,
                    value: row.u32()?.cast_signed(),
                    interval_s: row.u32()?,
                    suspect: *row.take(1)?.first()? != 0,
                })
            });
        // A station that is gone from the city takes its readings with it.
        if let Some((plan, series)) = self.windows.get_mut(station, parameter) {
            series.refill(plan, newest, entries);
        }
        Some(())
    }

    fn frozen_subjects(&self) -> Vec<FrozenSubject> {
        let mut frozen = Vec::new();
        for (rule, state) in self.rulebook.rules.iter().zip(&self.rules) {
            for subject in &state.subjects {
                let Some(held) = subject.state.as_ref() else {
                    continue;
                };
                let standing = subject.standing;
                if standing == Standing::default() && held.is_idle() {
                    continue;
                }
                frozen.push(FrozenSubject {
                    rule: rule.id.clone(),
                    subject: subject.id(&self.city),
                    own: subject.own,
                    newest: subject.newest,
                    tiers: rule.tiers.iter().map(|tier| tier.tier).collect(),
                    standing: [
                        standing.reached,
                        standing.put,
                        standing.timely,
                        standing.confirmed,
                    ],
                    state: (**held).clone(),
                });
            }
        }
        frozen
    }

    /// Puts subjects, areas and deadlines back; gives those that have no place any more.
    fn thaw(&mut self, subjects: Vec<FrozenSubject>) -> Vec<FrozenSubject> {
        let mut by_id: BTreeMap<(String, String), FrozenSubject> = subjects
            .into_iter()
            .map(|frozen| ((frozen.rule.clone(), frozen.subject.clone()), frozen))
            .collect();
        for (rule, state) in self.rulebook.rules.iter().zip(&mut self.rules) {
            let tiers: Vec<Tier> = rule.tiers.iter().map(|tier| tier.tier).collect();
            for (subject, active) in state.subjects.iter_mut().zip(&mut state.active) {
                let key = (rule.id.clone(), subject.id(&self.city));
                let Some(mut frozen) = by_id.remove(&key) else {
                    continue;
                };
                frozen.state.reached = frozen.state.reached.moved(&frozen.tiers, &tiers);
                frozen.state.ahead = frozen.state.ahead.moved(&frozen.tiers, &tiers);
                let [reached, put, timely, confirmed] = frozen.standing;
                subject.standing = Standing {
                    reached,
                    put,
                    timely,
                    confirmed,
                };
                subject.newest = frozen.newest;
                *active = !frozen.state.is_idle();
                let situations = [&frozen.state.reached, &frozen.state.ahead];
                for deadline in situations.iter().filter_map(|s| s.deadline(&subject.holds)) {
                    self.next_deadline = self.next_deadline.min(deadline);
                }
                subject.state = Some(Box::new(frozen.state));
                for area in &subject.areas {
                    if let Some(count) = state.areas.get_mut(*area as usize) {
                        count.change(Standing::default(), subject.standing);
                    }
                }
            }
        }
        let due = self.bulletins.values().filter_map(Bulletin::due).min();
        self.next_due = due.unwrap_or(Time::from_millis(i64::MAX));
        by_id.into_values().collect()
    }

    /// Rebuilds everything for another rulebook or city, keeping readings, tiers and warnings;
    /// tells which tiers ended because their rule or subject is gone.
    pub(super) fn rebuild(
        &mut self,
        city: Arc<City>,
        rulebook: Arc<Rulebook>,
        out: &mut Vec<Effect>,
    ) {
        let frozen = self.frozen_subjects();
        let windows = Windows::new(&city, self.zone, &rulebook);
        let before = std::mem::replace(&mut self.windows, windows);
        for (station, parameter, _, series) in before.all() {
            if let (Some((plan, fresh)), Some(newest)) =
                (self.windows.get_mut(station, parameter), series.newest())
            {
                fresh.refill(plan, newest.millis(), series.entries());
            }
        }
        self.rules = subjects::rules(&city, self.zone, &rulebook, &self.windows);
        self.feeds = Feeds::new(&self.rules, self.windows.series.len());
        for rule in &rulebook.rules {
            let fresh = || Bulletin::new(rule.hazard);
            self.bulletins.entry(rule.hazard).or_insert_with(fresh);
        }
        self.next_deadline = i64::MAX;
        self.city = city;
        self.rulebook = rulebook;
        let gone = self.thaw(frozen);
        let at = self.at;
        let ended = gone
            .into_iter()
            .filter(|gone| gone.own && gone.standing[0] > Tier::None);
        out.extend(ended.map(|gone| {
            Effect::Signal(Box::new(Change {
                time: at,
                rule: gone.rule,
                version: self.rulebook.version.clone(),
                subject: gone.subject,
                from: gone.standing[0],
                to: Tier::None,
                values: Vec::new(),
                reason: Reason::Adopted,
                past: false,
                unconfirmed: false,
            }))
        }));
        self.touch_all();
    }

    /// Has every area of every hazard looked at again: rules may have gone with their tiers.
    fn touch_all(&mut self) {
        for (number, state) in self.rules.iter().enumerate() {
            let areas = 0..u32::try_from(state.areas.len()).unwrap_or(u32::MAX);
            self.scratch
                .areas
                .extend(areas.map(|area| (number, area, self.at.millis())));
            let subjects = (0u32..).zip(&state.subjects);
            let with_tier = subjects.filter(|(_, s)| s.standing.confirmed > Tier::None);
            let sites = with_tier.map(|(subject, _)| (number, subject, self.at.millis()));
            self.scratch.sites.extend(sites);
        }
    }
}

/// Bytes read from the front.
struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(count)?;
        self.rest = rest;
        Some(taken)
    }

    fn u16(&mut self) -> Option<u16> {
        Some(u16::from_le_bytes(self.take(2)?.try_into().ok()?))
    }

    fn u32(&mut self) -> Option<u32> {
        Some(u32::from_le_bytes(self.take(4)?.try_into().ok()?))
    }

    fn i64(&mut self) -> Option<i64> {
        Some(i64::from_le_bytes(self.take(8)?.try_into().ok()?))
    }
}
