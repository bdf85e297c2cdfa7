//! Writes the demo city: `node testdata/generate.mjs [DIR]` (default `testdata/city`). The same bytes on every run and machine.
//!
//! `--subscribers N` changes how many people have subscribed (200,000 unless told).

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { areas } from './generate/areas.mjs';
import { contacts } from './generate/contacts.mjs';
import { plans } from './generate/plans.mjs';
import { sites } from './generate/sites.mjs';
import { stations } from './generate/stations.mjs';
import { subscribers } from './generate/subscribers.mjs';

/** Every generated file of the city, by name. */
export function city(subscriberCount) {
  const land = areas();
  const gauges = stations(land);
  const places = sites(land, gauges);
  return {
    'areas.geojson': land.geojson,
    'stations.csv': places.stationsCsv,
    'sites.csv': places.csv,
    'contacts.csv': contacts(land, places.rows),
    'plans.csv': plans(places.rows),
    'subscribers.csv': subscribers(land, subscriberCount),
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const words = process.argv.slice(2);
  const flag = words.indexOf('--subscribers');
  const count = flag < 0 ? 200_000 : Number(words.splice(flag, 2)[1]);
  if (!Number.isInteger(count) || count < 0) {
    console.error('--subscribers wants a whole number, such as 200000');
    process.exit(2);
  }
  const directory = words[0] ?? join(fileURLToPath(new URL('.', import.meta.url)), 'city');
  mkdirSync(directory, { recursive: true });
  for (const [name, text] of Object.entries(city(count))) {
    writeFileSync(join(directory, name), text);
    console.error(`${join(directory, name)}  ${(text.length / 1e6).toFixed(2)} M characters`);
  }
}
