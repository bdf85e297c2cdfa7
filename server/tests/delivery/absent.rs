//! What the configuration gives no link is not lost: it is counted, shown as failed and told
//! otherwise.

use super::peers::texts_of;
use super::street::{Street, call, feed, list};
use crate::small::{Centre, OWNER, Served, eventually, minutes_ago};

/// Rows of one channel on the delivery board.
fn rows(served: &Served, channel: &str) -> Vec<serde_json::Value> {
    let rows = list(served, "/v1/deliveries").into_iter();
    rows.filter(|row| row["channel"] == channel).collect()
}

#[test]
fn what_has_no_link_is_told_otherwise() {
    let folder = tempfile::tempdir().unwrap();
    let Some(centre) = Centre::start() else {
        return;
    };
    let owner = format!("P1,涵洞主,site_owner,440106014000,{OWNER},C1,owner@example.cn,zh,,1,");
    Street {
        contacts: &[&owner],
        sites: &[
            "C1,东风涵洞,culvert,113.1,23.1,440106014000,W1,sign-C1,,roads,0.05,0.15,0.27,0.5,0.2",
        ],
        // Responsible persons are told by mail, and there is no mail relay.
        policy: &[
            (r#"["sms", "push", "email"]"#, r#"["email"]"#),
            (
                r#""primary", channels = ["sms", "push"]"#,
                r#""primary", channels = ["email"]"#,
            ),
        ],
        ..Street::default()
    }
    .write(folder.path());
    let served = Served::serve(folder.path(), centre.port, "");
    feed(&served, "W1", 1, "0.70");

    eventually("the owner is told by short message", || {
        let texts = texts_of(&centre, OWNER);
        texts
            .iter()
            .any(|text| text.contains("收到回1") && text.contains("东风涵洞涵洞积水"))
    });
    eventually("and called to the sign that nobody can command", || {
        let texts = texts_of(&centre, OWNER);
        let told = texts
            .iter()
            .any(|text| text.contains("sign-C1") && text.contains("未确认"));
        told && call(&served, "sign-C1").is_some()
    });
    for channel in ["email", "device"] {
        eventually("the board shows it failed", || {
            let rows = rows(&served, channel);
            let is_failed = rows.iter().any(|row| row["failed"] == 1);
            is_failed && rows.iter().all(|row| row["accepted"] == 0)
        });
        let counted = format!(r#"sanfang_intents_unserved_total{{channel="{channel}"}}"#);
        assert!(served.get("/metrics").1.contains(&counted), "{channel}");
    }
    let fallen = r#"sanfang_deliveries_fallen_back_total{from="email",to="sms"} 2"#;
    assert!(served.get("/metrics").1.contains(fallen));
}

#[test]
fn a_request_that_reaches_no_office_is_shown_failed() {
    let folder = tempfile::tempdir().unwrap();
    let Some(centre) = Centre::start() else {
        return;
    };
    Street::default().write(folder.path());
    let served = Served::serve(folder.path(), centre.port, "");
    let line = |minutes: i64| {
        let time = minutes_ago(minutes);
        format!(r#"{{"station":"G1","parameter":"rainfall","time":"{time}","value":3.0}}"#)
    };
    let rain: Vec<String> = (0..60).rev().map(line).collect();
    let (status, answer) = served.post("/v1/observations", None, &rain.join("\n"));
    assert_eq!(status, 202, "{answer}");
    eventually("the request is shown failed", || {
        let rows = rows(&served, "webhook");
        rows.iter()
            .any(|row| row["purpose"] == "request" && row["failed"] == 1)
    });
    assert!(
        served
            .get("/metrics")
            .1
            .contains(r#"sanfang_intents_unserved_total{channel="webhook"}"#)
    );
}
