//! Webhooks against a plain HTTP server.

use crate::peers::runtime;
use crate::server::{Answer, Server};
use dispatch::gateway::breaker::Circuit;
use dispatch::gateway::gate::GateConfig;
use dispatch::gateway::http::{ClientConfig, client};
use dispatch::gateway::notice::Unsent;
use dispatch::gateway::webhook::{
    IDEMPOTENCY_HEADER, SIGNATURE_HEADER, Webhook, WebhookConfig, verify,
};
use model::{SendError, Span, Time};
use std::time::Duration;

const BODY: &str = r#"{"headline":"暴雨红色预警"}"#;

fn at(second: i64) -> Time {
    Time::from_seconds(1_694_063_040 + second)
}

fn webhook(url: reqwest::Url) -> Webhook {
    let http = client(&ClientConfig {
        answer_timeout: Duration::from_millis(300),
        ..ClientConfig::default()
    });
    let config = WebhookConfig {
        name: "tv".into(),
        url,
        secret: b"secret".to_vec(),
        gate: GateConfig {
            in_flight_max: 1,
            waiting_max: 1,
            failures_max: 2,
            pause: Span::from_seconds(30),
        },
    };
    Webhook::new(config, http.unwrap())
}

fn kind(error: &Unsent) -> &'static str {
    match error {
        Unsent::Retired(_) => "retired",
        Unsent::Throttled(_) => "throttled",
        Unsent::Send(SendError::Transient(_)) => "transient",
        Unsent::Send(SendError::Permanent(_)) => "permanent",
        Unsent::Send(SendError::Uncertain(_)) => "uncertain",
    }
}

#[test]
fn a_call_is_signed_named_and_answered() {
    runtime().block_on(async {
        let server =
            Server::start(|_| Answer::Say(202, String::new(), br#"{"id":"far-7"}"#.to_vec())).await;
        let hook = webhook(server.url("/hook"));
        // In a task of its own, as the server does.
        let work = tokio::spawn(async move { hook.send("d-1", BODY.as_bytes(), at(0)).await });
        let receipt = work.await.unwrap().unwrap();
        assert_eq!(receipt.reference, "far-7");
        let request = server.requests.lock().unwrap()[0].clone();
        assert!(request.line.starts_with("POST /hook "), "{}", request.line);
        assert_eq!(request.body, BODY.as_bytes());
        assert_eq!(request.header(IDEMPOTENCY_HEADER), "d-1");
        let header = request.header(SIGNATURE_HEADER);
        verify(
            b"secret",
            header,
            "d-1",
            &request.body,
            at(5),
            Span::from_seconds(300),
        )
        .unwrap();
    });
}

#[test]
fn answers_are_told_apart() {
    runtime().block_on(async {
        for (answer, want) in [
            (Answer::Say(400, String::new(), vec![]), "permanent"),
            (Answer::Say(404, String::new(), vec![]), "permanent"),
            (Answer::Say(408, String::new(), vec![]), "transient"),
            (Answer::Say(429, String::new(), vec![]), "transient"),
            (Answer::Say(500, String::new(), vec![]), "transient"),
            (Answer::Say(503, String::new(), vec![]), "transient"),
            (Answer::Say(504, String::new(), vec![]), "uncertain"),
            (Answer::Silence, "uncertain"),
            (Answer::HangUp, "uncertain"),
        ] {
            let said = answer.clone();
            let server = Server::start(move |_| said.clone()).await;
            let hook = webhook(server.url("/"));
            let error = hook.send("d", b"{}", at(0)).await.unwrap_err();
            assert_eq!(kind(&error), want, "{answer:?} gave {error}");
        }
        let closed = webhook("http://127.0.0.1:9/".parse().unwrap());
        let error = closed.send("d", b"{}", at(0)).await.unwrap_err();
        assert_eq!(kind(&error), "transient", "{error}");
    });
}

#[test]
fn redirects_are_not_followed() {
    runtime().block_on(async {
        let inside = Server::start(|_| Answer::Say(200, String::new(), vec![])).await;
        let target = inside.url("/metadata");
        let server =
            Server::start(move |_| Answer::Say(307, format!("Location: {target}\r\n"), vec![]))
                .await;
        let error = webhook(server.url("/"))
            .send("d", b"{}", at(0))
            .await
            .unwrap_err();
        assert_eq!(kind(&error), "permanent");
        assert_eq!(inside.count(), 0);
    });
}

#[test]
fn a_dead_target_is_left_alone_and_tried_again() {
    runtime().block_on(async {
        let server = Server::start(|request| {
            let well = request.header(IDEMPOTENCY_HEADER) == "well";
            Answer::Say(if well { 200 } else { 500 }, String::new(), vec![])
        })
        .await;
        let hook = webhook(server.url("/"));
        for _ in 0..2 {
            hook.send("ill", b"{}", at(0)).await.unwrap_err();
        }
        assert!(matches!(hook.circuit(), Circuit::Open { .. }));
        let error = hook.send("well", b"{}", at(29)).await.unwrap_err();
        assert_eq!(kind(&error), "transient");
        assert_eq!(server.count(), 2, "nothing goes out while it is left alone");
        hook.send("well", b"{}", at(30)).await.unwrap();
        assert_eq!(hook.circuit(), Circuit::Closed);
    });
}

#[test]
fn a_full_queue_turns_away_at_once() {
    runtime().block_on(async {
        let server = Server::start(|_| Answer::Silence).await;
        let hook = webhook(server.url("/"));
        // One is under way, one waits, the third is turned away without waiting.
        let (a, b, c) = tokio::join!(
            hook.send("a", b"{}", at(0)),
            hook.send("b", b"{}", at(0)),
            hook.send("c", b"{}", at(0)),
        );
        assert_eq!(kind(&a.unwrap_err()), "uncertain");
        assert_eq!(kind(&b.unwrap_err()), "uncertain");
        assert!(c.unwrap_err().to_string().contains("queue is full"));
        assert_eq!((server.count(), hook.waiting()), (2, 0));
    });
}

#[test]
fn a_caller_that_stops_waiting_gives_its_place_back() {
    runtime().block_on(async {
        let server = Server::start(|_| Answer::Silence).await;
        let hook = webhook(server.url("/"));
        let brief = Duration::from_millis(20);
        let (_, given_up) = tokio::join!(
            hook.send("a", b"{}", at(0)),
            tokio::time::timeout(brief, hook.send("b", b"{}", at(0))),
        );
        assert!(given_up.is_err());
        assert_eq!(hook.waiting(), 0);
    });
}
