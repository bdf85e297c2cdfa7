//! Signed HTTP calls to subscribed systems: one object per target, so none holds up another.

use super::breaker::Circuit;
use super::gate::{Gate, GateConfig};
use super::http::{body_within, unanswered};
use super::notice::Unsent;
use super::{Proof, Receipt};
use hmac::{Hmac, Mac};
use model::{SendError, Span, Time};
use reqwest::{StatusCode, Url};
use sha2::Sha256;
use std::fmt;

/// Carries time and signature: `t=1694063040,v1=<64 hexadecimal digits>`.
pub const SIGNATURE_HEADER: &str = "Sanfang-Signature";
/// Names the delivery: the same for each attempt, so that a repeat is recognised.
pub const IDEMPOTENCY_HEADER: &str = "Idempotency-Key";
/// Bytes of an answer that are read.
pub const ANSWER_BYTES_MAX: usize = 4096;

/// A target as configured.
#[derive(Clone)]
pub struct WebhookConfig {
    /// Name in metrics and logs.
    pub name: String,
    /// Where to POST.
    pub url: Url,
    /// Shared secret of the signature.
    pub secret: Vec<u8>,
    /// How much of it there is at once, and when it is left alone.
    pub gate: GateConfig,
}

/// One target.
#[derive(Debug)]
pub struct Webhook {
    config: WebhookConfig,
    client: reqwest::Client,
    gate: Gate,
}

/// Why a received call is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// Not `t=…,v1=…`.
    #[error("the signature header is not t=<seconds>,v1=<64 hexadecimal digits>")]
    Form,
    /// Signed too long ago or in the future: a replay, or a clock that is off.
    #[error("signed {0} seconds away from this clock")]
    Stale(i64),
    /// Not made with this secret over these bytes.
    #[error("the signature does not belong to this body, key and secret")]
    Wrong,
}

impl Webhook {
    /// A target that has not been called. `client` comes from [`super::http::client`].
    pub fn new(config: WebhookConfig, client: reqwest::Client) -> Self {
        Self {
            gate: Gate::new(&config.name, config.gate),
            client,
            config,
        }
    }

    /// Posts a JSON body at `at`, the time that is signed.
    ///
    /// # Errors
    /// Transient where it did not go out or the target asks for patience, Permanent where the
    /// target refuses it, Uncertain where no answer came after it was written.
    pub async fn send(&self, delivery: &str, body: &[u8], at: Time) -> Result<Receipt, Unsent> {
        let call = async { Ok(self.call(delivery, body, at).await?) };
        self.gate.through(at, call).await
    }

    /// Name of the target.
    pub fn name(&self) -> &str {
        &self.config.name
    }

    /// Calls waiting for their turn.
    pub fn waiting(&self) -> usize {
        self.gate.waiting()
    }

    /// Whether the target is being left alone.
    pub fn circuit(&self) -> Circuit {
        self.gate.circuit()
    }

    async fn call(&self, delivery: &str, body: &[u8], at: Time) -> Result<Receipt, SendError> {
        let name = &self.config.name;
        let response = self
            .client
            .post(self.config.url.clone())
            .header("Content-Type", "application/json")
            .header(IDEMPOTENCY_HEADER, delivery)
            .header(
                SIGNATURE_HEADER,
                sign(&self.config.secret, delivery, body, at),
            )
            .body(body.to_vec())
            .send()
            .await
            .map_err(|error| unanswered(name, &error))?;
        let status = response.status();
        // The answer may name the message; whether it can be read changes nothing.
        let answer = body_within(response, ANSWER_BYTES_MAX).await;
        if status.is_success() {
            let reference = answer.ok().flatten().and_then(|body| answer_id(&body));
            return Ok(Receipt {
                reference: reference.unwrap_or_else(|| delivery.to_owned()),
                proof: Proof::Accepted,
            });
        }
        Err(refusal(name, status))
    }
}

impl fmt::Debug for WebhookConfig {
    /// Without the secret, and without the address, which may hold one.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebhookConfig")
            .field("name", &self.name)
            .field("host", &self.url.host_str())
            .finish_non_exhaustive()
    }
}

/// HMAC-SHA256 over `seconds.delivery.body`.
pub fn sign(secret: &[u8], delivery: &str, body: &[u8], at: Time) -> String {
    let seconds = at.seconds();
    let mac = mac(secret, delivery, body, seconds).finalize().into_bytes();
    format!("t={seconds},v1={}", hex::encode(mac))
}

