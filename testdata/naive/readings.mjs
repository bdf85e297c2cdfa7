//! Readings by station and parameter, and the windows over them, each worked out from scratch.

import { mutated } from './mutations.mjs';
import { PARAMETERS } from './parameters.mjs';
import { span } from './rulebook.mjs';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const COVERAGE = 0.8;
const [SUSPECT, BY_A_PERSON] = [1, 3];

/** All readings of all stations. */
export class Readings {
  #series = new Map();

  /** Files an observation: `new`, `duplicate` or `correction`. */
  put({ station, parameter, time, quanta, counted, quality, interval, covers }) {
    const series = this.series(station, parameter);
    const filed = { time, quanta, counted, suspect: quality === SUSPECT, interval, covers };
    let at = series.length;
    while (at > 0 && series[at - 1].time > time) at -= 1;
    const old = at > 0 && series[at - 1].time === time ? series[at - 1] : null;
    if (old === null) {
      if (mutated('drop-late') && at < series.length) return 'duplicate';
      series.splice(at, 0, filed);
      return 'new';
    }
    const same = old.quanta === quanta && old.counted === counted;
    // The same value again lifts no suspicion, unless a person stands by it.
    if (same && old.suspect && quality !== BY_A_PERSON && !mutated('suspicion-fades')) filed.suspect = true;
    if (same && old.suspect === filed.suspect) return 'duplicate';
    if (mutated('drop-correction')) return 'duplicate';
    series[at - 1] = filed;
    return 'correction';
  }

  /** Readings of one station and parameter, by time. */
  series(station, parameter) {
    const key = `${station} ${parameter}`;
    if (!this.#series.has(key)) this.#series.set(key, []);
    return this.#series.get(key);
  }
}

/** What a call such as `sum` over `"6h"` gives at `time`: a number in the parameter's unit, or null for unknown.
 *  `lowering` asks for enough of the window to be covered. */
export function ask(series, parameter, name, window, time, offsetMinutes, lowering) {
  const unit = 10 ** PARAMETERS[parameter].decimals;
  if (name === 'last' || name === 'age') {
    for (let at = series.length - 1; at >= 0; at--) {
      const reading = series[at];
      if (reading.time <= time && reading.counted) return name === 'age' ? (time - reading.time) / 1000 : reading.quanta / unit;
    }
    return null;
  }
  const length = windowLength(window, time, offsetMinutes);
  const inside = within(series, time, length);
  if (inside.count === 0) return null;
  if (lowering && !mutated('skip-coverage') && inside.covered < COVERAGE * length) return null;
  return fold(name, inside, unit);
}

function windowLength(window, time, offsetMinutes) {
  const [text, clock] = window.split('@');
  let length = span(text);
  if (clock !== undefined) {
    // From the last such hour of the city's day; whole days before it for windows of several days.
    const [hour, minute] = clock.split(':').map(Number);
    const local = time + offsetMinutes * 60_000 - (hour * 60 + minute) * 60_000;
    const today = ((local % DAY) + DAY) % DAY;
    length = (today === 0 ? DAY : today) + length - DAY;
  }
  return length + (mutated('window-plus') ? 60_000 : 0) - (mutated('window-minus') ? 60_000 : 0);
}

/** The readings in (time − length, time] whose interval is no longer than the window, gone through one by one, newest first. */
function within(series, time, length) {
  const inside = { count: 0, covered: 0, sum: 0, max: -Infinity, min: Infinity, newest: null, oldest: null, series, time, length };
  const from = mutated('window-closed') ? time - length - 1 : time - length;
  for (let at = series.length - 1; at >= 0; at--) {
    const reading = series[at];
    if (reading.time > time) continue;
    if (reading.time <= from) break;
    if (!reading.counted || reading.interval > length) continue;
    inside.count += 1;
    inside.covered += reading.covers;
    inside.sum += reading.quanta;
    if (reading.quanta > inside.max) inside.max = reading.quanta;
    if (reading.quanta < inside.min) inside.min = reading.quanta;
    inside.newest ??= reading;
    inside.oldest = reading;
  }
  return inside;
}

function fold(name, inside, unit) {
  switch (name) {
    case 'sum':
      return mutated('sum-float') ? floatSum(inside, unit) : inside.sum / unit;
    case 'mean':
      return rounded(inside.sum / inside.count / unit);
    case 'max':
      return inside.max / unit;
    case 'min':
      return inside.min / unit;
    case 'count':
      return inside.count;
    case 'delta':
      return (inside.newest.quanta - inside.oldest.quanta) / unit;
    case 'rate': {
      const found = slope(inside, unit);
      return found === null ? null : rounded(found);
    }
    case 'slope':
      return slope(inside, unit);
    default:
      throw new Error(`no call named ${name}`);
  }
}

function countedWithin({ series, time, length }) {
  return series.filter((reading) => reading.time > time - length && reading.time <= time && reading.counted && reading.interval <= length);
}

function floatSum(inside, unit) {
  return countedWithin(inside).reduce((sum, { quanta }) => sum + quanta / unit, 0);
}

/** Least squares, per hour. */
function slope(inside, unit) {
  const from = inside.oldest.time;
  let [x, y, xx, xy] = [0, 0, 0, 0];
  for (const { time, quanta } of countedWithin(inside)) {
    const seconds = (time - from) / 1000;
    x += seconds;
    y += quanta;
    xx += seconds * seconds;
    xy += seconds * quanta;
  }
  const below = inside.count * xx - x * x;
  return below === 0 ? null : ((inside.count * xy - x * y) / below / unit) * 3600;
}

/** To nine decimals: what is equal on paper compares equal. */
export function rounded(number) {
  return Math.round(number * 1e9) / 1e9;
}
