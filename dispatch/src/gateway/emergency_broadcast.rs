//! Emergency broadcast (应急广播): a platform of radio, television and village loudspeakers is handed
//! signed packages over HTTP, and says how far each message is.
//!
//! A package is a TAR with a document and its signature. A message has an identity of its own that stays
//! over all attempts, so that what nobody knows of may be sent again.

mod archive;
mod document;
mod seal;
mod standing;

pub use archive::{ArchiveError, BYTES_MAX, pack, unpack};
pub use document::{Broadcast, Edition, Message, Parties, Reply, ReplyError};
pub use seal::{SealError, Sealer};

use super::breaker::Circuit;
use super::gate::{Gate, GateConfig};
use super::http::{body_within, unanswered};
use super::notice::Unsent;
use super::{Proof, Receipt};
use crate::intent::IntentId;
use document::{Content, Head, document, message_id, package_id, signature};
use model::{AreaCode, Language, Offset, SendError, Span, Tier, Time, WarningId};
use reqwest::{StatusCode, Url};
use standing::{Notice, PARTS, Step, Table};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use tokio::sync::Mutex as AsyncMutex;

/// Between two questions how far a message is.
const ASKED_EVERY: Span = Span::from_seconds(60);
/// Numbers of one day: each may become [`PARTS`] messages of four digits.
const NUMBERS_MAX: u16 = 10_000 / PARTS - 1;

/// A platform as configured.
pub struct EmergencyConfig {
    /// Name in metrics, on the screen and in the link.
    pub name: String,
    /// Where packages are posted.
    pub url: Url,
    /// Which standard it speaks.
    pub edition: Edition,
    /// Resource codes.
    pub parties: Parties,
    /// What signs packages.
    pub sealer: Sealer,
    /// Number of the certificate that the far side knows the key by.
    pub certificate: String,
    /// Offset that times are written with.
    pub offset: Offset,
    /// How much of it there is at once, and when it is left alone.
    pub gate: GateConfig,
}

/// What is to be said.
#[derive(Clone, Debug)]
pub struct EmergencySaying<'a> {
    /// The intent: the same over all attempts.
    pub intent: IntentId,
    /// The warning.
    pub warning: WarningId,
    /// When it was planned: its day is that of its number.
    pub created: Time,
    /// Who sends it, by name and by code.
    pub sender: (&'a str, &'a str),
    /// Event code.
    pub event: &'a str,
    /// Tier after it.
    pub tier: Tier,
    /// Until when it is worth hearing.
    pub until: Time,
    /// Language of the words.
    pub language: Language,
    /// Title.
    pub title: &'a str,
    /// What is said; nothing where what was said is taken back, and that is all.
    pub text: &'a str,
    /// Where: none lies in another.
    pub areas: &'a [AreaCode],
}

/// One platform.
pub struct Emergency {
    config: EmergencyConfig,
    client: reqwest::Client,
    gate: Gate,
    state: AsyncMutex<State>,
}

#[derive(Default)]
struct State {
    table: Table,
    /// The last number of a day, and the day by its number.
    last: (i64, u16),
    /// Numbers of intents that may be with the platform.
    given: BTreeMap<IntentId, u16>,
    /// Steps on the way to the next table that the platform has taken, by identity.
    done: BTreeSet<(String, bool)>,
    /// The last sequence of a package.
    sequence: u64,
    /// When each message was asked after, and what was said of it.
    asked: BTreeMap<String, (Time, Option<Broadcast>)>,
}

impl Emergency {
    /// A platform that has not been called. `client` comes from [`super::http::client`].
    pub fn new(config: EmergencyConfig, client: reqwest::Client) -> Self {
        Self {
            gate: Gate::new(&config.name, config.gate),
            client,
            config,
            state: AsyncMutex::default(),
        }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.config.name
    }

    /// Whether the platform is being left alone.
    pub fn circuit(&self) -> Circuit {
        self.gate.circuit()
    }

    /// Messages that stand with it.
    pub async fn standing(&self) -> usize {
        self.state.lock().await.table.0.len()
    }

    /// Holds again what was sent before a restart, without sending it: the platform has it. `number` is
    /// the reference of its receipt.
    pub async fn remember(&self, saying: &EmergencySaying<'_>, number: u64, at: Time) {
        let Ok(number) = u16::try_from(number) else {
            return;
        };
        let mut state = self.state.lock().await;
        let day = self.day(saying.created);
        state.last = state.last.max((day, number));
        let notice = notice(saying, number);
        (state.table, _) = state.table.with(&notice, self.namer(), at);
    }

