//! How often a series reports, learnt from the gaps between its newest readings.

use crate::Span;
use serde::{Deserialize, Serialize};

/// Gaps remembered: of seven, three outages do not pass for the usual.
const GAPS_MAX: usize = 7;
/// The longest silence that readings gain a series.
const PATIENCE_MAX: Span = Span::from_minutes(24 * 60);
const MINUTE_MS: i64 = 60_000;

/// The latest gaps between newest readings, whole minutes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cadence {
    /// The oldest is overwritten; zero where there was none yet.
    gaps: [u16; GAPS_MAX],
    next: u8,
}

impl Cadence {
    /// Takes note of the time between one newest reading and the next. Readings less than half a
    /// minute apart are one report.
    pub fn note(&mut self, gap: Span) {
        let minutes = gap.millis().saturating_add(MINUTE_MS / 2) / MINUTE_MS;
        if minutes < 1 {
            return;
        }
        if let Some(slot) = self.gaps.get_mut(usize::from(self.next)) {
            *slot = u16::try_from(minutes).unwrap_or(u16::MAX);
        }
        self.next = match usize::from(self.next) + 1 {
            GAPS_MAX => 0,
            _ => self.next + 1,
        };
    }

    /// The gap that is usual, the longer of two middle ones; `None` where nothing is known.
    pub fn usual(&self) -> Option<Span> {
        let mut gaps = self.gaps;
        gaps.sort_unstable();
        let none = gaps.iter().take_while(|gap| **gap == 0).count();
        let known = gaps.get(none..)?;
        let middle = known.get(known.len() / 2)?;
        Some(Span::from_minutes(i64::from(*middle)))
    }

    /// So many usual gaps, a day at most; nothing where none is known.
    pub fn patience(&self, intervals: u8) -> Span {
        let usual = self.usual().map_or(0, Span::minutes);
        Span::from_minutes(usual * i64::from(intervals)).min(PATIENCE_MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usual(gaps_s: &[i64]) -> Option<i64> {
        let mut cadence = Cadence::default();
        gaps_s
            .iter()
            .for_each(|gap| cadence.note(Span::from_seconds(*gap)));
        cadence.usual().map(Span::minutes)
    }

    #[test]
    fn the_usual_gap_is_the_middle_one_of_the_latest() {
        assert_eq!(usual(&[]), None);
        assert_eq!(usual(&[3_600]), Some(60));
        assert_eq!(usual(&[900, 3_600]), Some(60), "patience in doubt");
        assert_eq!(usual(&[3_540, 10, 3_700, 29, 80 * 3_600]), Some(62));
        assert_eq!(usual(&[29]), None, "one report in two parts");
        assert_eq!(
            usual(&[3_600; 20].map(|gap| gap + 20)),
            Some(60),
            "to the minute"
        );
        let slow_then_fast = [[3_600; 7].as_slice(), &[300; 4]].concat();
        assert_eq!(usual(&slow_then_fast), Some(5));
        assert_eq!(usual(&[i64::from(u32::MAX)]), Some(i64::from(u16::MAX)));
        let patience = |gap_s| {
            let mut cadence = Cadence::default();
            cadence.note(Span::from_seconds(gap_s));
            cadence.patience(3).minutes()
        };
        assert_eq!(
            [patience(0), patience(900), patience(86_400)],
            [0, 45, 1_440]
        );
    }
}
