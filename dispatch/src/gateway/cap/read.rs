//! CAP 1.0, 1.1 and 1.2 of other authorities to [`Signal`]s.
//!
//! One document may hold several tiers, each with its own areas (our own do). It gives one signal
//! for each, highest first, so that no area is shown a colour its authority did not give it; they
//! share the identifier.

use super::tree::{Element, TreeError, Vocabulary, parse};
use geo::{Coord, LineString, Polygon};
use model::signal::{SignalKind, SignalText};
use model::{AreaCode, Language, Mode, Signal, Tier, Time};
use std::collections::BTreeMap;

mod meaning;

/// Bytes of one alert at most; real ones carry sound of half a megabyte.
pub const ALERT_BYTES_MAX: usize = 2 << 20;
/// Points of all polygons of one alert at most.
pub const POINTS_MAX: usize = 20_000;
/// Characters of an identifier or sender at most.
pub const NAME_CHARS_MAX: usize = 512;

/// What an alert says it covers; the caller, who has the gazetteer, answers with areas of ours.
#[derive(Clone, Copy, Debug)]
pub enum Cover<'a> {
    /// A division code: the area itself where we have it.
    Code(AreaCode),
    /// A shape: the areas it touches.
    Shape(&'a Polygon<f64>),
}

/// Why an alert is not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// Not XML we take.
    #[error("not readable XML: {0}")]
    Xml(#[from] TreeError),
    /// Something else than an alert.
    #[error("the root is <{0}>, not a CAP <alert>")]
    NotAlert(String),
    /// A required element is missing or empty.
    #[error("<{0}> is missing or empty")]
    Missing(&'static str),
    /// An element holds something that cannot be meant.
    #[error("<{field}> is {value:?}: {remedy}")]
    Bad {
        /// The element.
        field: &'static str,
        /// What it holds, shortened.
        value: String,
        /// What it may be.
        remedy: &'static str,
    },
    /// Draft and System messages, acknowledgements and errors are no signals.
    #[error("<{field}> is {value:?}: not a signal, nothing to show")]
    NotSignal {
        /// `status` or `msgType`.
        field: &'static str,
        /// Its value.
        value: String,
    },
    /// Too many points.
    #[error("more than {POINTS_MAX} polygon points: ask the sender to simplify")]
    TooManyPoints,
}

/// Reads one alert from bytes.
///
/// # Errors
/// See [`ReadError`].
pub fn read(
    bytes: &[u8],
    areas: &dyn Fn(Cover<'_>) -> Vec<AreaCode>,
) -> Result<Vec<Signal>, ReadError> {
    read_element(&parse(bytes, ALERT_BYTES_MAX)?, areas)
}

/// Reads one alert that stands in a larger document.
///
/// # Errors
/// See [`ReadError`].
pub fn read_element(
    alert: &Element,
    areas: &dyn Fn(Cover<'_>) -> Vec<AreaCode>,
) -> Result<Vec<Signal>, ReadError> {
    if alert.name != "alert" || alert.vocabulary != Vocabulary::Cap {
        return Err(ReadError::NotAlert(clip(&alert.name)));
    }
    let head = head(alert)?;
    let mut by_tier: BTreeMap<Tier, Vec<&Element>> = BTreeMap::new();
    for info in alert.all("info") {
        by_tier.entry(meaning::tier(info)).or_default().push(info);
    }
    if by_tier.is_empty() {
        return Ok(vec![head]);
    }
    let mut points = 0;
    let mut signals = Vec::with_capacity(by_tier.len());
    for (tier, infos) in by_tier.into_iter().rev() {
        signals.push(signal(&head, tier, &infos, areas, &mut points)?);
    }
    Ok(signals)
}

/// What stands outside `info`: all there is where a Cancel has none.
fn head(alert: &Element) -> Result<Signal, ReadError> {
    let name = |field: &'static str| {
        let value = alert.value(field);
        if value.is_empty() {
            Err(ReadError::Missing(field))
        } else if value.chars().count() > NAME_CHARS_MAX {
            Err(bad(field, value, "at most 512 characters"))
        } else {
            Ok(value.to_owned())
        }
    };
    let sent = time(alert, "sent")?.ok_or(ReadError::Missing("sent"))?;
    let sender = name("sender")?;
    Ok(Signal {
        identifier: name("identifier")?,
        sender_name: sender.clone(),
        sender,
        sent,
        mode: mode(alert)?,
        kind: kind(alert)?,
        references: references(alert.value("references")),
        hazard: None,
        event: String::new(),
        tier: Tier::None,
        areas: Vec::new(),
        area_desc: Vec::new(),
        onset: sent,
        expires: None,
        texts: Vec::new(),
        state: None,
    })
}

fn mode(alert: &Element) -> Result<Mode, ReadError> {
    match alert.value("status") {
        "Actual" => Ok(Mode::Actual),
        "Exercise" => Ok(Mode::Exercise),
        "Test" => Ok(Mode::Test),
        "" => Err(ReadError::Missing("status")),
        value @ ("System" | "Draft") => Err(not_signal("status", value)),
        value => Err(bad("status", value, "Actual, Exercise or Test")),
    }
}

fn kind(alert: &Element) -> Result<SignalKind, ReadError> {
    match alert.value("msgType") {
        "Alert" => Ok(SignalKind::Alert),
        "Update" => Ok(SignalKind::Update),
        "Cancel" => Ok(SignalKind::Cancel),
        "" => Err(ReadError::Missing("msgType")),
        value @ ("Ack" | "Error") => Err(not_signal("msgType", value)),
        value => Err(bad("msgType", value, "Alert, Update or Cancel")),
    }
}

/// `sender,identifier,sent` by spaces; a lone word is an identifier (CAP 1.0 examples).
fn references(text: &str) -> Vec<String> {
    text.split_whitespace()
        .map(|one| one.split(',').nth(1).unwrap_or(one).to_owned())
        .filter(|one| !one.is_empty())
        .collect()
}

fn signal(
    head: &Signal,
    tier: Tier,
    infos: &[&Element],
    areas: &dyn Fn(Cover<'_>) -> Vec<AreaCode>,
    points: &mut usize,
) -> Result<Signal, ReadError> {
    let mut signal = head.clone();
    signal.tier = tier;
    let mut onset = None;
    for info in infos {
        let begins = match time(info, "onset")? {
            Some(time) => Some(time),
            None => time(info, "effective")?,
        };
        onset = match (onset, begins) {
            (Some(a), Some(b)) => Some(std::cmp::min(a, b)),
            (a, b) => a.or(b),
        };
        signal.expires = signal.expires.max(time(info, "expires")?);
        signal.hazard = signal.hazard.or_else(|| meaning::hazard(info));
        if signal.event.is_empty() {
            signal.event = info.value("event").to_owned();
        }
        if signal.texts.is_empty() && !info.value("senderName").is_empty() {
            signal.sender_name = info.value("senderName").to_owned();
        }
        add_text(&mut signal.texts, info);
        for area in info.all("area") {
            let desc = area.value("areaDesc");
            if !desc.is_empty() && signal.area_desc.iter().all(|d| d != desc) {
                signal.area_desc.push(desc.to_owned());
            }
            signal.areas.extend(covered(area, areas, points)?);
        }
    }
    signal.onset = onset.unwrap_or(head.sent);
    signal.areas.sort_unstable();
    signal.areas.dedup();
    Ok(signal)
}

/// Words in our languages; a message in none of them is shown as it came.
fn add_text(texts: &mut Vec<SignalText>, info: &Element) {
    let tag = info.value("language").to_ascii_lowercase();
    let headline = info.value("headline");
    let chinese = headline
        .chars()
        .any(|c| ('\u{4e00}'..='\u{9fff}').contains(&c));
    let language = match Language::from_tag(&tag) {
        Some(language) => language,
        None if tag.is_empty() && chinese => Language::Zh,
        None if texts.is_empty() => Language::En,
        None => return,
    };
    let known = texts.iter().any(|t| t.language == language);
    if !known {
        texts.push(SignalText {
            language,
            headline: headline.to_owned(),
            description: info.value("description").to_owned(),
            instruction: info.value("instruction").to_owned(),
        });
    }
}

fn covered(
    area: &Element,
    areas: &dyn Fn(Cover<'_>) -> Vec<AreaCode>,
    points: &mut usize,
) -> Result<Vec<AreaCode>, ReadError> {
    let mut found = Vec::new();
    for code in area.all("geocode").filter_map(division_code) {
        found.extend(areas(Cover::Code(code)));
    }
    // The code says exactly what is meant; a shape beside it is for maps.
    if !found.is_empty() {
        return Ok(found);
    }
    for polygon in area.all("polygon") {
        if let Some(shape) = read_polygon(polygon.text.trim(), points)? {
            found.extend(areas(Cover::Shape(&shape)));
        }
    }
    for circle in area.all("circle") {
        if let Some(shape) = read_circle(circle.text.trim())? {
            found.extend(areas(Cover::Shape(&shape)));
        }
    }
    Ok(found)
}

/// A name and its value, in the spelling of CAP 1.1 and later or `name=value` of CAP 1.0.
pub(super) fn pair(element: &Element) -> (&str, &str) {
    if element.children.is_empty() {
        let (name, value) = element.text.split_once('=').unwrap_or(("", &element.text));
        return (name.trim(), value.trim());
    }
    (element.value("valueName"), element.value("value"))
}

/// 6, 9 or 12 digits under any name but those of other countries' lists, which look alike.
fn division_code(geocode: &Element) -> Option<AreaCode> {
    let (name, value) = pair(geocode);
    let foreign = ["same", "fips6", "ugc", "emma_id", "nuts"];
    if foreign.iter().any(|f| name.eq_ignore_ascii_case(f)) {
        return None;
    }
    matches!(value.len(), 6 | 9 | 12)
        .then(|| AreaCode::parse(&format!("{value:0<12}")).ok())
        .flatten()
}

fn read_polygon(text: &str, points: &mut usize) -> Result<Option<Polygon<f64>>, ReadError> {
    let mut ring = Vec::new();
    for pair in text.split_whitespace() {
        *points += 1;
        if *points > POINTS_MAX {
            return Err(ReadError::TooManyPoints);
        }
        ring.push(
            coordinate(pair)
                .ok_or_else(|| bad("polygon", pair, "pairs of latitude,longitude in degrees"))?,
        );
    }
    // Fewer than three points enclose nothing; the words of the alert still count.
    Ok((ring.len() >= 3).then(|| Polygon::new(LineString(ring), Vec::new())))
}

/// `lat,lon radius` in kilometres, as a ring of 32 points.
fn read_circle(text: &str) -> Result<Option<Polygon<f64>>, ReadError> {
    let error = || {
        bad(
            "circle",
            text,
            "latitude,longitude and a radius in kilometres",
        )
    };
    if text.is_empty() {
        return Ok(None);
    }
    let (centre, radius) = text.split_once(char::is_whitespace).ok_or_else(error)?;
    let centre = coordinate(centre).ok_or_else(error)?;
    let radius: f64 = radius.trim().parse().map_err(|_| error())?;
    if !(0.0..=20_100.0).contains(&radius) {
        return Err(error());
    }
    // A radius of nought means the place itself: ten metres.
    let lat_degrees = radius.max(0.01) / 111.195;
    let lon_degrees = lat_degrees / centre.y.to_radians().cos().max(0.01);
    let ring = (0..32)
        .map(|i| {
            let angle = f64::from(i) / 32.0 * std::f64::consts::TAU;
            Coord {
                x: centre.x + lon_degrees * angle.cos(),
                y: centre.y + lat_degrees * angle.sin(),
            }
        })
        .collect();
    Ok(Some(Polygon::new(LineString(ring), Vec::new())))
}

fn coordinate(pair: &str) -> Option<Coord<f64>> {
    let (lat, lon) = pair.split_once(',')?;
    let (y, x): (f64, f64) = (lat.parse().ok()?, lon.parse().ok()?);
    ((-90.0..=90.0).contains(&y) && (-180.0..=180.0).contains(&x)).then_some(Coord { x, y })
}

fn time(element: &Element, field: &'static str) -> Result<Option<Time>, ReadError> {
    let text = element.value(field);
    if text.is_empty() {
        return Ok(None);
    }
    Time::parse(text)
        .map(|(time, _)| Some(time))
        .map_err(|_| bad(field, text, "write 2023-09-07T13:04:00+08:00"))
}

fn bad(field: &'static str, value: &str, remedy: &'static str) -> ReadError {
    ReadError::Bad {
        field,
        value: clip(value),
        remedy,
    }
}

fn not_signal(field: &'static str, value: &str) -> ReadError {
    ReadError::NotSignal {
        field,
        value: clip(value),
    }
}

fn clip(text: &str) -> String {
    text.chars().take(80).collect()
}

#[cfg(test)]
mod tests;
