//! The small text file that says which segments count, replaced as a whole.

use super::frame::crc;
use super::medium::Medium;
use super::segment::SegmentId;
use super::store::is_full;
use crate::JournalError;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::io;

const NAME: &str = "manifest";
const NEXT: &str = "manifest.new";
const FIRST_LINE: &str = "sanfang-journal 1";

/// The log from a first segment on, and the kept segments with the length of each that counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Manifest {
    /// Number of the log's oldest segment; those after it follow without a gap.
    pub(crate) log_first: u32,
    /// Segments outside the log: records that outlived theirs, or whole segments of such.
    pub(crate) kept: BTreeMap<SegmentId, u64>,
    /// The number the next new kept segment gets.
    pub(crate) kept_next: u32,
}

impl Manifest {
    /// That of an empty journal.
    pub(crate) fn new() -> Self {
        Self {
            log_first: 1,
            kept: BTreeMap::new(),
            kept_next: 1,
        }
    }

    /// The stored one; `None` when there is none.
    pub(crate) fn load(medium: &dyn Medium) -> Result<Option<Self>, JournalError> {
        let fail = |source| JournalError::file("read", NAME, source);
        let file = match medium.open(NAME) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(fail(error)),
        };
        let len = usize::try_from(file.length().map_err(fail)?).unwrap_or(usize::MAX);
        let mut bytes = vec![0; len];
        file.read_at(&mut bytes, 0).map_err(fail)?;
        let text = String::from_utf8_lossy(&bytes);
        Self::parse(&text).map(Some).ok_or_else(|| {
            JournalError::corrupt(NAME, 0, "its lines do not match its checksum or format")
        })
    }

    /// Replaces the stored one; durable when this returns.
    pub(crate) fn store(&self, medium: &dyn Medium) -> Result<(), JournalError> {
        let fail = |source| JournalError::file("replace", NAME, source);
        let text = self.text();
        // Until it is renamed the one before stands: where there is no space nothing has changed.
        let unwritten = |source| {
            if is_full(&source) {
                let needed = text.len() as u64;
                return JournalError::DiskFull { free: 0, needed };
            }
            fail(source)
        };
        let file = medium.create(NEXT).map_err(unwritten)?;
        file.write_at(text.as_bytes(), 0).map_err(unwritten)?;
        file.sync().map_err(fail)?;
        medium.rename(NEXT, NAME).map_err(fail)?;
        medium.sync_names().map_err(fail)
    }

    fn text(&self) -> String {
        let mut text = String::new();
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{FIRST_LINE}");
        let _ = writeln!(text, "log-first {}", self.log_first);
        let _ = writeln!(text, "kept-next {}", self.kept_next);
        for (id, len) in &self.kept {
            let _ = writeln!(text, "kept {id} {len}");
        }
        let check = crc(text.as_bytes());
        let _ = writeln!(text, "crc {check:08x}");
        text
    }

    fn parse(text: &str) -> Option<Self> {
        let (body, check) = text.split_at(text.rfind("crc ")?);
        let check = u32::from_str_radix(check.strip_prefix("crc ")?.trim_end(), 16).ok()?;
        if check != crc(body.as_bytes()) {
            return None;
        }
        let mut lines = body.lines();
        if lines.next()? != FIRST_LINE {
            return None;
        }
        let log_first = lines.next()?.strip_prefix("log-first ")?.parse().ok()?;
        let kept_next = lines.next()?.strip_prefix("kept-next ")?.parse().ok()?;
        let mut kept = BTreeMap::new();
        for line in lines {
            let (name, len) = line.strip_prefix("kept ")?.split_once(' ')?;
            kept.insert(SegmentId::from_name(name)?, len.parse().ok()?);
        }
        Some(Self {
            log_first,
            kept,
            kept_next,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comes_back_and_refuses_changes() {
        let mut manifest = Manifest::new();
        manifest.kept.insert(SegmentId::log(3), 17);
        manifest.kept.insert(SegmentId::kept(1), 99);
        manifest.log_first = 4;
        let text = manifest.text();
        assert_eq!(Manifest::parse(&text), Some(manifest));
        assert_eq!(
            Manifest::parse(&text.replace("log-first 4", "log-first 5")),
            None
        );
        assert_eq!(Manifest::parse(""), None);
    }
}
