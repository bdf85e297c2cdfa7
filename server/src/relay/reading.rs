//! A job read from the own roll: who would be called, in which area, and until when.

use super::{Relay, Style};
use crate::app::App;
use dispatch::directory::Shape;
use dispatch::gateway::area::{AreaHeads, Job, List, ListKind, Reading, Refused};
use dispatch::gateway::sms::parts_of;
use dispatch::intent::Audience;
use model::{AreaCode, AreaLevel, AreaNo, Channel, Language, Reach};
use std::collections::BTreeMap;

/// Parts of one message that a handset puts together (3GPP TS 23.040 §9.2.3.24.1 allows 255; more
/// than these nobody reads).
const PARTS_MAX: usize = 10;

/// Reads a job: the reading, and the numbers of each district. Nothing is kept.
pub(super) fn read(app: &App, relay: &Relay, job: &Job) -> (Reading, BTreeMap<AreaCode, u64>) {
    let city = &app.installation.city;
    let now = app.clock.now();
    let (known, unknown): (Vec<AreaCode>, Vec<AreaCode>) = job
        .areas
        .iter()
        .partition(|code| city.area_no(**code).is_some());
    let counted = Counted::of(app, job, &known);
    let areas = known.iter().filter_map(|code| {
        let area = city.area(city.area_no(*code)?)?;
        Some(AreaHeads {
            code: *code,
            name: area.name.zh.clone(),
            heads: counted.within(app, *code),
        })
    });
    let style = relay.style;
    let parts = Parts::of(job, style);
    let own = parts.all(&counted.by_language);
    let (ahead, shown) = {
        let jobs = relay.jobs.lock();
        (jobs.waiting_before(job, style), jobs.shown_rate(now, style))
    };
    // What was agreed, or what the far side was seen to take where that is less.
    let pace = u64::from(relay.pace_per_s.max(1));
    let pace = shown.map_or(pace, |shown| pace.min(shown.max(1)));
    let starts = job.not_before.unwrap_or(now).max(now);
    let districts = counted.districts(app);
    let reading = Reading {
        job: job.job,
        areas: areas.collect(),
        shape: job.shape.as_ref().map(Shape::hash),
        unknown,
        heads: counted.heads,
        by_language: counted.by_language,
        list: List {
            kind: ListKind::Resident,
            of: relay.roll_of,
        },
        refused: parts.refused,
        starts,
        ends: job.not_after,
        last_phone_s: own.saturating_add(ahead).div_ceil(pace),
    };
    (reading, districts)
}

/// Numbers in the areas of a job.
struct Counted {
    by_township: BTreeMap<AreaNo, u64>,
    by_language: BTreeMap<Language, u64>,
    heads: u64,
}

impl Counted {
    fn of(app: &App, job: &Job, areas: &[AreaCode]) -> Self {
        let installation = &app.installation;
        let directory = app.directory();
        let audience = Audience {
            areas: areas.to_vec(),
            roles: job.classes.clone(),
            shape: job.shape.clone(),
            ..Audience::of(Reach::Public, directory.version())
        };
        let counted = directory
            .preview_by(
                &installation.city,
                &audience,
                &[Channel::Sms],
                app.accounts.sorter(),
            )
            // Nothing but another version is refused, and this is ours.
            .unwrap_or_default();
        let mut by_township = BTreeMap::new();
        let mut by_language = BTreeMap::new();
        for head in &counted.heads {
            *by_township.entry(head.area).or_default() += head.people;
            *by_language.entry(head.language).or_default() += head.people;
        }
        Self {
            by_township,
            by_language,
            heads: counted.people,
        }
    }

    /// Those in one area and below it.
    fn within(&self, app: &App, code: AreaCode) -> u64 {
        let city = &app.installation.city;
        let Some(area) = city.area_no(code) else {
            return 0;
        };
        let inside = self.by_township.iter();
        let inside = inside.filter(|(township, _)| city.is_within(**township, area));
        inside.map(|(_, heads)| heads).sum()
    }
}

impl Counted {
    fn districts(&self, app: &App) -> BTreeMap<AreaCode, u64> {
        let mut districts = BTreeMap::new();
        for (township, heads) in &self.by_township {
            *districts.entry(district_of(app, *township)).or_default() += heads;
        }
        districts
    }
}

/// The district an area lies in; the city's for what lies in none.
pub(super) fn district_of(app: &App, area: AreaNo) -> AreaCode {
    let city = &app.installation.city;
    let mut above = std::iter::once(area).chain(city.ancestors(area));
    let district = above.find_map(|no| {
        let area = city.area(no)?;
        (area.level == AreaLevel::District).then_some(area.code)
    });
    district.unwrap_or(city.code)
}

/// Parts of the texts, as carriers meter them, and those that cannot go out.
pub(super) struct Parts {
    by_language: BTreeMap<Language, u64>,
    most: u64,
    refused: Vec<Refused>,
}

impl Parts {
    pub(super) fn of(job: &Job, style: Style) -> Self {
        let mut by_language = BTreeMap::new();
        let mut refused = Vec::new();
        for text in &job.texts {
            let parts = parts_of(&text.text, style.always_ucs2);
            if parts > PARTS_MAX {
                refused.push(Refused {
                    language: text.language,
                    why: format!("it takes {parts} parts, at most {PARTS_MAX} are sent"),
                });
            }
            let times = if style.with_flash { 2 } else { 1 };
            by_language.insert(text.language, times * parts as u64);
        }
        Self {
            most: by_language.values().copied().max().unwrap_or(1),
            by_language,
            refused,
        }
    }

    /// Those of a message in a language; one without a text of its own may have the longest.
    fn in_language(&self, language: Language) -> u64 {
        let known = self.by_language.get(&language);
        known.copied().unwrap_or(self.most)
    }

    /// Those of all messages, by how many people read each language.
    pub(super) fn all(&self, heads: &BTreeMap<Language, u64>) -> u64 {
        let each = heads.iter();
        let each = each.map(|(language, heads)| heads.saturating_mul(self.in_language(*language)));
        each.fold(0, u64::saturating_add)
    }
}
