//! A carrier with a roll of its own behind `sanfang relay`, and a centre that tells the public by it.

use super::street::{Street, list};
use crate::small::{Served, eventually, free_port};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};

pub(super) const SECRET: &str = "shared with the carrier";
pub(super) const TOWNSHIP: &str = "440106014000";
/// People of the roll; the last two have one number.
pub(super) const PEOPLE: usize = 60;

/// A relay on a folder of its own.
pub(super) struct Relay {
    folder: PathBuf,
    pub(super) port: u16,
    child: Child,
}

impl Relay {
    pub(super) fn start(folder: &Path, centre_port: u16, pace: u32) -> Self {
        Self::start_at(folder, free_port(), centre_port, pace)
    }

    pub(super) fn start_at(folder: &Path, port: u16, centre_port: u16, pace: u32) -> Self {
        write_roll(folder);
        Self::serve(folder, port, centre_port, pace)
    }

    /// One that comes to a centre for its calls.
    pub(super) fn fetching(folder: &Path, from: u16, centre_port: u16, pace: u32) -> Self {
        write_roll(folder);
        let more = format!("fetch_from = [\"http://127.0.0.1:{from}/v1/\"]\ncarrier = \"carrier\"");
        Self::serve_with(folder, free_port(), centre_port, pace, &more)
    }

    /// A relay whose city directory is there.
    pub(super) fn serve(folder: &Path, port: u16, centre_port: u16, pace: u32) -> Self {
        Self::serve_with(folder, port, centre_port, pace, "")
    }

    fn serve_with(folder: &Path, port: u16, centre_port: u16, pace: u32, centre: &str) -> Self {
        fs::write(folder.join("secret"), SECRET).unwrap();
        let config = format!(
            r#"
city = "city"
journal = "journal"
listen = "127.0.0.1:{port}"

[[centre]]
name = "city"
secret_file = "secret"
authorities = ["44010036000000", "44010041600000"]
{centre}

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

    pub(super) fn kill_and_start_again(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        self.child = spawn(&self.folder);
    }
}

/// What only says its columns in a roll's city directory.
pub(super) const HEADS: [(&str, &str); 3] = [
    ("stations.csv", "id,name,kind,lon,lat,area,parameters\n"),
    ("sites.csv", "id,name,kind,lon,lat,area\n"),
    ("contacts.csv", "id,name,role,area,phone\n"),
];
/// The settings of a carrier that says nothing of its own.
pub(super) const SETTINGS: &str = "schema = 1\ncode = \"440100000000\"\nname = { zh = \"某运营商\", en = \"A carrier\" }\ntime_zone = \"Asia/Shanghai\"\n[[authority]]\nid = \"44010099900000\"\nname = { zh = \"某运营商\", en = \"A carrier\" }\nsignature = { zh = \"某运营商\", en = \"A carrier\" }\nhotline = \"10000\"\nown = true\n";

/// A roll of one township.
fn write_roll(folder: &Path) {
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
    let areas = areas.join(",");
    let areas = format!(r#"{{"type":"FeatureCollection","features":[{areas}]}}"#);
    let roll: Vec<String> = (0..PEOPLE)
        .map(|no| {
            let phone = 13_700_000_000 + no.min(PEOPLE - 2) as u64;
            let language = if no % 4 == 0 { "en" } else { "zh" };
            format!("R{no},113.1,23.1,+86{phone},{language},public")
        })
        .collect();
    let roll = roll.join("\n");
    let roll = format!("id,lon,lat,phone,language,audience\n{roll}\n");
    fs::write(city.join("city.toml"), SETTINGS).unwrap();
    fs::write(city.join("areas.geojson"), areas).unwrap();
    fs::write(city.join("subscribers.csv"), roll).unwrap();
    for (name, head) in HEADS {
        fs::write(city.join(name), head).unwrap();
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
pub(super) fn centre(folder: &Path, relay_port: u16, more: &str) -> Served {
    let url = format!("url = \"http://127.0.0.1:{relay_port}/v1/\"\n{more}");
    centre_with(folder, &url)
}

/// The same with the carrier as it is said.
pub(super) fn centre_with(folder: &Path, carrier: &str) -> Served {
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
secret_file = "{}/secret"
{carrier}
"#,
        folder.display()
    );
    Served::serve(folder, free_port(), &section)
}

/// The row of the one area job there is of a purpose.
pub(super) fn job(served: &Served, purpose: &str) -> Option<Value> {
    let rows = list(served, "/v1/deliveries").into_iter();
    let mut rows = rows.filter(|row| row["link"] == "area/carrier" && row["purpose"] == purpose);
    rows.next()
}

pub(super) fn count(row: Option<&Value>, of: &str) -> u64 {
    row.map_or(0, |row| row[of].as_u64().unwrap_or(0))
}
