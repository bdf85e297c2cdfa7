//! What phones answer while the disk is full, and how a link rests.

use super::*;
use crate::process::tests::full::Cramped;
use crate::process::tests::{records, report};
use crate::small_city as city;
use journal::Partition;
use model::{Input, Order};
use std::time::Duration;

/// A link that no centre is behind.
fn sms(app: &Arc<App>) -> Sms {
    let courier = Courier::open(Arc::clone(app), 5, Limits::default()).unwrap();
    Sms {
        courier,
        sender: Sender::default(),
        texts: FxHashMap::default(),
        reference: 0,
        waiting: VecDeque::new(),
        window: 0,
        shown: 0,
        mark: 0,
        marks: Marks::default(),
    }
}

/// Notes of the answers in the input of the one district.
fn notes(app: &App) -> Vec<String> {
    let input = Topic::new(Kind::Input, app.mode);
    let records = records(&*app.journal, input, Partition(0)).into_iter();
    let inputs = records.map(|record| Input::decode(record.kind, record.payload()).unwrap());
    let notes = inputs.filter_map(|input| {
        let Input::Order(order) = input else {
            return None;
        };
        let Order::Answer { note, .. } = *order else {
            return None;
        };
        Some(note)
    });
    notes.collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_share_a_commit_and_are_not_answered_for_until_there_is_space() {
    let folder = tempfile::tempdir().unwrap();
    city::write_city(folder.path());
    let mut service = Cramped::serve(folder.path(), Vec::new()).await;
    let app = Arc::clone(service.app());
    report(&app, 1, &[("W1", "water_depth", "0.6")]).await;
    assert!(!app.view.calls().is_empty(), "the owner is called");
    service.fill().await;

    let contacts = app.installation.directory.contacts().iter();
    let phone = contacts
        .filter(|contact| contact.id == "P1")
        .find_map(|c| c.phone);
    let reply = |text: &str| Reply {
        phone: phone.unwrap(),
        text: text.into(),
    };
    let turn = Turn {
        replies: vec![reply("1"), reply("nonsense"), reply("2 到岗"), reply("3")],
        mark: 7,
        ..Turn::default()
    };
    let mut sms = sms(&app);
    sms.heard(&turn, 0).unwrap();
    sms.gather().unwrap();
    let (written, durable) = sms.courier.written();
    assert_eq!((written, durable), (1, 0), "they are one commit");
    sms.marks.written(sms.mark, written);
    let waited = tokio::time::timeout(Duration::from_millis(300), sms.courier.durable()).await;
    assert!(waited.is_err(), "the disk is full");
    assert_eq!(sms.marks.durable(durable), None, "the centre keeps them");
    assert_eq!(notes(&app), [""; 0]);
    assert_eq!(app.fault(), None);

    service.free().await;
    sms.courier.durable().await.unwrap();
    let (_, durable) = sms.courier.written();
    assert_eq!(sms.marks.durable(durable), Some(7));
    assert_eq!(notes(&app), ["1", "2 到岗", "3"]);
    service.running.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idle_link_sleeps_and_hears_the_end_at_once() {
    let folder = tempfile::tempdir().unwrap();
    city::write_city(folder.path());
    let service = Cramped::serve(folder.path(), Vec::new()).await;
    let app = Arc::clone(service.app());
    let sms = sms(&app);
    // Some looks of a link that has something to do.
    let looks = Duration::from_millis(400);
    assert!(
        tokio::time::timeout(looks, sms.courier.pause())
            .await
            .is_err()
    );
    let pause = tokio::spawn(sms.courier.pause());
    service.running.stop().await.unwrap();
    assert!(tokio::time::timeout(looks, pause).await.is_ok());
}
