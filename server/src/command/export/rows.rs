//! The rows of each table, read from the topics of a journal in their order.

use super::What;
use super::table::{Cell, Column, Kind, Table};
use crate::command::Failure;
use crate::courier::{INTENT, PROGRESS};
use crate::pump::kind;
use dispatch::intent::{Intent, RecipientNo};
use dispatch::ledger::{Entry, Ledger, Progress, State};
use ingest::dead_letter::{DeadLetter, Raw};
use journal::{DiskJournal, Journal, JournalError, Partition, Record, Topic};
use model::{AreaCode, City, Input, StationNo, Time, Warning};
use rules::Change;

/// Bytes of a journal read in one turn.
const TURN_BYTES: usize = 4 << 20;

/// The columns of a table.
pub(super) const fn columns(what: What) -> &'static [Column] {
    use Kind::{Decimal, Integer, Text};
    const TIME: Kind = Kind::Time;
    match what {
        What::Observations => &[
            ("station", Text),
            ("parameter", Text),
            ("unit", Text),
            ("time", TIME),
            ("value", Decimal),
            ("interval_s", Integer),
            ("quality", Integer),
            ("zone", Text),
            ("recorded", TIME),
        ],
        What::Situations => &[
            ("time", TIME),
            ("rule", Text),
            ("version", Text),
            ("subject", Text),
            ("from", Text),
            ("to", Text),
            ("values", Text),
            ("past", Text),
            ("unconfirmed", Text),
            ("recorded", TIME),
        ],
        What::Warnings => &[
            ("warning", Text),
            ("revision", Integer),
            ("event", Text),
            ("hazard", Text),
            ("authority", Text),
            ("zone", Text),
            ("time", TIME),
            ("first_rise", TIME),
            ("expires", TIME),
            ("area", Text),
            ("tier", Text),
            ("reached", Text),
            ("onset", TIME),
            ("signed_by", Text),
            ("recorded", TIME),
        ],
        What::DeadLetters => &[
            ("recorded", TIME),
            ("transport", Text),
            ("reason", Text),
            ("line", Integer),
            ("field", Text),
            ("station", Text),
            ("message", Text),
            ("raw", Text),
        ],
        What::Deliveries => &[
            ("delivery", Text),
            ("warning", Text),
            ("revision", Integer),
            ("purpose", Text),
            ("link", Text),
            ("channel", Text),
            ("tier", Text),
            ("onset", TIME),
            ("areas", Text),
            ("sites", Text),
            ("not_after", TIME),
            ("created", TIME),
            ("unknown", Integer),
            ("accepted", Integer),
            ("delivered", Integer),
            ("acknowledged", Integer),
            ("failed", Integer),
            ("expired", Integer),
            ("withdrawn", Integer),
            ("duplicate", Integer),
            ("handed", Integer),
            ("closed", Text),
        ],
        What::Receipts => &[
            ("recorded", TIME),
            ("delivery", Text),
            ("recipient", Integer),
            ("state", Text),
        ],
        What::Ledger => &[
            ("delivery", Text),
            ("warning", Text),
            ("revision", Integer),
            ("channel", Text),
            ("recipient", Integer),
            ("state", Text),
        ],
    }
}

/// What rows are made from.
pub(super) struct Source<'a> {
    pub(super) journal: &'a DiskJournal,
    pub(super) city: &'a City,
}

