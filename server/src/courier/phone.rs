//! What a phone, a group or the topic of an area is told of an intent.

use super::single::{Published, Word};
use crate::app::App;
use dispatch::gateway::area_topics::AreaNotice;
use dispatch::gateway::notice::{
    Notice, Unsent, Urgency, Words, collapse_key, sayings, service_of,
};
use dispatch::intent::{Intent, RecipientNo};
use dispatch::wording::{Message, Purpose};
use model::{Language, Reach, Tier, Time};

/// A notification and what it borrows from.
pub(super) struct Shown {
    to: String,
    collapse: String,
    urgency: Urgency,
    warning: String,
    language: &'static str,
    words: Vec<Words>,
}

impl Shown {
    /// For the app of one person, in that person's words.
    pub(super) fn to_app(
        app: &App,
        intent: &Intent,
        message: &Message,
        recipient: RecipientNo,
    ) -> Result<Self, Unsent> {
        let token = token_of(app, recipient);
        let token = token.ok_or_else(|| gone("no app any more"))?;
        let (_, to) = service_of(&token).ok_or_else(|| gone("its token names no service"))?;
        let words = sayings(&message.subject, &message.text, &message.instruction);
        Ok(Self::new(intent, to, recipient, message.language, words))
    }

    /// For a group, in every language that the city speaks, then in its first alone.
    pub(super) fn to_group(intent: &Intent) -> Result<Self, Unsent> {
        let first = intent.words.first().ok_or_else(|| gone("no words"))?;
        let each = |said: &Message| match said.instruction.as_str() {
            "" => said.text.clone(),
            instruction => format!("{}\n{instruction}", said.text),
        };
        let all: Vec<String> = intent.words.iter().map(each).collect();
        let mut words = vec![Words {
            title: first.subject.clone(),
            body: all.join("\n\n"),
        }];
        words.extend(sayings(&first.subject, &first.text, &first.instruction));
        words.dedup();
        let nobody = RecipientNo(0);
        Ok(Self::new(intent, "", nobody, first.language, words))
    }

    fn new(
        intent: &Intent,
        to: &str,
        recipient: RecipientNo,
        language: Language,
        words: Vec<Words>,
    ) -> Self {
        let warning = intent.warning.to_string();
        Self {
            to: to.to_owned(),
            collapse: collapse(intent, &warning, recipient),
            urgency: urgency(intent),
            warning,
            language: language.bcp47(),
            words,
        }
    }

    /// The notification under the name of its delivery.
    pub(super) fn notice<'a>(&'a self, intent: &'a Intent, delivery: &'a str) -> Notice<'a> {
        Notice {
            delivery,
            to: &self.to,
            collapse: &self.collapse,
            urgency: self.urgency,
            not_after: intent.not_after,
            warning: &self.warning,
            revision: intent.revision,
            purpose: intent.purpose.name(),
            tier: intent.tier.name(),
            is_end: intent.is_end(),
            language: self.language,
            words: &self.words,
        }
    }
}

/// The push token of a person of the directory, or of a resident who left a subscription.
fn token_of(app: &App, recipient: RecipientNo) -> Option<String> {
    let subscribed = app
        .subscriptions
        .as_ref()
        .and_then(|all| all.token(recipient));
    subscribed.or_else(|| {
        let directory = app.directory();
        let person = directory.recipient(recipient)?;
        person.push().map(str::to_owned)
    })
}

fn gone(why: &str) -> Unsent {
    model::SendError::Permanent(why.into()).into()
}

/// What takes the place of what: all that the public hears of one warning; all that one responsible
/// person hears of it, whose duties two rows of the directory may hold on one phone. A signature that
/// is asked for, a device that did not act and a digest of several warnings stand by themselves.
fn collapse(intent: &Intent, warning: &str, recipient: RecipientNo) -> String {
    let apart = match intent.purpose {
        Purpose::Signature | Purpose::DeviceFault | Purpose::Digest => intent.purpose.name(),
        Purpose::Alert
        | Purpose::Rise
        | Purpose::Fall
        | Purpose::Ended
        | Purpose::Cancelled
        | Purpose::Reminder
        | Purpose::StandDown
        | Purpose::Request
        | Purpose::RequestOver
        | Purpose::SiteAlarm
        | Purpose::Strobe
        | Purpose::StrobeOver
        | Purpose::Relay
        | Purpose::Withdraw => "",
    };
    match intent.audience.reach {
        Reach::Public => collapse_key(&[warning, apart]),
        Reach::Responsible | Reach::Device => {
            collapse_key(&[warning, apart, &recipient.0.to_string()])
        }
    }
}

