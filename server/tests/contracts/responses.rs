//! Emergency responses on the built binary: proposed from signals, signed by the post of the plan,
//! ended four times over, and all there after the process was killed.

use super::depth;
use super::served::{Answer, Served, configuration};
use super::small::eventually;
use serde_json::{Value, json};
use std::path::Path;

const CITY: &str = "440100000000";
const DISTRICT: &str = "440106000000";
const TOWN: &str = "440106014000";

const RESPONSES: &str = r#"schema = 1
return_post = "office"
close_post = "office"

[[post]]
id = "office"
name = { zh = "三防办主任", en = "Director" }
people = ["chen"]

[[post]]
id = "commander"
name = { zh = "总指挥", en = "Commander" }
people = ["wang"]

[[damage]]
id = "dyke"
name = { zh = "堤围险情", en = "a dyke in danger" }

[[response]]
id = "rain"
family = "waterlogging"
name = { zh = "防暴雨内涝应急响应", en = "Rain response" }
at = "city"
authority = { zh = "指挥部", en = "Headquarters" }
hazards = ["11B03"]

[[response.level]]
level = "IV"
when = ["yellow >= 6/11 districts"]
post = "office"
clause = "4.2"
source = { document = "plan", confidence = "design-default" }

[[response.level]]
level = "II"
when = ["red >= 1 districts", "damage dyke"]
post = "commander"
source = { document = "plan", confidence = "design-default" }

[[response]]
id = "rain-district"
family = "waterlogging"
name = { zh = "{area}防暴雨内涝应急响应", en = "Rain response, {area}" }
at = "district"
authority = { zh = "{area}三防指挥部", en = "Headquarters, {area}" }
hazards = ["11B03"]

[[response.level]]
level = "IV"
when = ["red >= 1 townships"]
post = "office"
source = { document = "plan", confidence = "design-default" }

[[consequence]]
id = "no-school"
name = { zh = "停课", en = "No school" }
hazards = ["11B03"]
tiers = ["red"]
areas = ["440100000000"]
text = { zh = "停课", en = "Classes are suspended" }
source = { document = "rule", confidence = "sure" }
"#;

const TASKS: &str = "id,site,area,family,level,task,task_en,owner,minutes\n\
    T1,C1,,waterlogging,IV,值守,Watch,site_owner,30\n\
    T2,,440106000000,waterlogging,II,转移,Move people,district_duty,60\n";

fn serve(folder: &Path) -> Served {
    let city = folder.join("city");
    std::fs::create_dir_all(&city).unwrap();
    std::fs::write(city.join("responses.toml"), RESPONSES).unwrap();
    std::fs::write(city.join("plans.csv"), TASKS).unwrap();
    Served::configured(folder, |port| {
        let text = configuration(port, "");
        text.replace(
            "\"answer\", \"signal\"]",
            "\"answer\", \"signal\", \"respond\"]",
        )
        .replace(
            "[\"read\", \"approve\"]",
            "[\"read\", \"approve\", \"respond\"]",
        )
    })
}

fn post(served: &Served, who: &str, path: &str, body: &Value) -> Answer {
    let token = format!("Authorization: Bearer token-{who}");
    let headers = [token.as_str(), "Content-Type: application/json"];
    served.ask(
        &format!("POST {path}"),
        &headers,
        body.to_string().as_bytes(),
    )
}

fn get(served: &Served, path: &str) -> Vec<Value> {
    let (status, body) = served.get(path);
    assert_eq!(status, 200, "{path}: {body}");
    serde_json::from_str(&body).unwrap()
}

fn response(served: &Served, plan: &str) -> Value {
    let all = get(served, "/v1/responses");
    let found = all.into_iter().find(|response| response["plan"] == plan);
    found.unwrap_or_default()
}

fn respond(level: Value, seen: Value) -> Value {
    json!({ "plan": "rain", "area": CITY, "level": level, "seen": seen, "reason": "会商" })
}

