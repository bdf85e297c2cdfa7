//! The zones as this process knows them: which it steps, how far, and whom to ask about the others.

use crate::questions::{Asked, Desk, Unanswered, questions};
use journal::Offset;
use model::Zone;
use parking_lot::RwLock;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};

/// How a zone stands with this process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It is stepped elsewhere, or nowhere yet.
    Elsewhere,
    /// Its state is being taken back; nothing live is stepped yet.
    Recovering,
    /// It is stepped here.
    Here,
    /// It is here and cannot be stepped: a later version wrote to it.
    Stuck,
}

impl Standing {
    const ALL: [Self; 4] = [Self::Elsewhere, Self::Recovering, Self::Here, Self::Stuck];
}

/// All zones, by number.
pub(crate) struct Zones {
    all: Vec<OfZone>,
    /// This process is to step zones and has not been given any yet.
    joining: AtomicBool,
}

struct OfZone {
    standing: AtomicU8,
    /// Next input of its machine.
    stepped: AtomicU64,
    desk: RwLock<Option<Arc<Desk>>>,
}

impl Zones {
    /// So many zones, all of which stand so.
    pub(crate) fn new(count: usize, standing: Standing) -> Self {
        let zone = || OfZone {
            standing: AtomicU8::new(standing as u8),
            stepped: AtomicU64::new(0),
            desk: RwLock::default(),
        };
        Self {
            all: (0..count).map(|_| zone()).collect(),
            joining: AtomicBool::new(false),
        }
    }

    /// Notes whether zones are still to be given out, or nobody has any to give.
    pub(crate) fn join(&self, joining: bool) {
        self.joining.store(joining, Ordering::Release);
    }

    /// Whether zones are still to be given out.
    pub(crate) fn is_joining(&self) -> bool {
        self.joining.load(Ordering::Acquire)
    }

    fn of(&self, zone: Zone) -> Option<&OfZone> {
        self.all.get(usize::from(zone.0))
    }

    /// How a zone stands.
    pub(crate) fn standing(&self, zone: Zone) -> Standing {
        let code = self
            .of(zone)
            .map_or(0, |of| of.standing.load(Ordering::Acquire));
        let known = Standing::ALL.get(usize::from(code));
        known.copied().unwrap_or(Standing::Elsewhere)
    }

    /// Notes how it stands from now on.
    pub(crate) fn stand(&self, zone: Zone, standing: Standing) {
        if let Some(of) = self.of(zone) {
            of.standing.store(standing as u8, Ordering::Release);
        }
        tracing::debug!(zone = zone.0, ?standing, "zone");
    }

    /// Whether this process feeds its screens with what the zone says, as it says it.
    pub(crate) fn is_here(&self, zone: Zone) -> bool {
        self.standing(zone) != Standing::Elsewhere
    }

    /// Zones that stand so.
    pub(crate) fn which(&self, standing: Standing) -> Vec<Zone> {
        let all = (0..self.all.len()).map(|zone| Zone(zone as u16));
        all.filter(|zone| self.standing(*zone) == standing)
            .collect()
    }

    /// Its machine goes on at `next`.
    pub(crate) fn step_to(&self, zone: Zone, next: Offset) {
        if let Some(of) = self.of(zone) {
            of.stepped.store(next.0, Ordering::Release);
        }
    }

    /// Where its machine goes on.
    pub(crate) fn stepped(&self, zone: Zone) -> u64 {
        self.of(zone)
            .map_or(0, |of| of.stepped.load(Ordering::Acquire))
    }

    /// Opens the desk of a zone that is stepped here.
    pub(crate) fn open_desk(&self, zone: Zone) -> Asked {
        let (desk, asked) = questions();
        if let Some(of) = self.of(zone) {
            *of.desk.write() = Some(Arc::new(desk));
        }
        asked
    }

    /// Where the zone is asked, while it is stepped here.
    pub(crate) fn desk(&self, zone: Zone) -> Result<Arc<Desk>, Unanswered> {
        let desk = self.of(zone).and_then(|of| of.desk.read().clone());
        desk.ok_or(Unanswered::Elsewhere)
    }

    /// The zone is stepped here no more.
    pub(crate) fn leave(&self, zone: Zone) {
        self.stand(zone, Standing::Elsewhere);
        if let Some(of) = self.of(zone) {
            *of.desk.write() = None;
        }
    }
}
