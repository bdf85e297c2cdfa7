//! Who may sign, what a start opens, and what each of the four ends leaves.

use super::{CITY, Desk, WHOLE, cancel, code, districts, signal};
use model::response::{Level, Remaining, Revised, Task, TaskState};
use model::{AreaCode, Hazard, Order, Tier, Time, WarningId};
use rules::response::following;
use std::collections::BTreeMap;

const HUANGPU: &str = "440112000000";
const DISTRICT: (&str, &str) = ("waterlogging-district", HUANGPU);
const CITY_PLAN: (&str, &str) = ("waterlogging", WHOLE);

fn refused(result: Result<(), String>, words: &str) {
    let why = result.unwrap_err();
    assert!(why.contains(words), "{why:?} does not say {words:?}");
}

fn open_tasks(desk: &Desk) -> Vec<&Task> {
    let tasks = desk.machine.board().tasks.values();
    tasks.filter(|task| task.state == TaskState::Open).collect()
}

fn returns(area: &str, person: &str) -> Order {
    Order::Return {
        area: code(area),
        person: person.into(),
        reason: "解除".into(),
    }
}

fn close(area: &str) -> Order {
    Order::Close {
        area: code(area),
        person: "deputy-duty".into(),
        reason: "处置完毕".into(),
    }
}

fn transfer(area: &str, moved: u32, sheltered: u32) -> Order {
    Order::Transfer {
        area: code(area),
        planned: 100,
        moved,
        sheltered,
        due: Time::from_minute(500),
        person: "chen".into(),
        note: String::new(),
    }
}

#[test]
fn the_post_of_the_plan_signs_and_nobody_else() {
    let mut desk = Desk::new(&CITY);
    let (none, ii) = (None, Some(Level::II));
    refused(
        desk.respond(CITY_PLAN, (none, ii), "deputy-duty"),
        "市三防总指挥",
    );
    refused(
        desk.respond(CITY_PLAN, (none, ii), "chen"),
        "does not hold the post",
    );
    refused(
        desk.respond(("none", WHOLE), (none, ii), "chief"),
        "no response plan",
    );
    refused(
        desk.respond(("waterlogging", HUANGPU), (none, ii), "chief"),
        "no response plan",
    );
    refused(
        desk.respond(("drought", WHOLE), (none, Some(Level::I)), "chief"),
        "has no level I",
    );
    assert!(desk.said.is_empty(), "what is refused says nothing");
    // A person may go ahead of what is proposed.
    assert_eq!(desk.respond(CITY_PLAN, (none, ii), "chief"), Ok(()));
    refused(
        desk.respond(CITY_PLAN, (none, Some(Level::III)), "chief"),
        "level none was seen, II stands",
    );
    refused(
        desk.respond(CITY_PLAN, (ii, ii), "chief"),
        "stands at II already",
    );
    refused(
        desk.respond(CITY_PLAN, (ii, none), "deputy-duty"),
        "市三防总指挥",
    );
    assert_eq!(
        desk.respond(CITY_PLAN, (ii, Some(Level::IV)), "deputy-duty"),
        Ok(())
    );
    assert_eq!(
        desk.respond(CITY_PLAN, (Some(Level::IV), none), "deputy-duty"),
        Ok(())
    );
    let response = desk.response("waterlogging", WHOLE).unwrap();
    assert_eq!(response.level, None);
    assert!(response.ended > response.started);
}

fn below(desk: &Desk, area: &str) -> Option<Level> {
    let response = desk.response("waterlogging-district", area);
    response.and_then(|response| response.below)
}

#[test]
fn districts_stand_by_themselves_and_are_told_when_below_the_city() {
    let mut desk = Desk::new(&CITY);
    assert_eq!(
        desk.respond(DISTRICT, (None, Some(Level::III)), "chief"),
        Ok(())
    );
    assert_eq!(desk.response("waterlogging", WHOLE), None);
    assert_eq!(
        desk.respond(CITY_PLAN, (None, Some(Level::III)), "chief"),
        Ok(())
    );
    assert_eq!(below(&desk, HUANGPU), None);
    assert_eq!(below(&desk, "440106000000"), Some(Level::III));
    let raised = desk.respond(CITY_PLAN, (Some(Level::III), Some(Level::II)), "chief");
    assert_eq!(raised, Ok(()));
    assert_eq!(below(&desk, HUANGPU), Some(Level::II));
    assert_eq!(
        desk.respond(CITY_PLAN, (Some(Level::II), None), "chief"),
        Ok(())
    );
    for district in districts() {
        assert_eq!(below(&desk, &district.to_string()), None);
    }
    let own = desk.response("waterlogging-district", HUANGPU).unwrap();
    assert_eq!(
        own.level,
        Some(Level::III),
        "the city's end is not the district's"
    );
}

