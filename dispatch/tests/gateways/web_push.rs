//! Web Push against a push service and browser of others: the npm package `web-push-testing` checks
//! our signature, decrypts, and says what it read.

use crate::node;
use crate::peers::runtime;
use crate::server::{Answer, Server};
use dispatch::gateway::gate::GateConfig;
use dispatch::gateway::http::{ClientConfig, client};
use dispatch::gateway::jwt::SigningKey;
use dispatch::gateway::notice::{Notice, Unsent, Urgency, Words};
use dispatch::gateway::web_push::{WebPush, WebPushConfig};
use model::{SendError, Span, Time};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A key for tests alone.
const KEY: &str = "-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg1PfK6x4nzvoEBT1V
jPQ3VkvFiLo4EIybq4UEXQBm8GehRANCAAQ2FWaho9+ZrsdXExh772wQjBKRCtdG
vMZEUhYagtx0wp0oH+XqnvZXpEMQiSxxKAJloSsZqojsGXDXj2u9ScmX
-----END PRIVATE KEY-----";
const P256DH: &str =
    "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4";

struct Peer {
    child: Child,
    port: u16,
}

impl Peer {
    fn start() -> Option<Self> {
        let modules = node::modules()?;
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = free.local_addr().unwrap().port();
        drop(free);
        let mut child = Command::new("node")
            .arg(node::script("push.mjs"))
            .arg(port.to_string())
            .env("PEER_MODULES", modules)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = String::new();
        let out = child.stdout.take().unwrap();
        BufReader::new(out).read_line(&mut said).unwrap();
        assert!(said.contains("running on port"), "{said}");
        Some(Self { child, port })
    }

    async fn ask(&self, path: &str, body: &Value) -> Value {
        let url = format!("http://127.0.0.1:{}{path}", self.port);
        let http = client(&ClientConfig::default()).unwrap();
        let answer = http.post(url).json(body).send().await.unwrap();
        answer.json().await.unwrap_or(Value::Null)
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn push(service: String) -> WebPush {
    let config = WebPushConfig {
        subject: "mailto:duty@example.org".into(),
        key: SigningKey::from_pem(KEY).unwrap(),
        services: vec![service],
        gate: GateConfig {
            in_flight_max: 4,
            waiting_max: 4,
            failures_max: 100,
            pause: Span::from_seconds(1),
        },
    };
    let http = client(&ClientConfig {
        answer_timeout: Duration::from_millis(500),
        ..ClientConfig::default()
    });
    WebPush::new(config, http.unwrap()).unwrap()
}

#[expect(
    clippy::disallowed_methods,
    reason = "a program of others looks at its own clock"
)]
/// The clock of the peer, which looks at the claim's end.
fn now() -> Time {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    Time::from_seconds(i64::try_from(now.as_secs()).unwrap())
}

fn notice<'a>(to: &'a str, words: &'a [Words]) -> Notice<'a> {
    Notice {
        delivery: "0123456789abcdef0123456789abcdef",
        to,
        collapse: "0123456789abcdef01234567",
        urgency: Urgency::High,
        not_after: now() + Span::from_seconds(600),
        warning: "w1",
        revision: 2,
        purpose: "alert",
        tier: "red",
        is_end: false,
        language: "zh-CN",
        words,
    }
}

fn words(body: &str) -> Words {
    Words {
        title: "暴雨红色预警".into(),
        body: body.into(),
    }
}

#[test]
fn a_browser_of_others_reads_what_was_sealed_and_a_gone_one_is_retired() {
    let Some(peer) = Peer::start() else { return };
    runtime().block_on(async {
        let push = push(format!("http://localhost:{}", peer.port));
        let options = json!({
            "userVisibleOnly": "true",
            "applicationServerKey": push.public_key(),
        });
        let subscription = peer.ask("/subscribe", &options).await["data"].clone();
        let hash = subscription["clientHash"].as_str().unwrap().to_owned();
        let token = subscription.to_string();
        let long = [words(&"长".repeat(2000)), words("天河区:请立即撤离")];
        push.send(&notice(&token, &long), now()).await.unwrap();
        let read = peer
            .ask("/get-notifications", &json!({ "clientHash": hash }))
            .await;
        let messages = &read["data"]["messages"];
        let text = messages[0].as_str().unwrap_or_else(|| panic!("{read}"));
        let said: Value = serde_json::from_str(text).unwrap();
        assert_eq!(said["title"], "暴雨红色预警");
        assert_eq!(
            said["body"], "天河区:请立即撤离",
            "the longer words do not fit"
        );
        assert_eq!(said["tag"], "0123456789abcdef01234567");
        assert_eq!(messages.as_array().unwrap().len(), 1);
        peer.ask(&format!("/expire-subscription/{hash}"), &json!({}))
            .await;
        let gone = push.send(&notice(&token, &long), now()).await.unwrap_err();
        assert!(matches!(gone, Unsent::Retired(_)), "{gone}");
    });
}

fn kind(result: &Result<dispatch::gateway::Receipt, Unsent>) -> &'static str {
    match result {
        Ok(_) => "taken",
        Err(Unsent::Retired(_)) => "retired",
        Err(Unsent::Throttled(_)) => "throttled",
        Err(Unsent::Send(SendError::Transient(_))) => "transient",
        Err(Unsent::Send(SendError::Permanent(_))) => "permanent",
        Err(Unsent::Send(SendError::Uncertain(_))) => "uncertain",
    }
}

