//! What became of subscribers since the directory's version in force was made: a record each, by
//! number, that says as they stand now, sealed under a key of their own.
//!
//! Kind 12, `person/NUMBER`: a [`Change`], sealed. The next version has them, and deletes the records.
//! Kind 13, `forgotten/NUMBER`: nothing of that person is to be anywhere.

use super::{Listed, PARTITION, Registry, RegistryError, UNDER_WAY};
use crate::vault::VaultError;
use dispatch::directory::{Change, Directory, Earlier, Opened, SealError, open_note, seal_note};
use dispatch::intent::RecipientNo;
use journal::{Batch, Offset};
use model::record::Edition;
use model::{City, Time};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// Kind and head of the keys.
const PERSON: u8 = 12;
const HEAD: &str = "person/";
/// The same of those who were forgotten.
const FORGOTTEN: u8 = 13;
const FORGOTTEN_HEAD: &str = "forgotten/";
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
    /// Who was forgotten.
    pub(crate) forgotten: Vec<u32>,
    /// Where to go on.
    pub(crate) next: Offset,
}

impl Heard {
    /// Everybody of whom there is a record.
    pub(super) fn numbers(&self) -> Vec<u32> {
        let changed = self.changes.iter().map(|change| change.recipient.0);
        let all: BTreeSet<u32> = changed.chain(self.closed.iter().copied()).collect();
        all.into_iter().collect()
    }
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
                if record.kind == FORGOTTEN {
                    let no = number_of(FORGOTTEN_HEAD, record.key());
                    heard.forgotten.extend(no);
                }
                let is_person = record.kind == PERSON;
                let Some(no) = number_of(HEAD, record.key()).filter(|_| is_person) else {
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

    /// A directory with those who changed since its version was made, and what was read for it.
    pub(super) fn as_it_stands(
        &self,
        city: &City,
        directory: Directory,
    ) -> Result<(Directory, Heard), RegistryError> {
        let heard = self.heard(Offset::default())?;
        let mut known = directory;
        for change in &heard.changes {
            match known.changed(city, std::slice::from_ref(change)) {
                Ok(next) => known = next,
                Err(error) => {
                    tracing::error!(recipient = change.recipient.0, %error, "not in the next version");
                }
            }
        }
        Ok((known, heard))
    }

    /// Everybody who was ever forgotten, by the journal and by the list beside the versions.
    pub(super) fn forgotten(&self, heard: &Heard) -> Result<Vec<u32>, RegistryError> {
        let mut all = self.vault.forgotten()?;
        all.extend(&heard.forgotten);
        Ok(all.into_iter().collect())
    }

    /// Makes a version in which nothing is of somebody, puts it in force, and deletes every older
    /// one and every record and key that has something of them. Gives the place from which on it
    /// is read.
    pub(crate) async fn forget_one(
        &self,
        recipient: RecipientNo,
        now: Time,
    ) -> Result<Offset, RegistryError> {
        // Whoever is on the list is forgotten by the next start, whatever becomes of this one.
        self.vault.note_forgotten(recipient.0)?;
        let before = self.editions()?;
        let last = before.last();
        let last = last.ok_or_else(|| RegistryError::Missing("edition in force".into()))?;
        let city = self.city(&last.edition.city)?;
        let Opened { directory, numbers } = self.vault.load(&city, &last.edition.directory)?;
        let (directory, heard) = self.as_it_stands(&city, directory)?;
        let mut forgotten = self.forgotten(&heard)?;
        forgotten.retain(|no| *no < directory.numbers());
        let earlier = Earlier {
            directory: &directory,
            numbers: &numbers,
        };
        let folded = Directory::folded(&city, earlier, &forgotten);
        self.vault.keep(&folded.directory, &folded.numbers)?;
        let next = Listed {
            edition: Edition {
                directory: folded.directory.version().to_owned(),
                ..last.edition.clone()
            },
            since: vec![UNDER_WAY; last.zones.len()],
            imported: last.imported().to_owned(),
            forgotten: false,
            ..last.clone()
        };
        let mut needed = self.needed(&before, &next)?;
        self.forget_people(&mut needed, &folded.directory)?;
        let mut batch = self.batch(now);
        let name = format!("{FORGOTTEN_HEAD}{}", recipient.0);
        batch.append(self.topic, PARTITION, FORGOTTEN, name.as_bytes(), b"1");
        let changed = heard.numbers();
        self.fold_people(&mut batch, &changed);
        let kept = self.rulebooks()?;
        self.succeed(batch, &before, needed, next, &kept, now)
            .await?;
        self.let_keys_go(&changed)?;
        Ok(heard.next)
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

fn number_of(head: &str, key: &[u8]) -> Option<u32> {
    let text = std::str::from_utf8(key).ok()?;
    text.strip_prefix(head)?.parse().ok()
}
