//! One warning for each hazard of a zone: a tier and an onset per area, in numbered revisions.
//!
//! Rises revise at once, falls and additions at the same tier wait for the next whole minute
//! (semantics §24). An addition is at the same tier where another area stands at that tier
//! already; any other is a rise. What is gathered is told with its revision and not before: what
//! people sign, send away or change until then is what the last revision said.
//!
//! Under [`Policy::Replay`] what is proposed is issued at once, and only a changed tier of an
//! area makes a revision: nothing is sent and no barrier closed, so that what is found beside
//! what is put forward, and the sites, are told with it and not by themselves. Under
//! [`Policy::Live`] it waits for the signatures its release flow asks for (semantics §27).

mod arrival;
mod clock;
mod orders;
mod publish;
mod relay;
mod release;
mod sheet;
mod shelf;

use arrival::Arrival;
use clock::{Reviewing, Waiting};
use model::warning::{Relayed, SiteTier};
use model::{AreaCode, Hazard, Named, Pending, Signal, Tier, Time, WarningId};
use serde::{Deserialize, Serialize};
use sheet::{Sheet, Tiers};
use std::collections::BTreeMap;

pub(crate) use orders::Amendment;
pub(crate) use publish::Desk;
pub(crate) use shelf::Shelf;

/// Who turns a proposal into a warning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    /// People, by the release flows of the city.
    Live,
    /// Nobody: what is proposed is issued at once (semantics §6).
    Replay,
}

/// What the rules find in one area for one hazard.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Found {
    /// Tier put forward.
    pub(crate) put: Tier,
    /// Tier found, in time and confirmed.
    pub(crate) reached: Tier,
    /// True where the tier rests on suspect values only.
    pub(crate) unconfirmed: bool,
    /// When what is put forward comes, where it is only expected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) arrives: Option<Time>,
}

/// A finding that changed.
#[derive(Clone, Debug)]
pub(crate) struct Finding {
    pub(crate) area: AreaCode,
    pub(crate) found: Found,
    pub(crate) time: Time,
    pub(crate) rule: usize,
}

/// A site whose tier changed.
#[derive(Clone, Debug)]
pub(crate) struct SiteFinding {
    pub(crate) site: String,
    pub(crate) area: AreaCode,
    pub(crate) tier: Tier,
    pub(crate) time: Time,
    pub(crate) rule: usize,
}

/// Everything about one hazard in one zone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Bulletin {
    hazard: Hazard,
    found: BTreeMap<AreaCode, Found>,
    sites: BTreeMap<String, SiteTier>,
    refused: BTreeMap<AreaCode, Refused>,
    open: Option<Open>,
    due: Option<Due>,
    last: Option<(WarningId, u32)>,
    /// Releases of one person that a second has to look at, oldest first.
    reviews: Vec<Reviewing>,
    /// What people were last said to have to do, by warning.
    said: BTreeMap<WarningId, Pending>,
}

/// A tier that a person sent away or took back: proposed again only on a higher one, or after
/// falling and rising again (semantics §23).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Refused {
    tier: Tier,
    fell: bool,
}

/// When gathered changes go out, and the first rule that caused one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Due {
    at: Time,
    rule: String,
}

/// What stands in an area.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Standing {
    tier: Tier,
    /// When it was found, or the hour that another authority gives.
    onset: Time,
    /// When it comes, where that is another hour.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    arrives: Option<Arrival>,
}

/// The warning that is open.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Open {
    id: WarningId,
    revision: u32,
    first_rise: Time,
    name: Named,
    /// Put forward.
    put: BTreeMap<AreaCode, Standing>,
    /// Found since the last revision and told with the next.
    gathered: BTreeMap<AreaCode, Standing>,
    /// Arrivals that moved since the last revision, told with the next.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    moved: BTreeMap<AreaCode, Time>,
    /// The newer message (one signal a tier) of what it passes on, followed with the next revision.
    news: Vec<Signal>,
    /// Signed; under replay the same.
    force: BTreeMap<AreaCode, Standing>,
    /// As the last revision said it.
    told: BTreeMap<AreaCode, (Tier, Tier)>,
    told_sites: BTreeMap<String, SiteTier>,
    issued: bool,
    /// The clock of what is put forward and not signed.
    waiting: Option<Waiting>,
    /// The signal it passes on; [`None`] for what our own rules and people say.
    relay: Option<Relayed>,
    /// Who acted on what is in force.
    signed: Vec<String>,
    /// Who saw and signed what of the proposal.
    sheet: Sheet,
    /// Words put forward in place of the template's, by language tag.
    text: BTreeMap<String, String>,
    /// Words in force: what is not a proposal says these.
    words: BTreeMap<String, String>,
    renew_at: Time,
}

