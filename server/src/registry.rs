//! What is in force, and since when: the content of each city and rulebook, the station numbers,
//! and the editions that the zones' machines stepped with (semantics §3, §33, §35).
//!
//! Topic `registry`, partition 0, compacted. Record kinds and keys:
//! - 4, `city/HASH` and 5, `rulebook/HASH`: files as `packed.rs` puts them together. A city's first
//!   file, `#stations`, is the JSON list of station ids in number order.
//! - 6, `editions`: JSON, those still needed, oldest first; the last is in force.
//! - 7, `links`: JSON list of link names, by partition of `deliveries` and `receipts`.
//! - 8, `owner/TOPIC/PARTITION`: JSON, which process serves a zone or a link, and where it is asked.
//! - 9, `rulebooks`: JSON, rulebooks put forward and those that were in force, see `rulebooks.rs`.
//! - 10, `job/PLACE`: JSON, an area job that a relay let go; places are taken again.
//! - 12, `person/NUMBER`: a subscriber who changed since the version was made, sealed, see `people.rs`.
//! - 13, `forgotten/NUMBER`: one who was forgotten.
//! - 40, `exercise/ID`: JSON, an exercise, in the topic of exercises; the oldest over go first.
//!
//! A start whose files changed, or a rulebook that two persons signed, writes the new content, the
//! new list and one `Edition` record into every zone's input, in one atomic batch. A replay adopts it
//! at the same record, so that it gives the same warnings.

mod packed;
mod people;
mod rulebooks;

use rulebooks::Kept;
pub(crate) use rulebooks::{Candidate, SIGNATURES, Unsigned};

use crate::installation::{Earlier, EarlierPeople, EarlierRules, Faulty, Installation};
use crate::vault::{Vault, VaultError};
use dispatch::directory::{Directory, Numbers, Opened};
use journal::{Batch, Journal, JournalError, Kind, Offset, Partition, Priority, Topic};
use model::record::Edition;
use model::{AreaCode, City, Input, Mode, Time, Zone};
use packed::{pack, unpack};
use parking_lot::Mutex;
use rules::Rulebook;
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;
use std::sync::Arc;

/// Kinds of records in the topic.
const CITY: u8 = 4;
const RULEBOOK: u8 = 5;
const EDITIONS: u8 = 6;
const LINKS: u8 = 7;
pub(crate) const JOB: u8 = 10;
pub(crate) const EXERCISE: u8 = 40;
/// Keys of the lists.
const LISTED: &[u8] = b"editions";
const LINKED: &[u8] = b"links";
/// The file of a packed city that holds the station ids.
const STATIONS: &str = "#stations";
/// Where everything lies.
pub(crate) const PARTITION: Partition = Partition(0);
/// Earlier editions kept loaded while machines recover through them.
const LOADED_MAX: usize = 4;
/// Stands for the offset of a record that is on its way: where it came to stand is written after it.
const UNDER_WAY: u64 = u64::MAX;

/// A file by name, as it was read.
pub(crate) type File = (String, Vec<u8>);

/// The editions of one mode's input.
pub(crate) struct Registry {
    journal: Arc<dyn Journal>,
    topic: Topic,
    vault: Vault,
    loaded: Mutex<VecDeque<Arc<Installation>>>,
    /// Who changed since the version in force was made, as it was read at the start, and where to go on.
    changed: Mutex<(Vec<u32>, Offset)>,
    /// True for that of exercises, beside the one in earnest: version files are not its own to delete,
    /// and what is stepped again meets the directory in force.
    is_beside: bool,
}

/// An edition and where it begins.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Listed {
    edition: Edition,
    /// Hash over the tables that its directory was made of.
    people: String,
    /// Hash of the rulebook that the city directory held at the last start; empty where that was the
    /// one in force.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    imported: String,
    /// The area code of each zone, by number.
    zones: Vec<AreaCode>,
    /// The offset of its record in each zone's input.
    since: Vec<u64>,
    /// Somebody of its directory was taken out since: its version file is gone, and what is stepped
    /// again under it meets the directory in force.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    forgotten: bool,
}

