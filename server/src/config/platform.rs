//! `[[platform]]`: release platforms (12379) that take our forms.

use super::push::{Account, Given, anchor, texts};
use crate::courier::ReleasePlatform;
use dispatch::gateway::gate::GateConfig;
use dispatch::gateway::http::{self, ClientConfig};
use dispatch::gateway::platform::{Platform, PlatformConfig, Shape, Shapes, shipped};
use model::Span;
use model::fault::{Faults, Place};
use serde::Deserialize;
use std::path::Path;
use std::sync::Arc;

/// How a platform is treated.
const GATE: GateConfig = GateConfig {
    in_flight_max: 4,
    waiting_max: 500,
    failures_max: 5,
    pause: Span::from_seconds(10),
};

/// A release platform.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PlatformSection {
    /// Name in metrics and on the screen.
    pub(crate) name: String,
    /// Name of a shape that comes with this program, or `{ file = "PATH" }` of one of your own.
    shape: Given,
    /// The platform's words for the channels it is asked to use.
    #[serde(default)]
    channels: Vec<String>,
    /// The parameters of the shape.
    #[serde(default)]
    account: Account,
}

impl PlatformSection {
    /// The name of its link.
    pub(super) fn link_name(&self) -> String {
        format!("cap/{}", self.name)
    }

    /// Relative paths are relative to the file.
    pub(super) fn anchor(&mut self, base: &Path) {
        if let Given::File(path) = &mut self.shape {
            *path = base.join(&*path);
        }
        anchor(&mut self.account, base);
    }

    /// Everything that is wrong with it.
    pub(super) fn check(&self, place: Place<'_>, faults: &mut Faults) {
        let client = http::client(&ClientConfig::default()).map_err(|error| error.to_string());
        if let Err(why) = client.and_then(|client| self.gateway(client)) {
            let remedy = "correct this [[platform]]; docs/release-platform.md has an example";
            faults.error(place, "platform", why, remedy);
            return;
        }
        if let Ok(shape) = self.shape()
            && !shape.verified
        {
            let what = format!("{}: written without the platform's own paper", shape.title);
            let remedy = "copy the shape, correct it by the paper that came with the account, name it \
                          with shape = { file = \"PATH\" }, and put one form before a storm";
            faults.notice(place, "platform.shape", what, remedy);
        }
    }

    /// The gateway; reads the secrets.
    pub(crate) fn gateway(&self, client: reqwest::Client) -> Result<ReleasePlatform, String> {
        let shape = self.shape()?;
        let config = PlatformConfig {
            name: self.name.clone(),
            account: texts(&self.account, &shape.parameters)?,
            shape,
            gate: GATE,
        };
        let platform = Platform::new(config, client);
        Ok(ReleasePlatform {
            platform: platform.map_err(|error| format!("platform {}: {error}", self.name))?,
            channels: self.channels.clone(),
        })
    }

    fn shape(&self) -> Result<Arc<Shape>, String> {
        let said = |faults: Vec<_>| {
            let said: Vec<String> = faults.iter().map(ToString::to_string).collect();
            said.join("; ")
        };
        match &self.shape {
            Given::Text(name) => {
                let shapes = shipped().map_err(said)?;
                let known = || shapes.names().collect::<Vec<_>>().join(", ");
                let shape = shapes.get(name);
                shape
                    .cloned()
                    .ok_or_else(|| format!("{name:?} is no shape of this program: {}", known()))
            }
            Given::File(path) => {
                let file = path.display().to_string();
                let text = std::fs::read_to_string(path).map_err(|e| format!("{file}: {e}"))?;
                let mut shapes = Shapes::default();
                shapes.add(&file, &text).map_err(said)?;
                let shape = shapes.names().next().and_then(|name| shapes.get(name));
                shape.cloned().ok_or_else(|| format!("{file}: no shape"))
            }
        }
    }
}
