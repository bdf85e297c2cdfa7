//! What a rule says of one subject now: its figures, the truths that follow, its latches stepped.

use super::calm::Ahead;
use super::samples::Bits;
use super::subjects::{RuleState, State, Subject, Watch};
use super::texts::value_text;
use super::windows::Windows;
use super::{Cause, NONE};
use crate::area::Standing;
use crate::condition::lull::{self, Beside, Lull, Lulls, PARAMETERS_MAX};
use crate::condition::{Aggregate, Call, Kleene, Program, Situated};
use crate::forecast::Forecasts;
use crate::indicator::{Indicator, Source, effective, exceedance};
use crate::rulebook::Rule;
use crate::situation::{Asked, Set, Situation, TIERS, Truths, Verdict, or_higher};
use crate::window::{Function, Gauge, Value, View, Window};
use model::{City, Parameter, Tier, Time};

/// What a rule is evaluated with, beside its subject.
pub(super) struct Evaluation<'a> {
    pub(super) rule: &'a Rule,
    pub(super) windows: &'a Windows,
    pub(super) asked: &'a super::Asked,
    pub(super) city: &'a City,
    pub(super) forecasts: &'a Forecasts,
}

/// Which of a tier's conditions.
#[derive(Clone, Copy)]
pub(super) enum Which {
    Raise,
    Propose,
}

/// What a subject counts for. A rise evaluated too late, or resting on a situation that was,
/// counts for no area until an evaluation in time still finds it; one that rests on suspect
/// values is not confirmed. Beside it what readings alone put forward: what silence adds is no
/// evaluation in time of anything that was read, then or later.
pub(super) fn standing(
    before: Standing,
    reached: Tier,
    close: Tier,
    held: &State,
    in_time: bool,
) -> (Standing, Tier) {
    let [timely, put] = match in_time {
        true => held.prompt,
        false => [Tier::None; 2],
    };
    let timely = reached.min(before.measured.max(timely));
    let read = Standing {
        reached,
        put: reached.max(close).min(held.put.max(put)),
        timely,
        confirmed: timely.min(before.confirmed.max(held.sure)),
        measured: timely,
    };
    let Some(lost) = held.lost else {
        return (read, read.put);
    };
    // Put forward and never by itself more: only a person makes sure of what nobody measures.
    let all = Standing {
        reached: read.reached.max(lost.tier),
        put: read.put.max(lost.tier),
        timely: read.timely.max(lost.tier),
        confirmed: match lost.is_confirmed {
            true => read.confirmed.max(lost.tier),
            false => read.confirmed,
        },
        measured: read.measured,
    };
    (all, read.put)
}

