//! A tiny city in strings, and everything that can be wrong with it.

use super::*;
use crate::authority::Act;
use crate::fault::Severity;
use crate::release::Reach;
use crate::{AuthorityId, Parameter, Span, When};
use proptest::prelude::*;
use std::collections::BTreeMap;

mod responses;
mod services;

const TOML: &str = r#"schema = 1
name = { zh = "小城", en = "Little" }
code = "440100000000"
time_zone = "Asia/Shanghai"
border_km = 3.0
[staleness]
rain_gauge = "10m"
[[authority]]
id = "44010036000000"
name = { zh = "三防", en = "Office" }
signature = { zh = "三防", en = "Office" }
own = true
[[authority]]
id = "44010041600000"
name = { zh = "气象台", en = "Met" }
[[matrix]]
authority = "44010036000000"
hazards = ["11A02"]
areas = ["440100000000"]
tiers = ["blue", "yellow", "orange", "red"]
act = "issue"
basis = { zh = "甲", en = "A" }
[[matrix]]
authority = "44010036000000"
hazards = ["11A02"]
areas = ["440102000000"]
tiers = ["red"]
act = "request"
counterpart = "44010041600000"
basis = { zh = "乙", en = "B" }
[[matrix]]
authority = "44010036000000"
hazards = ["11B03"]
areas = ["440100000000"]
tiers = ["red"]
act = "relay"
counterpart = "44010041600000"
basis = { zh = "丙", en = "C" }
[[flow]]
audience = "public"
hazards = ["11A02"]
tiers = ["red"]
channels = ["sms"]
signatures = 1
review = true
basis = { zh = "丁", en = "D" }
[[ladder]]
tiers = ["red"]
steps = [{ after = "0m", ask = "primary", channels = ["sms"] }, { after = "150s", ask = "deputy", channels = [], phone = true }]
"#;

/// Two districts side by side, the west one with two townships one above the other.
const AREAS: &str = r#"{"type":"FeatureCollection","features":[
{"type":"Feature","properties":{"code":"440101002000","name":"北街","name_en":"North","level":"township","parent":"440101000000","population":20},"geometry":{"type":"Polygon","coordinates":[[[113.0,23.05],[113.1,23.05],[113.1,23.1],[113.0,23.1],[113.0,23.05]]]}},
{"type":"Feature","properties":{"code":"440101001000","name":"南街","level":"township","parent":"440101000000","population":10},"geometry":{"type":"Polygon","coordinates":[[[113.0,23.0],[113.1,23.0],[113.1,23.05],[113.0,23.05],[113.0,23.0]]]}},
{"type":"Feature","properties":{"code":"440102000000","name":"东区","level":"district","parent":"440100000000"},"geometry":{"type":"Polygon","coordinates":[[[113.1,23.0],[113.2,23.0],[113.2,23.1],[113.1,23.1],[113.1,23.0]]]}},
{"type":"Feature","properties":{"code":"440101000000","name":"西区","level":"district","parent":"440100000000"},"geometry":{"type":"Polygon","coordinates":[[[113.0,23.0],[113.1,23.0],[113.1,23.1],[113.0,23.1],[113.0,23.0]]]}},
{"type":"Feature","properties":{"code":"440100000000","name":"小城","level":"city","parent":null},"geometry":{"type":"MultiPolygon","coordinates":[[[[113.0,23.0],[113.2,23.0],[113.2,23.1],[113.0,23.1],[113.0,23.0]]]]}}
]}"#;

const STATIONS: &str = "id,name,kind,lon,lat,area,parameters,interval,zones\n\
    G1,雨一,rain_gauge,113.05,23.02,440101001000,rainfall,60,\n\
    G2,雨二,rain_gauge,113.09,23.08,440101002000,rainfall;wind_gust,60,440100000000\n\
    W1,深一,depth_sensor,113.15,23.05,440102000000,water_depth,,\n";

const SITES: &str = "id,name,kind,lon,lat,area,station,actuator,blue,yellow,orange,red,height,note\n\
    C1,涵洞,culvert,113.15,23.05,440102000000,W1,siren-1;sign-1,0.05,0.15,0.27,0.50,,x\n\
    E1,小学,school,113.05,23.02,,,,,,,,12,\n";

