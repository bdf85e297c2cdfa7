//! Writes a storm as observation lines (NDJSON): `node testdata/storm.mjs --help`. The same bytes on every run and machine.

import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { bench } from './storm/bench.mjs';
import { edges } from './storm/edges.mjs';
import { registry } from './storm/registry.mjs';
import { rainstorm } from './storm/rainstorm.mjs';
import { typhoon } from './storm/typhoon.mjs';
import { LineFile } from './storm/lines.mjs';

const HELP = `Writes a storm as observation lines (NDJSON), the same bytes on every run and machine.

  node testdata/storm.mjs rainstorm|typhoon|edges [--city DIR] [--thin N] --out FILE
  node testdata/storm.mjs bench [--city DIR] [--gauges N] [--minutes N] [--start TIME] [--write-city DIR] --out FILE

rainstorm, typhoon  the storms of the demo city
edges               values that wander about the thresholds, fall silent and are put right
bench               rain for as many gauges and minutes as asked

  --out FILE        where the lines go
  --city DIR        city directory to read (testdata/city)
  --thin N          keep each Nth station and site: a small storm for tests that replay it many times (1)
  --gauges N        gauges of bench (10000)
  --minutes N       minutes of bench (360)
  --start TIME      first minute of bench (2023-09-07T18:00:00+08:00)
  --write-city DIR  write a city that has the gauges of bench
  --help            this text
`;

/** Ends with what is wrong and how it is used. */
function misused(why) {
  console.error(`${why}\n\n${HELP}`);
  process.exit(2);
}

function asked() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        city: { type: 'string', default: join(fileURLToPath(new URL('.', import.meta.url)), 'city') },
        out: { type: 'string' },
        gauges: { type: 'string', default: '10000' },
        minutes: { type: 'string', default: '360' },
        start: { type: 'string', default: '2023-09-07T18:00:00+08:00' },
        thin: { type: 'string', default: '1' },
        'write-city': { type: 'string' },
        help: { type: 'boolean' },
      },
    });
  } catch (error) {
    return misused(error.message);
  }
}

const { positionals: [kind], values: options } = asked();
if (options.help) {
  process.stdout.write(HELP);
  process.exit(0);
}
const storms = { rainstorm, typhoon, edges, bench };
if (!Object.hasOwn(storms, kind ?? '')) misused(kind ? `there is no storm ${kind}` : 'name a storm');
if (!options.out) misused('--out is missing');
mkdirSync(dirname(options.out), { recursive: true });
const file = new LineFile(options.out);
const figures = storms[kind](registry(options.city, Number(options.thin)), file, {
  gauges: Number(options.gauges), minutes: Number(options.minutes), start: options.start, city: options.city, writeCity: options['write-city'],
});
file.close();
console.error(`${options.out}  ${file.lines} lines, ${(file.bytes / 1e6).toFixed(1)} MB`);
for (const [name, value] of Object.entries(figures)) console.error(`${name.padStart(12)}  ${value}`);
