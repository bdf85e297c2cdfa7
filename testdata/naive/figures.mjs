//! Five weeks of rain and of slopes that creep, run and come to rest, and a city that knows what is usual, the same on every run:
//!
//!   node testdata/naive/figures.mjs --city DIR --out DIR

import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { readCity } from './city.mjs';
import { Lines } from './courses.mjs';

const HOUR = 60;
const DAYS = 34;
const START = '2025-04-20T00:00:00+08:00';

const { values: options } = parseArgs({ options: { city: { type: 'string' }, out: { type: 'string' } } });
mkdirSync(options.out, { recursive: true });
for (const name of ['city.toml', 'areas.geojson', 'stations.csv', 'sites.csv']) copyFileSync(join(options.city, name), join(options.out, name));
const city = readCity(options.city);
const gauges = [...city.stations.values()].filter((station) => station.kind === 'rain_gauge');
const township = gauges.filter((station) => station.area === gauges[0].area).slice(0, 4);
const slopes = [...city.sites.values()].filter((site) => site.kind === 'slope').slice(0, 3);

const climate = [
  ...[[2, 12], [5, 16], [10, 20.5], [50, 31]].map(([years, value]) => `*,rainfall,1h,${years},${value},,,,`),
  ...[[2, 45], [5, 70], [20, 101]].map(([years, value]) => `*,rainfall,24h,${years},${value},,,,`),
  ...[[3, 40], [10, 60]].map(([years, value]) => `${township[1].id},rainfall,24h,${years},${value},,,,`),
  ...[[4, 2.1, 60, 0.02], [5, 3.3, 70, 0.01], [6, 4.2, 50, 0]].map(([month, ...gamma]) => `*,rainfall,20d,,,${month},${gamma.join(',')}`),
  `${township[2].id},rainfall,20d,,,5,1.4,90,0.1`,
];
writeFileSync(join(options.out, 'climate.csv'), `station,parameter,window,years,value,month,shape,scale,zero\n${climate.join('\n')}\n`);

const lines = new Lines(START);
const usual = { step: HOUR, until: DAYS * 24 * HOUR, late: 0.04, twice: 0.02, wrong: 0.05, silent: 0.004, within: 170 };
for (const { id } of township) lines.add(id, 'rainfall', { ...usual, source: rain });
for (const { station } of slopes) lines.add(station, 'displacement', { ...usual, source: creep });
writeFileSync(join(options.out, 'observations.ndjson'), lines.text());

/** Dry days, showers and a storm now and then. A wrong value is a bucket too much or too little. */
function rain(draw) {
  let left = 0;
  let mean = 0;
  return () => {
    if (left === 0) [left, mean] = draw.chance(0.5) ? [6 + draw.below(70), 0] : [3 + draw.below(30), draw.pick([0.5, 2, 5, 12])];
    left -= 1;
    const fell = mean === 0 ? 0 : mean * draw.next() * draw.next() * 4;
    return [Number(fell.toFixed(1)), Number((draw.chance(0.3) ? 0 : fell + 2 + draw.below(12)).toFixed(1))];
  };
}

/** A slope that creeps evenly, then faster and faster by the law of inverse velocity until it comes to rest; then again. */
function creep(draw) {
  let moved = 20;
  let [left, rate, until] = [10 * 24, 0.03, null];
  return () => {
    if (left === 0) {
      // Hours to failure at the beginning of the run; it stops a little before.
      if (until === null) [until, left] = [60 + draw.below(100), 58 + draw.below(60)];
      else [until, left, rate] = [null, 40 + draw.below(150), draw.pick([0, 0.01, 0.03, 0.06])];
    }
    left -= 1;
    if (until !== null) {
      until -= 1;
      rate = 3 / Math.max(until, 1.5);
    }
    moved += Math.max(0, rate * draw.between(0.6, 1.4));
    const now = moved + draw.between(-0.02, 0.02);
    return [Number(now.toFixed(2)), Number((now + draw.pick([-4, -1.5, 1.5, 4])).toFixed(2))];
  };
}
