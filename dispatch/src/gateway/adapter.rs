//! One adapter for every service that takes a message by HTTP and answers with a code: what it is
//! asked and what its answers mean are data ([`shape`]). Apps by FCM, APNs, WeChat, Huawei, Xiaomi,
//! OPPO and vivo; groups by WeCom, DingTalk, Feishu and Weibo.

pub(super) mod answers;
mod quota;
pub mod shape;
pub(super) mod shipped;
pub(super) mod template;

pub use answers::{Answer, Answers, Meaning};
pub use shape::{Audience, Shape, ShapeFault};
pub use shipped::{Shapes, shipped};

use super::breaker::Circuit;
use super::gate::{Gate, GateConfig};
use super::http::{body_within, unanswered};
use super::notice::{Notice, Unsent, Urgency, Words};
use super::{Proof, Receipt};
use minijinja::Value;
use model::{SendError, Span, Time};
use quota::{Quota, Refused};
use reqwest::Url;
use shape::{MESSAGE, Method, Parameter, RequestShape, TOKEN, TokenShape};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use template::{Rendered, Templates};
use tokio::sync::Mutex as AsyncMutex;

/// Bytes of an answer that are read.
const ANSWER_BYTES_MAX: usize = 64 << 10;
/// After a token was not had, nobody asks for it again for so long.
const TOKEN_PAUSE: Span = Span::from_seconds(5);
/// A token is renewed so long before it runs out.
const TOKEN_EARLY: Span = Span::from_seconds(60);

/// An account with a service.
#[derive(Clone)]
pub struct AdapterConfig {
    /// Name in metrics and logs.
    pub name: String,
    /// What the service wants to be asked.
    pub shape: Arc<Shape>,
    /// The parameters of the shape.
    pub account: BTreeMap<String, String>,
    /// How much of it there is at once, and when it is left alone.
    pub gate: GateConfig,
}

/// Why an account cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AdapterConfigError {
    /// A parameter is not given.
    #[error("{0} is missing: {1}")]
    Missing(String, String),
    /// One is given that the service has not.
    #[error("{0} is no parameter of {1}: it has {2}")]
    Unknown(String, String, String),
    /// The templates do not go with what is given.
    #[error("{0}")]
    Template(String),
}

/// The way to a service.
pub struct Adapter {
    config: AdapterConfig,
    templates: Templates,
    account: Value,
    client: reqwest::Client,
    gate: Gate,
    quota: Mutex<Quota>,
    token: AsyncMutex<Held>,
}

/// What is known of our right to send.
#[derive(Default)]
enum Held {
    #[default]
    Nothing,
    Token {
        text: String,
        until: Time,
    },
    Failed {
        at: Time,
        why: String,
    },
}

impl Adapter {
    /// Checks the account and tries every template. `client` comes from [`super::http::client`].
    ///
    /// # Errors
    /// A parameter is missing or unknown, or a template does not go with them.
    pub fn new(config: AdapterConfig, client: reqwest::Client) -> Result<Self, AdapterConfigError> {
        let shape = &config.shape;
        let account = account(&shape.name, &shape.parameters, &config.account)?;
        let first = |faults: Vec<ShapeFault>| {
            let fault = faults.first().map(ToString::to_string);
            AdapterConfigError::Template(fault.unwrap_or_default())
        };
        let templates =
            Templates::new(&config.name, &shape.requests(), shape.made(), false).map_err(first)?;
        let this = Self {
            account,
            templates,
            client,
            gate: Gate::new(&config.name, config.gate),
            quota: Mutex::new(Quota::new(config.shape.limits)),
            token: AsyncMutex::default(),
            config,
        };
        this.try_out()?;
        Ok(this)
    }

    /// Name of the link.
    pub fn name(&self) -> &str {
        &self.config.name
    }

    /// Whether the service is being left alone.
    pub fn circuit(&self) -> Circuit {
        self.gate.circuit()
    }

    /// Hands `notice` to the service.
    ///
    /// # Errors
    /// What the service's answer means by its shape; transient where it could not be asked.
    pub async fn send(&self, notice: &Notice<'_>, at: Time) -> Result<Receipt, Unsent> {
        let left = notice.seconds_left(at)?;
        let ttl = self.place(notice, left, at)?;
        let call = self.attempt(notice, ttl, at);
        self.gate.through(at, call).await
    }

