//! Evaluating rules at subjects: figures, truths, latches, the standing that follows.

use super::subjects::{Place, RuleState, State, Subject};
use super::windows::{NONE, Windows};
use super::{Engine, Moved};
use crate::area::Standing;
use crate::condition::{Aggregate, Call, Kleene, Program, Situated};
use crate::effect::{Change, Reason};
use crate::rulebook::{Rule, SubjectKind};
use crate::situation::{TIERS, Truths, Verdict, or_higher};
use crate::window::{Function, Series, Value, Window};
use model::{Offset, Tier, Time};

/// What a rule is evaluated with, beside its subject.
struct Evaluation<'a> {
    rule: &'a Rule,
    windows: &'a Windows,
    tiers: &'a [Tier],
    offset: Offset,
}

/// Which of a tier's conditions.
#[derive(Clone, Copy)]
enum Which {
    Raise,
    Propose,
}

impl Engine {
    /// Evaluates every rule at every subject that the series feeds.
    #[inline]
    pub(super) fn wake(&mut self, series: u32, corrected: Option<i64>) {
        for at in self.feeds.of(series) {
            let Some(feed) = self.feeds.get(at) else {
                continue;
            };
            let rule = usize::from(feed.rule);
            if !self.is_quiet(rule, feed.subject, series) {
                self.evaluate(rule, feed.subject, corrected, Reason::Raised);
            }
        }
    }

    /// True where nothing is set or waiting and every running sum lies below the lowest bound of
    /// any tier: nothing can change.
    #[inline]
    fn is_quiet(&self, rule: usize, subject: u32, series: u32) -> bool {
        let (Some(spec), Some(state)) = (self.rulebook.rules.get(rule), self.rules.get(rule))
        else {
            return true;
        };
        if state.active.get(subject as usize).copied().unwrap_or(false) {
            return false;
        }
        let (Some(floors), Some(series)) = (&spec.floors, self.windows.get(series)) else {
            return false;
        };
        floors.iter().all(|(slot, bound)| {
            series
                .slot(usize::from(*slot))
                .is_some_and(|slot| slot.sum < *bound)
        })
    }

    /// Evaluates one rule at one subject at its newest observation time.
    pub(super) fn evaluate(
        &mut self,
        rule_no: usize,
        subject_no: u32,
        corrected: Option<i64>,
        rise: Reason,
    ) {
        let mut tiers = std::mem::take(&mut self.scratch.tiers);
        self.situations_of(rule_no, subject_no, &mut tiers);
        let (Some(rule), Some(state)) = (
            self.rulebook.rules.get(rule_no),
            self.rules.get_mut(rule_no),
        ) else {
            return;
        };
        let evaluation = Evaluation {
            rule,
            windows: &self.windows,
            tiers: &tiers,
            offset: self.city.offset,
        };
        let reason = evaluation.step(state, subject_no, corrected, &mut self.scratch.values);
        self.scratch.tiers = tiers;
        if let Some(withdrawn) = reason {
            let fall = match (rise, withdrawn) {
                (Reason::Adopted, _) => Reason::Adopted,
                (_, true) => Reason::Withdrawn,
                (_, false) => Reason::Lowered,
            };
            self.stand(rule_no, subject_no, rise, fall, None);
        }
    }

    /// Tiers of the situations a rule asks for, at a subject.
    fn situations_of(&self, rule: usize, subject: u32, tiers: &mut Vec<Tier>) {
        tiers.clear();
        let (Some(spec), Some(state)) = (self.rulebook.rules.get(rule), self.rules.get(rule))
        else {
            return;
        };
        if spec.situations.is_empty() {
            return;
        }
        let Some(subject) = state.subjects.get(subject as usize) else {
            return;
        };
        for (on, area) in spec.situations.iter().zip(&subject.upper) {
            let asked = self.rulebook.rules.get(*on).zip(self.rules.get(*on));
            let tier = asked.and_then(|(asked, state)| {
                let count = state.areas.get(*area as usize)?;
                Some(count.standing(asked.quorum).reached)
            });
            tiers.push(tier.unwrap_or_default());
        }
    }

