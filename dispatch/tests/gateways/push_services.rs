//! Shipped shapes against strict local servers: method, path, headers, signature and body are compared
//! with what the service is said to take, and it answers with each documented error once.

use crate::peers::{missing, runtime};
use crate::server::{Answer, Request, Server};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use dispatch::gateway::adapter::{Adapter, AdapterConfig, shipped};
use dispatch::gateway::gate::GateConfig;
use dispatch::gateway::http::{ClientConfig, client};
use dispatch::gateway::notice::{Notice, Unsent, Urgency, Words, sayings};
use model::{SendError, Span, Time};
use ring::rsa;
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::Duration;

pub(crate) const DELIVERY: &str = "0123456789abcdef0123456789abcdef";
pub(crate) const COLLAPSE: &str = "0123456789abcdef01234567";
/// The first seven digits of it.
const NUMBER: u32 = 0x0123456;

pub(crate) fn at(second: i64) -> Time {
    Time::from_seconds(1_694_063_040 + second)
}

fn gate() -> GateConfig {
    GateConfig {
        in_flight_max: 2,
        waiting_max: 2,
        failures_max: 1_000,
        pause: Span::from_seconds(1),
    }
}

pub(crate) fn adapter(shape: &str, account: &[(&str, String)]) -> Adapter {
    let shapes = shipped().unwrap();
    let shape = Arc::clone(shapes.get(shape).unwrap());
    let http = client(&ClientConfig {
        answer_timeout: Duration::from_millis(500),
        http2_only: shape.http2,
        ..ClientConfig::default()
    });
    let account = account
        .iter()
        .map(|(name, value)| ((*name).to_owned(), value.clone()));
    let config = AdapterConfig {
        name: "test".into(),
        shape,
        account: account.collect(),
        gate: gate(),
    };
    Adapter::new(config, http.unwrap()).unwrap_or_else(|error| panic!("{error}"))
}

pub(crate) fn notice<'a>(to: &'a str, words: &'a [Words]) -> Notice<'a> {
    Notice {
        delivery: DELIVERY,
        to,
        collapse: COLLAPSE,
        urgency: Urgency::High,
        not_after: at(600),
        warning: "w1",
        revision: 2,
        purpose: "alert",
        tier: "red",
        is_end: false,
        language: "zh-CN",
        words,
    }
}

pub(crate) fn words() -> Vec<Words> {
    sayings("暴雨红色", "天河区\"请撤离\"", "")
}

pub(crate) fn kind(result: &Result<dispatch::gateway::Receipt, Unsent>) -> &'static str {
    match result {
        Ok(_) => "taken",
        Err(Unsent::Retired(_)) => "retired",
        Err(Unsent::Throttled(_)) => "throttled",
        Err(Unsent::Send(SendError::Transient(_))) => "transient",
        Err(Unsent::Send(SendError::Permanent(_))) => "permanent",
        Err(Unsent::Send(SendError::Uncertain(_))) => "uncertain",
    }
}

/// Answers of a service, the next one each time.
pub(crate) type Script = Arc<Mutex<(u16, String)>>;

/// A service whose token is had at `token_path` with `token` in the answer.
async fn service(token_path: &'static str, token: Value, script: Script) -> Server {
    Server::start(move |request: &Request| {
        if !token_path.is_empty() && request.line.contains(token_path) {
            return Answer::Say(200, String::new(), token.to_string().into_bytes());
        }
        let (status, body) = script.lock().unwrap().clone();
        Answer::Say(status, String::new(), body.into_bytes())
    })
    .await
}

pub(crate) fn script() -> Script {
    Arc::new(Mutex::new((0, String::new())))
}

/// Plays each answer once, a fresh adapter each, so that none hears of the one before.
pub(crate) async fn plays(
    script: &Script,
    made: impl Fn() -> Adapter,
    cases: &[(u16, Value, &str)],
) {
    let words = words();
    for (second, (status, body, want)) in (0..).zip(cases) {
        *script.lock().unwrap() = (*status, body.to_string());
        let result = made().send(&notice("token:1", &words), at(second)).await;
        assert_eq!(kind(&result), *want, "{status} {body}: {result:?}");
        let shown = format!("{result:?}");
        assert!(
            !shown.contains("token:1"),
            "a token stands in no log: {shown}"
        );
    }
}

