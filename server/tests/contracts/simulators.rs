//! `sanfang simulate`: a storm into a server, a carrier behind it, each ended by a signal.

use super::served::Served;
use super::small::{eventually, free_port};
use super::{depth, json_lines, told};
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

fn simulate(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sanfang"));
    command
        .arg("simulate")
        .args(arguments)
        .env("SANFANG_LOG", "warn")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// Tells a process to end as an operator's `kill` does.
fn terminate(child: &Child) {
    let id = child.id().to_string();
    let sent = Command::new("kill").args(["-TERM", &id]).status().unwrap();
    assert!(sent.success());
}

#[test]
fn a_carrier_takes_what_a_server_sends_and_counts_it() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("carrier.log").display().to_string();
    let arguments = [
        "carrier",
        "--listen",
        "127.0.0.1:0",
        "--receipt-after",
        "10ms",
        "--log",
        &log,
    ];
    let mut carrier = simulate(&arguments).spawn().unwrap();
    let mut words = BufReader::new(carrier.stderr.take().unwrap());
    let mut line = String::new();
    words.read_line(&mut line).unwrap();
    let port = line.split(':').nth(1).unwrap().split(';').next().unwrap();
    let served = Served::with_centre(folder.path(), port.parse().unwrap());
    assert_eq!(served.observe(&depth(1, "0.30")), 202);
    eventually("the owner's message is logged", || {
        std::fs::read_to_string(&log).is_ok_and(|text| text.contains("东风涵洞"))
    });
    terminate(&carrier);
    let output = carrier.wait_with_output().unwrap();
    let (code, out, _) = told(&output);
    let counts = &json_lines(&out)[0];
    assert_eq!(code, 0, "{out}");
    assert!(counts["accepted"].as_u64().unwrap() >= 1, "{counts}");
    assert_eq!(counts["throttled"], 0);
}

#[test]
fn a_storm_is_sent_as_a_backlog_that_ends_now() {
    let folder = tempfile::tempdir().unwrap();
    let served = Served::alone(folder.path());
    let storm = folder.path().join("storm.ndjson");
    let lines: String = (0..40)
        .map(|minute| {
            format!(
                "{{\"station\":\"W1\",\"parameter\":\"water_depth\",\"time\":\"2023-09-07T18:{minute:02}:00+08:00\",\"value\":0.{minute:02}}}\n"
            )
        })
        .collect();
    std::fs::write(&storm, lines + "nonsense\n").unwrap();
    let server = format!("http://{}", served.address());
    let storm = storm.display().to_string();
    let arguments = ["storm", "--server", &server, "--speed", "max", &storm];
    let (code, out, err) = told(&simulate(&arguments).output().unwrap());
    assert_eq!(code, 0, "{err}");
    let figures = &json_lines(&out)[0];
    assert_eq!(
        (&figures["accepted"], &figures["rejected"]),
        (&40.into(), &1.into()),
        "{out}"
    );
    // The last value is of this minute: what the storm did is a present situation.
    eventually("the culvert is at its tier", || {
        served.get("/v1/situations").1.contains("\"C1\"")
    });
    // A second time it is all known already.
    let (code, out, _) = told(
        &simulate(&[&arguments[..], &["--as-recorded"]].concat())
            .output()
            .unwrap(),
    );
    assert_eq!((code, json_lines(&out).len()), (0, 1), "{out}");
    let nobody = format!("http://127.0.0.1:{}", free_port());
    let told_twice = simulate(&["storm", "--server", "nonsense", &storm])
        .output()
        .unwrap();
    assert_eq!(told_twice.status.code(), Some(2));
    let arguments = [
        "storm",
        "--server",
        &nobody,
        "--patience",
        "0",
        "--speed",
        "max",
        &storm,
    ];
    let (code, _, err) = told(&simulate(&arguments).output().unwrap());
    assert!(code == 1 && err.contains("does not answer"), "{err}");
}
