//! Against the plain predicates of `geo`, corner points and borders included.

use super::*;
use crate::{AreaCode, Named};
use geo::{Intersects, LineString, Point, Polygon};
use proptest::prelude::*;

fn area(code: u64, level: AreaLevel, shape: MultiPolygon<f64>) -> Area {
    Area {
        code: AreaCode::parse(&format!("{code:012}")).unwrap(),
        name: Named::default(),
        level,
        parent: None,
        population: 0,
        shape,
    }
}

fn ring(corners: &[(f64, f64)]) -> LineString<f64> {
    let mut ring = LineString::from(corners.to_vec());
    ring.close();
    ring
}

fn square(x: f64, y: f64, size: f64) -> MultiPolygon<f64> {
    let corners = [(x, y), (x + size, y), (x + size, y + size), (x, y + size)];
    MultiPolygon(vec![Polygon::new(ring(&corners), Vec::new())])
}

/// The definition, read aloud: of the areas that hold the point, the deepest, then the first.
fn naive(areas: &[Area], x: f64, y: f64) -> Option<AreaNo> {
    let point = Point::new(x, y);
    let holding = (0u16..)
        .zip(areas)
        .filter(|(_, a)| a.shape.intersects(&point));
    holding
        .max_by_key(|(no, a)| (a.level, std::cmp::Reverse(*no)))
        .map(|(no, _)| AreaNo(no))
}

#[test]
fn borders_go_to_the_lowest_code_and_holes_to_whoever_is_around() {
    let holed = MultiPolygon(vec![Polygon::new(
        ring(&[(0.0, 0.0), (10.0, 0.0), (10.0, 10.0), (0.0, 10.0)]),
        vec![ring(&[(4.0, 4.0), (6.0, 4.0), (6.0, 6.0), (4.0, 6.0)])],
    )]);
    let areas = [
        area(1, AreaLevel::City, square(0.0, 0.0, 20.0)),
        area(2, AreaLevel::District, holed),
        area(3, AreaLevel::District, square(10.0, 0.0, 10.0)),
    ];
    let gazetteer = Gazetteer::new(&areas);
    for (x, y, wanted) in [
        (5.0, 5.0, Some(0)),
        (4.0, 5.0, Some(1)),
        (3.0, 5.0, Some(1)),
        (10.0, 5.0, Some(1)),
        (10.0, 10.0, Some(1)),
        (15.0, 5.0, Some(2)),
        (0.0, 0.0, Some(1)),
        (20.0, 20.0, Some(0)),
        (20.1, 5.0, None),
        (f64::NAN, 5.0, None),
    ] {
        assert_eq!(gazetteer.locate(x, y), wanted.map(AreaNo), "{x} {y}");
    }
}

#[test]
fn touching_means_more_than_a_border() {
    let areas: Vec<Area> = (0u16..4)
        .map(|k| {
            area(
                u64::from(k),
                AreaLevel::District,
                square(f64::from(k), 0.0, 1.0),
            )
        })
        .collect();
    let gazetteer = Gazetteer::new(&areas);
    for (shape, wanted) in [
        (square(1.0, 0.0, 1.0), vec![AreaNo(1)]),
        (square(0.9, 0.2, 0.2), vec![AreaNo(0), AreaNo(1)]),
        (square(9.0, 9.0, 1.0), vec![]),
        (MultiPolygon(Vec::new()), vec![]),
    ] {
        assert_eq!(gazetteer.areas_touching(&shape), Ok(wanted));
    }
    // A star of a thousand long spikes through one another.
    let spikes: Vec<(f64, f64)> = (0..1001)
        .map(|k| f64::from(k * 500 % 1001) / 1001.0 * std::f64::consts::TAU)
        .map(|turn| (turn.cos(), turn.sin()))
        .collect();
    let star = MultiPolygon(vec![Polygon::new(ring(&spikes), Vec::new())]);
    assert!(matches!(
        gazetteer.areas_touching(&star),
        Err(Tangled::Crossings { .. })
    ));
}