    /// Takes a place of the service's limits; gives the validity it takes.
    fn place(&self, notice: &Notice<'_>, left: u32, at: Time) -> Result<u32, Unsent> {
        let name = &self.config.name;
        let mut quota = self.quota.lock().unwrap_or_else(PoisonError::into_inner);
        let ttl = quota.ttl(left).ok_or_else(|| {
            Unsent::permanent(format!("{name}: it would keep it beyond its not-after"))
        })?;
        match quota.take(at) {
            Ok(()) => Ok(ttl),
            Err(Refused::Second) => Err(Unsent::Throttled(format!("{name}: its second is full"))),
            // Whoever can be told tomorrow waits; others hear by their next channel.
            Err(Refused::Day(until)) if until < notice.not_after => {
                Err(Unsent::Throttled(format!("{name}: its day is full")))
            }
            Err(Refused::Day(_)) => Err(Unsent::permanent(format!(
                "{name}: its day is full, and the message is past its time before the next"
            ))),
        }
    }

    async fn attempt(&self, notice: &Notice<'_>, ttl: u32, at: Time) -> Result<Receipt, Unsent> {
        let name = &self.config.name;
        let mut renewed = false;
        loop {
            let token = self.right(at).await?;
            let context = |words: &Words| self.context(notice, words, ttl, &token, at);
            let request = notice.fitting(|words| {
                self.fit(words)
                    .then(|| self.message(&context(words)))
                    .transpose()
                    .map(Option::flatten)
            })?;
            let answer = self.ask(&self.config.shape.request, request).await?;
            let said = format!("{name}: {}", answer.said);
            return Err(match answer.means {
                Meaning::Accepted => {
                    let reference = answer.reference;
                    return Ok(Receipt {
                        reference: reference.unwrap_or_else(|| notice.delivery.to_owned()),
                        proof: Proof::Accepted,
                    });
                }
                Meaning::TokenStale => {
                    self.forget(&token).await;
                    if !renewed {
                        renewed = true;
                        continue;
                    }
                    Unsent::transient(said)
                }
                Meaning::Throttled => Unsent::Throttled(said),
                Meaning::Transient | Meaning::LinkFault => Unsent::transient(said),
                Meaning::Permanent => Unsent::permanent(said),
                Meaning::Retired => Unsent::Retired(said),
                Meaning::Uncertain => SendError::Uncertain(said).into(),
            });
        }
    }

    /// Whether a title and a text are as short as the service wants them.
    fn fit(&self, words: &Words) -> bool {
        let limits = &self.config.shape.limits;
        let within =
            |text: &str, max: Option<usize>| max.is_none_or(|max| text.chars().count() <= max);
        within(&words.title, limits.title_max) && within(&words.body, limits.text_max)
    }

    /// The request of a message; nothing where its body is too long.
    fn message(&self, context: &Value) -> Result<Option<Rendered>, Unsent> {
        let shape = &self.config.shape;
        let rendered = self
            .templates
            .request(MESSAGE, &shape.request, context)
            .map_err(|why| Unsent::permanent(format!("{}: {why}", self.config.name)))?;
        let length = rendered.body.as_ref().map_or(0, |(_, body)| body.len());
        let fits = shape.limits.body_bytes_max.is_none_or(|max| length <= max);
        Ok(fits.then_some(rendered))
    }

    async fn ask(&self, shape: &RequestShape, rendered: Rendered) -> Result<Answer, Unsent> {
        let (status, named, body) = self.call(shape, rendered).await?;
        let mut answer = self.config.shape.answers.read(status, &body);
        answer.reference = answer.reference.or(named);
        Ok(answer)
    }

    async fn call(
        &self,
        shape: &RequestShape,
        rendered: Rendered,
    ) -> Result<(u16, Option<String>, Vec<u8>), Unsent> {
        let name = &self.config.name;
        let header = self.config.shape.answers.reference_header.as_deref();
        call(&self.client, name, shape.method, rendered, header).await
    }

