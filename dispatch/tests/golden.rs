//! What people read at 03:00, kept as files a forecaster can review: one for each hazard and
//! language, each tier on each channel. `UPDATE_GOLDEN=1` writes them anew.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]
#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "the scenes name the hazards that have one of their own"
)]

use dispatch::wording::{
    At, Facts, Finding, Issuer, Item, Message, Names, Purpose, Wording, cell, sms,
};
use model::signal::{SignalKind, SignalText};
use model::warning::Relayed;
use model::{AuthorityId, Channel, Hazard, Language, Mode, Named, Offset, Tier, Time};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Read once for all tests of the file: every text is tried out when it is.
static WORDING: LazyLock<Wording> = LazyLock::new(read);

fn load() -> &'static Wording {
    &WORDING
}

fn read() -> Wording {
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

/// Whether the demo city speaks for that hazard itself.
fn is_own(hazard: Hazard) -> bool {
    matches!(
        hazard,
        Hazard::Waterlogging | Hazard::Landslide | Hazard::DebrisFlow
    )
}

/// The tier after a message about `tier`, and the one told before; `None` where there is no such
/// step.
fn step(purpose: Purpose, tier: Tier) -> Option<(Tier, Tier)> {
    let below = Tier::from_index(tier.index() - 1).unwrap();
    let above = Tier::from_index(tier.index() + 1).unwrap_or(Tier::Red);
    Some(match purpose {
        Purpose::Ended | Purpose::Cancelled | Purpose::StandDown | Purpose::RequestOver => {
            (Tier::None, tier)
        }
        Purpose::Fall if tier == Tier::Red => return None,
        Purpose::Fall => (tier, above),
        Purpose::Rise if below < Tier::Blue => return None,
        Purpose::Rise => (tier, below),
        _ => (tier, Tier::None),
    })
}

fn two_districts(language: Language) -> String {
    let words = match language {
        Language::Zh => "天河区、海珠区14个镇街",
        Language::ZhHant => "天河區、海珠區14個鎮街",
        Language::En => "14 townships in Tianhe and Haizhu",
        Language::Ja => "天河区、海珠区の14街鎮",
        Language::Ko => "톈허구, 하이주구 14개 동네",
        Language::Fr => "14 quartiers de Tianhe et Haizhu",
    };
    words.to_owned()
}

fn two_in_brief(language: Language) -> String {
    let words = match language {
        Language::Zh => "天河区等2区",
        Language::ZhHant => "天河區等2區",
        Language::En => "2 districts incl. Tianhe",
        Language::Ja => "天河区など2区",
        Language::Ko => "톈허구 등 2구",
        Language::Fr => "2 districts dont Tianhe",
    };
    words.to_owned()
}

/// One text, made and linted.
fn said(
    wording: &Wording,
    (channel, language): (Channel, Language),
    (hazard, tier, purpose): (Hazard, Tier, Purpose),
    plain: bool,
) -> Option<Message> {
    let (issuer, nothing, unnamed) = (issuer(), BTreeMap::new(), Named::default());
    let (place, measure) = scene(hazard, purpose);
    let is_asked = matches!(
        purpose,
        Purpose::Reminder | Purpose::StandDown | Purpose::DeviceFault
    );
    let (place, area) = if is_asked {
        let place = wording.names().all(&place);
        (place.clone(), place)
    } else {
        (Names::each(two_districts), Names::each(two_in_brief))
    };
    let culvert = named("棠景涵洞3", "Tangjing culvert 3");
    let slope = named("龙洞边坡12", "Longdong slope 12");
    let (tier_after, from) = step(purpose, tier)?;
    let site = match hazard {
        Hazard::Waterlogging => Some(At {
            id: "C0009",
            kind: "culvert",
            name: &culvert,
            threshold: match tier {
                Tier::Red => "0.50",
                Tier::Orange => "0.27",
                _ => "0.15",
            },
            tier,
        }),
        Hazard::Landslide => Some(At {
            id: "S0012",
            kind: "slope",
            name: &slope,
            threshold: "",
            tier,
        }),
        _ => None,
    };
    let relay = signal(hazard);
    let facts = Facts {
        purpose,
        mode: Mode::Actual,
        hazard,
        hazard_name: &unnamed,
        tier: tier_after,
        from,
        issuer: &issuer,
        own: is_own(hazard),
        issued: Time::from_seconds(1_694_094_000),
        start: Time::from_seconds(1_694_093_700),
        deadline: Time::from_seconds(1_694_095_800),
        offset: Offset(480),
        place: &place,
        area: &area,
        site: site.filter(|_| tier_after >= from),
        measure: &measure,
        text: &nothing,
        relay: Some(&relay),
        plain,
        items: &[],
    };
    let message = wording.message(channel, language, &facts);
    let findings = wording.lint(&message, &facts);
    assert!(findings.is_empty(), "{message:?}: {findings:?}");
    Some(message)
}

/// A message in a few lines: its channel, what it takes, its parts.
fn show(page: &mut String, label: &str, message: &Message) {
    write!(page, "{label}").unwrap();
    match message.channel {
        Channel::Sms => {
            let size = sms::size(&message.text);
            write!(page, " {}u {}p", size.units, size.parts).unwrap();
        }
        Channel::Cell => write!(page, " {} pages", cell::pages(&message.text).len()).unwrap(),
        _ => {}
    }
    let parts = [&message.subject, &message.text, &message.instruction];
    let parts = parts.iter().filter(|part| !part.is_empty());
    let parts: Vec<String> = parts
        .map(|part| part.trim_end().replace("\n\n", "\n").replace('\n', " / "))
        .collect();
    writeln!(page, ": {}", parts.join(" # ")).unwrap();
}

const CHANNELS: [Channel; 7] = [
    Channel::Sms,
    Channel::Push,
    Channel::Email,
    Channel::Cap,
    Channel::Voice,
    Channel::Cell,
    Channel::Broadcast,
];

/// A message on each channel; what a channel says word for word as one before it is named.
fn show_all(
    page: &mut String,
    wording: &Wording,
    language: Language,
    what: (Hazard, Tier, Purpose),
) {
    let purpose = what.2;
    let mut known: Vec<(String, &str)> = Vec::new();
    for channel in CHANNELS {
        let has_words = purpose.is_public()
            || purpose == Purpose::Relay
            || !matches!(channel, Channel::Cell | Channel::Broadcast | Channel::Cap);
        if !has_words {
            continue;
        }
        let mut message = said(wording, (channel, language), what, false).unwrap();
        let full = message.clone();
        for part in [&mut message.text, &mut message.instruction] {
            if let Some((_, name)) = known.iter().find(|(text, _)| text == part) {
                *part = format!("as {name}");
            }
        }
        show(page, channel.name(), &message);
        for part in [full.text, full.instruction] {
            if !part.is_empty() {
                known.push((part, channel.name()));
            }
        }
    }
}

/// Every text about a hazard in one language.
fn page(wording: &Wording, hazard: Hazard, language: Language) -> String {
    let mut page = format!(
        "{hazard} {} {} {}\n",
        hazard.zh(),
        hazard.en(),
        language.tag()
    );
    let is_asked = |purpose| wording.languages(purpose).contains(&language);
    for tier in Tier::WARNING {
        if tier == Tier::White && hazard != Hazard::Typhoon {
            continue;
        }
        writeln!(page, "\n== {tier}").unwrap();
        show_all(&mut page, wording, language, (hazard, tier, Purpose::Alert));
        let what = (hazard, tier, Purpose::Alert);
        let message = said(wording, (Channel::Sms, language), what, true).unwrap();
        show(&mut page, "sms plain", &message);
        if is_asked(Purpose::Reminder) {
            let what = (hazard, tier, Purpose::Reminder);
            let message = said(wording, (Channel::Sms, language), what, false).unwrap();
            show(&mut page, "sms reminder", &message);
        }
    }
    // What differs by the hazard and not by the tier: at orange.
    for purpose in Purpose::WORDED
        .into_iter()
        .filter(|purpose| is_asked(*purpose))
    {
        let skipped = match purpose {
            Purpose::Alert | Purpose::Reminder | Purpose::SiteAlarm | Purpose::Digest => true,
            Purpose::DeviceFault => hazard != Hazard::Waterlogging,
            _ => false,
        };
        if skipped {
            continue;
        }
        writeln!(page, "\n== orange {}", purpose.name()).unwrap();
        // Frames are the same for all: one hazard of ours and one of another's show them all.
        let shows_all = matches!(hazard, Hazard::Waterlogging | Hazard::Rainstorm);
        let what = (hazard, Tier::Orange, purpose);
        if shows_all {
            show_all(&mut page, wording, language, what);
        } else {
            let message = said(wording, (Channel::Sms, language), what, false).unwrap();
            show(&mut page, "sms", &message);
        }
    }
    page
}

#[test]
fn every_hazard_in_every_language() {
    let wording = load();
    let update = std::env::var_os("UPDATE_GOLDEN").is_some();
    let directory = root().join("testdata/golden/words");
    let mut differing = Vec::new();
    for hazard in Hazard::ALL {
        for language in Language::ALL {
            let page = page(wording, hazard, language);
            let path = directory.join(format!("{hazard}.{}.txt", language.tag()));
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
    }
    assert!(
        differing.is_empty(),
        "texts changed; read them, then run with UPDATE_GOLDEN=1:\n{}",
        differing.join("\n")
    );
}

/// What is low at one place, the most urgent first: ours and others', rises, a fall, and what is over.
fn low() -> Vec<Item> {
    let of = |hazard, from, to, minutes: i64| Item {
        hazard,
        name: Named::default(),
        from,
        to,
        own: is_own(hazard),
        start: Time::from_seconds(1_694_093_700 - minutes * 60),
    };
    vec![
        of(Hazard::Waterlogging, Tier::None, Tier::Yellow, 0),
        of(Hazard::Landslide, Tier::Yellow, Tier::Blue, 12),
        of(Hazard::Rainstorm, Tier::None, Tier::Blue, 7),
        of(Hazard::DebrisFlow, Tier::Blue, Tier::None, 3),
        of(Hazard::Gale, Tier::Blue, Tier::None, 20),
    ]
}

#[test]
fn a_digest_names_each_hazard_and_tier_within_the_room_of_its_channel() {
    let wording = load();
    let (issuer, nothing, unnamed) = (issuer(), BTreeMap::new(), Named::default());
    let place = Names::from(&named("龙洞街道", "Longdong Subdistrict"));
    let low = low();
    for language in wording.languages(Purpose::Digest) {
        let mut page = format!("digest {}\n", language.tag());
        for count in [1, 2, 5] {
            writeln!(page, "\n== {count}").unwrap();
            for channel in [Channel::Sms, Channel::Push, Channel::Email, Channel::Voice] {
                let facts = Facts {
                    purpose: Purpose::Digest,
                    mode: Mode::Actual,
                    hazard: low[0].hazard,
                    hazard_name: &unnamed,
                    tier: low[0].to,
                    from: low[0].from,
                    issuer: &issuer,
                    own: true,
                    issued: Time::from_seconds(EVENING),
                    start: low[0].start,
                    deadline: Time::from_seconds(EVENING + 1800),
                    offset: Offset(480),
                    place: &place,
                    area: &place,
                    site: None,
                    measure: &unnamed,
                    text: &nothing,
                    relay: None,
                    plain: false,
                    items: &low[..count],
                };
                let message = wording.message(channel, *language, &facts);
                let findings = wording.lint(&message, &facts);
                assert_eq!(findings, [], "{message:?}");
                show(&mut page, channel.name(), &message);
            }
        }
        let path = root().join(format!(
            "testdata/golden/words/digest.{}.txt",
            language.tag()
        ));
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            std::fs::write(&path, &page).unwrap();
        }
        let kept = std::fs::read_to_string(&path).unwrap_or_default();
        assert_eq!(kept, page, "read it, then run with UPDATE_GOLDEN=1");
    }
}

/// Nobody reads the answers to our mails: each says what works instead.
#[test]
fn no_mail_asks_to_be_answered_by_mail() {
    let wording = load();
    let mut answers = 0;
    for hazard in Hazard::ALL {
        for purpose in [Purpose::Reminder, Purpose::Request] {
            for language in [Language::Zh, Language::En] {
                let what = (hazard, Tier::Orange, purpose);
                let mail = said(wording, (Channel::Email, language), what, false).unwrap();
                let text = &mail.text;
                let is_told = text.contains("致电12345") || text.contains("phone 12345");
                assert!(is_told && !text.contains("回复是否"), "{text}");
                answers += 1;
            }
        }
    }
    assert!(answers > 20, "{answers}");
}

/// No reply to a request is taken in by any channel: it names whom to tell instead.
#[test]
fn no_request_asks_to_be_replied_to() {
    let wording = load();
    for channel in [Channel::Sms, Channel::Push, Channel::Email, Channel::Cap] {
        for language in [Language::Zh, Language::En] {
            let what = (Hazard::Rainstorm, Tier::Orange, Purpose::Request);
            let request = said(wording, (channel, language), what, false).unwrap();
            let text = format!("{} {}", request.text, request.instruction);
            let asks = text.contains("请回复") || text.contains("lease answer");
            assert!(!asks && text.contains("12345"), "{text}");
        }
    }
}

/// A short message to the public is one part in every language, and its order is said within the
/// first 20 units of a Chinese one.
#[test]
fn public_short_messages_are_one_part_with_the_order_first() {
    let wording = load();
    let mut all = 0;
    for hazard in Hazard::ALL {
        for tier in Tier::WARNING {
            for purpose in Purpose::WORDED.into_iter().filter(|p| p.is_public()) {
                for language in Language::ALL {
                    for channel in [Channel::Sms, Channel::Area] {
                        let what = (hazard, tier, purpose);
                        let Some(message) = said(wording, (channel, language), what, false) else {
                            continue;
                        };
                        let size = sms::size(&message.text);
                        assert!(size.units <= size.alphabet.single(), "{}", message.text);
                        all += 1;
                    }
                }
            }
        }
    }
    assert!(all > 5000, "{all}");
    let what = (Hazard::Waterlogging, Tier::Red, Purpose::Alert);
    let chinese = said(wording, (Channel::Area, Language::Zh), what, false).unwrap();
    let first: Vec<u16> = chinese.text.encode_utf16().take(20).collect();
    let first = String::from_utf16(&first).unwrap();
    assert!(first.contains("立即离开涵洞、地库"), "{first}");
}

/// Facts about a red waterlogging, for texts of persons.
fn with_words<T>(
    mode: Mode,
    issued: i64,
    text: &[(&str, &str)],
    of: impl FnOnce(&Wording, &Facts<'_>) -> T,
) -> T {
    let wording = load();
    let (issuer, unnamed) = (issuer(), Named::default());
    let place = Names::from(&named("龙洞街道", "Longdong"));
    let text = text
        .iter()
        .map(|(tag, words)| ((*tag).to_owned(), (*words).to_owned()));
    let text = text.collect();
    let facts = Facts {
        purpose: Purpose::Alert,
        mode,
        hazard: Hazard::Waterlogging,
        hazard_name: &unnamed,
        tier: Tier::Red,
        from: Tier::None,
        issuer: &issuer,
        own: true,
        issued: Time::from_seconds(issued),
        start: Time::from_seconds(issued - 300),
        deadline: Time::from_seconds(issued + 1800),
        offset: Offset(480),
        place: &place,
        area: &place,
        site: None,
        measure: &unnamed,
        text: &text,
        relay: None,
        plain: false,
        items: &[],
    };
    of(wording, &facts)
}

/// 21:40 on 7 September 2023 in the city.
const EVENING: i64 = 1_694_094_000;

#[test]
fn a_person_s_words_replace_the_template_s() {
    let words = [("zh", "请立即离开。")];
    with_words(Mode::Exercise, EVENING, &words, |wording, facts| {
        let message = wording.message(Channel::Sms, Language::Zh, facts);
        assert_eq!(message.text, "【穗城三防】【演练】请立即离开。【演练】");
        let missing = wording.lint(&message, facts);
        assert_eq!(missing.len(), 6, "{missing:?}");
        let traditional = wording.message(Channel::Sms, Language::ZhHant, facts);
        assert_eq!(traditional.text, "【穗城三防】【演練】請立即離開。【演練】");
        let english = wording.message(Channel::Sms, Language::En, facts);
        assert!(
            english.text.starts_with("[Suicheng] EXERCISE Get out"),
            "{english:?}"
        );
        let loud = wording.message(Channel::Broadcast, Language::Zh, facts);
        assert_eq!(loud.instruction, "这是演练。请立即离开。这是演练。");
    });
}

#[test]
fn marks_are_asked_for_in_an_exercise_and_refused_in_earnest() {
    let drill = [("zh", "演练:请立即离开"), ("en", "EXERCISE leave now")];
    with_words(Mode::Actual, EVENING, &drill, |wording, facts| {
        for language in [Language::Zh, Language::En, Language::ZhHant] {
            let message = wording.message(Channel::Sms, language, facts);
            let findings = wording.lint(&message, facts);
            assert!(
                findings.contains(&Finding::StrayMark),
                "{message:?}: {findings:?}"
            );
        }
        let french = wording.message(Channel::Sms, Language::Fr, facts);
        assert_eq!(wording.lint(&french, facts), []);
    });
    with_words(Mode::Exercise, EVENING, &[], |wording, facts| {
        for language in Language::ALL {
            for channel in CHANNELS {
                let marked = wording.message(channel, language, facts);
                let findings = wording.lint(&marked, facts);
                assert!(!findings.contains(&Finding::NoMark), "{marked:?}");
                let mut bare = marked.clone();
                let actual = Facts {
                    mode: Mode::Actual,
                    ..facts.clone()
                };
                bare.text = wording.message(channel, language, &actual).text;
                let findings = wording.lint(&bare, facts);
                assert!(findings.contains(&Finding::NoMark), "{bare:?}");
            }
        }
    });
    assert_eq!(
        Wording::forbidden("原定演练取消", Mode::Actual),
        Some(Finding::StrayMark)
    );
    assert_eq!(Wording::forbidden("演练开始", Mode::Exercise), None);
    assert_eq!(Wording::forbidden("立即转移", Mode::Actual), None);
}

#[test]
fn a_signer_is_told_of_links_and_times_that_two_people_read_differently() {
    let words = [
        ("zh", "请3点前转移,今晚勿回,8日再说,见http://a.cn/b"),
        ("en", "Leave by 3. Stay away tonight and until the 8th."),
    ];
    // 01:40 in the city.
    let night = EVENING + 4 * 3600;
    with_words(Mode::Actual, night, &words, |wording, facts| {
        for (language, wanted) in [
            (
                Language::Zh,
                vec![
                    Finding::Link,
                    Finding::NoHalf("3点".into()),
                    Finding::WhichNight("今晚".into()),
                    Finding::NoMonth("8日".into()),
                ],
            ),
            (
                Language::En,
                vec![
                    Finding::NoHalf("3".into()),
                    Finding::WhichNight("tonight".into()),
                    Finding::NoMonth("8th".into()),
                ],
            ),
        ] {
            let message = wording.message(Channel::Area, language, facts);
            let findings = wording.lint(&message, facts);
            for finding in wanted {
                assert!(findings.contains(&finding), "{finding:?} in {findings:?}");
            }
        }
    });
}

#[test]
fn words_that_have_no_room_are_said_whole_and_reported() {
    let long = "请立即离开低洼处。".repeat(20);
    let words = [("zh", long.as_str())];
    with_words(Mode::Actual, EVENING, &words, |wording, facts| {
        for (channel, over) in [
            (Channel::Sms, "parts"),
            (Channel::Area, "parts"),
            (Channel::Broadcast, "seconds"),
            (Channel::Voice, ""),
            (Channel::Cell, ""),
        ] {
            let message = wording.message(channel, Language::Zh, facts);
            assert!(message.text.contains(&long), "{message:?}");
            let findings = wording.lint(&message, facts);
            let found = findings.iter().find_map(|finding| match finding {
                Finding::TooLong { .. } => Some("parts"),
                Finding::TooSlow { .. } => Some("seconds"),
                Finding::TooManyPages { .. } => Some("pages"),
                _ => None,
            });
            assert_eq!(found.unwrap_or(""), over, "{channel}");
        }
    });
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
