//! Our own CAP documents: one for each released revision, with identifiers that outlive restarts.

mod known;

use crate::installation::Installation;
use dispatch::gateway::cap::{
    self, Act, Authority, AuthorityError, CapArea, CapDocument, CapSigner, Mint, Purpose,
    Reference, SignerError, Words, WriteError,
};
use dispatch::plan::issuer_of;
use dispatch::wording::{self, Facts, Issuer, Names, Places};
use journal::{Batch, Journal, JournalError, Kind, Partition, Priority, Topic};
use known::Known;
use model::warning::Event;
use model::{AreaCode, Channel, Language, Named, SendError, Tier, Time, Warning, WarningId};
use parking_lot::{Mutex, RwLock};
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
    /// Our authorities by code; a warning goes out under the one it names.
    own: BTreeMap<String, Own>,
    /// The one the feed is under, and what names none of ours.
    first: Own,
    places: Places,
    areas: BTreeMap<AreaCode, CapArea>,
    /// Signs each document, where there is a key.
    signer: Option<CapSigner>,
    inner: RwLock<Inner>,
    /// Two links may want the same document at once.
    writing: Mutex<()>,
}

/// One of our authorities, as CAP and as the texts name it.
#[derive(Clone)]
struct Own {
    authority: Authority,
    issuer: Issuer,
}

