//! `sanfang check` and `sanfang rules test`.

use super::{json_lines, sanfang, small, told};
use std::fs;
use std::path::Path;

#[test]
fn the_configuration_as_shipped_has_no_fault() {
    let (code, out, err) = told(&sanfang(&["check", "--config", "deploy/sanfang.toml"]));
    assert_eq!(code, 0, "{out}{err}");
    assert!(err.contains("no faults"), "{err}");
    assert!(
        out.lines().all(|line| line.starts_with("notice: ")),
        "{out}"
    );
    assert!(!out.contains("rules/rules"), "{out}");
    assert!(
        !out.contains("to sign"),
        "its city's signers are in it: {out}"
    );
}

#[test]
fn signers_whom_nobody_knows_are_told_of() {
    let folder = tempfile::tempdir().unwrap();
    small::write_city(folder.path());
    let hash = "ab".repeat(32);
    let text = format!(
        "city = \"city\"\njournal = \"journal\"\nlisten = \"127.0.0.1:0\"\n[[person]]\n\
         id = \"chief\"\nname = \"Chief\"\nscopes = [\"approve\"]\ntoken_sha256 = \"{hash}\"\n"
    );
    let path = folder.path().join("sanfang.toml");
    fs::write(&path, text).unwrap();
    let path = path.display().to_string();
    let (code, out, err) = told(&sanfang(&["check", "--config", &path]));
    assert_eq!(code, 0, "{out}{err}");
    let named: Vec<_> = out
        .lines()
        .filter(|line| line.contains("to sign"))
        .collect();
    assert_eq!(named.len(), 1, "the chief is known: {out}");
    assert!(
        named[0].starts_with("notice: ") && named[0].contains("deputy-duty"),
        "{named:?}"
    );
}

#[test]
fn every_fault_of_a_configuration_comes_at_once_with_its_line() {
    let folder = tempfile::tempdir().unwrap();
    small::write_city(folder.path());
    let text = r#"city = "city"
listen = "8080"
snapshot_minutes = 0
colour = "red"
[[person]]
id = "chen"
name = "Chen"
scopes = ["approve"]
token_sha256 = "abc"
[[person]]
id = "chen"
name = "Chen"
scopes = ["fly"]
token_sha256 = "abc"
[[sms]]
name = "a"
[sms.smpp]
address = "carrier"
window = 0
[[webhook]]
name = "w"
url = "nonsense"
secret_file = "missing"
[[mqtt]]
url = "http://broker"
client_id = "x"
subscriptions = []
[[poll]]
url = "x"
every_s = 1
"#;
    let path = folder.path().join("sanfang.toml");
    fs::write(&path, text).unwrap();
    let path = path.display().to_string();
    let (code, out, err) = told(&sanfang(&["check", "--json", "--config", &path]));
    assert_eq!(code, 2, "{out}{err}");
    let faults = json_lines(&out);
    let found: Vec<(u64, String)> = faults
        .iter()
        .filter(|fault| fault["severity"] == "error")
        .map(|fault| {
            assert_eq!(fault["file"], path.as_str());
            assert_ne!(fault["remedy"], "", "{fault}");
            let line = fault["line"].as_u64().unwrap_or(0);
            (line, fault["field"].as_str().unwrap().to_owned())
        })
        .collect();
    for wanted in [
        (0, "journal"),
        (2, "listen"),
        (3, "snapshot_minutes"),
        (4, "colour"),
        (5, "person.token_sha256"),
        (13, "person"),
        (15, "sms.link"),
        (20, "webhook"),
        (24, "mqtt"),
        (28, "poll.url"),
        (28, "poll.every_s"),
    ] {
        let wanted = (wanted.0, wanted.1.to_owned());
        assert!(found.contains(&wanted), "{wanted:?} is not in {found:#?}");
    }
    // What serves says the same and does not start.
    let (code, _, err) = told(&sanfang(&["serve", "--config", &path]));
    assert_eq!(code, 2);
    assert!(err.contains(":4: field colour"), "{err}");
}

#[test]
fn sealed_rows_must_outlive_the_longest_window() {
    let folder = tempfile::tempdir().unwrap();
    small::write_city(folder.path());
    let path = folder.path().join("sanfang.toml");
    for (days, code) in [(1, 2), (30, 0)] {
        let text = format!(
            "city = \"city\"\njournal = \"journal\"\nlisten = \"127.0.0.1:0\"\n[retention]\nseries_days = {days}\n"
        );
        fs::write(&path, text).unwrap();
        let path = path.display().to_string();
        let (told, out, err) = told(&sanfang(&["check", "--config", &path]));
        assert_eq!(told, code, "{days} days: {out}{err}");
        if code == 2 {
            assert!(out.contains("field retention.series_days"), "{out}");
            let (served, _, err) = self::told(&sanfang(&["serve", "--config", &path]));
            assert_eq!(served, 2, "{err}");
            assert!(err.contains("write 3 or more"), "{err}");
        }
    }
}

