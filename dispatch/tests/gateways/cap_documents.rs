//! Our own documents: golden files, the OASIS schema by an independent validator, and back again.

use crate::peers::{missing, python, repository, skipped};
use dispatch::gateway::cap::feed;
use dispatch::gateway::cap::{
    Act, Authority, CapArea, CapDocument, Cover, MessageType, Purpose, Reference, Words,
    WriteError, alert, read,
};
use model::signal::SignalKind;
use model::warning::{AreaTier, Event, Evidence};
use model::{
    Area, AreaCode, AreaLevel, Hazard, Language, Mode, Named, Offset, Tier, Time, Warning,
    WarningId,
};
use std::collections::BTreeMap;
use std::process::Command;

const OFFSET: Offset = Offset(480);

fn time(clock: &str) -> Time {
    Time::parse(&format!("2023-09-07T{clock}+08:00")).unwrap().0
}

fn code(text: &str) -> AreaCode {
    AreaCode::parse(text).unwrap()
}

fn named(zh: &str, en: &str) -> Named {
    Named {
        zh: zh.into(),
        en: en.into(),
    }
}

fn centre() -> Authority {
    let name = named("广州市三防总指挥部", "Guangzhou Three-Defence Headquarters");
    let mut centre = Authority::new("44010099900000", "sanfang@gz.example.cn", name).unwrap();
    centre.contact = "020-12345".into();
    centre.web = "https://sanfang.example.cn/verify?a=1&b=2".into();
    centre
}

fn office() -> Authority {
    let name = named("广州市气象台", "Guangzhou Meteorological Observatory");
    Authority::new("44010041600000", "met@gz.example.cn", name).unwrap()
}

fn areas() -> BTreeMap<AreaCode, CapArea> {
    [
        ("440106000000", "天河区", "Tianhe", 113.30),
        ("440106014000", "石牌街道", "Shipai", 113.35),
        ("440103000000", "荔湾区", "Liwan", 113.20),
    ]
    .into_iter()
    .map(|(area, zh, en, lon)| {
        let ring = vec![
            (lon, 23.1),
            (lon + 0.04, 23.1),
            (lon + 0.04, 23.15),
            (lon, 23.15),
        ];
        let area = Area {
            code: code(area),
            name: named(zh, en),
            level: AreaLevel::District,
            parent: None,
            population: 0,
            shape: geo::MultiPolygon(vec![geo::Polygon::new(ring.into(), vec![])]),
        };
        (area.code, CapArea::prepare(&area))
    })
    .collect()
}

fn words() -> BTreeMap<(Tier, Language), Words> {
    let mut words = BTreeMap::new();
    let text = |headline: String, description: &str, instruction: &str| Words {
        headline,
        description: description.into(),
        instruction: instruction.into(),
    };
    for tier in Tier::WARNING {
        let zh = text(
            format!("广州市三防总指挥部发布内涝{}预警", tier.zh()),
            "13时04分 岗顶隧道积水27厘米,半小时上涨12厘米 <道路> & \"涵洞\"\u{7}",
            "请绕行,不要涉水;车辆熄火立即弃车。",
        );
        let en = text(
            format!("Waterlogging warning, {}", tier.name()),
            "27 cm of water in the Gangding underpass at 13:04, 12 cm more in half an hour.",
            "Take another way. Do not wade. Leave a stalled car at once.",
        );
        words.insert((tier, Language::Zh), zh);
        words.insert((tier, Language::En), en);
    }
    let zh = text("内涝预警解除".into(), "积水已退。", "道路以现场指示为准。");
    let en = text(
        "Waterlogging warning lifted".into(),
        "The water has gone.",
        "Follow the signs on site.",
    );
    words.insert((Tier::None, Language::Zh), zh);
    words.insert((Tier::None, Language::En), en);
    words
}

fn area_tier(tier: Tier, reached: Tier) -> AreaTier {
    AreaTier {
        tier,
        reached,
        onset: time("13:04:00"),
    }
}

fn warning(event: Event, areas: &[(&str, Tier, Tier)]) -> Warning {
    let zone = code("440106000000");
    let hazard = Hazard::Waterlogging;
    Warning {
        id: WarningId::derive(
            code("440100000000"),
            Mode::Actual,
            hazard,
            zone,
            time("13:04:00"),
        ),
        revision: 1,
        event,
        mode: Mode::Actual,
        hazard,
        name: named("内涝", "Waterlogging"),
        zone,
        authority: "three-defence".into(),
        time: time("13:04:00"),
        first_rise: time("13:04:00"),
        areas: areas
            .iter()
            .map(|(a, t, r)| (code(a), area_tier(*t, *r)))
            .collect(),
        sites: BTreeMap::new(),
        rule: "waterlogging".into(),
        evidence: vec![Evidence {
            rule: "waterlogging".into(),
            version: "demo-1".into(),
            subject: "C0007".into(),
            tier: Tier::Red,
            time: time("13:04:00"),
            values: BTreeMap::new(),
            unconfirmed: false,
        }],
        past: false,
        unconfirmed: false,
        expires: time("16:04:00"),
        signed_by: vec![],
        text: BTreeMap::new(),
        relay: None,
    }
}

