//! What a zone heard beside its readings: forecasts, signals of other authorities and silences of
//! rules, read from what the journal keeps of it, in the order of record time.

use crate::app::App;
use crate::pump::{self, kind};
use crate::signals::zones_of;
use journal::{Journal, JournalError, Kind, Offset, Partition, Record, Topic};
use model::signal::SignalKind;
use model::{Forecast, Input, Muted, Order, Signal, Span, Time, Zone};
use rules::{Effect, Engine};
use std::collections::BTreeSet;

/// Bytes of the journal read in one turn.
const TURN_BYTES: usize = 4 << 20;
/// Forecasts are read back so much further than readings: an older issue has been replaced.
const FORECASTS_BEFORE: Span = Span::from_minutes(48 * 60);
/// Signals stand until they are lifted, for days at a time.
const SIGNALS_BEFORE: Span = Span::from_minutes(10 * 24 * 60);

/// What was heard at once.
pub(super) enum Word {
    Forecasts(Vec<Forecast>),
    Signal(Box<Signal>),
    Order(Box<Order>),
}

/// Words of one zone by the record time at which it heard them.
#[derive(Default)]
pub(super) struct Heard {
    words: Vec<(Time, Word)>,
    /// Since when all signals are known, where what came before is deleted or was not looked at and
    /// something refers to it.
    pub(super) signals_since: Option<Time>,
}

impl Heard {
    /// What `zone` heard of what may count from `begin` on.
    pub(super) fn read(app: &App, zone: Zone, begin: Time) -> Result<Self, JournalError> {
        let partition = Partition(zone.0);
        let mut heard = Self::default();
        let series = Topic::new(Kind::Series, app.mode);
        each(
            &*app.journal,
            series,
            partition,
            begin - FORECASTS_BEFORE,
            |record| heard.series(record),
        )?;
        let warnings = Topic::new(Kind::Warnings, app.mode);
        let since = begin - SIGNALS_BEFORE;
        let (mut known, mut strangers) = (BTreeSet::new(), false);
        // Those that stand since long before say so by themselves.
        for signal in app.view.official() {
            if signal.sent < since && zones_of(&app.installation.city, &signal).contains(&zone) {
                known.insert(signal.identifier.clone());
                heard
                    .words
                    .push((signal.sent, Word::Signal(Box::new(signal))));
            }
        }
        let first = each(&*app.journal, warnings, partition, since, |record| {
            let at = Time::from_millis(record.time_ms);
            if record.kind == kind::SIGNAL
                && let Ok(signal) = serde_json::from_slice::<Signal>(record.payload())
            {
                let is_known = |id: &String| known.contains(id);
                let refers = signal.kind != SignalKind::Alert;
                strangers |= refers && !signal.references.iter().any(is_known);
                known.insert(signal.identifier.clone());
                heard.words.push((at, Word::Signal(Box::new(signal))));
            }
            if record.kind == kind::MUTED
                && let Ok(muted) = serde_json::from_slice::<Muted>(record.payload())
                && let Some(order) = order(muted)
            {
                heard.words.push((at, Word::Order(Box::new(order))));
            }
        })?;
        let is_cut = first.is_some_and(|first| first > begin);
        heard.signals_since = match first {
            Some(first) if is_cut || strangers => Some(first.max(since)),
            Some(_) | None => None,
        };
        heard.words.sort_by_key(|(at, _)| *at);
        Ok(heard)
    }

    fn series(&mut self, record: &Record) {
        if record.kind != pump::FORECASTS {
            return;
        }
        let Ok(bytes) = lz4_flex::decompress_size_prepended(record.payload()) else {
            return;
        };
        let kind = Input::Forecasts(Vec::new()).kind();
        if let Ok(Input::Forecasts(forecasts)) = Input::decode(kind, &bytes) {
            let at = Time::from_millis(record.time_ms);
            self.words.push((at, Word::Forecasts(forecasts)));
        }
    }

