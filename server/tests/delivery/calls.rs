//! A call by the ladder through a gateway that is not ours: the key that was pressed stops it.

use super::sipp::Sipp;
use super::street::{Street, call, feed, list};
use crate::small::node::missing::missing;
use crate::small::{Centre, OWNER, Served, eventually};

/// The second rung of red, and a call a second after the warning in its place.
const CALLED: &[(&str, &str)] = &[(
    r#"{ after = "150s", ask = "primary", channels = ["sms"], phone = true }"#,
    r#"{ after = "1s", ask = "primary", channels = ["voice"] }"#,
)];

#[test]
fn a_key_pressed_on_a_call_stops_the_ladder() {
    let gateway = match Sipp::plays("info", "u1") {
        Ok(gateway) => gateway,
        Err(why) => return missing(&why),
    };
    let Some(centre) = Centre::start() else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let owner = format!("P1,涵洞主,site_owner,440106014000,{OWNER},C1,,zh,,1,");
    Street {
        contacts: &[&owner],
        policy: CALLED,
        ..Street::default()
    }
    .write(folder.path());
    std::fs::write(folder.path().join("secret"), "a secret\n").unwrap();
    let section = format!(
        "[voice]\ngateway = \"127.0.0.1:{}\"\nfrom = \"12379\"\nuser = \"sanfang\"\n\
         password_file = \"secret\"\nprogram = [\"espeak-ng\", \"-v\", \"{{voice}}\", \"--stdout\"]\n",
        gateway.port
    );
    let served = Served::serve(folder.path(), centre.port, &section);
    feed(&served, "W1", 2, "0.70");
    eventually("the owner pressed 2", || {
        feed(&served, "W1", 1, "0.70");
        call(&served, "C1").is_some_and(|call| call["answer"]["answer"] == "at_post")
    });
    let line = call(&served, "C1").unwrap();
    assert_eq!(line["answer"]["contact"], "P1", "{line}");
    assert_eq!(line["answer"]["channel"], "voice", "{line}");
    assert!(gateway.ends_well(), "the gateway's side went otherwise");
    eventually("the delivery counts as acknowledged", || {
        let calls = list(&served, "/v1/deliveries").into_iter();
        let mut calls = calls.filter(|item| item["channel"] == "voice");
        calls.any(|item| item["accepted"] == 1 && item["failed"] == 0)
    });
    let (_, metrics) = served.get("/metrics");
    let counted =
        r#"sanfang_deliveries_total{carrier="voice",channel="voice",state="acknowledged"} 1"#;
    assert!(metrics.contains(counted), "{metrics}");
    assert!(!metrics.contains(OWNER.trim_start_matches('+')));
}
