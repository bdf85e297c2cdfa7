//! When a cyclone's wind reaches a place: its track and circles between the forecast points.
//!
//! Between two points centre and radii move in straight lines (domain facts §2.4); a place is inside a
//! circle where it lies nearer to the centre than the radius of its quadrant. Looked at every ten
//! minutes, those left out at which a circle cannot have come.

use super::Ask;
use crate::indicator::{NEVER, PER_UNIT, never};
use crate::window::Value;
use model::{Area, Quadrants, Span, Time, Track, TrackPoint, WindForce};

/// A place on the ground, WGS-84 degrees.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Point {
    pub(crate) lon: f64,
    pub(crate) lat: f64,
}

/// How often the way is looked at.
const EVERY: Span = Span::from_minutes(10);
/// How long after its last point a track still says where the cyclone is.
const KNOWN_AFTER: Span = Span::from_minutes(60);
/// Mean radius of the earth, km.
const EARTH_KM: f64 = 6371.0088;

/// What one cyclone does to the place.
pub(super) fn of(ask: Ask, track: &Track, points: &[Point], now: Time, length: Span) -> Value {
    let Some(last) = track.points.last().map(|point| point.time) else {
        return never();
    };
    if now > last + KNOWN_AFTER {
        return Value::UNKNOWN;
    }
    match ask {
        Ask::CircleIn(force) => {
            let reached = arrival(track, force, points, now, last.max(now));
            reached.map_or(never(), |time| {
                let minutes = (time.millis() - now.millis()) / 60_000;
                Value::whole(minutes * PER_UNIT / 60, true)
            })
        }
        Ask::Distance => distance(track, now, points),
        Ask::Closest => {
            let distances = times(now, last.min(now + length).max(now))
                .map(|time| distance(track, time, points));
            let nearest = distances
                .filter(Value::is_known)
                .min_by_key(|value| value.number);
            nearest.unwrap_or(Value::UNKNOWN)
        }
        Ask::Sum | Ask::Max | Ask::Min => Value::UNKNOWN,
    }
}

/// When the circle of that force first reaches any of the points, as far as the track says.
pub(crate) fn circle_arrival(
    track: &Track,
    force: WindForce,
    points: &[Point],
    now: Time,
) -> Option<Time> {
    let last = track.points.last().map(|point| point.time)?;
    if now > last + KNOWN_AFTER {
        return None;
    }
    arrival(track, force, points, now, last.max(now))
}

/// The four ends of an area's border and the middle of them.
pub(crate) fn outline(area: &Area) -> Vec<Point> {
    let corners = area
        .shape
        .0
        .iter()
        .flat_map(|part| part.exterior().0.iter());
    let corners: Vec<Point> = corners
        .map(|corner| Point {
            lon: corner.x,
            lat: corner.y,
        })
        .collect();
    let by_lon = |a: &&Point, b: &&Point| a.lon.total_cmp(&b.lon);
    let by_lat = |a: &&Point, b: &&Point| a.lat.total_cmp(&b.lat);
    let ends = [
        corners.iter().min_by(by_lon),
        corners.iter().max_by(by_lon),
        corners.iter().min_by(by_lat),
        corners.iter().max_by(by_lat),
    ];
    let mut points: Vec<Point> = ends.into_iter().flatten().copied().collect();
    let count = points.len() as f64;
    if count > 0.0 {
        points.push(Point {
            lon: points.iter().map(|point| point.lon).sum::<f64>() / count,
            lat: points.iter().map(|point| point.lat).sum::<f64>() / count,
        });
    }
    points
}

fn times(from: Time, to: Time) -> impl Iterator<Item = Time> {
    let next = |time: &Time| Some(*time + EVERY);
    std::iter::successors(Some(from), next).take_while(move |time| *time <= to)
}

/// Thousandths of a kilometre from the nearest of the points to the centre.
fn distance(track: &Track, time: Time, points: &[Point]) -> Value {
    let Some(at) = position(track, time) else {
        return Value::UNKNOWN;
    };
    let nearest = points.iter().map(|point| apart_km(at.centre, *point));
    let km = nearest.fold(f64::INFINITY, f64::min);
    let thousandths = (km * PER_UNIT as f64).round();
    if thousandths < NEVER as f64 {
        Value::whole(thousandths as i64, true)
    } else {
        never()
    }
}

