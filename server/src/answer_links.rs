//! Links by which mails are answered: who gets one, for how long it holds, and how often it is used.

use dispatch::gateway::answer_link::{AnswerLink, AnswerLinkError, LinkKey};
use dispatch::intent::{Intent, RecipientNo};
use dispatch::wording::Purpose;
use model::release::Reach;
use model::{Policy, Span, Time};
use parking_lot::Mutex;
use rustc_hash::FxHashMap;

/// What keys of links are derived for.
pub(crate) const PURPOSE: &str = "sanfang answer links 1";
/// How long a link holds. Whoever has not answered is asked again long before, with a new one.
const HOLDS: Span = Span::from_minutes(24 * 60);
/// Answers that one person may give in a minute of record time: what follows is not stored.
const A_MINUTE: u32 = 10;

/// The links of a service.
pub(crate) struct AnswerLinks {
    /// Address that the service is reached under; without it there are none.
    base: Option<String>,
    key: LinkKey,
    /// Minute of the latest answers of each person, and how many: no more people than contacts.
    given: Mutex<FxHashMap<RecipientNo, (i64, u32)>>,
}

impl AnswerLinks {
    /// Links under `base`, signed with a key of 256 bits.
    pub(crate) fn new(base: Option<&str>, key: [u8; 32]) -> Self {
        Self {
            base: base.map(|base| base.trim_end_matches('/').to_owned()),
            key: LinkKey::new(key),
            given: Mutex::default(),
        }
    }

    /// The address by which a responsible person answers to `intent`; [`None`] where nobody waits
    /// for it.
    pub(crate) fn address(
        &self,
        intent: &Intent,
        recipient: RecipientNo,
        policy: &Policy,
        now: Time,
    ) -> Option<String> {
        let base = self.base.as_deref()?;
        let asks = matches!(
            intent.purpose,
            Purpose::Reminder | Purpose::DeviceFault | Purpose::Alert
        );
        let is_called = asks && intent.audience.reach == Reach::Responsible;
        if !is_called || policy.ladder(intent.tier).is_none() {
            return None;
        }
        let link = AnswerLink {
            warning: intent.warning,
            recipient,
            until: now + HOLDS,
        };
        Some(format!("{base}/answer/{}", link.token(&self.key)))
    }

    /// What a token stands for now.
    pub(crate) fn read(&self, token: &str, now: Time) -> Result<AnswerLink, AnswerLinkError> {
        if self.base.is_none() {
            return Err(AnswerLinkError::Unknown);
        }
        AnswerLink::read(token, &self.key, now)
    }

    /// Counts an answer; false where one person gave too many.
    pub(crate) fn may_answer(&self, recipient: RecipientNo, now: Time) -> bool {
        let mut given = self.given.lock();
        let (minute, count) = given.entry(recipient).or_default();
        if *minute != now.minute() {
            (*minute, *count) = (now.minute(), 0);
        }
        *count = count.saturating_add(1);
        *count <= A_MINUTE
    }
}
