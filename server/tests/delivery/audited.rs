//! What an auditor is told of people, by a scope of its own: what was sent, by which link, when, in which
//! words, and what came back; from the journal, after a start too, and never a number where it is kept.

use super::peers::{reply, texts_of};
use super::street::{Street, feed, list, sign, warning};
use crate::small::{Centre, HEAD, OWNER, Served, eventually};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

const RESIDENT: &str = "+8613900000013";
const STRANGER: &str = "+8613999990000";

fn auditor() -> String {
    let token = hex::encode(Sha256::digest(b"token-zhou"));
    format!(
        "[[person]]\nid = \"zhou\"\nname = \"Zhou\"\nscopes = [\"audit\"]\ntoken_sha256 = \"{token}\"\n"
    )
}

/// The people of an answer, and what was read for it.
fn asked(served: &Served, question: &Value) -> (Vec<Value>, Value) {
    let path = "/v1/audit/recipient";
    let (status, body) = served.post(path, Some("token-zhou"), &question.to_string());
    assert_eq!(status, 200, "{body}");
    // Chunks of the transfer stand between the lines.
    let lines = body.lines().filter(|line| line.starts_with('{'));
    let lines: Vec<Value> = lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let people = lines.iter().filter(|line| !line["person"].is_null());
    let people = people.map(|line| line["person"].clone()).collect();
    let done = lines.iter().find(|line| !line["done"].is_null());
    (people, done.unwrap()["done"].clone())
}

