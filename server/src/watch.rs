//! The newest values of the zones that other processes step, for the screens of this one.
//!
//! A console asks each owner for what is new since it asked before. Hearing the input itself would
//! have every console unpack and screen every observation once more.

use crate::app::App;
use crate::peers::{Peers, Seat};
use crate::questions::Unanswered;
use crate::view::Changes;
use futures_util::future::join_all;
use journal::{Kind, Partition, Topic};
use model::{StationNo, Time, Zone};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::Duration;

/// Between two questions to an owner.
const ASK_EVERY: Duration = Duration::from_secs(1);
/// Questions without an answer after which it is said: a zone moves in less.
const SILENT_TOO_LONG: u32 = 15;

/// What is new in a zone, as its owner answers.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct News {
    /// Which run of the owner's process counts the looks.
    run: i64,
    /// Its record time, in milliseconds.
    now: i64,
    changes: Changes,
}

/// The question before, and who answered it.
struct Asked {
    seat: Seat,
    run: i64,
    look: u64,
}

/// Asks every owner again and again, until it is dropped.
pub(crate) async fn run(app: Arc<App>) {
    let zones = (0..app.installation.city.zones.len()).map(|zone| Zone(zone as u16));
    join_all(zones.map(|zone| follow(&app, zone))).await;
}

async fn follow(app: &Arc<App>, zone: Zone) {
    let mut before = None;
    let mut silent = 0_u32;
    loop {
        if app.zones.is_here(zone) {
            // It is shown as it is stepped.
            (before, silent) = (None, 0);
        } else {
            // Who does not answer may have gone: whoever came instead is looked for.
            before = ask(app, zone, before).await.ok();
            silent = before.as_ref().map_or(silent.saturating_add(1), |_| 0);
            if silent == SILENT_TOO_LONG {
                let zone = app.zone_code(zone).to_string();
                tracing::warn!(
                    zone,
                    "its owner does not answer: its newest values stand still"
                );
            }
        }
        tokio::time::sleep(ASK_EVERY).await;
    }
}

async fn ask(app: &Arc<App>, zone: Zone, before: Option<Asked>) -> Result<Asked, Unanswered> {
    let peers = app.peers.as_ref().ok_or(Unanswered::Elsewhere)?;
    let (seat, run, look) = match before {
        Some(Asked { seat, run, look }) => (seat, run, look),
        None => {
            let place = (Topic::new(Kind::Input, app.mode), Partition(zone.0));
            let (seat, _) = app.seat(place).await.ok_or(Unanswered::Elsewhere)?;
            (seat, 0, 0)
        }
    };
    let News { run, now, changes } = peers.news(&seat, zone, run, look).await?;
    let look = changes.look;
    if app.zones.is_here(zone) {
        // It came here meanwhile, and goes on from a newer state.
        return Err(Unanswered::Elsewhere);
    }
    if changes.is_all {
        app.view.unremarked(app.is_home(zone));
    }
    app.view.changed(&changes);
    app.view.time(Time::from_millis(now));
    Ok(Asked { seat, run, look })
}

impl Peers {
    /// What is new in a zone since the look `look` of a run of its owner.
    async fn news(&self, seat: &Seat, zone: Zone, run: i64, look: u64) -> Result<News, Unanswered> {
        let path = format!("/peers/zones/{}/newest?run={run}&look={look}", zone.0);
        self.ask(seat, &path).await
    }
}

impl App {
    /// Whether a zone is a station's home: it is shown by that one.
    pub(crate) fn is_home(&self, zone: Zone) -> impl Fn(StationNo) -> bool {
        let stations = &self.installation.city.stations;
        move |no| {
            let station = stations.get(no.0 as usize);
            station.is_some_and(|station| station.zones.first() == Some(&zone))
        }
    }

    /// Answers what is new in a zone that is here.
    pub(crate) fn news(&self, zone: Zone, run: i64, look: u64) -> Result<News, Unanswered> {
        let peers = self.peers.as_ref().ok_or(Unanswered::Elsewhere)?;
        if !self.zones.is_here(zone) {
            return Err(Unanswered::Elsewhere);
        }
        let since = if run == peers.run() { look } else { 0 };
        Ok(News {
            run: peers.run(),
            now: self.view.now().millis(),
            changes: self.view.changes(since, self.is_home(zone)),
        })
    }
}