/// For receivers: believes a call signed with `secret` within `tolerance` of `now`. Calls within
/// the tolerance are told apart by their key.
///
/// # Errors
/// See [`SignatureError`].
pub fn verify(
    secret: &[u8],
    header: &str,
    delivery: &str,
    body: &[u8],
    now: Time,
    tolerance: Span,
) -> Result<(), SignatureError> {
    let (time, digest) = header.split_once(",v1=").ok_or(SignatureError::Form)?;
    let seconds = time.strip_prefix("t=").and_then(|t| t.parse().ok());
    let seconds: i64 = seconds.ok_or(SignatureError::Form)?;
    let digest = hex::decode(digest).map_err(|_| SignatureError::Form)?;
    mac(secret, delivery, body, seconds)
        .verify_slice(&digest)
        .map_err(|_| SignatureError::Wrong)?;
    let away = now.seconds().saturating_sub(seconds);
    if away.saturating_abs() > tolerance.seconds() {
        return Err(SignatureError::Stale(away));
    }
    Ok(())
}

fn mac(secret: &[u8], delivery: &str, body: &[u8], seconds: i64) -> Hmac<Sha256> {
    let mut mac = super::mac::keyed(secret);
    mac.update(seconds.to_string().as_bytes());
    mac.update(b".");
    mac.update(delivery.as_bytes());
    mac.update(b".");
    mac.update(body);
    mac
}

fn refusal(name: &str, status: StatusCode) -> SendError {
    if status.is_redirection() {
        return SendError::Permanent(format!(
            "{name}: {status}; redirects are not followed, configure the final address"
        ));
    }
    match status {
        // A proxy that gave up waiting does not know whether the target took it.
        StatusCode::GATEWAY_TIMEOUT => SendError::Uncertain(format!("{name}: {status}")),
        StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_EARLY | StatusCode::TOO_MANY_REQUESTS => {
            SendError::Transient(format!("{name}: {status}"))
        }
        status if status.is_server_error() => SendError::Transient(format!("{name}: {status}")),
        status => SendError::Permanent(format!("{name}: {status}")),
    }
}

/// `{"id": "…"}` in the answer names the message at the far side.
fn answer_id(body: &[u8]) -> Option<String> {
    let value: serde_json::Value = serde_json::from_slice(body).ok()?;
    let id = value.get("id")?.as_str()?;
    (!id.is_empty() && id.len() <= 200).then(|| id.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signatures_bind_time_key_body_and_secret() {
        let at = Time::from_seconds(1_694_063_040);
        let header = sign(b"secret", "d1", b"{}", at);
        let check = |secret: &[u8], key: &str, body: &[u8], now: Time| {
            verify(secret, &header, key, body, now, Span::from_seconds(300))
        };
        assert_eq!(check(b"secret", "d1", b"{}", at), Ok(()));
        assert_eq!(check(b"other", "d1", b"{}", at), Err(SignatureError::Wrong));
        assert_eq!(
            check(b"secret", "d2", b"{}", at),
            Err(SignatureError::Wrong)
        );
        assert_eq!(
            check(b"secret", "d1", b"{ }", at),
            Err(SignatureError::Wrong)
        );
        let later = at + Span::from_seconds(301);
        assert_eq!(
            check(b"secret", "d1", b"{}", later),
            Err(SignatureError::Stale(301))
        );
        let bad = verify(b"s", "v1=00", "d", b"", at, Span::ZERO);
        assert_eq!(bad, Err(SignatureError::Form));
    }

    #[test]
    fn the_signature_is_the_one_others_compute() {
        // printf '1694063040.d1.{}' | openssl dgst -sha256 -hmac secret
        assert_eq!(
            sign(b"secret", "d1", b"{}", Time::from_seconds(1_694_063_040)),
            "t=1694063040,v1=b1bb04cd94a8742270cffdf530cf7ded665b80af3a4bf5c43eeae4beaaa8888c"
        );
    }

    #[test]
    fn the_configuration_prints_without_its_secret() {
        let config = WebhookConfig {
            name: "tv".into(),
            url: Url::parse("https://tv.example/hook?token=abc").unwrap(),
            secret: b"hunter2".to_vec(),
            gate: GateConfig {
                in_flight_max: 1,
                waiting_max: 1,
                failures_max: 1,
                pause: Span::ZERO,
            },
        };
        let text = format!("{config:?}");
        assert!(text.contains("tv.example") && !text.contains("abc") && !text.contains("hunter2"));
    }
}