    /// Our right to send: what is held, made or asked for; empty where the shape needs none. One
    /// asks, the others wait; after a failure nobody does for a while.
    async fn right(&self, at: Time) -> Result<String, Unsent> {
        let Some(shape) = &self.config.shape.token else {
            return Ok(String::new());
        };
        let mut held = self.token.lock().await;
        match &*held {
            Held::Token { text, until } if at < *until => return Ok(text.clone()),
            Held::Failed { at: failed, why } if at < *failed + TOKEN_PAUSE && at >= *failed => {
                return Err(Unsent::transient(why.clone()));
            }
            Held::Token { .. } | Held::Failed { .. } | Held::Nothing => {}
        }
        match self.renewed(shape, at).await {
            Ok((text, until)) => {
                let token = text.clone();
                *held = Held::Token { text, until };
                Ok(token)
            }
            // Without it nothing goes out: whatever happened, nobody was told.
            Err(why) => {
                let why = format!("{}: no right to send: {why}", self.config.name);
                *held = Held::Failed {
                    at,
                    why: why.clone(),
                };
                Err(Unsent::transient(why))
            }
        }
    }

    async fn renewed(&self, shape: &TokenShape, at: Time) -> Result<(String, Time), String> {
        let context = map([("account", self.account.clone())]
            .into_iter()
            .chain(clock(at)));
        let life = Span::from_seconds(i64::from(shape.lifetime_s));
        if shape.made.is_some() {
            return Ok((self.templates.made(&context)?, at + life));
        }
        let request = shape.request.as_ref().ok_or("the shape says not how")?;
        let rendered = self.templates.request(TOKEN, request, &context)?;
        let (status, _, body) = self
            .call(request, rendered)
            .await
            .map_err(|error| error.to_string())?;
        let text = answers::text_at(&body, &shape.value).filter(|text| !text.is_empty());
        let Some(text) = text.filter(|_| (200..300).contains(&status)) else {
            return Err(self.config.shape.answers.read(status, &body).said);
        };
        let expires = shape.expires.as_ref();
        let given = expires.and_then(|pointer| answers::text_at(&body, pointer)?.parse().ok());
        let given = given.map_or(life, |seconds: u32| Span::from_seconds(i64::from(seconds)));
        let life = if given < life { given } else { life };
        let half = Span::from_millis(life.millis() / 2);
        let used = Span::from_millis(life.millis() - TOKEN_EARLY.millis());
        Ok((text, at + if used > half { used } else { half }))
    }

    async fn forget(&self, token: &str) {
        let mut held = self.token.lock().await;
        let is_held = matches!(&*held, Held::Token { text, .. } if text == token);
        if is_held {
            *held = Held::Nothing;
        }
    }

    fn context(
        &self,
        notice: &Notice<'_>,
        words: &Words,
        ttl: u32,
        token: &str,
        at: Time,
    ) -> Value {
        context(&self.account, notice, words, (ttl, token), at)
    }

    /// Renders a sample with what the account gives, and signs with its key.
    fn try_out(&self) -> Result<(), AdapterConfigError> {
        let failed = AdapterConfigError::Template;
        let at = Time::from_seconds(1_700_000_000);
        if let Some(token) = &self.config.shape.token {
            let context = map([("account", self.account.clone())]
                .into_iter()
                .chain(clock(at)));
            match &token.request {
                Some(request) => drop(
                    self.templates
                        .request(TOKEN, request, &context)
                        .map_err(failed)?,
                ),
                None => drop(self.templates.made(&context).map_err(failed)?),
            }
        }
        let words = shipped::sample_words();
        let notice = shipped::sample(std::slice::from_ref(&words));
        let context = self.context(&notice, &words, 3600, "token", at);
        let rendered = self
            .templates
            .request(MESSAGE, &self.config.shape.request, &context)
            .map_err(failed)?;
        let is_web = Url::parse(&rendered.url)
            .is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
        if is_web {
            return Ok(());
        }
        Err(failed(
            "request.url: it makes no http or https address".into(),
        ))
    }
}