fn reference() -> Reference {
    Reference {
        sender: "sanfang@gz.example.cn".into(),
        identifier: "44010099900000_20230907130400".into(),
        sent: time("13:05:00"),
    }
}

struct Case {
    name: &'static str,
    warning: Warning,
    references: Vec<Reference>,
    request: bool,
}

fn cases() -> Vec<Case> {
    let red = [
        ("440106000000", Tier::Red, Tier::Red),
        ("440103000000", Tier::Yellow, Tier::Blue),
    ];
    let less = [
        ("440106000000", Tier::Orange, Tier::Orange),
        ("440103000000", Tier::None, Tier::None),
    ];
    let clear = [("440106000000", Tier::None, Tier::None)];
    let case = |name, warning, references: &[Reference]| Case {
        name,
        warning,
        references: references.to_vec(),
        request: false,
    };
    let mut update = warning(Event::Updated, &less);
    update.revision = 2;
    let mut exercise = warning(Event::Issued, &red);
    exercise.mode = Mode::Exercise;
    let second = Reference {
        identifier: "44010099900000_20230907140000".into(),
        sent: time("14:00:30"),
        ..reference()
    };
    vec![
        case("alert", warning(Event::Issued, &red), &[]),
        case("partial-cancel", update, &[reference()]),
        case(
            "ended",
            warning(Event::Ended, &clear),
            &[reference(), second],
        ),
        case("cancelled", warning(Event::Cancelled, &red), &[reference()]),
        case("exercise", exercise, &[]),
        Case {
            request: true,
            ..case("request", warning(Event::Proposed, &red), &[])
        },
    ]
}

fn write(case: &Case) -> Result<CapDocument, WriteError> {
    let (centre, office) = (centre(), office());
    alert(&Act {
        warning: &case.warning,
        identifier: "44010099900000_20230907130400_1",
        sent: time("13:05:00"),
        offset: OFFSET,
        authority: &centre,
        purpose: if case.request {
            Purpose::Request { to: &office }
        } else {
            Purpose::Public
        },
        areas: &areas(),
        words: &words(),
        references: &case.references,
    })
}

#[test]
fn golden() {
    let directory = repository().join("testdata/golden/cap");
    for case in cases() {
        let document = write(&case).unwrap();
        let file = directory.join(format!("{}.xml", case.name));
        if std::env::var_os("UPDATE").is_some() {
            std::fs::create_dir_all(&directory).unwrap();
            std::fs::write(&file, &document.xml).unwrap();
        }
        let want = std::fs::read_to_string(&file).unwrap_or_default();
        assert_eq!(
            document.xml, want,
            "{}: run with UPDATE=1 and read the change",
            case.name
        );
        assert!(!document.xml.contains("Z</"), "times carry +08:00, never Z");
    }
}

#[test]
fn an_independent_validator_agrees() {
    let Some(python) = python() else {
        return missing("the CAP validator (python3-venv, capvalidator)");
    };
    let directory = tempfile::tempdir().unwrap();
    let script = "import sys, capvalidator\n\
        for name in sys.argv[1:]:\n    \
        result = capvalidator.check_schema(open(name, 'rb').read())\n    \
        print(name, result.passed, result.message if hasattr(result, 'message') else result)\n    \
        assert result.passed, name\n";
    let mut files = Vec::new();
    for case in cases() {
        let file = directory.path().join(format!("{}.xml", case.name));
        std::fs::write(&file, write(&case).unwrap().xml).unwrap();
        files.push(file);
    }
    let check = |files: &[std::path::PathBuf]| {
        Command::new(&python)
            .arg("-c")
            .arg(script)
            .args(files)
            .output()
            .unwrap()
    };
    let output = check(&files);
    assert!(output.status.success(), "{output:?}");
    // The validator can say no.
    let bad = directory.path().join("bad.xml");
    let text = std::fs::read_to_string(&files[0]).unwrap();
    std::fs::write(&bad, text.replace("+08:00</sent>", "Z</sent>")).unwrap();
    assert!(!check(&[bad]).status.success());
}

