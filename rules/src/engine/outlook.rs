//! How a subject stands to each tier of a rule now: what is compared with what, how far it is
//! from there, and what a rise or a fall still waits for.

use super::texts::{figure_text, value_text};
use super::verdict::Evaluation;
use super::{Asked, Engine};
use crate::condition::{Compared as Raw, Kleene, Program, Ratio, Situated, What};
use crate::indicator::NEVER;
use crate::rulebook::Rule;
use crate::window::Value;
use model::{Span, Tier, Time};
use serde::Serialize;

/// One rule at one subject.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Outlook {
    /// Rule id.
    pub rule: String,
    /// Version of its file.
    pub version: String,
    /// Station, site or area id.
    pub subject: String,
    /// Newest observation time.
    #[serde(skip)]
    pub time: Time,
    /// Tier found.
    pub tier: Tier,
    /// Each tier of the rule, lowest first.
    pub tiers: Vec<TierOutlook>,
    /// What must hold besides, for any tier to rise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub continuing: Option<Part>,
    /// What must hold besides, for any tier to fall.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lower_when: Option<Part>,
    /// How long conditions must hold before a tier rises.
    #[serde(skip)]
    pub raise_after: Span,
    /// How long they must be gone before it falls.
    #[serde(skip)]
    pub lower_after: Span,
}

/// One tier there.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TierOutlook {
    /// Which.
    pub tier: Tier,
    /// The condition for it to rise.
    pub rise: Part,
    /// The loosened condition that keeps it up, where the tier is reached.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stay: Option<Part>,
    /// When it was reached.
    #[serde(skip)]
    pub reached: Option<Time>,
    /// When it rises if its condition goes on to hold.
    #[serde(skip)]
    pub rises: Option<Time>,
    /// How long what keeps it up has been gone; `None` while it is not.
    #[serde(skip)]
    pub quiet: Option<Span>,
}

/// A condition with its truth and its comparisons.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Part {
    /// As written in the rule.
    pub condition: String,
    /// `None` where it cannot be told.
    pub holds: Option<bool>,
    /// What is compared.
    pub compared: Vec<Compared>,
}

/// One comparison, in the unit of its parameter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Compared {
    /// The call as written, or `situation("id")` or `signal("11B01")`.
    pub call: String,
    /// Its value; `None` where unknown.
    pub value: Option<String>,
    /// `>=`, `>`, `<=`, `<`, `==` or `!=`.
    pub test: &'static str,
    /// What it is held against; `None` where the site has no such threshold or several calls are
    /// held against each other.
    pub bound: Option<String>,
    /// How far the value is from the bound, where the comparison does not hold.
    pub short: Option<String>,
    /// `None` where it cannot be told.
    pub holds: Option<bool>,
}

impl Engine {
    /// How a subject stands to a rule; `None` where the rule has no such subject here or nothing
    /// was observed there yet.
    pub fn outlook(&self, rule: &str, subject: &str) -> Option<Outlook> {
        let (number, spec) = self.rulebook.rule(rule)?;
        let state = self.rules.get(number)?;
        let mut subjects = state.subjects.iter();
        let place = subjects.position(|held| held.own && held.id(&self.city) == subject)?;
        let held = state.subjects.get(place)?;
        let newest = self.newest(state, place);
        if newest == i64::MIN {
            return None;
        }
        let time = Time::from_millis(newest);
        let mut asked = Asked::default();
        self.asked_of(number, u32::try_from(place).ok()?, &mut asked);
        let evaluation = Evaluation {
            rule: spec,
            windows: &self.windows,
            asked: &asked,
            city: &self.city,
            forecasts: &self.forecasts,
        };
        let mut values = Vec::new();
        evaluation.figures(held, time, true, &mut values);
        let at = |lowering| evaluation.situated(held, &values, lowering);
        let part = |key: &str, program: &Program, lowering| part(spec, key, program, &at(lowering));
        let mut latches = held
            .state
            .as_ref()
            .map(|s| s.reached.clone())
            .unwrap_or_default();
        if let Some(watch) = state.watches.get(place) {
            latches.rested_until(watch.rested_until);
        }
        let tiers = spec.tiers.iter().enumerate().map(|(place, tier)| {
            let wait = latches.wait(place, &held.holds);
            let time = |millis: Option<i64>| millis.map(Time::from_millis);
            TierOutlook {
                tier: tier.tier,
                rise: part(tier.tier.name(), &tier.raise, false),
                stay: wait
                    .set
                    .map(|_| part(tier.tier.name(), &tier.relaxed, true)),
                reached: time(wait.set),
                rises: time(wait.rises),
                quiet: wait.quiet_ms.map(Span::from_millis),
            }
        });
        Some(Outlook {
            rule: spec.id.clone(),
            version: spec.version.clone(),
            subject: subject.to_owned(),
            time,
            tier: held.standing.reached,
            tiers: tiers.collect(),
            continuing: spec
                .continuing
                .as_ref()
                .map(|program| part("continuing", program, false)),
            lower_when: spec
                .lower_when
                .as_ref()
                .map(|program| part("lower.when", program, true)),
            raise_after: spec.raise_after,
            lower_after: spec.lower_after,
        })
    }
}

