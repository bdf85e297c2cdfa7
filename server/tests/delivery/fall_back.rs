//! Who a channel does not reach is told by the next one they have.

use super::peers::{MailServer, texts_of};
use super::street::{Street, feed, list};
use crate::small::{Centre, Served, eventually};

/// The message centre refuses numbers that end in 6 for good and never answers for those in 8.
const REFUSED: &str = "+8613900000016";
const SILENT: &str = "+8613900000018";

#[test]
fn who_is_refused_or_unanswered_gets_a_mail_once() {
    let (Some(centre), Some(mail)) = (Centre::start(), MailServer::start()) else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let owner = format!("P1,涵洞主,site_owner,440106014000,{REFUSED},C1,owner@example.cn,zh,,1,");
    let head = format!("P2,镇长,township_head,440106014000,{SILENT},,head@example.cn,en,,1,");
    let phone_only = "P3,副镇长,township_head,440106014000,+8613900000026,,,zh,,1,";
    Street {
        contacts: &[&owner, &head, phone_only],
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
    eventually("both have a mail", || {
        !mail.mails_to("owner@example.cn").is_empty()
            && !mail.mails_to("head@example.cn").is_empty()
    });
    // The unanswered number is tried again: its mail must not be.
    eventually("the short message is of unknown outcome twice", || {
        let metrics = served.get("/metrics").1;
        let line =
            |line: &&str| line.starts_with("sanfang_deliveries_total") && line.contains("unknown");
        let count = metrics
            .lines()
            .find(line)
            .and_then(|l| l.rsplit(' ').next());
        count.is_some_and(|count| count.parse::<u64>().unwrap() >= 2)
    });
    let (owner, head) = (
        mail.mails_to("owner@example.cn"),
        mail.mails_to("head@example.cn"),
    );
    assert_eq!((owner.len(), head.len()), (1, 1), "{owner:?} {head:?}");
    let text = owner[0]["text"].as_str().unwrap();
    assert!(
        text.contains("东风涵洞") && text.contains("1收到"),
        "{text}"
    );
    let text = head[0]["text"].as_str().unwrap();
    assert!(text.contains("report by"), "in their language: {text}");
    assert_eq!(texts_of(&centre, REFUSED).len(), 0);

    eventually("deliveries show what stands in for what", || {
        let rows = list(&served, "/v1/deliveries");
        let mails = rows.iter().filter(|row| row["channel"] == "email");
        let stand_in = mails.filter(|row| {
            let first = rows
                .iter()
                .find(|first| first["intent"] == row["instead_of"]);
            let failed = first.is_some_and(|first| first["channel"] == "sms");
            failed && row["accepted"] == 1 && row["planned"] == 1
        });
        stand_in.count() == 2
    });
    assert!(
        served
            .get("/metrics")
            .1
            .contains(r#"sanfang_deliveries_fallen_back_total{from="sms",to="email"} 2"#)
    );
}
