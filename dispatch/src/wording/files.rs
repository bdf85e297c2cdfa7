//! The template files as they are written: phrases by hazard and language, frames by channel.

use super::Purpose;
use model::{Hazard, Language, Tier};
use serde::de::{SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use std::collections::BTreeMap;
use std::fmt;

/// `11B03.toml`: what a hazard does and what to do, in the languages that a centre works in and in
/// any other.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Phrases {
    pub(super) hazard: Hazard,
    /// Its name where the registry of hazards has none.
    #[serde(default)]
    pub(super) name: BTreeMap<Language, String>,
    /// What comes, in easy words.
    #[serde(default)]
    pub(super) easy: BTreeMap<Language, String>,
    #[serde(default)]
    pub(super) white: BTreeMap<Language, Phrase>,
    pub(super) blue: BTreeMap<Language, Phrase>,
    pub(super) yellow: BTreeMap<Language, Phrase>,
    pub(super) orange: BTreeMap<Language, Phrase>,
    pub(super) red: BTreeMap<Language, Phrase>,
    pub(super) after: BTreeMap<Language, After>,
}

/// One hazard in a file of one language (`ja.toml`).
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Translated {
    #[serde(default)]
    pub(super) name: String,
    pub(super) easy: String,
    pub(super) white: Option<Phrase>,
    pub(super) blue: Phrase,
    pub(super) yellow: Phrase,
    pub(super) orange: Phrase,
    pub(super) red: Phrase,
    pub(super) after: After,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Phrase {
    /// What comes.
    pub(super) effect: String,
    /// The shortest order in easy words: what opens a public text.
    pub(super) act: String,
    /// What the public does, in full.
    pub(super) action: String,
    /// What a responsible person does; in the languages they are written to.
    #[serde(default)]
    pub(super) duty: String,
    /// What a display says; in the languages that displays show.
    #[serde(default)]
    pub(super) sign: String,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct After {
    pub(super) fall: String,
    pub(super) ended: String,
}

/// The forms of one part of a text, from the standard one to the shortest: one string, or a list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Forms(pub(super) Vec<String>);

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Frame {
    #[serde(default)]
    pub(super) subject: Forms,
    pub(super) text: Forms,
    #[serde(default)]
    pub(super) instruction: Forms,
    /// The text in easy words.
    #[serde(default)]
    pub(super) plain: Forms,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Frames {
    /// True where the channel always speaks in easy words.
    #[serde(default)]
    pub(super) plain: bool,
    /// Of mails: the line that says where the link to answer is.
    #[serde(default)]
    pub(super) link: BTreeMap<Language, String>,
    /// Of calls: what one says first that has several things to say.
    #[serde(default)]
    pub(super) several: BTreeMap<Language, String>,
    #[serde(default)]
    pub(super) alert: BTreeMap<Language, Frame>,
    #[serde(default)]
    pub(super) rise: BTreeMap<Language, Frame>,
    #[serde(default)]
    pub(super) fall: BTreeMap<Language, Frame>,
    #[serde(default)]
    pub(super) ended: BTreeMap<Language, Frame>,
    #[serde(default)]
    pub(super) cancelled: BTreeMap<Language, Frame>,
    #[serde(default)]
    pub(super) reminder: BTreeMap<Language, Frame>,
    #[serde(default)]
    pub(super) stand_down: BTreeMap<Language, Frame>,
    #[serde(default)]
    pub(super) request: BTreeMap<Language, Frame>,
    #[serde(default)]
    pub(super) request_over: BTreeMap<Language, Frame>,
    #[serde(default)]
    pub(super) site_alarm: BTreeMap<Language, Frame>,
    #[serde(default)]
    pub(super) device_fault: BTreeMap<Language, Frame>,
    #[serde(default)]
    pub(super) relay: BTreeMap<Language, Frame>,
    #[serde(default)]
    pub(super) signature: BTreeMap<Language, Frame>,
    #[serde(default)]
    pub(super) digest: BTreeMap<Language, Frame>,
}

impl<'de> Deserialize<'de> for Forms {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Forms;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text, or a list of texts from the longest to the shortest")
            }
            fn visit_str<E>(self, text: &str) -> Result<Forms, E> {
                Ok(Forms(vec![text.to_owned()]))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut texts: A) -> Result<Forms, A::Error> {
                let mut forms = Vec::new();
                while let Some(text) = texts.next_element()? {
                    forms.push(text);
                }
                Ok(Forms(forms))
            }
        }
        deserializer.deserialize_any(Reader)
    }
}

