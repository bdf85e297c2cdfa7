//! A ladder of thresholds over one list of readings, as a person would go through it with a pencil.

/// How a rule of some thresholds goes up and down; milliseconds and tenths of a millimetre.
pub(crate) struct Ladder {
    /// Lowest first.
    pub(crate) levels: Vec<i64>,
    /// How long a level must hold.
    pub(crate) hold: i64,
    /// How long it must be gone, by `below` at least.
    pub(crate) quiet: i64,
    pub(crate) below: i64,
    /// Longest step between two readings that still counts as watching.
    pub(crate) gap: i64,
}

/// What came of it.
#[derive(Default)]
pub(crate) struct Climb {
    /// Time and the rungs it left and reached.
    pub(crate) changes: Vec<(i64, usize, usize)>,
    /// For each reading whether nothing is on its way up or down after it.
    pub(crate) calm: Vec<bool>,
}

impl Ladder {
    /// Rung of a level by itself.
    pub(crate) fn rung(&self, level: i64) -> usize {
        self.levels.iter().filter(|bound| level >= **bound).count()
    }

    /// Goes through readings of time and level, oldest first; `end` is the newest time of all gauges.
    pub(crate) fn climb(&self, readings: &[(i64, i64)], end: i64) -> Climb {
        let mut climb = Climb::default();
        let count = self.levels.len();
        let mut stands = vec![false; count];
        let mut up: Vec<Option<i64>> = vec![None; count];
        let mut low = up.clone();
        for (at, (time, level)) in readings.iter().enumerate() {
            let step = at
                .checked_sub(1)
                .map_or(0, |before| time - readings[before].0);
            let before = highest(&stands);
            for (place, bound) in self.levels.iter().enumerate() {
                if !stands[place] {
                    up[place] = (level >= bound).then(|| up[place].unwrap_or(*time));
                    if up[place].is_some_and(|since| time - since >= self.hold) {
                        (stands[place], up[place]) = (true, None);
                    }
                    continue;
                }
                let watched = if step <= self.gap { step } else { 0 };
                low[place] = (*level < bound - self.below)
                    .then(|| low[place].map_or(0, |so_far| so_far + watched));
                if low[place].is_some_and(|so_far| so_far >= self.quiet) {
                    (stands[place], low[place]) = (false, None);
                }
            }
            climb.note(*time, before, highest(&stands));
            climb.calm.push(up.iter().chain(&low).all(Option::is_none));
            // What waits is there once its hold is over, unless the gauge says otherwise before.
            let next = readings.get(at + 1).map_or(end, |(next, _)| *next);
            let before = highest(&stands);
            let mut risen = None;
            for place in 0..count {
                if let Some(since) = up[place].filter(|since| since + self.hold < next) {
                    (stands[place], up[place]) = (true, None);
                    risen = risen.max(Some(since + self.hold));
                }
            }
            if let Some(time) = risen {
                climb.note(time, before, highest(&stands));
            }
        }
        climb
    }
}

impl Climb {
    fn note(&mut self, time: i64, from: usize, to: usize) {
        if from != to {
            self.changes.push((time, from, to));
        }
    }
}

fn highest(stands: &[bool]) -> usize {
    stands
        .iter()
        .rposition(|stands| *stands)
        .map_or(0, |at| at + 1)
}