fn part(rule: &Rule, key: &str, program: &Program, at: &Situated<'_>) -> Part {
    let compared = program.compared(at).into_iter();
    Part {
        condition: rule.conditions.get(key).cloned().unwrap_or_default(),
        holds: told(program.evaluate(at)),
        compared: compared.map(|one| words(rule, one, at)).collect(),
    }
}

fn words(rule: &Rule, raw: Raw, at: &Situated<'_>) -> Compared {
    let name = |call: u16| {
        let call = rule.calls.get(usize::from(call));
        call.map(|call| call.text.clone()).unwrap_or_default()
    };
    let value = |call: u16| {
        let value = at
            .values
            .get(usize::from(call))
            .filter(|value| value.is_known());
        rule.calls.get(usize::from(call)).zip(value.copied())
    };
    let text = |call: u16| value(call).and_then(|(call, value)| value_text(call, &value));
    let (test, holds) = (raw.test, told(raw.holds));
    let (call, value, bound, short) = match raw.what {
        What::Call { call, bound } => {
            let of = |ratio: Ratio| {
                let call = rule.calls.get(usize::from(call))?;
                Some(figure_text(call, ratio.number(), ratio.of()))
            };
            let missed = || holds == Some(false) && matches!(test, ">=" | ">" | "<=" | "<");
            // Nothing is any nearer to what never comes.
            let short = value(call).filter(|(_, value)| missed() && value.number < NEVER);
            let short = short.and_then(|(_, value)| distance(&value, bound));
            (name(call), text(call), of(bound), short.and_then(of))
        }
        What::NoThreshold { call } => (name(call), text(call), None, None),
        What::Several { calls } => {
            let names: Vec<String> = calls.iter().map(|call| name(*call)).collect();
            let values: Option<Vec<String>> = calls.iter().map(|call| text(*call)).collect();
            let values = values.map(|values| values.join(", "));
            (names.join(", "), values, None, None)
        }
        What::Tier { index, tier } => {
            let asked = rule.asked.get(usize::from(index));
            let asked = asked.map(ToString::to_string).unwrap_or_default();
            let found = at
                .tiers
                .get(usize::from(index))
                .copied()
                .unwrap_or_default();
            let value = Some(found.name().to_owned());
            (asked, value, Some(tier.name().to_owned()), None)
        }
    };
    Compared {
        call,
        value,
        test,
        bound,
        short,
        holds,
    }
}

/// How far a figure is from a bound, without its sign.
fn distance(value: &Value, bound: Ratio) -> Option<Ratio> {
    let found = Ratio::new(value.number, value.of)?;
    let apart = found.number().checked_mul(bound.of())?;
    let apart = apart.checked_sub(bound.number().checked_mul(found.of())?)?;
    Ratio::new(apart.checked_abs()?, found.of().checked_mul(bound.of())?)
}

const fn told(truth: Kleene) -> Option<bool> {
    match truth {
        Kleene::False => Some(false),
        Kleene::Unknown => None,
        Kleene::True => Some(true),
    }
}
