//! `sanfang rules list`: what a rulebook warns of, by which figures, and how sure each of them is.

use crate::command::{Failure, print};
use crate::installation;
use clap::Args;
use model::{AreaLevel, Tier};
use rules::Rule;
use rules::rulebook::{Confidence, SubjectKind};
use serde_json::json;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Which rulebooks.
#[derive(Args)]
pub(crate) struct Arguments {
    /// Rulebook directories
    #[arg(value_name = "DIR", required = true)]
    rules: Vec<PathBuf>,
    /// Print one JSON object for each condition instead
    #[arg(long)]
    json: bool,
}

/// Prints each rule's tiers, lowest first, with condition, confidence and document.
pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let (mut lines, mut faulty) = (Vec::new(), Vec::new());
    let (mut rules, mut sure) = (0, BTreeMap::new());
    for folder in &arguments.rules {
        let rulebook = match installation::rulebook(folder) {
            Ok(rulebook) => rulebook,
            Err(found) => {
                faulty.push(found.to_string());
                continue;
            }
        };
        rules += rulebook.rules.len();
        if !arguments.json {
            lines.push(format!("{} ({})", folder.display(), rulebook.version));
        }
        for rule in &rulebook.rules {
            for row in rows(rule) {
                *sure.entry(row.confidence.name()).or_insert(0_usize) += 1;
                if arguments.json {
                    lines.push(row.object(folder, rule));
                }
            }
            if !arguments.json {
                lines.extend(words(rule));
            }
        }
    }
    let of_each = Confidence::ALL.map(|confidence| {
        let count = sure.get(confidence.name()).copied().unwrap_or_default();
        format!("{count} {}", confidence.name())
    });
    let summary = format!("rules: {rules}; conditions: {}", of_each.join(", "));
    if arguments.json {
        eprintln!("{summary}");
    } else {
        lines.push(summary);
    }
    print::lines(&lines)?;
    if faulty.is_empty() {
        Ok(())
    } else {
        Err(Failure::BadInput(faulty.join("\n")))
    }
}

/// One tier of a rule.
struct Row<'a> {
    tier: Tier,
    condition: &'a str,
    document: &'a str,
    confidence: Confidence,
}

impl Row<'_> {
    fn object(&self, folder: &Path, rule: &Rule) -> String {
        let row = json!({
            "rulebook": folder.display().to_string(),
            "version": rule.version,
            "rule": rule.id,
            "hazard": rule.hazard,
            "name": rule.name,
            "tier": self.tier,
            "condition": self.condition,
            "confidence": self.confidence,
            "document": self.document,
        });
        row.to_string()
    }
}

/// The tiers that conditions are written for; what has no source of its own has the rule's.
fn rows(rule: &Rule) -> impl Iterator<Item = Row<'_>> {
    let written = Tier::ALL.into_iter().filter_map(|tier| {
        let condition = rule.conditions.get(tier.name())?;
        Some((tier, condition))
    });
    written.filter_map(|(tier, condition)| {
        let own = rule.sources.get(tier.name());
        let source = own.or_else(|| rule.sources.get("rule"))?;
        Some(Row {
            tier,
            condition,
            document: &source.document,
            confidence: source.confidence,
        })
    })
}

fn words(rule: &Rule) -> Vec<String> {
    let subject = match rule.subject {
        SubjectKind::Station => "station",
        SubjectKind::Site => "site",
        SubjectKind::Area => "area",
    };
    let level = match rule.level {
        AreaLevel::City => "city",
        AreaLevel::District => "district",
        AreaLevel::Township => "township",
        AreaLevel::Community => "community",
    };
    let kinds = match rule.kinds.is_empty() {
        true => String::new(),
        false => format!(" ({})", rule.kinds.join(", ")),
    };
    let head = format!(
        "  {}  {} {} {}  each {subject}{kinds}, {} of a {}",
        rule.id, rule.hazard, rule.name.zh, rule.name.en, rule.quorum, level,
    );
    let mut lines = vec![head];
    for row in rows(rule) {
        lines.push(format!("    {:<7} {}", row.tier.name(), row.condition));
        let confidence = row.confidence.name();
        // Ours say so themselves, in front of what they rest on.
        lines.push(match row.document.starts_with(confidence) {
            true => format!("            {}", row.document),
            false => format!("            {confidence}: {}", row.document),
        });
    }
    lines
}
