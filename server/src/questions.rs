//! Questions to the owner of a zone's state: few at once, a few a turn, each answered within a time
//! or not at all, so that nobody's curiosity holds up a warning.

use dispatch::plan::Planner;
use model::{Parameter, Span, StationNo, WarningId, Zone};
use rules::Windowed;
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, sync_channel};
use std::time::Duration;
use tokio::sync::{Semaphore, oneshot};

/// Questions that may wait for one zone.
const WAITING_MAX: usize = 64;
/// Of them questions for readings: anybody may ask those, and signers come through beside them.
const READINGS_MAX: usize = 32;
/// Questions answered between two turns of the zone.
pub(crate) const A_TURN: usize = 8;
/// Longest wait for an answer.
const ANSWER_MAX: Duration = Duration::from_secs(2);

/// A question, and where its answer goes.
pub(crate) enum Question {
    /// Recent readings of a series.
    Series {
        /// Whose values.
        station: StationNo,
        /// Which.
        parameter: Parameter,
        /// How far back from the newest.
        length: Span,
        /// Values by time.
        answer: oneshot::Sender<Vec<Windowed>>,
    },
    /// What people were told so far about one warning.
    Told(WarningId, oneshot::Sender<Planner>),
}

/// Why there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unanswered {
    /// Too many wait already.
    Full,
    /// The zone was busy for longer than anybody waits.
    Late,
}

/// The asking end of one zone.
pub(crate) struct Desk {
    sender: SyncSender<Question>,
    readings: Semaphore,
}

/// The answering end.
pub(crate) struct Asked(Receiver<Question>);

/// Both ends.
pub(crate) fn questions() -> (Desk, Asked) {
    let (sender, receiver) = sync_channel(WAITING_MAX);
    let readings = Semaphore::new(READINGS_MAX);
    (Desk { sender, readings }, Asked(receiver))
}

/// The desks of all zones.
pub(crate) struct Desks(Vec<Desk>);

impl Desks {
    /// By zone number.
    pub(crate) fn new(desks: Vec<Desk>) -> Self {
        Self(desks)
    }

    /// Recent readings of a series that `zone` keeps.
    pub(crate) async fn series(
        &self,
        zone: Zone,
        station: StationNo,
        parameter: Parameter,
        length: Span,
    ) -> Result<Vec<Windowed>, Unanswered> {
        let desk = self.of(zone)?;
        let _place = desk.readings.try_acquire().map_err(|_| Unanswered::Full)?;
        let question = |answer| Question::Series {
            station,
            parameter,
            length,
            answer,
        };
        desk.ask(question).await
    }

    /// What the people of `zone` were told about a warning.
    pub(crate) async fn told(&self, zone: Zone, id: WarningId) -> Result<Planner, Unanswered> {
        let question = |answer| Question::Told(id, answer);
        self.of(zone)?.ask(question).await
    }

    fn of(&self, zone: Zone) -> Result<&Desk, Unanswered> {
        self.0.get(usize::from(zone.0)).ok_or(Unanswered::Late)
    }
}

impl Desk {
    async fn ask<T>(
        &self,
        question: impl FnOnce(oneshot::Sender<T>) -> Question,
    ) -> Result<T, Unanswered> {
        use std::sync::mpsc::TrySendError;
        let (answer, answered) = oneshot::channel();
        self.sender
            .try_send(question(answer))
            .map_err(|error| match error {
                TrySendError::Full(_) => Unanswered::Full,
                // The zone has ended: no answer will come.
                TrySendError::Disconnected(_) => Unanswered::Late,
            })?;
        let answered = tokio::time::timeout(ANSWER_MAX, answered).await;
        answered.ok().and_then(Result::ok).ok_or(Unanswered::Late)
    }
}

impl Asked {
    /// Answers what waits, a turn's worth; true where more may wait.
    pub(crate) fn answer(&self, mut answer: impl FnMut(Question)) -> bool {
        for _ in 0..A_TURN {
            match self.0.try_recv() {
                Ok(question) if question.is_awaited() => answer(question),
                Ok(_) => {}
                Err(TryRecvError::Empty | TryRecvError::Disconnected) => return false,
            }
        }
        true
    }
}

impl Question {
    /// False once whoever asked has gone.
    fn is_awaited(&self) -> bool {
        match self {
            Self::Series { answer, .. } => !answer.is_closed(),
            Self::Told(_, answer) => !answer.is_closed(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    const ZONE: Zone = Zone(0);

    fn id() -> WarningId {
        WarningId::parse("0123456789abcdef01234567").unwrap()
    }

    async fn readings(desks: &Desks) -> Result<Vec<Windowed>, Unanswered> {
        let day = Span::from_minutes(24 * 60);
        let series = desks.series(ZONE, StationNo(0), Parameter::Rainfall, day);
        series.await
    }

    /// Asks for readings `count` times, and waits until each has a place or none.
    async fn crowd(desks: &Arc<Desks>, count: usize) {
        for _ in 0..count {
            let desks = Arc::clone(desks);
            tokio::spawn(async move { readings(&desks).await });
        }
        for _ in 0..=count {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn a_zone_is_asked_so_much_and_no_more_and_signers_come_through() {
        let (desk, asked) = questions();
        let desks = Arc::new(Desks::new(vec![desk]));
        crowd(&desks, READINGS_MAX).await;
        assert_eq!(readings(&desks).await, Err(Unanswered::Full));
        let signer = Arc::clone(&desks);
        let signer = tokio::spawn(async move { signer.told(ZONE, id()).await });
        tokio::task::yield_now().await;
        // A turn answers a few; the rest keeps.
        let mut answered = 0;
        let mut turns = 0;
        let mut more = true;
        while more {
            let before = answered;
            more = asked.answer(|question| {
                answered += 1;
                match question {
                    Question::Series { answer, .. } => answer.send(Vec::new()).unwrap(),
                    Question::Told(_, answer) => answer.send(Planner::default()).unwrap(),
                }
            });
            assert!(answered - before <= A_TURN);
            turns += 1;
        }
        assert_eq!(answered, READINGS_MAX + 1);
        assert!(turns > READINGS_MAX / A_TURN);
        assert!(signer.await.unwrap().is_ok());
    }

    #[tokio::test]
    async fn a_zone_that_does_not_answer_is_not_waited_for() {
        let (desk, asked) = questions();
        let desks = Desks::new(vec![desk]);
        assert_eq!(desks.told(ZONE, id()).await, Err(Unanswered::Late));
        // Nobody waits for that answer any more: no work is done for it.
        asked.answer(|_| panic!("nobody waits"));
        drop(asked);
        assert_eq!(desks.told(ZONE, id()).await, Err(Unanswered::Late));
    }
}
