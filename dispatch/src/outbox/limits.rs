//! The bounds of a link and what it counted.

use crate::intent::StandIns;
use model::{Offset, Span};
use serde::{Deserialize, Serialize};

/// Bounds of one link. Every queue and retry has its own here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Most parts of messages on the wire at once; a message that passes it by some parts goes.
    pub window: usize,
    /// Most messages in flight, claimed, or answered but not durable: bounds duplicates per
    /// crash. At least twice the window keeps the wire busy while the disk works.
    pub unconfirmed_max: usize,
    /// Parts of messages a second, as carriers meter them; 0 is as fast as the window allows.
    pub pace_per_s: u32,
    /// Parts of messages on one calendar day, retries that were perhaps taken included; 0 for no
    /// limit. What is in flight when the process dies may pass it by
    /// [`Limits::unconfirmed_max`].
    pub daily_max: u64,
    /// Where a calendar day begins: how far the city's clocks are ahead.
    pub day_begins: Offset,
    /// Short messages are UCS-2 even where the default alphabet would do, and so have more parts.
    pub always_ucs2: bool,
    /// Short messages go out a second time, to be shown at once, and so cost twice their parts.
    pub with_flash: bool,
    /// Tries of one message that fails transiently while the far side takes others. Where it takes
    /// nothing, tries go on until the not-after time, and after so many the next channel is told.
    pub attempts_max: u8,
    /// Waits before the second, third… try; the last one repeats.
    pub backoff: Vec<Span>,
    /// First pause after the far side throttles; doubles up to `throttle_max`.
    pub throttle_min: Span,
    /// Longest pause.
    pub throttle_max: Span,
    /// Silence after which a message in flight counts as of unknown outcome, should the gateway
    /// never say so.
    pub answer_max: Span,
    /// Rows asked for at once.
    pub chunk_rows: u32,
    /// Messages waiting for a further try; beyond it nothing new of that link is fetched.
    pub retry_max: usize,
    /// Intents waiting at once.
    pub intents_max: usize,
    /// Addresses remembered for de-duplication.
    pub seen_max: usize,
    /// How long states outlive the not-after time: receipts come late, a cancel needs them.
    pub keep: Span,
    /// How long an address that its service calls gone is not tried again; zero for ever. A number
    /// that moved to another carrier may move back.
    pub retired_for: Span,
    /// Recipients remembered beyond that because their warning stands, a byte each.
    pub standing_max: u64,
    /// Which accounts tell whom others cannot.
    pub fail_over: StandIns,
    /// Messages to one address that go together, as one call says them; 0 where each goes by itself. An
    /// address is then not spoken to a second time while it is.
    pub together_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            window: 1000,
            unconfirmed_max: 2000,
            pace_per_s: 0,
            daily_max: 0,
            day_begins: Offset::default(),
            always_ucs2: false,
            with_flash: false,
            attempts_max: 6,
            backoff: [1, 5, 15, 60, 300].map(Span::from_seconds).to_vec(),
            throttle_min: Span::from_millis(100),
            throttle_max: Span::from_seconds(30),
            answer_max: Span::from_seconds(60),
            chunk_rows: 4096,
            retry_max: 20_000,
            intents_max: 20_000,
            seen_max: 1_000_000,
            keep: Span::from_minutes(3 * 24 * 60),
            retired_for: Span::ZERO,
            standing_max: 50_000_000,
            fail_over: StandIns::default(),
            together_max: 0,
        }
    }
}

impl Limits {
    /// Where none is given.
    const BACKOFF: Span = Span::from_seconds(60);

    /// With that window and everything that follows from it.
    pub fn with_window(window: usize) -> Self {
        Self {
            window,
            unconfirmed_max: window * 2,
            ..Self::default()
        }
    }

    /// So many transient answers in a row, and nothing taken between them, are the far side's
    /// trouble: it is asked with single messages and pauses until it takes one.
    pub(super) fn trouble(&self) -> usize {
        self.window.max(usize::from(self.attempts_max))
    }

    /// The longest wait for a further try.
    pub(super) fn backoff_max(&self) -> Span {
        let longest = self.backoff.iter().copied().max();
        longest.unwrap_or(Self::BACKOFF)
    }

    pub(super) fn backoff(&self, attempt: u8) -> Span {
        let at = usize::from(attempt.saturating_sub(1));
        let wait = self.backoff.get(at).or(self.backoff.last());
        wait.copied().unwrap_or(Self::BACKOFF)
    }
}

/// What a link counted since it started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stats {
    /// Messages given to the gateway, tries included.
    pub sent: u64,
    /// Of these, tries after the first.
    pub retried: u64,
    /// Throttling answers.
    pub throttled: u64,
    /// Outcomes that stayed or were unknown.
    pub uncertain: u64,
    /// Sent again although it may have gone out before.
    pub perhaps_repeated: u64,
    /// Rows left out because the address had the text.
    pub duplicates: u64,
    /// Intents given up at the bound of waiting intents.
    pub shed: u64,
    /// Warnings forgotten while they stood, at the bound of what is remembered.
    pub forgotten: u64,
    /// Addresses that their service said will never work again.
    pub retired: u64,
    /// Responsible persons told otherwise because the day's messages are used up.
    pub capped: u64,
    /// Recipients whom another account tells, since this one could not.
    pub handed: u64,
    /// Answers to nothing known.
    pub strays: u64,
}
