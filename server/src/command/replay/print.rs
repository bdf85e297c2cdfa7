//! The lines of a replay, one JSON object each, in the shape that the contract gives (design §5).

use model::warning::Event;
use model::{AreaCode, City, Hazard, Offset, Tier, Time, Warning, WarningId};
use rules::{Change, Effect};
use serde::{Serialize, Serializer, ser::SerializeMap};
use std::collections::BTreeMap;
use std::io::{self, BufWriter, Stdout, Write};

/// What is printed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum What {
    Signals,
    Warnings,
    Nothing,
}

/// Prints effects on standard output.
pub(super) struct Printer {
    what: What,
    offset: Offset,
    /// Areas of each open warning as last printed: a renewal changes none and is no event here.
    told: BTreeMap<WarningId, BTreeMap<AreaCode, Tier>>,
    out: BufWriter<Stdout>,
}

#[derive(Serialize)]
struct SignalLine<'a> {
    time: String,
    rule: &'a str,
    subject: &'a str,
    from: Tier,
    to: Tier,
    values: Values<'a>,
}

/// Values as numbers, in the order of the rule, with the digits that were computed.
struct Values<'a>(&'a [(String, Option<String>)]);

impl Serialize for Values<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (call, value) in self.0 {
            let number = value
                .as_ref()
                .map(|text| match text.parse::<serde_json::Number>() {
                    Ok(number) => serde_json::Value::Number(number),
                    Err(_) => serde_json::Value::String(text.clone()),
                });
            map.serialize_entry(call, &number)?;
        }
        map.end()
    }
}

#[derive(Serialize)]
struct WarningLine<'a> {
    time: String,
    warning: WarningId,
    event: Event,
    hazard: Hazard,
    tier: Tier,
    areas: BTreeMap<AreaCode, Tier>,
    rule: &'a str,
}

impl Printer {
    /// Prints each change of tier at a subject.
    pub(super) fn signals(city: &City) -> Self {
        Self::of(What::Signals, city)
    }

    /// Prints each event of a warning.
    pub(super) fn warnings(city: &City) -> Self {
        Self::of(What::Warnings, city)
    }

    /// Prints nothing.
    pub(super) fn silent(city: &City) -> Self {
        Self::of(What::Nothing, city)
    }

    fn of(what: What, city: &City) -> Self {
        Self {
            what,
            offset: city.offset,
            told: BTreeMap::new(),
            out: BufWriter::with_capacity(1 << 16, io::stdout()),
        }
    }

    /// Prints one effect, if it is of the kind asked for.
    pub(super) fn effect(&mut self, effect: &Effect) -> io::Result<()> {
        match (effect, self.what) {
            (Effect::Signal(change), What::Signals) => self.signal(change),
            (Effect::Warning(warning), What::Warnings) => self.warning(warning),
            (
                Effect::Signal(_)
                | Effect::Silence(_)
                | Effect::Warning(_)
                | Effect::Pending(_)
                | Effect::Muted(_)
                | Effect::Refused { .. },
                What::Signals | What::Warnings | What::Nothing,
            ) => Ok(()),
        }
    }

    /// Writes what is buffered.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }

    fn signal(&mut self, change: &Change) -> io::Result<()> {
        let line = SignalLine {
            time: self.text(change.time),
            rule: &change.rule,
            subject: &change.subject,
            from: change.from,
            to: change.to,
            values: Values(&change.values),
        };
        self.line(&line)
    }

    fn warning(&mut self, warning: &Warning) -> io::Result<()> {
        let areas: BTreeMap<_, _> = warning
            .areas
            .iter()
            .map(|(code, area)| (*code, area.tier))
            .collect();
        match warning.event {
            Event::Updated if self.told.get(&warning.id) == Some(&areas) => return Ok(()),
            Event::Proposed | Event::Issued | Event::Updated => {
                let standing = areas.iter().filter(|(_, tier)| **tier > Tier::None);
                self.told.insert(
                    warning.id,
                    standing.map(|(code, tier)| (*code, *tier)).collect(),
                );
            }
            Event::Ended | Event::Cancelled => {
                self.told.remove(&warning.id);
            }
        }
        let line = WarningLine {
            time: self.text(warning.time),
            warning: warning.id,
            event: warning.event,
            hazard: warning.hazard,
            tier: warning.tier(),
            areas,
            rule: &warning.rule,
        };
        self.line(&line)
    }

    fn line<T: Serialize>(&mut self, line: &T) -> io::Result<()> {
        serde_json::to_writer(&mut self.out, line)?;
        self.out.write_all(b"\n")
    }

    fn text(&self, time: Time) -> String {
        time.display(self.offset)
    }
}
