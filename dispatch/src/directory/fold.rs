//! The next version out of one and what changed since, without a new roll.

use super::subscribers::Taking;
use super::{Directory, Earlier, Loaded, Numbers};
use model::City;
use model::fault::Faults;
use std::sync::Arc;

impl Directory {
    /// Makes the next version of `earlier`: who changed stands in it as they are now, and has the
    /// same number. `forgotten` are in it no more, nor is anything by which their ids are known;
    /// their numbers are never given again.
    pub fn folded(city: &City, earlier: Earlier<'_>, forgotten: &[u32]) -> Loaded {
        let before = earlier.directory;
        let mut faults = Faults::default();
        let mut classes = before.classes.clone();
        // Nobody gets a number by it.
        let mut giving = Numbers::default().giving(0);
        let mut taking =
            Taking::of_one(city, &before.order, &mut classes, &mut giving, &mut faults);
        taking.keep(before, |no| forgotten.binary_search(&no).is_err());
        let people = taking.finish();
        let mut numbers = earlier.numbers.since(before);
        numbers.forget(forgotten);
        let mut standing = before.standing_since();
        let is_kept = |no: &u32| forgotten.binary_search(no).is_err();
        standing.own.retain(is_kept);
        standing.out.retain(is_kept);
        let directory = Self::assemble(
            super::order::Order::new(city),
            Arc::unwrap_or_clone(Arc::clone(&before.contacts)),
            Arc::unwrap_or_clone(Arc::clone(&before.devices)),
            people,
            (classes, standing),
            &numbers,
        );
        Loaded {
            directory,
            numbers,
            faults: faults.into_vec(),
        }
    }
}

impl Numbers {
    /// Those of `numbers` of whom something is known still, or that might be given yet.
    pub fn knows(&self, numbers: &[u32]) -> Vec<u32> {
        let is_known = |no: &&u32| self.0.get(**no as usize).is_none_or(|key| *key != 0);
        numbers.iter().filter(is_known).copied().collect()
    }

    /// With those that were given since the version of `directory`, whose numbers these are.
    pub(super) fn since(&self, directory: &Directory) -> Self {
        let mut keys = self.0.clone();
        keys.extend(directory.keys_since());
        Self(keys)
    }

    /// Lets go of the ids of some numbers. A number that was never given is taken out of use.
    pub(super) fn forget(&mut self, numbers: &[u32]) {
        let least = numbers.iter().max().map_or(0, |no| *no as usize + 1);
        if self.0.len() < least {
            self.0.resize(least, 0);
        }
        for no in numbers {
            if let Some(key) = self.0.get_mut(*no as usize) {
                *key = 0;
            }
        }
    }
}
