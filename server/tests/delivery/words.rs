//! An unchanged tier rings again only where a person changed what is to be done (semantics §26).

use super::peers::texts_of;
use super::street::{Street, feed, sign, warning};
use crate::small::{Centre, HEAD, OWNER, Served, eventually};

const RESIDENT: &str = "+8613900000013";

#[test]
fn a_new_order_rings_and_a_new_revision_without_one_does_not() {
    let Some(centre) = Centre::start() else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let owner = format!("P1,涵洞主,site_owner,440106014000,{OWNER},C1,,zh,,1,");
    let head = format!("P2,镇长,township_head,440106014000,{HEAD},,,zh,,1,");
    Street {
        contacts: &[&owner, &head],
        ..Street::default()
    }
    .write(folder.path());
    let served = Served::serve(folder.path(), centre.port, "");
    feed(&served, "W1", 2, "0.30");
    eventually("it is proposed", || {
        served.get("/v1/warnings").1.contains("proposed")
    });
    for token in ["token-chen", "token-wang"] {
        let signed = sign(&served, token);
        assert_eq!(signed.0, 204, "{}", signed.1);
    }
    eventually("the resident is told", || {
        texts_of(&centre, RESIDENT).len() == 1
    });

    // Put forward and sent away: nobody hears of it.
    let words = |text: &str| {
        format!(
            r#"{{"revision":{},"text":{{"zh":"{text}"}},"reason":"x","as_it_stands":true}}"#,
            warning(&served)["revision"]
        )
    };
    let id = warning(&served)["id"].as_str().unwrap().to_owned();
    let path = |act: &str| format!("/v1/warnings/{id}/{act}");
    let amended = served.post(&path("amend"), Some("token-chen"), &words("不该有人听到"));
    assert_eq!(amended.0, 204, "{}", amended.1);
    let away = format!(
        r#"{{"revision":{},"reason":"wrong street"}}"#,
        warning(&served)["revision"]
    );
    let rejected = served.post(&path("reject"), Some("token-wang"), &away);
    assert_eq!(rejected.0, 204, "{}", rejected.1);

    // A transfer order, signed by two: the same tier rings again, once.
    let order = "14时前转移到东风小学";
    let amended = served.post(&path("amend"), Some("token-chen"), &words(order));
    assert_eq!(amended.0, 204, "{}", amended.1);
    for token in ["token-chen", "token-wang"] {
        let signed = sign(&served, token);
        assert_eq!(signed.0, 204, "{}", signed.1);
    }
    let heard = |phone: &str| {
        let texts = texts_of(&centre, phone);
        texts.iter().filter(|text| text.contains(order)).count()
    };
    eventually("the resident and the head hear the order", || {
        heard(RESIDENT) == 1 && heard(HEAD) == 1
    });

    // More of the same danger, the same order: a new revision, and silence.
    feed(&served, "W1", 1, "0.31");
    feed(&served, "W1", 0, "0.32");
    let told = texts_of(&centre, RESIDENT);
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(
        !centre
            .taken()
            .iter()
            .any(|(_, text)| text.contains("不该有人听到"))
    );
}
