//! Our own CAP documents: one for each released revision, with identifiers that outlive restarts.

use crate::installation::Installation;
use dispatch::gateway::cap::{
    self, Act, Authority, AuthorityError, CapArea, CapDocument, Mint, Purpose, Reference, Words,
    WriteError,
};
use dispatch::wording::{self, Facts, Issuer, Places};
use journal::{Batch, Journal, JournalError, Kind, Partition, Priority, Topic};
use model::warning::{AreaTier, Event};
use model::{AreaCode, Channel, Language, Named, Tier, Time, Warning, WarningId};
use parking_lot::RwLock;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

/// Documents kept in memory; older ones are no longer served.
const DOCUMENTS_MAX: usize = 2_000;
/// Documents in the feed, newest first.
const FEED_MAX: usize = 200;
/// Kind of the registry record that binds a revision to its identifier.
const IDENTIFIER: u8 = 3;

/// The documents and what makes them.
pub(crate) struct CapBook {
    installation: Arc<Installation>,
    authority: Authority,
    issuer: Issuer,
    places: Places,
    areas: BTreeMap<AreaCode, CapArea>,
    inner: RwLock<Inner>,
}

#[derive(Default)]
struct Inner {
    documents: VecDeque<CapDocument>,
    references: BTreeMap<WarningId, Vec<Reference>>,
    warned: BTreeMap<WarningId, BTreeSet<AreaCode>>,
    mint: Mint,
}

/// A revision's identifier, as the registry holds it.
#[derive(Serialize, Deserialize)]
struct Minted {
    identifier: String,
    sent: Time,
}

/// Why a revision has no document.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CapBookError {
    /// It would mislead.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// Its identifier could not be stored.
    #[error(transparent)]
    Journal(#[from] JournalError),
}

impl CapBook {
    /// An empty book for the installation's first own authority.
    pub(crate) fn new(installation: Arc<Installation>) -> Result<Self, AuthorityError> {
        let own = installation.city.policy.matrix.own().next().cloned();
        let (code, name, signature, hotline, url) = match own {
            Some(own) => (
                own.id.to_string(),
                own.name,
                own.signature,
                own.hotline,
                own.url,
            ),
            None => Default::default(),
        };
        let host = url.split('/').nth(2).filter(|host| !host.is_empty());
        let sender = format!("sanfang@{}", host.unwrap_or("localhost"));
        let mut authority = Authority::new(&code, &sender, name.clone())?;
        authority.contact = hotline.clone();
        authority.web = url.clone();
        let verify = Named {
            zh: hotline.clone(),
            en: hotline,
        };
        let issuer = Issuer {
            id: code,
            name,
            signature,
            verify,
        };
        let city = &installation.city;
        Ok(Self {
            areas: city
                .areas
                .iter()
                .map(|a| (a.code, CapArea::prepare(a)))
                .collect(),
            places: Places::new(city),
            authority,
            issuer,
            inner: RwLock::default(),
            installation,
        })
    }

    /// Writes the document of a released revision; proposals and what came too late have none.
    pub(crate) async fn publish(
        &self,
        journal: &dyn Journal,
        warning: &Warning,
        now: Time,
    ) -> Result<(), CapBookError> {
        let mine = match warning.event {
            Event::Proposed => false,
            Event::Issued | Event::Updated | Event::Ended | Event::Cancelled => !warning.past,
        };
        if !mine {
            return Ok(());
        }
        let minted = self.minted(journal, warning, now).await?;
        self.write(&self.whole(warning), &minted)
    }

    /// The revision with every area that was ever warned, where it ends: all of them get the
    /// all-clear, also those that fell in an earlier revision.
    fn whole(&self, warning: &Warning) -> Warning {
        let mut whole = warning.clone();
        let mut inner = self.inner.write();
        let warned = inner.warned.entry(warning.id).or_default();
        warned.extend(warning.areas.keys());
        if matches!(warning.event, Event::Ended | Event::Cancelled) {
            for code in warned.iter() {
                whole.areas.entry(*code).or_insert(AreaTier {
                    tier: Tier::None,
                    reached: Tier::None,
                    onset: warning.time,
                });
            }
            inner.warned.remove(&warning.id);
        }
        whole
    }

    /// Writes the document of a revision that had one before the last stop.
    pub(crate) async fn recall(
        &self,
        journal: &dyn Journal,
        warning: &Warning,
        now: Time,
    ) -> Result<(), CapBookError> {
        let topic = Topic::new(Kind::Registry, warning.mode);
        let stored = journal.latest(topic, Partition(0), key(warning).as_bytes())?;
        if stored.is_none() {
            return Ok(());
        }
        self.publish(journal, warning, now).await
    }

