//! Area jobs: what must not go out, what a reading must be like, and the calls of one target.

use crate::peers::runtime;
use crate::server::{Answer, Server};
use dispatch::directory::Shape;
use dispatch::gateway::area::{
    Act, AreaHeads, AreaTarget, Band, Counts, Discord, Job, JobError, List, ListKind, Objection,
    Phase, Reading, Refused, Report, TargetConfig, Text, Way, check, key,
};
use dispatch::gateway::gate::GateConfig;
use dispatch::gateway::http::{ClientConfig, client};
use dispatch::gateway::webhook::{IDEMPOTENCY_HEADER, SIGNATURE_HEADER, verify};
use dispatch::intent::IntentId;
use dispatch::wording::Purpose;
use model::{AreaCode, Hazard, Language, Mode, Named, SendError, Span, Tier, Time, WarningId};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::time::Duration;

const NOW: Time = Time::from_seconds(1_778_227_200);

fn area(text: &str) -> AreaCode {
    AreaCode::parse(text).unwrap()
}

fn job() -> Job {
    let zone = area("440106000000");
    Job {
        job: IntentId::from_bytes([7; 16]),
        sender: "44010041600000".into(),
        sender_name: Named::default(),
        mode: Mode::Actual,
        warning: WarningId::derive(zone, Mode::Actual, Hazard::Rainstorm, zone, NOW),
        revision: 2,
        purpose: Purpose::Rise,
        hazard: Hazard::Rainstorm,
        tier: Tier::Red,
        areas: vec![area("440106014000"), area("440106015000")],
        shape: None,
        classes: Vec::new(),
        texts: vec![
            Text {
                language: Language::Zh,
                text: "【某市三防】暴雨红色预警,请勿外出".into(),
            },
            Text {
                language: Language::En,
                text: "RED rainstorm warning: stay indoors".into(),
            },
        ],
        onset: NOW,
        not_before: None,
        not_after: NOW + Span::from_minutes(180),
        created: NOW,
    }
}

/// The reading of a far side that understood everything.
fn reading(job: &Job) -> Reading {
    let areas = job.areas.iter().map(|code| AreaHeads {
        code: *code,
        name: code.to_string(),
        heads: 40_000,
    });
    Reading {
        job: job.job,
        areas: areas.collect(),
        unknown: Vec::new(),
        heads: 80_000,
        by_language: BTreeMap::from([(Language::Zh, 79_000), (Language::En, 1_000)]),
        list: List {
            kind: ListKind::Resident,
            of: NOW,
        },
        refused: Vec::new(),
        starts: NOW,
        ends: job.not_after,
        shape: None,
        last_phone_s: 160,
    }
}

fn report(job: &Job, counts: Counts) -> Report {
    Report {
        job: job.job,
        phase: Phase::Running,
        reading: reading(job),
        counts,
        by_district: BTreeMap::from([(area("440106000000"), counts)]),
        five_minutes: Vec::new(),
        started: Some(NOW),
        finished: None,
    }
}

fn band() -> Band {
    Band {
        per_thousand: (50, 3_000),
        heads_max: 1_000_000,
        lists: vec![ListKind::Resident],
        list_age_max: Some(Span::from_minutes(40 * 24 * 60)),
    }
}

/// A roll of last year; cells of this morning.
#[test]
fn a_list_of_long_ago_is_objected_to() {
    let job = job();
    let minutes = |kind, age: i64, days: Option<i64>| {
        let mut reading = reading(&job);
        reading.list.kind = kind;
        reading.list.of = NOW - Span::from_minutes(age);
        let band = Band {
            lists: Vec::new(),
            list_age_max: days.map(|days| Span::from_minutes(days * 24 * 60)),
            ..band()
        };
        check(&job, &reading, &band, Some(100_000), NOW).len()
    };
    const DAY: i64 = 24 * 60;
    assert_eq!(minutes(ListKind::Resident, 40 * DAY, Some(40)), 0);
    assert_eq!(minutes(ListKind::Resident, 40 * DAY + 1, Some(40)), 1);
    assert_eq!(minutes(ListKind::Resident, 400 * DAY, None), 0);
    assert_eq!(minutes(ListKind::Usual, 41 * DAY, Some(40)), 1);
    for kind in [ListKind::Present, ListKind::Inbound] {
        assert_eq!(minutes(kind, 60, None), 0, "{kind:?}");
        assert_eq!(minutes(kind, 61, None), 1, "{kind:?}");
    }
    // A list of tomorrow is none.
    assert_eq!(minutes(ListKind::Resident, -10, Some(40)), 1);
}

