//! What the screens show: a read model built from the journal's topics, never a source of truth.

mod deliveries;
mod item;
mod lapsed;
mod muted;
mod newest;
mod remarks;
mod responded;
mod signals;
mod silences;

pub(crate) use deliveries::Way;
pub(crate) use item::{
    AnswerItem, CallItem, DeliveryItem, LastValue, MutedItem, Release, SignalItem, SituationItem,
    WarningItem,
};

pub(crate) use lapsed::Lapsed;
pub(crate) use responded::{Responded, missed};
pub(crate) use signals::Signals;

use crate::stream::Stream;
use deliveries::{Deliveries, Subject};
use dispatch::gateway::state_bulletin;
use dispatch::ladder::{Call, Place};
use ingest::quality::{Cause, Finding};
use model::silence::Silences;
use model::warning::Event;
use model::{
    AreaCode, Cadence, City, Mute, Observation, Offset, Parameter, Pending, Signal, StationNo,
    TakenOver, Tier, Time, Warning, WarningId,
};
pub(crate) use newest::Changes;
use newest::Newest;
use parking_lot::RwLock;
pub(crate) use remarks::Flag;
use remarks::Screened;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

/// Warnings kept for the screens; the oldest ended ones go first.
pub(crate) const WARNINGS_MAX: usize = 2_000;
/// Revisions kept for those who still have to publish them.
const REVISIONS_MAX: usize = 4_096;
/// Calls kept for the screens.
pub(crate) const CALLS_MAX: usize = 20_000;
/// Shifts that were taken over, kept for the screens.
pub(crate) const TAKEN_OVER_MAX: usize = 20;

/// The read model, shared by API handlers and fed by the pumps and couriers.
pub(crate) struct View {
    offset: Offset,
    stream: Stream,
    inner: RwLock<Inner>,
    newest: Newest,
}

/// What people have to do.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Waiting {
    /// Proposals that wait for a signature.
    pub(crate) signatures: Due,
    /// Releases that wait for a review.
    pub(crate) reviews: Due,
}

/// How many acts are waited for.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Due {
    /// In time.
    pub(crate) open: i64,
    /// Too long.
    pub(crate) overdue: i64,
}

impl Due {
    fn count(&mut self, overdue: bool) {
        if overdue {
            self.overdue += 1;
        } else {
            self.open += 1;
        }
    }
}

#[derive(Default)]
struct Inner {
    time: Time,
    warnings: BTreeMap<WarningId, WarningItem>,
    originals: BTreeMap<WarningId, Arc<Warning>>,
    pendings: BTreeMap<WarningId, Pending>,
    revisions: VecDeque<Arc<Warning>>,
    peaks: BTreeMap<(String, String), Tier>,
    situations: BTreeMap<(String, String), SituationItem>,
    signals: Signals,
    responded: Responded,
    muted: BTreeMap<muted::Key, Mute>,
    calls: BTreeMap<(WarningId, Place), (Call, CallItem)>,
    deliveries: Deliveries,
    /// By the code of the zone.
    silences: BTreeMap<AreaCode, Silences>,
    /// Who took the last shifts over, newest last.
    taken_over: VecDeque<TakenOver>,
    /// Validities that ran out and were told of.
    lapses: BTreeMap<WarningId, String>,
}

impl Inner {
    fn keep_revision(&mut self, warning: &Arc<Warning>) {
        self.revisions.push_back(Arc::clone(warning));
        if self.revisions.len() > REVISIONS_MAX {
            self.revisions.pop_front();
        }
    }
}

impl View {
    /// An empty view of `city` that tells `stream` of every change.
    pub(crate) fn new(city: &City, stream: Stream) -> Self {
        Self {
            offset: city.offset,
            stream,
            inner: RwLock::default(),
            newest: Newest::new(city),
        }
    }

    /// The event stream behind the view.
    pub(crate) fn stream(&self) -> &Stream {
        &self.stream
    }

    /// Text of an instant as the screens show it.
    pub(crate) fn text(&self, time: Time) -> String {
        time.display(self.offset)
    }