    /// Brings a subject's standing up to its latches and notes what changed.
    pub(super) fn stand(
        &mut self,
        rule_no: usize,
        subject_no: u32,
        rise: Reason,
        fall: Reason,
        stamp: Option<i64>,
    ) {
        let mut tiers = std::mem::take(&mut self.scratch.tiers);
        self.situations_of(rule_no, subject_no, &mut tiers);
        let past_ms = self.city.policy.lateness.past_after.millis();
        let (Some(rule), Some(state)) = (
            self.rulebook.rules.get(rule_no),
            self.rules.get_mut(rule_no),
        ) else {
            return;
        };
        let Some(subject) = state.subjects.get_mut(subject_no as usize) else {
            return;
        };
        let before = subject.standing;
        let Some(held) = &mut subject.state else {
            return;
        };
        if let Some(active) = state.active.get_mut(subject_no as usize) {
            *active = !(held.reached.is_idle() && held.ahead.is_idle());
        }
        let deadlines = [
            held.reached.deadline(&subject.holds),
            held.ahead.deadline(&subject.holds),
        ];
        for deadline in deadlines.into_iter().flatten() {
            self.next_deadline = self.next_deadline.min(deadline);
        }
        let tier_of = |place: usize| rule.tiers.get(place).map_or(Tier::None, |t| t.tier);
        let top = held.reached.highest();
        let reached = top.map_or(Tier::None, |(place, _)| tier_of(place));
        let ahead = held.ahead.highest();
        let close = ahead.map_or(Tier::None, |(place, _)| tier_of(place));
        let rises = reached > before.reached;
        let time = match (rises, top, stamp) {
            (true, Some((_, set)), _) => set.at,
            (_, _, Some(stamp)) => stamp,
            (_, _, None) if reached == before.reached && close > before.put => {
                ahead.map_or(subject.newest, |(_, set)| set.at)
            }
            (_, _, None) => subject.newest,
        };
        let evaluated = if rises {
            subject.newest.max(time)
        } else {
            subject.newest
        };
        let in_time = self.at.millis().saturating_sub(evaluated) <= past_ms;
        let after = standing(before, reached, close, held.sure, in_time);
        self.scratch.tiers = tiers;
        if after == before {
            return;
        }
        subject.standing = after;
        if reached != before.reached {
            held.onset = time;
        }
        let tiers = std::mem::take(&mut self.scratch.tiers);
        if reached != before.reached || after.put != before.put {
            let evaluation = Evaluation {
                rule,
                windows: &self.windows,
                tiers: &tiers,
                offset: self.city.offset,
            };
            let values = evaluation.texts(subject, &mut self.scratch.values);
            if let Some(held) = &mut subject.state {
                held.values = values;
                held.evaluated = subject.newest;
            }
        }
        self.scratch.tiers = tiers;
        if reached != before.reached && subject.own {
            let values = subject
                .state
                .as_ref()
                .map(|s| s.values.clone())
                .unwrap_or_default();
            let change = Change {
                time: Time::from_millis(time),
                rule: rule.id.clone(),
                version: rule.version.clone(),
                subject: subject.id(&self.city),
                from: before.reached,
                to: reached,
                values,
                reason: if rises { rise } else { fall },
                past: rises && !in_time,
                unconfirmed: rises && after.confirmed < after.timely,
            };
            self.scratch.changes.push(Moved {
                rule: rule_no,
                subject: subject_no,
                change: Box::new(change),
            });
        }
        self.moved(rule_no, subject_no, before, after, time);
    }

