//! The machine against a recomputation from the whole history, a minute at a time.

use super::{Desk, city, moved, open, product};
use model::service::{ServiceAct, SlotState};
use model::{City, Hazard, Time};
use proptest::prelude::*;
use std::sync::{Arc, LazyLock};

/// Local days begin eight hours before those of UTC.
const SHIFT: i64 = 480;
/// The process is known here: 2026-05-04T09:20 of the city, in minutes.
const KNOWN: i64 = 29_630_000;
const DAY: i64 = 1_440;
const CLOSES: i64 = DAY / 2;

struct Row {
    id: &'static str,
    lead: i64,
    ready: i64,
    grace: i64,
    clock: Option<i64>,
    every: Option<i64>,
}

/// Slots as the file below has them.
const ROWS: [Row; 5] = [
    Row {
        id: "3d",
        lead: 3 * DAY,
        ready: 720,
        grace: 360,
        clock: Some(17 * 60),
        every: None,
    },
    Row {
        id: "weekly",
        lead: 2 * DAY,
        ready: 240,
        grace: 120,
        clock: None,
        every: Some(DAY),
    },
    Row {
        id: "6h",
        lead: 360,
        ready: 120,
        grace: 30,
        clock: None,
        every: None,
    },
    Row {
        id: "3h",
        lead: 180,
        ready: 60,
        grace: 20,
        clock: None,
        every: None,
    },
    Row {
        id: "1h",
        lead: 60,
        ready: 30,
        grace: 15,
        clock: None,
        every: None,
    },
];

static SMALL: LazyLock<Arc<City>> = LazyLock::new(|| {
    let mut text = r#"schema = 1
[[service]]
id = "s"
name = { zh = "模式", en = "Service" }
source = { document = "test", confidence = "design-default" }
[[ladder]]
id = "rain"
service = "s"
name = { zh = "过程", en = "Process" }
hazards = ["11B03"]
lasts = "3d"
closes = "12h"
source = { document = "test", confidence = "design-default" }
"#
    .to_owned();
    for row in ROWS {
        let (id, lead, ready, grace) = (row.id, row.lead, row.ready, row.grace);
        text += &format!(
            "[[ladder.stage]]\nid = \"{id}\"\nlead = \"{lead}m\"\nready = \"{ready}m\"\ngrace = \"{grace}m\"\n"
        );
        text += "product = { zh = \"产品\", en = \"Product\" }\ngrain = \"city\"\naudience = [\"a\"]\nsource = { document = \"test\", confidence = \"design-default\" }\n";
        if let Some(clock) = row.clock {
            text += &format!("clock = \"{:02}:{:02}\"\n", clock / 60, clock % 60);
        }
        if let Some(every) = row.every {
            text += &format!("every = \"{every}m\"\n");
        }
    }
    city(&text)
});

#[derive(Clone, Debug)]
enum Step {
    /// So many minutes pass.
    Pass(i64),
    /// The onset moves by so many minutes.
    Move(i64),
    Product(usize),
    Restart,
    /// A person ends it.
    End,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        10 => prop_oneof![1i64..90, 1i64..1500].prop_map(Step::Pass),
        4 => prop_oneof![-200i64..200, -4000i64..4000].prop_map(Step::Move),
        6 => (0..ROWS.len()).prop_map(Step::Product),
        2 => Just(Step::Restart),
        1 => Just(Step::End),
    ]
}

/// What happened, by minute.
#[derive(Clone, Copy)]
enum Event {
    Onset(i64),
    Product(usize),
    End,
}

struct Found {
    state: SlotState,
    due: i64,
    alarms: usize,
}

/// A moment by its row, the onset and the round.
fn moment(row: &Row, onset: i64, round: i64) -> i64 {
    let mut first = onset - row.lead;
    if let Some(clock) = row.clock {
        let midnight = (first + SHIFT) - (first + SHIFT).rem_euclid(DAY);
        first = midnight + clock - SHIFT;
    }
    first + round * row.every.unwrap_or(0)
}

