//! Somebody who cannot hear is told in writing, and the light at their post flashes until they answer.

use super::peers::{Broker, reply, texts_of};
use super::street::{Street, call, feed, list};
use crate::small::{Centre, HEAD, OWNER, Served, eventually, now};
use dispatch::simulator::devices::{Device, Fault, Fleet, FleetConfig};
use std::path::Path;
use std::time::Duration;

/// The owner of the culvert cannot hear; somebody at the culvert helps.
fn write_street(folder: &Path) {
    Street::default().write(folder);
    let rows = format!(
        "id,name,role,area,phone,site,email,language,deputy,level,hearing,strobe\n\
         P1,涵洞主,site_owner,440106014000,{OWNER},C1,,zh,P2,1,no,strobe-P1\n\
         P2,帮手,site_owner,440106014000,{HEAD},C1,,zh,,1,,\n"
    );
    std::fs::write(folder.join("city/contacts.csv"), rows).unwrap();
}

/// The strobe at the broker, and the service that commands it.
fn serve(
    folder: &Path,
    (centre, broker): (&Centre, &Broker),
    runtime: &tokio::runtime::Runtime,
    fault: Fault,
) -> (Served, Fleet) {
    let address = format!("mqtt://127.0.0.1:{}", broker.port);
    let config = FleetConfig {
        broker: address.clone(),
        client: "fleet".into(),
        delay: Duration::ZERO,
    };
    let strobe = Device::new("strobe-P1", b"light", fault);
    let fleet = Fleet::connect(&config, vec![strobe], now);
    let fleet = runtime.block_on(fleet).unwrap();
    let secrets = format!("strobe-P1 = \"{}\"\n", hex::encode("light"));
    std::fs::write(folder.join("secrets.toml"), secrets).unwrap();
    let more = format!(
        "[devices]\nbroker = \"{address}\"\nclient_id = \"sanfang-devices\"\nsecrets_file = \"{}/secrets.toml\"\n",
        folder.display()
    );
    (Served::serve(folder, centre.port, &more), fleet)
}

#[test]
fn the_strobe_of_a_deaf_owner_flashes_until_they_answer_in_writing() {
    let folder = tempfile::tempdir().unwrap();
    let (Some(mut centre), Some(broker)) = (Centre::start(), Broker::start(folder.path())) else {
        return;
    };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    write_street(folder.path());
    let (served, fleet) = serve(folder.path(), (&centre, &broker), &runtime, Fault::None);
    let strobe = || fleet.device("strobe-P1").unwrap();
    assert!(!strobe().is_lit(now()));
    feed(&served, "W1", 2, "0.70");
    eventually(
        "the strobe flashes and the owner is told in writing",
        || strobe().is_lit(now()) && !texts_of(&centre, OWNER).is_empty(),
    );
    eventually("it confirmed that it flashes", || {
        let of_devices = list(&served, "/v1/deliveries").into_iter();
        let mut lit = of_devices.filter(|item| item["purpose"] == "strobe");
        lit.any(|item| item["delivered"] == 1)
    });
    // That it flashes is no answer of theirs.
    let board = call(&served, "C1").unwrap();
    assert_eq!(board["answer"], serde_json::Value::Null, "{board}");
    assert_eq!(board["unlit"], serde_json::json!([]), "{board}");

    reply(&mut centre, OWNER, "1");
    eventually("their answer puts it out", || {
        let answered = call(&served, "C1").is_some_and(|call| call["state"] == "answered");
        answered && !strobe().is_lit(now())
    });
    assert_eq!(strobe().acted(), 2, "once lit, once put out");
    let board = call(&served, "C1").unwrap();
    assert_eq!(board["answer"]["contact"], "P1", "{board}");
    assert_eq!(board["answer"]["channel"], "sms", "{board}");
    runtime.block_on(fleet.close());
}

#[test]
fn a_strobe_that_is_dead_sends_whoever_helps_and_opens_no_call() {
    let folder = tempfile::tempdir().unwrap();
    let (Some(mut centre), Some(broker)) = (Centre::start(), Broker::start(folder.path())) else {
        return;
    };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    write_street(folder.path());
    let (served, fleet) = serve(folder.path(), (&centre, &broker), &runtime, Fault::Dead);
    feed(&served, "W1", 2, "0.70");
    let of_strobe = |centre: &Centre, phone: &str| {
        let texts = texts_of(centre, phone).into_iter();
        texts.filter(|text| text.contains("strobe-P1")).count()
    };
    eventually("the helper is told of the strobe", || {
        of_strobe(&centre, HEAD) == 1
    });
    assert_eq!(of_strobe(&centre, OWNER), 0, "they cannot go and see");
    eventually("it is shown with the call", || {
        call(&served, "C1").is_some_and(|call| call["unlit"] == serde_json::json!(["strobe-P1"]))
    });
    assert!(
        call(&served, "strobe-P1").is_none(),
        "it has no call of its own"
    );
    let board = call(&served, "C1").unwrap();
    assert_eq!(board["answer"], serde_json::Value::Null, "{board}");
    reply(&mut centre, HEAD, "2");
    eventually("the helper answers for the culvert", || {
        call(&served, "C1").is_some_and(|call| call["answer"]["contact"] == "P2")
    });
    runtime.block_on(fleet.close());
}
