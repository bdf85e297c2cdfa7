//! Polling an Atom feed over HTTP.

use crate::peers::runtime;
use crate::server::{Answer, Server};
use dispatch::gateway::cap::poll::{EntryError, PollConfig, PollError, Poller, Round};
use dispatch::gateway::http::{ClientConfig, client};
use model::{AreaCode, Tier};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

fn nowhere(_: dispatch::gateway::cap::Cover<'_>) -> Vec<AreaCode> {
    Vec::new()
}

fn alert(id: &str, severity: &str) -> Vec<u8> {
    format!(
        "<alert xmlns='urn:oasis:names:tc:emergency:cap:1.2'><identifier>{id}</identifier>\
         <sender>met@gz.cn</sender><sent>2023-09-07T13:04:00+08:00</sent><status>Actual</status>\
         <msgType>Alert</msgType><scope>Public</scope><info><language>zh-CN</language>\
         <event>暴雨</event><severity>{severity}</severity></info></alert>"
    )
    .into_bytes()
}

fn feed(entries: &[(&str, &str)]) -> Vec<u8> {
    let entries: String = entries
        .iter()
        .map(|(id, link)| {
            format!(
                "<entry><id>{id}</id><updated>2023-09-07T13:04:00+08:00</updated>\
                 <link href='{link}' type='application/cap+xml'/></entry>"
            )
        })
        .collect();
    format!("<feed xmlns='http://www.w3.org/2005/Atom'><title>t</title>{entries}</feed>")
        .into_bytes()
}

fn poller(server: &Server) -> Poller {
    let config = PollConfig {
        feed: server.url("/feed"),
        hosts: vec![],
        every: Duration::from_secs(60),
        signers: None,
    };
    Poller::new(client(&ClientConfig::default()).unwrap(), config)
}

#[test]
fn each_alert_comes_once_oldest_first_and_unchanged_is_cheap() {
    runtime().block_on(async {
        let server = Server::start(|request| {
            if request.line.contains("/feed") {
                if request.header("if-none-match") == "\"v1\"" {
                    return Answer::Say(304, String::new(), vec![]);
                }
                let body = feed(&[("new", "/new.xml"), ("old", "/old.xml")]);
                return Answer::Say(200, "ETag: \"v1\"\r\n".into(), body);
            }
            let red = request.line.contains("new");
            let (id, severity) = if red {
                ("b", "Extreme")
            } else {
                ("a", "Minor")
            };
            Answer::Say(200, String::new(), alert(id, severity))
        })
        .await;
        let mut poller = poller(&server);
        let round = poller.poll(&nowhere).await.unwrap();
        assert_eq!(
            got(&round),
            [("a".into(), Tier::Blue), ("b".into(), Tier::Red)]
        );
        assert!(round.faults.is_empty(), "{:?}", round.faults);
        round
            .found
            .into_iter()
            .for_each(|found| poller.stored(found));
        let again = poller.poll(&nowhere).await.unwrap();
        assert!(again.unchanged && again.found.is_empty());
        assert_eq!(server.count(), 4);
    });
}

/// Identifiers and tiers of what a round gave.
fn got(round: &Round) -> Vec<(String, Tier)> {
    let signals = round.found.iter().flat_map(|found| &found.signals);
    signals.map(|s| (s.identifier.clone(), s.tier)).collect()
}

#[test]
fn what_could_not_be_stored_comes_again_and_the_rest_does_not() {
    runtime().block_on(async {
        let server = Server::start(|request| {
            if request.line.contains("/feed") {
                if request.header("if-none-match") == "\"v1\"" {
                    return Answer::Say(304, String::new(), vec![]);
                }
                let body = feed(&[("b", "/b.xml"), ("a", "/a.xml")]);
                return Answer::Say(200, "ETag: \"v1\"\r\n".into(), body);
            }
            let id = if request.line.contains("/a") {
                "a"
            } else {
                "b"
            };
            Answer::Say(200, String::new(), alert(id, "Minor"))
        })
        .await;
        let mut poller = poller(&server);
        let mut round = poller.poll(&nowhere).await.unwrap();
        assert_eq!(round.found.len(), 2);
        poller.stored(round.found.remove(0));
        for _ in 0..2 {
            // The journal is full: the feed says that nothing changed, and the entry comes again.
            let round = poller.poll(&nowhere).await.unwrap();
            assert_eq!(got(&round), [("b".into(), Tier::Blue)]);
        }
        let round = poller.poll(&nowhere).await.unwrap();
        round
            .found
            .into_iter()
            .for_each(|found| poller.stored(found));
        assert!(poller.poll(&nowhere).await.unwrap().unchanged);
    });
}