fn city_with_faults(folder: &Path) -> String {
    small::write_city(folder);
    let city = folder.join("city");
    let add = |name: &str, lines: &str| {
        let path = city.join(name);
        let text = fs::read_to_string(&path).unwrap();
        fs::write(path, text + lines).unwrap();
    };
    add(
        "stations.csv",
        "G2,Gauge 2,rain_gauge,113.1,23.1,999999999999,rainfall\n",
    );
    add(
        "sites.csv",
        "C2,Two,culvert,113.1,23.1,440106014000,NOWHERE,,,roads,0.05,0.15,0.27,0.5,0.2\n",
    );
    add(
        "contacts.csv",
        "P3,Three,village_head,440106014000,not-a-phone,,,zh,,1\n",
    );
    add("wording/sms.toml", "\nnonsense = 1\n");
    city.display().to_string()
}

#[test]
fn every_fault_of_a_city_comes_at_once_with_file_line_and_field() {
    let folder = tempfile::tempdir().unwrap();
    let city = city_with_faults(folder.path());
    let (code, out, err) = told(&sanfang(&["check", "--city", &city]));
    assert_eq!(code, 2, "{out}{err}");
    for wanted in [
        "stations.csv:4: field area: ",
        "sites.csv:3: field station: ",
        "wording/sms.toml: ",
    ] {
        let wanted = format!("{city}/{wanted}");
        let lines: Vec<_> = out.lines().filter(|l| l.starts_with(&wanted)).collect();
        assert_eq!(lines.len(), 1, "{wanted} in {out}");
        assert!(lines[0].contains(" — "), "no remedy: {}", lines[0]);
    }
    // People are looked at once the places they answer for can be read.
    small::write_city(folder.path());
    let contacts = folder.path().join("city/contacts.csv");
    let text = fs::read_to_string(&contacts).unwrap();
    let added = text.lines().count() + 1;
    fs::write(
        &contacts,
        text + "P3,Three,village_head,440106014000,nonsense,,,zh,,1\n",
    )
    .unwrap();
    let (code, out, _) = told(&sanfang(&["check", "--city", &city]));
    assert_eq!(code, 2);
    assert!(
        out.contains(&format!("{city}/contacts.csv:{added}: field phone: ")),
        "{out}"
    );
    assert!(
        !out.contains("nonsense"),
        "a fault shows what stood in a personal column: {out}"
    );
}

#[test]
fn a_rulebook_is_checked_by_itself() {
    let rules = "testdata/rulebooks/national-2007";
    let (code, out, err) = told(&sanfang(&["check", "--rules", rules]));
    assert_eq!((code, out.as_str()), (0, ""), "{err}");
    let folder = tempfile::tempdir().unwrap();
    let text = fs::read_to_string(small::root().join(rules).join("rainstorm.toml")).unwrap();
    let broken = text.replace("rainfall.sum", "rainfal.sum");
    fs::write(folder.path().join("rainstorm.toml"), broken).unwrap();
    let path = folder.path().display().to_string();
    let (code, out, _) = told(&sanfang(&["check", "--rules", &path]));
    assert_eq!(code, 2);
    assert!(out.starts_with(&format!("{path}/rainstorm.toml:")), "{out}");
    let (code, _, err) = told(&sanfang(&["check"]));
    assert_eq!(code, 2, "nothing to check is no success: {err}");
    let (code, out, _) = told(&sanfang(&["check", "--city", "nowhere"]));
    assert_eq!((code, out.lines().count()), (2, 2), "{out}");
}

