//! What there is of a zone's past, a rulebook on its way through it, and what was missing there.

use super::Trial;
use super::heard::Heard;
use model::{City, Mode, Observation, Parameter, Time, Zone};
use rules::score::Issued;
use rules::{Effect, Engine, Policy, Rule, Rulebook};
use std::collections::BTreeSet;
use std::sync::Arc;

/// What there is of a zone's past.
pub(super) struct Past {
    /// By time.
    pub(super) readings: Vec<Observation>,
    pub(super) heard: Heard,
    /// From when to when.
    pub(super) span: [Time; 2],
}

impl Past {
    /// When the first of it was there; what was heard before the span stands at its begin.
    pub(super) fn start(&self) -> Option<Time> {
        let read = self.readings.first().map(|first| first.time);
        let first = read.into_iter().chain(self.heard.first()).min()?;
        Some(first.max(self.span[0]))
    }
}

/// A rulebook on its way through a zone's past.
pub(super) struct Walk {
    engine: Engine,
    /// How far it came.
    at: Time,
    /// Words that it heard.
    heard: usize,
    effects: Vec<Effect>,
}

impl Walk {
    /// One that begins at `at`, with proposals issued at once.
    pub(super) fn new(city: &Arc<City>, zone: Zone, rulebook: &Arc<Rulebook>, at: Time) -> Self {
        let (city, rulebook) = (Arc::clone(city), Arc::clone(rulebook));
        Self {
            engine: Engine::new(city, zone, Mode::Actual, rulebook, Policy::Replay),
            at,
            heard: 0,
            effects: Vec::new(),
        }
    }

    /// Hears what was said until `time`, and each minute as it passes: also where nothing is reported.
    pub(super) fn to(&mut self, time: Time, heard: &Heard, issued: &mut Issued) {
        while let Some((when, word)) = heard.next(self.heard, time) {
            self.pass(when);
            self.heard += 1;
            word.tell(self.at, &mut self.engine, &mut self.effects);
        }
        self.pass(time);
        self.keep(issued);
    }

    fn pass(&mut self, time: Time) {
        for minute in self.at.minute() + 1..=time.minute() {
            self.engine
                .tick(Time::from_minute(minute), &mut self.effects);
        }
        self.at = self.at.max(time);
    }

    pub(super) fn observe(&mut self, reading: &Observation, issued: &mut Issued) {
        self.engine.observe(self.at, reading, &mut self.effects);
        self.keep(issued);
    }

    fn keep(&mut self, issued: &mut Issued) {
        for effect in self.effects.drain(..) {
            take(issued, &effect);
        }
    }
}

/// What was there in any zone.
#[derive(Default)]
pub(super) struct Known {
    parameters: BTreeSet<Parameter>,
    /// When the first forecast was heard.
    first_forecast: Option<Time>,
    /// Since when all of a kind are known in every zone, where they are not from the begin on.
    forecasts_since: Option<Time>,
    signals_since: Option<Time>,
    orders_since: Option<Time>,
}

impl Known {
    /// Takes note of a zone's past.
    pub(super) fn note(&mut self, past: &Past, trial: &mut Trial) {
        let Past {
            readings, heard, ..
        } = past;
        self.parameters
            .extend(readings.iter().map(|reading| reading.parameter));
        let first = self.first_forecast.into_iter();
        self.first_forecast = first.chain(heard.first_forecast()).min();
        self.forecasts_since = self.forecasts_since.max(heard.forecasts_since);
        self.signals_since = self.signals_since.max(heard.signals_since);
        self.orders_since = self.orders_since.max(heard.orders_since);
        let times = readings.iter().map(|reading| reading.time);
        trial.from = times.clone().chain(trial.from).min();
        trial.to = times.chain(trial.to).max();
        let [forecasts, signals, silences] = heard.counts();
        trial.heard.forecasts += forecasts;
        trial.heard.signals += signals;
        trial.heard.silences += silences;
    }

    /// What is asked for and was not there from `begin` on, in words; `text` writes a time.
    pub(super) fn unheld(
        &self,
        rulebooks: &[Arc<Rulebook>; 2],
        begin: Time,
        text: impl Fn(Time) -> String,
    ) -> Vec<String> {
        let [_, new] = rulebooks;
        let missing = new.parameters().filter(|p| !self.parameters.contains(p));
        let mut unheld: Vec<String> = missing.map(|p| p.name().to_owned()).collect();
        let rules = || rulebooks.iter().flat_map(|book| &book.rules);
        let before = |what: &str, time: Time| format!("{what} before {}", text(time));
        if rules().any(Rule::looks_ahead) {
            match self.first_forecast.max(self.forecasts_since) {
                None => unheld.push("forecasts".into()),
                Some(first) if first > begin => unheld.push(before("forecasts", first)),
                Some(_) => {}
            }
        }
        if rules().any(Rule::asks_for_signals)
            && let Some(since) = self.signals_since
        {
            unheld.push(before("signals", since));
        }
        if let Some(since) = self.orders_since {
            unheld.push(before("silences", since));
        }
        unheld
    }
}

fn take(issued: &mut Issued, effect: &Effect) {
    match effect {
        Effect::Warning(warning) => issued.take(warning),
        Effect::Signal(_)
        | Effect::Silence(_)
        | Effect::Muted(_)
        | Effect::Pending(_)
        | Effect::Refused { .. } => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEGIN: Time = Time::from_minute(1_000);

    fn rulebooks(condition: &str) -> [Arc<Rulebook>; 2] {
        let text = format!(
            "schema = 1\nversion = \"x\"\n[[rule]]\nid = \"a\"\nhazard = \"11B03\"\n\
             name = {{ zh = \"甲\", en = \"A\" }}\nsubject = \"area\"\nyellow = '{condition}'\n\
             source = {{ document = \"d\", confidence = \"sure\" }}\n"
        );
        let read = Rulebook::read(&[("a.toml".into(), text.into())]).unwrap();
        [(); 2].map(|()| Arc::new(read.clone()))
    }

    fn unheld(known: &Known, condition: &str) -> Vec<String> {
        let text = |time: Time| time.minute().to_string();
        known.unheld(&rulebooks(condition), BEGIN, text)
    }

    #[test]
    fn what_did_not_find_room_in_any_zone_is_named() {
        let rain = r#"area.max(rainfall.sum("1h")) >= 5"#;
        let signal = r#"area.max(rainfall.sum("1h")) >= 5 && signal("11B01") == none"#;
        let expected = r#"forecast(rainfall, "6h") >= 5"#;
        let at = |minute| Some(Time::from_minute(minute));
        // One zone heard its first forecast long ago, another lost those before the begin and after.
        let known = Known {
            parameters: BTreeSet::from([Parameter::Rainfall]),
            first_forecast: at(900),
            forecasts_since: at(1_100),
            signals_since: at(1_200),
            orders_since: at(1_300),
        };
        let silences = "silences before 1300".to_owned();
        assert_eq!(unheld(&known, rain), std::slice::from_ref(&silences));
        let signals = "signals before 1200".to_owned();
        assert_eq!(unheld(&known, signal), [signals, silences.clone()]);
        let forecasts = "forecasts before 1100".to_owned();
        assert_eq!(unheld(&known, expected), [forecasts, silences]);
        let all = Known {
            forecasts_since: None,
            signals_since: None,
            orders_since: None,
            ..known
        };
        for condition in [rain, signal, expected] {
            assert_eq!(unheld(&all, condition), Vec::<String>::new());
        }
    }
}
