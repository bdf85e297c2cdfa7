//! Weeks of rain and temperature for what hangs on whole days, the same lines on every run:
//!
//!   node testdata/naive/days.mjs --city DIR --out FILE
//!
//! Wet and dry spells, hot and cold ones, readings that come late, are put right or are missing for hours and days.

import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { readCity } from './city.mjs';

const STEP = 30 * 60_000;
const DAYS = 50;
const START = Date.UTC(2025, 4, 1);
const STATIONS = 4;

/** Numbers from 0 to 1, the same ones for the same seed. */
function random(seed) {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

/** One station's values of a parameter, with when each line comes: `[order, line]`. */
function course(station, parameter, next, value, after) {
  const lines = [];
  let silent = 0;
  for (let step = 0; step < DAYS * 48; step++) {
    const time = START + step * STEP + after;
    const measured = value(step, next);
    const chance = next();
    if (silent > 0) {
      silent -= 1;
      continue;
    }
    // Some hours now and then, a day and more seldom: then nobody saw it well enough.
    if (chance < 0.004) silent = Math.floor(next() * 6);
    else if (chance < 0.0055) silent = 20 + Math.floor(next() * 60);
    const late = chance > 0.97 ? 1 + Math.floor(next() * 3) : 0;
    const line = (one) => JSON.stringify({ station, parameter, time: new Date(time).toISOString().replace('.000Z', 'Z'), value: one, interval: STEP / 1000 });
    lines.push([step + late + 0.1, line(measured)]);
    if (chance > 0.94 && chance <= 0.97) lines.push([step + 2.2, line(Number((measured + (next() < 0.5 ? 0.2 : 3)).toFixed(1)))]);
  }
  return lines;
}

function rain() {
  let wet = 0;
  let dry = 0;
  return (step, next) => {
    if (wet === 0 && dry === 0) {
      if (next() < 0.5) wet = 4 + Math.floor(next() * 40);
      else dry = 40 + Math.floor(next() * 300);
    }
    if (wet > 0) wet -= 1;
    else dry -= 1;
    return wet > 0 && next() < 0.6 ? Number((next() * next() * 9).toFixed(1)) : next() < 0.02 ? 0.3 : 0;
  };
}

function warmth() {
  let mean = 22;
  let target = 22;
  return (step, next) => {
    if (step % 240 === 0) target = 4 + next() * 30;
    mean += (target - mean) * 0.012;
    // Rises and falls by a straight line each, warmest at three in the afternoon.
    const hour = (step / 2 + 8 - 15 + 48) % 24;
    return Number((mean + 5 - Math.min(hour, 24 - hour) * (10 / 12) + (next() - 0.5) * 0.6).toFixed(1));
  };
}

const { values: options } = parseArgs({ options: { city: { type: 'string' }, out: { type: 'string' } } });
const city = readCity(options.city);
const measuring = (parameter) => [...city.stations.values()].filter((station) => station.parameters.includes(parameter)).slice(0, STATIONS);
const lines = [];
let seed = 7;
// Every other station a minute after the half hour: what lies just behind the beginning of a day is of that day.
for (const [parameter, values] of [['rainfall', rain], ['temperature', warmth]]) {
  measuring(parameter).forEach(({ id }, at) => lines.push(...course(id, parameter, random((seed += 12345)), values(), (at % 2) * 60_000)));
}
lines.sort(([a], [b]) => a - b);
writeFileSync(options.out, lines.map(([, line]) => `${line}\n`).join(''));
