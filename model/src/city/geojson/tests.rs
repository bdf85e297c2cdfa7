//! Shapes that are sound, mended and refused; the public suite of awkward files beside them.

use super::*;
use crate::fault::{Fault, Severity};
use geo::Area as _;
use proptest::prelude::*;
use std::fmt::Write as _;
use std::path::Path;

fn collection(features: &str) -> String {
    format!("{{\"type\":\"FeatureCollection\",\"features\":[\n{features}\n]}}")
}

fn polygon(coordinates: &str) -> String {
    collection(&format!(
        "{{\"type\":\"Feature\",\"properties\":{{}},\"geometry\":{{\"type\":\"Polygon\",\"coordinates\":{coordinates}}}}}"
    ))
}

fn run(text: &str) -> (Vec<Shaped>, Vec<Fault>) {
    let mut faults = Faults::default();
    let shapes = read("a.geojson", text.as_bytes(), &mut faults);
    (shapes, faults.into_vec())
}

fn shape_of(text: &str) -> MultiPolygon<f64> {
    let (mut shapes, faults) = run(text);
    assert!(
        faults.iter().all(|f| f.severity == Severity::Notice),
        "{faults:?}"
    );
    shapes.remove(0).shape
}

fn refusal(text: &str) -> String {
    let (shapes, faults) = run(text);
    assert!(shapes.is_empty());
    faults.iter().map(ToString::to_string).collect()
}

#[test]
fn holes_and_winding_either_way() {
    let outer = "[[0,0],[10,0],[10,10],[0,10],[0,0]]";
    for hole in [
        "[[2,2],[2,4],[4,4],[4,2],[2,2]]",
        "[[2,2],[4,2],[4,4],[2,4],[2,2]]",
    ] {
        let shape = shape_of(&polygon(&format!("[{outer},{hole}]")));
        assert!((shape.unsigned_area() - 96.0).abs() < 1e-9);
    }
    let touching = "[[0,5],[2,4],[2,6],[0,5]]";
    assert!(shape_of(&polygon(&format!("[{outer},{touching}]"))).unsigned_area() < 100.0);
}

#[test]
fn what_has_no_plain_inside_is_refused_with_its_place() {
    for (coordinates, wanted) in [
        (
            "[[[0,0],[10,10],[10,0],[0,10],[0,0]]]",
            "a.geojson:2: field geometry: it crosses itself near [5.000000, 5.000000]",
        ),
        (
            "[[[0,0],[9,0],[9,9],[0,9],[0,0]],[[5,5],[12,5],[12,6],[5,6],[5,5]]]",
            "it crosses itself near [9.0",
        ),
        (
            "[[[0,0],[9,0],[9,9],[0,9],[0,0]],[[20,5],[22,5],[22,6],[20,5]]]",
            "the hole at [20, 5] is not inside its ring alone",
        ),
        (
            "[[[0,0],[9,0],[9,9],[0,9],[0,0]],[[1,1],[8,1],[8,8],[1,8],[1,1]],[[2,2],[3,2],[3,3],[2,2]]]",
            "the hole at [2, 2] is not inside its ring alone",
        ),
        (
            "[[[0,0],[9,0],[9,9],[0,9]]]",
            "the ring beginning at [0, 0] is not closed",
        ),
        ("[[[0,0],[9,0],[0,0]]]", "a ring has too few corners"),
        ("[[[0,0],[4,4],[9,9],[0,0]]]", "it crosses itself"),
        ("[]", "it is empty"),
        ("[[]]", "it is empty"),
        (
            "[[[0,0],[9],[9,9],[0,0]]]",
            "a position has fewer than two numbers",
        ),
        ("[[[0,0],[\"9\",0],[9,9],[0,0]]]", "a.geojson:2: "),
        ("[[[0,0],[1e999,0],[9,9],[0,0]]]", "a.geojson:2: "),
    ] {
        let found = refusal(&polygon(coordinates));
        assert!(
            found.contains(wanted),
            "{coordinates}: {wanted}\nfound {found}"
        );
    }
    let parts = polygon("X").replace("Polygon", "MultiPolygon");
    let nested = parts.replace(
        'X',
        "[[[[0,0],[9,0],[9,9],[0,9],[0,0]]],[[[1,1],[2,1],[2,2],[1,1]]]]",
    );
    assert!(refusal(&nested).contains("parts lie on each other at [1, 1]"));
    let island = "[[[[0,0],[9,0],[9,9],[0,9],[0,0]],[[1,1],[8,1],[8,8],[1,8],[1,1]]],[[[2,2],[3,2],[3,3],[2,2]]]]";
    assert_eq!(shape_of(&parts.replace('X', island)).0.len(), 2);
    let neighbours = "[[[[0,0],[1,0],[1,1],[0,1],[0,0]]],[[[1,0],[2,0],[2,1],[1,1],[1,0]]]]";
    assert_eq!(shape_of(&parts.replace('X', neighbours)).0.len(), 2);
}

