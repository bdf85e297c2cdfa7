//! Cell broadcast against a platform that is strict about the interface's schema, and pages as
//! tshark reads them.

use crate::peers::missing;
use crate::server::{Answer, Request, Server};
use dispatch::gateway::cell::{
    Category, CellConfig, CellSaying, CellTarget, CellTier, Cells, Pages, Serial,
};
use dispatch::gateway::gate::GateConfig;
use dispatch::gateway::http::{ClientConfig, client};
use dispatch::gateway::notice::Unsent;
use model::fault::Faults;
use model::{AreaCode, Language, SendError, Span, Tier, Time, WarningId};
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::Write;
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::Duration;

const TABLE: &str = "area,cell\n440106014000,460-00-1-1\n440106014000,460-00-1-2\n\
                     440106015000,460-00-1-2\n440106015000,460-00-1-3\n";

/// A platform by the schema of ECBE, written from its text: what is not in it is refused, and a
/// message is known by its identifier alone.
#[derive(Clone, Default)]
struct Platform {
    held: Arc<Mutex<Vec<Value>>>,
    /// What is done with the next calls instead.
    instead: Arc<Mutex<Vec<Instead>>>,
}

#[derive(Clone, Copy)]
enum Instead {
    /// It is done, and nobody is told.
    DoneInSilence,
    /// Nothing is done, and nobody is told.
    Lost,
    Say(u16),
}

impl Platform {
    fn answer(&self, request: &Request) -> Answer {
        let instead = self.instead.lock().unwrap().pop();
        match instead {
            Some(Instead::Lost) => return Answer::HangUp,
            Some(Instead::Say(status)) => {
                return Answer::Say(status, String::new(), b"as told".to_vec());
            }
            Some(Instead::DoneInSilence) | None => {}
        }
        let (status, why) = match self.done(request) {
            Ok(status) => (status, String::new()),
            Err(why) => (400, why),
        };
        match instead {
            Some(_) => Answer::HangUp,
            None => Answer::Say(status, String::new(), why.into_bytes()),
        }
    }

    fn done(&self, request: &Request) -> Result<u16, String> {
        assert_eq!(request.header("authorization"), "Bearer the token");
        let mut held = self.held.lock().unwrap();
        let mut words = request.line.split(' ');
        let (method, path) = (words.next().unwrap(), words.next().unwrap());
        if method == "DELETE" {
            let id = path.strip_prefix("/api/ecbe/v1/message/").ok_or("path")?;
            let id: u16 = id.parse().map_err(|_| "identifier")?;
            let at = held
                .iter()
                .position(|it| it["smscb_message"]["message_id"] == id);
            return Ok(match at {
                Some(at) => {
                    held.remove(at);
                    200
                }
                None => 404,
            });
        }
        if (method, path) != ("POST", "/api/ecbe/v1/message") {
            return Err(format!("{method} {path}"));
        }
        let body: Value = serde_json::from_slice(&request.body).map_err(|e| e.to_string())?;
        strict(&body)?;
        held.push(body);
        Ok(201)
    }

    /// Identifier, message code, update number and cells of what is on the air.
    fn on_air(&self) -> Vec<(u64, u64, u64, Vec<String>)> {
        let held = self.held.lock().unwrap();
        let one = |it: &Value| {
            let message = &it["smscb_message"];
            let serial = &message["serial_nr"]["serial_nr_decoded"];
            let cells = it["scope"]["scope_cells"]["cells"].as_array();
            let cells = cells.into_iter().flatten();
            (
                message["message_id"].as_u64().unwrap(),
                serial["msg_code"].as_u64().unwrap(),
                serial["update_nr"].as_u64().unwrap(),
                cells.map(|c| c.as_str().unwrap().to_owned()).collect(),
            )
        };
        let mut all: Vec<_> = held.iter().map(one).collect();
        all.sort();
        all
    }
}

