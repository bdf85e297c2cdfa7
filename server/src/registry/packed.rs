//! The files of a city or a rulebook as one record.

use super::File;

/// Files as one payload: for each the length of its name (u32), the name, its length (u32), its
/// bytes; little-endian, LZ4 with the size before it.
pub(super) fn pack(files: &[File]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (name, content) in files {
        for part in [name.as_bytes(), content] {
            let length = u32::try_from(part.len()).unwrap_or(u32::MAX);
            bytes.extend_from_slice(&length.to_le_bytes());
            bytes.extend_from_slice(part);
        }
    }
    lz4_flex::compress_prepend_size(&bytes)
}

pub(super) fn unpack(packed: &[u8]) -> Option<Vec<File>> {
    let bytes = lz4_flex::decompress_size_prepended(packed).ok()?;
    let mut rest = bytes.as_slice();
    let mut part = || {
        let (length, after) = rest.split_first_chunk::<4>()?;
        let (part, after) =
            after.split_at_checked(usize::try_from(u32::from_le_bytes(*length)).ok()?)?;
        rest = after;
        Some(part.to_vec())
    };
    let mut files = Vec::new();
    while let Some(name) = part() {
        files.push((String::from_utf8(name).ok()?, part()?));
    }
    rest.is_empty().then_some(files)
}
