//! The newest observation times of a subject, and which tiers' conditions held at each: for rules
//! that ask for `samples`.
//!
//! A reading that comes late or corrects another one has every sample from its time on evaluated
//! again, as far as windows reach back; so the samples are what the readings say that stand now.

use super::subjects::{State, Subject};
use super::verdict::{Evaluation, Which};
use super::{Cause, NONE};
use crate::condition::{Kleene, Situated};
use crate::rulebook::Samples;
use crate::situation::{Asked, TIERS, Truths};
use crate::window::Value;
use model::{Tier, Time};
use serde::{Deserialize, Serialize};

/// The newest samples of a subject, by time; as many as its rule asks for at most.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Ring(Vec<Sample>);

/// One observation time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Sample {
    time: i64,
    /// Tiers whose condition or a higher one held, a bit each, lowest first.
    held: u8,
    /// The same for proposals.
    ahead: u8,
    /// The same without suspect readings and unconfirmed situations.
    sure: u8,
    /// The situations asked for as they were then, and as far as they were confirmed.
    asked: Asked,
    confirmed: Asked,
}

/// Which bits of a sample.
#[derive(Clone, Copy)]
pub(super) enum Bits {
    Held,
    Ahead,
    Sure,
}

impl Sample {
    const fn bits(&self, which: Bits) -> u8 {
        match which {
            Bits::Held => self.held,
            Bits::Ahead => self.ahead,
            Bits::Sure => self.sure,
        }
    }

    const fn has(&self, which: Bits, place: usize) -> bool {
        self.bits(which) >> place & 1 == 1
    }
}

impl Ring {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Makes room for a time; false where newer ones fill the ring.
    fn admit(&mut self, time: i64, n: usize, asked: [Asked; 2]) -> bool {
        let at = self.0.partition_point(|sample| sample.time < time);
        if self.0.get(at).is_some_and(|sample| sample.time == time) {
            return true;
        }
        if at == 0 && self.0.len() >= n {
            return false;
        }
        // Room for one more than is kept, once: an observation allocates nothing.
        self.0.reserve_exact((n + 1).saturating_sub(self.0.len()));
        let [asked, confirmed] = asked;
        let sample = Sample {
            time,
            held: 0,
            ahead: 0,
            sure: 0,
            asked,
            confirmed,
        };
        self.0.insert(at, sample);
        self.0.drain(..self.0.len().saturating_sub(n));
        true
    }

    /// How many held a tier.
    pub(super) fn count(&self, which: Bits, place: usize) -> usize {
        let held = self.0.iter().filter(|sample| sample.has(which, place));
        held.count()
    }

    /// The truths of the newest time, where enough samples held as well.
    pub(super) fn limited(&self, which: Bits, truths: Truths, samples: Samples) -> Truths {
        let mut limited = truths;
        for (place, truth) in limited.iter_mut().enumerate() {
            if *truth == Kleene::True && self.count(which, place) < usize::from(samples.k) {
                *truth = Kleene::False;
            }
        }
        limited
    }

    /// The highest place that holds surely at the newest time and at enough of them.
    pub(super) fn surest(&self, samples: Samples) -> Option<usize> {
        let newest = self.0.last()?;
        (0..TIERS).rev().find(|place| {
            let enough = self.count(Bits::Sure, *place) >= usize::from(samples.k);
            newest.has(Bits::Sure, *place) && enough
        })
    }

    /// The truths of an earlier evaluation, where the samples of then that are still known do not
    /// say that too few held.
    pub(super) fn limited_at(
        &self,
        time: i64,
        which: Bits,
        truths: Truths,
        samples: Samples,
    ) -> Truths {
        let spare = usize::from(samples.n - samples.k);
        let mut limited = truths;
        for (place, truth) in limited.iter_mut().enumerate() {
            let of_then = self.0.iter().filter(|sample| sample.time <= time);
            let failed = of_then.filter(|sample| !sample.has(which, place));
            if failed.count() > spare {
                *truth = Kleene::False;
            }
        }
        limited
    }

