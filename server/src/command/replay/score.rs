//! `--score`: first issues of warnings against a table of events that happened.

use crate::command::scored::{self, Figures};
use crate::command::{Failure, print};
use model::{City, Hazard, Tier, Time, Warning};
use rules::Rulebook;
use rules::score::{Ground, Happening, Issued, Pick, Tiers};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// The score of one replay.
pub(super) struct Score {
    happenings: Vec<Happening>,
    issued: Issued,
}

/// What is scored: one hazard or all, one tier or all.
struct Row {
    hazard: Option<Hazard>,
    tier: Option<Tier>,
    figures: Figures,
}

impl Score {
    /// Reads the table.
    pub(super) fn open(path: &Path) -> Result<Self, Failure> {
        Ok(Self {
            happenings: scored::events(path)?,
            issued: Issued::default(),
        })
    }

    /// Takes a revision in.
    pub(super) fn warning(&mut self, warning: &Warning) {
        self.issued.take(warning);
    }

    /// Prints the figures as one JSON object, and as a table for people.
    pub(super) fn print(
        &self,
        city: &City,
        rulebook: &Rulebook,
        span: Option<(Time, Time)>,
    ) -> Result<(), Failure> {
        let ground = Ground::new(city, rulebook, span);
        let figures = |hazard, tier: Option<Tier>| {
            let tiers = tier.map_or(Tiers::All, Tiers::Of);
            let pick = Pick { hazard, tiers };
            Figures(self.issued.score(&ground, &self.happenings, pick))
        };
        let row = |hazard, tier| Row {
            hazard,
            tier,
            figures: figures(hazard, tier),
        };
        let mut rows = Vec::new();
        let mut by_hazard = Map::new();
        for (hazard, tiers) in self.strata(rulebook) {
            let whole = row(Some(hazard), None);
            let mut object = whole.figures.json();
            object.insert("cells".into(), ground.cells(hazard).into());
            rows.push(whole);
            let of_tiers = tiers.into_iter().map(|tier| row(Some(hazard), Some(tier)));
            let of_tiers: Vec<Row> = of_tiers.collect();
            let by_tier = of_tiers.iter().filter_map(|row| {
                let name = row.tier?.name().to_owned();
                Some((name, Value::Object(row.figures.json())))
            });
            object.insert("by_tier".into(), Value::Object(by_tier.collect()));
            by_hazard.insert(hazard.code().to_owned(), Value::Object(object));
            rows.extend(of_tiers);
        }
        let total = row(None, None);
        let mut object = total.figures.json();
        let leads = total.figures.0.hits.iter();
        let leads = leads.map(|(id, lead)| (id.clone(), lead.seconds().into()));
        if let Some(Value::Object(lead)) = object.get_mut("lead_s") {
            lead.insert("by_event".into(), Value::Object(leads.collect()));
        }
        object.insert("missed".into(), json!(total.figures.0.misses));
        object.insert("by_hazard".into(), Value::Object(by_hazard));
        if let Some((first, last)) = span {
            let text = |time: Time| time.display(city.offset);
            let span = json!({ "from": text(first), "until": text(last) });
            object.insert("span".into(), span);
        }
        rows.push(total);
        print::lines(&[Value::Object(object).to_string()])?;
        let score = &figures(None, None).0;
        scored::say_doubts(&self.issued, &ground, &self.happenings, score, city);
        words(&rows).iter().for_each(|line| eprintln!("{line}"));
        Ok(())
    }

    /// Hazards that a rule warns of or an event is of, with their tiers.
    fn strata(&self, rulebook: &Rulebook) -> BTreeMap<Hazard, BTreeSet<Tier>> {
        let mut strata: BTreeMap<Hazard, BTreeSet<Tier>> = BTreeMap::new();
        for rule in &rulebook.rules {
            let tiers = strata.entry(rule.hazard).or_default();
            tiers.extend(rule.tiers.iter().map(|tier| tier.tier));
        }
        for happening in &self.happenings {
            let tiers = strata.entry(happening.hazard).or_default();
            tiers.insert(happening.tier);
        }
        strata
    }
}

fn words(rows: &[Row]) -> Vec<String> {
    let mut table = print::Table::new(&[
        "hazard", "tier", "hits", "misses", "false", "POD", "FAR", "CSI", "HSS", "lead min", "Q1",
        "median", "Q3", "max",
    ]);
    for row in rows {
        let hazard = row.hazard.map_or("all 全部".into(), |hazard| {
            format!("{} {}", hazard.code(), hazard.zh())
        });
        let tier = row.tier.map_or("all", Tier::name);
        let mut cells = vec![hazard, tier.to_owned()];
        cells.extend(row.figures.cells());
        table.row(cells);
    }
    table.lines()
}