#[test]
fn a_start_opens_the_tasks_of_its_level_and_a_rise_those_above() {
    let mut desk = Desk::new(&CITY);
    assert_eq!(
        desk.respond(DISTRICT, (None, Some(Level::III)), "chief"),
        Ok(())
    );
    let rows = CITY.plans.tasks.iter();
    let here = rows.filter(|row| row.place.to_string().starts_with("440112"));
    let of_level = here.filter(|row| {
        row.family == model::response::Family::Waterlogging && row.level <= Level::III
    });
    let wanted = of_level.count();
    let open = open_tasks(&desk);
    assert!(
        wanted > 10 && open.len() == wanted,
        "{} of {wanted}",
        open.len()
    );
    let site = open.iter().find(|task| task.site.is_some()).unwrap();
    assert_eq!(site.due, site.opened + model::Span::from_minutes(30));
    let id = site.id.clone();
    let report = |state| Order::Task {
        task: id.clone(),
        state,
        person: "chen".into(),
        note: "到位".into(),
    };
    refused(desk.order(&report(TaskState::Open)), "done or late");
    assert_eq!(desk.order(&report(TaskState::Late)), Ok(()));
    assert_eq!(desk.order(&report(TaskState::Done)), Ok(()));
    refused(desk.order(&report(TaskState::Done)), "is open");
    let raised = desk.respond(DISTRICT, (Some(Level::III), Some(Level::II)), "chief");
    assert_eq!(raised, Ok(()));
    assert_eq!(
        open_tasks(&desk).len(),
        wanted,
        "one is done, one came with the rise"
    );
    // The city asks for nothing twice, and its end drops only what it asked for.
    assert_eq!(
        desk.respond(CITY_PLAN, (None, Some(Level::III)), "chief"),
        Ok(())
    );
    let of_city = |desk: &Desk| {
        let open = open_tasks(desk).into_iter();
        open.filter(|task| task.plan == "waterlogging").count()
    };
    let all = of_city(&desk);
    let here = open_tasks(&desk).len() - all;
    assert!(all > 200 && here == wanted);
    assert_eq!(
        desk.respond(CITY_PLAN, (Some(Level::III), None), "chief"),
        Ok(())
    );
    assert_eq!((of_city(&desk), open_tasks(&desk).len()), (0, wanted));
    assert_eq!(
        desk.respond(DISTRICT, (Some(Level::II), None), "chief"),
        Ok(())
    );
    assert_eq!(open_tasks(&desk).len(), 0);
    // Another start asks anew, also for what was done.
    assert_eq!(
        desk.respond(DISTRICT, (None, Some(Level::III)), "chief"),
        Ok(())
    );
    assert_eq!(open_tasks(&desk).len(), wanted);
}

#[test]
fn four_ends_are_four_acts_and_each_says_what_remains() {
    let mut desk = Desk::new(&CITY);
    let town = [code("440112015000")];
    desk.hear(&signal("rain", Hazard::Rainstorm, Tier::Red, &town));
    desk.hear(&signal(
        "slope",
        Hazard::GeologicalRisk,
        Tier::Orange,
        &town,
    ));
    refused(
        desk.respond(DISTRICT, (None, Some(Level::IV)), "chief"),
        "no level IV",
    );
    assert_eq!(
        desk.respond(DISTRICT, (None, Some(Level::I)), "chief"),
        Ok(())
    );
    refused(desk.order(&transfer(HUANGPU, 3, 4)), "correct the counts");
    assert_eq!(desk.order(&transfer(HUANGPU, 40, 30)), Ok(()));
    let remains = |desk: &Desk| -> Vec<Remaining> {
        let mut all = desk.machine.board().remaining(&CITY, code(HUANGPU));
        all.retain(|what| !matches!(what, Remaining::Task { .. }));
        all
    };
    let slope = Remaining::Signal {
        hazard: Hazard::GeologicalRisk,
        tier: Tier::Orange,
        identifier: "slope".into(),
    };
    let response = Remaining::Response {
        plan: "waterlogging-district".into(),
        area: code(HUANGPU),
        level: Level::I,
    };
    let moved = Remaining::Transfer {
        area: code(HUANGPU),
        moved: 40,
    };
    let incident = Remaining::Incident {
        area: code(HUANGPU),
    };
    // Rain is lifted: nothing else ends with it, an end is proposed.
    desk.hear(&cancel("c", "rain", &town));
    assert_eq!(
        remains(&desk),
        [slope.clone(), response, moved.clone(), incident.clone()]
    );
    assert_eq!(desk.proposed("waterlogging-district", HUANGPU), Some(None));
    refused(
        desk.order(&close(HUANGPU)),
        "response waterlogging-district",
    );
    assert_eq!(
        desk.respond(DISTRICT, (Some(Level::I), None), "chief"),
        Ok(())
    );
    assert_eq!(remains(&desk), [slope.clone(), moved, incident.clone()]);
    refused(desk.order(&close(HUANGPU)), "40 people moved");
    refused(desk.order(&returns(HUANGPU, "deputy-duty")), "市三防总指挥");
    assert_eq!(desk.order(&returns(HUANGPU, "chief")), Ok(()));
    refused(desk.order(&returns(HUANGPU, "chief")), "no transfer");
    assert_eq!(remains(&desk), [slope.clone(), incident]);
    assert_eq!(desk.order(&close(HUANGPU)), Ok(()));
    refused(desk.order(&close(HUANGPU)), "no incident");
    assert_eq!(remains(&desk), [slope], "the slope's own signal stands");
}