/// Who must act is woken, and everybody from orange on; what eases wakes nobody.
fn urgency(intent: &Intent) -> Urgency {
    let must_act = intent.audience.reach == Reach::Responsible || intent.tier >= Tier::Orange;
    if must_act && !intent.purpose.is_easing() && !intent.is_end() {
        Urgency::High
    } else {
        Urgency::Normal
    }
}

/// What stands in the topics of an intent's areas: `until` is the warning's own validity where that
/// is longer than the message's.
pub(super) fn in_areas(intent: &Intent, validity: Option<Time>) -> AreaNotice<'_> {
    let until = match validity {
        Some(validity) if !intent.is_end() => validity.max(intent.not_after),
        Some(_) | None => intent.not_after,
    };
    let mut published = Published::new(intent);
    published.words = intent.words.iter().map(Word::new).collect();
    let mut item = serde_json::to_value(&published).unwrap_or_default();
    if let Some(item) = item.as_object_mut() {
        item.insert("ends".into(), intent.is_end().into());
    }
    AreaNotice {
        warning: intent.warning,
        revision: intent.revision,
        areas: &intent.audience.areas,
        until,
        item,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use dispatch::intent::{Audience, IntentId};
    use model::{AreaCode, Channel, Hazard, Mode, WarningId};

    fn intent(purpose: Purpose, reach: Reach, tier: Tier) -> Intent {
        let area = AreaCode::parse("440106014000").unwrap();
        let at = Time::from_seconds(1_700_000_000);
        let warning = WarningId::derive(area, Mode::Actual, Hazard::Rainstorm, area, at);
        let words = |language: Language| Message {
            language,
            channel: Channel::Push,
            text: format!("text {}", language.tag()),
            subject: "暴雨红色预警".into(),
            instruction: String::new(),
            variant_no: 0,
        };
        Intent {
            id: IntentId::derive(warning, 1, "push", purpose, reach, ""),
            warning,
            revision: 1,
            purpose,
            link: "push/fcm".into(),
            channel: Channel::Push,
            mode: Mode::Actual,
            audience: Audience {
                areas: vec![area],
                ..Audience::of(reach, "v")
            },
            only_told: false,
            only_new: false,
            again: false,
            by_area: false,
            words: Language::ALL.into_iter().map(words).collect(),
            spare: Vec::new(),
            instead_of: None,
            tried: Vec::new(),
            moved_from: Vec::new(),
            tier,
            onset: at,
            exposure: 1,
            not_before: None,
            not_after: at,
            created: at,
        }
    }

    #[test]
    fn an_update_and_the_all_clear_take_the_place_of_the_alert() {
        let key = |purpose, reach, no| {
            let intent = intent(purpose, reach, Tier::Red);
            collapse(&intent, &intent.warning.to_string(), RecipientNo(no))
        };
        use Reach::{Public, Responsible};
        let alert = key(Purpose::Alert, Public, 1);
        for purpose in [
            Purpose::Rise,
            Purpose::Fall,
            Purpose::Ended,
            Purpose::Cancelled,
        ] {
            assert_eq!(key(purpose, Public, 9), alert);
        }
        let duty = key(Purpose::Reminder, Responsible, 1);
        assert_eq!(key(Purpose::StandDown, Responsible, 1), duty);
        assert_ne!(
            key(Purpose::Reminder, Responsible, 2),
            duty,
            "another duty, perhaps one phone"
        );
        assert_ne!(duty, alert);
        assert_ne!(key(Purpose::Signature, Responsible, 1), duty);
        assert!(alert.len() <= 32);
    }

    #[test]
    fn phones_wake_for_what_needs_an_act_and_never_for_what_eases() {
        let urgency = |purpose, reach, tier| urgency(&intent(purpose, reach, tier));
        use Reach::{Public, Responsible};
        assert_eq!(urgency(Purpose::Alert, Public, Tier::Red), Urgency::High);
        assert_eq!(urgency(Purpose::Alert, Public, Tier::Blue), Urgency::Normal);
        assert_eq!(
            urgency(Purpose::Reminder, Responsible, Tier::Blue),
            Urgency::High
        );
        assert_eq!(
            urgency(Purpose::Fall, Public, Tier::Orange),
            Urgency::Normal
        );
        assert_eq!(
            urgency(Purpose::StandDown, Responsible, Tier::None),
            Urgency::Normal
        );
    }

    #[test]
    fn a_group_reads_every_language_and_shorter_words_are_whole() {
        let intent = intent(Purpose::Alert, Reach::Public, Tier::Red);
        let shown = Shown::to_group(&intent).unwrap();
        let first = &shown.words[0].body;
        for language in Language::ALL {
            assert!(
                first.contains(&format!("text {}", language.tag())),
                "{first}"
            );
        }
        assert!(shown.words.len() >= 2);
        assert_eq!(shown.words.last().unwrap().body, "");
    }
}
