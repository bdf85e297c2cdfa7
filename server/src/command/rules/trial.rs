//! Several rulebooks over the same recorded observations, each line read once.

use crate::command::Failure;
use crate::command::recorded::{Files, Summary, Zones};
use model::{City, Observation};
use rules::score::Issued;
use rules::{Effect, Rulebook};
use std::sync::Arc;
use std::thread;

/// Observations that are read before the rulebooks go through them.
const BATCH: usize = 1 << 16;

/// One rulebook and what it issued so far.
struct Lane {
    zones: Zones,
    issued: Issued,
}

/// What each rulebook issues, and what was read.
pub(super) fn run(
    city: &Arc<City>,
    rulebooks: &[Arc<Rulebook>],
    files: &Files,
) -> Result<(Vec<Issued>, Summary), Failure> {
    let lane = |rulebook| Lane {
        zones: Zones::new(city, rulebook),
        issued: Issued::default(),
    };
    let mut lanes: Vec<Lane> = rulebooks.iter().map(lane).collect();
    let news = files.news(city)?;
    for lane in &mut lanes {
        lane.zones.expect(news.clone());
    }
    let mut batch = Vec::with_capacity(BATCH);
    let summary = files.read(city, |observation| {
        batch.push(*observation);
        if batch.len() == BATCH {
            step(&mut lanes, &batch);
            batch.clear();
        }
    })?;
    step(&mut lanes, &batch);
    lanes.iter_mut().for_each(Lane::finish);
    Ok((lanes.into_iter().map(|lane| lane.issued).collect(), summary))
}

/// Rulebooks know nothing of each other: they are shared out among the processors.
fn step(lanes: &mut [Lane], batch: &[Observation]) {
    let processors = thread::available_parallelism().map_or(1, usize::from);
    let share = lanes.len().div_ceil(processors).max(1);
    thread::scope(|scope| {
        for lanes in lanes.chunks_mut(share) {
            scope.spawn(|| lanes.iter_mut().for_each(|lane| lane.step(batch)));
        }
    });
}

impl Lane {
    fn step(&mut self, batch: &[Observation]) {
        let Self { zones, issued } = self;
        let mut tell = |effect: &Effect| note(issued, effect);
        for observation in batch {
            zones.observe(observation, &mut tell);
        }
        zones.step(&mut tell);
    }

    fn finish(&mut self) {
        let Self { zones, issued } = self;
        zones.finish(&mut |effect| note(issued, effect));
    }
}

fn note(issued: &mut Issued, effect: &Effect) {
    match effect {
        Effect::Warning(warning) => issued.take(warning),
        Effect::Signal(_)
        | Effect::Silence(_)
        | Effect::Muted(_)
        | Effect::Pending(_)
        | Effect::Refused { .. } => {}
    }
}
