//! What is said at whole minutes without a new revision: to who came, what was low, and of water that goes
//! on rising.

use super::{Machine, Outputs};
use model::{Parameter, Span, Time};
use std::sync::Arc;

/// How old the newest depth of a site may be.
const LATELY: Span = Span::from_minutes(10);

impl Machine {
    /// Plans it.
    pub(super) fn gather(&mut self, at: Time, out: &mut Outputs) {
        let installation = Arc::clone(&self.installation);
        let (desk, city) = (installation.desk(), &installation.city);
        let (standing, intents) = (&self.standing, &mut out.intents);
        self.planner.gathered(at, standing, &desk, intents);
        let engine = &self.engine;
        let depth = |id: &str| {
            let site = city.site_no(id).and_then(|no| city.site(no))?;
            let readings = engine.readings(site.station?, Parameter::WaterDepth, LATELY);
            let sound = readings.into_iter().filter(|reading| !reading.is_suspect);
            let newest = sound.max_by_key(|reading| reading.time)?;
            (newest.time > at - LATELY).then_some(i64::from(newest.value))
        };
        self.planner.deeper(at, standing, depth, &desk, intents);
    }
}
