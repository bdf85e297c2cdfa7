//! A small city of two districts, zones 0 and 1, for the tests and benchmarks of this crate.

use model::City;

const TOML: &str = r#"schema = 1
name = { zh = "小城", en = "Little" }
code = "440100000000"
time_zone = "Asia/Shanghai"
border_km = 0.001
[[authority]]
id = "44010036000000"
name = { zh = "三防", en = "Office" }
signature = { zh = "三防", en = "Office" }
own = true
"#;

const AREAS: &str = r#"{"type":"FeatureCollection","features":[
{"type":"Feature","properties":{"code":"440102000000","name":"东区","level":"district","parent":"440100000000"},"geometry":{"type":"Polygon","coordinates":[[[113.1,23.0],[113.2,23.0],[113.2,23.1],[113.1,23.1],[113.1,23.0]]]}},
{"type":"Feature","properties":{"code":"440101000000","name":"西区","level":"district","parent":"440100000000"},"geometry":{"type":"Polygon","coordinates":[[[113.0,23.0],[113.1,23.0],[113.1,23.1],[113.0,23.1],[113.0,23.0]]]}},
{"type":"Feature","properties":{"code":"440100000000","name":"小城","level":"city","parent":null},"geometry":{"type":"Polygon","coordinates":[[[113.0,23.0],[113.2,23.0],[113.2,23.1],[113.0,23.1],[113.0,23.0]]]}}
]}"#;

/// Reads the city with these stations: id, district (`west` is zone 0, `east` zone 1), parameters
/// joined by `;`, and further zones by code.
pub(crate) fn city<'a>(
    stations: impl IntoIterator<Item = (&'a str, &'a str, &'a str, &'a str)>,
) -> City {
    let mut table = "id,name,kind,lon,lat,area,parameters,zones\n".to_owned();
    for (id, district, parameters, zones) in stations {
        let (lon, area) = match district {
            "west" => ("113.05", "440101000000"),
            _ => ("113.15", "440102000000"),
        };
        table += &format!("{id},站,weather,{lon},23.05,{area},{parameters},{zones}\n");
    }
    let file = |name: &str| {
        let text = match name {
            "city.toml" => TOML,
            "areas.geojson" => AREAS,
            "stations.csv" => &table,
            "sites.csv" => "id,name,kind,lon,lat,area\n",
            _ => return None,
        };
        Some(text.as_bytes().to_vec())
    };
    City::read(file, &[]).unwrap()
}
