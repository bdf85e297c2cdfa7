//! Subjects whose silence is evidence: one tier more, put forward and unconfirmed, until they report
//! again or a person says otherwise.

use super::super::calm::Ahead;
use super::super::subjects::{Lost, State, Subject, Why};
use super::super::verdict::Evaluation;
use super::super::{Engine, NONE};
use super::Heard;
use super::cluster::together;
use crate::condition::{Kleene, Program};
use crate::effect::Reason;
use crate::rulebook::Lost as LostSpec;
use model::{AreaNo, Tier, Time};
use std::collections::BTreeSet;

impl Engine {
    /// Follows the silence of a minute where rules take it for evidence.
    pub(super) fn lose(&mut self, now: i64, heard: &Heard) {
        if !self.rulebook.rules.iter().any(|rule| rule.lost.is_some()) {
            return;
        }
        for (rule, subject) in self.concerned(&heard.back) {
            self.hear_again(rule, subject, now);
        }
        if !self.silence.hears_too_little() {
            return;
        }
        let fell = self.concerned(&heard.fell);
        for (rule, subject) in &fell {
            if self.was_rising(*rule, *subject) {
                self.count_lost(*rule, *subject, Why::Rising, now);
            }
        }
        let mut areas: BTreeSet<(usize, u32)> = BTreeSet::new();
        for (rule, subject) in fell {
            let state = self.rules.get(rule);
            let subject = state.and_then(|state| state.subjects.get(subject as usize));
            let counted = subject.into_iter().flat_map(|subject| subject.areas.iter());
            areas.extend(counted.map(|area| (rule, *area)));
        }
        areas.extend(self.may_still_count(now));
        for (rule, area) in areas {
            self.lose_together(rule, area, now);
        }
        self.lose_in_clusters(now);
    }

    /// Areas of subjects that may still count.
    fn may_still_count(&self, now: i64) -> BTreeSet<(usize, u32)> {
        let mut areas = BTreeSet::new();
        let rules = self.rulebook.rules.iter().zip(&self.rules);
        for (number, (rule, state)) in (0usize..).zip(rules) {
            let Some(lost) = rule.lost.as_ref().filter(|lost| lost.several.is_some()) else {
                continue;
            };
            for subject in &state.subjects {
                if self.is_lost_lately(subject, lost, now) {
                    areas.extend(subject.areas.iter().map(|area| (number, *area)));
                }
            }
        }
        areas
    }

    /// True where a subject fell silent not long ago and counts for nothing yet: the hazard may
    /// begin after its sensors were lost. Who is silent for longer says nothing of it.
    fn is_lost_lately(&self, subject: &Subject, lost: &LostSpec, now: i64) -> bool {
        let counts = |state: &State| state.lost.is_some();
        if !self.is_lost(subject) || subject.state.as_deref().is_some_and(counts) {
            return false;
        }
        let Some(last) = self.last_of(subject) else {
            return false;
        };
        let read = subject.series.iter().filter(|number| **number != NONE);
        let allowed = read.map(|number| self.silence.allowed_dry(*number));
        let allowed = allowed.fold(subject.holds.gap_ms, i64::max);
        let patience = allowed.saturating_add(lost.within.millis());
        now.saturating_sub(last) <= patience
    }

    /// Subjects that went with the stations around them count where their hazard is in force or
    /// near in the district.
    fn lose_in_clusters(&mut self, now: i64) {
        if self.silence.clusters.iter().all(Option::is_none) {
            return;
        }
        let mut gone: Vec<(usize, u32)> = Vec::new();
        let rules = self.rulebook.rules.iter().zip(&self.rules);
        for (number, (rule, state)) in (0usize..).zip(rules) {
            let Some(lost) = &rule.lost else {
                continue;
            };
            let went = (0u32..).zip(&state.subjects).filter(|(_, subject)| {
                self.is_lost_lately(subject, lost, now) && self.went_with_others(subject)
            });
            gone.extend(went.map(|(subject, _)| (number, subject)));
        }
        // Asked before any of them counts: none is there because another went.
        let asked = gone.iter().flat_map(|(rule, subject)| {
            let districts = self.districts_of(*rule, *subject).into_iter();
            districts.map(|district| (*rule, district))
        });
        let mut there: BTreeSet<(usize, AreaNo)> = asked.collect();
        there.retain(|(rule, at)| self.is_there(*rule, *at) || self.is_near(*rule, *at));
        for (rule, subject) in gone {
            let mut districts = self.districts_of(rule, subject).into_iter();
            if districts.any(|district| there.contains(&(rule, district))) {
                self.count_lost(rule, subject, Why::Cluster, now);
            }
        }
    }