impl Bulletin {
    pub(crate) const fn new(hazard: Hazard) -> Self {
        Self {
            hazard,
            found: BTreeMap::new(),
            sites: BTreeMap::new(),
            refused: BTreeMap::new(),
            open: None,
            due: None,
            last: None,
            reviews: Vec::new(),
            said: BTreeMap::new(),
        }
    }

    pub(crate) const fn hazard(&self) -> Hazard {
        self.hazard
    }

    /// What the rules have found there so far.
    pub(crate) fn found(&self, area: AreaCode) -> Found {
        self.found.get(&area).copied().unwrap_or_default()
    }

    /// Everything the rules have found, by area.
    pub(crate) fn all_found(&self) -> impl Iterator<Item = (AreaCode, Found)> + '_ {
        self.found.iter().map(|(area, found)| (*area, *found))
    }

    /// The end of each site's tier that `lives` does not know.
    pub(crate) fn sites_except(&self, lives: &dyn Fn(&str) -> bool) -> Vec<SiteFinding> {
        let gone = self.sites.iter().filter(|(id, _)| !lives(id));
        gone.map(|(id, site)| SiteFinding {
            site: id.clone(),
            area: site.area,
            tier: Tier::None,
            time: site.onset,
            rule: usize::MAX,
        })
        .collect()
    }

    /// The tiers in force, by area.
    pub(crate) fn in_force(&self) -> impl Iterator<Item = (AreaCode, Tier)> + '_ {
        let force = self.open.iter().flat_map(|open| &open.force);
        force.map(|(area, standing)| (*area, standing.tier))
    }

    /// True where the warning of that id was made here.
    pub(crate) fn knows(&self, id: WarningId) -> bool {
        self.open.as_ref().is_some_and(|open| open.id == id)
            || self.last.is_some_and(|(last, _)| last == id)
            || self.reviews.iter().any(|review| review.warning == id)
    }

    /// True where nothing stands and nobody has anything to do.
    pub(crate) fn is_at_rest(&self) -> bool {
        self.open.is_none() && self.reviews.is_empty()
    }

    /// Record time at which something is due; [`None`] while nothing is.
    pub(crate) fn due(&self) -> Option<Time> {
        let renew = self
            .open
            .as_ref()
            .filter(|open| open.issued && open.relay.is_none())
            .map(|open| open.renew_at);
        let gathered = self.due.as_ref().map(|due| due.at);
        let turn = self.next_turn();
        gathered.into_iter().chain(renew).chain(turn).min()
    }

    /// Takes what the rules found and revises the warning, at once or at the next whole minute.
    pub(crate) fn take(
        &mut self,
        findings: &[Finding],
        sites: &[SiteFinding],
        desk: &mut Desk<'_>,
    ) {
        let mut urgent: Option<(Time, usize)> = None;
        let mut gathered: Option<usize> = None;
        for finding in findings {
            let (changed, at_once) = self.place(finding, desk);
            if changed && at_once {
                urgent = urgent.max(Some((finding.time, finding.rule)));
            } else if changed {
                gathered.get_or_insert(finding.rule);
            }
        }
        for finding in sites {
            let before = self
                .sites
                .get(&finding.site)
                .map_or(Tier::None, |site| site.tier);
            if finding.tier == Tier::None {
                self.sites.remove(&finding.site);
            } else {
                let site = SiteTier {
                    area: finding.area,
                    tier: finding.tier,
                    onset: finding.time,
                };
                self.sites.insert(finding.site.clone(), site);
            }
            if self.open.is_none() || desk.policy == Policy::Replay {
                continue;
            }
            if finding.tier > before {
                urgent = urgent.max(Some((finding.time, finding.rule)));
            } else if finding.tier < before {
                gathered.get_or_insert(finding.rule);
            }
        }
        if let Some((time, rule)) = urgent {
            self.publish(time, &desk.rule_id(rule), desk);
        } else if let Some(rule) = gathered {
            let next = Time::from_minute(desk.at.minute() + 1);
            self.due.get_or_insert_with(|| Due {
                at: next,
                rule: desk.rule_id(rule),
            });
        }
    }

    /// Sends what is due: the next turn of the clock, gathered changes, a renewal that rings
    /// nobody (semantics §20). What the clock releases is what was shown for as long.
    pub(crate) fn pass(&mut self, desk: &mut Desk<'_>) {
        self.turn(desk);
        if let Some(due) = self.due.take_if(|due| due.at <= desk.at) {
            self.follow_relay(due.at, desk);
            self.publish(due.at, &due.rule, desk);
        }
        self.renew(desk);
    }

    /// Enters one finding; tells whether anything is to be said, and whether at once.
    fn place(&mut self, finding: &Finding, desk: &Desk<'_>) -> (bool, bool) {
        let before = self.found(finding.area);
        let found = finding.found;
        if found == Found::default() {
            self.found.remove(&finding.area);
        } else {
            self.found.insert(finding.area, found);
        }
        let live = desk.policy == Policy::Live;
        let moved = live && found.reached != before.reached;
        let confirmed = live && found.reached > before.reached;
        if found.put == before.put {
            let comes_otherwise = self.comes_otherwise(finding, desk.at) && live;
            return ((moved || comes_otherwise) && self.open.is_some(), confirmed);
        }
        let stood = self.open.as_ref().map_or(Tier::None, |open| {
            open.coming(finding.area)
                .map_or(Tier::None, |standing| standing.tier)
        });
        // What was sent away stays away; what falls below all that stands is a finding like any.
        let refused = self.is_refused(finding.area, before.put, found.put);
        if refused && found.put >= stood {
            return (self.open.is_some() && confirmed, confirmed);
        }
        let standing = Standing::found(finding);
        let Some(open) = &mut self.open else {
            if found.put == Tier::None {
                return (false, false);
            }
            let first = BTreeMap::from([(finding.area, standing)]);
            let id = self.id_of(finding.time, desk);
            self.open(id, finding.time, first, desk.rule_name(finding.rule));
            return (true, true);
        };
        if found.put == stood {
            return (moved, false);
        }
        open.gathered.insert(finding.area, standing);
        open.moved.remove(&finding.area);
        let rises = found.put > stood
            && (stood > Tier::None
                || !open.has_beside(finding.area, found.put)
                || (live && open.end_is_proposed(finding.area)));
        (true, rises)
    }

    fn is_refused(&mut self, area: AreaCode, before: Tier, now: Tier) -> bool {
        let Some(refused) = self.refused.get_mut(&area) else {
            return false;
        };
        if now > before && (now > refused.tier || refused.fell) {
            self.refused.remove(&area);
            return false;
        }
        refused.fell |= now < before;
        true
    }

    fn id_of(&self, first_rise: Time, desk: &Desk<'_>) -> WarningId {
        let zone = desk.city.zone_code(desk.zone);
        WarningId::derive(desk.city.code, desk.mode, self.hazard, zone, first_rise)
    }

    fn open(
        &mut self,
        id: WarningId,
        first_rise: Time,
        put: BTreeMap<AreaCode, Standing>,
        name: Named,
    ) {
        // A warning ended and risen again at the same observation time goes on counting.
        let revision = match self.last {
            Some((last, revision)) if last == id => revision,
            Some(_) | None => 0,
        };
        self.open = Some(Open {
            id,
            revision,
            first_rise,
            name,
            put,
            gathered: BTreeMap::new(),
            moved: BTreeMap::new(),
            news: Vec::new(),
            force: BTreeMap::new(),
            told: BTreeMap::new(),
            told_sites: BTreeMap::new(),
            issued: false,
            waiting: None,
            relay: None,
            signed: Vec::new(),
            sheet: Sheet::default(),
            text: BTreeMap::new(),
            words: BTreeMap::new(),
            renew_at: Time::from_millis(i64::MAX),
        });
    }
}

