//! Configurations that somebody got wrong: nothing panics, and every fault says which key and what
//! to do.

use super::*;
use proptest::prelude::*;

/// The example with everything in it that it only shows in comments.
fn example() -> Vec<String> {
    let text = include_str!("../../../deploy/sanfang.toml");
    let shown = |line: &str| {
        let rest = line.strip_prefix("# ")?;
        let is_key = rest.split_once('=').is_some_and(|(key, _)| {
            let key = key.trim();
            !key.is_empty() && key.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')
        });
        (is_key || rest.starts_with('[')).then(|| rest.to_owned())
    };
    let lines = text.lines();
    lines
        .map(|line| shown(line).unwrap_or_else(|| line.to_owned()))
        .collect()
}

fn faults(text: &[u8]) -> Vec<Fault> {
    super::faults("sanfang.toml", text, Path::new("/nowhere"))
}

/// Every fault names the file, what is wrong, what to do, and where: a key, or at least a line where
/// the text is no TOML at all.
fn check(faults: &[Fault]) -> Result<(), TestCaseError> {
    for fault in faults {
        let is_placed = !fault.field.is_empty() || fault.line.is_some();
        let is_whole = fault.what.contains("UTF-8") || fault.what.contains("more faults");
        prop_assert!(is_placed || is_whole, "{fault}");
        prop_assert!(
            !fault.what.is_empty() && !fault.remedy.is_empty(),
            "{fault}"
        );
    }
    Ok(())
}

/// Keys of the example: the line of each, the section it stands in and its name.
fn keys(lines: &[String]) -> Vec<(usize, String, String)> {
    let mut section = String::new();
    let mut keys = Vec::new();
    for (number, line) in lines.iter().enumerate() {
        if line.starts_with('[') {
            let name = line.trim_start_matches('[');
            let name = name.split([']', '.']).next().unwrap_or_default();
            name.clone_into(&mut section);
        } else if let Some((key, _)) = line.split_once('=').filter(|_| !line.starts_with('#')) {
            keys.push((number, section.clone(), key.trim().to_owned()));
        }
    }
    keys
}

/// A configuration over Kafka with these lines in its section.
fn over_kafka(lines: &str) -> Vec<String> {
    let text =
        format!("city = \"city\"\nlisten = \"127.0.0.1:8080\"\nnode = \"a\"\n[kafka]\n{lines}\n");
    let faults = faults(text.as_bytes());
    let faults = faults.iter().filter(|f| f.severity == Severity::Error);
    faults.map(|fault| fault.field.clone()).collect()
}

#[test]
fn what_cannot_work_over_kafka_is_named() {
    let brokers = "brokers = \"k1:9092\"\n";
    let tls = "security = \"ssl\"\nca_file = \"ca.pem\"\n";
    let login = "mechanism = \"PLAIN\"\nusername = \"u\"\npassword_file = \"p\"\n";
    let token = login.replace("PLAIN", "OAUTHBEARER");
    for right in [
        "",
        tls,
        "replication = 1\nmin_insync_replicas = 1",
        &format!("security = \"sasl_ssl\"\n{login}"),
        &format!(
            "security = \"sasl_ssl\"\n{token}token_url = \"https://a/t\"\ntoken_scope = \"s\""
        ),
    ] {
        assert_eq!(over_kafka(&format!("{brokers}{right}")), [""; 0], "{right}");
    }
    for (wrong, field) in [
        (
            "replication = 2\nmin_insync_replicas = 3",
            "min_insync_replicas",
        ),
        ("min_insync_replicas = 0", "min_insync_replicas"),
        ("link_partitions = 0", "link_partitions"),
        ("session_timeout_ms = 100", "session_timeout_ms"),
        ("prefix = \"a b\"", "prefix"),
        ("ca_file = \"ca.pem\"", "security"),
        (login, "security"),
        ("security = \"sasl_ssl\"\nusername = \"u\"", "security"),
        ("security = \"ssl\"\nkey_file = \"k\"", "key_file"),
        (
            &format!("security = \"sasl_plaintext\"\n{login}"),
            "mechanism",
        ),
        (
            &format!("security = \"sasl_plaintext\"\n{token}token_url = \"https://a/t\""),
            "mechanism",
        ),
        (&format!("security = \"sasl_ssl\"\n{token}"), "token_url"),
        (
            &format!("security = \"sasl_ssl\"\n{token}token_url = \"http://login.example/t\""),
            "token_url",
        ),
        (
            &format!("security = \"sasl_ssl\"\n{login}token_scope = \"s\""),
            "mechanism",
        ),
    ] {
        let found = over_kafka(&format!("{brokers}{wrong}"));
        assert_eq!(found, [format!("kafka.{field}")], "{wrong}");
    }
    assert_eq!(over_kafka("brokers = \" \""), ["kafka.brokers"]);
    assert_eq!(over_kafka("borkers = \"k1:9092\""), ["kafka"]);
    let both = "city = \"city\"\nlisten = \"127.0.0.1:8080\"\njournal = \"j\"\nnode = \"a\"\n[kafka]\nbrokers = \"k\"";
    assert!(faults(both.as_bytes()).iter().any(|f| f.field == "journal"));
    let nameless = both
        .replace("node = \"a\"\n", "")
        .replace("journal = \"j\"\n", "");
    let found = faults(nameless.as_bytes());
    let node = found.iter().find(|fault| fault.field == "node").unwrap();
    assert_eq!(node.severity, Severity::Notice, "it may come by --node");
    let neither = "city = \"city\"\nlisten = \"127.0.0.1:8080\"";
    assert!(
        faults(neither.as_bytes())
            .iter()
            .any(|f| f.field == "journal")
    );
}

