//! An account that can tell nobody: the next one tells its phones.

use super::peers::texts_of;
use super::street::{Street, feed};
use crate::small::{Centre, Served, eventually, free_port};

/// Of the first account by its beginning, and two of the second's.
const OWN: &str = "8613800000001";
const OTHERS: [&str; 2] = ["8613000000001", "8613000000002"];

/// A street whose owners have these phones, served with a second account of that kind.
fn served(folder: &std::path::Path, first: &Centre, second: &str) -> Served {
    let person = |(n, phone): (usize, &&str)| {
        format!("P{n},P{n},site_owner,440106014000,+{phone},C1,,zh,,1,")
    };
    let people: Vec<String> = [OWN, OTHERS[0], OTHERS[1]]
        .iter()
        .enumerate()
        .map(person)
        .collect();
    let people: Vec<&str> = people.iter().map(String::as_str).collect();
    Street {
        contacts: &people,
        ..Street::default()
    }
    .write(folder);
    let more = format!(
        "[[sms]]\nname = \"second\"\ncarries = [\"unicom\"]\nfail_over = [\"independent\"]\n{second}"
    );
    Served::serve(folder, first.port, &more)
}

fn smpp(port: u16) -> String {
    format!(
        "[sms.smpp]\naddress = \"127.0.0.1:{port}\"\nsystem_id = \"sanfang\"\npassword = \"secret\"\n"
    )
}

fn handed(served: &Served) -> Option<u64> {
    let (_, metrics) = served.get("/metrics");
    let line = "sanfang_sms_handed_total{from=\"sms/second\",to=\"sms\"} ";
    let mut found = metrics.lines().filter_map(|it| it.strip_prefix(line));
    found.next()?.parse().ok()
}

#[test]
fn an_account_whose_centre_is_away_leaves_its_phones_to_the_next() {
    let Some(first) = Centre::plain() else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let second = format!("fail_over_after_s = 1\n{}", smpp(free_port()));
    let served = served(folder.path(), &first, &second);
    feed(&served, "W1", 3, "0.20");
    for phone in [OWN, OTHERS[0], OTHERS[1]] {
        eventually("the first account tells all", || {
            !texts_of(&first, phone).is_empty()
        });
    }
    let (_, metrics) = served.get("/metrics");
    let aside = "sanfang_sms_account{figure=\"aside\",link=\"sms/second\"} 1";
    assert!(metrics.contains(aside));
    eventually("it is counted", || handed(&served) >= Some(2));
    // What became of them is on the board of the first account, and nothing is left on the second's; the board
    // follows a moment later.
    eventually("the board says who told them instead", || {
        let rows = super::street::list(&served, "/v1/deliveries");
        let instead = rows
            .iter()
            .filter(|row| row["link"] == "sms" && row["instead_of"].is_string());
        let of_second = rows.iter().filter(|row| row["link"] == "sms/second");
        let handed = of_second.filter(|row| row["handed"].as_u64() > Some(0));
        let handed: Vec<_> = handed.collect();
        instead
            .filter(|row| row["accepted"].as_u64() > Some(0))
            .count()
            > 0
            && !handed.is_empty()
            && handed
                .iter()
                .all(|row| (&row["planned"], &row["failed"]) == (&0.into(), &0.into()))
    });
}

#[test]
fn what_an_account_does_not_pass_and_what_its_day_has_no_room_for_goes_to_the_next() {
    let (Some(first), Some(second)) = (Centre::plain(), Centre::plain()) else {
        return;
    };
    for contract in ["signatures = [\"【别人】\"]", "daily_max = 1"] {
        let folder = tempfile::tempdir().unwrap();
        let more = format!("[sms.contract]\n{contract}\n{}", smpp(second.port));
        let before: Vec<usize> = OTHERS.iter().map(|it| texts_of(&first, it).len()).collect();
        let served = served(folder.path(), &first, &more);
        feed(&served, "W1", 3, "0.20");
        eventually("the first account tells whoever the second cannot", || {
            let told = OTHERS.iter().zip(&before);
            let told = told.filter(|(phone, before)| texts_of(&first, phone).len() > **before);
            let wanted = if contract.starts_with("daily") { 1 } else { 2 };
            told.count() >= wanted
        });
        eventually("it is counted", || handed(&served) >= Some(1));
    }
    let told: usize = OTHERS.iter().map(|it| texts_of(&second, it).len()).sum();
    assert_eq!(
        told, 1,
        "one of its day, and none of a text that it does not pass"
    );
}
