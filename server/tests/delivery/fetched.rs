//! A carrier that lets nobody in: it comes to the centre for its calls, and its jobs are read, released,
//! stopped and counted as those that are pushed; a kill on either side tells the rest and nobody twice.

use super::carrier::{PEOPLE, Relay, TOWNSHIP, centre_with, count, job};
use super::street::{feed, list, sign};
use crate::small::{Centre, Served, eventually, free_port, request_unsigned};
use serde_json::Value;
use std::collections::BTreeSet;
use std::process::{Command, Stdio};

const FETCHED: &str = "fetched = true";

fn port(served: &Served) -> u16 {
    served.address().port()
}

/// What a signer is shown of the far side's reading.
fn shown(served: &Served) -> Value {
    let warning = list(served, "/v1/warnings").remove(0);
    let id = warning["id"].as_str().unwrap();
    let (status, body) = served.get(&format!("/v1/warnings/{id}/preview"));
    assert_eq!(status, 200, "{body}");
    let preview: Value = serde_json::from_str(&body).unwrap();
    preview["jobs"][0].clone()
}

#[test]
fn a_job_that_is_fetched_is_read_sent_and_counted_over_kills_on_both_sides() {
    let (here, there) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let Some(smsc) = Centre::plain() else {
        return;
    };
    let mut served = centre_with(here.path(), FETCHED);
    feed(&served, "W1", 1, "0.70");
    eventually("something is to be signed", || {
        !list(&served, "/v1/warnings").is_empty()
    });
    let away = shown(&served);
    assert!(
        away["heads"].is_null(),
        "nobody came yet, and nobody waits: {away}"
    );
    let mut relay = Relay::fetching(there.path(), port(&served), smsc.port, 10);
    eventually("the reading comes", || shown(&served)["heads"] == PEOPLE);
    assert_eq!(shown(&served)["objections"], serde_json::json!([]));
    assert!(
        smsc.taken().is_empty(),
        "nothing leaves before it is signed"
    );
    assert_eq!(sign(&served, "token-chen").0, 204);
    eventually("some have it", || smsc.taken().len() > PEOPLE / 4);
    relay.kill_and_start_again();
    served.kill();
    served.start_again();
    served.ready().unwrap();
    let before = smsc.taken().len();
    assert!(before < PEOPLE - 1, "it was killed too late: {before}");

    let numbers = PEOPLE as u64 - 1;
    eventually("the last is accounted for", || {
        let row = job(&served, "alert");
        let of = |state| count(row.as_ref(), state);
        of("accepted") + of("unknown") == numbers
    });
    let told: BTreeSet<String> = smsc.taken().into_iter().map(|(to, _)| to).collect();
    assert_eq!(told.len(), smsc.taken().len(), "nobody twice");
    let unknown = count(job(&served, "alert").as_ref(), "unknown");
    assert!(
        told.len() as u64 + unknown >= numbers,
        "{} and {unknown}",
        told.len()
    );

    // Who does not have the secret learns nothing, and who has it comes under its own name.
    for carrier in ["carrier", "nobody"] {
        let path = format!("/v1/carriers/{carrier}/next");
        let key = format!("POST carriers {carrier} next");
        assert_eq!(
            request_unsigned(served.address(), &path, &key),
            401,
            "{carrier}"
        );
    }
}

#[test]
fn a_job_that_is_fetched_can_be_stopped() {
    let (here, there) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let Some(smsc) = Centre::plain() else {
        return;
    };
    let served = centre_with(here.path(), FETCHED);
    let _relay = Relay::fetching(there.path(), port(&served), smsc.port, 2);
    feed(&served, "W1", 1, "0.70");
    eventually("something is to be signed", || {
        !list(&served, "/v1/warnings").is_empty()
    });
    assert_eq!(sign(&served, "token-chen").0, 204);
    eventually("it leaves at the carrier's pace", || {
        !smsc.taken().is_empty()
    });
    let row = job(&served, "alert").unwrap();
    let path = format!("/v1/area-jobs/{}", row["intent"].as_str().unwrap());
    let body = r#"{"link":"area/carrier","act":"kill","reason":"a false alarm"}"#;
    assert_eq!(served.post(&path, Some("token-chen"), body).0, 202);
    eventually("it is ended", || {
        job(&served, "alert").is_some_and(|row| row["job"]["state"] == "killed")
    });
    assert!(smsc.taken().len() < PEOPLE - 1);
}

#[test]
fn a_relay_that_fetches_conforms() {
    let there = tempfile::tempdir().unwrap();
    let Some(smsc) = Centre::plain() else {
        return;
    };
    let listen = free_port();
    let _relay = Relay::fetching(there.path(), listen, smsc.port, 1_000);
    let said = Command::new(env!("CARGO_BIN_EXE_sanfang"))
        .args(["relay", "conform", "--authority", "44010041600000"])
        .args([
            "--fetched",
            &format!("127.0.0.1:{listen}"),
            "--carrier",
            "carrier",
        ])
        .args(["--area", TOWNSHIP, "--secret-file"])
        .arg(there.path().join("secret"))
        .stderr(Stdio::inherit())
        .output()
        .unwrap();
    let lines = String::from_utf8_lossy(&said.stdout);
    assert!(said.status.success(), "{lines}");
    assert!(lines.lines().count() >= 20, "{lines}");
    assert!(smsc.taken().is_empty(), "it may be asked of one in use");
}
