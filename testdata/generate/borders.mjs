//! Made-up borders: a warped net of hexagons is shared out among the townships, so that neighbours own the same vertices.
//!
//! Three hexagons meet at each vertex, never four: a border cannot touch itself, and union is a matter of leaving edges out.

import { DISTRICTS, OUTLINE } from './places.mjs';
import { random } from './random.mjs';

const CENTRE = [113.29, 23.115];
const DEGREE_X = 102.4; // kilometres in a degree of longitude at this latitude
const DEGREE_Y = 110.8;
const REACH = 100; // kilometres: where the warped net has its own scale
const HEXAGONS_PER_TOWNSHIP = 52;
const RAGGED = 0.20; // jitter of a vertex as a share of the hexagon's edge

/** Hexagons with their township, and rings of any set of townships. */
export function borders() {
  const net = hexagons();
  share(net);
  exclaves(net);
  return {
    /** Hexagon centres by township code, as longitude and latitude. */
    cells: (code) => net.cells.filter((cell) => cell.township === code).map((cell) => lonLat(cell.u, cell.v)),
    /** GeoJSON geometry of the union of the townships for which `belongs` is true. */
    geometry: (belongs) => geometry(net, belongs),
  };
}

/** Whether a point lies in a GeoJSON geometry (even-odd over all its rings). */
export function contains(geometry, lon, lat) {
  const polygons = geometry.type === 'Polygon' ? [geometry.coordinates] : geometry.coordinates;
  let inside = false;
  for (const polygon of polygons) for (const ring of polygon) if (inRing(ring, lon, lat)) inside = !inside;
  return inside;
}

function inRing(ring, lon, lat) {
  let inside = false;
  for (let i = 0, j = ring.length - 1; i < ring.length; j = i++) {
    const [ax, ay] = ring[i];
    const [bx, by] = ring[j];
    if ((ay > lat) !== (by > lat) && lon < ((bx - ax) * (lat - ay)) / (by - ay) + ax) inside = !inside;
  }
  return inside;
}

/** From the net's plane to the ground: fine in the middle, coarse outside, as townships are. */
function lonLat(u, v) {
  const scale = REACH * (0.22 + 0.78 * (u * u + v * v));
  return [CENTRE[0] + (u * scale) / DEGREE_X, CENTRE[1] + (v * scale) / DEGREE_Y];
}

function plane(lon, lat) {
  const x = ((lon - CENTRE[0]) * DEGREE_X) / REACH;
  const y = ((lat - CENTRE[1]) * DEGREE_Y) / REACH;
  const distance = Math.sqrt(x * x + y * y);
  let low = 0;
  let high = 2;
  for (let i = 0; i < 60; i++) {
    const middle = (low + high) / 2;
    if (middle * (0.22 + 0.78 * middle * middle) < distance) low = middle;
    else high = middle;
  }
  return distance === 0 ? [0, 0] : [(x / distance) * low, (y / distance) * low];
}

const ROOT3 = Math.sqrt(3);
const CORNERS = [[0, 1], [ROOT3 / 2, 0.5], [ROOT3 / 2, -0.5], [0, -1], [-ROOT3 / 2, -0.5], [-ROOT3 / 2, 0.5]];

function hexagons() {
  const total = DISTRICTS.reduce((sum, district) => sum + district.townships.length, 0);
  let edge = 0.02;
  let places = [];
  for (let round = 0; round < 6; round++) {
    places = inOutline(edge);
    edge *= Math.sqrt(places.length / (total * HEXAGONS_PER_TOWNSHIP));
  }
  const jitter = random('vertices');
  const vertices = new Map();
  const cells = places.map(({ u, v, row, column }) => ({
    u, v, row, column, district: -1, township: null,
    corners: CORNERS.map(([dx, dy]) => {
      const x = u + dx * edge;
      const y = v + dy * edge;
      const key = `${Math.round((x / edge) * 8)},${Math.round((y / edge) * 8)}`;
      if (!vertices.has(key)) {
        const [lon, lat] = lonLat(x + jitter.between(-RAGGED, RAGGED) * edge, y + jitter.between(-RAGGED, RAGGED) * edge);
        vertices.set(key, [Math.round(lon * 1e5) / 1e5, Math.round(lat * 1e5) / 1e5]);
      }
      return key;
    }),
  }));
  const at = new Map(cells.map((cell) => [`${cell.row},${cell.column}`, cell]));
  for (const cell of cells) {
    const odd = Math.abs(cell.row) % 2;
    cell.near = [[0, -1], [0, 1], [1, odd - 1], [1, odd], [-1, odd - 1], [-1, odd]]
      .map(([dr, dc]) => at.get(`${cell.row + dr},${cell.column + dc}`)).filter(Boolean);
  }
  return { cells, vertices, size: edge * edge * 1.5 * ROOT3 };
}

