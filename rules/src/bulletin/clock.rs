//! The clock of a proposal that waits for signatures, and the review of what one person released
//! (semantics §27).
//!
//! The signers have their time, then each deputy in turn; at the end the flow decides: nothing
//! goes out and everybody is asked again, or a text that two people signed beforehand does. The
//! clock is record time, and [`Bulletin::pause`] takes out of it what passed without a server.

use super::{Bulletin, Desk, tiers};
use crate::effect::{Effect, Refusal};
use model::pending::{Review, Reviewed, Signing};
use model::release::{AtEnd, Flow};
use model::{Pending, Span, Tier, Time, WarningId};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What stands as the rule of a revision that went out at the clock's end.
pub(super) const BY_CLOCK: &str = "by clock";
/// Times that everybody is asked again once the clock has ended.
const ROUNDS_MAX: usize = 12;
/// Open reviews of one hazard; of more than this the oldest are no longer asked for.
const REVIEWS_MAX: usize = 64;

/// Where the clock of a proposal stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Waiting {
    since: Time,
    turn: u8,
    /// When the next turn begins; the far end of time once nobody is asked any more.
    until: Time,
    /// When everybody had had their time and nothing went out.
    ended: Option<Time>,
}

/// A release that a second person has to look at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Reviewing {
    pub(super) warning: WarningId,
    review: Review,
}

const NEVER: Time = Time::from_millis(i64::MAX);

impl Bulletin {
    /// When the clock moves on by itself.
    pub(super) fn next_turn(&self) -> Option<Time> {
        let waiting = self.open.as_ref()?.waiting.as_ref()?;
        Some(waiting.until)
    }

    /// Begins the clock, or goes on with it: a new revision gives nobody more time, and a flow
    /// with a shorter clock takes some away.
    pub(super) fn wait(&mut self, desk: &Desk<'_>) {
        let flow = self.flow(desk);
        let asked = self.asked_of(desk);
        let Some(open) = &mut self.open else {
            return;
        };
        let until = desk.at + flow.clock;
        open.waiting = match (asked, open.waiting) {
            (Some(_), _) => None,
            (None, None) => Some(Waiting {
                since: desk.at,
                turn: 0,
                until,
                ended: None,
            }),
            (None, Some(waiting)) => Some(Waiting {
                until: waiting.until.min(until),
                ..waiting
            }),
        };
    }

    /// Time passed in which no server ran: nobody's clock runs on it.
    pub(crate) fn pause(&mut self, by: Span) {
        let open = self.open.as_mut();
        if let Some(waiting) = open.and_then(|open| open.waiting.as_mut())
            && waiting.until < NEVER
        {
            waiting.until = waiting.until + by;
        }
        for reviewing in &mut self.reviews {
            reviewing.review.until = reviewing.review.until + by;
        }
    }

    /// Asks the next in turn, or does what the flow allows at the end.
    pub(super) fn turn(&mut self, desk: &mut Desk<'_>) {
        let due = self.next_turn().filter(|until| *until <= desk.at);
        if due.is_none() {
            return;
        }
        let flow = self.flow(desk);
        if self.is_last_turn(&flow) && self.at_end(&flow) == AtEnd::Presigned {
            self.release_presigned(&flow, desk);
            return;
        }
        let open = self.open.as_mut();
        if let Some(waiting) = open.and_then(|open| open.waiting.as_mut()) {
            waiting.turn = waiting.turn.saturating_add(1);
            let rounds = usize::from(waiting.turn).saturating_sub(flow.deputies.len());
            if rounds > 0 {
                waiting.ended.get_or_insert(desk.at);
            }
            waiting.until = if rounds > ROUNDS_MAX {
                NEVER
            } else {
                desk.at + flow.clock
            };
        }
    }

    fn is_last_turn(&self, flow: &Flow) -> bool {
        let open = self.open.as_ref();
        let waiting = open.and_then(|open| open.waiting.as_ref());
        waiting.is_some_and(|waiting| usize::from(waiting.turn) >= flow.deputies.len())
    }

    /// A text signed beforehand speaks of a danger: it is no word for an easing, and a rise that
    /// rests on suspect values alone never goes out by itself.
    fn at_end(&self, flow: &Flow) -> AtEnd {
        let signers = flow.presigned.iter().flat_map(|text| &text.signed_by);
        let signers: std::collections::BTreeSet<_> = signers.collect();
        let is_relay = self.open.as_ref().is_some_and(|open| open.relay.is_some());
        match flow.at_end {
            AtEnd::Presigned
                if signers.len() >= 2
                    && self.rises()
                    && !self.is_put_unconfirmed()
                    && !is_relay =>
            {
                AtEnd::Presigned
            }
            AtEnd::Hold | AtEnd::Presigned => AtEnd::Hold,
        }
    }

