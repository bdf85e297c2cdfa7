//! Starts that were seen with the signals in force (domain §6.2), against the proposal tables. What the
//! record does not say (2021-07-21: no signals; the meteorological ladder of rain) is left out.

use super::{CITY, Desk, WHOLE, city, code, districts, signal};
use model::response::Level;
use model::{AreaCode, AreaLevel, City, Hazard, Tier};
use std::sync::Arc;

/// Where a tier is in force.
enum Where {
    /// So many districts, the first ones in code order from the given one on.
    Districts(usize, usize),
    /// So many townships.
    Townships(usize),
    /// One area.
    Area(&'static str),
}

struct Row {
    when: &'static str,
    table: &'static str,
    hazard: Hazard,
    in_force: &'static [(Tier, Where)],
    of: (&'static str, &'static str),
    level: Level,
}

const GUANGZHOU: &str = "city/responses.toml";
const SHENZHEN: &str = "responses/shenzhen.toml";
const DONGGUAN: &str = "responses/dongguan.toml";
const HUANGPU: &str = "440112000000";

fn rain(
    when: &'static str,
    table: &'static str,
    in_force: &'static [(Tier, Where)],
    level: Level,
) -> Row {
    Row {
        when,
        table,
        hazard: Hazard::Rainstorm,
        in_force,
        of: ("waterlogging", WHOLE),
        level,
    }
}

fn rows() -> Vec<Row> {
    use Where::{Area, Districts, Townships};
    let district = |when, in_force, level| Row {
        of: ("waterlogging-district", HUANGPU),
        ..rain(when, GUANGZHOU, in_force, level)
    };
    let typhoon = |when, table, of, level| Row {
        hazard: Hazard::Typhoon,
        of,
        ..rain(when, table, &[(Tier::White, Area(WHOLE))], level)
    };
    vec![
        rain(
            "GZ 2022-06-07",
            GUANGZHOU,
            &[(Tier::Yellow, Districts(0, 6))],
            Level::IV,
        ),
        rain(
            "GZ 2023-03-24",
            GUANGZHOU,
            &[(Tier::Yellow, Districts(5, 6))],
            Level::IV,
        ),
        rain(
            "GZ 2024-04-06",
            GUANGZHOU,
            &[(Tier::Yellow, Districts(0, 9))],
            Level::III,
        ),
        rain(
            "GZ 2024-04-18",
            GUANGZHOU,
            &[(Tier::Yellow, Districts(2, 9))],
            Level::III,
        ),
        rain(
            "GZ 07-27",
            GUANGZHOU,
            &[
                (Tier::Yellow, Districts(0, 7)),
                (Tier::Orange, Districts(7, 2)),
            ],
            Level::III,
        ),
        district(
            "Huangpu, evening",
            &[(Tier::Yellow, Area(HUANGPU))],
            Level::III,
        ),
        district(
            "Huangpu, later",
            &[(Tier::Orange, Area(HUANGPU))],
            Level::II,
        ),
        district("Huangpu, night", &[(Tier::Red, Area(HUANGPU))], Level::I),
        rain(
            "SZ 2019-06-24 10:40",
            SHENZHEN,
            &[(Tier::Yellow, Area(WHOLE))],
            Level::Attention,
        ),
        rain(
            "SZ 2019-06-24 12:35",
            SHENZHEN,
            &[(Tier::Yellow, Area(WHOLE)), (Tier::Orange, Townships(3))],
            Level::IV,
        ),
        rain(
            "SZ 8 May",
            SHENZHEN,
            &[(Tier::Orange, Area(WHOLE))],
            Level::IV,
        ),
        typhoon("SZ 2016-10-19", SHENZHEN, ("wind", WHOLE), Level::IV),
        typhoon(
            "GZ 2022-08-23",
            GUANGZHOU,
            ("weather-typhoon", WHOLE),
            Level::IV,
        ),
        Row {
            of: ("flood", WHOLE),
            ..rain(
                "Dongguan 08-05",
                DONGGUAN,
                &[(Tier::Red, Townships(12))],
                Level::III,
            )
        },
    ]
}

fn areas(city: &City, place: &Where) -> Vec<AreaCode> {
    let townships = || {
        let all = city.areas_of(AreaLevel::Township);
        all.map(|no| city.area(no).unwrap().code)
    };
    match place {
        Where::Districts(from, count) => districts()[*from..from + count].to_vec(),
        Where::Townships(count) => townships().take(*count).collect(),
        Where::Area(area) => vec![code(area)],
    }
}

#[test]
fn what_was_started_is_what_is_proposed() {
    for row in rows() {
        let city: Arc<City> = city(row.table);
        let mut desk = Desk::new(&city);
        for (number, (tier, place)) in row.in_force.iter().enumerate() {
            let areas = areas(&city, place);
            desk.hear(&signal(&number.to_string(), row.hazard, *tier, &areas));
        }
        let (plan, area) = row.of;
        assert_eq!(
            desk.proposed(plan, area),
            Some(Some(row.level)),
            "{}",
            row.when
        );
        assert_eq!(
            desk.response(plan, area).unwrap().level,
            None,
            "{}: nothing starts by itself",
            row.when
        );
    }
}

#[test]
fn a_proposal_says_why() {
    let mut desk = Desk::new(&CITY);
    desk.hear(&signal(
        "A",
        Hazard::Rainstorm,
        Tier::Yellow,
        &districts()[..9],
    ));
    let response = desk.response("waterlogging", WHOLE).unwrap();
    let reason = &response.proposal.as_ref().unwrap().reasons[0];
    assert_eq!(
        (reason.count, reason.of, reason.needed, &*reason.term),
        (9, 11, 9, "yellow >= 9/11 districts")
    );
    assert_eq!(reason.areas, districts()[..9]);
    assert_eq!(reason.signals, ["A yellow"]);
    assert_eq!(
        reason.text.en,
        "Signals of yellow or above in 9 of 11 districts"
    );
    assert_eq!(reason.text.zh, "11个区中9个预警信号达到黄色及以上");
}

/// A plan written for eleven districts, where there are others.
#[test]
fn a_share_is_scaled_and_one_below_it_is_not_enough() {
    let mut desk = Desk::new(&CITY);
    desk.hear(&signal(
        "A",
        Hazard::Rainstorm,
        Tier::Yellow,
        &districts()[..5],
    ));
    assert_eq!(
        desk.proposed("waterlogging", WHOLE),
        Some(Some(Level::Attention))
    );
    // One township more puts its whole district among them.
    let town = code("440118004000");
    desk.hear(&signal("B", Hazard::Rainstorm, Tier::Yellow, &[town]));
    assert_eq!(desk.proposed("waterlogging", WHOLE), Some(Some(Level::IV)));
}
