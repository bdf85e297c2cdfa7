//! What people do, what is missed, and the service files that ship.

use super::{
    CITY, Desk, PANYU, TIANHE, WHOLE, at, city, clock, moved, open, product, product_of, testdata,
};
use model::response::What;
use model::service::{Lead, ProcessState, ProductKind, ServiceAct, SlotState};
use model::{Hazard, Order};

fn end(process: &str) -> ServiceAct {
    ServiceAct::End {
        process: process.into(),
        person: "chen".into(),
        reason: "过程结束".into(),
    }
}

#[test]
fn a_process_from_three_days_ahead_to_its_end() {
    let mut desk = Desk::new(&CITY);
    // Known two and a half days ahead: what was due before is not asked for.
    let id = desk.open(at("2026-05-08T06:00"), at("2026-05-10T18:00"));
    assert_eq!(id, "rain-1");
    assert_eq!(desk.state(&id, "10d"), SlotState::NotAsked);
    assert_eq!(desk.state(&id, "3d"), SlotState::NotAsked);
    assert_eq!(desk.state(&id, "1d"), SlotState::Waiting);
    let due = desk.process(&id).slot("1d").unwrap().clock.unwrap();
    assert_eq!(clock(due.opens), "2026-05-09T12:00");
    assert_eq!(clock(due.due), "2026-05-09T20:00");
    // Due, then done in time.
    desk.tick(at("2026-05-09T11:59"));
    assert_eq!(desk.state(&id, "1d"), SlotState::Waiting);
    desk.tick(at("2026-05-09T12:00"));
    assert_eq!(desk.state(&id, "1d"), SlotState::Due);
    desk.act(at("2026-05-09T20:00"), &product(&id, "1d"))
        .unwrap();
    let slot = desk.process(&id).slot("1d").unwrap().clone();
    assert_eq!(slot.state, SlotState::Done);
    let filed = slot.product.unwrap();
    assert_eq!(
        (filed.kind, filed.by.as_str()),
        (ProductKind::Filed, "wang")
    );
    let again = desk.act(at("2026-05-09T20:01"), &product(&id, "1d"));
    assert!(again.unwrap_err().to_string().contains("filed it already"));
    // Missed is said once, and done late.
    desk.tick(at("2026-05-10T12:30"));
    assert_eq!(desk.state(&id, "6h"), SlotState::Due);
    for minute in 31..50 {
        desk.tick(at(&format!("2026-05-10T12:{minute}")));
    }
    assert_eq!(desk.alarms(&id, "6h"), 1);
    desk.act(at("2026-05-10T13:00"), &product(&id, "6h"))
        .unwrap();
    assert_eq!(desk.state(&id, "6h"), SlotState::Late);
    // What people end asks for nothing more.
    desk.act(at("2026-05-10T14:00"), &end(&id)).unwrap();
    assert_eq!(desk.state(&id, "1h"), SlotState::NotAsked);
    assert_eq!(desk.state(&id, "observed"), SlotState::NotAsked);
    desk.tick(at("2026-05-12T14:00"));
    assert_eq!(desk.alarms(&id, "1h"), 0);
    let over = desk.act(at("2026-05-12T14:01"), &product(&id, "1h"));
    assert!(
        over.unwrap_err()
            .to_string()
            .contains("only what was missed")
    );
    let gone = desk.act(at("2026-05-12T14:02"), &end(&id));
    assert!(gone.unwrap_err().to_string().contains("no process"));
}

#[test]
fn a_process_that_nobody_ends_is_closed_and_what_was_missed_can_still_be_filed() {
    let mut desk = Desk::new(&CITY);
    let id = desk.open(at("2026-05-08T06:00"), at("2026-05-08T08:00"));
    // Its 1 h slot was still ahead; expected to last a day, closed twelve hours later.
    desk.tick(at("2026-05-09T20:00"));
    assert_eq!(desk.state(&id, "1h"), SlotState::Missed);
    assert!(desk.process(&id).is_live());
    desk.tick(at("2026-05-09T20:01"));
    let process = desk.process(&id);
    assert_eq!(process.state, ProcessState::Ended);
    // Who opened it and why stays; nobody ended it.
    assert_eq!(
        (process.by.as_str(), process.reason.as_str()),
        ("chen", "会商")
    );
    desk.act(at("2026-05-09T21:00"), &product(&id, "1h"))
        .unwrap();
    assert_eq!(desk.state(&id, "1h"), SlotState::Late);
}

