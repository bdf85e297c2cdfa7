//! `responses.toml`: posts, proposal tables of response plans, kinds of damage, and what follows
//! from official signals. A city without it proposes no response.

use super::places::Places;
use crate::document::Document;
use crate::fault::{Faults, Place, perhaps, quoted};
use crate::response::{Consequence, DamageKind, Grade, Hours, Plan, Plans, Post, Term, Unit};
use crate::{AreaCode, AreaLevel, Tier};
use std::collections::{BTreeMap, BTreeSet};

/// Name of the file.
pub(super) const FILE: &str = "responses.toml";

/// Newest schema read.
const SCHEMA: u32 = 1;

type Rows<T> = Vec<(u32, T)>;

fn plain<T>(rows: Rows<T>) -> Vec<T> {
    rows.into_iter().map(|(_, row)| row).collect()
}

/// Reads the file; rows with a fault are left out.
pub(super) fn read(bytes: &[u8], places: &Places<'_>, faults: &mut Faults) -> Plans {
    let Some(mut document) = Document::parse(FILE, bytes, faults) else {
        return Plans::default();
    };
    if let Some((line, schema)) = document.require::<u32>("schema", "write schema = 1", faults)
        && !(1..=SCHEMA).contains(&schema)
    {
        let what = format!("schema {schema} is not known here");
        let remedy = format!("write {SCHEMA}, or upgrade");
        faults.error(Place::line(FILE, line), "schema", what, remedy);
    }
    let groups = document.take::<BTreeMap<String, Vec<AreaCode>>>("groups", faults);
    let posts = document.rows::<Post>("post", faults);
    let damage = document.rows::<DamageKind>("damage", faults);
    let plans = document.rows::<Plan>("response", faults);
    let consequences = document.rows::<Consequence>("consequence", faults);
    let mut named_post = |key| {
        let remedy = "name a [[post]]: it is a person's act";
        document.require::<String>(key, remedy, faults)
    };
    let (return_post, close_post) = (named_post("return_post"), named_post("close_post"));
    let known = [
        "schema",
        "groups",
        "post",
        "damage",
        "response",
        "consequence",
        "return_post",
        "close_post",
    ];
    document.finish(&known, faults);
    let groups = groups.unwrap_or_default();
    let mut check = Check {
        places,
        posts: posts.iter().map(|(_, post)| post.id.as_str()).collect(),
        groups: &groups.1,
        kinds: damage.iter().map(|(_, kind)| kind.id.as_str()).collect(),
        faults,
    };
    for code in groups.1.values().flatten() {
        check.area(*code, groups.0, "groups");
    }
    check.posts(&posts);
    check.unique(
        damage.iter().map(|(line, kind)| (*line, &kind.id)),
        "damage.id",
    );
    check.plans(&plans);
    check.consequences(&consequences);
    for (line, post) in [&return_post, &close_post].into_iter().flatten() {
        check.post(post, *line, "return_post, close_post");
    }
    let post = |post: Option<(u32, String)>| post.map(|(_, id)| id).unwrap_or_default();
    Plans {
        return_post: post(return_post),
        close_post: post(close_post),
        posts: plain(posts),
        damage: plain(damage),
        plans: plain(plans),
        consequences: plain(consequences),
        tasks: Vec::new(),
        groups: groups.1,
    }
}

