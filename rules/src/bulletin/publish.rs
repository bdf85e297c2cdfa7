//! Writing revisions: what changed, and which event it is.

use super::release::Whole;
use super::{Bulletin, Policy, Standing, tiers};
use crate::effect::Effect;
use crate::rulebook::Rulebook;
use model::authority::Ruling;
use model::release::Flow;
use model::warning::{AreaTier, Event, Evidence, SiteTier, foremost};
use model::{
    Act, AreaCode, AuthorityId, City, Hazard, Mode, Named, Reach, Span, Tier, Time, Warning, Zone,
};
use std::collections::BTreeMap;

/// What a revision is written with.
pub(crate) struct Desk<'a> {
    pub(crate) city: &'a City,
    pub(crate) zone: Zone,
    pub(crate) mode: Mode,
    pub(crate) policy: Policy,
    pub(crate) rulebook: &'a Rulebook,
    /// Record time.
    pub(crate) at: Time,
    /// The strongest subjects behind a hazard's tier in an area.
    pub(crate) evidence: &'a dyn Fn(Hazard, AreaCode) -> Vec<Evidence>,
    pub(crate) out: &'a mut Vec<Effect>,
}

impl Desk<'_> {
    pub(crate) fn rule_id(&self, rule: usize) -> String {
        let rule = self.rulebook.rules.get(rule);
        rule.map_or_else(|| "rulebook".to_owned(), |rule| rule.id.clone())
    }

    pub(crate) fn rule_name(&self, rule: usize) -> Named {
        self.rulebook
            .rules
            .get(rule)
            .map_or_else(Named::default, |rule| rule.name.clone())
    }

    /// What we may do with the whole of a warning: the ruling of its foremost area.
    fn ruling(&self, whole: &Whole<'_>) -> Option<Ruling<'_>> {
        let area = self.city.area_no(whole.area?)?;
        self.city
            .ruling_on(whole.hazard, area, whole.tier, whole.relay_of)
    }

    /// The authority whose name stands on a warning: of the matrix, else our first.
    fn authority(&self, whole: &Whole<'_>) -> Option<AuthorityId> {
        let own = || self.city.policy.matrix.own().next();
        let ruling = self.ruling(whole);
        let authority = ruling.map(|ruling| ruling.authority).or_else(own);
        authority.map(|authority| authority.id)
    }

    /// How the public is told of it.
    pub(super) fn flow(&self, whole: &Whole<'_>) -> Flow {
        let policy = &self.city.policy;
        match self.authority(whole) {
            Some(id) => policy.flow(&id, whole.hazard, whole.tier, Reach::Public),
            None => Flow::by_default(Reach::Public, &policy.approval),
        }
    }

    /// The authority that was asked for it (提请), by the name people know.
    pub(super) fn asked_of(&self, whole: &Whole<'_>) -> Option<String> {
        let ruling = self.ruling(whole).filter(|r| r.act == Act::Request)?;
        let name = &ruling.counterpart?.name;
        Some(
            if name.en.is_empty() {
                &name.zh
            } else {
                &name.en
            }
            .clone(),
        )
    }

    /// CAP validity of a tier: the longest that a rule of the hazard gives.
    fn validity(&self, hazard: Hazard, tier: Tier) -> Span {
        let rules = self
            .rulebook
            .rules
            .iter()
            .filter(|rule| rule.hazard == hazard);
        let longest = rules.map(|rule| rule.renew_after(tier)).max();
        longest.unwrap_or(Span::from_minutes(6 * 60))
    }
}

impl Bulletin {
    /// Says what changed since the last revision, if anything did.
    pub(super) fn publish(&mut self, time: Time, rule: &str, desk: &mut Desk<'_>) {
        self.due = None;
        let Some(open) = &mut self.open else {
            return;
        };
        open.put.append(&mut open.gathered);
        let moved = open.take_moved();
        let Some(open) = &self.open else {
            return;
        };
        let said = self.said(&open.put);
        let same_tiers = said.len() == open.told.len()
            && said
                .iter()
                .zip(&open.told)
                .all(|((a, x), (b, y))| a == b && x.0 == y.0);
        let same = said == open.told && self.sites == open.told_sites && !moved.put;
        if same_tiers && (same || desk.policy == Policy::Replay) {
            return;
        }
        match desk.policy {
            Policy::Replay => self.publish_at_once(time, rule, desk),
            Policy::Live => {
                if moved.force && open.has_proposal() {
                    self.emit_beside(time, rule, desk);
                }
                self.propose(time, rule, !same_tiers, desk);
            }
        }
    }

