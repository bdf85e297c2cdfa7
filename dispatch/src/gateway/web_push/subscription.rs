//! A browser's subscription: as JSON, as browsers give it, or in one line,
//! `https://push.example.org/send/abc#<p256dh>.<auth>`.

use super::seal::{POINT_BYTES, SECRET_BYTES};
use base64::Engine;
use base64::alphabet::URL_SAFE;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use reqwest::Url;
use serde::Deserialize;
use std::fmt;

/// Characters of an address; longer ones are nobody's.
pub const ENDPOINT_MAX: usize = 1024;

/// Padded or not: libraries differ.
const BASE64URL: GeneralPurpose = GeneralPurpose::new(
    &URL_SAFE,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Where a browser is reached and what is sealed for it. Personal data: never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Subscription {
    /// Address at its push service; who knows it may push.
    pub endpoint: Url,
    /// The browser's public key.
    pub key: [u8; POINT_BYTES],
    /// The secret it shares with us.
    pub secret: [u8; SECRET_BYTES],
}

/// Why a text is no subscription. None shows the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SubscriptionError {
    /// Neither of the two forms.
    #[error("neither the JSON of a PushSubscription nor endpoint#p256dh.auth")]
    Form,
    /// The address.
    #[error("the endpoint is not an http or https address of at most {ENDPOINT_MAX} characters")]
    Endpoint,
    /// The key.
    #[error("p256dh is not {POINT_BYTES} bytes in base64url")]
    Key,
    /// The secret.
    #[error("auth is not {SECRET_BYTES} bytes in base64url")]
    Secret,
}

#[derive(Deserialize)]
struct Written {
    endpoint: String,
    keys: Keys,
}

#[derive(Deserialize)]
struct Keys {
    p256dh: String,
    auth: String,
}

impl Subscription {
    /// Reads either form.
    ///
    /// # Errors
    /// See [`SubscriptionError`].
    pub fn parse(text: &str) -> Result<Self, SubscriptionError> {
        let text = text.trim();
        if text.starts_with('{') {
            let written: Written =
                serde_json::from_str(text).map_err(|_| SubscriptionError::Form)?;
            return Self::of(&written.endpoint, &written.keys.p256dh, &written.keys.auth);
        }
        let (endpoint, keys) = text.rsplit_once('#').ok_or(SubscriptionError::Form)?;
        let (key, secret) = keys.split_once('.').ok_or(SubscriptionError::Form)?;
        Self::of(endpoint, key, secret)
    }

    fn of(endpoint: &str, key: &str, secret: &str) -> Result<Self, SubscriptionError> {
        if endpoint.len() > ENDPOINT_MAX {
            return Err(SubscriptionError::Endpoint);
        }
        let endpoint = Url::parse(endpoint).map_err(|_| SubscriptionError::Endpoint)?;
        let is_plain = endpoint.username().is_empty()
            && endpoint.password().is_none()
            && endpoint.fragment().is_none();
        if !matches!(endpoint.scheme(), "http" | "https") || !is_plain {
            return Err(SubscriptionError::Endpoint);
        }
        let read = |text: &str| BASE64URL.decode(text).ok();
        let key = read(key).and_then(|bytes| bytes.try_into().ok());
        let secret = read(secret).and_then(|bytes| bytes.try_into().ok());
        Ok(Self {
            endpoint,
            key: key
                .filter(|key: &[u8; POINT_BYTES]| key.first() == Some(&4))
                .ok_or(SubscriptionError::Key)?,
            secret: secret.ok_or(SubscriptionError::Secret)?,
        })
    }

    /// The form of one line.
    pub fn to_line(&self) -> String {
        let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let (key, secret) = (text(&self.key), text(&self.secret));
        format!("{}#{key}.{secret}", self.endpoint)
    }
}

impl fmt::Debug for Subscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscription")
            .field("host", &self.endpoint.host_str())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const KEY: &str =
        "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4";
    const AUTH: &str = "BTBZMqHH6r4Tts7J_aSIgg";

    #[test]
    fn both_forms_are_one() {
        let line = format!("https://push.example.org/send/a:b#{KEY}.{AUTH}");
        let json = format!(
            r#"{{"endpoint":"https://push.example.org/send/a:b","expirationTime":null,
                "keys":{{"p256dh":"{KEY}=","auth":"{AUTH}=="}}}}"#
        );
        let read = Subscription::parse(&line).unwrap();
        assert_eq!(Subscription::parse(&json).as_ref(), Ok(&read));
        assert_eq!(read.to_line(), line);
        assert!(!format!("{read:?}").contains("send"));
    }

    #[test]
    fn what_is_wrong_is_named_without_showing_it() {
        let parse = |text: &str| Subscription::parse(text).unwrap_err();
        assert_eq!(parse(""), SubscriptionError::Form);
        assert_eq!(parse("{}"), SubscriptionError::Form);
        assert_eq!(
            parse(&format!("ftp://a/b#{KEY}.{AUTH}")),
            SubscriptionError::Endpoint
        );
        assert_eq!(
            parse(&format!("https://u@a/b#{KEY}.{AUTH}")),
            SubscriptionError::Endpoint
        );
        assert_eq!(
            parse(&format!("https://a/b#{AUTH}.{AUTH}")),
            SubscriptionError::Key
        );
        assert_eq!(
            parse(&format!("https://a/b#{KEY}.x")),
            SubscriptionError::Secret
        );
        let long = format!("https://a/{}#{KEY}.{AUTH}", "b".repeat(ENDPOINT_MAX));
        assert_eq!(parse(&long), SubscriptionError::Endpoint);
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in ".{0,300}") {
            if let Ok(read) = Subscription::parse(&text) {
                prop_assert_eq!(Subscription::parse(&read.to_line()), Ok(read));
            }
        }
    }
}