struct Check<'c> {
    places: &'c Places<'c>,
    posts: BTreeSet<&'c str>,
    groups: &'c BTreeMap<String, Vec<AreaCode>>,
    kinds: BTreeSet<&'c str>,
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
        self.faults
            .error(Place::line(FILE, line), field, what, remedy);
    }

    fn unique<'i>(&mut self, ids: impl Iterator<Item = (u32, &'i String)>, field: &str) {
        let mut seen = BTreeSet::new();
        for (line, id) in ids {
            if id.is_empty() {
                self.error(line, field, "it is empty", "write an id");
            } else if !seen.insert(id) {
                let what = format!("{} stands there twice", quoted(id));
                self.error(line, field, what, "keep one of the two");
            }
        }
    }

    fn area(&mut self, code: AreaCode, line: u32, field: &str) -> Option<AreaLevel> {
        let no = self.places.numbers.get(&code);
        let area = no.and_then(|no| self.places.areas.get(usize::from(no.0)));
        if area.is_none() {
            let remedy = "add it to areas.geojson, or correct the code";
            self.error(line, field, format!("no area {code}"), remedy);
        }
        area.map(|area| area.level)
    }

    fn post(&mut self, id: &str, line: u32, field: &str) {
        if !self.posts.contains(id) {
            let near = perhaps(id, self.posts.iter().copied());
            let what = format!("no post {}", quoted(id));
            self.error(line, field, what, format!("{near}add it as [[post]]"));
        }
    }

    fn posts(&mut self, rows: &Rows<Post>) {
        let mut seen = BTreeSet::new();
        for (line, row) in rows {
            if !seen.insert((&row.id, row.area)) {
                let what = format!("post {} stands there twice", quoted(&row.id));
                let remedy = "keep one of the two, or give each its area";
                self.error(*line, "post.id", what, remedy);
            }
            if let Some(area) = row.area {
                self.area(area, *line, "post.area");
            }
            if row.people.is_empty() {
                let remedy = "name ids of people: else nobody may sign";
                self.error(*line, "post.people", "it is empty", remedy);
            }
        }
    }

    fn plans(&mut self, rows: &Rows<Plan>) {
        self.unique(
            rows.iter().map(|(line, row)| (*line, &row.id)),
            "response.id",
        );
        for (line, row) in rows {
            let line = *line;
            if !matches!(row.at, AreaLevel::City | AreaLevel::District) {
                let remedy = "write \"city\" or \"district\"";
                self.error(line, "response.at", "responses are not that small", remedy);
            }
            for code in &row.areas {
                if self
                    .area(*code, line, "response.areas")
                    .is_some_and(|at| at != row.at)
                {
                    let what = format!("{code} is of another level than `at`");
                    self.error(line, "response.areas", what, "name areas of that level");
                }
            }
            if row.hazards.is_empty() {
                let remedy = "list each; an empty list never means everything";
                self.error(line, "response.hazards", "it is empty", remedy);
            }
            if row.grades.is_empty() {
                let remedy = "add [[response.level]]";
                self.error(line, "response.level", "it has no level", remedy);
            }
            let mut levels = BTreeSet::new();
            for grade in &row.grades {
                if !levels.insert(grade.level) {
                    let what = format!("level {} stands there twice", grade.level.name());
                    self.error(line, "response.level", what, "keep one of the two");
                }
                self.grade(line, grade);
            }
        }
    }

    fn grade(&mut self, line: u32, grade: &Grade) {
        self.post(&grade.post, line, "response.level.post");
        if let Some(post) = &grade.end_post {
            self.post(post, line, "response.level.end_post");
        }
        if grade.source.document.trim().is_empty() {
            let remedy = "name the document, or say that it is ours";
            self.error(line, "response.level.source", "it is empty", remedy);
        }
        for term in grade.when.iter().flat_map(|condition| &condition.terms) {
            match term {
                Term::Damage { kind } if !self.kinds.contains(kind.as_str()) => {
                    let near = perhaps(kind, self.kinds.iter().copied());
                    let what = format!("no damage {}", quoted(kind));
                    let remedy = format!("{near}add it as [[damage]]");
                    self.error(line, "response.level.when", what, remedy);
                }
                Term::Count {
                    unit: Unit::Group(name),
                    ..
                } if !self.groups.contains_key(name) => {
                    let near = perhaps(name, self.groups.keys().map(String::as_str));
                    let what = format!("no group {}", quoted(name));
                    let remedy = format!("{near}add it under [groups]");
                    self.error(line, "response.level.when", what, remedy);
                }
                Term::Damage { .. } | Term::Count { .. } => {}
            }
        }
    }

    fn consequences(&mut self, rows: &Rows<Consequence>) {
        self.unique(
            rows.iter().map(|(line, row)| (*line, &row.id)),
            "consequence.id",
        );
        for (line, row) in rows {
            let line = *line;
            for (field, empty) in [
                ("consequence.hazards", row.hazards.is_empty()),
                ("consequence.tiers", row.tiers.is_empty()),
                ("consequence.areas", row.areas.is_empty()),
            ] {
                if empty {
                    let remedy = "list each; an empty list never means everything";
                    self.error(line, field, "it is empty", remedy);
                }
            }
            if row.tiers.contains(&Tier::None) {
                let remedy = "take it out: what follows, follows a signal";
                self.error(line, "consequence.tiers", "none is no signal", remedy);
            }
            for code in &row.areas {
                self.area(*code, line, "consequence.areas");
            }
            if let Some(Hours { from, to }) = row.hours
                && (from > 23 || to > 24 || from == to)
            {
                let remedy = "write whole hours such as { from = 6, to = 8 }";
                self.error(line, "consequence.hours", "not hours of a day", remedy);
            }
            if row.source.document.trim().is_empty() {
                let remedy = "name the rule that says so";
                self.error(line, "consequence.source", "it is empty", remedy);
            }
        }
    }
}
