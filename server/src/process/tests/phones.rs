//! Tokens of several services over their own links: who is told by which, what becomes of a token that
//! its service retires, and that none of them is in the journal.

use super::*;
use crate::courier::Single;
use crate::subscriptions::tests::{AUTH, KEY, P256DH};
use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, Uri};
use axum::response::IntoResponse;
use dispatch::gateway::adapter::{Adapter, AdapterConfig, shipped};
use dispatch::gateway::gate::GateConfig;
use dispatch::gateway::http::{ClientConfig, client};
use dispatch::gateway::jwt::SigningKey;
use dispatch::gateway::web_push::{WebPush, WebPushConfig};
use dispatch::gateway::webhook::{Webhook, WebhookConfig};
use model::{Order, Zone};
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What the services were asked, by token or path.
type Asked = Arc<Mutex<BTreeMap<String, usize>>>;

/// Huawei and a push service of browsers in one: whatever is called `gone` is gone.
async fn services() -> (u16, Asked) {
    let asked: Asked = Arc::default();
    let answer = |State(asked): State<Asked>, uri: Uri, body: Bytes| async move {
        if uri.path().contains("oauth") {
            let token = serde_json::json!({ "access_token": "t", "expires_in": 3600 });
            return (StatusCode::OK, token.to_string()).into_response();
        }
        let sent: Option<serde_json::Value> = serde_json::from_slice(&body).ok();
        let token = sent.and_then(|sent| {
            let token = sent.pointer("/message/token/0")?;
            token.as_str().map(str::to_owned)
        });
        let name = token.unwrap_or_else(|| uri.path().to_owned());
        *asked.lock().entry(name.clone()).or_insert(0) += 1;
        if uri.path().starts_with("/web/") {
            let gone = name.contains("gone");
            let status = if gone {
                StatusCode::GONE
            } else {
                StatusCode::CREATED
            };
            return status.into_response();
        }
        let code = if name.contains("gone") {
            "80300007"
        } else {
            "80000000"
        };
        let said = serde_json::json!({ "code": code });
        (StatusCode::OK, said.to_string()).into_response()
    };
    let router = Router::new()
        .fallback(answer)
        .with_state(Arc::clone(&asked));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move { axum::serve(listener, router).await });
    (port, asked)
}

const GATE: GateConfig = GateConfig {
    in_flight_max: 8,
    waiting_max: 8,
    failures_max: 5,
    pause: Span::from_seconds(1),
};

fn huawei(port: u16) -> Single {
    let base = format!("http://127.0.0.1:{port}");
    let account = [
        ("app_id", "100".to_owned()),
        ("app_secret", "s".to_owned()),
        ("base", base.clone()),
        ("token_uri", format!("{base}/oauth2/v3/token")),
    ];
    let config = AdapterConfig {
        name: "push/huawei".into(),
        shape: Arc::clone(shipped().unwrap().get("huawei").unwrap()),
        account: account.map(|(name, value)| (name.to_owned(), value)).into(),
        gate: GATE,
    };
    let client = client(&ClientConfig::default()).unwrap();
    Single::App(Arc::new(Adapter::new(config, client).unwrap()))
}

fn browsers(port: u16) -> Arc<WebPush> {
    let config = WebPushConfig {
        subject: "mailto:duty@example.org".into(),
        key: SigningKey::from_pem(KEY).unwrap(),
        services: vec![format!("http://127.0.0.1:{port}")],
        gate: GATE,
    };
    let client = client(&ClientConfig::default()).unwrap();
    Arc::new(WebPush::new(config, client).unwrap())
}

async fn served(folder: &Path, minute: i64, port: u16) -> Running {
    let browsers = browsers(port);
    let single = |name: &str, single| (name.to_owned(), LinkKind::Single(single));
    let links = vec![
        single("cap", Single::Cap),
        single("push", Single::Push),
        single("push/huawei", huawei(port)),
        single("push/web", Single::Browsers(Arc::clone(&browsers))),
    ];
    let (opened, installation) = opened(folder, Storage::default()).unwrap();
    let kept = folder.join("directory/subscriptions");
    let options = Options {
        subscriptions: Some((browsers, kept, 10)),
        ..options(installation, minute, every(3), links)
    };
    start(opened, options).await.unwrap()
}

