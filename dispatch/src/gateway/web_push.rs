//! Web Push: to browsers and whatever else speaks it (UnifiedPush), through the push service that each
//! subscription names (RFC 8030), sealed for it alone (RFC 8291), signed by us (RFC 8292).
//!
//! A subscription's address comes from outside. Only push services of a list are called, so that
//! nobody makes this service call into its own network. Each of them has a gate of its own: one that
//! does not answer holds up its own readers and nobody else's.

pub mod seal;
mod subscription;

pub use subscription::{ENDPOINT_MAX, Subscription, SubscriptionError};

use super::gate::{Gate, GateConfig};
use super::http::{body_within, unanswered};
use super::jwt::{KeyError, SigningKey};
use super::notice::{Notice, Unsent, Urgency, Words};
use super::{Proof, Receipt};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use model::{SendError, Span, Time};
use reqwest::{Response, StatusCode, Url};
use seal::{CLEAR_BYTES_MAX, SealError, seal};
use serde_json::json;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};

/// Push services of the browsers, where nothing else is configured. `*` stands for one name.
pub const SERVICES: [&str; 4] = [
    "https://fcm.googleapis.com",
    "https://updates.push.services.mozilla.com",
    "https://web.push.apple.com",
    "https://*.notify.windows.com",
];

/// How long a signed claim is used; a service refuses one of more than a day.
const CLAIM_SPAN: Span = Span::from_minutes(12 * 60);
/// Bytes of an answer that are read, so that its connection can be used again.
const ANSWER_BYTES_MAX: usize = 4096;

/// Web Push as configured.
pub struct WebPushConfig {
    /// Who answers for what is sent, `mailto:` or `https:`: services complain there.
    pub subject: String,
    /// The key that signs; browsers subscribe to its public half.
    pub key: SigningKey,
    /// Push services that may be called, by origin.
    pub services: Vec<String>,
    /// How much of each there is at once, and when it is left alone.
    pub gate: GateConfig,
}

/// Why Web Push cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WebPushConfigError {
    /// The key.
    #[error(
        "the key is not a P-256 key: openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 makes one"
    )]
    Key,
    /// The subject.
    #[error("subject {0:?} is neither mailto:… nor https://…")]
    Subject(String),
    /// A push service.
    #[error("service {0:?} is not an origin such as https://push.example.org")]
    Service(String),
}

/// The way to all push services.
pub struct WebPush {
    config: WebPushConfig,
    public: String,
    services: Vec<Service>,
    client: reqwest::Client,
    far: Mutex<BTreeMap<String, std::sync::Arc<Far>>>,
}

/// One push service.
struct Far {
    gate: Gate,
    claim: Mutex<Option<(Time, String)>>,
}

/// An origin that may be called.
struct Service {
    scheme: String,
    host: String,
    port: Option<u16>,
}

impl WebPush {
    /// Checks the configuration. `client` comes from [`super::http::client`].
    ///
    /// # Errors
    /// See [`WebPushConfigError`].
    pub fn new(config: WebPushConfig, client: reqwest::Client) -> Result<Self, WebPushConfigError> {
        let public = config.key.public_point().ok_or(WebPushConfigError::Key)?;
        let subject = &config.subject;
        if !subject.starts_with("mailto:") && !subject.starts_with("https://") {
            return Err(WebPushConfigError::Subject(subject.clone()));
        }
        let services = config.services.iter().map(|text| {
            Service::read(text).ok_or_else(|| WebPushConfigError::Service(text.clone()))
        });
        Ok(Self {
            public: URL_SAFE_NO_PAD.encode(public),
            services: services.collect::<Result<_, _>>()?,
            client,
            far: Mutex::default(),
            config,
        })
    }

    /// What browsers subscribe with, base64url.
    pub fn public_key(&self) -> &str {
        &self.public
    }

    /// Whether a subscription's push service may be called.
    pub fn serves(&self, subscription: &Subscription) -> bool {
        let mut services = self.services.iter();
        services.any(|service| service.holds(&subscription.endpoint))
    }

