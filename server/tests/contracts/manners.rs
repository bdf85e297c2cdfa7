//! How every command behaves: help, exit codes, where words and data go, pipes that close.

use super::{sanfang, small, told};
use std::process::{Command, Stdio};

const COMMANDS: [&[&str]; 27] = [
    &[],
    &["demo"],
    &["serve"],
    &["check"],
    &["replay"],
    &["rules"],
    &["rules", "test"],
    &["rules", "list"],
    &["rules", "explain"],
    &["rules", "diff"],
    &["rules", "tune"],
    &["rules", "mute"],
    &["rules", "unmute"],
    &["rules", "muted"],
    &["warn"],
    &["warn", "list"],
    &["warn", "show"],
    &["warn", "issue"],
    &["warn", "update"],
    &["warn", "cancel"],
    &["warn", "approve"],
    &["warn", "reject"],
    &["simulate"],
    &["simulate", "carrier"],
    &["simulate", "devices"],
    &["simulate", "storm"],
    &["export"],
];

#[test]
fn every_command_explains_itself() {
    for command in COMMANDS {
        let (code, out, err) = told(&sanfang(&[command, &["--help"]].concat()));
        assert_eq!((code, err.as_str()), (0, ""), "{command:?}");
        assert!(out.contains("Usage: sanfang"), "{command:?}: {out}");
        // Every option says what it is for, on its line or the next.
        let lines: Vec<_> = out.lines().collect();
        let options = lines.iter().enumerate().filter(|(_, line)| {
            let line = line.trim_start();
            line.starts_with("--") || line.starts_with("-h,") || line.starts_with("-V,")
        });
        for (at, line) in options {
            let parts = line.trim().split("  ").filter(|part| !part.is_empty());
            let next = lines.get(at + 1).map_or("", |next| next.trim());
            let says = parts.count() > 1 || (!next.is_empty() && !next.starts_with('-'));
            assert!(says, "{command:?}: {line:?} says nothing");
        }
    }
}

#[test]
fn what_is_not_known_is_bad_input() {
    for arguments in [
        &["fly"][..],
        &["replay"],
        &["check", "--fly"],
        &["rules", "fly"],
        &[
            "warn", "issue", "--hazard", "nonsense", "--area", "x=red", "--reason", "y",
        ],
        &["warn", "cancel", "xyz", "--reason", "y"],
        &[
            "export",
            "everything",
            "--journal",
            ".",
            "--city",
            "testdata/city",
        ],
        &[
            "export",
            "ledger",
            "--journal",
            "nowhere",
            "--city",
            "testdata/city",
        ],
        &[
            "export",
            "ledger",
            "--journal",
            ".",
            "--city",
            "testdata/city",
            "--out",
            "x.doc",
        ],
        &["replay", "--city", "testdata/city", "nowhere.ndjson"],
        &["replay", "--city", "testdata/city", "testdata"],
        &["replay", "--city", "nowhere", "-"],
        &["serve", "--config", "nowhere.toml"],
        &["serve", "--config", "testdata"],
        &["simulate", "storm", "nowhere.ndjson"],
        &["simulate", "devices", "--secrets", "nowhere.toml"],
        &[
            "rules",
            "explain",
            "--city",
            "testdata/city",
            "--subject",
            "NOBODY",
            "-",
        ],
        &[
            "rules",
            "explain",
            "--city",
            "testdata/city",
            "--subject",
            "G00001",
        ],
    ] {
        let (code, out, err) = told(&sanfang(arguments));
        assert_eq!((code, out.as_str()), (2, ""), "{arguments:?}: {err}");
        assert!(!err.is_empty(), "{arguments:?} says nothing");
        assert!(!err.contains("panicked"), "{arguments:?}: {err}");
    }
}

#[test]
fn a_server_that_is_not_there_is_a_failure_with_a_remedy() {
    let server = format!("http://127.0.0.1:{}", small::free_port());
    let (code, out, err) = told(&sanfang(&["warn", "list", "--server", &server]));
    assert_eq!((code, out.as_str()), (1, ""));
    assert!(err.contains("--server"), "{err}");
}

#[test]
fn a_reader_that_leaves_early_is_no_failure() {
    let city = "testdata/city";
    let many: String = (0..20_000).fold(String::new(), |all, n| {
        let minute = n / 60 % 60;
        let hour = n / 3600;
        all + &format!(
            "{{\"station\":\"G{:05}\",\"parameter\":\"rainfall\",\"time\":\"2023-09-07T{hour:02}:{minute:02}:00+08:00\",\"value\":40}}\n",
            1 + n % 60
        )
    });
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("many.ndjson");
    std::fs::write(&file, many).unwrap();
    let file = file.display().to_string();
    for arguments in [
        &["replay", "--city", city, "--signals", &file][..],
        &[
            "rules",
            "explain",
            "--city",
            city,
            "--subject",
            "G00001",
            &file,
        ],
        &["check", "--json", "--city", city],
        &["rules", "test", "--json", "testdata/city/rules"],
    ] {
        let mut child = Command::new(env!("CARGO_BIN_EXE_sanfang"))
            .args(arguments)
            .current_dir(small::root())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        let err = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{arguments:?}: {err}");
        assert!(!err.contains("roken pipe"), "{arguments:?}: {err}");
    }
}
