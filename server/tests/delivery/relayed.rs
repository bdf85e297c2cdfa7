//! Area jobs from a signature to the phones of a carrier's own roll: `sanfang serve` at the centre,
//! `sanfang relay` at the carrier, and a message centre that is not ours behind it.

use super::carrier::{PEOPLE, Relay, TOWNSHIP, centre, count, job};
use super::street::{feed, list, sign};
use crate::small::{Centre, Served, eventually, free_port, pause};
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

/// How the far side would read what a signature sends.
fn readings(served: &Served) -> Value {
    let warning = list(served, "/v1/warnings").remove(0);
    let id = warning["id"].as_str().unwrap();
    let (status, body) = served.get(&format!("/v1/warnings/{id}/preview"));
    assert_eq!(status, 200, "{body}");
    let preview: Value = serde_json::from_str(&body).unwrap();
    preview["jobs"].clone()
}

#[test]
fn a_signed_warning_reaches_the_phones_of_a_carriers_own_roll() {
    let (here, there) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let Some(smsc) = Centre::plain() else {
        return;
    };
    let mut relay = Relay::start(there.path(), smsc.port, 1_000);
    let served = centre(here.path(), relay.port, "");
    feed(&served, "W1", 1, "0.70");
    eventually("something is to be signed", || {
        !list(&served, "/v1/warnings").is_empty()
    });
    assert!(
        smsc.taken().is_empty(),
        "nothing leaves before it is signed"
    );
    let read = readings(&served);
    assert_eq!(read[0]["link"], "area/carrier", "{read}");
    assert_eq!(read[0]["heads"], PEOPLE, "{read}");
    assert_eq!(read[0]["last_phone_s"], 1, "at a thousand a second: {read}");
    assert_eq!(read[0]["objections"], serde_json::json!([]), "{read}");
    assert!(smsc.taken().is_empty(), "a preview sends nothing");
    let signed = sign(&served, "token-chen");
    assert_eq!(signed.0, 204, "{}", signed.1);

    let numbers = PEOPLE - 1;
    eventually("each number of the roll has it", || {
        smsc.taken().len() == numbers
    });
    let taken: BTreeSet<String> = smsc.taken().into_iter().map(|(to, _)| to).collect();
    assert_eq!(taken.len(), numbers, "each number once");
    eventually("the far side's counts are on the board", || {
        count(job(&served, "alert").as_ref(), "delivered") == numbers as u64
    });
    let row = job(&served, "alert").unwrap();
    assert_eq!(row["job"]["state"], "done", "{row}");
    assert_eq!(row["job"]["areas"][TOWNSHIP], PEOPLE, "{row}");
    let of_district = &row["job"]["by_district"]["440106000000"];
    assert_eq!(of_district["delivered"], numbers, "{row}");
    let slots = row["job"]["five_minutes"].as_array().unwrap();
    let accepted: u64 = slots.iter().filter_map(|s| s["accepted"].as_u64()).sum();
    assert_eq!(accepted, numbers as u64, "{row}");

    // The carrier's side knows the job by the same number, also after a kill.
    relay.kill_and_start_again();
    let warning = list(&served, "/v1/warnings").remove(0);
    let cancel = format!(
        "/v1/warnings/{}/cancel",
        warning["id"].as_str().unwrap_or_default()
    );
    let why = r#"{"reason":"a false alarm"}"#;
    let cancelled = served.post(&cancel, Some("token-chen"), why);
    assert!(cancelled.0 < 300, "{}", cancelled.1);
    eventually("who was told hears that it is taken back", || {
        smsc.taken().len() == 2 * numbers
    });
    eventually("that is counted too", || {
        count(job(&served, "cancelled").as_ref(), "delivered") == numbers as u64
    });

    // An auditor compares both sides by the number, also of what is long over.
    let mut served = served;
    served.stop_and_start_again();
    served.ready().unwrap();
    let path = format!("/v1/area-jobs?warning={}", warning["id"].as_str().unwrap());
    let (status, body) = served.get(&path);
    assert_eq!(status, 200, "{body}");
    let found: Value = serde_json::from_str(&body).unwrap();
    let jobs = found["jobs"].as_array().unwrap();
    let purposes: Vec<&Value> = jobs.iter().map(|job| &job["purpose"]).collect();
    assert_eq!(purposes, ["alert", "cancelled"], "{found}");
    for job in jobs {
        assert_eq!(job["ours"]["state"], "delivered", "{job}");
        assert_eq!(job["theirs"]["counts"]["delivered"], numbers, "{job}");
        assert_eq!(job["theirs"]["answered"], numbers, "{job}");
        assert_eq!(
            job["difference"]["heads"], 1,
            "one number stands twice: {job}"
        );
        assert_eq!(job["difference"]["agrees"], true, "{job}");
    }
}

