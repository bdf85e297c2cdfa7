//! Undisturbed nodes that step the same input: what they say is what all must say. Each zone has one
//! of its own, so that what a zone puts into the city's input is seen and is not stepped twice.

use super::city::setting;
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

/// Kind of [`Input::Revised`].
const REVISED: u8 = 10;

/// A record's kind and what stands in it.
pub(super) type Said = (u8, Vec<u8>);

/// The nodes and what they said.
pub(super) struct Mirror {
    nodes: BTreeMap<u16, Node>,
    zones: BTreeMap<WarningId, u64>,
    said: BTreeMap<u16, Vec<Said>>,
    planned: BTreeMap<(u64, u16), Vec<Said>>,
    /// What each zone put into the city's input.
    told: BTreeMap<u64, Vec<Said>>,
}

/// The node of one zone.
struct Node {
    app: Arc<App>,
    pump: Pump,
    asked: Asked,
    read: BTreeMap<(Topic, Partition), Offset>,
}

impl Mirror {
    pub(super) fn new(runtime: &Runtime, now: Time) -> Self {
        let never = Period {
            every: Span::from_minutes(1_000_000),
            inputs: u64::MAX,
            at_stop: false,
        };
        let node = |zone: u16| {
            let journal: Arc<dyn Journal> = Arc::new(MemoryJournal::new());
            let app = runtime.block_on(node::start(journal, now, never));
            let (_, asked) = questions();
            let pump = Pump::open(Arc::clone(&app), Zone(zone)).unwrap();
            let read = BTreeMap::new();
            let node = Node {
                app,
                pump,
                asked,
                read,
            };
            (zone, node)
        };
        let zones = setting().installation.city.zones.len() as u16;
        Self {
            nodes: (0..zones).map(node).collect(),
            zones: BTreeMap::new(),
            said: BTreeMap::new(),
            planned: BTreeMap::new(),
            told: BTreeMap::new(),
        }
    }

    /// Steps one record of a zone's input. The edition it began with is there already.
    pub(super) fn feed(&mut self, zone: Zone, record: &Record) {
        let input = Topic::actual(Kind::Input);
        let partition = Partition(zone.0);
        let Some(node) = self.nodes.get_mut(&zone.0) else {
            return;
        };
        let is_there = record.offset < node.app.journal.end(input, partition).unwrap();
        if !is_there {
            let mut batch = Batch::new(record.time_ms, Priority::Vital);
            batch.append(
                input,
                partition,
                record.kind,
                record.key(),
                record.payload(),
            );
            node.app.journal.submit(batch).unwrap().wait().unwrap();
        }
        debug_assert!(Input::decode(record.kind, record.payload()).is_ok());
        while !node.pump.round(&node.asked).unwrap() {}
        self.listen(zone);
    }

    fn listen(&mut self, zone: Zone) {
        let Some(node) = self.nodes.get_mut(&zone.0) else {
            return;
        };
        let warnings = Topic::actual(Kind::Warnings);
        for record in node.new_of(warnings, Partition(zone.0)) {
            let payload = record.payload().to_vec();
            if record.kind == kind::WARNING {
                let warning: Warning = serde_json::from_slice(&payload).unwrap();
                self.zones.insert(warning.id, warning.zone.number());
            }
            let said = self.said.entry(zone.0).or_default();
            said.push((record.kind, payload));
        }
        let city = node.app.installation.city.city_zone();
        if zone != city {
            let code = node.app.zone_code(zone).number();
            let input = Topic::actual(Kind::Input);
            let told = node.new_of(input, Partition(city.0)).into_iter();
            let told = told.map(|record| (record.kind, record.payload().to_vec()));
            let told = told.filter(|(kind, _)| *kind == REVISED);
            self.told.entry(code).or_default().extend(told);
        }
        let deliveries = Topic::actual(Kind::Deliveries);
        for link in 0..node.app.links.len() as u16 {
            for record in node.new_of(deliveries, Partition(link)) {
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

    pub(super) fn said(&self, zone: u16) -> &[Said] {
        self.said.get(&zone).map(Vec::as_slice).unwrap_or_default()
    }

    /// What a zone put into the city's input.
    pub(super) fn told(&self, zone: u64) -> &[Said] {
        self.told.get(&zone).map(Vec::as_slice).unwrap_or_default()
    }

    pub(super) fn all_told(&self) -> impl Iterator<Item = (u64, usize)> {
        self.told.iter().map(|(zone, all)| (*zone, all.len()))
    }

    /// The zone that made a warning, by the number in its area code.
    pub(super) fn zone_of(&self, warning: WarningId) -> u64 {
        self.zones.get(&warning).copied().unwrap_or(0)
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
        let zones = (0..self.nodes.len() as u16).map(Place::Zone);
        let links = self
            .nodes
            .values()
            .next()
            .map_or(0, |node| node.app.links.len());
        let links = (0..links as u16).map(Place::Link);
        zones.chain(links).collect()
    }
}

impl Node {
    fn new_of(&mut self, topic: Topic, partition: Partition) -> Vec<Record> {
        let next = self.read.entry((topic, partition)).or_default();
        let records = self.app.journal.read(topic, partition, *next, 1 << 20);
        let records = records.unwrap();
        if let Some(last) = records.last() {
            *next = last.offset.plus(1);
        }
        records
    }
}