fn files(changes: &[(&str, &str)]) -> BTreeMap<String, Vec<u8>> {
    let mut files: BTreeMap<String, Vec<u8>> = FILES
        .into_iter()
        .zip([TOML, AREAS, STATIONS, SITES])
        .map(|(name, text)| (name.to_owned(), text.as_bytes().to_vec()))
        .collect();
    for (name, text) in changes {
        files.insert((*name).to_owned(), text.as_bytes().to_vec());
    }
    files
}

fn city(changes: &[(&str, &str)], earlier: &[&str]) -> Result<City, Vec<Fault>> {
    let files = files(changes);
    let earlier: Vec<String> = earlier.iter().map(|id| (*id).to_owned()).collect();
    City::read(|name| files.get(name).cloned(), &earlier)
}

fn texts(faults: &[Fault]) -> Vec<String> {
    faults.iter().map(ToString::to_string).collect()
}

/// Faults of the city with one piece of one file replaced.
fn faults_of(file: &str, from: &str, to: &str) -> Vec<String> {
    let files = files(&[]);
    let text = String::from_utf8(files[file].clone()).unwrap();
    assert!(text.contains(from), "{from} is not in {file}");
    match city(&[(file, &text.replacen(from, to, 1))], &[]) {
        Ok(city) => texts(&city.notices),
        Err(faults) => texts(&faults),
    }
}

fn code(text: &str) -> AreaCode {
    AreaCode::parse(text).unwrap()
}

#[test]
fn areas_come_by_level_and_code_with_their_relations() {
    let city = city(&[], &[]).unwrap();
    assert_eq!(texts(&city.notices), Vec::<String>::new());
    let codes: Vec<String> = city.areas.iter().map(|a| a.code.to_string()).collect();
    assert_eq!(
        codes,
        [
            "440100000000",
            "440101000000",
            "440102000000",
            "440101001000",
            "440101002000"
        ]
    );
    let south = city.area_no(code("440101001000")).unwrap();
    assert_eq!(
        city.ancestors(south).collect::<Vec<_>>(),
        [AreaNo(1), AreaNo(0)]
    );
    assert_eq!(city.children(AreaNo(1)), [AreaNo(3), AreaNo(4)]);
    assert!(city.is_within(south, AreaNo(0)) && !city.is_within(AreaNo(0), south));
    assert_eq!(city.zones, [AreaNo(1), AreaNo(2), AreaNo(0)]);
    assert_eq!(city.zone_of(south), Zone(0));
    assert_eq!(city.zone_of(AreaNo(0)), city.city_zone());
    assert_eq!(city.zone_code(Zone(1)), code("440102000000"));
    assert_eq!(city.zone_named(code("440102000000")), Some(Zone(1)));
    assert_eq!(city.zone_named(code("440101001000")), None);
    assert_eq!(city.offset, Offset(480));
}

#[test]
fn stations_and_sites_are_read_with_their_zones() {
    let city = city(&[], &[]).unwrap();
    let g2 = city.station(city.station_no("G2").unwrap()).unwrap();
    assert_eq!((g2.interval_s, g2.parameters.len()), (60, 2));
    // Its own district, the city for which it is listed, and the district a kilometre away.
    assert_eq!(g2.zones, [Zone(0), Zone(2), Zone(1)]);
    let g1 = city.station(StationNo(0)).unwrap();
    assert_eq!(g1.zones, [Zone(0)]);
    let culvert = city.site(city.site_no("C1").unwrap()).unwrap();
    assert_eq!(culvert.station, city.station_no("W1"));
    assert_eq!(culvert.actuators, ["siren-1", "sign-1"]);
    assert_eq!(
        culvert.thresholds.get("red").map(String::as_str),
        Some("0.50")
    );
    assert!(!culvert.thresholds.contains_key("note"));
    let school = city.site(SiteNo(1)).unwrap();
    assert_eq!(city.area(school.area).unwrap().code, code("440101001000"));
    assert_eq!(school.thresholds.len(), 1);
}

#[test]
fn numbers_are_given_once_and_never_reused() {
    let first = city(&[], &[]).unwrap();
    assert_eq!(first.station_ids(), ["G1", "G2", "W1"]);
    let again = city(&[], &["G1", "G2", "W1"]).unwrap();
    assert_eq!(first.hash(), again.hash());
    let moved = city(&[], &["W1", "OLD", "G2"]).unwrap();
    assert_eq!(moved.station_ids(), ["W1", "OLD", "G2", "G1"]);
    assert_eq!(moved.station_no("G1"), Some(StationNo(3)));
    assert_eq!(moved.station_no("OLD"), None);
    assert!(moved.station(StationNo(1)).unwrap().retired);
    assert_ne!(first.hash(), moved.hash());
    assert_eq!(moved.sites[0].station, Some(StationNo(0)));
}

