//! Telephones to which no short message goes, and what a cancellation in the middle of a run takes back.

use super::peers::MailServer;
use super::street::{Street, feed, list, sign, warning};
use crate::small::{Centre, Served, eventually};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::Path;

const MOBILE: &str = "8613800000001";
const UNICOM: &str = "8613000000001";
const DESK: &str = "862012345678";
const ABROAD: &str = "85291234567";
/// Of no carrier of the list that came with the program, which nobody has verified.
const STRANGE: &str = "8615412345678";

/// A street without responsible persons, whose subscribers have these telephones.
fn write(folder: &Path, phones: &[String]) {
    let rows: Vec<String> = (0..)
        .zip(phones)
        .map(|(no, phone)| format!("S{no},113.11,23.11,+{phone},zh,public"))
        .collect();
    let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
    Street {
        subscribers: &rows,
        ..Street::default()
    }
    .write(folder);
}

fn shown(served: &Served) -> Value {
    let id = warning(served)["id"].as_str().unwrap().to_owned();
    let (status, body) = served.get(&format!("/v1/warnings/{id}/preview"));
    assert_eq!(status, 200, "{body}");
    serde_json::from_str(&body).unwrap()
}

/// Signed by as many as it takes.
fn release(served: &Served) {
    for token in ["token-chen", "token-wang"] {
        if warning(served)["event"] == "proposed" {
            let (status, body) = sign(served, token);
            assert_eq!(status, 204, "{body}");
        }
    }
    assert_ne!(warning(served)["event"], "proposed");
}

fn phones(centre: &Centre) -> BTreeSet<String> {
    let taken = centre.taken().into_iter();
    taken
        .map(|(phone, _)| phone.trim_start_matches('+').to_owned())
        .collect()
}

#[test]
fn who_is_on_a_desk_or_abroad_is_counted_and_not_told_by_short_message() {
    let (Some(first), Some(second)) = (Centre::plain(), Centre::plain()) else {
        return;
    };
    for carries_abroad in [false, true] {
        let folder = tempfile::tempdir().unwrap();
        let all = [
            MOBILE,
            UNICOM,
            DESK,
            "8620123456",
            ABROAD,
            STRANGE,
            "861064812345678",
        ];
        write(folder.path(), &all.map(str::to_owned));
        let more = format!(
            "[[sms]]\nname = \"second\"\ncarries = [\"unicom\"]\nabroad = {carries_abroad}\n\
             [sms.smpp]\naddress = \"127.0.0.1:{}\"\nsystem_id = \"sanfang\"\npassword = \"secret\"\n",
            second.port
        );
        let served = Served::serve(folder.path(), first.port, &more);
        feed(&served, "W1", 2, "0.30");
        eventually("it is put forward", || {
            list(&served, "/v1/warnings")
                .iter()
                .any(|it| it["event"] == "proposed")
        });
        let preview = shown(&served);
        let mut untold = json!({ "landline": 2, "data_only": 1 });
        if !carries_abroad {
            untold["foreign"] = json!(1);
        }
        assert_eq!(preview["unreachable_by"], untold, "{preview}");
        let told = if carries_abroad { 4 } else { 3 };
        assert_eq!(preview["unreachable"], 7 - told, "{preview}");
        assert_eq!(preview["heads"]["sms"], json!({ "zh": told }), "{preview}");

        release(&served);
        let wanted = |first: &Centre, second: &Centre| {
            phones(first) == BTreeSet::from([MOBILE, STRANGE].map(str::to_owned))
                && phones(second).contains(UNICOM)
                && phones(second).contains(ABROAD) == carries_abroad
        };
        eventually("each account tells its own", || wanted(&first, &second));
        let metrics = served.get("/metrics").1;
        for (what, count) in [("landline", 2), ("data_only", 1)] {
            let line =
                format!("sanfang_sms_left_out_total{{link=\"sms\",phone=\"{what}\"}} {count}");
            assert!(metrics.contains(&line), "{line}");
        }
        assert!(wanted(&first, &second), "and nobody else");
    }
}

#[test]
fn a_responsible_person_on_a_desk_hears_by_their_next_channel() {
    let (Some(centre), Some(mail)) = (Centre::plain(), MailServer::start()) else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let owner = format!("P1,涵洞主,site_owner,440106014000,+{DESK},C1,owner@example.cn,zh,,1,");
    Street {
        contacts: &[&owner],
        // Responsible persons are told by short message alone.
        policy: &[
            (r#"["sms", "push", "email"]"#, r#"["sms"]"#),
            (
                r#""primary", channels = ["sms", "push"]"#,
                r#""primary", channels = ["sms"]"#,
            ),
        ],
        ..Street::default()
    }
    .write(folder.path());
    let more = format!(
        "[email]\nhost = \"localhost\"\nport = {}\nencryption = \"none\"\nfrom = \"三防 <sanfang@example.cn>\"\n",
        mail.port
    );
    let served = Served::serve(folder.path(), centre.port, &more);
    feed(&served, "W1", 1, "0.70");
    eventually("the owner has a mail", || {
        !mail.mails_to("owner@example.cn").is_empty()
    });
    assert!(
        !phones(&centre).contains(DESK),
        "nothing was asked of the centre"
    );
}

#[test]
fn a_cancel_in_the_middle_of_a_run_says_what_is_beyond_recall() {
    const PEOPLE: u64 = 300;
    let Some(centre) = Centre::plain() else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let all: Vec<String> = (0..PEOPLE)
        .map(|no| (8_613_700_000_000 + no).to_string())
        .collect();
    write(folder.path(), &all);
    // Slow enough that somebody is left when it is taken back.
    let served = Served::serve(folder.path(), centre.port, "session_pace_per_s = 20\n");
    feed(&served, "W1", 2, "0.30");
    eventually("it is put forward", || {
        list(&served, "/v1/warnings")
            .iter()
            .any(|it| it["event"] == "proposed")
    });
    release(&served);
    eventually("some are told", || centre.taken().len() >= 25);
    let id = warning(&served)["id"].as_str().unwrap().to_owned();
    let path = format!("/v1/warnings/{id}/cancel");
    let (status, body) = served.post(&path, Some("token-chen"), r#"{"reason":"pumped out"}"#);
    assert_eq!(status, 200, "{body}");
    let answer: Value = serde_json::from_str(&body).unwrap();
    let recall = &answer["recall"];
    assert_eq!(recall["settled"], true, "{answer}");
    let links = recall["links"].as_array().unwrap();
    let sms = links.iter().find(|it| it["link"] == "sms").unwrap();
    let of = |key: &str| sms[key].as_u64().unwrap();
    let gone = of("accepted") + of("on_the_wire") + of("unknown");
    assert!((25..PEOPLE).contains(&gone), "{answer}");
    assert_eq!(of("withdrawn") + gone + of("failed"), PEOPLE, "{answer}");
    for key in ["withdrawn", "accepted", "on_the_wire"] {
        let sum: u64 = links.iter().map(|it| it[key].as_u64().unwrap()).sum();
        assert_eq!(recall["sum"][key], sum, "{answer}");
    }
    let published = recall["published"].as_array().unwrap();
    assert!(published.iter().any(|it| it["link"] == "cap"), "{answer}");
    // Whoever was told hears of the end; nobody else hears anything any more.
    eventually("the centre took what was said to be gone", || {
        phones(&centre).len() as u64 == gone
    });
    eventually("whoever was told hears of the end", || {
        centre.taken().len() as u64 >= gone + of("accepted")
    });
    assert_eq!(phones(&centre).len() as u64, gone, "{answer}");
}
