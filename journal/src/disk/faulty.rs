//! A treacherous disk: what was not synced is dropped, torn and reordered when the power goes.

use super::medium::{Blocks, Medium};
use parking_lot::{Condvar, Mutex};
use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

/// The unit that a disk writes whole.
const SECTOR: usize = 512;

/// A directory in memory. Clones see the same one.
#[derive(Clone, Default)]
pub(super) struct FaultyDisk {
    world: Arc<World>,
}

#[derive(Default)]
struct World {
    state: Mutex<State>,
    released: Condvar,
}

#[derive(Default)]
struct State {
    names: BTreeMap<String, usize>,
    durable_names: BTreeMap<String, usize>,
    name_changes: Vec<NameChange>,
    files: Vec<FileState>,
    /// Writes and syncs so far.
    operations: u64,
    /// The power goes at this operation.
    power_until: Option<u64>,
    /// Syncs answer well and do nothing.
    lying: bool,
    /// Syncs fail.
    sync_fails: bool,
    /// Syncs wait.
    stalled: bool,
    used_max: Option<u64>,
}

#[derive(Clone)]
enum NameChange {
    Set(String, usize),
    Rename(String, String),
    Remove(String),
}

#[derive(Default)]
struct FileState {
    current: Vec<u8>,
    durable: Vec<u8>,
    unsynced: Vec<Change>,
}

enum Change {
    Write(usize, Vec<u8>),
    Length(usize),
}

/// A small generator of numbers, the same for the same seed (splitmix64).
pub(super) struct Numbers(pub(super) u64);

impl Numbers {
    pub(super) fn next(&mut self, below: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % below.max(1)
    }
}

impl FaultyDisk {
    /// Makes all syncs answer well and do nothing from here on, or work again.
    pub(super) fn lie(&self, lying: bool) {
        self.world.state.lock().lying = lying;
    }

    /// The power goes after this many more operations.
    pub(super) fn power_for(&self, operations: u64) {
        let mut state = self.world.state.lock();
        state.power_until = Some(state.operations + operations);
    }

    /// Makes all syncs fail from here on, or work again.
    pub(super) fn fail_syncs(&self, fail: bool) {
        self.world.state.lock().sync_fails = fail;
    }

    /// Makes all syncs wait from here on, or go on.
    pub(super) fn stall(&self, stalled: bool) {
        self.world.state.lock().stalled = stalled;
        self.world.released.notify_all();
    }

    /// Leaves room for `free` more bytes.
    pub(super) fn leave_free(&self, free: u64) {
        let mut state = self.world.state.lock();
        state.used_max = Some(state.used() + free);
    }

    /// Flips a bit of a file, durably.
    pub(super) fn flip(&self, name: &str, at: usize) {
        let mut state = self.world.state.lock();
        let file = state.names[name];
        state.files[file].current[at] ^= 1;
        state.files[file].durable[at] ^= 1;
    }

    /// What a file holds.
    pub(super) fn bytes(&self, name: &str) -> Vec<u8> {
        let state = self.world.state.lock();
        state.files[state.names[name]].current.clone()
    }

    /// Deletes a file, durably.
    pub(super) fn lose(&self, name: &str) {
        let mut state = self.world.state.lock();
        state.names.remove(name);
        state.durable_names.remove(name);
    }

    /// Power off and on: the seed says what became of all that was not synced.
    pub(super) fn crash(&self, seed: u64) {
        let mut state = self.world.state.lock();
        let mut numbers = Numbers(seed);
        // Nothing, half, most or all reaches the disk, or all but one sector of each write.
        let keep_of_8 = [0, 4, 7, 8, 8][numbers.next(5) as usize];
        let one_lost = keep_of_8 == 8 && numbers.next(2) == 0;
        for file in &mut state.files {
            for change in std::mem::take(&mut file.unsynced) {
                match change {
                    Change::Length(len) if numbers.next(8) < keep_of_8 => {
                        file.durable.resize(len, 0)
                    }
                    Change::Length(_) => {}
                    Change::Write(at, bytes) => {
                        let sectors = bytes.len().div_ceil(SECTOR) as u64;
                        let lost = one_lost.then(|| numbers.next(sectors) as usize);
                        for (index, sector) in bytes.chunks(SECTOR).enumerate() {
                            if numbers.next(8) < keep_of_8 && lost != Some(index) {
                                write(&mut file.durable, at + index * SECTOR, sector);
                            }
                        }
                    }
                }
            }
            file.current = file.durable.clone();
        }
        // File systems journal names in order: what survives is a beginning.
        let changes = std::mem::take(&mut state.name_changes);
        let kept = numbers.next(changes.len() as u64 + 1) as usize;
        let mut names = std::mem::take(&mut state.durable_names);
        for change in changes.into_iter().take(kept) {
            change.apply(&mut names);
        }
        state.names = names.clone();
        state.durable_names = names;
        state.power_until = None;
        state.sync_fails = false;
    }
}

