//! The evening product: drafted at four, missed at six while the risk stands, and what tonight is.

use super::{CITY, Desk, TIANHE, WHOLE, at, clock, code, open, signal};
use model::service::{EveningState, Ground, ServiceAct};
use model::signal::SignalKind;
use model::{AreaLevel, Hazard, Named, Order, Tier};
use rules::service::tonight;

fn file(day: &str) -> ServiceAct {
    ServiceAct::Evening {
        day: day.into(),
        person: "wang".into(),
        text: Named {
            zh: "今夜防范".into(),
            en: "Tonight".into(),
        },
    }
}

fn state(desk: &Desk, day: &str) -> Option<EveningState> {
    desk.board().evenings.get(day).map(|evening| evening.state)
}

const DAY: &str = "2026-05-08";

#[test]
fn a_quiet_day_asks_for_nothing() {
    let mut desk = Desk::new(&CITY);
    for hour in 0..24 {
        desk.tick(at(&format!("2026-05-08T{hour:02}:00")));
    }
    assert!(desk.said.is_empty());
}

#[test]
fn a_risk_is_drafted_at_four_and_missed_after_six() {
    let mut desk = Desk::new(&CITY);
    let sent = at("2026-05-08T10:00");
    desk.hear(sent, &signal("S1", Tier::Yellow, &[TIANHE], sent));
    desk.tick(at("2026-05-08T15:59"));
    assert_eq!(state(&desk, DAY), None);
    desk.tick(at("2026-05-08T16:00"));
    assert_eq!(state(&desk, DAY), Some(EveningState::Drafted));
    desk.restart();
    let before = desk.said.len();
    desk.tick(at("2026-05-08T18:00"));
    assert_eq!(desk.said.len(), before);
    desk.tick(at("2026-05-08T18:01"));
    assert_eq!(state(&desk, DAY), Some(EveningState::Missed));
    for minute in 2..30 {
        desk.tick(at(&format!("2026-05-08T18:{minute:02}")));
    }
    assert_eq!(desk.said.len(), before + 1, "it is said once");
    desk.act(at("2026-05-08T19:00"), &file(DAY)).unwrap();
    assert_eq!(state(&desk, DAY), Some(EveningState::Late));
    let again = desk.act(at("2026-05-08T19:01"), &file(DAY));
    assert!(again.unwrap_err().to_string().contains("filed it already"));
    // The next day again, while the signal stands.
    desk.tick(at("2026-05-09T16:00"));
    assert_eq!(state(&desk, "2026-05-09"), Some(EveningState::Drafted));
}

#[test]
fn a_risk_that_goes_before_six_is_no_alarm_and_one_that_comes_is_asked_for() {
    let mut desk = Desk::new(&CITY);
    let sent = at("2026-05-08T10:00");
    desk.hear(sent, &signal("S1", Tier::Yellow, &[TIANHE], sent));
    // The rain's process is over for a person too: only the signal stood for tonight.
    let process = desk.live()[0].id.clone();
    let end = ServiceAct::End {
        process,
        person: "chen".into(),
        reason: "减弱".into(),
    };
    desk.act(at("2026-05-08T15:00"), &end).unwrap();
    desk.tick(at("2026-05-08T16:00"));
    let mut lifted = signal("S2", Tier::Yellow, &[TIANHE], at("2026-05-08T17:00"));
    (lifted.kind, lifted.references) = (SignalKind::Cancel, vec!["S1".into()]);
    desk.hear(at("2026-05-08T17:00"), &lifted);
    desk.tick(at("2026-05-08T18:01"));
    assert_eq!(state(&desk, DAY), Some(EveningState::NotAsked));
    // A process that begins before tomorrow's dawn touches tonight.
    let mut desk = Desk::new(&CITY);
    desk.tick(at("2026-05-08T16:00"));
    desk.act(
        at("2026-05-08T16:30"),
        &open(Hazard::Rainstorm, &[TIANHE], at("2026-05-09T07:00")),
    )
    .unwrap();
    assert_eq!(state(&desk, DAY), None, "after dawn");
    let id = desk.live()[0].id.clone();
    desk.act(
        at("2026-05-08T16:40"),
        &super::moved(&id, at("2026-05-09T03:00")),
    )
    .unwrap();
    assert_eq!(state(&desk, DAY), Some(EveningState::Drafted));
    desk.act(at("2026-05-08T17:59"), &file(DAY)).unwrap();
    desk.tick(at("2026-05-08T18:30"));
    assert_eq!(state(&desk, DAY), Some(EveningState::Filed));
}

