//! `lost = { when = "…", near = "…", several = 3, within = "20m" }`: when the silence of a subject is
//! evidence.

use super::SubjectKind;
use super::keys::Keys;
use super::read::condition;
use crate::condition::{Program, Relaxation, Scope};
use model::Span;
use model::fault::Faults;
use std::collections::BTreeMap;

/// How far apart the last readings of several lost subjects may lie where a rule does not say.
const WITHIN: Span = Span::from_minutes(20);

/// When a subject that falls silent counts for the tier above its own.
#[derive(Clone, Debug)]
pub(crate) struct Lost {
    /// What its last readings must say.
    pub(crate) when: Option<Program>,
    /// What the last readings of some subject of the district say where the hazard is not far: as
    /// good as in force for who went with the stations around it.
    pub(crate) near: Option<Program>,
    /// So many subjects of an area lost together, where the hazard is there or forecast.
    pub(crate) several: Option<usize>,
    /// How far apart their last readings may lie.
    pub(crate) within: Span,
}

pub(super) fn read(
    keys: &Keys<'_>,
    subject: SubjectKind,
    scope: &mut Scope,
    conditions: &mut BTreeMap<String, String>,
    faults: &mut Faults,
) -> Option<Lost> {
    let lost = keys.table("lost", faults)?;
    lost.known("lost.", &["when", "near", "several", "within"], faults);
    if subject == SubjectKind::Area {
        faults.error(
            lost.at(lost.spot),
            "lost",
            "an area does not fall silent",
            "use it with subject = \"station\" or \"site\"",
        );
    }
    let when = condition(&lost, "when", Relaxation::None, scope, faults);
    let near = condition(&lost, "near", Relaxation::None, scope, faults);
    for key in ["when", "near"] {
        if let Some((text, _)) = lost.text(key, faults) {
            conditions.insert(format!("lost.{key}"), text);
        }
    }
    let several = lost.integer("several", faults).and_then(|(number, spot)| {
        let several = usize::try_from(number).ok().filter(|n| *n >= 2);
        if several.is_none() {
            faults.error(
                lost.at(spot),
                "lost.several",
                format!("{number} is not several"),
                "write 2 or more; for one alone write when = \"…\"",
            );
        }
        several
    });
    let within = lost.span("within", faults);
    if within.is_some_and(|within| within <= Span::ZERO) {
        let spot = lost.value("within");
        faults.error(lost.at(spot), "lost.within", "it is zero", "write 20m");
    }
    if within.is_some() && lost.get("several").is_none() {
        faults.error(
            lost.at(lost.key("within")),
            "lost.within",
            "nothing would use it",
            "add several = 3, or take it out",
        );
    }
    let says = ["when", "near", "several"];
    if !says.iter().any(|key| lost.get(key).is_some()) {
        faults.error(
            lost.at(lost.spot),
            "lost",
            "it says nothing",
            "write when = 'water_level.rate(\"30m\") >= 0.3', or several = 3",
        );
    }
    Some(Lost {
        when,
        near,
        several,
        within: within.unwrap_or(WITHIN),
    })
}