#[test]
fn headers_are_what_the_standards_ask_and_answers_are_told_apart() {
    runtime().block_on(async {
        for (status, want) in [
            (201, "taken"),
            (404, "retired"),
            (410, "retired"),
            (429, "throttled"),
            (400, "permanent"),
            (413, "permanent"),
            (307, "permanent"),
            (401, "transient"),
            (403, "transient"),
            (500, "transient"),
            (503, "transient"),
            (504, "uncertain"),
        ] {
            let said = "Location: /m/1\r\n".to_owned();
            let server = Server::start(move |_| Answer::Say(status, said.clone(), vec![])).await;
            let push = push(format!("http://127.0.0.1:{}", server.port));
            let endpoint = server.url("/send/a");
            let token = format!("{endpoint}#{P256DH}.BTBZMqHH6r4Tts7J_aSIgg");
            let words = [words("请撤离")];
            let result = push.send(&notice(&token, &words), now()).await;
            assert_eq!(kind(&result), want, "{status}: {result:?}");
            let request = server.requests.lock().unwrap()[0].clone();
            assert_eq!(request.line, "POST /send/a HTTP/1.1");
            assert_eq!(request.header("urgency"), "high");
            assert_eq!(request.header("topic"), "0123456789abcdef01234567");
            assert_eq!(request.header("content-encoding"), "aes128gcm");
            let ttl: i64 = request.header("ttl").parse().unwrap();
            assert!((595..=600).contains(&ttl), "{ttl}");
            let signed = request.header("authorization");
            let claim = signed
                .strip_prefix("vapid t=")
                .unwrap()
                .split(',')
                .next()
                .unwrap();
            let claim = claim.split('.').nth(1).unwrap();
            let claim: Value = serde_json::from_slice(&unbase64(claim)).unwrap();
            let origin = format!("http://127.0.0.1:{}", server.port);
            assert_eq!(claim["aud"], origin, "with its port");
            let ends = claim["exp"].as_i64().unwrap() - now().seconds();
            assert!((12 * 3600..24 * 3600).contains(&ends), "{ends}");
        }
    });
}

fn unbase64(text: &str) -> Vec<u8> {
    use base64::Engine;
    base64::engine::general_purpose::URL_SAFE_NO_PAD
        .decode(text)
        .unwrap()
}

#[test]
fn what_is_too_late_or_not_ours_to_call_never_leaves() {
    runtime().block_on(async {
        let server = Server::start(|_| Answer::Say(201, String::new(), vec![])).await;
        let push = push("https://push.example.org".into());
        let words = [words("请撤离")];
        let token = format!("{}#{P256DH}.BTBZMqHH6r4Tts7J_aSIgg", server.url("/admin"));
        let inside = push.send(&notice(&token, &words), now()).await;
        assert_eq!(kind(&inside), "permanent", "{inside:?}");
        let line = format!("https://push.example.org/a#{P256DH}.BTBZMqHH6r4Tts7J_aSIgg");
        let late = push
            .send(&notice(&line, &words), now() + Span::from_seconds(601))
            .await;
        assert_eq!(kind(&late), "permanent");
        assert_eq!(
            kind(&push.send(&notice("nonsense", &words), now()).await),
            "retired"
        );
        assert_eq!(server.count(), 0);
    });
}

/// One service that takes calls and never answers delays no other, nor its own readers for long.
#[test]
fn a_black_hole_delays_no_other_service() {
    runtime().block_on(async {
        let hole = Server::start(|_| Answer::Silence).await;
        let well = Server::start(|_| Answer::Say(201, String::new(), vec![])).await;
        let config = WebPushConfig {
            subject: "mailto:duty@example.org".into(),
            key: SigningKey::from_pem(KEY).unwrap(),
            services: [&hole, &well]
                .map(|s| format!("http://127.0.0.1:{}", s.port))
                .to_vec(),
            gate: GateConfig {
                in_flight_max: 2,
                waiting_max: 2,
                failures_max: 2,
                pause: Span::from_seconds(30),
            },
        };
        let http = client(&ClientConfig {
            answer_timeout: Duration::from_secs(3),
            ..ClientConfig::default()
        });
        let push = WebPush::new(config, http.unwrap()).unwrap();
        let token =
            |server: &Server| format!("{}#{P256DH}.BTBZMqHH6r4Tts7J_aSIgg", server.url("/a"));
        let (into_hole, to_well) = (token(&hole), token(&well));
        let words = [words("请撤离")];
        let stuck = (0..8).map(|_| async { push.send(&notice(&into_hole, &words), now()).await });
        let stuck = futures_util::future::join_all(stuck);
        let quick = async {
            let started = tokio::time::Instant::now();
            for _ in 0..20 {
                push.send(&notice(&to_well, &words), now()).await.unwrap();
            }
            started.elapsed()
        };
        let (stuck, quick) = tokio::join!(stuck, quick);
        assert!(quick < Duration::from_secs(2), "{quick:?}");
        // Two at once try it; a third may begin between the time-outs of the two.
        let kinds: Vec<&str> = stuck.iter().map(kind).collect();
        let of = |which: &str| kinds.iter().filter(|kind| **kind == which).count();
        assert!((2..=3).contains(&of("uncertain")), "{kinds:?}");
        assert_eq!(of("uncertain") + of("transient"), 8, "{kinds:?}");
    });
}