/// Status, one header and the body of what a request is answered with.
pub(in crate::gateway) async fn call(
    client: &reqwest::Client,
    name: &str,
    method: Method,
    rendered: Rendered,
    header: Option<&str>,
) -> Result<(u16, Option<String>, Vec<u8>), Unsent> {
    let url = Url::parse(&rendered.url)
        .map_err(|_| Unsent::permanent(format!("{name}: its address is none")))?;
    let mut request = match method {
        Method::Get => client.get(url),
        Method::Post => client.post(url),
    };
    for (header, value) in rendered.headers {
        request = request.header(header, value);
    }
    if let Some((kind, body)) = rendered.body {
        request = request.header("Content-Type", kind).body(body);
    }
    let response = request
        .send()
        .await
        .map_err(|error| unanswered(name, &error))?;
    let status = response.status().as_u16();
    let named = header.and_then(|header| response.headers().get(header));
    let named = named
        .and_then(|value| value.to_str().ok())
        .map(str::to_owned);
    // Whether the words can be read changes nothing of the status.
    let body = body_within(response, ANSWER_BYTES_MAX).await;
    Ok((status, named, body.ok().flatten().unwrap_or_default()))
}

/// The parameters as given, with defaults.
pub(in crate::gateway) fn account(
    service: &str,
    parameters: &BTreeMap<String, Parameter>,
    given: &BTreeMap<String, String>,
) -> Result<Value, AdapterConfigError> {
    let unknown = given.keys().find(|name| !parameters.contains_key(*name));
    if let Some(name) = unknown {
        let known: Vec<&str> = parameters.keys().map(String::as_str).collect();
        return Err(AdapterConfigError::Unknown(
            name.clone(),
            service.to_owned(),
            known.join(", "),
        ));
    }
    let mut values = BTreeMap::new();
    for (name, parameter) in parameters {
        let value = given.get(name).or(parameter.default.as_ref());
        let value = value
            .ok_or_else(|| AdapterConfigError::Missing(name.clone(), parameter.what.clone()))?;
        values.insert(name.clone(), Value::from(value.clone()));
    }
    Ok(Value::from(values))
}

/// Everything that the templates of a message know.
fn context(
    account: &Value,
    notice: &Notice<'_>,
    words: &Words,
    (ttl, token): (u32, &str),
    at: Time,
) -> Value {
    // A phone's number of a notification: the same for all that takes its place.
    let number = notice.collapse.get(..7).unwrap_or_default();
    let number = u32::from_str_radix(number, 16).unwrap_or(0);
    let text = |text: &str| Value::from(text.to_owned());
    let variables = [
        ("account", account.clone()),
        ("token", text(token)),
        ("to", text(notice.to)),
        ("title", text(&words.title)),
        ("body", text(&words.body)),
        ("collapse", text(notice.collapse)),
        ("number", Value::from(number)),
        ("urgent", Value::from(notice.urgency == Urgency::High)),
        ("ttl_s", Value::from(ttl)),
        ("not_after_s", Value::from(notice.not_after.seconds())),
        ("delivery", text(notice.delivery)),
        ("uuid", Value::from(uuid(notice.delivery))),
        ("warning", text(notice.warning)),
        ("revision", Value::from(notice.revision)),
        ("purpose", text(notice.purpose)),
        ("tier", text(notice.tier)),
        ("ends", Value::from(notice.is_end)),
        ("language", text(notice.language)),
    ];
    map(variables.into_iter().chain(clock(at)))
}

pub(super) fn clock(at: Time) -> [(&'static str, Value); 2] {
    [
        ("at_s", Value::from(at.seconds())),
        ("at_ms", Value::from(at.millis())),
    ]
}

pub(super) fn map<'a>(pairs: impl IntoIterator<Item = (&'a str, Value)>) -> Value {
    let pairs = pairs.into_iter();
    let pairs: BTreeMap<String, Value> = pairs
        .map(|(name, value)| (name.to_owned(), value))
        .collect();
    Value::from(pairs)
}

/// A delivery's 32 digits as a UUID.
fn uuid(delivery: &str) -> String {
    let mut out = String::with_capacity(36);
    for (at, digit) in delivery.chars().enumerate() {
        if matches!(at, 8 | 12 | 16 | 20) {
            out.push('-');
        }
        out.push(digit);
    }
    out
}

impl fmt::Debug for Adapter {
    /// Without the account.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Adapter")
            .field("name", &self.config.name)
            .field("shape", &self.config.shape.name)
            .finish_non_exhaustive()
    }
}
