//! `[[bulletin]]`: a source of another authority whose bulletins are each the whole of what it has in
//! force, and the table of its areas.

use crate::bulletins::Feed;
use dispatch::gateway::state_bulletin::Source;
use model::fault::{Faults, Place, quoted};
use model::table::Table;
use model::{AreaCode, Hazard, Span, Tier};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Columns of the table of areas.
const COLUMNS: [&str; 2] = ["theirs", "area"];

/// A source as configured.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct BulletinSection {
    /// Its name in addresses, metrics and identifiers.
    pub(crate) name: String,
    /// Address of its newest bulletin; without one, bulletins are only posted.
    url: Option<String>,
    /// Seconds between two rounds.
    #[serde(default = "every_s")]
    every_s: u64,
    /// Whose it is: the 14-digit id of an authority of city.toml, where its signals may be passed on.
    sender: String,
    /// Its name for people.
    sender_name: String,
    /// Event code of what it warns of.
    hazard: Hazard,
    /// The same in its own words.
    event: String,
    /// Key of the time in its bulletins.
    #[serde(default = "time")]
    time: String,
    /// Key of the levels.
    #[serde(default = "levels")]
    levels: String,
    /// Tier of each of its levels.
    tiers: BTreeMap<String, Tier>,
    /// Table `theirs,area` of its areas and ours; codes of ours need none.
    areas: Option<PathBuf>,
    /// Hours after which its newest bulletin is stale.
    #[serde(default = "stale_after_h")]
    stale_after_h: u32,
}

fn every_s() -> u64 {
    300
}

fn time() -> String {
    "time".to_owned()
}

fn levels() -> String {
    "levels".to_owned()
}

fn stale_after_h() -> u32 {
    36
}

impl BulletinSection {
    /// Relative paths are relative to the file.
    pub(super) fn anchor(&mut self, base: &Path) {
        if let Some(path) = &mut self.areas {
            *path = base.join(&*path);
        }
    }

    /// What is wrong with it, but for its name.
    pub(super) fn check(&self, place: Place<'_>, faults: &mut Faults) {
        let named = |c: char| c.is_ascii_alphanumeric() || c == '-';
        if !self.name.chars().all(named) {
            let remedy = "write letters, digits and hyphens: it stands in addresses";
            faults.error(place, "bulletin.name", quoted(&self.name), remedy);
        }
        if let Some(Err(error)) = self.url.as_deref().map(reqwest::Url::parse) {
            faults.error(place, "bulletin.url", error.to_string(), "write https://…");
        }
        if self.every_s < 5 {
            faults.error(place, "bulletin.every_s", "less than 5", "write 5 or more");
        }
        if self.stale_after_h == 0 {
            let remedy = "write how many hours the newest bulletin may be old";
            faults.error(place, "bulletin.stale_after_h", "it is 0", remedy);
        }
        for (field, text) in [
            ("sender", &self.sender),
            ("sender_name", &self.sender_name),
            ("event", &self.event),
        ] {
            if text.is_empty() {
                faults.error(
                    place,
                    &format!("bulletin.{field}"),
                    "it is empty",
                    "write it",
                );
            }
        }
        if self.tiers.is_empty() || self.tiers.values().any(|tier| *tier == Tier::None) {
            let what = "a level without a tier warns of nothing";
            let remedy = "give each of its levels a tier: { \"1\" = \"yellow\" }";
            faults.error(place, "bulletin.tiers", what, remedy);
        }
        drop(self.table(place, faults));
    }

    /// Our areas by the source's names.
    fn table(&self, at: Place<'_>, faults: &mut Faults) -> BTreeMap<String, Vec<AreaCode>> {
        let mut areas: BTreeMap<String, Vec<AreaCode>> = BTreeMap::new();
        let Some(path) = &self.areas else {
            return areas;
        };
        let file = path.display().to_string();
        let bytes = match std::fs::read(path) {
            Ok(bytes) => bytes,
            Err(error) => {
                let remedy =
                    "write the table theirs,area, or take the key out where they use our codes";
                let what = format!("{file}: {error}");
                faults.error(at, "bulletin.areas", what, remedy);
                return areas;
            }
        };
        let Some(mut table) = Table::open(&file, &bytes[..], &COLUMNS, faults) else {
            return areas;
        };
        let [theirs, area] = COLUMNS.map(|name| table.column(name));
        while let Some(row) = table.next_row(faults) {
            let place = Place::line(&file, row.line());
            match AreaCode::parse(row.get(area)) {
                Ok(code) if !row.get(theirs).is_empty() => {
                    areas
                        .entry(row.get(theirs).to_owned())
                        .or_default()
                        .push(code);
                }
                Ok(_) => faults.error(
                    place,
                    "theirs",
                    "it is empty",
                    "write their name of the area",
                ),
                Err(error) => {
                    faults.error(
                        place,
                        "area",
                        error.to_string(),
                        "write one such as 440106014000",
                    );
                }
            }
        }
        areas
    }

    /// The source, once it is checked.
    pub(crate) fn feed(&self) -> Feed {
        Feed {
            areas: self.table(Place::file("[[bulletin]]"), &mut Faults::default()),
            url: self.url.as_deref().and_then(|url| url.parse().ok()),
            every: Duration::from_secs(self.every_s),
            stale_after: Span::from_minutes(60 * i64::from(self.stale_after_h)),
            source: Source {
                name: self.name.clone(),
                sender: self.sender.clone(),
                sender_name: self.sender_name.clone(),
                hazard: self.hazard,
                event: self.event.clone(),
                time: self.time.clone(),
                levels: self.levels.clone(),
                tiers: self.tiers.clone(),
            },
        }
    }
}
