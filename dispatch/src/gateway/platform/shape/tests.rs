//! Shapes of platforms: sound ones, faults in words, and what an answer says.

use super::*;
use crate::gateway::platform::{ChannelCounts, Stage};
use proptest::prelude::*;

fn faults(text: &str) -> String {
    let faults = Shapes::default().add("x.toml", text).unwrap_err();
    let said: Vec<String> = faults.iter().map(ToString::to_string).collect();
    said.join("; ")
}

#[test]
fn every_shipped_shape_is_sound_and_named_as_its_file() {
    let shapes = shipped().unwrap_or_else(|faults| panic!("{faults:?}"));
    let names: Vec<&str> = shapes.names().collect();
    let files = FILES.map(|(file, _)| file.trim_end_matches(".toml"));
    assert_eq!(names, files);
}

#[test]
fn faults_of_a_shape_are_said_in_words() {
    let good = FILES[0].1;
    let said = faults(&good.replace("form.identifier", "form.identifer"));
    assert!(said.contains("submit.json: "), "{said}");
    let said = faults(&good.replace("\"signer\"]", "\"singer\"]"));
    assert!(
        said.contains("requires") && said.contains("singer"),
        "{said}"
    );
    let said = faults(&good.replace("stage = \"/data", "stage = \"data"));
    assert!(said.contains("is no JSON pointer"), "{said}");
    let said = faults(&good.replace("rejected = \"rejected\"", ""));
    assert!(
        said.contains("no word of the platform means rejected"),
        "{said}"
    );
    let said = faults(&good.replace("= \"checked\"", "= \"seen\""));
    assert!(said.contains("unknown variant"), "{said}");
}

#[test]
fn an_answer_says_how_far_a_form_is() {
    let shapes = shipped().unwrap();
    let standing = &shapes.get("ews_2018").unwrap().standing;
    let body = r#"{"code":"0","data":{"status":"released","receiptNo":"R-7","channels":[
        {"channel":"sms","total":"1000","success":990,"fail":10},{"channel":"tv","total":3,"success":3}]}}"#;
    let read = standing.read(body.as_bytes()).unwrap();
    assert_eq!(
        (read.stage, read.receipt.as_str()),
        (Stage::Released, "R-7")
    );
    let sms = ChannelCounts {
        planned: 1000,
        sent: 990,
        failed: 10,
    };
    assert_eq!(read.channels.get("sms"), Some(&sms));
    assert_eq!(read.channels.get("tv").map(|tv| tv.failed), Some(0));
    let rejected = r#"{"code":"0","data":{"status":"rejected","reason":"级别\n不符"}}"#;
    let read = standing.read(rejected.as_bytes()).unwrap();
    assert_eq!(
        (read.stage, read.reason.as_str()),
        (Stage::Rejected, "级别不符")
    );
    let why = standing.read(br#"{"data":{"status":"lost"}}"#).unwrap_err();
    assert!(
        why.contains("\"lost\"") && why.contains("/data/status"),
        "{why}"
    );
    assert!(standing.read(b"<html>").unwrap_err().contains("no JSON"));
}

proptest! {
    #[test]
    fn whatever_it_answers_is_read_or_refused(body in ".{0,300}") {
        let shapes = shipped().unwrap();
        drop(shapes.get("ews_2018").unwrap().standing.read(body.as_bytes()));
    }
}