    /// Moves the areas of a subject and notes which areas, sites and situations are touched.
    fn moved(&mut self, rule_no: usize, subject_no: u32, from: Standing, to: Standing, time: i64) {
        let (Some(rule), Some(state)) = (
            self.rulebook.rules.get(rule_no),
            self.rules.get_mut(rule_no),
        ) else {
            return;
        };
        let RuleState {
            subjects,
            areas,
            dependents,
            ..
        } = state;
        let Some(subject) = subjects.get(subject_no as usize) else {
            return;
        };
        for at in &subject.areas {
            let Some(count) = areas.get_mut(*at as usize) else {
                continue;
            };
            let before = count.standing(rule.quorum);
            count.change(from, to);
            let after = count.standing(rule.quorum);
            if before.reached != after.reached && !dependents.is_empty() {
                self.scratch.cascade.push((rule_no, *at, time));
            }
            if before != after {
                self.scratch.areas.push((rule_no, *at, time));
            }
        }
        if matches!(subject.place, Place::Site(_)) && from.confirmed != to.confirmed {
            self.scratch.sites.push((rule_no, subject_no, time));
        }
    }
}

/// What a subject counts for. A rise evaluated too late counts for no area until an evaluation
/// in time still finds it; one that rests on suspect values is not confirmed.
fn standing(before: Standing, reached: Tier, close: Tier, sure: Tier, in_time: bool) -> Standing {
    let put = reached.max(close);
    let timely = if in_time {
        reached
    } else {
        before.timely.min(reached)
    };
    Standing {
        reached,
        put: if in_time { put } else { before.put.min(put) },
        timely,
        confirmed: timely.min(before.confirmed.max(sure)),
    }
}

