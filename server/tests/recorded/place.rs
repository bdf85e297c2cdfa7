//! A city directory round gauges of others: one district, a township and a site for each gauge.

use serde_json::{Value, json};
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

/// A gauge with its site; `levels` go into `sites.csv` as they are written.
pub(crate) struct Gauge {
    pub(crate) id: String,
    pub(crate) lon: f64,
    pub(crate) lat: f64,
    pub(crate) levels: Vec<String>,
}

/// What the gauges have in common.
pub(crate) struct Place<'a> {
    pub(crate) kind: &'a str,
    pub(crate) parameter: &'a str,
    pub(crate) interval_s: u32,
    /// Names of the thresholds.
    pub(crate) columns: &'a [&'a str],
    pub(crate) gauges: Vec<Gauge>,
}

const CITY: &str = "990300000000"; // no such division: made up
const DISTRICT: &str = "990301000000";

impl Place<'_> {
    /// Code of the township round a gauge.
    pub(crate) fn township(number: usize) -> String {
        format!("9903{:05}000", 1001 + number)
    }

    /// The township round the gauge of that site.
    pub(crate) fn township_of(&self, site: &str) -> String {
        let number = self.gauges.iter().position(|gauge| gauge.id == site);
        Self::township(number.unwrap())
    }

    /// Writes the directory, without rules.
    pub(crate) fn write(&self, folder: &Path) -> PathBuf {
        let city = folder.join("city");
        fs::create_dir_all(&city).unwrap();
        let settings = format!(
            "schema = 1\nname = {{ zh = \"记录\", en = \"Recorded\" }}\ncode = \"{CITY}\"\ntime_zone = \"UTC\"\n\
             [[authority]]\nid = \"99030036000000\"\nname = {{ zh = \"记录\", en = \"Recorded\" }}\n\
             signature = {{ zh = \"记录\", en = \"Recorded\" }}\nown = true\n"
        );
        fs::write(city.join("city.toml"), settings).unwrap();
        fs::write(city.join("areas.geojson"), self.areas().to_string()).unwrap();
        let (kind, parameter, interval) = (self.kind, self.parameter, self.interval_s);
        let mut stations = "id,name,kind,lon,lat,area,parameters,interval\n".to_owned();
        let mut sites = format!(
            "id,name,kind,lon,lat,area,station,{}\n",
            self.columns.join(",")
        );
        for (
            number,
            Gauge {
                id,
                lon,
                lat,
                levels,
            },
        ) in self.gauges.iter().enumerate()
        {
            let area = Self::township(number);
            writeln!(
                stations,
                "{id},{id},gauge,{lon},{lat},{area},{parameter},{interval}"
            )
            .unwrap();
            let levels = levels.join(",");
            writeln!(sites, "{id},{id},{kind},{lon},{lat},{area},{id},{levels}").unwrap();
        }
        fs::write(city.join("stations.csv"), stations).unwrap();
        fs::write(city.join("sites.csv"), sites).unwrap();
        city
    }

    fn areas(&self) -> Value {
        let bounds = |of: fn(&Gauge) -> f64| {
            let all = self.gauges.iter().map(of);
            let low = all.clone().fold(f64::INFINITY, f64::min);
            (low - 0.1, all.fold(f64::NEG_INFINITY, f64::max) + 0.1)
        };
        let ((west, east), (south, north)) = (bounds(|g| g.lon), bounds(|g| g.lat));
        let whole = (west, south, east, north);
        let mut features = vec![
            area(CITY, "city", None, whole),
            area(DISTRICT, "district", Some(CITY), whole),
        ];
        for (number, Gauge { lon, lat, .. }) in self.gauges.iter().enumerate() {
            let round = (lon - 1e-4, lat - 1e-4, lon + 1e-4, lat + 1e-4);
            features.push(area(
                &Self::township(number),
                "township",
                Some(DISTRICT),
                round,
            ));
        }
        json!({ "type": "FeatureCollection", "features": features })
    }
}

fn area(code: &str, level: &str, parent: Option<&str>, bounds: (f64, f64, f64, f64)) -> Value {
    let (west, south, east, north) = bounds;
    let ring = [
        [west, south],
        [east, south],
        [east, north],
        [west, north],
        [west, south],
    ];
    json!({
        "type": "Feature",
        "properties": { "code": code, "name": code, "name_en": code, "level": level, "parent": parent, "population": 0 },
        "geometry": { "type": "Polygon", "coordinates": [ring] },
    })
}