/// One slot from its whole history up to `now`.
fn recompute(number: usize, events: &[(i64, Event)], first: (i64, i64), now: i64) -> Found {
    let row = &ROWS[number];
    let (mut onset, mut end) = first;
    let (mut state, mut round, mut due, mut opens) = (SlotState::NotAsked, 0, 0, 0);
    let mut alarms = 0;
    let begin = |at: i64, onset: i64, end: i64| {
        let mut round = 0;
        while row.every.is_some() && moment(row, onset, round) < at {
            round += 1;
        }
        let found = moment(row, onset, round);
        let asked = found >= at && (round == 0 || found <= end);
        let round = if asked { round } else { 0 };
        let found = moment(row, onset, round);
        (asked, round, found - row.ready, found + row.grace)
    };
    let mut over = false;
    for minute in KNOWN..=now {
        let tell = |state: &mut SlotState,
                    opens: &mut i64,
                    due: &mut i64,
                    round: &mut i64,
                    alarms: &mut usize,
                    onset: i64,
                    end: i64| {
            loop {
                let before = *state;
                match *state {
                    SlotState::Waiting if minute >= *opens => *state = SlotState::Due,
                    SlotState::Due if minute > *due => {
                        *state = SlotState::Missed;
                        *alarms += 1;
                    }
                    SlotState::Done | SlotState::Late | SlotState::Missed
                        if row.every.is_some() =>
                    {
                        let next = moment(row, onset, *round + 1);
                        if next <= end && minute >= next - row.ready {
                            (*opens, *due) = (next - row.ready, next + row.grace);
                            *round += 1;
                            *state = SlotState::Due;
                        }
                    }
                    _ => {}
                }
                if *state == before {
                    break;
                }
            }
        };
        if minute == KNOWN {
            let (asked, r, o, d) = begin(minute, onset, end);
            (round, opens, due) = (r, o, d);
            state = if asked {
                SlotState::Waiting
            } else {
                SlotState::NotAsked
            };
        }
        if !over {
            if minute > end + CLOSES {
                over = true;
            } else {
                tell(
                    &mut state,
                    &mut opens,
                    &mut due,
                    &mut round,
                    &mut alarms,
                    onset,
                    end,
                );
            }
        }
        for (_, event) in events.iter().filter(|(when, _)| *when == minute) {
            match event {
                Event::Onset(to) if *to != onset => {
                    end += to - onset;
                    onset = *to;
                    let again = moment(row, onset, round);
                    match state {
                        SlotState::Done | SlotState::Late => {}
                        SlotState::Waiting | SlotState::NotAsked => {
                            let (asked, r, o, d) = begin(minute, onset, end);
                            (round, opens, due) = (r, o, d);
                            state = if asked {
                                SlotState::Waiting
                            } else {
                                SlotState::NotAsked
                            };
                        }
                        SlotState::Missed if again < minute => {}
                        SlotState::Due if again < minute => {
                            (opens, due) = (again - row.ready, minute + row.grace);
                        }
                        SlotState::Missed | SlotState::Due => {
                            (opens, due) = (again - row.ready, again + row.grace);
                            state = SlotState::Waiting;
                        }
                    }
                }
                Event::Onset(_) => {}
                Event::Product(of) if *of == number => {
                    state = if state == SlotState::Missed {
                        SlotState::Late
                    } else {
                        SlotState::Done
                    };
                }
                Event::Product(_) => {}
                Event::End => over = true,
            }
            if !over {
                tell(
                    &mut state,
                    &mut opens,
                    &mut due,
                    &mut round,
                    &mut alarms,
                    onset,
                    end,
                );
            }
        }
        if over {
            if matches!(state, SlotState::Waiting | SlotState::Due) {
                state = SlotState::NotAsked;
            }
            break;
        }
    }
    Found { state, due, alarms }
}

fn run(ahead: i64, steps: &[Step]) {
    let mut desk = Desk::new(&SMALL);
    let first = (KNOWN + ahead, KNOWN + ahead + 3 * DAY);
    let (mut onset, mut end) = first;
    let known = Time::from_minute(KNOWN);
    let opened = desk.act(
        known,
        &open(
            Hazard::Rainstorm,
            &[super::TIANHE],
            Time::from_minute(onset),
        ),
    );
    if end + CLOSES <= KNOWN {
        assert!(opened.is_err());
        return;
    }
    opened.unwrap();
    let id = desk.live()[0].id.clone();
    let (mut now, mut over) = (KNOWN, false);
    let mut events: Vec<(i64, Event)> = Vec::new();
    for step in steps {
        let time = Time::from_minute(now);
        match step {
            Step::Pass(minutes) => {
                now += minutes;
                desk.tick(Time::from_minute(now));
                over |= now > end + CLOSES;
            }
            Step::Move(by) => {
                let followed = desk.act(time, &moved(&id, Time::from_minute(onset + by)));
                let may = !over && end + by + CLOSES > now;
                assert_eq!(followed.is_ok(), may, "{followed:?}");
                if may {
                    (onset, end) = (onset + by, end + by);
                    events.push((now, Event::Onset(onset)));
                }
            }
            Step::Product(slot) => {
                let before = recompute(*slot, &events, first, now);
                let followed = desk.act(time, &product(&id, ROWS[*slot].id));
                let is_open = !matches!(before.state, SlotState::Done | SlotState::Late);
                let may = if over {
                    before.state == SlotState::Missed
                } else {
                    is_open
                };
                assert_eq!(followed.is_ok(), may, "{followed:?} {:?}", before.state);
                if may && !over {
                    events.push((now, Event::Product(*slot)));
                } else if may {
                    // What is filed after the end changes that slot alone.
                    assert_eq!(desk.state(&id, ROWS[*slot].id), SlotState::Late);
                    return;
                }
            }
            Step::Restart => {
                desk.restart();
                let before = desk.said.len();
                desk.tick(time);
                assert_eq!(desk.said.len(), before, "a restart says nothing");
            }
            Step::End => {
                let act = ServiceAct::End {
                    process: id.clone(),
                    person: "chen".into(),
                    reason: "结束".into(),
                };
                assert_eq!(desk.act(time, &act).is_ok(), !over);
                if !over {
                    events.push((now, Event::End));
                    over = true;
                }
            }
        }
        for (number, row) in ROWS.iter().enumerate() {
            let naive = recompute(number, &events, first, now);
            let slot = desk.process(&id).slot(row.id).unwrap();
            assert_eq!(slot.state, naive.state, "{} at {}", row.id, now - KNOWN);
            assert_eq!(
                slot.clock.unwrap().due.minute(),
                naive.due,
                "{} at {}",
                row.id,
                now - KNOWN
            );
            assert_eq!(
                desk.alarms(&id, row.id),
                naive.alarms,
                "{} at {}",
                row.id,
                now - KNOWN
            );
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn slots_are_what_their_history_says(
        ahead in -6_000i64..9_000,
        steps in prop::collection::vec(step(), 1..40),
    ) {
        run(ahead, &steps);
    }
}
