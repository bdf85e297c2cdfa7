//! Sri Lanka Irrigation Department: river stage about hourly, newest first, to observations in time order.

import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { directory, districts, ndjson } from './directory.mjs';

const CODE = '990200000000'; // no such division: made up
const LEVELS = { yellow: 'alert_level_m', orange: 'minor_flood_level_m', red: 'major_flood_level_m' };

const RULE = `schema = 1
version = "sri-lanka"

[[rule]]
id      = "river-level"
hazard  = "11A01"
name    = { zh = "江河洪水", en = "River flood" }
subject = "site"
area    = { level = "district", quorum = "1" }
yellow  = 'water_level.last() >= site.yellow'
orange  = 'water_level.last() >= site.orange'
red     = 'water_level.last() >= site.red'
raise   = { after = "0m" }
lower   = { after = "2h", by = 0.1 }
source  = { document = "alert, minor flood and major flood level of each station", confidence = "sure" }
`;

/** Directory and observations out of the data set's folder. */
export function riverLevel(data) {
  const folder = join(data, 'lk');
  const read = (name) => JSON.parse(readFileSync(join(folder, `${name}.json`), 'utf8'));
  const basinOf = new Map(read('rivers').map((river) => [river.name, river.basin_name]));
  const places = read('stations').map((station) => ({
    id: slug(station.name), name: station.name, kind: 'river', lon: station.lat_lng[1], lat: station.lat_lng[0], region: basinOf.get(station.river_name) ?? station.river_name,
    // Levels that are all 0.0 have not been set: the rules must not take them for "always flooding".
    thresholds: Object.fromEntries(Object.entries(LEVELS).map(([tier, key]) => [tier, station[key]])),
  }));
  const [table] = readdirSync(folder).filter((name) => /^levels_.*\.tsv$/.test(name));
  const [header, ...rows] = readFileSync(join(folder, table), 'utf8').trimEnd().split(/\r?\n/).map((line) => line.split('\t'));
  const column = (name) => header.indexOf(name);
  const known = new Set(places.map(({ id }) => id));
  const figures = { stations: places.length, rows: rows.length, unreadable: 0, 'without a place': 0 };
  const readings = rows.reverse().flatMap((cells) => {
    const [station, seconds, level] = [slug(cells[column('station_name')]), Number(cells[column('time_ut')]), Number(cells[column('water_level_m')])];
    if (!known.has(station)) figures['without a place'] += 1;
    if (cells[column('water_level_m')] === '' || Number.isNaN(seconds) || Number.isNaN(level)) {
      figures.unreadable += 1;
      return [];
    }
    return [{ station, parameter: 'water_level', time: seconds * 1000, value: level }];
  });
  const files = directory({
    code: CODE, name: 'Sri Lanka', timeZone: 'Asia/Colombo', parameter: 'water_level', interval: 3600, rule: RULE,
    regions: districts(CODE, places.map(({ region }) => region)), places,
  });
  return { files: { ...files, 'observations.ndjson': ndjson(readings) }, figures };
}

const slug = (name) => name.toLowerCase().replace(/[^a-z0-9]+/g, '-').replace(/^-|-$/g, '');
