//! A mail that is answered by a click: opening its link answers nothing, a button does what "1" does
//! by short message, and nobody makes a link up.

use super::peers::{MailServer, reply};
use super::street::{Street, call, feed, warning};
use crate::small::{Centre, HEAD, OWNER, Served, eventually, now};
use dispatch::directory::SealKey;
use dispatch::gateway::answer_link::{AnswerLink, LinkKey};
use dispatch::intent::RecipientNo;
use model::{Span, WarningId};
use serde_json::Value;
use std::path::Path;

const BASE: &str = "https://warn.example.cn";

fn street(folder: &Path) {
    let rows = [
        format!("P1,涵洞主,site_owner,440106014000,{OWNER},C1,owner@example.cn,zh,,1,"),
        // The same person keeps a second culvert.
        format!("P3,涵洞主,site_owner,440106014000,{OWNER},C2,owner@example.cn,zh,,1,"),
        format!("P2,镇长,township_head,440106014000,{HEAD},,head@example.cn,en,,1,"),
    ];
    let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
    Street {
        contacts: &rows,
        sites: &[
            "C1,东风<涵洞>,culvert,113.1,23.1,440106014000,W1,,,roads,0.05,0.15,0.27,0.5,0.2",
            "C2,西风涵洞,culvert,113.1,23.1,440106014000,W2,,,roads,0.05,0.15,0.27,0.5,0.2",
        ],
        ..Street::default()
    }
    .write(folder);
}

fn serve(folder: &Path, centre: &Centre, mail: &MailServer, more: &str) -> Served {
    let section = format!(
        "[email]\nhost = \"localhost\"\nport = {}\nencryption = \"none\"\n\
         from = \"三防 <sanfang@example.cn>\"\n{more}",
        mail.port
    );
    Served::serve(folder, centre.port, &section)
}

/// The path of the link in the first mail to `address` that speaks of `place`.
fn link(mail: &MailServer, address: &str, place: &str) -> Option<String> {
    let mails = mail.mails_to(address);
    let text = |mail: &Value| mail["text"].as_str().unwrap().to_owned();
    let text = mails.iter().map(text).find(|text| text.contains(place))?;
    let line = text.lines().find_map(|line| line.strip_prefix(BASE))?;
    Some(line.trim().to_owned())
}

fn answer(served: &Served, place: &str) -> Value {
    call(served, place).map_or(Value::Null, |call| call["answer"].clone())
}