fn last(server: &Server, path: &str) -> Request {
    let requests = server.requests.lock().unwrap();
    let found = requests
        .iter()
        .rev()
        .find(|request| request.line.contains(path));
    found
        .unwrap_or_else(|| panic!("nothing was sent to {path}"))
        .clone()
}

fn body(request: &Request) -> Value {
    serde_json::from_slice(&request.body).unwrap()
}

fn form(request: &Request) -> BTreeMap<String, String> {
    let url = format!("http://x/?{}", std::str::from_utf8(&request.body).unwrap());
    let url = reqwest::Url::parse(&url).unwrap();
    url.query_pairs()
        .map(|(k, v)| (k.into_owned(), v.into_owned()))
        .collect()
}

pub(crate) fn openssl(arguments: &[&str]) -> Option<String> {
    let made = Command::new("openssl").args(arguments).output();
    let Ok(made) = made else {
        missing("openssl");
        return None;
    };
    assert!(made.status.success());
    String::from_utf8(made.stdout).ok()
}

pub(crate) fn der(pem: &str) -> Vec<u8> {
    let lines = pem.lines().filter(|line| !line.starts_with("-----"));
    STANDARD.decode(lines.collect::<String>()).unwrap()
}

/// Header and claims of a token whose signature is right.
pub(crate) fn verified(token: &str, verify: impl Fn(&[u8], &[u8]) -> bool) -> (Value, Value) {
    let parts: Vec<&str> = token.split('.').collect();
    let read = |part: &str| URL_SAFE_NO_PAD.decode(part).unwrap();
    let signed = format!("{}.{}", parts[0], parts[1]);
    assert!(
        verify(signed.as_bytes(), &read(parts[2])),
        "the signature is wrong"
    );
    let json = |part: &str| serde_json::from_slice(&read(part)).unwrap();
    (json(parts[0]), json(parts[1]))
}

fn fcm_error(status: &str, code: Option<&str>, field: Option<&str>) -> Value {
    let mut details = Vec::new();
    if let Some(code) = code {
        let kind = "type.googleapis.com/google.firebase.fcm.v1.FcmError";
        details.push(json!({ "@type": kind, "errorCode": code }));
    }
    if let Some(field) = field {
        let kind = "type.googleapis.com/google.rpc.BadRequest";
        details.push(json!({ "@type": kind, "fieldViolations": [{ "field": field }] }));
    }
    json!({ "error": { "message": "m", "status": status, "details": details } })
}