#[test]
fn nearest_by_border_and_distance_in_kilometres() {
    let areas: Vec<Area> = (0u16..4)
        .map(|k| {
            area(
                u64::from(k),
                AreaLevel::District,
                square(f64::from(k), 0.0, 1.0),
            )
        })
        .collect();
    let gazetteer = Gazetteer::new(&areas);
    let near = gazetteer.nearest_areas(2.9, 0.5, AreaLevel::District, 3);
    assert_eq!(near, [AreaNo(2), AreaNo(3), AreaNo(1)]);
    assert_eq!(gazetteer.nearest_areas(2.9, 0.5, AreaLevel::City, 3), []);
    for (x, km, wanted) in [
        (2.5, 1.0, Some(2)),
        (4.005, 1.0, Some(3)),
        (4.005, 0.5, None),
        (-0.001, 1.0, Some(0)),
        (f64::NAN, 1.0, None),
    ] {
        assert_eq!(
            gazetteer.locate_near(x, 0.5, km),
            wanted.map(AreaNo),
            "{x} {km}"
        );
    }
    let km = gazetteer.distance_km(AreaNo(3), 2.9, 0.5);
    assert!((km - 11.12).abs() < 0.01, "{km}");
    assert_eq!(gazetteer.distance_km(AreaNo(2), 2.9, 0.5), 0.0);
    assert!(gazetteer.distance_km(AreaNo(9), 2.9, 0.5).is_infinite());
}

/// A simple polygon: corners at rising angles about a centre, on a coarse lattice half the time.
fn blob() -> impl Strategy<Value = MultiPolygon<f64>> {
    let reaches = proptest::collection::vec(1u32..40, 3..30);
    (reaches, 0i32..20, 0i32..20, any::<bool>()).prop_map(|(reaches, x, y, lattice)| {
        let n = reaches.len() as f64;
        let snap = |v: f64| if lattice { v.round() } else { v };
        let corners: Vec<(f64, f64)> = reaches
            .iter()
            .enumerate()
            .map(|(k, r)| {
                let turn = k as f64 / n * std::f64::consts::TAU;
                let reach = f64::from(*r) / 4.0;
                (
                    snap(f64::from(x) + reach * turn.cos()),
                    snap(f64::from(y) + reach * turn.sin()),
                )
            })
            .collect();
        let hole = ring(
            &[(0.1, 0.1), (0.2, 0.1), (0.2, 0.2)]
                .map(|(a, b)| (f64::from(x) + a, f64::from(y) + b)),
        );
        let holes = if lattice { Vec::new() } else { vec![hole] };
        MultiPolygon(vec![Polygon::new(ring(&corners), holes)])
    })
}

proptest! {
    #[test]
    fn agrees_with_the_definition(
        shapes in proptest::collection::vec((blob(), 0usize..3), 1..6),
        points in proptest::collection::vec((-8i32..28, -8i32..28, 0.0f64..1.0, any::<bool>()), 40),
    ) {
        let levels = [AreaLevel::City, AreaLevel::District, AreaLevel::Township];
        // Lattice rings may touch themselves; the even-odd reading is only promised for sound
        // shapes, so those that are not are left out.
        let sound = shapes.into_iter().filter(|(s, _)| geo::Validation::is_valid(s));
        let mut areas: Vec<Area> = sound.map(|(s, l)| area(1, levels[l], s)).collect();
        areas.sort_by_key(|a| a.level);
        let gazetteer = Gazetteer::new(&areas);
        for (x, y, part, lattice) in points {
            let (x, y) = if lattice { (f64::from(x), f64::from(y)) } else { (f64::from(x) + part, f64::from(y) - part * part) };
            prop_assert_eq!(gazetteer.locate(x, y), naive(&areas, x, y), "{} {}", x, y);
            for no in (0u16..).zip(&areas).map(|(no, _)| AreaNo(no)) {
                let distance = gazetteer.distance_km(no, x, y);
                for km in [0.0, part * 500.0, distance, distance * 0.999_999_999] {
                    prop_assert_eq!(gazetteer.is_near(no, x, y, km), distance <= km, "{} {} {}", x, y, km);
                }
            }
        }
        // Corners themselves are on the border.
        for (no, area) in (0u16..).zip(&areas) {
            for corner in area.shape.0[0].exterior() {
                prop_assert!(gazetteer.holds(AreaNo(no), corner.x, corner.y));
                prop_assert_eq!(gazetteer.locate(corner.x, corner.y), naive(&areas, corner.x, corner.y));
            }
        }
    }
}