#[test]
fn a_person_may_file_unasked_but_not_for_another_day() {
    let mut desk = Desk::new(&CITY);
    for (time, day) in [
        ("2026-05-08T15:59", DAY),
        ("2026-05-08T16:10", "2026-05-07"),
    ] {
        let refused = desk.act(at(time), &file(day));
        assert!(
            refused
                .unwrap_err()
                .to_string()
                .contains("no evening product is open")
        );
    }
    desk.act(at("2026-05-08T16:11"), &file(DAY)).unwrap();
    assert_eq!(state(&desk, DAY), Some(EveningState::Filed));
}

/// Until it ends the night is that of the day before.
#[test]
fn after_midnight_the_night_that_runs_is_yesterdays() {
    let mut desk = Desk::new(&CITY);
    let sent = at("2026-05-08T10:00");
    desk.hear(sent, &signal("S1", Tier::Yellow, &[TIANHE], sent));
    desk.tick(at("2026-05-08T16:00"));
    for (time, day) in [
        ("2026-05-08T05:59", "2026-05-07"),
        ("2026-05-08T06:00", DAY),
        ("2026-05-08T23:59", DAY),
        ("2026-05-09T00:00", DAY),
        ("2026-05-09T02:00", DAY),
        ("2026-05-09T05:59", DAY),
        ("2026-05-09T06:00", "2026-05-09"),
    ] {
        let night = tonight(&CITY, desk.board(), at(time)).unwrap().night;
        assert_eq!(night.day, day, "{time}");
    }
    let night = tonight(&CITY, desk.board(), at("2026-05-09T02:00"));
    let night = night.unwrap().night;
    assert_eq!(clock(night.due), "2026-05-08T18:00");
    assert_eq!(clock(night.until), "2026-05-09T06:00");
    // The night's own product is filed late in it, not the coming one's.
    desk.tick(at("2026-05-09T00:30"));
    let coming = desk.act(at("2026-05-09T00:30"), &file("2026-05-09"));
    assert!(coming.unwrap_err().to_string().contains("no evening"));
    desk.act(at("2026-05-09T00:31"), &file(DAY)).unwrap();
    assert_eq!(state(&desk, DAY), Some(EveningState::Late));
    // And the next one is drafted at its hour.
    desk.tick(at("2026-05-09T15:59"));
    assert_eq!(state(&desk, "2026-05-09"), None);
    desk.tick(at("2026-05-09T16:00"));
    assert_eq!(state(&desk, "2026-05-09"), Some(EveningState::Drafted));
}

#[test]
fn tonight_is_the_highest_of_what_stands_in_each_township() {
    let mut desk = Desk::new(&CITY);
    let now = at("2026-05-08T16:30");
    let town = "440106014000";
    desk.hear(
        now,
        &signal("S1", Tier::Yellow, &[WHOLE], at("2026-05-08T14:00")),
    );
    desk.hear(
        now,
        &signal("S2", Tier::Orange, &[town], at("2026-05-08T15:00")),
    );
    desk.step(now, |_, responses, out| {
        let order = |planned, moved, due| Order::Transfer {
            area: code(town),
            planned,
            moved,
            sheltered: 0,
            due: at(due),
            person: "chen".into(),
            note: String::new(),
        };
        responses
            .order(now, &order(120, 80, "2026-05-08T20:00"), out)
            .unwrap();
    });
    let tonight = tonight(&CITY, desk.board(), now).unwrap();
    assert_eq!(clock(tonight.night.dark), "2026-05-08T18:55");
    assert_eq!(clock(tonight.night.until), "2026-05-09T06:00");
    let townships = CITY.areas_of(AreaLevel::Township).count();
    assert_eq!(tonight.risks.len(), townships);
    let own = tonight
        .risks
        .iter()
        .find(|risk| risk.area == code(town))
        .unwrap();
    assert_eq!(own.tier, Tier::Orange);
    let reasons: Vec<_> = own
        .reasons
        .iter()
        .map(|r| (r.tier, r.ground, r.reference.as_str()))
        .collect();
    // Both signals, and the process that they proposed.
    assert_eq!(
        reasons,
        [
            (Tier::Orange, Ground::Signal, "S2"),
            (Tier::Yellow, Ground::Signal, "S1"),
            (Tier::None, Ground::Process, desk.live()[0].id.as_str()),
        ]
    );
    assert_eq!(tonight.transfers.len(), 1);
    // Who moved are no longer among them.
    let order = Order::Transfer {
        area: code(town),
        planned: 120,
        moved: 120,
        sheltered: 0,
        due: at("2026-05-08T20:00"),
        person: "chen".into(),
        note: String::new(),
    };
    desk.step(now, |_, responses, out| {
        responses.order(now, &order, out).unwrap()
    });
    let after = rules::service::tonight(&CITY, desk.board(), now).unwrap();
    assert!(after.transfers.is_empty());
}
