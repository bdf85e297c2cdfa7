//! Telling what changed, in its order: signals by rule and subject, then warnings.

use super::subjects::{Place, RuleState, Subject};
use super::{Cause, Engine, Mode, Policy};
use crate::area::Standing;
use crate::bulletin::{Desk, Finding, Found, Shelf, SiteFinding};
use crate::effect::{Effect, Reason};
use crate::rulebook::{Rule, Rulebook, SubjectKind};
use model::warning::Evidence;
use model::{AreaCode, City, Hazard, Tier, Time, Zone};
use std::collections::BTreeMap;

/// Subjects shown as evidence for one area.
const EVIDENCE_MAX: usize = 3;

impl Engine {
    #[inline]
    pub(super) fn has_changes(&self) -> bool {
        let scratch = &self.scratch;
        !(scratch.changes.is_empty() && scratch.areas.is_empty() && scratch.sites.is_empty())
    }

    /// Completes the rises whose deadline the record has passed, and the falls of rules that no
    /// reading wakes.
    pub(super) fn pass_deadlines(&mut self, record: i64) {
        self.next_deadline = i64::MAX;
        for rule in 0..self.rules.len() {
            let watched = self.rules.get(rule).map_or(0, |state| state.watches.len());
            for subject in 0..watched {
                let state = self.rules.get_mut(rule);
                let waits = |s: &&mut RuleState| {
                    let watch = s.watches.get(subject);
                    watch.is_some_and(|watch| watch.is_active && !watch.rests)
                };
                let Some(state) = state.filter(waits) else {
                    continue;
                };
                let Some(subject_state) = state.subjects.get_mut(subject) else {
                    continue;
                };
                let holds = subject_state.holds;
                let mut falls = None;
                if let Some(held) = &mut subject_state.state {
                    held.reached.pass(record, &holds);
                    held.ahead.pass(record, &holds);
                    let due = [held.reached.falls(&holds), held.ahead.falls(&holds)];
                    falls = due.into_iter().flatten().filter(|due| *due < record).min();
                }
                let subject = u32::try_from(subject).unwrap_or(u32::MAX);
                let hears_only = self.rulebook.rules.get(rule).is_some_and(Rule::hears_only);
                if let Some(due) = falls.filter(|_| hears_only) {
                    self.hear(rule, subject, due);
                    self.evaluate(rule, subject, &Cause::READING);
                    continue;
                }
                let (rise, fall) = (Reason::Raised, Reason::Lowered);
                self.stand(rule, subject, rise, fall, None, None);
            }
        }
    }

    /// Sends what bulletins have gathered, and renews.
    pub(super) fn pass_due(&mut self, out: &mut Vec<Effect>) {
        self.with_desk(out, |shelf, desk| {
            for bulletin in shelf.all_mut() {
                bulletin.pass(desk);
            }
        });
    }

    /// Tells the changes of one record.
    pub(super) fn settle(&mut self, out: &mut Vec<Effect>) {
        self.cascade();
        let mut changes = std::mem::take(&mut self.scratch.changes);
        changes.sort_by_key(|moved| (moved.rule, moved.subject));
        out.extend(changes.drain(..).map(|moved| Effect::Signal(moved.change)));
        self.scratch.changes = changes;
        let findings = self.findings_by_hazard();
        let sites = self.site_findings();
        if findings.is_empty() && sites.is_empty() {
            return;
        }
        let order = hazards_in_order(&self.rulebook);
        self.with_desk(out, |shelf, desk| {
            let none = (Vec::new(), Vec::new());
            for hazard in order {
                let (findings, sites) = (findings.get(&hazard), sites.get(&hazard));
                if let Some(bulletin) = shelf.own.get_mut(&hazard)
                    && (findings.is_some() || sites.is_some())
                {
                    let findings = findings.unwrap_or(&none.0);
                    bulletin.take(findings, sites.unwrap_or(&none.1), desk);
                }
            }
        });
    }

    /// Clears what bulletins still hold of areas and sites that no rule speaks of any more.
    pub(super) fn sweep(&mut self, out: &mut Vec<Effect>) {
        let mut stale: BTreeMap<Hazard, Vec<Finding>> = BTreeMap::new();
        for (hazard, bulletin) in &self.bulletins.own {
            for (area, held) in bulletin.all_found() {
                let found = self.found_in(*hazard, area);
                if found != held {
                    let finding = Finding {
                        area,
                        found,
                        time: self.at,
                        rule: usize::MAX,
                    };
                    stale.entry(*hazard).or_default().push(finding);
                }
            }
        }
        let live: Vec<(Hazard, String)> = self.sites_with_tier();
        self.with_desk(out, |shelf, desk| {
            for (hazard, bulletin) in &mut shelf.own {
                let gone = bulletin
                    .sites_except(&|site| live.iter().any(|(of, id)| of == hazard && id == site));
                let findings = stale.get(hazard).map_or(&[][..], Vec::as_slice);
                if !(findings.is_empty() && gone.is_empty()) {
                    bulletin.take(findings, &gone, desk);
                }
            }
        });
    }

