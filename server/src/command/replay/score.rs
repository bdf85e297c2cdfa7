//! `--score`: first issues of warnings against a table of events that happened.

use super::Failure;
use model::{AreaCode, City, Hazard, Tier, Time, Warning};
use rules::score::{Happening, Scorer};
use serde::Deserialize;
use std::path::Path;
use std::sync::Arc;

/// The score of one replay.
pub(super) struct Score {
    city: Arc<City>,
    happenings: Vec<Happening>,
    scorer: Scorer,
}

/// A line of the table: `id,hazard,area,tier,start,end`.
#[derive(Deserialize)]
struct Row {
    id: String,
    hazard: Hazard,
    area: AreaCode,
    tier: Tier,
    start: String,
    end: String,
}

impl Score {
    /// Reads the table.
    pub(super) fn open(path: &Path, city: &Arc<City>) -> Result<Self, Failure> {
        let bad = |what: String| Failure::BadInput(format!("{}: {what}", path.display()));
        let mut reader = csv::Reader::from_path(path).map_err(|error| bad(error.to_string()))?;
        let mut happenings = Vec::new();
        for (row, line) in reader.deserialize::<Row>().zip(2u32..) {
            let row = row.map_err(|error| bad(error.to_string()))?;
            let time = |text: &str, field: &str| {
                let read = Time::parse(text).map(|(time, _)| time);
                read.map_err(|error| bad(format!("line {line}: {field}: {error}")))
            };
            happenings.push(Happening {
                start: time(&row.start, "start")?,
                end: time(&row.end, "end")?,
                id: row.id,
                hazard: row.hazard,
                area: row.area,
                tier: row.tier,
            });
        }
        Ok(Self {
            city: Arc::clone(city),
            happenings,
            scorer: Scorer::default(),
        })
    }

    /// Takes a revision in.
    pub(super) fn warning(&mut self, warning: &Warning) {
        self.scorer.take(warning);
    }

    /// Prints the figures as one JSON object.
    pub(super) fn print(&self) {
        let score = self.scorer.score(&self.city, &self.happenings);
        let (hits, misses) = (score.hits.len() as f64, score.misses.len() as f64);
        let false_alarms = score.false_alarms as f64;
        let ratio =
            |part: f64, whole: f64| (whole > 0.0).then(|| (part / whole * 1e4).round() / 1e4);
        let mut leads: Vec<i64> = score.hits.iter().map(|(_, lead)| lead.seconds()).collect();
        leads.sort_unstable();
        let leads_by_event: serde_json::Map<_, _> = score
            .hits
            .iter()
            .map(|(id, lead)| (id.clone(), lead.seconds().into()))
            .collect();
        let figures = serde_json::json!({
            "hits": score.hits.len(),
            "misses": score.misses.len(),
            "false_alarms": score.false_alarms,
            "pod": ratio(hits, hits + misses),
            "far": ratio(false_alarms, hits + false_alarms),
            "csi": ratio(hits, hits + misses + false_alarms),
            "lead_s": {
                "min": leads.first(),
                "median": leads.get(leads.len() / 2),
                "max": leads.last(),
                "by_event": leads_by_event,
            },
            "missed": score.misses,
        });
        println!("{figures}");
    }
}
