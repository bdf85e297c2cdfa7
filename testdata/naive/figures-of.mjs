//! Figures that a formula of the field makes of readings: intensity–duration curves, slopes that creep and fail, how rare a rain is, time
//! to a threshold. Each from the publication named at it, in floating point, from a list of readings.

import { daysOf } from './days-of.mjs';
import { mutated } from './mutations.mjs';
import { PARAMETERS } from './parameters.mjs';
import { ask, rounded } from './readings.mjs';
import { span } from './rulebook.mjs';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const COVERAGE = 0.8;

/** What never comes, as it is printed. */
export const NEVER = Infinity;

/** Calls of this file. */
export const FIGURES = new Set(['exceedance', 'tangent_angle', 'failure_in', 'failure_earliest', 'return_period', 'spi', 'hours_to']);

/** Curves `I = c + a·D^−b` with the hours they were drawn over (domain facts §3.2). */
const CURVES = {
  caine: [14.82, 0.39, 0, 0.167, 500],
  guzzetti: [2.2, 0.44, 0, 0.1, 1000],
  aleotti: [19, 0.5, 0, 0, Infinity],
  innes: [4.93, 0.5, 0, 0.1, 100],
  crosta_frattini: [7.2, 1, 0.48, 0.1, 1000],
  jan_chen: [13.5, 0.2, 0, 0.7, 40],
  dahal_hasegawa: [73.9, 0.79, 0, 5, 720],
};
const DURATIONS = [1, 3, 6, 12, 24, 48, 72];

/** The figure at `time` or null for unknown. `asked`: series, parameter, name, args (values), time, offset, lowering, climate, station. */
export function figure(asked) {
  switch (asked.name) {
    case 'exceedance': return exceedance(asked);
    case 'tangent_angle': return tangentAngle(asked);
    case 'failure_in': return failure(asked, 0);
    case 'failure_earliest': return failure(asked, -2);
    case 'return_period': return returnPeriod(asked);
    case 'spi': return spi(asked);
    case 'hours_to': return hoursTo(asked);
    default: throw new Error(`no figure named ${asked.name}`);
  }
}

const thousandths = (number) => Math.round(number * 1000) / 1000;

/** A plain call on the same readings. */
function plain({ series, parameter, time, offset, lowering }, name, window) {
  return ask(series, parameter, name, window, time, offset, lowering);
}

/** The largest I/I(D) of the durations that end now. What the longest lack, shorter ones have not lost: one that is covered is enough. */
function exceedance(asked) {
  const [a, b, c, from, to] = typeof asked.args[0] === 'string' ? CURVES[asked.args[0]] : [...asked.args, 0, Infinity];
  const durations = mutated('one-duration') ? [24] : DURATIONS;
  let highest = null;
  let covered = false;
  for (const hours of durations.filter((one) => one >= from && one <= to)) {
    const sum = plain({ ...asked, lowering: false }, 'sum', `${hours}h`);
    if (sum === null) continue;
    covered ||= plain({ ...asked, lowering: true }, 'sum', `${hours}h`) !== null;
    const onCurve = Math.round((c + a * hours ** -b) * hours * 100) / 100;
    highest = Math.max(highest ?? -Infinity, sum / onCurve);
  }
  return highest === null || (asked.lowering && !covered) ? null : rounded(highest);
}

/** Improved tangent angle (Xu Qiang 2009): arctan of the rate a day in rates of even creep. */
function tangentAngle(asked) {
  const [window, given] = asked.args;
  const creep = typeof given === 'string' ? evenCreep(asked, given) : given;
  const rate = plain(asked, 'slope', window);
  if (creep === null || creep <= 0 || rate === null) return null;
  return thousandths((Math.atan((24 * rate) / creep) * 180) / Math.PI);
}

/** The mean rate of the days that are over, between their means. After the first seven a day counts only while it is slower than twice the
 *  mean so far. Below 0.05 mm a day a slope stands still. */
function evenCreep({ series, parameter, time, offset }, window) {
  const [, ...over] = daysOf(series, window, time, offset);
  const unit = 10 ** PARAMETERS[parameter].decimals;
  const means = over.map((day, index) => ({ ago: index + 1, mean: day.count === 0 ? null : day.sum / day.count / unit }));
  const seen = means.filter(({ mean }) => mean !== null).reverse();
  const rates = [];
  const mean = () => rates.reduce((sum, rate) => sum + rate, 0) / rates.length;
  for (let at = 1; at < seen.length; at++) {
    const rate = (seen[at].mean - seen[at - 1].mean) / (seen[at - 1].ago - seen[at].ago);
    if (rates.length < 7 || rate < 2 * mean() || mutated('creep-thaws')) rates.push(rate);
  }
  return rates.length >= 7 && mean() >= 0.05 ? mean() : null;
}

/** Hours to failure by inverse velocity (Fukuzono 1985, α = 2): 1/v of twelve parts of the window along a line, at least five of them
 *  forward; `errors` times the standard error of where it meets zero. */
