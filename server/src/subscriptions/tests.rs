//! What is kept, what is forgotten, and that nothing is there to be read.

use super::*;
use dispatch::gateway::gate::GateConfig;
use dispatch::gateway::http::{ClientConfig, client};
use dispatch::gateway::jwt::SigningKey;
use dispatch::gateway::web_push::WebPushConfig;
use model::Span;

/// A key for tests alone.
pub(crate) const KEY: &str = "-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg1PfK6x4nzvoEBT1V
jPQ3VkvFiLo4EIybq4UEXQBm8GehRANCAAQ2FWaho9+ZrsdXExh772wQjBKRCtdG
vMZEUhYagtx0wp0oH+XqnvZXpEMQiSxxKAJloSsZqojsGXDXj2u9ScmX
-----END PRIVATE KEY-----";

pub(crate) const P256DH: &str =
    "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4";

pub(crate) const AUTH: &str = "BTBZMqHH6r4Tts7J_aSIgg";

fn browsers() -> Arc<WebPush> {
    let config = WebPushConfig {
        subject: "mailto:duty@example.org".into(),
        key: SigningKey::from_pem(KEY).unwrap(),
        services: vec!["https://push.example.org".into()],
        gate: GateConfig {
            in_flight_max: 1,
            waiting_max: 1,
            failures_max: 1,
            pause: Span::from_seconds(1),
        },
    };
    let client = client(&ClientConfig::default()).unwrap();
    Arc::new(WebPush::new(config, client).unwrap())
}

fn open(folder: &Path) -> Subscriptions {
    Subscriptions::open(folder, [7; 32], 3, browsers()).unwrap()
}

fn browser(name: &str) -> Subscription {
    let line = format!("https://push.example.org/{name}#{P256DH}.{AUTH}");
    Subscription::parse(&line).unwrap()
}

fn area(code: &str) -> AreaCode {
    AreaCode::parse(code).unwrap()
}

fn put(all: &Subscriptions, name: &str, code: &str) -> Result<(), Refused> {
    let from = (None, Time::from_seconds(0));
    all.put(&browser(name), vec![area(code)], Language::Zh, from)
        .map(drop)
}

fn heard(all: &Subscriptions, code: &str) -> Vec<u32> {
    let (rows, next) = all.page(&[area(code)], 0, 100);
    assert_eq!(next, None);
    rows.iter()
        .map(|row| row.recipient.0 - NUMBERS_FROM)
        .collect()
}

#[test]
fn who_subscribed_hears_of_their_place_and_numbers_are_never_given_again() {
    let folder = tempfile::tempdir().unwrap();
    let all = open(folder.path());
    put(&all, "one", "440106014000").unwrap();
    put(&all, "two", "440103000000").unwrap();
    assert_eq!(heard(&all, "440106014000"), [1]);
    let none: [u32; 0] = [];
    assert_eq!(
        heard(&all, "440106000000"),
        none,
        "of the rest of the district"
    );
    assert_eq!(heard(&all, "440103001000"), [2], "a street in it");
    // The same browser again stands in its own place.
    put(&all, "one", "440103000000").unwrap();
    assert_eq!(
        (heard(&all, "440106014000"), heard(&all, "440103000000")),
        (vec![], vec![1, 2])
    );
    put(&all, "three", "440106014000").unwrap();
    assert!(matches!(
        put(&all, "four", "440106014000"),
        Err(Refused::Full(3))
    ));
    assert!(all.take_back("https://push.example.org/three"));
    assert!(!all.take_back("https://push.example.org/three"));
    put(&all, "five", "440106014000").unwrap();
    assert_eq!(heard(&all, "440106014000"), [4]);
    all.forget(RecipientNo(NUMBERS_FROM + 4));
    // Also where it was the highest, and after a restart.
    drop(all);
    let all = open(folder.path());
    put(&all, "six", "440106014000").unwrap();
    assert_eq!(heard(&all, "440106014000"), [5]);
    assert!(
        all.token(RecipientNo(NUMBERS_FROM + 5))
            .unwrap()
            .contains("/six#")
    );
    assert_eq!(all.token(RecipientNo(NUMBERS_FROM + 4)), None);
}

#[test]
fn two_processes_over_one_folder_see_each_others_and_share_no_number() {
    let folder = tempfile::tempdir().unwrap();
    let (one, two) = (open(folder.path()), open(folder.path()));
    put(&one, "one", "440106014000").unwrap();
    put(&two, "two", "440106014000").unwrap();
    assert_eq!(heard(&one, "440106014000"), [1, 2]);
    assert_eq!(heard(&two, "440106014000"), [1, 2]);
    let (rows, next) = one.page(&[area("440106014000")], 0, 1);
    assert_eq!((rows.len(), next), (1, Some(u64::from(NUMBERS_FROM + 2))));
}

#[test]
fn nothing_of_a_subscription_is_on_disk_in_the_clear_and_a_damaged_one_harms_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let all = open(folder.path());
    put(&all, "secret-name", "440106014000").unwrap();
    put(&all, "two", "440106014000").unwrap();
    for file in fs::read_dir(folder.path()).unwrap() {
        let bytes = fs::read(file.unwrap().path()).unwrap();
        let text = String::from_utf8_lossy(&bytes);
        for word in ["push.example.org", "secret-name", P256DH, "440106014000"] {
            assert!(!text.contains(word), "{word}");
        }
    }
    drop(all);
    fs::write(
        folder.path().join(format!("{}.sub", NUMBERS_FROM + 1)),
        b"damaged",
    )
    .unwrap();
    let all = open(folder.path());
    assert_eq!(heard(&all, "440106014000"), [2]);
}

#[test]
fn neither_strangers_services_nor_crowds_are_taken() {
    let folder = tempfile::tempdir().unwrap();
    let all = Subscriptions::open(folder.path(), [7; 32], 10_000, browsers()).unwrap();
    let line = format!("http://127.0.0.1/admin#{P256DH}.{AUTH}");
    let inside = Subscription::parse(&line).unwrap();
    let at = |s| Time::from_seconds(s);
    let refused = all.put(&inside, vec![], Language::Zh, (None, at(0)));
    assert!(matches!(refused, Err(Refused::Service)));
    let client: IpAddr = "192.0.2.1".parse().unwrap();
    let leave = |client, second| {
        let area = vec![area("440106014000")];
        all.put(
            &browser("same"),
            area,
            Language::Zh,
            (Some(client), at(second)),
        )
    };
    for second in 0..i64::from(PER_CLIENT) {
        leave(client, second).unwrap();
    }
    assert!(matches!(leave(client, 30), Err(Refused::TooOften)));
    leave("192.0.2.2".parse().unwrap(), 31).unwrap();
    leave(client, 3600).unwrap();
    assert_eq!(all.len(), 1);
}