/// A rulebook that is not what those who wrote it think it is: neither checked nor served.
#[test]
fn a_rulebook_that_fails_its_own_tests_is_not_taken() {
    let folder = tempfile::tempdir().unwrap();
    small::write_city(folder.path());
    let rules = folder.path().join("city/rules");
    let own = small::root().join("testdata/city/rules/tests/rainstorm.test.toml");
    fs::create_dir(rules.join("tests")).unwrap();
    let tests = rules.join("tests/rainstorm.test.toml");
    fs::copy(own, &tests).unwrap();
    let city = folder.path().join("city").display().to_string();
    let (code, out, err) = told(&sanfang(&["check", "--city", &city]));
    assert_eq!(code, 0, "{out}{err}");
    // What is in force stays so over a restart, whatever has become of its tests.
    let mut served = small::Served::serve(folder.path(), 1, "");
    served.kill();
    let sound = fs::read_to_string(&tests).unwrap();
    fs::write(&tests, sound.replace("\"orange\"", "\"blue\"")).unwrap();
    served.start_again();
    served.ready().unwrap();
    served.kill();
    fs::write(&tests, sound).unwrap();

    let rainstorm = rules.join("rainstorm.toml");
    let text = fs::read_to_string(&rainstorm).unwrap();
    let easier = text.replace(
        "rainfall.sum(\"3h\") >= 50.0",
        "rainfall.sum(\"3h\") >= 45.0",
    );
    assert_ne!(text, easier);
    fs::write(rainstorm, easier).unwrap();
    let words = format!(
        "{}:3: field test: the rulebook fails its own test",
        tests.display()
    );
    for arguments in [
        ["check", "--city", &city],
        ["check", "--rules", &rules.display().to_string()],
    ] {
        let (code, out, _) = told(&sanfang(&arguments));
        assert_eq!(code, 2, "{out}");
        assert!(out.contains(&words), "{words}\n{out}");
    }
    let config = folder.path().join("sanfang.toml");
    fs::write(
        &config,
        format!("city = \"{city}\"\njournal = \"journal\"\nlisten = \"127.0.0.1:0\"\n"),
    )
    .unwrap();
    let (code, out, err) = told(&sanfang(&[
        "serve",
        "--config",
        &config.display().to_string(),
    ]));
    assert_eq!(code, 2, "{out}{err}");
    assert!(err.contains(&words), "{err}");
}

/// What nobody has tried is not put forward; what a city has is served, and said aloud.
#[test]
fn rules_without_a_test_case_are_named() {
    let folder = tempfile::tempdir().unwrap();
    small::write_city(folder.path());
    let rules = folder.path().join("city/rules");
    fs::create_dir(rules.join("tests")).unwrap();
    let own = small::root().join("testdata/city/rules/tests");
    for entry in fs::read_dir(own).unwrap() {
        let path = entry.unwrap().path();
        if !path.ends_with("cold.test.toml") && !path.ends_with("typhoon.test.toml") {
            fs::copy(&path, rules.join("tests").join(path.file_name().unwrap())).unwrap();
        }
    }
    let city = folder.path().join("city").display().to_string();
    let rules = rules.display().to_string();
    let words = format!("{rules}: field tests: no test case plays rules cold, typhoon — add");
    let (code, out, err) = told(&sanfang(&["check", "--rules", &rules]));
    assert_eq!(code, 2, "{out}{err}");
    assert!(out.starts_with(&words), "{out}");
    let (code, out, _) = told(&sanfang(&["check", "--city", &city, "--rules", &rules]));
    assert!(code == 2 && out.contains(&words), "{out}");
    let (code, out, err) = told(&sanfang(&["rules", "test", &rules]));
    assert!(code == 1 && err.contains(&words), "{out}{err}");
    let (code, out, err) = told(&sanfang(&["check", "--city", &city]));
    assert_eq!(code, 0, "{out}{err}");
    assert!(out.contains(&format!("notice: {words}")), "{out}");
    let served = small::Served::serve(folder.path(), 1, "");
    let health = served.get("/healthz").1;
    assert!(
        health.ends_with("rules without a test case: cold, typhoon\n"),
        "{health}"
    );
    let metrics = served.get("/metrics").1;
    assert!(
        metrics.contains("\nsanfang_rules_untested 2\n"),
        "{metrics}"
    );
}

#[test]
fn rulebook_tests_are_read_by_people_and_programs() {
    let rules = "testdata/city/rules";
    let (code, out, err) = told(&sanfang(&["rules", "test", rules]));
    assert_eq!(code, 0, "{out}{err}");
    assert!(out.ends_with(" passed, 0 failed\n"), "{out}");
    let (code, out, _) = told(&sanfang(&["rules", "test", "--json", rules]));
    let cases = json_lines(&out);
    assert_eq!(code, 0);
    assert!(
        cases.len() > 3 && cases.iter().all(|case| case["passed"] == true),
        "{out}"
    );
    // A wrong expectation fails with exit 1, a wrong file with exit 2.
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("rules");
    fs::create_dir_all(copy.join("tests")).unwrap();
    let from = small::root().join(rules);
    fs::copy(from.join("rainstorm.toml"), copy.join("rainstorm.toml")).unwrap();
    let case = |tier: &str| {
        format!(
            "schema = 1\n[[test]]\nname = \"heavy\"\nrule = \"rainstorm\"\nstart = \"2023-09-07T18:00:00+08:00\"\ninterval = \"1m\"\nseries = {{ rainfall = \"1.0x60\" }}\nexpect = [{{ at = \"59m\", tier = \"{tier}\" }}]\n"
        )
    };
    let path = copy.display().to_string();
    let suite = copy.join("tests/a.test.toml");
    fs::write(&suite, case("red")).unwrap();
    let (code, out, err) = told(&sanfang(&["rules", "test", "--json", &path]));
    assert_eq!(code, 1, "{out}{err}");
    assert_eq!(json_lines(&out)[0]["passed"], false);
    assert_eq!(json_lines(&out)[0]["line"], 2);
    fs::write(&suite, case("purple")).unwrap();
    let (code, _, err) = told(&sanfang(&["rules", "test", &path]));
    assert_eq!(code, 2);
    assert!(err.contains("tests/a.test.toml:"), "{err}");
}

