//! HMAC-SHA256 (RFC 2104) as webhooks and device commands are signed.

use hmac::digest::KeyInit;
use hmac::{Hmac, Mac};
use sha2::{Digest, Sha256};

/// A keyed hash that bytes can be fed into.
pub(crate) fn keyed(secret: &[u8]) -> Hmac<Sha256> {
    // Padding to the block by hand, as RFC 2104 §2 does, gives a key that cannot be refused.
    let mut block = [0; 64];
    let digest;
    let key: &[u8] = if secret.len() > block.len() {
        digest = Sha256::digest(secret);
        &digest
    } else {
        secret
    };
    block.iter_mut().zip(key).for_each(|(to, from)| *to = *from);
    <Hmac<Sha256> as KeyInit>::new(&block.into())
}

/// Hexadecimal HMAC over the parts, each with its length before it: no two lists of parts are one.
pub(crate) fn sign_parts(secret: &[u8], parts: &[&str]) -> String {
    hex::encode(over(secret, parts).finalize().into_bytes())
}

/// True where `signature` is [`sign_parts`] of the same; compared in constant time.
pub(crate) fn verify_parts(secret: &[u8], parts: &[&str], signature: &str) -> bool {
    hex::decode(signature).is_ok_and(|given| over(secret, parts).verify_slice(&given).is_ok())
}

fn over(secret: &[u8], parts: &[&str]) -> Hmac<Sha256> {
    let mut mac = keyed(secret);
    for part in parts {
        mac.update(&(part.len() as u64).to_be_bytes());
        mac.update(part.as_bytes());
    }
    mac
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_rfc_4231() {
        let hex = |key: &[u8], text: &[u8]| {
            let mut mac = keyed(key);
            mac.update(text);
            hex::encode(mac.finalize().into_bytes())
        };
        assert_eq!(
            hex(b"Jefe", b"what do ya want for nothing?"),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
        assert_eq!(
            hex(
                &[0xaa; 131],
                b"Test Using Larger Than Block-Size Key - Hash Key First"
            ),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
        );
    }

    #[test]
    fn parts_do_not_run_together() {
        let signature = sign_parts(b"k", &["ab", "c"]);
        assert!(verify_parts(b"k", &["ab", "c"], &signature));
        assert!(!verify_parts(b"k", &["a", "bc"], &signature));
        assert!(!verify_parts(b"k", &["ab", "c"], "zz"));
        assert!(!verify_parts(b"k", &["ab", "c"], ""));
    }
}
