//! A city directory loaded whole: city, rulebook, wording, and what is rendered once from them.

mod people;
mod tried;

pub(crate) use people::{CONTACTS, SUBSCRIBERS, people, tables};
pub(crate) use tried::{Tried, failures, outcomes, strays, tried, uncovered, untested};

use crate::registry::File;
use dispatch::directory::{Contact, Directory, Numbers};
use dispatch::ladder::{Call, Place};
use dispatch::plan::Desk;
use dispatch::wording::{Places, Wording, WordingFault};
use model::fault::{Fault, Severity};
use model::record::Edition;
use model::release::Ask;
use model::{Area, AreaLevel, City};
use people::people_after;
use rules::Rulebook;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Everything that is loaded before a process can step.
pub(crate) struct Installation {
    /// Content hashes of what decides, as the journal names them.
    pub(crate) edition: Edition,
    /// The files behind the city and the rulebook, for the registry.
    pub(crate) sources: Sources,
    /// Who can be reached, where and how.
    pub(crate) directory: Arc<Directory>,
    /// What its numbers go on from, where it is a new version: it is kept with them.
    pub(crate) numbers: Option<Numbers>,
    /// Names and hierarchy of the areas.
    pub(crate) places: Places,
    /// Areas, stations, sites, policies.
    pub(crate) city: Arc<City>,
    /// The rules in force.
    pub(crate) rulebook: Arc<Rulebook>,
    /// Those that no test case plays, where they came with the city directory.
    pub(crate) untested: Vec<String>,
    /// Texts.
    pub(crate) wording: Arc<Wording>,
    /// The areas as GeoJSON for consoles.
    pub(crate) areas_geojson: Arc<str>,
    /// West, south, east, north of the whole, degrees.
    pub(crate) bbox: [f64; 4],
}

/// Files as they were read.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sources {
    /// Of the city directory, [`model::city::FILES`] and [`model::city::OPTIONAL`].
    pub(crate) city: Vec<File>,
    /// Of the rulebook.
    pub(crate) rules: Vec<File>,
    /// Hash of the rulebook in the city directory, which another may be in force in place of.
    pub(crate) imported: String,
    /// Hash over the tables of people, so that they are not read again for nothing.
    pub(crate) people: String,
}

/// What numbers go on from: nothing at the first start.
#[derive(Clone, Debug, Default)]
pub(crate) struct Earlier {
    /// Station ids in number order.
    pub(crate) stations: Vec<String>,
    /// The rulebook in force.
    pub(crate) rules: Option<EarlierRules>,
    /// The recipients' directory in force.
    pub(crate) people: Option<EarlierPeople>,
}

/// The rulebook in force.
#[derive(Clone, Debug)]
pub(crate) struct EarlierRules {
    /// Its hash.
    pub(crate) hash: String,
    /// Its files.
    pub(crate) files: Vec<File>,
    /// Hash of the rulebook that the city directory held at the last start.
    pub(crate) imported: String,
}

/// A version of the recipients' directory and what it was made of.
#[derive(Clone, Debug)]
pub(crate) struct EarlierPeople {
    /// The version.
    pub(crate) directory: Arc<Directory>,
    /// What its numbers go on from.
    pub(crate) numbers: Arc<Numbers>,
    /// Hash of the city it was made for.
    pub(crate) city: String,
    /// [`Sources::people`] of its tables.
    pub(crate) source: String,
    /// True where it is in no version file yet.
    pub(crate) is_new: bool,
}

/// The rulebook of a process that evaluates nothing.
const NO_RULES: &str = "schema = 1\nversion = \"none\"\n";

/// All that is wrong with files somebody wrote, notices among it; each fault's file is its path.
#[derive(Debug)]
pub(crate) struct Faulty(pub(crate) Vec<Fault>);

