//! Writes a storm as observation lines (NDJSON):
//!
//!   node testdata/storm.mjs rainstorm|typhoon|edges [--city DIR] [--thin N] --out FILE
//!   node testdata/storm.mjs bench [--city DIR] [--gauges 10000] [--minutes 360] [--start 2023-09-07T18:00:00+08:00] [--write-city DIR] --out FILE
//!
//! `--thin N` keeps each Nth station and site: a small storm for tests that replay it many times.
//! The same bytes on every run and machine. `bench` needs no registry of its size: `--write-city` makes one to match.

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

const { positionals: [kind], values: options } = parseArgs({
  allowPositionals: true,
  options: {
    city: { type: 'string', default: join(fileURLToPath(new URL('.', import.meta.url)), 'city') },
    out: { type: 'string' },
    gauges: { type: 'string', default: '10000' },
    minutes: { type: 'string', default: '360' },
    start: { type: 'string', default: '2023-09-07T18:00:00+08:00' },
    thin: { type: 'string', default: '1' },
    'write-city': { type: 'string' },
  },
});
const storms = { rainstorm, typhoon, edges, bench };
if (!(kind in storms) || !options.out) {
  console.error('use: node testdata/storm.mjs rainstorm|typhoon|edges|bench [--city DIR] --out FILE');
  process.exit(2);
}
mkdirSync(dirname(options.out), { recursive: true });
const file = new LineFile(options.out);
const figures = storms[kind](registry(options.city, Number(options.thin)), file, {
  gauges: Number(options.gauges), minutes: Number(options.minutes), start: options.start, city: options.city, writeCity: options['write-city'],
});
file.close();
console.error(`${options.out}  ${file.lines} lines, ${(file.bytes / 1e6).toFixed(1)} MB`);
for (const [name, value] of Object.entries(figures)) console.error(`${name.padStart(12)}  ${value}`);
