//! `sanfang rules tune`: thresholds swept over recorded observations, and what each is worth.

use super::chart::{Chart, Point};
use super::heads::{self, Heads, Told};
use super::sweep::{Dial, Sweep};
use super::trial;
use crate::command::recorded::Files;
use crate::command::scored::{self, Figures};
use crate::command::{Failure, print};
use crate::installation::{self, Faulty};
use clap::Args;
use model::{Hazard, Span, Tier};
use rules::Rulebook;
use rules::rulebook::rewritten;
use rules::score::{Ground, Pick, Tiers};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What to sweep, over what.
#[derive(Args)]
pub(crate) struct Arguments {
    /// City directory
    #[arg(long, value_name = "DIR")]
    city: PathBuf,
    /// Rulebook directory instead of the city's own
    #[arg(long, value_name = "DIR")]
    rules: Option<PathBuf>,
    /// The rule whose numbers are turned
    #[arg(long, value_name = "ID")]
    rule: String,
    /// What to turn and through which values: orange=30..80:5, yellow#2=40,50,60; twice for two
    #[arg(long, value_name = "KEY=VALUES", required = true)]
    sweep: Vec<Sweep>,
    /// What happened (CSV: id,hazard,area,tier,start,end)
    #[arg(long, value_name = "EVENTS.csv")]
    events: PathBuf,
    /// Write the trade-off curve, POD against FAR, to this file
    #[arg(long, value_name = "FILE.svg")]
    svg: Option<PathBuf>,
    #[command(flatten)]
    files: Files,
}

/// Most rulebooks tried at once: each keeps windows of its own.
const CANDIDATES_MAX: usize = 100;

/// A rulebook with other numbers.
struct Candidate {
    /// One for each sweep.
    values: Vec<String>,
    is_current: bool,
    rulebook: Arc<Rulebook>,
}

/// What a candidate is worth.
struct Worth {
    figures: Figures,
    told: Told,
}

/// Prints the table as CSV and writes the chart.
pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let bad = |faulty: Faulty| Failure::BadInput(faulty.to_string());
    if arguments.sweep.len() > 2 {
        return Err(Failure::BadInput("give --sweep once or twice".into()));
    }
    let city = Arc::new(installation::city(&arguments.city).map_err(bad)?);
    let own = || arguments.city.join("rules");
    let folder = arguments.rules.clone().unwrap_or_else(own);
    let whole = installation::rulebook(&folder).map_err(bad)?;
    let files = installation::rulebook_files(&folder).map_err(bad)?;
    let dials = arguments.sweep.iter();
    let dials = dials.map(|sweep| sweep.find(&files, &arguments.rule));
    let dials: Vec<Dial> = dials.collect::<Result<_, _>>()?;
    let hazard = whole.rule(&arguments.rule).map(|(_, rule)| rule.hazard);
    let Some(hazard) = hazard else {
        return Err(Failure::BadInput(format!("no rule {}", arguments.rule)));
    };
    let tier = tier_of(&dials);
    let pick = Pick {
        hazard: Some(hazard),
        tiers: tier.map_or(Tiers::All, Tiers::From),
    };
    let happenings = scored::events(&arguments.events)?;
    let counts = |of: Hazard, at: Tier| of == hazard && tier.is_none_or(|least| at >= least);
    if !happenings.iter().any(|one| counts(one.hazard, one.tier)) {
        let path = arguments.events.display();
        let what = scope(hazard, tier);
        return Err(Failure::BadInput(format!(
            "{path}: no event of {what} is in it: there is nothing to score against"
        )));
    }
    let (candidates, refused) = candidates(&folder, &files, &dials, hazard)?;
    let heads = Heads::open(&arguments.city, &city)?;
    let rulebooks: Vec<_> = candidates
        .iter()
        .map(|one| Arc::clone(&one.rulebook))
        .collect();
    let (issued, summary) = trial::run(&city, &rulebooks, &arguments.files)?;
    // Where warnings are possible is the same for all: their rules have the same level and quorum.
    let ground = Ground::new(&city, &whole, summary.span);
    let stands = candidates.iter().zip(&issued);
    for (_, issued) in stands.filter(|(candidate, _)| candidate.is_current) {
        let counted: Vec<_> = happenings
            .iter()
            .filter(|one| counts(one.hazard, one.tier))
            .cloned()
            .collect();
        let score = issued.score(&ground, &counted, pick);
        scored::say_doubts(issued, &ground, &counted, &score, &city);
    }
    let worth = issued.iter().map(|issued| Worth {
        figures: Figures(issued.score(&ground, &happenings, pick)),
        told: heads.told(issued, Some(hazard)),
    });
    let rows: Vec<(Candidate, Worth)> = candidates.into_iter().zip(worth).collect();
    print::lines(&csv(&dials, &rows))?;
    if let Some(path) = &arguments.svg {
        let chart = chart(&arguments.rule, hazard, tier, &dials, &rows);
        std::fs::write(path, chart.svg())
            .map_err(|error| Failure::Failed(format!("{}: {error}", path.display())))?;
    }
    summary.say();
    for why in refused {
        eprintln!("not tried: {why}");
    }
    say(hazard, tier, &dials, &rows);
    Ok(())
}

