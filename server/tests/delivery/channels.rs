//! Every channel of one configuration at once: each message is found where it must arrive.

use super::peers::{Broker, Events, MailServer, Target, texts_of};
use super::street::{Street, feed, list, sign, warning};
use crate::small::{Centre, HEAD, OWNER, Served, eventually, free_port, root};
use dispatch::simulator::devices::{Device, Fault, Fleet, FleetConfig};
use serde_json::Value;
use std::process::Command;
use std::time::Duration;

const SECRET: &[u8] = b"shared with the television";

/// The configuration of the channels, as an operator writes it.
fn configuration(folder: &std::path::Path, mail: u16, target: u16, broker: &str) -> String {
    let (dead, folder) = (free_port(), folder.display());
    format!(
        r#"
[email]
host = "localhost"
port = {mail}
encryption = "none"
from = "三防 <sanfang@example.cn>"

[[webhook]]
name = "dead"
url = "http://127.0.0.1:{dead}/hook"
secret_file = "{folder}/secret"

[[webhook]]
name = "tv"
url = "http://127.0.0.1:{target}/hook"
secret_file = "{folder}/secret"

[devices]
broker = "{broker}"
client_id = "sanfang-devices"
secrets_file = "{folder}/secrets.toml"
"#
    )
}

#[expect(
    clippy::disallowed_methods,
    reason = "the devices have a clock of their own"
)]
fn wall() -> model::Time {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    model::Time::from_seconds(i64::try_from(now.unwrap().as_secs()).unwrap())
}

