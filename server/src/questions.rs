//! Questions to the owner of a zone's state: few at once, a few a turn, each answered within a time
//! or not at all, so that nobody's curiosity holds up a warning.

use dispatch::plan::Planner;
use model::{Parameter, Span, StationNo, WarningId};
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
    /// Another process steps the zone.
    Elsewhere,
    /// That process does not take this one for one of the deployment (another `directory.key_file`), or
    /// is of a version that does not know the question.
    Stranger,
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

impl Desk {
    /// Recent readings of a series that the zone keeps.
    pub(crate) async fn series(
        &self,
        station: StationNo,
        parameter: Parameter,
        length: Span,
    ) -> Result<Vec<Windowed>, Unanswered> {
        let _place = self.readings.try_acquire().map_err(|_| Unanswered::Full)?;
        let question = |answer| Question::Series {
            station,
            parameter,
            length,
            answer,
        };
        self.ask(question).await
    }

    /// What the people of the zone were told about a warning.
    pub(crate) async fn told(&self, id: WarningId) -> Result<Planner, Unanswered> {
        self.ask(|answer| Question::Told(id, answer)).await
    }

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

    fn id() -> WarningId {
        WarningId::parse("0123456789abcdef01234567").unwrap()
    }

    async fn readings(desk: &Desk) -> Result<Vec<Windowed>, Unanswered> {
        let day = Span::from_minutes(24 * 60);
        let series = desk.series(StationNo(0), Parameter::Rainfall, day);
        series.await
    }

    /// Asks for readings `count` times, and waits until each has a place or none.
    async fn crowd(desk: &Arc<Desk>, count: usize) {
        for _ in 0..count {
            let desk = Arc::clone(desk);
            tokio::spawn(async move { readings(&desk).await });
        }
        for _ in 0..=count {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn a_zone_is_asked_so_much_and_no_more_and_signers_come_through() {
        let (desk, asked) = questions();
        let desk = Arc::new(desk);
        crowd(&desk, READINGS_MAX).await;
        assert_eq!(readings(&desk).await, Err(Unanswered::Full));
        let signer = Arc::clone(&desk);
        let signer = tokio::spawn(async move { signer.told(id()).await });
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
        assert_eq!(desk.told(id()).await, Err(Unanswered::Late));
        // Nobody waits for that answer any more: no work is done for it.
        asked.answer(|_| panic!("nobody waits"));
        drop(asked);
        assert_eq!(desk.told(id()).await, Err(Unanswered::Late));
    }
}
