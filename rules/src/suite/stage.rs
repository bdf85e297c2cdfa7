//! The smallest city that a rule can be tried in: one township, one station, one site.

use model::{AreaLevel, City, Fault, Parameter, Span};
use std::collections::BTreeMap;

/// Id of the station on the stage.
pub(super) const STATION: &str = "T1";
/// Id of its site.
pub(super) const SITE: &str = "X1";

/// The area of a level; there is no community.
pub(super) const fn area(level: AreaLevel) -> &'static str {
    match level {
        AreaLevel::City => "440100000000",
        AreaLevel::District => "440101000000",
        AreaLevel::Township | AreaLevel::Community => "440101001000",
    }
}

const SETTINGS: &str = "schema = 1\nname = { zh = \"试\", en = \"Trial\" }\ncode = \"440100000000\"\n\
    time_zone = \"Asia/Shanghai\"\nzone_level = \"district\"\n[[authority]]\nid = \"44010036000000\"\n\
    name = { zh = \"试\", en = \"Trial\" }\nsignature = { zh = \"试\", en = \"Trial\" }\nown = true\n";

/// A city whose station measures `parameters`, with a site of `kind` and `thresholds` at it; `stale`
/// is the silence it allows, where the parameter's own is not meant.
pub(super) fn city(
    parameters: &[Parameter],
    kind: &str,
    interval_s: i64,
    thresholds: &BTreeMap<String, String>,
    climate: Option<&str>,
    stale: Option<Span>,
) -> Result<City, Vec<Fault>> {
    let square = "[[[113.0,23.0],[113.1,23.0],[113.1,23.1],[113.0,23.1],[113.0,23.0]]]";
    let feature = |of: AreaLevel, level: &str, parent: &str| {
        let code = area(of);
        format!(
            "{{\"type\":\"Feature\",\"properties\":{{\"code\":\"{code}\",\"name\":\"试\",\
             \"level\":\"{level}\",\"parent\":{parent}}},\"geometry\":{{\"type\":\"Polygon\",\
             \"coordinates\":{square}}}}}"
        )
    };
    let areas = format!(
        "{{\"type\":\"FeatureCollection\",\"features\":[{},{},{}]}}",
        feature(AreaLevel::City, "city", "null"),
        feature(AreaLevel::District, "district", "\"440100000000\""),
        feature(AreaLevel::Township, "township", "\"440101000000\""),
    );
    let mut names: Vec<&str> = parameters.iter().map(|p| p.name()).collect();
    if names.is_empty() {
        names.push(Parameter::Rainfall.name());
    }
    let stations = format!(
        "id,name,kind,lon,lat,area,parameters,interval\n{STATION},试,{kind},113.05,23.05,440101001000,{},{interval_s}\n",
        names.join(";")
    );
    let columns: String = thresholds.keys().map(|name| format!(",{name}")).collect();
    let cells: String = thresholds.values().map(|text| format!(",{text}")).collect();
    let sites = format!(
        "id,name,kind,lon,lat,area,station{columns}\n{SITE},试,{kind},113.05,23.05,440101001000,{STATION}{cells}\n"
    );
    let staleness = stale.map_or_else(String::new, |stale| {
        format!("[staleness]\nother = \"{stale}\"\n")
    });
    let settings = format!("{SETTINGS}{staleness}");
    let file = |name: &str| match name {
        "city.toml" => Some(settings.clone().into_bytes()),
        "areas.geojson" => Some(areas.clone().into_bytes()),
        "stations.csv" => Some(stations.clone().into_bytes()),
        "sites.csv" => Some(sites.clone().into_bytes()),
        "climate.csv" => climate.map(|text| text.as_bytes().to_vec()),
        _ => None,
    };
    City::read(file, &[])
}