    fn sites_with_tier(&self) -> Vec<(Hazard, String)> {
        let rules = self.rulebook.rules.iter().zip(&self.rules);
        let sites = rules.filter(|(rule, _)| rule.subject == SubjectKind::Site);
        let standing = sites.flat_map(|(rule, state)| {
            let up = state
                .subjects
                .iter()
                .filter(|s| self.told_tier(rule, s) > Tier::None);
            up.map(|subject| (rule.hazard, subject.id(&self.city)))
        });
        standing.collect()
    }

    /// Areas touched, by hazard, with the highest tier that any rule of the hazard finds there.
    fn findings_by_hazard(&mut self) -> BTreeMap<Hazard, Vec<Finding>> {
        let mut touched = std::mem::take(&mut self.scratch.areas);
        touched.sort_unstable();
        for (rule, area, _) in &touched {
            self.hold_down_area(*rule, *area);
        }
        let mut found: BTreeMap<Hazard, Vec<Finding>> = BTreeMap::new();
        for (rule, area, time) in touched.drain(..) {
            let Some(spec) = self.rulebook.rules.get(rule) else {
                continue;
            };
            let count = self
                .rules
                .get(rule)
                .and_then(|state| state.areas.get(area as usize));
            let Some(area) = count.and_then(|count| self.city.area(count.area)) else {
                continue;
            };
            let finding = Finding {
                area: area.code,
                found: self.found_in(spec.hazard, area.code),
                time: Time::from_millis(time),
                rule,
            };
            let list = found.entry(spec.hazard).or_default();
            match list.iter_mut().find(|held| held.area == finding.area) {
                Some(held) => *held = finding,
                None => list.push(finding),
            }
        }
        self.scratch.areas = touched;
        found
    }

    /// What all rules of a hazard find in an area.
    pub(super) fn found_in(&self, hazard: Hazard, area: AreaCode) -> Found {
        let area = self.city.area_no(area);
        let mut all = Standing::default();
        let mut arrives = None;
        for (rule, state) in self.rulebook.rules.iter().zip(&self.rules) {
            if rule.hazard != hazard {
                continue;
            }
            let counts = (0u32..).zip(&state.areas);
            for (at, count) in counts.filter(|(_, count)| Some(count.area) == area) {
                let standing = count.standing(rule.quorum);
                let (city, mutes) = (&self.city, &self.mutes);
                let standing = mutes.in_area(rule, city, count.area, standing);
                if standing.put > Tier::None && standing.put >= all.put {
                    let own = earliest(rule, state, at, standing.put);
                    let is_higher = standing.put > all.put;
                    arrives = if is_higher { own } else { own.min(arrives) };
                }
                all.put = all.put.max(standing.put);
                all.timely = all.timely.max(standing.timely);
                all.confirmed = all.confirmed.max(standing.confirmed);
            }
        }
        Found {
            put: all.put,
            reached: all.confirmed,
            unconfirmed: all.confirmed < all.timely,
            arrives,
        }
    }

    fn site_findings(&mut self) -> BTreeMap<Hazard, Vec<SiteFinding>> {
        let mut touched = std::mem::take(&mut self.scratch.sites);
        touched.sort_unstable();
        for (rule, subject, _) in &touched {
            self.hold_down_site(*rule, *subject);
        }
        let mut found: BTreeMap<Hazard, Vec<SiteFinding>> = BTreeMap::new();
        for (rule, subject, time) in touched.drain(..) {
            let Some(spec) = self.rulebook.rules.get(rule) else {
                continue;
            };
            let state = self.rules.get(rule);
            let Some(subject) = state.and_then(|s| s.subjects.get(subject as usize)) else {
                continue;
            };
            let Place::Site(no) = subject.place else {
                continue;
            };
            let Some((site, area)) = self
                .city
                .site(no)
                .and_then(|site| Some((site, self.city.area(site.area)?)))
            else {
                continue;
            };
            if self.city.zone_of(site.area) != self.zone && !subject.own {
                continue;
            }
            found.entry(spec.hazard).or_default().push(SiteFinding {
                site: site.id.clone(),
                area: area.code,
                tier: self.site_tier(spec.hazard, subject.place),
                time: Time::from_millis(time),
                rule,
            });
        }
        self.scratch.sites = touched;
        found
    }

    /// What counts of a site's confirmed tier for warnings.
    fn told_tier(&self, rule: &Rule, subject: &Subject) -> Tier {
        let confirmed = subject.standing.confirmed;
        self.mutes.at(rule, &self.city, subject.place, confirmed)
    }