function inOutline(edge) {
  const found = [];
  const rows = Math.ceil(1.3 / (edge * 1.5));
  const columns = Math.ceil(1.3 / (edge * ROOT3));
  for (let row = -rows; row <= rows; row++) {
    for (let column = -columns; column <= columns; column++) {
      const u = (column + (Math.abs(row) % 2) / 2) * edge * ROOT3;
      const v = row * edge * 1.5;
      const [lon, lat] = lonLat(u, v);
      if (inRing(OUTLINE, lon, lat)) found.push({ u, v, row, column });
    }
  }
  return found;
}

function share(net) {
  const seeds = DISTRICTS.map((district) => plane(district.lon, district.lat));
  const weights = DISTRICTS.map((district) => district.townships.length);
  divide(net.cells, net.size, seeds, weights, false, (cell, label) => { cell.district = label; });
  mend(net.cells, (cell) => cell.district, (cell, label) => { cell.district = label; });
  DISTRICTS.forEach((district, index) => {
    const own = net.cells.filter((cell) => cell.district === index);
    const draw = random(`townships ${district.code}`);
    const starts = spread(own, district.townships.length, draw);
    const sizes = district.townships.map(() => draw.between(0.8, 1.25));
    divide(own, net.size, starts, sizes, true, (cell, label) => { cell.township = district.townships[label].code; });
    mend(own, (cell) => cell.township, (cell, label) => { cell.township = label; });
  });
}

/** Seeds far from one another: each next one is the cell farthest from those chosen. */
function spread(cells, count, draw) {
  const chosen = [draw.pick(cells)];
  while (chosen.length < count) {
    let best = cells[0];
    let far = -1;
    for (const cell of cells) {
      let near = Infinity;
      for (const other of chosen) near = Math.min(near, (cell.u - other.u) ** 2 + (cell.v - other.v) ** 2);
      if (near > far) [best, far] = [cell, near];
    }
    chosen.push(best);
  }
  return chosen.map((cell) => [cell.u, cell.v]);
}

/** A power diagram whose weights are pushed until each label holds its share; ragged by a little noise for each cell. */
function divide(cells, size, seeds, shares, move, assign) {
  const total = shares.reduce((a, b) => a + b, 0);
  const spots = seeds.map(([u, v]) => ({ u, v, power: 0 }));
  const area = cells.length;
  const noise = random(`ragged ${cells.length}`);
  const wobble = cells.map(() => noise.between(-1, 1));
  const labels = new Int32Array(cells.length);
  for (let round = 0; round < 200; round++) {
    const sums = spots.map(() => [0, 0, 0]);
    cells.forEach((cell, index) => {
      let best = 0;
      let least = Infinity;
      spots.forEach((spot, label) => {
        const reach = (cell.u - spot.u) ** 2 + (cell.v - spot.v) ** 2 - spot.power;
        const rough = reach + wobble[index] * size * 4 * ((label * 7 + index) % 3 - 1);
        if (rough < least) [best, least] = [label, rough];
      });
      labels[index] = best;
      sums[best][0] += cell.u;
      sums[best][1] += cell.v;
      sums[best][2] += 1;
    });
    spots.forEach((spot, label) => {
      const [u, v, count] = sums[label];
      if (move && count > 0 && round < 100) [spot.u, spot.v] = [u / count, v / count];
      spot.power += ((shares[label] / total) * area - count) * size * (move ? 0.25 : 0.1);
    });
  }
  cells.forEach((cell, index) => assign(cell, labels[index]));
}

