//! Who subscribes, moves or leaves while a process runs: told without a start, and so after one.

use super::privacy::{carrier, files, holds};
use super::*;
use crate::living::Untaken;
use dispatch::directory::{Directory, Joining, Recipient};
use dispatch::intent::{Audience, RecipientNo};
use dispatch::simulator::carrier::Counts;
use model::{AreaCode, Channel, Order, Reach, Zone};
use std::sync::Arc;

const TOWNSHIP: &str = "440106014000";

/// Somebody of the street by short message.
pub(super) fn somebody<'a>(id: &'a str, phone: &'a str) -> Joining<'a> {
    Joining {
        id,
        position: (Some(113.13), Some(23.13)),
        area: "",
        phone,
        language: "zh",
        audience: "public",
        email: "",
        push: "",
    }
}

pub(super) async fn subscribe(app: &Arc<App>, joining: &Joining<'_>) -> RecipientNo {
    let resident = app.resident(joining, 1).unwrap();
    let taken = app.subscribe(vec![(1, joining.key(), resident)]).await;
    taken.unwrap().remove(0).recipient
}

/// Telephones of the public in the township.
fn phones(directory: &Directory, app: &App) -> Vec<u64> {
    let mut audience = Audience::of(Reach::Public, directory.version());
    audience.areas = vec![AreaCode::parse(TOWNSHIP).unwrap()];
    let (city, mut rows) = (&app.installation.city, Vec::new());
    for pass in 0..2 {
        let mut cursor = 0;
        loop {
            let at = (pass, cursor);
            let page = directory.resolve(city, &audience, Channel::Sms, at, 10, &mut rows);
            let page = page.unwrap();
            if page.end {
                break;
            }
            cursor = page.cursor;
        }
    }
    let mut phones: Vec<u64> = rows.iter().map(|row| row.address % 1_000).collect();
    phones.sort_unstable();
    phones
}

/// A first message to people by short message.
fn is_told(row: &crate::view::DeliveryItem) -> bool {
    row.purpose == "alert" && row.channel == "sms"
}