/// A rainstorm signal of the meteorological office.
fn signal(served: &Served, number: u32, kind: &str, severity: &str, area: &str) -> Value {
    let references = if kind == "Alert" {
        String::new()
    } else {
        let before = number - 1;
        format!(
            "<references>met,44010041600000_2023090713040{before},2023-09-07T13:0{before}:00+08:00</references>"
        )
    };
    let cap = format!(
        "<alert xmlns='urn:oasis:names:tc:emergency:cap:1.2'><identifier>44010041600000_2023090713040{number}</identifier>\
         <sender>met</sender><sent>2023-09-07T13:0{number}:00+08:00</sent><status>Actual</status><msgType>{kind}</msgType>\
         <scope>Public</scope>{references}<info><language>zh-CN</language><category>Met</category><event>暴雨</event>\
         <urgency>Immediate</urgency><severity>{severity}</severity><certainty>Observed</certainty>\
         <eventCode><valueName>GB</valueName><value>11B03</value></eventCode><senderName>穗城气象台</senderName>\
         <area><areaDesc>天河</areaDesc><geocode><valueName>GB</valueName><value>{area}</value></geocode></area></info></alert>"
    );
    let chen = ["Authorization: Bearer token-chen"];
    let answer = served.ask("POST /v1/signals", &chen, cap.as_bytes());
    assert_eq!(answer.status, 202, "{}", answer.body);
    answer.json()
}

fn kinds(remains: &Value) -> Vec<&str> {
    let all = remains.as_array().unwrap().iter();
    all.map(|what| what["kind"].as_str().unwrap()).collect()
}

