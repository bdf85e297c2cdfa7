//! CAP 1.2: our warnings as documents others can trust, and others' documents as signals.
//!
//! Writing is pure and deterministic: the same act gives the same bytes, so what is signed, stored
//! and sent is one thing. Sources: OASIS CAP 1.2, GB/T 35965.1 (the national profile), semantics §25.

mod canonical;
pub mod document;
pub mod feed;
pub mod mint;
pub mod poll;
pub mod read;
pub mod shape;
pub mod signature;
pub mod tree;

pub use document::{Act, CapDocument, MessageType, Purpose, Reference, Words, WriteError, alert};
pub use mint::Mint;
pub use read::{Cover, ReadError, read};
pub use shape::CapArea;
pub use signature::{CapSigner, SignatureFault, SignerError, Signers};

use model::{Named, Offset, Time};

/// An authority as CAP names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authority {
    code: String,
    sender: String,
    /// CAP `senderName` by language.
    pub name: Named,
    /// CAP `contact`: where a reader can verify; may be empty.
    pub contact: String,
    /// CAP `web`; may be empty.
    pub web: String,
}

/// Why an authority cannot send CAP.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AuthorityError {
    /// Not `ZZZZZZDDDUUUXX`.
    #[error(
        "authority code {0:?} is not 14 digits: 6 of area (GB/T 2260), 3 of agency (GB/T 4657), \
         3 of sub-unit, 2 of extension, such as 44010041600000"
    )]
    Code(String),
    /// CAP 1.2 §3.2.1: no spaces, commas or restricted characters.
    #[error("sender {0:?} is empty or has a space, a comma, `<` or `&`, which CAP 1.2 forbids")]
    Sender(String),
}

impl Authority {
    /// Checks the parts that CAP and the national profile restrict.
    ///
    /// # Errors
    /// The code is not 14 digits, or the sender holds a character that would break `references`.
    pub fn new(code: &str, sender: &str, name: Named) -> Result<Self, AuthorityError> {
        if code.len() != 14 || !code.bytes().all(|b| b.is_ascii_digit()) {
            return Err(AuthorityError::Code(code.to_owned()));
        }
        let forbidden = |c: char| c.is_whitespace() || matches!(c, ',' | '<' | '&');
        if sender.is_empty() || sender.contains(forbidden) {
            return Err(AuthorityError::Sender(sender.to_owned()));
        }
        Ok(Self {
            code: code.to_owned(),
            sender: sender.to_owned(),
            name,
            contact: String::new(),
            web: String::new(),
        })
    }

    /// `ZZZZZZDDDUUUXX`.
    pub fn code(&self) -> &str {
        &self.code
    }

    /// CAP `sender`.
    pub fn sender(&self) -> &str {
        &self.sender
    }
}

/// CAP 1.2 §3.3.2 `DateTime`: whole seconds with an offset, and never `Z`.
pub fn cap_time(time: Time, offset: Offset) -> String {
    let text = time.display(offset);
    if offset == Offset(0) {
        // CAP writes UTC as minus zero.
        return text.replace("+00:00", "-00:00");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_carry_an_offset() {
        let time = Time::parse("2023-09-07T13:04:00+08:00").unwrap().0;
        assert_eq!(cap_time(time, Offset(480)), "2023-09-07T13:04:00+08:00");
        assert_eq!(cap_time(time, Offset(0)), "2023-09-07T05:04:00-00:00");
    }

    #[test]
    fn authorities_are_checked() {
        let name = Named::default;
        assert!(Authority::new("44010041600000", "a@b.cn", name()).is_ok());
        assert!(Authority::new("4401004160000", "a@b.cn", name()).is_err());
        assert!(Authority::new("44010041600000", "a b", name()).is_err());
        assert!(Authority::new("44010041600000", "", name()).is_err());
    }
}
