//! What the simulated centre does with the nth submit: pure.

use super::CarrierConfig;
use super::dialect::Refusal;
use serde::Deserialize;

/// What happens to one submit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Accepted,
    Refused(Refusal),
    Silent,
}

/// How receipts spell the identifier that the answer gave as ten hexadecimal digits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum IdSpelling {
    /// As in the answer.
    #[default]
    Same,
    /// In turn: as in the answer, lower case without zeros, decimal.
    Mixed,
    /// Decimal.
    Decimal,
}

/// The fate of submit number `nth` (from 1). A fault that is rarer wins over one that is not.
pub(super) fn fate(config: &CarrierConfig, nth: u64) -> Fate {
    let each = |every: u64| every != 0 && nth.is_multiple_of(every);
    if each(config.silence_every) {
        Fate::Silent
    } else if each(config.refuse_every) {
        Fate::Refused(Refusal::Destination)
    } else if each(config.throttle_every) {
        Fate::Refused(Refusal::Throttled)
    } else {
        Fate::Accepted
    }
}

/// The identifier as answered: ten hexadecimal digits.
pub(super) fn id(nth: u64) -> [u8; 10] {
    let mut text = [b'0'; 10];
    for (place, digit) in text.iter_mut().rev().enumerate() {
        let nibble = (nth >> (4 * place)) & 0xF;
        let digits = b"0123456789ABCDEF";
        *digit = digits.get(nibble as usize).copied().unwrap_or(b'0');
    }
    text
}

/// The identifier as the receipt spells it.
pub(super) fn reported_id(spelling: IdSpelling, nth: u64) -> String {
    let turn = match spelling {
        IdSpelling::Same => 0,
        IdSpelling::Mixed => nth % 3,
        IdSpelling::Decimal => 2,
    };
    match turn {
        0 => String::from_utf8_lossy(&id(nth)).into_owned(),
        1 => format!("{nth:x}"),
        _ => nth.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_fall_where_they_are_asked_for() {
        let config = CarrierConfig {
            throttle_every: 2,
            silence_every: 6,
            ..CarrierConfig::default()
        };
        let fates: Vec<Fate> = (1..=6).map(|nth| fate(&config, nth)).collect();
        let throttled = Fate::Refused(Refusal::Throttled);
        let accepted = Fate::Accepted;
        let wanted = [
            accepted,
            throttled,
            accepted,
            throttled,
            accepted,
            Fate::Silent,
        ];
        assert_eq!(fates, wanted);
    }

    #[test]
    fn identifiers() {
        assert_eq!(&id(0xAB_CDEF), b"0000ABCDEF");
        assert_eq!(reported_id(IdSpelling::Mixed, 30), "000000001E");
        assert_eq!(reported_id(IdSpelling::Mixed, 31), "1f");
        assert_eq!(reported_id(IdSpelling::Mixed, 32), "32");
    }
}
