//! GeoJSON (RFC 7946) taken apart feature by feature, so that one bad feature is reported with
//! its line and the others are still read.

use super::shape;
use crate::fault::{Faults, Place};
use geo::MultiPolygon;
use geojson::JsonObject;
use serde::Deserialize;
use serde_json::value::RawValue;

#[cfg(test)]
mod tests;

/// Largest file read.
const BYTES_MAX: usize = 256 * 1024 * 1024;

/// A feature with a shape.
pub(super) struct Shaped {
    pub(super) line: u32,
    pub(super) properties: JsonObject,
    pub(super) shape: MultiPolygon<f64>,
}

#[derive(Deserialize)]
struct Collection<'a> {
    #[serde(rename = "type")]
    kind: String,
    #[serde(borrow)]
    features: Vec<&'a RawValue>,
}

/// Every feature that is a sound area.
pub(super) fn read(file: &str, bytes: &[u8], faults: &mut Faults) -> Vec<Shaped> {
    let remedy = "write a FeatureCollection in UTF-8 (RFC 7946)";
    if bytes.len() > BYTES_MAX {
        let what = format!("it is longer than {BYTES_MAX} bytes");
        faults.error(Place::file(file), "", what, "simplify the borders");
        return Vec::new();
    }
    let Ok(text) = std::str::from_utf8(bytes) else {
        faults.error(Place::file(file), "", "it is not UTF-8", remedy);
        return Vec::new();
    };
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let collection: Collection<'_> = match serde_json::from_str(text) {
        Ok(collection) => collection,
        Err(error) => {
            let line = u32::try_from(error.line()).unwrap_or(u32::MAX);
            faults.error(Place::line(file, line), "", error.to_string(), remedy);
            return Vec::new();
        }
    };
    if collection.kind != "FeatureCollection" {
        faults.error(Place::file(file), "type", "not a FeatureCollection", remedy);
        return Vec::new();
    }
    let mut lines = Lines {
        text,
        at: 0,
        line: 1,
    };
    let features = collection.features.into_iter();
    features
        .filter_map(|raw| {
            let place = Place::line(file, lines.line_of(raw.get()));
            feature(place, raw.get(), faults)
        })
        .collect()
}

fn feature(place: Place<'_>, raw: &str, faults: &mut Faults) -> Option<Shaped> {
    let remedy = "write a Feature as in RFC 7946 §3.2";
    let feature: geojson::Feature = match serde_json::from_str(raw) {
        Ok(feature) => feature,
        Err(error) => {
            faults.error(place, "", error.to_string(), remedy);
            return None;
        }
    };
    let Some(properties) = feature.properties else {
        faults.error(
            place,
            "properties",
            "they are missing",
            "give the area its code",
        );
        return None;
    };
    let Some(geometry) = feature.geometry else {
        let remedy = "a missing area never means everybody: draw it";
        faults.error(place, "geometry", "it is missing", remedy);
        return None;
    };
    for bbox in [&feature.bbox, &geometry.bbox].into_iter().flatten() {
        if !matches!(bbox.len(), 4 | 6) {
            faults.error(place, "bbox", "it has not 4 or 6 numbers", "take it out");
            return None;
        }
    }
    let shape = shape::read(place, &geometry.value, faults)?;
    let line = place.line.unwrap_or_default();
    Some(Shaped {
        line,
        properties,
        shape,
    })
}

/// Counts lines once, front to back.
struct Lines<'a> {
    text: &'a str,
    at: usize,
    line: u32,
}

impl Lines<'_> {
    /// The line on which a slice of the text begins; slices come in order.
    fn line_of(&mut self, slice: &str) -> u32 {
        let start = (slice.as_ptr() as usize).wrapping_sub(self.text.as_ptr() as usize);
        let passed = self.text.as_bytes().get(self.at..start).unwrap_or_default();
        let breaks = passed.iter().filter(|b| **b == b'\n').count();
        self.line = self
            .line
            .saturating_add(u32::try_from(breaks).unwrap_or(u32::MAX));
        self.at = start;
        self.line
    }
}
