//! The items of the API's lists, in exactly the shape that the contract gives.

mod public;

use crate::courier::JobItem;
use model::pending::{Review, Signing};
use model::release::AtEnd;
use model::response::Source;
use model::warning::Event;
use model::{Hazard, Named, Offset, Pending, Signal, Tier, Time, Warning};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Newest value of one parameter.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct LastValue {
    pub(crate) time: String,
    pub(crate) value: String,
    pub(crate) unit: &'static str,
    pub(crate) quality: u8,
    /// What the screen found, where a person should look at it.
    pub(crate) finding: Option<&'static str>,
}

/// What holds in one area.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct AreaItem {
    tier: Tier,
    reached: Tier,
    onset: String,
}

/// What holds at one site.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct SiteItem {
    area: String,
    tier: Tier,
    onset: String,
}

/// Why.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct EvidenceItem {
    rule: String,
    version: String,
    subject: String,
    tier: Tier,
    time: String,
    values: BTreeMap<String, String>,
    unconfirmed: bool,
}

/// A proposal before its signers.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct SigningItem {
    since: String,
    needed: u8,
    signed_by: Vec<String>,
    turn: u8,
    /// People asked in this turn; empty for those on duty.
    asked: Vec<String>,
    until: Option<String>,
    ends: String,
    /// Seconds of record time until the next turn.
    left_s: Option<i64>,
    at_end: AtEnd,
    overdue: bool,
    rises: bool,
}

/// What a second person has to look at, or has.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct ReviewItem {
    revision: u32,
    signed_by: Vec<String>,
    since: String,
    until: String,
    overdue: bool,
    reviewed: Option<ReviewedItem>,
}

/// A review that was given.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct ReviewedItem {
    person: String,
    at: String,
    sound: bool,
    note: String,
}

/// The signal that a warning passes on.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct RelayItem {
    identifier: String,
    sender_name: String,
    sent: String,
    kind: model::signal::SignalKind,
}

/// What is in force while something else is proposed in its place.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct InForceItem {
    revision: u32,
    event: Event,
    tier: Tier,
    time: String,
    pub(crate) expires: String,
    areas: BTreeMap<String, AreaItem>,
    signed_by: Vec<String>,
    text: BTreeMap<String, String>,
}

/// One warning with all a signer needs.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct WarningItem {
    pub(crate) id: String,
    pub(crate) revision: u32,
    pub(crate) event: Event,
    pub(crate) hazard: Hazard,
    pub(crate) name: Named,
    pub(crate) zone: String,
    pub(crate) authority: String,
    pub(crate) tier: Tier,
    pub(crate) time: String,
    pub(crate) first_rise: String,
    pub(crate) expires: String,
    pub(crate) areas: BTreeMap<String, AreaItem>,
    pub(crate) sites: BTreeMap<String, SiteItem>,
    pub(crate) evidence: Vec<EvidenceItem>,
    pub(crate) past: bool,
    pub(crate) unconfirmed: bool,
    /// Hash of what is seen; goes back with an approval.
    pub(crate) seen: String,
    pub(crate) signed_by: Vec<String>,
    /// Who acted on the revision itself.
    #[serde(skip)]
    acted: Vec<String>,
    /// Signatures the public release needs; 0 where it needs none or is done.
    pub(crate) needs: u8,
    /// When the next of those who sign is called.
    pub(crate) clock_ends: Option<String>,
    pub(crate) signing: Option<SigningItem>,
    pub(crate) review: Option<ReviewItem>,
    /// Authority asked to issue it, where this installation may not.
    pub(crate) request_to: Option<Named>,
    pub(crate) relay: Option<RelayItem>,
    /// Beside a proposal, what it would replace.
    pub(crate) in_force: Option<InForceItem>,
    /// Rule that caused the revision; `person`, `by clock`, `signal`, `renewal`.
    pub(crate) rule: String,
    pub(crate) text: BTreeMap<String, String>,
}

/// What the policy says of a warning's release.
#[derive(Clone, Debug, Default)]
pub(crate) struct Release {
    pub(crate) request_to: Option<Named>,
    pub(crate) text: BTreeMap<String, String>,
}

