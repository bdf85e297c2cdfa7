//! What people read at 03:00, kept as files a forecaster can review: each hazard × tier ×
//! language × purpose per channel. `UPDATE_GOLDEN=1` writes them anew.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]
#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "the scenes name the hazards that have one of their own"
)]

use dispatch::wording::{Facts, Issuer, Purpose, Wording, lint, sms};
use model::signal::{SignalKind, SignalText};
use model::warning::Relayed;
use model::{AuthorityId, Channel, Hazard, Language, Mode, Named, Offset, Tier, Time};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn load() -> Wording {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(root().join("testdata/city/wording")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        files.push((name, std::fs::read_to_string(path).unwrap()));
    }
    files.sort();
    let files: Vec<(&str, &str)> = files
        .iter()
        .map(|(a, b)| (a.as_str(), b.as_str()))
        .collect();
    Wording::load(&files).unwrap_or_else(|faults| {
        let lines: Vec<String> = faults.iter().map(ToString::to_string).collect();
        panic!("{} faults:\n{}", lines.len(), lines.join("\n"))
    })
}

fn named(zh: &str, en: &str) -> Named {
    Named {
        zh: zh.into(),
        en: en.into(),
    }
}

fn issuer() -> Issuer {
    Issuer {
        id: "44010036000000".into(),
        name: named("穗城市三防总指挥部", "Suicheng Three-Defence HQ"),
        signature: named("穗城三防", "Suicheng"),
        verify: named("12345", "12345"),
    }
}

/// A signal of another authority, as it came in.
fn signal(hazard: Hazard) -> Relayed {
    let text = SignalText {
        language: Language::Zh,
        headline: format!("市气象台发布{}橙色预警信号", hazard.zh()),
        description: "预计未来3小时仍将持续".into(),
        instruction: "请做好防御".into(),
    };
    Relayed {
        identifier: "44010041600000_20230907213500".into(),
        authority: AuthorityId::parse("44010041600000").unwrap(),
        sender_name: "穗城气象台".into(),
        sent: Time::from_seconds(1_694_093_700),
        kind: SignalKind::Alert,
        texts: BTreeMap::from([(Tier::Orange, vec![text])]),
    }
}

/// The place and the measurement that such a text would speak of.
fn scene(hazard: Hazard, purpose: Purpose) -> (Named, Named) {
    let public = named(
        "天河区、海珠区14个镇街",
        "14 townships in Tianhe and Haizhu",
    );
    if purpose == Purpose::DeviceFault {
        let device = named(
            "棠景涵洞3 barrier-C0003",
            "Tangjing culvert 3 barrier-C0003",
        );
        let depth = named("积水0.52米", "water depth 0.52 m");
        return (device, depth);
    }
    if !matches!(purpose, Purpose::Reminder | Purpose::StandDown) {
        let measure = match hazard {
            Hazard::Rainstorm => named("3小时雨量104.5毫米", "rain 104.5 mm in 3 h"),
            _ => Named::default(),
        };
        return (public, measure);
    }
    match hazard {
        Hazard::Waterlogging => (
            named("棠景涵洞3", "Tangjing culvert 3"),
            match purpose {
                Purpose::StandDown => named("积水0.03米", "water depth 0.03 m"),
                _ => named(
                    "积水0.52米,每小时涨1.8米",
                    "water depth 0.52 m, rising 1.8 m an hour",
                ),
            },
        ),
        Hazard::DebrisFlow => (
            named("横坑沟3", "Hengkeng gully 3"),
            named("1小时雨量61.5毫米", "rain 61.5 mm in 1 h"),
        ),
        Hazard::Landslide => (
            named("龙洞边坡12", "Longdong slope 12"),
            named("24小时位移增加52毫米", "displacement up 52 mm in 24 h"),
        ),
        Hazard::Rainstorm => (
            named("龙洞街道", "Longdong Subdistrict"),
            named("3小时雨量104.5毫米", "rain 104.5 mm in 3 h"),
        ),
        _ => (named("龙洞街道", "Longdong Subdistrict"), Named::default()),
    }
}