#[test]
fn fcm_takes_what_is_sent_and_each_error_means_what_it_says() {
    let Some(pem) = openssl(&[
        "genpkey",
        "-algorithm",
        "RSA",
        "-pkeyopt",
        "rsa_keygen_bits:2048",
    ]) else {
        return;
    };
    let public = rsa::KeyPair::from_pkcs8(&der(&pem)).unwrap();
    let public = public.public().as_ref().to_vec();
    runtime().block_on(async {
        let script = script();
        let token = json!({ "access_token": "ya29.a/b", "expires_in": 3599 });
        let server = service("/token", token, Arc::clone(&script)).await;
        let base = format!("http://127.0.0.1:{}", server.port);
        let made = || {
            let key = json!({
                "project_id": "sui-cheng",
                "private_key_id": "k1",
                "private_key": pem,
                "client_email": "push@sui-cheng.example.org",
            });
            adapter(
                "fcm",
                &[
                    ("service_account", key.to_string()),
                    ("base", base.clone()),
                    ("token_uri", format!("{base}/token")),
                ],
            )
        };
        plays(
            &script,
            made,
            &[
                (
                    200,
                    json!({ "name": "projects/sui-cheng/messages/1" }),
                    "taken",
                ),
                (
                    404,
                    fcm_error("NOT_FOUND", Some("UNREGISTERED"), None),
                    "retired",
                ),
                (
                    403,
                    fcm_error("PERMISSION_DENIED", Some("SENDER_ID_MISMATCH"), None),
                    "retired",
                ),
                (
                    400,
                    fcm_error(
                        "INVALID_ARGUMENT",
                        Some("INVALID_ARGUMENT"),
                        Some("message.token"),
                    ),
                    "retired",
                ),
                (
                    400,
                    fcm_error(
                        "INVALID_ARGUMENT",
                        Some("INVALID_ARGUMENT"),
                        Some("message.data"),
                    ),
                    "permanent",
                ),
                (
                    429,
                    fcm_error("RESOURCE_EXHAUSTED", Some("QUOTA_EXCEEDED"), None),
                    "throttled",
                ),
                (
                    503,
                    fcm_error("UNAVAILABLE", Some("UNAVAILABLE"), None),
                    "transient",
                ),
                (
                    500,
                    fcm_error("INTERNAL", Some("INTERNAL"), None),
                    "transient",
                ),
                (
                    401,
                    fcm_error("UNAUTHENTICATED", Some("THIRD_PARTY_AUTH_ERROR"), None),
                    "transient",
                ),
                (401, fcm_error("UNAUTHENTICATED", None, None), "transient"),
                (403, fcm_error("PERMISSION_DENIED", None, None), "transient"),
                (404, fcm_error("NOT_FOUND", None, None), "transient"),
                (502, json!("<!DOCTYPE html>"), "transient"),
            ],
        )
        .await;
        let asked = form(&last(&server, "/token"));
        assert_eq!(
            asked["grant_type"],
            "urn:ietf:params:oauth:grant-type:jwt-bearer"
        );
        let (header, claims) = verified(&asked["assertion"], |signed, signature| {
            let key = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, &public);
            key.verify(signed, signature).is_ok()
        });
        assert_eq!(header, json!({ "alg": "RS256", "kid": "k1", "typ": "JWT" }));
        assert_eq!(claims["iss"], "push@sui-cheng.example.org");
        assert_eq!(claims["aud"], format!("{base}/token"));
        assert_eq!(
            claims["scope"],
            "https://www.googleapis.com/auth/firebase.messaging"
        );
        let life = claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap();
        assert_eq!(life, 3600);
        let sent = last(&server, "/v1/projects");
        assert_eq!(
            sent.line,
            "POST /v1/projects/sui-cheng/messages:send HTTP/1.1"
        );
        assert_eq!(sent.header("authorization"), "Bearer ya29.a/b");
        assert!(sent.header("content-type").starts_with("application/json"));
        let message = body(&sent)["message"].clone();
        assert_eq!(message["token"], "token:1");
        let shown = json!({ "title": "暴雨红色", "body": "天河区\"请撤离\"" });
        assert_eq!(message["notification"], shown);
        assert_eq!(
            message["android"],
            json!({
                "collapse_key": COLLAPSE, "priority": "HIGH", "ttl": "588s",
                "notification": { "tag": COLLAPSE },
            })
        );
        let data = message["data"].as_object().unwrap();
        assert!(data.values().all(Value::is_string), "{data:?}");
    });
}

#[test]
fn a_right_to_send_is_kept_renewed_when_refused_and_asked_for_by_one_alone() {
    runtime().block_on(async {
        let tokens = Arc::new(Mutex::new(0));
        let given = Arc::clone(&tokens);
        let server = Server::start(move |request: &Request| {
            if request.line.contains("/oauth") {
                *given.lock().unwrap() += 1;
                let number = *given.lock().unwrap();
                let body = json!({ "access_token": format!("t{number}"), "expires_in": 600 });
                return Answer::Say(200, String::new(), body.to_string().into_bytes());
            }
            // The first one is taken for expired.
            let stale = request.header("authorization") == "Bearer t1";
            let code = if stale { "80200003" } else { "80000000" };
            Answer::Say(
                200,
                String::new(),
                json!({ "code": code }).to_string().into_bytes(),
            )
        })
        .await;
        let base = format!("http://127.0.0.1:{}", server.port);
        let huawei = adapter(
            "huawei",
            &[
                ("app_id", "100".into()),
                ("app_secret", "s".into()),
                ("base", base.clone()),
                ("token_uri", format!("{base}/oauth2/v3/token")),
            ],
        );
        let words = words();
        let said = notice("t", &words);
        let send = |second| huawei.send(&said, at(second));
        let (one, two) = tokio::join!(send(0), send(0));
        assert_eq!((kind(&one), kind(&two)), ("taken", "taken"));
        let asked = *tokens.lock().unwrap();
        assert!((2..=3).contains(&asked), "{asked}");
        send(500).await.unwrap();
        assert_eq!(*tokens.lock().unwrap(), asked, "it is good for ten minutes");
        send(550).await.unwrap();
        assert_eq!(
            *tokens.lock().unwrap(),
            asked + 1,
            "renewed a minute before its end"
        );
        let sent = body(&last(&server, "/v1/100/messages:send"));
        let message = &sent["message"];
        assert_eq!(message["token"], json!(["t"]));
        assert_eq!(message["android"]["ttl"], "50s");
        assert_eq!(message["android"]["notification"]["tag"], COLLAPSE);
        assert_eq!(message["android"]["notification"]["notify_id"], NUMBER);
    });
}