/// The tier that all sweeps turn, if it is one.
fn tier_of(dials: &[Dial]) -> Option<Tier> {
    let mut tiers = dials.iter().map(|dial| Tier::from_name(&dial.key));
    let first = tiers.next().flatten()?;
    tiers.all(|tier| tier == Some(first)).then_some(first)
}

fn scope(hazard: Hazard, tier: Option<Tier>) -> String {
    let (code, zh, en) = (hazard.code(), hazard.zh(), hazard.en());
    match tier {
        Some(tier) => format!("{code} {zh} {en} at {tier} or higher"),
        None => format!("{code} {zh} {en}"),
    }
}

/// Every value of the first sweep with every one of the second, each a rulebook of its own; and why some
/// are none, such as an orange that is easier to reach than yellow.
fn candidates(
    folder: &Path,
    files: &[(String, Vec<u8>)],
    dials: &[Dial],
    hazard: Hazard,
) -> Result<(Vec<Candidate>, Vec<String>), Failure> {
    let mut combined: Vec<Vec<String>> = vec![Vec::new()];
    for dial in dials {
        let with = |before: Vec<String>| {
            let values = dial.values.iter();
            values.map(move |value| [before.clone(), vec![value.clone()]].concat())
        };
        combined = combined.into_iter().flat_map(with).collect();
    }
    if combined.len() > CANDIDATES_MAX {
        return Err(Failure::BadInput(format!(
            "{} combinations are more than the {CANDIDATES_MAX} that are tried at once: take larger steps",
            combined.len()
        )));
    }
    let stands: Vec<String> = dials.iter().map(Dial::stands).collect();
    let (mut candidates, mut refused) = (Vec::new(), Vec::new());
    for values in combined {
        let numbers = dials.iter().zip(&values);
        let numbers: Vec<_> = numbers
            .map(|(dial, value)| (&dial.written, value.as_str()))
            .collect();
        let is_current = values == stands;
        let files = match is_current {
            true => files.to_vec(),
            false => rewritten(files, &numbers),
        };
        match installation::rulebook_of(folder, &files) {
            Ok(rulebook) => candidates.push(Candidate {
                values,
                is_current,
                rulebook: Arc::new(rulebook.narrowed(hazard)),
            }),
            Err(faulty) => refused.push(format!("{}:\n{faulty}", named(dials, &values))),
        }
    }
    if candidates.iter().all(|candidate| candidate.is_current) && !refused.is_empty() {
        return Err(Failure::BadInput(format!(
            "the rulebook is refused at every other value:\n{}",
            refused.join("\n")
        )));
    }
    Ok((candidates, refused))
}

/// `orange = 45, lower.when = 3`.
fn named(dials: &[Dial], values: &[String]) -> String {
    let named = dials.iter().zip(values);
    let named = named.map(|(dial, value)| format!("{} = {value}", dial.name));
    named.collect::<Vec<_>>().join(", ")
}

