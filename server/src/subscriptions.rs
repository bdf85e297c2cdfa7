//! Subscriptions that residents left for Web Push: sealed files, one each, in the directory's folder.
//!
//! A subscription is an address and the areas somebody wants to hear of: personal data, clear in
//! memory only, never in the journal, which knows a number. The recipients' directory is a table
//! that somebody imports, so those who subscribe by themselves stand beside it, with numbers of
//! their own that are never given twice. To forget somebody is to delete their file.

use dispatch::directory::{address_of, open_note, seal_note};
use dispatch::gateway::push::is_within;
use dispatch::gateway::web_push::{Subscription, WebPush};
use dispatch::intent::RecipientNo;
use dispatch::outbox::Row;
use dispatch::wording::language_variant;
use model::{AreaCode, Language, Time};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::net::IpAddr;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

/// Purpose of the key that the files are sealed under.
pub(crate) const PURPOSE: &str = "push subscriptions";
/// Numbers of subscribers begin here: a directory has 33.5 million people, this is twice that.
pub(crate) const NUMBERS_FROM: u32 = 1 << 26;
/// Areas of one subscription.
pub(crate) const AREAS_MAX: usize = 16;
/// Subscriptions that one client may leave in an hour, and all together in a minute.
const PER_CLIENT: u32 = 20;
const PER_MINUTE: u32 = 600;
/// Clients whose hour is counted; with more, counting begins anew.
const CLIENTS_MAX: usize = 10_000;
/// What files end in.
const ENDING: &str = "sub";
const DRAFT: &str = "draft";
/// Files begun at the same time, by all processes.
const DRAFTS_MAX: u32 = 100;

/// All of them, and how browsers are pushed to.
pub(crate) struct Subscriptions {
    folder: PathBuf,
    key: [u8; 32],
    most: usize,
    browsers: Arc<WebPush>,
    known: Mutex<Known>,
    asked: Mutex<Asked>,
}

/// What is in the folder, as it was looked at last.
#[derive(Default)]
struct Known {
    looked: Option<SystemTime>,
    by_number: BTreeMap<u32, Kept>,
    /// No number up to this is given again.
    last: u32,
}

/// One of them, and when its file was written.
struct Kept {
    written: SystemTime,
    entry: Entry,
}

#[derive(Clone, Serialize, Deserialize)]
struct Entry {
    token: String,
    areas: Vec<AreaCode>,
    language: Language,
}

impl Entry {
    fn row(&self, recipient: RecipientNo) -> Row {
        Row {
            recipient,
            variant: language_variant(self.language),
            shared: true,
            address: address_of(&self.token),
        }
    }
}

/// Who subscribed, and which areas they watched before.
#[derive(Debug)]
pub(crate) struct Subscribed {
    pub(crate) recipient: RecipientNo,
    pub(crate) before: Vec<AreaCode>,
}

/// How often subscriptions were left.
#[derive(Default)]
struct Asked {
    hour: i64,
    by_client: BTreeMap<IpAddr, u32>,
    minute: (i64, u32),
}

/// Why a subscription is not taken.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refused {
    /// Its push service is none that may be called.
    #[error("its push service is none that this installation calls")]
    Service,
    /// As many as there may be.
    #[error("{0} subscriptions are held, the most allowed: try again later")]
    Full(usize),
    /// Too often.
    #[error("too many subscriptions from there: try again in an hour")]
    TooOften,
    /// The folder.
    #[error("the subscription cannot be kept: {0}")]
    Disk(#[from] io::Error),
}

