//! A city of one street.

use std::fs;
use std::path::{Path, PathBuf};

/// The people of the street, by telephone number.
pub(crate) const OWNER: &str = "+8613900000010";
pub(crate) const HEAD: &str = "+8613900000011";
pub(crate) const CHIEF: &str = "+8613900000012";

pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap()
        .to_path_buf()
}

/// Writes the city directory `city` into `folder`.
pub(crate) fn write_city(folder: &Path) {
    let city = folder.join("city");
    let demo = root().join("testdata/city");
    for sub in ["rules", "wording"] {
        fs::create_dir_all(city.join(sub)).unwrap();
        for entry in fs::read_dir(demo.join(sub)).unwrap() {
            let entry = entry.unwrap();
            if !entry.file_type().unwrap().is_file() {
                continue;
            }
            fs::copy(entry.path(), city.join(sub).join(entry.file_name())).unwrap();
        }
    }
    fs::copy(demo.join("city.toml"), city.join("city.toml")).unwrap();
    let square = |code: &str, level: &str, parent: &str| {
        format!(
            r#"{{"type":"Feature","properties":{{"code":"{code}","name":"{code}","name_en":"{level}","level":"{level}","parent":{parent},"population":1000}},"geometry":{{"type":"Polygon","coordinates":[[[113.0,23.0],[113.2,23.0],[113.2,23.2],[113.0,23.2],[113.0,23.0]]]}}}}"#
        )
    };
    let areas = [
        square("440100000000", "city", "null"),
        square("440106000000", "district", "\"440100000000\""),
        square("440106014000", "township", "\"440106000000\""),
    ];
    let areas = format!(
        r#"{{"type":"FeatureCollection","features":[{}]}}"#,
        areas.join(",")
    );
    fs::write(city.join("areas.geojson"), areas).unwrap();
    let tables = [
        ("stations.csv", "id,name,kind,lon,lat,area,parameters\nW1,Depth 1,depth_sensor,113.1,23.1,440106014000,water_depth\nG1,Gauge 1,rain_gauge,113.1,23.1,440106014000,rainfall\n".to_owned()),
        ("sites.csv", "id,name,kind,lon,lat,area,station,actuator,plan,owner,blue,yellow,orange,red,close\nC1,东风涵洞,culvert,113.1,23.1,440106014000,W1,,,roads,0.05,0.15,0.27,0.5,0.2\n".to_owned()),
        ("contacts.csv", format!("id,name,role,area,phone,site,email,language,deputy,level\nP1,涵洞主,site_owner,440106014000,{OWNER},C1,,zh,,1\nP2,镇长,township_head,440106014000,{HEAD},,,zh,,1\nchief,主任,signer,440100000000,{CHIEF},,,zh,,1\n")),
        ("subscribers.csv", "id,lon,lat,phone,language,audience\nS1,113.11,23.11,+8613900000013,zh,public\nS2,113.12,23.12,+8613900000014,en,public\n".to_owned()),
    ];
    for (name, text) in tables {
        fs::write(city.join(name), text).unwrap();
    }
}
