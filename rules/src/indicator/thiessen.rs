//! Areal mean by Thiessen polygons: each station stands for what of the area is nearest to it
//! (Thiessen 1911; WMO-No. 168, Guide to Hydrological Practices, areal precipitation).
//!
//! Weights are parts in a million of the area, fixed by the positions of the stations: where some of them
//! are silent, the others share what is left in the proportion of theirs.

use geo::{Coord, LineString, MultiPolygon};

/// Parts that all weights together have, but for rounding.
pub const WHOLE: u32 = 1_000_000;

/// The weight of each station, WGS-84 degrees, in a shape; stations may lie outside of it.
pub fn weights(shape: &MultiPolygon<f64>, stations: &[(f64, f64)]) -> Vec<u32> {
    let latitudes = stations.iter().map(|station| station.1);
    let middle = latitudes.sum::<f64>() / stations.len().max(1) as f64;
    let narrowing = libm::cos(middle * std::f64::consts::PI / 180.0);
    let flat = |lon: f64, lat: f64| Coord {
        x: lon * narrowing,
        y: lat,
    };
    let stations: Vec<Coord<f64>> = stations.iter().map(|(lon, lat)| flat(*lon, *lat)).collect();
    let ring = |line: &LineString<f64>| line.0.iter().map(|at| flat(at.x, at.y)).collect();
    let mut rings: Vec<(f64, Vec<Coord<f64>>)> = Vec::new();
    for part in &shape.0 {
        rings.push((1.0, ring(part.exterior())));
        rings.extend(part.interiors().iter().map(|hole| (-1.0, ring(hole))));
    }
    let whole: f64 = rings.iter().map(|(sign, ring)| sign * area(ring)).sum();
    let cell = |(number, station): (usize, &Coord<f64>)| {
        // Of stations at one place the first stands for all: nothing is nearer to the others.
        let is_second = stations.iter().take(number).any(|other| other == station);
        let own = |(sign, ring): &(f64, Vec<Coord<f64>>)| {
            sign * area(&nearest(ring, *station, &stations))
        };
        let share = rings.iter().map(own).sum::<f64>() / whole * f64::from(WHOLE);
        if is_second || !share.is_finite() {
            return 0;
        }
        share.round().clamp(0.0, f64::from(WHOLE)) as u32
    };
    stations.iter().enumerate().map(cell).collect()
}

/// What of a ring is nearer to a station than to any other.
fn nearest(ring: &[Coord<f64>], station: Coord<f64>, stations: &[Coord<f64>]) -> Vec<Coord<f64>> {
    let mut left = ring.to_vec();
    for other in stations.iter().filter(|other| **other != station) {
        left = clip(&left, station, *other);
        if left.is_empty() {
            break;
        }
    }
    left
}

/// What of a ring is nearer to one place than to another (Sutherland and Hodgman 1974). A ring that is cut
/// into several keeps them joined by edges of no width, which have no area.
fn clip(ring: &[Coord<f64>], to: Coord<f64>, than: Coord<f64>) -> Vec<Coord<f64>> {
    let (dx, dy) = (than.x - to.x, than.y - to.y);
    let (mx, my) = ((than.x + to.x) / 2.0, (than.y + to.y) / 2.0);
    let beyond = |at: &Coord<f64>| (at.x - mx) * dx + (at.y - my) * dy;
    let mut kept = Vec::with_capacity(ring.len() + 2);
    let next = ring.iter().skip(1).chain(ring.first());
    for (from, to) in ring.iter().zip(next) {
        let (a, b) = (beyond(from), beyond(to));
        if a <= 0.0 {
            kept.push(*from);
        }
        if (a < 0.0 && b > 0.0) || (a > 0.0 && b < 0.0) {
            let share = a / (a - b);
            kept.push(Coord {
                x: from.x + (to.x - from.x) * share,
                y: from.y + (to.y - from.y) * share,
            });
        }
    }
    kept
}