    /// Says it: the receipt's reference is what [`Emergency::remember`] wants to know.
    ///
    /// # Errors
    /// Permanent where the platform refuses it, it is too late, or a day has no number left; transient
    /// where it did not answer, in which case it is said again under the same identity.
    pub async fn say(&self, saying: &EmergencySaying<'_>, at: Time) -> Result<Receipt, Unsent> {
        if !saying.text.is_empty() && at >= saying.until {
            return Err(Unsent::permanent("it is past its not-after"));
        }
        let mut state = self.state.lock().await;
        let number = self.number(&mut state, saying)?;
        let notice = notice(saying, number);
        let (next, steps) = state.table.with(&notice, self.namer(), at);
        for step in &steps {
            let (content, key) = match step {
                Step::Put(message) => (Content::Message(message), (message.id.clone(), true)),
                Step::Cancel(message) => (Content::Cancel(message), (message.id.clone(), false)),
            };
            if state.done.contains(&key) {
                continue;
            }
            self.taken(&mut state, &content, at).await?;
            state.done.insert(key);
        }
        state.done.clear();
        state.given.remove(&saying.intent);
        state.table = next;
        let ids: BTreeSet<&String> = state.table.0.iter().map(|it| &it.message.id).collect();
        let kept = |id: &String| ids.contains(id);
        let asked = state.asked.iter().filter(|(id, _)| kept(id));
        state.asked = asked.map(|(id, it)| (id.clone(), *it)).collect();
        Ok(Receipt {
            reference: number.to_string(),
            proof: Proof::Accepted,
        })
    }

    /// A heart-beat: whether the platform hears us.
    ///
    /// # Errors
    /// It does not answer, or refuses.
    pub async fn check(&self, at: Time) -> Result<(), Unsent> {
        let mut state = self.state.lock().await;
        self.taken(&mut state, &Content::Check, at).await
    }

    /// Asks how far the messages are that stand and were not asked after lately; gives what is new of
    /// each.
    pub async fn follow(&self, at: Time) -> Vec<(IntentId, Broadcast)> {
        let mut state = self.state.lock().await;
        let mut news = Vec::new();
        let standing = state.table.0.iter();
        let standing = standing.map(|it| (it.intent, it.message.id.clone()));
        for (intent, id) in standing.collect::<Vec<_>>() {
            let known = state.asked.get(&id).copied();
            let is_over = |said| match said {
                Broadcast::Done | Broadcast::Failed | Broadcast::Cancelled => true,
                Broadcast::Waiting | Broadcast::Underway => false,
            };
            let is_due = known
                .is_none_or(|(last, said)| at >= last + ASKED_EVERY && !said.is_some_and(is_over));
            if !is_due {
                continue;
            }
            let before = known.and_then(|(_, said)| said);
            let said = match self.post(&mut state, &Content::State(&id), at).await {
                Ok(reply) => reply.state.or(before),
                Err(error) => {
                    tracing::info!(name = self.config.name, %error, "not told how far a message is");
                    before
                }
            };
            state.asked.insert(id, (at, said));
            if let Some(said) = said.filter(|_| said != before) {
                news.push((intent, said));
            }
        }
        news
    }

    /// Posts what the platform has to take.
    async fn taken(
        &self,
        state: &mut State,
        content: &Content<'_>,
        at: Time,
    ) -> Result<(), Unsent> {
        let reply = self.post(state, content, at).await?;
        let name = &self.config.name;
        match reply.taken {
            Some(true) => Ok(()),
            Some(false) => Err(Unsent::permanent(format!(
                "{name}: refused: {}",
                reply.words
            ))),
            None => Err(Unsent::transient(format!(
                "{name}: it answers another question"
            ))),
        }
    }