    /// Record time moved on; screens hear of it once a second of record time at most.
    pub(crate) fn time(&self, time: Time) {
        let mut inner = self.inner.write();
        if time.seconds() > inner.time.seconds() {
            inner.time = time;
            let text = self.text(time);
            self.stream
                .send_open("time", &serde_json::json!({ "time": text }));
        }
    }

    /// The latest record time seen.
    pub(crate) fn now(&self) -> Time {
        self.inner.read().time
    }

    /// Values as the screen gave them on; keeps the newest of each station and parameter.
    pub(crate) fn observed(&self, observations: &[Observation]) {
        self.newest.observed(observations);
    }

    /// What the screen found in them.
    pub(crate) fn found(&self, findings: &[Finding]) {
        self.newest.found(findings);
    }

    /// Observation time of the newest value of one parameter of a station, and how often there is one.
    pub(crate) fn heard(
        &self,
        station: StationNo,
        parameter: Parameter,
    ) -> Option<(Time, Cadence)> {
        let last = self.newest.one(station, parameter)?;
        Some((last.time, last.cadence))
    }

    /// The newest value of each parameter of a station.
    pub(crate) fn last(&self, station: StationNo) -> BTreeMap<&'static str, LastValue> {
        let newest = self.newest.of(station).into_iter();
        let shown = newest.map(|(parameter, last)| {
            let value = LastValue {
                time: self.text(last.time),
                value: parameter.decimal(i64::from(last.value)),
                unit: parameter.unit(),
                quality: last.quality.code(),
                finding: last.cause.map(Cause::name),
            };
            (parameter.name(), value)
        });
        shown.collect()
    }

    /// What quality control said of the latest values of a series.
    pub(crate) fn screened(&self, station: StationNo, parameter: Parameter) -> Screened {
        let last = self.newest.one(station, parameter);
        Screened {
            newest: last.map(|last| (last.time, last.quality.code())),
            flags: self.newest.flags(station, parameter),
            findings: self.newest.findings(station, parameter),
        }
    }

    /// Newest values and remarks of stations, as far as they are new since the look that `since` gives
    /// for each; all of them since 0, nothing where there is none.
    pub(crate) fn changes(&self, since: impl Fn(StationNo) -> Option<u64>) -> Changes {
        self.newest.changes(since)
    }

    /// What [`View::changes`] gave, before the last stop or in another process.
    pub(crate) fn changed(&self, changes: &Changes) {
        self.newest.changed(changes);
    }

    /// Drops the remarks of some stations, before all of them come again.
    pub(crate) fn unremarked(&self, is_own: impl Fn(StationNo) -> bool) {
        self.newest.unremarked(is_own);
    }

    /// A revision of a warning is decided: those who publish it find it from now on.
    pub(crate) fn decided(&self, warning: Warning) {
        let warning = Arc::new(warning);
        let mut inner = self.inner.write();
        inner.keep_revision(&warning);
        inner.originals.insert(warning.id, warning);
        while inner.originals.len() > WARNINGS_MAX {
            let oldest = inner
                .originals
                .values()
                .min_by_key(|w| (w.tier() != Tier::None, w.time))
                .map(|w| w.id);
            let Some(id) = oldest else { break };
            inner.warnings.remove(&id);
            inner.originals.remove(&id);
            inner.pendings.remove(&id);
        }
    }

    /// A decided revision as the screens show it.
    pub(crate) fn warning(&self, warning: &Warning, mut item: WarningItem) {
        let asked = item.request_to.is_some();
        let mut inner = self.inner.write();
        let now = inner.time;
        let before = inner.warnings.get(&warning.id);
        let standing = before.and_then(WarningItem::standing);
        let was_public = standing.is_some();
        if warning.event == model::warning::Event::Proposed {
            item.in_force = standing;
        }
        if let Some(pending) = inner.pendings.get_mut(&warning.id) {
            // What a proposal waits for is said after it; what was released waits for nobody.
            if warning.event != model::warning::Event::Proposed {
                pending.signing = None;
            }
            item.wait(pending, now, self.offset);
        }
        let public = item.told(was_public);
        self.stream.send_each("warning", &item, public.as_ref());
        let is_out = warning.event != model::warning::Event::Proposed || asked;
        if is_out {
            let key = (warning.hazard.code().to_owned(), warning.zone.to_string());
            let peak = inner.peaks.entry(key).or_default();
            *peak = (*peak).max(warning.tier());
        }
        inner.warnings.insert(warning.id, item);
    }

    /// A revision of before the last stop, for those who have yet to publish it.
    pub(crate) fn revision_again(&self, warning: &Arc<Warning>) {
        self.inner.write().keep_revision(warning);
    }

    /// What a warning waits for from people changed; a review that was given stays on the screen.
    pub(crate) fn pending(&self, mut pending: Pending) {
        let mut inner = self.inner.write();
        let now = inner.time;
        let before = inner.pendings.get(&pending.warning);
        let given = before.and_then(|before| before.review.as_ref());
        if let (None, Some(given)) = (&pending.review, given)
            && given.reviewed.is_some()
        {
            pending.review = Some(given.clone());
        }
        let Some(item) = inner.warnings.get_mut(&pending.warning) else {
            return;
        };
        item.wait(&pending, now, self.offset);
        self.stream.send("warning", item);
        inner.pendings.insert(pending.warning, pending);
    }

    /// What a warning waits for from people.
    pub(crate) fn waits_for(&self, id: WarningId) -> Option<Pending> {
        self.inner.read().pendings.get(&id).cloned()
    }

    /// How many signatures and reviews are waited for, and how many of each too long.
    pub(crate) fn waiting(&self) -> Waiting {
        let inner = self.inner.read();
        let mut waiting = Waiting::default();
        for pending in inner.pendings.values() {
            if let Some(signing) = &pending.signing {
                waiting.signatures.count(signing.overdue);
            }
            if let Some(review) = pending.review.as_ref().filter(|r| r.reviewed.is_none()) {
                waiting.reviews.count(review.until <= inner.time);
            }
        }
        waiting
    }

    /// The newest revision of a warning.
    pub(crate) fn original(&self, id: WarningId) -> Option<Arc<Warning>> {
        self.inner.read().originals.get(&id).cloned()
    }

    /// Warnings that are in force or proposed.
    pub(crate) fn standing(&self) -> Vec<Arc<Warning>> {
        let is_over = |warning: &Warning| match warning.event {
            Event::Ended | Event::Cancelled => true,
            Event::Proposed | Event::Issued | Event::Updated => false,
        };
        let inner = self.inner.read();
        let all = inner.originals.values();
        all.filter(|warning| !is_over(warning)).cloned().collect()
    }

    /// One revision of a warning.
    pub(crate) fn revision(&self, id: WarningId, revision: u32) -> Option<Arc<Warning>> {
        let inner = self.inner.read();
        let mut newest = inner.revisions.iter().rev();
        newest
            .find(|w| w.id == id && w.revision == revision)
            .cloned()
    }

    /// Warnings with a call that `is_theirs`, answered or not: the latest word stands.
    pub(crate) fn called(&self, is_theirs: impl Fn(&Call) -> bool) -> Vec<WarningId> {
        let inner = self.inner.read();
        let calls = inner.calls.values().filter(|(call, _)| is_theirs(call));
        let mut ids: Vec<_> = calls.map(|(call, _)| call.warning).collect();
        ids.dedup();
        ids
    }

    /// The calls that `is_theirs` fits, answered or not.
    pub(crate) fn calls_where(&self, is_theirs: impl Fn(&Call) -> bool) -> Vec<Call> {
        let inner = self.inner.read();
        let calls = inner.calls.values().map(|(call, _)| call);
        calls.filter(|call| is_theirs(call)).cloned().collect()
    }

    /// A place no longer has to answer for a warning.
    pub(crate) fn call_over(&self, warning: WarningId, place: &Place) {
        let mut inner = self.inner.write();
        if let Some((_, item)) = inner.calls.remove(&(warning, place.clone())) {
            let over = serde_json::json!({ "warning": item.warning, "area": item.area, "site": item.site, "device": item.device, "state": "over" });
            self.stream.send("call", &over);
        }
    }

    /// A change of tier at a subject; a subject without a tier leaves the list.
    pub(crate) fn situation(&self, item: SituationItem) {
        self.stream.send("situation", &item);
        let key = (item.rule.clone(), item.subject.clone());
        let mut inner = self.inner.write();
        if item.tier == Tier::None {
            inner.situations.remove(&key);
        } else {
            inner.situations.insert(key, item);
        }
    }

    /// A subject has no tier any more by a rule that is gone.
    pub(crate) fn situation_over(&self, rule: &str, subject: &str) {
        let mut inner = self.inner.write();
        let key = (rule.to_owned(), subject.to_owned());
        if let Some(item) = inner.situations.remove(&key) {
            let tier = Tier::None;
            self.stream
                .send("situation", &SituationItem { tier, ..item });
        }
    }

    /// Asks anew which subjects with a tier are silent, and tells of each where that changed.
    pub(crate) fn restale(&self, is_stale: impl Fn(&str, &str) -> bool) {
        let known: Vec<_> = {
            let inner = self.inner.read();
            let items = inner.situations.iter();
            items.map(|(key, item)| (key.clone(), item.stale)).collect()
        };
        let changed = known.into_iter().filter_map(|((rule, subject), was)| {
            let is = is_stale(&rule, &subject);
            (is != was).then_some(((rule, subject), is))
        });
        let changed: Vec<_> = changed.collect();
        let mut inner = self.inner.write();
        for (key, stale) in changed {
            if let Some(item) = inner.situations.get_mut(&key) {
                item.stale = stale;
                self.stream.send("situation", item);
            }
        }
    }

    /// A received signal: an update replaces what it refers to, a cancel lifts it. Several zones
    /// tell of the same one.
    pub(crate) fn signal(&self, signal: &Signal) {
        self.stream
            .send_open("signal", &SignalItem::new(signal, self.offset));
        self.inner.write().signals.take(signal);
    }

    /// Whether a signal was taken before.
    pub(crate) fn signal_is_known(&self, signal: &Signal) -> bool {
        self.inner.read().signals.is_taken(signal)
    }

    /// Remembers a signal that is stored.
    pub(crate) fn signal_taken(&self, signal: &Signal) {
        self.inner.write().signals.note(signal);
    }

    /// The newest state bulletin of a source.
    pub(crate) fn newest_bulletin(&self, source: &str) -> Option<state_bulletin::Newest> {
        self.inner.read().signals.newest_bulletin(source).cloned()
    }

    /// The signals of a zone of before the last stop.
    pub(crate) fn signals_again(&self, signals: &Signals) {
        self.inner.write().signals.join(signals);
    }

    /// A row of the call-and-answer board.
    pub(crate) fn call(&self, call: &Call, item: CallItem) {
        // The stream is for everybody of the installation: names are for those who may read them.
        let nameless = item.clone().nameless();
        self.stream.send("call", &nameless);
        let mut inner = self.inner.write();
        let key = (call.warning, call.place.clone());
        inner.calls.insert(key, (call.clone(), item));
        while inner.calls.len() > CALLS_MAX {
            inner.calls.pop_first();
        }
    }

    /// A row of delivery progress.
    pub(crate) fn delivery(&self, item: DeliveryItem) {
        self.stream.send("delivery", &item);
        let mut inner = self.inner.write();
        let warning = WarningId::parse(&item.warning);
        let warning = warning.and_then(|id| inner.originals.get(&id)).cloned();
        inner.deliveries.insert(item, warning.as_deref());
    }

    /// Warnings: those in force or proposed by tier, then the ended ones, newest first.
    pub(crate) fn warnings(&self) -> Vec<WarningItem> {
        let inner = self.inner.read();
        let warnings = inner.warnings.iter();
        let mut items: Vec<_> = warnings
            .map(|(id, item)| self.as_of_now(&inner, *id, item))
            .collect();
        items.sort_by(|a, b| b.tier.cmp(&a.tier).then_with(|| b.time.cmp(&a.time)));
        items
    }

    /// What everybody may see: warnings in force, by tier.
    pub(crate) fn public_warnings(&self) -> Vec<WarningItem> {
        let items = self.warnings();
        items.iter().filter_map(WarningItem::public).collect()
    }

    /// One warning.
    pub(crate) fn warning_item(&self, id: WarningId) -> Option<WarningItem> {
        let inner = self.inner.read();
        let item = inner.warnings.get(&id)?;
        Some(self.as_of_now(&inner, id, item))
    }

    /// The item with the time that is left now.
    fn as_of_now(&self, inner: &Inner, id: WarningId, item: &WarningItem) -> WarningItem {
        let mut item = item.clone();
        if let Some(pending) = inner.pendings.get(&id) {
            item.wait(pending, inner.time, self.offset);
        }
        item
    }

    /// Subjects with a tier, highest first.
    pub(crate) fn situations(&self) -> Vec<SituationItem> {
        let inner = self.inner.read();
        let mut items: Vec<_> = inner.situations.values().cloned().collect();
        items.sort_by(|a, b| b.tier.cmp(&a.tier).then_with(|| a.subject.cmp(&b.subject)));
        items
    }

    /// The highest tier that went out or was asked for, by hazard code and zone code.
    pub(crate) fn peaks(&self) -> BTreeMap<(String, String), Tier> {
        self.inner.read().peaks.clone()
    }

    /// Intents of rises that ring phones at once and have reached nobody yet.
    pub(crate) fn to_begin(&self) -> BTreeSet<String> {
        self.inner.read().deliveries.to_begin()
    }

    /// What left by which way of all that was said of a hazard, by its code, in a zone.
    pub(crate) fn ways(&self, subject: &Subject) -> Vec<Way> {
        self.inner.read().deliveries.ways(subject)
    }

    /// The tier of a subject over all rules.
    pub(crate) fn tiers(&self) -> BTreeMap<String, Tier> {
        let inner = self.inner.read();
        let mut tiers = BTreeMap::new();
        for item in inner.situations.values() {
            let tier = tiers.entry(item.subject.clone()).or_insert(Tier::None);
            *tier = (*tier).max(item.tier);
        }
        tiers
    }

    /// Signals in force.
    pub(crate) fn signals(&self) -> Vec<SignalItem> {
        let inner = self.inner.read();
        let held = inner.signals.held();
        held.map(|signal| SignalItem::new(signal, self.offset))
            .collect()
    }

    /// The same as they came.
    pub(crate) fn official(&self) -> Vec<Signal> {
        self.inner.read().signals.held().cloned().collect()
    }

    /// The areas that the signals of a message cover; [`None`] where it is not in force.
    pub(crate) fn signal_areas(&self, identifier: &str) -> Option<Vec<AreaCode>> {
        let inner = self.inner.read();
        let held = inner.signals.held();
        let tiers = held.filter(|signal| signal.identifier == identifier);
        let areas = tiers.map(|signal| signal.areas.clone());
        areas.reduce(|mut all, more| {
            all.extend(more);
            all
        })
    }

    /// Somebody took a shift over.
    pub(crate) fn taken_over(&self, taken: &TakenOver) {
        let mut inner = self.inner.write();
        inner.taken_over.push_back(taken.clone());
        while inner.taken_over.len() > TAKEN_OVER_MAX {
            inner.taken_over.pop_front();
        }
    }

    /// Who took the last shifts over, newest last.
    pub(crate) fn takeovers(&self) -> Vec<TakenOver> {
        self.inner.read().taken_over.iter().cloned().collect()
    }

    /// The call board.
    pub(crate) fn calls(&self) -> Vec<CallItem> {
        let inner = self.inner.read();
        inner.calls.values().map(|(_, item)| item.clone()).collect()
    }

    /// Delivery progress.
    pub(crate) fn deliveries(&self) -> Vec<DeliveryItem> {
        self.inner.read().deliveries.rows().cloned().collect()
    }
}