/// Area of a ring, whichever way it runs round.
fn area(ring: &[Coord<f64>]) -> f64 {
    let Some(origin) = ring.first() else {
        return 0.0;
    };
    let next = ring.iter().skip(1).chain([origin]);
    let twice = |(a, b): (&Coord<f64>, &Coord<f64>)| {
        (a.x - origin.x) * (b.y - origin.y) - (b.x - origin.x) * (a.y - origin.y)
    };
    (ring.iter().zip(next).map(twice).sum::<f64>() / 2.0).abs()
}

#[cfg(test)]
mod tests {
    use super::{WHOLE, weights};
    use geo::{Coord, LineString, MultiPolygon, Polygon};
    use proptest::prelude::*;

    /// A star-shaped ring: concave as often as not.
    fn ring(centre: (f64, f64), radii: &[f64]) -> LineString<f64> {
        let of = |(number, radius): (usize, &f64)| {
            let angle = std::f64::consts::TAU * number as f64 / radii.len() as f64;
            Coord {
                x: centre.0 + radius * libm::cos(angle),
                y: centre.1 + radius * libm::sin(angle),
            }
        };
        LineString(radii.iter().enumerate().map(of).collect())
    }

    fn is_inside(ring: &LineString<f64>, x: f64, y: f64) -> bool {
        let next = ring.0.iter().cycle().skip(1);
        let crosses = ring.0.iter().zip(next).filter(|(a, b)| {
            (a.y > y) != (b.y > y) && x < (b.x - a.x) * (y - a.y) / (b.y - a.y) + a.x
        });
        crosses.count() % 2 == 1
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]

        /// Against a grid whose points ask which station is nearest.
        #[test]
        fn each_station_stands_for_what_is_nearest_to_it(
            radii in prop::collection::vec(0.1f64..0.3, 5..12),
            hole in prop::option::of(0.02f64..0.08),
            stations in prop::collection::vec((112.6f64..113.4, 22.6f64..23.4), 1..12),
        ) {
            let outside = ring((113.0, 23.0), &radii);
            let inside = hole.map(|radius| ring((113.0, 23.0), &[radius; 6]));
            let shape = MultiPolygon(vec![Polygon::new(outside.clone(), inside.clone().into_iter().collect())]);
            let found = weights(&shape, &stations);
            let middle = stations.iter().map(|station| station.1).sum::<f64>() / stations.len() as f64;
            let narrowing = libm::cos(middle.to_radians());
            let mut counts = vec![0u32; stations.len()];
            const GRID: i32 = 240;
            for row in 0..GRID {
                for column in 0..GRID {
                    let (x, y) = (112.7 + 0.6 * f64::from(column) / f64::from(GRID), 22.7 + 0.6 * f64::from(row) / f64::from(GRID));
                    if !is_inside(&outside, x, y) || inside.as_ref().is_some_and(|hole| is_inside(hole, x, y)) {
                        continue;
                    }
                    let away = |station: &(f64, f64)| ((station.0 - x) * narrowing).powi(2) + (station.1 - y).powi(2);
                    let nearest = stations.iter().enumerate().min_by(|a, b| away(a.1).total_cmp(&away(b.1)));
                    counts[nearest.unwrap().0] += 1;
                }
            }
            let all: u32 = counts.iter().sum();
            for (weight, count) in found.iter().zip(&counts) {
                let (share, wanted) = (f64::from(*weight) / f64::from(WHOLE), f64::from(*count) / f64::from(all));
                prop_assert!((share - wanted).abs() < 0.02, "{:?} {:?}", found, counts);
            }
            let sum: u32 = found.iter().sum();
            prop_assert!(sum.abs_diff(WHOLE) < 20, "{}", sum);
        }
    }

    #[test]
    fn of_two_at_one_place_the_first_stands_for_both() {
        let shape = MultiPolygon(vec![Polygon::new(
            ring((113.0, 23.0), &[0.2; 6]),
            Vec::new(),
        )]);
        assert_eq!(weights(&shape, &[(113.0, 23.0), (113.0, 23.0)]), [WHOLE, 0]);
        assert_eq!(weights(&MultiPolygon(Vec::new()), &[(113.0, 23.0)]), [0]);
    }
}
