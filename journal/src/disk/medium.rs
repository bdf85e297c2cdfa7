//! The one seam to the file system, so that tests can put a treacherous disk below the journal.

use crate::JournalError;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A directory of files.
pub trait Medium: Send + Sync {
    /// Makes an empty file, in place of one of that name.
    fn create(&self, name: &str) -> io::Result<Arc<dyn Blocks>>;
    /// Opens a file for reading and writing.
    fn open(&self, name: &str) -> io::Result<Arc<dyn Blocks>>;
    /// The names of all files.
    fn list(&self) -> io::Result<Vec<String>>;
    /// Puts `from` in the place of `to`.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;
    /// Deletes a file.
    fn remove(&self, name: &str) -> io::Result<()>;
    /// Makes creations, renamings and removals durable.
    fn sync_names(&self) -> io::Result<()>;
    /// Bytes that may still be written.
    fn free_bytes(&self) -> io::Result<u64>;
}

/// One file.
pub trait Blocks: Send + Sync {
    /// Writes all of `bytes` at `at`.
    fn write_at(&self, bytes: &[u8], at: u64) -> io::Result<()>;
    /// Reads up to `bytes.len()` bytes at `at`; fewer only at the end of the file.
    fn read_at(&self, bytes: &mut [u8], at: u64) -> io::Result<usize>;
    /// Makes the file's bytes and length durable.
    fn sync(&self) -> io::Result<()>;
    /// Cuts or extends the file.
    fn set_len(&self, len: u64) -> io::Result<()>;
    /// The file's length.
    fn length(&self) -> io::Result<u64>;
}

/// A directory on a real file system, held by this process alone.
#[derive(Debug)]
pub struct RealMedium {
    directory: PathBuf,
    /// Locked while this lives; the system lets go of it when the process dies.
    _lock: File,
}

/// Name of the lock file.
pub(crate) const LOCK: &str = "lock";

impl RealMedium {
    /// Takes hold of `directory`, making it if need be.
    pub fn open(directory: &Path) -> Result<Self, JournalError> {
        let name = directory.display().to_string();
        fs::create_dir_all(directory)
            .map_err(|source| JournalError::file("make the directory", &name, source))?;
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(directory.join(LOCK))
            .map_err(|source| JournalError::file("open the lock file in", &name, source))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(fs::TryLockError::WouldBlock) => {
                return Err(JournalError::InUse { directory: name });
            }
            Err(fs::TryLockError::Error(source)) => {
                return Err(JournalError::file("lock", &name, source));
            }
        }
        // A directory that was just made must outlive a power cut too.
        if let Some(parent) = directory
            .parent()
            .filter(|parent| !parent.as_os_str().is_empty())
        {
            File::open(parent)
                .and_then(|parent| parent.sync_all())
                .map_err(|source| JournalError::file("sync the directory above", &name, source))?;
        }
        Ok(Self {
            directory: directory.to_owned(),
            _lock: lock,
        })
    }
}

impl Medium for RealMedium {
    fn create(&self, name: &str) -> io::Result<Arc<dyn Blocks>> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(true)
            .open(self.directory.join(name))?;
        Ok(Arc::new(RealBlocks(file)))
    }

    fn open(&self, name: &str) -> io::Result<Arc<dyn Blocks>> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .open(self.directory.join(name))?;
        Ok(Arc::new(RealBlocks(file)))
    }

    fn list(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(&self.directory)? {
            if let Ok(name) = entry?.file_name().into_string()
                && name != LOCK
            {
                names.push(name);
            }
        }
        Ok(names)
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        fs::rename(self.directory.join(from), self.directory.join(to))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        fs::remove_file(self.directory.join(name))
    }

    fn sync_names(&self) -> io::Result<()> {
        File::open(&self.directory)?.sync_all()
    }

    fn free_bytes(&self) -> io::Result<u64> {
        let status = rustix::fs::statvfs(&self.directory)?;
        Ok(status.f_bavail.saturating_mul(status.f_frsize))
    }
}

struct RealBlocks(File);

impl Blocks for RealBlocks {
    fn write_at(&self, bytes: &[u8], at: u64) -> io::Result<()> {
        self.0.write_all_at(bytes, at)
    }

    fn read_at(&self, bytes: &mut [u8], at: u64) -> io::Result<usize> {
        let mut done = 0;
        while let Some(rest) = bytes.get_mut(done..).filter(|rest| !rest.is_empty()) {
            match self.0.read_at(rest, at + done as u64) {
                Ok(0) => break,
                Ok(count) => done += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(done)
    }

    fn sync(&self) -> io::Result<()> {
        self.0.sync_data()
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.0.set_len(len)
    }

    fn length(&self) -> io::Result<u64> {
        Ok(self.0.metadata()?.len())
    }
}
