//! What is wrong is said: topics, addresses, logins, and records that somebody else wrote.

use super::cluster::{Cluster, INPUT, P0, SHARED, all, layout, one, payloads, write};
use super::token;
use journal::{
    Difference, Journal, JournalError, KafkaJournal, KafkaOptions, Layout, Login, Mechanism, Mode,
    Offset, Security, Tls,
};
use rdkafka::ClientConfig;
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use std::time::Duration;

fn refused(options: KafkaOptions, layout: &Layout) -> String {
    match KafkaJournal::open(options, layout, Mode::Actual) {
        Ok(_) => panic!("it opened"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn topics_are_made_compared_and_insisted_on() {
    let _shared = SHARED.read();
    let Some(cluster) = Cluster::found() else {
        return;
    };
    let options = cluster.options("topics", "a");
    let missing = refused(options.clone(), &layout());
    assert!(
        missing.contains("input") && missing.contains("does not exist"),
        "{missing}"
    );
    assert!(missing.contains("sanfang topics create"), "{missing}");
    let all = options.compare_topics(&layout(), Mode::Actual).unwrap();
    assert_eq!(all.len(), 10, "{all:?}");

    let made = options.create_topics(&layout(), Mode::Actual).unwrap();
    assert_eq!(made.len(), 10, "{made:?}");
    assert_eq!(
        options.create_topics(&layout(), Mode::Actual).unwrap(),
        [""; 0]
    );
    assert_eq!(options.compare_topics(&layout(), Mode::Actual).unwrap(), []);

    let wider = Layout {
        zones: 9,
        min_insync_replicas: 1,
        ..layout()
    };
    let wrong = refused(options.clone(), &wider);
    assert!(wrong.contains("8 partitions, not 9"), "{wrong}");
    let differences = options.compare_topics(&wider, Mode::Actual).unwrap();
    let partitions = Difference {
        topic: format!("{}input", options.prefix),
        what: "partitions".into(),
        found: "8".into(),
        wanted: "9".into(),
    };
    assert!(differences.contains(&partitions), "{differences:?}");
    assert!(differences.iter().any(|d| d.what == "min.insync.replicas"));

    // More links are partitions more, and who does not know of them yet goes on.
    let linked = Layout {
        links: 3,
        ..layout()
    };
    let grown = options.grow_topics(&linked, Mode::Actual).unwrap();
    let by_link = ["deliveries", "receipts", "ledger"];
    assert_eq!(
        grown,
        by_link.map(|name| format!("{}{name}", options.prefix))
    );
    assert_eq!(options.compare_topics(&linked, Mode::Actual).unwrap(), []);
    assert_eq!(options.grow_topics(&linked, Mode::Actual).unwrap(), [""; 0]);
    for known in [linked, layout()] {
        drop(KafkaJournal::open(options.clone(), &known, Mode::Actual).unwrap());
    }

    let copies = Layout {
        replication: 4,
        ..layout()
    };
    let options = cluster.options("copies", "a");
    let refused = options.create_topics(&copies, Mode::Actual).unwrap_err();
    assert!(
        matches!(refused, JournalError::TopicWrong { .. }),
        "{refused}"
    );
    cluster.clear("topics");
}

#[test]
fn brokers_that_are_not_there_and_names_that_cannot_be() {
    let nobody = refused(KafkaOptions::new("127.0.0.1:1", "a"), &layout());
    assert!(nobody.contains("127.0.0.1:1"), "{nobody}");
    for (brokers, node, words) in [("", "a", "no brokers"), ("127.0.0.1:1", "ü", "node")] {
        let said = refused(KafkaOptions::new(brokers, node), &layout());
        assert!(said.contains(words), "{said}");
    }
}

/// Over TLS, with each way of saying who one is; a wrong password is refused.
#[test]
fn who_we_are_is_proved() {
    let _shared = SHARED.read();
    let Some(cluster) = Cluster::found() else {
        return;
    };
    let folder = Cluster::folder();
    let read = |name: &str| {
        let text = std::fs::read_to_string(folder.join(name)).unwrap();
        text.trim().to_owned()
    };
    let tls = Tls {
        ca_file: Some(folder.join("ca.pem")),
        certificate: None,
    };
    let login = |mechanism, password: &str| Login::Password {
        mechanism,
        username: "sanfang".into(),
        password: password.to_owned(),
    };
    let with = |login| KafkaOptions {
        brokers: read("brokers.sasl_ssl"),
        security: Security {
            tls: Some(tls.clone()),
            login: Some(login),
        },
        ..cluster.options("login", "a")
    };
    let password = read("password");
    for mechanism in [
        Mechanism::ScramSha512,
        Mechanism::ScramSha256,
        Mechanism::Plain,
    ] {
        let options = with(login(mechanism, &password));
        options.create_topics(&layout(), Mode::Actual).unwrap();
        let journal = KafkaJournal::open(options, &layout(), Mode::Actual).unwrap();
        write(&journal, one(None, INPUT, mechanism.name().as_bytes())).unwrap();
    }
    let wrong = with(login(Mechanism::ScramSha512, "wrong"));
    assert!(
        !format!("{wrong:?}").contains("wrong"),
        "a password is shown"
    );
    let said = refused(wrong, &layout());
    assert!(said.contains("login"), "{said}");
    let authority = token::Authority::new("sanfang", "the secret");
    let token = |secret: &str| Login::Token {
        url: authority.url.clone(),
        ca_file: None,
        client: "sanfang".into(),
        secret: secret.to_owned(),
        scope: Some("kafka".into()),
    };
    let options = with(token("the secret"));
    assert!(!format!("{options:?}").contains("the secret"));
    let journal = KafkaJournal::open(options, &layout(), Mode::Actual).unwrap();
    write(&journal, one(None, INPUT, b"OAUTHBEARER")).unwrap();
    drop(journal);
    let said = refused(with(token("another")), &layout());
    assert!(said.contains("login"), "{said}");
    // A certificate of our own, without a name.
    let options = KafkaOptions {
        brokers: read("brokers.ssl"),
        security: Security {
            tls: Some(Tls {
                certificate: Some((folder.join("client.pem"), folder.join("client.key"))),
                ..tls.clone()
            }),
            login: None,
        },
        ..cluster.options("login", "a")
    };
    let journal = KafkaJournal::open(options, &layout(), Mode::Actual).unwrap();
    assert_eq!(all(&journal, INPUT).len(), 4);
    cluster.clear("login");
}

/// Records of others are passed on as such; one of a later version stops the reader.
#[test]
fn records_of_others() {
    let _shared = SHARED.read();
    let Some(cluster) = Cluster::found() else {
        return;
    };
    let journal = cluster.journal("others", "a");
    write(&journal, one(None, INPUT, b"ours")).unwrap();
    let name = format!("{}input", cluster.options("others", "a").prefix);
    let producer: BaseProducer = ClientConfig::new()
        .set("bootstrap.servers", &cluster.brokers)
        .create()
        .unwrap();
    let foreign = BaseRecord::<[u8], [u8]>::to(&name)
        .partition(0)
        .payload(b"theirs");
    producer.send(foreign).unwrap();
    let headers = OwnedHeaders::new().insert(Header {
        key: "sanfang-format",
        value: Some("99"),
    });
    producer.flush(Duration::from_secs(60)).unwrap();
    write(&journal, one(None, INPUT, b"ours again")).unwrap();
    let found = all(&journal, INPUT);
    assert_eq!(payloads(&found), [&b"ours"[..], b"theirs", b"ours again"]);
    let kinds: Vec<u8> = found.iter().map(|record| record.kind).collect();
    assert_eq!(kinds, [3, 0, 3], "a kind that nobody of ours writes");

    let newer = BaseRecord::<[u8], [u8]>::to(&name)
        .partition(0)
        .payload(b"later")
        .headers(headers);
    producer.send(newer).unwrap();
    producer.flush(Duration::from_secs(60)).unwrap();
    let next = found.last().unwrap().offset.plus(1);
    journal.wait(INPUT, P0, next.plus(1), Duration::from_secs(60));
    let refused = journal.read(INPUT, P0, next, 1 << 20);
    assert!(
        matches!(refused, Err(JournalError::Newer { found: 99, .. })),
        "{refused:?}"
    );
    // What stands before it can be read, now and by others, and nothing behind it.
    write(&journal, one(None, INPUT, b"behind")).unwrap();
    let other = cluster.journal("others", "b");
    let mut next = Offset(0);
    let refused = loop {
        match other.read(INPUT, P0, next, 1) {
            Ok(records) => next = records.last().unwrap().offset.plus(1),
            Err(error) => break error,
        }
    };
    assert_eq!(next, found.last().unwrap().offset.plus(1));
    assert!(matches!(refused, JournalError::Newer { .. }), "{refused}");
    cluster.clear("others");
}
