//! Evaluating rules at the subjects that a reading wakes, and the standing that follows.

use super::arrival::Arrival;
use super::calm::{Ahead, Concerned};
use super::subjects::{Feed, Place, RuleState, Subject, Watch};
use super::verdict::{Evaluation, standing};
use super::{Asked, Cause, Engine, Moved};
use crate::area::Standing;
use crate::condition;
use crate::effect::{Change, Reason};
use crate::rulebook::Rule;
use model::{Observation, Tier, Time};

/// Why a reading changes nothing at a subject.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Quiet {
    /// All is where it was.
    AsBefore,
    /// It came to rest until more has come.
    AtRest,
}

impl Engine {
    /// Evaluates every rule at every subject that the series feeds, where the reading can change
    /// anything there.
    #[inline]
    pub(super) fn wake(&mut self, series: u32, reading: &Observation, corrected: Option<i64>) {
        match self.feeds.note(series, reading, corrected.is_none()) {
            Concerned::All => self.wake_all(series, reading, corrected),
            Concerned::Awake(awake) => self.wake_few(series, reading, awake),
        }
    }

    fn wake_all(&mut self, series: u32, reading: &Observation, corrected: Option<i64>) {
        for at in self.feeds.of(series) {
            if corrected.is_some() || !self.feeds.is_calm(series, at, reading) {
                self.wake_one(at, series, reading, corrected);
            }
        }
        self.feeds.gather(series);
    }

    /// Wakes those whose bits are set.
    #[inline]
    fn wake_few(&mut self, series: u32, reading: &Observation, awake: u64) {
        let first = self.feeds.of(series).start;
        let mut has_changed = false;
        let each = |mut awake: u64| {
            std::iter::from_fn(move || {
                let at = awake.trailing_zeros() as usize;
                let is_there = awake != 0;
                awake &= awake.wrapping_sub(1);
                is_there.then_some(first + at)
            })
        };
        for at in each(awake) {
            has_changed |= self.wake_one(at, series, reading, None);
        }
        if has_changed {
            self.feeds.gather(series);
        }
    }

    /// Evaluates what one feed leads to unless that can change nothing; true where its calm may be
    /// another.
    fn wake_one(
        &mut self,
        at: usize,
        series: u32,
        reading: &Observation,
        corrected: Option<i64>,
    ) -> bool {
        let Some(feed) = self.feeds.get(at) else {
            return false;
        };
        match self.quiet(at, feed, series, reading, corrected.is_some()) {
            Some(Quiet::AsBefore) => false,
            Some(Quiet::AtRest) => true,
            None => {
                let cause = Cause {
                    corrected,
                    read: Some(reading.time.millis()),
                    ..Cause::READING
                };
                self.evaluate(usize::from(feed.rule), feed.subject, &cause);
                true
            }
        }
    }

    /// Whether nothing can change: nothing is set or waiting and every running sum lies below
    /// the lowest bound of any tier, or all sums lie where they lay when the subject came to rest.
    #[inline]
    fn quiet(
        &mut self,
        at: usize,
        feed: Feed,
        series: u32,
        reading: &Observation,
        is_corrected: bool,
    ) -> Option<Quiet> {
        let (rule, subject) = (usize::from(feed.rule), feed.subject);
        let (Some(spec), Some(state)) = (self.rulebook.rules.get(rule), self.rules.get_mut(rule))
        else {
            return Some(Quiet::AsBefore);
        };
        let number = series;
        let (Some(watch), Some(series)) = (
            state.watches.get_mut(subject as usize),
            self.windows.get(series),
        ) else {
            return None;
        };
        if let Some(floors) = spec.floors.as_ref().filter(|_| !watch.is_active) {
            let slots = series.slots();
            let is_below = floors.iter().all(|(slot, bound)| {
                let slot = slots.get(usize::from(*slot));
                slot.is_some_and(|slot| slot.sum < *bound)
            });
            if is_below {
                let lull = Watch::below(&series, floors, spec);
                self.feeds.rest(number, at, lull, &series);
                return Some(Quiet::AtRest);
            }
        }
        if let (Some(gauge), false) = (watch.gauge_of(spec, &state.gauges), is_corrected)
            && watch.rests
            && series.newest_ms() < watch.due
            && series.newest_ms().saturating_sub(watch.rested_until) <= watch.step_max
            && (spec.day_edges.is_empty() || self.feeds.is_still(number, at, reading))
            && gauge.reads(watch.gauge, &series)
            && watch
                .sure
                .is_none_or(|sure| sure == gauge.read_sure(&series))
        {
            watch.rested_until = series.newest_ms();
            return Some(Quiet::AsBefore);
        }
        None
    }

