//! Recordings by what they say, as an operator lists them in TOML: `[[clip]]` for sayings, `[[place]]` for
//! what stands in their slot `{place}`.

use crate::wording::Purpose;
use model::{AreaCode, Hazard, Language, Tier};
use serde::Deserialize;
use std::collections::BTreeMap;

/// The slot of the place.
const PLACE: &str = "{place}";
/// Recordings of one saying at most.
const FILES_MAX: usize = 16;
/// Rows of a list at most.
const ROWS_MAX: usize = 100_000;

/// What is said.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// Event type.
    pub hazard: Hazard,
    /// Why it is said.
    pub purpose: Purpose,
    /// The tier that is said.
    pub tier: Tier,
}

/// Recordings by language.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Clips {
    sayings: BTreeMap<(Language, String), Vec<String>>,
    places: BTreeMap<(Language, AreaCode), String>,
}

/// Why a list cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClipsError {
    /// Not the form.
    #[error("{0}")]
    Form(String),
    /// Too long.
    #[error("more than {ROWS_MAX} rows")]
    TooMany,
    /// A row that cannot be played.
    #[error("[[clip]] {says}: {why}")]
    Clip {
        /// What it says.
        says: String,
        /// What is wrong.
        why: &'static str,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct List {
    #[serde(default)]
    clip: Vec<Clip>,
    #[serde(default)]
    place: Vec<Place>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Clip {
    language: Language,
    says: String,
    files: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Place {
    language: Language,
    area: AreaCode,
    file: String,
}

impl Clips {
    /// Reads a list.
    ///
    /// # Errors
    /// See [`ClipsError`].
    pub fn read(text: &str) -> Result<Self, ClipsError> {
        let list: List =
            toml::from_str(text).map_err(|error| ClipsError::Form(error.to_string()))?;
        if list.clip.len() + list.place.len() > ROWS_MAX {
            return Err(ClipsError::TooMany);
        }
        let mut clips = Self::default();
        for Clip {
            language,
            says,
            files,
        } in list.clip
        {
            let fault = if !is_known(&says) {
                Some(
                    "write an event code and a tier, 11B03.red, or a purpose: fall, ended, cancelled",
                )
            } else if files.is_empty() || files.len() > FILES_MAX {
                Some("it has no file, or more than anybody listens to")
            } else if files.iter().any(String::is_empty) {
                Some("a file without a name")
            } else {
                None
            };
            if let Some(why) = fault {
                return Err(ClipsError::Clip { says, why });
            }
            if clips
                .sayings
                .insert((language, says.clone()), files)
                .is_some()
            {
                let why = "it stands there twice in one language";
                return Err(ClipsError::Clip { says, why });
            }
        }
        let places = list.place.into_iter();
        clips.places = places.map(|it| ((it.language, it.area), it.file)).collect();
        Ok(clips)
    }

    /// What is played at a place; nothing where some of it is not recorded.
    pub fn of(&self, key: Key, language: Language, place: AreaCode) -> Option<Vec<String>> {
        let says = match key.purpose {
            Purpose::Fall | Purpose::Ended | Purpose::Cancelled => key.purpose.name().to_owned(),
            Purpose::Alert
            | Purpose::Rise
            | Purpose::Reminder
            | Purpose::StandDown
            | Purpose::Request
            | Purpose::RequestOver
            | Purpose::SiteAlarm
            | Purpose::DeviceFault
            | Purpose::Strobe
            | Purpose::StrobeOver
            | Purpose::Relay
            | Purpose::Signature
            | Purpose::Digest
            | Purpose::Withdraw => format!("{}.{}", key.hazard.code(), key.tier),
        };
        let files = self.sayings.get(&(language, says))?.iter();
        let file = |file: &String| match file.as_str() {
            PLACE => self.places.get(&(language, place)).cloned(),
            _ => Some(file.clone()),
        };
        files.map(file).collect()
    }
}

fn is_known(says: &str) -> bool {
    let purposes = [Purpose::Fall, Purpose::Ended, Purpose::Cancelled];
    let of_hazard = says.split_once('.').is_some_and(|(hazard, tier)| {
        let mut tiers = Tier::WARNING.iter();
        Hazard::from_code(hazard).is_some() && tiers.any(|known| known.name() == tier)
    });
    of_hazard || purposes.iter().any(|purpose| purpose.name() == says)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIST: &str = r#"
        [[clip]]
        language = "zh"
        says = "11B03.red"
        files = ["attention.wav", "{place}", "rain-red.wav"]
        [[clip]]
        language = "zh"
        says = "ended"
        files = ["all-clear.wav"]
        [[place]]
        language = "zh"
        area = "440106014000"
        file = "shahe.wav"
    "#;

    #[test]
    fn recordings_stand_in_their_slots_and_what_is_not_recorded_is_said_otherwise() {
        let clips = Clips::read(LIST).unwrap();
        let place = |code: &str| AreaCode::parse(code).unwrap();
        let key = |purpose| Key {
            hazard: Hazard::Rainstorm,
            purpose,
            tier: Tier::Red,
        };
        let of = |purpose, language, code: &str| clips.of(key(purpose), language, place(code));
        let wanted = ["attention.wav", "shahe.wav", "rain-red.wav"].map(str::to_owned);
        assert_eq!(
            of(Purpose::Alert, Language::Zh, "440106014000"),
            Some(wanted.to_vec())
        );
        assert_eq!(
            of(Purpose::Alert, Language::Zh, "440106015000"),
            None,
            "no recording of the place"
        );
        assert_eq!(of(Purpose::Alert, Language::En, "440106014000"), None);
        assert!(of(Purpose::Ended, Language::Zh, "440106015000").is_some());
    }

    #[test]
    fn a_list_that_plays_nothing_is_refused_with_words() {
        for (from, with, why) in [
            ("11B03.red", "11B03.pink", "event code"),
            ("[\"all-clear.wav\"]", "[]", "no file"),
            ("files", "file", "unknown field"),
            ("\"ended\"", "\"11B03.red\"", "twice"),
        ] {
            let error = Clips::read(&LIST.replace(from, with))
                .unwrap_err()
                .to_string();
            assert!(error.contains(why), "{error}");
        }
    }
}
