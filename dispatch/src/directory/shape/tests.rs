//! Shapes over the grid against the definition, point by point, and what is refused.

use super::cover::{Around, Cover};
use super::*;
use crate::directory::cells::{CELL_BITS, UNITS};
use proptest::prelude::*;

/// What the cover says of a place.
fn covered(cover: &Cover, at: Spot) -> bool {
    let cell = at.cell();
    let row = cover.rows().iter().find(|(y, _)| *y == cell.y);
    let Some((_, spans)) = row else { return false };
    let mut here = cover.spans(spans).iter();
    let Some(span) = here.find(|span| (span.from..=span.to).contains(&cell.x)) else {
        return false;
    };
    let mut around = Around::default();
    cover.around(cell, &mut around);
    let exact = cover.holds(at, &around);
    assert!(
        !span.whole || exact,
        "a cell that is inside as a whole: {at:?}"
    );
    span.whole || exact
}

/// The definition: on a ring, or an odd number of its edges to the east; or near to an edge.
fn naive(shape: &Shape, at: Spot) -> bool {
    let wide = |spot: Spot| (i128::from(spot.x), i128::from(spot.y));
    let (px, py) = wide(at);
    let mut odd = false;
    for edge in shape.ring_edges() {
        let ((ax, ay), (bx, by)) = (wide(edge.a), wide(edge.b));
        let cross = (bx - ax) * (py - ay) - (by - ay) * (px - ax);
        let within = px >= ax.min(bx) && px <= ax.max(bx) && py >= ay.min(by) && py <= ay.max(by);
        if cross == 0 && within {
            return true;
        }
        if (ay > py) != (by > py) {
            // East of the place where the edge is at its height.
            odd ^= (cross > 0) == (by > ay);
        }
    }
    odd || shape
        .all_edges()
        .any(|edge| shape.0.reach > 0 && near(&edge, at, shape.0.reach))
}

/// Squared distance to the nearest point of an edge, both as fractions of its length.
fn near(edge: &Edge, at: Spot, reach: u32) -> bool {
    let narrow = i128::from(edge.narrow());
    let flat = |x: u32, y: u32| {
        let x = (i128::from(x) - i128::from(edge.a.x)) * narrow;
        (x.div_euclid(1 << 20), i128::from(y) - i128::from(edge.a.y))
    };
    let ((dx, dy), (px, py)) = (flat(edge.b.x, edge.b.y), flat(at.x, at.y));
    let (length, reach) = (dx * dx + dy * dy, i128::from(reach));
    if length == 0 {
        return px * px + py * py <= reach * reach;
    }
    let along = (px * dx + py * dy).clamp(0, length);
    let (ex, ey) = (px * length - along * dx, py * length - along * dy);
    // Edges are short here, so that all of it fits.
    ex * ex + ey * ey <= reach * reach * length * length
}

/// Hundredths of a grid cell around a place in Guangzhou.
fn degrees(steps: i32) -> f64 {
    f64::from(steps) * f64::from(1 << CELL_BITS) / UNITS / 100.0
}

fn position() -> impl Strategy<Value = [f64; 2]> {
    // Coarse steps, so that corners meet corners and lie on cell borders.
    (-10i32..10, -10i32..10, any::<bool>()).prop_map(|(x, y, fine)| {
        let scale = if fine { 37 } else { 100 };
        let border = |degrees: f64| (degrees * UNITS / 32768.0).round() * 32768.0 / UNITS;
        [
            border(113.2) + degrees(x * scale),
            border(23.1) + degrees(y * scale),
        ]
    })
}

fn ring() -> impl Strategy<Value = Vec<[f64; 2]>> {
    proptest::collection::vec(position(), 3..12).prop_map(|mut ring| {
        ring.push(ring[0]);
        ring
    })
}