#[test]
fn a_service_that_gives_no_right_to_send_is_everybodys_trouble_and_nobodys_fault() {
    runtime().block_on(async {
        let server = Server::start(|_| {
            let body = json!({ "errcode": 40125, "errmsg": "invalid appsecret" });
            Answer::Say(200, String::new(), body.to_string().into_bytes())
        })
        .await;
        let wechat = adapter(
            "wechat",
            &[
                ("app_id", "wx1".into()),
                ("app_secret", "hunter2".into()),
                ("template_id", "T1".into()),
                ("base", format!("http://127.0.0.1:{}", server.port)),
            ],
        );
        let words = words();
        let first = wechat.send(&notice("o1", &words), at(0)).await;
        assert_eq!(kind(&first), "transient");
        let said = first.unwrap_err().to_string();
        assert!(
            said.contains("40125") && !said.contains("hunter2"),
            "{said}"
        );
        wechat.send(&notice("o2", &words), at(1)).await.unwrap_err();
        assert_eq!(server.count(), 1, "nobody asks again at once");
        wechat.send(&notice("o2", &words), at(6)).await.unwrap_err();
        assert_eq!(server.count(), 2);
        assert!(!format!("{wechat:?}").contains("hunter2"));
    });
}

#[test]
fn huawei_xiaomi_oppo_and_vivo() {
    runtime().block_on(async {
        let script = script();
        let token = json!({
            "access_token": "a", "expires_in": 3600, "authToken": "v", "data": { "auth_token": "o" },
        });
        let server = service("auth", token, Arc::clone(&script)).await;
        let base = format!("http://127.0.0.1:{}", server.port);
        let code = |name: &str, code: Value| json!({ name: code });
        let huawei = || adapter("huawei", &[
            ("app_id", "100".into()),
            ("app_secret", "s".into()),
            ("base", base.clone()),
            ("token_uri", format!("{base}/oauth2/v3/token")),
        ]);
        plays(&script, huawei, &[
            (200, code("code", json!("80000000")), "taken"),
            (200, code("code", json!("80100000")), "retired"),
            (400, code("code", json!("80300007")), "retired"),
            (401, code("code", json!("80200001")), "transient"),
            (401, code("code", json!("80200003")), "transient"),
            (400, code("code", json!("80300002")), "transient"),
            (400, code("code", json!("80300008")), "permanent"),
            (400, code("code", json!("80100003")), "permanent"),
            (503, json!({}), "throttled"),
            (500, code("code", json!("81000001")), "transient"),
        ])
        .await;
        let xiaomi = || adapter("xiaomi", &[
            ("app_secret", "s".into()),
            ("package", "org.example.warn".into()),
            ("base", base.clone()),
        ]);
        plays(&script, xiaomi, &[
            (200, json!({ "result": "ok", "code": 0, "data": { "id": "sdm1" } }), "taken"),
            (200, code("code", json!(20301)), "retired"),
            (200, code("code", json!(200001)), "throttled"),
            (200, code("code", json!(10002)), "transient"),
            (200, code("code", json!(21301)), "transient"),
            (200, code("code", json!(99999)), "permanent"),
        ])
        .await;
        let sent = last(&server, "/v3/message/regid");
        assert_eq!(sent.line, "POST /v3/message/regid HTTP/1.1");
        assert_eq!(sent.header("authorization"), "key=s");
        assert_eq!(sent.header("content-type"), "application/x-www-form-urlencoded");
        let fields = form(&sent);
        assert_eq!(fields["registration_id"], "token:1");
        assert_eq!(fields["description"], "天河区\"请撤离\"");
        assert_eq!(fields["notify_id"], NUMBER.to_string());
        assert_eq!(fields["time_to_live"], "595000");
        assert!(!fields.contains_key("extra.channel_id"), "what is empty is left out");
        let oppo = || adapter("oppo", &[
            ("app_key", "k".into()),
            ("master_secret", "m".into()),
            ("base", base.clone()),
        ]);
        plays(&script, oppo, &[
            (200, json!({ "code": 0, "data": { "messageId": "1" } }), "taken"),
            (200, code("code", json!(10000)), "retired"),
            (200, code("code", json!(-1)), "transient"),
            (200, code("code", json!(-2)), "throttled"),
            (200, code("code", json!(33)), "throttled"),
            (200, code("code", json!(11)), "transient"),
            (200, code("code", json!(28)), "transient"),
            (200, code("code", json!(41)), "permanent"),
        ])
        .await;
        let asked = form(&last(&server, "/server/v1/auth"));
        // printf 'k1694063047000m' | sha256sum, as the last play was seven seconds on.
        assert_eq!(asked["timestamp"], "1694063047000");
        let sign = ring::digest::digest(&ring::digest::SHA256, b"k1694063047000m");
        assert_eq!(asked["sign"], hex::encode(sign));
        let sent = last(&server, "/notification/unicast");
        assert_eq!(sent.header("auth_token"), "o");
        let message: Value = serde_json::from_str(&form(&sent)["message"]).unwrap();
        assert_eq!(message["target_value"], "token:1");
        assert_eq!(message["notification"]["off_line_ttl"], 593);
        assert_eq!(message["notification"]["notify_id"], NUMBER);
        let vivo = || adapter("vivo", &[
            ("app_id", "10001".into()),
            ("app_key", "k".into()),
            ("app_secret", "s".into()),
            ("base", base.clone()),
        ]);
        plays(&script, vivo, &[
            (200, json!({ "result": 0, "taskId": "1" }), "taken"),
            (200, code("result", json!(10302)), "retired"),
            (200, code("result", json!(10070)), "throttled"),
            (200, code("result", json!(10000)), "transient"),
            (200, code("result", json!(10045)), "permanent"),
        ])
        .await;
        let asked = body(&last(&server, "/message/auth"));
        // printf '10001k1694063044000s' | md5sum
        assert_eq!(asked["timestamp"], 1_694_063_044_000_i64);
        assert_eq!(asked["sign"], "2d7428b9c161692f8f0987491bdd7357");
        let sent = last(&server, "/message/send");
        assert_eq!(sent.header("authtoken"), "v");
        assert_eq!(body(&sent)["regId"], "token:1");
        assert_eq!(body(&sent)["timeToLive"], 596);
        // Less than its minute is left: it would be shown too late.
        let words = words();
        let late = vivo().send(&notice("t", &words), at(541)).await;
        assert_eq!(kind(&late), "permanent", "{late:?}");
    });
}

