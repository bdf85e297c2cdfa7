//! What is said at whole minutes without a new revision, over stops and starts: the digest of what is low,
//! and water that goes on rising.

use super::*;
use crate::courier::Single;
use dispatch::intent::Intent;
use dispatch::wording::Purpose;

/// The city of one street that merges what is blue and tells of each further 10 cm.
fn write_city(folder: &Path) {
    city::write_city(folder);
    let file = folder.join("city/city.toml");
    let text = fs::read_to_string(&file).unwrap();
    let more = "[telling]\ndigest = { tier = \"blue\", every_minutes = 30 }\ndepth_step_cm = 10\n";
    assert!(text.contains("[telling]\n"));
    fs::write(&file, text.replace("[telling]\n", more)).unwrap();
}

/// Notices that were planned for responsible persons: why, at which site, and the words.
fn planned(app: &App) -> Vec<(Purpose, Vec<String>, String)> {
    let link = app.links.iter().position(|link| link == "push").unwrap();
    let queue = Topic::new(Kind::Deliveries, app.mode);
    let records = records(&*app.journal, queue, Partition(link as u16));
    let intents = records.iter().map(|record| {
        let intent: Intent = serde_json::from_slice(record.payload()).unwrap();
        intent
    });
    let theirs = intents.filter(|i| i.audience.reach == model::Reach::Responsible);
    theirs
        .filter(|intent| intent.audience.authority.is_none() && !intent.again)
        .filter(|intent| intent.purpose != Purpose::Signature)
        .map(|intent| {
            let words = intent.words[0].text.clone();
            (intent.purpose, intent.audience.sites, words)
        })
        .collect()
}

async fn over_starts(snapshots: Period) {
    let folder = tempfile::tempdir().unwrap();
    write_city(folder.path());
    let links = || vec![("push".to_owned(), LinkKind::Single(Single::Push))];
    let running = serve(folder.path(), 0, snapshots, links()).await;
    for minute in 1..=9 {
        // Blue from 5 cm on.
        report(&running.app, minute, &[("W1", "water_depth", "0.07")]).await;
    }
    assert_eq!(planned(&running.app), []);
    running.stop().await.unwrap();

    let running = serve(folder.path(), 10, snapshots, links()).await;
    let app = &running.app;
    for minute in 10..=30 {
        report(app, minute, &[("W1", "water_depth", "0.08")]).await;
    }
    let said = planned(app);
    let digests = said
        .iter()
        .filter(|(purpose, ..)| *purpose == Purpose::Digest);
    let places: Vec<_> = digests.map(|(_, sites, _)| sites.clone()).collect();
    assert!(places.contains(&vec!["C1".to_owned()]), "{said:?}");
    assert_eq!(places.len(), said.len(), "all of it was merged: {said:?}");
    // Orange from 27 cm on is said at once, and a further 10 cm once.
    for (minute, depth) in [(31, "0.28"), (32, "0.28"), (33, "0.28")] {
        report(app, minute, &[("W1", "water_depth", depth)]).await;
    }
    let at_site = |said: &[(Purpose, Vec<String>, String)]| {
        let reminders = said.iter().filter(|(purpose, sites, _)| {
            *purpose == Purpose::Reminder && sites == &["C1".to_owned()]
        });
        reminders
            .map(|(.., words)| words.clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(at_site(&planned(app)).len(), 1, "{:?}", planned(app));
    running.stop().await.unwrap();

    let running = serve(folder.path(), 34, snapshots, links()).await;
    let app = &running.app;
    for (minute, depth) in [(34, "0.39"), (35, "0.39"), (36, "0.39")] {
        report(app, minute, &[("W1", "water_depth", depth)]).await;
    }
    let said = at_site(&planned(app));
    assert_eq!(said.len(), 2, "{said:?}");
    assert!(said[1].contains("积水0.39米"), "{said:?}");
    running.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_gathered_is_said_once_from_the_whole_past() {
    over_starts(NEVER).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_gathered_is_said_once_from_snapshots() {
    over_starts(OFTEN).await;
}