#[test]
fn roles_are_for_who_is_not_alone() {
    let brokers = "brokers = \"k1:9092\"\n";
    assert_eq!(over_kafka(brokers), [""; 0]);
    let with = |line: &str, store: &str| {
        let text = format!("{line}\ncity = \"c\"\nlisten = \"127.0.0.1:8080\"\n{store}\n");
        let found = faults(text.as_bytes());
        let errors = found.iter().filter(|f| f.severity == Severity::Error);
        errors.map(|fault| fault.field.clone()).collect::<Vec<_>>()
    };
    let kafka = "node = \"a\"\n[kafka]\nbrokers = \"k1:9092\"";
    let disk = "journal = \"j\"";
    let some = "roles = [\"rules\", \"dispatch\"]";
    let all = "roles = [\"console\", \"intake\", \"rules\", \"dispatch\"]";
    assert_eq!(with(some, kafka), [""; 0]);
    assert_eq!(with(some, disk), ["roles"], "nobody would have the others");
    assert_eq!(with(all, disk), [""; 0]);
    assert_eq!(with("roles = []", kafka), ["roles"]);
    assert_eq!(with("roles = [\"rule\"]", kafka), ["roles"]);
    assert_eq!(with("address = \"http://10.0.0.7:8080\"", kafka), [""; 0]);
    assert_eq!(with("address = \"10.0.0.7:8080\"", kafka), ["address"]);
}

/// What containers share is put together with a node's name and its links by their entrypoint.
#[test]
fn what_deploy_ships_can_be_read() {
    for shared in [
        include_str!("../../../deploy/compose/sanfang.toml"),
        include_str!("../../../deploy/kubernetes/sanfang.toml"),
    ] {
        let text = shared.replace("@NODE@", "rules-0");
        let found = faults(text.as_bytes());
        let errors: Vec<_> = found
            .iter()
            .filter(|fault| fault.severity == Severity::Error)
            .collect();
        assert!(errors.is_empty(), "{errors:?}");
    }
}

#[test]
fn retention_is_what_the_section_says() {
    let text = "warnings_days = 30\ndead_letters_mib = 8\nsegment_mib = 16";
    let section: RetentionSection = toml::from_str(text).unwrap();
    let storage = section.storage();
    let of = |kind| storage.retentions.of(kind);
    let ms = 30 * 24 * 60 * 60 * 1000;
    assert_eq!(of(Kind::Warnings), Retention::Age { ms });
    assert_eq!(of(Kind::DeadLetters), Retention::Bytes { bytes: 8 << 20 });
    assert_eq!(of(Kind::Input), Retention::Trimmed);
    assert_eq!(of(Kind::Deliveries), Kind::Deliveries.retention());
    assert_eq!(storage.segment_bytes, 16 << 20);
    let wrong = RetentionSection {
        receipts_days: Some(0),
        segment_mib: Some(3),
        ..section
    };
    let fields: Vec<_> = wrong.out_of_range().map(|(field, ..)| field).collect();
    assert_eq!(fields, ["receipts_days", "segment_mib"]);
}

