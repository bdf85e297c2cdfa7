//! Little-endian bytes read from the front; every read is `None` where too few are left.

/// What is left to be read.
pub(crate) struct Reader<'a> {
    pub(crate) rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(crate) fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(count)?;
        self.rest = rest;
        Some(taken)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    pub(crate) fn u8(&mut self) -> Option<u8> {
        self.array().map(|[byte]| byte)
    }

    pub(crate) fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_le_bytes)
    }

    pub(crate) fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }

    pub(crate) fn i32(&mut self) -> Option<i32> {
        self.array().map(i32::from_le_bytes)
    }

    pub(crate) fn i64(&mut self) -> Option<i64> {
        self.array().map(i64::from_le_bytes)
    }

    /// So many numbers of two bytes.
    pub(crate) fn u16s(&mut self, count: usize) -> Option<Vec<u16>> {
        let bytes = self.take(count.checked_mul(2)?)?;
        let pairs = bytes.as_chunks::<2>().0;
        Some(pairs.iter().map(|pair| u16::from_le_bytes(*pair)).collect())
    }

    /// Fills all places with numbers of two bytes.
    pub(crate) fn u16s_into(&mut self, places: &mut [u16]) -> Option<()> {
        let pairs = self.take(places.len().checked_mul(2)?)?.as_chunks::<2>().0;
        for (place, pair) in places.iter_mut().zip(pairs) {
            *place = u16::from_le_bytes(*pair);
        }
        Some(())
    }
}

/// Appends numbers of two bytes.
pub(crate) fn put_u16s(bytes: &mut Vec<u8>, numbers: &[u16]) {
    let at = bytes.len();
    bytes.resize(at + numbers.len() * 2, 0);
    let places = bytes.get_mut(at..).unwrap_or_default().as_chunks_mut::<2>();
    for (place, number) in places.0.iter_mut().zip(numbers) {
        *place = number.to_le_bytes();
    }
}