#[test]
fn the_hash_sees_content_and_not_line_ends() {
    let plain = city(&[], &[]).unwrap();
    let windows = format!("\u{feff}{}", STATIONS.replace('\n', "\r\n"));
    let same = city(&[("stations.csv", &windows)], &[]).unwrap();
    assert_eq!(plain.hash(), same.hash());
    assert_eq!(plain.hash().len(), 64);
    let other = city(&[("stations.csv", &STATIONS.replace("雨一", "雨乙"))], &[]).unwrap();
    assert_ne!(plain.hash(), other.hash());
}

#[test]
fn daylight_saving_time_moves_the_offset_and_not_the_standard_one() {
    let london = TOML.replace("Asia/Shanghai", "Europe/London");
    let city = city(&[("city.toml", &london)], &[]).unwrap();
    assert_eq!(city.offset, Offset(0));
    let july = Time::parse("2026-07-01T00:00:00Z").unwrap().0;
    assert_eq!(city.offset_at(july), Offset(60));
}

#[test]
fn the_smallest_area_with_a_row_decides_what_we_may_do() {
    let city = city(&[], &[]).unwrap();
    let [west, east] = ["440101000000", "440102000000"].map(|c| city.area_no(code(c)).unwrap());
    let act = |area, tier| city.ruling(Hazard::Waterlogging, area, tier).map(|r| r.act);
    assert_eq!(act(west, Tier::Red), Some(Act::Issue));
    assert_eq!(act(east, Tier::Red), Some(Act::Request));
    assert_eq!(act(east, Tier::Blue), Some(Act::Issue));
    let ruling = city.ruling(Hazard::Waterlogging, east, Tier::Red).unwrap();
    assert_eq!(ruling.authority.name.en, "Office");
    assert_eq!(ruling.counterpart.unwrap().name.en, "Met");
    assert_eq!(city.ruling(Hazard::Rainstorm, west, Tier::Red), None);
    let met = AuthorityId::of_identifier("44010041600000_20250506131649").unwrap();
    let places = city.codes_upward(west);
    let matrix = &city.policy.matrix;
    assert!(
        matrix
            .relay(&met, Hazard::Rainstorm, &places, Tier::Red)
            .is_some()
    );
    assert!(
        matrix
            .relay(&met, Hazard::Rainstorm, &places, Tier::Blue)
            .is_none()
    );
}

#[test]
fn flows_and_ladders_are_found_or_safe() {
    let city = city(&[], &[]).unwrap();
    let own = city.policy.matrix.own().next().unwrap().id;
    let flow = |tier, reach| city.policy.flow(&own, Hazard::Waterlogging, tier, reach);
    assert_eq!(flow(Tier::Red, Reach::Public).signatures, 1);
    assert_eq!(flow(Tier::Orange, Reach::Public).signatures, 2);
    assert_eq!(flow(Tier::Red, Reach::Responsible).signatures, 0);
    assert_eq!(
        flow(Tier::Red, Reach::Device).channels,
        [crate::Channel::Device]
    );
    assert!(
        !flow(Tier::Blue, Reach::Public)
            .channels
            .contains(&crate::Channel::Device)
    );
    assert_eq!(
        city.policy.ladder(Tier::Red).unwrap().steps[1].after,
        Span::from_seconds(150)
    );
    assert!(city.policy.ladder(Tier::Blue).is_none());
    assert_eq!(
        city.policy
            .stale_after("rain_gauge", Parameter::WaterLevel, When::default()),
        Span::from_minutes(10)
    );
    assert_eq!(
        city.policy
            .stale_after("slope", Parameter::Displacement, When::default()),
        crate::policy::STALE_AFTER
    );
    assert_eq!(
        city.policy
            .stale_after("culvert", Parameter::WaterDepth, When::default()),
        crate::policy::STALE_AFTER_MINUTES
    );
    assert_eq!(
        city.policy
            .stale_after("woodland", Parameter::FireDanger, When::default()),
        crate::policy::STALE_AFTER_DAILY
    );
}

