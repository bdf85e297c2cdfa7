//! Rules that are silenced, as screens show it: with each of their findings, and by themselves.

use super::{MutedItem, View};
use model::{AreaCode, AreaNo, City, Mute, Muted};

/// Rule id, zone, and the area in it where it is not the whole zone.
pub(super) type Key = (String, AreaCode, Option<AreaCode>);

impl View {
    /// A rule is silenced, or speaks again.
    pub(crate) fn muted(&self, city: &City, muted: &Muted) {
        let mute = &muted.mute;
        let key = (mute.rule.clone(), muted.zone, mute.area);
        {
            let mut inner = self.inner.write();
            match muted.over {
                None => inner.muted.insert(key, mute.clone()),
                Some(_) => inner.muted.remove(&key),
            };
        }
        self.stream.send(
            "mute",
            &serde_json::json!({
                "rule": mute.rule,
                "zone": muted.zone,
                "area": mute.area,
                "since": self.text(mute.since),
                "until": self.text(mute.until),
                "person": mute.person,
                "reason": mute.reason,
                "over": muted.over.map(|at| self.text(at)),
                "lifted_by": muted.lifted_by,
            }),
        );
        self.remark_muted(city, &mute.rule);
    }

    /// Tells of each finding of a rule anew where it is silenced there now and was not, or the
    /// other way round.
    fn remark_muted(&self, city: &City, rule: &str) {
        let mut inner = self.inner.write();
        let of_rule = inner.situations.iter().filter(|((of, _), _)| of == rule);
        let marked = of_rule.filter_map(|(key, item)| {
            let area = AreaCode::parse(&item.area).ok();
            let area = area.and_then(|code| city.area_no(code))?;
            let now = self.covering(inner.muted.iter(), city, rule, area);
            (item.muted != now).then(|| (key.clone(), now))
        });
        let marked: Vec<_> = marked.collect();
        for (key, now) in marked {
            if let Some(item) = inner.situations.get_mut(&key) {
                item.muted = now;
                self.stream.send("situation", item);
            }
        }
    }

    /// Until when a rule is silenced in an area, if it is.
    pub(crate) fn muted_in(&self, city: &City, rule: &str, area: AreaNo) -> Option<MutedItem> {
        let inner = self.inner.read();
        self.covering(inner.muted.iter(), city, rule, area)
    }

    /// The longest of the silences that an area lies in.
    fn covering<'a>(
        &self,
        muted: impl Iterator<Item = (&'a Key, &'a Mute)>,
        city: &City,
        rule: &str,
        area: AreaNo,
    ) -> Option<MutedItem> {
        let zone = city.zone_code(city.zone_of(area));
        let covers = |(key, _): &(&Key, &Mute)| {
            let (of, in_zone, within) = key;
            let holds = |code: AreaCode| {
                let outer = city.area_no(code);
                outer.is_some_and(|outer| city.is_within(area, outer))
            };
            of == rule && *in_zone == zone && within.is_none_or(holds)
        };
        let longest = muted.filter(covers).max_by_key(|(_, mute)| mute.until);
        longest.map(|(_, mute)| MutedItem {
            until: self.text(mute.until),
            person: mute.person.clone(),
            reason: mute.reason.clone(),
        })
    }

    /// Every silence, with its zone.
    pub(crate) fn mutes(&self) -> Vec<(AreaCode, Mute)> {
        let inner = self.inner.read();
        let muted = inner.muted.iter();
        muted
            .map(|((_, zone, _), mute)| (*zone, mute.clone()))
            .collect()
    }

    /// The zones in which a rule is silenced, everywhere or in some of these areas.
    pub(crate) fn muted_zones(&self, rule: &str, areas: &[AreaCode]) -> Vec<AreaCode> {
        let inner = self.inner.read();
        let named = |area: &Option<AreaCode>| {
            areas.is_empty() || area.is_some_and(|area| areas.contains(&area))
        };
        let keys = inner.muted.keys();
        let of_rule = keys.filter(|(of, _, area)| of == rule && named(area));
        let mut zones: Vec<_> = of_rule.map(|(_, zone, _)| *zone).collect();
        zones.dedup();
        zones
    }
}
