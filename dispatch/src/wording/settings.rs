//! `wording/wording.toml`: the languages that a city speaks and what its channels have room for.

use super::{Purpose, WordingFault, cell, sms};
use model::{Channel, Language};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fmt;

/// The file of the settings.
pub(super) const FILE: &str = "wording.toml";

/// What a city says of its texts as a whole.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Settings {
    pub(super) languages: Languages,
    pub(super) signature: Signature,
    pub(super) sms: Parts,
    pub(super) cell: Pages,
    pub(super) crawl: Seconds,
    pub(super) led: Seconds,
    pub(super) speech: Seconds,
}

/// Who is written to in which language, in the order in which texts are made.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Languages {
    /// Of the public.
    pub(super) public: Vec<Language>,
    /// Of responsible persons, signers, displays and other authorities.
    pub(super) staff: Vec<Language>,
}

/// How the registered signature stands before a short message.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Signature {
    /// Opening and closing bracket by language; `【】` where none is named. Anything that is not in
    /// the GSM alphabet more than halves the room of a Latin text.
    pub(super) brackets: BTreeMap<Language, String>,
}

/// Parts of a short message.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Parts {
    /// Of a text to the public.
    pub(super) public: usize,
    /// Of a text to a named person or another authority, and of another authority's words.
    pub(super) staff: BTreeMap<Language, usize>,
    /// Within how many UTF-16 units of a first or a higher warning its order ends, marks of an
    /// exercise left out.
    pub(super) action_within: BTreeMap<Language, usize>,
}

/// Pages of a cell broadcast.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Pages {
    /// At most; 15 is the most that there can be.
    pub(super) pages: usize,
}

/// How long a text takes to pass or to be read out.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Seconds {
    /// At most.
    pub(super) seconds: usize,
    /// Characters a minute, spaces included.
    pub(super) per_minute: BTreeMap<Language, usize>,
}

/// What a text takes of its channel and what there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cost {
    pub(super) unit: Unit,
    pub(super) takes: usize,
    pub(super) has: usize,
}

/// What a channel's room is counted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    Parts,
    Pages,
    Seconds,
}

/// Parts of a short message to staff where the settings name none.
const PARTS_MAX: usize = 3;

impl Default for Settings {
    fn default() -> Self {
        let each = |rates: [usize; 6]| Language::ALL.into_iter().zip(rates).collect();
        let eye = [300, 900, 300, 360, 360, 900];
        Self {
            languages: Languages {
                public: vec![Language::Zh, Language::En],
                staff: vec![Language::Zh, Language::En],
            },
            signature: Signature::default(),
            sms: Parts::default(),
            cell: Pages::default(),
            crawl: Seconds {
                seconds: 30,
                per_minute: each(eye),
            },
            led: Seconds {
                seconds: 8,
                per_minute: each(eye),
            },
            speech: Seconds {
                seconds: 60,
                per_minute: each([240, 840, 240, 360, 330, 840]),
            },
        }
    }
}

impl Default for Parts {
    fn default() -> Self {
        let within = [(Language::Zh, 20), (Language::ZhHant, 20)];
        Self {
            public: 1,
            staff: BTreeMap::new(),
            action_within: within.into_iter().collect(),
        }
    }
}

impl Default for Pages {
    fn default() -> Self {
        Self {
            pages: cell::PAGES_MAX,
        }
    }
}

impl Settings {
    /// What is wrong with the settings by themselves.
    pub(super) fn check(&self, faults: &mut Vec<WordingFault>) {
        let mut add = |key: &str, what: String| {
            faults.push(WordingFault {
                file: FILE.to_owned(),
                key: key.to_owned(),
                what,
            });
        };
        for (key, languages) in [
            ("languages.public", &self.languages.public),
            ("languages.staff", &self.languages.staff),
        ] {
            if !languages.contains(&Language::Zh) {
                add(
                    key,
                    "zh is missing: it is the language of the record".into(),
                );
            }
        }
        if !(1..=cell::PAGES_MAX).contains(&self.cell.pages) {
            let most = cell::PAGES_MAX;
            add("cell.pages", format!("a message has 1 to {most} pages"));
        }
        for (key, seconds) in [
            ("crawl", &self.crawl),
            ("led", &self.led),
            ("speech", &self.speech),
        ] {
            for language in &self.languages.public {
                if seconds
                    .per_minute
                    .get(language)
                    .is_none_or(|rate| *rate == 0)
                {
                    let key = format!("{key}.per_minute.{}", language.tag());
                    add(&key, "say how many characters pass in a minute".into());
                }
            }
        }
        for (language, brackets) in &self.signature.brackets {
            if brackets.chars().count() != 2 {
                let key = format!("signature.brackets.{}", language.tag());
                add(&key, "write the opening and the closing bracket".into());
            }
        }
    }

