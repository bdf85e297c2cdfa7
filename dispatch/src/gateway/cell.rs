//! Cell broadcast: a carrier's platform is told what its cells say, by HTTP with JSON of the shape of
//! Osmocom's ECBE interface (`POST …/message`, `DELETE …/message/:id`).
//!
//! The interface has no question and names a message by its identifier alone. So an outcome that is
//! unknown is asked after by taking the message away, whose answer says whether it was there, and
//! putting it back under the same serial number, which phones show once. Every call may be repeated.

mod air;
mod cells;
mod page;

pub use air::{Air, Change, Notice, Numbering, OnAir, Wording};
pub use cells::Cells;
pub use page::{CODES, CONTENT, PAGE, PageError, Pages, Serial, UPDATES};

use super::breaker::Circuit;
use super::gate::{Gate, GateConfig};
use super::http::{body_within, unanswered};
use super::notice::Unsent;
use super::{Proof, Receipt};
use model::{AreaCode, Language, SendError, Span, Tier, Time, WarningId};
use reqwest::{Method, StatusCode, Url};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::Mutex as AsyncMutex;

/// Thousandths of a second of one repetition period (TS 48.049 §8.2.10): 1.883 s.
const PERIOD_MS: i64 = 1_883;
/// Periods at most between two broadcasts of a message.
pub const PERIODS_MAX: u16 = 4_095;
/// Messages of one identifier taken away at most: more than anybody puts there.
const CLEARED_MAX: usize = 512;
/// Bytes of an answer that are read.
const ANSWER_BYTES_MAX: usize = 4_096;
/// Characters of the platform's own words that are repeated.
const SAID_MAX: usize = 200;

/// How urgently cells send a message (TS 48.049 §8.2.7).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Category {
    /// At the first opportunity.
    HighPriority,
    /// Within its period.
    #[default]
    Normal,
    /// Where there is room.
    Background,
}

/// How a tier goes out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CellTier {
    /// Message identifier of the city's first language.
    pub identifier: u16,
    /// Message identifier of all other languages: phones ask for them by their own.
    pub other_languages: u16,
    /// How urgently.
    #[serde(default)]
    pub category: Category,
}

/// A carrier's platform as configured.
#[derive(Clone)]
pub struct CellConfig {
    /// Name in metrics, on the screen and in the link.
    pub name: String,
    /// What `message` is put behind.
    pub url: Url,
    /// Sent as `Authorization: Bearer …`, where the platform wants one.
    pub token: Option<String>,
    /// Our name at the platform, `cbe_name`.
    pub sender: String,
    /// Periods between two broadcasts of a message, 1 to [`PERIODS_MAX`].
    pub periods: u16,
    /// How each tier goes out; one that is not there does not. [`Tier::None`] is the all-clear.
    pub tiers: BTreeMap<Tier, CellTier>,
    /// Cells by area; nothing where every message goes to the whole of the platform's network.
    pub cells: Option<Cells>,
    /// How much of it there is at once, and when it is left alone.
    pub gate: GateConfig,
}

/// What is to be said.
#[derive(Clone, Copy, Debug)]
pub struct CellSaying<'a> {
    /// The warning.
    pub warning: WarningId,
    /// Its revision.
    pub revision: u32,
    /// The smallest areas meant.
    pub areas: &'a [AreaCode],
    /// Tier after it.
    pub tier: Tier,
    /// True where it lowers or ends what was said: without words of its own it takes that away.
    pub eases: bool,
    /// The words, the city's first language first.
    pub texts: &'a [(Language, &'a str)],
    /// Until when it is worth hearing.
    pub until: Time,
}

/// One platform.
pub struct CellTarget {
    config: CellConfig,
    client: reqwest::Client,
    gate: Gate,
    state: AsyncMutex<State>,
    on_air: AtomicUsize,
}

#[derive(Default)]
struct State {
    air: Air,
    /// Identifiers of which it is not known what the platform holds.
    doubted: BTreeSet<u16>,
}

/// Periods of a number of seconds, 1 to [`PERIODS_MAX`].
pub fn periods(seconds: u32) -> u16 {
    let periods = (i64::from(seconds) * 1_000 + PERIOD_MS / 2) / PERIOD_MS;
    let most = i64::from(PERIODS_MAX);
    u16::try_from(periods.clamp(1, most)).unwrap_or(PERIODS_MAX)
}