#[test]
fn each_fault_names_file_line_field_and_remedy() {
    for (file, from, to, wanted) in [
        (
            "city.toml",
            "rain_gauge = \"10m\"",
            "rain_gauge = { usual = \"10m\", in_rain = \"0m\" }",
            "city.toml: field staleness.rain_gauge: in_rain is zero — write a span such as 10m",
        ),
        (
            "city.toml",
            "rain_gauge = \"10m\"",
            "rain_gauge = \"10m\"\n[sight]\nrain_gauge = -1",
            "city.toml: field sight.rain_gauge: not a number from 0 to 100 — write kilometres, 0 for its own area alone",
        ),
        (
            "city.toml",
            "rain_gauge = \"10m\"",
            "rain_gauge = \"10m\"\n[silence]\nstations = 1",
            "city.toml: field silence.stations: less than two — write 2 or more: one station alone is no cluster",
        ),
        (
            "city.toml",
            "schema = 1",
            "schema = 9",
            "city.toml: field schema: schema 9 is not known here — write 1, or upgrade",
        ),
        (
            "city.toml",
            "Asia/Shanghai",
            "Asia/Nowhere",
            "city.toml: field time_zone: \"Asia/Nowhere\" is not an IANA time zone — write one such as Asia/Shanghai",
        ),
        (
            "city.toml",
            "own = true",
            "own = false",
            "city.toml: field authority: none is our own — ",
        ),
        (
            "city.toml",
            "[\"11B03\"]",
            "[\"11X03\"]",
            "city.toml:33:11: field matrix: \"11X03\" is not a known event code",
        ),
        (
            "city.toml",
            "act = \"relay\"",
            "act = \"shout\"",
            "city.toml:36:7: field matrix: unknown variant `shout`",
        ),
        (
            "city.toml",
            "channels = [\"sms\"]\nsignatures = 1",
            "channels = [\"sms\", \"cap\"]\nsignatures = 1\nclasses = [\"school\"]",
            "city.toml:39: field flow.classes: cap tells everybody — ",
        ),
        (
            "city.toml",
            "[[ladder]]",
            "[telling]\nquiet = { from = 24, to = 7 }\n[[ladder]]",
            "city.toml: field telling.quiet: not an hour — ",
        ),
        (
            "city.toml",
            "[[ladder]]",
            "[telling]\ndigest = { tier = \"orange\", every_minutes = 30 }\n[[ladder]]",
            "city.toml: field telling.digest.tier: not a low tier — ",
        ),
        (
            "city.toml",
            "[[ladder]]",
            "[telling]\ndigest = { tier = \"blue\", every_minutes = 25 }\n[[ladder]]",
            "city.toml: field telling.digest.every_minutes: it does not divide an hour — ",
        ),
        (
            "city.toml",
            "[[ladder]]",
            "[telling]\ndepth_step_cm = 0\n[[ladder]]",
            "city.toml: field telling.depth_step_cm: it is zero — ",
        ),
        (
            "city.toml",
            "[[ladder]]",
            "[telling]\nrequest_channels = [\"cap\"]\n[[ladder]]",
            "city.toml: field telling.request_channels: nobody would be asked — ",
        ),
        (
            "city.toml",
            "signatures = 1",
            "signatures = 0",
            "city.toml:39: field flow.signatures: 0 for the public — ",
        ),
        (
            "city.toml",
            "review = true\n",
            "",
            "city.toml:39: field flow.review: it is missing — ",
        ),
        (
            "city.toml",
            "review = true",
            "revue = true",
            "city.toml:45:1: field flow: unknown field `revue`",
        ),
        (
            "city.toml",
            "border_km = 3.0",
            "border = 3.0",
            "city.toml:5:1: unknown field `border`",
        ),
        (
            "city.toml",
            "border_km = 3.0",
            "border_km = ",
            "city.toml:5:",
        ),
        (
            "city.toml",
            "[\"440102000000\"]",
            "[\"440109000000\"]",
            "city.toml: field matrix.areas: no area 440109000000 — ",
        ),
        (
            "city.toml",
            "\"0m\"",
            "\"10m\"",
            "city.toml:47: field ladder.steps: they are out of order — ",
        ),
        (
            "city.toml",
            "after = \"0m\", ask = \"primary\"",
            "after = \"0m\", ask = \"deputy\"",
            "city.toml:47: field ladder.steps: at 0m all responsible are told — ",
        ),
        (
            "city.toml",
            "ask = \"primary\", channels = [\"sms\"]",
            "ask = \"primary\", channels = [\"sms\", \"webhook\"]",
            "city.toml:47: field ladder.steps: at 0m the flow of those responsible does not tell by webhook — ",
        ),
        (
            "city.toml",
            "[\"11A02\"]",
            "[]",
            "city.toml:16: field matrix.hazards: it is empty — ",
        ),
        (
            "areas.geojson",
            "\"parent\":\"440101000000\"",
            "\"parent\":\"440199000000\"",
            "areas.geojson:2: field parent: no area 440199000000 — ",
        ),
        (
            "areas.geojson",
            "\"parent\":\"440101000000\"",
            "\"parent\":null",
            "areas.geojson:2: field parent: it is missing — ",
        ),
        (
            "areas.geojson",
            "\"parent\":\"440100000000\"",
            "\"parent\":\"440101001000\"",
            "areas.geojson:4: field parent: area 440101001000 is not of a higher level — ",
        ),
        (
            "areas.geojson",
            "440101001000",
            "440101002000",
            "areas.geojson:3: field code: area 440101002000 stands there twice — ",
        ),
        (
            "areas.geojson",
            "440101001000",
            "44010100100",
            "areas.geojson:3: field code: \"44010100100\" is not a 12-digit division code — ",
        ),
        (
            "areas.geojson",
            "\"level\":\"city\"",
            "\"level\":\"province\"",
            "areas.geojson: field level: no area is the city — ",
        ),
        (
            "areas.geojson",
            "\"population\":10",
            "\"population\":-1",
            "areas.geojson:3: field population: not a whole number — ",
        ),
        (
            "areas.geojson",
            "[113.0,23.0],[113.1,23.0],[113.1,23.05]",
            "[213.0,23.0],[113.1,123.0],[113.1,23.05]",
            "areas.geojson:3: field geometry: [113.1, 123] is not on the Earth — ",
        ),
        (
            "areas.geojson",
            "[113.0,23.05],[113.0,23.0]]]",
            "[113.0,23.05]]]",
            "areas.geojson:3: field geometry: the ring beginning at [113, 23] is not closed — ",
        ),
        (
            "areas.geojson",
            "[[[[113.0,23.0],[113.2,23.0],[113.2,23.1],[113.0,23.1],[113.0,23.0]]]]",
            "[]",
            "areas.geojson:6: field geometry: it is empty — ",
        ),
        (
            "areas.geojson",
            "\"type\":\"MultiPolygon\"",
            "\"type\":\"MultiPoint\"",
            "areas.geojson:6: ",
        ),
        (
            "stations.csv",
            "440101001000",
            "440109001000",
            "stations.csv:2: field area: no area \"440109001000\" — ",
        ),
        (
            "stations.csv",
            "G2",
            "G1",
            "stations.csv:3: field id: station \"G1\" stands there twice — ",
        ),
        (
            "stations.csv",
            "113.05",
            "east",
            "stations.csv:2: field lon: not a number from -180 to 180 — ",
        ),
        (
            "stations.csv",
            "wind_gust",
            "wind_guts",
            "stations.csv:3: field parameters: \"wind_guts\" is not known — ",
        ),
        (
            "stations.csv",
            "rainfall,60",
            "rainfall,60s",
            "stations.csv:2: field interval: not whole seconds up to 86400 — ",
        ),
        (
            "stations.csv",
            "440100000000",
            "440101001000",
            "stations.csv:3: field zones: \"440101001000\" is not the code of a zone — ",
        ),
        (
            "stations.csv",
            "113.05,23.02",
            "113.15,23.02",
            "stations.csv:2: field area: the position lies in 440102000000 — ",
        ),
        (
            "sites.csv",
            "W1",
            "W9",
            "sites.csv:2: field station: no station \"W9\" — ",
        ),
        (
            "sites.csv",
            "0.15",
            "0,15",
            "sites.csv:2: 15 fields where the header has 14 — ",
        ),
        (
            "sites.csv",
            "0.27",
            "27cm",
            "sites.csv:2: field orange: \"27cm\" is not a decimal number — ",
        ),
        (
            "sites.csv",
            "0.27",
            "2.7",
            "sites.csv:2: field blue…red: the thresholds are out of order — ",
        ),
    ] {
        let found = faults_of(file, from, to);
        assert!(
            found.iter().any(|f| f.starts_with(wanted)),
            "{from} → {to}: {wanted}\nfound {found:#?}"
        );
    }
}

