//! Acts of people through the service's API: signing, amending, taking back, reviewing, passing on
//! another authority's signal, asking another authority.

use crate::small::{self, CHIEF, Centre, HEAD, OWNER, Served, eventually};
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};

const CHEN: Option<&str> = Some("token-chen");
const WANG: Option<&str> = Some("token-wang");
const DISTRICT: &str = "440106000000";
const TOWNSHIP: &str = "440106014000";

/// Minutes are too long for a test: seconds.
const QUICK: &str = r#"
[[flow]]
audience = "public"
hazards = ["11A02"]
tiers = ["blue", "yellow"]
channels = ["sms"]
signatures = 2
clock = "1s"
deputies = ["chief"]
basis = { zh = "甲", en = "A" }
[[flow]]
audience = "public"
hazards = ["11A02"]
tiers = ["orange"]
channels = ["sms"]
signatures = 2
clock = "1s"
at_end = "presigned"
presigned = { signed_by = ["chen", "wang"], text = { zh = "水深,勿入涵洞", en = "Deep water, keep out" } }
basis = { zh = "甲", en = "A" }
[[flow]]
audience = "public"
hazards = ["11A02"]
tiers = ["red"]
channels = ["sms"]
signatures = 1
review = true
review_within = "1s"
basis = { zh = "甲", en = "A" }
"#;

fn warnings(served: &Served) -> Vec<Value> {
    serde_json::from_str(&served.get("/v1/warnings").1).unwrap()
}

fn only(served: &Served) -> Value {
    let all = warnings(served);
    assert_eq!(all.len(), 1, "{all:?}");
    all[0].clone()
}

fn act(
    served: &Served,
    warning: &Value,
    act: &str,
    token: Option<&str>,
    body: &Value,
) -> (u16, String) {
    let path = format!("/v1/warnings/{}/{act}", warning["id"].as_str().unwrap());
    served.post(&path, token, &body.to_string())
}

fn approve(served: &Served, warning: &Value, token: Option<&str>) -> (u16, String) {
    let seen = json!({
        "revision": warning["revision"], "seen": warning["seen"], "as_it_stands": true,
        "reason": "a test",
    });
    act(served, warning, "approve", token, &seen)
}

fn open(served: &Served, hazard: &str, areas: Value) -> Value {
    let body = json!({ "hazard": hazard, "areas": areas, "reason": "seen from the bridge" });
    let (status, answer) = served.post("/v1/warnings", CHEN, &body.to_string());
    assert_eq!(status, 200, "{answer}");
    only(served)
}

/// A record passes: what is due by the clock is done.
fn pass(served: &Served) {
    let reading = format!(
        r#"{{"station":"W1","parameter":"water_depth","time":"{}","value":0.0,"unit":"m"}}"#,
        small::minutes_ago(1)
    );
    assert_eq!(served.post("/v1/observations", None, &reading).0, 202);
}

fn digits(phone: &str) -> &str {
    phone.trim_start_matches('+')
}

fn told(centre: &Centre, phone: &str, words: &str) -> bool {
    let taken = centre.taken();
    taken
        .iter()
        .any(|(to, text)| to == digits(phone) && text.contains(words))
}

