//! The people of the demo: officers who read and sign, responsible persons who answer.

use super::OFFICERS;
use crate::app::App;
use model::order::Answer;
use model::warning::Event;
use model::{Channel, Order, Span, Time, WarningId};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

/// How often they look, on the wall clock.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// How long the first officer reads, in record time; the second takes as long again.
const READING: Span = Span::from_seconds(40);

/// The people of the demo, and what they remember.
#[derive(Default)]
pub(super) struct Cast {
    /// Signs nothing where the user wants to.
    pub(super) hands_off: bool,
    since: BTreeMap<(WarningId, u32), Time>,
    done: BTreeSet<(String, String, String)>,
}

/// Lets the people look again and again, on the wall's clock.
pub(super) async fn act(app: Arc<App>, mut cast: Cast) {
    loop {
        tokio::time::sleep(LOOK_EVERY).await;
        cast.look(&app).await;
    }
}

impl Cast {
    /// Everybody looks once and does what is due.
    pub(super) async fn look(&mut self, app: &App) {
        if !self.hands_off {
            self.sign(app).await;
        }
        self.answer(app).await;
    }

    /// Two officers sign each proposal after reading it.
    async fn sign(&mut self, app: &App) {
        let since = &mut self.since;
        let now = app.clock.now();
        for item in app.view.warnings() {
            let Some(id) = WarningId::parse(&item.id) else {
                continue;
            };
            if item.event != Event::Proposed || item.request_to.is_some() || item.past {
                continue;
            }
            let first = *since.entry((id, item.revision)).or_insert(now);
            let signed = item.signed_by.len().min(1) as i64;
            let due = first + Span::from_millis(READING.millis() * (signed + 1));
            if now < due {
                continue;
            }
            for (person, ..) in OFFICERS {
                let order = Order::Approve {
                    warning: id,
                    revision: item.revision,
                    seen: item.seen.clone(),
                    person: person.into(),
                    as_it_stands: String::new(),
                };
                if let Ok(zone) = app.zone_of(id) {
                    // Refused where it changed meanwhile: the new revision is read afresh.
                    drop(app.order(zone, order).await);
                }
            }
            since.remove(&(id, item.revision));
        }
        since.retain(|(_, _), first| now.since(*first) < Span::from_minutes(60));
    }

    /// Most responsible persons answer within some minutes; one in eight never does.
    async fn answer(&mut self, app: &App) {
        let done = &mut self.done;
        let now = app.clock.now();
        for call in app.view.calls() {
            let place = call.site.clone().unwrap_or_else(|| call.area.clone());
            let key = (call.warning.clone(), place, call.told_at.clone());
            if call.answer.is_some() || done.contains(&key) {
                continue;
            }
            let Some((told, _)) = Time::parse_bytes(call.told_at.as_bytes()) else {
                continue;
            };
            let temper = temper(&call.contact, &call.told_at);
            let waits = Span::from_seconds(20 + i64::from(temper % 200));
            if temper.is_multiple_of(8) || now < told + waits {
                continue;
            }
            let (Some(warning), false) = (WarningId::parse(&call.warning), call.contact.is_empty())
            else {
                continue;
            };
            let Ok(zone) = app.zone_of(warning) else {
                continue;
            };
            let answer = if temper.is_multiple_of(3) {
                Answer::AtPost
            } else {
                Answer::Received
            };
            let order = Order::Answer {
                warning,
                contact: call.contact.clone(),
                answer,
                note: String::new(),
                channel: Some(Channel::Sms),
                noted_by: String::new(),
                said: now,
            };
            if app.note(vec![(zone, order)]).await.is_ok() {
                done.insert(key);
            }
        }
    }
}

/// A number that is a person's own at an hour: the demo has no chance in it.
fn temper(contact: &str, hour: &str) -> u32 {
    let bytes = contact.bytes().chain(hour.bytes());
    bytes.fold(2_166_136_261, |hash, byte| {
        (hash ^ u32::from(byte)).wrapping_mul(16_777_619)
    }) >> 8
}
