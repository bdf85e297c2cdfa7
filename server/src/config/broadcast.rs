//! `[[broadcast]]`: platforms of emergency broadcast, and what runs along the foot of a screen.

use super::{secret_text, secrets};
use crate::courier::Single;
use dispatch::gateway::emergency_broadcast::{
    Edition, Emergency, EmergencyConfig, Parties, Sealer,
};
use dispatch::gateway::file_drop::FileDrop;
use dispatch::gateway::gate::GateConfig;
use dispatch::gateway::http::{ClientConfig, client};
use dispatch::gateway::loudspeaker::{Clips, LoudspeakerConfig, Loudspeakers, Speaker};
use dispatch::gateway::webhook::{Webhook, WebhookConfig};
use model::fault::{Faults, Place};
use model::table::Table;
use model::{AreaCode, Offset, Span};
use serde::Deserialize;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// For an answer: a platform that gives none holds up nobody else for longer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);
/// How each far side is treated.
const GATE: GateConfig = GateConfig {
    in_flight_max: 1,
    waiting_max: 64,
    failures_max: 3,
    pause: Span::from_seconds(30),
};

/// One target of channel `broadcast`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct BroadcastSection {
    /// Name in metrics and on the screen.
    pub(crate) name: String,
    /// A platform of emergency broadcast.
    emergency: Option<EmergencySection>,
    /// Loudspeakers on the network.
    loudspeakers: Option<LoudspeakerSection>,
    /// A crawl by HTTP.
    http: Option<HttpTarget>,
    /// A crawl by files in this folder.
    folder: Option<PathBuf>,
}

/// A platform that takes packages.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct EmergencySection {
    url: String,
    /// Which standard it speaks.
    #[serde(default)]
    edition: Edition,
    /// Our resource code.
    own: String,
    /// The platform's.
    other: String,
    /// File that holds the SM2 key alone, in hexadecimal digits.
    key_file: PathBuf,
    /// Number of its certificate.
    certificate: String,
}

/// Loudspeakers, each with an address of its own.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct LoudspeakerSection {
    /// Table of speakers, the area that hears each and where it takes orders: `id,area,url`.
    speakers_file: PathBuf,
    /// TOML file: a secret for each speaker, hexadecimal.
    secrets_file: PathBuf,
    /// TOML file of recordings.
    clips_file: Option<PathBuf>,
}

/// A program that takes our signed JSON.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct HttpTarget {
    url: String,
    /// File that holds the shared secret alone.
    secret_file: PathBuf,
}

impl BroadcastSection {
    /// The name of its link.
    pub(super) fn link_name(&self) -> String {
        format!("broadcast/{}", self.name)
    }

    /// Relative paths are relative to the file.
    pub(super) fn anchor(&mut self, base: &Path) {
        let own = |path: &mut PathBuf| *path = base.join(&*path);
        self.folder.iter_mut().for_each(own);
        if let Some(emergency) = &mut self.emergency {
            own(&mut emergency.key_file);
        }
        if let Some(loudspeakers) = &mut self.loudspeakers {
            own(&mut loudspeakers.speakers_file);
            own(&mut loudspeakers.secrets_file);
            loudspeakers.clips_file.iter_mut().for_each(own);
        }
        if let Some(http) = &mut self.http {
            own(&mut http.secret_file);
        }
    }

    /// Everything that is wrong with it.
    pub(super) fn check(&self, place: Place<'_>, faults: &mut Faults) {
        if let Err(why) = self.gateway(Offset(0)) {
            faults.error(
                place,
                "broadcast",
                why,
                "correct this [[broadcast]]; docs/broadcast.md has each",
            );
        } else if self.emergency.is_some() {
            let what = format!("{}: written without the standard's own text", self.name);
            let remedy =
                "hand its platform one package outside of a storm and see that it is taken";
            faults.notice(place, "broadcast.emergency", what, remedy);
        }
    }

    /// The gateway; reads the secrets. `offset` is that of the city's times.
    pub(crate) fn gateway(&self, offset: Offset) -> Result<Single, String> {
        let name = &self.name;
        match (
            &self.emergency,
            &self.loudspeakers,
            &self.http,
            &self.folder,
        ) {
            (Some(section), None, None, None) => {
                let platform = section.gateway(name, offset);
                let platform = platform.map_err(|why| format!("{name}: {why}"))?;
                Ok(Single::Emergency(Arc::new(platform)))
            }
            (None, Some(section), None, None) => {
                let speakers = section.gateway(name);
                let speakers = speakers.map_err(|why| format!("{name}: {why}"))?;
                Ok(Single::Loudspeakers(Arc::new(speakers)))
            }
            (None, None, Some(target), None) => {
                let webhook = target.gateway(name);
                let webhook = webhook.map_err(|why| format!("{name}: {why}"))?;
                Ok(Single::Webhook(Arc::new(webhook)))
            }
            (None, None, None, Some(folder)) => {
                let drop = FileDrop::new(folder);
                let drop =
                    drop.map_err(|error| format!("{name}: {}: {error}", folder.display()))?;
                Ok(Single::Files(Arc::new(drop)))
            }
            (None, None, None, None)
            | (Some(_), _, _, _)
            | (_, Some(_), _, _)
            | (_, _, Some(_), _) => Err(format!(
                "{name}: write one of [broadcast.emergency], [broadcast.loudspeakers], \
                     http = {{ url, secret_file }} and folder"
            )),
        }
    }
}

