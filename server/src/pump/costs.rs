//! What each rule costs and how far its data are behind, as metrics: the core counts, this takes the
//! time of a few evaluations now and then, beside what is decided.

use crate::app::App;
use crate::clock::monotonic;
use crate::zone::Machine;
use model::{Time, Zone};
use rules::Figures;
use std::collections::BTreeMap;

/// Rules whose time is taken in one minute.
const RULES_A_MINUTE: usize = 32;
/// Evaluations that are timed together: one alone is too short for a clock.
const TIMED: usize = 64;

/// The figures of a zone's rules, so far.
#[derive(Default)]
pub(super) struct Costs {
    rules: BTreeMap<String, Cost>,
    /// The rule to be timed next, and the subject to begin at.
    turn: usize,
    subject: usize,
}

#[derive(Default)]
struct Cost {
    /// Seconds of one evaluation, at the last look.
    each: Option<f64>,
    /// Evaluations before the first look, which cost what it finds.
    owed: u64,
}

impl Costs {
    /// Once a minute: what was evaluated since, what that cost, how far behind each rule's data are.
    pub(super) fn measure(&mut self, app: &App, zone: Zone, machine: &mut Machine, now: Time) {
        let figures = machine.take_figures();
        self.time(machine, &figures);
        let code = app.zone_code(zone).to_string();
        let gone = self
            .rules
            .keys()
            .filter(|rule| !figures.iter().any(|figures| figures.rule == **rule));
        for rule in gone.cloned().collect::<Vec<_>>() {
            forget(app, &code, &rule);
            self.rules.remove(&rule);
        }
        let metrics = &app.metrics;
        for Figures {
            rule,
            evaluations,
            newest,
        } in figures
        {
            let labels = [rule.as_str()];
            let counter = &metrics.rule_evaluations;
            counter.with_label_values(&labels).inc_by(evaluations);
            if let Some(newest) = newest {
                let lag = now.since(newest).seconds().max(0);
                let gauge = &metrics.rule_lag;
                gauge
                    .with_label_values(&[code.as_str(), labels[0]])
                    .set(lag);
            }
            let cost = self.rules.entry(rule.clone()).or_default();
            cost.owed += evaluations;
            if let Some(each) = cost.each {
                let seconds = each * std::mem::take(&mut cost.owed) as f64;
                let counter = &metrics.rule_seconds;
                counter.with_label_values(&labels).inc_by(seconds);
            }
        }
    }

    /// Takes the time of some rules, in turns.
    fn time(&mut self, machine: &Machine, figures: &[Figures]) {
        for _ in 0..figures.len().min(RULES_A_MINUTE) {
            let rule = self.turn % figures.len();
            self.turn = rule + 1;
            if self.turn == figures.len() {
                self.subject = self.subject.wrapping_add(TIMED);
            }
            let began = monotonic();
            let (done, found) = machine.sample(rule, self.subject, TIMED);
            std::hint::black_box(found);
            let took = began.elapsed();
            if let (Some(figures), 1..) = (figures.get(rule), done) {
                let cost = self.rules.entry(figures.rule.clone()).or_default();
                cost.each = Some(took.as_secs_f64() / done as f64);
            }
        }
    }
}

/// The zone goes to another process, whose figures these are then.
pub(super) fn leave(app: &App, zone: Zone) {
    let code = app.zone_code(zone).to_string();
    let rulebook = app.reload.rulebook();
    rulebook
        .rules
        .iter()
        .for_each(|rule| forget(app, &code, &rule.id));
}

fn forget(app: &App, zone: &str, rule: &str) {
    drop(app.metrics.rule_lag.remove_label_values(&[zone, rule]));
}
