//! Another authority's Atom feed, polled by the service: its signal stands, is updated and lifted, and
//! nothing of it is taken twice, whoever is restarted.

use super::served::Served;
use super::small::eventually;
use journal::{DiskJournal, Journal, Kind, Options, Partition, Topic};
use model::Input;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::{Arc, Mutex};

const SENDER: &str = "44010041600000";

/// Documents of the authority, the oldest first, and how often each was asked for.
#[derive(Default)]
struct Published {
    documents: Vec<String>,
    asked: BTreeMap<usize, u32>,
}

/// The authority's web server.
struct Office {
    port: u16,
    published: Arc<Mutex<Published>>,
}

impl Office {
    fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let published = Arc::new(Mutex::new(Published::default()));
        let shared = Arc::clone(&published);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                answer(stream, &mut shared.lock().unwrap());
            }
        });
        Self { port, published }
    }

    /// The next document, which may refer to an earlier one.
    fn publish(&self, kind: &str, refers_to: Option<usize>, headline: &str) {
        let mut published = self.published.lock().unwrap();
        let number = published.documents.len();
        let references = refers_to.map_or(String::new(), |number| {
            let (identifier, sent) = (identifier(number), sent(number));
            format!("<references>office@weather.example,{identifier},{sent}</references>")
        });
        let (identifier, sent) = (identifier(number), sent(number));
        published.documents.push(format!(
            "<alert xmlns='urn:oasis:names:tc:emergency:cap:1.2'><identifier>{identifier}</identifier>\
             <sender>office@weather.example</sender><sent>{sent}</sent><status>Actual</status>\
             <msgType>{kind}</msgType><scope>Public</scope>{references}<info><language>zh-CN</language>\
             <category>Met</category><event>暴雨</event><urgency>Immediate</urgency><severity>Severe</severity>\
             <certainty>Observed</certainty><eventCode><valueName>GB</valueName><value>11B03</value></eventCode>\
             <senderName>穗城气象台</senderName><headline>{headline}</headline><area><areaDesc>天河</areaDesc>\
             <geocode><valueName>GB</valueName><value>440106000000</value></geocode></area></info></alert>"
        ));
    }

    /// How often the document was fetched.
    fn asked(&self, number: usize) -> u32 {
        let published = self.published.lock().unwrap();
        published.asked.get(&number).copied().unwrap_or(0)
    }
}

fn identifier(number: usize) -> String {
    format!("{SENDER}_2023090713040{number}")
}

fn sent(number: usize) -> String {
    format!("2023-09-07T13:0{number}:00+08:00")
}

/// One request on a connection of its own.
fn answer(mut stream: TcpStream, published: &mut Published) {
    let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
    let first = lines.next().unwrap().unwrap();
    let mut known = String::new();
    for line in lines.map_while(Result::ok) {
        if line.is_empty() {
            break;
        }
        if let Some(etag) = line.to_ascii_lowercase().strip_prefix("if-none-match: ") {
            etag.clone_into(&mut known);
        }
    }
    let path = first.split(' ').nth(1).unwrap_or_default();
    let etag = format!("\"v{}\"", published.documents.len());
    let document = path
        .strip_prefix("/cap/")
        .and_then(|number| number.parse::<usize>().ok());
    let (status, body) = match document {
        Some(number) => {
            *published.asked.entry(number).or_default() += 1;
            ("200 OK", published.documents[number].clone())
        }
        None if known == etag => ("304 Not Modified", String::new()),
        None => ("200 OK", feed(published.documents.len())),
    };
    let length = body.len();
    let head = format!(
        "HTTP/1.1 {status}\r\nETag: {etag}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
    );
    stream
        .write_all(format!("{head}{body}").as_bytes())
        .unwrap();
}

/// The newest first, as feeds are.
fn feed(documents: usize) -> String {
    let entry = |number: usize| {
        format!(
            "<entry><id>{}</id><updated>{}</updated><link href='/cap/{number}' type='application/cap+xml'/></entry>",
            identifier(number),
            sent(number),
        )
    };
    let entries: String = (0..documents).rev().map(entry).collect();
    format!("<feed xmlns='http://www.w3.org/2005/Atom'><title>signals</title>{entries}</feed>")
}

/// Identifier, headline and kind of each signal in force.
fn standing(served: &Served) -> Vec<(String, String, String)> {
    let signals: Vec<Value> = serde_json::from_str(&served.get("/v1/signals").1).unwrap();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    signals
        .iter()
        .map(|s| {
            assert_eq!(s["areas"], json!(["440106000000"]), "{s}");
            (
                text(&s["identifier"]),
                text(&s["headline"]["zh"]),
                text(&s["kind"]),
            )
        })
        .collect()
}

/// Identifiers of the signals in the zone's input, in their order.
fn stored(folder: &Path) -> Vec<String> {
    let journal = DiskJournal::open(&folder.join("journal"), Options::default()).unwrap();
    let (input, zone) = (Topic::actual(Kind::Input), Partition(0));
    let records = journal
        .read(input, zone, journal.first(input, zone).unwrap(), 8 << 20)
        .unwrap();
    records
        .iter()
        .filter_map(
            |record| match Input::decode(record.kind, record.payload()) {
                Ok(Input::Signal(signal)) => Some(signal.identifier),
                Ok(_) | Err(_) => None,
            },
        )
        .collect()
}

#[test]
fn a_polled_signal_stands_is_updated_and_lifted_and_never_taken_twice() {
    let folder = tempfile::tempdir().unwrap();
    let office = Office::open();
    let section = format!(
        "[[poll]]\nurl = \"http://127.0.0.1:{}/feed.atom\"\nevery_s = 5\n",
        office.port
    );
    let serve = || Served::with_sections(folder.path(), &section);
    let is = |number, headline: &str, kind: &str| {
        vec![(identifier(number), headline.to_owned(), kind.to_owned())]
    };

    office.publish("Alert", None, "发布暴雨橙色预警信号");
    let served = serve();
    eventually("the signal", || {
        standing(&served) == is(0, "发布暴雨橙色预警信号", "alert")
    });
    office.publish("Update", Some(0), "继续发布暴雨橙色预警信号");
    let updated = is(1, "继续发布暴雨橙色预警信号", "update");
    eventually("its update in its place", || standing(&served) == updated);
    assert_eq!((office.asked(0), office.asked(1)), (1, 1), "each once");

    // A poller that was started anew has seen nothing: the journal has.
    drop(served);
    let served = serve();
    eventually("all is fetched again", || office.asked(1) == 2);
    assert_eq!(standing(&served), updated);
    office.publish("Cancel", Some(1), "解除暴雨橙色预警信号");
    eventually("it is lifted", || standing(&served).is_empty());
    drop(served);
    let served = serve();
    eventually("all is fetched once more", || office.asked(2) == 2);
    assert!(standing(&served).is_empty());
    drop(served);
    let once: Vec<String> = (0..3).map(identifier).collect();
    assert_eq!(stored(folder.path()), once);
}