impl Subscriptions {
    /// Those of `folder`, which is made where it is not there.
    ///
    /// # Errors
    /// The folder cannot be used.
    pub(crate) fn open(
        folder: &Path,
        key: [u8; 32],
        most: usize,
        browsers: Arc<WebPush>,
    ) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        for entry in fs::read_dir(folder)? {
            // Begun before a crash.
            let path = entry?.path();
            if path.extension().is_some_and(|ending| ending == DRAFT) {
                drop(fs::remove_file(path));
            }
        }
        let this = Self {
            folder: folder.to_owned(),
            key,
            most,
            browsers,
            known: Mutex::default(),
            asked: Mutex::default(),
        };
        this.look(&mut this.known.lock())?;
        Ok(this)
    }

    /// What browsers subscribe with.
    pub(crate) fn public_key(&self) -> &str {
        self.browsers.public_key()
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.known.lock().by_number.len()
    }

    /// Keeps a subscription, in the place of an earlier one of the same browser; on disk once this
    /// returns. Gives whose it is.
    pub(crate) fn put(
        &self,
        subscription: &Subscription,
        areas: Vec<AreaCode>,
        language: Language,
        (client, at): (Option<IpAddr>, Time),
    ) -> Result<Subscribed, Refused> {
        if !self.browsers.serves(subscription) {
            return Err(Refused::Service);
        }
        if !self.asked.lock().takes(client, at) {
            return Err(Refused::TooOften);
        }
        let entry = Entry {
            token: format!("web:{}", subscription.to_line()),
            areas,
            language,
        };
        let mut known = self.known.lock();
        self.look(&mut known)?;
        if let Some(no) = known.of(subscription.endpoint.as_str()) {
            let written = self.write(&self.draft(&entry)?, no, true)?;
            let before = known.by_number.insert(no, Kept { written, entry });
            return Ok(Subscribed {
                recipient: RecipientNo(no),
                before: before.map(|kept| kept.entry.areas).unwrap_or_default(),
            });
        }
        if known.by_number.len() >= self.most {
            return Err(Refused::Full(self.most));
        }
        let draft = self.draft(&entry)?;
        let written = loop {
            known.last += 1;
            match self.write(&draft, known.last, false) {
                Ok(written) => break written,
                // Another process gave that number meanwhile.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => {
                    drop(fs::remove_file(draft));
                    return Err(error.into());
                }
            }
        };
        let no = known.last;
        known.by_number.insert(no, Kept { written, entry });
        Ok(Subscribed {
            recipient: RecipientNo(no),
            before: Vec::new(),
        })
    }

    /// Forgets the subscription of that address; true where there was one.
    pub(crate) fn take_back(&self, endpoint: &str) -> bool {
        let mut known = self.known.lock();
        drop(self.look(&mut known));
        let Some(no) = known.of(endpoint) else {
            return false;
        };
        self.remove(&mut known, no);
        true
    }

    /// Forgets a subscriber, whose service says that the browser is gone.
    pub(crate) fn forget(&self, recipient: RecipientNo) {
        self.remove(&mut self.known.lock(), recipient.0);
    }

    /// The token of a subscriber.
    pub(crate) fn token(&self, recipient: RecipientNo) -> Option<String> {
        let known = self.known.lock();
        let kept = known.by_number.get(&recipient.0);
        kept.map(|kept| kept.entry.token.clone())
    }

    /// One subscriber's row; where there are areas, of one who is a subscriber of one of them.
    pub(crate) fn row(&self, recipient: RecipientNo, areas: Option<&[AreaCode]>) -> Option<Row> {
        let mut known = self.known.lock();
        drop(self.look(&mut known));
        let entry = &known.by_number.get(&recipient.0)?.entry;
        let hears = |area: &AreaCode| entry.areas.iter().any(|own| is_within(*area, *own));
        let is_meant = areas.is_none_or(|areas| areas.iter().any(hears));
        is_meant.then(|| entry.row(recipient))
    }

    /// Subscribers of `areas`, or of areas that hold one of them, by number from `from` on, and where the
    /// next page begins.
    pub(crate) fn page(
        &self,
        areas: &[AreaCode],
        from: u64,
        rows_max: usize,
    ) -> (Vec<Row>, Option<u64>) {
        let mut known = self.known.lock();
        drop(self.look(&mut known));
        let from = u32::try_from(from).unwrap_or(u32::MAX);
        let mut rows = Vec::new();
        for (no, Kept { entry, .. }) in known.by_number.range(from..) {
            if rows.len() >= rows_max.max(1) {
                return (rows, Some(u64::from(*no)));
            }
            let hears = |area: &AreaCode| entry.areas.iter().any(|own| is_within(*area, *own));
            if areas.iter().any(hears) {
                rows.push(entry.row(RecipientNo(*no)));
            }
        }
        (rows, None)
    }

    /// Reads the folder where it changed: by this process, or by another one over shared storage.
    fn look(&self, known: &mut Known) -> io::Result<()> {
        let changed = fs::metadata(&self.folder)?.modified()?;
        if known.looked == Some(changed) {
            return Ok(());
        }
        let mut found = BTreeMap::new();
        let mut forgotten = Vec::new();
        known.last = known.last.max(NUMBERS_FROM);
        for entry in fs::read_dir(&self.folder)? {
            let path = entry?.path();
            let Some(no) = number_of(&path) else {
                continue;
            };
            known.last = known.last.max(no);
            let about = match fs::metadata(&path) {
                Ok(about) => about,
                // Deleted meanwhile.
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(error),
            };
            let written = about.modified()?;
            let kept = known.by_number.remove(&no);
            if about.len() == 0 {
                forgotten.push((no, path));
            } else if let Some(kept) = kept.filter(|kept| kept.written == written) {
                found.insert(no, kept);
            } else if let Some(entry) = self.unsealed(&fs::read(&path)?) {
                found.insert(no, Kept { written, entry });
            } else {
                tracing::error!(number = no, "subscription cannot be opened");
            }
        }
        // An empty file holds the highest number, so that it is not given again.
        for (no, path) in forgotten {
            if no < known.last {
                drop(fs::remove_file(path));
            }
        }
        known.by_number = found;
        known.looked = Some(fs::metadata(&self.folder)?.modified()?);
        Ok(())
    }

    fn unsealed(&self, bytes: &[u8]) -> Option<Entry> {
        serde_json::from_slice(&open_note(&self.key, bytes).ok()?).ok()
    }

    /// A sealed file without its number yet.
    fn draft(&self, entry: &Entry) -> io::Result<PathBuf> {
        let clear = serde_json::to_vec(entry)?;
        let sealed = seal_note(&self.key, &clear).map_err(io::Error::other)?;
        let begin = |number: u32| {
            let path = self.folder.join(format!("{number}.{DRAFT}"));
            let mut options = OpenOptions::new();
            let file = options.write(true).create_new(true).mode(0o600).open(&path);
            file.ok().map(|file| (file, path))
        };
        let (mut file, path) = (0..DRAFTS_MAX)
            .find_map(begin)
            .ok_or_else(|| io::Error::other("no file can be begun in its folder"))?;
        file.write_all(&sealed)?;
        file.sync_all()?;
        Ok(path)
    }

    /// Gives a draft its number: whole under its name, or not there.
    fn write(&self, draft: &Path, no: u32, replaces: bool) -> io::Result<SystemTime> {
        let path = self.path(no);
        if replaces {
            fs::rename(draft, &path)?;
        } else {
            fs::hard_link(draft, &path)?;
            fs::remove_file(draft)?;
        }
        fs::File::open(&self.folder)?.sync_all()?;
        fs::metadata(path)?.modified()
    }

    fn remove(&self, known: &mut Known, no: u32) {
        if known.by_number.remove(&no).is_none() {
            return;
        }
        let path = self.path(no);
        let done = if no == known.last {
            OpenOptions::new()
                .write(true)
                .truncate(true)
                .open(path)
                .map(drop)
        } else {
            fs::remove_file(path)
        };
        if let Err(error) = done {
            tracing::error!(number = no, %error, "subscription not deleted");
        }
    }

    fn path(&self, no: u32) -> PathBuf {
        self.folder.join(format!("{no}.{ENDING}"))
    }
}

