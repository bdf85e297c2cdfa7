//! What the apps are told, and what of it they are told again after a restart.

use super::Courier;
use super::phone::in_areas;
use super::single::{Published, Word};
use crate::app::App;
use dispatch::gateway::area_topics::AreaTopics;
use dispatch::gateway::notice::service_of;
use dispatch::gateway::push::PushMessage;
use dispatch::intent::{DeliveryId, Intent, RecipientNo};
use dispatch::ledger::State;
use dispatch::wording::Message;
use model::{Language, Reach, SendError};
use std::sync::Arc;

/// A message for the hub of apps.
pub(super) struct Pushed<'a> {
    intent: &'a Intent,
    key: String,
    to: Option<String>,
    words: Vec<(Language, String)>,
}

/// One event for all who subscribed to places, or one for the app of a responsible person.
pub(super) fn pushed<'a>(
    app: &App,
    intent: &'a Intent,
    recipient: RecipientNo,
) -> Result<Pushed<'a>, SendError> {
    let to = match intent.audience.reach {
        Reach::Public => None,
        Reach::Responsible | Reach::Device => {
            let directory = app.directory();
            let known = directory.recipient(recipient);
            let token = known.and_then(|r| r.push().map(str::to_owned));
            let token = token.ok_or_else(|| SendError::Permanent("no app any more".into()))?;
            if let Some((service, _)) = service_of(&token) {
                // It came here because no link carries tokens of that kind.
                let kind = format!("push/{service}");
                app.metrics.unserved.with_label_values(&[&kind]).inc();
                return Err(SendError::Permanent(format!("no link {kind}")));
            }
            Some(token)
        }
    };
    let delivery = DeliveryId::derive(intent.id, recipient);
    let words = intent.words.iter();
    Ok(Pushed {
        intent,
        key: format!("{}/{delivery}", intent.id),
        to,
        words: words
            .map(|message| (message.language, json(intent, message)))
            .collect(),
    })
}

impl Pushed<'_> {
    pub(super) fn with<T>(&self, act: impl FnOnce(&PushMessage<'_>) -> T) -> T {
        let intent = self.intent;
        act(&PushMessage {
            key: &self.key,
            at: intent.created,
            warning: intent.warning,
            is_end: intent.is_end(),
            not_after: intent.not_after,
            event: intent.purpose.name(),
            to: self.to.as_deref(),
            areas: &intent.audience.areas,
            sites: &intent.audience.sites,
            words: &self.words,
        })
    }
}

impl Courier {
    /// Puts back into the hub what it held before a restart and is not past its time, in the order
    /// in which it was made.
    pub(super) fn push_again(&self) {
        for intent in self.standing() {
            let mut told = Vec::new();
            self.outbox.ledger().for_each(intent.id, |who, state| {
                let is_told = matches!(
                    state,
                    State::Accepted | State::Delivered | State::Acknowledged
                );
                told.extend(is_told.then_some(who));
            });
            for who in told {
                match pushed(&self.app, intent, who) {
                    Ok(message) => message.with(|message| self.app.push.send_again(message)),
                    Err(error) => tracing::info!(%error, "not told again"),
                }
            }
        }
    }
}

impl Courier {
    /// Intents that are not past their time, in the order in which they were made.
    fn standing(&self) -> Vec<&Arc<Intent>> {
        let now = self.app.clock.now();
        let mut intents: Vec<&Arc<Intent>> = self.intents.values().collect();
        intents.retain(|intent| now < intent.not_after);
        intents.sort_by_key(|intent| (intent.created, intent.revision, intent.id));
        intents
    }

    /// What the topics of areas held before a restart stands in the next set too.
    pub(super) async fn remember_areas(&self, topics: &AreaTopics) {
        let now = self.app.clock.now();
        for intent in self.standing() {
            let known = self.app.view.revision(intent.warning, intent.revision);
            let validity = known.map(|warning| warning.expires);
            topics.remember(&in_areas(intent, validity), now).await;
        }
    }
}

fn json(intent: &Intent, message: &Message) -> String {
    let mut published = Published::new(intent);
    published.words = vec![Word::new(message)];
    serde_json::to_string(&published).unwrap_or_default()
}
