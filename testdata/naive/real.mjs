//! Turns recorded data that others publish into observation lines and a city directory that holds their stations:
//!
//!   node testdata/naive/real.mjs street-flood|river-level DATA OUT
//!
//! DATA is the folder of that data set. Then compare `sanfang replay --city OUT --signals OUT/observations.ndjson` with the naive model.

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { riverLevel } from './real/river-level.mjs';
import { streetFlood } from './real/street-flood.mjs';

const [kind, data, out] = process.argv.slice(2);
const converters = { 'street-flood': streetFlood, 'river-level': riverLevel };
if (!(kind in converters) || !data || !out) {
  console.error('use: node testdata/naive/real.mjs street-flood|river-level DATA OUT');
  process.exit(2);
}
const { files, figures } = converters[kind](data);
mkdirSync(join(out, 'rules'), { recursive: true });
for (const [name, text] of Object.entries(files)) writeFileSync(join(out, name), text);
for (const [name, value] of Object.entries(figures)) console.error(`${name.padStart(24)}  ${value}`);
