//! The public topics of areas through a real broker.

use crate::devices::Broker;
use crate::peers::runtime;
use dispatch::gateway::area_topics::{AreaNotice, AreaTopics, AreaTopicsConfig};
use model::{AreaCode, SendError, Time, WarningId};
use mqtt5::{ConnectOptions, MqttClient};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use std::time::Duration;

fn topics(broker: String) -> AreaTopics {
    AreaTopics::new(AreaTopicsConfig {
        broker,
        client: "sanfang-topics".into(),
        login: None,
        prefix: "warn".into(),
        publish_timeout: Duration::from_secs(2),
    })
}

fn notice<'a>(number: u64, revision: u32, until: i64, areas: &'a [AreaCode]) -> AreaNotice<'a> {
    AreaNotice {
        warning: WarningId::parse(&format!("{number:024x}")).unwrap(),
        revision,
        areas,
        until: Time::from_seconds(until),
        item: json!({ "n": number, "r": revision }),
    }
}

/// What somebody hears who subscribes now.
async fn heard(broker: &str, topic: &str) -> Option<Value> {
    let reader = MqttClient::with_options(ConnectOptions::new("reader"));
    reader.connect(broker).await.unwrap();
    let said: Arc<Mutex<Option<Value>>> = Arc::default();
    let told = Arc::clone(&said);
    reader
        .subscribe(topic.to_owned(), move |message| {
            assert!(message.retain);
            *told.lock().unwrap() = serde_json::from_slice(&message.payload).ok();
        })
        .await
        .unwrap();
    for _ in 0..20 {
        tokio::time::sleep(Duration::from_millis(20)).await;
        if said.lock().unwrap().is_some() {
            break;
        }
    }
    reader.disconnect().await.unwrap();
    said.lock().unwrap().take()
}

#[test]
fn who_comes_later_hears_all_that_stands_in_their_area_until_it_ends() {
    let Some(broker) = Broker::start() else {
        return;
    };
    let address = broker.address();
    runtime().block_on(async {
        let topics = topics(address.clone());
        let [street, other] =
            ["440106014000", "440103000000"].map(|code| AreaCode::parse(code).unwrap());
        let at = Time::from_seconds;
        topics
            .send(&notice(1, 1, 100, &[street, other]), at(0))
            .await
            .unwrap();
        topics
            .send(&notice(2, 1, 2, &[street]), at(0))
            .await
            .unwrap();
        let both = heard(&address, "warn/440106014000").await.unwrap();
        assert_eq!(
            both["warnings"],
            json!([{ "n": 1, "r": 1 }, { "n": 2, "r": 1 }])
        );
        // An update takes the place of what it updates, and the all-clear does.
        topics
            .send(&notice(1, 2, 3, &[street]), at(1))
            .await
            .unwrap();
        let updated = heard(&address, "warn/440106014000").await.unwrap();
        assert_eq!(updated["warnings"][0]["r"], 2);
        let elsewhere = heard(&address, "warn/440103000000").await.unwrap();
        assert_eq!(elsewhere["warnings"], json!([{ "n": 1, "r": 1 }]));
        // A renewal holds it for longer where the warning stands, and there alone.
        let stands = |id: WarningId, area: AreaCode| {
            let is_it = id == notice(1, 1, 0, &[]).warning && area == other;
            is_it.then_some(at(500))
        };
        topics.renew(stands, at(1)).await.unwrap();
        let renewed = heard(&address, "warn/440103000000").await.unwrap();
        assert_eq!(renewed["warnings"], elsewhere["warnings"]);
        // The broker forgets it with the last of what stands: two seconds from the last word on.
        tokio::time::sleep(Duration::from_millis(3200)).await;
        assert_eq!(heard(&address, "warn/440106014000").await, None);
        let late = topics.send(&notice(1, 3, 3, &[street]), at(3)).await;
        assert!(matches!(late, Err(SendError::Permanent(_))), "{late:?}");
        topics.close().await;
    });
}

#[test]
fn after_a_restart_the_set_is_whole_and_without_a_broker_it_is_tried_again() {
    let Some(mut broker) = Broker::start() else {
        return;
    };
    let address = broker.address();
    runtime().block_on(async {
        let street = [AreaCode::parse("440106014000").unwrap()];
        let at = Time::from_seconds(0);
        let topics = topics(address.clone());
        topics.remember(&notice(1, 1, 100, &street), at).await;
        topics.send(&notice(2, 1, 100, &street), at).await.unwrap();
        let said = heard(&address, "warn/440106014000").await.unwrap();
        assert_eq!(said["warnings"].as_array().unwrap().len(), 2);
        broker.stop();
        tokio::time::sleep(Duration::from_millis(300)).await;
        let gone = topics.send(&notice(3, 1, 100, &street), at).await;
        assert!(matches!(gone, Err(SendError::Transient(_))), "{gone:?}");
    });
}
