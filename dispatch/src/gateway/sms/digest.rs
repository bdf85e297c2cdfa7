//! The login digests of CMPP and SMGP: MD5, as the standards want it. They keep a password off the
//! wire and no more; a link that leaves the building needs a tunnel.

use super::codec::Digest;
use md5::{Digest as _, Md5};

/// `MD5(account + zeros + secret + timestamp)`, the timestamp as ten decimal digits.
pub(crate) fn of_client(account: &[u8], zeros: usize, secret: &[u8], stamp: u32) -> Digest {
    let mut md5 = Md5::new();
    md5.update(account);
    for _ in 0..zeros {
        md5.update([0]);
    }
    md5.update(secret);
    md5.update(format!("{stamp:010}"));
    md5.finalize().into()
}

/// `MD5(status + client's digest + secret)`, the status in so many octets.
pub(crate) fn of_server(status: &[u8], client: &Digest, secret: &[u8]) -> Digest {
    let mut md5 = Md5::new();
    md5.update(status);
    md5.update(client);
    md5.update(secret);
    md5.finalize().into()
}

/// Whether the far side knows the secret. Some take the status as one octet, some as four.
pub(crate) fn vouches(status: u32, proof: &Digest, client: &Digest, secret: &[u8]) -> bool {
    let wide = status.to_be_bytes();
    let narrow = wide.last_chunk::<1>().copied().unwrap_or_default();
    [&wide[..], &narrow[..]]
        .iter()
        .any(|status| of_server(status, client, secret) == *proof)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From gocmpp's tests: account 900001, secret 888888, 1021080510.
    #[test]
    fn the_published_digest_comes_out() {
        let digest = of_client(b"900001", 9, b"888888", 1_021_080_510);
        assert_eq!(hex::encode(digest), "90d00c1d517abd0b4f65f6bcf8535d16");
    }

    #[test]
    fn a_far_side_vouches_in_either_width_and_a_stranger_in_none() {
        let client = [7; 16];
        for status in [&[0_u8][..], &[0, 0, 0, 0]] {
            let proof = of_server(status, &client, b"secret");
            assert!(vouches(0, &proof, &client, b"secret"));
            assert!(!vouches(0, &proof, &client, b"other"));
            assert!(!vouches(3, &proof, &client, b"secret"));
        }
    }
}
