//! Accounts at two carriers: each phone by how its number begins, and by the other account once the
//! carrier says that the number is not its own any more.

use super::peers::texts_of;
use super::street::{Street, feed};
use crate::small::{Centre, Served, eventually};

/// The first carrier refuses it for good, as it does every number that ends in 6.
const MOVED: &str = "8613800000006";
/// Of the second carrier by its beginning.
const OTHERS: &str = "8613000000001";

#[test]
fn a_number_that_moved_is_told_by_the_other_account_also_after_a_restart() {
    let (Some(first), Some(second)) = (Centre::start(), Centre::plain()) else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let person =
        |id: &str, phone: &str| format!("{id},{id},site_owner,440106014000,+{phone},C1,,zh,,1,");
    let (moved, others) = (person("P1", MOVED), person("P2", OTHERS));
    Street {
        contacts: &[&moved, &others],
        ..Street::default()
    }
    .write(folder.path());
    let more = format!(
        "[sms.contract]\nnot_ours = [\"11\"]\n\
         [[sms]]\nname = \"second\"\ncarries = [\"unicom\"]\n\
         [sms.smpp]\naddress = \"127.0.0.1:{}\"\nsystem_id = \"sanfang\"\npassword = \"secret\"\n",
        second.port
    );
    let mut served = Served::serve(folder.path(), first.port, &more);
    feed(&served, "W1", 3, "0.20");
    for phone in [MOVED, OTHERS] {
        eventually("the second account tells both", || {
            !texts_of(&second, phone).is_empty()
        });
    }
    let handed = |served: &Served, times: usize| {
        let line = format!("sanfang_sms_moved_total{{from=\"sms\",to=\"sms/second\"}} {times}");
        served.get("/metrics").1.contains(&line)
    };
    eventually("it is counted", || handed(&served, 1));
    let before = texts_of(&second, MOVED).len();

    served.kill();
    served.start_again();
    served.ready().unwrap();
    feed(&served, "W1", 1, "0.70");
    eventually("what was learned is known after a restart", || {
        texts_of(&second, MOVED).len() > before
    });
    let metrics = served.get("/metrics").1;
    let refused = metrics.lines().find(|line| {
        line.starts_with("sanfang_deliveries_total") && line.contains("state=\"retired\"")
    });
    assert_eq!(refused, None, "the first carrier was not asked again");
    for phone in [MOVED, OTHERS] {
        assert!(
            texts_of(&first, phone).is_empty(),
            "{phone} is not the first carrier's"
        );
    }
}

#[test]
fn a_result_means_what_the_contract_says() {
    let Some(centre) = Centre::start() else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let refused = format!("P1,P1,site_owner,440106014000,+{MOVED},C1,,zh,,1,");
    Street {
        contacts: &[&refused],
        ..Street::default()
    }
    .write(folder.path());
    let more = "[sms.contract]\nresults = { \"0x0B\" = \"transient\" }\n";
    let served = Served::serve(folder.path(), centre.port, more);
    feed(&served, "W1", 3, "0.20");
    let counted = |state: &str| {
        let (_, metrics) = served.get("/metrics");
        let label = format!("state=\"{state}\"");
        metrics
            .lines()
            .any(|line| line.starts_with("sanfang_deliveries_total") && line.contains(&label))
    };
    eventually("it is tried again", || counted("transient"));
    assert!(!counted("failed"), "the standard calls it permanent");
}
