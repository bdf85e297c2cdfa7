//! Signals of other authorities that a test lets come in, for the whole city.
//!
//! ```toml
//! signal = [{ at = "30m", hazard = "11B01", tier = "blue" }, { at = "3h", hazard = "11B01", tier = "none" }]
//! ```
//!
//! Each takes the place of the one before of its hazard; `none` lifts it.

use super::stage;
use crate::rulebook::keys::Keys;
use model::fault::{Faults, perhaps, quoted};
use model::signal::SignalKind;
use model::{AreaCode, AreaLevel, Hazard, Mode, Signal, Span, Tier, Time};
use std::collections::BTreeMap;

/// Who says so here.
const SENDER: &str = "test";

/// The signals of a test, by the time that each comes in.
pub(super) fn read(keys: &Keys<'_>, start: Time, faults: &mut Faults) -> Vec<(Time, Signal)> {
    let mut told: Vec<(Time, Hazard, Tier)> = Vec::new();
    for table in keys.tables("signal", faults) {
        table.known("signal.", &["at", "hazard", "tier"], faults);
        let at = start + table.span("at", faults).unwrap_or(Span::ZERO);
        let hazard = table.needed_text("hazard", faults);
        let tier = table.needed_text("tier", faults);
        let (Some((code, hazard_spot)), Some((name, tier_spot))) = (hazard, tier) else {
            continue;
        };
        let (hazard, tier) = (Hazard::from_code(&code), Tier::from_name(&name));
        if hazard.is_none() {
            let what = format!("{} is no event code that we know", quoted(&code));
            faults.error(table.at(hazard_spot), "hazard", what, Hazard::near(&code));
        }
        if tier.is_none() {
            let what = format!("{} is no tier", quoted(&name));
            let near = perhaps(&name, super::TIERS);
            let remedy = format!("{near}write none, white, blue, yellow, orange or red");
            faults.error(table.at(tier_spot), "tier", what, remedy);
        }
        told.extend(hazard.zip(tier).map(|(hazard, tier)| (at, hazard, tier)));
    }
    told.sort_by_key(|(at, ..)| *at);
    let mut before: BTreeMap<Hazard, String> = BTreeMap::new();
    let numbered = told.into_iter().zip(1u32..);
    numbered
        .map(|((at, hazard, tier), number)| {
            let identifier = format!("{SENDER}-{number}");
            let replaced = before.insert(hazard, identifier.clone());
            (at, signal(identifier, at, hazard, tier, replaced))
        })
        .collect()
}

fn signal(
    identifier: String,
    at: Time,
    hazard: Hazard,
    tier: Tier,
    replaced: Option<String>,
) -> Signal {
    let kind = match (tier, &replaced) {
        (Tier::None, _) => SignalKind::Cancel,
        (_, None) => SignalKind::Alert,
        (_, Some(_)) => SignalKind::Update,
    };
    let city = AreaCode::parse(stage::area(AreaLevel::City)).ok();
    Signal {
        identifier,
        sender: SENDER.into(),
        sender_name: SENDER.into(),
        sent: at,
        mode: Mode::Test,
        kind,
        references: replaced.into_iter().collect(),
        hazard: Some(hazard),
        event: hazard.code().into(),
        tier,
        areas: city.into_iter().collect(),
        area_desc: Vec::new(),
        onset: at,
        expires: None,
        texts: Vec::new(),
        state: None,
    }
}
