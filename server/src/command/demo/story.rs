//! The terminal tells what happens as it happens: what rose where, who signed, who was told.

use super::OFFICERS;
use super::far_sides::Arrived;
use super::storm::Figures;
use crate::app::App;
use crate::metrics::stage;
use crate::view::{DeliveryItem, SituationItem, WarningItem};
use dispatch::simulator::carrier::Counts;
use model::warning::Event;
use model::{Offset, Tier, Time};
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

/// Between two looks, on the wall clock.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// Between two lines of progress, in seconds of record time.
const PROGRESS_EVERY_S: i64 = 900;

/// Says where everything is.
pub(super) fn opening(app: &App, address: SocketAddr, headless: bool) {
    let city = &app.installation.city;
    println!("三防 sanfang demo — {} / {}", city.name.zh, city.name.en);
    println!(
        "{} areas, {} stations, {} sites, {} people and devices in the directory",
        city.areas.len(),
        city.stations.len(),
        city.sites.len(),
        app.installation.directory.len(),
    );
    if !headless {
        // The link signs in: without a token the page shows what was issued and no more.
        for (_, name, token) in OFFICERS {
            println!("console  http://{address}/#token={token}  ({name})");
        }
        println!("public   http://{address}/");
    }
    println!();
}

/// Tells the story until it is stopped.
pub(super) async fn tell(app: Arc<App>, offset: Offset) {
    let mut told: BTreeMap<String, (u32, usize)> = BTreeMap::new();
    let mut risen: BTreeMap<(String, String), Tier> = BTreeMap::new();
    let mut finished: BTreeSet<String> = BTreeSet::new();
    let mut progress = Time::default();
    loop {
        tokio::time::sleep(LOOK_EVERY).await;
        let now = app.view.now();
        for item in app.view.situations() {
            rise(&app, &mut risen, &item);
        }
        for item in app.view.warnings() {
            let seen = (item.revision, item.signed_by.len());
            if told.insert(item.id.clone(), seen) != Some(seen) {
                warning(&item);
            }
        }
        for item in app.view.deliveries() {
            if item.finished.is_some()
                && item.planned >= 500
                && finished.insert(item.intent.clone())
            {
                delivered(&item);
            }
        }
        if now.since(progress).seconds() >= PROGRESS_EVERY_S {
            progress = now;
            summary_line(&app, now, offset);
        }
    }
}

fn rise(app: &App, risen: &mut BTreeMap<(String, String), Tier>, item: &SituationItem) {
    let key = (item.rule.clone(), item.subject.clone());
    let before = risen.insert(key, item.tier).unwrap_or_default();
    // Hundreds of gauges rise in such a storm: the terminal tells of red, the console of all.
    if item.tier != Tier::Red || before == Tier::Red {
        return;
    }
    let city = &app.installation.city;
    let site = city.site_no(&item.subject).and_then(|no| city.site(no));
    let station = city
        .station_no(&item.subject)
        .and_then(|no| city.station(no));
    let name = site.map(|s| &s.name).or(station.map(|s| &s.name));
    let values: Vec<_> = item
        .values
        .iter()
        .map(|(call, value)| format!("{call} {value}"))
        .collect();
    println!(
        "{}  ▲ 红 red    {} {} {}  {}",
        clock(&item.since),
        item.rule,
        item.subject,
        name.map(|n| n.zh.as_str()).unwrap_or_default(),
        values.join(", "),
    );
}

fn warning(item: &WarningItem) {
    let verb = match item.event {
        Event::Proposed if item.request_to.is_some() => "提请 request ",
        Event::Proposed => "拟发 proposed",
        Event::Issued => "发布 issued  ",
        Event::Updated => "更新 updated ",
        Event::Ended => "解除 ended   ",
        Event::Cancelled => "撤销 cancelled",
    };
    let by = if item.signed_by.is_empty() {
        item.request_to
            .as_ref()
            .map(|to| format!("  → {}", to.zh))
            .unwrap_or_default()
    } else {
        format!("  signed {}", item.signed_by.join(", "))
    };
    println!(
        "{}  ● {verb} {}{}  zone {}  {} areas  rev {}{by}",
        clock(&item.time),
        item.tier.zh(),
        item.name.zh,
        item.zone,
        item.areas.len(),
        item.revision,
    );
}

fn delivered(item: &DeliveryItem) {
    println!(
        "          ✉ {} {} told: {} of {} accepted, {} on the phone, {} failed, {} unknown",
        item.link,
        item.purpose,
        item.accepted,
        item.planned,
        item.delivered,
        item.failed,
        item.unknown,
    );
}

fn summary_line(app: &App, now: Time, offset: Offset) {
    let situations = app.view.situations();
    let count = |tier: Tier| situations.iter().filter(|item| item.tier == tier).count();
    let calls = app.view.calls();
    let unanswered = calls.iter().filter(|call| call.answer.is_none()).count();
    let accepted: u64 = app.view.deliveries().iter().map(|d| d.accepted).sum();
    println!(
        "{}  — {} red, {} orange, {} yellow, {} blue; {} of {} calls unanswered; {accepted} messages accepted",
        clock(&now.display(offset)),
        count(Tier::Red),
        count(Tier::Orange),
        count(Tier::Yellow),
        count(Tier::Blue),
        unanswered,
        calls.len(),
    );
}

/// Sums the run up.
pub(super) fn closing(app: &App, figures: &Figures, counts: &Counts, arrived: &Arrived) {
    println!("\n── summary");
    println!(
        "observations   {} durable, {} refused",
        figures.accepted, figures.rejected
    );
    let mut by_event: BTreeMap<(String, &str), u32> = BTreeMap::new();
    for item in app.view.warnings() {
        *by_event
            .entry((item.name.en.clone(), item.event.name()))
            .or_default() += 1;
    }
    for ((name, event), count) in by_event {
        println!("warnings       {count:>4} {name}: {event}");
    }
    let mut by_channel: BTreeMap<String, DeliveryItem> = BTreeMap::new();
    for item in app.view.deliveries() {
        let sum = by_channel.entry(item.channel.clone()).or_default();
        sum.planned += item.planned;
        sum.accepted += item.accepted;
        sum.delivered += item.delivered;
        sum.failed += item.failed;
        sum.unknown += item.unknown;
        sum.expired += item.expired;
        sum.withdrawn += item.withdrawn;
    }
    for (channel, sum) in by_channel {
        // A newer revision or the morning speaks for those who are neither reached nor refused.
        let settled = sum.accepted + sum.failed + sum.unknown + sum.expired;
        println!(
            "{channel:<14} {} accepted, {} delivered, {} failed, {} unknown, {} expired; {} superseded or waiting for the morning",
            sum.accepted,
            sum.delivered,
            sum.failed,
            sum.unknown,
            sum.expired,
            sum.planned.saturating_sub(settled),
        );
    }
    println!(
        "carrier        {} short messages taken, {} throttled, {} receipts given",
        Counts::read(&counts.accepted),
        Counts::read(&counts.throttled),
        Counts::read(&counts.receipts),
    );
    println!("far sides      {}", arrived.words());
    for name in [stage::DURABLE, stage::DECIDED, stage::FIRST_ON_WIRE] {
        let histogram = app.metrics.latency.with_label_values(&[name]);
        let samples = histogram.get_sample_count();
        if samples > 0 {
            let mean = histogram.get_sample_sum() / samples as f64 * 1000.0;
            println!("latency        {name}: mean {mean:.1} ms over {samples}");
        }
    }
}

/// Hours and minutes of an RFC 3339 text.
fn clock(text: &str) -> &str {
    text.get(11..19).unwrap_or(text)
}