#[test]
fn a_response_from_signal_to_closed_incident() {
    let folder = tempfile::tempdir().unwrap();
    let served = serve(folder.path());
    assert_eq!(get(&served, "/v1/responses"), [Value::Null; 0]);
    // A signal for a township of a district: the city's zone hears of it.
    signal(&served, 1, "Alert", "Moderate", TOWN);
    eventually("it is proposed", || {
        response(&served, "rain")["state"] == "proposed"
    });
    let proposed = response(&served, "rain");
    let proposal = &proposed["proposal"];
    assert_eq!(
        (
            &proposal["level"],
            &proposal["clause"],
            &proposal["post"]["zh"]
        ),
        (&"IV".into(), &"4.2".into(), &"三防办主任".into())
    );
    assert_eq!(proposal["reasons"][0]["areas"], json!([DISTRICT]));
    assert_eq!(proposal["source"]["confidence"], "design-default");
    // Nothing starts by itself, and without a token nobody sees a proposal.
    assert_eq!(proposed["level"], Value::Null);
    let open = || served.ask("GET /v1/responses", &[], b"").json();
    assert_eq!(open(), json!([]));

    // Who may start what is said beforehand.
    let plans: Value = serde_json::from_str(&served.get("/v1/plans").1).unwrap();
    let level = &plans["plans"][0]["levels"][1];
    assert_eq!(
        (&level["level"], &level["post"], &level["ends"]),
        (&"II".into(), &"commander".into(), &"commander".into())
    );
    assert_eq!(plans["posts"][1]["people"], json!(["wang"]));
    assert_eq!(plans["damage"][0]["id"], "dyke");

    // The post of the plan, what was seen, the scope.
    let path = "/v1/responses";
    let start = respond("IV".into(), Value::Null);
    post(&served, "wang", path, &start).is_problem(403, "三防办主任");
    post(&served, "nobody", path, &start).is_problem(401, "");
    post(&served, "chen", path, &respond("IV".into(), "II".into())).is_problem(409, "look again");
    post(&served, "chen", path, &respond("III".into(), Value::Null))
        .is_problem(409, "no level III");
    let mut silent = start.clone();
    silent["reason"] = " ".into();
    post(&served, "chen", path, &silent).is_problem(400, "reason");
    assert_eq!(post(&served, "chen", path, &start).status, 200);
    let stands = response(&served, "rain");
    assert_eq!(
        (&stands["level"], &stands["by"]),
        (&"IV".into(), &"chen".into())
    );
    assert_eq!(stands["basis"][0]["needed"], 1);
    let seen = open();
    assert_eq!(seen[0]["level"], "IV");
    assert!(
        seen[0]["by"].is_null() && seen[0]["tasks"].is_null(),
        "{seen}"
    );
    // The district stands below the city, and by itself.
    assert_eq!(response(&served, "rain-district")["below"], "IV");

    // Tasks of the site, open and then done.
    let tasks = &stands["tasks"];
    assert_eq!(
        (&tasks[0]["site"], &tasks[0]["overdue"]),
        (&"C1".into(), &false.into())
    );
    assert!(tasks[1].is_null(), "II's is not opened: {tasks}");
    let done = json!({ "task": "T1", "state": "done", "note": "到位" });
    assert_eq!(
        post(&served, "chen", "/v1/responses/tasks", &done).status,
        200
    );
    post(&served, "wang", "/v1/responses/tasks", &done).is_problem(403, "Answer");
    post(&served, "chen", "/v1/responses/tasks", &done).is_problem(409, "no task");
    assert_eq!(response(&served, "rain")["tasks"][0]["in_time"], true);

    // Red: classes are suspended, a higher level and the district's own are proposed.
    assert_eq!(get(&served, "/v1/consequences"), [Value::Null; 0]);
    signal(&served, 2, "Update", "Extreme", TOWN);
    eventually("II is proposed", || {
        response(&served, "rain")["proposal"]["level"] == "II"
    });
    assert_eq!(
        response(&served, "rain-district")["proposal"]["level"],
        "IV"
    );
    let follows = get(&served, "/v1/consequences");
    assert_eq!(
        (&follows[0]["id"], &follows[0]["areas"]),
        (&"no-school".into(), &json!([TOWN]))
    );
    let raise = respond("II".into(), "IV".into());
    post(&served, "chen", path, &raise).is_problem(403, "总指挥");
    assert_eq!(post(&served, "wang", path, &raise).status, 200);
    assert_eq!(response(&served, "rain")["tasks"][1]["id"], "T2");

    // A transfer with a deadline that is over.
    let count = |moved: u32| json!({ "area": CITY, "planned": 50, "moved": moved, "sheltered": 10, "due": "2023-09-07T18:00:00+08:00" });
    let transfers = "/v1/responses/transfers";
    post(&served, "chen", transfers, &count(9)).is_problem(409, "correct the counts");
    assert_eq!(post(&served, "chen", transfers, &count(20)).status, 200);
    let incident = &get(&served, "/v1/incidents")[0];
    assert_eq!(
        (
            &incident["transfer"]["left"],
            &incident["transfer"]["overdue"]
        ),
        (&30.into(), &true.into())
    );

    // A warning of ours in the district's zone is on the same timeline.
    assert_eq!(served.observe(&depth(1, "0.6")), 202);
    let timeline = || get(&served, "/v1/timeline");
    let ours = |entry: &Value| entry["kind"] == "standing" && entry["item"]["hazard"] == "11A02";
    eventually("ours is heard of", || timeline().iter().any(ours));
    // The city's zone may have heard of it before the district's is shown.
    eventually("ours is listed", || {
        !get(&served, "/v1/warnings").is_empty()
    });

    // Ours is taken back: what is not its own stays, and is said.
    let ours = get(&served, "/v1/warnings").remove(0);
    let cancel = format!("/v1/warnings/{}/cancel", ours["id"].as_str().unwrap());
    let cancelled = post(&served, "chen", &cancel, &json!({ "reason": "水已退" }));
    assert_eq!(cancelled.status, 200, "{}", cancelled.body);
    let remains = cancelled.json()["remains"].clone();
    assert_eq!(kinds(&remains), ["signal", "response", "task"], "{remains}");
    assert_eq!(
        (&remains[0]["hazard"], &remains[0]["tier"]),
        (&"11B03".into(), &"red".into()),
        "another's signal, not the warning that is over"
    );
    eventually("its end is on the timeline", || {
        let is_over =
            |entry: &Value| entry["kind"] == "over" && entry["item"]["identifier"] == ours["id"];
        timeline().iter().any(is_over)
    });

    // Killed and begun again, all of it stands.
    let paths = [
        "/v1/responses",
        "/v1/incidents",
        "/v1/consequences",
        "/v1/timeline",
    ];
    let before = paths.map(|path| served.get(path).1);
    drop(served);
    let served = serve(folder.path());
    eventually("all of it stands", || {
        paths.map(|path| served.get(path).1) == before
    });

    // Four ends, and what each leaves.
    let stands = &get(&served, "/v1/incidents")[0]["lifted"];
    assert_eq!(*stands, Value::Null, "a signal stands there");
    let lifted = signal(&served, 3, "Cancel", "Extreme", TOWN);
    let remains = &lifted[0]["remains"][TOWN];
    assert_eq!(kinds(remains), ["response"], "{lifted}");
    eventually("an end is proposed", || {
        let response = response(&served, "rain");
        response["proposal"].is_object() && response["proposal"]["level"].is_null()
    });
    assert_eq!(get(&served, "/v1/consequences"), [Value::Null; 0]);
    let timeline = get(&served, "/v1/timeline");
    let over = timeline.iter().rfind(|entry| entry["kind"] == "over");
    let lifted_at = &get(&served, "/v1/incidents")[0]["lifted"];
    assert_eq!(*lifted_at, over.unwrap()["at"]);
    let end = respond(Value::Null, "II".into());
    post(&served, "chen", path, &end).is_problem(403, "总指挥");
    let ended = post(&served, "wang", path, &end).json();
    assert_eq!(
        kinds(&ended["remains"]),
        ["transfer", "incident"],
        "{ended}"
    );
    let whole = json!({ "area": CITY, "reason": "处置完毕" });
    post(&served, "chen", "/v1/responses/close", &whole).is_problem(409, "20 people moved");
    let back = post(&served, "chen", "/v1/responses/return", &whole).json();
    assert_eq!(kinds(&back["remains"]), ["incident"]);
    let closed = post(&served, "chen", "/v1/responses/close", &whole).json();
    assert_eq!(closed["remains"], json!([]));

    // The order in which all came about, from a number on and from a time on.
    let timeline = get(&served, "/v1/timeline");
    let numbers: Vec<u64> = timeline
        .iter()
        .map(|e| e["number"].as_u64().unwrap())
        .collect();
    assert!(numbers.len() > 15 && numbers.iter().copied().eq(1..=numbers.len() as u64));
    let last = get(
        &served,
        &format!("/v1/timeline?since={}", numbers.len() - 1),
    );
    assert_eq!(last, timeline[numbers.len() - 1..]);
    assert_eq!(
        (&last[0]["kind"], &last[0]["item"]["by"]),
        (&"incident".into(), &"chen".into())
    );
    assert_eq!(
        get(&served, "/v1/timeline?since=2099-01-01T00:00:00%2B08:00"),
        [Value::Null; 0]
    );
    let chen = ["Authorization: Bearer token-chen"];
    served
        .ask("GET /v1/timeline?since=noon", &chen, b"")
        .is_problem(400, "since");
    for path in ["GET /v1/timeline", "GET /v1/incidents", "GET /v1/plans"] {
        served.ask(path, &[], b"").is_problem(401, "sign in");
    }
}

