//! Words to sound: recorded clips where they cover a text, else a speech program of the machine.
//!
//! The program gets the text on its standard input and writes a WAV file on its standard output
//! (`espeak-ng -v {voice} --stdout`). It has a time and a size within which to do so.

use super::clips::{ClipFault, Clips};
use super::g711;
use super::wav::{self, WavError};
use model::Language;
use std::collections::{BTreeMap, VecDeque};
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::Command;
use tokio::sync::Mutex;

/// Texts kept as sound: at 8,000 bytes a second some tens of megabytes.
const KEPT_MAX: usize = 128;
/// Bytes that the program may say: 300 s at 48,000 samples of two bytes.
const OUTPUT_BYTES_MAX: u64 = 32 << 20;
/// What stands for the voice in the program's arguments.
const VOICE: &str = "{voice}";

/// Where sound comes from.
#[derive(Clone, Debug, Default)]
pub struct SpeechConfig {
    /// Folder of clips.
    pub clips: Option<PathBuf>,
    /// Program and its arguments; empty where there is none.
    pub program: Vec<String>,
    /// Names of its voices, where they are not those of `espeak-ng`.
    pub voices: BTreeMap<Language, String>,
    /// How long it may take for one text.
    pub timeout: Duration,
}

/// Why a text has no sound.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SpeechError {
    /// No clips, and no program.
    #[error("the clips do not cover the text in {0}, and [voice] has no program that speaks")]
    Uncovered(&'static str),
    /// The program cannot be run.
    #[error("the speech program cannot be run: {0}")]
    Run(String),
    /// It took too long.
    #[error("the speech program took longer than {0} s")]
    Slow(u64),
    /// It failed.
    #[error("the speech program failed: {0}")]
    Failed(String),
    /// What it said is no sound.
    #[error("what the speech program wrote cannot be played: {0}")]
    Sound(#[from] WavError),
    /// It said nothing.
    #[error("the speech program said nothing")]
    Nothing,
}

/// Turns words into sound, and keeps the newest.
#[derive(Debug)]
pub struct Speech {
    config: SpeechConfig,
    clips: Clips,
    /// Held while a text is made: those who wait want the same one, as a rule.
    kept: Mutex<VecDeque<Kept>>,
}

/// A text of a language and its sound.
type Kept = (Language, String, Arc<[u8]>);

impl Speech {
    /// Reads the clips.
    ///
    /// # Errors
    /// Everything that is wrong with their folder.
    pub fn new(config: SpeechConfig) -> Result<Self, Vec<ClipFault>> {
        let clips = config.clips.as_deref().map(Clips::read).transpose()?;
        Ok(Self {
            config,
            clips: clips.unwrap_or_default(),
            kept: Mutex::default(),
        })
    }

    /// The sound of a text, A-law.
    ///
    /// # Errors
    /// There is none: see [`SpeechError`].
    pub async fn say(&self, text: &str, language: Language) -> Result<Arc<[u8]>, SpeechError> {
        let mut kept = self.kept.lock().await;
        let known = kept
            .iter()
            .find(|(of, said, _)| *of == language && said == text);
        if let Some((_, _, sound)) = known {
            return Ok(Arc::clone(sound));
        }
        let sound: Arc<[u8]> = match self.clips.say(text, language) {
            Some(sound) => sound.into(),
            None => self.spoken(text, language).await?.into(),
        };
        if kept.len() >= KEPT_MAX {
            kept.pop_front();
        }
        kept.push_back((language, text.to_owned(), Arc::clone(&sound)));
        Ok(sound)
    }

    async fn spoken(&self, text: &str, language: Language) -> Result<Vec<u8>, SpeechError> {
        let Some((program, arguments)) = self.config.program.split_first() else {
            return Err(SpeechError::Uncovered(language.tag()));
        };
        let voice = self.config.voices.get(&language).map(String::as_str);
        let voice = voice.unwrap_or(usual_voice(language));
        let run = |error: std::io::Error| SpeechError::Run(error.to_string());
        let mut child = Command::new(program)
            .args(
                arguments
                    .iter()
                    .map(|argument| argument.replace(VOICE, voice)),
            )
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            // What is not waited for any more is ended.
            .kill_on_drop(true)
            .spawn()
            .map_err(run)?;
        let (input, output) = (child.stdin.take(), child.stdout.take());
        let write = async move {
            if let Some(mut input) = input {
                // One that does not read what it says is heard by its silence.
                drop(input.write_all(text.as_bytes()).await);
            }
        };
        let read = async move {
            let mut bytes = Vec::new();
            if let Some(output) = output {
                let mut bounded = output.take(OUTPUT_BYTES_MAX);
                bounded.read_to_end(&mut bytes).await?;
            }
            Ok(bytes)
        };
        let whole = async {
            let ((), read) = tokio::join!(write, read);
            let bytes: Vec<u8> = read.map_err(run)?;
            let status = child.wait().await.map_err(run)?;
            Ok::<_, SpeechError>((bytes, status))
        };
        let done = tokio::time::timeout(self.config.timeout, whole).await;
        let (bytes, status) =
            done.map_err(|_| SpeechError::Slow(self.config.timeout.as_secs()))??;
        if !status.success() {
            return Err(SpeechError::Failed(status.to_string()));
        }
        let samples = wav::read(&bytes)?;
        if samples.is_empty() {
            return Err(SpeechError::Nothing);
        }
        Ok(samples.into_iter().map(g711::encode).collect())
    }
}

/// What `espeak-ng` calls the voice of a language.
const fn usual_voice(language: Language) -> &'static str {
    match language {
        Language::Zh | Language::ZhHant => "cmn",
        Language::En => "en",
        Language::Ja => "ja",
        Language::Ko => "ko",
        Language::Fr => "fr",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn speech(program: &[&str], timeout: Duration) -> Speech {
        Speech::new(SpeechConfig {
            program: program.iter().map(|word| (*word).to_owned()).collect(),
            timeout,
            ..SpeechConfig::default()
        })
        .unwrap()
    }

    fn runtime() -> tokio::runtime::Runtime {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap()
    }

    fn said(program: &[&str]) -> Result<Arc<[u8]>, SpeechError> {
        let runtime = runtime();
        let speech = speech(program, Duration::from_millis(500));
        runtime.block_on(speech.say("请转移", Language::Zh))
    }

    #[test]
    fn a_program_that_does_not_do_it_is_named_and_never_waited_for() {
        assert_eq!(said(&[]), Err(SpeechError::Uncovered("zh")));
        assert!(matches!(
            said(&["/no/such/program"]),
            Err(SpeechError::Run(_))
        ));
        assert_eq!(said(&["sleep", "60"]), Err(SpeechError::Slow(0)));
        // One that never ends is cut off by its time or by its size, whichever comes first.
        assert!(matches!(
            said(&["sh", "-c", "yes"]),
            Err(SpeechError::Slow(0) | SpeechError::Failed(_))
        ));
        assert_eq!(said(&["cat"]), Err(SpeechError::Sound(WavError::Kind)));
        assert!(matches!(said(&["false"]), Err(SpeechError::Failed(_))));
    }

    #[test]
    fn the_same_text_is_spoken_once() {
        let folder = tempfile::tempdir().unwrap();
        let (file, count) = (folder.path().join("a.wav"), folder.path().join("count"));
        std::fs::write(&file, wav::write(&[0; 800], wav::RATE)).unwrap();
        let script = format!("echo x >>{}; cat {}", count.display(), file.display());
        let speech = speech(&["sh", "-c", &script, "{voice}"], Duration::from_secs(20));
        let runtime = runtime();
        runtime.block_on(async {
            for _ in 0..3 {
                let sound = speech.say("收到请按1", Language::Zh).await.unwrap();
                assert_eq!(sound.len(), 800);
            }
        });
        assert_eq!(std::fs::read_to_string(count).unwrap(), "x\n");
    }
}