#[derive(Default)]
struct Inner {
    documents: VecDeque<CapDocument>,
    known: BTreeMap<WarningId, Known>,
    mints: BTreeMap<String, Mint>,
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
    /// It would go out without our signature.
    #[error(transparent)]
    Sign(#[from] SignerError),
    /// Its identifier could not be stored.
    #[error(transparent)]
    Journal(#[from] JournalError),
}

impl From<CapBookError> for SendError {
    /// A journal that does not take it now may take it later; nothing else gets better.
    fn from(error: CapBookError) -> Self {
        match &error {
            CapBookError::Write(_) | CapBookError::Sign(_) => Self::Permanent(error.to_string()),
            CapBookError::Journal(_) => Self::Transient(error.to_string()),
        }
    }
}

impl Own {
    fn new(own: Option<&model::Authority>) -> Result<Self, AuthorityError> {
        let issuer = own.map_or_else(Issuer::default, issuer_of);
        let (hotline, url) = own.map_or(("", ""), |own| (&own.hotline, &own.url));
        let host = url.split('/').nth(2).filter(|host| !host.is_empty());
        let sender = format!("sanfang@{}", host.unwrap_or("localhost"));
        let mut authority = Authority::new(&issuer.id, &sender, issuer.name.clone())?;
        hotline.clone_into(&mut authority.contact);
        url.clone_into(&mut authority.web);
        Ok(Self { authority, issuer })
    }
}

impl CapBook {
    /// An empty book for the installation's own authorities.
    pub(crate) fn new(installation: Arc<Installation>) -> Result<Self, AuthorityError> {
        let matrix = &installation.city.policy.matrix;
        let mut own = BTreeMap::new();
        for authority in matrix.own() {
            own.insert(authority.id.to_string(), Own::new(Some(authority))?);
        }
        let first = Own::new(matrix.own().next())?;
        let city = &installation.city;
        Ok(Self {
            areas: city
                .areas
                .iter()
                .map(|a| (a.code, CapArea::prepare(a)))
                .collect(),
            places: Places::new(city, installation.wording.names()),
            own,
            first,
            signer: None,
            inner: RwLock::default(),
            writing: Mutex::default(),
            installation,
        })
    }

    /// The same, each document of which `signer` signs.
    pub(crate) fn signed_by(self, signer: Option<CapSigner>) -> Self {
        Self { signer, ..self }
    }

    /// The authority a warning goes out under.
    fn own(&self, warning: &Warning) -> &Own {
        self.own.get(&warning.authority).unwrap_or(&self.first)
    }

    /// Whether a document of that revision is still to be written: proposals and what came too late
    /// have none, and what a newer one overtook needs none.
    fn is_due(&self, warning: &Warning) -> bool {
        let mine = match warning.event {
            Event::Proposed => false,
            Event::Issued | Event::Updated | Event::Ended | Event::Cancelled => !warning.past,
        };
        let inner = self.inner.read();
        let known = inner.known.get(&warning.id);
        mine && known.is_none_or(|known| known.revision() < warning.revision)
    }

    /// Writes the document of a released revision, for the link in partition `link`.
    pub(crate) async fn publish(
        &self,
        journal: &dyn Journal,
        link: Partition,
        warning: &Warning,
        now: Time,
    ) -> Result<(), CapBookError> {
        if !self.is_due(warning) {
            return Ok(());
        }
        let minted = match self.stored(journal, warning)? {
            Some(minted) => minted,
            None => self.mint(journal, link, warning, now).await?,
        };
        self.written(warning, &minted)
    }

    /// Writes the document of a revision that was published before the last stop, or by another
    /// process; false where it has no identifier yet.
    pub(crate) fn recall(
        &self,
        journal: &dyn Journal,
        warning: &Warning,
    ) -> Result<bool, CapBookError> {
        if !self.is_due(warning) {
            return Ok(true);
        }
        let Some(minted) = self.stored(journal, warning)? else {
            return Ok(false);
        };
        self.written(warning, &minted)?;
        Ok(true)
    }

    /// The document of a revision, whoever published it; nothing where nobody has yet, or where it
    /// is one of the oldest.
    pub(crate) fn document_of(
        &self,
        journal: &dyn Journal,
        warning: &Warning,
    ) -> Result<Option<CapDocument>, CapBookError> {
        let Some(minted) = self.stored(journal, warning)? else {
            return Ok(None);
        };
        self.written(warning, &minted)?;
        let inner = self.inner.read();
        let mut newest = inner.documents.iter().rev();
        Ok(newest.find(|d| d.identifier == minted.identifier).cloned())
    }

    /// Writes a document where it is still to be.
    fn written(&self, warning: &Warning, minted: &Minted) -> Result<(), CapBookError> {
        let _alone = self.writing.lock();
        if self.is_due(warning) {
            self.write(warning, minted)?;
        }
        Ok(())
    }

    fn write(&self, warning: &Warning, minted: &Minted) -> Result<(), CapBookError> {
        let before = self.inner.read().known.get(&warning.id).cloned();
        let mut known = before.unwrap_or_default();
        let whole = known.whole(warning);
        let offset = self.installation.city.offset;
        let words = self.words(&whole, &known, minted.sent);
        let mut document = cap::alert(&Act {
            warning: &whole,
            identifier: &minted.identifier,
            sent: minted.sent,
            offset,
            authority: &self.own(warning).authority,
            purpose: Purpose::Public,
            areas: &self.areas,
            words: &words,
            references: known.references(),
        })?;
        if let Some(signer) = &self.signer {
            document.xml = signer.sign(&document.xml)?;
        }
        let reference = Reference {
            sender: document.sender.clone(),
            identifier: document.identifier.clone(),
            sent: document.sent,
        };
        known.published(&whole, reference);
        let mut inner = self.inner.write();
        inner.known.insert(warning.id, known);
        while inner.known.len() > DOCUMENTS_MAX {
            let oldest = inner.known.iter().min_by_key(|(_, known)| known.age());
            let Some(oldest) = oldest.map(|(id, _)| *id) else {
                break;
            };
            inner.known.remove(&oldest);
        }
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
        cap::feed::write(&newest, &self.first.authority, base, updated, offset)
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

    /// The identifier that the revision got before.
    fn stored(
        &self,
        journal: &dyn Journal,
        warning: &Warning,
    ) -> Result<Option<Minted>, JournalError> {
        let topic = Topic::new(Kind::Registry, warning.mode);
        let stored = journal.latest(topic, Partition(0), key(warning).as_bytes())?;
        let minted: Option<Minted> =
            stored.and_then(|record| serde_json::from_slice(record.payload()).ok());
        if minted.is_some() {
            // No number is used again.
            drop(self.next(warning));
        }
        Ok(minted)
    }

    /// The next identifier of the authority that the warning goes out under.
    fn next(&self, warning: &Warning) -> String {
        let offset = self.installation.city.offset;
        let code = self.own(warning).authority.code();
        let mut inner = self.inner.write();
        let mint = inner.mints.entry(code.to_owned()).or_default();
        mint.next(code, warning.time, offset)
    }

    /// A new identifier, stored at once.
    async fn mint(
        &self,
        journal: &dyn Journal,
        link: Partition,
        warning: &Warning,
        now: Time,
    ) -> Result<Minted, JournalError> {
        let minted = Minted {
            identifier: self.next(warning),
            sent: now.max(warning.time),
        };
        let owner = Topic::new(Kind::Deliveries, warning.mode);
        let batch = Batch::new(now.millis(), Priority::Vital);
        let mut batch = batch.owned_by(owner, link);
        let json = serde_json::to_vec(&minted).unwrap_or_default();
        let topic = Topic::new(Kind::Registry, warning.mode);
        let key = key(warning);
        batch.append(topic, Partition(0), IDENTIFIER, key.as_bytes(), &json);
        journal.submit_waiting(batch)?.await?;
        Ok(minted)
    }

    fn words(
        &self,
        warning: &Warning,
        known: &Known,
        sent: Time,
    ) -> BTreeMap<(Tier, Language), Words> {
        let mut by_tier: BTreeMap<Tier, BTreeSet<AreaCode>> = BTreeMap::new();
        for (code, area) in &warning.areas {
            by_tier.entry(area.tier).or_default().insert(*code);
        }
        let own = self.own(warning);
        let mut words = BTreeMap::new();
        for (tier, codes) in by_tier {
            let (purpose, from) = known.purpose(warning, tier, &codes);
            let strongest = warning.evidence.iter().max_by_key(|e| e.tier);
            let place = Names::each(|language| self.places.list(&codes, language));
            let area = Names::each(|language| self.places.brief(&codes, language));
            let measure = strongest.map_or_else(Named::default, |evidence| Named {
                zh: wording::measure::words(evidence, Language::Zh),
                en: wording::measure::words(evidence, Language::En),
            });
            for language in self.installation.wording.languages(purpose).iter().copied() {
                let facts = Facts {
                    purpose,
                    mode: warning.mode,
                    hazard: warning.hazard,
                    hazard_name: &warning.name,
                    tier,
                    from,
                    issuer: &own.issuer,
                    own: true,
                    issued: sent,
                    start: warning.time,
                    deadline: warning.expires,
                    offset: self.installation.city.offset,
                    place: &place,
                    area: &area,
                    site: None,
                    measure: &measure,
                    text: &warning.text,
                    relay: None,
                    plain: false,
                    items: &[],
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

#[cfg(test)]
mod tests;