#[test]
fn damage_is_reported_and_a_proposal_sent_away() {
    let folder = tempfile::tempdir().unwrap();
    let served = serve(folder.path());
    let damage = |kind: &str, holds: bool| json!({ "kind": kind, "area": TOWN, "holds": holds, "note": "巡查发现" });
    let path = "/v1/responses/damage";
    post(&served, "chen", path, &damage("dike", true)).is_problem(409, "[[damage]]");
    assert_eq!(
        post(&served, "chen", path, &damage("dyke", true)).status,
        200
    );
    let proposed = response(&served, "rain");
    assert_eq!(proposed["proposal"]["level"], "II");
    assert_eq!(
        proposed["proposal"]["reasons"][0]["text"]["zh"],
        "险情报告：堤围险情"
    );
    let away = json!({ "plan": "rain", "area": CITY, "level": "II", "reason": "已控制" });
    let decline = "/v1/responses/decline";
    post(&served, "chen", decline, &away).is_problem(403, "总指挥");
    assert_eq!(post(&served, "wang", decline, &away).status, 200);
    let quiet = response(&served, "rain");
    let declined = &quiet["declined"];
    assert!(quiet["proposal"].is_null() && declined["at"].is_string());
    assert_eq!(
        (&declined["level"], &declined["by"], &declined["reason"]),
        (&"II".into(), &"wang".into(), &"已控制".into())
    );
    let timeline = get(&served, "/v1/timeline");
    let last = timeline.last().unwrap();
    assert_eq!(last["item"]["declined"], *declined);
    post(&served, "wang", decline, &away).is_problem(409, "not proposed");
    // Over and reported again, it is proposed again.
    for holds in [false, true] {
        assert_eq!(
            post(&served, "chen", path, &damage("dyke", holds)).status,
            200
        );
    }
    assert_eq!(response(&served, "rain")["proposal"]["level"], "II");
    assert_eq!(get(&served, "/v1/incidents")[0]["damage"][0]["by"], "chen");
}

/// `sanfang check` says what is wrong with the file of responses as with the others.
#[test]
fn a_fault_in_responses_is_said_with_its_line() {
    let folder = tempfile::tempdir().unwrap();
    super::small::write_city(folder.path());
    let city = folder.path().join("city");
    let wrong = RESPONSES.replace("post = \"office\"\nclause", "post = \"offce\"\nclause");
    std::fs::write(city.join("responses.toml"), wrong).unwrap();
    let output = super::sanfang(&["check", "--city", city.to_str().unwrap()]);
    let (code, out, err) = super::told(&output);
    assert_eq!(code, 2, "{out}{err}");
    let said = out + &err;
    assert!(
        said.contains("responses.toml:19") && said.contains("did you mean office?"),
        "{said}"
    );
}
