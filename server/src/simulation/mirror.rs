//! One undisturbed node that steps the same input: what it says is what all must say.

use super::log::Place;
use super::node;
use crate::app::{App, Period};
use crate::courier::INTENT;
use crate::pump::{Pump, kind};
use crate::questions::{Asked, questions};
use dispatch::intent::Intent;
use journal::{Batch, Journal, Kind, MemoryJournal, Offset, Partition, Priority, Record, Topic};
use model::{Input, Span, Time, Warning, WarningId, Zone};
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::runtime::Runtime;

/// A record's kind and what stands in it.
pub(super) type Said = (u8, Vec<u8>);

/// The node and what it said.
pub(super) struct Mirror {
    app: Arc<App>,
    pumps: BTreeMap<u16, (Pump, Asked)>,
    zones: BTreeMap<WarningId, u64>,
    said: BTreeMap<u16, Vec<Said>>,
    planned: BTreeMap<(u64, u16), Vec<Said>>,
    read: BTreeMap<(Topic, Partition), Offset>,
}

impl Mirror {
    pub(super) fn new(runtime: &Runtime, now: Time) -> Self {
        let journal: Arc<dyn Journal> = Arc::new(MemoryJournal::new());
        let never = Period {
            every: Span::from_minutes(1_000_000),
            inputs: u64::MAX,
            at_stop: false,
        };
        let app = runtime.block_on(node::start(journal, now, never));
        let zones = app.installation.city.zones.len() as u16;
        let pump = |zone: u16| {
            let (_, asked) = questions();
            let pump = Pump::open(Arc::clone(&app), Zone(zone)).unwrap();
            (zone, (pump, asked))
        };
        let pumps = (0..zones).map(pump).collect();
        Self {
            app,
            pumps,
            zones: BTreeMap::new(),
            said: BTreeMap::new(),
            planned: BTreeMap::new(),
            read: BTreeMap::new(),
        }
    }

    /// Steps one record of a zone's input. The edition it began with is there already.
    pub(super) fn feed(&mut self, zone: Zone, record: &Record) {
        let input = Topic::actual(Kind::Input);
        let partition = Partition(zone.0);
        let is_there = record.offset < self.app.journal.end(input, partition).unwrap();
        if !is_there {
            let mut batch = Batch::new(record.time_ms, Priority::Vital);
            batch.append(
                input,
                partition,
                record.kind,
                record.key(),
                record.payload(),
            );
            self.app.journal.submit(batch).unwrap().wait().unwrap();
        }
        debug_assert!(Input::decode(record.kind, record.payload()).is_ok());
        if let Some((pump, asked)) = self.pumps.get_mut(&zone.0) {
            while !pump.round(asked).unwrap() {}
        }
        self.listen();
    }

    fn listen(&mut self) {
        let warnings = Topic::actual(Kind::Warnings);
        for zone in 0..self.pumps.len() as u16 {
            for record in self.new_of(warnings, Partition(zone)) {
                let payload = record.payload().to_vec();
                if record.kind == kind::WARNING {
                    let warning: Warning = serde_json::from_slice(&payload).unwrap();
                    self.zones.insert(warning.id, warning.zone.number());
                }
                self.said
                    .entry(zone)
                    .or_default()
                    .push((record.kind, payload));
            }
        }
        let deliveries = Topic::actual(Kind::Deliveries);
        for link in 0..self.app.links.len() as u16 {
            for record in self.new_of(deliveries, Partition(link)) {
                if record.kind != INTENT {
                    continue;
                }
                let intent: Intent = serde_json::from_slice(record.payload()).unwrap();
                let zone = self.zones.get(&intent.warning).copied().unwrap_or(0);
                let planned = self.planned.entry((zone, link)).or_default();
                planned.push((record.kind, record.payload().to_vec()));
            }
        }
    }

    fn new_of(&mut self, topic: Topic, partition: Partition) -> Vec<Record> {
        let next = self.read.entry((topic, partition)).or_default();
        let records = self.app.journal.read(topic, partition, *next, 1 << 20);
        let records = records.unwrap();
        if let Some(last) = records.last() {
            *next = last.offset.plus(1);
        }
        records
    }

    pub(super) fn said(&self, zone: u16) -> &[Said] {
        self.said.get(&zone).map(Vec::as_slice).unwrap_or_default()
    }

    pub(super) fn planned(&self, place: (u64, u16)) -> &[Said] {
        self.planned
            .get(&place)
            .map(Vec::as_slice)
            .unwrap_or_default()
    }

    pub(super) fn all_planned(&self) -> impl Iterator<Item = ((u64, u16), usize)> {
        self.planned.iter().map(|(place, all)| (*place, all.len()))
    }

    /// Every place there is to own.
    pub(super) fn places(&self) -> Vec<Place> {
        let zones = (0..self.pumps.len() as u16).map(Place::Zone);
        let links = (0..self.app.links.len() as u16).map(Place::Link);
        zones.chain(links).collect()
    }
}