#[test]
fn a_shape_that_is_read_whole_or_otherwise_is_held() {
    let drawn = |metres: f64| Shape::around(&[vec![[113.2, 23.1]]], metres).unwrap();
    let mut job = job();
    job.shape = Some(drawn(500.0));
    assert_eq!(
        Job::read(&serde_json::to_vec(&job).unwrap()),
        Ok(job.clone())
    );
    let objections = |read: Option<String>, heads: u64| {
        let reading = Reading {
            shape: read,
            heads,
            ..reading(&job)
        };
        check(&job, &reading, &band(), Some(100_000), NOW)
    };
    // Few live in a part of an area: nobody knows how many.
    assert_eq!(objections(Some(drawn(500.0).hash()), 12), []);
    for read in [None, Some(drawn(501.0).hash())] {
        let found = objections(read, 12);
        assert!(
            matches!(found.as_slice(), [Objection::Shape { .. }]),
            "{found:?}"
        );
    }
    let nobody = objections(Some(drawn(500.0).hash()), 0);
    assert_eq!(nobody, [Objection::Nobody]);
    let reading = reading(&job);
    let other = Reading {
        shape: Some(drawn(500.0).hash()),
        ..reading.clone()
    };
    assert_ne!(
        reading.hash(),
        other.hash(),
        "a release names what was seen"
    );
}

#[test]
fn a_job_that_would_mislead_is_refused_with_the_field() {
    let refuse = |change: &dyn Fn(&mut Job)| {
        let mut job = job();
        change(&mut job);
        let read = Job::read(&serde_json::to_vec(&job).unwrap()).unwrap_err();
        assert_eq!(read, job.check().unwrap_err());
        read
    };
    assert_eq!(Job::read(&serde_json::to_vec(&job()).unwrap()), Ok(job()));
    assert_eq!(refuse(&|job| job.areas.clear()), JobError::NoArea);
    let twice = refuse(&|job| job.areas.push(area("440106014000")));
    assert_eq!(twice, JobError::AreaTwice(area("440106014000")));
    assert_eq!(refuse(&|job| job.texts.clear()), JobError::NoText);
    let empty = refuse(&|job| job.texts[1].text = " \n".into());
    assert_eq!(empty, JobError::TextEmpty(Language::En));
    let again = refuse(&|job| job.texts[1].language = Language::Zh);
    assert_eq!(again, JobError::LanguageTwice(Language::Zh));
    let long = refuse(&|job| job.texts[0].text = "雨".repeat(1_001));
    assert_eq!(long, JobError::TextMax(Language::Zh, 1_001));
    for mode in [Mode::Exercise, Mode::Test] {
        assert_eq!(refuse(&|job| job.mode = mode), JobError::Mode(mode));
    }
    for purpose in [Purpose::Reminder, Purpose::SiteAlarm, Purpose::Signature] {
        let refused = refuse(&|job| job.purpose = purpose);
        assert_eq!(refused, JobError::Purpose(purpose));
    }
    let over = refuse(&|job| job.not_before = Some(job.not_after));
    assert_eq!(over, JobError::Times);
    let drawn = r#"{"type":"Point","coordinates":[113.2,23.1]}"#;
    let mut document = serde_json::to_value(job()).unwrap();
    document["shape"] = serde_json::from_str(drawn).unwrap();
    let why = Job::read(document.to_string().as_bytes()).unwrap_err();
    assert!(why.to_string().contains("distance_m is missing"), "{why}");
    assert!(matches!(Job::read(b"{}"), Err(JobError::Form(_))));
}