/// Why an edition cannot be put in force or found again.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RegistryError {
    /// The journal.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// Version files of the recipients' directory.
    #[error("recipients' directory: {0}")]
    Vault(#[from] VaultError),
    /// Content is not there.
    #[error("the registry holds no {0}: the journal is damaged; restore it from a copy")]
    Missing(String),
    /// Content is there and cannot be read by this version.
    #[error("{0} of the registry cannot be read: {1}")]
    Unreadable(String, String),
    /// More links than topics have partitions for.
    #[error(
        "kafka.link_partitions: there are {links} links with those of before, and the topics have \
         {most} partitions: write {links} or more, then `sanfang topics grow`"
    )]
    Links {
        /// Links, configured now or before.
        links: usize,
        /// Partitions.
        most: usize,
    },
    /// Zones have other numbers than in the journal.
    #[error(
        "areas.geojson: the journal was begun with the zones {was}, the city now has {is}: their \
         numbers would shift; keep the districts, or begin a new journal"
    )]
    Zones {
        /// Codes by number.
        was: String,
        /// Codes by number.
        is: String,
    },
}

impl Registry {
    /// What the journal holds of editions, with the version files of `vault`.
    pub(crate) fn open(
        journal: Arc<dyn Journal>,
        mode: Mode,
        vault: Vault,
    ) -> Result<Self, RegistryError> {
        let topic = Topic::new(Kind::Registry, mode);
        listed(&*journal, topic)?;
        Ok(Self {
            journal,
            topic,
            vault,
            loaded: Mutex::default(),
            changed: Mutex::default(),
            is_beside: false,
        })
    }

    /// The registry of another mode in the same journal, with the same version files.
    pub(crate) fn beside(&self, mode: Mode) -> Result<Self, RegistryError> {
        let own = Self::open(Arc::clone(&self.journal), mode, self.vault.clone())?;
        Ok(Self {
            is_beside: true,
            ..own
        })
    }

    /// A key for another purpose, derived from the one that recipients are sealed under.
    pub(crate) fn derive(&self, purpose: &str) -> [u8; 32] {
        self.vault.derive(purpose)
    }

    /// What numbers go on from.
    pub(crate) fn earlier(&self) -> Result<Earlier, RegistryError> {
        let known = listed(&*self.journal, self.topic)?;
        let Some(last) = known.last() else {
            return Ok(Earlier::default());
        };
        let city = self.city(&last.edition.city)?;
        let Opened { directory, numbers } = self.vault.load(&city, &last.edition.directory)?;
        let (directory, heard) = self.as_it_stands(&city, directory)?;
        *self.changed.lock() = (heard.numbers(), heard.next);
        let gone = numbers.knows(&self.forgotten(&heard)?);
        let (directory, numbers) = if gone.is_empty() {
            (directory, numbers)
        } else {
            tracing::warn!(
                people = gone.len(),
                "of people who were forgotten something is here still, as in a restored copy: it \
                 is taken out"
            );
            let earlier = dispatch::directory::Earlier {
                directory: &directory,
                numbers: &numbers,
            };
            let folded = Directory::folded(&city, earlier, &gone);
            (folded.directory, folded.numbers)
        };
        let hash = last.edition.rulebook.clone();
        Ok(Earlier {
            stations: city.station_ids(),
            rules: Some(EarlierRules {
                files: self.files(&rulebook_key(&hash))?,
                imported: last.imported().to_owned(),
                hash,
            }),
            people: Some(EarlierPeople {
                directory: Arc::new(directory),
                numbers: Arc::new(numbers),
                city: last.edition.city.clone(),
                source: last.people.clone(),
                is_new: !gone.is_empty(),
            }),
        })
    }

    /// The numbers of the directory in force, out of its version file.
    pub(crate) fn numbers(&self, installation: &Installation) -> Result<Numbers, RegistryError> {
        let version = installation.directory.version();
        Ok(self.vault.load(&installation.city, version)?.numbers)
    }

    /// Keeps the directory of an installation, where it is new, with the numbers it was made with:
    /// its version file is on disk before anything names it, and goes after nothing does.
    pub(crate) fn keep_people(&self, installation: &mut Installation) -> Result<(), RegistryError> {
        match installation.numbers.take() {
            Some(numbers) => Ok(self.vault.keep(&installation.directory, &numbers)?),
            None => Ok(()),
        }
    }

