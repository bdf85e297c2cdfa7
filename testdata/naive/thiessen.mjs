//! Areal mean by Thiessen polygons (Thiessen 1911): each station stands for what of the area lies nearer to it than to any other.

const WHOLE = 1_000_000;

/** Weights of stations `[lon, lat]` in an area's GeoJSON geometry, in whole parts of a million; of several at one place the first has all. */
export function weights(geometry, stations) {
  const middle = stations.reduce((sum, [, lat]) => sum + lat, 0) / stations.length;
  const narrow = Math.cos((middle * Math.PI) / 180);
  const flat = ([lon, lat]) => [lon * narrow, lat];
  const polygons = geometry.type === 'Polygon' ? [geometry.coordinates] : geometry.coordinates;
  const rings = polygons.flatMap((polygon) => polygon.map((ring, index) => ({ sign: index === 0 ? 1 : -1, ring: ring.map(flat) })));
  const sizeOf = (cut) => rings.reduce((sum, { sign, ring }) => sum + sign * Math.abs(shoelace(cut(ring))), 0);
  const whole = sizeOf((ring) => ring);
  const places = stations.map(flat);
  return places.map(([x, y], index) => {
    if (places.slice(0, index).some(([a, b]) => a === x && b === y)) return 0;
    const others = places.filter(([a, b]) => a !== x || b !== y);
    const size = sizeOf((ring) => others.reduce((rest, [a, b]) => nearerHalf(rest, [x, y], [a, b]), ring));
    return Math.round((size / whole) * WHOLE);
  });
}

/** What of a ring lies on `to`'s side of the line half way to `other`. */
function nearerHalf(ring, to, other) {
  const side = ([x, y]) => (other[0] - to[0]) * (x - (to[0] + other[0]) / 2) + (other[1] - to[1]) * (y - (to[1] + other[1]) / 2);
  return ring.flatMap((point, index) => {
    const next = ring[(index + 1) % ring.length];
    const [here, there] = [side(point), side(next)];
    const kept = here <= 0 ? [point] : [];
    if (here * there < 0) {
      const share = here / (here - there);
      kept.push([point[0] + share * (next[0] - point[0]), point[1] + share * (next[1] - point[1])]);
    }
    return kept;
  });
}

function shoelace(ring) {
  if (ring.length < 3) return 0;
  // From its first point, so that small areas keep their digits.
  const [ox, oy] = ring[0];
  return ring.reduce((sum, [x, y], index) => {
    const [nx, ny] = ring[(index + 1) % ring.length];
    return sum + (x - ox) * (ny - oy) - (nx - ox) * (y - oy);
  }, 0) / 2;
}