    /// Shows `notice` to the browser of its token.
    ///
    /// # Errors
    /// Retired where the service knows the subscription no more or never will; transient where the
    /// service is ill or takes our signature for none; permanent where it takes no such message.
    pub async fn send(&self, notice: &Notice<'_>, at: Time) -> Result<Receipt, Unsent> {
        let subscription = Subscription::parse(notice.to)
            .map_err(|error| Unsent::Retired(format!("it is no subscription: {error}")))?;
        if !self.serves(&subscription) {
            return Err(Unsent::permanent(
                "its push service is none of those that may be called: see services of [push.web]",
            ));
        }
        let left = notice.seconds_left(at)?;
        let sealed = notice.fitting(|words| sealed(&subscription, notice, words))?;
        let origin = origin(&subscription.endpoint);
        let far = self.far(&origin);
        let call = self.call(&far, &origin, &subscription, notice, (left, sealed), at);
        far.gate.through(at, call).await
    }

    async fn call(
        &self,
        far: &Far,
        origin: &str,
        subscription: &Subscription,
        notice: &Notice<'_>,
        (left, sealed): (u32, Vec<u8>),
        at: Time,
    ) -> Result<Receipt, Unsent> {
        let claim = self
            .claim(far, origin, at)
            .map_err(|error| Unsent::transient(error.to_string()))?;
        let urgency = match notice.urgency {
            Urgency::High => "high",
            Urgency::Normal => "normal",
        };
        let response = self
            .client
            .post(subscription.endpoint.clone())
            .header("TTL", left.to_string())
            .header("Urgency", urgency)
            .header("Topic", notice.collapse)
            .header("Content-Encoding", "aes128gcm")
            .header("Content-Type", "application/octet-stream")
            .header(
                "Authorization",
                format!("vapid t={claim}, k={}", self.public),
            )
            .body(sealed)
            .send()
            .await
            .map_err(|error| unanswered(origin, &error))?;
        answer(origin, notice, response).await
    }

    /// A claim for a service, made anew once it has been used for half a day.
    fn claim(&self, far: &Far, origin: &str, at: Time) -> Result<String, KeyError> {
        let mut held = far.claim.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((until, claim)) = &*held
            && at < *until
            && at + CLAIM_SPAN >= *until
        {
            return Ok(claim.clone());
        }
        let until = at + CLAIM_SPAN;
        // It stays good for as long again as it is used: clocks differ.
        let claims = json!({
            "aud": origin,
            "exp": (until + Span::from_minutes(11 * 60)).seconds(),
            "sub": self.config.subject,
        });
        let claim = self.config.key.token(None, &claims)?;
        *held = Some((until, claim.clone()));
        Ok(claim)
    }

    fn far(&self, origin: &str) -> std::sync::Arc<Far> {
        let mut far = self.far.lock().unwrap_or_else(PoisonError::into_inner);
        let known = far.entry(origin.to_owned()).or_insert_with(|| {
            std::sync::Arc::new(Far {
                gate: Gate::new(origin, self.config.gate),
                claim: Mutex::default(),
            })
        });
        std::sync::Arc::clone(known)
    }
}

impl Service {
    fn read(text: &str) -> Option<Self> {
        // A star is no character of a host's name.
        let url = Url::parse(&text.replace("://*.", "://any.")).ok()?;
        let is_origin = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
        let host = url.host_str().filter(|_| is_origin)?.to_owned();
        let is_web = matches!(url.scheme(), "http" | "https");
        let any = text.contains("://*.");
        is_web.then(|| Self {
            scheme: url.scheme().to_owned(),
            host: if any {
                host.replacen("any.", "*.", 1)
            } else {
                host
            },
            port: url.port_or_known_default(),
        })
    }

    fn holds(&self, endpoint: &Url) -> bool {
        let host = endpoint.host_str().unwrap_or_default();
        let is_host = match self.host.strip_prefix('*') {
            None => host == self.host,
            Some(rest) => host.strip_suffix(rest).is_some_and(|name| !name.is_empty()),
        };
        is_host && endpoint.scheme() == self.scheme && endpoint.port_or_known_default() == self.port
    }
}

/// Scheme, host and port as RFC 6454 writes them: the port stands there where it is not the usual one.
fn origin(url: &Url) -> String {
    url.origin().ascii_serialization()
}

