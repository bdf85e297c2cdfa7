//! Rules that a person silenced for a while.
//!
//! A silent rule is evaluated as ever: its subjects have their tiers, and other rules hear its
//! situation. What it finds in the areas and at the sites where it is silent counts for warnings
//! only as far as it counted when the silence began, and never more again once it has fallen: so
//! a silence begins nothing and takes nothing back. Once it is over, all of it counts again.

use super::Engine;
use super::subjects::Place;
use crate::area::Standing;
use crate::effect::{Effect, Refusal};
use crate::rulebook::Rule;
use model::{AreaCode, AreaNo, City, Mute, Muted, Tier, Time};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Silences of a zone, by rule id.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Mutes(BTreeMap<String, Silence>);

/// One rule's.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Silence {
    mutes: Vec<Mute>,
    /// What still counts in an area where it is silent: put, timely, confirmed; none elsewhere.
    areas: BTreeMap<AreaCode, [Tier; 3]>,
    /// The same at a site.
    sites: BTreeMap<String, Tier>,
}

/// A person's order to silence a rule.
pub(super) struct Silencing<'a> {
    pub(super) rule: &'a str,
    pub(super) areas: &'a [AreaCode],
    pub(super) until: Time,
    pub(super) person: &'a str,
    pub(super) reason: &'a str,
}

impl Silence {
    fn covers(&self, city: &City, area: AreaNo) -> bool {
        self.mutes.iter().any(|mute| match mute.area {
            None => true,
            Some(code) => city
                .area_no(code)
                .is_some_and(|outer| city.is_within(area, outer)),
        })
    }

    /// What of an area's standing counts.
    fn in_area(&self, code: AreaCode, standing: Standing) -> Standing {
        let [put, timely, confirmed] = self.areas.get(&code).copied().unwrap_or_default();
        Standing {
            put: standing.put.min(put),
            timely: standing.timely.min(timely),
            confirmed: standing.confirmed.min(confirmed),
            ..standing
        }
    }

    fn at_site(&self, id: &str, confirmed: Tier) -> Tier {
        let kept = self.sites.get(id).copied().unwrap_or_default();
        confirmed.min(kept)
    }

    /// Keeps of an area what counts of its standing.
    fn keep_area(&mut self, code: AreaCode, standing: Standing) {
        let kept = [standing.put, standing.timely, standing.confirmed];
        if kept == [Tier::None; 3] {
            self.areas.remove(&code);
        } else {
            self.areas.insert(code, kept);
        }
    }

    fn keep_site(&mut self, id: &str, confirmed: Tier) {
        if confirmed == Tier::None {
            self.sites.remove(id);
        } else {
            self.sites.insert(id.to_owned(), confirmed);
        }
    }
}

impl Mutes {
    fn of(&self, rule: &Rule, city: &City, area: AreaNo) -> Option<&Silence> {
        let silence = self.0.get(&rule.id)?;
        silence.covers(city, area).then_some(silence)
    }

    /// True where the rule is silent in an area.
    pub(super) fn is_silent(&self, rule: &Rule, city: &City, area: AreaNo) -> bool {
        !self.0.is_empty() && self.of(rule, city, area).is_some()
    }

    /// What of a rule's standing in an area counts for warnings.
    pub(super) fn in_area(
        &self,
        rule: &Rule,
        city: &City,
        area: AreaNo,
        standing: Standing,
    ) -> Standing {
        if self.0.is_empty() {
            return standing;
        }
        let code = city.area(area).map(|area| area.code);
        match (self.of(rule, city, area), code) {
            (Some(silence), Some(code)) => silence.in_area(code, standing),
            (None, _) | (_, None) => standing,
        }
    }

    /// The same at a place: only sites are told by themselves.
    pub(super) fn at(&self, rule: &Rule, city: &City, place: Place, confirmed: Tier) -> Tier {
        if self.0.is_empty() {
            return confirmed;
        }
        let site = match place {
            Place::Site(no) => city.site(no),
            Place::Station(_) | Place::Area(_) => None,
        };
        let silence = site.and_then(|site| Some((site, self.of(rule, city, site.area)?)));
        silence.map_or(confirmed, |(site, silence)| {
            silence.at_site(&site.id, confirmed)
        })
    }

    /// All of them.
    pub(super) fn all(&self) -> impl Iterator<Item = &Mute> {
        self.0.values().flat_map(|silence| &silence.mutes)
    }

    /// Record time at which the next ends, milliseconds; never, where there is none.
    pub(super) fn due(&self) -> i64 {
        let ends = self.all().map(|mute| mute.until.millis());
        ends.min().unwrap_or(i64::MAX)
    }
}

impl Engine {
    /// The rules that are silent here, and where.
    pub fn mutes(&self) -> Vec<Mute> {
        self.mutes.all().cloned().collect()
    }

