//! Recipients a second through an outbox: rows in, sends out, answers in, progress encoded.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use dispatch::intent::{Audience, Intent, IntentId, RecipientNo};
use dispatch::outbox::{Answer, Effects, Event, Limits, Outbox, Outcome, Row};
use dispatch::wording::Purpose;
use model::{AreaCode, Channel, Hazard, Mode, Reach, Tier, Time, WarningId};
use std::hint::black_box;

const PEOPLE: u32 = 1_000_000;

fn intent(tier: Tier) -> Option<Intent> {
    let area = AreaCode::parse("440106014000").ok()?;
    let time = Time::from_seconds(1_700_000_000);
    let warning = WarningId::derive(area, Mode::Actual, Hazard::Rainstorm, area, time);
    let mut audience = Audience::of(Reach::Public, "v1");
    audience.areas = vec![area];
    Some(Intent {
        id: IntentId::derive(warning, 1, "sms", Purpose::Alert, Reach::Public, ""),
        warning,
        revision: 1,
        purpose: Purpose::Alert,
        link: "sms".into(),
        channel: Channel::Sms,
        mode: Mode::Actual,
        audience,
        only_told: false,
        only_new: false,
        again: false,
        by_area: false,
        spare: Vec::new(),
        instead_of: None,
        tried: Vec::new(),
        moved_from: Vec::new(),
        words: Vec::new(),
        tier,
        onset: time,
        exposure: 2,
        not_before: None,
        not_after: Time::from_seconds(1_700_090_000),
        created: time,
    })
}

/// Everybody of one intent, from planned to all accepted and on disk; the bytes written.
fn send_all(intent: &Intent, window: usize) -> (u64, usize) {
    let mut outbox = Outbox::new("sms", Limits::with_window(window));
    let mut out = Effects::default();
    let mut answers: Vec<Answer> = Vec::with_capacity(window);
    let mut rows: Vec<Row> = Vec::with_capacity(4096);
    let (mut bytes, mut receipt) = (0, 5_000_000_000);
    let at = intent.created;
    outbox.step(at, Event::Up, &mut out);
    outbox.step(at, Event::Planned(intent), &mut out);
    while outbox.open().next().is_some() {
        answers.clear();
        answers.extend(out.sending.iter().map(|one| {
            receipt += 1;
            Answer {
                token: one.token,
                outcome: Outcome::Accepted { receipt },
            }
        }));
        bytes += out.progress.iter().map(|p| p.encode().len()).sum::<usize>();
        let durable = out.progress.last().map(|p| p.seq);
        let asked = std::mem::take(&mut out.resolve);
        out.clear();
        for ask in asked {
            rows.clear();
            let from = ask.cursor as u32;
            let to = (from + ask.rows_max).min(PEOPLE);
            let here = (from..to).filter(|who| (who % 3 == 0) == (ask.pass == 0));
            rows.extend(here.map(|who| Row {
                recipient: RecipientNo(who),
                variant: 0,
                shared: false,
                address: u64::from(who),
            }));
            let event = Event::Rows {
                intent: ask.intent,
                pass: ask.pass,
                epoch: ask.epoch,
                cursor: u64::from(to),
                rows: &rows,
                end: to == PEOPLE,
            };
            outbox.step(at, event, &mut out);
        }
        if !answers.is_empty() {
            outbox.step(at, Event::Answers(&answers), &mut out);
        }
        if let Some(seq) = durable {
            outbox.step(at, Event::Durable(seq), &mut out);
        }
    }
    (outbox.stats().sent, bytes)
}

fn outbox(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("outbox");
    group
        .throughput(Throughput::Elements(u64::from(PEOPLE)))
        .sample_size(10);
    for (name, tier) in [("red", Tier::Red), ("yellow, claimed first", Tier::Yellow)] {
        let Some(intent) = intent(tier) else {
            return;
        };
        for window in [100, 1000] {
            group.bench_function(format!("{name}, window {window}"), |bencher| {
                bencher.iter(|| {
                    let (sent, bytes) = send_all(&intent, window);
                    assert_eq!(sent, u64::from(PEOPLE));
                    black_box(bytes)
                });
            });
        }
        let (_, bytes) = send_all(&intent, 1000);
        let each = bytes as f64 / f64::from(PEOPLE);
        eprintln!("{name}: {each:.1} bytes of progress a recipient");
    }
    group.finish();
}

criterion_group!(benches, outbox);
criterion_main!(benches);
