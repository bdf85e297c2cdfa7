//! What the journal holds, read beside the nodes: what must be true of it after every step.

use super::city::setting;
use super::mirror::{Mirror, Said};
use super::silences::Silences;
use crate::courier::{INTENT, PROGRESS};
use crate::pump::kind;
use dispatch::intent::{Intent, IntentId};
use dispatch::ledger::{Entry, Progress, State};
use dispatch::wording::Purpose;
use journal::{Kind, Partition, Record, Topic};
use model::response::Board;
use model::warning::Event;
use model::{Input, Observation, Order, Reach, Tier, Time, Warning, WarningId, Zone};
use std::collections::{BTreeMap, BTreeSet};

/// One message to one person.
pub(super) type Told = (IntentId, u32);

/// An observation by what it says.
type Row = (u32, u8, i64, i32);

/// The journal as it was stored, and what follows from it.
pub(super) struct Audit {
    mirror: Mirror,
    /// Next offset and last time of each partition.
    ends: BTreeMap<(Topic, Partition), (u64, i64)>,
    rows: BTreeSet<Row>,
    /// Warnings of each zone as they were stored, and how many of them were compared.
    said: BTreeMap<u16, Vec<Said>>,
    /// Intents as zones planned them, by zone and link.
    planned: BTreeMap<(AreaZone, u16), Vec<Said>>,
    /// What zones put into the city's input.
    told: BTreeMap<AreaZone, Vec<Said>>,
    compared_told: BTreeMap<AreaZone, usize>,
    compared: BTreeMap<(AreaZone, u16), usize>,
    compared_said: BTreeMap<u16, usize>,
    pub(super) warnings: BTreeMap<WarningId, Vec<Warning>>,
    /// What the city's zone said of responses and products.
    pub(super) board: Board,
    /// Intents by identity with their link, in the order of planning.
    pub(super) intents: Vec<(u16, Intent)>,
    pub(super) states: BTreeMap<Told, State>,
    /// Who signed what, as the people of the run know it.
    pub(super) signed: BTreeSet<(WarningId, String)>,
    /// Who opened a warning by hand: that is their signature.
    pub(super) issuers: BTreeSet<String>,
    /// Identifiers of the far side that are on disk with their message.
    receipts: BTreeSet<(Told, u64)>,
    pub(super) silences: Silences,
    digest: u64,
}

/// The zone a warning was made in, by the number in its area code.
type AreaZone = u64;

impl Audit {
    pub(super) fn new(mirror: Mirror) -> Self {
        Self {
            mirror,
            ends: BTreeMap::new(),
            rows: BTreeSet::new(),
            said: BTreeMap::new(),
            planned: BTreeMap::new(),
            told: BTreeMap::new(),
            compared_told: BTreeMap::new(),
            compared: BTreeMap::new(),
            compared_said: BTreeMap::new(),
            warnings: BTreeMap::new(),
            board: Board::default(),
            intents: Vec::new(),
            states: BTreeMap::new(),
            signed: BTreeSet::new(),
            issuers: BTreeSet::new(),
            receipts: BTreeSet::new(),
            silences: Silences::default(),
            digest: 0xcbf2_9ce4_8422_2325,
        }
    }

    /// Takes in what was stored and holds it against the rules of the journal and the mirror.
    pub(super) fn take(&mut self, stored: Vec<(Topic, Partition, Record)>) -> Result<(), String> {
        for (topic, partition, record) in stored {
            self.note(&record, topic);
            self.order(topic, partition, &record)?;
            match topic.kind {
                Kind::Input => self.input(partition, &record)?,
                Kind::Warnings => self.warning(partition, &record)?,
                Kind::Deliveries => self.delivery(partition, &record)?,
                Kind::Receipts => self.progress(&record),
                Kind::Series
                | Kind::Registry
                | Kind::DeadLetters
                | Kind::Ledger
                | Kind::Snapshots
                | Kind::Requests => {}
            }
        }
        self.compare()
    }

    /// A number over everything that was stored: two runs of one seed have the same.
    pub(super) const fn digest(&self) -> u64 {
        self.digest
    }

    fn note(&mut self, record: &Record, topic: Topic) {
        let head = [topic.code(), record.kind];
        for byte in head.iter().chain(record.payload()) {
            self.digest ^= u64::from(*byte);
            self.digest = self.digest.wrapping_mul(0x0100_0000_01b3);
        }
    }

    fn order(&mut self, topic: Topic, partition: Partition, record: &Record) -> Result<(), String> {
        let end = self.ends.entry((topic, partition)).or_insert((0, i64::MIN));
        if record.offset.0 != end.0 {
            return Err(format!(
                "{topic}/{partition}: {} after {}",
                record.offset, end.0
            ));
        }
        if record.time_ms < end.1 {
            return Err(format!(
                "{topic}/{partition}: time falls at {}",
                record.offset
            ));
        }
        *end = (end.0 + 1, record.time_ms);
        Ok(())
    }