#[test]
fn wechat_wecom_dingtalk_feishu_and_weibo() {
    runtime().block_on(async {
        let script = script();
        let token = json!({ "access_token": "a b", "expires_in": 7200 });
        let server = service("stable_token", token, Arc::clone(&script)).await;
        let base = format!("http://127.0.0.1:{}", server.port);
        let code = |name: &str, code: i64| json!({ name: code });
        let wechat = || adapter("wechat", &[
            ("app_id", "wx1".into()),
            ("app_secret", "s".into()),
            ("template_id", "T1".into()),
            ("base", base.clone()),
        ]);
        plays(&script, wechat, &[
            (200, json!({ "errcode": 0, "msgid": 7 }), "taken"),
            (200, code("errcode", 43004), "retired"),
            (200, code("errcode", 40003), "retired"),
            (200, code("errcode", 40001), "transient"),
            (200, code("errcode", 45009), "throttled"),
            (200, code("errcode", 40037), "transient"),
            (200, code("errcode", 47003), "permanent"),
        ])
        .await;
        let sent = last(&server, "/template/send");
        let line = "POST /cgi-bin/message/template/send?access_token=a%20b HTTP/1.1";
        assert_eq!(sent.line, line);
        assert_eq!(body(&sent), json!({
            "touser": "token:1", "template_id": "T1", "url": "", "client_msg_id": DELIVERY,
            "data": { "thing1": { "value": "暴雨红色" }, "thing2": { "value": "天河区\"请撤离\"" } },
        }));
        let text = "暴雨红色\n天河区\"请撤离\"";
        let wecom = || adapter("wecom", &[("url", format!("{base}/wecom?key=0"))]);
        plays(&script, wecom, &[
            (200, code("errcode", 0), "taken"),
            (200, code("errcode", 45009), "throttled"),
            (200, code("errcode", 93000), "transient"),
            (200, code("errcode", 40008), "permanent"),
        ])
        .await;
        let wanted = json!({ "msgtype": "text", "text": { "content": text } });
        assert_eq!(body(&last(&server, "/wecom?key=0")), wanted);
        let dingtalk = || adapter("dingtalk", &[
            ("url", format!("{base}/ding?access_token=0")),
            ("secret", "SEC1".into()),
        ]);
        plays(&script, dingtalk, &[
            (200, code("errcode", 0), "taken"),
            (200, code("errcode", 130101), "throttled"),
            (200, code("errcode", 310000), "transient"),
        ])
        .await;
        let sent = last(&server, "/ding");
        let url = reqwest::Url::parse(&format!("http://x{}", sent.line.split(' ').nth(1).unwrap()));
        let query: BTreeMap<String, String> = url.unwrap().query_pairs().into_owned().collect();
        let hmac = |key: &str, text: &str| {
            let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, key.as_bytes());
            STANDARD.encode(ring::hmac::sign(&key, text.as_bytes()))
        };
        assert_eq!(query["timestamp"], "1694063042000");
        assert_eq!(query["sign"], hmac("SEC1", "1694063042000\nSEC1"));
        let feishu = || adapter("feishu", &[
            ("url", format!("{base}/feishu")),
            ("secret", "S".into()),
        ]);
        plays(&script, feishu, &[
            (200, code("code", 0), "taken"),
            (200, code("code", 19021), "transient"),
            (200, code("code", 11232), "throttled"),
        ])
        .await;
        let sent = body(&last(&server, "/feishu"));
        assert_eq!(sent["timestamp"], "1694063042");
        assert_eq!(sent["sign"], hmac("1694063042\nS", ""));
        assert_eq!(sent["content"]["text"], text);
        let weibo = || adapter("weibo", &[
            ("access_token", "w".into()),
            ("page", "https://warn.example.org".into()),
            ("base", base.clone()),
        ]);
        plays(&script, weibo, &[
            (200, json!({ "idstr": "9" }), "taken"),
            (400, code("error_code", 20019), "taken"),
            (403, code("error_code", 10024), "throttled"),
            (401, code("error_code", 21327), "transient"),
        ])
        .await;
        let status = &form(&last(&server, "/2/statuses/share.json"))["status"];
        assert!(status.starts_with("暴雨红色") && status.ends_with(" https://warn.example.org"));
    });
}

