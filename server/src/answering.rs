//! How fast places answer (叫应): by township, over the calls of the warnings in force.
//!
//! A call counts from when it began or was last asked anew. A share within some minutes is of the
//! calls that are that old or were answered; half of a township's calls having an answer is the median,
//! and where less than half have one there is none.

use crate::app::App;
use dispatch::ladder::{Call, Place};
use model::order::Answer;
use model::{AreaCode, AreaLevel, AreaNo, City, Language, Offset, Span, Time, Working};
use serde::Serialize;
use std::collections::BTreeMap;

/// Minutes within which answers are counted.
pub(crate) const WITHIN: [i64; 3] = [5, 10, 30];
/// Townships named in the words.
const NAMED_MAX: usize = 5;

/// Answers within some minutes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Within {
    pub(crate) minutes: i64,
    /// Calls that are that old, or were answered before.
    pub(crate) of: u64,
    pub(crate) answered: u64,
}

/// The figures of a township, or of the whole city.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Figures {
    pub(crate) called: u64,
    pub(crate) answered: u64,
    /// Of those, by somebody who needs help.
    pub(crate) needs_help: u64,
    pub(crate) within: [Within; 3],
    /// Seconds until half of all calls were answered.
    pub(crate) median_s: Option<i64>,
    /// Seconds that the oldest call without an answer has waited.
    pub(crate) waiting_s: Option<i64>,
}

/// All of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Answering {
    pub(crate) city: Figures,
    pub(crate) townships: BTreeMap<AreaCode, Figures>,
}

/// One call as far as its speed goes.
struct Timed {
    age: Span,
    answered: Option<(Span, Answer)>,
}

/// Counts calls at a time.
pub(crate) fn count<'a>(
    city: &City,
    calls: impl Iterator<Item = &'a Call>,
    now: Time,
) -> Answering {
    let mut all = Vec::new();
    let mut by_township: BTreeMap<AreaCode, Vec<Timed>> = BTreeMap::new();
    // Where nobody was asked, somebody spoke for the place: no answer to us.
    for call in calls.filter(|call| !call.rungs.is_empty()) {
        let timed = |call: &Call| Timed {
            age: now.since(call.since).max(Span::ZERO),
            answered: call.answered.as_ref().map(|said| {
                // What an officer notes may have been said before anybody was asked.
                (said.said.since(call.since).max(Span::ZERO), said.answer)
            }),
        };
        all.push(timed(call));
        if let Some(township) = township(city, &call.place) {
            by_township.entry(township).or_default().push(timed(call));
        }
    }
    Answering {
        city: figures(&all),
        townships: by_township
            .into_iter()
            .map(|(code, calls)| (code, figures(&calls)))
            .collect(),
    }
}

fn figures(calls: &[Timed]) -> Figures {
    let number = |count: usize| count as u64;
    let answers = || calls.iter().filter_map(|call| call.answered);
    let within = WITHIN.map(|minutes| {
        let most = Span::from_minutes(minutes);
        let answered = answers().filter(|(after, _)| *after <= most).count();
        let is_old = |call: &&Timed| call.age >= most;
        let is_quick = |call: &&Timed| call.answered.is_some_and(|(after, _)| after <= most);
        Within {
            minutes,
            of: number(calls.iter().filter(|c| is_old(c) || is_quick(c)).count()),
            answered: number(answered),
        }
    });
    let mut after: Vec<Span> = answers().map(|(after, _)| after).collect();
    after.sort_unstable();
    // Whoever has not answered is slower than everybody who has.
    let middle = calls.len().div_ceil(2).checked_sub(1);
    let median = middle.and_then(|middle| after.get(middle));
    let waiting = calls.iter().filter(|call| call.answered.is_none());
    Figures {
        called: number(calls.len()),
        answered: number(after.len()),
        needs_help: number(answers().filter(|(_, a)| *a == Answer::NeedsHelp).count()),
        within,
        median_s: median.map(|span| span.millis() / 1000),
        waiting_s: waiting.map(|call| call.age.millis() / 1000).max(),
    }
}

/// The township of a place; nothing for one that is larger.
fn township(city: &City, place: &Place) -> Option<AreaCode> {
    let area: AreaNo = match place {
        Place::Area(code) => city.area_no(*code)?,
        Place::Site(_) | Place::Device { .. } => {
            city.site(city.site_no(place.site()?)?).map(|s| s.area)?
        }
    };
    let upwards = std::iter::once(area).chain(city.ancestors(area));
    let mut areas = upwards.filter_map(|no| city.area(no));
    let found = areas.find(|area| area.level == AreaLevel::Township)?;
    Some(found.code)
}