    fn input(&mut self, zone: Partition, record: &Record) -> Result<(), String> {
        let input = Input::decode(record.kind, record.payload()).map_err(|e| e.to_string())?;
        if let Input::Observations(rows) = &input {
            self.rows.extend(rows.iter().map(row));
        }
        if let Input::Revised(revised) = &input {
            let of = self.mirror.zone_of(revised.warning);
            let told = self.told.entry(of).or_default();
            told.push((record.kind, record.payload().to_vec()));
        }
        let before = self.mirror.said(zone.0).len();
        self.mirror.feed(Zone(zone.0), record);
        let said = self.mirror.said(zone.0).get(before..).unwrap_or_default();
        self.silences
            .step(Zone(zone.0), record.time_ms, &input, said)
    }

    fn warning(&mut self, zone: Partition, record: &Record) -> Result<(), String> {
        let payload = record.payload().to_vec();
        if record.kind == kind::WARNING {
            let warning: Warning = serde_json::from_slice(&payload).map_err(|e| e.to_string())?;
            self.warnings.entry(warning.id).or_default().push(warning);
        }
        if record.kind == kind::ENTRY {
            let entry = serde_json::from_slice(&payload).map_err(|e| e.to_string())?;
            self.board.apply(&entry);
        }
        self.said
            .entry(zone.0)
            .or_default()
            .push((record.kind, payload));
        Ok(())
    }

    fn delivery(&mut self, link: Partition, record: &Record) -> Result<(), String> {
        if record.kind != INTENT {
            return Ok(());
        }
        let intent: Intent = serde_json::from_slice(record.payload()).map_err(|e| e.to_string())?;
        self.signed(&intent)?;
        if intent.instead_of.is_none() {
            let zone = self.zone_of(intent.warning);
            let planned = self.planned.entry((zone, link.0)).or_default();
            planned.push((record.kind, record.payload().to_vec()));
        }
        self.intents.push((link.0, intent));
        Ok(())
    }

    fn zone_of(&self, warning: WarningId) -> AreaZone {
        let known = self.warnings.get(&warning).and_then(|all| all.first());
        known.map_or(0, |warning| warning.zone.number())
    }

    /// What rises before the public was signed, at that tier or a higher one, by people who did
    /// sign it.
    fn signed(&self, intent: &Intent) -> Result<(), String> {
        if intent.audience.reach != Reach::Public || !is_rise(intent) {
            return Ok(());
        }
        let all = self.warnings.get(&intent.warning);
        let all = all.into_iter().flatten();
        let mut all = all.filter(|warning| warning.revision <= intent.revision);
        let serves = |warning: &Warning| {
            let signers: BTreeSet<&String> = warning.signed_by.iter().collect();
            let needed = if warning.tier() == Tier::Red { 1 } else { 2 };
            let is_theirs = |who: &&String| {
                let act = (warning.id, (*who).clone());
                self.signed.contains(&act) || self.issuers.contains(*who)
            };
            warning.event != Event::Proposed
                && warning.tier() >= intent.tier
                && signers.len() >= needed
                && signers.iter().all(is_theirs)
        };
        if all.any(serves) {
            return Ok(());
        }
        Err(format!(
            "{} {} {} went to the public in revision {} and nobody signed",
            intent.id,
            intent.purpose.name(),
            intent.tier,
            intent.revision
        ))
    }

    fn progress(&mut self, record: &Record) {
        let progress = if record.kind == PROGRESS {
            Progress::decode(record.payload()).ok()
        } else {
            None
        };
        for entry in progress.into_iter().flat_map(|progress| progress.entries) {
            if let Entry::States {
                intent,
                state,
                recipients,
                receipts,
                ..
            } = entry
            {
                for (recipient, receipt) in recipients.iter().zip(receipts) {
                    self.receipts.insert(((intent, *recipient), receipt));
                }
                for recipient in recipients {
                    self.states.insert((intent, recipient), state);
                }
            }
        }
    }

    /// What zones said so far is what an undisturbed one says, byte for byte, as far as it goes.
    fn compare(&mut self) -> Result<(), String> {
        for (zone, said) in &self.said {
            let wanted = self.mirror.said(*zone);
            let from = self.compared_said.entry(*zone).or_default();
            if let Some(fault) = differs(said, wanted, *from) {
                return Err(format!("zone {zone}: warnings {fault}"));
            }
            *from = said.len();
        }
        for (zone, told) in &self.told {
            let wanted = self.mirror.told(*zone);
            let from = self.compared_told.entry(*zone).or_default();
            if let Some(fault) = differs(told, wanted, *from) {
                return Err(format!("zone {zone}: what the city heard {fault}"));
            }
            *from = told.len();
        }
        for (place, planned) in &self.planned {
            let wanted = self.mirror.planned(*place);
            let from = self.compared.entry(*place).or_default();
            if let Some(fault) = differs(planned, wanted, *from) {
                return Err(format!(
                    "zone {}, link {}: intents {fault}",
                    place.0, place.1
                ));
            }
            *from = planned.len();
        }
        Ok(())
    }