    /// Areas that count a subject.
    fn areas_of(&self, rule_no: usize, subject_no: u32) -> impl Iterator<Item = AreaNo> + '_ {
        let state = self.rules.get(rule_no);
        let counted = state.into_iter().flat_map(move |state| {
            let subject = state.subjects.get(subject_no as usize);
            let areas = subject.into_iter().flat_map(|subject| subject.areas.iter());
            areas.filter_map(|area| state.areas.get(*area as usize))
        });
        counted.map(|count| count.area)
    }

    /// Their districts.
    fn districts_of(&self, rule_no: usize, subject_no: u32) -> BTreeSet<AreaNo> {
        let areas = self.areas_of(rule_no, subject_no);
        areas.map(|area| self.district_above(area)).collect()
    }

    /// True where a rule's hazard is in force in a district.
    fn is_there(&self, rule_no: usize, district: AreaNo) -> bool {
        let rule = self.rulebook.rules.get(rule_no);
        rule.is_some_and(|rule| self.storm(rule.hazard, district) > Tier::None)
    }

    /// True where the last readings of some subject of a district say that the hazard is near, no
    /// suspect ones among them: a subject that is heard, or that was until it went with the stations
    /// around it, and where nobody muted the rule.
    fn is_near(&mut self, rule_no: usize, district: AreaNo) -> bool {
        let rule = self.rulebook.rules.get(rule_no);
        let lost = rule.and_then(|rule| rule.lost.as_ref());
        if lost.is_none_or(|lost| lost.near.is_none()) {
            return false;
        }
        let subjects = self
            .rules
            .get(rule_no)
            .map_or(0, |state| state.subjects.len());
        let mut subjects = 0..u32::try_from(subjects).unwrap_or(NONE);
        subjects.any(|no| {
            self.speaks_in(rule_no, no, district)
                && self.said(rule_no, no, |lost| lost.near.as_ref(), false)
        })
    }

    /// True where the readings of a subject tell of a district as it is.
    fn speaks_in(&self, rule_no: usize, subject_no: u32, district: AreaNo) -> bool {
        let (Some(rule), Some(state)) = (self.rulebook.rules.get(rule_no), self.rules.get(rule_no))
        else {
            return false;
        };
        let subject = state.subjects.get(subject_no as usize);
        let is_there =
            subject.is_some_and(|subject| !self.is_lost(subject) || self.went_with_others(subject));
        let mut areas = self.areas_of(rule_no, subject_no);
        is_there
            && areas.any(|area| {
                self.district_above(area) == district
                    && !self.mutes.is_silent(rule, &self.city, area)
            })
    }

    /// Subjects of rules that listen, which these series belong to.
    fn concerned(&self, series: &[u32]) -> BTreeSet<(usize, u32)> {
        let feeds = series.iter().flat_map(|number| self.feeds.of(*number));
        let feeds = feeds.filter_map(|at| self.feeds.get(at));
        let pairs = feeds.map(|feed| (usize::from(feed.rule), feed.subject));
        pairs
            .filter(|(rule, _)| {
                let rule = self.rulebook.rules.get(*rule);
                rule.is_some_and(|rule| rule.lost.is_some())
            })
            .collect()
    }

    /// True where all that is read at a subject is silent.
    fn is_lost(&self, subject: &Subject) -> bool {
        let mut read = subject.series.iter().filter(|number| **number != NONE);
        read.all(|number| self.silence.is_silent(*number))
    }

    /// Observation time of the last reading at a subject; [`None`] where there never was one.
    pub(in super::super) fn last_of(&self, subject: &Subject) -> Option<i64> {
        let read = subject.series.iter();
        let views = read.filter_map(|number| self.windows.get(*number));
        let newest = views.map(|view| view.newest_ms()).max();
        newest.filter(|newest| *newest > i64::MIN)
    }

    /// True where the last readings of a subject that fell silent say what its rule asks for.
    fn was_rising(&mut self, rule_no: usize, subject_no: u32) -> bool {
        let state = self.rules.get(rule_no);
        let subject = state.and_then(|state| state.subjects.get(subject_no as usize));
        subject.is_some_and(|subject| self.is_lost(subject))
            && self.said(rule_no, subject_no, |lost| lost.when.as_ref(), true)
    }

    /// True where a condition of `lost` held at the last reading of a subject, by suspect ones too
    /// where these count.
    fn said(
        &mut self,
        rule_no: usize,
        subject_no: u32,
        of: fn(&LostSpec) -> Option<&Program>,
        suspects: bool,
    ) -> bool {
        let mut asked = std::mem::take(&mut self.scratch.asked);
        let mut values = std::mem::take(&mut self.scratch.values);
        self.asked_of(rule_no, subject_no, &mut asked);
        let rule = self.rulebook.rules.get(rule_no);
        let state = self.rules.get(rule_no);
        let subject = state.and_then(|state| state.subjects.get(subject_no as usize));
        let rises = rule.zip(subject).is_some_and(|(rule, subject)| {
            let asked_for = rule.lost.as_ref().and_then(of);
            let Some((program, last)) = asked_for.zip(self.last_of(subject)) else {
                return false;
            };
            let evaluation = Evaluation {
                rule,
                windows: &self.windows,
                asked: &asked,
                city: &self.city,
                forecasts: &self.forecasts,
            };
            evaluation.figures(subject, Time::from_millis(last), suspects, &mut values);
            program.evaluate(&evaluation.situated(subject, &values, false)) == Kleene::True
        });
        (self.scratch.asked, self.scratch.values) = (asked, values);
        rises
    }

    /// Subjects of an area that went together count where their hazard is in force or forecast.
    fn lose_together(&mut self, rule_no: usize, area: u32, now: i64) {
        let (Some(rule), Some(state)) = (self.rulebook.rules.get(rule_no), self.rules.get(rule_no))
        else {
            return;
        };
        let lost = rule.lost.as_ref();
        let Some((several, within)) = lost.and_then(|lost| Some((lost.several?, lost.within)))
        else {
            return;
        };
        let numbered = (0u32..).zip(&state.subjects);
        let silent =
            numbered.filter(|(_, subject)| subject.areas.contains(&area) && self.is_lost(subject));
        let silent = silent.filter_map(|(no, subject)| Some((self.last_of(subject)?, no)));
        let mut silent: Vec<(i64, u32)> = silent.collect();
        let group = together(&mut silent, within);
        let counted = state.areas.get(area as usize).map(|count| count.area);
        let is_there = |area: AreaNo| self.is_there(rule_no, self.district_above(area));
        if group.len() < several || !counted.is_some_and(is_there) {
            return;
        }
        let group: Vec<u32> = group.iter().map(|(_, no)| *no).collect();
        for subject in group {
            self.count_lost(rule_no, subject, Why::Together, now);
        }
    }

    /// Puts a subject one tier up.
    fn count_lost(&mut self, rule_no: usize, subject_no: u32, why: Why, now: i64) {
        let state = self.rules.get(rule_no);
        let subject = state.and_then(|state| state.subjects.get(subject_no as usize));
        let last = subject.and_then(|subject| self.last_of(subject));
        let (Some(rule), Some(state)) = (
            self.rulebook.rules.get(rule_no),
            self.rules.get_mut(rule_no),
        ) else {
            return;
        };
        let Some((subject, ..)) = state.awaken(subject_no as usize) else {
            return;
        };
        let (day, offset) = (Time::from_millis(now), self.city.offset);
        let mut tiers = rule.tiers.iter().map(|tier| tier.tier);
        let next = tiers.find(|tier| {
            *tier > subject.standing.reached && rule.limits.is_in_season(*tier, day, offset)
        });
        let held = subject.state.get_or_insert_default();
        if held.stood.is_some_and(|stood| last <= Some(stood)) {
            return;
        }
        let (Some(tier), None) = (next, held.lost) else {
            return;
        };
        held.stood = None;
        held.lost = Some(Lost {
            tier,
            why,
            is_confirmed: false,
        });
        subject.newest = subject.newest.max(last.unwrap_or(i64::MIN));
        self.stand(
            rule_no,
            subject_no,
            Reason::Lost,
            Reason::Heard,
            None,
            Some(now),
        );
        // Whatever comes next is looked at.
        self.calm(rule_no, subject_no, &Ahead::default());
    }

    /// Under another city or rulebook a dead sensor may be replaced: what nobody is silent at any
    /// more is what its values say.
    pub(in super::super) fn hear_replaced(&mut self) {
        let now = self.at.millis();
        for rule in 0..self.rules.len() {
            let subjects = self.rules.get(rule).map_or(0, |state| state.subjects.len());
            for subject in 0..u32::try_from(subjects).unwrap_or(NONE) {
                self.hear_again(rule, subject, now);
            }
        }
    }

    /// A subject that reports again is what its values say.
    fn hear_again(&mut self, rule_no: usize, subject_no: u32, now: i64) {
        let state = self.rules.get(rule_no);
        let subject = state.and_then(|state| state.subjects.get(subject_no as usize));
        if subject.is_none_or(|subject| self.is_lost(subject)) {
            return;
        }
        let state = self.rules.get_mut(rule_no);
        let found = state.and_then(|state| state.awaken(subject_no as usize));
        let held = found.and_then(|(subject, ..)| subject.state.as_mut());
        let Some(held) = held else {
            return;
        };
        held.stood = None;
        if held.lost.take().is_none() {
            return;
        }
        self.stand(
            rule_no,
            subject_no,
            Reason::Lost,
            Reason::Heard,
            None,
            Some(now),
        );
    }
}
