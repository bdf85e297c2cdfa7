//! The order of what waits follows the hour at which the hazard comes: what leaves stays the same, and
//! when it leaves does not (semantics §34, §36).

use super::Outbox;
use crate::intent::IntentId;
use model::Time;
use std::collections::BTreeMap;

impl Outbox {
    /// Puts intents in their places by the hours that are known of now.
    pub(super) fn arrives(&mut self, hours: &BTreeMap<IntentId, Time>) {
        for track in self.tracks.values_mut().filter(|track| !track.closed) {
            let Some(onset) = hours.get(&track.intent.id) else {
                continue;
            };
            for key in &mut track.keys {
                let moved = key.coming(*onset);
                if self.order.remove(key) {
                    self.order.insert(moved);
                }
                *key = moved;
            }
        }
    }
}
