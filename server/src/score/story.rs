//! What the journal keeps of some warnings between two moments: revisions, calls, what was said to whom
//! and what became of it.

use crate::app::App;
use crate::courier::{INTENT, PROGRESS};
use crate::pump::kind;
use dispatch::exercise::Withheld;
use dispatch::intent::{Intent, IntentId};
use dispatch::ladder::{Call, Place, Said};
use dispatch::ledger::{Entry, Progress};
use journal::{Journal, JournalError, Kind, Offset, Partition, Record, Topic};
use model::{Channel, Mode, Reach, Span, Time, Warning, WarningId, Zone};
use std::collections::{BTreeMap, BTreeSet};

/// Bytes of one partition that are read at most.
const READ_MAX: usize = 64 << 20;
/// The same at once.
const READ_BYTES: usize = 1 << 20;
/// Writers' clocks differ: so much before the beginning is looked at.
const SLACK: Span = Span::from_minutes(2);

/// How an intent went and to whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Planned {
    pub(crate) channel: Channel,
    pub(crate) reach: Reach,
}

/// See the file's head.
#[derive(Clone, Debug, Default)]
pub(crate) struct Story {
    pub(crate) from: Time,
    pub(crate) until: Time,
    /// Revisions with their record times.
    pub(crate) warnings: Vec<(Time, Warning)>,
    /// The newest state of each call, also of those that are over.
    pub(crate) calls: BTreeMap<(WarningId, Place), Call>,
    /// The first word of each who answered, by contact id, with what they said last.
    pub(crate) answers: BTreeMap<String, Said>,
    pub(crate) intents: BTreeMap<IntentId, Planned>,
    /// Progress with its record times, by link and then by time.
    pub(crate) progress: Vec<(Time, Entry)>,
    pub(crate) withheld: BTreeMap<&'static str, u64>,
    pub(crate) is_cut: bool,
}

impl Story {
    /// Reads it of the warnings that `is_meant`, in some zones.
    ///
    /// # Errors
    /// A journal that does not answer.
    pub(crate) fn read(
        app: &App,
        zones: &BTreeSet<Zone>,
        (from, until): (Time, Time),
        is_meant: impl Fn(&Warning) -> bool,
    ) -> Result<Self, JournalError> {
        let mut story = Self {
            from,
            until,
            ..Self::default()
        };
        let between = Between {
            journal: &*app.journal,
            mode: app.mode,
            from: from - SLACK,
            until: until + SLACK,
        };
        let mut meant = BTreeSet::new();
        for zone in zones {
            let is_cut = between.each(Kind::Warnings, Partition(zone.0), |record| {
                story.said(record, &mut meant, &is_meant);
            })?;
            story.is_cut |= is_cut;
        }
        for link in (0u16..).take(app.links.len()).map(Partition) {
            let mut is_cut = between.each(Kind::Deliveries, link, |record| {
                story.planned(record, &meant);
            })?;
            is_cut |= between.each(Kind::Receipts, link, |record| story.became(record))?;
            story.is_cut |= is_cut;
        }
        Ok(story)
    }

    fn said(
        &mut self,
        record: &Record,
        meant: &mut BTreeSet<WarningId>,
        is_meant: &impl Fn(&Warning) -> bool,
    ) {
        let at = Time::from_millis(record.time_ms);
        let bytes = record.payload();
        if record.kind == kind::WARNING {
            let read = serde_json::from_slice::<Warning>(bytes).ok();
            if let Some(warning) = read.filter(is_meant) {
                meant.insert(warning.id);
                self.warnings.push((at, warning));
            }
        } else if record.kind == kind::CALL {
            let read = serde_json::from_slice::<Call>(bytes).ok();
            if let Some(call) = read.filter(|call| meant.contains(&call.warning)) {
                self.called(call);
            }
        } else if record.kind == kind::WITHHELD {
            let read = serde_json::from_slice::<Withheld>(bytes).ok();
            if let Some(of) = read.filter(|of| meant.contains(&of.warning)) {
                *self.withheld.entry(of.channel.name()).or_default() += 1;
            }
        }
    }

    fn called(&mut self, call: Call) {
        for said in &call.answers {
            let known = self.answers.entry(said.contact.clone());
            // How fast they were is their first word's, what they said their last.
            known
                .and_modify(|earlier| earlier.answer = said.answer)
                .or_insert_with(|| said.clone());
        }
        self.calls.insert((call.warning, call.place.clone()), call);
    }

    fn planned(&mut self, record: &Record, meant: &BTreeSet<WarningId>) {
        if record.kind != INTENT {
            return;
        }
        let read = serde_json::from_slice::<Intent>(record.payload()).ok();
        if let Some(intent) = read.filter(|intent| meant.contains(&intent.warning)) {
            let said = Planned {
                channel: intent.channel,
                reach: intent.audience.reach,
            };
            self.intents.insert(intent.id, said);
        }
    }

    fn became(&mut self, record: &Record) {
        if record.kind != PROGRESS {
            return;
        }
        let at = Time::from_millis(record.time_ms);
        let Ok(progress) = Progress::decode(record.payload()) else {
            return;
        };
        let known = progress.entries.into_iter();
        let known = known.filter(|entry| self.intents.contains_key(&entry.intent()));
        self.progress.extend(known.map(|entry| (at, entry)));
    }
}

/// Records of a mode between two moments.
struct Between<'a> {
    journal: &'a dyn Journal,
    mode: Mode,
    from: Time,
    until: Time,
}

impl Between<'_> {
    /// Gives each record in between to `take`; true where there were more than are read.
    fn each(
        &self,
        kind: Kind,
        partition: Partition,
        mut take: impl FnMut(&Record),
    ) -> Result<bool, JournalError> {
        let topic = Topic::new(kind, self.mode);
        let mut next = self.seek(topic, partition)?;
        let mut read = 0;
        loop {
            let records = match self.journal.read(topic, partition, next, READ_BYTES) {
                Ok(records) => records,
                Err(JournalError::Trimmed { first, .. }) => {
                    next = first;
                    continue;
                }
                Err(error) => return Err(error),
            };
            if records.is_empty() {
                return Ok(false);
            }
            for record in records {
                if record.time_ms > self.until.millis() {
                    return Ok(false);
                }
                next = record.offset.plus(1);
                read += record.payload().len();
                take(&record);
            }
            if read > READ_MAX {
                return Ok(true);
            }
        }
    }

    /// The first record that may lie in between: times of a partition grow, as far as its writers'
    /// clocks agree.
    fn seek(&self, topic: Topic, partition: Partition) -> Result<Offset, JournalError> {
        let mut low = self.journal.first(topic, partition)?.0;
        let mut high = self.journal.end(topic, partition)?.0;
        while low < high {
            let middle = low + (high - low) / 2;
            let found = self.journal.read(topic, partition, Offset(middle), 1)?;
            match found.first() {
                Some(record) if record.time_ms < self.from.millis() => {
                    low = record.offset.0 + 1;
                }
                Some(_) | None => high = middle,
            }
        }
        Ok(Offset(low))
    }
}
