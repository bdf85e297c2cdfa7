//! A city directory loaded whole: city, rulebook, wording, and what is rendered once from them.

use dispatch::directory::{Contact, Directory, Loaded};
use dispatch::ladder::{Call, Place};
use dispatch::plan::{Desk, Settings};
use dispatch::wording::{Places, Wording};
use model::fault::{Fault, Severity};
use model::release::Ask;
use model::{Area, AreaLevel, City};
use rules::Rulebook;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;

/// Everything that is loaded before a process can step.
pub(crate) struct Installation {
    /// Who can be reached, where and how.
    pub(crate) directory: Arc<Directory>,
    /// Names and hierarchy of the areas.
    pub(crate) places: Places,
    /// Links, quiet hours, spans of planning.
    pub(crate) settings: Settings,
    /// Areas, stations, sites, policies.
    pub(crate) city: Arc<City>,
    /// The rules in force.
    pub(crate) rulebook: Arc<Rulebook>,
    /// Texts.
    pub(crate) wording: Arc<Wording>,
    /// The areas as GeoJSON for consoles.
    pub(crate) areas_geojson: Arc<str>,
    /// West, south, east, north of the whole, degrees.
    pub(crate) bbox: [f64; 4],
}

/// Faulty rows of people said in words; all of them are counted.
const FAULTS_SAID: usize = 3;

/// All that is wrong with a directory.
#[derive(Debug)]
pub(crate) struct Faulty(pub(crate) Vec<String>);

impl std::fmt::Display for Faulty {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0.join("\n"))
    }
}

impl std::error::Error for Faulty {}

/// The city alone, for replay and for checks.
pub(crate) fn city(directory: &Path) -> Result<City, Faulty> {
    let read = |name: &str| std::fs::read(directory.join(name)).ok();
    City::read(read, &[]).map_err(|faults| Faulty(errors(directory, &faults)))
}

/// The rulebook of `directory`.
pub(crate) fn rulebook(directory: &Path) -> Result<Rulebook, Faulty> {
    let files = texts(directory, ".toml", ".test.toml")?;
    let files: Vec<_> = files
        .into_iter()
        .map(|(name, text)| (name, text.into_bytes()))
        .collect();
    Rulebook::read(&files).map_err(|faults| Faulty(errors(directory, &faults)))
}

/// The wording of `directory`.
pub(crate) fn wording(directory: &Path) -> Result<Wording, Faulty> {
    let files = texts(directory, ".toml", "\0")?;
    let borrowed: Vec<_> = files
        .iter()
        .map(|(name, text)| (name.as_str(), text.as_str()))
        .collect();
    Wording::load(&borrowed).map_err(|faults| {
        let folder = directory.display();
        Faulty(
            faults
                .iter()
                .map(|fault| format!("{folder}/{fault}"))
                .collect(),
        )
    })
}

impl Installation {
    /// What plans are made with.
    pub(crate) fn desk(&self) -> Desk<'_> {
        Desk {
            city: &self.city,
            places: &self.places,
            wording: &self.wording,
            settings: &self.settings,
            directory: self.directory.version(),
        }
    }

    /// Whether what a responsible person says answers a call: that of their own site, of an area
    /// they are responsible for or above, or one that has climbed to them.
    pub(crate) fn answers_for(&self, contact: &Contact, call: &Call) -> bool {
        let city = &self.city;
        let site = call.place.site().and_then(|id| city.site_no(id));
        let area = match &call.place {
            Place::Area(code) => city.area_no(*code),
            Place::Site(_) | Place::Device { .. } => {
                site.and_then(|no| city.site(no)).map(|site| site.area)
            }
        };
        let Some(area) = area else {
            return false;
        };
        if contact.site.is_some() {
            return contact.site == site;
        }
        let has_climbed = |ask: Ask| {
            let asked = call.asked.iter();
            let mut rungs = asked.filter_map(|(rung, _)| call.rungs.get(usize::from(*rung)));
            rungs.any(|rung| rung.ask == ask || rung.ask == Ask::Everyone)
        };
        let is_asked = match city.area(contact.area).map(|area| area.level) {
            Some(AreaLevel::City) => has_climbed(Ask::City),
            Some(AreaLevel::District) => has_climbed(Ask::District),
            Some(AreaLevel::Township | AreaLevel::Community) | None => false,
        };
        city.is_within(area, contact.area) && (site.is_none() || is_asked)
    }

    /// Loads `directory`, with the rules of `rules` instead of its own where given.
    pub(crate) fn load(directory: &Path, rules: Option<&Path>) -> Result<Self, Faulty> {
        let city = city(directory);
        let rulebook = rulebook(&rules.map_or_else(|| directory.join("rules"), Path::to_owned));
        let wording = wording(&directory.join("wording"));
        match (city, rulebook, wording) {
            (Ok(city), Ok(rulebook), Ok(wording)) => {
                let faults = rulebook.check(&city);
                let faults = errors(directory, &faults);
                if !faults.is_empty() {
                    return Err(Faulty(faults));
                }
                let people = people(directory, &city)?;
                Ok(Self {
                    directory: Arc::new(people),
                    places: Places::new(&city),
                    settings: Settings::default(),
                    areas_geojson: geojson(&city.areas).into(),
                    bbox: bbox(&city.areas),
                    city: Arc::new(city),
                    rulebook: Arc::new(rulebook),
                    wording: Arc::new(wording),
                })
            }
            (city, rulebook, wording) => {
                let mut all = Vec::new();
                all.extend(city.err().into_iter().flat_map(|f| f.0));
                all.extend(rulebook.err().into_iter().flat_map(|f| f.0));
                all.extend(wording.err().into_iter().flat_map(|f| f.0));
                Err(Faulty(all))
            }
        }
    }
}

