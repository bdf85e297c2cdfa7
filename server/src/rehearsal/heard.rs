//! What a zone heard beside its readings: forecasts, signals of other authorities and silences of
//! rules, read from what the journal keeps of it, in the order of record time.

use crate::app::App;
use crate::pump::{self, kind};
use crate::signals::zones_of;
use journal::{Journal, JournalError, Kind, Offset, Partition, Record, Topic};
use model::signal::SignalKind;
use model::{Forecast, Input, Mode, Muted, Order, Signal, Span, Time, Zone};
use rules::{Effect, Engine};
use std::collections::{BTreeSet, VecDeque};

/// Bytes of the journal read in one turn.
const TURN_BYTES: usize = 4 << 20;
/// Forecasts are read back so much further than readings: an older issue has been replaced.
const FORECASTS_BEFORE: Span = Span::from_minutes(48 * 60);
/// Signals stand until they are lifted, for days at a time.
const SIGNALS_BEFORE: Span = Span::from_minutes(10 * 24 * 60);
/// Bytes of one zone's forecasts in memory, as the journal writes them: the newest are kept.
const FORECAST_BYTES_MAX: usize = 64 << 20;
/// Signals of one zone in memory beside those that stand since before: the newest are kept.
const SIGNALS_MAX: usize = 20_000;
/// The same of silences begun and ended.
const ORDERS_MAX: usize = 20_000;

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
    /// Since when all forecasts are known, where older ones did not find room.
    pub(super) forecasts_since: Option<Time>,
    /// Since when all signals are known, where what came before is deleted, did not find room or was
    /// not looked at and something refers to it.
    pub(super) signals_since: Option<Time>,
    /// Since when all silences are known, where older ones did not find room.
    pub(super) orders_since: Option<Time>,
}

impl Heard {
    /// What `zone` heard of what may count from `begin` on.
    pub(super) fn read(app: &App, zone: Zone, begin: Time) -> Result<Self, JournalError> {
        let mut standing = app.view.official();
        standing.retain(|signal| zones_of(&app.installation.city, signal).contains(&zone));
        Self::of(&*app.journal, app.mode, zone, begin, standing)
    }

    /// The same, with the signals that are in force there at present.
    fn of(
        journal: &dyn Journal,
        mode: Mode,
        zone: Zone,
        begin: Time,
        mut standing: Vec<Signal>,
    ) -> Result<Self, JournalError> {
        let partition = Partition(zone.0);
        let series = Topic::new(Kind::Series, mode);
        let mut forecasts = Newest::up_to(FORECAST_BYTES_MAX);
        let earliest = begin - FORECASTS_BEFORE;
        each(journal, series, partition, earliest, |record| {
            if let Some((forecast, bytes)) = forecasts_of(record) {
                forecasts.push(Time::from_millis(record.time_ms), forecast, bytes);
            }
        })?;
        let warnings = Topic::new(Kind::Warnings, mode);
        let since = begin - SIGNALS_BEFORE;
        let mut signals = Newest::up_to(SIGNALS_MAX);
        let mut orders = Newest::up_to(ORDERS_MAX);
        let first = each(journal, warnings, partition, since, |record| {
            let at = Time::from_millis(record.time_ms);
            if record.kind == kind::SIGNAL
                && let Ok(signal) = serde_json::from_slice::<Signal>(record.payload())
            {
                signals.push(at, signal, 1);
            }
            if record.kind == kind::MUTED
                && let Ok(muted) = serde_json::from_slice::<Muted>(record.payload())
                && let Some(order) = order(muted)
            {
                orders.push(at, order, 1);
            }
        })?;
        // Those that stand since long before say so by themselves.
        standing.retain(|signal| signal.sent < since);
        let strangers = refer_to_strangers(&standing, signals.items());
        let is_cut = first.is_some_and(|first| first > begin);
        let read_since = match first {
            Some(first) if is_cut || strangers => Some(first.max(since)),
            Some(_) | None => None,
        };
        let mut heard = Self {
            words: Vec::new(),
            forecasts_since: forecasts.since(),
            signals_since: read_since.max(signals.since()),
            orders_since: orders.since(),
        };
        let signal = |signal| Word::Signal(Box::new(signal));
        let standing = standing.into_iter();
        let words = &mut heard.words;
        words.extend(forecasts.told(Word::Forecasts));
        words.extend(standing.map(|one| (one.sent, signal(one))));
        words.extend(signals.told(signal));
        words.extend(orders.told(|order| Word::Order(Box::new(order))));
        words.sort_by_key(|(at, _)| *at);
        Ok(heard)
    }

