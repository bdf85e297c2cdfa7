//! What is expected: forecasts read from JSON lines, and the figures that conditions ask of those in force.

import { readFileSync } from 'node:fs';
import { instant } from './intake.mjs';
import { mutated } from './mutations.mjs';
import { PARAMETERS, factor, quanta } from './parameters.mjs';
import { rounded } from './readings.mjs';
import { span } from './rulebook.mjs';

const HOUR = 3_600_000;
const COVERAGE = 0.8;
const EARTH_KM = 6371.0088;
const LOOK = 600_000;

/** Which figure `forecast(PARAM, w)` means: sums of what falls, the lowest of what is bad when it is low, else the highest. */
const SUMS = new Set(['rainfall', 'rainfall_total', 'snowfall', 'lightning']);
const LOWEST = new Set(['visibility', 'road_temperature', 'storage']);

/** Forecasts of a file, in the order in which they are issued. */
export function readForecasts(path) {
  const rows = readFileSync(path, 'utf8').split('\n').filter((line) => line.trim() !== '').map((line) => JSON.parse(line));
  return rows.map(forecastOf).sort((a, b) => a.issued - b.issued);
}

function forecastOf(row) {
  const issued = instant(row.issued);
  if (row.storm !== undefined) return { issued, storm: row.storm, points: row.points.map((point) => ({ ...point, time: instant(point.time), radii: radiiOf(point.circles ?? {}) })) };
  const { parameter } = row;
  const own = (value) => quanta(parameter, value * (row.unit === undefined ? 1 : factor(parameter, row.unit)));
  const given = row.steps?.map((step) => ({ from: instant(step.from), to: instant(step.to), value: step.value })) ?? row.values.map((value, index) => {
    const from = instant(row.start) + index * span(row.step);
    return { from, to: from + span(row.step), value };
  });
  const steps = given.filter(({ value }) => value !== null).map((step) => ({ ...step, value: own(step.value) }));
  return { issued, parameter, place: row.station ?? row.area, steps };
}

/** Of each force the radius in every quadrant: one for all of them, or four. */
function radiiOf(circles) {
  return Object.fromEntries(Object.entries(circles).map(([force, radius]) => [force, Array.isArray(radius) ? radius : Array(4).fill(radius)]));
}

/** The forecasts in force: of each parameter at each place, and of each cyclone, the newest. */
export class Expected {
  #series = new Map();
  #tracks = new Map();

  /** False where a later issue of the same stands. */
  take(forecast) {
    const [held, key] = forecast.storm === undefined ? [this.#series, `${forecast.parameter} ${forecast.place}`] : [this.#tracks, forecast.storm];
    if (mutated('first-issue') ? held.has(key) : held.get(key)?.issued > forecast.issued) return false;
    held.set(key, forecast);
    return true;
  }

  /** What is expected in `(time, time + window]` at the first of the places that has a forecast, or null. */
  figure(name, parameter, places, window, time, lowering) {
    const place = (mutated('far-forecast') ? [...places].reverse() : places).find((one) => this.#series.has(`${parameter} ${one}`));
    if (place === undefined) return null;
    const [from, to] = [time, time + span(window)];
    let [covered, sum, max, min] = [0, 0, -Infinity, Infinity];
    for (const step of this.#series.get(`${parameter} ${place}`).steps) {
      const inside = Math.min(step.to, to) - Math.max(step.from, from);
      if (inside <= 0) continue;
      covered += inside;
      // Shares of a step to the thousandth of a quantum.
      sum += mutated('whole-steps') ? step.value : Math.floor((step.value * 1000 * inside) / (step.to - step.from)) / 1000;
      max = Math.max(max, step.value);
      min = Math.min(min, step.value);
    }
    if (covered === 0 || (lowering && !mutated('skip-coverage') && covered < COVERAGE * (to - from))) return null;
    const meant = name ?? (SUMS.has(parameter) ? 'sum' : LOWEST.has(parameter) ? 'min' : 'max');
    return rounded({ sum, max, min }[meant] / 10 ** PARAMETERS[parameter].decimals);
  }

  /** `distance()`, `closest(w)`, `hours_to(force)` of the cyclones, at the nearest of some points; Infinity for never. */
  cyclone(name, argument, points, time) {
    const found = [...this.#tracks.values()].filter((track) => track.points.length > 0).map((track) => cyclone(track, name, argument, points, time));
    const known = found.filter((one) => one !== null);
    const nearest = Math.min(Infinity, ...known);
    // Of one whose track has run out nobody knows, unless another is there.
    return found.length > known.length && nearest === Infinity ? null : nearest;
  }
}

function cyclone(track, name, argument, points, time) {
  const last = track.points.at(-1).time;
  if (time > last + HOUR) return null;
  const apart = (at) => Math.min(...points.map((point) => kilometres(positionOf(track, at), point)));
  if (name === 'distance') return thousandths(apart(time));
  const until = name === 'closest' ? Math.min(time + span(argument), Math.max(last, time)) : Math.max(last, time);
  let nearest = Infinity;
  for (let at = time; at <= until; at += LOOK) {
    if (name === 'closest') nearest = Math.min(nearest, apart(at));
    else if (points.some((point) => isInside(track, argument, at, point))) return Math.floor(((at - time) * 1000) / HOUR) / 1000;
  }
  return name === 'closest' ? thousandths(nearest) : Infinity;
}

const thousandths = (number) => Math.round(number * 1000) / 1000;

/** Between two points in a straight line; before the first and after the last it stands there. */
function positionOf({ points }, time) {
  const later = points.findIndex((point) => point.time > time);
  if (later === 0) return { ...points[0], share: 0, before: points[0], after: points[0] };
  const before = points.at(later < 0 ? -1 : later - 1);
  const after = later < 0 ? before : points[later];
  const share = before === after ? 0 : (time - before.time) / (after.time - before.time);
  return { lon: before.lon + (after.lon - before.lon) * share, lat: before.lat + (after.lat - before.lat) * share, share, before, after };
}

/** Nearer to the centre than the radius of its quadrant: northeast, southeast, southwest, northwest. */
function isInside(track, force, time, point) {
  const at = positionOf(track, time);
  const quadrant = mutated('one-quadrant') ? 0 : point.lon >= at.lon ? (point.lat >= at.lat ? 0 : 1) : point.lat < at.lat ? 2 : 3;
  const [from, to] = [at.before, at.after].map(({ radii }) => radii[force]?.[quadrant] ?? 0);
  return (from > 0 || to > 0) && kilometres(at, point) <= from + (to - from) * at.share;
}

/** Along a great circle. */
function kilometres(a, b) {
  const rad = Math.PI / 180;
  const [lat, lon] = [Math.sin(((b.lat - a.lat) * rad) / 2), Math.sin(((b.lon - a.lon) * rad) / 2)];
  return 2 * EARTH_KM * Math.asin(Math.min(1, Math.sqrt(lat * lat + Math.cos(a.lat * rad) * Math.cos(b.lat * rad) * lon * lon)));
}