const VILLAGES: &str = "id,name,kind,lon,lat,area,station,prepare_30m,prepare_1h,prepare_3h,move_30m,move_1h\n\
    V1,上村,village,113.05,23.02,,G1,25,36,60,36,52.5\n\
    V2,下村,village,113.05,23.03,,G1,,,90,,\n\
    V3,新村,village,113.05,23.03,,G1,0,0.0,0,0,0\n";

#[test]
fn villages_have_amounts_to_prepare_and_to_move() {
    let read = city(&[("sites.csv", VILLAGES)], &[]).unwrap();
    let of = |id: &str| &read.site(read.site_no(id).unwrap()).unwrap().thresholds;
    assert_eq!(of("V1")["move_1h"], "52.5");
    assert_eq!(of("V2").len(), 1);
    for (from, to, wanted) in [
        ("52.5", "52mm", "field move_1h: \"52mm\" is not a decimal"),
        (
            "60,36,52.5",
            "60,53,52.5",
            "field move_30m…move_6h: the amounts are out of order",
        ),
        (
            "25,36,60",
            "25,36,35",
            "field prepare_30m…prepare_6h: the amounts are out of order",
        ),
        (
            "60,36,",
            "60,24,",
            "field move_30m: 24 mm is less than the 25 mm to prepare at",
        ),
        (
            "25,36,60",
            "0,36,60",
            "field prepare_30m…move_6h: an amount is not above 0",
        ),
    ] {
        assert!(VILLAGES.contains(from), "{from}");
        let wrong = VILLAGES.replacen(from, to, 1);
        let found = texts(&city(&[("sites.csv", &wrong)], &[]).unwrap_err());
        let wanted = format!("sites.csv:2: {wanted}");
        assert!(
            matches!(found.as_slice(), [one] if one.starts_with(&wanted)),
            "{from} → {to}: {wanted}\nfound {found:#?}"
        );
    }
}

