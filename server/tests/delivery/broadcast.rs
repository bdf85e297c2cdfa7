//! Broadcast from a signature to a platform of loudspeakers, a crawl by HTTP and one by files, and what
//! becomes of each when the warning is taken back.

use super::http;
use super::peers::Target;
use super::street::{Street, feed, list, sign, warning};
use crate::small::{Served, eventually, free_port, now};
use dispatch::gateway::emergency_broadcast::{pack, unpack};
use dispatch::simulator::loudspeaker::Loudspeaker;
use serde_json::Value;
use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex};

const SECRET: &[u8] = b"shared with the television";

/// Documents that a platform was handed; it takes all of them and says of each that it was broadcast.
#[derive(Clone, Default)]
struct Platform(Arc<Mutex<Vec<String>>>);

impl Platform {
    fn start(&self) -> u16 {
        let held = Arc::clone(&self.0);
        http::answer(move |request| {
            let files = unpack(&request.body).unwrap();
            let document = String::from_utf8(files[0].1.to_vec()).unwrap();
            let said = match document.contains("EBMStateRequest") {
                true => "<EBMStateResponse><BrdStateCode>2</BrdStateCode></EBMStateResponse>",
                false => "<EBDResponse><ResultCode>1</ResultCode></EBDResponse>",
            };
            held.lock().unwrap().push(document);
            let answer = format!("<EBD>{said}</EBD>").into_bytes();
            (200, pack(&[("EBDB_1.xml".to_owned(), answer)], 0))
        })
    }

    /// Identities of messages of a type: 1 is one, 2 takes one back.
    fn messages(&self, kind: u8) -> Vec<String> {
        let held = self.0.lock().unwrap();
        let wanted = format!("<MsgType>{kind}</MsgType>");
        let of_kind = held.iter().filter(|document| document.contains(&wanted));
        let id = |document: &String| {
            let (_, rest) = document.split_once("<EBMID>").unwrap();
            rest.split('<').next().unwrap().to_owned()
        };
        of_kind.map(id).collect()
    }

    fn heard(&self, what: &str) -> bool {
        self.0
            .lock()
            .unwrap()
            .iter()
            .any(|document| document.contains(what))
    }
}

/// A loudspeaker of the township, and where it takes orders.
fn loudspeaker() -> (Arc<Mutex<Loudspeaker>>, u16) {
    let speaker = Arc::new(Mutex::new(Loudspeaker::new("sp-1", b"k")));
    let hearing = Arc::clone(&speaker);
    let port = http::answer(move |request| {
        let answer = hearing.lock().unwrap().step(&request.body, now());
        (200, answer.unwrap_or_default())
    });
    (speaker, port)
}

fn sections(folder: &Path, platform: u16, target: u16, speaker: u16) -> String {
    let row = format!("id,area,url\nsp-1,440106014000,http://127.0.0.1:{speaker}/order\n");
    fs::write(folder.join("speakers.csv"), row).unwrap();
    fs::write(
        folder.join("speakers.toml"),
        format!("sp-1 = \"{}\"\n", hex::encode("k")),
    )
    .unwrap();
    fs::create_dir_all(folder.join("crawl")).unwrap();
    fs::write(folder.join("secret"), SECRET).unwrap();
    fs::write(
        folder.join("sm2"),
        "3945208f7b2144b13f36e38ac6d39f95889393692860b51a42fb81ef4df7c5b8",
    )
    .unwrap();
    let folder = folder.display();
    format!(
        r#"
[[broadcast]]
name = "province"
[broadcast.emergency]
url = "http://127.0.0.1:{platform}/ebd"
own = "34401000000000103010101"
other = "14400000000000103010101"
key_file = "{folder}/sm2"
certificate = "000000000001"

[[broadcast]]
name = "villages"
[broadcast.loudspeakers]
speakers_file = "{folder}/speakers.csv"
secrets_file = "{folder}/speakers.toml"

[[broadcast]]
name = "tv"
http = {{ url = "http://127.0.0.1:{target}/crawl", secret_file = "{folder}/secret" }}

[[broadcast]]
name = "screens"
folder = "{folder}/crawl"
"#
    )
}

