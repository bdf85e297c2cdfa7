//! The simulated carrier against a sender that is not ours: the npm package `smpp`.
//!
//! Needs `node` and `npm`; without them it says SKIPPED, and fails where CI is set.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "peers/node.rs"]
mod node;

use dispatch::simulator::carrier::{Carrier, CarrierConfig};
use model::{Span, Time};
use serde_json::{Value, json};
use std::path::Path;
use std::process::Command;

/// Runs the peer with this password; gives what it saw.
async fn peer(modules: &'static Path, password: &'static str, log: &Path) -> Value {
    let config = CarrierConfig {
        listen: "127.0.0.1:0".parse().unwrap(),
        system_id: "sanfang".to_owned(),
        password: "secret".to_owned(),
        receipt_after: Some(Span::from_millis(10)),
        latency: Span::from_millis(2),
        log: Some(log.to_owned()),
        ..CarrierConfig::default()
    };
    let clock = || Time::from_seconds(1_694_062_800);
    let carrier = Carrier::bind(config, clock).await.unwrap();
    let port = carrier.address().port().to_string();
    let serving = tokio::spawn(carrier.serve());
    let run = move || {
        let mut command = Command::new("node");
        command
            .arg(node::script("esme.mjs"))
            .args([&port, password]);
        command.env("PEER_MODULES", modules).output()
    };
    let output = tokio::task::spawn_blocking(run).await.unwrap().unwrap();
    serving.abort();
    assert!(output.status.success(), "{output:?}");
    serde_json::from_slice(&output.stdout).unwrap()
}

#[tokio::test]
async fn a_foreign_sender_is_answered_and_its_texts_are_logged_whole() {
    let Some(modules) = node::modules() else {
        return;
    };
    let directory = tempfile::tempdir().unwrap();
    let log = directory.path().join("carrier.tsv");
    let refused = peer(modules, "wrong", &log).await;
    assert_eq!(refused["bind"], 0x0E);
    let seen = peer(modules, "secret", &log).await;
    assert_eq!(seen["statuses"], json!([0, 0, 0, 0]));
    assert_eq!(
        [&seen["bind"], &seen["enquired"], &seen["unbound"]],
        [0, 0, 0]
    );
    let ids = ["0000000001", "0000000002", "0000000003", "0000000004"];
    assert_eq!(seen["ids"], json!(ids));
    for (receipt, (n, id)) in seen["receipts"]
        .as_array()
        .unwrap()
        .iter()
        .zip((1..).zip(ids))
    {
        let text = format!(
            "id:{id} sub:001 dlvrd:001 submit date:2309070500 done date:2309070500 stat:DELIVRD err:000 text:"
        );
        let even = n % 2 == 0;
        let wanted = json!({
            "from": "8613800000001",
            "esm": 4,
            "text": text,
            "id": if even { json!(id) } else { Value::Null },
            "state": if even { json!(2) } else { Value::Null },
        });
        assert_eq!(*receipt, wanted);
    }
    assert_eq!(
        std::fs::read_to_string(&log).unwrap(),
        "1\taccepted\t8613800000001\t0000000001\t\t暴雨红色预警\n\
         3\taccepted\t8613800000001\t0000000002,0000000003\t\t请立即转移到安全处，远离低洼地带。\n\
         4\taccepted\t8613800000001\t0000000004\t\tLeave the tunnel @ once {now}\n"
    );
}