    fn publish_at_once(&mut self, time: Time, rule: &str, desk: &mut Desk<'_>) {
        let Some(open) = &mut self.open else {
            return;
        };
        let first = !open.issued;
        open.issued = true;
        open.force.clone_from(&open.put);
        let clear = open.is_clear();
        if first {
            self.emit(Event::Proposed, time, rule, desk);
            self.emit(Event::Issued, time, rule, desk);
        } else if clear {
            self.close(Event::Ended, time, rule, desk);
        } else {
            self.emit(Event::Updated, time, rule, desk);
        }
    }

    fn propose(&mut self, time: Time, rule: &str, new_tiers: bool, desk: &mut Desk<'_>) {
        let needed = self.signatures_needed(desk);
        let unconfirmed = self.is_put_unconfirmed();
        let asked = self.asked_of(desk);
        let Some(open) = &mut self.open else {
            return;
        };
        let (put, force) = (tiers(&open.put), tiers(&open.force));
        if new_tiers {
            open.sheet.turn_to(&put, &force);
        }
        if put.is_empty() && force.is_empty() {
            open.signed.clear();
            self.close(Event::Ended, time, rule, desk);
        } else if open.issued && !open.has_proposal() {
            if new_tiers {
                open.signed.clear();
            }
            open.waiting = None;
            open.sheet.clear();
            self.emit(Event::Updated, time, rule, desk);
        } else if needed == 0 && !unconfirmed && asked.is_none() {
            self.release(&put, Vec::new(), time, rule, desk);
        } else {
            self.put_forward(time, rule, desk);
        }
    }

    /// Ends the warning. What was gathered and never told is nobody's act to end: it opens the
    /// next.
    pub(super) fn close(&mut self, event: Event, time: Time, rule: &str, desk: &mut Desk<'_>) {
        self.emit(event, time, rule, desk);
        let due = self.due.take();
        let Some(open) = self.open.take() else {
            return;
        };
        self.last = Some((open.id, open.revision));
        let mut left = open.gathered;
        left.retain(|_, standing| standing.tier > Tier::None);
        if let Some(first) = left.values().map(|standing| standing.onset).min() {
            let id = self.id_of(first, desk);
            self.open(id, first, left, open.name);
            let rule = due.map_or_else(|| rule.to_owned(), |due| due.rule);
            self.publish(first, &rule, desk);
        }
    }

    /// Writes what is put forward; a proposal is shown to the signers.
    pub(super) fn emit(&mut self, event: Event, time: Time, rule: &str, desk: &mut Desk<'_>) {
        let Some(open) = &self.open else {
            return;
        };
        let put = open.put.clone();
        let Some(warning) = self.write(event, time, rule, &put, desk) else {
            return;
        };
        if let Some(open) = &mut self.open {
            open.put.retain(|_, standing| standing.tier > Tier::None);
            if event == Event::Proposed {
                let tiers = tiers(&open.put);
                open.sheet
                    .show(warning.revision, warning.seen_hash(), tiers);
            }
        }
        desk.out.push(Effect::Warning(Box::new(warning)));
    }

    /// Writes what is in force, whatever is put forward beside it.
    pub(super) fn emit_force(&mut self, event: Event, time: Time, rule: &str, desk: &mut Desk<'_>) {
        let Some(open) = &self.open else {
            return;
        };
        let force = open.force.clone();
        let warning = self.write(event, time, rule, &force, desk);
        desk.out
            .extend(warning.map(|w| Effect::Warning(Box::new(w))));
    }

    /// The same where what is put forward was told and is not over by it.
    pub(super) fn emit_beside(&mut self, time: Time, rule: &str, desk: &mut Desk<'_>) {
        let told = self
            .open
            .as_ref()
            .map(|open| (open.told.clone(), open.told_sites.clone()));
        self.emit_force(Event::Updated, time, rule, desk);
        if let Some((open, told)) = self.open.as_mut().zip(told) {
            (open.told, open.told_sites) = told;
        }
    }

