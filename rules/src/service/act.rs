//! Acts of people on processes and their products.

use super::{LIVE_MAX, Services, close, propose, touches};
use crate::effect::ServiceRefusal;
use crate::response::Responses;
use model::response::{Entry, SlotOf, What};
use model::service::{
    EveningState, Process, ProcessState, Product, ProductKind, ServiceAct, Slot, SlotState,
};
use model::{AreaCode, Hazard, Time};
use std::collections::BTreeSet;

/// Where and when, as a person gave it.
struct Extent<'a> {
    areas: &'a [AreaCode],
    onset: Option<Time>,
    end: Option<Time>,
}

impl<'a> Extent<'a> {
    const fn of(areas: &'a [AreaCode], onset: Option<Time>, end: Option<Time>) -> Self {
        Self { areas, onset, end }
    }
}

/// Who acts, when and why.
struct Signed<'a> {
    at: Time,
    person: &'a str,
    reason: &'a str,
}

impl Services {
    /// Follows an act.
    ///
    /// # Errors
    /// Why it is not followed; then nothing changed.
    pub fn order(
        &mut self,
        at: Time,
        act: &ServiceAct,
        responses: &mut Responses,
        out: &mut Vec<Entry>,
    ) -> Result<(), ServiceRefusal> {
        match act {
            ServiceAct::Open {
                process,
                hazard,
                areas,
                onset,
                end,
                person,
                reason,
            } => {
                let signed = Signed { at, person, reason };
                let extent = Extent::of(areas, *onset, *end);
                match process {
                    Some(id) => self.take_up(id, &extent, &signed, responses, out)?,
                    None => self.open(*hazard, &extent, &signed, responses, out)?,
                }
            }
            ServiceAct::Move {
                process,
                areas,
                onset,
                end,
                person,
                reason,
            } => {
                let signed = Signed { at, person, reason };
                let extent = Extent::of(areas, *onset, *end);
                let before = live(process, responses)?;
                let moved = self.placed(before, &extent, &signed)?;
                responses.note(at, What::Process(Box::new(moved)), out);
            }
            ServiceAct::End {
                process,
                person,
                reason,
            } => {
                let before = live(process, responses)?;
                close(before, at, Some((person, reason)), responses, out);
            }
            ServiceAct::Product {
                process,
                slot,
                round,
                person,
                text,
                reference,
            } => {
                let product = Product {
                    kind: ProductKind::Filed,
                    at,
                    by: person.clone(),
                    text: text.clone(),
                    reference: reference.clone(),
                };
                file((process, slot, *round), product, responses, out)?;
            }
            ServiceAct::Evening { day, person, text } => {
                let mut evening = self.evening_to_file(at, day, responses.board())?;
                evening.state = match evening.state {
                    EveningState::Missed => EveningState::Late,
                    EveningState::Drafted
                    | EveningState::NotAsked
                    | EveningState::Filed
                    | EveningState::Late => EveningState::Filed,
                };
                evening.since = at;
                (evening.by, evening.text) = (person.clone(), text.clone());
                responses.note(at, What::Evening(evening), out);
            }
        }
        self.advance(at, &BTreeSet::new(), responses, out);
        Ok(())
    }

    fn open(
        &self,
        hazard: Option<Hazard>,
        extent: &Extent<'_>,
        signed: &Signed<'_>,
        responses: &mut Responses,
        out: &mut Vec<Entry>,
    ) -> Result<(), ServiceRefusal> {
        let missing = |missing: &str| ServiceRefusal::Incomplete {
            missing: missing.to_owned(),
        };
        let hazard = hazard.ok_or_else(|| missing("the hazard"))?;
        let onset = extent.onset.ok_or_else(|| missing("when it begins"))?;
        if extent.areas.is_empty() {
            return Err(missing("where"));
        }
        let ladder = self.city.services.ladder(hazard);
        let ladder = ladder.ok_or(ServiceRefusal::NoLadder { hazard })?;
        let end = extent.end.unwrap_or(onset + ladder.lasts);
        let all = responses.board().processes.values();
        let (mut open, mut same) = (0, None);
        for process in all.filter(|process| process.is_live()) {
            open += 1;
            let is_there = |code: &AreaCode| {
                let mut areas = process.areas.iter();
                areas.any(|of| touches(&self.city, *of, *code))
            };
            if process.ladder == ladder.id
                && propose::overlaps(process, onset, end)
                && extent.areas.iter().any(is_there)
            {
                same = Some(process.id.clone());
            }
        }
        if let Some(process) = same {
            return Err(ServiceRefusal::UnderWay { process });
        }
        if open >= LIVE_MAX {
            return Err(ServiceRefusal::TooMany { open });
        }
        let areas: BTreeSet<AreaCode> = extent.areas.iter().copied().collect();
        let times = (onset, end);
        let mut process = self.process((ladder, hazard), areas, times, signed.at, responses);
        check(&process, signed.at)?;
        process.state = ProcessState::Open;
        sign(&mut process, signed);
        responses.note(signed.at, What::Process(Box::new(process)), out);
        Ok(())
    }

