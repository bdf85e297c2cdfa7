//! Rulebooks put forward, and those that were in force: what two persons sign, and go back to.
//!
//! One JSON list under the key `rulebooks`, in the order in which they were put forward or replaced;
//! their files are the content that editions name too, and stay as long as they are listed.

use super::{File, pack};
use super::{Listed, PARTITION, RULEBOOK, Registry, RegistryError, UNDER_WAY, put, rulebook_key};
use crate::rehearsal::{State, Trial};
use journal::{Batch, Topic};
use model::record::Edition;
use model::{City, Time};
use rules::Rulebook;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// Kind and key of the list.
const KEPT: u8 = 9;
const KEPT_KEY: &[u8] = b"rulebooks";
/// Rulebooks that can be gone back to or signed.
const KEPT_MAX: usize = 16;
/// Persons who sign a rulebook.
pub(crate) const SIGNATURES: usize = 2;

/// All of them, newest last.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Kept {
    rulebooks: Vec<Candidate>,
    /// Those that left the list: their content goes with the next write.
    #[serde(skip)]
    dropped: Vec<String>,
}

/// A rulebook that somebody put forward, or that was in force.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Candidate {
    /// Hash over names and contents of its files.
    pub(crate) hash: String,
    /// What it calls itself.
    pub(crate) version: String,
    /// Who put it forward; nobody where it came with the city directory.
    pub(crate) by: Option<String>,
    /// When; never where nobody did.
    pub(crate) at: Option<Time>,
    /// Why, in their words.
    pub(crate) note: String,
    /// The rulebook that was in force then: what it was compared with, and would replace. Empty once
    /// it was in force itself, until somebody puts it forward again.
    pub(crate) against: String,
    /// What is worth a look in it, in words.
    pub(crate) notices: Vec<String>,
    /// Cases of its own tests, all of which it passed.
    pub(crate) tests: usize,
    /// What it would have changed; nothing where it was never put forward.
    pub(crate) trial: Option<Trial>,
    /// Who signed.
    pub(crate) signed: Vec<Signature>,
    /// When it went out of force last.
    pub(crate) ended: Option<Time>,
}

/// A signature.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Signature {
    /// Who.
    pub(crate) person: String,
    /// When.
    pub(crate) at: Time,
}

/// Why a rulebook is not put forward or a signature not taken.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unsigned {
    /// No such rulebook.
    #[error("no rulebook {0}; see /v1/rulebooks")]
    Unknown(String),
    /// It decides already.
    #[error("it is in force already")]
    InForce,
    /// Another rulebook is in force than it was compared with.
    #[error(
        "it was put forward against {against}, and {present} is in force: put it forward again"
    )]
    Against {
        /// What it was compared with.
        against: String,
        /// What decides.
        present: String,
    },
    /// Nobody knows what it changes.
    #[error("its dry run is under way: wait for it, or cancel it")]
    Untried,
    /// Nobody will, by that dry run.
    #[error("its dry run failed: {0}; put it forward again")]
    Failed(String),
    /// It is not what was shown.
    #[error("seen: what stands there is not what you saw; look at it again")]
    Seen,
    /// One person signs once.
    #[error("{0} signed it already: another person has to")]
    Twice(String),
    /// The registry.
    #[error(transparent)]
    Registry(#[from] RegistryError),
}

impl Candidate {
    /// A rulebook that nobody has put forward.
    pub(crate) fn of(rulebook: &Rulebook) -> Self {
        Self::named(rulebook.hash(), rulebook.version.clone())
    }

    fn named(hash: &str, version: String) -> Self {
        Self {
            hash: hash.to_owned(),
            version,
            by: None,
            at: None,
            note: String::new(),
            against: String::new(),
            notices: Vec::new(),
            tests: 0,
            trial: None,
            signed: Vec::new(),
            ended: None,
        }
    }

    /// Hash of what a person sees before they sign: the files, what they would replace, and what that
    /// would have changed.
    pub(crate) fn seen(&self) -> String {
        let mut hash = Sha256::new();
        let trial = serde_json::to_string(&self.trial).unwrap_or_default();
        for part in [&self.hash, &self.against, &trial] {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part);
        }
        hash.finalize()
            .iter()
            .take(8)
            .map(|b| format!("{b:02x}"))
            .collect()
    }
}

