//! Which number of a rule is turned, and through which values: `orange=30..80:5`.

use crate::command::Failure;
use rules::condition::Ratio;
use rules::rulebook::{Written, written};
use std::str::FromStr;

/// Most values of one sweep.
const VALUES_MAX: usize = 100;
/// Most digits after the point.
const PLACES_MAX: usize = 6;

/// A condition's key, which of its numbers, and the values to try.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Sweep {
    pub(super) key: String,
    /// From 1; `None` where the condition has only one.
    number: Option<usize>,
    /// Decimal texts, rising.
    values: Vec<String>,
}

/// A sweep with the place in the rulebook that it turns.
pub(super) struct Dial {
    /// As people name it: `orange`, or `yellow#2`.
    pub(super) name: String,
    pub(super) key: String,
    pub(super) written: Written,
    /// The values to try and the one that stands, rising.
    pub(super) values: Vec<String>,
}

impl FromStr for Sweep {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let form = "write KEY=FROM..TO:STEP or KEY=VALUE,VALUE,…, such as orange=30..80:5";
        let (name, values) = text.split_once('=').ok_or(form)?;
        let (key, number) = match name.split_once('#') {
            Some((key, number)) => match number.parse() {
                Ok(number) if number > 0 => (key, Some(number)),
                Ok(_) | Err(_) => {
                    return Err(format!("{number:?} is no place of a number: count from 1"));
                }
            },
            None => (name, None),
        };
        if key.is_empty() || values.is_empty() {
            return Err(form.to_owned());
        }
        let values = match values.split_once("..") {
            Some((from, rest)) => {
                let rest = rest.strip_prefix('=').unwrap_or(rest);
                let (to, step) = rest
                    .split_once(':')
                    .ok_or_else(|| format!("{values:?} has no step: write {values}:5"))?;
                range(from, to, step)?
            }
            None => {
                let values = values.split(',').map(decimal);
                values.collect::<Result<Vec<_>, _>>()?
            }
        };
        Ok(Self {
            key: key.to_owned(),
            number,
            values: rising(values)?,
        })
    }
}

/// A decimal in units of its last place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Decimal {
    number: i64,
    places: usize,
}

impl Decimal {
    fn at(self, places: usize) -> Option<i64> {
        let more = u32::try_from(places.checked_sub(self.places)?).ok()?;
        self.number.checked_mul(10i64.checked_pow(more)?)
    }

    fn text(self) -> String {
        let sign = if self.number < 0 { "-" } else { "" };
        let digits = format!(
            "{:0wide$}",
            self.number.unsigned_abs(),
            wide = self.places + 1
        );
        let (whole, part) = digits.split_at(digits.len() - self.places);
        match part.trim_end_matches('0') {
            "" => format!("{sign}{whole}"),
            part => format!("{sign}{whole}.{part}"),
        }
    }
}

fn decimal(text: &str) -> Result<Decimal, String> {
    let text = text.trim();
    let not = || {
        format!(
            "{text:?} is not a decimal number of at most 18 digits, {PLACES_MAX} of them after the point"
        )
    };
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    if Ratio::parse(text).is_none() || part.len() > PLACES_MAX {
        return Err(not());
    }
    let number = format!("{whole}{part}").parse().map_err(|_| not())?;
    Ok(Decimal {
        number,
        places: part.len(),
    })
}

fn range(from: &str, to: &str, step: &str) -> Result<Vec<Decimal>, String> {
    let [first, last, by] = [decimal(from)?, decimal(to)?, decimal(step)?];
    let places = first.places.max(last.places).max(by.places);
    let scaled = [first, last, by].map(|d| d.at(places));
    let [Some(first), Some(last), Some(by)] = scaled else {
        return Err(format!("{from}..{to}:{step} is out of range"));
    };
    if by <= 0 {
        return Err(format!("the step {step} is not above zero"));
    }
    if first > last {
        return Err(format!(
            "{from}..{to} is empty: write the smaller number first"
        ));
    }
    let count = last.saturating_sub(first) / by;
    if usize::try_from(count).map_or(true, |count| count >= VALUES_MAX) {
        return Err(format!(
            "{from}..{to}:{step} has more than {VALUES_MAX} values: take a larger step"
        ));
    }
    let number = |at: i64| first + at * by;
    Ok((0..=count)
        .map(|at| Decimal {
            number: number(at),
            places,
        })
        .collect())
}