/// Contacts and subscribers of `directory`. Bad rows are said and left out.
pub(crate) fn people(directory: &Path, city: &City) -> Result<Directory, Faulty> {
    let open = |name: &str| {
        File::open(directory.join(name)).map_err(|error| {
            let remedy = "an empty table is a header line alone";
            Faulty(vec![format!(
                "{}/{name}: {error}; {remedy}",
                directory.display()
            )])
        })
    };
    let loaded = Directory::read(city, open("contacts.csv")?, open("subscribers.csv")?, None)
        .map_err(|faults| Faulty(errors(directory, &faults)))?;
    let Loaded {
        directory: people,
        faults,
    } = loaded;
    let errors = errors(directory, &faults);
    for fault in errors.iter().take(FAULTS_SAID) {
        tracing::warn!("{fault}");
    }
    if errors.len() > FAULTS_SAID {
        tracing::warn!(
            "… and {} more rows were left out",
            errors.len() - FAULTS_SAID
        );
    }
    Ok(people)
}

/// Files of a folder by name, those that end in `but` left out, in the order of their names.
pub(crate) fn texts(
    folder: &Path,
    ending: &str,
    but: &str,
) -> Result<Vec<(String, String)>, Faulty> {
    let fault = |what: String| Faulty(vec![format!("{}: {what}", folder.display())]);
    let entries = std::fs::read_dir(folder)
        .map_err(|error| fault(format!("cannot be read: {error}; give an existing folder")))?;
    let mut files = Vec::new();
    for entry in entries.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.ends_with(ending) && !name.ends_with(but) {
            let text = std::fs::read_to_string(entry.path())
                .map_err(|error| fault(format!("{name} cannot be read: {error}")))?;
            files.push((name, text));
        }
    }
    files.sort();
    if files.is_empty() {
        return Err(fault(format!("no *{ending} file there")));
    }
    Ok(files)
}

fn errors(folder: &Path, faults: &[Fault]) -> Vec<String> {
    faults
        .iter()
        .filter(|fault| fault.severity == Severity::Error)
        .map(|fault| format!("{}/{fault}", folder.display()))
        .collect()
}

fn bbox(areas: &[Area]) -> [f64; 4] {
    let points = areas
        .iter()
        .flat_map(|area| area.shape.iter())
        .flat_map(|polygon| polygon.exterior().coords());
    points.fold([180.0, 90.0, -180.0, -90.0], |[w, s, e, n], point| {
        [
            w.min(point.x),
            s.min(point.y),
            e.max(point.x),
            n.max(point.y),
        ]
    })
}

fn geojson(areas: &[Area]) -> String {
    let ring = |line: &geo::LineString<f64>| -> Vec<[f64; 2]> {
        line.coords().map(|point| [point.x, point.y]).collect()
    };
    let features: Vec<_> = areas
        .iter()
        .map(|area| {
            let polygons: Vec<Vec<_>> = area
                .shape
                .iter()
                .map(|polygon| {
                    std::iter::once(polygon.exterior())
                        .chain(polygon.interiors())
                        .map(ring)
                        .collect()
                })
                .collect();
            serde_json::json!({
                "type": "Feature",
                "properties": {
                    "code": area.code,
                    "name": area.name.zh,
                    "name_en": area.name.en,
                    "level": area.level,
                    "parent": area.parent.and_then(|no| areas.get(usize::from(no.0))).map(|a| a.code),
                    "population": area.population,
                },
                "geometry": { "type": "MultiPolygon", "coordinates": polygons },
            })
        })
        .collect();
    serde_json::json!({ "type": "FeatureCollection", "features": features }).to_string()
}
