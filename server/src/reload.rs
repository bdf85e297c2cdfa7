//! Another rulebook without a restart: put forward, shown, signed by two persons, in force at a
//! record boundary of every zone. Going back is the same act with a hash that is kept.

use crate::api::Problem;
use crate::app::App;
use crate::candidate::{self, Judged};
use crate::installation::Faulty;
use crate::process;
use crate::registry::{Candidate, File, Registry, RegistryError, Unsigned};
use crate::rehearsal::{Rehearsal, Trial};
use journal::{Claims, JournalError, Kind, Offset, Partition, Topic};
use model::City;
use parking_lot::{Mutex, RwLock};
use rules::Rulebook;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// Longest wait for another process that adds to the registry.
const ALONE_MAX: Duration = Duration::from_secs(20);

/// What this process knows of the rulebook in force, and who changes it.
pub(crate) struct Reload {
    /// Held while somebody of this process adds to the registry.
    one: tokio::sync::Mutex<()>,
    rulebook: RwLock<Arc<Rulebook>>,
    /// The registry's end, and how far it was looked at.
    end: Mutex<(watch::Receiver<Offset>, Offset)>,
    /// The dry run that is under way.
    pub(crate) rehearsal: Rehearsal,
}

/// What is put forward.
pub(crate) enum Proposal {
    /// Files by name.
    Files(BTreeMap<String, String>),
    /// One that is kept, by its hash.
    Kept(String),
}