    fn write(
        &mut self,
        event: Event,
        time: Time,
        rule: &str,
        standing: &BTreeMap<AreaCode, Standing>,
        desk: &Desk<'_>,
    ) -> Option<Warning> {
        let over = matches!(event, Event::Ended | Event::Cancelled);
        let unconfirmed = !over && self.is_unconfirmed(standing);
        let areas = self.areas(standing, time);
        let highest = foremost(areas.iter().map(|(code, area)| (*code, area.tier)));
        let (top, tier) = highest.map_or((None, Tier::None), |(code, tier)| (Some(code), tier));
        let relay = self.open.as_ref().and_then(|open| open.relay.clone());
        let authority = desk.authority(&Whole {
            hazard: self.hazard,
            area: top,
            tier,
            relay_of: relay.as_ref().map(|relay| &relay.authority),
        });
        let authority = authority.map_or_else(String::new, |id| id.to_string());
        let validity = desk.validity(self.hazard, tier);
        // A replay tells the values with each change at a subject, and nobody signs on evidence.
        let evidence = match desk.policy {
            Policy::Replay => Vec::new(),
            Policy::Live => areas
                .iter()
                .filter(|(_, area)| relay.is_none() && area.tier > Tier::None)
                .flat_map(|(code, _)| (desk.evidence)(self.hazard, *code))
                .collect(),
        };
        let said = self.said(standing);
        let open = self.open.as_mut()?;
        let sites = if over {
            ended(&open.told_sites, time)
        } else {
            let fallen = open
                .told_sites
                .iter()
                .filter(|(id, _)| !self.sites.contains_key(*id));
            let mut sites = ended(
                &fallen.map(|(id, s)| (id.clone(), s.clone())).collect(),
                time,
            );
            sites.extend(
                self.sites
                    .iter()
                    .map(|(id, site)| (id.clone(), site.clone())),
            );
            sites
        };
        open.revision += 1;
        open.told = said
            .into_iter()
            .filter(|(_, (tier, _))| *tier > Tier::None)
            .collect();
        open.told_sites = if over {
            BTreeMap::new()
        } else {
            self.sites.clone()
        };
        // What is in force expires at its own time, whatever is put forward beside it.
        if event != Event::Proposed {
            open.renew_at = desk.at + Span::from_millis(validity.millis() / 5 * 4);
        }
        Some(Warning {
            id: open.id,
            revision: open.revision,
            event,
            mode: desk.mode,
            hazard: self.hazard,
            name: open.name.clone(),
            zone: desk.city.zone_code(desk.zone),
            authority,
            time,
            first_rise: open.first_rise,
            areas,
            sites,
            rule: rule.to_owned(),
            evidence,
            past: false,
            unconfirmed,
            expires: desk.at + validity,
            signed_by: match event {
                Event::Proposed => open.sheet.signers(&tiers(standing)),
                Event::Issued | Event::Updated | Event::Ended | Event::Cancelled => {
                    open.signed.clone()
                }
            },
            text: match event {
                Event::Proposed => open.text.clone(),
                Event::Issued | Event::Updated => open.words.clone(),
                // What people were told to do ends with it.
                Event::Ended | Event::Cancelled => BTreeMap::new(),
            },
            relay,
        })
    }

    /// Areas with a tier, and those that had one in the revision before.
    fn areas(
        &self,
        standing: &BTreeMap<AreaCode, Standing>,
        time: Time,
    ) -> BTreeMap<AreaCode, AreaTier> {
        let told = self.open.iter().flat_map(|open| open.told.keys());
        let gone = told.map(|code| (*code, Standing::since(Tier::None, time)));
        let mut areas: BTreeMap<AreaCode, Standing> = gone.collect();
        let in_force = standing
            .iter()
            .filter(|(code, standing)| standing.tier > Tier::None || areas.contains_key(*code));
        let in_force: Vec<_> = in_force
            .map(|(code, standing)| (*code, *standing))
            .collect();
        areas.extend(in_force);
        let area = |(code, standing): (AreaCode, Standing)| {
            let area = AreaTier {
                tier: standing.tier,
                reached: self.found(code).reached,
                onset: standing.comes(),
            };
            (code, area)
        };
        areas.into_iter().map(area).collect()
    }

    /// Tier and tier reached of each area that has one.
    fn said(&self, standing: &BTreeMap<AreaCode, Standing>) -> BTreeMap<AreaCode, (Tier, Tier)> {
        let with_tier = standing
            .iter()
            .filter(|(_, standing)| standing.tier > Tier::None);
        with_tier
            .map(|(code, standing)| (*code, (standing.tier, self.found(*code).reached)))
            .collect()
    }

    /// True where what is put forward rests on suspect values only.
    pub(super) fn is_put_unconfirmed(&self) -> bool {
        let open = self.open.as_ref();
        open.is_some_and(|open| self.is_unconfirmed(&open.put))
    }

    /// True where no area at the highest tier rests on more than suspect values.
    fn is_unconfirmed(&self, standing: &BTreeMap<AreaCode, Standing>) -> bool {
        let tiers = tiers(standing);
        let Some(highest) = tiers.values().max() else {
            return false;
        };
        let mut top = tiers.iter().filter(|(_, tier)| *tier == highest);
        top.all(|(code, _)| self.found(*code).unconfirmed)
    }
}

fn ended(sites: &BTreeMap<String, SiteTier>, time: Time) -> BTreeMap<String, SiteTier> {
    let end = |site: &SiteTier| SiteTier {
        area: site.area,
        tier: Tier::None,
        onset: time,
    };
    sites
        .iter()
        .map(|(id, site)| (id.clone(), end(site)))
        .collect()
}
