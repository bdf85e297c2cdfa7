//! `[[cell]]`: carriers' platforms that broadcast to the cells of an area.

use super::secret_text;
use dispatch::gateway::cell::{CellConfig, CellTarget, CellTier, Cells, PERIODS_MAX, periods};
use dispatch::gateway::gate::GateConfig;
use dispatch::gateway::http::{ClientConfig, client};
use model::fault::{Fault, Faults, Place, Severity};
use model::{City, Span, Tier};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Seconds between two broadcasts of a message, where nothing else is said.
const REPETITION_S: u32 = 60;
/// Largest table of cells, bytes.
const CELLS_BYTES_MAX: u64 = 64 << 20;
/// Areas named in one notice; of more the count is said.
const NAMED_MAX: usize = 5;

/// A carrier's platform.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CellSection {
    /// Name in metrics and on the screen.
    pub(crate) name: String,
    /// What `message` is put behind: `https://cbc.example.cn/api/ecbe/v1/`.
    url: String,
    /// File that holds the platform's token alone.
    token_file: Option<PathBuf>,
    /// Our name at the platform.
    #[serde(default = "sender")]
    sender: String,
    /// Seconds between two broadcasts of a message.
    #[serde(default)]
    repetition_s: Option<u32>,
    /// Table of areas and the carrier's cells.
    cells_file: Option<PathBuf>,
    /// True where every message goes to the whole of the platform's network, which is no larger than
    /// the city.
    #[serde(default)]
    whole_network: bool,
    /// Message identifiers by tier; `none` is the all-clear.
    tiers: BTreeMap<Tier, CellTier>,
}

fn sender() -> String {
    "sanfang".into()
}

impl CellSection {
    /// The name of its link.
    pub(super) fn link_name(&self) -> String {
        format!("cell/{}", self.name)
    }

    /// Relative paths are relative to the file.
    pub(super) fn anchor(&mut self, base: &Path) {
        let own = |path: &mut PathBuf| *path = base.join(&*path);
        self.token_file.iter_mut().for_each(own);
        self.cells_file.iter_mut().for_each(own);
    }

    /// Everything that is wrong with it, its table included.
    pub(super) fn check(&self, place: Place<'_>, faults: &mut Faults) {
        let url = reqwest::Url::parse(&self.url);
        if !url.is_ok_and(|url| url.scheme().starts_with("http")) {
            let remedy =
                "write the address that message is put behind: https://cbc.example.cn/api/ecbe/v1/";
            faults.error(place, "cell.url", "it is not an address of HTTP", remedy);
        }
        if self.sender.is_empty() {
            faults.error(
                place,
                "cell.sender",
                "it is empty",
                "write our name at the platform",
            );
        }
        let most = u32::from(PERIODS_MAX) * 1_883 / 1_000;
        if self
            .repetition_s
            .is_some_and(|seconds| seconds < 2 || seconds > most)
        {
            let remedy = format!("write 2 to {most}, or take it out");
            faults.error(place, "cell.repetition_s", "out of range", remedy);
        }
        if !self.tiers.keys().any(|tier| *tier > Tier::None) {
            let remedy = "write [cell.tiers.red] with the identifier that the carrier gave";
            faults.error(place, "cell.tiers", "there is none that warns", remedy);
        }
        let mut seen = BTreeSet::new();
        for (tier, given) in &self.tiers {
            for identifier in [given.identifier, given.other_languages] {
                if !seen.insert(identifier) {
                    let what = format!("{identifier} of {tier} stands there twice");
                    let remedy = "give each tier two of its own: phones choose languages by them";
                    faults.error(place, "cell.tiers", what, remedy);
                }
            }
        }
        match (&self.cells_file, self.whole_network) {
            (Some(_), false) => drop(self.cells(faults)),
            (None, true) => {
                let what = format!("{}: every message goes to the whole network", self.name);
                let remedy = "write cells_file unless its network is no larger than the city";
                faults.notice(place, "cell.whole_network", what, remedy);
            }
            (Some(_), true) | (None, false) => {
                let remedy = "write cells_file, or whole_network = true where its network is no larger \
                              than the city";
                let what = "it is not said where messages go";
                faults.error(place, "cell.cells_file", what, remedy);
            }
        }
        if let Some(Err(why)) = self.token_file.as_deref().map(secret_text) {
            faults.error(
                place,
                "cell.token_file",
                why,
                "write the platform's token there",
            );
        }
    }

