//! A release platform with people of its own: a form reaches it with our CAP document, waits there,
//! is released or rejected, and the console says which.

use super::street::{Street, feed, list, sign};
use crate::small::{Centre, Served, eventually, root};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::{Arc, Mutex};

/// What the platform was put, and what its people last said.
#[derive(Default)]
struct Desk {
    forms: Vec<Value>,
    said: Value,
    withdrawn: usize,
}

/// A platform that answers by what its desk says.
struct Platform {
    port: u16,
    desk: Arc<Mutex<Desk>>,
}

impl Platform {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let desk = Arc::new(Mutex::new(Desk {
            said: json!({"status": "received", "receiptNo": "R-7"}),
            ..Desk::default()
        }));
        let at = Arc::clone(&desk);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                answer(stream, &at);
            }
        });
        Self { port, desk }
    }

    fn says(&self, said: Value) {
        self.desk.lock().unwrap().said = said;
    }

    fn forms(&self) -> Vec<Value> {
        self.desk.lock().unwrap().forms.clone()
    }
}

fn answer(mut stream: TcpStream, desk: &Mutex<Desk>) {
    let mut lines = BufReader::new(stream.try_clone().unwrap());
    let mut first = String::new();
    lines.read_line(&mut first).unwrap();
    let mut length = 0;
    loop {
        let mut line = String::new();
        if lines.read_line(&mut line).unwrap() < 3 {
            break;
        }
        if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
    }
    let mut body = vec![0; length];
    lines.read_exact(&mut body).unwrap();
    let mut desk = desk.lock().unwrap();
    if first.starts_with("POST /api/ews/v1/release HTTP") {
        desk.forms.push(serde_json::from_slice(&body).unwrap());
    } else if first.contains("/withdraw ") {
        desk.withdrawn += 1;
        desk.said = json!({"status": "withdrawn"});
    }
    let said = json!({"code": "0", "data": desk.said}).to_string();
    let head = format!(
        "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
        said.len()
    );
    drop(stream.write_all(format!("{head}{said}").as_bytes()));
}

/// A centre with the platform behind it twice: as its paper says, and by a paper that is content with
/// two hands.
fn centre(folder: &Path, platform: &Platform, smsc: &Centre) -> Served {
    Street::default().write(folder);
    fs::write(folder.join("secret"), "handed out").unwrap();
    let shipped = root().join("dispatch/platforms/ews_2018.toml");
    let shape = fs::read_to_string(shipped).unwrap();
    let two = shape.replace(
        r#"requires = ["maker", "checker", "signer"]"#,
        r#"requires = ["maker", "signer"]"#,
    );
    assert_ne!(shape, two);
    fs::write(folder.join("two.toml"), two).unwrap();
    let section = |name: &str, shape: &str| {
        format!(
            r#"
[[platform]]
name = "{name}"
shape = {shape}
channels = ["sms", "tv"]
account = {{ base = "http://127.0.0.1:{}", account = "city", secret = {{ file = "{}/secret" }} }}
"#,
            platform.port,
            folder.display()
        )
    };
    let own = format!("{{ file = \"{}/two.toml\" }}", folder.display());
    let more = section("nation", "\"ews_2018\"") + &section("province", &own);
    Served::serve(folder, smsc.port, &more)
}

fn row(served: &Served, link: &str) -> Option<Value> {
    let rows = list(served, "/v1/deliveries").into_iter();
    let mut rows = rows.filter(|row| row["link"] == link && row["purpose"] == "alert");
    rows.next()
}

fn state(served: &Served, link: &str) -> String {
    let row = row(served, link).unwrap_or_default();
    row["job"]["state"].as_str().unwrap_or_default().to_owned()
}

fn signed(served: &Served) {
    feed(served, "W1", 1, "0.70");
    eventually("something is to be signed", || {
        !list(served, "/v1/warnings").is_empty()
    });
    assert_eq!(sign(served, "token-chen").0, 204);
}

