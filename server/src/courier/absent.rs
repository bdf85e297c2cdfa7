//! The link of a channel that the configuration gives no link: it refuses everything, so that who
//! was to hear it is counted, shown and told otherwise as after any failed delivery.

use super::Courier;
use crate::app::App;
use dispatch::outbox::{Answer, Event, Limits, Outcome};
use journal::{JournalError, Kind, Topic};
use std::sync::Arc;
use std::time::Duration;

/// Messages refused at once.
const WINDOW: usize = 4096;
/// Longest wait for anything.
const IDLE: Duration = Duration::from_millis(200);

/// Serves link `number` until the app stops. An error means that the process must end.
pub(crate) async fn run(app: Arc<App>, number: usize) -> Result<(), JournalError> {
    let limits = Limits::with_window(WINDOW);
    let mut courier = Courier::open(Arc::clone(&app), number, limits)?;
    let topic = Topic::new(Kind::Deliveries, app.mode);
    let mut planned = app.journal.subscribe(topic, courier.partition);
    let mut refused: Vec<Answer> = Vec::new();
    courier.step(Event::Up);
    while !app.stopping() {
        while courier.take()? {}
        courier.settle()?;
        refused.clear();
        refused.extend(courier.effects.sending.iter().map(|sending| Answer {
            token: sending.token,
            outcome: Outcome::Permanent,
        }));
        courier.effects.sent();
        if refused.is_empty() {
            let next = courier.next;
            tokio::select! {
                () = super::planned(&mut planned, next) => {}
                done = courier.durable() => done?,
                () = std::future::ready(()), if !courier.is_settled() => {}
                () = tokio::time::sleep(IDLE) => courier.step(Event::Tick),
            }
        } else {
            courier.step(Event::Answers(&refused));
        }
        courier.keep()?;
        courier.show();
    }
    courier.finish().await
}