    /// Puts `installation`, whose people were kept, in force: from the next record of every zone on, if it is new.
    pub(crate) async fn install(
        &mut self,
        installation: &Arc<Installation>,
        now: Time,
    ) -> Result<(), RegistryError> {
        self.loaded.lock().push_back(Arc::clone(installation));
        let city = &installation.city;
        let zones: Vec<AreaCode> = (0..city.zones.len())
            .map(|zone| city.zone_code(Zone(zone as u16)))
            .collect();
        let before = self.editions()?;
        let sources = &installation.sources;
        if let Some(last) = before.last() {
            if last.zones != zones {
                let words = |codes: &[AreaCode]| {
                    let codes: Vec<String> = codes.iter().map(ToString::to_string).collect();
                    codes.join(", ")
                };
                return Err(RegistryError::Zones {
                    was: words(&last.zones),
                    is: words(&zones),
                });
            }
            if last.edition == installation.edition {
                if last.imported() != sources.imported && !sources.imported.is_empty() {
                    self.note_import(&before, &sources.imported, now).await?;
                }
                self.let_go(&self.needed(&before, last)?, last)?;
                return Ok(());
            }
        }
        let next = Listed {
            edition: installation.edition.clone(),
            people: sources.people.clone(),
            imported: sources.imported.clone(),
            since: vec![UNDER_WAY; zones.len()],
            zones,
            forgotten: false,
        };
        let mut needed = self.needed(&before, &next)?;
        self.forget_people(&mut needed, &installation.directory)?;
        let mut batch = self.batch(now);
        let folded = std::mem::take(&mut self.changed.lock().0);
        self.fold_people(&mut batch, &folded);
        self.content(&mut batch, installation)?;
        let mut kept = self.rulebooks()?;
        if let Some(last) = before.last() {
            let earlier = &last.edition.rulebook;
            let version = || self.version(earlier);
            kept.replaced(earlier, version, &next.edition.rulebook, now);
        }
        self.succeed(batch, &before, needed, next, &kept, now)
            .await?;
        self.let_keys_go(&folded)
    }

    /// How far it was read for the directory of the start.
    pub(crate) fn read_to(&self) -> Offset {
        self.changed.lock().1
    }

    /// Notes that the files of the city directory were looked at, where they change nothing.
    async fn note_import(
        &self,
        known: &[Listed],
        imported: &str,
        now: Time,
    ) -> Result<(), RegistryError> {
        let mut known = known.to_vec();
        if let Some(last) = known.last_mut() {
            imported.clone_into(&mut last.imported);
        }
        let mut batch = self.batch(now);
        put(&mut batch, self.topic, EDITIONS, LISTED, &known);
        self.journal.submit_waiting(batch)?.await?;
        Ok(())
    }

    /// A batch that only who may add to the registry can write.
    fn batch(&self, now: Time) -> Batch {
        let batch = Batch::new(now.millis(), Priority::Vital);
        batch.owned_by(self.topic, PARTITION)
    }

    /// Writes an edition behind those still needed and its record into every zone's input, at once.
    async fn succeed(
        &self,
        mut batch: Batch,
        before: &[Listed],
        needed: Vec<Listed>,
        next: Listed,
        kept: &Kept,
        now: Time,
    ) -> Result<(), RegistryError> {
        let mut list = needed;
        list.push(next);
        self.forget(&mut batch, before, &list, kept);
        put(&mut batch, self.topic, EDITIONS, LISTED, &list);
        kept.put(&mut batch, self.topic);
        let Some(next) = list.last_mut() else {
            return Ok(());
        };
        let input = Topic::new(Kind::Input, self.topic.mode);
        let entry = Input::Edition(Box::new(next.edition.clone()));
        let bytes = entry.encode();
        for zone in (0..next.zones.len()).map(|zone| Partition(zone as u16)) {
            batch.append(input, zone, entry.kind(), &[], &bytes);
        }
        // Others write input at the same time: where the records came to stand is known afterwards.
        let runs = self.journal.submit_waiting(batch)?.await?;
        for run in runs.iter().filter(|run| run.topic == input) {
            if let Some(since) = next.since.get_mut(usize::from(run.partition.0)) {
                *since = run.first.0;
            }
        }
        let edition = next.edition.clone();
        let mut batch = self.batch(now);
        put(&mut batch, self.topic, EDITIONS, LISTED, &list);
        self.journal.submit_waiting(batch)?.await?;
        if let Some(last) = list.last() {
            self.let_go(&list, last)?;
        }
        tracing::info!(
            city = short(&edition.city),
            rulebook = short(&edition.rulebook),
            directory = short(&edition.directory),
            "a new edition is in force"
        );
        Ok(())
    }

