//! Which readings of a series cannot change anything: nothing that they touch is looked at.
//!
//! Each feed (a subject that the series wakes) has a calm that its last evaluation found, and each
//! series the shortest of them, so that a reading costs the same however many rules wait for it.

use super::subjects::{Feeds, RuleState, Watch};
use super::{Engine, NONE};
use crate::condition::lull::{Lull, Lulls};
use crate::rulebook::Rule;
use crate::window::{View, Window};
use model::{Observation, Offset, Parameter, Quanta, Time};

/// Until when a subject, or all that a series wakes, need not be evaluated.
#[derive(Clone, Copy, Debug)]
pub(super) struct Calm {
    /// As long as less than this has fallen in all, in quanta.
    rain: i64,
    /// Readings after this,
    from: i64,
    /// and up to this,
    until: i64,
    /// below this,
    reach: Quanta,
    /// and above this,
    sink: Quanta,
    /// as long as all of them stand for less than this, seconds.
    cover_s: i64,
    /// True where it tells nothing but that what days came to stands still: sums are to be looked at.
    is_still: bool,
}

/// What an evaluation says of readings to come.
#[derive(Default)]
pub(super) struct Ahead {
    /// What must come before a tier of a subject at rest can rise.
    pub(super) lulls: Option<Lulls>,
    /// What must come before figures of days turn anything at one that has a tier.
    pub(super) still: Option<Lull>,
}

/// What is known of a series without looking at what it wakes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Gate {
    /// All that fell, each reading counted as it came.
    rain: i64,
    /// Seconds that all readings stand for.
    cover_s: i64,
    /// The shortest calm of what it wakes, but for those that are awake.
    calm: Calm,
    /// Which of the feeds are awake, whatever is read: a bit each, where they are so few.
    awake: u64,
}

/// Whom a reading may concern among what its series wakes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Concerned {
    /// Any of them.
    All,
    /// Those that are awake, a bit each in their order.
    Awake(u64),
}

/// Feeds of one series of which each has a bit.
const AWAKE_MAX: usize = u64::BITS as usize;

/// From where to where no day ends.
const EVER: (i64, i64) = (i64::MIN, i64::MAX);

impl Calm {
    /// Any reading may change something.
    pub(super) const NONE: Self = Self {
        rain: i64::MIN,
        ..Self::LASTING
    };
    /// No reading can.
    const LASTING: Self = Self {
        rain: i64::MAX,
        from: i64::MIN,
        until: i64::MAX,
        reach: Quanta::MAX,
        sink: Quanta::MIN,
        cover_s: i64::MAX,
        is_still: false,
    };

    #[inline]
    fn holds(&self, gate: &Gate, reading: &Observation) -> bool {
        let (time, value) = (reading.time.millis(), reading.value);
        gate.rain < self.rain
            && gate.cover_s < self.cover_s
            && value < self.reach
            && value > self.sink
            && time > self.from
            && time <= self.until
    }

    /// True where every reading is to be looked at.
    const fn is_awake(&self) -> bool {
        self.is_still || self.rain == i64::MIN
    }

    fn and(self, other: &Self) -> Self {
        Self {
            rain: self.rain.min(other.rain),
            from: self.from.max(other.from),
            until: self.until.min(other.until),
            reach: self.reach.min(other.reach),
            sink: self.sink.max(other.sink),
            cover_s: self.cover_s.min(other.cover_s),
            is_still: false,
        }
    }

    /// What a lull means to a series of which so much has come; `day` is that of the subject.
    fn of(
        lull: &Lull,
        series: &View<'_>,
        parameter: Parameter,
        gate: &Gate,
        day: (i64, i64),
    ) -> Self {
        // What lies below nothing comes back when it leaves its window.
        let wavers = parameter == Parameter::Rainfall && series.has_negative();
        if lull.is_none() || wavers {
            return Self::NONE;
        }
        let (from, until) = if lull.days {
            // A series that lies behind may still bring what days before came to.
            (series.newest_ms().max(day.0), day.1)
        } else {
            EVER
        };
        let least = i64::from(Quanta::MIN);
        let most = i64::from(Quanta::MAX);
        Self {
            rain: gate.rain.saturating_add(lull.rain),
            cover_s: gate.cover_s.saturating_add(lull.cover_s),
            is_still: false,
            from,
            until: until.min(lull.until),
            reach: lull.reach.clamp(least, most) as Quanta,
            sink: lull.sink.clamp(least, most) as Quanta,
        }
    }
}

impl Gate {
    /// Nothing known.
    pub(super) const AFRESH: Self = Self {
        rain: 0,
        cover_s: 0,
        calm: Calm::NONE,
        awake: 0,
    };
}

impl Feeds {
    /// Takes note of a reading and tells whom it may concern.
    #[inline]
    pub(super) fn note(&mut self, series: u32, reading: &Observation, is_new: bool) -> Concerned {
        let Some(gate) = self.gates.get_mut(series as usize) else {
            return Concerned::All;
        };
        gate.rain = gate.rain.saturating_add(i64::from(reading.value.max(0)));
        // An interval that is not said may be any.
        let cover_s = match reading.interval_s {
            0 => u32::MAX,
            said => said,
        };
        gate.cover_s = gate.cover_s.saturating_add(i64::from(cover_s));
        if is_new && gate.calm.holds(gate, reading) {
            Concerned::Awake(gate.awake)
        } else {
            Concerned::All
        }
    }

    /// True where a reading that was taken note of cannot change what one feed leads to.
    #[inline]
    pub(super) fn is_calm(&self, series: u32, feed: usize, reading: &Observation) -> bool {
        let gate = self.gates.get(series as usize);
        gate.zip(self.calms.get(feed))
            .is_some_and(|(gate, calm)| !calm.is_still && calm.holds(gate, reading))
    }

