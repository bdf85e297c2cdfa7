//! A naive model of `sanfang replay`, from the same specification and with none of its code:
//!
//!   node testdata/naive/naive.mjs --city DIR [--rules DIR] [--forecasts FILE] [--signals|--peaks] [--mutate NAME] FILE…
//!
//! `--peaks` prints the highest tier of each hazard and zone, as the files of `testdata/expected` have it.

import { fileURLToPath } from 'node:url';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Bulletins } from './bulletins.mjs';
import { display, readCity, zoneOf } from './city.mjs';
import { linesOf, observationOf } from './intake.mjs';
import { Expected, readForecasts } from './expected.mjs';
import { MUTATIONS, mutated, plant } from './mutations.mjs';
import { Readings } from './readings.mjs';
import { TIERS, readRules } from './rulebook.mjs';
import { Situations } from './situations.mjs';

const MINUTE = 60_000;
const LOOKS = 10 * MINUTE;

/** Replays lines and what is forecast beside them; `say` takes each result as an object. Gives the counts of what became of the lines. */
export function replay(city, rules, lines, forecasts, signals, say) {
  const readings = new Readings();
  const expected = new Expected();
  const bulletins = new Bulletins(city);
  const situations = new Situations(city, rules, readings, expected, (rule, area) => bulletins.situation(rule, area));
  bulletins.enrol(situations.subjects);
  const counts = { accepted: 0, duplicate: 0, correction: 0, late: 0 };
  const zones = new Set([...city.areas.keys()].map((area) => zoneOf(city, area)));
  const looking = new Set();
  let record = -Infinity;
  const tell = (changes) => {
    for (const change of changes) {
      if (signals && change.from !== change.to) say(signalLine(city, change));
      for (const event of bulletins.take(change, record)) if (!signals) say({ ...event, time: display(city, event.time) });
    }
  };
  const tick = (time) => {
    record = time;
    tell(situations.pass(time));
    if (time % LOOKS === 0 && looking.size > 0) tell(situations.lookAgain(looking, time));
    for (const event of bulletins.flush(time)) if (!signals) say({ ...event, time: display(city, event.time) });
  };
  const advance = (time) => {
    for (let minute = (Math.floor(record / MINUTE) + 1) * MINUTE; minute <= time && record > -Infinity; minute += MINUTE) tick(minute);
    if (record < time) tick(time);
  };
  const issue = (until) => {
    while (forecasts.length > 0 && forecasts[0].issued <= until) {
      const [{ issued }] = forecasts;
      const atOnce = forecasts.filter((one) => one.issued === issued);
      forecasts.splice(0, atOnce.length);
      advance(issued);
      const heard = new Set();
      for (const forecast of atOnce) if (expected.take(forecast)) for (const zone of zonesOf(city, forecast, zones)) heard.add(zone);
      for (const zone of heard) looking.add(zone);
      if (!mutated('deaf-to-issues')) tell(situations.lookAhead(heard, record));
    }
  };
  for (const line of lines) {
    if (line.trim() === '') continue;
    const observation = observationOf(line, city);
    if (observation.refused) {
      counts[observation.refused] = (counts[observation.refused] ?? 0) + 1;
      continue;
    }
    issue(observation.time);
    if (observation.time > record) advance(observation.time);
    else if (observation.time < record - MINUTE) counts.late += 1;
    const outcome = readings.put(observation);
    counts.accepted += 1;
    if (outcome !== 'new') counts[outcome] += 1;
    if (outcome !== 'duplicate') tell(situations.observe(observation, outcome === 'correction' ? observation.time : null));
  }
  issue(Infinity);
  return counts;
}

/** The zones that hear a forecast: that of its place, every one where it is of the whole city or of a cyclone. */
function zonesOf(city, { storm, place }, zones) {
  if (storm !== undefined) return zones;
  const zone = zoneOf(city, city.stations.get(place)?.area ?? place);
  return zone === city.code ? zones : [zone];
}

/** The highest tier that a hazard's warnings had in each zone, one `hazard zone tier` a line. */
export function peaksOf(city, events) {
  const peaks = new Map();
  for (const { hazard, areas } of events) {
    for (const [area, tier] of Object.entries(areas)) {
      const key = `${hazard} ${zoneOf(city, area)}`;
      peaks.set(key, Math.max(peaks.get(key) ?? 0, TIERS.indexOf(tier)));
    }
  }
  return [...peaks].sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, tier]) => `${key} ${TIERS[tier]}`);
}

function signalLine(city, { subject, time, from, to, values }) {
  return { time: display(city, time), rule: subject.rule.id, subject: subject.id, from: TIERS[from], to: TIERS[to], values: values() };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { positionals: files, values: options } = parseArgs({
    allowPositionals: true,
    options: { city: { type: 'string' }, rules: { type: 'string' }, signals: { type: 'boolean', default: false }, peaks: { type: 'boolean', default: false }, mutate: { type: 'string' }, mutations: { type: 'string' }, forecasts: { type: 'string' } },
  });
  if (options.mutations) {
    console.log(Object.keys(MUTATIONS[options.mutations] ?? {}).join('\n'));
    process.exit(0);
  }
  if (!options.city || files.length === 0) {
    console.error('use: node testdata/naive/naive.mjs --city DIR [--rules DIR] [--forecasts FILE] [--signals|--peaks] [--mutate NAME] FILE…');
    process.exit(2);
  }
  plant(options.mutate ?? null);
  const city = readCity(options.city);
  const rules = readRules(options.rules ?? join(options.city, 'rules'));
  const lines = (function* all() {
    for (const file of files) yield* linesOf(file);
  })();
  const results = [];
  const forecasts = options.forecasts === undefined ? [] : readForecasts(options.forecasts);
  const counts = replay(city, rules, lines, forecasts, options.signals, (result) => results.push(result));
  const out = options.peaks ? peaksOf(city, results) : results.map((result) => JSON.stringify(result));
  process.stdout.write(out.map((line) => `${line}\n`).join(''));
  for (const [name, count] of Object.entries(counts)) console.error(`${name.padStart(12)}  ${count}`);
}
