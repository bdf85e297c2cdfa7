//! What loudspeakers on the network play of an intent.

use super::cell::smallest;
use crate::app::App;
use dispatch::gateway::Receipt;
use dispatch::gateway::loudspeaker::{Key, LoudSaying, Loudspeakers};
use dispatch::gateway::notice::Unsent;
use dispatch::intent::Intent;
use dispatch::wording::Message;
use model::{Language, Time};
use std::sync::Arc;

/// Has the speakers of an intent's areas play it.
pub(super) async fn say(
    app: &Arc<App>,
    speakers: &Loudspeakers,
    intent: &Intent,
    at: Time,
) -> Result<Receipt, Unsent> {
    let warning = app.revision(intent).await?;
    let areas = smallest(app, intent);
    let spoken = intent.words.iter().map(spoken);
    let spoken: Vec<(Language, &str, &str)> = spoken.collect();
    let saying = LoudSaying {
        intent: intent.id,
        key: Key {
            hazard: warning.hazard,
            purpose: intent.purpose,
            tier: intent.tier,
        },
        areas: &areas,
        mode: intent.mode,
        not_after: intent.not_after,
        words: &spoken,
    };
    let said = speakers.say(&saying, at).await;
    let link = format!("broadcast/{}", speakers.name());
    app.metrics
        .broadcast(&link, "posts_lost", speakers.silent());
    said
}

/// What is read out, and what is shown beside it.
fn spoken(said: &Message) -> (Language, &str, &str) {
    let read_out = match said.instruction.as_str() {
        "" => said.text.as_str(),
        spoken => spoken,
    };
    (said.language, read_out, said.text.as_str())
}