    /// Once all is quiet nothing is missing either.
    pub(super) fn is_whole(&self) -> Result<(), String> {
        for zone in 0..setting().installation.city.zones.len() as u16 {
            let (said, wanted) = (
                self.said.get(&zone).map_or(0, Vec::len),
                self.mirror.said(zone),
            );
            if said != wanted.len() {
                return Err(format!("zone {zone}: {said} records, not {}", wanted.len()));
            }
        }
        for (zone, wanted) in self.mirror.all_told() {
            let told = self.told.get(&zone).map_or(0, Vec::len);
            if told != wanted {
                return Err(format!("zone {zone}: the city heard {told}, not {wanted}"));
            }
        }
        for (place, wanted) in self.mirror.all_planned() {
            let planned = self.planned.get(&place).map_or(0, Vec::len);
            if planned != wanted {
                let (zone, link) = place;
                return Err(format!(
                    "zone {zone}, link {link}: {planned} intents, not {wanted}"
                ));
            }
        }
        Ok(())
    }

    /// What was acknowledged is in the journal.
    pub(super) fn holds(&self, rows: &[Row]) -> Result<(), String> {
        match rows.iter().find(|row| !self.rows.contains(row)) {
            Some(row) => Err(format!("acknowledged and not there: {row:?}")),
            None => Ok(()),
        }
    }

    pub(super) fn intent(&self, id: IntentId) -> Option<&Intent> {
        let mut all = self.intents.iter();
        all.find(|(_, intent)| intent.id == id)
            .map(|(_, intent)| intent)
    }

    /// Whether the message is on disk under that identifier.
    pub(super) fn knows(&self, told: Told, receipt: u64) -> bool {
        self.receipts.contains(&(told, receipt))
    }

    pub(super) fn state(&self, told: Told) -> State {
        self.states.get(&told).copied().unwrap_or_default()
    }
}

fn differs(said: &[Said], wanted: &[Said], from: usize) -> Option<String> {
    let at = (from..said.len()).find(|at| said.get(*at) != wanted.get(*at))?;
    let words = |all: &[Said]| {
        all.get(at).map_or_else(
            || "nothing".to_owned(),
            |(kind, bytes)| {
                let text: String = String::from_utf8_lossy(bytes).chars().take(300).collect();
                format!("{kind} {text}")
            },
        )
    };
    Some(format!(
        "differ at {at}: {} instead of {}",
        words(said),
        words(wanted)
    ))
}

/// An observation by what it says.
fn row(observation: &Observation) -> Row {
    let Observation {
        station,
        parameter,
        time,
        value,
        ..
    } = observation;
    (station.0, parameter.code(), time.millis(), *value)
}

/// True for progress that claims somebody.
pub(super) fn is_claim(record: &Record) -> bool {
    let progress = Progress::decode(record.payload());
    progress.is_ok_and(|progress| {
        progress
            .entries
            .iter()
            .any(|entry| matches!(entry, Entry::States { state, .. } if *state == State::Claimed))
    })
}

/// True for an intent that ends a warning.
pub(super) fn is_end(record: &Record) -> bool {
    serde_json::from_slice::<Intent>(record.payload()).is_ok_and(|intent| intent.is_end())
}

/// True for what tells of a tier for the first time or of a higher one.
pub(super) fn is_rise(intent: &Intent) -> bool {
    matches!(intent.purpose, Purpose::Alert | Purpose::Rise)
}

/// Signatures by those who gave them.
pub(super) fn signature(order: &Order) -> Option<(WarningId, String)> {
    match order {
        Order::Approve {
            warning, person, ..
        }
        | Order::Amend {
            warning, person, ..
        } => Some((*warning, person.clone())),
        Order::Reject { .. }
        | Order::Cancel { .. }
        | Order::Issue { .. }
        | Order::Review { .. }
        | Order::Relay { .. }
        | Order::Confirm { .. }
        | Order::Stand { .. }
        | Order::Mute { .. }
        | Order::Unmute { .. }
        | Order::Answer { .. }
        | Order::AnswerFor { .. }
        | Order::Respond { .. }
        | Order::Decline { .. }
        | Order::Damage { .. }
        | Order::Task { .. }
        | Order::Transfer { .. }
        | Order::Return { .. }
        | Order::Close { .. }
        | Order::Audit(_)
        | Order::Service(_)
        | Order::TakeOver { .. }
        | Order::Drill(_)
        | Order::DrillOver { .. } => None,
    }
}

/// Where an intent's time lies.
pub(super) fn is_over(intent: &Intent, at: Time) -> bool {
    at >= intent.not_after
}
