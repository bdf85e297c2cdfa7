//! `services.toml`: service modes by lead time, what is due when for which hazard, and the evening
//! product. A city without it asks for no products.

use crate::document::Document;
use crate::fault::{Faults, Place, perhaps, quoted};
use crate::response::Source;
use crate::service::{
    Counts, EveningTimes, Grain, Ladder, Lead, Service, Services, Sign, Stage, TimeOfDay,
};
use crate::{Hazard, Named, Parameter, Span, Tier, WindForce};
use serde::Deserialize;
use std::collections::BTreeSet;
use toml::Spanned;

/// Name of the file.
pub(super) const FILE: &str = "services.toml";

/// Newest schema read.
const SCHEMA: u32 = 1;
/// Most ladders, and most slots of one: they bound what a machine remembers.
const LADDERS_MAX: usize = 40;
const STAGES_MAX: usize = 16;
/// Longest lead, and longest of any other time.
const LEAD_MAX: Span = Span::from_minutes(90 * 24 * 60);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LadderRow {
    id: String,
    service: String,
    name: Named,
    hazards: Vec<Hazard>,
    #[serde(default = "ahead")]
    ahead: Span,
    lasts: Span,
    closes: Span,
    #[serde(default)]
    expects: Vec<Spanned<SignRow>>,
    #[serde(rename = "stage", default)]
    stages: Vec<Spanned<StageRow>>,
    source: Source,
}

