//! The whole state as bytes, and back: what a machine needs to go on as if it had never stopped.
//!
//! Layout: `SFRE`, format u16, length of the JSON part u32, JSON (situations, bulletins), then
//! for each parameter that a rule reads: its code u8, count of its series u32, the station of
//! each u32, and the block of its windows as `window/stored.rs` writes it; little-endian.

use super::laid::Laid;
use super::mute::Mutes;
use super::signals::InForce;
use super::silence;
use super::subjects::State;
use super::{Engine, Standing};
use crate::bulletin::Shelf;
use crate::effect::{Change, Effect, Reason};
use crate::forecast::Forecasts;
use crate::reader::Reader;
use crate::rulebook::Rulebook;
use model::{AreaCode, City, Mode, Tier, Time};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Format of snapshots written by this version.
pub const SNAPSHOT_FORMAT: u16 = 8;

const MAGIC: &[u8; 4] = b"SFRE";

/// Why bytes are not a snapshot of this machine.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SnapshotError {
    /// Not a snapshot, or cut short.
    #[error("the snapshot is damaged at {0}: replay the input instead")]
    Damaged(&'static str),
    /// Written by a newer version.
    #[error("the snapshot has format {0}, newer than {SNAPSHOT_FORMAT}: upgrade this node")]
    Newer(u16),
    /// Written by an older version, in a layout that is read no more.
    #[error("the snapshot has format {0}, older than {SNAPSHOT_FORMAT}: replay the input instead")]
    Older(u16),
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
    bulletins: Shelf,
    forecasts: Forecasts,
    silence: silence::Frozen,
    mutes: Mutes,
}

#[derive(Serialize, Deserialize)]
struct FrozenSubject {
    rule: String,
    subject: String,
    own: bool,
    newest: i64,
    standing: [Tier; 5],
    tiers: Vec<Tier>,
    state: State,
}

impl Engine {
    /// Hands out the minute rows that came to rest since the last call, each once and with the
    /// newest time it speaks of, as records of the topic `series` (semantics §31; their layout is
    /// in `window/sealed.rs`). True where they are all there is: earlier records are not needed
    /// for [`Engine::unseal`] any more.
    pub fn seal(&mut self, keep: &mut dyn FnMut(Time, &[u8])) -> bool {
        self.windows.seal(keep)
    }

    /// Takes back a record of [`Engine::seal`], after [`Engine::restore`] and in their order.
    ///
    /// # Errors
    /// The record is damaged or of another registry; the machine is then of no use.
    pub fn unseal(&mut self, record: &[u8]) -> Result<(), SnapshotError> {
        let taken = self.windows.unseal(record);
        taken.ok_or(SnapshotError::Damaged("its sealed rows"))
    }

    /// Appends all state but the rows that were sealed.
    pub fn snapshot(&self, bytes: &mut Vec<u8>) {
        let frozen = Frozen {
            city: self.city.code,
            zone: self.zone.0,
            mode: self.mode,
            rulebook: self.rulebook.hash().to_owned(),
            at: self.at,
            subjects: self.frozen_subjects(),
            bulletins: self.bulletins.clone(),
            forecasts: self.forecasts.clone(),
            silence: self.silence.frozen(&self.city),
            mutes: self.mutes.clone(),
        };
        // Our own plain types cannot fail to be written to memory; an empty part reads as damaged.
        let json = serde_json::to_vec(&frozen).unwrap_or_default();
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&SNAPSHOT_FORMAT.to_le_bytes());
        bytes.extend_from_slice(&u32::try_from(json.len()).unwrap_or(0).to_le_bytes());
        bytes.extend_from_slice(&json);
        self.windows.encode(bytes);
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
        if format < SNAPSHOT_FORMAT {
            return Err(SnapshotError::Older(format));
        }
        let length = reader.u32().ok_or(SnapshotError::Damaged("its length"))?;
        let json = reader
            .take(length as usize)
            .ok_or(SnapshotError::Damaged("its state"))?;
        let frozen: Frozen =
            serde_json::from_slice(json).map_err(|_| SnapshotError::Damaged("its state"))?;
        self.check(&frozen)?;
        self.windows.decode(&mut reader)?;
        self.at = frozen.at;
        self.bulletins = frozen.bulletins;
        self.forecasts = frozen.forecasts;
        self.mutes = frozen.mutes;
        self.next_unmute = self.mutes.due();
        self.plan_look();
        self.in_force = InForce::of(&self.rulebook, &self.bulletins, &self.city);
        let hazards = self.rulebook.rules.iter().map(|rule| rule.hazard);
        self.bulletins.hold(hazards);
        self.thaw(frozen.subjects);
        self.silence.thaw(self.at, &self.city, &frozen.silence);
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