impl Phrases {
    /// The phrases of a tier; white speaks like blue where a hazard has none.
    pub(super) fn of(&self, tier: Tier, language: Language) -> Option<&Phrase> {
        if tier == Tier::White
            && let Some(white) = self.white.get(&language)
        {
            return Some(white);
        }
        match tier {
            Tier::None | Tier::White | Tier::Blue => &self.blue,
            Tier::Yellow => &self.yellow,
            Tier::Orange => &self.orange,
            Tier::Red => &self.red,
        }
        .get(&language)
    }

    /// Takes in what a file of one language says; false where this one says it already.
    pub(super) fn add(&mut self, language: Language, said: Translated) -> bool {
        let is_new = !self.after.contains_key(&language);
        if !said.name.is_empty() {
            self.name.insert(language, said.name);
        }
        self.easy.insert(language, said.easy);
        if let Some(white) = said.white {
            self.white.insert(language, white);
        }
        self.blue.insert(language, said.blue);
        self.yellow.insert(language, said.yellow);
        self.orange.insert(language, said.orange);
        self.red.insert(language, said.red);
        self.after.insert(language, said.after);
        is_new
    }

    /// Gives `to` what `from` says, changed by `convert`, where `to` says nothing of its own.
    pub(super) fn derive(&mut self, from: Language, to: Language, convert: fn(&str) -> String) {
        for words in [&mut self.name, &mut self.easy] {
            if let Some(said) = words.get(&from).map(|said| convert(said)) {
                words.entry(to).or_insert(said);
            }
        }
        let tiers = [
            &mut self.white,
            &mut self.blue,
            &mut self.yellow,
            &mut self.orange,
            &mut self.red,
        ];
        for phrases in tiers {
            let said = phrases.get(&from).map(|said| said.map(convert));
            if let Some(said) = said {
                phrases.entry(to).or_insert(said);
            }
        }
        if let Some(said) = self.after.get(&from) {
            let said = After {
                fall: convert(&said.fall),
                ended: convert(&said.ended),
            };
            self.after.entry(to).or_insert(said);
        }
    }
}

impl Phrase {
    fn map(&self, convert: fn(&str) -> String) -> Self {
        Self {
            effect: convert(&self.effect),
            act: convert(&self.act),
            action: convert(&self.action),
            duty: convert(&self.duty),
            sign: convert(&self.sign),
        }
    }

    /// What the public needs and is not said.
    pub(super) fn gaps(&self) -> Vec<&'static str> {
        let parts = [
            ("effect", &self.effect),
            ("act", &self.act),
            ("action", &self.action),
        ];
        gaps(&parts)
    }

    /// What responsible persons and displays need and is not said.
    pub(super) fn staff_gaps(&self) -> Vec<&'static str> {
        gaps(&[("duty", &self.duty), ("sign", &self.sign)])
    }
}

fn gaps(parts: &[(&'static str, &String)]) -> Vec<&'static str> {
    let empty = parts.iter().filter(|(_, words)| words.trim().is_empty());
    empty.map(|(name, _)| *name).collect()
}

impl Frame {
    pub(super) fn slots(&self) -> [(&'static str, &Forms); 4] {
        [
            ("subject", &self.subject),
            ("text", &self.text),
            ("instruction", &self.instruction),
            ("plain", &self.plain),
        ]
    }

    pub(super) fn map(&self, convert: fn(&str) -> String) -> Self {
        let all = |forms: &Forms| Forms(forms.0.iter().map(|form| convert(form)).collect());
        Self {
            subject: all(&self.subject),
            text: all(&self.text),
            instruction: all(&self.instruction),
            plain: all(&self.plain),
        }
    }
}

impl Frames {
    pub(super) fn of(&self, purpose: Purpose) -> Option<&BTreeMap<Language, Frame>> {
        Some(match purpose {
            Purpose::Alert => &self.alert,
            Purpose::Rise => &self.rise,
            Purpose::Fall => &self.fall,
            Purpose::Ended => &self.ended,
            Purpose::Cancelled => &self.cancelled,
            Purpose::Reminder => &self.reminder,
            Purpose::StandDown => &self.stand_down,
            Purpose::Request => &self.request,
            Purpose::RequestOver => &self.request_over,
            Purpose::SiteAlarm => &self.site_alarm,
            Purpose::DeviceFault => &self.device_fault,
            Purpose::Relay => &self.relay,
            Purpose::Signature => &self.signature,
            Purpose::Digest => &self.digest,
            Purpose::Strobe | Purpose::StrobeOver | Purpose::Withdraw => return None,
        })
    }
}
