//! From a revision of a warning to intents: each recipient is sent only what changed for their
//! place since they were last told (semantics §26).
//!
//! One planner per zone. It remembers, for each way (reach × channel) and place, the tier last
//! told. A proposal reaches only ways that need no signature and goes by the tier *reached*; what
//! a person released goes by its tier. A renewal rings nobody, and an unchanged tier only where a
//! person changed what is to be done; who does not answer is asked again by [`crate::ladder`].

mod asking;
mod attention;
mod deeper;
mod digest;
mod eased;
mod measure;
mod moved;
mod requests;
mod saying;
mod signing;
mod strobe;
mod told;

pub use asking::{Asking, Unlit, asking, audience_of};
pub use signing::signing;
pub use strobe::{Switch, switching};

use crate::intent::Intent;
use crate::wording::{Finding, Issuer, Names, Places, Purpose, Wording};
use attention::Attention;
use digest::Held;
use eased::Eased;
use model::authority::Ruling;
use model::release::Flow;
use model::warning::Event;
use model::{
    Act, AreaCode, Authority, Channel, City, Language, Mode, Named, Reach, Span, Tier, Time,
    Warning, WarningId,
};
use moved::Came;
use saying::Saying;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use told::{Change, Said, Told, Way};

/// What a plan is made with; all of it data of one version.
#[derive(Clone, Copy, Debug)]
pub struct Desk<'a> {
    /// Areas, sites and policies.
    pub city: &'a City,
    /// Names and hierarchy of its areas.
    pub places: &'a Places,
    /// Templates.
    pub wording: &'a Wording,
    /// Content hash of the directory version in force.
    pub directory: &'a str,
}

/// Parts that one area job is split into at most.
const PARTS_MAX: usize = 4;
/// Areas that the hazard reaches within so long of each other are told together.
const TOGETHER: Span = Span::from_minutes(10);

/// What one zone's people were told.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Planner {
    told: BTreeMap<WarningId, Told>,
    /// Falls and all-clears that may be unsent, of warnings that may be over.
    #[serde(default, skip_serializing_if = "Eased::is_empty")]
    eased: Eased,
    /// Whom it rang up lately.
    #[serde(default, skip_serializing_if = "Attention::is_empty")]
    attention: Attention,
    /// Who came into an area since the last whole minute.
    #[serde(default, skip_serializing_if = "Came::is_empty")]
    came: Came,
    /// What is low and ours, and waits for the end of the period.
    #[serde(default, skip_serializing_if = "Held::is_empty")]
    held: Held,
    /// When depths were last looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    looked: Option<Time>,
}

impl Planner {
    /// What `warning` makes necessary at record time `at`, added to `out` with the most exposed
    /// first. Revisions must come in order.
    pub fn step(&mut self, at: Time, warning: &Warning, desk: &Desk<'_>, out: &mut Vec<Intent>) {
        // A warning that came too late is shown, and a suspect rise waits for a person.
        let waits = warning.unconfirmed && warning.event == Event::Proposed;
        if warning.past || waits || warning.mode == Mode::Test {
            return;
        }
        let told = self.told.entry(warning.id).or_default();
        let mut plan = Plan {
            at,
            warning,
            desk,
            told,
            eased: &mut self.eased,
            attention: &mut self.attention,
            held: &mut self.held,
            out,
            remarks: None,
        };
        plan.sites();
        plan.responsible();
        plan.requests();
        // By type: what an exercise keeps from the public is counted by [`Planner::public`], and said
        // to nobody.
        if warning.event != Event::Proposed && warning.mode == Mode::Actual {
            plan.public();
        }
        if matches!(warning.event, Event::Ended | Event::Cancelled) {
            self.told.remove(&warning.id);
        }
    }

    /// As [`Planner::step`], for the public and for requests alone: what a signer reads before
    /// anything is sent, and what an exercise keeps from the public. Gives what is wrong with the
    /// short messages.
    pub fn public(
        &mut self,
        at: Time,
        warning: &Warning,
        desk: &Desk<'_>,
        out: &mut Vec<Intent>,
    ) -> Remarks {
        let mut remarks = Remarks::new();
        if warning.past || warning.mode == Mode::Test {
            return remarks;
        }
        let told = self.told.entry(warning.id).or_default();
        let mut plan = Plan {
            at,
            warning,
            desk,
            told,
            eased: &mut self.eased,
            attention: &mut self.attention,
            held: &mut self.held,
            out,
            remarks: Some(&mut remarks),
        };
        plan.requests();
        plan.public();
        remarks
    }

