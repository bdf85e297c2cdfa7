//! Reads and writes the field types of the four protocols: integers, octet strings that end with a NUL
//! or are filled up with NULs, tagged values.

/// Why bytes are not the PDU that their header announces.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The PDU ends before the field does.
    #[error("the PDU ends inside {0}")]
    Truncated(&'static str),
    /// A string that ends with a NUL is longer than the standard allows.
    #[error("{field} is longer than {max} octets with its NUL")]
    TooLong {
        /// Field of the standard.
        field: &'static str,
        /// Octets allowed, NUL included.
        max: usize,
    },
    /// An operation that a short-message link does not use.
    #[error("command_id 0x{0:08X} is not one this link speaks")]
    UnknownCommand(u32),
    /// Octets are left where the operation has no more fields.
    #[error("{0} octets too many at the end of the PDU")]
    Trailing(usize),
}

/// A bounded cursor over the body of one PDU.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// Nothing may be left where an operation has no more fields.
    pub(super) const fn finish(&self) -> Result<(), DecodeError> {
        match self.rest.len() {
            0 => Ok(()),
            left => Err(DecodeError::Trailing(left)),
        }
    }

    pub(super) const fn rest(&self) -> &'a [u8] {
        self.rest
    }

    pub(super) fn u8(&mut self, field: &'static str) -> Result<u8, DecodeError> {
        let (first, rest) = self
            .rest
            .split_first()
            .ok_or(DecodeError::Truncated(field))?;
        self.rest = rest;
        Ok(*first)
    }

    pub(super) fn u16(&mut self, field: &'static str) -> Result<u16, DecodeError> {
        self.array(field).map(u16::from_be_bytes)
    }

    pub(super) fn u32(&mut self, field: &'static str) -> Result<u32, DecodeError> {
        self.array(field).map(u32::from_be_bytes)
    }

    pub(super) fn array<const N: usize>(
        &mut self,
        field: &'static str,
    ) -> Result<[u8; N], DecodeError> {
        let (first, rest) = self
            .rest
            .split_first_chunk()
            .ok_or(DecodeError::Truncated(field))?;
        self.rest = rest;
        Ok(*first)
    }

    /// A string in a field of `width` octets, without the NULs and spaces that fill it up.
    pub(super) fn fixed(
        &mut self,
        field: &'static str,
        width: usize,
    ) -> Result<&'a [u8], DecodeError> {
        let octets = self.take(width, field)?;
        let end = octets.iter().position(|b| *b == 0).unwrap_or(octets.len());
        Ok(octets.get(..end).unwrap_or(octets).trim_ascii_end())
    }

    /// What is left.
    pub(super) fn remaining(&mut self) -> &'a [u8] {
        std::mem::take(&mut self.rest)
    }

    pub(super) fn take(&mut self, n: usize, field: &'static str) -> Result<&'a [u8], DecodeError> {
        let (first, rest) = self
            .rest
            .split_at_checked(n)
            .ok_or(DecodeError::Truncated(field))?;
        self.rest = rest;
        Ok(first)
    }

    /// A C-octet string without its NUL; `max` counts the NUL as the standard's tables do.
    pub(super) fn c_octet(
        &mut self,
        field: &'static str,
        max: usize,
    ) -> Result<&'a [u8], DecodeError> {
        let within = self.rest.get(..max).unwrap_or(self.rest);
        let Some(end) = within.iter().position(|b| *b == 0) else {
            return Err(if within.len() == max {
                DecodeError::TooLong { field, max }
            } else {
                DecodeError::Truncated(field)
            });
        };
        let text = self.take(end, field)?;
        self.take(1, field)?;
        Ok(text)
    }
}

/// Appends a C-octet string; a NUL inside would end it early, so the text stops there.
pub(super) fn put_c_octet(text: &[u8], out: &mut Vec<u8>) {
    let end = text.iter().position(|b| *b == 0).unwrap_or(text.len());
    out.extend_from_slice(text.get(..end).unwrap_or(text));
    out.push(0);
}

/// Appends a string in a field of `width` octets, filled up with NULs; what is longer is cut.
pub(super) fn put_fixed(text: &[u8], width: usize, out: &mut Vec<u8>) {
    let end = out.len() + width;
    out.extend(text.iter().take(width));
    out.resize(end, 0);
}

/// The tagged values at the end of a packet (SMPP 3.4 §3.2.4, SMGP 3.0 §6), checked when the PDU was decoded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tlvs<'a>(&'a [u8]);

impl<'a> Tlvs<'a> {
    pub(super) fn decode(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        while !reader.is_empty() {
            reader.u16("the tag of an optional parameter")?;
            let length = reader.u16("the length of an optional parameter")?;
            reader.take(usize::from(length), "the value of an optional parameter")?;
        }
        Ok(Self(bytes))
    }

    /// The bytes as they stand on the wire.
    pub const fn as_bytes(self) -> &'a [u8] {
        self.0
    }

    /// The value of the first parameter with that tag.
    pub fn get(self, wanted: u16) -> Option<&'a [u8]> {
        let mut reader = Reader::new(self.0);
        while !reader.is_empty() {
            let tag = reader.u16("").ok()?;
            let length = reader.u16("").ok()?;
            let value = reader.take(usize::from(length), "").ok()?;
            if tag == wanted {
                return Some(value);
            }
        }
        None
    }
}

/// Appends one optional parameter; what exceeds 65,535 octets is cut.
pub fn put_tlv(tag: u16, value: &[u8], out: &mut Vec<u8>) {
    let length = u16::try_from(value.len()).unwrap_or(u16::MAX);
    out.extend_from_slice(&tag.to_be_bytes());
    out.extend_from_slice(&length.to_be_bytes());
    out.extend(value.iter().take(usize::from(length)));
}

/// The wire form of parameters written with [`put_tlv`], as [`Tlvs`]; empty where it is not one.
pub fn tlvs(bytes: &[u8]) -> Tlvs<'_> {
    Tlvs::decode(bytes).unwrap_or_default()
}
