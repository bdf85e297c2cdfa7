//! Signed claims as push services ask for them (RFC 7515, RFC 7519): ES256 for APNs and Web Push,
//! RS256 for Google.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ring::rand::SystemRandom;
use ring::rsa;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair, RSA_PKCS1_SHA256};
use serde_json::{Value, json};
use std::fmt;

/// A private key that signs claims. Never printed.
pub enum SigningKey {
    /// P-256, `ES256`.
    Elliptic(Box<EcdsaKeyPair>),
    /// RSA of 2,048 bits or more, `RS256`.
    Rsa(Box<rsa::KeyPair>),
}

/// Why a key cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Not a PEM block.
    #[error("it is not PEM: it begins with -----BEGIN PRIVATE KEY-----")]
    NotPem,
    /// Something else than the two kinds.
    #[error(
        "it is neither a P-256 nor an RSA key in PKCS #8: openssl pkcs8 -topk8 -nocrypt makes one"
    )]
    NotAKey,
    /// The signature failed.
    #[error("the key does not sign")]
    DoesNotSign,
}

impl SigningKey {
    /// Reads a PKCS #8 key in PEM, as Apple, Google and `openssl genpkey` give it.
    ///
    /// # Errors
    /// It is no such key.
    pub fn from_pem(text: &str) -> Result<Self, KeyError> {
        let der = der_of(text).ok_or(KeyError::NotPem)?;
        let random = SystemRandom::new();
        let elliptic = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &der, &random);
        if let Ok(key) = elliptic {
            return Ok(Self::Elliptic(Box::new(key)));
        }
        let rsa = rsa::KeyPair::from_pkcs8(&der);
        rsa.map(|key| Self::Rsa(Box::new(key)))
            .map_err(|_| KeyError::NotAKey)
    }

    /// The name of its algorithm in a header.
    pub const fn algorithm(&self) -> &'static str {
        match self {
            Self::Elliptic(_) => "ES256",
            Self::Rsa(_) => "RS256",
        }
    }

    /// The public key of a P-256 key as an uncompressed point, as browsers take it.
    pub fn public_point(&self) -> Option<&[u8]> {
        match self {
            Self::Elliptic(key) => Some(key.public_key().as_ref()),
            Self::Rsa(_) => None,
        }
    }

    /// The token of `claims`; `key_id` names the key where the service has several.
    ///
    /// # Errors
    /// The key does not sign.
    pub fn token(&self, key_id: Option<&str>, claims: &Value) -> Result<String, KeyError> {
        let mut header = json!({ "alg": self.algorithm(), "typ": "JWT" });
        if let (Some(id), Some(header)) = (key_id, header.as_object_mut()) {
            header.insert("kid".into(), id.into());
        }
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", part(&header), part(claims));
        let signature = self.sign(signed.as_bytes())?;
        Ok(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }

    /// The signature over bytes: RSASSA-PKCS1-v1_5, or the two numbers of ECDSA; SHA-256.
    ///
    /// # Errors
    /// The key does not sign.
    pub(crate) fn sign(&self, bytes: &[u8]) -> Result<Vec<u8>, KeyError> {
        let random = SystemRandom::new();
        let failed = |_| KeyError::DoesNotSign;
        match self {
            Self::Elliptic(key) => {
                let signature = key.sign(&random, bytes).map_err(failed)?;
                Ok(signature.as_ref().to_vec())
            }
            Self::Rsa(key) => {
                let mut signature = vec![0; key.public().modulus_len()];
                key.sign(&RSA_PKCS1_SHA256, &random, bytes, &mut signature)
                    .map_err(failed)?;
                Ok(signature)
            }
        }
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SigningKey")
            .field(&self.algorithm())
            .finish()
    }
}

/// The bytes of the first block. A key that a secret store flattened has `\n` written out.
fn der_of(text: &str) -> Option<Vec<u8>> {
    let text = text.replace("\\n", "\n");
    let (_, rest) = text.split_once("-----BEGIN PRIVATE KEY-----")?;
    let (block, _) = rest.split_once("-----END PRIVATE KEY-----")?;
    let digits: String = block.split_whitespace().collect();
    STANDARD.decode(digits).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use ring::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};

    fn made() -> String {
        let random = SystemRandom::new();
        let key = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
        let digits = STANDARD.encode(key.as_ref());
        format!("-----BEGIN PRIVATE KEY-----\n{digits}\n-----END PRIVATE KEY-----\n")
    }

    #[test]
    fn claims_are_signed_and_the_key_is_named() {
        let key = SigningKey::from_pem(&made()).unwrap();
        let token = key
            .token(Some("K1"), &json!({ "iss": "T1", "iat": 1 }))
            .unwrap();
        let parts: Vec<&str> = token.split('.').collect();
        let [header, claims, signature] = parts[..] else {
            panic!("{token}");
        };
        let read = |part: &str| -> Value {
            serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
        };
        assert_eq!(
            read(header),
            json!({ "alg": "ES256", "kid": "K1", "typ": "JWT" })
        );
        assert_eq!(read(claims)["iss"], "T1");
        let public = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, key.public_point().unwrap());
        let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
        let signed = format!("{header}.{claims}");
        public.verify(signed.as_bytes(), &signature).unwrap();
        assert!(public.verify(b"other", &signature).is_err());
    }

    #[test]
    fn a_key_is_read_or_refused_in_words_and_never_printed() {
        let pem = made();
        let flat = pem.replace('\n', "\\n");
        assert!(SigningKey::from_pem(&flat).is_ok());
        assert_eq!(SigningKey::from_pem("").err(), Some(KeyError::NotPem));
        let other = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----";
        assert_eq!(SigningKey::from_pem(other).err(), Some(KeyError::NotAKey));
        let printed = format!("{:?}", SigningKey::from_pem(&pem).unwrap());
        assert_eq!(printed, "SigningKey(\"ES256\")");
    }
}
