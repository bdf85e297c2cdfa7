//! APNs: a strict local server that speaks HTTP/2 alone, and each reason once.

use crate::peers::runtime;
use crate::push_services::{COLLAPSE, adapter, at, der, openssl, plays, script, verified};
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair,
    UnparsedPublicKey,
};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

/// A strict APNs: HTTP/2 alone, the token's signature, the headers. Gives what each request was.
async fn apple(
    public: Vec<u8>,
    answers: Arc<Mutex<(u16, String)>>,
) -> (u16, Arc<Mutex<Vec<Value>>>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let seen: Arc<Mutex<Vec<Value>>> = Arc::default();
    let told = Arc::clone(&seen);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (public, answers, told) = (public.clone(), Arc::clone(&answers), Arc::clone(&told));
            tokio::spawn(async move {
                let mut connection = h2::server::handshake(stream).await.unwrap();
                while let Some(Ok((request, mut respond))) = connection.accept().await {
                    let header = |name: &str| -> String {
                        let value = request.headers().get(name);
                        value.map_or(String::new(), |v| v.to_str().unwrap().to_owned())
                    };
                    let token = header("authorization");
                    let token = token.strip_prefix("bearer ").unwrap();
                    let (head, claims) = verified(token, |signed, signature| {
                        let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, &public);
                        key.verify(signed, signature).is_ok()
                    });
                    let line = format!("{} {}", request.method(), request.uri().path());
                    let names = [
                        "topic",
                        "push-type",
                        "priority",
                        "expiration",
                        "collapse-id",
                        "id",
                    ];
                    let apns = names.map(|name| (name, header(&format!("apns-{name}"))));
                    let apns: BTreeMap<&str, String> = apns.into_iter().collect();
                    let mut incoming = request.into_body();
                    let (status, body) = answers.lock().unwrap().clone();
                    let told = Arc::clone(&told);
                    tokio::spawn(async move {
                        let mut bytes = Vec::new();
                        while let Some(Ok(part)) = incoming.data().await {
                            bytes.extend_from_slice(&part);
                        }
                        told.lock().unwrap().push(json!({
                            "line": line, "head": head, "claims": claims, "apns": apns,
                            "body": serde_json::from_slice::<Value>(&bytes).unwrap(),
                        }));
                        let answer = http::Response::builder()
                            .status(status)
                            .header("apns-id", "A1");
                        let mut out = respond
                            .send_response(answer.body(()).unwrap(), false)
                            .unwrap();
                        out.send_data(body.into_bytes().into(), true).unwrap();
                    });
                }
            });
        }
    });
    (port, seen)
}

#[test]
fn apns_over_http_2_with_each_reason_once() {
    let Some(pem) = openssl(&[
        "genpkey",
        "-algorithm",
        "EC",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
    ]) else {
        return;
    };
    let random = ring::rand::SystemRandom::new();
    let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &der(&pem), &random);
    let public = key.unwrap().public_key().as_ref().to_vec();
    runtime().block_on(async {
        let script = script();
        let (port, seen) = apple(public, Arc::clone(&script)).await;
        let made = || {
            adapter(
                "apns",
                &[
                    ("key", pem.clone()),
                    ("key_id", "ABC123DEFG".into()),
                    ("team_id", "TEAM123456".into()),
                    ("topic", "org.example.warn".into()),
                    ("base", format!("http://127.0.0.1:{port}")),
                ],
            )
        };
        let reason = |reason: &str| json!({ "reason": reason });
        plays(
            &script,
            made,
            &[
                (200, json!(""), "taken"),
                (400, reason("BadDeviceToken"), "retired"),
                (400, reason("DeviceTokenNotForTopic"), "retired"),
                (
                    410,
                    json!({ "reason": "Unregistered", "timestamp": 1 }),
                    "retired",
                ),
                (410, reason("ExpiredToken"), "retired"),
                (400, reason("BadCollapseId"), "permanent"),
                (400, reason("BadTopic"), "transient"),
                (400, reason("PayloadEmpty"), "permanent"),
                (403, reason("ExpiredProviderToken"), "transient"),
                (403, reason("InvalidProviderToken"), "transient"),
                (413, reason("PayloadTooLarge"), "permanent"),
                (429, reason("TooManyRequests"), "transient"),
                (429, reason("TooManyProviderTokenUpdates"), "throttled"),
                (500, reason("InternalServerError"), "transient"),
                (503, reason("ServiceUnavailable"), "transient"),
                (503, reason("Shutdown"), "transient"),
            ],
        )
        .await;
        let first = seen.lock().unwrap()[0].clone();
        assert_eq!(first["line"], "POST /3/device/token%3A1");
        assert_eq!(
            first["head"],
            json!({ "alg": "ES256", "kid": "ABC123DEFG", "typ": "JWT" })
        );
        assert_eq!(
            first["claims"],
            json!({ "iss": "TEAM123456", "iat": at(0).seconds() })
        );
        assert_eq!(
            first["apns"],
            json!({
                "topic": "org.example.warn", "push-type": "alert", "priority": "10",
                "expiration": at(600).seconds().to_string(), "collapse-id": COLLAPSE,
                "id": "01234567-89ab-cdef-0123-456789abcdef",
            })
        );
        let aps = &first["body"]["aps"];
        assert_eq!(aps["alert"]["title"], "暴雨红色");
        assert_eq!(aps["interruption-level"], "time-sensitive");
    });
}