    /// The highest confirmed tier that any rule of the hazard finds at a site.
    fn site_tier(&self, hazard: Hazard, place: Place) -> Tier {
        let rules = self.rulebook.rules.iter().zip(&self.rules);
        let of_hazard =
            rules.filter(|(rule, _)| rule.hazard == hazard && rule.subject == SubjectKind::Site);
        let tiers = of_hazard.flat_map(|(rule, state)| {
            let here = state.subjects.iter().filter(|s| s.place == place);
            here.map(|s| self.told_tier(rule, s))
        });
        tiers.max().unwrap_or_default()
    }

    /// Lets bulletins write with everything a revision needs, then looks what is due next.
    pub(super) fn with_desk<T>(
        &mut self,
        out: &mut Vec<Effect>,
        write: impl FnOnce(&mut Shelf, &mut Desk<'_>) -> T,
    ) -> T {
        let mut shelf = std::mem::take(&mut self.bulletins);
        let evidence = |hazard, area| self.evidence(hazard, area);
        let mut desk = self.desk(&evidence, out);
        let result = write(&mut shelf, &mut desk);
        shelf.say(&mut desk);
        self.bulletins = shelf;
        let due = self.bulletins.due();
        self.next_due = due.unwrap_or(Time::from_millis(i64::MAX));
        result
    }

    fn desk<'a>(
        &'a self,
        evidence: &'a dyn Fn(Hazard, AreaCode) -> Vec<Evidence>,
        out: &'a mut Vec<Effect>,
    ) -> Desk<'a> {
        let (city, rulebook): (&City, &Rulebook) = (&self.city, &self.rulebook);
        let (zone, mode, policy): (Zone, Mode, Policy) = (self.zone, self.mode, self.policy);
        Desk {
            city,
            zone,
            mode,
            policy,
            rulebook,
            at: self.at,
            evidence,
            out,
        }
    }

    /// The strongest subjects behind a hazard's tier in an area.
    fn evidence(&self, hazard: Hazard, area: AreaCode) -> Vec<Evidence> {
        let area = self.city.area_no(area);
        let mut found: Vec<(Tier, i64, Evidence)> = Vec::new();
        for (rule, state) in self.rulebook.rules.iter().zip(&self.rules) {
            let counted = state
                .areas
                .iter()
                .position(|count| Some(count.area) == area);
            let Some(counted) = counted.filter(|_| rule.hazard == hazard) else {
                continue;
            };
            let stands = state.areas.get(counted).is_some_and(|count| {
                let standing = count.standing(rule.quorum);
                let (city, mutes) = (&self.city, &self.mutes);
                !mutes.is_silent(rule, city, count.area)
                    || mutes.in_area(rule, city, count.area, standing).put > Tier::None
            });
            if !stands {
                continue;
            }
            let counted = u32::try_from(counted).unwrap_or(u32::MAX);
            for subject in state.subjects.iter().filter(|s| s.areas.contains(&counted)) {
                let standing = subject.standing;
                let Some(held) = subject.state.as_ref().filter(|_| standing.put > Tier::None)
                else {
                    continue;
                };
                let values = held.values.iter();
                let evidence = Evidence {
                    rule: rule.id.clone(),
                    version: rule.version.clone(),
                    subject: subject.id(&self.city),
                    tier: standing.reached,
                    time: Time::from_millis(held.evaluated),
                    values: values
                        .filter_map(|(call, value)| Some((call.clone(), value.clone()?)))
                        .collect(),
                    unconfirmed: standing.confirmed < standing.timely,
                };
                found.push((standing.put, held.onset, evidence));
            }
        }
        found.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
        found
            .into_iter()
            .take(EVIDENCE_MAX)
            .map(|(_, _, evidence)| evidence)
            .collect()
    }
}

/// When a tier comes to an area, by the first of its subjects; `None` where it is there at one of them.
fn earliest(rule: &Rule, state: &RuleState, area: u32, tier: Tier) -> Option<Time> {
    if !rule.looks_ahead() {
        return None;
    }
    let inside = |subject: &&Subject| {
        let counts = subject.areas.contains(&area);
        counts && subject.standing.put >= tier
    };
    let subjects = state.subjects.iter().filter(inside);
    let arrives = subjects.map(|subject| subject.state.as_ref()?.arrives);
    // None is before every hour.
    arrives.min().flatten().map(Time::from_millis)
}

/// Hazards by the first rule that speaks of each.
fn hazards_in_order(rulebook: &Rulebook) -> Vec<Hazard> {
    let mut order: Vec<Hazard> = Vec::new();
    for rule in &rulebook.rules {
        if !order.contains(&rule.hazard) {
            order.push(rule.hazard);
        }
    }
    order
}
