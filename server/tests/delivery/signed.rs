//! Our CAP alerts with our signature: what the feed leads to is believed by a program that is not
//! ours, and is the same to the byte after a restart.

use super::street::{Street, feed, list, sign};
use crate::small::node::missing::missing;
use crate::small::{Served, eventually, free_port};
use std::fs;
use std::path::Path;
use std::process::Command;

/// What the feed's newest entry leads to.
fn alert(served: &Served) -> String {
    eventually("the feed has an entry", || {
        served.get("/cap/feed.atom").1.contains("<entry>")
    });
    let feed = served.get("/cap/feed.atom").1;
    let at = feed.find("/cap/4").unwrap();
    let path = feed[at..].split(['"', '<']).next().unwrap();
    let (status, alert) = served.get(path);
    assert_eq!(status, 200, "{path}");
    alert
}

fn key(folder: &Path) -> bool {
    let made = Command::new("openssl")
        .args([
            "req",
            "-x509",
            "-nodes",
            "-newkey",
            "rsa:2048",
            "-subj",
            "/CN=centre",
            "-days",
            "30",
        ])
        .arg("-keyout")
        .arg(folder.join("cap.key"))
        .arg("-out")
        .arg(folder.join("cap.crt"))
        .output();
    let has_xmlsec1 = Command::new("xmlsec1").arg("--version").output().is_ok();
    let both = made.is_ok_and(|made| made.status.success()) && has_xmlsec1;
    if !both {
        missing("openssl and xmlsec1");
    }
    both
}

#[test]
fn the_feeds_alert_carries_our_signature() {
    let folder = tempfile::tempdir().unwrap();
    if !key(folder.path()) {
        return;
    }
    Street::default().write(folder.path());
    let more = format!(
        "[cap]\nsigning_key = \"{0}/cap.key\"\ncertificate = \"{0}/cap.crt\"\n",
        folder.path().display()
    );
    let mut served = Served::serve(folder.path(), free_port(), &more);
    feed(&served, "W1", 1, "0.70");
    eventually("something is to be signed", || {
        !list(&served, "/v1/warnings").is_empty()
    });
    assert_eq!(sign(&served, "token-chen").0, 204);
    let before = alert(&served);
    let file = folder.path().join("alert.xml");
    fs::write(&file, &before).unwrap();
    let verified = Command::new("xmlsec1")
        .args(["--verify", "--trusted-pem"])
        .arg(folder.path().join("cap.crt"))
        .arg(&file)
        .output()
        .unwrap();
    assert!(verified.status.success(), "{verified:?}\n{before}");
    served.terminate();
    let served = Served::serve(folder.path(), free_port(), &more);
    assert_eq!(alert(&served), before);
}