    /// The editions, oldest first; the last is in force. Where a record was on its way when its
    /// writer died, it stands before the end of what is there.
    fn editions(&self) -> Result<Vec<Listed>, RegistryError> {
        let input = Topic::new(Kind::Input, self.topic.mode);
        let mut known = listed(&*self.journal, self.topic)?;
        for listed in &mut known {
            for (zone, since) in (0u16..).zip(&mut listed.since) {
                if *since == UNDER_WAY {
                    *since = self.journal.end(input, Partition(zone))?.0;
                }
            }
        }
        Ok(known)
    }

    /// Those of `known` that are still needed where `last` is in force, without it.
    fn needed(&self, known: &[Listed], last: &Listed) -> Result<Vec<Listed>, JournalError> {
        let input = Topic::new(Kind::Input, self.topic.mode);
        let earlier = known.iter().filter(|listed| listed.since != last.since);
        let earlier: Vec<Listed> = earlier.cloned().collect();
        let zones = (0..last.zones.len()).map(|zone| Partition(zone as u16));
        let first: Vec<Offset> = zones
            .map(|zone| self.journal.first(input, zone))
            .collect::<Result<_, _>>()?;
        Ok(still_needed(&earlier, last, |zone| {
            first.get(usize::from(zone)).copied().unwrap_or_default()
        }))
    }

    /// Marks the editions whose directory holds somebody who is in it no more: a person who is taken
    /// out is taken out at once, not when the input of their time is.
    fn forget_people(
        &self,
        earlier: &mut [Listed],
        directory: &Directory,
    ) -> Result<(), RegistryError> {
        if self.is_beside {
            return Ok(());
        }
        let present = directory.version();
        for listed in earlier.iter_mut().filter(|listed| !listed.forgotten) {
            let edition = &listed.edition;
            if edition.directory == present {
                continue;
            }
            let city = self.city(&edition.city)?;
            let older = self.vault.load(&city, &edition.directory)?.directory;
            let forgets = directory.forgets(&older);
            // Under other areas the present one cannot stand in its place.
            listed.forgotten = forgets && self.vault.load(&city, present).is_ok();
            if forgets && !listed.forgotten {
                tracing::warn!(
                    directory = short(&edition.directory),
                    "the areas changed too: this version of the directory, with people taken out \
                     since, stays until the input of its time is deleted"
                );
            }
        }
        Ok(())
    }

    /// Deletes the version files that neither `listed` nor `present` needs.
    fn let_go(&self, listed: &[Listed], present: &Listed) -> Result<(), RegistryError> {
        if self.is_beside {
            return Ok(());
        }
        let needed = listed.iter().filter(|listed| !listed.forgotten);
        let needed = needed
            .chain(std::iter::once(present))
            .map(|listed| listed.edition.directory.as_str());
        Ok(self.vault.retain(&needed.collect())?)
    }

    /// The name of each link by its partition: those known keep theirs, also while they are not
    /// configured, new ones follow.
    pub(crate) async fn links(
        &self,
        configured: &[String],
        most: usize,
        now: Time,
    ) -> Result<Vec<String>, RegistryError> {
        let stored = self.journal.latest(self.topic, PARTITION, LINKED)?;
        let mut links: Vec<String> = match &stored {
            Some(record) => serde_json::from_slice(record.payload())
                .map_err(|error| RegistryError::Unreadable("links".into(), error.to_string()))?,
            None => Vec::new(),
        };
        let known = links.len();
        for name in configured {
            if !links.contains(name) {
                links.push(name.clone());
            }
        }
        if links.len() > most {
            return Err(RegistryError::Links {
                links: links.len(),
                most,
            });
        }
        if links.len() > known {
            let batch = Batch::new(now.millis(), Priority::Vital);
            let mut batch = batch.owned_by(self.topic, PARTITION);
            let list = serde_json::to_vec(&links).unwrap_or_default();
            batch.append(self.topic, PARTITION, LINKS, LINKED, &list);
            self.journal.submit_waiting(batch)?.await?;
        }
        Ok(links)
    }