#[test]
fn a_drought_is_asked_for_again_each_week() {
    let mut desk = Desk::new(&CITY);
    let onset = at("2026-03-20T00:00");
    desk.act(
        at("2026-03-18T09:00"),
        &open(Hazard::Drought, &[WHOLE], onset),
    )
    .unwrap();
    let id = desk.live()[0].id.clone();
    // Ten and three days before were past: the next week's are asked for.
    let slot = |desk: &Desk, id: &str| desk.live()[0].slot(id).unwrap().clone();
    let three = slot(&desk, "3d");
    assert_eq!((three.round, three.state), (1, SlotState::Waiting));
    assert_eq!(clock(three.clock.unwrap().moment), "2026-03-24T17:00");
    assert_eq!(slot(&desk, "10d").round, 2);
    desk.act(at("2026-03-24T16:00"), &product(&id, "3d"))
        .unwrap();
    desk.tick(at("2026-03-31T04:59"));
    assert_eq!(slot(&desk, "3d").state, SlotState::Done);
    desk.tick(at("2026-03-31T05:00"));
    let next = slot(&desk, "3d");
    assert_eq!((next.round, next.state), (2, SlotState::Due));
    assert_eq!(next.product, None);
}

#[test]
fn a_missed_round_stays_owed_beside_the_next_one_until_it_is_filed() {
    let mut desk = Desk::new(&CITY);
    let onset = at("2026-03-20T00:00");
    let drought = open(Hazard::Drought, &[WHOLE], onset);
    desk.act(at("2026-03-18T09:00"), &drought).unwrap();
    let id = desk.live()[0].id.clone();
    let slot = |desk: &Desk| desk.process(&id).slot("3d").unwrap().clone();
    let owed = |desk: &Desk| slot(desk).owed().map(|r| r.round).collect::<Vec<_>>();
    // Nobody files round 1; the next one begins, and both are to be filed.
    desk.tick(at("2026-03-31T05:00"));
    assert_eq!((slot(&desk).round, slot(&desk).state), (2, SlotState::Due));
    assert_eq!(owed(&desk), [1]);
    assert_eq!(desk.alarms(&id, "3d"), 1);
    desk.restart();
    let which = desk.act(at("2026-03-31T06:00"), &product(&id, "3d"));
    let said = which.unwrap_err().to_string();
    assert!(said.contains("one of 1, 2"), "{said}");
    let none = desk.act(at("2026-03-31T06:00"), &product_of(&id, "3d", 7));
    assert!(none.unwrap_err().to_string().contains("round 7"));
    // The running one in time, then the missed one; each in its place, no alarm anew.
    desk.act(at("2026-03-31T06:10"), &product_of(&id, "3d", 2))
        .unwrap();
    assert_eq!(slot(&desk).state, SlotState::Done);
    assert_eq!(owed(&desk), [1]);
    desk.act(at("2026-03-31T06:20"), &product_of(&id, "3d", 1))
        .unwrap();
    assert_eq!(owed(&desk), Vec::<u32>::new());
    let behind = slot(&desk).behind[0].clone();
    assert_eq!(behind.product.unwrap().by, "wang");
    assert_eq!(slot(&desk).state, SlotState::Done);
    assert_eq!(desk.alarms(&id, "3d"), 1);
    // Two more are missed; the process ends, and what was missed can still be filed.
    desk.tick(at("2026-04-14T05:00"));
    assert_eq!(owed(&desk), [3]);
    desk.act(at("2026-04-14T06:00"), &end(&id)).unwrap();
    desk.act(at("2026-04-14T07:00"), &product_of(&id, "3d", 3))
        .unwrap();
    assert_eq!(owed(&desk), Vec::<u32>::new());
}