#[test]
fn a_reading_that_is_not_as_asked_is_objected_to_and_said_in_words() {
    let job = job();
    let objections = |change: &dyn Fn(&mut Reading)| {
        let mut reading = reading(&job);
        change(&mut reading);
        let found = check(&job, &reading, &band(), Some(100_000), NOW);
        found.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    let none: Vec<String> = Vec::new();
    assert_eq!(objections(&|_| {}), none);
    let other = objections(&|reading| reading.job = IntentId::from_bytes([8; 16]));
    assert_eq!(other, ["the reading is of another job"]);
    let missing = objections(&|reading| {
        reading.areas.pop();
    });
    assert_eq!(missing, ["not understood: 440106015000"]);
    let extra = objections(&|reading| reading.areas[0].code = area("440100000000"));
    assert_eq!(
        extra,
        [
            "not understood: 440106014000",
            "understood and not asked for: 440100000000"
        ]
    );
    assert_eq!(
        objections(&|reading| reading.heads = 0),
        ["it would reach nobody"]
    );
    assert_eq!(
        objections(&|reading| reading.heads = 4_999),
        ["4999 heads for 100000 inhabitants, at least 5000 are expected"]
    );
    assert_eq!(objections(&|reading| reading.heads = 5_000), none);
    assert_eq!(objections(&|reading| reading.heads = 300_000), none);
    assert_eq!(
        objections(&|reading| reading.heads = 300_001),
        ["300001 heads for 100000 inhabitants, at most 300000 are expected"]
    );
    assert_eq!(
        objections(&|reading| reading.list.kind = ListKind::Present),
        ["counted from the list present, which is not agreed"]
    );
    let refused = objections(&|reading| {
        reading.refused.push(Refused {
            language: Language::En,
            why: "no template".into(),
        });
    });
    assert_eq!(refused, ["the text in en is refused: no template"]);
    let slow = objections(&|reading| reading.last_phone_s = 180 * 60 + 1);
    assert_eq!(slow.len(), 1, "{slow:?}");
    assert!(slow[0].contains("10801 s"), "{slow:?}");
    let late = objections(&|reading| reading.starts = NOW + Span::from_minutes(30));
    assert!(late[0].starts_with("it would leave from"), "{late:?}");
    let short = objections(&|reading| reading.ends = NOW + Span::from_minutes(5));
    assert_eq!(short.len(), 1, "{short:?}");

    // Where nobody knows how many live there, the greatest number alone bounds it.
    let mut reading = reading(&job);
    reading.heads = 1_000_001;
    let found = check(&job, &reading, &band(), None, NOW);
    assert!(
        matches!(
            found[..],
            [Objection::Many {
                most: 1_000_000,
                ..
            }]
        ),
        "{found:?}"
    );
    reading.heads = 1;
    assert_eq!(check(&job, &reading, &band(), None, NOW), []);
}

#[test]
fn a_release_holds_for_the_heads_that_were_seen() {
    let seen = reading(&job());
    let mut later = seen.clone();
    later.last_phone_s = 900;
    later.starts = NOW + Span::from_minutes(2);
    assert_eq!(
        seen.hash(),
        later.hash(),
        "what passes by itself is not in it"
    );
    for change in [
        |reading: &mut Reading| reading.heads += 1,
        |reading: &mut Reading| reading.areas[0].heads += 1,
        |reading: &mut Reading| reading.list.of = NOW + Span::from_seconds(1),
        |reading: &mut Reading| {
            reading.by_language.remove(&Language::En);
        },
    ] {
        let mut other = seen.clone();
        change(&mut other);
        assert_ne!(seen.hash(), other.hash());
    }
}

#[test]
fn counts_that_cannot_all_be_true_are_told() {
    let job = job();
    let counts = Counts {
        waiting: 30_000,
        accepted: 20_000,
        delivered: 30_000,
        ..Counts::default()
    };
    let sound = report(&job, counts);
    assert_eq!(sound.discords(), []);
    let mut districts = sound.clone();
    districts.counts.delivered -= 1;
    assert_eq!(
        districts.discords(),
        [Discord::Districts {
            districts: 80_000,
            job: 79_999
        }]
    );
    let mut over = sound.clone();
    over.phase = Phase::Done;
    assert_eq!(over.discords(), [Discord::Waiting(30_000)]);
    let mut more = report(
        &job,
        Counts {
            failed: 1,
            ..counts
        },
    );
    assert_eq!(
        more.discords(),
        [Discord::Heads {
            counted: 80_001,
            heads: 80_000
        }]
    );
    more.reading.heads += 1;
    assert_eq!(more.discords(), []);
}

fn target(url: reqwest::Url) -> AreaTarget {
    let http = client(&ClientConfig {
        answer_timeout: Duration::from_millis(300),
        ..ClientConfig::default()
    });
    let config = TargetConfig {
        name: "carrier".into(),
        way: Way::Pushed(url),
        secret: b"secret".to_vec(),
        gate: GateConfig {
            in_flight_max: 1,
            waiting_max: 1,
            failures_max: 3,
            pause: Span::from_seconds(30),
        },
    };
    AreaTarget::new(config, http.unwrap())
}

#[test]
fn every_call_is_signed_and_names_job_and_act() {
    runtime().block_on(async {
        let job = job();
        let (read, told) = (reading(&job), report(&job, Counts::default()));
        let (read, told) = (
            serde_json::to_vec(&read).unwrap(),
            serde_json::to_vec(&told).unwrap(),
        );
        let server = Server::start(move |request| {
            let is_reading = request.line.starts_with("PUT") || request.line.contains("/preview ");
            let body = if is_reading { &read } else { &told };
            Answer::Say(200, String::new(), body.clone())
        })
        .await;
        let target = target(server.url("/far/v1"));
        let id = job.job;
        let read = target.put(&job, NOW).await.unwrap();
        assert_eq!(target.preview(&job, NOW).await.unwrap(), read);
        target.release(id, &read, NOW).await.unwrap();
        target.act(id, Act::Pause, NOW).await.unwrap();
        target.report(id, NOW).await.unwrap();
        let seen = server.requests.lock().unwrap().clone();
        let lines: Vec<&str> = seen.iter().map(|request| request.line.as_str()).collect();
        let at = format!("/far/v1/jobs/{id}");
        assert_eq!(
            lines,
            [
                format!("PUT {at} HTTP/1.1"),
                format!("POST {at}/preview HTTP/1.1"),
                format!("POST {at}/release HTTP/1.1"),
                format!("POST {at}/pause HTTP/1.1"),
                format!("GET {at} HTTP/1.1"),
            ]
        );
        for (request, act) in seen.iter().zip(["", "preview", "release", "pause", ""]) {
            let method = request.line.split(' ').next().unwrap().parse().unwrap();
            let key = key(&method, id, act);
            assert_eq!(request.header(IDEMPOTENCY_HEADER), key);
            let header = request.header(SIGNATURE_HEADER);
            let within = Span::from_seconds(1);
            let signed = verify(b"secret", header, &key, &request.body, NOW, within);
            assert_eq!(signed, Ok(()), "{}", request.line);
        }
        assert_eq!(Job::read(&seen[0].body), Ok(job));
        let release: serde_json::Value = serde_json::from_slice(&seen[2].body).unwrap();
        assert_eq!(release["reading"], read.hash());
    });
}

#[test]
fn what_went_wrong_says_whether_to_ask_again() {
    runtime().block_on(async {
        let cases: [(Answer, &str, &str); 7] = [
            (
                Answer::Say(
                    409,
                    String::new(),
                    br#"{"detail":"reads otherwise now"}"#.to_vec(),
                ),
                "transient",
                "reads otherwise now",
            ),
            (
                Answer::Say(422, String::new(), br#"{"title":"Refused"}"#.to_vec()),
                "permanent",
                "Refused",
            ),
            (
                Answer::Say(503, String::new(), Vec::new()),
                "transient",
                "503",
            ),
            (
                Answer::Say(504, String::new(), Vec::new()),
                "uncertain",
                "504",
            ),
            (
                Answer::Say(200, String::new(), b"ok".to_vec()),
                "permanent",
                "not what was asked",
            ),
            (Answer::Silence, "uncertain", "no answer in time"),
            (Answer::HangUp, "uncertain", "connection lost"),
        ];
        for (answer, kind, words) in cases {
            let server = Server::start(move |_| answer.clone()).await;
            let error = target(server.url("/")).put(&job(), NOW).await.unwrap_err();
            let found = match &error {
                SendError::Transient(_) => "transient",
                SendError::Permanent(_) => "permanent",
                SendError::Uncertain(_) => "uncertain",
            };
            assert_eq!(found, kind, "{error}");
            assert!(error.to_string().contains(words), "{error}");
        }
        // What must not go out is not even put.
        let server = Server::start(|_| Answer::HangUp).await;
        let mut drill = job();
        drill.mode = Mode::Exercise;
        let refused = target(server.url("/")).put(&drill, NOW).await;
        assert!(
            matches!(refused, Err(SendError::Permanent(_))),
            "{refused:?}"
        );
        assert_eq!(server.count(), 0);
    });
}

proptest! {
    #[test]
    fn what_comes_from_outside_is_read_or_refused(
        bytes in proptest::collection::vec(any::<u8>(), 0..200),
        cut in any::<prop::sample::Index>(),
        put in any::<u8>(),
        numbers in any::<[u64; 4]>(),
    ) {
        drop(Job::read(&bytes));
        drop(serde_json::from_slice::<Reading>(&bytes));
        // A good document with one byte changed, and one that was cut short.
        let good = serde_json::to_vec(&job()).unwrap();
        let at = cut.index(good.len());
        let mut bad = good.clone();
        bad[at] = put;
        drop(Job::read(&bad));
        prop_assert!(Job::read(&good[..at]).is_err());
        let [delivered, failed, heads, last_phone_s] = numbers;
        let mut huge = report(&job(), Counts { delivered, failed, ..Counts::default() });
        huge.reading.heads = heads;
        huge.reading.last_phone_s = last_phone_s;
        drop(huge.discords());
        drop(check(&job(), &huge.reading, &band(), Some(heads), NOW));
        let told = serde_json::to_vec(&report(&job(), Counts::default())).unwrap();
        let at = cut.index(told.len());
        prop_assert!(serde_json::from_slice::<Report>(&told[..at]).is_err());
        let mut bad = told;
        bad[at] = put;
        if let Ok(report) = serde_json::from_slice::<Report>(&bad) {
            drop(report.discords());
        }
    }
}