#[test]
fn a_form_waits_for_the_platforms_people_and_their_channels_are_counted() {
    let folder = tempfile::tempdir().unwrap();
    let (Some(smsc), platform) = (Centre::plain(), Platform::start()) else {
        return;
    };
    let mut served = centre(folder.path(), &platform, &smsc);
    signed(&served);
    eventually("the form is before the platform's people", || {
        state(&served, "cap/province") == "submitted"
    });
    let forms = platform.forms();
    assert_eq!(forms.len(), 1, "one form, put once: {forms:?}");
    let form = &forms[0];
    let identifier = form["identifier"].as_str().unwrap();
    let code = form["senderCode"].as_str().unwrap();
    assert!(identifier.starts_with(&format!("{code}_")), "{form}");
    assert_eq!(
        (form["msgType"].as_str(), form["signer"].as_str()),
        (Some("Alert"), Some("chen")),
        "{form}"
    );
    let document = base64(form["cap"].as_str().unwrap());
    let (status, published) = served.get(&format!("/cap/{identifier}.xml"));
    assert_eq!(status, 200, "{published}");
    assert_eq!(
        document, published,
        "the document of our feed, byte for byte"
    );

    // What nobody checked the platform's paper does not take, and a person is told so.
    eventually("the other is refused", || {
        state(&served, "cap/nation") == "refused"
    });
    let refused = row(&served, "cap/nation").unwrap();
    let why = refused["job"]["objections"][0].as_str().unwrap();
    assert!(
        why.contains("no checker: one person signed it"),
        "{refused}"
    );
    let (_, metrics) = served.get("/metrics");
    let waiting = r#"sanfang_area_jobs_waiting{link="cap/nation",why="refused"} 1"#;
    assert!(metrics.contains(waiting), "{metrics}");

    // A start in between asks on.
    served.kill();
    served.start_again();
    served.ready().unwrap();
    platform.says(
        json!({"status": "released", "receiptNo": "R-7", "channels": [
        {"channel": "sms", "total": 1000, "success": 990, "fail": 10}]}),
    );
    eventually("the release is on the board", || {
        state(&served, "cap/province") == "released"
    });
    let released = row(&served, "cap/province").unwrap();
    let sms = json!({"planned": 1000, "sent": 990, "failed": 10});
    assert_eq!(released["job"]["channels"]["sms"], sms, "{released}");
    assert_eq!(released["job"]["receipt"], "R-7", "{released}");
    // What was not durable when it was killed is put again, under the same number.
    let forms = platform.forms();
    let numbers: BTreeSet<&str> = forms
        .iter()
        .filter_map(|f| f["requestId"].as_str())
        .collect();
    assert_eq!(numbers.len(), 1, "{forms:?}");
}

#[test]
fn a_rejection_is_shown_with_its_reason() {
    let folder = tempfile::tempdir().unwrap();
    let (Some(smsc), platform) = (Centre::plain(), Platform::start()) else {
        return;
    };
    let served = centre(folder.path(), &platform, &smsc);
    signed(&served);
    eventually("the form is before the platform's people", || {
        state(&served, "cap/province") == "submitted"
    });
    platform.says(json!({"status": "rejected", "reason": "级别与权限不符"}));
    eventually("the rejection is on the board", || {
        state(&served, "cap/province") == "rejected"
    });
    let rejected = row(&served, "cap/province").unwrap();
    let why = json!(["级别与权限不符"]);
    assert_eq!(rejected["job"]["objections"], why, "{rejected}");
    eventually("and an alarm", || {
        let waiting = r#"sanfang_area_jobs_waiting{link="cap/province",why="rejected"} 1"#;
        served.get("/metrics").1.contains(waiting)
    });
}

#[test]
fn a_form_that_nobody_has_released_can_be_taken_back() {
    let folder = tempfile::tempdir().unwrap();
    let (Some(smsc), platform) = (Centre::plain(), Platform::start()) else {
        return;
    };
    let served = centre(folder.path(), &platform, &smsc);
    signed(&served);
    eventually("the form is before the platform's people", || {
        state(&served, "cap/province") == "submitted"
    });
    let intent = row(&served, "cap/province").unwrap()["intent"].clone();
    let path = format!("/v1/area-jobs/{}", intent.as_str().unwrap());
    let body = r#"{"link":"cap/province","act":"kill","reason":"a wrong area"}"#;
    assert_eq!(served.post(&path, Some("token-wang"), body).0, 202);
    eventually("it is taken back", || {
        state(&served, "cap/province") == "withdrawn"
    });
    assert_eq!(platform.desk.lock().unwrap().withdrawn, 1);
}

fn base64(text: &str) -> String {
    use base64::Engine;
    let bytes = base64::engine::general_purpose::STANDARD.decode(text);
    String::from_utf8(bytes.unwrap()).unwrap()
}
