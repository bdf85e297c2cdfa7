//! Weather processes and their products on the built binary: proposed from a signal, opened, moved,
//! filed, missed, and all there after the process was killed; the evening product.

use super::minutes_ago;
use super::served::{Answer, Served, configuration};
use super::small::eventually;
use serde_json::{Value, json};
use std::path::Path;

const DISTRICT: &str = "440106000000";

/// One ladder of quick slots, and an evening that lasts the whole day.
const SERVICES: &str = r#"schema = 1
[[service]]
id = "quick"
name = { zh = "模式", en = "Mode" }
source = { document = "test", confidence = "design-default" }
[[ladder]]
id = "rain"
service = "quick"
name = { zh = "强降雨过程", en = "Heavy rain" }
hazards = ["11B03"]
lasts = "1d"
closes = "12h"
source = { document = "test", confidence = "design-default" }
[[ladder.stage]]
id = "3h"
lead = "3h"
product = { zh = "分区预警", en = "Sub-area warning" }
grain = "district"
audience = ["公众"]
ready = "1h"
grace = "20m"
counts = ["signal"]
source = { document = "test", confidence = "sure" }
[[ladder.stage]]
id = "1h"
lead = "1h"
product = { zh = "定量预报", en = "Quantitative forecast" }
grain = "township"
audience = ["镇街"]
ready = "3h"
grace = "1s"
source = { document = "test", confidence = "unsure" }
[evening]
from = "00:01"
due = "23:59"
until = "00:00"
dark = ["18:00", "18:00", "18:00", "18:00", "18:00", "18:00", "18:00", "18:00", "18:00", "18:00", "18:00", "18:00"]
source = { document = "test", confidence = "design-default" }
"#;

fn serve(folder: &Path) -> Served {
    serve_by(folder, SERVICES)
}

fn serve_by(folder: &Path, services: &str) -> Served {
    let city = folder.join("city");
    std::fs::create_dir_all(&city).unwrap();
    std::fs::write(city.join("services.toml"), services).unwrap();
    Served::configured(folder, |port| {
        configuration(port, "").replace(
            "\"answer\", \"signal\"]",
            "\"answer\", \"signal\", \"respond\"]",
        )
    })
}

fn post(served: &Served, who: &str, path: &str, body: &Value) -> Answer {
    let token = format!("Authorization: Bearer token-{who}");
    let headers = [token.as_str(), "Content-Type: application/json"];
    let line = format!("POST {path}");
    served.ask(&line, &headers, body.to_string().as_bytes())
}

fn get(served: &Served, path: &str) -> Value {
    let (status, body) = served.get(path);
    assert_eq!(status, 200, "{path}: {body}");
    serde_json::from_str(&body).unwrap()
}

fn process(served: &Served) -> Value {
    get(served, "/v1/services")["processes"][0].clone()
}

fn slot(served: &Served, id: &str) -> Value {
    let process = process(served);
    let slots = process["slots"].as_array().unwrap();
    slots.iter().find(|slot| slot["id"] == id).unwrap().clone()
}

