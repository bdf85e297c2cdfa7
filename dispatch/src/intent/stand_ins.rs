//! Who tells the phones of an account while it can tell nobody, and what is said to some of an intent's
//! people by another account.

use super::{Audience, Intent, IntentId, Recipients};
use model::{Span, Time};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// After so long whom no account could tell is handed round again.
const ROUND: Span = Span::from_minutes(15);

/// For each account, by its link, those whose carriers agreed to tell its phones, in the order in which
/// they are asked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct StandIns(BTreeMap<String, Vec<String>>);

impl StandIns {
    /// Of every account there is, those without any included.
    pub fn of(accounts: impl IntoIterator<Item = (String, Vec<String>)>) -> Self {
        Self(accounts.into_iter().collect())
    }

    /// Who tells the phones of that account.
    pub fn agreed(&self, link: &str) -> &[String] {
        self.0.get(link).map_or(&[], Vec::as_slice)
    }
}

impl Intent {
    /// Who tells those whom the account that has it cannot. The phones' own account says who may: the
    /// first that has not handed it on. Where all of them did it goes back to that account, and after a
    /// while round again. Never to an account whose carrier said that the phones are not its own.
    pub fn heir<'a>(&self, at: Time, stand_ins: &'a StandIns) -> Option<&'a str> {
        let owner = self.tried.first().unwrap_or(&self.link);
        let (owner, agreed) = stand_ins.0.get_key_value(owner)?;
        let may = |link: &&String| **link != self.link && !self.moved_from.contains(link);
        let mut left = agreed.iter().filter(may);
        if self.is_back() {
            let is_over = at >= self.created + ROUND;
            return left.next().filter(|_| is_over).map(String::as_str);
        }
        let next = left.find(|link| !self.tried.contains(link));
        let back = || (!self.tried.is_empty()).then_some(owner);
        next.or_else(back).map(String::as_str)
    }

    /// True where it went round all accounts and is at the one that the phones are of again.
    pub fn is_back(&self) -> bool {
        self.tried.first() == Some(&self.link)
    }

    /// The same thing said to some of its people by another account, `link`: this one cannot tell
    /// them. What is left to try stays the same. `asks` is true where that account knows whether it
    /// is for them, since it told them of the warning before.
    pub fn handed(&self, at: Time, only: Recipients, link: &str, asks: bool) -> Self {
        let is_back = self.is_back();
        let tried = self.tried.iter().filter(|_| !is_back).chain([&self.link]);
        Self {
            only_told: self.only_told && asks,
            only_new: self.only_new && asks,
            tried: tried.cloned().collect(),
            ..self.to_some(at, only, link)
        }
    }

    /// The same of phones that moved to another carrier: `link` is their account from now on, which
    /// knows what it told them before.
    pub fn moved(&self, at: Time, only: Recipients, link: &str) -> Self {
        Self {
            tried: Vec::new(),
            moved_from: self
                .moved_from
                .iter()
                .chain([&self.link])
                .cloned()
                .collect(),
            ..self.to_some(at, only, link)
        }
    }

    fn to_some(&self, at: Time, only: Recipients, link: &str) -> Self {
        let place = format!("{}/{}", self.id, only.name());
        let (warning, reach) = (self.warning, self.audience.reach);
        Self {
            id: IntentId::derive(warning, self.revision, link, self.purpose, reach, &place),
            link: link.to_owned(),
            audience: Audience {
                only: Some(only),
                also: Vec::new(),
                ..self.audience.clone()
            },
            instead_of: Some(self.id),
            created: at,
            ..self.clone()
        }
    }
}