#[test]
fn what_is_too_long_is_said_in_shorter_words_and_never_cut() {
    runtime().block_on(async {
        let server =
            Server::start(|_| Answer::Say(200, String::new(), br#"{"errcode":0}"#.to_vec())).await;
        let wecom = adapter("wecom", &[("url", server.url("/h").to_string())]);
        let long = sayings("暴雨红色预警", &"长".repeat(700), "请撤离到高处");
        wecom.send(&notice("", &long), at(0)).await.unwrap();
        let sent = body(&last(&server, "/h"));
        assert_eq!(sent["text"]["content"], "暴雨红色预警\n请撤离到高处");
        let longer = sayings(&"长".repeat(700), "", "");
        let refused = wecom.send(&notice("", &longer), at(1)).await;
        assert_eq!(kind(&refused), "permanent");
        assert_eq!(server.count(), 1);
    });
}

#[test]
fn an_account_that_cannot_serve_is_refused_in_words() {
    let shapes = shipped().unwrap();
    let made = |shape: &str, account: &[(&str, &str)]| {
        let config = AdapterConfig {
            name: "test".into(),
            shape: Arc::clone(shapes.get(shape).unwrap()),
            account: account
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
            gate: gate(),
        };
        let http = client(&ClientConfig::default()).unwrap();
        Adapter::new(config, http)
            .map(drop)
            .unwrap_err()
            .to_string()
    };
    let missing = made("huawei", &[("app_id", "1")]);
    assert!(missing.contains("app_secret is missing"), "{missing}");
    let unknown = made("wecom", &[("url", "https://a.example/x"), ("key", "1")]);
    assert!(
        unknown.contains("key is no parameter of wecom: it has url"),
        "{unknown}"
    );
    let address = made("wecom", &[("url", "hunter2")]);
    assert!(address.contains("no http or https address") && !address.contains("hunter2"));
    let key = made(
        "apns",
        &[
            ("key", "hunter2"),
            ("key_id", "K"),
            ("team_id", "T"),
            ("topic", "t"),
        ],
    );
    assert!(
        key.contains("it is not PEM") && !key.contains("hunter2"),
        "{key}"
    );
    let account = made("fcm", &[("service_account", "{}")]);
    assert!(account.contains("the document has no /"), "{account}");
}