fn page(wording: &Wording, channel: Channel, hazard: Hazard) -> String {
    let (issuer, nothing, unnamed) = (issuer(), BTreeMap::new(), Named::default());
    let mut page = format!("{hazard} {} {}\n", hazard.zh(), hazard.en());
    let relay = signal(hazard);
    let own = matches!(
        hazard,
        Hazard::Waterlogging | Hazard::Landslide | Hazard::DebrisFlow
    );
    for tier in Tier::WARNING {
        if tier == Tier::White && hazard != Hazard::Typhoon {
            continue;
        }
        for purpose in Purpose::WORDED {
            // A device stands at a site that floods; other hazards have the same frame.
            if purpose == Purpose::DeviceFault && hazard != Hazard::Waterlogging {
                continue;
            }
            if purpose == Purpose::SiteAlarm || (purpose == Purpose::Fall && tier == Tier::Red) {
                continue;
            }
            // Another's words are what they are, and a call to sign differs by a word.
            let once = matches!(
                purpose,
                Purpose::Relay | Purpose::Signature | Purpose::RequestOver
            );
            if once && tier != Tier::Orange {
                continue;
            }
            let (place, measure) = scene(hazard, purpose);
            let below = Tier::from_index(tier.index() - 1).unwrap();
            let above = Tier::from_index(tier.index() + 1).unwrap_or(Tier::Red);
            let (tier_after, from) = match purpose {
                Purpose::Ended | Purpose::Cancelled | Purpose::StandDown | Purpose::RequestOver => {
                    (Tier::None, tier)
                }
                Purpose::Fall => (tier, above),
                Purpose::Rise if below < Tier::Blue => continue,
                Purpose::Rise => (tier, below),
                _ => (tier, Tier::None),
            };
            let facts = Facts {
                purpose,
                mode: Mode::Actual,
                hazard,
                hazard_name: &unnamed,
                tier: tier_after,
                from,
                issuer: &issuer,
                own,
                issued: Time::from_seconds(1_694_094_000),
                start: Time::from_seconds(1_694_093_700),
                deadline: Time::from_seconds(1_694_095_800),
                offset: Offset(480),
                place: &place,
                measure: &measure,
                text: &nothing,
                relay: Some(&relay),
            };
            for language in Language::ALL {
                let message = wording.message(channel, language, &facts);
                let findings = lint(&message, &facts, wording.sms_parts_max(language));
                assert!(findings.is_empty(), "{message:?}: {findings:?}");
                let size = sms::size(&message.text);
                write!(page, "\n== {tier} {} {}", purpose.name(), language.tag()).unwrap();
                if channel == Channel::Sms {
                    write!(page, " ({} units, {} parts)", size.units, size.parts).unwrap();
                }
                page.push('\n');
                if !message.subject.is_empty() {
                    writeln!(page, "# {}", message.subject).unwrap();
                }
                writeln!(page, "{}", message.text.trim_end()).unwrap();
                if !message.instruction.is_empty() {
                    writeln!(page, "{}", message.instruction).unwrap();
                }
            }
        }
    }
    page
}

fn golden(channel: Channel) {
    let wording = load();
    let update = std::env::var_os("UPDATE_GOLDEN").is_some();
    let directory = root().join("testdata/golden").join(channel.name());
    let mut differing = Vec::new();
    for hazard in Hazard::ALL {
        let page = page(&wording, channel, hazard);
        let path = directory.join(format!("{hazard}.txt"));
        if update {
            std::fs::create_dir_all(&directory).unwrap();
            std::fs::write(&path, &page).unwrap();
        }
        let kept = std::fs::read_to_string(&path).unwrap_or_default();
        if kept != page {
            let at = kept.lines().zip(page.lines()).find(|(a, b)| a != b);
            differing.push(format!("{}: {at:?}", path.display()));
        }
    }
    assert!(
        differing.is_empty(),
        "texts changed; read them, then run with UPDATE_GOLDEN=1:\n{}",
        differing.join("\n")
    );
}

#[test]
fn short_messages() {
    golden(Channel::Sms);
}

#[test]
fn mails() {
    golden(Channel::Email);
}