#[test]
fn a_slip_of_the_pen_is_taken_out_and_said() {
    let (shapes, faults) = run(&polygon(
        "[[[0,0],[10,0],[10,10],[0,10],[0.001,0.001],[0.001,-0.001],[0,0]]]",
    ));
    assert_eq!(shapes.len(), 1, "{faults:?}");
    assert_eq!(shapes.len(), 1, "{faults:?}");
    assert!((shapes[0].shape.unsigned_area() - 100.0).abs() < 0.01);
    assert!(
        faults[0]
            .to_string()
            .contains("a slip of the pen was taken out"),
        "{faults:?}"
    );
}

#[test]
fn one_bad_feature_leaves_the_others_and_keeps_its_line() {
    let good = "{\"type\":\"Feature\",\"properties\":{},\"geometry\":{\"type\":\"Polygon\",\"coordinates\":[[[0,0],[1,0],[1,1],[0,0]]]}}";
    let text = collection(&format!("{good},\n{{\"type\":\"Feature\"}},\n\n{good}"));
    let (shapes, faults) = run(&text);
    assert_eq!(shapes.iter().map(|s| s.line).collect::<Vec<_>>(), [2, 5]);
    assert_eq!(faults.len(), 1);
    assert_eq!(faults[0].line, Some(3));
}

#[test]
fn a_hundred_thousand_corners_are_read_and_a_tangle_of_them_refused() {
    let star = |corners: usize, step: usize| {
        let mut text = String::from("[[");
        for k in 0..=corners {
            let turn = (k * step % corners) as f64 / corners as f64 * std::f64::consts::TAU;
            let reach = if k % 2 == 0 { 1.0 } else { 0.99 };
            write!(
                text,
                "[{:.9},{:.9}],",
                113.0 + reach * turn.cos(),
                23.0 + reach * turn.sin()
            )
            .unwrap();
        }
        text.pop();
        text + "]]"
    };
    assert_eq!(
        shape_of(&polygon(&star(100_000, 1))).0[0]
            .exterior()
            .0
            .len(),
        100_001
    );
    let found = refusal(&polygon(&star(10_000, 4_999)));
    assert!(found.contains("crosses itself"), "{found}");
}

#[test]
fn deep_nesting_is_an_error() {
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    assert!(!refusal(&polygon(&deep)).is_empty());
    assert!(!refusal(&deep).is_empty());
}

/// The suite's files are single geometries, features and collections: each is put into one.
#[test]
fn the_public_suite_of_awkward_files() {
    let suite = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/geojson-suite");
    let Ok(entries) = std::fs::read_dir(&suite) else {
        println!("SKIPPED the_public_suite_of_awkward_files: no ../shared/data/geojson-suite");
        return;
    };
    let mut counts = [0; 3];
    for entry in entries.map(Result::unwrap) {
        let name = entry.file_name().into_string().unwrap();
        let text = std::fs::read_to_string(entry.path()).unwrap();
        let kind = serde_json::from_str::<serde_json::Value>(&text).unwrap()["type"].clone();
        let whole = match kind.as_str() {
            _ if name.contains("featurecollection") => text.clone(),
            Some("FeatureCollection") => text.clone(),
            Some("Feature") => collection(&text),
            _ if name.contains("_feature_") => collection(&text),
            _ => collection(&format!(
                "{{\"type\":\"Feature\",\"properties\":{{}},\"geometry\":{text}}}"
            )),
        };
        let (shapes, faults) = run(&whole);
        let errors = faults
            .iter()
            .filter(|f| f.severity == Severity::Error)
            .count();
        if name.starts_with("invalid_") {
            assert!(errors > 0, "{name} was taken");
            counts[0] += 1;
        } else if name.starts_with("problematic_") {
            assert!(errors == 0 && shapes.len() == 1, "{name}: {faults:?}");
            let silent = name == "problematic_holes.geojson";
            assert_eq!(faults.is_empty(), silent, "{name}: {faults:?}");
            counts[1] += 1;
        } else if text.contains("Polygon\"")
            && !name.contains("null")
            && !text.contains("GeometryCollection")
            && !text.contains("Point\"")
            && !text.contains("LineString\"")
        {
            assert_eq!(errors, 0, "{name}: {faults:?}");
            counts[2] += 1;
        }
    }
    assert!(counts.iter().all(|c| *c > 0), "{counts:?}");
}

proptest! {
    #[test]
    fn any_ring_is_taken_or_refused(corners in proptest::collection::vec((0i32..8, 0i32..8), 0..12)) {
        let mut text: Vec<String> = corners.iter().map(|(x, y)| format!("[{x},{y}]")).collect();
        text.extend(text.first().cloned());
        let (shapes, faults) = run(&polygon(&format!("[[{}]]", text.join(","))));
        prop_assert_eq!(shapes.is_empty(), faults.iter().any(|f| f.severity == Severity::Error));
    }

    #[test]
    fn any_bytes_are_faults(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let mut faults = Faults::default();
        let shapes = read("a", &bytes, &mut faults);
        prop_assert!(shapes.is_empty());
    }
}
