//! A release platform that checks what it is sent to the letter: signature, form, digest of the
//! document; and answers with each of its refusals.

use crate::server::{Answer, Request, Server};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use dispatch::gateway::gate::GateConfig;
use dispatch::gateway::http::{ClientConfig, client};
use dispatch::gateway::platform::{Form, FormArea, Platform, PlatformConfig, Stage, shipped};
use dispatch::intent::IntentId;
use hmac::{Hmac, Mac};
use model::{SendError, Span, Tier, Time};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::sync::Arc;
use std::time::Duration;

const SECRET: &str = "handed out with the account";
const ID: &str = "0123456789abcdef0123456789abcdef";

fn at() -> Time {
    Time::from_seconds(1_778_228_463)
}

fn form() -> Form {
    let text = |text: &str| text.to_owned();
    Form {
        id: text(ID),
        identifier: text("44010041600000_20260508162000"),
        message_type: "Alert",
        sender: text("44010041600000"),
        sender_name: text("某市气象台"),
        hazard: text("11B03"),
        hazard_name: text("暴雨"),
        tier: Tier::Red,
        areas: vec![FormArea {
            code: text("440106000000"),
            name: text("天河区"),
            tier: Tier::Red,
        }],
        channels: vec![text("sms"), text("tv")],
        headline: text("暴雨\"红色\"预警"),
        description: text("三小时雨量已达…\n"),
        instruction: text("请立即撤离"),
        sent: text("2026-05-08T16:20:00+08:00"),
        effective: text("2026-05-08T16:20:00+08:00"),
        expires: text("2026-05-08T19:20:00+08:00"),
        maker: text("rain-3h"),
        checker: text("chen"),
        signer: text("wang"),
        document: text("<?xml version=\"1.0\"?><alert>红</alert>"),
    }
}

fn platform(server: &Server) -> Platform {
    let shapes = shipped().unwrap();
    let http = client(&ClientConfig {
        answer_timeout: Duration::from_millis(500),
        ..ClientConfig::default()
    });
    let base = server.url("");
    let base = base.as_str().trim_end_matches('/').to_owned();
    let account = [
        ("base", base),
        ("account", "city".to_owned()),
        ("secret", SECRET.to_owned()),
    ];
    let config = PlatformConfig {
        name: "province".into(),
        shape: Arc::clone(shapes.get("ews_2018").unwrap()),
        account: account.map(|(name, value)| (name.to_owned(), value)).into(),
        gate: GateConfig {
            in_flight_max: 2,
            waiting_max: 2,
            failures_max: 1_000,
            pause: Span::from_seconds(1),
        },
    };
    Platform::new(config, http.unwrap()).unwrap()
}

fn say(status: u16, body: &Value) -> Answer {
    Answer::Say(
        status,
        "Content-Type: application/json\r\n".into(),
        body.to_string().into_bytes(),
    )
}

/// Whether the signature is over that text with the time in the header.
fn is_signed(request: &Request, digest: &str) -> bool {
    let text = format!("{ID}.{}.{digest}", request.header("X-Time"));
    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
    mac.update(text.as_bytes());
    request.header("X-Account") == "city"
        && request.header("X-Time") == at().seconds().to_string()
        && request.header("X-Signature") == STANDARD.encode(mac.finalize().into_bytes())
}