#[test]
fn a_job_that_is_read_otherwise_waits_for_a_person() {
    let (here, there) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let Some(smsc) = Centre::plain() else {
        return;
    };
    let relay = Relay::start(there.path(), smsc.port, 2);
    // A thousand people live there and the roll has sixty.
    let served = centre(here.path(), relay.port, "heads_per_thousand = [100, 3000]");
    feed(&served, "W1", 1, "0.70");
    eventually("something is to be signed", || {
        !list(&served, "/v1/warnings").is_empty()
    });
    let read = readings(&served);
    let objection = read[0]["objections"][0].as_str().unwrap_or_default();
    assert!(
        objection.contains("at least 100"),
        "before it is signed: {read}"
    );
    assert_eq!(sign(&served, "token-chen").0, 204);
    eventually("the job is held", || {
        job(&served, "alert").is_some_and(|row| row["job"]["state"] == "held")
    });
    let row = job(&served, "alert").unwrap();
    let objection = row["job"]["objections"][0].as_str().unwrap_or_default();
    assert!(objection.contains("60 heads for 1000 inhabitants"), "{row}");
    for _ in 0..20 {
        assert!(smsc.taken().is_empty(), "nothing leaves while it is held");
        pause();
    }
    let path = format!("/v1/area-jobs/{}", row["intent"].as_str().unwrap());
    let act = |word: &str, token: Option<&str>| {
        let body =
            format!(r#"{{"link":"area/carrier","act":"{word}","reason":"the roll is small"}}"#);
        served.post(&path, token, &body)
    };
    assert_eq!(act("release", None).0, 401);
    assert_eq!(act("release", Some("token-chen")).0, 202);
    eventually("it leaves at the carrier's pace", || {
        !smsc.taken().is_empty()
    });

    // At two a second sixty people take half a minute: there is time to stop it.
    assert_eq!(act("kill", Some("token-wang")).0, 202);
    eventually("it is ended", || {
        job(&served, "alert").is_some_and(|row| row["job"]["state"] == "killed")
    });
    let settled = smsc.taken().len();
    assert!(settled < PEOPLE - 1, "{settled}");
    eventually("all numbers are accounted for", || {
        let row = job(&served, "alert");
        let counts = row.as_ref().map(|row| row["job"]["counts"].clone());
        let counts = counts.unwrap_or_default();
        let of = |state: &str| counts[state].as_u64().unwrap_or(0);
        let sent = of("accepted") + of("delivered");
        sent >= settled as u64 && sent + of("withdrawn") == PEOPLE as u64
    });
}

/// Signs the warning of a storm that is fed.
fn signed(served: &Served) {
    feed(served, "W1", 1, "0.70");
    eventually("something is to be signed", || {
        !list(served, "/v1/warnings").is_empty()
    });
    assert_eq!(sign(served, "token-chen").0, 204);
}

#[test]
fn a_relay_killed_while_it_sends_tells_the_rest_and_nobody_twice() {
    let (here, there) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let Some(smsc) = Centre::plain() else {
        return;
    };
    let mut relay = Relay::start(there.path(), smsc.port, 10);
    let served = centre(here.path(), relay.port, "");
    signed(&served);
    eventually("some have it", || smsc.taken().len() > PEOPLE / 3);
    relay.kill_and_start_again();
    let before = smsc.taken().len();
    assert!(before < PEOPLE - 1, "it was killed too late: {before}");

    let numbers = PEOPLE as u64 - 1;
    eventually("the last is accounted for", || {
        let row = job(&served, "alert");
        let of = |state| count(row.as_ref(), state);
        of("accepted") + of("unknown") == numbers
    });
    let row = job(&served, "alert").unwrap();
    assert_eq!(row["failed"], 0, "{row}");
    let told: BTreeSet<String> = smsc.taken().into_iter().map(|(to, _)| to).collect();
    assert_eq!(told.len(), smsc.taken().len(), "nobody twice");
    // What was on the wire when it was killed may have been told or not: at most twice the window.
    let unknown = count(Some(&row), "unknown");
    assert!(unknown <= 20, "{row}");
    assert!(
        told.len() as u64 + unknown >= numbers,
        "{} {row}",
        told.len()
    );
    assert!(told.len() > before, "the rest was told after the kill");
}

#[test]
fn a_held_job_is_still_held_after_a_clean_stop_and_can_be_let_go() {
    let (here, there) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let Some(smsc) = Centre::plain() else {
        return;
    };
    let relay = Relay::start(there.path(), smsc.port, 1_000);
    let mut served = centre(here.path(), relay.port, "heads_per_thousand = [100, 3000]");
    signed(&served);
    let is_held =
        |served: &Served| job(served, "alert").is_some_and(|row| row["job"]["state"] == "held");
    eventually("the job is held", || is_held(&served));
    served.stop_and_start_again();
    served.ready().unwrap();
    eventually("it is held again", || is_held(&served));
    assert!(smsc.taken().is_empty(), "a stop lets nothing go");
    let (_, metrics) = served.get("/metrics");
    let waiting = r#"sanfang_area_jobs_waiting{link="area/carrier",why="held"} 1"#;
    assert!(metrics.contains(waiting), "{metrics}");

    let row = job(&served, "alert").unwrap();
    let path = format!("/v1/area-jobs/{}", row["intent"].as_str().unwrap());
    let body = r#"{"link":"area/carrier","act":"release","reason":"the roll is small"}"#;
    assert_eq!(served.post(&path, Some("token-chen"), body).0, 202);
    eventually("each number of the roll has it", || {
        smsc.taken().len() == PEOPLE - 1
    });
}

#[test]
fn a_far_side_that_is_away_is_waited_for() {
    let (here, there) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let Some(smsc) = Centre::plain() else {
        return;
    };
    let port = free_port();
    let served = centre(here.path(), port, "");
    signed(&served);
    eventually("it is said that nobody is there", || {
        job(&served, "alert").is_some_and(|row| row["job"]["state"] == "unreachable")
    });
    let _relay = Relay::start_at(there.path(), port, smsc.port, 1_000);
    eventually("each number of the roll has it", || {
        smsc.taken().len() == PEOPLE - 1
    });
    eventually("the counts are on the board", || {
        count(job(&served, "alert").as_ref(), "delivered") == PEOPLE as u64 - 1
    });
}

/// The one that stands is put, and never what was said while nobody was there.
#[test]
fn a_far_side_that_comes_back_gets_what_stands_and_never_what_was() {
    let (here, there) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let Some(smsc) = Centre::plain() else {
        return;
    };
    let port = free_port();
    let served = centre(here.path(), port, "");
    signed(&served);
    let is_away = |revision: u64| {
        let rows = list(&served, "/v1/deliveries");
        let mut rows = rows.iter();
        rows.any(|row| row["revision"] == revision && row["job"]["state"] == "unreachable")
    };
    eventually("it is said that nobody is there", || {
        is_away(1) || is_away(2)
    });
    let warning = list(&served, "/v1/warnings").remove(0);
    let areas = warning["areas"].as_object().unwrap();
    let areas = areas.iter();
    let areas: serde_json::Map<_, _> = areas
        .map(|(code, area)| (code.clone(), area["tier"].clone()))
        .collect();
    let words = ["水位仍在上涨,请立即绕行", "Water rises on: go another way"];
    let amended = serde_json::json!({
        "revision": warning["revision"], "areas": areas, "text": { "zh": words[0], "en": words[1] },
        "reason": "it rises on", "as_it_stands": true,
    });
    let path = format!("/v1/warnings/{}/amend", warning["id"].as_str().unwrap());
    let (status, answer) = served.post(&path, Some("token-chen"), &amended.to_string());
    assert_eq!(status, 204, "{answer}");
    eventually("the changed words are signed", || {
        sign(&served, "token-wang").0 == 204
    });
    let revision = || {
        list(&served, "/v1/warnings")[0]["revision"]
            .as_u64()
            .unwrap()
    };
    eventually("they wait for the far side", || is_away(revision()));
    let _relay = Relay::start_at(there.path(), port, smsc.port, 1_000);
    eventually("each number of the roll has them", || {
        smsc.taken().len() >= PEOPLE - 1
    });
    for _ in 0..20 {
        pause();
    }
    let taken = smsc.taken();
    assert_eq!(taken.len(), PEOPLE - 1, "each number once");
    assert!(
        taken
            .iter()
            .all(|(_, text)| words.iter().any(|words| text.contains(words))),
        "{taken:?}"
    );
}

/// What `sanfang relay conform` says of a far side, and whether it is content.
fn conforms(folder: &Path, port: u16, more: &[&str]) -> (bool, String) {
    let said = Command::new(env!("CARGO_BIN_EXE_sanfang"))
        .args(["relay", "conform", "--authority", "44010041600000"])
        .args(["--url", &format!("http://127.0.0.1:{port}/v1/")])
        .args(["--area", TOWNSHIP, "--secret-file"])
        .arg(folder.join("secret"))
        .args(more)
        .output()
        .unwrap();
    let lines = String::from_utf8_lossy(&said.stdout).into_owned();
    (said.status.success(), lines)
}

#[test]
fn our_relay_conforms_and_one_that_says_yes_to_everything_does_not() {
    let there = tempfile::tempdir().unwrap();
    let Some(smsc) = Centre::plain() else {
        return;
    };
    let relay = Relay::start(there.path(), smsc.port, 1_000);
    let (content, lines) = conforms(there.path(), relay.port, &[]);
    assert!(content, "{lines}");
    assert!(lines.lines().count() >= 21, "{lines}");
    assert!(smsc.taken().is_empty(), "it may be asked of one in use");
    let (content, lines) = conforms(there.path(), relay.port, &["--send"]);
    assert!(content, "{lines}");
    assert_eq!(smsc.taken().len(), PEOPLE - 1);
    assert!(smsc.taken()[0].1.contains("测试"));

    let yes = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = yes.local_addr().unwrap().port();
    std::thread::spawn(move || {
        use std::io::{Read, Write};
        for mut stream in yes.incoming().flatten() {
            let mut request = [0; 8192];
            drop(stream.read(&mut request));
            let answer = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}";
            drop(stream.write_all(answer));
        }
    });
    let (content, lines) = conforms(there.path(), port, &[]);
    assert!(!content, "{lines}");
    let met = lines.lines().filter(|line| line.starts_with("ok")).count();
    assert_eq!(met, 0, "{lines}");
}