    /// Evaluates one rule at one subject at its newest observation time.
    pub(super) fn evaluate(&mut self, rule_no: usize, subject_no: u32, cause: &Cause) {
        let mut asked = std::mem::take(&mut self.scratch.asked);
        self.asked_of(rule_no, subject_no, &mut asked);
        let (Some(rule), Some(state)) = (
            self.rulebook.rules.get(rule_no),
            self.rules.get_mut(rule_no),
        ) else {
            return;
        };
        state.evaluations += 1;
        let evaluation = Evaluation {
            rule,
            windows: &self.windows,
            asked: &asked,
            city: &self.city,
            forecasts: &self.forecasts,
        };
        let mut ahead = Ahead::default();
        let values = &mut self.scratch.values;
        let reason = evaluation.step(state, subject_no, cause, values, &mut ahead);
        self.scratch.asked = asked;
        if let Some(withdrawn) = reason {
            let fall = match (cause.rise, withdrawn) {
                (Reason::Adopted, _) => Reason::Adopted,
                (_, true) => Reason::Withdrawn,
                (_, false) => Reason::Lowered,
            };
            self.stand(rule_no, subject_no, cause.rise, fall, cause.heard, None);
        }
        self.calm(rule_no, subject_no, &ahead);
    }

    /// Tiers that a rule asks for, at a subject.
    pub(super) fn asked_of(&self, rule: usize, subject: u32, found: &mut Asked) {
        found.clear();
        let (Some(spec), Some(state)) = (self.rulebook.rules.get(rule), self.rules.get(rule))
        else {
            return;
        };
        if spec.asked.is_empty() {
            return;
        }
        let Some(subject) = state.subjects.get(subject as usize) else {
            return;
        };
        for (asked, area) in spec.asked.iter().zip(&subject.upper) {
            let standing = match asked {
                condition::Asked::Situation { rule: on, .. } => {
                    let on = self.rulebook.rules.get(*on).zip(self.rules.get(*on));
                    on.and_then(|(asked, state)| {
                        let count = state.areas.get(*area as usize)?;
                        Some(count.standing(asked.quorum))
                    })
                }
                condition::Asked::Signal(hazard) => {
                    let area = subject.area(&self.city);
                    area.map(|area| self.in_force.at(*hazard, area))
                }
            };
            found.push(standing.unwrap_or_default());
        }
    }

