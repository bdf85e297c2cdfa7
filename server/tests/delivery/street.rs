//! The city of one street, with the people, ladder and flows that a test asks for.

use crate::small::{Served, write_city};
use serde_json::Value;
use std::fs;
use std::path::Path;

/// What differs from the usual street.
#[derive(Default)]
pub(crate) struct Street<'a> {
    /// Rows of `contacts.csv`.
    pub(crate) contacts: &'a [&'a str],
    /// Rows of `sites.csv`, the usual one where there are none.
    pub(crate) sites: &'a [&'a str],
    /// Rows of `subscribers.csv`, the usual ones where there are none.
    pub(crate) subscribers: &'a [&'a str],
    /// Pieces of `city.toml` and what stands in their place.
    pub(crate) policy: &'a [(&'a str, &'a str)],
}

impl Street<'_> {
    /// Writes it into `folder`.
    pub(crate) fn write(&self, folder: &Path) {
        write_city(folder);
        let city = folder.join("city");
        let rows = |name: &str, rows: &[&str]| {
            if rows.is_empty() {
                return;
            }
            let file = city.join(name);
            let usual = fs::read_to_string(&file).unwrap();
            let head = usual.lines().next().unwrap();
            fs::write(&file, format!("{head}\n{}\n", rows.join("\n"))).unwrap();
        };
        let contacts = city.join("contacts.csv");
        fs::write(
            contacts,
            "id,name,role,area,phone,site,email,language,deputy,level,push\n",
        )
        .unwrap();
        rows("contacts.csv", self.contacts);
        rows("sites.csv", self.sites);
        rows("subscribers.csv", self.subscribers);
        let stations = city.join("stations.csv");
        let mut text = fs::read_to_string(&stations).unwrap();
        text.push_str("W2,Depth 2,depth_sensor,113.1,23.1,440106014000,water_depth\n");
        fs::write(stations, text).unwrap();
        let file = city.join("city.toml");
        let mut policy = fs::read_to_string(&file).unwrap();
        for (from, to) in self.policy {
            assert!(policy.contains(from), "city.toml has no {from:?}");
            policy = policy.replace(from, to);
        }
        fs::write(file, policy).unwrap();
    }
}

/// A depth of a station, some minutes ago.
pub(crate) fn depth(station: &str, minutes: i64, metres: &str) -> String {
    #[expect(
        clippy::disallowed_methods,
        reason = "the service runs by the wall clock"
    )]
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap()
        .as_secs();
    let whole = i64::try_from(now).unwrap() / 60 - minutes;
    let time = model::Time::from_minute(whole).display(model::Offset(480));
    format!(
        r#"{{"station":"{station}","parameter":"water_depth","time":"{time}","value":{metres},"unit":"m"}}"#
    )
}

/// Feeds a depth in.
pub(crate) fn feed(served: &Served, station: &str, minutes: i64, metres: &str) {
    let body = depth(station, minutes, metres);
    let (status, answer) = served.post("/v1/observations", None, &body);
    assert_eq!(status, 202, "{answer}");
}

/// A list of the API.
pub(crate) fn list(served: &Served, path: &str) -> Vec<Value> {
    let (status, body) = served.get(path);
    assert_eq!(status, 200, "{body}");
    serde_json::from_str(&body).unwrap()
}

/// The one warning there is.
pub(crate) fn warning(served: &Served) -> Value {
    let mut warnings = list(served, "/v1/warnings");
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    warnings.remove(0)
}

/// Signs the warning as it stands, whatever its words leave out.
pub(crate) fn sign(served: &Served, token: &str) -> (u16, String) {
    let warning = warning(served);
    let path = format!("/v1/warnings/{}/approve", warning["id"].as_str().unwrap());
    let seen = format!(
        r#"{{"revision":{},"seen":{},"as_it_stands":true,"reason":"a test"}}"#,
        warning["revision"], warning["seen"]
    );
    served.post(&path, Some(token), &seen)
}

/// The lines of the call board of one place: a site, a device or a township.
pub(crate) fn call(served: &Served, place: &str) -> Option<Value> {
    let calls = list(served, "/v1/calls").into_iter();
    let named = |call: &Value| {
        let (site, device) = (&call["site"], &call["device"]);
        let name = if !device.is_null() {
            device
        } else if !site.is_null() {
            site
        } else {
            &call["area"]
        };
        name == place
    };
    calls.into_iter().find(named)
}
