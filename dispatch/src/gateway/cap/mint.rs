//! Mints CAP identifiers: authority, second, and a number within the second (semantics §25).

use model::{Offset, Time};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Seconds whose counts are remembered; older ones can no longer be minted in.
pub const SECONDS_MAX: usize = 4096;
/// Identifiers within one second: the bare one and `_1` to `_9`.
pub const PER_SECOND: u8 = 10;

/// What one authority has minted. Part of the state that is stored with the outputs: an identifier
/// is never given twice, also over a restart.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mint {
    taken: BTreeMap<i64, u8>,
    /// Newest second that was forgotten: nothing at or before it is minted again.
    floor: Option<i64>,
}

impl Mint {
    /// The next identifier of `authority` (14 digits) for an act observed at `at`:
    /// `ZZZZZZDDDUUUXX_YYYYMMDDhhmmss[_N]`. The eleventh of a second takes the next free second.
    pub fn next(&mut self, authority: &str, at: Time, offset: Offset) -> String {
        let mut second = at.seconds();
        if let Some(floor) = self.floor {
            second = second.max(floor.saturating_add(1));
        }
        while self.taken.get(&second).is_some_and(|n| *n >= PER_SECOND) {
            second = second.saturating_add(1);
        }
        let count = self.taken.entry(second).or_insert(0);
        let number = *count;
        *count += 1;
        while self.taken.len() > SECONDS_MAX {
            if let Some((oldest, _)) = self.taken.pop_first() {
                self.floor = Some(oldest);
            }
        }
        let stamp = stamp(second, offset);
        if number == 0 {
            format!("{authority}_{stamp}")
        } else {
            format!("{authority}_{stamp}_{number}")
        }
    }
}

/// `YYYYMMDDhhmmss` in local time.
fn stamp(second: i64, offset: Offset) -> String {
    let text = Time::from_seconds(second).display(offset);
    text.chars().take(19).filter(char::is_ascii_digit).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    const AUTHORITY: &str = "44010041600000";

    fn time(text: &str) -> Time {
        Time::parse(text).unwrap().0
    }

    #[test]
    fn the_eleventh_takes_the_next_free_second() {
        let mut mint = Mint::default();
        let at = time("2023-09-07T13:04:00+08:00");
        let ids: Vec<String> = (0..12)
            .map(|_| mint.next(AUTHORITY, at, Offset(480)))
            .collect();
        assert_eq!(ids[0], "44010041600000_20230907130400");
        assert_eq!(ids[1], "44010041600000_20230907130400_1");
        assert_eq!(ids[9], "44010041600000_20230907130400_9");
        assert_eq!(ids[10], "44010041600000_20230907130401");
        assert_eq!(ids[11], "44010041600000_20230907130401_1");
        let next = mint.next(AUTHORITY, time("2023-09-07T13:04:01+08:00"), Offset(480));
        assert_eq!(next, "44010041600000_20230907130401_2");
    }

    #[test]
    fn what_was_forgotten_is_not_minted_again() {
        let mut mint = Mint::default();
        let at = time("2023-09-07T13:04:00+08:00");
        let first = mint.next(AUTHORITY, at, Offset(480));
        for second in 1..=SECONDS_MAX as i64 {
            mint.next(
                AUTHORITY,
                at + model::Span::from_seconds(second),
                Offset(480),
            );
        }
        assert_eq!(mint.taken.len(), SECONDS_MAX);
        let again = mint.next(AUTHORITY, at, Offset(480));
        assert_ne!(again, first);
        assert_eq!(again, "44010041600000_20230907130401_1");
    }

    proptest! {
        #[test]
        fn never_twice(seconds in proptest::collection::vec(0i64..40, 0..300)) {
            let mut mint = Mint::default();
            let mut seen = BTreeSet::new();
            for second in seconds {
                let stored = serde_json::to_string(&mint).unwrap();
                mint = serde_json::from_str(&stored).unwrap();
                let id = mint.next(AUTHORITY, Time::from_seconds(second), Offset(480));
                prop_assert!(seen.insert(id));
            }
        }
    }
}
