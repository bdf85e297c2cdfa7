//! One thing to say, put into words and into an intent.

use super::told::{Change, Way};
use super::{Plan, issuer_of};
use crate::intent::{Audience, Intent, IntentId, RecipientNo};
use crate::wording::{At, Facts, Issuer, Message, Names, Purpose};
use model::authority::Ruling;
use model::{Act, AreaCode, Channel, Named, Reach, Tier, Time};
use std::collections::{BTreeMap, BTreeSet};

/// One thing to say, before it has words.
pub(super) struct Saying {
    pub(super) way: Way,
    pub(super) change: Change,
    pub(super) purpose: Purpose,
    pub(super) areas: BTreeSet<AreaCode>,
    pub(super) site: Option<String>,
    pub(super) onset: Time,
    pub(super) place: Names,
    pub(super) measure: Named,
    pub(super) exposure: u8,
    /// False where what a person wrote was meant for another tier.
    pub(super) own_words: bool,
}

impl Plan<'_> {
    pub(super) fn withdraw(&mut self, way: Way, areas: BTreeSet<AreaCode>) {
        let change = Change {
            from: Tier::None,
            to: Tier::None,
        };
        self.say(Saying {
            way,
            change,
            purpose: Purpose::Withdraw,
            areas,
            site: None,
            onset: self.warning.time,
            place: Names::default(),
            measure: Named::default(),
            exposure: 2,
            own_words: false,
        });
    }

    /// Those of `areas` who have not heard of `tier` or more hear it as a first message. What they
    /// were still to be told was superseded, and a fall says nothing to who knew of nothing. It
    /// does not wait for the morning: to them it is no easing.
    pub(super) fn say_to_new(
        &mut self,
        way: Way,
        tier: Tier,
        areas: BTreeSet<AreaCode>,
        own_words: bool,
    ) {
        let change = Change {
            from: Tier::None,
            to: tier,
        };
        let purpose = self.public_purpose(way, change);
        self.say(Saying {
            way,
            change,
            purpose,
            onset: self.onset(&areas),
            place: self.list(&areas),
            areas,
            site: None,
            measure: Named::default(),
            exposure: 2,
            own_words,
        });
        if let Some(intent) = self.out.last_mut() {
            intent.only_new = true;
            intent.id = IntentId::derive(
                intent.warning,
                intent.revision,
                &intent.link,
                purpose,
                way.reach,
                &format!("new {tier}"),
            );
        }
    }

    pub(super) fn say(&mut self, saying: Saying) {
        let mut audience = Audience::of(saying.way.reach, self.desk.directory);
        audience.areas = saying.areas.iter().copied().collect();
        audience.alone = saying.way.reach == Reach::Public;
        audience.sites = saying.site.clone().into_iter().collect();
        if saying.way.reach == Reach::Responsible {
            audience.ask = Some(model::release::Ask::Primary);
        }
        let (way, change) = (saying.way, saying.change);
        let falls = change.to < change.from || saying.purpose == Purpose::Cancelled;
        if way.reach == Reach::Public && falls && saying.purpose != Purpose::Withdraw {
            let gone = self.told.gone_from(&saying.areas);
            audience.also = gone.into_iter().map(RecipientNo).collect();
        }
        // A fall is told to whoever was told, of whatever class.
        if way.reach == Reach::Public && (change.is_rise() || change.is_word()) {
            let flow = self.flow_by(way, change.to);
            audience.roles = flow.map(|flow| flow.classes).unwrap_or_default();
        }
        let tier = change.to.max(change.from);
        let opens = |channel: &Channel| {
            let way = Way {
                channel: *channel,
                ..way
            };
            self.flow_by(way, tier).is_some()
        };
        let opened: Vec<Channel> = Channel::ALL.into_iter().filter(opens).collect();
        self.push(saying, audience, &opened);
    }

    /// `opened` are the channels by which the same thing is said at the same time.
    pub(super) fn push(&mut self, saying: Saying, audience: Audience, opened: &[Channel]) {
        let Saying {
            way,
            change,
            purpose,
            ..
        } = saying;
        let telling = &self.desk.city.policy.telling;
        let link = way.channel.name();
        let key = format!(
            "{}>{} {}{}{}",
            change.from,
            change.to,
            saying.site.as_deref().unwrap_or_default(),
            audience.authority.as_deref().unwrap_or_default(),
            audience
                .areas
                .first()
                .filter(|_| saying.exposure == 1 || way.channel == Channel::Area)
                .map(ToString::to_string)
                .unwrap_or_default()
        );
        let tier = change.to.max(change.from);
        let falls = change.to < change.from;
        let quiet = self.quiet_until(way, falls && purpose != Purpose::Withdraw);
        let from = quiet.unwrap_or(self.at);
        // A cancel is as urgent as what it takes back; a fall is as urgent as what remains.
        let order = match purpose {
            Purpose::Cancelled => tier,
            Purpose::SiteAlarm
            | Purpose::DeviceFault
            | Purpose::Strobe
            | Purpose::StrobeOver
            | Purpose::Alert
            | Purpose::Rise
            | Purpose::Reminder
            | Purpose::Request
            | Purpose::RequestOver
            | Purpose::Fall
            | Purpose::Ended
            | Purpose::StandDown
            | Purpose::Relay
            | Purpose::Signature
            | Purpose::Digest
            | Purpose::Withdraw => change.to,
        };
        // A document speaks of the whole; below it each person is told what concerns them.
        let is_told_apart = match way.channel {
            Channel::Cap | Channel::Area | Channel::Cell | Channel::Broadcast => false,
            Channel::Webhook => change.to == Tier::None || purpose == Purpose::Cancelled,
            Channel::Sms | Channel::Push | Channel::Email | Channel::Device | Channel::Voice => {
                true
            }
        };
        let words = self.words(way.channel, &saying, &audience);
        let spare = self.spare(&saying, &audience, opened);
        self.out.push(Intent {
            id: IntentId::derive(
                self.warning.id,
                self.warning.revision,
                link,
                purpose,
                way.reach,
                &key,
            ),
            warning: self.warning.id,
            revision: self.warning.revision,
            purpose,
            link: link.to_owned(),
            channel: way.channel,
            mode: self.warning.mode,
            only_told: way.reach == Reach::Public
                && is_told_apart
                && (falls || purpose == Purpose::Cancelled)
                && purpose != Purpose::Withdraw,
            only_new: false,
            again: false,
            by_area: false,
            audience,
            words,
            spare,
            instead_of: None,
            tried: Vec::new(),
            moved_from: Vec::new(),
            tier: order,
            onset: saying.onset,
            exposure: saying.exposure,
            not_before: quiet,
            not_after: from
                + match purpose.is_easing() {
                    true => telling.valid_fall,
                    false => telling.valid(tier),
                },
            created: self.at,
        });
    }

    /// Words for the channels left should this one fail: those of a responsible person that are
    /// not used already. The public hears by what was released alone, and that all at once.
    pub(super) fn spare(
        &mut self,
        saying: &Saying,
        audience: &Audience,
        opened: &[Channel],
    ) -> Vec<Message> {
        if saying.way.reach != Reach::Responsible {
            return Vec::new();
        }
        let left = [Channel::Sms, Channel::Push, Channel::Email];
        let left = left.into_iter().filter(|channel| !opened.contains(channel));
        let left: Vec<Channel> = left.collect();
        left.into_iter()
            .flat_map(|channel| self.words(channel, saying, audience))
            .collect()
    }

    pub(super) fn words(
        &mut self,
        channel: Channel,
        saying: &Saying,
        audience: &Audience,
    ) -> Vec<Message> {
        if saying.purpose == Purpose::Withdraw {
            return Vec::new();
        }
        let warning = self.warning;
        let tier = saying.change.to.max(saying.change.from);
        let asked = audience.authority.is_some();
        let ruling = self.ruling(warning.zone, tier);
        let own = ruling.is_some_and(|r| !matches!(r.act, Act::Request | Act::Relay)) && !asked;
        let issuer = self.issuer(ruling);
        let nothing = BTreeMap::new();
        let area = match saying.areas.is_empty() {
            true => saying.place.clone(),
            false => Names::each(|language| self.desk.places.brief(&saying.areas, language)),
        };
        let mut remarks = self.remarks.take();
        let (site, plain) = (self.site_of(saying), self.asks_for_plain(saying));
        let facts = Facts {
            purpose: saying.purpose,
            mode: warning.mode,
            hazard: warning.hazard,
            hazard_name: &warning.name,
            tier: saying.change.to,
            from: saying.change.from,
            issuer: &issuer,
            own,
            issued: self.at,
            start: saying.onset,
            deadline: self.at + self.desk.city.policy.telling.deadline(tier),
            offset: self.desk.city.offset_at(self.at),
            place: &saying.place,
            area: &area,
            site,
            measure: &saying.measure,
            text: if saying.own_words {
                &warning.text
            } else {
                &nothing
            },
            relay: warning.relay.as_ref(),
            plain,
            items: &[],
        };
        let wording = self.desk.wording;
        let messages: Vec<Message> = wording
            .languages(saying.purpose)
            .iter()
            .map(|language| wording.message(channel, *language, &facts))
            .collect();
        let is_shown = is_linted(channel) && saying.way.reach == Reach::Public;
        if let Some(remarks) = remarks.as_deref_mut().filter(|_| is_shown) {
            for message in &messages {
                let known = remarks.entry(message.language).or_default();
                for finding in wording.lint(message, &facts) {
                    if !known.contains(&finding) {
                        known.push(finding);
                    }
                }
            }
            remarks.retain(|_, findings| !findings.is_empty());
        }
        self.remarks = remarks;
        messages
    }

    /// The site that is spoken of: the one that it is about, or of those in the areas the first at
    /// the highest tier. What eases has no consequence to warn of.
    fn site_of(&self, saying: &Saying) -> Option<At<'_>> {
        let (warning, city) = (self.warning, self.desk.city);
        if saying.change.to < saying.change.from || warning.relay.is_some() {
            return None;
        }
        let inside = |area: AreaCode| {
            let mut above = self.desk.places.upwards(area).into_iter();
            above.any(|code| saying.areas.contains(&code))
        };
        let of_areas = || {
            let sites = warning.sites.iter();
            let sites = sites.filter(|(_, site)| site.tier > Tier::None && inside(site.area));
            let worst = sites.min_by_key(|(id, site)| (std::cmp::Reverse(site.tier), *id));
            worst.map(|(id, site)| (id.as_str(), site.tier))
        };
        let own = saying.site.as_deref().map(|id| (id, saying.change.to));
        let (id, tier) = own.or_else(of_areas)?;
        let site = city.site_no(id).and_then(|no| city.site(no))?;
        Some(At::new(site, tier))
    }

    /// True where the flow that lets it out is for people who asked for easy words.
    fn asks_for_plain(&self, saying: &Saying) -> bool {
        let tier = saying.change.to.max(saying.change.from);
        self.flow_by(saying.way, tier)
            .is_some_and(|flow| flow.plain)
    }

    /// The authority the warning goes out under, else the one the matrix names, else our first.
    pub(super) fn issuer(&self, ruling: Option<Ruling<'_>>) -> Issuer {
        let matrix = &self.desk.city.policy.matrix;
        let named = matrix
            .own()
            .find(|authority| authority.id.to_string() == self.warning.authority);
        let authority = named
            .or(ruling.map(|r| r.authority))
            .or(matrix.own().next());
        authority.map_or_else(Issuer::default, issuer_of)
    }
}

/// Channels whose texts to the public a signer is told the faults of: those with little room.
const fn is_linted(channel: Channel) -> bool {
    match channel {
        Channel::Sms | Channel::Area | Channel::Cell | Channel::Broadcast => true,
        Channel::Cap
        | Channel::Push
        | Channel::Email
        | Channel::Webhook
        | Channel::Device
        | Channel::Voice => false,
    }
}
