//! When the last phone rings, foretold before anybody signs: each account by its own phones.

use super::*;
use dispatch::gateway::sms::share::Share;
use dispatch::gateway::sms::{LinkConfig, Numbers};
use model::WarningId;
use serde_json::{Value, json};
use std::fmt::Write;
use std::sync::Arc;

/// Links of accounts that carry these, one second's parts each; none of them leads anywhere.
pub(super) fn links(accounts: &[(&str, &[&str], u32, bool)]) -> Links {
    let carries: Vec<Vec<String>> = accounts
        .iter()
        .map(|(_, words, ..)| words.iter().map(|word| (*word).to_owned()).collect())
        .collect();
    let carries: Vec<&[String]> = carries.iter().map(Vec::as_slice).collect();
    let shares = Share::of(&carries, &Numbers::shipped().unwrap()).unwrap();
    let accounts = accounts.iter().zip(shares);
    let links = accounts.map(|((name, _, pace, flash), share)| {
        let mut config = LinkConfig {
            share: Some(share),
            addresses: vec!["127.0.0.1:9".to_owned()],
            ..LinkConfig::default()
        };
        config.sender.flash = *flash;
        ((*name).to_owned(), LinkKind::Sms(Box::new(config), *pace))
    });
    links.collect()
}

/// What a signer of the street's first warning is shown.
pub(super) async fn shown(running: &Running) -> Value {
    let app = Arc::clone(&running.app);
    report(&app, 1, &[("W1", "water_depth", "0.6")]).await;
    let id = WarningId::parse(&app.view.warnings()[0].id).unwrap();
    let warning = app.view.original(id).unwrap();
    let told = app.told(&warning).await.unwrap();
    let work = move || app.preview(told.as_ref(), &warning).0;
    tokio::task::spawn_blocking(work).await.unwrap()
}

/// Subscribers with these telephones.
pub(super) fn write_roll(folder: &Path, people: &[(u64, &str)]) {
    let mut roll = "id,lon,lat,phone,language,audience\n".to_owned();
    for (no, (phone, language)) in people.iter().enumerate() {
        writeln!(roll, "R{no},113.11,23.11,+{phone},{language},public").unwrap();
    }
    fs::write(folder.join("city/subscribers.csv"), roll).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_phone_is_that_of_the_account_with_the_most_to_do() {
    let folder = tempfile::tempdir().unwrap();
    city::write_city(folder.path());
    // Nine tenths on one of two accounts with the same rate; those of the other are told twice over.
    let mobile = (0..90).map(|no| (8_613_800_000_000 + no, "zh"));
    let unicom = (0..10).map(|no| (8_613_000_000_000 + no, "en"));
    write_roll(folder.path(), &mobile.chain(unicom).collect::<Vec<_>>());
    let links = links(&[("sms", &[], 3, false), ("sms/second", &["unicom"], 3, true)]);
    let running = serve(folder.path(), 0, NEVER, links).await;
    let shown = shown(&running).await;
    running.stop().await.unwrap();
    let parts = |language: &str| shown["segments"][language].as_u64().unwrap();
    let responsible = shown["heads"]["sms"]["zh"].as_u64().unwrap() - 90;
    let of = |place: usize, key: &str| shown["last_phones"][place][key].as_u64().unwrap();
    assert_eq!(of(0, "heads"), 90 + responsible, "{shown}");
    assert_eq!(of(1, "heads"), 10, "{shown}");
    // Words to responsible persons may be longer than those to the public, and are no shorter than one part.
    assert!(of(0, "parts") >= 90 * parts("zh") + responsible, "{shown}");
    assert_eq!(
        of(1, "parts"),
        10 * 2 * parts("en"),
        "shown at once as well"
    );
    for place in [0, 1] {
        let all = of(place, "parts") + of(place, "ahead");
        assert_eq!(of(place, "last_phone_s"), all.div_ceil(3), "{shown}");
    }
    assert_eq!(
        shown["last_phone_s"],
        shown["last_phones"][0]["last_phone_s"]
    );
    assert!(
        shown["last_phone_s"].as_u64() >= Some(30),
        "by the sum of rates it were half: {shown}"
    );
    assert_eq!(shown["last_phones"][1]["link"], json!("sms/second"));
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_rate_of_an_account_that_tells_somebody_nothing_is_foretold() {
    let folder = tempfile::tempdir().unwrap();
    city::write_city(folder.path());
    write_roll(folder.path(), &[(8_613_000_000_001, "zh")]);
    let links = links(&[
        ("sms", &[], 3, false),
        ("sms/second", &["unicom"], 0, false),
    ]);
    let running = serve(folder.path(), 0, NEVER, links).await;
    let shown = shown(&running).await;
    running.stop().await.unwrap();
    assert_eq!(shown["last_phone_s"], Value::Null, "{shown}");
    assert!(shown["last_phones"][0]["last_phone_s"].is_u64(), "{shown}");
    assert_eq!(shown["last_phones"][1]["last_phone_s"], Value::Null);
}
