//! What phones answer while the disk is full, and how a link rests.

use super::*;
use crate::process::LinkKind;
use crate::process::tests::full::Cramped;
use crate::process::tests::{NEVER, NOON, records, report, serve};
use crate::small_city as city;
use dispatch::gateway::sms::Account;
use dispatch::gateway::sms::share::FailOver;
use journal::Partition;
use model::{Input, Order, Time};
use std::time::Duration;

/// A link that no centre is behind.
fn sms(app: &Arc<App>) -> Sms {
    let courier = Courier::open(Arc::clone(app), 5, Limits::default()).unwrap();
    let aside = Aside::new(&FailOver::default(), app.clock.now());
    Sms {
        courier,
        style: Style::default(),
        texts: FxHashMap::default(),
        agreed: Agreed::new(Account::default(), model::Offset(480)),
        reference: 0,
        waiting: VecDeque::new(),
        queued: FxHashSet::default(),
        window: 0,
        aside,
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
    let (_held, revoked) = tokio::sync::watch::channel(false);
    let term = Term::new(Arc::clone(&app), revoked);
    // Some looks of a link that has something to do.
    let looks = Duration::from_millis(400);
    assert!(
        tokio::time::timeout(looks, sms.courier.pause(&term))
            .await
            .is_err()
    );
    let pause = tokio::spawn(sms.courier.pause(&term));
    service.running.stop().await.unwrap();
    assert!(tokio::time::timeout(looks, pause).await.is_ok());
}

/// Sessions with so much room.
#[derive(Default)]
struct Room {
    room: usize,
    taken: Vec<u64>,
}

impl Wire for Room {
    fn room(&self) -> usize {
        self.room - self.taken.len()
    }

    fn submit(&mut self, batch: &[Submit<'_>]) -> usize {
        let taken = self.room().min(batch.len());
        let tokens = batch.iter().take(taken).map(|submit| submit.token);
        self.taken.extend(tokens);
        taken
    }

    fn acknowledge(&mut self, _: u64) {}
}

/// A link of short messages with those responsible to be told, and nothing on the wire.
async fn somebody_to_tell(folder: &std::path::Path) -> Sms {
    city::write_city(folder);
    let config = LinkConfig {
        addresses: vec!["127.0.0.1:9".into()],
        account: "sanfang".into(),
        ..LinkConfig::default()
    };
    let link = LinkKind::Sms(Box::new(config.clone()), 0);
    let running = serve(folder, 0, NEVER, vec![("sms".into(), link)]).await;
    report(&running.app, 1, &[("W1", "water_depth", "0.6")]).await;
    let app = Arc::clone(&running.app);
    running.stop().await.unwrap();
    let number = app.links.iter().position(|name| name == "sms").unwrap();
    let mut sms = Sms::open(&app, number, &config, 0).unwrap();
    sms.heard(&Turn::default(), 10).unwrap();
    sms
}

/// The clock leaps, and what is not answered is given up for silent and tried again.
fn leap(sms: &mut Sms, sessions: &mut Room) {
    for minute in [12, 13] {
        let app = Arc::clone(&sms.courier.app);
        app.clock.advance_to(Time::from_minute(NOON + minute));
        sms.courier.step(Event::Tick);
        sms.round(sessions).unwrap();
    }
    assert!(sms.courier.outbox.stats().uncertain > 0);
    assert!(
        sms.courier.outbox.stats().retried > 0,
        "they are sent again"
    );
}

/// An answer comes while its message, given up for silent, waits for room to be sent again.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_answered_while_its_next_try_waits_goes_out_once() {
    let folder = tempfile::tempdir().unwrap();
    let mut sms = somebody_to_tell(folder.path()).await;
    let mut sessions = Room {
        room: 10,
        ..Room::default()
    };
    sms.round(&mut sessions).unwrap();
    let first = sessions.taken.clone();
    assert!(first.len() > 1, "those responsible are told");
    sessions.room = first.len();
    leap(&mut sms, &mut sessions);
    let answers = first.iter().skip(1).map(|token| WireAnswer {
        token: *token,
        outcome: WireOutcome::Accepted { id: None },
        late: true,
    });
    let turn = Turn {
        answers: answers.collect(),
        ..Turn::default()
    };
    sms.heard(&turn, 10).unwrap();
    sessions.room = 10;
    sms.round(&mut sessions).unwrap();
    let again = sessions.taken.split_off(first.len());
    assert!(
        again.contains(&first[0]),
        "of that one nothing is known still"
    );
    assert!(again.iter().all(|token| !first[1..].contains(token)));
}

/// The clock leaps while messages wait for room: they are given up for silent, and are here still.
#[tokio::test(flavor = "multi_thread")]
async fn what_waits_for_room_goes_out_once_however_long_it_waited() {
    let folder = tempfile::tempdir().unwrap();
    let mut sms = somebody_to_tell(folder.path()).await;
    let mut sessions = Room::default();
    sms.round(&mut sessions).unwrap();
    let waiting = sms.waiting.len();
    assert!(waiting > 0, "those responsible are told");
    leap(&mut sms, &mut sessions);
    sessions.room = 10;
    sms.round(&mut sessions).unwrap();
    let mut tokens = sessions.taken;
    let count = tokens.len();
    tokens.sort_unstable();
    tokens.dedup();
    assert_eq!(tokens.len(), count, "each once");
    assert!(count >= waiting);
}
