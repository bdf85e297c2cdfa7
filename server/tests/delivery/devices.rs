//! A device that does not confirm by its own state calls the people of its site.

use super::peers::{Broker, reply, texts_of};
use super::street::{Street, call, feed};
use crate::small::{Centre, HEAD, OWNER, Served, eventually};
use dispatch::gateway::device::Position;
use dispatch::simulator::devices::{Device, Fault, Fleet, FleetConfig};
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::Duration;

#[expect(
    clippy::disallowed_methods,
    reason = "the devices have a clock of their own"
)]
fn wall() -> model::Time {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    model::Time::from_seconds(i64::try_from(now.unwrap().as_secs()).unwrap())
}

#[test]
fn a_barrier_that_does_not_confirm_calls_the_owner_and_nothing_opens() {
    let folder = tempfile::tempdir().unwrap();
    let (Some(mut centre), Some(broker)) = (Centre::start(), Broker::start(folder.path())) else {
        return;
    };
    let owner = format!("P1,涵洞主,site_owner,440106014000,{OWNER},C1,,zh,,1,");
    let head = format!("P2,镇长,township_head,440106014000,{HEAD},,,zh,,1,");
    Street {
        contacts: &[&owner, &head],
        sites: &[
            "C1,东风涵洞,culvert,113.1,23.1,440106014000,W1,barrier-C1;sign-C1,,roads,0.05,0.15,0.27,0.5,0.2",
        ],
        ..Street::default()
    }
    .write(folder.path());
    let address = format!("mqtt://127.0.0.1:{}", broker.port);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let fleet = runtime
        .block_on(Fleet::connect(
            &FleetConfig {
                broker: address.clone(),
                client: "fleet".into(),
                delay: Duration::ZERO,
            },
            vec![
                Device::new("barrier-C1", b"barrier", Fault::StuckSilently),
                Device::new("sign-C1", b"sign", Fault::None),
            ],
            wall,
        ))
        .unwrap();
    let secrets = format!(
        "barrier-C1 = \"{}\"\nsign-C1 = \"{}\"\n",
        hex::encode("barrier"),
        hex::encode("sign")
    );
    std::fs::write(folder.path().join("secrets.toml"), secrets).unwrap();
    let more = format!(
        "[devices]\nbroker = \"{address}\"\nclient_id = \"sanfang-devices\"\nsecrets_file = \"{}/secrets.toml\"\n",
        folder.path().display()
    );
    let served = Served::serve(folder.path(), centre.port, &more);
    feed(&served, "W1", 2, "0.70");
    eventually("the sign shows and the barrier began to close", || {
        let sign = fleet.device("sign-C1").unwrap();
        let barrier = fleet.device("barrier-C1").unwrap();
        !sign.shows().is_empty() && barrier.acted() == 1
    });
    eventually("the owner is told of the device", || {
        let texts = texts_of(&centre, OWNER);
        texts
            .iter()
            .any(|text| text.contains("barrier-C1") && text.contains("未确认"))
    });
    assert!(
        !texts_of(&centre, HEAD)
            .iter()
            .any(|text| text.contains("barrier-C1")),
        "it is the owner's"
    );
    let board = call(&served, "barrier-C1").unwrap();
    assert_eq!(
        (&board["contact"], &board["answer"]),
        (&"P1".into(), &serde_json::Value::Null)
    );
    assert!(call(&served, "sign-C1").is_none(), "it confirmed");

    reply(&mut centre, OWNER, "1");
    eventually("one word answers the site and the device", || {
        let answered = |place| call(&served, place).is_some_and(|call| call["state"] == "answered");
        answered("C1") && answered("barrier-C1")
    });

    // The water falls: a person reopens, never the machine.
    feed(&served, "W1", 1, "0.01");
    feed(&served, "W1", 0, "0.01");
    let opened = |fleet: &Fleet| fleet.device("barrier-C1").unwrap().position() == Position::Open;
    assert!(!opened(&fleet));
    let told = texts_of(&centre, OWNER);
    let repeated = told
        .iter()
        .filter(|text| text.contains("barrier-C1"))
        .count();
    assert_eq!(repeated, 1, "{told:?}");
    runtime.block_on(fleet.close());
}