/// The rules of `cbc.schema.json` and `smscb.schema.json`, and our one scope beside theirs.
fn strict(body: &Value) -> Result<(), String> {
    fn only(of: &Value, keys: &[&str]) -> Result<(), String> {
        let object = of.as_object().ok_or("no object")?;
        match object.keys().find(|key| !keys.contains(&key.as_str())) {
            Some(key) => Err(format!("unknown {key}")),
            None => Ok(()),
        }
    }
    let within = |of: &Value, least: u64, most: u64, what: &str| {
        let value = of.as_u64().filter(|value| (least..=most).contains(value));
        value.map(drop).ok_or_else(|| format!("{what}: {of}"))
    };
    only(
        body,
        &[
            "cbe_name",
            "category",
            "repetition_period",
            "num_of_bcast",
            "scope",
            "smscb_message",
        ],
    )?;
    body["cbe_name"]
        .as_str()
        .filter(|name| !name.is_empty())
        .ok_or("cbe_name")?;
    let category = body["category"].as_str().ok_or("category")?;
    if !["normal", "high_priority", "background"].contains(&category) {
        return Err("category".into());
    }
    within(&body["repetition_period"], 1, 4095, "repetition_period")?;
    within(&body["num_of_bcast"], 0, 65535, "num_of_bcast")?;
    let scope = &body["scope"];
    only(scope, &["scope_plmn", "scope_cells"])?;
    if scope.as_object().map(serde_json::Map::len) != Some(1) {
        return Err("one scope".into());
    }
    let message = &body["smscb_message"];
    only(message, &["serial_nr", "message_id", "payload"])?;
    within(&message["message_id"], 0, 65535, "message_id")?;
    let serial = &message["serial_nr"]["serial_nr_decoded"];
    only(serial, &["geo_scope", "msg_code", "update_nr"])?;
    if serial["geo_scope"] != "plmn_wide" {
        return Err("geo_scope".into());
    }
    within(&serial["msg_code"], 0, 1023, "msg_code")?;
    within(&serial["update_nr"], 0, 15, "update_nr")?;
    let payload = &message["payload"]["payload_encoded"];
    only(payload, &["dcs", "pages"])?;
    within(&payload["dcs"], 0, 255, "dcs")?;
    let pages = payload["pages"].as_array().ok_or("pages")?;
    if !(1..=15).contains(&pages.len()) {
        return Err("pages".into());
    }
    let is_page = |page: &Value| {
        page.as_str()
            .is_some_and(|p| hex::decode(p).is_ok_and(|p| p.len() == 82))
    };
    pages
        .iter()
        .all(is_page)
        .then_some(())
        .ok_or_else(|| "page".into())
}

fn tier(identifier: u16) -> CellTier {
    CellTier {
        identifier,
        other_languages: identifier + 13,
        category: Category::HighPriority,
    }
}

async fn target(platform: &Platform) -> (CellTarget, Server) {
    let strict = platform.clone();
    let server = Server::start(move |request| strict.answer(request)).await;
    (at(&server), server)
}

fn at(server: &Server) -> CellTarget {
    let mut faults = Faults::default();
    let config = CellConfig {
        name: "carrier".into(),
        url: server.url("/api/ecbe/v1/"),
        token: Some("the token".into()),
        sender: "sanfang".into(),
        periods: 32,
        tiers: BTreeMap::from([(Tier::Red, tier(4371)), (Tier::Orange, tier(4373))]),
        cells: Cells::read("cells.csv", TABLE.as_bytes(), &mut faults),
        gate: GateConfig {
            in_flight_max: 1,
            waiting_max: 10,
            failures_max: 50,
            pause: Span::from_seconds(1),
        },
    };
    let http = ClientConfig {
        answer_timeout: Duration::from_secs(2),
        ..ClientConfig::default()
    };
    CellTarget::new(config, client(&http).unwrap())
}

fn areas(codes: &[&str]) -> Vec<AreaCode> {
    codes
        .iter()
        .map(|code| AreaCode::parse(code).unwrap())
        .collect()
}

const WORDS: &[(Language, &str)] = &[
    (Language::Zh, "请立即撤离!天河区沙河街道暴雨红色预警。"),
    (Language::En, "Leave now! Rainstorm warning RED for Shahe."),
];

fn saying<'a>(number: u64, tier: Tier, areas: &'a [AreaCode]) -> CellSaying<'a> {
    CellSaying {
        warning: WarningId::parse(&format!("{number:024x}")).unwrap(),
        revision: 1,
        areas,
        tier,
        eases: false,
        texts: WORDS,
        until: Time::from_seconds(7_200),
    }
}

fn second(second: i64) -> Time {
    Time::from_seconds(second)
}