impl CellTarget {
    /// A platform that has not been called. `client` comes from [`super::http::client`].
    pub fn new(config: CellConfig, client: reqwest::Client) -> Self {
        Self {
            gate: Gate::new(&config.name, config.gate),
            client,
            config,
            state: AsyncMutex::default(),
            on_air: AtomicUsize::new(0),
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

    /// Messages on the air, each in one language.
    pub fn on_air(&self) -> usize {
        self.on_air.load(Ordering::Relaxed)
    }

    /// Those of `areas` that the platform's table has no cell of: nobody is told there.
    pub fn without_cells(&self, areas: &[AreaCode]) -> Vec<AreaCode> {
        let Some(cells) = &self.config.cells else {
            return Vec::new();
        };
        let lacks = |area: &&AreaCode| cells.of(**area).is_none();
        areas.iter().filter(lacks).copied().collect()
    }

    /// Holds again what was said before a restart, without saying it: the platform has it.
    /// `number` is the reference of its receipt.
    pub async fn remember(&self, saying: &CellSaying<'_>, number: u64, at: Time) {
        let numbering = Numbering::from_number(number);
        let (Some(numbering), Ok(notice)) = (numbering, self.notice(saying)) else {
            return;
        };
        let mut state = self.state.lock().await;
        state.air = state.air.with(&notice, numbering, at);
        // What became of it since is not known.
        let identifiers: Vec<u16> = state.air.messages().into_keys().collect();
        state.doubted.extend(identifiers);
        self.count(&state.air);
    }

    /// Says it: the receipt's reference is what [`CellTarget::remember`] wants to know.
    ///
    /// # Errors
    /// Permanent where the words do not fit, the tier has no identifier or no area has cells, or the
    /// platform refuses; transient where it did not answer, in which case saying it again asks after
    /// it.
    pub async fn say(&self, saying: &CellSaying<'_>, at: Time) -> Result<Receipt, Unsent> {
        let notice = self.notice(saying)?;
        if at >= notice.until && !notice.wordings.is_empty() {
            return Err(Unsent::permanent("it is past its not-after"));
        }
        let mut state = self.state.lock().await;
        let seed = u64::from(saying.revision);
        let numbering = state.air.numbering(notice.warning, seed);
        let next = state.air.with(&notice, numbering, at);
        self.change(&mut state, next, at).await?;
        Ok(Receipt {
            reference: numbering.to_number().to_string(),
            proof: Proof::Accepted,
        })
    }

    /// Takes away what does not stand any more, and says for longer what stands for longer. `stands`
    /// gives the tier of a warning in an area and until when, nothing where that is not known.
    ///
    /// # Errors
    /// As of [`CellTarget::say`]; what was not taken is renewed the next time.
    pub async fn renew(
        &self,
        stands: impl Fn(WarningId, AreaCode) -> Option<(Tier, Time)>,
        at: Time,
    ) -> Result<(), Unsent> {
        let mut state = self.state.lock().await;
        let next = state.air.renewed(stands, at);
        self.change(&mut state, next, at).await
    }

    /// What a saying comes to: its words in pages, its areas that have cells.
    fn notice(&self, saying: &CellSaying<'_>) -> Result<Notice, Unsent> {
        let name = &self.config.name;
        let areas = saying.areas.iter().copied();
        let is_covered = |area: &AreaCode| match &self.config.cells {
            None => true,
            Some(cells) => cells.of(*area).is_some(),
        };
        let areas: BTreeSet<AreaCode> = areas.filter(is_covered).collect();
        if areas.is_empty() {
            return Err(Unsent::permanent(format!(
                "{name}: none of its areas has a cell in the carrier's table: nobody is told; add them \
                 to cells_file"
            )));
        }
        let wordings = match self.config.tiers.get(&saying.tier) {
            Some(tier) => self.wordings(tier, saying)?,
            None if saying.eases => Vec::new(),
            None => {
                return Err(Unsent::permanent(format!(
                    "{name}: tier {} has no message identifier: write [cell.tiers.{}], or take cell out \
                     of its flow",
                    saying.tier, saying.tier
                )));
            }
        };
        Ok(Notice {
            warning: saying.warning,
            areas,
            tier: saying.tier,
            wordings,
            until: saying.until,
        })
    }

    fn wordings(&self, tier: &CellTier, saying: &CellSaying<'_>) -> Result<Vec<Wording>, Unsent> {
        let wording = |(place, (language, text)): (usize, &(Language, &str))| {
            let pages = Pages::of(text, *language).map_err(|why| {
                Unsent::permanent(format!("{}: {}: {why}", self.config.name, language.tag()))
            })?;
            Ok(Wording {
                language: *language,
                identifier: match place {
                    0 => tier.identifier,
                    _ => tier.other_languages,
                },
                pages,
            })
        };
        saying.texts.iter().enumerate().map(wording).collect()
    }

    async fn change(&self, state: &mut State, next: Air, at: Time) -> Result<(), Unsent> {
        let changes = state.air.changes(&next, &state.doubted);
        let touched = changes.iter().map(|change| change.identifier);
        state.doubted.extend(touched);
        for change in &changes {
            self.gate.through(at, self.carry_out(change, at)).await?;
        }
        state.doubted.clear();
        state.air = next;
        self.count(&state.air);
        Ok(())
    }

    fn count(&self, air: &Air) {
        let all = air.messages().values().map(Vec::len).sum();
        self.on_air.store(all, Ordering::Relaxed);
    }

    async fn carry_out(&self, change: &Change, at: Time) -> Result<(), Unsent> {
        if change.clear {
            self.clear(change.identifier).await?;
        }
        for message in &change.put {
            let body = self.body(message, at);
            let (status, said) = self.ask(Method::POST, "message", Some(&body)).await?;
            if !status.is_success() {
                return Err(self.refusal(status, &said));
            }
        }
        Ok(())
    }

    /// Takes away all that the platform holds under an identifier.
    async fn clear(&self, identifier: u16) -> Result<(), Unsent> {
        let path = format!("message/{identifier}");
        for _ in 0..CLEARED_MAX {
            let (status, said) = self.ask(Method::DELETE, &path, None).await?;
            match status {
                StatusCode::NOT_FOUND => return Ok(()),
                status if status.is_success() => {}
                status => return Err(self.refusal(status, &said)),
            }
        }
        Err(Unsent::transient(format!(
            "{}: it still has messages of {identifier} after {CLEARED_MAX} were taken away",
            self.config.name
        )))
    }

    /// A message as the platform takes it.
    fn body(&self, message: &OnAir, at: Time) -> Value {
        let config = &self.config;
        let tier = |tier: &&CellTier| {
            [tier.identifier, tier.other_languages].contains(&message.identifier)
        };
        let category = config.tiers.values().find(tier).map(|tier| tier.category);
        let category = match category.unwrap_or_default() {
            Category::HighPriority => "high_priority",
            Category::Normal => "normal",
            Category::Background => "background",
        };
        let scope = match &config.cells {
            None => json!({ "scope_plmn": {} }),
            Some(cells) => {
                let of_area = |area: &AreaCode| cells.of(*area);
                let cells: BTreeSet<&String> =
                    message.areas.iter().filter_map(of_area).flatten().collect();
                json!({ "scope_cells": { "cells": cells } })
            }
        };
        let pages = message.pages.contents.iter().map(hex::encode);
        json!({
            "cbe_name": config.sender,
            "category": category,
            "repetition_period": config.periods,
            "num_of_bcast": broadcasts(message.until.since(at), config.periods),
            "scope": scope,
            "smscb_message": {
                "message_id": message.identifier,
                "serial_nr": { "serial_nr_decoded": {
                    "geo_scope": "plmn_wide",
                    "msg_code": message.serial.code,
                    "update_nr": message.serial.update,
                } },
                "payload": { "payload_encoded": {
                    "dcs": message.pages.dcs,
                    "pages": pages.collect::<Vec<_>>(),
                } },
            },
        })
    }

    async fn ask(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<(StatusCode, String), Unsent> {
        let name = &self.config.name;
        let mut url = self.config.url.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path.split('/'));
        }
        let mut request = self.client.request(method, url);
        if let Some(token) = &self.config.token {
            request = request.bearer_auth(token);
        }
        if let Some(body) = body {
            request = request
                .header("Content-Type", "application/json")
                .body(body.to_string());
        }
        let response = request.send().await.map_err(|error| {
            // Whatever became of it: the next attempt takes it away first, and so asks.
            let why = match unanswered(name, &error) {
                SendError::Transient(why)
                | SendError::Permanent(why)
                | SendError::Uncertain(why) => why,
            };
            Unsent::transient(why)
        })?;
        let status = response.status();
        let said = body_within(response, ANSWER_BYTES_MAX).await;
        let said = said.ok().flatten().unwrap_or_default();
        let said = String::from_utf8_lossy(&said);
        let said = said.trim().chars().filter(|c| !c.is_control());
        Ok((status, said.take(SAID_MAX).collect()))
    }

    fn refusal(&self, status: StatusCode, said: &str) -> Unsent {
        let words = format!("{}: {status} {said}", self.config.name);
        let words = words.trim_end().to_owned();
        match status {
            StatusCode::REQUEST_TIMEOUT
            | StatusCode::CONFLICT
            | StatusCode::TOO_EARLY
            | StatusCode::TOO_MANY_REQUESTS => Unsent::transient(words),
            status if status.is_server_error() => Unsent::transient(words),
            _ => Unsent::permanent(words),
        }
    }
}

/// How often a message is sent so that it is heard for that long: once at least, and never without
/// end, so that it falls silent by itself where nobody takes it away.
fn broadcasts(left: Span, periods: u16) -> u16 {
    let period = i64::from(periods) * PERIOD_MS;
    let times = (left.millis() + period - 1).div_euclid(period);
    u16::try_from(times.clamp(1, i64::from(u16::MAX))).unwrap_or(u16::MAX)
}

impl fmt::Debug for CellTarget {
    /// Without the token, and without the address, which may hold one.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CellTarget")
            .field("name", &self.config.name)
            .field("host", &self.config.url.host_str())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for CellConfig {
    /// As of [`CellTarget`].
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CellConfig")
            .field("name", &self.name)
            .field("host", &self.url.host_str())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_become_periods_and_broadcasts() {
        assert_eq!(
            [periods(0), periods(2), periods(60), periods(86_400)],
            [1, 1, 32, 4_095]
        );
        assert_eq!(broadcasts(Span::from_minutes(60), 32), 60);
        assert_eq!(broadcasts(Span::from_seconds(-5), 32), 1);
        assert_eq!(broadcasts(Span::from_minutes(60 * 24 * 365), 1), u16::MAX);
    }
}
