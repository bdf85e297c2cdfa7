//! Where nobody sees what, on the built binary: areas without a station, as lists and as a map.

use super::served::Served;
use serde_json::{Value, json};

#[test]
fn areas_without_a_station_are_listed_and_on_a_map() {
    let folder = tempfile::tempdir().unwrap();
    let served = Served::alone(folder.path());
    let (status, body) = served.get("/v1/blindness?hazard=11B04");
    assert_eq!(status, 200, "{body}");
    let body: Value = serde_json::from_str(&body).unwrap();
    // The street has no thermometer: nobody there sees a heat wave or a cold one.
    let unseen: Vec<Value> = serde_json::from_str::<Value>(&served.get("/v1/blindness").1).unwrap()
        ["hazards"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|hazard| hazard["areas"][0]["why"] == "unseen")
        .map(|hazard| hazard["hazard"].clone())
        .collect();
    assert!(!unseen.is_empty(), "{body}");
    assert!(
        !unseen.contains(&json!("11A02")),
        "W1 sees water: {unseen:?}"
    );
    assert!(
        !unseen.contains(&json!("11B03")),
        "G1 sees rain: {unseen:?}"
    );
    let geojson = [
        "Authorization: Bearer token-chen",
        "Accept: application/geo+json",
    ];
    let answer = served.ask("GET /v1/blindness", &geojson, b"");
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(answer.headers["content-type"], "application/geo+json");
    let map = answer.json();
    let features = map["features"].as_array().unwrap();
    let of: Vec<Value> = features
        .iter()
        .map(|feature| feature["properties"]["hazard"].clone())
        .collect();
    assert_eq!(of, unseen, "one township, one feature each");
    assert!(
        features
            .iter()
            .all(|f| f["geometry"]["coordinates"][0][0][0].is_array())
    );

    let nobody = served.ask("GET /v1/blindness", &[], b"");
    assert_eq!(nobody.status, 401, "{}", nobody.body);
    let (status, wrong) = served.get("/v1/blindness?hazard=rain");
    assert_eq!(status, 400);
    let wrong: Value = serde_json::from_str(&wrong).unwrap();
    assert!(
        wrong["detail"].as_str().unwrap().contains("11B03"),
        "{wrong}"
    );
}
