//! The lines of a bench and how they are printed: a table for people, JSON for programs.

use super::Failure;
use serde::Serialize;

/// One figure with what it cost.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Line {
    /// What was measured.
    pub(super) name: String,
    /// The figure.
    pub(super) figure: f64,
    /// Its unit.
    pub(super) unit: &'static str,
    /// What is asked of it; `None` where nothing is.
    pub(super) asked: Option<f64>,
    /// What is aimed at.
    pub(super) goal: Option<f64>,
    /// True where less is better.
    pub(super) less_is_better: bool,
    /// Seconds on the wall.
    pub(super) wall_s: f64,
    /// CPU seconds of the process that is measured.
    pub(super) cpu_s: f64,
    /// CPU seconds of this process, which makes the load.
    pub(super) load_cpu_s: f64,
    /// How many units the CPU seconds were spent on.
    pub(super) count: u64,
    /// Load average over one minute when the line was done.
    pub(super) load_average: f64,
    /// What else should be known.
    pub(super) note: String,
}

impl Line {
    /// CPU microseconds of the measured process for each unit.
    fn cpu_us(&self) -> Option<f64> {
        (self.count > 0 && self.cpu_s > 0.0).then(|| self.cpu_s * 1e6 / self.count as f64)
    }

    /// Whether a wanted figure is reached.
    fn reaches(&self, wanted: Option<f64>) -> &'static str {
        match wanted {
            None => "",
            Some(wanted) if (self.figure <= wanted) == self.less_is_better => "✓",
            Some(wanted) if self.figure == wanted => "✓",
            Some(_) => "✗",
        }
    }
}

/// The load average over the last minute.
pub(super) fn load_average() -> f64 {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let first = text.split_whitespace().next();
    first.and_then(|word| word.parse().ok()).unwrap_or_default()
}

/// Says what goes on, on standard error.
pub(super) fn progress(words: &str) {
    eprintln!("  … {words}");
}

/// Prints all lines on standard output.
pub(super) fn print(lines: &[Line], json: bool) -> Result<(), Failure> {
    if json {
        let text = serde_json::to_string_pretty(lines)
            .map_err(|error| Failure::Failed(error.to_string()))?;
        println!("{text}");
        return Ok(());
    }
    println!(
        "{:<34} {:>12} {:<14} {:>8} {:>9} {:>9} {:>9} {:>6} {:>14} {:>14}",
        "what", "figure", "", "wall s", "CPU s", "load CPU", "µs/unit", "load", "asked", "goal"
    );
    for line in lines {
        let wanted = |wanted: Option<f64>| {
            let figure = wanted.map(number).unwrap_or_default();
            format!("{figure} {}", line.reaches(wanted))
        };
        println!(
            "{:<34} {:>12} {:<14} {:>8.2} {:>9.2} {:>9.2} {:>9} {:>6.1} {:>14} {:>14}",
            line.name,
            number(line.figure),
            line.unit,
            line.wall_s,
            line.cpu_s,
            line.load_cpu_s,
            line.cpu_us()
                .map(|us| format!("{us:.2}"))
                .unwrap_or_default(),
            line.load_average,
            wanted(line.asked),
            wanted(line.goal),
        );
        if !line.note.is_empty() {
            println!("  {}", line.note);
        }
    }
    Ok(())
}

/// A figure as people read it: thousands apart, small ones with decimals.
fn number(value: f64) -> String {
    if value.abs() < 100.0 {
        return format!("{value:.2}");
    }
    let digits = format!("{value:.0}");
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_readable_and_judged_by_their_direction() {
        assert_eq!(number(1_234_567.0), "1,234,567");
        assert_eq!(number(250.4), "250");
        assert_eq!(number(1.3), "1.30");
        let rate = Line {
            figure: 300_000.0,
            ..Line::default()
        };
        assert_eq!(
            (rate.reaches(Some(250_000.0)), rate.reaches(Some(1e6))),
            ("✓", "✗")
        );
        let wait = Line {
            figure: 12.0,
            less_is_better: true,
            ..Line::default()
        };
        assert_eq!(
            (wait.reaches(Some(12.0)), wait.reaches(Some(1.5))),
            ("✓", "✗")
        );
    }
}