fn revised(tier: Tier, issued: bool) -> Revised {
    let town: AreaCode = code("440112015000");
    let tiers = BTreeMap::from([(town, tier)]);
    Revised {
        warning: WarningId::parse("0123456789abcdef01234567").unwrap(),
        hazard: Hazard::Waterlogging,
        authority: "44010036000000".into(),
        time: Time::from_minute(9),
        issued: issued.then(|| tiers.clone()),
        expected: false,
        found: tiers,
    }
}

#[test]
fn our_own_warnings_count_once_issued_and_findings_where_the_plan_says() {
    let mut desk = Desk::new(&CITY);
    let say = |desk: &mut Desk, revised: &Revised| {
        let at = desk.at();
        desk.machine.revised(at, revised, &mut desk.said);
    };
    say(&mut desk, &revised(Tier::Orange, false));
    assert_eq!(
        desk.proposed("waterlogging", WHOLE),
        None,
        "a proposal is no signal"
    );
    say(&mut desk, &revised(Tier::Orange, true));
    assert_eq!(
        desk.proposed("waterlogging", WHOLE),
        Some(Some(Level::Attention))
    );
    assert_eq!(desk.proposed(DISTRICT.0, HUANGPU), Some(Some(Level::II)));
    // A proposal to go higher leaves what was issued.
    let said = desk.said.len();
    say(&mut desk, &revised(Tier::Red, false));
    assert_eq!(desk.proposed(DISTRICT.0, HUANGPU), Some(Some(Level::II)));
    assert_eq!(desk.said.len(), said + 1);
    let over = Revised {
        issued: Some(BTreeMap::new()),
        found: BTreeMap::new(),
        ..revised(Tier::Red, true)
    };
    say(&mut desk, &over);
    assert_eq!(desk.proposed(DISTRICT.0, HUANGPU), None);
    assert!(desk.machine.board().standing.is_empty());
}

#[test]
fn findings_count_where_a_term_asks_for_them() {
    let mut desk = Desk::new(&CITY);
    let towns = ["440112015000", "440112001000"].map(code);
    let found = Revised {
        found: towns.into_iter().map(|town| (town, Tier::Yellow)).collect(),
        ..revised(Tier::Yellow, false)
    };
    let at = desk.at();
    desk.machine.revised(at, &found, &mut desk.said);
    assert_eq!(
        desk.proposed(DISTRICT.0, HUANGPU),
        Some(Some(Level::Attention))
    );
    assert_eq!(desk.proposed("waterlogging", WHOLE), None);
}

#[test]
fn schools_follow_official_signals_by_tier_area_and_hour() {
    let held = |hazard, tier, area: &str, time: &str| -> Vec<(String, Vec<AreaCode>)> {
        let mut desk = Desk::new(&CITY);
        desk.hear(&signal("S", hazard, tier, &[code(area)]));
        let at = Time::parse(time).unwrap().0;
        let following = following(&CITY, desk.machine.board(), at);
        let each = following.into_iter();
        each.map(|f| (f.consequence.id.clone(), f.areas)).collect()
    };
    let (night, noon) = ("2024-05-06T05:30:00+08:00", "2024-05-06T12:00:00+08:00");
    let ids = |held: Vec<(String, Vec<AreaCode>)>| -> Vec<String> {
        held.into_iter().map(|(id, _)| id).collect()
    };
    let rain = |tier, time| ids(held(Hazard::Rainstorm, tier, HUANGPU, time));
    assert_eq!(rain(Tier::Blue, noon), [""; 0]);
    assert_eq!(rain(Tier::Yellow, noon), ["school-may-delay"]);
    assert_eq!(rain(Tier::Orange, noon), ["school-delay"]);
    assert_eq!(rain(Tier::Red, night), ["school-suspended-rain"]);
    assert_eq!(
        rain(Tier::Red, noon),
        ["school-suspended-rain", "school-keeps-pupils"]
    );
    let typhoon = |tier| ids(held(Hazard::Typhoon, tier, WHOLE, night));
    assert_eq!(typhoon(Tier::Blue), [""; 0]);
    assert_eq!(typhoon(Tier::Yellow), ["school-suspended-typhoon"]);
    let in_district = held(Hazard::Rainstorm, Tier::Red, HUANGPU, night);
    assert_eq!(in_district[0].1, [code(HUANGPU)]);
    // Our findings and proposals are no signals.
    let mut desk = Desk::new(&CITY);
    let at = desk.at();
    let ours = Revised {
        hazard: Hazard::Rainstorm,
        ..revised(Tier::Red, false)
    };
    desk.machine.revised(at, &ours, &mut desk.said);
    assert!(following(&CITY, desk.machine.board(), at).is_empty());
}

#[test]
fn an_alert_that_comes_after_what_replaced_it_stays_replaced() {
    let mut desk = Desk::new(&CITY);
    let town = [code("440112015000")];
    desk.hear(&cancel("c", "late", &town));
    desk.hear(&signal("late", Hazard::Rainstorm, Tier::Red, &town));
    assert!(desk.machine.board().standing.is_empty());
}
