//! `--score`: first issues of warnings against a table of events that happened.

use crate::command::{Failure, print};
use model::{City, Warning};
use rules::score::{Happening, Scorer};
use std::fs::File;
use std::path::Path;
use std::sync::Arc;

/// The score of one replay.
pub(super) struct Score {
    city: Arc<City>,
    happenings: Vec<Happening>,
    scorer: Scorer,
}

impl Score {
    /// Reads the table.
    pub(super) fn open(path: &Path, city: &Arc<City>) -> Result<Self, Failure> {
        let name = path.display().to_string();
        let file =
            File::open(path).map_err(|error| Failure::BadInput(format!("{name}: {error}")))?;
        let happenings = rules::score::read(&name, file).map_err(|faults| {
            let lines: Vec<_> = faults.iter().map(ToString::to_string).collect();
            Failure::BadInput(lines.join("\n"))
        })?;
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
    pub(super) fn print(&self) -> Result<(), Failure> {
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
        print::lines(&[figures.to_string()])
    }
}
