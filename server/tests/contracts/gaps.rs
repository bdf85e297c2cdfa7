//! Whom nobody has spoken for, the act that speaks for them, and the figures of answers, on the built
//! binary.

use crate::small::{Served, free_port, minutes_ago, write_city};
use serde_json::Value;
use std::fs;

fn read(served: &Served, path: &str) -> Value {
    let (status, body) = served.get(path);
    assert_eq!(status, 200, "{body}");
    serde_json::from_str(&body).unwrap()
}

#[test]
fn a_gap_stands_until_somebody_speaks_for_the_place() {
    let folder = tempfile::tempdir().unwrap();
    write_city(folder.path());
    let sites = folder.path().join("city/sites.csv");
    let mut text = fs::read_to_string(&sites).unwrap();
    let columns = text.lines().next().unwrap().split(',').count();
    let row = "S9,小学,school,113.1,23.1,440106014000";
    let cells = row.split(',').count();
    text = format!(
        "{}\n{row}{}\n",
        text.trim_end(),
        ",".repeat(columns - cells)
    );
    fs::write(&sites, text).unwrap();
    let town = "440106014000";
    let now = minutes_ago(0);
    let stations = format!("area,total,out,time\n{town},10,8,{now}\nnowhere,1,1,{now}\n");
    fs::write(folder.path().join("stations.txt"), stations).unwrap();
    let city = folder.path().join("city");
    let journal = "journal = \"journal\"\nbase_stations = \"stations.txt\"";
    let nobody = free_port();
    let mut served = Served::stored(folder.path(), &city, nobody, Vec::new(), journal, "");
    served.ready().unwrap();

    let nothing = read(&served, "/v1/gaps");
    assert_eq!(nothing["gaps"], Value::Array(Vec::new()), "{nothing}");
    assert_eq!(served.request("GET", "/v1/gaps", None, "").0, 401);
    assert_eq!(served.request("GET", "/v1/answering", None, "").0, 401);
    let time = minutes_ago(1);
    let reading = format!(
        r#"{{"station":"W1","parameter":"water_depth","time":"{time}","value":0.70,"unit":"m"}}"#
    );
    let (status, body) = served.post("/v1/observations", None, &reading);
    assert_eq!(status, 202, "{body}");
    crate::small::eventually("the school and the township are gaps", || {
        let found = read(&served, "/v1/gaps");
        found["counts"]["site"] == 1 && found["counts"]["no_channel"] == 1
    });
    let found = read(&served, "/v1/gaps");
    let school = found["gaps"]
        .as_array()
        .unwrap()
        .iter()
        .find(|gap| gap["site"] == "S9");
    let school = school.unwrap();
    assert_eq!(school["area"], town);
    let why = school["why"].as_array().unwrap();
    assert!(
        why.contains(&"in_no_plan".into()) && why.contains(&"nobody_listed".into()),
        "{school}"
    );
    let warning = school["warning"].as_str().unwrap();

    let path = "/v1/gaps/answer";
    let says = |place: &str, by: &str| {
        format!(
            r#"{{"warning":"{warning}",{place},"by":"{by}","answer":"moved","note":"已全部转移"}}"#
        )
    };
    let site = r#""site":"S9""#;
    assert_eq!(served.post(path, None, &says(site, "校长")).0, 401);
    assert_eq!(
        served.post(path, Some("token-wang"), &says(site, "校长")).0,
        403
    );
    for wrong in [
        says(r#""site":"S8""#, "校长"),
        says(r#""area":"1""#, "校长"),
    ] {
        assert_eq!(
            served.post(path, Some("token-chen"), &wrong).0,
            404,
            "{wrong}"
        );
    }
    let both = says(&format!(r#"{site},"area":"{town}""#), "校长");
    for wrong in [both, says(site, " "), says(site, &"长".repeat(61))] {
        assert_eq!(
            served.post(path, Some("token-chen"), &wrong).0,
            400,
            "{wrong}"
        );
    }
    let (status, body) = served.post(path, Some("token-chen"), &says(site, "李校长"));
    assert_eq!(status, 204, "{body}");
    crate::small::eventually("the school is spoken for", || {
        read(&served, "/v1/gaps")["counts"]["site"] == 0
    });
    let found = read(&served, "/v1/gaps");
    let spoken = &found["answered_for"][0];
    assert_eq!(spoken["by"], "李校长");
    assert_eq!(
        (&spoken["site"], &spoken["person"]),
        (&"S9".into(), &"chen".into())
    );

    let figures = read(&served, "/v1/answering");
    assert!(figures["city"]["called"].as_u64().unwrap() >= 1);
    let answered = &figures["city"]["answered"];
    assert_eq!(answered, 0, "a word for a place answers no call: {figures}");
    assert!(
        figures["text"]["zh"].as_str().unwrap().contains("叫应"),
        "{figures}"
    );
    let (_, metrics) = served.get("/metrics");
    for name in [
        "sanfang_gaps{what=\"no_channel\"} 1",
        "sanfang_calls{state=",
        "sanfang_base_station_faults 1",
    ] {
        assert!(metrics.contains(name), "{name}\n{metrics}");
    }
}