impl Kept {
    /// Those that are kept, newest last.
    pub(crate) fn all(&self) -> &[Candidate] {
        &self.rulebooks
    }

    /// The one of that hash.
    pub(crate) fn find(&self, hash: &str) -> Option<&Candidate> {
        self.rulebooks.iter().find(|known| known.hash == hash)
    }

    /// Hashes of all.
    pub(super) fn hashes(&self) -> impl Iterator<Item = &str> {
        self.rulebooks.iter().map(|known| known.hash.as_str())
    }

    /// Hashes of those that left the list.
    pub(super) fn dropped(&self) -> &[String] {
        &self.dropped
    }

    /// Notes that `next` takes the place of `before`, which can be gone back to; `version` is what that
    /// one calls itself.
    pub(super) fn replaced(
        &mut self,
        before: &str,
        version: impl FnOnce() -> String,
        next: &str,
        now: Time,
    ) {
        if before == next {
            return;
        }
        let known = self.find(before).cloned();
        let mut former = known.unwrap_or_else(|| Candidate::named(before, version()));
        former.ended = Some(now);
        // What was signed once is put forward again before it is signed again.
        former.against.clear();
        self.push(former, next);
    }

    fn push(&mut self, candidate: Candidate, present: &str) {
        self.rulebooks.retain(|known| known.hash != candidate.hash);
        self.rulebooks.push(candidate);
        while self.rulebooks.len() > KEPT_MAX {
            let oldest = self
                .rulebooks
                .iter()
                .position(|known| known.hash != present);
            let gone = self.rulebooks.remove(oldest.unwrap_or_default());
            self.dropped.push(gone.hash);
        }
    }

    pub(super) fn put(&self, batch: &mut Batch, topic: Topic) {
        put(batch, topic, KEPT, KEPT_KEY, self);
    }
}

impl Registry {
    /// Rulebooks put forward, and those that were in force.
    pub(crate) fn rulebooks(&self) -> Result<Kept, RegistryError> {
        let Some(record) = self.journal.latest(self.topic, PARTITION, KEPT_KEY)? else {
            return Ok(Kept::default());
        };
        let kept = serde_json::from_slice(record.payload());
        kept.map_err(|error| RegistryError::Unreadable("rulebooks".into(), error.to_string()))
    }

    /// The edition in force.
    pub(crate) fn present(&self) -> Result<Option<Edition>, RegistryError> {
        let known = super::listed(&*self.journal, self.topic)?;
        Ok(known.last().map(|listed| listed.edition.clone()))
    }

    /// The city of an edition, to hold a rulebook against.
    pub(crate) fn city_of(&self, edition: &Edition) -> Result<City, RegistryError> {
        self.city(&edition.city)
    }

    /// A rulebook that is kept or in force.
    pub(crate) fn rulebook_of(&self, hash: &str) -> Result<Rulebook, RegistryError> {
        self.rulebook(hash)
    }

    /// What a rulebook calls itself; nothing where this version cannot read it.
    pub(super) fn version(&self, hash: &str) -> String {
        let read = self.rulebook(hash);
        read.map(|rulebook| rulebook.version).unwrap_or_default()
    }

    /// Keeps a rulebook that was put forward, in place of what was known of its hash: nobody has
    /// signed it. `files` are its own; none where they are there already.
    pub(crate) async fn put_forward(
        &self,
        candidate: Candidate,
        files: &[File],
        now: Time,
    ) -> Result<(), RegistryError> {
        let known = super::listed(&*self.journal, self.topic)?;
        let present = known.last().map(|last| last.edition.rulebook.clone());
        let mut kept = self.rulebooks()?;
        let key = rulebook_key(&candidate.hash);
        let mut batch = self.batch(now);
        if self
            .journal
            .latest(self.topic, PARTITION, key.as_bytes())?
            .is_none()
        {
            batch.append(
                self.topic,
                PARTITION,
                RULEBOOK,
                key.as_bytes(),
                &pack(files),
            );
        }
        kept.push(candidate, &present.unwrap_or_default());
        self.forget(&mut batch, &[], &known, &kept);
        kept.put(&mut batch, self.topic);
        self.journal.submit_waiting(batch)?.await?;
        Ok(())
    }