/// Why nothing was put forward or signed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refusal {
    /// The files.
    #[error(transparent)]
    Faulty(#[from] Faulty),
    /// What stands in the registry.
    #[error(transparent)]
    Unsigned(#[from] Unsigned),
    /// Another process adds to the registry.
    #[error("another process of the deployment is starting or reloading; send it again")]
    NotAlone,
    /// One dry run at a time.
    #[error("the dry run of {0} is under way: wait for it, or cancel it")]
    Busy(String),
    /// The work did not come to its end.
    #[error("it was interrupted: {0}")]
    Interrupted(#[from] tokio::task::JoinError),
}

impl From<RegistryError> for Refusal {
    fn from(error: RegistryError) -> Self {
        Self::Unsigned(error.into())
    }
}

impl From<JournalError> for Refusal {
    fn from(error: JournalError) -> Self {
        RegistryError::from(error).into()
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        let words = refusal.to_string();
        match refusal {
            Refusal::Faulty(faulty) => Self::faulty(&faulty),
            Refusal::Unsigned(unsigned) => match unsigned {
                Unsigned::Unknown(_) => Self::not_found(words),
                Unsigned::InForce
                | Unsigned::Against { .. }
                | Unsigned::Untried
                | Unsigned::Failed(_)
                | Unsigned::Seen
                | Unsigned::Twice(_) => Self::conflict(words),
                Unsigned::Registry(RegistryError::Journal(error)) => error.into(),
                Unsigned::Registry(
                    RegistryError::Vault(_)
                    | RegistryError::Missing(_)
                    | RegistryError::Unreadable(..)
                    | RegistryError::Links { .. }
                    | RegistryError::Zones { .. },
                ) => Self::unavailable(words),
            },
            Refusal::Busy(_) => Self::under_way(words),
            Refusal::NotAlone | Refusal::Interrupted(_) => Self::unavailable(words),
        }
    }
}

impl Reload {
    /// With the rulebook that is in force at the start.
    pub(crate) fn new(rulebook: Arc<Rulebook>, end: watch::Receiver<Offset>) -> Self {
        Self {
            one: tokio::sync::Mutex::new(()),
            rulebook: RwLock::new(rulebook),
            end: Mutex::new((end, Offset::default())),
            rehearsal: Rehearsal::default(),
        }
    }

    /// The rulebook in force.
    pub(crate) fn rulebook(&self) -> Arc<Rulebook> {
        Arc::clone(&self.rulebook.read())
    }

    /// Another one is in force.
    pub(crate) fn adopt(&self, rulebook: &Arc<Rulebook>) {
        if self.rulebook.read().hash() != rulebook.hash() {
            *self.rulebook.write() = Arc::clone(rulebook);
        }
    }

    /// Looks whether another process put a rulebook in force: what its zones say is shown by it.
    pub(crate) fn follow(&self, registry: &Registry) -> Result<(), RegistryError> {
        let mut end = self.end.lock();
        let now = *end.0.borrow_and_update();
        if now == end.1 {
            return Ok(());
        }
        if let Some(present) = registry.present()?
            && present.rulebook != self.rulebook().hash()
        {
            match registry.rulebook_of(&present.rulebook) {
                Ok(rulebook) => self.adopt(&Arc::new(rulebook)),
                Err(RegistryError::Journal(error)) => return Err(error.into()),
                // Put in force by a later version: those of its zones are not here either.
                Err(error) => tracing::error!(%error, "shown by the rulebook before"),
            }
        }
        end.1 = now;
        Ok(())
    }
}

impl App {
    /// Checks a rulebook and keeps it for signatures, against the one in force; gives its hash.
    pub(crate) async fn put_forward(
        self: &Arc<Self>,
        proposal: Proposal,
        person: &str,
        note: String,
    ) -> Result<String, Refusal> {
        let person = person.to_owned();
        let put = self.alone(move |app, handle| {
            let known = app.registry.present()?;
            let present = known.unwrap_or_else(|| app.installation.edition.clone());
            let city = if present.city == app.installation.edition.city {
                Arc::clone(&app.installation.city)
            } else {
                Arc::new(app.registry.city_of(&present)?)
            };
            let now = app.clock.now();
            let (mut candidate, files) = app.candidate(proposal, &city)?;
            if candidate.hash == present.rulebook {
                return Err(Unsigned::InForce.into());
            }
            candidate.by = Some(person);
            candidate.at = Some(now);
            candidate.note = note;
            candidate.against.clone_from(&present.rulebook);
            candidate.trial = Some(app.begun());
            let other = app.reload.rehearsal.under_way();
            if let Some(other) = other.filter(|other| *other != candidate.hash) {
                return Err(Refusal::Busy(other));
            }
            let put = app.registry.put_forward(candidate.clone(), &files, now);
            handle.block_on(put)?;
            Ok(candidate)
        });
        let candidate = put.await?;
        self.rehearse(&candidate);
        Ok(candidate.hash)
    }

    /// Keeps what the dry run of a rulebook found.
    pub(crate) async fn keep_trial(
        self: &Arc<Self>,
        candidate: Candidate,
        trial: Trial,
    ) -> Result<(), Refusal> {
        self.alone(move |app, handle| {
            let kept = app.registry.tried(&candidate, trial, app.clock.now());
            Ok(handle.block_on(kept)?)
        })
        .await
    }

    fn candidate(
        &self,
        proposal: Proposal,
        city: &City,
    ) -> Result<(Candidate, Vec<File>), Refusal> {
        match proposal {
            Proposal::Files(files) => {
                let Judged {
                    rulebook,
                    files,
                    tests,
                    notices,
                } = candidate::judge(files, city, self.series)?;
                let candidate = Candidate {
                    tests,
                    notices,
                    ..Candidate::of(&rulebook)
                };
                Ok((candidate, files))
            }
            Proposal::Kept(hash) => {
                let kept = self.registry.rulebooks()?;
                let known = kept.find(&hash).ok_or(Unsigned::Unknown(hash))?;
                let rulebook = self.registry.rulebook_of(&known.hash)?;
                let candidate = Candidate {
                    tests: known.tests,
                    notices: candidate::still_fits(&rulebook, city, self.series)?,
                    ended: known.ended,
                    ..Candidate::of(&rulebook)
                };
                Ok((candidate, Vec::new()))
            }
        }
    }

    /// Takes a person's signature under a rulebook; true where it is in force by it.
    pub(crate) async fn sign_rulebook(
        self: &Arc<Self>,
        hash: String,
        seen: String,
        person: &str,
    ) -> Result<bool, Refusal> {
        let person = person.to_owned();
        self.alone(move |app, handle| {
            let now = app.clock.now();
            let signed = app.registry.sign(&hash, &seen, &person, now);
            let in_force = handle.block_on(signed)?;
            if in_force {
                app.reload
                    .adopt(&Arc::new(app.registry.rulebook_of(&hash)?));
                tracing::info!(rulebook = hash, "signed by two persons and in force");
            }
            Ok(in_force)
        })
        .await
    }

    /// Does what only one process of the deployment may do at a time, away from those who answer
    /// requests.
    pub(crate) async fn alone<T: Send + 'static, E: From<Refusal> + Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&Arc<Self>, &tokio::runtime::Handle) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E> {
        let app = Arc::clone(self);
        let handle = tokio::runtime::Handle::current();
        let done = tokio::task::spawn_blocking(move || {
            let _one = handle.block_on(app.reload.one.lock());
            let _alone = app.claim_registry()?;
            work(&app, &handle)
        });
        done.await.map_err(Refusal::from)?
    }

    /// The right to add to the registry, where there are other processes.
    fn claim_registry(&self) -> Result<Option<Claims>, Refusal> {
        let Some(kafka) = &self.kafka else {
            return Ok(None);
        };
        let claims = process::alone(kafka, self.mode, ALONE_MAX)?;
        claims.map(Some).ok_or(Refusal::NotAlone)
    }

    /// The registry's end, as it moves.
    pub(crate) fn registry_end(
        journal: &dyn journal::Journal,
        mode: model::Mode,
    ) -> watch::Receiver<Offset> {
        journal.subscribe(Topic::new(Kind::Registry, mode), Partition(0))
    }
}
