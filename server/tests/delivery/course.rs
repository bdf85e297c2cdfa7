//! The demo city with one relay: the water of its storm at a culvert, a red warning that one person
//! signs, an area job at a carrier's contracted rate, and everybody called until each place has answered.
//! The course of it is whole, and the last phone comes when it was foretold.

use super::carrier::{HEADS, Relay, SECRET, SETTINGS};
use super::street::{list, sign};
use crate::demo_city;
use crate::small::{Centre, Served, eventually, free_port, minutes_ago};
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

/// People of the carrier in the township, a quarter of whom read English.
const PEOPLE: u32 = 1_600;
/// Parts a second that its message centre was contracted for.
const PACE: u32 = 80;

/// The first culvert of the city: its sensor, its township, where it is.
struct Culvert {
    sensor: String,
    area: String,
    lon: String,
    lat: String,
}

impl Culvert {
    fn of(city: &Path) -> Self {
        let sites = fs::read_to_string(city.join("sites.csv")).unwrap();
        let mut lines = sites
            .lines()
            .map(|line| line.split(',').collect::<Vec<_>>());
        let head = lines.next().unwrap();
        let column = |name: &str| head.iter().position(|column| *column == name).unwrap();
        let site = lines
            .find(|site| site[column("kind")] == "culvert")
            .unwrap();
        let of = |name: &str| site[column(name)].to_owned();
        Self {
            sensor: of("station"),
            area: of("area"),
            lon: of("lon"),
            lat: of("lat"),
        }
    }
}

/// The carrier's roll: everybody at the culvert.
fn write_roll(folder: &Path, city: &Path, culvert: &Culvert) {
    let to = folder.join("city");
    fs::create_dir_all(&to).unwrap();
    fs::copy(city.join("areas.geojson"), to.join("areas.geojson")).unwrap();
    fs::write(to.join("city.toml"), SETTINGS).unwrap();
    for (name, head) in HEADS {
        fs::write(to.join(name), head).unwrap();
    }
    let mut roll = "id,lon,lat,phone,language,audience\n".to_owned();
    for no in 0..PEOPLE {
        let language = if no % 4 == 0 { "en" } else { "zh" };
        let (lon, lat) = (&culvert.lon, &culvert.lat);
        writeln!(
            roll,
            "R{no},{lon},{lat},+861370000{no:04},{language},public"
        )
        .unwrap();
    }
    fs::write(to.join("subscribers.csv"), roll).unwrap();
}

/// What a line of the course is about, and where it stands.
fn first(events: &[Value], is_it: impl Fn(&Value) -> bool) -> usize {
    events
        .iter()
        .position(is_it)
        .unwrap_or_else(|| panic!("not in {events:#?}"))
}