#[test]
fn one_bad_alert_holds_up_none_and_what_may_heal_is_asked_again() {
    runtime().block_on(async {
        let calls = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&calls);
        let server = Server::start(move |request| {
            let line = request.line.as_str();
            if line.contains("/feed") {
                assert_eq!(
                    request.header("if-none-match"),
                    "",
                    "a 304 would hide the rest"
                );
                let links = [
                    ("inside", "http://169.254.169.254/latest"),
                    ("file", "file:///etc/passwd"),
                    ("attack", "/attack.xml"),
                    ("ill", "/ill.xml"),
                    ("good", "/good.xml"),
                ];
                return Answer::Say(200, "ETag: \"v1\"\r\n".into(), feed(&links));
            }
            if line.contains("attack") {
                let bomb = b"<!DOCTYPE a [<!ENTITY b 'c'>]><alert>&b;</alert>".to_vec();
                return Answer::Say(200, String::new(), bomb);
            }
            if line.contains("ill") && counted.fetch_add(1, Ordering::Relaxed) == 0 {
                return Answer::Say(503, String::new(), vec![]);
            }
            let id = if line.contains("ill") { "ill" } else { "good" };
            Answer::Say(200, String::new(), alert(id, "Severe"))
        })
        .await;
        let mut poller = poller(&server);
        let round = poller.poll(&nowhere).await.unwrap();
        assert_eq!(got(&round).len(), 1);
        assert_eq!(round.faults.len(), 4, "{:?}", round.faults);
        let links = round
            .faults
            .iter()
            .filter(|f| matches!(f, EntryError::Link(_)));
        assert_eq!(links.count(), 2);
        round
            .found
            .into_iter()
            .for_each(|found| poller.stored(found));
        let round = poller.poll(&nowhere).await.unwrap();
        assert_eq!(got(&round), [("ill".into(), Tier::Orange)]);
        assert!(round.faults.is_empty(), "{:?}", round.faults);
    });
}

#[test]
fn a_feed_that_is_none_is_an_error_that_names_it() {
    runtime().block_on(async {
        let server = Server::start(|request| match request.line.as_str() {
            line if line.contains("/feed") => Answer::Say(200, String::new(), b"<html/>".to_vec()),
            _ => Answer::HangUp,
        })
        .await;
        let error = poller(&server).poll(&nowhere).await.unwrap_err();
        assert!(matches!(error, PollError::Feed { .. }), "{error}");
        let server = Server::start(|_| Answer::Say(302, String::new(), vec![])).await;
        let error = poller(&server).poll(&nowhere).await.unwrap_err();
        assert!(matches!(error, PollError::Status { .. }), "{error}");
        let server =
            Server::start(|_| Answer::Say(200, String::new(), vec![b' '; (4 << 20) + 1])).await;
        let error = poller(&server).poll(&nowhere).await.unwrap_err();
        assert!(matches!(error, PollError::TooLarge { .. }), "{error}");
    });
}

#[test]
fn it_goes_on_after_a_failed_round() {
    runtime().block_on(async {
        let calls = AtomicUsize::new(0);
        let server = Server::start(move |_| match calls.fetch_add(1, Ordering::Relaxed) {
            0 => Answer::HangUp,
            _ => Answer::Say(200, String::new(), feed(&[])),
        })
        .await;
        let mut poller = poller(&server);
        let failed = poller.poll(&nowhere).await;
        assert!(matches!(failed, Err(PollError::Http { .. })));
        assert!(poller.poll(&nowhere).await.is_ok());
    });
}