fn shape() -> impl Strategy<Value = Shape> {
    let distance = prop_oneof![Just(None), (1.0..3_000.0f64).prop_map(Some)];
    prop_oneof![
        (proptest::collection::vec(ring(), 1..3), distance)
            .prop_map(|(rings, distance)| Shape::polygon(&rings, distance).unwrap()),
        (
            proptest::collection::vec(proptest::collection::vec(position(), 1..6), 1..4),
            1.0..3_000.0f64
        )
            .prop_map(|(lines, distance)| Shape::around(&lines, distance).unwrap()),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn the_cover_is_the_definition(shape in shape(), places in proptest::collection::vec(position(), 1..40), nudge in -2i32..3) {
        let cover = Cover::new(&shape);
        let corners = shape.parts().flatten().copied().collect::<Vec<_>>();
        let spots = places.iter().map(|[x, y]| Spot::of(*x, *y)).chain(corners);
        for spot in spots {
            let spot = Spot { x: spot.x.saturating_add_signed(nudge), y: spot.y };
            prop_assert_eq!(covered(&cover, spot), naive(&shape, spot), "{:?} in {:?}", spot, &shape);
        }
    }

    #[test]
    fn a_shape_comes_back_from_json(shape in shape()) {
        let text = serde_json::to_string(&shape).unwrap();
        let back: Shape = serde_json::from_str(&text).unwrap();
        prop_assert_eq!(back.hash(), shape.hash());
        prop_assert_eq!(back, shape);
    }

    #[test]
    fn any_json_is_a_shape_or_a_word(kind in "Polygon|Point|LineString|MultiLineString|Circle", text in "[\\[\\]0-9.,\\-e]{0,40}", distance in proptest::option::of(any::<f64>())) {
        let coordinates: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
        let read = Shape::try_from(Written { kind, coordinates, distance_m: distance });
        prop_assert!(read.is_ok() || !read.unwrap_err().to_string().is_empty());
    }
}

#[test]
fn a_polygon_of_a_hundred_thousand_vertices_is_exact() {
    let point = |step: usize| {
        let turn = std::f64::consts::TAU * step as f64 / (VERTICES_MAX - 1) as f64;
        let radius = 0.05 + 0.01 * libm::sin(turn * 997.0);
        [
            113.2 + radius * libm::cos(turn),
            23.1 + radius * libm::sin(turn),
        ]
    };
    let mut ring: Vec<[f64; 2]> = (0..VERTICES_MAX - 1).map(point).collect();
    ring.push(ring[0]);
    let shape = Shape::polygon(&[ring.clone()], None).unwrap();
    let cover = Cover::new(&shape);
    let mut inside = 0;
    for step in 0..400i32 {
        let (x, y) = (step % 20 - 10, step / 20 - 10);
        let spot = Spot::of(113.2 + f64::from(x) * 0.0057, 23.1 + f64::from(y) * 0.0057);
        assert_eq!(covered(&cover, spot), naive(&shape, spot), "{spot:?}");
        inside += usize::from(covered(&cover, spot));
    }
    assert!((100..300).contains(&inside), "{inside}");
    ring.push(ring[0]);
    let more = Shape::polygon(&[ring], None).unwrap_err();
    assert_eq!(more, ShapeError::Vertices(VERTICES_MAX + 1));
}

#[test]
fn a_circle_is_as_wide_as_it_says() {
    let circle = Shape::around(&[vec![[113.2, 23.1]]], 1_000.0).unwrap();
    let cover = Cover::new(&circle);
    // A kilometre is 0.0089932 degrees of latitude, and of longitude 0.0097772 at 23.1 degrees.
    for (lon, lat, inside) in [
        (113.2, 23.1 + 0.008_993, true),
        (113.2, 23.1 + 0.008_994, false),
        (113.2 + 0.009_776, 23.1, true),
        (113.2 + 0.009_778, 23.1, false),
        (113.2 - 0.009_776, 23.1, true),
        (113.2 - 0.009_778, 23.1, false),
    ] {
        assert_eq!(covered(&cover, Spot::of(lon, lat)), inside, "{lon} {lat}");
    }
}

#[test]
fn what_is_no_shape_is_refused_with_a_word() {
    let read = |text: &str| serde_json::from_str::<Shape>(text).map_err(|e| e.to_string());
    let square = "[[[113,23],[113.1,23],[113.1,23.1],[113,23]]]";
    for (text, word) in [
        (
            format!(r#"{{"type":"MultiPolygon","coordinates":[{square}]}}"#),
            "draw a Polygon",
        ),
        (
            r#"{"type":"Polygon","coordinates":[]}"#.into(),
            "there are none",
        ),
        (
            r#"{"type":"Polygon","coordinates":[[[113,23],[113.1,23],[113,23]]]}"#.into(),
            "ring 1: it needs four positions",
        ),
        (
            r#"{"type":"Polygon","coordinates":[[[113,23],[113.1,23],[113.1,23.1],[113,23.1]]]}"#
                .into(),
            "the last one the first again",
        ),
        (
            r#"{"type":"Point","coordinates":[113,23]}"#.into(),
            "distance_m is missing",
        ),
        (
            r#"{"type":"Point","coordinates":[113,23],"distance_m":0}"#.into(),
            "above 0",
        ),
        (
            r#"{"type":"Point","coordinates":[113,23],"distance_m":100001}"#.into(),
            "at most 100000",
        ),
        (
            r#"{"type":"Point","coordinates":[113,123],"distance_m":10}"#.into(),
            "not on earth",
        ),
        (
            r#"{"type":"Point","coordinates":[113,86],"distance_m":10}"#.into(),
            "85 degrees north",
        ),
        (
            r#"{"type":"LineString","coordinates":[[113,23],[134,23]],"distance_m":10}"#.into(),
            "wider or higher than 20",
        ),
        (
            r#"{"type":"Polygon","coordinates":[[[113],[1,2],[3,4],[113]]]}"#.into(),
            "a position of 1 numbers",
        ),
        (
            r#"{"type":"Point","coordinates":[113,23],"distance_m":10,"radius":4}"#.into(),
            "unknown field",
        ),
    ] {
        let why = read(&text).unwrap_err();
        assert!(why.contains(word), "{word} in {why}");
    }
    assert!(read(&format!(r#"{{"type":"Polygon","coordinates":{square}}}"#)).is_ok());
    // Every edge from one end of 20 degrees to the other.
    let mut zigzag: Vec<[f64; 2]> = (0..50_000)
        .map(|no| [113.0, if no % 2 == 0 { 10.0 } else { 30.0 }])
        .collect();
    zigzag.push(zigzag[0]);
    assert_eq!(
        Shape::polygon(&[zigzag.clone()], None),
        Err(ShapeError::Work)
    );
    assert_eq!(Shape::around(&[zigzag], 100_000.0), Err(ShapeError::Work));
}