impl Evaluation<'_> {
    /// Steps the latches; `None` where nothing is or was near a tier, else whether a correction
    /// withdrew anything.
    fn step(
        &self,
        state: &mut RuleState,
        subject_no: u32,
        corrected: Option<i64>,
        values: &mut Vec<Value>,
    ) -> Option<bool> {
        let subject = state.subjects.get_mut(subject_no as usize)?;
        self.renew_newest(subject);
        if subject.newest == i64::MIN {
            return None;
        }
        let time = Time::from_millis(subject.newest);
        self.figures(subject, time, true, values);
        let held = self.held(subject, values, Which::Raise);
        let ahead = self
            .rule
            .proposes()
            .then(|| self.held(subject, values, Which::Propose));
        let any = |truths: &Truths| truths.contains(&Kleene::True);
        if subject.state.is_none() && !any(&held) && !ahead.as_ref().is_some_and(any) {
            return None;
        }
        let relaxed = self.relaxed(subject, values);
        let may_fall = self.rule.lower_when.as_ref().is_none_or(|when| {
            when.evaluate(&self.situated(subject, values, true)) == Kleene::True
        });
        let fall_ahead = ahead.map(|_| self.relaxed_proposal(subject, values, &relaxed));
        let mut state = subject.state.take().unwrap_or_default();
        let mut withdrawn = false;
        if let Some(corrected) = corrected {
            withdrawn = state.reached.withdraw(corrected, |at| {
                self.again(subject, at, Which::Raise, values)
            });
            state.ahead.withdraw(corrected, |at| {
                self.again(subject, at, Which::Propose, values)
            });
        }
        let verdict = Verdict {
            time: subject.newest,
            held,
            relaxed,
            may_fall,
        };
        state.reached.step(&verdict, &subject.holds);
        if let (Some(held), Some(relaxed)) = (ahead, fall_ahead) {
            state.ahead.step(
                &Verdict {
                    held,
                    relaxed,
                    ..verdict
                },
                &subject.holds,
            );
        }
        // What is confirmed stays so while its tier holds: suspects are left out of the figures
        // only where a rise still asks for it.
        state.sure = if self.asks_for_sureness(subject, &state) {
            self.sure(subject, time, &held, values)
        } else {
            Tier::None
        };
        subject.state = Some(state);
        Some(withdrawn)
    }

    /// The newest observation time of the subject's parameters.
    fn renew_newest(&self, subject: &mut Subject) {
        let fed = subject
            .series
            .iter()
            .chain(subject.members.iter().flatten());
        for series in fed.filter(|series| **series != NONE) {
            if let Some(time) = self.windows.get(*series).and_then(Series::newest) {
                subject.newest = subject.newest.max(time.millis());
            }
        }
    }

    /// Figures of every call of the rule at `time`.
    fn figures(&self, subject: &Subject, time: Time, suspects: bool, values: &mut Vec<Value>) {
        values.clear();
        for (call, slot) in self.rule.calls.iter().zip(&self.rule.slots) {
            let value = match call.reading.aggregate {
                None => self.own(subject, call, *slot, time, suspects),
                Some(aggregate) => self.of_area(subject, call, aggregate, time, suspects),
            };
            values.push(value);
        }
    }

    fn own(
        &self,
        subject: &Subject,
        call: &Call,
        slot: Option<u16>,
        time: Time,
        suspects: bool,
    ) -> Value {
        let place = self
            .rule
            .parameters
            .iter()
            .position(|p| *p == call.reading.parameter);
        let series = place.and_then(|place| subject.series.get(place));
        let Some(series) = series.and_then(|series| self.windows.get(*series)) else {
            return Value::UNKNOWN;
        };
        match (slot, call.reading.window) {
            (Some(slot), Some(Window::Rolling(length)))
                if suspects && series.newest() == Some(time) =>
            {
                series.running(call.reading.function, usize::from(slot), length)
            }
            (_, window) => scan(series, call, window, time, self.offset, suspects),
        }
    }

    /// The largest or smallest of the stations' figures; a partly covered one among them leaves
    /// the whole partly covered.
    fn of_area(
        &self,
        subject: &Subject,
        call: &Call,
        aggregate: Aggregate,
        time: Time,
        suspects: bool,
    ) -> Value {
        let place = self
            .rule
            .parameters
            .iter()
            .position(|p| *p == call.reading.parameter);
        let members = place.and_then(|place| subject.members.get(place));
        let mut found = Value::UNKNOWN;
        let mut covered = true;
        for series in members.into_iter().flatten() {
            let Some(series) = self.windows.get(*series) else {
                continue;
            };
            let value = scan(
                series,
                call,
                call.reading.window,
                time,
                self.offset,
                suspects,
            );
            if !value.is_known() {
                continue;
            }
            covered &= value.covered;
            let order = value
                .number
                .saturating_mul(found.of)
                .cmp(&found.number.saturating_mul(value.of));
            let better = match aggregate {
                Aggregate::Max => order.is_gt(),
                Aggregate::Min => order.is_lt(),
            };
            if !found.is_known() || better {
                found = value;
            }
        }
        Value { covered, ..found }
    }

    fn situated<'v>(
        &'v self,
        subject: &'v Subject,
        values: &'v [Value],
        lowering: bool,
    ) -> Situated<'v> {
        Situated {
            values,
            sites: &subject.thresholds,
            tiers: self.tiers,
            lowering,
        }
    }

    /// Truth of each tier or a higher one, together with `continuing`.
    fn held(&self, subject: &Subject, values: &[Value], which: Which) -> Truths {
        let at = self.situated(subject, values, false);
        let program = |tier: &crate::rulebook::TierRule| match which {
            Which::Raise => tier.raise.evaluate(&at),
            Which::Propose => tier.propose.as_ref().unwrap_or(&tier.raise).evaluate(&at),
        };
        let mut truths = [Kleene::False; TIERS];
        for (truth, tier) in truths.iter_mut().zip(&self.rule.tiers) {
            *truth = program(tier);
        }
        or_higher(&mut truths);
        if let Some(continuing) = &self.rule.continuing {
            let goes_on = continuing.evaluate(&at);
            truths
                .iter_mut()
                .for_each(|truth| *truth = (*truth).min(goes_on));
        }
        truths
    }

    /// Relaxed truth of each tier or a higher one, partly covered windows unknown.
    fn relaxed(&self, subject: &Subject, values: &[Value]) -> Truths {
        let at = self.situated(subject, values, true);
        let mut truths = [Kleene::False; TIERS];
        for (truth, tier) in truths.iter_mut().zip(&self.rule.tiers) {
            *truth = tier.relaxed.evaluate(&at);
        }
        or_higher(&mut truths);
        truths
    }

    /// A proposal stands while either its own or the relaxed condition does.
    fn relaxed_proposal(&self, subject: &Subject, values: &[Value], relaxed: &Truths) -> Truths {
        let at = self.situated(subject, values, true);
        let of = |program: &Program| program.evaluate(&at);
        let mut truths = [Kleene::False; TIERS];
        for (truth, tier) in truths.iter_mut().zip(&self.rule.tiers) {
            *truth = tier.propose.as_ref().map_or(Kleene::False, of);
        }
        or_higher(&mut truths);
        for (truth, relaxed) in truths.iter_mut().zip(relaxed) {
            *truth = (*truth).max(*relaxed);
        }
        truths
    }

    /// True where a tier is reached that is not confirmed, or a rise waits for its hold.
    fn asks_for_sureness(&self, subject: &Subject, state: &State) -> bool {
        let reached = state.reached.highest();
        let tier = reached.and_then(|(place, _)| self.rule.tiers.get(place));
        tier.is_some_and(|tier| tier.tier > subject.standing.confirmed)
            || state.reached.deadline(&subject.holds).is_some()
    }

    /// The highest tier that holds without suspect values.
    fn sure(&self, subject: &Subject, time: Time, held: &Truths, values: &mut Vec<Value>) -> Tier {
        let fed = subject
            .series
            .iter()
            .chain(subject.members.iter().flatten());
        let suspects = fed
            .filter_map(|series| self.windows.get(*series))
            .any(Series::has_suspects);
        let truths = if suspects {
            self.figures(subject, time, false, values);
            self.held(subject, values, Which::Raise)
        } else {
            *held
        };
        let highest = truths.iter().rposition(|truth| *truth == Kleene::True);
        let tier = highest.and_then(|place| self.rule.tiers.get(place));
        tier.map_or(Tier::None, |tier| tier.tier)
    }

    /// Evaluates once more at an earlier time; `None` where too little is kept for it.
    fn again(
        &self,
        subject: &Subject,
        at: i64,
        which: Which,
        values: &mut Vec<Value>,
    ) -> Option<Truths> {
        let time = Time::from_millis(at);
        let kept = self.rule.calls.iter().all(|call| {
            let Some(window) = call.reading.window else {
                return true;
            };
            let from = window.start(time, self.offset);
            let fed = subject
                .series
                .iter()
                .chain(subject.members.iter().flatten());
            fed.filter_map(|series| self.windows.get(*series))
                .all(|series| series.reaches(self.windows.kept_ms(call.reading.parameter), from))
        });
        kept.then(|| {
            self.figures(subject, time, true, values);
            self.held(subject, values, which)
        })
    }

    /// The calls as written with their values, and the situations asked for.
    fn texts(&self, subject: &Subject, values: &mut Vec<Value>) -> Vec<(String, Option<String>)> {
        self.figures(subject, Time::from_millis(subject.newest), true, values);
        let calls = self.rule.calls.iter().zip(values.iter());
        let calls = calls.map(|(call, value)| (call.text.clone(), value_text(call, value)));
        let situations = self.rule.situation_ids.iter().zip(self.tiers);
        let situations =
            situations.map(|(id, tier)| (format!("situation(\"{id}\")"), Some(tier.name().into())));
        calls.chain(situations).collect()
    }
}