#[test]
fn the_example_has_every_section_and_misses_only_its_files() {
    let lines = example();
    let text = lines.join("\n");
    for section in [
        "person",
        "sms",
        "email",
        "webhook",
        "devices",
        "voice",
        "mqtt",
        "poll",
        "bulletin",
        "push.web",
        "push.mqtt",
    ] {
        assert!(text.contains(&format!("[{section}]")), "{section}");
    }
    let errors = faults(text.as_bytes()).into_iter();
    let errors: Vec<Fault> = errors.filter(|f| f.severity == Severity::Error).collect();
    assert!(!errors.is_empty());
    for error in errors {
        let is_elsewhere = ["bulletin.areas", "adapters"].contains(&error.field.as_str());
        let is_file = ["/nowhere/", "secrets/"]
            .iter()
            .any(|it| error.what.contains(it));
        assert!(is_file || is_elsewhere, "{error}");
    }
}

#[test]
fn who_stands_in_for_an_account_is_another_account() {
    let account = |name: &str, more: &str| {
        format!(
            "[[sms]]\nname = \"{name}\"\n{more}\n[sms.link]\naddress = \"127.0.0.1:1\"\naccount = \"a\"\n"
        )
    };
    let said = |more: &str| -> Vec<String> {
        let first = account("first", more);
        let second = account("second", "carries = [\"unicom\"]\nfail_over = [\"first\"]");
        let text =
            format!("city = \"c\"\njournal = \"j\"\nlisten = \"127.0.0.1:1\"\n{first}{second}");
        let faults = faults(text.as_bytes());
        let faults = faults.iter().filter(|fault| fault.field == "sms.fail_over");
        faults.map(|fault| fault.what.clone()).collect()
    };
    assert_eq!(
        said("fail_over = [\"second\"]\nfail_over_after_s = 5"),
        [""; 0]
    );
    assert_eq!(
        said("fail_over = [\"first\", \"third\"]"),
        [
            "\"first\" is no other account of [[sms]]",
            "\"third\" is no other account of [[sms]]"
        ]
    );
    assert_eq!(
        said("fail_over_after_s = 5"),
        ["fail_over_after_s without fail_over"]
    );
}

#[test]
fn what_is_wrong_with_push_is_said_by_its_section() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write("secret", "s");
    write("bad.toml", "name = 1");
    let base = "city = \"c\"\njournal = \"j\"\nlisten = \"127.0.0.1:1\"\n";
    let said = |lines: &str| -> Vec<String> {
        let text = format!("{lines}\n{base}");
        // Tables stand behind the keys.
        let text = if lines.starts_with('[') {
            format!("{base}{lines}")
        } else {
            text
        };
        let faults = super::faults("s.toml", text.as_bytes(), folder.path());
        let of_push = |fault: &&Fault| {
            ["push", "adapters", "webhook"]
                .iter()
                .any(|part| fault.field.starts_with(part))
        };
        let faults = faults.iter().filter(of_push);
        faults
            .map(|fault| format!("{}: {}", fault.field, fault.what))
            .collect()
    };
    let cases = [
        (
            "[push.huwei]\napp_id = 1",
            "push.huwei: no shape \"huwei\": there are apns, fcm",
        ),
        (
            "[push.wecom]\nurl = { file = \"secret\" }",
            "push.wecom: no shape",
        ),
        (
            "[push.huawei]\napp_id = 1",
            "push.huawei: app_secret is missing",
        ),
        (
            "[push.huawei]\napp_id = 1\napp_secret = \"s\"",
            "app_secret is a secret: write { file",
        ),
        (
            "[push.huawei]\napp_id = 1\napp_secret = { file = \"none\" }",
            "No such file",
        ),
        (
            "[push.huawei]\napp_id = 1\napp_secret = { file = \"secret\" }\nx = 1",
            "x is no parameter",
        ),
        (
            "[push.huawei]\napp_id = true",
            "push.huawei: write a text, a number, or",
        ),
        (
            "[push.apns]\nkey = { file = \"secret\" }\nkey_id = \"K\"\nteam_id = \"T\"\ntopic = \"t\"",
            "it is not PEM",
        ),
        (
            "[push.web]\nsubject = \"mailto:a@b.example\"\nkey_file = \"secret\"",
            "it is not PEM",
        ),
        (
            "[push.web]\nsubject = \"a\"",
            "push.web: missing field `key_file`",
        ),
        (
            "[push.mqtt]\nbroker = \"x\"\nclient_id = \"c\"",
            "broker is not an address",
        ),
        ("adapters = \".\"", "bad.toml: line 1"),
        (
            "[[webhook]]\nname = \"a\"",
            "write url and secret_file, or shape and account",
        ),
        (
            "[[webhook]]\nname = \"a\"\nshape = \"fcm\"",
            "no shape \"fcm\": there are dingtalk",
        ),
    ];
    for (lines, want) in cases {
        let said = said(lines);
        assert!(
            said.iter().any(|line| line.contains(want)),
            "{lines}: {said:?}"
        );
    }
    let sound = said("[push.huawei]\napp_id = 1\napp_secret = { file = \"secret\" }");
    assert_eq!(sound.len(), 1, "{sound:?}");
    assert!(
        sound[0].contains("written without the service's own text"),
        "{sound:?}"
    );
}