    /// The gateway; reads the token and the table.
    pub(crate) fn gateway(&self) -> Result<CellTarget, String> {
        let name = &self.name;
        let mut faults = Faults::default();
        let cells = match &self.cells_file {
            None => None,
            Some(_) => match self.cells(&mut faults) {
                Some(cells) => Some(cells),
                None => {
                    let words: Vec<String> =
                        faults.into_vec().iter().map(ToString::to_string).collect();
                    return Err(words.join("; "));
                }
            },
        };
        let url = self.url.parse();
        let config = CellConfig {
            name: name.clone(),
            url: url.map_err(|error| format!("cell {name}: url: {error}"))?,
            token: self.token_file.as_deref().map(secret_text).transpose()?,
            sender: self.sender.clone(),
            periods: periods(self.repetition_s.unwrap_or(REPETITION_S)),
            tiers: self.tiers.clone(),
            cells,
            gate: GateConfig {
                in_flight_max: 1,
                waiting_max: 64,
                failures_max: 5,
                pause: Span::from_seconds(10),
            },
        };
        let client = client(&ClientConfig::default()).map_err(|error| error.to_string())?;
        Ok(CellTarget::new(config, client))
    }

    /// What of the city the table does not have, and what of the table the city does not.
    pub(crate) fn notices(&self, city: &City) -> Vec<Fault> {
        let Some(file) = &self.cells_file else {
            return Vec::new();
        };
        let Some(cells) = self.cells(&mut Faults::default()) else {
            return Vec::new();
        };
        let parents: BTreeSet<_> = city.areas.iter().filter_map(|area| area.parent).collect();
        let smallest = (0..).zip(&city.areas);
        let smallest = smallest.filter(|(no, _)| !parents.contains(&model::AreaNo(*no)));
        let bare = smallest.filter(|(_, area)| cells.of(area.code).is_none());
        let bare: Vec<String> = bare.map(|(_, area)| area.code.to_string()).collect();
        let unknown = cells.areas().filter(|code| city.area_no(*code).is_none());
        let unknown: Vec<String> = unknown.map(|code| code.to_string()).collect();
        let notice = |codes: &[String], what: &str, remedy: &str| {
            let shown = codes
                .iter()
                .take(NAMED_MAX)
                .cloned()
                .collect::<Vec<_>>()
                .join(", ");
            (!codes.is_empty()).then(|| Fault {
                file: file.display().to_string(),
                line: None,
                field: "area".into(),
                excerpt: None,
                what: format!("{} {what}: {shown}", codes.len()),
                remedy: remedy.into(),
                severity: Severity::Notice,
            })
        };
        let held = "ask the carrier for their cells: nobody is told there by cell broadcast";
        let stray = "take them out, or register them in areas.geojson";
        [
            notice(&bare, "areas of the city have no cell", held),
            notice(&unknown, "areas are none of the city", stray),
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    fn cells(&self, faults: &mut Faults) -> Option<Cells> {
        let path = self.cells_file.as_ref()?;
        let file = path.display().to_string();
        let place = Place::file(&file);
        match std::fs::metadata(path) {
            Ok(found) if found.len() > CELLS_BYTES_MAX => {
                let what = format!("longer than {CELLS_BYTES_MAX} bytes");
                faults.error(place, "", what, "name the carrier's own groups of cells");
                return None;
            }
            Ok(_) | Err(_) => {}
        }
        match std::fs::read(path) {
            Ok(bytes) => Cells::read(&file, &bytes, faults),
            Err(error) => {
                let remedy = "write the carrier's table there: a first line area,cell";
                let what = format!("{file}: {error}");
                faults.error(place, "cell.cells_file", what, remedy);
                None
            }
        }
    }
}