    /// When the first forecast was heard that is known.
    pub(super) fn first_forecast(&self) -> Option<Time> {
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

/// The newest of one kind of words, in the order in which they were heard: as many as find room.
struct Newest<T> {
    kept: VecDeque<(Time, T, usize)>,
    size: usize,
    size_max: usize,
    is_cut: bool,
}

impl<T> Newest<T> {
    const fn up_to(size_max: usize) -> Self {
        Self {
            kept: VecDeque::new(),
            size: 0,
            size_max,
            is_cut: false,
        }
    }

    /// Keeps it, whatever its own size, and lets go of the oldest beyond the room there is.
    fn push(&mut self, at: Time, item: T, size: usize) {
        self.kept.push_back((at, item, size));
        self.size += size;
        while self.size > self.size_max && self.kept.len() > 1 {
            let oldest = self.kept.pop_front();
            self.size -= oldest.map_or(0, |(_, _, size)| size);
            self.is_cut = true;
        }
    }

    /// Since when it is whole, where something did not find room.
    fn since(&self) -> Option<Time> {
        let oldest = self.kept.front().filter(|_| self.is_cut);
        oldest.map(|(at, _, _)| *at)
    }

    fn items(&self) -> impl Iterator<Item = &T> {
        self.kept.iter().map(|(_, item, _)| item)
    }

    fn told(self, word: impl Fn(T) -> Word) -> impl Iterator<Item = (Time, Word)> {
        let kept = self.kept.into_iter();
        kept.map(move |(at, item, _)| (at, word(item)))
    }
}

/// The forecasts of a record, and their bytes.
fn forecasts_of(record: &Record) -> Option<(Vec<Forecast>, usize)> {
    if record.kind != pump::FORECASTS {
        return None;
    }
    let bytes = lz4_flex::decompress_size_prepended(record.payload()).ok()?;
    let kind = Input::Forecasts(Vec::new()).kind();
    match Input::decode(kind, &bytes) {
        Ok(Input::Forecasts(forecasts)) => Some((forecasts, bytes.len())),
        Ok(_) | Err(_) => None,
    }
}

/// Whether one of the signals replaces or lifts what is neither standing nor among those before it.
fn refer_to_strangers<'s>(
    standing: &'s [Signal],
    signals: impl Iterator<Item = &'s Signal>,
) -> bool {
    let known = standing.iter().map(|signal| signal.identifier.as_str());
    let mut known: BTreeSet<&str> = known.collect();
    for signal in signals {
        let is_known = |id: &String| known.contains(id.as_str());
        if signal.kind != SignalKind::Alert && !signal.references.iter().any(is_known) {
            return true;
        }
        known.insert(&signal.identifier);
    }
    false
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

#[cfg(test)]
mod tests {
    use super::*;
    use journal::{Batch, MemoryJournal, Priority};
    use model::{AreaCode, ForecastPlace, ForecastSeries, Hazard, Mute, Parameter, Tier};

    const ZONE: Zone = Zone(1);
    const BEGIN: Time = Time::from_minute(28_000_000);

    /// The time of the n-th word, none of them before the span.
    fn nth(n: usize) -> Time {
        BEGIN + Span::from_seconds(n as i64)
    }

    async fn heard(topic: Kind, kind: u8, payloads: impl Iterator<Item = Vec<u8>>) -> Heard {
        let journal = MemoryJournal::new();
        for (n, payload) in payloads.enumerate() {
            let mut batch = Batch::new(nth(n).millis(), Priority::Vital);
            let topic = Topic::new(topic, Mode::Actual);
            batch.append(topic, Partition(ZONE.0), kind, &[], &payload);
            journal.submit(batch).unwrap().await.unwrap();
        }
        Heard::of(&journal, Mode::Actual, ZONE, BEGIN, Vec::new()).unwrap()
    }

    fn area() -> AreaCode {
        AreaCode::parse("440106014000").unwrap()
    }

    fn signal(n: usize) -> Signal {
        Signal {
            identifier: n.to_string(),
            sender: "met".into(),
            sender_name: "met".into(),
            sent: nth(n),
            mode: Mode::Actual,
            kind: SignalKind::Alert,
            references: Vec::new(),
            hazard: Hazard::from_code("11B01"),
            event: "typhoon".into(),
            tier: Tier::Yellow,
            areas: vec![area()],
            area_desc: Vec::new(),
            onset: nth(n),
            expires: None,
            texts: Vec::new(),
            state: None,
        }
    }

    fn muted(n: usize) -> Muted {
        Muted {
            zone: area(),
            mute: Mute {
                rule: "rainstorm".into(),
                area: None,
                since: nth(n),
                until: nth(n + 60),
                person: "chen".into(),
                reason: "moss".into(),
            },
            over: None,
            lifted_by: None,
        }
    }

    fn json(value: &impl serde::Serialize) -> Vec<u8> {
        serde_json::to_vec(value).unwrap()
    }

    #[tokio::test]
    async fn the_newest_forecasts_that_find_room_are_kept() {
        let of_a_mebibyte = |issued| {
            let series = ForecastSeries {
                issued,
                source: "m".repeat(1 << 20),
                parameter: Parameter::Rainfall,
                place: ForecastPlace::Area(area()),
                steps: Vec::new(),
            };
            let stored = Input::Forecasts(vec![Forecast::Series(series)]).encode();
            lz4_flex::compress_prepend_size(&stored)
        };
        let issued = |count| (0..count).map(|n| of_a_mebibyte(nth(n)));
        // With its other fields each is a little more than that: 63 find room.
        let all = heard(Kind::Series, pump::FORECASTS, issued(63)).await;
        assert_eq!((all.counts(), all.forecasts_since), ([63, 0, 0], None));
        let newest = heard(Kind::Series, pump::FORECASTS, issued(66)).await;
        assert_eq!(newest.counts(), [63, 0, 0]);
        assert_eq!(newest.forecasts_since, Some(nth(3)));
        assert_eq!(newest.first_forecast(), Some(nth(3)));
    }

    #[tokio::test]
    async fn the_newest_signals_are_kept() {
        let sent = |count| (0..count).map(|n| json(&signal(n)));
        let all = heard(Kind::Warnings, kind::SIGNAL, sent(SIGNALS_MAX)).await;
        assert_eq!((all.counts(), all.signals_since), ([0, 20_000, 0], None));
        let newest = heard(Kind::Warnings, kind::SIGNAL, sent(SIGNALS_MAX + 2)).await;
        assert_eq!(newest.counts(), [0, 20_000, 0]);
        assert_eq!(newest.signals_since, Some(nth(2)));
        assert_eq!(newest.first(), Some(nth(2)));
    }

    #[tokio::test]
    async fn the_newest_silences_are_kept() {
        let begun = |count| (0..count).map(|n| json(&muted(n)));
        let all = heard(Kind::Warnings, kind::MUTED, begun(ORDERS_MAX)).await;
        assert_eq!((all.counts(), all.orders_since), ([0, 0, 20_000], None));
        let newest = heard(Kind::Warnings, kind::MUTED, begun(ORDERS_MAX + 2)).await;
        assert_eq!(newest.counts(), [0, 0, 20_000]);
        assert_eq!(newest.orders_since, Some(nth(2)));
        assert_eq!(newest.first(), Some(nth(2)));
    }

    #[test]
    fn one_that_is_larger_than_the_room_is_kept_alone() {
        let mut newest = Newest::up_to(4);
        newest.push(nth(0), 'a', 2);
        newest.push(nth(1), 'b', 9);
        assert_eq!(newest.items().collect::<String>(), "b");
        assert_eq!(newest.since(), Some(nth(1)));
    }
}