    fn frozen_subjects(&self) -> Vec<FrozenSubject> {
        let mut frozen = Vec::new();
        for (rule, state) in self.rulebook.rules.iter().zip(&self.rules) {
            for (number, subject) in state.subjects.iter().enumerate() {
                let Some(held) = subject.state.as_ref() else {
                    continue;
                };
                let standing = subject.standing;
                let is_empty = held.is_idle() && held.samples.is_empty() && held.stood.is_none();
                if standing == Standing::default() && is_empty {
                    continue;
                }
                let newest = state.newest(number);
                let mut held = (**held).clone();
                held.rested_until(newest);
                frozen.push(FrozenSubject {
                    rule: rule.id.clone(),
                    subject: subject.id(&self.city),
                    own: subject.own,
                    newest,
                    tiers: rule.tiers.iter().map(|tier| tier.tier).collect(),
                    standing: [
                        standing.reached,
                        standing.put,
                        standing.timely,
                        standing.confirmed,
                        standing.measured,
                    ],
                    state: held,
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
            for (subject, watch) in state.subjects.iter_mut().zip(&mut state.watches) {
                let key = (rule.id.clone(), subject.id(&self.city));
                let Some(mut frozen) = by_id.remove(&key) else {
                    continue;
                };
                let lost = frozen.state.lost;
                frozen.state.lost =
                    lost.filter(|lost| rule.lost.is_some() && tiers.contains(&lost.tier));
                frozen.state.reached = frozen.state.reached.moved(&frozen.tiers, &tiers);
                frozen.state.ahead = frozen.state.ahead.moved(&frozen.tiers, &tiers);
                let samples = rule.limits.samples;
                frozen.state.samples.moved(&frozen.tiers, &tiers, samples);
                let [reached, put, timely, confirmed, measured] = frozen.standing;
                subject.standing = Standing {
                    reached,
                    put,
                    timely,
                    confirmed,
                    measured,
                };
                subject.newest = frozen.newest;
                watch.is_active = !frozen.state.is_idle();
                let situations = [&frozen.state.reached, &frozen.state.ahead];
                for situation in situations {
                    let rises = situation.deadline(&subject.holds);
                    let falls = situation.falls(&subject.holds);
                    for due in [rises, falls.filter(|_| rule.hears_only())] {
                        self.next_deadline = self.next_deadline.min(due.unwrap_or(i64::MAX));
                    }
                }
                subject.state = Some(Box::new(frozen.state));
                for area in &subject.areas {
                    if let Some(count) = state.areas.get_mut(*area as usize) {
                        count.change(Standing::default(), subject.standing);
                    }
                }
            }
        }
        let due = self.bulletins.due();
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
        let silence = self.silence.frozen(&self.city);
        let laid = Laid::new(&city, self.zone, &rulebook);
        let before = std::mem::replace(&mut self.windows, laid.windows);
        self.windows.take_over(before);
        (self.hears, self.rules, self.feeds) = (laid.hears, laid.rules, laid.feeds);
        self.bulletins
            .hold(rulebook.rules.iter().map(|rule| rule.hazard));
        self.next_deadline = i64::MAX;
        self.city = city;
        self.rulebook = rulebook;
        self.in_force = InForce::of(&self.rulebook, &self.bulletins, &self.city);
        self.prune_mutes(out);
        let gone = self.thaw(frozen);
        self.listen_anew(&silence, out);
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
        // Another rulebook may look ahead where the one before did not.
        self.plan_look();
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
