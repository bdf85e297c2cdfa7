//! Indicators of whole days: dry, hot and cold ones in a row, and rain that still counts after them.

import { mutated } from './mutations.mjs';
import { PARAMETERS, quanta } from './parameters.mjs';
import { span } from './rulebook.mjs';

const DAY = 86_400_000;
const COVERAGE = 0.8;
const BILLION = 1_000_000_000n;

/** Calls that hang on days. */
export const DAYS = new Set(['dry_days', 'days_at_least', 'days_at_most', 'effective']);

/** What such a call gives at `time`, or null for unknown; `args`: the window, then a bound or the share that is left after a day. */
export function askDays(series, parameter, name, [window, argument], time, offsetMinutes, lowering) {
  const days = daysOf(series, window, time, offsetMinutes);
  if (days.every((day) => day.count === 0)) return null;
  const asks = lowering && !mutated('skip-coverage');
  if (name === 'effective') return effective(days, parameter, argument, asks);
  const { count, covered } = spell(days, name, quanta(parameter, argument));
  return asks && !covered ? null : count;
}

/** The running day and those before it: what was measured in each, gone through one by one. A day begins after its hour and ends with it. */
export function daysOf(series, window, time, offsetMinutes) {
  const [text, clock] = window.split('@');
  const [hour, minute] = clock.split(':').map(Number);
  const shift = (mutated('window-plus') ? -1 : 0) + (mutated('window-minus') ? 1 : 0);
  const local = time + offsetMinutes * 60_000 - (hour * 60 + minute + shift) * 60_000;
  const begun = ((local % DAY) + DAY) % DAY || DAY;
  const days = [];
  for (let ago = 0; ago < span(text) / DAY; ago++) {
    const from = time - begun - ago * DAY;
    days.push({ count: 0, sum: 0, max: -Infinity, min: Infinity, covered: 0, from, to: Math.min(time, from + DAY) });
  }
  for (let at = series.length - 1; at >= 0; at--) {
    const { time: measured, quanta: value, counted, interval, covers } = series[at];
    if (measured > time || !counted || interval > DAY) continue;
    const held = days.find(({ from, to }) => measured > from && measured <= to);
    if (!held) break;
    held.count += 1;
    held.sum += value;
    held.max = Math.max(held.max, value);
    held.min = Math.min(held.min, value);
    held.covered += covers;
  }
  return days;
}

/** Days in a row. The running day ends a dry row as soon as it has the rain, and counts as hot or cold as soon as it is; one that nobody saw
 *  well enough to tell is passed over, and the row is then known in part only. */
function spell(days, name, bound) {
  const isSeen = (day) => day.covered >= COVERAGE * DAY;
  const says = (day) => {
    if (name === 'dry_days') return day.sum >= bound ? 'ends' : isSeen(day) ? 'counts' : 'nothing';
    const reaches = name === 'days_at_least' ? day.max >= bound : day.min <= bound;
    return day.count > 0 && reaches ? 'counts' : isSeen(day) ? 'ends' : 'nothing';
  };
  const [today, ...before] = days;
  const now = says(today);
  if (name === 'dry_days' && now === 'ends') return { count: 0, covered: true };
  let count = name !== 'dry_days' && now === 'counts' ? 1 : 0;
  let covered = true;
  for (const day of before) {
    const word = says(day);
    if (word === 'ends') return { count, covered };
    if (word === 'counts') count += 1;
    else covered = false;
  }
  return { count, covered };
}

/** `R0 + Σ kⁱ·Ri`, each power of k to nine places. */
function effective(days, parameter, share, asks) {
  const unit = BigInt(10 ** PARAMETERS[parameter].decimals);
  let weight = BILLION;
  let [sum, covered, asked] = [0n, 0n, 0n];
  for (const day of days) {
    const length = day.to - day.from;
    sum += weight * BigInt(day.sum);
    covered += weight * BigInt(Math.min(day.covered, length));
    asked += weight * BigInt(length);
    weight = BigInt(Math.round(Number(weight) * share));
  }
  if (asks && covered * 10n < asked * 8n) return null;
  return Number((2n * sum + unit) / (2n * unit)) / 1e9;
}