function failure({ series, time, args, lowering }, errors) {
  const length = span(args[0]);
  const parts = [];
  for (let part = 0; part < 12; part++) {
    const from = time - length + (part * length) / 12;
    const inside = series.filter((one) => one.counted && one.time > from && one.time <= from + length / 12);
    if (inside.length === 0) continue;
    const mean = (of) => inside.reduce((sum, one) => sum + of(one), 0) / inside.length;
    parts.push({ at: mean((one) => one.time - time) / HOUR, moved: mean((one) => one.quanta) });
  }
  if (parts.length < 6) return null;
  if (lowering && !mutated('skip-coverage') && parts.length / 12 < COVERAGE) return null;
  const points = [];
  for (let at = 1; at < parts.length; at++) {
    const [before, after] = [parts[at - 1], parts[at]];
    const velocity = (after.moved - before.moved) / (after.at - before.at);
    if (velocity > 0) points.push({ x: (before.at + after.at) / 2, y: 1 / velocity });
  }
  const line = lineThrough(points);
  if (line === null) return NEVER;
  const hours = line.zero + errors * line.error;
  return hours < 1e9 ? Math.max(0, thousandths(hours)) : NEVER;
}

function lineThrough(points) {
  if (points.length < 5) return null;
  const mean = (of) => points.reduce((sum, point) => sum + of(point), 0) / points.length;
  const [x, y] = [mean((point) => point.x), mean((point) => point.y)];
  const sum = (of) => points.reduce((total, point) => total + of(point.x - x, point.y - y), 0);
  const [xx, xy, yy] = [sum((dx) => dx * dx), sum((dx, dy) => dx * dy), sum((_, dy) => dy * dy)];
  const slope = xy / xx;
  const explained = (xy * xy) / (xx * yy);
  if (!(slope < 0) || (!(explained >= 0.8) && !mutated('any-line'))) return null;
  const zero = x - y / slope;
  const variance = Math.max(0, yy - slope * xy) / (points.length - 2);
  return { zero, error: Math.sqrt(variance * (1 / points.length + ((zero - x) * (zero - x)) / xx)) / -slope };
}

/** Years between two occurrences: their logarithm goes with the value between two levels, the years with the value below the lowest. */
function returnPeriod(asked) {
  const [window] = asked.args;
  const sum = plain(asked, 'sum', window);
  const levels = asked.climate.levels(asked.station, asked.parameter, window);
  if (sum === null || levels.length === 0) return null;
  const upper = levels.findIndex(({ value }) => sum < value);
  if (upper === 0) return thousandths((levels[0].years * sum) / levels[0].value);
  if (upper < 0) return levels.at(-1).years;
  const [low, high] = [levels[upper - 1], levels[upper]];
  const share = (sum - low.value) / (high.value - low.value);
  if (mutated('straight-years')) return thousandths(low.years + share * (high.years - low.years));
  return thousandths(low.years * (high.years / low.years) ** share);
}

/** Standardized precipitation index (McKee et al. 1993): unknown, for rises too, where the days are not covered. */
function spi({ series, parameter, args, time, offset, climate, station }) {
  const [window] = args;
  const days = daysOf(series, window, time, offset);
  const month = new Date(time + offset * 60_000).getUTCMonth() + 1;
  const gamma = climate.gamma(station, parameter, span(window.split('@')[0]) / DAY, month);
  if (gamma === null) return null;
  const total = (of) => days.reduce((sum, day) => sum + of(day), 0);
  if (total((day) => day.covered) < COVERAGE * total((day) => day.to - day.from) && !mutated('unseen-is-dry')) return null;
  const amount = total((day) => day.sum) / 10 ** PARAMETERS[parameter].decimals;
  const below = gamma.zero + (1 - gamma.zero) * (amount > 0 ? lowerGamma(gamma.shape, amount / gamma.scale) : 0);
  return thousandths(Math.min(4, Math.max(-4, deviate(below))));
}

/** P(a, x) = xᵃe⁻ˣ/Γ(a+1) · Σ xⁿ/((a+1)…(a+n)), Γ by Stirling's series far out. */
function lowerGamma(a, x) {
  let [term, sum] = [1, 1];
  for (let n = 1; term > sum * 1e-17; n++) {
    term *= x / (a + n);
    sum += term;
  }
  return Math.min(1, Math.exp(a * Math.log(x) - x - logGamma(a + 1)) * sum);
}

function logGamma(z) {
  let shift = 0;
  let far = z;
  for (; far < 20; far += 1) shift += Math.log(far);
  const series = 1 / (12 * far) - 1 / (360 * far ** 3) + 1 / (1260 * far ** 5) - 1 / (1680 * far ** 7);
  return (far - 0.5) * Math.log(far) - far + 0.5 * Math.log(2 * Math.PI) + series - shift;
}

/** Abramowitz and Stegun 26.2.23, as McKee et al. have it. */
function deviate(below) {
  const tail = Math.max(Math.min(below, 1 - below), 1e-300);
  const t = Math.sqrt(-2 * Math.log(tail));
  const far = t - (2.515517 + 0.802853 * t + 0.010328 * t * t) / (1 + 1.432788 * t + 0.189269 * t * t + 0.001308 * t ** 3);
  return below < 0.5 ? -far : far;
}

/** Hours to a bound above at the rate of the window, its thousandths cut off; 0 once it is there, whatever is covered. */
function hoursTo(asked) {
  const [window, bound] = asked.args;
  if (bound === null) return NEVER;
  const rate = plain({ ...asked, lowering: false }, 'slope', window);
  const newest = plain(asked, 'last');
  if (newest === null || rate === null) return null;
  if (newest >= bound) return 0;
  if (asked.lowering && plain(asked, 'slope', window) === null) return null;
  if (rate <= 0) return NEVER;
  return Math.floor(rounded(((bound - newest) / rate) * 1000)) / 1000;
}