    async fn post(
        &self,
        state: &mut State,
        content: &Content<'_>,
        at: Time,
    ) -> Result<Reply, Unsent> {
        // By time, so that no number is used again after a restart.
        let now = u64::try_from(at.millis()).unwrap_or(0);
        state.sequence = now.max(state.sequence.saturating_add(1));
        let config = &self.config;
        let head = Head {
            edition: config.edition,
            parties: &config.parties,
            sequence: state.sequence,
            at,
            offset: config.offset,
        };
        let id = package_id(&head, content);
        let text = document(&head, content);
        let value = config.sealer.seal(text.as_bytes());
        let value = value.map_err(|error| Unsent::permanent(error.to_string()))?;
        let signed = signature(&id, &config.certificate, at, &value);
        let files = [
            (format!("EBDB_{id}.xml"), text.into_bytes()),
            (format!("EBDS_EBDB_{id}.xml"), signed.into_bytes()),
        ];
        let package = pack(&files, at.seconds());
        self.gate.through(at, self.call(&id, package)).await
    }

    async fn call(&self, id: &str, package: Vec<u8>) -> Result<Reply, Unsent> {
        let name = &self.config.name;
        let request = self
            .client
            .post(self.config.url.clone())
            .header("Content-Type", "application/x-tar")
            .header(
                "Content-Disposition",
                format!("attachment; filename=\"EBDT_{id}.tar\""),
            )
            .body(package);
        let response = request.send().await.map_err(|error| {
            // A message keeps its identity: sending it again asks after it.
            let why = match unanswered(name, &error) {
                SendError::Transient(why)
                | SendError::Permanent(why)
                | SendError::Uncertain(why) => why,
            };
            Unsent::transient(why)
        })?;
        let status = response.status();
        if !status.is_success() {
            let words = format!("{name}: {status}");
            return Err(match status {
                StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS => {
                    Unsent::transient(words)
                }
                status if status.is_server_error() => Unsent::transient(words),
                _ => Unsent::permanent(words),
            });
        }
        let body = body_within(response, BYTES_MAX).await;
        let body = body.ok().flatten();
        let body =
            body.ok_or_else(|| Unsent::transient(format!("{name}: its answer broke off")))?;
        answer(&body).map_err(|why| Unsent::transient(format!("{name}: {why}")))
    }

    /// The number of an intent on the day on which it was planned: above its minute and above all that
    /// were given, so that none is given twice, also after a restart that knows of none.
    fn number(&self, state: &mut State, saying: &EmergencySaying<'_>) -> Result<u16, Unsent> {
        if let Some(number) = state.given.get(&saying.intent) {
            return Ok(*number);
        }
        let day = self.day(saying.created);
        let minute = self.local(saying.created).rem_euclid(24 * 60) + 1;
        let minute = u16::try_from(minute).unwrap_or(1);
        let number = match state.last {
            (known, last) if known == day => minute.max(last + 1),
            _ => minute,
        };
        if number > NUMBERS_MAX {
            return Err(Unsent::permanent(format!(
                "{}: more than {NUMBERS_MAX} messages in a day",
                self.config.name
            )));
        }
        state.last = (day, number);
        state.given.insert(saying.intent, number);
        Ok(number)
    }

    /// Minutes of local time.
    fn local(&self, at: Time) -> i64 {
        at.minute() + i64::from(self.config.offset.0)
    }

    fn day(&self, at: Time) -> i64 {
        self.local(at).div_euclid(24 * 60)
    }

    /// Names messages: a part keeps the day of the whole.
    fn namer(&self) -> impl Fn(&Message, u16) -> String {
        |message, number| {
            let config = &self.config;
            message_id(&config.parties, message.from, config.offset, number)
        }
    }
}

fn notice(saying: &EmergencySaying<'_>, number: u16) -> Notice {
    Notice {
        intent: saying.intent,
        warning: saying.warning,
        number,
        message: Message {
            id: String::new(),
            follows: String::new(),
            sender: (saying.sender.0.to_owned(), saying.sender.1.to_owned()),
            event: saying.event.to_owned(),
            tier: saying.tier,
            from: saying.created,
            until: saying.until,
            language: saying.language,
            title: saying.title.to_owned(),
            text: saying.text.to_owned(),
            areas: saying.areas.to_vec(),
        },
    }
}

/// The document in a package that answers.
fn answer(package: &[u8]) -> Result<Reply, String> {
    let files = unpack(package).map_err(|error| error.to_string())?;
    let mut documents = files.iter().filter(|(name, _)| name.starts_with("EBDB_"));
    let (_, document) = documents.next().ok_or("its package has no EBDB_*.xml")?;
    Reply::read(document).map_err(|error| error.to_string())
}

impl fmt::Debug for Emergency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Emergency")
            .field("name", &self.config.name)
            .field("host", &self.config.url.host_str())
            .finish_non_exhaustive()
    }
}
