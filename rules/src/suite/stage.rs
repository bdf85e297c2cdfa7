//! The smallest city that a rule can be tried in: one township, one station, one site.

use model::{City, Fault, Parameter};
use std::collections::BTreeMap;

/// Id of the station on the stage.
pub(super) const STATION: &str = "T1";

const SETTINGS: &str = "schema = 1\nname = { zh = \"试\", en = \"Trial\" }\ncode = \"440100000000\"\n\
    time_zone = \"Asia/Shanghai\"\nzone_level = \"district\"\n[[authority]]\nid = \"44010036000000\"\n\
    name = { zh = \"试\", en = \"Trial\" }\nsignature = { zh = \"试\", en = \"Trial\" }\nown = true\n";

/// A city whose station measures `parameters`, with a site of `kind` and `thresholds` at it.
pub(super) fn city(
    parameters: &[Parameter],
    kind: &str,
    interval_s: i64,
    thresholds: &BTreeMap<String, String>,
) -> Result<City, Vec<Fault>> {
    let square = "[[[113.0,23.0],[113.1,23.0],[113.1,23.1],[113.0,23.1],[113.0,23.0]]]";
    let area = |code: &str, level: &str, parent: &str| {
        format!(
            "{{\"type\":\"Feature\",\"properties\":{{\"code\":\"{code}\",\"name\":\"试\",\
             \"level\":\"{level}\",\"parent\":{parent}}},\"geometry\":{{\"type\":\"Polygon\",\
             \"coordinates\":{square}}}}}"
        )
    };
    let areas = format!(
        "{{\"type\":\"FeatureCollection\",\"features\":[{},{},{}]}}",
        area("440100000000", "city", "null"),
        area("440101000000", "district", "\"440100000000\""),
        area("440101001000", "township", "\"440101000000\""),
    );
    let names: Vec<&str> = parameters.iter().map(|p| p.name()).collect();
    let stations = format!(
        "id,name,kind,lon,lat,area,parameters,interval\n{STATION},试,{kind},113.05,23.05,440101001000,{},{interval_s}\n",
        names.join(";")
    );
    let columns: String = thresholds.keys().map(|name| format!(",{name}")).collect();
    let cells: String = thresholds.values().map(|text| format!(",{text}")).collect();
    let sites = format!(
        "id,name,kind,lon,lat,area,station{columns}\nX1,试,{kind},113.05,23.05,440101001000,{STATION}{cells}\n"
    );
    let file = |name: &str| match name {
        "city.toml" => Some(SETTINGS.as_bytes().to_vec()),
        "areas.geojson" => Some(areas.clone().into_bytes()),
        "stations.csv" => Some(stations.clone().into_bytes()),
        "sites.csv" => Some(sites.clone().into_bytes()),
        _ => None,
    };
    City::read(file, &[])
}
