//! A city directory: areas with their parents, stations, sites. Nothing of people.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readClimate } from './climate.mjs';
import { span } from './rulebook.mjs';
import { parseToml } from './toml.mjs';

/** Reads `city.toml` (code, offset, lateness, staleness), `areas.geojson`, `stations.csv` and `sites.csv`; spans in milliseconds. */
export function readCity(directory) {
  const settings = parseToml(readFileSync(join(directory, 'city.toml'), 'utf8'), 'city.toml');
  const collection = JSON.parse(readFileSync(join(directory, 'areas.geojson'), 'utf8'));
  const areas = new Map(collection.features.map(({ properties, geometry }) => [properties.code, { ...properties, geometry }]));
  const stations = new Map(readCsv(join(directory, 'stations.csv')).map((row) => [row.id, { ...row, parameters: row.parameters.split(';') }]));
  const sites = new Map(readCsv(join(directory, 'sites.csv')).map((row) => [row.id, row]));
  return {
    code: String(settings.code), offset: offsetMinutes(settings.time_zone), areas, stations, sites,
    climate: readClimate(join(directory, 'climate.csv')),
    pastAfter: span(settings.lateness?.past_after ?? '15m'),
    staleness: Object.fromEntries(Object.entries(settings.staleness ?? {}).map(([kind, allowed]) => [kind, span(allowed.usual ?? allowed)])),
  };
}

/** The area of that level that holds `code`, itself included. */
export function ancestor(city, code, level) {
  for (let area = city.areas.get(code); area; area = city.areas.get(area.parent)) if (area.level === level) return area.code;
  return null;
}

/** The zone of an area: its district, or the city for what lies above. */
export function zoneOf(city, code) {
  return ancestor(city, code, 'district') ?? city.code;
}

/** An instant in the city's offset, whole seconds. */
export function display(city, millis) {
  const local = new Date(millis + city.offset * 60_000).toISOString().slice(0, 19);
  const size = Math.abs(city.offset);
  const two = (number) => String(number).padStart(2, '0');
  return `${local}${city.offset < 0 ? '-' : '+'}${two(Math.floor(size / 60))}:${two(size % 60)}`;
}

/** Rows of a CSV file as objects; quoted cells may hold commas, quotes and line ends. */
export function readCsv(path) {
  const text = readFileSync(path, 'utf8').replace(/^\uFEFF/, '');
  const rows = [];
  let row = [];
  for (const [, quoted, plain, end] of text.matchAll(/(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r?\n|$)/g)) {
    row.push(quoted === undefined ? plain : quoted.replaceAll('""', '"'));
    if (end === ',') continue;
    if (row.length > 1 || row[0] !== '') rows.push(row);
    row = [];
  }
  const [columns, ...cells] = rows;
  return cells.map((values) => Object.fromEntries(columns.map((column, index) => [column, values[index] ?? ''])));
}

/** The zone's standard offset: that of 1 January, so that lines never change their offset within a year. */
function offsetMinutes(zone) {
  const parts = new Intl.DateTimeFormat('en', { timeZone: zone, timeZoneName: 'longOffset' }).formatToParts(new Date(Date.UTC(2023, 0, 1)));
  const [, sign, hours, minutes] = /GMT(?:([+-])(\d\d):(\d\d))?/.exec(parts.find((part) => part.type === 'timeZoneName').value);
  return sign === undefined ? 0 : (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(minutes));
}
