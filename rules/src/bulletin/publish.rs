//! Writing revisions: what changed, which event it is, who must sign.

use super::{Bulletin, Open, Policy, Standing};
use crate::effect::Effect;
use crate::rulebook::Rulebook;
use model::authority::Ruling;
use model::release::Flow;
use model::warning::{AreaTier, Event, Evidence, SiteTier};
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

/// Revisions of one content that may still be signed.
const SEEN_MAX: usize = 16;

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
    fn flow(&self, whole: &Whole<'_>) -> Flow {
        let policy = &self.city.policy;
        match self.authority(whole) {
            Some(id) => policy.flow(&id, whole.hazard, whole.tier, Reach::Public),
            None => Flow::by_default(Reach::Public, &policy.approval),
        }
    }

    /// The authority that was asked for it (提请), by the name people know.
    fn asked_of(&self, whole: &Whole<'_>) -> Option<String> {
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

/// A warning as one thing: what decides authority and flow.
struct Whole<'a> {
    hazard: Hazard,
    area: Option<AreaCode>,
    tier: Tier,
    relay_of: Option<&'a AuthorityId>,
}

impl Bulletin {
    /// Says what changed since the last revision, if anything did.
    pub(super) fn publish(&mut self, time: Time, rule: &str, desk: &mut Desk<'_>) {
        self.due = None;
        let Some(open) = &self.open else {
            return;
        };
        let said = self.said(&open.put);
        let same_tiers = said.len() == open.told.len()
            && said
                .iter()
                .zip(&open.told)
                .all(|((a, x), (b, y))| a == b && x.0 == y.0);
        let same = said == open.told && self.sites == open.told_sites;
        if same_tiers && (same || desk.policy == Policy::Replay) {
            return;
        }
        match desk.policy {
            Policy::Replay => self.publish_at_once(time, rule, desk),
            Policy::Live => self.propose(time, rule, !same_tiers, desk),
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
        let unconfirmed = self.is_unconfirmed();
        let Some(open) = &mut self.open else {
            return;
        };
        if new_tiers {
            open.signed.clear();
            open.seen.clear();
        }
        let same_words = open.text == open.words;
        let nothing_to_sign = same_words && tiers(&open.put) == tiers(&open.force);
        if open.is_clear() && tiers(&open.force).is_empty() {
            self.close(Event::Ended, time, rule, desk);
        } else if nothing_to_sign && open.issued {
            open.waiting = None;
            self.emit(Event::Updated, time, rule, desk);
        } else if needed == 0 && !unconfirmed && self.asked_of(desk).is_none() {
            self.release(time, rule, desk);
        } else {
            self.put_forward(time, rule, desk);
        }
    }

    /// Puts what stands before the signers, with their clock; before nobody where another
    /// authority has to be asked.
    pub(super) fn put_forward(&mut self, time: Time, rule: &str, desk: &mut Desk<'_>) {
        self.wait(desk);
        self.emit(Event::Proposed, time, rule, desk);
    }

    /// Puts what is proposed in force.
    pub(super) fn release(&mut self, time: Time, rule: &str, desk: &mut Desk<'_>) {
        let review = self.wants_review(rule, desk);
        let Some(open) = &mut self.open else {
            return;
        };
        let first = !open.issued;
        open.issued = true;
        open.waiting = None;
        open.force.clone_from(&open.put);
        open.words.clone_from(&open.text);
        if open.is_clear() {
            self.close(Event::Ended, time, rule, desk);
        } else if first {
            self.emit(Event::Issued, time, rule, desk);
        } else {
            self.emit(Event::Updated, time, rule, desk);
        }
        if let Some((signed_by, within)) = review {
            self.ask_review(signed_by, desk.at, within);
        }
    }

    /// Signatures asked for before the public is told.
    pub(super) fn signatures_needed(&self, desk: &Desk<'_>) -> u8 {
        self.flow(desk).signatures
    }

    /// How the public is told.
    pub(super) fn flow(&self, desk: &Desk<'_>) -> Flow {
        desk.flow(&self.whole())
    }

    /// The authority that was asked for it; [`None`] where it is ours.
    pub(super) fn asked_of(&self, desk: &Desk<'_>) -> Option<String> {
        desk.asked_of(&self.whole())
    }

    /// By the highest tier that is proposed or in force.
    fn whole(&self) -> Whole<'_> {
        let open = self.open.as_ref();
        let standing = open
            .iter()
            .flat_map(|open| open.put.iter().chain(&open.force));
        let highest = standing.max_by_key(|(_, standing)| standing.tier);
        Whole {
            hazard: self.hazard,
            area: highest.map(|(code, _)| *code),
            tier: highest.map_or(Tier::None, |(_, standing)| standing.tier),
            relay_of: open
                .and_then(|open| open.relay.as_ref())
                .map(|r| &r.authority),
        }
    }

