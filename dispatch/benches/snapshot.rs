//! An outbox at rest: three million outcomes with the centre's identifiers, to bytes and back.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use dispatch::intent::{Audience, Intent, IntentId};
use dispatch::ledger::{Entry, Progress, State};
use dispatch::outbox::{AtRest, Effects, Limits, Outbox};
use dispatch::wording::Purpose;
use model::{AreaCode, Channel, Hazard, Mode, Reach, Tier, Time, WarningId};
use std::hint::black_box;

const PEOPLE: u32 = 3_000_000;
/// Bytes of a part, as the server's links take them.
const PART_BYTES: usize = 128 << 10;
/// People of one record of progress.
const STEP: u32 = 1000;

fn intent() -> Option<Intent> {
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
        tier: Tier::Red,
        onset: time,
        exposure: 2,
        not_before: None,
        not_after: Time::from_seconds(1_700_090_000),
        created: time,
    })
}

/// A number that looks like chance.
const fn mixed(who: u32) -> u32 {
    who.wrapping_mul(2_654_435_761) >> 16
}

/// Everybody accepted, with identifiers that count upwards as most centres give them, in the order
/// in which sessions bring them; about one of twenty refused, the rest delivered.
fn progress(intent: &Intent) -> Vec<Progress> {
    let mut records = Vec::new();
    for from in (0..PEOPLE).step_by(STEP as usize) {
        let everybody = from..from + STEP;
        let states = |state, recipients: Vec<u32>, receipts| Entry::States {
            intent: intent.id,
            state,
            recipients,
            receipts,
            variant: (state == State::Accepted).then_some(0),
        };
        let id = |who| 5_000_000_000 + u64::from(who) + u64::from(mixed(who) % 64);
        let ids = everybody.clone().map(id);
        let (refused, delivered) = everybody.clone().partition(|who| mixed(*who) % 20 == 7);
        records.push(Progress {
            seq: records.len() as u64 + 1,
            entries: vec![
                states(State::Accepted, everybody.collect(), ids.collect()),
                states(State::Delivered, delivered, Vec::new()),
                states(State::Failed, refused, Vec::new()),
            ],
        });
    }
    records
}

fn snapshot(criterion: &mut Criterion) {
    let Some(intent) = intent() else {
        return;
    };
    let past = progress(&intent);
    let recover = |at_rest, intents: &[Intent], past: &[Progress]| {
        let (intents, past) = (intents.iter(), past.iter());
        let (limits, at) = (Limits::default(), intent.created);
        let out = &mut Effects::default();
        Outbox::recover("sms", limits, at_rest, intents, past, at, out)
    };
    let outbox = recover(AtRest::default(), std::slice::from_ref(&intent), &past);
    // As a link does it: each part is packed by itself, and the link goes on between them.
    let write = |parts: &mut Vec<Vec<u8>>| {
        let mut walk = outbox.walk();
        loop {
            let mut part = Vec::new();
            let has_more = outbox.part(&mut walk, PART_BYTES, &mut part);
            parts.push(lz4_flex::compress_prepend_size(&part));
            if !has_more {
                return;
            }
        }
    };
    let mut parts = Vec::new();
    write(&mut parts);
    let bytes: usize = parts.iter().map(Vec::len).sum();
    let each = bytes as f64 / f64::from(PEOPLE);
    eprintln!(
        "{bytes} bytes in {} parts, {each:.2} a message",
        parts.len()
    );
    let mut group = criterion.benchmark_group("snapshot of 3,000,000 outcomes");
    group
        .throughput(Throughput::Elements(u64::from(PEOPLE)))
        .sample_size(10);
    group.bench_function("begun", |bencher| bencher.iter(|| black_box(outbox.walk())));
    group.bench_function("written", |bencher| {
        bencher.iter(|| {
            let mut parts = Vec::new();
            write(&mut parts);
            black_box(parts.len())
        });
    });
    group.bench_function("read", |bencher| {
        bencher.iter(|| {
            let pieces = parts
                .iter()
                .map(|part| lz4_flex::decompress_size_prepended(part));
            let bytes: Vec<u8> = pieces.flatten().flatten().collect();
            let at_rest = AtRest::read(&bytes).unwrap_or_default();
            let outbox = recover(at_rest, std::slice::from_ref(&intent), &[]);
            assert_eq!(outbox.ledger().counts(intent.id).total(), u64::from(PEOPLE));
        });
    });
    group.finish();
}

criterion_group!(benches, snapshot);
criterion_main!(benches);