    /// The languages that a text of that purpose is made in.
    pub(super) fn languages(&self, purpose: Purpose) -> &[Language] {
        if purpose.is_public() || purpose == Purpose::Relay {
            &self.languages.public
        } else {
            &self.languages.staff
        }
    }

    /// The signature in its brackets.
    pub(super) fn signed(&self, signature: &str, language: Language) -> String {
        let brackets = self.signature.brackets.get(&language);
        let mut brackets = brackets.map_or("【】", String::as_str).chars();
        let (open, close) = (brackets.next(), brackets.next());
        format!(
            "{}{signature}{}",
            open.unwrap_or('【'),
            close.unwrap_or('】')
        )
    }

    /// What `text` costs in one slot of a message, where that slot has a budget.
    pub(super) fn cost(
        &self,
        (channel, purpose): (Channel, Purpose),
        slot: &str,
        language: Language,
        text: &str,
    ) -> Option<Cost> {
        let seconds = |of: &Seconds| {
            let rate = of.per_minute.get(&language).copied().unwrap_or(240).max(1);
            Cost {
                unit: Unit::Seconds,
                takes: (text.chars().count() * 60).div_ceil(rate),
                has: of.seconds,
            }
        };
        match (channel, slot) {
            (Channel::Sms | Channel::Area, "text") => Some(Cost {
                unit: Unit::Parts,
                takes: sms::size(text).parts,
                has: self.parts_max(purpose, language),
            }),
            (Channel::Cell, "text") => Some(Cost {
                unit: Unit::Pages,
                takes: cell::pages(text).len(),
                has: self.cell.pages,
            }),
            (Channel::Broadcast, "text") => Some(seconds(&self.crawl)),
            (Channel::Broadcast, "subject") => Some(seconds(&self.led)),
            (Channel::Broadcast, "instruction") | (Channel::Voice, "text") => {
                Some(seconds(&self.speech))
            }
            (
                Channel::Sms
                | Channel::Area
                | Channel::Cell
                | Channel::Broadcast
                | Channel::Voice
                | Channel::Cap
                | Channel::Webhook
                | Channel::Push
                | Channel::Email
                | Channel::Device,
                _,
            ) => None,
        }
    }

    fn parts_max(&self, purpose: Purpose, language: Language) -> usize {
        if purpose.is_public() {
            return self.sms.public;
        }
        let staff = self.sms.staff.get(&language).copied();
        staff.unwrap_or(PARTS_MAX)
    }
}

impl Cost {
    pub(super) const fn fits(&self) -> bool {
        self.takes <= self.has
    }
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Parts => "parts",
            Self::Pages => "pages",
            Self::Seconds => "seconds",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_file_leaves_out_is_the_default_and_what_cannot_be_is_refused() {
        let settings: Settings = toml::from_str(
            "[cell]\npages = 16\n[signature]\nbrackets = { fr = \"[\" }\n\
             [languages]\npublic = [\"en\"]\nstaff = [\"zh\"]\n\
             [led]\nseconds = 5\nper_minute = { zh = 300 }\n",
        )
        .unwrap();
        assert_eq!(settings.crawl, Settings::default().crawl);
        let mut faults = Vec::new();
        settings.check(&mut faults);
        let keys: Vec<_> = faults.iter().map(|fault| fault.key.as_str()).collect();
        assert_eq!(
            keys,
            [
                "languages.public",
                "cell.pages",
                "led.per_minute.en",
                "signature.brackets.fr"
            ]
        );
        assert_eq!(settings.signed("x", Language::Zh), "【x】");
    }

    #[test]
    fn room_is_counted_as_the_channel_counts_it() {
        let settings = Settings::default();
        let cost = |channel, slot, purpose, text: &str| {
            let cost = settings.cost((channel, purpose), slot, Language::Zh, text);
            cost.map(|cost| (cost.takes, cost.fits()))
        };
        let text = "水".repeat(71);
        let public = Purpose::Alert;
        assert_eq!(cost(Channel::Sms, "text", public, &text), Some((2, false)));
        assert_eq!(
            cost(Channel::Sms, "text", Purpose::Reminder, &text),
            Some((2, true))
        );
        assert_eq!(cost(Channel::Cell, "text", public, &text), Some((2, true)));
        assert_eq!(
            cost(Channel::Broadcast, "text", public, &text),
            Some((15, true))
        );
        assert_eq!(
            cost(Channel::Broadcast, "subject", public, &text),
            Some((15, false))
        );
        assert_eq!(
            cost(Channel::Voice, "text", public, &text),
            Some((18, true))
        );
        assert_eq!(cost(Channel::Email, "text", public, &text), None);
    }
}