impl Evaluation<'_> {
    /// Steps the latches; `None` where nothing is or was near a tier, else whether a correction
    /// withdrew anything.
    pub(super) fn step(
        &self,
        state: &mut RuleState,
        subject_no: u32,
        cause: &Cause,
        values: &mut Vec<Value>,
        ahead_of: &mut Ahead,
    ) -> Option<bool> {
        let (subject, watch, gauges) = state.awaken(subject_no as usize)?;
        let gauge = watch.gauge_of(self.rule, gauges);
        self.renew_newest(subject);
        if subject.newest == i64::MIN {
            return None;
        }
        let time = Time::from_millis(subject.newest);
        let samples = self.rule.limits.samples;
        if let Some(samples) = samples {
            self.sample(subject, samples, cause, values);
        }
        self.figures(subject, time, true, values);
        let limited = |which: Bits, truths: Truths| match (samples, &subject.state) {
            (Some(samples), Some(state)) => state.samples.limited(which, truths, samples),
            (_, _) => truths,
        };
        let held = self.held(subject, values, Which::Raise);
        let held = limited(Bits::Held, held);
        let ahead = self.rule.proposes().then(|| {
            let ahead = self.held(subject, values, Which::Propose);
            limited(Bits::Ahead, ahead)
        });
        let any = |truths: &Truths| truths.contains(&Kleene::True);
        if self.rule.has_lulls
            && !any(&held)
            && !ahead.as_ref().is_some_and(any)
            && self.follows_figures(subject)
        {
            ahead_of.lulls = self.lulls(subject, values);
        }
        if subject.state.is_none() && !any(&held) && !ahead.as_ref().is_some_and(any) {
            self.rest(subject, watch, gauge, false, [&Situation::default(); 2]);
            return None;
        }
        let prompt = self.prompt(subject, values);
        let relaxed = self.relaxed(subject, values);
        let may_fall = self.rule.lower_when.as_ref().is_none_or(|when| {
            when.evaluate(&self.situated(subject, values, true)) == Kleene::True
        });
        let fall_ahead = ahead.map(|_| self.relaxed_proposal(subject, values, &relaxed));
        let mut state = subject.state.take().unwrap_or_default();
        let mut withdrawn = false;
        if let Some(corrected) = cause.corrected {
            let ring = std::mem::take(&mut state.samples);
            let mut again = |set: &Set, which: Which, bits: Bits| {
                let truths = self.again(subject, set, which, values)?;
                let limited = |samples| ring.limited_at(set.evaluated, bits, truths, samples);
                Some(samples.map_or(truths, limited))
            };
            withdrawn = state
                .reached
                .withdraw(corrected, |set| again(set, Which::Raise, Bits::Held));
            let ahead = &mut state.ahead;
            ahead.withdraw(corrected, |set| again(set, Which::Propose, Bits::Ahead));
            state.samples = ring;
        }
        let verdict = Verdict {
            time: subject.newest,
            from: subject.newest.max(cause.heard.unwrap_or(i64::MIN)),
            asked: Asked::new(&self.asked.reached),
            held,
            relaxed,
            may_fall,
        };
        state.reached.step(&verdict, &subject.holds);
        if let Some((held, relaxed)) = ahead.zip(fall_ahead) {
            state.ahead.step(
                &Verdict {
                    held,
                    relaxed,
                    ..verdict
                },
                &subject.holds,
            );
        }
        state.prompt = prompt;
        // What is confirmed stays so while its tier holds: suspects are left out of the figures
        // only where a rise still asks for it.
        let asks = self.asks_for_sureness(subject, &state);
        state.sure = match (asks, samples) {
            (false, _) => Tier::None,
            (true, None) => self.sure(subject, time, &held, values),
            (true, Some(samples)) => {
                let surest = state.samples.surest(samples);
                let tier = surest.and_then(|place| self.rule.tiers.get(place));
                tier.map_or(Tier::None, |tier| tier.tier)
            }
        };
        let close = ahead.zip(fall_ahead);
        let rests = state.reached.rests(&held, &relaxed)
            && close.is_none_or(|(held, relaxed)| state.ahead.rests(&held, &relaxed))
            && self.stands(subject.standing, &state);
        let falling = [&state.reached, &state.ahead];
        let falls = falling.iter().any(|of| of.is_falling());
        // Figures of days without suspect readings are not followed.
        let is_told = self.rule.day_edges.is_empty() || !asks;
        if rests && is_told && (self.rule.gauges_falls || !falls) {
            self.rest(subject, watch, gauge, asks, falling);
            ahead_of.still = self.still(subject, time);
        }
        subject.state = Some(state);
        Some(withdrawn)
    }

    /// True where a figure moves by what is read alone: one without suspect readings may also when the
    /// minutes of a day go that had some, which then counts as it stands.
    fn follows_figures(&self, subject: &Subject) -> bool {
        !(self.rule.limits.sound && self.has_suspects(subject))
    }

    /// The conditions of every tier at a subject, for nothing but their cost; how many hold.
    pub(super) fn conditions(&self, subject: &Subject, time: Time, values: &mut Vec<Value>) -> u64 {
        self.figures(subject, time, true, values);
        let (held, relaxed) = (
            self.held(subject, values, Which::Raise),
            self.relaxed(subject, values),
        );
        let all = held.iter().chain(&relaxed);
        all.filter(|truth| **truth == Kleene::True).count() as u64
    }

    /// Notes where the sums of a subject lie, at which nothing changes; those without suspect
    /// readings too, where it asks for sureness. What falls does so by its own time. What is expected
    /// moves with time, but for nothing, until a forecast wakes the subject.
    fn rest(
        &self,
        subject: &Subject,
        watch: &mut Watch,
        gauge: Option<&Gauge>,
        asks: bool,
        falling: [&Situation; 2],
    ) {
        let series = subject.series.first();
        let series = series.and_then(|series| self.windows.get(*series));
        let stands = self.forecasts.is_empty() || !self.rule.looks_ahead();
        if let (Some(gauge), Some(series), true) = (gauge, series, stands) {
            watch.gauge = gauge.read(&series);
            watch.sure = asks.then(|| gauge.read_sure(&series));
            watch.rests = true;
            watch.rested_until = subject.newest;
            let due = falling.iter().filter_map(|of| of.falls(&subject.holds));
            watch.due = due.min().unwrap_or(i64::MAX);
            let falls = falling.iter().any(|of| of.is_falling());
            watch.step_max = if falls {
                subject.holds.gap_ms
            } else {
                i64::MAX
            };
        }
    }

    /// What must come before figures of days turn any truth.
    fn still(&self, subject: &Subject, time: Time) -> Option<Lull> {
        let mut still = None::<Lull>;
        let number = *subject.series.first()?;
        for (at, call) in (0u16..).zip(&self.rule.calls) {
            let Function::Indicator(Indicator::Effective(decay)) = call.reading.function else {
                continue;
            };
            let own = self.rule.day_edges.iter().filter(|(call, _)| *call == at);
            let edges = own.map(|(_, edge)| *edge);
            let found = self.windows.get(number).map(|series| {
                let source = self.source(number, &series, subject, call, time, true);
                effective::still(decay, &source, edges)
            })?;
            still = Some(still.map_or(found, |still| still.or(found)));
        }
        still
    }

    /// What an indicator of a series is computed from.
    fn source<'s>(
        &'s self,
        number: u32,
        series: &'s View<'s>,
        subject: &'s Subject,
        call: &Call,
        time: Time,
        suspects: bool,
    ) -> Source<'s> {
        Source {
            series,
            station: self.windows.station(number),
            climate: &self.city.climate,
            parameter: call.reading.parameter,
            window: call.reading.window,
            sites: &subject.thresholds,
            time,
            offset: self.city.offset,
            suspects,
        }
    }

    /// True where the standing already is what the latches say, however late they are asked.
    fn stands(&self, before: Standing, state: &State) -> bool {
        let tier_of = |place: usize| self.rule.tiers.get(place).map_or(Tier::None, |t| t.tier);
        let tier = |of: &Situation| of.highest().map_or(Tier::None, |(place, _)| tier_of(place));
        let (reached, close) = (tier(&state.reached), tier(&state.ahead));
        standing(before, reached, close, state, true) == (before, state.put)
    }

    /// The newest observation time of the subject's parameters.
    fn renew_newest(&self, subject: &mut Subject) {
        let fed = subject
            .series
            .iter()
            .chain(subject.members.iter().flatten());
        for series in fed.filter(|series| **series != NONE) {
            if let Some(time) = self.windows.get(*series).and_then(|series| series.newest()) {
                subject.newest = subject.newest.max(time.millis());
            }
        }
    }

    /// Figures of every call of the rule at `time`.
    pub(super) fn figures(
        &self,
        subject: &Subject,
        time: Time,
        suspects: bool,
        values: &mut Vec<Value>,
    ) {
        // Where a rule asks for sound readings, suspect ones count for nothing.
        let suspects = suspects && !self.rule.limits.sound;
        values.clear();
        for (call, slot) in self.rule.calls.iter().zip(&self.rule.slots) {
            let value = match (call.reading.function, call.reading.aggregate) {
                (Function::Expected(ask), _) => self.expected(subject, call, ask, time),
                (_, None) => self.own(subject, call, *slot, time, suspects),
                (_, Some(aggregate)) => self.of_area(subject, call, aggregate, time, suspects),
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
        let Some((number, series)) = series.and_then(|no| Some((*no, self.windows.get(*no)?)))
        else {
            return Value::UNKNOWN;
        };
        match (slot, call.reading.window) {
            (Some(slot), Some(Window::Rolling(_))) if series.newest() == Some(time) => {
                series.running(call.reading.function, usize::from(slot), suspects)
            }
            (_, _) => self.figure(number, subject, call, time, suspects),
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
        if aggregate == Aggregate::Mean {
            let weights = place.and_then(|place| subject.weights.get(place));
            let pairs = members
                .into_iter()
                .flatten()
                .zip(weights.into_iter().flatten());
            let figures = pairs.map(|(series, weight)| {
                (self.figure(*series, subject, call, time, suspects), *weight)
            });
            return mean(figures);
        }
        let mut found = Value::UNKNOWN;
        let mut covered = true;
        for series in members.into_iter().flatten() {
            let value = self.figure(*series, subject, call, time, suspects);
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
                Aggregate::Min | Aggregate::Mean => order.is_lt(),
            };
            if !found.is_known() || better {
                found = value;
            }
        }
        Value { covered, ..found }
    }

    /// A figure of one series.
    fn figure(
        &self,
        number: u32,
        subject: &Subject,
        call: &Call,
        time: Time,
        suspects: bool,
    ) -> Value {
        let window = call.reading.window;
        let Some(series) = self.windows.get(number) else {
            return Value::UNKNOWN;
        };
        match (call.reading.function, window) {
            (Function::Indicator(indicator), _) => {
                indicator.of(&self.source(number, &series, subject, call, time, suspects))
            }
            (function, Some(Window::Calendar { days, .. })) if call.reading.is_of_days() => {
                series.over_days(function, days, time, suspects)
            }
            (function, window) => {
                let from = window.map_or(time, |window| window.start(time, self.city.offset));
                series.figure(function, from, time, suspects)
            }
        }
    }

    pub(super) fn situated<'v>(
        &'v self,
        subject: &'v Subject,
        values: &'v [Value],
        lowering: bool,
    ) -> Situated<'v> {
        Situated {
            values,
            sites: &subject.thresholds,
            tiers: &self.asked.reached,
            lowering,
        }
    }

    /// Truth of each tier or a higher one, together with `continuing`.
    fn held(&self, subject: &Subject, values: &[Value], which: Which) -> Truths {
        let time = Time::from_millis(subject.newest);
        self.held_by(&self.situated(subject, values, false), which, time)
    }

    /// The same with other situations or of another time: a tier rises in its season only.
    pub(super) fn held_by(&self, at: &Situated<'_>, which: Which, time: Time) -> Truths {
        let program = |tier: &crate::rulebook::TierRule| match which {
            Which::Raise => tier.raise.evaluate(at),
            Which::Propose => tier.propose.as_ref().unwrap_or(&tier.raise).evaluate(at),
        };
        let limits = &self.rule.limits;
        let may_rise = |tier: &crate::rulebook::TierRule| {
            !limits.has_seasons() || limits.is_in_season(tier.tier, time, self.city.offset)
        };
        let mut truths = [Kleene::False; TIERS];
        for (truth, tier) in truths.iter_mut().zip(&self.rule.tiers) {
            if may_rise(tier) {
                *truth = program(tier);
            }
        }
        or_higher(&mut truths);
        for (truth, tier) in truths.iter_mut().zip(&self.rule.tiers) {
            if !may_rise(tier) {
                *truth = Kleene::False;
            }
        }
        if let Some(continuing) = &self.rule.continuing {
            let goes_on = continuing.evaluate(at);
            truths
                .iter_mut()
                .for_each(|truth| *truth = (*truth).min(goes_on));
        }
        truths
    }

    /// What must come before any tier can rise or be proposed; nothing is or can be told where one
    /// does.
    fn lulls(&self, subject: &Subject, values: &[Value]) -> Option<Lulls> {
        let mut has = [false; PARAMETERS_MAX];
        for (has, series) in has.iter_mut().zip(&subject.series) {
            *has = *series != NONE;
        }
        let asked = lull::Asked {
            calls: &self.rule.calls,
            parameters: &self.rule.parameters,
            at: self.situated(subject, values, false),
            has,
            beside: &|call| self.beside(subject, call),
        };
        self.rule.lulls(&asked)
    }

    /// What is known of a call's series beside its figure.
    fn beside(&self, subject: &Subject, call: &Call) -> Beside<'_> {
        let nothing = Beside::NOTHING;
        let of = |parameter: &Parameter| *parameter == call.reading.parameter;
        let place = self.rule.parameters.iter().position(of);
        let number = place.and_then(|place| subject.series.get(place).copied());
        let series = number.and_then(|number| {
            let station = self.windows.station(number)?;
            Some((station, self.windows.get(number)?))
        });
        let (climate, time) = (&self.city.climate, Time::from_millis(subject.newest));
        let Some((station, series)) = series else {
            return nothing;
        };
        if matches!(
            call.reading.function,
            Function::Indicator(Indicator::Exceedance(_))
        ) {
            return Beside {
                sums: exceedance::sums(&series, time),
                ..nothing
            };
        }
        let Some(window) = call.reading.window else {
            return nothing;
        };
        match window {
            Window::Rolling(span) => Beside {
                levels: climate.levels(call.reading.parameter, span, station),
                ..nothing
            },
            Window::Calendar { days, .. } => {
                let month = time.month(self.city.offset);
                let span = window.longest();
                let gamma = climate.gamma(call.reading.parameter, span, month, station);
                Beside {
                    uncovered_s: gamma.map(|_| series.uncovered_s(days, time)),
                    ..nothing
                }
            }
        }
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

    /// The highest tiers, found and put forward, that hold by situations found in time alone.
    fn prompt(&self, subject: &Subject, values: &[Value]) -> [Tier; 2] {
        if self.asked.timely == self.asked.reached {
            return [Tier::Red; 2];
        }
        let at = Situated {
            tiers: &self.asked.timely,
            ..self.situated(subject, values, false)
        };
        let time = Time::from_millis(subject.newest);
        [Which::Raise, Which::Propose].map(|which| self.highest(&self.held_by(&at, which, time)))
    }

    /// The highest tier that holds without suspect values, here and in the situations asked for.
    fn sure(&self, subject: &Subject, time: Time, held: &Truths, values: &mut Vec<Value>) -> Tier {
        let suspects = self.has_suspects(subject);
        if !suspects && self.asked.confirmed == self.asked.reached {
            return self.highest(held);
        }
        self.figures(subject, time, !suspects, values);
        let at = Situated {
            tiers: &self.asked.confirmed,
            ..self.situated(subject, values, false)
        };
        self.highest(&self.held_by(&at, Which::Raise, time))
    }

    fn highest(&self, truths: &Truths) -> Tier {
        let highest = truths.iter().rposition(|truth| *truth == Kleene::True);
        let tier = highest.and_then(|place| self.rule.tiers.get(place));
        tier.map_or(Tier::None, |tier| tier.tier)
    }

    /// Evaluates once more at the time a latch was set, with the situations asked for as they
    /// were; `None` where too little is kept for it.
    fn again(
        &self,
        subject: &Subject,
        set: &Set,
        which: Which,
        values: &mut Vec<Value>,
    ) -> Option<Truths> {
        let time = Time::from_millis(set.evaluated);
        self.is_kept(subject, time).then(|| {
            self.figures(subject, time, true, values);
            let at = Situated {
                tiers: &set.asked.tiers(),
                ..self.situated(subject, values, false)
            };
            self.held_by(&at, which, time)
        })
    }

    /// True where windows reach back far enough to evaluate at an earlier time.
    pub(super) fn is_kept(&self, subject: &Subject, time: Time) -> bool {
        self.rule.calls.iter().all(|call| {
            let Some(from) = call.reading.starts(time, self.city.offset) else {
                return true;
            };
            let fed = subject
                .series
                .iter()
                .chain(subject.members.iter().flatten());
            fed.filter_map(|series| self.windows.get(*series))
                .all(|series| series.reaches(from))
        })
    }

    /// The calls as written with their values, and the tiers asked for.
    pub(super) fn texts(
        &self,
        subject: &Subject,
        values: &mut Vec<Value>,
    ) -> Vec<(String, Option<String>)> {
        self.figures(subject, Time::from_millis(subject.newest), true, values);
        let calls = self.rule.calls.iter().zip(values.iter());
        let calls = calls.map(|(call, value)| (call.text.clone(), value_text(call, value)));
        let asked = self.rule.asked.iter().zip(&self.asked.reached);
        let asked = asked.map(|(asked, tier)| (asked.to_string(), Some(tier.name().into())));
        calls.chain(asked).collect()
    }
}

/// The weighted mean of figures; covered where those of four fifths of the area are.
fn mean(figures: impl Iterator<Item = (Value, u32)>) -> Value {
    // A figure that is a fraction itself is cut to thousandths of a quantum.
    const PARTS: i128 = 1000;
    let (mut sum, mut known, mut covered, mut all) = (0i128, 0i128, 0i128, 0i128);
    for (value, weight) in figures {
        let weight = i128::from(weight);
        all += weight;
        if value.is_known() {
            known += weight;
            covered += if value.covered { weight } else { 0 };
            sum += value.number.saturating_mul(PARTS) / value.of * weight;
        }
    }
    Value {
        number: sum,
        of: known * PARTS,
        covered: covered * 10 >= all * 8,
    }
}

impl State {
    /// Notes that evaluations up to `time` changed nothing.
    pub(super) fn rested_until(&mut self, time: i64) {
        self.reached.rested_until(time);
        self.ahead.rested_until(time);
    }

    /// True where the subject may be forgotten.
    pub(super) fn is_idle(&self) -> bool {
        self.reached.is_idle() && self.ahead.is_idle() && self.lost.is_none()
    }
}