#[test]
fn an_address_to_answer_mails_under_is_one_of_a_web_server_and_private_on_the_way() {
    let found = |address: &str| {
        let text = format!(
            "city = \"c\"\njournal = \"j\"\nlisten = \"127.0.0.1:0\"\n[email]\nhost = \"m\"\nport = 25\n\
             encryption = \"none\"\nfrom = \"a@example.cn\"\nanswer_url = \"{address}\"\n"
        );
        let faults = faults(text.as_bytes()).into_iter();
        let mut of_key = faults.filter(|fault| fault.field == "email.answer_url");
        of_key.next().map(|fault| fault.severity)
    };
    assert_eq!(found("https://warn.example.cn/sanfang"), None);
    assert_eq!(found("http://warn.example.cn"), Some(Severity::Notice));
    for wrong in [
        "warn.example.cn",
        "ftp://warn.example.cn",
        "https://x.cn/?a=1",
    ] {
        assert_eq!(found(wrong), Some(Severity::Error), "{wrong}");
    }
}

/// A value of a kind that no key takes.
#[test]
fn a_value_of_another_kind_is_a_fault_of_its_key() {
    let lines = example();
    let keys = keys(&lines);
    assert!(keys.len() > 40, "{}", keys.len());
    for (number, section, key) in keys {
        let mut changed = lines.clone();
        changed[number] = format!("{key} = [[[\"nonsense\"]]]");
        let found = faults(changed.join("\n").as_bytes());
        let top = if section.is_empty() { &key } else { &section };
        let is_told = |fault: &&Fault| {
            fault.severity == Severity::Error && fault.field.split('.').next() == Some(top)
        };
        assert!(found.iter().any(|f| is_told(&f)), "{key}: {found:#?}");
    }
}

/// A key that nobody knows, in any section.
#[test]
fn a_key_that_is_misspelt_is_named() {
    let lines = example();
    for (number, _, key) in keys(&lines) {
        let mut changed = lines.clone();
        changed[number] = changed[number].replacen(&key, &format!("{key}x"), 1);
        let found = faults(changed.join("\n").as_bytes());
        let is_named = |fault: &Fault| {
            fault.field.contains(&format!("{key}x")) || fault.what.contains(&format!("{key}x"))
        };
        assert!(found.iter().any(is_named), "{key}: {found:#?}");
    }
}

/// Values that a key may be given in error.
const VALUES: [&str; 16] = [
    "0",
    "-1",
    "1e999",
    "99999999999999999999",
    "9223372036854775807",
    "\"\"",
    "\"\\u0000\"",
    "\"127.0.0.1:99999\"",
    "\"mqtt://\"",
    "\"https://[\"",
    "true",
    "[]",
    "{}",
    "{ a = 1 }",
    "1979-05-27T07:32:00Z",
    "nan",
];