/// Accounts share the phones so that each is one account's; what is wrong with a link is said with the
/// line of its account, and a password may lie in a file of its own.
#[test]
fn accounts_of_several_carriers_are_checked() {
    let folder = tempfile::tempdir().unwrap();
    small::write_city(folder.path());
    let file = folder.path().join("sanfang.toml");
    let check = |accounts: &[&str]| {
        let base = "city = \"city\"\njournal = \"journal\"\nlisten = \"127.0.0.1:8080\"\n";
        fs::write(&file, format!("{base}{}", accounts.concat())).unwrap();
        told(&sanfang(&["check", "--config", file.to_str().unwrap()]))
    };
    fs::write(folder.path().join("secret"), "secret\n").unwrap();
    let mobile = "[[sms]]\nname = \"mobile\"\nprotocol = \"cmpp2\"\n[sms.link]\n\
        address = [\"127.0.0.1:7890\", \"127.0.0.1:7891\"]\naccount = \"900001\"\npassword_file = \"secret\"\n";
    let unicom = "[[sms]]\nname = \"unicom\"\nprotocol = \"sgip\"\ncarries = [\"unicom\"]\n[sms.link]\n\
        address = \"127.0.0.1:8801\"\naccount = \"u\"\npassword = \"p\"\nnode = 3020012345\nlisten = \"127.0.0.1:8802\"\n";
    let (code, out, err) = check(&[mobile, unicom]);
    assert_eq!(code, 0, "{out}{err}");
    assert!(!out.contains("field sms"), "{out}");

    let said = |accounts: &[&str], words: &str| {
        let (code, out, err) = check(accounts);
        assert_eq!(code, 2, "{out}{err}");
        assert!(out.contains(words), "no {words:?} in\n{out}{err}");
    };
    let both = unicom.replace("carries = [\"unicom\"]\n", "");
    said(&[mobile, &both], "two accounts carry the rest");
    let wrong = unicom.replace("[\"unicom\"]", "[\"unicorn\"]");
    said(&[mobile, &wrong], "\"unicorn\" is neither a carrier");
    let bare = unicom.replace("node = 3020012345\n", "");
    said(&[mobile, &bare], "write the number of our node");
    let lost = mobile.replace("\"secret\"", "\"nowhere\"");
    said(&[&lost, unicom], "nowhere");
    let twice = mobile.replace("password_file", "password = \"a\"\npassword_file");
    said(
        &[&twice, unicom],
        "password and password_file: give one of them",
    );
    let unknown = mobile.replace("cmpp2", "cmpp4");
    said(&[&unknown, unicom], "cmpp4");
}

