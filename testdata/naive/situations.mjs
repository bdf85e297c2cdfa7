//! Every rule at every subject: which observation wakes which, and what tier comes of it.

import { nodes } from './cel.mjs';
import { ancestor, zoneOf } from './city.mjs';
import { evaluate, relaxed } from './evaluate.mjs';
import { Ladder } from './ladder.mjs';
import { mutated } from './mutations.mjs';
import { PARAMETERS } from './parameters.mjs';
import { TIERS } from './rulebook.mjs';
import { weights } from './thiessen.mjs';

const GAP_INTERVALS = 3;


/** Situations of all rules over a city; `situation(rule, area)` gives the tier of a rule at the smallest area of its level. */
export class Situations {
  #city;
  #readings;
  #expected;
  #situation;
  #fed = new Map();
  #waiting = new Set();

  constructor(city, rules, readings, expected, situation) {
    this.#city = city;
    this.#expected = expected;
    this.#readings = readings;
    this.#situation = situation;
    this.subjects = rules.flatMap((rule, order) => subjectsOf(rule, city).map((subject) => ({
      ...subject, rule, order, newest: null, times: new Set(),
      reached: new Ladder(rule, gapOf(rule, subject, city)),
      ahead: rule.proposeAt === undefined && rule.proposeBy === undefined ? null : new Ladder(rule, gapOf(rule, subject, city)),
      trees: treesOf(rule), shares: sharesOf(subject, city), points: pointsOf(subject, city),
    })));
    for (const subject of this.subjects) {
      for (const station of subject.stations) {
        if (!this.#fed.has(station)) this.#fed.set(station, []);
        this.#fed.get(station).push(subject);
      }
    }
  }

  /** Evaluates what an observation feeds; `corrected` is its time where it replaced a value. Yields changes. */
  * observe(observation, corrected) {
    for (const subject of this.#fed.get(observation.station) ?? []) {
      if (!subject.rule.parameters.has(observation.parameter)) continue;
      if (observation.counted) subject.times.add(observation.time);
      if (observation.counted && (subject.newest === null || observation.time > subject.newest)) subject.newest = observation.time;
      if (subject.newest === null) continue;
      yield* this.#evaluate(subject, corrected, subject.newest);
    }
  }

  * #evaluate(subject, corrected, from) {
    const before = tiersOf(subject);
    const { continuing, lowerWhen, samples } = subject.rule;
    const present = this.#scope(subject, subject.newest, false);
    const falling = this.#scope(subject, subject.newest, true);
    const newest = samples === null ? [] : [...subject.times].sort((a, b) => b - a).slice(0, samples.n);
    const day = (time) => dayOf(time, mutated('season-by-utc') ? 0 : this.#city.offset);
    for (const [ladder, raise, lower] of laddersOf(subject)) {
      const look = (time) => truthsOf(raise, continuing, time === present.time ? present : this.#scope(subject, time, false));
      const fall = () => truthsOf(lower, null, falling);
      const may = () => lowerWhen === null || evaluate(lowerWhen, falling) === true;
      ladder.step(subject.newest, from, corrected, look, fall, may, newest, day);
    }
    this.#wait(subject);
    yield* this.#changes(subject, before, subject.newest);
  }

  /** Looks at every rule that asks what is expected, in the zones that heard a forecast; rules that read nothing, at `record`. */
  * lookAhead(zones, record) {
    for (const subject of this.subjects) {
      if (!subject.rule.looksAhead || !zones.has(zoneOf(this.#city, subject.area))) continue;
      if (readsNothing(subject)) subject.newest = record;
      if (subject.newest !== null) yield* this.#evaluate(subject, null, Math.max(subject.newest, record));
    }
  }

  /** Each whole ten minutes: those of them that read nothing, since what is ahead moves with time. */
  * lookAgain(zones, record) {
    for (const subject of this.subjects) {
      if (!subject.rule.looksAhead || !readsNothing(subject) || !zones.has(zoneOf(this.#city, subject.area))) continue;
      subject.newest = record;
      yield* this.#evaluate(subject, null, record);
    }
  }

  /** Completes the rises that `record` passes, in the order of rules and subjects, and the falls of those that read nothing. Yields changes. */
  * pass(record) {
    const isDue = (due) => due !== null && due < record;
    const fallOf = (subject) => (readsNothing(subject) ? laddersOf(subject).map(([ladder]) => ladder.falls).filter(isDue) : []);
    const due = [...this.#waiting].filter((subject) => laddersOf(subject).some(([ladder]) => isDue(ladder.deadline)) || fallOf(subject).length > 0);
    for (const subject of due.sort((a, b) => a.order - b.order || (a.id < b.id ? -1 : 1))) {
      const falls = fallOf(subject);
      const before = tiersOf(subject);
      for (const [ladder] of laddersOf(subject)) ladder.pass(record);
      this.#wait(subject);
      yield* this.#changes(subject, before, subject.newest);
      if (falls.length === 0) continue;
      subject.newest = Math.min(...falls);
      yield* this.#evaluate(subject, null, subject.newest);
    }
  }

  #wait(subject) {
    const waits = laddersOf(subject).some(([ladder]) => ladder.deadline !== null || (readsNothing(subject) && ladder.falls !== null));
    if (waits) this.#waiting.add(subject);
    else this.#waiting.delete(subject);
  }

  * #changes(subject, [reached, proposed], time) {
    const after = tiersOf(subject);
    if (after[0] === reached && after[1] === proposed) return;
    const ladder = after[0] === reached ? subject.ahead : subject.reached;
    const rose = after[0] === reached ? after[1] > proposed : after[0] > reached;
    yield {
      subject, time: rose ? ladder.stamp : time, evaluated: time, from: reached, to: after[0], proposed: after[1],
      values: () => Object.fromEntries(subject.rule.calls.map((call) => [call.text, shown(call, evaluate(call, this.#scope(subject, time, false)))])),
    };
  }

  #scope(subject, time, lowering) {
    return {
      readings: this.#readings, city: this.#city, time, lowering, station: subject.station, site: subject.site, members: subject.stations,
      expected: this.#expected, places: () => placesOf(subject, this.#city), points: () => subject.points,
      sound: subject.rule.sound && !mutated('use-suspect'), shareOf: (station) => subject.shares()[subject.stations.indexOf(station)],
      situation: (rule) => this.#situation(rule, subject.area), memo: new Map(),
    };
  }
}

const readsNothing = ({ rule }) => rule.subject === 'area' && rule.parameters.size === 0;

/** Where a subject's forecast may stand, the nearest first: its station, then its areas upward. */
function placesOf(subject, city) {
  const places = subject.station === null ? [] : [subject.station];
  for (let area = city.areas.get(subject.area); area; area = city.areas.get(area.parent)) places.push(area.code);
  return places;
}

/** Where it lies: itself, or the four ends of an area's border and the middle of them. */
function pointsOf(subject, city) {
  if (subject.station !== null) {
    const { lon, lat } = city.sites.get(subject.id) ?? city.stations.get(subject.station);
    return [{ lon: Number(lon), lat: Number(lat) }];
  }
  const { geometry } = city.areas.get(subject.area);
  const border = (geometry.type === 'Polygon' ? [geometry.coordinates] : geometry.coordinates).flatMap(([outer]) => outer.map(([lon, lat]) => ({ lon, lat })));
  const end = (key, sign) => border.reduce((far, point) => (sign * point[key] > sign * far[key] ? point : far));
  const ends = [end('lon', -1), end('lon', 1), end('lat', -1), end('lat', 1)];
  const middle = (key) => ends.reduce((sum, point) => sum + point[key], 0) / 4;
  return [...ends, { lon: middle('lon'), lat: middle('lat') }];
}

/** `month-day` of a time. */
const dayOf = (time, offsetMinutes) => new Date(time + offsetMinutes * 60_000).toISOString().slice(5, 10);

/** For each tier whether its condition or a higher one holds (with `continuing`, if given); null is unknown. */
function truthsOf(trees, continuing, scope) {
  const truths = trees.map((tree) => evaluate(tree, scope));
  for (let index = truths.length - 2; index >= 0; index--) truths[index] = or(truths[index], truths[index + 1]);
  if (continuing === null || mutated('skip-continuing')) return truths;
  const goesOn = evaluate(continuing, scope);
  return truths.map((truth) => and(truth, goesOn));
}

function laddersOf({ reached, ahead, trees }) {
  return ahead ? [[reached, trees.raise, trees.lower], [ahead, trees.propose, trees.lowerProposed]] : [[reached, trees.raise, trees.lower]];
}

/** Tier reached, and tier put forward: never the lower of the two. */
function tiersOf({ reached, ahead }) {
  return [reached.tier, Math.max(reached.tier, ahead?.tier ?? 0)];
}

function treesOf(rule) {
  const moved = (ratio, by) => rule.tiers.map(({ when }) => (mutated('skip-relaxing') ? when : relaxed(when, { ratio, by })));
  const least = (a, b) => (a === undefined ? b : b === undefined ? a : Math.min(a, b));
  return {
    raise: rule.tiers.map(({ when }) => when),
    lower: moved(rule.below, rule.by),
    propose: rule.tiers.map(({ when }) => relaxed(when, { ratio: rule.proposeAt, by: rule.proposeBy })),
    lowerProposed: moved(least(rule.proposeAt, rule.below), rule.by === undefined && rule.proposeBy === undefined ? undefined : Math.max(rule.by ?? 0, rule.proposeBy ?? 0)),
  };
}

/** Subjects of a rule by id: where at least one of its parameters is measured. */
function subjectsOf(rule, city) {
  const measures = (id) => city.stations.get(id)?.parameters.some((parameter) => rule.parameters.has(parameter));
  const siteAt = new Map([...city.sites.values()].filter((site) => site.station).map((site) => [site.station, site]));
  const found = [];
  if (rule.subject === 'station') {
    for (const station of city.stations.values()) {
      if (measures(station.id)) found.push({ id: station.id, area: station.area, station: station.id, stations: [station.id], site: withLevels(rule, siteAt.get(station.id) ?? null) });
    }
  } else if (rule.subject === 'site') {
    for (const site of city.sites.values()) {
      if (measures(site.station) && (!rule.kinds || rule.kinds.includes(site.kind))) found.push({ id: site.id, area: site.area, station: site.station, stations: [site.station], site: withLevels(rule, site) });
    }
  } else {
    for (const area of city.areas.values()) {
      if (area.level !== rule.area.level) continue;
      const stations = [...city.stations.values()].filter((station) => measures(station.id) && ancestor(city, station.area, area.level) === area.code).map(({ id }) => id);
      if (stations.length > 0 || rule.parameters.size === 0) found.push({ id: area.code, area: area.code, station: null, stations, site: null });
    }
  }
  return found.sort((a, b) => (a.id < b.id ? -1 : 1));
}

/** Of an area's stations what each stands for, worked out when first asked. */
function sharesOf(subject, city) {
  let shares = null;
  return () => (shares ??= weights(city.areas.get(subject.area).geometry, subject.stations.map((id) => [Number(city.stations.get(id).lon), Number(city.stations.get(id).lat)])));
}

/** The site as a rule reads it: two or more thresholds that are all 0 have not been set. */
function withLevels(rule, site) {
  const trees = [...rule.tiers.map(({ when }) => when), rule.continuing, rule.lowerWhen].filter(Boolean);
  const read = trees.flatMap((tree) => [...nodes(tree)]).filter((node) => node.kind === 'member' && node.target.name === 'site').map(({ name }) => name);
  const given = [...new Set(read)].filter((name) => (site?.[name] ?? '') !== '');
  if (given.length < 2 || given.some((name) => Number(site[name]) !== 0)) return site;
  return { ...site, ...Object.fromEntries(given.map((name) => [name, ''])) };
}

/** The longest step between evaluations that is not a gap: the staleness of the city's settings, else the parameter's;
 *  three intervals of a slow station. */
function gapOf(rule, subject, city) {
  if (subject.stations.length === 0) return Infinity;
  let gap = 0;
  for (const id of subject.stations) {
    const station = city.stations.get(id);
    for (const parameter of station.parameters) {
      if (!rule.parameters.has(parameter)) continue;
      const interval = station.interval ? Number(station.interval) * 1000 : PARAMETERS[parameter].interval;
      const stale = city.staleness[station.kind] ?? city.staleness.other ?? PARAMETERS[parameter].stale;
      gap = Math.max(gap, stale, GAP_INTERVALS * interval);
    }
  }
  return gap;
}

function shown(call, value) {
  if (value === Infinity) return '∞';
  return call.name === 'situation' && value !== null ? TIERS[value] : value;
}

const or = (a, b) => (a === true || b === true ? true : a === null || b === null ? null : false);
const and = (a, b) => (a === false || b === false ? false : a === null || b === null ? null : true);