#[tokio::test]
async fn a_warning_goes_out_is_updated_in_a_part_and_taken_away() {
    let platform = Platform::default();
    let (target, _server) = target(&platform).await;
    let both = areas(&["440106014000", "440106015000"]);
    target
        .say(&saying(1, Tier::Orange, &both), second(0))
        .await
        .unwrap();
    let first = platform.on_air();
    assert_eq!(first.len(), 2, "one in each language: {first:?}");
    assert_eq!([first[0].0, first[1].0], [4373, 4386]);
    assert_ne!(
        first[0].1, first[1].1,
        "each with a message code of its own"
    );
    assert_eq!(first[0].3, ["460-00-1-1", "460-00-1-2", "460-00-1-3"]);
    let told = platform.held.lock().unwrap()[0].clone();
    assert_eq!(
        told["num_of_bcast"], 120,
        "two hours, once a minute: {told}"
    );

    target
        .say(&saying(1, Tier::Red, &both[..1]), second(60))
        .await
        .unwrap();
    let now = platform.on_air();
    assert_eq!(
        now.iter().map(|it| it.0).collect::<Vec<_>>(),
        [4371, 4373, 4384, 4386]
    );
    assert_eq!(
        (now[0].2, now[1].2),
        (1, 0),
        "newer there, the same elsewhere"
    );
    assert_eq!(now[0].1, now[1].1, "one warning, one code");
    assert_eq!(now[1].3, ["460-00-1-2", "460-00-1-3"]);

    let end = CellSaying {
        eases: true,
        ..saying(1, Tier::None, &both)
    };
    target.say(&end, second(120)).await.unwrap();
    assert_eq!(platform.on_air(), []);
    assert_eq!(target.on_air(), 0);
}

#[tokio::test]
async fn what_nobody_knows_of_is_asked_after_and_stands_once() {
    let platform = Platform::default();
    let (target, _server) = target(&platform).await;
    let both = areas(&["440106014000", "440106015000"]);
    target
        .say(&saying(1, Tier::Red, &both[1..]), second(0))
        .await
        .unwrap();
    for instead in [Instead::DoneInSilence, Instead::Lost, Instead::Say(503)] {
        platform.instead.lock().unwrap().push(instead);
        let failed = target
            .say(&saying(2, Tier::Red, &both[..1]), second(1))
            .await;
        assert!(
            matches!(&failed, Err(Unsent::Send(SendError::Transient(_)))),
            "{failed:?}"
        );
    }
    target
        .say(&saying(2, Tier::Red, &both[..1]), second(2))
        .await
        .unwrap();
    let now = platform.on_air();
    assert_eq!(
        now.len(),
        4,
        "two warnings in two languages, each once: {now:?}"
    );
    assert!(
        now.iter().all(|it| it.2 == 0),
        "the first of each warning: {now:?}"
    );
}

#[tokio::test]
async fn a_restart_goes_on_where_it_was() {
    let platform = Platform::default();
    let (target, server) = target(&platform).await;
    let one = areas(&["440106014000"]);
    let first = target
        .say(&saying(1, Tier::Red, &one), second(0))
        .await
        .unwrap();
    let code = platform.on_air()[0].1;
    let again = at(&server);
    let number: u64 = first.reference.parse().unwrap();
    again
        .remember(&saying(1, Tier::Red, &one), number, second(5))
        .await;
    assert_eq!(again.on_air(), 2);
    again
        .say(&saying(1, Tier::Red, &one), second(10))
        .await
        .unwrap();
    let now = platform.on_air();
    assert_eq!((now.len(), now[0].1, now[0].2), (2, code, 1), "{now:?}");
    // What fell meanwhile is taken away, what stands for longer is said for longer.
    again
        .renew(|_, _| Some((Tier::Red, second(20_000))), second(20))
        .await
        .unwrap();
    let longer = platform.held.lock().unwrap()[0]["num_of_bcast"].as_u64();
    assert_eq!(longer, Some(332));
    again
        .renew(|_, _| Some((Tier::Blue, second(20_000))), second(30))
        .await
        .unwrap();
    assert_eq!(platform.on_air(), []);
}

#[tokio::test]
async fn what_would_mislead_is_refused() {
    let platform = Platform::default();
    let (target, server) = target(&platform).await;
    let one = areas(&["440106014000"]);
    let nowhere = areas(&["440106016000"]);
    let long = "水".repeat(601);
    let words = [(Language::Zh, long.as_str())];
    let cases = [
        (
            saying(1, Tier::Red, &nowhere),
            "none of its areas has a cell",
        ),
        (
            saying(1, Tier::Yellow, &one),
            "tier yellow has no message identifier",
        ),
        (
            CellSaying {
                texts: &words,
                ..saying(1, Tier::Red, &one)
            },
            "16 pages",
        ),
        (
            CellSaying {
                until: second(0),
                ..saying(1, Tier::Red, &one)
            },
            "past its not-after",
        ),
    ];
    for (saying, why) in cases {
        let refused = target.say(&saying, second(1)).await.unwrap_err();
        assert!(
            matches!(refused, Unsent::Send(SendError::Permanent(_))),
            "{refused}"
        );
        assert!(refused.to_string().contains(why), "{refused}");
    }
    assert_eq!(server.count(), 0, "nothing of it was sent");
    assert_eq!(target.without_cells(&nowhere), nowhere);
    platform.instead.lock().unwrap().push(Instead::Say(401));
    let refused = target
        .say(&saying(1, Tier::Red, &one), second(1))
        .await
        .unwrap_err();
    assert!(
        matches!(refused, Unsent::Send(SendError::Permanent(_))),
        "{refused}"
    );
}

