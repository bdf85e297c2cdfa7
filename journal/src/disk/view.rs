//! A journal looked at from outside: its files are read and never touched, whoever holds them.
//!
//! Recovery cuts torn tails and begins a segment; over this medium it does so in memory. What a
//! running process wrote and synced before is seen; what it writes meanwhile may be.

use super::medium::{Blocks, Medium};
use crate::JournalError;
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The files of a directory with changes that live in memory.
pub(crate) struct View {
    directory: PathBuf,
    /// By name; `None` where a file of the directory was taken away.
    names: Mutex<BTreeMap<String, Option<Arc<Sheet>>>>,
}

/// A file with what was written over it.
struct Sheet {
    below: Option<File>,
    state: Mutex<Written>,
}

#[derive(Default)]
struct Written {
    length: u64,
    /// Up to here the bytes of the file below count.
    below_end: u64,
    /// Writes in their order, each with where it begins.
    patches: Vec<(u64, Vec<u8>)>,
}

/// Told to those who ask for room: nothing is written to the disk.
const FREE: u64 = 1 << 40;

impl View {
    /// Looks at `directory`.
    pub(crate) fn open(directory: &Path) -> Result<Self, JournalError> {
        let name = directory.display().to_string();
        if !directory.join("manifest").exists() {
            let none = io::Error::new(io::ErrorKind::NotFound, "there is no journal");
            return Err(JournalError::file("look at", &name, none));
        }
        Ok(Self {
            directory: directory.to_owned(),
            names: Mutex::default(),
        })
    }

    fn sheet(&self, name: &str) -> io::Result<Arc<Sheet>> {
        let mut names = self.names.lock();
        match names.get(name) {
            Some(Some(sheet)) => return Ok(Arc::clone(sheet)),
            Some(None) => return Err(io::ErrorKind::NotFound.into()),
            None => {}
        }
        let below = File::open(self.directory.join(name))?;
        let length = below.metadata()?.len();
        let sheet = Arc::new(Sheet {
            below: Some(below),
            state: Mutex::new(Written {
                length,
                below_end: length,
                patches: Vec::new(),
            }),
        });
        names.insert(name.to_owned(), Some(Arc::clone(&sheet)));
        Ok(sheet)
    }
}

impl Medium for View {
    fn create(&self, name: &str) -> io::Result<Arc<dyn Blocks>> {
        let sheet = Arc::new(Sheet {
            below: None,
            state: Mutex::default(),
        });
        let kept = Some(Arc::clone(&sheet));
        self.names.lock().insert(name.to_owned(), kept);
        Ok(sheet)
    }

    fn open(&self, name: &str) -> io::Result<Arc<dyn Blocks>> {
        Ok(self.sheet(name)?)
    }

    fn list(&self) -> io::Result<Vec<String>> {
        let mut all: BTreeMap<String, bool> = BTreeMap::new();
        for entry in std::fs::read_dir(&self.directory)? {
            if let Ok(name) = entry?.file_name().into_string()
                && name != super::medium::LOCK
            {
                all.insert(name, true);
            }
        }
        for (name, sheet) in &*self.names.lock() {
            all.insert(name.clone(), sheet.is_some());
        }
        let there = all.into_iter().filter(|(_, there)| *there);
        Ok(there.map(|(name, _)| name).collect())
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let sheet = self.sheet(from)?;
        let mut names = self.names.lock();
        names.insert(from.to_owned(), None);
        names.insert(to.to_owned(), Some(sheet));
        Ok(())
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.names.lock().insert(name.to_owned(), None);
        Ok(())
    }

    fn sync_names(&self) -> io::Result<()> {
        Ok(())
    }

    fn free_bytes(&self) -> io::Result<u64> {
        Ok(FREE)
    }
}

impl Blocks for Sheet {
    fn write_at(&self, bytes: &[u8], at: u64) -> io::Result<()> {
        let mut state = self.state.lock();
        state.length = state.length.max(at + bytes.len() as u64);
        state.patches.push((at, bytes.to_vec()));
        Ok(())
    }

    fn read_at(&self, bytes: &mut [u8], at: u64) -> io::Result<usize> {
        let state = self.state.lock();
        let there = usize::try_from(state.length.saturating_sub(at)).unwrap_or(usize::MAX);
        let wanted = bytes.len().min(there);
        let Some(bytes) = bytes.get_mut(..wanted) else {
            return Ok(0);
        };
        bytes.fill(0);
        if let Some(below) = &self.below {
            let held = usize::try_from(state.below_end.saturating_sub(at)).unwrap_or(usize::MAX);
            let mut done = 0;
            while let Some(rest) = bytes
                .get_mut(done..held.min(wanted))
                .filter(|rest| !rest.is_empty())
            {
                match below.read_at(rest, at + done as u64) {
                    Ok(0) => break,
                    Ok(count) => done += count,
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(error) => return Err(error),
                }
            }
        }
        for (start, patch) in &state.patches {
            lay(bytes, at, patch, *start);
        }
        Ok(wanted)
    }

    fn sync(&self) -> io::Result<()> {
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let mut state = self.state.lock();
        state.below_end = state.below_end.min(len);
        for (at, patch) in &mut state.patches {
            patch.truncate(usize::try_from(len.saturating_sub(*at)).unwrap_or(usize::MAX));
        }
        state.length = len;
        Ok(())
    }

    fn length(&self) -> io::Result<u64> {
        Ok(self.state.lock().length)
    }
}

/// Lays the part of `patch` that falls into `bytes` over them.
fn lay(bytes: &mut [u8], at: u64, patch: &[u8], start: u64) {
    let end = at + bytes.len() as u64;
    let (from, to) = (start.max(at), (start + patch.len() as u64).min(end));
    if from >= to {
        return;
    }
    let place = |base: u64| (from - base) as usize..(to - base) as usize;
    if let (Some(target), Some(source)) = (bytes.get_mut(place(at)), patch.get(place(start))) {
        target.copy_from_slice(source);
    }
}