/// People of whom the journal says something.
fn person_records(app: &App) -> usize {
    let registry = Topic::actual(Kind::Registry);
    let found = records(&*app.journal, registry, Partition(0));
    let mut standing = std::collections::BTreeMap::new();
    for record in found.iter().filter(|r| r.key().starts_with(b"person/")) {
        standing.insert(record.key().to_vec(), !record.payload().is_empty());
    }
    standing.values().filter(|stands| **stands).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn who_changed_is_in_force_at_once_and_after_any_start() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    city::write_city(folder);
    let running = serve(folder, 0, NEVER, Vec::new()).await;
    let app = &running.app;
    let version = app.directory().version().to_owned();
    assert_eq!(phones(&app.directory(), app), [13, 14]);
    let new = subscribe(app, &somebody("N1", "+8613900000021")).await;
    // Who moves keeps their number, by the roll or since.
    let moved = subscribe(app, &somebody("S1", "+8613900000022")).await;
    assert!(moved < new);
    assert_eq!(subscribe(app, &somebody("N1", "+8613900000023")).await, new);
    app.unsubscribe("S2").await.unwrap();
    let gone = app.unsubscribe("S2").await;
    assert!(matches!(gone, Err(Untaken::Unknown)));
    assert_eq!(phones(&app.directory(), app), [22, 23]);
    assert_eq!(app.directory().version(), version, "no version is made");
    assert_eq!(app.directory().changes(), 3);
    assert_eq!(person_records(app), 3);
    running.stop().await.unwrap();
    let key = fs::read(folder.join("directory/people.keys")).unwrap();

    // A start makes the next version; the journal says no more of them.
    let running = serve(folder, 1, NEVER, Vec::new()).await;
    let app = &running.app;
    let directory = app.directory();
    assert_eq!(phones(&directory, app), [22, 23]);
    assert_eq!(directory.changes(), 0);
    assert_ne!(directory.version(), version);
    let phone = |no| {
        directory
            .recipient(no)
            .and_then(|r: Recipient<'_>| r.phone())
    };
    assert_eq!(phone(new), Some(8_613_900_000_023));
    assert_eq!(person_records(app), 0);
    assert_ne!(fs::read(folder.join("directory/people.keys")).unwrap(), key);
    assert_eq!(subscribe(app, &somebody("N1", "+8613900000024")).await, new);
    let other = subscribe(app, &somebody("N2", "+8613900000025")).await;
    assert!(other > new);
    running.stop().await.unwrap();

    // A roll that changed in another row does not undo what people said themselves.
    let roll = folder.join("city/subscribers.csv");
    let text = fs::read_to_string(&roll).unwrap();
    let more = "S3,113.12,23.12,+8613900000015,zh,public\n";
    fs::write(&roll, text + more).unwrap();
    let running = serve(folder, 2, NEVER, Vec::new()).await;
    let app = &running.app;
    assert_eq!(phones(&app.directory(), app), [15, 22, 24, 25]);
    running.stop().await.unwrap();
    let running = serve(folder, 3, NEVER, Vec::new()).await;
    assert_eq!(
        phones(&running.app.directory(), &running.app),
        [15, 22, 24, 25]
    );
    running.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn who_subscribed_is_warned_without_a_start_and_nothing_of_them_is_in_the_clear() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    city::write_city(folder);
    let (counts, links) = carrier().await;
    let running = serve(folder, 0, every(2), links).await;
    let app = &running.app;
    subscribe(app, &somebody("secret-id", "+8613987654321")).await;
    app.unsubscribe("S2").await.unwrap();
    report(app, 1, &[("W1", "water_depth", "0.6")]).await;
    eventually("owner and head are told", app, || {
        Counts::read(&counts.accepted) >= 2
    })
    .await;
    let warning = app.view.warnings().remove(0);
    let id = model::WarningId::parse(&warning.id).unwrap();
    for person in ["chen", "wang"].into_iter().take(warning.needs.into()) {
        let approve = Order::Approve {
            warning: id,
            revision: warning.revision,
            seen: warning.seen.clone(),
            person: person.into(),
            as_it_stands: String::new(),
        };
        assert!(app.order(Zone(0), approve).await.is_ok());
    }
    eventually("the public is told", app, || {
        let rows = app.view.deliveries();
        let public = rows.iter().filter(|row| is_told(row));
        public.map(|row| row.accepted).sum::<u64>() >= 2
    })
    .await;
    let deliveries = app.view.deliveries();
    let public: Vec<_> = deliveries.iter().filter(|row| is_told(row)).collect();
    assert_eq!(
        public.iter().map(|row| row.planned).sum::<u64>(),
        2,
        "{public:?}"
    );
    running.stop().await.unwrap();
    for path in files(folder)
        .iter()
        .filter(|path| !path.starts_with(folder.join("city")))
    {
        let bytes = fs::read(path).unwrap();
        for words in ["secret-id", "13987654321"] {
            assert!(!holds(&bytes, words), "{words} in {}", path.display());
        }
        let number: u64 = 8_613_987_654_321;
        for packed in [number.to_le_bytes(), number.to_be_bytes()] {
            assert!(
                !bytes.windows(8).any(|part| part == packed),
                "{}",
                path.display()
            );
        }
    }
}

/// Accepted messages to the public of a purpose.
fn accepted(app: &App, purpose: &str) -> u64 {
    let rows = app.view.deliveries();
    let public = rows.iter().filter(|row| row.purpose == purpose);
    public.map(|row| row.accepted).sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn who_comes_into_a_warned_area_is_told_then_and_who_left_hears_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    city::write_city(folder);
    let (counts, links) = carrier().await;
    let running = serve(folder, 0, every(2), links).await;
    let app = &running.app;
    report(app, 1, &[("W1", "water_depth", "0.6")]).await;
    eventually("owner and head are told", app, || {
        Counts::read(&counts.accepted) >= 2
    })
    .await;
    let warning = app.view.warnings().remove(0);
    let id = model::WarningId::parse(&warning.id).unwrap();
    for person in ["chen", "wang"].into_iter().take(warning.needs.into()) {
        let approve = Order::Approve {
            warning: id,
            revision: warning.revision,
            seen: warning.seen.clone(),
            person: person.into(),
            as_it_stands: String::new(),
        };
        assert!(app.order(Zone(0), approve).await.is_ok());
    }
    let wet = [("W1", "water_depth", "0.6")];
    eventually("the public is told", app, || accepted(app, "alert") == 2).await;
    let came = somebody("N1", "+8613900000041");
    subscribe(app, &came).await;
    report(app, 2, &wet).await;
    eventually("who came is told", app, || accepted(app, "alert") == 3).await;
    // Moved within it, and out and in again: heard already.
    let elsewhere = Joining {
        position: (Some(113.14), Some(23.12)),
        ..came
    };
    subscribe(app, &elsewhere).await;
    let of_district = Joining {
        position: (None, None),
        area: "440106000000",
        ..came
    };
    subscribe(app, &of_district).await;
    report(app, 3, &wet).await;
    subscribe(app, &came).await;
    report(app, 4, &wet).await;
    report(app, 5, &wet).await;
    // S1 goes where nothing is warned of; S2 stays.
    let gone = Joining {
        id: "S1",
        phone: "+8613900000013",
        ..of_district
    };
    subscribe(app, &gone).await;
    report(app, 6, &wet).await;
    report(app, 7, &wet).await;
    assert_eq!(
        accepted(app, "alert"),
        3,
        "nobody is told twice, and leaving says nothing"
    );
    let cancel = Order::Cancel {
        warning: id,
        areas: Vec::new(),
        person: "chen".into(),
        reason: "over".into(),
    };
    assert!(app.order(Zone(0), cancel).await.is_ok());
    report(app, 8, &wet).await;
    eventually("all three hear that it is over", app, || {
        accepted(app, "cancelled") >= 3
    })
    .await;
    assert_eq!(accepted(app, "cancelled"), 3);
    running.stop().await.unwrap();
}
