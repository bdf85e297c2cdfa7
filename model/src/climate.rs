//! What is usual at a station: return levels and the distribution of rain, as fitted elsewhere.

use crate::{Parameter, Quanta, Span, StationNo};
use std::collections::BTreeMap;

/// Return levels and distributions of a city's stations.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Climate {
    levels: BTreeMap<(Parameter, Span, Option<StationNo>), Vec<Level>>,
    gammas: BTreeMap<(Parameter, Span, u8, Option<StationNo>), Gamma>,
}

/// A value that is reached once in so many years on average.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Level {
    /// Return period, years.
    pub years: f64,
    /// In quanta of the parameter.
    pub value: Quanta,
}

/// A gamma distribution with a share of zeros (McKee et al. 1993; WMO-No. 1090).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Gamma {
    /// Shape α.
    pub shape: f64,
    /// Scale β, in the parameter's unit.
    pub scale: f64,
    /// Share of years without any.
    pub zero: f64,
}

impl Climate {
    /// Return levels of a window at a station, rising; those of every station where it has none of its
    /// own.
    pub fn levels(&self, parameter: Parameter, window: Span, station: StationNo) -> &[Level] {
        let of = |station| self.levels.get(&(parameter, window, station));
        let found = of(Some(station)).or_else(|| of(None));
        found.map_or(&[], Vec::as_slice)
    }

    /// The distribution over a window that ends in a month, 1 to 12.
    pub fn gamma(
        &self,
        parameter: Parameter,
        window: Span,
        month: u8,
        station: StationNo,
    ) -> Option<Gamma> {
        let of = |station| self.gammas.get(&(parameter, window, month, station));
        of(Some(station)).or_else(|| of(None)).copied()
    }

    /// True where nothing is known.
    pub fn is_empty(&self) -> bool {
        self.levels.is_empty() && self.gammas.is_empty()
    }

    /// Adds a return level; false where one of as many years is there, or where it does not rise with
    /// the years.
    pub(crate) fn add_level(
        &mut self,
        key: (Parameter, Span, Option<StationNo>),
        level: Level,
    ) -> bool {
        let held = self.levels.entry(key).or_default();
        let at = held.partition_point(|other| other.years < level.years);
        let rises = held.iter().take(at).all(|lower| lower.value < level.value)
            && held
                .iter()
                .skip(at)
                .all(|higher| higher.value > level.value && higher.years > level.years);
        if rises {
            held.insert(at, level);
        }
        rises
    }

    /// Adds a distribution; false where there is one already.
    pub(crate) fn add_gamma(
        &mut self,
        key: (Parameter, Span, u8, Option<StationNo>),
        gamma: Gamma,
    ) -> bool {
        self.gammas.insert(key, gamma).is_none()
    }
}