#[tokio::test]
async fn a_form_is_put_followed_and_taken_back() {
    let server = Server::start(|request| {
        let data =
            |stage: &str| json!({"code": "0", "data": {"status": stage, "receiptNo": "R-7"}});
        let status = format!("GET /api/ews/v1/release/{ID} HTTP/1.1");
        let withdraw = format!("POST /api/ews/v1/release/{ID}/withdraw HTTP/1.1");
        if request.line == "POST /api/ews/v1/release HTTP/1.1" {
            let digest = hex::encode(Sha256::digest(form().document));
            assert!(is_signed(request, &digest), "{request:?}");
            say(202, &data("received"))
        } else if request.line == status && is_signed(request, "") {
            say(200, &data("released"))
        } else if request.line == withdraw && is_signed(request, "") {
            say(200, &data("withdrawn"))
        } else {
            say(404, &json!({"code": "nowhere"}))
        }
    })
    .await;
    let platform = platform(&server);
    let id = IntentId::parse(ID).unwrap();
    let standing = platform.submit(&form(), at()).await.unwrap();
    assert_eq!(
        (standing.stage, standing.receipt.as_str()),
        (Stage::Submitted, "R-7")
    );
    assert_eq!(
        platform.standing(id, at()).await.unwrap().stage,
        Stage::Released
    );
    assert_eq!(
        platform.withdraw(id, at()).await.unwrap().stage,
        Stage::Withdrawn
    );

    let requests = server.requests.lock().unwrap();
    let put: Value = serde_json::from_slice(&requests[0].body).unwrap();
    let document = STANDARD.decode(put["cap"].as_str().unwrap()).unwrap();
    assert_eq!(document, form().document.as_bytes());
    let digest = hex::encode(Sha256::digest(&document));
    let want = json!({
        "requestId": ID,
        "identifier": "44010041600000_20260508162000",
        "msgType": "Alert",
        "senderCode": "44010041600000",
        "sender": "某市气象台",
        "eventType": "11B03",
        "eventName": "暴雨",
        "severity": "1",
        "areas": [{"code": "440106000000", "name": "天河区", "tier": "red"}],
        "channels": ["sms", "tv"],
        "headline": "暴雨\"红色\"预警",
        "description": "三小时雨量已达…\n",
        "instruction": "请立即撤离",
        "sendTime": "2026-05-08T16:20:00+08:00",
        "effective": "2026-05-08T16:20:00+08:00",
        "expires": "2026-05-08T19:20:00+08:00",
        "maker": "rain-3h",
        "checker": "chen",
        "signer": "wang",
        "cap": put["cap"],
        "capDigest": digest,
    });
    assert_eq!(put, want);
}

#[tokio::test]
async fn a_form_that_lacks_a_hand_never_leaves() {
    let server = Server::start(|_| Answer::HangUp).await;
    let platform = platform(&server);
    let lacking = Form {
        checker: String::new(),
        ..form()
    };
    let refused = platform.submit(&lacking, at()).await.unwrap_err();
    let SendError::Permanent(why) = refused else {
        panic!("{refused}");
    };
    assert!(why.contains("no checker: one person signed it"), "{why}");
    assert_eq!(server.count(), 0);
}

#[tokio::test]
async fn each_refusal_means_what_it_says() {
    for (status, body, want) in [
        (200, json!({"code": "busy"}), "transient"),
        (
            200,
            json!({"code": "signature", "message": "签名错误"}),
            "transient",
        ),
        (
            200,
            json!({"code": "level", "message": "无此级别权限"}),
            "permanent",
        ),
        (
            422,
            json!({"code": "0", "data": {"status": "received"}}),
            "permanent",
        ),
        (
            200,
            json!({"code": "0", "data": {"status": "lost"}}),
            "transient",
        ),
        (503, json!({}), "transient"),
        (504, json!({}), "uncertain"),
    ] {
        let answer = body.clone();
        let server = Server::start(move |_| say(status, &answer)).await;
        let error = platform(&server).submit(&form(), at()).await.unwrap_err();
        let kind = match &error {
            SendError::Transient(_) => "transient",
            SendError::Permanent(_) => "permanent",
            SendError::Uncertain(_) => "uncertain",
        };
        assert_eq!(kind, want, "{status} {body}: {error}");
        assert!(!error.to_string().contains(SECRET), "{error}");
    }
    let server = Server::start(|_| Answer::Silence).await;
    let error = platform(&server).submit(&form(), at()).await.unwrap_err();
    assert!(matches!(error, SendError::Uncertain(_)), "{error}");
}
