//! What an emergency-broadcast platform is told of an intent, and how far it says that is.

use super::Courier;
use super::area::sender;
use super::cell::smallest;
use crate::app::App;
use dispatch::gateway::Receipt;
use dispatch::gateway::emergency_broadcast::{Broadcast, Emergency, EmergencySaying};
use dispatch::gateway::notice::Unsent;
use dispatch::intent::{Intent, IntentId, RecipientNo};
use dispatch::ledger::State;
use model::{AreaCode, Language, Mode, SendError, Tier, Time, Warning};
use std::sync::Arc;

/// An intent as a platform is told it, and what that borrows from.
struct Told<'a> {
    intent: &'a Intent,
    sender: (String, String),
    event: &'static str,
    until: Time,
    areas: Vec<AreaCode>,
}

impl<'a> Told<'a> {
    fn new(app: &App, intent: &'a Intent, warning: &Warning) -> Self {
        let (code, name) = sender(app, warning);
        Self {
            sender: (name.get(Language::Zh).to_owned(), code),
            event: warning.hazard.code(),
            until: match intent.is_end() {
                true => intent.not_after,
                false => warning.expires.max(intent.not_after),
            },
            areas: smallest(app, intent),
            intent,
        }
    }

    /// An end is said by taking the message back: loudspeakers fall silent.
    fn saying(&'a self) -> EmergencySaying<'a> {
        let intent = self.intent;
        let words = intent.words.first().filter(|_| !intent.is_end());
        EmergencySaying {
            intent: intent.id,
            warning: intent.warning,
            created: intent.created,
            sender: (&self.sender.0, &self.sender.1),
            event: self.event,
            tier: if intent.is_end() {
                Tier::None
            } else {
                intent.tier
            },
            until: self.until,
            language: words.map_or(Language::Zh, |words| words.language),
            title: words.map_or("", |words| words.subject.as_str()),
            // What is read out is shown too.
            text: words.map_or("", |words| match words.instruction.as_str() {
                "" => words.text.as_str(),
                spoken => spoken,
            }),
            areas: &self.areas,
        }
    }
}

/// Hands a platform what an intent says.
pub(super) async fn say(
    app: &Arc<App>,
    platform: &Emergency,
    intent: &Intent,
    at: Time,
) -> Result<Receipt, Unsent> {
    if intent.mode != Mode::Actual {
        return Err(SendError::Permanent("only what is real is broadcast".into()).into());
    }
    let warning = app.revision(intent).await?;
    let told = Told::new(app, intent, &warning);
    platform.say(&told.saying(), at).await
}

impl Courier {
    /// Gives a platform what it was told before a restart, in the order in which it was told.
    pub(super) async fn remember_emergency(&self, platform: &Emergency) {
        let now = self.app.clock.now();
        let ledger = self.outbox.ledger();
        let mut intents: Vec<&Arc<Intent>> = self.intents.values().collect();
        intents.sort_by_key(|intent| (intent.created, intent.revision, intent.id));
        for intent in intents {
            let state = ledger.state(intent.id, RecipientNo(0));
            let is_taken = matches!(state, State::Accepted | State::Delivered);
            let number = ledger.receipt_of(intent.id, RecipientNo(0));
            let warning = self.app.view.revision(intent.warning, intent.revision);
            let (true, Some(number), Some(warning)) = (is_taken, number, warning) else {
                continue;
            };
            let told = Told::new(&self.app, intent, &warning);
            platform.remember(&told.saying(), number, now).await;
        }
    }
}

/// A heart-beat, and how far messages are: gives those that were broadcast.
pub(super) async fn follow(app: &App, platform: &Emergency, now: Time) -> Vec<IntentId> {
    let link = format!("broadcast/{}", platform.name());
    let beat = platform.check(now).await;
    if let Err(error) = &beat {
        tracing::warn!(link, %error, "the platform does not hear our heart-beat");
    }
    app.metrics
        .broadcast(&link, "connected", usize::from(beat.is_ok()));
    let mut done = Vec::new();
    for (intent, said) in platform.follow(now).await {
        match said {
            Broadcast::Done => done.push(intent),
            Broadcast::Failed => {
                app.metrics.untold.with_label_values(&[&link]).inc();
                tracing::error!(link, %intent, "the platform says that its broadcast failed");
            }
            Broadcast::Waiting | Broadcast::Underway | Broadcast::Cancelled => {}
        }
    }
    app.metrics
        .broadcast(&link, "on_air", platform.standing().await);
    done
}