impl EmergencySection {
    fn gateway(&self, name: &str, offset: Offset) -> Result<Emergency, String> {
        for (what, code) in [("own", &self.own), ("other", &self.other)] {
            let is_code = matches!(code.len(), 18 | 23) && code.bytes().all(|b| b.is_ascii_digit());
            if !is_code {
                return Err(format!("{what}: a resource code has 18 or 23 digits"));
            }
        }
        let key = Sealer::from_hex(&secret_text(&self.key_file)?);
        let config = EmergencyConfig {
            name: name.to_owned(),
            url: address(&self.url)?,
            edition: self.edition,
            parties: Parties {
                own: self.own.clone(),
                other: self.other.clone(),
            },
            sealer: key.map_err(|error| format!("{}: {error}", self.key_file.display()))?,
            certificate: self.certificate.clone(),
            offset,
            gate: GATE,
        };
        Ok(Emergency::new(config, patient()?))
    }
}

impl LoudspeakerSection {
    fn gateway(&self, name: &str) -> Result<Loudspeakers, String> {
        let clips = match &self.clips_file {
            None => Clips::default(),
            Some(file) => {
                let clips = Clips::read(&secret_text(file)?);
                clips.map_err(|error| format!("{}: {error}", file.display()))?
            }
        };
        let config = LoudspeakerConfig {
            name: name.to_owned(),
            speakers: self.speakers()?,
            clips,
            gate: GATE,
        };
        Ok(Loudspeakers::new(config, patient()?))
    }

    fn speakers(&self) -> Result<Vec<Speaker>, String> {
        let file = self.speakers_file.display().to_string();
        let bytes =
            std::fs::read(&self.speakers_file).map_err(|error| format!("{file}: {error}"))?;
        let mut secrets = secrets(&self.secrets_file)?;
        let mut faults = Faults::default();
        let mut speakers = Vec::new();
        if let Some(mut table) =
            Table::open(&file, bytes.as_slice(), &["id", "area", "url"], &mut faults)
        {
            let [id, area, url] = ["id", "area", "url"].map(|name| table.column(name));
            while let Some(row) = table.next_row(&mut faults) {
                let place = Place::line(&file, row.line());
                let name = row.get(id);
                let (area, url) = (AreaCode::parse(row.get(area)), address(row.get(url)));
                // Each has one of its own: what one was sent proves nothing to another.
                match (area, url, secrets.remove(name)) {
                    (Ok(area), Ok(url), Some(secret)) => speakers.push(Speaker {
                        id: name.to_owned(),
                        area,
                        url,
                        secret,
                    }),
                    (Err(_), _, _) => {
                        let remedy = "write the 12-digit code of areas.geojson";
                        faults.error(place, "area", "it is no division code", remedy);
                    }
                    (_, Err(why), _) => {
                        faults.error(place, "url", why, "write http://10.0.0.7/order")
                    }
                    (_, _, None) => {
                        let what = "it has no secret in secrets_file, or stands there twice";
                        faults.error(place, "id", what, "give each speaker one of its own");
                    }
                }
            }
        }
        let faults: Vec<String> = faults.into_vec().iter().map(ToString::to_string).collect();
        match faults.is_empty() && !speakers.is_empty() {
            true => Ok(speakers),
            false if faults.is_empty() => Err(format!("{file}: it has no speaker")),
            false => Err(faults.join("; ")),
        }
    }
}

impl HttpTarget {
    fn gateway(&self, name: &str) -> Result<Webhook, String> {
        let config = WebhookConfig {
            name: name.to_owned(),
            url: address(&self.url)?,
            secret: secret_text(&self.secret_file)?.into_bytes(),
            gate: GATE,
        };
        Ok(Webhook::new(config, patient()?))
    }
}

fn patient() -> Result<reqwest::Client, String> {
    let config = ClientConfig {
        answer_timeout: ANSWER_TIMEOUT,
        ..ClientConfig::default()
    };
    client(&config).map_err(|error| error.to_string())
}

fn address(text: &str) -> Result<reqwest::Url, String> {
    let url = reqwest::Url::parse(text).ok();
    let url = url.filter(|url| url.scheme().starts_with("http"));
    url.ok_or_else(|| "url: it is not an address of HTTP".to_owned())
}