    /// What was told about one warning alone, with the falls that are on their way: as much as its
    /// next step reads.
    pub fn about(&self, warning: WarningId) -> Self {
        let told = self.told.get(&warning);
        Self {
            told: told
                .map(|told| (warning, told.clone()))
                .into_iter()
                .collect(),
            eased: self.eased.clone(),
            attention: self.attention.clone(),
            came: Came::default(),
            held: self.held.about(warning),
            looked: self.looked,
        }
    }

    /// How often the public of each area was rung up in the 24 hours before `at`: once for each
    /// revision that said something, by however many channels.
    pub fn interrupted(&self, at: Time) -> BTreeMap<AreaCode, u32> {
        self.attention.lately(at)
    }

    /// The tier last told by a way at a place; for the API and tests.
    pub fn last_told(
        &self,
        warning: WarningId,
        reach: Reach,
        channel: Channel,
        place: &str,
    ) -> Tier {
        let told = self.told.get(&warning);
        told.map_or(Tier::None, |told| told.tier(Way { reach, channel }, place))
    }
}

struct Plan<'a> {
    at: Time,
    warning: &'a Warning,
    desk: &'a Desk<'a>,
    told: &'a mut Told,
    eased: &'a mut Eased,
    attention: &'a mut Attention,
    held: &'a mut Held,
    out: &'a mut Vec<Intent>,
    remarks: Option<&'a mut Remarks>,
}

/// What is wrong with short messages to the public, by language; each thing once.
pub type Remarks = BTreeMap<Language, Vec<Finding>>;