    /// When the first forecast was heard.
    pub(super) fn forecasts_since(&self) -> Option<Time> {
        let mut words = self.words.iter();
        words.find_map(|(at, word)| matches!(word, Word::Forecasts(_)).then_some(*at))
    }

    /// When the first of it was heard.
    pub(super) fn first(&self) -> Option<Time> {
        self.words.first().map(|(at, _)| *at)
    }

    /// Forecasts, signals, and silences begun and ended.
    pub(super) fn counts(&self) -> [u64; 3] {
        let mut counts = [0; 3];
        let [forecasts, signals, mutes] = &mut counts;
        for (_, word) in &self.words {
            match word {
                Word::Forecasts(some) => *forecasts += some.len() as u64,
                Word::Signal(_) => *signals += 1,
                Word::Order(_) => *mutes += 1,
            }
        }
        counts
    }

    /// The word after the first `told` ones, where it was heard by `time`.
    pub(super) fn next(&self, told: usize, time: Time) -> Option<(Time, &Word)> {
        let next = self.words.get(told);
        next.filter(|(at, _)| *at <= time)
            .map(|(at, word)| (*at, word))
    }
}

impl Word {
    /// Lets an engine hear it.
    pub(super) fn tell(&self, at: Time, engine: &mut Engine, effects: &mut Vec<Effect>) {
        match self {
            Self::Forecasts(some) => engine.expect(at, some, effects),
            Self::Signal(signal) => engine.signal(at, signal, effects),
            Self::Order(order) => engine.order(at, order, effects),
        }
    }
}

/// The order behind a silence that began, or that a person ended; what ran out ends by itself.
fn order(muted: Muted) -> Option<Order> {
    let Muted {
        mute,
        over,
        lifted_by,
        ..
    } = muted;
    let areas = mute.area.into_iter().collect();
    match (over, lifted_by) {
        (None, _) => Some(Order::Mute {
            rule: mute.rule,
            areas,
            until: mute.until,
            person: mute.person,
            reason: mute.reason,
        }),
        (Some(_), Some(person)) => Some(Order::Unmute {
            rule: mute.rule,
            areas,
            person,
            reason: mute.reason,
        }),
        (Some(_), None) => None,
    }
}

/// Hands out each record from `since` on. Gives the record time of the first that is left where those
/// before it are deleted, else `since`; nothing where there is none.
fn each(
    journal: &dyn Journal,
    topic: Topic,
    partition: Partition,
    since: Time,
    mut hear: impl FnMut(&Record),
) -> Result<Option<Time>, JournalError> {
    let kept = journal.first(topic, partition)?;
    let mut next = seek(journal, topic, partition, kept, since)?;
    let is_cut = kept > Offset(0) && next == kept;
    let mut first = None;
    loop {
        let records = match journal.read(topic, partition, next, TURN_BYTES) {
            // What is too old went while it was looked at.
            Err(JournalError::Trimmed { first, .. }) if first > next => {
                next = first;
                continue;
            }
            read => read?,
        };
        let Some(last) = records.last() else {
            return Ok(first);
        };
        next = last.offset.plus(1);
        let began = records.first().map(|one| Time::from_millis(one.time_ms));
        first = first.or(began.map(|began| if is_cut { began } else { since }));
        records.iter().for_each(&mut hear);
    }
}

/// The first record at or after `kept` that is not older than `since`: record time never falls in a
/// partition.
fn seek(
    journal: &dyn Journal,
    topic: Topic,
    partition: Partition,
    kept: Offset,
    since: Time,
) -> Result<Offset, JournalError> {
    let (mut low, mut high) = (kept, journal.end(topic, partition)?);
    while low < high {
        let middle = Offset(low.0 + (high.0 - low.0) / 2);
        match journal.read(topic, partition, middle, 1) {
            Err(JournalError::Trimmed { .. }) => low = middle.plus(1),
            read => match read?.first() {
                Some(found) if found.time_ms < since.millis() => low = found.offset.plus(1),
                Some(_) | None => high = middle,
            },
        }
    }
    Ok(low)
}