impl Source<'_> {
    /// Writes every row of the table.
    pub(super) fn write(&self, what: What, table: &mut Table) -> Result<(), Failure> {
        match what {
            What::Observations => self.observations(table),
            What::Situations => self.situations(table),
            What::Warnings => self.warnings(table),
            What::DeadLetters => self.dead_letters(table),
            What::Deliveries => self.deliveries(table),
            What::Receipts => self.receipts(table),
            What::Ledger => self.ledger(table),
        }
    }

    fn observations(&self, table: &mut Table) -> Result<(), Failure> {
        self.each(journal::Kind::Input, |partition, record| {
            let Ok(Input::Observations(rows)) = Input::decode(record.kind, record.payload()) else {
                return Ok(true);
            };
            for row in rows {
                let parameter = row.parameter;
                let cells = vec![
                    Cell::Text(self.station(row.station)),
                    text(parameter.name()),
                    text(parameter.unit()),
                    Cell::Time(row.time),
                    Cell::Decimal(parameter.decimal(i64::from(row.value))),
                    Cell::Integer(i64::from(row.interval_s)),
                    Cell::Integer(i64::from(row.quality.code())),
                    Cell::Text(self.zone(partition)),
                    recorded(record),
                ];
                if !table.row(cells)? {
                    return Ok(false);
                }
            }
            Ok(true)
        })
    }

    fn situations(&self, table: &mut Table) -> Result<(), Failure> {
        self.each(journal::Kind::Warnings, |_, record| {
            if record.kind != kind::CHANGE {
                return Ok(true);
            }
            let Ok(change) = serde_json::from_slice::<Change>(record.payload()) else {
                return Ok(true);
            };
            let values = change.values.iter();
            let values = values
                .map(|(call, value)| format!("{call} = {}", value.as_deref().unwrap_or("unknown")));
            let values: Vec<_> = values.collect();
            table.row(vec![
                Cell::Time(change.time),
                Cell::Text(change.rule),
                Cell::Text(change.version),
                Cell::Text(change.subject),
                text(change.from.name()),
                text(change.to.name()),
                Cell::Text(values.join("; ")),
                flag(change.past),
                flag(change.unconfirmed),
                recorded(record),
            ])
        })
    }

    fn warnings(&self, table: &mut Table) -> Result<(), Failure> {
        self.each(journal::Kind::Warnings, |_, record| {
            if record.kind != kind::WARNING {
                return Ok(true);
            }
            let Ok(warning) = serde_json::from_slice::<Warning>(record.payload()) else {
                return Ok(true);
            };
            for (code, area) in &warning.areas {
                let cells = vec![
                    Cell::Text(warning.id.to_string()),
                    Cell::Integer(i64::from(warning.revision)),
                    text(warning.event.name()),
                    text(warning.hazard.code()),
                    Cell::Text(warning.authority.clone()),
                    Cell::Text(warning.zone.to_string()),
                    Cell::Time(warning.time),
                    Cell::Time(warning.first_rise),
                    Cell::Time(warning.expires),
                    Cell::Text(code.to_string()),
                    text(area.tier.name()),
                    text(area.reached.name()),
                    Cell::Time(area.onset),
                    Cell::Text(warning.signed_by.join(";")),
                    recorded(record),
                ];
                if !table.row(cells)? {
                    return Ok(false);
                }
            }
            Ok(true)
        })
    }

    fn dead_letters(&self, table: &mut Table) -> Result<(), Failure> {
        self.each(journal::Kind::DeadLetters, |_, record| {
            let Ok(letter) = DeadLetter::from_json(record.payload()) else {
                return Ok(true);
            };
            let (Raw::Text(raw) | Raw::Hex(raw)) = letter.raw;
            table.row(vec![
                recorded(record),
                Cell::Text(letter.transport),
                Cell::Text(letter.reason),
                Cell::Integer(i64::try_from(letter.line).unwrap_or(i64::MAX)),
                letter.field.map_or(Cell::Empty, Cell::Text),
                Cell::Text(letter.station),
                Cell::Text(letter.message),
                Cell::Text(raw),
            ])
        })
    }

    fn deliveries(&self, table: &mut Table) -> Result<(), Failure> {
        let ledger = self.states()?;
        self.intents(|intent| {
            let counts = ledger.counts(intent.id);
            let count = |state| Cell::Integer(i64::try_from(counts.of(state)).unwrap_or(i64::MAX));
            let closed = ledger.closed(intent.id);
            let areas: Vec<_> = intent
                .audience
                .areas
                .iter()
                .map(AreaCode::to_string)
                .collect();
            table.row(vec![
                Cell::Text(intent.id.to_string()),
                Cell::Text(intent.warning.to_string()),
                Cell::Integer(i64::from(intent.revision)),
                text(intent.purpose.name()),
                Cell::Text(intent.link.clone()),
                text(intent.channel.name()),
                text(intent.tier.name()),
                Cell::Time(intent.onset),
                Cell::Text(areas.join(";")),
                Cell::Text(intent.audience.sites.join(";")),
                Cell::Time(intent.not_after),
                Cell::Time(intent.created),
                count(State::Unknown),
                count(State::Accepted),
                count(State::Delivered),
                count(State::Acknowledged),
                count(State::Failed),
                count(State::Expired),
                count(State::Withdrawn),
                count(State::Duplicate),
                count(State::Handed),
                closed.map_or(Cell::Empty, |state| text(state.name())),
            ])
        })
    }

    fn receipts(&self, table: &mut Table) -> Result<(), Failure> {
        self.each(journal::Kind::Receipts, |_, record| {
            let Some(progress) = progress(record) else {
                return Ok(true);
            };
            for entry in &progress.entries {
                let (intent, state, recipients) = match entry {
                    Entry::States {
                        intent,
                        state,
                        recipients,
                        ..
                    } => (intent, state, recipients.as_slice()),
                    Entry::Closed { .. } | Entry::Retired { .. } | Entry::Spent { .. } => continue,
                };
                for recipient in recipients {
                    let cells = vec![
                        recorded(record),
                        Cell::Text(intent.to_string()),
                        Cell::Integer(i64::from(*recipient)),
                        text(state.name()),
                    ];
                    if !table.row(cells)? {
                        return Ok(false);
                    }
                }
            }
            Ok(true)
        })
    }

    fn ledger(&self, table: &mut Table) -> Result<(), Failure> {
        let ledger = self.states()?;
        self.intents(|intent| {
            let mut rows: Vec<(RecipientNo, State)> = Vec::new();
            ledger.for_each(intent.id, |recipient, state| rows.push((recipient, state)));
            for (recipient, state) in rows {
                let cells = vec![
                    Cell::Text(intent.id.to_string()),
                    Cell::Text(intent.warning.to_string()),
                    Cell::Integer(i64::from(intent.revision)),
                    text(intent.channel.name()),
                    Cell::Integer(i64::from(recipient.0)),
                    text(state.name()),
                ];
                if !table.row(cells)? {
                    return Ok(false);
                }
            }
            Ok(true)
        })
    }

    /// What became of every message.
    fn states(&self) -> Result<Ledger, Failure> {
        let mut ledger = Ledger::default();
        self.each(journal::Kind::Receipts, |_, record| {
            if let Some(progress) = progress(record) {
                ledger.apply(&progress);
            }
            Ok(true)
        })?;
        Ok(ledger)
    }

    fn intents(
        &self,
        mut hear: impl FnMut(&Intent) -> Result<bool, Failure>,
    ) -> Result<(), Failure> {
        self.each(journal::Kind::Deliveries, |_, record| {
            if record.kind != INTENT {
                return Ok(true);
            }
            match serde_json::from_slice::<Intent>(record.payload()) {
                Ok(intent) => hear(&intent),
                Err(_) => Ok(true),
            }
        })
    }

    /// Every record of a topic, partition by partition, until `hear` has enough.
    fn each(
        &self,
        kind: journal::Kind,
        mut hear: impl FnMut(Partition, &Record) -> Result<bool, Failure>,
    ) -> Result<(), Failure> {
        let failed = |error: JournalError| Failure::Failed(error.to_string());
        let topic = Topic::actual(kind);
        for partition in (0..=u16::MAX).map(Partition) {
            let mut next = self.journal.first(topic, partition).map_err(failed)?;
            while next < self.journal.end(topic, partition).map_err(failed)? {
                let records = self
                    .journal
                    .read(topic, partition, next, TURN_BYTES)
                    .map_err(failed)?;
                let Some(last) = records.last() else { break };
                next = last.offset.plus(1);
                for record in &records {
                    if !hear(partition, record)? {
                        return Ok(());
                    }
                }
            }
        }
        Ok(())
    }

    fn station(&self, no: StationNo) -> String {
        let station = self.city.station(no);
        station.map_or_else(|| format!("#{}", no.0), |station| station.id.clone())
    }

    fn zone(&self, partition: Partition) -> String {
        self.city.zone_code(model::Zone(partition.0)).to_string()
    }
}

fn progress(record: &Record) -> Option<Progress> {
    (record.kind == PROGRESS)
        .then(|| Progress::decode(record.payload()).ok())
        .flatten()
}

fn recorded(record: &Record) -> Cell {
    Cell::Time(Time::from_millis(record.time_ms))
}

fn text(text: &str) -> Cell {
    Cell::Text(text.to_owned())
}

fn flag(is_set: bool) -> Cell {
    text(if is_set { "yes" } else { "no" })
}
