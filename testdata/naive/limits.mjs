//! A day and a quarter of rain and standing water about thresholds, for what limits a rise beside its conditions, the same lines on every run:
//!
//!   node testdata/naive/limits.mjs --city DIR --out FILE
//!
//! A season ends and another begins in the middle of it; some readings are doubted, and some of those stood by.

import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { readCity } from './city.mjs';
import { Lines } from './courses.mjs';

const HOURS = 30;
const START = '2025-04-13T20:00:00+08:00';

const { values: options } = parseArgs({ options: { city: { type: 'string' }, out: { type: 'string' } } });
const city = readCity(options.city);
const of = (kind, from, to) => [...city.stations.values()].filter((station) => station.kind === kind).slice(from, to);
const lines = new Lines(START);
const doubts = { step: 1, until: HOURS * 60, suspect: 0.12, late: 0.05, wrong: 0.06 };
for (const { id } of of('rain_gauge', 0, 2)) lines.add(id, 'rainfall', { ...doubts, source: showers });
for (const { id } of of('depth_sensor', 0, 2)) lines.add(id, 'water_depth', { ...doubts, source: water });
writeFileSync(options.out, lines.text());

/** Rain in tips of half a millimetre that comes and goes. A wrong value is some tips too many. */
function showers(draw) {
  let left = 0;
  let heavy = 0;
  return () => {
    if (left === 0) [left, heavy] = [15 + draw.below(120), draw.chance(0.5) ? 0 : draw.between(0.1, 0.9)];
    left -= 1;
    const tips = draw.chance(heavy) ? 1 + draw.below(2) : 0;
    return [tips / 2, (tips + 1 + draw.below(20)) / 2];
  };
}

/** Water that wanders by centimetres. A wrong value is up to a quarter of a metre off: nobody would doubt it. */
function water(draw) {
  let level = 10;
  let pace = 0;
  let left = 0;
  return () => {
    if (left === 0) [left, pace] = [3 + draw.below(25), draw.pick([-2, -1, -0.5, 0, 0.5, 1, 2])];
    left -= 1;
    level = Math.min(60, Math.max(0, level + pace + draw.below(3) - 1));
    const now = Math.floor(level);
    return [now / 100, Math.max(0, now + draw.pick([-20, -12, -5, 5, 12, 20])) / 100];
  };
}
