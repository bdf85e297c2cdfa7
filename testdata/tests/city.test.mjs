//! The demo city: the same bytes each time, townships that tile their districts, everything inside the area it names.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import test from 'node:test';
import { contains } from '../generate/borders.mjs';
import { city } from '../generate.mjs';

const SUBSCRIBERS_SHA256 = 'd43795add22c195ec3b5c3b60b4799f1c7213a84a4f18b5566426dba79f6203e';

const files = city(2000);
const { note, features } = JSON.parse(files['areas.geojson']);
const committed = (name) => readFileSync(new URL(`../city/${name}`, import.meta.url), 'utf8');
const of = (level) => features.filter((feature) => feature.properties.level === level);
const rings = ({ geometry }) => (geometry.type === 'Polygon' ? geometry.coordinates : geometry.coordinates.flat());
const table = (name) => {
  const [header, ...lines] = files[name].trimEnd().split('\n').map((line) => line.split(','));
  return lines.map((cells) => Object.fromEntries(header.map((column, index) => [column, cells[index]])));
};

/** Directed edges of an area, as text. */
function edges(feature) {
  const found = new Set();
  for (const ring of rings(feature)) for (let i = 0; i + 1 < ring.length; i++) found.add(`${ring[i]} ${ring[i + 1]}`);
  return found;
}

const reversed = (edge) => edge.split(' ').reverse().join(' ');

/** What is left of the parts' edges once those that two parts share are gone. */
function outline(parts) {
  const all = new Set();
  for (const part of parts) {
    for (const edge of edges(part)) {
      assert(!all.has(edge), `two areas lie on the same side of ${edge}`);
      all.add(edge);
    }
  }
  return new Set([...all].filter((edge) => !all.has(reversed(edge))));
}

test('the committed files are what the generator writes', () => {
  for (const name of ['areas.geojson', 'stations.csv', 'sites.csv', 'contacts.csv']) assert(files[name] === committed(name), `${name} differs: run node testdata/generate.mjs`);
});

test('subscribers are the same bytes on every machine', () => {
  assert.equal(createHash('sha256').update(files['subscribers.csv']).digest('hex'), SUBSCRIBERS_SHA256);
});

test('the borders say that they are made up, in both languages', () => {
  assert.match(note, /虚构/u);
  assert.match(note, /made up/);
});

test('townships tile their districts, and districts the city, by the very same vertices', () => {
  for (const district of of('district')) {
    assert.deepEqual(outline(of('township').filter((one) => one.properties.parent === district.properties.code)), edges(district), district.properties.name);
  }
  assert.deepEqual(outline(of('district')), edges(of('city')[0]));
});

test('no border crosses another or itself', () => {
  const cells = new Map();
  const all = new Set();
  for (const township of of('township')) for (const edge of edges(township)) if (!all.has(reversed(edge))) all.add(edge);
  const segments = [...all].map((edge) => edge.split(' ').map((end) => end.split(',').map((degrees) => Math.round(Number(degrees) * 1e5))));
  segments.forEach((segment, index) => {
    const [[ax, ay], [bx, by]] = segment;
    for (let x = Math.floor(Math.min(ax, bx) / 1000); x <= Math.floor(Math.max(ax, bx) / 1000); x++) {
      for (let y = Math.floor(Math.min(ay, by) / 1000); y <= Math.floor(Math.max(ay, by) / 1000); y++) {
        const key = `${x},${y}`;
        for (const other of cells.get(key) ?? []) assert(!cross(segment, segments[other]), `${segment} crosses ${segments[other]}`);
        cells.set(key, [...(cells.get(key) ?? []), index]);
      }
    }
  });
});

/** Whether two segments meet anywhere but at a shared end. */
function cross([a, b], [c, d]) {
  const same = (p, q) => p[0] === q[0] && p[1] === q[1];
  if (same(a, c) || same(a, d) || same(b, c) || same(b, d)) return false;
  const side = (p, q, r) => Math.sign((q[0] - p[0]) * (r[1] - p[1]) - (q[1] - p[1]) * (r[0] - p[0]));
  return side(a, b, c) !== side(a, b, d) && side(c, d, a) !== side(c, d, b);
}