/// What a dissector says of pages that come from the air, each in four blocks (TS 44.012 §3.3.1) as
/// GSMTAP brings them; nothing where there is none.
fn dissected(pages: &[[u8; 88]]) -> Option<Value> {
    let directory = tempfile::tempdir().unwrap();
    let [dump, pcap] = ["dump.txt", "dump.pcap"].map(|name| directory.path().join(name));
    let mut file = std::fs::File::create(&dump).unwrap();
    let mut frame = 0_u32;
    for page in pages {
        for (number, block) in (0_u8..).zip(page.chunks(22)) {
            // GSMTAP 2, Um, a cell broadcast channel.
            let mut octets = vec![2, 4, 1, 0, 0, 0, 0, 0];
            octets.extend(frame.to_be_bytes());
            octets.extend([15, 0, 0, 0]);
            let last = if number == 3 { 0x10 } else { 0 };
            octets.push(0x20 | last | number);
            octets.extend(block);
            for (row, sixteen) in octets.chunks(16).enumerate() {
                let hex: Vec<String> = sixteen.iter().map(|o| format!("{o:02x}")).collect();
                writeln!(file, "{:06x} {}", row * 16, hex.join(" ")).unwrap();
            }
            writeln!(file).unwrap();
            frame += 51;
        }
    }
    let mut command = Command::new("text2pcap");
    let made = command
        .args(["-q", "-u", "4729,4729"])
        .args([&dump, &pcap])
        .output();
    let Ok(made) = made else {
        missing("text2pcap and tshark");
        return None;
    };
    assert!(made.status.success(), "{made:?}");
    let mut command = Command::new("tshark");
    let read = command
        .arg("-r")
        .arg(&pcap)
        .args(["-T", "json", "--no-duplicate-keys"])
        .output();
    Some(serde_json::from_slice(&read.unwrap().stdout).unwrap())
}

/// Every value of a field, wherever it stands.
fn values<'a>(layer: &'a Value, field: &str, found: &mut Vec<&'a str>) {
    for (name, value) in layer.as_object().into_iter().flatten() {
        match value.as_str() {
            Some(text) if name == field => found.push(text),
            Some(_) | None => values(value, field, found),
        }
    }
    for item in layer.as_array().into_iter().flatten() {
        values(item, field, found);
    }
}

#[test]
fn tshark_reads_our_pages_without_complaint() {
    let english = "Leave now! Rainstorm warning RED [Shahe] from 15:00, Verify: 12379. ".repeat(3);
    let chinese = "请立即撤离!天河区沙河街道暴雨红色预警。".repeat(3);
    for (text, language) in [(english.trim_end(), Language::En), (&chinese, Language::Zh)] {
        let pages = Pages::of(text, language).unwrap();
        let serial = Serial {
            code: 683,
            update: 5,
        };
        let Some(read) = dissected(&pages.on_air(serial, 4371)) else {
            return;
        };
        let all = |field: &str| {
            let mut found = Vec::new();
            values(&read, field, &mut found);
            found
        };
        let count = pages.contents.len();
        assert!(count > 1, "{text}");
        let each = |value: &str| vec![value.to_owned(); count];
        assert_eq!(all("gsm_cbs.message_code"), each("683"));
        assert_eq!(all("gsm_cbs.update_number"), each("5"));
        assert_eq!(all("gsm_cbs.geographic_scope"), each("1"));
        assert_eq!(all("gsm_cbs.message-identifier"), each("4371"));
        let numbers: Vec<String> = (1..=count).map(|n| n.to_string()).collect();
        assert_eq!(all("gsm_cbs.current_page"), numbers);
        assert_eq!(all("gsm_cbs.total_pages"), each(&count.to_string()));
        let read: Vec<&str> = all("gsm_cbs.page_content");
        // The dissector reads the language before each page of UCS-2 as a character of its own.
        let language = usize::from(language == Language::Zh);
        let read: String = read
            .iter()
            .flat_map(|page| page.chars().skip(language))
            .collect();
        assert_eq!(read, text);
        assert_eq!(all("_ws.expert.message"), Vec::<&str>::new());
    }
}