    /// True where a reading that was taken note of moves no figure of days across a bound.
    pub(super) fn is_still(&self, series: u32, feed: usize, reading: &Observation) -> bool {
        let gate = self.gates.get(series as usize);
        gate.zip(self.calms.get(feed))
            .is_some_and(|(gate, calm)| calm.is_still && calm.holds(gate, reading))
    }

    /// Makes a series as calm as the least calm of what it wakes, those that are awake left out where a
    /// bit is there for each.
    pub(super) fn gather(&mut self, series: u32) {
        let calms = self.calms.get(self.of(series)).unwrap_or_default();
        let (mut calm, mut awake) = (Calm::LASTING, 0);
        for (at, own) in calms.iter().enumerate() {
            if own.is_awake() && calms.len() <= AWAKE_MAX {
                awake |= 1 << at;
            } else {
                calm = calm.and(own);
            }
        }
        if let Some(gate) = self.gates.get_mut(series as usize) {
            (gate.calm, gate.awake) = (calm, awake);
        }
    }

    /// Notes what a series of rain must bring before sums that lie below their bounds are looked at; the
    /// series is to be gathered.
    pub(super) fn rest(&mut self, series: u32, at: usize, lull: Option<Lull>, view: &View<'_>) {
        let gate = self.gates.get(series as usize);
        if let (Some(lull), Some(gate), Some(calm)) = (lull, gate, self.calms.get_mut(at)) {
            *calm = Calm::of(&lull, view, Parameter::Rainfall, gate, EVER);
        }
    }

    /// Puts a calm to the feed by which `series` wakes a subject.
    fn calm(&mut self, series: u32, rule: u16, subject: u32, of: impl FnOnce(&Gate) -> Calm) {
        let Some(at) = self.find(series, rule, subject) else {
            return;
        };
        if let (Some(gate), Some(calm)) =
            (self.gates.get_mut(series as usize), self.calms.get_mut(at))
        {
            *calm = of(gate);
            gate.calm = Calm::NONE;
        }
    }
}

impl Engine {
    /// Newest observation time of a subject: while it is calm it is not evaluated, and its time not
    /// noted.
    pub(super) fn newest(&self, state: &RuleState, place: usize) -> i64 {
        let subject = state.subjects.get(place).into_iter();
        let fed = subject.flat_map(|s| s.series.iter().chain(s.members.iter().flatten()));
        let fed = fed.filter_map(|series| self.windows.get(*series)?.newest());
        fed.map(Time::millis).fold(state.newest(place), i64::max)
    }

    /// Notes what must come before a subject is to be evaluated again: anything, where nothing is
    /// known or where something is set or waiting that hangs on more than sums.
    pub(super) fn calm(&mut self, rule_no: usize, subject_no: u32, found: &Ahead) {
        let (Some(rule), Some(state)) = (self.rulebook.rules.get(rule_no), self.rules.get(rule_no))
        else {
            return;
        };
        let at = subject_no as usize;
        let (Some(subject), Some(watch)) = (state.subjects.get(at), state.watches.get(at)) else {
            return;
        };
        if !rule.has_lulls {
            return;
        }
        let lulls = found.lulls.as_ref().filter(|_| !watch.is_active);
        let still = found.still.filter(|_| watch.is_active && watch.rests);
        let found = lulls.into_iter().flatten().chain(&still);
        let day = match found.into_iter().any(|lull| lull.days) {
            true => same_day(rule, subject.newest, self.city.offset),
            false => EVER,
        };
        let number = u16::try_from(rule_no).unwrap_or(u16::MAX);
        let fed = subject.series.iter().zip(&rule.parameters).enumerate();
        for (place, (series, parameter)) in fed.filter(|(_, (series, _))| **series != NONE) {
            let lull = lulls.and_then(|lulls| lulls.get(place)).copied();
            let found = lull.or(still).zip(self.windows.get(*series));
            self.feeds.calm(*series, number, subject_no, |gate| {
                found.map_or(Calm::NONE, |(lull, series)| {
                    let calm = Calm::of(&lull, &series, *parameter, gate, day);
                    Calm {
                        is_still: still.is_some(),
                        ..calm
                    }
                })
            });
        }
    }
}

/// After and up to when it is the same day as at `newest` by each calendar that the rule counts days by,
/// and the same month, with which other things are usual.
fn same_day(rule: &Rule, newest: i64, offset: Offset) -> (i64, i64) {
    let begins = |days, minute, time| {
        let window = Window::Calendar { days, minute };
        window.start(Time::from_millis(time), offset).millis()
    };
    // At midnight sharp it is another month already, while a day ends with what comes at its end.
    let midnight = begins(0, 0, newest.saturating_add(1)) - 1;
    let windows = rule.calls.iter().filter_map(|call| call.reading.window);
    windows.fold((i64::MIN, midnight), |(from, until), window| match window {
        Window::Calendar { minute, .. } => (
            from.max(begins(1, minute, newest)),
            until.min(begins(0, minute, newest)),
        ),
        Window::Rolling(_) => (from, until),
    })
}

impl Watch {
    /// What is left to the lowest of a rule's floors, in a series of rain.
    pub(super) fn below(series: &View<'_>, floors: &[(u16, i64)], rule: &Rule) -> Option<Lull> {
        if rule.parameters.as_slice() != [Parameter::Rainfall] {
            return None;
        }
        let slots = series.slots();
        let left = floors.iter().filter_map(|(slot, bound)| {
            let slot = slots.get(usize::from(*slot))?;
            Some(bound - slot.sum)
        });
        Some(Lull {
            rain: left.min()?,
            sink: -1,
            ..Lull::LASTING
        })
    }
}
