//! What cells are told of an intent, and what they go on saying.

use super::Courier;
use crate::app::App;
use dispatch::gateway::Receipt;
use dispatch::gateway::cell::{CellSaying, CellTarget};
use dispatch::gateway::notice::Unsent;
use dispatch::intent::{Intent, RecipientNo};
use dispatch::ledger::State;
use model::warning::Event;
use model::{AreaCode, Language, Mode, Tier, Time, WarningId};
use std::sync::Arc;

/// An intent as cells are told it, and what that borrows from.
struct Told<'a> {
    intent: &'a Intent,
    areas: Vec<AreaCode>,
    texts: Vec<(Language, &'a str)>,
    until: Time,
}

impl<'a> Told<'a> {
    /// `validity` is that of the revision, which may be longer than the message's own time.
    fn new(app: &App, intent: &'a Intent, validity: Option<Time>) -> Self {
        let texts = intent.words.iter();
        Self {
            areas: smallest(app, intent),
            texts: texts
                .map(|said| (said.language, said.text.as_str()))
                .collect(),
            until: match validity {
                Some(validity) if !intent.is_end() => validity.max(intent.not_after),
                Some(_) | None => intent.not_after,
            },
            intent,
        }
    }

    fn saying(&'a self) -> CellSaying<'a> {
        let intent = self.intent;
        CellSaying {
            warning: intent.warning,
            revision: intent.revision,
            areas: &self.areas,
            tier: if intent.is_end() {
                Tier::None
            } else {
                intent.tier
            },
            eases: intent.purpose.is_easing() || intent.is_end(),
            texts: &self.texts,
            until: self.until,
        }
    }
}

/// The smallest areas of an intent, which lists all one by one: people live in these.
pub(super) fn smallest(app: &App, intent: &Intent) -> Vec<AreaCode> {
    let places = &app.installation.places;
    let areas = intent.audience.areas.iter().copied();
    areas
        .filter(|area| places.under(*area).len() == 1)
        .collect()
}

/// Tells the cells.
pub(super) async fn say(
    app: &Arc<App>,
    target: &CellTarget,
    intent: &Intent,
    at: Time,
) -> Result<Receipt, Unsent> {
    if intent.mode != Mode::Actual {
        return Err(model::SendError::Permanent("only what is real is broadcast".into()).into());
    }
    // Without its revision, which is perhaps gone, the message's own time counts.
    let revision = app.revision(intent).await.ok();
    let told = Told::new(app, intent, revision.map(|warning| warning.expires));
    let bare = target.without_cells(&told.areas);
    if !bare.is_empty() {
        let areas: Vec<String> = bare.iter().map(ToString::to_string).collect();
        let link = format!("cell/{}", target.name());
        app.metrics
            .untold
            .with_label_values(&[&link])
            .inc_by(bare.len() as u64);
        tracing::error!(
            link,
            warning = %intent.warning,
            ?areas,
            "no cell of these areas is known: nobody is told there by cell broadcast"
        );
    }
    target.say(&told.saying(), at).await
}

impl Courier {
    /// Gives the target what it said before a restart, in the order in which it was said.
    pub(super) async fn remember_cells(&self, target: &CellTarget) {
        let now = self.app.clock.now();
        let ledger = self.outbox.ledger();
        let mut intents: Vec<&Arc<Intent>> = self.intents.values().collect();
        intents.sort_by_key(|intent| (intent.created, intent.revision, intent.id));
        for intent in intents {
            let said = ledger.state(intent.id, RecipientNo(0)) == State::Accepted;
            let number = ledger.receipt_of(intent.id, RecipientNo(0));
            let (true, Some(number)) = (said, number) else {
                continue;
            };
            let known = self.app.view.revision(intent.warning, intent.revision);
            let told = Told::new(&self.app, intent, known.map(|warning| warning.expires));
            target.remember(&told.saying(), number, now).await;
        }
    }
}

/// Renews what the cells say, and shows how much that is.
pub(super) async fn renew(app: &App, target: &CellTarget, now: Time) {
    let stands = |id, area| stands(app, id, area);
    if let Err(error) = target.renew(stands, now).await {
        tracing::warn!(%error, "cells not renewed; trying again");
    }
    let link = format!("cell/{}", target.name());
    app.metrics.broadcast(&link, "on_air", target.on_air());
}

/// The tier at which a warning stands in an area and until when, by the newest revision; nothing
/// where that is not signed yet: until then the one before stands.
pub(super) fn stands(app: &App, id: WarningId, area: AreaCode) -> Option<(Tier, Time)> {
    let newest = app.view.original(id)?;
    match newest.event {
        Event::Proposed => None,
        Event::Ended | Event::Cancelled => Some((Tier::None, newest.expires)),
        Event::Issued | Event::Updated => {
            let above = app.installation.places.upwards(area).into_iter();
            let tiers = above.filter_map(|code| Some(newest.areas.get(&code)?.tier));
            Some((tiers.max().unwrap_or(Tier::None), newest.expires))
        }
    }
}