#[test]
fn what_is_signed_is_what_was_seen_and_by_two_people() {
    let Some(centre) = Centre::start() else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let served = Served::start(folder.path(), centre.port);
    let first = open(
        &served,
        "11A02",
        json!({ DISTRICT: "yellow", TOWNSHIP: "orange" }),
    );
    assert_eq!(
        (&first["event"], &first["needs"]),
        (&json!("proposed"), &json!(2))
    );
    let signing = &first["signing"];
    assert_eq!(
        (&signing["turn"], &signing["asked"]),
        (&json!(0), &json!([]))
    );
    assert!(signing["left_s"].as_i64().unwrap() > 500, "{signing}");

    // A scope is asked for; a wrong hash, a wrong revision and the same person twice are 409.
    assert_eq!(approve(&served, &first, None).0, 401);
    let wrong = json!({ "revision": first["revision"], "seen": "0000000000000000" });
    assert_eq!(act(&served, &first, "approve", CHEN, &wrong).0, 409);
    assert_eq!(approve(&served, &first, CHEN).0, 204);
    assert_eq!(only(&served)["signed_by"], json!(["chen"]));
    assert_eq!(approve(&served, &first, CHEN).0, 409);

    // An amendment voids the signature: the old hash no longer signs, even for somebody else.
    let amended = json!({
        "revision": first["revision"], "areas": { DISTRICT: "yellow", TOWNSHIP: "yellow" },
        "text": { "zh": "低处积水,请绕行" }, "reason": "less than feared",
        "as_it_stands": true,
    });
    let (status, answer) = act(&served, &first, "amend", WANG, &amended);
    assert_eq!(status, 204, "{answer}");
    assert_eq!(
        act(&served, &first, "amend", WANG, &amended).0,
        409,
        "seen is old"
    );
    let second = only(&served);
    assert_eq!(second["signed_by"], json!([]));
    assert_ne!(second["seen"], first["seen"]);
    let (status, answer) = approve(&served, &first, WANG);
    assert_eq!(status, 409, "{answer}");
    // The amender may be one of the two.
    assert_eq!(approve(&served, &second, WANG).0, 204);
    assert_eq!(approve(&served, &second, CHEN).0, 204);
    let issued = only(&served);
    assert_eq!(
        (&issued["event"], &issued["needs"]),
        (&json!("issued"), &json!(0))
    );
    assert_eq!(issued["signed_by"], json!(["wang", "chen"]));
    assert_eq!(
        (&issued["signing"], &issued["review"]),
        (&Value::Null, &Value::Null)
    );
    eventually("the public reads the amended words", || {
        centre
            .taken()
            .iter()
            .any(|(_, text)| text.contains("低处积水,请绕行"))
    });
    let (status, answer) = approve(&served, &issued, CHEN);
    assert_eq!(status, 409, "{answer}");
    assert!(answer.contains("nothing waits for a signature"), "{answer}");

    // Taken back in part it is an update, wholly a cancellation; both refused where nothing is left.
    let nobody = json!({ "areas": [TOWNSHIP], "reason": "pumped dry" });
    assert_eq!(
        act(&served, &issued, "cancel", WANG, &nobody).0,
        403,
        "needs the scope issue"
    );
    assert_eq!(act(&served, &issued, "cancel", CHEN, &nobody).0, 200);
    let partly = only(&served);
    assert_eq!(partly["event"], "updated");
    assert_eq!(partly["areas"][TOWNSHIP]["tier"], "none");
    assert_eq!(partly["areas"][DISTRICT]["tier"], "yellow");
    assert_eq!(
        act(&served, &issued, "cancel", CHEN, &nobody).0,
        409,
        "not there any more"
    );
    let wholly = json!({ "reason": "pumped dry" });
    assert_eq!(act(&served, &issued, "cancel", CHEN, &wholly).0, 200);
    assert_eq!(only(&served)["event"], "cancelled");
    assert_eq!(act(&served, &issued, "cancel", CHEN, &wholly).0, 409);
    assert_eq!(
        act(&served, &issued, "cancel", CHEN, &json!({ "reason": " " })).0,
        400
    );
}

/// Each round an amendment asks for two signatures again; whoever presses at the same moment, each
/// person signs once, and it is issued once.
#[test]
fn two_people_who_sign_at_once_are_two_signatures_and_one_is_one() {
    let Some(centre) = Centre::start() else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let served = Served::start(folder.path(), centre.port);
    open(&served, "11A02", json!({ DISTRICT: "yellow" }));
    for round in 0..8 {
        let seen = only(&served);
        assert_eq!(seen["signed_by"], json!([]), "{seen}");
        let at_once = |tokens: &[Option<&str>]| -> Vec<u16> {
            let barrier = std::sync::Barrier::new(tokens.len());
            std::thread::scope(|scope| {
                let all: Vec<_> = tokens
                    .iter()
                    .map(|token| {
                        scope.spawn(|| {
                            barrier.wait();
                            approve(&served, &seen, *token).0
                        })
                    })
                    .collect();
                let mut all: Vec<u16> = all.into_iter().map(|it| it.join().unwrap()).collect();
                all.sort_unstable();
                all
            })
        };
        if round % 2 == 0 {
            assert_eq!(at_once(&[CHEN, CHEN, CHEN]), [204, 409, 409]);
            assert_eq!(only(&served)["signed_by"], json!(["chen"]));
            assert_eq!(approve(&served, &seen, WANG).0, 204);
        } else {
            assert_eq!(at_once(&[CHEN, WANG]), [204, 204]);
        }
        let issued = only(&served);
        let mut signed: Vec<&str> = issued["signed_by"]
            .as_array()
            .unwrap()
            .iter()
            .flat_map(Value::as_str)
            .collect();
        signed.sort_unstable();
        assert_eq!(
            (signed, &issued["needs"]),
            (vec!["chen", "wang"], &json!(0))
        );
        let other = json!({
            "revision": issued["revision"], "areas": { DISTRICT: "yellow" },
            "text": { "zh": format!("第{round}次更正,请绕行") }, "reason": "other words",
            "as_it_stands": true,
        });
        assert_eq!(act(&served, &issued, "amend", CHEN, &other).0, 204);
    }
}