#[test]
fn a_broker_that_is_away_holds_up_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let Some(centre) = Centre::start() else {
        return;
    };
    let owner = format!("P1,涵洞主,site_owner,440106014000,{OWNER},C1,,zh,,1,");
    Street {
        contacts: &[&owner],
        sites: &[
            "C1,东风涵洞,culvert,113.1,23.1,440106014000,W1,sign-C1,,roads,0.05,0.15,0.27,0.5,0.2",
        ],
        ..Street::default()
    }
    .write(folder.path());
    let secrets = format!("sign-C1 = \"{}\"\n", hex::encode("sign"));
    std::fs::write(folder.path().join("secrets.toml"), secrets).unwrap();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let nobody = listener.local_addr().unwrap();
    drop(listener);
    let more = format!(
        "[devices]\nbroker = \"mqtt://{nobody}\"\nclient_id = \"sanfang-devices\"\nsecrets_file = \"{}/secrets.toml\"\n",
        folder.path().display()
    );
    let served = Served::serve(folder.path(), centre.port, &more);
    feed(&served, "W1", 2, "0.70");
    eventually("the owner is told", || {
        texts_of(&centre, OWNER)
            .iter()
            .any(|text| text.contains("东风涵洞"))
    });
}

/// `sanfang simulate devices`: one shows, one is dead; it tells how they stand when it is ended.
#[test]
fn simulated_devices_are_as_good_as_real_ones_and_tell_how_they_stand() {
    let folder = tempfile::tempdir().unwrap();
    let (Some(centre), Some(broker)) = (Centre::start(), Broker::start(folder.path())) else {
        return;
    };
    let owner = format!("P1,涵洞主,site_owner,440106014000,{OWNER},C1,,zh,,1,");
    Street {
        contacts: &[&owner],
        sites: &[
            "C1,东风涵洞,culvert,113.1,23.1,440106014000,W1,barrier-C1;sign-C1,,roads,0.05,0.15,0.27,0.5,0.2",
        ],
        ..Street::default()
    }
    .write(folder.path());
    let address = format!("mqtt://127.0.0.1:{}", broker.port);
    let file = folder.path().join("secrets.toml").display().to_string();
    let secrets = ["barrier-C1", "sign-C1"].map(|id| format!("{id} = \"{}\"\n", hex::encode(id)));
    std::fs::write(&file, secrets.concat()).unwrap();
    let simulate = |more: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sanfang"));
        let arguments = ["simulate", "devices", "--secrets", &file, "--delay", "10ms"];
        command
            .args(arguments)
            .args(more)
            .env("SANFANG_LOG", "warn");
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    };
    // What cannot be played is told before anything is.
    for (wrong, says) in [
        (["--fault", "barrier-C9=dead"], "no such device"),
        (["--fault", "barrier-C1=ill"], "ID=dead"),
        (["--secrets", "nowhere.toml"], "nowhere.toml"),
    ] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sanfang"));
        command.args(["simulate", "devices", "--broker", &address]);
        if wrong[0] != "--secrets" {
            command.args(["--secrets", &file]);
        }
        let told = command.args(wrong).output().unwrap();
        let words = String::from_utf8_lossy(&told.stderr).into_owned();
        assert!(
            told.status.code() == Some(2) && words.contains(says),
            "{words}"
        );
    }

    let mut devices = simulate(&["--broker", &address, "--fault", "barrier-C1=dead"])
        .spawn()
        .unwrap();
    let mut line = String::new();
    let mut words = BufReader::new(devices.stderr.take().unwrap());
    words.read_line(&mut line).unwrap();
    assert!(line.starts_with("2 devices at "), "{line}");
    let more = format!(
        "[devices]\nbroker = \"{address}\"\nclient_id = \"sanfang-devices\"\nsecrets_file = \"{file}\"\n"
    );
    let served = Served::serve(folder.path(), centre.port, &more);
    feed(&served, "W1", 2, "0.70");
    eventually("the owner is told of the dead barrier", || {
        let texts = texts_of(&centre, OWNER);
        texts.iter().any(|text| text.contains("barrier-C1"))
    });
    assert!(call(&served, "sign-C1").is_none(), "it confirmed");
    let id = devices.id().to_string();
    assert!(
        Command::new("kill")
            .args(["-TERM", &id])
            .status()
            .unwrap()
            .success()
    );
    let output = devices.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    let out = String::from_utf8(output.stdout).unwrap();
    let stands: Vec<serde_json::Value> = out
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let of = |id: &str| stands.iter().find(|line| line["device"] == id).unwrap();
    assert_eq!(stands.len(), 2, "{out}");
    let (barrier, sign) = (of("barrier-C1"), of("sign-C1"));
    assert_eq!(
        (&barrier["position"], &barrier["acted"]),
        (&"open".into(), &0.into())
    );
    assert!(
        sign["acted"].as_u64() >= Some(1) && sign["shows"] != "",
        "{sign}"
    );
}
