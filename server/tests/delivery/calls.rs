//! A call by the ladder through a gateway that is not ours: the key that was pressed stops it, and every
//! ladder that it spoke for.

use super::sipp::Sipp;
use super::street::{Street, call, feed, list};
use crate::small::node::missing::missing;
use crate::small::{Centre, OWNER, Served, eventually, free_port};
use dispatch::gateway::voice::wav;
use std::path::Path;

/// The second rung of red, and a call a second after the warning in its place.
const CALLED: &[(&str, &str)] = &[(
    r#"{ after = "150s", ask = "primary", channels = ["sms"], phone = true }"#,
    r#"{ after = "1s", ask = "primary", channels = ["voice"] }"#,
)];

#[test]
fn a_key_pressed_on_a_call_stops_the_ladder() {
    let gateway = match Sipp::plays("info", "u1") {
        Ok(gateway) => gateway,
        Err(why) => return missing(&why),
    };
    let Some(centre) = Centre::start() else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let owner = format!("P1,涵洞主,site_owner,440106014000,{OWNER},C1,,zh,,1,");
    Street {
        contacts: &[&owner],
        policy: CALLED,
        ..Street::default()
    }
    .write(folder.path());
    std::fs::write(folder.path().join("secret"), "a secret\n").unwrap();
    let section = format!(
        "[voice]\ngateway = \"127.0.0.1:{}\"\nfrom = \"12379\"\nuser = \"sanfang\"\n\
         password_file = \"secret\"\nprogram = [\"espeak-ng\", \"-v\", \"{{voice}}\", \"--stdout\"]\n",
        gateway.port
    );
    let served = Served::serve(folder.path(), centre.port, &section);
    feed(&served, "W1", 2, "0.70");
    eventually("the owner pressed 2", || {
        feed(&served, "W1", 1, "0.70");
        call(&served, "C1").is_some_and(|call| call["answer"]["answer"] == "at_post")
    });
    let line = call(&served, "C1").unwrap();
    assert_eq!(line["answer"]["contact"], "P1", "{line}");
    assert_eq!(line["answer"]["channel"], "voice", "{line}");
    assert!(gateway.ends_well(), "the gateway's side went otherwise");
    eventually("the delivery counts as acknowledged", || {
        let calls = list(&served, "/v1/deliveries").into_iter();
        let mut calls = calls.filter(|item| item["channel"] == "voice");
        calls.any(|item| item["accepted"] == 1 && item["failed"] == 0)
    });
    let (_, metrics) = served.get("/metrics");
    let counted =
        r#"sanfang_deliveries_total{carrier="voice",channel="voice",state="acknowledged"} 1"#;
    assert!(metrics.contains(counted), "{metrics}");
    assert!(!metrics.contains(OWNER.trim_start_matches('+')));
}

/// A second district with a culvert of its own, whose owner is the same person in another role.
fn two_districts(folder: &Path) {
    let rows = [
        format!("P1,涵洞主,site_owner,440106014000,{OWNER},C1,,zh,,1,"),
        format!("P2,涵洞主,site_deputy,440105003000,{OWNER},C2,,zh,,1,"),
    ];
    Street {
        contacts: &rows.each_ref().map(String::as_str),
        sites: &[
            "C1,东风涵洞,culvert,113.1,23.1,440106014000,W1,,,roads,0.05,0.15,0.27,0.5,0.2",
            "C2,西风涵洞,culvert,113.3,23.1,440105003000,W2,,,roads,0.05,0.15,0.27,0.5,0.2",
        ],
        policy: CALLED,
        ..Street::default()
    }
    .write(folder);
    let city = folder.join("city");
    let (areas, stations) = (city.join("areas.geojson"), city.join("stations.csv"));
    let square = |code: &str, level: &str, parent: &str| {
        format!(
            r#",{{"type":"Feature","properties":{{"code":"{code}","name":"{code}","name_en":"{level}","level":"{level}","parent":"{parent}","population":1000}},"geometry":{{"type":"Polygon","coordinates":[[[113.2,23.0],[113.4,23.0],[113.4,23.2],[113.2,23.2],[113.2,23.0]]]}}}}]"#
        )
    };
    let text = std::fs::read_to_string(&areas).unwrap();
    let text = text.trim_end().strip_suffix("]}").unwrap();
    let district = square("440105000000", "district", "440100000000");
    let township = square("440105003000", "township", "440105000000");
    let district = district.trim_end_matches(']');
    std::fs::write(&areas, format!("{text}{district}{township}}}")).unwrap();
    let text = std::fs::read_to_string(&stations).unwrap();
    let there = "W2,Depth 2,depth_sensor,113.1,23.1,440106014000,water_depth";
    assert!(text.contains(there));
    let here = "W2,Depth 2,depth_sensor,113.3,23.1,440105003000,water_depth";
    std::fs::write(&stations, text.replace(there, here)).unwrap();
}

#[test]
fn one_call_says_the_warnings_of_two_districts_and_one_key_stops_both_ladders() {
    let Some(centre) = Centre::start() else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    two_districts(folder.path());
    std::fs::write(folder.path().join("secret"), "a secret\n").unwrap();
    // Half a second of sound, whatever is to be said.
    let sound = folder.path().join("half.wav");
    std::fs::write(&sound, wav::write(&[3_000; 4_000], wav::RATE)).unwrap();
    let port = free_port();
    let section = format!(
        "[voice]\ngateway = \"127.0.0.1:{port}\"\ntransport = \"tcp\"\nfrom = \"12379\"\n\
         user = \"sanfang\"\npassword_file = \"secret\"\nbusy_again_s = 2\n\
         program = [\"cat\", \"{}\"]\n",
        sound.display()
    );
    let served = Served::serve(folder.path(), centre.port, &section);
    for station in ["W1", "W2"] {
        feed(&served, station, 2, "0.70");
    }
    // Nobody carries calls yet: both wait for the same telephone.
    eventually("both districts call their owner", || {
        for station in ["W1", "W2"] {
            feed(&served, station, 1, "0.70");
        }
        let calls = list(&served, "/v1/deliveries").into_iter();
        let calls = calls.filter(|item| item["channel"] == "voice");
        let warnings = calls.map(|item| item["warning"].to_string());
        warnings.collect::<std::collections::BTreeSet<_>>().len() == 2
    });
    let gateway = match Sipp::plays_at(port, "late", "t1") {
        Ok(gateway) => gateway,
        Err(why) => return missing(&why),
    };
    eventually("one key answered for both", || {
        let answered =
            |site| call(&served, site).is_some_and(|call| call["answer"]["answer"] == "at_post");
        answered("C1") && answered("C2")
    });
    assert!(gateway.ends_well(), "the gateway's side went otherwise");
    let by = |site| call(&served, site).unwrap()["answer"]["contact"].clone();
    assert_eq!((by("C1"), by("C2")), ("P1".into(), "P2".into()));
    let (_, metrics) = served.get("/metrics");
    let placed = metrics.lines();
    let placed =
        placed.filter(|line| line.starts_with("sanfang_calls_placed_total{sayings=\"2\"}"));
    assert_eq!(placed.count(), 1, "{metrics}");
    let counted =
        r#"sanfang_deliveries_total{carrier="voice",channel="voice",state="acknowledged"} 2"#;
    assert!(metrics.contains(counted), "{metrics}");
}