    /// The same samples for another list of tiers, and no more of them than a rule asks for.
    pub(super) fn moved(&mut self, from: &[Tier], to: &[Tier], samples: Option<Samples>) {
        let Some(samples) = samples else {
            self.0.clear();
            return;
        };
        let moved = |bits: u8| {
            let places = from.iter().enumerate();
            let set = places.filter(|(place, _)| bits >> place & 1 == 1);
            let new = set.filter_map(|(_, tier)| to.iter().position(|held| held == tier));
            new.fold(0u8, |bits, place| bits | 1 << place)
        };
        for sample in &mut self.0 {
            sample.held = moved(sample.held);
            sample.ahead = moved(sample.ahead);
            sample.sure = moved(sample.sure);
        }
        let over = self.0.len().saturating_sub(usize::from(samples.n));
        self.0.drain(..over);
    }
}

impl Evaluation<'_> {
    /// Takes the subject's newest time, and that of the reading behind this evaluation, among its
    /// samples, and evaluates again what the reading may have changed.
    pub(super) fn sample(
        &self,
        subject: &mut Subject,
        samples: Samples,
        cause: &Cause,
        values: &mut Vec<Value>,
    ) {
        let newest = subject.newest;
        let from = match (cause.is_adoption(), cause.read) {
            (true, _) => i64::MIN,
            (false, Some(read)) => read.min(newest),
            (false, None) => newest,
        };
        let state: &mut State = subject.state.get_or_insert_default();
        let mut ring = std::mem::take(&mut state.samples);
        let asked = [&self.asked.reached, &self.asked.confirmed].map(|tiers| Asked::new(tiers));
        let n = usize::from(samples.n);
        ring.admit(newest, n, asked);
        if let Some(read) = cause.read {
            ring.admit(read, n, asked);
        }
        for sample in ring.0.iter_mut().filter(|sample| sample.time >= from) {
            if sample.time == newest {
                [sample.asked, sample.confirmed] = asked;
            } else if !self.is_kept(subject, Time::from_millis(sample.time)) {
                continue;
            }
            self.fill(subject, sample, values);
        }
        if let Some(state) = &mut subject.state {
            state.samples = ring;
        }
    }

    fn fill(&self, subject: &Subject, sample: &mut Sample, values: &mut Vec<Value>) {
        let time = Time::from_millis(sample.time);
        self.figures(subject, time, true, values);
        let (asked, confirmed) = (sample.asked.tiers(), sample.confirmed.tiers());
        let situated = self.situated(subject, values, false);
        let at = Situated {
            tiers: &asked,
            ..situated
        };
        sample.held = bits(&self.held_by(&at, Which::Raise, time));
        sample.ahead = match self.rule.proposes() {
            true => bits(&self.held_by(&at, Which::Propose, time)),
            false => 0,
        };
        let suspects = self.has_suspects(subject);
        if !suspects && sample.asked == sample.confirmed {
            sample.sure = sample.held;
            return;
        }
        self.figures(subject, time, !suspects, values);
        let situated = self.situated(subject, values, false);
        let at = Situated {
            tiers: &confirmed,
            ..situated
        };
        sample.sure = bits(&self.held_by(&at, Which::Raise, time));
    }

    pub(super) fn has_suspects(&self, subject: &Subject) -> bool {
        let fed = subject
            .series
            .iter()
            .chain(subject.members.iter().flatten());
        let known = fed.filter(|series| **series != NONE);
        known
            .filter_map(|series| self.windows.get(*series))
            .any(|series| series.has_suspects())
    }
}

fn bits(truths: &Truths) -> u8 {
    let held = truths.iter().enumerate();
    let held = held.filter(|(_, truth)| **truth == Kleene::True);
    held.fold(0, |bits, (place, _)| bits | 1 << place)
}