    fn release_presigned(&mut self, flow: &Flow, desk: &mut Desk<'_>) {
        let Some((open, presigned)) = self.open.as_mut().zip(flow.presigned.as_ref()) else {
            return;
        };
        let whole = tiers(&open.put);
        open.text = BTreeMap::from([
            ("zh".to_owned(), presigned.text.zh.clone()),
            ("en".to_owned(), presigned.text.en.clone()),
        ]);
        let signed = presigned.signed_by.clone();
        self.release(&whole, signed, desk.at, BY_CLOCK, desk);
    }

    /// True where some area is put higher than what is in force.
    fn rises(&self) -> bool {
        self.open.as_ref().is_some_and(|open| {
            let force = tiers(&open.force);
            let put = tiers(&open.put);
            put.iter()
                .any(|(code, tier)| *tier > force.get(code).copied().unwrap_or(Tier::None))
        })
    }

    /// Asks for a review of what was just released. One that is still open grows: its time does not.
    pub(super) fn ask_review(&mut self, signed_by: Vec<String>, at: Time, within: Span) {
        let open = self.open.as_ref().map(|open| (open.id, open.revision));
        let Some((warning, revision)) = open.or(self.last) else {
            return;
        };
        let known = self.reviews.iter_mut().find(|r| r.warning == warning);
        if let Some(known) = known {
            let review = &mut known.review;
            review.revision = revision;
            let fresh = signed_by
                .into_iter()
                .filter(|person| !review.signed_by.contains(person));
            let fresh: Vec<_> = fresh.collect();
            review.signed_by.extend(fresh);
            return;
        }
        if self.reviews.len() >= REVIEWS_MAX {
            self.reviews.remove(0);
        }
        self.reviews.push(Reviewing {
            warning,
            review: Review {
                revision,
                signed_by,
                since: at,
                until: at + within,
                reviewed: None,
            },
        });
    }

    /// A second person looked at what one released.
    pub(crate) fn review(
        &mut self,
        id: WarningId,
        revision: u32,
        reviewed: Reviewed,
    ) -> Result<(), Refusal> {
        let found = self.reviews.iter_mut().find(|r| r.warning == id);
        let Some(Reviewing { review, .. }) = found else {
            return Err(Refusal::NothingToReview { warning: id });
        };
        if review.revision != revision {
            return Err(Refusal::Stale {
                seen: revision,
                current: review.revision,
            });
        }
        if review.signed_by.contains(&reviewed.person) {
            return Err(Refusal::OwnReview {
                person: reviewed.person,
            });
        }
        review.reviewed = Some(reviewed);
        Ok(())
    }

    /// Says what people have to do where that changed, and forgets reviews that were given.
    pub(crate) fn say(&mut self, desk: &mut Desk<'_>) {
        let now = self.pending(desk);
        for (id, pending) in &now {
            if self.said.get(id) != Some(pending) {
                desk.out.push(Effect::Pending(Box::new(pending.clone())));
            }
        }
        for (id, before) in &self.said {
            if !now.contains_key(id) {
                desk.out.push(Effect::Pending(Box::new(Pending {
                    signing: None,
                    review: None,
                    ..before.clone()
                })));
            }
        }
        self.reviews.retain(|r| r.review.reviewed.is_none());
        self.said = self.pending(desk);
    }

    fn pending(&self, desk: &Desk<'_>) -> BTreeMap<WarningId, Pending> {
        let mut all = BTreeMap::new();
        if let Some(open) = &self.open
            && let Some(signing) = self.signing(desk)
        {
            all.insert(
                open.id,
                Pending {
                    warning: open.id,
                    revision: open.revision,
                    signing: Some(signing),
                    review: None,
                },
            );
        }
        for Reviewing { warning, review } in &self.reviews {
            let pending = all.entry(*warning).or_insert(Pending {
                warning: *warning,
                revision: review.revision,
                signing: None,
                review: None,
            });
            pending.review = Some(review.clone());
        }
        all
    }

    fn signing(&self, desk: &Desk<'_>) -> Option<Signing> {
        let open = self.open.as_ref()?;
        let waiting = open.waiting.as_ref()?;
        let flow = self.flow(desk);
        let left = flow
            .deputies
            .len()
            .saturating_sub(usize::from(waiting.turn));
        let left = i64::try_from(left).unwrap_or(0);
        Some(Signing {
            since: waiting.since,
            needed: flow.signatures.max(1),
            signed_by: open.sheet.signers(&tiers(&open.put)),
            turn: waiting.turn,
            asked: flow.asked(waiting.turn),
            until: Some(waiting.until).filter(|until| *until < NEVER),
            ends: waiting
                .ended
                .unwrap_or(waiting.until + Span::from_millis(flow.clock.millis() * left)),
            at_end: self.at_end(&flow),
            overdue: waiting.ended.is_some(),
            rises: self.rises(),
        })
    }
}