#[test]
fn who_was_told_what_and_what_came_back() {
    let Some(mut centre) = Centre::plain() else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let contacts = [
        format!("P1,涵洞主,site_owner,440106014000,{OWNER},C1,,zh,,1,"),
        format!("P2,镇长,township_head,440106014000,{HEAD},,,en,,1,"),
    ];
    let contacts: Vec<&str> = contacts.iter().map(String::as_str).collect();
    Street {
        contacts: &contacts,
        ..Street::default()
    }
    .write(folder.path());
    let mut served = Served::serve(folder.path(), centre.port, &auditor());
    feed(&served, "W1", 2, "0.70");
    eventually("the owner is asked", || {
        !texts_of(&centre, OWNER).is_empty()
    });
    assert_eq!(sign(&served, "token-chen").0, 204);
    eventually("a resident hears", || {
        !texts_of(&centre, RESIDENT).is_empty()
    });
    reply(&mut centre, OWNER, "2 已到现场");
    eventually("the answer is on the board", || {
        let calls = list(&served, "/v1/calls");
        calls
            .iter()
            .any(|call| call["answer"]["answer"] == "at_post")
    });
    let id = warning(&served)["id"].clone();
    let question = json!({
        "warning": id,
        "people": [
            { "id": "P1" }, { "phone": OWNER }, { "id": "S1" }, { "id": "P2" },
            { "phone": STRANGER }, { "number": 4_000_000 },
        ],
        "reason": "complaint 7",
    });

    let ask = |token: Option<&str>, body: &Value| {
        served.post("/v1/audit/recipient", token, &body.to_string())
    };
    assert_eq!(ask(None, &question).0, 401);
    assert_eq!(
        ask(Some("token-chen"), &question).0,
        403,
        "a scope of its own"
    );
    let mut nameless = question.clone();
    nameless["reason"] = json!("  ");
    assert_eq!(
        ask(Some("token-zhou"), &nameless).0,
        400,
        "why is asked for"
    );
    let mistyped = json!({ "people": [{ "phone": "13900000010" }], "reason": "x" });
    let (status, body) = ask(Some("token-zhou"), &mistyped);
    assert_eq!(status, 400, "{body}");
    assert!(
        body.contains("people[0].phone") && !body.contains("13900000010"),
        "{body}"
    );
    assert_eq!(served.post("/v1/audit", Some("token-zhou"), "{}").0, 405);

    // A receipt may still be on its way.
    let delivered = |person: &Value| {
        let messages = person["messages"].as_array().unwrap();
        !messages.is_empty()
            && messages
                .iter()
                .all(|message| message["state"] == "delivered")
    };
    eventually("their receipts are in the journal", || {
        let (people, _) = asked(&served, &question);
        [0, 2, 3].iter().all(|at| delivered(&people[*at]))
    });
    let (people, done) = asked(&served, &question);
    assert_eq!(done["left_out"], 0, "{done}");
    let asked_for: Vec<u64> = people.iter().filter_map(|p| p["asked"].as_u64()).collect();
    assert_eq!(asked_for, [0, 1, 2, 3, 4, 5], "in the order of the list");
    let owner = &people[0];
    assert_eq!(
        (&owner["kind"], &owner["id"]),
        (&json!("contact"), &json!("P1"))
    );
    assert_eq!(owner["reached"], "answered", "{owner}");
    assert_eq!(
        owner["messages"], people[1]["messages"],
        "by telephone as by id"
    );
    let sent: Vec<&str> = owner["messages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|message| message["words"]["text"].as_str().unwrap())
        .collect();
    assert_eq!(sent, texts_of(&centre, OWNER), "word for word, in order");
    for message in owner["messages"].as_array().unwrap() {
        assert_eq!(message["link"], "sms", "{message}");
        assert_eq!(message["words"]["recorded"], true, "{message}");
        let steps = message["steps"].as_array().unwrap();
        let has = |state: &str| steps.iter().any(|step| step["state"] == state);
        assert!(has("accepted") && has("delivered"), "{message}");
        assert!(
            steps.iter().any(|step| step["receipt"].is_string()),
            "{message}"
        );
    }
    assert_eq!(owner["answers"][0]["answer"], "at_post", "{owner}");
    assert_eq!(owner["answers"][0]["channel"], "sms", "{owner}");
    assert_eq!(owner["answers"][0]["note"], "2 已到现场", "{owner}");
    let resident = &people[2];
    assert_eq!(resident["kind"], "subscriber", "{resident}");
    assert_eq!(resident["reached"], "delivered", "{resident}");
    let text = resident["messages"][0]["words"]["text"].as_str().unwrap();
    assert_eq!(vec![text], texts_of(&centre, RESIDENT));
    assert_eq!(
        people[3]["messages"][0]["words"]["language"], "en",
        "{}",
        people[3]
    );
    assert_eq!(people[4]["kind"], "unknown", "{}", people[4]);
    assert_eq!(people[5]["kind"], "left", "{}", people[5]);

    // The question is an act: who, when, why, about how many; after a start too, as all the rest is.
    served.stop_and_start_again();
    served.ready().unwrap();
    let again = asked(&served, &question);
    assert_eq!(again.0, people, "the journal alone says it");
    assert_eq!(
        served.get("/v1/audit").0,
        403,
        "of auditors among themselves"
    );
    let (_, acts) = served.request("GET", "/v1/audit", Some("token-zhou"), "");
    let acts: Vec<Value> = serde_json::from_str(&acts).unwrap();
    assert_eq!(acts[0]["person"], "zhou", "{acts:?}");
    assert_eq!(acts[0]["reason"], "complaint 7", "{acts:?}");
    assert_eq!(acts[0]["asked"], 6, "{acts:?}");
    assert_eq!(acts[0]["warning"], id, "{acts:?}");
    let timeline = served.get("/v1/timeline").1;
    assert!(
        !timeline.contains("complaint 7"),
        "a storm's timeline has no questions: {timeline}"
    );

    // Of every warning, from a terminal: the number comes by standard input.
    let said = from_terminal(folder.path(), &served, OWNER);
    for part in ["P1 (#", "answered 已回复", "at post 到岗", "sms", sent[0]] {
        assert!(said.contains(part), "{part}: {said}");
    }
    for digits in [OWNER, RESIDENT, STRANGER] {
        let digits = digits.trim_start_matches('+');
        assert!(
            !holds(&folder.path().join("journal"), digits),
            "{digits} is in the journal"
        );
    }
}

fn from_terminal(folder: &Path, served: &Served, phone: &str) -> String {
    let token = folder.join("token");
    fs::write(&token, "token-zhou\n").unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_sanfang"))
        .args([
            "audit",
            "recipient",
            "--phones",
            "-",
            "--reason",
            "complaint 8",
        ])
        .args(["--server", &format!("http://{}", served.address())])
        .arg("--token-file")
        .arg(token)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut to = child.stdin.take().unwrap();
    writeln!(to, "{phone}").unwrap();
    drop(to);
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap()
}

/// Whether any file of a folder has those bytes.
fn holds(folder: &Path, text: &str) -> bool {
    let entries = fs::read_dir(folder).unwrap().flatten();
    entries.into_iter().any(|entry| {
        let path = entry.path();
        if path.is_dir() {
            return holds(&path, text);
        }
        let bytes = fs::read(path).unwrap();
        bytes
            .windows(text.len())
            .any(|part| part == text.as_bytes())
    })
}