    /// Brings a subject's standing up to its latches and notes what changed; `heard` is the time
    /// of the situation that had it evaluated, `stamp` that of a person's act.
    pub(super) fn stand(
        &mut self,
        rule_no: usize,
        subject_no: u32,
        rise: Reason,
        fall: Reason,
        heard: Option<i64>,
        stamp: Option<i64>,
    ) {
        let mut asked = std::mem::take(&mut self.scratch.asked);
        self.asked_of(rule_no, subject_no, &mut asked);
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
        if let Some(watch) = state.watches.get_mut(subject_no as usize) {
            watch.is_active = !held.is_idle();
        }
        let deadlines = [
            held.reached.deadline(&subject.holds),
            held.ahead.deadline(&subject.holds),
        ];
        let falls = [&held.reached, &held.ahead].map(|of| {
            let waits = rule.hears_only();
            waits.then(|| of.falls(&subject.holds)).flatten()
        });
        for deadline in deadlines.into_iter().chain(falls).flatten() {
            self.next_deadline = self.next_deadline.min(deadline);
        }
        let tier_of = |place: usize| rule.tiers.get(place).map_or(Tier::None, |t| t.tier);
        let top = held.reached.highest();
        let reached = top.map_or(Tier::None, |(place, _)| tier_of(place));
        let ahead = held.ahead.highest();
        let close = ahead.map_or(Tier::None, |(place, _)| tier_of(place));
        let in_all = held.lost.map_or(reached, |lost| reached.max(lost.tier));
        let rises = in_all > before.reached;
        let time = match (rises, top, stamp) {
            (true, Some((_, set)), None) => set.at,
            (_, _, Some(stamp)) => stamp,
            (_, _, None) if reached == before.reached && close > before.put => {
                ahead.map_or(subject.newest, |(_, set)| set.at)
            }
            (_, _, None) => subject.newest,
        };
        // What silence adds is no evaluation in time of what was read.
        let told = match (rises || close > before.put) && rise != Reason::Lost {
            true => time,
            false => subject.newest,
        };
        let evaluated = subject.newest.max(told).max(heard.unwrap_or(i64::MIN));
        let in_time = self.at.millis().saturating_sub(evaluated) <= past_ms;
        let (after, put) = standing(before, reached, close, held, in_time);
        held.put = put;
        let reached = after.reached;
        self.scratch.asked = asked;
        if after == before {
            return;
        }
        subject.standing = after;
        if reached != before.reached {
            held.onset = time;
        }
        let asked = std::mem::take(&mut self.scratch.asked);
        if reached != before.reached || after.put != before.put {
            let evaluation = Evaluation {
                rule,
                windows: &self.windows,
                asked: &asked,
                city: &self.city,
                forecasts: &self.forecasts,
            };
            let mut values = evaluation.texts(subject, &mut self.scratch.values);
            let comes = (after.put != before.put && rule.looks_ahead())
                .then(|| evaluation.arrival(subject, &mut self.scratch.values));
            if let Some(held) = &mut subject.state {
                if let Some(comes) = comes {
                    held.arrives = match comes {
                        Arrival::At(time) => Some(time.millis()),
                        Arrival::Here | Arrival::Unknown => None,
                    };
                    // It may be the first to come where the area's tier stays.
                    let touched = subject.areas.iter().map(|at| (rule_no, *at, time));
                    self.scratch.areas.extend(touched);
                }
                let why = held.lost.map(|lost| lost.why.text().to_owned());
                values.extend(why.map(|why| (crate::SILENCE.to_owned(), Some(why))));
                held.values = values;
                held.evaluated = subject.newest;
            }
        }
        self.scratch.asked = asked;
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
                past: rises && after.timely < reached,
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
            let counts = |of: Standing| (of.reached, of.timely, of.confirmed);
            if counts(before) != counts(after) && !dependents.is_empty() {
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

impl Engine {
    /// Evaluates everything once, after another rulebook or city came in force.
    pub(super) fn evaluate_all(&mut self) {
        let order = self.rulebook.dependency_order.clone();
        for rule in order {
            let subjects = self.rules.get(rule).map_or(0, |state| state.subjects.len());
            for subject in 0..u32::try_from(subjects).unwrap_or(u32::MAX) {
                // What it asks for may have stood before it was asked.
                self.hear(rule, subject, self.at.millis());
                let cause = Cause {
                    rise: Reason::Adopted,
                    ..Cause::READING
                };
                self.evaluate(rule, subject, &cause);
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
                    let cause = Cause {
                        heard: Some(time),
                        ..Cause::READING
                    };
                    self.evaluate(dependent, subject, &cause);
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
            spec.asked.iter().zip(&subject.upper).any(|(asked, upper)| {
                let is_it = |on: usize| on == rule && *upper == area;
                matches!(asked, condition::Asked::Situation { rule: on, .. } if is_it(*on))
            })
        };
        numbered
            .filter(|(_, subject)| asks(subject))
            .map(|(number, _)| number)
            .collect()
    }

    /// A rule that reads situations only has no observation time but theirs, and that at which
    /// its falls complete: nothing else would evaluate it once they rest.
    pub(super) fn hear(&mut self, rule: usize, subject: u32, time: i64) {
        let alone = self.rulebook.rules.get(rule).is_some_and(Rule::hears_only);
        let state = self.rules.get_mut(rule);
        if let Some(subject) = state.and_then(|s| s.subjects.get_mut(subject as usize))
            && alone
        {
            subject.newest = subject.newest.max(time);
        }
    }
}
