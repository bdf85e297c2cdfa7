//! The machine against a recomputation from the whole history, a minute at a time.

use super::{Desk, city, moved, open, product, product_of};
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
static ROWS: [Row; 5] = [
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
    for row in &ROWS {
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
    /// By whole days, so that what is due again falls on what was.
    MoveDays(i64),
    Product(usize),
    Restart,
    /// A person ends it.
    End,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        10 => prop_oneof![1i64..90, 1i64..1500].prop_map(Step::Pass),
        4 => prop_oneof![-200i64..200, -4000i64..4000].prop_map(Step::Move),
        2 => (-3i64..4).prop_map(Step::MoveDays),
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

/// One slot at one minute.
struct Naive {
    row: &'static Row,
    onset: i64,
    end: i64,
    state: SlotState,
    round: i64,
    moment: i64,
    due: i64,
    /// Nothing is asked for whose moment was before.
    floor: i64,
    alarms: usize,
    /// Rounds that were missed before and are owed, by number.
    owed: Vec<i64>,
}

impl Naive {
    /// A moment by its row, the onset and the round.
    fn moment(&self, round: i64) -> i64 {
        let mut first = self.onset - self.row.lead;
        if let Some(clock) = self.row.clock {
            let midnight = (first + SHIFT) - (first + SHIFT).rem_euclid(DAY);
            first = midnight + clock - SHIFT;
        }
        first + round * self.row.every.unwrap_or(0)
    }

    fn take(&mut self, round: i64) {
        self.round = round;
        self.moment = self.moment(round);
        self.due = self.moment + self.row.grace;
    }

    /// The first round that is not past, counted up one by one.
    fn first_from(&self, from: i64) -> Option<i64> {
        let mut round = 0;
        while self.moment(round) < from {
            self.row.every?;
            round += 1;
        }
        (round == 0 || self.moment(round) <= self.end).then_some(round)
    }

    fn begin(&mut self, minute: i64) {
        self.floor = minute;
        let found = self.first_from(minute);
        self.take(found.unwrap_or(0));
        self.state = match found {
            Some(_) => SlotState::Waiting,
            None => SlotState::NotAsked,
        };
    }

    fn let_pass(&mut self, minute: i64) {
        loop {
            let opens = self.moment - self.row.ready;
            match self.state {
                SlotState::Waiting if minute >= opens => self.state = SlotState::Due,
                SlotState::Due if minute > self.due => {
                    self.state = SlotState::Missed;
                    self.alarms += 1;
                }
                SlotState::Done | SlotState::Late | SlotState::Missed => {
                    let Some(every) = self.row.every else { return };
                    let from = self.floor.max(self.moment + every / 2 + 1);
                    let Some(round) = self.first_from(from) else {
                        return;
                    };
                    let next = self.moment(round);
                    if next > self.end || minute < next - self.row.ready {
                        return;
                    }
                    if self.state == SlotState::Missed {
                        self.owed.push(self.round);
                    }
                    self.take(round);
                    self.state = SlotState::Due;
                }
                SlotState::Waiting | SlotState::Due | SlotState::NotAsked => return,
            }
        }
    }

    fn shift(&mut self, minute: i64, onset: i64) {
        if onset == self.onset {
            return;
        }
        self.end += onset - self.onset;
        self.onset = onset;
        let again = self.moment(self.round);
        match self.state {
            SlotState::Waiting | SlotState::NotAsked => self.begin(minute),
            SlotState::Missed | SlotState::Due if again >= minute => {
                self.take(self.round);
                self.state = SlotState::Waiting;
            }
            SlotState::Due => {
                self.moment = again;
                self.due = minute + self.row.grace;
            }
            SlotState::Done | SlotState::Late | SlotState::Missed => {}
        }
        self.floor = minute;
    }
}

/// One slot from its whole history up to `now`.
fn recompute(number: usize, events: &[(i64, Event)], first: (i64, i64), now: i64) -> Naive {
    let mut slot = Naive {
        row: &ROWS[number],
        onset: first.0,
        end: first.1,
        state: SlotState::NotAsked,
        round: 0,
        moment: 0,
        due: 0,
        floor: 0,
        alarms: 0,
        owed: Vec::new(),
    };
    slot.begin(KNOWN);
    for minute in KNOWN..=now {
        let mut over = minute > slot.end + CLOSES;
        if !over {
            slot.let_pass(minute);
        }
        for (_, event) in events.iter().filter(|(when, _)| *when == minute) {
            match event {
                Event::Onset(to) => slot.shift(minute, *to),
                // The oldest that is owed is filed first.
                Event::Product(of) if *of == number && !slot.owed.is_empty() => {
                    slot.owed.remove(0);
                }
                Event::Product(of) if *of == number => {
                    slot.state = if slot.state == SlotState::Missed {
                        SlotState::Late
                    } else {
                        SlotState::Done
                    };
                }
                Event::Product(_) => {}
                Event::End => over = true,
            }
            if !over {
                slot.let_pass(minute);
            }
        }
        if over {
            if matches!(slot.state, SlotState::Waiting | SlotState::Due) {
                slot.state = SlotState::NotAsked;
            }
            break;
        }
    }
    slot
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
            Step::Move(_) | Step::MoveDays(_) => {
                let by = match step {
                    Step::MoveDays(days) => days * DAY,
                    Step::Move(by) => *by,
                    Step::Pass(_) | Step::Product(_) | Step::Restart | Step::End => 0,
                };
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
                let oldest = before
                    .owed
                    .first()
                    .map(|round| u32::try_from(*round).unwrap());
                let act = match oldest {
                    Some(round) => {
                        let which = desk.act(time, &product(&id, ROWS[*slot].id));
                        assert!(which.unwrap_err().to_string().contains("say which"));
                        product_of(&id, ROWS[*slot].id, round)
                    }
                    None => product(&id, ROWS[*slot].id),
                };
                let followed = desk.act(time, &act);
                let is_open =
                    oldest.is_some() || !matches!(before.state, SlotState::Done | SlotState::Late);
                let may = if over {
                    oldest.is_some() || before.state == SlotState::Missed
                } else {
                    is_open
                };
                assert_eq!(followed.is_ok(), may, "{followed:?} {:?}", before.state);
                if may && !over {
                    events.push((now, Event::Product(*slot)));
                } else if may {
                    // What is filed after the end changes that slot alone.
                    if oldest.is_some() {
                        return;
                    }
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
            let owed: Vec<i64> = slot.owed().map(|round| round.round.into()).collect();
            let newest = naive.owed.len().saturating_sub(12);
            assert_eq!(owed, naive.owed[newest..], "{} at {}", row.id, now - KNOWN);
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
    #![proptest_config(ProptestConfig { cases: 200,
        max_shrink_iters: 300, ..ProptestConfig::default() })]

    #[test]
    fn slots_are_what_their_history_says(
        ahead in -6_000i64..9_000,
        steps in prop::collection::vec(step(), 1..40),
    ) {
        run(ahead, &steps);
    }
}
