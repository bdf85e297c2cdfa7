//! Scores as programs and people read them.

use super::Failure;
use model::{City, Span};
use rules::score::{Doubt, Ground, Happening, Issued, Score};
use serde_json::{Map, Value, json};
use std::fs::File;
use std::path::Path;

/// Reads a table of events.
pub(crate) fn events(path: &Path) -> Result<Vec<Happening>, Failure> {
    let name = path.display().to_string();
    let file = File::open(path).map_err(|error| Failure::BadInput(format!("{name}: {error}")))?;
    rules::score::read(&name, file).map_err(|faults| {
        let lines: Vec<_> = faults.iter().map(ToString::to_string).collect();
        Failure::BadInput(lines.join("\n"))
    })
}

/// Doubtful misses that are told one by one.
const DOUBTS_MAX: usize = 20;

/// Says which misses are the table's, or follow from what a hit is.
pub(crate) fn say_doubts(
    issued: &Issued,
    ground: &Ground<'_>,
    happenings: &[Happening],
    score: &Score,
    city: &City,
) {
    let doubts = issued.doubts(ground, happenings, score);
    for (event, doubt) in doubts.iter().take(DOUBTS_MAX) {
        let Happening {
            id,
            hazard,
            area,
            tier,
            ..
        } = event;
        let since = match doubt {
            Doubt::Standing { since } => {
                format!(" since {}", since.display(city.offset_at(*since)))
            }
            Doubt::Unknown | Doubt::Wider | Doubt::Elsewhere | Doubt::Outside => String::new(),
        };
        eprintln!("notice: event {id} ({hazard} {tier} in {area}) is a miss: {doubt}{since}");
    }
    if let Some(more) = doubts
        .len()
        .checked_sub(DOUBTS_MAX)
        .filter(|more| *more > 0)
    {
        eprintln!("notice: {more} more misses of such kinds");
    }
}

/// A score with its ratios.
pub(crate) struct Figures(pub(crate) Score);

impl Figures {
    /// Probability of detection, false-alarm ratio, critical success index, Heidke skill score, to
    /// four places.
    pub(crate) fn ratios(&self) -> [Option<f64>; 4] {
        let Self(score) = self;
        [score.pod(), score.far(), score.csi(), score.hss()]
            .map(|ratio| ratio.map(|ratio| (ratio * 1e4).round() / 1e4))
    }

    /// As a JSON object.
    pub(crate) fn json(&self) -> Map<String, Value> {
        let Self(score) = self;
        let [pod, far, csi, hss] = self.ratios();
        let lead = score.quartiles().map(|all| all.map(Span::seconds));
        let lead = lead.map_or([None; 5], |all| all.map(Some));
        let [min, q1, median, q3, max] = lead;
        let figures = json!({
            "hits": score.hits.len(),
            "misses": score.misses.len(),
            "false_alarms": score.false_alarms,
            "correct_negatives": score.correct_negatives,
            "pod": pod,
            "far": far,
            "csi": csi,
            "hss": hss,
            "lead_s": { "min": min, "q1": q1, "median": median, "q3": q3, "max": max },
        });
        match figures {
            Value::Object(figures) => figures,
            Value::Null
            | Value::Bool(_)
            | Value::Number(_)
            | Value::String(_)
            | Value::Array(_) => Map::new(),
        }
    }

    /// Hits, misses, false alarms, the ratios, and the leads in minutes, as the cells of a table.
    pub(crate) fn cells(&self) -> Vec<String> {
        let Self(score) = self;
        let counts = [score.hits.len(), score.misses.len(), score.false_alarms];
        let ratio = |ratio: Option<f64>| ratio.map_or("–".into(), |ratio| format!("{ratio:.2}"));
        let leads = score.quartiles().map(|all| all.map(Span::minutes));
        let leads = leads.map_or(["–"; 5].map(str::to_owned), |all| {
            all.map(|minutes| minutes.to_string())
        });
        let counts = counts.map(|count| count.to_string()).into_iter();
        counts
            .chain(self.ratios().map(ratio))
            .chain(leads)
            .collect()
    }
}
