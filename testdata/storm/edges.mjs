//! No weather, only edges: a few stations of each kind whose values wander about the thresholds of their rules for two days
//! (slopes and the air for eight), fall silent, come late and are put right. What a rule decides by a minute or by a last digit happens here often.

import { random } from '../generate/random.mjs';
import { localTime, observation, tenths } from './lines.mjs';
import { Wire } from './wire.mjs';

const START = Date.parse('2023-09-01T00:00:00+08:00');
const DAY = 24 * 60;
const EACH = 2; // stations of a kind
const WRONG = 0.03; // share of readings that are put right later
const AIRS = [[280, 390], [300, 430], [50, 190], [0, 140]]; // tenths of a degree between which a station's air goes: limits are where it rests
const SOON = 20; // minutes within which they are: what the engine keeps beyond its windows bounds how far back it asks again

/** Writes the wandering and gives its figures. */
export function edges(registry, file) {
  const wire = new Wire(file);
  const first = (list) => list.slice(0, EACH);
  const at = (kinds) => first(registry.sites.filter((site) => kinds.includes(site.kind))).map((site) => site.station);
  const of = (kind, count = EACH) => registry.stations.filter((station) => station.kind === kind).slice(0, count).map((station) => station.id);
  const walkers = [
    ...of('rain_gauge').map((id) => walker(id, 1, 2 * DAY, { rainfall: showers })),
    ...at(['waterlogging']).map((id) => walker(id, 1, 2 * DAY, { water_depth: depth })),
    ...at(['culvert', 'underpass']).map((id) => walker(id, 1, 2 * DAY, { water_depth: depth })),
    ...at(['slope']).map((id) => walker(id, 10, 8 * DAY, { displacement: creep })),
    ...of('weather').map((id) => walker(id, 1, 2 * DAY, { wind_speed: wind(8, 40), wind_gust: wind(12, 60) }, EACH_MINUTE)),
    ...of('weather', AIRS.length).map((id, index) => walker(id, 5, 8 * DAY, { temperature: air(...AIRS[index]) })),
  ];
  for (let minute = 1; minute <= 8 * DAY; minute++) {
    const time = localTime(START + minute * 60_000);
    const now = [];
    for (const one of walkers) one.step(wire, minute, time, now);
    wire.flush(minute, now);
  }
  wire.end();
  return wire.counts;
}

const EACH_MINUTE = ',"interval":60';

/** A station that says each of its parameters every so many minutes or one off it, save in its silences; `series` makes a source of values. */
function walker(id, every, until, series, extra = '') {
  const draw = random(`edges ${id}`);
  const sources = Object.entries(series).map(([parameter, source]) => [parameter, source(draw)]);
  let silent = 0;
  let next = 1;
  return {
    step(wire, minute, time, now) {
      if (minute > until || minute !== next) return;
      next += every === 1 ? 1 : every - 1 + draw.below(3);
      if (silent === 0 && draw.chance(0.002)) silent = 3 + draw.below(40);
      const isSilent = silent > 0;
      if (isSilent) silent -= 1;
      for (const [parameter, source] of sources) {
        const [value, wrong] = source();
        if (isSilent) continue;
        const line = (text) => observation(id, parameter, time, text, extra);
        if (!draw.chance(WRONG)) {
          wire.send(draw, minute, line(value), now);
          continue;
        }
        wire.counts.corrected += 1;
        now.push(line(wrong));
        wire.arrive(minute + draw.below(Math.min(4 * every, SOON)), line(value));
      }
    },
  };
}

/** Showers and dry hours, in half millimetres, so that sums meet their thresholds exactly. A wrong value is a bucket too much. */
function showers(draw) {
  let left = 0;
  let heavy = 0;
  return () => {
    if (left === 0) [left, heavy] = [30 + draw.below(160), draw.chance(0.45) ? 0 : draw.between(0.1, 0.9)];
    left -= 1;
    const tips = draw.chance(heavy) ? 5 * (1 + draw.below(2)) : 0;
    return [tenths(tips), tenths(tips + 200)];
  };
}

/** Water that goes up and down by whole centimetres, slowly or fast. A wrong value is half a metre off. */
function depth(draw) {
  let water = 0;
  let left = 0;
  let pace = 0;
  const metres = (centimetres) => (centimetres / 100).toFixed(2);
  return () => {
    if (left === 0) [left, pace] = [5 + draw.below(40), [-2, -1, -0.5, 0, 0, 0.5, 1, 2][draw.below(8)]];
    left -= 1;
    water = Math.min(60, Math.max(0, water + pace));
    const now = Math.floor(water);
    return [metres(now), metres(now < 30 ? now + 50 : now - 30)];
  };
}

/** A slope that rests, creeps and runs, in half millimetres. A wrong value is a survey mark misread by three centimetres. */
function creep(draw) {
  let moved = 200;
  let left = 0;
  let pace = 0;
  const millimetres = (halves) => (halves / 2).toFixed(1);
  return () => {
    if (left === 0) [left, pace] = [20 + draw.below(80), [0, 0, 0.1, 0.2, 0.5, 1.5][draw.below(6)]];
    left -= 1;
    moved += draw.chance(pace % 1) ? 1 : 0;
    moved += Math.floor(pace);
    return [millimetres(moved), millimetres(moved + 60)];
  };
}

/** Wind that rises and dies within hours. A wrong value is a knock on the mast. */
function wind(least, most) {
  return (draw) => {
    let speed = least * 10;
    let left = 0;
    let pace = 0;
    return () => {
      if (left === 0) [left, pace] = [20 + draw.below(100), draw.between(-4, 4)];
      left -= 1;
      speed = Math.min(most * 10, Math.max(0, speed + pace));
      const now = Math.round(speed * draw.between(0.85, 1.15));
      return [tenths(now), tenths(now + 250)];
    };
  };
}

/** Days and nights of air between two temperatures in tenths, in steps of half a degree, so that limits are met. A wrong value is a sensor in the sun. */
function air(least, most) {
  return (draw) => {
    let now = (least + most) / 2;
    let left = 0;
    let pace = 0;
    return () => {
      if (left === 0) [left, pace] = [20 + draw.below(120), draw.between(-0.6, 0.6)];
      left -= 1;
      const kept = now + (draw.chance(Math.abs(pace)) ? 5 * Math.sign(pace) : 0);
      now = Math.min(most, Math.max(least, kept));
      return [tenths(now), tenths(now + 60)];
    };
  };
}
