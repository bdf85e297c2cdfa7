//! A city of two districts, each with a culvert, a gauge, those responsible and some residents.

use crate::installation::{Earlier, Installation};
use crate::small_city;
use crate::vault::Vault;
use dispatch::intent::RecipientNo;
use model::{AreaCode, Zone};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

/// The districts with their townships and the west edge of their square.
const DISTRICTS: [(&str, &str, f64); 2] = [
    ("440106000000", "440106014000", 113.0),
    ("440111000000", "440111001000", 113.4),
];
const CITY: &str = "440100000000";
/// Residents of each district.
const RESIDENTS: usize = 5;

/// What every run has in common.
pub(super) struct Setting {
    pub(super) installation: Arc<Installation>,
    /// Where version files of the directory lie, and their key.
    pub(super) folder: PathBuf,
    /// Residents by zone, as the tables say.
    pub(super) residents: BTreeMap<Zone, Vec<Resident>>,
    /// Zones that have a district of their own, with their township.
    pub(super) districts: Vec<(Zone, AreaCode)>,
}

/// A resident as the tables have them, looked up without the directory's own search.
#[derive(Clone, Copy, Debug)]
pub(super) struct Resident {
    pub(super) recipient: RecipientNo,
    pub(super) has_mail: bool,
}

/// Loaded once: every run reads it and none changes it.
pub(super) fn setting() -> &'static Setting {
    static SETTING: OnceLock<Setting> = OnceLock::new();
    SETTING.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap().keep();
        write(&folder);
        let earlier = Earlier::default();
        let mut installation = Installation::load(&folder.join("city"), None, &earlier).unwrap();
        // Made once: nodes of runs beside each other find the key and the version.
        let vault = Vault::open(&folder.join("directory"), &folder.join("directory.key"));
        let numbers = installation.numbers.take().unwrap();
        vault
            .unwrap()
            .keep(&installation.directory, &numbers)
            .unwrap();
        read(folder, Arc::new(installation))
    })
}

fn read(folder: PathBuf, installation: Arc<Installation>) -> Setting {
    let city = &installation.city;
    let directory = &installation.directory;
    let by_phone = |phone: u64| {
        let mut all = (0..1_000).map(RecipientNo);
        all.find(|no| directory.recipient(*no).and_then(|r| r.phone()) == Some(phone))
            .unwrap()
    };
    let (mut residents, mut districts) = (BTreeMap::new(), Vec::new());
    for (at, (_, township, _)) in DISTRICTS.iter().enumerate() {
        let code = AreaCode::parse(township).unwrap();
        let zone = city.zone_of(city.area_no(code).unwrap());
        let resident = |number: usize| Resident {
            recipient: by_phone(8_613_800_000_000 + (at * 100 + number) as u64),
            has_mail: number.is_multiple_of(2),
        };
        residents.insert(zone, (0..RESIDENTS).map(resident).collect());
        districts.push((zone, code));
    }
    Setting {
        installation,
        folder,
        residents,
        districts,
    }
}

fn write(folder: &Path) {
    small_city::write_city(folder);
    let square = |code: &str, level: &str, parent: &str, west: f64, east: f64| {
        format!(
            r#"{{"type":"Feature","properties":{{"code":"{code}","name":"{code}","name_en":"{level}","level":"{level}","parent":{parent},"population":1000}},"geometry":{{"type":"Polygon","coordinates":[[[{west},23.0],[{east},23.0],[{east},23.2],[{west},23.2],[{west},23.0]]]}}}}"#
        )
    };
    let mut areas = vec![square(CITY, "city", "null", 113.0, 113.6)];
    let mut stations = String::from("id,name,kind,lon,lat,area,parameters\n");
    let mut sites = String::from(
        "id,name,kind,lon,lat,area,station,actuator,plan,owner,blue,yellow,orange,red,close\n",
    );
    let mut contacts = String::from("id,name,role,area,phone,site,email,language,deputy,level\n");
    let mut residents = String::from("id,lon,lat,phone,language,audience,email\n");
    for (at, (district, township, west)) in DISTRICTS.iter().enumerate() {
        let (east, lon) = (west + 0.2, west + 0.1);
        areas.push(square(
            district,
            "district",
            &format!("\"{CITY}\""),
            *west,
            east,
        ));
        areas.push(square(
            township,
            "township",
            &format!("\"{district}\""),
            *west,
            east,
        ));
        stations.push_str(&format!(
            "W{at},Depth,depth_sensor,{lon},23.1,{township},water_depth\nG{at},Gauge,rain_gauge,{lon},23.1,{township},rainfall\n"
        ));
        sites.push_str(&format!(
            "C{at},涵洞{at},culvert,{lon},23.1,{township},W{at},barrier-{at},,roads,0.05,0.15,0.27,0.5,0.2\n"
        ));
        let phone = 8_613_900_000_000_u64 + at as u64 * 100;
        contacts.push_str(&format!(
            "P{at},涵洞主,site_owner,{township},+{phone},C{at},p{at}@city.example,zh,,1\nH{at},镇长,township_head,{township},+{},,,zh,,1\n",
            phone + 1
        ));
        for number in 0..RESIDENTS {
            let phone = 8_613_800_000_000_u64 + (at * 100 + number) as u64;
            let language = if number == 1 { "en" } else { "zh" };
            let mail = if number.is_multiple_of(2) {
                format!("s{at}{number}@city.example")
            } else {
                String::new()
            };
            residents.push_str(&format!(
                "S{at}{number},{lon},23.1,+{phone},{language},public,{mail}\n"
            ));
        }
    }
    contacts.push_str(&format!(
        "chief,主任,signer,{CITY},+8613900000999,,,zh,,1\n"
    ));
    let areas = areas.join(",");
    let areas = format!(r#"{{"type":"FeatureCollection","features":[{areas}]}}"#);
    let services = small_city::root().join("testdata/city/services.toml");
    let services = std::fs::read_to_string(services).unwrap();
    for (name, text) in [
        ("services.toml", services),
        ("areas.geojson", areas),
        ("stations.csv", stations),
        ("sites.csv", sites),
        ("contacts.csv", contacts),
        ("subscribers.csv", residents),
    ] {
        std::fs::write(folder.join("city").join(name), text).unwrap();
    }
}
