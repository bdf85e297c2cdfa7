//! Signals of other authorities that are passed on: their words, names and times are never ours
//! to change. What changes with the signal is put forward again, and signed like the first.

use super::{Bulletin, Desk, Due, Policy, Standing, tiers};
use crate::effect::Refusal;
use model::authority::Authority;
use model::signal::SignalKind;
use model::warning::Relayed;
use model::{AreaCode, Named, Signal, Tier, Time, WarningId};
use std::collections::BTreeMap;

/// What stands as the rule of a revision that another authority's message caused.
const SIGNAL: &str = "signal";

impl Bulletin {
    /// Puts a message's signals (one a tier) forward in this zone.
    ///
    /// # Errors
    /// The matrix does not let us pass it on here.
    pub(super) fn begin_relay(
        &mut self,
        signals: &[Signal],
        name: Named,
        desk: &mut Desk<'_>,
    ) -> Result<WarningId, Refusal> {
        let first = signals.first().ok_or(Refusal::NoArea)?;
        let refused = || Refusal::NotRelayed {
            signal: first.identifier.clone(),
        };
        let sender = sender(first, desk).ok_or_else(refused)?;
        let put = areas(signals, desk);
        let may = |(code, standing): (&AreaCode, &Standing)| {
            let area = desk.city.area_no(*code)?;
            let of = Some(&sender.id);
            desk.city.ruling_on(self.hazard(), area, standing.tier, of)
        };
        if put.is_empty() || put.iter().any(|area| may(area).is_none()) {
            return Err(refused());
        }
        let relay = relayed(signals, sender);
        let zone = desk.city.zone_code(desk.zone);
        let id = WarningId::of_signal(desk.city.code, desk.mode, zone, &first.identifier);
        self.open(id, first.sent, put, name);
        if let Some(open) = &mut self.open {
            open.relay = relay;
        }
        match desk.policy {
            Policy::Live => self.put_forward(desk.at, SIGNAL, desk),
            Policy::Replay => self.publish(desk.at, SIGNAL, desk),
        }
        Ok(id)
    }

    /// Keeps an Update or Cancel of the message it passes on for the next whole minute: each tier
    /// of it comes as a signal of its own, and people sign them as one.
    pub(super) fn hear(&mut self, signals: &[Signal], desk: &Desk<'_>) {
        let Some(open) = &mut self.open else {
            return;
        };
        let before = std::mem::replace(&mut open.news, signals.to_vec());
        let is_other_tier = |known: &Signal| {
            signals.iter().any(|s| s.identifier == known.identifier)
                && signals.iter().all(|s| s.tier != known.tier)
        };
        open.news.extend(before.into_iter().filter(is_other_tier));
        self.due.get_or_insert_with(|| Due {
            at: Time::from_minute(desk.at.minute() + 1),
            rule: SIGNAL.to_owned(),
        });
    }

    /// Follows the message that was kept, if one was.
    pub(super) fn follow_relay(&mut self, at: Time, desk: &mut Desk<'_>) {
        let news = self
            .open
            .as_mut()
            .map(|open| std::mem::take(&mut open.news));
        let news = news.unwrap_or_default();
        let Some(first) = news.first() else {
            return;
        };
        let put = areas(&news, desk);
        let relay = sender(first, desk).and_then(|sender| relayed(&news, sender));
        let Some((open, relay)) = self.open.as_mut().zip(relay) else {
            return;
        };
        let gone = open.put.keys().filter(|code| !put.contains_key(code));
        let gone: Vec<AreaCode> = gone.copied().collect();
        let mut is_moved = false;
        for (code, standing) in put {
            let known = open.put.get(&code).filter(|s| s.tier == standing.tier);
            // What has begun stays begun: an Update that names no hour was sent at one.
            let moves = known.is_some_and(|known| {
                known.onset != standing.onset && (known.onset > at || standing.onset > at)
            });
            is_moved |= moves;
            if known.is_none() || moves {
                open.put.insert(code, standing);
            }
        }
        for code in gone {
            open.put.insert(code, Standing::since(Tier::None, at));
        }
        let new_words = open.relay.as_ref() != Some(&relay);
        open.relay = Some(relay);
        let is_over = open.is_clear() && tiers(&open.force).is_empty();
        if desk.policy == Policy::Replay || is_over {
            self.publish(at, SIGNAL, desk);
        } else if new_words || is_moved {
            open.sheet.clear();
            self.put_forward(at, SIGNAL, desk);
        }
    }

    /// The message it passes on.
    pub(super) fn relays(&self) -> Option<&Relayed> {
        self.open.as_ref()?.relay.as_ref()
    }

    /// True where it passes that message on, or will in a moment.
    pub(super) fn passes_on(&self, is_it: impl Fn(&str) -> bool) -> bool {
        let kept = self.open.iter().flat_map(|open| &open.news);
        self.relays().is_some_and(|relay| is_it(&relay.identifier))
            || kept.into_iter().any(|signal| is_it(&signal.identifier))
    }
}

fn sender<'c>(signal: &Signal, desk: &Desk<'c>) -> Option<&'c Authority> {
    desk.city.policy.matrix.sender(signal)
}

fn relayed(signals: &[Signal], sender: &Authority) -> Option<Relayed> {
    let mut relay = Relayed::new(signals.first()?, sender.id);
    for signal in signals {
        relay.texts.insert(signal.tier, signal.texts.clone());
    }
    Some(relay)
}

/// The tier each area of this zone gets; a message about the city or more covers the whole zone.
fn areas(signals: &[Signal], desk: &Desk<'_>) -> BTreeMap<AreaCode, Standing> {
    let mut put: BTreeMap<AreaCode, Standing> = BTreeMap::new();
    let Some(zone) = desk.city.area_no(desk.city.zone_code(desk.zone)) else {
        return put;
    };
    let in_force = signals.iter().filter(|s| s.kind != SignalKind::Cancel);
    for signal in in_force {
        for code in &signal.areas {
            let Some(area) = desk.city.area_no(*code) else {
                continue;
            };
            let here = if desk.city.is_within(area, zone) {
                *code
            } else if desk.city.is_within(zone, area) {
                desk.city.zone_code(desk.zone)
            } else {
                continue;
            };
            let standing = Standing::since(signal.tier, signal.onset);
            let known = put.entry(here).or_insert(standing);
            if standing.tier > known.tier {
                *known = standing;
            }
        }
    }
    put.retain(|_, standing| standing.tier > Tier::None);
    put
}