/// What a service worker is told, sealed; nothing where it is too long.
fn sealed(
    subscription: &Subscription,
    notice: &Notice<'_>,
    words: &Words,
) -> Result<Option<Vec<u8>>, Unsent> {
    let clear = json!({
        "title": words.title,
        "body": words.body,
        "tag": notice.collapse,
        "language": notice.language,
        "warning": notice.warning,
        "revision": notice.revision,
        "purpose": notice.purpose,
        "tier": notice.tier,
        "urgent": notice.urgency == Urgency::High,
        "ends": notice.is_end,
        "not_after": notice.not_after.to_string(),
    });
    let clear = clear.to_string();
    if clear.len() > CLEAR_BYTES_MAX {
        return Ok(None);
    }
    match seal(&subscription.key, &subscription.secret, clear.as_bytes()) {
        Ok(sealed) => Ok(Some(sealed)),
        Err(SealError::Long) => Ok(None),
        Err(error @ SealError::Key) => Err(Unsent::Retired(error.to_string())),
        Err(error @ SealError::Cipher) => Err(Unsent::transient(error.to_string())),
    }
}

async fn answer(origin: &str, notice: &Notice<'_>, response: Response) -> Result<Receipt, Unsent> {
    let status = response.status();
    let place = response.headers().get("Location");
    let reference = place.and_then(|place| place.to_str().ok());
    let reference = reference.unwrap_or(notice.delivery).to_owned();
    drop(body_within(response, ANSWER_BYTES_MAX).await);
    if status.is_success() {
        let proof = Proof::Accepted;
        return Ok(Receipt { reference, proof });
    }
    let said = format!("{origin}: {status}");
    Err(match status {
        StatusCode::NOT_FOUND | StatusCode::GONE => Unsent::Retired(said),
        StatusCode::TOO_MANY_REQUESTS => Unsent::Throttled(said),
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Unsent::transient(format!(
            "{said}: it does not take our signature; is the key of [push.web] the one that was \
             subscribed to?"
        )),
        StatusCode::GATEWAY_TIMEOUT => SendError::Uncertain(said).into(),
        StatusCode::REQUEST_TIMEOUT => Unsent::transient(said),
        status if status.is_server_error() => Unsent::transient(said),
        _ => Unsent::permanent(said),
    })
}

impl fmt::Debug for WebPush {
    /// Without the key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebPush")
            .field("subject", &self.config.subject)
            .field("services", &self.config.services)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_services_of_the_list_are_called() {
        let holds = |service: &str, endpoint: &str| {
            Service::read(service)
                .unwrap()
                .holds(&endpoint.parse().unwrap())
        };
        assert!(holds(
            "https://push.example.org",
            "https://push.example.org/a?b"
        ));
        assert!(!holds(
            "https://push.example.org",
            "http://push.example.org/a"
        ));
        assert!(!holds(
            "https://push.example.org",
            "https://push.example.org:8443/a"
        ));
        assert!(!holds(
            "https://push.example.org",
            "https://push.example.org.evil.example/a"
        ));
        assert!(holds(
            "https://*.notify.windows.com",
            "https://wns2.notify.windows.com/w/1"
        ));
        assert!(!holds(
            "https://*.notify.windows.com",
            "https://notify.windows.com/w/1"
        ));
        assert!(!holds(
            "https://*.notify.windows.com",
            "https://evilnotify.windows.com/w"
        ));
        assert!(holds(
            "http://127.0.0.1:8090",
            "http://127.0.0.1:8090/notify/x"
        ));
        for wrong in [
            "push.example.org",
            "https://push.example.org/path",
            "ftp://a.example",
            "",
        ] {
            assert!(Service::read(wrong).is_none(), "{wrong}");
        }
    }

    #[test]
    fn an_origin_keeps_its_port() {
        let of = |text: &str| origin(&text.parse().unwrap());
        assert_eq!(
            of("http://127.0.0.1:8090/notify/x"),
            "http://127.0.0.1:8090"
        );
        assert_eq!(
            of("https://push.example.org:443/x"),
            "https://push.example.org"
        );
    }
}