impl Plan<'_> {
    /// Devices and responsible persons of the sites: they go by what was measured there.
    fn sites(&mut self) {
        let warning = self.warning;
        let mut goals: BTreeMap<&str, (Tier, Time, AreaCode)> = BTreeMap::new();
        for (id, site) in &warning.sites {
            goals.insert(id, (site.tier, site.onset, site.area));
        }
        for reach in [Reach::Device, Reach::Responsible] {
            let mut places = self.told.places(reach, "site/");
            places.extend(goals.keys().map(|id| format!("site/{id}")));
            places.extend(self.held.places(warning.id, "site/"));
            for place in places {
                let id = place.trim_start_matches("site/").to_owned();
                let known = goals.get(id.as_str()).copied();
                let (tier, onset, area) = known.unwrap_or((Tier::None, warning.time, warning.zone));
                let goal = if self.is_over() { Tier::None } else { tier };
                // A site that is not mentioned has not changed.
                if known.is_none() && !self.is_over() {
                    continue;
                }
                for channel in Channel::ALL {
                    let way = Way { reach, channel };
                    if let Some(change) = self.change(way, &place, area, goal) {
                        self.say_site(way, change, &id, onset);
                    }
                }
            }
        }
    }

    fn say_site(&mut self, way: Way, change: Change, id: &str, onset: Time) {
        // A display or barrier is never taken down by a machine: a person reopens.
        if way.reach == Reach::Device && !change.is_rise() {
            return;
        }
        let eases = !change.is_rise() && !change.is_word();
        let place = site_name(self.desk, id);
        let purpose = match way.reach {
            Reach::Device => Purpose::SiteAlarm,
            Reach::Responsible | Reach::Public => responsible_purpose(change),
        };
        let measure = measure::of_site(self.warning, id);
        self.say(Saying {
            way,
            change,
            purpose,
            areas: BTreeSet::new(),
            site: Some(id.to_owned()),
            onset: if eases { self.warning.time } else { onset },
            place,
            measure,
            exposure: 0,
            own_words: true,
        });
    }

    /// Responsible persons of each warned area, in words about that area.
    fn responsible(&mut self) {
        let warning = self.warning;
        let mut places = self.told.places(Reach::Responsible, "area/");
        places.extend(warning.areas.keys().map(|code| format!("area/{code}")));
        places.extend(self.held.places(warning.id, "area/"));
        for place in places {
            let Ok(code) = AreaCode::parse(place.trim_start_matches("area/")) else {
                continue;
            };
            let area = warning.areas.get(&code);
            let proposed = warning.event == Event::Proposed;
            let goal = match area {
                _ if self.is_over() => Tier::None,
                Some(area) if proposed => area.reached,
                Some(area) => area.tier.max(area.reached),
                None if proposed => continue,
                None => Tier::None,
            };
            let onset = area.map_or(warning.time, |area| area.onset);
            for channel in Channel::ALL {
                let way = Way {
                    reach: Reach::Responsible,
                    channel,
                };
                let Some(change) = self.change(way, &place, code, goal) else {
                    continue;
                };
                let eases = !change.is_rise() && !change.is_word();
                let measure = measure::of_area(warning, code, self.desk);
                self.say(Saying {
                    way,
                    change,
                    purpose: match &warning.relay {
                        Some(_) => Purpose::Relay,
                        None => responsible_purpose(change),
                    },
                    areas: BTreeSet::from([code]),
                    site: None,
                    onset: if eases { warning.time } else { onset },
                    place: self.name(code),
                    measure,
                    exposure: 1,
                    own_words: true,
                });
            }
        }
    }

    /// Everybody in the areas, by what a person released.
    fn public(&mut self) {
        let first = self.out.len();
        self.tell_public();
        self.note_rings(first);
    }

    fn tell_public(&mut self) {
        let goals = self.public_goals();
        for channel in Channel::ALL {
            let way = Way {
                reach: Reach::Public,
                channel,
            };
            // Its authority's own feed has the signal: a document of ours would be a second one.
            if channel == Channel::Cap && self.warning.relay.is_some() {
                continue;
            }
            if channel.is_document() {
                self.document(way, &goals);
                continue;
            }
            let mut groups: BTreeMap<Change, BTreeSet<AreaCode>> = BTreeMap::new();
            let mut back: BTreeMap<Tier, BTreeSet<AreaCode>> = BTreeMap::new();
            for (code, goal) in &goals {
                let place = format!("area/{code}");
                if let Some(change) = self.change(way, &place, *code, *goal) {
                    groups.entry(change).or_default().insert(*code);
                } else if self.told.recall_quiet(way, &place, self.at, *goal) {
                    back.entry(*goal).or_default().insert(*code);
                }
            }
            if !back.is_empty() {
                self.withdraw(way, back.values().flatten().copied().collect());
            }
            for (tier, areas) in back {
                self.say_to_new(way, tier, areas, true);
            }
            // Rises first, the highest of them before the others.
            let mut parts = Vec::new();
            for (change, areas) in groups.into_iter().rev() {
                let split = self.parts(way, change, areas).into_iter();
                parts.extend(split.map(|areas| (change, areas)));
            }
            for (change, areas) in parts {
                let eases = !change.is_rise() && !change.is_word();
                if change.is_rise() {
                    self.take_back_eased(way, &areas);
                }
                self.say(Saying {
                    way,
                    change,
                    purpose: self.public_purpose(way, change),
                    onset: if eases {
                        self.warning.time
                    } else {
                        self.onset(&areas)
                    },
                    place: self.list(&areas),
                    areas: areas.clone(),
                    site: None,
                    measure: Named::default(),
                    exposure: 2,
                    own_words: true,
                });
                if eases {
                    self.note_eased();
                }
                if eases && change.to != Tier::None {
                    self.say_to_new(way, change.to, areas, false);
                }
            }
        }
    }

    /// The tier each area, and each below it, should know of; areas told before and gone are none.
    fn public_goals(&self) -> BTreeMap<AreaCode, Tier> {
        let mut goals: BTreeMap<AreaCode, Tier> = BTreeMap::new();
        for place in self.told.places(Reach::Public, "area/") {
            if let Ok(code) = AreaCode::parse(place.trim_start_matches("area/")) {
                goals.insert(code, Tier::None);
            }
        }
        for (code, area) in &self.warning.areas {
            let tier = if self.is_over() || !self.is_ours(*code, area.tier) {
                Tier::None
            } else {
                area.tier
            };
            for below in self.desk.places.under(*code) {
                let goal = goals.entry(below).or_default();
                *goal = (*goal).max(tier);
            }
        }
        goals
    }

    /// A CAP document or a webhook call tells of the whole revision, renewals included.
    fn document(&mut self, way: Way, goals: &BTreeMap<AreaCode, Tier>) {
        let before = self.told.highest(way);
        let now = goals.values().copied().max().unwrap_or_default();
        let spoken = now.max(before);
        if spoken == Tier::None || self.flow_by(way, spoken).is_none() {
            return;
        }
        let mut areas = BTreeSet::new();
        for (code, goal) in goals {
            let place = format!("area/{code}");
            if *goal != Tier::None || self.told.tier(way, &place) != Tier::None {
                areas.insert(*code);
            }
            let said = Said {
                tier: *goal,
                signed: true,
                ..Said::default()
            };
            self.told.set(way, &place, said);
        }
        let change = Change {
            from: before,
            to: now,
        };
        self.say(Saying {
            way,
            change,
            purpose: self.public_purpose(way, change),
            onset: self.onset(&areas),
            place: self.list(&areas),
            areas,
            site: None,
            measure: Named::default(),
            exposure: 2,
            own_words: true,
        });
    }

    fn public_purpose(&self, way: Way, change: Change) -> Purpose {
        if self.warning.relay.is_some() {
            return Purpose::Relay;
        }
        match (self.warning.event, change) {
            (Event::Cancelled, _) => Purpose::Cancelled,
            (_, change) if change.is_word() => Purpose::Alert,
            (_, Change { to: Tier::None, .. }) => Purpose::Ended,
            (_, change) if !change.is_rise() => Purpose::Fall,
            (_, change) if self.is_first(way, change) => Purpose::Alert,
            _ => Purpose::Rise,
        }
    }

    /// True where a rise is the first that most of its readers hear: the lower tier was told to
    /// nobody, or to other classes alone.
    fn is_first(&self, way: Way, change: Change) -> bool {
        let classes = |tier| self.flow_by(way, tier).map(|flow| flow.classes);
        let before = classes(change.from).filter(|classes| !classes.is_empty());
        change.from == Tier::None || (before.is_some() && before != classes(change.to))
    }

    /// What changed for a place on a way, if that way may tell of it; remembers it as told.
    fn change(&mut self, way: Way, place: &str, area: AreaCode, goal: Tier) -> Option<Change> {
        let from = self.told.heard(way, place, self.at);
        let proposed = self.warning.event == Event::Proposed;
        let orders = orders(self.warning);
        if goal == from {
            // Another authority's signal is not put into words of ours.
            let ours = self.is_ours(area, goal);
            if proposed || !ours || !self.told.has_other_orders(way, place, orders) {
                // What waited to be said came to nothing.
                self.held.take_out(way, place, self.warning.id);
                return None;
            }
        }
        let may_tell = if goal >= from {
            let flow = self.ruling(area, goal).and(self.flow_by(way, goal));
            flow.is_some_and(|flow| !proposed || flow.signatures == 0)
        } else {
            // A tier that a person set falls only by a person (semantics §23).
            !proposed || !self.told.is_signed(way, place)
        };
        if !may_tell {
            // What waited to be said holds no more.
            self.held.take_out(way, place, self.warning.id);
            return None;
        }
        let quiet = self.quiet_until(way, goal < from);
        let said = Said {
            tier: goal,
            signed: !proposed,
            quiet: quiet.map(|until| (until, from)),
            orders,
            depth: self.depth_told(place),
        };
        if self.holds(way, from, goal) {
            self.hold(way, place, area, from, said);
            return None;
        }
        let waited = self.held.take_out(way, place, self.warning.id);
        self.told.set(way, place, said);
        // Where a person's words come while the tier still waits to be said, the words are what is said.
        let is_word = waited && orders != 0 && goal != Tier::None;
        let from = if is_word { goal } else { from };
        Some(Change { from, to: goal })
    }

    /// The depth that a first word at a site names, where a deeper one is to be told.
    fn depth_told(&self, place: &str) -> Option<i64> {
        self.desk.city.policy.telling.depth_step_cm?;
        measure::depth_of(self.warning, place.strip_prefix("site/")?)
    }

    /// When a fall may be told: at the end of the quiet hours, on ways that ring.
    fn quiet_until(&self, way: Way, falls: bool) -> Option<Time> {
        let rings = matches!(way.channel, Channel::Sms | Channel::Push);
        let quiet = self.desk.city.policy.telling.quiet;
        let holds =
            falls && rings && way.reach == Reach::Public && self.warning.event != Event::Cancelled;
        if !holds {
            return None;
        }
        quiet.until(self.at, self.desk.city.offset_at(self.at))
    }

    fn ruling(&self, area: AreaCode, tier: Tier) -> Option<Ruling<'_>> {
        let city = self.desk.city;
        let of = self.warning.relay.as_ref().map(|relay| &relay.authority);
        city.ruling_on(self.warning.hazard, city.area_no(area)?, tier, of)
    }

    /// True where the matrix lets us issue that tier there, or pass it on.
    fn is_ours(&self, area: AreaCode, tier: Tier) -> bool {
        self.ruling(area, tier)
            .is_some_and(|ruling| ruling.act != Act::Request)
    }

    /// The flow that opens a way at a tier.
    fn flow_by(&self, way: Way, tier: Tier) -> Option<Flow> {
        let policy = &self.desk.city.policy;
        let named = policy
            .matrix
            .own()
            .find(|a| a.id.to_string() == self.warning.authority);
        let authority = named.or(policy.matrix.own().next())?;
        let (hazard, Way { reach, channel }) = (self.warning.hazard, way);
        policy.flow_by(channel, &authority.id, hazard, tier, reach)
    }

    fn is_over(&self) -> bool {
        matches!(self.warning.event, Event::Ended | Event::Cancelled)
    }

    /// The areas of one change as they are told together. A job over many areas is split by when the
    /// hazard arrives, the first first: whoever it reaches last does not hold up the others, and
    /// each text names its own hour.
    fn parts(
        &self,
        way: Way,
        change: Change,
        areas: BTreeSet<AreaCode>,
    ) -> Vec<BTreeSet<AreaCode>> {
        if way.channel != Channel::Area || !change.is_rise() {
            return vec![areas];
        }
        let mut by_onset: BTreeMap<Time, BTreeSet<AreaCode>> = BTreeMap::new();
        for area in areas {
            let onset = self.onset(&BTreeSet::from([area]));
            by_onset.entry(onset).or_default().insert(area);
        }
        let mut parts: Vec<(Time, BTreeSet<AreaCode>)> = Vec::new();
        for (onset, areas) in by_onset {
            let is_last = parts.len() == PARTS_MAX;
            match parts.last_mut() {
                Some((from, part)) if is_last || onset < *from + TOGETHER => part.extend(areas),
                Some(_) | None => parts.push((onset, areas)),
            }
        }
        parts.into_iter().map(|(_, areas)| areas).collect()
    }

    /// The earliest onset of the warned areas that hold or lie in `areas`.
    fn onset(&self, areas: &BTreeSet<AreaCode>) -> Time {
        let warned = self.warning.areas.iter();
        warned
            .filter(|(code, area)| {
                area.tier != Tier::None
                    && self
                        .desk
                        .places
                        .under(**code)
                        .iter()
                        .any(|below| areas.contains(below))
            })
            .map(|(_, area)| area.onset)
            .min()
            .unwrap_or(self.warning.time)
    }

    fn list(&self, areas: &BTreeSet<AreaCode>) -> Names {
        Names::each(|language| self.desk.places.list(areas, language))
    }

    fn name(&self, code: AreaCode) -> Names {
        Names::each(|language| self.desk.places.name(code, language))
    }
}