#[test]
fn the_oasis_schema_agrees() {
    let schema = repository().join("../shared/data/cap/schema/cap12.xsd");
    if !schema.exists() {
        return skipped("../shared/data/cap/schema is missing");
    }
    if Command::new("xmllint").arg("--version").output().is_err() {
        return missing("xmllint (libxml2-utils)");
    }
    let directory = tempfile::tempdir().unwrap();
    for case in cases() {
        let file = directory.path().join("x.xml");
        std::fs::write(&file, write(&case).unwrap().xml).unwrap();
        let output = Command::new("xmllint")
            .args(["--nonet", "--noout", "--schema"])
            .args([&schema, &file])
            .output()
            .unwrap();
        assert!(output.status.success(), "{}: {output:?}", case.name);
    }
}

#[test]
fn what_we_write_others_can_read() {
    let known = areas();
    let ours = |cover: Cover<'_>| match cover {
        Cover::Code(code) if known.contains_key(&code) => vec![code],
        Cover::Code(_) | Cover::Shape(_) => vec![],
    };
    for case in cases() {
        let document = write(&case).unwrap();
        let signals = read(document.xml.as_bytes(), &ours).unwrap();
        let kind = match case.warning.event {
            Event::Issued | Event::Proposed => SignalKind::Alert,
            Event::Updated => SignalKind::Update,
            Event::Ended | Event::Cancelled => SignalKind::Cancel,
        };
        let mut told = BTreeMap::new();
        for signal in &signals {
            assert_eq!(signal.kind, kind);
            assert_eq!(signal.mode, case.warning.mode);
            assert_eq!(signal.hazard, Some(Hazard::Waterlogging));
            assert_eq!(signal.texts.len(), 2, "{}", case.name);
            assert_eq!(signal.sender_name, "广州市三防总指挥部");
            assert_eq!(signal.references.len(), case.references.len());
            assert_eq!(signal.onset, time("13:04:00"));
            told.extend(signal.areas.iter().map(|area| (*area, signal.tier)));
        }
        let lifted = kind == SignalKind::Cancel;
        let want: BTreeMap<AreaCode, Tier> = case
            .warning
            .areas
            .iter()
            .map(|(area, held)| (*area, if lifted { Tier::None } else { held.tier }))
            .collect();
        assert_eq!(told, want, "{}", case.name);
    }
}

#[test]
fn what_would_mislead_is_not_written() {
    let red = [("440106000000", Tier::Red, Tier::Red)];
    let case = |warning: Warning| Case {
        name: "x",
        warning,
        references: vec![],
        request: false,
    };
    let refused = |warning: Warning| write(&case(warning)).unwrap_err();
    assert!(matches!(
        refused(warning(Event::Issued, &[])),
        WriteError::NoArea { .. }
    ));
    assert!(matches!(
        refused(warning(Event::Proposed, &red)),
        WriteError::NotReleased(_)
    ));
    // An update of what nobody was sent is a first message to its readers.
    let first = write(&case(warning(Event::Updated, &red))).unwrap();
    assert_eq!(first.message_type, MessageType::Alert);
    assert!(matches!(
        refused(warning(Event::Cancelled, &red)),
        WriteError::NoReference(_)
    ));
    let far = [("440111000000", Tier::Red, Tier::Red)];
    assert!(matches!(
        refused(warning(Event::Issued, &far)),
        WriteError::UnknownArea(_)
    ));
    let mut late = warning(Event::Issued, &red);
    late.expires = time("13:05:00");
    assert!(matches!(refused(late), WriteError::Expired { .. }));
    let mut past = warning(Event::Issued, &red);
    past.past = true;
    assert!(matches!(refused(past), WriteError::Past(_)));
}

#[test]
fn the_feed_lists_public_alerts_and_reads_back() {
    let documents: Vec<CapDocument> = cases().iter().map(|c| write(c).unwrap()).collect();
    let base = "https://sanfang.example.cn";
    let text = feed::write(&documents, &centre(), base, time("14:00:00"), OFFSET);
    let read = feed::read(text.as_bytes()).unwrap();
    assert_eq!(
        read.entries.len(),
        documents.len() - 1,
        "a request is not public"
    );
    assert_eq!(read.entries[0].title, "广州市三防总指挥部发布内涝红色预警");
    assert_eq!(read.entries[0].updated, Some(time("13:05:00")));
    let link = format!("{base}/cap/44010099900000_20230907130400_1.xml");
    assert_eq!(read.entries[0].link, Some(link));
    let empty = feed::write(&[], &centre(), base, time("14:00:00"), OFFSET);
    assert!(feed::read(empty.as_bytes()).unwrap().entries.is_empty());
}