    /// A person takes up what is proposed, as it is or with other times and areas.
    fn take_up(
        &self,
        id: &str,
        extent: &Extent<'_>,
        signed: &Signed<'_>,
        responses: &mut Responses,
        out: &mut Vec<Entry>,
    ) -> Result<(), ServiceRefusal> {
        let before = live(id, responses)?;
        if before.state == ProcessState::Open {
            return Err(ServiceRefusal::OpenAlready {
                process: before.id,
                by: before.by,
            });
        }
        let mut now = self.placed(before, extent, signed)?;
        now.state = ProcessState::Open;
        responses.note(signed.at, What::Process(Box::new(now)), out);
        Ok(())
    }

    fn placed(
        &self,
        mut process: Process,
        extent: &Extent<'_>,
        signed: &Signed<'_>,
    ) -> Result<Process, ServiceRefusal> {
        let onset = extent.onset.unwrap_or(process.onset);
        let along = process.end + onset.since(process.onset);
        let end = extent.end.unwrap_or(along);
        self.reclock(&mut process, onset, end, signed.at);
        check(&process, signed.at)?;
        if !extent.areas.is_empty() {
            process.areas = extent.areas.iter().copied().collect();
        }
        sign(&mut process, signed);
        Ok(process)
    }
}

/// A process that begins, ends after that, and is not over already.
fn check(process: &Process, at: Time) -> Result<(), ServiceRefusal> {
    if process.end <= process.onset || process.closing() <= at {
        return Err(ServiceRefusal::Times);
    }
    Ok(())
}

fn sign(process: &mut Process, signed: &Signed<'_>) {
    process.changed = signed.at;
    process.by = signed.person.to_owned();
    process.reason = signed.reason.to_owned();
}

fn live(id: &str, responses: &Responses) -> Result<Process, ServiceRefusal> {
    let found = responses.board().processes.get(id);
    let found = found.filter(|process| process.is_live()).cloned();
    found.ok_or_else(|| ServiceRefusal::NoProcess {
        process: id.to_owned(),
    })
}

/// Files a product. What counted by itself gets a person's product beside its time.
fn file(
    (id, slot_id, round): (&str, &str, Option<u32>),
    product: Product,
    responses: &mut Responses,
    out: &mut Vec<Entry>,
) -> Result<(), ServiceRefusal> {
    let process = responses.board().processes.get(id);
    let process = process.ok_or_else(|| ServiceRefusal::NoProcess {
        process: id.to_owned(),
    })?;
    let slot = process.slot(slot_id).ok_or_else(|| {
        let known: Vec<&str> = process.slots.iter().map(|s| s.stage.id.as_str()).collect();
        ServiceRefusal::NoSlot {
            process: id.to_owned(),
            slot: slot_id.to_owned(),
            known: known.join(", "),
        }
    })?;
    let owed = |number: u32| slot.owed().any(|round| round.round == number);
    if round.is_none() && slot.owed().next().is_some() {
        let owed = slot.owed().map(|round| round.round).chain([slot.round]);
        let rounds: Vec<String> = owed.map(|number| number.to_string()).collect();
        return Err(ServiceRefusal::WhichRound {
            slot: slot_id.to_owned(),
            rounds: rounds.join(", "),
        });
    }
    if let Some(number) = round.filter(|number| owed(*number)) {
        let mut slot = slot.clone();
        let at = product.at;
        let mut behind = slot.behind.iter_mut();
        let behind = behind.find(|round| round.round == number && round.product.is_none());
        if let Some(behind) = behind {
            behind.product = Some(product);
        }
        note(id, slot, at, responses, out);
        return Ok(());
    }
    if let Some(number) = round.filter(|number| *number != slot.round) {
        return Err(ServiceRefusal::NoRound {
            slot: slot_id.to_owned(),
            round: number,
        });
    }
    if !process.is_live() && slot.state != SlotState::Missed {
        return Err(ServiceRefusal::Over {
            process: id.to_owned(),
        });
    }
    if let Some(filed) = &slot.product
        && filed.kind == ProductKind::Filed
    {
        return Err(ServiceRefusal::FiledAlready {
            by: filed.by.clone(),
        });
    }
    let mut slot = slot.clone();
    let at = product.at;
    let state = match slot.state {
        SlotState::Missed | SlotState::Late => SlotState::Late,
        SlotState::Waiting | SlotState::Due | SlotState::Done | SlotState::NotAsked => {
            SlotState::Done
        }
    };
    if state != slot.state {
        (slot.state, slot.since) = (state, at);
    }
    slot.product = Some(product);
    note(id, slot, at, responses, out);
    Ok(())
}

fn note(id: &str, slot: Slot, at: Time, responses: &mut Responses, out: &mut Vec<Entry>) {
    let process = id.to_owned();
    let of = SlotOf { process, slot };
    responses.note(at, What::Slot(Box::new(of)), out);
}