#[test]
fn the_clock_calls_deputies_and_releases_only_what_two_signed_beforehand() {
    let Some(centre) = Centre::start() else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let served = Served::start_with(folder.path(), centre.port, QUICK, "");
    open(&served, "11A02", json!({ TOWNSHIP: "yellow" }));
    eventually("the deputy's turn", || {
        pass(&served);
        only(&served)["signing"]["asked"] == json!(["chief"])
    });
    eventually("the deputy's telephone rings", || {
        told(&centre, CHIEF, "待签发")
    });
    eventually("the clock has ended and nothing went out", || {
        pass(&served);
        let open = only(&served);
        open["signing"]["overdue"] == true && open["event"] == "proposed"
    });
    let metrics = served.get("/metrics").1;
    let overdue = r#"sanfang_acts_waiting{act="signature",state="overdue"} 1"#;
    assert!(metrics.contains(overdue), "{metrics}");
    assert!(
        !told(&centre, "+8613900000013", ""),
        "the public heard nothing"
    );

    // Orange is a flow with a text that two people signed beforehand.
    let yellow = only(&served);
    let higher = json!({ "revision": yellow["revision"], "areas": { TOWNSHIP: "orange" }, "reason": "rising" });
    assert_eq!(act(&served, &yellow, "amend", CHEN, &higher).0, 204);
    assert_eq!(only(&served)["signing"]["at_end"], "presigned");
    eventually("the presigned text goes out", || {
        pass(&served);
        only(&served)["event"] == "issued"
    });
    let released = only(&served);
    assert_eq!(released["rule"], "by clock");
    assert_eq!(released["signed_by"], json!(["chen", "wang"]));
    assert_eq!(released["review"]["reviewed"], Value::Null);
    eventually("the public reads it", || {
        centre
            .taken()
            .iter()
            .any(|(_, text)| text.contains("水深,勿入涵洞"))
    });
}