impl std::fmt::Display for Faulty {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let errors = self.0.iter().filter(|fault| is_error(fault));
        for (place, fault) in errors.enumerate() {
            let end = if place == 0 { "" } else { "\n" };
            write!(f, "{end}{fault}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Faulty {}

/// The city alone, for replay and for checks.
pub(crate) fn city(directory: &Path) -> Result<City, Faulty> {
    if !directory.is_dir() {
        let remedy = "give a directory with city.toml, areas.geojson, stations.csv and sites.csv";
        return Err(whole(directory, "it is not a directory", remedy));
    }
    city_of(directory, &city_files(directory), &Earlier::default())
}

/// Those files of a city that are there.
fn city_files(directory: &Path) -> Vec<File> {
    let read = |name: &&str| {
        let bytes = std::fs::read(directory.join(name)).ok()?;
        Some(((*name).to_owned(), bytes))
    };
    let names = model::city::FILES.iter().chain(&model::city::OPTIONAL);
    names.filter_map(read).collect()
}

fn city_of(directory: &Path, files: &[File], earlier: &Earlier) -> Result<City, Faulty> {
    let read = |name: &str| {
        let file = files.iter().find(|(known, _)| known == name);
        file.map(|(_, bytes)| bytes.clone())
    };
    City::read(read, &earlier.stations).map_err(|faults| Faulty(located(directory, faults)))
}

/// The rulebook of `directory`.
pub(crate) fn rulebook(directory: &Path) -> Result<Rulebook, Faulty> {
    rulebook_of(directory, &rulebook_files(directory)?)
}

/// The files of a rulebook.
pub(crate) fn rulebook_files(directory: &Path) -> Result<Vec<File>, Faulty> {
    let files = texts(directory, ".toml", ".test.toml")?.into_iter();
    Ok(files
        .map(|(name, text)| (name, text.into_bytes()))
        .collect())
}

/// The rulebook of some files; faults are told with their paths in `directory`.
pub(crate) fn rulebook_of(directory: &Path, files: &[File]) -> Result<Rulebook, Faulty> {
    Rulebook::read(files).map_err(|faults| Faulty(located(directory, faults)))
}

/// What is worth a look in a rulebook by itself.
pub(crate) fn worth_a_look(directory: &Path, rulebook: &Rulebook) -> Vec<Fault> {
    let mut all = located(directory, rulebook.notices.clone());
    all.extend(strays(directory));
    all
}

/// What is worth a look in a city that could be read.
pub(crate) fn notices(city: &City, directory: &Path) -> Vec<Fault> {
    located(directory, city.check())
}

/// What is wrong or worth a look between a rulebook and a city, with the paths of both.
pub(crate) fn between(
    rulebook: &Rulebook,
    rules: &Path,
    city: &City,
    directory: &Path,
) -> Vec<Fault> {
    let (ours, theirs): (Vec<_>, Vec<_>) = rulebook.check(city).into_iter().partition(|fault| {
        let name = fault.file.as_str();
        model::city::FILES.contains(&name) || model::city::OPTIONAL.contains(&name)
    });
    let mut all = located(rules, rulebook.notices.clone());
    all.extend(located(directory, ours));
    all.extend(located(rules, theirs));
    all
}

/// Classes that a flow tells and nobody has: whoever was meant hears nothing.
pub(crate) fn empty_classes(city: &City, people: &Directory, directory: &Path) -> Vec<Fault> {
    let named: BTreeSet<&String> = city.policy.flows.iter().flat_map(|f| &f.classes).collect();
    let unknown = named
        .into_iter()
        .filter(|class| !people.classes().contains(class));
    let notices = unknown.map(|class| Fault {
        file: "city.toml".into(),
        line: None,
        field: "flow.classes".into(),
        excerpt: None,
        what: format!("nobody in subscribers.csv is {class:?}"),
        remedy: format!("known there: {}", people.classes().join(", ")),
        severity: Severity::Notice,
    });
    located(directory, notices.collect())
}

/// The wording of `directory`.
pub(crate) fn wording(directory: &Path) -> Result<Wording, Faulty> {
    let files = texts(directory, ".toml", "\0")?;
    let borrowed: Vec<_> = files
        .iter()
        .map(|(name, text)| (name.as_str(), text.as_str()))
        .collect();
    Wording::load(&borrowed).map_err(|faults| Faulty(worded(directory, faults)))
}

/// What is wrong with the texts of `city` once its own names and authorities stand in them.
pub(crate) fn unfit_words(wording: &Wording, city: &City, directory: &Path) -> Vec<Fault> {
    let places = Places::new(city, wording.names());
    worded(&directory.join("wording"), wording.check(city, &places))
}

fn worded(directory: &Path, faults: Vec<WordingFault>) -> Vec<Fault> {
    let faults = faults.into_iter().map(|fault| Fault {
        file: fault.file,
        line: None,
        field: fault.key,
        excerpt: None,
        what: fault.what,
        remedy: "correct the text".into(),
        severity: Severity::Error,
    });
    located(directory, faults.collect())
}

impl Installation {
    /// What plans are made with.
    pub(crate) fn desk(&self) -> Desk<'_> {
        Desk {
            city: &self.city,
            places: &self.places,
            wording: &self.wording,
            directory: &self.edition.directory,
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

    /// Loads `directory`, with the rules of `rules` instead of its own where given. Numbers go on
    /// from `earlier`.
    pub(crate) fn load(
        directory: &Path,
        rules: Option<&Path>,
        earlier: &Earlier,
    ) -> Result<Self, Faulty> {
        let folder = rules.map_or_else(|| directory.join("rules"), Path::to_owned);
        let files = city_files(directory);
        let city = city_of(directory, &files, earlier);
        let rules = rules_after(&folder, earlier.rules.as_ref());
        let wording = wording(&directory.join("wording"));
        match (city, rules, wording) {
            (Ok(city), Ok(rules), Ok(wording)) => {
                let rulebook = Arc::new(rules.rulebook);
                let mut faults = between(&rulebook, &rules.folder, &city, directory);
                let Tried {
                    faults: failed,
                    untested,
                } = tried(&rules.folder, &rulebook);
                if !untested.is_empty() {
                    let (rules, how) = (untested.join(", "), tried::REMEDY);
                    tracing::error!(
                        rules,
                        how,
                        "no test case plays these rules; they are served"
                    );
                }
                if earlier
                    .rules
                    .as_ref()
                    .is_some_and(|e| e.hash == rulebook.hash())
                {
                    // A restart in a storm goes on with what is in force.
                    for fault in failed {
                        tracing::error!(%fault, "the rulebook in force stays in force");
                    }
                } else {
                    faults.extend(failed);
                }
                if faults.iter().any(is_error) {
                    return Err(Faulty(faults));
                }
                let people = people_after(directory, &city, earlier.people.as_ref())?;
                let loaded = Self::assemble(
                    Arc::new(city),
                    rulebook,
                    Arc::new(wording),
                    people.directory,
                );
                Ok(Self {
                    numbers: people.numbers,
                    sources: Sources {
                        city: files,
                        rules: rules.files,
                        imported: rules.imported,
                        people: people.source,
                    },
                    untested,
                    ..loaded
                })
            }
            (city, rules, wording) => {
                let mut all = Vec::new();
                all.extend(city.err().into_iter().flat_map(|f| f.0));
                all.extend(rules.err().into_iter().flat_map(|f| f.0));
                all.extend(wording.err().into_iter().flat_map(|f| f.0));
                Err(Faulty(all))
            }
        }
    }

    /// Loads the areas and the roll of a relay: `directory` has no rules and no wording, since what
    /// goes out is decided and written elsewhere.
    pub(crate) fn load_roll(directory: &Path, earlier: &Earlier) -> Result<Self, Faulty> {
        let files = city_files(directory);
        let city = city_of(directory, &files, earlier)?;
        let rules = vec![("none.toml".to_owned(), NO_RULES.as_bytes().to_vec())];
        let rulebook = rulebook_of(directory, &rules)?;
        let people = people_after(directory, &city, earlier.people.as_ref())?;
        let loaded = Self::assemble(
            Arc::new(city),
            Arc::new(rulebook),
            Arc::new(Wording::silent()),
            people.directory,
        );
        Ok(Self {
            numbers: people.numbers,
            sources: Sources {
                city: files,
                imported: loaded.rulebook.hash().to_owned(),
                rules,
                people: people.source,
            },
            ..loaded
        })
    }

    /// Puts parts together that belong together; the files behind them are left to the caller.
    pub(crate) fn assemble(
        city: Arc<City>,
        rulebook: Arc<Rulebook>,
        wording: Arc<Wording>,
        directory: Arc<Directory>,
    ) -> Self {
        Self {
            edition: Edition {
                city: city.hash().to_owned(),
                rulebook: rulebook.hash().to_owned(),
                directory: directory.version().to_owned(),
                engine: rules::ENGINE.to_owned(),
            },
            sources: Sources::default(),
            numbers: None,
            untested: Vec::new(),
            places: Places::new(&city, wording.names()),
            areas_geojson: geojson(&city.areas).into(),
            bbox: bbox(&city.areas),
            directory,
            city,
            rulebook,
            wording,
        }
    }
}

/// A rulebook to start with.
struct Rules {
    rulebook: Rulebook,
    files: Vec<File>,
    /// Where its files are, for whoever reads of a fault in them.
    folder: PathBuf,
    /// Hash of the one in the city directory.
    imported: String,
}

/// The rulebook of `folder`, or the one in force where the files there are still those of the last
/// start: what two persons signed since is not undone by them.
fn rules_after(folder: &Path, earlier: Option<&EarlierRules>) -> Result<Rules, Faulty> {
    let files = rulebook_files(folder)?;
    let rulebook = rulebook_of(folder, &files)?;
    let imported = rulebook.hash().to_owned();
    let unchanged = earlier.filter(|earlier| earlier.imported == imported);
    if let Some(signed) = unchanged.filter(|earlier| earlier.hash != imported) {
        let folder = PathBuf::from(format!("rulebook/{}", signed.hash));
        tracing::info!(
            in_force = signed.hash,
            files = imported,
            "the rulebook that was signed stays in force: the files of the city directory have not \
             changed since the last start"
        );
        return Ok(Rules {
            rulebook: rulebook_of(&folder, &signed.files)?,
            files: signed.files.clone(),
            folder,
            imported,
        });
    }
    if let Some(signed) = earlier.filter(|e| e.hash != imported && e.hash != e.imported) {
        tracing::warn!(
            replaced = signed.hash,
            files = imported,
            "the files of the city directory changed since the last start: they take the place of \
             the rulebook that was signed"
        );
    }
    Ok(Rules {
        rulebook,
        files,
        folder: folder.to_owned(),
        imported,
    })
}

/// Files of a folder by name, those that end in `but` left out, in the order of their names.
pub(crate) fn texts(
    folder: &Path,
    ending: &str,
    but: &str,
) -> Result<Vec<(String, String)>, Faulty> {
    let existing = "give an existing folder";
    let entries = std::fs::read_dir(folder)
        .map_err(|error| whole(folder, &format!("cannot be read: {error}"), existing))?;
    let mut files = Vec::new();
    for entry in entries.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.ends_with(ending) && !name.ends_with(but) {
            let path = entry.path();
            let text = std::fs::read_to_string(&path).map_err(|error| {
                whole(
                    &path,
                    &format!("cannot be read: {error}"),
                    "save it as UTF-8",
                )
            })?;
            files.push((name, text));
        }
    }
    files.sort();
    if files.is_empty() {
        let what = format!("no *{ending} file there");
        return Err(whole(folder, &what, "add one, or give another folder"));
    }
    Ok(files)
}

/// True where the files cannot be used.
pub(crate) fn is_error(fault: &Fault) -> bool {
    fault.severity == Severity::Error
}

/// Faults with their files as paths; `rules` stands for the folder of the rulebook itself.
fn located(folder: &Path, faults: Vec<Fault>) -> Vec<Fault> {
    let path = |file: &str| match file {
        "" | "rules" => folder.display().to_string(),
        file => folder.join(file).display().to_string(),
    };
    let located = faults.into_iter().map(|fault| Fault {
        file: path(&fault.file),
        ..fault
    });
    located.collect()
}

/// A file or folder that is of no use as a whole.
fn whole(path: &Path, what: &str, remedy: &str) -> Faulty {
    Faulty(vec![fault(path, what, remedy)])
}

fn fault(path: &Path, what: &str, remedy: &str) -> Fault {
    Fault {
        file: path.display().to_string(),
        line: None,
        field: String::new(),
        excerpt: None,
        what: what.to_owned(),
        remedy: remedy.to_owned(),
        severity: Severity::Error,
    }
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

/// An area's shape as GeoJSON has it.
pub(crate) fn geometry(area: &Area) -> serde_json::Value {
    let ring = |line: &geo::LineString<f64>| -> Vec<[f64; 2]> {
        line.coords().map(|point| [point.x, point.y]).collect()
    };
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
    serde_json::json!({ "type": "MultiPolygon", "coordinates": polygons })
}

fn geojson(areas: &[Area]) -> String {
    let features: Vec<_> = areas
        .iter()
        .map(|area| {
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
                "geometry": geometry(area),
            })
        })
        .collect();
    serde_json::json!({ "type": "FeatureCollection", "features": features }).to_string()
}
