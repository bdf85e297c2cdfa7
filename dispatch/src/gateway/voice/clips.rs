//! Recorded clips: phrases that people spoke once, put together into whatever is to be said.
//!
//! `clips.toml` of the folder names a file for each phrase, by language: `[zh]`, then
//! `"暴雨" = "zh/baoyu.wav"`. A text is said by clips where they cover all of it but its marks; the
//! longest phrase is taken first. Half a text in one voice and half in another is never said.

use super::{g711, wav};
use model::Language;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

/// The file that names the others.
const INDEX: &str = "clips.toml";
/// Phrases at most, all languages together.
const PHRASES_MAX: usize = 20_000;
/// Bytes of all clips as they are kept, a byte a sample: more than two hours.
const BYTES_MAX: usize = 64 << 20;
/// Longest file of a clip.
const FILE_BYTES_MAX: u64 = 64 << 20;

/// Something wrong with the folder.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{file}{}{phrase}: {what}", if phrase.is_empty() { "" } else { ": " })]
pub struct ClipFault {
    /// Which file.
    pub file: String,
    /// Which phrase; may be empty.
    pub phrase: String,
    /// What, and what to do.
    pub what: String,
}

/// The clips of one language.
#[derive(Debug, Default)]
struct Voice {
    by_phrase: BTreeMap<String, Arc<[u8]>>,
    /// Bytes of the longest phrase.
    longest: usize,
}

/// All clips, A-law.
#[derive(Debug, Default)]
pub struct Clips {
    voices: BTreeMap<Language, Voice>,
}

impl Clips {
    /// Reads a folder.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn read(folder: &Path) -> Result<Self, Vec<ClipFault>> {
        let fault = |file: &str, phrase: &str, what: String| ClipFault {
            file: file.to_owned(),
            phrase: phrase.to_owned(),
            what,
        };
        let text = std::fs::read_to_string(folder.join(INDEX));
        let text = text.map_err(|error| vec![fault(INDEX, "", error.to_string())])?;
        let index: BTreeMap<Language, BTreeMap<String, String>> = toml::from_str(&text)
            .map_err(|error| vec![fault(INDEX, "", error.message().to_owned())])?;
        let (mut clips, mut faults) = (Self::default(), Vec::new());
        let (mut phrases, mut bytes) = (0, 0);
        for (language, files) in index {
            for (phrase, file) in files {
                phrases += 1;
                if phrases > PHRASES_MAX || bytes > BYTES_MAX {
                    let what = format!("more than {PHRASES_MAX} phrases, or {BYTES_MAX} bytes");
                    faults.push(fault(INDEX, &phrase, what));
                    return Err(faults);
                }
                match clip(folder, &file) {
                    Ok(sound) => {
                        bytes += sound.len();
                        clips.add(language, &phrase, sound);
                    }
                    Err(what) => faults.push(fault(&file, &phrase, what)),
                }
            }
        }
        if faults.is_empty() {
            Ok(clips)
        } else {
            Err(faults)
        }
    }

    fn add(&mut self, language: Language, phrase: &str, sound: Arc<[u8]>) {
        let phrase = phrase.trim().to_lowercase();
        if !phrase.is_empty() {
            let voice = self.voices.entry(language).or_default();
            voice.longest = voice.longest.max(phrase.len());
            voice.by_phrase.insert(phrase, sound);
        }
    }

    /// The sound of a text; `None` where the clips do not cover all of it.
    pub fn say(&self, text: &str, language: Language) -> Option<Vec<u8>> {
        let voice = self.voices.get(&language)?;
        let text = text.to_lowercase();
        let mut sound = Vec::new();
        let mut rest = text.as_str();
        while let Some(c) = rest.chars().next() {
            if let Some(pause) = pause(c) {
                sound.extend(std::iter::repeat_n(g711::SILENCE, pause));
                rest = rest.get(c.len_utf8()..)?;
                continue;
            }
            let (length, clip) = voice.longest_at(rest)?;
            sound.extend_from_slice(clip);
            rest = rest.get(length..)?;
        }
        let most = (wav::RATE * wav::SECONDS_MAX) as usize;
        (!sound.is_empty() && sound.len() <= most).then_some(sound)
    }
}