fn scan(
    series: &Series,
    call: &Call,
    window: Option<Window>,
    time: Time,
    offset: Offset,
    suspects: bool,
) -> Value {
    let from = window.map_or(time, |window| window.start(time, offset));
    series.scan(call.reading.function, from, time, suspects)
}

/// Decimal text in the parameter's unit; rates and means to nine places, ages in seconds.
fn value_text(call: &Call, value: &Value) -> Option<String> {
    if !value.is_known() {
        return None;
    }
    let parameter = call.reading.parameter;
    let unit = i128::from(match call.reading.function {
        Function::Count => 1,
        Function::Age => 1000,
        Function::Last
        | Function::Sum
        | Function::Max
        | Function::Min
        | Function::Mean
        | Function::Delta
        | Function::Rate => parameter.quanta_per_unit(),
    });
    Some(decimal(value.number, value.of.saturating_mul(unit)))
}

/// `number / of` to nine places, half up as people round.
fn decimal(number: i128, of: i128) -> String {
    const PLACES: i128 = 1_000_000_000;
    let scaled = number
        .saturating_mul(PLACES)
        .saturating_mul(2)
        .saturating_add(of);
    let rounded = scaled.div_euclid(of.saturating_mul(2).max(1));
    let sign = if rounded < 0 { "-" } else { "" };
    let (whole, part) = (rounded.abs() / PLACES, rounded.abs() % PLACES);
    if part == 0 {
        return format!("{sign}{whole}");
    }
    let digits = format!("{part:09}");
    format!("{sign}{whole}.{}", digits.trim_end_matches('0'))
}

