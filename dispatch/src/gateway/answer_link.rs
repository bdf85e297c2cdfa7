//! The token of a link by which a responsible person answers: whose answer it is and to which
//! warning, signed, for a time. It names nobody: a recipient's number is what the journal has, too.
//!
//! Hexadecimal, so that no mail program cuts it at a sign: version (1 byte), warning (12),
//! recipient (4), last minute (4, since 1970), HMAC-SHA-256 over all of these (the first 16).

use super::mac::keyed;
use crate::intent::RecipientNo;
use hmac::Mac;
use model::{Time, WarningId};
use std::fmt;

const VERSION: u8 = 1;
/// Bytes that are signed.
const SIGNED: usize = 21;
/// Bytes of the signature: 128 bits are not guessed.
const SIGNATURE: usize = 16;

/// What tokens are signed with. Never printed.
#[derive(Clone)]
pub struct LinkKey([u8; 32]);

/// What a token stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AnswerLink {
    /// The warning that is answered.
    pub warning: WarningId,
    /// Who answers.
    pub recipient: RecipientNo,
    /// The last minute of record time it holds in.
    pub until: Time,
}

/// Why a token is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AnswerLinkError {
    /// Not one of ours, or damaged.
    #[error("the link is not one of ours, or was cut")]
    Unknown,
    /// Past its time.
    #[error("the link is past its time")]
    Expired,
}

impl LinkKey {
    /// A key of 256 bits.
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    fn signature(&self, signed: &[u8]) -> hmac::Hmac<sha2::Sha256> {
        let mut mac = keyed(&self.0);
        mac.update(b"sanfang answer link\0");
        mac.update(signed);
        mac
    }
}

impl fmt::Debug for LinkKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LinkKey")
    }
}

impl AnswerLink {
    /// The token.
    pub fn token(&self, key: &LinkKey) -> String {
        let minute = u32::try_from(self.until.minute()).unwrap_or(0);
        let mut bytes = vec![VERSION];
        bytes.extend_from_slice(self.warning.bytes());
        bytes.extend_from_slice(&self.recipient.0.to_be_bytes());
        bytes.extend_from_slice(&minute.to_be_bytes());
        let signature = key.signature(&bytes).finalize().into_bytes();
        bytes.extend(signature.iter().take(SIGNATURE));
        hex::encode(bytes)
    }

    /// What a token stands for at record time `now`.
    ///
    /// # Errors
    /// It is not signed with `key`, or past its time.
    pub fn read(token: &str, key: &LinkKey, now: Time) -> Result<Self, AnswerLinkError> {
        let mut bytes = [0; SIGNED + SIGNATURE];
        hex::decode_to_slice(token, &mut bytes).map_err(|_| AnswerLinkError::Unknown)?;
        let (signed, signature) = bytes.split_at(SIGNED);
        let link = key.signature(signed).verify_truncated_left(signature);
        link.map_err(|_| AnswerLinkError::Unknown)?;
        let link = Self::of(signed).ok_or(AnswerLinkError::Unknown)?;
        if link.until.minute() < now.minute() {
            return Err(AnswerLinkError::Expired);
        }
        Ok(link)
    }

    fn of(signed: &[u8]) -> Option<Self> {
        let (version, rest) = signed.split_first()?;
        let (warning, rest) = rest.split_first_chunk::<12>()?;
        let (recipient, rest) = rest.split_first_chunk::<4>()?;
        let (minute, _) = rest.split_first_chunk::<4>()?;
        (*version == VERSION).then_some(Self {
            warning: WarningId::parse(&hex::encode(warning))?,
            recipient: RecipientNo(u32::from_be_bytes(*recipient)),
            until: Time::from_minute(u32::from_be_bytes(*minute).into()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const KEY: LinkKey = LinkKey::new([7; 32]);

    fn link() -> AnswerLink {
        AnswerLink {
            warning: WarningId::parse("0123456789abcdef01234567").unwrap(),
            recipient: RecipientNo(42),
            until: Time::from_minute(28_000_000),
        }
    }

    #[test]
    fn a_token_holds_to_its_last_minute_and_under_its_key_alone() {
        let token = link().token(&KEY);
        let read = |token: &str, key: &LinkKey, minute| {
            AnswerLink::read(token, key, Time::from_minute(minute))
        };
        assert_eq!(read(&token, &KEY, 28_000_000), Ok(link()));
        let late = read(&token, &KEY, 28_000_001);
        assert_eq!(late, Err(AnswerLinkError::Expired));
        let other = read(&token, &LinkKey::new([8; 32]), 28_000_000);
        assert_eq!(other, Err(AnswerLinkError::Unknown));
        // What is signed cannot be put off, nor given to somebody else.
        for at in 0..token.len() {
            let mut forged = token.clone().into_bytes();
            forged[at] = if forged[at] == b'0' { b'1' } else { b'0' };
            let forged = String::from_utf8(forged).unwrap();
            if forged != token {
                let read = read(&forged, &KEY, 0);
                assert_eq!(read, Err(AnswerLinkError::Unknown), "digit {at}");
            }
        }
        assert_eq!(read("", &KEY, 0), Err(AnswerLinkError::Unknown));
    }

    proptest! {
        #[test]
        fn nothing_that_we_did_not_sign_is_taken(token in "\\PC{0,90}|[0-9a-f]{70,76}") {
            let read = AnswerLink::read(&token, &KEY, Time::from_minute(0));
            prop_assert_eq!(read, Err(AnswerLinkError::Unknown));
        }
    }
}