    pub(super) fn close(&mut self, event: Event, time: Time, rule: &str, desk: &mut Desk<'_>) {
        self.emit(event, time, rule, desk);
        if let Some(open) = self.open.take() {
            self.last = Some((open.id, open.revision));
        }
        self.due = None;
    }

    /// Renews the validity of what is in force a fifth of it before its end (semantics §20).
    pub(super) fn renew(&mut self, desk: &mut Desk<'_>) {
        let Some(open) = self
            .open
            .as_ref()
            .filter(|open| open.issued && open.relay.is_none() && open.renew_at <= desk.at)
        else {
            return;
        };
        let (force, told) = (
            open.force.clone(),
            (open.told.clone(), open.told_sites.clone()),
        );
        let warning = self.write(Event::Updated, desk.at, "renewal", &force, desk);
        if let Some(open) = &mut self.open {
            (open.told, open.told_sites) = told;
        }
        desk.out
            .extend(warning.map(|w| Effect::Warning(Box::new(w))));
    }

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
            if open.seen.len() >= SEEN_MAX {
                open.seen.remove(0);
            }
            open.seen.push((warning.revision, warning.seen_hash()));
        }
        desk.out.push(Effect::Warning(Box::new(warning)));
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
        let unconfirmed = !over && self.is_unconfirmed();
        let areas = self.areas(standing, time);
        let highest = areas.iter().max_by_key(|(_, area)| area.tier);
        let (top, tier) = highest.map_or((None, Tier::None), |(c, area)| (Some(*c), area.tier));
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
        open.renew_at = desk.at + Span::from_millis(validity.millis() / 5 * 4);
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
            signed_by: open.signed.clone(),
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
        let gone = told.map(|code| {
            let gone = Standing {
                tier: Tier::None,
                onset: time,
            };
            (*code, gone)
        });
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
                onset: standing.onset,
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

    /// True where no area at the highest tier rests on more than suspect values.
    pub(super) fn is_unconfirmed(&self) -> bool {
        let Some(open) = &self.open else {
            return false;
        };
        let highest = open
            .put
            .values()
            .map(|standing| standing.tier)
            .max()
            .unwrap_or_default();
        let top = open
            .put
            .iter()
            .filter(|(_, standing)| standing.tier == highest);
        highest > Tier::None
            && top
                .into_iter()
                .all(|(code, _)| self.found(*code).unconfirmed)
    }
}

impl Open {
    pub(super) fn is_clear(&self) -> bool {
        self.put
            .values()
            .all(|standing| standing.tier == Tier::None)
    }
}

/// Tiers above none, by area.
pub(super) fn tiers(standing: &BTreeMap<AreaCode, Standing>) -> BTreeMap<AreaCode, Tier> {
    let with_tier = standing
        .iter()
        .filter(|(_, standing)| standing.tier > Tier::None);
    with_tier
        .map(|(code, standing)| (*code, standing.tier))
        .collect()
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