/** Leaves each label one connected piece: smaller pieces go to the neighbour with which they share the most edges. */
function mend(cells, label, assign) {
  const members = new Set(cells);
  for (let round = 0; round < 50; round++) {
    const seen = new Set();
    const pieces = [];
    for (const cell of cells) {
      if (seen.has(cell)) continue;
      const piece = [cell];
      seen.add(cell);
      for (const next of piece) {
        for (const near of next.near) {
          if (members.has(near) && !seen.has(near) && label(near) === label(cell)) {
            seen.add(near);
            piece.push(near);
          }
        }
      }
      pieces.push(piece);
    }
    const largest = new Map();
    for (const piece of pieces) {
      const key = label(piece[0]);
      if (!largest.has(key) || largest.get(key).length < piece.length) largest.set(key, piece);
    }
    const loose = pieces.filter((piece) => largest.get(label(piece[0])) !== piece);
    if (loose.length === 0) return;
    for (const piece of loose) {
      const votes = new Map();
      for (const cell of piece) {
        for (const near of cell.near) {
          if (members.has(near) && label(near) !== label(cell)) votes.set(label(near), (votes.get(label(near)) ?? 0) + 1);
        }
      }
      const [winner] = [...votes].sort((a, b) => b[1] - a[1])[0] ?? [];
      if (winner !== undefined) piece.forEach((cell) => assign(cell, winner));
    }
  }
  throw new Error('the townships do not hang together');
}

/** Two exclaves: one inside a township of the same district, one inside another district. Their hosts get a hole. */
function exclaves(net) {
  const pairs = [['440111108000', '440111103000'], ['440118103000', '440112101000']];
  for (const [host, owner] of pairs) {
    const inner = net.cells.filter((cell) => cell.township === host && deep(cell, host, 2));
    const middle = inner.sort((a, b) => depthOf(b, host) - depthOf(a, host) || a.row - b.row || a.column - b.column)[0];
    if (!middle) throw new Error(`no room for an exclave in ${host}`);
    for (const cell of [middle, ...middle.near]) cell.township = owner;
  }
}

function deep(cell, township, rings) {
  return cell.near.length === 6 && cell.near.every((near) => near.township === township && (rings === 1 || deep(near, township, rings - 1)));
}

function depthOf(cell, township) {
  let rings = 0;
  while (rings < 4 && deep(cell, township, rings + 1)) rings += 1;
  return rings;
}

function geometry(net, belongs) {
  const next = new Map();
  const inside = new Set(net.cells.filter((cell) => belongs(cell.township)));
  for (const cell of inside) {
    // Corners run clockwise; taken backwards, the ring runs anticlockwise (RFC 7946 3.1.6).
    for (let i = 0; i < 6; i++) next.set(`${cell.corners[(i + 1) % 6]} ${cell.corners[i]}`, [cell.corners[(i + 1) % 6], cell.corners[i]]);
  }
  for (const [key, [from, to]] of [...next]) {
    if (next.has(`${to} ${from}`)) {
      next.delete(key);
      next.delete(`${to} ${from}`);
    }
  }
  const step = new Map([...next.values()]);
  const outer = [];
  const holes = [];
  while (step.size > 0) {
    const [start] = step.keys();
    const ring = [];
    let at = start;
    do {
      ring.push(net.vertices.get(at));
      const following = step.get(at);
      step.delete(at);
      at = following;
    } while (at !== start);
    ring.push(ring[0]);
    (area(ring) > 0 ? outer : holes).push(ring);
  }
  const polygons = outer.sort((a, b) => area(b) - area(a)).map((ring) => [ring]);
  for (const hole of holes) {
    const host = polygons.filter((polygon) => inRing(polygon[0], ...inner(hole))).sort((a, b) => area(a[0]) - area(b[0]))[0];
    host.push(hole);
  }
  return polygons.length === 1 ? { type: 'Polygon', coordinates: polygons[0] } : { type: 'MultiPolygon', coordinates: polygons };
}

/** Twice the signed area: positive when the ring runs anticlockwise. */
function area(ring) {
  let sum = 0;
  for (let i = 0; i + 1 < ring.length; i++) sum += (ring[i][0] - CENTRE[0]) * (ring[i + 1][1] - CENTRE[1]) - (ring[i + 1][0] - CENTRE[0]) * (ring[i][1] - CENTRE[1]);
  return sum;
}

/** The middle of a hole's corners: holes here are round enough for that to lie inside. */
function inner(ring) {
  const corners = ring.slice(0, -1);
  return [corners.reduce((sum, [x]) => sum + x, 0) / corners.length, corners.reduce((sum, [, y]) => sum + y, 0) / corners.length];
}