    fn write(&self, warning: &Warning, minted: &Minted) -> Result<(), CapBookError> {
        let references = self
            .inner
            .read()
            .references
            .get(&warning.id)
            .cloned()
            .unwrap_or_default();
        let offset = self.installation.city.offset;
        let words = self.words(warning, minted.sent);
        let document = cap::alert(&Act {
            warning,
            identifier: &minted.identifier,
            sent: minted.sent,
            offset,
            authority: &self.authority,
            purpose: Purpose::Public,
            areas: &self.areas,
            words: &words,
            references: &references,
        })?;
        let mut inner = self.inner.write();
        let known = inner.references.entry(warning.id).or_default();
        // The first alert and the one before are what an update must name.
        known.truncate(1);
        known.push(Reference {
            sender: document.sender.clone(),
            identifier: document.identifier.clone(),
            sent: document.sent,
        });
        inner.documents.push_back(document);
        if inner.documents.len() > DOCUMENTS_MAX {
            inner.documents.pop_front();
        }
        Ok(())
    }

    /// The Atom feed of the newest documents.
    pub(crate) fn feed(&self, base: &str, now: Time) -> String {
        let inner = self.inner.read();
        let newest: Vec<_> = inner
            .documents
            .iter()
            .rev()
            .take(FEED_MAX)
            .cloned()
            .collect();
        let updated = newest.first().map_or(now, |document| document.sent);
        let offset = self.installation.city.offset;
        cap::feed::write(&newest, &self.authority, base, updated, offset)
    }

    /// The document of that identifier.
    pub(crate) fn document(&self, identifier: &str) -> Option<String> {
        let inner = self.inner.read();
        let found = inner
            .documents
            .iter()
            .rev()
            .find(|d| d.identifier == identifier);
        found.map(|document| document.xml.clone())
    }

    /// The identifier the revision got before, or a new one that is stored at once.
    async fn minted(
        &self,
        journal: &dyn Journal,
        warning: &Warning,
        now: Time,
    ) -> Result<Minted, JournalError> {
        let topic = Topic::new(Kind::Registry, warning.mode);
        let key = key(warning);
        let stored = journal.latest(topic, Partition(0), key.as_bytes())?;
        let offset = self.installation.city.offset;
        let code = self.authority.code();
        let identifier = self.inner.write().mint.next(code, warning.time, offset);
        if let Some(minted) = stored.and_then(|r| serde_json::from_slice(r.payload()).ok()) {
            return Ok(minted);
        }
        let minted = Minted {
            identifier,
            sent: now.max(warning.time),
        };
        let mut batch = Batch::new(now.millis(), Priority::Vital);
        let json = serde_json::to_vec(&minted).unwrap_or_default();
        batch.append(topic, Partition(0), IDENTIFIER, key.as_bytes(), &json);
        journal.submit_waiting(batch)?.await?;
        Ok(minted)
    }

    fn words(&self, warning: &Warning, sent: Time) -> BTreeMap<(Tier, Language), Words> {
        let mut by_tier: BTreeMap<Tier, BTreeSet<AreaCode>> = BTreeMap::new();
        for (code, area) in &warning.areas {
            by_tier.entry(area.tier).or_default().insert(*code);
        }
        let highest = warning.tier();
        let mut words = BTreeMap::new();
        for (tier, codes) in by_tier {
            let strongest = warning.evidence.iter().max_by_key(|e| e.tier);
            for language in Language::ALL {
                let named = |pick: &dyn Fn(Language) -> String| Named {
                    zh: pick(Language::Zh),
                    en: pick(Language::En),
                };
                let facts = Facts {
                    purpose: purpose(warning, tier),
                    mode: warning.mode,
                    hazard: warning.hazard,
                    hazard_name: &warning.name,
                    tier,
                    from: if tier == Tier::None {
                        highest
                    } else {
                        Tier::None
                    },
                    issuer: &self.issuer,
                    own: true,
                    issued: sent,
                    start: warning.time,
                    deadline: warning.expires,
                    offset: self.installation.city.offset,
                    place: &named(&|l| self.places.list(&codes, l)),
                    measure: &named(&|l| {
                        strongest
                            .map(|e| wording::measure::words(e, l))
                            .unwrap_or_default()
                    }),
                    text: &warning.text,
                    relay: None,
                };
                let message = self
                    .installation
                    .wording
                    .message(Channel::Cap, language, &facts);
                let entry = Words {
                    headline: message.subject,
                    description: message.text,
                    instruction: message.instruction,
                };
                words.insert((tier, language), entry);
            }
        }
        words
    }
}

fn key(warning: &Warning) -> String {
    format!("cap/{}/{}", warning.id, warning.revision)
}

fn purpose(warning: &Warning, tier: Tier) -> wording::Purpose {
    match warning.event {
        Event::Cancelled => wording::Purpose::Cancelled,
        Event::Ended => wording::Purpose::Ended,
        Event::Proposed | Event::Issued | Event::Updated if tier == Tier::None => {
            wording::Purpose::Ended
        }
        Event::Proposed | Event::Issued => wording::Purpose::Alert,
        Event::Updated => wording::Purpose::Rise,
    }
}