impl WarningItem {
    /// The item of a revision, before it is said what it waits for.
    pub(crate) fn new(warning: &Warning, offset: Offset, release: Release) -> Self {
        let text = |time: model::Time| time.display(offset);
        Self {
            id: warning.id.to_string(),
            revision: warning.revision,
            event: warning.event,
            hazard: warning.hazard,
            name: warning.name.clone(),
            zone: warning.zone.to_string(),
            authority: warning.authority.clone(),
            tier: warning.tier(),
            time: text(warning.time),
            first_rise: text(warning.first_rise),
            expires: text(warning.expires),
            areas: warning
                .areas
                .iter()
                .map(|(code, area)| {
                    let item = AreaItem {
                        tier: area.tier,
                        reached: area.reached,
                        onset: text(area.onset),
                    };
                    (code.to_string(), item)
                })
                .collect(),
            sites: warning
                .sites
                .iter()
                .map(|(id, site)| {
                    let item = SiteItem {
                        area: site.area.to_string(),
                        tier: site.tier,
                        onset: text(site.onset),
                    };
                    (id.clone(), item)
                })
                .collect(),
            evidence: warning
                .evidence
                .iter()
                .map(|evidence| EvidenceItem {
                    rule: evidence.rule.clone(),
                    version: evidence.version.clone(),
                    subject: evidence.subject.clone(),
                    tier: evidence.tier,
                    time: text(evidence.time),
                    values: evidence.values.clone(),
                    unconfirmed: evidence.unconfirmed,
                })
                .collect(),
            past: warning.past,
            unconfirmed: warning.unconfirmed,
            seen: warning.seen_hash(),
            signed_by: warning.signed_by.clone(),
            acted: warning.signed_by.clone(),
            needs: 0,
            clock_ends: None,
            signing: None,
            review: None,
            request_to: release.request_to,
            relay: warning.relay.as_ref().map(|relay| RelayItem {
                identifier: relay.identifier.clone(),
                sender_name: relay.sender_name.clone(),
                sent: text(relay.sent),
                kind: relay.kind,
            }),
            in_force: None,
            rule: warning.rule.clone(),
            text: release.text,
        }
    }

    /// What stays in force while a proposal takes the place of this revision on the screens.
    pub(crate) fn standing(&self) -> Option<InForceItem> {
        match self.event {
            Event::Proposed => self.in_force.clone(),
            Event::Ended | Event::Cancelled => None,
            Event::Issued | Event::Updated => Some(self.itself()),
        }
    }

    fn itself(&self) -> InForceItem {
        InForceItem {
            revision: self.revision,
            event: self.event,
            tier: self.tier,
            time: self.time.clone(),
            expires: self.expires.clone(),
            areas: self.areas.clone(),
            signed_by: self.acted.clone(),
            text: self.text.clone(),
        }
    }

    /// Enters what it waits for from people, as it stands at `now`.
    pub(crate) fn wait(&mut self, pending: &Pending, now: Time, offset: Offset) {
        let signing = pending.signing.as_ref();
        self.needs = signing.map_or(0, |signing| signing.needed);
        self.signed_by = signing.map_or(&self.acted, |s| &s.signed_by).clone();
        self.signing = signing.map(|signing| SigningItem::new(signing, now, offset));
        self.clock_ends = self.signing.as_ref().and_then(|s| s.until.clone());
        let review = pending.review.as_ref();
        self.review = review.map(|review| ReviewItem::new(review, now, offset));
    }
}

impl SigningItem {
    fn new(signing: &Signing, now: Time, offset: Offset) -> Self {
        Self {
            since: signing.since.display(offset),
            needed: signing.needed,
            signed_by: signing.signed_by.clone(),
            turn: signing.turn,
            asked: signing.asked.clone(),
            until: signing.until.map(|until| until.display(offset)),
            ends: signing.ends.display(offset),
            left_s: signing
                .until
                .map(|until| (until.seconds() - now.seconds()).max(0)),
            at_end: signing.at_end,
            overdue: signing.overdue,
            rises: signing.rises,
        }
    }
}

impl ReviewItem {
    fn new(review: &Review, now: Time, offset: Offset) -> Self {
        let reviewed = review.reviewed.as_ref();
        Self {
            revision: review.revision,
            signed_by: review.signed_by.clone(),
            since: review.since.display(offset),
            until: review.until.display(offset),
            overdue: reviewed.is_none() && review.until <= now,
            reviewed: reviewed.map(|reviewed| ReviewedItem {
                person: reviewed.person.clone(),
                at: reviewed.at.display(offset),
                sound: reviewed.sound,
                note: reviewed.note.clone(),
            }),
        }
    }
}

/// A subject with a tier.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct SituationItem {
    pub(crate) rule: String,
    pub(crate) hazard: Hazard,
    pub(crate) subject: String,
    pub(crate) area: String,
    pub(crate) lon: f64,
    pub(crate) lat: f64,
    pub(crate) tier: Tier,
    pub(crate) since: String,
    pub(crate) values: BTreeMap<String, String>,
    /// Silent for longer than the city allows its kind of station.
    pub(crate) stale: bool,
    /// Until when its rule is silenced there: nobody is told of it.
    pub(crate) muted: Option<MutedItem>,
    /// Where the rule has the tier from, and how sure that is.
    pub(crate) source: Option<Source>,
}

/// How long a rule is silenced, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct MutedItem {
    pub(crate) until: String,
    pub(crate) person: String,
    pub(crate) reason: String,
}