#[test]
fn each_message_arrives_where_it_must() {
    let folder = tempfile::tempdir().unwrap();
    let (Some(centre), Some(mail), Some(broker)) = (
        Centre::start(),
        MailServer::start(),
        Broker::start(folder.path()),
    ) else {
        return;
    };
    let target = Target::start(SECRET);
    let owner = format!("P1,涵洞主,site_owner,440106014000,{OWNER},C1,owner@example.cn,zh,,1,");
    let head = format!("P2,镇长,township_head,440106014000,{HEAD},,,zh,,1,app-head");
    Street {
        contacts: &[&owner, &head],
        sites: &[
            "C1,东风涵洞,culvert,113.1,23.1,440106014000,W1,barrier-C1,,roads,0.05,0.15,0.27,0.5,0.2",
        ],
        ..Street::default()
    }
    .write(folder.path());
    let subscribers = folder.path().join("city/subscribers.csv");
    std::fs::write(
        subscribers,
        "id,lon,lat,phone,language,audience,email\n\
         S1,113.11,23.11,+8613900000013,zh,public,\n\
         S2,113.12,23.12,,en,public,s2@example.cn\n",
    )
    .unwrap();
    std::fs::write(folder.path().join("secret"), SECRET).unwrap();
    let key = hex::encode("barrier");
    std::fs::write(
        folder.path().join("secrets.toml"),
        format!("barrier-C1 = \"{key}\"\n"),
    )
    .unwrap();
    let address = format!("mqtt://127.0.0.1:{}", broker.port);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let fleet = FleetConfig {
        broker: address.clone(),
        client: "fleet".into(),
        delay: Duration::ZERO,
    };
    let barrier = vec![Device::new("barrier-C1", b"barrier", Fault::None)];
    let fleet = runtime
        .block_on(Fleet::connect(&fleet, barrier, wall))
        .unwrap();
    let more = configuration(folder.path(), mail.port, target.port, &address);
    let served = Served::serve(folder.path(), centre.port, &more);

    let street = "/v1/push?areas=440106014000&language=en";
    let public = Events::listen(served.address(), street, None);
    let head = Events::listen(served.address(), "/v1/push?token=app-head", None);
    feed(&served, "W1", 1, "0.70");

    // Unsigned: the device and the responsible persons, nobody else.
    eventually("the barrier closes", || {
        fleet.device("barrier-C1").unwrap().acted() == 1
    });
    eventually(
        "the owner has a short message and a mail, the head a note in his app",
        || {
            let owner = texts_of(&centre, OWNER).len() == 1;
            owner && mail.mails_to("owner@example.cn").len() == 1 && !head.heard().is_empty()
        },
    );
    assert!(
        head.heard()
            .iter()
            .all(|(_, event)| event["purpose"] == "reminder")
    );
    let preview: Value = serde_json::from_str(
        &served
            .get(&format!(
                "/v1/warnings/{}/preview",
                warning(&served)["id"].as_str().unwrap()
            ))
            .1,
    )
    .unwrap();
    assert_eq!(
        preview["heads"]["sms"],
        serde_json::json!({ "zh": 1 }),
        "{preview}"
    );
    assert_eq!(
        preview["heads"]["email"],
        serde_json::json!({ "en": 1 }),
        "{preview}"
    );
    assert_eq!(preview["unreachable"], 0);
    assert!(public.heard().is_empty(), "{:?}", public.heard());
    assert!(target.bodies().is_empty() && mail.mails_to("s2@example.cn").is_empty());
    assert!(texts_of(&centre, "+8613900000013").is_empty());

    let signed = sign(&served, "token-chen");
    assert_eq!(signed.0, 204, "{}", signed.1);
    eventually(
        "residents have a short message, a mail, an event in their app",
        || {
            let sms = texts_of(&centre, "+8613900000013").len() == 1;
            sms && mail.mails_to("s2@example.cn").len() == 1 && public.heard().len() == 1
        },
    );
    let subject = mail.mails_to("s2@example.cn")[0]["subject"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(subject.contains("RED"), "{subject}");
    let (id, event) = public.heard()[0].clone();
    assert_eq!(event["purpose"], "alert");
    assert!(
        event["words"][0]["text"]
            .as_str()
            .unwrap()
            .contains("Issued"),
        "{event}"
    );
    eventually(
        "the target believes the signed call, whatever the dead one does",
        || target.bodies().len() == 1,
    );
    let told = &target.bodies()[0];
    assert_eq!(told["warning"], warning(&served)["id"]);
    let instruction = told["words"][0]["instruction"].as_str().unwrap_or_default();
    assert!(instruction.contains("核实"), "what to do: {told}");
    eventually("the dead target is tried and counted apart", || {
        let metrics = served.get("/metrics").1;
        metrics.contains(r#"carrier="webhook/dead",channel="webhook",state="transient""#)
    });
    valid_cap(&served, folder.path());
    eventually("deliveries show each channel", || {
        let rows = list(&served, "/v1/deliveries");
        ["sms", "email", "push", "webhook", "device", "cap"]
            .iter()
            .all(|channel| {
                rows.iter()
                    .any(|row| row["channel"] == *channel && row["accepted"].as_u64() >= Some(1))
            })
    });

    // Signed and told: releasing it as it stands would tell nobody again.
    let path = format!(
        "/v1/warnings/{}/preview",
        warning(&served)["id"].as_str().unwrap()
    );
    let preview: Value = serde_json::from_str(&served.get(&path).1).unwrap();
    assert_eq!(preview["heads"].get("sms"), None, "{preview}");

    // An app that was away hears what it missed, once.
    drop(public);
    let cancel = r#"{"reason":"pump started"}"#;
    let path = format!(
        "/v1/warnings/{}/cancel",
        warning(&served)["id"].as_str().unwrap()
    );
    assert_eq!(served.post(&path, Some("token-chen"), cancel).0, 200);
    let back = Events::listen(served.address(), street, Some(id));
    eventually("it resumes behind its last event", || {
        !back.heard().is_empty()
    });
    let heard = back.heard();
    assert_eq!(
        (heard.len(), &heard[0].1["purpose"]),
        (1, &"cancelled".into()),
        "{heard:?}"
    );
    assert_eq!(
        fleet.device("barrier-C1").unwrap().acted(),
        1,
        "it stays closed"
    );
    runtime.block_on(fleet.close());
}

/// The feed's alert, by the schema and by a validator that is not ours.
fn valid_cap(served: &Served, folder: &std::path::Path) {
    eventually("the feed has an entry", || {
        served.get("/cap/feed.atom").1.contains("<entry>")
    });
    let feed = served.get("/cap/feed.atom").1;
    let at = feed.find("/cap/4").unwrap();
    let path = feed[at..].split(['"', '<']).next().unwrap();
    let (status, alert) = served.get(path);
    assert_eq!(status, 200, "{path}");
    let file = folder.join("alert.xml");
    std::fs::write(&file, &alert).unwrap();
    let peers = Command::new(root().join("deploy/test-peers.sh"))
        .arg("--python")
        .output()
        .unwrap();
    let peers = String::from_utf8(peers.stdout).unwrap();
    let script = "import sys, capvalidator\n\
        result = capvalidator.check_schema(open(sys.argv[1], 'rb').read())\n\
        assert result.passed, result\n";
    let checked = Command::new(std::path::Path::new(peers.trim()).join("venv/bin/python"))
        .arg("-c")
        .arg(script)
        .arg(&file)
        .output()
        .unwrap();
    assert!(checked.status.success(), "{checked:?}\n{alert}");
}
