//! Calls that a carrier comes for: each is had by one at a time, answered once, bounded in number.

use dispatch::gateway::area::{Answered, CALLS_MAX, Call, Mailbox};
use model::{SendError, Time};
use std::sync::Arc;
use std::time::Duration;

fn call(key: &str) -> Call {
    Call {
        call: 0,
        method: "PUT".into(),
        path: "jobs/1".into(),
        key: key.into(),
        signature: "t=1,v1=0".into(),
        body: "{}".into(),
    }
}

fn at(seconds: i64) -> Time {
    Time::from_seconds(1_700_000_000 + seconds)
}

fn yes() -> Answered {
    Answered {
        status: 200,
        body: "{}".into(),
    }
}

/// Somebody who lays a call down and waits.
fn asking(
    mailbox: &Arc<Mailbox>,
    key: &'static str,
) -> tokio::task::JoinHandle<Result<Answered, SendError>> {
    let mailbox = Arc::clone(mailbox);
    tokio::spawn(async move { mailbox.call("far", call(key), at(0)).await })
}

#[tokio::test]
async fn a_call_is_had_by_one_until_its_lease_is_over_and_answered_once() {
    let mailbox = Mailbox::new(b"secret", at(0));
    assert_eq!(mailbox.take(at(0)), None);
    let asked = asking(&mailbox, "a");
    let got = mailbox
        .next(|| at(1), Duration::from_secs(5))
        .await
        .unwrap();
    assert_eq!(got.key, "a");
    assert_eq!(mailbox.take(at(20)), None, "somebody has it");
    assert_eq!(mailbox.take(at(21)), Some(got.clone()), "who had it died");
    assert!(mailbox.answer(got.call, yes()));
    assert_eq!(asked.await.unwrap(), Ok(yes()));
    assert!(!mailbox.answer(got.call, yes()), "said before");
    assert_eq!(mailbox.depth().0, 0);
    let later = Mailbox::new(b"secret", at(1));
    assert!(!later.answer(got.call, yes()), "of an earlier process");
}

#[tokio::test]
async fn who_does_not_come_is_not_waited_for_and_the_queue_has_a_bound() {
    let mailbox = Mailbox::new(b"secret", at(0));
    let is_transient = |lost| matches!(lost, Err(SendError::Transient(_)));
    let never = mailbox.call("far", call("a"), at(0)).await;
    assert!(is_transient(never), "nobody came yet");
    mailbox.take(at(0));
    let away = mailbox.call("far", call("a"), at(61)).await;
    assert!(is_transient(away), "nobody came lately");
    let many: Vec<_> = (0..CALLS_MAX).map(|_| asking(&mailbox, "c")).collect();
    while mailbox.depth().0 < CALLS_MAX {
        tokio::task::yield_now().await;
    }
    let full = mailbox.call("far", call("d"), at(0)).await;
    assert!(is_transient(full), "no more room");
    many.iter().for_each(tokio::task::JoinHandle::abort);
    for one in many {
        assert!(one.await.is_err());
    }
    assert_eq!(mailbox.depth().0, 0, "who is gone waits for nothing");
}