    pub(super) fn mute(
        &mut self,
        order: &Silencing<'_>,
        out: &mut Vec<Effect>,
    ) -> Result<(), Refusal> {
        let Some((number, rule)) = self.rulebook.rule(order.rule) else {
            return Err(Refusal::UnknownRule {
                rule: order.rule.to_owned(),
            });
        };
        let max = self.city.policy.muting.max;
        if order.until <= self.at {
            return Err(Refusal::MuteOver { until: order.until });
        }
        if order.until.since(self.at) > max {
            return Err(Refusal::MuteTooLong { max });
        }
        for code in order.areas {
            let known = self.city.area_no(*code);
            let area = known.filter(|area| self.city.zone_of(*area) == self.zone);
            let level = area.and_then(|area| self.city.area(area)).map(|a| a.level);
            match level {
                None => return Err(Refusal::UnknownArea { area: *code }),
                Some(level) if level > rule.level => {
                    return Err(Refusal::MuteTooSmall {
                        rule: order.rule.to_owned(),
                        area: *code,
                    });
                }
                Some(_) => {}
            }
        }
        let before = self.mutes.clone();
        let silence = self.mutes.0.entry(order.rule.to_owned()).or_default();
        let mut areas: BTreeSet<Option<AreaCode>> = order.areas.iter().copied().map(Some).collect();
        if areas.is_empty() {
            areas.insert(None);
        }
        for area in areas {
            let mute = Mute {
                rule: order.rule.to_owned(),
                area,
                since: self.at,
                until: order.until,
                person: order.person.to_owned(),
                reason: order.reason.to_owned(),
            };
            silence.mutes.retain(|held| held.area != area);
            silence.mutes.push(mute.clone());
            out.push(said(&self.city, self.zone, mute, None, None));
        }
        silence.mutes.sort_by_key(|mute| mute.area);
        self.keep_what_counts(number, &before);
        self.next_unmute = self.mutes.due();
        Ok(())
    }

    pub(super) fn unmute(
        &mut self,
        rule: &str,
        areas: &[AreaCode],
        person: &str,
        out: &mut Vec<Effect>,
    ) -> Result<(), Refusal> {
        let names =
            |mute: &Mute| areas.is_empty() || mute.area.is_some_and(|area| areas.contains(&area));
        let silence = self.mutes.0.get(rule);
        if !silence.is_some_and(|silence| silence.mutes.iter().any(names)) {
            return Err(Refusal::NotMuted {
                rule: rule.to_owned(),
            });
        }
        self.end_mutes(
            self.at,
            |mute| mute.rule == rule && names(mute),
            Some(person),
            out,
        );
        Ok(())
    }

    /// Ends what record time has passed, each at its own end.
    pub(super) fn pass_mutes(&mut self, out: &mut Vec<Effect>) {
        while self.mutes.due() <= self.at.millis() {
            let due = Time::from_millis(self.mutes.due());
            self.end_mutes(due, |mute| mute.until == due, None, out);
        }
    }

    /// Lets go of what speaks of a rule or an area that there is no more, after another rulebook or
    /// city came in force; everything is looked at then.
    pub(super) fn prune_mutes(&mut self, out: &mut Vec<Effect>) {
        let (city, zone, rulebook) = (&self.city, self.zone, &self.rulebook);
        let lives = |mute: &Mute| {
            let is_here = |code: AreaCode| {
                let area = city.area_no(code);
                area.is_some_and(|area| city.zone_of(area) == zone)
            };
            rulebook.rule(&mute.rule).is_some() && mute.area.is_none_or(is_here)
        };
        let gone = self.mutes.all().filter(|mute| !lives(mute)).cloned();
        let gone: Vec<Mute> = gone.collect();
        for silence in self.mutes.0.values_mut() {
            silence.mutes.retain(lives);
            silence
                .areas
                .retain(|code, _| city.area_no(*code).is_some());
            silence.sites.retain(|id, _| city.site_no(id).is_some());
        }
        self.mutes.0.retain(|_, silence| !silence.mutes.is_empty());
        let over = Some(self.at);
        out.extend(
            gone.into_iter()
                .map(|mute| said(&self.city, self.zone, mute, over, None)),
        );
        self.next_unmute = self.mutes.due();
    }

    /// Ends some of the silences at a time; what stands there is told at once.
    fn end_mutes(
        &mut self,
        at: Time,
        ends: impl Fn(&Mute) -> bool,
        person: Option<&str>,
        out: &mut Vec<Effect>,
    ) {
        let rules: Vec<String> = self.mutes.0.keys().cloned().collect();
        let before = self.mutes.clone();
        for id in rules {
            let Some(silence) = self.mutes.0.get_mut(&id) else {
                continue;
            };
            let over = silence.mutes.extract_if(.., |mute| ends(mute));
            let over: Vec<Mute> = over.collect();
            if silence.mutes.is_empty() {
                self.mutes.0.remove(&id);
            }
            if over.is_empty() {
                continue;
            }
            let person = person.map(str::to_owned);
            let (city, zone) = (&self.city, self.zone);
            out.extend(
                over.into_iter()
                    .map(|mute| said(city, zone, mute, Some(at), person.clone())),
            );
            if let Some((number, _)) = self.rulebook.rule(&id) {
                self.speak_again(number, at, &before);
            }
        }
        self.next_unmute = self.mutes.due();
        self.settle(out);
    }