#[test]
fn a_storm_with_a_relay_is_told_whole_and_its_last_phone_was_foretold() {
    let (here, there) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let Some(smsc) = Centre::plain() else {
        return;
    };
    let city = demo_city::write(here.path(), 500);
    let culvert = Culvert::of(&city);
    let settings = city.join("city.toml");
    let flows = fs::read_to_string(&settings).unwrap();
    let channels = r#"channels = ["cap", "sms", "push", "email", "webhook"]"#;
    assert!(flows.contains(channels));
    fs::write(
        &settings,
        flows.replace(channels, r#"channels = ["cap", "area"]"#),
    )
    .unwrap();
    write_roll(there.path(), &city, &culvert);
    let relay = Relay::serve(there.path(), free_port(), smsc.port, PACE);
    fs::write(here.path().join("secret"), SECRET).unwrap();
    let section = format!(
        "[[area]]\nname = \"carrier\"\nurl = \"http://127.0.0.1:{}/v1/\"\nsecret_file = \"{}/secret\"\nheads_per_thousand = [0, 3000]\n",
        relay.port,
        here.path().display()
    );
    let mut served = Served::with(here.path(), &city, smsc.port, Vec::new(), &section);
    served.ready().unwrap();

    // A quarter of an hour of rising water, up to red.
    let rows: Vec<String> = (0..=14)
        .map(|minute| {
            let (sensor, depth) = (&culvert.sensor, 0.05 * f64::from(minute));
            let time = minutes_ago(i64::from(14 - minute));
            format!(r#"{{"station":"{sensor}","parameter":"water_depth","time":"{time}","value":{depth:.2}}}"#)
        })
        .collect();
    let (status, body) = served.post("/v1/observations", None, &rows.join("\n"));
    assert_eq!(status, 202, "{body}");
    eventually("red is put forward", || {
        list(&served, "/v1/warnings")
            .iter()
            .any(|warning| warning["tier"] == "red")
    });
    let warning = list(&served, "/v1/warnings").remove(0);
    let id = warning["id"].as_str().unwrap().to_owned();
    let (_, preview) = served.get(&format!("/v1/warnings/{id}/preview"));
    let preview: Value = serde_json::from_str(&preview).unwrap();
    let shown = preview["jobs"][0].clone();
    assert_eq!(shown["heads"], PEOPLE, "{preview}");
    assert_eq!(shown["objections"], json!([]), "{preview}");
    assert!(
        shown["areas"][0].as_str().unwrap() <= culvert.area.as_str(),
        "{shown}"
    );
    let shown = shown["last_phone_s"].as_i64().unwrap();
    assert!(
        shown >= i64::from(PEOPLE / PACE),
        "before it is signed: {preview}"
    );
    let signed = sign(&served, "token-chen");
    assert_eq!(signed.0, 204, "{}", signed.1);

    // Whoever is called is phoned, place by place.
    eventually("each place has answered", || {
        let calls = list(&served, "/v1/calls");
        for call in calls.iter().filter(|call| call["answer"].is_null()) {
            let said = json!({
                "warning": id, "contact": call["contact"], "answer": "at_post", "note": "电话",
            });
            served.post("/v1/calls/answer", Some("token-chen"), &said.to_string());
        }
        !calls.is_empty() && calls.iter().all(|call| !call["answer"].is_null())
    });
    let course = || -> Value {
        let (status, body) = served.get(&format!("/v1/warnings/{id}/course"));
        assert_eq!(status, 200, "{body}");
        serde_json::from_str(&body).unwrap()
    };
    eventually("the job is over", || {
        let jobs = course()["summary"]["jobs"].clone();
        jobs.as_array()
            .unwrap()
            .iter()
            .any(|job| !job["took_s"].is_null())
    });
    let course = course();
    let events = course["events"].as_array().unwrap();
    let what = |what: &'static str| move |event: &Value| event["what"] == what;
    let revision =
        |of: &'static str| move |event: &Value| event["what"] == "revision" && event["event"] == of;
    let job = |state: &'static str| {
        move |event: &Value| event["what"] == "job" && event["state"] == state
    };
    let order = [
        first(events, revision("proposed")),
        first(events, revision("issued")),
        first(events, |event| {
            event["what"] == "planned" && event["link"] == "area/carrier"
        }),
        first(events, job("read")),
        first(events, job("running")),
        first(events, job("done")),
    ];
    assert!(order.is_sorted(), "{order:?} in {events:#?}");
    let signed = &events[order[1]]["signed_by"];
    assert_eq!(signed, &json!(["chen"]), "{}", events[order[1]]);
    let counts = &events[order[5]]["counts"];
    assert_eq!(counts["delivered"], PEOPLE, "{counts}");
    assert!(
        first(events, what("asked")) < first(events, what("answered")),
        "{events:#?}"
    );
    first(events, what("first"));
    first(events, what("last"));

    let summary = &course["summary"];
    for time in [
        "proposed",
        "released",
        "first_message",
        "last_message",
        "last_answer",
    ] {
        assert!(summary[time].is_string(), "{time}: {summary}");
    }
    assert_eq!(summary["called"], summary["answered"], "{summary}");
    let of_job = &summary["jobs"][0];
    let (foretold, took) = (&of_job["foretold_s"], of_job["took_s"].as_i64().unwrap());
    assert_eq!(foretold, shown, "what was shown is what was let go");
    eprintln!("last phone: shown {shown} s, took {took} s, at {PACE} parts a second");
    assert!((took - shown).abs() * 10 <= shown, "{of_job}");
}