#[derive(Clone, Debug)]
enum Change {
    Value(usize, usize),
    Remove(usize),
    Double(usize),
    Move(usize, usize),
    Cut(usize),
    Byte(usize, u8),
}

fn change() -> impl Strategy<Value = Change> {
    let place = || any::<prop::sample::Index>().prop_map(|index| index.index(10_000));
    prop_oneof![
        4 => (place(), 0..VALUES.len()).prop_map(|(at, value)| Change::Value(at, value)),
        2 => place().prop_map(Change::Remove),
        1 => place().prop_map(Change::Double),
        1 => (place(), place()).prop_map(|(from, to)| Change::Move(from, to)),
        1 => place().prop_map(Change::Cut),
        2 => (place(), any::<u8>()).prop_map(|(at, byte)| Change::Byte(at, byte)),
    ]
}

fn apply(changes: &[Change]) -> Vec<u8> {
    let mut lines = example();
    let mut bytes = Vec::new();
    for change in changes {
        let count = lines.len().max(1);
        match *change {
            Change::Value(at, value) => {
                let keys = keys(&lines);
                if let Some((number, _, key)) = keys.get(at % keys.len().max(1)) {
                    lines[*number] = format!("{key} = {}", VALUES[value]);
                }
            }
            Change::Remove(at) if !lines.is_empty() => drop(lines.remove(at % count)),
            Change::Double(at) if !lines.is_empty() => {
                let line = lines[at % count].clone();
                lines.insert(at % count, line);
            }
            Change::Move(from, to) if !lines.is_empty() => {
                let line = lines.remove(from % count);
                lines.insert(to % count, line);
            }
            Change::Remove(_) | Change::Double(_) | Change::Move(..) => {}
            Change::Cut(_) | Change::Byte(..) => {}
        }
    }
    bytes.extend_from_slice(lines.join("\n").as_bytes());
    for change in changes {
        let count = bytes.len().max(1);
        match *change {
            Change::Cut(at) => bytes.truncate(at % count),
            Change::Byte(at, byte) if !bytes.is_empty() => bytes[at % count] = byte,
            Change::Byte(..) => {}
            Change::Value(..) | Change::Remove(_) | Change::Double(_) | Change::Move(..) => {}
        }
    }
    bytes
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn whatever_is_changed_is_told_and_nothing_panics(
        changes in prop::collection::vec(change(), 1..5)
    ) {
        check(&faults(&apply(&changes)))?;
    }

    #[test]
    fn any_bytes_are_told(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        check(&faults(&bytes))?;
    }
}

#[test]
fn what_is_wrong_with_a_line_is_said_by_its_key() {
    let base = "city = \"c\"\njournal = \"j\"\nlisten = \"127.0.0.1:1\"\n[voice]\n";
    let found = |lines: &str| -> Vec<String> {
        let text = format!("{base}{lines}");
        let faults = faults(text.as_bytes()).into_iter();
        let of_voice = faults.filter(|fault| fault.field.starts_with("voice"));
        of_voice.map(|fault| fault.field).collect()
    };
    let whole = "gateway = \"10.0.0.9:5060\"\nfrom = \"12379\"\nprogram = [\"espeak-ng\"]\n";
    assert_eq!(found(whole), [""; 0]);
    for (more, field) in [
        ("times = 0", "voice.times"),
        ("ring_s = 600", "voice.ring_s"),
        ("calls_max = 0", "voice.calls_max"),
        ("ports = [40001, 40100]", "voice.ports"),
        ("ports = [40000, 40010]", "voice.ports"),
        ("prefix = \"9,\"", "voice.prefix"),
        ("country = \"+86\"", "voice.country"),
        ("user = \"u\"", "voice"),
        ("clips = \"nowhere\"", "voice"),
        ("transport = \"tls\"", "voice"),
        ("tiems = 3", "voice"),
    ] {
        assert_eq!(found(&format!("{whole}{more}\n")), [field], "{more}");
    }
    let silent = whole.replace("program = [\"espeak-ng\"]\n", "");
    assert_eq!(found(&silent), ["voice.clips"]);
    assert_eq!(found(&whole.replace(":5060", "")), ["voice.gateway"]);
    assert_eq!(found(&whole.replace("12379", "duty")), ["voice.from"]);
}