#[test]
fn a_process_from_opening_to_a_missed_product() {
    let folder = tempfile::tempdir().unwrap();
    let served = serve(folder.path());
    let path = "/v1/services";
    let quiet = get(&served, path);
    assert_eq!(quiet["processes"], json!([]));
    assert_eq!(quiet["ladders"][0]["service_name"]["en"], "Mode");
    served
        .ask("GET /v1/services", &[], b"")
        .is_problem(401, "sign in");

    // Who may, and what is missing.
    let onset = minutes_ago(-4 * 60);
    let open = json!({ "act": "open", "hazard": "11B03", "areas": [DISTRICT], "onset": onset, "reason": "会商" });
    post(&served, "wang", path, &open).is_problem(403, "Respond");
    let but = |key: &str, value: Value| {
        let mut other = open.clone();
        other[key] = value;
        other
    };
    post(&served, "chen", path, &but("reason", " ".into())).is_problem(400, "reason");
    post(&served, "chen", path, &but("onset", "noon".into())).is_problem(400, "onset");
    post(
        &served,
        "chen",
        path,
        &but("areas", json!(["999999999999"])),
    )
    .is_problem(400, "areas");
    post(&served, "chen", path, &but("areas", json!([]))).is_problem(409, "say where");
    post(&served, "chen", path, &but("hazard", "11B19".into())).is_problem(409, "no ladder");
    post(
        &served,
        "chen",
        path,
        &json!({ "act": "move", "reason": "x" }),
    )
    .is_problem(400, "process");
    assert_eq!(post(&served, "chen", path, &open).status, 200);
    post(&served, "chen", path, &open).is_problem(409, "under way there");
    let opened = process(&served);
    assert_eq!(
        (
            &opened["state"],
            &opened["by"],
            &opened["slots"][0]["state"]
        ),
        (&"open".into(), &"chen".into(), &"due".into()),
        "{opened}"
    );
    let id = opened["id"].as_str().unwrap().to_owned();
    assert!(slot(&served, "3h")["left_s"].as_i64().unwrap() > 3_000);
    assert_eq!(slot(&served, "1h")["state"], "due");
    assert_eq!(slot(&served, "1h")["source"]["confidence"], "unsure");

    // A product is filed once.
    let filed =
        json!({ "process": id, "slot": "3h", "text": "重要天气报告", "reference": "2026-17" });
    let products = "/v1/services/products";
    post(&served, "wang", products, &filed).is_problem(403, "Answer");
    post(
        &served,
        "chen",
        products,
        &json!({ "process": id, "slot": "3h" }),
    )
    .is_problem(400, "text");
    let long = "x".repeat(70_000);
    for field in ["process", "slot", "text", "reference"] {
        let mut filed = filed.clone();
        filed[field] = long.as_str().into();
        let said = format!("{field}: it has 70000");
        post(&served, "chen", products, &filed).is_problem(400, &said);
    }
    post(&served, "chen", path, &but("reason", long.as_str().into()))
        .is_problem(400, "reason: it has");
    post(&served, "chen", path, &but("process", long.as_str().into()))
        .is_problem(400, "process: it has");
    post(
        &served,
        "chen",
        products,
        &json!({ "process": id, "slot": "2h", "text": "x" }),
    )
    .is_problem(409, "3h, 1h");
    assert_eq!(post(&served, "chen", products, &filed).status, 200);
    post(&served, "chen", products, &filed).is_problem(409, "filed it already");
    let done = slot(&served, "3h");
    assert_eq!(
        (
            &done["state"],
            &done["filed"]["by"],
            &done["filed"]["reference"]
        ),
        (&"done".into(), &"chen".into(), &"2026-17".into())
    );

    // Moved so that what is owed has a second left: an alarm, in every place where one is looked for.
    let sooner =
        json!({ "act": "move", "process": id, "onset": minutes_ago(-5), "reason": "提前" });
    assert_eq!(post(&served, "chen", path, &sooner).status, 200);
    assert_eq!(slot(&served, "3h")["state"], "done");
    // Time passes in the city's zone with whatever comes to it, or with the minute.
    let nothing = json!({ "act": "end", "process": "none", "reason": "x" });
    eventually("it is missed", || {
        post(&served, "chen", path, &nothing).is_problem(409, "no process");
        slot(&served, "1h")["state"] == "missed"
    });
    let metrics = served.get("/metrics").1;
    for line in [
        "sanfang_products_missed_total{slot=\"1h\"} 1",
        "sanfang_products_waiting{state=\"missed\"} 1",
    ] {
        assert!(metrics.contains(line), "{line}");
    }
    let timeline = get(&served, "/v1/timeline");
    let entries = timeline.as_array().unwrap();
    let is_missed = |entry: &&Value| entry["kind"] == "slot" && entry["item"]["state"] == "missed";
    assert_eq!(entries.iter().filter(is_missed).count(), 1);
    assert!(entries.iter().any(|entry| entry["kind"] == "process"));

    // Killed and begun again, all of it stands and nothing is said anew.
    let before = [process(&served), timeline];
    drop(served);
    let served = serve(folder.path());
    eventually("all of it stands", || {
        [process(&served), get(&served, "/v1/timeline")] == before
    });
    let late = json!({ "process": id, "slot": "1h", "reference": "补报" });
    assert_eq!(post(&served, "chen", products, &late).status, 200);
    assert_eq!(slot(&served, "1h")["state"], "late");
    let end = json!({ "act": "end", "process": id, "reason": "过程结束" });
    assert_eq!(post(&served, "chen", path, &end).status, 200);
    assert_eq!(process(&served)["state"], "ended");
    post(&served, "chen", path, &end).is_problem(409, "no process");
}

