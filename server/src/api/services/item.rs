//! Processes, slots and the evening product as the API shows them.

use crate::evening::{Draft, Reach};
use dispatch::wording::Roles;
use model::service::{Clock, Evening, Lead, Process, Product, Slot, SlotState};
use model::{AreaCode, City, Language, Named, Time};
use rules::service::{Night, RiskReason};
use serde_json::{Value, json};
use std::collections::BTreeMap;

type Text<'t> = &'t dyn Fn(Time) -> String;

fn area_name(city: &City, code: AreaCode) -> Named {
    let no = city.area_no(code);
    let area = no.and_then(|no| city.area(no));
    area.map(|area| area.name.clone()).unwrap_or_default()
}

/// A process with its slots; with `now`, how long each still has.
pub(crate) fn process_item(
    process: &Process,
    city: &City,
    now: Option<Time>,
    text: Text<'_>,
) -> Value {
    let areas = process.areas.iter();
    let basis = process.basis.iter().map(|basis| {
        json!({
            "ground": basis.ground,
            "reference": basis.reference,
            "sender": basis.sender,
            "tier": basis.tier,
            "onset": text(basis.onset),
        })
    });
    let slots = process.slots.iter();
    json!({
        "id": process.id,
        "ladder": process.ladder,
        "service": process.service,
        "name": process.name,
        "hazard": process.hazard,
        "hazard_name": Named { zh: process.hazard.zh().to_owned(), en: process.hazard.en().to_owned() },
        "areas": process.areas,
        "area_names": areas.map(|code| area_name(city, *code)).collect::<Vec<_>>(),
        "state": process.state,
        "onset": text(process.onset),
        "end": text(process.end),
        "closes": text(process.closing()),
        "known": text(process.known),
        "changed": text(process.changed),
        "by": process.by,
        "reason": process.reason,
        "basis": basis.collect::<Vec<_>>(),
        "slots": slots.map(|slot| slot_item(slot, now, text)).collect::<Vec<_>>(),
    })
}

/// A slot.
pub(crate) fn slot_item(slot: &Slot, now: Option<Time>, text: Text<'_>) -> Value {
    let stage = &slot.stage;
    let at = |of: fn(&Clock) -> Time| slot.clock.as_ref().map(|c| text(of(c)));
    let is_due = slot.state == SlotState::Due;
    let left = slot.clock.zip(now).filter(|_| is_due);
    let behind = slot.behind.iter().map(|round| {
        let state = match round.product {
            None => SlotState::Missed,
            Some(_) => SlotState::Late,
        };
        json!({
            "round": round.round,
            "state": state,
            "state_name": Named { zh: state.zh().to_owned(), en: state.en().to_owned() },
            "since": text(round.since),
            "moment": round.clock.map(|clock| text(clock.moment)),
            "due": round.clock.map(|clock| text(clock.due)),
            "filed": round.product.as_ref().map(|product| product_item(product, text)),
        })
    });
    json!({
        "id": stage.id,
        "lead": stage.lead.name(),
        "is_observed": stage.lead == Lead::Observed,
        "product": stage.product,
        "grain": stage.grain,
        "grain_name": Named { zh: stage.grain.zh().to_owned(), en: stage.grain.en().to_owned() },
        "audience": stage.audience,
        "counts": stage.counts,
        "source": stage.source,
        "round": slot.round,
        "state": slot.state,
        "state_name": Named { zh: slot.state.zh().to_owned(), en: slot.state.en().to_owned() },
        "since": text(slot.since),
        "moment": at(|clock| clock.moment),
        "opens": at(|clock| clock.opens),
        "due": at(|clock| clock.due),
        "left_s": left.map(|(clock, now)| clock.due.since(now).seconds().max(0)),
        "filed": slot.product.as_ref().map(|product| product_item(product, text)),
        "behind": behind.collect::<Vec<_>>(),
    })
}

