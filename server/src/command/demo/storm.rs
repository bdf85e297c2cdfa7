//! The storm: recorded lines given to the intake as they came in, minute by minute.

use super::people::Cast;
use crate::app::App;
use crate::command::Failure;
use ingest::protocol::Protocol;
use model::Time;
use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::time::Duration;

/// What was given in.
#[derive(Debug, Default)]
pub(super) struct Figures {
    /// Observations that are durable.
    pub(super) accepted: u64,
    /// Records refused.
    pub(super) rejected: u64,
    /// Record time of the first and last.
    pub(super) span: Option<(Time, Time)>,
}

/// Minutes that pass after the last line, so that what waits for a minute comes.
const AFTER_MINUTES: i64 = 3;
/// How long the zones have for a tick at such a minute.
const TICK: Duration = Duration::from_millis(300);
/// How long a link takes to see what is planned, as a rule.
const TAKEN_AFTER: Duration = Duration::from_millis(5);
/// How often a storm without a clock looks whether what is new begins to ring.
const LOOKS: u32 = 20;
/// Most lines in one request.
const LINES_MAX: usize = 5_000;

/// The time of the first line that has one.
pub(super) fn first_time(path: &Path) -> Result<Time, Failure> {
    let found = open(path)?
        .lines()
        .map_while(Result::ok)
        .find_map(|line| time_of(&line));
    found
        .ok_or_else(|| Failure::BadInput(format!("{}: no observation with a time", path.display())))
}

/// Lets the storm pass: each minute's lines are one or a few requests, given in when it is over.
/// With a cast, every zone steps the minute and everybody has a turn before the next one begins.
pub(super) async fn pass(
    app: &App,
    path: &Path,
    mut cast: Option<&mut Cast>,
) -> Result<Figures, Failure> {
    let mut figures = Figures::default();
    let mut newest: Option<Time> = None;
    let mut body = String::new();
    let mut lines = 0;
    let mut late = BTreeSet::new();
    for line in open(path)?.lines() {
        let line =
            line.map_err(|error| Failure::BadInput(format!("{}: {error}", path.display())))?;
        // A late line carries an older time: the newest so far says when it came in.
        if let Some(time) = time_of(&line)
            && newest.is_none_or(|newest| time > newest)
        {
            give(app, &mut body, &mut figures).await?;
            lines = 0;
            if let Some(cast) = &mut cast {
                turn(app, cast, &mut late).await;
            }
            newest = Some(time);

            let first = figures.span.map_or(time, |(first, _)| first);
            figures.span = Some((first, time));
            app.clock.advance_to(time);
            tokio::time::sleep(app.clock.wall_until(time)).await;
        }
        body.push_str(&line);
        body.push('\n');
        lines += 1;
        if lines >= LINES_MAX {
            give(app, &mut body, &mut figures).await?;
            lines = 0;
        }
    }
    give(app, &mut body, &mut figures).await?;
    if let (Some((_, last)), Some(cast)) = (figures.span, &mut cast) {
        for minute in 1..=AFTER_MINUTES {
            app.clock
                .advance_to(Time::from_minute(last.minute() + minute));
            tokio::time::sleep(TICK).await;
            turn(app, cast, &mut late).await;
        }
    }
    Ok(figures)
}

/// Waits until every zone has stepped what there is, then lets everybody look, and what rings at
/// once begin to ring: a storm as fast as the machine can would outrun the links. Those in `late`
/// were waited for in vain, as what is superseded before it left.
async fn turn(app: &App, cast: &mut Cast, late: &mut BTreeSet<String>) {
    let zones = app.installation.city.zones.len();
    while (0..zones).any(|zone| app.lag(zone).is_ok_and(|lag| lag > 0)) && app.fault().is_none() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    cast.look(app).await;
    tokio::time::sleep(TAKEN_AFTER).await;
    for _ in 0..LOOKS {
        if app.view.to_begin().is_subset(late) {
            return;
        }
        tokio::time::sleep(TAKEN_AFTER).await;
    }
    late.extend(app.view.to_begin());
}

async fn give(app: &App, body: &mut String, figures: &mut Figures) -> Result<(), Failure> {
    if body.is_empty() {
        return Ok(());
    }
    loop {
        if let Some(why) = app.fault() {
            return Err(Failure::Failed(why));
        }
        match app
            .intake
            .frame("replay", &Protocol::Json, "", body.as_bytes())
            .await
        {
            Ok(taken) => {
                figures.accepted += taken.accepted;
                figures.rejected += taken.rejected;
                body.clear();
                return Ok(());
            }
            // The journal asks for patience; a gauge would send again too.
            Err(error) => {
                tracing::debug!(%error, "again");
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        }
    }
}

fn open(path: &Path) -> Result<BufReader<File>, Failure> {
    File::open(path).map(BufReader::new).map_err(|error| {
        let path = path.display();
        Failure::BadInput(format!("{path}: {error}; make it with: make city"))
    })
}

/// The observation time of a line, without reading the rest.
fn time_of(line: &str) -> Option<Time> {
    let (_, rest) = line.split_once("\"time\":\"")?;
    let text = rest.split('"').next()?;
    Time::parse_bytes(text.as_bytes()).map(|(time, _)| time)
}