#[test]
fn what_one_person_released_waits_for_a_second_to_review_it() {
    let Some(centre) = Centre::start() else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let mut served = Served::start_with(folder.path(), centre.port, QUICK, "");
    let red = open(&served, "11A02", json!({ TOWNSHIP: "red" }));
    assert_eq!(red["needs"], 1);
    assert_eq!(approve(&served, &red, WANG).0, 204);
    let issued = only(&served);
    assert_eq!(issued["event"], "issued");
    assert_eq!(issued["review"]["signed_by"], json!(["wang"]));
    let review = |sound: bool, note: &str| json!({ "revision": issued["review"]["revision"], "sound": sound, "note": note });
    let (status, answer) = act(&served, &issued, "review", WANG, &review(true, ""));
    assert_eq!(status, 409, "{answer}");
    assert!(answer.contains("another person must review it"), "{answer}");
    assert_eq!(
        act(&served, &issued, "review", CHEN, &review(false, "")).0,
        400
    );
    eventually("the review is overdue", || {
        pass(&served);
        let metrics = served.get("/metrics").1;
        metrics.contains(r#"sanfang_acts_waiting{act="review",state="overdue"} 1"#)
    });
    assert_eq!(only(&served)["review"]["overdue"], true);
    // It outlives the process.
    served.kill();
    served.start_again();
    served.ready().unwrap();
    assert_eq!(only(&served)["review"]["signed_by"], json!(["wang"]));
    let (status, answer) = act(
        &served,
        &issued,
        "review",
        CHEN,
        &review(true, "right to do so"),
    );
    assert_eq!(status, 204, "{answer}");
    let reviewed = only(&served)["review"]["reviewed"].clone();
    assert_eq!(
        (&reviewed["person"], &reviewed["sound"]),
        (&json!("chen"), &json!(true))
    );
    let metrics = served.get("/metrics").1;
    assert!(
        metrics.contains(r#"sanfang_acts_waiting{act="review",state="overdue"} 0"#),
        "{metrics}"
    );
    assert_eq!(
        act(&served, &issued, "review", CHEN, &review(true, "")).0,
        409
    );
}

fn alert(number: u32, kind: &str, references: &str, headline: &str, severity: &str) -> String {
    let sender = "44010041600000";
    let references = if references.is_empty() {
        String::new()
    } else {
        format!("<references>{references}</references>")
    };
    format!(
        "<alert xmlns='urn:oasis:names:tc:emergency:cap:1.2'><identifier>{sender}_2023090713040{number}</identifier>\
         <sender>office@weather.example</sender><sent>2023-09-07T13:04:00+08:00</sent><status>Actual</status>\
         <msgType>{kind}</msgType><scope>Public</scope>{references}<info><language>zh-CN</language>\
         <category>Met</category><event>暴雨</event><urgency>Immediate</urgency><severity>{severity}</severity>\
         <certainty>Observed</certainty><eventCode><valueName>GB</valueName><value>11B03</value></eventCode>\
         <senderName>穗城气象台</senderName><headline>{headline}</headline><description>请注意防御</description>\
         <area><areaDesc>天河</areaDesc><geocode><valueName>GB</valueName><value>{DISTRICT}</value></geocode></area>\
         </info></alert>"
    )
}

#[test]
fn a_signal_is_passed_on_in_its_own_words_and_followed() {
    let Some(centre) = Centre::start() else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let served = Served::start(folder.path(), centre.port);
    let first = alert(1, "Alert", "", "发布暴雨橙色预警信号", "Severe");
    let (status, answer) = served.post("/v1/signals", CHEN, &first);
    assert_eq!(status, 202, "{answer}");
    let path = "/v1/signals/44010041600000_20230907130401/relay";
    eventually("the signal is shown", || {
        served.get("/v1/signals").1.contains("_20230907130401")
    });
    assert!(
        warnings(&served).is_empty(),
        "nothing is passed on by itself"
    );
    assert_eq!(served.post(path, WANG, "").0, 403, "needs the scope issue");
    let (status, answer) = served.post(path, CHEN, "");
    assert_eq!(status, 200, "{answer}");
    assert_eq!(served.post(path, CHEN, "").0, 409, "once");
    assert_eq!(served.post("/v1/signals/none/relay", CHEN, "").0, 404);
    let proposed = only(&served);
    assert_eq!(proposed["relay"]["sender_name"], "穗城气象台");
    assert_eq!(proposed["request_to"], Value::Null);
    let words =
        json!({ "revision": proposed["revision"], "text": { "zh": "我们的话" }, "reason": "x" });
    assert_eq!(
        act(&served, &proposed, "amend", CHEN, &words).0,
        409,
        "word for word"
    );
    assert_eq!(approve(&served, &proposed, CHEN).0, 204);
    assert_eq!(approve(&served, &proposed, WANG).0, 204);
    eventually(
        "the public reads their words, their name, their time",
        || {
            centre.taken().iter().any(|(_, text)| {
                ["转穗城气象台9月7日13:04发布", "发布暴雨橙色预警信号"]
                    .iter()
                    .all(|words| text.contains(words))
            })
        },
    );
    assert!(
        !served.get("/cap/feed.atom").1.contains("<entry>"),
        "their feed has it, not ours"
    );

    // Their update is put forward, and their cancel; each is signed like the first.
    let reference =
        "office@weather.example,44010041600000_20230907130401,2023-09-07T13:04:00+08:00";
    let update = alert(2, "Update", reference, "升级为暴雨红色预警信号", "Extreme");
    assert_eq!(served.post("/v1/signals", CHEN, &update).0, 202);
    eventually("the update is put forward", || {
        let now = only(&served);
        now["event"] == "proposed" && now["tier"] == "red"
    });
    let raised = only(&served);
    assert_eq!(raised["id"], proposed["id"]);
    assert_eq!(raised["signed_by"], json!([]));
    assert_eq!(approve(&served, &raised, CHEN).0, 204);
    assert_eq!(approve(&served, &raised, WANG).0, 204);
    eventually("the public reads the update", || {
        centre
            .taken()
            .iter()
            .any(|(_, text)| text.contains("升级为暴雨红色预警信号"))
    });
    let reference =
        "office@weather.example,44010041600000_20230907130402,2023-09-07T13:04:00+08:00";
    let cancel = alert(3, "Cancel", reference, "解除暴雨预警信号", "Minor");
    assert_eq!(served.post("/v1/signals", CHEN, &cancel).0, 202);
    eventually("the lifting is put forward", || {
        let now = only(&served);
        now["event"] == "proposed" && now["tier"] == "none"
    });
    let lifted = only(&served);
    assert_eq!(approve(&served, &lifted, CHEN).0, 204);
    assert_eq!(approve(&served, &lifted, WANG).0, 204);
    assert_eq!(only(&served)["event"], "ended");
    assert_eq!(served.get("/v1/signals").1, "[]");
}

/// A web server that keeps the bodies it is sent.
fn receiver() -> (u16, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let bodies = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&bodies);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut text = String::new();
            let mut bytes = [0; 4096];
            while let Ok(count) = stream.read(&mut bytes) {
                text.push_str(&String::from_utf8_lossy(&bytes[..count]));
                let whole = text
                    .split_once("\r\n\r\n")
                    .filter(|(_, body)| body.ends_with('}'));
                if whole.is_some() || count == 0 {
                    break;
                }
            }
            kept.lock().unwrap().push(text);
            drop(stream.write_all(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n"));
        }
    });
    (port, bodies)
}