/// In order, each once.
fn rising(mut values: Vec<Decimal>) -> Result<Vec<String>, String> {
    if values.iter().any(|value| value.at(PLACES_MAX).is_none()) {
        return Err("a value is out of range".to_owned());
    }
    let by_value = |a: &Decimal, b: &Decimal| {
        let at = |d: &Decimal| d.at(PLACES_MAX);
        at(a).cmp(&at(b))
    };
    values.sort_by(by_value);
    values.dedup_by(|a, b| by_value(a, b).is_eq());
    if values.len() > VALUES_MAX {
        return Err(format!("more than {VALUES_MAX} values"));
    }
    Ok(values.into_iter().map(Decimal::text).collect())
}

impl Sweep {
    /// Finds the number in the files of the rulebook.
    pub(super) fn find(&self, files: &[(String, Vec<u8>)], rule: &str) -> Result<Dial, Failure> {
        let bad = Failure::BadInput;
        let key = &self.key;
        let all = written(files, rule, key).map_err(|error| bad(error.to_string()))?;
        let listed = || {
            let listed = (1..).zip(&all);
            let listed = listed
                .map(|(at, one)| format!("\n  {key}#{at}  {}  in {}", one.text, one.comparison));
            listed.collect::<String>()
        };
        let (name, found) = match (self.number, all.as_slice()) {
            (None, [one]) => (key.clone(), one),
            (None, _) => {
                let count = all.len();
                return Err(bad(format!(
                    "{key} of rule {rule} has {count} numbers — say which:{}",
                    listed()
                )));
            }
            (Some(number), _) => match all.get(number - 1) {
                Some(one) if all.len() == 1 => (key.clone(), one),
                Some(one) => (format!("{key}#{number}"), one),
                None => {
                    return Err(bad(format!(
                        "{key} of rule {rule} has no number {number} — there are:{}",
                        listed()
                    )));
                }
            },
        };
        let stands: String = found.text.split_whitespace().collect();
        let as_it_stands =
            decimal(&stands).map_err(|why| bad(format!("{key} of rule {rule}: {why}")))?;
        let values = self.values.iter().map(|value| decimal(value));
        let mut values: Vec<Decimal> = values.collect::<Result<_, _>>().map_err(bad)?;
        values.push(as_it_stands);
        Ok(Dial {
            name,
            key: key.clone(),
            values: rising(values).map_err(bad)?,
            written: found.clone(),
        })
    }
}

impl Dial {
    /// The value that stands in the rulebook.
    pub(super) fn stands(&self) -> String {
        let text: String = self.written.text.split_whitespace().collect();
        decimal(&text).map_or(text, Decimal::text)
    }
}

#[cfg(test)]
mod tests {
    use super::Sweep;

    fn values(text: &str) -> Result<Vec<String>, String> {
        text.parse().map(|sweep: Sweep| sweep.values)
    }

    #[test]
    fn ranges_and_lists_are_exact() {
        assert_eq!(values("red=30..40:5").unwrap(), ["30", "35", "40"]);
        assert_eq!(values("red=30..=41:5").unwrap(), ["30", "35", "40"]);
        assert_eq!(
            values("lower.when=0.1..0.3:0.1").unwrap(),
            ["0.1", "0.2", "0.3"]
        );
        assert_eq!(values("blue=-2..-1:0.5").unwrap(), ["-2", "-1.5", "-1"]);
        assert_eq!(values("blue=50,10,50.0").unwrap(), ["10", "50"]);
    }

    #[test]
    fn what_is_wrong_is_named() {
        let cases = [
            ("red", "KEY=FROM"),
            ("=1,2", "KEY=FROM"),
            ("red=", "KEY=FROM"),
            ("red#0=1", "count from 1"),
            ("red=1..5", "no step"),
            ("red=5..1:1", "smaller number first"),
            ("red=1..5:0", "not above zero"),
            ("red=1..5:-1", "not above zero"),
            ("red=1..9999:1", "more than 100"),
            ("red=a,b", "not a decimal"),
            ("red=1e3", "not a decimal"),
            ("red=0.12345678", "6 of them"),
            ("red=999999999999999999,1", "out of range"),
        ];
        for (text, wanted) in cases {
            let words = values(text).unwrap_err();
            assert!(words.contains(wanted), "{text}: {words}");
        }
    }
}
