//! FloodNet (New York): events with a depth profile in inches and GMT, to depths in metres.
//!
//! Credit: FloodNet / NYC DEP, City open data sets aq7i-eu5q and kb2e-tjy3.

import { join } from 'node:path';
import { readCsv } from '../city.mjs';
import { directory, districts, ndjson } from './directory.mjs';

const CODE = '990100000000'; // no such division: made up
const INCH = { yellow: 4, orange: 12, red: 24 };

const RULE = `schema = 1
version = "floodnet"

[[rule]]
id      = "street-flood"
hazard  = "11A02"
name    = { zh = "道路积水", en = "Street flood" }
subject = "site"
area    = { level = "district", quorum = "1" }
yellow  = 'water_depth.last() >= site.yellow'
orange  = 'water_depth.last() >= site.orange'
red     = 'water_depth.last() >= site.red'
raise   = { after = "0m" }
lower   = { after = "10m", by = 0.03 }
source  = { document = "FloodNet: 4, 12 and 24 inches", confidence = "sure" }
`;

/** Directory and observations out of the data set's folder. */
export function streetFlood(data) {
  const sensors = readCsv(join(data, 'floodnet-sensor-metadata.csv')).filter(({ latitude, longitude }) => latitude !== '' && longitude !== '');
  const events = readCsv(join(data, 'floodnet-events-2020-11_2024-12.csv'));
  const known = new Set(sensors.map((sensor) => sensor.sensor_id));
  const readings = [];
  const figures = { sensors: sensors.length, events: events.length, 'without a profile': 0, 'without a place': 0, readings: 0 };
  for (const event of events) {
    const inches = list(event.flood_profile_depth_inches);
    const seconds = list(event.flood_profile_time_secs);
    const start = Date.parse(`${event.flood_start_time}Z`);
    if (inches.length === 0 || inches.length !== seconds.length || Number.isNaN(start)) {
      figures['without a profile'] += 1;
      continue;
    }
    if (!known.has(event.sensor_id)) figures['without a place'] += 1;
    inches.forEach((depth, index) => readings.push({ station: event.sensor_id, parameter: 'water_depth', time: start + seconds[index] * 1000, value: metres(depth) }));
  }
  figures.readings = readings.length;
  const thresholds = Object.fromEntries(Object.entries(INCH).map(([tier, inches]) => [tier, metres(inches)]));
  const files = directory({
    code: CODE, name: 'New York', timeZone: 'UTC', parameter: 'water_depth', interval: 60, rule: RULE,
    regions: districts(CODE, sensors.map(({ borough }) => borough)),
    places: sensors.map((sensor) => ({ id: sensor.sensor_id, name: sensor.sensor_name, kind: 'waterlogging', lon: Number(sensor.longitude), lat: Number(sensor.latitude), region: sensor.borough, thresholds })),
  });
  return { files: { ...files, 'observations.ndjson': ndjson(readings) }, figures };
}

const list = (text) => (text.trim().startsWith('[') ? text.replace(/[[\]\s]/g, '').split(',').filter(Boolean).map(Number) : []);

/** Hundredths of an inch are 254 micrometres each: exact. */
const metres = (inches) => ((Math.round(inches * 100) * 254) / 1e6).toFixed(6);