impl Known {
    /// Number of the browser with that address.
    fn of(&self, endpoint: &str) -> Option<u32> {
        let mut all = self.by_number.iter();
        let found = all.find(|(_, kept)| is_of(&kept.entry.token, endpoint));
        found.map(|(no, _)| *no)
    }
}

impl Asked {
    /// Whether one more may be left.
    fn takes(&mut self, client: Option<IpAddr>, at: Time) -> bool {
        let (hour, minute) = (at.seconds().div_euclid(3600), at.minute());
        if hour != self.hour || self.by_client.len() >= CLIENTS_MAX {
            self.hour = hour;
            self.by_client.clear();
        }
        if minute != self.minute.0 {
            self.minute = (minute, 0);
        }
        self.minute.1 += 1;
        let of_client = client.map(|client| {
            let count = self.by_client.entry(client).or_insert(0);
            *count += 1;
            *count
        });
        self.minute.1 <= PER_MINUTE && of_client.is_none_or(|count| count <= PER_CLIENT)
    }
}

fn number_of(path: &Path) -> Option<u32> {
    let is_ours = path.extension().is_some_and(|ending| ending == ENDING);
    let name = path.file_stem().filter(|_| is_ours)?;
    name.to_str()?.parse().ok().filter(|no| *no > NUMBERS_FROM)
}

/// Whether a token is of the browser with that address.
fn is_of(token: &str, endpoint: &str) -> bool {
    let line = token
        .strip_prefix("web:")
        .and_then(|line| line.rsplit_once('#'));
    line.is_some_and(|(own, _)| own == endpoint)
}

#[cfg(test)]
pub(crate) mod tests;