    /// The edition in force where the input of `zone` begins at `first`. Other processes put
    /// editions in force too: what is listed is read anew.
    pub(crate) fn at(&self, zone: Zone, first: Offset) -> Result<Option<Edition>, RegistryError> {
        let known = listed(&*self.journal, self.topic)?;
        // One whose record is on its way is adopted there.
        let began = |listed: &&Listed| {
            let since = listed.since.get(usize::from(zone.0));
            since.is_some_and(|since| *since <= first.0)
        };
        let found = known.iter().rev().find(began).or(known.first());
        Ok(found.map(|listed| listed.edition.clone()))
    }

    /// Everything that an edition names.
    pub(crate) fn installation(
        &self,
        edition: &Edition,
    ) -> Result<Arc<Installation>, RegistryError> {
        let mut loaded = self.loaded.lock();
        if let Some(found) = loaded.iter().find(|known| known.edition == *edition) {
            return Ok(Arc::clone(found));
        }
        // The first one is in force: what an earlier edition shares with it is not loaded twice.
        let Some(present) = loaded.front().cloned() else {
            return Err(RegistryError::Missing("edition in force".into()));
        };
        let city = if present.edition.city == edition.city {
            Arc::clone(&present.city)
        } else {
            Arc::new(self.city(&edition.city)?)
        };
        let rulebook = if present.edition.rulebook == edition.rulebook {
            Arc::clone(&present.rulebook)
        } else {
            Arc::new(self.rulebook(&edition.rulebook)?)
        };
        let known = listed(&*self.journal, self.topic)?;
        let of = |edition: &Edition| known.iter().find(|listed| listed.edition == *edition);
        let version = match of(edition) {
            Some(listed) if listed.forgotten || self.is_beside => &present.edition.directory,
            Some(_) | None => &edition.directory,
        };
        // A zone asks for responsible persons alone: those of the same tables are the same.
        let tables = |edition| of(edition).map(|listed| (&listed.people, &listed.edition.city));
        let ours = tables(&present.edition);
        let has_them = ours.is_some() && tables(edition) == ours;
        let directory = if present.edition.directory == *version || has_them {
            Arc::clone(&present.directory)
        } else {
            Arc::new(self.vault.load(&city, version)?.directory)
        };
        let wording = Arc::clone(&present.wording);
        let earlier = Installation {
            edition: edition.clone(),
            ..Installation::assemble(city, rulebook, wording, directory)
        };
        let earlier = Arc::new(earlier);
        loaded.push_back(Arc::clone(&earlier));
        if loaded.len() > LOADED_MAX {
            loaded.remove(1);
        }
        Ok(earlier)
    }

    /// Adds what the registry does not hold yet.
    fn content(&self, batch: &mut Batch, installation: &Installation) -> Result<(), RegistryError> {
        let (city, rulebook) = (
            city_key(&installation.edition.city),
            rulebook_key(&installation.edition.rulebook),
        );
        if self
            .journal
            .latest(self.topic, PARTITION, city.as_bytes())?
            .is_none()
        {
            let ids = installation.city.station_ids();
            let ids = serde_json::to_vec(&ids).unwrap_or_default();
            let mut files = vec![(STATIONS.to_owned(), ids)];
            files.extend(installation.sources.city.iter().cloned());
            batch.append(self.topic, PARTITION, CITY, city.as_bytes(), &pack(&files));
        }
        let known = self
            .journal
            .latest(self.topic, PARTITION, rulebook.as_bytes())?;
        if known.is_none() {
            let files = pack(&installation.sources.rules);
            batch.append(self.topic, PARTITION, RULEBOOK, rulebook.as_bytes(), &files);
        }
        Ok(())
    }