impl Open {
    /// What the next revision says of an area.
    fn coming(&self, area: AreaCode) -> Option<Standing> {
        let coming = self.gathered.get(&area).or_else(|| self.put.get(&area));
        coming.copied()
    }

    /// True where the next revision has another area at that tier.
    fn has_beside(&self, area: AreaCode, tier: Tier) -> bool {
        let mut others = self.put.keys().chain(self.gathered.keys());
        others.any(|other| *other != area && self.coming(*other).is_some_and(|s| s.tier == tier))
    }

    /// True where an area is in force and people were asked to sign its end.
    fn end_is_proposed(&self, area: AreaCode) -> bool {
        let is_warned = |standing: &BTreeMap<AreaCode, Standing>| {
            standing.get(&area).is_some_and(|s| s.tier > Tier::None)
        };
        is_warned(&self.force) && !is_warned(&self.put)
    }

    /// True where nothing is put forward in any area.
    fn is_clear(&self) -> bool {
        tiers(&self.put).is_empty()
    }

    /// True where what is put forward is not what is in force.
    fn has_proposal(&self) -> bool {
        self.text != self.words
            || tiers(&self.put) != tiers(&self.force)
            || arrival::stated(&self.put) != arrival::stated(&self.force)
    }
}

/// Tiers above none, by area.
fn tiers(standing: &BTreeMap<AreaCode, Standing>) -> Tiers {
    let with_tier = standing
        .iter()
        .filter(|(_, standing)| standing.tier > Tier::None);
    with_tier
        .map(|(code, standing)| (*code, standing.tier))
        .collect()
}
