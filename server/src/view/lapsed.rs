//! Warnings in force whose validity ran out and was not renewed: whoever goes by `expires` has let go of
//! them, while they stand here.

use super::{Inner, View};
use model::{AreaCode, Time, WarningId};

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Lapsed {
    pub(crate) warning: WarningId,
    /// Hazard code.
    pub(crate) hazard: &'static str,
    /// When its validity ran out, as the screens show it.
    pub(crate) expired: String,
}

impl Inner {
    /// Whether what stands of a warning has run out by `now`. A relay ends when its authority says so.
    fn lapsed(&self, id: WarningId, now: Time) -> Option<Lapsed> {
        let item = self.warnings.get(&id).filter(|item| item.relay.is_none())?;
        let expired = item.standing()?.expires;
        let (until, _) = Time::parse(&expired).ok()?;
        (until <= now).then_some(Lapsed {
            warning: id,
            hazard: item.hazard.code(),
            expired,
        })
    }

    /// True where that was not said before.
    fn is_news(&mut self, lapsed: &Lapsed) -> bool {
        let (warnings, said) = (&self.warnings, &mut self.lapses);
        said.retain(|id, _| warnings.contains_key(id));
        let before = said.insert(lapsed.warning, lapsed.expired.clone());
        before.as_ref() != Some(&lapsed.expired)
    }
}

impl View {
    /// How many stand beyond their validity.
    pub(crate) fn lapsed_count(&self) -> i64 {
        let inner = self.inner.read();
        let ids = inner.warnings.keys();
        let lapsed = ids.filter(|id| inner.lapsed(**id, inner.time).is_some());
        i64::try_from(lapsed.count()).unwrap_or(i64::MAX)
    }

    /// Those of a zone that ran out by `now`, each once.
    pub(crate) fn lapses(&self, zone: AreaCode, now: Time) -> Vec<Lapsed> {
        let mut inner = self.inner.write();
        let zone = zone.to_string();
        let of_zone = inner.warnings.iter().filter(|(_, item)| item.zone == zone);
        let ids: Vec<WarningId> = of_zone.map(|(id, _)| *id).collect();
        let mut lapsed: Vec<_> = ids.iter().filter_map(|id| inner.lapsed(*id, now)).collect();
        lapsed.retain(|lapsed| inner.is_news(lapsed));
        lapsed
    }

    /// What stood of a warning until this moment, where that had run out and nobody was told.
    pub(crate) fn lapsed_before(&self, id: WarningId, now: Time) -> Option<Lapsed> {
        let mut inner = self.inner.write();
        let lapsed = inner.lapsed(id, now)?;
        inner.is_news(&lapsed).then_some(lapsed)
    }
}
