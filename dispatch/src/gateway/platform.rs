//! A release platform (突发事件预警信息发布系统, 12379): a release form with our CAP document is put
//! before its people, who check it and release it over the channels they keep, or reject it with a
//! reason. What it is asked and what it answers is versioned data ([`Shape`]), since its paper is
//! handed out with an account and is not public.
//!
//! A form has the number of what is said, so that it may be put again where no answer came.

mod form;
mod shape;
mod standing;

pub use form::{Form, FormArea};
pub use shape::{Shape, Shapes, shipped};
pub use standing::{ChannelCounts, Stage, Standing};

use super::adapter::answers::Meaning;
use super::adapter::shape::RequestShape;
use super::adapter::template::Templates;
use super::adapter::{AdapterConfigError, account, call, clock, map};
use super::breaker::Circuit;
use super::gate::{Gate, GateConfig};
use super::notice::Unsent;
use crate::intent::IntentId;
use minijinja::Value;
use model::{SendError, Time};
use shape::{STATUS, SUBMIT, WITHDRAW};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// An account with a platform.
#[derive(Clone)]
pub struct PlatformConfig {
    /// Name in metrics, on the screen and in the link.
    pub name: String,
    /// What the platform wants to be asked.
    pub shape: Arc<Shape>,
    /// The parameters of the shape.
    pub account: BTreeMap<String, String>,
    /// How many calls at once, how many in the queue, and when it is left alone.
    pub gate: GateConfig,
}

/// The way to a platform.
pub struct Platform {
    config: PlatformConfig,
    templates: Templates,
    account: Value,
    client: reqwest::Client,
    gate: Gate,
}

impl Platform {
    /// Checks the account and tries every template. `client` comes from
    /// [`crate::gateway::http::client`].
    ///
    /// # Errors
    /// A parameter is missing or unknown, or a template does not go with them.
    pub fn new(
        config: PlatformConfig,
        client: reqwest::Client,
    ) -> Result<Self, AdapterConfigError> {
        let shape = &config.shape;
        let account = account(&shape.name, &shape.parameters, &config.account)?;
        let templates = Templates::new(&config.name, &shape.requests(), None, false);
        let templates = templates.map_err(|faults| {
            let fault = faults.first().map(ToString::to_string);
            AdapterConfigError::Template(fault.unwrap_or_default())
        })?;
        shape
            .try_out(&templates, &account)
            .map_err(AdapterConfigError::Template)?;
        Ok(Self {
            gate: Gate::new(&config.name, config.gate),
            account,
            templates,
            client,
            config,
        })
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.config.name
    }

    /// Whether the platform is being left alone.
    pub fn circuit(&self) -> Circuit {
        self.gate.circuit()
    }

    /// Puts a form before the platform's people, or asks again how one that is there stands.
    ///
    /// # Errors
    /// Transient where the platform cannot answer now, Permanent where the form lacks what the
    /// platform requires or is turned away, Uncertain where no answer came: put it again.
    pub async fn submit(&self, form: &Form, at: Time) -> Result<Standing, SendError> {
        if let Some(part) = form.lacks(&self.config.shape.requires) {
            return Err(SendError::Permanent(format!(
                "{}: the release form has no {part}: {} signed it, and this platform wants three \
                 hands",
                self.name(),
                form.signatures()
            )));
        }
        let context = shape::of_form(&self.account, form, at);
        let shape = Arc::clone(&self.config.shape);
        self.ask((SUBMIT, &shape.submit), &context, at).await
    }

    /// How a form stands.
    ///
    /// # Errors
    /// As [`Platform::submit`].
    pub async fn standing(&self, form: IntentId, at: Time) -> Result<Standing, SendError> {
        let shape = Arc::clone(&self.config.shape);
        self.ask((STATUS, &shape.status), &self.of(form, at), at)
            .await
    }

    /// Takes a form back: what is not released never is.
    ///
    /// # Errors
    /// As [`Platform::submit`].
    pub async fn withdraw(&self, form: IntentId, at: Time) -> Result<Standing, SendError> {
        let shape = Arc::clone(&self.config.shape);
        self.ask((WITHDRAW, &shape.withdraw), &self.of(form, at), at)
            .await
    }

    fn of(&self, form: IntentId, at: Time) -> Value {
        let id = Value::from(form.to_string());
        map([("account", self.account.clone()), ("id", id)]
            .into_iter()
            .chain(clock(at)))
    }

    async fn ask(
        &self,
        (field, request): (&'static str, &RequestShape),
        context: &Value,
        at: Time,
    ) -> Result<Standing, SendError> {
        let name = self.name();
        let rendered = self.templates.request(field, request, context);
        let rendered = rendered.map_err(|why| SendError::Permanent(format!("{name}: {why}")))?;
        let asked = async {
            let (status, _, body) =
                call(&self.client, name, request.method, rendered, None).await?;
            let answer = self.config.shape.answers.read(status, &body);
            let said = format!("{name}: {}", answer.said);
            match answer.means {
                Meaning::Accepted => {
                    let standing = self.config.shape.standing.read(&body);
                    // It is there, in a stage that the shape has no word for: it is asked after again.
                    standing.map_err(|why| Unsent::transient(format!("{name}: {why}")))
                }
                Meaning::Throttled => Err(Unsent::Throttled(said)),
                Meaning::Transient | Meaning::LinkFault | Meaning::TokenStale => {
                    Err(Unsent::transient(said))
                }
                Meaning::Permanent | Meaning::Retired => Err(Unsent::permanent(said)),
                Meaning::Uncertain => Err(SendError::Uncertain(said).into()),
            }
        };
        let result = self.gate.through(at, asked).await;
        result.map_err(|error| match error {
            Unsent::Send(error) => error,
            Unsent::Retired(why) | Unsent::Throttled(why) => SendError::Transient(why),
        })
    }
}

impl fmt::Debug for Platform {
    /// Without the account.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Platform")
            .field("name", &self.config.name)
            .field("shape", &self.config.shape.name)
            .finish_non_exhaustive()
    }
}