#[test]
fn no_more_missed_rounds_are_kept_than_twelve() {
    let mut desk = Desk::new(&CITY);
    let mut drought = open(Hazard::Drought, &[WHOLE], at("2026-03-20T00:00"));
    if let ServiceAct::Open { end, .. } = &mut drought {
        *end = Some(at("2026-12-20T00:00"));
    }
    desk.act(at("2026-03-18T09:00"), &drought).unwrap();
    let id = desk.live()[0].id.clone();
    desk.tick(at("2026-12-01T00:00"));
    let slot = desk.process(&id).slot("3d").unwrap();
    let rounds: Vec<u32> = slot.owed().map(|round| round.round).collect();
    assert_eq!(rounds.len(), 12);
    assert!(
        rounds.is_sorted() && rounds[11] + 1 == slot.round,
        "{rounds:?} {}",
        slot.round
    );
}

#[test]
fn onset_moved_keeps_what_is_done_and_what_is_owed() {
    let mut desk = Desk::new(&CITY);
    let id = desk.open(at("2026-05-08T06:00"), at("2026-05-08T14:00"));
    desk.tick(at("2026-05-08T08:00"));
    desk.act(at("2026-05-08T08:10"), &product(&id, "6h"))
        .unwrap();
    desk.tick(at("2026-05-08T10:30"));
    assert_eq!(desk.state(&id, "3h"), SlotState::Due);
    // Three hours earlier: the 3 h product is owed at once, the 1 h slot is not asked for any more.
    desk.act(at("2026-05-08T10:30"), &moved(&id, at("2026-05-08T11:00")))
        .unwrap();
    assert_eq!(desk.state(&id, "6h"), SlotState::Done);
    let owed = desk.process(&id).slot("3h").unwrap().clone();
    assert_eq!(owed.state, SlotState::Due);
    assert_eq!(clock(owed.clock.unwrap().due), "2026-05-08T10:50");
    assert_eq!(desk.state(&id, "1h"), SlotState::NotAsked);
    // Later again: it is asked for by the new time.
    desk.act(at("2026-05-08T10:40"), &moved(&id, at("2026-05-08T20:00")))
        .unwrap();
    assert_eq!(desk.state(&id, "3h"), SlotState::Waiting);
    assert_eq!(desk.state(&id, "1h"), SlotState::Waiting);
    assert_eq!(desk.state(&id, "6h"), SlotState::Done);
    assert_eq!(desk.alarms(&id, "3h"), 0);
}

#[test]
fn what_cannot_be_is_refused_with_words() {
    let mut desk = Desk::new(&CITY);
    let now = at("2026-05-08T06:00");
    let onset = at("2026-05-08T20:00");
    let mut refused = |act: &ServiceAct, said: &str| {
        let before = desk.said.len();
        let error = desk.act(now, act).unwrap_err().to_string();
        assert!(error.contains(said), "{error}");
        assert_eq!(desk.said.len(), before);
    };
    refused(&open(Hazard::Haze, &[TIANHE], onset), "no ladder for 11B19");
    refused(&open(Hazard::Rainstorm, &[], onset), "say where");
    refused(
        &open(Hazard::Rainstorm, &[TIANHE], at("2026-05-01T20:00")),
        "correct onset and end",
    );
    refused(&product("rain-9", "1d"), "no process");
    refused(&moved("rain-9", onset), "no process");
    refused(
        &ServiceAct::Evening {
            day: "2026-05-08".into(),
            person: "wang".into(),
            text: model::Named::default(),
        },
        "no evening product is open",
    );
    let id = desk.open(now, onset);
    let mut refused = |act: &ServiceAct, said: &str| {
        let error = desk.act(now, act).unwrap_err().to_string();
        assert!(error.contains(said), "{error}");
    };
    refused(&open(Hazard::Waterlogging, &[WHOLE], onset), &id);
    refused(&product(&id, "2d"), "10d, 3d, 1d, 6h, 3h, 1h, observed");
    refused(
        &ServiceAct::Open {
            process: Some(id.clone()),
            hazard: None,
            areas: Vec::new(),
            onset: None,
            end: None,
            person: "chen".into(),
            reason: "会商".into(),
        },
        "opened by chen already",
    );
    // Elsewhere, or a week later, it is another process.
    desk.act(now, &open(Hazard::Rainstorm, &[PANYU], onset))
        .unwrap();
    desk.act(
        now,
        &open(Hazard::Rainstorm, &[TIANHE], at("2026-05-18T20:00")),
    )
    .unwrap();
    assert_eq!(desk.live().len(), 3);
}