fn product_item(product: &Product, text: Text<'_>) -> Value {
    json!({
        "kind": product.kind,
        "by": product.by,
        "at": text(product.at),
        "text": product.text,
        "reference": product.reference,
    })
}

/// A day's evening product as it is filed or missed.
pub(crate) fn filed_item(evening: &Evening, text: Text<'_>) -> Value {
    json!({
        "day": evening.day,
        "state": evening.state,
        "since": text(evening.since),
        "due": text(evening.due),
        "by": evening.by,
        "text": evening.text,
    })
}

/// The evenings that can be read, the oldest first.
fn days(kept: &BTreeMap<String, Evening>) -> Vec<Value> {
    let day =
        |evening: &Evening| json!({ "day": evening.day, "state": evening.state, "by": evening.by });
    kept.values().map(day).collect()
}

/// The evening product of a day before: what was drafted then is not known any more.
pub(super) fn past_item(
    night: &Night,
    evening: &Evening,
    kept: &BTreeMap<String, Evening>,
    text: Text<'_>,
) -> Value {
    json!({
        "day": evening.day,
        "running": false,
        "from": text(night.from),
        "due": text(evening.due),
        "dark": text(night.dark),
        "until": text(night.until),
        "risks": null,
        "transfers": null,
        "reach": null,
        "filed": filed_item(evening, text),
        "days": days(kept),
    })
}

/// The persons of a township, each with what the role is called.
fn reach_item(reach: &Reach, (city, roles): (&City, &Roles)) -> Value {
    let posts = reach.posts.iter().map(|post| {
        let called = |language| roles.name(&post.role, language).to_owned();
        json!({
            "role": post.role,
            "role_name": Named { zh: called(Language::Zh), en: called(Language::En) },
            "area": post.area,
            "site": post.site,
            "channels": post.channels,
            "answered": post.answered,
        })
    });
    json!({
        "area": reach.area,
        "area_name": area_name(city, reach.area),
        "people": reach.people,
        "with_phone": reach.with_phone,
        "without_phone": reach.without_phone,
        "called": reach.called,
        "answered": reach.answered,
        "posts": posts.collect::<Vec<_>>(),
    })
}

/// Tonight as it is drafted now, and what was filed.
pub(super) fn evening_item(
    draft: &Draft,
    worded: (&City, &Roles),
    kept: &BTreeMap<String, Evening>,
    text: Text<'_>,
) -> Value {
    let (city, _) = worded;
    let reach = draft.reach.iter();
    let night = &draft.tonight.night;
    let reason = |reason: &RiskReason| {
        json!({
            "ground": reason.ground,
            "tier": reason.tier,
            "sender": reason.sender,
            "reference": reason.reference,
            "since": text(reason.since),
        })
    };
    let risks = draft.tonight.risks.iter().map(|risk| {
        json!({
            "area": risk.area,
            "area_name": area_name(city, risk.area),
            "hazard": risk.hazard,
            "hazard_name": Named { zh: risk.hazard.zh().to_owned(), en: risk.hazard.en().to_owned() },
            "tier": risk.tier,
            "reasons": risk.reasons.iter().map(reason).collect::<Vec<_>>(),
        })
    });
    let transfers = draft.tonight.transfers.iter().map(|transfer| {
        json!({
            "area": transfer.area,
            "area_name": area_name(city, transfer.area),
            "planned": transfer.planned,
            "moved": transfer.moved,
            "left": transfer.planned.saturating_sub(transfer.moved),
            "due": text(transfer.due),
            "finish": text(transfer.due.min(night.dark)),
        })
    });
    json!({
        "day": night.day,
        "running": true,
        "from": text(night.from),
        "due": text(night.due),
        "dark": text(night.dark),
        "until": text(night.until),
        "risks": risks.collect::<Vec<_>>(),
        "transfers": transfers.collect::<Vec<_>>(),
        "reach": reach.map(|reach| reach_item(reach, worded)).collect::<Vec<_>>(),
        "filed": draft.filed.as_ref().map(|evening| filed_item(evening, text)),
        "days": days(kept),
    })
}