impl Voice {
    /// The longest phrase that a text begins with, and its sound.
    fn longest_at(&self, text: &str) -> Option<(usize, &Arc<[u8]>)> {
        let mut length = self.longest.min(text.len());
        while length > 0 {
            if let Some(head) = text.get(..length)
                && let Some(clip) = self.by_phrase.get(head)
                && ends_a_word(text, length)
            {
                return Some((length, clip));
            }
            length -= 1;
        }
        None
    }
}

/// "ten" is no clip for the beginning of "tenth".
fn ends_a_word(text: &str, length: usize) -> bool {
    let is_latin = |c: char| c.is_ascii_alphanumeric();
    let before = text.get(..length).and_then(|head| head.chars().next_back());
    let after = text.get(length..).and_then(|tail| tail.chars().next());
    !(before.is_some_and(is_latin) && after.is_some_and(is_latin))
}

/// Samples of silence for a mark; `None` for what is to be said.
const fn pause(c: char) -> Option<usize> {
    match c {
        '。' | '.' | '!' | '！' | '?' | '？' | ';' | '；' | ':' | '：' => Some(3_200),
        ',' | '，' | '、' => Some(1_600),
        ' ' | '\t' | '\n' | '\r' | '"' | '“' | '”' | '(' | ')' | '（' | '）' | '-' => Some(0),
        _ => None,
    }
}

fn clip(folder: &Path, file: &str) -> Result<Arc<[u8]>, String> {
    let path = folder.join(file);
    let length = std::fs::metadata(&path).map_err(|error| error.to_string())?;
    if length.len() > FILE_BYTES_MAX {
        return Err(format!("it is longer than {FILE_BYTES_MAX} bytes"));
    }
    let bytes = std::fs::read(&path).map_err(|error| error.to_string())?;
    let samples = wav::read(&bytes).map_err(|error| error.to_string())?;
    Ok(samples.into_iter().map(g711::encode).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(index: &str) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(INDEX), index).unwrap();
        for (name, samples) in [("a.wav", 10), ("b.wav", 20), ("c.wav", 40)] {
            let bytes = wav::write(&vec![8000; samples], wav::RATE);
            std::fs::write(folder.path().join(name), bytes).unwrap();
        }
        folder
    }

    #[test]
    fn a_text_is_said_whole_or_not_at_all() {
        let folder = folder(
            "[zh]\n\"暴雨\" = \"a.wav\"\n\"暴雨红色预警\" = \"b.wav\"\n\"请转移\" = \"c.wav\"\n\
             [en]\n\"ten\" = \"a.wav\"\n\"Red rain\" = \"c.wav\"\n",
        );
        let clips = Clips::read(folder.path()).unwrap();
        let length = |text, language| clips.say(text, language).map(|sound| sound.len());
        assert_eq!(length("暴雨红色预警", Language::Zh), Some(20));
        assert_eq!(
            length("暴雨,请转移。", Language::Zh),
            Some(50 + 1_600 + 3_200)
        );
        assert_eq!(length("暴雨橙色", Language::Zh), None);
        assert_eq!(length("red rain TEN.", Language::En), Some(50 + 3_200));
        assert_eq!(length("tenth", Language::En), None);
        assert_eq!(length("ten", Language::Fr), None);
        assert_eq!(length("", Language::Zh), None);
    }

    #[test]
    fn what_is_wrong_is_said_with_its_phrase() {
        let folder = folder("[zh]\n\"暴雨\" = \"none.wav\"\n\"风\" = \"clips.toml\"\n");
        let faults = Clips::read(folder.path()).unwrap_err();
        let words: Vec<String> = faults.iter().map(ToString::to_string).collect();
        assert!(words[0].starts_with("none.wav: 暴雨: "), "{words:?}");
        assert_eq!(words[1], "clips.toml: 风: it is no WAV file");
        std::fs::write(folder.path().join(INDEX), "[klingon]\n").unwrap();
        assert_eq!(Clips::read(folder.path()).unwrap_err().len(), 1);
    }
}