/// A signal in force.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct SignalItem {
    pub(crate) identifier: String,
    sender_name: String,
    event: String,
    hazard: Option<Hazard>,
    tier: Tier,
    areas: Vec<String>,
    sent: String,
    headline: BTreeMap<&'static str, String>,
    description: BTreeMap<&'static str, String>,
    expires: Option<String>,
    references: Vec<String>,
    kind: model::signal::SignalKind,
    /// Places as their authority names them.
    area_desc: Vec<String>,
    /// The source whose newest state bulletin it is part of.
    pub(crate) source: Option<String>,
    /// True where that bulletin is old: it stands, and may be over.
    pub(crate) stale: bool,
}

impl SignalItem {
    /// The item of a signal.
    pub(crate) fn new(signal: &Signal, offset: Offset) -> Self {
        let words = |pick: fn(&model::signal::SignalText) -> &String| {
            let texts = signal.texts.iter();
            texts.map(|t| (t.language.tag(), pick(t).clone())).collect()
        };
        Self {
            identifier: signal.identifier.clone(),
            sender_name: signal.sender_name.clone(),
            event: signal.event.clone(),
            hazard: signal.hazard,
            tier: signal.tier,
            areas: signal.areas.iter().map(ToString::to_string).collect(),
            sent: signal.sent.display(offset),
            headline: words(|t| &t.headline),
            description: words(|t| &t.description),
            expires: signal.expires.map(|t| t.display(offset)),
            references: signal.references.clone(),
            kind: signal.kind,
            area_desc: signal.area_desc.clone(),
            source: signal.state.as_ref().map(|state| state.source.clone()),
            stale: false,
        }
    }
}

/// One person of the call-and-answer board.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct CallItem {
    pub(crate) warning: String,
    pub(crate) area: String,
    pub(crate) site: Option<String>,
    /// The device that did not confirm, where the call is about one.
    pub(crate) device: Option<String>,
    pub(crate) contact: String,
    pub(crate) role: String,
    pub(crate) name: String,
    pub(crate) phone_masked: String,
    pub(crate) told_at: String,
    pub(crate) tier: Tier,
    pub(crate) state: &'static str,
    pub(crate) next_at: Option<String>,
    pub(crate) next_role: Option<String>,
    /// How many different people answered, and how many must.
    pub(crate) answers: usize,
    pub(crate) needed: u8,
    /// When everybody who does not act is asked anew, before it comes.
    pub(crate) recall_at: Option<String>,
    /// Strobes of those who are asked that did not confirm that they flash, by id.
    pub(crate) unlit: Vec<String>,
    pub(crate) answer: Option<AnswerItem>,
}

impl CallItem {
    /// The same for who may not read names.
    pub(crate) fn nameless(mut self) -> Self {
        self.name.clear();
        self.phone_masked.clear();
        if let Some(answer) = &mut self.answer {
            answer.contact.clear();
        }
        self
    }
}

/// What was answered.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct AnswerItem {
    /// Who: a contact's id, or in words whoever answered for the place.
    pub(crate) contact: String,
    pub(crate) answer: model::order::Answer,
    pub(crate) note: String,
    /// The way it came; nothing where the duty officer noted it.
    pub(crate) channel: Option<&'static str>,
    pub(crate) noted_by: String,
    pub(crate) said: String,
}

/// Progress of one intent at one link.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct DeliveryItem {
    pub(crate) warning: String,
    pub(crate) revision: u32,
    pub(crate) intent: String,
    pub(crate) channel: String,
    pub(crate) link: String,
    /// The intent that did not reach the person, where this one stands in for it.
    pub(crate) instead_of: Option<String>,
    pub(crate) purpose: String,
    pub(crate) tier: Tier,
    pub(crate) planned: u64,
    pub(crate) sent: u64,
    pub(crate) accepted: u64,
    pub(crate) delivered: u64,
    pub(crate) failed: u64,
    pub(crate) unknown: u64,
    pub(crate) expired: u64,
    pub(crate) withdrawn: u64,
    /// Of one that is over: handed over and not answered yet.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(crate) on_the_wire: u64,
    /// Whom another account tells instead: not among those planned.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(crate) handed: u64,
    pub(crate) started: Option<String>,
    pub(crate) finished: Option<String>,
    pub(crate) rate_per_s: f64,
    /// Of an area job: how the far side reads and counts it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) job: Option<JobItem>,
}

impl DeliveryItem {
    /// True where something may still leave at once: not one that waits for the morning.
    pub(crate) fn not_waiting(&self) -> bool {
        self.accepted + self.failed + self.unknown + self.expired + self.withdrawn < self.planned
            && self.sent > 0
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks by reference")]
const fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// The key of a delivery row in the view.
pub(crate) fn deliveries_key(item: &DeliveryItem) -> String {
    format!("{}/{}", item.link, item.intent)
}