/// As far as rules look whose findings rest on forecasts.
fn ahead() -> Span {
    Span::from_minutes(180)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SignRow {
    parameter: Option<Parameter>,
    over: Option<Span>,
    at_least: Option<f64>,
    circle: Option<i64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StageRow {
    id: String,
    lead: String,
    product: Named,
    grain: Grain,
    audience: Vec<String>,
    ready: Option<Span>,
    grace: Option<Span>,
    clock: Option<TimeOfDay>,
    every: Option<Span>,
    #[serde(default)]
    counts: Vec<Counts>,
    #[serde(default = "lowest")]
    at_least: Tier,
    source: Source,
}

/// From any tier on.
const fn lowest() -> Tier {
    Tier::White
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EveningRow {
    from: TimeOfDay,
    due: TimeOfDay,
    until: TimeOfDay,
    dark: Vec<TimeOfDay>,
    source: Source,
}

/// Reads the file; rows with a fault are left out.
pub(super) fn read(bytes: &[u8], faults: &mut Faults) -> Services {
    let Some(mut document) = Document::parse(FILE, bytes, faults) else {
        return Services::default();
    };
    if let Some((line, schema)) = document.require::<u32>("schema", "write schema = 1", faults)
        && !(1..=SCHEMA).contains(&schema)
    {
        let what = format!("schema {schema} is not known here");
        let remedy = format!("write {SCHEMA}, or upgrade");
        faults.error(Place::line(FILE, line), "schema", what, remedy);
    }
    let services = document.rows::<Service>("service", faults);
    let rows = document.rows::<LadderRow>("ladder", faults);
    let evening = document.take::<EveningRow>("evening", faults);
    let mut check = Check {
        document: &document,
        services: services.iter().map(|(_, row)| row.id.as_str()).collect(),
        hazards: BTreeSet::new(),
        faults,
    };
    let ids = services.iter().map(|(line, row)| (*line, row.id.as_str()));
    check.unique(ids, "service.id");
    for (line, row) in &services {
        check.source(*line, "service.source", &row.source);
    }
    let ids = rows.iter().map(|(line, row)| (*line, row.id.as_str()));
    check.unique(ids, "ladder.id");
    if let Some((line, _)) = rows.get(LADDERS_MAX) {
        let remedy = format!("keep {LADDERS_MAX} at most");
        check.error(*line, "ladder", "too many ladders", remedy);
    }
    let ladders = rows.into_iter();
    let ladders = ladders.filter_map(|(line, row)| check.ladder(line, row));
    let ladders = ladders.collect();
    let evening = evening.and_then(|(line, row)| check.evening(line, row));
    document.finish(&["schema", "service", "ladder", "evening"], faults);
    Services {
        services: services.into_iter().map(|(_, row)| row).collect(),
        ladders,
        evening,
    }
}

struct Check<'c> {
    document: &'c Document<'c>,
    services: BTreeSet<&'c str>,
    /// Hazards that have a ladder.
    hazards: BTreeSet<Hazard>,
    faults: &'c mut Faults,
}

impl Check<'_> {
    fn error(
        &mut self,
        line: u32,
        field: &str,
        what: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        let place = Place::line(FILE, line);
        self.faults.error(place, field, what, remedy);
    }

    fn unique<'i>(&mut self, ids: impl Iterator<Item = (u32, &'i str)>, field: &str) {
        let mut seen = BTreeSet::new();
        for (line, id) in ids {
            // Ids stand in addresses and in the ids of processes.
            let is_plain = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
            if id.is_empty() || id.len() > 40 || !id.bytes().all(is_plain) {
                let what = format!("{} is no id", quoted(id));
                let remedy = "write letters, digits, - and _, at most 40";
                self.error(line, field, what, remedy);
            } else if !seen.insert(id) {
                let what = format!("{} stands there twice", quoted(id));
                self.error(line, field, what, "keep one of the two");
            }
        }
    }

    fn source(&mut self, line: u32, field: &str, source: &Source) {
        if source.document.trim().is_empty() {
            let remedy = "name the document, or say that it is ours";
            self.error(line, field, "it is empty", remedy);
        }
    }

    fn span(&mut self, line: u32, field: &str, span: Span) {
        if span == Span::ZERO || span > LEAD_MAX {
            let what = format!("{span} is no such time");
            let remedy = format!("write more than nothing and at most {LEAD_MAX}");
            self.error(line, field, what, remedy);
        }
    }

    fn ladder(&mut self, line: u32, row: LadderRow) -> Option<Ladder> {
        let before = self.faults.errors();
        if !self.services.contains(row.service.as_str()) {
            let near = perhaps(&row.service, self.services.iter().copied());
            let what = format!("no service {}", quoted(&row.service));
            let remedy = format!("{near}add it as [[service]]");
            self.error(line, "ladder.service", what, remedy);
        }
        if row.hazards.is_empty() {
            let remedy = "list each; an empty list never means everything";
            self.error(line, "ladder.hazards", "it is empty", remedy);
        }
        for hazard in &row.hazards {
            if !self.hazards.insert(*hazard) {
                let what = format!("{} has a ladder already", hazard.code());
                self.error(line, "ladder.hazards", what, "keep it in one of the two");
            }
        }
        self.source(line, "ladder.source", &row.source);
        for (field, span) in [
            ("ladder.ahead", row.ahead),
            ("ladder.lasts", row.lasts),
            ("ladder.closes", row.closes),
        ] {
            self.span(line, field, span);
        }
        let at = |row: std::ops::Range<usize>| self.document.line(row.start);
        let signs = row.expects.into_iter();
        let signs: Vec<_> = signs.map(|s| (at(s.span()), s.into_inner())).collect();
        let stages = row.stages.into_iter();
        let stages: Vec<_> = stages.map(|s| (at(s.span()), s.into_inner())).collect();
        let signs = signs.into_iter();
        let expects = signs.filter_map(|(line, row)| self.sign(line, &row));
        let expects: Vec<Sign> = expects.collect();
        if stages.is_empty() || stages.len() > STAGES_MAX {
            let what = format!("it has {} slots", stages.len());
            let remedy = format!("write 1 to {STAGES_MAX} [[ladder.stage]]");
            self.error(line, "ladder.stage", what, remedy);
        }
        let ids = stages.iter().map(|(line, row)| (*line, row.id.as_str()));
        self.unique(ids, "ladder.stage.id");
        let each = stages.into_iter();
        let each = each.filter_map(|(line, row)| Some((line, self.stage(line, row)?)));
        let each: Vec<(u32, Stage)> = each.collect();
        self.order(&each);
        (self.faults.errors() == before).then(|| Ladder {
            id: row.id,
            service: row.service,
            name: row.name,
            hazards: row.hazards,
            ahead: row.ahead,
            lasts: row.lasts,
            closes: row.closes,
            expects,
            stages: each.into_iter().map(|(_, stage)| stage).collect(),
            source: row.source,
        })
    }

    /// The longest lead first, what is observed last.
    fn order(&mut self, stages: &[(u32, Stage)]) {
        for ((_, before), (line, stage)) in stages.iter().zip(stages.iter().skip(1)) {
            let falls = match (before.lead, stage.lead) {
                (Lead::Before(before), Lead::Before(own)) => own < before,
                (Lead::Before(_), Lead::Observed) => true,
                (Lead::Observed, Lead::Before(_) | Lead::Observed) => false,
            };
            if !falls {
                let what = format!("{} after {}", stage.lead.name(), before.lead.name());
                let remedy = "write the longest lead first and observed last, each once";
                self.error(*line, "ladder.stage.lead", what, remedy);
            }
        }
    }

    fn stage(&mut self, line: u32, row: StageRow) -> Option<Stage> {
        let before = self.faults.errors();
        let lead = self.lead(line, &row);
        let (ready, grace) = match lead {
            Some(Lead::Observed) => {
                let times = [row.ready, row.grace, row.every];
                if row.clock.is_some() || times.iter().any(Option::is_some) {
                    let what = "what is observed has no clock of its own";
                    let remedy = "take out ready, grace, clock and every";
                    self.error(line, "ladder.stage", what, remedy);
                }
                (Span::ZERO, Span::ZERO)
            }
            Some(Lead::Before(_)) | None => {
                let mut needed = |field: &str, span: Option<Span>| {
                    let span = span.unwrap_or(Span::ZERO);
                    self.span(line, field, span);
                    span
                };
                (
                    needed("ladder.stage.ready", row.ready),
                    needed("ladder.stage.grace", row.grace),
                )
            }
        };
        if let Some(every) = row.every {
            self.span(line, "ladder.stage.every", every);
            if every.millis() <= ready.millis().saturating_add(grace.millis()) {
                let what = format!("{every} is no longer than ready and grace together");
                let remedy = "let one end before the next begins";
                self.error(line, "ladder.stage.every", what, remedy);
            }
        }
        if row.audience.iter().all(|who| who.trim().is_empty()) {
            let remedy = "say who it is for";
            self.error(line, "ladder.stage.audience", "it is empty", remedy);
        }
        if row.product.zh.trim().is_empty() || row.product.en.trim().is_empty() {
            let remedy = "name the product in Chinese and in English";
            self.error(line, "ladder.stage.product", "it is empty", remedy);
        }
        if row.grain == Grain::Site && !row.counts.is_empty() {
            let what = "signals and warnings stand by area, none counts for sites";
            self.error(line, "ladder.stage.counts", what, "take counts out");
        }
        if row.at_least == Tier::None {
            let remedy = "write white, blue, yellow, orange or red";
            self.error(line, "ladder.stage.at_least", "none is no tier", remedy);
        }
        self.source(line, "ladder.stage.source", &row.source);
        (self.faults.errors() == before).then_some(Stage {
            id: row.id,
            lead: lead?,
            product: row.product,
            grain: row.grain,
            audience: row.audience,
            ready,
            grace,
            clock: row.clock,
            every: row.every,
            counts: row.counts,
            at_least: row.at_least,
            source: row.source,
        })
    }

    fn lead(&mut self, line: u32, row: &StageRow) -> Option<Lead> {
        if row.lead == "observed" {
            return Some(Lead::Observed);
        }
        let Ok(span) = Span::parse(&row.lead) else {
            let what = format!("{} is no lead", quoted(&row.lead));
            let remedy = "write 10d, 3d, 1d, 6h, 3h, 1h and so on, or observed";
            self.error(line, "ladder.stage.lead", what, remedy);
            return None;
        };
        self.span(line, "ladder.stage.lead", span);
        Some(Lead::Before(span))
    }

    fn sign(&mut self, line: u32, row: &SignRow) -> Option<Sign> {
        match (row.parameter, row.at_least, row.circle) {
            (Some(parameter), Some(at_least), None) => {
                if let Some(over) = row.over {
                    self.span(line, "ladder.expects.over", over);
                }
                let quanta = parameter.quanta(&at_least.to_string());
                match quanta {
                    Ok(at_least) => Some(Sign::Reaches {
                        parameter,
                        over: row.over,
                        at_least,
                    }),
                    Err(error) => {
                        let remedy = format!("write a number in {}", parameter.unit());
                        self.error(line, "ladder.expects.at_least", error.to_string(), remedy);
                        None
                    }
                }
            }
            (None, None, Some(beaufort)) if row.over.is_none() => {
                let force = WindForce::from_beaufort(beaufort);
                if force.is_none() {
                    let what = format!("no wind circle of force {beaufort}");
                    self.error(line, "ladder.expects.circle", what, "write 7, 10 or 12");
                }
                force.map(Sign::Circle)
            }
            _ => {
                let what = "neither a value nor a circle";
                let remedy = "write { parameter, at_least, over } or { circle = 7 }";
                self.error(line, "ladder.expects", what, remedy);
                None
            }
        }
    }

    fn evening(&mut self, line: u32, row: EveningRow) -> Option<EveningTimes> {
        let before = self.faults.errors();
        if row.from >= row.due {
            let what = format!("it is due at {} and drafted at {}", row.due, row.from);
            self.error(line, "evening.due", what, "draft it before it is due");
        }
        if row.until >= row.from {
            let what = format!("the night ends at {}, after it is drafted", row.until);
            let remedy = "write a time of the next morning";
            self.error(line, "evening.until", what, remedy);
        }
        self.source(line, "evening.source", &row.source);
        let months = row.dark.len();
        let dark: Option<[TimeOfDay; 12]> = row.dark.try_into().ok();
        if dark.is_none() {
            let what = format!("it has {months} times");
            let remedy = "write twelve, January first";
            self.error(line, "evening.dark", what, remedy);
        }
        let dark = dark.filter(|_| self.faults.errors() == before)?;
        Some(EveningTimes {
            from: row.from,
            due: row.due,
            until: row.until,
            dark,
            source: row.source,
        })
    }
}
