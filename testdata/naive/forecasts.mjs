//! Two days of showers and gusts, what was forecast for them, and a cyclone that passes, the same on every run:
//!
//!   node testdata/naive/forecasts.mjs --city DIR --out DIR

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { random } from '../generate/random.mjs';
import { localTime } from '../storm/lines.mjs';
import { ancestor, readCity } from './city.mjs';
import { Lines } from './courses.mjs';

const MINUTE = 60_000;
const HOURS = 40;
const START = '2025-08-20T06:00:00+08:00';

const { values: options } = parseArgs({ options: { city: { type: 'string' }, out: { type: 'string' } } });
mkdirSync(options.out, { recursive: true });
const city = readCity(options.city);
const of = (kind) => [...city.stations.values()].filter((station) => station.kind === kind);
const gauges = [of('rain_gauge')[0], of('rain_gauge')[1], of('rain_gauge').at(-1)];
const masts = of('weather').slice(0, 2);

const lines = new Lines(START);
const usual = { step: 10, until: HOURS * 60, late: 0.05, twice: 0.02, wrong: 0.05, silent: 0.006, within: 25 };
for (const { id } of gauges) lines.add(id, 'rainfall', { ...usual, source: showers });
for (const { id } of masts) lines.add(id, 'wind_gust', { ...usual, source: gusts });
writeFileSync(join(options.out, 'observations.ndjson'), lines.text());

const draw = random('forecasts');
const start = Date.parse(START);
const at = (minute) => localTime(start + minute * MINUTE);
const issues = [];
const issue = (minute, what) => issues.push({ issued: at(minute), source: 'none', ...what });
const district = (station) => ancestor(city, station.area, 'district');
const values = (count, most, missing) => Array.from({ length: count }, () => (draw.chance(missing) ? null : Number((draw.chance(0.4) ? 0 : most * draw.next() * draw.next()).toFixed(1))));
for (let minute = 30; minute < HOURS * 60; minute += 60 + draw.below(90)) {
  // For areas at any minute and for any step; hourly and shorter ones, some of them late or with holes.
  const step = draw.pick([60, 30, 45]);
  const area = draw.pick([city.code, district(gauges[0]), district(gauges[2]), gauges[0].area]);
  const begins = minute - draw.below(40);
  issue(minute, { parameter: 'rainfall', area, start: at(begins), step: `${step}m`, values: values(3 + draw.below(8), step / 2, 0.1) });
  if (draw.chance(0.6)) issue(minute + 1, { parameter: 'wind_gust', area: draw.pick([city.code, district(masts[0])]), unit: draw.chance(0.3) ? 'km/h' : 'm/s', start: at(begins), step: '1h', values: values(2 + draw.below(7), 40, 0.1) });
  // For a station when others are looked at, too: who else hears of it is its zones' affair.
  const ten = Math.ceil(minute / 10) * 10;
  if (draw.chance(0.4)) issue(ten, { parameter: 'rainfall', station: draw.pick(gauges).id, steps: [{ from: at(ten), to: at(ten + 90), value: Number((draw.next() * 25).toFixed(1)) }] });
}
// A cyclone that comes by from the southeast; each issue knows a little better, the last one that it is over.
for (let hour = 2; hour < 30; hour += 6) {
  const points = [];
  for (let ahead = 0; ahead <= 36; ahead += 6) {
    const way = (hour + ahead) / 36;
    const radius = (km) => Array.from({ length: 4 }, () => Math.round(km * draw.between(0.5, 1.5)));
    points.push({
      time: at(hour * 60 + ahead * 60), lon: Number((117.5 - 5 * way + draw.between(-0.2, 0.2)).toFixed(2)), lat: Number((20.8 + 2.4 * way + draw.between(-0.2, 0.2)).toFixed(2)), wind: 38,
      circles: { 7: ahead > 24 ? 150 : radius(220), 10: radius(90), ...(ahead < 18 ? { 12: 45 } : {}) },
    });
  }
  issue(hour * 60 + draw.below(30), { storm: '2513', points });
}
issue(31 * 60, { storm: '2513', points: [] });
writeFileSync(join(options.out, 'forecasts.ndjson'), issues.map((one) => `${JSON.stringify(one)}\n`).join(''));

function showers(draw) {
  let left = 0;
  let mean = 0;
  return () => {
    if (left === 0) [left, mean] = draw.chance(0.5) ? [3 + draw.below(20), 0] : [2 + draw.below(12), draw.pick([0.5, 2, 5])];
    left -= 1;
    const fell = mean === 0 ? 0 : Number((mean * draw.next() * 2).toFixed(1));
    return [fell, Number((fell + 1 + draw.below(9)).toFixed(1))];
  };
}

function gusts(draw) {
  let gust = 12;
  return () => {
    gust = Math.min(38, Math.max(1, gust + draw.between(-3, 3)));
    return [Number(gust.toFixed(1)), Number((gust + 9).toFixed(1))];
  };
}
