//! What became of subscribers since the directory's version in force was made: a record each, by
//! number, that says as they stand now, sealed under a key of their own.
//!
//! Kind 12, `person/NUMBER`: a [`Change`], sealed. The next version has them, and deletes the records.

use super::{PARTITION, Registry, RegistryError};
use crate::vault::VaultError;
use dispatch::directory::{Change, Directory, SealError, open_note, seal_note};
use dispatch::intent::RecipientNo;
use journal::{Batch, Offset};
use model::Time;
use std::collections::BTreeMap;
use std::time::Duration;

/// Kind and head of the keys.
const PERSON: u8 = 12;
const HEAD: &str = "person/";
/// Longest wait until what is durable is read.
const SEEN_MAX: Duration = Duration::from_secs(10);
/// Bytes of the topic read at once.
const READ_BYTES: usize = 1 << 20;

/// What was read of people.
#[derive(Default)]
pub(crate) struct Heard {
    /// In the order in which they changed.
    pub(crate) changes: Vec<Change>,
    /// Numbers of those whose records open under no key: forgotten since, or the keys are those of
    /// another machine.
    pub(crate) closed: Vec<u32>,
    /// Where to go on.
    pub(crate) next: Offset,
}

impl Registry {
    /// What became of people from a place of the topic on.
    pub(crate) fn heard(&self, from: Offset) -> Result<Heard, RegistryError> {
        let first = self.journal.first(self.topic, PARTITION)?;
        let mut heard = Heard {
            next: from.max(first),
            ..Heard::default()
        };
        // Of each person the newest record; none where the version in force has it.
        let mut newest: BTreeMap<u32, (Offset, Vec<u8>)> = BTreeMap::new();
        loop {
            let read = self
                .journal
                .read(self.topic, PARTITION, heard.next, READ_BYTES)?;
            if read.is_empty() {
                break;
            }
            for record in read {
                heard.next = record.offset.plus(1);
                let is_person = record.kind == PERSON;
                let Some(no) = number_of(record.key()).filter(|_| is_person) else {
                    continue;
                };
                newest.remove(&no);
                if !record.payload().is_empty() {
                    newest.insert(no, (record.offset, record.payload().to_vec()));
                }
            }
        }
        if newest.is_empty() {
            return Ok(heard);
        }
        let newest = newest.into_iter();
        let mut sealed: Vec<_> = newest
            .map(|(no, (offset, record))| (offset, no, record))
            .collect();
        sealed.sort_unstable_by_key(|(offset, ..)| *offset);
        // A key is on disk before the record that it opens.
        let keys = self.vault.person_keys()?;
        for (_, no, record) in sealed {
            let clear = keys.of(no).and_then(|key| open_note(key, &record).ok());
            let change = clear.and_then(|clear| serde_json::from_slice::<Change>(&clear).ok());
            match change.filter(|change| change.recipient.0 == no) {
                Some(change) => heard.changes.push(change),
                None => heard.closed.push(no),
            }
        }
        Ok(heard)
    }

    /// Keeps what became of people, with whatever `more` adds to the same write; durable once this
    /// returns. Gives the place from which on it is read.
    pub(crate) async fn keep_changes(
        &self,
        changes: &[Change],
        now: Time,
        more: impl FnOnce(&mut Batch),
    ) -> Result<Offset, RegistryError> {
        let mut keys = self.vault.person_keys()?;
        let mut batch = self.batch(now);
        for change in changes {
            let key = keys.give(change.recipient.0)?;
            let clear = serde_json::to_vec(change).unwrap_or_default();
            let sealed = seal_note(&key, &clear).map_err(|why: SealError| VaultError::Seal {
                path: "people.keys".into(),
                why,
            })?;
            let name = key_of(change.recipient.0);
            batch.append(self.topic, PARTITION, PERSON, name.as_bytes(), &sealed);
        }
        more(&mut batch);
        self.vault.keep_person_keys(&keys)?;
        let runs = self.journal.submit_waiting(batch)?.await?;
        let own = runs.iter().filter(|run| run.topic == self.topic);
        Ok(own.map(|run| run.first).max().unwrap_or_default())
    }

    /// Waits until what was kept at a place can be read here.
    pub(crate) fn wait_for(&self, at: Offset) {
        self.journal.wait(self.topic, PARTITION, at, SEEN_MAX);
    }

    /// The numbers of some ids, by their hashes: of the version in force, or given since. Beside them
    /// the number that would be given next.
    pub(crate) fn numbers_of(
        &self,
        directory: &Directory,
        keys: &[u64],
    ) -> Result<(Vec<Option<RecipientNo>>, u32), RegistryError> {
        let present = self.present()?;
        let present = present.ok_or_else(|| RegistryError::Missing("edition in force".into()))?;
        let given = if present.directory == directory.version() {
            directory.given()
        } else {
            // Another process made a version since this one began.
            let city = self.city(&present.city)?;
            let opened = self.vault.load(&city, &present.directory)?;
            opened.directory.given()
        };
        let mut found = self.vault.numbers_in(&present.directory, given, keys)?;
        for (no, key) in found.iter_mut().zip(keys) {
            *no = no.or_else(|| directory.number_since(*key));
        }
        Ok((found, directory.numbers().max(given)))
    }

    /// Deletes what is said of people whom the version of this batch has.
    pub(super) fn fold_people(&self, batch: &mut Batch, folded: &[u32]) {
        for no in folded {
            batch.append(self.topic, PARTITION, PERSON, key_of(*no).as_bytes(), &[]);
        }
    }

    /// Lets go of the keys of people whose records are deleted.
    pub(super) fn let_keys_go(&self, folded: &[u32]) -> Result<(), RegistryError> {
        let mut keys = self.vault.person_keys()?;
        folded.iter().for_each(|no| keys.take(*no));
        Ok(self.vault.keep_person_keys(&keys)?)
    }
}

fn key_of(no: u32) -> String {
    format!("{HEAD}{no}")
}

fn number_of(key: &[u8]) -> Option<u32> {
    std::str::from_utf8(key)
        .ok()?
        .strip_prefix(HEAD)?
        .parse()
        .ok()
}
