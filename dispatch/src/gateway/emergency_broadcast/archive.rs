//! The package that travels: a TAR (POSIX ustar) of a few small files.

use std::fmt::Write;

/// Bytes of a block: of a head, and what contents are filled up to.
const BLOCK: usize = 512;
/// Bytes of a package at most, either way.
pub const BYTES_MAX: usize = 1 << 20;
/// Files of a package that are looked at.
const FILES_MAX: usize = 16;

/// Why bytes are no package.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ArchiveError {
    /// Longer than anybody's answer.
    #[error("more than {BYTES_MAX} bytes")]
    TooLong,
    /// Not a TAR, or half of one.
    #[error("no TAR: the head at byte {0} is broken")]
    Head(usize),
    /// More than an answer has.
    #[error("more than {FILES_MAX} files")]
    TooMany,
}

/// A package of these files, each last changed at `seconds` since the epoch: the same files give the
/// same bytes.
pub fn pack(files: &[(String, Vec<u8>)], seconds: i64) -> Vec<u8> {
    let mut out = Vec::new();
    for (name, content) in files {
        let mut head = [0; BLOCK];
        let mut field = |at: usize, bytes: &[u8]| {
            let to = head.iter_mut().skip(at);
            to.zip(bytes).for_each(|(to, from)| *to = *from);
        };
        let mut octal = |at: usize, width: usize, value: u64| {
            let mut text = String::new();
            // Writing to memory cannot fail.
            let _ = write!(text, "{value:0width$o}");
            field(at, text.as_bytes());
        };
        octal(100, 7, 0o644);
        octal(108, 7, 0);
        octal(116, 7, 0);
        octal(124, 11, content.len() as u64);
        octal(136, 11, u64::try_from(seconds).unwrap_or(0));
        field(0, name.as_bytes().get(..100).unwrap_or(name.as_bytes()));
        field(148, b"        ");
        field(156, b"0");
        field(257, b"ustar\0");
        field(263, b"00");
        let sum: u64 = head.iter().map(|byte| u64::from(*byte)).sum();
        let mut text = String::new();
        let _ = write!(text, "{sum:06o}");
        let sum = text.bytes().chain([0, b' ']);
        let to = head.iter_mut().skip(148);
        to.zip(sum).for_each(|(to, from)| *to = from);
        out.extend(head);
        out.extend(content);
        out.resize(out.len().next_multiple_of(BLOCK), 0);
    }
    // Two empty blocks end it.
    out.resize(out.len() + 2 * BLOCK, 0);
    out
}

/// The files of a package: names and contents.
///
/// # Errors
/// See [`ArchiveError`].
pub fn unpack(bytes: &[u8]) -> Result<Vec<(String, &[u8])>, ArchiveError> {
    if bytes.len() > BYTES_MAX {
        return Err(ArchiveError::TooLong);
    }
    let mut files = Vec::new();
    let mut at = 0;
    while let Some(head) = bytes.get(at..at + BLOCK) {
        if head.iter().all(|byte| *byte == 0) {
            return Ok(files);
        }
        let broken = ArchiveError::Head(at);
        let field = |from: usize, to: usize| head.get(from..to).unwrap_or_default();
        let number = |from: usize, to: usize| {
            let text = std::str::from_utf8(field(from, to)).ok()?;
            let digits = text.trim_matches([' ', '\0']);
            usize::from_str_radix(digits, 8).ok()
        };
        let sum = head.iter().enumerate();
        let sum = sum.map(|(place, byte)| match place {
            148..156 => usize::from(b' '),
            _ => usize::from(*byte),
        });
        if number(148, 156) != Some(sum.sum()) {
            return Err(broken);
        }
        let length = number(124, 136).ok_or(broken)?;
        let from = at + BLOCK;
        let end = from.checked_add(length).ok_or(broken)?;
        let content = bytes.get(from..end).ok_or(broken)?;
        if files.len() == FILES_MAX {
            return Err(ArchiveError::TooMany);
        }
        let name = field(0, 100);
        let name = name.split(|byte| *byte == 0).next().unwrap_or_default();
        // A plain file; folders and the like hold nothing.
        if matches!(head.get(156), Some(b'0' | 0)) {
            files.push((String::from_utf8_lossy(name).into_owned(), content));
        }
        at = end.next_multiple_of(BLOCK);
    }
    match at == bytes.len() && !files.is_empty() {
        true => Ok(files),
        false => Err(ArchiveError::Head(at)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_packed_comes_back() {
        let files = [
            ("EBDB_1.xml".to_owned(), b"<EBD/>".to_vec()),
            ("EBDS_EBDB_1.xml".to_owned(), vec![7; 1024]),
            ("empty".to_owned(), Vec::new()),
        ];
        let bytes = pack(&files, 1_700_000_000);
        assert_eq!(bytes.len() % BLOCK, 0);
        let found = unpack(&bytes).unwrap();
        let found: Vec<_> = found
            .into_iter()
            .map(|(name, bytes)| (name, bytes.to_vec()))
            .collect();
        assert_eq!(found, files);
        assert!(unpack(&bytes[..700]).is_err());
        let mut broken = bytes;
        broken[3] ^= 1;
        assert_eq!(unpack(&broken), Err(ArchiveError::Head(0)));
        assert_eq!(unpack(&[]), Err(ArchiveError::Head(0)));
    }

    proptest! {
        #[test]
        fn never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..2_000), at in 0usize..2_000, with: u8) {
            let _ = unpack(&bytes);
            let mut package = pack(&[("a".into(), bytes)], 0);
            let at = at % package.len();
            package[at] = with;
            let _ = unpack(&package);
        }
    }
}
