//! Area jobs from a signature to the phones of a carrier's own roll: `sanfang serve` at the centre,
//! `sanfang relay` at the carrier, and a message centre that is not ours behind it.

use super::street::{Street, feed, list, sign};
use crate::small::{Centre, Served, eventually, free_port, pause};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};

const SECRET: &str = "shared with the carrier";
const TOWNSHIP: &str = "440106014000";
/// People of the roll; the last two have one number.
const PEOPLE: usize = 60;

/// A relay on a folder of its own.
struct Relay {
    folder: PathBuf,
    port: u16,
    child: Child,
}

impl Relay {
    fn start(folder: &Path, centre_port: u16, pace: u32) -> Self {
        let city = folder.join("city");
        fs::create_dir_all(&city).unwrap();
        let square = |code: &str, level: &str, parent: &str| {
            format!(
                r#"{{"type":"Feature","properties":{{"code":"{code}","name":"{code}","name_en":"{level}","level":"{level}","parent":{parent},"population":1000}},"geometry":{{"type":"Polygon","coordinates":[[[113.0,23.0],[113.2,23.0],[113.2,23.2],[113.0,23.2],[113.0,23.0]]]}}}}"#
            )
        };
        let areas = [
            square("440100000000", "city", "null"),
            square("440106000000", "district", "\"440100000000\""),
            square(TOWNSHIP, "township", "\"440106000000\""),
        ];
        let roll: Vec<String> = (0..PEOPLE)
            .map(|no| {
                let phone = 13_700_000_000 + no.min(PEOPLE - 2) as u64;
                let language = if no % 4 == 0 { "en" } else { "zh" };
                format!("R{no},113.1,23.1,+86{phone},{language},public")
            })
            .collect();
        let files = [
            (
                "city.toml",
                "schema = 1\ncode = \"440100000000\"\nname = { zh = \"某运营商\", en = \"A carrier\" }\ntime_zone = \"Asia/Shanghai\"\n[[authority]]\nid = \"44010099900000\"\nname = { zh = \"某运营商\", en = \"A carrier\" }\nsignature = { zh = \"某运营商\", en = \"A carrier\" }\nhotline = \"10000\"\nown = true\n".to_owned(),
            ),
            (
                "areas.geojson",
                format!(
                    r#"{{"type":"FeatureCollection","features":[{}]}}"#,
                    areas.join(",")
                ),
            ),
            (
                "stations.csv",
                "id,name,kind,lon,lat,area,parameters\n".to_owned(),
            ),
            ("sites.csv", "id,name,kind,lon,lat,area\n".to_owned()),
            ("contacts.csv", "id,name,role,area,phone\n".to_owned()),
            (
                "subscribers.csv",
                format!("id,lon,lat,phone,language,audience\n{}\n", roll.join("\n")),
            ),
        ];
        for (name, text) in files {
            fs::write(city.join(name), text).unwrap();
        }
        fs::write(folder.join("secret"), SECRET).unwrap();
        let port = free_port();
        let config = format!(
            r#"
city = "city"
journal = "journal"
listen = "127.0.0.1:{port}"

[[centre]]
name = "city"
secret_file = "secret"
authorities = ["44010036000000", "44010041600000"]

[[sms]]
name = "own"
pace_per_s = {pace}
[sms.smpp]
address = "127.0.0.1:{centre_port}"
system_id = "sanfang"
password = "secret"
window = 10
response_timeout = "2s"
"#
        );
        fs::write(folder.join("relay.toml"), config).unwrap();
        let child = spawn(folder);
        let mut relay = Self {
            folder: folder.to_path_buf(),
            port,
            child,
        };
        eventually("the relay listens", || {
            let ended = relay.child.try_wait().unwrap();
            assert!(ended.is_none(), "the relay ended: {ended:?}");
            std::net::TcpStream::connect(("127.0.0.1", port)).is_ok()
        });
        relay
    }