/// The one file of that ending in the crawl's folder.
fn file(folder: &Path, ending: &str) -> Option<String> {
    let entries = fs::read_dir(folder.join("crawl")).unwrap();
    let mut paths = entries.map(|entry| entry.unwrap().path());
    let path = paths.find(|path| path.extension().is_some_and(|it| it == ending))?;
    fs::read_to_string(path).ok()
}

#[test]
fn loudspeakers_screens_and_a_folder_say_it_until_it_is_taken_back() {
    let folder = tempfile::tempdir().unwrap();
    let platform = Platform::default();
    let target = Target::start(SECRET);
    Street {
        policy: &[(
            r#"channels = ["cap", "sms", "push", "email", "webhook"]"#,
            r#"channels = ["cap", "broadcast"]"#,
        )],
        ..Street::default()
    }
    .write(folder.path());
    let (speaker, speaker_port) = loudspeaker();
    let played = || speaker.lock().unwrap().played().to_vec();
    let more = sections(folder.path(), platform.start(), target.port, speaker_port);
    let mut served = Served::serve(folder.path(), free_port(), &more);
    feed(&served, "W1", 1, "0.70");
    eventually("something is to be signed", || {
        !list(&served, "/v1/warnings").is_empty()
    });
    assert!(platform.messages(1).is_empty() && target.bodies().is_empty());
    assert_eq!(
        file(folder.path(), "json"),
        None,
        "nothing leaves before it is signed"
    );
    assert_eq!(sign(&served, "token-chen").0, 204);
    eventually("each has it", || {
        let there = file(folder.path(), "txt").is_some() && file(folder.path(), "json").is_some();
        there
            && platform.messages(1).len() == 1
            && target.bodies().len() == 1
            && played().len() == 1
    });
    assert!(platform.heard("<AreaCode>440106014000</AreaCode>"));
    assert!(platform.heard("<EventType>11A02</EventType>"));
    let (parts, twin) = played().remove(0);
    assert!(
        parts.len() > 1 && parts.iter().all(|part| !part.say.is_empty()),
        "{parts:?}"
    );
    assert!(twin.contains("核实"), "{twin}");
    let crawl = target.bodies()[0].clone();
    let line = crawl["words"][0]["text"].as_str().unwrap().to_owned();
    assert!(line.contains("核实"), "{crawl}");
    assert!(file(folder.path(), "txt").unwrap().contains(&line));
    let json: Value = serde_json::from_str(&file(folder.path(), "json").unwrap()).unwrap();
    assert_eq!(json["items"][0]["ends"], false, "{json}");
    eventually("the platform says that it was broadcast", || {
        let rows = list(&served, "/v1/deliveries");
        rows.iter()
            .any(|row| row["link"] == "broadcast/province" && row["delivered"] == 1)
    });

    // A kill forgets nothing of what is said.
    served.kill();
    let mut served = Served::serve(folder.path(), free_port(), &more);
    let id = warning(&served)["id"].as_str().unwrap().to_owned();
    let why = r#"{"reason":"a false alarm"}"#;
    let cancelled = served.post(
        &format!("/v1/warnings/{id}/cancel"),
        Some("token-chen"),
        why,
    );
    assert!(cancelled.0 < 300, "{}", cancelled.1);
    eventually("it is taken back everywhere", || {
        let json = file(folder.path(), "json").unwrap();
        let json: Value = serde_json::from_str(&json).unwrap();
        let ended = json["items"]
            .as_array()
            .unwrap()
            .iter()
            .all(|item| item["ends"] == true);
        ended
            && !platform.messages(2).is_empty()
            && target.bodies().len() == 2
            && played().len() == 2
    });
    assert_eq!(
        platform.messages(2),
        platform.messages(1),
        "by the identity that it had"
    );
    assert_eq!(target.bodies()[1]["purpose"], "cancelled");
    served.terminate();
}