impl Answering {
    /// The figures in words, for a report: the city's, and the townships that wait longest.
    pub(crate) fn text(&self, city: &City, at: (Time, Offset), language: Language) -> String {
        let clock = at.0.display(at.1);
        let clock = clock.get(11..16).unwrap_or_default();
        let zh = language.working() == Working::Zh;
        let mut lines = vec![head(&self.city, clock, zh)];
        let mut slow: Vec<_> = self
            .townships
            .iter()
            .filter_map(|(code, figures)| Some((figures.waiting_s?, code, figures)))
            .collect();
        slow.sort_by_key(|(waiting, code, _)| (std::cmp::Reverse(*waiting), **code));
        let names = slow.iter().take(NAMED_MAX).map(|(waiting, code, of)| {
            let area = city.area_no(**code).and_then(|no| city.area(no));
            let name = area.map_or_else(|| code.to_string(), |a| a.name.get(language).to_owned());
            let open = of.called - of.answered;
            if zh {
                format!("{name}{open}处已等{}分钟", waiting / 60)
            } else {
                format!("{name} {open} for {} min", waiting / 60)
            }
        });
        let named: Vec<String> = names.collect();
        if !named.is_empty() {
            let more = slow.len().saturating_sub(named.len());
            lines.push(match (zh, more) {
                (true, 0) => format!("未应答:{}。", named.join("、")),
                (true, more) => format!(
                    "未应答:{}等{}个镇街。",
                    named.join("、"),
                    named.len() + more
                ),
                (false, 0) => format!("Without an answer: {}.", named.join("; ")),
                (false, more) => {
                    format!("Without an answer: {}; and {more} more.", named.join("; "))
                }
            });
        }
        lines.join("\n") + "\n"
    }
}

fn head(city: &Figures, clock: &str, zh: bool) -> String {
    if city.called == 0 {
        return if zh {
            format!("截至{clock},没有需要叫应的地方。")
        } else {
            format!("At {clock}: nobody is called.")
        };
    }
    let shares = city.within.iter().filter(|within| within.of > 0);
    let shares = shares.map(|within| {
        let percent = within.answered * 100 / within.of;
        if zh {
            format!("{}分钟内{percent}%", within.minutes)
        } else {
            format!("{percent}% within {} min", within.minutes)
        }
    });
    let shares: Vec<String> = shares.collect();
    let shares = if shares.is_empty() {
        String::new()
    } else if zh {
        format!(",{}", shares.join("、"))
    } else {
        format!("; {}", shares.join(", "))
    };
    let median = match (city.median_s, zh) {
        (Some(s), true) => format!(",中位{}分{:02}秒", s / 60, s % 60),
        (Some(s), false) => format!("; half within {}:{:02}", s / 60, s % 60),
        (None, true) => ",过半未应答".to_owned(),
        (None, false) => "; less than half answered".to_owned(),
    };
    let help = match (city.needs_help, zh) {
        (0, _) => String::new(),
        (n, true) => format!(",{n}处求援"),
        (n, false) => format!("; {n} need help"),
    };
    let Figures {
        called, answered, ..
    } = city;
    if zh {
        format!("截至{clock},叫应{called}处,已应答{answered}处{shares}{median}{help}。")
    } else {
        format!("At {clock}: {called} places called, {answered} answered{shares}{median}{help}.")
    }
}

impl App {
    /// The figures now.
    pub(crate) fn answering(&self) -> Answering {
        let calls = self.view.calls_where(|_| true);
        count(&self.installation.city, calls.iter(), self.view.now())
    }

    /// Brings the gauges of calls up to the moment.
    pub(crate) fn gauge_calls(&self) {
        let calls = self.view.calls_where(|_| true);
        let mut states: BTreeMap<&str, i64> = BTreeMap::new();
        for state in ["waiting", "escalated", "answered", "needs_help"] {
            states.insert(state, 0);
        }
        for call in &calls {
            let state = match call.answered.as_ref().map(|said| said.answer) {
                Some(Answer::NeedsHelp) => "needs_help",
                Some(Answer::Received | Answer::AtPost | Answer::Moved) => "answered",
                None if call.climbed() > 1 => "escalated",
                None => "waiting",
            };
            *states.entry(state).or_default() += 1;
        }
        for (state, count) in states {
            self.metrics.calls.with_label_values(&[state]).set(count);
        }
        let answering = count(&self.installation.city, calls.iter(), self.view.now());
        // A township whose warnings are over has no series any more.
        self.metrics.answering.reset();
        for (code, figures) in &answering.townships {
            let code = code.to_string();
            let set = |figure: &str, value: i64| {
                let gauge = self.metrics.answering.with_label_values(&[&code, figure]);
                gauge.set(value);
            };
            let number = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
            set("called", number(figures.called));
            set("answered", number(figures.answered));
            for within in figures.within {
                set(
                    &format!("within_{}m", within.minutes),
                    number(within.answered),
                );
            }
            if let Some(median) = figures.median_s {
                set("median_s", median);
            }
        }
    }
}

#[cfg(test)]
mod tests;