    fn kill_and_start_again(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        self.child = spawn(&self.folder);
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn spawn(folder: &Path) -> Child {
    Command::new(env!("CARGO_BIN_EXE_sanfang"))
        .args(["relay", "serve", "--config"])
        .arg(folder.join("relay.toml"))
        .env("SANFANG_LOG", "warn")
        .spawn()
        .unwrap()
}

/// A centre whose public hears by area jobs alone.
fn centre(folder: &Path, relay_port: u16, more: &str) -> Served {
    Street {
        policy: &[(
            r#"channels = ["cap", "sms", "push", "email", "webhook"]"#,
            r#"channels = ["cap", "area"]"#,
        )],
        ..Street::default()
    }
    .write(folder);
    fs::write(folder.join("secret"), SECRET).unwrap();
    let section = format!(
        r#"
[[area]]
name = "carrier"
url = "http://127.0.0.1:{relay_port}/v1/"
secret_file = "{}/secret"
{more}
"#,
        folder.display()
    );
    Served::serve(folder, free_port(), &section)
}

/// The row of the one area job there is of a purpose.
fn job(served: &Served, purpose: &str) -> Option<Value> {
    let rows = list(served, "/v1/deliveries").into_iter();
    let mut rows = rows.filter(|row| row["link"] == "area/carrier" && row["purpose"] == purpose);
    rows.next()
}

/// How the far side would read what a signature sends.
fn readings(served: &Served) -> Value {
    let warning = list(served, "/v1/warnings").remove(0);
    let id = warning["id"].as_str().unwrap();
    let (status, body) = served.get(&format!("/v1/warnings/{id}/preview"));
    assert_eq!(status, 200, "{body}");
    let preview: Value = serde_json::from_str(&body).unwrap();
    preview["jobs"].clone()
}

fn count(row: Option<&Value>, of: &str) -> u64 {
    row.map_or(0, |row| row[of].as_u64().unwrap_or(0))
}

#[test]
fn a_signed_warning_reaches_the_phones_of_a_carriers_own_roll() {
    let (here, there) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let Some(smsc) = Centre::plain() else {
        return;
    };
    let mut relay = Relay::start(there.path(), smsc.port, 1_000);
    let served = centre(here.path(), relay.port, "");
    feed(&served, "W1", 1, "0.70");
    eventually("something is to be signed", || {
        !list(&served, "/v1/warnings").is_empty()
    });
    assert!(
        smsc.taken().is_empty(),
        "nothing leaves before it is signed"
    );
    let read = readings(&served);
    assert_eq!(read[0]["link"], "area/carrier", "{read}");
    assert_eq!(read[0]["heads"], PEOPLE, "{read}");
    assert_eq!(read[0]["last_phone_s"], 1, "at a thousand a second: {read}");
    assert_eq!(read[0]["objections"], serde_json::json!([]), "{read}");
    assert!(smsc.taken().is_empty(), "a preview sends nothing");
    let signed = sign(&served, "token-chen");
    assert_eq!(signed.0, 204, "{}", signed.1);

    let numbers = PEOPLE - 1;
    eventually("each number of the roll has it", || {
        smsc.taken().len() == numbers
    });
    let taken: BTreeSet<String> = smsc.taken().into_iter().map(|(to, _)| to).collect();
    assert_eq!(taken.len(), numbers, "each number once");
    eventually("the far side's counts are on the board", || {
        count(job(&served, "alert").as_ref(), "delivered") == numbers as u64
    });
    let row = job(&served, "alert").unwrap();
    assert_eq!(row["job"]["state"], "done", "{row}");
    assert_eq!(row["job"]["areas"][TOWNSHIP], PEOPLE, "{row}");
    let of_district = &row["job"]["by_district"]["440106000000"];
    assert_eq!(of_district["delivered"], numbers, "{row}");
    let slots = row["job"]["five_minutes"].as_array().unwrap();
    let accepted: u64 = slots.iter().filter_map(|s| s["accepted"].as_u64()).sum();
    assert_eq!(accepted, numbers as u64, "{row}");

    // The carrier's side knows the job by the same number, also after a kill.
    relay.kill_and_start_again();
    let warning = list(&served, "/v1/warnings").remove(0);
    let cancel = format!(
        "/v1/warnings/{}/cancel",
        warning["id"].as_str().unwrap_or_default()
    );
    let why = r#"{"reason":"a false alarm"}"#;
    let cancelled = served.post(&cancel, Some("token-chen"), why);
    assert!(cancelled.0 < 300, "{}", cancelled.1);
    eventually("who was told hears that it is taken back", || {
        smsc.taken().len() == 2 * numbers
    });
    eventually("that is counted too", || {
        count(job(&served, "cancelled").as_ref(), "delivered") == numbers as u64
    });
}

#[test]
fn a_job_that_is_read_otherwise_waits_for_a_person() {
    let (here, there) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let Some(smsc) = Centre::plain() else {
        return;
    };
    let relay = Relay::start(there.path(), smsc.port, 2);
    // A thousand people live there and the roll has sixty.
    let served = centre(here.path(), relay.port, "heads_per_thousand = [100, 3000]");
    feed(&served, "W1", 1, "0.70");
    eventually("something is to be signed", || {
        !list(&served, "/v1/warnings").is_empty()
    });
    let read = readings(&served);
    let objection = read[0]["objections"][0].as_str().unwrap_or_default();
    assert!(
        objection.contains("at least 100"),
        "before it is signed: {read}"
    );
    assert_eq!(sign(&served, "token-chen").0, 204);
    eventually("the job is held", || {
        job(&served, "alert").is_some_and(|row| row["job"]["state"] == "held")
    });
    let row = job(&served, "alert").unwrap();
    let objection = row["job"]["objections"][0].as_str().unwrap_or_default();
    assert!(objection.contains("60 heads for 1000 inhabitants"), "{row}");
    for _ in 0..20 {
        assert!(smsc.taken().is_empty(), "nothing leaves while it is held");
        pause();
    }
    let path = format!("/v1/area-jobs/{}", row["intent"].as_str().unwrap());
    let act = |word: &str, token: Option<&str>| {
        let body =
            format!(r#"{{"link":"area/carrier","act":"{word}","reason":"the roll is small"}}"#);
        served.post(&path, token, &body)
    };
    assert_eq!(act("release", None).0, 401);
    assert_eq!(act("release", Some("token-chen")).0, 202);
    eventually("it leaves at the carrier's pace", || {
        !smsc.taken().is_empty()
    });

    // At two a second sixty people take half a minute: there is time to stop it.
    assert_eq!(act("kill", Some("token-wang")).0, 202);
    eventually("it is ended", || {
        job(&served, "alert").is_some_and(|row| row["job"]["state"] == "killed")
    });
    let settled = smsc.taken().len();
    assert!(settled < PEOPLE - 1, "{settled}");
    eventually("all numbers are accounted for", || {
        let row = job(&served, "alert");
        let counts = row.as_ref().map(|row| row["job"]["counts"].clone());
        let counts = counts.unwrap_or_default();
        let of = |state: &str| counts[state].as_u64().unwrap_or(0);
        let sent = of("accepted") + of("delivered");
        sent >= settled as u64 && sent + of("withdrawn") == PEOPLE as u64
    });
}

/// What `sanfang relay conform` says of a far side, and whether it is content.
fn conforms(folder: &Path, port: u16, more: &[&str]) -> (bool, String) {
    let said = Command::new(env!("CARGO_BIN_EXE_sanfang"))
        .args(["relay", "conform", "--authority", "44010041600000"])
        .args(["--url", &format!("http://127.0.0.1:{port}/v1/")])
        .args(["--area", TOWNSHIP, "--secret-file"])
        .arg(folder.join("secret"))
        .args(more)
        .output()
        .unwrap();
    let lines = String::from_utf8_lossy(&said.stdout).into_owned();
    (said.status.success(), lines)
}

#[test]
fn our_relay_conforms_and_one_that_says_yes_to_everything_does_not() {
    let there = tempfile::tempdir().unwrap();
    let Some(smsc) = Centre::plain() else {
        return;
    };
    let relay = Relay::start(there.path(), smsc.port, 1_000);
    let (content, lines) = conforms(there.path(), relay.port, &[]);
    assert!(content, "{lines}");
    assert!(lines.lines().count() >= 20, "{lines}");
    assert!(smsc.taken().is_empty(), "it may be asked of one in use");
    let (content, lines) = conforms(there.path(), relay.port, &["--send"]);
    assert!(content, "{lines}");
    assert_eq!(smsc.taken().len(), PEOPLE - 1);
    assert!(smsc.taken()[0].1.contains("测试"));

    let yes = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = yes.local_addr().unwrap().port();
    std::thread::spawn(move || {
        use std::io::{Read, Write};
        for mut stream in yes.incoming().flatten() {
            let mut request = [0; 8192];
            drop(stream.read(&mut request));
            let answer = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}";
            drop(stream.write_all(answer));
        }
    });
    let (content, lines) = conforms(there.path(), port, &[]);
    assert!(!content, "{lines}");
    let met = lines.lines().filter(|line| line.starts_with("ok")).count();
    assert_eq!(met, 0, "{lines}");
}