    /// Deletes content of `before` that none of `list` and nobody who goes back needs any more.
    fn forget(&self, batch: &mut Batch, before: &[Listed], list: &[Listed], kept: &Kept) {
        let needed = |key: &str| {
            let mut kept = kept.hashes();
            let mut listed = list.iter();
            kept.any(|hash| rulebook_key(hash) == key)
                || listed.any(|listed| {
                    city_key(&listed.edition.city) == key
                        || rulebook_key(&listed.edition.rulebook) == key
                })
        };
        let dropped = kept
            .dropped()
            .iter()
            .map(|hash| (RULEBOOK, rulebook_key(hash)));
        let content = before.iter().flat_map(|listed| {
            [
                (CITY, city_key(&listed.edition.city)),
                (RULEBOOK, rulebook_key(&listed.edition.rulebook)),
            ]
        });
        for (kind, key) in content.chain(dropped).filter(|(_, key)| !needed(key)) {
            batch.append(self.topic, PARTITION, kind, key.as_bytes(), &[]);
        }
    }

    fn city(&self, hash: &str) -> Result<City, RegistryError> {
        let key = city_key(hash);
        let files = self.files(&key)?;
        let read = |name: &str| {
            let file = files.iter().find(|(known, _)| known == name);
            file.map(|(_, bytes)| bytes.clone())
        };
        let ids = read(STATIONS)
            .ok_or_else(|| RegistryError::Missing(format!("{key} with {STATIONS}")))?;
        let ids: Vec<String> = serde_json::from_slice(&ids)
            .map_err(|error| RegistryError::Unreadable(key.clone(), error.to_string()))?;
        City::read(read, &ids).map_err(|faults| unreadable(&key, &faults))
    }

    fn rulebook(&self, hash: &str) -> Result<Rulebook, RegistryError> {
        let key = rulebook_key(hash);
        Rulebook::read(&self.files(&key)?).map_err(|faults| unreadable(&key, &faults))
    }

    fn files(&self, key: &str) -> Result<Vec<File>, RegistryError> {
        let record = self
            .journal
            .latest(self.topic, PARTITION, key.as_bytes())?
            .ok_or_else(|| RegistryError::Missing(key.to_owned()))?;
        unpack(record.payload()).ok_or_else(|| {
            RegistryError::Unreadable(
                key.to_owned(),
                "it is not packed as this version does".into(),
            )
        })
    }
}

impl Listed {
    /// Hash of the rulebook that the city directory held at the last start.
    fn imported(&self) -> &str {
        if self.imported.is_empty() {
            &self.edition.rulebook
        } else {
            &self.imported
        }
    }
}

/// Adds a list to a batch.
fn put<T: Serialize>(batch: &mut Batch, topic: Topic, kind: u8, key: &[u8], list: &T) {
    let json = serde_json::to_vec(list).unwrap_or_default();
    batch.append(topic, PARTITION, kind, key, &json);
}

/// The listed editions that some zone, or its older snapshot, may still begin with once `next`
/// follows them.
fn still_needed(before: &[Listed], next: &Listed, first: impl Fn(u16) -> Offset) -> Vec<Listed> {
    let followers = before.iter().skip(1).chain(std::iter::once(next));
    let needed = before.iter().zip(followers).filter(|(_, follower)| {
        let mut zones = (0u16..).zip(&follower.since);
        zones.any(|(zone, since)| first(zone).0 <= *since)
    });
    needed.map(|(listed, _)| listed.clone()).collect()
}

/// What is listed, oldest first.
fn listed(journal: &dyn Journal, topic: Topic) -> Result<Vec<Listed>, RegistryError> {
    let Some(record) = journal.latest(topic, PARTITION, LISTED)? else {
        return Ok(Vec::new());
    };
    let listed = serde_json::from_slice(record.payload());
    listed.map_err(|error| RegistryError::Unreadable("editions".into(), error.to_string()))
}

fn unreadable(key: &str, faults: &[model::fault::Fault]) -> RegistryError {
    let words = Faulty(faults.to_vec());
    RegistryError::Unreadable(key.to_owned(), words.to_string())
}

fn city_key(hash: &str) -> String {
    format!("city/{hash}")
}

fn rulebook_key(hash: &str) -> String {
    format!("rulebook/{hash}")
}

fn short(hash: &str) -> &str {
    hash.get(..12).unwrap_or(hash)
}