async fn subscribe(running: &Running, port: u16, name: &str) -> String {
    let body = serde_json::json!({
        "subscription": {
            "endpoint": format!("http://127.0.0.1:{port}/web/{name}"),
            "keys": { "p256dh": P256DH, "auth": AUTH },
        },
        "areas": ["440106014000"],
        "language": "zh",
    });
    let body = body.to_string();
    let mut stream = tokio::net::TcpStream::connect(running.address)
        .await
        .unwrap();
    let head = format!(
        "POST /v1/push/subscriptions HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

async fn sign(app: &App) {
    for warning in app.view.warnings() {
        for person in ["chen", "wang"].into_iter().take(warning.needs.into()) {
            let approve = Order::Approve {
                warning: model::WarningId::parse(&warning.id).unwrap(),
                revision: warning.revision,
                seen: warning.seen.clone(),
                person: person.into(),
                as_it_stands: String::new(),
            };
            let done = app.order(Zone(0), approve).await;
            assert!(done.is_ok(), "{done:?}: {warning:?}");
        }
    }
}

fn retired(app: &App) -> Vec<(String, usize)> {
    let retired = app.retired.lock();
    let name = |link: &Partition| app.links[usize::from(link.0)].clone();
    let retired = retired.iter().map(|(link, list)| (name(link), list.len()));
    retired.filter(|(_, count)| *count > 0).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_token_goes_by_its_service_and_a_retired_one_is_never_tried_again() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    city::write_city(folder);
    let rewrite = |file: &str, edit: &dyn Fn(String) -> String| {
        let path = folder.join("city").join(file);
        let text = fs::read_to_string(&path).unwrap();
        fs::write(path, edit(text)).unwrap();
    };
    rewrite("contacts.csv", &|text| {
        let text = text.replace("site,email,language", "site,email,push,language");
        let text = text.replace("C1,,zh", "C1,,huawei:owner-token,zh");
        let text = text.replace("11,,,zh", "11,,,huawei:gone-token,zh");
        text.replace("12,,,zh", "12,,,xiaomi:chief-token,zh")
    });
    rewrite("subscribers.csv", &|text| {
        let text = text.replace("language,audience", "language,audience,push");
        let text = text.replace("zh,public", "zh,public,huawei:resident-token");
        text.replace("en,public", "en,public,oppo:other-token")
    });
    let (port, asked) = services().await;
    let running = served(folder, 0, port).await;
    let app = Arc::clone(&running.app);
    for name in ["well", "gone"] {
        let answer = subscribe(&running, port, name).await;
        assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
    }
    let far = subscribe(&running, 9, "elsewhere").await;
    assert!(far.starts_with("HTTP/1.1 400"), "{far}");
    report(&app, 1, &[("W1", "water_depth", "0.3")]).await;
    sign(&app).await;
    let told = |name: &str| asked.lock().get(name).copied().unwrap_or(0);
    eventually("everybody is told by their own service", &app, || {
        told("owner-token") >= 1
            && told("resident-token") >= 1
            && told("/web/well") >= 1
            && told("gone-token") >= 1
            && told("/web/gone") >= 1
    })
    .await;
    eventually("what is gone is known", &app, || {
        let known = retired(&app);
        known == [("push/huawei".into(), 1), ("push/web".into(), 1)]
    })
    .await;
    let subscriptions = app.subscriptions.as_ref().unwrap();
    assert_eq!(
        subscriptions.len(),
        1,
        "a browser that is gone is forgotten"
    );
    // Worse: the others hear of it, the gone are not tried.
    let before = [told("owner-token"), told("/web/well")];
    report(&app, 2, &[("W1", "water_depth", "0.6")]).await;
    sign(&app).await;
    eventually("the others go on", &app, || {
        told("owner-token") > before[0] && told("/web/well") > before[1]
    })
    .await;
    assert_eq!((told("gone-token"), told("/web/gone")), (1, 1));
    let before = told("owner-token");
    drop(app);
    running.stop().await.unwrap();

    // Nor after a restart.
    let running = served(folder, 3, port).await;
    let app = Arc::clone(&running.app);
    assert_eq!(app.subscriptions.as_ref().unwrap().len(), 1);
    eventually("the fact is there again", &app, || {
        retired(&app).contains(&("push/huawei".into(), 1))
    })
    .await;
    report(&app, 30, &[("W1", "water_depth", "0.01")]).await;
    for minute in 31..70 {
        report(&app, minute, &[("W1", "water_depth", "0.0")]).await;
    }
    sign(&app).await;
    eventually("the end is told", &app, || told("owner-token") > before).await;
    assert_eq!(told("gone-token"), 1);
    drop(app);
    running.stop().await.unwrap();

    let mut open = vec![folder.join("journal"), folder.join("directory")];
    let mut looked = 0;
    while let Some(path) = open.pop() {
        if path.is_dir() {
            open.extend(
                fs::read_dir(path)
                    .unwrap()
                    .map(|entry| entry.unwrap().path()),
            );
            continue;
        }
        let bytes = fs::read(&path).unwrap();
        looked += 1;
        for words in ["-token", "127.0.0.1", "/web/", P256DH, AUTH] {
            let found = bytes
                .windows(words.len())
                .any(|part| part == words.as_bytes());
            assert!(!found, "{words} in {}", path.display());
        }
    }
    assert!(looked > 5, "{looked} files");
}

/// A target that takes calls and never answers: the others hear at once, by their own threads.
#[tokio::test(flavor = "multi_thread")]
async fn a_black_hole_webhook_delays_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    city::write_city(folder);
    let hole = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let silent = hole.local_addr().unwrap().port();
    let fallen: Arc<Mutex<usize>> = Arc::default();
    let calls = Arc::clone(&fallen);
    tokio::spawn(async move {
        let mut held = Vec::new();
        while let Ok((stream, _)) = hole.accept().await {
            *calls.lock() += 1;
            held.push(stream);
        }
    });
    let (port, asked) = services().await;
    let webhook = |name: &str, url: String| {
        let config = WebhookConfig {
            name: name.into(),
            url: url.parse().unwrap(),
            secret: b"secret".to_vec(),
            gate: GATE,
        };
        let client = client(&ClientConfig::default()).unwrap();
        let link = Single::Webhook(Arc::new(Webhook::new(config, client)));
        (format!("webhook/{name}"), LinkKind::Single(link))
    };
    let links = vec![
        ("cap".to_owned(), LinkKind::Single(Single::Cap)),
        ("push".to_owned(), LinkKind::Single(Single::Push)),
        webhook("hole", format!("http://127.0.0.1:{silent}/hook")),
        webhook("well", format!("http://127.0.0.1:{port}/hook")),
    ];
    let running = serve(folder, 0, every(3), links).await;
    let app = Arc::clone(&running.app);
    report(&app, 1, &[("W1", "water_depth", "0.3")]).await;
    sign(&app).await;
    let told = || asked.lock().get("/hook").copied().unwrap_or(0);
    // The hole is waited for ten seconds each time.
    let quick = async {
        eventually("both are called", &app, || {
            told() >= 1 && *fallen.lock() >= 1
        })
        .await;
        report(&app, 2, &[("W1", "water_depth", "0.6")]).await;
        sign(&app).await;
        eventually("the next one too", &app, || told() >= 2).await;
    };
    let done = tokio::time::timeout(Duration::from_secs(9), quick).await;
    assert!(done.is_ok(), "the hole held up the other");
    drop(app);
    running.stop().await.unwrap();
}
