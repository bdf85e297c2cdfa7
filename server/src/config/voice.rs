//! `[voice]`: the line to a SIP gateway, what it may carry, and where its words come from.

use super::login;
use crate::courier::VoiceLink;
use dispatch::gateway::voice::speech::{Speech, SpeechConfig};
use dispatch::gateway::voice::{Numbers, Transport, VoiceConfig};
use model::fault::{Faults, Place};
use model::{Language, Span};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// What to do about most of it.
const REMEDY: &str = "correct [voice]; docs/voice.md has an example and the bounds";

/// The line.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct VoiceSection {
    /// `host:port` of the gateway.
    gateway: String,
    #[serde(default)]
    transport: Transport,
    /// Our address towards it, where the machine has several.
    own: Option<IpAddr>,
    /// What the gateway is called in addresses, where that is not its host.
    domain: Option<String>,
    /// The number that phones show.
    from: String,
    user: Option<String>,
    /// File that holds the password alone.
    password_file: Option<PathBuf>,
    /// How it wants numbers.
    #[serde(default)]
    numbers: Numbers,
    #[serde(default = "china")]
    country: String,
    /// What is dialled before each number.
    #[serde(default)]
    prefix: String,
    #[serde(default = "half_a_minute")]
    ring_s: u32,
    /// How often the words are said.
    #[serde(default = "thrice")]
    times: u8,
    /// Seconds to press a key after each time.
    #[serde(default = "six")]
    key_wait_s: u32,
    /// Ports of sound, lowest and highest.
    ports: Option<[u16; 2]>,
    /// Calls at once.
    #[serde(default = "sixteen")]
    calls_max: u32,
    /// Calls begun in a second.
    #[serde(default = "two")]
    calls_per_s: u32,
    /// Before a phone that is busy is tried again.
    #[serde(default = "a_minute")]
    busy_again_s: u32,
    /// Folder of recorded clips.
    clips: Option<PathBuf>,
    /// Program that speaks what the clips do not cover, and its arguments.
    #[serde(default)]
    program: Vec<String>,
    #[serde(default = "twenty")]
    program_timeout_s: u32,
    /// Names of its voices.
    #[serde(default)]
    voices: BTreeMap<Language, String>,
}

fn china() -> String {
    "86".into()
}

const fn half_a_minute() -> u32 {
    30
}

const fn thrice() -> u8 {
    3
}

const fn six() -> u32 {
    6
}

const fn sixteen() -> u32 {
    16
}

const fn two() -> u32 {
    2
}

const fn a_minute() -> u32 {
    60
}

const fn twenty() -> u32 {
    20
}

impl VoiceSection {
    /// Relative paths are relative to the file; a program is found by the system's own way.
    pub(super) fn anchor(&mut self, base: &Path) {
        let own = |path: &mut PathBuf| *path = base.join(&*path);
        self.password_file.iter_mut().for_each(own);
        self.clips.iter_mut().for_each(own);
    }

    /// Everything that is wrong with it.
    pub(super) fn check(&self, place: Place<'_>, faults: &mut Faults) {
        let mut wrong = |field: &str, what: &str| {
            let field = match field {
                "" => "voice".to_owned(),
                field => format!("voice.{field}"),
            };
            faults.error(place, &field, what.to_owned(), REMEDY);
        };
        let port = self.gateway.rsplit_once(':').map(|(_, port)| port.parse());
        if !matches!(port, Some(Ok(1_u16..))) {
            wrong("gateway", "it is no host:port");
        }
        let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        let from = self.from.strip_prefix('+').unwrap_or(&self.from);
        if from.is_empty() || !is_digits(from) {
            wrong("from", "it is no telephone number");
        }
        if self.country.is_empty() || !is_digits(&self.country) {
            wrong("country", "it is no country's code");
        }
        if !self
            .prefix
            .bytes()
            .all(|byte| byte.is_ascii_digit() || byte == b'*')
        {
            wrong("prefix", "it is nothing that can be dialled");
        }
        let bounds = [
            ("ring_s", self.ring_s, 5, 120),
            ("times", self.times.into(), 1, 9),
            ("key_wait_s", self.key_wait_s, 1, 60),
            ("calls_max", self.calls_max, 1, 1_000),
            ("calls_per_s", self.calls_per_s, 1, 100),
            ("busy_again_s", self.busy_again_s, 1, 600),
            ("program_timeout_s", self.program_timeout_s, 1, 60),
        ];
        for (field, value, least, most) in bounds {
            if !(least..=most).contains(&value) {
                wrong(field, &format!("it is not from {least} to {most}"));
            }
        }
        if let Some([low, high]) = self.ports {
            // Sound has even ports, and each call one of its own.
            let room = u32::from(high.saturating_sub(low)) / 2 + 1;
            if low == 0 || low % 2 != 0 || high < low || room < self.calls_max {
                wrong(
                    "ports",
                    "they are no even port and a higher one, with two for each of calls_max",
                );
            }
        }
        if self.clips.is_none() && self.program.is_empty() {
            wrong("clips", "there are neither clips nor a program that speaks");
        }
        if let Err(why) = self.link() {
            wrong("", &why);
        }
    }

    /// What the courier takes; reads the password and the clips.
    pub(crate) fn link(&self) -> Result<VoiceLink, String> {
        let login = login("voice", self.user.as_deref(), self.password_file.as_deref())?;
        let speech = Speech::new(SpeechConfig {
            clips: self.clips.clone(),
            program: self.program.clone(),
            voices: self.voices.clone(),
            timeout: Duration::from_secs(self.program_timeout_s.into()),
        });
        let speech = speech.map_err(|faults| {
            let words: Vec<String> = faults.iter().take(5).map(ToString::to_string).collect();
            format!("{} faults of clips: {}", faults.len(), words.join("; "))
        })?;
        let config = VoiceConfig {
            gateway: self.gateway.clone(),
            transport: self.transport,
            own: self.own,
            domain: self.domain.clone(),
            from: self.from.clone(),
            login,
            numbers: self.numbers,
            country: self.country.clone(),
            prefix: self.prefix.clone(),
            ring: Duration::from_secs(self.ring_s.into()),
            times: self.times,
            key_wait_s: self.key_wait_s,
            ports: self.ports.map(|[low, high]| (low, high)),
        };
        Ok(VoiceLink {
            config,
            speech: Arc::new(speech),
            calls_max: self.calls_max as usize,
            calls_per_s: self.calls_per_s,
            busy_again: Span::from_seconds(self.busy_again_s.into()),
        })
    }
}
