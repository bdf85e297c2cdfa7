//! Some people of an audience by their numbers, small enough to stand in an intent.

use super::RecipientNo;
use crate::ledger::varint;
use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD as BASE64;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::sync::Arc;

/// Recipients in ascending order, each once. One stands as its number; several as base64 of the
/// differences, each of variable length (seven bits a byte, the lowest first). Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recipients(Arc<[RecipientNo]>);

impl Recipients {
    /// Most that one intent names: a record of some 200 KB.
    pub const MAX: usize = 65_536;

    /// These, in whatever order they come; those beyond [`Recipients::MAX`] are left out.
    pub fn of(mut recipients: Vec<RecipientNo>) -> Self {
        recipients.sort_unstable();
        recipients.dedup();
        recipients.truncate(Self::MAX);
        Self(recipients.into())
    }

    /// Who they are.
    pub fn all(&self) -> &[RecipientNo] {
        &self.0
    }

    /// Whether somebody is one of them.
    pub fn has(&self, recipient: RecipientNo) -> bool {
        self.0.binary_search(&recipient).is_ok()
    }

    /// How they are named in an identity.
    pub(super) fn name(&self) -> String {
        match *self.0 {
            [only] => only.0.to_string(),
            _ => self.packed(),
        }
    }

    fn packed(&self) -> String {
        let mut bytes = Vec::with_capacity(self.0.len() * 2);
        let mut last = 0;
        for recipient in &*self.0 {
            varint::put(&mut bytes, u64::from(recipient.0 - last));
            last = recipient.0;
        }
        BASE64.encode(bytes)
    }

    fn unpacked(text: &str) -> Option<Self> {
        let bytes = BASE64.decode(text).ok()?;
        let mut rest = bytes.as_slice();
        let (mut all, mut last) = (Vec::new(), 0_u32);
        while !rest.is_empty() {
            let step = u32::try_from(varint::take(&mut rest)?).ok()?;
            if all.len() >= Self::MAX || (step == 0 && !all.is_empty()) {
                return None;
            }
            last = last.checked_add(step)?;
            all.push(RecipientNo(last));
        }
        Some(Self(all.into()))
    }
}

impl Serialize for Recipients {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match *self.0 {
            [only] => only.serialize(serializer),
            _ => serializer.serialize_str(&self.packed()),
        }
    }
}

impl<'de> Deserialize<'de> for Recipients {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Stored {
            One(RecipientNo),
            Several(String),
        }
        match Stored::deserialize(deserializer)? {
            Stored::One(only) => Ok(Self([only].into())),
            Stored::Several(text) => Self::unpacked(&text).ok_or_else(|| {
                serde::de::Error::custom("these are not base64 of ascending recipient numbers")
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(numbers: &[u32]) -> Recipients {
        Recipients::of(numbers.iter().copied().map(RecipientNo).collect())
    }

    #[test]
    fn one_stands_as_a_number_as_it_did_before_there_could_be_several() {
        assert_eq!(serde_json::to_string(&of(&[7])).unwrap(), "7");
        assert_eq!(serde_json::from_str::<Recipients>("7").unwrap(), of(&[7]));
        assert_eq!(of(&[7]).name(), "7");
        assert_ne!(of(&[7, 9]).name(), of(&[7, 10]).name());
    }

    #[test]
    fn what_is_no_list_is_refused() {
        // Not base64; the same twice; beyond the last number; cut short.
        for text in ["\"!\"", "\"BwA\"", "\"/////w8B\"", "\"gA\"", "-1"] {
            assert!(serde_json::from_str::<Recipients>(text).is_err(), "{text}");
        }
    }

    #[test]
    fn as_many_as_one_intent_names_and_no_more() {
        let all: Vec<u32> = (0..70_000).map(|n| n * 5).collect();
        let known = of(&all);
        assert_eq!(known.all().len(), Recipients::MAX);
        assert!(serde_json::to_vec(&known).unwrap().len() < 200_000);
    }

    proptest! {
        #[test]
        fn a_list_is_read_as_it_was_written(numbers in proptest::collection::vec(any::<u32>(), 0..50)) {
            let known = of(&numbers);
            let text = serde_json::to_string(&known).unwrap();
            prop_assert_eq!(&serde_json::from_str::<Recipients>(&text).unwrap(), &known);
            for number in numbers {
                prop_assert!(known.has(RecipientNo(number)));
            }
        }
    }
}
