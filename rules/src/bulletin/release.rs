//! From what is put forward to what is in force: who must sign, how much of it is signed, and how
//! long what was released stays valid.

use super::clock::BY_CLOCK;
use super::orders::PERSON;
use super::sheet::Tiers;
use super::{Bulletin, Desk, Policy, tiers};
use model::release::Flow;
use model::warning::{Event, foremost};
use model::{AreaCode, AuthorityId, Hazard, Span, Tier, Time};

/// What stands as the rule of a revision that only renews the validity.
const RENEWAL: &str = "renewal";

/// A warning as one thing: what decides authority and flow.
pub(super) struct Whole<'a> {
    pub(super) hazard: Hazard,
    pub(super) area: Option<AreaCode>,
    pub(super) tier: Tier,
    pub(super) relay_of: Option<&'a AuthorityId>,
}

impl Bulletin {
    /// Puts what stands before the signers, with their clock; before nobody where another
    /// authority has to be asked.
    pub(super) fn put_forward(&mut self, time: Time, rule: &str, desk: &mut Desk<'_>) {
        self.wait(desk);
        self.emit(Event::Proposed, time, rule, desk);
    }

    /// The most of what is put forward that enough people have signed, and who they are.
    pub(super) fn signed_by_enough(&self, desk: &Desk<'_>) -> Option<(Tiers, Vec<String>)> {
        let open = self.open.as_ref()?;
        open.sheet.signed().into_iter().find_map(|signed| {
            let by = open.sheet.signers(signed);
            let needed = self.flow_of(signed, desk).signatures.max(1);
            (by.len() >= usize::from(needed)).then(|| (signed.clone(), by))
        })
    }

    /// Puts what was signed in force. Where more has been put forward since, that goes on waiting
    /// as the next revision.
    pub(super) fn release(
        &mut self,
        what: &Tiers,
        signed: Vec<String>,
        time: Time,
        rule: &str,
        desk: &mut Desk<'_>,
    ) {
        let review = self.wants_review(what, &signed, rule, desk);
        let Some(open) = &mut self.open else {
            return;
        };
        let event = if open.issued {
            Event::Updated
        } else {
            Event::Issued
        };
        let is_whole = tiers(&open.put) == *what;
        open.issued = true;
        open.waiting = None;
        open.signed = signed;
        open.force.clone_from(&open.put);
        open.force.retain(|code, _| what.contains_key(code));
        open.words.clone_from(&open.text);
        if what.is_empty() {
            self.close(Event::Ended, time, rule, desk);
        } else if is_whole {
            open.sheet.clear();
            self.emit(event, time, rule, desk);
        } else {
            open.sheet.released(what);
            self.emit_force(event, time, rule, desk);
        }
        if let Some((signed_by, within)) = review {
            self.ask_review(signed_by, desk.at, within);
        }
        if !is_whole {
            self.put_forward(time, rule, desk);
        }
    }

    /// Who released and how long a second person has, where one must look at it afterwards.
    fn wants_review(
        &self,
        what: &Tiers,
        signed: &[String],
        rule: &str,
        desk: &Desk<'_>,
    ) -> Option<(Vec<String>, Span)> {
        let flow = self.flow_of(what, desk);
        let by_one = flow.review && rule == PERSON && signed.len() == 1;
        let asked = desk.policy == Policy::Live && (by_one || rule == BY_CLOCK);
        asked.then(|| (signed.to_vec(), flow.review_within))
    }

    /// Renews the validity of what is in force a fifth of it before its end (semantics §20). The
    /// screens show the newest revision: what waits beside it is shown again.
    pub(super) fn renew(&mut self, desk: &mut Desk<'_>) {
        let Some(open) = self
            .open
            .as_ref()
            .filter(|open| open.issued && open.relay.is_none() && open.renew_at <= desk.at)
        else {
            return;
        };
        let proposes = open.has_proposal();
        self.emit_beside(desk.at, RENEWAL, desk);
        if proposes {
            self.emit(Event::Proposed, desk.at, RENEWAL, desk);
        }
    }

    /// Signatures asked for before the public is told.
    pub(super) fn signatures_needed(&self, desk: &Desk<'_>) -> u8 {
        self.flow(desk).signatures
    }

    /// How the public is told.
    pub(super) fn flow(&self, desk: &Desk<'_>) -> Flow {
        let put = self.open.as_ref().map(|open| tiers(&open.put));
        self.flow_of(&put.unwrap_or_default(), desk)
    }

    /// By the highest tier that an area rises to or falls from; by the whole where none does. What
    /// stands in one area lends its flow to no other.
    fn flow_of(&self, put: &Tiers, desk: &Desk<'_>) -> Flow {
        let force = self.open.as_ref().map(|open| tiers(&open.force));
        let force = force.unwrap_or_default();
        let tier_in = |of: &Tiers, code: &AreaCode| of.get(code).copied().unwrap_or(Tier::None);
        let moved = put.keys().chain(force.keys()).filter_map(|code| {
            let (to, from) = (tier_in(put, code), tier_in(&force, code));
            (to != from).then(|| (*code, to.max(from)))
        });
        let whole = self.whole_of(put);
        desk.flow(&match foremost(moved) {
            Some((code, tier)) => Whole {
                area: Some(code),
                tier,
                ..whole
            },
            None => whole,
        })
    }

    /// The authority that was asked for it; [`None`] where it is ours.
    pub(super) fn asked_of(&self, desk: &Desk<'_>) -> Option<String> {
        desk.asked_of(&self.whole())
    }

    fn whole(&self) -> Whole<'_> {
        let put = self.open.as_ref().map(|open| tiers(&open.put));
        self.whole_of(&put.unwrap_or_default())
    }

    /// By the highest tier of that and of what is in force.
    fn whole_of(&self, put: &Tiers) -> Whole<'_> {
        let open = self.open.as_ref();
        let force = open.map(|open| tiers(&open.force)).unwrap_or_default();
        let standing = put.iter().chain(&force);
        let highest = foremost(standing.map(|(code, tier)| (*code, *tier)));
        Whole {
            hazard: self.hazard,
            area: highest.map(|(code, _)| code),
            tier: highest.map_or(Tier::None, |(_, tier)| tier),
            relay_of: open
                .and_then(|open| open.relay.as_ref())
                .map(|r| &r.authority),
        }
    }
}