/// The first look at which a circle has reached any of the points. Looks at which it cannot have come
/// so near since the one before are passed over.
fn arrival(
    track: &Track,
    force: WindForce,
    points: &[Point],
    now: Time,
    last: Time,
) -> Option<Time> {
    let nearing = nearing_km(track, force) * EVERY.millis() as f64;
    let mut time = now;
    while time <= last {
        let at = position(track, time)?;
        let circle = at.circle(force);
        let widest = circle.as_ref().map_or(0.0, Circle::widest);
        let mut gap = f64::INFINITY;
        for point in points {
            let apart = apart_km(at.centre, *point);
            let radius = circle
                .as_ref()
                .map_or(0.0, |c| c.towards(at.centre, *point));
            if radius > 0.0 && apart <= radius {
                return Some(time);
            }
            gap = gap.min(apart - widest);
        }
        let passed = if nearing > 0.0 {
            gap / nearing
        } else {
            f64::INFINITY
        };
        // No more looks than a track of years would have.
        let looks = (passed.floor().clamp(1.0, 1e6)) as i64;
        time = Time::from_millis(time.millis() + looks * EVERY.millis());
    }
    None
}

/// How fast a circle's edge can come nearer anywhere on a track, kilometres a millisecond: the centre's
/// way along a segment, with a fifth more since degrees are not kilometres, and what the radius gains.
fn nearing_km(track: &Track, force: WindForce) -> f64 {
    let pairs = track.points.iter().zip(track.points.iter().skip(1));
    let speeds = pairs.map(|(one, next)| {
        let centre = |point: &TrackPoint| Point {
            lon: point.lon,
            lat: point.lat,
        };
        let widest = |point: &TrackPoint| {
            let radii = point.circle(force).unwrap_or_default();
            f64::from(radii.ne.max(radii.se).max(radii.sw).max(radii.nw))
        };
        let way = 1.2 * apart_km(centre(one), centre(next));
        let grows = (widest(next) - widest(one)).max(0.0);
        (way + grows) / (next.time.millis() - one.time.millis()).max(1) as f64
    });
    speeds.fold(0.0, f64::max)
}

/// A cyclone between two points of its track.
struct Position<'t> {
    centre: Point,
    before: &'t TrackPoint,
    after: &'t TrackPoint,
    /// How far it has come from the one to the other.
    share: f64,
}

/// Radii between two points of a track, km.
struct Circle {
    ne: f64,
    se: f64,
    sw: f64,
    nw: f64,
}

/// Where the cyclone is; before its first point and after its last it stands there.
fn position(track: &Track, time: Time) -> Option<Position<'_>> {
    let later = track.points.partition_point(|point| point.time <= time);
    let before = track.points.get(later.saturating_sub(1))?;
    let after = track.points.get(later).unwrap_or(before);
    let way = (after.time.millis() - before.time.millis()) as f64;
    let gone = (time.millis() - before.time.millis()) as f64;
    let share = if way > 0.0 {
        (gone / way).clamp(0.0, 1.0)
    } else {
        0.0
    };
    let centre = Point {
        lon: before.lon + (after.lon - before.lon) * share,
        lat: before.lat + (after.lat - before.lat) * share,
    };
    Some(Position {
        centre,
        before,
        after,
        share,
    })
}

impl Position<'_> {
    /// The circle on the way; one that only one of the points has grows from, or shrinks to, nothing.
    fn circle(&self, force: WindForce) -> Option<Circle> {
        let (before, after) = (self.before.circle(force), self.after.circle(force));
        if before.is_none() && after.is_none() {
            return None;
        }
        let (before, after) = (before.unwrap_or_default(), after.unwrap_or_default());
        let between = |radius: fn(&Quadrants) -> u16| {
            let (from, to) = (f64::from(radius(&before)), f64::from(radius(&after)));
            from + (to - from) * self.share
        };
        Some(Circle {
            ne: between(|q| q.ne),
            se: between(|q| q.se),
            sw: between(|q| q.sw),
            nw: between(|q| q.nw),
        })
    }
}

impl Circle {
    fn widest(&self) -> f64 {
        self.ne.max(self.se).max(self.sw).max(self.nw)
    }

    /// The radius of the quadrant that a place lies in.
    fn towards(&self, centre: Point, point: Point) -> f64 {
        match (point.lon >= centre.lon, point.lat >= centre.lat) {
            (true, true) => self.ne,
            (true, false) => self.se,
            (false, false) => self.sw,
            (false, true) => self.nw,
        }
    }
}

/// Great-circle distance (haversine), km.
pub(crate) fn apart_km(a: Point, b: Point) -> f64 {
    let rad = std::f64::consts::PI / 180.0;
    let (dlat, dlon) = ((b.lat - a.lat) * rad, (b.lon - a.lon) * rad);
    let (slat, slon) = (libm::sin(dlat / 2.0), libm::sin(dlon / 2.0));
    let h = slat * slat + libm::cos(a.lat * rad) * libm::cos(b.lat * rad) * slon * slon;
    2.0 * EARTH_KM * libm::asin(h.sqrt().min(1.0))
}
