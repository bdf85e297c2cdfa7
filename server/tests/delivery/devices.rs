//! A device that does not confirm by its own state calls the people of its site.

use super::peers::{Broker, reply, texts_of};
use super::street::{Street, call, feed};
use crate::small::{Centre, HEAD, OWNER, Served, eventually};
use dispatch::gateway::device::Position;
use dispatch::simulator::devices::{Device, Fault, Fleet, FleetConfig};
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
