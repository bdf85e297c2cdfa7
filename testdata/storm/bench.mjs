//! A storm of any size for benchmarks, with a registry to match.

import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { areas } from '../generate/areas.mjs';
import { csv, numbered } from '../generate/csv.mjs';
import { random } from '../generate/random.mjs';
import { STATION_COLUMNS } from '../generate/stations.mjs';
import { localTime, observation, tenths } from './lines.mjs';
import { rainOverCity } from './rainstorm.mjs';
import { Bucket } from './rain.mjs';
import { kilometres } from './registry.mjs';
import { Wire } from './wire.mjs';

const COPIED = ['areas.geojson', 'city.toml', 'rules', 'wording'];
const CLIMATE_COLUMNS = ['station', 'parameter', 'window', 'years', 'value', 'month', 'shape', 'scale', 'zero'];
const EMPTY = ['sites.csv', 'contacts.csv'];

/** Gauges in all townships minute by minute: 1 % late by up to ten minutes, 0.5 % repeated, nothing else amiss. */
export function bench(_registry, file, { gauges: count, minutes, start, city, writeCity }) {
  const gauges = place(count);
  if (writeCity) writeRegistry(gauges, city, writeCity);
  const draw = random('bench');
  const rain = rainOverCity(random('rainstorm cells'));
  const wire = new Wire(file);
  const from = Date.parse(start);
  for (let minute = 1; minute <= minutes; minute++) {
    const time = localTime(from + minute * 60_000);
    const now = [];
    rain.advance(minute);
    for (const gauge of gauges) wire.send(draw, minute, observation(gauge.id, 'rainfall', time, tenths(gauge.bucket.tip(rain.at(gauge.x, gauge.y)))), now);
    wire.flush(minute, now);
  }
  wire.end();
  return wire.counts;
}

function place(count) {
  const land = areas();
  const draw = random('bench gauges');
  return Array.from({ length: count }, (_, index) => {
    const township = land.townships[index % land.townships.length];
    const [lon, lat] = land.place(township, draw);
    const number = Math.floor(index / land.townships.length) + 1;
    return {
      id: numbered('G', index + 1, 5), name: `${township.stem}雨量站${number}`, name_en: `${township.nameEn} rain gauge ${number}`,
      kind: 'rain_gauge', lon, lat, area: township.code, parameters: 'rainfall', owner: '市气象局', class: 'official', interval: 60,
      bucket: new Bucket(), ...kilometres(lon, lat),
    };
  });
}

/** What is usual there, made up: return levels in millimetres, and a gamma distribution of ninety days for each month. */
function climate() {
  const levels = Object.entries({ '1h': [45, 62, 76, 100], '3h': [70, 98, 120, 160], '24h': [140, 200, 250, 340] });
  const years = [2, 5, 10, 50];
  const rows = levels.flatMap(([window, values]) => values.map((value, at) => ({ window, years: years[at], value })));
  for (let month = 1; month <= 12; month++) rows.push({ window: '90d', month, shape: 3, scale: 20 + 10 * Math.min(month, 13 - month), zero: 0 });
  return rows.map((row) => ({ station: '*', parameter: 'rainfall', ...row }));
}

/** The demo city's areas and rules, these gauges, and nobody in it. */
function writeRegistry(gauges, city, directory) {
  mkdirSync(directory, { recursive: true });
  for (const name of COPIED) if (existsSync(join(city, name))) cpSync(join(city, name), join(directory, name), { recursive: true });
  for (const name of EMPTY) writeFileSync(join(directory, name), `${readFileSync(join(city, name), 'utf8').split('\n')[0]}\n`);
  writeFileSync(join(directory, 'subscribers.csv'), 'id,lon,lat,phone,language,audience,email,push\n');
  writeFileSync(join(directory, 'stations.csv'), csv(STATION_COLUMNS, gauges));
  writeFileSync(join(directory, 'climate.csv'), csv(CLIMATE_COLUMNS, climate()));
}