impl Engine {
    /// Evaluates everything once, after another rulebook or city came in force.
    pub(super) fn evaluate_all(&mut self) {
        let order = self.rulebook.dependency_order.clone();
        for rule in order {
            let subjects = self.rules.get(rule).map_or(0, |state| state.subjects.len());
            for subject in 0..u32::try_from(subjects).unwrap_or(u32::MAX) {
                self.evaluate(rule, subject, None, Reason::Adopted);
            }
        }
    }

    /// Evaluates what asks for the situation of areas that changed, until nothing changes.
    pub(super) fn cascade(&mut self) {
        while let Some((rule, area, time)) = self.scratch.cascade.pop() {
            let dependents = self
                .rules
                .get(rule)
                .map(|s| s.dependents.clone())
                .unwrap_or_default();
            for dependent in dependents {
                for subject in self.asking(rule, area, dependent) {
                    self.hear(dependent, subject, time);
                    self.evaluate(dependent, subject, None, Reason::Raised);
                }
            }
        }
    }

    fn asking(&self, rule: usize, area: u32, dependent: usize) -> Vec<u32> {
        let (Some(spec), Some(state)) = (
            self.rulebook.rules.get(dependent),
            self.rules.get(dependent),
        ) else {
            return Vec::new();
        };
        let numbered = (0u32..).zip(&state.subjects);
        let asks = |subject: &Subject| {
            let pairs = spec.situations.iter().zip(&subject.upper);
            pairs
                .into_iter()
                .any(|(on, upper)| *on == rule && *upper == area)
        };
        numbered
            .filter(|(_, subject)| asks(subject))
            .map(|(number, _)| number)
            .collect()
    }

    /// A rule that reads situations only has no observation time but theirs.
    fn hear(&mut self, rule: usize, subject: u32, time: i64) {
        let alone =
            self.rulebook.rules.get(rule).is_some_and(|rule| {
                rule.parameters.is_empty() && rule.subject == SubjectKind::Area
            });
        let state = self.rules.get_mut(rule);
        if let Some(subject) = state.and_then(|s| s.subjects.get_mut(subject as usize))
            && alone
        {
            subject.newest = subject.newest.max(time);
        }
    }
}

impl State {
    /// True where the subject may be forgotten.
    pub(super) fn is_idle(&self) -> bool {
        self.reached.is_idle() && self.ahead.is_idle()
    }
}
