//! The newest values of the zones that other processes step, for the screens of this one.
//!
//! A console asks each owner for what is new since it asked before. Hearing the input itself would
//! have every console unpack and screen every observation once more.

use crate::app::App;
use crate::clock::monotonic;
use crate::peers::{Peers, Seat};
use crate::questions::Unanswered;
use crate::view::Changes;
use futures_util::future::join_all;
use journal::{Kind, Partition, Topic};
use model::{StationNo, Time, Zone};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Between two rounds of questions.
const ASK_EVERY: Duration = Duration::from_secs(1);
/// Without an answer for so long an owner's silence is said: zones move in less.
const SILENT_TOO_LONG: Duration = Duration::from_secs(20);

/// What is asked of an owner: zones, each with the run and the look of its answer before.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Question(Vec<(u16, i64, u64)>);

/// What is new in the zones that are there, as their owner answers.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct News {
    /// Which run of the owner's process counts the looks.
    run: i64,
    /// Its record time, in milliseconds.
    now: i64,
    zones: Vec<u16>,
    changes: Changes,
}

/// A zone that another process steps.
struct Elsewhere {
    /// Whom to ask; looked for where it is not known, or did not answer.
    seat: Option<Seat>,
    run: i64,
    look: u64,
    heard: Instant,
    is_said: bool,
}

/// Asks every owner again and again, until it is dropped.
pub(crate) async fn run(app: Arc<App>) {
    let zones = (0..app.installation.city.zones.len()).map(|zone| Zone(zone as u16));
    let mut elsewhere: BTreeMap<Zone, Elsewhere> = BTreeMap::new();
    loop {
        for zone in zones.clone() {
            if app.zones.is_here(zone) {
                // It is shown as it is stepped.
                elsewhere.remove(&zone);
            } else {
                let known = elsewhere.entry(zone).or_insert_with(Elsewhere::new);
                if known.seat.is_none() {
                    let place = (Topic::new(Kind::Input, app.mode), Partition(zone.0));
                    known.seat = app.seat(place).await.map(|(seat, _)| seat);
                }
            }
        }
        round(&app, &mut elsewhere).await;
        tokio::time::sleep(ASK_EVERY).await;
    }
}

/// Asks each owner once, about all of its zones.
async fn round(app: &Arc<App>, elsewhere: &mut BTreeMap<Zone, Elsewhere>) {
    let Some(peers) = &app.peers else { return };
    let began = monotonic();
    let mut questions: BTreeMap<&Seat, Vec<(u16, i64, u64)>> = BTreeMap::new();
    for (zone, known) in &*elsewhere {
        if let Some(seat) = &known.seat {
            let asked = questions.entry(seat).or_default();
            asked.push((zone.0, known.run, known.look));
        }
    }
    let asked = questions
        .into_iter()
        .map(|(seat, question)| peers.news(seat, Question(question)));
    let mut why = Unanswered::Elsewhere;
    for answer in join_all(asked).await {
        match answer {
            Ok(news) => show(app, elsewhere, &news),
            Err(error) => why = error,
        }
    }
    for (zone, known) in elsewhere.iter_mut() {
        if known.heard >= began {
            known.answered(app, *zone);
        } else {
            known.silent(app, *zone, why);
        }
    }
    let silent = elsewhere.values().filter(|known| known.is_said).count();
    app.metrics.unheard.set(silent as i64);
}

fn show(app: &App, elsewhere: &mut BTreeMap<Zone, Elsewhere>, news: &News) {
    app.view.time(Time::from_millis(news.now));
    for zone in news.zones.iter().copied().map(Zone) {
        let Some(known) = elsewhere.get_mut(&zone) else {
            continue;
        };
        known.heard = monotonic();
        // What comes here meanwhile goes on from a newer state.
        let is_whole = known.look == 0 || known.run != news.run;
        if is_whole && !app.zones.is_here(zone) {
            app.view.unremarked(|no| app.home(no) == Some(zone));
        }
        (known.run, known.look) = (news.run, news.changes.look);
    }
    app.view.changed(&news.changes);
}

impl Elsewhere {
    fn new() -> Self {
        Self {
            seat: None,
            run: 0,
            look: 0,
            heard: monotonic(),
            is_said: false,
        }
    }

    fn answered(&mut self, app: &App, zone: Zone) {
        if std::mem::take(&mut self.is_said) {
            let zone = app.zone_code(zone).to_string();
            tracing::info!(zone, "its newest values come again");
        }
    }

    /// Whoever does not answer may have gone.
    fn silent(&mut self, app: &App, zone: Zone, why: Unanswered) {
        let silent = monotonic().duration_since(self.heard);
        self.seat = None;
        // Nobody says how late it is; what is shown grows old all the same.
        app.view.time(app.clock.now());
        if silent >= SILENT_TOO_LONG && !self.is_said {
            self.is_said = true;
            let zone = app.zone_code(zone).to_string();
            let seconds = silent.as_secs();
            tracing::warn!(
                zone,
                seconds,
                ?why,
                "its newest values stand still: no owner answers"
            );
        }
    }
}

impl Peers {
    /// What is new in an owner's zones.
    async fn news(&self, seat: &Seat, question: Question) -> Result<News, Unanswered> {
        self.ask(seat, self.post(seat, "/peers/newest").json(&question))
            .await
    }
}

impl App {
    /// The zone that is a station's home: it is shown by that one.
    pub(crate) fn home(&self, no: StationNo) -> Option<Zone> {
        let station = self.installation.city.stations.get(no.0 as usize)?;
        station.zones.first().copied()
    }

    /// Answers what is new in those of the zones that are here.
    pub(crate) fn news(&self, question: &Question) -> Result<News, Unanswered> {
        let peers = self.peers.as_ref().ok_or(Unanswered::Elsewhere)?;
        let run = peers.run();
        let asked = question.0.iter().map(|(zone, of, look)| {
            let since = if *of == run { *look } else { 0 };
            (Zone(*zone), since)
        });
        let since: BTreeMap<Zone, u64> = asked
            .filter(|(zone, _)| self.zones.is_here(*zone))
            .collect();
        let changes = self.view.changes(|no| since.get(&self.home(no)?).copied());
        Ok(News {
            run,
            now: self.view.now().millis(),
            zones: since.keys().map(|zone| zone.0).collect(),
            changes,
        })
    }
}