/// Nobody reads the answers to our mails: each says what works instead.
#[test]
fn no_mail_asks_to_be_answered_by_mail() {
    let wording = load();
    let mut answers = 0;
    for hazard in Hazard::ALL {
        let page = page(&wording, Channel::Email, hazard);
        let asking = page.lines().filter(|line| {
            let words = ["1收到", "1 received", "回复是否", "whether and when"];
            words.iter().any(|word| line.contains(word))
        });
        for line in asking {
            let is_told = line.contains("致电12345") || line.contains("phone 12345");
            assert!(is_told && !line.contains("回复是否"), "{line}");
            answers += 1;
        }
    }
    assert!(answers > 20, "{answers}");
}

/// No reply to a request is taken in by any channel: it names whom to tell instead.
#[test]
fn no_request_asks_to_be_replied_to() {
    let wording = load();
    let channels = [Channel::Sms, Channel::Push, Channel::Email, Channel::Cap];
    let pages = channels.map(|channel| page(&wording, channel, Hazard::Rainstorm));
    for page in pages {
        let is_request =
            |line: &&str| line.contains("是否发布及时间") || line.contains("whether and when");
        let requests: Vec<&str> = page.lines().filter(is_request).collect();
        assert!(requests.len() >= 2 * 4, "{page}");
        for line in requests {
            let asks = line.contains("请回复") || line.contains("lease answer");
            assert!(!asks && line.contains("12345"), "{line}");
        }
    }
}

#[test]
fn notices() {
    golden(Channel::Push);
}

/// A public short message in Chinese fits one part wherever the place is short, and is never
/// more than two.
#[test]
fn public_short_messages_are_short() {
    let wording = load();
    let mut single = 0;
    let mut all = 0;
    for hazard in Hazard::ALL {
        for line in page(&wording, Channel::Sms, hazard).lines() {
            if !line.starts_with("【")
                || line.contains("回1")
                || line.contains("提请")
                || line.contains("待签发")
            {
                continue;
            }
            if line.contains("Verify") {
                continue;
            }
            let size = sms::size(line);
            assert!(size.parts <= 2, "{line}");
            all += 1;
            single += usize::from(size.parts == 1);
        }
    }
    assert!(all > 200, "{all}");
    assert!(
        single * 10 >= all * 5,
        "only {single} of {all} fit one part"
    );
}

#[test]
fn a_person_s_words_replace_the_template_s() {
    let wording = load();
    let (issuer, unnamed) = (issuer(), Named::default());
    let place = named("龙洞街道", "Longdong");
    let text = BTreeMap::from([("zh".to_owned(), "请立即离开。".to_owned())]);
    let facts = Facts {
        purpose: Purpose::Alert,
        mode: Mode::Exercise,
        hazard: Hazard::Waterlogging,
        hazard_name: &unnamed,
        tier: Tier::Red,
        from: Tier::None,
        issuer: &issuer,
        own: true,
        issued: Time::from_seconds(1_694_094_000),
        start: Time::from_seconds(1_694_093_700),
        deadline: Time::from_seconds(1_694_095_800),
        offset: Offset(480),
        place: &place,
        measure: &unnamed,
        text: &text,
        relay: None,
    };
    let message = wording.message(Channel::Sms, Language::Zh, &facts);
    assert_eq!(message.text, "【穗城三防】【演练】请立即离开。【演练】");
    let missing = lint(&message, &facts, 2);
    assert_eq!(missing.len(), 6, "{missing:?}");
}

#[test]
fn faults_name_file_and_key() {
    let sms = "[alert.zh]\ntext = \"{{nobody}}\"\n[alert.en]\ntext = \"{% if %}\"\n";
    let faults = Wording::load(&[("sms.toml", sms), ("11B03.toml", "hazard = 3")]).unwrap_err();
    let all: Vec<String> = faults.iter().map(ToString::to_string).collect();
    let all = all.join("\n");
    assert!(all.contains("wording/sms.toml: key alert.en.text"), "{all}");
    assert!(
        all.contains("wording/sms.toml: key rise.zh: the frame is missing"),
        "{all}"
    );
    assert!(all.contains("wording/11B03.toml: key "), "{all}");
    assert!(all.contains("wording/11A02.toml: key hazard"), "{all}");
}