#[test]
fn another_authoritys_hazard_becomes_a_request_to_it_and_no_coloured_warning() {
    let Some(centre) = Centre::start() else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let (theirs, asked) = receiver();
    let (others, heard) = receiver();
    std::fs::write(
        folder.path().join("secret"),
        "a shared secret of enough letters",
    )
    .unwrap();
    let hooks = format!(
        r#"
[[webhook]]
name = "weather-office"
url = "http://127.0.0.1:{theirs}/requests"
secret_file = "{0}/secret"
authority = "44010041600000"
[[webhook]]
name = "broadcaster"
url = "http://127.0.0.1:{others}/alerts"
secret_file = "{0}/secret"
"#,
        folder.path().display()
    );
    let served = Served::start_with(folder.path(), centre.port, "", &hooks);
    let request = open(&served, "11B03", json!({ TOWNSHIP: "orange" }));
    assert_eq!(request["request_to"]["zh"], "穗城气象台");
    assert_eq!(
        (&request["needs"], &request["signing"]),
        (&json!(0), &Value::Null)
    );
    let (status, answer) = approve(&served, &request, CHEN);
    assert_eq!(status, 409, "{answer}");
    assert!(answer.contains("alone issues this"), "{answer}");
    eventually("the authority is asked", || {
        !asked.lock().unwrap().is_empty()
    });
    let body = asked.lock().unwrap()[0].clone();
    let (_, body) = body.split_once("\r\n\r\n").unwrap();
    let body: Value = serde_json::from_str(body).unwrap();
    assert_eq!(
        (&body["purpose"], &body["tier"]),
        (&json!("request"), &Value::Null)
    );
    let words = body["words"][0].to_string();
    assert!(words.contains("提请") && !words.contains("橙"), "{words}");
    // Nobody else: no broadcaster, no feed, no telephone of the public.
    let cancel = json!({ "reason": "radar shows it passing" });
    assert_eq!(act(&served, &request, "cancel", CHEN, &cancel).0, 200);
    assert_eq!(only(&served)["event"], "cancelled");
    assert!(heard.lock().unwrap().is_empty());
    assert!(!served.get("/cap/feed.atom").1.contains("<entry>"));
    let coloured = |(_, text): &(String, String)| text.contains("橙") || text.contains("ORANGE");
    assert!(!centre.taken().iter().any(coloured), "{:?}", centre.taken());
    assert!(
        ![HEAD, OWNER, CHIEF]
            .iter()
            .any(|phone| told(&centre, phone, "橙"))
    );
}