test('rings are wound as RFC 7946 asks and have a sensible number of vertices', () => {
  const area = (ring) => ring.slice(1).reduce((sum, [x, y], i) => sum + ring[i][0] * y - x * ring[i][1], 0);
  for (const feature of features) {
    const polygons = feature.geometry.type === 'Polygon' ? [feature.geometry.coordinates] : feature.geometry.coordinates;
    for (const [outer, ...holes] of polygons) {
      assert(area(outer) > 0, `${feature.properties.code}: outer ring is clockwise`);
      for (const hole of holes) assert(area(hole) < 0, `${feature.properties.code}: hole is anticlockwise`);
    }
  }
  for (const township of of('township')) {
    const vertices = rings(township).reduce((sum, ring) => sum + ring.length - 1, 0);
    assert(vertices >= 30 && vertices <= 80, `${township.properties.code} has ${vertices}`);
  }
});

test('there are enclaves: townships with a hole, townships and a district in two pieces', () => {
  assert(of('township').some(({ geometry }) => geometry.type === 'Polygon' && geometry.coordinates.length > 1));
  assert(of('township').some(({ geometry }) => geometry.type === 'MultiPolygon'));
  assert(of('district').some(({ geometry }) => geometry.type === 'MultiPolygon'));
});

test('people add up', () => {
  const people = (list) => list.reduce((sum, { properties }) => sum + properties.population, 0);
  assert.equal(people(of('township')), people(of('city')));
  assert.equal(people(of('district')), people(of('city')));
  for (const { properties } of of('township')) assert(properties.population > 0, properties.name);
});

test('every station and site lies in the township it names', () => {
  const byCode = new Map(of('township').map((feature) => [feature.properties.code, feature]));
  for (const name of ['stations.csv', 'sites.csv']) {
    for (const { id, lon, lat, area } of table(name)) assert(contains(byCode.get(area).geometry, Number(lon), Number(lat)), `${id} lies outside ${area}`);
  }
});

test('there is what the demo needs, under names of its own', () => {
  const count = (rows, key) => rows.reduce((counts, row) => ({ ...counts, [row[key]]: (counts[row[key]] ?? 0) + 1 }), {});
  assert.deepEqual(count(table('stations.csv'), 'kind'), { rain_gauge: 2000, weather: 24, depth_sensor: 400, slope: 200 });
  const kinds = count(table('sites.csv'), 'kind');
  assert.equal(kinds.culvert + kinds.underpass + kinds.waterlogging, 400);
  assert.deepEqual([kinds.slope, kinds.school, kinds.nursing_home], [200, 60, 30]);
  for (const name of ['stations.csv', 'sites.csv', 'contacts.csv', 'subscribers.csv']) {
    const ids = table(name).map(({ id }) => id);
    assert.equal(new Set(ids).size, ids.length, name);
  }
});

test('each site with tiers has them in rising order', () => {
  for (const site of table('sites.csv')) {
    if (site.blue === '') continue;
    const tiers = ['blue', 'yellow', 'orange', 'red'].map((tier) => Number(site[tier]));
    assert.deepEqual(tiers, [...tiers].sort((a, b) => a - b), site.id);
  }
});

test('each township, district and site has somebody, and the deputy exists', () => {
  const people = table('contacts.csv');
  const ids = new Set(people.map(({ id }) => id));
  for (const { properties } of features) assert(people.some((person) => person.area === properties.code && person.site === ''), properties.code);
  const sites = new Set(people.map(({ site }) => site));
  for (const { id } of table('sites.csv')) assert(sites.has(id), id);
  for (const { id, deputy } of people) assert(deputy === '' || ids.has(deputy), id);
  assert.equal(new Set(people.map(({ phone }) => phone)).size, people.length);
});

test('subscribers can each be reached, some by a phone that others have too', () => {
  const people = table('subscribers.csv');
  assert.equal(people.length, 2000);
  for (const { id, phone, email, push } of people) assert(phone || email || push, id);
  const phones = people.map(({ phone }) => phone).filter(Boolean);
  const repeated = phones.length - new Set(phones).size;
  assert(repeated > 30 && repeated < 90, `${repeated} repeated phones`);
  assert(people.some(({ phone }) => phone === ''));
});