#[test]
fn an_evening_is_drafted_and_filed() {
    let folder = tempfile::tempdir().unwrap();
    let served = serve(folder.path());
    let path = "/v1/evening";
    let quiet = get(&served, path);
    assert_eq!(
        (&quiet["risks"], &quiet["filed"]),
        (&json!([]), &Value::Null)
    );
    let open = json!({ "act": "open", "hazard": "11B03", "areas": [DISTRICT], "onset": minutes_ago(-1), "reason": "会商" });
    assert_eq!(post(&served, "chen", "/v1/services", &open).status, 200);
    let drafted = get(&served, path);
    assert_eq!(
        drafted["risks"][0]["reasons"][0]["ground"], "process",
        "{drafted}"
    );
    assert_eq!(drafted["filed"]["state"], "drafted");
    // Posts and counts, no names and no numbers.
    let reach = &drafted["reach"][0];
    assert_eq!(
        (&reach["people"], &reach["with_phone"]),
        (&2.into(), &2.into())
    );
    assert_eq!(reach["posts"][0]["role"], "township_head", "{reach}");
    assert_eq!(reach["posts"][0]["role_name"]["zh"], "镇街责任人");
    let body = drafted.to_string();
    assert!(!body.contains("镇长") && !body.contains("139000"), "{body}");
    let english = served.get("/v1/evening?format=text&lang=en");
    assert!(
        english.0 == 200 && english.1.contains("Risks tonight"),
        "{english:?}"
    );
    let chen = ["Authorization: Bearer token-chen"];
    let text = served.ask("GET /v1/evening?format=text", &chen, b"");
    assert!(text.headers["content-type"].starts_with("text/plain"));
    assert!(
        text.body.contains("今夜风险") && text.body.contains("雨"),
        "{}",
        text.body
    );
    served
        .ask("GET /v1/evening?lang=fr", &chen, b"")
        .is_problem(400, "lang");
    served
        .ask("GET /v1/evening", &[], b"")
        .is_problem(401, "sign in");

    let day = drafted["day"].clone();
    post(&served, "wang", path, &json!({ "day": day })).is_problem(403, "Answer");
    // What is drafted now is not what went out on another day.
    post(&served, "chen", path, &json!({ "day": "2020-01-01" }))
        .is_problem(400, "only the evening of");
    let words = json!({ "day": "2020-01-01", "text": { "zh": "今夜", "en": "" } });
    post(&served, "chen", path, &words).is_problem(409, "no evening");
    post(&served, "chen", path, &json!({ "day": "9".repeat(300) }))
        .is_problem(400, "day: it has 300");
    assert_eq!(
        post(&served, "chen", path, &json!({ "day": day })).status,
        200
    );
    post(&served, "chen", path, &json!({ "day": day })).is_problem(409, "filed it already");
    let filed = get(&served, path)["filed"].clone();
    assert_eq!(
        (&filed["state"], &filed["by"]),
        (&"filed".into(), &"chen".into())
    );
    assert!(filed["text"]["zh"].as_str().unwrap().contains("今夜风险"));
    the_evenings_of_other_days(&served, &day);
    let timeline = get(&served, "/v1/timeline");
    let last = timeline.as_array().unwrap().last().unwrap().clone();
    assert_eq!(
        (&last["kind"], &last["item"]["day"]),
        (&"evening".into(), &day)
    );

    // Where nights last nearly until the next evening, now is the night after the day before.
    drop(served);
    let late = SERVICES.replace("from = \"00:01\"", "from = \"23:58\"");
    let late = late.replace("until = \"00:00\"", "until = \"23:57\"");
    let served = serve_by(folder.path(), &late);
    let day = day.as_str().unwrap();
    let path = format!("/v1/evening?day={day}");
    eventually("it is read by its day", || served.get(&path).0 == 200);
    assert_ne!(get(&served, "/v1/evening")["day"], day);
    let past = get(&served, &path);
    assert_eq!(
        (&past["running"], &past["risks"], &past["filed"]),
        (&false.into(), &Value::Null, &filed)
    );
    let printed = served.get(&format!("{path}&format=text&lang=zh"));
    assert_eq!(
        printed,
        (200, filed["text"]["zh"].as_str().unwrap().to_owned())
    );
}