impl State {
    fn operate(&mut self) -> io::Result<()> {
        self.operations += 1;
        if self
            .power_until
            .is_some_and(|until| self.operations > until)
        {
            return Err(io::Error::other("the power is gone"));
        }
        Ok(())
    }

    fn used(&self) -> u64 {
        self.names
            .values()
            .map(|file| self.files[*file].current.len() as u64)
            .sum()
    }

    fn change_name(&mut self, change: NameChange) -> io::Result<()> {
        self.operate()?;
        change.clone().apply(&mut self.names);
        self.name_changes.push(change);
        Ok(())
    }
}

impl NameChange {
    fn apply(self, names: &mut BTreeMap<String, usize>) {
        match self {
            Self::Set(name, file) => {
                names.insert(name, file);
            }
            Self::Rename(from, to) => {
                if let Some(file) = names.remove(&from) {
                    names.insert(to, file);
                }
            }
            Self::Remove(name) => {
                names.remove(&name);
            }
        }
    }
}

impl Medium for FaultyDisk {
    fn create(&self, name: &str) -> io::Result<Arc<dyn Blocks>> {
        let mut state = self.world.state.lock();
        let file = state.files.len();
        state.files.push(FileState::default());
        state.change_name(NameChange::Set(name.to_owned(), file))?;
        Ok(Arc::new(FaultyFile {
            world: Arc::clone(&self.world),
            file,
        }))
    }

    fn open(&self, name: &str) -> io::Result<Arc<dyn Blocks>> {
        let state = self.world.state.lock();
        let file = *state.names.get(name).ok_or(io::ErrorKind::NotFound)?;
        Ok(Arc::new(FaultyFile {
            world: Arc::clone(&self.world),
            file,
        }))
    }

    fn list(&self) -> io::Result<Vec<String>> {
        Ok(self.world.state.lock().names.keys().cloned().collect())
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let change = NameChange::Rename(from.to_owned(), to.to_owned());
        self.world.state.lock().change_name(change)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.world
            .state
            .lock()
            .change_name(NameChange::Remove(name.to_owned()))
    }

    fn sync_names(&self) -> io::Result<()> {
        let mut state = self.world.state.lock();
        state.operate()?;
        if !state.lying {
            state.name_changes.clear();
            state.durable_names = state.names.clone();
        }
        Ok(())
    }

    fn free_bytes(&self) -> io::Result<u64> {
        let state = self.world.state.lock();
        Ok(state
            .used_max
            .map_or(u64::MAX, |max| max.saturating_sub(state.used())))
    }
}

struct FaultyFile {
    world: Arc<World>,
    file: usize,
}

impl Blocks for FaultyFile {
    fn write_at(&self, bytes: &[u8], at: u64) -> io::Result<()> {
        let mut state = self.world.state.lock();
        let failed = state.operate();
        let room = state.used_max.is_none_or(|max| state.used() <= max);
        let file = &mut state.files[self.file];
        let grows = at as usize + bytes.len() > file.current.len();
        if grows && !room {
            return Err(io::ErrorKind::StorageFull.into());
        }
        // A write that fails for want of power may have got anywhere.
        write(&mut file.current, at as usize, bytes);
        file.unsynced
            .push(Change::Write(at as usize, bytes.to_vec()));
        failed
    }

    fn read_at(&self, bytes: &mut [u8], at: u64) -> io::Result<usize> {
        let state = self.world.state.lock();
        let stored = state.files[self.file]
            .current
            .get(at as usize..)
            .unwrap_or(&[]);
        let count = stored.len().min(bytes.len());
        bytes[..count].copy_from_slice(&stored[..count]);
        Ok(count)
    }

    fn sync(&self) -> io::Result<()> {
        let mut state = self.world.state.lock();
        self.world
            .released
            .wait_while(&mut state, |state| state.stalled);
        state.operate()?;
        if state.sync_fails {
            return Err(io::Error::other("the disk is broken"));
        }
        if !state.lying {
            let file = &mut state.files[self.file];
            for change in std::mem::take(&mut file.unsynced) {
                match change {
                    Change::Write(at, bytes) => write(&mut file.durable, at, &bytes),
                    Change::Length(len) => file.durable.resize(len, 0),
                }
            }
        }
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let mut state = self.world.state.lock();
        state.operate()?;
        let file = &mut state.files[self.file];
        file.current.resize(len as usize, 0);
        file.unsynced.push(Change::Length(len as usize));
        Ok(())
    }

    fn length(&self) -> io::Result<u64> {
        Ok(self.world.state.lock().files[self.file].current.len() as u64)
    }
}

fn write(bytes: &mut Vec<u8>, at: usize, new: &[u8]) {
    if bytes.len() < at + new.len() {
        bytes.resize(at + new.len(), 0);
    }
    bytes[at..at + new.len()].copy_from_slice(new);
}
