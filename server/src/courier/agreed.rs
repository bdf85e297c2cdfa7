//! What was agreed about the account of a link, held against each text once: one that the carrier
//! would drop never leaves, and whom it was for is told otherwise.

use super::Courier;
use dispatch::gateway::sms::{Account, Day, Refusal};
use dispatch::intent::IntentId;
use model::{Offset, Time};
use rustc_hash::FxHashMap;

/// Texts of which is kept what became of them: encoded, or why not.
pub(super) const TEXTS_MAX: usize = 4096;

/// The account, and the texts that it does not pass.
pub(super) struct Agreed {
    pub(super) account: Account,
    offset: Offset,
    day: Day,
    refused: FxHashMap<(IntentId, u8), &'static str>,
    capped: u64,
}

impl Agreed {
    pub(super) fn new(account: Account, offset: Offset) -> Self {
        Self {
            account,
            offset,
            day: Day(i64::MIN),
            refused: FxHashMap::default(),
            capped: 0,
        }
    }

    /// Takes note of the day; true where it is another: what passed the day before may not pass.
    pub(super) fn day(&mut self, now: Time) -> bool {
        let day = Day::of(now, self.offset);
        let is_new = std::mem::replace(&mut self.day, day) != day;
        if is_new {
            self.refused.clear();
        }
        is_new
    }

    /// Whether what was agreed is over.
    pub(super) fn is_over(&self, now: Time) -> bool {
        let left = self.account.days_left(Day::of(now, self.offset));
        left.is_some_and(|days| days < 0)
    }

    /// Why a text that was looked at before is not sent.
    pub(super) fn known(&self, text: (IntentId, u8)) -> Option<&'static str> {
        self.refused.get(&text).copied()
    }

    /// Why a text is not sent; kept.
    pub(super) fn refusal(&mut self, key: (IntentId, u8), text: &str) -> Option<Refusal> {
        let why = self.account.refusal(text, self.day)?;
        if self.refused.len() >= TEXTS_MAX {
            self.refused.clear();
        }
        self.refused.insert(key, why.name());
        Some(why)
    }

    /// Shows what is left of what was agreed.
    pub(super) fn show(&mut self, courier: &Courier) {
        let (app, link) = (&courier.app, courier.outbox.link());
        let today = Day::of(app.clock.now(), self.offset);
        let figure = |name: &str, value: i64| {
            app.metrics
                .account
                .with_label_values(&[link, name])
                .set(value);
        };
        let number = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
        if let Some(days) = self.account.days_left(today) {
            figure("days_left", days);
        }
        if self.account.daily_max() > 0 {
            let spent = courier.outbox.ledger().spent();
            let used = if spent.day == today.0 { spent.parts } else { 0 };
            figure("daily_max", number(self.account.daily_max()));
            figure("used_today", number(used));
            app.accounts.spent(link, spent);
            let capped = courier.outbox.stats().capped;
            let more = capped - std::mem::replace(&mut self.capped, capped);
            let labels = [link, "daily_max"];
            app.metrics
                .not_passed
                .with_label_values(&labels)
                .inc_by(more);
        }
    }
}
