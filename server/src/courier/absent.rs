//! The link of a channel that the configuration gives no link: it refuses everything, so that who
//! was to hear it is counted, shown and told otherwise as after any failed delivery.

use super::Courier;
use crate::app::App;
use crate::term::Term;
use dispatch::outbox::{Answer, Event, Limits, Outcome};
use journal::{JournalError, Kind, Topic};
use std::sync::Arc;
use std::time::Duration;

/// Messages refused at once.
const WINDOW: usize = 4096;
/// Longest wait for anything.
const IDLE: Duration = Duration::from_millis(200);

/// The link numbered `number`, ready to refuse.
pub(crate) fn open(app: &Arc<App>, number: usize) -> Result<Courier, JournalError> {
    let limits = Limits::with_window(WINDOW);
    let mut courier = Courier::open(Arc::clone(app), number, limits)?;
    courier.step(Event::Up);
    Ok(courier)
}

impl Courier {
    /// Refuses what is to leave; true where there was something.
    pub(crate) fn refuse(&mut self) -> Result<bool, JournalError> {
        while self.take()? {}
        self.settle()?;
        let refused = self.effects.sending.iter().map(|sending| Answer {
            token: sending.token,
            outcome: Outcome::Permanent,
        });
        let refused: Vec<Answer> = refused.collect();
        self.effects.sent();
        if !refused.is_empty() {
            self.step(Event::Answers(&refused));
        }
        Ok(!refused.is_empty())
    }
}

/// Serves link `number` for its term. An error means that the process must end.
pub(crate) async fn run(app: Arc<App>, number: usize, term: Term) -> Result<(), JournalError> {
    let mut courier = open(&app, number)?;
    let topic = Topic::new(Kind::Deliveries, app.mode);
    let mut planned = app.journal.subscribe(topic, courier.partition);
    while !term.is_over() {
        if !courier.refuse()? {
            let next = courier.next;
            tokio::select! {
                () = super::planned(&mut planned, next) => {}
                done = courier.durable() => done?,
                () = std::future::ready(()), if !courier.is_settled() => {}
                () = tokio::time::sleep(IDLE) => courier.step(Event::Tick),
            }
        }
        courier.keep()?;
        courier.show()?;
    }
    courier.finish().await
}