#[test]
fn all_faults_come_at_once() {
    let toml = TOML
        .replace("\"relay\"", "\"shout\"")
        .replace("audience = \"public\"", "audience = \"all\"");
    let changes: [(&str, &str); 3] = [
        ("city.toml", &toml),
        ("stations.csv", &STATIONS.replace("113.05", "x")),
        ("sites.csv", &SITES.replace("W1", "W9")),
    ];
    let faults = texts(&city(&changes, &[]).unwrap_err());
    for file in [
        "city.toml:36",
        "city.toml:40",
        "stations.csv:2",
        "sites.csv:2",
    ] {
        assert!(
            faults.iter().any(|f| f.starts_with(file)),
            "{file} in {faults:#?}"
        );
    }
    let none = City::read(|_| None, &[]).unwrap_err();
    assert_eq!(none.len(), FILES.len());
    assert!(none.iter().all(|f| f.severity == Severity::Error));
}

#[test]
fn check_lists_who_is_left_out() {
    let stations = STATIONS.lines().take(2).collect::<Vec<_>>().join("\n");
    let sites = SITES
        .replace("W1", "")
        .replace("440102000000", "440101001000");
    let city = city(&[("stations.csv", &stations), ("sites.csv", &sites)], &[]).unwrap();
    let found = texts(&city.check());
    for wanted in [
        "no station or site in 440102000000",
        "no station or site in 440101002000",
        "site C1 has thresholds and no station",
        "nothing about 11B01 台风 at orange and red in 2 districts",
    ] {
        assert!(
            found.iter().any(|f| f.contains(wanted)),
            "{wanted} in {found:#?}"
        );
    }
    assert!(!found.iter().any(|f| f.contains("11A02")));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_bytes_for_any_file_are_faults(which in 0usize..4, bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let mut files = files(&[]);
        files.insert(FILES[which].to_owned(), bytes);
        let _ = City::read(|name| files.get(name).cloned(), &[]);
    }

    #[test]
    fn any_small_damage_is_survived(which in 0usize..4, at in any::<prop::sample::Index>(), byte in any::<u8>(), cut in any::<bool>()) {
        let mut files = files(&[]);
        let file = files.get_mut(FILES[which]).unwrap();
        let at = at.index(file.len());
        if cut { file.truncate(at) } else { file[at] = byte }
        let _ = City::read(|name| files.get(name).cloned(), &[]);
    }
}