#[test]
fn no_more_processes_than_a_city_keeps() {
    let mut desk = Desk::new(&CITY);
    let now = at("2026-05-08T06:00");
    let mut refused = 0;
    for day in 0..60 {
        let onset = now + model::Span::from_minutes(day * 4 * 1440);
        let act = open(Hazard::Rainstorm, &[TIANHE], onset);
        refused += usize::from(desk.act(now, &act).is_err());
    }
    assert_eq!((desk.live().len(), refused), (40, 20));
    // All of them over in time; the newest hundred are kept.
    desk.tick(at("2027-05-08T06:00"));
    assert_eq!(desk.live().len(), 0);
    assert_eq!(desk.board().processes.len(), 40);
}

#[test]
fn acts_survive_the_journal() {
    let acts = [
        open(Hazard::Rainstorm, &[TIANHE], at("2026-05-08T20:00")),
        moved("rain-1", at("2026-05-08T20:00")),
        end("rain-1"),
        product("rain-1", "3d"),
    ];
    for act in acts {
        let input = model::Input::Order(Box::new(Order::Service(act)));
        let read = model::Input::decode(input.kind(), &input.encode());
        assert_eq!(read, Ok(input));
    }
}

/// What domain §1 says of each mode stands in its file.
#[test]
fn service_files_that_ship_have_the_slots_of_their_sources() {
    let leads = |file: &str, ladder: &str| {
        let city = city(&std::fs::read_to_string(testdata().join(file)).unwrap());
        let all = &city.services.ladders;
        let found = all.iter().find(|l| l.id == ladder).unwrap().clone();
        found
            .stages
            .iter()
            .map(|stage| stage.lead.name())
            .collect::<Vec<_>>()
    };
    let all = ["10d", "3d", "1d", "6h", "3h", "1h", "observed"];
    let demo = "city/services.toml";
    assert_eq!(leads(demo, "rain"), all);
    assert_eq!(leads(demo, "geology"), all);
    assert_eq!(
        leads(demo, "typhoon"),
        ["10d", "3d", "2d", "1d", "6h", "3h", "1h", "observed"]
    );
    assert_eq!(leads(demo, "convective"), ["6h", "3h", "1h", "observed"]);
    assert_eq!(leads(demo, "drought"), ["10d", "3d"]);
    assert_eq!(leads(demo, "slopes"), ["observed"]);
    assert_eq!(leads(demo, "levels"), ["observed"]);
    assert_eq!(
        leads("services/shenzhen-31631.toml", "rain"),
        ["3d", "1d", "6h", "3h", "1h", "observed"]
    );
    assert_eq!(
        leads("services/hunan-631.toml", "geology"),
        ["6h", "3h", "1h", "30m"]
    );
    // The leading 1 of 131631 is nobody's sure knowledge.
    let ladders = &CITY.services.ladders;
    let long = ladders.iter().flat_map(|ladder| &ladder.stages);
    for stage in long.filter(|stage| stage.lead == Lead::Before(model::Span::from_minutes(14_400)))
    {
        let confidence = serde_json::to_value(stage.source.confidence).unwrap();
        assert_eq!(confidence, "unsure");
    }
}

#[test]
fn an_entry_survives_the_journal() {
    let mut desk = Desk::new(&CITY);
    let id = desk.open(at("2026-05-08T06:00"), at("2026-05-08T20:00"));
    desk.tick(at("2026-05-08T14:31"));
    desk.act(at("2026-05-08T14:40"), &product(&id, "6h"))
        .unwrap();
    let mut kinds = std::collections::BTreeSet::new();
    for entry in &desk.said {
        let bytes = serde_json::to_vec(entry).unwrap();
        assert_eq!(
            &serde_json::from_slice::<model::response::Entry>(&bytes).unwrap(),
            entry
        );
        kinds.insert((
            matches!(entry.what, What::Process(_)),
            matches!(entry.what, What::Slot(_)),
        ));
    }
    assert_eq!(kinds.len(), 2, "{kinds:?}");
}
