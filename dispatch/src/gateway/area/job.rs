//! What the far side is told, and what may be done with it afterwards.

use super::wire_time;
use crate::directory::Shape;
use crate::intent::{Intent, IntentId};
use crate::wording::{Places, Purpose};
use model::{AreaCode, Hazard, Language, Mode, Named, Tier, Time, WarningId};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Bytes of one document, either way.
pub const BODY_MAX: usize = 4 << 20;
/// Areas of one job.
const AREAS_MAX: usize = 4_096;
/// UTF-16 units of one text.
const TEXT_MAX: usize = 1_000;

/// One job. Its number is the identity of what is said, so that both sides count by the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    /// Number: 32 hexadecimal digits.
    pub job: IntentId,
    /// Code of the authority in whose name it is said.
    pub sender: String,
    /// Its name.
    pub sender_name: Named,
    /// World; exercises are refused.
    pub mode: Mode,
    /// Warning.
    pub warning: WarningId,
    /// Revision: a higher one of the same warning withdraws, in its areas, what earlier ones have
    /// unsent.
    pub revision: u32,
    /// Why it is said.
    pub purpose: Purpose,
    /// Event type.
    pub hazard: Hazard,
    /// Tier; of a fall and an end the one that remains.
    pub tier: Tier,
    /// 12-digit division codes, with everything below each.
    pub areas: Vec<AreaCode>,
    /// Of those areas only what lies inside: a GeoJSON geometry, with `distance_m` for a circle or a
    /// strip.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shape: Option<Shape>,
    /// Classes of the public; none means everybody there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub classes: Vec<String>,
    /// What to say, once in each language.
    pub texts: Vec<Text>,
    /// When the hazard arrives in the first of its areas: jobs of one tier leave in this order.
    #[serde(with = "wire_time")]
    pub onset: Time,
    /// Nothing leaves before.
    #[serde(
        with = "wire_time::option",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub not_before: Option<Time>,
    /// Nothing leaves at or after.
    #[serde(with = "wire_time")]
    pub not_after: Time,
    /// When it was planned.
    #[serde(with = "wire_time")]
    pub created: Time,
}

/// The words in one language.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Text {
    /// BCP 47.
    pub language: Language,
    /// As the phone shows it.
    pub text: String,
}

/// What may be done with a job that is running.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Act {
    /// Nothing more leaves until it is resumed.
    Pause,
    /// Goes on.
    Resume,
    /// What is unsent never leaves.
    Kill,
}

/// Why a job is not taken: it would mislead, or reach nobody or everybody.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JobError {
    /// A missing area never means everybody.
    #[error("areas: there is none; name the 12-digit codes that are meant")]
    NoArea,
    /// More than anybody checks.
    #[error("areas: {0} of them, at most {AREAS_MAX}; name the districts or townships above them")]
    AreasMax(usize),
    /// Named twice.
    #[error("areas: {0} stands there twice")]
    AreaTwice(AreaCode),
    /// Nothing to say.
    #[error("texts: there is none")]
    NoText,
    /// Nothing to say in a language.
    #[error("texts: {0:?} is empty")]
    TextEmpty(Language),
    /// Longer than any carrier takes.
    #[error("texts: {0:?} has {1} UTF-16 units, at most {TEXT_MAX}")]
    TextMax(Language, usize),
    /// Two texts for one reader.
    #[error("texts: {0:?} stands there twice")]
    LanguageTwice(Language),
    /// Only what is real goes to the public.
    #[error("mode: {0:?} is refused here; area jobs are real or they are nothing")]
    Mode(Mode),
    /// It would be over before it began.
    #[error("not_after: it lies before not_before, so that nothing would leave")]
    Times,
    /// It is over already.
    #[error("not_after: it is over already, so that nothing would leave")]
    Late,
    /// It says nothing to anybody.
    #[error("purpose: {0:?} is no message to the public")]
    Purpose(Purpose),
    /// Not a job.
    #[error("not a job: {0}")]
    Form(String),
}

impl Act {
    /// The word in the path.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pause => "pause",
            Self::Resume => "resume",
            Self::Kill => "kill",
        }
    }
}

impl Job {
    /// What an intent of channel `area` asks of a target. An intent lists its areas one by one; a
    /// job names those that are whole, each with everything below it.
    pub fn of(
        intent: &Intent,
        places: &Places,
        hazard: Hazard,
        sender: String,
        sender_name: Named,
    ) -> Self {
        let texts = intent.words.iter().map(|message| Text {
            language: message.language,
            text: message.text.clone(),
        });
        Self {
            job: intent.id,
            sender,
            sender_name,
            mode: intent.mode,
            warning: intent.warning,
            revision: intent.revision,
            purpose: intent.purpose,
            hazard,
            tier: intent.tier,
            areas: whole(places, &intent.audience.areas),
            shape: intent.audience.shape.clone(),
            classes: intent.audience.roles.clone(),
            texts: texts.collect(),
            onset: intent.onset,
            not_before: intent.not_before,
            not_after: intent.not_after,
            created: intent.created,
        }
    }

    /// Reads a job and refuses one that must not go out.
    ///
    /// # Errors
    /// See [`JobError`]; the first that is met.
    pub fn read(bytes: &[u8]) -> Result<Self, JobError> {
        let job: Self =
            serde_json::from_slice(bytes).map_err(|error| JobError::Form(error.to_string()))?;
        job.check()?;
        Ok(job)
    }

    /// As [`Job::read`] refuses.
    ///
    /// # Errors
    /// See [`JobError`].
    pub fn check(&self) -> Result<(), JobError> {
        if self.mode != Mode::Actual {
            return Err(JobError::Mode(self.mode));
        }
        if !self.purpose.is_public() && self.purpose != Purpose::Relay {
            return Err(JobError::Purpose(self.purpose));
        }
        if self.areas.is_empty() {
            return Err(JobError::NoArea);
        }
        if self.areas.len() > AREAS_MAX {
            return Err(JobError::AreasMax(self.areas.len()));
        }
        let mut seen = BTreeSet::new();
        if let Some(twice) = self.areas.iter().find(|code| !seen.insert(**code)) {
            return Err(JobError::AreaTwice(*twice));
        }
        if self.not_before.is_some_and(|from| from >= self.not_after) {
            return Err(JobError::Times);
        }
        self.check_texts()
    }

    fn check_texts(&self) -> Result<(), JobError> {
        if self.texts.is_empty() {
            return Err(JobError::NoText);
        }
        let mut seen = BTreeSet::new();
        for Text { language, text } in &self.texts {
            let units = text.encode_utf16().count();
            if text.trim().is_empty() {
                return Err(JobError::TextEmpty(*language));
            }
            if units > TEXT_MAX {
                return Err(JobError::TextMax(*language, units));
            }
            if !seen.insert(*language) {
                return Err(JobError::LanguageTwice(*language));
            }
        }
        Ok(())
    }
}

/// The highest areas of which everything below is among `areas`: none lies in another.
fn whole(places: &Places, areas: &[AreaCode]) -> Vec<AreaCode> {
    let listed: BTreeSet<AreaCode> = areas.iter().copied().collect();
    let is_whole = |code: &AreaCode| places.under(*code).iter().all(|area| listed.contains(area));
    let whole: BTreeSet<AreaCode> = listed.iter().copied().filter(is_whole).collect();
    let is_highest = |code: &AreaCode| {
        let mut above = places.upwards(*code).into_iter().skip(1);
        !above.any(|area| whole.contains(&area))
    };
    whole.iter().copied().filter(is_highest).collect()
}
