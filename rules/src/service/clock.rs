//! When the slots of a process are due, and what becomes of these clocks when it is moved.

use model::service::{Clock, Lead, Process, Slot, SlotState, Stage};
use model::{City, Span, Time};

/// The clock of a stage for the round of that number; nothing for what is observed.
fn of(city: &City, stage: &Stage, onset: Time, round: u32) -> Option<Clock> {
    let Lead::Before(lead) = stage.lead else {
        return None;
    };
    let first = onset - lead;
    let first = stage
        .clock
        .map_or(first, |clock| clock.on_day_of(first, city.offset_at(first)));
    let every = stage.every.unwrap_or(Span::ZERO).millis();
    let moment = first + Span::from_millis(every.saturating_mul(i64::from(round)));
    Some(Clock {
        moment,
        opens: moment - stage.ready,
        due: moment + stage.grace,
    })
}

/// The next time a slot is due that is due again and again, while the process lasts: more than half
/// a period after the last one, and never before it was known that it would be due then.
pub(super) fn next(city: &City, process: &Process, slot: &Slot) -> Option<(u32, Clock)> {
    let half = Span::from_millis(slot.stage.every?.millis() / 2);
    let last = slot.clock?.moment;
    let from = slot.asked_from.max(last + half + Span::from_millis(1));
    ahead(city, &slot.stage, (process.onset, process.end), from)
}

/// The first round of a stage whose moment is not before `from`, while the process lasts.
fn ahead(
    city: &City,
    stage: &Stage,
    (onset, end): (Time, Time),
    from: Time,
) -> Option<(u32, Clock)> {
    let every = stage.every?.millis().max(1);
    let behind = from
        .since(of(city, stage, onset, 0)?.moment)
        .millis()
        .max(0);
    let rounds = behind.saturating_add(every - 1) / every;
    let round = u32::try_from(rounds).ok()?;
    let clock = of(city, stage, onset, round).filter(|clock| clock.moment <= end)?;
    Some((round, clock))
}

/// A slot of a process that is known since `at`: what was due before is not asked for.
pub(super) fn begin(city: &City, stage: &Stage, (onset, end): (Time, Time), at: Time) -> Slot {
    let slot = |round, clock, state| Slot {
        stage: stage.clone(),
        round,
        clock,
        asked_from: at,
        state,
        since: at,
        product: None,
        behind: Vec::new(),
    };
    let Some(first) = of(city, stage, onset, 0) else {
        return slot(0, None, SlotState::Waiting);
    };
    if first.moment >= at {
        return slot(0, Some(first), SlotState::Waiting);
    }
    // Of what is due again and again, the next one is asked for.
    match ahead(city, stage, (onset, end), at) {
        Some((round, clock)) => slot(round, Some(clock), SlotState::Waiting),
        None => slot(0, Some(first), SlotState::NotAsked),
    }
}

/// The same slot once the process begins at another time. What is done stays. What is owed already
/// stays owed, with its grace from now where its moment went by; what was missed stays missed.
pub(super) fn moved(city: &City, slot: &Slot, (onset, end): (Time, Time), at: Time) -> Slot {
    let stage = &slot.stage;
    let again = of(city, stage, onset, slot.round);
    let ahead = again.filter(|clock| clock.moment >= at);
    let kept = || Slot {
        asked_from: at,
        ..slot.clone()
    };
    match slot.state {
        SlotState::Done | SlotState::Late => kept(),
        SlotState::Waiting | SlotState::NotAsked => Slot {
            behind: slot.behind.clone(),
            ..begin(city, stage, (onset, end), at)
        },
        SlotState::Missed => ahead.map_or_else(kept, |clock| waits(slot, clock, at)),
        SlotState::Due => match (ahead, again) {
            (Some(clock), _) => waits(slot, clock, at),
            (None, Some(clock)) => Slot {
                clock: Some(Clock {
                    due: at + stage.grace,
                    ..clock
                }),
                ..kept()
            },
            (None, None) => kept(),
        },
    }
}

fn waits(slot: &Slot, clock: Clock, at: Time) -> Slot {
    Slot {
        clock: Some(clock),
        asked_from: at,
        state: SlotState::Waiting,
        since: at,
        product: None,
        ..slot.clone()
    }
}