    /// Keeps what a dry run found with the rulebook as it was put forward then.
    pub(crate) async fn tried(
        &self,
        candidate: &Candidate,
        trial: Trial,
        now: Time,
    ) -> Result<(), RegistryError> {
        let mut kept = self.rulebooks()?;
        let known = kept.rulebooks.iter_mut().find(|known| {
            (&known.hash, &known.against, known.at)
                == (&candidate.hash, &candidate.against, candidate.at)
        });
        let Some(known) = known.filter(|known| known.signed.is_empty()) else {
            return Ok(());
        };
        known.trial = Some(trial);
        let mut batch = self.batch(now);
        kept.put(&mut batch, self.topic);
        self.journal.submit_waiting(batch)?.await?;
        Ok(())
    }

    /// Ends the dry runs that this process left when it ended before: on one machine any that goes on
    /// by the list, else those that bear its name. Gives the versions of their rulebooks.
    pub(crate) async fn interrupted(
        &self,
        node: Option<&str>,
        now: Time,
    ) -> Result<Vec<String>, RegistryError> {
        let mut kept = self.rulebooks()?;
        let mut versions = Vec::new();
        for known in &mut kept.rulebooks {
            let left = known.trial.as_mut().filter(|trial| {
                trial.state == State::Running && (node.is_none() || trial.node.as_deref() == node)
            });
            if let Some(trial) = left {
                let why = "the process that ran it ended before it did";
                *trial = Trial::failed(why.to_owned());
                versions.push(known.version.clone());
            }
        }
        if !versions.is_empty() {
            let mut batch = self.batch(now);
            kept.put(&mut batch, self.topic);
            self.journal.submit_waiting(batch)?.await?;
        }
        Ok(versions)
    }

    /// Takes a signature. With the last one that is needed the rulebook is in force from the next
    /// record of every zone on, and this gives true.
    pub(crate) async fn sign(
        &self,
        hash: &str,
        seen: &str,
        person: &str,
        now: Time,
    ) -> Result<bool, Unsigned> {
        let before = self.editions()?;
        let mut kept = self.rulebooks()?;
        let of = kept.rulebooks.iter_mut().find(|known| known.hash == hash);
        let candidate = of.ok_or_else(|| Unsigned::Unknown(hash.to_owned()))?;
        let last = before
            .last()
            .ok_or_else(|| RegistryError::Missing("edition in force".into()))?;
        let present = &last.edition.rulebook;
        if *present == candidate.hash {
            return Err(Unsigned::InForce);
        }
        if *present != candidate.against {
            return Err(Unsigned::Against {
                against: candidate.against.clone(),
                present: present.clone(),
            });
        }
        match candidate.trial.as_ref().map(|trial| trial.state) {
            None | Some(State::Running) => return Err(Unsigned::Untried),
            Some(State::Failed) => {
                let reason = candidate
                    .trial
                    .as_ref()
                    .and_then(|trial| trial.reason.clone());
                return Err(Unsigned::Failed(reason.unwrap_or_default()));
            }
            Some(State::Done | State::Cancelled) => {}
        }
        if candidate.seen() != seen {
            return Err(Unsigned::Seen);
        }
        if candidate.signed.iter().any(|known| known.person == person) {
            return Err(Unsigned::Twice(person.to_owned()));
        }
        candidate.signed.push(Signature {
            person: person.to_owned(),
            at: now,
        });
        if candidate.signed.len() < SIGNATURES {
            let mut batch = self.batch(now);
            kept.put(&mut batch, self.topic);
            let stored = self.journal.submit_waiting(batch);
            stored
                .map_err(RegistryError::from)?
                .await
                .map_err(RegistryError::from)?;
            return Ok(false);
        }
        let next = Listed {
            edition: Edition {
                rulebook: hash.to_owned(),
                ..last.edition.clone()
            },
            imported: last.imported().to_owned(),
            since: vec![UNDER_WAY; last.zones.len()],
            ..last.clone()
        };
        let needed = self.needed(&before, &next).map_err(RegistryError::from)?;
        kept.replaced(present, || self.version(present), hash, now);
        let batch = self.batch(now);
        self.succeed(batch, &before, needed, next, &kept, now)
            .await?;
        Ok(true)
    }
}