#[test]
fn what_the_city_says_by_channels_without_a_link_is_named() {
    let folder = tempfile::tempdir().unwrap();
    small::write_city(folder.path());
    let add = |name: &str, line: &str| {
        let path = folder.path().join("city").join(name);
        let text = fs::read_to_string(&path).unwrap();
        fs::write(path, text + line).unwrap();
    };
    let site = "C2,二号,culvert,113.1,23.1,440106014000,W1,sign-C2,,roads,0.05,0.15,0.27,0.5,0.2\n";
    add("sites.csv", site);
    add(
        "contacts.csv",
        "P9,九,village_head,440106014000,,,p9@example.cn,zh,,1\n",
    );
    let file = folder.path().join("sanfang.toml");
    let base = "city = \"city\"\njournal = \"journal\"\nlisten = \"127.0.0.1:0\"\n\
        [[sms]]\nname = \"a\"\n[sms.smpp]\naddress = \"127.0.0.1:2775\"\nsystem_id = \"s\"\npassword = \"s\"\n";
    let check = |text: &str| {
        fs::write(&file, text).unwrap();
        let (code, out, err) = told(&sanfang(&["check", "--config", file.to_str().unwrap()]));
        assert_eq!(code, 0, "{out}{err}");
        out
    };
    let out = check(base);
    let line = |field: &str, word: &str| {
        let found = out.lines().find(|line| {
            line.starts_with("notice: ")
                && line.contains(&format!("field {field}"))
                && line.contains(word)
        });
        found
            .unwrap_or_else(|| panic!("no {field} with {word} in\n{out}"))
            .to_owned()
    };
    assert!(
        line("email", "the flow responsible").contains("[email]"),
        "{out}"
    );
    line("webhook", "the flow public");
    assert!(line("flow.classes", "school").ends_with("known there: public"));
    line("webhook.authority", "44010041600000");
    line("devices", "sign-C2 at site C2");
    assert!(line("contacts", "P9").ends_with("has one"), "{out}");
    assert!(!out.contains("field sms"), "{out}");

    let mail = "[email]\nhost = \"localhost\"\nport = 25\nencryption = \"none\"\nfrom = \"a@example.cn\"\n";
    let out = check(&format!("{base}{mail}"));
    for field in ["email", "webhook.authority", "contacts"] {
        assert!(!out.contains(&format!("field {field}:")), "{out}");
    }
}

/// A rulebook that loads and does less than its writer thinks: each of it with its place.
#[test]
fn what_a_city_lacks_for_a_rulebook_is_noticed_where_it_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let rule = |id: &str, lines: &str| {
        format!(
            "[[rule]]\nid = \"{id}\"\nhazard = \"11B03\"\nname = {{ zh = \"甲\", en = \"A\" }}\n\
             source = {{ document = \"d\", confidence = \"sure\" }}\n{lines}\n"
        )
    };
    let text = format!(
        "schema = 1\nversion = \"x\"\n{}{}{}",
        rule(
            "kinds",
            "subject = \"site\"\nkinds = [\"culverts\"]\nred = 'water_depth.last() >= 0.5'"
        ),
        rule("gauges", "red = 'rainfall.sum(\"1h\") >= site.yellow'"),
        rule("metres", "red = 'rainfall.sum(\"1h\") >= m(30)'"),
    );
    fs::write(folder.path().join("a.toml"), text).unwrap();
    fs::create_dir(folder.path().join("tests")).unwrap();
    fs::write(folder.path().join("tests/y.toml"), "garbage").unwrap();
    let case = |rule: &str, series: &str| {
        format!(
            "[[test]]\nname = \"dry\"\nrule = \"{rule}\"\nstart = \"2025-06-01T12:00:00+08:00\"\n\
             series = {{ {series} = \"0x5\" }}\nexpect = [{{ at = \"1m\", tier = \"none\" }}]\n"
        )
    };
    let cases = [
        case("kinds", "water_depth"),
        case("gauges", "rainfall"),
        case("metres", "rainfall"),
    ];
    let cases = format!("schema = 1\n{}", cases.concat());
    fs::write(folder.path().join("tests/x.test.toml"), cases).unwrap();
    let path = folder.path().display().to_string();
    let (code, out, err) = told(&sanfang(&[
        "check",
        "--city",
        "testdata/city",
        "--rules",
        &path,
    ]));
    assert_eq!(code, 0, "{out}{err}");
    for words in [
        "a.toml:9:10: field kinds: nothing in sites.csv is of the kind \"culverts\" — did you mean culvert?",
        "kinds = [\"culverts\"]\n             ^^^^^^^^^^",
        "a.toml:11: field rule gauges: it reads site.yellow, which no site at a station that it is for has",
        "a.toml:22:27: field red: this never holds: no rainfall.sum(\"1h\") is more than 500 mm",
        "tests/y.toml: no test in it is run — call it y.test.toml",
    ] {
        assert!(out.contains(words), "{words}\n--\n{out}");
    }
    let (code, out, _) = told(&sanfang(&["check", "--json", "--rules", &path]));
    assert_eq!(code, 0, "{out}");
    let notices = json_lines(&out);
    assert_eq!(notices.len(), 2, "{out}");
    assert_eq!(notices[0]["severity"], "notice");
    assert_eq!(
        (&notices[0]["line"], &notices[0]["column"]),
        (&22.into(), &27.into())
    );
    let (code, _, err) = told(&sanfang(&["rules", "test", &path]));
    assert_eq!(code, 0, "{err}");
    let notice = format!("notice: {path}/a.toml:22:27: field red: ");
    assert!(err.contains(&notice), "{err}");
}