/// A person's order in changed words is said in these words, to whom it concerns.
fn responsible_purpose(change: Change) -> Purpose {
    if change.is_word() {
        Purpose::Alert
    } else if change.is_rise() {
        Purpose::Reminder
    } else {
        Purpose::StandDown
    }
}

/// What people are told to do beside the tier, as a number: 0 where the template speaks alone.
fn orders(warning: &Warning) -> u64 {
    if warning.text.is_empty() {
        return 0;
    }
    let mut digest = Sha256::new();
    for (language, words) in &warning.text {
        digest.update(format!("{}\n{language}\n{words}\n", words.len()));
    }
    let digest = digest.finalize();
    digest
        .iter()
        .take(8)
        .fold(0, |all, byte| (all << 8) | u64::from(*byte))
}

/// What a text needs to know of an authority. The name stands for a missing signature.
pub fn issuer_of(authority: &Authority) -> Issuer {
    let signature = if authority.signature.zh.is_empty() {
        authority.name.clone()
    } else {
        authority.signature.clone()
    };
    let verify = if authority.hotline.is_empty() {
        authority.url.as_str()
    } else {
        authority.hotline.as_str()
    };
    Issuer {
        id: authority.id.to_string(),
        name: authority.name.clone(),
        signature,
        verify: same(verify),
    }
}

fn site_name(desk: &Desk<'_>, id: &str) -> Names {
    let site = desk.city.site_no(id).and_then(|no| desk.city.site(no));
    let name = site.map_or_else(|| same(id), |site| site.name.clone());
    desk.wording.names().all(&name)
}

fn same(text: &str) -> Named {
    Named {
        zh: text.to_owned(),
        en: text.to_owned(),
    }
}