fn csv(dials: &[Dial], rows: &[(Candidate, Worth)]) -> Vec<String> {
    let mut head: Vec<String> = dials.iter().map(|dial| dial.name.clone()).collect();
    let figures = [
        "current",
        "hits",
        "misses",
        "false_alarms",
        "correct_negatives",
        "pod",
        "far",
        "csi",
        "hss",
        "lead_median_min",
    ];
    head.extend(figures.map(str::to_owned));
    let told = rows.first().map(|(_, worth)| worth.told);
    let residents = told.map(|told| heads::counts(&told.residents));
    let people = residents
        .into_iter()
        .flatten()
        .map(|(name, _)| name.to_owned());
    head.extend(people);
    let known = told
        .and_then(|told| told.named)
        .map(|named| heads::counts(&named));
    let known = known.into_iter().flatten();
    head.extend(known.map(|(name, _)| format!("named_{name}")));
    let mut lines = vec![head.join(",")];
    for (candidate, worth) in rows {
        let score = &worth.figures.0;
        let mut cells = candidate.values.clone();
        cells.push(if candidate.is_current { "yes" } else { "" }.to_owned());
        let counts = [
            score.hits.len(),
            score.misses.len(),
            score.false_alarms,
            score.correct_negatives,
        ];
        cells.extend(counts.map(|count| count.to_string()));
        let ratios = worth.figures.ratios();
        cells.extend(ratios.map(|ratio| ratio.map_or(String::new(), |r| r.to_string())));
        let median = score.quartiles().map(|[_, _, median, ..]| median);
        cells.push(median.map_or(String::new(), |lead| minutes(lead).to_string()));
        let told = [Some(worth.told.residents), worth.told.named];
        for woken in told.into_iter().flatten() {
            cells.extend(heads::counts(&woken).map(|(_, count)| count.to_string()));
        }
        lines.push(cells.join(","));
    }
    lines
}

/// Whole minutes, the half up.
fn minutes(span: Span) -> i64 {
    (span.seconds() + 30).div_euclid(60)
}

fn chart(
    rule: &str,
    hazard: Hazard,
    tier: Option<Tier>,
    dials: &[Dial],
    rows: &[(Candidate, Worth)],
) -> Chart {
    let names: Vec<&str> = dials.iter().map(|dial| dial.name.as_str()).collect();
    let names = names.join(" / ");
    let or_higher = |name: Option<&str>| name.map_or(String::new(), |name| format!(" ≥ {name}"));
    let (zh, en) = (
        or_higher(tier.map(Tier::zh)),
        or_higher(tier.map(Tier::name)),
    );
    let mut chart = Chart {
        title_zh: format!(
            "{}{zh}：命中率与空报率的取舍（规则 {rule}，{names}）",
            hazard.zh()
        ),
        title_en: format!(
            "{}{en}: probability of detection against false-alarm ratio (rule {rule}, {names})",
            hazard.en()
        ),
        lines: Vec::new(),
        points: Vec::new(),
        undrawn: Vec::new(),
    };
    for (candidate, worth) in rows {
        // With two sweeps each value of the first is a line of its own.
        let (line, label) = match (dials, candidate.values.as_slice()) {
            ([dial, _], [first, second]) => {
                let name = format!("{} = {first}", dial.name);
                if chart.lines.last() != Some(&name) {
                    chart.lines.push(name);
                }
                (chart.lines.len() - 1, second.clone())
            }
            (_, values) => (0, values.join(" / ")),
        };
        let [pod, far, ..] = worth.figures.ratios();
        match far.zip(pod) {
            Some((far, pod)) => chart.points.push(Point {
                label,
                far,
                pod,
                line,
                is_current: candidate.is_current,
            }),
            None => chart.undrawn.push(candidate.values.join(" / ")),
        }
    }
    chart
}

/// Which candidate is best, for people.
fn say(hazard: Hazard, tier: Option<Tier>, dials: &[Dial], rows: &[(Candidate, Worth)]) {
    let csi = |worth: &Worth| worth.figures.0.csi().unwrap_or(0.0);
    let current = rows.iter().find(|(candidate, _)| candidate.is_current);
    let mut best = current;
    for row in rows {
        if best.is_none_or(|(_, held)| csi(&row.1) > csi(held)) {
            best = Some(row);
        }
    }
    let words = |(candidate, worth): &(Candidate, Worth)| {
        let [pod, far, csi, hss] = worth.figures.ratios();
        let figure = |figure: Option<f64>| figure.map_or("–".to_owned(), |f| format!("{f:.2}"));
        format!(
            "{}: CSI {}, POD {}, FAR {}, HSS {}",
            named(dials, &candidate.values),
            figure(csi),
            figure(pod),
            figure(far),
            figure(hss)
        )
    };
    let scope = scope(hazard, tier);
    eprintln!("scored: {scope}; {} rulebooks", rows.len());
    if let (Some(current), Some(best)) = (current, best) {
        eprintln!("as it stands  {}", words(current));
        eprintln!("highest CSI   {}", words(best));
    }
}