/// The running day by its name is what it is without; other days are refused with those that can be read.
fn the_evenings_of_other_days(served: &Served, day: &Value) {
    let day = day.as_str().unwrap();
    let named = get(served, &format!("/v1/evening?day={day}"));
    assert_eq!(named["running"], true);
    assert_eq!(
        named["days"],
        json!([{ "day": day, "state": "filed", "by": "chen" }])
    );
    let chen = ["Authorization: Bearer token-chen"];
    for other in ["2020-01-01", "yesterday"] {
        let path = format!("GET /v1/evening?day={other}");
        served.ask(&path, &chen, b"").is_problem(404, day);
    }
}

#[test]
fn a_city_without_services_has_no_evening() {
    let folder = tempfile::tempdir().unwrap();
    let served = Served::alone(folder.path());
    let chen = ["Authorization: Bearer token-chen"];
    let evening = served.ask("GET /v1/evening", &chen, b"");
    evening.is_problem(404, "services.toml");
    assert_eq!(get(&served, "/v1/services")["ladders"], json!([]));
}

/// `sanfang check` says what is wrong with the file of services as with the others.
#[test]
fn a_fault_in_services_is_said_with_its_line() {
    let folder = tempfile::tempdir().unwrap();
    super::small::write_city(folder.path());
    let city = folder.path().join("city");
    let wrong = SERVICES.replace("lead = \"1h\"", "lead = \"4h\"");
    std::fs::write(city.join("services.toml"), wrong).unwrap();
    let output = super::sanfang(&["check", "--city", city.to_str().unwrap()]);
    let (code, out, err) = super::told(&output);
    assert_eq!(code, 2, "{out}{err}");
    let said = out + &err;
    assert!(
        said.contains("services.toml:24") && said.contains("4h after 3h"),
        "{said}"
    );
}

#[test]
fn a_forecast_for_one_district_proposes_a_process() {
    let folder = tempfile::tempdir().unwrap();
    let city = folder.path().join("city");
    std::fs::create_dir_all(&city).unwrap();
    let expects = "closes = \"12h\"\nexpects = [{ parameter = \"rainfall\", over = \"3h\", at_least = 30.0 }]\n";
    let services = SERVICES.replace("closes = \"12h\"\n", expects);
    std::fs::write(city.join("services.toml"), services).unwrap();
    let served = Served::configured(folder.path(), |port| configuration(port, ""));
    let forecast = json!({ "issued": minutes_ago(1), "source": "m", "parameter": "rainfall", "area": DISTRICT,
        "start": minutes_ago(0), "step": "1h", "values": [0, 0, 0, 0, 20, 20, 20, 0] });
    let answer = post(&served, "chen", "/v1/forecasts", &forecast);
    assert_eq!(answer.status, 202, "{}", answer.body);
    eventually("the district's rain is a process", || {
        let process = process(&served);
        process["state"] == "proposed" && process["areas"] == json!([DISTRICT])
    });
}
