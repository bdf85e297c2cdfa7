//! One message sealed for one browser: `aes128gcm` (RFC 8188) under keys agreed as RFC 8291 says.
//!
//! HKDF-SHA-256 is two HMACs for each key here, so it is written out. Randomness is the system's,
//! through the provider of TLS: a key pair and a salt for each message.

use crate::gateway::mac::keyed;
use aes_gcm::aead::{Aead, KeyInit};
use aes_gcm::{Aes128Gcm, Nonce};
use hmac::Mac;
use ring::agreement::{self, ECDH_P256, EphemeralPrivateKey, UnparsedPublicKey};
use ring::rand::{SecureRandom, SystemRandom};

/// Bytes of an uncompressed P-256 point.
pub const POINT_BYTES: usize = 65;
/// Bytes of a subscription's secret.
pub const SECRET_BYTES: usize = 16;
/// What sealing adds to a message: header, one byte that says "last record", tag.
pub const OVERHEAD_BYTES: usize = 16 + 4 + 1 + POINT_BYTES + 1 + 16;
/// Longest sealed message that every push service takes (RFC 8030 §7.2).
pub const SEALED_BYTES_MAX: usize = 4096;
/// Longest message before it is sealed.
pub const CLEAR_BYTES_MAX: usize = SEALED_BYTES_MAX - OVERHEAD_BYTES;

/// Why a message could not be sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// The browser's key is not a point of the curve.
    #[error("the subscription's p256dh is not a P-256 key")]
    Key,
    /// The message is longer than a service takes.
    #[error("the message is longer than {CLEAR_BYTES_MAX} bytes")]
    Long,
    /// The system gave no randomness, or the cipher failed.
    #[error("the cipher failed")]
    Cipher,
}

/// Seals `clear` for the browser with that key and secret.
///
/// # Errors
/// See [`SealError`].
pub fn seal(
    browser: &[u8; POINT_BYTES],
    secret: &[u8; SECRET_BYTES],
    clear: &[u8],
) -> Result<Vec<u8>, SealError> {
    let random = SystemRandom::new();
    let mut salt = [0; 16];
    random.fill(&mut salt).map_err(|_| SealError::Cipher)?;
    let own = EphemeralPrivateKey::generate(&ECDH_P256, &random).map_err(|_| SealError::Cipher)?;
    let public = own.compute_public_key().map_err(|_| SealError::Cipher)?;
    let public: [u8; POINT_BYTES] = public.as_ref().try_into().map_err(|_| SealError::Cipher)?;
    let theirs = UnparsedPublicKey::new(&ECDH_P256, browser);
    agreement::agree_ephemeral(own, &theirs, |shared| {
        with_shared(shared, browser, &public, secret, &salt, clear)
    })
    .map_err(|_| SealError::Key)?
}

/// The sealed message once both sides agreed on `shared`.
fn with_shared(
    shared: &[u8],
    browser: &[u8; POINT_BYTES],
    own: &[u8; POINT_BYTES],
    secret: &[u8; SECRET_BYTES],
    salt: &[u8; 16],
    clear: &[u8],
) -> Result<Vec<u8>, SealError> {
    if clear.len() > CLEAR_BYTES_MAX {
        return Err(SealError::Long);
    }
    let material = hkdf(secret, shared, &[b"WebPush: info\0", browser, own]);
    let key = hkdf(salt, &material, &[b"Content-Encoding: aes128gcm\0"]);
    let nonce = hkdf(salt, &material, &[b"Content-Encoding: nonce\0"]);
    let (key, nonce) = (key.first_chunk::<16>(), nonce.first_chunk::<12>());
    let (Some(key), Some(nonce)) = (key, nonce) else {
        return Err(SealError::Cipher);
    };
    // One record, the last one: its end is marked by 2.
    let mut record = clear.to_vec();
    record.push(2);
    let cipher = Aes128Gcm::new(key.into());
    let sealed = cipher.encrypt(Nonce::from_slice(nonce), record.as_slice());
    let sealed = sealed.map_err(|_| SealError::Cipher)?;
    let mut out = Vec::with_capacity(sealed.len() + OVERHEAD_BYTES);
    out.extend_from_slice(salt);
    out.extend_from_slice(&(SEALED_BYTES_MAX as u32).to_be_bytes());
    out.push(POINT_BYTES as u8);
    out.extend_from_slice(own);
    out.extend_from_slice(&sealed);
    Ok(out)
}

/// RFC 5869 with SHA-256, for one block of output.
fn hkdf(salt: &[u8], material: &[u8], info: &[&[u8]]) -> [u8; 32] {
    let mut extract = keyed(salt);
    extract.update(material);
    let mut expand = keyed(&extract.finalize().into_bytes());
    for part in info {
        expand.update(part);
    }
    expand.update(&[1]);
    expand.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use proptest::prelude::*;

    fn bytes<const N: usize>(text: &str) -> [u8; N] {
        URL_SAFE_NO_PAD.decode(text).unwrap().try_into().unwrap()
    }

    /// RFC 8291, appendix A: from the agreed secret on, byte for byte.
    #[test]
    fn the_rfcs_own_message() {
        let shared = URL_SAFE_NO_PAD
            .decode("kyrL1jIIOHEzg3sM2ZWRHDRB62YACZhhSlknJ672kSs")
            .unwrap();
        let browser = bytes::<POINT_BYTES>(
            "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4",
        );
        let own = bytes::<POINT_BYTES>(
            "BP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A8",
        );
        let sealed = with_shared(
            &shared,
            &browser,
            &own,
            &bytes("BTBZMqHH6r4Tts7J_aSIgg"),
            &bytes("DGv6ra1nlYgDCS1FRnbzlw"),
            b"When I grow up, I want to be a watermelon",
        );
        assert_eq!(
            URL_SAFE_NO_PAD.encode(sealed.unwrap()),
            "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27ml\
             mlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPT\
             pK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
        );
    }

    #[test]
    fn two_sealings_of_one_message_are_not_alike() {
        let browser = bytes::<POINT_BYTES>(
            "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4",
        );
        let one = seal(&browser, &[7; 16], b"x").unwrap();
        let two = seal(&browser, &[7; 16], b"x").unwrap();
        assert_ne!(one, two);
        assert_eq!(one.len(), 1 + OVERHEAD_BYTES);
        assert_eq!(
            seal(&[4; POINT_BYTES], &[7; 16], b"x"),
            Err(SealError::Key),
            "not on the curve"
        );
    }

    proptest! {
        #[test]
        fn a_message_fits_or_is_refused(length in 0usize..5000, secret in any::<[u8; 16]>()) {
            let browser = bytes::<POINT_BYTES>(
                "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4",
            );
            match seal(&browser, &secret, &vec![b'a'; length]) {
                Ok(sealed) => prop_assert!(sealed.len() <= SEALED_BYTES_MAX),
                Err(error) => {
                    prop_assert_eq!(error, SealError::Long);
                    prop_assert!(length > CLEAR_BYTES_MAX);
                }
            }
        }
    }
}
