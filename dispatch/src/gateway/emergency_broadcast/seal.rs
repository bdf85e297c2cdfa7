//! The signature of a package: SM2 over SM3 (GM/T 0003, GM/T 0004), of the bytes of its document.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sm2::dsa::SigningKey;
use sm2::dsa::signature::Signer;
use std::fmt;

/// The signer's identity where nothing else is agreed (GM/T 0009 §10).
const IDENTITY: &str = "1234567812345678";

/// A key that signs packages. Never printed.
pub struct Sealer(SigningKey);

/// Why a key cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// Not a key.
    #[error("it is no SM2 private key: 64 hexadecimal digits, and no other file")]
    NotAKey,
    /// The signature failed.
    #[error("the key does not sign")]
    DoesNotSign,
}

impl Sealer {
    /// A private key: its number in 64 hexadecimal digits.
    ///
    /// # Errors
    /// It is none.
    pub fn from_hex(text: &str) -> Result<Self, SealError> {
        let bytes = hex::decode(text.trim()).map_err(|_| SealError::NotAKey)?;
        let key = SigningKey::from_slice(IDENTITY, &bytes).map_err(|_| SealError::NotAKey)?;
        Ok(Self(key))
    }

    /// The signature in base64: both numbers, 32 bytes each. The same bytes give the same signature.
    ///
    /// # Errors
    /// The key does not sign.
    pub fn seal(&self, bytes: &[u8]) -> Result<String, SealError> {
        let signature = self.0.try_sign(bytes).map_err(|_| SealError::DoesNotSign)?;
        Ok(STANDARD.encode(signature.to_bytes()))
    }
}

impl fmt::Debug for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sealer(SM2)")
    }
}