    /// Notes what counts in areas and at sites where a rule fell silent just now.
    fn keep_what_counts(&mut self, number: usize, before: &Mutes) {
        let (Some(rule), Some(state)) = (self.rulebook.rules.get(number), self.rules.get(number))
        else {
            return;
        };
        let Some(silence) = self.mutes.0.get_mut(&rule.id) else {
            return;
        };
        let city = &self.city;
        for count in &state.areas {
            let falls_silent =
                !before.is_silent(rule, city, count.area) && silence.covers(city, count.area);
            if let (true, Some(area)) = (falls_silent, city.area(count.area)) {
                silence.keep_area(area.code, count.standing(rule.quorum));
            }
        }
        for subject in &state.subjects {
            let Place::Site(no) = subject.place else {
                continue;
            };
            let Some(site) = city.site(no) else { continue };
            if !before.is_silent(rule, city, site.area) && silence.covers(city, site.area) {
                silence.keep_site(&site.id, subject.standing.confirmed);
            }
        }
    }

    /// Has areas and sites looked at where a rule is silent no more.
    fn speak_again(&mut self, number: usize, at: Time, before: &Mutes) {
        let (Some(rule), Some(state)) = (self.rulebook.rules.get(number), self.rules.get(number))
        else {
            return;
        };
        let city = &self.city;
        let mutes = &mut self.mutes;
        let speaks = |mutes: &Mutes, area: AreaNo| {
            before.is_silent(rule, city, area) && !mutes.is_silent(rule, city, area)
        };
        for (place, count) in (0u32..).zip(&state.areas) {
            if speaks(mutes, count.area) {
                self.scratch.areas.push((number, place, at.millis()));
                let code = city.area(count.area).map(|area| area.code);
                if let (Some(silence), Some(code)) = (mutes.0.get_mut(&rule.id), code) {
                    silence.areas.remove(&code);
                }
            }
        }
        for (place, subject) in (0u32..).zip(&state.subjects) {
            let Place::Site(no) = subject.place else {
                continue;
            };
            let Some(site) = city.site(no) else { continue };
            if speaks(mutes, site.area) {
                self.scratch.sites.push((number, place, at.millis()));
                if let Some(silence) = mutes.0.get_mut(&rule.id) {
                    silence.sites.remove(&site.id);
                }
            }
        }
    }

    /// What has fallen in an area where a rule is silent counts no more there.
    pub(super) fn hold_down_area(&mut self, number: usize, place: u32) {
        if self.mutes.0.is_empty() {
            return;
        }
        let (Some(rule), Some(state)) = (self.rulebook.rules.get(number), self.rules.get(number))
        else {
            return;
        };
        let Some(count) = state.areas.get(place as usize) else {
            return;
        };
        let counts = self
            .mutes
            .in_area(rule, &self.city, count.area, count.standing(rule.quorum));
        let code = self.city.area(count.area).map(|area| area.code);
        if let (true, Some(code)) = (self.mutes.is_silent(rule, &self.city, count.area), code)
            && let Some(silence) = self.mutes.0.get_mut(&rule.id)
        {
            silence.keep_area(code, counts);
        }
    }

    /// The same at a site.
    pub(super) fn hold_down_site(&mut self, number: usize, place: u32) {
        if self.mutes.0.is_empty() {
            return;
        }
        let (Some(rule), Some(state)) = (self.rulebook.rules.get(number), self.rules.get(number))
        else {
            return;
        };
        let Some(subject) = state.subjects.get(place as usize) else {
            return;
        };
        let Place::Site(no) = subject.place else {
            return;
        };
        let confirmed = subject.standing.confirmed;
        let counts = self.mutes.at(rule, &self.city, subject.place, confirmed);
        let site = self.city.site(no);
        if let Some(site) = site.filter(|s| self.mutes.is_silent(rule, &self.city, s.area))
            && let Some(silence) = self.mutes.0.get_mut(&rule.id)
        {
            silence.keep_site(&site.id, counts);
        }
    }
}

fn said(
    city: &City,
    zone: model::Zone,
    mute: Mute,
    over: Option<Time>,
    lifted_by: Option<String>,
) -> Effect {
    Effect::Muted(Box::new(Muted {
        zone: city.zone_code(zone),
        mute,
        over,
        lifted_by,
    }))
}
