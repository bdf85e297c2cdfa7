//! The app's inbox: who connects is told what is in force for them, also after the service was
//! killed, in their language and nothing of others.

use super::peers::Events;
use super::street::{Street, feed, sign, warning};
use crate::small::{Centre, HEAD, OWNER, Served, eventually};
use serde_json::Value;

const STREET: &str = "/v1/push?areas=440106014000&language=en";
const HEAD_S_APP: &str = "/v1/push?token=app-head";

fn purposes(events: &Events) -> Vec<Value> {
    let heard = events.heard().into_iter();
    heard.map(|(_, event)| event["purpose"].clone()).collect()
}

#[test]
fn a_phone_that_connects_after_a_restart_is_told_what_is_in_force_for_it() {
    let Some(centre) = Centre::start() else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let owner = format!("P1,涵洞主,site_owner,440106014000,{OWNER},C1,,zh,,1,");
    let head = format!("P2,镇长,township_head,440106014000,{HEAD},,,zh,,1,app-head");
    Street {
        contacts: &[&owner, &head],
        ..Street::default()
    }
    .write(folder.path());
    let mut served = Served::serve(folder.path(), centre.port, "");
    let listen = |served: &Served, path: &str, last| Events::listen(served.address(), path, last);
    let public = listen(&served, STREET, None);
    let head = listen(&served, HEAD_S_APP, None);
    feed(&served, "W1", 1, "0.70");
    eventually("the head has a note", || !head.heard().is_empty());
    assert_eq!(sign(&served, "token-chen").0, 204);
    eventually("residents are told", || !public.heard().is_empty());
    let (seen, alert) = public.heard().remove(0);

    served.kill();
    served.start_again();
    served.ready().unwrap();
    let again = listen(&served, STREET, None);
    eventually("a resident who comes is told", || !again.heard().is_empty());
    assert_eq!(again.heard()[0].1, alert, "in the same words");
    assert_eq!(alert["words"][0]["language"], "en-US");
    let head = listen(&served, HEAD_S_APP, None);
    eventually("so is the head", || !head.heard().is_empty());
    assert!(purposes(&head).iter().all(|purpose| purpose == "reminder"));
    let elsewhere = listen(&served, "/v1/push?areas=440103000000", None);
    let nobody = listen(&served, "/v1/push?token=app-nobody", None);
    // Who was away hears the rest; who comes when it is over hears nothing of it.
    let id = warning(&served)["id"].as_str().unwrap().to_owned();
    let cancel = format!("/v1/warnings/{id}/cancel");
    let reason = r#"{"reason":"pump started"}"#;
    assert_eq!(served.post(&cancel, Some("token-chen"), reason).0, 200);
    eventually("it is taken back", || {
        purposes(&again).last() == Some(&"cancelled".into())
    });
    assert_eq!(again.heard().len(), 2, "{:?}", again.heard());
    drop((again, head));
    served.kill();
    served.start_again();
    served.ready().unwrap();
    let back = listen(&served, STREET, Some(seen));
    eventually("who was away hears that it is taken back", || {
        purposes(&back).last() == Some(&"cancelled".into())
    });
    let late = listen(&served, STREET, None);
    feed(&served, "W1", 0, "0.01");
    eventually("the zone goes on", || {
        let metrics = served.get("/metrics").1;
        metrics.contains(r#"sanfang_queue_depth{queue="zone/440106000000"} 0"#)
    });
    for silent in [&elsewhere, &nobody, &late] {
        assert!(silent.heard().is_empty(), "{:?}", silent.heard());
    }
}