#[test]
fn a_button_behind_the_link_answers_and_opening_it_does_not() {
    let folder = tempfile::tempdir().unwrap();
    let (Some(mut centre), Some(mail)) = (Centre::start(), MailServer::start()) else {
        return;
    };
    street(folder.path());
    let base = format!("answer_url = \"{BASE}/\"\n");
    let served = serve(folder.path(), &centre, &mail, &base);
    feed(&served, "W1", 2, "0.70");
    feed(&served, "W2", 2, "0.70");
    let owner = "owner@example.cn";
    eventually("the owner has a mail with a link for each culvert", || {
        let sites = ["东风<涵洞>", "西风涵洞"];
        sites.iter().all(|site| link(&mail, owner, site).is_some())
    });
    let path = link(&mail, owner, "东风<涵洞>").unwrap();
    assert!(path.starts_with("/answer/"), "{path}");
    for told in ["P1", "owner", OWNER.trim_start_matches('+'), "13800"] {
        assert!(!path.contains(told), "{told}: {path}");
    }

    // Scanners open links, however often: nobody has answered.
    for method in ["GET", "HEAD", "GET"] {
        let (status, page) = served.request(method, &path, None, "");
        assert_eq!(status, 200, "{page}");
        if method == "GET" {
            assert!(
                page.contains("东风&lt;涵洞&gt;") && page.contains("西风涵洞"),
                "{page}"
            );
            assert!(
                page.contains("<form method=\"post\">") && page.contains("收到"),
                "{page}"
            );
            assert!(page.contains("width=device-width"), "{page}");
        }
    }
    // Nor has who sends something else, too much, or a link of their own making.
    let post = |path: &str, body: &str| served.post(path, None, body);
    assert_eq!(post(&path, "").0, 400);
    assert_eq!(post(&path, "answer=yes").0, 400);
    assert_eq!(
        post(&path, &format!("answer=received&{}", "x".repeat(999))).0,
        413
    );
    let mut forged = path.clone();
    let last = forged.pop().unwrap();
    forged.push(if last == '0' { '1' } else { '0' });
    for forged in [forged.as_str(), "/answer/1", "/answer/%00"] {
        let (status, page) = post(forged, "answer=received");
        assert_eq!(status, 404, "{page}");
        assert!(
            page.contains("链接无效") && page.contains("not valid"),
            "{page}"
        );
        assert_eq!(served.get(forged).0, 404);
    }
    assert_eq!(answer(&served, "C1"), Value::Null);
    assert_eq!(call(&served, "C1").unwrap()["state"], "waiting");
    let refused = r#"sanfang_requests_refused_total{reason="answer_link"} 6"#;
    let metrics = served.get("/metrics").1;
    assert!(metrics.contains(refused), "{metrics}");

    // One press stops what the person answers for in this warning, and nothing else.
    let (status, page) = post(&path, "answer=received");
    assert_eq!(status, 200, "{page}");
    assert!(page.contains("已记录:收到"), "{page}");
    for site in ["C1", "C2"] {
        eventually("it is on the board, with the way it came", || {
            let answer = answer(&served, site);
            answer["answer"] == "received" && answer["channel"] == "email"
        });
        let call = call(&served, site).unwrap();
        assert_eq!(call["state"], "answered");
        assert_eq!(call["next_at"], Value::Null, "the ladder has stopped");
    }
    assert_eq!(
        answer(&served, "440106014000"),
        Value::Null,
        "not the head's"
    );
    // The latest word stands, whichever way it comes.
    assert_eq!(post(&path, "answer=needs_help").0, 200);
    eventually("the latest word stands", || {
        answer(&served, "C1")["answer"] == "needs_help"
    });
    reply(&mut centre, OWNER, "2");
    eventually("also by another channel", || {
        let answer = answer(&served, "C1");
        answer["answer"] == "at_post" && answer["channel"] == "sms"
    });
    // Nobody fills the journal by one link.
    let many: Vec<u16> = (0..25).map(|_| post(&path, "answer=received").0).collect();
    assert!(many.contains(&429), "{many:?}");

    // What is over is not answered.
    let id = warning(&served)["id"].as_str().unwrap().to_owned();
    let cancel = format!("/v1/warnings/{id}/cancel");
    let cancelled = served.post(&cancel, Some("token-chen"), r#"{"reason":"pumped out"}"#);
    assert_eq!(cancelled.0, 200, "{}", cancelled.1);
    eventually("the call is over", || call(&served, "C1").is_none());
    let (status, page) = served.get(&path);
    assert_eq!(status, 410, "{page}");
    assert!(
        page.contains("已无需回报") && page.contains("No answer is needed"),
        "{page}"
    );
    assert_eq!(post(&path, "answer=received").0, 410);

    // Past its time a link of ours is said to be so: signed here with the deployment's key.
    let file = std::fs::read_to_string(folder.path().join("directory.key")).unwrap();
    let file: toml::Table = file.parse().unwrap();
    let text = |name: &str| file[name].as_str().unwrap().to_owned();
    let bytes: [u8; 32] = hex::decode(text("key")).unwrap().try_into().unwrap();
    let key = SealKey::new(&text("id"), bytes).derive("sanfang answer links 1");
    let old = AnswerLink {
        warning: WarningId::parse(&id).unwrap(),
        recipient: RecipientNo(0),
        until: now() - Span::from_minutes(2),
    };
    let old = format!("/answer/{}", old.token(&LinkKey::new(key)));
    let (status, page) = post(&old, "answer=received");
    assert_eq!(status, 410, "{page}");
    assert!(
        page.contains("链接已过期") && page.contains("past its time"),
        "{page}"
    );
}

#[test]
fn without_an_address_there_is_no_link() {
    let folder = tempfile::tempdir().unwrap();
    let (Some(centre), Some(mail)) = (Centre::start(), MailServer::start()) else {
        return;
    };
    street(folder.path());
    let served = serve(folder.path(), &centre, &mail, "");
    feed(&served, "W1", 2, "0.70");
    eventually("the owner has a mail", || {
        !mail.mails_to("owner@example.cn").is_empty()
    });
    let mails = mail.mails_to("owner@example.cn");
    let text = mails[0]["text"].as_str().unwrap();
    assert!(
        !text.contains("answer/") && !text.contains("点此"),
        "{text}"
    );
    assert_eq!(served.get("/answer/0123").0, 404);
}
