//! What a phone or a group shows, and how saying it can fail: shared by every service that shows a
//! notification.
//!
//! A payload has a bound. What is too long is said in shorter words, never cut: [`Notice::words`]
//! are whole sayings, the longest first, and the first that fits is taken.

use model::{SendError, Time};
use sha2::{Digest, Sha256};

/// How much a notification may wake a phone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Urgency {
    /// When it is convenient.
    Normal,
    /// At once, also from sleep.
    High,
}

/// One saying, whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Words {
    /// Line that stands out.
    pub title: String,
    /// What stands below it; may be empty.
    pub body: String,
}

/// One notification.
#[derive(Clone, Copy, Debug)]
pub struct Notice<'a> {
    /// Names the delivery, 32 hexadecimal digits: a repeat has the same.
    pub delivery: &'a str,
    /// Token of the one app it is for, without the name of its service; empty for a group.
    pub to: &'a str,
    /// What follows under the same key takes its place on the phone: [`collapse_key`].
    pub collapse: &'a str,
    /// How much it may wake.
    pub urgency: Urgency,
    /// Nobody is told at or after this.
    pub not_after: Time,
    /// The warning.
    pub warning: &'a str,
    /// Its revision.
    pub revision: u32,
    /// Why it is said.
    pub purpose: &'a str,
    /// Tier in force after it, by name.
    pub tier: &'a str,
    /// True where nothing is in force after it.
    pub is_end: bool,
    /// Language of the words, BCP 47.
    pub language: &'a str,
    /// The same thing in fewer and fewer words.
    pub words: &'a [Words],
}

/// Why a notification was not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unsent {
    /// The service says that the token will never work again: one person's app is gone, the link
    /// is well.
    #[error("token retired: {0}")]
    Retired(String),
    /// Too fast; nothing is wrong with the message.
    #[error("too fast: {0}")]
    Throttled(String),
    /// Anything else.
    #[error(transparent)]
    Send(#[from] SendError),
}

impl Unsent {
    /// It did not go out and may do so later.
    pub(crate) fn transient(why: impl Into<String>) -> Self {
        Self::Send(SendError::Transient(why.into()))
    }

    /// It never will.
    pub(crate) fn permanent(why: impl Into<String>) -> Self {
        Self::Send(SendError::Permanent(why.into()))
    }
}

impl Notice<'_> {
    /// Seconds that it is still worth showing at `at`.
    ///
    /// # Errors
    /// It is too late.
    pub fn seconds_left(&self, at: Time) -> Result<u32, Unsent> {
        let left = self.not_after.since(at).seconds();
        let left = u32::try_from(left).ok().filter(|left| *left > 0);
        left.ok_or_else(|| Unsent::permanent("it is past its not-after"))
    }

    /// What `render` makes of the longest words that it has room for.
    ///
    /// # Errors
    /// None fit, or `render` fails.
    pub(crate) fn fitting<T>(
        &self,
        render: impl Fn(&Words) -> Result<Option<T>, Unsent>,
    ) -> Result<T, Unsent> {
        for words in self.words {
            if let Some(rendered) = render(words)? {
                return Ok(rendered);
            }
        }
        Err(Unsent::permanent(
            "the shortest words are longer than the service takes: shorten the subject of push.toml",
        ))
    }
}

/// The link of apps that hold a stream open, and of tokens that name no service.
pub const HUB: &str = "push";
/// The link of the public topics by area.
pub const AREAS: &str = "push/mqtt";
/// The link of browsers.
pub const BROWSERS: &str = "push/web";

/// The service that a token names and the token as that service knows it: `fcm:…`, `web:…`. One
/// without a name before it belongs to an app that holds a stream open.
pub fn service_of(token: &str) -> Option<(&str, &str)> {
    let (service, rest) = token.split_once(':')?;
    let is_name = (2..=16).contains(&service.len())
        && service.starts_with(|c: char| c.is_ascii_lowercase())
        && service
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
    (is_name && !rest.is_empty()).then_some((service, rest))
}

/// The service whose tokens a link carries: `fcm` of `push/fcm`.
pub fn carried_by(link: &str) -> Option<&str> {
    link.strip_prefix("push/")
        .filter(|service| *service != "mqtt")
}

/// A key of 24 hexadecimal digits over `parts`: short enough for every service (a Web Push topic
/// has 32 characters), and nothing personal can be read from it.
pub fn collapse_key(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    hash.update(b"sanfang/collapse/1");
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part.as_bytes());
    }
    let mut key = hex::encode(hash.finalize());
    key.truncate(24);
    key
}

/// The sayings of one message in one language, the longest first.
pub fn sayings(subject: &str, text: &str, instruction: &str) -> Vec<Words> {
    let words = |body: String| Words {
        title: subject.to_owned(),
        body,
    };
    let mut sayings = Vec::new();
    if !instruction.is_empty() {
        sayings.push(words(format!("{text}\n{instruction}")));
    }
    sayings.push(words(text.to_owned()));
    if !instruction.is_empty() {
        sayings.push(words(instruction.to_owned()));
    }
    // Of a subject alone the reader knows what, where and how bad; without one the text is all.
    if !subject.is_empty() {
        sayings.push(words(String::new()));
    }
    sayings.dedup();
    sayings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shorter_words_are_whole_words() {
        let all = sayings("暴雨红色预警", "天河区…", "请撤离");
        let bodies: Vec<&str> = all.iter().map(|words| words.body.as_str()).collect();
        assert_eq!(bodies, ["天河区…\n请撤离", "天河区…", "请撤离", ""]);
        assert!(all.iter().all(|words| words.title == "暴雨红色预警"));
        assert_eq!(sayings("", "只有正文", "").len(), 1);
    }

    #[test]
    fn a_token_names_its_service_or_is_the_apps_own() {
        assert_eq!(service_of("fcm:dX:APA91b"), Some(("fcm", "dX:APA91b")));
        let line = "web:https://push.example.org/a#k.s";
        assert_eq!(service_of(line).map(|(service, _)| service), Some("web"));
        for own in ["app-1", "", "dXyZ:APA91b", "fcm:", "a:b", "a-b:c"] {
            assert_eq!(service_of(own), None, "{own}");
        }
        assert_eq!(carried_by("push/oppo"), Some("oppo"));
        assert_eq!([carried_by(HUB), carried_by(AREAS)], [None, None]);
    }

    #[test]
    fn a_key_is_short_and_tells_parts_apart() {
        let key = collapse_key(&["w", "1"]);
        assert_eq!(key.len(), 24);
        assert!(key.bytes().all(|b| b.is_ascii_hexdigit()));
        assert_ne!(key, collapse_key(&["w1", ""]));
        assert_eq!(key, collapse_key(&["w", "1"]));
    }
}
